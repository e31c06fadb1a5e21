// SPDX-License-Identifier: GPL-2.0
/*
 * The device node: the ioctl table, read, write, poll. The only file that
 * touches user memory, and it holds no lock while it does.
 *
 * A command is a struct in user memory. It is copied in whole (call.arg), the
 * handler works on the copy, and the part from the first out_ field on is copied
 * back. Commands whose effect must not happen if that fails do it themselves.
 * Handlers that need nothing but the copy are in command.c.
 */
#include <linux/build_bug.h>
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "command.h"

/* Copy results out from offset @out on; what we do not know of is zero already */
static int copy_results(void __user *user, u32 usize, const void *arg, u32 size, u32 out)
{
	u32 end = min(usize, size);

	if (out < end && copy_to_user(user + out, arg + out, end - out))
		return -EFAULT;
	return 0;
}

/* Fill a message: from user memory at @from, or from @iter */
static int msg_from_user(struct shmipc_msg *msg, u64 from, struct iov_iter *iter)
{
	u32 off, len;

	for (off = 0; off < msg->len; off += len) {
		void *to = shmipc_msg_span(msg, off, &len);

		if (iter ? copy_from_iter(to, len, iter) != len :
			   copy_from_user(to, u64_to_user_ptr(from) + off, len))
			return -EFAULT;
	}
	return 0;
}

/* The other way */
static int msg_to_user(u64 to, struct iov_iter *iter, struct shmipc_msg *msg)
{
	u32 off, len;

	for (off = 0; off < msg->len; off += len) {
		void *from = shmipc_msg_span(msg, off, &len);

		if (iter ? copy_to_iter(from, len, iter) != len :
			   copy_to_user(u64_to_user_ptr(to) + off, from, len))
			return -EFAULT;
	}
	return 0;
}

/* Copy @nr rows of @size bytes to user rows of @elem_size */
static int copy_rows(u64 elems, u32 elem_size, const void *rows, u32 size, u32 nr)
{
	u32 len = min(elem_size, size);
	u32 i;

	for (i = 0; i < nr; i++) {
		void __user *to = u64_to_user_ptr(elems + (u64)i * elem_size);

		if (copy_to_user(to, rows + (size_t)i * size, len) ||
		    clear_user(to + len, elem_size - len))
			return -EFAULT;
		cond_resched();
	}
	return 0;
}

static long shmipc_do_peers(struct shmipc_call *call)
{
	struct shmipc_peers *arg = &call->arg.peers;
	struct shmipc_region *region = call->ep->region;
	struct shmipc_peer_info row;
	u32 peer;

	if (!arg->elem_size || arg->elem_size > PAGE_SIZE)
		return -EINVAL;
	arg->out_total = region->cfg.peers;
	for (peer = 0; peer < min(arg->nr, region->cfg.peers); peer++) {
		memset(&row, 0, sizeof(row));
		shmipc_table_peer(region, peer, &row);
		if (copy_rows(arg->elems + (u64)peer * arg->elem_size, arg->elem_size, &row,
			      sizeof(row), 1))
			return -EFAULT;
		arg->out_nr++;
	}
	return 0;
}

static long shmipc_do_ports(struct shmipc_call *call)
{
	struct shmipc_ports *arg = &call->arg.ports;
	struct shmipc_region *region = call->ep->region;
	u32 peer = shmipc_region_peer(region, arg->peer);
	struct shmipc_port_info *rows;
	long err;
	u32 nr;

	if (arg->reserved)
		return -EOPNOTSUPP;
	if (!arg->elem_size || arg->elem_size > PAGE_SIZE)
		return -EINVAL;
	if (peer != SHMIPC_PEER_ANY && peer >= region->cfg.peers)
		return -EHOSTUNREACH;
	/* No more than there are: an absurd number costs nothing */
	nr = min(arg->nr, shmipc_table_ports(region, peer, NULL, 0));
	rows = kvcalloc(max(nr, 1U), sizeof(*rows), GFP_KERNEL_ACCOUNT);
	if (!rows)
		return -ENOMEM;
	arg->out_total = shmipc_table_ports(region, peer, rows, nr);
	nr = min(nr, arg->out_total);
	err = copy_rows(arg->elems, arg->elem_size, rows, sizeof(*rows), nr);
	if (!err)
		arg->out_nr = nr;
	kvfree(rows);
	return err;
}

/*
 * Send one message. Results are written beforehand as well, so that an
 * unwritable struct is found out before anything is sent.
 */
