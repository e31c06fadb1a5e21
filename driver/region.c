// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: one attachment to shared memory each, with its device node. Below are
 * a transport, which adds and removes regions, and a format (native.c); above are
 * open files.
 *
 * shmipc_region_remove() in steps, and why the transport's memory is not touched
 * after it. Whoever is inside the format is one of
 *	(a) a holder of ports_lock, or of a link->lock, who saw !@gone after taking it
 *	(b) a servicer, a ringer or a reader of a peer's table, inside
 *	    rcu_read_lock(), who saw !@gone in there
 *	(c) the worker of a link
 *	(d) ourselves
 *
 * 1. The node goes: no new files. Open ones keep the struct, not the memory.
 * 2. @gone is set, then every lock of (a) is taken once: who had it before has
 *    left, who takes it later sees @gone.
 * 3. Sleepers are woken; they see @gone and leave with ENODEV.
 * 4. The transport stops kicking us. synchronize_rcu(): all of (b) have left, and
 *    with them all that could queue a worker.
 * 5. The workers are cancelled, and waited for: (c). They do not requeue.
 * 6. (d) alone: streams are dropped, the format detaches, peers are rung.
 * 7. The last reference, usually that of the last open file, frees the shell.
 */
#define pr_fmt(fmt) "shmipc: " fmt

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/utsname.h>

#include "shmipc.h"

#define REGION_MINORS	256

static dev_t region_devt;
static DEFINE_IDA(region_minors);

/* Structs not freed yet, and one for the module; unloading waits for them */
static atomic_t nr_regions = ATOMIC_INIT(1);
static DECLARE_COMPLETION(regions_freed);

static ssize_t name_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_shmipc_region(dev)->name);
}
static DEVICE_ATTR_RO(name);

static ssize_t peer_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", to_shmipc_region(dev)->cfg.peer);
}
static DEVICE_ATTR_RO(peer);

static ssize_t peers_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", to_shmipc_region(dev)->cfg.peers);
}
static DEVICE_ATTR_RO(peers);

static ssize_t transport_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_shmipc_region(dev)->cfg.ops->name);
}
static DEVICE_ATTR_RO(transport);

static ssize_t format_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_shmipc_region(dev)->fmt->name);
}
static DEVICE_ATTR_RO(format);

static ssize_t section_bytes_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", to_shmipc_region(dev)->cfg.section_bytes);
}
static DEVICE_ATTR_RO(section_bytes);

static ssize_t table_bytes_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", to_shmipc_region(dev)->cfg.table_bytes);
}
static DEVICE_ATTR_RO(table_bytes);

static ssize_t rw_bytes_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%llu\n", to_shmipc_region(dev)->cfg.rw_bytes);
}
static DEVICE_ATTR_RO(rw_bytes);

static struct attribute *region_attrs[] = {
	&dev_attr_format.attr,
	&dev_attr_section_bytes.attr,
	&dev_attr_table_bytes.attr,
	&dev_attr_rw_bytes.attr,
	&dev_attr_name.attr,
	&dev_attr_peer.attr,
	&dev_attr_peers.attr,
	&dev_attr_transport.attr,
	NULL
};
ATTRIBUTE_GROUPS(region);

static struct class region_class = {
	.name		= "shmipc",
	.dev_groups	= region_groups,
};

static void region_each_link(struct shmipc_region *region, void (*fn)(struct shmipc_link *link))
{
	u32 peer;

	for (peer = 0; peer < region->cfg.peers; peer++)
		if (peer != region->cfg.peer)
			fn(&region->links[peer]);
}

/*
 * Nobody is left: files had references, and for the others shmipc_region_remove()
 * has waited, if they could ever find it.
 */
static void region_release(struct device *dev)
{
	struct shmipc_region *region = to_shmipc_region(dev);

	if (region->links)
		region_each_link(region, shmipc_link_release);
	kvfree(region->links);
	kvfree(region->slots);
	kvfree(region->core);
	kvfree(region->message);
	kfree(region->sections);
	xa_destroy(&region->ports);
	xa_destroy(&region->endpoints);
	kfree(region);
	if (atomic_dec_and_test(&nr_regions))
		complete(&regions_freed);
}

static void region_init_device(struct shmipc_region *region)
{
	struct device *dev = &region->dev;

	device_initialize(dev);
	dev->class = &region_class;
	dev->parent = region->cfg.parent;
	dev->devt = MKDEV(MAJOR(region_devt), MINOR(region_devt) + region->minor);
	dev->release = region_release;
	cdev_init(&region->cdev, &shmipc_fops);
	region->cdev.owner = THIS_MODULE;
}

