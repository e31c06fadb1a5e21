/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of libshmipc share. They run where shmipc.ko is loaded with
 * loopback=2: /dev/shmipc0 is peer 0, /dev/shmipc1 is peer 1 of the same memory.
 */
#ifndef SHMIPC_LIB_TEST_H
#define SHMIPC_LIB_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include <shmipc/shmipc.h>

/* Emulated machines with every checker on are slow: this only ends hangs. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 240

#define DEV_A		"/dev/shmipc0"
#define DEV_B		"/dev/shmipc1"
#define PEER_A		0u
#define PEER_B		1u
#define SOON		shmipc_deadline(60000)	/* comes, but perhaps slowly */
#define BRIEFLY		shmipc_deadline(50)	/* will not come */

/* @expr gives -1 and just this errno. */
#define FAILS(err, expr) do {							\
	errno = 0;								\
	long long fails_ret = (expr);						\
	int fails_errno = errno;						\
	EXPECT_EQ(-1, fails_ret) TH_LOG("%s", #expr);				\
	EXPECT_EQ(err, fails_errno)						\
		TH_LOG("%s: %s", #expr, strerror(fails_errno));			\
} while (0)

/* @expr gives NULL and just this errno. */
#define FAILS_NULL(err, expr) do {						\
	errno = 0;								\
	const void *fails_ret = (expr);						\
	int fails_errno = errno;						\
	EXPECT_EQ(NULL, fails_ret) TH_LOG("%s", #expr);				\
	EXPECT_EQ(err, fails_errno)						\
		TH_LOG("%s: %s", #expr, strerror(fails_errno));			\
} while (0)

static inline void sleep_ms(int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

/* Until @ep's link to @peer is up, which takes two looks of either; false after a minute */
static inline bool sees(struct shmipc_endpoint *ep, uint32_t peer)
{
	for (int tries = 0; tries < 6000; tries++, sleep_ms(10)) {
		struct shmipc_peer_table *table = shmipc_peer_table_get(ep);
		bool up = false;

		for (size_t i = 0; table && i < shmipc_peer_table_count(table); i++) {
			const struct shmipc_peer *row = shmipc_peer_table_at(table, i);

			up |= shmipc_peer_id(row) == peer &&
			      shmipc_peer_state(row) == SHMIPC_PEER_UP;
		}
		shmipc_peer_table_free(table);
		if (up)
			return true;
	}
	return false;
}

/* An endpoint of either peer; @b owns port 700, which is also @to. */
FIXTURE(pair)
{
	struct shmipc_endpoint *a;
	struct shmipc_endpoint *b;
	struct shmipc_address to;
};

FIXTURE_SETUP(pair)
{
	self->a = shmipc_open(DEV_A, 0);
	ASSERT_NE(NULL, self->a) TH_LOG("%s: %s", DEV_A, strerror(errno));
	self->b = shmipc_open(DEV_B, 0);
	ASSERT_NE(NULL, self->b) TH_LOG("%s: %s", DEV_B, strerror(errno));
	ASSERT_TRUE(sees(self->a, PEER_B) && sees(self->b, PEER_A));
	ASSERT_EQ(700, shmipc_port_create(self->b, 700, "seven"));
	self->to = (struct shmipc_address){ .peer = PEER_B, .port = 700 };
}

FIXTURE_TEARDOWN(pair)
{
	shmipc_close(self->a);
	shmipc_close(self->b);
}

/* Does thread @tid of process @pid sleep? */
static inline bool is_asleep(pid_t pid, pid_t tid)
{
	char path[64], line[512] = "";
	FILE *file;
	char *end;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	end = strrchr(line, ')');
	return end && end[1] && end[2] == 'S';
}

/* How many threads wait at own port @number of the region of @ep; -1: no such port. */
static inline int waiters_at(struct shmipc_endpoint *ep, uint32_t number)
{
	struct shmipc_port_table *table = shmipc_port_table_get(ep, SHMIPC_PEER_SELF);
	int waiters = -1;

	for (size_t i = 0; table && i < shmipc_port_table_count(table); i++) {
		const struct shmipc_port *port = shmipc_port_table_at(table, i);

		if (shmipc_port_number(port) == number)
			waiters = shmipc_port_waiters(port);
	}
	shmipc_port_table_free(table);
	return waiters;
}

/* Look until @nr threads wait there; false after a minute. */
static inline bool until_waiting(struct shmipc_endpoint *ep, uint32_t number, int nr)
{
	for (int i = 0; i < 6000; i++) {
		if (waiters_at(ep, number) == nr)
			return true;
		sleep_ms(10);
	}
	return false;
}

#endif /* SHMIPC_LIB_TEST_H */
