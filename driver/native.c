// SPDX-License-Identifier: GPL-2.0
/*
 * The native format: the functions of a format, which all end in the protocol
 * engine (core/). What the engine calls is in native_core.c.
 *
 * After removal the engine's sections may be unmapped. Functions that are called
 * with link->lock or ports_lock look for @gone under it; the others do inside
 * rcu_read_lock(). shmipc_region_remove() waits for both.
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <linux/shmipc_wire.h>

#include "shmipc.h"

#define NATIVE_BUDGET	32	/* records of one look */

/* ---- the region ---- */

static void native_init_core(struct shmipc_region *region, void *mem,
			     const struct shmipc_geometry *geo)
{
	const struct shmipc_region_config *cfg = &region->cfg;
	struct shmipc_core_config core = {
		.ops = cfg->ops->peer_state ? &shmipc_native_core_ops_witness :
					      &shmipc_native_core_ops,
		.ctx = region,
		.geo = *geo,
		.slot = cfg->peer,
		.own = region->sections[cfg->peer],
		.doorbell = cfg->doorbell_id,
		.vectors = cfg->vectors,
		.name = region->shown,
		.uuid = cfg->uuid,
	};
	u32 peer;

	region->core = shmipc_core_init(mem, &core);
	shmipc_core_set_polling(region->core, cfg->doorbell == SHMIPC_DOORBELL_POLLING);
	for (peer = 0; peer < cfg->peers; peer++)
		if (peer != cfg->peer)
			shmipc_core_set_peer(region->core, peer, region->sections[peer]);
}

/* What has been counted before we attach */
static void native_meet(struct shmipc_region *region)
{
	u32 counts[SHMIPC_WIRE_BELLS];
	u32 peer, epoch;

	static_assert(SHMIPC_WIRE_BELLS == SHMIPC_VECTORS);
	for (peer = 0; peer < region->cfg.peers; peer++) {
		if (peer == region->cfg.peer)
			continue;
		epoch = shmipc_core_bells(region->core, peer, counts);
		shmipc_notify_met(&region->links[peer], epoch, counts);
	}
}

/* What was allocated is freed with the region */
static int native_attach(struct shmipc_region *region)
{
	struct shmipc_geometry geo;
	void *mem;
	int err;

	err = shmipc_geometry_init(&geo, region->cfg.section_bytes, region->cfg.peers);
	if (err)
		return err;
	region->slots = kvcalloc(geo.ports, sizeof(*region->slots), GFP_KERNEL);
	mem = kvzalloc(shmipc_core_size(&geo), GFP_KERNEL);
	if (!region->slots || !mem) {
		kvfree(mem);
		return -ENOMEM;
	}
	region->nr_slots = geo.ports;
	native_init_core(region, mem, &geo);
	native_meet(region);
	shmipc_core_attach(region->core);
	region->epoch = shmipc_core_epoch(region->core);
	region->state = region->epoch;
	return 0;
}

static void native_detach(struct shmipc_region *region)
{
	/* If the section is not ours any more, whoever has it now would suffer */
	if (shmipc_region_held(region))
		shmipc_core_detach(region->core);
}

static void native_describe_region(struct shmipc_region *region, struct shmipc_info *info)
{
	struct shmipc_geometry geo;

	if (shmipc_geometry_init(&geo, region->cfg.section_bytes, region->cfg.peers))
		return;
	info->out_max_ports = geo.ports;
	info->out_max_depth = SHMIPC_DEPTH_MAX;
	info->out_max_bytes = SHMIPC_BYTES_MAX;
	info->out_max_msg = SHMIPC_MSG_MAX;
	info->out_max_inline = min_t(u32, geo.lane / 4, SHMIPC_WIRE_FRAGMENT_MAX) -
			       sizeof(struct shmipc_wire_record);
	info->out_lane_bytes = geo.lane;
}

