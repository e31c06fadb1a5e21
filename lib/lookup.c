// SPDX-License-Identifier: LGPL-2.1-or-later
/* Finding a destination, and remembering one. */
#include <errno.h>

#include "internal.h"

SHMIPC_API int shmipc_lookup(struct shmipc_endpoint *ep, uint32_t peer, const char *name,
			     unsigned int flags, int64_t deadline,
			     struct shmipc_address *found)
{
	struct shmipc_lookup arg = { .size = sizeof(arg), .flags = flags, .peer = peer };
	uint32_t nowait = 0;
	int64_t until;

	if (flags & ~SHMIPC_LOOKUP_FIRST) {
		errno = EINVAL;
		return -1;
	}
	if (shmipc_wait_to_uapi(deadline, 1, &nowait, &until) < 0)
		return -1;
	if (!nowait)
		arg.flags |= SHMIPC_LOOKUP_WAIT;
	arg.deadline = until;
	if (shmipc_name_to_uapi(name, arg.name) < 0)
		return -1;
	if (shmipc_do_ioctl(ep, SHMIPC_LOOKUP, &arg) < 0)
		return -1;
	found->peer = arg.out_peer;
	found->port = arg.out_port;
	found->generation = arg.out_generation;
	return 0;
}

SHMIPC_API int shmipc_connect(struct shmipc_endpoint *ep, const struct shmipc_address *to,
			      struct shmipc_address *pinned)
{
	struct shmipc_connect arg = {
		.size = sizeof(arg),
		.peer = to->peer,
		.port = to->port,
		.generation = to->generation,
	};

	if (to->port == SHMIPC_PORT_NONE) {
		errno = EINVAL;
		return -1;
	}
	if (shmipc_do_ioctl(ep, SHMIPC_CONNECT, &arg) < 0)
		return -1;
	if (pinned) {
		pinned->peer = arg.out_peer;
		pinned->port = to->port;
		pinned->generation = arg.out_generation;
	}
	return 0;
}

SHMIPC_API int shmipc_disconnect(struct shmipc_endpoint *ep)
{
	struct shmipc_connect arg = { .size = sizeof(arg), .port = SHMIPC_PORT_NONE };

	return shmipc_do_ioctl(ep, SHMIPC_CONNECT, &arg);
}
