// SPDX-License-Identifier: GPL-2.0
/* tx.c: the lane as its writer leaves it */
#include "test.h"
#include "world.h"

static u32 word_at(struct world *w, u32 from, u32 to, u32 granule)
{
	u32 cap = w->geo.lane / 64;

	return shm_read32((__le32 *)(world_lane(w, from, to) + (granule & (cap - 1)) * 64));
}

/*
 * Payload that looks like the header of the record expected next: a lap later
 * the reader comes to it. Nobody but the writer may have put a record there.
 */
static void plant(struct peer *p)
{
	struct shmipc_link *link = world_link(p->world, p->slot, 1);
	u32 cap = p->core->cap;
	u32 at, count = link->tx.count + 1;

	/* whatever the payload covers says "record <count>, 1 granule" at all granules */
	for (at = 1; at < 7; at++)
		shm_write32((__le32 *)(link->tx_lane + ((link->tx.wr + at) & (cap - 1)) * 64),
			    (count + at) << 16 | 1);
}

TEST(pitfall_01_forged_record)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 64, 4096, 4096, 0);
	u32 cap = w->geo.lane / 64;
	u32 n, sent = 0;

	w->peers[0].in_copy = plant;
	for (n = 0; n < 200; n++) {
		/* large ones plant, small ones walk over what was planted */
		CHECK_EQ(world_send(w, 0, 1, &p, n % 3 ? 10 : 6 * 64, n), 0);
		CHECK_EQ(word_at(w, 0, 1, world_link(w, 0, 1)->tx.wr), 0);
		sent++;
		world_service(w, 1, 0, 100);
		CHECK_EQ(w->peers[1].received, sent % 64 ? sent % 64 : 64);
		if (sent % 64 == 0)
			world_consume_all(w, 1);
	}
	CHECK(n * 2 > cap);
	CHECK_EQ(world_link(w, 1, 0)->stats.errors, 0);
	world_free(w);
}

/* A full lane keeps one granule, zeroed, behind the last record */
TEST(pitfall_01_one_more_granule_than_the_record)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 4096, 1 << 16, 4096, 0);
	u32 cap = w->geo.lane / 64, sent = 0;
	struct shmipc_core_tx tx;

	do {
		tx = world_tx(&p, 10, 1);
		sent++;
	} while (!world_push(w, 0, 1, &tx));
	CHECK_EQ(sent - 1, cap - 1);
	CHECK_EQ(word_at(w, 0, 1, cap - 1), 0);
	CHECK_EQ(world_push(w, 0, 1, &tx), -EAGAIN);
	world_service(w, 1, 0, 1);
	world_service(w, 1, 0, 1000);
	CHECK_EQ(w->peers[1].received, cap - 1);
	CHECK_EQ(world_push(w, 0, 1, &tx), 0);
	world_free(w);
}

/* A restart leaves no commit word at the start of the lane */
TEST(pitfall_01_restart_zeroes_granule_0)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 16, 4096, 4096, 0);

	CHECK_EQ(world_send(w, 0, 1, &p, 10, 1), 0);
	CHECK(word_at(w, 0, 1, 0) != 0);
	shmipc_core_relink(w->peers[0].core, 1);
	CHECK_EQ(word_at(w, 0, 1, 0), 0);
	CHECK_EQ(world_link(w, 0, 1)->tx.count, 1);
	world_ring(w, 0, 1);
	world_run(w);
	CHECK_EQ(w->peers[1].received, 0);
	world_free(w);
}

TEST(pad_ends_where_the_lane_ends)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 64, 4096, 4096, 0);
	u32 cap = w->geo.lane / 64, n = 3, lap;

	for (lap = 0; lap < 200; lap++) {
		u32 wr = world_link(w, 0, 1)->tx.wr & (cap - 1);

		CHECK_EQ(world_send(w, 0, 1, &p, n * 64 - 24, lap), 0);
		if (wr + n > cap) {
			CHECK_EQ(word_at(w, 0, 1, wr) & 0xffff, cap - wr);
			CHECK_EQ(world_link(w, 0, 1)->tx.last & (cap - 1), 0);
		}
		world_run(w);
		CHECK(world_intact(w->peers[1].inbox[0], lap));
		world_consume_all(w, 1);
	}
	world_free(w);
}

