// SPDX-License-Identifier: GPL-2.0
/*
 * One way down: check a message and find its destination, let the caller
 * (chardev.c) fill it with no lock held, then queue it at a port of our own
 * peer or hand it to the format for another one.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "shmipc.h"

/* Between 0 and the errnos: something changed under our eyes, begin again */
#define LOOK_AGAIN	1
#define LOOKS_MAX	8

/* What the endpoint is connected to */
static int send_to_connected(struct shmipc_endpoint *ep, struct shmipc_sending *snd)
{
	struct shmipc_dest *dest = &ep->dest;
	int err = 0;

	mutex_lock(&ep->lock);
	if (dest->peer == SHMIPC_PEER_ANY) {
		err = -EDESTADDRREQ;
	} else {
		snd->peer = dest->peer;
		snd->number = dest->number;
		snd->generation = dest->generation;
		snd->port = dest->port;
		if (snd->port)
			refcount_inc(&snd->port->ref);
	}
	mutex_unlock(&ep->lock);
	snd->connected = true;
	return err;
}

static int send_to_address(struct shmipc_endpoint *ep, const struct shmipc_send *arg,
			   struct shmipc_sending *snd)
{
	if (arg->port > SHMIPC_PORT_MAX)
		return -EINVAL;
	if (arg->peer == SHMIPC_PEER_ANY)
		return -EOPNOTSUPP;
	snd->peer = shmipc_region_peer(ep->region, arg->peer);
	snd->number = arg->port;
	snd->generation = arg->generation;
	if (snd->peer != ep->region->cfg.peer)
		return shmipc_link_get(ep->region, snd->peer) ? 0 : -EHOSTUNREACH;

	snd->port = shmipc_port_find(ep->region, arg->port);
	if (!snd->port)
		return -ECONNREFUSED;
	return snd->generation && snd->generation != snd->port->generation ? -ECONNRESET : 0;
}

/* Where losses are counted; there from the first send to another peer on */
static int send_count_losses(struct shmipc_endpoint *ep)
{
	struct shmipc_lost *lost;

	if (READ_ONCE(ep->lost))
		return 0;
	lost = kcalloc(ep->region->cfg.peers, sizeof(*lost), GFP_KERNEL_ACCOUNT);
	if (!lost)
		return -ENOMEM;
	if (cmpxchg(&ep->lost, NULL, lost))
		kfree(lost);
	return 0;
}

/* Messages that the last reset of the peer took are told of once */
static int send_told_losses(struct shmipc_endpoint *ep, u32 peer)
{
	int err = send_count_losses(ep);

	if (err)
		return err;
	return atomic_xchg(&ep->lost[peer].untold, 0) ? -ECONNRESET : 0;
}

static int send_check_confirm(struct shmipc_endpoint *ep, const struct shmipc_send *arg,
			      struct shmipc_sending *snd)
{
	if (!(arg->flags & SHMIPC_SEND_CONFIRM))
		return 0;
	if (!(ep->region->fmt->features & SHMIPC_FEAT_CONFIRM))
		return -EOPNOTSUPP;
	snd->confirm = true;
	return snd->wait.nonblock ? -EINVAL : 0;
}

static int send_check(struct shmipc_endpoint *ep, const struct shmipc_send *arg,
		      struct shmipc_sending *snd)
{
	int err;

	if (!ep->writable)
		return -EBADF;
	if (arg->flags & ~SHMIPC_SEND_FLAGS)
		return -EOPNOTSUPP;
	if (arg->priority >= SHMIPC_PRIORITIES)
		return -EINVAL;
	if (arg->priority && !(ep->region->fmt->features & SHMIPC_FEAT_PRIORITY))
		return -EOPNOTSUPP;
	if (shmipc_region_gone(ep->region))
		return -ENODEV;
	err = send_check_confirm(ep, arg, snd);
	if (err)
		return err;
	if (arg->port == SHMIPC_PORT_NONE)
		err = send_to_connected(ep, snd);
	else
		err = send_to_address(ep, arg, snd);
	if (err)
		return err;
	if (snd->confirm && snd->port)
		return -EOPNOTSUPP;
	if (arg->len > (snd->port ? snd->port->max_size : SHMIPC_MSG_MAX))
		return -EMSGSIZE;
	return snd->port ? 0 : send_told_losses(ep, snd->peer);
}

/* Is there a reason not to sleep? */
static bool admit_done(struct shmipc_port *port, u32 len)
{
	return shmipc_port_ready(port, len) != -EAGAIN || shmipc_region_gone(port->region);
}

/* A port that died may have a successor: then the caller was cut off, not refused */
static int local_refused(const struct shmipc_sending *snd)
{
	struct shmipc_port *successor;

	if (!snd->generation)
		return -ECONNREFUSED;
	successor = shmipc_port_find(snd->port->region, snd->port->number);
	shmipc_port_put(successor);
	return successor && successor != snd->port ? -ECONNRESET : -ECONNREFUSED;
}

