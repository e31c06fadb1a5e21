// SPDX-License-Identifier: LGPL-2.1-or-later
/* One other peer: looking at its section, and what follows. As driver/link.c. */
#include "host.h"

#define LINK_BUDGET		32	/* records of one look */
#define LINK_ROUNDS		8	/* looks, before others have their turn */
#define LINK_BACKOFF_MAX_MS	1000
#define LINK_RELINK_MS		10	/* a peer that broke the protocol */
#define LINK_HEALTHY_NS		(10 * NS_PER_S)	/* a link that held this long starts anew */
#define LINK_PROBE_MS		100	/* of waiting, before we ask for a sign of life */
#define LINK_SILENCE_NS		NS_PER_S	/* without one: stalled */
#define LINK_JOIN_NS		(2 * NS_PER_S)	/* a handshake that takes longer: nobody there */

struct host_link *shmipc_host_link(struct host_region *region, u32 peer)
{
	if (peer >= region->div.geo.peers || peer == region->slot)
		return NULL;
	return &region->links[peer];
}

u32 shmipc_host_link_state(const struct host_link *link)
{
	switch (shmipc_core_state(link->region->core, link->peer)) {
	case SHMIPC_LINK_FOREIGN:
		return SHMIPC_PEER_FOREIGN;
	case SHMIPC_LINK_JOINING:
		return SHMIPC_PEER_JOINING;
	case SHMIPC_LINK_UP:
		return SHMIPC_PEER_UP;
	case SHMIPC_LINK_STALLED:
		return SHMIPC_PEER_STALLED;
	case SHMIPC_LINK_BROKEN:
		return SHMIPC_PEER_BROKEN;
	default:
		return SHMIPC_PEER_ABSENT;
	}
}

/*
 * Why nothing can be sent to the peer: 0 if it is up, -EAGAIN if it is worth waiting.
 * A section whose owner was killed stays there: its handshake never ends.
 */
int shmipc_host_link_error(const struct host_link *link)
{
	switch (shmipc_host_link_state(link)) {
	case SHMIPC_PEER_UP:
		return 0;
	case SHMIPC_PEER_JOINING:
		return link->joining && shmipc_host_now() - link->joining > LINK_JOIN_NS ?
		       -EHOSTDOWN : -EAGAIN;
	case SHMIPC_PEER_STALLED:
		return -EHOSTDOWN;
	case SHMIPC_PEER_BROKEN:
		return -EPROTO;
	default:
		return -EHOSTUNREACH;
	}
}

void shmipc_host_link_ring(struct host_link *link)
{
	link->rings++;
	link->region->ring |= 1ULL << link->peer;
}

/* False: broken, and its time has not come */
static bool link_relink(struct host_link *link)
{
	if (!link->broken)
		return true;
	if (shmipc_host_now() < link->relink_at)
		return false;
	link->broken = false;
	shmipc_core_relink(link->region->core, link->peer);
	shmipc_host_link_ring(link);
	return true;
}

static void link_note_joining(struct host_link *link)
{
	if (shmipc_host_link_state(link) != SHMIPC_PEER_JOINING)
		link->joining = 0;
	else if (!link->joining)
		link->joining = shmipc_host_now();
}

u32 shmipc_host_link_serve(struct host_link *link)
{
	u32 ret = 0;
	int round;

	if (link->region->gone || !link_relink(link))
		return 0;
	for (round = 0; round < LINK_ROUNDS; round++) {
		ret = shmipc_core_service(link->region->core, link->peer, LINK_BUDGET);
		if (ret & SHMIPC_SERVICE_RING)
			shmipc_host_link_ring(link);
		if (!(ret & SHMIPC_SERVICE_MORE))
			break;
	}
	if (link->streams) {
		shmipc_host_stream_run(link);
		/* A violation that a push found is reported here */
		if (shmipc_core_service(link->region->core, link->peer, 1) & SHMIPC_SERVICE_RING)
			shmipc_host_link_ring(link);
	}
	link_note_joining(link);
	return ret & (SHMIPC_SERVICE_MORE | SHMIPC_SERVICE_RETRY);
}

