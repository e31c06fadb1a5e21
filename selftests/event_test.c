// SPDX-License-Identifier: GPL-2.0
/*
 * driver/event.c: EVENT_MASK, EVENTS, and read() of events.
 *
 * Red when: records queue that nobody asked for, or are missing; a peer that was up before
 * is not reported; a record is cut, lost by a fault, or read twice; what overflowed is not
 * counted; READ mode can be left; a sleeper is not woken.
 */
#include "shmipc_bind.h"

FIXTURE(events)
{
	int fd;		/* peer 0 */
	int other;	/* peer 1 */
	struct shmipc_event buf[512];
};

FIXTURE_SETUP(events)
{
	ASSERT_TRUE(both_there(&self->fd, &self->other));
}

FIXTURE_TEARDOWN(events)
{
	int fd0, fd1;

	close(self->fd);
	close(self->other);
	if (can_bind())
		EXPECT_TRUE(both_there(&fd0, &fd1));
}

#define UP	SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_UP)
#define DOWN	SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_DOWN)
#define ROOM(...) \
	events_arg(.data = uptr(self->buf), .len = sizeof(self->buf), __VA_ARGS__)

/* A watch that is answered at once: one GONE with this cookie */
static int post(int fd, __u64 cookie)
{
	return try_watch(fd, &watch_arg(.kind = SHMIPC_WATCH_PORT, .peer = SELF, .port = 9,
					.cookie = cookie));
}

TEST_F(events, nothing_unasked)
{
	fail_events(EAGAIN, self->fd, &ROOM(.flags = SHMIPC_EVENTS_NOWAIT));
	EXPECT_EQ(0, poll_events(self->fd, 0) & POLLPRI);
	if (!can_bind())
		SKIP(return, "not the owner of the machine");
	must_unbind(1);
	must_bind(1);
	ASSERT_TRUE(happens(peer_state(self->fd, 1) == SHMIPC_PEER_UP));
	fail_events(EAGAIN, self->fd, &ROOM(.flags = SHMIPC_EVENTS_NOWAIT));
}

TEST_F(events, mask)
{
	static const __u32 known = SHMIPC_MASK_PEER | SHMIPC_MASK_READ |
				   SHMIPC_EVENT_BIT(SHMIPC_EVENT_DOORBELL);
	struct shmipc_event_mask arg = event_mask_arg(.mask = DOWN);
	unsigned int bit;

	must_event_mask(self->fd, &arg);
	EXPECT_EQ(0, arg.out_mask);
	arg.mask = SHMIPC_MASK_PEER;
	must_event_mask(self->fd, &arg);
	EXPECT_EQ(DOWN, arg.out_mask);
	for (bit = 0; bit < 32; bit++)
		if (!(known & 1U << bit))
			fail_event_mask(EOPNOTSUPP, self->fd, &event_mask_arg(.mask = 1U << bit));
	arg.mask = 0;
	must_event_mask(self->fd, &arg);
	EXPECT_EQ(SHMIPC_MASK_PEER, arg.out_mask);
	must_event_mask(self->fd, &arg);
	EXPECT_EQ(0, arg.out_mask);
}

/* Peers that are up are reported when UP is first asked for, and not again */
TEST_F(events, up_at_once)
{
	struct shmipc_events arg = ROOM();
	unsigned int i, found = 0;

	must_event_mask(self->fd, &event_mask_arg(.mask = UP));
	must_events(self->fd, &arg);
	EXPECT_EQ(arg.out_nr * sizeof(struct shmipc_event), arg.out_len);
	for (i = 0; i < arg.out_nr; i++) {
		EXPECT_EQ(SHMIPC_EVENT_PEER_UP, self->buf[i].kind);
		EXPECT_EQ(sizeof(struct shmipc_event), self->buf[i].size);
		found += self->buf[i].peer == 1;
	}
	EXPECT_EQ(1, found);
	must_event_mask(self->fd, &event_mask_arg(.mask = UP | DOWN));
	fail_events(EAGAIN, self->fd, &ROOM(.flags = SHMIPC_EVENTS_NOWAIT));
	/* another endpoint asks for itself */
	must_event_mask(self->other, &event_mask_arg(.mask = UP));
	must_events(self->other, &arg);
	EXPECT_EQ(0, self->buf[0].peer);
}

