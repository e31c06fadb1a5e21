// SPDX-License-Identifier: LGPL-2.1-or-later
/* What there is: PEERS, PORTS, LOOKUP. As driver/table.c. */
#include "host.h"

/* How often a waiting LOOKUP looks for itself */
#define LOOKUP_RESCAN_NS	NS_PER_S

static void *row_at(u64 elems, u32 size, u32 index)
{
	return (u8 *)(uintptr_t)elems + (size_t)index * size;
}

static u32 own_ports(const struct host_region *region)
{
	const struct host_port *port;
	u32 count = 0;

	for (port = region->ports; port; port = port->next)
		count++;
	return count;
}

static void describe_link(struct host_link *link, struct shmipc_peer_info *row)
{
	struct host_region *region = link->region;
	struct shmipc_core_stats stats;
	struct shmipc_core_port port;
	u32 slot;

	row->state = shmipc_host_link_state(link);
	row->epoch = shmipc_core_peer_epoch(region->core, link->peer);
	shmipc_core_stats(region->core, link->peer, &stats);
	row->sent = stats.sent;
	row->received = stats.received;
	row->resets = stats.resets;
	row->errors = stats.errors;
	row->rings = link->rings;
	shmipc_core_peer_name(region->core, link->peer, row->name);
	for (slot = 0; slot < region->div.geo.ports; slot++)
		if (!shmipc_core_read_port(region->core, link->peer, slot, &port))
			row->ports++;
}

static void describe_peer(struct host_region *region, u32 peer, struct shmipc_peer_info *row)
{
	struct host_link *link = shmipc_host_link(region, peer);

	memset(row, 0, sizeof(*row));
	row->peer = peer;
	if (link) {
		describe_link(link, row);
		return;
	}
	row->state = SHMIPC_PEER_UP;
	row->flags = SHMIPC_PEER_FLAG_SELF;
	row->epoch = region->epoch;
	row->ports = own_ports(region);
	memcpy(row->name, region->name, sizeof(row->name));
}

int shmipc_host_peers(struct host_endpoint *ep, struct shmipc_peers *arg)
{
	struct host_region *region = ep->region;

	if (arg->elem_size != sizeof(struct shmipc_peer_info))
		return -EINVAL;
	shmipc_host_serve(region);
	arg->out_total = region->div.geo.peers;
	for (; arg->out_nr < min(arg->nr, arg->out_total); arg->out_nr++)
		describe_peer(region, arg->out_nr,
			      row_at(arg->elems, arg->elem_size, arg->out_nr));
	return 0;
}

static void describe_own(const struct host_region *region, const struct host_port *port,
			 struct shmipc_port_info *row)
{
	memset(row, 0, sizeof(*row));
	row->peer = region->slot;
	row->port = port->number;
	row->generation = port->generation;
	row->flags = port->flags;
	row->depth = port->depth;
	row->bytes = port->bytes;
	row->max_size = port->max_size;
	row->queued = port->queued;
	row->queued_bytes = port->queued_bytes;
	row->waiters = port->waiters;
	row->senders = port->senders;
	row->drops = port->drops;
	row->received = port->received;
	row->endpoint = port->owner->id;
	row->pid = region->pid;
	row->uid = region->uid;
	memcpy(row->name, port->name, sizeof(row->name));
}

static void describe_foreign(const struct host_link *link, const struct shmipc_core_port *port,
			     struct shmipc_port_info *row)
{
	u64 bytes = (u64)port->window * SHMIPC_WIRE_GRANULE;

	memset(row, 0, sizeof(*row));
	row->peer = link->peer;
	row->port = port->port;
	row->generation = port->generation;
	row->flags = (port->flags & SHMIPC_WIRE_PORT_META ? SHMIPC_PORT_META : 0) |
		     (port->flags & SHMIPC_WIRE_PORT_TOTAL ? SHMIPC_PORT_TOTAL_DEPTH : 0);
	row->depth = port->depth;
	row->bytes = min(bytes, UINT32_MAX);
	row->max_size = port->max_size;
	row->senders = link->flights[port->slot].waiting;
	row->uid = 65534;	/* the overflow uid */
	memcpy(row->name, port->name, sizeof(row->name));
}

static void list_own(const struct host_region *region, struct shmipc_ports *arg)
{
	const struct host_port *port;

	for (port = region->ports; port; port = port->next, arg->out_total++)
		if (arg->out_nr < arg->nr)
			describe_own(region, port,
				     row_at(arg->elems, arg->elem_size, arg->out_nr++));
}

