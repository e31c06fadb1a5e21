// SPDX-License-Identifier: GPL-2.0
/* A server that sends everything back. */
#include <errno.h>

#include "cli.h"

const struct option_def echo_options[] = {
	{ 'N', "count", "N", "end after N messages (0, the default: never)" },
	{ 'T', "timeout", "TIME", "how long a slow sender is waited for (1)" },
	{ 0 },
};

struct echoing {
	struct own_port port;
	uint64_t count;
	int timeout_ms;
};

/* What one sender does wrong, or its end, is no reason for the server to end. */
static void answer(struct shmipc_endpoint *ep, struct shmipc_message *msg, int timeout_ms)
{
	struct shmipc_address from;

	shmipc_message_from(msg, &from);
	if (!from.port) {
		note("a sender of peer %u has no port to answer to", from.peer);
		return;
	}
	shmipc_message_set_to(msg, &from);
	if (shmipc_message_send(ep, msg, shmipc_deadline(timeout_ms)) < 0)
		note("answer to %u:%u: %s", from.peer, from.port, shmipc_strerror(errno));
}

static int serve(const struct echoing *echo, struct shmipc_endpoint *ep)
{
	struct shmipc_message *msg = shmipc_message_new(SHMIPC_MSG_DEFAULT);
	int status = CLI_OK;

	if (!msg)
		return fail_errno("memory");
	for (uint64_t done = 0; !echo->count || done < echo->count; done++) {
		if (!receive_any_size(ep, msg, SHMIPC_FOREVER)) {
			status = fail_errno("receive");
			break;
		}
		answer(ep, msg, echo->timeout_ms);
	}
	shmipc_message_free(msg);
	return status;
}

static int echo_option(struct cli *cli, struct echoing *echo, int option)
{
	const char *value = cli_value();
	bool ok;

	switch (option) {
	case 'N':
		ok = parse_number(value, UINT64_MAX, &echo->count);
		break;
	case 'T':
		ok = parse_time_ms(value, &echo->timeout_ms);
		break;
	default:
		return own_port_option(cli, &echo->port, option);
	}
	return ok ? CLI_OK : cli_usage(cli, "-%c does not take \"%s\"", option, value);
}

int verb_echo(struct cli *cli)
{
	struct echoing echo = { .timeout_ms = 1000 };
	struct shmipc_endpoint *ep;
	int option, number, status;

	while ((option = cli_option(cli)) != -1) {
		status = echo_option(cli, &echo, option);
		if (status)
			return status;
	}
	if (cli->argc)
		return cli_usage(cli, "takes no operands");
	ep = open_device(cli, 0);
	if (!ep)
		return CLI_FAILED;
	number = own_port_create(ep, &echo.port);
	if (number >= 0)
		note("echo at port %d", number);
	status = number < 0 ? CLI_FAILED : serve(&echo, ep);
	shmipc_close(ep);
	return status;
}
