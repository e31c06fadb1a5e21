// SPDX-License-Identifier: GPL-2.0
/*
 * Model of the handshake (link.c) with a lane in each direction, explored
 * exhaustively: every interleaving of both sides' single reads and writes of
 * shared memory, with reboots at any step.
 *
 *	safe	a delivered record was sent by the peer's incarnation that the
 *		receiver has acknowledged, to the receiver's present one, in order
 *	trust	an honest peer's rd is never found out of range
 *	live	from every state, if reboots stop, both sides come up
 *
 * model_link [MUTATION]: a mutation drops or swaps one step of the protocol; the
 * model must then find a counterexample (exit status 1). "list" names them.
 * Memory is sequentially consistent here: a missing barrier is a swapped step.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;

#define CELLS	3	/* of a lane; a record is one cell */

/* How much may happen, side 0 and side 1: each row is explored on its own */
static const struct config {
	unsigned char reboots[2], relinks[2], sends[2];
} configs[] = {
	{ { 1, 1 }, { 0, 0 }, { 0, 0 } },	/* a first boot is a reboot */
	{ { 1, 1 }, { 1, 1 }, { 3, 3 } },
	{ { 2, 1 }, { 1, 1 }, { 4, 1 } },
	{ { 1, 2 }, { 1, 1 }, { 4, 0 } },
	{ { 2, 2 }, { 0, 0 }, { 4, 1 } },
	{ { 2, 2 }, { 1, 1 }, { 2, 0 } },
	{ { 3, 2 }, { 0, 1 }, { 3, 0 } },
};

enum mutation {
	NONE, INC_BEFORE_RESET, INC_NOT_TAKEN_BACK, SEEN_BEFORE_RESET, NO_RECHECK,
	UP_ON_OWN_ACK, NO_ZERO_GRANULE_0, NO_ZERO_NEXT, RD_NOT_RESET,
	POSITION_NOT_RESET, LANE_NOT_RESET_ON_MEET, SAME_INC, MUTATIONS
};

static const char *const names[] = {
	"none", "inc-before-reset", "inc-not-taken-back", "seen-before-reset", "no-recheck",
	"up-on-own-ack", "no-zero-granule-0", "no-zero-next", "rd-not-reset",
	"position-not-reset", "lane-not-reset-on-meet", "same-inc",
};

static enum mutation mutation;

struct cell {
	u8 count;	/* the commit word: 0 nothing, else position + 1 */
	u8 from, to;	/* ghost: incarnations of sender and receiver */
};

/* What a side writes, and its private state */
struct side {
	u8 inc, seen, rd;
	struct cell lane[CELLS];

	u8 pc;
	u8 own_inc, peer_inc, last_inc;
	u8 up;
	u8 wr, tx_rd, rx_rd;
	u8 t, t2;		/* registers */
	struct cell copy;
	u8 reboots, relinks, sends;
};

struct state {
	struct side s[2];
};

/* Program counters. IDLE chooses what to do next */
enum {
	IDLE,
	/* reboot: as restart, but nothing is remembered */
	BOOT_INC0, BOOT_SEEN, BOOT_WIPE,
	/* restart */
	RE_INC0, RE_LANE, RE_RD, RE_INC,
	/* handshake */
	HS_HOLDS_INC, HS_HOLDS_SEEN, HS_INC, MEET_LANE, MEET_RD, MEET_SEEN, UP_SEEN, UP_INC,
	/* send: look at rd; zero the next cell, commit */
	TX_RD, TX_RECHECK, TX_PAYLOAD, TX_ZERO, TX_COMMIT,
	/* receive: look, copy, recheck, commit, publish */
	RX_COMMIT, RX_COPY, RX_RECHECK, RX_PUBLISH,
};

static const char *failure;

static void reset_private(struct side *me)
{
	me->up = 0;
	me->wr = 0;
	me->tx_rd = 0;
	if (mutation != POSITION_NOT_RESET)
		me->rx_rd = 0;
}

static void reset_lane(struct side *me)
{
	if (mutation == NO_ZERO_GRANULE_0)
		return;
	me->lane[0].count = 0;
}

