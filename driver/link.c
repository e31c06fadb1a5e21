// SPDX-License-Identifier: GPL-2.0
/*
 * Links: what joins a region with one other peer, whatever the format. Who looks
 * at the peer's section, when, and what follows from what was found there.
 *
 * A kick asks for a look. One at a time does it, the servicer: whoever finds
 * @pending idle. A kick that finds it busy leaves a note, and the servicer looks
 * again. A kicker may be an interrupt, or a sender's system call through the
 * loopback transport, so it services a limited number of rounds, allocates
 * without sleeping, and hands the rest over to the worker. "Handing over" is
 * letting go and queueing the worker: whoever comes first goes on.
 *
 * Rings that servicing causes are "nested": answering them in our context could
 * recurse for as long as two peers have something to say to each other.
 *
 * Kickers stay inside rcu_read_lock() and look for @gone in there; all that
 * queues the worker does so too. shmipc_region_remove() relies on it.
 */
#define pr_fmt(fmt) "shmipc: " fmt

#include <linux/jiffies.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "shmipc.h"

/* link->pending */
enum {
	LINK_IDLE,
	LINK_BUSY,
	LINK_AGAIN,	/* busy, and kicked since the servicer began to look */
};

#define LINK_ROUNDS		8	/* then the worker goes on, after its other duties */
#define LINK_BACKOFF_MAX_MS	1000
#define LINK_RERING_MS		50U	/* a ring may have been lost; then twice as long, ... */
#define LINK_RERING_MAX_MS	3000U
#define LINK_RETRY_MS		1	/* first back-off: no memory */
#define LINK_RELINK_MS		10	/* a peer that broke the protocol */
#define LINK_HEALTHY_MS		10000	/* a link that held this long starts anew */
#define LINK_PROBE_MS		100	/* of waiting, before we ask for a sign of life */
#define LINK_SILENCE_NS		NSEC_PER_SEC	/* without one: stalled */

void shmipc_link_lock(struct shmipc_link *link)
	__acquires(&link->lock)
{
	unsigned long flags;

	spin_lock_irqsave(&link->lock, flags);
	link->lock_flags = flags;
}

void shmipc_link_unlock(struct shmipc_link *link)
	__releases(&link->lock)
{
	unsigned long flags = link->lock_flags;

	spin_unlock_irqrestore(&link->lock, flags);
}

/**
 * shmipc_link_get() - the link to another peer
 * @region: ours
 * @peer: as user space or a peer says it
 *
 * Return: NULL for an id that is no slot, and for our own.
 */
struct shmipc_link *shmipc_link_get(struct shmipc_region *region, u32 peer)
{
	if (peer >= region->cfg.peers || peer == region->cfg.peer)
		return NULL;
	return &region->links[array_index_nospec(peer, region->cfg.peers)];
}

/* Whoever queues has seen !@gone inside rcu_read_lock(), or is the worker */
static void link_queue(struct shmipc_link *link, unsigned int delay_ms)
{
	unsigned long delay = msecs_to_jiffies(delay_ms);

	/*
	 * What is due earlier stays: that run computes anew what else is due. @expires
	 * may be stale; the worst of it is a run too early.
	 */
	if (!queue_delayed_work(link->region->wq, &link->work, delay) &&
	    (!delay || time_before(jiffies + delay, READ_ONCE(link->work.timer.expires))))
		mod_delayed_work(link->region->wq, &link->work, delay);
}

/**
 * shmipc_link_wake() - sending may be possible again, or pointless
 * @link: its lock is held
 *
 * Wakes blocked senders and those who poll; what they wait for was stored before.
 */
void shmipc_link_wake(struct shmipc_link *link)
{
	/* Pairs with prepare_to_wait() of those who sleep on a link */
	if (wq_has_sleeper(&link->wq))
		wake_up_all(&link->wq);
	shmipc_endpoint_wake_writers(&link->writers);
}

static void link_backoff(unsigned int *ms, unsigned int first)
{
	*ms = *ms ? min(*ms * 2, (unsigned int)LINK_BACKOFF_MAX_MS) : first;
}

