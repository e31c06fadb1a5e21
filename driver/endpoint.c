// SPDX-License-Identifier: GPL-2.0
/*
 * Endpoints: open files. Opening and closing, the connected destination, poll.
 *
 * Teardown of an endpoint, in this order, so that nothing finds it half gone:
 * its port dies (senders and receivers wake), it leaves the writers of what it
 * is connected to, its watches are forgotten, it leaves the region's table, and
 * those who watch it are told. References that remain (a stream that still sends
 * for it) see an endpoint that nobody can find.
 */
#include <linux/bits.h>
#include <linux/slab.h>

#include "shmipc.h"

static const struct shmipc_dest not_connected = { .peer = SHMIPC_PEER_ANY };

/**
 * shmipc_endpoint_open() - a new endpoint
 * @region: its region; the file holds a reference
 * @mode: FMODE_READ, FMODE_WRITE
 */
struct shmipc_endpoint *shmipc_endpoint_open(struct shmipc_region *region, fmode_t mode)
{
	struct shmipc_endpoint *ep;
	u64 serial;
	int err;

	if (shmipc_region_gone(region))
		return ERR_PTR(-ENODEV);
	ep = kzalloc(sizeof(*ep), GFP_KERNEL_ACCOUNT);
	if (!ep)
		return ERR_PTR(-ENOMEM);
	ep->region = region;
	ep->readable = mode & FMODE_READ;
	ep->writable = mode & FMODE_WRITE;
	refcount_set(&ep->ref, 1);
	mutex_init(&ep->lock);
	ep->dest = not_connected;
	INIT_LIST_HEAD(&ep->dest.node);
	init_waitqueue_head(&ep->wq);
	atomic_set(&ep->stream, 0);
	spin_lock_init(&ep->event_lock);
	INIT_LIST_HEAD(&ep->events);
	INIT_LIST_HEAD(&ep->watches);
	INIT_LIST_HEAD(&ep->bells);

	do {
		serial = atomic64_inc_return(&region->next_endpoint);
		ep->id = region->epoch << 48 | (serial & GENMASK_ULL(47, 0));
		err = xa_insert(&region->endpoints, lower_32_bits(serial), ep, GFP_KERNEL);
	} while (err == -EBUSY);
	if (err) {
		kfree(ep);
		return ERR_PTR(err);
	}
	return ep;
}

void shmipc_endpoint_put(struct shmipc_endpoint *ep)
{
	if (!refcount_dec_and_test(&ep->ref))
		return;
	kfree(ep->lost);
	kfree(ep);
}

/**
 * shmipc_endpoint_find() - an open endpoint of our own peer by id
 * @region: region
 * @id: endpoint id
 *
 * Return: the endpoint with a reference, or NULL. Any context.
 */
struct shmipc_endpoint *shmipc_endpoint_find(struct shmipc_region *region, u64 id)
{
	struct shmipc_endpoint *ep;
	unsigned long flags;

	spin_lock_irqsave(&region->watch_lock, flags);
	ep = xa_load(&region->endpoints, lower_32_bits(id));
	if (ep && ep->id == id)
		refcount_inc(&ep->ref);
	else
		ep = NULL;
	spin_unlock_irqrestore(&region->watch_lock, flags);
	return ep;
}

void shmipc_endpoint_close(struct shmipc_endpoint *ep)
{
	struct shmipc_region *region = ep->region;
	unsigned long flags;
	u32 discarded;

	shmipc_port_kill(ep, &discarded);
	shmipc_endpoint_disconnect(ep);
	shmipc_watch_release(ep);
	shmipc_notify_release(ep);
	xa_erase(&region->endpoints, lower_32_bits(ep->id));
	/* Who walks the table under watch_lock is done with it after this */
	spin_lock_irqsave(&region->watch_lock, flags);
	spin_unlock_irqrestore(&region->watch_lock, flags);
	shmipc_event_release(ep);
	shmipc_watch_endpoint_gone(region, ep->id);
	shmipc_endpoint_put(ep);
}

/**
 * shmipc_endpoint_gone() - the region is gone: wake everybody
 * @region: with @gone set
 */
