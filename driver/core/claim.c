// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Slots of a divided region that nobody hands out: behind QEMU's own server, whose
 * ids grow for ever, and where there is no server. This is the one place where
 * two peers write the same word, and do so by compare-and-swap.
 *
 * A slot is taken from nobody (token 0), or from an owner that did not change its
 * beat although it was rung for a second. Such an owner may be paused, not dead:
 * when it resumes it finds another token, leaves, and claims again. What it wrote
 * in between, a few words at most, may break its successor's links once.
 *
 * A compare-and-swap by a machine with one processor may be compiled, or patched,
 * into one that is none: the token is read again when all such are over.
 */
#include "engine.h"
#include "divide.h"

enum {
	CLAIM_START,
	CLAIM_SETTLE,	/* the token is stored: is it still there? */
	CLAIM_LISTEN,	/* all slots have owners: who is silent? */
};

static struct shmipc_wire_claim *claim_of(const struct shmipc_claim *claim, u32 slot)
{
	return &((struct shmipc_wire_region *)claim->page)->claims[slot];
}

/* An unknown uuid, all zero, is nobody's */
static bool claim_was_ours(const struct shmipc_claim *claim, u32 slot)
{
	u32 i, any = 0, differ = 0;
	u8 uuid[16];

	shm_copy_from(uuid, claim_of(claim, slot)->uuid, sizeof(uuid));
	for (i = 0; i < sizeof(uuid); i++) {
		any |= claim->uuid[i];
		differ |= uuid[i] ^ claim->uuid[i];
	}
	return any && !differ;
}

void shmipc_claim_init(struct shmipc_claim *claim, const struct shmipc_division *div, void *page,
		       u32 token, const u8 *uuid)
{
	memset(claim, 0, sizeof(*claim));
	claim->div = *div;
	claim->page = page;
	claim->word = shmipc_divide_word(page);
	claim->token = token ? token : 1;
	if (uuid)
		memcpy(claim->uuid, uuid, sizeof(claim->uuid));
	claim->state = CLAIM_START;
}

static bool claim_take(struct shmipc_claim *claim, u32 slot, u32 old, u32 now)
{
	if (shm_cmpxchg32(&claim_of(claim, slot)->token, old, claim->token) != old)
		return false;
	claim->slot = slot;
	claim->state = CLAIM_SETTLE;
	claim->since = now;
	return true;
}

/* A free slot; one that had been ours if there is such a one */
static bool claim_take_free(struct shmipc_claim *claim, u32 now)
{
	u32 slot, pass;

	for (pass = 0; pass < 2; pass++)
		for (slot = 0; slot < claim->div.geo.peers; slot++)
			if (!shm_read32(&claim_of(claim, slot)->token) &&
			    (pass || claim_was_ours(claim, slot)) &&
			    claim_take(claim, slot, 0, now))
				return true;
	return false;
}

/* Does the owner, or did the last one, live on doorbells? */
static bool claim_rings(const struct shmipc_claim *claim, u32 slot)
{
	const struct shmipc_wire_header *header;

	header = shmipc_divide_section(&claim->div, claim->page, slot);
	return shm_read32(&header->vectors);
}

static void claim_listen(struct shmipc_claim *claim, u32 now)
{
	u32 slot;

	claim->silent = 0;
	for (slot = 0; slot < claim->div.geo.peers; slot++) {
		claim->tokens[slot] = shm_read32(&claim_of(claim, slot)->token);
		claim->beats[slot] = shm_read32(&claim_of(claim, slot)->beat);
		if (!claim->mute || !claim_rings(claim, slot))
			claim->silent |= 1ULL << slot;
	}
	claim->state = CLAIM_LISTEN;
	claim->since = now;
}

static void claim_hear(struct shmipc_claim *claim)
{
	u32 slot;

	for (slot = 0; slot < claim->div.geo.peers; slot++)
		if (shm_read32(&claim_of(claim, slot)->beat) != claim->beats[slot] ||
		    shm_read32(&claim_of(claim, slot)->token) != claim->tokens[slot])
			claim->silent &= ~(1ULL << slot);
}

/* From a silent owner; from ourselves, before the last restart, if we can */
static bool claim_take_silent(struct shmipc_claim *claim, u32 now)
{
	u32 slot, pass;

	for (pass = 0; pass < 2; pass++)
		for (slot = 0; slot < claim->div.geo.peers; slot++)
			if (claim->silent & 1ULL << slot &&
			    (pass || claim_was_ours(claim, slot)) &&
			    claim_take(claim, slot, claim->tokens[slot], now))
				return true;
	return false;
}

static int claim_step_listen(struct shmipc_claim *claim, u32 now, u64 *ring)
{
	if (claim_take_free(claim, now))
		return SHMIPC_CLAIM_SETTLE_MS;
	claim_hear(claim);
	if (now - claim->since < SHMIPC_CLAIM_SILENCE_MS) {
		*ring = claim->silent;
		return SHMIPC_CLAIM_RING_MS;
	}
	if (claim_take_silent(claim, now))
		return SHMIPC_CLAIM_SETTLE_MS;
	claim->state = CLAIM_START;	/* who asks again listens again */
	return -EBUSY;
}

static int claim_step_settle(struct shmipc_claim *claim, u32 now)
{
	struct shmipc_wire_claim *own = claim_of(claim, claim->slot);

	if (now - claim->since < SHMIPC_CLAIM_SETTLE_MS)
		return SHMIPC_CLAIM_SETTLE_MS - (now - claim->since);
	claim->state = CLAIM_START;
	if (shmipc_divide_word(claim->page) != claim->word)	/* two had divided the region */
		return -ESTALE;
	/* pairs with claim_take() of another. One who takes every slot from us wins */
	if (shm_acquire32(&own->token) != claim->token)
		return claim->beaten++ < SHMIPC_WIRE_PEERS_MAX ? 1 : -EBUSY;
	shm_copy_to(own->uuid, claim->uuid, sizeof(own->uuid));
	shmipc_claim_beat(claim);
	return 0;
}

int shmipc_claim_step(struct shmipc_claim *claim, u32 now, u64 *ring)
{
	*ring = 0;
	switch (claim->state) {
	case CLAIM_SETTLE:
		return claim_step_settle(claim, now);
	case CLAIM_LISTEN:
		return claim_step_listen(claim, now, ring);
	}
	if (!claim_take_free(claim, now))
		claim_listen(claim, now);
	return 1;
}

u32 shmipc_claim_doorbell(const struct shmipc_claim *claim, u32 slot)
{
	const struct shmipc_wire_header *header;

	header = shmipc_divide_section(&claim->div, claim->page, slot);
	return shm_read32(&header->doorbell);
}

bool shmipc_claim_held(const struct shmipc_claim *claim)
{
	return shm_acquire32(&claim_of(claim, claim->slot)->token) == claim->token;
}

void shmipc_claim_beat(struct shmipc_claim *claim)
{
	struct shmipc_wire_claim *own = claim_of(claim, claim->slot);

	shm_write32(&own->beat, shm_read32(&own->beat) + 1);
}

void shmipc_claim_release(struct shmipc_claim *claim)
{
	shm_cmpxchg32(&claim_of(claim, claim->slot)->token, claim->token, 0);
}
