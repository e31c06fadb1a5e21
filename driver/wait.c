// SPDX-License-Identifier: GPL-2.0
/*
 * Sleeping with a deadline, and the two steps that every wait in this driver is
 * made of:
 *
 *	for (;;) {
 *		try; done? break
 *		shmipc_wait_may_sleep() says no? that is the answer
 *		prepare_to_wait(); try again (whoever makes it possible stores
 *		first and looks for sleepers after)
 *		shmipc_wait_sleep(); finish_wait();
 *	}
 *
 * Deadlines are absolute, so a call that a signal interrupted may be restarted.
 */
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/ktime.h>

#include "shmipc.h"

/**
 * shmipc_wait_may_sleep() - may a call that found nothing go to sleep?
 * @wait: what the caller asked for
 *
 * Return: 0, -EAGAIN, -ETIMEDOUT or -ERESTARTSYS.
 */
int shmipc_wait_may_sleep(const struct shmipc_wait *wait)
{
	if (wait->nonblock)
		return -EAGAIN;
	if (wait->deadline && ktime_to_ns(ktime_get()) >= wait->deadline)
		return -ETIMEDOUT;
	if (signal_pending(current))
		return -ERESTARTSYS;
	return 0;
}

/**
 * shmipc_wait_sleep() - sleep until woken, the deadline, or for @at_most_ns
 * @wait: what the caller asked for
 * @at_most_ns: or 0
 *
 * The task state has been set by prepare_to_wait().
 *
 * Return: true if a timer ended it, false if something woke us.
 */
bool shmipc_wait_sleep(const struct shmipc_wait *wait, s64 at_most_ns)
{
	s64 until = wait->deadline;
	ktime_t expires;

	if (at_most_ns) {
		s64 at_most = ktime_to_ns(ktime_get()) + at_most_ns;

		until = until ? min(until, at_most) : at_most;
	}
	if (!until) {
		schedule();
		return false;
	}
	expires = ns_to_ktime(until);
	return schedule_hrtimeout_range(&expires, current->timer_slack_ns,
					HRTIMER_MODE_ABS) == 0;
}
