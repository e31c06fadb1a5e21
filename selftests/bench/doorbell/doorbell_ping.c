// SPDX-License-Identifier: GPL-2.0
/*
 * A doorbell and nothing else, for the benchmark between two machines: an
 * ivshmem-doorbell of which they have the ids 0 and 1.
 *
 * Takes devices only whose driver_override says "doorbell_ping", and one of them.
 * /dev/doorbell_ping, written: a struct ping_order, what to do with the next rings;
 * read: waits for a ring that nobody answered.
 */
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/uaccess.h>

#include "doorbell_ping.h"

#define POSITION	8
#define DOORBELL	12

/* One device. @order and @rung are the interrupt handler's while pings are under way */
static struct {
	void __iomem *regs;
	u8 *memory;
	u32 id;
	struct ping_order order;
	u32 rung;
	wait_queue_head_t wq;
} ping;

static void ring(void)
{
	iowrite32(!ping.id << 16, ping.regs + DOORBELL);
}

/* One cache line comes and one goes: its place is the end of the memory */
static void move_line(void)
{
	u64 line[8];

	memcpy(line, ping.memory + 64 * !ping.id, sizeof(line));
	line[0]++;
	memcpy(ping.memory + 64 * ping.id, line, sizeof(line));
}

static irqreturn_t ping_interrupt(int irq, void *data)
{
	if (ping.order.flags & PING_LINE)
		move_line();
	if (ping.order.answers) {
		ping.order.answers--;
		ring();
	} else {
		WRITE_ONCE(ping.rung, ping.rung + 1);
		wake_up(&ping.wq);
	}
	return IRQ_HANDLED;
}

static ssize_t ping_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct ping_order order;

	if (len != sizeof(order))
		return -EINVAL;
	if (copy_from_user(&order, buf, len))
		return -EFAULT;
	ping.order = order;
	if (order.flags & PING_RING)
		ring();
	return len;
}

static ssize_t ping_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	u32 seen = (unsigned long)file->private_data;
	long left;

	left = wait_event_interruptible_timeout(ping.wq, READ_ONCE(ping.rung) != seen, 10 * HZ);
	if (left <= 0)
		return left ? left : -ETIMEDOUT;
	file->private_data = (void *)(unsigned long)READ_ONCE(ping.rung);
	return 0;
}

static int ping_open(struct inode *inode, struct file *file)
{
	file->private_data = (void *)(unsigned long)READ_ONCE(ping.rung);
	return 0;
}

static const struct file_operations ping_fops = {
	.owner		= THIS_MODULE,
	.open		= ping_open,
	.read		= ping_read,
	.write		= ping_write,
};

static struct miscdevice ping_misc = {
	.minor		= MISC_DYNAMIC_MINOR,
	.name		= KBUILD_MODNAME,
	.fops		= &ping_fops,
};

static int ping_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	resource_size_t end = pci_resource_end(pdev, 2) + 1;
	int err;

	if (ping.regs)
		return -EBUSY;
	init_waitqueue_head(&ping.wq);
	err = pcim_enable_device(pdev);
	if (!err)
		err = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (err)
		return err;
	ping.memory = devm_memremap(&pdev->dev, end - PAGE_SIZE, PAGE_SIZE, MEMREMAP_WB);
	if (IS_ERR(ping.memory))
		return PTR_ERR(ping.memory);
	ping.regs = pcim_iomap_table(pdev)[0];
	ping.id = ioread32(ping.regs + POSITION);
	pci_set_master(pdev);
	err = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSIX);
	if (err < 0)
		return err;
	err = devm_request_irq(&pdev->dev, pci_irq_vector(pdev, 0), ping_interrupt, 0,
			       KBUILD_MODNAME, NULL);
	return err ? err : misc_register(&ping_misc);
}

static void ping_remove(struct pci_dev *pdev)
{
	misc_deregister(&ping_misc);
}

static struct pci_driver ping_driver = {
	.name		= KBUILD_MODNAME,
	.probe		= ping_probe,
	.remove		= ping_remove,
};
module_pci_driver(ping_driver);

MODULE_DESCRIPTION("Bare ivshmem doorbells, to compare with");
MODULE_LICENSE("GPL");
