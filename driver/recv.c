// SPDX-License-Identifier: GPL-2.0
/*
 * One way up: claim a message, let the caller copy it out, commit or put back.
 * The caller (chardev.c) holds no lock while it copies.
 */
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/cred.h>

#include "shmipc.h"

/* Is there a reason not to sleep? */
static bool recv_done(struct shmipc_port *port)
{
	return shmipc_port_readable(port) || shmipc_region_gone(port->region);
}

/* Try until there is a message, or a reason to give up */
static int recv_wait(struct shmipc_port *port, const struct shmipc_recv *arg, u32 *len,
		     const struct shmipc_wait *wait, struct shmipc_msg **msg)
{
	DEFINE_WAIT(entry);
	bool slept = false;
	int err, stop;

	for (;;) {
		if (shmipc_region_gone(port->region))
			return -ENODEV;
		err = shmipc_port_claim(port, arg->len, arg->flags, len, msg);
		if (err != -EAGAIN)
			break;
		stop = shmipc_wait_may_sleep(wait);
		if (stop) {
			err = stop;
			break;
		}
		prepare_to_wait_exclusive(&port->receivers, &entry, TASK_INTERRUPTIBLE);
		atomic_inc(&port->nr_receivers);
		if (!recv_done(port))
			shmipc_wait_sleep(wait, 0);
		atomic_dec(&port->nr_receivers);
		finish_wait(&port->receivers, &entry);
		slept = true;
	}
	/* A wake-up meant for one of several messages may have been ours alone */
	if (slept && shmipc_port_readable(port))
		wake_up(&port->receivers);
	return err;
}

static void recv_describe(struct shmipc_recv *arg, const struct shmipc_msg *msg)
{
	bool local = msg->flags & SHMIPC_MSG_LOCAL;

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
	arg->out_pid = local ? pid_vnr(msg->pid) : msg->raw_pid;
	arg->out_uid = local ? from_kuid_munged(current_user_ns(), msg->uid) : msg->raw_uid;
}

/**
 * shmipc_recv_claim() - wait for a message and take it
 * @ep: owner of the port
 * @arg: what to receive; results are filled in
 * @wait: how long
 * @rcv: out: for shmipc_recv_commit() or shmipc_recv_cancel()
 */
int shmipc_recv_claim(struct shmipc_endpoint *ep, struct shmipc_recv *arg,
		      const struct shmipc_wait *wait, struct shmipc_receiving *rcv)
{
	struct shmipc_port *port;
	int err;

	if (!ep->readable)
		return -EBADF;
	if (arg->reserved || arg->flags & ~SHMIPC_RECV_FLAGS)
		return -EOPNOTSUPP;
	if (arg->flags & SHMIPC_RECV_PEEK && arg->flags & SHMIPC_RECV_DISCARD)
		return -EINVAL;
	if (shmipc_region_gone(ep->region))
		return -ENODEV;
	port = shmipc_endpoint_port(ep);
	if (!port)
		return -ENOTCONN;

	err = recv_wait(port, arg, &arg->out_len, wait, &rcv->msg);
	if (err) {
		shmipc_port_put(port);
		return err;
	}
	rcv->port = port;
	rcv->peek = arg->flags & SHMIPC_RECV_PEEK;
	recv_describe(arg, rcv->msg);
	return 0;
}

/* It has arrived at the caller's */
void shmipc_recv_commit(struct shmipc_receiving *rcv)
{
	if (rcv->peek)
		shmipc_msg_put(rcv->msg);
	else
		shmipc_port_commit(rcv->port, rcv->msg);
	shmipc_port_put(rcv->port);
}

/* It could not be copied out: nothing has happened */
void shmipc_recv_cancel(struct shmipc_receiving *rcv)
{
	if (rcv->peek)
		shmipc_msg_put(rcv->msg);
	else
		shmipc_port_putback(rcv->port, rcv->msg);
	shmipc_port_put(rcv->port);
}
