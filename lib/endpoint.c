// SPDX-License-Identifier: LGPL-2.1-or-later
/* The endpoint: a handle, and who carries out its commands. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define OPEN_FLAGS (SHMIPC_OPEN_NONBLOCK | SHMIPC_OPEN_RECV_ONLY | SHMIPC_OPEN_SEND_ONLY)
#define ONE_WAY (SHMIPC_OPEN_RECV_ONLY | SHMIPC_OPEN_SEND_ONLY)

struct shmipc_endpoint *shmipc_endpoint_new(const struct shmipc_backend *backend, int fd,
					    struct host_endpoint *host)
{
	struct shmipc_endpoint *ep = malloc(sizeof(*ep));

	if (ep)
		*ep = (struct shmipc_endpoint){ .backend = backend, .fd = fd, .host = host };
	return ep;
}

SHMIPC_API struct shmipc_endpoint *shmipc_open(const char *where, int flags)
{
	char path[SHMIPC_WHERE_MAX];

	if ((flags & ~OPEN_FLAGS) || (flags & ONE_WAY) == ONE_WAY) {
		errno = EINVAL;
		return NULL;
	}
	if (shmipc_where_to_path(where, path) < 0)
		return NULL;
	where = shmipc_where(where);
	if (shmipc_where_is_host(where))
		return shmipc_host_peer_open(where, flags);
	return shmipc_device_open(path, flags);
}

struct shmipc_endpoint *shmipc_open_beside(const struct shmipc_endpoint *ep, int flags)
{
	if (!ep->backend->beside) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	return ep->backend->beside(ep, flags);
}

SHMIPC_API void shmipc_close(struct shmipc_endpoint *ep)
{
	if (!ep)
		return;
	ep->backend->close(ep);
	free(ep);
}

SHMIPC_API int shmipc_fd(const struct shmipc_endpoint *ep)
{
	if (!ep) {
		errno = EINVAL;
		return -1;
	}
	return ep->backend->fd(ep);
}
