// SPDX-License-Identifier: GPL-2.0
/*
 * driver/port.c, user.c: what a port takes in before it says "full", and who pays for it.
 *
 * Red when: a window is off by one message or byte; room comes back without a RECV (PEEK,
 * EMSGSIZE) or does not come back (DISCARD, RECV); one peer's messages use up another's
 * window; TOTAL_DEPTH counts by peer; counters stop at a power of two; queued bytes are
 * charged to the sender, not uncharged, or not capped.
 */
#include "shmipc_pair.h"
#include "shmipc_cgroup.h"

static char buf[1 << 20];

TEST_F(pair, depth)
{
	static const unsigned int depths[] = { 1, 2, 3, 16, 17, 255, 256, 1000, 4096 };
	unsigned int i, nr;

	for (i = 0; i < ARRAY_SIZE(depths); i++) {
		must_own(.depth = depths[i]);
		EXPECT_EQ(depths[i], fill_window(self->tx, self->peer, self->port));
		ASSERT_TRUE(arrived(self, depths[i]));
		fail_send_now(EAGAIN, self->tx, self->peer, self->port, "x", 1);
		for (nr = 0; nr < depths[i]; nr++)
			must_recv_now(self->rx, buf, 1);
		fail_recv_now(EAGAIN, self->rx, buf, 1);
		must_destroy(self->rx);
	}
}

TEST_F(pair, each_message_taken_makes_room_for_one)
{
	unsigned int i;

	must_own(.depth = 4);
	EXPECT_EQ(4, fill_window(self->tx, self->peer, self->port));
	for (i = 0; i < 100; i++) {
		must_recv(self->rx, &recv_arg(.data = uptr(buf), .len = 1));
		EXPECT_TRUE(happens(!try_send_now(self->tx, self->peer, self->port, "x", 1)));
		fail_send_now(EAGAIN, self->tx, self->peer, self->port, "x", 1);
	}
	for (i = 0; i < 4; i++)
		must_recv(self->rx, &recv_arg(.data = uptr(buf), .len = 1,
					      .flags = SHMIPC_RECV_DISCARD));
	EXPECT_TRUE(happens(!try_send_now(self->tx, self->peer, self->port, "x", 1)));
	EXPECT_EQ(3, fill_window(self->tx, self->peer, self->port));
}

/* 16-bit counters wrap on the way */
TEST_F(pair, many_laps)
{
	struct shmipc_recv in = recv_arg(.data = uptr(buf), .len = sizeof(buf));
	unsigned int i;

	must_own(.depth = 3);
	for (i = 1; i <= 70000; i++) {
		must_send(self->tx, &pair_arg(.type = i, .data = uptr(&i), .len = sizeof(i)));
		must_recv(self->rx, &in);
		ASSERT_EQ(i, in.out_type);
		ASSERT_EQ(i, in.out_seq);
	}
	EXPECT_TRUE(happens(!try_send_now(self->tx, self->peer, self->port, "x", 1)));
	EXPECT_EQ(2, fill_window(self->tx, self->peer, self->port));
}

TEST_F(pair, looking_makes_no_room)
{
	must_own(.depth = 2);
	EXPECT_EQ(2, fill_window(self->tx, self->peer, self->port));
	ASSERT_TRUE(arrived(self, 2));
	must_recv(self->rx, &recv_arg(.data = uptr(buf), .len = 1, .flags = SHMIPC_RECV_PEEK));
	fail_send_now(EAGAIN, self->tx, self->peer, self->port, "x", 1);
	fail_recv_now(EMSGSIZE, self->rx, buf, 0);
	fail_send_now(EAGAIN, self->tx, self->peer, self->port, "x", 1);
	EXPECT_EQ(2, port_queued(self->rx, SELF, self->port));
}

TEST_F(pair, bytes)
{
	unsigned int i;

	must_own(.depth = 4096, .bytes = 64 * 1024);
	for (i = 0; i < 16; i++)
		must_send_now(self->tx, self->peer, self->port, buf, 4096);
	fail_send_now(EAGAIN, self->tx, self->peer, self->port, buf, 4096);
	fail_send_now(EAGAIN, self->tx, self->peer, self->port, buf, 64);
	ASSERT_TRUE(arrived(self, 16));
	EXPECT_EQ(16 * 4096, port_queued_bytes(self->rx, SELF, self->port));
	must_recv_now(self->rx, buf, 4096);
	EXPECT_EQ(15 * 4096, port_queued_bytes(self->rx, SELF, self->port));
	EXPECT_TRUE(happens(!try_send_now(self->tx, self->peer, self->port, buf, 4096)));
	fail_send_now(EAGAIN, self->tx, self->peer, self->port, buf, 64);
}

