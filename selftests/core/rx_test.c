// SPDX-License-Identifier: GPL-2.0
/* rx.c, deliver.c: what is accepted, what breaks the link, what waits for memory */
#include "test.h"
#include "world.h"

static struct shmipc_core_port port;

static struct world *setup(void)
{
	struct world *w = world_new(8192, 2);

	port = world_port(w, 0, 3, 4, 64, 2000, 0);
	world_run(w);
	return w;
}

static const u32 P = SHMIPC_WIRE_KIND_PAD, M = SHMIPC_WIRE_KIND_MSG;
static const u32 F = SHMIPC_WIRE_KIND_FIRST, N = SHMIPC_WIRE_KIND_MORE;
static const u32 A = SHMIPC_WIRE_KIND_ABORT, X = SHMIPC_WIRE_EXTENDED;

/* Lane of 64 granules, largest record 16 granules = 1024 bytes, 32 ports */
TEST(nonsense_breaks_the_link)
{
	const struct { const char *what; struct forged f; } rows[] = {
		{ "kind 0", { 1, 10, 0, 0 } },
		{ "kind 6", { 1, 10, 0, 6 } },
		{ "kind 0x7f", { 1, 10, 0, 0x7f } },
		{ "no granules", { 0, 10, 0, M } },
		{ "beyond the largest record", { 17, 17 * 64 - 24, 0, M } },
		{ "all granules", { 0xffff, 10, 0, M } },
		{ "fewer granules than payload", { 1, 41, 0, M } },
		{ "more granules than payload", { 2, 40, 0, M } },
		{ "length of 4 GiB", { 1, ~0u, 0, M } },
		{ "length that wraps", { 1, ~0u - 20, 0, M } },
		{ "message that should be a stream", { 16, 1001, 0, M } },
		{ "larger than the port takes", { 16, 2001, 0, F } },
		{ "stream that fits a record", { 16, 1000, 0, F } },
		{ "first record not full", { 15, 1500, 0, F } },
		{ "longer than any message", { 16, (1 << 20) + 1, 0, F } },
		{ "slot out of the table", { 1, 10, 32, M } },
		{ "slot far out of the table", { 1, 10, 0xffff, M } },
		{ "level 8", { 1, 10, 0, M, 8 } },
		{ "level 255", { 1, 10, 0, M, 255 } },
		{ "more of nothing", { 1, 10, 0, N } },
		{ "abort of nothing", { 1, 0, 0, A } },
		{ "long abort", { 2, 0, 0, A } },
		{ "pad before the end", { 2, 0, 0, P } },
		{ "extended pad", { 1, 0, 0, P | X } },
		{ "extended, too short", { 1, 10, 0, M | X } },
		{ "result without tag", { 1, 10, 0, M, 0, 0, 5 } },
		{ "result slot out of the block", { 1, 10, 0, M, 0, 0, 1 << 10 | 32 } },
	};
	u32 i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world *w = setup();
		struct forged f = rows[i].f;

		if (!f.slot)
			f.slot = port.slot;
		f.generation = port.generation;
		world_forge(w, 1, 0, &f);
		world_service(w, 0, 1, 8);
		if (!world_broken(w, 0, 1))
			printf("# %s\n", rows[i].what);
		CHECK(world_broken(w, 0, 1));
		CHECK_EQ(w->peers[0].received + w->peers[0].live, 0);
		CHECK_EQ(world_link(w, 0, 1)->stats.errors, 1);
		shmipc_core_relink(w->peers[0].core, 1);
		world_ring(w, 0, 1);
		world_run(w);
		CHECK(world_up(w));
		world_free(w);
	}
}

/* Misuse of an open stream */
TEST(nonsense_within_a_stream)
{
	const struct forged rows[] = {
		{ 16, 1500, 0, F }, { 9, 499, 0, N }, { 9, 501, 0, N }, { 8, 500, 0, N },
		{ 16, 1000, 0, N }, { 9, 500, 0, N | X }, { 1, 0, 0, A | X },
	};
	u32 i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world *w = setup();
		struct forged first = { 16, 1500, port.slot, F, 0, port.generation, 0 };
		struct forged f = rows[i];

		f.slot = port.slot;
		f.generation = port.generation;
		world_forge(w, 1, 0, &first);
		world_forge(w, 1, 0, &f);
		world_service(w, 0, 1, 8);
		CHECK(world_broken(w, 0, 1));
		CHECK_EQ(w->peers[0].received + w->peers[0].live, 0);
		CHECK_EQ(world_link(w, 0, 1)->rx_ports[port.slot].flight, 0);
		world_free(w);
	}
}

