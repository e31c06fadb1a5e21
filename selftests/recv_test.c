// SPDX-License-Identifier: GPL-2.0
/*
 * driver/recv.c: RECV and RECVV. Who sent it is in meta_test.c.
 *
 * Red when: a failed RECV takes the message, or moves it behind others; EMSGSIZE does not
 * say how large; bytes beyond the message are written; PEEK takes; DISCARD copies; urgent
 * messages wait behind others, or equal ones change places; two threads get one message;
 * RECVV sleeps for its second element, or hides why it stopped.
 */
#include "shmipc_pair.h"

static char in[70000];

#define IN(...)		recv_arg(.data = uptr(in), .len = sizeof(in), __VA_ARGS__)

TEST_F(pair, too_small_a_buffer)
{
	static const unsigned int lens[] = { 0, 1, 99, 4096, 9999 };
	struct shmipc_recv arg;
	char out[10000];
	unsigned int i;

	must_own();
	fill(out, sizeof(out), 1);
	must_send_to(self->tx, self->peer, self->port, out, sizeof(out));
	must_send_to(self->tx, self->peer, self->port, "next", 4);
	ASSERT_TRUE(arrived(self, 2));
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		memset(in, 0x5a, sizeof(in));
		arg = IN(.len = lens[i], .out_len = 99);
		fail_recv(EMSGSIZE, self->rx, &arg);
		EXPECT_EQ(sizeof(out), arg.out_len);
		EXPECT_EQ(0x5a, in[lens[i]]);
		EXPECT_EQ(2, port_queued(self->rx, SELF, self->port));
	}
	arg = IN(.len = sizeof(out));
	must_recv(self->rx, &arg);
	EXPECT_EQ(1, arg.out_seq);
	EXPECT_TRUE(filled(in, sizeof(out), 1));
	must_recv(self->rx, &arg);
	EXPECT_EQ(0, memcmp(in, "next", 4));
}

TEST_F(pair, larger_buffer_is_not_touched_beyond)
{
	struct shmipc_recv arg = IN();

	must_own();
	memset(in, 0x5a, sizeof(in));
	must_send_to(self->tx, self->peer, self->port, "abc", 3);
	must_recv(self->rx, &arg);
	EXPECT_EQ(3, arg.out_len);
	EXPECT_EQ(0, memcmp(in, "abc\x5a\x5a\x5a\x5a\x5a\x5a", 9));
}

TEST_F(pair, empty_message)
{
	struct shmipc_recv arg = recv_arg(.out_len = 99);

	must_own();
	must_send(self->tx, &pair_arg(.type = 7));
	must_recv(self->rx, &arg);
	EXPECT_EQ(0, arg.out_len);
	EXPECT_EQ(7, arg.out_type);
}

TEST_F(pair, peek)
{
	struct shmipc_recv first = IN(.flags = SHMIPC_RECV_PEEK), again = first, taken = IN();
	unsigned int i;

	must_own();
	must_send(self->tx, &pair_arg(.data = uptr("one"), .len = 3, .type = 1));
	must_send(self->tx, &pair_arg(.data = uptr("two"), .len = 3, .type = 2));
	must_recv(self->rx, &first);
	EXPECT_EQ(1, first.out_type);
	for (i = 0; i < 3; i++) {
		memset(in, 0, 4);
		must_recv(self->rx, &again);
		EXPECT_EQ(0, memcmp(in, "one", 4));
		EXPECT_EQ(0, memcmp(&first, &again, sizeof(first)));
	}
	fail_recv(EMSGSIZE, self->rx, &IN(.flags = SHMIPC_RECV_PEEK, .len = 2));
	must_recv(self->rx, &taken);
	EXPECT_EQ(first.out_seq, taken.out_seq);
	EXPECT_EQ(first.out_time, taken.out_time);
	must_recv(self->rx, &taken);
	EXPECT_EQ(2, taken.out_type);
	fail_recv(EAGAIN, self->rx, &IN(.flags = SHMIPC_RECV_PEEK | SHMIPC_RECV_NOWAIT));
}

