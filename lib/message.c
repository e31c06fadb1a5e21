// SPDX-License-Identifier: LGPL-2.1-or-later
/* A message with everything that belongs to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/*
 * @got holds the results of the last receive, and what both directions share:
 * length, type, priority, cookie. @to counts if @addressed; else the message goes
 * to the connected destination.
 */
struct shmipc_message {
	unsigned char *data;
	size_t capacity;
	bool addressed;
	struct shmipc_address to;
	struct shmipc_recv got;
	uint32_t state;
};

SHMIPC_API struct shmipc_message *shmipc_message_new(size_t capacity)
{
	struct shmipc_message *msg = calloc(1, sizeof(*msg));

	if (!msg)
		return NULL;
	if (shmipc_message_reserve(msg, capacity) < 0) {
		free(msg);
		return NULL;
	}
	return msg;
}

SHMIPC_API void shmipc_message_free(struct shmipc_message *msg)
{
	if (msg)
		free(msg->data);
	free(msg);
}

SHMIPC_API int shmipc_message_reserve(struct shmipc_message *msg, size_t capacity)
{
	unsigned char *data;

	if (capacity > UINT32_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (msg->data && capacity <= msg->capacity)
		return 0;
	data = realloc(msg->data, capacity ? capacity : 1);
	if (!data)
		return -1;
	msg->data = data;
	msg->capacity = capacity;
	return 0;
}

SHMIPC_API int shmipc_message_set_data(struct shmipc_message *msg, const void *data, size_t len)
{
	if (shmipc_message_reserve(msg, len) < 0)
		return -1;
	if (len)
		memcpy(msg->data, data, len);
	msg->got.out_len = len;
	return 0;
}

SHMIPC_API int shmipc_message_set_length(struct shmipc_message *msg, size_t len)
{
	if (len > msg->capacity) {
		errno = EMSGSIZE;
		return -1;
	}
	msg->got.out_len = len;
	return 0;
}

SHMIPC_API void shmipc_message_set_to(struct shmipc_message *msg,
				      const struct shmipc_address *to)
{
	msg->addressed = to;
	msg->to = to ? *to : (struct shmipc_address){ .port = SHMIPC_PORT_NONE };
}

SHMIPC_API void shmipc_message_set_type(struct shmipc_message *msg, uint32_t type)
{
	msg->got.out_type = type;
}

SHMIPC_API void shmipc_message_set_priority(struct shmipc_message *msg, uint32_t priority)
{
	msg->got.out_priority = priority;
}

SHMIPC_API void shmipc_message_set_cookie(struct shmipc_message *msg, uint64_t cookie)
{
	msg->got.out_cookie = cookie;
}

SHMIPC_API void *shmipc_message_data(struct shmipc_message *msg)
{
	return msg->data;
}

SHMIPC_API size_t shmipc_message_capacity(const struct shmipc_message *msg)
{
	return msg->capacity;
}

SHMIPC_API size_t shmipc_message_length(const struct shmipc_message *msg)
{
	return msg->got.out_len;
}

SHMIPC_API void shmipc_message_from(const struct shmipc_message *msg,
				    struct shmipc_address *from)
{
	*from = (struct shmipc_address){ .peer = msg->got.out_peer, .port = msg->got.out_port };
}

SHMIPC_API uint32_t shmipc_message_state(const struct shmipc_message *msg)
{
	return msg->state;
}

SHMIPC_API uint32_t shmipc_message_type(const struct shmipc_message *msg)
{
	return msg->got.out_type;
}

SHMIPC_API uint32_t shmipc_message_priority(const struct shmipc_message *msg)
{
	return msg->got.out_priority;
}

SHMIPC_API uint64_t shmipc_message_cookie(const struct shmipc_message *msg)
{
	return msg->got.out_cookie;
}

SHMIPC_API uint32_t shmipc_message_flags(const struct shmipc_message *msg)
{
	return msg->got.out_flags;
}

SHMIPC_API uint64_t shmipc_message_endpoint(const struct shmipc_message *msg)
{
	return msg->got.out_endpoint;
}

SHMIPC_API uint64_t shmipc_message_seq(const struct shmipc_message *msg)
{
	return msg->got.out_seq;
}

SHMIPC_API uint64_t shmipc_message_time(const struct shmipc_message *msg)
{
	return msg->got.out_time;
}

SHMIPC_API uint64_t shmipc_message_sent_time(const struct shmipc_message *msg)
{
	return msg->got.out_sent_time;
}

SHMIPC_API uint32_t shmipc_message_pid(const struct shmipc_message *msg)
{
	return msg->got.out_pid;
}

SHMIPC_API uint32_t shmipc_message_uid(const struct shmipc_message *msg)
{
	return msg->got.out_uid;
}

int shmipc_message_to_send(const struct shmipc_message *msg, int64_t deadline,
			   struct shmipc_send *arg)
{
	int64_t until;

	/* After EMSGSIZE the length is that of a message which is not here. */
	if (msg->got.out_len > msg->capacity) {
		errno = EINVAL;
		return -1;
	}
	/* For the kernel that would mean the connected destination. */
	if (msg->addressed && msg->to.port == SHMIPC_PORT_NONE) {
		errno = EDESTADDRREQ;
		return -1;
	}
	*arg = (struct shmipc_send){
		.size = sizeof(*arg),
		.data = shmipc_ptr_to_uapi(msg->data),
		.len = msg->got.out_len,
		.type = msg->got.out_type,
		.peer = msg->to.peer,
		.port = msg->to.port,
		.generation = msg->to.generation,
		.priority = msg->got.out_priority,
		.cookie = msg->got.out_cookie,
	};
	if (shmipc_wait_to_uapi(deadline, SHMIPC_SEND_NOWAIT, &arg->flags, &until) < 0)
		return -1;
	arg->deadline = until;
	return 0;
}

void shmipc_message_from_send(struct shmipc_message *msg, const struct shmipc_send *arg)
{
	msg->state = arg->out_state;
}

int shmipc_message_to_recv(const struct shmipc_message *msg, int64_t deadline,
			   struct shmipc_recv *arg)
{
	int64_t until;

	*arg = (struct shmipc_recv){
		.size = sizeof(*arg),
		.data = shmipc_ptr_to_uapi(msg->data),
		.len = msg->capacity,
	};
	if (shmipc_wait_to_uapi(deadline, SHMIPC_RECV_NOWAIT, &arg->flags, &until) < 0)
		return -1;
	arg->deadline = until;
	return 0;
}

void shmipc_message_from_recv(struct shmipc_message *msg, const struct shmipc_recv *arg)
{
	msg->got = *arg;
}

SHMIPC_API int shmipc_message_send(struct shmipc_endpoint *ep, struct shmipc_message *msg,
				   int64_t deadline)
{
	struct shmipc_send arg;
	int ret;

	msg->state = SHMIPC_STATE_NOT_SENT;
	if (shmipc_message_to_send(msg, deadline, &arg) < 0)
		return -1;
	ret = shmipc_do_ioctl(ep, SHMIPC_SEND, &arg);
	shmipc_message_from_send(msg, &arg);
	return ret;
}

static int receive(struct shmipc_endpoint *ep, struct shmipc_message *msg, uint32_t flags,
		   int64_t deadline)
{
	struct shmipc_recv arg;
	int ret;

	if (shmipc_message_to_recv(msg, deadline, &arg) < 0)
		return -1;
	arg.flags |= flags;
	ret = shmipc_do_ioctl(ep, SHMIPC_RECV, &arg);
	/* Otherwise it is what it was. */
	if (!ret || errno == EMSGSIZE)
		shmipc_message_from_recv(msg, &arg);
	return ret;
}

SHMIPC_API int shmipc_message_recv(struct shmipc_endpoint *ep, struct shmipc_message *msg,
				   int64_t deadline)
{
	return receive(ep, msg, 0, deadline);
}

SHMIPC_API int shmipc_message_peek(struct shmipc_endpoint *ep, struct shmipc_message *msg,
				   int64_t deadline)
{
	return receive(ep, msg, SHMIPC_RECV_PEEK, deadline);
}
