// SPDX-License-Identifier: GPL-2.0
/*
 * device_test - is the ivshmem2 device of the rig what its specification says? Runs when loaded, in
 * a guest with two of them on one server, peer 0 with three MSI-X vectors and peer 1 with INTx,
 * fatal=off. Says TAP in the kernel log, each line after "device_test: ". Does VIOLATIONS things
 * that a hypervisor would not suffer; whoever runs it compares that with what QEMU counted.
 *
 * Red when: an interrupt comes that should have been dropped, or is kept for later, or does not
 * come; a section can be written that is not ours; one-shot mode is not.
 */
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>

#define VECTORS		3
#define CAP		0x40
#define ONE_SHOT	(CAP + 3)

enum { ID = 0, MAX_PEERS = 4, INT_CONTROL = 8, DOORBELL = 12, STATE = 16 };

struct side {
	struct pci_dev *pdev;
	void __iomem *regs;
	void __iomem *table;	/* BAR 1 */
	u32 *memory;
	u32 state_size;
	u64 rw_size;
	u64 output_size;
	unsigned int vectors;	/* 0: INTx */
	atomic_t count[VECTORS];
	struct vector {
		struct side *side;
		unsigned int nr;
	} vector[VECTORS];
};

static struct side sides[2];
static struct side *const msix = &sides[0], *const intx = &sides[1];
static unsigned int nr_sides, tests, violations;

static void check(bool good, const char *name)
{
	tests++;
	pr_info("device_test: %sok %u %s\n", good ? "" : "not ", tests, name);
}

static irqreturn_t on_interrupt(int irq, void *data)
{
	struct vector *vector = data;

	atomic_inc(&vector->side->count[vector->nr]);
	return IRQ_HANDLED;
}

static u32 reg(struct side *side, unsigned int offset)
{
	return readl(side->regs + offset);
}

static void set_reg(struct side *side, unsigned int offset, u32 value)
{
	writel(value, side->regs + offset);
}

/* As many interrupts have come on @vector since the last time as @expected, and no more come. */
static bool came(struct side *side, unsigned int vector, int expected)
{
	int tries;

	for (tries = 0; tries < 1000 && atomic_read(&side->count[vector]) < expected; tries++)
		msleep(20);
	msleep(60);
	return atomic_xchg(&side->count[vector], 0) == expected;
}

static void ring(struct side *from, unsigned int peer, unsigned int vector)
{
	set_reg(from, DOORBELL, peer << 16 | vector);
}

static bool rings(struct side *from, struct side *to, unsigned int vector, int expected)
{
	ring(from, to - sides, vector);
	return came(to, vector, expected);
}

static u32 *output(struct side *view, unsigned int peer)
{
	return (void *)view->memory + view->state_size + view->rw_size + peer * view->output_size;
}

static void test_identity(struct side *side)
{
	u8 revision, id, length;
	u16 vendor, device;

	pci_read_config_byte(side->pdev, PCI_REVISION_ID, &revision);
	pci_read_config_word(side->pdev, PCI_SUBSYSTEM_VENDOR_ID, &vendor);
	pci_read_config_word(side->pdev, PCI_SUBSYSTEM_ID, &device);
	pci_read_config_byte(side->pdev, CAP, &id);
	pci_read_config_byte(side->pdev, CAP + 2, &length);
	check(side->pdev->class == 0xff5348 && !revision && vendor == 0x110a && device == 0x4106,
	      "identity");
	check(id == PCI_CAP_ID_VNDR && length == 0x20, "vendor capability");
	check(side->state_size == 0x1000 && side->rw_size == 0x9000 && side->output_size == 0x2000,
	      "sizes");
	check(reg(side, ID) == side - sides && reg(side, MAX_PEERS) == 3, "id and peers");
	check(!reg(side, INT_CONTROL) && !reg(side, STATE) && !reg(side, DOORBELL),
	      "registers after reset");
}

