// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Service: one look at one peer. What it says of itself, the handshake, what our
 * own waiters wait for, and its records, in this order. One servicer at a time
 * for each link; see core.h.
 */
#include "engine.h"

/* Streams to give up, waiters to wake. Event bits */
static u32 service_senders(struct shmipc_core *core, struct shmipc_link *link, u32 *flags)
{
	bool ring = false;
	u32 events = 0;

	shmipc_link_lock(core, link);
	if (link->up) {
		shmipc_tx_aborts(core, link, &ring);
		events = shmipc_wake_check(core, link);
	}
	shmipc_link_unlock(core, link);
	if (ring)
		*flags |= SHMIPC_SERVICE_RING;
	return events;
}

u32 shmipc_core_service(struct shmipc_core *core, u32 peer, u32 budget)
{
	struct shmipc_link *link = shmipc_link_of(core, peer);
	u32 events, flags = 0;
	bool up;

	if (!link->header || !core->epoch)
		return 0;
	up = shmipc_link_handshake(core, link, &flags);
	if (!link->met)
		return flags;
	events = shmipc_probe_signs(core, link, &flags);
	if (up)
		events |= service_senders(core, link, &flags);
	shmipc_link_event(core, link, events);
	if (up)
		flags |= shmipc_rx_drain(core, link, budget);
	shmipc_link_report(core, link, &flags);
	return flags;
}
