/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all tests share. Each command has three forms:
 *
 *	try_send(fd, &arg)		raw: 0 or the errno
 *	must_send(fd, &arg)		asserts that it succeeds
 *	fail_send(EAGAIN, fd, &arg)	expects just that errno
 *
 * Arguments are written as send_arg(.port = 5, .peer = SELF): @size is filled in, what is
 * not named is zero. No helper sleeps for a fixed time to let something happen: it looks
 * until it has happened. GUARD_S only ends what would otherwise hang.
 */
#ifndef SHMIPC_TEST_H
#define SHMIPC_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include <linux/shmipc.h>

/* Emulated machines with every checker on are slow: this only ends hangs */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	240
#define GUARD_S			40

#define SELF			SHMIPC_PEER_SELF
#define ANY			SHMIPC_PEER_ANY
#define MS			1000000LL

#define uptr(p)			((__u64)(uintptr_t)(p))

#define info_arg(...)		((struct shmipc_info){ \
				.size = sizeof(struct shmipc_info), __VA_ARGS__ })
#define peers_arg(...)		((struct shmipc_peers){ .size = sizeof(struct shmipc_peers), \
				.elem_size = sizeof(struct shmipc_peer_info), __VA_ARGS__ })
#define ports_arg(...)		((struct shmipc_ports){ .size = sizeof(struct shmipc_ports), \
				.elem_size = sizeof(struct shmipc_port_info), __VA_ARGS__ })
#define port_create_arg(...)	((struct shmipc_port_create){ \
				.size = sizeof(struct shmipc_port_create), __VA_ARGS__ })
#define port_destroy_arg(...)	((struct shmipc_port_destroy){ \
				.size = sizeof(struct shmipc_port_destroy), __VA_ARGS__ })
#define lookup_arg(...)		((struct shmipc_lookup){ \
				.size = sizeof(struct shmipc_lookup), __VA_ARGS__ })
#define connect_arg(...)	((struct shmipc_connect){ \
				.size = sizeof(struct shmipc_connect), __VA_ARGS__ })
#define send_arg(...)		((struct shmipc_send){ \
				.size = sizeof(struct shmipc_send), __VA_ARGS__ })
#define recv_arg(...)		((struct shmipc_recv){ \
				.size = sizeof(struct shmipc_recv), __VA_ARGS__ })
#define sendv_arg(...)		((struct shmipc_sendv){ .size = sizeof(struct shmipc_sendv), \
				.elem_size = sizeof(struct shmipc_send), __VA_ARGS__ })
#define recvv_arg(...)		((struct shmipc_recvv){ .size = sizeof(struct shmipc_recvv), \
				.elem_size = sizeof(struct shmipc_recv), __VA_ARGS__ })
#define event_mask_arg(...)	((struct shmipc_event_mask){ \
				.size = sizeof(struct shmipc_event_mask), __VA_ARGS__ })
#define events_arg(...)		((struct shmipc_events){ \
				.size = sizeof(struct shmipc_events), __VA_ARGS__ })
#define watch_arg(...)		((struct shmipc_watch){ \
				.size = sizeof(struct shmipc_watch), __VA_ARGS__ })
#define notify_arg(...)		((struct shmipc_notify){ \
				.size = sizeof(struct shmipc_notify), __VA_ARGS__ })
#define eventfd_arg(...)	((struct shmipc_eventfd){ \
				.size = sizeof(struct shmipc_eventfd), __VA_ARGS__ })

static inline int try_ioctl(int fd, unsigned int cmd, void *arg)
{
	return ioctl(fd, cmd, arg) ? errno : 0;
}

#define TRY(verb, cmd) \
	static inline int try_##verb(int fd, struct shmipc_##verb *arg) \
	{ \
		return try_ioctl(fd, cmd, arg); \
	}

TRY(info, SHMIPC_INFO)
TRY(peers, SHMIPC_PEERS)
TRY(ports, SHMIPC_PORTS)
TRY(port_create, SHMIPC_PORT_CREATE)
TRY(port_destroy, SHMIPC_PORT_DESTROY)
TRY(lookup, SHMIPC_LOOKUP)
TRY(connect, SHMIPC_CONNECT)
TRY(send, SHMIPC_SEND)
TRY(recv, SHMIPC_RECV)
TRY(sendv, SHMIPC_SENDV)
TRY(recvv, SHMIPC_RECVV)
TRY(event_mask, SHMIPC_EVENT_MASK)
TRY(events, SHMIPC_EVENTS)
TRY(watch, SHMIPC_WATCH)
TRY(notify, SHMIPC_NOTIFY)
TRY(eventfd, SHMIPC_EVENTFD)

