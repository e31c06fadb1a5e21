// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the protocol engine calls: the way of a message from the records of a peer's
 * lane into a port's queue. As driver/native_core.c. @ctx is the region, whose lock
 * is held; it is the engine's link lock too, so lock and unlock have nothing to do.
 */
#include <sys/random.h>

#include "host.h"

static void native_lock(void *ctx, u32 peer)
{
	(void)ctx;
	(void)peer;
}

static u32 native_random(void *ctx)
{
	u32 value;

	(void)ctx;
	return getrandom(&value, sizeof(value), 0) == sizeof(value) ? value : 0;
}

static void native_event(void *ctx, u32 peer, u32 bits)
{
	struct host_region *region = ctx;

	shmipc_host_link_event(&region->links[peer], bits);
}

static struct host_port *native_port(const struct host_region *region,
				     const struct shmipc_core_rx *rx)
{
	struct host_port *port;

	if (rx->slot >= region->div.geo.ports)
		return NULL;
	port = region->slots[rx->slot];
	return port && port->generation == rx->generation ? port : NULL;
}

static void native_describe(struct host_msg *msg, const struct shmipc_core_rx *rx)
{
	msg->len = rx->len;
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
	msg->pid = rx->meta.pid;
	msg->uid = rx->meta.uid;
}

/* The engine has checked rx->len against the port: nothing larger is allocated */
static int native_rx_open(void *ctx, const struct shmipc_core_rx *rx, void **out)
{
	struct host_region *region = ctx;
	struct host_port *port = native_port(region, rx);
	struct host_msg *msg;
	int err;

	shmipc_host_active(region);
	if (!port)
		return -ECONNREFUSED;
	err = shmipc_host_queue_admit_remote(port);
	if (err)
		return err;
	msg = malloc(sizeof(*msg) + rx->len);
	if (!msg) {
		shmipc_host_queue_unadmit_remote(region, port);
		return -ENOMEM;
	}
	memset(msg, 0, sizeof(*msg));
	native_describe(msg, rx);
	port->ref++;
	msg->port = port;
	*out = msg;
	return 0;
}

static int native_rx_data(void *ctx, void *priv, u32 off, const void *src, u32 len)
{
	struct host_msg *msg = priv;

	(void)ctx;
	shm_copy_from(msg->data + off, src, len);
	return 0;
}

static void native_rx_abort(void *ctx, void *priv)
{
	struct host_msg *msg = priv;
	struct host_port *port = msg->port;

	free(msg);
	shmipc_host_queue_unadmit_remote(ctx, port);
	shmipc_host_port_put(port);
}

static void native_rx_done(void *ctx, void *priv)
{
	struct host_msg *msg = priv;
	struct host_port *port = msg->port;

	if (port->dead) {
		port->drops++;
		native_rx_abort(ctx, priv);
		return;
	}
	msg->port = NULL;
	shmipc_host_queue_append(port, msg);
	shmipc_host_port_put(port);
}

static void native_tx_copy(void *ctx, const struct shmipc_core_tx *tx, void *dst, u32 off,
			   u32 len)
{
	(void)ctx;
	shm_copy_to(dst, (const u8 *)tx->payload + off, len);
}

const struct shmipc_core_ops shmipc_host_core_ops = {
	.lock		= native_lock,
	.unlock		= native_lock,
	.rx_open	= native_rx_open,
	.rx_data	= native_rx_data,
	.rx_done	= native_rx_done,
	.rx_abort	= native_rx_abort,
	.tx_copy	= native_tx_copy,
	.event		= native_event,
	.random		= native_random,
};
