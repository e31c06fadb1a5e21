// SPDX-License-Identifier: GPL-2.0
/*
 * message inmate | bad | text | ping PEER | pong | confirm PEER | hear
 *
 * The format of Jailhouse's demos:
 *
 * inmate	peer 1 is the rig's message inmate: what it says arrives, once as news and then as
 *		a repetition; it answers a text, and ignores a command
 * bad		peer 1 sends what no one should: each kind arrives, cut to what there can be, and
 *		marked as what it is
 * text		the same format without a header
 * ping, pong	two of ours: each text is sent until it is acknowledged; they come in order
 * confirm, hear	two of ours with message_ack=1: each text is sent once, and the sender knows
 *		that it was received; none is lost
 *
 * Red when: a message is cut or changed, of the wrong type or sender; nonsense is not marked, or
 * what is right is; a repetition is taken for news; the driver does not survive.
 */
#include "stress.h"

#define PORT	SHMIPC_MESSAGE_PORT
#define ROUNDS	200
#define BAD	(SHMIPC_MSG_BADLEN | SHMIPC_MSG_BADSENDER | SHMIPC_MSG_BADRECEIVER)

static int fd;
static struct shmipc_recv got;
static char data[512];

/* The next message, within a minute */
static bool next(void)
{
	int err;

	memset(data, 0, sizeof(data));
	got = recv_arg(.data = uptr(data), .len = sizeof(data),
		       .deadline = now_ns() + STALL_S * 1000 * MS);
	err = try_recv(fd, &got);
	if (err) {
		complain("nothing came: %s", strerror(err));
		return false;
	}
	return true;
}

static bool is(__u32 type, const char *text)
{
	return got.out_type == type && got.out_len == strlen(text) &&
	       !memcmp(data, text, got.out_len);
}

/* Skips repetitions */
static bool news(__u32 type, const char *text)
{
	do {
		if (!next())
			return false;
	} while (got.out_flags & SHMIPC_MSG_REPEAT);
	if (got.out_peer == 1 && is(type, text) && !(got.out_flags & BAD))
		return true;
	complain("peer %u, type %u, length %u, flags %#x: %s", got.out_peer, got.out_type,
		 got.out_len, got.out_flags, data);
	return false;
}

static void say(__u32 peer, __u32 type, const char *text)
{
	int err = 0;

	(void)happens(!(err = try_send(fd, &send_arg(.peer = peer, .port = PORT, .type = type,
						     .data = uptr(text), .len = strlen(text)))));
	if (err)
		complain("cannot send %s: %s", text, strerror(err));
}

static void repeated(const char *text)
{
	if (next() && !(is(SHMIPC_MESSAGE_TEXT, text) && got.out_flags & SHMIPC_MSG_REPEAT))
		complain("not %s again: flags %#x, %s", text, got.out_flags, data);
}

/* Who has a first message out when it comes may be answered before anybody listens here */
static void inmate(void)
{
	do {
		if (!next())
			return;
	} while (is(SHMIPC_MESSAGE_TEXT, "Hi!"));
	if (!is(SHMIPC_MESSAGE_TEXT, "Inmate got 1") || got.out_flags & BAD)
		complain("first flags %#x: %s", got.out_flags, data);
	repeated("Inmate got 1");
	say(1, SHMIPC_MESSAGE_TEXT, "Host Get interrupt");
	news(SHMIPC_MESSAGE_TEXT, "Inmate got 2");
	say(1, SHMIPC_MESSAGE_COMMAND, "stop");
	repeated("Inmate got 2");
}

static void bad(void)
{
	bool len = false, sender = false, receiver = false, type = false, full = false;
	__s64 end = now_ns() + STALL_S * 1000 * MS;

	while (!(len && sender && receiver && type && full) && now_ns() < end && next()) {
		if (got.out_len > SHMIPC_MESSAGE_MAX || got.out_peer != 1)
			complain("%u bytes of peer %u", got.out_len, got.out_peer);
		if (got.out_flags & SHMIPC_MSG_REPEAT)
			continue;
		if (!strcmp(data, "long"))
			len = got.out_flags & SHMIPC_MSG_BADLEN &&
			      got.out_len == SHMIPC_MESSAGE_MAX;
		if (!strcmp(data, "from"))
			sender = got.out_flags & SHMIPC_MSG_BADSENDER;
		if (!strcmp(data, "to"))
			receiver = got.out_flags & SHMIPC_MSG_BADRECEIVER;
		if (!strcmp(data, "type"))
			type = got.out_type == 0xdeadbeef && !(got.out_flags & BAD);
		if (got.out_len == SHMIPC_MESSAGE_MAX && data[0] == 'x' && data[255] == 'x')
			full = !(got.out_flags & BAD);
	}
	if (!(len && sender && receiver && type && full))
		complain("seen: length %d, sender %d, receiver %d, type %d, full %d", len, sender,
			 receiver, type, full);
}

