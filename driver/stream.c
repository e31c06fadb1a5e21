// SPDX-License-Identifier: GPL-2.0
/*
 * Streams: large messages of senders that do not wait. Such a sender pushes what
 * fits into the lane; the rest would never get there, because the next attempt
 * would have to start with the same first part. So the kernel keeps the message
 * (it is charged to the sender) and goes on with it as room appears; until then
 * further sends of the endpoint get EAGAIN.
 *
 * The format has one open stream for each level of a lane, so there are at most
 * SHMIPC_PRIORITIES of these on a link. They do not depend on the open file: what
 * was accepted is sent, also when the file is closed meanwhile.
 */
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "shmipc.h"

#define STREAM_RESCAN_MS	10U	/* without progress; then twice as long, ... */
#define STREAM_RESCAN_MAX_MS	1000U

/**
 * struct shmipc_stream - a message of which some parts have been sent
 * @node: in link->streams, or on its way out
 * @ep: whose, with a reference
 * @msg: payload
 * @tx: how far it got
 */
struct shmipc_stream {
	struct list_head node;
	struct shmipc_endpoint *ep;
	struct shmipc_msg *msg;
	struct shmipc_core_tx tx;
};

/**
 * shmipc_stream_start() - go on for a sender that does not wait
 * @link: peer
 * @ep: sender
 * @msg: payload; taken over on success
 * @tx: that has begun; copied
 *
 * Process context, no lock held.
 *
 * Return: 0; -EAGAIN: the endpoint has a stream; -ENOMEM; -ENODEV. Then the push
 * is still the caller's, to give up.
 */
int shmipc_stream_start(struct shmipc_link *link, struct shmipc_endpoint *ep,
			struct shmipc_msg *msg, const struct shmipc_core_tx *tx)
{
	struct shmipc_stream *stream;
	bool gone;

	if (atomic_cmpxchg(&ep->stream, 0, 1))
		return -EAGAIN;
	stream = kzalloc(sizeof(*stream), GFP_KERNEL_ACCOUNT);
	if (!stream) {
		atomic_set(&ep->stream, 0);
		return -ENOMEM;
	}
	stream->ep = ep;
	stream->msg = msg;
	stream->tx = *tx;

	shmipc_link_lock(link);
	gone = shmipc_region_gone(link->region);
	if (!gone) {
		refcount_inc(&ep->ref);
		list_add_tail(&stream->node, &link->streams);
	}
	shmipc_link_unlock(link);
	if (gone) {
		kfree(stream);
		atomic_set(&ep->stream, 0);
		return -ENODEV;
	}
	shmipc_link_kick_later(link);
	return 0;
}

/*
 * The link went before the rest was sent. link->lock: who tells of the end of the
 * link takes it after the link went down, and then sees what was lost.
 */
static void stream_lost(struct shmipc_link *link, struct shmipc_stream *stream)
{
	atomic_inc(&stream->ep->lost[link->peer].untold);
	atomic_inc(&stream->ep->lost[link->peer].fresh);
}

/* The endpoint may send again. No lock held */
static void stream_end(struct shmipc_link *link, struct shmipc_stream *stream)
{
	struct shmipc_endpoint *ep = stream->ep;
	u32 peer;

	/* A loss was counted before: a sender that gets through now is told of it */
	atomic_set_release(&ep->stream, 0);
	wake_up_poll(&ep->wq, EPOLLOUT | EPOLLWRNORM);
	/* Also who waits to send to another peer from this endpoint */
	for (peer = 0; peer < link->region->cfg.peers; peer++)
		wake_up_all(&link->region->links[peer].wq);
	shmipc_msg_put(stream->msg);
	shmipc_endpoint_put(ep);
	kfree(stream);
}

static void stream_end_all(struct shmipc_link *link, struct list_head *ended)
{
	struct shmipc_stream *stream, *next;

	list_for_each_entry_safe(stream, next, ended, node)
		stream_end(link, stream);
	INIT_LIST_HEAD(ended);
}

/* Push one part; true if there was progress. link->lock */
static bool stream_step(struct shmipc_link *link, struct shmipc_stream *stream,
			struct list_head *ended, bool *ring)
{
	int ret = shmipc_flight_push(link, &stream->tx, stream->ep->id, ring);

	if (ret == 1)
		return true;
	if (ret == -EAGAIN || ret == -ENOBUFS)
		return false;
	if (ret) {
		link->region->fmt->push_abort(link, &stream->tx, ring);
		stream_lost(link, stream);
	}
	list_move_tail(&stream->node, ended);
	return true;
}

/* One part of each; true if there was progress. link->lock */
static bool stream_pass(struct shmipc_link *link, struct list_head *ended, bool *ring)
{
	struct shmipc_stream *stream, *next;
	bool progress = false;

	list_for_each_entry_safe(stream, next, &link->streams, node)
		progress |= stream_step(link, stream, ended, ring);
	return progress;
}

/* True if it is worth going on at once; otherwise the peer will ring */
static bool stream_round(struct shmipc_link *link, struct list_head *ended, bool *ring)
{
	bool more = false;

	shmipc_link_lock(link);
	if (!list_empty(&link->streams) && !shmipc_region_gone(link->region)) {
		more = stream_pass(link, ended, ring);
		if (!more) {
			link->region->fmt->arm(link);
			more = stream_pass(link, ended, ring);
		}
	}
	shmipc_link_unlock(link);
	return more;
}

/*
 * Nobody waits for a stream who would notice that a doorbell was lost, or that
 * the peer is dead: the worker does. Worker.
 */
static void stream_watch(struct shmipc_link *link, bool progress)
{
	unsigned int waited;

	if (list_empty(&link->streams)) {
		link->stream_ms = 0;
		return;
	}
	if (progress || !link->stream_ms) {
		link->stream_ms = STREAM_RESCAN_MS;
		link->stream_since = jiffies;
	}
	waited = jiffies_to_msecs(jiffies - link->stream_since);
	if (waited >= link->stream_ms) {
		shmipc_link_rescan(link, waited);
		link->stream_ms = min(link->stream_ms * 2, STREAM_RESCAN_MAX_MS);
	}
	shmipc_link_kick_after(link, link->stream_ms);
}

/**
 * shmipc_stream_run() - go on with the streams of a link
 * @link: peer
 *
 * Worker. Between two parts the lock is dropped, and the peer rung.
 */
void shmipc_stream_run(struct shmipc_link *link)
{
	bool more, ring, progress = false;
	LIST_HEAD(ended);

	do {
		ring = false;
		more = stream_round(link, &ended, &ring);
		progress |= more;
		if (ring)
			shmipc_link_ring(link);
		stream_end_all(link, &ended);
		cond_resched();
	} while (more);
	stream_watch(link, progress);
}

/**
 * shmipc_stream_down() - the link or the region went: drop them all
 * @link: peer
 *
 * Any context, no lock held. Counted as lost.
 */
void shmipc_stream_down(struct shmipc_link *link)
{
	struct shmipc_stream *stream;
	LIST_HEAD(ended);

	shmipc_link_lock(link);
	list_for_each_entry(stream, &link->streams, node)
		stream_lost(link, stream);
	list_splice_init(&link->streams, &ended);
	shmipc_link_unlock(link);
	stream_end_all(link, &ended);
}
