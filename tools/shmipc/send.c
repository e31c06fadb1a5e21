// SPDX-License-Identifier: GPL-2.0
/* Sending a message. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

const struct option_def send_options[] = {
	{ 't', "type", "N", "the message's type (0)" },
	{ 'P', "priority", "N", "0, normal, to 7, most urgent" },
	{ 'c', "cookie", "N", "a number for the receiver" },
	{ 'T', "timeout", "TIME", "how long to wait: for a name, for room, for a reply" },
	{ 'l', "lines", NULL, "each line of standard input is a message" },
	{ 'r', "reply", NULL, "wait for one answer and print it" },
	{ 0 },
};

struct sending {
	struct shmipc_endpoint *ep;
	struct shmipc_message *msg;
	struct shmipc_address to;
	const char *dest;
	uint32_t type;
	uint32_t priority;
	uint64_t cookie;
	int timeout_ms;		/* -1: none */
	bool lines;
	bool reply;
};

static int send_option(struct cli *cli, struct sending *snd, int option)
{
	const char *value = cli_value();
	bool ok = true;

	switch (option) {
	case 't':
		ok = parse_u32(value, UINT32_MAX, &snd->type);
		break;
	case 'P':
		ok = parse_u32(value, SHMIPC_PRIORITIES - 1, &snd->priority);
		break;
	case 'c':
		ok = parse_number(value, UINT64_MAX, &snd->cookie);
		break;
	case 'T':
		ok = parse_time_ms(value, &snd->timeout_ms);
		break;
	case 'l':
		snd->lines = true;
		break;
	case 'r':
		snd->reply = true;
		break;
	default:
		return CLI_USAGE;
	}
	return ok ? CLI_OK : cli_usage(cli, "-%c does not take \"%s\"", option, value);
}

static int send_bytes(struct sending *snd, const void *data, size_t len)
{
	if (shmipc_message_set_data(snd->msg, data, len) < 0)
		return fail_errno("memory");
	if (shmipc_message_send(snd->ep, snd->msg, shmipc_deadline(snd->timeout_ms)) < 0)
		return fail_errno(snd->dest);
	return CLI_OK;
}

/* The words with a space between two, as echo would print them. */
static int send_words(struct sending *snd, int argc, char **argv)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int status;

	if (!out)
		return fail_errno("memory");
	for (int i = 0; i < argc; i++)
		fprintf(out, "%s%s", i ? " " : "", argv[i]);
	if (fclose(out))
		return fail_errno("memory");
	status = send_bytes(snd, text, size);
	free(text);
	return status;
}

static int send_lines(struct sending *snd)
{
	int status = CLI_OK;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while (!status && (len = getline(&line, &size, stdin)) >= 0) {
		if (len && line[len - 1] == '\n')
			len--;
		status = send_bytes(snd, line, len);
	}
	free(line);
	return ferror(stdin) ? fail("standard input: %s", strerror(errno)) : status;
}

/* All of standard input; a byte more than can be sent is enough to be refused. */
static int send_input(struct sending *snd)
{
	size_t max = SHMIPC_MSG_MAX + 1, len;
	char *data = malloc(max);
	int status;

	if (!data)
		return fail_errno("memory");
	len = fread(data, 1, max, stdin);
	if (ferror(stdin))
		status = fail("standard input: %s", strerror(errno));
	else
		status = send_bytes(snd, data, len);
	free(data);
	return status;
}

static int print_reply(struct sending *snd)
{
	if (!receive_any_size(snd->ep, snd->msg, shmipc_deadline(snd->timeout_ms)))
		return fail("no answer: %s", shmipc_strerror(errno));
	put_text(stdout, shmipc_message_data(snd->msg), shmipc_message_length(snd->msg));
	return CLI_OK;
}

static int send_all(struct cli *cli, struct sending *snd)
{
	int64_t deadline = snd->timeout_ms > 0 ? shmipc_deadline(snd->timeout_ms) : SHMIPC_NOWAIT;
	const struct own_port any = { 0 };
	int status = resolve(snd->ep, snd->dest, deadline, &snd->to);

	if (status)
		return status;
	if (snd->reply && own_port_create(snd->ep, &any) < 0)
		return CLI_FAILED;
	snd->msg = shmipc_message_new(0);
	if (!snd->msg)
		return fail_errno("memory");
	shmipc_message_set_to(snd->msg, &snd->to);
	shmipc_message_set_type(snd->msg, snd->type);
	shmipc_message_set_priority(snd->msg, snd->priority);
	shmipc_message_set_cookie(snd->msg, snd->cookie);
	if (cli->argc > 1)
		status = send_words(snd, cli->argc - 1, cli->argv + 1);
	else if (snd->lines)
		status = send_lines(snd);
	else
		status = send_input(snd);
	if (!status && snd->reply)
		status = print_reply(snd);
	shmipc_message_free(snd->msg);
	return status;
}

int verb_send(struct cli *cli)
{
	struct sending snd = { .timeout_ms = -1 };
	int option, status;

	while ((option = cli_option(cli)) != -1) {
		status = send_option(cli, &snd, option);
		if (status)
			return status;
	}
	if (!cli->argc)
		return cli_usage(cli, "to whom? PEER:PORT, NAME or NAME@PEER");
	if (snd.lines && (snd.reply || cli->argc > 1))
		return cli_usage(cli, "--lines goes neither with --reply nor with words");
	snd.dest = cli->argv[0];
	snd.ep = open_device(cli, snd.reply ? 0 : SHMIPC_OPEN_SEND_ONLY);
	if (!snd.ep)
		return CLI_FAILED;
	status = send_all(cli, &snd);
	shmipc_close(snd.ep);
	return status;
}