#define must_info(...)			ASSERT_EQ(0, try_info(__VA_ARGS__))
#define must_peers(...)			ASSERT_EQ(0, try_peers(__VA_ARGS__))
#define must_ports(...)			ASSERT_EQ(0, try_ports(__VA_ARGS__))
#define must_port_create(...)		ASSERT_EQ(0, try_port_create(__VA_ARGS__))
#define must_port_destroy(...)		ASSERT_EQ(0, try_port_destroy(__VA_ARGS__))
#define must_lookup(...)		ASSERT_EQ(0, try_lookup(__VA_ARGS__))
#define must_connect(...)		ASSERT_EQ(0, try_connect(__VA_ARGS__))
#define must_send(...)			ASSERT_EQ(0, try_send(__VA_ARGS__))
#define must_recv(...)			ASSERT_EQ(0, try_recv(__VA_ARGS__))
#define must_sendv(...)			ASSERT_EQ(0, try_sendv(__VA_ARGS__))
#define must_recvv(...)			ASSERT_EQ(0, try_recvv(__VA_ARGS__))
#define must_event_mask(...)		ASSERT_EQ(0, try_event_mask(__VA_ARGS__))
#define must_events(...)		ASSERT_EQ(0, try_events(__VA_ARGS__))
#define must_watch(...)			ASSERT_EQ(0, try_watch(__VA_ARGS__))
#define must_notify(...)		ASSERT_EQ(0, try_notify(__VA_ARGS__))
#define must_eventfd(...)		ASSERT_EQ(0, try_eventfd(__VA_ARGS__))

#define fail_info(err, ...)		EXPECT_EQ(err, try_info(__VA_ARGS__))
#define fail_peers(err, ...)		EXPECT_EQ(err, try_peers(__VA_ARGS__))
#define fail_ports(err, ...)		EXPECT_EQ(err, try_ports(__VA_ARGS__))
#define fail_port_create(err, ...)	EXPECT_EQ(err, try_port_create(__VA_ARGS__))
#define fail_port_destroy(err, ...)	EXPECT_EQ(err, try_port_destroy(__VA_ARGS__))
#define fail_lookup(err, ...)		EXPECT_EQ(err, try_lookup(__VA_ARGS__))
#define fail_connect(err, ...)		EXPECT_EQ(err, try_connect(__VA_ARGS__))
#define fail_send(err, ...)		EXPECT_EQ(err, try_send(__VA_ARGS__))
#define fail_recv(err, ...)		EXPECT_EQ(err, try_recv(__VA_ARGS__))
#define fail_sendv(err, ...)		EXPECT_EQ(err, try_sendv(__VA_ARGS__))
#define fail_recvv(err, ...)		EXPECT_EQ(err, try_recvv(__VA_ARGS__))
#define fail_event_mask(err, ...)	EXPECT_EQ(err, try_event_mask(__VA_ARGS__))
#define fail_events(err, ...)		EXPECT_EQ(err, try_events(__VA_ARGS__))
#define fail_watch(err, ...)		EXPECT_EQ(err, try_watch(__VA_ARGS__))
#define fail_notify(err, ...)		EXPECT_EQ(err, try_notify(__VA_ARGS__))
#define fail_eventfd(err, ...)		EXPECT_EQ(err, try_eventfd(__VA_ARGS__))

/* The shortest forms: a whole buffer, no deadline */
static inline int try_send_to(int fd, __u32 peer, __u32 port, const void *data, size_t len)
{
	return try_send(fd, &send_arg(.peer = peer, .port = port, .data = uptr(data), .len = len));
}

#define must_send_to(...)		ASSERT_EQ(0, try_send_to(__VA_ARGS__))
#define fail_send_to(err, ...)		EXPECT_EQ(err, try_send_to(__VA_ARGS__))

static inline int try_send_now(int fd, __u32 peer, __u32 port, const void *data, size_t len)
{
	return try_send(fd, &send_arg(.peer = peer, .port = port, .data = uptr(data), .len = len,
				      .flags = SHMIPC_SEND_NOWAIT));
}

#define must_send_now(...)		ASSERT_EQ(0, try_send_now(__VA_ARGS__))
#define fail_send_now(err, ...)		EXPECT_EQ(err, try_send_now(__VA_ARGS__))

static inline int try_recv_now(int fd, void *data, size_t len)
{
	return try_recv(fd, &recv_arg(.data = uptr(data), .len = len,
				      .flags = SHMIPC_RECV_NOWAIT));
}

