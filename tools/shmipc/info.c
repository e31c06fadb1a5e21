// SPDX-License-Identifier: GPL-2.0
/* What a device is and can do. */
#include <string.h>

#include "cli.h"

struct number {
	const char *key;
	const char *words;
	uint64_t value;
};

static void show_number(const struct number *number, bool json)
{
	if (json)
		json_number(number->key, number->value);
	else
		printf("%-18s %llu\n", number->words, (unsigned long long)number->value);
}

static void show_numbers(const struct shmipc_region *region, bool json)
{
	const struct number numbers[] = {
		{ "peer", "own peer", shmipc_region_peer(region) },
		{ "peers", "peer slots", shmipc_region_peers(region) },
		{ "region_bytes", "region bytes", shmipc_region_bytes(region) },
		{ "section_bytes", "section bytes", shmipc_region_section_bytes(region) },
		{ "lane_bytes", "lane bytes", shmipc_region_lane_bytes(region) },
		{ "vectors", "vectors", shmipc_region_vectors(region) },
		{ "max_ports", "published ports", shmipc_region_max_ports(region) },
		{ "max_depth", "largest depth", shmipc_region_max_depth(region) },
		{ "max_bytes", "largest window", shmipc_region_max_bytes(region) },
		{ "max_msg", "largest message", shmipc_region_max_msg(region) },
		{ "max_inline", "largest in one", shmipc_region_max_inline(region) },
		{ "uid_bytes", "bytes per user", shmipc_region_uid_bytes(region) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		show_number(&numbers[i], json);
}

static void show_word(const char *key, const char *word, bool json)
{
	if (json) {
		json_string(key, word);
	} else {
		printf("%-18s ", key);
		put_text(stdout, word, strlen(word));
	}
}

static void show_words(const struct shmipc_region *region, bool json)
{
	show_word("name", shmipc_region_name(region), json);
	show_word("transport", shmipc_transport_name(shmipc_region_transport(region)), json);
	show_word("format", shmipc_format_name(shmipc_region_format(region)), json);
	show_word("doorbell", shmipc_doorbell_name(shmipc_region_doorbell(region)), json);
	show_word("memory", shmipc_memory_name(shmipc_region_memory(region)), json);
}

static void show_features(uint64_t features, bool json)
{
	if (json)
		json_open("features", '[');
	else
		printf("%-18s", "features");
	for (unsigned int bit = 0; bit < 64; bit++) {
		if (!(features >> bit & 1))
			continue;
		if (json)
			json_string(NULL, shmipc_feature_name(bit));
		else
			printf(" %s", shmipc_feature_name(bit));
	}
	if (json)
		json_close(']');
	else
		printf("\n");
}

static void show(const struct shmipc_region *region, bool json)
{
	if (json)
		json_open(NULL, '{');
	show_words(region, json);
	show_features(shmipc_region_features(region), json);
	if (json)
		json_id("epoch", shmipc_region_epoch(region));
	else
		printf("%-18s 0x%llx\n", "epoch",
		       (unsigned long long)shmipc_region_epoch(region));
	show_numbers(region, json);
	if (json) {
		json_close('}');
		json_end();
	}
}

int verb_info(struct cli *cli)
{
	struct shmipc_endpoint *ep;
	struct shmipc_region *region;
	int option, status = CLI_OK;

	while ((option = cli_option(cli)) != -1)
		return CLI_USAGE;
	if (cli->argc)
		return cli_usage(cli, "takes no operands");
	ep = open_device(cli, SHMIPC_OPEN_RECV_ONLY);
	if (!ep)
		return CLI_FAILED;
	region = shmipc_region_get(ep);
	if (region)
		show(region, cli->json);
	else
		status = fail_errno("info");
	shmipc_region_free(region);
	shmipc_close(ep);
	return status;
}