static void admit_sleep(struct shmipc_sending *snd)
{
	struct shmipc_port *port = snd->port;
	DEFINE_WAIT(entry);

	prepare_to_wait_exclusive(&port->senders, &entry, TASK_INTERRUPTIBLE);
	atomic_inc(&port->nr_senders);
	if (!admit_done(port, snd->len))
		shmipc_wait_sleep(&snd->wait, 0);
	atomic_dec(&port->nr_senders);
	finish_wait(&port->senders, &entry);
}

/* Wait for a place in the window of a port of our own peer */
static int send_admit(struct shmipc_sending *snd)
{
	struct shmipc_port *port = snd->port;
	bool slept = false;
	int err, stop;

	for (;;) {
		if (shmipc_region_gone(port->region))
			return -ENODEV;
		err = shmipc_port_admit(port, snd->len);
		if (err != -EAGAIN)
			break;
		if (slept)
			shmipc_port_pass_on(port);
		stop = shmipc_wait_may_sleep(&snd->wait);
		if (stop) {
			err = stop;
			break;
		}
		admit_sleep(snd);
		slept = true;
	}
	/* A wake-up for room that we did not use, or not all of, is somebody else's */
	if (slept)
		wake_up(&port->senders);
	snd->admitted = !err;
	return err == -ECONNREFUSED ? local_refused(snd) : err;
}

/* What did not fit: poll says OUT when it does */
static void send_remember(struct shmipc_sending *snd, int err)
{
	if (!snd->connected)
		return;
	if (err == -EAGAIN)
		WRITE_ONCE(snd->ep->short_of, snd->len);
	else if (!err && READ_ONCE(snd->ep->short_of))
		WRITE_ONCE(snd->ep->short_of, 0);
}

/* It is not to be sent after all, or has been */
void shmipc_send_cancel(struct shmipc_sending *snd)
{
	shmipc_msg_put(snd->msg);
	if (snd->admitted)
		shmipc_port_unadmit(snd->port, snd->len);
	shmipc_port_put(snd->port);
}

/**
 * shmipc_send_prepare() - check a message and make room for its payload
 * @ep: sender
 * @arg: what to send; arg->data and out_* are the caller's business
 * @snd: zeroed, with @wait set. On success to be handed to shmipc_send_commit()
 *	or shmipc_send_cancel()
 *
 * Waits for a place in the window of a port of our own peer; for another peer's
 * it is shmipc_send_commit() that waits.
 */
int shmipc_send_prepare(struct shmipc_endpoint *ep, const struct shmipc_send *arg,
			struct shmipc_sending *snd)
{
	struct mem_cgroup *memcg;
	int err;

	snd->ep = ep;
	snd->len = arg->len;
	err = send_check(ep, arg, snd);
	if (!err && snd->port)
		err = send_admit(snd);
	if (err)
		goto err_cancel;
	memcg = snd->port ? snd->port->memcg : NULL;
	snd->msg = shmipc_msg_alloc(arg->len, GFP_KERNEL, memcg);
	if (!snd->msg) {
		err = -ENOMEM;
		goto err_cancel;
	}
	/* A peer's port is not known to want it before it is too late */
	shmipc_msg_stamp(snd->msg, ep, !snd->port || snd->port->flags & SHMIPC_PORT_META);
	snd->msg->type = arg->type;
	snd->msg->priority = arg->priority;
	snd->msg->cookie = arg->cookie;
	return 0;

err_cancel:
	send_remember(snd, err);
	shmipc_send_cancel(snd);
	return err;
}

/* The place is taken already: this does not wait */
static int send_local(struct shmipc_sending *snd)
{
	struct shmipc_port *port = snd->port;
	struct shmipc_msg *msg = snd->msg;
	int err;

	msg->flags = SHMIPC_MSG_LOCAL;
	if (port->flags & SHMIPC_PORT_META)
		msg->flags |= SHMIPC_MSG_META;
	err = shmipc_port_enqueue(port, msg);
	if (err)
		return local_refused(snd);
	snd->msg = NULL;
	snd->admitted = false;
	return 0;
}

/* Find the port; before the first part is sent */
static int remote_resolve(struct shmipc_sending *snd, struct shmipc_link *link,
			  struct shmipc_core_tx *tx)
{
	struct shmipc_region *region = link->region;
	struct shmipc_core_port port;
	int err;

	err = shmipc_endpoint_peer_error(region->fmt->state(link));
	if (!err)
		err = region->fmt->find_port(link, snd->number, &port);
	if (err)
		return err == -ENOENT ? -ECONNREFUSED : err == -ENOTCONN ? -EAGAIN : err;