static void native_describe_port(const struct shmipc_port *port, struct shmipc_core_port *desc)
{
	desc->generation = port->generation;
	desc->port = port->number;
	desc->depth = port->depth;
	desc->window = DIV_ROUND_UP(port->bytes, SHMIPC_WIRE_GRANULE);
	desc->max_size = port->max_size;
	if (port->flags & SHMIPC_PORT_META)
		desc->flags |= SHMIPC_WIRE_PORT_META;
	if (port->flags & SHMIPC_PORT_TOTAL_DEPTH)
		desc->flags |= SHMIPC_WIRE_PORT_TOTAL;
	strscpy(desc->name, port->name, sizeof(desc->name));
}

/* Not gone, and the section has not become another's while we were paused */
static bool native_may_write(struct shmipc_region *region)
{
	return !shmipc_region_gone(region) && shmipc_region_held(region);
}

static u32 native_port_flags(u32 wire)
{
	return (wire & SHMIPC_WIRE_PORT_META ? SHMIPC_PORT_META : 0) |
	       (wire & SHMIPC_WIRE_PORT_TOTAL ? SHMIPC_PORT_TOTAL_DEPTH : 0);
}

/* The engine chooses slot and generation; ports_lock */
static int native_publish(struct shmipc_region *region, struct shmipc_port *port, u64 *ring)
{
	struct shmipc_core_port desc = {};
	int err;

	if (!native_may_write(region))
		return -ENODEV;
	native_describe_port(port, &desc);
	/* Before anything of it is visible; whoever receives a record for it sees this */
	WRITE_ONCE(region->publishing, true);
	err = shmipc_core_publish(region->core, &desc, ring);
	if (!err) {
		port->generation = desc.generation;
		port->slot = desc.slot;
		rcu_assign_pointer(region->slots[desc.slot], port);
	}
	/* Pairs with native_find_port() */
	smp_store_release(&region->publishing, false);
	return err;
}

/* Messages that are under way find no port; ports_lock */
static void native_withdraw(struct shmipc_region *region, struct shmipc_port *port, u64 *ring)
{
	if (native_may_write(region))
		shmipc_core_withdraw(region->core, port->slot, ring);
	RCU_INIT_POINTER(region->slots[port->slot], NULL);
}

/* ---- a link, in no lock: inside RCU ---- */

static bool native_enter(struct shmipc_region *region)
	__acquires(RCU)
{
	rcu_read_lock();
	return !shmipc_region_gone(region);
}

static void native_leave(void)
	__releases(RCU)
{
	rcu_read_unlock();
}

static void native_watch_tables(struct shmipc_region *region, bool on)
{
	if (native_enter(region) && shmipc_region_held(region))
		shmipc_core_watch_tables(region->core, on);
	native_leave();
}

static int native_find_number(struct shmipc_link *link, u32 number, struct shmipc_core_port *out)
{
	struct shmipc_region *region = link->region;
	int err = -ENODEV;

	if (native_enter(region))
		err = shmipc_core_find_port(region->core, link->peer, number, out);
	native_leave();
	return err;
}

static int native_read_port(struct shmipc_link *link, u32 slot, struct shmipc_core_port *out)
{
	struct shmipc_region *region = link->region;
	int err = -ENODEV;

	if (native_enter(region))
		err = shmipc_core_read_port(region->core, link->peer, slot, out);
	native_leave();
	return err;
}

static int native_find_name(struct shmipc_link *link, const char *name,
			    struct shmipc_core_port *out)
{
	struct shmipc_region *region = link->region;
	int err = -ENODEV;

	if (native_enter(region))
		err = shmipc_core_find_name(region->core, link->peer, name, out);
	native_leave();
	return err;
}

static bool native_undrained(struct shmipc_link *link)
{
	struct shmipc_region *region = link->region;
	bool undrained = false;

	if (native_enter(region))
		undrained = shmipc_core_undrained(region->core, link->peer);
	native_leave();
	return undrained;
}

