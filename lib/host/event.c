// SPDX-License-Identifier: LGPL-2.1-or-later
/* Event records that wait to be read. As driver/event.c. */
#include "host.h"

#define MASK_DOORBELL	SHMIPC_EVENT_BIT(SHMIPC_EVENT_DOORBELL)
#define MASK_KNOWN	(SHMIPC_MASK_PEER | MASK_DOORBELL | SHMIPC_MASK_READ)

static struct host_event *event_new(u32 kind)
{
	struct host_event *event = calloc(1, sizeof(*event));

	if (event)
		event->event.kind = kind;
	return event;
}

/* Queue a record, the answer to a watch for one; it is taken over */
void shmipc_host_event_append(struct host_endpoint *ep, struct host_event *event)
{
	event->event.size = sizeof(event->event);
	event->event.time = shmipc_host_now();
	event->next = NULL;
	*ep->events_last = event;
	ep->events_last = &event->next;
	/* What is lost from here on is lost behind this one */
	ep->overrun = NULL;
	if (!event->watch)
		ep->nr_events++;
	shmipc_host_endpoint_changed(ep);
}

static void event_overrun(struct host_endpoint *ep)
{
	struct host_event *event;

	if (!ep->overrun) {
		event = event_new(SHMIPC_EVENT_OVERRUN);
		if (!event)
			return;
		shmipc_host_event_append(ep, event);
		ep->overrun = event;
	}
	ep->overrun->event.count++;
}

/* Rings that nobody has read of yet add up, if nothing else has happened since */
static bool event_merge(struct host_endpoint *ep, const struct shmipc_event *event)
{
	struct host_event *at, *same = NULL;

	if (event->kind != SHMIPC_EVENT_DOORBELL)
		return false;
	for (at = ep->events; at; at = at->next) {
		if (at->event.kind != SHMIPC_EVENT_DOORBELL)
			same = NULL;
		else if (at->event.peer == event->peer && at->event.vector == event->vector)
			same = at;
	}
	if (same)
		same->event.count += event->count;
	return same;
}

/* A record that no WATCH asked for, if @ep wants that kind */
static void event_post(struct host_endpoint *ep, const struct shmipc_event *what)
{
	struct host_event *event;

	if (!(ep->event_mask & SHMIPC_EVENT_BIT(what->kind)) || event_merge(ep, what))
		return;
	event = ep->nr_events < SHMIPC_EVENT_QUEUE ? event_new(what->kind) : NULL;
	if (!event) {
		event_overrun(ep);
		return;
	}
	event->event = *what;
	shmipc_host_event_append(ep, event);
}

void shmipc_host_event_doorbell(struct host_region *region, u32 peer, u32 vector, u32 count)
{
	const struct shmipc_event event = {
		.kind = SHMIPC_EVENT_DOORBELL, .peer = peer, .vector = vector, .count = count,
	};
	struct host_endpoint *ep;

	for (ep = region->endpoints; ep; ep = ep->next)
		event_post(ep, &event);
}

void shmipc_host_event_peer(struct host_region *region, u32 peer, u32 kind)
{
	struct shmipc_event event = { .kind = kind, .peer = peer };
	struct host_endpoint *ep;

	for (ep = region->endpoints; ep; ep = ep->next) {
		event.count = 0;
		if (kind != SHMIPC_EVENT_PEER_UP) {
			event.count = ep->lost[peer].fresh;
			ep->lost[peer].fresh = 0;
		}
		event_post(ep, &event);
	}
}

int shmipc_host_event_mask(struct host_endpoint *ep, struct shmipc_event_mask *arg)
{
	struct shmipc_event up = { .kind = SHMIPC_EVENT_PEER_UP };
	struct host_region *region = ep->region;
	bool report;

	if (arg->mask & ~MASK_KNOWN)
		return -EOPNOTSUPP;
	arg->out_mask = ep->event_mask;
	if (ep->event_mask & SHMIPC_MASK_READ && !(arg->mask & SHMIPC_MASK_READ))
		return -EINVAL;
	if (arg->mask & SHMIPC_MASK_READ && ep->port)
		return -EISCONN;
	report = arg->mask & ~ep->event_mask & SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_UP);
	ep->event_mask = arg->mask;
	/* Peers that are up already, so that none is missed */
	for (; report && up.peer < region->div.geo.peers; up.peer++) {
		struct host_link *link = shmipc_host_link(region, up.peer);

		if (link && shmipc_host_link_state(link) == SHMIPC_PEER_UP)
			event_post(ep, &up);
	}
	/* A listener arms the probing */
	shmipc_host_nudge(region);
	return 0;
}

static void event_take(struct host_endpoint *ep, struct shmipc_event *to)
{
	struct host_event *event = ep->events;

	ep->events = event->next;
	if (!ep->events)
		ep->events_last = &ep->events;
	if (event == ep->overrun)
		ep->overrun = NULL;
	if (event->watch)
		ep->nr_watches--;
	else
		ep->nr_events--;
	*to = event->event;
	/* Of a struct host_watch this is the first member */
	free(event);
}

int shmipc_host_event_read(struct host_endpoint *ep, struct shmipc_events *arg)
{
	struct host_wait wait = {
		.deadline = arg->deadline,
		.nonblock = ep->nonblock || arg->flags & SHMIPC_EVENTS_NOWAIT,
	};
	struct shmipc_event *to = (void *)(uintptr_t)arg->data;
	u32 room = arg->len / sizeof(*to);
	int err;

	if (arg->reserved)
		return -EOPNOTSUPP;
	if (!room)
		return -EINVAL;
	if (!ep->readable)
		return -EBADF;
	while (!ep->events) {
		if (ep->region->gone)
			return -ENODEV;
		err = shmipc_host_may_sleep(&wait);
		if (!err)
			err = shmipc_host_sleep(ep->region, &ep->wq, &wait, 0);
		if (err < 0 && !ep->events)
			return err;
	}
	while (ep->events && arg->out_nr < room)
		event_take(ep, &to[arg->out_nr++]);
	arg->out_len = arg->out_nr * sizeof(*to);
	shmipc_host_endpoint_changed(ep);
	return 0;
}

void shmipc_host_event_release(struct host_endpoint *ep)
{
	struct shmipc_event event;

	while (ep->events)
		event_take(ep, &event);
}
