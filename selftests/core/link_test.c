// SPDX-License-Identifier: GPL-2.0
/* link.c, attach.c: handshake, incarnations, restarts */
#include "test.h"
#include "world.h"

static struct world *pair(void)
{
	return world_new(8192, 2);
}

static void relink(struct world *w, u32 slot, u32 peer)
{
	shmipc_core_relink(w->peers[slot].core, peer);
	world_ring(w, slot, peer);
	world_run(w);
}

static void clear_events(struct world *w)
{
	u32 i, j;

	for (i = 0; i < w->n; i++)
		for (j = 0; j < w->n; j++)
			w->peers[i].events[j] = 0;
}

TEST(relink_brings_both_down_and_up)
{
	struct world *w = pair();

	clear_events(w);
	relink(w, 0, 1);
	CHECK(world_up(w));
	CHECK_EQ(w->peers[0].events[1] & 3, SHMIPC_CORE_DOWN | SHMIPC_CORE_UP);
	CHECK_EQ(w->peers[1].events[0] & 3, SHMIPC_CORE_DOWN | SHMIPC_CORE_UP);
	CHECK(!(w->peers[1].events[0] & (SHMIPC_CORE_PROTO | SHMIPC_CORE_ABSENT)));
	world_free(w);
}

/* Records in the lane of the old incarnation do not arrive, in either direction */
TEST(nothing_stale_is_delivered)
{
	u32 who, i;

	for (who = 0; who < 2; who++) {
		struct world *w = pair();
		struct shmipc_core_port p0 = world_port(w, 0, 1, 16, 4096, 4096, 0);
		struct shmipc_core_port p1 = world_port(w, 1, 1, 16, 4096, 4096, 0);

		CHECK_EQ(world_send(w, 0, 1, &p1, 50, 1), 0);
		CHECK_EQ(world_send(w, 1, 0, &p0, 50, 1), 0);
		world_run(w);
		world_consume_all(w, 0);
		world_consume_all(w, 1);
		for (i = 0; i < 3; i++) {
			CHECK_EQ(world_send(w, 0, 1, &p1, 50, 1), 0);
			CHECK_EQ(world_send(w, 1, 0, &p0, 50, 1), 0);
		}
		relink(w, who, !who);
		CHECK(world_up(w));
		CHECK_EQ(w->peers[0].received + w->peers[1].received, 0);
		CHECK_EQ(world_send(w, 0, 1, &p1, 51, 2), 0);
		CHECK_EQ(world_send(w, 1, 0, &p0, 51, 2), 0);
		world_run(w);
		CHECK(world_intact(w->peers[0].inbox[0], 2));
		CHECK(world_intact(w->peers[1].inbox[0], 2));
		world_free(w);
	}
}

TEST(reboot_of_either_side_at_any_moment)
{
	u32 n;

	for (n = 0; n < 40; n++) {
		struct world *w = pair();
		struct shmipc_core_port p1 = world_port(w, 1, 1, 16, 4096, 4096, 0);
		u32 k;

		world_send(w, 0, 1, &p1, 50, 1);
		world_reboot(w, n & 1);
		for (k = 0; k < n / 2 % 5; k++)
			world_service(w, k & 1, !(k & 1), 4);
		if (n > 20)
			world_reboot(w, !(n & 1));
		world_run(w);
		CHECK(world_up(w));
		CHECK_EQ(w->peers[1].received, 0);
		p1 = world_port(w, 1, 2, 16, 4096, 4096, 0);
		CHECK_EQ(world_send(w, 0, 1, &p1, 60, 7), 0);
		world_run(w);
		CHECK_EQ(w->peers[1].received, 1);
		CHECK(world_intact(w->peers[1].inbox[0], 7));
		world_free(w);
	}
}

