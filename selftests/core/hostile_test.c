// SPDX-License-Identifier: GPL-2.0
/*
 * A peer that writes anything anywhere in its section. Run under ASan and UBSan.
 * Peer 1 is hostile; 0 is the victim; 2 is innocent and must not notice.
 */
#include "test.h"
#include "world.h"

static u32 seed = 1;

static u32 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* Everything the victim may do with that peer */
static void victim_acts(struct world *w, u32 act)
{
	struct shmipc_core *core = w->peers[0].core;
	struct shmipc_core_port port;
	struct shmipc_core_tx tx = { .len = rnd() % 3000, .slot = rnd() % 40, .level = rnd() % 8 };
	char name[32];
	u32 counts[8];
	bool ring = false;

	world_lock(w, 0, 1);
	if (act & 1 && shmipc_core_push(core, 1, &tx, &ring) == 1)
		shmipc_core_push_abort(core, 1, &tx, &ring);
	if (act & 2)
		shmipc_core_push_ready(core, 1, act % 40, 0, 1, 100);
	if (act & 4)
		shmipc_core_arm(core, 1, act >> 3);
	if (act & 8)
		shmipc_core_result_get(core, 1);
	if (act & 16)
		shmipc_core_progress(core, 1, act % 32, counts, counts + 1, counts + 2);
	world_unlock(w, 0, 1);
	if (act & 32 && !shmipc_core_find_port(core, 1, act % 300, &port))
		CHECK(port.depth && port.depth <= 4096 && port.slot < w->geo.ports);
	if (act & 64)
		shmipc_core_find_name(core, 1, "port", &port);
	shmipc_core_peer_name(core, 1, name);
	shmipc_core_bells(core, 1, counts);
	shmipc_core_undrained(core, 1);
	world_service(w, 0, 1, 8);
	if (act & 128 && shmipc_core_state(core, 1) == SHMIPC_LINK_BROKEN)
		shmipc_core_relink(core, 1);
}

static void innocent_is_untouched(struct world *w)
{
	CHECK_EQ(shmipc_core_state(w->peers[0].core, 2), SHMIPC_LINK_UP);
	CHECK_EQ(shmipc_core_state(w->peers[2].core, 0), SHMIPC_LINK_UP);
	CHECK_EQ(w->peers[0].events[2], 0);
}

static void invariants(struct world *w)
{
	struct shmipc_link *link = world_link(w, 0, 1);
	u32 i;

	CHECK(link->tx.wr - link->tx.rd <= w->peers[0].core->cap);
	for (i = 0; i < w->geo.ports; i++) {
		CHECK(link->rx_ports[i].flight <= SHMIPC_FLIGHT_MESSAGES);
		CHECK(link->rx_ports[i].generation || !link->rx_ports[i].flight);
	}
	CHECK(shmipc_core_verify(w->peers[0].core));
	CHECK(w->peers[0].live <= SHMIPC_RX_SINGLE + 1);
}

static struct world *setup(struct shmipc_core_port *port)
{
	struct world *w = world_new(8192, 3);

	*port = world_port(w, 0, 1, 8, 4096, 4000, 0);
	world_port(w, 1, 2, 8, 4096, 4000, SHMIPC_WIRE_PORT_META);
	world_run(w);
	w->peers[0].events[2] = 0;
	return w;
}

/* Each word of the section takes each of some values, while traffic runs */
TEST(pitfall_17_every_word_mutated)
{
	struct shmipc_core_port port;
	struct world *w = setup(&port);
	static const u32 values[] = { 0, 1, ~0u, 0x80000000, 0x7fffffff, 0xffff };
	u32 word, v, words = w->geo.size / 4;

	for (word = 0; word < words; word++)
		for (v = 0; v < 8; v++) {
			__le32 *at = (__le32 *)w->peers[1].section + word;
			u32 was = shm_read32(at);

			if (v == 7 && world_link(w, 1, 0)->up)
				world_send(w, 1, 0, &port, rnd() % 200, 1);
			shm_write32(at, v < 6 ? values[v] : v == 6 ? was + 1 : rnd());
			victim_acts(w, rnd());
			invariants(w);
			innocent_is_untouched(w);
			if (v & 1)
				shm_write32(at, was);
			while (w->peers[0].received)
				world_consume(w, 0, 0);
			w->peers[2].rung[0] = false;
		}
	/* an honest peer in its place is welcome */
	world_reboot(w, 1);
	shmipc_core_relink(w->peers[0].core, 1);
	world_run(w);
	world_ring(w, 0, 1);
	world_ring(w, 2, 1);
	world_run(w);
	CHECK_EQ(shmipc_core_state(w->peers[0].core, 1), SHMIPC_LINK_UP);
	world_free(w);
}

/* Garbage of any density, for a long time */
TEST(pitfall_17_garbage_hammer)
{
	u32 round, n, i;

	for (round = 0; round < 60; round++) {
		struct shmipc_core_port port;
		struct world *w = setup(&port);

		for (n = 0; n < 2000; n++) {
			u32 burst = 1 + rnd() % (1 + round * 4);

			for (i = 0; i < burst; i++) {
				u32 at = rnd() % (w->geo.size / 4);
				u32 value = rnd();

				if (round & 1)	/* plausible: small, or near what is there */
					value = rnd() & 1 ? value % 70 :
						shm_read32((__le32 *)w->peers[1].section + at) +
						value % 5;
				if (at < 48 && rnd() % 50)
					continue;	/* leave the header alone mostly */
				shm_write32((__le32 *)w->peers[1].section + at, value);
			}
			victim_acts(w, rnd());
			invariants(w);
			innocent_is_untouched(w);
			while (w->peers[0].received)
				world_consume(w, 0, 0);
			w->peers[2].rung[0] = false;
		}
		world_free(w);
	}
}

