// SPDX-License-Identifier: LGPL-2.1-or-later
/* The endpoint: a descriptor that is known to be one of shmipc. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

#define OPEN_FLAGS (SHMIPC_OPEN_NONBLOCK | SHMIPC_OPEN_RECV_ONLY | SHMIPC_OPEN_SEND_ONLY)

/* Never changes, so threads need no lock. */
struct shmipc_endpoint {
	int fd;
};

static void close_keep_errno(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

static int access_mode(int flags)
{
	switch (flags & (SHMIPC_OPEN_RECV_ONLY | SHMIPC_OPEN_SEND_ONLY)) {
	case 0:
		return O_RDWR;
	case SHMIPC_OPEN_RECV_ONLY:
		return O_RDONLY;
	case SHMIPC_OPEN_SEND_ONLY:
		return O_WRONLY;
	}
	return -1;
}

/*
 * O_NONBLOCK until it is known what this is: opening a FIFO or somebody else's
 * device must not hang.
 */
static int open_device(const char *path, int mode, int flags)
{
	int fd = open(path, mode | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (shmipc_probe_fd(fd) < 0)
		goto err_close;
	if (!(flags & SHMIPC_OPEN_NONBLOCK) && fcntl(fd, F_SETFL, 0) < 0)
		goto err_close;
	return fd;

err_close:
	close_keep_errno(fd);
	return -1;
}

SHMIPC_API struct shmipc_endpoint *shmipc_open(const char *where, int flags)
{
	char path[SHMIPC_WHERE_MAX];
	struct shmipc_endpoint *ep;
	int mode = access_mode(flags);
	int fd;

	if ((flags & ~OPEN_FLAGS) || mode < 0) {
		errno = EINVAL;
		return NULL;
	}
	if (shmipc_where_to_path(where, path) < 0)
		return NULL;
	fd = open_device(path, mode, flags);
	if (fd < 0)
		return NULL;
	ep = shmipc_from_fd(fd);
	if (!ep)
		close_keep_errno(fd);
	return ep;
}

SHMIPC_API struct shmipc_endpoint *shmipc_from_fd(int fd)
{
	struct shmipc_endpoint *ep;

	if (shmipc_probe_fd(fd) < 0)
		return NULL;
	ep = malloc(sizeof(*ep));
	if (ep)
		ep->fd = fd;
	return ep;
}

SHMIPC_API void shmipc_close(struct shmipc_endpoint *ep)
{
	if (!ep)
		return;
	close_keep_errno(ep->fd);
	free(ep);
}

SHMIPC_API int shmipc_fd(const struct shmipc_endpoint *ep)
{
	if (!ep) {
		errno = EINVAL;
		return -1;
	}
	return ep->fd;
}