TEST_F(events, down_and_up)
{
	struct shmipc_events arg = ROOM();
	__s64 before = now_ns();

	if (!can_bind())
		SKIP(return, "not the owner of the machine");
	must_event_mask(self->fd, &event_mask_arg(.mask = SHMIPC_MASK_PEER));
	must_events(self->fd, &arg);
	must_unbind(1);
	must_events(self->fd, &arg);
	EXPECT_EQ(1, arg.out_nr);
	EXPECT_EQ(SHMIPC_EVENT_PEER_DOWN, self->buf[0].kind);
	EXPECT_EQ(1, self->buf[0].peer);
	EXPECT_EQ(0, self->buf[0].count);
	EXPECT_LE(before, (__s64)self->buf[0].time);
	must_bind(1);
	must_events(self->fd, &arg);
	EXPECT_EQ(1, arg.out_nr);
	EXPECT_EQ(SHMIPC_EVENT_PEER_UP, self->buf[0].kind);
	EXPECT_EQ(1, self->buf[0].peer);
	fail_events(EAGAIN, self->fd, &ROOM(.flags = SHMIPC_EVENTS_NOWAIT));
}

/* Only the kinds asked for */
TEST_F(events, down_alone)
{
	struct shmipc_events arg = ROOM();

	if (!can_bind())
		SKIP(return, "not the owner of the machine");
	must_event_mask(self->fd, &event_mask_arg(.mask = DOWN));
	must_unbind(1);
	must_bind(1);
	ASSERT_TRUE(happens(peer_state(self->fd, 1) == SHMIPC_PEER_UP));
	must_events(self->fd, &arg);
	EXPECT_EQ(1, arg.out_nr);
	EXPECT_EQ(SHMIPC_EVENT_PEER_DOWN, self->buf[0].kind);
}

TEST_F(events, sleeper_is_woken)
{
	struct shmipc_events arg = ROOM();
	struct job job;

	must_start(&job, self->fd, SHMIPC_EVENTS, &arg);
	ASSERT_TRUE(job_blocked(&job));
	ASSERT_EQ(0, post(self->fd, 5));
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(1, arg.out_nr);
	EXPECT_EQ(SHMIPC_EVENT_GONE, self->buf[0].kind);
	EXPECT_EQ(5, self->buf[0].cookie);
}

TEST_F(events, whole_records_in_order)
{
	struct shmipc_events arg = ROOM();
	__u64 i, next = 1;

	for (i = 1; i <= 100; i++)
		ASSERT_EQ(0, post(self->fd, i));
	fail_events(EINVAL, self->fd, &ROOM(.len = sizeof(struct shmipc_event) - 1));
	fail_events(EINVAL, self->fd, &ROOM(.len = 0));
	for (i = 1; next <= 100; i++) {
		unsigned int room = 1 + i % 7, k;

		/* two records and a half: two */
		arg.len = room * sizeof(struct shmipc_event) + i % sizeof(struct shmipc_event);
		memset(self->buf, 0x5a, sizeof(self->buf));
		must_events(self->fd, &arg);
		EXPECT_LT(0, arg.out_nr);
		EXPECT_GE(room, arg.out_nr);
		EXPECT_EQ(arg.out_nr * sizeof(struct shmipc_event), arg.out_len);
		for (k = 0; k < arg.out_nr; k++)
			EXPECT_EQ(next++, self->buf[k].cookie);
		EXPECT_EQ(0x5a, *((char *)self->buf + arg.out_len));
	}
	fail_events(EAGAIN, self->fd, &ROOM(.flags = SHMIPC_EVENTS_NOWAIT));
}

TEST_F(events, fault_keeps_them)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct shmipc_events arg = ROOM();
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	__u64 i;

	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, munmap(map + page, page));
	for (i = 1; i <= 4; i++)
		ASSERT_EQ(0, post(self->fd, i));
	for (i = 0; i < 5; i++) {
		fail_events(EFAULT, self->fd, &ROOM(.data = 8));
		fail_events(EFAULT, self->fd, &ROOM(.data = uptr(map + page - 100), .len = 300));
	}
	must_events(self->fd, &arg);
	EXPECT_EQ(4, arg.out_nr);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(i + 1, self->buf[i].cookie);
}

