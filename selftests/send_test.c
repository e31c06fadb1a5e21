// SPDX-License-Identifier: GPL-2.0
/*
 * driver/send.c: SEND and SENDV, on the direct path and through the protocol engine.
 *
 * Red when: content, size or type is changed on the way; sizes around a granule, page or
 * fragment are cut; large and small messages overtake each other; a failed SEND has sent
 * something, or has used up room; out_state is too optimistic; SENDV miscounts, stops late
 * or reports the wrong errno; a large message needs a sleeping sender.
 */
#include "shmipc_pair.h"

static char out[1 << 20], in[(1 << 20) + 64];

static const unsigned int sizes[] = {
	0, 1, 2, 3, 7, 8, 23, 24, 25, 39, 40, 41, 63, 64, 65, 87, 88, 89, 103, 104, 105, 127, 128,
	129, 1000, 4071, 4072, 4073, 4095, 4096, 4097, 8191, 8192, 8193, 16383, 16384, 16385,
	32767, 32768, 65535, 65536, 65537, 100000, 262143, 262144, 500001, 1048575, 1048576,
};

TEST_F(pair, sizes)
{
	unsigned int i;

	must_own(.max_size = 1 << 20, .bytes = 4 << 20);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct shmipc_recv arg = recv_arg(.data = uptr(in), .len = sizeof(in));

		fill(out, sizes[i], i + 1);
		memset(in, 0x5a, sizeof(in));
		must_send(self->tx, &pair_arg(.data = uptr(out), .len = sizes[i], .type = ~i));
		must_recv(self->rx, &arg);
		EXPECT_EQ(sizes[i], arg.out_len);
		EXPECT_EQ(~i, arg.out_type);
		EXPECT_TRUE(filled(in, sizes[i], i + 1)) TH_LOG("size %u", sizes[i]);
		EXPECT_EQ(0x5a, in[sizes[i]]);
	}
}

/* From and to any alignment */
TEST_F(pair, alignments)
{
	unsigned int i;

	must_own();
	for (i = 0; i < 64; i++) {
		struct shmipc_recv arg = recv_arg(.data = uptr(in + 63 - i), .len = 1000);

		fill(out + i, 777, i);
		must_send(self->tx, &pair_arg(.data = uptr(out + i), .len = 777));
		must_recv(self->rx, &arg);
		EXPECT_TRUE(filled(in + 63 - i, 777, i));
	}
}

/* All of them queued at once, received in the order sent */
TEST_F(pair, order_of_mixed_sizes)
{
	unsigned int i;

	must_own(.max_size = 1 << 20, .bytes = 16 << 20, .depth = 100);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(out, sizes[i], i);
		must_send(self->tx, &pair_arg(.data = uptr(out), .len = sizes[i], .type = i));
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct shmipc_recv arg = recv_arg(.data = uptr(in), .len = sizeof(in));

		must_recv(self->rx, &arg);
		EXPECT_EQ(i, arg.out_type);
		EXPECT_EQ(sizes[i], arg.out_len);
		EXPECT_TRUE(filled(in, sizes[i], i));
	}
}

TEST_F(pair, state)
{
	struct shmipc_send arg;

	must_own();
	arg = pair_arg(.out_state = 99);
	must_send(self->tx, &arg);
	EXPECT_LE(is_local(variant) ? SHMIPC_STATE_QUEUED : SHMIPC_STATE_SENT, arg.out_state);
	EXPECT_GE(SHMIPC_STATE_RECEIVED, arg.out_state);
	arg = pair_arg(.out_state = 99, .generation = self->gen + 1);
	fail_send(ECONNRESET, self->tx, &arg);
	EXPECT_EQ(SHMIPC_STATE_NOT_SENT, arg.out_state);
	arg = pair_arg(.out_state = 99, .data = uptr(out), .len = 1 << 20);
	fail_send(EMSGSIZE, self->tx, &arg);
	EXPECT_EQ(SHMIPC_STATE_NOT_SENT, arg.out_state);
}

TEST_F(pair, bad_fields)
{
	must_own();
	fail_send(EINVAL, self->tx, &pair_arg(.priority = 8));
	fail_send(EINVAL, self->tx, &pair_arg(.priority = ~0U));
	fail_send(EHOSTUNREACH, self->tx, &send_arg(.peer = 63, .port = self->port));
	fail_send(EHOSTUNREACH, self->tx, &send_arg(.peer = 0x80000000, .port = self->port));
	fail_send(EINVAL, self->tx, &send_arg(.peer = self->peer, .port = 65536));
	fail_send(EINVAL, self->tx, &send_arg(.peer = self->peer, .port = 65536 + self->port));
	fail_send(EOPNOTSUPP, self->tx, &send_arg(.peer = ANY, .port = self->port));
	fail_send(ECONNREFUSED, self->tx, &send_arg(.peer = self->peer, .port = self->port ^ 1));
	fail_recv_now(EAGAIN, self->rx, in, sizeof(in));
}