static void set_inc(struct side *me)
{
	if (mutation != SAME_INC || !me->last_inc)
		me->last_inc++;
	me->own_inc = me->last_inc;
	me->inc = me->own_inc;
}

static void step_restart(struct side *me)
{
	int i;

	switch (me->pc) {
	case BOOT_INC0:		/* private memory is gone; a fresh number is assumed */
		me->inc = 0;
		reset_private(me);
		me->rx_rd = 0;
		me->peer_inc = 0;
		me->own_inc = 0;
		me->pc = BOOT_SEEN;
		break;
	case BOOT_SEEN:
		me->seen = 0;
		me->pc = BOOT_WIPE;
		break;
	case BOOT_WIPE:		/* formatting may do what it likes with payload */
		for (i = 0; i < CELLS; i++)
			memset(&me->lane[i].from, 0, 2);
		me->pc = RE_LANE;
		break;
	case RE_INC0:
		if (mutation != INC_NOT_TAKEN_BACK)
			me->inc = 0;
		reset_private(me);
		me->pc = RE_LANE;
		if (mutation == INC_BEFORE_RESET)
			set_inc(me);
		break;
	case RE_LANE:
		reset_lane(me);
		me->pc = RE_RD;
		break;
	case RE_RD:
		if (mutation != RD_NOT_RESET)
			me->rd = 0;
		me->pc = RE_INC;
		break;
	case RE_INC:
		if (mutation != INC_BEFORE_RESET || !me->own_inc)
			set_inc(me);
		me->pc = IDLE;
		break;
	}
}

static bool ready(const struct side *me, u8 seen, u8 inc)
{
	if (mutation == UP_ON_OWN_ACK)	/* do not wait until the peer is ready */
		return inc && inc == me->peer_inc;
	return inc && inc == me->peer_inc && seen == me->own_inc && me->own_inc;
}

static void step_handshake(struct side *me, const struct side *peer)
{
	switch (me->pc) {
	case HS_HOLDS_INC:
		me->t = peer->inc;
		me->pc = HS_HOLDS_SEEN;
		break;
	case HS_HOLDS_SEEN:
		if (me->up && me->t == me->peer_inc && peer->seen == me->own_inc) {
			me->pc = IDLE;
			break;
		}
		me->up = 0;
		me->pc = HS_INC;
		break;
	case HS_INC:
		me->t = peer->inc;
		me->pc = me->t && me->t != me->peer_inc ? MEET_LANE : UP_SEEN;
		break;
	case MEET_LANE:
		reset_private(me);
		if (mutation == SEEN_BEFORE_RESET)
			me->seen = me->t;
		if (mutation != LANE_NOT_RESET_ON_MEET)
			reset_lane(me);
		me->pc = MEET_RD;
		break;
	case MEET_RD:
		if (mutation != RD_NOT_RESET)
			me->rd = 0;
		me->pc = MEET_SEEN;
		break;
	case MEET_SEEN:
		me->seen = me->t;
		me->peer_inc = me->t;
		me->pc = UP_SEEN;
		break;
	case UP_SEEN:
		me->t2 = peer->seen;
		me->pc = UP_INC;
		break;
	case UP_INC:
		me->up = ready(me, me->t2, peer->inc);
		me->pc = IDLE;
		break;
	}
}

static void step_send(struct side *me, const struct side *peer)
{
	struct cell *cell = &me->lane[me->wr % CELLS];

	switch (me->pc) {
	case TX_RD:
		me->t = peer->rd;
		if (me->t >= me->tx_rd && me->t <= me->wr) {
			me->tx_rd = me->t;
			me->pc = IDLE;
		} else {
			me->pc = TX_RECHECK;
		}
		break;
	case TX_RECHECK:
		if (peer->inc == me->peer_inc)
			failure = "trust: an honest peer's rd is out of range";
		me->pc = IDLE;
		break;
	case TX_PAYLOAD:
		cell->from = me->own_inc;
		cell->to = me->peer_inc;
		me->pc = TX_ZERO;
		break;
	case TX_ZERO:
		if (mutation != NO_ZERO_NEXT)
			me->lane[(me->wr + 1) % CELLS].count = 0;
		me->pc = TX_COMMIT;
		break;
	case TX_COMMIT:
		cell->count = ++me->wr;
		me->pc = IDLE;
		break;
	}
}