TEST_F(pair, one_larger_when_empty)
{
	must_own(.bytes = 1024);
	must_send_to(self->tx, self->peer, self->port, buf, 64 * 1024);
	fail_send_now(EAGAIN, self->tx, self->peer, self->port, buf, 1);
	ASSERT_TRUE(arrived(self, 1));
	must_recv_now(self->rx, buf, sizeof(buf));
	ASSERT_TRUE(happens(!try_send_now(self->tx, self->peer, self->port, buf, 64)));
	/* not empty now */
	fail_send_now(EAGAIN, self->tx, self->peer, self->port, buf, 64 * 1024);
	fail_send_now(EAGAIN, self->tx, self->peer, self->port, buf, 1024);
	must_send_now(self->tx, self->peer, self->port, buf, 64);
}

/* Empty messages are bounded by depth alone */
TEST_F(pair, empty_messages_need_depth_only)
{
	unsigned int i;

	must_own(.bytes = 64 * 8, .depth = 8);
	for (i = 0; i < 8; i++)
		must_send_now(self->tx, self->peer, self->port, NULL, 0);
	fail_send_now(EAGAIN, self->tx, self->peer, self->port, NULL, 0);
}

TEST_F(pair, each_peer_has_its_window)
{
	int near = open_dev(variant->rx_dev, O_RDWR);

	must_own(.depth = 4);
	EXPECT_EQ(4, fill_window(self->tx, self->peer, self->port));
	EXPECT_EQ(is_local(variant) ? 0 : 4, fill_window(near, SELF, self->port));
	ASSERT_TRUE(arrived(self, is_local(variant) ? 4 : 8));
	close(near);
}

/* Endpoints of one peer share its window */
TEST_F(pair, endpoints_share_a_window)
{
	int more = open_dev(variant->tx_dev, O_RDWR);

	must_own(.depth = 4);
	must_send_now(more, self->peer, self->port, "x", 1);
	EXPECT_EQ(3, fill_window(self->tx, self->peer, self->port));
	fail_send_now(EAGAIN, more, self->peer, self->port, "x", 1);
	/* what a dead sender left is still there, and still counts */
	close(more);
	ASSERT_TRUE(arrived(self, 4));
	fail_send_now(EAGAIN, self->tx, self->peer, self->port, "x", 1);
}

TEST_F(pair, total_depth)
{
	int near = open_dev(variant->rx_dev, O_RDWR);
	unsigned int i;
	__s64 before;
	int ret;

	must_own(.depth = 4, .flags = SHMIPC_PORT_TOTAL_DEPTH);
	must_send_to(self->tx, self->peer, self->port, "x", 1);
	ASSERT_TRUE(arrived(self, 1));
	EXPECT_EQ(3, fill_window(near, SELF, self->port));
	ASSERT_TRUE(arrived(self, 4));
	/* A peer cannot know of the others' messages: refused, or sent and dropped there */
	for (i = 0; i < 10; i++) {
		before = port_drops(self->rx, SELF, self->port);
		ret = try_send_now(self->tx, self->peer, self->port, "y", 1);
		if (is_local(variant))
			EXPECT_EQ(EAGAIN, ret);
		if (!ret)
			EXPECT_TRUE(happens(port_drops(self->rx, SELF, self->port) == before + 1));
		EXPECT_EQ(4, port_queued(self->rx, SELF, self->port));
	}
	for (i = 0; i < 4; i++)
		must_recv_now(self->rx, buf, 1);
	fail_recv_now(EAGAIN, self->rx, buf, 1);
	/* what was dropped is not lost from the window */
	ASSERT_TRUE(happens(!try_send_now(self->tx, self->peer, self->port, "x", 1)));
	ASSERT_TRUE(arrived(self, 1));
	EXPECT_EQ(3, fill_window(self->tx, self->peer, self->port));
	close(near);
}

