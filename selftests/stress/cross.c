// SPDX-License-Identifier: GPL-2.0
/*
 * cross [--peers 2] [--messages 1000] [--max 65536] [--seed 1] [--until 0] [--resets 64]
 *
 * Runs on every one of --peers machines that share a region, slots 0 to peers - 1. Each
 * sends --messages of random size and content to each other one, all directions at once,
 * and checks what it receives: loss, duplication, order, content. With --until (seconds
 * since 1970) it sends until then, however many that is.
 *
 * A stream of messages from one peer to another has a run (drawn when the program starts)
 * and a session. Each begins with message 0 and has no holes. The peer whose slot is
 * --resets may be reset at any time: then those who sent to it begin a new session, and it
 * begins a new run. Between any two others there is one run and one session, and all of it
 * arrives.
 *
 * Red when: a message is lost, doubled, late, cut or mixed with another; a doorbell is lost
 * for good (hang); the reset of one peer disturbs others, or something of before it comes
 * after it.
 */
#include <sys/random.h>

#include "stress.h"

#define PORT		200
#define MAX_PEERS	64
#define MAX_LEN		65536
#define NOBODY		MAX_PEERS

enum {
	KIND_DATA = 1,
	KIND_FIN,	/* @nr messages were all of this session */
	KIND_DONE,	/* and all of yours have come */
};

static unsigned int peers = 2, messages = 1000, max_len = MAX_LEN, seed = 1, until, resets = NOBODY;
static __u32 own, run;

struct head {
	__u32 from;
	__u32 run;
	__u32 session;
	__u32 nr;
	__u32 len;
	__u32 check;
};

/* What has come from one peer */
static struct origin {
	__u32 run;
	__u32 session;
	__u32 next;
	bool fin;
	bool done;
} origins[MAX_PEERS];

static atomic_ullong received, sent, sessions;
static atomic_bool all_fin;

static bool may_reset(__u32 peer)
{
	return peer == resets || own == resets;
}

static bool over(unsigned int nr)
{
	return until ? (unsigned int)time(NULL) >= until : nr >= messages;
}

static __u32 content_seed(const struct head *head)
{
	return head->run + head->session * 31 + head->nr * 7919 + head->from;
}

/* Mostly small, some of several records, a few of the largest size */
static __u32 length(__u32 *state)
{
	__u32 random = random32(state), most = max_len;

	if (random % 8)
		most = random % 3 ? 300 : 5000;
	if (most > max_len)
		most = max_len;
	return sizeof(struct head) + random32(state) % (most - sizeof(struct head) + 1);
}

static __s64 soon(void)
{
	return now_ns() + STALL_S * 1000 * MS;
}

static bool find(int fd, __u32 peer)
{
	struct shmipc_lookup arg = lookup_arg(.peer = peer, .name = "cross", .deadline = soon(),
					      .flags = SHMIPC_LOOKUP_WAIT);
	int ret;

	do
		ret = try_lookup(fd, &arg);
	while (ret == EINTR);
	if (ret)
		complain("peer %u is not found: %s", peer, strerror(ret));
	return !ret;
}

static int post(int fd, __u32 peer, __u32 kind, struct head *head, char *buf)
{
	struct shmipc_send arg = send_arg(.peer = peer, .port = PORT, .data = uptr(buf),
					  .len = head->len, .type = kind, .deadline = soon());

	fill(buf + sizeof(*head), head->len - sizeof(*head), content_seed(head));
	memcpy(buf, head, sizeof(*head));
	return try_send(fd, &arg);
}

/* One session, from message 0 to FIN; the errno that ended it before */
static int session(int fd, __u32 peer, __u32 number, __u32 *state, char *buf)
{
	struct head head = { .from = own, .run = run, .session = number };
	int ret = 0;

	while (!ret && !over(head.nr)) {
		head.len = length(state);
		ret = post(fd, peer, KIND_DATA, &head, buf);
		if (!ret) {
			head.nr++;
			atomic_fetch_add(&sent, 1);
		}
	}
	head.len = sizeof(head);
	return ret ? ret : post(fd, peer, KIND_FIN, &head, buf);
}

static __u64 epoch_of(int fd, __u32 peer)
{
	struct shmipc_peer_info row;

	return peer_row(fd, peer, &row) ? 0 : row.epoch;
}

/* Everybody's FIN has come; ECONNRESET if the peer is another meanwhile, and needs ours again */
static int wait_for_fin(int fd, __u32 peer, __u64 epoch)
{
	if (!happens(atomic_load(&all_fin) || epoch_of(fd, peer) != epoch))
		return ETIMEDOUT;
	return epoch_of(fd, peer) == epoch ? 0 : ECONNRESET;
}

/* The peer's port is there again, if it is not for ever gone */
static bool tolerable(int err)
{
	return err == ECONNRESET || err == ECONNREFUSED || err == EHOSTDOWN ||
	       err == EHOSTUNREACH || err == EAGAIN || err == ETIMEDOUT;
}

static void *sender(void *data)
{
	__u32 peer = (uintptr_t)data, number = 0, state = seed * 7907 + own * 131 + peer + 1;
	struct head head = { .from = own, .run = run, .len = sizeof(head) };
	char *buf = malloc(MAX_LEN);
	int fd = open_dev(0, O_RDWR), ret;
	__u64 epoch;

	for (;;) {
		if (!find(fd, peer))
			break;
		epoch = epoch_of(fd, peer);
		ret = session(fd, peer, number, &state, buf);
		if (!ret)
			ret = wait_for_fin(fd, peer, epoch);
		if (!ret)
			ret = post(fd, peer, KIND_DONE, &head, buf);
		if (!ret)
			break;
		if (!may_reset(peer) || !tolerable(ret)) {
			complain("to peer %u, session %u: %s", peer, number, strerror(ret));
			break;
		}
		number++;
		atomic_fetch_add(&sessions, 1);
		pause_1ms();
	}
	close(fd);
	free(buf);
	return NULL;
}

