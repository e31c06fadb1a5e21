// SPDX-License-Identifier: GPL-2.0
/* See dev.h. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../lib/internal.h"

#define MAX_FD	1024

int dev_open(const char *path, int flags, ...);
int dev_ioctl(int fd, unsigned long cmd, void *arg);
int dev_close(int fd);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shmipc_endpoint *first, *endpoints[MAX_FD];

/* All of a process are endpoints of one peer, as with a device */
static struct shmipc_endpoint *another(void)
{
	struct shmipc_endpoint *ep = NULL;

	pthread_mutex_lock(&lock);
	if (!first)
		first = shmipc_open(NULL, 0);
	if (first)
		ep = shmipc_open_beside(first, 0);
	pthread_mutex_unlock(&lock);
	return ep;
}

int dev_open(const char *path, int flags, ...)
{
	struct shmipc_endpoint *ep;
	va_list args;
	int fd, mode;

	if (strncmp(path, "/dev/shmipc", 11)) {
		va_start(args, flags);
		mode = va_arg(args, int);
		va_end(args);
		return open(path, flags, mode);
	}
	ep = another();
	if (!ep)
		return -1;
	fd = shmipc_fd(ep);
	if (fd < 0 || fd >= MAX_FD) {
		shmipc_close(ep);
		errno = EMFILE;
		return -1;
	}
	endpoints[fd] = ep;
	return fd;
}

int dev_ioctl(int fd, unsigned long cmd, void *arg)
{
	struct shmipc_endpoint *ep = fd >= 0 && fd < MAX_FD ? endpoints[fd] : NULL;

	return ep ? ep->backend->command(ep, cmd, arg) : ioctl(fd, cmd, arg);
}

int dev_close(int fd)
{
	struct shmipc_endpoint *ep = fd >= 0 && fd < MAX_FD ? endpoints[fd] : NULL;

	if (!ep)
		return close(fd);
	endpoints[fd] = NULL;
	shmipc_close(ep);
	return 0;
}
