// SPDX-License-Identifier: LGPL-2.1-or-later
/* One way up: wait for a message and take it. As driver/recv.c. */
#include "host.h"

#define RECV_FLAGS	(SHMIPC_RECV_NOWAIT | SHMIPC_RECV_PEEK | SHMIPC_RECV_DISCARD)

static void recv_describe(struct shmipc_recv *arg, const struct host_msg *msg)
{
	arg->out_type = msg->type;
	arg->out_peer = msg->peer;
	arg->out_port = msg->src_port;
	arg->out_priority = msg->priority;
	arg->out_flags = msg->flags;
	arg->out_seq = msg->seq;
	arg->out_time = msg->time;
	if (!(msg->flags & SHMIPC_MSG_META))
		return;
	arg->out_endpoint = msg->endpoint;
	arg->out_cookie = msg->cookie;
	arg->out_sent_time = msg->sent_time;
	arg->out_pid = msg->pid;
	arg->out_uid = msg->uid;
}

/* Wait until there is a message at @port, which may die meanwhile */
static int recv_wait(struct host_endpoint *ep, struct host_port *port,
		     const struct host_wait *wait, struct host_msg **msg)
{
	struct host_region *region = ep->region;
	int err;

	for (;;) {
		if (region->gone)
			return -ENODEV;
		if (port->dead)
			return -ENOTCONN;
		*msg = shmipc_host_queue_first(port);
		if (!*msg) {
			/* It may be in a lane already, and the service thread not here yet */
			shmipc_host_serve(region);
			*msg = shmipc_host_queue_first(port);
		}
		if (*msg)
			return 0;
		err = shmipc_host_may_sleep(wait);
		if (err)
			return err;
		port->waiters++;
		err = shmipc_host_sleep(region, &ep->wq, wait, 0);
		port->waiters--;
		if (err < 0)
			return err;
	}
}

static int recv_check(const struct host_endpoint *ep, const struct shmipc_recv *arg)
{
	if (arg->flags & ~RECV_FLAGS)
		return -EOPNOTSUPP;
	if (!ep->readable)
		return -EBADF;
	if (arg->reserved)
		return -EOPNOTSUPP;
	if (arg->flags & SHMIPC_RECV_PEEK && arg->flags & SHMIPC_RECV_DISCARD)
		return -EINVAL;
	if (ep->region->gone)
		return -ENODEV;
	return ep->port ? 0 : -ENOTCONN;
}

/* Copy without the lock: nobody else knows of @msg any more */
static void recv_copy(struct host_region *region, const struct shmipc_recv *arg,
		      struct host_msg *msg)
{
	shmipc_host_unlock(region);
	if (msg->len && !(arg->flags & SHMIPC_RECV_DISCARD))
		memcpy((void *)(uintptr_t)arg->data, msg->data, msg->len);
	free(msg);
	shmipc_host_lock(region);
}

int shmipc_host_recv(struct host_endpoint *ep, struct shmipc_recv *arg, bool nowait)
{
	const size_t out = offsetof(struct shmipc_recv, out_len);
	struct host_wait wait = {
		.deadline = arg->deadline,
		.nonblock = nowait || ep->nonblock || arg->flags & SHMIPC_RECV_NOWAIT,
	};
	struct host_port *port = ep->port;
	struct host_msg *msg;
	int err;

	memset((u8 *)arg + out, 0, sizeof(*arg) - out);
	err = recv_check(ep, arg);
	if (err)
		return err;
	port->ref++;
	err = recv_wait(ep, port, &wait, &msg);
	if (err)
		goto out;
	arg->out_len = msg->len;
	if (msg->len > arg->len && !(arg->flags & SHMIPC_RECV_DISCARD)) {
		err = -EMSGSIZE;
		goto out;
	}
	recv_describe(arg, msg);
	if (arg->flags & SHMIPC_RECV_PEEK) {
		if (msg->len)
			memcpy((void *)(uintptr_t)arg->data, msg->data, msg->len);
		goto out;
	}
	shmipc_host_queue_take(ep->region, port, msg);
	recv_copy(ep->region, arg, msg);
out:
	shmipc_host_port_put(port);
	return err;
}
