// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One way down: to a port of our own peer, or through the engine to another's. As
 * driver/send.c; the payload goes from the caller's memory straight into the lane.
 */
#include "host.h"

/* A blocked sender looks for itself after this long, then doubles it */
#define RESCAN_MIN_MS	10
#define RESCAN_MAX_MS	1000

/* Between 0 and the errnos: something changed under our eyes, begin again */
#define LOOK_AGAIN	1
#define LOOKS_MAX	8

/**
 * struct host_sending - a message on its way
 * @generation: of the port, 0 for any
 * @tx: to another peer: what the engine sees, @link: which
 * @short_of: SHMIPC_CORE_SPACE or _CREDIT: what the last push lacked
 * @armed: of what the peer has been asked to ring for
 * @since: when it last got further, @looked: when we last looked for ourselves
 */
struct host_sending {
	struct host_endpoint *ep;
	struct host_wait wait;
	const struct shmipc_send *arg;
	u32 peer;
	u32 number;
	u32 generation;
	struct host_link *link;
	struct shmipc_core_tx tx;
	u32 short_of;
	u32 armed;
	s64 since;
	s64 looked;
};

static int send_address(struct host_sending *snd)
{
	const struct shmipc_send *arg = snd->arg;
	struct host_endpoint *ep = snd->ep;
	struct host_region *region = ep->region;

	if (arg->port == SHMIPC_PORT_NONE) {
		if (ep->dest_peer == SHMIPC_PEER_ANY)
			return -EDESTADDRREQ;
		snd->peer = ep->dest_peer;
		snd->number = ep->dest_port;
		snd->generation = ep->dest_generation;
	} else {
		if (arg->port > SHMIPC_PORT_MAX)
			return -EINVAL;
		if (arg->peer == SHMIPC_PEER_ANY)
			return -EOPNOTSUPP;
		snd->peer = arg->peer == SHMIPC_PEER_SELF ? region->slot : arg->peer;
		snd->number = arg->port;
		snd->generation = arg->generation;
	}
	snd->link = shmipc_host_link(region, snd->peer);
	return snd->link || snd->peer == region->slot ? 0 : -EHOSTUNREACH;
}

/* ---- to our own peer ---- */

static struct host_msg *local_msg(const struct host_sending *snd, const struct host_port *port)
{
	const struct shmipc_send *arg = snd->arg;
	struct host_region *region = snd->ep->region;
	struct host_msg *msg = malloc(sizeof(*msg) + arg->len);

	if (!msg)
		return NULL;
	memset(msg, 0, sizeof(*msg));
	if (arg->len)
		memcpy(msg->data, (const void *)(uintptr_t)arg->data, arg->len);
	msg->len = arg->len;
	msg->type = arg->type;
	msg->priority = arg->priority;
	msg->peer = region->slot;
	msg->src_port = snd->ep->port ? snd->ep->port->number : SHMIPC_PORT_NONE;
	msg->flags = SHMIPC_MSG_LOCAL |
		     (port->flags & SHMIPC_PORT_META ? SHMIPC_MSG_META : 0);
	msg->endpoint = snd->ep->id;
	msg->cookie = arg->cookie;
	msg->sent_time = shmipc_host_now();
	msg->pid = region->pid;
	msg->uid = region->uid;
	return msg;
}

/* Wait for room; @port has died, perhaps, when this returns */
static int local_wait(struct host_sending *snd, struct host_port *port)
{
	int err = shmipc_host_may_sleep(&snd->wait);

	if (err)
		return err;
	port->ref++;
	port->senders++;
	err = shmipc_host_sleep(snd->ep->region, &snd->ep->region->wq, &snd->wait, 0);
	port->senders--;
	shmipc_host_port_put(port);
	return err < 0 ? err : 0;
}

static int send_local(struct host_sending *snd)
{
	struct host_port *port;
	struct host_msg *msg;
	int err;

	for (;;) {
		if (snd->ep->region->gone)
			return -ENODEV;
		port = shmipc_host_port_find(snd->ep->region, snd->number);
		if (!port)
			return -ECONNREFUSED;
		if (snd->generation && snd->generation != port->generation)
			return -ECONNRESET;
		err = shmipc_host_queue_check(port, snd->arg->len);
		if (err != -EAGAIN)
			break;
		/* Who waits, waits for this port and not for its successor */
		snd->generation = port->generation;
		err = local_wait(snd, port);
		if (err)
			return err;
	}
	if (err)
		return err;
	msg = local_msg(snd, port);
	if (!msg)
		return -ENOMEM;
	shmipc_host_queue_append(port, msg);
	return 0;
}

