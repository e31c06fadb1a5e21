// SPDX-License-Identifier: GPL-2.0
/*
 * SEND with CONFIRM, once the message has left: the format knows by what it is told that
 * the other side has received it (SHMIPC_CORE_RESULT wakes us), and forgets when we do.
 */
#include <linux/minmax.h>
#include <linux/sched.h>

#include "shmipc.h"

/* 1: it has been received; 0: not yet; or an errno: the wait is over */
static int confirm_done(struct shmipc_sending *snd, struct shmipc_link *link)
{
	struct shmipc_region *region = link->region;
	int ret;

	shmipc_link_lock(link);
	ret = shmipc_region_gone(region) ? -ENODEV : region->fmt->confirmed(link);
	shmipc_link_unlock(link);
	return ret ?: shmipc_wait_may_sleep(&snd->wait);
}

/*
 * Sleep until the other side has received it, and look for ourselves once in a while: a ring
 * may have been lost. It has been sent: no restart after a signal
 */
static int confirm_wait(struct shmipc_sending *snd, struct shmipc_link *link)
{
	unsigned int waited_ms = 0, step;
	DEFINE_WAIT(entry);
	bool expired;
	int ret;

	do {
		step = clamp(waited_ms, SHMIPC_RESCAN_MIN_MS, SHMIPC_RESCAN_MAX_MS);
		expired = false;
		prepare_to_wait(&link->wq, &entry, TASK_INTERRUPTIBLE);
		ret = confirm_done(snd, link);
		if (!ret)
			expired = shmipc_wait_sleep(&snd->wait, step * NSEC_PER_MSEC);
		finish_wait(&link->wq, &entry);
		if (expired) {
			waited_ms += step;
			shmipc_link_rescan(link, waited_ms);
		}
	} while (!ret);
	return ret == -ERESTARTSYS ? -EINTR : min(ret, 0);
}

/**
 * shmipc_confirm() - wait until what was sent has been received
 * @snd: sent, with @confirm
 * @link: to its peer
 * @state: out: SHMIPC_STATE_*, SENT to begin with
 *
 * Return: 0; -ETIMEDOUT, -EINTR: not known; -ECONNRESET: the peer went; -ENODEV.
 */
int shmipc_confirm(struct shmipc_sending *snd, struct shmipc_link *link, u32 *state)
{
	struct shmipc_region *region = link->region;
	int err = confirm_wait(snd, link);

	shmipc_link_lock(link);
	if (!shmipc_region_gone(region))
		region->fmt->confirm_end(link);
	shmipc_link_wake(link);
	shmipc_link_unlock(link);
	if (!err)
		*state = SHMIPC_STATE_RECEIVED;
	else if (err == -ECONNRESET)
		*state = SHMIPC_STATE_RESET;
	return err;
}
