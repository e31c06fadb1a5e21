// SPDX-License-Identifier: GPL-2.0
/*
 * driver/port.c: which ports exist, what they are called, and how they end. The windows are
 * in window_test.c.
 *
 * Red when: a number or name is given twice; an endpoint gets two ports; a number is not
 * free after close; the successor has its predecessor's generation; a pinned destination
 * reaches the successor; a limit is off by one; a name with a bad character is taken;
 * a blocked sender or receiver is not woken, or with another errno; a LOCAL port is seen
 * by another peer; the published table leaks rows.
 */
#include "shmipc_pair.h"

TEST_F(pair, create_and_destroy)
{
	struct shmipc_port_create arg = port_create_arg(.port = 100);
	struct shmipc_port_info row;

	must_port_create(self->rx, &arg);
	EXPECT_EQ(100, arg.out_port);
	EXPECT_NE(0, arg.out_generation);
	must_port_row(self->tx, self->peer, 100, &row);
	EXPECT_EQ(arg.out_generation, row.generation);
	must_destroy(self->rx);
	fail_port_row(ENOENT, self->tx, self->peer, 100, &row);
	fail_send_to(ECONNREFUSED, self->tx, self->peer, 100, "x", 1);
	fail_destroy(ENOTCONN, self->rx);
	fail_recv_now(ENOTCONN, self->rx, NULL, 0);
}

TEST_F(pair, defaults)
{
	struct shmipc_port_info row;

	must_own();
	must_port_row(self->tx, self->peer, self->port, &row);
	EXPECT_EQ(SHMIPC_DEPTH_DEFAULT, row.depth);
	EXPECT_EQ(SHMIPC_BYTES_DEFAULT, row.bytes);
	EXPECT_EQ(SHMIPC_MSG_DEFAULT, row.max_size);
}

TEST_F(pair, one_port_each)
{
	must_own(.port = 100);
	fail_port_create(EISCONN, self->rx, &port_create_arg(.port = 101));
	fail_port_create(EISCONN, self->rx, &port_create_arg(.port = 100));
	fail_port_create(EISCONN, self->rx, &port_create_arg());
	must_destroy(self->rx);
	must_own(.port = 101);
}

TEST_F(pair, numbers)
{
	static const __u32 good[] = { 1, 2, 255, 256, 49151, 49152, 65534, 65535 };
	static const __u32 bad[] = { 65536, 65537, 0x10001, 0x80000000, 0xffffffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		must_own(.port = good[i]);
		EXPECT_EQ(good[i], self->port);
		must_send_to(self->tx, self->peer, self->port, "x", 1);
		must_destroy(self->rx);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct shmipc_port_create arg = port_create_arg(.port = bad[i], .out_port = 9);

		fail_port_create(EINVAL, self->rx, &arg);
		EXPECT_EQ(0, arg.out_port);
		EXPECT_EQ(0, arg.out_generation);
	}
}

TEST_F(pair, taken_number)
{
	int other = open_dev(variant->rx_dev, O_RDWR);

	ASSERT_LE(0, other);
	must_own(.port = 100);
	fail_port_create(EADDRINUSE, other, &port_create_arg(.port = 100));
	/* each peer has numbers of its own */
	if (!is_local(variant))
		must_port_create(self->tx, &port_create_arg(.port = 100));
	must_destroy(self->rx);
	must_port_create(other, &port_create_arg(.port = 100));
	close(other);
}

TEST_F(pair, dynamic_numbers)
{
	struct shmipc_port_create a = port_create_arg(), b = port_create_arg();
	int other = open_dev(variant->rx_dev, O_RDWR);

	must_port_create(self->rx, &a);
	must_port_create(other, &b);
	EXPECT_LE(SHMIPC_PORT_DYNAMIC, a.out_port);
	EXPECT_GE(SHMIPC_PORT_MAX, a.out_port);
	EXPECT_LE(SHMIPC_PORT_DYNAMIC, b.out_port);
	EXPECT_NE(a.out_port, b.out_port);
	close(other);
}

