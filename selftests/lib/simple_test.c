// SPDX-License-Identifier: GPL-2.0
/* simple.c, deadline.c: one message, from and to plain memory */
#include "lib_test.h"

TEST_F(pair, send_and_recv)
{
	struct shmipc_address from = { 9, 9, 9 };
	char data[10] = "";
	uint32_t type = 0;

	ASSERT_EQ(50, shmipc_port_create(self->a, 50, NULL));
	ASSERT_EQ(0, shmipc_send(self->a, &self->to, 42, "hello", 5, SHMIPC_NOWAIT));
	ASSERT_EQ(5, shmipc_recv(self->b, data, sizeof(data), &type, &from, SOON));
	EXPECT_STREQ("hello", data);
	EXPECT_EQ(42, type);
	EXPECT_EQ(PEER_A, from.peer);
	EXPECT_EQ(50, from.port);
	EXPECT_EQ(0, from.generation);
	EXPECT_EQ(0, shmipc_send(self->b, &from, 0, "bye", 3, SHMIPC_NOWAIT));
	EXPECT_EQ(3, shmipc_recv(self->a, data, sizeof(data), NULL, NULL, SOON));
}

TEST_F(pair, a_message_of_no_bytes)
{
	ASSERT_EQ(0, shmipc_send(self->a, &self->to, 1, NULL, 0, SHMIPC_NOWAIT));
	EXPECT_EQ(0, shmipc_next_length(self->b, SOON));
	EXPECT_EQ(0, shmipc_recv(self->b, NULL, 0, NULL, NULL, SOON));
}

TEST_F(pair, the_largest_message)
{
	size_t size = SHMIPC_MSG_DEFAULT;
	char *out = malloc(size + 1), *in = malloc(size);

	for (size_t i = 0; i < size; i++)
		out[i] = i * 7 + i / 256;
	FAILS(EMSGSIZE, shmipc_send(self->a, &self->to, 0, out, size + 1, SHMIPC_NOWAIT));
	ASSERT_EQ(0, shmipc_send(self->a, &self->to, 0, out, size, SOON));
	ASSERT_EQ((ssize_t)size, shmipc_recv(self->b, in, size, NULL, NULL, SOON));
	EXPECT_EQ(0, memcmp(in, out, size));
	free(out);
	free(in);
}

TEST_F(pair, too_small_a_buffer_loses_nothing)
{
	char data[5];

	ASSERT_EQ(0, shmipc_send(self->a, &self->to, 0, "hello", 5, SHMIPC_NOWAIT));
	FAILS(EMSGSIZE, shmipc_recv(self->b, data, 4, NULL, NULL, SOON));
	EXPECT_EQ(5, shmipc_next_length(self->b, SOON));
	EXPECT_EQ(5, shmipc_peek(self->b, data, 5, NULL, NULL, SOON));
	EXPECT_EQ(5, shmipc_recv(self->b, data, SIZE_MAX, NULL, NULL, SOON));
}

TEST_F(pair, peek_and_discard)
{
	struct shmipc_address from;
	char data[5] = "";
	uint32_t type;

	ASSERT_EQ(0, shmipc_send(self->a, &self->to, 3, "one", 3, SHMIPC_NOWAIT));
	ASSERT_EQ(0, shmipc_send(self->a, &self->to, 4, "four", 4, SHMIPC_NOWAIT));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(3, shmipc_peek(self->b, data, 5, &type, &from, SOON));
		EXPECT_STREQ("one", data);
		EXPECT_EQ(3, type);
		EXPECT_EQ(PEER_A, from.peer);
		EXPECT_EQ(0, from.port);
	}
	EXPECT_EQ(3, shmipc_discard(self->b, SOON));
	EXPECT_EQ(4, shmipc_next_length(self->b, SOON));
	EXPECT_EQ(4, shmipc_discard(self->b, SOON));
	FAILS(EAGAIN, shmipc_discard(self->b, SHMIPC_NOWAIT));
	FAILS(EAGAIN, shmipc_next_length(self->b, SHMIPC_NOWAIT));
	FAILS(EAGAIN, shmipc_peek(self->b, data, 5, NULL, NULL, SHMIPC_NOWAIT));
}