static void text(void)
{
	news(SHMIPC_MESSAGE_TEXT, "Hi!\n");
	if (!(got.out_flags & SHMIPC_MSG_BARE))
		complain("flags %#x", got.out_flags);
	say(1, SHMIPC_MESSAGE_TEXT, "Host");
}

/* Has it been acknowledged within a second? Repetitions of what was before do not count */
static bool acknowledged(const char *text)
{
	__s64 end = now_ns() + 1000 * MS;

	do {
		got = recv_arg(.data = uptr(data), .len = sizeof(data), .deadline = end);
		if (try_recv(fd, &got))
			return false;
	} while (!is(SHMIPC_MESSAGE_ACK, text));
	return true;
}

static void ping(__u32 peer)
{
	__s64 end = now_ns() + STALL_S * 1000 * MS;
	unsigned int round, tries = 0;
	char text[32];

	for (round = 0; round < ROUNDS && now_ns() < end; round++) {
		sprintf(text, "%u", round);
		do {
			say(peer, SHMIPC_MESSAGE_TEXT, text);
			tries++;
		} while (!acknowledged(text) && now_ns() < end);
	}
	if (round < ROUNDS || now_ns() >= end)
		complain("%u of %u acknowledged", round, ROUNDS);
	say(peer, SHMIPC_MESSAGE_ERROR, "over");
	printf("# %u sends for %u messages\n", tries, round);
}

static void pong(void)
{
	unsigned int expected = 0, nr;

	while (next()) {
		if (got.out_type == SHMIPC_MESSAGE_ERROR)
			break;
		if (got.out_type != SHMIPC_MESSAGE_TEXT || got.out_flags & BAD) {
			complain("type %u, flags %#x: %s", got.out_type, got.out_flags, data);
			break;
		}
		nr = strtoul(data, NULL, 10);
		if (nr != expected && nr + 1 != expected)
			complain("%u after %u", nr, expected);
		expected = nr + 1;
		say(got.out_peer, SHMIPC_MESSAGE_ACK, data);
	}
	if (expected != ROUNDS)
		complain("only %u came", expected);
}

static void confirm(__u32 peer)
{
	struct shmipc_send arg;
	unsigned int round;
	char text[32];
	int err;

	for (round = 0; round < ROUNDS; round++) {
		sprintf(text, "%u", round);
		arg = send_arg(.peer = peer, .port = PORT, .data = uptr(text), .len = strlen(text),
			       .flags = SHMIPC_SEND_CONFIRM,
			       .deadline = now_ns() + STALL_S * 1000 * MS);
		/* Until it is there: not known before */
		if (round)
			err = try_send(fd, &arg);
		else
			(void)happens((err = try_send(fd, &arg)) == 0);
		if (err || arg.out_state != SHMIPC_STATE_RECEIVED) {
			complain("message %u: %s, state %u", round, strerror(err), arg.out_state);
			break;
		}
	}
	say(peer, SHMIPC_MESSAGE_ERROR, "over");
}

static void hear(void)
{
	unsigned int expected = 0;

	while (next() && got.out_type != SHMIPC_MESSAGE_ERROR) {
		if (got.out_type != SHMIPC_MESSAGE_TEXT || strtoul(data, NULL, 10) != expected++)
			complain("type %u, flags %#x: %s, not %u", got.out_type, got.out_flags,
				 data, expected - 1);
	}
	if (expected != ROUNDS)
		complain("only %u came", expected);
}

int main(int argc, char **argv)
{
	const char *role = argc > 1 ? argv[1] : "";

	ksft_print_header();
	complaints = shared(sizeof(*complaints));
	ksft_set_plan(1);
	fd = open_dev(0, O_RDWR);
	if (try_port_create(fd, &port_create_arg(.port = PORT)))
		ksft_exit_fail_msg("no port\n");
	if (!strcmp(role, "inmate"))
		inmate();
	else if (!strcmp(role, "bad"))
		bad();
	else if (!strcmp(role, "text"))
		text();
	else if (!strcmp(role, "ping") && argc > 2)
		ping(strtoul(argv[2], NULL, 0));
	else if (!strcmp(role, "pong"))
		pong();
	else if (!strcmp(role, "confirm") && argc > 2)
		confirm(strtoul(argv[2], NULL, 0));
	else if (!strcmp(role, "hear"))
		hear();
	else
		complain("unknown role");
	printf("# message: over\n");
	fflush(stdout);
	sleep(2); /* who was rung looks */
	verdict(role);
	ksft_finished();
}
