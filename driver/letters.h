/* SPDX-License-Identifier: GPL-2.0 */
/* letters.c and format_message.c: what they know of each other. */
#ifndef SHMIPC_LETTERS_H
#define SHMIPC_LETTERS_H

#include "core/letter.h"
#include "shmipc.h"

/**
 * struct message_peer - what we know of a peer
 * @raw: its letter as we saw it last
 * @known: there has been a last
 * @fresh: nobody has got it
 * @early: it was seen, and its ring may be yet to come,
 * @early_until: before this, in jiffies
 * @back: it is there anew, and says what lay there before, or nothing yet
 * @believed: its entry in the table of states means something
 * @up: it is there; written by the servicer of its link
 * @asking: somebody waits until it has received @asked
 * @confirmed: it has
 * @asked: that letter
 * @asked_resets: how often it had gone then
 * @state: its entry, as we saw it last
 * @generation: of its port: another each time that it comes; read without @lock
 * @held: its messages in the queue of our port
 * @sent: to it
 * @received: from it
 * @resets: how often it went
 * @errors: letters that claimed what cannot be
 */
struct message_peer {
	union shmipc_letter_raw raw;
	bool known;
	bool fresh;
	bool early;
	bool back;
	bool believed;
	bool up;
	bool asking;
	bool confirmed;
	union shmipc_letter_raw asked;
	u64 asked_resets;
	unsigned long early_until;
	u32 state;
	u32 generation;
	u32 held;
	u64 sent;
	u64 received;
	u64 resets;
	u64 errors;
};

/**
 * struct shmipc_message_format - what the format knows of a region
 * @lock: covers what follows, and our own letter; taken with interrupts off, inside
 *	link->lock, outside port->lock
 * @generation: of our port, 0: there is none
 * @serial: of our last letter
 * @peers: N
 */
struct shmipc_message_format {
	spinlock_t lock;	/* covers what follows */
	u32 generation;
	u16 serial;
	struct message_peer peers[];
};

static inline bool message_is_text(const struct shmipc_region *region)
{
	return region->fmt == &shmipc_text;
}

/* letters.c: what comes in. As struct shmipc_format_ops has it, but for the last */

u32 shmipc_letters_service(struct shmipc_link *link);
void shmipc_letters_rang(struct shmipc_region *region, u64 peers, bool states);
/* Before we attach: note who is there */
void shmipc_letters_meet(struct shmipc_region *region, u32 peer);

#endif /* SHMIPC_LETTERS_H */
