// SPDX-License-Identifier: LGPL-2.1-or-later
/* WATCH: questions that are answered once. As driver/watch.c. */
#include "host.h"

static bool watch_needs_tables(const struct host_region *region, const struct host_watch *w)
{
	return w->kind == SHMIPC_WATCH_NAME ||
	       (w->kind == SHMIPC_WATCH_PORT && w->peer != region->slot);
}

static bool endpoint_needs_tables(const struct host_endpoint *ep)
{
	const struct host_watch *w;

	for (w = ep->watches; w; w = w->next)
		if (watch_needs_tables(ep->region, w))
			return true;
	return false;
}

void shmipc_host_watch_sync(struct host_region *region)
{
	bool need = region->lookups;
	struct host_endpoint *ep;

	for (ep = region->endpoints; ep && !need; ep = ep->next)
		need = endpoint_needs_tables(ep);
	if (need == region->tables || region->gone)
		return;
	region->tables = need;
	shmipc_core_watch_tables(region->core, need);
}

/* Forget the question at @at, and answer it */
static void watch_answer(struct host_endpoint *ep, struct host_watch **at,
			 const struct shmipc_lookup *found)
{
	struct host_watch *w = *at;
	struct shmipc_event *event = &w->answer.event;

	*at = w->next;
	event->kind = w->kind == SHMIPC_WATCH_NAME ? SHMIPC_EVENT_NAME : SHMIPC_EVENT_GONE;
	event->peer = found ? found->out_peer : w->peer;
	event->cookie = w->cookie;
	if (found) {
		event->port = found->out_port;
		event->generation = found->out_generation;
	} else if (w->kind == SHMIPC_WATCH_PORT) {
		event->port = w->port;
		event->generation = w->generation;
	} else if (w->kind == SHMIPC_WATCH_ENDPOINT) {
		event->endpoint = w->endpoint;
	}
	shmipc_host_event_append(ep, &w->answer);
}

typedef bool (*watch_test)(const struct host_region *region, const struct host_watch *w,
			   const void *what);

/* Answer all for which @test says so */
static void watch_each(struct host_region *region, watch_test test, const void *what,
		       const struct shmipc_lookup *found)
{
	struct host_endpoint *ep;

	for (ep = region->endpoints; ep; ep = ep->next) {
		struct host_watch **at = &ep->watches;

		while (*at) {
			if (test(region, *at, what))
				watch_answer(ep, at, found);
			else
				at = &(*at)->next;
		}
	}
}

static bool is_peer(const struct host_region *region, const struct host_watch *w, const void *what)
{
	(void)region;
	return w->kind != SHMIPC_WATCH_NAME && w->peer == *(const u32 *)what;
}

void shmipc_host_watch_peer_gone(struct host_region *region, u32 peer)
{
	watch_each(region, is_peer, &peer, NULL);
}

static bool is_own_port(const struct host_region *region, const struct host_watch *w,
			const void *what)
{
	const struct host_port *port = what;

	return w->kind == SHMIPC_WATCH_PORT && w->peer == region->slot &&
	       w->port == port->number && w->generation == port->generation;
}

void shmipc_host_watch_port_gone(struct host_region *region, const struct host_port *port)
{
	watch_each(region, is_own_port, port, NULL);
}

static bool is_endpoint(const struct host_region *region, const struct host_watch *w,
			const void *what)
{
	return w->kind == SHMIPC_WATCH_ENDPOINT && w->peer == region->slot &&
	       w->endpoint == *(const u64 *)what;
}

void shmipc_host_watch_endpoint_gone(struct host_region *region, u64 id)
{
	watch_each(region, is_endpoint, &id, NULL);
}

struct name_here {
	u32 peer;
	const char *name;
};

static bool is_name(const struct host_region *region, const struct host_watch *w,
		    const void *what)
{
	const struct name_here *here = what;

	(void)region;
	return w->kind == SHMIPC_WATCH_NAME && !strcmp(w->name, here->name) &&
	       (w->peer == SHMIPC_PEER_ANY || w->peer == here->peer);
}

void shmipc_host_watch_name_here(struct host_region *region, u32 peer, const char *name,
				 u32 number, u32 generation)
{
	struct shmipc_lookup found = {
		.out_peer = peer, .out_port = number, .out_generation = generation,
	};
	struct name_here here = { peer, name };

	watch_each(region, is_name, &here, &found);
}

/* Has the port of another peer that is watched gone? */
static bool is_lost_port(const struct host_region *region, const struct host_watch *w,
			 const void *what)
{
	u32 peer = *(const u32 *)what;
	struct shmipc_core_port port;
	int err;

	if (w->kind != SHMIPC_WATCH_PORT || w->peer != peer)
		return false;
	err = shmipc_core_find_port(region->core, peer, w->port, &port);
	return err == -ENOENT || (!err && port.generation != w->generation);
}

