// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupts of an ivshmem device, of either generation. At probe we ring
 * ourselves: vectors that do not arrive are not published, and with none we poll, and
 * go on trying.
 */
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/pci.h>

#include "ivshmem_bells.h"

#define BELLS_CHECK_STEP_MS	10
#define BELLS_AGAIN_MS		1000	/* between two checks while we poll */

static irqreturn_t bells_interrupt(int irq, void *data)
{
	struct shmipc_bell_vector *vector = data;
	struct shmipc_bells *bells = vector->bells;

	if (bells->line && bells->ours && !bells->ours(bells))
		return IRQ_NONE;
	WRITE_ONCE(vector->count, vector->count + 1);
	rcu_read_lock();
	bells->rang(bells, vector->index);
	rcu_read_unlock();
	return IRQ_HANDLED;
}

/* From the first on, how many have come since @before was noted */
static u32 bells_arrived(const struct shmipc_bells *bells, const u32 *before)
{
	u32 v;

	for (v = 0; v < bells->nr; v++)
		if (READ_ONCE(bells->vectors[v].count) == before[v])
			break;
	return v;
}

/**
 * shmipc_bells_check() - ring ourselves
 * @bells: requested
 * @ms: how long to wait
 *
 * Process context.
 *
 * Return: how many vectors arrive, from the first on.
 */
u32 shmipc_bells_check(struct shmipc_bells *bells, unsigned int ms)
{
	unsigned long until = jiffies + msecs_to_jiffies(ms);
	u32 before[SHMIPC_BELLS_MAX];
	u32 v, works;

	for (v = 0; v < bells->nr; v++)
		before[v] = READ_ONCE(bells->vectors[v].count);
	WRITE_ONCE(bells->checking, true);
	do {
		for (v = 0; v < bells->nr; v++)
			bells->ring_self(bells, v);
		msleep(BELLS_CHECK_STEP_MS);
		works = bells_arrived(bells, before);
	} while (works < bells->nr && time_before(jiffies, until));
	WRITE_ONCE(bells->checking, false);
	return works;
}

/* SHMIPC_DOORBELL_* of what works */
u32 shmipc_bells_doorbell(const struct shmipc_bells *bells)
{
	if (!bells->works)
		return SHMIPC_DOORBELL_POLLING;
	return bells->line ? SHMIPC_DOORBELL_INTX : SHMIPC_DOORBELL_MSIX;
}

/* The interrupts that did not come when we attached: now? */
static void bells_recheck(struct work_struct *work)
{
	struct shmipc_bells *bells = container_of(to_delayed_work(work), struct shmipc_bells,
						  recheck);
	struct shmipc_region *region = bells->region;
	u32 works = shmipc_bells_check(bells, BELLS_CHECK_STEP_MS);

	if (!works) {
		schedule_delayed_work(&bells->recheck, msecs_to_jiffies(BELLS_AGAIN_MS));
		return;
	}
	dev_info(&bells->pdev->dev, "interrupts arrive, no longer polling\n");
	WRITE_ONCE(bells->works, works);
	shmipc_polling_stop(region);
	shmipc_region_set_doorbell(region, shmipc_bells_doorbell(bells), works);
}

/* The region has been added: if it polls, go on trying */
void shmipc_bells_watch(struct shmipc_bells *bells, struct shmipc_region *region)
{
	bells->region = region;
	if (!bells->works && bells->nr)
		schedule_delayed_work(&bells->recheck, msecs_to_jiffies(BELLS_AGAIN_MS));
}

/* By the transport's stop */
void shmipc_bells_unwatch(struct shmipc_bells *bells)
{
	cancel_delayed_work_sync(&bells->recheck);
}

void shmipc_bells_init(struct shmipc_bells *bells)
{
	INIT_DELAYED_WORK(&bells->recheck, bells_recheck);
}

static void bells_free(void *data)
{
	struct shmipc_bells *bells = data;
	u32 v;

	for (v = 0; v < bells->nr; v++)
		free_irq(bells->vectors[v].irq, &bells->vectors[v]);
	bells->nr = 0;
	pci_free_irq_vectors(bells->pdev);
}

