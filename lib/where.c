// SPDX-License-Identifier: LGPL-2.1-or-later
/* From what a person calls a region to a path. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define DEFAULT_DEVICE "/dev/shmipc0"

static bool is_number(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len > 0 && len < 10 && !text[len];
}

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

const char *shmipc_where(const char *where)
{
	if (!where)
		where = secure_getenv("SHMIPC_DEVICE");
	return where && *where ? where : DEFAULT_DEVICE;
}

/* Memory that this process attaches to by itself */
bool shmipc_where_is_host(const char *where)
{
	return starts_with(where, "unix:") || starts_with(where, "file:") ||
	       starts_with(where, "/dev/shm/");
}

/* Of a device, or of what a host address names. 0, or -1 with EINVAL, ENAMETOOLONG. */
int shmipc_where_to_path(const char *where, char path[SHMIPC_WHERE_MAX])
{
	const char *prefix = "";
	int len;

	where = shmipc_where(where);
	if (shmipc_where_is_host(where)) {
		where += *where == '/' ? 0 : strlen("unix:");
	} else if (strchr(where, '/')) {
		;
	} else if (is_number(where)) {
		prefix = "/dev/shmipc";
	} else if (starts_with(where, "shmipc") && is_number(where + strlen("shmipc"))) {
		prefix = "/dev/";
	} else {
		errno = EINVAL;
		return -1;
	}
	len = *where ? snprintf(path, SHMIPC_WHERE_MAX, "%s%s", prefix, where) : -1;
	if (len < 0 || len >= SHMIPC_WHERE_MAX) {
		errno = len < 0 ? EINVAL : ENAMETOOLONG;
		return -1;
	}
	return 0;
}
