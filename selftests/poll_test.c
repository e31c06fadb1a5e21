// SPDX-License-Identifier: GPL-2.0
/*
 * driver/endpoint.c: poll(), epoll, and what open files are: fork, dup, passing on.
 *
 * Red when: a condition is reported that a call then contradicts, or is not reported; a
 * sleeping poller is not woken; an arrival makes no edge, or a look makes one; OUT is not
 * told when room comes back, near or far; a port dies before the last file that owns it,
 * or outlives it.
 */
#include "shmipc_pair.h"

static char in[4096];

#define IN(...)		recv_arg(.data = uptr(in), .len = sizeof(in), __VA_ARGS__)

TEST_F(pair, in)
{
	must_own();
	EXPECT_EQ(POLLOUT, poll_events(self->rx, 0));
	must_send(self->tx, &pair_arg());
	ASSERT_TRUE(happens(poll_events(self->rx, 0) == (POLLIN | POLLOUT)));
	EXPECT_EQ(POLLIN | POLLOUT, poll_events(self->rx, 0));
	must_recv(self->rx, &IN(.flags = SHMIPC_RECV_PEEK));
	EXPECT_EQ(POLLIN | POLLOUT, poll_events(self->rx, 0));
	must_recv_now(self->rx, in, sizeof(in));
	EXPECT_EQ(POLLOUT, poll_events(self->rx, 0));
}

TEST_F(pair, out_of_a_destination)
{
	must_own(.depth = 2);
	/* unconnected: always */
	EXPECT_EQ(2, fill_window(self->tx, self->peer, self->port));
	EXPECT_EQ(POLLOUT, poll_events(self->tx, 0));
	must_connect(self->tx, &connect_arg(.peer = self->peer, .port = self->port));
	EXPECT_EQ(0, poll_events(self->tx, 0));
	ASSERT_TRUE(arrived(self, 2));
	must_recv_now(self->rx, in, sizeof(in));
	ASSERT_TRUE(happens(poll_events(self->tx, 0) == POLLOUT));
	must_send(self->tx, &send_arg(.flags = SHMIPC_SEND_NOWAIT));
	EXPECT_EQ(0, poll_events(self->tx, 0));
	/* fails at once: does not block either */
	must_destroy(self->rx);
	ASSERT_TRUE(happens(poll_events(self->tx, 0) == POLLOUT));
	fail_send(ECONNREFUSED, self->tx, &send_arg());
}

TEST_F(pair, sleeping_pollers)
{
	struct pollfd for_in = { .fd = self->rx, .events = POLLIN };
	struct pollfd for_out = { .fd = self->tx, .events = POLLOUT };
	struct pollfd for_pri = { .fd = self->tx, .events = POLLPRI };
	struct job job;

	must_own(.depth = 1);
	must_connect(self->tx, &connect_arg(.peer = self->peer, .port = self->port));
	must_start_poll(&job, &for_in);
	ASSERT_TRUE(job_blocked(&job));
	must_send(self->tx, &send_arg());
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(POLLIN, for_in.revents);

	must_start_poll(&job, &for_out);
	ASSERT_TRUE(job_blocked(&job));
	must_recv_now(self->rx, in, sizeof(in));
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(POLLOUT, for_out.revents);

	must_watch(self->tx, &watch_arg(.kind = SHMIPC_WATCH_PORT, .peer = self->peer,
					.port = self->port, .cookie = 1));
	must_start_poll(&job, &for_pri);
	ASSERT_TRUE(job_blocked(&job));
	must_destroy(self->rx);
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(POLLPRI, for_pri.revents);
}

TEST_F(pair, sleeping_poller_for_out_when_refused)
{
	struct pollfd for_out = { .fd = self->tx, .events = POLLOUT };
	struct job job;

	must_own(.depth = 1);
	must_connect(self->tx, &connect_arg(.peer = self->peer, .port = self->port));
	must_send(self->tx, &send_arg());
	must_start_poll(&job, &for_out);
	ASSERT_TRUE(job_blocked(&job));
	must_destroy(self->rx);
	EXPECT_EQ(0, job_end(&job));
	EXPECT_EQ(POLLOUT, for_out.revents);
}

