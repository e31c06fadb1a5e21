// SPDX-License-Identifier: GPL-2.0
/* event.c, watch.c: events and what they are asked for with */
#include <poll.h>

#include "lib_test.h"

#define PEER_UP SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_UP)

static int poll_now(struct shmipc_endpoint *ep)
{
	struct pollfd fd = { .fd = shmipc_fd(ep), .events = POLLIN | POLLPRI };

	return poll(&fd, 1, 0) < 0 ? -1 : fd.revents;
}

/* Read one event of @ep into @buffer. */
static const struct shmipc_event *next(struct shmipc_endpoint *ep,
				       struct shmipc_event_buffer *buffer)
{
	return shmipc_event_read(ep, buffer, SOON) == 1 ? shmipc_event_buffer_at(buffer, 0) :
							  NULL;
}

TEST_F(pair, peers_that_are_up_are_reported_at_once)
{
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(8);
	const struct shmipc_event *event;
	uint32_t old = 1;

	ASSERT_EQ(0, shmipc_event_mask(self->a, PEER_UP, &old));
	EXPECT_EQ(0, old);
	EXPECT_EQ(POLLPRI, poll_now(self->a));
	event = next(self->a, buffer);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(SHMIPC_EVENT_PEER_UP, shmipc_event_kind(event));
	EXPECT_EQ(PEER_B, shmipc_event_peer(event));
	EXPECT_EQ(0, shmipc_event_port(event));
	EXPECT_EQ(0, shmipc_event_generation(event));
	EXPECT_EQ(0, shmipc_event_endpoint(event));
	EXPECT_EQ(0, shmipc_event_count(event));
	EXPECT_NE(0, shmipc_event_time(event));
	EXPECT_EQ(NULL, shmipc_event_buffer_at(buffer, 1));
	EXPECT_EQ(0, poll_now(self->a));
	EXPECT_EQ(0, shmipc_event_mask(self->a, SHMIPC_MASK_PEER, &old));
	EXPECT_EQ(PEER_UP, old);
	FAILS(EAGAIN, shmipc_event_read(self->a, buffer, SHMIPC_NOWAIT));
	EXPECT_EQ(NULL, shmipc_event_buffer_at(buffer, 0));
	shmipc_event_buffer_free(buffer);
	shmipc_event_buffer_free(NULL);
}

TEST_F(pair, event_errors)
{
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(1);

	FAILS(EOPNOTSUPP, shmipc_event_mask(self->a, 1u << 20, NULL));
	FAILS(EISCONN, shmipc_event_mask(self->b, SHMIPC_MASK_READ, NULL));
	EXPECT_EQ(0, shmipc_event_mask(self->a, SHMIPC_MASK_READ, NULL));
	FAILS(EINVAL, shmipc_event_mask(self->a, 0, NULL));
	FAILS(EINVAL, shmipc_event_mask(NULL, 0, NULL));
	FAILS(EAGAIN, shmipc_event_read(self->a, buffer, SHMIPC_NOWAIT));
	FAILS(ETIMEDOUT, shmipc_event_read(self->a, buffer, BRIEFLY));
	FAILS(EINVAL, shmipc_event_read(self->a, buffer, -2));
	FAILS(EINVAL, shmipc_event_read(NULL, buffer, SHMIPC_NOWAIT));
	shmipc_event_buffer_free(buffer);
}

TEST_F(pair, watch_of_a_port)
{
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(8);
	const struct shmipc_event *event;

	ASSERT_EQ(0, shmipc_watch_port(self->a, &self->to, 0xc00c1e));
	FAILS(EAGAIN, shmipc_event_read(self->a, buffer, SHMIPC_NOWAIT));
	ASSERT_EQ(0, shmipc_port_destroy(self->b));
	event = next(self->a, buffer);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(SHMIPC_EVENT_GONE, shmipc_event_kind(event));
	EXPECT_EQ(0xc00c1e, shmipc_event_cookie(event));
	EXPECT_EQ(PEER_B, shmipc_event_peer(event));
	EXPECT_EQ(700, shmipc_event_port(event));
	FAILS(ENOENT, shmipc_unwatch(self->a, 0xc00c1e));
	shmipc_event_buffer_free(buffer);
}

TEST_F(pair, watch_of_what_is_gone_fires_at_once)
{
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(8);
	struct shmipc_address closed = { PEER_B, 701, 0 };

	ASSERT_EQ(0, shmipc_watch_port(self->a, &closed, 1));
	EXPECT_NE(NULL, next(self->a, buffer));
	shmipc_event_buffer_free(buffer);
}

