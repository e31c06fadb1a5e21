// SPDX-License-Identifier: GPL-2.0
/*
 * Flights: whose messages are under way to a peer's port, so that after a reset
 * each endpoint can be told how many of its own were not confirmed.
 *
 * A flight is a FIFO of endpoint ids, in the order in which their messages began
 * to be sent to one slot of the peer's table. The format counts how many of them
 * have left the port's queue; so many are dropped from the head. (With
 * priorities they may leave in another order: then the number is right, and the
 * endpoint may not be.) What is still there when the link goes down is lost.
 *
 *	head ........ mark[level] ........ tail
 *	id   id   id      0       id   id
 *
 * A message of several parts is entered as 0 and gets its endpoint when it is
 * complete; until then its sender is still there to be told directly.
 *
 * A flight serves one generation of the port, which shmipc_flight_prepare() says;
 * with another, the port of before has closed, and its queue with it.
 *
 * Memory: an array of flights for each peer that somebody here has sent to, and
 * for each of its ports ids for as many messages as its depth (clamped) allows to be
 * under way, charged to who sent first. The ids of ports that have closed are given
 * back when there are twice as many as were in use at the last look.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "shmipc.h"

#define SWEEP_MIN	16	/* arrays of ids that are not worth a look */

/**
 * struct shmipc_flight - messages under way to one slot; link->lock
 * @generation: of the port they go to
 * @head: position of the oldest, free running
 * @tail: of the next
 * @room: length of @ids
 * @ids: endpoint at position modulo @room
 * @mark: position of the message of several parts of each level
 * @waiting: senders that wait to send there
 */
struct shmipc_flight {
	u32 generation;
	u32 head;
	u32 tail;
	u32 room;
	u64 *ids;
	u32 mark[SHMIPC_PRIORITIES];
	atomic_t waiting;
};

/* Urgent levels may exceed the window by an eighth, at least by one; and one is kept free */
static u32 flight_room(const struct shmipc_core_port *port)
{
	u32 depth = clamp_t(u32, port->depth, 1, SHMIPC_DEPTH_MAX);

	return roundup_pow_of_two(depth + depth / 8 + 2);
}

/* NULL for a slot that nobody has sent to */
static struct shmipc_flight *flight_of(struct shmipc_link *link, u32 slot)
{
	struct shmipc_flight *flights = smp_load_acquire(&link->flights); /* flights_make() */

	return flights && slot < link->region->nr_slots ? &flights[slot] : NULL;
}

/* The array of a peer; process context, no lock */
static int flights_make(struct shmipc_link *link)
{
	struct shmipc_flight *flights;

	flights = kvcalloc(link->region->nr_slots, sizeof(*flights), GFP_KERNEL);
	if (!flights)
		return -ENOMEM;
	/* pairs with flight_of() */
	if (cmpxchg_release(&link->flights, NULL, flights))
		kvfree(flights);
	return 0;
}

/* Move to a longer array; link->lock */
static void flight_move(struct shmipc_flight *flight, u64 *ids, u32 room)
{
	u32 at;

	/* Both are powers of two, or the old one is 0 and empty */
	for (at = flight->head; at != flight->tail; at++)
		ids[at & (room - 1)] = flight->ids[at & (flight->room - 1)];
	flight->ids = ids;
	WRITE_ONCE(flight->room, room);
}

/* 0: @generation is the port's that is in the slot now; -ENOENT: not; or nobody can tell */
static int flight_current(struct shmipc_link *link, u32 slot, u32 generation)
{
	struct shmipc_core_port now;
	int err = link->region->fmt->read_port(link, slot, &now);

	return err ?: now.generation == generation ? 0 : -ENOENT;
}

/* What a closed port has kept of a flight, to be freed; link->lock */
static u64 *flight_strip(struct shmipc_link *link, struct shmipc_flight *flight)
{
	u64 *ids = flight->ids;

	flight->head = flight->tail;
	WRITE_ONCE(flight->room, 0);
	flight->ids = NULL;
	link->flight_arrays--;
	return ids;
}

/*
 * Give back the ids of ports that have closed. A flight whose generation is not the
 * port's is used by nobody: who sends to a new one sets it first, under the lock.
 */
