// SPDX-License-Identifier: GPL-2.0
/* letter.c: one message at the start of a section, written by anybody */
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>
#include "test.h"
#include "letter.h"

/* What a demo's compiler makes of struct Message, byte for byte */
static const u8 hi[] = {
	1, 0, 0, 0,  4, 0,  0xaa, 0x55,  1, 0, 0, 0,  0, 0, 0, 0,  'H', 'i', '!', '\n', 'x',
};

static union shmipc_letter_raw raw_of(const void *bytes, size_t len)
{
	union shmipc_letter_raw raw = { 0 };

	memcpy(raw.text, bytes, len);
	return raw;
}

TEST(a_letter_is_272_bytes)
{
	CHECK_EQ(sizeof(union shmipc_letter_raw), 272);
}

TEST(a_letter_is_read)
{
	union shmipc_letter_raw raw = raw_of(hi, sizeof(hi));
	struct shmipc_letter letter;

	shmipc_letter_parse(&letter, &raw, false);
	CHECK_EQ(letter.type, 1);
	CHECK_EQ(letter.len, 4);
	CHECK_EQ(letter.sender, 1);
	CHECK_EQ(letter.receiver, 0);
	CHECK(!letter.bad_len && !letter.bare);
	CHECK(!memcmp(letter.data, "Hi!\n", 4));
}

TEST(a_length_is_not_trusted)
{
	static const struct {
		u8 low, high;
		u32 len;
		bool bad;
	} rows[] = {
		{ 0, 0, 0, false }, { 255, 0, 255, false }, { 0, 1, 256, false },
		{ 1, 1, 256, true }, { 255, 255, 256, true },
	};
	struct shmipc_letter letter;
	u32 i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		union shmipc_letter_raw raw = raw_of(hi, sizeof(hi));

		raw.text[4] = rows[i].low;
		raw.text[5] = rows[i].high;
		shmipc_letter_parse(&letter, &raw, false);
		CHECK_EQ(letter.len, rows[i].len);
		CHECK_EQ(letter.bad_len, rows[i].bad);
	}
}

TEST(nothing_is_no_letter)
{
	union shmipc_letter_raw raw = { 0 };
	struct shmipc_letter letter;

	shmipc_letter_parse(&letter, &raw, false);
	CHECK_EQ(letter.type, 0);
	shmipc_letter_parse(&letter, &raw, true);
	CHECK_EQ(letter.type, 0);
}

TEST(text_without_a_header)
{
	union shmipc_letter_raw raw = raw_of("Hi!\n", 5);
	struct shmipc_letter letter;

	shmipc_letter_parse(&letter, &raw, true);
	CHECK_EQ(letter.type, 1);
	CHECK_EQ(letter.len, 4);
	CHECK(letter.bare && !letter.bad_len);
	memset(raw.text, 'x', sizeof(raw.text));
	shmipc_letter_parse(&letter, &raw, true);
	CHECK_EQ(letter.len, 256);
	CHECK(letter.bad_len);
}

TEST(what_we_write_is_what_demos_read)
{
	struct shmipc_letter letter = { .type = 1, .len = 4, .sender = 1, .receiver = 0 };
	union shmipc_letter_raw raw;
	u8 section[4096];

	memset(section, 0xee, sizeof(section));
	memcpy(shmipc_letter_compose(&raw, &letter, false), "Hi!\n", 4);
	shmipc_letter_write(section, &raw);
	CHECK(!memcmp(section, hi, 6));
	CHECK(!memcmp(section + 8, hi + 8, 12));
	CHECK_EQ(section[20], 0);	/* nothing of what lay there before */
	CHECK_EQ(section[272], 0xee);	/* and not a byte further */
	memcpy(shmipc_letter_compose(&raw, &letter, true), "Hi!\n", 4);
	shmipc_letter_write(section, &raw);
	CHECK(!memcmp(section, "Hi!\n", 5));
}

/*
 * A writer that is faster: one page of the letter's two cannot be read at first, and when
 * a reader comes to it the writer has just written another letter over both.
 */
static u8 *pages;
static long page;
static u32 faults, writes;

static void overtake(int signal)
{
	(void)signal;
	faults++;
	mprotect(pages, 2 * page, PROT_READ | PROT_WRITE);
	if (writes) {
		writes--;
		memset(pages + page - 136, 'b' + faults % 8, 272);
	}
}

/* What is read when the page with the number @first is the one that stops the reader */
static bool read_overtaken(union shmipc_letter_raw *raw, u32 first)
{
	struct sigaction act = { .sa_handler = overtake, .sa_flags = SA_NODEFER };
	struct sigaction old;
	bool stable;

	page = sysconf(_SC_PAGESIZE);
	pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED);
	memset(pages + page - 136, 'a', 272);
	faults = 0;
	writes = 1;
	sigaction(SIGSEGV, &act, &old);
	mprotect(pages + first * page, page, PROT_NONE);
	stable = shmipc_letter_read(raw, pages + page - 136);
	sigaction(SIGSEGV, &old, NULL);
	munmap(pages, 2 * page);
	CHECK(faults);
	return stable;
}

TEST(no_half_of_two_letters)
{
	union shmipc_letter_raw raw;
	u32 first, i;

	for (first = 0; first < 2; first++) {
		CHECK(read_overtaken(&raw, first));
		for (i = 1; i < 272; i++)
			CHECK_EQ(raw.text[i], raw.text[0]);
	}
}
