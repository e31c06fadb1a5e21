// SPDX-License-Identifier: LGPL-2.1-or-later
/* The queue of a port: what is admitted, waits, and is taken. As driver/queue.c. */
#include "host.h"

void shmipc_host_queue_init(struct host_port *port)
{
	int level;

	for (level = 0; level < (int)SHMIPC_PRIORITIES; level++)
		port->queue[level].last = &port->queue[level].first;
}

/* 0, or why a message of our own peer cannot be queued now */
int shmipc_host_queue_check(const struct host_port *port, u32 len)
{
	u32 taken = port->flags & SHMIPC_PORT_TOTAL_DEPTH ? port->held : port->self_queued;

	if (port->dead)
		return -ECONNREFUSED;
	if (len > port->max_size)
		return -EMSGSIZE;
	if (taken >= port->depth || (port->self_queued && port->self_bytes + len > port->bytes))
		return -EAGAIN;
	return 0;
}

/* A message of another peer begins to come in; its window is the engine's business */
int shmipc_host_queue_admit_remote(struct host_port *port)
{
	if (port->dead)
		return -ECONNREFUSED;
	if (port->flags & SHMIPC_PORT_TOTAL_DEPTH && port->held >= port->depth) {
		port->drops++;
		return -ENOBUFS;
	}
	port->held++;
	return 0;
}

void shmipc_host_queue_unadmit_remote(struct host_region *region, struct host_port *port)
{
	port->held--;
	if (port->flags & SHMIPC_PORT_TOTAL_DEPTH)
		shmipc_host_wake(&region->wq);
}

/* Append an admitted message to the queue of a living port */
void shmipc_host_queue_append(struct host_port *port, struct host_msg *msg)
{
	struct host_queue *queue = &port->queue[msg->priority];

	msg->time = shmipc_host_now();
	msg->seq = ++port->seq;
	msg->next = NULL;
	*queue->last = msg;
	queue->last = &msg->next;
	port->queued++;
	port->queued_bytes += msg->len;
	if (msg->flags & SHMIPC_MSG_LOCAL) {
		port->held++;
		port->self_queued++;
		port->self_bytes += msg->len;
	}
	shmipc_host_endpoint_changed(port->owner);
}

struct host_msg *shmipc_host_queue_first(const struct host_port *port)
{
	int level;

	for (level = SHMIPC_PRIORITIES - 1; level >= 0; level--)
		if (port->queue[level].first)
			return port->queue[level].first;
	return NULL;
}

/* The sender's room comes back by credit */
static void queue_credit(struct host_region *region, const struct host_msg *msg)
{
	if (shmipc_core_consumed(region->core, msg->peer, msg->slot, msg->generation, msg->len))
		shmipc_host_link_ring(shmipc_host_link(region, msg->peer));
}

/* Take @msg, the first of its level; it is the caller's to free */
void shmipc_host_queue_take(struct host_region *region, struct host_port *port,
			    struct host_msg *msg)
{
	struct host_queue *queue = &port->queue[msg->priority];

	queue->first = msg->next;
	if (!queue->first)
		queue->last = &queue->first;
	port->queued--;
	port->queued_bytes -= msg->len;
	port->received++;
	port->held--;
	if (msg->flags & SHMIPC_MSG_LOCAL) {
		port->self_queued--;
		port->self_bytes -= msg->len;
	} else if (!region->gone) {
		queue_credit(region, msg);
	}
	if (msg->flags & SHMIPC_MSG_LOCAL || port->flags & SHMIPC_PORT_TOTAL_DEPTH)
		shmipc_host_wake(&region->wq);
	shmipc_host_endpoint_changed(port->owner);
}

/* Nothing is queued any more. Returns how many were */
u32 shmipc_host_queue_kill(struct host_port *port)
{
	u32 discarded = port->queued;
	int level;

	port->dead = true;
	port->owner = NULL;
	for (level = 0; level < (int)SHMIPC_PRIORITIES; level++) {
		struct host_msg *msg = port->queue[level].first;

		while (msg) {
			struct host_msg *next = msg->next;

			free(msg);
			msg = next;
		}
	}
	memset(port->queue, 0, sizeof(port->queue));
	shmipc_host_queue_init(port);
	port->drops += discarded;
	port->queued = 0;
	port->queued_bytes = 0;
	return discarded;
}