/* OUT after a large message found no room: that much room, not just some */
TEST_F(pair, out_means_room_for_what_failed)
{
	static char out[4096];
	unsigned int i;

	must_own(.bytes = 4096, .depth = 64);
	must_connect(self->tx, &connect_arg(.peer = self->peer, .port = self->port));
	for (i = 0; i < 4; i++)
		must_send(self->tx, &send_arg(.data = uptr(out), .len = 1024));
	fail_send(EAGAIN, self->tx, &send_arg(.data = uptr(out), .len = 4096,
					      .flags = SHMIPC_SEND_NOWAIT));
	EXPECT_EQ(0, poll_events(self->tx, 0));
	ASSERT_TRUE(arrived(self, 4));
	for (i = 0; i < 4; i++) {
		if (poll_events(self->tx, 0) == POLLOUT)
			break;
		must_recv_now(self->rx, in, sizeof(in));
	}
	ASSERT_TRUE(happens(poll_events(self->tx, 0) == POLLOUT));
	must_send(self->tx, &send_arg(.data = uptr(out), .len = 4096,
				      .flags = SHMIPC_SEND_NOWAIT));
}

static int edge_on(int fd, __u32 events)
{
	struct epoll_event event = { .events = events | EPOLLET };
	int epfd = epoll_create1(EPOLL_CLOEXEC);

	if (epfd >= 0 && epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event))
		return -1;
	return epfd;
}

/* What an edge-triggered waiter is told now; 0: nothing */
static __u32 edge(int epfd, int timeout_ms)
{
	struct epoll_event event = { };

	return epoll_wait(epfd, &event, 1, timeout_ms) == 1 ? event.events : 0;
}

TEST_F(pair, one_edge_for_each_arrival)
{
	int epfd = edge_on(self->rx, EPOLLIN);
	unsigned int i;

	ASSERT_LE(0, epfd);
	must_own();
	EXPECT_EQ(0, edge(epfd, 0));
	for (i = 1; i <= 8; i++) {
		must_send(self->tx, &pair_arg());
		ASSERT_TRUE(happens(port_queued(self->rx, SELF, self->port) == i));
		ASSERT_EQ(EPOLLIN, edge(epfd, GUARD_S * 1000)) TH_LOG("arrival %u", i);
		EXPECT_EQ(0, edge(epfd, 0)) TH_LOG("arrival %u", i);
	}
	/* taking some makes none, the next arrival does */
	must_recv_now(self->rx, in, sizeof(in));
	EXPECT_EQ(0, edge(epfd, 0));
	must_send(self->tx, &pair_arg());
	EXPECT_EQ(EPOLLIN, edge(epfd, GUARD_S * 1000));
	close(epfd);
}

TEST_F(pair, edge_when_room_comes_back)
{
	unsigned int i;
	int epfd;

	must_own(.depth = 4);
	must_connect(self->tx, &connect_arg(.peer = self->peer, .port = self->port));
	epfd = edge_on(self->tx, EPOLLOUT);
	ASSERT_LE(0, epfd);
	EXPECT_EQ(EPOLLOUT, edge(epfd, 0));
	EXPECT_EQ(0, edge(epfd, 0));
	for (i = 0; i < 20; i++) {
		while (!try_send(self->tx, &send_arg(.flags = SHMIPC_SEND_NOWAIT)))
			;
		ASSERT_TRUE(arrived(self, 4));
		EXPECT_EQ(0, edge(epfd, 0));
		must_recv_now(self->rx, in, sizeof(in));
		ASSERT_EQ(EPOLLOUT, edge(epfd, GUARD_S * 1000)) TH_LOG("round %u", i);
		EXPECT_EQ(0, poll_events(self->tx, 0) & POLLIN);
	}
	close(epfd);
}

