// SPDX-License-Identifier: GPL-2.0
/*
 * driver/msg.c: what a message says of its sender.
 *
 * Red when: a field is missing, stale or made up; pid or uid are those of the receiver, or
 * are not translated into its namespaces; a peer's claim is not marked as one; something
 * is told that nobody asked for.
 */
#include "shmipc_pair.h"

static __u32 overflow_uid(void)
{
	__u32 uid = 65534;
	FILE *file = fopen("/proc/sys/kernel/overflowuid", "r");

	if (file) {
		if (fscanf(file, "%u", &uid) != 1)
			uid = 65534;
		fclose(file);
	}
	return uid;
}

TEST_F(pair, meta)
{
	struct shmipc_recv arg = recv_arg();
	__s64 before = now_ns();

	must_own(.flags = SHMIPC_PORT_META);
	must_send(self->tx, &pair_arg(.cookie = 0x123456789abcdef0ULL));
	must_recv(self->rx, &arg);
	EXPECT_TRUE(arg.out_flags & SHMIPC_MSG_META);
	EXPECT_EQ(is_local(variant), !!(arg.out_flags & SHMIPC_MSG_LOCAL));
	EXPECT_EQ(!is_local(variant), !!(arg.out_flags & SHMIPC_MSG_CLAIMED));
	EXPECT_EQ(0x123456789abcdef0ULL, arg.out_cookie);
	EXPECT_EQ(endpoint_id(self->tx), arg.out_endpoint);
	EXPECT_EQ(getpid(), (pid_t)arg.out_pid);
	EXPECT_EQ(getuid(), arg.out_uid);
	EXPECT_LE(before, (__s64)arg.out_sent_time);
	EXPECT_LE(arg.out_sent_time, arg.out_time);
}

TEST_F(pair, meta_of_large_messages)
{
	static char buf[1 << 20];
	struct shmipc_recv arg = recv_arg(.data = uptr(buf), .len = sizeof(buf));

	must_own(.flags = SHMIPC_PORT_META, .max_size = 1 << 20);
	must_send(self->tx, &pair_arg(.cookie = 5, .data = uptr(buf), .len = sizeof(buf)));
	must_recv(self->rx, &arg);
	EXPECT_TRUE(arg.out_flags & SHMIPC_MSG_META);
	EXPECT_EQ(5, arg.out_cookie);
	EXPECT_EQ(getpid(), (pid_t)arg.out_pid);
	EXPECT_EQ(sizeof(buf), arg.out_len);
}

/* Without META in the answer all of it is zero, and nothing of an earlier message */
TEST_F(pair, no_meta)
{
	struct shmipc_recv arg;

	must_own();
	must_send(self->tx, &pair_arg(.cookie = 5));
	arg = recv_arg();
	memset(&arg.out_len, 0xee, sizeof(arg) - offsetof(struct shmipc_recv, out_len));
	must_recv(self->rx, &arg);
	if (arg.out_flags & SHMIPC_MSG_META)
		return;
	EXPECT_EQ(0, arg.out_flags & SHMIPC_MSG_CLAIMED);
	EXPECT_EQ(0, arg.out_cookie);
	EXPECT_EQ(0, arg.out_endpoint);
	EXPECT_EQ(0, arg.out_sent_time);
	EXPECT_EQ(0, arg.out_pid);
	EXPECT_EQ(0, arg.out_uid);
}

/* The user and process at the time of SEND, not of open() */
TEST_F(pair, sender_is_who_sends)
{
	struct shmipc_recv arg = recv_arg();
	int status;
	pid_t pid;

	must_own(.flags = SHMIPC_PORT_META);
	pid = fork();
	if (!pid)
		_exit(setresuid(4321, 4321, 4321) || try_send(self->tx, &pair_arg()));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	must_recv(self->rx, &arg);
	EXPECT_EQ(4321, arg.out_uid);
	/* a local sender that has gone is not to be seen any more; a peer's claim stays */
	EXPECT_TRUE(arg.out_pid == (__u32)pid || (is_local(variant) && !arg.out_pid));
	EXPECT_EQ(endpoint_id(self->tx), arg.out_endpoint);
}

