// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Receiving: records out of the peer's lane, in order, until it is empty or the
 * budget is used up. Servicer's context.
 *
 * A header is copied once, validated, and only the copy used. Nothing that was
 * read counts before the peer's incarnation has been seen unchanged behind it.
 */
#include "engine.h"

static const u8 *lane_at(const struct shmipc_core *core, const struct shmipc_link *link)
{
	return link->rx_lane +
	       (size_t)(link->rx.rd & (core->cap - 1)) * SHMIPC_WIRE_GRANULE;
}

static u32 commit_read(const struct shmipc_core *core, const struct shmipc_link *link)
{
	/* pairs with lane_commit() */
	return shm_acquire32((const __le32 *)lane_at(core, link));
}

static bool lane_empty(const struct shmipc_core *core, const struct shmipc_link *link)
{
	return commit_read(core, link) >> 16 != link->rx.count;
}

static u64 read64(const __le32 *word)
{
	return shm_read32(word) | (u64)shm_read32(word + 1) << 32;
}

static void extension_read(const __le32 *word, struct shmipc_core_meta *meta)
{
	meta->endpoint = read64(word);
	meta->cookie = read64(word + 2);
	meta->time = read64(word + 4);
	meta->pid = shm_read32(word + 6);
	meta->uid = shm_read32(word + 7);
}

static void head_copy(const struct shmipc_link *link, const u8 *at, struct shmipc_rx_head *head)
{
	const __le32 *word = (const __le32 *)at;
	u32 where, back;

	memset(head, 0, sizeof(*head));
	head->rx.peer = link->peer;
	head->rx.len = shm_read32(word + 1);
	where = shm_read32(word + 2);
	head->rx.slot = where & 0xffff;
	head->kind = where >> 16 & 0x7f;
	head->rx.extended = where >> 16 & SHMIPC_WIRE_EXTENDED;
	head->rx.level = where >> 24;
	head->rx.generation = shm_read32(word + 3);
	head->rx.type = shm_read32(word + 4);
	back = shm_read32(word + 5);
	head->rx.src_port = back & 0xffff;
	head->rx.result = back >> 16;
	head->offset = head->rx.extended ? SHMIPC_HEAD_EXTENDED : SHMIPC_HEAD_BYTES;
	if (head->rx.extended)
		extension_read((const __le32 *)(at + SHMIPC_HEAD_BYTES), &head->rx.meta);
}

static bool result_valid(const struct shmipc_core *core, u32 result)
{
	return !result || (result >> 10 &&
			   (result & (SHMIPC_WIRE_RESULT_SLOTS - 1)) < core->cfg.geo.ports);
}

/* A message starts: whole, or with a full record */
static bool begin_valid(const struct shmipc_core *core, struct shmipc_rx_head *head)
{
	u32 most = core->record * SHMIPC_WIRE_GRANULE - head->offset;
	bool whole = head->kind == SHMIPC_WIRE_KIND_MSG;
	bool fits = head->rx.len <= most;

	if (head->rx.slot >= core->cfg.geo.ports || head->rx.len > SHMIPC_WIRE_MSG_MAX ||
	    whole != fits || !result_valid(core, head->rx.result))
		return false;
	head->bytes = whole ? head->rx.len : most;
	return head->granules == shmipc_record_granules(head->offset, head->bytes);
}

/* A message goes on: a full record, or all that is missing */
static bool more_valid(const struct shmipc_core *core, const struct shmipc_link *link,
		       struct shmipc_rx_head *head)
{
	const struct shmipc_rx_stream *stream = &link->rx.streams[head->rx.level];
	u32 most = core->record * SHMIPC_WIRE_GRANULE - head->offset;

	if (!stream->open)
		return false;
	head->bytes = min(stream->len - stream->done, most);
	return head->rx.len == head->bytes &&
	       head->granules == shmipc_record_granules(head->offset, head->bytes);
}

static bool head_valid(const struct shmipc_core *core, const struct shmipc_link *link,
		       struct shmipc_rx_head *head)
{
	u32 left = core->cap - (link->rx.rd & (core->cap - 1));

	if (!head->granules || head->granules > min(left, core->record))
		return false;
	if (head->kind == SHMIPC_WIRE_KIND_PAD)
		return head->granules == left && !head->rx.extended;
	if (head->rx.level >= SHMIPC_WIRE_LEVELS)
		return false;
	switch (head->kind) {
	case SHMIPC_WIRE_KIND_FIRST:
		return !link->rx.streams[head->rx.level].open && begin_valid(core, head);
	case SHMIPC_WIRE_KIND_MSG:
		return begin_valid(core, head);
	case SHMIPC_WIRE_KIND_MORE:
		return !head->rx.extended && more_valid(core, link, head);
	case SHMIPC_WIRE_KIND_ABORT:
		return !head->rx.extended && head->granules == 1 &&
		       link->rx.streams[head->rx.level].open;
	}
	return false;
}

