// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sleeping with a deadline. A futex and not a condition variable: a signal whose
 * handler was not installed with SA_RESTART ends the wait with EINTR, as in the
 * kernel.
 *
 * The word is read with the lock held and changed with the lock held, so what
 * happens between dropping the lock and sleeping changes it, and futex() returns.
 */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

/* What SYS_futex takes, whatever time_t is */
struct futex_time {
	long sec;
	long nsec;
};

s64 shmipc_host_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int shmipc_host_may_sleep(const struct host_wait *wait)
{
	if (wait->nonblock)
		return -EAGAIN;
	if (wait->deadline && shmipc_host_now() >= wait->deadline)
		return -ETIMEDOUT;
	return 0;
}

static int futex_wait(u32 *word, u32 value, s64 until)
{
	struct futex_time time = { until / NS_PER_S, until % NS_PER_S };

	if (until / NS_PER_S > INT32_MAX)
		time.sec = INT32_MAX;
	if (!syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, until ? &time : NULL,
		     NULL, FUTEX_BITSET_MATCH_ANY))
		return 0;
	return errno == ETIMEDOUT ? 1 : errno == EINTR ? -EINTR : 0;
}

int shmipc_host_sleep(struct host_region *region, struct host_wq *wq,
		      const struct host_wait *wait, s64 at_most)
{
	u32 seq = __atomic_load_n(&wq->seq, __ATOMIC_RELAXED);
	s64 until = wait->deadline;
	int ret;

	if (at_most) {
		s64 limit = shmipc_host_now() + at_most;

		until = until && until < limit ? until : limit;
	}
	wq->sleepers++;
	shmipc_host_unlock(region);
	ret = futex_wait(&wq->seq, seq, until);
	shmipc_host_lock(region);
	wq->sleepers--;
	return ret;
}

void shmipc_host_wake(struct host_wq *wq)
{
	if (!wq->sleepers)
		return;
	__atomic_add_fetch(&wq->seq, 1, __ATOMIC_RELAXED);
	syscall(SYS_futex, &wq->seq, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}
