// SPDX-License-Identifier: GPL-2.0
/* What the server says: to stderr, or, in the background, to syslog. */
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "server.h"

#define LINES	40	/* a second */

static bool to_syslog;

void log_to_syslog(const char *name)
{
	openlog(name, LOG_PID, LOG_DAEMON);
	to_syslog = true;
}

static void put(const char *format, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, args);
	if (to_syslog)
		syslog(LOG_INFO, "%s", line);
	else
		fprintf(stderr, "shmipc-server: %s\n", line);
}

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(format, args);
	va_end(args);
}

void detail(const char *format, ...)
{
	va_list args;

	if (!options.verbose)
		return;
	va_start(args, format);
	put(format, args);
	va_end(args);
}

/* Whoever may connect must not be able to fill the log */
void note_limited(const char *format, ...)
{
	static u64 second;
	static u32 lines, left_out;
	u64 now = now_ms() / 1000;
	va_list args;

	if (now != second) {
		if (left_out)
			note("(%u lines left out)", left_out);
		second = now;
		lines = 0;
		left_out = 0;
	}
	if (++lines > LINES && !options.verbose) {
		left_out++;
		return;
	}
	va_start(args, format);
	put(format, args);
	va_end(args);
}
