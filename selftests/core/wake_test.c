// SPDX-License-Identifier: GPL-2.0
/* wake.c, probe.c: who is rung, and who is not */
#include "test.h"
#include "world.h"

TEST(crossing)
{
	static const struct { u32 at, from, to; bool crossed; } rows[] = {
		{ 5, 5, 6, true }, { 5, 4, 5, false }, { 5, 4, 6, true }, { 5, 6, 7, false },
		{ 5, 5, 5, false }, { 5, 0, 100, true }, { 5, 6, 4, true },
		{ 0x7fffffff, 0x7fffffff, 0x80000000, true },
		{ 0x7fffffff, 0xffffffff, 0, true }, { 0, 0, 1, true },
		{ 0, 0xffffffff, 1, true }, { 0, 0x7fffffff, 0x80000001, true },
	};
	u32 i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CHECK_EQ(shmipc_wake_crossed(SHMIPC_WIRE_WAKE(rows[i].at), rows[i].from,
					     rows[i].to), rows[i].crossed);
		CHECK(!shmipc_wake_crossed(rows[i].at << 1, rows[i].from, rows[i].to));
	}
}

/* Records: one ring when the reader sleeps, none while it has work */
TEST(pitfall_11_reader_is_rung_once)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 100, 4096, 2000, 0);
	u32 i;

	world_run(w);
	w->peers[1].rings = 0;
	for (i = 0; i < 20; i++)
		CHECK_EQ(world_send(w, 0, 1, &p, 10, i), 0);
	CHECK_EQ(w->peers[1].rings, 1);
	world_service(w, 1, 0, 5);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, i), 0);
	CHECK_EQ(w->peers[1].rings, 1);
	world_run(w);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, i), 0);
	CHECK_EQ(w->peers[1].rings, 2);
	world_free(w);
}

TEST(polling_reader_is_not_rung)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 100, 4096, 2000, 0);

	shmipc_core_set_polling(w->peers[1].core, true);
	world_service(w, 1, 0, 5);
	w->peers[1].rings = 0;
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), 0);
	CHECK_EQ(w->peers[1].rings, 0);
	world_service(w, 1, 0, 5);
	CHECK_EQ(w->peers[1].received, 1);
	shmipc_core_set_polling(w->peers[1].core, false);
	world_service(w, 1, 0, 5);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), 0);
	CHECK_EQ(w->peers[1].rings, 1);
	shmipc_core_heartbeat(w->peers[1].core);
	CHECK_EQ(shm_read32(&world_header(w, 1)->heartbeat), 1);
	shmipc_core_set_vectors(w->peers[1].core, 3);
	CHECK_EQ(shm_read32(&world_header(w, 1)->vectors), 3);
	world_free(w);
}

/* Room: a sleeper on a full lane is rung when any record fits, and only then */
TEST(pitfall_11_space)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 4096, 1 << 16, 2000, 0);
	struct shmipc_core_tx tx = world_tx(&p, 1500, 1);
	u32 n;

	while (!world_send(w, 0, 1, &p, 10, 1) && world_link(w, 0, 1)->tx.wr < 63)
		;
	CHECK_EQ(world_push(w, 0, 1, &tx), -EAGAIN);
	world_arm(w, 0, 1, SHMIPC_CORE_SPACE);
	CHECK_EQ(world_push(w, 0, 1, &tx), -EAGAIN);
	w->peers[0].rings = 0;
	w->peers[0].events[1] = 0;
	for (n = 0; !w->peers[0].rings; n++) {
		CHECK(n < 64);
		world_service(w, 1, 0, 1);
	}
	CHECK(n >= 31 && n <= 33);
	world_service(w, 0, 1, 1);
	CHECK_EQ(w->peers[0].events[1] & SHMIPC_CORE_SPACE, SHMIPC_CORE_SPACE);
	CHECK_EQ(world_push(w, 0, 1, &tx), 1);
	w->peers[0].events[1] = 0;
	world_service(w, 0, 1, 1);
	CHECK_EQ(w->peers[0].events[1] & SHMIPC_CORE_SPACE, 0);
	world_free(w);
}

/* Credit: asked for, rung once, reported only to those whose port got some */
TEST(pitfall_11_credit)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 2, 64, 2000, 0);
	struct shmipc_core_port q = world_port(w, 1, 2, 4, 64, 2000, 0);
	u32 i;

	for (i = 0; i < 2; i++)
		CHECK_EQ(world_send(w, 0, 1, &p, 10, i), 0);
	CHECK_EQ(world_send(w, 0, 1, &q, 10, 9), 0);
	CHECK_EQ(world_send(w, 0, 1, &q, 10, 9), 0);
	world_run(w);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 5), -ENOBUFS);
	world_arm(w, 0, 1, SHMIPC_CORE_CREDIT);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 5), -ENOBUFS);
	w->peers[0].rings = 0;
	w->peers[0].events[1] = 0;

	world_consume(w, 1, 2);		/* of the other port: the ring is used up */
	CHECK_EQ(w->peers[0].rings, 1);
	world_service(w, 0, 1, 1);
	CHECK_EQ(w->peers[0].events[1] & SHMIPC_CORE_CREDIT, 0);
	world_consume(w, 1, 0);		/* but the wait was renewed */
	CHECK_EQ(w->peers[0].rings, 2);
	world_service(w, 0, 1, 1);
	CHECK_EQ(w->peers[0].events[1] & SHMIPC_CORE_CREDIT, SHMIPC_CORE_CREDIT);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 5), 0);
	world_consume(w, 1, 0);		/* nobody waits */
	CHECK_EQ(w->peers[0].rings, 2);
	world_free(w);
}

