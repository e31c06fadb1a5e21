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

static char *format[SHMIPC_PEERS_MAX];
static unsigned int nr_format;
module_param_array(format, charp, &nr_format, 0444);
MODULE_PARM_DESC(format, "How messages lie in the memory: native, message (Jailhouse demos) or text; or for one device DEVICE=FORMAT, as 0000:00:04.0=message (native)");

static const struct shmipc_format_ops *const formats[] = {
	&shmipc_native, &shmipc_message, &shmipc_text,
};

/* The format that an item of format= names, or NULL */
static const struct shmipc_format_ops *main_parse_format(const char *item)
{
	const char *name = strchr(item, '=');
	unsigned int i;

	name = name ? name + 1 : item;
	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i]->name, name))
			return formats[i];
	return NULL;
}

static int __init main_check_format(unsigned int i)
{
	if (main_parse_format(format[i]))
		return 0;
	pr_err("format: \"%s\" is none of native, message, text, or DEVICE=one of them\n",
	       format[i]);
	return -EINVAL;
}

/**
 * shmipc_main_format() - which format the parameter format= has for a device
 * @parent: the device that a region is probed for
 *
 * Return: what was said of it, else of all devices, else native.
 */
const struct shmipc_format_ops *shmipc_main_format(const struct device *parent)
{
	const struct shmipc_format_ops *fmt = &shmipc_native;
	const char *name = dev_name(parent);
	size_t len = strlen(name);
	unsigned int i;

	for (i = 0; i < nr_format; i++) {
		if (!strncmp(format[i], name, len) && format[i][len] == '=')
			return main_parse_format(format[i]);
		if (!strchr(format[i], '='))
			fmt = main_parse_format(format[i]);
	}
	return fmt;
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
	{ "ivshmem-v2", shmipc_ivshmem_v2_init, shmipc_ivshmem_v2_exit },
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
	for (i = 0; i < nr_format; i++) {
		err = main_check_format(i);
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
