// SPDX-License-Identifier: GPL-2.0
/*
 * driver/wait.c: sleeping in RECV, SEND, EVENTS and LOOKUP, and what ends it. poll() is in
 * poll_test.c, removal of the device in loopback_test.c.
 *
 * Red when: a call that shall not sleep does, or says the wrong errno for it; a deadline in
 * the past prevents the one attempt; a sleeper misses its message, room or deadline; a
 * signal is swallowed, or ends a call that SA_RESTART shall go on; a sleeper cannot be
 * killed, or leaves something behind.
 */
#include "shmipc_pair.h"

static char in[4096];

#define IN(...)		recv_arg(.data = uptr(in), .len = sizeof(in), __VA_ARGS__)

static bool nonblock(int fd, bool on)
{
	return !fcntl(fd, F_SETFL, on ? O_NONBLOCK : 0);
}

TEST_F(pair, recv_without_sleeping)
{
	must_own();
	fail_recv(EAGAIN, self->rx, &IN(.flags = SHMIPC_RECV_NOWAIT));
	fail_recv(EAGAIN, self->rx, &IN(.flags = SHMIPC_RECV_NOWAIT,
					.deadline = now_ns() + 1000000 * MS));
	ASSERT_TRUE(nonblock(self->rx, true));
	fail_recv(EAGAIN, self->rx, &IN());
	must_send(self->tx, &pair_arg());
	ASSERT_TRUE(arrived(self, 1));
	must_recv(self->rx, &IN());
	fail_recv(EAGAIN, self->rx, &IN());
	ASSERT_TRUE(nonblock(self->rx, false));
	fail_recv(ETIMEDOUT, self->rx, &IN(.deadline = 1));
}

TEST_F(pair, send_without_sleeping)
{
	must_own(.depth = 1);
	must_send(self->tx, &pair_arg());
	fail_send(EAGAIN, self->tx, &pair_arg(.flags = SHMIPC_SEND_NOWAIT));
	fail_send(EAGAIN, self->tx, &pair_arg(.flags = SHMIPC_SEND_NOWAIT,
					      .deadline = now_ns() + 1000000 * MS));
	ASSERT_TRUE(nonblock(self->tx, true));
	fail_send(EAGAIN, self->tx, &pair_arg());
	ASSERT_TRUE(nonblock(self->tx, false));
	fail_send(ETIMEDOUT, self->tx, &pair_arg(.deadline = 1));
}

/* O_NONBLOCK from open() */
TEST_F(pair, opened_without_sleeping)
{
	int fd = open_dev(variant->rx_dev, O_RDWR | O_NONBLOCK);

	must_port_create(fd, &port_create_arg());
	fail_recv(EAGAIN, fd, &IN());
	fail_events(EAGAIN, fd, &events_arg(.data = uptr(in), .len = sizeof(in)));
	fail_lookup(ENOENT, fd, &lookup_arg(.peer = ANY, .name = "nobody",
					    .flags = SHMIPC_LOOKUP_WAIT));
	close(fd);
}

/* A deadline in the past: one attempt, which may succeed */
TEST_F(pair, past_deadlines)
{
	static const __s64 past[] = { 1, 1000, -1, INT64_MIN };
	unsigned int i;

	must_own(.depth = 1);
	for (i = 0; i < ARRAY_SIZE(past); i++) {
		fail_recv(ETIMEDOUT, self->rx, &IN(.deadline = past[i]));
		must_send(self->tx, &pair_arg(.deadline = past[i]));
		fail_send(ETIMEDOUT, self->tx, &pair_arg(.deadline = past[i]));
		ASSERT_TRUE(arrived(self, 1));
		must_recv(self->rx, &IN(.deadline = past[i]));
		fail_events(ETIMEDOUT, self->rx, &events_arg(.data = uptr(in), .len = sizeof(in),
							     .deadline = past[i]));
		fail_lookup(ETIMEDOUT, self->rx, &lookup_arg(.flags = SHMIPC_LOOKUP_WAIT,
							     .peer = ANY, .name = "nobody",
							     .deadline = past[i]));
		ASSERT_TRUE(happens(poll_events(self->rx, 0) == POLLOUT));
	}
}

