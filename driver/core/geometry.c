// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Where everything in a section lies. Two numbers determine it, the size of a
 * section and the number of peers; both sides compute it and compare.
 */
#include "engine.h"

_Static_assert(sizeof(struct shmipc_wire_header) == 192, "header");
_Static_assert(sizeof(struct shmipc_wire_block) == 192, "block");
_Static_assert(sizeof(struct shmipc_wire_credit) == 8, "credit");
_Static_assert(sizeof(struct shmipc_wire_port) == 64, "port");
_Static_assert(sizeof(struct shmipc_wire_record) == SHMIPC_HEAD_BYTES, "record");
_Static_assert(sizeof(struct shmipc_wire_extension) == 40, "extension");
_Static_assert(SHMIPC_HEAD_BYTES + sizeof(struct shmipc_wire_extension) == SHMIPC_HEAD_EXTENDED,
	       "extended record");

static u32 up64(u32 n)
{
	return (n + 63) & ~63U;
}

static u64 bulk_size(u64 size)
{
	if (size < SHMIPC_WIRE_BULK_FROM)
		return 0;
	return (size / 2) & ~((u64)SHMIPC_WIRE_BULK_ALIGN - 1);
}

/* Shift instead of divide: a 32-bit kernel has no 64-bit division */
static u64 lane_size(u64 room, u32 links)
{
	u64 lane = SHMIPC_WIRE_LANE_MAX;

	while (lane >= SHMIPC_WIRE_LANE_MIN && lane * links > room / 2)
		lane /= 2;
	return lane;
}

static bool ports_fit(struct shmipc_geometry *geo, u32 ports, u64 room)
{
	u32 links = geo->peers - 1;

	geo->ports = ports;
	geo->block = sizeof(struct shmipc_wire_block) + up64(4 * ports) + up64(8 * ports);
	geo->table = sizeof(struct shmipc_wire_header) + links * geo->block;
	return geo->table + 64 * ports + (u64)links * geo->lane <= room;
}

int shmipc_geometry_init(struct shmipc_geometry *geo, u64 size, u32 peers)
{
	u32 ports;
	u64 room, lane;

	memset(geo, 0, sizeof(*geo));
	if (peers < SHMIPC_WIRE_PEERS_MIN || peers > SHMIPC_WIRE_PEERS_MAX)
		return -EINVAL;
	if (size % SHMIPC_WIRE_ALIGN || size / SHMIPC_WIRE_GRANULE > 0xffffffffU)
		return -EINVAL;

	geo->size = size;
	geo->peers = peers;
	geo->bulk = bulk_size(size);
	room = size - geo->bulk;
	lane = lane_size(room, peers - 1);
	if (lane < SHMIPC_WIRE_LANE_MIN)
		return -ENOSPC;
	geo->lane = lane;
	geo->lanes = room - (peers - 1) * lane;

	for (ports = SHMIPC_WIRE_PORTS_MAX; ports >= SHMIPC_WIRE_PORTS_MIN; ports /= 2)
		if (ports_fit(geo, ports, room))
			return 0;
	return -ENOSPC;
}

/* Offset, in @owner's section, of its block for @peer */
size_t shmipc_geometry_block(const struct shmipc_geometry *geo, u32 owner, u32 peer)
{
	return sizeof(struct shmipc_wire_header) + (size_t)(peer - (peer > owner)) * geo->block;
}

/* Offset, in @owner's section, of its lane to @peer */
u64 shmipc_geometry_lane(const struct shmipc_geometry *geo, u32 owner, u32 peer)
{
	return geo->lanes + (u64)(peer - (peer > owner)) * geo->lane;
}
