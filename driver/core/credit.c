// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Credit: how much each peer may have in flight at each port.
 *
 * The receiver publishes what has left the port's queue, free running; the
 * sender subtracts that from what it sent. Nothing is negotiated: the window is
 * in the port table, the charge of a message follows from its length, and a
 * message larger than the window goes when nothing is in flight.
 *
 * Messages that are still queued when a link restarts stay in the queue and keep
 * their charge: the counters start at minus what they amount to.
 *
 * Everything here is called with the link lock held.
 */
#include "engine.h"

static bool window_admits(u32 depth, u32 window, u32 level, u32 flight, u32 flight_granules,
			  u32 need)
{
	if (level >= SHMIPC_WIRE_URGENT) {
		depth += max(1U, depth / 8);
		window += window / 8;
	}
	return !flight || (flight < depth && flight_granules + need <= window);
}

/* ---- the sender's view ---- */

static u32 tx_flight(const struct shmipc_tx_port *port)
{
	return (port->sent - port->got) & 0xffff;
}

static u32 tx_flight_granules(const struct shmipc_tx_port *port)
{
	return port->sent_granules - port->got_granules;
}

/* Counters may only move towards what was sent */
static bool credit_valid(const struct shmipc_tx_port *port, u32 got, u32 got_granules)
{
	u32 flight = (port->sent - got) & 0xffff;
	u32 flight_granules = port->sent_granules - got_granules;

	if (port->known)
		return flight <= tx_flight(port) && flight_granules <= tx_flight_granules(port);
	return flight <= SHMIPC_FLIGHT_MESSAGES && flight_granules <= SHMIPC_FLIGHT_GRANULES;
}

/*
 * Read one port's counters: word, granules, word again, since the entry changes
 * hands when the port's slot does. Nothing usable: the shadow stays.
 */
static int credit_refresh(struct shmipc_core *core, struct shmipc_link *link, u32 slot)
{
	const __le32 *entry = shmipc_block_credit_const(core, link->theirs, slot);
	struct shmipc_tx_port *port = &link->tx_ports[slot];
	u32 word, granules, tries;

	for (tries = 0; tries < SHMIPC_RETRIES; tries++) {
		word = shm_acquire32(entry + 1);	/* pairs with credit_publish() */
		granules = shm_acquire32(entry);
		if (shm_read32(entry + 1) == word)
			break;
	}
	if (tries == SHMIPC_RETRIES || word >> 16 != (port->generation & 0xffff))
		return 0;
	if (!credit_valid(port, word & 0xffff, granules))
		return shmipc_link_violated(core, link);
	if (port->starved && (!port->known || port->got != (word & 0xffff) ||
			      port->got_granules != granules)) {
		port->starved = false;
		link->credited = true;
	}
	port->got = word & 0xffff;
	port->got_granules = granules;
	port->known = true;
	return 0;
}

static bool tx_admits(const struct shmipc_tx_port *port, u32 level, u32 need)
{
	return port->known && window_admits(port->depth, port->window, level, tx_flight(port),
					    tx_flight_granules(port), need);
}

/* May a message go to the (resolved) port now? 0, -ENOBUFS, or of a violation */
int shmipc_credit_admit(struct shmipc_core *core, struct shmipc_link *link, u32 slot, u32 level,
			u32 len)
{
	struct shmipc_tx_port *port = &link->tx_ports[slot];
	u32 need = shmipc_charge(len);
	int err;

	if (tx_admits(port, level, need))
		return 0;
	err = credit_refresh(core, link, slot);
	if (err)
		return err;
	if (tx_admits(port, level, need))
		return 0;
	port->starved = true;
	return -ENOBUFS;
}

/* The port of a sleeper has gone: he finds out when he tries again */
static bool starved_in_vain(const struct shmipc_link *link, u32 slot)
{
	return shm_read32(&link->table[slot].generation) != link->tx_ports[slot].generation;
}

/*
 * Did any starved port get credit, or is none left? 0, 1, or the errno of a
 * violation.
 */
int shmipc_credit_scan(struct shmipc_core *core, struct shmipc_link *link)
{
	u32 slot, starved = 0;
	int err;

	for (slot = 0; slot < core->cfg.geo.ports; slot++) {
		struct shmipc_tx_port *port = &link->tx_ports[slot];

		if (!port->starved)
			continue;
		err = credit_refresh(core, link, slot);
		if (err)
			return err;
		if (starved_in_vain(link, slot))
			port->starved = false;
		starved += port->starved;
	}
	if (!link->credited && starved)
		return 0;
	link->credited = false;
	return 1;
}