static void flights_sweep(struct shmipc_link *link)
{
	u32 slot;

	for (slot = 0; slot < link->region->nr_slots; slot++) {
		struct shmipc_flight *flight = flight_of(link, slot);
		u32 generation = READ_ONCE(flight->generation);
		u64 *ids = NULL;

		/* Not if the link went down: shmipc_flight_down() counts what is there */
		if (!READ_ONCE(flight->room) ||
		    flight_current(link, slot, generation) != -ENOENT)
			continue;
		shmipc_link_lock(link);
		if (flight->room && flight->generation == generation)
			ids = flight_strip(link, flight);
		shmipc_link_unlock(link);
		kvfree(ids);
	}
	shmipc_link_lock(link);
	link->flight_sweep = max_t(u32, 2 * link->flight_arrays, SWEEP_MIN);
	shmipc_link_unlock(link);
}

/*
 * Have it serve the port's generation, with @ids if they are needed. What is left
 * over is returned. A port that closed meanwhile is left alone: its successor's
 * messages may be there, and the push will say so. link->lock
 */
static u64 *flight_serve(struct shmipc_link *link, struct shmipc_flight *flight,
			 const struct shmipc_core_port *port, u64 *ids, u32 room)
{
	u64 *old = ids;

	if (flight_current(link, port->slot, port->generation))
		return ids;
	if (flight->generation != port->generation) {
		flight->head = flight->tail;
		WRITE_ONCE(flight->generation, port->generation);
	}
	if (flight->room >= room)
		return ids;
	link->flight_arrays += !flight->room;
	old = flight->ids;
	flight_move(flight, ids, room);
	return old;
}

/**
 * shmipc_flight_prepare() - make room to remember messages to a port
 * @link: peer
 * @port: as published by it
 *
 * Process context, no lock held.
 *
 * Return: 0 or -ENOMEM.
 */
int shmipc_flight_prepare(struct shmipc_link *link, const struct shmipc_core_port *port)
{
	struct shmipc_flight *flight = flight_of(link, port->slot);
	u32 room = flight_room(port);
	bool sweep;
	u64 *ids;

	if (likely(flight && READ_ONCE(flight->generation) == port->generation &&
		   READ_ONCE(flight->room) >= room))
		return 0;
	if (!flight && flights_make(link))
		return -ENOMEM;
	flight = flight_of(link, port->slot);
	ids = kvmalloc_array(room, sizeof(*ids), GFP_KERNEL_ACCOUNT);
	if (!ids)
		return -ENOMEM;

	shmipc_link_lock(link);
	ids = flight_serve(link, flight, port, ids, room);
	sweep = link->flight_arrays >= link->flight_sweep;
	shmipc_link_unlock(link);
	kvfree(ids);
	if (sweep)
		flights_sweep(link);
	return 0;
}

/* Drop from the head what has been confirmed; link->lock */
static void flight_trim(struct shmipc_link *link, struct shmipc_flight *flight, u32 slot)
{
	u32 generation = 0, sent = 0, consumed = 0;

	link->region->fmt->progress(link, slot, &generation, &sent, &consumed);
	if (generation != flight->generation)
		flight->head = flight->tail;
	else if (flight->tail - flight->head > sent - consumed)
		flight->head = flight->tail - (sent - consumed);
}

/* Prepared for this port, and not given back since; link->lock */
static bool flight_ready(const struct shmipc_flight *flight, const struct shmipc_core_tx *tx)
{
	return flight && flight->room && flight->generation == tx->generation;
}

/*
 * A message begins to be sent; link->lock. The counters are on the peer's cache
 * lines: looked at only when the FIFO is full, which in the long run is rare.
 */
static void flight_begin(struct shmipc_link *link, const struct shmipc_core_tx *tx, u64 id)
{
	struct shmipc_flight *flight = flight_of(link, tx->slot);

	flight->mark[tx->level] = flight->tail;
	flight->ids[flight->tail++ & (flight->room - 1)] = id;
	if (flight->tail - flight->head < flight->room)
		return;
	flight_trim(link, flight, tx->slot);
	/* Still full: the peer let more be sent than it had published */
	if (flight->tail - flight->head == flight->room)
		flight->head++;
}

