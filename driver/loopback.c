// SPDX-License-Identifier: GPL-2.0
/*
 * The loopback transport: N regions joined through ordinary memory of this
 * kernel. N platform devices stand for N attachments to one fabric:
 *
 *	shmipc-loopback.0    shmipc-loopback.1    shmipc-loopback.2
 *	/dev/shmipc0         /dev/shmipc1         /dev/shmipc2
 *	    section 0            section 1            section 2
 *
 * Unbinding one through sysfs is what a peer's shutdown is elsewhere, binding it
 * again its reboot: the section keeps what the driver left in it, as warm RAM
 * does.
 *
 * A ring is a call: the target's link is serviced in the context of whoever
 * rings, unless that is itself a servicer (nested), which leaves it to the
 * target's worker. So rings do not recurse.
 *
 * The fabric is set up before the first device and freed after the last: a region
 * is removed with its device, and uses neither after shmipc_region_remove().
 */
#define pr_fmt(fmt) "shmipc: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "shmipc.h"

#define LOOPBACK_NAME	"shmipc-loopback"

static int loopback;
module_param(loopback, int, 0444);
MODULE_PARM_DESC(loopback, "Number of regions joined to each other in this kernel: 2 to 64, 0 for none (0)");

static unsigned long loopback_size = SZ_1M;
module_param(loopback_size, ulong, 0444);
MODULE_PARM_DESC(loopback_size, "Bytes of each one's section: 4096 to 67108864 (1048576)");

/**
 * struct loopback_fabric - what the regions share
 * @section_bytes: of each
 * @sections: by slot
 * @devices: by slot; NULL if it could not be registered
 * @states: by slot; what each region says of itself, 0: it is not there. As a
 *	hypervisor's table of states is
 * @regions: by slot; those that may be kicked, read under RCU
 */
static struct loopback_fabric {
	size_t section_bytes;
	void *sections[SHMIPC_PEERS_MAX];
	u32 states[SHMIPC_PEERS_MAX];
	struct platform_device *devices[SHMIPC_PEERS_MAX];
	struct shmipc_region __rcu *regions[SHMIPC_PEERS_MAX];
} fabric;

/* And everybody is told, each in its worker */
static void loopback_set_state(struct shmipc_region *region, u32 state)
{
	struct shmipc_region *target;
	u32 peer;

	/* The section before what vouches for it. Pairs with witnessed() in core/attach.c */
	smp_store_release(&fabric.states[region->cfg.peer], state);
	rcu_read_lock();
	for (peer = 0; peer < region->cfg.peers; peer++) {
		target = peer == region->cfg.peer ? NULL : rcu_dereference(fabric.regions[peer]);
		if (target)
			shmipc_link_kick_later(shmipc_link_get(target, region->cfg.peer));
	}
	rcu_read_unlock();
}

static u32 loopback_peer_state(struct shmipc_region *region, u32 peer)
{
	return smp_load_acquire(&fabric.states[peer]);	/* pairs with loopback_set_state() */
}

static int loopback_start(struct shmipc_region *region)
{
	rcu_assign_pointer(fabric.regions[region->cfg.peer], region);
	loopback_set_state(region, region->state);
	return 0;
}

/* shmipc_region_remove() waits for those who have found it */
static void loopback_stop(struct shmipc_region *region)
{
	loopback_set_state(region, 0);
	RCU_INIT_POINTER(fabric.regions[region->cfg.peer], NULL);
}

static void loopback_ring(struct shmipc_region *region, u32 peer, bool nested)
{
	struct shmipc_region *target;

	rcu_read_lock();
	target = rcu_dereference(fabric.regions[peer]);
	if (target) {
		atomic64_inc(&region->links[peer].rings);
		if (nested)
			shmipc_link_kick_later(shmipc_link_get(target, region->cfg.peer));
		else
			shmipc_region_rang(target, BIT_ULL(region->cfg.peer), false);
	}
	rcu_read_unlock();
}

static const struct shmipc_transport_ops loopback_ops = {
	.transport	= SHMIPC_TRANSPORT_LOOPBACK,
	.name		= "loopback",
	.start		= loopback_start,
	.stop		= loopback_stop,
	.ring		= loopback_ring,
	.peer_state	= loopback_peer_state,
};

