// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * How a region is divided into sections, and the server's part of page 0. Two
 * numbers determine it, the region's size and N; N is in the geometry word.
 */
#include "engine.h"
#include "divide.h"

_Static_assert(sizeof(struct shmipc_wire_region) == SHMIPC_WIRE_REGION_PAGE, "page 0");
_Static_assert(offsetof(struct shmipc_wire_region, roster) == 1024, "roster");
_Static_assert(offsetof(struct shmipc_wire_region, claims) == 2048, "claims");

/* @n / @by, @by <= 64: neither a 32-bit kernel nor bare metal has a 64-bit division */
static u64 divide_by(u64 n, u32 by)
{
	u64 quotient = 0;
	u32 rest = 0;
	int shift;

	for (shift = 48; shift >= 0; shift -= 16) {
		rest = rest << 16 | ((n >> shift) & 0xffff);
		quotient |= (u64)(rest / by) << shift;
		rest %= by;
	}
	return quotient;
}

static int divide(struct shmipc_division *div, u64 bytes, u32 peers, bool server)
{
	u64 size;

	if (peers < SHMIPC_WIRE_PEERS_MIN || peers > SHMIPC_WIRE_PEERS_MAX)
		return -EINVAL;
	if (bytes < 2 * SHMIPC_WIRE_REGION_PAGE)
		return -ENOSPC;
	div->server = server;
	div->base = SHMIPC_WIRE_REGION_PAGE;
	size = divide_by(bytes - div->base, peers) & ~((u64)SHMIPC_WIRE_ALIGN - 1);
	if (size >= SHMIPC_WIRE_BULK_FROM) {
		div->base = SHMIPC_WIRE_REGION_ALIGN;
		size = divide_by(bytes - div->base, peers) & ~((u64)SHMIPC_WIRE_REGION_ALIGN - 1);
	}
	return shmipc_geometry_init(&div->geo, size, peers) ? -ENOSPC : 0;
}

int shmipc_divide(struct shmipc_division *div, u64 bytes, u32 word)
{
	if (!word)
		return -ENOENT;
	if (word >> 16 != SHMIPC_WIRE_REGION_MAGIC)
		return -EINVAL;
	if ((word >> 12 & 0xf) != SHMIPC_WIRE_REGION_VERSION ||
	    word & SHMIPC_WIRE_REGION_FLAGS & ~SHMIPC_WIRE_REGION_SERVER)
		return -EPROTO;
	return divide(div, bytes, word & 0xff, word & SHMIPC_WIRE_REGION_SERVER);
}

u32 shmipc_divide_word(const void *page)
{
	const struct shmipc_wire_region *region = page;

	return shm_acquire32(&region->geometry);	/* pairs with the shm_cmpxchg32() below */
}

int shmipc_divide_format(struct shmipc_division *div, void *page, u64 bytes, u32 peers,
			 bool server)
{
	struct shmipc_wire_region *region = page;
	int err = divide(div, bytes, peers, server);
	u32 word = SHMIPC_WIRE_REGION_MAGIC << 16 | SHMIPC_WIRE_REGION_VERSION << 12 | peers |
		   (server ? SHMIPC_WIRE_REGION_SERVER : 0);
	u32 old;

	if (err)
		return err;
	old = shm_cmpxchg32(&region->geometry, 0, word);
	if (!old)
		return 1;
	return shmipc_divide(div, bytes, old);
}

bool shmipc_divide_blank(const void *page)
{
	const __le32 *at = page;
	u32 i, any = 0;

	for (i = 0; i < SHMIPC_WIRE_REGION_PAGE / sizeof(*at); i++)
		any |= shm_read32(at + i);
	return !any;
}

void shmipc_divide_clear(void *page)
{
	__le32 *words = page;

	shm_zero(words + 1, SHMIPC_WIRE_REGION_PAGE - sizeof(*words));
	shm_release32(words, 0);	/* pairs with shmipc_divide_word() */
}

/* As shmipc_core_detach() would have left it */
void shmipc_divide_bury(const struct shmipc_division *div, void *page, u32 slot)
{
	struct shmipc_wire_header *header = shmipc_divide_section(div, page, slot);
	u8 *section = (u8 *)header;
	u32 peer;

	shm_write32(&header->epoch, 0);
	for (peer = 0; peer < div->geo.peers; peer++) {
		struct shmipc_wire_block *block;

		if (peer == slot)
			continue;
		block = (void *)(section + shmipc_geometry_block(&div->geo, slot, peer));
		shm_write32(&block->inc, 0);
	}
	shm_mb();	/* pairs with shmipc_presence(): rung, a peer sees it */
}

void shmipc_roster_join(void *page, u32 slot)
{
	struct shmipc_wire_roster *row = &((struct shmipc_wire_region *)page)->roster[slot];
	u32 joins = shm_read32(&row->joins) + 1;

	joins += !joins;
	shm_write32(&row->joins, joins);
	shm_release32(&row->present, joins);
}

void shmipc_roster_leave(void *page, u32 slot)
{
	struct shmipc_wire_region *region = page;

	shm_release32(&region->roster[slot].present, 0);
}

u32 shmipc_roster_mark(const void *page, u32 slot)
{
	const struct shmipc_wire_region *region = page;

	return shm_acquire32(&region->roster[slot].present);
}

bool shmipc_roster_present(const void *page, u32 slot)
{
	return shmipc_roster_mark(page, slot);
}

void shmipc_roster_server(void *page, u32 epoch)
{
	struct shmipc_wire_region *region = page;

	shm_release32(&region->server_epoch, epoch);
}

void shmipc_roster_beat(void *page)
{
	struct shmipc_wire_region *region = page;

	shm_write32(&region->server_beat, shm_read32(&region->server_beat) + 1);
}
