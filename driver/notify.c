// SPDX-License-Identifier: GPL-2.0
/*
 * Raw doorbells: NOTIFY rings one of a peer's bells, EVENTFD has our own bells wake
 * somebody.
 *
 * A doorbell carries nothing, so the format counts for each bell how often it rang;
 * the servicer compares with what it saw last. What a peer had counted before we
 * attached is not news, and a peer that attached anew has begun at 0.
 *
 * Bindings are walked under RCU by whoever services a link, in interrupts too, and
 * an eventfd is signalled with no lock of ours held: what it wakes is not our code.
 */
#include <linux/eventfd.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "shmipc.h"
#include "compat.h"

/**
 * struct shmipc_bell - a bell that is bound to an eventfd
 * @node: in region->bells; read under RCU
 * @list: in ep->bells
 * @ctx: the eventfd, with a reference
 * @peer: who rings, own id for SELF, or SHMIPC_PEER_ANY
 * @vector: which bell
 */
struct shmipc_bell {
	struct list_head node;
	struct list_head list;
	struct eventfd_ctx *ctx;
	u32 peer;
	u32 vector;
};

/* @peer rang @vector @count times. Any context */
static void bell_rang(struct shmipc_region *region, u32 peer, u32 vector, u32 count)
{
	struct shmipc_bell *bell;

	rcu_read_lock();
	list_for_each_entry_rcu(bell, &region->bells, node)
		if (bell->vector == vector && (bell->peer == peer || bell->peer == SHMIPC_PEER_ANY))
			shmipc_eventfd_signal(bell->ctx);
	rcu_read_unlock();
	shmipc_event_doorbell(region, peer, vector, count);
}

/**
 * shmipc_notify_met() - we are about to attach: what rang up to now is not news
 * @link: to a peer
 * @epoch: the peer's
 * @counts: of its bells
 */
void shmipc_notify_met(struct shmipc_link *link, u32 epoch, const u32 counts[SHMIPC_VECTORS])
{
	link->bell_epoch = epoch;
	memcpy(link->bells, counts, sizeof(link->bells));
}

/**
 * shmipc_notify_rang() - look which of our bells a peer rang
 * @link: to the peer; its servicer calls
 */
void shmipc_notify_rang(struct shmipc_link *link)
{
	const struct shmipc_format_ops *fmt = link->region->fmt;
	u32 counts[SHMIPC_VECTORS];
	u32 vector, rang, epoch;

	epoch = fmt->bells(link, counts);
	if (!epoch)
		return;	/* it is attaching, and rings when it has: the next look will do */
	if (epoch != link->bell_epoch)
		memset(link->bells, 0, sizeof(link->bells));
	link->bell_epoch = epoch;
	for (vector = 0; vector < SHMIPC_VECTORS; vector++) {
		rang = counts[vector] - link->bells[vector];
		link->bells[vector] = counts[vector];
		if (rang)
			bell_rang(link->region, link->peer, vector, rang);
	}
}

/* Ring one other peer */
static int notify_peer(struct shmipc_link *link, u32 vector)
{
	struct shmipc_region *region = link->region;
	int err = -ENODEV;

	shmipc_link_lock(link);
	if (!shmipc_region_gone(region)) {
		err = shmipc_endpoint_peer_error(region->fmt->state(link));
		if (!err)
			region->fmt->bell(link, vector);
	}
	shmipc_link_unlock(link);
	if (!err)
		shmipc_link_ring(link);
	return err;
}

static u32 notify_all(struct shmipc_region *region, u32 vector)
{
	struct shmipc_link *link;
	u32 peer, rung = 0;

	for (peer = 0; peer < region->cfg.peers; peer++) {
		link = shmipc_link_get(region, peer);
		if (link && !notify_peer(link, vector))
			rung++;
	}
	return rung;
}

/**
 * shmipc_notify() - NOTIFY
 * @ep: endpoint
 * @arg: whom and what to ring
 */
int shmipc_notify(struct shmipc_endpoint *ep, struct shmipc_notify *arg)
{
	struct shmipc_region *region = ep->region;
	u32 peer = shmipc_region_peer(region, arg->peer);
	int err = 0;

	if (!region->fmt->bell)
		return -EOPNOTSUPP;
	if (arg->vector >= SHMIPC_VECTORS)
		return -EINVAL;
	if (peer == SHMIPC_PEER_ANY) {
		arg->out_rung = notify_all(region, arg->vector);
		return 0;
	}
	if (peer >= region->cfg.peers)
		return -EHOSTUNREACH;
	if (peer == region->cfg.peer)
		bell_rang(region, peer, arg->vector, 1);
	else
		err = notify_peer(shmipc_link_get(region, peer), arg->vector);
	arg->out_rung = !err;
	return err;
}

