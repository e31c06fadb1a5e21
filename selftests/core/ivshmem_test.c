// SPDX-License-Identifier: GPL-2.0
/* ivshmem.c: what an ivshmem v2 device may say of its memory, and what may not be believed */
#include "test.h"
#include "ivshmem.h"

#define PAGE	4096ULL
#define TOP	((u64)1 << 63)

/* The demos' configuration on the real hypervisor */
static struct shmipc_ivshmem2 demo(void)
{
	return (struct shmipc_ivshmem2) {
		.id = 1, .peers = 3, .page = PAGE, .base = 0x3faf0000,
		.state_bytes = 0x1000, .rw_bytes = 0x9000, .out_bytes = 0x2000,
	};
}

TEST(the_demos_sections_are_where_the_demos_say)
{
	struct shmipc_ivshmem2 dev = demo();

	CHECK(!shmipc_ivshmem2_check(&dev));
	CHECK_EQ(dev.base + dev.rw, 0x3faf1000);
	CHECK_EQ(dev.base + dev.out, 0x3fafa000);
	CHECK_EQ(dev.base + shmipc_ivshmem2_section(&dev, dev.id), 0x3fafc000);
	CHECK_EQ(dev.bytes, 0x10000);
}

TEST(an_rw_section_of_no_bytes_is_none)
{
	struct shmipc_ivshmem2 dev = demo();

	dev.rw_bytes = 0;
	CHECK(!shmipc_ivshmem2_check(&dev));
	CHECK_EQ(dev.out, 0x1000);
}

/* Each breaks one thing */
#define REFUSED(name, change)						\
	TEST(name)							\
	{								\
		struct shmipc_ivshmem2 dev = demo();			\
		change;							\
		CHECK(shmipc_ivshmem2_check(&dev));			\
	}

REFUSED(an_id_beyond_the_peers, dev.id = 3)
REFUSED(one_peer, dev.peers = 1; dev.id = 0)
REFUSED(no_peer, dev.peers = 0; dev.id = 0)
REFUSED(more_peers_than_we_know, dev.peers = 65)
REFUSED(all_ones_of_a_device_that_is_gone, dev.peers = ~0U; dev.id = ~0U)
REFUSED(an_empty_state_table, dev.state_bytes = 0)
REFUSED(empty_outputs, dev.out_bytes = 0)
REFUSED(half_a_page_of_states, dev.state_bytes = 0x800)
REFUSED(an_odd_rw_section, dev.rw_bytes = 0x9001)
REFUSED(outputs_of_a_page_and_a_bit, dev.out_bytes = 0x1008)
REFUSED(outputs_smaller_than_our_pages, dev.page = 65536)
REFUSED(a_base_within_a_page, dev.base = 0x3faf0800)
REFUSED(no_base, dev.base = 0)
REFUSED(too_few_states, dev.page = 4; dev.state_bytes = 8)
REFUSED(outputs_that_wrap, dev.out_bytes = TOP)
REFUSED(outputs_that_wrap_to_something_small, dev.out_bytes = ((u64)1 << 62) + PAGE;
	dev.peers = 4)
REFUSED(rw_that_wraps, dev.rw_bytes = -PAGE)
REFUSED(a_base_from_which_it_wraps, dev.base = -PAGE)
REFUSED(a_sum_that_wraps, dev.rw_bytes = TOP; dev.out_bytes = TOP / 4; dev.peers = 2)
REFUSED(a_bar_that_is_too_small, dev.room = 0xf000)

TEST(memory_that_ends_where_addresses_end)
{
	struct shmipc_ivshmem2 dev = demo();

	dev.base = -(u64)0x10000;
	CHECK(!shmipc_ivshmem2_check(&dev));
	dev.base += PAGE;
	CHECK(shmipc_ivshmem2_check(&dev));
}

TEST(a_bar_that_just_fits)
{
	struct shmipc_ivshmem2 dev = demo();

	dev.room = 0x10000;
	CHECK(!shmipc_ivshmem2_check(&dev));
}

/* Whatever is accepted lies inside, in order */
TEST(accepted_is_inside)
{
	static const u64 sizes[] = { 0, 1, PAGE, 3 * PAGE, 1 << 20, (u64)1 << 40, TOP, -PAGE };
	struct shmipc_ivshmem2 dev;
	u32 a, b, c, accepted = 0;

	for (a = 0; a < 8; a++)
		for (b = 0; b < 8; b++)
			for (c = 0; c < 8; c++) {
				dev = demo();
				dev.rw_bytes = sizes[a];
				dev.out_bytes = sizes[b];
				dev.base = sizes[c];
				if (shmipc_ivshmem2_check(&dev))
					continue;
				accepted++;
				CHECK(dev.rw == dev.state_bytes && dev.out >= dev.rw);
				CHECK(shmipc_ivshmem2_section(&dev, 2) >= dev.out);
				CHECK_EQ(shmipc_ivshmem2_section(&dev, 2) + dev.out_bytes, dev.bytes);
				CHECK(dev.base + dev.bytes - 1 >= dev.base);
			}
	CHECK(accepted > 20);
}

static const u8 cap[32] = {
	0x09, 0x60, 0x20, 0x01, 0x00, 0x10, 0x00, 0x00,		/* next 60h, one-shot; 0x1000 */
	0x00, 0x90, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0xaf, 0x3f, 0x01, 0x00, 0x00, 0x80,
};

TEST(the_capability_is_read_at_its_offsets)
{
	struct shmipc_ivshmem2 dev = { 0 };

	CHECK(!shmipc_ivshmem2_decode(&dev, cap));
	CHECK_EQ(dev.state_bytes, 0x1000);
	CHECK_EQ(dev.rw_bytes, 0x9000);
	CHECK_EQ(dev.out_bytes, 0x2000);
	CHECK(dev.base == 0x800000013faf0000ULL);
}

TEST(a_bar_goes_before_an_address)
{
	struct shmipc_ivshmem2 dev = { .base = 0x1000, .room = 0x100000 };

	CHECK(!shmipc_ivshmem2_decode(&dev, cap));
	CHECK_EQ(dev.base, 0x1000);
}

TEST(a_short_capability_has_no_address)
{
	struct shmipc_ivshmem2 dev = { 0 }, bar = { .base = 0x1000, .room = 0x100000 };
	u8 is[32];

	memcpy(is, cap, sizeof(is));
	is[2] = 24;
	CHECK(shmipc_ivshmem2_decode(&dev, is));
	CHECK(!shmipc_ivshmem2_decode(&bar, is));
	is[2] = 23;
	CHECK(shmipc_ivshmem2_decode(&bar, is));
	is[2] = 32;
	is[0] = 0x11;
	CHECK(shmipc_ivshmem2_decode(&dev, is));
}