#define must_recv_now(...)		ASSERT_EQ(0, try_recv_now(__VA_ARGS__))
#define fail_recv_now(err, ...)		EXPECT_EQ(err, try_recv_now(__VA_ARGS__))

static inline int try_destroy(int fd)
{
	return try_port_destroy(fd, &port_destroy_arg());
}

#define must_destroy(...)		ASSERT_EQ(0, try_destroy(__VA_ARGS__))
#define fail_destroy(err, ...)		EXPECT_EQ(err, try_destroy(__VA_ARGS__))

static inline int open_dev(unsigned int nr, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/shmipc%u", nr);
	return open(path, flags | O_CLOEXEC);
}

static inline __s64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static inline void pause_1ms(void)
{
	usleep(1000);
}

/* Look every millisecond until @cond holds; false if it never does */
#define happens(cond) ({ \
	__s64 __until = now_ns() + GUARD_S * 1000 * MS; \
	bool __ok; \
	while (!(__ok = (cond)) && now_ns() < __until) \
		pause_1ms(); \
	__ok; \
})

/* Content that depends on place and seed, so that a shifted or mixed message is seen */
static inline void fill(void *buf, size_t len, __u32 seed)
{
	unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (seed * 2654435761U + i * 40503U) >> 11;
}

static inline bool filled(const void *buf, size_t len, __u32 seed)
{
	const unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != (unsigned char)((seed * 2654435761U + i * 40503U) >> 11))
			return false;
	return true;
}

/* One row of PORTS, or ENOENT */
static inline int try_port_row(int fd, __u32 peer, __u32 port, struct shmipc_port_info *row)
{
	static struct shmipc_port_info rows[2048];
	struct shmipc_ports arg = ports_arg(.elems = uptr(rows), .peer = peer,
					    .nr = ARRAY_SIZE(rows));
	unsigned int i;
	int ret;

	ret = try_ports(fd, &arg);
	if (ret)
		return ret;
	for (i = 0; i < arg.out_nr; i++) {
		if (rows[i].port == port) {
			*row = rows[i];
			return 0;
		}
	}
	return ENOENT;
}

#define must_port_row(...)		ASSERT_EQ(0, try_port_row(__VA_ARGS__))
#define fail_port_row(err, ...)		EXPECT_EQ(err, try_port_row(__VA_ARGS__))

#define PORT_FIELD(field) \
	static inline __s64 port_##field(int fd, __u32 peer, __u32 port) \
	{ \
		struct shmipc_port_info row; \
		return try_port_row(fd, peer, port, &row) ? -1 : (__s64)row.field; \
	}

PORT_FIELD(queued)
PORT_FIELD(queued_bytes)
PORT_FIELD(waiters)
PORT_FIELD(senders)
PORT_FIELD(drops)
PORT_FIELD(received)
PORT_FIELD(generation)

/* Ports of our own peer that exist; -1 if it cannot be told */
static inline int ports_total(int fd)
{
	struct shmipc_ports arg = ports_arg(.peer = SELF);

	return try_ports(fd, &arg) ? -1 : (int)arg.out_total;
}

static inline __u32 own_peer(int fd)
{
	struct shmipc_info arg = info_arg();

	return try_info(fd, &arg) ? ANY : arg.out_peer;
}

static inline __u64 endpoint_id(int fd)
{
	struct shmipc_info arg = info_arg();

	return try_info(fd, &arg) ? 0 : arg.out_endpoint;
}

static inline int peer_row(int fd, __u32 peer, struct shmipc_peer_info *row)
{
	struct shmipc_peer_info rows[64];
	struct shmipc_peers arg = peers_arg(.elems = uptr(rows), .nr = ARRAY_SIZE(rows));
	unsigned int i;
	int ret;

	ret = try_peers(fd, &arg);
	if (ret)
		return ret;
	for (i = 0; i < arg.out_nr; i++) {
		if (rows[i].peer == peer) {
			*row = rows[i];
			return 0;
		}
	}
	return ENOENT;
}

static inline int peer_state(int fd, __u32 peer)
{
	struct shmipc_peer_info row;

	return peer_row(fd, peer, &row) ? -1 : (int)row.state;
}

/* Both regions see each other: what every test that crosses them starts with */
static inline bool links_up(int fd0, int fd1)
{
	return happens(peer_state(fd0, own_peer(fd1)) == SHMIPC_PEER_UP &&
		       peer_state(fd1, own_peer(fd0)) == SHMIPC_PEER_UP);
}

static inline int poll_events(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI };

	return poll(&pfd, 1, timeout_ms) < 0 ? -errno : pfd.revents;
}

#endif /* SHMIPC_TEST_H */
