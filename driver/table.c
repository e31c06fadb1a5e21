// SPDX-License-Identifier: GPL-2.0
/*
 * What there is: INFO, the rows of PEERS and PORTS, LOOKUP.
 */
#include <linux/cred.h>
#include <linux/pid.h>

#include "shmipc.h"

/* How often a waiting LOOKUP looks for itself */
#define LOOKUP_RESCAN_NS	NSEC_PER_SEC

/**
 * shmipc_table_info() - INFO
 * @ep: endpoint
 * @arg: results
 */
int shmipc_table_info(struct shmipc_endpoint *ep, struct shmipc_info *arg)
{
	struct shmipc_region *region = ep->region;
	const struct shmipc_region_config *cfg = &region->cfg;

	arg->out_features = region->fmt->features;
	arg->out_epoch = region->epoch;
	arg->out_endpoint = ep->id;
	arg->out_region_bytes = cfg->section_bytes * cfg->peers;
	arg->out_section_bytes = cfg->section_bytes;
	arg->out_transport = cfg->ops->transport;
	arg->out_format = region->fmt->format;
	arg->out_doorbell = READ_ONCE(cfg->doorbell);
	arg->out_memory = cfg->memory;
	arg->out_vectors = READ_ONCE(cfg->vectors);
	arg->out_peer = cfg->peer;
	arg->out_peers = cfg->peers;
	arg->out_max_ports = region->nr_slots;
	arg->out_max_depth = SHMIPC_DEPTH_MAX;
	arg->out_max_bytes = SHMIPC_BYTES_MAX;
	arg->out_max_msg = SHMIPC_MSG_MAX;
	arg->out_uid_bytes = shmipc_user_cap();
	strscpy(arg->out_name, region->name, sizeof(arg->out_name));
	region->fmt->describe_region(region, arg);
	return 0;
}

static u32 count_own_ports(struct shmipc_region *region)
{
	struct shmipc_port *port;
	unsigned long number;
	u32 count = 0;

	rcu_read_lock();
	xa_for_each(&region->ports, number, port)
		count++;
	rcu_read_unlock();
	return count;
}

/**
 * shmipc_table_peer() - one row of PEERS
 * @region: region
 * @peer: a slot of it
 * @row: out, zeroed
 */
void shmipc_table_peer(struct shmipc_region *region, u32 peer, struct shmipc_peer_info *row)
{
	struct shmipc_link *link = shmipc_link_get(region, peer);

	row->peer = peer;
	if (!link) {
		row->state = SHMIPC_PEER_UP;
		row->flags = SHMIPC_PEER_FLAG_SELF;
		row->epoch = region->epoch;
		row->ports = count_own_ports(region);
		strscpy(row->name, region->shown, sizeof(row->name));
		return;
	}
	region->fmt->describe(link, row);
	row->rings = atomic64_read(&link->rings);
}

static void describe_own(struct shmipc_port *port, struct shmipc_port_info *row)
{
	unsigned long flags;

	row->peer = port->region->cfg.peer;
	row->port = port->number;
	row->generation = port->generation;
	row->flags = port->flags;
	row->depth = port->depth;
	row->bytes = port->bytes;
	row->max_size = port->max_size;
	row->waiters = atomic_read(&port->nr_receivers);
	row->senders = atomic_read(&port->nr_senders);
	row->pid = pid_vnr(port->pid);
	row->uid = from_kuid_munged(current_user_ns(), port->uid);
	strscpy(row->name, port->name, sizeof(row->name));

	spin_lock_irqsave(&port->lock, flags);
	row->queued = port->queued;
	row->queued_bytes = port->queued_bytes;
	row->drops = port->drops;
	row->received = port->received;
	row->endpoint = port->owner ? port->owner->id : 0;
	spin_unlock_irqrestore(&port->lock, flags);
}

static u32 list_own(struct shmipc_region *region, struct shmipc_port_info *rows, u32 nr)
{
	struct shmipc_port *port;
	unsigned long number;
	u32 total = 0;

	rcu_read_lock();
	xa_for_each(&region->ports, number, port) {
		/* What it refers to goes with the last reference, not with RCU */
		if (!refcount_inc_not_zero(&port->ref))
			continue;
		if (total < nr)
			describe_own(port, &rows[total]);
		shmipc_port_put(port);
		total++;
	}
	rcu_read_unlock();
	return total;
}

static void describe_foreign(struct shmipc_link *link, const struct shmipc_core_port *port,
			     struct shmipc_port_info *row)
{
	struct shmipc_region *region = link->region;

	row->peer = link->peer;
	row->port = port->port;
	row->generation = port->generation;
	row->flags = region->fmt->port_flags(port->flags);
	row->depth = port->depth;
	row->bytes = min_t(u64, (u64)port->window * SHMIPC_GRANULE, U32_MAX);
	row->max_size = port->max_size;
	row->senders = shmipc_flight_waiting(link, port->slot);
	row->uid = from_kuid_munged(current_user_ns(), INVALID_UID);
	strscpy(row->name, port->name, sizeof(row->name));
}

static int read_foreign(struct shmipc_link *link, u32 slot, struct shmipc_core_port *port)
{
	return link->region->fmt->read_port(link, slot, port);
}