/* Who stopped waiting does not cost the peer a ring for each message for ever */
TEST(forgotten_waits_end)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 1, 64, 2000, 0);
	struct shmipc_core_port q = world_port(w, 1, 2, 16, 64, 2000, 0);
	u32 i;

	CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), 0);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), -ENOBUFS);
	world_arm(w, 0, 1, SHMIPC_CORE_CREDIT | SHMIPC_CORE_RESULT);
	world_withdraw(w, 1, p.slot);
	for (i = 0; i < 10; i++)
		CHECK_EQ(world_send(w, 0, 1, &q, 10, i), 0);
	world_run(w);
	w->peers[0].rings = 0;
	while (w->peers[1].received) {
		world_consume(w, 1, 0);
		world_run(w);
	}
	CHECK_EQ(w->peers[0].rings, 0);
	CHECK_EQ(world_link(w, 0, 1)->want_bits, 0);
	world_free(w);
}

/* Another sender of the same port takes the credit's news away: the sleeper still hears */
TEST(credit_seen_by_another_sender_wakes_the_sleeper)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 2, 64, 2000, 0);
	struct shmipc_core_port other = world_port(w, 1, 2, 1, 64, 2000, 0);

	CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), 0);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), 0);
	/* Somebody waits for this one all the time */
	CHECK_EQ(world_send(w, 0, 1, &other, 10, 1), 0);
	CHECK_EQ(world_send(w, 0, 1, &other, 10, 1), -ENOBUFS);
	world_run(w);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 2), -ENOBUFS);
	world_arm(w, 0, 1, SHMIPC_CORE_CREDIT);
	w->peers[0].events[1] = 0;
	world_consume(w, 1, 0);
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 3), 0);
	world_service(w, 0, 1, 1);
	CHECK_EQ(w->peers[0].events[1] & SHMIPC_CORE_CREDIT, SHMIPC_CORE_CREDIT);
	world_free(w);
}

/* A doorbell that was lost: a rescan finds what it announced */
TEST(lost_rings_are_found_by_looking)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 1, 64, 2000, 0);

	CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), 0);
	w->peers[1].rung[0] = false;
	CHECK(shmipc_core_undrained(w->peers[0].core, 1));
	world_service(w, 1, 0, 8);
	CHECK_EQ(w->peers[1].received, 1);
	CHECK(!shmipc_core_undrained(w->peers[0].core, 1));
	CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), -ENOBUFS);
	world_arm(w, 0, 1, SHMIPC_CORE_CREDIT);
	world_consume(w, 1, 0);
	w->peers[0].rung[1] = false;
	world_service(w, 0, 1, 8);
	CHECK(w->peers[0].events[1] & SHMIPC_CORE_CREDIT);
	world_free(w);
}

TEST(probe_is_echoed)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core *core = w->peers[0].core;

	world_lock(w, 0, 1);
	shmipc_core_probe(core, 1);
	world_unlock(w, 0, 1);
	CHECK(!shmipc_core_probe_answered(core, 1));
	world_service(w, 0, 1, 1);
	CHECK(!(w->peers[0].events[1] & SHMIPC_CORE_ALIVE));
	CHECK(world_service(w, 1, 0, 1) & SHMIPC_SERVICE_RING);
	CHECK(!(world_service(w, 1, 0, 1) & SHMIPC_SERVICE_RING));
	CHECK(shmipc_core_probe_answered(core, 1));
	world_service(w, 0, 1, 1);
	CHECK(w->peers[0].events[1] & SHMIPC_CORE_ALIVE);
	w->peers[0].events[1] = 0;
	world_service(w, 0, 1, 1);
	CHECK_EQ(w->peers[0].events[1], 0);
	world_free(w);
}

TEST(pitfall_25_bells_count)
{
	struct world *w = world_new(8192, 2);
	u32 counts[8];

	world_lock(w, 0, 1);
	shmipc_core_bell(w->peers[0].core, 1, 3);
	shmipc_core_bell(w->peers[0].core, 1, 3);
	world_unlock(w, 0, 1);
	world_service(w, 1, 0, 1);
	CHECK_EQ(w->peers[1].events[0] & SHMIPC_CORE_BELL, SHMIPC_CORE_BELL);
	CHECK_EQ(shmipc_core_bells(w->peers[1].core, 0, counts),
		 shmipc_core_epoch(w->peers[0].core));
	CHECK_EQ(counts[3], 2);
	CHECK_EQ(counts[2], 0);
	w->peers[1].events[0] = 0;
	world_service(w, 1, 0, 1);
	CHECK_EQ(w->peers[1].events[0], 0);
	/* of a peer that attaches at this moment there are none */
	shm_write32(&world_header(w, 0)->epoch, 0);
	CHECK_EQ(shmipc_core_bells(w->peers[1].core, 0, counts), 0);
	CHECK_EQ(counts[3], 0);
	shm_write32(&world_header(w, 0)->epoch, shmipc_core_epoch(w->peers[0].core));
	/* not lost on the way up after an attach, not invented by it */
	world_reboot(w, 0);
	world_run(w);
	CHECK_EQ(w->peers[1].events[0] & SHMIPC_CORE_BELL, 0);
	shmipc_core_bell(w->peers[0].core, 1, 0);
	world_service(w, 1, 0, 1);
	CHECK(w->peers[1].events[0] & SHMIPC_CORE_BELL);
	world_free(w);
}