static void list_foreign(const struct host_link *link, struct shmipc_ports *arg)
{
	struct shmipc_core_port port;
	u32 slot;

	for (slot = 0; slot < link->region->div.geo.ports; slot++) {
		if (shmipc_core_read_port(link->region->core, link->peer, slot, &port))
			continue;
		if (arg->out_nr < arg->nr)
			describe_foreign(link, &port,
					 row_at(arg->elems, arg->elem_size, arg->out_nr++));
		arg->out_total++;
	}
}

int shmipc_host_ports(struct host_endpoint *ep, struct shmipc_ports *arg)
{
	struct host_region *region = ep->region;
	u32 peer = arg->peer == SHMIPC_PEER_SELF ? region->slot : arg->peer;
	u32 p;

	if (arg->reserved)
		return -EOPNOTSUPP;
	if (arg->elem_size != sizeof(struct shmipc_port_info))
		return -EINVAL;
	if (peer != SHMIPC_PEER_ANY && peer >= region->div.geo.peers)
		return -EHOSTUNREACH;
	shmipc_host_serve(region);
	for (p = 0; p < region->div.geo.peers; p++) {
		if (peer != SHMIPC_PEER_ANY && peer != p)
			continue;
		if (p == region->slot)
			list_own(region, arg);
		else
			list_foreign(&region->links[p], arg);
	}
	return 0;
}

static int find_at(struct host_region *region, u32 peer, const char *name,
		   struct shmipc_core_port *out)
{
	struct host_port *own;

	if (peer != region->slot)
		return shmipc_core_find_name(region->core, peer, name, out);
	own = shmipc_host_port_named(region, name);
	if (!own)
		return -ENOENT;
	out->port = own->number;
	out->generation = own->generation;
	return 0;
}

/* Who has a name; the lowest peer will do if @first. 0, -ENOENT, -ENOTUNIQ */
int shmipc_host_find(struct host_region *region, u32 peer, const char *name, bool first,
		     struct shmipc_lookup *out)
{
	struct shmipc_core_port port;
	bool found = false;
	u32 p;

	for (p = 0; p < region->div.geo.peers && !(first && found); p++) {
		if ((peer != SHMIPC_PEER_ANY && peer != p) || find_at(region, p, name, &port))
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
	}
	return found ? 0 : -ENOENT;
}

static void lookup_rescan(struct host_region *region)
{
	struct host_link *link;
	u32 p;

	for (p = 0; p < region->div.geo.peers; p++) {
		link = shmipc_host_link(region, p);
		if (link)
			shmipc_host_link_rescan(link, 0);
	}
}

static int lookup_wait(struct host_region *region, u32 peer, struct shmipc_lookup *arg,
		       const struct host_wait *wait)
{
	int err;

	for (;;) {
		if (region->gone)
			return -ENODEV;
		err = shmipc_host_find(region, peer, arg->name, arg->flags & SHMIPC_LOOKUP_FIRST,
				       arg);
		if (err != -ENOENT)
			return err;
		err = shmipc_host_may_sleep(wait);
		if (!err)
			err = shmipc_host_sleep(region, &region->wq, wait, LOOKUP_RESCAN_NS);
		if (err < 0)
			return err;
		if (err == 1)
			lookup_rescan(region);
	}
}

int shmipc_host_lookup(struct host_endpoint *ep, struct shmipc_lookup *arg)
{
	struct host_region *region = ep->region;
	struct host_wait wait = { .deadline = arg->deadline, .nonblock = ep->nonblock };
	u32 peer = arg->peer == SHMIPC_PEER_SELF ? region->slot : arg->peer;
	int err;

	if (arg->reserved)
		return -EOPNOTSUPP;
	if (!shmipc_host_name_ok(arg->name, false))
		return -EINVAL;
	if (peer != SHMIPC_PEER_ANY && peer >= region->div.geo.peers)
		return -EHOSTUNREACH;
	shmipc_host_serve(region);
	err = shmipc_host_find(region, peer, arg->name, arg->flags & SHMIPC_LOOKUP_FIRST, arg);
	if (err != -ENOENT || !(arg->flags & SHMIPC_LOOKUP_WAIT) || wait.nonblock)
		return err;
	region->lookups++;
	shmipc_host_watch_sync(region);
	shmipc_host_nudge(region);
	err = lookup_wait(region, peer, arg, &wait);
	region->lookups--;
	shmipc_host_watch_sync(region);
	return err;
}
