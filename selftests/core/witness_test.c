// SPDX-License-Identifier: GPL-2.0
/* attach.c: presence where somebody above the peers says who is there */
#include "test.h"
#include "world.h"

static u32 states[WORLD_PEERS];

static u32 witness(void *ctx, u32 peer)
{
	return states[peer];
}

/* Two that have attached, and of whom the witness knows nothing yet */
static struct world *world_witnessed(void)
{
	static struct shmipc_core_ops ops;
	struct world *w = world_raw(8192, 2);
	u32 i;

	ops = world_ops;
	ops.witness = witness;
	memset(states, 0, sizeof(states));
	for (i = 0; i < 2; i++) {
		w->peers[i].core->cfg.ops = &ops;
		shmipc_core_attach(w->peers[i].core);
	}
	return w;
}

static void look(struct world *w)
{
	world_ring(w, 0, 1);
	world_ring(w, 1, 0);
	world_run(w);
}

static u32 epoch(struct world *w, u32 slot)
{
	return shmipc_core_epoch(w->peers[slot].core);
}

static enum shmipc_core_state seen(struct world *w)
{
	return shmipc_core_state(w->peers[0].core, 1);
}

static struct world *world_there(void)
{
	struct world *w = world_witnessed();

	states[0] = epoch(w, 0);
	states[1] = epoch(w, 1);
	look(w);
	CHECK_EQ(seen(w), SHMIPC_LINK_UP);
	w->peers[0].events[1] = 0;
	return w;
}

TEST(nobody_is_there_before_the_witness_says_so)
{
	struct world *w = world_witnessed();

	look(w);
	CHECK_EQ(seen(w), SHMIPC_LINK_ABSENT);
	states[0] = epoch(w, 0);
	look(w);
	CHECK_EQ(seen(w), SHMIPC_LINK_ABSENT);
	states[1] = epoch(w, 1);
	look(w);
	CHECK_EQ(seen(w), SHMIPC_LINK_UP);
	world_free(w);
}

TEST(an_entry_that_is_not_the_epoch_means_nothing)
{
	static const u32 off[] = { 1, ~0U, 0x20000005, 0x80000000 };
	u32 i;

	for (i = 0; i < sizeof(off) / sizeof(*off); i++) {
		struct world *w = world_witnessed();

		states[0] = epoch(w, 0);
		states[1] = (epoch(w, 1) + off[i]) ?: 7;
		look(w);
		CHECK_EQ(seen(w), SHMIPC_LINK_ABSENT);
		world_free(w);
	}
}

TEST(who_crashed_is_gone_though_his_section_is_there)
{
	struct world *w = world_there();

	states[1] = 0;
	look(w);
	CHECK_EQ(seen(w), SHMIPC_LINK_ABSENT);
	CHECK_EQ(w->peers[0].events[1] & (SHMIPC_CORE_DOWN | SHMIPC_CORE_ABSENT),
		 SHMIPC_CORE_DOWN | SHMIPC_CORE_ABSENT);
	/* His next life: another epoch, and first the witness still has nothing */
	world_reboot(w, 1);
	look(w);
	CHECK_EQ(seen(w), SHMIPC_LINK_ABSENT);
	states[1] = epoch(w, 1);
	look(w);
	CHECK_EQ(seen(w), SHMIPC_LINK_UP);
	world_free(w);
}

TEST(an_old_state_does_not_vouch_for_a_new_section)
{
	struct world *w = world_there();

	world_reboot(w, 1);
	look(w);
	CHECK_EQ(seen(w), SHMIPC_LINK_ABSENT);
	world_free(w);
}

TEST(who_is_there_and_is_not_ours_is_foreign)
{
	struct world *w = world_there();

	shm_write32(&world_header(w, 1)->magic, 0x12345678);
	look(w);
	CHECK_EQ(seen(w), SHMIPC_LINK_FOREIGN);
	states[1] = 0;
	look(w);
	CHECK_EQ(seen(w), SHMIPC_LINK_ABSENT);
	world_free(w);
}
