// SPDX-License-Identifier: GPL-2.0
/* credit.c: windows, from both sides */
#include "test.h"
#include "world.h"

TEST(window_in_messages)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 3, 4096, 2000, 0);
	u32 i;

	for (i = 0; i < 3; i++)
		CHECK_EQ(world_send(w, 0, 1, &p, 10, i), 0);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 3), -ENOBUFS);
	world_run(w);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 3), -ENOBUFS);
	world_consume(w, 1, 1);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 3), 0);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 4), -ENOBUFS);
	world_free(w);
}

TEST(window_in_granules)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 100, 10, 2000, 0);

	CHECK_EQ(world_send(w, 0, 1, &p, 64 * 6, 1), 0);
	CHECK_EQ(world_send(w, 0, 1, &p, 64 * 4 + 1, 2), -ENOBUFS);
	CHECK_EQ(world_send(w, 0, 1, &p, 64 * 4, 2), 0);
	CHECK_EQ(world_send(w, 0, 1, &p, 0, 3), -ENOBUFS);
	world_run(w);
	world_consume_all(w, 1);
	/* larger than the window: alone */
	CHECK_EQ(world_send(w, 0, 1, &p, 2000, 4), 0);
	CHECK_EQ(world_send(w, 0, 1, &p, 0, 5), -ENOBUFS);
	world_run(w);
	CHECK_EQ(w->peers[1].received, 1);
	world_consume_all(w, 1);
	CHECK_EQ(world_send(w, 0, 1, &p, 0, 5), 0);
	CHECK_EQ(world_send(w, 0, 1, &p, 2000, 6), -ENOBUFS);
	world_run(w);
	CHECK(world_up(w));
	world_free(w);
}

/* Levels >= 4 have an eighth more, one message at least */
TEST(pitfall_13_urgent_headroom)
{
	static const struct { u32 depth, urgent; } rows[] = {
		{ 1, 2 }, { 7, 8 }, { 8, 9 }, { 16, 18 }, { 64, 72 },
	};
	u32 i, n, level;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (level = 3; level <= 4; level++) {
			struct world *w = world_new(1 << 20, 2);
			struct shmipc_core_port p = world_port(w, 1, 1, rows[i].depth,
							       4096, 100, 0);

			for (n = 0; n < 200; n++) {
				struct shmipc_core_tx tx = world_tx(&p, 5, n);

				tx.level = level;
				if (world_push(w, 0, 1, &tx))
					break;
			}
			CHECK_EQ(n, level < 4 ? rows[i].depth : rows[i].urgent);
			world_run(w);
			CHECK(world_up(w));
			CHECK_EQ(w->peers[1].received, n);
			world_free(w);
		}
}

/* A peer that does not count breaks its link */
TEST(overrun_is_a_violation)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 2, 4096, 2000, 0);
	struct forged f = world_honest(w, &p, 10);

	world_forge(w, 0, 1, &f);
	world_forge(w, 0, 1, &f);
	world_run(w);
	CHECK(world_up(w));
	world_forge(w, 0, 1, &f);
	world_run(w);
	CHECK(world_broken(w, 1, 0));
	CHECK_EQ(w->peers[1].received, 2);
	world_free(w);
}

TEST(overrun_in_granules_is_a_violation)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 100, 4, 2000, 0);
	struct forged f = world_honest(w, &p, 200), g = world_honest(w, &p, 1);

	world_forge(w, 0, 1, &f);
	world_run(w);
	CHECK(world_up(w));
	world_forge(w, 0, 1, &g);
	world_run(w);
	CHECK(world_broken(w, 1, 0));
	world_free(w);
}

/* Queued messages keep their charge over any number of restarts */
TEST(pitfall_08_restarts_do_not_multiply_the_window)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 4, 64, 2000, 0);
	u32 n, sent = 0;

	for (n = 0; n < 10; n++) {
		while (!world_send(w, 0, 1, &p, 100, sent))
			sent++;
		world_run(w);
		CHECK_EQ(w->peers[1].received, 4);
		shmipc_core_relink(w->peers[n & 1].core, !(n & 1));
		world_ring(w, n & 1, !(n & 1));
		world_run(w);
		CHECK(world_up(w));
		CHECK_EQ(world_send(w, 0, 1, &p, 100, 99), -ENOBUFS);
	}
	/* old ones are consumed under the new counters, one by one */
	for (n = 0; n < 4; n++) {
		world_consume(w, 1, 0);
		CHECK_EQ(world_send(w, 0, 1, &p, 100, 50 + n), 0);
		CHECK_EQ(world_send(w, 0, 1, &p, 100, 99), -ENOBUFS);
	}
	world_run(w);
	CHECK_EQ(w->peers[1].received, 4);
	world_consume_all(w, 1);
	CHECK_EQ(world_link(w, 1, 0)->rx_ports[p.slot].flight, 0);
	CHECK_EQ(world_link(w, 1, 0)->rx_ports[p.slot].flight_granules, 0);
	world_free(w);
}

TEST(pitfall_08_new_sender_inherits_what_is_queued)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 4, 64, 2000, 0);

	while (!world_send(w, 0, 1, &p, 100, 1))
		;
	world_run(w);
	world_reboot(w, 0);
	world_run(w);
	CHECK(world_up(w));
	CHECK_EQ(world_send(w, 0, 1, &p, 100, 1), -ENOBUFS);
	world_consume(w, 1, 0);
	CHECK_EQ(world_send(w, 0, 1, &p, 100, 1), 0);
	world_free(w);
}

