// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Streams: large messages of senders that do not wait. What has begun is finished
 * by whoever services the link; until then the endpoint's sends get EAGAIN. As
 * driver/stream.c.
 */
#include "host.h"

int shmipc_host_stream_start(struct host_link *link, struct host_endpoint *ep,
			     const struct shmipc_core_tx *tx, const void *data)
{
	struct host_stream *stream, **at = &link->streams;

	if (ep->stream)
		return -EAGAIN;
	stream = malloc(sizeof(*stream) + tx->len);
	if (!stream)
		return -ENOMEM;
	memcpy(stream->data, data, tx->len);
	stream->next = NULL;
	stream->endpoint = ep->id;
	stream->tx = *tx;
	stream->tx.payload = stream->data;
	while (*at)
		at = &(*at)->next;
	*at = stream;
	ep->stream = true;
	shmipc_host_nudge(link->region);	/* to look after it */
	return 0;
}

static void stream_end(struct host_link *link, struct host_stream *stream, bool lost)
{
	struct host_endpoint *ep = shmipc_host_endpoint_find(link->region, stream->endpoint);

	if (ep) {
		ep->stream = false;
		ep->lost[link->peer].untold += lost;
		ep->lost[link->peer].fresh += lost;
	}
	free(stream);
	shmipc_host_wake(&link->region->wq);
}

static int stream_push(struct host_link *link, struct host_stream *stream)
{
	int ret;

	do {
		ret = shmipc_host_flight_push(link, &stream->tx, stream->endpoint);
	} while (ret == 1);
	return ret;
}

/* Push what fits; true: it has ended */
static bool stream_step(struct host_link *link, struct host_stream *stream, bool *lost)
{
	bool ring = false;
	int ret;

	ret = stream_push(link, stream);
	if (ret == -EAGAIN || ret == -ENOBUFS) {
		/* Armed, then once more: whoever makes room from here on rings */
		shmipc_core_arm(link->region->core, link->peer,
				ret == -ENOBUFS ? SHMIPC_CORE_CREDIT : SHMIPC_CORE_SPACE);
		ret = stream_push(link, stream);
	}
	if (ret == -EAGAIN || ret == -ENOBUFS)
		return false;
	if (ret)
		shmipc_core_push_abort(link->region->core, link->peer, &stream->tx, &ring);
	if (ring)
		shmipc_host_link_ring(link);
	*lost = ret;
	return true;
}

void shmipc_host_stream_run(struct host_link *link)
{
	struct host_stream **at = &link->streams;

	while (*at) {
		struct host_stream *stream = *at;
		bool lost = false;

		if (stream_step(link, stream, &lost)) {
			*at = stream->next;
			stream_end(link, stream, lost);
		} else {
			at = &stream->next;
		}
	}
}

/* The link went: drop them all */
void shmipc_host_stream_down(struct host_link *link)
{
	while (link->streams) {
		struct host_stream *stream = link->streams;

		link->streams = stream->next;
		stream_end(link, stream, true);
	}
}