TEST_F(events, read_mode)
{
	ssize_t len;

	must_event_mask(self->fd, &event_mask_arg(.mask = SHMIPC_MASK_READ));
	fail_event_mask(EINVAL, self->fd, &event_mask_arg(.mask = UP));
	fail_event_mask(EINVAL, self->fd, &event_mask_arg());
	fail_port_create(EISCONN, self->fd, &port_create_arg());
	EXPECT_EQ(POLLOUT, poll_events(self->fd, 0));
	ASSERT_EQ(0, post(self->fd, 1));
	ASSERT_EQ(0, post(self->fd, 2));
	EXPECT_EQ(POLLIN | POLLPRI | POLLOUT, poll_events(self->fd, 0));
	EXPECT_EQ(-1, read(self->fd, self->buf, sizeof(struct shmipc_event) - 1));
	EXPECT_EQ(EINVAL, errno);
	len = read(self->fd, self->buf, sizeof(struct shmipc_event) + 5);
	EXPECT_EQ(sizeof(struct shmipc_event), len);
	EXPECT_EQ(1, self->buf[0].cookie);
	len = read(self->fd, self->buf, sizeof(self->buf));
	EXPECT_EQ(sizeof(struct shmipc_event), len);
	EXPECT_EQ(2, self->buf[0].cookie);
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_EQ(EAGAIN, errno);
	/* it can still send, and change what it wants */
	must_port_create(self->other, &port_create_arg(.port = 100));
	must_send_to(self->fd, 1, 100, "x", 1);
	must_event_mask(self->fd, &event_mask_arg(.mask = SHMIPC_MASK_READ | DOWN));
}

TEST_F(events, read_sleeps_until_there_is_one)
{
	struct job job;

	must_event_mask(self->fd, &event_mask_arg(.mask = SHMIPC_MASK_READ));
	must_start_read(&job, self->fd, self->buf, sizeof(self->buf));
	ASSERT_TRUE(job_blocked(&job));
	ASSERT_EQ(0, post(self->fd, 7));
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(sizeof(struct shmipc_event), job.count);
	EXPECT_EQ(7, self->buf[0].cookie);
}

TEST_F(events, an_owner_cannot_become_a_reader)
{
	must_port_create(self->fd, &port_create_arg());
	fail_event_mask(EISCONN, self->fd, &event_mask_arg(.mask = SHMIPC_MASK_READ));
	must_event_mask(self->fd, &event_mask_arg(.mask = DOWN));
	must_destroy(self->fd);
	must_event_mask(self->fd, &event_mask_arg(.mask = SHMIPC_MASK_READ));
}

/* 256 are kept; the rest is counted in one record that stands where they would have */
TEST_F(events, overrun)
{
	enum { ROUNDS = 140 };
	struct shmipc_events arg = ROOM();
	unsigned int i, kept = 0, overruns = 0;
	__u64 lost = 0;

	if (!can_bind())
		SKIP(return, "not the owner of the machine");
	must_event_mask(self->fd, &event_mask_arg(.mask = DOWN | UP));
	must_events(self->fd, &arg);
	for (i = 0; i < ROUNDS; i++) {
		must_unbind(1);
		must_bind(1);
		ASSERT_TRUE(happens(peer_state(self->fd, 1) == SHMIPC_PEER_UP));
	}
	/* what a WATCH asked for is not lost in it */
	ASSERT_EQ(0, post(self->fd, 77));
	must_events(self->fd, &arg);
	for (i = 0; i < arg.out_nr; i++) {
		switch (self->buf[i].kind) {
		case SHMIPC_EVENT_OVERRUN:
			overruns++;
			lost += self->buf[i].count;
			break;
		case SHMIPC_EVENT_GONE:
			EXPECT_EQ(77, self->buf[i].cookie);
			EXPECT_EQ(arg.out_nr - 1, i);
			break;
		default:
			EXPECT_EQ(0, overruns);
			EXPECT_EQ(kept & 1 ? SHMIPC_EVENT_PEER_UP : SHMIPC_EVENT_PEER_DOWN,
				  self->buf[i].kind);
			kept++;
		}
	}
	EXPECT_EQ(1, overruns);
	EXPECT_LE(SHMIPC_EVENT_QUEUE - 1, kept);
	EXPECT_GE(SHMIPC_EVENT_QUEUE, kept);
	EXPECT_EQ(2 * ROUNDS, kept + lost);
	/* and then it queues again */
	must_unbind(1);
	must_events(self->fd, &arg);
	EXPECT_EQ(1, arg.out_nr);
	EXPECT_EQ(SHMIPC_EVENT_PEER_DOWN, self->buf[0].kind);
	must_bind(1);
}

TEST_HARNESS_MAIN
