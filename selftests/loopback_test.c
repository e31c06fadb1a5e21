// SPDX-License-Identifier: GPL-2.0
/*
 * driver/loopback.c, region.c, link.c: a region that goes while files are open and calls
 * sleep, and what the other side sees of it; its return.
 *
 * Red when: a sleeper is not woken, or with another errno; a call on a dead file has an
 * effect, crashes or sleeps; HUP is missing, or is told of something less; unbind waits for
 * open files; peers do not relink; something from before the restart is delivered after
 * it, or a lost message is not told.
 */
#include "shmipc_bind.h"

FIXTURE(loopback)
{
	int dying;	/* region 1, which goes */
	int other;	/* another file of region 1 */
	int fd;		/* region 0, which stays */
	__u32 port;
	char in[4096];
};

FIXTURE_SETUP(loopback)
{
	if (!can_bind())
		SKIP(return, "not the owner of the machine");
	ASSERT_TRUE(both_there(&self->fd, &self->dying));
	self->other = open_dev(1, O_RDWR);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(loopback)
{
	int fd0, fd1;

	close(self->dying);
	close(self->other);
	close(self->fd);
	EXPECT_TRUE(both_there(&fd0, &fd1));
	EXPECT_EQ(0, ports_total(fd0));
	EXPECT_EQ(0, ports_total(fd1));
}

/* A full port of region 1, so that senders block */
#define full_port(nr) do { \
	must_port_create(self->other, &port_create_arg(.port = nr, .depth = 1)); \
	must_send_to(self->other, SELF, nr, "x", 1); \
	must_send_to(self->fd, 1, nr, "x", 1); \
} while (0)

TEST_F(loopback, sleepers_in_every_verb)
{
	struct shmipc_recv recv = recv_arg(), elem = recv_arg();
	struct shmipc_recvv recvv = recvv_arg(.elems = uptr(&elem), .nr = 1);
	struct shmipc_send send = send_arg(.peer = SELF, .port = 100), selem = send;
	struct shmipc_sendv sendv = sendv_arg(.elems = uptr(&selem), .nr = 1);
	struct shmipc_events events = events_arg(.data = uptr(self->in), .len = 4096);
	struct shmipc_lookup lookup = lookup_arg(.flags = SHMIPC_LOOKUP_WAIT, .peer = ANY,
						 .name = "nobody");
	struct shmipc_recv timed = recv_arg(.deadline = now_ns() + GUARD_S * 1000 * MS);
	struct job job[9];
	char byte;
	unsigned int i;

	full_port(100);
	must_port_create(self->dying, &port_create_arg(.port = 101));
	must_connect(self->dying, &connect_arg(.peer = SELF, .port = 100));
	must_start(&job[0], self->dying, SHMIPC_RECV, &recv);
	must_start(&job[1], self->dying, SHMIPC_RECVV, &recvv);
	must_start(&job[2], self->dying, SHMIPC_RECV, &timed);
	must_start(&job[3], self->dying, SHMIPC_SEND, &send);
	must_start(&job[4], self->dying, SHMIPC_SENDV, &sendv);
	must_start(&job[5], self->dying, SHMIPC_EVENTS, &events);
	must_start(&job[6], self->dying, SHMIPC_LOOKUP, &lookup);
	must_start_read(&job[7], self->dying, &byte, 1);
	must_start_write(&job[8], self->dying, "y", 1);
	for (i = 0; i < 9; i++)
		ASSERT_TRUE(job_blocked(&job[i])) TH_LOG("job %u", i);
	must_unbind(1);
	for (i = 0; i < 9; i++)
		EXPECT_EQ(ENODEV, job_end(&job[i])) TH_LOG("job %u", i);
	EXPECT_EQ(ENODEV, (int)recvv.out_error);
	EXPECT_EQ(ENODEV, (int)sendv.out_error);
	EXPECT_EQ(SHMIPC_STATE_NOT_SENT, send.out_state);
}

/* Sleeping for room at the other side; the sleeper's own region goes */
TEST_F(loopback, sleepers_towards_the_other_side)
{
	struct shmipc_send send = send_arg(.peer = 0, .port = 100);
	struct job job[2];

	must_port_create(self->fd, &port_create_arg(.port = 100, .depth = 1));
	must_send_to(self->dying, 0, 100, "x", 1);
	must_connect(self->dying, &connect_arg(.peer = 0, .port = 100));
	must_start(&job[0], self->dying, SHMIPC_SEND, &send);
	must_start_write(&job[1], self->dying, "y", 1);
	ASSERT_TRUE(job_blocked(&job[0]));
	ASSERT_TRUE(job_blocked(&job[1]));
	must_unbind(1);
	EXPECT_EQ(ENODEV, job_end(&job[0]));
	EXPECT_EQ(ENODEV, job_end(&job[1]));
	/* what arrived before stays */
	EXPECT_EQ(1, port_queued(self->fd, SELF, 100));
	must_recv(self->fd, &recv_arg(.data = uptr(self->in), .len = 1));
}

