// SPDX-License-Identifier: LGPL-2.1-or-later
/* The Message of Jailhouse's demos, over a device with that format. */
#include <errno.h>
#include <string.h>

#include <shmipc/message.h>
#include "internal.h"

/* As it lies in the memory */
_Static_assert(sizeof(struct Message) == 272, "struct Message has padding");

static int letter_send(struct shmipc_endpoint *ep, const struct Message *message, uint32_t flags,
		       int64_t deadline)
{
	struct shmipc_send arg = {
		.size = sizeof(arg),
		.flags = flags,
		.data = shmipc_ptr_to_uapi(message->data),
		.len = message->length,
		.type = message->type,
		.peer = message->receiver_id,
		.port = SHMIPC_MESSAGE_PORT,
	};
	int64_t until;

	if (message->length > sizeof(message->data)) {
		errno = EMSGSIZE;
		return -1;
	}
	if (shmipc_wait_to_uapi(deadline, SHMIPC_SEND_NOWAIT, &arg.flags, &until) < 0)
		return -1;
	arg.deadline = until;
	return shmipc_do_ioctl(ep, SHMIPC_SEND, &arg);
}

SHMIPC_API int shmipc_letter_send(struct shmipc_endpoint *ep, const struct Message *message)
{
	return letter_send(ep, message, 0, SHMIPC_FOREVER);
}

SHMIPC_API int shmipc_letter_confirm(struct shmipc_endpoint *ep, const struct Message *message,
				     int64_t deadline)
{
	return letter_send(ep, message, SHMIPC_SEND_CONFIRM, deadline);
}

static int own_peer(struct shmipc_endpoint *ep, uint32_t *peer)
{
	struct shmipc_info info = { .size = sizeof(info) };

	if (shmipc_do_ioctl(ep, SHMIPC_INFO, &info) < 0)
		return -1;
	*peer = info.out_peer;
	return 0;
}

SHMIPC_API int shmipc_letter_recv(struct shmipc_endpoint *ep, struct Message *message,
				  uint32_t *flags, int64_t deadline)
{
	struct shmipc_recv arg = {
		.size = sizeof(arg),
		.data = shmipc_ptr_to_uapi(message->data),
		.len = sizeof(message->data),
	};
	uint32_t own;
	int64_t until;

	if (own_peer(ep, &own) < 0 ||
	    shmipc_wait_to_uapi(deadline, SHMIPC_RECV_NOWAIT, &arg.flags, &until) < 0)
		return -1;
	arg.deadline = until;
	memset(message, 0, sizeof(*message));
	if (shmipc_do_ioctl(ep, SHMIPC_RECV, &arg) < 0)
		return -1;
	message->type = arg.out_type;
	message->length = arg.out_len;
	message->sender_id = arg.out_peer;
	message->receiver_id = arg.out_flags & SHMIPC_MSG_BADRECEIVER ? UINT32_MAX : own;
	if (flags)
		*flags = arg.out_flags;
	return 0;
}
