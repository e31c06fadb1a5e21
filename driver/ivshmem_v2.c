// SPDX-License-Identifier: GPL-2.0
/*
 * The ivshmem v2 transport as Jailhouse has it: PCI 110a:4106.
 *
 *	BAR 0		registers	ID 0, MaxPeers 4, IntControl 8, Doorbell 12, State 16
 *	BAR 1		MSI-X		some; whatever else is written there stops the cell, so
 *					only the PCI core goes there
 *	BAR 2		the memory	or at an address that the vendor capability tells:
 *					ivshmem_v2_map.c
 *
 * The hypervisor keeps a table of all peers' State, and interrupts everybody when one
 * changes: on vector 0, or on the line (INTx), which is the same for doorbells. Nothing
 * says why an interrupt came; so the table is compared with our copy of it.
 *
 * We publish the epoch of our section as our State, the last thing when we come, and 0
 * the first thing when we go (the hypervisor does it for who crashed). Who reads it
 * believes a section only together with the same epoch there.
 *
 * A doorbell is dropped, and does not stay pending, while its target has IntControl 0,
 * or its interrupts are not set up. So after enabling them we look.
 *
 * One-shot mode: an interrupt clears IntControl. Nothing interrupts us while we look,
 * and then we enable again and look once more, since rings have been dropped meanwhile.
 * That saves interrupts on a line, which has one handler, and tells whether one was ours;
 * vectors would silence each other. The hypervisor does not reset the mode when a driver
 * leaves: it is always set.
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "ivshmem_bells.h"
#include "ivshmem_v2.h"

#define IVSHMEM2_VENDOR		0x110a
#define IVSHMEM2_DEVICE		0x4106
#define IVSHMEM2_CLASS_BASE	0xff
#define IVSHMEM2_PROTOCOL	0x5348	/* "SH" */

#define IVSHMEM2_ID		0
#define IVSHMEM2_MAX_PEERS	4
#define IVSHMEM2_INT_CONTROL	8
#define IVSHMEM2_DOORBELL	12
#define IVSHMEM2_STATE		16
#define IVSHMEM2_REGS_BYTES	20

#define IVSHMEM2_PRIV_CONTROL	3	/* in the vendor capability */
#define IVSHMEM2_ONE_SHOT	0x01

static unsigned short protocols[16];
static unsigned int nr_protocols;
module_param_array(protocols, ushort, &nr_protocols, 0444);
MODULE_PARM_DESC(protocols, "Class protocols of ivshmem v2 devices to take beside 0x5348, e.g. 0 for those of Jailhouse's demos");

static int oneshot = -1;
module_param(oneshot, int, 0444);
MODULE_PARM_DESC(oneshot, "ivshmem v2: no interrupt while one is being handled: 1 yes, 0 no, -1 if there is only one (INTx) (-1)");

/**
 * struct ivshmem2 - one device
 * @mem: its memory
 * @bells: its interrupts
 * @pdev: device
 * @regs: BAR 0
 * @one_shot: mode
 * @region: that may be kicked, read under RCU
 * @attached: the region that was added
 * @states_lock: covers @states
 * @states: the state table as we saw it last
 * @arm_lock: covers enabling interrupts against leaving
 * @leaving: for good: they stay off
 */
struct ivshmem2 {
	struct ivshmem2_memory mem;
	struct shmipc_bells bells;
	struct pci_dev *pdev;
	void __iomem *regs;
	bool one_shot;
	struct shmipc_region __rcu *region;
	struct shmipc_region *attached;
	spinlock_t states_lock;	/* covers states */
	u32 states[SHMIPC_PEERS_MAX];
	spinlock_t arm_lock;	/* covers IntControl and leaving */
	bool leaving;
};

static void ivshmem2_write(struct ivshmem2 *iv, u32 reg, u32 value)
{
	iowrite32(value, iv->regs + reg);
}

/* What somebody stored before rings is seen by who looks after this; any context */
static void ivshmem2_arm(struct ivshmem2 *iv)
{
	unsigned long flags;

	if (!iv->bells.nr)
		return;
	spin_lock_irqsave(&iv->arm_lock, flags);
	if (!iv->leaving)
		ivshmem2_write(iv, IVSHMEM2_INT_CONTROL, 1);
	spin_unlock_irqrestore(&iv->arm_lock, flags);
	/* Enabled before we look. Pairs with the peer, which stores before it rings */
	mb();
}

static void ivshmem2_disarm(struct ivshmem2 *iv)
{
	unsigned long flags;

	spin_lock_irqsave(&iv->arm_lock, flags);
	iv->leaving = true;
	ivshmem2_write(iv, IVSHMEM2_INT_CONTROL, 0);
	spin_unlock_irqrestore(&iv->arm_lock, flags);
}

