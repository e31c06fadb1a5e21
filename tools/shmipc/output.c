// SPDX-License-Identifier: GPL-2.0
/* Talking to a person, and showing bytes that are not to be trusted. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static void complain(const char *format, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "shmipc: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
}

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
}

int fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return CLI_FAILED;
}

int fail_errno(const char *what)
{
	return fail("%s: %s", what, shmipc_strerror(errno));
}

/* Opened, or NULL after a complaint. */
struct shmipc_endpoint *open_device(const struct cli *cli, int flags)
{
	struct shmipc_endpoint *ep = shmipc_open(cli->device, flags);
	char text[512];

	if (!ep) {
		shmipc_open_error(cli->device, errno, text, sizeof(text));
		note("%s", text);
	}
	return ep;
}

static bool is_tail(unsigned char byte)
{
	return (byte & 0xC0) == 0x80;
}

/*
 * Bytes of the UTF-8 character at @at, 0 if that is none: too long a form, a
 * surrogate, beyond Unicode, or cut off.
 */
size_t utf8_length(const unsigned char *at, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = at[0] < 0x80 ? 1 : at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
	uint32_t code;

	if (len == 1)
		return 1;
	if (len > left || !(at[0] & 0x40) || at[0] >= 0xF8)
		return 0;
	code = at[0] & (0x7F >> len);
	for (size_t i = 1; i < len; i++) {
		if (!is_tail(at[i]))
			return 0;
		code = code << 6 | (at[i] & 0x3F);
	}
	if (code < least[len] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
		return 0;
	return len;
}

/* Controls of the C1 set (U+0080 to U+009F) and changes of direction. */
static bool is_sly(const unsigned char *at, size_t len)
{
	if (len == 2)
		return at[0] == 0xC2 && at[1] < 0xA0;
	if (len == 3 && at[0] == 0xE2 && at[1] == 0x80)
		return at[2] >= 0x8E && at[2] != 0x90 && (at[2] <= 0x8F || at[2] >= 0xA8) &&
		       at[2] <= 0xAE;
	return len == 3 && at[0] == 0xE2 && at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9;
}

static bool is_plain(unsigned char byte, bool lines)
{
	return isprint(byte) || (lines && (byte == '\n' || byte == '\t'));
}

/* Nothing but printable characters come out; newlines and tabs too, if @lines. */
void put_escaped(FILE *out, const void *data, size_t len, bool lines)
{
	const unsigned char *at = data;
	size_t step;

	for (; len; at += step, len -= step) {
		step = utf8_length(at, len);
		if (step > 1 && !is_sly(at, step)) {
			fwrite(at, 1, step, out);
		} else if (step == 1 && *at == '\\') {
			fputs("\\\\", out);
		} else if (step == 1 && is_plain(*at, lines)) {
			putc(*at, out);
		} else {
			step = step ? step : 1;
			for (size_t i = 0; i < step; i++)
				fprintf(out, "\\x%02x", at[i]);
		}
	}
}

/* A payload as text, on lines of its own; as it is, unless a terminal reads it. */
void put_text(FILE *out, const void *data, size_t len)
{
	const char *bytes = data;

	if (isatty(fileno(out)))
		put_escaped(out, data, len, true);
	else
		fwrite(data, 1, len, out);
	if (!len || bytes[len - 1] != '\n')
		putc('\n', out);
}

void put_hex(FILE *out, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		fprintf(out, "%s%02x", i ? " " : "", bytes[i]);
	putc('\n', out);
}
