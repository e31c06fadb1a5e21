/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ways to move a message that are compared: pipe, AF_UNIX SOCK_SEQPACKET, POSIX message
 * queue, shmipc by ioctl or read() and write(), within a region and across two.
 *
 * A channel goes one way. All of them block, keep boundaries (pipes by the length that both
 * sides know) and hold at least BATCH messages.
 */
#ifndef SHMIPC_CHANNELS_H
#define SHMIPC_CHANNELS_H

#include <mqueue.h>
#include <sys/uio.h>

#include "figures.h"

#define BATCH	16

struct channel {
	int tx;
	int rx;
	struct shmipc_send send[BATCH];
	struct shmipc_recv recv[BATCH];
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
};

/* @send and @recv move one message, @batch moves BATCH there and back again; may be NULL */
struct way {
	const char *name;
	void (*open)(struct channel *chan, unsigned int nr, size_t len);
	void (*send)(struct channel *chan, void *buf, size_t len);
	void (*recv)(struct channel *chan, void *buf, size_t len);
	void (*batch)(struct channel *chan, void *buf, size_t len);
};

static void open_pipe(struct channel *chan, unsigned int nr, size_t len)
{
	int fds[2];

	(void)nr;
	(void)len;
	if (pipe(fds))
		die("pipe");
	chan->rx = fds[0];
	chan->tx = fds[1];
}

static void send_rw(struct channel *chan, void *buf, size_t len)
{
	if (write(chan->tx, buf, len) != (ssize_t)len)
		die("write");
}

static void recv_rw(struct channel *chan, void *buf, size_t len)
{
	if (read(chan->rx, buf, len) != (ssize_t)len)
		die("read");
}

static void open_seqpacket(struct channel *chan, unsigned int nr, size_t len)
{
	unsigned int i;
	int fds[2];

	(void)nr;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds))
		die("socketpair");
	chan->rx = fds[0];
	chan->tx = fds[1];
	for (i = 0; i < BATCH; i++) {
		chan->iov[i].iov_len = len;
		chan->msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &chan->iov[i],
							 .msg_iovlen = 1 };
	}
}

static void send_seqpacket(struct channel *chan, void *buf, size_t len)
{
	if (send(chan->tx, buf, len, 0) != (ssize_t)len)
		die("send");
}

static void recv_seqpacket(struct channel *chan, void *buf, size_t len)
{
	if (recv(chan->rx, buf, len, 0) != (ssize_t)len)
		die("recv");
}

static void batch_seqpacket(struct channel *chan, void *buf, size_t len)
{
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		chan->iov[i].iov_base = (char *)buf + i * (len + 64);
	if (sendmmsg(chan->tx, chan->msgs, BATCH, 0) != BATCH)
		die("sendmmsg");
	if (recvmmsg(chan->rx, chan->msgs, BATCH, 0, NULL) != BATCH)
		die("recvmmsg");
}

static void open_mq(struct channel *chan, unsigned int nr, size_t len)
{
	struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = len };
	char name[32];

	snprintf(name, sizeof(name), "/shmipc-bench-%d-%u", getpid(), nr);
	chan->tx = mq_open(name, O_RDWR | O_CREAT, 0600, &attr);
	chan->rx = chan->tx;
	if (chan->tx < 0)
		die("mq_open");
	mq_unlink(name);
}

static void send_mq(struct channel *chan, void *buf, size_t len)
{
	if (mq_send(chan->tx, buf, len, 0))
		die("mq_send");
}

static void recv_mq(struct channel *chan, void *buf, size_t len)
{
	if (mq_receive(chan->rx, buf, len, NULL) != (ssize_t)len)
		die("mq_receive");
}

/* Channel @nr of two goes the other way round, so that a conversation crosses both lanes */
static void open_shmipc(struct channel *chan, unsigned int tx_dev, unsigned int rx_dev)
{
	struct shmipc_port_create own = port_create_arg(.depth = 4 * BATCH, .bytes = 1 << 20);
	__u32 peer = tx_dev == rx_dev ? SELF : rx_dev;
	unsigned int i;

	chan->tx = open_dev(tx_dev, O_RDWR);
	chan->rx = open_dev(rx_dev, O_RDWR);
	if (chan->tx < 0 || chan->rx < 0)
		die("/dev/shmipc");
	if (!links_up(chan->tx, chan->rx) && tx_dev != rx_dev)
		die("link");
	errno = try_port_create(chan->rx, &own);
	if (!errno)
		errno = try_connect(chan->tx, &connect_arg(.peer = peer, .port = own.out_port));
	if (errno)
		die("port");
	for (i = 0; i < BATCH; i++) {
		chan->send[i] = send_arg(.peer = peer, .port = own.out_port);
		chan->recv[i] = recv_arg();
	}
}

static void open_local(struct channel *chan, unsigned int nr, size_t len)
{
	(void)nr;
	(void)len;
	open_shmipc(chan, 0, 0);
}

static void open_cross(struct channel *chan, unsigned int nr, size_t len)
{
	(void)len;
	open_shmipc(chan, nr & 1, !(nr & 1));
}

static void send_shmipc(struct channel *chan, void *buf, size_t len)
{
	chan->send[0].data = uptr(buf);
	chan->send[0].len = len;
	if (ioctl(chan->tx, SHMIPC_SEND, &chan->send[0]))
		die("SEND");
}

static void recv_shmipc(struct channel *chan, void *buf, size_t len)
{
	chan->recv[0].data = uptr(buf);
	chan->recv[0].len = len;
	if (ioctl(chan->rx, SHMIPC_RECV, &chan->recv[0]) || chan->recv[0].out_len != len)
		die("RECV");
}

static void batch_shmipc(struct channel *chan, void *buf, size_t len)
{
	struct shmipc_sendv sendv = sendv_arg(.elems = uptr(chan->send), .nr = BATCH);
	struct shmipc_recvv recvv = recvv_arg(.elems = uptr(chan->recv), .nr = BATCH);
	unsigned int i, got;

	for (i = 0; i < BATCH; i++) {
		chan->send[i].data = uptr((char *)buf + i * (len + 64));
		chan->recv[i].data = chan->send[i].data;
		chan->send[i].len = len;
		chan->recv[i].len = len;
	}
	if (ioctl(chan->tx, SHMIPC_SENDV, &sendv) || sendv.out_done != BATCH)
		die("SENDV");
	for (got = 0; got < BATCH; got += recvv.out_done)
		if (ioctl(chan->rx, SHMIPC_RECVV, &recvv))
			die("RECVV");
}

static const struct way ways[] = {
	{ "pipe", open_pipe, send_rw, recv_rw, NULL },
	{ "seqpacket", open_seqpacket, send_seqpacket, recv_seqpacket, batch_seqpacket },
	{ "mq", open_mq, send_mq, recv_mq, NULL },
	{ "shmipc", open_local, send_shmipc, recv_shmipc, batch_shmipc },
	{ "shmipc rw", open_local, send_rw, recv_rw, NULL },
	{ "shmipc cross", open_cross, send_shmipc, recv_shmipc, batch_shmipc },
};

#define WAYS	ARRAY_SIZE(ways)

#endif /* SHMIPC_CHANNELS_H */
