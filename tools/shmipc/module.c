// SPDX-License-Identifier: GPL-2.0
/* Loading and unloading the module, and what to do when the kernel refuses. */
#include <dirent.h>
#include <errno.h>
#include <libkmod.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define NAME "shmipc"

const struct option_def load_options[] = {
	{ 'm', "module", "FILE", "this file, not the one installed for this kernel" },
	{ 'p', "params", "WORDS", "parameters, as further operands" },
	{ 0 },
};

static bool locked_down(void)
{
	FILE *file = fopen("/sys/kernel/security/lockdown", "re");
	char line[128] = "";

	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	return *line && !strstr(line, "[none]");
}

#define SIGNING								\
	"  Sign it with a key that the firmware knows:\n"		\
	"    openssl req -new -x509 -newkey rsa:2048 -nodes -days 36500 -subj /CN=shmipc/ \\\n" \
	"        -keyout MOK.priv -outform DER -out MOK.der\n"		\
	"    mokutil --import MOK.der      # then reboot and confirm in the blue screen\n" \
	"    /usr/src/linux-kbuild-*/scripts/sign-file sha256 MOK.priv MOK.der shmipc.ko\n" \
	"  With DKMS the key is there already: mokutil --import /var/lib/dkms/mok.pub\n" \
	"  Or switch Secure Boot off in the firmware's setup."

static const char *not_permitted(void)
{
	if (locked_down())
		return "the kernel is locked down and takes signed modules only.\n" SIGNING;
	if (geteuid() != 0)
		return "not permitted: modules are loaded and unloaded by root (sudo)";
	return "not permitted: no CAP_SYS_MODULE (a container?), or kernel.modules_disabled is set";
}

/* Why loading failed with @error, and what to do. */
static const char *load_advice(int error)
{
	switch (error) {
	case EKEYREJECTED:
	case ENOKEY:
	case EKEYEXPIRED:
	case EKEYREVOKED:
	case EBADMSG:
		return "the kernel takes only modules signed with a key it knows (Secure Boot).\n"
		       SIGNING;
	case EPERM:
		return not_permitted();
	case EACCES:
		return "not permitted: a security module (SELinux, AppArmor) denies it; see dmesg";
	case ENOENT:
		return "there is no module shmipc for this kernel.\n"
		       "  Build and install it: make && sudo make install\n"
		       "  Or name the file: shmipc load --module shmipc.ko";
	case EEXIST:
		return "loaded already; unload it first to give other parameters";
	case ENOEXEC:
		return "the module was built for another kernel (see dmesg); build it for this one";
	case EINVAL:
		return "the module refused its parameters; dmesg tells which";
	case EBUSY:
		return "something that the module needs is in use; dmesg tells what";
	}
	return strerror(error);
}

/* The operands and --params in one string, which the kernel parses. */
static char *join(const char *params, int argc, char **argv)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs(params, out);
	for (int i = 0; i < argc; i++)
		fprintf(out, "%s%s", i || *params ? " " : "", argv[i]);
	return fclose(out) ? NULL : text;
}

static void ignore_log(void *data, int priority, const char *file, int line, const char *fn,
		       const char *format, va_list args)
{
	(void)data, (void)priority, (void)file, (void)line, (void)fn, (void)format, (void)args;
}

/* 0 or a negative errno. */
static int insert(const char *file, const char *params)
{
	struct kmod_ctx *ctx = kmod_new(NULL, NULL);
	struct kmod_module *mod = NULL;
	int ret;

	if (!ctx)
		return -ENOMEM;
	kmod_set_log_fn(ctx, ignore_log, NULL);
	if (file) {
		ret = kmod_module_new_from_path(ctx, file, &mod);
		if (!ret)
			ret = kmod_module_insert_module(mod, 0, params);
	} else {
		ret = kmod_module_new_from_name(ctx, NAME, &mod);
		if (!ret)
			ret = kmod_module_probe_insert_module(mod, KMOD_PROBE_FAIL_ON_LOADED,
							      params, NULL, NULL, NULL);
	}
	kmod_module_unref(mod);
	kmod_unref(ctx);
	return ret;
}

static void say_devices(void)
{
	unsigned int numbers[1];

	if (!device_numbers(numbers, 1))
		note("loaded, without a device: see dmesg, or try shmipc load loopback=2");
}

static int load(const char *file, const char *params)
{
	int error = -insert(file, params);

	if (error == EEXIST && !*params) {
		note("loaded already");
		return CLI_OK;
	}
	if (error)
		return fail("cannot load %s: %s", file ? file : NAME, load_advice(error));
	say_devices();
	return CLI_OK;
}

int verb_load(struct cli *cli)
{
	const char *file = NULL, *params = "";
	int option, status;
	char *joined;

	while ((option = cli_option(cli)) != -1) {
		switch (option) {
		case 'm':
			file = cli_value();
			break;
		case 'p':
			params = cli_value();
			break;
		default:
			return CLI_USAGE;
		}
	}
	for (int i = 0; i < cli->argc; i++)
		if (!strchr(cli->argv[i], '='))
			return cli_usage(cli, "\"%s\" is no PARAM=VALUE", cli->argv[i]);
	if (file && access(file, R_OK) < 0)
		return fail("%s: %s", file, strerror(errno));
	joined = join(params, cli->argc, cli->argv);
	if (!joined)
		return fail_errno("memory");
	status = load(file, joined);
	free(joined);
	return status;
}

/* Does any descriptor of process @pid lead to a device of ours? */
static bool uses_device(const char *pid)
{
	char path[300], target[300];
	struct dirent *entry;
	bool found = false;
	ssize_t len;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		found = !strncmp(target, "/dev/shmipc", 11);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void say_users(void)
{
	DIR *dir = opendir("/proc");
	char path[300], name[64];
	struct dirent *entry;
	FILE *file;

	while (dir && (entry = readdir(dir))) {
		if (!strspn(entry->d_name, "0123456789") || !uses_device(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file)) {
			fprintf(stderr, "  process %s: ", entry->d_name);
			put_escaped(stderr, name, strcspn(name, "\n"), false);
			fputc('\n', stderr);
		}
		fclose(file);
	}
	if (dir)
		closedir(dir);
}

static int remove_module(void)
{
	struct kmod_ctx *ctx = kmod_new(NULL, NULL);
	struct kmod_module *mod = NULL;
	int ret;

	if (!ctx)
		return -ENOMEM;
	kmod_set_log_fn(ctx, ignore_log, NULL);
	ret = kmod_module_new_from_name(ctx, NAME, &mod);
	if (!ret)
		ret = kmod_module_remove_module(mod, KMOD_REMOVE_NOWAIT);
	kmod_module_unref(mod);
	kmod_unref(ctx);
	return ret;
}

int verb_unload(struct cli *cli)
{
	int option, error;

	while ((option = cli_option(cli)) != -1)
		return CLI_USAGE;
	if (cli->argc)
		return cli_usage(cli, "takes no operands");
	error = -remove_module();
	switch (error) {
	case 0:
		return CLI_OK;
	case ENOENT:
		return fail("not loaded");
	case EPERM:
		return fail("cannot unload: %s", not_permitted());
	case EBUSY:
	case EAGAIN:
		note("cannot unload: in use, by");
		say_users();
		return CLI_FAILED;
	}
	return fail("cannot unload: %s", strerror(error));
}