TEST(counts_wrap_past_zero)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 64, 4096, 64, 0);
	u32 n;

	for (n = 0; n < 70000; n++) {
		CHECK_EQ(world_send(w, 0, 1, &p, 8, n), 0);
		world_service(w, 1, 0, 4);
		CHECK_EQ(w->peers[1].received, 1);
		CHECK(world_intact(w->peers[1].inbox[0], n));
		world_consume(w, 1, 0);
	}
	CHECK_EQ(world_link(w, 1, 0)->stats.received, 70000);
	world_free(w);
}

TEST(errors_of_push)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 16, 4096, 100, 0);
	struct shmipc_core_tx tx = world_tx(&p, 101, 1);

	CHECK_EQ(world_push(w, 0, 1, &tx), -EMSGSIZE);
	tx = world_tx(&p, 10, 1);
	tx.level = 8;
	CHECK_EQ(world_push(w, 0, 1, &tx), -EINVAL);
	tx = world_tx(&p, 10, 1);
	tx.slot = 5000;
	CHECK_EQ(world_push(w, 0, 1, &tx), -ECONNREFUSED);
	tx = world_tx(&p, 10, 1);
	tx.generation++;
	CHECK_EQ(world_push(w, 0, 1, &tx), -ECONNRESET);
	tx.generation = 0;
	CHECK_EQ(world_push(w, 0, 1, &tx), 0);
	CHECK_EQ(tx.generation, p.generation);
	world_withdraw(w, 1, p.slot);
	tx = world_tx(&p, 10, 1);
	CHECK_EQ(world_push(w, 0, 1, &tx), -ECONNREFUSED);
	shmipc_core_relink(w->peers[0].core, 1);
	CHECK_EQ(world_push(w, 0, 1, &tx), -ENOTCONN);
	world_free(w);
}

/* ---- streams ---- */

/* One stream a level; whole messages pass it; other levels have their own */
TEST(pitfall_13_streams_by_level)
{
	struct world *w = world_new(65536, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 16, 65536, 1 << 20, 0);
	struct shmipc_core_tx a = world_tx(&p, 50000, 1), b = world_tx(&p, 50000, 2);
	struct shmipc_core_tx c = world_tx(&p, 50000, 3), d = world_tx(&p, 10, 4);
	u32 i;

	c.level = 3;
	CHECK_EQ(world_push(w, 0, 1, &a), 1);
	CHECK_EQ(world_push(w, 0, 1, &b), -EAGAIN);
	CHECK_EQ(world_push(w, 0, 1, &c), 1);
	CHECK_EQ(world_push(w, 0, 1, &d), 0);
	world_service(w, 1, 0, 100);
	CHECK_EQ(w->peers[1].received, 1);
	CHECK_EQ(w->peers[1].live, 2);
	while (a.done < a.len || c.done < c.len) {
		if (a.done < a.len)
			CHECK(world_push(w, 0, 1, &a) >= 0);
		if (c.done < c.len)
			CHECK(world_push(w, 0, 1, &c) >= 0);
		world_service(w, 1, 0, 100);
	}
	while (world_push(w, 0, 1, &b))
		world_service(w, 1, 0, 100);
	world_service(w, 1, 0, 100);
	CHECK_EQ(w->peers[1].received, 4);
	for (i = 0; i < 4; i++)
		CHECK(world_intact(w->peers[1].inbox[i], w->peers[1].inbox[i]->rx.type));
	world_free(w);
}

