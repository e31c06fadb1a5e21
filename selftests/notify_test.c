// SPDX-License-Identifier: GPL-2.0
/*
 * driver/notify.c: raw doorbells, between two regions and within one.
 *
 * Red when: a ring is lost, or told to the wrong peer, doorbell, or eventfd; counts do not
 * add up; what was not asked for is queued; a binding outlives REMOVE or its endpoint, or
 * dies with the descriptor; what a peer rang before we attached counts as new, or a peer
 * that attached anew is not heard.
 */
#include "shmipc_bind.h"
#include "shmipc_pair.h"

#define DOORBELL	SHMIPC_EVENT_BIT(SHMIPC_EVENT_DOORBELL)

static __u64 bell_value(int fd)
{
	__u64 value;

	return read(fd, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

static int new_bell(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* The next record, if there is one now; kind OVERRUN with size 0 if not */
static struct shmipc_event next_event(int fd)
{
	struct shmipc_event event = {};

	if (try_events(fd, &events_arg(.data = uptr(&event), .len = sizeof(event),
				       .flags = SHMIPC_EVENTS_NOWAIT)))
		event.size = 0;
	return event;
}

/* Read DOORBELL records until @total rings of @vector by @peer were told */
static bool hears(int fd, __u32 peer, __u32 vector, __u64 total)
{
	struct shmipc_event event;
	__u64 heard = 0;

	return happens(({
		event = next_event(fd);
		if (event.size && event.kind == SHMIPC_EVENT_DOORBELL && event.peer == peer &&
		    event.vector == vector)
			heard += event.count;
		heard >= total;
	})) && heard == total;
}

static __u32 sender_of(const FIXTURE_DATA(pair) *self)
{
	return own_peer(self->tx);
}

#define ring(vec)	notify_arg(.peer = self->peer, .vector = vec)

TEST_F(pair, rings_are_counted)
{
	struct shmipc_notify arg;
	__u32 vector;
	int i;

	must_event_mask(self->rx, &event_mask_arg(.mask = DOORBELL));
	for (vector = 0; vector < SHMIPC_VECTORS; vector++) {
		for (i = 0; i < 3; i++) {
			arg = ring(vector);
			must_notify(self->tx, &arg);
			EXPECT_EQ(1, arg.out_rung);
		}
		EXPECT_TRUE(hears(self->rx, sender_of(self), vector, 3)) TH_LOG("%u", vector);
	}
	EXPECT_EQ(0, next_event(self->rx).size);
}

TEST_F(pair, unread_rings_are_one_record)
{
	struct shmipc_event event;
	int i;

	must_event_mask(self->rx, &event_mask_arg(.mask = DOORBELL));
	for (i = 0; i < 1000; i++)
		must_notify(self->tx, &ring(i % 2));
	for (i = 0; i < 2; i++) {
		EXPECT_TRUE(happens((event = next_event(self->rx)).size));
		EXPECT_EQ(SHMIPC_EVENT_DOORBELL, event.kind);
		EXPECT_EQ(sender_of(self), event.peer);
		EXPECT_EQ(i, event.vector);
		EXPECT_EQ(500, event.count);
	}
	EXPECT_EQ(0, next_event(self->rx).size);
}

TEST_F(pair, nothing_unasked)
{
	must_notify(self->tx, &ring(0));
	must_event_mask(self->rx, &event_mask_arg(.mask = SHMIPC_MASK_PEER & ~2));
	must_notify(self->tx, &ring(0));
	EXPECT_EQ(0, next_event(self->rx).size);
	EXPECT_FALSE(poll_events(self->rx, 0) & POLLPRI);
}

TEST_F(pair, eventfd_of_peer_and_vector)
{
	int any = new_bell(), this = new_bell(), other = new_bell(), vector = new_bell();
	__u32 me = sender_of(self);

	must_eventfd(self->rx, &eventfd_arg(.fd = any, .peer = ANY, .vector = 5));
	must_eventfd(self->rx, &eventfd_arg(.fd = this, .peer = me, .vector = 5));
	must_eventfd(self->rx, &eventfd_arg(.fd = other, .peer = !me, .vector = 5));
	must_eventfd(self->rx, &eventfd_arg(.fd = vector, .peer = me, .vector = 4));
	must_notify(self->tx, &ring(5));
	EXPECT_TRUE(happens(bell_value(any) > 0));
	EXPECT_TRUE(happens(bell_value(this) > 0));
	EXPECT_EQ(0, bell_value(other));
	EXPECT_EQ(0, bell_value(vector));

	must_eventfd(self->rx, &eventfd_arg(.fd = any, .peer = ANY, .vector = 5,
					    .flags = SHMIPC_EVENTFD_REMOVE));
	must_notify(self->tx, &ring(5));
	EXPECT_TRUE(happens(bell_value(this) > 0));
	EXPECT_EQ(0, bell_value(any));
	close(any);
	close(this);
	close(other);
	close(vector);
}

/* The binding holds the eventfd, not the descriptor; and ends with the endpoint */
TEST_F(pair, binding_lives_with_the_endpoint)
{
	int fd = new_bell(), copy = dup(fd), ep = open_dev(variant->rx_dev, O_RDWR);

	must_eventfd(ep, &eventfd_arg(.fd = fd, .peer = ANY, .vector = 1));
	close(fd);
	must_notify(self->tx, &ring(1));
	EXPECT_TRUE(happens(bell_value(copy) > 0));
	close(ep);
	must_event_mask(self->rx, &event_mask_arg(.mask = DOORBELL));
	must_notify(self->tx, &ring(1));
	EXPECT_TRUE(hears(self->rx, sender_of(self), 1, 1));
	EXPECT_EQ(0, bell_value(copy));
	close(copy);
}

TEST_F(pair, eventfd_errors)
{
	struct shmipc_eventfd arg;
	int fd = new_bell(), i;

	fail_eventfd(EBADF, self->rx, &eventfd_arg(.fd = -1, .peer = ANY));
	fail_eventfd(EINVAL, self->rx, &eventfd_arg(.fd = self->rx, .peer = ANY));
	fail_eventfd(EINVAL, self->rx, &eventfd_arg(.fd = fd, .peer = ANY, .vector = 8));
	fail_eventfd(EHOSTUNREACH, self->rx, &eventfd_arg(.fd = fd, .peer = 64));
	fail_eventfd(ENOENT, self->rx, &eventfd_arg(.fd = fd, .peer = ANY,
						    .flags = SHMIPC_EVENTFD_REMOVE));
	must_eventfd(self->rx, &eventfd_arg(.fd = fd, .peer = ANY));
	fail_eventfd(EEXIST, self->rx, &eventfd_arg(.fd = fd, .peer = ANY));
	close(fd);
	for (i = 1; i < (int)SHMIPC_EVENTFD_MAX; i++) {
		fd = new_bell();
		must_eventfd(self->rx, &eventfd_arg(.fd = fd, .peer = ANY));
		close(fd);
	}
	fd = new_bell();
	arg = eventfd_arg(.fd = fd, .peer = ANY);
	fail_eventfd(ENOSPC, self->rx, &arg);
	close(fd);
}

TEST_F(pair, notify_errors)
{
	fail_notify(EINVAL, self->tx, &ring(SHMIPC_VECTORS));
	fail_notify(EINVAL, self->tx, &ring(~0U));
	fail_notify(EHOSTUNREACH, self->tx, &notify_arg(.peer = 64));
	fail_notify(EHOSTUNREACH, self->tx, &notify_arg(.peer = 0xfffffffd));
}

/* ANY is everybody else */
TEST(notify_everybody)
{
	struct shmipc_notify arg = notify_arg(.peer = ANY, .vector = 2);
	int tx = open_dev(0, O_RDWR), rx = open_dev(1, O_RDWR);

	ASSERT_TRUE(links_up(tx, rx));
	must_event_mask(tx, &event_mask_arg(.mask = DOORBELL));
	must_event_mask(rx, &event_mask_arg(.mask = DOORBELL));
	must_notify(tx, &arg);
	EXPECT_EQ(1, arg.out_rung);
	EXPECT_TRUE(hears(rx, own_peer(tx), 2, 1));
	EXPECT_EQ(0, next_event(tx).size);
	close(tx);
	close(rx);
}

/* An absent peer; and when it is back, only what was rung since then is told */
TEST(peer_leaves_and_returns)
{
	int tx = open_dev(0, O_RDWR), rx = open_dev(1, O_RDWR);
	struct shmipc_notify arg;
	__u32 me = own_peer(tx), peer = own_peer(rx);

	ASSERT_TRUE(links_up(tx, rx));
	must_notify(tx, &notify_arg(.peer = peer, .vector = 6));
	must_event_mask(tx, &event_mask_arg(.mask = DOORBELL));
	must_notify(rx, &notify_arg(.peer = me, .vector = 6));
	EXPECT_TRUE(hears(tx, peer, 6, 1));
	close(rx);
	must_unbind(1);
	fail_notify(EHOSTUNREACH, tx, &notify_arg(.peer = peer));
	arg = notify_arg(.peer = ANY);
	must_notify(tx, &arg);
	EXPECT_EQ(0, arg.out_rung);

	must_bind(1);
	rx = open_dev(1, O_RDWR);
	ASSERT_TRUE(links_up(tx, rx));
	must_event_mask(rx, &event_mask_arg(.mask = DOORBELL));
	must_notify(tx, &notify_arg(.peer = peer, .vector = 6));
	EXPECT_TRUE(hears(rx, me, 6, 1));
	must_notify(rx, &notify_arg(.peer = me, .vector = 6));
	EXPECT_TRUE(hears(tx, peer, 6, 1));
	EXPECT_EQ(0, next_event(tx).size);
	close(tx);
	close(rx);
}

TEST_HARNESS_MAIN