s64 shmipc_host_link_due(const struct host_link *link)
{
	return link->broken ? link->relink_at : 0;
}

/* Ask for a sign of life, or notice that none came */
void shmipc_host_link_probe(struct host_link *link)
{
	struct shmipc_core *core = link->region->core;
	s64 now = shmipc_host_now();

	if (shmipc_host_link_state(link) != SHMIPC_PEER_UP)
		return;
	if (!link->probed) {
		shmipc_core_probe(core, link->peer);
		link->probed = now;
	} else if (now - link->probed >= LINK_SILENCE_NS) {
		link->probed = 0;
		shmipc_core_stall(core, link->peer);
	}
	shmipc_host_link_ring(link);
}

/* A waiter's timer fired: doorbells may have been lost, the peer may have died */
void shmipc_host_link_rescan(struct host_link *link, u32 waited_ms)
{
	u32 state;

	shmipc_host_region_verify(link->region);
	if (link->region->gone)
		return;
	shmipc_host_link_serve(link);
	state = shmipc_host_link_state(link);
	if (state == SHMIPC_PEER_JOINING || state == SHMIPC_PEER_STALLED ||
	    shmipc_core_undrained(link->region->core, link->peer))
		shmipc_host_link_ring(link);
	if (waited_ms >= LINK_PROBE_MS)
		shmipc_host_link_probe(link);
}

/* The peer broke the rules */
static void link_broken(struct host_link *link)
{
	s64 now = shmipc_host_now();

	if (now > link->relink_at + LINK_HEALTHY_NS)
		link->relink_ms = 0;
	link->relink_ms = link->relink_ms ? min(link->relink_ms * 2, LINK_BACKOFF_MAX_MS) :
					    LINK_RELINK_MS;
	link->broken = true;
	link->relink_at = now + link->relink_ms * NS_PER_MS;
	shmipc_host_nudge(link->region);
}

/* It was up. What is lost is counted before anybody is told */
static void link_down(struct host_link *link, u32 bits)
{
	struct host_region *region = link->region;
	u32 kind = bits & SHMIPC_CORE_ABSENT ? SHMIPC_EVENT_PEER_DOWN : SHMIPC_EVENT_PEER_RESET;

	shmipc_host_flight_down(link);
	shmipc_host_stream_down(link);
	shmipc_host_event_peer(region, link->peer, kind);
	shmipc_host_watch_peer_gone(region, link->peer);
}

#define LINK_ALIVE_BITS	(SHMIPC_CORE_ALIVE | SHMIPC_CORE_UP | SHMIPC_CORE_DOWN)
#define LINK_TABLE_BITS	(SHMIPC_CORE_TABLE | SHMIPC_CORE_UP | SHMIPC_CORE_DOWN)
#define LINK_WAKE_BITS	(LINK_TABLE_BITS | SHMIPC_CORE_SPACE | SHMIPC_CORE_CREDIT | \
			 SHMIPC_CORE_ABSENT | SHMIPC_CORE_PROTO | SHMIPC_CORE_RESULT)

/* Servicing found something: SHMIPC_CORE_* bits */
void shmipc_host_link_event(struct host_link *link, u32 bits)
{
	struct host_region *region = link->region;

	shmipc_host_active(region);
	if (bits & LINK_ALIVE_BITS)
		link->probed = 0;
	if (bits & SHMIPC_CORE_PROTO)
		link_broken(link);
	if (bits & SHMIPC_CORE_DOWN)
		link_down(link, bits);
	if (bits & SHMIPC_CORE_UP)
		shmipc_host_event_peer(region, link->peer, SHMIPC_EVENT_PEER_UP);
	if (bits & SHMIPC_CORE_BELL)
		shmipc_host_notify_rang(link);
	if (bits & LINK_TABLE_BITS)
		shmipc_host_watch_recheck(region, link->peer);
	if (bits & LINK_WAKE_BITS)
		shmipc_host_wake(&region->wq);
}
