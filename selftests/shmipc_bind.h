/* SPDX-License-Identifier: GPL-2.0 */
/* Take loopback region N away and bring it back, as the machine's owner would. */
#ifndef SHMIPC_BIND_H
#define SHMIPC_BIND_H

#include "shmipc_job.h"

#define BIND_DIR	"/sys/bus/platform/drivers/shmipc-loopback/"

static inline int bind_write(const char *file, unsigned int nr)
{
	char path[96], name[32];
	ssize_t len;
	int fd, err;

	snprintf(path, sizeof(path), BIND_DIR "%s", file);
	snprintf(name, sizeof(name), "shmipc-loopback.%u", nr);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	len = write(fd, name, strlen(name));
	err = len < 0 ? errno : 0;
	close(fd);
	return err;
}

static inline int try_unbind(unsigned int nr)
{
	return bind_write("unbind", nr);
}

/* Returns when the new node is there */
static inline int try_bind(unsigned int nr)
{
	char path[32];
	int err = bind_write("bind", nr);

	snprintf(path, sizeof(path), "/dev/shmipc%u", nr);
	return err || happens(!access(path, R_OK)) ? err : ETIMEDOUT;
}

#define must_unbind(nr)		ASSERT_EQ(0, try_unbind(nr))
#define must_bind(nr)		ASSERT_EQ(0, try_bind(nr))
#define fail_bind(err, nr)	EXPECT_EQ(err, try_bind(nr))

static inline bool can_bind(void)
{
	return !access(BIND_DIR "unbind", W_OK);
}

/* Both there and linked, also after a test that failed half way */
static inline bool both_there(int *fd0, int *fd1)
{
	bind_write("bind", 0);
	bind_write("bind", 1);
	*fd0 = open_dev(0, O_RDWR);
	*fd1 = open_dev(1, O_RDWR);
	return *fd0 >= 0 && *fd1 >= 0 && links_up(*fd0, *fd1);
}

#endif /* SHMIPC_BIND_H */