TEST_F(loopback, pollers)
{
	struct pollfd pfd = { .fd = self->dying, .events = POLLIN };
	struct epoll_event level = { .events = EPOLLIN }, edge = { .events = EPOLLIN | EPOLLET };
	int ep_level = epoll_create1(0), ep_edge = epoll_create1(0);
	struct job job[3];
	unsigned int i;

	ASSERT_EQ(0, epoll_ctl(ep_level, EPOLL_CTL_ADD, self->dying, &level));
	ASSERT_EQ(0, epoll_ctl(ep_edge, EPOLL_CTL_ADD, self->dying, &edge));
	must_port_create(self->dying, &port_create_arg(.port = 101));
	must_start_poll(&job[0], &pfd);
	must_start_epoll(&job[1], ep_level, &level);
	must_start_epoll(&job[2], ep_edge, &edge);
	for (i = 0; i < 3; i++)
		ASSERT_TRUE(job_blocked(&job[i]));
	must_unbind(1);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, job_end(&job[i]));
		EXPECT_EQ(1, job[i].count);
	}
	EXPECT_EQ(POLLHUP | POLLERR, pfd.revents & (POLLHUP | POLLERR));
	EXPECT_EQ(EPOLLHUP | EPOLLERR, level.events & (EPOLLHUP | EPOLLERR));
	EXPECT_EQ(EPOLLHUP | EPOLLERR, edge.events & (EPOLLHUP | EPOLLERR));
	EXPECT_EQ(POLLHUP | POLLERR, poll_events(self->other, 0) & (POLLHUP | POLLERR));
	/* the other side goes on */
	EXPECT_EQ(0, poll_events(self->fd, 0) & (POLLHUP | POLLERR));
	close(ep_level);
	close(ep_edge);
}

TEST_F(loopback, nothing_works_on_a_dead_file)
{
	struct shmipc_event_mask mask = event_mask_arg();
	int fd = dup(self->dying), i;
	char byte;

	must_port_create(self->dying, &port_create_arg(.port = 101));
	must_send_to(self->other, SELF, 101, "x", 1);
	must_connect(self->dying, &connect_arg(.peer = SELF, .port = 101));
	must_unbind(1);
	for (i = 0; i < 2; i++) {
		fail_info(ENODEV, fd, &info_arg());
		fail_peers(ENODEV, fd, &peers_arg());
		fail_ports(ENODEV, fd, &ports_arg(.peer = SELF));
		fail_port_create(ENODEV, self->other, &port_create_arg());
		fail_port_destroy(ENODEV, fd, &port_destroy_arg());
		fail_lookup(ENODEV, fd, &lookup_arg(.peer = ANY, .name = "a"));
		fail_connect(ENODEV, fd, &connect_arg(.peer = SELF, .port = 101));
		fail_send(ENODEV, fd, &send_arg());
		fail_send(ENODEV, fd, &send_arg(.peer = 0, .port = 9));
		fail_recv(ENODEV, fd, &recv_arg());
		fail_recv_now(ENODEV, fd, &byte, 1);
		fail_event_mask(ENODEV, fd, &mask);
		fail_events(ENODEV, fd, &events_arg(.data = uptr(self->in), .len = 4096));
		fail_watch(ENODEV, fd, &watch_arg(.kind = SHMIPC_WATCH_PEER, .peer = 0));
		EXPECT_EQ(-1, read(fd, &byte, 1));
		EXPECT_EQ(ENODEV, errno);
		EXPECT_EQ(-1, write(fd, &byte, 1));
		EXPECT_EQ(ENODEV, errno);
		EXPECT_EQ(POLLHUP | POLLERR, poll_events(fd, 0) & (POLLHUP | POLLERR));
		/* not even when its successor is there */
		if (!i)
			must_bind(1);
	}
	close(fd);
}

