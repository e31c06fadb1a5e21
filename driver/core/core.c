// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The core object: private memory of the engine, and questions about it that
 * need no lock.
 */
#include "engine.h"

static size_t up8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

static size_t per_link(const struct shmipc_geometry *geo)
{
	return up8(geo->ports * sizeof(struct shmipc_tx_port)) +
	       up8(geo->ports * sizeof(struct shmipc_rx_port)) +
	       up8(geo->ports * sizeof(struct shmipc_result));
}

size_t shmipc_core_size(const struct shmipc_geometry *geo)
{
	return up8(sizeof(struct shmipc_core)) +
	       up8(geo->ports * sizeof(struct shmipc_core_port)) +
	       (geo->peers - 1) * (up8(sizeof(struct shmipc_link)) + per_link(geo));
}

static void *carve(u8 **at, size_t len)
{
	void *p = *at;

	*at += up8(len);
	return p;
}

static void link_init(struct shmipc_core *core, struct shmipc_link *link, u32 peer, u8 **at)
{
	const struct shmipc_geometry *geo = &core->cfg.geo;
	u8 *own = core->cfg.own;

	link->peer = peer;
	link->own = (void *)(own + shmipc_geometry_block(geo, core->cfg.slot, peer));
	link->tx_lane = own + shmipc_geometry_lane(geo, core->cfg.slot, peer);
	link->tx_ports = carve(at, geo->ports * sizeof(*link->tx_ports));
	link->rx_ports = carve(at, geo->ports * sizeof(*link->rx_ports));
	link->results = carve(at, geo->ports * sizeof(*link->results));
}

struct shmipc_core *shmipc_core_init(void *mem, const struct shmipc_core_config *cfg)
{
	u8 *at = mem;
	struct shmipc_core *core = carve(&at, sizeof(*core));
	u32 k;

	core->cfg = *cfg;
	core->own = cfg->own;
	core->table = (void *)((u8 *)cfg->own + cfg->geo.table);
	core->cap = cfg->geo.lane / SHMIPC_WIRE_GRANULE;
	core->record = min(cfg->geo.lane / 4, SHMIPC_WIRE_FRAGMENT_MAX) / SHMIPC_WIRE_GRANULE;
	core->ports = carve(&at, cfg->geo.ports * sizeof(*core->ports));
	core->links = carve(&at, shmipc_links(core) * up8(sizeof(*core->links)));
	for (k = 0; k < shmipc_links(core); k++)
		link_init(core, &core->links[k], k + (k >= cfg->slot), &at);
	return core;
}

void shmipc_core_set_peer(struct shmipc_core *core, u32 peer, const void *section)
{
	const struct shmipc_geometry *geo = &core->cfg.geo;
	struct shmipc_link *link = shmipc_link_of(core, peer);
	const u8 *base = section;

	link->header = section;
	if (!section)
		return;
	link->theirs = (const void *)(base + shmipc_geometry_block(geo, peer, core->cfg.slot));
	link->table = (const void *)(base + geo->table);
	link->rx_lane = base + shmipc_geometry_lane(geo, peer, core->cfg.slot);
}

u32 shmipc_core_epoch(const struct shmipc_core *core)
{
	return READ_ONCE(core->epoch);
}

enum shmipc_core_state shmipc_core_state(const struct shmipc_core *core, u32 peer)
{
	if (peer == core->cfg.slot || peer >= core->cfg.geo.peers)
		return SHMIPC_LINK_ABSENT;
	return READ_ONCE(shmipc_link_of(core, peer)->state);
}

u32 shmipc_core_peer_epoch(const struct shmipc_core *core, u32 peer)
{
	return READ_ONCE(shmipc_link_of(core, peer)->peer_epoch);
}

u32 shmipc_core_peer_doorbell(const struct shmipc_core *core, u32 peer, u32 *vectors)
{
	const struct shmipc_link *link = shmipc_link_of(core, peer);

	/* What it says now: who has it now need not be who had it when we looked at the link */
	shm_rmb();	/* after the wake word that made us want to ring */
	if (vectors)
		*vectors = link->header ? shm_read32(&link->header->vectors) : 0;
	return link->header ? shm_read32(&link->header->doorbell) : ~0U;
}

/* Names come from shared memory: printable, terminated, whatever is there */
void shmipc_name_copy(char name[SHMIPC_WIRE_NAME], const u8 *from)
{
	bool end = false;
	u32 i;

	shm_copy_from(name, from, SHMIPC_WIRE_NAME);
	for (i = 0; i < SHMIPC_WIRE_NAME; i++) {
		end = end || !name[i] || i == SHMIPC_WIRE_NAME - 1;
		if (end)
			name[i] = 0;
		else if (name[i] <= ' ' || name[i] > '~')
			name[i] = '?';
	}
}

void shmipc_core_peer_name(const struct shmipc_core *core, u32 peer, char name[32])
{
	const struct shmipc_link *link = shmipc_link_of(core, peer);

	name[0] = 0;
	if (link->header && READ_ONCE(link->state) > SHMIPC_LINK_FOREIGN)
		shmipc_name_copy(name, link->header->name);
}

void shmipc_core_stats(const struct shmipc_core *core, u32 peer, struct shmipc_core_stats *st)
{
	const struct shmipc_link *link = shmipc_link_of(core, peer);

	shmipc_link_lock(core, link);
	*st = link->stats;
	shmipc_link_unlock(core, link);
}
