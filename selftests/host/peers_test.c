// SPDX-License-Identifier: GPL-2.0
/* Waiting, dying, coming back: what a peer in a process does that a device does not. */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/shmipc_wire.h>

#include "host_test.h"

#define SERVER_PORT	IDLER_PORT

/* Fill the window of @to; how many went in */
static int fill_window(struct shmipc_endpoint *ep, const struct shmipc_address *to)
{
	int nr = 0;

	while (!shmipc_send(ep, to, 0, "x", 1, SHMIPC_NOWAIT))
		nr++;
	return nr;
}

TEST_F(meet, waiting_ends_as_the_caller_said)
{
	struct shmipc_endpoint *ep = must_join(self->meet.where, 7);
	struct shmipc_address to = { .port = SERVER_PORT };
	pid_t pid = start_idler(self->meet.where, &to.peer);
	int64_t start;
	char byte;

	ASSERT_LT(0, pid);
	ASSERT_TRUE(until_up(ep, to.peer));
	FAILS(EAGAIN, shmipc_recv(ep, &byte, 1, NULL, NULL, SHMIPC_NOWAIT));
	start = now_ms();
	FAILS(ETIMEDOUT, shmipc_recv(ep, &byte, 1, NULL, NULL, BRIEFLY));
	EXPECT_LE(50, now_ms() - start + 1);
	EXPECT_EQ(SHMIPC_DEPTH_DEFAULT, fill_window(ep, &to));
	EXPECT_EQ(EAGAIN, errno);
	FAILS(ETIMEDOUT, shmipc_send(ep, &to, 0, "x", 1, BRIEFLY));
	to.port = SERVER_PORT + 1;
	FAILS(ECONNREFUSED, shmipc_send(ep, &to, 0, "x", 1, SOON));
	to.port = SERVER_PORT;
	to.generation = 1;
	FAILS(ECONNRESET, shmipc_send(ep, &to, 0, "x", 1, SOON));
	to.peer = 7;
	FAILS(EHOSTUNREACH, shmipc_send(ep, &to, 0, "x", 1, SOON));
	to.peer = 8;
	FAILS(EHOSTUNREACH, shmipc_send(ep, &to, 0, "x", 1, SOON));
	stop(pid);
	shmipc_close(ep);
}

static void on_signal(int number)
{
	(void)number;
}

static void *signal_sleeper(void *arg)
{
	pthread_t *sleeper = arg;
	pid_t me = getpid();

	while (!is_asleep(me, me))
		sleep_ms(1);
	sleep_ms(50);
	pthread_kill(*sleeper, SIGUSR1);
	return NULL;
}

TEST_F(meet, a_signal_ends_a_wait)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct shmipc_endpoint *ep = must_join(self->meet.where, 7);
	pthread_t me = pthread_self(), thread;
	char byte;

	sigaction(SIGUSR1, &action, NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, signal_sleeper, &me));
	FAILS(EINTR, shmipc_recv(ep, &byte, 1, NULL, NULL, SOON));
	pthread_join(thread, NULL);
	shmipc_close(ep);
}

struct blocked {
	struct shmipc_endpoint *ep;
	struct shmipc_address to;
	int error;
	int64_t ended;
};

static void *send_blocked(void *arg)
{
	struct blocked *blocked = arg;

	errno = 0;
	shmipc_send(blocked->ep, &blocked->to, 0, "x", 1, SOON);
	blocked->error = errno;
	blocked->ended = now_ms();
	return NULL;
}

