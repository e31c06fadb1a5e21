/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Letters: one message at the start of each section, for whoever is rung, as Jailhouse's
 * demos have it (struct shmipc_wire_message), or just text in its place. No indices, no
 * sequence number, no answer: a letter lies there until the next is written
 * over it.
 */
#ifndef SHMIPC_CORE_LETTER_H
#define SHMIPC_CORE_LETTER_H

#include "platform.h"
#include <linux/shmipc_wire.h>

#define SHMIPC_LETTER_BYTES	sizeof(struct shmipc_wire_message)
#define SHMIPC_LETTER_READS	3	/* more, until two agree */

/* A letter as it lies in memory; the owner of the copy looks at the copy */
union shmipc_letter_raw {
	struct shmipc_wire_message message;
	u8 text[sizeof(struct shmipc_wire_message)];
};

/**
 * struct shmipc_letter - what it says
 * @type: SHMIPC_WIRE_MESSAGE_*, or what a user has made up; 0: there is none
 * @len: bytes of @data, at most SHMIPC_WIRE_MESSAGE_DATA
 * @sender: as it says of itself
 * @receiver: likewise
 * @bad_len: it said more than there can be
 * @bare: text without a header: @sender and @receiver are not known
 * @data: in the copy that was parsed
 */
struct shmipc_letter {
	u32 type;
	u32 len;
	u32 sender;
	u32 receiver;
	bool bad_len;
	bool bare;
	const u8 *data;
};

/* Copy a peer's letter. False: it is being written all the time, look later */
bool shmipc_letter_read(union shmipc_letter_raw *raw, const void *section);
bool shmipc_letter_same(const union shmipc_letter_raw *a, const union shmipc_letter_raw *b);
void shmipc_letter_parse(struct shmipc_letter *letter, const union shmipc_letter_raw *raw,
			 bool text);

/*
 * Lay out a letter: @letter without its data, which goes to what is returned; with
 * @text its type and ids are not kept, and its data ends at a zero byte
 */
u8 *shmipc_letter_compose(union shmipc_letter_raw *raw, const struct shmipc_letter *letter,
			  bool text);
/* Put it where peers see it; one writer at a time. Then ring */
void shmipc_letter_write(void *section, const union shmipc_letter_raw *raw);

#endif /* SHMIPC_CORE_LETTER_H */
