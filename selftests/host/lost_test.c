// SPDX-License-Identifier: GPL-2.0
/*
 * What a peer in a process loses, and how it ends: its slot, its memory, its descriptors, a
 * thread in the middle of a call, the peer that a large message is under way to.
 *
 * Red when: who lost its slot goes on, or disturbs who has it now; what was set back is not
 * noticed by who waits; one doorbell that does not come through makes a process deaf for
 * those that follow; a cancelled thread takes a lock along; a message that nobody can finish
 * is not told of, or keeps others waiting.
 */
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/shmipc_wire.h>

#include "host_test.h"

/* Our connection to the server breaks, as if it had thrown us out */
static bool hang_up(const char *path)
{
	struct sockaddr_un addr;
	bool found = false;

	for (int fd = 3; fd < 1024; fd++) {
		socklen_t len = sizeof(addr);

		memset(&addr, 0, sizeof(addr));
		if (getpeername(fd, (struct sockaddr *)&addr, &len) < 0 ||
		    strcmp(addr.sun_path, path))
			continue;
		shutdown(fd, SHUT_RDWR);
		found = true;
	}
	return found;
}

/* Where one processor runs all threads, who is woken first takes what woke both */
static void use_one_processor(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

TEST_F(meet, who_lost_its_slot_to_another_client)
{
	struct shmipc_endpoint *old, *new, *other;
	struct pollfd readable = { .events = POLLIN };
	uint32_t slot;
	char byte;

	if (!self->meet.served)
		return;	/* peers_test.c has the other kind */
	use_one_processor();
	old = must_join(self->meet.where, 7);
	slot = own_peer(old);
	ASSERT_TRUE(hang_up(self->meet.file));
	/* Nobody else looks: its thread has to */
	FAILS(ENODEV, shmipc_recv(old, &byte, 1, NULL, NULL, SOON));
	new = must_join(self->meet.where, 7);
	EXPECT_EQ(slot, own_peer(new));
	other = must_join(self->meet.where, 8);
	ASSERT_TRUE(until_up(other, slot));
	readable.fd = shmipc_fd(new);
	/* Both have the doorbells of the slot: the old one must not take them */
	for (int i = 0; i < 200; i++) {
		EXPECT_EQ(0, shmipc_send(other, &(struct shmipc_address){ slot, 7, 0 }, 0, "x", 1,
					 SOON));
		ASSERT_EQ(1, poll(&readable, 1, 20000)) TH_LOG("round %d", i);
		ASSERT_EQ(1, shmipc_recv(new, &byte, 1, NULL, NULL, SHMIPC_NOWAIT));
	}
	FAILS(ENODEV, shmipc_port_destroy(old));
	shmipc_close(old);
	EXPECT_EQ(SHMIPC_PEER_UP, peer_state(other, slot));
	shmipc_close(new);
	shmipc_close(other);
}

static struct shmipc_wire_header *section_of(const char *file, uint32_t slot)
{
	int fd = open(file, O_RDWR);
	uint8_t *map = mmap(NULL, MEET_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	size_t size = ((MEET_BYTES - SHMIPC_WIRE_REGION_PAGE) / 8) & ~(SHMIPC_WIRE_ALIGN - 1UL);

	close(fd);
	return map == MAP_FAILED ? NULL : (void *)(map + SHMIPC_WIRE_REGION_PAGE + slot * size);
}

/* Who sends is told when it asks after its peer; an idle one may be as it was */
TEST(memory_that_is_set_back)
{
	struct shmipc_wire_header *header;
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(4);
	struct shmipc_endpoint *a, *b;
	struct meeting meet = { 0 };
	int ret;

	ASSERT_TRUE(meet_file(&meet));
	a = must_join(meet.where, 7);
	b = must_join(meet.where, 8);
	ASSERT_TRUE(until_up(a, own_peer(b)));
	header = section_of(meet.file, own_peer(a));
	ASSERT_NE(NULL, header);
	ASSERT_EQ(SHMIPC_WIRE_MAGIC, header->magic);
	header->epoch ^= 0x1234;
	ASSERT_EQ(0, shmipc_event_mask(a, SHMIPC_MASK_PEER, NULL));
	do
		ret = shmipc_event_read(a, buffer, SOON);
	while (ret > 0);
	EXPECT_EQ(-1, ret);
	EXPECT_EQ(ENODEV, errno);
	shmipc_close(a);
	shmipc_close(b);
	shmipc_event_buffer_free(buffer);
	meet_end(&meet);
}

/* No descriptor may be opened from now on, or again */
static void no_descriptors(bool none)
{
	struct rlimit limit;
	static rlim_t usual;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (none)
		usual = limit.rlim_cur;
	limit.rlim_cur = none ? 3 : usual;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* A client that connects, is told something, and goes; from a process with descriptors */
static bool come_and_go(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock, status;
	pid_t pid = fork();
	char byte;

	if (pid)
		return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
	no_descriptors(false);
	sock = socket(AF_UNIX, SOCK_STREAM, 0);
	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		_exit(1);
	/* Until our parent has heard of us */
	usleep(300000);
	_exit(recv(sock, &byte, 1, 0) != 1);
}

TEST(a_doorbell_that_does_not_come_through)
{
	struct meeting meet = { .classic = true };
	struct shmipc_endpoint *ep, *next;
	struct shmipc_address to = { .port = 8 };
	struct pollfd readable = { .events = POLLIN };

	if (!getenv("SHMIPC_SERVER"))
		SKIP(return, "SHMIPC_SERVER is not set");
	ASSERT_TRUE(meet_server(&meet));
	ep = must_join(meet.where, 7);
	no_descriptors(true);
	EXPECT_TRUE(come_and_go(meet.file));
	no_descriptors(false);
	/* The next one is heard of, and can be rung: nobody calls anything there */
	next = must_join(meet.where, 8);
	to.peer = own_peer(next);
	ASSERT_TRUE(until_up(ep, to.peer));
	ASSERT_TRUE(until_up(next, own_peer(ep)));
	readable.fd = shmipc_fd(next);
	ASSERT_LE(0, readable.fd);
	EXPECT_EQ(0, shmipc_send(ep, &to, 0, "x", 1, SOON));
	EXPECT_EQ(1, poll(&readable, 1, 20000));
	shmipc_close(next);
	shmipc_close(ep);
	meet_end(&meet);
}

struct ringing {
	struct shmipc_endpoint *ep;
	uint32_t peer;
};

static void *ring_for_ever(void *data)
{
	struct ringing *ringing = data;

	for (;;) {
		shmipc_notify(ringing->ep, ringing->peer, 0);
		pthread_testcancel();
	}
	return NULL;
}

static void *ring_once(void *data)
{
	struct ringing *ringing = data;

	shmipc_notify(ringing->ep, ringing->peer, 0);
	return NULL;
}

TEST_F(meet, a_thread_that_is_cancelled)
{
	struct ringing ringing = { .ep = must_join(self->meet.where, 7) };
	pid_t pid = start_idler(self->meet.where, &ringing.peer);

	ASSERT_LT(0, pid);
	ASSERT_TRUE(until_up(ringing.ep, ringing.peer));
	for (int i = 0; i < 50; i++) {
		pthread_t thread;
		void *end;

		ASSERT_EQ(0, pthread_create(&thread, NULL, ring_for_ever, &ringing));
		usleep(500 + i * 37);
		pthread_cancel(thread);
		pthread_join(thread, &end);
		EXPECT_EQ(PTHREAD_CANCELED, end);
		ASSERT_TRUE(finishes(ring_once, &ringing)) TH_LOG("round %d: a lock is held", i);
	}
	stop(pid);
	shmipc_close(ringing.ep);
}

static void *close_endpoint(void *ep)
{
	shmipc_close(ep);
	return NULL;
}

/* More than the lane takes, accepted without waiting, and nobody takes it out */
TEST_F(meet, a_stream_to_a_peer_that_dies)
{
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(4);
	struct shmipc_endpoint *ep = must_join(self->meet.where, 7);
	struct shmipc_address to = { .port = IDLER_PORT };
	static char large[60000];
	int nr = 0;
	pid_t pid;

	pid = start_idler(self->meet.where, &to.peer);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(until_up(ep, to.peer));
	ASSERT_EQ(0, shmipc_event_mask(ep, SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_DOWN) |
				       SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_RESET), NULL));
	kill(pid, SIGSTOP);
	while (!shmipc_send(ep, &to, 0, large, sizeof(large), SHMIPC_NOWAIT))
		nr++;
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_LT(0, nr);
	stop(pid);
	ASSERT_EQ(1, shmipc_event_read(ep, buffer, SOON));
	EXPECT_EQ(nr, shmipc_event_count(shmipc_event_buffer_at(buffer, 0)));
	FAILS(ECONNRESET, shmipc_send(ep, &to, 0, "x", 1, SOON));
	/* The next one has a stream of its own */
	pid = start_idler(self->meet.where, &to.peer);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(until_up(ep, to.peer));
	if (shmipc_send(ep, &to, 0, large, sizeof(large), SOON) < 0)
		EXPECT_EQ(0, shmipc_send(ep, &to, 0, large, sizeof(large), SOON));
	stop(pid);
	EXPECT_TRUE(finishes(close_endpoint, ep));
	shmipc_event_buffer_free(buffer);
}

TEST_HARNESS_MAIN
