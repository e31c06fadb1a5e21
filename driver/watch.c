// SPDX-License-Identifier: GPL-2.0
/*
 * WATCH: questions that are answered once. Is that peer, port or endpoint gone?
 * Is that name there?
 *
 * A watch is first made findable and then checked, so what happens in between
 * is seen by one or the other; who answers it takes it out under watch_lock,
 * so it is answered once.
 */
#include <linux/hash.h>
#include <linux/slab.h>
#include <linux/stringhash.h>

#include "shmipc.h"

/**
 * struct shmipc_watching - a question
 * @node: the answer; first, so that freeing the answer frees the question
 * @hash: in region->watches
 * @list: in ep->watches
 * @ep: who asked
 * @kind: SHMIPC_WATCH_*
 * @peer: about whom, own id for SELF; SHMIPC_PEER_ANY for a name anywhere
 * @port: for PORT
 * @generation: for PORT
 * @endpoint: for ENDPOINT
 * @cookie: for the asker
 * @name: for NAME
 */
struct shmipc_watching {
	struct shmipc_event_node node;
	struct hlist_node hash;
	struct list_head list;
	struct shmipc_endpoint *ep;
	u32 kind;
	u32 peer;
	u32 port;
	u32 generation;
	u64 endpoint;
	u64 cookie;
	char name[SHMIPC_NAME_MAX];
};

static u32 key_of_port(u32 peer, u32 port)
{
	return hash_64((u64)peer << 32 | port, 32);
}

static u32 key_of_name(const char *name)
{
	return full_name_hash(NULL, name, strlen(name));
}

static u32 watch_key(const struct shmipc_watching *w)
{
	switch (w->kind) {
	case SHMIPC_WATCH_PORT:
		return key_of_port(w->peer, w->port);
	case SHMIPC_WATCH_ENDPOINT:
		return hash_64(w->endpoint, 32);
	case SHMIPC_WATCH_NAME:
		return key_of_name(w->name);
	default:
		return w->peer;
	}
}

/* Does it need to know of the tables of other peers? */
static bool watch_needs_tables(const struct shmipc_watching *w)
{
	return w->kind == SHMIPC_WATCH_NAME ||
	       (w->kind == SHMIPC_WATCH_PORT && w->peer != w->ep->region->cfg.peer);
}

/* Does somebody have to look after peers for it? */
static bool watch_needs_patrol(const struct shmipc_watching *w)
{
	return w->peer != w->ep->region->cfg.peer;
}

/* Forget the question; watch_lock */
static void watch_remove(struct shmipc_watching *w)
{
	struct shmipc_region *region = w->ep->region;

	hash_del(&w->hash);
	list_del(&w->list);
	if (watch_needs_tables(w))
		region->table_watchers--;
	if (watch_needs_patrol(w))
		shmipc_patrol_ignore(region);
}

/* Answer it; watch_lock */
static void watch_answer(struct shmipc_watching *w, const struct shmipc_core_port *found,
			 u32 peer)
{
	struct shmipc_event *event = &w->node.event;

	watch_remove(w);
	event->kind = w->kind == SHMIPC_WATCH_NAME ? SHMIPC_EVENT_NAME : SHMIPC_EVENT_GONE;
	event->peer = found ? peer : w->peer;
	event->cookie = w->cookie;
	if (w->kind == SHMIPC_WATCH_PORT || found) {
		event->port = found ? found->port : w->port;
		event->generation = found ? found->generation : w->generation;
	}
	if (w->kind == SHMIPC_WATCH_ENDPOINT)
		event->endpoint = w->endpoint;
	shmipc_event_post_node(w->ep, &w->node);
}

/* Tell the format what @table_watchers says now; process context */
static void tables_sync(struct shmipc_region *region)
{
	mutex_lock(&region->ports_lock);
	if (!shmipc_region_gone(region))
		region->fmt->watch_tables(region, READ_ONCE(region->table_watchers));
	mutex_unlock(&region->ports_lock);
}

/**
 * shmipc_watch_tables() - somebody begins or ceases to need the peers' tables
 * @region: region
 * @on: begins
 */
void shmipc_watch_tables(struct shmipc_region *region, bool on)
{
	unsigned long flags;

	spin_lock_irqsave(&region->watch_lock, flags);
	region->table_watchers += on ? 1 : -1;
	spin_unlock_irqrestore(&region->watch_lock, flags);
	if (on)
		shmipc_patrol_listen(region);
	else
		shmipc_patrol_ignore(region);
	tables_sync(region);
}

