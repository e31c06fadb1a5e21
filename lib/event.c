// SPDX-License-Identifier: LGPL-2.1-or-later
/* Events: choosing them, reading them. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

/*
 * Records carry their own length: one of a newer kernel may be longer, and has to
 * fit all the same.
 */
#define LEAST_BYTES 256

struct shmipc_event_buffer {
	size_t capacity;
	size_t bytes;
	struct shmipc_event records[];
};

SHMIPC_API int shmipc_event_mask(struct shmipc_endpoint *ep, uint32_t mask, uint32_t *old)
{
	struct shmipc_event_mask arg = { .size = sizeof(arg), .mask = mask };

	if (shmipc_do_ioctl(ep, SHMIPC_EVENT_MASK, &arg) < 0)
		return -1;
	if (old)
		*old = arg.out_mask;
	return 0;
}

SHMIPC_API struct shmipc_event_buffer *shmipc_event_buffer_new(size_t capacity)
{
	size_t bytes = capacity * sizeof(struct shmipc_event);
	struct shmipc_event_buffer *buffer;

	if (!capacity || capacity > SHMIPC_EVENT_BUFFER_MAX) {
		errno = EINVAL;
		return NULL;
	}
	if (bytes < LEAST_BYTES)
		bytes = LEAST_BYTES;
	buffer = calloc(1, sizeof(*buffer) + bytes);
	if (buffer)
		buffer->capacity = bytes;
	return buffer;
}

SHMIPC_API void shmipc_event_buffer_free(struct shmipc_event_buffer *buffer)
{
	free(buffer);
}

SHMIPC_API const struct shmipc_event *
shmipc_event_buffer_at(const struct shmipc_event_buffer *buffer, size_t index)
{
	const unsigned char *at = (const unsigned char *)buffer->records;
	size_t left = buffer->bytes;

	while (left >= sizeof(struct shmipc_event)) {
		const struct shmipc_event *event = (const void *)at;

		if (event->size < sizeof(*event) || event->size > left)
			break;
		if (!index--)
			return event;
		at += event->size;
		left -= event->size;
	}
	return NULL;
}

SHMIPC_API int shmipc_event_read(struct shmipc_endpoint *ep,
				 struct shmipc_event_buffer *buffer, int64_t deadline)
{
	struct shmipc_events arg = {
		.size = sizeof(arg),
		.data = shmipc_ptr_to_uapi(buffer->records),
		.len = buffer->capacity,
	};
	int64_t until;

	buffer->bytes = 0;
	if (shmipc_wait_to_uapi(deadline, SHMIPC_EVENTS_NOWAIT, &arg.flags, &until) < 0)
		return -1;
	arg.deadline = until;
	if (shmipc_do_ioctl(ep, SHMIPC_EVENTS, &arg) < 0)
		return -1;
	buffer->bytes = arg.out_len;
	return arg.out_nr;
}

SHMIPC_API uint32_t shmipc_event_kind(const struct shmipc_event *event)
{
	return event->kind;
}

SHMIPC_API uint32_t shmipc_event_peer(const struct shmipc_event *event)
{
	return event->peer;
}

SHMIPC_API uint32_t shmipc_event_port(const struct shmipc_event *event)
{
	return event->port;
}

SHMIPC_API uint32_t shmipc_event_generation(const struct shmipc_event *event)
{
	return event->generation;
}

SHMIPC_API uint32_t shmipc_event_vector(const struct shmipc_event *event)
{
	return event->vector;
}

SHMIPC_API uint64_t shmipc_event_count(const struct shmipc_event *event)
{
	return event->count;
}

SHMIPC_API uint64_t shmipc_event_endpoint(const struct shmipc_event *event)
{
	return event->endpoint;
}

SHMIPC_API uint64_t shmipc_event_cookie(const struct shmipc_event *event)
{
	return event->cookie;
}

SHMIPC_API uint64_t shmipc_event_time(const struct shmipc_event *event)
{
	return event->time;
}
