/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How much memory the kernel holds that nobody can reclaim, without what its allocator
 * keeps back: empty slabs are given up, and what RCU and workers hold for a moment comes free.
 */
#ifndef SHMIPC_STRESS_MEMORY_H
#define SHMIPC_STRESS_MEMORY_H

#include <glob.h>
#include <stdio.h>
#include <unistd.h>

static inline long sunreclaim(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	long kib = -1;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "SUnreclaim: %ld kB", &kib) == 1)
			break;
	fclose(file);
	return kib;
}

static inline void write_one(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return;
	fputs("1", file);
	fclose(file);
}

/* Every cache keeps partly and wholly empty slabs: how many is a matter of chance */
static inline void shrink_slabs(void)
{
	glob_t caches;
	size_t i;

	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &caches))
		return;
	for (i = 0; i < caches.gl_pathc; i++)
		write_one(caches.gl_pathv[i]);
	globfree(&caches);
}

/* The least of some looks, in KiB; takes about two seconds */
static inline long settled(void)
{
	long least = -1;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		long now;

		usleep(100000);
		if (!(i % 5))
			shrink_slabs();
		now = sunreclaim();
		if (least < 0 || now < least)
			least = now;
	}
	return least;
}

#endif
