// SPDX-License-Identifier: LGPL-2.1-or-later
/* Why an address could not be opened, and what to do, for a person. */
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
	case EINVAL:
		return "not a device: give a path, shmipcN or N; or unix:SOCKET, file:PATH";
	case ENAMETOOLONG:
		return "too long";
	}
	return strerror(error);
}

static const char *kind_of(const char *path, mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		/* Elsewhere it is somebody's data, and a mistyped path. */
		return strncmp(path, "/dev/", 5) ? "is a regular file, not a device" :
		       "is a regular file, made before loading the module: remove it, shmipc load";
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

/* Of a server's socket. */
static const char *socket_reason(int error)
{
	switch (error) {
	case ENOENT:
		return "does not exist: start shmipc-server";
	case ECONNREFUSED:
		return "nobody listens there: start shmipc-server";
	case ECONNRESET:
		return "the server hung up: it may have as many clients as it takes";
	case ETIMEDOUT:
		return "the server does not answer";
	case EBADMSG:
		return "is no ivshmem server: it sent garbage, or a wrong descriptor";
	}
	return NULL;
}

/* Of the memory that this process would attach to. */
static const char *memory_reason(int error)
{
	switch (error) {
	case ENOENT:
		return "does not exist: start what shares it, or make it with truncate -s 4M";
	case ENODEV:
		return "is not a regular file";
	case ENOSPC:
		return "is too small to be divided among its peers";
	case ENOTTY:
		return "holds something else than a region of shmipc, which is left alone";
	case EPROTO:
		return "is a region of another version of shmipc";
	case EPROTOTYPE:
		return "is a server's, which hands out its slots: open unix:SOCKET";
	case EBUSY:
		return "all slots have owners, and all of them are alive";
	case EACCES:
	case EPERM:
		return "permission denied: it takes reading and writing";
	case EPROTONOSUPPORT:
		return "this library was built without the host peer: it opens devices only";
	}
	return strerror(error);
}

static const char *host_reason(const char *where, int error)
{
	const char *why = *where == 'u' ? socket_reason(error) : NULL;

	return why ? why : memory_reason(error);
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
	where = shmipc_where(where);
	if (shmipc_where_is_host(where))
		why = host_reason(where, error);
	else if (stat(path, &st) == 0)
		why = kind_of(path, st.st_mode);
	else if (errno == ENOENT && error == ENOENT)
		why = missing();
	len = snprintf(text, size, "%s: %s", path, *why ? why : reason(error));
out:
	errno = saved;
	return len < 0 ? 0 : (size_t)len;
}