TEST_F(loopback, unbind_does_not_wait_for_files)
{
	int fd = -1, again;

	EXPECT_LE(0, self->dying);
	must_unbind(1);
	EXPECT_EQ(-1, open_dev(1, O_RDWR));
	EXPECT_TRUE(errno == ENOENT || errno == ENXIO || errno == ENODEV) TH_LOG("%d", errno);
	must_bind(1);
	fd = open_dev(1, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(links_up(self->fd, fd));
	/* open again, go again, come again, with three generations of files */
	must_unbind(1);
	must_bind(1);
	again = open_dev(1, O_RDWR);
	ASSERT_TRUE(links_up(self->fd, again));
	fail_info(ENODEV, self->dying, &info_arg());
	fail_info(ENODEV, fd, &info_arg());
	must_port_create(again, &port_create_arg(.port = 100));
	must_send_to(self->fd, 1, 100, "x", 1);
	close(fd);
	must_recv(again, &recv_arg(.data = uptr(self->in), .len = 1));
	close(again);
}

TEST_F(loopback, a_new_attachment)
{
	struct shmipc_info before = info_arg(), after = info_arg();
	struct shmipc_peer_info row;
	int fd;

	must_info(self->dying, &before);
	must_unbind(1);
	ASSERT_EQ(0, peer_row(self->fd, 1, &row));
	EXPECT_EQ(SHMIPC_PEER_ABSENT, row.state);
	EXPECT_EQ(0, row.epoch);
	EXPECT_EQ(0, row.ports);
	must_bind(1);
	fd = open_dev(1, O_RDWR);
	ASSERT_TRUE(links_up(self->fd, fd));
	must_info(fd, &after);
	EXPECT_NE(before.out_epoch, after.out_epoch);
	EXPECT_EQ(before.out_peer, after.out_peer);
	ASSERT_EQ(0, peer_row(self->fd, 1, &row));
	EXPECT_EQ(SHMIPC_PEER_UP, row.state);
	EXPECT_EQ(after.out_epoch, row.epoch);
	EXPECT_EQ(0, row.errors);
	EXPECT_EQ(0, ports_total(fd));
	close(fd);
}

/* The other side: what it sends to, waits for and is connected to is gone */
TEST_F(loopback, the_other_side_is_told)
{
	struct shmipc_send send = send_arg(.peer = 1, .port = 100);
	struct shmipc_lookup lookup = lookup_arg(.flags = SHMIPC_LOOKUP_WAIT, .peer = 1,
						 .name = "later", .deadline = 1);
	struct job job[2];
	unsigned int i;
	int ret;

	full_port(100);
	must_connect(self->fd, &connect_arg(.peer = 1, .port = 100));
	must_start(&job[0], self->fd, SHMIPC_SEND, &send);
	must_start_write(&job[1], self->fd, "y", 1);
	ASSERT_TRUE(job_blocked(&job[0]));
	ASSERT_TRUE(job_blocked(&job[1]));
	must_unbind(1);
	for (i = 0; i < 2; i++) {
		ret = job_end(&job[i]);
		EXPECT_TRUE(ret == EHOSTUNREACH || ret == ECONNRESET) TH_LOG("%u: %d", i, ret);
	}
	/* told once of what was lost, then unreachable */
	ret = try_send(self->fd, &send);
	EXPECT_TRUE(ret == EHOSTUNREACH || ret == ECONNRESET) TH_LOG("%d", ret);
	fail_send(EHOSTUNREACH, self->fd, &send);
	fail_connect(EHOSTUNREACH, self->fd, &connect_arg(.peer = 1, .port = 100));
	fail_lookup(ETIMEDOUT, self->fd, &lookup);
	EXPECT_EQ(-1, port_generation(self->fd, 1, 100));
	/* a destination that is gone does not block */
	EXPECT_EQ(POLLOUT, poll_events(self->fd, 0) & POLLOUT);
}

/* The port's number is taken again after the restart: the old destination is not it */
TEST_F(loopback, a_pinned_destination_is_not_the_successor)
{
	struct shmipc_port_create own = port_create_arg(.port = 100);
	int fd, ret;
	__u32 old;

	must_port_create(self->dying, &own);
	old = own.out_generation;
	must_connect(self->fd, &connect_arg(.peer = 1, .port = 100));
	must_unbind(1);
	must_bind(1);
	fd = open_dev(1, O_RDWR);
	ASSERT_TRUE(links_up(self->fd, fd));
	must_port_create(fd, &own);
	EXPECT_NE(old, own.out_generation);
	ret = try_send(self->fd, &send_arg());
	EXPECT_TRUE(ret == ECONNRESET || ret == ECONNREFUSED) TH_LOG("%d", ret);
	fail_send(ECONNRESET, self->fd, &send_arg(.peer = 1, .port = 100, .generation = old));
	fail_recv_now(EAGAIN, fd, self->in, 1);
	must_connect(self->fd, &connect_arg(.peer = 1, .port = 100));
	must_send(self->fd, &send_arg(.type = 5));
	must_recv(fd, &recv_arg());
	close(fd);
}

/* What was received before the sender's region went is still there afterwards */
TEST_F(loopback, what_arrived_stays)
{
	struct shmipc_recv arg = recv_arg(.data = uptr(self->in), .len = 4096);
	unsigned int i;
	int fd;

	must_port_create(self->fd, &port_create_arg(.port = 100, .depth = 4));
	for (i = 0; i < 4; i++)
		must_send(self->dying, &send_arg(.peer = 0, .port = 100, .type = i));
	ASSERT_TRUE(happens(port_queued(self->fd, SELF, 100) == 4));
	must_unbind(1);
	must_bind(1);
	fd = open_dev(1, O_RDWR);
	ASSERT_TRUE(links_up(self->fd, fd));
	/* its window is not multiplied by the restart */
	fail_send_now(EAGAIN, fd, 0, 100, "x", 1);
	for (i = 0; i < 4; i++) {
		must_recv(self->fd, &arg);
		EXPECT_EQ(i, arg.out_type);
	}
	for (i = 0; i < 4; i++)
		ASSERT_TRUE(happens(!try_send_now(fd, 0, 100, "x", 1)));
	fail_send_now(EAGAIN, fd, 0, 100, "x", 1);
	close(fd);
}

/* Lost messages are counted in the event, and told once as ECONNRESET */
TEST_F(loopback, lost_messages_are_told)
{
	struct shmipc_event event;
	struct shmipc_events arg = events_arg(.data = uptr(&event), .len = sizeof(event));
	struct shmipc_event_mask mask = event_mask_arg(
		.mask = SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_DOWN) |
			SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_RESET));
	unsigned int i, told = 0;
	int ret, fd;

	must_event_mask(self->fd, &mask);
	must_port_create(self->dying, &port_create_arg(.port = 100, .depth = 16));
	for (i = 0; i < 16; i++)
		must_send_to(self->fd, 1, 100, "x", 1);
	must_unbind(1);
	must_events(self->fd, &arg);
	EXPECT_EQ(SHMIPC_EVENT_PEER_DOWN, event.kind);
	EXPECT_GE(16, event.count);
	must_bind(1);
	fd = open_dev(1, O_RDWR);
	ASSERT_TRUE(links_up(self->fd, fd));
	must_port_create(fd, &port_create_arg(.port = 100));
	for (i = 0; i < 4; i++) {
		ret = try_send_to(self->fd, 1, 100, "y", 1);
		EXPECT_TRUE(ret == 0 || ret == ECONNRESET) TH_LOG("%d", ret);
		told += ret == ECONNRESET;
	}
	EXPECT_EQ(event.count ? 1 : 0, told);
	for (i = 0; i < 4 - told; i++) {
		struct shmipc_recv got = recv_arg(.data = uptr(self->in), .len = 1);

		must_recv(fd, &got);
		EXPECT_EQ('y', self->in[0]);
	}
	fail_recv_now(EAGAIN, fd, self->in, 1);
	close(fd);
}

