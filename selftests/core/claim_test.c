// SPDX-License-Identifier: GPL-2.0
/* claim.c: slots that nobody hands out */
#include "test.h"
#include "world.h"
#include "divide.h"

#define BYTES	65536
#define PEERS	4

struct place {
	struct shmipc_wire_region *page;
	struct shmipc_division div;
	u32 now;
	u64 rung;		/* by those who claim */
	u64 alive;		/* owners that beat when they are rung */
	struct shmipc_claim owners[PEERS];
	u32 claimers;
};

static struct place *place_new(void)
{
	struct place *p = calloc(1, sizeof(*p));

	p->page = calloc(1, BYTES);
	p->now = 0xffffff00;	/* wraps in the midst of it */
	CHECK_EQ(shmipc_divide_format(&p->div, p->page, BYTES, PEERS, false), 1);
	return p;
}

static void place_free(struct place *p)
{
	free(p->page);
	free(p);
}

static void start(struct place *p, struct shmipc_claim *claim, u32 machine)
{
	u8 uuid[16] = { machine };

	shmipc_claim_init(claim, &p->div, p->page, 1000 + p->claimers++, machine ? uuid : NULL);
}

static void owners_answer(struct place *p, u64 ring)
{
	u32 slot;

	for (slot = 0; slot < PEERS; slot++)
		if (ring & p->alive & 1ULL << slot)
			shmipc_claim_beat(&p->owners[slot]);
	p->rung |= ring;
}

static int finish(struct place *p, struct shmipc_claim *claim)
{
	u64 ring;
	int ret, turns = 0;

	while ((ret = shmipc_claim_step(claim, p->now, &ring)) > 0) {
		CHECK(turns++ < 200);
		owners_answer(p, ring);
		p->now += ret;
	}
	return ret;
}

static int claim(struct place *p, u32 machine)
{
	struct shmipc_claim c;
	int ret;

	start(p, &c, machine);
	ret = finish(p, &c);
	if (ret)
		return ret;
	p->owners[c.slot] = c;
	p->alive |= 1ULL << c.slot;
	return c.slot;
}

TEST(free_slots_first)
{
	struct place *p = place_new();
	u32 i;

	for (i = 0; i < PEERS; i++)
		CHECK_EQ(claim(p, 0), i);
	CHECK_EQ(p->rung, 0);
	shmipc_claim_release(&p->owners[2]);
	CHECK(!shmipc_claim_held(&p->owners[2]));
	CHECK_EQ(claim(p, 0), 2);
	CHECK(shmipc_claim_held(&p->owners[2]));
	place_free(p);
}

TEST(live_owners_keep_theirs)
{
	struct place *p = place_new();
	u32 i, before;

	for (i = 0; i < PEERS; i++)
		claim(p, 0);
	before = p->now;
	CHECK_EQ(claim(p, 0), -EBUSY);
	CHECK(p->now - before >= SHMIPC_CLAIM_SILENCE_MS);
	CHECK_EQ(p->rung, (1 << PEERS) - 1);
	for (i = 0; i < PEERS; i++)
		CHECK(shmipc_claim_held(&p->owners[i]));
	place_free(p);
}

TEST(gone_owners_lose_theirs)
{
	struct place *p = place_new();
	struct shmipc_claim paused;
	u32 i;

	for (i = 0; i < PEERS; i++)
		claim(p, 0);
	p->alive &= ~(1ULL << 1);
	paused = p->owners[1];
	CHECK_EQ(claim(p, 0), 1);
	CHECK(!shmipc_claim_held(&paused));	/* and will see it when it resumes */
	shmipc_claim_release(&paused);		/* which takes nothing from its successor */
	CHECK(shmipc_claim_held(&p->owners[1]));
	CHECK_EQ(claim(p, 0), -EBUSY);
	place_free(p);
}

TEST(own_slot_again)
{
	struct place *p = place_new();
	u32 i;

	for (i = 0; i < PEERS; i++)
		claim(p, 10 + i);
	p->alive = 0;
	CHECK_EQ(claim(p, 12), 2);
	shmipc_claim_release(&p->owners[0]);
	shmipc_claim_release(&p->owners[3]);
	CHECK_EQ(claim(p, 13), 3);
	place_free(p);
}

/* Two machines without a uuid are not the same machine */
TEST(unknown_uuid_is_nobodys)
{
	struct place *p = place_new();
	u32 i;

	claim(p, 9);
	for (i = 1; i < PEERS; i++)
		claim(p, i == 2 ? 0 : 10 + i);
	p->alive = 0;
	CHECK_EQ(claim(p, 0), 0);	/* not slot 2 for being "ours" */
	place_free(p);
}

/* All steps of two claimers, in every order of their first twelve */
TEST(one_each_in_any_order)
{
	u32 order, i;

	for (order = 0; order < 1 << 12; order++) {
		struct place *p = place_new();
		struct shmipc_claim c[2];
		u64 ring;

		start(p, &c[0], 0);
		start(p, &c[1], 0);
		for (i = 0; i < 12; i++) {
			struct shmipc_claim *who = &c[order >> i & 1];

			if (who->state != 99 && !shmipc_claim_step(who, p->now, &ring))
				who->state = 99;	/* done */
			p->now += 7;
		}
		for (i = 0; i < 2; i++)
			if (c[i].state != 99)
				CHECK_EQ(finish(p, &c[i]), 0);
		CHECK(c[0].slot != c[1].slot);
		place_free(p);
	}
}

/* Where one side's compare-and-swap is none, two may take the same slot: one notices */
TEST(one_each_without_atomics)
{
	struct place *p = place_new();
	struct shmipc_claim c[2];
	u64 ring;

	start(p, &c[0], 0);
	start(p, &c[1], 0);
	shmipc_claim_step(&c[0], p->now, &ring);
	shm_write32(&p->page->claims[0].token, 0);	/* the other had read this before */
	shmipc_claim_step(&c[1], p->now, &ring);
	CHECK_EQ(finish(p, &c[0]), 0);
	CHECK_EQ(finish(p, &c[1]), 0);
	CHECK(c[0].slot != c[1].slot);
	CHECK(shmipc_claim_held(&c[0]) && shmipc_claim_held(&c[1]));
	place_free(p);
}

/* Who is told that all slots are taken may ask again later */
TEST(busy_is_not_for_ever)
{
	struct place *p = place_new();
	struct shmipc_claim c;
	u32 i;

	for (i = 0; i < PEERS; i++)
		claim(p, 0);
	start(p, &c, 0);
	CHECK_EQ(finish(p, &c), -EBUSY);
	p->alive = 0;
	CHECK_EQ(finish(p, &c), 0);
	place_free(p);
}

/* Somebody who takes every slot that we take ends the attempt, not us */
TEST(thief_ends_the_attempt)
{
	struct place *p = place_new();
	struct shmipc_claim c;
	int ret = 1, turns = 0;
	u64 ring;

	start(p, &c, 0);
	while (ret > 0 && turns++ < 10000) {
		ret = shmipc_claim_step(&c, p->now, &ring);
		p->now += ret > 0 ? ret : 0;
		shm_write32(&p->page->claims[c.slot].token, 0);
	}
	CHECK_EQ(ret, -EBUSY);
	place_free(p);
}

/* Two divided the region at the same moment, one in another way */
TEST(other_division_is_noticed)
{
	struct place *p = place_new();
	struct shmipc_claim c;

	start(p, &c, 0);
	shm_write32(&p->page->geometry, shmipc_divide_word(p->page) + 1);
	CHECK_EQ(finish(p, &c), -ESTALE);
	place_free(p);
}