	if (snd->generation && snd->generation != port.generation)
		return -ECONNRESET;
	if (tx->len > port.max_size)
		return -EMSGSIZE;
	tx->slot = port.slot;
	tx->generation = port.generation;
	return shmipc_flight_prepare(link, &port);
}

/*
 * Push until it is all in the lane or does not go on. Between two parts the lock
 * is dropped, and the peer rung. With @arm, have the peer ring when it goes on.
 */
static int remote_push(struct shmipc_sending *snd, struct shmipc_link *link,
		       struct shmipc_core_tx *tx, bool arm)
{
	struct shmipc_region *region = link->region;
	int err;

	do {
		bool ring = false;

		shmipc_link_lock(link);
		if (shmipc_region_gone(region)) {
			err = -ENODEV;
		} else {
			if (arm)
				region->fmt->arm(link);
			err = shmipc_flight_push(link, tx, snd->ep->id, &ring);
		}
		shmipc_link_unlock(link);
		if (ring)
			shmipc_link_ring(link);
	} while (err == 1);
	shmipc_polling_expect(region);
	return err;
}

/* What a push that did not succeed means for the sender */
static int remote_verdict(const struct shmipc_sending *snd, const struct shmipc_core_tx *tx,
			  int err)
{
	if (err == -ENOBUFS)
		return -EAGAIN;
	/* The link or the port went between looking and pushing */
	if (!tx->inc && (err == -ENOTCONN || (err == -ECONNRESET && !snd->generation)))
		return LOOK_AGAIN;
	return err == -ENOTCONN ? -ECONNRESET : err;
}

/* One attempt: 0, LOOK_AGAIN, -EAGAIN to wait; others are final */
static int remote_try(struct shmipc_sending *snd, struct shmipc_link *link,
		      struct shmipc_core_tx *tx)
{
	int err;

	if (!tx->inc) {
		/* One large message after the other, or their order would be lost */
		if (atomic_read(&snd->ep->stream))
			return -EAGAIN;
		/* Until it is known anew, remote_try_armed() waits for the link */
		tx->generation = 0;
		err = remote_resolve(snd, link, tx);
		if (err)
			return err;
	}
	return remote_verdict(snd, tx, remote_push(snd, link, tx, false));
}

/* Another attempt, already among the waiters: must not sleep, so it does not resolve */
static int remote_try_armed(struct shmipc_sending *snd, struct shmipc_link *link,
			    struct shmipc_core_tx *tx)
{
	struct shmipc_region *region = link->region;
	int err;

	if (tx->generation && (tx->inc || !atomic_read(&snd->ep->stream)))
		return remote_verdict(snd, tx, remote_push(snd, link, tx, true));

	shmipc_link_lock(link);
	if (shmipc_region_gone(region))
		err = -ENODEV;
	else
		err = shmipc_endpoint_peer_error(region->fmt->state(link));
	shmipc_link_unlock(link);
	if (!err && atomic_read(&snd->ep->stream))
		return -EAGAIN;
	return err ?: LOOK_AGAIN;
}

/* Some of it may be on the way: have the peer forget that */
static void remote_abort(struct shmipc_sending *snd, struct shmipc_link *link,
			 struct shmipc_core_tx *tx)
{
	struct shmipc_region *region = link->region;
	bool ring = false;

	shmipc_link_lock(link);
	if (!shmipc_region_gone(region))
		region->fmt->push_abort(link, tx, &ring);
	shmipc_link_unlock(link);
	if (ring)
		shmipc_link_ring(link);
}

/* Sleep until the link changes, and look for ourselves once in a while */
static int remote_sleep(struct shmipc_sending *snd, struct shmipc_link *link,
			struct shmipc_core_tx *tx, unsigned int *waited_ms)
{
	unsigned int step = clamp(*waited_ms, SHMIPC_RESCAN_MIN_MS, SHMIPC_RESCAN_MAX_MS);
	DEFINE_WAIT(entry);
	bool expired = false;
	int err;

	prepare_to_wait(&link->wq, &entry, TASK_INTERRUPTIBLE);
	/* Armed only now: whoever changes something from here on wakes us */
	err = remote_try_armed(snd, link, tx);
	if (err == -EAGAIN) {
		shmipc_flight_wait(link, tx->slot, tx->generation ? 1 : 0);
		expired = shmipc_wait_sleep(&snd->wait, step * NSEC_PER_MSEC);
		shmipc_flight_wait(link, tx->slot, tx->generation ? -1 : 0);
	}
	finish_wait(&link->wq, &entry);
	if (expired) {
		*waited_ms += step;
		shmipc_link_rescan(link, *waited_ms);
	}
	return err;
}

static int send_remote(struct shmipc_sending *snd, struct shmipc_link *link,
		       struct shmipc_core_tx *tx)
{
	unsigned int waited_ms = 0, looks = 0;
	bool armed = false;
	int err = remote_try(snd, link, tx);