/*
 * The record at rd. 0: @head is a valid copy; -EAGAIN: none there; -ESTALE: the
 * peer has restarted; -EPROTO: it is nonsense.
 */
int shmipc_rx_head_read(const struct shmipc_core *core, const struct shmipc_link *link,
			struct shmipc_rx_head *head)
{
	u32 commit = commit_read(core, link);

	if (commit >> 16 != link->rx.count)
		return -EAGAIN;
	head_copy(link, lane_at(core, link), head);
	head->granules = commit & 0xffff;
	if (!shmipc_link_current(link))
		return -ESTALE;
	return head_valid(core, link, head) ? 0 : -EPROTO;
}

/* Dekker: rd, fence, read sp_wake; shmipc_core_arm() stores sp_wake, fences, looks again */
static u32 rd_publish(struct shmipc_core *core, struct shmipc_link *link)
{
	u32 from = link->rd;
	bool up;

	if (from == link->rx.rd)
		return 0;
	shmipc_link_lock(core, link);
	up = link->up;
	if (up) {
		link->rd = link->rx.rd;
		shm_release32(&link->own->rd, link->rd);	/* pairs with shmipc_tx_refresh() */
	}
	shmipc_link_unlock(core, link);
	if (!up)
		return 0;
	shm_mb();
	if (!shmipc_wake_crossed(shm_read32(&link->theirs->sp_wake), from, link->rx.rd))
		return 0;
	return SHMIPC_SERVICE_RING;
}

/* The peer need not know of each granule, only in time */
static bool rd_due(const struct shmipc_core *core, const struct shmipc_link *link)
{
	return link->rx.rd - link->rd >= core->cap / 4 ||
	       shmipc_wake_crossed(shm_read32(&link->theirs->sp_wake), link->rd, link->rx.rd);
}

/*
 * Nothing there: have the peer ring when there is. Dekker: rd_wake, fence, look
 * again; wake_reader() at the peer commits, fences, reads rd_wake. True: sleep.
 */
static bool rx_sleep(struct shmipc_core *core, struct shmipc_link *link)
{
	u32 wake = READ_ONCE(core->polling) ? 0 : SHMIPC_WIRE_WAKE(link->rx.rd);

	if (wake == link->rx.wake)
		return lane_empty(core, link);
	link->rx.wake = wake;
	shm_write32(&link->own->rd_wake, wake);
	shm_mb();
	return lane_empty(core, link);
}

/* One record. 0, -EAGAIN: lane empty, -ENOMEM: later, -ESTALE, -EPROTO */
static int rx_one(struct shmipc_core *core, struct shmipc_link *link, u32 *flags)
{
	struct shmipc_rx_head *head = &link->rx.head;
	int err;

	if (!link->rx.retry) {
		err = shmipc_rx_head_read(core, link, head);
		if (err)
			return err;
	}
	err = shmipc_deliver(core, link, head, flags);
	link->rx.retry = err == -ENOMEM;
	if (err)
		return err;
	link->rx.rd += head->granules;
	link->rx.count = shmipc_count_next(link->rx.count);
	return 0;
}

/* -EPROTO, -ESTALE: the pair is over. If the peer has just restarted, look again */
static u32 rx_over(struct shmipc_core *core, struct shmipc_link *link, int err)
{
	shmipc_link_lock(core, link);
	if (err == -ESTALE)
		shmipc_link_stale(link);
	else
		err = shmipc_link_violated(core, link);
	shmipc_link_unlock(core, link);
	return err == -EPROTO ? 0 : SHMIPC_SERVICE_MORE;
}

/* Each turn of the loop costs budget, whatever the peer writes */
u32 shmipc_rx_drain(struct shmipc_core *core, struct shmipc_link *link, u32 budget)
{
	u32 flags = 0;
	int err;

	while (READ_ONCE(link->up)) {
		err = rx_one(core, link, &flags);
		if (err == -EAGAIN) {
			flags |= rd_publish(core, link);
			if (rx_sleep(core, link))
				return flags;
		} else if (err == -ENOMEM) {
			return flags | rd_publish(core, link) | SHMIPC_SERVICE_RETRY;
		} else if (err) {
			return flags | rx_over(core, link, err);
		} else if (rd_due(core, link)) {
			flags |= rd_publish(core, link);
		}
		if (!budget || !--budget)
			return flags | rd_publish(core, link) | SHMIPC_SERVICE_MORE;
	}
	return flags;
}

/* Forget what is under way: the link is down */
void shmipc_rx_drop(struct shmipc_core *core, struct shmipc_link *link)
{
	u32 i;

	link->rx.retry = false;
	for (i = 0; i <= SHMIPC_RX_SINGLE; i++)
		shmipc_stream_drop(core, link, &link->rx.streams[i]);
}
