/* SPDX-License-Identifier: GPL-2.0 */
/* ivshmem_bells.c: what both generations of ivshmem share: the device, its interrupts. */
#ifndef SHMIPC_IVSHMEM_BELLS_H
#define SHMIPC_IVSHMEM_BELLS_H

#include "shmipc.h"

struct pci_dev;
struct shmipc_bells;

#define SHMIPC_BELLS_MAX	SHMIPC_PEERS_MAX
#define SHMIPC_BELLS_CHECK_MS	1000	/* for a ring of our own to arrive */

/**
 * struct shmipc_bell_vector - one interrupt
 * @bells: device
 * @index: its number
 * @irq: Linux's
 * @count: how often it came; written by its handler only
 */
struct shmipc_bell_vector {
	struct shmipc_bells *bells;
	u32 index;
	int irq;
	u32 count;
};

/**
 * struct shmipc_bells - the interrupts of one device
 * @pdev: device
 * @name: of the driver
 * @rang: a vector came; in its handler, inside rcu_read_lock()
 * @ring_self: make one come; process context
 * @ours: on a line: was it us who interrupted, and not another device on it? NULL: nobody
 *	can tell, and the line must be ours alone
 *
 * The transport fills in the above.
 *
 * @line: there is one, and it is INTx
 * @nr: vectors allocated
 * @works: of them, from the first on, those that arrive
 * @checking: what comes now may be rung by ourselves
 * @region: that polls, meanwhile
 * @recheck: polling, but vectors there would be: do they work now?
 * @vectors: for the handlers
 */
struct shmipc_bells {
	struct pci_dev *pdev;
	const char *name;
	void (*rang)(struct shmipc_bells *bells, u32 vector);
	void (*ring_self)(struct shmipc_bells *bells, u32 vector);
	bool (*ours)(struct shmipc_bells *bells);

	bool line;
	u32 nr;
	u32 works;
	bool checking;
	struct shmipc_region *region;
	struct delayed_work recheck;
	struct shmipc_bell_vector vectors[SHMIPC_BELLS_MAX];
};

void shmipc_bells_init(struct shmipc_bells *bells);
int shmipc_bells_request(struct shmipc_bells *bells, u32 max, bool line);
u32 shmipc_bells_check(struct shmipc_bells *bells, unsigned int ms);
u32 shmipc_bells_doorbell(const struct shmipc_bells *bells);
void shmipc_bells_watch(struct shmipc_bells *bells, struct shmipc_region *region);
void shmipc_bells_unwatch(struct shmipc_bells *bells);
u64 shmipc_bells_who(struct shmipc_region *region, u32 vector, u32 works);
int shmipc_bells_enable(struct pci_dev *pdev, const char *name);

#endif /* SHMIPC_IVSHMEM_BELLS_H */