static bool native_verify(struct shmipc_region *region)
{
	bool same = true;

	if (native_enter(region))
		same = shmipc_core_verify(region->core);
	native_leave();
	return same;
}

/* Private memory of the engine only: also while the region goes, to say farewell */
static bool native_doorbell(struct shmipc_link *link, u32 *id, u32 *vectors)
{
	struct shmipc_region *region = link->region;

	*id = shmipc_core_peer_doorbell(region->core, link->peer, vectors);
	return shmipc_region_gone(region) || shmipc_core_peer_epoch(region->core, link->peer);
}

static void native_beat(struct shmipc_region *region)
{
	if (native_enter(region))
		shmipc_core_heartbeat(region->core);
	native_leave();
}

static void native_set_doorbell(struct shmipc_region *region)
{
	const struct shmipc_region_config *cfg = &region->cfg;

	if (native_enter(region)) {
		shmipc_core_set_polling(region->core, cfg->doorbell == SHMIPC_DOORBELL_POLLING);
		shmipc_core_set_vectors(region->core, cfg->vectors);
	}
	native_leave();
}

static u32 native_state(struct shmipc_link *link)
{
	switch (shmipc_core_state(link->region->core, link->peer)) {
	case SHMIPC_LINK_ABSENT:
		return SHMIPC_PEER_ABSENT;
	case SHMIPC_LINK_FOREIGN:
		return SHMIPC_PEER_FOREIGN;
	case SHMIPC_LINK_JOINING:
		return SHMIPC_PEER_JOINING;
	case SHMIPC_LINK_UP:
		return SHMIPC_PEER_UP;
	case SHMIPC_LINK_STALLED:
		return SHMIPC_PEER_STALLED;
	case SHMIPC_LINK_BROKEN:
		return SHMIPC_PEER_BROKEN;
	}
	return SHMIPC_PEER_ABSENT;
}

static void native_describe(struct shmipc_link *link, struct shmipc_peer_info *row)
{
	struct shmipc_region *region = link->region;
	struct shmipc_core_stats stats;
	struct shmipc_core_port port;
	u32 slot;

	row->state = native_state(link);
	row->epoch = shmipc_core_peer_epoch(region->core, link->peer);
	shmipc_core_stats(region->core, link->peer, &stats);
	row->sent = stats.sent;
	row->received = stats.received;
	row->resets = stats.resets;
	row->errors = stats.errors;

	if (native_enter(region)) {
		shmipc_core_peer_name(region->core, link->peer, row->name);
		for (slot = 0; slot < region->nr_slots; slot++)
			if (!shmipc_core_read_port(region->core, link->peer, slot, &port))
				row->ports++;
	}
	native_leave();
}

/* ---- a link, locked ---- */

/* Where a violation may have been found that no errno tells of */
static void native_notice(struct shmipc_link *link)
{
	if (shmipc_core_state(link->region->core, link->peer) == SHMIPC_LINK_BROKEN)
		shmipc_link_kick_later(link);
}

/* The engine leaves it to the servicer to report a violation */
static int native_verdict(struct shmipc_link *link, int err)
{
	if (err == -EPROTO || err == -ENOTCONN)
		shmipc_link_kick_later(link);
	return err;
}

static int native_push(struct shmipc_link *link, struct shmipc_core_tx *tx, bool *ring)
{
	struct shmipc_region *region = link->region;
	bool open = tx->open;
	int ret;

	if (!native_may_write(region))
		return -ENODEV;
	ret = shmipc_core_push(region->core, link->peer, tx, ring);
	/* Its level is free for another message of several parts: no ring says so */
	if (open && !ret)
		shmipc_link_wake(link);
	return native_verdict(link, ret);
}