static void region_init_tables(struct shmipc_region *region)
{
	mutex_init(&region->ports_lock);
	xa_init_flags(&region->ports, XA_FLAGS_ALLOC);
	/* A peer that remembers a generation must not meet it again after a reload */
	region->next_generation = get_random_u32();
	init_waitqueue_head(&region->table_wq);
	xa_init(&region->endpoints);
	INIT_LIST_HEAD(&region->bells);
	shmipc_watch_init(region);
	shmipc_patrol_init(region);
	init_waitqueue_head(&region->polling.wq);
}

static int region_init_links(struct shmipc_region *region)
{
	u32 peer;

	region->links = kvcalloc(region->cfg.peers, sizeof(*region->links), GFP_KERNEL);
	if (!region->links)
		return -ENOMEM;
	for (peer = 0; peer < region->cfg.peers; peer++)
		shmipc_link_init(region, peer);
	region->wq = alloc_workqueue("shmipc%d", WQ_UNBOUND, 0, region->minor);
	return region->wq ? 0 : -ENOMEM;
}

/*
 * By the local configuration, which alone names nodes; to peers, who have but a number
 * of us otherwise, by the name of the machine if there is nothing else.
 */
static void region_call(struct shmipc_region *region)
{
	const struct shmipc_region_config *cfg = &region->cfg;
	const char *machine = cfg->machines ? init_utsname()->nodename : "";
	char *at;

	/* One that has not been named yet */
	if (!strcmp(machine, "(none)"))
		machine = "";
	strscpy(region->name, cfg->name ?: shmipc_main_name(region->minor) ?: "",
		sizeof(region->name));
	strscpy(region->shown, region->name[0] ? region->name : machine, sizeof(region->shown));
	for (at = region->shown; *at; at++)
		if (!shmipc_name_char(*at))
			*at = '_';
}

static int region_check_format(struct shmipc_region *region)
{
	if (region->fmt == &shmipc_native || region->cfg.any_format)
		return 0;
	dev_err(region->cfg.parent, "declined: format= asks for one that this device's doorbells cannot carry: leave it native\n");
	return -ENODEV;
}

static int region_keep_sections(struct shmipc_region *region)
{
	const struct shmipc_region_config *cfg = &region->cfg;

	region->sections = kmemdup(cfg->sections, cfg->peers * sizeof(*cfg->sections), GFP_KERNEL);
	return region->sections ? 0 : -ENOMEM;
}

/* Complete but for the format and the node */
static struct shmipc_region *region_alloc(const struct shmipc_region_config *cfg)
{
	struct shmipc_region *region;
	int err;

	region = kzalloc(sizeof(*region), GFP_KERNEL);
	if (!region)
		return ERR_PTR(-ENOMEM);
	region->minor = ida_alloc_max(&region_minors, REGION_MINORS - 1, GFP_KERNEL);
	if (region->minor < 0) {
		err = region->minor;
		kfree(region);
		return ERR_PTR(err);
	}
	atomic_inc(&nr_regions);
	region->cfg = *cfg;
	region->fmt = shmipc_main_format(cfg->parent);
	region_call(region);
	region_init_tables(region);
	region_init_device(region);

	err = region_check_format(region);
	if (!err)
		err = region_keep_sections(region);
	if (!err)
		err = dev_set_name(&region->dev, "shmipc%d", region->minor);
	if (!err)
		err = region_init_links(region);
	if (err) {
		ida_free(&region_minors, region->minor);
		put_device(&region->dev);
		return ERR_PTR(err);
	}
	return region;
}

/* To those who are foreign a ring means a message */
static void region_ring_all(struct shmipc_region *region)
{
	if (!region->fmt->foreign)
		region_each_link(region, shmipc_link_ring);
}

/* A handshake takes two exchanges. Where rings are synchronous it is done after this */
static void region_hello(struct shmipc_region *region)
{
	int i;

	for (i = 0; i < 2; i++) {
		region_ring_all(region);
		region_each_link(region, shmipc_link_kick);
	}
	region_ring_all(region);
}

static void link_pass(struct shmipc_link *link)
{
	shmipc_link_lock(link);
	shmipc_link_unlock(link);
}

static void link_wake(struct shmipc_link *link)
{
	wake_up_all(&link->wq);
}

/* Not shmipc_link_ring(): that one is for regions that are not gone */
static void link_farewell(struct shmipc_link *link)
{
	struct shmipc_region *region = link->region;

	region->cfg.ops->ring(region, link->peer, false);
}

