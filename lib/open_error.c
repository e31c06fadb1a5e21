// SPDX-License-Identifier: LGPL-2.1-or-later
/* Why a device could not be opened, and what to do, for a person. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define MODULE "/sys/module/shmipc"

/* What is wrong with the address itself; "" if nothing is. */
static const char *bad_address(int error)
{
	switch (error) {
	case EPROTONOSUPPORT:
		return "this version opens devices only, neither unix: nor /dev/shm/ addresses";
	case EINVAL:
		return "not a device: give a path, shmipcN or N";
	case ENAMETOOLONG:
		return "too long";
	}
	return strerror(error);
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "is a regular file, made before loading the module: remove it, shmipc load";
	case S_IFDIR:
		return "is a directory, not a device";
	case S_IFIFO:
		return "is a pipe, not a device";
	case S_IFSOCK:
		return "is a socket, not a device";
	case S_IFBLK:
		return "is a block device, not one of shmipc";
	}
	return "";
}

static const char *missing(void)
{
	if (access(MODULE, F_OK) < 0)
		return "does not exist, and the module is not loaded: shmipc load";
	return "does not exist; the module is loaded: see shmipc list, or dmesg";
}

static const char *reason(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return "permission denied: join the group shmipc, or be root";
	case ENODEV:
	case ENXIO:
		return "the device is gone";
	case ENOTTY:
		return "is a device, but not one of shmipc";
	}
	return strerror(error);
}

SHMIPC_API size_t shmipc_open_error(const char *where, int error, char *text, size_t size)
{
	char path[SHMIPC_WHERE_MAX];
	const char *why = "";
	struct stat st;
	int saved = errno;
	int len;

	if (shmipc_where_to_path(where, path) < 0) {
		len = snprintf(text, size, "%s: %s", where ? where : "$SHMIPC_DEVICE",
			       bad_address(errno));
		goto out;
	}
	if (stat(path, &st) == 0)
		why = kind_of(st.st_mode);
	else if (errno == ENOENT && error == ENOENT)
		why = missing();
	len = snprintf(text, size, "%s: %s", path, *why ? why : reason(error));
out:
	errno = saved;
	return len < 0 ? 0 : (size_t)len;
}
