// SPDX-License-Identifier: LGPL-2.1-or-later
/* A handle on a peer in this process. The work is done in host/. */
#include <errno.h>
#include <pthread.h>

#include "internal.h"

#ifdef SHMIPC_NO_HOST

struct shmipc_endpoint *shmipc_host_peer_open(const char *where, int flags)
{
	(void)where;
	(void)flags;
	errno = EPROTONOSUPPORT;
	return NULL;
}

#else

/*
 * A thread that is cancelled with a region's lock held would take it along: no call is
 * a cancellation point, as an ioctl is none.
 */
static int cancel_disable(void)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state;
}

static void cancel_restore(int state)
{
	pthread_setcancelstate(state, NULL);
}

static int host_command(const struct shmipc_endpoint *ep, unsigned int cmd, void *arg)
{
	int state = cancel_disable();
	int ret = shmipc_host_command(ep->host, cmd, arg);

	cancel_restore(state);
	return ret;
}

static int host_fd(const struct shmipc_endpoint *ep)
{
	int state = cancel_disable();
	int fd = shmipc_host_fd(ep->host);

	cancel_restore(state);
	return fd;
}

static struct shmipc_endpoint *host_beside(const struct shmipc_endpoint *ep, int flags);

static void host_close(struct shmipc_endpoint *ep)
{
	int state = cancel_disable();
	int saved = errno;

	shmipc_host_close(ep->host);
	errno = saved;
	cancel_restore(state);
}

static const struct shmipc_backend host_backend = {
	.command = host_command,
	.fd = host_fd,
	.beside = host_beside,
	.close = host_close,
};

static struct shmipc_endpoint *handle_on(struct host_endpoint *host)
{
	struct shmipc_endpoint *ep;

	if (!host)
		return NULL;
	ep = shmipc_endpoint_new(&host_backend, -1, host);
	if (!ep)
		shmipc_host_close(host);
	return ep;
}

static struct shmipc_endpoint *host_beside(const struct shmipc_endpoint *ep, int flags)
{
	int state = cancel_disable();
	struct shmipc_endpoint *beside = handle_on(shmipc_host_open_beside(ep->host, flags));

	cancel_restore(state);
	return beside;
}

struct shmipc_endpoint *shmipc_host_peer_open(const char *where, int flags)
{
	int state = cancel_disable();
	struct shmipc_endpoint *ep = handle_on(shmipc_host_open(where, flags));

	cancel_restore(state);
	return ep;
}

#endif
