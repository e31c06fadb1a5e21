// SPDX-License-Identifier: GPL-2.0
/* Peers as they come and go, and doorbells that ring: a line, or JSON, for each event. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define EVENTS_AT_ONCE	32
#define MASK		(SHMIPC_MASK_PEER | SHMIPC_EVENT_BIT(SHMIPC_EVENT_DOORBELL))

typedef unsigned long long ull;

/* What a peer calls itself now; to be freed */
static char *name_of(struct shmipc_endpoint *ep, uint32_t peer)
{
	struct shmipc_peer_table *peers = shmipc_peer_table_get(ep);
	char *name = NULL;

	if (peers && peer < shmipc_peer_table_count(peers))
		name = strdup(shmipc_peer_name(shmipc_peer_table_at(peers, peer)));
	shmipc_peer_table_free(peers);
	return name;
}

static void event_json(const struct shmipc_event *event, const char *name)
{
	json_open(NULL, '{');
	json_string("event", shmipc_event_name(shmipc_event_kind(event)));
	json_number("peer", shmipc_event_peer(event));
	json_string("name", name);
	if (shmipc_event_kind(event) == SHMIPC_EVENT_DOORBELL)
		json_number("vector", shmipc_event_vector(event));
	json_number("count", shmipc_event_count(event));
	json_number("time", shmipc_event_time(event));
	json_close('}');
	json_end();
}

static void event_line(const struct shmipc_event *event, const char *name)
{
	uint32_t peer = shmipc_event_peer(event);
	ull count = shmipc_event_count(event);

	switch (shmipc_event_kind(event)) {
	case SHMIPC_EVENT_PEER_UP:
		printf("peer %u is up%s%s\n", peer, *name ? ": " : "", name);
		break;
	case SHMIPC_EVENT_PEER_DOWN:
		printf("peer %u has left\n", peer);
		break;
	case SHMIPC_EVENT_PEER_RESET:
		printf("peer %u was reset, or does not answer\n", peer);
		break;
	case SHMIPC_EVENT_DOORBELL:
		printf("peer %u rang vector %u, %llu times\n", peer, shmipc_event_vector(event),
		       count);
		break;
	default:
		printf("%s: %llu\n", shmipc_event_name(shmipc_event_kind(event)), count);
	}
}

static void show_event(const struct cli *cli, struct shmipc_endpoint *ep,
		       const struct shmipc_event *event)
{
	char *name = name_of(ep, shmipc_event_peer(event));

	if (cli->json)
		event_json(event, name ? name : "");
	else
		event_line(event, name ? name : "");
	free(name);
}

/* @count: how many events, 0 for no end */
int watch_peers(const struct cli *cli, struct shmipc_endpoint *ep, uint64_t count)
{
	struct shmipc_event_buffer *buffer = shmipc_event_buffer_new(EVENTS_AT_ONCE);
	uint64_t left = count;
	int nr, status = CLI_OK;

	if (!buffer || shmipc_event_mask(ep, MASK, NULL) < 0)
		status = fail_errno("peers");
	while (!status && !(count && !left)) {
		nr = shmipc_event_read(ep, buffer, SHMIPC_FOREVER);
		if (nr < 0)
			status = fail_errno("peers");
		for (int i = 0; i < nr && !(count && !left); i++, left--)
			show_event(cli, ep, shmipc_event_buffer_at(buffer, i));
		fflush(stdout);
		if (ferror(stdout))
			break;
	}
	shmipc_event_buffer_free(buffer);
	return status;
}
