// SPDX-License-Identifier: LGPL-2.1-or-later
/* One message, from and to plain memory. */
#include <errno.h>

#include "internal.h"

static int check_length(size_t len)
{
	if (len <= UINT32_MAX)
		return 0;
	errno = EMSGSIZE;
	return -1;
}

SHMIPC_API int shmipc_send(struct shmipc_endpoint *ep, const struct shmipc_address *to,
			   uint32_t type, const void *data, size_t len, int64_t deadline)
{
	struct shmipc_send arg = {
		.size = sizeof(arg),
		.data = shmipc_ptr_to_uapi(data),
		.len = len,
		.type = type,
	};
	int64_t until;

	if (check_length(len) < 0)
		return -1;
	if (shmipc_wait_to_uapi(deadline, SHMIPC_SEND_NOWAIT, &arg.flags, &until) < 0)
		return -1;
	arg.deadline = until;
	if (to) {
		/* For the kernel that would mean the connected destination. */
		if (to->port == SHMIPC_PORT_NONE) {
			errno = EDESTADDRREQ;
			return -1;
		}
		arg.peer = to->peer;
		arg.port = to->port;
		arg.generation = to->generation;
	}
	return shmipc_do_ioctl(ep, SHMIPC_SEND, &arg);
}

/* A buffer larger than any message is as good as one of 4 GiB. */
static int receive(struct shmipc_endpoint *ep, uint32_t flags, void *data, size_t size,
		   int64_t deadline, struct shmipc_recv *arg)
{
	int64_t until;

	*arg = (struct shmipc_recv){
		.size = sizeof(*arg),
		.flags = flags,
		.data = shmipc_ptr_to_uapi(data),
		.len = size < UINT32_MAX ? size : UINT32_MAX,
	};
	if (shmipc_wait_to_uapi(deadline, SHMIPC_RECV_NOWAIT, &arg->flags, &until) < 0)
		return -1;
	arg->deadline = until;
	return shmipc_do_ioctl(ep, SHMIPC_RECV, arg);
}

static ssize_t receive_simply(struct shmipc_endpoint *ep, uint32_t flags, void *data,
			      size_t size, uint32_t *type, struct shmipc_address *from,
			      int64_t deadline)
{
	struct shmipc_recv arg;

	if (receive(ep, flags, data, size, deadline, &arg) < 0)
		return -1;
	if (type)
		*type = arg.out_type;
	if (from)
		*from = (struct shmipc_address){ .peer = arg.out_peer, .port = arg.out_port };
	return arg.out_len;
}

SHMIPC_API ssize_t shmipc_recv(struct shmipc_endpoint *ep, void *data, size_t size,
			       uint32_t *type, struct shmipc_address *from, int64_t deadline)
{
	return receive_simply(ep, 0, data, size, type, from, deadline);
}

SHMIPC_API ssize_t shmipc_peek(struct shmipc_endpoint *ep, void *data, size_t size,
			       uint32_t *type, struct shmipc_address *from, int64_t deadline)
{
	return receive_simply(ep, SHMIPC_RECV_PEEK, data, size, type, from, deadline);
}

SHMIPC_API ssize_t shmipc_next_length(struct shmipc_endpoint *ep, int64_t deadline)
{
	struct shmipc_recv arg;

	if (receive(ep, SHMIPC_RECV_PEEK, NULL, 0, deadline, &arg) < 0 && errno != EMSGSIZE)
		return -1;
	return arg.out_len;
}

SHMIPC_API ssize_t shmipc_discard(struct shmipc_endpoint *ep, int64_t deadline)
{
	struct shmipc_recv arg;

	if (receive(ep, SHMIPC_RECV_DISCARD, NULL, 0, deadline, &arg) < 0)
		return -1;
	return arg.out_len;
}
