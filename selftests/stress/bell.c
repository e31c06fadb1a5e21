// SPDX-License-Identifier: GPL-2.0
/*
 * bell --echoes N [--rounds 1] [--msix 0] | bell - one message, one doorbell, and nobody looks
 *
 * Without --echoes: owns the port "bell" and sleeps. Whatever comes is answered after a pause:
 * messages, raw doorbells that arrive at an eventfd, and those that arrive as events.
 *
 * With it: sends a message to each of N such machines and sleeps, again and again, then rings
 * each of their bells. Between any two of these nothing happens for long enough that every timer
 * of what was before has fired: who sleeps here has none, so only the doorbell can wake him. At
 * --rounds 2 the last echo to come is another machine's second life, perhaps with other vectors.
 * --msix 1: begins when the doorbells do, which is after a while of polling.
 *
 * Red when: a ring is left out or goes to the wrong vector, by sender, receiver or NOTIFY; a
 * message takes more than its own ring every time (the first is lost, a later one repairs it);
 * a bell arrives as another one, twice, or by one of the two ways only.
 */
#include "stress.h"

#define PAUSE_MS	200	/* timers of a ring: link.c */
#define PINGS		4
#define MAX_PEERS	64

enum { PING = 1, EVENTFD, EVENT, END };

struct note {
	__u32 kind;
	__u32 nr;	/* of the message, the vector */
	__u64 count;
};

static unsigned int echoes, rounds = 1, msix;

static void tell(int fd, __u32 peer, __u32 port, struct note note)
{
	int ret;

	usleep(PAUSE_MS * 1000);
	ret = try_send(fd, &send_arg(.peer = peer, .port = port, .len = sizeof(note),
				     .data = uptr(&note), .deadline = now_ns() + STALL_S * 1000 * MS));
	if (ret)
		complain("telling peer %u: %s", peer, strerror(ret));
}

/* ---- who answers ---- */

static int bind_bells(int fd, struct pollfd *fds)
{
	unsigned int v;
	int ret = 0;

	for (v = 0; v < SHMIPC_VECTORS && !ret; v++) {
		fds[v] = (struct pollfd){ .fd = eventfd(0, EFD_NONBLOCK), .events = POLLIN };
		ret = try_eventfd(fd, &eventfd_arg(.fd = fds[v].fd, .peer = ANY, .vector = v));
	}
	return ret ?: try_event_mask(fd, &event_mask_arg(
			.mask = SHMIPC_EVENT_BIT(SHMIPC_EVENT_DOORBELL)));
}

static void echo_bells(int port, const struct pollfd *fds, const struct shmipc_recv *who)
{
	struct note note = { .kind = EVENTFD };

	for (note.nr = 0; note.nr < SHMIPC_VECTORS; note.nr++)
		if (fds[note.nr].revents &&
		    read(fds[note.nr].fd, &note.count, sizeof(note.count)) > 0)
			tell(port, who->out_peer, who->out_port, note);
}

static void echo_event(int port, int fd, const struct shmipc_recv *who)
{
	struct shmipc_event event;

	if (!try_events(fd, &events_arg(.data = uptr(&event), .len = sizeof(event))))
		tell(port, who->out_peer, who->out_port,
		     (struct note){ .kind = event.peer == who->out_peer ? EVENT : END,
				    .nr = event.vector, .count = event.count });
}

static void echo(void)
{
	int port = open_dev(0, O_RDWR), fd = open_dev(0, O_RDWR);
	struct pollfd fds[SHMIPC_VECTORS + 2] = {};
	struct note note = {};
	struct shmipc_recv who = recv_arg(.data = uptr(&note), .len = sizeof(note));

	if (bind_bells(fd, fds) || try_port_create(port, &port_create_arg(.name = "bell")))
		ksft_exit_fail_msg("no port, or no bells\n");
	fds[SHMIPC_VECTORS] = (struct pollfd){ .fd = fd, .events = POLLPRI };
	fds[SHMIPC_VECTORS + 1] = (struct pollfd){ .fd = port, .events = POLLIN };
	printf("# bell: echo\n");
	fflush(stdout);
	while (note.kind != END) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		echo_bells(port, fds, &who);
		if (fds[SHMIPC_VECTORS].revents)
			echo_event(port, fd, &who);
		if (fds[SHMIPC_VECTORS + 1].revents && !try_recv(port, &who) && note.kind == PING)
			tell(port, who.out_peer, who.out_port, note);
	}
}

/* ---- who asks ---- */

static bool hear(int fd, __u32 peer, struct note *note)
{
	struct shmipc_recv arg = recv_arg(.data = uptr(note), .len = sizeof(*note),
					  .deadline = now_ns() + STALL_S * 1000 * MS);
	int ret = try_recv(fd, &arg);

	if (ret || arg.out_peer != peer)
		complain("from peer %u came: %s", peer, strerror(ret));
	return !ret && arg.out_peer == peer;
}

static __u64 rings(int fd, __u32 peer)
{
	struct shmipc_peer_info row;

	return peer_row(fd, peer, &row) ? 0 : row.rings;
}