/**
 * shmipc_watch_peer_gone() - a link went down
 * @region: region
 * @peer: to whom
 *
 * Any context.
 */
void shmipc_watch_peer_gone(struct shmipc_region *region, u32 peer)
{
	struct shmipc_watching *w;
	struct hlist_node *next;
	unsigned long flags;
	int bucket;

	/* Bucket by bucket: there may be many, and interrupts are off */
	for (bucket = 0; bucket < HASH_SIZE(region->watches); bucket++) {
		spin_lock_irqsave(&region->watch_lock, flags);
		hlist_for_each_entry_safe(w, next, &region->watches[bucket], hash)
			if (w->peer == peer && w->kind != SHMIPC_WATCH_NAME)
				watch_answer(w, NULL, 0);
		spin_unlock_irqrestore(&region->watch_lock, flags);
	}
}

/**
 * shmipc_watch_port_gone() - a port of our own peer died
 * @region: region
 * @peer: our own
 * @port: its number
 * @generation: its generation
 */
void shmipc_watch_port_gone(struct shmipc_region *region, u32 peer, u32 port, u32 generation)
{
	struct shmipc_watching *w;
	struct hlist_node *next;
	unsigned long flags;

	spin_lock_irqsave(&region->watch_lock, flags);
	hash_for_each_possible_safe(region->watches, w, next, hash, key_of_port(peer, port))
		if (w->kind == SHMIPC_WATCH_PORT && w->peer == peer && w->port == port &&
		    w->generation == generation)
			watch_answer(w, NULL, 0);
	spin_unlock_irqrestore(&region->watch_lock, flags);
}

/**
 * shmipc_watch_endpoint_gone() - an endpoint of our own peer closed
 * @region: region
 * @endpoint: its id
 */
void shmipc_watch_endpoint_gone(struct shmipc_region *region, u64 endpoint)
{
	struct shmipc_watching *w;
	struct hlist_node *next;
	unsigned long flags;

	spin_lock_irqsave(&region->watch_lock, flags);
	hash_for_each_possible_safe(region->watches, w, next, hash, hash_64(endpoint, 32))
		if (w->kind == SHMIPC_WATCH_ENDPOINT && w->endpoint == endpoint &&
		    w->peer == region->cfg.peer)
			watch_answer(w, NULL, 0);
	spin_unlock_irqrestore(&region->watch_lock, flags);
}

/**
 * shmipc_watch_name_here() - a name has appeared
 * @region: region
 * @peer: who has it
 * @port: the port, with its name
 */
void shmipc_watch_name_here(struct shmipc_region *region, u32 peer,
			    const struct shmipc_core_port *port)
{
	struct shmipc_watching *w;
	struct hlist_node *next;
	unsigned long flags;

	spin_lock_irqsave(&region->watch_lock, flags);
	hash_for_each_possible_safe(region->watches, w, next, hash, key_of_name(port->name))
		if (w->kind == SHMIPC_WATCH_NAME && strcmp(w->name, port->name) == 0 &&
		    (w->peer == SHMIPC_PEER_ANY || w->peer == peer))
			watch_answer(w, port, peer);
	spin_unlock_irqrestore(&region->watch_lock, flags);
}

/* Those of one bucket that watch ports of a peer which it does not show any more */
static void recheck_bucket(struct shmipc_link *link, struct hlist_head *bucket)
{
	const struct shmipc_format_ops *fmt = link->region->fmt;
	struct shmipc_core_port port = {};
	struct shmipc_watching *w;
	struct hlist_node *next;
	u32 number = SHMIPC_PORT_NONE;
	int err = 0;

	hlist_for_each_entry_safe(w, next, bucket, hash) {
		if (w->kind != SHMIPC_WATCH_PORT || w->peer != link->peer)
			continue;
		/* Many may watch the same one: they are in one bucket */
		if (w->port != number)
			err = fmt->find_port(link, w->port, &port);
		number = w->port;
		if (err == -ENOENT || (!err && port.generation != w->generation))
			watch_answer(w, NULL, 0);
	}
}

/* The names that a peer shows now, and the ports that it does not show any more */
static void recheck_peer(struct shmipc_region *region, u32 peer)
{
	struct shmipc_link *link = shmipc_link_get(region, peer);
	struct shmipc_core_port port;
	unsigned long flags;
	int bucket;
	u32 slot;

	for (slot = 0; slot < region->nr_slots; slot++)
		if (!region->fmt->read_port(link, slot, &port) && port.name[0])
			shmipc_watch_name_here(region, peer, &port);

	for (bucket = 0; bucket < HASH_SIZE(region->watches); bucket++) {
		spin_lock_irqsave(&region->watch_lock, flags);
		recheck_bucket(link, &region->watches[bucket]);
		spin_unlock_irqrestore(&region->watch_lock, flags);
		cond_resched();
	}
}

