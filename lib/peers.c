// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of peers. */
#include <stdlib.h>

#include "internal.h"

#define FIRST_GUESS 16

struct shmipc_peer {
	struct shmipc_peer_info info;
};

struct shmipc_peer_table {
	struct shmipc_peer *rows;
	size_t count;
};

/* Fetch into @nr rows. Returns how many there are, which may be more, or -1. */
static int64_t fetch(struct shmipc_endpoint *ep, struct shmipc_peer_table *table, uint32_t nr)
{
	struct shmipc_peers arg = {
		.size = sizeof(arg),
		.nr = nr,
		.elem_size = sizeof(struct shmipc_peer_info),
	};
	struct shmipc_peer *rows = reallocarray(table->rows, nr, sizeof(*rows));

	if (!rows)
		return -1;
	table->rows = rows;
	arg.elems = shmipc_ptr_to_uapi(rows);
	if (shmipc_do_ioctl(ep, SHMIPC_PEERS, &arg) < 0)
		return -1;
	table->count = arg.out_nr;
	return arg.out_total;
}

SHMIPC_API struct shmipc_peer_table *shmipc_peer_table_get(struct shmipc_endpoint *ep)
{
	struct shmipc_peer_table *table = calloc(1, sizeof(*table));
	int64_t total = FIRST_GUESS;
	uint32_t nr;

	if (!table)
		return NULL;
	do {
		nr = total;
		total = fetch(ep, table, nr);
	} while (total > nr);
	if (total < 0) {
		shmipc_peer_table_free(table);
		return NULL;
	}
	for (size_t i = 0; i < table->count; i++)
		shmipc_name_from_uapi(table->rows[i].info.name);
	return table;
}

SHMIPC_API void shmipc_peer_table_free(struct shmipc_peer_table *table)
{
	if (table)
		free(table->rows);
	free(table);
}

SHMIPC_API size_t shmipc_peer_table_count(const struct shmipc_peer_table *table)
{
	return table->count;
}

SHMIPC_API const struct shmipc_peer *
shmipc_peer_table_at(const struct shmipc_peer_table *table, size_t index)
{
	return index < table->count ? &table->rows[index] : NULL;
}

SHMIPC_API uint32_t shmipc_peer_id(const struct shmipc_peer *peer)
{
	return peer->info.peer;
}

SHMIPC_API uint32_t shmipc_peer_state(const struct shmipc_peer *peer)
{
	return peer->info.state;
}

SHMIPC_API uint32_t shmipc_peer_flags(const struct shmipc_peer *peer)
{
	return peer->info.flags;
}

SHMIPC_API uint32_t shmipc_peer_ports(const struct shmipc_peer *peer)
{
	return peer->info.ports;
}

SHMIPC_API uint64_t shmipc_peer_epoch(const struct shmipc_peer *peer)
{
	return peer->info.epoch;
}

SHMIPC_API uint64_t shmipc_peer_resets(const struct shmipc_peer *peer)
{
	return peer->info.resets;
}

SHMIPC_API uint64_t shmipc_peer_errors(const struct shmipc_peer *peer)
{
	return peer->info.errors;
}

SHMIPC_API uint64_t shmipc_peer_sent(const struct shmipc_peer *peer)
{
	return peer->info.sent;
}

SHMIPC_API uint64_t shmipc_peer_received(const struct shmipc_peer *peer)
{
	return peer->info.received;
}

SHMIPC_API uint64_t shmipc_peer_rings(const struct shmipc_peer *peer)
{
	return peer->info.rings;
}

SHMIPC_API const char *shmipc_peer_name(const struct shmipc_peer *peer)
{
	return peer->info.name;
}
