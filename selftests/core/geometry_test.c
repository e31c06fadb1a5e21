// SPDX-License-Identifier: GPL-2.0
/* geometry.c: the rows of the specification, and what is refused */
#include "test.h"
#include "engine.h"

static u64 used(const struct shmipc_geometry *geo)
{
	return geo->table + 64 * geo->ports + (u64)(geo->peers - 1) * geo->lane;
}

TEST(rows_of_the_specification)
{
	static const struct {
		u64 size;
		u32 peers, block, ports, lane;
		u64 used;
	} rows[] = {
		{ 8192, 3, 576, 32, 2048, 7488 },
		{ 4096, 2, 384, 16, 2048, 3648 },
		{ 4096, 3, 384, 16, 1024, 4032 },
		{ 7680, 8, 384, 16, 512, 7488 },
		{ 65408, 64, 384, 16, 512, 57664 },
		{ 4 << 20, 64, 12480, 1024, 16384, 1884160 },
		{ 1 << 30, 2, 12480, 1024, 256 << 20, 268513664 },
	};
	struct shmipc_geometry geo;
	u32 i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CHECK_EQ(shmipc_geometry_init(&geo, rows[i].size, rows[i].peers), 0);
		CHECK_EQ(geo.block, rows[i].block);
		CHECK_EQ(geo.ports, rows[i].ports);
		CHECK_EQ(geo.lane, rows[i].lane);
		CHECK_EQ(used(&geo), rows[i].used);
	}
}

TEST(refused)
{
	static const struct {
		u64 size;
		u32 peers;
		int err;
	} rows[] = {
		{ 4096, 0, -EINVAL }, { 4096, 1, -EINVAL }, { 4096, 65, -EINVAL },
		{ 4096, ~0u, -EINVAL }, { 4096 + 64, 2, -EINVAL }, { 4096 + 1, 2, -EINVAL },
		{ 0, 2, -ENOSPC }, { 128, 2, -ENOSPC }, { 896, 2, -ENOSPC },
		{ 4096, 6, -ENOSPC }, { 4096, 64, -ENOSPC }, { 32768, 64, -ENOSPC },
		{ 1ULL << 38, 2, -EINVAL }, { ~0ULL - 127, 2, -EINVAL },
	};
	struct shmipc_geometry geo;
	u32 i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		CHECK_EQ(shmipc_geometry_init(&geo, rows[i].size, rows[i].peers), rows[i].err);
}

/* What was accepted holds together, at every size and number of peers */
TEST(invariants_everywhere)
{
	struct shmipc_geometry geo;
	u64 size;
	u32 n;

	for (size = 128; size < 1ULL << 37; size += 128 + (size >> 7 & ~127ULL))
		for (n = 2; n <= 64; n++) {
			if (shmipc_geometry_init(&geo, size, n))
				continue;
			CHECK(used(&geo) + geo.bulk <= size);
			CHECK_EQ(geo.lanes + (u64)(n - 1) * geo.lane + geo.bulk, size);
			CHECK(geo.table + 64 * geo.ports <= geo.lanes);
			CHECK(!(geo.lane & (geo.lane - 1)) && !(geo.ports & (geo.ports - 1)));
			CHECK(geo.lane >= 512 && geo.lane <= 1 << 30);
			CHECK(geo.ports >= 8 && geo.ports <= 1024);
			CHECK_EQ(geo.lanes % 128, 0);
			CHECK_EQ(geo.bulk % 65536, 0);
			CHECK_EQ(geo.bulk != 0, size >= 1 << 20);
		}
}

/* Blocks and lanes of one section do not overlap, whoever owns it */
TEST(blocks_and_lanes_are_disjoint)
{
	struct shmipc_geometry geo;
	u32 owner, peer, k;

	CHECK_EQ(shmipc_geometry_init(&geo, 65536, 8), 0);
	for (owner = 0; owner < 8; owner++)
		for (peer = 0, k = 0; peer < 8; peer++) {
			if (peer == owner)
				continue;
			CHECK_EQ(shmipc_geometry_block(&geo, owner, peer), 192 + k * geo.block);
			CHECK_EQ(shmipc_geometry_lane(&geo, owner, peer),
				 geo.lanes + k * geo.lane);
			k++;
		}
}
