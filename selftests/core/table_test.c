// SPDX-License-Identifier: GPL-2.0
/* table.c: publishing, and reading what others published */
#include "test.h"
#include "world.h"

static struct shmipc_core *at(struct world *w, u32 slot)
{
	return w->peers[slot].core;
}

TEST(found_by_number_and_name)
{
	struct world *w = world_new(8192, 3);
	struct shmipc_core_port p = world_port(w, 1, 500, 7, 99, 1234, 1), q;

	CHECK_EQ(shmipc_core_find_port(at(w, 0), 1, 500, &q), 0);
	CHECK(q.slot == p.slot && q.generation == p.generation && q.port == 500);
	CHECK(q.depth == 7 && q.window == 99 && q.max_size == 1234 && q.flags == 1);
	CHECK(!strcmp(q.name, "port"));
	CHECK_EQ(shmipc_core_find_name(at(w, 2), 1, "port", &q), 0);
	CHECK_EQ(shmipc_core_find_name(at(w, 2), 1, "por", &q), -ENOENT);
	CHECK_EQ(shmipc_core_find_name(at(w, 2), 1, "", &q), -ENOENT);
	CHECK_EQ(shmipc_core_find_port(at(w, 0), 1, 501, &q), -ENOENT);
	CHECK_EQ(shmipc_core_find_port(at(w, 0), 1, 0, &q), -ENOENT);
	CHECK_EQ(shmipc_core_find_port(at(w, 0), 2, 500, &q), -ENOENT);
	CHECK_EQ(shmipc_core_read_port(at(w, 0), 1, 32, &q), -ENOENT);
	shmipc_core_relink(at(w, 0), 1);
	CHECK_EQ(shmipc_core_find_port(at(w, 0), 1, 500, &q), -ENOTCONN);
	world_free(w);
}

TEST(pitfall_20_full_table)
{
	struct world *w = world_new(8192, 3);
	struct shmipc_core_port p, q;
	u64 ring = 0;
	u32 i;

	for (i = 0; i < w->geo.ports; i++)
		world_port(w, 1, 1000 + i * 32, 1, 1, 0, 0);	/* all of one chain */
	p = (struct shmipc_core_port){ .port = 7, .depth = 1, .window = 1 };
	CHECK_EQ(shmipc_core_publish(at(w, 1), &p, &ring), -ENOSPC);
	for (i = 0; i < w->geo.ports; i++)
		CHECK_EQ(shmipc_core_find_port(at(w, 0), 1, 1000 + i * 32, &q), 0);
	CHECK_EQ(shmipc_core_find_port(at(w, 0), 1, 7, &p), -ENOENT);
	world_withdraw(w, 1, q.slot);
	p.depth = 1;
	p.window = 1;
	p.port = 7;
	CHECK_EQ(shmipc_core_publish(at(w, 1), &p, &ring), 0);
	CHECK_EQ(shmipc_core_find_port(at(w, 0), 1, 7, &q), 0);
	world_free(w);
}

TEST(out_of_range)
{
	static const struct shmipc_core_port bad[] = {
		{ .port = 0, .depth = 1, .window = 1 },
		{ .port = 65536, .depth = 1, .window = 1 },
		{ .port = 1, .depth = 0, .window = 1 },
		{ .port = 1, .depth = 4097, .window = 1 },
		{ .port = 1, .depth = 1, .window = 0 },
		{ .port = 1, .depth = 1, .window = ~0u },
		{ .port = 1, .depth = 1, .window = 1, .max_size = (1 << 20) + 1 },
		{ .port = 1, .depth = 1, .window = 1, .flags = 0x10000 },
	};
	struct world *w = world_new(4096, 2);
	u64 ring = 0;
	u32 i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct shmipc_core_port p = bad[i];

		CHECK_EQ(shmipc_core_publish(at(w, 0), &p, &ring), -EINVAL);
	}
	world_free(w);
}