TEST_F(pair, limits)
{
	struct shmipc_info info = info_arg();

	must_info(self->rx, &info);
	fail_port_create(EINVAL, self->rx, &port_create_arg(.depth = info.out_max_depth + 1));
	fail_port_create(EINVAL, self->rx, &port_create_arg(.depth = ~0U));
	fail_port_create(EINVAL, self->rx, &port_create_arg(.bytes = info.out_max_bytes + 1));
	fail_port_create(EINVAL, self->rx, &port_create_arg(.bytes = ~0U));
	fail_port_create(EINVAL, self->rx, &port_create_arg(.max_size = info.out_max_msg + 1));
	fail_port_create(EINVAL, self->rx, &port_create_arg(.max_size = ~0U));
	must_own(.depth = info.out_max_depth, .bytes = info.out_max_bytes,
		 .max_size = info.out_max_msg);
	must_destroy(self->rx);
	must_own(.depth = 1, .bytes = 1, .max_size = 1);
	must_send_to(self->tx, self->peer, self->port, "x", 1);
	fail_send_to(EMSGSIZE, self->tx, self->peer, self->port, "xy", 2);
}

TEST_F(pair, names)
{
	static const char * const good[] = {
		"a", "A-Z_0.9", "x.y-z", "0123456789012345678901234567890", "...", "-", "_",
	};
	static const char * const bad[] = {
		"a b", "a/b", "\t", "caf\xc3\xa9", "a\n", "*", "a:b", "\x7f", "%s", "a\\b",
	};
	struct shmipc_port_create arg;
	struct shmipc_port_info row;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		arg = port_create_arg(.port = 100);
		strncpy(arg.name, good[i], sizeof(arg.name) - 1);
		must_port_create(self->rx, &arg);
		must_port_row(self->tx, self->peer, 100, &row);
		EXPECT_STREQ(good[i], row.name);
		must_destroy(self->rx);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		arg = port_create_arg(.port = 100);
		strncpy(arg.name, bad[i], sizeof(arg.name) - 1);
		fail_port_create(EINVAL, self->rx, &arg) TH_LOG("'%s'", bad[i]);
	}
	arg = port_create_arg(.port = 100);
	memset(arg.name, 'a', sizeof(arg.name));
	fail_port_create(EINVAL, self->rx, &arg);
}

TEST_F(pair, taken_name)
{
	int other = open_dev(variant->rx_dev, O_RDWR);

	must_own(.port = 100, .name = "same");
	fail_port_create(EEXIST, other, &port_create_arg(.port = 101, .name = "same"));
	must_port_create(other, &port_create_arg(.port = 101, .name = "sam"));
	must_destroy(other);
	/* another peer's names are its own affair; nameless ports do not collide */
	if (!is_local(variant)) {
		must_port_create(self->tx, &port_create_arg(.port = 101, .name = "same"));
		must_destroy(self->tx);
	}
	must_destroy(self->rx);
	must_port_create(other, &port_create_arg(.port = 101, .name = "same"));
	close(other);
}

/* A refused CREATE leaves no trace */
TEST_F(pair, failed_create_takes_nothing)
{
	int other = open_dev(variant->rx_dev, O_RDWR);

	must_own(.port = 100, .name = "taken");
	fail_port_create(EEXIST, other, &port_create_arg(.port = 101, .name = "taken"));
	fail_port_create(EADDRINUSE, other, &port_create_arg(.port = 100, .name = "free"));
	fail_port_create(EINVAL, other, &port_create_arg(.port = 102, .name = "fr ee"));
	EXPECT_EQ(1, ports_total(self->rx));
	must_port_create(other, &port_create_arg(.port = 101, .name = "free"));
	close(other);
}

TEST_F(pair, generations)
{
	__u32 last = 0;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		must_own(.port = 100);
		EXPECT_NE(last, self->gen);
		EXPECT_NE(0, self->gen);
		must_send(self->tx, &pair_arg(.generation = self->gen));
		if (last)
			fail_send(ECONNRESET, self->tx, &pair_arg(.generation = last));
		fail_send(ECONNRESET, self->tx, &pair_arg(.generation = self->gen + 1));
		must_send(self->tx, &pair_arg(.generation = 0));
		ASSERT_TRUE(arrived(self, 2));
		last = self->gen;
		must_destroy(self->rx);
	}
}

