// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Raw doorbells: NOTIFY rings one of a peer's bells, EVENTFD has our own bells wake
 * somebody. As driver/notify.c.
 */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "host.h"

static void bell_rang(struct host_region *region, u32 peer, u32 vector, u32 count)
{
	const struct host_binding *binding;
	const struct host_endpoint *ep;
	const u64 one = 1;

	for (ep = region->endpoints; ep; ep = ep->next)
		for (binding = ep->bindings; binding; binding = binding->next)
			if (binding->vector == vector &&
			    (binding->peer == peer || binding->peer == SHMIPC_PEER_ANY) &&
			    shmipc_host_is_ready(binding->fd, POLLOUT) &&
			    write(binding->fd, &one, sizeof(one)) < 0)
				continue;	/* full: it is readable */
	shmipc_host_event_doorbell(region, peer, vector, count);
}

/* We are about to attach: what rang up to now is not news. @epoch: the peer's */
void shmipc_host_notify_met(struct host_link *link, u32 epoch)
{
	link->bell_epoch = epoch;
	shmipc_core_bells(link->region->core, link->peer, link->bells);
}

/* Look which of our bells a peer rang */
void shmipc_host_notify_rang(struct host_link *link)
{
	u32 counts[SHMIPC_WIRE_BELLS];
	u32 vector, rang, epoch;

	epoch = shmipc_core_bells(link->region->core, link->peer, counts);
	if (!epoch)
		return;	/* it is attaching, and rings when it has: the next look will do */
	if (epoch != link->bell_epoch)
		memset(link->bells, 0, sizeof(link->bells));
	link->bell_epoch = epoch;
	for (vector = 0; vector < SHMIPC_WIRE_BELLS; vector++) {
		rang = counts[vector] - link->bells[vector];
		link->bells[vector] = counts[vector];
		if (rang)
			bell_rang(link->region, link->peer, vector, rang);
	}
}

static int notify_peer(struct host_link *link, u32 vector)
{
	int err = shmipc_host_link_error(link);

	if (err)
		return err;
	shmipc_core_bell(link->region->core, link->peer, vector);
	link->belled = true;
	shmipc_host_link_ring(link);
	return 0;
}

static u32 notify_all(struct host_region *region, u32 vector)
{
	struct host_link *link;
	u32 peer, rung = 0;

	for (peer = 0; peer < region->div.geo.peers; peer++) {
		link = shmipc_host_link(region, peer);
		rung += link && !notify_peer(link, vector);
	}
	return rung;
}

int shmipc_host_notify(struct host_endpoint *ep, struct shmipc_notify *arg)
{
	struct host_region *region = ep->region;
	u32 peer = arg->peer == SHMIPC_PEER_SELF ? region->slot : arg->peer;
	int err = 0;

	if (!ep->writable)
		return -EBADF;
	if (arg->vector >= SHMIPC_VECTORS)
		return -EINVAL;
	shmipc_host_serve(region);
	if (peer == SHMIPC_PEER_ANY) {
		arg->out_rung = notify_all(region, arg->vector);
		return 0;
	}
	if (peer >= region->div.geo.peers)
		return -EHOSTUNREACH;
	if (peer == region->slot)
		bell_rang(region, peer, arg->vector, 1);
	else
		err = notify_peer(shmipc_host_link(region, peer), arg->vector);
	arg->out_rung = !err;
	return err;
}

static bool is_eventfd(int fd)
{
	char path[40], target[40] = "";
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, target, sizeof(target) - 1);
	return len < 0 || !strcmp(target, "anon_inode:[eventfd]");
}

static int binding_add(struct host_endpoint *ep, const struct shmipc_eventfd *arg, u32 peer)
{
	struct host_binding *binding;

	if (ep->nr_bindings >= SHMIPC_EVENTFD_MAX)
		return -ENOSPC;
	binding = calloc(1, sizeof(*binding));
	if (!binding)
		return -ENOMEM;
	/* Ours: the caller may close its own, and the number be used again */
	binding->fd = fcntl(arg->fd, F_DUPFD_CLOEXEC, 0);
	if (binding->fd < 0) {
		free(binding);
		return -errno;
	}
	binding->key = arg->fd;
	binding->peer = peer;
	binding->vector = arg->vector;
	binding->next = ep->bindings;
	ep->bindings = binding;
	ep->nr_bindings++;
	return 0;
}

static void binding_remove(struct host_endpoint *ep, struct host_binding **at)
{
	struct host_binding *binding = *at;

	*at = binding->next;
	ep->nr_bindings--;
	close(binding->fd);
	free(binding);
}

int shmipc_host_eventfd(struct host_endpoint *ep, struct shmipc_eventfd *arg)
{
	struct host_region *region = ep->region;
	u32 peer = arg->peer == SHMIPC_PEER_SELF ? region->slot : arg->peer;
	struct host_binding **at = &ep->bindings;

	if (!ep->readable)
		return -EBADF;
	if (arg->vector >= SHMIPC_VECTORS)
		return -EINVAL;
	if (peer != SHMIPC_PEER_ANY && peer >= region->div.geo.peers)
		return -EHOSTUNREACH;
	if (fcntl(arg->fd, F_GETFD) < 0)
		return -EBADF;
	if (!is_eventfd(arg->fd))
		return -EINVAL;
	while (*at && ((*at)->key != arg->fd || (*at)->peer != peer ||
		       (*at)->vector != arg->vector))
		at = &(*at)->next;
	if (!(arg->flags & SHMIPC_EVENTFD_REMOVE))
		return *at ? -EEXIST : binding_add(ep, arg, peer);
	if (!*at)
		return -ENOENT;
	binding_remove(ep, at);
	return 0;
}

void shmipc_host_notify_release(struct host_endpoint *ep)
{
	while (ep->bindings)
		binding_remove(ep, &ep->bindings);
}
