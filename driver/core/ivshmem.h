/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Where the parts of an ivshmem v2 device's memory are, from what the device says of
 * them. It says so to every peer alike, but it is a hypervisor's configuration, and
 * what does not add up is refused before anything is mapped.
 *
 *	base		state table	one word for each peer, read only
 *	base + rw	R/W section	everybody writes; may be 0 bytes
 *	base + out	output 0 ... output N-1, each written by its owner only
 */
#ifndef SHMIPC_CORE_IVSHMEM_H
#define SHMIPC_CORE_IVSHMEM_H

#include "platform.h"

#define SHMIPC_IVSHMEM2_CAP_BYTES	32	/* of the vendor capability */
#define SHMIPC_IVSHMEM2_PEERS_MAX	64	/* what we can do; the specification has 65536 */

/**
 * struct shmipc_ivshmem2 - the memory of one device
 * @id: our peer id
 * @peers: how many there may be
 * @state_bytes: of the state table
 * @rw_bytes: of the R/W section
 * @out_bytes: of one output section
 * @base: physical address
 * @room: bytes of the BAR at @base, 0: it is no BAR, the capability said where
 * @page: what can be mapped with rights of its own
 *
 * The caller fills in the above.
 *
 * @rw: offset of the R/W section
 * @out: offset of output section 0
 * @bytes: of all
 */
struct shmipc_ivshmem2 {
	u32 id;
	u32 peers;
	u64 state_bytes;
	u64 rw_bytes;
	u64 out_bytes;
	u64 base;
	u64 room;
	u64 page;

	u64 rw;
	u64 out;
	u64 bytes;
};

/* Sizes and (if there is no BAR, i.e. @room is 0) the base from the capability */
const char *shmipc_ivshmem2_decode(struct shmipc_ivshmem2 *dev,
				   const u8 cap[SHMIPC_IVSHMEM2_CAP_BYTES]);
/* Work out the offsets. Both: NULL, or what is wrong, to be said after "declined: " */
const char *shmipc_ivshmem2_check(struct shmipc_ivshmem2 *dev);

static inline u64 shmipc_ivshmem2_section(const struct shmipc_ivshmem2 *dev, u32 peer)
{
	return dev->out + peer * dev->out_bytes;
}

#endif /* SHMIPC_CORE_IVSHMEM_H */
