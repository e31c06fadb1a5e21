// SPDX-License-Identifier: GPL-2.0
/*
 * What lies in a region's memory, for its machine's owner: /sys/class/shmipc/shmipcN/memory,
 * the state table, the R/W section (of a transport that has them) and all sections, one
 * after the other. "shmipc dump" prints it.
 *
 * sysfs waits for its readers when the region goes, so the memory is there while they read.
 */
#include <linux/string.h>
#include <linux/sysfs.h>

#include "shmipc.h"
#include "compat.h"

/* What of @from, which begins at @start and has @bytes, is at @off: into @to */
static size_t dump_part(const void *from, u64 start, u64 bytes, u64 off, void *to, size_t len)
{
	if (!from || off < start || off - start >= bytes)
		return 0;
	len = min_t(u64, len, bytes - (off - start));
	memcpy(to, from + (off - start), len);
	return len;
}

static ssize_t memory_read(struct file *file, struct kobject *kobj, SHMIPC_BIN_ATTR_CONST
			   struct bin_attribute *attr, char *buf, loff_t off, size_t len)
{
	struct shmipc_region *region = to_shmipc_region(kobj_to_dev(kobj));
	const struct shmipc_region_config *cfg = &region->cfg;
	u64 start = cfg->table_bytes;
	size_t got;
	u32 peer;

	got = dump_part(cfg->table, 0, cfg->table_bytes, off, buf, len);
	if (!got)
		got = dump_part(cfg->rw, start, cfg->rw_bytes, off, buf, len);
	start += cfg->rw_bytes;
	for (peer = 0; peer < cfg->peers && !got; peer++, start += cfg->section_bytes)
		got = dump_part(region->sections[peer], start, cfg->section_bytes, off, buf, len);
	return got;
}

static const struct bin_attribute dump_memory = {
	.attr = { .name = "memory", .mode = 0400 },
	.read = memory_read,
};

int shmipc_dump_add(struct shmipc_region *region)
{
	return sysfs_create_bin_file(&region->dev.kobj, &dump_memory);
}

void shmipc_dump_remove(struct shmipc_region *region)
{
	sysfs_remove_bin_file(&region->dev.kobj, &dump_memory);
}
