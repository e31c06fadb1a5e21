// SPDX-License-Identifier: GPL-2.0
/*
 * Running a command with an endpoint as its standard input, output or both. A
 * read is then a message, and so is a write.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

const struct option_def with_options[] = {
	{ 'c', "connect", "DEST", "standard output goes there" },
	{ 'T', "timeout", "TIME", "how long DEST, if a name, may take to appear" },
	{ 0 },
};

struct handing {
	struct own_port port;
	const char *dest;
	int timeout_ms;
};

static int with_option(struct cli *cli, struct handing *with, int option)
{
	switch (option) {
	case 'c':
		with->dest = cli_value();
		return CLI_OK;
	case 'T':
		if (!parse_time_ms(cli_value(), &with->timeout_ms))
			return cli_usage(cli, "\"%s\" is no time", cli_value());
		return CLI_OK;
	default:
		return own_port_option(cli, &with->port, option);
	}
}

static int connect_to(struct shmipc_endpoint *ep, const struct handing *with)
{
	struct shmipc_address to;
	int status = resolve(ep, with->dest, shmipc_deadline(with->timeout_ms), &to);

	if (status)
		return status;
	if (shmipc_connect(ep, &to, NULL) < 0)
		return fail_errno(with->dest);
	return CLI_OK;
}

/* A peer in this process ends when another program takes its place. */
static int check_device(struct shmipc_endpoint *ep)
{
	struct stat st;

	if (fstat(shmipc_fd(ep), &st) == 0 && S_ISCHR(st.st_mode))
		return CLI_OK;
	return fail("needs a device: there is no descriptor of other regions to hand over");
}

static int prepare(struct shmipc_endpoint *ep, const struct handing *with)
{
	int number, status = check_device(ep);

	if (status)
		return status;

	if (with->port.wanted) {
		number = own_port_create(ep, &with->port);
		if (number < 0)
			return CLI_FAILED;
		if (!with->port.number && !with->port.name)
			note("port %d", number);
	}
	if (with->dest) {
		status = connect_to(ep, with);
		if (status)
			return status;
	}
	if (with->port.wanted && dup2(shmipc_fd(ep), STDIN_FILENO) < 0)
		return fail_errno("standard input");
	if (with->dest && dup2(shmipc_fd(ep), STDOUT_FILENO) < 0)
		return fail_errno("standard output");
	return CLI_OK;
}

int verb_with(struct cli *cli)
{
	struct handing with = { 0 };
	struct shmipc_endpoint *ep;
	int option, status;

	while ((option = cli_option(cli)) != -1) {
		status = with_option(cli, &with, option);
		if (status)
			return status;
	}
	if (!cli->argc)
		return cli_usage(cli, "which command?");
	if (!with.port.wanted && !with.dest)
		return cli_usage(cli, "neither a port nor a destination");
	ep = open_device(cli, 0);
	if (!ep)
		return CLI_FAILED;
	status = prepare(ep, &with);
	if (!status) {
		/* The descriptor itself is close-on-exec, its copies are not. */
		execvp(cli->argv[0], cli->argv);
		status = errno == ENOENT ? CLI_NOT_FOUND : CLI_CANNOT_RUN;
		note("%s: %s", cli->argv[0], strerror(errno));
	}
	shmipc_close(ep);
	return status;
}