/* Records that are nearly right, which random words hardly ever are */
TEST(pitfall_17_records_nearly_right)
{
	u32 round, n, delivered = 0, broken = 0;

	for (round = 0; round < 300; round++) {
		struct shmipc_core_port port;
		struct world *w = setup(&port);

		for (n = 0; n < 40; n++) {
			struct forged f = world_honest(w, &port, rnd() % 900);
			u32 *field = (u32 *)&f + rnd() % 7;

			if (rnd() % 4 == 0)
				*field = rnd() & 1 ? rnd() % 20 : *field + rnd() % 3 - 1;
			if (rnd() % 8 == 0)
				f = (struct forged){ 16, 1001 + rnd() % 2000, port.slot,
						     SHMIPC_WIRE_KIND_FIRST + rnd() % 3, rnd() % 9,
						     port.generation, 0 };
			if (f.granules > 64)
				f.granules = 64;
			world_forge(w, 1, 0, &f);
			world_service(w, 0, 1, 8);
			invariants(w);
			innocent_is_untouched(w);
			delivered += w->peers[0].received;
			while (w->peers[0].received)
				world_consume(w, 0, 0);
			if (shmipc_core_state(w->peers[0].core, 1) == SHMIPC_LINK_BROKEN) {
				broken++;
				shmipc_core_relink(w->peers[0].core, 1);
				world_ring(w, 0, 1);
				world_run(w);
				CHECK(world_up(w));
			}
		}
		world_free(w);
	}
	CHECK(delivered > 100 && broken > 100);
}

/* The engine writes its own section and nothing else */
TEST(pitfall_14_single_writer)
{
	struct world *w = world_new(8192, 3);
	struct shmipc_core_port p0 = world_port(w, 0, 1, 8, 4096, 4000, 0);
	struct shmipc_core_port p1 = world_port(w, 1, 1, 8, 4096, 4000, 0);
	u8 *copy = malloc(w->geo.size);
	u32 n;

	world_run(w);
	for (n = 0; n < 300; n++) {
		struct shmipc_core_tx tx = world_tx(&p1, rnd() % 3000, n);

		world_send(w, 1, 0, &p0, rnd() % 500, n);
		memcpy(copy, w->peers[1].section, w->geo.size);
		victim_acts(w, rnd());
		world_push(w, 0, 1, &tx);
		if (n % 20 == 0)
			shmipc_core_relink(w->peers[0].core, 1);
		while (w->peers[0].received)
			world_consume(w, 0, 0);
		CHECK(!memcmp(copy, w->peers[1].section, w->geo.size));
		world_ring(w, 0, 1);
		world_run(w);
		world_consume_all(w, 1);
	}
	free(copy);
	world_free(w);
}

/* The old incarnation is put back behind a copy that found it gone: too late */
static void take_inc(struct peer *p)
{
	p->in_data = NULL;
	shm_write32(&world_block(p->world, 1, 0)->inc, 0);
}

TEST(incarnation_put_back)
{
	struct shmipc_core_port port;
	struct world *w = setup(&port);
	u32 inc = world_link(w, 1, 0)->own_inc, own = world_link(w, 0, 1)->own_inc;
	struct forged f = world_honest(w, &port, 10);

	world_forge(w, 1, 0, &f);
	w->peers[0].in_data = take_inc;
	world_service(w, 0, 1, 8);
	shm_write32(&world_block(w, 1, 0)->inc, inc);
	shm_write32((__le32 *)world_lane(w, 1, 0) + 1, 400);	/* another length */
	shm_write32((__le32 *)world_lane(w, 1, 0), 1 << 16 | shmipc_record_granules(24, 400));
	world_service(w, 0, 1, 8);
	CHECK(world_link(w, 0, 1)->own_inc && world_link(w, 0, 1)->own_inc != own);
	CHECK_EQ(world_link(w, 0, 1)->stats.errors, 0);
	CHECK_EQ(w->peers[0].received + w->peers[0].live, 0);
	innocent_is_untouched(w);
	world_free(w);
}

/* A peer that changes its mind all the time does not keep a service call busy */
static void flip(struct peer *p)
{
	struct world *w = p->world;

	shm_write32(&world_block(w, 1, 0)->inc, rnd());
}

TEST(service_is_bounded)
{
	struct shmipc_core_port port;
	struct world *w = setup(&port);
	u32 n;

	w->peers[0].in_data = flip;
	for (n = 0; n < 2000; n++) {
		struct forged f = world_honest(w, &port, rnd() % 200);
		u32 before = w->peers[0].datas;

		world_forge(w, 1, 0, &f);
		shm_write32(&world_block(w, 1, 0)->seen, world_link(w, 0, 1)->own_inc);
		shm_write32(&world_block(w, 1, 0)->probe, rnd());
		world_service(w, 0, 1, 8);
		CHECK(w->peers[0].datas - before <= 8);
		innocent_is_untouched(w);
	}
	CHECK_EQ(w->peers[0].received, 0);
	world_free(w);
}
