// SPDX-License-Identifier: GPL-2.0
/* divide.c: a region divided in software, and the server's part of it */
#include <stddef.h>
#include "test.h"
#include "world.h"
#include "divide.h"

#define KIB(n)	((u64)(n) << 10)
#define GIB(n)	((u64)(n) << 30)

static struct shmipc_wire_region *page_new(u64 bytes)
{
	return calloc(1, bytes);
}

TEST(sections_are_where_the_document_says)
{
	static const struct {
		u64 bytes, base, size;
		u32 peers;
	} want[] = {
		{ KIB(64), 4096, 7680, 8 },
		{ KIB(4096), 4096, 65408, 64 },
		{ KIB(64), 4096, 30720, 2 },
		{ KIB(4096), 65536, 31 * KIB(64), 2 },	/* both above 1 MiB: whole 64 KiB */
		{ KIB(1 << 20), 65536, GIB(1) / 8 - KIB(64), 8 },
		{ GIB(16), 65536, GIB(2) - KIB(64), 8 },
		{ GIB(16), 65536, GIB(8) - KIB(64), 2 },
	};
	struct shmipc_division div;
	u32 i;

	for (i = 0; i < sizeof(want) / sizeof(*want); i++) {
		CHECK_EQ(shmipc_divide(&div, want[i].bytes,
				       SHMIPC_WIRE_REGION_MAGIC << 16 | 1 << 12 | want[i].peers), 0);
		CHECK_EQ(div.base, want[i].base);
		CHECK_EQ(div.geo.size, want[i].size);
		CHECK_EQ(div.geo.peers, want[i].peers);
		CHECK(!div.server);
	}
}

/* Whatever is accepted fits and does not overlap */
TEST(sections_fit_everywhere)
{
	struct shmipc_division div;
	u64 bytes;
	u32 n;

	for (bytes = 4096; bytes <= GIB(32); bytes += bytes / 7)
		for (n = 2; n <= 64; n++) {
			if (shmipc_divide(&div, bytes, SHMIPC_WIRE_REGION_MAGIC << 16 | 1 << 12 | n))
				continue;
			CHECK(div.base >= 4096);
			CHECK(div.base + n * div.geo.size <= bytes);
			CHECK_EQ((div.base | div.geo.size) % 128, 0);
			if (div.geo.size >= 1 << 20)
				CHECK_EQ((div.base | div.geo.size) % KIB(64), 0);
		}
}

TEST(words_that_are_refused)
{
	struct shmipc_division div;
	u32 good = SHMIPC_WIRE_REGION_MAGIC << 16 | 1 << 12 | 8;

	CHECK_EQ(shmipc_divide(&div, KIB(64), 0), -ENOENT);
	CHECK_EQ(shmipc_divide(&div, KIB(64), good ^ 1 << 20), -EINVAL);
	CHECK_EQ(shmipc_divide(&div, KIB(64), (good & ~0xff) | 1), -EINVAL);
	CHECK_EQ(shmipc_divide(&div, KIB(64), (good & ~0xff) | 65), -EINVAL);
	CHECK_EQ(shmipc_divide(&div, KIB(64), good + (1 << 12)), -EPROTO);
	CHECK_EQ(shmipc_divide(&div, KIB(64), good | 1 << 9), -EPROTO);
	CHECK_EQ(shmipc_divide(&div, KIB(32), good), -ENOSPC);
	CHECK_EQ(shmipc_divide(&div, 4096, good), -ENOSPC);
	CHECK_EQ(shmipc_divide(&div, 0, good), -ENOSPC);
	CHECK_EQ(shmipc_divide(&div, KIB(64), good | SHMIPC_WIRE_REGION_SERVER), 0);
	CHECK(div.server);
}

TEST(adopted_is_what_is_there)
{
	struct shmipc_wire_region *page = page_new(KIB(64));
	struct shmipc_division div;

	CHECK(shmipc_divide_blank(page));
	CHECK_EQ(shmipc_divide_format(&div, page, KIB(64), 1, false), -EINVAL);
	CHECK_EQ(shmipc_divide_format(&div, page, KIB(16), 64, false), -ENOSPC);
	CHECK(shmipc_divide_blank(page));
	CHECK_EQ(shmipc_divide_format(&div, page, KIB(64), 4, true), 1);
	CHECK(!shmipc_divide_blank(page));
	CHECK_EQ(shmipc_divide_format(&div, page, KIB(64), 8, false), 0);
	CHECK_EQ(div.geo.peers, 4);
	CHECK(div.server);
	shm_write32(&page->geometry, 0x12345678);
	CHECK_EQ(shmipc_divide_format(&div, page, KIB(64), 8, false), -EINVAL);
	CHECK_EQ(shmipc_divide_word(page), 0x12345678);
	shm_write32(&page->geometry, 0);
	page->claims[63].uuid[15] = 1;
	CHECK(!shmipc_divide_blank(page));
	free(page);
}

/* A peer whose client has gone looks to the others as if it had left */
TEST(buried_is_detached)
{
	struct shmipc_wire_region *page = page_new(KIB(64));
	struct shmipc_division div;
	struct world *w = world_new(7680, 8);
	u32 i;

	CHECK_EQ(shmipc_divide_format(&div, page, KIB(64), 8, true), 1);
	CHECK_EQ(div.geo.size, 7680);
	memcpy(shmipc_divide_section(&div, page, 3), w->peers[3].section, 7680);
	shmipc_divide_bury(&div, page, 3);
	memcpy(w->peers[3].section, shmipc_divide_section(&div, page, 3), 7680);
	for (i = 0; i < 8; i++) {
		if (i == 3)
			continue;
		CHECK_EQ(shm_read32(&world_block(w, 3, i)->inc), 0);
		w->peers[i].events[3] = 0;
		world_service(w, i, 3, 8);
		CHECK_EQ(shmipc_core_state(w->peers[i].core, 3), SHMIPC_LINK_ABSENT);
		CHECK_EQ(w->peers[i].events[3] & 7, SHMIPC_CORE_DOWN | SHMIPC_CORE_ABSENT);
	}
	world_free(w);
	free(page);
}

TEST(roster_tells_clients_apart)
{
	struct shmipc_wire_region *page = page_new(4096);

	CHECK(!shmipc_roster_present(page, 5));
	shmipc_roster_join(page, 5);
	CHECK(shmipc_roster_present(page, 5));
	CHECK(!shmipc_roster_present(page, 4));
	CHECK_EQ(shm_read32(&page->roster[5].present), 1);
	shmipc_roster_leave(page, 5);
	CHECK(!shmipc_roster_present(page, 5));
	shmipc_roster_join(page, 5);
	CHECK_EQ(shm_read32(&page->roster[5].present), 2);
	shm_write32(&page->roster[5].joins, 0xffffffff);
	shmipc_roster_join(page, 5);
	CHECK(shmipc_roster_present(page, 5));

	shmipc_roster_server(page, 77);
	shmipc_roster_beat(page);
	CHECK_EQ(shm_read32(&page->server_epoch), 77);
	CHECK_EQ(shm_read32(&page->server_beat), 1);
	shmipc_roster_server(page, 0);
	CHECK_EQ(shm_read32(&page->server_epoch), 0);
	free(page);
}