static long send_one(struct shmipc_call *call, struct shmipc_send *arg, void __user *user)
{
	struct shmipc_send __user *to = user;
	struct shmipc_sending snd = {
		.wait = shmipc_call_wait(call, arg->deadline, arg->flags & SHMIPC_SEND_NOWAIT),
	};
	long err;

	arg->out_state = SHMIPC_STATE_NOT_SENT;
	if (put_user(arg->out_state, &to->out_state) || put_user(0, &to->out_reserved))
		return -EFAULT;
	err = shmipc_send_prepare(call->ep, arg, &snd);
	if (err)
		return err;
	if (msg_from_user(snd.msg, arg->data, NULL)) {
		shmipc_send_cancel(&snd);
		return -EFAULT;
	}
	err = shmipc_send_commit(&snd, &arg->out_state);
	/* It was writable a moment ago; if it is no more, the message is sent all the same */
	(void)put_user(arg->out_state, &to->out_state);
	return err;
}

static long shmipc_do_send(struct shmipc_call *call)
{
	return send_one(call, &call->arg.send, call->user);
}

/* Receive one message; it is taken only if all of it has been copied out */
static long recv_one(struct shmipc_call *call, struct shmipc_recv *arg, void __user *user,
		     u32 usize, bool nowait)
{
	struct shmipc_wait wait = shmipc_call_wait(call, arg->deadline,
					    nowait || arg->flags & SHMIPC_RECV_NOWAIT);
	const u32 out = offsetof(struct shmipc_recv, out_len);
	struct shmipc_receiving rcv;
	long err;

	memset((void *)arg + out, 0, sizeof(*arg) - out);
	err = shmipc_recv_claim(call->ep, arg, &wait, &rcv);
	if (err) {
		if (copy_results(user, usize, arg, sizeof(*arg), out))
			return -EFAULT;
		return err;
	}
	if (!(arg->flags & SHMIPC_RECV_DISCARD))
		err = msg_to_user(arg->data, NULL, rcv.msg);
	if (!err)
		err = copy_results(user, usize, arg, sizeof(*arg), out);
	if (err)
		shmipc_recv_cancel(&rcv);
	else
		shmipc_recv_commit(&rcv);
	return err;
}

static long shmipc_do_recv(struct shmipc_call *call)
{
	return recv_one(call, &call->arg.recv, call->user, call->usize, false);
}

/* What stopped a vector, as user space will see it */
static u32 vector_error(long err)
{
	return err == -ERESTARTSYS ? EINTR : -err;
}

/* Copy element @i in; @user is where it is */
static long vector_element(u64 elems, u32 elem_size, u32 i, void *arg, u32 size,
			   void __user **user)
{
	long err;

	*user = u64_to_user_ptr(elems + (u64)i * elem_size);
	err = copy_struct_from_user(arg, size, *user, elem_size);
	if (err)
		return err;
	return *(u32 *)arg == elem_size ? 0 : -EINVAL;
}

static long vector_check(u32 nr, u32 elem_size, u32 min_size)
{
	if (!nr || nr > SHMIPC_BATCH_MAX || elem_size < min_size)
		return -EINVAL;
	return elem_size > PAGE_SIZE ? -E2BIG : 0;
}

static long vector_send(struct shmipc_call *call, union shmipc_arg *elem, void __user *user)
{
	return send_one(call, &elem->send, user);
}

static long vector_recv(struct shmipc_call *call, union shmipc_arg *elem, void __user *user)
{
	struct shmipc_recvv *arg = &call->arg.recvv;

	/* Only the first one waits */
	return recv_one(call, &elem->recv, user, arg->elem_size, arg->out_done);
}

/* SENDV and RECVV have one layout */
static long do_vector(struct shmipc_call *call, u32 size,
		      long (*one)(struct shmipc_call *call, union shmipc_arg *elem,
				  void __user *user))
{
	struct shmipc_sendv *arg = &call->arg.sendv;
	union shmipc_arg elem;
	void __user *user;
	long err;

	static_assert(sizeof(struct shmipc_sendv) == sizeof(struct shmipc_recvv));
	err = vector_check(arg->nr, arg->elem_size, size);
	while (!err && arg->out_done < arg->nr) {
		err = vector_element(arg->elems, arg->elem_size, arg->out_done, &elem, size, &user);
		if (!err)
			err = one(call, &elem, user);
		if (!err)
			arg->out_done++;
	}
	arg->out_error = vector_error(err);
	return arg->out_done ? 0 : err;
}

static long shmipc_do_sendv(struct shmipc_call *call)
{
	return do_vector(call, sizeof(struct shmipc_send), vector_send);
}

static long shmipc_do_recvv(struct shmipc_call *call)
{
	return do_vector(call, sizeof(struct shmipc_recv), vector_recv);
}

