// SPDX-License-Identifier: GPL-2.0
/*
 * kill9 [--kills 200] [--members 8] [--seed 1]
 *
 * Members on both regions, each with a port, all sending to all, small messages and large
 * ones. One after the other dies by SIGKILL wherever it happens to be, and a new one takes
 * its place and its port's number.
 *
 * A stream is what one life of a member sends to one life of another; each message carries
 * both and its number in the stream. Each stream must arrive from its beginning without a
 * gap, nothing may reach another life of the receiver, and between two that live to the
 * end everything sent must arrive. Afterwards no port is left.
 *
 * Red when: a death takes somebody else's messages with it, leaves a port, a sleeper or a
 * half message, or blocks others; a message reaches the successor.
 */
#include "stress.h"

#define MAX_MEMBERS	16
#define BASE_PORT	200
#define MAX_LEN		(200 << 10)

static unsigned int kills = 200, members = 8, seed = 1;

struct message {
	__u32 from;
	__u32 from_life;
	__u32 to_life;
	__u32 nr;
	__u32 len;
};

/* What member i says of itself; written by it alone, but for @life and @stop */
struct member {
	atomic_uint life;	/* set by the controller before it is born */
	atomic_uint ready;	/* the life whose port is there */
	atomic_uint gen;	/* of that port */
	atomic_uint done;	/* sends no more */
	atomic_uint sent[MAX_MEMBERS];		/* to the present life of each */
	atomic_uint sent_life[MAX_MEMBERS];
	atomic_uint got[MAX_MEMBERS];		/* from the present life of each */
	atomic_uint got_life[MAX_MEMBERS];
};

static struct {
	struct member member[MAX_MEMBERS];
	atomic_uint stop;
	atomic_uint leave;
	atomic_uint total;
} *all;

static unsigned int region_of(unsigned int i)
{
	return i & 1;
}

static void receive_one(unsigned int me, unsigned int life, const struct shmipc_recv *arg,
			const char *buf)
{
	struct member *self = &all->member[me];
	struct message msg;

	memcpy(&msg, buf, sizeof(msg));
	if (arg->out_len < sizeof(msg) || msg.len != arg->out_len || msg.from >= members) {
		complain("member %u: %u strange bytes", me, arg->out_len);
		return;
	}
	if (msg.to_life != life)
		complain("member %u/%u got what was for its life %u", me, life, msg.to_life);
	if (!filled(buf + sizeof(msg), msg.len - sizeof(msg), msg.from * 31 + msg.nr))
		complain("member %u: content of %u from %u", me, msg.nr, msg.from);
	if (arg->out_peer != region_of(msg.from))
		complain("member %u: from %u by peer %u", me, msg.from, arg->out_peer);
	if (atomic_load(&self->got_life[msg.from]) != msg.from_life) {
		if (atomic_load(&self->got_life[msg.from]) > msg.from_life)
			complain("member %u: an earlier life of %u", me, msg.from);
		atomic_store(&self->got[msg.from], 0);
		atomic_store(&self->got_life[msg.from], msg.from_life);
	}
	if (atomic_load(&self->got[msg.from]) != msg.nr)
		complain("member %u/%u: %u from %u/%u, expected %u", me, life, msg.nr, msg.from,
			 msg.from_life, atomic_load(&self->got[msg.from]));
	atomic_store(&self->got[msg.from], msg.nr + 1);
	atomic_fetch_add(&all->total, 1);
}

struct receiver {
	unsigned int me;
	unsigned int life;
	int fd;
};

static void *receiver_main(void *data)
{
	struct receiver *rx = data;
	char *buf = malloc(MAX_LEN);

	for (;;) {
		struct shmipc_recv arg = recv_arg(.data = uptr(buf), .len = MAX_LEN,
						  .deadline = now_ns() + 20 * MS);
		int ret = try_recv(rx->fd, &arg);

		if (!ret)
			receive_one(rx->me, rx->life, &arg, buf);
		else if (ret == ETIMEDOUT && atomic_load(&all->leave))
			return NULL;
		else if (ret != ETIMEDOUT)
			complain("member %u: receive: %s", rx->me, strerror(ret));
	}
}

static bool is_refusal(int ret)
{
	return ret == ECONNREFUSED || ret == ECONNRESET;
}

/* Send the next message of our stream to the present life of @to, if that is there */
static void send_one(unsigned int me, unsigned int life, int fd, unsigned int to, char *buf,
		     __u32 *state)
{
	struct member *self = &all->member[me], *dest = &all->member[to];
	unsigned int to_life = atomic_load(&dest->ready);
	struct message msg = { .from = me, .from_life = life, .to_life = to_life };
	struct shmipc_send arg;
	int ret;

	if (!to_life)
		return;
	if (atomic_load(&self->sent_life[to]) != to_life) {
		atomic_store(&self->sent[to], 0);
		atomic_store(&self->sent_life[to], to_life);
	}
	msg.nr = atomic_load(&self->sent[to]);
	msg.len = sizeof(msg) + random32(state) % (random32(state) % 64 ? 500 : MAX_LEN - 100);
	memcpy(buf, &msg, sizeof(msg));
	fill(buf + sizeof(msg), msg.len - sizeof(msg), me * 31 + msg.nr);
	arg = send_arg(.peer = region_of(to), .port = BASE_PORT + to, .data = uptr(buf),
		       .len = msg.len, .generation = atomic_load(&dest->gen),
		       .flags = msg.nr % 3 ? 0 : SHMIPC_SEND_NOWAIT,
		       .deadline = now_ns() + (STALL_S * 1000 * MS));
	if (atomic_load(&dest->ready) != to_life)
		return;
	ret = try_send(fd, &arg);
	if (!ret)
		atomic_store(&self->sent[to], msg.nr + 1);
	else if (ret == EAGAIN)
		sched_yield();
	else if (!is_refusal(ret))
		complain("member %u to %u: %s", me, to, strerror(ret));
	else if (atomic_load(&dest->life) == to_life && !atomic_load(&all->leave))
		/* the controller raises @life before it kills */
		complain("member %u to %u/%u, alive: %s", me, to, to_life, strerror(ret));
}

