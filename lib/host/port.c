// SPDX-License-Identifier: LGPL-2.1-or-later
/* Ports: creating, finding and destroying them. As driver/port.c. */
#include "host.h"

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

bool shmipc_host_name_ok(const char *name, bool may_be_empty)
{
	size_t len = strnlen(name, SHMIPC_NAME_MAX);
	size_t i;

	if (len == SHMIPC_NAME_MAX || (!len && !may_be_empty))
		return false;
	for (i = 0; i < len; i++)
		if (!name_char(name[i]))
			return false;
	return true;
}

void shmipc_host_port_put(struct host_port *port)
{
	if (port && !--port->ref)
		free(port);
}

struct host_port *shmipc_host_port_find(struct host_region *region, u32 number)
{
	struct host_port *port = region->ports;

	while (port && port->number != number)
		port = port->next;
	return port;
}

struct host_port *shmipc_host_port_named(struct host_region *region, const char *name)
{
	struct host_port *port = region->ports;

	while (port && strcmp(port->name, name))
		port = port->next;
	return port;
}

static int port_check(const struct shmipc_port_create *arg)
{
	if (arg->port > SHMIPC_PORT_MAX || arg->depth > SHMIPC_DEPTH_MAX ||
	    arg->bytes > SHMIPC_BYTES_MAX || arg->max_size > SHMIPC_MSG_MAX ||
	    !shmipc_host_name_ok(arg->name, true))
		return -EINVAL;
	return 0;
}

/* 0: none is free */
static u32 port_any(struct host_region *region)
{
	u32 number;

	for (number = SHMIPC_PORT_DYNAMIC; number <= SHMIPC_PORT_MAX; number++)
		if (!shmipc_host_port_find(region, number))
			return number;
	return 0;
}

static u32 port_generation(struct host_region *region)
{
	/* The low half travels alone in the credit words, so it is never 0 either */
	do {
		region->next_generation++;
	} while (!(region->next_generation & 0xffff));
	return region->next_generation;
}

static int port_publish(struct host_region *region, struct host_port *port)
{
	struct shmipc_core_port desc = {
		.generation = port->generation,
		.port = port->number,
		.depth = port->depth,
		.window = (port->bytes + SHMIPC_WIRE_GRANULE - 1) / SHMIPC_WIRE_GRANULE,
		.max_size = port->max_size,
	};
	u64 ring = 0;
	int err;

	if (port->flags & SHMIPC_PORT_META)
		desc.flags |= SHMIPC_WIRE_PORT_META;
	if (port->flags & SHMIPC_PORT_TOTAL_DEPTH)
		desc.flags |= SHMIPC_WIRE_PORT_TOTAL;
	memcpy(desc.name, port->name, sizeof(desc.name));
	err = shmipc_core_publish(region->core, &desc, &ring);
	if (err)
		return err;
	port->slot = desc.slot;
	region->slots[desc.slot] = port;
	shmipc_host_ring_mask(region, ring);
	return 0;
}

static int port_insert(struct host_region *region, struct host_port *port)
{
	if (port->name[0] && shmipc_host_port_named(region, port->name))
		return -EEXIST;
	if (!port->number) {
		port->number = port_any(region);
		if (!port->number)
			return -ENOSPC;
	} else if (shmipc_host_port_find(region, port->number)) {
		return -EADDRINUSE;
	}
	port->generation = port_generation(region);
	return port->flags & SHMIPC_PORT_LOCAL ? 0 : port_publish(region, port);
}

static struct host_port *port_new(struct host_endpoint *ep, const struct shmipc_port_create *arg)
{
	struct host_port *port = calloc(1, sizeof(*port));

	if (!port)
		return NULL;
	port->ref = 1;
	port->owner = ep;
	port->slot = -1;
	port->number = arg->port;
	port->depth = arg->depth ? arg->depth : SHMIPC_DEPTH_DEFAULT;
	port->bytes = arg->bytes ? arg->bytes : SHMIPC_BYTES_DEFAULT;
	port->max_size = arg->max_size ? arg->max_size : SHMIPC_MSG_DEFAULT;
	port->flags = arg->flags;
	memcpy(port->name, arg->name, sizeof(port->name));
	shmipc_host_queue_init(port);
	return port;
}

/* By number, as the kernel lists them */
static void port_list(struct host_region *region, struct host_port *port)
{
	struct host_port **link = &region->ports;

	while (*link && (*link)->number < port->number)
		link = &(*link)->next;
	port->next = *link;
	*link = port;
}

int shmipc_host_port_create(struct host_endpoint *ep, struct shmipc_port_create *arg)
{
	struct host_region *region = ep->region;
	struct host_port *port;
	int err = port_check(arg);

	if (err)
		return err;
	if (ep->port || ep->event_mask & SHMIPC_MASK_READ)
		return -EISCONN;
	port = port_new(ep, arg);
	if (!port)
		return -ENOMEM;
	err = port_insert(region, port);
	if (err) {
		shmipc_host_port_put(port);
		return err;
	}
	port_list(region, port);
	ep->port = port;
	ep->port_lost = false;
	arg->out_port = port->number;
	arg->out_generation = port->generation;
	shmipc_host_endpoint_changed(ep);
	if (port->name[0])
		shmipc_host_watch_name_here(region, region->slot, port->name, port->number,
					    port->generation);
	shmipc_host_wake(&region->wq);
	return 0;
}

static void port_unlist(struct host_region *region, struct host_port *port)
{
	struct host_port **link = &region->ports;
	u64 ring = 0;

	while (*link != port)
		link = &(*link)->next;
	*link = port->next;
	if (port->slot < 0)
		return;
	region->slots[port->slot] = NULL;
	if (!region->gone)
		shmipc_core_withdraw(region->core, port->slot, &ring);
	shmipc_host_ring_mask(region, ring);
}

int shmipc_host_port_kill(struct host_endpoint *ep, u32 *discarded)
{
	struct host_region *region = ep->region;
	struct host_port *port = ep->port;

	if (!port)
		return -ENOTCONN;
	ep->port = NULL;
	ep->port_lost = true;
	port_unlist(region, port);
	*discarded = shmipc_host_queue_kill(port);
	shmipc_host_endpoint_changed(ep);
	shmipc_host_wake(&region->wq);
	shmipc_host_watch_port_gone(region, port);
	shmipc_host_port_put(port);
	return 0;
}