/* In the future: not before it */
TEST_F(pair, future_deadlines)
{
	__s64 until;

	must_own(.depth = 1);
	until = now_ns() + 30 * MS;
	fail_recv(ETIMEDOUT, self->rx, &IN(.deadline = until));
	EXPECT_LE(until, now_ns());
	must_send(self->tx, &pair_arg());
	until = now_ns() + 30 * MS;
	fail_send(ETIMEDOUT, self->tx, &pair_arg(.deadline = until));
	EXPECT_LE(until, now_ns());
	until = now_ns() + 30 * MS;
	fail_events(ETIMEDOUT, self->rx, &events_arg(.data = uptr(in), .len = sizeof(in),
						     .deadline = until));
	EXPECT_LE(until, now_ns());
	until = now_ns() + 30 * MS;
	fail_lookup(ETIMEDOUT, self->rx, &lookup_arg(.flags = SHMIPC_LOOKUP_WAIT, .peer = ANY,
						     .name = "nobody", .deadline = until));
	EXPECT_LE(until, now_ns());
	EXPECT_EQ(1, port_queued(self->rx, SELF, self->port));
}

/* The farthest there is does not turn into one in the past */
TEST_F(pair, far_deadlines)
{
	struct shmipc_recv arg = IN(.deadline = INT64_MAX);
	struct job job;

	must_own();
	must_start(&job, self->rx, SHMIPC_RECV, &arg);
	ASSERT_TRUE(job_blocked(&job));
	must_send(self->tx, &pair_arg(.deadline = INT64_MAX));
	EXPECT_EQ(0, job_end(&job));
}

TEST_F(pair, receiver_is_woken)
{
	struct shmipc_recv arg;
	struct job job;
	unsigned int i;

	must_own();
	for (i = 0; i < 50; i++) {
		arg = IN(.deadline = i & 1 ? now_ns() + GUARD_S * 1000 * MS : 0);
		must_start(&job, self->rx, SHMIPC_RECV, &arg);
		ASSERT_TRUE(job_blocked(&job));
		must_send(self->tx, &pair_arg(.type = i));
		ASSERT_EQ(0, job_end(&job));
		EXPECT_EQ(i, arg.out_type);
	}
}

TEST_F(pair, sender_is_woken)
{
	struct shmipc_send arg;
	struct job job;
	unsigned int i;

	must_own(.depth = 1);
	must_send(self->tx, &pair_arg(.type = 99));
	for (i = 0; i < 50; i++) {
		struct shmipc_recv got = IN();

		arg = pair_arg(.type = i,
			       .deadline = i & 1 ? now_ns() + GUARD_S * 1000 * MS : 0);
		must_start(&job, self->tx, SHMIPC_SEND, &arg);
		ASSERT_TRUE(job_blocked(&job));
		must_recv(self->rx, &got);
		ASSERT_EQ(0, job_end(&job));
		EXPECT_EQ(i ? i - 1 : 99, got.out_type);
	}
}

/* Several senders asleep: room for one wakes one, and none is forgotten */
TEST_F(pair, all_senders_are_woken)
{
	struct shmipc_send arg[4];
	struct job job[4];
	unsigned int i, sum = 0;

	must_own(.depth = 1);
	must_send(self->tx, &pair_arg());
	for (i = 0; i < 4; i++) {
		arg[i] = pair_arg(.type = 1U << i);
		must_start(&job[i], self->tx, SHMIPC_SEND, &arg[i]);
		ASSERT_TRUE(job_blocked(&job[i]));
	}
	for (i = 0; i < 5; i++) {
		struct shmipc_recv got = IN();

		must_recv(self->rx, &got);
		sum += got.out_type;
	}
	EXPECT_EQ(15, sum);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, job_end(&job[i]));
	EXPECT_TRUE(happens(port_senders(self->tx, self->peer, self->port) == 0));
}

