// SPDX-License-Identifier: GPL-2.0
/* What the verbs have in common that create a port. */
#include <errno.h>
#include <stdlib.h>

#include "cli.h"

const struct option_def own_port_options[] = {
	{ 'p', "port", "PORT", "its number, or \"any\" (the default)" },
	{ 'n', "name", "NAME", "give it a name" },
	{ 'D', "depth", "N", "messages that each peer may queue" },
	{ 'm', "max-size", "BYTES", "largest message" },
	{ 0 },
};

/* Take one of them. Returns an exit status. */
int own_port_option(struct cli *cli, struct own_port *port, int option)
{
	const char *value = cli_value();

	port->wanted = true;
	switch (option) {
	case 'p':
		if (!parse_port(value, &port->number))
			return cli_usage(cli, "\"%s\" is no port: 1 to 65535, or any", value);
		return CLI_OK;
	case 'n':
		port->name = value;
		return CLI_OK;
	case 'D':
		if (!parse_u32(value, SHMIPC_DEPTH_MAX, &port->depth) || !port->depth)
			return cli_usage(cli, "\"%s\" is no depth: 1 to %u", value,
					 SHMIPC_DEPTH_MAX);
		return CLI_OK;
	case 'm':
		if (!parse_u32(value, SHMIPC_MSG_MAX, &port->max_size) || !port->max_size)
			return cli_usage(cli, "\"%s\" is no size: 1 to %u", value,
					 SHMIPC_MSG_MAX);
		return CLI_OK;
	}
	return CLI_USAGE;
}

static int complain(const struct own_port *port)
{
	switch (errno) {
	case EADDRINUSE:
		return fail("port %u is taken", port->number);
	case EEXIST:
		return fail("the name %s is taken", port->name);
	case EINVAL:
		return fail("cannot create the port: %s out of range",
			    port->name ? "name, number, depth or size" :
					 "number, depth or size");
	}
	return fail_errno("cannot create the port");
}

/* Returns the number, or -1 after a complaint. */
int own_port_create(struct shmipc_endpoint *ep, const struct own_port *port)
{
	struct shmipc_port_options *options = shmipc_port_options_new();
	int number = -1;

	if (options && shmipc_port_options_set_name(options, port->name) == 0) {
		shmipc_port_options_set_number(options, port->number);
		shmipc_port_options_set_depth(options, port->depth);
		shmipc_port_options_set_max_size(options, port->max_size);
		shmipc_port_options_set_flags(options, SHMIPC_PORT_META);
		number = shmipc_port_create_with(ep, options, NULL);
		/* Not every format knows who sends */
		if (number < 0 && errno == EOPNOTSUPP) {
			shmipc_port_options_set_flags(options, 0);
			number = shmipc_port_create_with(ep, options, NULL);
		}
	}
	if (number < 0)
		complain(port);
	shmipc_port_options_free(options);
	return number;
}

/*
 * Receive into @msg, enlarging it as needed. Returns it, or NULL with errno. The
 * next message may have changed between two attempts, hence the loop.
 */
struct shmipc_message *receive_any_size(struct shmipc_endpoint *ep, struct shmipc_message *msg,
					int64_t deadline)
{
	while (shmipc_message_recv(ep, msg, deadline) < 0) {
		if (errno != EMSGSIZE)
			return NULL;
		if (shmipc_message_reserve(msg, shmipc_message_length(msg)) < 0)
			return NULL;
	}
	return msg;
}