static u32 ivshmem2_state(const struct ivshmem2 *iv, u32 peer)
{
	/* Pairs with ivshmem2_start() at the peer: its section is not older than this */
	return shm_acquire32(&iv->mem.table[peer]);
}

/* Has anybody's state changed since the last look? Any context */
static bool ivshmem2_states_changed(struct ivshmem2 *iv)
{
	unsigned long flags;
	bool changed = false;
	u32 peer, state;

	spin_lock_irqsave(&iv->states_lock, flags);
	for (peer = 0; peer < iv->mem.layout.peers; peer++) {
		state = ivshmem2_state(iv, peer);
		changed |= state != iv->states[peer] && peer != iv->mem.layout.id;
		iv->states[peer] = state;
	}
	spin_unlock_irqrestore(&iv->states_lock, flags);
	return changed;
}

static u64 ivshmem2_everybody(const struct ivshmem2 *iv)
{
	return GENMASK_ULL(iv->mem.layout.peers - 1, 0);
}

/* In the handler, inside rcu_read_lock() */
static void ivshmem2_rang(struct shmipc_bells *bells, u32 vector)
{
	struct ivshmem2 *iv = container_of(bells, struct ivshmem2, bells);
	struct shmipc_region *region = rcu_dereference(iv->region);
	u64 who = ivshmem2_everybody(iv);
	bool states = !vector && ivshmem2_states_changed(iv);

	if (region && vector)
		who = shmipc_bells_who(region, vector, READ_ONCE(bells->works));
	if (region && READ_ONCE(bells->checking))
		shmipc_region_kick(region);
	else if (region)
		shmipc_region_rang(region, who, states);
	if (!iv->one_shot)
		return;
	ivshmem2_arm(iv);
	if (region)
		shmipc_region_kick(region);
}

/*
 * Nothing says whose interrupt it is that came on a line which devices share; but in
 * one-shot mode ours has switched itself off.
 */
static bool ivshmem2_ours(struct shmipc_bells *bells)
{
	struct ivshmem2 *iv = container_of(bells, struct ivshmem2, bells);

	return !READ_ONCE(iv->leaving) && !(ioread32(iv->regs + IVSHMEM2_INT_CONTROL) & 1);
}

static void ivshmem2_ring_self(struct shmipc_bells *bells, u32 vector)
{
	struct ivshmem2 *iv = container_of(bells, struct ivshmem2, bells);

	ivshmem2_arm(iv);
	ivshmem2_write(iv, IVSHMEM2_DOORBELL, iv->mem.layout.id << 16 | vector);
}

/* ---- what the region calls ---- */

static int ivshmem2_start(struct shmipc_region *region)
{
	struct ivshmem2 *iv = region->cfg.priv;
	int err = 0;

	if (!iv->bells.works)
		err = shmipc_polling_start(region);
	if (err)
		return err;
	ivshmem2_states_changed(iv);
	rcu_assign_pointer(iv->region, region);
	ivshmem2_arm(iv);
	/* The section before what vouches for it. Pairs with witnessed() at the peer */
	mb();
	ivshmem2_write(iv, IVSHMEM2_STATE, region->state);
	return 0;
}

/* shmipc_region_remove() waits for those who have found it */
static void ivshmem2_stop(struct shmipc_region *region)
{
	struct ivshmem2 *iv = region->cfg.priv;

	ivshmem2_write(iv, IVSHMEM2_STATE, 0);
	RCU_INIT_POINTER(iv->region, NULL);
	shmipc_bells_unwatch(&iv->bells);
	shmipc_polling_stop(region);
}

/* Those of the demos take the vector that has their id's number; on a line there is 0 */
static u32 ivshmem2_foreign_vector(const struct ivshmem2 *iv, u32 peer)
{
	return iv->bells.line || !iv->bells.nr ? 0 : min(peer, iv->bells.nr - 1);
}

/* Who has no vectors polls. What a peer says of itself is bounded, not trusted */
static void ivshmem2_ring(struct shmipc_region *region, u32 peer, bool nested)
{
	struct ivshmem2 *iv = region->cfg.priv;
	u32 id, vectors, vector;

	shmipc_polling_poke(region);
	if (region->fmt->foreign) {
		vector = ivshmem2_foreign_vector(iv, peer);
	} else {
		if (!region->fmt->doorbell(&region->links[peer], &id, &vectors) || !vectors)
			return;
		vector = region->cfg.peer % min(vectors, max(READ_ONCE(iv->bells.works), 1U));
	}
	/* What it is to find there before the ring. Pairs with its look after an interrupt */
	mb();
	ivshmem2_write(iv, IVSHMEM2_DOORBELL, peer << 16 | vector);
	/* A ring that was dropped since its vector was masked may have switched us off */
	if (iv->one_shot && !iv->bells.line)
		ivshmem2_arm(iv);
	atomic64_inc(&region->links[peer].rings);
}