void shmipc_endpoint_gone(struct shmipc_region *region)
{
	unsigned long index, flags;
	struct shmipc_endpoint *ep;
	struct shmipc_port *port;

	mutex_lock(&region->ports_lock);
	xa_for_each(&region->ports, index, port) {
		wake_up_all(&port->receivers);
		wake_up_all(&port->senders);
	}
	mutex_unlock(&region->ports_lock);

	index = 0;
	do {
		spin_lock_irqsave(&region->watch_lock, flags);
		ep = xa_find(&region->endpoints, &index, ULONG_MAX, XA_PRESENT);
		/* All of them, EPOLLEXCLUSIVE or not: no later event will wake the rest */
		if (ep)
			wake_up_all(&ep->wq);
		spin_unlock_irqrestore(&region->watch_lock, flags);
	} while (ep && ++index);
	wake_up_all(&region->table_wq);
}

/**
 * shmipc_endpoint_port() - the port of an endpoint
 * @ep: endpoint
 *
 * Return: the port with a reference, or NULL.
 */
struct shmipc_port *shmipc_endpoint_port(struct shmipc_endpoint *ep)
{
	struct shmipc_port *port;

	rcu_read_lock();
	port = rcu_dereference(ep->port);
	if (port && !refcount_inc_not_zero(&port->ref))
		port = NULL;
	rcu_read_unlock();
	return port;
}

/* 0 if it has none */
u32 shmipc_endpoint_port_number(struct shmipc_endpoint *ep)
{
	struct shmipc_port *port;
	u32 number;

	rcu_read_lock();
	port = rcu_dereference(ep->port);
	number = port ? port->number : SHMIPC_PORT_NONE;
	rcu_read_unlock();
	return number;
}

/* Leave the writers of what it is connected to; ep->lock */
static void dest_drop(struct shmipc_endpoint *ep)
{
	struct shmipc_dest *dest = &ep->dest;
	struct shmipc_link *link;
	unsigned long flags;

	if (dest->port) {
		spin_lock_irqsave(&dest->port->lock, flags);
		list_del_init(&dest->node);
		spin_unlock_irqrestore(&dest->port->lock, flags);
		shmipc_port_put(dest->port);
	} else if (dest->peer != SHMIPC_PEER_ANY) {
		link = shmipc_link_get(ep->region, dest->peer);
		shmipc_link_lock(link);
		list_del_init(&dest->node);
		shmipc_link_unlock(link);
	}
	*dest = not_connected;
	INIT_LIST_HEAD(&dest->node);
	WRITE_ONCE(ep->short_of, 0);
}

static int check_generation(u32 want, u32 is)
{
	return want && want != is ? -ECONNRESET : 0;
}

/* Connect to a port of our own peer; ep->lock */
static int connect_own(struct shmipc_endpoint *ep, struct shmipc_connect *arg)
{
	struct shmipc_port *port = shmipc_port_find(ep->region, arg->port);
	unsigned long flags;
	int err;

	if (!port)
		return -ECONNREFUSED;
	err = check_generation(arg->generation, port->generation);
	if (err) {
		shmipc_port_put(port);
		return err;
	}
	dest_drop(ep);
	ep->dest.peer = ep->region->cfg.peer;
	ep->dest.number = port->number;
	ep->dest.generation = port->generation;
	ep->dest.port = port;
	spin_lock_irqsave(&port->lock, flags);
	list_add_tail(&ep->dest.node, &port->writers);
	spin_unlock_irqrestore(&port->lock, flags);
	return 0;
}

/**
 * shmipc_endpoint_peer_error() - why nothing can be sent to a peer
 * @state: SHMIPC_PEER_* of its link
 *
 * Return: 0 if it is up, -EAGAIN if it is worth waiting.
 */
int shmipc_endpoint_peer_error(u32 state)
{
	switch (state) {
	case SHMIPC_PEER_UP:
		return 0;
	case SHMIPC_PEER_JOINING:
		return -EAGAIN;
	case SHMIPC_PEER_STALLED:
		return -EHOSTDOWN;
	case SHMIPC_PEER_BROKEN:
		return -EPROTO;
	default:
		return -EHOSTUNREACH;
	}
}