static u32 list_foreign(struct shmipc_link *link, struct shmipc_port_info *rows, u32 nr)
{
	struct shmipc_core_port port;
	u32 slot, total = 0;

	for (slot = 0; slot < link->region->nr_slots; slot++) {
		if (read_foreign(link, slot, &port))
			continue;
		if (total < nr)
			describe_foreign(link, &port, &rows[total]);
		total++;
	}
	return total;
}

/**
 * shmipc_table_ports() - the rows of PORTS
 * @region: region
 * @peer: whose, SHMIPC_PEER_ANY for all
 * @rows: out, zeroed
 * @nr: room for so many
 *
 * Return: how many there are.
 */
u32 shmipc_table_ports(struct shmipc_region *region, u32 peer, struct shmipc_port_info *rows,
		       u32 nr)
{
	u32 total = 0, p;

	for (p = 0; p < region->cfg.peers; p++) {
		u32 left = nr > total ? nr - total : 0;
		struct shmipc_link *link = shmipc_link_get(region, p);

		if (peer != SHMIPC_PEER_ANY && peer != p)
			continue;
		if (link)
			total += list_foreign(link, rows + min(total, nr), left);
		else
			total += list_own(region, rows + min(total, nr), left);
	}
	return total;
}

static int find_own_name(struct shmipc_region *region, const char *name,
			 struct shmipc_core_port *out)
{
	struct shmipc_port *port = shmipc_port_find_name(region, name);

	if (!port)
		return -ENOENT;
	out->port = port->number;
	out->generation = port->generation;
	shmipc_port_put(port);
	return 0;
}

static int find_name_at(struct shmipc_region *region, u32 peer, const char *name,
			struct shmipc_core_port *out)
{
	struct shmipc_link *link = shmipc_link_get(region, peer);

	return link ? region->fmt->find_name(link, name, out) : find_own_name(region, name, out);
}

/**
 * shmipc_table_lookup() - who has a name
 * @region: region
 * @peer: where to look, SHMIPC_PEER_ANY for everywhere
 * @name: valid name
 * @first: the lowest peer will do
 * @out: out_peer, out_port, out_generation
 *
 * Return: 0, -ENOENT, -ENOTUNIQ.
 */
int shmipc_table_lookup(struct shmipc_region *region, u32 peer, const char *name, bool first,
			struct shmipc_lookup *out)
{
	struct shmipc_core_port port;
	bool found = false;
	u32 p;

	for (p = 0; p < region->cfg.peers; p++) {
		if (peer != SHMIPC_PEER_ANY && peer != p)
			continue;
		if (find_name_at(region, p, name, &port))
			continue;
		if (found) {
			out->out_peer = 0;
			out->out_port = 0;
			out->out_generation = 0;
			return -ENOTUNIQ;
		}
		found = true;
		out->out_peer = p;
		out->out_port = port.port;
		out->out_generation = port.generation;
		if (first)
			break;
	}
	return found ? 0 : -ENOENT;
}

/* Links that are on their way up may bring the name */
static void lookup_rescan(struct shmipc_region *region)
{
	u32 p;

	for (p = 0; p < region->cfg.peers; p++) {
		struct shmipc_link *link = shmipc_link_get(region, p);

		if (link)
			shmipc_link_rescan(link, 0);
	}
}

static int lookup_sleep(struct shmipc_region *region, u32 peer, struct shmipc_lookup *arg,
			const struct shmipc_wait *wait)
{
	bool first = arg->flags & SHMIPC_LOOKUP_FIRST;
	DEFINE_WAIT(entry);
	bool expired = false;
	int err;

	prepare_to_wait(&region->table_wq, &entry, TASK_INTERRUPTIBLE);
	err = shmipc_table_lookup(region, peer, arg->name, first, arg);
	if (err == -ENOENT && !shmipc_region_gone(region))
		expired = shmipc_wait_sleep(wait, LOOKUP_RESCAN_NS);
	finish_wait(&region->table_wq, &entry);
	if (expired)
		lookup_rescan(region);
	return err;
}

/**
 * shmipc_table_lookup_wait() - LOOKUP
 * @ep: endpoint
 * @arg: what to look for
 * @wait: how long
 */
int shmipc_table_lookup_wait(struct shmipc_endpoint *ep, struct shmipc_lookup *arg,
			     const struct shmipc_wait *wait)
{
	struct shmipc_region *region = ep->region;
	u32 peer = shmipc_region_peer(region, arg->peer);
	int err, stop;

	if (arg->reserved || !(region->fmt->features & SHMIPC_FEAT_NAMES))
		return -EOPNOTSUPP;
	if (!shmipc_name_ok(arg->name, false))
		return -EINVAL;
	if (peer != SHMIPC_PEER_ANY && peer >= region->cfg.peers)
		return -EHOSTUNREACH;

	err = shmipc_table_lookup(region, peer, arg->name, arg->flags & SHMIPC_LOOKUP_FIRST, arg);
	if (err != -ENOENT || !(arg->flags & SHMIPC_LOOKUP_WAIT) || wait->nonblock)
		return err;

	shmipc_watch_tables(region, true);
	do {
		stop = shmipc_region_gone(region) ? -ENODEV : shmipc_wait_may_sleep(wait);
		if (stop)
			err = stop;
		else
			err = lookup_sleep(region, peer, arg, wait);
	} while (err == -ENOENT);
	shmipc_watch_tables(region, false);
	return err;
}