/* A destination stays pinned to the port that it was connected to */
TEST_F(pair, connect_is_pinned)
{
	struct shmipc_connect arg;

	must_own(.port = 100);
	arg = connect_arg(.peer = self->peer, .port = 100);
	must_connect(self->tx, &arg);
	EXPECT_EQ(self->gen, arg.out_generation);
	EXPECT_EQ(own_peer(self->rx), arg.out_peer);
	must_send(self->tx, &send_arg(.data = uptr("x"), .len = 1));
	must_destroy(self->rx);
	fail_send(ECONNREFUSED, self->tx, &send_arg());
	must_own(.port = 100);
	fail_send(ECONNRESET, self->tx, &send_arg());
	fail_send(ECONNRESET, self->tx, &send_arg());
	must_destroy(self->rx);
	must_own(.port = 100);
	fail_send(ECONNRESET, self->tx, &send_arg());
	/* an explicit destination is not affected */
	must_send(self->tx, &pair_arg());
	must_connect(self->tx, &connect_arg(.peer = self->peer, .port = 100));
	must_send(self->tx, &send_arg());
	ASSERT_TRUE(arrived(self, 2));
}

TEST_F(pair, connect_errors)
{
	must_own(.port = 100);
	fail_connect(ECONNREFUSED, self->tx, &connect_arg(.peer = self->peer, .port = 101));
	fail_connect(ECONNRESET, self->tx, &connect_arg(.peer = self->peer, .port = 100,
							.generation = self->gen + 1));
	fail_connect(EHOSTUNREACH, self->tx, &connect_arg(.peer = 63, .port = 100));
	fail_connect(EHOSTUNREACH, self->tx, &connect_arg(.peer = 0x7fffffff, .port = 100));
	fail_connect(EINVAL, self->tx, &connect_arg(.peer = self->peer, .port = 65536));
	fail_send(EDESTADDRREQ, self->tx, &send_arg());
	must_connect(self->tx, &connect_arg(.peer = self->peer, .port = 100,
					    .generation = self->gen));
	/* a failed CONNECT leaves the destination alone */
	fail_connect(ECONNREFUSED, self->tx, &connect_arg(.peer = self->peer, .port = 101));
	must_send(self->tx, &send_arg());
	/* the peer is ignored when disconnecting */
	must_connect(self->tx, &connect_arg(.peer = 12345, .port = SHMIPC_PORT_NONE));
	fail_send(EDESTADDRREQ, self->tx, &send_arg());
	must_connect(self->tx, &connect_arg(.port = SHMIPC_PORT_NONE));
}

TEST_F(pair, local_port_is_not_published)
{
	struct shmipc_port_info row;

	must_own(.port = 100, .flags = SHMIPC_PORT_LOCAL, .name = "hidden");
	must_port_row(self->rx, SELF, 100, &row);
	EXPECT_EQ(SHMIPC_PORT_LOCAL, row.flags);
	if (is_local(variant)) {
		must_send_to(self->tx, SELF, 100, "x", 1);
		must_lookup(self->tx, &lookup_arg(.peer = SELF, .name = "hidden"));
		must_connect(self->tx, &connect_arg(.peer = SELF, .port = 100));
		return;
	}
	fail_port_row(ENOENT, self->tx, self->peer, 100, &row);
	fail_send_to(ECONNREFUSED, self->tx, self->peer, 100, "x", 1);
	fail_lookup(ENOENT, self->tx, &lookup_arg(.peer = self->peer, .name = "hidden"));
	fail_lookup(ENOENT, self->tx, &lookup_arg(.peer = ANY, .name = "hidden"));
	fail_connect(ECONNREFUSED, self->tx, &connect_arg(.peer = self->peer, .port = 100));
}

/* Own ports by our own peer id, not only as SELF */
TEST_F(pair, self_by_number)
{
	must_own();
	must_send_to(self->rx, own_peer(self->rx), self->port, "x", 1);
	must_connect(self->rx, &connect_arg(.peer = own_peer(self->rx), .port = self->port));
	must_send(self->rx, &send_arg());
	EXPECT_EQ(2, port_queued(self->rx, SELF, self->port));
}

TEST_F(pair, close_frees_and_discards)
{
	int other = open_dev(variant->rx_dev, O_RDWR);
	struct shmipc_port_destroy arg = port_destroy_arg();

	must_port_create(other, &port_create_arg(.port = 100, .name = "again"));
	must_send_to(self->tx, self->peer, 100, "x", 1);
	close(other);
	fail_send_to(ECONNREFUSED, self->tx, self->peer, 100, "x", 1);
	must_own(.port = 100, .name = "again");
	fail_recv_now(EAGAIN, self->rx, NULL, 0);
	must_send_to(self->tx, self->peer, 100, "x", 1);
	must_send_to(self->tx, self->peer, 100, "x", 1);
	ASSERT_TRUE(arrived(self, 2));
	must_port_destroy(self->rx, &arg);
	EXPECT_EQ(2, arg.out_discarded);
}

