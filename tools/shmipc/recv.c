// SPDX-License-Identifier: GPL-2.0
/* Receiving messages and printing them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

const struct option_def recv_options[] = {
	{ 'N', "count", "N", "end after N messages (1; 0: never)" },
	{ 'T', "timeout", "TIME", "fail when none comes for so long" },
	{ 'f', "format", "FORMAT", "text (the default), hex, raw or json" },
	{ 'v', "verbose", NULL, "say the port's number, and of each message whence it came" },
	{ 0 },
};

struct receiving {
	struct own_port port;
	uint64_t count;
	int timeout_ms;		/* -1: none */
	const char *format;
	bool verbose;
};

static bool is_format(const char *word)
{
	return !strcmp(word, "text") || !strcmp(word, "hex") || !strcmp(word, "raw") ||
	       !strcmp(word, "json");
}

static int recv_option(struct cli *cli, struct receiving *rcv, int option)
{
	const char *value = cli_value();
	bool ok;

	switch (option) {
	case 'N':
		ok = parse_number(value, UINT64_MAX, &rcv->count);
		break;
	case 'T':
		ok = parse_time_ms(value, &rcv->timeout_ms);
		break;
	case 'f':
		rcv->format = value;
		ok = is_format(value);
		break;
	case 'v':
		rcv->verbose = true;
		return CLI_OK;
	default:
		return own_port_option(cli, &rcv->port, option);
	}
	return ok ? CLI_OK : cli_usage(cli, "-%c does not take \"%s\"", option, value);
}

static bool is_text(const unsigned char *data, size_t len)
{
	size_t step;

	for (; len; data += step, len -= step) {
		step = utf8_length(data, len);
		if (!step)
			return false;
	}
	return true;
}

/* What the peers of a format without a protocol may have got wrong; only what there is */
static void print_marks(uint32_t flags)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} marks[] = {
		{ SHMIPC_MSG_REPEAT, "repeat" },
		{ SHMIPC_MSG_BADLEN, "bad_length" },
		{ SHMIPC_MSG_BADSENDER, "bad_sender" },
		{ SHMIPC_MSG_BADRECEIVER, "bad_receiver" },
		{ SHMIPC_MSG_BARE, "bare" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (flags & marks[i].flag)
			json_bool(marks[i].name, true);
}

/* One object, on one line. "data" only if it is text, "hex" always. */
static void print_json(struct shmipc_message *msg)
{
	uint32_t flags = shmipc_message_flags(msg);
	struct shmipc_address from;

	shmipc_message_from(msg, &from);
	json_open(NULL, '{');
	json_number("peer", from.peer);
	json_number("port", from.port);
	json_number("type", shmipc_message_type(msg));
	json_number("priority", shmipc_message_priority(msg));
	json_number("seq", shmipc_message_seq(msg));
	json_number("time", shmipc_message_time(msg));
	json_bool("local", flags & SHMIPC_MSG_LOCAL);
	print_marks(flags);
	if (flags & SHMIPC_MSG_META) {
		json_bool("claimed", flags & SHMIPC_MSG_CLAIMED);
		json_number("pid", shmipc_message_pid(msg));
		json_number("uid", shmipc_message_uid(msg));
		json_id("endpoint", shmipc_message_endpoint(msg));
		json_id("cookie", shmipc_message_cookie(msg));
		json_number("sent_time", shmipc_message_sent_time(msg));
	}
	json_number("length", shmipc_message_length(msg));
	if (is_text(shmipc_message_data(msg), shmipc_message_length(msg)))
		json_bytes("data", shmipc_message_data(msg), shmipc_message_length(msg));
	json_hex_bytes("hex", shmipc_message_data(msg), shmipc_message_length(msg));
	json_close('}');
	json_end();
}

static void print(const struct receiving *rcv, struct shmipc_message *msg)
{
	const void *data = shmipc_message_data(msg);
	size_t len = shmipc_message_length(msg);
	struct shmipc_address from;

	if (!strcmp(rcv->format, "json")) {
		print_json(msg);
	} else {
		shmipc_message_from(msg, &from);
		if (rcv->verbose)
			note("from %u:%u, type %u, priority %u, %zu bytes", from.peer, from.port,
			     shmipc_message_type(msg), shmipc_message_priority(msg), len);
		if (!strcmp(rcv->format, "hex"))
			put_hex(stdout, data, len);
		else if (!strcmp(rcv->format, "raw"))
			fwrite(data, 1, len, stdout);
		else
			put_text(stdout, data, len);
	}
	fflush(stdout);
}

static int receive(const struct receiving *rcv, struct shmipc_endpoint *ep)
{
	struct shmipc_message *msg = shmipc_message_new(SHMIPC_MSG_DEFAULT);
	int status = CLI_OK;

	if (!msg)
		return fail_errno("memory");
	for (uint64_t done = 0; !rcv->count || done < rcv->count; done++) {
		if (!receive_any_size(ep, msg, shmipc_deadline(rcv->timeout_ms))) {
			status = fail("no message: %s", shmipc_strerror(errno));
			break;
		}
		print(rcv, msg);
		if (ferror(stdout))
			break;
	}
	shmipc_message_free(msg);
	return status;
}

int verb_recv(struct cli *cli)
{
	struct receiving rcv = { .count = 1, .timeout_ms = -1, .format = "text" };
	struct shmipc_endpoint *ep;
	int option, number, status;

	while ((option = cli_option(cli)) != -1) {
		status = recv_option(cli, &rcv, option);
		if (status)
			return status;
	}
	if (cli->argc)
		return cli_usage(cli, "takes no operands");
	if (cli->json)
		rcv.format = "json";
	if (!rcv.port.number && !rcv.port.name)
		rcv.verbose = true;	/* nobody could know the number */
	if (!strcmp(rcv.format, "raw") && isatty(STDOUT_FILENO))
		return fail("raw is not for terminals: use text or hex, or redirect");
	ep = open_device(cli, SHMIPC_OPEN_RECV_ONLY);
	if (!ep)
		return CLI_FAILED;
	number = own_port_create(ep, &rcv.port);
	if (number >= 0 && rcv.verbose)
		note("port %d", number);
	status = number < 0 ? CLI_FAILED : receive(&rcv, ep);
	shmipc_close(ep);
	return status;
}
