// SPDX-License-Identifier: GPL-2.0
/*
 * The shared memory. By default one without a name, all of it there from the start
 * and its size sealed: nobody gets a SIGBUS later, neither by want of memory nor
 * by a client that truncates it. One that punches holes could still bring it about:
 * what forbids that, F_SEAL_WRITE, forbids writing.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "server.h"

#define SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

struct memory memory = { .fd = -1 };

/*
 * Allocating memory that there is not ends with the kernel's killing others, not
 * with an error; hence ask before
 */
static bool memory_there_is(u64 size)
{
	FILE *info = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	bool known = false;
	char line[128];

	if (!info)
		return true;
	while (!known && fgets(line, sizeof(line), info))
		known = sscanf(line, "MemAvailable: %llu kB", &kib) == 1;
	fclose(info);
	if (!known || size >> 10 <= kib)
		return true;
	note("not enough memory: %llu MiB wanted, %llu MiB available",
	     (unsigned long long)size >> 20, kib >> 10);
	return false;
}

static bool in_memory(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == TMPFS_MAGIC;
}

static int allocate(int fd, u64 size, const char *what)
{
	if (in_memory(fd) && !memory_there_is(size))
		return -1;
	if (ftruncate(fd, size)) {
		note("cannot make %s %llu bytes large: %m", what, (unsigned long long)size);
		return -1;
	}
	if (fallocate(fd, 0, 0, size)) {
		note("not enough memory for %llu bytes in %s: %m", (unsigned long long)size, what);
		if (options.hugepages)
			note("are there enough huge pages? See vm.nr_hugepages, sysctl(8)");
		return -1;
	}
	return 0;
}

static int anonymous(void)
{
	int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | (options.hugepages ? MFD_HUGETLB : 0);
	int fd = memfd_create(options.name, flags);

	if (fd < 0) {
		note("cannot create memory: %m");
		return -1;
	}
	memory.kind = options.hugepages ? "hugepages" : "memfd";
	if (allocate(fd, options.size, "memory")) {
		close(fd);
		return -1;
	}
	memory.sealed = !fcntl(fd, F_ADD_SEALS, SEALS);
	if (!memory.sealed)
		note("the memory is not sealed: %m");
	return fd;
}

/* A file that is there has the size that it is to have, and is not all ours to format */
static int named_file(int fd, const char *what)
{
	struct stat st;

	if (fd < 0) {
		note("cannot open %s: %m", what);
		return -1;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		note("%s is not a file", what);
		goto err_close;
	}
	if (st.st_size && (u64)st.st_size != options.size) {
		note("%s has %lld bytes, not %llu: remove it, or give its size with -l", what,
		     (long long)st.st_size, (unsigned long long)options.size);
		goto err_close;
	}
	if ((u64)st.st_blocks * 512 < options.size && allocate(fd, options.size, what))
		goto err_close;
	return fd;
err_close:
	close(fd);
	return -1;
}

static int posix_shm(void)
{
	memory.kind = "shm";
	return named_file(shm_open(options.shm, O_RDWR | O_CREAT, 0600), options.shm);
}

static int unnamed_in(const char *dir)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/shmipc-server.XXXXXX", dir) < 0)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return named_file(fd, dir);
}

static int file(void)
{
	struct stat st;

	memory.kind = "file";
	if (!stat(options.path, &st) && S_ISDIR(st.st_mode))
		return unnamed_in(options.path);
	return named_file(open(options.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), options.path);
}

static int map(int fd, u64 size)
{
	memory.map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory.map == MAP_FAILED) {
		note("cannot map the memory: %m");
		close(fd);
		return -1;
	}
	memory.fd = fd;
	memory.size = size;
	return 0;
}

int memory_create(void)
{
	int fd = options.shm ? posix_shm() : options.path ? file() : anonymous();

	return fd < 0 ? -1 : map(fd, options.size);
}

void memory_forget(void)
{
	munmap(memory.map, memory.size);
	close(memory.fd);
	memory = (struct memory) { .fd = -1 };
}

int memory_adopt(int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return -1;
	memory.kind = options.shm ? "shm" : options.path ? "file" :
		options.hugepages ? "hugepages" : "memfd";
	memory.sealed = seals >= 0 && (seals & SEALS) == SEALS;
	return map(fd, st.st_size);
}
