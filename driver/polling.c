// SPDX-License-Identifier: GPL-2.0
/*
 * Polling, where no doorbell works: a thread looks at all links, again at once while
 * it finds something, and after ever longer pauses when it does not. A pause is about
 * as long as nothing has happened before it, so that an answer is not late by more
 * than it took to come; and never longer than a quarter of a second, since the beats
 * that tell other peers and the owner of a slot that we live go out at each look.
 *
 * Whoever rings a peer, or sends to one, pokes the thread: something may come back.
 */
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>

#include "shmipc.h"

#define POLL_MIN_NS	(20 * NSEC_PER_USEC)
#define POLL_MAX_NS	(200 * NSEC_PER_MSEC)
#define POLL_LONG_NS	NSEC_PER_MSEC	/* longer than who sends should wait for an answer */

/* True: a peer had something for us */
static bool polling_look(struct shmipc_region *region)
{
	struct shmipc_link *link;
	bool found = false;
	u32 peer, before;

	for (peer = 0; peer < region->cfg.peers; peer++) {
		link = shmipc_link_get(region, peer);
		if (!link)
			continue;
		before = READ_ONCE(link->activity);
		shmipc_link_kick(link);
		found |= READ_ONCE(link->activity) != before;
	}
	return found;
}

static int polling_thread(void *data)
{
	struct shmipc_region *region = data;
	struct shmipc_polling *polling = &region->polling;
	u64 pause = POLL_MIN_NS;

	while (!kthread_should_stop()) {
		if (region->cfg.ops->beat)
			region->cfg.ops->beat(region);
		if (polling_look(region) || xchg(&polling->poked, 0))
			pause = POLL_MIN_NS;
		else
			pause = min_t(u64, pause * 2, POLL_MAX_NS);
		WRITE_ONCE(polling->napping, pause > POLL_LONG_NS);
		wait_event_interruptible_hrtimeout(polling->wq,
						   READ_ONCE(polling->poked) ||
						   kthread_should_stop(), ns_to_ktime(pause));
		cond_resched();
	}
	return 0;
}

/**
 * shmipc_polling_start() - begin to poll
 * @region: by its transport's start
 */
int shmipc_polling_start(struct shmipc_region *region)
{
	struct task_struct *task;

	task = kthread_run(polling_thread, region, "shmipc%d", region->minor);
	if (IS_ERR(task))
		return PTR_ERR(task);
	region->polling.task = task;
	return 0;
}

/**
 * shmipc_polling_stop() - and end
 * @region: by its transport's stop, whether it polls or not; process context
 */
void shmipc_polling_stop(struct shmipc_region *region)
{
	if (region->polling.task)
		kthread_stop(region->polling.task);
	region->polling.task = NULL;
}

/**
 * shmipc_polling_poke() - look again soon
 * @region: whether it polls or not; any context
 */
void shmipc_polling_poke(struct shmipc_region *region)
{
	struct shmipc_polling *polling = &region->polling;

	/* Once is enough; pairs with the xchg() of the thread */
	if (!READ_ONCE(polling->poked) && !xchg(&polling->poked, 1))
		wake_up(&polling->wq);
}

/**
 * shmipc_polling_expect() - something was sent, an answer may come
 * @region: whether it polls or not; any context
 *
 * A peer that polls as we do is not rung, and answers all the same. One who sends
 * much does not wake the thread each time.
 */
void shmipc_polling_expect(struct shmipc_region *region)
{
	if (READ_ONCE(region->polling.napping))
		shmipc_polling_poke(region);
}
