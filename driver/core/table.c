// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The port table: ours as we publish it, the peers' as we read them.
 *
 * An entry is free while its generation is 0. It is filled while it is free and
 * gets its generation last; who reads it looks at the generation before and after.
 * A port lies at the first slot, from its number modulo S on, that was free when
 * it was published. A free slot keeps the number of its last port, so that a
 * search passes it; a slot with number 0 ends the search.
 */
#include "engine.h"

/* ---- ours. Caller's table lock ---- */

static u32 slot_next(const struct shmipc_core *core, u32 slot)
{
	return (slot + 1) & (core->cfg.geo.ports - 1);
}

static int slot_find(const struct shmipc_core *core, u32 number)
{
	u32 slot = number & (core->cfg.geo.ports - 1);
	u32 i;

	for (i = 0; i < core->cfg.geo.ports; i++, slot = slot_next(core, slot))
		if (!core->ports[slot].generation)
			return slot;
	return -ENOSPC;
}

static void entry_write(struct shmipc_wire_port *entry, const struct shmipc_core_port *port)
{
	shm_write32(&entry->port, port->port);
	shm_write32((__le32 *)&entry->depth, port->depth | port->flags << 16);
	shm_write32(&entry->max_size, port->max_size);
	shm_write32(&entry->window, port->window);
	shm_copy_to(entry->name, port->name, sizeof(entry->name));
}

/*
 * The table has changed: who has to know? Dekker: table, fence, read watch and
 * want; shmipc_core_watch_tables() and shmipc_core_arm() store, fence, look again.
 */
static u64 table_changed(struct shmipc_core *core)
{
	u64 ring = 0;
	u32 k;

	shm_release32(&core->own->table_seq, ++core->table_seq);
	shm_mb();
	for (k = 0; k < shmipc_links(core); k++) {
		struct shmipc_link *link = &core->links[k];

		shmipc_link_lock(core, link);
		if (link->up && (shm_read32(&link->header->watch) ||
				 shmipc_wake_wanted(link, SHMIPC_WIRE_WANT_CREDIT)))
			ring |= 1ULL << link->peer;
		shmipc_link_unlock(core, link);
	}
	return ring;
}

static void slot_open(struct shmipc_core *core, u32 slot, u32 generation)
{
	u32 k;

	for (k = 0; k < shmipc_links(core); k++) {
		struct shmipc_link *link = &core->links[k];

		shmipc_link_lock(core, link);
		shmipc_credit_open(core, link, slot, generation);
		shmipc_link_unlock(core, link);
	}
}

/* The credit word has the low half only, and 0 there for no port */
static u32 generation_next(struct shmipc_core *core)
{
	if (!(++core->generation & 0xffff))
		core->generation++;
	return core->generation;
}

int shmipc_core_publish(struct shmipc_core *core, struct shmipc_core_port *port, u64 *ring)
{
	int slot;

	if (!port->port || port->port > 0xffff || !port->depth ||
	    port->depth > SHMIPC_DEPTH_MAX || !port->window || port->window > SHMIPC_WINDOW_MAX ||
	    port->max_size > SHMIPC_WIRE_MSG_MAX || port->flags > 0xffff)
		return -EINVAL;
	slot = slot_find(core, port->port);
	if (slot < 0)
		return slot;

	port->slot = slot;
	if (!port->generation)
		port->generation = generation_next(core);
	port->name[sizeof(port->name) - 1] = 0;
	entry_write(&core->table[slot], port);
	core->ports[slot] = *port;
	core->published++;
	slot_open(core, slot, port->generation);
	shm_release32(&core->table[slot].generation, port->generation);
	*ring |= table_changed(core);
	return 0;
}

/*
 * A search need not pass the end of a chain. (While no slot is new, chains have
 * no end; they get one when the last port goes.)
 */
static void slot_forget(struct shmipc_core *core, u32 slot)
{
	u32 mask = core->cfg.geo.ports - 1;
	u32 i;

	if (core->published && core->ports[slot_next(core, slot)].port)
		return;
	for (i = 0; i <= mask; i++, slot = (slot - 1) & mask) {
		if (core->ports[slot].generation || !core->ports[slot].port)
			return;
		core->ports[slot].port = 0;
		shm_write32(&core->table[slot].port, 0);
	}
}

void shmipc_core_withdraw(struct shmipc_core *core, u32 slot, u64 *ring)
{
	shm_write32(&core->table[slot].generation, 0);
	shm_wmb();	/* pairs with shmipc_core_read_port() */
	slot_open(core, slot, 0);
	core->ports[slot].generation = 0;
	core->published--;
	slot_forget(core, slot);
	*ring |= table_changed(core);
}

void shmipc_core_watch_tables(struct shmipc_core *core, bool on)
{
	core->watch = on;
	shm_write32(&core->own->watch, core->watch);
	shm_mb();	/* Dekker with table_changed() of the peers: the caller looks again */
}

/* ---- a peer's. Any context ---- */

