// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Sending: records into our lane.
 *
 * The receiver takes a record when the commit word of its first granule holds
 * the count that it expects. So the granule behind a record must not hold that
 * by accident, or by intent of whoever wrote the payload that was there a lap
 * ago: a record of n granules needs n + 1 free ones, and the commit word of the
 * last is zeroed before the record's own is written. A record does not wrap; a
 * PAD record fills what is left at the end of the lane.
 *
 * Everything here is called with the link lock held.
 */
#include "engine.h"

static u8 *lane_at(const struct shmipc_core *core, const struct shmipc_link *link, u32 position)
{
	return link->tx_lane + (size_t)(position & (core->cap - 1)) * SHMIPC_WIRE_GRANULE;
}

static __le32 *commit_at(const struct shmipc_core *core, const struct shmipc_link *link,
			 u32 position)
{
	return (__le32 *)lane_at(core, link, position);
}

/* Link lock, in shmipc_link_restart() or link_meet() */
void shmipc_tx_reset(struct shmipc_core *core, struct shmipc_link *link)
{
	memset(&link->tx, 0, sizeof(link->tx));
	link->tx.count = 1;
	shm_write32(commit_at(core, link, 0), 0);
}

/* Our latest record and the zeroed granule behind it are as we left them? */
bool shmipc_tx_verify(const struct shmipc_core *core, const struct shmipc_link *link)
{
	if (link->tx.last_commit &&
	    shm_read32(commit_at(core, link, link->tx.last)) != link->tx.last_commit)
		return false;
	return shm_read32(commit_at(core, link, link->tx.wr)) == 0;
}

/* Take over the peer's rd. 0 or the errno of a violation */
int shmipc_tx_refresh(struct shmipc_core *core, struct shmipc_link *link)
{
	/* Acquire: the reader is done with what it frees; pairs with rd_publish() */
	u32 rd = shm_acquire32(&link->theirs->rd);

	if (rd - link->tx.rd > link->tx.wr - link->tx.rd)
		return shmipc_link_violated(core, link);
	link->tx.rd = rd;
	return 0;
}

/* Granules lost at the end of the lane if a record of @n comes next */
static u32 lane_pad(const struct shmipc_core *core, const struct shmipc_link *link, u32 n)
{
	u32 left = core->cap - (link->tx.wr & (core->cap - 1));

	return n > left ? left : 0;
}

static bool lane_fits(const struct shmipc_core *core, const struct shmipc_link *link, u32 n)
{
	u32 used = link->tx.wr - link->tx.rd;

	return used + lane_pad(core, link, n) + n + 1 <= core->cap;
}

/* Room for a record of @n granules? 0, -EAGAIN, or the errno of a violation */
static int lane_room(struct shmipc_core *core, struct shmipc_link *link, u32 n)
{
	int err;

	if (lane_fits(core, link, n))
		return 0;
	err = shmipc_tx_refresh(core, link);
	if (err)
		return err;
	return lane_fits(core, link, n) ? 0 : -EAGAIN;
}

/* Header, except the commit word */
static void head_write(u8 *at, const struct shmipc_core_tx *tx, u32 kind, u32 len)
{
	__le32 *word = (__le32 *)at;

	shm_write32(word + 1, len);
	shm_write32(word + 2, tx->slot | kind << 16 | tx->level << 24);
	shm_write32(word + 3, tx->generation);
	shm_write32(word + 4, tx->type);
	shm_write32(word + 5, (tx->src_port & 0xffff) | (tx->result & 0xffff) << 16);
}

static void extension_write(u8 *at, const struct shmipc_core_meta *meta)
{
	__le32 *word = (__le32 *)(at + SHMIPC_HEAD_BYTES);

	shm_write32(word + 0, (u32)meta->endpoint);
	shm_write32(word + 1, (u32)(meta->endpoint >> 32));
	shm_write32(word + 2, (u32)meta->cookie);
	shm_write32(word + 3, (u32)(meta->cookie >> 32));
	shm_write32(word + 4, (u32)meta->time);
	shm_write32(word + 5, (u32)(meta->time >> 32));
	shm_write32(word + 6, meta->pid);
	shm_write32(word + 7, meta->uid);
	shm_write32(word + 8, 0);
	shm_write32(word + 9, 0);
}

