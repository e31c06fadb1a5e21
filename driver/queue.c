// SPDX-License-Identifier: GPL-2.0
/*
 * The queue of a port.
 *
 * A message is admitted, which takes room in the window of its sender; queued;
 * claimed by a receiver, who copies it out; and then committed, which gives the
 * room back, or put back at the head if copying failed. Between claim and commit
 * the port may die.
 *
 * Who waits: receivers sleep exclusively, one is woken for each message, and who
 * leaves with others still asleep and messages still queued passes the wake-up
 * on. The same holds for senders of our own peer and room. Senders on other
 * peers learn of room by the credit that a commit publishes.
 */
#include <linux/ktime.h>

#include "shmipc.h"

/* Does a message of our own peer fit? Port lock */
static bool queue_has_room(const struct shmipc_port *port, u32 len)
{
	if (port->flags & SHMIPC_PORT_TOTAL_DEPTH ? port->held >= port->depth :
						    port->self_queued >= port->depth)
		return false;
	return !port->self_queued || port->self_bytes + len <= port->bytes;
}

/* 0, or why a message of our own peer cannot be queued now; port lock */
static int queue_check(struct shmipc_port *port, u32 len)
{
	if (port->dead)
		return -ECONNREFUSED;
	if (len > port->max_size)
		return -EMSGSIZE;
	if (!queue_has_room(port, len)) {
		port->full = true;
		return -EAGAIN;
	}
	return 0;
}

/* Append, and wake who polls; port lock, port alive */
static void queue_append(struct shmipc_port *port, struct shmipc_msg *msg)
{
	msg->time = ktime_get_ns();
	msg->seq = ++port->seq;
	list_add_tail(&msg->node, &port->queue[msg->priority]);
	port->queued++;
	port->queued_bytes += msg->len;
	/* Pairs with the barrier in poll_wait(), before shmipc_port_readable() */
	if (wq_has_sleeper(&port->owner->wq))
		wake_up_poll(&port->owner->wq, EPOLLIN | EPOLLRDNORM);
}

static void queue_wake_receiver(struct shmipc_port *port)
{
	/* Pairs with prepare_to_wait_exclusive() in shmipc_recv_claim() */
	if (wq_has_sleeper(&port->receivers))
		wake_up(&port->receivers);
}

/* Room has been made: senders of our own peer and pollers; port lock */
static void queue_wake_senders(struct shmipc_port *port)
{
	/* Pairs with prepare_to_wait_exclusive() in send_admit() */
	if (wq_has_sleeper(&port->senders)) {
		port->pass = atomic_read(&port->nr_senders);
		wake_up(&port->senders);
	}
	if (port->full && !port->dead) {
		port->full = false;
		shmipc_endpoint_wake_writers(&port->writers);
	}
}

/**
 * shmipc_port_pass_on() - a sender was woken for room that is too small for it
 * @port: destination
 *
 * Somebody with a smaller message may fit. Called before it sleeps again, and no
 * more often for one piece of room than there are senders.
 */
void shmipc_port_pass_on(struct shmipc_port *port)
{
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	if (port->pass > 1) {
		port->pass--;
		wake_up(&port->senders);
	}
	spin_unlock_irqrestore(&port->lock, flags);
}

/**
 * shmipc_port_admit() - take a place in the window for a message of our own peer
 * @port: destination
 * @len: payload bytes
 *
 * Before its memory is allocated, so that what is charged to the port's owner
 * never exceeds the window.
 *
 * Return: 0, -EAGAIN, -ECONNREFUSED, -EMSGSIZE.
 */
int shmipc_port_admit(struct shmipc_port *port, u32 len)
{
	unsigned long flags;
	int err;

	spin_lock_irqsave(&port->lock, flags);
	err = queue_check(port, len);
	if (!err) {
		port->held++;
		port->self_queued++;
		port->self_bytes += len;
	}
	spin_unlock_irqrestore(&port->lock, flags);
	return err;
}

/* Give a place back; port lock */
static void queue_unadmit(struct shmipc_port *port, u32 len)
{
	port->held--;
	port->self_queued--;
	port->self_bytes -= len;
	queue_wake_senders(port);
}

/* It will not be sent after all */
void shmipc_port_unadmit(struct shmipc_port *port, u32 len)
{
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	queue_unadmit(port, len);
	spin_unlock_irqrestore(&port->lock, flags);
}