static void entry_read(const struct shmipc_wire_port *entry, struct shmipc_core_port *out)
{
	u32 word = shm_read32((const __le32 *)&entry->depth);
	u32 max_size = shm_read32(&entry->max_size);	/* once: min() may be a plain macro */
	u32 window = shm_read32(&entry->window);

	out->port = shm_read32(&entry->port);
	out->depth = min(max(word & 0xffff, 1U), SHMIPC_DEPTH_MAX);
	out->flags = word >> 16;
	out->max_size = min(max_size, SHMIPC_WIRE_MSG_MAX);
	out->window = min(max(window, 1U), SHMIPC_WINDOW_MAX);
	shmipc_name_copy(out->name, entry->name);
}

/* A consistent entry, or -ENOENT. @port: only if it may be this one; 0: any */
static int entry_snapshot(const struct shmipc_link *link, u32 slot, u32 port,
			  struct shmipc_core_port *out)
{
	const struct shmipc_wire_port *entry = &link->table[slot];
	u32 tries;

	for (tries = 0; tries < SHMIPC_RETRIES; tries++) {
		/* pairs with shmipc_core_publish() */
		u32 generation = shm_acquire32(&entry->generation);

		if (!generation || (port && shm_read32(&entry->port) != port))
			return -ENOENT;
		out->slot = slot;
		out->generation = generation;
		entry_read(entry, out);
		shm_rmb();	/* pairs with shmipc_core_withdraw() */
		if (shm_read32(&entry->generation) != generation)
			continue;
		return out->port && out->port <= 0xffff && (!port || out->port == port) ?
			0 : -ENOENT;
	}
	return -ENOENT;
}

static bool readable(const struct shmipc_link *link)
{
	return READ_ONCE(link->up);
}

int shmipc_core_read_port(const struct shmipc_core *core, u32 peer, u32 slot,
			  struct shmipc_core_port *out)
{
	const struct shmipc_link *link = shmipc_link_of(core, peer);
	int err;

	if (!readable(link))
		return -ENOTCONN;
	if (slot >= core->cfg.geo.ports)
		return -ENOENT;
	err = entry_snapshot(link, slot, 0, out);
	/* After it. Pairs with section_close(): what a new owner has cleared has not closed */
	return shmipc_link_current(link) ? err : -ENOTCONN;
}

static int table_search(const struct shmipc_core *core, const struct shmipc_link *link,
			u32 port, struct shmipc_core_port *out)
{
	u32 slot = port & (core->cfg.geo.ports - 1);
	u32 i;

	for (i = 0; i < core->cfg.geo.ports; i++, slot = slot_next(core, slot)) {
		if (!entry_snapshot(link, slot, port, out))
			return 0;
		if (!shm_read32(&link->table[slot].port))
			return -ENOENT;
	}
	return -ENOENT;
}

int shmipc_core_find_port(const struct shmipc_core *core, u32 peer, u32 port,
			  struct shmipc_core_port *out)
{
	const struct shmipc_link *link = shmipc_link_of(core, peer);
	u32 tries, seq;

	for (tries = 0; tries < SHMIPC_RETRIES; tries++) {
		if (!readable(link))
			return -ENOTCONN;
		seq = shm_acquire32(&link->header->table_seq);
		if (!port || port > 0xffff)
			return -ENOENT;
		if (!table_search(core, link, port, out))
			return 0;
		shm_rmb();	/* pairs with table_changed() */
		if (shm_read32(&link->header->table_seq) == seq)
			break;
	}
	return -ENOENT;
}

static bool name_equal(const char *a, const char *b)
{
	u32 i;

	for (i = 0; i < SHMIPC_WIRE_NAME; i++) {
		if (a[i] != b[i])
			return false;
		if (!a[i])
			return true;
	}
	return false;
}

int shmipc_core_find_name(const struct shmipc_core *core, u32 peer, const char *name,
			  struct shmipc_core_port *out)
{
	const struct shmipc_link *link = shmipc_link_of(core, peer);
	u32 slot;

	if (!readable(link))
		return -ENOTCONN;
	for (slot = 0; name[0] && slot < core->cfg.geo.ports; slot++)
		if (!entry_snapshot(link, slot, 0, out) && name_equal(out->name, name))
			return 0;
	return -ENOENT;
}

/*
 * Is the port there, in this generation (0: in any)? Its parameters are read
 * once for a generation and kept, with the counters of what was sent to it.
 */
int shmipc_table_resolve(struct shmipc_core *core, struct shmipc_link *link, u32 slot,
			 u32 generation)
{
	struct shmipc_core_port port;
	struct shmipc_tx_port *known;
	u32 now;

	if (slot >= core->cfg.geo.ports)
		return -ECONNREFUSED;
	known = &link->tx_ports[slot];
	now = shm_acquire32(&link->table[slot].generation);	/* pairs with publish */
	if (!(now & 0xffff))
		return -ECONNREFUSED;
	if (generation && now != generation)
		return -ECONNRESET;
	if (now == known->generation)
		return 0;
	if (entry_snapshot(link, slot, 0, &port))
		return -ECONNREFUSED;
	if (generation && port.generation != generation)
		return -ECONNRESET;
	memset(known, 0, sizeof(*known));
	known->generation = port.generation;
	known->depth = port.depth;
	known->window = port.window;
	known->max_size = port.max_size;
	known->flags = port.flags;
	return 0;
}
