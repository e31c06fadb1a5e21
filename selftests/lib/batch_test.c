// SPDX-License-Identifier: GPL-2.0
/* batch.c: many messages in one call */
#include "lib_test.h"

/* @nr messages for @to, of types 0 and up. */
static struct shmipc_batch *letters(const struct shmipc_address *to, size_t nr)
{
	struct shmipc_batch *batch = shmipc_batch_new(nr, 4);

	for (size_t i = 0; batch && i < nr; i++) {
		struct shmipc_message *msg = shmipc_batch_at(batch, i);

		shmipc_message_set_data(msg, "data", 4);
		shmipc_message_set_to(msg, to);
		shmipc_message_set_type(msg, i);
	}
	return batch;
}

TEST_F(pair, all_go_and_all_come)
{
	struct shmipc_batch *out = letters(&self->to, 10), *in = shmipc_batch_new(10, 4);
	int error = -1;

	ASSERT_NE(NULL, out);
	ASSERT_NE(NULL, in);
	EXPECT_EQ(10, shmipc_batch_count(out));
	EXPECT_EQ(NULL, shmipc_batch_at(out, 10));
	ASSERT_EQ(10, shmipc_sendv(self->a, out, 0, 10, SOON, &error));
	EXPECT_EQ(0, error);
	for (size_t i = 0; i < 10; i++)
		EXPECT_LE(SHMIPC_STATE_SENT, shmipc_message_state(shmipc_batch_at(out, i)));
	ASSERT_EQ(10, shmipc_recvv(self->b, in, SOON, &error));
	EXPECT_EQ(0, error);
	for (size_t i = 0; i < 10; i++) {
		EXPECT_EQ(i, shmipc_message_type(shmipc_batch_at(in, i)));
		EXPECT_EQ(4, shmipc_message_length(shmipc_batch_at(in, i)));
	}
	shmipc_batch_free(out);
	shmipc_batch_free(in);
	shmipc_batch_free(NULL);
}

TEST_F(pair, what_does_not_fit_is_told)
{
	struct shmipc_batch *out = letters(&self->to, SHMIPC_DEPTH_DEFAULT + 4);
	struct shmipc_batch *in = shmipc_batch_new(100, 4);
	int error = 0;

	ASSERT_EQ((int)SHMIPC_DEPTH_DEFAULT,
		  shmipc_sendv(self->a, out, 0, SHMIPC_DEPTH_DEFAULT + 4, SHMIPC_NOWAIT, &error));
	EXPECT_EQ(EAGAIN, error);
	EXPECT_EQ(SHMIPC_STATE_NOT_SENT,
		  shmipc_message_state(shmipc_batch_at(out, SHMIPC_DEPTH_DEFAULT)));
	FAILS(EAGAIN, shmipc_sendv(self->a, out, SHMIPC_DEPTH_DEFAULT, 4, SHMIPC_NOWAIT, NULL));
	ASSERT_EQ((int)SHMIPC_DEPTH_DEFAULT, shmipc_recvv(self->b, in, SOON, &error));
	EXPECT_EQ(EAGAIN, error);
	EXPECT_EQ(4, shmipc_sendv(self->a, out, SHMIPC_DEPTH_DEFAULT, 4, SOON, &error));
	EXPECT_EQ(0, error);
	shmipc_batch_free(out);
	shmipc_batch_free(in);
}

TEST_F(pair, the_first_that_fails_stops_it)
{
	struct shmipc_address closed = { PEER_B, 701, 0 };
	struct shmipc_batch *out = letters(&self->to, 5);
	int error = 0;

	shmipc_message_set_to(shmipc_batch_at(out, 2), &closed);
	ASSERT_EQ(2, shmipc_sendv(self->a, out, 0, 5, SOON, &error));
	EXPECT_EQ(ECONNREFUSED, error);
	FAILS(ECONNREFUSED, shmipc_sendv(self->a, out, 2, 3, SOON, &error));
	EXPECT_EQ(2, shmipc_sendv(self->a, out, 3, 2, SOON, &error));
	shmipc_batch_free(out);
}

TEST_F(pair, the_length_of_what_was_too_large)
{
	struct shmipc_batch *out = letters(&self->to, 3), *in = shmipc_batch_new(3, 4);
	int error = 0;

	shmipc_message_set_data(shmipc_batch_at(out, 1), "longer", 6);
	ASSERT_EQ(3, shmipc_sendv(self->a, out, 0, 3, SOON, NULL));
	ASSERT_EQ(1, shmipc_recvv(self->b, in, SOON, &error));
	EXPECT_EQ(EMSGSIZE, error);
	EXPECT_EQ(6, shmipc_message_length(shmipc_batch_at(in, 1)));
	FAILS(EMSGSIZE, shmipc_recvv(self->b, in, SOON, &error));
	EXPECT_EQ(6, shmipc_message_length(shmipc_batch_at(in, 0)));
	shmipc_batch_free(out);
	shmipc_batch_free(in);
}

TEST_F(pair, errors)
{
	struct shmipc_batch *batch = letters(&self->to, 3);

	FAILS(EINVAL, shmipc_sendv(self->a, batch, 0, 0, SOON, NULL));
	FAILS(EINVAL, shmipc_sendv(self->a, batch, 0, 4, SOON, NULL));
	FAILS(EINVAL, shmipc_sendv(self->a, batch, 3, 1, SOON, NULL));
	FAILS(EINVAL, shmipc_sendv(self->a, batch, SIZE_MAX, 2, SOON, NULL));
	FAILS(EINVAL, shmipc_sendv(self->a, batch, 0, 3, -2, NULL));
	FAILS(EINVAL, shmipc_sendv(NULL, batch, 0, 3, SOON, NULL));
	FAILS(EINVAL, shmipc_recvv(NULL, batch, SOON, NULL));
	FAILS(ENOTCONN, shmipc_recvv(self->a, batch, SOON, NULL));
	FAILS(EAGAIN, shmipc_recvv(self->b, batch, SHMIPC_NOWAIT, NULL));
	FAILS(ETIMEDOUT, shmipc_recvv(self->b, batch, BRIEFLY, NULL));
	shmipc_batch_free(batch);
}

/* The largest batch there may be, over and over through a small window. */
TEST_F(pair, the_largest_batch)
{
	struct shmipc_batch *out = letters(&self->to, SHMIPC_BATCH_MAX);
	struct shmipc_batch *in = shmipc_batch_new(SHMIPC_BATCH_MAX, 4);
	size_t sent = 0, next = 0;

	while (next < SHMIPC_BATCH_MAX) {
		int nr;

		if (sent < SHMIPC_BATCH_MAX) {
			nr = shmipc_sendv(self->a, out, sent, SHMIPC_BATCH_MAX - sent,
					  SHMIPC_NOWAIT, NULL);
			if (nr > 0)
				sent += nr;
		}
		nr = shmipc_recvv(self->b, in, SOON, NULL);
		ASSERT_LT(0, nr);
		for (int i = 0; i < nr; i++)
			ASSERT_EQ(next++, shmipc_message_type(shmipc_batch_at(in, i)));
	}
	shmipc_batch_free(out);
	shmipc_batch_free(in);
}

TEST_HARNESS_MAIN