/**
 * shmipc_port_enqueue() - queue an admitted message of our own peer
 * @port: destination
 * @msg: taken over on success
 *
 * Return: 0 or -ECONNREFUSED; then its place is the caller's to give back.
 */
int shmipc_port_enqueue(struct shmipc_port *port, struct shmipc_msg *msg)
{
	unsigned long flags;
	int err = -ECONNREFUSED;

	spin_lock_irqsave(&port->lock, flags);
	if (!port->dead) {
		queue_append(port, msg);
		err = 0;
	}
	spin_unlock_irqrestore(&port->lock, flags);
	if (!err)
		queue_wake_receiver(port);
	return err;
}

/**
 * shmipc_port_ready() - would shmipc_port_admit() of @len bytes succeed now?
 * @port: destination
 * @len: payload bytes
 *
 * Return: likewise. After -EAGAIN the port's writers get an edge when it changes.
 */
int shmipc_port_ready(struct shmipc_port *port, u32 len)
{
	unsigned long flags;
	int err;

	spin_lock_irqsave(&port->lock, flags);
	err = queue_check(port, len);
	spin_unlock_irqrestore(&port->lock, flags);
	return err;
}

bool shmipc_port_readable(struct shmipc_port *port)
{
	return READ_ONCE(port->queued) || READ_ONCE(port->dead);
}

/**
 * shmipc_port_admit_remote() - a message of another peer begins to come in
 * @port: destination
 *
 * The peer's window has been checked by the format. Any context.
 *
 * Return: 0; -ENOBUFS: a TOTAL_DEPTH port is full; -ECONNREFUSED.
 */
int shmipc_port_admit_remote(struct shmipc_port *port)
{
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&port->lock, flags);
	if (port->dead) {
		err = -ECONNREFUSED;
	} else if (port->flags & SHMIPC_PORT_TOTAL_DEPTH && port->held >= port->depth) {
		port->drops++;
		err = -ENOBUFS;
	} else {
		port->held++;
	}
	spin_unlock_irqrestore(&port->lock, flags);
	return err;
}

/* It will not come after all. Any context */
void shmipc_port_unadmit_remote(struct shmipc_port *port)
{
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	port->held--;
	if (port->flags & SHMIPC_PORT_TOTAL_DEPTH)
		queue_wake_senders(port);
	spin_unlock_irqrestore(&port->lock, flags);
}

/**
 * shmipc_port_enqueue_remote() - queue an admitted message of another peer
 * @port: destination; the caller's reference stays the caller's
 * @msg: taken over
 *
 * Any context. If the port died meanwhile the message goes with it.
 */
void shmipc_port_enqueue_remote(struct shmipc_port *port, struct shmipc_msg *msg)
{
	unsigned long flags;
	bool dead;

	spin_lock_irqsave(&port->lock, flags);
	dead = port->dead;
	if (dead)
		port->drops++;
	else
		queue_append(port, msg);
	spin_unlock_irqrestore(&port->lock, flags);
	if (dead)
		shmipc_msg_put(msg);
	else
		queue_wake_receiver(port);
}

static struct shmipc_msg *queue_first(struct shmipc_port *port)
{
	int level;

	for (level = SHMIPC_PRIORITIES - 1; level >= 0; level--)
		if (!list_empty(&port->queue[level]))
			return list_first_entry(&port->queue[level], struct shmipc_msg, node);
	return NULL;
}

/* Take @msg out of the queue, or (PEEK) share it; port lock */
static void queue_take(struct shmipc_port *port, struct shmipc_msg *msg, u32 flags)
{
	if (flags & SHMIPC_RECV_PEEK) {
		shmipc_msg_get(msg);
		return;
	}
	list_del_init(&msg->node);
	port->queued--;
	port->queued_bytes -= msg->len;
}

/**
 * shmipc_port_claim() - take the next message to copy it out
 * @port: source
 * @room: bytes there is room for
 * @flags: SHMIPC_RECV_PEEK: leave it queued; SHMIPC_RECV_DISCARD: any size will do
 * @len: out: its size, also with -EMSGSIZE
 * @msg: out: the message; hand it to shmipc_port_commit() or
 *	shmipc_port_putback(), or (PEEK) shmipc_msg_put()
 *
 * Return: 0, -EAGAIN, -EMSGSIZE, -ENOTCONN.
 */