/* The peer did not answer a probe, says rescan; is it still so? Servicer */
static u32 link_check_stall(struct shmipc_link *link)
{
	bool stall;

	if (likely(!READ_ONCE(link->stall)))
		return 0;
	shmipc_link_lock(link);
	stall = link->probed;
	link->stall = false;
	link->probed = 0;
	shmipc_link_unlock(link);
	if (!stall)
		return 0;
	link->region->fmt->stall(link);
	return SHMIPC_SERVICE_RING;
}

/* What we wrote is not there any more, says verify. Servicer */
static u32 link_check_restart(struct shmipc_link *link)
{
	if (likely(!READ_ONCE(link->restart)))
		return 0;
	link->region->fmt->relink(link);
	WRITE_ONCE(link->restart, false);	/* verify_work() looks whether it is done */
	return SHMIPC_SERVICE_RING;
}

/* Restart a broken link when its time has come, and ring. False: not yet. Servicer */
static bool link_check_relink(struct shmipc_link *link, u32 *ring)
{
	long left;

	if (likely(!link->broken))
		return true;
	left = link->relink_at - jiffies;
	if (left > 0) {
		link_queue(link, jiffies_to_msecs(left) + 1);
		return false;
	}
	link->broken = false;
	link->region->fmt->relink(link);
	*ring |= SHMIPC_SERVICE_RING;
	return true;
}

/* One look at the peer. Servicer */
static u32 link_round(struct shmipc_link *link)
{
	u32 ring, ret;

	/* It is not ours to look with any more: the transport takes us away */
	if (!shmipc_region_held(link->region))
		return 0;
	ring = link_check_restart(link);
	if (!link_check_relink(link, &ring))
		return ring;
	ret = link->region->fmt->service(link) | ring;
	/* After the look: an echo that is there has been seen, and has cleared @probed */
	ret |= link_check_stall(link);
	if (!(ret & SHMIPC_SERVICE_RETRY)) {
		link->retry_ms = 0;
		return ret;
	}
	/* Kickers try as well, but their failures do not count */
	if (link->may_sleep || !link->retry_ms)
		link_backoff(&link->retry_ms, LINK_RETRY_MS);
	link_queue(link, link->retry_ms);
	return ret;
}

/*
 * Be the servicer until nobody has kicked since the last look, or it is the
 * worker's turn. Returns whether the peer must be rung.
 */
static bool link_serve(struct shmipc_link *link, bool worker)
{
	int rounds = 0;
	bool ring = false;
	u32 ret;

	link->may_sleep = worker;
	for (;;) {
		/*
		 * What was stored before a kick that we take note of here is seen by
		 * the look that follows; pairs with the xchg in link_claim().
		 */
		atomic_xchg(&link->pending, LINK_BUSY);
		ret = link_round(link);
		ring |= ret & SHMIPC_SERVICE_RING;
		if (shmipc_region_gone(link->region)) {
			atomic_set_release(&link->pending, LINK_IDLE);
			return ring;
		}
		if (!(ret & SHMIPC_SERVICE_MORE) &&
		    atomic_cmpxchg(&link->pending, LINK_BUSY, LINK_IDLE) == LINK_BUSY)
			return ring;
		if (worker)
			cond_resched();
		if (++rounds == LINK_ROUNDS) {
			/*
			 * Let go first: the worker must not find us busy. It has
			 * streams to run, too.
			 */
			atomic_set_release(&link->pending, LINK_IDLE);
			link_queue(link, 0);
			return ring;
		}
	}
}

/* Become the servicer, or leave it a note. Pairs with link_serve() */
static bool link_claim(struct shmipc_link *link)
{
	return atomic_xchg(&link->pending, LINK_AGAIN) == LINK_IDLE;
}

/**
 * shmipc_link_kick() - a doorbell arrived, or something must be looked at
 * @link: of a region that may be gone
 *
 * Any context, no lock held.
 */