/* A killed sender's stream is given up by whoever comes next; credit comes back */
TEST(pitfall_13_abort_is_emitted_later)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 1, 64, 1 << 16, 0);
	struct shmipc_core_port q = world_port(w, 1, 2, 4096, 1 << 16, 100, 0);
	struct shmipc_core_tx a = world_tx(&p, 8000, 1), b = world_tx(&p, 8000, 2);
	bool ring = false;
	int ret;

	CHECK_EQ(world_push(w, 0, 1, &a), 1);
	do {
		struct shmipc_core_tx fill = world_tx(&q, 1, 3);

		ret = world_push(w, 0, 1, &fill);
	} while (!ret);
	CHECK_EQ(ret, -EAGAIN);		/* the lane is full */
	shmipc_core_push_abort(w->peers[0].core, 1, &a, &ring);
	CHECK_EQ(world_link(w, 0, 1)->tx.abort, 1);
	CHECK(!a.open);
	world_service(w, 1, 0, 100);
	CHECK_EQ(w->peers[1].live, 1);
	world_service(w, 0, 1, 100);	/* nobody sends: service says it */
	CHECK_EQ(world_link(w, 0, 1)->tx.abort, 0);
	world_service(w, 1, 0, 100);
	CHECK_EQ(w->peers[1].live, 0);
	world_consume_all(w, 1);
	CHECK_EQ(world_link(w, 1, 0)->rx_ports[p.slot].flight, 0);
	CHECK_EQ(world_push(w, 0, 1, &b), 1);	/* depth 1: only if the credit is back */
	world_free(w);
}

TEST(pitfall_13_fragments_are_small)
{
	int i;

	FOR_EACH_SIZE(i) {
		struct world *w = world_new(world_sizes[i].size, world_sizes[i].peers);
		struct shmipc_core *core = w->peers[0].core;

		CHECK(core->record * 64 <= w->geo.lane / 4 && core->record * 64 <= 16384);
		CHECK(core->record * 4 == core->cap || core->record == 256);
		world_free(w);
	}
}

TEST(restart_in_the_midst_of_a_stream)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 4, 4096, 1 << 16, 0);
	struct shmipc_core_tx a = world_tx(&p, 3000, 1), b = world_tx(&p, 3000, 2);
	bool ring = false;

	CHECK_EQ(world_push(w, 0, 1, &a), 1);
	world_run(w);
	CHECK_EQ(w->peers[1].live, 1);
	shmipc_core_relink(w->peers[1].core, 0);
	CHECK_EQ(w->peers[1].live, 0);
	world_ring(w, 1, 0);
	world_run(w);
	CHECK(world_up(w));
	CHECK_EQ(world_push(w, 0, 1, &a), -ECONNRESET);
	shmipc_core_push_abort(w->peers[0].core, 1, &a, &ring);
	CHECK_EQ(world_link(w, 0, 1)->tx.abort, 0);
	CHECK_EQ(world_push(w, 0, 1, &b), 1);
	world_run(w);
	while (b.done < b.len) {
		CHECK(world_push(w, 0, 1, &b) >= 0);
		world_run(w);
	}
	CHECK_EQ(w->peers[1].received, 1);
	CHECK(world_intact(w->peers[1].inbox[0], 2));
	world_free(w);
}

/* An ABORT that does not fit is written when there is room, though nobody sends any more */
TEST(abort_without_room)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 64, 4096, 60000, 0);
	struct shmipc_core_tx big = world_tx(&p, 50000, 1), small = world_tx(&p, 10, 1), tx;
	bool ring = false;

	world_run(w);
	while (world_push(w, 0, 1, &big) == 1)
		;
	do
		tx = small;
	while (!world_push(w, 0, 1, &tx));
	world_lock(w, 0, 1);
	shmipc_core_push_abort(w->peers[0].core, 1, &big, &ring);
	world_unlock(w, 0, 1);
	world_run(w);
	CHECK_EQ(w->peers[1].live, 0);
	CHECK(w->peers[0].events[1] & SHMIPC_CORE_SPACE);
	CHECK_EQ(world_link(w, 0, 1)->tx.open, 0);
	world_free(w);
}
