// SPDX-License-Identifier: GPL-2.0
/*
 * Ports: creating, finding and destroying them. What happens inside one is in
 * queue.c.
 *
 * A port is in three tables of its region: by number (xarray, RCU), by published
 * slot (what peers send to; the format keeps that one), and with its endpoint.
 * It enters them complete and leaves them before it dies, so whoever finds it
 * may use it, and learns from @dead, under the port's lock, if it was too late.
 */
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/memcontrol.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "shmipc.h"

/* May it be part of a name? */
bool shmipc_name_char(char c)
{
	return isascii(c) && (isalnum(c) || c == '.' || c == '_' || c == '-');
}

/**
 * shmipc_name_ok() - is @name a name: [A-Za-z0-9._-], terminated
 * @name: SHMIPC_NAME_MAX bytes
 * @may_be_empty: "" is one, too
 */
bool shmipc_name_ok(const char *name, bool may_be_empty)
{
	size_t len = strnlen(name, SHMIPC_NAME_MAX);
	size_t i;

	if (len == SHMIPC_NAME_MAX || (!len && !may_be_empty))
		return false;
	for (i = 0; i < len; i++)
		if (!shmipc_name_char(name[i]))
			return false;
	return true;
}

static void port_release(struct shmipc_port *port)
{
	put_pid(port->pid);
	mem_cgroup_put(port->memcg);
	kfree_rcu(port, rcu);
}

/* Any context */
void shmipc_port_put(struct shmipc_port *port)
{
	if (port && refcount_dec_and_test(&port->ref))
		port_release(port);
}

/*
 * A published port is nearly always in the slot its number begins to look at, which is
 * found sooner than in the tree; RCU
 */
static struct shmipc_port *port_lookup(struct shmipc_region *region, u32 number)
{
	struct shmipc_port *port = NULL;

	if (region->nr_slots)
		port = rcu_dereference(region->slots[number & (region->nr_slots - 1)]);
	return port && port->number == number ? port : xa_load(&region->ports, number);
}

/**
 * shmipc_port_find() - an own port by number
 * @region: region
 * @number: port number
 *
 * Return: the port with a reference, or NULL.
 */
struct shmipc_port *shmipc_port_find(struct shmipc_region *region, u32 number)
{
	struct shmipc_port *port;

	rcu_read_lock();
	port = port_lookup(region, number);
	if (port && !refcount_inc_not_zero(&port->ref))
		port = NULL;
	rcu_read_unlock();
	return port;
}

/**
 * shmipc_port_find_slot() - an own port as a peer addresses it
 * @region: region
 * @slot: index in our published table; checked
 * @generation: of the port
 *
 * Return: the port with a reference, or NULL. Any context.
 */
struct shmipc_port *shmipc_port_find_slot(struct shmipc_region *region, u32 slot,
					  u32 generation)
{
	struct shmipc_port *port = NULL;

	rcu_read_lock();
	if (slot < region->nr_slots)
		port = rcu_dereference(region->slots[slot]);
	if (port && (port->generation != generation || !refcount_inc_not_zero(&port->ref)))
		port = NULL;
	rcu_read_unlock();
	return port;
}

/**
 * shmipc_port_find_name() - an own port by name
 * @region: region
 * @name: valid name, not ""
 *
 * Return: the port with a reference, or NULL.
 */
struct shmipc_port *shmipc_port_find_name(struct shmipc_region *region, const char *name)
{
	struct shmipc_port *port, *found = NULL;
	unsigned long number;

