// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Wake words: who sleeps says so in shared memory, fences, and looks again; who
 * publishes something stores it, fences, and reads the other's word. Each pair
 * is named at both ends:
 *
 *	rd_wake / commit word		rx_sleep() / wake_reader()
 *	sp_wake / rd			shmipc_core_arm() / rd_publish()
 *	want / credit, result, table	shmipc_core_arm() / shmipc_credit_return(),
 *					shmipc_core_answer(), table_changed()
 */
#include "engine.h"

/* Does a position published, from @from to @to, pass the one armed in @word? */
bool shmipc_wake_crossed(u32 word, u32 from, u32 to)
{
	u32 behind = ((word >> 1) - from) & 0x7fffffff;

	return (word & 1) && behind < to - from;
}

/*
 * Does the peer want to be rung for any of @bits? One ring answers one value of
 * the word: a waiter who goes on waiting stores another. Link lock.
 */
bool shmipc_wake_wanted(struct shmipc_link *link, u32 bits)
{
	u32 want;

	if (!link->up)
		return false;
	want = shm_read32(&link->theirs->want);
	if (!(want & bits) || want == link->answered)
		return false;
	link->answered = want;
	return true;
}

static void want_renew(struct shmipc_link *link)
{
	link->want = ++link->want_seq << SHMIPC_WIRE_WANT_BITS | link->want_bits;
	shm_write32(&link->own->want, link->want);
}

/* Link lock, in a restart */
void shmipc_wake_reset(struct shmipc_link *link)
{
	link->rx.wake = 0;
	link->want = 0;
	link->want_bits = 0;
	link->answered = 0;
	shm_write32(&link->own->rd_wake, 0);
	shm_write32(&link->own->sp_wake, 0);
	shm_write32(&link->own->want, 0);
}

/*
 * Room is worth a wake-up when any record fits again: half the lane. The
 * reader publishes rd at the latest when it has emptied the lane.
 */
static void space_arm(struct shmipc_core *core, struct shmipc_link *link)
{
	link->tx.space = true;
	link->tx.target = link->tx.wr - core->cap / 2 - 1;
	link->tx.sp_wake = SHMIPC_WIRE_WAKE(link->tx.target);
	shm_write32(&link->own->sp_wake, link->tx.sp_wake);
}

void shmipc_core_arm(struct shmipc_core *core, u32 peer, u32 bits)
{
	struct shmipc_link *link = shmipc_link_of(core, peer);
	u32 want = 0;

	if (bits & SHMIPC_CORE_CREDIT)
		want |= SHMIPC_WIRE_WANT_CREDIT;
	if (bits & SHMIPC_CORE_RESULT)
		want |= SHMIPC_WIRE_WANT_RESULT;
	/* With half of it free any record fits: who finds no room waits for another's stream */
	if (link->up && bits & SHMIPC_CORE_SPACE && link->tx.wr - link->tx.rd > core->cap / 2)
		space_arm(core, link);
	if (link->up && want) {
		link->want_bits |= want;
		want_renew(link);
	}
	shm_mb();	/* pairs with the three in the head of this file */
}

/* Positions are compared modulo 2^32 here: both are ours */
static bool space_made(const struct shmipc_link *link)
{
	u32 used = link->tx.wr - link->tx.rd;

	return used < link->tx.wr - link->tx.target;
}

static int want_check(struct shmipc_core *core, struct shmipc_link *link, u32 *events)
{
	u32 wanted = link->want_bits;
	int news;

	if (wanted & SHMIPC_WIRE_WANT_CREDIT) {
		news = shmipc_credit_scan(core, link);
		if (news < 0)
			return news;
		if (news)
			*events |= SHMIPC_CORE_CREDIT;
	}
	if (wanted & SHMIPC_WIRE_WANT_RESULT && shmipc_result_scan(core, link))
		*events |= SHMIPC_CORE_RESULT;
	return 0;
}

/*
 * What those who sleep on this link wait for: event bits. Who is not woken goes
 * on waiting, under a new want: the ring that brought us here may have used up
 * the old one. Link lock.
 */
u32 shmipc_wake_check(struct shmipc_core *core, struct shmipc_link *link)
{
	u32 events = 0;

	if (shmipc_tx_refresh(core, link))
		return 0;
	if (link->tx.space && space_made(link)) {
		link->tx.space = false;
		events |= SHMIPC_CORE_SPACE;
	}
	if (!link->want_bits || want_check(core, link, &events))
		return events;
	if (events & SHMIPC_CORE_CREDIT)
		link->want_bits &= ~SHMIPC_WIRE_WANT_CREDIT;
	if (events & SHMIPC_CORE_RESULT)
		link->want_bits &= ~SHMIPC_WIRE_WANT_RESULT;
	if (!link->want_bits)
		return events;
	want_renew(link);
	shm_mb();	/* pairs with shmipc_credit_return(), shmipc_core_answer() */
	if (!want_check(core, link, &events) && events & SHMIPC_CORE_CREDIT)
		link->want_bits &= ~SHMIPC_WIRE_WANT_CREDIT;
	if (events & SHMIPC_CORE_RESULT)
		link->want_bits &= ~SHMIPC_WIRE_WANT_RESULT;
	return events;
}