static void loopback_remove(void *region)
{
	shmipc_region_remove(region);
}

static int loopback_probe(struct platform_device *pdev)
{
	struct shmipc_region_config cfg = {
		.ops = &loopback_ops,
		.parent = &pdev->dev,
		.doorbell = SHMIPC_DOORBELL_DIRECT,
		.doorbell_id = pdev->id,
		.memory = SHMIPC_MEMORY_CACHED,
		.peer = pdev->id,
		.peers = loopback,
		.section_bytes = fabric.section_bytes,
		.any_format = true,
		.sections = fabric.sections,
	};
	struct shmipc_region *region;

	if (pdev->id < 0 || pdev->id >= loopback || !fabric.sections[pdev->id])
		return -ENODEV;
	region = shmipc_region_add(&cfg);
	if (IS_ERR(region))
		return dev_err_probe(&pdev->dev, PTR_ERR(region), "cannot add the region\n");
	return devm_add_action_or_reset(&pdev->dev, loopback_remove, region);
}

static struct platform_driver loopback_driver = {
	.probe	= loopback_probe,
	.driver	= {
		.name		= LOOPBACK_NAME,
		.probe_type	= PROBE_FORCE_SYNCHRONOUS,
	},
};

static int loopback_check(void)
{
	struct shmipc_geometry geo;

	if (loopback && (loopback < 2 || loopback > SHMIPC_PEERS_MAX)) {
		pr_err("loopback=%d: must be 0 (none), or 2 to %d\n", loopback,
		       SHMIPC_PEERS_MAX);
		return -EINVAL;
	}
	if (loopback_size < SZ_4K || loopback_size > SZ_64M || loopback_size % 128) {
		pr_err("loopback_size=%lu: must be a multiple of 128 from %d to %d\n",
		       loopback_size, SZ_4K, SZ_64M);
		return -EINVAL;
	}
	if (loopback && shmipc_geometry_init(&geo, loopback_size, loopback)) {
		pr_err("loopback_size=%lu: too small for %d regions\n", loopback_size, loopback);
		return -EINVAL;
	}
	return 0;
}

static void loopback_free(void)
{
	int i;

	for (i = 0; i < loopback; i++) {
		vfree(fabric.sections[i]);
		fabric.sections[i] = NULL;
	}
}

static int loopback_alloc(void)
{
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	int i;

	fabric.section_bytes = loopback_size;
	for (i = 0; i < loopback; i++) {
		fabric.sections[i] = __vmalloc(loopback_size, gfp);
		if (fabric.sections[i])
			continue;
		pr_err("loopback: no memory for %d sections of %lu bytes\n", loopback,
		       loopback_size);
		loopback_free();
		return -ENOMEM;
	}
	return 0;
}

/* One that fails spares the others */
static void loopback_populate(void)
{
	struct platform_device *pdev;
	int i;

	for (i = 0; i < loopback; i++) {
		pdev = platform_device_register_simple(LOOPBACK_NAME, i, NULL, 0);
		if (IS_ERR(pdev))
			pr_err("loopback: cannot register device %d: %pe\n", i, pdev);
		else
			fabric.devices[i] = pdev;
	}
}

/**
 * shmipc_loopback_init() - make as many regions as the parameter says
 *
 * Return: 0, also when a single one failed; -EINVAL, -ENOMEM, having said why.
 */
int shmipc_loopback_init(void)
{
	int err;

	err = loopback_check();
	if (err || !loopback)
		return err;
	err = loopback_alloc();
	if (err)
		return err;
	err = platform_driver_register(&loopback_driver);
	if (err) {
		loopback_free();
		return err;
	}
	loopback_populate();
	return 0;
}

void shmipc_loopback_exit(void)
{
	int i;

	if (!loopback)
		return;
	for (i = 0; i < loopback; i++)
		if (fabric.devices[i])
			platform_device_unregister(fabric.devices[i]);
	platform_driver_unregister(&loopback_driver);
	loopback_free();
}