/* Connect to a port of another peer; ep->lock */
static int connect_peer(struct shmipc_endpoint *ep, struct shmipc_connect *arg)
{
	struct shmipc_region *region = ep->region;
	struct shmipc_link *link = shmipc_link_get(region, arg->peer);
	struct shmipc_core_port port;
	int err;

	if (!link)
		return -EHOSTUNREACH;
	err = shmipc_endpoint_peer_error(region->fmt->state(link));
	if (!err)
		err = region->fmt->find_port(link, arg->port, &port);
	if (err)
		return err == -ENOENT ? -ECONNREFUSED : err == -ENOTCONN ? -EAGAIN : err;

	err = check_generation(arg->generation, port.generation);
	if (err)
		return err;
	dest_drop(ep);
	ep->dest.peer = arg->peer;
	ep->dest.number = arg->port;
	ep->dest.generation = port.generation;
	shmipc_link_lock(link);
	list_add_tail(&ep->dest.node, &link->writers);
	shmipc_link_unlock(link);
	return 0;
}

/**
 * shmipc_endpoint_connect() - CONNECT
 * @ep: endpoint
 * @arg: where to
 */
int shmipc_endpoint_connect(struct shmipc_endpoint *ep, struct shmipc_connect *arg)
{
	int err = 0;

	if (arg->port > SHMIPC_PORT_MAX || (arg->port && arg->peer == SHMIPC_PEER_ANY))
		return -EINVAL;
	arg->peer = shmipc_region_peer(ep->region, arg->peer);

	mutex_lock(&ep->lock);
	if (arg->port == SHMIPC_PORT_NONE)
		dest_drop(ep);
	else if (arg->peer == ep->region->cfg.peer)
		err = connect_own(ep, arg);
	else
		err = connect_peer(ep, arg);
	if (!err && ep->dest.peer != SHMIPC_PEER_ANY) {
		arg->out_peer = ep->dest.peer;
		arg->out_generation = ep->dest.generation;
	}
	mutex_unlock(&ep->lock);

	if (!err)
		wake_up_poll(&ep->wq, EPOLLOUT | EPOLLWRNORM);
	return err;
}

void shmipc_endpoint_disconnect(struct shmipc_endpoint *ep)
{
	mutex_lock(&ep->lock);
	dest_drop(ep);
	mutex_unlock(&ep->lock);
}

/**
 * shmipc_endpoint_wake_writers() - sending may be possible again, or pointless
 * @writers: of a port or link, whose lock is held
 */
void shmipc_endpoint_wake_writers(struct list_head *writers)
{
	struct shmipc_endpoint *ep;

	/* Pairs with the barrier in poll_wait(), before shmipc_send_ready() */
	list_for_each_entry(ep, writers, dest.node)
		if (wq_has_sleeper(&ep->wq))
			wake_up_poll(&ep->wq, EPOLLOUT | EPOLLWRNORM);
}

static bool endpoint_readable(struct shmipc_endpoint *ep)
{
	struct shmipc_port *port;
	bool readable;

	if (shmipc_event_reader(ep))
		return shmipc_event_pending(ep);
	port = shmipc_endpoint_port(ep);
	readable = port ? shmipc_port_readable(port) : READ_ONCE(ep->port_lost);
	shmipc_port_put(port);
	return readable;
}

/**
 * shmipc_endpoint_poll() - poll()
 * @ep: endpoint
 * @file: its file
 * @wait: as for poll_wait()
 */
__poll_t shmipc_endpoint_poll(struct shmipc_endpoint *ep, struct file *file,
			      struct poll_table_struct *wait)
{
	__poll_t events = 0;

	poll_wait(file, &ep->wq, wait);
	if (shmipc_region_gone(ep->region))
		return EPOLLHUP | EPOLLERR | EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM |
		       EPOLLPRI;
	if (ep->readable && endpoint_readable(ep))
		events |= EPOLLIN | EPOLLRDNORM;
	if (ep->writable && shmipc_send_ready(ep))
		events |= EPOLLOUT | EPOLLWRNORM;
	if (shmipc_event_pending(ep))
		events |= EPOLLPRI;
	return events;
}
