// SPDX-License-Identifier: GPL-2.0
/*
 * witness 0 [listen] | witness N - what those see who wait for a peer that dies
 *
 * N, the victim of N witnesses, on one machine: owns the ports "victim", which it never
 * reads, and "rejoin"; ends when something of each has come there. Somebody kills or resets
 * its machine and starts it once more.
 *
 * 0, on every other machine: blocks a sender on "victim" (its window is full), watches it,
 * listens to events, and expects that each of these is told of the victim's end. Who is told
 * says at once of what: that the victim is down, or just silent. Then it waits until the
 * victim is back, and sends to "rejoin".
 * With "listen" there is no sender: nothing but the listener asks after the victim.
 *
 * Red when: somebody who waits is not told, or of something else; what was said before the
 * end arrives after it; the link does not come up again.
 */
#include "stress.h"

#define VICTIM	300
#define REJOIN	301

static void say(const char *what)
{
	printf("# %s\n", what);
	fflush(stdout);
}

static void victim(unsigned long witnesses)
{
	int port = open_dev(0, O_RDWR), rejoin = open_dev(0, O_RDWR);
	struct shmipc_recv arg;
	char buf[64] = "";

	if (try_port_create(port, &port_create_arg(.port = VICTIM, .name = "victim")) ||
	    try_port_create(rejoin, &port_create_arg(.port = REJOIN, .name = "rejoin")))
		ksft_exit_fail_msg("no port\n");
	say("victim: ready");
	while (witnesses--) {
		arg = recv_arg(.data = uptr(buf), .len = sizeof(buf));
		if (try_recv(rejoin, &arg))
			complain("nothing came");
		else if (strcmp(buf, "again"))
			complain("what came is of another time: %s", buf);
	}
	/* What blocked the senders was said to one that died */
	arg = recv_arg(.data = uptr(buf), .len = sizeof(buf), .flags = SHMIPC_RECV_NOWAIT);
	if (try_recv(port, &arg) != EAGAIN)
		complain("something of another time came: %s", buf);
}

static __u32 dying;
static atomic_int sender_error, events_seen, gone_seen;

static void *blocked_sender(void *unused)
{
	int fd = open_dev(0, O_RDWR), ret;

	(void)unused;
	do
		ret = try_send_to(fd, dying, VICTIM, "before", 6);
	while (!ret);
	printf("# witness: sender told: %s\n", strerror(ret));
	fflush(stdout);
	atomic_store(&sender_error, ret);
	close(fd);
	return NULL;
}

/* PEER_DOWN or PEER_RESET of the victim, and the answer to a WATCH */
static void *listener(void *unused)
{
	int fd = open_dev(0, O_RDWR), ret = 0;
	struct shmipc_event event;

	(void)unused;
	if (try_event_mask(fd, &event_mask_arg(.mask = SHMIPC_MASK_PEER)) ||
	    try_watch(fd, &watch_arg(.kind = SHMIPC_WATCH_PEER, .peer = dying, .cookie = 1)))
		complain("cannot listen");
	while (!ret && (!atomic_load(&events_seen) || !atomic_load(&gone_seen))) {
		ret = try_events(fd, &events_arg(.data = uptr(&event), .len = sizeof(event)));
		if (ret || event.peer != dying)
			continue;
		if (event.kind == SHMIPC_EVENT_PEER_DOWN || event.kind == SHMIPC_EVENT_PEER_RESET)
			atomic_store(&events_seen, event.kind);
		if (event.kind == SHMIPC_EVENT_GONE)
			atomic_store(&gone_seen, 1);
	}
	if (ret)
		complain("events: %s", strerror(ret));
	else
		say(atomic_load(&events_seen) == SHMIPC_EVENT_PEER_DOWN ? "witness: told: down" :
									  "witness: told: silent");
	close(fd);
	return NULL;
}

static bool look_up(int fd, const char *name, __u32 *peer)
{
	struct shmipc_lookup arg = lookup_arg(.peer = ANY, .flags = SHMIPC_LOOKUP_WAIT,
					      .deadline = now_ns() + 2 * STALL_S * 1000 * MS);

	strcpy(arg.name, name);
	if (try_lookup(fd, &arg))
		return false;
	*peer = arg.out_peer;
	return true;
}

static void send_again(int fd)
{
	int ret = ENOENT;
	__u32 peer;

	if (!happens(look_up(fd, "rejoin", &peer) &&
		     !(ret = try_send(fd, &send_arg(.peer = peer, .port = REJOIN, .len = 6,
						    .data = uptr("again"),
						    .deadline = now_ns() + 5000 * MS)))))
		complain("the victim is not back: %s", strerror(ret));
}

/* The sender was told, too, and what it should be */
static void check_sender(void)
{
	int err;

	if (!happens(atomic_load(&sender_error)))
		complain("the sender was not told");
	err = atomic_load(&sender_error);
	if (err != ECONNRESET && err != EHOSTDOWN && err != EHOSTUNREACH && err != ECONNREFUSED)
		complain("the sender was told: %s", strerror(err));
}

static void witness(bool sends)
{
	int fd = open_dev(0, O_RDWR);
	pthread_t sender, ears;

	if (!look_up(fd, "victim", &dying))
		ksft_exit_fail_msg("no victim\n");
	if (sends)
		pthread_create(&sender, NULL, blocked_sender, NULL);
	pthread_create(&ears, NULL, listener, NULL);
	if (sends && !happens(port_senders(fd, dying, VICTIM) == 1))
		complain("the sender does not block");
	say("witness: waits");
	if (!happens(atomic_load(&gone_seen) && atomic_load(&events_seen)))
		complain("the listener was not told");
	if (sends)
		check_sender();
	say("witness: both told");
	send_again(fd);
	sleep(1);
}

int main(int argc, char **argv)
{
	ksft_print_header();
	complaints = shared(sizeof(*complaints));
	ksft_set_plan(1);
	if (argc > 1 && strtoul(argv[1], NULL, 0))
		victim(strtoul(argv[1], NULL, 0));
	else
		witness(argc < 3);
	verdict("end of a peer");
	ksft_finished();
}