/* Steps 2 to 6 of the removal; the format is attached */
static void region_shut(struct shmipc_region *region)
{
	WRITE_ONCE(region->gone, true);
	mutex_lock(&region->ports_lock);
	mutex_unlock(&region->ports_lock);
	region_each_link(region, link_pass);

	shmipc_endpoint_gone(region);
	wake_up_all(&region->table_wq);
	region_each_link(region, link_wake);

	region->cfg.ops->stop(region);
	synchronize_rcu();
	shmipc_patrol_stop(region);
	region_each_link(region, shmipc_link_stop);
	shmipc_watch_stop(region);

	region_each_link(region, shmipc_stream_down);
	region->fmt->detach(region);
	if (!region->fmt->foreign)
		region_each_link(region, link_farewell);
}

static void region_drop(struct shmipc_region *region)
{
	destroy_workqueue(region->wq);
	ida_free(&region_minors, region->minor);
	put_device(&region->dev);
}

/**
 * shmipc_region_add() - attach to a region of shared memory
 * @cfg: what the transport knows; copied, the sections stay the transport's
 *
 * Process context. The region works, and peers see it, when its node appears.
 *
 * Return: the region, for shmipc_region_remove(), or an ERR_PTR.
 */
struct shmipc_region *shmipc_region_add(const struct shmipc_region_config *cfg)
{
	struct shmipc_region *region = region_alloc(cfg);
	int err;

	if (IS_ERR(region))
		return region;
	err = region->fmt->attach(region);
	region->cfg.sections = NULL;
	region->cfg.uuid = NULL;
	if (err)
		goto err_drop;
	err = cfg->ops->start(region);
	if (err)
		goto err_detach;
	region_hello(region);
	err = cdev_device_add(&region->cdev, &region->dev);
	if (err)
		goto err_shut;
	err = shmipc_dump_add(region);
	if (err)
		goto err_del;
	return region;

err_del:
	cdev_device_del(&region->cdev, &region->dev);
err_shut:
	region_shut(region);
	goto err_drop;
err_detach:
	WRITE_ONCE(region->gone, true);
	region->fmt->detach(region);
err_drop:
	region_drop(region);
	return ERR_PTR(err);
}

/**
 * shmipc_region_remove() - leave a region of shared memory
 * @region: from shmipc_region_add()
 *
 * Process context. At any time, whatever is going on; see the head of this file.
 * The sections and the transport's data may be freed when this returns.
 */
void shmipc_region_remove(struct shmipc_region *region)
{
	shmipc_dump_remove(region);
	cdev_device_del(&region->cdev, &region->dev);
	region_shut(region);
	region_drop(region);
}

void shmipc_region_rang(struct shmipc_region *region, u64 peers, bool states)
{
	struct shmipc_link *link;

	if (region->fmt->rang && !shmipc_region_gone(region))
		region->fmt->rang(region, peers, states);
	for (; peers; peers &= peers - 1) {
		link = shmipc_link_get(region, __ffs64(peers));
		if (link)
			shmipc_link_kick(link);
	}
}

void shmipc_region_kick(struct shmipc_region *region)
{
	region_each_link(region, shmipc_link_kick);
}

void shmipc_region_ring(struct shmipc_region *region, u64 peers)
{
	struct shmipc_link *link;

	for (; peers; peers &= peers - 1) {
		link = shmipc_link_get(region, __ffs64(peers));
		if (link)
			shmipc_link_ring(link);
	}
}

void shmipc_region_set_doorbell(struct shmipc_region *region, u32 doorbell, u32 vectors)
{
	WRITE_ONCE(region->cfg.doorbell, doorbell);
	WRITE_ONCE(region->cfg.vectors, vectors);
	region->fmt->set_doorbell(region);
	/* Whoever did not ring while we polled has to be looked at once more */
	region_each_link(region, shmipc_link_kick);
	region_ring_all(region);
}

/* Something may have happened that nobody told of: process context */
void shmipc_region_look(struct shmipc_region *region)
{
	shmipc_patrol_verify(region);
	region_each_link(region, shmipc_link_kick_later);
	region_ring_all(region);
}

int shmipc_region_init(void)
{
	int err;

	err = alloc_chrdev_region(&region_devt, 0, REGION_MINORS, "shmipc");
	if (err)
		return err;
	err = class_register(&region_class);
	if (err)
		unregister_chrdev_region(region_devt, REGION_MINORS);
	return err;
}

/* All regions have been removed; the last references may still be on their way */
void shmipc_region_exit(void)
{
	if (!atomic_dec_and_test(&nr_regions))
		wait_for_completion(&regions_freed);
	class_unregister(&region_class);
	unregister_chrdev_region(region_devt, REGION_MINORS);
	ida_destroy(&region_minors);
}