void shmipc_link_kick(struct shmipc_link *link)
{
	struct shmipc_region *region = link->region;

	rcu_read_lock();
	if (!shmipc_region_gone(region) && link_claim(link) && link_serve(link, false))
		region->cfg.ops->ring(region, link->peer, true);
	rcu_read_unlock();
}

/* Likewise, in the worker */
void shmipc_link_kick_later(struct shmipc_link *link)
{
	rcu_read_lock();
	if (!shmipc_region_gone(link->region))
		link_queue(link, 0);
	rcu_read_unlock();
}

/* Likewise, after @ms; sooner, if something is due sooner; a second later at most */
void shmipc_link_kick_after(struct shmipc_link *link, unsigned int ms)
{
	rcu_read_lock();
	if (!shmipc_region_gone(link->region))
		link_queue(link, ms);
	rcu_read_unlock();
}

/*
 * The peer has not read what we rang for: the ring may have been lost, and who sent
 * need not be here any more to notice. Some times, then it is up to those who wait.
 */
static void link_ring_again(struct shmipc_link *link)
{
	if (!link->region->cfg.ops->lossy || !link->region->fmt->undrained(link)) {
		link->rering_ms = 0;
		return;
	}
	if (link->rering_ms > LINK_RERING_MAX_MS)
		return;
	link->rering_ms = max(2 * link->rering_ms, LINK_RERING_MS);
	shmipc_link_ring(link);
	shmipc_link_kick_after(link, link->rering_ms);
}

/* Not nested: we have let go of the link when we ring */
static void link_work(struct work_struct *work)
{
	struct shmipc_link *link = container_of(to_delayed_work(work), struct shmipc_link, work);

	if (shmipc_region_gone(link->region))
		return;
	if (link_claim(link) && link_serve(link, true))
		shmipc_link_ring(link);
	shmipc_stream_run(link);
	link_ring_again(link);
}

/**
 * shmipc_link_ring() - ring the peer
 * @link: of a region that may be gone
 *
 * Any context, no lock held, not the servicer. Services the peer synchronously
 * where the transport can.
 */
void shmipc_link_ring(struct shmipc_link *link)
{
	struct shmipc_region *region = link->region;

	rcu_read_lock();
	if (!shmipc_region_gone(region)) {
		region->cfg.ops->ring(region, link->peer, false);
		/* See link_ring_again() */
		if (region->cfg.ops->lossy && !delayed_work_pending(&link->work))
			link_queue(link, LINK_RERING_MS);
	}
	rcu_read_unlock();
}

/* Ask for a sign of life, or notice that none came. True: ring */
static bool link_probe(struct shmipc_link *link, unsigned int waited_ms)
{
	struct shmipc_region *region = link->region;
	bool ring = false, stall = false;
	s64 now = ktime_get_ns();

	shmipc_link_lock(link);
	if (!region->fmt->probe || waited_ms < LINK_PROBE_MS ||
	    region->fmt->state(link) != SHMIPC_PEER_UP) {
		;
	} else if (!link->probed) {
		region->fmt->probe(link);
		link->probed = now;
		ring = true;
	} else if (now - link->probed < LINK_SILENCE_NS) {
		ring = true;
	} else {
		WRITE_ONCE(link->stall, true);
		stall = true;
	}
	shmipc_link_unlock(link);
	if (stall)
		shmipc_link_kick_later(link);
	return ring;
}

/**
 * shmipc_link_rescan() - a waiter's timer fired: doorbells may have been lost
 * @link: on which it waits
 * @waited_ms: how long it has waited without progress
 *
 * Process context, no lock held.
 */
void shmipc_link_rescan(struct shmipc_link *link, unsigned int waited_ms)
{
	const struct shmipc_format_ops *fmt = link->region->fmt;
	u32 state;
	bool ring;

	shmipc_patrol_verify(link->region);
	shmipc_link_kick(link);
	state = fmt->state(link);
	ring = fmt->undrained(link) || state == SHMIPC_PEER_JOINING || state == SHMIPC_PEER_STALLED;
	ring |= link_probe(link, waited_ms);
	if (ring)
		shmipc_link_ring(link);
}