/* ---- to another peer ---- */

/* Find the port; before the first part is sent */
static int remote_resolve(struct host_sending *snd)
{
	struct shmipc_core_port port;
	int err = shmipc_host_link_error(snd->link);

	/* We may not have looked since it came: what is there already counts, as for CONNECT */
	if (err) {
		shmipc_host_link_serve(snd->link);
		err = shmipc_host_link_error(snd->link);
	}
	if (!err)
		err = shmipc_core_find_port(snd->ep->region->core, snd->peer, snd->number, &port);
	if (err)
		return err == -ENOENT ? -ECONNREFUSED : err == -ENOTCONN ? -EAGAIN : err;
	if (snd->generation && snd->generation != port.generation)
		return -ECONNRESET;
	if (snd->tx.len > port.max_size)
		return -EMSGSIZE;
	snd->tx.slot = port.slot;
	snd->tx.generation = port.generation;
	return shmipc_host_flight_prepare(snd->link, &port);
}

/* What a push that did not succeed means for the sender */
static int remote_verdict(struct host_sending *snd, int err)
{
	snd->short_of = err == -ENOBUFS ? SHMIPC_CORE_CREDIT :
			err == -EAGAIN ? SHMIPC_CORE_SPACE : 0;
	if (err == -ENOBUFS)
		return -EAGAIN;
	/* The servicer reports it; that is us as well as anybody */
	if (err == -ENOTCONN || err == -EPROTO)
		shmipc_host_link_serve(snd->link);
	/* The link or the port went between looking and pushing */
	if (!snd->tx.inc && (err == -ENOTCONN || (err == -ECONNRESET && !snd->generation)))
		return LOOK_AGAIN;
	return err == -ENOTCONN ? -ECONNRESET : err;
}

/* One attempt: 0, LOOK_AGAIN, -EAGAIN to wait; others are final */
static int remote_try(struct host_sending *snd)
{
	struct host_region *region = snd->ep->region;
	int err;

	if (region->gone)
		return -ENODEV;
	snd->short_of = 0;
	if (!snd->tx.inc) {
		/* One large message after the other, or their order would be lost */
		if (snd->ep->stream)
			return -EAGAIN;
		snd->tx.generation = 0;
		err = remote_resolve(snd);
		if (err)
			return err;
	}
	if (snd->armed)
		shmipc_core_arm(region->core, snd->peer, snd->armed);
	do {
		err = shmipc_host_flight_push(snd->link, &snd->tx, snd->ep->id);
		/* Between two parts, so that the peer reads while we write */
		if (err == 1)
			shmipc_host_flush_rings(region);
	} while (err == 1);
	return remote_verdict(snd, err);
}

static void remote_abort(struct host_sending *snd)
{
	bool ring = false;

	if (snd->ep->region->gone)
		return;
	shmipc_core_push_abort(snd->ep->region->core, snd->peer, &snd->tx, &ring);
	if (ring)
		shmipc_host_link_ring(snd->link);
	shmipc_host_wake(&snd->ep->region->wq);
}

/* Look for ourselves once in a while, the less often the longer it takes */
static void remote_look(struct host_sending *snd, s64 step)
{
	s64 now = shmipc_host_now();

	if (now - snd->looked < step)
		return;
	snd->looked = now;
	shmipc_host_link_rescan(snd->link, (now - snd->since) / NS_PER_MS);
}

/* Sleep until something changes */
static int remote_sleep(struct host_sending *snd)
{
	struct host_region *region = snd->ep->region;
	u32 *waiting = snd->tx.generation ? &snd->link->flights[snd->tx.slot].waiting : NULL;
	s64 step = shmipc_host_now() - snd->since;
	u32 done = snd->tx.done;
	int ret;

	step = min(max(step, RESCAN_MIN_MS * NS_PER_MS), RESCAN_MAX_MS * NS_PER_MS);
	if (waiting)
		++*waiting;
	ret = shmipc_host_sleep(region, &region->wq, &snd->wait, step);
	if (waiting)
		--*waiting;
	if (done == snd->tx.done)
		remote_look(snd, step);
	return ret < 0 ? ret : 0;
}

