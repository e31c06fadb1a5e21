// SPDX-License-Identifier: LGPL-2.1-or-later
/* Raw doorbells: ringing them, and being woken by them. */
#include "internal.h"

SHMIPC_API int shmipc_notify(struct shmipc_endpoint *ep, uint32_t peer, uint32_t vector)
{
	struct shmipc_notify arg = { .size = sizeof(arg), .peer = peer, .vector = vector };

	if (shmipc_do_ioctl(ep, SHMIPC_NOTIFY, &arg) < 0)
		return -1;
	return arg.out_rung;
}

static int bind_eventfd(struct shmipc_endpoint *ep, int fd, uint32_t peer, uint32_t vector,
			uint32_t flags)
{
	struct shmipc_eventfd arg = {
		.size = sizeof(arg),
		.flags = flags,
		.fd = fd,
		.peer = peer,
		.vector = vector,
	};

	return shmipc_do_ioctl(ep, SHMIPC_EVENTFD, &arg);
}

SHMIPC_API int shmipc_eventfd(struct shmipc_endpoint *ep, int fd, uint32_t peer,
			      uint32_t vector)
{
	return bind_eventfd(ep, fd, peer, vector, 0);
}

SHMIPC_API int shmipc_eventfd_remove(struct shmipc_endpoint *ep, int fd, uint32_t peer,
				     uint32_t vector)
{
	return bind_eventfd(ep, fd, peer, vector, SHMIPC_EVENTFD_REMOVE);
}