/* Release the record of @n granules at wr: the reader may take it from now on */
static void lane_commit(struct shmipc_core *core, struct shmipc_link *link, u32 n)
{
	u32 word = link->tx.count << 16 | n;

	shm_write32(commit_at(core, link, link->tx.wr + n), 0);
	link->tx.last = link->tx.wr;
	link->tx.last_commit = word;
	link->tx.wr += n;
	link->tx.count = shmipc_count_next(link->tx.count);
	/* pairs with shmipc_rx_head_read() */
	shm_release32(commit_at(core, link, link->tx.last), word);
}

static void pad_emit(struct shmipc_core *core, struct shmipc_link *link, u32 n)
{
	static const struct shmipc_core_tx none;
	u32 pad = lane_pad(core, link, n);

	if (!pad)
		return;
	head_write(lane_at(core, link, link->tx.wr), &none, SHMIPC_WIRE_KIND_PAD, 0);
	lane_commit(core, link, pad);
}

/* Dekker: commit, fence, read rd_wake; rx_sleep() stores rd_wake, fences, looks again */
static bool wake_reader(struct shmipc_link *link, u32 from)
{
	shm_mb();
	return shmipc_wake_crossed(shm_read32(&link->theirs->rd_wake), from, link->tx.wr);
}

/* What the next record of a message looks like */
struct record {
	u32 kind;
	u32 offset;	/* of the payload */
	u32 bytes;	/* of payload */
	u32 granules;
	u32 len;	/* header field */
};

static void record_plan(const struct shmipc_core *core, const struct shmipc_core_tx *tx,
			bool extended, struct record *r)
{
	u32 most = core->record * SHMIPC_WIRE_GRANULE;

	r->offset = SHMIPC_HEAD_BYTES;
	if (tx->open) {
		r->kind = SHMIPC_WIRE_KIND_MORE;
		r->bytes = min(tx->len - tx->done, most - r->offset);
		r->len = r->bytes;
	} else {
		if (extended)
			r->offset = SHMIPC_HEAD_EXTENDED;
		r->bytes = min(tx->len, most - r->offset);
		r->kind = r->bytes < tx->len ? SHMIPC_WIRE_KIND_FIRST : SHMIPC_WIRE_KIND_MSG;
		r->len = tx->len;
	}
	r->granules = shmipc_record_granules(r->offset, r->bytes);
}

static void record_emit(struct shmipc_core *core, struct shmipc_link *link,
			const struct shmipc_core_tx *tx, const struct record *r)
{
	bool extended = r->offset == SHMIPC_HEAD_EXTENDED;
	u8 *at;

	pad_emit(core, link, r->granules);
	at = lane_at(core, link, link->tx.wr);
	head_write(at, tx, r->kind | (extended ? SHMIPC_WIRE_EXTENDED : 0), r->len);
	if (extended)
		extension_write(at, &tx->meta);
	if (r->bytes)
		core->cfg.ops->tx_copy(core->cfg.ctx, tx, at + r->offset, tx->done, r->bytes);
	lane_commit(core, link, r->granules);
}

static void abort_emit(struct shmipc_core *core, struct shmipc_link *link, u32 level)
{
	const struct shmipc_core_tx tx = { .level = level };

	pad_emit(core, link, 1);
	head_write(lane_at(core, link, link->tx.wr), &tx, SHMIPC_WIRE_KIND_ABORT, 0);
	lane_commit(core, link, 1);
}

/* Streams whose sender gave up or died: whoever sends next says so */
void shmipc_tx_aborts(struct shmipc_core *core, struct shmipc_link *link, bool *ring)
{
	u32 from = link->tx.wr;
	u32 level;

	if (!link->up || !link->tx.abort)
		return;
	for (level = 0; level < SHMIPC_WIRE_LEVELS; level++) {
		u32 bit = 1U << level;

		if (!(link->tx.abort & bit) || lane_room(core, link, 1))
			continue;
		abort_emit(core, link, level);
		link->tx.abort &= ~bit;
		link->tx.open &= ~bit;
	}
	if (link->tx.wr != from && wake_reader(link, from))
		*ring = true;
}

static bool tx_extended(const struct shmipc_link *link, u32 slot)
{
	return link->tx_ports[slot].flags & SHMIPC_WIRE_PORT_META;
}

/* May a message that has not started yet start? Plans its first record */
static int tx_ready(struct shmipc_core *core, struct shmipc_link *link,
		    struct shmipc_core_tx *tx, struct record *r)
{
	int err;

