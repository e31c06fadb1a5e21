// SPDX-License-Identifier: GPL-2.0
/* notify.c: raw doorbells */
#include <poll.h>
#include <sys/eventfd.h>

#include "lib_test.h"

#define DOORBELL SHMIPC_EVENT_BIT(SHMIPC_EVENT_DOORBELL)

TEST_F(pair, ring_and_be_told)
{
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(8);
	const struct shmipc_event *event;

	ASSERT_EQ(0, shmipc_event_mask(self->b, DOORBELL, NULL));
	ASSERT_EQ(1, shmipc_notify(self->a, PEER_B, 3));
	ASSERT_EQ(1, shmipc_event_read(self->b, buffer, SOON));
	event = shmipc_event_buffer_at(buffer, 0);
	EXPECT_EQ(SHMIPC_EVENT_DOORBELL, shmipc_event_kind(event));
	EXPECT_EQ(PEER_A, shmipc_event_peer(event));
	EXPECT_EQ(3, shmipc_event_vector(event));
	EXPECT_EQ(1, shmipc_event_count(event));
	EXPECT_EQ(1, shmipc_notify(self->a, SHMIPC_PEER_ANY, 0));
	shmipc_event_buffer_free(buffer);
}

TEST_F(pair, ring_and_be_woken)
{
	struct pollfd fd = { .fd = eventfd(0, EFD_NONBLOCK), .events = POLLIN };
	uint64_t value;

	ASSERT_EQ(0, shmipc_eventfd(self->b, fd.fd, SHMIPC_PEER_ANY, 1));
	FAILS(EEXIST, shmipc_eventfd(self->b, fd.fd, SHMIPC_PEER_ANY, 1));
	ASSERT_EQ(1, shmipc_notify(self->a, PEER_B, 1));
	ASSERT_EQ(1, poll(&fd, 1, 60000));
	EXPECT_EQ(8, read(fd.fd, &value, 8));
	ASSERT_EQ(0, shmipc_eventfd_remove(self->b, fd.fd, SHMIPC_PEER_ANY, 1));
	FAILS(ENOENT, shmipc_eventfd_remove(self->b, fd.fd, SHMIPC_PEER_ANY, 1));
	ASSERT_EQ(1, shmipc_notify(self->a, PEER_B, 1));
	EXPECT_EQ(0, poll(&fd, 1, 50));
	close(fd.fd);
}

TEST_F(pair, doorbell_errors)
{
	FAILS(EINVAL, shmipc_notify(self->a, PEER_B, SHMIPC_VECTORS));
	FAILS(EHOSTUNREACH, shmipc_notify(self->a, 64, 0));
	FAILS(EINVAL, shmipc_notify(NULL, PEER_B, 0));
	FAILS(EBADF, shmipc_eventfd(self->a, -1, PEER_B, 0));
	FAILS(EINVAL, shmipc_eventfd(self->a, shmipc_fd(self->a), PEER_B, 0));
	FAILS(EINVAL, shmipc_eventfd_remove(NULL, 0, PEER_B, 0));
}

TEST_HARNESS_MAIN