static void recheck_work(struct work_struct *work)
{
	struct shmipc_region *region = container_of(work, struct shmipc_region, recheck);
	u32 peer;

	for (peer = 0; peer < region->cfg.peers; peer++)
		if (test_and_clear_bit(peer, region->recheck_peers) &&
		    READ_ONCE(region->table_watchers))
			recheck_peer(region, peer);
	wake_up_all(&region->table_wq);
}

/**
 * shmipc_watch_recheck() - the table of a peer may have changed
 * @region: region
 * @peer: whose
 *
 * Any context.
 */
void shmipc_watch_recheck(struct shmipc_region *region, u32 peer)
{
	set_bit(peer, region->recheck_peers);
	queue_work(region->wq, &region->recheck);
}

void shmipc_watch_init(struct shmipc_region *region)
{
	spin_lock_init(&region->watch_lock);
	hash_init(region->watches);
	INIT_WORK(&region->recheck, recheck_work);
}

/* The links are stopped: nobody asks for a recheck any more */
void shmipc_watch_stop(struct shmipc_region *region)
{
	cancel_work_sync(&region->recheck);
}

/* Is there nothing (any more) to wait for? The watch can already be found */
static bool watch_is_moot(const struct shmipc_watch *arg, struct shmipc_region *region,
			  u32 peer, u32 generation)
{
	struct shmipc_link *link = shmipc_link_get(region, peer);
	struct shmipc_core_port port;
	struct shmipc_endpoint *ep;
	struct shmipc_port *own;
	bool moot;

	if (link) {
		moot = shmipc_region_gone(region) || region->fmt->state(link) != SHMIPC_PEER_UP;
		if (!moot && arg->kind == SHMIPC_WATCH_PORT)
			moot = region->fmt->find_port(link, arg->port, &port) ||
			       port.generation != generation;
		return moot;
	}
	if (arg->kind == SHMIPC_WATCH_PORT) {
		own = shmipc_port_find(region, arg->port);
		moot = !own || own->generation != generation;
		shmipc_port_put(own);
		return moot;
	}
	if (arg->kind == SHMIPC_WATCH_ENDPOINT) {
		ep = shmipc_endpoint_find(region, arg->endpoint);
		if (ep)
			shmipc_endpoint_put(ep);
		return !ep;
	}
	return false;
}

/* The generation of a port now, or 0 */
static u32 watch_generation(struct shmipc_region *region, u32 peer, u32 number)
{
	struct shmipc_link *link = shmipc_link_get(region, peer);
	struct shmipc_core_port port = {};
	struct shmipc_port *own;
	u32 generation = 0;

	if (link)
		return region->fmt->find_port(link, number, &port) ? 0 : port.generation;
	own = shmipc_port_find(region, number);
	if (own)
		generation = own->generation;
	shmipc_port_put(own);
	return generation;
}

static struct shmipc_watching *watch_find(struct shmipc_endpoint *ep, u64 cookie)
{
	struct shmipc_watching *w;

	list_for_each_entry(w, &ep->watches, list)
		if (w->cookie == cookie)
			return w;
	return NULL;
}

/* Take one place among SHMIPC_WATCH_MAX; watch_lock */
static int watch_count(struct shmipc_endpoint *ep)
{
	int err = 0;

	spin_lock(&ep->event_lock);
	if (ep->nr_watches >= SHMIPC_WATCH_MAX)
		err = -ENOSPC;
	else
		ep->nr_watches++;
	spin_unlock(&ep->event_lock);
	return err;
}

/* Make it findable */
static int watch_insert(struct shmipc_watching *w)
{
	struct shmipc_region *region = w->ep->region;
	unsigned long flags;
	int err;

	spin_lock_irqsave(&region->watch_lock, flags);
	err = watch_find(w->ep, w->cookie) ? -EEXIST : watch_count(w->ep);
	if (!err) {
		hash_add(region->watches, &w->hash, watch_key(w));
		list_add_tail(&w->list, &w->ep->watches);
		if (watch_needs_tables(w))
			region->table_watchers++;
		if (watch_needs_patrol(w))
			shmipc_patrol_listen(region);
	}
	spin_unlock_irqrestore(&region->watch_lock, flags);
	return err;
}

