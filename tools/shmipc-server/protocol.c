// SPDX-License-Identifier: GPL-2.0
/*
 * The ivshmem client-server protocol, version 0, as QEMU speaks it.
 *
 *	0		the version
 *	ID		yours
 *	-1 + memory
 *	ID + eventfd	a doorbell of peer ID; the first is that of vector 0, and so on.
 *			With one's own id: a doorbell to listen to
 *	ID		peer ID has left
 *
 * By default every slot has its doorbells from the start, and everybody is told of
 * all of them at once: nobody ever joins or leaves as far as QEMU is concerned, whose
 * handling of either frees what is in use. Who is there, the roster says.
 */
#include "server.h"

#define VERSION	0

static void tell(struct client *client, int64_t value, int fd, struct bells *bells)
{
	if (!queue_add(&client->queue, value, fd, bells))
		client_doom(client, "does not read what it is told");
}

static void tell_bells(struct client *client, struct bells *bells)
{
	u32 vector;

	for (vector = 0; vector < bells->count; vector++)
		tell(client, bells->id, bells->fd[vector], bells);
}

static void tell_all_slots(struct client *client)
{
	u32 slot;

	for (slot = 0; slot < region_peers(); slot++)
		if (slot != client->slot)
			tell_bells(client, clients_bells(slot));
}

/* Both ways */
static void tell_connected(struct client *client)
{
	struct client *other;

	for_each_client(other) {
		if (other == client)
			continue;
		tell_bells(other, client->bells);
		client_flush(other);
		tell_bells(client, other->bells);
	}
}

void protocol_welcome(struct client *client)
{
	tell(client, VERSION, -1, NULL);
	tell(client, client->id, -1, NULL);
	tell(client, -1, memory.fd, NULL);
	if (region_served())
		tell_all_slots(client);
	else
		tell_connected(client);
	tell_bells(client, client->bells);
	client_flush(client);
}

void protocol_ring(const struct client *but)
{
	struct client *client;

	for_each_client(client)
		if (client != but)
			bells_ring(client->bells);
}

void protocol_gone(u32 id)
{
	struct client *client;

	for_each_client(client) {
		if (client->id == id)
			continue;
		tell(client, id, -1, NULL);
		client_flush(client);
	}
}

void protocol_farewell(struct client *client)
{
	if (region_served())
		protocol_ring(client);
	else
		protocol_gone(client->id);
}