TEST_F(pair, discard)
{
	struct shmipc_recv arg = recv_arg(.flags = SHMIPC_RECV_DISCARD, .data = 8, .len = 1);

	must_own();
	must_send_to(self->tx, self->peer, self->port, in, 5000);
	must_send_to(self->tx, self->peer, self->port, in, 0);
	must_recv(self->rx, &arg);
	EXPECT_EQ(5000, arg.out_len);
	must_recv(self->rx, &arg);
	EXPECT_EQ(0, arg.out_len);
	arg.flags |= SHMIPC_RECV_NOWAIT;
	fail_recv(EAGAIN, self->rx, &arg);
	fail_recv(EINVAL, self->rx, &IN(.flags = SHMIPC_RECV_DISCARD | SHMIPC_RECV_PEEK));
}

TEST_F(pair, priorities)
{
	static const __u32 sent[] = { 0, 3, 7, 3, 0, 1, 7, 2, 5, 6, 4, 0, 7 };
	__u32 last_prio = 7, last_type = 0;
	struct shmipc_recv arg = IN();
	unsigned int i;

	must_own();
	for (i = 0; i < ARRAY_SIZE(sent); i++)
		must_send(self->tx, &pair_arg(.priority = sent[i], .type = i + 1));
	ASSERT_TRUE(arrived(self, ARRAY_SIZE(sent)));
	for (i = 0; i < ARRAY_SIZE(sent); i++) {
		must_recv(self->rx, &arg);
		EXPECT_GE(last_prio, arg.out_priority);
		if (arg.out_priority == last_prio)
			EXPECT_LT(last_type, arg.out_type);
		EXPECT_EQ(sent[arg.out_type - 1], arg.out_priority);
		last_prio = arg.out_priority;
		last_type = arg.out_type;
	}
}

TEST_F(pair, sequence_and_time)
{
	__s64 before = now_ns(), last = before;
	struct shmipc_recv arg = IN();
	unsigned int i;

	must_own();
	for (i = 1; i <= 10; i++)
		must_send(self->tx, &pair_arg());
	for (i = 1; i <= 10; i++) {
		must_recv(self->rx, &arg);
		EXPECT_EQ(i, arg.out_seq);
		EXPECT_LE(last, (__s64)arg.out_time);
		EXPECT_GE(now_ns(), (__s64)arg.out_time);
		last = arg.out_time;
	}
	/* the next port counts anew */
	must_destroy(self->rx);
	must_own();
	must_send(self->tx, &pair_arg());
	must_recv(self->rx, &arg);
	EXPECT_EQ(1, arg.out_seq);
}

/* A buffer that ends in nothing: the message is back at the head, as if never touched */
TEST_F(pair, fault_puts_it_back)
{
	static const unsigned int lens[] = { 1, 64, 5000, 65536 }, order[] = { 1, 3, 0, 2 };
	size_t page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	struct shmipc_recv arg;
	static char out[65536];
	unsigned int i;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, munmap(map + page, page));
	must_own();
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		fill(out, lens[i], i);
		must_send(self->tx, &pair_arg(.data = uptr(out), .len = lens[i], .type = i,
					      .priority = i & 1));
	}
	ASSERT_TRUE(arrived(self, 4));
	for (i = 0; i < 20; i++) {
		unsigned int flags = i & 1 ? SHMIPC_RECV_PEEK : 0;

		fail_recv(EFAULT, self->rx, &IN(.data = uptr(map + page - 1 + !i), .flags = flags));
		fail_recv(EFAULT, self->rx, &IN(.data = 0, .flags = flags));
		EXPECT_EQ(4, port_queued(self->rx, SELF, self->port));
	}
	for (i = 0; i < 4; i++) {
		unsigned int nr = order[i];

		arg = IN();
		must_recv(self->rx, &arg);
		EXPECT_EQ(nr, arg.out_type);
		EXPECT_EQ(nr + 1, arg.out_seq);
		EXPECT_EQ(lens[nr], arg.out_len);
		EXPECT_TRUE(filled(in, lens[nr], nr));
	}
	EXPECT_EQ(4, port_received(self->rx, SELF, self->port));
	EXPECT_EQ(16, fill_window(self->tx, self->peer, self->port));
}