static void ping(int fd, const struct shmipc_lookup *to)
{
	unsigned int i, once = 0, all = 0, more;
	struct note note;
	__u64 before;

	for (i = 0; i < PINGS && !atomic_load(&complaints->count); i++) {
		before = rings(fd, to->out_peer);
		tell(fd, to->out_peer, to->out_port, (struct note){ .kind = PING, .nr = i });
		if (!hear(fd, to->out_peer, &note) || note.kind != PING || note.nr != i)
			complain("not the answer of peer %u", to->out_peer);
		more = rings(fd, to->out_peer) - before;
		once += more == 1;
		all += more;
	}
	printf("# bell: peer %u: %u messages, %u rings\n", to->out_peer, i, all);
	/* A crowded machine may be late for once, but not each time */
	if (!once)
		complain("peer %u hears no first ring", to->out_peer);
}

static void notify(int fd, const struct shmipc_lookup *to)
{
	unsigned int v, i, kinds;
	struct note note;
	int ret;

	for (v = 0; v < SHMIPC_VECTORS && !atomic_load(&complaints->count); v++) {
		usleep(PAUSE_MS * 1000);
		ret = try_notify(fd, &notify_arg(.peer = to->out_peer, .vector = v));
		if (ret)
			complain("ringing bell %u: %s", v, strerror(ret));
		for (i = kinds = 0; i < 2 && !ret && hear(fd, to->out_peer, &note); i++) {
			kinds |= 1U << note.kind;
			if (note.nr != v || note.count != 1)
				complain("bell %u of peer %u: told of %u, %llu times", v,
					 to->out_peer, note.nr, note.count);
		}
		if (kinds != (1U << EVENTFD | 1U << EVENT))
			complain("bell %u of peer %u: told in ways %#x", v, to->out_peer, kinds);
	}
}

static __u64 epoch_of(int fd, __u32 peer)
{
	struct shmipc_peer_info row;

	return peer_row(fd, peer, &row) ? 0 : row.epoch;
}

/*
 * Echoes that we have not met; how many. One that was killed may be there for ever, as far as
 * we know who have not asked it for anything since.
 */
static unsigned int find_echoes(int fd, struct shmipc_lookup *found, const __u64 *met)
{
	unsigned int nr = 0;
	__u64 epoch;
	__u32 peer;

	for (peer = 0; peer < MAX_PEERS; peer++) {
		epoch = epoch_of(fd, peer);
		found[nr] = lookup_arg(.peer = peer, .name = "bell");
		if (epoch && epoch != met[peer] && peer != own_peer(fd) &&
		    !try_lookup(fd, &found[nr]) && epoch_of(fd, peer) == epoch)
			nr++;
	}
	return nr;
}

static bool rung_by_msix(int fd)
{
	struct shmipc_info info = info_arg();

	return !try_info(fd, &info) && info.out_doorbell == SHMIPC_DOORBELL_MSIX;
}

/* A new endpoint: who had sent to the first life of an echo is told of that, once */
static int new_asker(void)
{
	int fd = open_dev(0, O_RDWR);

	if (try_port_create(fd, &port_create_arg(.name = "asks")))
		ksft_exit_fail_msg("no port\n");
	return fd;
}

static void await_doorbells(int fd)
{
	if (rung_by_msix(fd))
		complain("the doorbells work from the beginning");
	printf("# bell: polls\n");
	fflush(stdout);
	if (!happens(rung_by_msix(fd)))
		complain("the doorbells never work");
}

/* Whoever still is there */
static void end_echoes(int fd)
{
	struct note note = { .kind = END };
	struct shmipc_lookup to;
	__u32 peer;

	for (peer = 0; peer < MAX_PEERS; peer++) {
		to = lookup_arg(.peer = peer, .name = "bell");
		if (peer != own_peer(fd) && !try_lookup(fd, &to))
			try_send_now(fd, peer, to.out_port, &note, sizeof(note));
	}
	sleep(1);	/* it is to be read before we go */
}

static void ask(void)
{
	struct shmipc_lookup found[MAX_PEERS];
	__u64 met[MAX_PEERS] = {};
	int fd = new_asker();
	unsigned int round, i, nr;

	if (msix)
		await_doorbells(fd);
	for (round = 0; round < rounds; round++) {
		close(fd);
		fd = new_asker();
		nr = round ? 1 : echoes;
		if (!happens(find_echoes(fd, found, met) == nr))
			complain("not all echoes are there");
		for (i = 0; i < nr && !atomic_load(&complaints->count); i++) {
			met[found[i].out_peer] = epoch_of(fd, found[i].out_peer);
			ping(fd, &found[i]);
			notify(fd, &found[i]);
		}
		printf("# bell: round %u\n", round);
		fflush(stdout);
	}
	end_echoes(fd);
}

int main(int argc, char **argv)
{
	const struct number_option options[] = {
		{ "echoes", &echoes }, { "rounds", &rounds }, { "msix", &msix }, { },
	};

	parse_numbers(argc, argv, options);
	ksft_print_header();
	complaints = shared(sizeof(*complaints));
	ksft_set_plan(1);
	if (echoes)
		ask();
	else
		echo();
	verdict("bells");
	ksft_finished();
}
