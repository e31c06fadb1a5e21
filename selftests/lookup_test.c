// SPDX-License-Identifier: GPL-2.0
/*
 * driver/table.c: LOOKUP, by name, now or when it appears.
 *
 * Red when: a name is found where it is not, or at the wrong peer; two owners are not told
 * apart; a waiter misses the name, or waits on when it is there; a bad name is looked for.
 */
#include "shmipc_pair.h"

#define wanted(...)	lookup_arg(.peer = self->peer, .name = "wanted", __VA_ARGS__)

TEST_F(pair, found)
{
	struct shmipc_lookup arg;
	static const __u32 flags[] = { 0, SHMIPC_LOOKUP_WAIT, SHMIPC_LOOKUP_FIRST,
				       SHMIPC_LOOKUP_WAIT | SHMIPC_LOOKUP_FIRST };
	unsigned int i, k;

	must_own(.name = "wanted");
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		const __u32 where[] = { self->peer, own_peer(self->rx), ANY };

		for (k = 0; k < ARRAY_SIZE(where); k++) {
			arg = wanted(.flags = flags[i], .peer = where[k], .out_port = 9);
			must_lookup(self->tx, &arg);
			EXPECT_EQ(own_peer(self->rx), arg.out_peer);
			EXPECT_EQ(self->port, arg.out_port);
			EXPECT_EQ(self->gen, arg.out_generation);
		}
	}
	must_destroy(self->rx);
	arg = wanted(.out_peer = 9, .out_port = 9, .out_generation = 9);
	fail_lookup(ENOENT, self->tx, &arg);
	EXPECT_EQ(0, arg.out_peer);
	EXPECT_EQ(0, arg.out_port);
	EXPECT_EQ(0, arg.out_generation);
}

TEST_F(pair, not_found)
{
	must_own(.name = "wanted");
	fail_lookup(ENOENT, self->tx, &wanted(.name = "wante"));
	fail_lookup(ENOENT, self->tx, &wanted(.name = "wantedd"));
	fail_lookup(ENOENT, self->tx, &wanted(.name = "Wanted"));
	if (!is_local(variant))
		fail_lookup(ENOENT, self->tx, &wanted(.peer = SELF));
}

TEST_F(pair, bad_names)
{
	static const char * const bad[] = { "", "a b", "a/b", "caf\xc3\xa9", "a\n" };
	struct shmipc_lookup arg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		arg = wanted();
		memset(arg.name, 0, sizeof(arg.name));
		strncpy(arg.name, bad[i], sizeof(arg.name) - 1);
		fail_lookup(EINVAL, self->tx, &arg);
		arg.flags = SHMIPC_LOOKUP_WAIT;
		fail_lookup(EINVAL, self->tx, &arg);
	}
	memset(arg.name, 'a', sizeof(arg.name));
	fail_lookup(EINVAL, self->tx, &arg);
}

TEST_F(pair, no_such_peer)
{
	fail_lookup(EHOSTUNREACH, self->tx, &wanted(.peer = 63));
	fail_lookup(EHOSTUNREACH, self->tx, &wanted(.peer = 2));
	fail_lookup(EHOSTUNREACH, self->tx, &wanted(.peer = 63, .flags = SHMIPC_LOOKUP_WAIT));
}

TEST_F(pair, two_owners)
{
	struct shmipc_lookup arg = wanted(.peer = ANY, .out_port = 9);

	if (is_local(variant))
		return;
	must_own(.name = "wanted", .port = 100);
	must_port_create(self->tx, &port_create_arg(.name = "wanted", .port = 101));
	fail_lookup(ENOTUNIQ, self->tx, &arg);
	EXPECT_EQ(0, arg.out_port);
	fail_lookup(ENOTUNIQ, self->tx, &wanted(.peer = ANY, .flags = SHMIPC_LOOKUP_WAIT));
	arg.flags = SHMIPC_LOOKUP_FIRST;
	must_lookup(self->tx, &arg);
	EXPECT_EQ(0, arg.out_peer);
	EXPECT_EQ(own_peer(self->rx) == 0 ? 100 : 101, arg.out_port);
	arg = wanted();
	must_lookup(self->tx, &arg);
	EXPECT_EQ(100, arg.out_port);
}

TEST_F(pair, waits_until_it_appears)
{
	struct shmipc_lookup arg[3];
	struct job job[3];
	unsigned int i;

	arg[0] = wanted(.flags = SHMIPC_LOOKUP_WAIT);
	arg[1] = wanted(.flags = SHMIPC_LOOKUP_WAIT, .peer = ANY);
	arg[2] = wanted(.flags = SHMIPC_LOOKUP_WAIT | SHMIPC_LOOKUP_FIRST, .peer = ANY,
			.deadline = now_ns() + GUARD_S * 1000 * MS);
	for (i = 0; i < 3; i++) {
		must_start(&job[i], self->tx, SHMIPC_LOOKUP, &arg[i]);
		ASSERT_TRUE(job_blocked(&job[i]));
	}
	/* another name does not end it */
	must_own(.name = "unwanted");
	must_destroy(self->rx);
	for (i = 0; i < 3; i++)
		ASSERT_TRUE(job_blocked(&job[i]));
	must_own(.name = "wanted");
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, job_end(&job[i]));
		EXPECT_EQ(self->port, arg[i].out_port);
		EXPECT_EQ(self->gen, arg[i].out_generation);
		EXPECT_EQ(own_peer(self->rx), arg[i].out_peer);
	}
}

TEST_HARNESS_MAIN