	rcu_read_lock();
	xa_for_each(&region->ports, number, port) {
		if (strcmp(port->name, name) == 0 && refcount_inc_not_zero(&port->ref)) {
			found = port;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* What the region's format cannot do */
static int port_check_format(const struct shmipc_format_ops *fmt,
			     const struct shmipc_port_create *arg)
{
	if ((arg->name[0] && !(fmt->features & SHMIPC_FEAT_NAMES)) ||
	    (arg->flags & SHMIPC_PORT_META && !(fmt->features & SHMIPC_FEAT_META)))
		return -EOPNOTSUPP;
	return 0;
}

static int port_check(const struct shmipc_port_create *arg)
{
	if (arg->port > SHMIPC_PORT_MAX || arg->depth > SHMIPC_DEPTH_MAX ||
	    arg->bytes > SHMIPC_BYTES_MAX || arg->max_size > SHMIPC_MSG_MAX ||
	    !shmipc_name_ok(arg->name, true))
		return -EINVAL;
	return 0;
}

static void port_init(struct shmipc_port *port, struct shmipc_endpoint *ep,
		      const struct shmipc_port_create *arg)
{
	int i;

	refcount_set(&port->ref, 1);
	port->region = ep->region;
	port->owner = ep;
	port->slot = -1;
	port->depth = arg->depth ?: SHMIPC_DEPTH_DEFAULT;
	port->bytes = arg->bytes ?: SHMIPC_BYTES_DEFAULT;
	port->max_size = arg->max_size ?: SHMIPC_MSG_DEFAULT;
	port->flags = arg->flags;
	port->pid = get_pid(task_tgid(current));
	port->uid = current_euid();
	port->memcg = get_mem_cgroup_from_mm(current->mm);
	strscpy(port->name, arg->name, sizeof(port->name));

	spin_lock_init(&port->lock);
	for (i = 0; i < SHMIPC_PRIORITIES; i++)
		INIT_LIST_HEAD(&port->queue[i]);
	atomic_set(&port->nr_senders, 0);
	init_waitqueue_head(&port->receivers);
	init_waitqueue_head(&port->senders);
	INIT_LIST_HEAD(&port->writers);
}

/* A port with its windows paid for; nobody knows it yet */
static struct shmipc_port *port_alloc(struct shmipc_endpoint *ep,
				      const struct shmipc_port_create *arg)
{
	u32 peers = arg->flags & SHMIPC_PORT_LOCAL ? 1 : ep->region->cfg.peers;
	struct shmipc_port *port;

	port = kzalloc(sizeof(*port), GFP_KERNEL_ACCOUNT);
	if (!port)
		return ERR_PTR(-ENOMEM);
	port_init(port, ep, arg);

	/* Messages of no bytes are not free */
	port->promised = (u64)max3(port->bytes, port->max_size,
				   port->depth * (u32)sizeof(struct shmipc_msg)) * peers;
	port->user = shmipc_user_charge(port->promised);
	if (IS_ERR(port->user)) {
		int err = PTR_ERR(port->user);

		shmipc_port_put(port);
		return ERR_PTR(err);
	}
	return port;
}

static u32 port_next_generation(struct shmipc_region *region)
{
	/* The low half travels alone in the credit words, so it is never 0 either */
	do {
		region->next_generation++;
	} while (!(region->next_generation & 0xffff));
	return region->next_generation;
}

/* Take a number; ports_lock. The entry stays empty until port_insert() fills it */
static int port_reserve(struct shmipc_region *region, struct shmipc_port *port, u32 number)
{
	struct xa_limit dynamic = XA_LIMIT(SHMIPC_PORT_DYNAMIC, SHMIPC_PORT_MAX);
	int err;

	if (number) {
		err = xa_insert(&region->ports, number, NULL, GFP_KERNEL);
		port->number = number;
		return err == -EBUSY ? -EADDRINUSE : err;
	}
	/* Not the lowest: an answer to who had that number before must not reach who has it now */
	err = xa_alloc_cyclic(&region->ports, &port->number, NULL, dynamic, &region->next_port,
			      GFP_KERNEL);
	return err == -EBUSY ? -ENOSPC : min(err, 0);
}

/* Make it known: to peers, then to our own; ports_lock */
static int port_insert(struct shmipc_region *region, struct shmipc_port *port, u32 number,
		       u64 *ring)
{
	struct shmipc_port *same;
	int err;

	if (shmipc_region_gone(region))
		return -ENODEV;
	if (port->name[0]) {
		same = shmipc_port_find_name(region, port->name);
		shmipc_port_put(same);
		if (same)
			return -EEXIST;
	}
	if (!number && !(port->flags & SHMIPC_PORT_LOCAL))
		number = region->fmt->port;
	err = port_reserve(region, port, number);
	if (err)
		return err;

	port->generation = port_next_generation(region);
	if (!(port->flags & SHMIPC_PORT_LOCAL)) {
		err = region->fmt->publish(region, port, ring);
		if (err) {
			xa_erase(&region->ports, port->number);
			return err;
		}
	}
	xa_store(&region->ports, port->number, port, GFP_KERNEL);
	return 0;
}

static void port_announce(struct shmipc_port *port)
{
	struct shmipc_region *region = port->region;
	struct shmipc_core_port desc = {
		.port = port->number,
		.generation = port->generation,
	};

	if (!port->name[0])
		return;
	strscpy(desc.name, port->name, sizeof(desc.name));
	shmipc_watch_name_here(region, region->cfg.peer, &desc);
	wake_up_all(&region->table_wq);
}

/**
 * shmipc_port_create() - PORT_CREATE
 * @ep: owner to be
 * @arg: what to create
 */
int shmipc_port_create(struct shmipc_endpoint *ep, struct shmipc_port_create *arg)
{
	struct shmipc_region *region = ep->region;
	struct shmipc_port *port;
	u64 ring = 0;
	int err;

	err = port_check(arg) ?: port_check_format(region->fmt, arg);
	if (err)
		return err;
	port = port_alloc(ep, arg);
	if (IS_ERR(port))
		return PTR_ERR(port);

	mutex_lock(&ep->lock);
	if (rcu_access_pointer(ep->port) || shmipc_event_reader(ep)) {
		err = -EISCONN;
		goto err_unlock;
	}
	mutex_lock(&region->ports_lock);
	err = port_insert(region, port, arg->port, &ring);
	mutex_unlock(&region->ports_lock);
	if (err)
		goto err_unlock;
	arg->out_port = port->number;
	arg->out_generation = port->generation;
	ep->port_lost = false;
	/* Its owner may destroy it from now on */
	refcount_inc(&port->ref);
	rcu_assign_pointer(ep->port, port);
	mutex_unlock(&ep->lock);
	/* A message may have come before poll could find the port */
	smp_mb();	/* pairs with the port lock in queue_append() */
	if (shmipc_port_readable(port))
		wake_up_poll(&ep->wq, EPOLLIN | EPOLLRDNORM);

	shmipc_region_ring(region, ring);
	port_announce(port);
	shmipc_port_put(port);
	return 0;

err_unlock:
	mutex_unlock(&ep->lock);
	shmipc_user_uncharge(port->user, port->promised);
	shmipc_port_put(port);
	return err;
}

/* Take it out of the tables of its region */
static void port_unlist(struct shmipc_port *port)
{
	struct shmipc_region *region = port->region;
	u64 ring = 0;

	mutex_lock(&region->ports_lock);
	xa_erase(&region->ports, port->number);
	if (port->slot >= 0)
		region->fmt->withdraw(region, port, &ring);
	mutex_unlock(&region->ports_lock);
	shmipc_region_ring(region, ring);
}

/**
 * shmipc_port_kill() - take an endpoint's port away, if it has one
 * @ep: endpoint
 * @discarded: out: messages that were queued
 *
 * Return: 0 or -ENOTCONN.
 */
int shmipc_port_kill(struct shmipc_endpoint *ep, u32 *discarded)
{
	struct shmipc_region *region = ep->region;
	struct shmipc_port *port;

	mutex_lock(&ep->lock);
	port = rcu_dereference_protected(ep->port, lockdep_is_held(&ep->lock));
	RCU_INIT_POINTER(ep->port, NULL);
	if (port)
		ep->port_lost = true;
	mutex_unlock(&ep->lock);
	if (!port)
		return -ENOTCONN;

	port_unlist(port);
	*discarded = shmipc_queue_kill(port);
	wake_up_poll(&ep->wq, EPOLLIN | EPOLLRDNORM);
	shmipc_watch_port_gone(region, region->cfg.peer, port->number, port->generation);
	shmipc_user_uncharge(port->user, port->promised);
	shmipc_port_put(port);
	return 0;
}
