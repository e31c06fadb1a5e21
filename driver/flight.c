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
 * Memory: one flight for each slot that somebody here has sent to, as long as the
 * peer's depth (clamped) allows to be under way, charged to who sent first.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "shmipc.h"

/**
 * struct shmipc_flight - messages under way to one slot
 * @generation: of the port they went to
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

/* The flight of a slot; made if it is not there. Process context, no lock */
static struct shmipc_flight *flight_get(struct shmipc_link *link, u32 slot)
{
	struct shmipc_flight *flight = xa_load(&link->flights, slot);
	int err;

	if (flight)
		return flight;
	flight = kzalloc(sizeof(*flight), GFP_KERNEL_ACCOUNT);
	if (!flight)
		return NULL;
	err = xa_insert(&link->flights, slot, flight, GFP_KERNEL_ACCOUNT);
	if (!err)
		return flight;
	kfree(flight);
	/* Flights are never removed, so who was faster is still there */
	return err == -EBUSY ? xa_load(&link->flights, slot) : NULL;
}

/* Move to a longer array; link->lock */
static void flight_move(struct shmipc_flight *flight, u64 *ids, u32 room)
{
	u32 at;

	/* Both are powers of two, or the old one is 0 and empty */
	for (at = flight->head; at != flight->tail; at++)
		ids[at & (room - 1)] = flight->ids[at & (flight->room - 1)];
	flight->ids = ids;
	flight->room = room;
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
	struct shmipc_flight *flight = flight_get(link, port->slot);
	u32 room = flight_room(port);
	u64 *ids, *old;

	if (!flight)
		return -ENOMEM;
	if (likely(READ_ONCE(flight->room) >= room))
		return 0;
	ids = kvmalloc_array(room, sizeof(*ids), GFP_KERNEL_ACCOUNT);
	if (!ids)
		return -ENOMEM;

	shmipc_link_lock(link);
	old = ids;
	if (flight->room < room) {
		old = flight->ids;
		flight_move(flight, ids, room);
	}
	shmipc_link_unlock(link);
	kvfree(old);
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

/*
 * A message begins to be sent; link->lock. The counters are on the peer's cache
 * lines: looked at only when the FIFO is full, which in the long run is rare.
 */
static void flight_begin(struct shmipc_link *link, const struct shmipc_core_tx *tx, u64 id)
{
	struct shmipc_flight *flight = xa_load(&link->flights, tx->slot);

	if (!flight || !flight->room)
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

/* A message of several parts is complete; link->lock */
static void flight_complete(struct shmipc_link *link, const struct shmipc_core_tx *tx, u64 id)
{
	struct shmipc_flight *flight = xa_load(&link->flights, tx->slot);
	u32 at;

	if (!flight || !flight->room)
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
 * Return: as push.
 */
int shmipc_flight_push(struct shmipc_link *link, struct shmipc_core_tx *tx, u64 endpoint,
		       bool *ring)
{
	bool first = !tx->open;
	int ret;

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
	struct shmipc_flight *flight;
	u32 counts[FLIGHT_BATCH];
	u64 ids[FLIGHT_BATCH];
	unsigned long slot;
	u32 nr, i;

	xa_for_each(&link->flights, slot, flight) {
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
	struct shmipc_flight *flight = xa_load(&link->flights, slot);

	if (flight)
		atomic_add(delta, &flight->waiting);
}

/* For PORTS: flights are never removed while the region can be used */
u32 shmipc_flight_waiting(struct shmipc_link *link, u32 slot)
{
	struct shmipc_flight *flight = xa_load(&link->flights, slot);

	return flight ? atomic_read(&flight->waiting) : 0;
}

void shmipc_flight_release(struct shmipc_link *link)
{
	struct shmipc_flight *flight;
	unsigned long slot;

	xa_for_each(&link->flights, slot, flight) {
		kvfree(flight->ids);
		kfree(flight);
	}
	xa_destroy(&link->flights);
}
