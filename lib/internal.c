// SPDX-License-Identifier: LGPL-2.1-or-later
/* The one way to the backend, and what several files convert. */
#include <errno.h>
#include <string.h>

#include "internal.h"

int shmipc_do_ioctl(const struct shmipc_endpoint *ep, unsigned int cmd, void *arg)
{
	if (!ep) {
		errno = EINVAL;
		return -1;
	}
	return ep->backend->command(ep, cmd, arg);
}

int shmipc_wait_to_uapi(int64_t deadline, uint32_t nowait, uint32_t *flags, int64_t *out)
{
	if (deadline == SHMIPC_NOWAIT) {
		*flags |= nowait;
		deadline = 0;
	}
	*out = deadline;
	if (deadline >= 0)
		return 0;
	errno = EINVAL;
	return -1;
}

/* Too long is found here; what characters a name may have, the kernel knows. */
int shmipc_name_to_uapi(const char *name, char out[SHMIPC_NAME_MAX])
{
	size_t len = name ? strnlen(name, SHMIPC_NAME_MAX) : 0;

	if (len == SHMIPC_NAME_MAX) {
		errno = EINVAL;
		return -1;
	}
	memset(out, 0, SHMIPC_NAME_MAX);
	if (len)
		memcpy(out, name, len);
	return 0;
}

void shmipc_name_from_uapi(char name[SHMIPC_NAME_MAX])
{
	name[SHMIPC_NAME_MAX - 1] = '\0';
}
