// SPDX-License-Identifier: LGPL-2.1-or-later
/* INFO. */
#include "host.h"

static u32 inline_bytes(const struct host_region *region)
{
	u32 record = min(region->div.geo.lane / 4, SHMIPC_WIRE_FRAGMENT_MAX);

	return record - sizeof(struct shmipc_wire_record);
}

static u32 own_vectors(const struct host_region *region)
{
	const struct host_bell *bell = shmipc_host_server_bell(&region->server,
							       region->server.id);

	return bell && !region->polling ? bell->vectors : 0;
}

int shmipc_host_info(struct host_endpoint *ep, struct shmipc_info *arg)
{
	struct host_region *region = ep->region;
	const struct shmipc_geometry *geo = &region->div.geo;

	arg->out_features = SHMIPC_FEAT_PORTS | SHMIPC_FEAT_PRIORITY | SHMIPC_FEAT_NAMES |
			    SHMIPC_FEAT_EVENTS | SHMIPC_FEAT_META | SHMIPC_FEAT_NOTIFY;
	arg->out_epoch = region->epoch;
	arg->out_endpoint = ep->id;
	arg->out_region_bytes = geo->size * geo->peers;
	arg->out_section_bytes = geo->size;
	arg->out_transport = SHMIPC_TRANSPORT_IVSHMEM_V1;
	arg->out_format = SHMIPC_FORMAT_NATIVE;
	arg->out_doorbell = region->polling ? SHMIPC_DOORBELL_POLLING : SHMIPC_DOORBELL_EVENTFD;
	arg->out_memory = SHMIPC_MEMORY_CACHED;
	arg->out_vectors = own_vectors(region);
	arg->out_peer = region->slot;
	arg->out_peers = geo->peers;
	arg->out_max_ports = geo->ports;
	arg->out_max_depth = SHMIPC_DEPTH_MAX;
	arg->out_max_bytes = SHMIPC_BYTES_MAX;
	arg->out_max_msg = SHMIPC_MSG_MAX;
	arg->out_max_inline = inline_bytes(region);
	arg->out_lane_bytes = geo->lane;
	memcpy(arg->out_name, region->name, sizeof(arg->out_name));
	return 0;
}