/* A large message that waits for bytes, while small ones would fit */
TEST_F(pair, sender_waits_for_bytes)
{
	static char out[4096];
	struct shmipc_send arg;
	struct job job;

	must_own(.bytes = 4096, .depth = 100);
	must_send_to(self->tx, self->peer, self->port, out, 2048);
	must_send_to(self->tx, self->peer, self->port, out, 1024);
	arg = pair_arg(.data = uptr(out), .len = 4096);
	must_start(&job, self->tx, SHMIPC_SEND, &arg);
	ASSERT_TRUE(job_blocked(&job));
	must_recv(self->rx, &IN());
	must_recv(self->rx, &IN());
	EXPECT_EQ(0, job_end(&job));
	ASSERT_TRUE(arrived(self, 1));
}

static atomic_int caught;

static void on_signal(int signal)
{
	(void)signal;
	atomic_fetch_add(&caught, 1);
}

static bool handle(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	atomic_store(&caught, 0);
	return !sigaction(SIGUSR1, &action, NULL);
}

/* Signal the sleeper until the handler has run and it sleeps again, or is done */
static bool disturb(struct job *job)
{
	int before = atomic_load(&caught);

	pthread_kill(job->thread, SIGUSR1);
	return happens(atomic_load(&caught) > before);
}

TEST_F(pair, signal_ends_it)
{
	struct shmipc_recv in_arg = IN();
	struct shmipc_events ev_arg = events_arg(.data = uptr(in), .len = sizeof(in));
	struct shmipc_lookup look_arg = lookup_arg(.flags = SHMIPC_LOOKUP_WAIT, .peer = ANY,
						   .name = "nobody");
	struct shmipc_send out_arg;
	struct job job;
	unsigned int round;

	must_own(.depth = 1);
	ASSERT_TRUE(handle(0));
	for (round = 0; round < 2; round++) {
		__s64 deadline = round ? now_ns() + GUARD_S * 1000 * MS : 0;

		in_arg.deadline = deadline;
		must_start(&job, self->rx, SHMIPC_RECV, &in_arg);
		ASSERT_TRUE(job_blocked(&job));
		ASSERT_TRUE(disturb(&job));
		EXPECT_EQ(EINTR, job_end(&job));

		ev_arg.deadline = deadline;
		must_start(&job, self->rx, SHMIPC_EVENTS, &ev_arg);
		ASSERT_TRUE(job_blocked(&job));
		ASSERT_TRUE(disturb(&job));
		EXPECT_EQ(EINTR, job_end(&job));

		look_arg.deadline = deadline;
		must_start(&job, self->rx, SHMIPC_LOOKUP, &look_arg);
		ASSERT_TRUE(job_blocked(&job));
		ASSERT_TRUE(disturb(&job));
		EXPECT_EQ(EINTR, job_end(&job));

		must_send(self->tx, &pair_arg());
		out_arg = pair_arg(.deadline = deadline, .out_state = 9);
		must_start(&job, self->tx, SHMIPC_SEND, &out_arg);
		ASSERT_TRUE(job_blocked(&job));
		ASSERT_TRUE(disturb(&job));
		EXPECT_EQ(EINTR, job_end(&job));
		EXPECT_EQ(SHMIPC_STATE_NOT_SENT, out_arg.out_state);
		must_recv(self->rx, &IN());
		fail_recv_now(EAGAIN, self->rx, in, sizeof(in));
	}
}

TEST_F(pair, signal_with_restart)
{
	struct shmipc_recv in_arg = IN();
	struct shmipc_send out_arg;
	struct job job;
	unsigned int i;

	must_own(.depth = 1);
	ASSERT_TRUE(handle(SA_RESTART));
	must_start(&job, self->rx, SHMIPC_RECV, &in_arg);
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(job_blocked(&job));
		ASSERT_TRUE(disturb(&job));
	}
	ASSERT_TRUE(job_blocked(&job));
	must_send(self->tx, &pair_arg(.type = 5));
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(5, in_arg.out_type);

	must_send(self->tx, &pair_arg(.type = 6));
	out_arg = pair_arg(.type = 7);
	must_start(&job, self->tx, SHMIPC_SEND, &out_arg);
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(job_blocked(&job));
		ASSERT_TRUE(disturb(&job));
	}
	ASSERT_TRUE(job_blocked(&job));
	must_recv(self->rx, &IN());
	EXPECT_EQ(0, job_end(&job));
	must_recv(self->rx, &in_arg);
	EXPECT_EQ(7, in_arg.out_type);
	fail_recv_now(EAGAIN, self->rx, in, sizeof(in));
}