/* kill -9: who waits and who listens are told; by a server, that it is down. When is printed */
TEST_F(meet, a_killed_peer_is_noticed_and_replaced)
{
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(4);
	struct shmipc_endpoint *ep = must_join(self->meet.where, 7);
	struct blocked blocked = { .ep = ep };
	const struct shmipc_event *event;
	pthread_t thread;
	uint32_t again;
	int64_t start;
	pid_t pid;

	blocked.to = (struct shmipc_address){ .port = SERVER_PORT };
	pid = start_idler(self->meet.where, &blocked.to.peer);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(until_up(ep, blocked.to.peer));
	ASSERT_EQ(0, shmipc_event_mask(ep, SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_DOWN) |
				       SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_RESET), NULL));
	ASSERT_EQ(0, shmipc_watch_peer(ep, blocked.to.peer, 77));
	EXPECT_EQ(SHMIPC_DEPTH_DEFAULT, fill_window(ep, &blocked.to));
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_blocked, &blocked));
	sleep_ms(100);
	start = now_ms();
	stop(pid);
	/* Both come of one look at the dead one */
	ASSERT_EQ(2, shmipc_event_read(ep, buffer, SOON));
	printf("# a listener was told after %lld ms\n", (long long)(now_ms() - start));
	event = shmipc_event_buffer_at(buffer, 0);
	EXPECT_EQ(self->meet.served ? SHMIPC_EVENT_PEER_DOWN : SHMIPC_EVENT_PEER_RESET,
		  shmipc_event_kind(event));
	EXPECT_EQ(blocked.to.peer, shmipc_event_peer(event));
	EXPECT_EQ(SHMIPC_DEPTH_DEFAULT, shmipc_event_count(event));
	event = shmipc_event_buffer_at(buffer, 1);
	EXPECT_EQ(SHMIPC_EVENT_GONE, shmipc_event_kind(event));
	EXPECT_EQ(77, shmipc_event_cookie(event));
	pthread_join(thread, NULL);
	printf("# a sender was told after %lld ms\n", (long long)(blocked.ended - start));
	EXPECT_TRUE(blocked.error == EHOSTUNREACH || blocked.error == EHOSTDOWN ||
		    blocked.error == ECONNRESET) TH_LOG("%s", strerror(blocked.error));
	/* Told once that sixteen are lost, then why no more can be sent */
	FAILS(ECONNRESET, shmipc_send(ep, &blocked.to, 0, "x", 1, SOON));
	FAILS(self->meet.served ? EHOSTUNREACH : EHOSTDOWN,
	      shmipc_send(ep, &blocked.to, 0, "x", 1, SOON));

	pid = start_idler(self->meet.where, &again);
	ASSERT_LT(0, pid);
	if (self->meet.served)
		EXPECT_EQ(blocked.to.peer, again);
	ASSERT_TRUE(until_up(ep, again));
	blocked.to.peer = again;
	EXPECT_EQ(0, shmipc_send(ep, &blocked.to, 0, "x", 1, SOON));
	stop(pid);
	shmipc_event_buffer_free(buffer);
	shmipc_close(ep);
}

/* Eight killed, eight slots full of the dead: the next one takes one of them over */
TEST_F(meet, slots_of_the_dead_are_used_again)
{
	struct shmipc_endpoint *ep = must_join(self->meet.where, 7);
	struct shmipc_address to = { .port = SERVER_PORT };

	for (int i = 0; i < 10; i++) {
		pid_t pid = start_idler(self->meet.where, &to.peer);

		ASSERT_LT(0, pid);
		ASSERT_TRUE(until_up(ep, to.peer)) TH_LOG("round %d, peer %u", i, to.peer);
		/* What was lost with the one before is told once */
		if (shmipc_send(ep, &to, 0, "x", 1, SOON) < 0) {
			EXPECT_EQ(ECONNRESET, errno);
			EXPECT_EQ(0, shmipc_send(ep, &to, 0, "x", 1, SOON));
		}
		stop(pid);
		while (self->meet.served && peer_state(ep, to.peer) == SHMIPC_PEER_UP)
			sleep_ms(1);
	}
	shmipc_close(ep);
}

TEST_F(meet, all_slots_of_the_living_are_taken)
{
	struct shmipc_endpoint *eps[8];

	for (int i = 0; i < 8; i++)
		eps[i] = must_join(self->meet.where, 0);
	FAILS_NULL(self->meet.served ? ECONNRESET : EBUSY, shmipc_open(self->meet.where, 0));
	shmipc_close(eps[3]);
	sleep_ms(200);
	eps[3] = must_join(self->meet.where, 0);
	EXPECT_EQ(3, own_peer(eps[3]));
	for (int i = 0; i < 8; i++)
		shmipc_close(eps[i]);
}

TEST_F(meet, leaving_is_an_ordinary_end)
{
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(4);
	struct shmipc_endpoint *a = must_join(self->meet.where, 7);
	struct shmipc_endpoint *b = must_join(self->meet.where, 8);
	struct shmipc_address to = { own_peer(b), 8, 0 };

	ASSERT_TRUE(until_up(a, to.peer));
	ASSERT_EQ(0, shmipc_event_mask(a, SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_DOWN), NULL));
	shmipc_close(b);
	ASSERT_EQ(1, shmipc_event_read(a, buffer, SOON));
	EXPECT_EQ(0, shmipc_event_count(shmipc_event_buffer_at(buffer, 0)));
	FAILS(EHOSTUNREACH, shmipc_send(a, &to, 0, "x", 1, SOON));
	shmipc_event_buffer_free(buffer);
	shmipc_close(a);
}

