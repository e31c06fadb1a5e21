// SPDX-License-Identifier: GPL-2.0
/*
 * What the protocol engine calls: its lock, and the way of a message from the
 * records of a peer's lane into a port's queue. @ctx is the region.
 *
 * The servicer of the link calls, in an interrupt or a worker, and not after
 * shmipc_region_remove() has begun to detach. A message that comes in is ours
 * alone until it is queued; it keeps its port until then.
 */
#include <linux/gfp.h>
#include <linux/random.h>

#include "shmipc.h"

static struct shmipc_link *native_link(struct shmipc_region *region, u32 peer)
{
	return &region->links[peer];
}

static void native_lock(void *ctx, u32 peer)
{
	shmipc_link_lock(native_link(ctx, peer));
}

static void native_unlock(void *ctx, u32 peer)
{
	shmipc_link_unlock(native_link(ctx, peer));
}

static u32 native_random(void *ctx)
{
	return get_random_u32();
}

static u32 native_witness(void *ctx, u32 peer)
{
	struct shmipc_region *region = ctx;

	return region->cfg.ops->peer_state(region, peer);
}

static void native_event(void *ctx, u32 peer, u32 bits)
{
	shmipc_link_event(native_link(ctx, peer), bits);
}

/*
 * What an incoming message may be allocated with; servicer. If the group that is
 * to pay is at its limit, the worker takes the memory on its own account: the
 * window was granted, uid_bytes bounds what all windows add up to, and whoever
 * is behind in the lane must not wait for that group.
 */
static gfp_t native_gfp(const struct shmipc_link *link)
{
	gfp_t gfp = link->may_sleep ? GFP_KERNEL | __GFP_RETRY_MAYFAIL : GFP_NOWAIT;

	return gfp | __GFP_NOWARN;
}

/*
 * The port that a record is for. A peer can see a port a moment before its slot
 * is filled in here (native_publish()): then the record has to wait.
 */
static struct shmipc_port *native_find_port(struct shmipc_region *region,
					    const struct shmipc_core_rx *rx)
{
	/* Acquire: if publishing is over, its slot is seen below. Pairs with native_publish() */
	bool publishing = smp_load_acquire(&region->publishing);
	struct shmipc_port *port;

	port = shmipc_port_find_slot(region, rx->slot, rx->generation);
	if (port)
		return port;
	return ERR_PTR(publishing ? -ENOMEM : -ECONNREFUSED);
}

static void native_describe_msg(struct shmipc_msg *msg, const struct shmipc_core_rx *rx)
{
	msg->peer = rx->peer;
	msg->src_port = rx->src_port;
	msg->type = rx->type;
	msg->priority = rx->level;
	msg->slot = rx->slot;
	msg->generation = rx->generation;
	if (!rx->extended)
		return;
	msg->flags = SHMIPC_MSG_META | SHMIPC_MSG_CLAIMED;
	msg->endpoint = rx->meta.endpoint;
	msg->cookie = rx->meta.cookie;
	msg->sent_time = rx->meta.time;
	msg->raw_pid = rx->meta.pid;
	msg->raw_uid = rx->meta.uid;
}

static int native_rx_open(void *ctx, const struct shmipc_core_rx *rx, void **out)
{
	struct shmipc_region *region = ctx;
	struct shmipc_port *port = native_find_port(region, rx);
	struct shmipc_link *link;
	struct shmipc_msg *msg;
	int err;

	if (IS_ERR(port))
		return PTR_ERR(port);
	link = native_link(region, rx->peer);
	WRITE_ONCE(link->activity, link->activity + 1);
	err = shmipc_port_admit_remote(port);
	if (err)
		goto err_put;
	msg = shmipc_msg_start(rx->len, native_gfp(link), port->memcg);
	if (!msg && link->may_sleep)
		msg = shmipc_msg_start(rx->len, GFP_KERNEL, NULL);
	if (!msg) {
		err = -ENOMEM;
		goto err_unadmit;
	}
	native_describe_msg(msg, rx);
	msg->port = port;
	*out = msg;
	return 0;

err_unadmit:
	shmipc_port_unadmit_remote(port);
err_put:
	shmipc_port_put(port);
	return err;
}

static int native_rx_data(void *ctx, void *priv, u32 off, const void *src, u32 len)
{
	struct shmipc_region *region = ctx;
	struct shmipc_msg *msg = priv;
	struct shmipc_link *link = native_link(region, msg->peer);
	u32 span;
	int err;

	WRITE_ONCE(link->activity, link->activity + 1);
	err = shmipc_msg_grow(msg, off + len, native_gfp(link), msg->port->memcg);
	if (err && link->may_sleep)
		err = shmipc_msg_grow(msg, off + len, GFP_KERNEL, NULL);
	if (err)
		return err;
	while (len) {
		void *dst = shmipc_msg_span(msg, off, &span);

		span = min(span, len);
		shm_copy_from(dst, src, span);
		src += span;
		off += span;
		len -= span;
	}
	return 0;
}

static void native_rx_done(void *ctx, void *priv)
{
	struct shmipc_msg *msg = priv;
	struct shmipc_port *port = msg->port;

	msg->port = NULL;
	shmipc_port_enqueue_remote(port, msg);
	shmipc_port_put(port);
}

static void native_rx_abort(void *ctx, void *priv)
{
	struct shmipc_msg *msg = priv;
	struct shmipc_port *port = msg->port;

	shmipc_msg_put(msg);
	shmipc_port_unadmit_remote(port);
	shmipc_port_put(port);
}

static void native_tx_copy(void *ctx, const struct shmipc_core_tx *tx, void *dst, u32 off,
			   u32 len)
{
	struct shmipc_msg *msg = tx->payload;
	u32 span;

	while (len) {
		const void *src = shmipc_msg_span(msg, off, &span);

		span = min(span, len);
		shm_copy_to(dst, src, span);
		dst += span;
		off += span;
		len -= span;
	}
}

#define NATIVE_CORE_OPS				\
	.lock		= native_lock,		\
	.unlock		= native_unlock,	\
	.rx_open	= native_rx_open,	\
	.rx_data	= native_rx_data,	\
	.rx_done	= native_rx_done,	\
	.rx_abort	= native_rx_abort,	\
	.tx_copy	= native_tx_copy,	\
	.event		= native_event,		\
	.random		= native_random

const struct shmipc_core_ops shmipc_native_core_ops = {
	NATIVE_CORE_OPS,
};

/* Where the transport has a table of states */
const struct shmipc_core_ops shmipc_native_core_ops_witness = {
	NATIVE_CORE_OPS,
	.witness	= native_witness,
};
