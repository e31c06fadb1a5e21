// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of ports. */
#include <stdlib.h>

#include "internal.h"

#define FIRST_GUESS	64
#define HEADROOM	16	/* ports that appear between two attempts */

struct shmipc_port {
	struct shmipc_port_info info;
};

struct shmipc_port_table {
	struct shmipc_port *rows;
	size_t count;
};

/* Fetch into @nr rows. Returns how many there are, which may be more, or -1. */
static int64_t fetch(struct shmipc_endpoint *ep, uint32_t peer,
		     struct shmipc_port_table *table, uint32_t nr)
{
	struct shmipc_ports arg = {
		.size = sizeof(arg),
		.nr = nr,
		.elem_size = sizeof(struct shmipc_port_info),
		.peer = peer,
	};
	struct shmipc_port *rows = reallocarray(table->rows, nr, sizeof(*rows));

	if (!rows)
		return -1;
	table->rows = rows;
	arg.elems = shmipc_ptr_to_uapi(rows);
	if (shmipc_do_ioctl(ep, SHMIPC_PORTS, &arg) < 0)
		return -1;
	table->count = arg.out_nr;
	return arg.out_total;
}

SHMIPC_API struct shmipc_port_table *shmipc_port_table_get(struct shmipc_endpoint *ep,
							   uint32_t peer)
{
	struct shmipc_port_table *table = calloc(1, sizeof(*table));
	int64_t total = FIRST_GUESS - HEADROOM;
	uint32_t nr;

	if (!table)
		return NULL;
	do {
		nr = total + HEADROOM;
		total = fetch(ep, peer, table, nr);
	} while (total > nr);
	if (total < 0) {
		shmipc_port_table_free(table);
		return NULL;
	}
	for (size_t i = 0; i < table->count; i++)
		shmipc_name_from_uapi(table->rows[i].info.name);
	return table;
}

SHMIPC_API void shmipc_port_table_free(struct shmipc_port_table *table)
{
	if (table)
		free(table->rows);
	free(table);
}

SHMIPC_API size_t shmipc_port_table_count(const struct shmipc_port_table *table)
{
	return table->count;
}

SHMIPC_API const struct shmipc_port *
shmipc_port_table_at(const struct shmipc_port_table *table, size_t index)
{
	return index < table->count ? &table->rows[index] : NULL;
}

SHMIPC_API uint32_t shmipc_port_peer(const struct shmipc_port *port)
{
	return port->info.peer;
}

SHMIPC_API uint32_t shmipc_port_number(const struct shmipc_port *port)
{
	return port->info.port;
}

SHMIPC_API uint32_t shmipc_port_generation(const struct shmipc_port *port)
{
	return port->info.generation;
}

SHMIPC_API uint32_t shmipc_port_flags(const struct shmipc_port *port)
{
	return port->info.flags;
}

SHMIPC_API uint32_t shmipc_port_depth(const struct shmipc_port *port)
{
	return port->info.depth;
}

SHMIPC_API uint32_t shmipc_port_bytes(const struct shmipc_port *port)
{
	return port->info.bytes;
}

SHMIPC_API uint32_t shmipc_port_max_size(const struct shmipc_port *port)
{
	return port->info.max_size;
}

SHMIPC_API uint32_t shmipc_port_queued(const struct shmipc_port *port)
{
	return port->info.queued;
}

SHMIPC_API uint64_t shmipc_port_queued_bytes(const struct shmipc_port *port)
{
	return port->info.queued_bytes;
}

SHMIPC_API uint32_t shmipc_port_waiters(const struct shmipc_port *port)
{
	return port->info.waiters;
}

SHMIPC_API uint32_t shmipc_port_senders(const struct shmipc_port *port)
{
	return port->info.senders;
}

SHMIPC_API uint64_t shmipc_port_drops(const struct shmipc_port *port)
{
	return port->info.drops;
}

SHMIPC_API uint64_t shmipc_port_received(const struct shmipc_port *port)
{
	return port->info.received;
}

SHMIPC_API uint64_t shmipc_port_endpoint(const struct shmipc_port *port)
{
	return port->info.endpoint;
}

SHMIPC_API uint32_t shmipc_port_pid(const struct shmipc_port *port)
{
	return port->info.pid;
}

SHMIPC_API uint32_t shmipc_port_uid(const struct shmipc_port *port)
{
	return port->info.uid;
}

SHMIPC_API const char *shmipc_port_name(const struct shmipc_port *port)
{
	return port->info.name;
}
