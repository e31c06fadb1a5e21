// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * An ivshmem v2 device's memory: see ivshmem.h. Sizes are 64 bits wide and come from
 * outside: no sum or product here may wrap.
 */
#include "ivshmem.h"

#define CAP_VENDOR	0x09
#define CAP_LENGTH	2	/* one byte */
#define CAP_STATE	4	/* 32 bits */
#define CAP_RW		8	/* the others 64 */
#define CAP_OUT		16
#define CAP_BASE	24

static u64 cap_word(const u8 *cap, u32 bytes)
{
	u64 v = 0;

	while (bytes--)
		v = v << 8 | cap[bytes];
	return v;
}

const char *shmipc_ivshmem2_decode(struct shmipc_ivshmem2 *dev,
				   const u8 cap[SHMIPC_IVSHMEM2_CAP_BYTES])
{
	if (cap[0] != CAP_VENDOR || cap[CAP_LENGTH] < CAP_BASE ||
	    (cap[CAP_LENGTH] < SHMIPC_IVSHMEM2_CAP_BYTES && !dev->room))
		return "its vendor capability is too short";
	dev->state_bytes = cap_word(cap + CAP_STATE, 4);
	dev->rw_bytes = cap_word(cap + CAP_RW, 8);
	dev->out_bytes = cap_word(cap + CAP_OUT, 8);
	if (!dev->room)
		dev->base = cap_word(cap + CAP_BASE, 8);
	return NULL;
}

static const char *check_peers(const struct shmipc_ivshmem2 *dev)
{
	if (dev->peers < 2)
		return "it has no room for a second peer";
	if (dev->peers > SHMIPC_IVSHMEM2_PEERS_MAX)
		return "it has more peers than shmipc knows (64)";
	if (dev->id >= dev->peers)
		return "its id is beyond its number of peers";
	return NULL;
}

static const char *check_sizes(const struct shmipc_ivshmem2 *dev)
{
	if (!dev->state_bytes || !dev->out_bytes)
		return "its state table or its output sections have no bytes";
	if ((dev->base | dev->state_bytes | dev->rw_bytes | dev->out_bytes) & (dev->page - 1))
		return "its memory does not begin and end at pages";
	if (dev->state_bytes / sizeof(u32) < dev->peers)
		return "its state table is too small for its peers";
	return NULL;
}

/* @peers is at most 64, so that a shift is enough of a bound for the product */
static const char *check_sum(struct shmipc_ivshmem2 *dev)
{
	u64 most = (u64)-1;
	u64 outs;

	if (dev->out_bytes > most / SHMIPC_IVSHMEM2_PEERS_MAX)
		return "its sections are larger than memory can be";
	outs = dev->out_bytes * dev->peers;
	if (dev->rw_bytes > most - dev->state_bytes)
		return "its sections are larger than memory can be";
	dev->rw = dev->state_bytes;
	dev->out = dev->rw + dev->rw_bytes;
	if (outs > most - dev->out)
		return "its sections are larger than memory can be";
	dev->bytes = dev->out + outs;
	if (dev->bytes - 1 > most - dev->base)
		return "its sections are larger than memory can be";
	return NULL;
}

const char *shmipc_ivshmem2_check(struct shmipc_ivshmem2 *dev)
{
	const char *why = check_peers(dev);

	if (!why)
		why = check_sizes(dev);
	if (!why)
		why = check_sum(dev);
	if (!why && !dev->base)
		why = "it does not say where its memory is";
	if (!why && dev->room && dev->bytes > dev->room)
		why = "its sections do not fit into its BAR 2";
	return why;
}