/* Payload that ends in nothing: nothing is sent, and the window has lost nothing */
TEST_F(pair, unreadable_payload)
{
	static const unsigned int lens[] = { 1, 64, 4096, 4097, 5000, 65536 };
	size_t page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	struct shmipc_send arg;
	unsigned int i;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, munmap(map + page, page));
	must_own(.depth = 4);
	for (i = 0; i < 10 * ARRAY_SIZE(lens); i++) {
		arg = pair_arg(.data = uptr(map + page - lens[i % 6] / 2), .out_state = 99,
			       .len = lens[i % 6]);
		fail_send(EFAULT, self->tx, &arg);
		EXPECT_EQ(SHMIPC_STATE_NOT_SENT, arg.out_state);
	}
	fail_recv_now(EAGAIN, self->rx, in, sizeof(in));
	EXPECT_EQ(4, fill_window(self->tx, self->peer, self->port));
	ASSERT_TRUE(arrived(self, 4));
}

TEST_F(pair, sender_is_known)
{
	struct shmipc_port_create own = port_create_arg();
	struct shmipc_recv arg = recv_arg();

	must_own();
	must_send(self->tx, &pair_arg());
	must_recv(self->rx, &arg);
	EXPECT_EQ(own_peer(self->tx), arg.out_peer);
	EXPECT_EQ(SHMIPC_PORT_NONE, arg.out_port);
	EXPECT_EQ(is_local(variant), !!(arg.out_flags & SHMIPC_MSG_LOCAL));
	must_port_create(self->tx, &own);
	must_send(self->tx, &pair_arg());
	must_recv(self->rx, &arg);
	EXPECT_EQ(own.out_port, arg.out_port);
	/* so that one can answer */
	must_send_to(self->rx, arg.out_peer, arg.out_port, "re", 2);
	must_recv(self->tx, &recv_arg(.data = uptr(in), .len = 2));
}

TEST_F(pair, write_only_file)
{
	int wr = open_dev(variant->tx_dev, O_WRONLY);

	must_own();
	must_send_to(wr, self->peer, self->port, "x", 1);
	must_connect(wr, &connect_arg(.peer = self->peer, .port = self->port));
	must_send(wr, &send_arg());
	ASSERT_TRUE(arrived(self, 2));
	close(wr);
}

/* Larger than any lane, and nobody sleeps for it */
TEST_F(pair, large_without_sleeping)
{
	struct shmipc_recv arg;
	unsigned int i;

	must_own(.max_size = 1 << 20, .bytes = 8 << 20);
	for (i = 0; i < 16; i++) {
		fill(out, sizeof(out), i);
		ASSERT_TRUE(happens(!try_send_now(self->tx, self->peer, self->port, out,
						  sizeof(out))));
		arg = recv_arg(.data = uptr(in), .len = sizeof(in));
		must_recv(self->rx, &arg);
		EXPECT_EQ(sizeof(out), arg.out_len);
		EXPECT_TRUE(filled(in, sizeof(out), i));
	}
}

/* The sender of a large message may go as soon as SEND has returned */
TEST_F(pair, large_from_one_who_left)
{
	struct shmipc_recv arg = recv_arg(.data = uptr(in), .len = sizeof(in));
	int fd = open_dev(variant->tx_dev, O_WRONLY);

	must_own(.max_size = 1 << 20, .bytes = 8 << 20);
	fill(out, sizeof(out), 5);
	must_send_now(fd, self->peer, self->port, out, sizeof(out));
	close(fd);
	must_recv(self->rx, &arg);
	EXPECT_TRUE(filled(in, sizeof(out), 5));
}

static void vector(FIXTURE_DATA(pair) *self, struct shmipc_send *elems, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		elems[i] = pair_arg(.data = uptr(out), .len = i % 200, .type = i, .out_state = 99);
}

TEST_F(pair, sendv)
{
	static struct shmipc_send elems[SHMIPC_BATCH_MAX];
	struct shmipc_sendv arg = sendv_arg(.elems = uptr(elems), .nr = SHMIPC_BATCH_MAX);
	struct shmipc_recv got = recv_arg(.data = uptr(in), .len = sizeof(in));
	unsigned int i;

	must_own(.depth = 4096, .bytes = 1 << 20);
	vector(self, elems, SHMIPC_BATCH_MAX);
	must_sendv(self->tx, &arg);
	EXPECT_EQ(SHMIPC_BATCH_MAX, arg.out_done);
	EXPECT_EQ(0, arg.out_error);
	for (i = 0; i < SHMIPC_BATCH_MAX; i++) {
		EXPECT_LE(SHMIPC_STATE_SENT, elems[i].out_state);
		EXPECT_GE(SHMIPC_STATE_RECEIVED, elems[i].out_state);
		must_recv(self->rx, &got);
		EXPECT_EQ(i, got.out_type);
		EXPECT_EQ(i % 200, got.out_len);
	}
	arg.nr = SHMIPC_BATCH_MAX + 1;
	fail_sendv(EINVAL, self->tx, &arg);
	arg.nr = 0;
	fail_sendv(EINVAL, self->tx, &arg);
	arg.nr = ~0U;
	fail_sendv(EINVAL, self->tx, &arg);
	fail_recv_now(EAGAIN, self->rx, in, sizeof(in));
}

