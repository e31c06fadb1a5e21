// SPDX-License-Identifier: GPL-2.0
/*
 * vros.c: the interface of VROS, row by row of what its guide (seed 004) says.
 * The harness runs each test in a process of its own, so all begin without ports.
 */
#include <shmipc/vros.h>

#include "lib_test.h"

#define ROW(name) TEST_F(vros, name)

/* @ep: to look at the table of ports with. */
FIXTURE(vros)
{
	struct shmipc_endpoint *ep;
	struct ipc_message msg;
};

FIXTURE_SETUP(vros)
{
	unsetenv("SHMIPC_DEVICE");
	self->ep = shmipc_open(DEV_A, SHMIPC_OPEN_RECV_ONLY);
	ASSERT_NE(NULL, self->ep);
}

FIXTURE_TEARDOWN(vros)
{
	shmipc_close(self->ep);
}

/* Run @code in a child and expect it to exit with 0. */
#define IN_CHILD(code) do {							\
	int child_status = -1;							\
	pid_t child_pid = fork();						\
	if (!child_pid) {							\
		code;								\
		_exit(0);							\
	}									\
	ASSERT_EQ(child_pid, waitpid(child_pid, &child_status, 0));		\
	EXPECT_EQ(0, child_status) TH_LOG("child: exit %d, signal %d",		\
		WEXITSTATUS(child_status), WTERMSIG(child_status));		\
} while (0)

/* In a child, which has no harness: exit with the line number. */
#define MUST(what) do { if (!(what)) _exit(__LINE__ % 255 + 1); } while (0)

/* Ports: ids 0-31, the lowest free first, shared by all processes */

ROW(create_gives_the_lowest_free_id)
{
	EXPECT_EQ(0, ipc_create_port());
	EXPECT_EQ(1, ipc_create_port());
	EXPECT_EQ(2, ipc_create_port());
	EXPECT_EQ(0, ipc_destroy_port(1));
	EXPECT_EQ(1, ipc_create_port());
	EXPECT_EQ(3, ipc_create_port());
}

ROW(ids_are_shared_by_all_processes)
{
	ASSERT_EQ(0, ipc_create_port());
	IN_CHILD(MUST(ipc_create_port() == 1));
	EXPECT_EQ(1, ipc_create_port());
}

ROW(there_are_32_ports)
{
	for (int i = 0; i < IPC_MAX_PORTS; i++)
		ASSERT_EQ(i, ipc_create_port());
	FAILS(ENOSPC, ipc_create_port());
	IN_CHILD(MUST(ipc_create_port() == -1 && errno == ENOSPC));
	EXPECT_EQ(0, ipc_destroy_port(17));
	EXPECT_EQ(17, ipc_create_port());
}

ROW(regions_have_ids_of_their_own)
{
	ASSERT_EQ(0, ipc_create_port());
	IN_CHILD(MUST(setenv("SHMIPC_DEVICE", "1", 1) == 0); MUST(ipc_create_port() == 0));
}

/* Destroy: the owner only; wakes waiters; clears up */

ROW(only_the_owner_destroys)
{
	ASSERT_EQ(0, ipc_create_port());
	IN_CHILD(MUST(ipc_destroy_port(0) == -1 && errno == EPERM));
	EXPECT_EQ(0, ipc_destroy_port(0));
	FAILS(EPERM, ipc_destroy_port(0));
	FAILS(EINVAL, ipc_destroy_port(32));
	FAILS(EINVAL, ipc_destroy_port(UINT32_MAX));
}

static void *wait_at_0(void *error)
{
	struct ipc_message msg;
	int ret = ipc_recv(0, &msg);

	*(int *)error = ret ? errno : 0;
	return NULL;
}

ROW(destroy_wakes_all_waiters)
{
	pthread_t threads[3];
	int errors[3];

	ASSERT_EQ(0, ipc_create_port());
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, wait_at_0, &errors[i]));
	ASSERT_TRUE(until_waiting(self->ep, 0x5600, 3));
	EXPECT_EQ(0, ipc_destroy_port(0));
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(ENOTCONN, errors[i]);
	}
	EXPECT_EQ(0, ipc_create_port());
}