static int watch_add(struct shmipc_endpoint *ep, const struct shmipc_watch *arg, u32 peer)
{
	struct shmipc_region *region = ep->region;
	struct shmipc_lookup found = {};
	struct shmipc_watching *w;
	struct shmipc_core_port port = {};
	unsigned long flags;
	u32 generation;
	int err;

	w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);
	if (!w)
		return -ENOMEM;
	w->node.watch = true;
	w->ep = ep;
	w->kind = arg->kind;
	w->peer = peer;
	w->port = arg->port;
	w->endpoint = arg->endpoint;
	w->cookie = arg->cookie;
	strscpy(w->name, arg->name, sizeof(w->name));
	generation = arg->generation;
	if (!generation && arg->kind == SHMIPC_WATCH_PORT)
		generation = watch_generation(region, peer, arg->port);
	w->generation = generation;

	err = watch_insert(w);
	if (err) {
		kfree(w);
		return err;
	}
	tables_sync(region);

	/* From here on anybody may have answered it: find it again by its cookie */
	if (arg->kind == SHMIPC_WATCH_NAME) {
		if (shmipc_table_lookup(region, peer, arg->name, true, &found))
			return 0;
		port.port = found.out_port;
		port.generation = found.out_generation;
	} else if (!watch_is_moot(arg, region, peer, generation)) {
		return 0;
	}
	spin_lock_irqsave(&region->watch_lock, flags);
	w = watch_find(ep, arg->cookie);
	if (w)
		watch_answer(w, port.port ? &port : NULL, found.out_peer);
	spin_unlock_irqrestore(&region->watch_lock, flags);
	return 0;
}

static int watch_forget(struct shmipc_endpoint *ep, u64 cookie)
{
	struct shmipc_region *region = ep->region;
	struct shmipc_watching *w;
	unsigned long flags;

	spin_lock_irqsave(&region->watch_lock, flags);
	w = watch_find(ep, cookie);
	if (w) {
		watch_remove(w);
		spin_lock(&ep->event_lock);
		ep->nr_watches--;
		spin_unlock(&ep->event_lock);
	}
	spin_unlock_irqrestore(&region->watch_lock, flags);
	kfree(w);
	tables_sync(region);
	return w ? 0 : -ENOENT;
}

static int watch_check(struct shmipc_region *region, const struct shmipc_watch *arg, u32 peer)
{
	if (arg->kind < SHMIPC_WATCH_PEER || arg->kind > SHMIPC_WATCH_NAME)
		return -EINVAL;
	if (arg->kind == SHMIPC_WATCH_NAME && !shmipc_name_ok(arg->name, false))
		return -EINVAL;
	if (arg->kind == SHMIPC_WATCH_NAME && !(region->fmt->features & SHMIPC_FEAT_NAMES))
		return -EOPNOTSUPP;
	if (arg->kind == SHMIPC_WATCH_PORT && (!arg->port || arg->port > SHMIPC_PORT_MAX))
		return -EINVAL;
	if (peer == SHMIPC_PEER_ANY && arg->kind == SHMIPC_WATCH_NAME)
		return 0;
	return peer < region->cfg.peers ? 0 : -EHOSTUNREACH;
}

/**
 * shmipc_watch() - WATCH
 * @ep: who asks
 * @arg: what
 */
int shmipc_watch(struct shmipc_endpoint *ep, struct shmipc_watch *arg)
{
	u32 peer = shmipc_region_peer(ep->region, arg->peer);
	int err;

	if (arg->flags & SHMIPC_WATCH_REMOVE) {
		mutex_lock(&ep->lock);
		err = watch_forget(ep, arg->cookie);
		mutex_unlock(&ep->lock);
		return err;
	}
	err = watch_check(ep->region, arg, peer);
	if (err)
		return err;
	/* So that a cookie means one watch until watch_add() is done with it */
	mutex_lock(&ep->lock);
	err = watch_add(ep, arg, peer);
	mutex_unlock(&ep->lock);
	return err;
}

/* The endpoint closes */
void shmipc_watch_release(struct shmipc_endpoint *ep)
{
	struct shmipc_region *region = ep->region;
	struct shmipc_watching *w, *next;
	unsigned long flags;
	LIST_HEAD(doomed);

	spin_lock_irqsave(&region->watch_lock, flags);
	list_for_each_entry_safe(w, next, &ep->watches, list) {
		watch_remove(w);
		list_add(&w->list, &doomed);
	}
	spin_unlock_irqrestore(&region->watch_lock, flags);
	if (!list_empty(&doomed))
		tables_sync(region);
	list_for_each_entry_safe(w, next, &doomed, list)
		kfree(w);
}
