// SPDX-License-Identifier: GPL-2.0
/* message.c: a message with everything that belongs to it */
#include "lib_test.h"

/* A message to the pair's port with @text in it. */
static struct shmipc_message *letter(const struct shmipc_address *to, const char *text)
{
	struct shmipc_message *msg = shmipc_message_new(0);

	if (msg && shmipc_message_set_data(msg, text, strlen(text)) == 0)
		shmipc_message_set_to(msg, to);
	return msg;
}

TEST_F(pair, what_belongs_to_a_local_message)
{
	struct shmipc_port_options *options = shmipc_port_options_new();
	struct shmipc_endpoint *sender = shmipc_open(DEV_A, 0);
	struct shmipc_region *region = shmipc_region_get(sender);
	struct shmipc_address to = { .peer = SHMIPC_PEER_SELF, .port = 5 }, from;
	struct shmipc_message *out = letter(&to, "hello"), *in = shmipc_message_new(100);

	shmipc_port_options_set_number(options, 5);
	shmipc_port_options_set_flags(options, SHMIPC_PORT_META);
	ASSERT_EQ(5, shmipc_port_create_with(self->a, options, NULL));
	ASSERT_EQ(6, shmipc_port_create(sender, 6, NULL));
	shmipc_message_set_type(out, 77);
	shmipc_message_set_priority(out, 3);
	shmipc_message_set_cookie(out, 0x123456789abcdefULL);
	ASSERT_EQ(0, shmipc_message_send(sender, out, SHMIPC_NOWAIT));
	EXPECT_EQ(SHMIPC_STATE_QUEUED, shmipc_message_state(out));

	ASSERT_EQ(0, shmipc_message_recv(self->a, in, SOON));
	EXPECT_EQ(5, shmipc_message_length(in));
	EXPECT_EQ(0, memcmp("hello", shmipc_message_data(in), 5));
	EXPECT_EQ(77, shmipc_message_type(in));
	EXPECT_EQ(3, shmipc_message_priority(in));
	EXPECT_EQ(0x123456789abcdefULL, shmipc_message_cookie(in));
	EXPECT_EQ(SHMIPC_MSG_LOCAL | SHMIPC_MSG_META, shmipc_message_flags(in));
	EXPECT_EQ(shmipc_region_endpoint(region), shmipc_message_endpoint(in));
	EXPECT_EQ(1, shmipc_message_seq(in));
	EXPECT_NE(0, shmipc_message_sent_time(in));
	EXPECT_LE(shmipc_message_sent_time(in), shmipc_message_time(in));
	EXPECT_EQ(getpid(), shmipc_message_pid(in));
	EXPECT_EQ(getuid(), shmipc_message_uid(in));
	shmipc_message_from(in, &from);
	EXPECT_EQ(PEER_A, from.peer);
	EXPECT_EQ(6, from.port);
	EXPECT_EQ(0, from.generation);
	shmipc_message_free(out);
	shmipc_message_free(in);
	shmipc_message_free(NULL);
	shmipc_region_free(region);
	shmipc_close(sender);
	shmipc_port_options_free(options);
}

TEST_F(pair, a_remote_message_without_meta)
{
	struct shmipc_message *out = letter(&self->to, "hi"), *in = shmipc_message_new(2);

	ASSERT_EQ(0, shmipc_message_send(self->a, out, SHMIPC_NOWAIT));
	EXPECT_LE(SHMIPC_STATE_SENT, shmipc_message_state(out));
	ASSERT_EQ(0, shmipc_message_recv(self->b, in, SOON));
	EXPECT_EQ(0, shmipc_message_flags(in));
	EXPECT_EQ(0, shmipc_message_pid(in));
	EXPECT_EQ(0, shmipc_message_uid(in));
	EXPECT_EQ(0, shmipc_message_cookie(in));
	EXPECT_NE(0, shmipc_message_time(in));
	shmipc_message_free(out);
	shmipc_message_free(in);
}

TEST_F(pair, too_large_a_message_tells_its_length)
{
	struct shmipc_message *out = letter(&self->to, "0123456789");
	struct shmipc_message *in = shmipc_message_new(4);

	ASSERT_EQ(0, shmipc_message_send(self->a, out, SHMIPC_NOWAIT));
	FAILS(EMSGSIZE, shmipc_message_recv(self->b, in, SOON));
	ASSERT_EQ(10, shmipc_message_length(in));
	/* It is not here, so it cannot be sent on. */
	shmipc_message_set_to(in, &self->to);
	FAILS(EINVAL, shmipc_message_send(self->a, in, SHMIPC_NOWAIT));
	ASSERT_EQ(0, shmipc_message_reserve(in, 10));
	EXPECT_EQ(10, shmipc_message_capacity(in));
	ASSERT_EQ(0, shmipc_message_recv(self->b, in, SOON));
	EXPECT_EQ(0, memcmp("0123456789", shmipc_message_data(in), 10));
	shmipc_message_free(out);
	shmipc_message_free(in);
}