static void test_gates(struct side *from, struct side *to)
{
	u16 command;

	check(rings(from, to, 0, 0), "interrupts off: dropped");
	set_reg(to, INT_CONTROL, 1);
	check(came(to, 0, 0), "and not pending");
	check(reg(to, INT_CONTROL) == 1 && rings(from, to, 0, 1), "interrupts on: delivered");
	check(rings(from, to, 0, 1), "again");
	check(rings(to, to, 0, 1), "to oneself");
	ring(from, to - sides, 15);
	ring(from, to - sides, 16);
	ring(from, 2, 0);
	ring(from, 3, 0);
	ring(from, 0xffff, 0xffff);
	check(came(to, 0, 0), "no such vector, no such peer");
	pci_read_config_word(to->pdev, PCI_COMMAND, &command);
	pci_write_config_word(to->pdev, PCI_COMMAND, to->vectors ? command & ~PCI_COMMAND_MASTER :
			      command | PCI_COMMAND_INTX_DISABLE);
	check(rings(from, to, 0, 0), "no bus master, or no INTx: dropped");
	pci_write_config_word(to->pdev, PCI_COMMAND, command);
	check(rings(from, to, 0, 1), "and not pending, either");
}

static void test_one_shot(struct side *from, struct side *to)
{
	pci_write_config_byte(to->pdev, ONE_SHOT, 1);
	check(rings(from, to, 0, 1) && !reg(to, INT_CONTROL), "one-shot: one switches off");
	check(rings(from, to, 0, 0), "the next is dropped");
	set_reg(to, INT_CONTROL, 1);
	check(came(to, 0, 0), "and not pending after switching on");
	check(rings(from, to, 0, 1), "and then there is one more");
	pci_write_config_byte(to->pdev, ONE_SHOT, 0);
	set_reg(to, INT_CONTROL, 1);
	check(rings(from, to, 0, 1) && rings(from, to, 0, 1), "not one-shot again");
}

static void test_states(struct side *from, struct side *to)
{
	unsigned int id = from - sides;

	set_reg(from, STATE, 5);
	check(came(to, 0, 1) && to->memory[id] == 5 && reg(from, STATE) == 5, "a state is told");
	check(came(from, 0, 0), "not to oneself");
	set_reg(from, STATE, 5);
	check(came(to, 0, 0), "the same is no news");
	set_reg(from, STATE, 0);
	check(came(to, 0, 1) && !to->memory[id], "back to 0");
}

static void test_vectors(void)
{
	check(rings(msix, msix, 1, 1) && rings(msix, msix, 2, 1) && came(msix, 0, 0),
	      "each vector");
	check(rings(intx, msix, 1, 0), "a vector that the ringing peer has not: dropped");
	writel(1, msix->table + 1 * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL);
	check(rings(msix, msix, 1, 0) && rings(msix, msix, 2, 1), "a masked vector: dropped");
	pci_write_config_byte(msix->pdev, ONE_SHOT, 1);
	check(rings(msix, msix, 1, 0) && !reg(msix, INT_CONTROL),
	      "one-shot, a masked vector: dropped, and switches off");
	pci_write_config_byte(msix->pdev, ONE_SHOT, 0);
	set_reg(msix, INT_CONTROL, 1);
	writel(0, msix->table + 1 * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL);
	check(came(msix, 1, 0) && rings(msix, msix, 1, 1), "and not pending");
	check(!readl(msix->table + 0x100), "pending bits are 0");
}

/* None is lost while the one before is in service, and none comes twice */
static void test_edges(void)
{
	u16 status = 0, seen;
	int n;

	for (n = 0; n < 200; n++) {
		ring(msix, 1, 0);
		pci_read_config_word(intx->pdev, PCI_STATUS, &seen);
		status |= seen;
		while (atomic_read(&intx->count[0]) <= n && n < 100)
			cpu_relax();
	}
	check(!(status & PCI_STATUS_INTERRUPT), "INTx status is never set");
	msleep(200);
	n = atomic_xchg(&intx->count[0], 0);
	check(n > 100 && n <= 200, "each INTx comes once");
}

static void test_memory(struct side *side, struct side *other)
{
	const unsigned int id = side - sides, theirs = other - sides;
	u32 *rw = (void *)side->memory + side->state_size;

	output(side, id)[7] = 0x1000 + id;
	check(output(other, id)[7] == 0x1000 + id, "output is seen by the other");
	rw[id] = 0x2000 + id;
	check(((u32 *)((void *)other->memory + other->state_size))[id] == 0x2000 + id, "so is R/W");
	WRITE_ONCE(output(side, theirs)[9], 0xbad);
	WRITE_ONCE(output(side, 2)[9], 0xbad);
	WRITE_ONCE(side->memory[id], 0xbad);
	violations += 3;
	check(!output(other, theirs)[9] && !output(other, 2)[9] && other->memory[id] != 0xbad,
	      "what is not ours cannot be written");
	(void)READ_ONCE(output(side, 3)[0]);
	violations++;
}