/* A new pair: nothing sent, nothing known */
void shmipc_credit_reset_tx(struct shmipc_core *core, struct shmipc_link *link)
{
	memset(link->tx_ports, 0, core->cfg.geo.ports * sizeof(*link->tx_ports));
	link->credited = false;
}

void shmipc_core_progress(struct shmipc_core *core, u32 peer, u32 slot,
			  u32 *generation, u32 *sent, u32 *consumed)
{
	struct shmipc_link *link = shmipc_link_of(core, peer);
	struct shmipc_tx_port *port = &link->tx_ports[slot];

	if (link->up && port->generation)
		credit_refresh(core, link, slot);
	*generation = port->generation;
	*sent = port->sent;
	*consumed = port->known ? port->sent - min(port->sent, tx_flight(port)) : 0;
}

/* ---- the receiver's view ---- */

/* Granules first: a sender that sees the word sees at least the granules of it */
static void credit_publish(struct shmipc_core *core, struct shmipc_link *link, u32 slot)
{
	const struct shmipc_rx_port *port = &link->rx_ports[slot];
	__le32 *entry = shmipc_block_credit(core, link->own, slot);

	shm_write32(entry, port->consumed_granules);
	/* pairs with credit_refresh() */
	shm_release32(entry + 1, port->generation << 16 | (port->consumed & 0xffff));
}

/*
 * The slot gets another generation, 0 for none. The word is invalid while the
 * counters change, so that no sender of the old port sees those of the new one.
 */
void shmipc_credit_open(struct shmipc_core *core, struct shmipc_link *link, u32 slot,
			u32 generation)
{
	struct shmipc_rx_port *port = &link->rx_ports[slot];
	u32 neither = 0;

	while (neither == (port->generation & 0xffff) || neither == (generation & 0xffff))
		neither++;
	shm_write32(shmipc_block_credit(core, link->own, slot) + 1, neither << 16);
	shm_wmb();	/* pairs with credit_refresh() */
	memset(port, 0, sizeof(*port));
	port->generation = generation;
	credit_publish(core, link, slot);
}

void shmipc_credit_reset_rx(struct shmipc_core *core, struct shmipc_link *link)
{
	u32 slot;

	for (slot = 0; slot < core->cfg.geo.ports; slot++) {
		struct shmipc_rx_port *port = &link->rx_ports[slot];

		port->consumed = -port->flight;
		port->consumed_granules = -port->flight_granules;
		credit_publish(core, link, slot);
	}
}

/*
 * Charge an incoming message. 0, -ECONNREFUSED: another generation, not
 * charged; -EPROTO: the peer has overrun its window or the largest message.
 */
int shmipc_credit_charge(struct shmipc_core *core, struct shmipc_link *link,
			 const struct shmipc_core_rx *rx)
{
	struct shmipc_rx_port *port = &link->rx_ports[rx->slot];
	const struct shmipc_core_port *own = &core->ports[rx->slot];
	u32 need = shmipc_charge(rx->len);

	if (!port->generation || port->generation != rx->generation)
		return -ECONNREFUSED;
	if (rx->len > own->max_size ||
	    !window_admits(own->depth, own->window, rx->level, port->flight,
			   port->flight_granules, need))
		return -EPROTO;
	port->flight++;
	port->flight_granules += need;
	return 0;
}

/* Dekker: store credit, fence, read want; shmipc_core_arm() stores want, fences, looks again */
bool shmipc_credit_return(struct shmipc_core *core, struct shmipc_link *link, u32 slot,
			  u32 generation, u32 len)
{
	struct shmipc_rx_port *port = &link->rx_ports[slot];
	u32 need = shmipc_charge(len);

	if (port->generation != generation || !port->flight || port->flight_granules < need)
		return false;
	port->flight--;
	port->flight_granules -= need;
	port->consumed++;
	port->consumed_granules += need;
	credit_publish(core, link, slot);
	shm_mb();
	return shmipc_wake_wanted(link, SHMIPC_WIRE_WANT_CREDIT);
}

bool shmipc_core_consumed(struct shmipc_core *core, u32 peer, u32 slot, u32 generation, u32 len)
{
	return shmipc_credit_return(core, shmipc_link_of(core, peer), slot, generation, len);
}
