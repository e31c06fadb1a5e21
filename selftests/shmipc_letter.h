/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For message_test.c: five loopback regions, three of the format message and two of text, whose
 * letters are whatever bytes a test wants.
 */
#ifndef SHMIPC_LETTER_H
#define SHMIPC_LETTER_H

#include "shmipc_bind.h"

#define PORT		SHMIPC_MESSAGE_PORT
#define FORGER		3

/* As a demo's compiler lays it out */
struct letter {
	__u32 type;
	__u16 length;
	__u32 sender;
	__u32 receiver;
	char data[256];
};

FIXTURE(message)
{
	int fd[5];
	char in[256];
	struct shmipc_recv got;
};

static bool set_param(const char *path, char how)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = write(fd, &how, 1) == 1;

	close(fd);
	return done;
}

/* Does the kernel answer what a program has received? */
static bool acknowledge(char how)
{
	return set_param("/sys/module/shmipc/parameters/message_ack", how);
}

/* May a text be no text? */
static bool send_raw(char how)
{
	return set_param("/sys/module/shmipc/parameters/message_raw", how);
}

FIXTURE_SETUP(message)
{
	struct shmipc_info info = info_arg();
	unsigned int i;

	self->fd[0] = open_dev(0, O_RDWR);
	if (self->fd[0] < 0 || try_info(self->fd[0], &info) ||
	    info.out_format != SHMIPC_FORMAT_MESSAGE || info.out_peers != 5)
		SKIP(return, "loopback=5 format=message,shmipc-loopback.3=text,...");
	ASSERT_TRUE(send_raw('Y'));
	for (i = 1; i < 5; i++) {
		bind_write("bind", i);
		self->fd[i] = open_dev(i, O_RDWR);
		ASSERT_LE(0, self->fd[i]);
		ASSERT_TRUE(links_up(self->fd[0], self->fd[i]));
	}
}

FIXTURE_TEARDOWN(message)
{
	unsigned int i;

	EXPECT_TRUE(acknowledge('N'));
	EXPECT_TRUE(send_raw('N'));
	for (i = 0; i < 5; i++)
		close(self->fd[i]);
}

#define now_arg(self) recv_arg(.data = uptr((self)->in), .len = sizeof((self)->in), \
			       .flags = SHMIPC_RECV_NOWAIT)

/*
 * The next message of region @i, if there is one now. Not what fresh_port() had peers write
 * to somebody else: whoever looks there may come across it. And not what a region of text
 * makes of the others' letters, which are seen at any time
 */
static int next_now(FIXTURE_DATA(message) *self, int i)
{
	int err;

	do {
		self->got = now_arg(self);
		err = try_recv(self->fd[i], &self->got);
	} while (!err && ((self->got.out_len == 5 && !memcmp(self->in, "flush", 5)) ||
			  (i >= FORGER && self->got.out_peer < FORGER)));
	return err;
}

/* Is @text of @peer the next message, now or soon? */
static bool gets_text(FIXTURE_DATA(message) *self, int i, __u32 peer, const char *text, __u32 flags)
{
	size_t len = strlen(text);

	return happens(!next_now(self, i)) && self->got.out_peer == peer &&
	       self->got.out_flags == flags && self->got.out_len == len &&
	       !memcmp(self->in, text, len);
}

#define nothing_left(i)	EXPECT_EQ(EAGAIN, next_now(self, i))

/* A letter from @peer that region @i understands */
static int send_flush(FIXTURE_DATA(message) *self, int i, __u32 peer)
{
	struct letter letter = { .type = 1, .length = 5, .sender = peer, .receiver = i,
				 .data = "flush" };

	if (peer < FORGER || i >= FORGER)
		return try_send_to(self->fd[peer], i, PORT, "flush", 5);
	return try_send_to(self->fd[peer], i, PORT, &letter, 32);
}

/*
 * A port, with all that lay there already out of it: what waited comes in a worker, so
 * until something is there that came after it, from each
 */
static int fresh_port(FIXTURE_DATA(message) *self, int i, __u32 depth)
{
	struct shmipc_port_create arg = port_create_arg(.depth = depth);
	int err = try_port_create(self->fd[i], &arg);
	__u32 peer;

	if (err)
		return err;
	for (peer = i < FORGER ? 0 : FORGER; peer < 5; peer++) {
		if (peer == (__u32)i)
			continue;
		if (send_flush(self, i, peer))
			return EIO;
		if (!happens((self->got = now_arg(self), !try_recv(self->fd[i], &self->got) &&
			      self->got.out_peer == peer && !memcmp(self->in, "flush", 5))))
			return ETIMEDOUT;
	}
	while (!try_recv(self->fd[i], &now_arg(self)))
		;
	return 0;
}

#define must_fresh_port(...)	ASSERT_EQ(0, fresh_port(__VA_ARGS__))

/* Bytes into the section of the forger, and a ring */
static int forge(FIXTURE_DATA(message) *self, const void *bytes, size_t len)
{
	return try_send_to(self->fd[FORGER], 0, PORT, bytes, len);
}

#define must_forge(...)		ASSERT_EQ(0, forge(self, __VA_ARGS__))

/* What message_init= has the forger write when it comes, read as a letter */
#define INIT		"Host-init"
#define INIT_FLAGS	(SHMIPC_MSG_BADLEN | SHMIPC_MSG_BADSENDER)

static bool gets_init(FIXTURE_DATA(message) *self, __u32 flags)
{
	return happens(!next_now(self, 0)) && self->got.out_peer == FORGER &&
	       self->got.out_flags == (INIT_FLAGS | flags) && !memcmp(&self->got.out_type, INIT, 4);
}

/* It goes, and everybody has seen it, and comes */
static int restart(FIXTURE_DATA(message) *self, __u32 peer)
{
	int err;

	close(self->fd[peer]);
	self->fd[peer] = -1;
	err = try_unbind(peer);
	if (!err && !happens(peer_state(self->fd[0], peer) == SHMIPC_PEER_ABSENT))
		err = ETIMEDOUT;
	if (!err)
		err = try_bind(peer);
	self->fd[peer] = open_dev(peer, O_RDWR);
	return err ?: links_up(self->fd[0], self->fd[peer]) ? 0 : ETIMEDOUT;
}

#endif /* SHMIPC_LETTER_H */
