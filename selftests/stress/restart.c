// SPDX-License-Identifier: GPL-2.0
/*
 * restart [--restarts 30]
 *
 * Region 1 goes and comes while both sides send to each other without pause.
 *
 *	there: a sender on region 0 --> port 400 of region 1, which dies each time
 *	back:  a sender on region 1, which dies each time --> port 401 of region 0
 *
 * Each connection of a sender begins a new stream of numbered messages. A receiver may
 * miss the end of a stream, when its region or the link went; it must not miss the
 * beginning or the middle, see anything twice, or after a later stream. Whoever sends to
 * what died must be told before it can go on.
 *
 * Red when: something from before a restart is delivered after it, twice, or in part; a
 * sender is not told; the link does not come back; somebody sleeps for ever.
 */
#include "stress.h"

#define PORT_THERE	400
#define PORT_BACK	401
#define MAX_LEN		40000

static unsigned int restarts = 30;

struct message {
	__u32 stream;
	__u32 nr;
	__u32 len;
};

/* One direction */
struct direction {
	const char *name;
	unsigned int from;
	unsigned int to;
	unsigned int port;
	atomic_uint stream;	/* the sender's, numbered through all its lives */
	atomic_uint sent;
	atomic_uint told;	/* errors that the sender was given */
	atomic_uint got;
	atomic_uint last_stream;	/* the receiver's */
	atomic_uint next;
};

static struct {
	struct direction dir[2];
	atomic_uint stop;
} *all;

/* How a call may end because a region or a link went */
static bool is_restart(int ret)
{
	return ret == ENODEV || ret == ECONNRESET || ret == ECONNREFUSED || ret == EHOSTUNREACH ||
	       ret == EAGAIN || ret == EPROTO || ret == EHOSTDOWN;
}

/* Connected, on an open file; -1 when it is time to stop */
static int begin_stream(struct direction *dir)
{
	while (!atomic_load(&all->stop)) {
		int fd = open_dev(dir->from, O_RDWR), ret;

		if (fd >= 0) {
			ret = try_connect(fd, &connect_arg(.peer = dir->to, .port = dir->port));
			if (!ret)
				return fd;
			if (!is_restart(ret))
				complain("%s: connect: %s", dir->name, strerror(ret));
			close(fd);
		}
		pause_1ms();
	}
	return -1;
}

static int sender_main(struct direction *dir)
{
	__u32 state = dir->port;
	char *buf = malloc(MAX_LEN);
	int fd, ret;

	while ((fd = begin_stream(dir)) >= 0) {
		struct message msg = { .stream = atomic_fetch_add(&dir->stream, 1) + 1 };

		do {
			msg.len = sizeof(msg) + random32(&state) %
				  (random32(&state) % 32 ? 300 : MAX_LEN - sizeof(msg));
			memcpy(buf, &msg, sizeof(msg));
			fill(buf + sizeof(msg), msg.len - sizeof(msg), msg.stream * 7 + msg.nr);
			ret = try_send(fd, &send_arg(.data = uptr(buf), .len = msg.len,
						     .deadline = now_ns() + STALL_S * 1000 * MS));
			msg.nr++;
			if (!ret)
				atomic_fetch_add(&dir->sent, 1);
		} while (!ret && !atomic_load(&all->stop));
		if (ret)
			atomic_fetch_add(&dir->told, 1);
		if (ret && !is_restart(ret))
			complain("%s: send: %s", dir->name, strerror(ret));
		close(fd);
	}
	return 0;
}

static void check(struct direction *dir, const struct shmipc_recv *arg, const char *buf)
{
	unsigned int stream = atomic_load(&dir->last_stream), next = atomic_load(&dir->next);
	struct message msg;

	memcpy(&msg, buf, sizeof(msg));
	if (arg->out_len != msg.len ||
	    !filled(buf + sizeof(msg), msg.len - sizeof(msg), msg.stream * 7 + msg.nr)) {
		complain("%s: content", dir->name);
		return;
	}
	if (msg.stream < stream || (msg.stream == stream && msg.nr < next))
		complain("%s: stale: %u/%u after %u/%u", dir->name, msg.stream, msg.nr, stream,
			 next);
	else if (msg.nr != (msg.stream == stream ? next : 0))
		complain("%s: %u/%u after %u/%u", dir->name, msg.stream, msg.nr, stream, next);
	atomic_store(&dir->last_stream, msg.stream);
	atomic_store(&dir->next, msg.nr + 1);
	atomic_fetch_add(&dir->got, 1);
}

