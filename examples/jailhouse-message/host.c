// SPDX-License-Identifier: GPL-2.0
/*
 * The host's side of a conversation with an inmate of Jailhouse that has a struct Message
 * in its output section: shows what the inmate says, and answers.
 *
 *	modprobe shmipc protocols=0 format=message message_init="Host init"
 *	host [DEVICE [COUNT]]		ends after COUNT messages
 *
 * Whether the inmate has read an answer nobody knows. Shown and not answered is what only
 * comes again (the inmate rang, and had nothing new to say), what is for another peer or cut,
 * and what is an answer itself: two programs that answer every text never end.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shmipc/message.h>
#include <shmipc/shmipc.h>

#define ANSWER		"Host Get interrupt"
#define NOT_TO_ANSWER	(SHMIPC_MSG_REPEAT | SHMIPC_MSG_BADLEN | SHMIPC_MSG_BADRECEIVER)

static struct shmipc_endpoint *open_or_exit(const char *device)
{
	struct shmipc_endpoint *ep = shmipc_open(device, 0);
	char why[256];

	if (!ep) {
		shmipc_open_error(device, errno, why, sizeof(why));
		fprintf(stderr, "host: %s\n", why);
		exit(1);
	}
	return ep;
}

static int failed(const char *what)
{
	fprintf(stderr, "host: %s: %s\n", what, shmipc_strerror(errno));
	return 1;
}

/* What an inmate says is not to be trusted: only what can be printed is */
static void show(const struct Message *message, uint32_t flags)
{
	size_t i;

	printf("Received message from peer %u: ", message->sender_id);
	for (i = 0; i < message->length && message->data[i]; i++)
		if (message->data[i] >= ' ' && message->data[i] <= '~')
			putchar(message->data[i]);
	if (message->type != MSG_TYPE_TEXT)
		printf(" (type %u)", message->type);
	if (flags & SHMIPC_MSG_REPEAT)
		printf(" (again)");
	if (flags & (SHMIPC_MSG_BADLEN | SHMIPC_MSG_BADSENDER | SHMIPC_MSG_BADRECEIVER))
		printf(" (its length or its ids are wrong)");
	putchar('\n');
	fflush(stdout);
}

static bool wants_answer(const struct Message *message, uint32_t flags)
{
	bool answer = message->length == strlen(ANSWER) &&
		      !memcmp(message->data, ANSWER, message->length);

	return message->type == MSG_TYPE_TEXT && !(flags & NOT_TO_ANSWER) && !answer;
}

static int answer(struct shmipc_endpoint *ep, uint32_t peer)
{
	struct Message message = {
		.type = MSG_TYPE_TEXT,
		.receiver_id = peer,
		.data = ANSWER,
	};

	message.length = strlen(message.data);
	/* It may have gone meanwhile */
	if (shmipc_letter_send(ep, &message) < 0 && errno != EHOSTUNREACH)
		return -1;
	printf("Answered peer %u\n", peer);
	return 0;
}

int main(int argc, char **argv)
{
	struct shmipc_endpoint *ep = open_or_exit(argc > 1 ? argv[1] : NULL);
	unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	struct Message message;
	unsigned long nr;
	uint32_t flags;

	if (shmipc_port_create(ep, SHMIPC_PORT_ANY, NULL) < 0)
		return failed("port");
	for (nr = 0; !count || nr < count; nr++) {
		if (shmipc_letter_recv(ep, &message, &flags, SHMIPC_FOREVER) < 0)
			return failed("receive");
		show(&message, flags);
		if (wants_answer(&message, flags) && answer(ep, message.sender_id) < 0)
			return failed("send");
	}
	shmipc_close(ep);
	return 0;
}
