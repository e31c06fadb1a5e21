// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Result slots: a message may name one of S words in the receiver's block, in
 * which the receiver says how far the message got. A slot belongs to one message
 * until its last answer or a restart, even if the sender stopped waiting, and
 * has a new tag for each message.
 *
 * What the outside holds is session << 16 | tag << 10 | slot, so that nothing
 * survives a restart. Everything here is called with the link lock held.
 */
#include "engine.h"

static u32 result_wire(const struct shmipc_link *link, u32 slot)
{
	return (u32)link->results[slot].tag << 10 | slot;
}

static u32 result_handle(const struct shmipc_link *link, u32 wire)
{
	return (link->session & 0x7fff) << 16 | wire;
}

static bool result_final(u32 state)
{
	return state >= SHMIPC_WIRE_RESULT_RECEIVED;
}

/* What the peer says; 0 for nothing, or nothing that makes sense */
static u32 result_read(const struct shmipc_link *link, u32 slot)
{
	u32 word = shm_acquire32(shmipc_block_result_const(link->theirs, slot));
	u32 state = word & 0xffff;

	if (!link->up || word >> 16 != result_wire(link, slot))
		return 0;
	if (state < SHMIPC_WIRE_RESULT_QUEUED || state > SHMIPC_WIRE_RESULT_FULL)
		return 0;
	return state;
}

static struct shmipc_result *result_of(struct shmipc_core *core, struct shmipc_link *link,
				       u32 handle)
{
	u32 slot = handle & (SHMIPC_WIRE_RESULT_SLOTS - 1);

	if (slot >= core->cfg.geo.ports || handle != result_handle(link, result_wire(link, slot)))
		return NULL;
	return &link->results[slot];
}

static bool result_free(struct shmipc_link *link, u32 slot)
{
	struct shmipc_result *result = &link->results[slot];

	if (result->used && result->zombie && result_final(result_read(link, slot)))
		result->used = false;
	return !result->used;
}

/* Tags go on from pair to pair: an old handle fits nothing */
void shmipc_result_reset(struct shmipc_core *core, struct shmipc_link *link)
{
	u32 slot;

	for (slot = 0; slot < core->cfg.geo.ports; slot++) {
		link->results[slot].used = false;
		link->results[slot].zombie = false;
		link->results[slot].state = 0;
		shm_write32(shmipc_block_result(link->own, slot), 0);
	}
}

int shmipc_core_result_get(struct shmipc_core *core, u32 peer)
{
	struct shmipc_link *link = shmipc_link_of(core, peer);
	u32 mask = core->cfg.geo.ports - 1;
	u32 i, slot;

	for (i = 0; i <= mask; i++) {
		struct shmipc_result *result;

		slot = link->result_next++ & mask;
		if (!result_free(link, slot))
			continue;
		result = &link->results[slot];
		result->tag = result->tag % 63 + 1;
		result->state = 0;
		result->used = true;
		result->zombie = false;
		result->sent = false;
		return result_handle(link, result_wire(link, slot));
	}
	return -EAGAIN;
}

int shmipc_core_result_state(struct shmipc_core *core, u32 peer, u32 handle)
{
	struct shmipc_link *link = shmipc_link_of(core, peer);
	struct shmipc_result *result = result_of(core, link, handle);

	if (!result || !result->used)
		return -ECONNRESET;
	return result_read(link, handle & (SHMIPC_WIRE_RESULT_SLOTS - 1));
}

void shmipc_core_result_put(struct shmipc_core *core, u32 peer, u32 handle)
{
	struct shmipc_link *link = shmipc_link_of(core, peer);
	struct shmipc_result *result = result_of(core, link, handle);
	u32 slot = handle & (SHMIPC_WIRE_RESULT_SLOTS - 1);

	if (!result || !result->used)
		return;
	result->zombie = true;
	if (!result->sent || result_free(link, slot))
		result->used = false;
}

/* A message that names it is in the lane */
void shmipc_result_sent(struct shmipc_core *core, struct shmipc_link *link, u32 handle)
{
	struct shmipc_result *result = handle ? result_of(core, link, handle) : NULL;

	if (result)
		result->sent = true;
}

/* Has any answer come since the last look, or does nobody wait for one? */
bool shmipc_result_scan(struct shmipc_core *core, struct shmipc_link *link)
{
	bool news = false;
	u32 slot, waiting = 0;

	for (slot = 0; slot < core->cfg.geo.ports; slot++) {
		struct shmipc_result *result = &link->results[slot];
		u32 state;

		if (!result->used || result->zombie)
			continue;
		state = result_read(link, slot);
		waiting += !result_final(state);
		news = news || state != result->state;
		result->state = state;
	}
	return news || !waiting;
}

/* Dekker: store the answer, fence, read want; shmipc_core_arm() stores want, fences, looks again */
bool shmipc_core_answer(struct shmipc_core *core, u32 peer, u32 handle, u32 state)
{
	struct shmipc_link *link = shmipc_link_of(core, peer);
	u32 wire = handle & 0xffff;
	u32 slot = wire & (SHMIPC_WIRE_RESULT_SLOTS - 1);

	if (!handle || !link->up || handle != result_handle(link, wire) ||
	    slot >= core->cfg.geo.ports)
		return false;
	shm_release32(shmipc_block_result(link->own, slot), wire << 16 | state);
	shm_mb();
	return shmipc_wake_wanted(link, SHMIPC_WIRE_WANT_RESULT);
}
