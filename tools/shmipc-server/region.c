// SPDX-License-Identifier: GPL-2.0
/*
 * What the server writes into the memory, and what it reads there. Everybody else
 * can write all of it: nothing that was read decides more than a line of the log.
 */
#include <ctype.h>
#include <stdio.h>
#include <sys/random.h>

#include "server.h"

static struct shmipc_division division;

static u32 random_not_zero(void)
{
	u32 n = 0;

	if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != sizeof(n))
		n = now_ms();
	return n ? n : 1;
}

static int refuse(int err)
{
	switch (-err) {
	case ENOSPC:
		note("%u peers do not fit into %llu bytes", options.peers,
		     (unsigned long long)memory.size);
		break;
	case EPROTO:
		note("the memory was divided by another version of shmipc: remove it");
		break;
	default:
		note("the memory holds something that is not shmipc's: remove it");
	}
	return -1;
}

/* What somebody wrote there is not overwritten, unless it is shmipc's */
static bool is_foreign(void)
{
	return !shmipc_divide_word(memory.map) && !shmipc_divide_blank(memory.map);
}

int region_open(void)
{
	int err;

	if (is_foreign())
		return refuse(-EINVAL);
	err = shmipc_divide_format(&division, memory.map, memory.size, options.peers,
				   !options.classic);
	if (err < 0)
		return refuse(err);
	if (division.geo.peers != options.peers || division.server == options.classic) {
		note("the memory is divided for %u peers %s --classic: remove it, or say so",
		     division.geo.peers, division.server ? "without" : "with");
		return -1;
	}
	return 0;
}

int region_adopt(void)
{
	if (shmipc_divide(&division, memory.size, shmipc_divide_word(memory.map)))
		return -1;
	options.peers = division.geo.peers;
	options.classic = !division.server;
	return 0;
}

bool region_served(void)
{
	return division.server;
}

u32 region_peers(void)
{
	return division.geo.peers;
}

u64 region_section_size(void)
{
	return division.geo.size;
}

void region_join(u32 slot)
{
	if (division.server)
		shmipc_roster_join(memory.map, slot);
}

void region_leave(u32 slot)
{
	if (!division.server)
		return;
	shmipc_roster_leave(memory.map, slot);
	shmipc_divide_bury(&division, memory.map, slot);
}

static struct shmipc_wire_header *header_of(u32 slot)
{
	return shmipc_divide_section(&division, memory.map, slot);
}

bool region_occupied(u32 slot)
{
	return shm_read32(&header_of(slot)->epoch) || shmipc_roster_present(memory.map, slot);
}

void region_server(bool on)
{
	struct shmipc_wire_region *page = memory.map;
	u32 epoch = 0;

	if (!division.server)
		return;
	if (on)
		do
			epoch = random_not_zero();
		while (epoch == shm_read32(&page->server_epoch));
	shmipc_roster_server(memory.map, epoch);
}

void region_beat(void)
{
	if (division.server)
		shmipc_roster_beat(memory.map);
}

static void printable(char *to, const u8 *name)
{
	u32 i;

	for (i = 0; i < SHMIPC_WIRE_NAME && name[i]; i++) {
		if (isascii(name[i]) && isprint(name[i]) && name[i] != '\\')
			*to++ = name[i];
		else
			to += sprintf(to, "\\x%02x", name[i]);
	}
	*to = 0;
}

static bool read_peer(u32 slot, u32 id, struct region_peer *peer)
{
	struct shmipc_wire_header *header = header_of(slot);
	u8 name[SHMIPC_WIRE_NAME];

	memset(peer, 0, sizeof(*peer));
	if (shm_acquire32(&header->magic) != SHMIPC_WIRE_MAGIC ||
	    shm_read32(&header->slot) != slot || shm_read32(&header->doorbell) != id)
		return false;
	peer->epoch = shm_read32(&header->epoch);
	if (!peer->epoch)	/* the rest is what somebody left behind */
		return false;
	peer->vectors = shm_read32(&header->vectors);
	shm_copy_from(name, header->name, sizeof(name));
	printable(peer->name, name);
	return true;
}

void region_peer(u32 id, struct region_peer *peer)
{
	u32 slot;

	if (division.server) {
		read_peer(id, id, peer);
		return;
	}
	for (slot = 0; slot < division.geo.peers; slot++)
		if (read_peer(slot, id, peer))
			return;
}
