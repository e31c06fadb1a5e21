// SPDX-License-Identifier: LGPL-2.1-or-later
/* Words for numbers. */
#include <errno.h>
#include <string.h>

#include "internal.h"

#ifndef SHMIPC_VERSION
#error "the Makefile defines SHMIPC_VERSION"
#endif

static const char *pick(const char *const *words, size_t nr, uint32_t index)
{
	return index < nr && words[index] ? words[index] : "unknown";
}

#define PICK(words, index) pick(words, sizeof(words) / sizeof((words)[0]), index)

SHMIPC_API const char *shmipc_transport_name(uint32_t transport)
{
	static const char *const words[] = {
		[SHMIPC_TRANSPORT_LOOPBACK] = "loopback",
		[SHMIPC_TRANSPORT_IVSHMEM_V1] = "ivshmem-v1",
		[SHMIPC_TRANSPORT_IVSHMEM_V2] = "ivshmem-v2",
		[SHMIPC_TRANSPORT_PLATFORM] = "platform",
	};

	return PICK(words, transport);
}

SHMIPC_API const char *shmipc_format_name(uint32_t format)
{
	static const char *const words[] = {
		[SHMIPC_FORMAT_NATIVE] = "native",
		[SHMIPC_FORMAT_MESSAGE] = "message",
		[SHMIPC_FORMAT_SHMINFO] = "shminfo",
	};

	return PICK(words, format);
}

SHMIPC_API const char *shmipc_doorbell_name(uint32_t doorbell)
{
	static const char *const words[] = {
		[SHMIPC_DOORBELL_DIRECT] = "direct",
		[SHMIPC_DOORBELL_MSIX] = "msix",
		[SHMIPC_DOORBELL_INTX] = "intx",
		[SHMIPC_DOORBELL_MAILBOX] = "mailbox",
		[SHMIPC_DOORBELL_MMIO] = "mmio",
		[SHMIPC_DOORBELL_POLLING] = "polling",
		[SHMIPC_DOORBELL_EVENTFD] = "eventfd",
	};

	return PICK(words, doorbell);
}

SHMIPC_API const char *shmipc_memory_name(uint32_t memory)
{
	static const char *const words[] = {
		[SHMIPC_MEMORY_CACHED] = "cached",
		[SHMIPC_MEMORY_WRITECOMBINE] = "write-combining",
		[SHMIPC_MEMORY_NONCACHED] = "noncached",
	};

	return PICK(words, memory);
}

SHMIPC_API const char *shmipc_peer_state_name(uint32_t state)
{
	static const char *const words[] = {
		[SHMIPC_PEER_ABSENT] = "absent",
		[SHMIPC_PEER_JOINING] = "joining",
		[SHMIPC_PEER_UP] = "up",
		[SHMIPC_PEER_STALLED] = "stalled",
		[SHMIPC_PEER_FOREIGN] = "foreign",
		[SHMIPC_PEER_BROKEN] = "broken",
	};

	return PICK(words, state);
}

SHMIPC_API const char *shmipc_state_name(uint32_t state)
{
	static const char *const words[] = {
		[SHMIPC_STATE_NOT_SENT] = "not sent",
		[SHMIPC_STATE_SENT] = "sent",
		[SHMIPC_STATE_QUEUED] = "queued",
		[SHMIPC_STATE_RECEIVED] = "received",
		[SHMIPC_STATE_REFUSED] = "refused",
		[SHMIPC_STATE_RESET] = "reset",
	};

	return PICK(words, state);
}

SHMIPC_API const char *shmipc_event_name(uint32_t kind)
{
	static const char *const words[] = {
		[SHMIPC_EVENT_OVERRUN] = "overrun",
		[SHMIPC_EVENT_PEER_UP] = "peer-up",
		[SHMIPC_EVENT_PEER_DOWN] = "peer-down",
		[SHMIPC_EVENT_PEER_RESET] = "peer-reset",
		[SHMIPC_EVENT_GONE] = "gone",
		[SHMIPC_EVENT_NAME] = "name",
		[SHMIPC_EVENT_DOORBELL] = "doorbell",
		[SHMIPC_EVENT_COMPLETION] = "completion",
	};

	return PICK(words, kind);
}

SHMIPC_API const char *shmipc_feature_name(unsigned int bit)
{
	/* In the order of the SHMIPC_FEAT_* bits. */
	static const char *const words[] = {
		"ports", "priority", "names", "events", "meta",
		"confirm", "call", "broadcast", "notify", "buf",
	};

	return PICK(words, bit);
}

SHMIPC_API const char *shmipc_strerror(int error)
{
	switch (error) {
	case EAGAIN:
		return "not now: no message, no room, or the link is not up yet";
	case ETIMEDOUT:
		return "timed out";
	case EMSGSIZE:
		return "the message is too large";
	case ECONNREFUSED:
		return "no such port, or it closed";
	case ECONNRESET:
		return "the port was replaced, or the peer was reset and messages were lost";
	case EHOSTUNREACH:
		return "no such peer, or it is absent";
	case EHOSTDOWN:
		return "the peer does not answer";
	case EPROTO:
		return "the peer broke the protocol; its link was restarted";
	case EDESTADDRREQ:
		return "no destination, and none connected";
	case ENOTCONN:
		return "this endpoint owns no port";
	case EISCONN:
		return "this endpoint owns a port already";
	case EADDRINUSE:
		return "the port number is taken";
	case EEXIST:
		return "the name is taken";
	case ENOSPC:
		return "no free port";
	case EDQUOT:
		return "this user's ports promise to queue too much (module parameter uid_bytes)";
	case ENOTUNIQ:
		return "several peers have that name";
	case ENOENT:
		return "nobody has that name";
	case EOPNOTSUPP:
		return "this region cannot do that";
	case ENODEV:
		return "the device is gone";
	}
	return strerrordesc_np(error) ? strerrordesc_np(error) : "unknown error";
}

SHMIPC_API const char *shmipc_version(void)
{
	return SHMIPC_VERSION;
}