static void native_push_abort(struct shmipc_link *link, struct shmipc_core_tx *tx, bool *ring)
{
	struct shmipc_region *region = link->region;

	if (!native_may_write(region))
		return;
	shmipc_core_push_abort(region->core, link->peer, tx, ring);
	native_notice(link);
	shmipc_link_wake(link);
}

static int native_push_ready(struct shmipc_link *link, const struct shmipc_core_port *port,
			     u32 level, u32 len)
{
	struct shmipc_region *region = link->region;

	if (shmipc_region_gone(region))
		return -ENODEV;
	return native_verdict(link, shmipc_core_push_ready(region->core, link->peer, port->slot,
							   port->generation, level, len));
}

static void native_arm(struct shmipc_link *link)
{
	struct shmipc_region *region = link->region;

	if (native_may_write(region))
		shmipc_core_arm(region->core, link->peer,
				SHMIPC_CORE_SPACE | SHMIPC_CORE_CREDIT);
}

static void native_progress(struct shmipc_link *link, u32 slot, u32 *generation, u32 *sent,
			    u32 *consumed)
{
	struct shmipc_region *region = link->region;

	if (shmipc_region_gone(region))
		return;
	shmipc_core_progress(region->core, link->peer, slot, generation, sent, consumed);
	native_notice(link);
}

static bool native_consumed(struct shmipc_link *link, struct shmipc_msg *msg)
{
	struct shmipc_region *region = link->region;

	return native_may_write(region) &&
	       shmipc_core_consumed(region->core, link->peer, msg->slot, msg->generation,
				    msg->len);
}

static void native_probe(struct shmipc_link *link)
{
	struct shmipc_region *region = link->region;

	if (native_may_write(region))
		shmipc_core_probe(region->core, link->peer);
}

static void native_bell(struct shmipc_link *link, u32 vector)
{
	struct shmipc_region *region = link->region;

	if (native_may_write(region))
		shmipc_core_bell(region->core, link->peer, vector);
}

/* ---- a link, as its servicer ---- */

static u32 native_service(struct shmipc_link *link)
{
	return shmipc_core_service(link->region->core, link->peer, NATIVE_BUDGET);
}

static void native_relink(struct shmipc_link *link)
{
	shmipc_core_relink(link->region->core, link->peer);
}

static void native_stall(struct shmipc_link *link)
{
	shmipc_core_stall(link->region->core, link->peer);
}

static u32 native_bells(struct shmipc_link *link, u32 counts[SHMIPC_VECTORS])
{
	return shmipc_core_bells(link->region->core, link->peer, counts);
}

const struct shmipc_format_ops shmipc_native = {
	.format		= SHMIPC_FORMAT_NATIVE,
	.name		= "native",
	.features	= SHMIPC_FEAT_PORTS | SHMIPC_FEAT_PRIORITY | SHMIPC_FEAT_NAMES |
			  SHMIPC_FEAT_EVENTS | SHMIPC_FEAT_META | SHMIPC_FEAT_NOTIFY,
	.attach		= native_attach,
	.detach		= native_detach,
	.service	= native_service,
	.relink		= native_relink,
	.state		= native_state,
	.describe	= native_describe,
	.describe_region = native_describe_region,
	.port_flags	= native_port_flags,
	.publish	= native_publish,
	.withdraw	= native_withdraw,
	.watch_tables	= native_watch_tables,
	.find_port	= native_find_number,
	.read_port	= native_read_port,
	.find_name	= native_find_name,
	.push		= native_push,
	.push_abort	= native_push_abort,
	.push_ready	= native_push_ready,
	.arm		= native_arm,
	.progress	= native_progress,
	.consumed	= native_consumed,
	.undrained	= native_undrained,
	.probe		= native_probe,
	.stall		= native_stall,
	.verify		= native_verify,
	.doorbell	= native_doorbell,
	.beat		= native_beat,
	.set_doorbell	= native_set_doorbell,
	.bell		= native_bell,
	.bells		= native_bells,
};