/* While one thread has the head and faults, another gets it or waits, but nobody the next */
struct crowd {
	int fd;
	unsigned int nr;
	atomic_int *seen;
	int errors;
};

static void *one_of_many(void *data)
{
	struct crowd *crowd = data;

	for (;;) {
		__u32 nr = ~0U;
		struct shmipc_recv arg = recv_arg(.data = uptr(&nr), .len = sizeof(nr));
		int ret = try_recv(crowd->fd, &arg);

		if (ret == ENOTCONN)
			return NULL;
		if (ret || nr >= crowd->nr || nr != arg.out_type)
			crowd->errors++;
		else
			atomic_fetch_add(&crowd->seen[nr], 1);
	}
}

TEST_F(pair, each_message_to_one_thread)
{
	enum { THREADS = 8, MESSAGES = 4000 };
	static atomic_int seen[MESSAGES];
	struct crowd crowd[THREADS];
	pthread_t thread[THREADS];
	__u32 i;

	must_own(.depth = 64);
	for (i = 0; i < THREADS; i++) {
		crowd[i] = (struct crowd){ .fd = self->rx, .nr = MESSAGES, .seen = seen };
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, one_of_many, &crowd[i]));
	}
	for (i = 0; i < MESSAGES; i++)
		must_send(self->tx, &pair_arg(.data = uptr(&i), .len = sizeof(i), .type = i));
	ASSERT_TRUE(happens(port_received(self->rx, SELF, self->port) == MESSAGES));
	ASSERT_TRUE(happens(port_waiters(self->rx, SELF, self->port) == THREADS));
	must_destroy(self->rx);
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], NULL));
		EXPECT_EQ(0, crowd[i].errors);
	}
	for (i = 0; i < MESSAGES; i++)
		EXPECT_EQ(1, atomic_load(&seen[i])) TH_LOG("message %u", i);
}

/* One message wakes one of several waiters; the others stay asleep and get the next ones */
TEST_F(pair, one_wakeup_each)
{
	struct shmipc_recv arg[3];
	struct job job[3];
	unsigned int i, sum = 0;

	must_own();
	for (i = 0; i < 3; i++) {
		arg[i] = recv_arg();
		must_start(&job[i], self->rx, SHMIPC_RECV, &arg[i]);
		ASSERT_TRUE(job_blocked(&job[i]));
	}
	for (i = 0; i < 3; i++) {
		must_send(self->tx, &pair_arg(.type = 1U << i));
		ASSERT_TRUE(happens(port_received(self->rx, SELF, self->port) == i + 1));
		ASSERT_TRUE(happens(port_waiters(self->rx, SELF, self->port) == 2 - i));
	}
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, job_end(&job[i]));
		sum += arg[i].out_type;
	}
	EXPECT_EQ(7, sum);
}

