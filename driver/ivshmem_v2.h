/* SPDX-License-Identifier: GPL-2.0 */
/* What the two files of the ivshmem v2 transport know of each other. */
#ifndef SHMIPC_IVSHMEM_V2_H
#define SHMIPC_IVSHMEM_V2_H

#include "core/ivshmem.h"
#include "shmipc.h"

#define IVSHMEM2_NAME	"shmipc-ivshmem-v2"

struct pci_dev;

/**
 * struct ivshmem2_memory - a device's memory, mapped
 * @layout: where its parts are
 * @cap: offset of the vendor capability in config space
 * @table: state table, read only
 * @rw: R/W section, read only for us; NULL if it has no bytes
 * @sections: output sections by peer; only our own may be written
 */
struct ivshmem2_memory {
	struct shmipc_ivshmem2 layout;
	int cap;
	const __le32 *table;
	const void *rw;
	void *sections[SHMIPC_PEERS_MAX];
};

/* ivshmem_v2_map.c */

/*
 * The device is enabled; @id and @peers are what its registers say. Maps until it is
 * unbound. 0, or an errno, having said why
 */
int ivshmem2_map(struct pci_dev *pdev, struct ivshmem2_memory *mem, u32 id, u32 peers);

#endif /* SHMIPC_IVSHMEM_V2_H */