/* What can go wrong at an element stops the vector just there */
TEST_F(pair, sendv_stops_at_the_error)
{
	static const struct {
		int err;
		struct shmipc_send change;
	} rows[] = {
		{ ECONNREFUSED, { .port = 9 } },
		{ EOPNOTSUPP, { .flags = 1U << 31 } },
		{ EINVAL, { .priority = 9 } },
		{ EINVAL, { .size = 8 } },
		{ EMSGSIZE, { .len = 1 << 20 } },
		{ EFAULT, { .data = 8 } },
		{ ECONNRESET, { .generation = 1 } },
	};
	struct shmipc_send elems[6];
	struct shmipc_sendv arg;
	unsigned int i, at;

	must_own(.depth = 1000);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (at = 0; at < 6; at += 1 + at) {
			const struct shmipc_send *change = &rows[i].change;
			struct shmipc_send *elem = &elems[at];

			vector(self, elems, 6);
			elem->len = change->len ?: 10;
			elem->port = change->port ?: elem->port;
			elem->flags = change->flags;
			elem->priority = change->priority;
			elem->size = change->size ?: elem->size;
			elem->data = change->data ?: elem->data;
			elem->generation = change->generation ? self->gen + 1 : 0;
			arg = sendv_arg(.elems = uptr(elems), .nr = 6, .out_done = 99);
			EXPECT_EQ(at ? 0 : rows[i].err, try_sendv(self->tx, &arg));
			EXPECT_EQ(at, arg.out_done);
			EXPECT_EQ(rows[i].err, (int)arg.out_error) TH_LOG("row %u at %u", i, at);
			ASSERT_TRUE(arrived(self, at));
			while (at && !try_recv_now(self->rx, in, sizeof(in)))
				;
		}
	}
}

TEST_F(pair, sendv_until_full)
{
	struct shmipc_send elems[10];
	struct shmipc_sendv arg = sendv_arg(.elems = uptr(elems), .nr = 10);
	unsigned int i;

	must_own(.depth = 4);
	vector(self, elems, 10);
	for (i = 0; i < 10; i++)
		elems[i].flags = SHMIPC_SEND_NOWAIT;
	must_sendv(self->tx, &arg);
	EXPECT_EQ(4, arg.out_done);
	EXPECT_EQ(EAGAIN, (int)arg.out_error);
	fail_sendv(EAGAIN, self->tx, &arg);
	EXPECT_EQ(0, arg.out_done);
	EXPECT_EQ(EAGAIN, (int)arg.out_error);
	for (i = 0; i < 10; i++) {
		elems[i].flags = 0;
		elems[i].deadline = 1;
	}
	fail_sendv(ETIMEDOUT, self->tx, &arg);
	ASSERT_TRUE(arrived(self, 4));
}

/* Elements of another length: a newer caller's, an older one's; memory that ends */
TEST_F(pair, sendv_element_size)
{
	static struct {
		struct shmipc_send send;
		__u64 tail;
	} longer[4];
	size_t page = sysconf(_SC_PAGESIZE);
	struct shmipc_sendv arg;
	struct shmipc_send *end;
	unsigned int i;

	must_own();
	for (i = 0; i < 4; i++) {
		longer[i].send = pair_arg(.size = sizeof(longer[0]));
		longer[i].tail = i == 2;
	}
	arg = sendv_arg(.elems = uptr(longer), .nr = 4, .elem_size = sizeof(longer[0]));
	must_sendv(self->tx, &arg);
	EXPECT_EQ(2, arg.out_done);
	EXPECT_EQ(E2BIG, (int)arg.out_error);
	arg = sendv_arg(.elems = uptr(longer), .nr = 4, .elem_size = 8);
	fail_sendv(EINVAL, self->tx, &arg);
	arg = sendv_arg(.elems = uptr(longer), .nr = 4, .elem_size = 0);
	fail_sendv(EINVAL, self->tx, &arg);
	/* two elements, and a third that is not there */
	end = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, end);
	ASSERT_EQ(0, munmap((char *)end + page, page));
	end = (void *)((char *)end + page - 2 * sizeof(*end));
	vector(self, end, 2);
	arg = sendv_arg(.elems = uptr(end), .nr = 3);
	must_sendv(self->tx, &arg);
	EXPECT_EQ(2, arg.out_done);
	EXPECT_EQ(EFAULT, (int)arg.out_error);
	ASSERT_TRUE(arrived(self, 4));
}

TEST_HARNESS_MAIN