TEST(record_over_the_end_of_the_lane)
{
	struct world *w = setup();
	u32 n, cap = w->geo.lane / 64;
	struct forged f = world_honest(w, &port, 10);

	for (n = 0; n < cap - 1; n++) {
		world_forge(w, 1, 0, &f);
		world_run(w);
		world_consume_all(w, 0);
	}
	f = world_honest(w, &port, 100);
	world_forge(w, 1, 0, &f);
	world_service(w, 0, 1, 8);
	CHECK(world_broken(w, 0, 1));
	world_free(w);
}

/* Only the expected count is a record: neither the last one nor one ahead */
TEST(counts_out_of_order_are_not_there)
{
	struct world *w = setup();
	struct forged f = world_honest(w, &port, 10);
	u32 count;

	world_forge(w, 1, 0, &f);
	world_run(w);
	CHECK_EQ(w->peers[0].received, 1);
	for (count = 0; count < 0x10000; count++) {
		if (count == 2)
			continue;
		shm_write32((__le32 *)(world_lane(w, 1, 0) + 64), count << 16 | 1);
		world_service(w, 0, 1, 8);
		CHECK_EQ(w->peers[0].received, 1);
	}
	CHECK(!world_broken(w, 0, 1));
	world_free(w);
}

/* No memory at any point of a stream: nothing is lost, nothing comes twice */
TEST(pitfall_07_no_memory)
{
	u32 fail_open, fail_data, len;

	for (len = 10; len < 2000; len += 900)
		for (fail_open = 0; fail_open < 3; fail_open++)
			for (fail_data = 0; fail_data < 3; fail_data++) {
				struct world *w = setup();
				u32 turns = 0, fails = fail_data;

				w->peers[0].fail_open = -ENOMEM;
				w->peers[0].fail_open_count = fail_open;
				CHECK_EQ(world_send(w, 1, 0, &port, len, 5), 0);
				while (!w->peers[0].received && turns++ < 20) {
					if (w->peers[0].opens && fails) {
						w->peers[0].fail_data_count = fails;
						fails = 0;
					}
					if (!(world_service(w, 0, 1, 1) &
					      SHMIPC_SERVICE_RETRY))
						continue;
					CHECK_EQ(w->peers[0].received, 0);
				}
				CHECK_EQ(w->peers[0].received, 1);
				CHECK_EQ(w->peers[0].opens, 1);
				CHECK(world_intact(w->peers[0].inbox[0], 5));
				CHECK_EQ(world_link(w, 0, 1)->rx_ports[port.slot].flight, 1);
				world_free(w);
			}
}

TEST(pitfall_07_rx_data_fails_first)
{
	struct world *w = setup();

	w->peers[0].fail_data_count = 3;
	CHECK_EQ(world_send(w, 1, 0, &port, 100, 5), 0);
	CHECK_EQ(world_send(w, 1, 0, &port, 101, 6), 0);
	CHECK(world_service(w, 0, 1, 8) & SHMIPC_SERVICE_RETRY);
	CHECK(world_service(w, 0, 1, 8) & SHMIPC_SERVICE_RETRY);
	CHECK(world_service(w, 0, 1, 8) & SHMIPC_SERVICE_RETRY);
	CHECK_EQ(w->peers[0].opens, 1);
	CHECK(!(world_service(w, 0, 1, 8) & SHMIPC_SERVICE_RETRY));
	CHECK_EQ(w->peers[0].received, 2);
	CHECK(world_intact(w->peers[0].inbox[0], 5) && world_intact(w->peers[0].inbox[1], 6));
	world_free(w);
}

/* The record that waits for memory is ours: the peer cannot exchange it any more */
TEST(header_is_not_read_twice)
{
	struct world *w = setup();
	struct forged f = world_honest(w, &port, 30);

	w->peers[0].fail_data_count = 1;
	world_forge(w, 1, 0, &f);
	CHECK(world_service(w, 0, 1, 8) & SHMIPC_SERVICE_RETRY);
	shm_write32((__le32 *)world_lane(w, 1, 0) + 1, 1 << 19);
	shm_write32((__le32 *)world_lane(w, 1, 0), 1 << 16 | 900);
	world_service(w, 0, 1, 8);
	CHECK_EQ(w->peers[0].received, 1);
	CHECK_EQ(w->peers[0].inbox[0]->have, 30);
	world_free(w);
}