/* A large message is under way when the receiver's or the sender's region goes */
TEST_F(loopback, goes_in_the_middle_of_a_large_message)
{
	static char out[1 << 20], in[1 << 20];
	struct shmipc_recv arg = recv_arg(.data = uptr(in), .len = sizeof(in));
	unsigned int i;

	for (i = 0; i < 10; i++) {
		int fd = open_dev(1, O_RDWR), from, to;

		ASSERT_TRUE(links_up(self->fd, fd));
		from = i & 1 ? fd : self->fd;
		to = i & 1 ? self->fd : fd;
		must_port_create(to, &port_create_arg(.port = 100, .max_size = 1 << 20,
						      .bytes = 8 << 20));
		memset(out, i, sizeof(out));
		try_send_now(from, own_peer(to), 100, out, sizeof(out));
		try_send_now(from, own_peer(to), 100, out, sizeof(out));
		must_unbind(1);
		must_bind(1);
		if (to == self->fd) {
			while (!try_recv(to, &(struct shmipc_recv){
				.size = sizeof(arg), .data = uptr(in), .len = sizeof(in),
				.flags = SHMIPC_RECV_NOWAIT }))
				EXPECT_EQ(0, memcmp(in, out, sizeof(out)));
			must_destroy(to);
		}
		close(fd);
	}
}

/* Many restarts in a row, either side: the link comes up each time */
TEST_F(loopback, many_restarts)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		unsigned int nr = i & 1;
		int fd0, fd1;

		must_unbind(nr);
		/* nodes are numbered as they come */
		if (i % 3 == 0) {
			must_unbind(!nr);
			must_bind(0);
			must_bind(1);
		} else {
			must_bind(nr);
		}
		fd0 = open_dev(0, O_RDWR);
		fd1 = open_dev(1, O_RDWR);
		ASSERT_TRUE(links_up(fd0, fd1)) TH_LOG("restart %u", i);
		must_port_create(fd1, &port_create_arg(.port = 100));
		must_send_to(fd0, 1, 100, "x", 1);
		must_recv(fd1, &recv_arg(.data = uptr(self->in), .len = 1));
		close(fd0);
		close(fd1);
	}
}

TEST_HARNESS_MAIN
