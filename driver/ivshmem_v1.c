// SPDX-License-Identifier: GPL-2.0
/*
 * The ivshmem transport as QEMU has it: PCI 1af4:1110 revision 1.
 *
 *	BAR 0	registers	IntrMask 0, IntrStatus 4, IVPosition 8, Doorbell 12
 *	BAR 1	MSI-X		of an ivshmem-doorbell; ivshmem-plain has none
 *	BAR 2	the memory	one piece: divided.c; mapped write-back, since it is memory
 *				of the host, the same for all who share it
 *
 * Behind shmipc-server IVPosition, the id that others ring us with, is our slot. QEMU's
 * own server hands out ever higher ids, and -plain none: there slots are claimed.
 *
 * Vector v is rung by the peers whose slot modulo our vectors is v; but QEMU lets a
 * device ring no higher vectors than it has itself, so the smaller number of the two
 * counts. At probe we ring
 * ourselves: vectors that do not arrive are not published, and with none we poll, and
 * go on trying.
 *
 * Other drivers use the same id, so there is no alias to load this one by, and probe
 * looks at the memory before it says yes. What it declines it says in one line.
 *
 * When the claim of our slot is lost (we had been paused, and somebody took us for
 * dead), the region goes and a new one comes: ivshmem_attach(), ivshmem_detach().
 */
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "divided.h"
#include "ivshmem_bells.h"

#define IVSHMEM_NAME		"shmipc-ivshmem-v1"
#define IVSHMEM_VENDOR		0x1af4
#define IVSHMEM_DEVICE		0x1110
#define IVSHMEM_REVISION	1

#define IVSHMEM_POSITION	8
#define IVSHMEM_DOORBELL	12
#define IVSHMEM_REGS_BYTES	16

#define IVSHMEM_AGAIN_MS	1000	/* between two tries to get a slot back */

/**
 * struct ivshmem - one device
 * @divided: its memory
 * @bells: its interrupts
 * @pdev: device
 * @regs: BAR 0
 * @region: that may be kicked, read under RCU; changed with @lock
 * @attached: the region that was added; with @lock
 * @lock: one at a time attaches and detaches
 * @leaving: for good
 * @reattach: the slot was lost
 */
struct ivshmem {
	struct shmipc_divided divided;
	struct shmipc_bells bells;
	struct pci_dev *pdev;
	void __iomem *regs;
	struct shmipc_region __rcu *region;
	struct shmipc_region *attached;
	struct mutex lock;	/* covers attaching and detaching */
	bool leaving;
	struct delayed_work reattach;
};

static void ivshmem_write_doorbell(struct ivshmem *iv, u32 id, u32 vector)
{
	if (id <= SHMIPC_DIVIDED_ID_MAX)
		iowrite32(id << 16 | vector, iv->regs + IVSHMEM_DOORBELL);
}

/* Of the owner of a slot, while we have none */
static void ivshmem_ring_owner(struct shmipc_divided *divided, u32 id)
{
	ivshmem_write_doorbell(container_of(divided, struct ivshmem, divided), id, 0);
}

/* In the handler, inside rcu_read_lock() */
static void ivshmem_rang(struct shmipc_bells *bells, u32 vector)
{
	struct ivshmem *iv = container_of(bells, struct ivshmem, bells);
	struct shmipc_region *region = rcu_dereference(iv->region);

	if (!region)
		return;
	shmipc_divided_beat(&iv->divided);	/* a claim goes after the region */
	shmipc_region_rang(region, shmipc_bells_who(region, vector, READ_ONCE(bells->works)),
			   false);
}

static void ivshmem_ring_self(struct shmipc_bells *bells, u32 vector)
{
	struct ivshmem *iv = container_of(bells, struct ivshmem, bells);

	ivshmem_write_doorbell(iv, iv->divided.id, vector);
}

/* ---- what the region calls ---- */

static int ivshmem_start(struct shmipc_region *region)
{
	struct ivshmem *iv = region->cfg.priv;
	int err = 0;

	if (!iv->bells.works)
		err = shmipc_polling_start(region);
	if (!err)
		rcu_assign_pointer(iv->region, region);
	return err;
}

/* shmipc_region_remove() waits for those who have found it */
static void ivshmem_stop(struct shmipc_region *region)
{
	struct ivshmem *iv = region->cfg.priv;

	RCU_INIT_POINTER(iv->region, NULL);
	shmipc_bells_unwatch(&iv->bells);
	shmipc_polling_stop(region);
}

/* Who has no vectors polls. What a peer says of itself is bounded, not trusted */
static void ivshmem_ring(struct shmipc_region *region, u32 peer, bool nested)
{
	struct ivshmem *iv = region->cfg.priv;
	u32 id, vectors;

	shmipc_polling_poke(region);
	if (!region->fmt->doorbell(&region->links[peer], &id, &vectors) || !vectors)
		return;
	if (iv->divided.div.server)
		id = peer;
	if (iv->divided.id == SHMIPC_DIVIDED_NO_ID)
		return;
	vectors = min(vectors, max(READ_ONCE(iv->bells.works), 1U));
	ivshmem_write_doorbell(iv, id, region->cfg.peer % vectors);
	atomic64_inc(&region->links[peer].rings);
}

