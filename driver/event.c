// SPDX-License-Identifier: GPL-2.0
/*
 * Event records that wait to be read. Nothing is queued until asked for: by
 * EVENT_MASK for a kind, by WATCH for one thing.
 *
 * At most SHMIPC_EVENT_QUEUE records that no WATCH asked for are queued; the
 * next ones are only counted, in an OVERRUN record that stands where they would
 * have. The answer to a WATCH brings its own memory and is never lost.
 */
#include <linux/slab.h>
#include <linux/ktime.h>

#include "shmipc.h"

#define MASK_DOORBELL	SHMIPC_EVENT_BIT(SHMIPC_EVENT_DOORBELL)
#define MASK_KNOWN	(SHMIPC_MASK_PEER | MASK_DOORBELL | SHMIPC_MASK_READ)

/* Any context; charged to whoever caused it */
static struct shmipc_event_node *event_alloc(u32 kind)
{
	struct shmipc_event_node *node;

	node = kzalloc(sizeof(*node), GFP_ATOMIC | __GFP_NOWARN | __GFP_ACCOUNT);

	if (node) {
		node->event.size = sizeof(node->event);
		node->event.kind = kind;
		node->event.time = ktime_get_ns();
	}
	return node;
}

/* Append; event_lock */
static void event_append(struct shmipc_endpoint *ep, struct shmipc_event_node *node)
{
	list_add_tail(&node->node, &ep->events);
	/* What is lost from here on is lost behind this one */
	ep->overrun = NULL;
	if (!node->watch)
		ep->nr_events++;
	/* Pairs with the barrier in poll_wait() and prepare_to_wait() of event_wait() */
	if (wq_has_sleeper(&ep->wq))
		wake_up_poll(&ep->wq, EPOLLPRI |
			     (ep->event_mask & SHMIPC_MASK_READ ? EPOLLIN | EPOLLRDNORM : 0));
}

/* One more was lost; event_lock */
static void event_overrun(struct shmipc_endpoint *ep)
{
	struct shmipc_event_node *node;

	ep->nr_overrun++;
	if (!ep->overrun) {
		node = event_alloc(SHMIPC_EVENT_OVERRUN);
		if (node) {
			event_append(ep, node);
			ep->overrun = node;
		}
	}
	if (ep->overrun) {
		ep->overrun->event.count += ep->nr_overrun;
		ep->nr_overrun = 0;
	}
}

/*
 * Rings that nobody has read of yet add up, as long as nothing else has happened
 * since; event_lock
 */
static bool event_merge(struct shmipc_endpoint *ep, const struct shmipc_event *event)
{
	struct shmipc_event_node *node;

	if (event->kind != SHMIPC_EVENT_DOORBELL)
		return false;
	list_for_each_entry_reverse(node, &ep->events, node) {
		if (node->event.kind != SHMIPC_EVENT_DOORBELL)
			break;
		if (node->event.peer == event->peer && node->event.vector == event->vector) {
			node->event.count += event->count;
			return true;
		}
	}
	return false;
}

/* Queue a record that no WATCH asked for, if @ep wants that kind. Any context */
static void event_post(struct shmipc_endpoint *ep, const struct shmipc_event *event)
{
	struct shmipc_event_node *node = NULL;
	unsigned long flags;

	spin_lock_irqsave(&ep->event_lock, flags);
	if (ep->event_mask & SHMIPC_EVENT_BIT(event->kind) && !event_merge(ep, event)) {
		if (ep->nr_events < SHMIPC_EVENT_QUEUE && !ep->nr_overrun)
			node = event_alloc(event->kind);
		if (node) {
			node->event.peer = event->peer;
			node->event.vector = event->vector;
			node->event.count = event->count;
			event_append(ep, node);
		} else {
			event_overrun(ep);
		}
	}
	spin_unlock_irqrestore(&ep->event_lock, flags);
}

/**
 * shmipc_event_post_node() - queue the answer to a WATCH
 * @ep: for whom
 * @node: filled in, taken over
 */
void shmipc_event_post_node(struct shmipc_endpoint *ep, struct shmipc_event_node *node)
{
	unsigned long flags;

	node->event.size = sizeof(node->event);
	node->event.time = ktime_get_ns();
	spin_lock_irqsave(&ep->event_lock, flags);
	event_append(ep, node);
	spin_unlock_irqrestore(&ep->event_lock, flags);
}

