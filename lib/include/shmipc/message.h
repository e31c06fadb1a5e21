/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Message of Jailhouse's demos: one lies at the start of each peer's section, and an
 * interrupt means "look". For devices that the module was loaded with format=message or
 * format=text for; see Documentation/ivshmem.md.
 */
#ifndef SHMIPC_MESSAGE_H
#define SHMIPC_MESSAGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shmipc_endpoint;

typedef enum {
	MSG_TYPE_TEXT = 1,
	MSG_TYPE_COMMAND,
	MSG_TYPE_ACK,
	MSG_TYPE_ERROR
} MessageType;

/**
 * struct Message - a message, as it lies in the memory
 * @type: a MessageType, or what both sides have agreed on; not 0
 * @length: bytes in @data
 * @sender_id: peer that it is from
 * @receiver_id: peer that it is for, or UINT32_MAX for whoever looks
 * @data: not a string, unless the sender sent its NUL, too
 */
struct Message {
	MessageType type;
	uint16_t length;
	uint32_t sender_id;
	uint32_t receiver_id;
	char data[256];
};

/*
 * Write @message into our section and ring @message->receiver_id; @sender_id does not
 * matter, the kernel knows better. What lay there is overwritten, read or not. 0 or -1.
 * EHOSTUNREACH: no such peer, or it is not there. EMSGSIZE: @length over 256, or with
 * format=text over 255. EOPNOTSUPP: format=text knows only MSG_TYPE_TEXT. EINVAL: there,
 * @length is 0 or @data has a zero byte.
 */
int shmipc_letter_send(struct shmipc_endpoint *ep, const struct Message *message);

/*
 * The same, and wait until the peer has answered with MSG_TYPE_ACK and the same data, or
 * none. ETIMEDOUT, EINTR: it has been sent, and may have been received. ECONNRESET: the
 * peer went. EINVAL: @deadline is SHMIPC_NOWAIT, or the file O_NONBLOCK.
 */
int shmipc_letter_confirm(struct shmipc_endpoint *ep, const struct Message *message,
			  int64_t deadline);

/*
 * The next message for the port that this endpoint owns (shmipc_port_create() with
 * SHMIPC_PORT_ANY). @sender_id is the peer whose section it lay in, whatever it says;
 * @receiver_id our own, or UINT32_MAX if it was for another. The rest of @data is zero.
 * @flags, if not NULL, receives SHMIPC_MSG_REPEAT, _BADLEN, _BADSENDER, _BADRECEIVER and
 * _BARE. 0, or -1 with the errors of shmipc_recv().
 */
int shmipc_letter_recv(struct shmipc_endpoint *ep, struct Message *message, uint32_t *flags,
		       int64_t deadline);

#ifdef __cplusplus
}
#endif

#endif /* SHMIPC_MESSAGE_H */