/* The peer broke the rules. Servicer */
static void link_broken(struct shmipc_link *link)
{
	if (time_after(jiffies, link->relink_at + msecs_to_jiffies(LINK_HEALTHY_MS)))
		link->relink_ms = 0;
	link_backoff(&link->relink_ms, LINK_RELINK_MS);
	link->broken = true;
	link->relink_at = jiffies + msecs_to_jiffies(link->relink_ms);
	link_queue(link, link->relink_ms);
	dev_warn_ratelimited(&link->region->dev,
			     "peer %u broke the protocol, restarting its link in %u ms\n",
			     link->peer, link->relink_ms);
}

/* It was up. What is lost is counted before anybody is told. Servicer */
static void link_down(struct shmipc_link *link, u32 bits)
{
	struct shmipc_region *region = link->region;
	u32 kind = bits & SHMIPC_CORE_ABSENT ? SHMIPC_EVENT_PEER_DOWN : SHMIPC_EVENT_PEER_RESET;

	shmipc_flight_down(link);
	shmipc_stream_down(link);
	shmipc_event_peer(region, link->peer, kind);
	shmipc_watch_peer_gone(region, link->peer);
}

#define LINK_ALIVE_BITS	(SHMIPC_CORE_ALIVE | SHMIPC_CORE_UP | SHMIPC_CORE_DOWN)
#define LINK_TABLE_BITS	(SHMIPC_CORE_TABLE | SHMIPC_CORE_UP | SHMIPC_CORE_DOWN)
#define LINK_ROOM_BITS	(SHMIPC_CORE_SPACE | SHMIPC_CORE_CREDIT)
#define LINK_WAKE_BITS	(LINK_ROOM_BITS | LINK_TABLE_BITS | SHMIPC_CORE_ABSENT | \
			 SHMIPC_CORE_PROTO | SHMIPC_CORE_RESULT)

/**
 * shmipc_link_event() - servicing found something
 * @link: link
 * @bits: SHMIPC_CORE_*
 *
 * Servicer's context, or that of the region's removal; no lock held.
 */
void shmipc_link_event(struct shmipc_link *link, u32 bits)
{
	struct shmipc_region *region = link->region;

	WRITE_ONCE(link->activity, link->activity + 1);
	if (shmipc_region_gone(region))
		return;
	if (bits & LINK_ALIVE_BITS) {
		shmipc_link_lock(link);
		link->probed = 0;
		shmipc_link_unlock(link);
	}
	if (bits & SHMIPC_CORE_PROTO)
		link_broken(link);
	if (bits & SHMIPC_CORE_DOWN)
		link_down(link, bits);
	if (bits & SHMIPC_CORE_UP)
		shmipc_event_peer(region, link->peer, SHMIPC_EVENT_PEER_UP);
	if (bits & SHMIPC_CORE_BELL)
		shmipc_notify_rang(link);
	if (bits & LINK_TABLE_BITS) {
		wake_up_all(&region->table_wq);
		shmipc_watch_recheck(region, link->peer);
	}
	if (bits & LINK_WAKE_BITS) {
		shmipc_link_lock(link);
		shmipc_link_wake(link);
		shmipc_link_unlock(link);
	}
	if (bits & LINK_ROOM_BITS && !list_empty(&link->streams))
		link_queue(link, 0);
}

void shmipc_link_init(struct shmipc_region *region, u32 peer)
{
	struct shmipc_link *link = &region->links[peer];

	link->region = region;
	link->peer = peer;
	spin_lock_init(&link->lock);
	atomic_set(&link->pending, LINK_IDLE);
	INIT_DELAYED_WORK(&link->work, link_work);
	link->relink_at = jiffies;
	init_waitqueue_head(&link->wq);
	INIT_LIST_HEAD(&link->writers);
	INIT_LIST_HEAD(&link->streams);
	atomic64_set(&link->rings, 0);
}

void shmipc_link_stop(struct shmipc_link *link)
{
	cancel_delayed_work_sync(&link->work);
}

void shmipc_link_release(struct shmipc_link *link)
{
	shmipc_flight_release(link);
}
