// SPDX-License-Identifier: GPL-2.0
/* From text to numbers and destinations. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Decimal, or hexadecimal with 0x. No sign, no space, nothing after it. */
bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
	int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)*text) ||
	    (base == 16 && !isxdigit((unsigned char)text[2])))
		return false;
	errno = 0;
	value = strtoull(text, &end, base);
	if (errno || *end || value > max)
		return false;
	*out = value;
	return true;
}

bool parse_u32(const char *text, uint32_t max, uint32_t *out)
{
	uint64_t value;

	if (!parse_number(text, max, &value))
		return false;
	*out = value;
	return true;
}

/* "2", "0.25", "250ms" */
bool parse_time_ms(const char *text, int *ms)
{
	double value;
	char *end;

	if (!isdigit((unsigned char)*text) || strspn(text, "0123456789.") < 1)
		return false;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return false;
	value = strtod(text, &end);
	if (!strcmp(end, "") || !strcmp(end, "s"))
		value *= 1000;
	else if (strcmp(end, "ms"))
		return false;
	if (value > INT_MAX)
		return false;
	*ms = value;
	/* Less than the least, but not nothing. */
	if (value > 0 && !*ms)
		*ms = 1;
	return true;
}

bool parse_peer(const char *text, uint32_t *peer)
{
	if (!strcmp(text, "self")) {
		*peer = SHMIPC_PEER_SELF;
		return true;
	}
	return parse_u32(text, 65535, peer);
}

/* "any" is 0 (SHMIPC_PORT_ANY), which as a number is not accepted. */
bool parse_port(const char *text, uint32_t *port)
{
	if (!strcmp(text, "any")) {
		*port = SHMIPC_PORT_ANY;
		return true;
	}
	return parse_u32(text, SHMIPC_PORT_MAX, port) && *port != SHMIPC_PORT_ANY;
}

/* "PEER:PORT" */
static bool parse_address(char *text, char *colon, struct shmipc_address *to)
{
	*colon = '\0';
	return parse_peer(text, &to->peer) && parse_port(colon + 1, &to->port) &&
	       to->port != SHMIPC_PORT_ANY;
}

static int look_up(struct shmipc_endpoint *ep, char *text, int64_t deadline,
		   struct shmipc_address *to)
{
	uint32_t peer = SHMIPC_PEER_ANY;
	char *at = strchr(text, '@');

	if (at) {
		*at = '\0';
		if (!parse_peer(at + 1, &peer)) {
			note("\"%s\" is no peer: a number, or self", at + 1);
			return CLI_USAGE;
		}
	}
	if (shmipc_lookup(ep, peer, text, 0, deadline, to) == 0)
		return CLI_OK;
	return fail("%s: %s", text,
		    errno == EINVAL ? "not a name: [A-Za-z0-9._-], 1 to 31 characters" :
				      shmipc_strerror(errno));
}

/*
 * Fill @to from PEER:PORT, NAME or NAME@PEER, waiting for a name until @deadline.
 * Returns an exit status, after a complaint if it is not CLI_OK.
 */
int resolve(struct shmipc_endpoint *ep, const char *text, int64_t deadline,
	    struct shmipc_address *to)
{
	char *copy = strdup(text);
	int status = CLI_OK;
	char *colon;

	if (!copy)
		return fail_errno("memory");
	*to = (struct shmipc_address){ 0 };
	colon = strchr(copy, ':');
	if (!colon) {
		status = look_up(ep, copy, deadline, to);
	} else if (!parse_address(copy, colon, to)) {
		note("\"%s\" is no destination: PEER:PORT, NAME or NAME@PEER", text);
		status = CLI_USAGE;
	}
	free(copy);
	return status;
}