static int bells_request_one(struct shmipc_bells *bells, int irq, unsigned long flags)
{
	struct shmipc_bell_vector *vector = &bells->vectors[bells->nr];
	int err;

	vector->bells = bells;
	vector->index = bells->nr;
	vector->irq = irq;
	err = request_irq(irq, bells_interrupt, flags, bells->name, vector);
	if (!err)
		bells->nr++;
	return err;
}

static int bells_request_msix(struct shmipc_bells *bells, u32 max)
{
	int nr, v, err = 0;

	nr = pci_alloc_irq_vectors(bells->pdev, 1, max, PCI_IRQ_MSIX);
	if (nr < 0)
		return nr;
	for (v = 0; v < nr && !err; v++)
		err = bells_request_one(bells, pci_irq_vector(bells->pdev, v), 0);
	return err;
}

static int bells_request_line(struct shmipc_bells *bells)
{
	u8 pin = 0;

	pci_read_config_byte(bells->pdev, PCI_INTERRUPT_PIN, &pin);
	if (!pin || bells->pdev->irq <= 0)
		return -ENXIO;
	bells->line = true;
	pci_intx(bells->pdev, 1);
	/* Who cannot tell whose interrupt it is does not share the line */
	return bells_request_one(bells, bells->pdev->irq, bells->ours ? IRQF_SHARED : 0);
}

/**
 * shmipc_bells_request() - take the device's interrupts
 * @bells: filled in by the transport
 * @max: how many vectors at most
 * @line: INTx will do where there is no MSI-X
 *
 * Until the device is unbound.
 */
int shmipc_bells_request(struct shmipc_bells *bells, u32 max, bool line)
{
	bool msix = pci_find_capability(bells->pdev, PCI_CAP_ID_MSIX);
	int err;

	err = msix || !line ? bells_request_msix(bells, min_t(u32, max, SHMIPC_BELLS_MAX)) :
			      bells_request_line(bells);
	if (err) {
		bells_free(bells);
		bells->line = false;
		return err;
	}
	return devm_add_action_or_reset(&bells->pdev->dev, bells_free, bells);
}

/*
 * Could it be this peer who rang @vector? In doubt, yes: a vector that we did not tell
 * of, or a peer that has fewer than we, or of which we know nothing yet
 */
static bool bells_may_ring(struct shmipc_link *link, u32 vector, u32 works)
{
	u32 id, theirs;

	return !link->region->fmt->doorbell(link, &id, &theirs) || vector >= works ||
	       theirs < works || link->peer % works == vector;
}

/**
 * shmipc_bells_who() - who may have rung
 * @region: ours
 * @vector: that came
 * @works: how many we told of
 *
 * Return: a mask of peers.
 */
u64 shmipc_bells_who(struct shmipc_region *region, u32 vector, u32 works)
{
	struct shmipc_link *link;
	u64 who = 0;
	u32 peer;

	for (peer = 0; peer < region->cfg.peers; peer++) {
		link = shmipc_link_get(region, peer);
		if (link && (region->fmt->foreign || bells_may_ring(link, vector, works)))
			who |= BIT_ULL(peer);
	}
	return who;
}

static void bells_disable(void *pdev)
{
	pci_disable_device(pdev);
}

static void bells_release(void *pdev)
{
	pci_release_regions(pdev);
}

/**
 * shmipc_bells_enable() - enable the device, take its BARs
 * @pdev: device
 * @name: of the driver
 *
 * Until it is unbound. Not pcim_enable_device(): what that has pci_request_regions()
 * undo differs from kernel to kernel.
 */
int shmipc_bells_enable(struct pci_dev *pdev, const char *name)
{
	int err;

	err = pci_enable_device(pdev);
	if (!err)
		err = devm_add_action_or_reset(&pdev->dev, bells_disable, pdev);
	if (err)
		return err;
	err = pci_request_regions(pdev, name);
	if (err)
		return dev_err_probe(&pdev->dev, err, "another driver has the device's memory\n");
	return devm_add_action_or_reset(&pdev->dev, bells_release, pdev);
}