TEST_F(meet, a_child_has_no_part_in_it)
{
	struct shmipc_endpoint *ep = must_join(self->meet.where, 7);
	struct shmipc_address to = { SHMIPC_PEER_SELF, 7, 0 };
	int status;
	pid_t pid;
	char byte;

	/* Until the service thread is not just allocating something */
	sleep_ms(50);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int bad = 0;

		bad |= shmipc_send(ep, &to, 0, "x", 1, SHMIPC_NOWAIT) != -1 || errno != EBADF;
		bad |= shmipc_fd(ep) != -1 || errno != EBADF;
		bad |= shmipc_region_get(ep) || errno != EBADF;
		shmipc_close(ep);
		_exit(bad);
	}
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, shmipc_send(ep, &to, 0, "y", 1, SHMIPC_NOWAIT));
	EXPECT_EQ(1, shmipc_recv(ep, &byte, 1, NULL, NULL, SHMIPC_NOWAIT));
	EXPECT_EQ('y', byte);
	shmipc_close(ep);
}

static int is_readable(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, ms) == 1;
}

TEST_F(meet, the_descriptor_tells_of_messages_and_events)
{
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(4);
	struct shmipc_endpoint *a = must_join(self->meet.where, 7);
	struct shmipc_endpoint *b = must_join(self->meet.where, 0);
	struct shmipc_address to = { own_peer(a), 7, 0 };
	int fd = shmipc_fd(a);

	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	ASSERT_TRUE(until_up(b, to.peer));
	EXPECT_FALSE(is_readable(fd, 0));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, shmipc_send(b, &to, 0, "x", 1, SOON));
		EXPECT_EQ(0, shmipc_send(b, &to, 0, "x", 1, SOON));
		EXPECT_TRUE(is_readable(fd, 10000));
		EXPECT_EQ(1, shmipc_discard(a, SOON));
		EXPECT_EQ(1, shmipc_discard(a, SOON));
		EXPECT_FALSE(is_readable(fd, 0));
	}
	ASSERT_EQ(0, shmipc_event_mask(a, SHMIPC_MASK_PEER, NULL));
	EXPECT_TRUE(is_readable(fd, 10000));
	EXPECT_EQ(1, shmipc_event_read(a, buffer, SHMIPC_NOWAIT));
	EXPECT_FALSE(is_readable(fd, 0));
	shmipc_close(b);
	EXPECT_TRUE(is_readable(fd, 10000));
	shmipc_event_buffer_free(buffer);
	shmipc_close(a);
}

/* A process that is stopped is given up, and is a peer again when it goes on */
TEST_F(meet, a_stopped_peer_comes_back)
{
	struct shmipc_endpoint *ep = must_join(self->meet.where, 7);
	struct shmipc_address to = { .port = SERVER_PORT };
	pid_t pid = start_idler(self->meet.where, &to.peer);

	ASSERT_LT(0, pid);
	ASSERT_TRUE(until_up(ep, to.peer));
	EXPECT_EQ(SHMIPC_DEPTH_DEFAULT, fill_window(ep, &to));
	kill(pid, SIGSTOP);
	/* It had confirmed nothing: all that filled the window is lost */
	FAILS(EHOSTDOWN, shmipc_send(ep, &to, 0, "x", 1, shmipc_deadline(5000)));
	EXPECT_EQ(SHMIPC_PEER_STALLED, peer_state(ep, to.peer));
	FAILS(ECONNRESET, shmipc_send(ep, &to, 0, "x", 1, SOON));
	kill(pid, SIGCONT);
	ASSERT_TRUE(until_up(ep, to.peer));
	/* What it had received before is in its queue still, and takes room there */
	kill(pid, SIGUSR1);
	EXPECT_EQ(0, shmipc_send(ep, &to, 0, "x", 1, SOON));
	stop(pid);
	shmipc_close(ep);
}

/* The successor's token in the file, as if we had been stopped while it took the slot over */
static void take_over(const char *file, uint32_t slot)
{
	struct shmipc_wire_region *page;
	int fd = open(file, O_RDWR);

	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (page == MAP_FAILED)
		return;
	page->claims[slot].token ^= 1;
	munmap(page, sizeof(*page));
}