int shmipc_port_claim(struct shmipc_port *port, u32 room, u32 flags, u32 *len,
		      struct shmipc_msg **msg)
{
	struct shmipc_msg *first;
	unsigned long irqflags;
	int err = 0;

	spin_lock_irqsave(&port->lock, irqflags);
	first = queue_first(port);
	if (port->dead) {
		err = -ENOTCONN;
	} else if (!first) {
		err = -EAGAIN;
	} else {
		*len = first->len;
		if (first->len > room && !(flags & SHMIPC_RECV_DISCARD))
			err = -EMSGSIZE;
		else
			queue_take(port, first, flags);
	}
	spin_unlock_irqrestore(&port->lock, irqflags);
	if (!err)
		*msg = first;
	return err;
}

/* The sender's room comes back by credit */
static void queue_return_credit(struct shmipc_region *region, struct shmipc_msg *msg)
{
	struct shmipc_link *link = shmipc_link_get(region, msg->peer);
	bool ring = false;

	shmipc_link_lock(link);
	if (!shmipc_region_gone(region))
		ring = region->fmt->consumed(link, msg);
	shmipc_link_unlock(link);
	if (ring)
		shmipc_link_ring(link);
}

/**
 * shmipc_port_commit() - a claimed message has been received
 * @port: source
 * @msg: freed
 */
void shmipc_port_commit(struct shmipc_port *port, struct shmipc_msg *msg)
{
	bool local = msg->flags & SHMIPC_MSG_LOCAL;
	unsigned long flags;

	spin_lock_irqsave(&port->lock, flags);
	port->received++;
	if (local) {
		queue_unadmit(port, msg->len);
	} else {
		port->held--;
		if (port->flags & SHMIPC_PORT_TOTAL_DEPTH)
			queue_wake_senders(port);
	}
	spin_unlock_irqrestore(&port->lock, flags);

	if (!local)
		queue_return_credit(port->region, msg);
	shmipc_msg_put(msg);
}

/* Put a message back where it was, among others that came back before it; port lock */
static void queue_restore(struct shmipc_port *port, struct shmipc_msg *msg)
{
	struct shmipc_msg *pos;

	list_for_each_entry(pos, &port->queue[msg->priority], node)
		if (pos->seq > msg->seq)
			break;
	list_add_tail(&msg->node, &pos->node);
	port->queued++;
	port->queued_bytes += msg->len;
	/* Who polled meanwhile found nothing; pairs as in queue_append() */
	if (wq_has_sleeper(&port->owner->wq))
		wake_up_poll(&port->owner->wq, EPOLLIN | EPOLLRDNORM);
}

/**
 * shmipc_port_putback() - a claimed message could not be copied out
 * @port: source
 * @msg: in its queue again, or freed if the port died
 */
void shmipc_port_putback(struct shmipc_port *port, struct shmipc_msg *msg)
{
	unsigned long flags;
	bool dead;

	spin_lock_irqsave(&port->lock, flags);
	dead = port->dead;
	if (dead)
		port->drops++;
	else
		queue_restore(port, msg);
	spin_unlock_irqrestore(&port->lock, flags);
	if (dead)
		shmipc_msg_put(msg);
	else
		queue_wake_receiver(port);
}

/**
 * shmipc_queue_kill() - nothing is queued any more, everybody learns of it
 * @port: in no table any more
 *
 * Return: how many messages were queued.
 */
u32 shmipc_queue_kill(struct shmipc_port *port)
{
	struct shmipc_msg *msg, *next;
	LIST_HEAD(doomed);
	unsigned long flags;
	u32 discarded;
	int level;

	spin_lock_irqsave(&port->lock, flags);
	port->dead = true;
	port->owner = NULL;
	for (level = 0; level < SHMIPC_PRIORITIES; level++)
		list_splice_init(&port->queue[level], &doomed);
	discarded = port->queued;
	port->drops += discarded;
	port->queued = 0;
	port->queued_bytes = 0;
	shmipc_endpoint_wake_writers(&port->writers);
	spin_unlock_irqrestore(&port->lock, flags);

	wake_up_all(&port->receivers);
	wake_up_all(&port->senders);
	list_for_each_entry_safe(msg, next, &doomed, node)
		shmipc_msg_put(msg);
	return discarded;
}
