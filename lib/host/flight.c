// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Flights: whose messages are under way to a peer's port, so that after a reset
 * each endpoint is told how many of its own were not confirmed. As driver/flight.c,
 * which draws the FIFO.
 */
#include "host.h"

/* Urgent levels may exceed the window by an eighth, at least by one; one is kept free */
static u32 flight_room(const struct shmipc_core_port *port)
{
	u32 need = min(max(port->depth, 1U), SHMIPC_DEPTH_MAX);
	u32 room = 1;

	need += need / 8 + 2;
	while (room < need)
		room *= 2;
	return room;
}

/* Make room to remember messages to a port, before the first push to it */
int shmipc_host_flight_prepare(struct host_link *link, const struct shmipc_core_port *port)
{
	struct host_flight *flight = &link->flights[port->slot];
	u32 room = flight_room(port), at;
	u64 *ids;

	if (flight->room >= room)
		return 0;
	ids = malloc(room * sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	for (at = flight->head; at != flight->tail; at++)
		ids[at & (room - 1)] = flight->ids[at & (flight->room - 1)];
	free(flight->ids);
	flight->ids = ids;
	flight->room = room;
	return 0;
}

/* Drop from the head what has been confirmed */
static void flight_trim(struct host_link *link, struct host_flight *flight, u32 slot)
{
	u32 generation = 0, sent = 0, consumed = 0;

	shmipc_core_progress(link->region->core, link->peer, slot, &generation, &sent, &consumed);
	if (generation != flight->generation)
		flight->head = flight->tail;
	else if (flight->tail - flight->head > sent - consumed)
		flight->head = flight->tail - (sent - consumed);
}

static void flight_begin(struct host_link *link, const struct shmipc_core_tx *tx, u64 id)
{
	struct host_flight *flight = &link->flights[tx->slot];

	if (!flight->room)
		return;
	if (flight->generation != tx->generation) {
		/* The port of before has closed, its queue with it */
		flight->generation = tx->generation;
		flight->head = flight->tail;
	}
	flight->mark[tx->level] = flight->tail;
	flight->ids[flight->tail++ & (flight->room - 1)] = id;
	if (flight->tail - flight->head < flight->room)
		return;
	flight_trim(link, flight, tx->slot);
	/* Still full: the peer let more be sent than it had published */
	if (flight->tail - flight->head == flight->room)
		flight->head++;
}

/* A message of several parts is complete */
static void flight_complete(struct host_link *link, const struct shmipc_core_tx *tx, u64 id)
{
	struct host_flight *flight = &link->flights[tx->slot];
	u32 at = flight->mark[tx->level];

	if (flight->room && at - flight->head < flight->tail - flight->head)
		flight->ids[at & (flight->room - 1)] = id;
}

/* The engine's push, with a note of whose message it is */
int shmipc_host_flight_push(struct host_link *link, struct shmipc_core_tx *tx, u64 endpoint)
{
	bool first = !tx->open, ring = false;
	int ret;

	ret = shmipc_core_push(link->region->core, link->peer, tx, &ring);
	if (ring)
		shmipc_host_link_ring(link);
	if (ret < 0)
		return ret;
	if (first)
		flight_begin(link, tx, ret ? 0 : endpoint);
	else if (!ret)
		flight_complete(link, tx, endpoint);
	/* Its level is free for another message of several parts: no ring says so */
	if (!first && !ret)
		shmipc_host_wake(&link->region->wq);
	return ret;
}

/* The link went down: count what each endpoint lost */
void shmipc_host_flight_down(struct host_link *link)
{
	struct host_region *region = link->region;
	struct host_endpoint *ep;
	u32 slot;
	u64 id;

	for (slot = 0; slot < region->div.geo.ports; slot++) {
		struct host_flight *flight = &link->flights[slot];

		if (!flight->room)
			continue;
		flight_trim(link, flight, slot);
		while (flight->head != flight->tail) {
			id = flight->ids[flight->head++ & (flight->room - 1)];
			ep = id ? shmipc_host_endpoint_find(region, id) : NULL;
			if (!ep)
				continue;
			ep->lost[link->peer].untold++;
			ep->lost[link->peer].fresh++;
		}
	}
}

void shmipc_host_flight_release(struct host_link *link)
{
	u32 slot;

	for (slot = 0; link->flights && slot < link->region->div.geo.ports; slot++)
		free(link->flights[slot].ids);
	free(link->flights);
}