/* A violation breaks one link, not its neighbours, and relink mends it */
TEST(pitfall_03_one_link_restarts_alone)
{
	struct world *w = world_new(8192, 3);
	u32 epoch = shmipc_core_epoch(w->peers[0].core);
	u32 other = world_link(w, 0, 2)->own_inc;

	clear_events(w);
	shm_write32(&world_block(w, 1, 0)->rd, 12345);
	world_service(w, 0, 1, 8);
	CHECK(world_broken(w, 0, 1));
	CHECK_EQ(shmipc_core_state(w->peers[0].core, 2), SHMIPC_LINK_UP);
	CHECK_EQ(shmipc_core_epoch(w->peers[0].core), epoch);
	CHECK_EQ(world_link(w, 0, 2)->own_inc, other);
	CHECK_EQ(w->peers[0].events[2] | w->peers[2].events[0], 0);
	world_run(w);
	CHECK_EQ(shmipc_core_state(w->peers[1].core, 0), SHMIPC_LINK_JOINING);
	relink(w, 0, 1);
	CHECK(world_up(w));
	CHECK_EQ(world_link(w, 0, 1)->stats.errors, 1);
	world_free(w);
}

/* The same nonsense counts for nothing if the peer has restarted meanwhile */
TEST(pitfall_03_violation_by_a_restarting_peer_does_not_count)
{
	struct world *w = pair();

	shm_write32(&world_block(w, 1, 0)->rd, 12345);
	shm_write32(&world_block(w, 1, 0)->inc, 0);
	world_lock(w, 0, 1);		/* a sender comes upon it before the servicer does */
	CHECK_EQ(shmipc_tx_refresh(w->peers[0].core, world_link(w, 0, 1)), -ENOTCONN);
	world_unlock(w, 0, 1);
	CHECK_EQ(shmipc_core_state(w->peers[0].core, 1), SHMIPC_LINK_JOINING);
	world_service(w, 0, 1, 8);
	CHECK_EQ(world_link(w, 0, 1)->stats.errors, 0);
	CHECK_EQ(shmipc_core_state(w->peers[0].core, 1), SHMIPC_LINK_JOINING);
	shmipc_core_relink(w->peers[1].core, 0);
	world_ring(w, 1, 0);
	world_run(w);
	CHECK(world_up(w));
	world_free(w);
}

/* No entropy, warm memory: a new incarnation is neither the old nor what a peer holds */
TEST(pitfall_04_incarnation_aba)
{
	struct world *w = pair();
	u32 old = world_link(w, 0, 1)->own_inc;
	u32 epoch = shmipc_core_epoch(w->peers[0].core);

	world_reboot(w, 0);	/* ops->random gives 0 */
	CHECK(world_link(w, 0, 1)->own_inc != old);
	CHECK(shmipc_core_epoch(w->peers[0].core) != epoch);
	world_run(w);
	CHECK(world_up(w));

	/* our section was wiped, the peer remembers what we would pick */
	memset(w->peers[0].section, 0, w->geo.table);
	shm_write32(&world_block(w, 1, 0)->seen, 1);
	world_reboot(w, 0);
	CHECK(world_link(w, 0, 1)->own_inc != 1);

	/* random repeats the value that is in memory */
	w->peers[0].random = world_link(w, 0, 1)->own_inc;
	old = w->peers[0].random;
	world_reboot(w, 0);
	CHECK(world_link(w, 0, 1)->own_inc != old && world_link(w, 0, 1)->own_inc);
	world_run(w);
	CHECK(world_up(w));
	world_free(w);
}

/* The pair that went down without a new incarnation is not used again */
TEST(old_pair_is_not_resurrected)
{
	struct world *w = pair();
	struct shmipc_core_port p = world_port(w, 0, 1, 16, 4096, 4096, 0);
	u32 inc = world_link(w, 1, 0)->own_inc;
	u32 own = world_link(w, 0, 1)->own_inc;

	world_run(w);
	CHECK_EQ(world_send(w, 1, 0, &p, 40, 3), 0);
	w->peers[0].rung[1] = false;
	shm_write32(&world_block(w, 1, 0)->inc, 0);
	world_service(w, 0, 1, 8);
	shm_write32(&world_block(w, 1, 0)->inc, inc);
	world_service(w, 0, 1, 8);
	CHECK(world_link(w, 0, 1)->own_inc != own);
	world_run(w);
	CHECK(world_up(w));
	CHECK_EQ(w->peers[0].received, 0);
	world_free(w);
}

