/* SPDX-License-Identifier: GPL-2.0 */
/* A memory cgroup (v2) of one's own, mounted where needed: guests have none. */
#ifndef SHMIPC_CGROUP_H
#define SHMIPC_CGROUP_H

#include <sys/mount.h>

#include "shmipc_test.h"

#define CGROUP_MOUNT	"/tmp/shmipc-cgroup"

static inline bool cgroup_write(const char *dir, const char *file, const char *text)
{
	char path[256];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = write(fd, text, strlen(text));
	close(fd);
	return len == (ssize_t)strlen(text);
}

/* A new group; false where there are none */
static inline bool cgroup_make(char *dir, size_t len)
{
	char path[256];

	mkdir("/tmp", 01777);
	mkdir(CGROUP_MOUNT, 0755);
	snprintf(path, sizeof(path), "%s/cgroup.procs", CGROUP_MOUNT);
	if (access(path, F_OK) && mount("none", CGROUP_MOUNT, "cgroup2", 0, NULL))
		return false;
	if (!cgroup_write(CGROUP_MOUNT, "cgroup.subtree_control", "+memory"))
		return false;
	snprintf(dir, len, "%s/test.%d", CGROUP_MOUNT, getpid());
	return !mkdir(dir, 0755);
}

static inline bool cgroup_enter(const char *dir)
{
	return cgroup_write(dir, "cgroup.procs", "0");
}

static inline bool cgroup_leave(const char *dir)
{
	(void)dir;
	return cgroup_write(CGROUP_MOUNT, "cgroup.procs", "0");
}

static inline void cgroup_remove(const char *dir)
{
	rmdir(dir);
}

/* Bytes charged to it now */
static inline __s64 cgroup_current(const char *dir)
{
	char path[256], text[32];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/memory.current", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return -1;
	text[len] = 0;
	return strtoll(text, NULL, 10);
}

#endif /* SHMIPC_CGROUP_H */