/* A stream that is not the one before: may it be, and does it begin at its beginning? */
static void begin_stream(struct origin *from, const struct head *head)
{
	if (from->run && !may_reset(head->from))
		complain("peer %u began anew: run %#x session %u, after run %#x session %u",
			 head->from, head->run, head->session, from->run, from->session);
	if (from->run == head->run && head->session < from->session)
		complain("peer %u: session %u after %u", head->from, head->session, from->session);
	*from = (struct origin){ .run = head->run, .session = head->session };
}

static void take_data(struct origin *from, const struct head *head, const char *buf)
{
	if (head->nr != from->next)
		complain("peer %u, session %u: message %u instead of %u", head->from,
			 head->session, head->nr, from->next);
	from->next = head->nr + 1;
	if (!filled(buf + sizeof(*head), head->len - sizeof(*head), content_seed(head)))
		complain("peer %u, message %u: content", head->from, head->nr);
	atomic_fetch_add(&received, 1);
}

static void take(const struct shmipc_recv *arg, const char *buf)
{
	struct origin *from;
	struct head head;

	memcpy(&head, buf, sizeof(head));
	if (arg->out_len < sizeof(head) || arg->out_len != head.len || head.from >= peers ||
	    head.from != arg->out_peer) {
		complain("%u bytes from peer %u are not ours", arg->out_len, arg->out_peer);
		return;
	}
	from = &origins[head.from];
	if (arg->out_type == KIND_DONE) {
		from->done = true;
		return;
	}
	if (head.run != from->run || head.session != from->session)
		begin_stream(from, &head);
	if (arg->out_type == KIND_DATA) {
		take_data(from, &head, buf);
		return;
	}
	if (head.nr != from->next)
		complain("peer %u: %u of %u messages", head.from, from->next, head.nr);
	from->fin = true;
}

static bool all_done(bool *fin)
{
	bool done = true;
	unsigned int i;

	*fin = true;
	for (i = 0; i < peers; i++) {
		if (i == own)
			continue;
		*fin &= origins[i].fin;
		done &= origins[i].done;
	}
	return done;
}

/* Until everybody has said that all has come, or nothing comes any more */
static void receive(int fd)
{
	char *buf = malloc(MAX_LEN);
	bool fin, done = false;
	int ret;

	while (!done && !atomic_load(&complaints->count)) {
		struct shmipc_recv arg = recv_arg(.data = uptr(buf), .len = MAX_LEN,
						  .deadline = soon());

		ret = try_recv(fd, &arg);
		if (ret) {
			complain("receiving: %s", strerror(ret));
			break;
		}
		take(&arg, buf);
		done = all_done(&fin);
		atomic_store(&all_fin, fin);
	}
	free(buf);
}

static void tell_progress(void)
{
	unsigned int i;

	ksft_print_msg("cross: slot %u, %llu sent, %llu received, %llu sessions more\n", own,
		       atomic_load(&sent), atomic_load(&received), atomic_load(&sessions));
	for (i = 0; i < peers; i++)
		if (i != own)
			ksft_print_msg("cross: from %u: next %u, session %u%s%s\n", i,
				       origins[i].next, origins[i].session,
				       origins[i].fin ? ", all" : "",
				       origins[i].done ? ", done" : "");
}

int main(int argc, char **argv)
{
	const struct number_option options[] = {
		{ "peers", &peers }, { "messages", &messages }, { "max", &max_len },
		{ "seed", &seed }, { "until", &until }, { "resets", &resets }, { },
	};
	pthread_t threads[MAX_PEERS];
	unsigned int i;
	int fd;

	parse_numbers(argc, argv, options);
	if (peers < 2 || peers > MAX_PEERS || max_len < sizeof(struct head) || max_len > MAX_LEN)
		ksft_exit_fail_msg("2 to %u peers, %zu to %u bytes\n", MAX_PEERS,
				   sizeof(struct head), MAX_LEN);
	ksft_print_header();
	complaints = shared(sizeof(*complaints));
	fd = open_dev(0, O_RDWR);
	if (fd < 0)
		ksft_exit_fail_msg("no region\n");
	ksft_set_plan(1);
	own = own_peer(fd);
	while (!run)
		if (getrandom(&run, sizeof(run), 0) < 0)
			ksft_exit_fail_msg("no random number\n");
	if (try_port_create(fd, &port_create_arg(.port = PORT, .name = "cross")))
		ksft_exit_fail_msg("no port\n");
	ksft_print_msg("cross: slot %u begins\n", own);
	for (i = 0; i < peers; i++)
		if (i != own)
			pthread_create(&threads[i], NULL, sender, (void *)(uintptr_t)i);
	receive(fd);
	atomic_store(&all_fin, true);
	/* What we said last is to be read before we go */
	for (i = 0; i < peers; i++)
		if (i != own && !atomic_load(&complaints->count))
			pthread_join(threads[i], NULL);
	sleep(2);
	tell_progress();
	verdict("exchange");
	ksft_finished();
}