TEST_F(pair, too_large_is_never_sent)
{
	must_own(.max_size = 100);
	fail_send_to(EMSGSIZE, self->tx, self->peer, self->port, buf, 101);
	must_send_to(self->tx, self->peer, self->port, buf, 100);
	/* also when there is no room at all: it would never fit */
	must_destroy(self->rx);
	must_own(.max_size = 100, .depth = 1);
	EXPECT_EQ(1, fill_window(self->tx, self->peer, self->port));
	fail_send_to(EMSGSIZE, self->tx, self->peer, self->port, buf, 101);
	fail_send_to(EMSGSIZE, self->tx, self->peer, self->port, buf, ~0U);
}

/* The creator's group pays for what is queued, whoever sent it */
TEST_F(pair, memory_is_charged_to_the_creator)
{
	struct shmipc_info info = info_arg();
	char dir[128];
	__s64 before, full, after;
	unsigned int i;

	if (!cgroup_make(dir, sizeof(dir)))
		SKIP(return, "no memory cgroups here");
	must_info(self->rx, &info);
	ASSERT_TRUE(cgroup_enter(dir));
	must_own(.depth = 64, .bytes = 8 << 20, .max_size = 1 << 20);
	ASSERT_TRUE(cgroup_leave(dir));
	before = cgroup_current(dir);
	ASSERT_LE(0, before);
	for (i = 0; i < 8; i++)
		must_send_to(self->tx, self->peer, self->port, buf, 1 << 20);
	ASSERT_TRUE(arrived(self, 8));
	full = cgroup_current(dir);
	EXPECT_LE(before + (7 << 20), full);
	for (i = 0; i < 8; i++)
		must_recv_now(self->rx, buf, sizeof(buf));
	must_destroy(self->rx);
	/* Freeing is deferred here and there, never lost */
	EXPECT_TRUE(happens((after = cgroup_current(dir)) < before + (2 << 20)))
		TH_LOG("%lld, %lld, %lld", (long long)before, (long long)full, (long long)after);
	cgroup_remove(dir);
}

/* One user's ports together hold no more than the cap; other users are not affected */
TEST_F(pair, a_user_has_a_cap)
{
	struct shmipc_info info = info_arg();
	struct shmipc_port_create own = port_create_arg(.depth = 64, .bytes = 16 << 20,
							.max_size = 1 << 20);
	__u64 sent = 0;
	bool told = false;
	unsigned int i, made = 0;
	int fd[64], ret;

	must_info(self->rx, &info);
	if (!info.out_uid_bytes || info.out_uid_bytes > 192 << 20)
		SKIP(return, "a user's cap is %llu bytes", (unsigned long long)info.out_uid_bytes);
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = open_dev(variant->rx_dev, O_RDWR);
	ASSERT_EQ(0, setresuid(12345, 12345, 0));
	for (i = 0; i < ARRAY_SIZE(fd) && !told; i++) {
		own.port = 1000 + i;
		ret = try_port_create(fd[i], &own);
		EXPECT_TRUE(ret == 0 || ret == EDQUOT) TH_LOG("%d", ret);
		told = ret == EDQUOT;
		made += !ret;
		while (!ret) {
			ret = try_send_now(self->tx, self->peer, own.port, buf, sizeof(buf));
			sent += ret ? 0 : sizeof(buf);
		}
		EXPECT_TRUE(ret == EAGAIN || ret == EDQUOT) TH_LOG("%d", ret);
		told |= ret == EDQUOT;
	}
	ASSERT_EQ(0, setresuid(0, 0, 0));
	EXPECT_TRUE(told);
	EXPECT_LT(0, made);
	EXPECT_GE(info.out_uid_bytes, sent);
	/* somebody else's port is not affected */
	must_own(.bytes = 1 << 20);
	must_send_to(self->tx, self->peer, self->port, buf, 4096);
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	/* and the user can begin again */
	must_destroy(self->rx);
	ASSERT_EQ(0, setresuid(12345, 12345, 0));
	must_own(.bytes = 1 << 20);
	ASSERT_EQ(0, setresuid(0, 0, 0));
	must_send_to(self->tx, self->peer, self->port, buf, 4096);
}

TEST_HARNESS_MAIN