/* It does not go on now: wait, leave it to a stream, or give up. 0: try again */
static int remote_wait(struct host_sending *snd)
{
	int err = shmipc_host_may_sleep(&snd->wait);

	/* Who waits, waits for this port and not for its successor */
	if (snd->tx.generation)
		snd->generation = snd->tx.generation;
	if (!snd->since) {
		snd->since = shmipc_host_now();
		snd->looked = snd->since;
		shmipc_host_link_serve(snd->link);
		return 0;
	}
	/* Armed first, then tried, then slept: whoever makes room from here on rings */
	if (snd->short_of & ~snd->armed) {
		snd->armed |= snd->short_of;
		return 0;
	}
	if (err)
		return err;
	snd->armed = 0;
	return remote_sleep(snd);
}

static int remote_send(struct host_sending *snd, const void *data)
{
	u32 done = 0, looks = 0;
	int err;

	for (;;) {
		err = remote_try(snd);
		/* What changes faster than we look at it is no destination */
		if (err == LOOK_AGAIN && looks++ < LOOKS_MAX)
			continue;
		if (err == LOOK_AGAIN)
			err = -ECONNRESET;
		if (err != -EAGAIN)
			break;
		looks = 0;
		if (snd->tx.done != done)
			snd->since = 0;
		done = snd->tx.done;
		err = remote_wait(snd);
		if (err == -EAGAIN && snd->tx.done)
			err = shmipc_host_stream_start(snd->link, snd->ep, &snd->tx, data);
		else if (!err)
			continue;
		if (!err)
			return 0;
		break;
	}
	if (err && snd->tx.inc)
		remote_abort(snd);
	return err;
}

/* Messages that the last reset of the peer took are told of once */
static int remote_losses(struct host_sending *snd)
{
	struct host_lost *lost = &snd->ep->lost[snd->peer];
	u32 untold = lost->untold;

	lost->untold = 0;
	return untold ? -ECONNRESET : 0;
}

static int send_remote(struct host_sending *snd, struct shmipc_send *arg)
{
	struct host_region *region = snd->ep->region;
	int err = remote_losses(snd);

	if (err)
		return err;
	snd->tx = (struct shmipc_core_tx){
		.len = arg->len,
		.type = arg->type,
		.src_port = snd->ep->port ? snd->ep->port->number : SHMIPC_PORT_NONE,
		.level = arg->priority,
		.payload = (void *)(uintptr_t)arg->data,
		.meta = {
			.endpoint = snd->ep->id,
			.cookie = arg->cookie,
			.time = shmipc_host_now(),
			.pid = region->pid,
			.uid = region->uid,
		},
	};
	shmipc_host_active(region);
	err = remote_send(snd, (const void *)(uintptr_t)arg->data);
	/* It may have answered meanwhile, and the ring been lost: nobody else looks */
	if (err == -EHOSTDOWN)
		shmipc_host_link_rescan(snd->link, 0);
	if (!err)
		arg->out_state = SHMIPC_STATE_SENT;
	else if (err == -ECONNRESET && snd->tx.done)
		arg->out_state = SHMIPC_STATE_RESET;
	return err;
}

int shmipc_host_send(struct host_endpoint *ep, struct shmipc_send *arg)
{
	struct host_sending snd = {
		.ep = ep,
		.arg = arg,
		.wait = {
			.deadline = arg->deadline,
			.nonblock = ep->nonblock || arg->flags & SHMIPC_SEND_NOWAIT,
		},
	};
	int err;

	arg->out_state = SHMIPC_STATE_NOT_SENT;
	arg->out_reserved = 0;
	if (arg->flags & ~SHMIPC_SEND_NOWAIT)
		return -EOPNOTSUPP;
	if (!ep->writable)
		return -EBADF;
	if (arg->priority >= SHMIPC_PRIORITIES)
		return -EINVAL;
	if (ep->region->gone)
		return -ENODEV;
	err = send_address(&snd);
	if (err)
		return err;
	if (arg->len > SHMIPC_MSG_MAX)
		return -EMSGSIZE;
	if (snd.link)
		return send_remote(&snd, arg);
	err = send_local(&snd);
	if (!err)
		arg->out_state = SHMIPC_STATE_QUEUED;
	return err;
}
