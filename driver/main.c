// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading. Class and device numbers come first (region.c), then the
 * transports, which add regions as they find them. Reading order of the driver:
 * Kbuild.
 */
#define pr_fmt(fmt) "shmipc: " fmt

#include <linux/err.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/string.h>

#include "shmipc.h"

static char *names[SHMIPC_PEERS_MAX];
static unsigned int nr_names;
module_param_array(names, charp, &nr_names, 0444);
MODULE_PARM_DESC(names, "Names of /dev/shmipc0, /dev/shmipc1, ...: [A-Za-z0-9._-], up to 31 each");

/**
 * shmipc_main_name() - how the parameter names= calls a region
 * @minor: of the region
 *
 * Return: the name, or NULL for none.
 */
const char *shmipc_main_name(unsigned int minor)
{
	return minor < nr_names && names[minor][0] ? names[minor] : NULL;
}

static int __init main_check_name(unsigned int minor)
{
	unsigned int i;

	if (!shmipc_name_ok(names[minor], true)) {
		pr_err("names: \"%s\" is not a name ([A-Za-z0-9._-], up to %d characters)\n",
		       names[minor], SHMIPC_NAME_MAX - 1);
		return -EINVAL;
	}
	for (i = 0; i < minor && names[minor][0]; i++) {
		if (!strcmp(names[i], names[minor])) {
			pr_err("names: \"%s\" is there twice\n", names[minor]);
			return -EINVAL;
		}
	}
	return 0;
}

/**
 * struct main_transport - a transport
 * @name: for messages
 * @init: take its devices; -EINVAL: a parameter is wrong, it has said which
 * @exit: let go of them
 * @there: init succeeded
 */
struct main_transport {
	const char *name;
	int (*init)(void);
	void (*exit)(void);
	bool there;
};

static struct main_transport transports[] = {
	{ "loopback", shmipc_loopback_init, shmipc_loopback_exit },
	{ "ivshmem-v1", shmipc_ivshmem_v1_init, shmipc_ivshmem_v1_exit },
};

static void main_exit_transports(void)
{
	unsigned int i;

	for (i = ARRAY_SIZE(transports); i--; ) {
		if (transports[i].there)
			transports[i].exit();
		transports[i].there = false;
	}
}

/*
 * One that fails spares the others; but whoever mistyped a parameter shall not have
 * to find out later. None at all is no module to keep.
 */
static int __init main_init_transports(void)
{
	unsigned int i, there = 0;
	int err, first = 0;

	for (i = 0; i < ARRAY_SIZE(transports); i++) {
		err = transports[i].init();
		transports[i].there = !err;
		there += !err;
		if (err == -EINVAL) {
			main_exit_transports();
			return err;
		}
		if (err) {
			pr_err("transport %s cannot be used: %pe\n", transports[i].name,
			       ERR_PTR(err));
			first = first ?: err;
		}
	}
	return there ? 0 : first;
}

static int __init shmipc_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < nr_names; i++) {
		err = main_check_name(i);
		if (err)
			return err;
	}
	err = shmipc_region_init();
	if (err)
		return err;
	err = main_init_transports();
	if (err)
		shmipc_region_exit();
	return err;
}

static void __exit shmipc_exit(void)
{
	main_exit_transports();
	shmipc_region_exit();
}

module_init(shmipc_init);
module_exit(shmipc_exit);

MODULE_DESCRIPTION("Message IPC over shared memory");
MODULE_AUTHOR("The shmipc developers");
MODULE_LICENSE("GPL");
