// SPDX-License-Identifier: GPL-2.0
/*
 * A module that misbehaves on request, to prove that the test rig notices.
 *
 * Write a word to /sys/module/splat/parameters/do, or give it when loading. Test-only.
 */
#include <linux/bug.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static void do_warn(void)
{
	WARN(1, "splat: asked for");
}

static void do_oops(void)
{
	int *volatile nowhere = NULL;

	*nowhere = 1;
}

static void do_panic(void)
{
	panic("splat: asked for");
}

/* Objects of more than one size and place, so that no lucky stale pointer hides them all. */
static void do_leak(void)
{
	void *volatile lost;
	int i;

	for (i = 0; i < 10; i++)
		lost = kmalloc(1000 + i, GFP_KERNEL);
	lost = NULL;
}

static void do_uaf(void)
{
	char *volatile gone = kmalloc(100, GFP_KERNEL);

	kfree(gone);
	if (gone)
		gone[1] = 1;
}

static void do_shift(void)
{
	volatile int bits = 40;

	pr_info("splat: %d\n", 1 << bits);
}

static void do_atomic(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	might_sleep();
	msleep(20);
	spin_unlock(&lock);
}

/* Two locks in both orders: harmless here, a deadlock one day; lockdep knows. */
static void do_order(void)
{
	static DEFINE_MUTEX(first);
	static DEFINE_MUTEX(second);

	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void do_refcount(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

/* For a soft lockup. */
static void do_spin(void)
{
	preempt_disable();
	mdelay(20000);
	preempt_enable();
}

/* For the hung task detector. */
static void do_block(void)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_timeout(20 * HZ);
}

static void do_hold(void)
{
	__module_get(THIS_MODULE);
}

static void do_nothing(void)
{
}

static const struct {
	const char *word;
	void (*act)(void);
} acts[] = {
	{ "warn", do_warn },	     { "oops", do_oops },
	{ "panic", do_panic },	     { "leak", do_leak },
	{ "uaf", do_uaf },	     { "shift", do_shift },
	{ "atomic", do_atomic },     { "order", do_order },
	{ "refcount", do_refcount }, { "spin", do_spin },
	{ "block", do_block },	     { "hold", do_hold },
	{ "nothing", do_nothing },
};

static int set_do(const char *word, const struct kernel_param *param)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(acts); i++) {
		if (!sysfs_streq(word, acts[i].word))
			continue;
		acts[i].act();
		return 0;
	}
	return -EINVAL;
}

static const struct kernel_param_ops do_ops = { .set = set_do };

module_param_cb(do, &do_ops, NULL, 0200);
MODULE_PARM_DESC(do, "how to misbehave");

static int __init splat_init(void)
{
	return 0;
}

static void __exit splat_exit(void)
{
}

module_init(splat_init);
module_exit(splat_exit);
MODULE_DESCRIPTION("misbehaves to test the test rig");
MODULE_LICENSE("GPL");