TEST(peer_restarts_while_a_record_waits_for_memory)
{
	struct world *w = setup();

	w->peers[0].fail_data_count = 1;
	CHECK_EQ(world_send(w, 1, 0, &port, 100, 5), 0);
	world_run(w);
	CHECK_EQ(w->peers[0].live, 1);
	world_reboot(w, 1);
	world_run(w);
	CHECK(world_up(w));
	CHECK_EQ(w->peers[0].live + w->peers[0].received, 0);
	CHECK_EQ(world_send(w, 1, 0, &port, 100, 6), 0);
	world_run(w);
	CHECK(world_intact(w->peers[0].inbox[0], 6));
	world_free(w);
}

TEST(budget_is_kept)
{
	struct world *w = setup();
	u32 i;

	for (i = 0; i < 4; i++)
		CHECK_EQ(world_send(w, 1, 0, &port, 10, i), 0);
	for (i = 0; i < 4; i++) {
		CHECK(world_service(w, 0, 1, 1) & SHMIPC_SERVICE_MORE);
		CHECK_EQ(w->peers[0].received, i + 1);
	}
	CHECK(!(world_service(w, 0, 1, 1) & SHMIPC_SERVICE_MORE));
	world_free(w);
}

/* The port says no: the record goes, its credit comes back, others do not wait */
TEST(pitfall_24_refusals)
{
	static const int errs[] = { -ENOBUFS, -ECONNREFUSED };
	u32 i;

	for (i = 0; i < 2; i++) {
		struct world *w = setup();

		w->peers[0].fail_open = errs[i];
		w->peers[0].fail_open_count = 1;
		CHECK_EQ(world_send(w, 1, 0, &port, 1500, 5), 0);
		CHECK_EQ(world_send(w, 1, 0, &port, 10, 6), 0);
		world_run(w);
		CHECK_EQ(w->peers[0].received, 1);
		CHECK(world_intact(w->peers[0].inbox[0], 6));
		CHECK_EQ(world_link(w, 0, 1)->rx_ports[port.slot].flight, 1);
		world_free(w);
	}
}

/* rd is told in time: each quarter, and when the lane is empty */
static u32 untold;

static void look_at_rd(struct peer *p)
{
	struct shmipc_link *link = world_link(p->world, 0, 1);

	untold = max(untold, link->rx.rd - shm_read32(&link->own->rd));
}

TEST(rd_is_published_in_time)
{
	struct world *w = setup();
	struct shmipc_core_port wide = world_port(w, 0, 4, 64, 4096, 2000, 0);
	u32 i;

	untold = 0;
	w->peers[0].in_data = look_at_rd;
	for (i = 0; i < 40; i++)
		CHECK_EQ(world_send(w, 1, 0, &wide, 10, i), 0);
	world_service(w, 0, 1, 100);
	CHECK_EQ(w->peers[0].received, 40);
	CHECK_EQ(untold, w->geo.lane / 64 / 4 - 1);
	CHECK_EQ(shm_read32(&world_block(w, 0, 1)->rd), 40);
	CHECK(!shmipc_core_undrained(w->peers[1].core, 0));
	world_free(w);
}

TEST(metadata_arrives)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 0, 3, 4, 64, 2000, SHMIPC_WIRE_PORT_META);
	struct shmipc_core_tx tx = world_tx(&p, 1500, 5);
	struct shmipc_core_rx *rx;

	tx.meta.endpoint = 0x1122334455667788;
	tx.meta.cookie = ~0ULL - 5;
	tx.meta.time = 1ULL << 40;
	tx.meta.pid = 123;
	tx.meta.uid = 456;
	tx.level = 7;
	while (world_push(w, 1, 0, &tx) == 1)
		;
	world_run(w);
	rx = &w->peers[0].inbox[0]->rx;
	CHECK(rx->extended && !memcmp(&rx->meta, &tx.meta, sizeof(tx.meta)));
	CHECK_EQ(rx->level, 7);
	CHECK_EQ(rx->peer, 1);
	CHECK_EQ(rx->src_port, 77);
	world_free(w);
}