/* A message of several parts is complete; link->lock */
static void flight_complete(struct shmipc_link *link, const struct shmipc_core_tx *tx, u64 id)
{
	struct shmipc_flight *flight = flight_of(link, tx->slot);
	u32 at;

	/* Begun in a port that has closed since */
	if (!flight_ready(flight, tx))
		return;
	at = flight->mark[tx->level];
	if (at - flight->head < flight->tail - flight->head)
		flight->ids[at & (flight->room - 1)] = id;
}

/**
 * shmipc_flight_push() - the format's push, with a note of whose message it is
 * @link: peer; its lock is held
 * @tx: message; shmipc_flight_prepare() was called for its slot
 * @endpoint: who sends it
 * @ring: as for push
 *
 * Return: as push; -ENOTCONN also if the port is not the one that was prepared for.
 */
int shmipc_flight_push(struct shmipc_link *link, struct shmipc_core_tx *tx, u64 endpoint,
		       bool *ring)
{
	bool first = !tx->open;
	int ret;

	if (first && !flight_ready(flight_of(link, tx->slot), tx))
		return -ENOTCONN;
	ret = link->region->fmt->push(link, tx, ring);
	if (ret < 0)
		return ret;
	if (first)
		flight_begin(link, tx, ret ? 0 : endpoint);
	else if (!ret)
		flight_complete(link, tx, endpoint);
	return ret;
}

static void flight_lost(struct shmipc_link *link, u64 id, u32 nr)
{
	struct shmipc_endpoint *ep;
	struct shmipc_lost *lost;

	ep = id ? shmipc_endpoint_find(link->region, id) : NULL;
	if (!ep)
		return;
	lost = READ_ONCE(ep->lost);
	if (lost) {
		atomic_add(nr, &lost[link->peer].untold);
		atomic_add(nr, &lost[link->peer].fresh);
	}
	shmipc_endpoint_put(ep);
}

#define FLIGHT_BATCH	16

/*
 * Take what is lost out of a flight: up to FLIGHT_BATCH runs of one endpoint each.
 * This may be an interrupt; few senders have many messages.
 */
static u32 flight_take(struct shmipc_link *link, struct shmipc_flight *flight, u64 *ids,
		       u32 *counts)
{
	u32 nr = 0;

	shmipc_link_lock(link);
	while (flight->head != flight->tail) {
		u64 id = flight->ids[flight->head & (flight->room - 1)];

		if (!nr || ids[nr - 1] != id) {
			if (nr == FLIGHT_BATCH)
				break;
			ids[nr] = id;
			counts[nr++] = 0;
		}
		counts[nr - 1]++;
		flight->head++;
	}
	shmipc_link_unlock(link);
	return nr;
}

/**
 * shmipc_flight_down() - the link went down: count what each endpoint lost
 * @link: not up again before this returns
 *
 * Servicer. The format still knows the final counters.
 */
void shmipc_flight_down(struct shmipc_link *link)
{
	u32 counts[FLIGHT_BATCH];
	u64 ids[FLIGHT_BATCH];
	u32 slot, nr, i;

	for (slot = 0; slot < link->region->nr_slots; slot++) {
		struct shmipc_flight *flight = flight_of(link, slot);

		if (!flight)
			break;
		if (!READ_ONCE(flight->room))
			continue;
		shmipc_link_lock(link);
		flight_trim(link, flight, slot);
		shmipc_link_unlock(link);
		while ((nr = flight_take(link, flight, ids, counts)))
			for (i = 0; i < nr; i++)
				flight_lost(link, ids[i], counts[i]);
	}
}

/* Count a sender that goes to sleep, or wakes; it has prepared the slot */
void shmipc_flight_wait(struct shmipc_link *link, u32 slot, int delta)
{
	struct shmipc_flight *flight = flight_of(link, slot);

	if (flight)
		atomic_add(delta, &flight->waiting);
}

u32 shmipc_flight_waiting(struct shmipc_link *link, u32 slot)
{
	struct shmipc_flight *flight = flight_of(link, slot);

	return flight ? atomic_read(&flight->waiting) : 0;
}

void shmipc_flight_release(struct shmipc_link *link)
{
	struct shmipc_flight *flight;
	u32 slot;

	for (slot = 0; (flight = flight_of(link, slot)); slot++)
		kvfree(flight->ids);
	kvfree(link->flights);
}
