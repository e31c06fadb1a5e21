/* SPDX-License-Identifier: GPL-2.0 */
/* divided.c: what transports share whose memory nobody has divided. See core/divide.h. */
#ifndef SHMIPC_DIVIDED_H
#define SHMIPC_DIVIDED_H

#include "core/divide.h"
#include "shmipc.h"

#define SHMIPC_DIVIDED_NO_ID	0xffffffffU
#define SHMIPC_DIVIDED_ID_MAX	0xffffU

/**
 * struct shmipc_divided - one attachment to such a region
 * @dev: for messages
 * @mem: all of it
 * @bytes: size of it
 * @id: what others ring us with, SHMIPC_DIVIDED_NO_ID if nobody gave us one
 * @ring: ring the owner of an id; process context. NULL: there are no doorbells
 *
 * The transport fills in the above.
 *
 * @word: how it is divided
 * @div: likewise
 * @claim: the slot that we claimed
 * @claimed: we did
 * @slot: ours
 * @sections: N
 * @uuid: of our machine and device; all zero: unknown
 */
struct shmipc_divided {
	struct device *dev;
	void *mem;
	u64 bytes;
	u32 id;
	void (*ring)(struct shmipc_divided *divided, u32 id);

	u32 word;
	struct shmipc_division div;
	struct shmipc_claim claim;
	bool claimed;
	u32 slot;
	void *sections[SHMIPC_PEERS_MAX];
	u8 uuid[16];
};

int shmipc_divided_open(struct shmipc_divided *divided);
int shmipc_divided_again(struct shmipc_divided *divided);
int shmipc_divided_take(struct shmipc_divided *divided);
void shmipc_divided_release(struct shmipc_divided *divided);
bool shmipc_divided_held(const struct shmipc_divided *divided);
void shmipc_divided_beat(struct shmipc_divided *divided);
int shmipc_divided_check(void);
void shmipc_divided_config(const struct shmipc_divided *divided, struct shmipc_region_config *cfg);

#endif /* SHMIPC_DIVIDED_H */