/* The deadline is absolute: interruptions do not put it off */
TEST_F(pair, restart_keeps_the_deadline)
{
	struct shmipc_recv arg;
	struct job job;
	__s64 until;

	must_own();
	ASSERT_TRUE(handle(SA_RESTART));
	until = now_ns() + 200 * MS;
	arg = IN(.deadline = until);
	must_start(&job, self->rx, SHMIPC_RECV, &arg);
	while (job_blocked(&job) && now_ns() < until)
		if (atomic_load(&job.tid) > 0)
			pthread_kill(job.thread, SIGUSR1);
	EXPECT_EQ(ETIMEDOUT, job_end(&job));
	EXPECT_LE(until, now_ns());
}

/* What a vector has sent is sent: it ends where it was disturbed, and is not begun again */
TEST_F(pair, signal_in_a_vector)
{
	static const int flags[] = { 0, SA_RESTART };
	struct shmipc_send elems[4];
	struct shmipc_sendv arg;
	struct job job;
	unsigned int i, k;

	must_own(.depth = 2);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ASSERT_TRUE(handle(flags[i]));
		for (k = 0; k < 4; k++)
			elems[k] = pair_arg(.type = k);
		arg = sendv_arg(.elems = uptr(elems), .nr = 4);
		must_start(&job, self->tx, SHMIPC_SENDV, &arg);
		ASSERT_TRUE(job_blocked(&job));
		ASSERT_TRUE(disturb(&job));
		EXPECT_EQ(0, job_end(&job));
		EXPECT_EQ(2, arg.out_done);
		EXPECT_EQ(EINTR, (int)arg.out_error);
		for (k = 0; k < 2; k++) {
			struct shmipc_recv got = IN();

			must_recv(self->rx, &got);
			EXPECT_EQ(k, got.out_type);
		}
		fail_recv_now(EAGAIN, self->rx, in, sizeof(in));
	}
}

/* A process asleep in each verb dies at once, and its port with it */
TEST_F(pair, killed_while_asleep)
{
	struct shmipc_recv in_arg = IN();
	struct shmipc_events ev_arg = events_arg(.data = uptr(in), .len = sizeof(in));
	struct shmipc_lookup look_arg = lookup_arg(.flags = SHMIPC_LOOKUP_WAIT, .peer = ANY,
						   .name = "nobody");
	struct shmipc_send out_arg;
	const struct {
		unsigned int cmd;
		void *arg;
	} verbs[] = {
		{ SHMIPC_RECV, &in_arg },
		{ SHMIPC_SEND, &out_arg },
		{ SHMIPC_EVENTS, &ev_arg },
		{ SHMIPC_LOOKUP, &look_arg },
	};
	unsigned int i;
	int status;
	pid_t pid;

	must_own(.depth = 1);
	must_send(self->tx, &pair_arg());
	out_arg = pair_arg();
	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		pid = fork();
		if (!pid) {
			int fd = open_dev(variant->tx_dev, O_RDWR);

			if (try_port_create(fd, &port_create_arg(.port = 500)))
				_exit(1);
			_exit(try_ioctl(fd, verbs[i].cmd, verbs[i].arg));
		}
		ASSERT_TRUE(task_blocked(pid, pid, SYS_ioctl)) TH_LOG("verb %u", i);
		EXPECT_LT(0, port_generation(self->tx, SELF, 500));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_EQ(-1, port_generation(self->tx, SELF, 500));
	}
	EXPECT_EQ(1, port_queued(self->rx, SELF, self->port));
	EXPECT_EQ(0, port_senders(self->tx, self->peer, self->port));
	must_recv(self->rx, &IN());
	must_send_now(self->tx, self->peer, self->port, "x", 1);
}

TEST_HARNESS_MAIN
