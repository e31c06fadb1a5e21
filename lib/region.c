// SPDX-License-Identifier: LGPL-2.1-or-later
/* What INFO says. */
#include <stdlib.h>

#include "internal.h"

struct shmipc_region {
	struct shmipc_info info;
};

SHMIPC_API struct shmipc_region *shmipc_region_get(struct shmipc_endpoint *ep)
{
	struct shmipc_region *region = calloc(1, sizeof(*region));

	if (!region)
		return NULL;
	region->info.size = sizeof(region->info);
	if (shmipc_do_ioctl(ep, SHMIPC_INFO, &region->info) < 0) {
		shmipc_region_free(region);
		return NULL;
	}
	shmipc_name_from_uapi(region->info.out_name);
	return region;
}

SHMIPC_API void shmipc_region_free(struct shmipc_region *region)
{
	free(region);
}

SHMIPC_API uint64_t shmipc_region_features(const struct shmipc_region *region)
{
	return region->info.out_features;
}

SHMIPC_API uint64_t shmipc_region_epoch(const struct shmipc_region *region)
{
	return region->info.out_epoch;
}

SHMIPC_API uint64_t shmipc_region_endpoint(const struct shmipc_region *region)
{
	return region->info.out_endpoint;
}

SHMIPC_API uint64_t shmipc_region_section_bytes(const struct shmipc_region *region)
{
	return region->info.out_section_bytes;
}

SHMIPC_API uint32_t shmipc_region_transport(const struct shmipc_region *region)
{
	return region->info.out_transport;
}

SHMIPC_API uint32_t shmipc_region_format(const struct shmipc_region *region)
{
	return region->info.out_format;
}

SHMIPC_API uint32_t shmipc_region_doorbell(const struct shmipc_region *region)
{
	return region->info.out_doorbell;
}

SHMIPC_API uint32_t shmipc_region_memory(const struct shmipc_region *region)
{
	return region->info.out_memory;
}

SHMIPC_API uint32_t shmipc_region_vectors(const struct shmipc_region *region)
{
	return region->info.out_vectors;
}

SHMIPC_API uint32_t shmipc_region_peer(const struct shmipc_region *region)
{
	return region->info.out_peer;
}

SHMIPC_API uint32_t shmipc_region_peers(const struct shmipc_region *region)
{
	return region->info.out_peers;
}

SHMIPC_API uint32_t shmipc_region_max_ports(const struct shmipc_region *region)
{
	return region->info.out_max_ports;
}

SHMIPC_API uint32_t shmipc_region_max_depth(const struct shmipc_region *region)
{
	return region->info.out_max_depth;
}

SHMIPC_API uint32_t shmipc_region_max_bytes(const struct shmipc_region *region)
{
	return region->info.out_max_bytes;
}

SHMIPC_API uint32_t shmipc_region_max_msg(const struct shmipc_region *region)
{
	return region->info.out_max_msg;
}

SHMIPC_API uint32_t shmipc_region_max_inline(const struct shmipc_region *region)
{
	return region->info.out_max_inline;
}

SHMIPC_API uint64_t shmipc_region_uid_bytes(const struct shmipc_region *region)
{
	return region->info.out_uid_bytes;
}

SHMIPC_API uint32_t shmipc_region_lane_bytes(const struct shmipc_region *region)
{
	return region->info.out_lane_bytes;
}

SHMIPC_API const char *shmipc_region_name(const struct shmipc_region *region)
{
	return region->info.out_name;
}

SHMIPC_API uint64_t shmipc_region_bytes(const struct shmipc_region *region)
{
	return region->info.out_region_bytes;
}
