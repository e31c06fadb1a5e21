// SPDX-License-Identifier: GPL-2.0
/* result.c: confirmation */
#include "test.h"
#include "world.h"

static int send_confirmed(struct world *w, const struct shmipc_core_port *port, int result,
			  u32 len)
{
	struct shmipc_core_tx tx = world_tx(port, len, 1);
	int ret;

	tx.result = result;
	do {
		ret = world_push(w, 0, 1, &tx);
		if (ret == -EAGAIN)
			world_run(w);
	} while (ret == 1 || ret == -EAGAIN);
	return ret;
}

static int state(struct world *w, int result)
{
	int ret;

	world_lock(w, 0, 1);
	ret = shmipc_core_result_state(w->peers[0].core, 1, result);
	world_unlock(w, 0, 1);
	return ret;
}

static bool answer(struct world *w, u32 result, u32 value)
{
	bool ring;

	world_lock(w, 1, 0);
	ring = shmipc_core_answer(w->peers[1].core, 0, result, value);
	world_unlock(w, 1, 0);
	return ring;
}

static int get(struct world *w)
{
	int ret;

	world_lock(w, 0, 1);
	ret = shmipc_core_result_get(w->peers[0].core, 1);
	world_unlock(w, 0, 1);
	return ret;
}

static void put(struct world *w, int result)
{
	world_lock(w, 0, 1);
	shmipc_core_result_put(w->peers[0].core, 1, result);
	world_unlock(w, 0, 1);
}

TEST(pitfall_06_answers_arrive)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 4, 64, 2000, 0);
	int a = get(w), b = get(w);
	u32 of_a;

	CHECK(a > 0 && b > 0 && a != b);
	CHECK_EQ(send_confirmed(w, &p, a, 10), 0);
	CHECK_EQ(send_confirmed(w, &p, b, 1500), 0);
	CHECK_EQ(state(w, a), 0);
	world_run(w);
	CHECK_EQ(w->peers[1].received, 2);
	of_a = w->peers[1].inbox[0]->rx.result;
	CHECK(!answer(w, of_a, SHMIPC_WIRE_RESULT_QUEUED));
	CHECK_EQ(state(w, a), SHMIPC_WIRE_RESULT_QUEUED);
	CHECK_EQ(state(w, b), 0);
	world_arm(w, 0, 1, SHMIPC_CORE_RESULT);
	CHECK(answer(w, of_a, SHMIPC_WIRE_RESULT_RECEIVED));
	world_service(w, 0, 1, 1);
	CHECK(w->peers[0].events[1] & SHMIPC_CORE_RESULT);
	CHECK_EQ(state(w, a), SHMIPC_WIRE_RESULT_RECEIVED);
	put(w, a);
	put(w, b);
	world_free(w);
}

TEST(engine_answers_what_it_refuses)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 4, 64, 2000, 0);
	struct shmipc_core_tx tx = world_tx(&p, 1500, 1);
	int a = get(w), b = get(w), c = get(w), d = get(w);
	bool ring = false;

	w->peers[1].fail_open = -ENOBUFS;
	w->peers[1].fail_open_count = 1;
	CHECK_EQ(send_confirmed(w, &p, a, 10), 0);
	world_run(w);
	CHECK_EQ(state(w, a), SHMIPC_WIRE_RESULT_FULL);
	w->peers[1].fail_open = -ECONNREFUSED;
	w->peers[1].fail_open_count = 1;
	CHECK_EQ(send_confirmed(w, &p, b, 1500), 0);
	world_run(w);
	CHECK_EQ(state(w, b), SHMIPC_WIRE_RESULT_REFUSED);
	tx.result = c;
	CHECK_EQ(world_push(w, 0, 1, &tx), 1);
	shmipc_core_push_abort(w->peers[0].core, 1, &tx, &ring);
	world_service(w, 1, 0, 8);
	CHECK_EQ(state(w, c), SHMIPC_WIRE_RESULT_DISCARDED);
	CHECK_EQ(send_confirmed(w, &p, d, 10), 0);
	world_withdraw(w, 1, p.slot);
	world_service(w, 1, 0, 8);
	CHECK_EQ(state(w, d), SHMIPC_WIRE_RESULT_REFUSED);
	world_free(w);
}

/* A slot that timed out is not reused before its answer */
TEST(pitfall_06_timed_out_slot_waits_for_its_answer)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 64, 640, 2000, 0);
	u32 i, s = w->geo.ports, first;
	int a;

	for (i = 0; i < s; i++) {
		a = get(w);
		CHECK(a > 0);
		CHECK_EQ(send_confirmed(w, &p, a, 10), 0);
		put(w, a);
	}
	CHECK_EQ(get(w), -EAGAIN);
	world_run(w);
	first = w->peers[1].inbox[0]->rx.result;
	answer(w, first, SHMIPC_WIRE_RESULT_QUEUED);
	CHECK_EQ(get(w), -EAGAIN);
	answer(w, first, SHMIPC_WIRE_RESULT_RECEIVED);
	a = get(w);
	CHECK(a > 0);
	CHECK_EQ(get(w), -EAGAIN);
	/* the old answer does not count for the new message */
	CHECK_EQ(state(w, a), 0);
	answer(w, first, SHMIPC_WIRE_RESULT_RECEIVED);
	CHECK_EQ(state(w, a), 0);
	put(w, a);		/* never sent: free at once */
	CHECK(get(w) > 0);
	world_free(w);
}

TEST(nothing_survives_a_restart)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 4, 64, 2000, 0);
	int a = get(w), b;
	u32 old;

	CHECK_EQ(send_confirmed(w, &p, a, 10), 0);
	world_run(w);
	old = w->peers[1].inbox[0]->rx.result;
	shmipc_core_relink(w->peers[0].core, 1);
	world_ring(w, 0, 1);
	world_run(w);
	CHECK(world_up(w));
	CHECK_EQ(state(w, a), -ECONNRESET);
	for (b = get(w); (b & 0xffff) != (a & 0xffff); b = get(w))
		put(w, b);	/* until slot and tag are the old ones */
	CHECK(a != b);
	CHECK(!answer(w, old, SHMIPC_WIRE_RESULT_RECEIVED));
	CHECK_EQ(state(w, b), 0);
	put(w, a);
	CHECK_EQ(state(w, b), 0);
	world_free(w);
}

TEST(hostile_answers)
{
	struct world *w = world_new(8192, 2);
	int a = get(w);
	u32 slot = a & 1023, wire = a & 0xffff;
	__le32 *word = shmipc_block_result(world_block(w, 1, 0), slot);
	static const u32 bad[] = { 0, 1, 7, 255, 0xffff };
	u32 i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		shm_write32(word, wire << 16 | bad[i]);
		CHECK_EQ(state(w, a), 0);
	}
	shm_write32(word, (wire ^ 1 << 10) << 16 | 3);
	CHECK_EQ(state(w, a), 0);
	CHECK_EQ(state(w, 0), -ECONNRESET);
	CHECK_EQ(state(w, 0x7fffffff), -ECONNRESET);
	/* beyond the slots there are: not an answer to anybody, and not a store beyond the section */
	CHECK(!answer(w, (world_link(w, 1, 0)->session & 0x7fff) << 16 | 1 << 10 | 1023,
		      SHMIPC_WIRE_RESULT_RECEIVED));
	CHECK_EQ(shm_read32((__le32 *)world_block(w, 1, 0) + 48 + 1023), 0);
	world_free(w);
}