TEST_F(pair, blocked_senders_are_refused)
{
	struct shmipc_send arg[3];
	struct job job[3];
	unsigned int i;

	must_own(.depth = 2);
	EXPECT_EQ(2, fill_window(self->tx, self->peer, self->port));
	for (i = 0; i < 3; i++) {
		arg[i] = pair_arg(.out_state = 9);
		must_start(&job[i], self->tx, SHMIPC_SEND, &arg[i]);
		ASSERT_TRUE(job_blocked(&job[i]));
	}
	ASSERT_TRUE(happens(port_senders(self->tx, self->peer, self->port) == 3));
	must_destroy(self->rx);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(ECONNREFUSED, job_end(&job[i]));
		EXPECT_EQ(SHMIPC_STATE_NOT_SENT, arg[i].out_state);
	}
}

/* The same when the owner closes the file and the number is taken again at once */
TEST_F(pair, blocked_sender_misses_the_successor)
{
	int other = open_dev(variant->rx_dev, O_RDWR);
	struct shmipc_send arg;
	struct job job;
	int ret;

	must_port_create(other, &port_create_arg(.port = 100, .depth = 1));
	self->port = 100;
	EXPECT_EQ(1, fill_window(self->tx, self->peer, 100));
	arg = pair_arg(.data = uptr("old"), .len = 3);
	must_start(&job, self->tx, SHMIPC_SEND, &arg);
	ASSERT_TRUE(job_blocked(&job));
	close(other);
	must_own(.port = 100, .depth = 1);
	ret = job_end(&job);
	EXPECT_TRUE(ret == ECONNREFUSED || ret == ECONNRESET) TH_LOG("%d", ret);
	fail_recv_now(EAGAIN, self->rx, NULL, 0);
}

TEST_F(pair, blocked_receivers_are_told)
{
	struct shmipc_recv arg[3];
	struct job job[3];
	unsigned int i;

	must_own();
	for (i = 0; i < 3; i++) {
		arg[i] = recv_arg();
		must_start(&job[i], self->rx, SHMIPC_RECV, &arg[i]);
		ASSERT_TRUE(job_blocked(&job[i]));
	}
	ASSERT_TRUE(happens(port_waiters(self->rx, SELF, self->port) == 3));
	must_destroy(self->rx);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(ENOTCONN, job_end(&job[i]));
	/* the endpoint can own another one */
	must_own();
	must_send_to(self->tx, self->peer, self->port, "x", 1);
	ASSERT_TRUE(arrived(self, 1));
}

/* As many as the section publishes; then LOCAL ones only; all come free again */
TEST_F(pair, published_table_is_full)
{
	struct shmipc_info info = info_arg();
	struct rlimit limit = { 8192, 8192 };
	unsigned int i, made, round;
	int *fd;

	must_info(self->rx, &info);
	ASSERT_LT(0, info.out_max_ports);
	if (setrlimit(RLIMIT_NOFILE, &limit))
		SKIP(return, "needs to open %u files", info.out_max_ports);
	fd = calloc(info.out_max_ports + 2, sizeof(*fd));
	for (round = 0; round < 2; round++) {
		for (made = 0; made < info.out_max_ports; made++) {
			fd[made] = open_dev(variant->rx_dev, O_RDWR);
			ASSERT_LE(0, fd[made]);
			must_port_create(fd[made], &port_create_arg(.bytes = 64)) {
				TH_LOG("port %u of %u", made, info.out_max_ports);
			}
		}
		fail_port_create(ENOSPC, self->rx, &port_create_arg(.bytes = 64));
		EXPECT_EQ(info.out_max_ports, ports_total(self->rx));
		must_port_create(self->rx, &port_create_arg(.bytes = 64,
							    .flags = SHMIPC_PORT_LOCAL));
		must_destroy(self->rx);
		close(fd[made / 2]);
		must_port_create(self->rx, &port_create_arg(.bytes = 64));
		must_destroy(self->rx);
		for (i = 0; i < made; i++)
			if (i != made / 2)
				close(fd[i]);
		EXPECT_EQ(0, ports_total(self->rx));
	}
	free(fd);
}

TEST_HARNESS_MAIN
