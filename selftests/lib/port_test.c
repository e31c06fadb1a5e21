// SPDX-License-Identifier: GPL-2.0
/* port.c, lookup.c: owning a port, finding one */
#include "lib_test.h"

TEST_F(pair, any_number_is_dynamic)
{
	int number = shmipc_port_create(self->a, SHMIPC_PORT_ANY, NULL);

	EXPECT_LE((int)SHMIPC_PORT_DYNAMIC, number);
	EXPECT_GE((int)SHMIPC_PORT_MAX, number);
}

TEST_F(pair, create_errors)
{
	struct shmipc_endpoint *b2 = shmipc_open(DEV_B, 0);
	char name[40];

	FAILS(EISCONN, shmipc_port_create(self->b, SHMIPC_PORT_ANY, NULL));
	FAILS(EADDRINUSE, shmipc_port_create(b2, 700, NULL));
	FAILS(EEXIST, shmipc_port_create(b2, SHMIPC_PORT_ANY, "seven"));
	FAILS(EINVAL, shmipc_port_create(b2, 65536, NULL));
	FAILS(EINVAL, shmipc_port_create(b2, 1, "a/b"));
	FAILS(EINVAL, shmipc_port_create(NULL, 1, NULL));
	memset(name, 'x', sizeof(name));
	name[SHMIPC_NAME_MAX] = '\0';
	FAILS(EINVAL, shmipc_port_create(b2, 1, name));
	name[SHMIPC_NAME_MAX - 1] = '\0';
	EXPECT_EQ(1, shmipc_port_create(b2, 1, name));
	shmipc_close(b2);
}

TEST_F(pair, options)
{
	struct shmipc_port_options *options = shmipc_port_options_new();
	struct shmipc_address to = { .peer = PEER_A };
	uint32_t generation = 0;

	ASSERT_NE(NULL, options);
	shmipc_port_options_set_number(options, 5);
	shmipc_port_options_set_depth(options, 2);
	shmipc_port_options_set_bytes(options, 4096);
	shmipc_port_options_set_max_size(options, 10);
	shmipc_port_options_set_flags(options, SHMIPC_PORT_META);
	EXPECT_EQ(0, shmipc_port_options_set_name(options, "five"));
	FAILS(EINVAL, shmipc_port_options_set_name(options, "a-name-of-32-characters-is-to-long"));
	ASSERT_EQ(5, shmipc_port_create_with(self->a, options, &generation));
	EXPECT_NE(0, generation);

	to.port = 5;
	to.generation = generation;
	FAILS(EMSGSIZE, shmipc_send(self->b, &to, 0, "12345678901", 11, SHMIPC_NOWAIT));
	EXPECT_EQ(0, shmipc_send(self->b, &to, 0, "1234567890", 10, SHMIPC_NOWAIT));
	EXPECT_EQ(0, shmipc_send(self->b, &to, 0, "", 0, SHMIPC_NOWAIT));
	FAILS(EAGAIN, shmipc_send(self->b, &to, 0, "", 0, SHMIPC_NOWAIT));
	to.generation++;
	FAILS(ECONNRESET, shmipc_send(self->b, &to, 0, "", 0, SHMIPC_NOWAIT));

	shmipc_port_options_set_flags(options, 1u << 31);
	shmipc_port_options_set_number(options, 6);
	FAILS(EOPNOTSUPP, shmipc_port_create_with(self->b, options, NULL));
	shmipc_port_options_free(options);
	shmipc_port_options_free(NULL);
}

TEST_F(pair, options_out_of_range)
{
	struct shmipc_port_options *options = shmipc_port_options_new();

	shmipc_port_options_set_depth(options, SHMIPC_DEPTH_MAX + 1);
	FAILS(EINVAL, shmipc_port_create_with(self->a, options, NULL));
	shmipc_port_options_set_depth(options, 0);
	shmipc_port_options_set_bytes(options, SHMIPC_BYTES_MAX + 1);
	FAILS(EINVAL, shmipc_port_create_with(self->a, options, NULL));
	shmipc_port_options_set_bytes(options, 0);
	shmipc_port_options_set_max_size(options, SHMIPC_MSG_MAX + 1);
	FAILS(EINVAL, shmipc_port_create_with(self->a, options, NULL));
	shmipc_port_options_set_max_size(options, 0);
	EXPECT_LT(0, shmipc_port_create_with(self->a, options, NULL));
	shmipc_port_options_free(options);
}

TEST_F(pair, default_options)
{
	EXPECT_LE((int)SHMIPC_PORT_DYNAMIC, shmipc_port_create_with(self->a, NULL, NULL));
}

TEST_F(pair, destroy)
{
	ASSERT_EQ(0, shmipc_send(self->a, &self->to, 0, "x", 1, SOON));
	ASSERT_EQ(1, shmipc_next_length(self->b, SOON));
	EXPECT_EQ(1, shmipc_port_destroy(self->b));
	FAILS(ENOTCONN, shmipc_port_destroy(self->b));
	FAILS(ENOTCONN, shmipc_recv(self->b, NULL, 0, NULL, NULL, SHMIPC_NOWAIT));
	FAILS(ECONNREFUSED, shmipc_send(self->a, &self->to, 0, "x", 1, SHMIPC_NOWAIT));
	EXPECT_EQ(700, shmipc_port_create(self->b, 700, NULL));
	EXPECT_EQ(0, shmipc_port_destroy(self->b));
}