TEST(detach_is_absent_and_comes_back)
{
	struct world *w = pair();

	clear_events(w);
	shmipc_core_detach(w->peers[1].core);
	world_ring(w, 1, 0);
	world_run(w);
	CHECK_EQ(shmipc_core_state(w->peers[0].core, 1), SHMIPC_LINK_ABSENT);
	CHECK_EQ(w->peers[0].events[1] & 7, SHMIPC_CORE_DOWN | SHMIPC_CORE_ABSENT);
	CHECK_EQ(shmipc_core_peer_epoch(w->peers[0].core, 1), 0);
	clear_events(w);
	world_service(w, 0, 1, 8);
	CHECK_EQ(w->peers[0].events[1], 0);
	shmipc_core_attach(w->peers[1].core);
	world_ring(w, 1, 0);
	world_run(w);
	CHECK(world_up(w));
	CHECK(shmipc_core_peer_epoch(w->peers[0].core, 1));
	world_free(w);
}

TEST(foreign_sections)
{
	static const size_t offsets[] = { 0, 4, 12, 16, 20, 24 };
	struct world *w = pair();
	u32 i;

	for (i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		__le32 *word = (__le32 *)(w->peers[1].section + offsets[i]);
		u32 was = shm_read32(word);

		shm_write32(word, was + 1);
		world_service(w, 0, 1, 8);
		CHECK_EQ(shmipc_core_state(w->peers[0].core, 1), SHMIPC_LINK_FOREIGN);
		shm_write32(word, was);
		world_ring(w, 1, 0);
		world_run(w);
		CHECK(world_up(w));
	}
	shm_write32(&world_block(w, 1, 0)->lane_granule, 1);
	world_service(w, 0, 1, 8);
	CHECK_EQ(shmipc_core_state(w->peers[0].core, 1), SHMIPC_LINK_FOREIGN);
	world_free(w);
}

TEST(pitfall_22_stalled_peer_relinks_by_itself)
{
	struct world *w = pair();

	clear_events(w);
	shmipc_core_stall(w->peers[0].core, 1);
	CHECK_EQ(shmipc_core_state(w->peers[0].core, 1), SHMIPC_LINK_STALLED);
	CHECK(w->peers[0].events[1] & SHMIPC_CORE_DOWN);
	CHECK_EQ(w->peers[0].down_state[1], SHMIPC_LINK_STALLED);
	world_service(w, 0, 1, 8);
	CHECK_EQ(shmipc_core_state(w->peers[0].core, 1), SHMIPC_LINK_STALLED);
	world_ring(w, 0, 1);	/* it wakes */
	world_run(w);
	CHECK(world_up(w));
	world_free(w);
}

/* Whoever is told that it went sees that it has gone */
TEST(state_is_stored_before_it_is_told)
{
	struct world *w = pair();

	shmipc_core_detach(w->peers[1].core);
	world_service(w, 0, 1, 8);
	CHECK(w->peers[0].events[1] & SHMIPC_CORE_ABSENT);
	CHECK_EQ(w->peers[0].down_state[1], SHMIPC_LINK_ABSENT);
	world_free(w);
}

/* What one side stored before the other came up, the other has not looked at */
TEST(coming_up_rings)
{
	struct world *w = world_raw(8192, 2);
	u32 i, k;

	shmipc_core_attach(w->peers[0].core);
	shmipc_core_attach(w->peers[1].core);
	for (i = 0; i < 4; i++)
		for (k = 0; k < 2; k++) {
			bool up = world_link(w, k, !k)->up;
			u32 flags = world_service(w, k, !k, 8);

			if (!up && world_link(w, k, !k)->up)
				CHECK(flags & SHMIPC_SERVICE_RING);
		}
	CHECK(world_up(w));
	world_free(w);
}