ROW(destroy_discards_the_queue)
{
	ASSERT_EQ(0, ipc_create_port());
	ASSERT_EQ(0, ipc_send(0, 1, "old", 4));
	ASSERT_EQ(0, ipc_destroy_port(0));
	ASSERT_EQ(0, ipc_create_port());
	EXPECT_EQ(-2, ipc_try_recv(0, &self->msg));
}

/* The owner's death frees its ports (in VROS they stayed taken for ever) */

ROW(death_frees_the_port)
{
	pid_t child = fork();

	if (!child) {
		struct ipc_message msg;

		ipc_create_port();
		ipc_recv(0, &msg);
		_exit(1);
	}
	ASSERT_TRUE(until_waiting(self->ep, 0x5600, 1));
	EXPECT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(child, waitpid(child, NULL, 0));
	FAILS(ECONNREFUSED, ipc_send(0, 1, "x", 1));
	EXPECT_EQ(0, ipc_create_port());
}

ROW(a_child_owns_nothing_and_keeps_nothing)
{
	int go[2];

	ASSERT_EQ(0, ipc_create_port());
	ASSERT_EQ(0, pipe(go));
	IN_CHILD(
		struct ipc_message msg;
		MUST(ipc_recv(0, &msg) == -1 && errno == EPERM);
		MUST(ipc_try_recv(0, &msg) == -1 && errno == EPERM);
		MUST(ipc_send_from_port(0, 0, 0, "x", 1) == -1 && errno == EPERM);
		MUST(ipc_send(0, 0, "x", 1) == 0));
	/* The child's end has not ended the parent's port... */
	EXPECT_EQ(0, ipc_recv(0, &self->msg));

	/* ...and a child that lives on does not keep it. */
	pid_t child = fork();
	char byte;

	if (!child) {
		close(go[1]);
		_exit(read(go[0], &byte, 1) != 0);
	}
	close(go[0]);
	EXPECT_EQ(0, ipc_destroy_port(0));
	EXPECT_EQ(0, ipc_create_port());
	EXPECT_EQ(0, waiters_at(self->ep, 0x5600));
	close(go[1]);
	EXPECT_EQ(child, waitpid(child, NULL, 0));
}

/* The same for a child that pthread_atfork() handlers do not see. */
ROW(a_child_of_a_bare_clone_owns_nothing)
{
	ASSERT_EQ(0, ipc_create_port());
	pid_t child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	int status = -1;

	if (!child) {
		struct ipc_message msg;

		MUST(ipc_try_recv(0, &msg) == -1 && errno == EPERM);
		MUST(ipc_create_port() == 1);
		_exit(0);
	}
	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-2, ipc_try_recv(0, &self->msg));
}

/* Send: any process to any port, 0/-1, never waits */

ROW(anybody_may_send)
{
	ASSERT_EQ(0, ipc_create_port());
	IN_CHILD(MUST(ipc_send(0, 7, "Hello Server!", 14) == 0));
	memset(&self->msg, 0xff, sizeof(self->msg));
	ASSERT_EQ(0, ipc_recv(0, &self->msg));
	EXPECT_EQ(7, self->msg.type);
	EXPECT_EQ(14, self->msg.size);
	EXPECT_STREQ("Hello Server!", self->msg.data);
	EXPECT_NE(0, self->msg.sender_pid);
	EXPECT_NE((uint32_t)getpid(), self->msg.sender_pid);
	for (int i = 14; i < IPC_MAX_MESSAGE_SIZE; i++)
		ASSERT_EQ(0, self->msg.data[i]);
}

ROW(the_senders_pid)
{
	ASSERT_EQ(0, ipc_create_port());
	ASSERT_EQ(0, ipc_send(0, 0, NULL, 0));
	ASSERT_EQ(0, ipc_recv(0, &self->msg));
	EXPECT_EQ((uint32_t)getpid(), self->msg.sender_pid);
}

ROW(no_such_port)
{
	FAILS(ECONNREFUSED, ipc_send(0, 1, "x", 1));
	FAILS(ECONNREFUSED, ipc_send(31, 1, "x", 1));
	FAILS(ECONNREFUSED, ipc_send(32, 1, "x", 1));
	FAILS(ECONNREFUSED, ipc_send(UINT32_MAX, 1, "x", 1));
}

