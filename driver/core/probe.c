// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Signs of life, raw doorbells, and other small words of a peer's block.
 */
#include "engine.h"

void shmipc_core_probe(struct shmipc_core *core, u32 peer)
{
	struct shmipc_link *link = shmipc_link_of(core, peer);

	link->probe++;
	WRITE_ONCE(link->probing, true);
	shm_write32(&link->own->probe, link->probe);
	shm_mb();
}

bool shmipc_core_probe_answered(const struct shmipc_core *core, u32 peer)
{
	const struct shmipc_link *link = shmipc_link_of(core, peer);

	return link->header && shm_read32(&link->theirs->probe_ack) == READ_ONCE(link->probe);
}

/* Link lock */
static u32 probe_check(struct shmipc_link *link, u32 *flags)
{
	u32 probe = shm_read32(&link->theirs->probe);

	if (probe != link->probe_ack) {
		link->probe_ack = probe;
		shm_write32(&link->own->probe_ack, probe);
		*flags |= SHMIPC_SERVICE_RING;
	}
	if (!link->probing || shm_read32(&link->theirs->probe_ack) != link->probe)
		return 0;
	link->probing = false;
	return SHMIPC_CORE_ALIVE;
}

static u32 bells_check(struct shmipc_link *link)
{
	u32 i, events = 0;

	for (i = 0; i < SHMIPC_WIRE_BELLS; i++) {
		u32 count = shm_read32(&link->theirs->bells[i]);

		if (count == link->bells[i])
			continue;
		link->bells[i] = count;
		events = SHMIPC_CORE_BELL;
	}
	return events;
}

/* Echo a probe; event bits. Servicer */
u32 shmipc_probe_signs(struct shmipc_core *core, struct shmipc_link *link, u32 *flags)
{
	u32 seq = shm_acquire32(&link->header->table_seq);	/* pairs with table_changed() */
	u32 events;

	shmipc_link_lock(core, link);
	events = probe_check(link, flags);
	shmipc_link_unlock(core, link);
	events |= bells_check(link);
	if (seq != link->table_seq) {
		link->table_seq = seq;
		events |= SHMIPC_CORE_TABLE;
	}
	return events;
}

void shmipc_core_bell(struct shmipc_core *core, u32 peer, u32 bell)
{
	struct shmipc_link *link = shmipc_link_of(core, peer);

	bell %= SHMIPC_WIRE_BELLS;
	shm_write32(&link->own->bells[bell], ++link->own_bells[bell]);
	shm_mb();
}

u32 shmipc_core_bells(const struct shmipc_core *core, u32 peer, u32 counts[8])
{
	const struct shmipc_link *link = shmipc_link_of(core, peer);
	u32 epoch = link->header ? shm_acquire32(&link->header->epoch) : 0;
	u32 i;

	for (i = 0; i < SHMIPC_WIRE_BELLS; i++)
		counts[i] = epoch ? shm_read32(&link->theirs->bells[i]) : 0;
	shm_rmb();	/* pairs with section_close(): an epoch that is still there was so before */
	return epoch && shm_read32(&link->header->epoch) == epoch ? epoch : 0;
}

void shmipc_core_heartbeat(struct shmipc_core *core)
{
	shm_write32(&core->own->heartbeat, ++core->heartbeat);
}

/* Servicers see it at their next turn */
void shmipc_core_set_polling(struct shmipc_core *core, bool polling)
{
	WRITE_ONCE(core->polling, polling);
}