/* The table of @peer may have changed */
void shmipc_host_watch_recheck(struct host_region *region, u32 peer)
{
	struct shmipc_core_port port;
	u32 slot;

	if (!region->tables)
		return;
	for (slot = 0; slot < region->div.geo.ports; slot++)
		if (!shmipc_core_read_port(region->core, peer, slot, &port) && port.name[0])
			shmipc_host_watch_name_here(region, peer, port.name, port.port,
						    port.generation);
	watch_each(region, is_lost_port, &peer, NULL);
}

static struct host_watch **watch_find(struct host_endpoint *ep, u64 cookie)
{
	struct host_watch **at = &ep->watches;

	while (*at && (*at)->cookie != cookie)
		at = &(*at)->next;
	return at;
}

/* The generation of a port now, or 0 */
static u32 port_generation(struct host_region *region, u32 peer, u32 number)
{
	struct shmipc_core_port theirs;
	struct host_port *own;

	if (peer == region->slot) {
		own = shmipc_host_port_find(region, number);
		return own ? own->generation : 0;
	}
	return shmipc_core_find_port(region->core, peer, number, &theirs) ? 0 :
									    theirs.generation;
}

/* Is there nothing (any more) to wait for? */
static bool watch_is_moot(struct host_region *region, const struct host_watch *w)
{
	struct host_link *link = shmipc_host_link(region, w->peer);

	if (link && shmipc_host_link_state(link) != SHMIPC_PEER_UP)
		return true;
	if (w->kind == SHMIPC_WATCH_PORT)
		return !w->generation ||
		       port_generation(region, w->peer, w->port) != w->generation;
	if (w->kind == SHMIPC_WATCH_ENDPOINT && !link)
		return !shmipc_host_endpoint_find(region, w->endpoint);
	return false;
}

static int watch_check(const struct host_region *region, const struct shmipc_watch *arg, u32 peer)
{
	if (arg->kind < SHMIPC_WATCH_PEER || arg->kind > SHMIPC_WATCH_NAME)
		return -EINVAL;
	if (arg->kind == SHMIPC_WATCH_NAME && !shmipc_host_name_ok(arg->name, false))
		return -EINVAL;
	if (arg->kind == SHMIPC_WATCH_PORT && (!arg->port || arg->port > SHMIPC_PORT_MAX))
		return -EINVAL;
	if (peer == SHMIPC_PEER_ANY && arg->kind == SHMIPC_WATCH_NAME)
		return 0;
	return peer < region->div.geo.peers ? 0 : -EHOSTUNREACH;
}

static struct host_watch *watch_new(struct host_region *region, const struct shmipc_watch *arg,
				    u32 peer)
{
	struct host_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->answer.watch = true;
	w->kind = arg->kind;
	w->peer = peer;
	w->port = arg->port;
	w->generation = arg->generation;
	w->endpoint = arg->endpoint;
	w->cookie = arg->cookie;
	memcpy(w->name, arg->name, sizeof(w->name));
	if (!w->generation && w->kind == SHMIPC_WATCH_PORT)
		w->generation = port_generation(region, peer, w->port);
	return w;
}

static int watch_add(struct host_endpoint *ep, const struct shmipc_watch *arg, u32 peer)
{
	struct host_region *region = ep->region;
	struct shmipc_lookup found = { 0 };
	struct host_watch *w;

	if (*watch_find(ep, arg->cookie))
		return -EEXIST;
	if (ep->nr_watches >= SHMIPC_WATCH_MAX)
		return -ENOSPC;
	w = watch_new(region, arg, peer);
	if (!w)
		return -ENOMEM;
	ep->nr_watches++;
	w->next = ep->watches;
	ep->watches = w;
	/* The engine first, then look: a change in between rings */
	shmipc_host_watch_sync(region);
	if (w->kind == SHMIPC_WATCH_NAME) {
		if (!shmipc_host_find(region, peer, w->name, true, &found))
			watch_answer(ep, &ep->watches, &found);
	} else if (watch_is_moot(region, w)) {
		watch_answer(ep, &ep->watches, NULL);
	}
	shmipc_host_nudge(region);
	return 0;
}

static int watch_forget(struct host_endpoint *ep, u64 cookie)
{
	struct host_watch **at = watch_find(ep, cookie);
	struct host_watch *w = *at;

	if (!w)
		return -ENOENT;
	*at = w->next;
	free(w);
	ep->nr_watches--;
	shmipc_host_watch_sync(ep->region);
	return 0;
}

int shmipc_host_watch(struct host_endpoint *ep, const struct shmipc_watch *arg)
{
	struct host_region *region = ep->region;
	u32 peer = arg->peer == SHMIPC_PEER_SELF ? region->slot : arg->peer;
	int err;

	if (arg->flags & SHMIPC_WATCH_REMOVE)
		return watch_forget(ep, arg->cookie);
	err = watch_check(region, arg, peer);
	return err ? err : watch_add(ep, arg, peer);
}

void shmipc_host_watch_release(struct host_endpoint *ep)
{
	struct host_watch *w;

	while (ep->watches) {
		w = ep->watches;
		ep->watches = w->next;
		free(w);
	}
}