TEST_F(pair, lookup)
{
	struct shmipc_address found = { 0 };

	ASSERT_EQ(0, shmipc_lookup(self->a, SHMIPC_PEER_ANY, "seven", 0, SHMIPC_NOWAIT, &found));
	EXPECT_EQ(PEER_B, found.peer);
	EXPECT_EQ(700, found.port);
	EXPECT_NE(0, found.generation);
	EXPECT_EQ(0, shmipc_lookup(self->b, SHMIPC_PEER_SELF, "seven", 0, SHMIPC_NOWAIT, &found));
	EXPECT_EQ(0, shmipc_lookup(self->a, PEER_B, "seven", 0, SHMIPC_FOREVER, &found));
}

TEST_F(pair, lookup_errors)
{
	struct shmipc_address found;

	FAILS(ENOENT, shmipc_lookup(self->a, PEER_A, "seven", 0, SHMIPC_NOWAIT, &found));
	FAILS(ETIMEDOUT, shmipc_lookup(self->a, PEER_A, "seven", 0, BRIEFLY, &found));
	FAILS(EINVAL, shmipc_lookup(self->a, PEER_A, "a b", 0, SHMIPC_NOWAIT, &found));
	FAILS(EINVAL, shmipc_lookup(self->a, PEER_A, "", 0, SHMIPC_NOWAIT, &found));
	FAILS(EINVAL, shmipc_lookup(self->a, PEER_A, NULL, 0, SHMIPC_NOWAIT, &found));
	FAILS(EINVAL, shmipc_lookup(self->a, PEER_A, "seven", SHMIPC_LOOKUP_WAIT, SHMIPC_NOWAIT,
				    &found));
	FAILS(EINVAL, shmipc_lookup(self->a, PEER_A, "seven", 0, -2, &found));
	FAILS(EINVAL, shmipc_lookup(NULL, PEER_A, "seven", 0, SHMIPC_NOWAIT, &found));
	FAILS(EHOSTUNREACH, shmipc_lookup(self->a, 2, "seven", 0, SHMIPC_NOWAIT, &found));
}

TEST_F(pair, lookup_of_two_owners)
{
	struct shmipc_address found;

	ASSERT_EQ(70, shmipc_port_create(self->a, 70, "seven"));
	FAILS(ENOTUNIQ,
	      shmipc_lookup(self->b, SHMIPC_PEER_ANY, "seven", 0, SHMIPC_NOWAIT, &found));
	EXPECT_EQ(0, shmipc_lookup(self->b, SHMIPC_PEER_ANY, "seven", SHMIPC_LOOKUP_FIRST,
				   SHMIPC_NOWAIT, &found));
	EXPECT_EQ(PEER_A, found.peer);
	EXPECT_EQ(70, found.port);
}

static void *create_late(void *arg)
{
	sleep_ms(100);
	shmipc_port_create(arg, 71, "late");
	return NULL;
}

TEST_F(pair, lookup_waits)
{
	struct shmipc_endpoint *late = shmipc_open(DEV_B, 0);
	struct shmipc_address found;
	pthread_t thread;

	ASSERT_NE(NULL, late);
	ASSERT_EQ(0, pthread_create(&thread, NULL, create_late, late));
	EXPECT_EQ(0, shmipc_lookup(self->a, SHMIPC_PEER_ANY, "late", 0, SOON, &found));
	EXPECT_EQ(71, found.port);
	pthread_join(thread, NULL);
	shmipc_close(late);
}

TEST_F(pair, connect)
{
	struct shmipc_address pinned;

	ASSERT_EQ(0, shmipc_connect(self->a, &self->to, &pinned));
	EXPECT_EQ(PEER_B, pinned.peer);
	EXPECT_EQ(700, pinned.port);
	EXPECT_NE(0, pinned.generation);
	EXPECT_EQ(0, shmipc_send(self->a, NULL, 0, "x", 1, SOON));
	EXPECT_EQ(3, write(shmipc_fd(self->a), "abc", 3));
	EXPECT_EQ(1, shmipc_discard(self->b, SOON));
	EXPECT_EQ(3, shmipc_discard(self->b, SOON));
	EXPECT_EQ(0, shmipc_disconnect(self->a));
	FAILS(EDESTADDRREQ, shmipc_send(self->a, NULL, 0, "x", 1, SHMIPC_NOWAIT));
}

TEST_F(pair, connect_stays_with_its_generation)
{
	ASSERT_EQ(0, shmipc_connect(self->a, &self->to, NULL));
	ASSERT_EQ(0, shmipc_port_destroy(self->b));
	FAILS(ECONNREFUSED, shmipc_send(self->a, NULL, 0, "x", 1, SHMIPC_NOWAIT));
	ASSERT_EQ(700, shmipc_port_create(self->b, 700, NULL));
	FAILS(ECONNRESET, shmipc_send(self->a, NULL, 0, "x", 1, SHMIPC_NOWAIT));
	ASSERT_EQ(0, shmipc_connect(self->a, &self->to, NULL));
	EXPECT_EQ(0, shmipc_send(self->a, NULL, 0, "x", 1, SHMIPC_NOWAIT));
}

TEST_F(pair, connect_errors)
{
	struct shmipc_address to = self->to;

	to.port = 701;
	FAILS(ECONNREFUSED, shmipc_connect(self->a, &to, NULL));
	to.port = SHMIPC_PORT_NONE;
	FAILS(EINVAL, shmipc_connect(self->a, &to, NULL));
	to.port = 65536;
	FAILS(EINVAL, shmipc_connect(self->a, &to, NULL));
	to.port = 700;
	to.peer = 2;
	FAILS(EHOSTUNREACH, shmipc_connect(self->a, &to, NULL));
	FAILS(EINVAL, shmipc_connect(NULL, &self->to, NULL));
	ASSERT_EQ(0, shmipc_connect(self->a, &self->to, &to));
	to.generation++;
	FAILS(ECONNRESET, shmipc_connect(self->a, &to, NULL));
}

TEST_HARNESS_MAIN