static void test_violations(void)
{
	readl(msix->regs + 20);
	readw(msix->regs);
	writel(1, msix->regs + 0x800);
	readl(msix->table + VECTORS * PCI_MSIX_ENTRY_SIZE);
	readw(msix->table + 2);
	writel(0, msix->table + 0x100);
	violations += 6;
	check(true, "and survived");
}

static int find(struct side *side)
{
	u32 low, high;

	pci_read_config_dword(side->pdev, CAP + 4, &side->state_size);
	pci_read_config_dword(side->pdev, CAP + 8, &low);
	pci_read_config_dword(side->pdev, CAP + 12, &high);
	side->rw_size = (u64)high << 32 | low;
	pci_read_config_dword(side->pdev, CAP + 0x10, &low);
	pci_read_config_dword(side->pdev, CAP + 0x14, &high);
	side->output_size = (u64)high << 32 | low;
	pci_read_config_dword(side->pdev, CAP + 0x18, &low);
	pci_read_config_dword(side->pdev, CAP + 0x1c, &high);
	side->regs = ioremap(pci_resource_start(side->pdev, 0), 4096);
	/* The length is for the one access behind the end. */
	side->memory = memremap((u64)high << 32 | low, side->state_size + side->rw_size +
				3 * side->output_size + PAGE_SIZE, MEMREMAP_WB);
	if (pci_resource_len(side->pdev, 1))
		side->table = ioremap(pci_resource_start(side->pdev, 1), 512);
	return side->regs && side->memory ? 0 : -ENOMEM;
}

static int take(struct side *side)
{
	unsigned int n, wanted = side == msix ? VECTORS : 1;
	int count, err;

	err = pci_enable_device(side->pdev) ?: find(side);
	if (err)
		return err;
	pci_set_master(side->pdev);
	count = pci_alloc_irq_vectors(side->pdev, wanted, wanted, PCI_IRQ_MSIX | PCI_IRQ_INTX);
	if (count != wanted)
		return -ENOSPC;
	side->vectors = side->pdev->msix_enabled ? count : 0;
	for (n = 0; n < count; n++) {
		side->vector[n] = (struct vector){ side, n };
		err = request_irq(pci_irq_vector(side->pdev, n), on_interrupt,
				  side->vectors ? 0 : IRQF_SHARED, "device_test", &side->vector[n]);
		if (err)
			return err;
	}
	return 0;
}

static void give(struct side *side)
{
	unsigned int n;

	for (n = 0; n < (side->vectors ?: 1); n++)
		free_irq(pci_irq_vector(side->pdev, n), &side->vector[n]);
	pci_free_irq_vectors(side->pdev);
	pci_disable_device(side->pdev);
	memunmap(side->memory);
	iounmap(side->regs);
	if (side->table)
		iounmap(side->table);
	pci_dev_put(side->pdev);
}

static int __init device_test_init(void)
{
	struct pci_dev *pdev = NULL;
	int err;

	while (nr_sides < 2 && (pdev = pci_get_device(0x110a, 0x4106, pdev))) {
		sides[nr_sides].pdev = pci_dev_get(pdev);
		err = take(&sides[nr_sides]);
		if (err) {
			pr_err("device_test: Bail out! device %u: %d\n", nr_sides, err);
			return err;
		}
		nr_sides++;
	}
	if (nr_sides < 2 || !msix->vectors || intx->vectors)
		return -ENODEV;
	test_identity(msix);
	test_identity(intx);
	test_gates(intx, msix);
	test_gates(msix, intx);
	test_one_shot(intx, msix);
	test_one_shot(msix, intx);
	test_states(intx, msix);
	test_states(msix, intx);
	test_vectors();
	test_edges();
	test_memory(msix, intx);
	test_memory(intx, msix);
	test_violations();
	pr_info("device_test: 1..%u\n", tests);
	pr_info("device_test: # violations: %u\n", violations);
	give(msix);
	give(intx);
	return 0;
}

static void __exit device_test_exit(void)
{
}

module_init(device_test_init);
module_exit(device_test_exit);
MODULE_DESCRIPTION("tests the rig's ivshmem2 device");
MODULE_LICENSE("GPL");
