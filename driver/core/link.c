// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The handshake of one link.
 *
 * Each side publishes inc, its own incarnation, and seen, the peer's for which
 * it has reset its side: lane, indices, wake words, results, credit. The link is
 * up when both seen match the other's inc; only then is anything else that the
 * peer writes believed, and reading starts at 0.
 *
 *	restart:		inc = 0, barrier, reset, barrier, inc = new
 *	on a new inc of the peer: reset, barrier, seen = it
 *
 * A pair that has been up and went down without a new inc of the peer is never
 * used again: we restart. Both sides' resets thus always lie between two pairs.
 * Documentation/wire-protocol.md argues it, selftests/core/model_link.c checks it.
 */
#include "engine.h"

static void set_state(struct shmipc_link *link, enum shmipc_core_state state)
{
	WRITE_ONCE(link->state, state);
}

static enum shmipc_core_state state_of(const struct shmipc_link *link)
{
	if (link->broken)
		return SHMIPC_LINK_BROKEN;
	if (!READ_ONCE(link->met))
		return link->state == SHMIPC_LINK_FOREIGN ? link->state : SHMIPC_LINK_ABSENT;
	if (link->up)
		return SHMIPC_LINK_UP;
	return link->stalled ? SHMIPC_LINK_STALLED : SHMIPC_LINK_JOINING;
}

/*
 * Our side starts at 0 again. Link lock. Either own inc is 0 or the peer's is
 * new: it does not trust what we write here until the inc or seen that follows.
 */
static void link_reset(struct shmipc_core *core, struct shmipc_link *link)
{
	WRITE_ONCE(link->up, false);
	link->used = false;
	link->session++;
	if (!(link->session & 0xffff))
		link->session++;
	link->rx.rd = 0;
	link->rx.count = 1;
	link->rx.retry = false;
	link->rd = 0;
	shm_write32(&link->own->rd, 0);
	shmipc_tx_reset(core, link);
	shmipc_wake_reset(link);
	shmipc_result_reset(core, link);
	shmipc_credit_reset_rx(core, link);
}

void shmipc_link_restart(struct shmipc_core *core, struct shmipc_link *link)
{
	u32 old = link->own_inc;
	u32 seen = link->header ? shm_read32(&link->theirs->seen) : 0;

	shm_write32(&link->own->inc, 0);
	shm_wmb();	/* pairs with shmipc_link_current() */
	link_reset(core, link);
	link->own_inc = shmipc_unlike(link->next_inc, old, seen);
	link->next_inc = link->own_inc + 1;
	shm_release32(&link->own->inc, link->own_inc);	/* pairs with shmipc_link_handshake() */
}

/* The peer has a new incarnation. Link lock */
static void link_meet(struct shmipc_core *core, struct shmipc_link *link, u32 inc)
{
	link_reset(core, link);
	link->peer_inc = inc;
	shm_release32(&link->own->seen, inc);	/* pairs with link_try_up() at the peer */
}

/*
 * Both have acknowledged each other? seen is read before inc: a peer that
 * restarted meanwhile wrote its inc first. Link lock.
 */
static bool link_try_up(struct shmipc_core *core, struct shmipc_link *link)
{
	u32 seen, inc;

	shm_mb();	/* our seen and inc before the peer's; the peer does likewise */
	seen = shm_acquire32(&link->theirs->seen);
	inc = shm_acquire32(&link->theirs->inc);
	if (!inc || inc != link->peer_inc || seen != link->own_inc)
		return false;
	shmipc_credit_reset_tx(core, link);
	link->used = true;
	link->stalled = false;
	WRITE_ONCE(link->up, true);
	return true;
}

/* Messages under way are given up, the outside is told. Servicer, no lock */
void shmipc_link_down(struct shmipc_core *core, struct shmipc_link *link, u32 bits)
{
	shmipc_link_lock(core, link);
	WRITE_ONCE(link->up, false);
	bits |= link->pending;
	link->pending = 0;
	if (link->reported)
		link->stats.resets++;
	set_state(link, state_of(link));
	shmipc_link_unlock(core, link);

	if (link->reported) {
		shmipc_rx_drop(core, link);
		link->reported = false;
		bits |= SHMIPC_CORE_DOWN;
	} else {
		bits &= ~SHMIPC_CORE_DOWN;
	}
	shmipc_link_event(core, link, bits);
}

/* No peer there that we understand */
static void link_gone(struct shmipc_core *core, struct shmipc_link *link,
		      enum shmipc_core_state state)
{
	u32 bits = SHMIPC_CORE_DOWN;