/* A pump that only acts on edges moves everything */
TEST_F(pair, edges_lose_nothing)
{
	enum { MESSAGES = 5000 };
	__u32 sent = 0, got = 0;
	int out, in_fd;

	must_own(.depth = 7);
	ASSERT_EQ(0, fcntl(self->tx, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, fcntl(self->rx, F_SETFL, O_NONBLOCK));
	must_connect(self->tx, &connect_arg(.peer = self->peer, .port = self->port));
	out = edge_on(self->tx, EPOLLOUT);
	in_fd = edge_on(self->rx, EPOLLIN);
	while (got < MESSAGES) {
		struct shmipc_recv arg = IN();

		if (sent < MESSAGES) {
			ASSERT_EQ(EPOLLOUT, edge(out, GUARD_S * 1000)) TH_LOG("sent %u", sent);
			while (sent < MESSAGES && !try_send(self->tx, &send_arg(.type = sent)))
				sent++;
		}
		ASSERT_EQ(EPOLLIN, edge(in_fd, GUARD_S * 1000)) TH_LOG("got %u", got);
		while (!try_recv(self->rx, &arg)) {
			ASSERT_EQ(got, arg.out_type);
			got++;
		}
	}
	EXPECT_EQ(MESSAGES, sent);
	close(out);
	close(in_fd);
}

TEST_F(pair, select_and_level_epoll)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	fd_set set;

	must_own();
	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, self->rx, &event));
	EXPECT_EQ(0, epoll_wait(epfd, &event, 1, 0));
	must_send(self->tx, &pair_arg());
	EXPECT_EQ(1, epoll_wait(epfd, &event, 1, GUARD_S * 1000));
	EXPECT_EQ(1, epoll_wait(epfd, &event, 1, 0));
	FD_ZERO(&set);
	FD_SET(self->rx, &set);
	EXPECT_EQ(1, select(self->rx + 1, &set, NULL, NULL, NULL));
	close(epfd);
}

TEST_F(pair, dup_is_the_same_endpoint)
{
	int fd = dup(self->rx);

	ASSERT_LE(0, fd);
	EXPECT_EQ(endpoint_id(self->rx), endpoint_id(fd));
	EXPECT_NE(endpoint_id(self->rx), endpoint_id(self->tx));
	must_own();
	fail_port_create(EISCONN, fd, &port_create_arg());
	close(self->rx);
	must_send(self->tx, &pair_arg(.type = 3));
	must_recv(fd, &IN());
	EXPECT_EQ(1, ports_total(fd));
	self->rx = fd;
}

TEST_F(pair, fork_shares_the_endpoint)
{
	int status, go[2];
	pid_t pid;
	char byte;

	must_own();
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	if (!pid) {
		/* the parent's file is closed when the word comes */
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(try_recv(self->rx, &IN()) || endpoint_id(self->rx) == 0);
	}
	close(self->rx);
	self->rx = open_dev(variant->rx_dev, O_RDWR);
	ASSERT_EQ(1, write(go[1], "x", 1));
	must_send(self->tx, &pair_arg());
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* the last owner is gone */
	fail_send(ECONNREFUSED, self->tx, &pair_arg());
}

static int pass(int sock, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { };
	struct iovec iov = { .iov_base = (void *)"f", .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -1;
}

static int take(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

TEST_F(pair, passed_over_a_socket)
{
	__u64 id = endpoint_id(self->rx);
	int socks[2];

	must_own();
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	ASSERT_EQ(0, pass(socks[0], self->rx));
	close(self->rx);
	/* on its way it still owns the port */
	must_send(self->tx, &pair_arg(.type = 3));
	self->rx = take(socks[1]);
	ASSERT_LE(0, self->rx);
	EXPECT_EQ(id, endpoint_id(self->rx));
	must_recv(self->rx, &IN());
	/* and dies with the socket that nobody reads from */
	ASSERT_EQ(0, pass(socks[0], self->rx));
	close(self->rx);
	close(socks[0]);
	close(socks[1]);
	self->rx = open_dev(variant->rx_dev, O_RDWR);
	EXPECT_TRUE(happens(try_send(self->tx, &pair_arg()) == ECONNREFUSED));
}

TEST_HARNESS_MAIN