static void event_peer_one(struct shmipc_endpoint *ep, const struct shmipc_event *peer)
{
	struct shmipc_lost *lost = READ_ONCE(ep->lost);
	struct shmipc_event event = *peer;

	if (lost && event.kind != SHMIPC_EVENT_PEER_UP)
		event.count = atomic_xchg(&lost[event.peer].fresh, 0);
	event_post(ep, &event);
}

/* Any context */
static void event_all(struct shmipc_region *region, const struct shmipc_event *event,
		      void (*one)(struct shmipc_endpoint *ep, const struct shmipc_event *event))
{
	unsigned long index = 0, flags;
	struct shmipc_endpoint *ep;

	/* One at a time: there may be many, and interrupts are off */
	do {
		spin_lock_irqsave(&region->watch_lock, flags);
		ep = xa_find(&region->endpoints, &index, ULONG_MAX, XA_PRESENT);
		if (ep)
			one(ep, event);
		spin_unlock_irqrestore(&region->watch_lock, flags);
	} while (ep && ++index);
}

/**
 * shmipc_event_peer() - the link to a peer changed
 * @region: region
 * @peer: which
 * @kind: SHMIPC_EVENT_PEER_*
 *
 * Any context.
 */
void shmipc_event_peer(struct shmipc_region *region, u32 peer, u32 kind)
{
	const struct shmipc_event event = { .kind = kind, .peer = peer };

	event_all(region, &event, event_peer_one);
}

/**
 * shmipc_event_doorbell() - a raw doorbell rang
 * @region: region
 * @peer: who rang
 * @vector: which
 * @count: how often
 *
 * Any context.
 */
void shmipc_event_doorbell(struct shmipc_region *region, u32 peer, u32 vector, u32 count)
{
	const struct shmipc_event event = {
		.kind = SHMIPC_EVENT_DOORBELL, .peer = peer, .vector = vector, .count = count,
	};

	event_all(region, &event, event_post);
}

bool shmipc_event_pending(struct shmipc_endpoint *ep)
{
	return !list_empty_careful(&ep->events);
}

bool shmipc_event_reader(struct shmipc_endpoint *ep)
{
	return READ_ONCE(ep->event_mask) & SHMIPC_MASK_READ;
}

/* Report the peers that are up already, to an endpoint that has just begun to ask */
static void event_report_peers(struct shmipc_endpoint *ep)
{
	struct shmipc_region *region = ep->region;
	struct shmipc_event event = { .kind = SHMIPC_EVENT_PEER_UP };

	for (event.peer = 0; event.peer < region->cfg.peers; event.peer++) {
		struct shmipc_link *link = shmipc_link_get(region, event.peer);
		bool up;

		if (!link)
			continue;
		shmipc_link_lock(link);
		up = !shmipc_region_gone(region) && region->fmt->state(link) == SHMIPC_PEER_UP;
		/* Under the lock: if it goes down now, that is reported after this */
		if (up)
			event_post(ep, &event);
		shmipc_link_unlock(link);
	}
}

/* Somebody has to look after peers for who wants news of them */
static void event_listen(struct shmipc_region *region, u32 old, u32 new)
{
	if (new & SHMIPC_MASK_PEER && !(old & SHMIPC_MASK_PEER))
		shmipc_patrol_listen(region);
	if (old & SHMIPC_MASK_PEER && !(new & SHMIPC_MASK_PEER))
		shmipc_patrol_ignore(region);
}

/**
 * shmipc_event_mask() - EVENT_MASK
 * @ep: endpoint
 * @arg: what to queue from now on
 */