	if (link->met)
		bits |= SHMIPC_CORE_ABSENT;
	WRITE_ONCE(link->met, false);
	if (bits & SHMIPC_CORE_ABSENT || READ_ONCE(link->pending))
		shmipc_link_down(core, link, bits);
	shmipc_link_lock(core, link);
	if (!link->broken)
		set_state(link, state);
	shmipc_link_unlock(core, link);
	WRITE_ONCE(link->peer_epoch, 0);
}

/* One step of the handshake, for an attached peer. True: came up */
static bool link_step(struct shmipc_core *core, struct shmipc_link *link, u32 *flags)
{
	u32 inc;
	bool up;

	shmipc_link_lock(core, link);
	inc = shm_acquire32(&link->theirs->inc);	/* pairs with shmipc_link_restart() */
	if (inc && inc != link->peer_inc) {
		link_meet(core, link, inc);
		*flags |= SHMIPC_SERVICE_RING;
	} else if (inc && link->used) {
		shmipc_link_restart(core, link);
		*flags |= SHMIPC_SERVICE_RING;
	}
	up = link_try_up(core, link);
	if (up)		/* what the peer wanted to hear of before was not looked at */
		*flags |= SHMIPC_SERVICE_RING;
	set_state(link, state_of(link));
	shmipc_link_unlock(core, link);
	return up;
}

/* Is the pair still the one that came up? */
static bool link_holds(const struct shmipc_core *core, const struct shmipc_link *link)
{
	bool holds;

	shmipc_link_lock(core, link);
	holds = link->up && shm_acquire32(&link->theirs->inc) == link->peer_inc &&
		shm_read32(&link->theirs->seen) == link->own_inc;
	shmipc_link_unlock(core, link);
	return holds;
}

/* A violation found outside the servicer, or just now: the peer is told, too */
void shmipc_link_report(struct shmipc_core *core, struct shmipc_link *link, u32 *flags)
{
	if (!READ_ONCE(link->pending))
		return;
	*flags |= SHMIPC_SERVICE_RING;
	shmipc_link_down(core, link, SHMIPC_CORE_DOWN);
}

/* True: the link is up */
bool shmipc_link_handshake(struct shmipc_core *core, struct shmipc_link *link, u32 *flags)
{
	enum shmipc_core_state there = shmipc_presence(core, link);

	if (there != SHMIPC_LINK_UP) {
		link_gone(core, link, there);
		return false;
	}
	WRITE_ONCE(link->met, true);
	if (link_holds(core, link))
		return true;
	shmipc_link_report(core, link, flags);
	if (link->reported)
		shmipc_link_down(core, link, SHMIPC_CORE_DOWN);
	if (READ_ONCE(link->broken) || !link_step(core, link, flags))
		return false;
	link->reported = true;
	shmipc_link_event(core, link, SHMIPC_CORE_UP);
	return true;
}

/* The pair is over, even if the peer puts the old incarnation back. Link lock */
void shmipc_link_stale(struct shmipc_link *link)
{
	WRITE_ONCE(link->up, false);
	set_state(link, state_of(link));
}

/*
 * The peer broke the rules, if it has not simply restarted under our eyes. Only
 * this link suffers. The servicer reports it. Link lock.
 */
int shmipc_link_violated(struct shmipc_core *core, struct shmipc_link *link)
{
	if (!link->up)
		return -ENOTCONN;
	if (!shmipc_link_current(link)) {
		shmipc_link_stale(link);
		return -ENOTCONN;
	}
	WRITE_ONCE(link->up, false);
	WRITE_ONCE(link->broken, true);
	link->own_inc = 0;
	shm_write32(&link->own->inc, 0);
	link->stats.errors++;
	WRITE_ONCE(link->pending, link->pending | SHMIPC_CORE_PROTO);
	set_state(link, SHMIPC_LINK_BROKEN);
	return -EPROTO;
}

static void restart_as(struct shmipc_core *core, struct shmipc_link *link, bool stalled)
{
	shmipc_link_lock(core, link);
	link->stalled = stalled;	/* who hears of it sees it */
	shmipc_link_unlock(core, link);
	shmipc_link_down(core, link, SHMIPC_CORE_DOWN);
	shmipc_link_lock(core, link);
	WRITE_ONCE(link->broken, false);
	shmipc_link_restart(core, link);
	set_state(link, state_of(link));
	shmipc_link_unlock(core, link);
}

void shmipc_core_relink(struct shmipc_core *core, u32 peer)
{
	restart_as(core, shmipc_link_of(core, peer), false);
}

void shmipc_core_stall(struct shmipc_core *core, u32 peer)
{
	restart_as(core, shmipc_link_of(core, peer), true);
}