/* Another generation in the same slot: counters start anew, records of the old are refused */
TEST(pitfall_10_generation_in_records_and_credit)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 2, 64, 2000, 0), q;
	struct shmipc_core_tx tx = world_tx(&p, 10, 1);

	CHECK_EQ(world_push(w, 0, 1, &tx), 0);	/* in the lane while the port changes */
	world_withdraw(w, 1, p.slot);
	q = world_port(w, 1, 1, 2, 64, 2000, 0);
	CHECK_EQ(q.slot, p.slot);
	CHECK(q.generation != p.generation);
	world_run(w);
	CHECK_EQ(w->peers[1].received, 0);
	CHECK_EQ(w->peers[1].opens, 0);
	CHECK_EQ(world_link(w, 1, 0)->rx_ports[q.slot].flight, 0);
	tx = world_tx(&p, 10, 1);
	CHECK_EQ(world_push(w, 0, 1, &tx), -ECONNRESET);
	CHECK_EQ(world_send(w, 0, 1, &q, 10, 1), 0);
	CHECK_EQ(world_send(w, 0, 1, &q, 10, 1), 0);
	CHECK_EQ(world_send(w, 0, 1, &q, 10, 1), -ENOBUFS);
	world_run(w);
	CHECK_EQ(w->peers[1].received, 2);
	/* late credit for the old generation goes nowhere */
	world_lock(w, 1, 0);
	CHECK(!shmipc_core_consumed(w->peers[1].core, 0, p.slot, p.generation, 10));
	world_unlock(w, 1, 0);
	CHECK_EQ(world_send(w, 0, 1, &q, 10, 1), -ENOBUFS);
	CHECK(world_up(w));
	world_free(w);
}

/* A credit word of another generation says nothing */
TEST(pitfall_10_credit_of_another_generation_is_ignored)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 2, 64, 2000, 0);
	__le32 *entry;

	CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), 0);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), 0);
	entry = shmipc_block_credit(w->peers[1].core, world_block(w, 1, 0), p.slot);
	shm_write32(entry, 2);
	shm_write32(entry + 1, (p.generation + 1) << 16 | 2);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), -ENOBUFS);
	CHECK(world_up(w));
	world_free(w);
}

TEST(consumed_more_than_sent_is_a_violation)
{
	static const struct { u32 messages, granules; } rows[] = {
		{ 3, 2 }, { 2, 3 }, { 0xffff, 0 }, { 0, ~0u }, { 0x8000, 0 }, { 0, 1u << 31 },
	};
	u32 i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world *w = world_new(65536, 2);
		struct shmipc_core_port p = world_port(w, 1, 1, 2, 64, 2000, 0);
		struct shmipc_core_tx tx = world_tx(&p, 10, 1);
		__le32 *entry;

		CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), 0);
		CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), 0);
		entry = shmipc_block_credit(w->peers[1].core, world_block(w, 1, 0), p.slot);
		shm_write32(entry, rows[i].granules);
		shm_write32(entry + 1, p.generation << 16 | rows[i].messages);
		CHECK_EQ(world_push(w, 0, 1, &tx), -EPROTO);
		CHECK_EQ(world_push(w, 0, 1, &tx), -ENOTCONN);
		CHECK(!(w->peers[0].events[1] & SHMIPC_CORE_PROTO));
		world_service(w, 0, 1, 1);
		CHECK(world_broken(w, 0, 1));
		world_free(w);
	}
}

TEST(pitfall_21_progress)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 8, 64, 2000, 0);
	u32 i, generation, sent, consumed;

	for (i = 0; i < 5; i++)
		CHECK_EQ(world_send(w, 0, 1, &p, 10, i), 0);
	world_run(w);
	world_consume(w, 1, 0);
	world_consume(w, 1, 0);
	world_lock(w, 0, 1);
	shmipc_core_progress(w->peers[0].core, 1, p.slot, &generation, &sent, &consumed);
	world_unlock(w, 0, 1);
	CHECK_EQ(generation, p.generation);
	CHECK_EQ(sent, 5);
	CHECK_EQ(consumed, 2);
	/* after DOWN, until UP: what is unconfirmed */
	shmipc_core_relink(w->peers[0].core, 1);
	shmipc_core_progress(w->peers[0].core, 1, p.slot, &generation, &sent, &consumed);
	CHECK_EQ(sent - consumed, 3);
	world_ring(w, 0, 1);
	world_run(w);
	shmipc_core_progress(w->peers[0].core, 1, p.slot, &generation, &sent, &consumed);
	CHECK_EQ(sent, 0);
	world_free(w);
}

/* Counters of 16 and 32 bits run over */
TEST(counters_wrap)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 4, 64, 2000, 0);
	u32 n;

	for (n = 0; n < 140000; n++) {
		CHECK_EQ(world_send(w, 0, 1, &p, n % 90, n), 0);
		if (n % 3 == 0) {
			world_run(w);
			world_consume_all(w, 1);
		}
	}
	CHECK(world_up(w));
	world_free(w);
}
