// SPDX-License-Identifier: GPL-2.0
/* The tables of peers and ports. */
#include <errno.h>
#include <string.h>

#include "cli.h"

typedef unsigned long long ull;

static void peer_json(const struct shmipc_peer *peer)
{
	json_open(NULL, '{');
	json_number("peer", shmipc_peer_id(peer));
	json_bool("self", shmipc_peer_flags(peer) & SHMIPC_PEER_FLAG_SELF);
	json_string("state", shmipc_peer_state_name(shmipc_peer_state(peer)));
	json_string("name", shmipc_peer_name(peer));
	json_number("ports", shmipc_peer_ports(peer));
	json_id("epoch", shmipc_peer_epoch(peer));
	json_number("resets", shmipc_peer_resets(peer));
	json_number("errors", shmipc_peer_errors(peer));
	json_number("sent", shmipc_peer_sent(peer));
	json_number("received", shmipc_peer_received(peer));
	json_number("rings", shmipc_peer_rings(peer));
	json_close('}');
}

static void peer_row(struct table *table, const struct shmipc_peer *peer)
{
	bool self = shmipc_peer_flags(peer) & SHMIPC_PEER_FLAG_SELF;

	table_cell(table, "%u", shmipc_peer_id(peer));
	table_cell(table, "%s", self ? "self" : shmipc_peer_state_name(shmipc_peer_state(peer)));
	table_cell(table, "%s", *shmipc_peer_name(peer) ? shmipc_peer_name(peer) : "-");
	table_cell(table, "%u", shmipc_peer_ports(peer));
	table_cell(table, "%llu", (ull)shmipc_peer_sent(peer));
	table_cell(table, "%llu", (ull)shmipc_peer_received(peer));
	table_cell(table, "%llu", (ull)shmipc_peer_rings(peer));
	table_cell(table, "%llu", (ull)shmipc_peer_resets(peer));
	table_cell(table, "%llu", (ull)shmipc_peer_errors(peer));
}

static void show_peers(const struct shmipc_peer_table *peers, bool json)
{
	static const char *const heads[] = { ">PEER", "STATE",	"NAME",	   ">PORTS", ">SENT",
					     ">RECEIVED", ">RINGS", ">RESETS", ">ERRORS", NULL };
	struct table *table = json ? NULL : table_new(heads);

	if (json)
		json_open(NULL, '[');
	for (size_t i = 0; i < shmipc_peer_table_count(peers); i++) {
		if (json)
			peer_json(shmipc_peer_table_at(peers, i));
		else
			peer_row(table, shmipc_peer_table_at(peers, i));
	}
	if (json) {
		json_close(']');
		json_end();
	} else {
		table_print(table);
	}
}

const struct option_def peers_options[] = {
	{ 'w', "watch", NULL, "tell of peers that come and go, and of doorbells" },
	{ 'N', "count", "N", "with -w: end after N events (0, the default: never)" },
	{ 0 },
};

static int table_of_peers(const struct cli *cli, struct shmipc_endpoint *ep)
{
	struct shmipc_peer_table *peers = shmipc_peer_table_get(ep);

	if (!peers)
		return fail_errno("peers");
	show_peers(peers, cli->json);
	shmipc_peer_table_free(peers);
	return CLI_OK;
}

int verb_peers(struct cli *cli)
{
	struct shmipc_endpoint *ep;
	bool watch = false;
	uint64_t count = 0;
	int option, status;

	while ((option = cli_option(cli)) != -1) {
		if (option == 'w')
			watch = true;
		else if (option != 'N')
			return CLI_USAGE;
		else if (!parse_number(cli_value(), UINT64_MAX, &count))
			return cli_usage(cli, "\"%s\" is no number", cli_value());
	}
	if (cli->argc)
		return cli_usage(cli, "takes no operands");
	if (count && !watch)
		return cli_usage(cli, "-N goes with -w");
	ep = open_device(cli, SHMIPC_OPEN_RECV_ONLY);
	if (!ep)
		return CLI_FAILED;
	status = watch ? watch_peers(cli, ep, count) : table_of_peers(cli, ep);
	shmipc_close(ep);
	return status;
}

const struct option_def ports_options[] = {
	{ 'P', "peer", "PEER", "only those of one peer" },
	{ 0 },
};