TEST(who_was_replaced_touches_nothing)
{
	struct shmipc_address to = { .port = 7 };
	struct shmipc_endpoint *a, *b;
	struct meeting meet = { 0 };

	ASSERT_TRUE(meet_file(&meet));
	a = must_join(meet.where, 7);
	b = must_join(meet.where, 8);
	to.peer = own_peer(a);
	ASSERT_TRUE(until_up(b, to.peer));
	/* So that its thread looks seldom, and our call is the first to find out */
	sleep_ms(1000);
	take_over(meet.file, to.peer);
	FAILS(ENODEV, shmipc_port_destroy(a));
	shmipc_close(a);
	EXPECT_EQ(SHMIPC_PEER_UP, peer_state(b, to.peer));
	shmipc_close(b);
	meet_end(&meet);
}

/* Take the eventfd that comes with the next word of a server, -1: none */
static int next_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct cmsghdr *cmsg;
	uint64_t word;
	struct iovec iov = { &word, sizeof(word) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != sizeof(word))
		return -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg)
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

/* A client that has all bells it was handed block: full, and without O_NONBLOCK */
static int block_bells(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_usec = 300000 };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t full = UINT64_MAX - 1;

	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -1;
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (int i = 0; i < 64; i++) {
		int fd = next_fd(sock);
		uint64_t count;

		/* Not the memory, which comes third */
		if (fd < 0 || i == 2)
			continue;
		fcntl(fd, F_SETFL, O_NONBLOCK);
		if (read(fd, &count, sizeof(count)) < 0)
			count = 0;
		if (write(fd, &full, sizeof(full)) < 0)
			return -1;
		fcntl(fd, F_SETFL, 0);
	}
	return sock;
}

static void *close_endpoint(void *ep)
{
	shmipc_close(ep);
	return NULL;
}

TEST_F(meet, bells_that_block)
{
	struct shmipc_endpoint *ep;
	int sock;

	if (!self->meet.served)
		return;	/* there are none */
	ep = must_join(self->meet.where, 7);
	sock = block_bells(self->meet.file);
	ASSERT_LE(0, sock);
	EXPECT_TRUE(finishes(close_endpoint, ep));
	close(sock);
}

/* 1 MiB through lanes of a few KiB, without waiting: accepted, and finished by the thread */
TEST_F(meet, a_large_message_without_waiting)
{
	struct shmipc_port_options *options = shmipc_port_options_new();
	struct shmipc_endpoint *a = must_join(self->meet.where, 0);
	struct shmipc_endpoint *b = must_join(self->meet.where, 7);
	struct shmipc_address to = { own_peer(a), 9, 0 };
	static char out[SHMIPC_MSG_MAX], in[SHMIPC_MSG_MAX];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 7 + i / 999;
	shmipc_port_options_set_number(options, 9);
	shmipc_port_options_set_bytes(options, 4 * SHMIPC_MSG_MAX);
	shmipc_port_options_set_max_size(options, SHMIPC_MSG_MAX);
	ASSERT_EQ(9, shmipc_port_create_with(a, options, NULL));
	ASSERT_TRUE(until_up(b, to.peer));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, shmipc_send(b, &to, i, out, sizeof(out), SHMIPC_NOWAIT));
		EXPECT_EQ(sizeof(in), shmipc_recv(a, in, sizeof(in), NULL, NULL, SOON));
		EXPECT_EQ(0, memcmp(in, out, sizeof(in)));
		memset(in, 0, sizeof(in));
		/* The sender learns of its end a moment later */
		sleep_ms(20);
	}
	shmipc_port_options_free(options);
	shmipc_close(a);
	shmipc_close(b);
}

/* Existing peers go on without their server, and with the next one */
TEST_F(meet, a_server_that_dies)
{
	struct shmipc_endpoint *a, *b;
	struct shmipc_address to;
	char byte;

	if (!self->meet.served)
		return;	/* where there is none */
	a = must_join(self->meet.where, 7);
	b = must_join(self->meet.where, 8);
	to = (struct shmipc_address){ own_peer(a), 7, 0 };
	ASSERT_TRUE(until_up(b, to.peer));
	stop(self->meet.server);
	self->meet.server = -1;
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(0, shmipc_send(b, &to, 0, "x", 1, SOON));
		ASSERT_EQ(1, shmipc_recv(a, &byte, 1, NULL, NULL, SOON));
	}
	shmipc_close(a);
	shmipc_close(b);
}

TEST_HARNESS_MAIN