static u32 ivshmem2_peer_state(struct shmipc_region *region, u32 peer)
{
	return ivshmem2_state(region->cfg.priv, peer);
}

static void ivshmem2_beat(struct shmipc_region *region)
{
	region->fmt->beat(region);
}

static const struct shmipc_transport_ops ivshmem2_ops = {
	.transport	= SHMIPC_TRANSPORT_IVSHMEM_V2,
	.name		= "ivshmem-v2",
	.start		= ivshmem2_start,
	.stop		= ivshmem2_stop,
	.ring		= ivshmem2_ring,
	.peer_state	= ivshmem2_peer_state,
	.beat		= ivshmem2_beat,
	.lossy		= true,
};

/* ---- coming and going ---- */

static void ivshmem2_set_one_shot(struct ivshmem2 *iv)
{
	int at = iv->mem.cap + IVSHMEM2_PRIV_CONTROL;
	u8 control = 0;

	pci_read_config_byte(iv->pdev, at, &control);
	control &= ~IVSHMEM2_ONE_SHOT;
	if (iv->one_shot)
		control |= IVSHMEM2_ONE_SHOT;
	pci_write_config_byte(iv->pdev, at, control);
}

static void ivshmem2_find_doorbell(struct ivshmem2 *iv)
{
	int err;

	pci_set_master(iv->pdev);
	if (oneshot)
		iv->bells.ours = ivshmem2_ours;
	err = shmipc_bells_request(&iv->bells, SHMIPC_BELLS_MAX, true);
	iv->one_shot = !err && (oneshot < 0 ? iv->bells.line : oneshot);
	ivshmem2_set_one_shot(iv);
	if (err) {
		dev_warn(&iv->pdev->dev, "no interrupt (%pe), polling\n", ERR_PTR(err));
		return;
	}
	iv->bells.works = shmipc_bells_check(&iv->bells, SHMIPC_BELLS_CHECK_MS);
	if (!iv->bells.works)
		dev_warn(&iv->pdev->dev, "interrupts do not arrive, polling\n");
}

static int ivshmem2_attach(struct ivshmem2 *iv)
{
	const struct shmipc_ivshmem2 *layout = &iv->mem.layout;
	struct device *dev = &iv->pdev->dev;
	struct shmipc_region_config cfg = {
		.ops = &ivshmem2_ops,
		.priv = iv,
		.parent = dev,
		.doorbell = shmipc_bells_doorbell(&iv->bells),
		.doorbell_id = layout->id,
		.vectors = iv->bells.works,
		.memory = SHMIPC_MEMORY_CACHED,
		.peer = layout->id,
		.peers = layout->peers,
		.section_bytes = layout->out_bytes,
		.sections = iv->mem.sections,
		.machines = true,
		.any_format = true,
		.table = iv->mem.table,
		.table_bytes = layout->state_bytes,
		.rw = iv->mem.rw,
		.rw_bytes = layout->rw_bytes,
	};
	struct shmipc_region *region = shmipc_region_add(&cfg);

	if (IS_ERR(region))
		return dev_err_probe(dev, PTR_ERR(region), "cannot add the region\n");
	iv->attached = region;
	shmipc_bells_watch(&iv->bells, region);
	dev_info(dev, "%s: peer %u of %u, sections of %llu bytes, %s, %u vectors%s\n",
		 dev_name(&region->dev), cfg.peer, cfg.peers, layout->out_bytes,
		 !iv->bells.works ? "polling" : iv->bells.line ? "INTx" : "MSI-X", iv->bells.works,
		 iv->one_shot ? ", one-shot" : "");
	return 0;
}

/* Whose device is it? In one line, since without it there would be silence */
static int ivshmem2_check_class(struct pci_dev *pdev)
{
	u32 protocol = pdev->class & 0xffff;
	unsigned int i;

	if (pdev->class >> 16 != IVSHMEM2_CLASS_BASE) {
		dev_info(&pdev->dev, "declined: class %#08x is not that of an ivshmem v2 device\n",
			 pdev->class);
		return -ENODEV;
	}
	if (protocol == IVSHMEM2_PROTOCOL)
		return 0;
	for (i = 0; i < nr_protocols; i++)
		if (protocols[i] == protocol)
			return 0;
	dev_info(&pdev->dev, "declined: its class protocol is %#06x, and shmipc's is %#06x: if it is for shmipc all the same, load with protocols=%#06x\n",
		 protocol, IVSHMEM2_PROTOCOL, protocol);
	return -ENODEV;
}