TEST_F(pair, recvv)
{
	static char bufs[SHMIPC_BATCH_MAX][8];
	static struct shmipc_recv elems[SHMIPC_BATCH_MAX];
	struct shmipc_recvv arg = recvv_arg(.elems = uptr(elems), .nr = SHMIPC_BATCH_MAX);
	struct job job;
	__u32 i;

	must_own(.depth = 4096);
	for (i = 0; i < SHMIPC_BATCH_MAX; i++)
		elems[i] = recv_arg(.data = uptr(bufs[i]), .len = 8);
	/* blocks for the first only */
	must_start(&job, self->rx, SHMIPC_RECVV, &arg);
	ASSERT_TRUE(job_blocked(&job));
	must_send_to(self->tx, self->peer, self->port, "x", 1);
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(1, arg.out_done);
	EXPECT_EQ(EAGAIN, (int)arg.out_error);

	for (i = 0; i < SHMIPC_BATCH_MAX; i++)
		must_send(self->tx, &pair_arg(.data = uptr(&i), .len = 4, .type = i));
	ASSERT_TRUE(arrived(self, SHMIPC_BATCH_MAX));
	must_recvv(self->rx, &arg);
	EXPECT_EQ(SHMIPC_BATCH_MAX, arg.out_done);
	EXPECT_EQ(0, arg.out_error);
	for (i = 0; i < SHMIPC_BATCH_MAX; i++) {
		EXPECT_EQ(i, elems[i].out_type);
		EXPECT_EQ(4, elems[i].out_len);
		EXPECT_EQ(0, memcmp(bufs[i], &i, 4));
	}
	elems[0].flags = SHMIPC_RECV_NOWAIT;
	fail_recvv(EAGAIN, self->rx, &arg);
	EXPECT_EQ(0, arg.out_done);
	EXPECT_EQ(EAGAIN, (int)arg.out_error);
	elems[0].flags = 0;
	elems[0].deadline = 1;
	fail_recvv(ETIMEDOUT, self->rx, &arg);
	arg.nr = 0;
	fail_recvv(EINVAL, self->rx, &arg);
	arg.nr = SHMIPC_BATCH_MAX + 1;
	fail_recvv(EINVAL, self->rx, &arg);
}

TEST_F(pair, recvv_stops_at_the_error)
{
	static const struct {
		int err;
		struct shmipc_recv change;
	} rows[] = {
		{ EMSGSIZE, { .len = 3 } },
		{ EOPNOTSUPP, { .flags = 1U << 31 } },
		{ EOPNOTSUPP, { .reserved = 1 } },
		{ EINVAL, { .flags = SHMIPC_RECV_PEEK | SHMIPC_RECV_DISCARD } },
		{ EINVAL, { .size = 8 } },
		{ EFAULT, { .data = 8 } },
	};
	char bufs[6][8];
	struct shmipc_recv elems[6];
	struct shmipc_recvv arg;
	unsigned int i, k, at;

	must_own(.depth = 64);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (at = 0; at < 6; at += 1 + at) {
			for (k = 0; k < 6; k++) {
				must_send(self->tx, &pair_arg(.data = uptr("12345"), .len = 5,
							      .type = k));
				elems[k] = recv_arg(.data = uptr(bufs[k]), .len = 8);
			}
			ASSERT_TRUE(arrived(self, 6));
			elems[at].len = rows[i].change.len ?: 8;
			elems[at].flags = rows[i].change.flags;
			elems[at].reserved = rows[i].change.reserved;
			elems[at].size = rows[i].change.size ?: elems[at].size;
			elems[at].data = rows[i].change.data ?: elems[at].data;
			arg = recvv_arg(.elems = uptr(elems), .nr = 6, .out_done = 99);
			EXPECT_EQ(at ? 0 : rows[i].err, try_recvv(self->rx, &arg));
			EXPECT_EQ(at, arg.out_done);
			EXPECT_EQ(rows[i].err, (int)arg.out_error) TH_LOG("row %u at %u", i, at);
			if (rows[i].err == EMSGSIZE)
				EXPECT_EQ(5, elems[at].out_len);
			EXPECT_EQ(6 - at, port_queued(self->rx, SELF, self->port));
			for (k = at; k < 6; k++) {
				struct shmipc_recv left = IN(.flags = SHMIPC_RECV_NOWAIT);

				must_recv(self->rx, &left);
				EXPECT_EQ(k, left.out_type);
			}
		}
	}
}

TEST_F(pair, read_only_file)
{
	int rd = open_dev(variant->rx_dev, O_RDONLY);
	struct shmipc_port_create own = port_create_arg();

	must_port_create(rd, &own);
	must_send_to(self->tx, self->peer, own.out_port, "x", 1);
	must_recv(rd, &IN());
	must_destroy(rd);
	close(rd);
}

TEST_HARNESS_MAIN