static void port_flags_json(uint32_t flags)
{
	json_bool("local", flags & SHMIPC_PORT_LOCAL);
	json_bool("meta", flags & SHMIPC_PORT_META);
	json_bool("total_depth", flags & SHMIPC_PORT_TOTAL_DEPTH);
}

static void port_json(const struct shmipc_port *port)
{
	json_open(NULL, '{');
	json_number("peer", shmipc_port_peer(port));
	json_number("port", shmipc_port_number(port));
	json_number("generation", shmipc_port_generation(port));
	json_string("name", shmipc_port_name(port));
	port_flags_json(shmipc_port_flags(port));
	json_number("depth", shmipc_port_depth(port));
	json_number("bytes", shmipc_port_bytes(port));
	json_number("max_size", shmipc_port_max_size(port));
	json_number("queued", shmipc_port_queued(port));
	json_number("queued_bytes", shmipc_port_queued_bytes(port));
	json_number("waiters", shmipc_port_waiters(port));
	json_number("senders", shmipc_port_senders(port));
	json_number("drops", shmipc_port_drops(port));
	json_number("received", shmipc_port_received(port));
	json_id("endpoint", shmipc_port_endpoint(port));
	json_number("pid", shmipc_port_pid(port));
	json_number("uid", shmipc_port_uid(port));
	json_close('}');
}

static void port_row(struct table *table, const struct shmipc_port *port)
{
	uint32_t flags = shmipc_port_flags(port);

	table_cell(table, "%u", shmipc_port_peer(port));
	table_cell(table, "%u", shmipc_port_number(port));
	table_cell(table, "%u", shmipc_port_generation(port));
	table_cell(table, "%s", *shmipc_port_name(port) ? shmipc_port_name(port) : "-");
	table_cell(table, "%s%s%s%s", flags & SHMIPC_PORT_LOCAL ? "L" : "",
		   flags & SHMIPC_PORT_META ? "M" : "",
		   flags & SHMIPC_PORT_TOTAL_DEPTH ? "T" : "", flags & 7 ? "" : "-");
	table_cell(table, "%u", shmipc_port_depth(port));
	table_cell(table, "%u", shmipc_port_max_size(port));
	table_cell(table, "%u", shmipc_port_queued(port));
	table_cell(table, "%u", shmipc_port_waiters(port));
	table_cell(table, "%u", shmipc_port_senders(port));
	table_cell(table, "%llu", (ull)shmipc_port_received(port));
	table_cell(table, "%llu", (ull)shmipc_port_drops(port));
	if (shmipc_port_pid(port))
		table_cell(table, "%u", shmipc_port_pid(port));
	else
		table_cell(table, "-");
}

static void show_ports(const struct shmipc_port_table *ports, bool json)
{
	static const char *const heads[] = { ">PEER",	 ">PORT",    ">GEN",	"NAME",
					     "FLAGS",	 ">DEPTH",   ">MAX",	">QUEUED",
					     ">WAITERS", ">SENDERS", ">RECEIVED", ">DROPS",
					     ">PID",	 NULL };
	struct table *table = json ? NULL : table_new(heads);

	if (json)
		json_open(NULL, '[');
	for (size_t i = 0; i < shmipc_port_table_count(ports); i++) {
		if (json)
			port_json(shmipc_port_table_at(ports, i));
		else
			port_row(table, shmipc_port_table_at(ports, i));
	}
	if (json) {
		json_close(']');
		json_end();
	} else {
		table_print(table);
	}
}

int verb_ports(struct cli *cli)
{
	uint32_t peer = SHMIPC_PEER_ANY;
	struct shmipc_port_table *ports;
	struct shmipc_endpoint *ep;
	int option, status = CLI_OK;

	while ((option = cli_option(cli)) != -1) {
		if (option != 'P')
			return CLI_USAGE;
		if (!parse_peer(cli_value(), &peer))
			return cli_usage(cli, "\"%s\" is no peer: a number, or self", cli_value());
	}
	if (cli->argc)
		return cli_usage(cli, "takes no operands");
	ep = open_device(cli, SHMIPC_OPEN_RECV_ONLY);
	if (!ep)
		return CLI_FAILED;
	ports = shmipc_port_table_get(ep, peer);
	if (ports)
		show_ports(ports, cli->json);
	else
		status = fail_errno("ports");
	shmipc_port_table_free(ports);
	shmipc_close(ep);
	return status;
}