static int member_main(unsigned int me)
{
	struct member *self = &all->member[me];
	unsigned int life = atomic_load(&self->life), to;
	struct shmipc_port_create own = port_create_arg(.port = BASE_PORT + me, .depth = 16,
							.max_size = MAX_LEN, .bytes = 1 << 20);
	struct receiver rx = { .me = me, .life = life };
	__u32 state = seed * 69069 + me * 1000 + life + 1;
	char *buf = malloc(MAX_LEN);
	pthread_t thread;
	int fd, ret;

	rx.fd = open_dev(region_of(me), O_RDWR);
	fd = open_dev(region_of(me), O_RDWR);
	ret = rx.fd < 0 || fd < 0 ? errno : try_port_create(rx.fd, &own);
	if (ret) {
		complain("member %u cannot begin: %s", me, strerror(ret));
		return 1;
	}
	for (to = 0; to < members; to++) {
		atomic_store(&self->sent_life[to], 0);
		atomic_store(&self->got_life[to], 0);
	}
	atomic_store(&self->done, 0);
	atomic_store(&self->gen, own.out_generation);
	atomic_store(&self->ready, life);
	pthread_create(&thread, NULL, receiver_main, &rx);
	while (!atomic_load(&all->stop)) {
		to = random32(&state) % members;
		if (to != me)
			send_one(me, life, fd, to, buf, &state);
	}
	atomic_store(&self->done, 1);
	pthread_join(thread, NULL);
	return 0;
}

static pid_t bear(unsigned int i)
{
	pid_t pid = child();

	if (!pid)
		_exit(member_main(i));
	return pid;
}

/* Some messages move between somebody and somebody: the load is there */
static bool progress(unsigned int before)
{
	return happens(atomic_load(&all->total) > before + 20 ||
		       atomic_load(&complaints->count));
}

static void kill_one(pid_t *pid, unsigned int victim)
{
	struct member *member = &all->member[victim];
	unsigned int life = atomic_load(&member->life);
	int status;

	atomic_store(&member->life, life + 1);
	atomic_store(&member->ready, 0);
	kill(pid[victim], SIGKILL);
	if (waitpid(pid[victim], &status, 0) != pid[victim] || !WIFSIGNALED(status))
		complain("member %u ended before its time: %#x", victim, status);
	pid[victim] = bear(victim);
	if (!happens(atomic_load(&member->ready) == life + 1))
		complain("member %u is not born again", victim);
}

/* All that one life sent to another which both live now has been received */
static bool settled(bool tell)
{
	unsigned int i, k;

	for (i = 0; i < members; i++) {
		for (k = 0; k < members; k++) {
			struct member *from = &all->member[i], *to = &all->member[k];

			if (i == k || atomic_load(&from->sent_life[k]) != atomic_load(&to->life) ||
			    !atomic_load(&from->sent[k]))
				continue;
			if (atomic_load(&to->got_life[i]) == atomic_load(&from->life) &&
			    atomic_load(&to->got[i]) == atomic_load(&from->sent[k]))
				continue;
			if (tell)
				complain("%u to %u: %u of %u arrived", i, k,
					 atomic_load(&to->got[i]), atomic_load(&from->sent[k]));
			return false;
		}
	}
	return true;
}

static bool all_done(void)
{
	unsigned int i;

	for (i = 0; i < members; i++)
		if (!atomic_load(&all->member[i].done))
			return false;
	return true;
}

int main(int argc, char **argv)
{
	const struct number_option options[] = {
		{ "kills", &kills }, { "members", &members }, { "seed", &seed }, { },
	};
	pid_t pid[MAX_MEMBERS];
	__u32 state = seed + 1;
	unsigned int i;

	parse_numbers(argc, argv, options);
	if (members < 2 || members > MAX_MEMBERS)
		ksft_exit_fail_msg("2 to %u members\n", MAX_MEMBERS);
	stress_begin(1);
	all = shared(sizeof(*all));
	for (i = 0; i < members; i++) {
		atomic_store(&all->member[i].life, 1);
		pid[i] = bear(i);
	}
	for (i = 0; i < kills && !atomic_load(&complaints->count); i++) {
		if (!progress(atomic_load(&all->total)))
			complain("nothing moves after %u kills", i);
		usleep(random32(&state) % 3000);
		kill_one(pid, random32(&state) % members);
	}
	ksft_print_msg("%u kills, %u messages\n", i, atomic_load(&all->total));
	atomic_store(&all->stop, 1);
	if (!happens(all_done()))
		complain("a sender does not come back");
	else if (!happens(settled(false)))
		settled(true);
	atomic_store(&all->leave, 1);
	for (i = 0; i < members; i++)
		reap(pid[i], "member");
	expect_quiet();
	verdict("kill9");
	ksft_finished();
}
