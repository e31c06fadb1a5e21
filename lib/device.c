// SPDX-License-Identifier: LGPL-2.1-or-later
/* A handle on a device: every command is an ioctl() on an open file of it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static void close_keep_errno(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

static int device_command(const struct shmipc_endpoint *ep, unsigned int cmd, void *arg)
{
	return ioctl(ep->fd, cmd, arg) < 0 ? -1 : 0;
}

static int device_fd(const struct shmipc_endpoint *ep)
{
	return ep->fd;
}

static void device_close(struct shmipc_endpoint *ep)
{
	close_keep_errno(ep->fd);
}

/* Whoever opens the device again has the same peer. */
static const struct shmipc_backend device_backend = {
	.command = device_command,
	.fd = device_fd,
	.close = device_close,
};

/* Is this descriptor an endpoint? 0, or -1 with ENODEV, ENOTTY, EBADF. */
static int probe_fd(int fd)
{
	struct shmipc_info info = { .size = sizeof(info) };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISCHR(st.st_mode)) {
		errno = ENODEV;
		return -1;
	}
	if (ioctl(fd, SHMIPC_INFO, &info) >= 0)
		return 0;
	/* Other drivers have many errors for a command they do not know. */
	if (errno != ENODEV && errno != EBADF)
		errno = ENOTTY;
	return -1;
}

static int access_mode(int flags)
{
	switch (flags & (SHMIPC_OPEN_RECV_ONLY | SHMIPC_OPEN_SEND_ONLY)) {
	case SHMIPC_OPEN_RECV_ONLY:
		return O_RDONLY;
	case SHMIPC_OPEN_SEND_ONLY:
		return O_WRONLY;
	}
	return O_RDWR;
}

/*
 * O_NONBLOCK until it is known what this is: opening a FIFO or somebody else's
 * device must not hang.
 */
static int open_fd(const char *path, int flags)
{
	int fd = open(path, access_mode(flags) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (probe_fd(fd) < 0)
		goto err_close;
	if (!(flags & SHMIPC_OPEN_NONBLOCK) && fcntl(fd, F_SETFL, 0) < 0)
		goto err_close;
	return fd;

err_close:
	close_keep_errno(fd);
	return -1;
}

struct shmipc_endpoint *shmipc_device_open(const char *path, int flags)
{
	struct shmipc_endpoint *ep;
	int fd = open_fd(path, flags);

	if (fd < 0)
		return NULL;
	ep = shmipc_endpoint_new(&device_backend, fd, NULL);
	if (!ep)
		close_keep_errno(fd);
	return ep;
}

SHMIPC_API struct shmipc_endpoint *shmipc_from_fd(int fd)
{
	if (probe_fd(fd) < 0)
		return NULL;
	return shmipc_endpoint_new(&device_backend, fd, NULL);
}