TEST_F(pair, peek_leaves_it)
{
	struct shmipc_message *out = letter(&self->to, "hi"), *in = shmipc_message_new(2);

	ASSERT_EQ(0, shmipc_message_send(self->a, out, SHMIPC_NOWAIT));
	EXPECT_EQ(0, shmipc_message_peek(self->b, in, SOON));
	EXPECT_EQ(0, shmipc_message_peek(self->b, in, SOON));
	EXPECT_EQ(1, shmipc_message_seq(in));
	EXPECT_EQ(0, shmipc_message_recv(self->b, in, SOON));
	FAILS(EAGAIN, shmipc_message_recv(self->b, in, SHMIPC_NOWAIT));
	shmipc_message_free(out);
	shmipc_message_free(in);
}

TEST_F(pair, a_received_message_can_be_sent_back)
{
	struct shmipc_message *out = letter(&self->to, "ball"), *in = shmipc_message_new(4);
	struct shmipc_address from;

	ASSERT_EQ(8, shmipc_port_create(self->a, 8, NULL));
	shmipc_message_set_type(out, 5);
	ASSERT_EQ(0, shmipc_message_send(self->a, out, SHMIPC_NOWAIT));
	ASSERT_EQ(0, shmipc_message_recv(self->b, in, SOON));
	shmipc_message_from(in, &from);
	shmipc_message_set_to(in, &from);
	ASSERT_EQ(0, shmipc_message_send(self->b, in, SHMIPC_NOWAIT));
	ASSERT_EQ(0, shmipc_message_recv(self->a, out, SOON));
	EXPECT_EQ(5, shmipc_message_type(out));
	EXPECT_EQ(4, shmipc_message_length(out));
	shmipc_message_free(out);
	shmipc_message_free(in);
}

TEST_F(pair, priorities)
{
	struct shmipc_message *msg = letter(&self->to, "");
	uint32_t type;

	for (uint32_t i = 0; i < SHMIPC_PRIORITIES; i++) {
		shmipc_message_set_type(msg, i);
		shmipc_message_set_priority(msg, i);
		ASSERT_EQ(0, shmipc_message_send(self->a, msg, SHMIPC_NOWAIT));
	}
	for (uint32_t i = SHMIPC_PRIORITIES; i--;) {
		ASSERT_EQ(0, shmipc_recv(self->b, NULL, 0, &type, NULL, SOON));
		EXPECT_EQ(i, type);
	}
	shmipc_message_set_priority(msg, SHMIPC_PRIORITIES);
	FAILS(EINVAL, shmipc_message_send(self->a, msg, SHMIPC_NOWAIT));
	EXPECT_EQ(SHMIPC_STATE_NOT_SENT, shmipc_message_state(msg));
	shmipc_message_free(msg);
}

TEST_F(pair, destinations)
{
	struct shmipc_address none = { .peer = PEER_B }, closed = { PEER_B, 701, 0 };
	struct shmipc_message *msg = letter(NULL, "x");

	FAILS(EDESTADDRREQ, shmipc_message_send(self->a, msg, SHMIPC_NOWAIT));
	ASSERT_EQ(0, shmipc_connect(self->a, &self->to, NULL));
	EXPECT_EQ(0, shmipc_message_send(self->a, msg, SHMIPC_NOWAIT));
	shmipc_message_set_to(msg, &none);
	FAILS(EDESTADDRREQ, shmipc_message_send(self->a, msg, SHMIPC_NOWAIT));
	shmipc_message_set_to(msg, &closed);
	FAILS(ECONNREFUSED, shmipc_message_send(self->a, msg, SHMIPC_NOWAIT));
	EXPECT_EQ(SHMIPC_STATE_NOT_SENT, shmipc_message_state(msg));
	shmipc_message_set_to(msg, NULL);
	EXPECT_EQ(0, shmipc_message_send(self->a, msg, SHMIPC_NOWAIT));
	FAILS(EINVAL, shmipc_message_send(NULL, msg, SHMIPC_NOWAIT));
	FAILS(EINVAL, shmipc_message_send(self->a, msg, -7));
	FAILS(EINVAL, shmipc_message_recv(self->a, msg, -7));
	FAILS(ENOTCONN, shmipc_message_recv(self->a, msg, SHMIPC_NOWAIT));
	shmipc_message_free(msg);
}

TEST_HARNESS_MAIN