static void step_receive(struct side *me, const struct side *peer)
{
	switch (me->pc) {
	case RX_COMMIT:
		me->t = peer->lane[me->rx_rd % CELLS].count;
		me->pc = me->t == me->rx_rd + 1 ? RX_COPY : IDLE;
		break;
	case RX_COPY:
		me->copy = peer->lane[me->rx_rd % CELLS];
		me->copy.count = 0;
		me->pc = RX_RECHECK;
		break;
	case RX_RECHECK:
		if (mutation != NO_RECHECK && peer->inc != me->peer_inc) {
			me->up = 0;
			me->pc = IDLE;
			break;
		}
		if (me->copy.from != me->peer_inc || me->copy.to != me->own_inc)
			failure = "safe: a record of another pair is delivered";
		me->rx_rd++;
		me->pc = RX_PUBLISH;
		break;
	case RX_PUBLISH:
		me->rd = me->rx_rd;
		memset(&me->copy, 0, sizeof(me->copy));
		me->pc = IDLE;
		break;
	}
}

static void step(struct state *st, int who)
{
	struct side *me = &st->s[who], *peer = &st->s[!who];

	if (me->pc <= RE_INC)
		step_restart(me);
	else if (me->pc <= UP_INC)
		step_handshake(me, peer);
	else if (me->pc <= TX_COMMIT)
		step_send(me, peer);
	else
		step_receive(me, peer);
	if (me->pc == IDLE) {		/* registers do not distinguish states */
		me->t = 0;
		me->t2 = 0;
		memset(&me->copy, 0, sizeof(me->copy));
	}
}

/* ---- exploration ---- */

static struct state *queue;
static uint32_t *parent;	/* of each state in the queue */
static uint32_t *table;		/* open addressing, index + 1 */
static uint32_t current;
static size_t queue_size, queue_room, table_room;

static uint64_t hash(const struct state *st)
{
	const u8 *p = (const u8 *)st;
	uint64_t h = 14695981039346656037ULL;
	size_t i;

	for (i = 0; i < sizeof(*st); i++)
		h = (h ^ p[i]) * 1099511628211ULL;
	return h ^ h >> 29;
}

static void table_grow(void)
{
	size_t i, at;

	table_room = table_room ? table_room * 2 : 1 << 20;
	free(table);
	table = calloc(table_room, sizeof(*table));
	for (i = 0; i < queue_size; i++) {
		for (at = hash(&queue[i]) & (table_room - 1); table[at];)
			at = (at + 1) & (table_room - 1);
		table[at] = i + 1;
	}
}

static void visit(const struct state *st)
{
	size_t at;

	if (queue_size * 2 >= table_room)
		table_grow();
	for (at = hash(st) & (table_room - 1); table[at]; at = (at + 1) & (table_room - 1))
		if (!memcmp(&queue[table[at] - 1], st, sizeof(*st)))
			return;
	if (queue_size == queue_room) {
		queue_room = queue_room ? queue_room * 2 : 1 << 16;
		queue = realloc(queue, queue_room * sizeof(*queue));
		parent = realloc(parent, queue_room * sizeof(*parent));
		if (!queue || !parent)
			exit(2);
	}
	parent[queue_size] = current;
	queue[queue_size++] = *st;
	table[at] = queue_size;
}

/* Choosing is private: the choice and its first step are one */
static void visit_at(struct state st, int who, u8 pc)
{
	st.s[who].pc = pc;
	step(&st, who);
	visit(&st);
}

static bool fits(const struct side *me)
{
	return me->wr - me->tx_rd + 2 <= CELLS;
}