static int ivshmem2_map_all(struct ivshmem2 *iv)
{
	struct pci_dev *pdev = iv->pdev;
	int err;

	err = shmipc_bells_enable(pdev, IVSHMEM2_NAME);
	if (err)
		return err;
	if (!(pci_resource_flags(pdev, 0) & IORESOURCE_MEM) ||
	    pci_resource_len(pdev, 0) < IVSHMEM2_REGS_BYTES) {
		dev_err(&pdev->dev, "declined: its BAR 0 is too small for the registers\n");
		return -ENODEV;
	}
	iv->regs = devm_ioremap(&pdev->dev, pci_resource_start(pdev, 0), IVSHMEM2_REGS_BYTES);
	if (!iv->regs)
		return -ENOMEM;
	/* Nobody believes us before we say so; a kernel before us may have crashed */
	ivshmem2_write(iv, IVSHMEM2_INT_CONTROL, 0);
	ivshmem2_write(iv, IVSHMEM2_STATE, 0);
	return ivshmem2_map(pdev, &iv->mem, ioread32(iv->regs + IVSHMEM2_ID),
			    ioread32(iv->regs + IVSHMEM2_MAX_PEERS));
}

static int ivshmem2_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct ivshmem2 *iv;
	int err;

	err = ivshmem2_check_class(pdev);
	if (err)
		return err;
	iv = devm_kzalloc(&pdev->dev, sizeof(*iv), GFP_KERNEL);
	if (!iv)
		return -ENOMEM;
	iv->pdev = pdev;
	spin_lock_init(&iv->states_lock);
	spin_lock_init(&iv->arm_lock);
	iv->bells.pdev = pdev;
	iv->bells.name = IVSHMEM2_NAME;
	iv->bells.rang = ivshmem2_rang;
	iv->bells.ring_self = ivshmem2_ring_self;
	shmipc_bells_init(&iv->bells);
	pci_set_drvdata(pdev, iv);

	err = ivshmem2_map_all(iv);
	if (err)
		return err;
	ivshmem2_find_doorbell(iv);
	err = ivshmem2_attach(iv);
	if (err) {
		ivshmem2_write(iv, IVSHMEM2_STATE, 0);
		ivshmem2_disarm(iv);
	}
	return err;
}

/* Unplugged, unbound, or the machine goes down, also for another kernel */
static void ivshmem2_leave(struct pci_dev *pdev)
{
	struct ivshmem2 *iv = pci_get_drvdata(pdev);

	if (iv->attached)
		shmipc_region_remove(iv->attached);
	iv->attached = NULL;
	ivshmem2_disarm(iv);
}

/* The registers may have been reset, rings been lost, or peers have given us up */
static int __maybe_unused ivshmem2_resume(struct device *dev)
{
	struct ivshmem2 *iv = dev_get_drvdata(dev);

	if (!iv->attached)
		return 0;
	ivshmem2_set_one_shot(iv);
	ivshmem2_arm(iv);
	ivshmem2_write(iv, IVSHMEM2_STATE, iv->attached->state);
	shmipc_region_look(iv->attached);
	return 0;
}

static SIMPLE_DEV_PM_OPS(ivshmem2_pm, NULL, ivshmem2_resume);

/* All of them: who has one of another class is to be told why nothing happens */
static const struct pci_device_id ivshmem2_ids[] = {
	{ PCI_DEVICE(IVSHMEM2_VENDOR, IVSHMEM2_DEVICE) },
	{ }
};

/* But the module is loaded by itself for what is ours without doubt */
static const struct pci_device_id __maybe_unused ivshmem2_aliases[] = {
	{
		PCI_DEVICE(IVSHMEM2_VENDOR, IVSHMEM2_DEVICE),
		.class = IVSHMEM2_CLASS_BASE << 16 | IVSHMEM2_PROTOCOL,
		.class_mask = 0xffffff,
	},
	{ }
};
MODULE_DEVICE_TABLE(pci, ivshmem2_aliases);

static struct pci_driver ivshmem2_driver = {
	.name		= IVSHMEM2_NAME,
	.id_table	= ivshmem2_ids,
	.probe		= ivshmem2_probe,
	.remove		= ivshmem2_leave,
	.shutdown	= ivshmem2_leave,
	.driver.pm	= &ivshmem2_pm,
};

/**
 * shmipc_ivshmem_v2_init() - take the devices that there are, and that will come
 *
 * Return: 0; -EINVAL, having said why.
 */
int shmipc_ivshmem_v2_init(void)
{
	if (oneshot < -1 || oneshot > 1) {
		pr_err("shmipc: oneshot=%d: must be 1, 0 or -1\n", oneshot);
		return -EINVAL;
	}
	return pci_register_driver(&ivshmem2_driver);
}

void shmipc_ivshmem_v2_exit(void)
{
	pci_unregister_driver(&ivshmem2_driver);
}