/* Any context */
static void ivshmem_lost(struct shmipc_region *region)
{
	struct ivshmem *iv = region->cfg.priv;

	if (!READ_ONCE(iv->leaving))
		schedule_delayed_work(&iv->reattach, 0);
}

/* Before anything is written into the section; any context */
static bool ivshmem_held(struct shmipc_region *region)
{
	struct ivshmem *iv = region->cfg.priv;

	if (likely(shmipc_divided_held(&iv->divided)))
		return true;
	ivshmem_lost(region);
	return false;
}

static void ivshmem_beat(struct shmipc_region *region)
{
	struct ivshmem *iv = region->cfg.priv;

	shmipc_divided_beat(&iv->divided);
	if (shmipc_divided_held(&iv->divided))
		region->fmt->beat(region);
}

static const struct shmipc_transport_ops ivshmem_ops = {
	.transport	= SHMIPC_TRANSPORT_IVSHMEM_V1,
	.name		= "ivshmem-v1",
	.start		= ivshmem_start,
	.stop		= ivshmem_stop,
	.ring		= ivshmem_ring,
	.held		= ivshmem_held,
	.lost		= ivshmem_lost,
	.beat		= ivshmem_beat,
	.lossy		= true,
};

/* ---- interrupts ---- */

/* An ivshmem-doorbell has MSI-X, an ivshmem-plain has not */
static int ivshmem_find_doorbell(struct ivshmem *iv)
{
	struct pci_dev *pdev = iv->pdev;
	u32 id;
	int err;

	iv->divided.id = SHMIPC_DIVIDED_NO_ID;
	if (!pci_find_capability(pdev, PCI_CAP_ID_MSIX))
		return 0;
	id = ioread32(iv->regs + IVSHMEM_POSITION);
	if (id > SHMIPC_DIVIDED_ID_MAX) {
		dev_err(&pdev->dev, "declined: IVPosition is %d: is there a server behind this device?\n",
			(int)id);
		return -ENODEV;
	}
	iv->divided.id = id;
	iv->divided.ring = ivshmem_ring_owner;
	pci_set_master(pdev);
	err = shmipc_bells_request(&iv->bells, SHMIPC_BELLS_MAX, false);
	if (err) {
		dev_warn(&pdev->dev, "no interrupt (%pe), polling\n", ERR_PTR(err));
		return 0;
	}
	iv->bells.works = shmipc_bells_check(&iv->bells, SHMIPC_BELLS_CHECK_MS);
	if (!iv->bells.works)
		dev_warn(&pdev->dev, "interrupts do not arrive, polling\n");
	return 0;
}

/* ---- coming and going ---- */

/* The memory is open: get a slot and show ourselves; @lock */
static int ivshmem_attach(struct ivshmem *iv)
{
	struct device *dev = &iv->pdev->dev;
	struct shmipc_region_config cfg = {
		.ops = &ivshmem_ops,
		.priv = iv,
		.parent = dev,
		.doorbell = shmipc_bells_doorbell(&iv->bells),
		.doorbell_id = iv->divided.id,
		.vectors = iv->bells.works,
		.memory = SHMIPC_MEMORY_CACHED,
	};
	struct shmipc_region *region;
	int err;

	err = shmipc_divided_take(&iv->divided);
	if (err)
		return err;
	shmipc_divided_config(&iv->divided, &cfg);
	region = shmipc_region_add(&cfg);
	if (IS_ERR(region)) {
		shmipc_divided_release(&iv->divided);
		return dev_err_probe(dev, PTR_ERR(region), "cannot add the region\n");
	}
	iv->attached = region;
	shmipc_bells_watch(&iv->bells, region);
	dev_info(dev, "%s: peer %u of %u, %s, %u vectors\n", dev_name(&region->dev), cfg.peer,
		 cfg.peers, iv->divided.claimed ? "slot claimed" : "slot from the server",
		 iv->bells.works);
	return 0;
}

/* Peers see us leave; @lock */
static void ivshmem_detach(struct ivshmem *iv)
{
	if (!iv->attached)
		return;
	shmipc_region_remove(iv->attached);
	iv->attached = NULL;
	shmipc_divided_release(&iv->divided);
}

static void ivshmem_reattach(struct work_struct *work)
{
	struct ivshmem *iv = container_of(to_delayed_work(work), struct ivshmem, reattach);

	mutex_lock(&iv->lock);
	if (iv->attached)
		dev_warn(&iv->pdev->dev, "our slot is another's now, attaching anew\n");
	ivshmem_detach(iv);
	/* The one that is gone asked again while it went; from here to attaching nobody asks */
	cancel_delayed_work(&iv->reattach);
	if (!READ_ONCE(iv->leaving) && (shmipc_divided_again(&iv->divided) || ivshmem_attach(iv)))
		schedule_delayed_work(&iv->reattach, msecs_to_jiffies(IVSHMEM_AGAIN_MS));
	mutex_unlock(&iv->lock);
}

