// SPDX-License-Identifier: GPL-2.0
/* Writing JSON. */
#include <string.h>

#include "cli.h"

#define MAX_DEPTH 8

static bool followed[MAX_DEPTH];	/* something was written at this depth */
static unsigned int depth;

static void put_string(const void *data, size_t len)
{
	const unsigned char *at = data;
	size_t step;

	putchar('"');
	for (; len; at += step, len -= step) {
		step = utf8_length(at, len);
		if (!step) {	/* not text: a replacement character */
			fputs("\\ufffd", stdout);
			step = 1;
		} else if (step == 1 && (*at == '"' || *at == '\\')) {
			printf("\\%c", *at);
		} else if (step == 1 && (*at < ' ' || *at == 0x7F)) {
			printf("\\u%04x", *at);
		} else {
			fwrite(at, 1, step, stdout);
		}
	}
	putchar('"');
}

static void begin(const char *key)
{
	if (followed[depth])
		fputs(", ", stdout);
	followed[depth] = true;
	if (key) {
		put_string(key, strlen(key));
		fputs(": ", stdout);
	}
}

void json_open(const char *key, char bracket)
{
	begin(key);
	putchar(bracket);
	if (depth < MAX_DEPTH - 1)
		depth++;
	followed[depth] = false;
}

void json_close(char bracket)
{
	putchar(bracket);
	if (depth)
		depth--;
}

void json_string(const char *key, const char *value)
{
	json_bytes(key, value, strlen(value));
}

void json_bytes(const char *key, const void *data, size_t len)
{
	begin(key);
	put_string(data, len);
}

void json_hex_bytes(const char *key, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	begin(key);
	putchar('"');
	for (size_t i = 0; i < len; i++)
		printf("%02x", bytes[i]);
	putchar('"');
}

void json_number(const char *key, uint64_t value)
{
	begin(key);
	printf("%llu", (unsigned long long)value);
}

/* 64 bits that only identify: a string, since many readers keep but 53. */
void json_id(const char *key, uint64_t value)
{
	begin(key);
	printf("\"0x%llx\"", (unsigned long long)value);
}

void json_bool(const char *key, bool value)
{
	begin(key);
	fputs(value ? "true" : "false", stdout);
}

/* The text is complete. */
void json_end(void)
{
	putchar('\n');
	followed[0] = false;
}