TEST_F(pair, watch_of_an_endpoint)
{
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(8);
	struct shmipc_endpoint *other = shmipc_open(DEV_A, 0);
	struct shmipc_region *region = shmipc_region_get(other);
	uint64_t id = shmipc_region_endpoint(region);
	const struct shmipc_event *event;

	ASSERT_EQ(0, shmipc_watch_endpoint(self->a, SHMIPC_PEER_SELF, id, 2));
	shmipc_close(other);
	event = next(self->a, buffer);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(SHMIPC_EVENT_GONE, shmipc_event_kind(event));
	EXPECT_EQ(id, shmipc_event_endpoint(event));
	EXPECT_EQ(2, shmipc_event_cookie(event));
	shmipc_region_free(region);
	shmipc_event_buffer_free(buffer);
}

TEST_F(pair, watch_of_a_name)
{
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(8);
	struct shmipc_endpoint *other = shmipc_open(DEV_B, 0);
	const struct shmipc_event *event;

	ASSERT_EQ(0, shmipc_watch_name(self->a, SHMIPC_PEER_ANY, "coming", 3));
	FAILS(EAGAIN, shmipc_event_read(self->a, buffer, SHMIPC_NOWAIT));
	ASSERT_EQ(71, shmipc_port_create(other, 71, "coming"));
	event = next(self->a, buffer);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(SHMIPC_EVENT_NAME, shmipc_event_kind(event));
	EXPECT_EQ(PEER_B, shmipc_event_peer(event));
	EXPECT_EQ(71, shmipc_event_port(event));
	EXPECT_EQ(3, shmipc_event_cookie(event));
	shmipc_close(other);
	shmipc_event_buffer_free(buffer);
}

TEST_F(pair, watch_of_a_peer)
{
	ASSERT_EQ(0, shmipc_watch_peer(self->a, PEER_B, 4));
	EXPECT_EQ(0, poll_now(self->a));
	EXPECT_EQ(0, shmipc_unwatch(self->a, 4));
	FAILS(ENOENT, shmipc_unwatch(self->a, 4));
}

TEST_F(pair, watch_errors)
{
	struct shmipc_address to = self->to;

	ASSERT_EQ(0, shmipc_watch_peer(self->a, PEER_B, 1));
	FAILS(EEXIST, shmipc_watch_peer(self->a, PEER_B, 1));
	FAILS(EHOSTUNREACH, shmipc_watch_peer(self->a, 2, 2));
	FAILS(EINVAL, shmipc_watch_name(self->a, PEER_B, "a b", 2));
	FAILS(EINVAL, shmipc_watch_name(self->a, PEER_B, "a-name-of-32-characters-is-to-long", 2));
	to.port = 65536;
	FAILS(EINVAL, shmipc_watch_port(self->a, &to, 2));
	FAILS(EINVAL, shmipc_watch_peer(NULL, PEER_B, 2));
	for (uint64_t i = 2; i <= SHMIPC_WATCH_MAX; i++)
		ASSERT_EQ(0, shmipc_watch_peer(self->a, PEER_B, i));
	FAILS(ENOSPC, shmipc_watch_peer(self->a, PEER_B, SHMIPC_WATCH_MAX + 1));
}

/* An answer is never lost: what is not read yet counts as a watch. */
TEST_F(pair, answers_are_not_lost)
{
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(100);
	struct shmipc_address closed = { PEER_B, 701, 0 };
	uint64_t next_cookie = 0;
	int nr;

	for (uint64_t i = 0; i < SHMIPC_WATCH_MAX; i++)
		ASSERT_EQ(0, shmipc_watch_port(self->a, &closed, i));
	FAILS(ENOSPC, shmipc_watch_port(self->a, &closed, SHMIPC_WATCH_MAX));
	while ((nr = shmipc_event_read(self->a, buffer, SHMIPC_NOWAIT)) > 0)
		for (int i = 0; i < nr; i++)
			EXPECT_EQ(next_cookie++,
				  shmipc_event_cookie(shmipc_event_buffer_at(buffer, i)));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(SHMIPC_WATCH_MAX, next_cookie);
	EXPECT_EQ(0, shmipc_watch_port(self->a, &closed, 0));
	shmipc_event_buffer_free(buffer);
}

TEST_HARNESS_MAIN