/* A violation that is found while a stream is given up ends the push, too */
TEST(violation_in_aborts_ends_the_push)
{
	struct world *w = pair();
	struct shmipc_core_port p1 = world_port(w, 1, 1, 64, 4096, 60000, 0);
	struct shmipc_core_tx big = world_tx(&p1, 50000, 1), small = world_tx(&p1, 10, 1), tx;
	bool ring = false;

	world_run(w);
	CHECK_EQ(world_push(w, 0, 1, &big), 1);
	while (world_push(w, 0, 1, &big) == 1)
		;
	do	/* no room for the ABORT either */
		tx = small;
	while (!world_push(w, 0, 1, &tx));
	world_lock(w, 0, 1);
	shmipc_core_push_abort(w->peers[0].core, 1, &big, &ring);
	world_unlock(w, 0, 1);
	shm_write32(&world_block(w, 1, 0)->rd, 12345);
	CHECK_EQ(world_push(w, 0, 1, &small), -EPROTO);
	CHECK_EQ(shmipc_core_state(w->peers[0].core, 1), SHMIPC_LINK_BROKEN);
	world_free(w);
}

TEST(pitfall_15_rollback_is_noticed)
{
	struct world *w = pair();
	struct shmipc_core_port p0 = world_port(w, 0, 1, 16, 4096, 4096, 0);
	struct shmipc_core_port p1 = world_port(w, 1, 1, 16, 4096, 4096, 0);
	u8 *snapshot = malloc(w->geo.size);
	u32 step;

	for (step = 0; step < 4; step++) {
		memcpy(snapshot, w->peers[0].section, w->geo.size);
		CHECK(shmipc_core_verify(w->peers[0].core));
		if (step == 0)
			CHECK_EQ(world_send(w, 0, 1, &p1, 40, 1), 0);
		if (step == 1)
			CHECK_EQ(world_send(w, 1, 0, &p0, 40, 1), 0);
		if (step == 2)
			shmipc_core_relink(w->peers[0].core, 1);
		if (step == 3)
			world_reboot(w, 0);
		world_ring(w, 0, 1);
		world_run(w);
		CHECK(shmipc_core_verify(w->peers[0].core));
		memcpy(w->peers[0].section, snapshot, w->geo.size);
		CHECK(!shmipc_core_verify(w->peers[0].core));
		relink(w, 0, 1);
		world_reboot(w, 0);
		world_run(w);
		CHECK(world_up(w));
		p0 = world_port(w, 0, 1, 16, 4096, 4096, 0);
	}
	free(snapshot);
	world_free(w);
}

/* A hook that restarts the peer in the midst of our copying its record */
static void restart_sender(struct peer *p)
{
	p->in_data = NULL;
	shmipc_core_relink(p->world->peers[1].core, 0);
}

TEST(pitfall_03_restart_during_copy_is_not_committed)
{
	struct world *w = pair();
	struct shmipc_core_port p = world_port(w, 0, 1, 16, 4096, 4096, 0);

	world_run(w);
	CHECK_EQ(world_send(w, 1, 0, &p, 40, 3), 0);
	w->peers[0].in_data = restart_sender;
	world_run(w);
	CHECK_EQ(w->peers[0].opens, 1);
	CHECK_EQ(w->peers[0].received, 0);
	CHECK_EQ(w->peers[0].live, 0);
	world_ring(w, 1, 0);
	world_run(w);
	CHECK(world_up(w));
	CHECK_EQ(world_link(w, 0, 1)->rx_ports[p.slot].flight, 0);
	world_free(w);
}

TEST(no_section_is_absent)
{
	struct world *w = pair();

	shmipc_core_set_peer(w->peers[0].core, 1, NULL);
	CHECK_EQ(world_service(w, 0, 1, 8), 0);
	CHECK_EQ(shmipc_core_state(w->peers[0].core, 9), SHMIPC_LINK_ABSENT);
	shmipc_core_set_peer(w->peers[0].core, 1, w->peers[1].section);
	world_free(w);
}

TEST(names_are_made_printable)
{
	struct world *w = pair();
	char name[32];

	shmipc_core_peer_name(w->peers[0].core, 1, name);
	CHECK(!strcmp(name, "peer"));
	memset(world_header(w, 1)->name, 0x1b, 32);
	shmipc_core_peer_name(w->peers[0].core, 1, name);
	CHECK_EQ(strlen(name), 31);
	CHECK_EQ(name[0], '?');
	CHECK_EQ(shmipc_core_peer_doorbell(w->peers[0].core, 1, NULL), 1);
	world_free(w);
}
