// SPDX-License-Identifier: LGPL-2.1-or-later
/* The one way into the kernel, and what several files convert. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "internal.h"

static int command(int fd, unsigned int cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -1 : 0;
}

int shmipc_do_ioctl(const struct shmipc_endpoint *ep, unsigned int cmd, void *arg)
{
	if (!ep) {
		errno = EINVAL;
		return -1;
	}
	return command(shmipc_fd(ep), cmd, arg);
}

/* Is this descriptor an endpoint? 0, or -1 with ENODEV, ENOTTY, EBADF. */
int shmipc_probe_fd(int fd)
{
	struct shmipc_info info = { .size = sizeof(info) };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISCHR(st.st_mode)) {
		errno = ENODEV;
		return -1;
	}
	if (command(fd, SHMIPC_INFO, &info) == 0)
		return 0;
	/* Other drivers have many errors for a command they do not know. */
	if (errno != ENODEV && errno != EBADF)
		errno = ENOTTY;
	return -1;
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
