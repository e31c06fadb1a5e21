// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Our section appears and disappears; a peer's section is recognised.
 *
 * A section is valid while its magic is ours and its epoch is not 0. Formatting
 * takes the magic away first and puts it back last, so that nobody takes half
 * of a section for a whole one.
 */
#include "engine.h"

/* A value that is none of 0, @old, @seen: those may still be remembered */
u32 shmipc_unlike(u32 candidate, u32 old, u32 seen)
{
	while (!candidate || candidate == old || candidate == seen)
		candidate++;
	return candidate;
}

static u32 random_or_next(struct shmipc_core *core, u32 old)
{
	u32 random = core->cfg.ops->random ? core->cfg.ops->random(core->cfg.ctx) : 0;

	return random ? random : old + 1;
}

/*
 * Peers still trust the old incarnations: take those back first. Even garbage
 * that was there is worth remembering, it may be what a peer has acknowledged.
 */
static u32 section_close(struct shmipc_core *core)
{
	u32 epoch = shm_read32(&core->own->epoch);
	u32 k;

	for (k = 0; k < shmipc_links(core); k++) {
		struct shmipc_link *link = &core->links[k];

		link->own_inc = shm_read32(&link->own->inc);
		link->next_inc = random_or_next(core, link->own_inc);
		shm_write32(&link->own->inc, 0);
	}
	shm_write32(&core->own->epoch, 0);
	shm_write32(&core->own->magic, 0);
	shm_wmb();	/* pairs with shmipc_link_current(): no reset is seen with an old inc */
	return epoch;
}

static void header_fill(struct shmipc_core *core)
{
	const struct shmipc_core_config *cfg = &core->cfg;
	struct shmipc_wire_header *own = core->own;
	u8 name[SHMIPC_WIRE_NAME] = { 0 };
	u32 i;

	for (i = 0; cfg->name && i < sizeof(name) - 1 && cfg->name[i]; i++)
		name[i] = cfg->name[i];
	shm_write32(&own->version, SHMIPC_WIRE_VERSION);
	shm_write32(&own->granules, cfg->geo.size / SHMIPC_WIRE_GRANULE);
	shm_write32(&own->peers, cfg->geo.peers);
	shm_write32(&own->slot, cfg->slot);
	shm_write32(&own->ports, cfg->geo.ports);
	shm_write32(&own->doorbell, cfg->doorbell);
	shm_write32(&own->vectors, cfg->vectors);
	shm_copy_to(own->name, name, sizeof(name));
	if (cfg->uuid)
		shm_copy_to(own->uuid, cfg->uuid, sizeof(own->uuid));
	shm_write32(&own->table_seq, ++core->table_seq);
	shm_write32(&own->watch, core->watch);
	shm_write32(&own->heartbeat, core->heartbeat);
}

static void block_fill(struct shmipc_core *core, struct shmipc_link *link)
{
	u64 lane = shmipc_geometry_lane(&core->cfg.geo, core->cfg.slot, link->peer);

	shm_write32(&link->own->lane_granule, lane / SHMIPC_WIRE_GRANULE);
	shm_write32(&link->own->lane_granules, core->cap);
	memset(link->own_bells, 0, sizeof(link->own_bells));
	link->probe = 0;
	link->probing = false;
	link->probe_ack = 0;
	link->peer_inc = 0;
	link->broken = false;
	link->stalled = false;
	shmipc_link_restart(core, link);
}

static void table_fill(struct shmipc_core *core)
{
	u32 slot, k;

	core->published = 0;
	memset(core->ports, 0, core->cfg.geo.ports * sizeof(*core->ports));
	for (k = 0; k < shmipc_links(core); k++) {
		struct shmipc_link *link = &core->links[k];

		for (slot = 0; slot < core->cfg.geo.ports; slot++)
			shmipc_credit_open(core, link, slot, 0);
	}
}

void shmipc_core_attach(struct shmipc_core *core)
{
	const struct shmipc_geometry *geo = &core->cfg.geo;
	u32 old = section_close(core);
	u32 k;

	shm_zero((u8 *)core->own + sizeof(core->own->magic),
		 geo->table + 64 * geo->ports - sizeof(core->own->magic));
	core->table_seq = random_or_next(core, core->table_seq);
	if (!core->generation)
		core->generation = random_or_next(core, old);
	header_fill(core);
	table_fill(core);
	for (k = 0; k < shmipc_links(core); k++) {
		struct shmipc_link *link = &core->links[k];

		shmipc_link_lock(core, link);
		block_fill(core, link);
		shmipc_link_unlock(core, link);
	}
	WRITE_ONCE(core->epoch, shmipc_unlike(random_or_next(core, old), old, core->epoch));
	shm_release32(&core->own->epoch, core->epoch);
	shm_release32(&core->own->magic, SHMIPC_WIRE_MAGIC);	/* pairs with shmipc_presence() */
	shm_mb();
}