static int ivshmem_map(struct ivshmem *iv)
{
	struct pci_dev *pdev = iv->pdev;
	int err;

	err = shmipc_bells_enable(pdev, IVSHMEM_NAME);
	if (err)
		return err;
	if (pci_resource_len(pdev, 0) < IVSHMEM_REGS_BYTES ||
	    pci_resource_len(pdev, 2) < 2 * SZ_4K || pci_resource_len(pdev, 2) > SIZE_MAX / 2) {
		dev_err(&pdev->dev, "declined: BAR 0 has %llu and BAR 2 %llu bytes, which is too small, or more than can be mapped: give the device another size\n",
			(u64)pci_resource_len(pdev, 0), (u64)pci_resource_len(pdev, 2));
		return -ENODEV;
	}
	iv->regs = devm_ioremap(&pdev->dev, pci_resource_start(pdev, 0), IVSHMEM_REGS_BYTES);
	iv->divided.bytes = pci_resource_len(pdev, 2);
	iv->divided.mem = devm_memremap(&pdev->dev, pci_resource_start(pdev, 2),
					iv->divided.bytes, MEMREMAP_WB);
	if (!iv->regs || IS_ERR_OR_NULL(iv->divided.mem)) {
		dev_err(&pdev->dev, "cannot map the device's memory\n");
		return -ENOMEM;
	}
	return 0;
}

static int ivshmem_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct ivshmem *iv;
	int err;

	if (pdev->revision != IVSHMEM_REVISION) {
		dev_err(&pdev->dev, "declined: revision %u, and this driver is for revision %d: QEMU 2.6 and later has it\n",
			pdev->revision, IVSHMEM_REVISION);
		return -ENODEV;
	}
	iv = devm_kzalloc(&pdev->dev, sizeof(*iv), GFP_KERNEL);
	if (!iv)
		return -ENOMEM;
	iv->pdev = pdev;
	iv->divided.dev = &pdev->dev;
	mutex_init(&iv->lock);
	INIT_DELAYED_WORK(&iv->reattach, ivshmem_reattach);
	iv->bells.pdev = pdev;
	iv->bells.name = IVSHMEM_NAME;
	iv->bells.rang = ivshmem_rang;
	iv->bells.ring_self = ivshmem_ring_self;
	shmipc_bells_init(&iv->bells);
	pci_set_drvdata(pdev, iv);

	err = ivshmem_map(iv);
	if (!err)
		err = shmipc_divided_open(&iv->divided);
	if (!err)
		err = ivshmem_find_doorbell(iv);
	if (err)
		return err;
	mutex_lock(&iv->lock);
	err = ivshmem_attach(iv);
	mutex_unlock(&iv->lock);
	if (err) {	/* a region that came up half way may have lost its slot */
		WRITE_ONCE(iv->leaving, true);
		cancel_delayed_work_sync(&iv->reattach);
	}
	/* Said already: the driver core has nothing to add */
	return err == -EBUSY ? -ENODEV : err;
}

/* Unplugged, unbound, or the machine goes down: peers are told at once */
static void ivshmem_leave(struct pci_dev *pdev)
{
	struct ivshmem *iv = pci_get_drvdata(pdev);

	WRITE_ONCE(iv->leaving, true);
	cancel_delayed_work_sync(&iv->reattach);
	mutex_lock(&iv->lock);
	ivshmem_detach(iv);
	mutex_unlock(&iv->lock);
	/* Whoever asked for it before we detached had not seen that we leave */
	cancel_delayed_work_sync(&iv->reattach);
}

/* Memory may have been changed, rings been lost, or peers have given us up: look */
static int __maybe_unused ivshmem_resume(struct device *dev)
{
	struct ivshmem *iv = dev_get_drvdata(dev);

	mutex_lock(&iv->lock);
	if (iv->attached)
		shmipc_region_look(iv->attached);
	mutex_unlock(&iv->lock);
	return 0;
}

static SIMPLE_DEV_PM_OPS(ivshmem_pm, NULL, ivshmem_resume);

/* No MODULE_DEVICE_TABLE: see above */
static const struct pci_device_id ivshmem_ids[] = {
	{ PCI_DEVICE(IVSHMEM_VENDOR, IVSHMEM_DEVICE) },
	{ }
};

static struct pci_driver ivshmem_driver = {
	.name		= IVSHMEM_NAME,
	.id_table	= ivshmem_ids,
	.probe		= ivshmem_probe,
	.remove		= ivshmem_leave,
	.shutdown	= ivshmem_leave,
	.driver.pm	= &ivshmem_pm,
};

/**
 * shmipc_ivshmem_v1_init() - take the devices that there are, and that will come
 *
 * Return: 0; -EINVAL, having said why.
 */
int shmipc_ivshmem_v1_init(void)
{
	int err = shmipc_divided_check();

	return err ? err : pci_register_driver(&ivshmem_driver);
}

void shmipc_ivshmem_v1_exit(void)
{
	pci_unregister_driver(&ivshmem_driver);
}