TEST_F(pair, send_errors)
{
	struct shmipc_address to = self->to;

	to.port = 0;
	FAILS(EDESTADDRREQ, shmipc_send(self->a, &to, 0, "x", 1, SHMIPC_NOWAIT));
	/* Also if there is a connected destination, which it is not meant for. */
	ASSERT_EQ(0, shmipc_connect(self->a, &self->to, NULL));
	FAILS(EDESTADDRREQ, shmipc_send(self->a, &to, 0, "x", 1, SHMIPC_NOWAIT));
	to.port = 701;
	FAILS(ECONNREFUSED, shmipc_send(self->a, &to, 0, "x", 1, SHMIPC_NOWAIT));
	to.peer = 2;
	FAILS(EHOSTUNREACH, shmipc_send(self->a, &to, 0, "x", 1, SHMIPC_NOWAIT));
	FAILS(EFAULT, shmipc_send(self->a, &self->to, 0, (void *)8, 1, SHMIPC_NOWAIT));
	FAILS(EINVAL, shmipc_send(self->a, &self->to, 0, "x", 1, -2));
	FAILS(EINVAL, shmipc_send(NULL, &self->to, 0, "x", 1, SHMIPC_NOWAIT));
	if (sizeof(size_t) > 4)
		FAILS(EMSGSIZE, shmipc_send(self->a, &self->to, 0, "x", (size_t)1 << 31 << 1,
					    SHMIPC_NOWAIT));
	FAILS(EMSGSIZE, shmipc_send(self->a, &self->to, 0, "x", SHMIPC_MSG_MAX + 1,
				    SHMIPC_NOWAIT));
}

TEST_F(pair, recv_errors)
{
	char data[8];

	FAILS(ENOTCONN, shmipc_recv(self->a, data, 8, NULL, NULL, SHMIPC_NOWAIT));
	FAILS(EAGAIN, shmipc_recv(self->b, data, 8, NULL, NULL, SHMIPC_NOWAIT));
	FAILS(ETIMEDOUT, shmipc_recv(self->b, data, 8, NULL, NULL, BRIEFLY));
	FAILS(ETIMEDOUT, shmipc_recv(self->b, data, 8, NULL, NULL, 1));
	FAILS(EINVAL, shmipc_recv(self->b, data, 8, NULL, NULL, -2));
	FAILS(EINVAL, shmipc_recv(NULL, data, 8, NULL, NULL, SHMIPC_NOWAIT));
	FAILS(EINVAL, shmipc_discard(NULL, SHMIPC_NOWAIT));
	ASSERT_EQ(0, shmipc_send(self->a, &self->to, 0, "hello", 5, SHMIPC_NOWAIT));
	FAILS(EFAULT, shmipc_recv(self->b, (void *)8, 8, NULL, NULL, SOON));
	EXPECT_EQ(5, shmipc_recv(self->b, data, 8, NULL, NULL, SHMIPC_NOWAIT));
}

TEST_F(pair, a_full_port)
{
	for (unsigned int i = 0; i < SHMIPC_DEPTH_DEFAULT; i++)
		ASSERT_EQ(0, shmipc_send(self->a, &self->to, i, "x", 1, SHMIPC_NOWAIT));
	FAILS(EAGAIN, shmipc_send(self->a, &self->to, 0, "x", 1, SHMIPC_NOWAIT));
	FAILS(ETIMEDOUT, shmipc_send(self->a, &self->to, 0, "x", 1, BRIEFLY));
	EXPECT_EQ(1, shmipc_discard(self->b, SHMIPC_NOWAIT));
	EXPECT_EQ(0, shmipc_send(self->a, &self->to, 0, "x", 1, SOON));
}

static void nothing(int signal)
{
	(void)signal;
}

struct sleeper {
	struct shmipc_endpoint *ep;
	ssize_t ret;
	int error;
};

static void *sleep_in_recv(void *arg)
{
	struct sleeper *sleeper = arg;
	char data[8];

	sleeper->ret = shmipc_recv(sleeper->ep, data, 8, NULL, NULL, SHMIPC_FOREVER);
	sleeper->error = errno;
	return NULL;
}

/* Nothing is retried silently, and SA_RESTART means what it says. */
TEST_F(pair, signals)
{
	struct sigaction action = { .sa_handler = nothing };
	struct sleeper sleeper = { .ep = self->b };
	pthread_t thread;

	sigaction(SIGUSR1, &action, NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, sleep_in_recv, &sleeper));
	ASSERT_TRUE(until_waiting(self->b, 700, 1));
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	EXPECT_EQ(-1, sleeper.ret);
	EXPECT_EQ(EINTR, sleeper.error);

	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &action, NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, sleep_in_recv, &sleeper));
	ASSERT_TRUE(until_waiting(self->b, 700, 1));
	pthread_kill(thread, SIGUSR1);
	sleep_ms(100);
	ASSERT_EQ(0, shmipc_send(self->a, &self->to, 0, "four", 4, SHMIPC_NOWAIT));
	pthread_join(thread, NULL);
	EXPECT_EQ(4, sleeper.ret);
}

TEST_F(pair, destroying_wakes)
{
	struct sleeper sleeper = { .ep = self->b };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, sleep_in_recv, &sleeper));
	ASSERT_TRUE(until_waiting(self->b, 700, 1));
	EXPECT_EQ(0, shmipc_port_destroy(self->b));
	pthread_join(thread, NULL);
	EXPECT_EQ(-1, sleeper.ret);
	EXPECT_EQ(ENOTCONN, sleeper.error);
}

TEST_HARNESS_MAIN