void shmipc_core_detach(struct shmipc_core *core)
{
	u32 k;

	shm_write32(&core->own->epoch, 0);
	WRITE_ONCE(core->epoch, 0);
	for (k = 0; k < shmipc_links(core); k++) {
		struct shmipc_link *link = &core->links[k];

		shmipc_link_lock(core, link);
		shm_write32(&link->own->inc, 0);
		link->own_inc = 0;
		shmipc_link_unlock(core, link);
		shmipc_link_down(core, link, SHMIPC_CORE_DOWN);
		link->met = false;
		WRITE_ONCE(link->state, SHMIPC_LINK_ABSENT);
		WRITE_ONCE(link->peer_epoch, 0);
	}
	shm_mb();
}

static bool geometry_equal(const struct shmipc_core *core, const struct shmipc_link *link)
{
	const struct shmipc_geometry *geo = &core->cfg.geo;
	const struct shmipc_wire_header *h = link->header;
	u64 lane = shmipc_geometry_lane(geo, link->peer, core->cfg.slot);

	return shm_read32(&h->version) == SHMIPC_WIRE_VERSION &&
	       shm_read32(&h->granules) == geo->size / SHMIPC_WIRE_GRANULE &&
	       shm_read32(&h->peers) == geo->peers &&
	       shm_read32(&h->slot) == link->peer &&
	       shm_read32(&h->ports) == geo->ports &&
	       shm_read32(&link->theirs->lane_granule) == lane / SHMIPC_WIRE_GRANULE &&
	       shm_read32(&link->theirs->lane_granules) == core->cap;
}

/*
 * Where there is a witness, a section is believed only together with what that one
 * says: a peer that died leaves a section as it was, and a table that nobody has
 * written to holds anything.
 */
static bool witnessed(const struct shmipc_core *core, const struct shmipc_link *link, u32 epoch)
{
	u32 there;

	if (!core->cfg.ops->witness)
		return true;
	there = core->cfg.ops->witness(core->cfg.ctx, link->peer);
	return epoch ? there == epoch : there;
}

enum shmipc_core_state shmipc_presence(struct shmipc_core *core, struct shmipc_link *link)
{
	const struct shmipc_wire_header *h = link->header;
	u32 magic, epoch;

	if (!h || !witnessed(core, link, 0))
		return SHMIPC_LINK_ABSENT;
	magic = shm_acquire32(&h->magic);	/* pairs with shmipc_core_attach() */
	if (magic != SHMIPC_WIRE_MAGIC)
		return magic ? SHMIPC_LINK_FOREIGN : SHMIPC_LINK_ABSENT;
	epoch = shm_read32(&h->epoch);
	if (!epoch || !witnessed(core, link, epoch))
		return SHMIPC_LINK_ABSENT;
	if (!geometry_equal(core, link))
		return SHMIPC_LINK_FOREIGN;

	WRITE_ONCE(link->peer_doorbell, shm_read32(&h->doorbell));
	WRITE_ONCE(link->peer_vectors, shm_read32(&h->vectors));
	if (epoch != link->peer_epoch) {
		WRITE_ONCE(link->peer_epoch, epoch);
		memset(link->bells, 0, sizeof(link->bells));	/* attach zeroes them */
	}
	return SHMIPC_LINK_UP;
}

static bool link_verify(const struct shmipc_core *core, const struct shmipc_link *link)
{
	const struct shmipc_wire_block *own = link->own;

	return shm_read32(&own->inc) == link->own_inc &&
	       shm_read32(&own->seen) == link->peer_inc &&
	       shm_read32(&own->rd) == link->rd &&
	       shm_read32(&own->probe) == link->probe &&
	       shm_read32(&own->want) == link->want &&
	       shm_read32(&own->sp_wake) == link->tx.sp_wake &&
	       shmipc_tx_verify(core, link);
}

bool shmipc_core_verify(const struct shmipc_core *core)
{
	bool same = shm_read32(&core->own->epoch) == core->epoch &&
		    shm_read32(&core->own->magic) == SHMIPC_WIRE_MAGIC;
	u32 k;

	for (k = 0; same && k < shmipc_links(core); k++) {
		const struct shmipc_link *link = &core->links[k];

		shmipc_link_lock(core, link);
		same = link_verify(core, link);
		shmipc_link_unlock(core, link);
	}
	return same;
}

void shmipc_core_set_vectors(struct shmipc_core *core, u32 vectors)
{
	core->cfg.vectors = vectors;
	shm_write32(&core->own->vectors, vectors);
}