/* All that may happen next on one side */
static void expand(const struct state *st, int who)
{
	const struct side *me = &st->s[who];
	struct state next = *st;

	if (me->reboots) {
		next.s[who].reboots--;
		next.s[who].pc = BOOT_INC0;
		step(&next, who);
		visit(&next);
		next = *st;
	}
	if (me->pc != IDLE) {
		step(&next, who);
		visit(&next);
		return;
	}
	visit_at(next, who, HS_HOLDS_INC);
	if (me->relinks && me->own_inc) {
		next.s[who].relinks--;
		visit_at(next, who, RE_INC0);
		next = *st;
	}
	if (me->up && me->sends && fits(me)) {
		next.s[who].sends--;
		visit_at(next, who, TX_PAYLOAD);
		next = *st;
	}
	if (me->up && me->wr)
		visit_at(next, who, TX_RD);	/* for room, or just so */
	if (me->up)
		visit_at(next, who, RX_COMMIT);
}

/* Without further reboots, servicing both by turns: do both come up? */
static bool comes_up(struct state st)
{
	int turn, i;

	for (turn = 0; turn < 8; turn++)
		for (i = 0; i < 2; i++) {
			struct side *me = &st.s[i];

			while (me->pc != IDLE)
				step(&st, i);
			if (!me->inc)
				me->pc = BOOT_INC0;	/* it does start one day */
			while (me->pc != IDLE)
				step(&st, i);
			me->pc = HS_HOLDS_INC;
			while (me->pc != IDLE)
				step(&st, i);
		}
	return st.s[0].up && st.s[1].up;
}

/* How we got there; to be read from the end, MODEL_TRACE=1 shows it */
static void trace(uint32_t at)
{
	int i;

	for (;; at = parent[at]) {
		for (i = 0; i < 2; i++) {
			const struct side *me = &queue[at].s[i];

			printf("%s%c pc %2u inc %u seen %u rd %u lane %u.%u%u %u.%u%u %u.%u%u",
			       i ? "   " : "# ", 'A' + i, me->pc, me->inc, me->seen, me->rd,
			       me->lane[0].count, me->lane[0].from, me->lane[0].to,
			       me->lane[1].count, me->lane[1].from, me->lane[1].to,
			       me->lane[2].count, me->lane[2].from, me->lane[2].to);
			printf(" | %u/%u up %u wr %u tx_rd %u rx_rd %u%s", me->own_inc,
			       me->peer_inc, me->up, me->wr, me->tx_rd, me->rx_rd,
			       i ? "\n" : "");
		}
		if (!at)
			return;
	}
}

static int explore(const struct config *config)
{
	struct state first;
	size_t i;

	memset(&first, 0, sizeof(first));
	for (i = 0; i < 2; i++) {
		first.s[i].pc = BOOT_INC0;
		first.s[i].reboots = config->reboots[i] - 1;
		first.s[i].relinks = config->relinks[i];
		first.s[i].sends = config->sends[i];
	}
	queue_size = 0;
	memset(table, 0, table_room * sizeof(*table));
	visit(&first);
	for (i = 0; i < queue_size && !failure; i++) {
		struct state st = queue[i];

		current = i;
		if (!comes_up(st) && !failure)
			failure = "live: the link does not come up";
		expand(&st, 0);
		expand(&st, 1);
	}
	printf("# %s: %zu states%s%s\n", names[mutation], queue_size, failure ? ", " : "",
	       failure ? failure : "");
	if (failure && getenv("MODEL_TRACE"))
		trace(queue_size - 1);
	return !!failure;
}

int main(int argc, char **argv)
{
	int i;

	if (argc > 1 && !strcmp(argv[1], "list")) {
		for (i = 1; i < MUTATIONS; i++)
			puts(names[i]);
		return 0;
	}
	for (i = 0; argc > 1 && i < MUTATIONS; i++)
		if (!strcmp(argv[1], names[i]))
			mutation = i;
	if (argc > 1 && mutation == NONE)
		return 2;
	table_grow();
	for (i = 0; i < (int)(sizeof(configs) / sizeof(*configs)); i++)
		if (explore(&configs[i]))
			return 1;
	return 0;
}
