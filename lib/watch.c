// SPDX-License-Identifier: LGPL-2.1-or-later
/* One-shot questions, answered by an event. */
#include "internal.h"

static int watch(struct shmipc_endpoint *ep, struct shmipc_watch *arg, uint64_t cookie)
{
	arg->size = sizeof(*arg);
	arg->cookie = cookie;
	return shmipc_do_ioctl(ep, SHMIPC_WATCH, arg);
}

SHMIPC_API int shmipc_watch_peer(struct shmipc_endpoint *ep, uint32_t peer, uint64_t cookie)
{
	struct shmipc_watch arg = { .kind = SHMIPC_WATCH_PEER, .peer = peer };

	return watch(ep, &arg, cookie);
}

SHMIPC_API int shmipc_watch_port(struct shmipc_endpoint *ep, const struct shmipc_address *port,
				 uint64_t cookie)
{
	struct shmipc_watch arg = {
		.kind = SHMIPC_WATCH_PORT,
		.peer = port->peer,
		.port = port->port,
		.generation = port->generation,
	};

	return watch(ep, &arg, cookie);
}

SHMIPC_API int shmipc_watch_endpoint(struct shmipc_endpoint *ep, uint32_t peer,
				     uint64_t endpoint, uint64_t cookie)
{
	struct shmipc_watch arg = {
		.kind = SHMIPC_WATCH_ENDPOINT,
		.peer = peer,
		.endpoint = endpoint,
	};

	return watch(ep, &arg, cookie);
}

SHMIPC_API int shmipc_watch_name(struct shmipc_endpoint *ep, uint32_t peer, const char *name,
				 uint64_t cookie)
{
	struct shmipc_watch arg = { .kind = SHMIPC_WATCH_NAME, .peer = peer };

	if (shmipc_name_to_uapi(name, arg.name) < 0)
		return -1;
	return watch(ep, &arg, cookie);
}

SHMIPC_API int shmipc_unwatch(struct shmipc_endpoint *ep, uint64_t cookie)
{
	struct shmipc_watch arg = { .flags = SHMIPC_WATCH_REMOVE };

	return watch(ep, &arg, cookie);
}