ROW(sizes)
{
	char data[IPC_MAX_MESSAGE_SIZE + 1];

	memset(data, 'z', sizeof(data));
	ASSERT_EQ(0, ipc_create_port());
	EXPECT_EQ(0, ipc_send(0, 0, data, 256));
	FAILS(EMSGSIZE, ipc_send(0, 0, data, 257));
	FAILS(EMSGSIZE, ipc_send(0, 0, data, UINT32_MAX));
	EXPECT_EQ(0, ipc_send(0, 0, NULL, 0));
	FAILS(EFAULT, ipc_send(0, 0, NULL, 1));
	FAILS(EFAULT, ipc_send(0, 0, (void *)8, 1));
	ASSERT_EQ(0, ipc_recv(0, &self->msg));
	EXPECT_EQ(256, self->msg.size);
	EXPECT_EQ(0, memcmp(data, self->msg.data, 256));
	ASSERT_EQ(0, ipc_recv(0, &self->msg));
	EXPECT_EQ(0, self->msg.size);
	EXPECT_EQ(-2, ipc_try_recv(0, &self->msg));
}

ROW(sixteen_messages_of_all_senders_together)
{
	ASSERT_EQ(0, ipc_create_port());
	IN_CHILD(
		for (int i = 0; i < 10; i++)
			MUST(ipc_send(0, i, "x", 1) == 0));
	for (int i = 10; i < IPC_QUEUE_SIZE; i++)
		ASSERT_EQ(0, ipc_send(0, i, "x", 1));
	FAILS(EAGAIN, ipc_send(0, 99, "x", 1));
	IN_CHILD(MUST(ipc_send(0, 99, "x", 1) == -1 && errno == EAGAIN));
	ASSERT_EQ(0, ipc_recv(0, &self->msg));
	EXPECT_EQ(0, ipc_send(0, 16, "x", 1));
	FAILS(EAGAIN, ipc_send(0, 99, "x", 1));
}

ROW(sixteen_of_the_largest)
{
	char data[IPC_MAX_MESSAGE_SIZE] = "";

	ASSERT_EQ(0, ipc_create_port());
	for (int i = 0; i < IPC_QUEUE_SIZE; i++)
		ASSERT_EQ(0, ipc_send(0, i, data, sizeof(data)));
	FAILS(EAGAIN, ipc_send(0, 0, data, 0));
}

/* Receive: the owner only, in order, blocking */

ROW(first_in_first_out)
{
	ASSERT_EQ(0, ipc_create_port());
	for (uint32_t round = 0; round < 5; round++) {
		for (uint32_t i = 0; i < IPC_QUEUE_SIZE; i++)
			ASSERT_EQ(0, ipc_send(0, round * 100 + i, &i, sizeof(i)));
		for (uint32_t i = 0; i < IPC_QUEUE_SIZE; i++) {
			ASSERT_EQ(0, ipc_recv(0, &self->msg));
			ASSERT_EQ(round * 100 + i, self->msg.type);
		}
	}
}

ROW(only_the_owner_receives)
{
	ASSERT_EQ(0, ipc_create_port());
	ASSERT_EQ(0, ipc_send(0, 0, "x", 1));
	IN_CHILD(struct ipc_message msg; MUST(ipc_recv(0, &msg) == -1 && errno == EPERM));
	FAILS(EPERM, ipc_recv(1, &self->msg));
	FAILS(EINVAL, ipc_recv(32, &self->msg));
	FAILS(EFAULT, ipc_recv(0, NULL));
	FAILS(EFAULT, ipc_recv(0, (struct ipc_message *)8));
	EXPECT_EQ(0, ipc_recv(0, &self->msg));
}

ROW(receive_blocks_and_is_woken)
{
	pid_t child = fork();

	if (!child) {
		struct ipc_message msg;

		MUST(ipc_create_port() == 0);
		MUST(ipc_recv(0, &msg) == 0);
		_exit(msg.type);
	}
	int status;

	ASSERT_TRUE(until_waiting(self->ep, 0x5600, 1));
	/* The guide's BLOCKED. The table counts the waiter just before it sleeps. */
	for (int i = 0; i < 1000 && !is_asleep(child, child); i++)
		sleep_ms(1);
	EXPECT_TRUE(is_asleep(child, child));
	EXPECT_EQ(0, ipc_send(0, 42, "wake up", 8));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(42, WEXITSTATUS(status));
}