/* Run @fn as process 1 of new pid and user namespaces; its pid outside, or -1 */
static pid_t in_namespaces(int (*fn)(FIXTURE_DATA(pair) *self), FIXTURE_DATA(pair) *self)
{
	pid_t outer, inner = -1;
	int status, fds[2];

	if (pipe(fds))
		return -1;
	outer = fork();
	if (!outer) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWPID))
			_exit(99);
		inner = fork();
		if (!inner)
			_exit(fn(self));
		if (write(fds[1], &inner, sizeof(inner)) != sizeof(inner))
			_exit(1);
		_exit(waitpid(inner, &status, 0) != inner || status);
	}
	close(fds[1]);
	if (read(fds[0], &inner, sizeof(inner)) != sizeof(inner))
		inner = -1;
	close(fds[0]);
	if (waitpid(outer, &status, 0) != outer)
		return -1;
	if (WEXITSTATUS(status) == 99)
		return 0;
	return status ? -1 : inner;
}

static int receive_inside(FIXTURE_DATA(pair) *self)
{
	struct shmipc_recv arg = recv_arg();

	if (getpid() != 1 || try_recv(self->rx, &arg))
		return 1;
	if (!(arg.out_flags & SHMIPC_MSG_META))
		return 2;
	/* not visible from here, and not mapped */
	return arg.out_pid != 0 || arg.out_uid != overflow_uid();
}

TEST_F(pair, receiver_in_namespaces)
{
	pid_t pid;

	/* what a peer claims is passed on raw: nothing to translate */
	if (!is_local(variant))
		return;
	must_own(.flags = SHMIPC_PORT_META);
	must_send(self->tx, &pair_arg());
	pid = in_namespaces(receive_inside, self);
	if (!pid)
		SKIP(return, "no pid or user namespaces");
	EXPECT_LT(0, pid);
	EXPECT_EQ(0, port_queued(self->rx, SELF, self->port));
}

static int send_inside(FIXTURE_DATA(pair) *self)
{
	if (getpid() != 1)
		return 1;
	if (try_send(self->tx, &pair_arg()))
		return 2;
	/* stay until it has been looked at */
	return !happens(port_queued(self->rx, SELF, self->port) == 0);
}

static void *receive_outside(void *data)
{
	FIXTURE_DATA(pair) *self = data;
	static struct shmipc_recv arg;

	arg = recv_arg();
	return try_recv(self->rx, &arg) ? NULL : &arg;
}

TEST_F(pair, sender_in_namespaces)
{
	struct shmipc_recv *arg;
	pthread_t thread;
	pid_t pid;

	must_own(.flags = SHMIPC_PORT_META);
	ASSERT_EQ(0, pthread_create(&thread, NULL, receive_outside, self));
	pid = in_namespaces(send_inside, self);
	if (!pid)
		SKIP(return, "no pid or user namespaces");
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, pthread_join(thread, (void **)&arg));
	ASSERT_NE(NULL, arg);
	EXPECT_EQ(pid, (pid_t)arg->out_pid);
	EXPECT_EQ(0, arg->out_uid);
}

/* PORTS translates its owner likewise */
static int look_inside(FIXTURE_DATA(pair) *self)
{
	struct shmipc_port_info row;

	if (try_port_row(self->rx, SELF, self->port, &row))
		return 1;
	return row.pid != 0 || row.uid != overflow_uid();
}

TEST_F(pair, owner_in_namespaces)
{
	struct shmipc_port_info row;
	pid_t pid;

	must_own();
	must_port_row(self->rx, SELF, self->port, &row);
	EXPECT_EQ(getpid(), (pid_t)row.pid);
	EXPECT_EQ(0, row.uid);
	pid = in_namespaces(look_inside, self);
	if (!pid)
		SKIP(return, "no pid or user namespaces");
	EXPECT_LT(0, pid);
}

TEST_HARNESS_MAIN