int shmipc_event_mask(struct shmipc_endpoint *ep, struct shmipc_event_mask *arg)
{
	bool report = false;
	unsigned long flags;
	u32 old;
	int err = 0;

	if (arg->mask & ~MASK_KNOWN ||
	    (arg->mask & SHMIPC_EVENT_BIT(SHMIPC_EVENT_DOORBELL) &&
	     !(ep->region->fmt->features & SHMIPC_FEAT_NOTIFY)))
		return -EOPNOTSUPP;

	mutex_lock(&ep->lock);
	spin_lock_irqsave(&ep->event_lock, flags);
	old = ep->event_mask;
	arg->out_mask = old;
	if (ep->event_mask & SHMIPC_MASK_READ && !(arg->mask & SHMIPC_MASK_READ))
		err = -EINVAL;
	else if (arg->mask & SHMIPC_MASK_READ && rcu_access_pointer(ep->port))
		err = -EISCONN;
	if (!err) {
		report = arg->mask & ~ep->event_mask & SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_UP);
		WRITE_ONCE(ep->event_mask, arg->mask);
	}
	spin_unlock_irqrestore(&ep->event_lock, flags);
	if (!err)
		event_listen(ep->region, old, arg->mask);
	if (report)
		event_report_peers(ep);
	mutex_unlock(&ep->lock);
	/* What is queued already is readable now */
	if (!err && arg->mask & SHMIPC_MASK_READ && shmipc_event_pending(ep))
		wake_up_poll(&ep->wq, EPOLLIN | EPOLLRDNORM);
	return err;
}

static int event_wait(struct shmipc_endpoint *ep, const struct shmipc_wait *wait)
{
	DEFINE_WAIT(entry);
	int err;

	for (;;) {
		if (shmipc_region_gone(ep->region))
			return -ENODEV;
		if (shmipc_event_pending(ep))
			return 0;
		err = shmipc_wait_may_sleep(wait);
		if (err)
			return err;
		prepare_to_wait(&ep->wq, &entry, TASK_INTERRUPTIBLE);
		if (!shmipc_event_pending(ep) && !shmipc_region_gone(ep->region))
			shmipc_wait_sleep(wait, 0);
		finish_wait(&ep->wq, &entry);
	}
}

/* Move up to @nr records to @claimed */
static u32 event_take(struct shmipc_endpoint *ep, u32 nr, struct list_head *claimed)
{
	struct shmipc_event_node *node, *next;
	unsigned long flags;
	u32 taken = 0;

	spin_lock_irqsave(&ep->event_lock, flags);
	list_for_each_entry_safe(node, next, &ep->events, node) {
		if (taken == nr)
			break;
		list_move_tail(&node->node, claimed);
		if (!node->watch)
			ep->nr_events--;
		if (node == ep->overrun)
			ep->overrun = NULL;
		taken++;
	}
	spin_unlock_irqrestore(&ep->event_lock, flags);
	return taken;
}

/**
 * shmipc_event_claim() - wait for records and take them
 * @ep: endpoint
 * @wait: how long to wait for the first
 * @nr: how many at most, not 0
 * @claimed: out: list of struct shmipc_event_node; hand it to
 *	shmipc_event_commit() or shmipc_event_putback()
 *
 * Return: how many, or an errno.
 */
int shmipc_event_claim(struct shmipc_endpoint *ep, const struct shmipc_wait *wait, u32 nr,
		       struct list_head *claimed)
{
	u32 taken;
	int err;

	if (!ep->readable)
		return -EBADF;
	do {
		err = event_wait(ep, wait);
		if (err)
			return err;
		taken = event_take(ep, nr, claimed);
	} while (!taken);
	return taken;
}

static void event_free(struct shmipc_endpoint *ep, struct shmipc_event_node *node)
{
	unsigned long flags;

	if (node->watch) {
		spin_lock_irqsave(&ep->event_lock, flags);
		ep->nr_watches--;
		spin_unlock_irqrestore(&ep->event_lock, flags);
	}
	/* Of a struct shmipc_watching this is the first member */
	kfree(node);
}

/* They have been read */
void shmipc_event_commit(struct shmipc_endpoint *ep, struct list_head *claimed)
{
	struct shmipc_event_node *node, *next;

	list_for_each_entry_safe(node, next, claimed, node)
		event_free(ep, node);
}

/* They could not be copied out */
void shmipc_event_putback(struct shmipc_endpoint *ep, struct list_head *claimed)
{
	struct shmipc_event_node *node;
	unsigned long flags;

	spin_lock_irqsave(&ep->event_lock, flags);
	list_for_each_entry(node, claimed, node)
		if (!node->watch)
			ep->nr_events++;
	list_splice(claimed, &ep->events);
	spin_unlock_irqrestore(&ep->event_lock, flags);
	wake_up_poll(&ep->wq, EPOLLPRI | EPOLLIN | EPOLLRDNORM);
}

/* The endpoint closes; nobody posts any more */
void shmipc_event_release(struct shmipc_endpoint *ep)
{
	event_listen(ep->region, ep->event_mask, 0);
	shmipc_event_commit(ep, &ep->events);
}