/* A life of the receiver's region; false when it is time to stop */
static bool receive_until_gone(struct direction *dir, int fd, char *buf)
{
	for (;;) {
		struct shmipc_recv arg = recv_arg(.data = uptr(buf), .len = MAX_LEN,
						  .deadline = now_ns() + 20 * MS);
		int ret = try_recv(fd, &arg);

		if (!ret)
			check(dir, &arg, buf);
		else if (ret == ENODEV)
			return true;
		else if (ret != ETIMEDOUT)
			complain("%s: receive: %s", dir->name, strerror(ret));
		else if (atomic_load(&all->stop))
			return false;
	}
}

static int receiver_main(struct direction *dir)
{
	char *buf = malloc(MAX_LEN);
	bool more = true;

	while (more && !atomic_load(&all->stop)) {
		int fd = open_dev(dir->to, O_RDWR);
		struct shmipc_port_create own = port_create_arg(.port = dir->port);
		int ret = fd < 0 ? ENODEV : try_port_create(fd, &own);

		if (!ret)
			more = receive_until_gone(dir, fd, buf);
		else if (ret != ENODEV)
			complain("%s: port: %s", dir->name, strerror(ret));
		else
			pause_1ms();
		if (fd >= 0)
			close(fd);
	}
	return 0;
}

/* Both directions move, in streams that are younger than these */
static bool moving(unsigned int there, unsigned int back)
{
	unsigned int got0 = atomic_load(&all->dir[0].got), got1 = atomic_load(&all->dir[1].got);

	return happens(atomic_load(&complaints->count) ||
		       (atomic_load(&all->dir[0].last_stream) > there &&
			atomic_load(&all->dir[1].last_stream) > back &&
			atomic_load(&all->dir[0].got) > got0 + 20 &&
			atomic_load(&all->dir[1].got) > got1 + 20));
}

static void restart_once(unsigned int nr)
{
	unsigned int there = atomic_load(&all->dir[0].stream);
	unsigned int back = atomic_load(&all->dir[1].stream), told[2];

	told[0] = atomic_load(&all->dir[0].told);
	told[1] = atomic_load(&all->dir[1].told);
	if (try_unbind(1) || try_bind(1))
		complain("cannot take region 1 away and back: %s", strerror(errno));
	if (!moving(there, back))
		complain("nothing moves after restart %u", nr);
	if (atomic_load(&all->dir[0].told) == told[0] || atomic_load(&all->dir[1].told) == told[1])
		complain("restart %u: somebody was not told", nr);
}

int main(int argc, char **argv)
{
	const struct number_option options[] = { { "restarts", &restarts }, { } };
	unsigned int i;
	pid_t pid[4];

	parse_numbers(argc, argv, options);
	stress_begin(1);
	if (!can_bind())
		ksft_exit_skip("not the owner of the machine\n");
	all = shared(sizeof(*all));
	all->dir[0] = (struct direction){ .name = "there", .from = 0, .to = 1,
					  .port = PORT_THERE };
	all->dir[1] = (struct direction){ .name = "back", .from = 1, .to = 0, .port = PORT_BACK };
	for (i = 0; i < 4; i++) {
		pid[i] = child();
		if (!pid[i])
			_exit(i & 1 ? sender_main(&all->dir[i / 2]) :
				      receiver_main(&all->dir[i / 2]));
	}
	if (!moving(0, 0))
		complain("nothing moves at all");
	for (i = 0; i < restarts && !atomic_load(&complaints->count); i++)
		restart_once(i);
	for (i = 0; i < 2; i++)
		ksft_print_msg("%s: %u sent in %u streams, %u received, %u times told\n",
			       all->dir[i].name, atomic_load(&all->dir[i].sent),
			       atomic_load(&all->dir[i].stream), atomic_load(&all->dir[i].got),
			       atomic_load(&all->dir[i].told));
	atomic_store(&all->stop, 1);
	for (i = 0; i < 4; i++)
		reap(pid[i], i & 1 ? "sender" : "receiver");
	expect_quiet();
	verdict("restart");
	ksft_finished();
}
