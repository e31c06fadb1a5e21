// SPDX-License-Identifier: GPL-2.0
/*
 * Looking after peers on behalf of those who wait for news of them and send nothing:
 * a listener to PEER events, a watch, a waiting LOOKUP. A peer that has died says so
 * only where a hypervisor or a server says it for it; elsewhere it is found out by
 * asking. Senders ask for themselves (shmipc_link_rescan()).
 *
 * Nobody listens: no timer. It also finds out whether what we wrote is still there
 * (the machine may have been set back to an earlier state).
 */
#include <linux/jiffies.h>

#include "shmipc.h"

/* With a second of silence (link.c) on top this tells of a dead peer within two */
#define PATROL_MS	300

static void patrol_work(struct work_struct *work)
{
	struct shmipc_region *region = container_of(to_delayed_work(work), struct shmipc_region,
						    patrol);
	struct shmipc_link *link;
	u32 peer;

	if (!atomic_read(&region->listeners) || shmipc_region_gone(region))
		return;
	for (peer = 0; peer < region->cfg.peers; peer++) {
		link = shmipc_link_get(region, peer);
		if (link)
			shmipc_link_rescan(link, PATROL_MS);
	}
	queue_delayed_work(region->wq, &region->patrol, msecs_to_jiffies(PATROL_MS));
}

/**
 * shmipc_patrol_listen() - somebody begins to wait for news of peers
 * @region: region
 *
 * Any context.
 */
void shmipc_patrol_listen(struct shmipc_region *region)
{
	atomic_inc(&region->listeners);
	/* Pairs with shmipc_region_remove(), which cancels it once @gone is seen by all */
	rcu_read_lock();
	if (!shmipc_region_gone(region))
		queue_delayed_work(region->wq, &region->patrol, 0);
	rcu_read_unlock();
}

/* And ceases to */
void shmipc_patrol_ignore(struct shmipc_region *region)
{
	atomic_dec(&region->listeners);
}

/* A rescan found that what we had written is not there: start all links anew */
static void verify_work(struct work_struct *work)
{
	struct shmipc_region *region = container_of(work, struct shmipc_region, verify);
	struct shmipc_link *link;
	u32 peer;

	if (shmipc_region_gone(region))
		return;
	dev_warn_ratelimited(&region->dev, "what we wrote has changed (set back?), restarting all links\n");
	for (peer = 0; peer < region->cfg.peers; peer++) {
		link = shmipc_link_get(region, peer);
		if (!link)
			continue;
		WRITE_ONCE(link->restart, true);
		mod_delayed_work(region->wq, &link->work, 0);
		flush_delayed_work(&link->work);
		if (READ_ONCE(link->restart)) {	/* somebody else is at it */
			queue_work(region->wq, &region->verify);
			return;
		}
	}
	/* Not only the links: the section itself is another's, or of another time */
	if (!shmipc_region_gone(region) && !region->fmt->verify(region) && region->cfg.ops->lost)
		region->cfg.ops->lost(region);
}

/**
 * shmipc_patrol_verify() - is what we wrote still there?
 * @region: region
 *
 * Process context, no lock held.
 */
void shmipc_patrol_verify(struct shmipc_region *region)
{
	rcu_read_lock();
	if (!shmipc_region_gone(region) && !region->fmt->verify(region))
		queue_work(region->wq, &region->verify);
	rcu_read_unlock();
}

void shmipc_patrol_init(struct shmipc_region *region)
{
	atomic_set(&region->listeners, 0);
	INIT_DELAYED_WORK(&region->patrol, patrol_work);
	INIT_WORK(&region->verify, verify_work);
}

/* @gone is set and seen by all */
void shmipc_patrol_stop(struct shmipc_region *region)
{
	cancel_delayed_work_sync(&region->patrol);
	cancel_work_sync(&region->verify);
}
