// SPDX-License-Identifier: GPL-2.0
/* Ringing a peer's doorbell. */
#include <string.h>

#include "cli.h"

static int parse_operands(const struct cli *cli, uint32_t *peer, uint32_t *vector)
{
	if (cli->argc < 1 || cli->argc > 2)
		return cli_usage(cli, "whom? A peer or all, and perhaps a vector");
	if (!strcmp(cli->argv[0], "all"))
		*peer = SHMIPC_PEER_ANY;
	else if (!parse_peer(cli->argv[0], peer))
		return cli_usage(cli, "\"%s\" is no peer: a number, self or all", cli->argv[0]);
	if (cli->argc == 2 && !parse_u32(cli->argv[1], SHMIPC_VECTORS - 1, vector))
		return cli_usage(cli, "\"%s\" is no vector: 0 to %u", cli->argv[1],
				 SHMIPC_VECTORS - 1);
	return CLI_OK;
}

static void show(const struct cli *cli, int rung)
{
	if (!cli->json) {
		printf("%d rung\n", rung);
		return;
	}
	json_open(NULL, '{');
	json_number("rung", rung);
	json_close('}');
	json_end();
}

int verb_ring(struct cli *cli)
{
	uint32_t peer, vector = 0;
	struct shmipc_endpoint *ep;
	int rung, status;

	while (cli_option(cli) != -1)
		return CLI_USAGE;
	status = parse_operands(cli, &peer, &vector);
	if (status)
		return status;
	ep = open_device(cli, SHMIPC_OPEN_SEND_ONLY);
	if (!ep)
		return CLI_FAILED;
	rung = shmipc_notify(ep, peer, vector);
	if (rung < 0)
		status = fail_errno(cli->argv[0]);
	else
		show(cli, rung);
	shmipc_close(ep);
	return status;
}