ROW(try_recv)
{
	ASSERT_EQ(0, ipc_create_port());
	errno = 0;
	EXPECT_EQ(-2, ipc_try_recv(0, &self->msg));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, ipc_send(0, 3, "x", 1));
	EXPECT_EQ(0, ipc_try_recv(0, &self->msg));
	EXPECT_EQ(3, self->msg.type);
	EXPECT_EQ(-2, ipc_try_recv(0, &self->msg));
	FAILS(EPERM, ipc_try_recv(1, &self->msg));
	FAILS(EINVAL, ipc_try_recv(99, &self->msg));
	FAILS(EFAULT, ipc_try_recv(0, NULL));
}

/* Answers (the guide's echo example, which in VROS could not work) */

static void echo_once(int port)
{
	struct ipc_message msg;
	uint32_t client;

	if (ipc_recv_from(port, &msg, &client) == 0)
		ipc_send(client, msg.type, msg.data, msg.size);
}

ROW(echo)
{
	ASSERT_EQ(0, ipc_create_port());
	pid_t child = fork();

	if (!child) {
		struct ipc_message response;
		int my_port = ipc_create_port();

		MUST(my_port == 1);
		MUST(ipc_send(0, 1, "Echo this!", 11) == 0);
		MUST(ipc_recv(my_port, &response) == 0);
		MUST(!strcmp(response.data, "Echo this!") && response.type == 1);
		MUST(ipc_destroy_port(my_port) == 0);
		_exit(0);
	}
	int status = -1;

	echo_once(0);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

ROW(where_a_message_comes_from)
{
	uint32_t from = 5;

	ASSERT_EQ(0, ipc_create_port());
	IN_CHILD(MUST(ipc_send(0, 0, "x", 1) == 0));
	ASSERT_EQ(0, ipc_recv_from(0, &self->msg, &from));
	EXPECT_EQ(IPC_PORT_NONE, from);
	ASSERT_EQ(1, ipc_create_port());
	ASSERT_EQ(0, ipc_send(0, 0, "x", 1));
	ASSERT_EQ(0, ipc_recv_from(0, &self->msg, &from));
	EXPECT_EQ(0, from);
	ASSERT_EQ(0, ipc_send_from_port(1, 0, 0, "x", 1));
	ASSERT_EQ(0, ipc_recv_from(0, &self->msg, &from));
	EXPECT_EQ(1, from);
	FAILS(EPERM, ipc_send_from_port(2, 0, 0, "x", 1));
	FAILS(EINVAL, ipc_send_from_port(32, 0, 0, "x", 1));
	ASSERT_EQ(0, ipc_send_from_port(1, 0, 0, NULL, 0));
	EXPECT_EQ(0, ipc_recv_from(0, &self->msg, NULL));
}

/* Threads */

static void *churn(void *bad)
{
	struct ipc_message msg;

	for (int i = 0; i < 200; i++) {
		int port = ipc_create_port();

		if (port < 0 || ipc_send_from_port(port, port, i, &i, sizeof(i)) ||
		    ipc_recv(port, &msg) || msg.type != (uint32_t)i || ipc_destroy_port(port))
			++*(int *)bad;
	}
	return NULL;
}

ROW(threads_create_and_destroy)
{
	pthread_t threads[4];
	int bad[4] = { 0 };

	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, churn, &bad[i]));
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, bad[i]);
	}
	EXPECT_EQ(0, ipc_create_port());
}

static void *collect(void *sum)
{
	struct ipc_message msg;

	while (ipc_recv(0, &msg) == 0 && msg.size)
		*(long *)sum += msg.type;
	return NULL;
}

ROW(several_threads_at_one_port)
{
	pthread_t threads[4];
	long sums[4] = { 0 }, sum = 0;

	ASSERT_EQ(0, ipc_create_port());
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, collect, &sums[i]));
	for (int i = 1; i <= 1000 + 4; i++)
		while (ipc_send(0, i, "x", i <= 1000)) {
			ASSERT_EQ(EAGAIN, errno);
			sleep_ms(1);
		}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		sum += sums[i];
	}
	EXPECT_EQ(500500, sum);
}

TEST_HARNESS_MAIN
