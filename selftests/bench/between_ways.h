/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ways from one machine to another that are compared: bare doorbells (doorbell_ping.c),
 * TCP, shmipc. Both machines have them open all the time.
 */
#ifndef BETWEEN_WAYS_H
#define BETWEEN_WAYS_H

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include "doorbell/doorbell_ping.h"
#include "figures.h"

#define BATCH		16
#define TCP_PORT	7001
#define LISTENER	"10.7.0.1"
#define PATIENCE_S	60

static bool asks;	/* this is the machine that measures; the other answers */
static int bell = -1;	/* /dev/doorbell_ping */
static int control = -1, data = -1;	/* TCP: what to do next; what is measured */
static int ours = -1;	/* /dev/shmipc0, with a port, connected to the other's */
static __u32 other;	/* its peer id */
static char *buffer;

/**
 * struct way - how to get there
 * @name: begins with "shmipc" if it is ours
 * @send: a message of @len bytes
 * @recv: likewise
 * @send_some: up to @nr messages; how many. May be NULL
 * @recv_some: likewise
 * @flags: doorbells: PING_*; no message
 * @wakes: doorbells: the answer comes from a process, not from the interrupt handler
 */
struct way {
	const char *name;
	void (*send)(__u32 len);
	void (*recv)(__u32 len);
	__u32 (*send_some)(__u32 len, __u32 nr);
	__u32 (*recv_some)(__u32 len, __u32 nr);
	__u32 flags;
	bool wakes;
};

/* ---- doorbells ---- */

static void bell_order(__u32 answers, __u32 flags)
{
	struct ping_order order = { .answers = answers, .flags = flags };

	if (write(bell, &order, sizeof(order)) != sizeof(order))
		die("ring");
}

static void bell_wait(void)
{
	if (read(bell, NULL, 0) < 0)
		die("no ring came");
}

static void bell_ask(const struct way *way, __u32 rounds)
{
	__u32 i;

	if (!way->wakes) {
		bell_order(rounds - 1, way->flags | PING_RING);
		bell_wait();
		return;
	}
	for (i = 0; i < rounds; i++) {
		bell_order(0, PING_RING);
		bell_wait();
	}
}

/* ---- TCP ---- */

static int tcp_socket(struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*addr = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(TCP_PORT) };
	inet_pton(AF_INET, LISTENER, &addr->sin_addr);
	if (fd < 0)
		die("socket");
	return fd;
}

static void tcp_accept(int *fds, int nr)
{
	struct sockaddr_in addr;
	int fd = tcp_socket(&addr), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, nr))
		die("listen");
	while (nr--) {
		*fds = accept(fd, NULL, NULL);
		if (*fds++ < 0)
			die("accept");
	}
	close(fd);
}

static int tcp_connect(void)
{
	__s64 until = now_ns() + PATIENCE_S * 1000 * MS;
	struct sockaddr_in addr;
	int fd;

	for (;;) {
		fd = tcp_socket(&addr);
		if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
			return fd;
		if (now_ns() > until)
			die("connect");
		close(fd);
		usleep(100000);
	}
}

static void tcp_delay(int fd, bool delay)
{
	int nodelay = !delay;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, sizeof(nodelay));
}

static void tcp_open(void)
{
	int fds[2];

	if (asks) {
		tcp_accept(fds, 2);
	} else {
		fds[0] = tcp_connect();
		fds[1] = tcp_connect();
	}
	control = fds[0];
	data = fds[1];
	tcp_delay(control, false);
}

static void put(int fd, const void *buf, size_t len)
{
	if (send(fd, buf, len, 0) != (ssize_t)len)
		die("send");
}

static void get(int fd, void *buf, size_t len)
{
	if (recv(fd, buf, len, MSG_WAITALL) != (ssize_t)len)
		die("recv");
}

static void tcp_send(__u32 len)
{
	put(data, buffer, len);
}

static void tcp_recv(__u32 len)
{
	get(data, buffer, len);
}

/* ---- shmipc ---- */

static void shmipc_open(void)
{
	struct shmipc_port_create own = port_create_arg(.depth = 256, .bytes = 4 << 20);
	struct shmipc_lookup there = lookup_arg(.flags = SHMIPC_LOOKUP_WAIT, .peer = ANY);

	snprintf(own.name, sizeof(own.name), "between-%d", asks);
	snprintf(there.name, sizeof(there.name), "between-%d", !asks);
	ours = open_dev(0, O_RDWR);
	if (ours < 0)
		die("/dev/shmipc0");
	errno = try_port_create(ours, &own);
	if (errno)
		die("PORT_CREATE");
	there.deadline = now_ns() + PATIENCE_S * 1000 * MS;
	errno = try_lookup(ours, &there);
	if (!errno)
		errno = try_connect(ours, &connect_arg(.peer = there.out_peer,
						       .port = there.out_port));
	if (errno)
		die("the other's port");
	other = there.out_peer;
}

static __u64 shmipc_rings(void)
{
	struct shmipc_peer_info row;

	errno = peer_row(ours, other, &row);
	if (errno)
		die("PEERS");
	return row.rings;
}

static void shmipc_send(__u32 len)
{
	errno = try_send(ours, &send_arg(.data = uptr(buffer), .len = len));
	if (errno)
		die("SEND");
}

static void shmipc_recv(__u32 len)
{
	struct shmipc_recv arg = recv_arg(.data = uptr(buffer), .len = len);

	errno = try_recv(ours, &arg);
	if (errno || arg.out_len != len)
		die("RECV");
}

/* One after the other in the buffer; not a power of two apart: TCG's TLB is direct-mapped */
static char *place(__u32 len, __u32 i)
{
	return buffer + i * (len + 64);
}

static __u32 shmipc_send_some(__u32 len, __u32 nr)
{
	struct shmipc_send elems[BATCH];
	struct shmipc_sendv arg = sendv_arg(.elems = uptr(elems), .nr = nr < BATCH ? nr : BATCH);
	__u32 i;

	for (i = 0; i < arg.nr; i++)
		elems[i] = send_arg(.data = uptr(place(len, i)), .len = len);
	errno = try_sendv(ours, &arg);
	if (errno)
		die("SENDV");
	return arg.out_done;
}

static __u32 shmipc_recv_some(__u32 len, __u32 nr)
{
	struct shmipc_recv elems[BATCH];
	struct shmipc_recvv arg = recvv_arg(.elems = uptr(elems), .nr = nr < BATCH ? nr : BATCH);
	__u32 i;

	for (i = 0; i < arg.nr; i++)
		elems[i] = recv_arg(.data = uptr(place(len, i)), .len = len);
	errno = try_recvv(ours, &arg);
	if (errno)
		die("RECVV");
	return arg.out_done;
}

static const struct way ways[] = {
	{ .name = "doorbell" },
	{ .name = "doorbell-line", .flags = PING_LINE },
	{ .name = "doorbell-wake", .wakes = true },
	{ .name = "tcp", .send = tcp_send, .recv = tcp_recv },
	{ .name = "shmipc", .send = shmipc_send, .recv = shmipc_recv },
	{ .name = "shmipc batch", .send_some = shmipc_send_some, .recv_some = shmipc_recv_some },
};

#define WAYS	ARRAY_SIZE(ways)

#endif /* BETWEEN_WAYS_H */