/* Any sequence of publishing and withdrawing: what is there is found, quickly */
TEST(random_churn_against_a_model)
{
	struct world *w = world_new(8192, 3);
	u32 slots[200] = { 0 }, count = 0, n, seed = 1;
	struct shmipc_core_port q;

	for (n = 0; n < 20000; n++) {
		u32 port;

		seed = seed * 1664525 + 1013904223;
		port = 1 + (seed >> 16) % 199;
		if (slots[port]) {
			world_withdraw(w, 1, slots[port] - 1);
			slots[port] = 0;
			count--;
		} else if (count < w->geo.ports) {
			slots[port] = world_port(w, 1, port, 1, 1, 1, 0).slot + 1;
			count++;
		}
		port = 1 + (seed >> 8) % 199;
		CHECK_EQ(shmipc_core_find_port(at(w, 0), 1, port, &q),
			 slots[port] ? 0 : -ENOENT);
		if (slots[port])
			CHECK_EQ(q.slot, slots[port] - 1);
	}
	/* empty again: no tombstones are left */
	for (n = 1; n < 200; n++)
		if (slots[n])
			world_withdraw(w, 1, slots[n] - 1);
	for (n = 0; n < w->geo.ports; n++)
		CHECK_EQ(shm_read32(&world_table(w, 1)[n].port), 0);
	world_free(w);
}

TEST(generations_do_not_repeat)
{
	struct world *w = world_new(4096, 2);
	u32 n, last = 0;

	for (n = 0; n < 70000; n++) {
		struct shmipc_core_port p = world_port(w, 0, 1, 1, 1, 1, 0);

		CHECK(p.generation && p.generation != last);
		last = p.generation;
		world_withdraw(w, 0, p.slot);
	}
	world_free(w);
}

/* Parameters of a liar are cut to what we can live with */
TEST(hostile_entry_is_clamped)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 1, 1, 1, 0), q;
	struct shmipc_wire_port *entry = &world_table(w, 1)[p.slot];

	memset(&entry->depth, 0xff, 60 - 8);
	memset(entry->name, 0xff, 32);
	CHECK_EQ(shmipc_core_read_port(at(w, 0), 1, p.slot, &q), 0);
	CHECK_EQ(q.depth, 4096);
	CHECK_EQ(q.max_size, 1 << 20);
	CHECK_EQ(q.window, SHMIPC_WINDOW_MAX);
	CHECK_EQ(strlen(q.name), 31);
	memset(&entry->depth, 0, 12);
	CHECK_EQ(shmipc_core_read_port(at(w, 0), 1, p.slot, &q), 0);
	CHECK_EQ(q.depth, 1);
	CHECK_EQ(q.window, 1);
	shm_write32(&entry->port, 65536);
	CHECK_EQ(shmipc_core_read_port(at(w, 0), 1, p.slot, &q), -ENOENT);
	world_free(w);
}

/* A peer that comes anew clears its table: that is no port that has closed */
TEST(cleared_is_not_closed)
{
	struct world *w = world_new(8192, 2);
	struct shmipc_core_port p = world_port(w, 1, 1, 1, 64, 64, 0), q;

	CHECK_EQ(shmipc_core_read_port(at(w, 0), 1, p.slot, &q), 0);
	shmipc_core_attach(at(w, 1));
	CHECK_EQ(shmipc_core_read_port(at(w, 0), 1, p.slot, &q), -ENOTCONN);
	world_free(w);
}

/* Who watches is rung; who sleeps for credit of a closed port, too; others are not */
TEST(pitfall_11_table_changes_ring_who_waits)
{
	struct world *w = world_new(8192, 3);
	struct shmipc_core_port p;
	u64 ring = 0;

	p = world_port(w, 0, 1, 1, 64, 64, 0);
	shmipc_core_watch_tables(at(w, 1), true);
	shmipc_core_withdraw(at(w, 0), p.slot, &ring);
	CHECK_EQ(ring, 1 << 1);
	world_service(w, 1, 0, 1);
	CHECK(w->peers[1].events[0] & SHMIPC_CORE_TABLE);
	shmipc_core_watch_tables(at(w, 1), false);

	p = world_port(w, 0, 1, 1, 64, 64, 0);
	CHECK_EQ(world_send(w, 2, 0, &p, 10, 1), 0);
	CHECK_EQ(world_send(w, 2, 0, &p, 10, 1), -ENOBUFS);
	world_arm(w, 2, 0, SHMIPC_CORE_CREDIT);
	ring = 0;
	shmipc_core_withdraw(at(w, 0), p.slot, &ring);
	CHECK_EQ(ring, 1 << 2);
	world_service(w, 2, 0, 1);
	CHECK(w->peers[2].events[0] & SHMIPC_CORE_TABLE);
	CHECK_EQ(world_send(w, 2, 0, &p, 10, 1), -ECONNREFUSED);
	world_free(w);
}
