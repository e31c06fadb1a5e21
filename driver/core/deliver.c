// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Delivering: what a valid record means for the receiver of its message.
 *
 * Memory grows with what has arrived, not with what was announced. Want of
 * memory leaves the record where it is; what was done before stays done.
 * Servicer's context, no lock held.
 */
#include "engine.h"

static void stream_answer(struct shmipc_core *core, struct shmipc_link *link,
			  const struct shmipc_rx_stream *stream, u32 state, u32 *flags)
{
	shmipc_link_lock(core, link);
	if (shmipc_core_answer(core, link->peer, stream->result, state))
		*flags |= SHMIPC_SERVICE_RING;
	shmipc_link_unlock(core, link);
}

/* The message will not be queued: its credit goes back */
static bool stream_discharge(struct shmipc_core *core, struct shmipc_link *link,
			     struct shmipc_rx_stream *stream)
{
	bool ring;

	if (!stream->charged)
		return false;
	stream->charged = false;
	shmipc_link_lock(core, link);
	ring = shmipc_credit_return(core, link, stream->slot, stream->generation, stream->len);
	shmipc_link_unlock(core, link);
	return ring;
}

static void stream_refuse(struct shmipc_core *core, struct shmipc_link *link,
			  struct shmipc_rx_stream *stream, u32 state, u32 *flags)
{
	stream->refused = true;
	if (stream_discharge(core, link, stream))
		*flags |= SHMIPC_SERVICE_RING;
	stream_answer(core, link, stream, state, flags);
}

/* Given up, by the sender or because the link is down */
void shmipc_stream_drop(struct shmipc_core *core, struct shmipc_link *link,
			struct shmipc_rx_stream *stream)
{
	if (stream->accepted)
		core->cfg.ops->rx_abort(core->cfg.ctx, stream->msg);
	stream_discharge(core, link, stream);
	memset(stream, 0, sizeof(*stream));
}

/* Charge the message to its port; a violation leaves the stream closed */
static int stream_open(struct shmipc_core *core, struct shmipc_link *link,
		       struct shmipc_rx_stream *stream, const struct shmipc_core_rx *rx)
{
	int err;

	shmipc_link_lock(core, link);
	err = shmipc_credit_charge(core, link, rx);
	shmipc_link_unlock(core, link);
	if (err == -EPROTO)
		return err;
	stream->open = true;
	stream->charged = !err;
	stream->len = rx->len;
	stream->slot = rx->slot;
	stream->generation = rx->generation;
	stream->result = rx->result ? (link->session & 0x7fff) << 16 | rx->result : 0;
	return err;
}

static int stream_begin(struct shmipc_core *core, struct shmipc_link *link,
			struct shmipc_rx_stream *stream, const struct shmipc_core_rx *head,
			u32 *flags)
{
	struct shmipc_core_rx rx = *head;
	int err = 0;

	if (!stream->open)
		err = stream_open(core, link, stream, head);
	if (err == -EPROTO)
		return err;
	if (stream->refused || stream->accepted)
		return 0;
	if (!err) {
		rx.result = stream->result;
		err = core->cfg.ops->rx_open(core->cfg.ctx, &rx, &stream->msg);
	}
	if (err == -ENOMEM)
		return err;
	stream->accepted = !err;
	if (err)
		stream_refuse(core, link, stream, err == -ENOBUFS ? SHMIPC_WIRE_RESULT_FULL :
			      SHMIPC_WIRE_RESULT_REFUSED, flags);
	return 0;
}

static void stream_finish(struct shmipc_core *core, struct shmipc_link *link,
			  struct shmipc_rx_stream *stream)
{
	struct shmipc_rx_stream done = *stream;

	memset(stream, 0, sizeof(*stream));
	if (!done.accepted)
		return;
	shmipc_link_lock(core, link);
	link->stats.received++;
	shmipc_link_unlock(core, link);
	core->cfg.ops->rx_done(core->cfg.ctx, done.msg);
}

/* The payload of the record at rd; commit it if nothing changed meanwhile */
static int stream_append(struct shmipc_core *core, struct shmipc_link *link,
			 struct shmipc_rx_stream *stream, const struct shmipc_rx_head *head)
{
	size_t at = (size_t)(link->rx.rd & (core->cap - 1)) * SHMIPC_WIRE_GRANULE;
	int err;

	if (stream->accepted && head->bytes) {
		err = core->cfg.ops->rx_data(core->cfg.ctx, stream->msg, stream->done,
					     link->rx_lane + at + head->offset, head->bytes);
		if (err)
			return -ENOMEM;
	}
	if (!shmipc_link_current(link))
		return -ESTALE;
	stream->done += head->bytes;
	if (stream->done == stream->len)
		stream_finish(core, link, stream);
	return 0;
}

static int deliver_abort(struct shmipc_core *core, struct shmipc_link *link,
			 struct shmipc_rx_stream *stream, u32 *flags)
{
	if (!stream->refused)
		stream_answer(core, link, stream, SHMIPC_WIRE_RESULT_DISCARDED, flags);
	if (stream_discharge(core, link, stream))
		*flags |= SHMIPC_SERVICE_RING;
	shmipc_stream_drop(core, link, stream);
	return 0;
}

int shmipc_deliver(struct shmipc_core *core, struct shmipc_link *link,
		   const struct shmipc_rx_head *head, u32 *flags)
{
	struct shmipc_rx_stream *stream = &link->rx.streams[head->rx.level % SHMIPC_WIRE_LEVELS];
	int err;

	switch (head->kind) {
	case SHMIPC_WIRE_KIND_PAD:
		return 0;
	case SHMIPC_WIRE_KIND_ABORT:
		return deliver_abort(core, link, stream, flags);
	case SHMIPC_WIRE_KIND_MORE:
		return stream_append(core, link, stream, head);
	}
	if (head->kind == SHMIPC_WIRE_KIND_MSG)
		stream = &link->rx.streams[SHMIPC_RX_SINGLE];
	err = stream_begin(core, link, stream, &head->rx, flags);
	return err ? err : stream_append(core, link, stream, head);
}