/* ep->lock */
static struct shmipc_bell *bell_find(struct shmipc_endpoint *ep, const struct eventfd_ctx *ctx,
				     u32 peer, u32 vector, u32 *nr)
{
	struct shmipc_bell *bell;

	*nr = 0;
	list_for_each_entry(bell, &ep->bells, list) {
		if (bell->ctx == ctx && bell->peer == peer && bell->vector == vector)
			return bell;
		++*nr;
	}
	return NULL;
}

/* Nobody finds it from here on. ep->lock, if the endpoint is not closing */
static void bell_unlink(struct shmipc_endpoint *ep, struct shmipc_bell *bell)
{
	unsigned long flags;

	spin_lock_irqsave(&ep->region->watch_lock, flags);
	list_del_rcu(&bell->node);
	spin_unlock_irqrestore(&ep->region->watch_lock, flags);
	list_del(&bell->list);
}

/* RCU has passed since it was unlinked */
static void bell_free(struct shmipc_bell *bell)
{
	eventfd_ctx_put(bell->ctx);
	kfree(bell);
}

/* Takes @ctx over if it succeeds; ep->lock */
static int bell_bind(struct shmipc_endpoint *ep, struct eventfd_ctx *ctx, u32 peer, u32 vector)
{
	struct shmipc_bell *bell;
	unsigned long flags;
	u32 nr;

	if (bell_find(ep, ctx, peer, vector, &nr))
		return -EEXIST;
	if (nr >= SHMIPC_EVENTFD_MAX)
		return -ENOSPC;
	bell = kzalloc(sizeof(*bell), GFP_KERNEL_ACCOUNT);
	if (!bell)
		return -ENOMEM;
	bell->ctx = ctx;
	bell->peer = peer;
	bell->vector = vector;
	list_add(&bell->list, &ep->bells);
	spin_lock_irqsave(&ep->region->watch_lock, flags);
	list_add_tail_rcu(&bell->node, &ep->region->bells);
	spin_unlock_irqrestore(&ep->region->watch_lock, flags);
	return 0;
}

/* ep->lock */
static int bell_unbind(struct shmipc_endpoint *ep, const struct eventfd_ctx *ctx, u32 peer,
		       u32 vector)
{
	struct shmipc_bell *bell;
	u32 nr;

	bell = bell_find(ep, ctx, peer, vector, &nr);
	if (!bell)
		return -ENOENT;
	bell_unlink(ep, bell);
	synchronize_rcu();
	bell_free(bell);
	return 0;
}

/**
 * shmipc_notify_eventfd() - EVENTFD
 * @ep: endpoint
 * @arg: which eventfd, whose bell
 */
int shmipc_notify_eventfd(struct shmipc_endpoint *ep, struct shmipc_eventfd *arg)
{
	struct shmipc_region *region = ep->region;
	u32 peer = shmipc_region_peer(region, arg->peer);
	bool remove = arg->flags & SHMIPC_EVENTFD_REMOVE;
	struct eventfd_ctx *ctx;
	int err;

	if (!region->fmt->bells)
		return -EOPNOTSUPP;
	if (arg->vector >= SHMIPC_VECTORS)
		return -EINVAL;
	if (peer != SHMIPC_PEER_ANY && peer >= region->cfg.peers)
		return -EHOSTUNREACH;
	ctx = eventfd_ctx_fdget(arg->fd);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);

	mutex_lock(&ep->lock);
	err = remove ? bell_unbind(ep, ctx, peer, arg->vector) :
		       bell_bind(ep, ctx, peer, arg->vector);
	mutex_unlock(&ep->lock);
	if (err || remove)
		eventfd_ctx_put(ctx);
	return err;
}

/**
 * shmipc_notify_release() - the endpoint closes: its bindings end
 * @ep: endpoint
 */
void shmipc_notify_release(struct shmipc_endpoint *ep)
{
	struct shmipc_bell *bell, *next;
	LIST_HEAD(doomed);

	list_for_each_entry_safe(bell, next, &ep->bells, list) {
		bell_unlink(ep, bell);
		list_add(&bell->list, &doomed);
	}
	if (list_empty(&doomed))
		return;
	synchronize_rcu();
	list_for_each_entry_safe(bell, next, &doomed, list)
		bell_free(bell);
}