	if (tx->level >= SHMIPC_WIRE_LEVELS)
		return -EINVAL;
	err = shmipc_table_resolve(core, link, tx->slot, tx->generation);
	if (err)
		return err;
	if (tx->len > link->tx_ports[tx->slot].max_size)
		return -EMSGSIZE;
	record_plan(core, tx, tx_extended(link, tx->slot), r);
	err = shmipc_credit_admit(core, link, tx->slot, tx->level, tx->len);
	if (err)
		return err;
	if (r->kind == SHMIPC_WIRE_KIND_FIRST && link->tx.open & 1U << tx->level)
		return -EAGAIN;
	return lane_room(core, link, r->granules);
}

static int tx_next(struct shmipc_core *core, struct shmipc_link *link,
		   struct shmipc_core_tx *tx, struct record *r)
{
	if (!tx->inc)
		return tx_ready(core, link, tx, r);
	record_plan(core, tx, false, r);
	return lane_room(core, link, r->granules);
}

static void tx_started(struct shmipc_core *core, struct shmipc_link *link,
		       struct shmipc_core_tx *tx)
{
	struct shmipc_tx_port *port = &link->tx_ports[tx->slot];

	tx->inc = link->session;
	port->sent++;
	port->sent_granules += shmipc_charge(tx->len);
	shmipc_result_sent(core, link, tx->result);
}

/* A record of @tx is in the lane: 1 if there is more of it */
static int tx_account(struct shmipc_core *core, struct shmipc_link *link,
		      struct shmipc_core_tx *tx, const struct record *r)
{
	u32 bit = 1U << tx->level;

	if (!tx->inc)
		tx_started(core, link, tx);
	tx->done += r->bytes;
	tx->open = tx->done < tx->len;
	if (tx->open) {
		link->tx.open |= bit;
		return 1;
	}
	if (r->kind == SHMIPC_WIRE_KIND_MORE)
		link->tx.open &= ~bit;
	link->stats.sent++;
	return 0;
}

/* What a violation found on the way means for who sends */
static int link_over(const struct shmipc_link *link)
{
	return link->broken ? -EPROTO : -ENOTCONN;
}

int shmipc_core_push(struct shmipc_core *core, u32 peer, struct shmipc_core_tx *tx, bool *ring)
{
	struct shmipc_link *link = shmipc_link_of(core, peer);
	struct record r;
	u32 from;
	int err;

	if (tx->inc && tx->inc != link->session)
		return -ECONNRESET;
	err = -ENOTCONN;
	if (link->up) {
		shmipc_tx_aborts(core, link, ring);
		err = link->up ? tx_next(core, link, tx, &r) : link_over(link);
	}
	if (err == -ENOTCONN && tx->inc)
		return -ECONNRESET;
	if (err)
		return err;
	if (!tx->inc)
		tx->generation = link->tx_ports[tx->slot].generation;
	from = link->tx.wr;
	record_emit(core, link, tx, &r);
	if (wake_reader(link, from))
		*ring = true;
	return tx_account(core, link, tx, &r);
}

void shmipc_core_push_abort(struct shmipc_core *core, u32 peer, struct shmipc_core_tx *tx,
			    bool *ring)
{
	struct shmipc_link *link = shmipc_link_of(core, peer);

	if (!tx->open || tx->inc != link->session)
		return;
	tx->open = false;
	link->tx.abort |= 1U << tx->level;
	shmipc_tx_aborts(core, link, ring);
	if (!link->tx.abort)
		return;
	/* No room: be rung when there is. That ends in a fence, so look again */
	shmipc_core_arm(core, peer, SHMIPC_CORE_SPACE);
	shmipc_tx_aborts(core, link, ring);
}

int shmipc_core_push_ready(struct shmipc_core *core, u32 peer, u32 slot, u32 generation,
			   u32 level, u32 len)
{
	struct shmipc_link *link = shmipc_link_of(core, peer);
	struct shmipc_core_tx tx = {
		.slot = slot, .generation = generation, .level = level, .len = len,
	};
	struct record r;

	if (!link->up)
		return -ENOTCONN;
	return tx_ready(core, link, &tx, &r);
}

bool shmipc_core_undrained(const struct shmipc_core *core, u32 peer)
{
	const struct shmipc_link *link = shmipc_link_of(core, peer);
	bool undrained;

	shmipc_link_lock(core, link);
	undrained = link->up && shm_read32(&link->theirs->rd) != link->tx.wr;
	shmipc_link_unlock(core, link);
	return undrained;
}