static long shmipc_do_events(struct shmipc_call *call)
{
	struct shmipc_events *arg = &call->arg.events;
	struct shmipc_wait wait = shmipc_call_wait(call, arg->deadline,
					    arg->flags & SHMIPC_EVENTS_NOWAIT);
	void __user *to = u64_to_user_ptr(arg->data);
	struct shmipc_event_node *node;
	LIST_HEAD(claimed);
	int nr;

	if (arg->reserved)
		return -EOPNOTSUPP;
	if (arg->len < sizeof(node->event))
		return -EINVAL;
	nr = shmipc_event_claim(call->ep, &wait, arg->len / sizeof(node->event), &claimed);
	if (nr < 0)
		return nr;
	list_for_each_entry(node, &claimed, node) {
		if (copy_to_user(to, &node->event, sizeof(node->event))) {
			shmipc_event_putback(call->ep, &claimed);
			return -EFAULT;
		}
		to += sizeof(node->event);
	}
	/* The struct was writable when we began: see call_handle() */
	arg->out_nr = nr;
	arg->out_len = nr * sizeof(node->event);
	shmipc_event_commit(call->ep, &claimed);
	return 0;
}

/* @_min is the size of the first version, for ever; what came later may be missing */
#define COMMAND(_name, _type, _min, _out, _flags, ...)			\
	[_IOC_NR(SHMIPC_##_name)] = {					\
		.size = sizeof(struct shmipc_##_type) +			\
			BUILD_BUG_ON_ZERO(sizeof(struct shmipc_##_type) < (_min)), \
		.min = _min,						\
		.out = offsetof(struct shmipc_##_type, _out),		\
		.flags = _flags,					\
		.handler = shmipc_do_##_type,					\
		__VA_ARGS__						\
	}

#define PORT_FLAGS	(SHMIPC_PORT_TOTAL_DEPTH | SHMIPC_PORT_LOCAL | SHMIPC_PORT_META)

static const struct shmipc_command commands[] = {
	COMMAND(INFO, info, 144, out_features, 0),
	COMMAND(PEERS, peers, 32, out_nr, 0),
	COMMAND(PORTS, ports, 40, out_nr, 0),
	COMMAND(PORT_CREATE, port_create, 64, out_port, PORT_FLAGS),
	COMMAND(PORT_DESTROY, port_destroy, 16, out_discarded, 0),
	COMMAND(LOOKUP, lookup, 72, out_peer, SHMIPC_LOOKUP_WAIT | SHMIPC_LOOKUP_FIRST),
	COMMAND(CONNECT, connect, 32, out_generation, 0),
	COMMAND(SEND, send, 64, out_state, SHMIPC_SEND_FLAGS, .own = true),
	COMMAND(RECV, recv, 104, out_len, SHMIPC_RECV_FLAGS, .own = true),
	COMMAND(SENDV, sendv, 32, out_done, 0),
	COMMAND(RECVV, recvv, 32, out_done, 0),
	COMMAND(EVENT_MASK, event_mask, 16, out_mask, 0),
	COMMAND(EVENTS, events, 40, out_len, SHMIPC_EVENTS_NOWAIT),
	/* No results: out is its end */
	COMMAND(WATCH, watch, 72, name[SHMIPC_NAME_MAX], SHMIPC_WATCH_REMOVE),
	COMMAND(NOTIFY, notify, 24, out_rung, 0),
	COMMAND(EVENTFD, eventfd, 24, out_reserved, SHMIPC_EVENTFD_REMOVE),
};

static int call_copy_in(struct shmipc_call *call)
{
	const struct shmipc_command *cmd = call->cmd;
	int err;

	if (get_user(call->usize, (u32 __user *)call->user))
		return -EFAULT;
	if (call->usize < cmd->min)
		return -EINVAL;
	if (call->usize > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&call->arg, cmd->size, call->user, call->usize);
	if (err)
		return err;
	memset((void *)&call->arg + cmd->out, 0, cmd->size - cmd->out);
	return 0;
}

static int call_copy_out(struct shmipc_call *call)
{
	return copy_results(call->user, call->usize, &call->arg, call->cmd->size, call->cmd->out);
}

static long call_handle(struct shmipc_call *call)
{
	const struct shmipc_command *cmd = call->cmd;
	bool gone = shmipc_region_gone(call->ep->region);
	long err;

	/* Also finds out, before anything happens, that results cannot be written */
	if ((!cmd->own || gone) && call_copy_out(call))
		return -EFAULT;
	if (gone)
		return -ENODEV;
	if (call->arg.head.flags & ~cmd->flags)
		return cmd->own && call_copy_out(call) ? -EFAULT : -EOPNOTSUPP;
	err = cmd->handler(call);
	if (!cmd->own && call_copy_out(call))
		return -EFAULT;
	return err;
}

static long shmipc_ioctl(struct file *file, unsigned int nr, unsigned long user)
{
	struct shmipc_call call = {
		.ep = file->private_data,
		.file = file,
		.user = (void __user *)user,
	};
	u32 index = _IOC_NR(nr);
	long err;

	if (nr != _IO(SHMIPC_IOC_TYPE, index) || index >= ARRAY_SIZE(commands))
		return -ENOTTY;
	call.cmd = &commands[array_index_nospec(index, ARRAY_SIZE(commands))];

	err = call_copy_in(&call);
	return err ? err : call_handle(&call);
}

/* Records for an endpoint that reads events; whole ones only */
static ssize_t read_events(struct shmipc_endpoint *ep, const struct shmipc_wait *wait,
			   struct iov_iter *to)
{
	struct shmipc_event_node *node;
	LIST_HEAD(claimed);
	int nr;

	if (iov_iter_count(to) < sizeof(node->event))
		return -EINVAL;
	nr = shmipc_event_claim(ep, wait, min_t(size_t, iov_iter_count(to) / sizeof(node->event),
						SHMIPC_EVENT_QUEUE), &claimed);
	if (nr < 0)
		return nr;
	list_for_each_entry(node, &claimed, node) {
		if (copy_to_iter(&node->event, sizeof(node->event), to) != sizeof(node->event)) {
			shmipc_event_putback(ep, &claimed);
			return -EFAULT;
		}
	}
	shmipc_event_commit(ep, &claimed);
	return nr * sizeof(node->event);
}

static ssize_t read_message(struct shmipc_endpoint *ep, const struct shmipc_wait *wait,
			    struct iov_iter *to)
{
	struct shmipc_recv arg = { .len = min_t(size_t, iov_iter_count(to), SHMIPC_MSG_MAX) };
	struct shmipc_receiving rcv;
	int err;

	err = shmipc_recv_claim(ep, &arg, wait, &rcv);
	if (err)
		return err;
	if (msg_to_user(0, to, rcv.msg)) {
		shmipc_recv_cancel(&rcv);
		return -EFAULT;
	}
	shmipc_recv_commit(&rcv);
	return arg.out_len;
}

static struct shmipc_wait iocb_wait(const struct kiocb *iocb)
{
	return (struct shmipc_wait) {
		.nonblock = iocb->ki_filp->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT,
	};
}

static ssize_t shmipc_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct shmipc_endpoint *ep = iocb->ki_filp->private_data;
	struct shmipc_wait wait = iocb_wait(iocb);

	return shmipc_event_reader(ep) ? read_events(ep, &wait, to) : read_message(ep, &wait, to);
}

static ssize_t shmipc_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	size_t count = iov_iter_count(from);
	struct shmipc_sending snd = { .wait = iocb_wait(iocb) };
	struct shmipc_send arg = { .len = count };
	u32 state = SHMIPC_STATE_NOT_SENT;
	int err;

	if (count > SHMIPC_MSG_MAX)
		return -EMSGSIZE;
	err = shmipc_send_prepare(iocb->ki_filp->private_data, &arg, &snd);
	if (err)
		return err;
	if (msg_from_user(snd.msg, 0, from)) {
		shmipc_send_cancel(&snd);
		return -EFAULT;
	}
	err = shmipc_send_commit(&snd, &state);
	return err ? err : (ssize_t)count;
}

static __poll_t shmipc_poll(struct file *file, struct poll_table_struct *wait)
{
	return shmipc_endpoint_poll(file->private_data, file, wait);
}

static int shmipc_open(struct inode *inode, struct file *file)
{
	struct shmipc_region *region = container_of(inode->i_cdev, struct shmipc_region, cdev);
	struct shmipc_endpoint *ep = shmipc_endpoint_open(region, file->f_mode);

	if (IS_ERR(ep))
		return PTR_ERR(ep);
	file->private_data = ep;
	return stream_open(inode, file);
}

static int shmipc_release(struct inode *inode, struct file *file)
{
	shmipc_endpoint_close(file->private_data);
	return 0;
}

const struct file_operations shmipc_fops = {
	.owner		= THIS_MODULE,
	.open		= shmipc_open,
	.release	= shmipc_release,
	.read_iter	= shmipc_read_iter,
	.write_iter	= shmipc_write_iter,
	.poll		= shmipc_poll,
	.unlocked_ioctl	= shmipc_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};