	while (err == -EAGAIN || err == LOOK_AGAIN) {
		int stop;

		if (err == LOOK_AGAIN) {
			cond_resched();
			/* What changes faster than we look at it is no destination */
			err = looks++ < LOOKS_MAX ? remote_try(snd, link, tx) : -ECONNRESET;
			continue;
		}
		/* Who waits, waits for this port and not for its successor */
		if (tx->generation)
			snd->generation = tx->generation;
		stop = shmipc_wait_may_sleep(&snd->wait);
		/* Who polls for the edge does not ask again: arm it now, and look again */
		if (stop == -EAGAIN && !armed) {
			armed = true;
			err = remote_try_armed(snd, link, tx);
			continue;
		}
		if (stop == -EAGAIN && tx->done) {
			err = shmipc_stream_start(link, snd->ep, snd->msg, tx);
			if (err)
				break;
			snd->msg = NULL;
			return 0;
		}
		if (stop) {
			err = stop;
			break;
		}
		err = remote_sleep(snd, link, tx, &waited_ms);
		looks = 0;
		if (err == -EAGAIN)
			err = LOOK_AGAIN;
	}
	if (err && tx->inc)
		remote_abort(snd, link, tx);
	return err;
}

static int send_to_peer(struct shmipc_sending *snd, u32 *state)
{
	struct shmipc_link *link = shmipc_link_get(snd->ep->region, snd->peer);
	struct shmipc_msg *msg = snd->msg;
	struct shmipc_core_tx tx = {
		.len = msg->len,
		.type = msg->type,
		.src_port = msg->src_port,
		.level = msg->priority,
		.result = snd->confirm,
		.payload = msg,
		.meta = {
			.endpoint = msg->endpoint,
			.cookie = msg->cookie,
			.time = msg->sent_time,
			.pid = msg->raw_pid,
			.uid = msg->raw_uid,
		},
	};
	int err = send_remote(snd, link, &tx);

	/* It may have answered meanwhile, and the ring been lost: nobody else looks */
	if (err == -EHOSTDOWN)
		shmipc_link_rescan(link, 0);
	if (!err)
		*state = SHMIPC_STATE_SENT;
	else if (err == -ECONNRESET && tx.done)
		*state = SHMIPC_STATE_RESET;
	if (!err && snd->confirm)
		err = shmipc_confirm(snd, link, state);
	return err;
}

/**
 * shmipc_send_commit() - send what was prepared
 * @snd: used up
 * @state: out: SHMIPC_STATE_*, NOT_SENT to begin with
 */
int shmipc_send_commit(struct shmipc_sending *snd, u32 *state)
{
	int err;

	if (snd->port) {
		err = send_local(snd);
		if (!err)
			*state = SHMIPC_STATE_QUEUED;
	} else {
		err = send_to_peer(snd, state);
	}
	send_remember(snd, err);
	shmipc_send_cancel(snd);
	return err;
}

/* Would a send to another peer succeed now, or fail at once? */
static bool remote_ready(struct shmipc_endpoint *ep, const struct shmipc_sending *snd, u32 len)
{
	struct shmipc_link *link = shmipc_link_get(ep->region, snd->peer);
	struct shmipc_region *region = ep->region;
	struct shmipc_core_port port;
	int err;

	if (atomic_read(&ep->stream))
		return false;
	shmipc_link_lock(link);
	if (shmipc_region_gone(region)) {
		err = -ENODEV;
	} else {
		err = shmipc_endpoint_peer_error(region->fmt->state(link));
		if (!err)
			err = region->fmt->find_port(link, snd->number, &port);
		if (!err && port.generation != snd->generation)
			err = -ECONNRESET;
		if (!err)
			err = region->fmt->push_ready(link, &port, 0, len);
		if (err == -EAGAIN || err == -ENOBUFS) {
			region->fmt->arm(link);
			err = region->fmt->push_ready(link, &port, 0, len);
		}
	}
	shmipc_link_unlock(link);
	return err != -EAGAIN && err != -ENOBUFS && err != -ENOTCONN;
}

/**
 * shmipc_send_ready() - for poll: is SEND to the connected destination possible?
 * @ep: endpoint, already among the waiters of ep->wq
 *
 * After an EAGAIN, ready means that what did not fit then fits now.
 */
bool shmipc_send_ready(struct shmipc_endpoint *ep)
{
	u32 len = READ_ONCE(ep->short_of);
	struct shmipc_sending snd = {};
	bool ready;

	if (send_to_connected(ep, &snd))
		return true;
	if (snd.port)
		ready = shmipc_port_ready(snd.port, len) != -EAGAIN;
	else
		ready = remote_ready(ep, &snd, len);
	shmipc_port_put(snd.port);
	return ready;
}
