// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Letters: see letter.h. A peer may write while we read: its letter is read until two
 * readings agree. That is as much as can be known of one who does not say when he is
 * done; our own we write so that nobody sees half of one with a type.
 */
#include "letter.h"

static u16 read_length(const struct shmipc_wire_message *message)
{
	const u8 *bytes = (const u8 *)&message->length;

	return bytes[0] | bytes[1] << 8;
}

bool shmipc_letter_same(const union shmipc_letter_raw *a, const union shmipc_letter_raw *b)
{
	u32 i;

	for (i = 0; i < SHMIPC_LETTER_BYTES; i++)
		if (a->text[i] != b->text[i])
			return false;
	return true;
}

bool shmipc_letter_read(union shmipc_letter_raw *raw, const void *section)
{
	union shmipc_letter_raw again;
	u32 i;

	shm_copy_from(raw, section, SHMIPC_LETTER_BYTES);
	for (i = 0; i < SHMIPC_LETTER_READS; i++) {
		shm_rmb();	/* two readings, not one twice */
		shm_copy_from(&again, section, SHMIPC_LETTER_BYTES);
		if (shmipc_letter_same(raw, &again))
			return true;
		*raw = again;
	}
	return false;
}

static void parse_text(struct shmipc_letter *letter, const union shmipc_letter_raw *raw)
{
	u32 len = 0;

	while (len < SHMIPC_WIRE_MESSAGE_DATA && raw->text[len])
		len++;
	letter->bare = true;
	letter->data = raw->text;
	letter->len = len;
	letter->type = len ? SHMIPC_WIRE_MESSAGE_TEXT : 0;
	letter->sender = 0;
	letter->receiver = 0;
	letter->bad_len = len == SHMIPC_WIRE_MESSAGE_DATA;
}

void shmipc_letter_parse(struct shmipc_letter *letter, const union shmipc_letter_raw *raw,
			 bool text)
{
	const struct shmipc_wire_message *message = &raw->message;

	if (text) {
		parse_text(letter, raw);
		return;
	}
	letter->bare = false;
	letter->type = shm_read32(&message->type);
	letter->sender = shm_read32(&message->sender);
	letter->receiver = shm_read32(&message->receiver);
	letter->data = message->data;
	letter->len = read_length(message);
	letter->bad_len = letter->len > SHMIPC_WIRE_MESSAGE_DATA;
	if (letter->bad_len)
		letter->len = SHMIPC_WIRE_MESSAGE_DATA;
}

u8 *shmipc_letter_compose(union shmipc_letter_raw *raw, const struct shmipc_letter *letter,
			  bool text)
{
	struct shmipc_wire_message *message = &raw->message;
	u8 *length = (u8 *)&message->length;
	u32 i;

	for (i = 0; i < SHMIPC_LETTER_BYTES; i++)
		raw->text[i] = 0;
	if (text)
		return raw->text;
	shm_write32(&message->type, letter->type);
	shm_write32(&message->sender, letter->sender);
	shm_write32(&message->receiver, letter->receiver);
	length[0] = letter->len;
	length[1] = letter->len >> 8;
	return message->data;
}

void shmipc_letter_write(void *section, const union shmipc_letter_raw *raw)
{
	struct shmipc_wire_message *to = section;
	const u32 head = sizeof(to->type);

	shm_write32(&to->type, 0);
	shm_wmb();	/* nobody takes what follows for the letter of before */
	shm_copy_to((u8 *)section + head, raw->text + head, SHMIPC_LETTER_BYTES - head);
	shm_wmb();	/* whoever sees the type sees the rest; pairs with a reader's copy */
	shm_write32(&to->type, shm_read32(&raw->message.type));
	shm_mb();	/* before the ring */
}
