/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * A region that no hypervisor has divided into sections: ivshmem v1, a file, one
 * piece of memory. Page 0 says how it is divided and, unless a server hands out
 * the slots, who has which.
 */
#ifndef SHMIPC_CORE_DIVIDE_H
#define SHMIPC_CORE_DIVIDE_H

#include "core.h"
#include <linux/shmipc_wire.h>

/**
 * struct shmipc_division - where the sections are
 * @base: offset of the first
 * @geo: of each: geo.size bytes, geo.peers sections
 * @server: doorbell ids are slots
 */
struct shmipc_division {
	u64 base;
	struct shmipc_geometry geo;
	bool server;
};

/*
 * How a region of @bytes is divided that has this geometry word. -ENOENT: 0, not
 * divided; -EINVAL: not a geometry word; -EPROTO: of a version we do not know;
 * -ENOSPC: the sections do not fit.
 */
int shmipc_divide(struct shmipc_division *div, u64 bytes, u32 word);
/*
 * Divide the region at @page among @peers, or adopt what somebody has made of it:
 * look at @div. 1: ours; 0: somebody's; errors as above, -EINVAL and -ENOSPC also
 * for @peers. A machine with one processor may not have swapped atomically: who
 * does not go on to claim a slot looks at shmipc_divide_word() again after
 * SHMIPC_CLAIM_SETTLE_MS.
 */
int shmipc_divide_format(struct shmipc_division *div, void *page, u64 bytes, u32 peers,
			 bool server);
/* What shmipc_divide() wants */
u32 shmipc_divide_word(const void *page);
/* Is page 0 all zero? */
bool shmipc_divide_blank(const void *page);
/* It shall be: the first word, which decides, last */
void shmipc_divide_clear(void *page);

static inline void *shmipc_divide_section(const struct shmipc_division *div, void *page, u32 slot)
{
	return (u8 *)page + div->base + slot * div->geo.size;
}

/*
 * The server's: a client of @slot is gone for good, and its section is taken down
 * in its name. Then ring everybody.
 */
void shmipc_divide_bury(const struct shmipc_division *div, void *page, u32 slot);
/* The server's: @slot has a client */
void shmipc_roster_join(void *page, u32 slot);
void shmipc_roster_leave(void *page, u32 slot);
bool shmipc_roster_present(const void *page, u32 slot);
/* A client that finds another value than when it came has lost its slot. 0: nobody's */
u32 shmipc_roster_mark(const void *page, u32 slot);
/* The server's: @epoch once, 0 at the end; a beat at least once a second */
void shmipc_roster_server(void *page, u32 epoch);
void shmipc_roster_beat(void *page);

/* ---- claim.c: slots that nobody hands out ---- */

#define SHMIPC_CLAIM_SETTLE_MS	20	/* somebody else's compare-and-swap may not be one */
#define SHMIPC_CLAIM_SILENCE_MS	1000	/* an owner that was rung all that time has died */
#define SHMIPC_CLAIM_RING_MS	50

/**
 * struct shmipc_claim - an attempt to get a slot; private memory
 * @slot: ours, in the end
 * @token: ours
 * @mute: the caller cannot ring, and leaves those alone who only answer to that
 */
struct shmipc_claim {
	struct shmipc_division div;
	void *page;
	u32 token;
	u8 uuid[16];
	u32 slot;
	bool mute;

	/* claim.c's */
	u32 state;
	u32 since;	/* ms */
	u32 word;	/* geometry */
	u32 beaten;	/* how often another took what we had taken */
	u32 beats[SHMIPC_WIRE_PEERS_MAX];
	u32 tokens[SHMIPC_WIRE_PEERS_MAX];
	u64 silent;	/* slots */
};

/* @token: random, not 0; @uuid: 16 bytes, or NULL */
void shmipc_claim_init(struct shmipc_claim *claim, const struct shmipc_division *div, void *page,
		       u32 token, const u8 *uuid);
/*
 * One step. 0: claim->slot is ours. > 0: ring the owners of the slots in @ring (with
 * the doorbell ids that shmipc_claim_doorbell() says), then call again after so
 * many milliseconds. -EBUSY: all slots have live owners; calling again begins again.
 * -ESTALE: the region is divided in another way now. @now in ms, may wrap.
 */
int shmipc_claim_step(struct shmipc_claim *claim, u32 now, u64 *ring);
u32 shmipc_claim_doorbell(const struct shmipc_claim *claim, u32 slot);
/* Is it still ours? Before anything is written into the section */
bool shmipc_claim_held(const struct shmipc_claim *claim);
/* A sign of life: at every doorbell, or 4 times a second */
void shmipc_claim_beat(struct shmipc_claim *claim);
/* The section has been detached: anybody may have the slot */
void shmipc_claim_release(struct shmipc_claim *claim);

#endif /* SHMIPC_CORE_DIVIDE_H */
