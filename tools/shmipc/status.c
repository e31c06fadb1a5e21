// SPDX-License-Identifier: GPL-2.0
/* What /sys says of the module and its devices. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define MODULE		"/sys/module/shmipc"
#define CLASS		"/sys/class/shmipc"
#define MAX_DEVICES	256

/* The first line of DIR/NAME, "" if there is none. */
static void read_line(const char *dir, const char *name, char *line, size_t size)
{
	char path[512];
	FILE *file;

	line[0] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(line, size, file))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	fclose(file);
}

static int compare_numbers(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

/* The N of all /dev/shmipcN, in order. Returns how many. */
size_t device_numbers(unsigned int *out, size_t max)
{
	DIR *dir = opendir(CLASS);
	struct dirent *entry;
	size_t nr = 0;

	while (dir && nr < max && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "shmipc", 6) &&
		    parse_u32(entry->d_name + 6, 99999999, &out[nr]))
			nr++;
	if (dir)
		closedir(dir);
	qsort(out, nr, sizeof(*out), compare_numbers);
	return nr;
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void show_parameters(bool json)
{
	struct dirent **entries;
	int nr = scandir(MODULE "/parameters", &entries, not_hidden, alphasort);
	char line[512];

	if (json)
		json_open("parameters", '{');
	for (int i = 0; i < nr; i++) {
		read_line(MODULE "/parameters", entries[i]->d_name, line, sizeof(line));
		if (json)
			json_string(entries[i]->d_name, line);
		else
			printf("parameter  %s=%s\n", entries[i]->d_name, line);
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
	if (json)
		json_close('}');
}

static void show_module(bool json)
{
	char version[64], users[32];

	read_line(MODULE, "version", version, sizeof(version));
	read_line(MODULE, "refcnt", users, sizeof(users));
	if (json) {
		json_string("version", version);
		json_number("users", strtoul(users, NULL, 10));
	} else {
		if (*version)
			printf("version    %s\n", version);
		printf("users      %s\n", *users ? users : "built in");
	}
	show_parameters(json);
}

static void show_devices(bool json)
{
	unsigned int numbers[MAX_DEVICES];
	size_t nr = device_numbers(numbers, MAX_DEVICES);
	char path[32];

	if (json)
		json_open("devices", '[');
	for (size_t i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "/dev/shmipc%u", numbers[i]);
		if (json)
			json_string(NULL, path);
		else
			printf("device     %s\n", path);
	}
	if (json)
		json_close(']');
}

int verb_status(struct cli *cli)
{
	bool loaded;
	int option;

	while ((option = cli_option(cli)) != -1)
		return CLI_USAGE;
	if (cli->argc)
		return cli_usage(cli, "takes no operands");
	loaded = access(MODULE, F_OK) == 0;
	if (cli->json) {
		json_open(NULL, '{');
		json_bool("loaded", loaded);
	} else {
		printf("module     %s\n", loaded ? "loaded" : "not loaded");
	}
	if (loaded) {
		show_module(cli->json);
		show_devices(cli->json);
	}
	if (cli->json) {
		json_close('}');
		json_end();
	}
	return loaded ? CLI_OK : CLI_FAILED;
}

/* How many other peers are up. */
static unsigned int count_up(struct shmipc_endpoint *ep)
{
	struct shmipc_peer_table *peers = shmipc_peer_table_get(ep);
	unsigned int up = 0;

	for (size_t i = 0; peers && i < shmipc_peer_table_count(peers); i++) {
		const struct shmipc_peer *peer = shmipc_peer_table_at(peers, i);

		up += shmipc_peer_state(peer) == SHMIPC_PEER_UP &&
		      !(shmipc_peer_flags(peer) & SHMIPC_PEER_FLAG_SELF);
	}
	shmipc_peer_table_free(peers);
	return up;
}

static void list_row(struct table *table, const char *path, struct shmipc_endpoint *ep,
		     const struct shmipc_region *region)
{
	table_cell(table, "%s", path);
	table_cell(table, "%s", *shmipc_region_name(region) ? shmipc_region_name(region) : "-");
	table_cell(table, "%s", shmipc_transport_name(shmipc_region_transport(region)));
	table_cell(table, "%s", shmipc_format_name(shmipc_region_format(region)));
	table_cell(table, "%u", shmipc_region_peer(region));
	table_cell(table, "%u of %u", count_up(ep), shmipc_region_peers(region) - 1);
}

static void list_json(const char *path, struct shmipc_endpoint *ep,
		      const struct shmipc_region *region)
{
	json_open(NULL, '{');
	json_string("device", path);
	json_string("name", shmipc_region_name(region));
	json_string("transport", shmipc_transport_name(shmipc_region_transport(region)));
	json_string("format", shmipc_format_name(shmipc_region_format(region)));
	json_number("peer", shmipc_region_peer(region));
	json_number("peers", shmipc_region_peers(region));
	json_number("up", count_up(ep));
	json_close('}');
}

/* One device, as a row or, without a table, in JSON. */
static int list_device(const struct cli *cli, unsigned int number, struct table *table)
{
	struct cli one = *cli;
	struct shmipc_endpoint *ep;
	struct shmipc_region *region;
	char path[32];

	snprintf(path, sizeof(path), "/dev/shmipc%u", number);
	one.device = path;
	ep = open_device(&one, SHMIPC_OPEN_RECV_ONLY);
	region = ep ? shmipc_region_get(ep) : NULL;
	if (region && table)
		list_row(table, path, ep, region);
	else if (region)
		list_json(path, ep, region);
	shmipc_region_free(region);
	shmipc_close(ep);
	return region ? CLI_OK : CLI_FAILED;
}

int verb_list(struct cli *cli)
{
	static const char *const heads[] = { "DEVICE", "NAME",	"TRANSPORT",
					     "FORMAT", ">PEER", ">UP", NULL };
	unsigned int numbers[MAX_DEVICES];
	struct table *table = NULL;
	int option, status = CLI_OK;
	size_t nr;

	while ((option = cli_option(cli)) != -1)
		return CLI_USAGE;
	if (cli->argc)
		return cli_usage(cli, "takes no operands");
	nr = device_numbers(numbers, MAX_DEVICES);
	if (cli->json)
		json_open(NULL, '[');
	else if (nr)
		table = table_new(heads);
	else
		note("no devices%s", access(MODULE, F_OK) ? ": the module is not loaded" : "");
	for (size_t i = 0; i < nr; i++)
		if (list_device(cli, numbers[i], table))
			status = CLI_FAILED;
	if (table)
		table_print(table);
	if (cli->json) {
		json_close(']');
		json_end();
	}
	return status;
}
