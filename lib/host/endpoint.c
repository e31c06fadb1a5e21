// SPDX-License-Identifier: LGPL-2.1-or-later
/* Endpoints: what they are connected to, and the descriptor to poll. As driver/endpoint.c. */
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host.h"

struct host_endpoint *shmipc_host_endpoint_new(struct host_region *region, int flags)
{
	struct host_endpoint *ep = calloc(1, sizeof(*ep));

	if (!ep)
		return NULL;
	ep->region = region;
	ep->id = region->epoch << 48 | (++region->next_endpoint & 0xffffffffffffULL);
	ep->readable = !(flags & SHMIPC_OPEN_SEND_ONLY);
	ep->writable = !(flags & SHMIPC_OPEN_RECV_ONLY);
	ep->nonblock = flags & SHMIPC_OPEN_NONBLOCK;
	ep->dest_peer = SHMIPC_PEER_ANY;
	ep->pollfd = -1;
	ep->events_last = &ep->events;
	ep->next = region->endpoints;
	region->endpoints = ep;
	region->endpoints_open++;
	return ep;
}

/* It leaves its region; as the kernel's shmipc_endpoint_close() */
void shmipc_host_endpoint_free(struct host_endpoint *ep)
{
	struct host_region *region = ep->region;
	struct host_endpoint **link = &region->endpoints;
	u32 discarded;

	shmipc_host_port_kill(ep, &discarded);
	shmipc_host_watch_release(ep);
	while (*link != ep)
		link = &(*link)->next;
	*link = ep->next;
	region->endpoints_open--;
	shmipc_host_watch_sync(region);
	shmipc_host_event_release(ep);
	shmipc_host_notify_release(ep);
	shmipc_host_watch_endpoint_gone(region, ep->id);
	if (ep->pollfd >= 0)
		close(ep->pollfd);
	free(ep);
}

struct host_endpoint *shmipc_host_endpoint_find(struct host_region *region, u64 id)
{
	struct host_endpoint *ep = region->endpoints;

	while (ep && ep->id != id)
		ep = ep->next;
	return ep;
}

static bool endpoint_ready(const struct host_endpoint *ep)
{
	if (ep->region->gone || ep->events)
		return true;
	return ep->port ? ep->port->queued : ep->port_lost;
}

/* The descriptor follows */
static void pollfd_update(struct host_endpoint *ep)
{
	bool ready = endpoint_ready(ep);
	u64 one = 1;

	if (ep->pollfd < 0 || ready == ep->signalled)
		return;
	ep->signalled = ready;
	/* The program has it, too, and may have read it */
	if (!shmipc_host_is_ready(ep->pollfd, ready ? POLLOUT : POLLIN))
		return;
	if (ready ? write(ep->pollfd, &one, sizeof(one)) : read(ep->pollfd, &one, sizeof(one)))
		return;
}

void shmipc_host_endpoint_changed(struct host_endpoint *ep)
{
	pollfd_update(ep);
	shmipc_host_wake(&ep->wq);
}

int shmipc_host_endpoint_fd(struct host_endpoint *ep)
{
	if (ep->pollfd < 0) {
		ep->pollfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (ep->pollfd < 0)
			return -errno;
		pollfd_update(ep);
	}
	return ep->pollfd;
}

/* The port there, now */
static int connect_find(struct host_endpoint *ep, u32 peer, u32 number, u32 *generation)
{
	struct host_region *region = ep->region;
	struct host_link *link = shmipc_host_link(region, peer);
	struct shmipc_core_port theirs;
	struct host_port *own;
	int err;

	if (peer == region->slot) {
		own = shmipc_host_port_find(region, number);
		*generation = own ? own->generation : 0;
		return own ? 0 : -ECONNREFUSED;
	}
	if (!link)
		return -EHOSTUNREACH;
	/* Doorbells may be far apart; what is there already counts */
	shmipc_host_link_serve(link);
	err = shmipc_host_link_error(link);
	if (!err)
		err = shmipc_core_find_port(region->core, peer, number, &theirs);
	if (err)
		return err == -ENOENT ? -ECONNREFUSED : err == -ENOTCONN ? -EAGAIN : err;
	*generation = theirs.generation;
	return 0;
}

int shmipc_host_endpoint_connect(struct host_endpoint *ep, struct shmipc_connect *arg)
{
	u32 peer = arg->peer == SHMIPC_PEER_SELF ? ep->region->slot : arg->peer;
	u32 generation;
	int err;

	if (!ep->writable)
		return -EBADF;
	if (arg->port > SHMIPC_PORT_MAX || (arg->port && peer == SHMIPC_PEER_ANY))
		return -EINVAL;
	if (arg->port == SHMIPC_PORT_NONE) {
		ep->dest_peer = SHMIPC_PEER_ANY;
		return 0;
	}
	err = connect_find(ep, peer, arg->port, &generation);
	if (err)
		return err;
	if (arg->generation && arg->generation != generation)
		return -ECONNRESET;
	ep->dest_peer = peer;
	ep->dest_port = arg->port;
	ep->dest_generation = generation;
	arg->out_peer = peer;
	arg->out_generation = generation;
	return 0;
}
