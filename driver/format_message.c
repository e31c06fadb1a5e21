// SPDX-License-Identifier: GPL-2.0
/*
 * The format "message" of Jailhouse's demos: each peer has one letter (core/letter.c) at
 * the start of its section, and an interrupt means "look". Its older form "text" has no
 * header.
 *
 * Peers are programs of a few lines. They publish no ports, take no credit, and answer
 * nothing; so each is said to have one port, SHMIPC_MESSAGE_PORT, and to send is to write
 * our letter and ring. What lay there before is gone, read or not.
 *
 * Who rang is not known. A letter that differs from the one we saw last is news, whoever
 * rang. If there is none, and no state changed either, somebody rang for a letter that
 * we have seen: all that are for us are delivered again, marked REPEAT. Not if a letter was
 * seen before its ring (a worker, a patrol, or another's ring was faster): then that ring is
 * no news of anything.
 *
 * A letter that nobody has taken is "fresh": it waits in its section, for a port, for
 * room in its queue, or for memory, until its sender writes another over it.
 *
 * Which peers there are the table of states says. An entry of a peer that never came may
 * hold anything; it is believed when it is what the demos put there, or changes while we
 * look, or there is a letter of that peer.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "letters.h"

static char *message_init = "";
module_param(message_init, charp, 0444);
MODULE_PARM_DESC(message_init, "Formats message and text: a text for everybody, in our section from the start");

static bool message_ack;
module_param(message_ack, bool, 0644);
MODULE_PARM_DESC(message_ack, "Format message: answer each message that a program has received with an ACK of the same data");

static bool message_raw;
module_param(message_raw, bool, 0644);
MODULE_PARM_DESC(message_raw, "Format text: send also what is no text, to test others with");

static u32 message_max(const struct shmipc_region *region)
{
	/* A text ends at a zero byte */
	return SHMIPC_MESSAGE_MAX - message_is_text(region);
}

/* ---- letters that go out ---- */

static void message_write(struct shmipc_region *region, const union shmipc_letter_raw *raw)
{
	shmipc_letter_write(region->sections[region->cfg.peer], raw);
}

static void message_copy(struct shmipc_msg *msg, u8 *to)
{
	u32 off, span;

	for (off = 0; off < msg->len; off += span) {
		const void *from = shmipc_msg_span(msg, off, &span);

		memcpy(to + off, from, span);
	}
}

/*
 * message->lock. Two letters of ours are never the same, so that a peer that compares, as
 * we do, sees that there is another; those who know the struct do not look there
 */
static void message_number(struct shmipc_region *region, union shmipc_letter_raw *raw)
{
	struct shmipc_message_format *message = region->message;

	if (message_is_text(region))
		return;
	message->serial++;
	raw->message.pad[0] = message->serial;
	raw->message.pad[1] = message->serial >> 8;
}

/* Not if it would come as less than it is: a text ends at a zero byte, and is not empty */
static bool message_sayable(const struct shmipc_region *region, const u8 *data, u32 len)
{
	if (!message_is_text(region) || READ_ONCE(message_raw))
		return true;
	return len && !memchr(data, 0, len);
}

/* message->lock. Somebody waits until the peer has this one; one at a time */
static bool message_ask(struct message_peer *p, const union shmipc_letter_raw *raw)
{
	if (p->asking)
		return false;
	p->asking = true;
	p->confirmed = false;
	p->asked = *raw;
	p->asked_resets = p->resets;
	return true;
}

/* Link lock */
static int message_push(struct shmipc_link *link, struct shmipc_core_tx *tx, bool *ring)
{
	struct shmipc_region *region = link->region;
	struct message_peer *p = &region->message->peers[link->peer];
	struct shmipc_letter letter = {
		.type = tx->type ?: SHMIPC_MESSAGE_TEXT,
		.len = tx->len,
		.sender = region->cfg.peer,
		.receiver = link->peer,
	};
	union shmipc_letter_raw raw;
	unsigned long flags;
	int err = 0;
	u8 *data;

	if (!READ_ONCE(p->up))
		return -ENOTCONN;
	if (READ_ONCE(p->generation) != tx->generation)
		return -ECONNRESET;
	if (tx->len > message_max(region))
		return -EMSGSIZE;
	if (message_is_text(region) && letter.type != SHMIPC_MESSAGE_TEXT)
		return -EOPNOTSUPP;
	data = shmipc_letter_compose(&raw, &letter, message_is_text(region));
	message_copy(tx->payload, data);
	if (!message_sayable(region, data, tx->len))
		return -EINVAL;
	spin_lock_irqsave(&region->message->lock, flags);
	if (tx->result && !message_ask(p, &raw)) {
		err = -EAGAIN;
	} else {
		message_number(region, &raw);
		message_write(region, &raw);
		p->sent++;
		*ring = true;
	}
	spin_unlock_irqrestore(&region->message->lock, flags);
	return err;
}

/* Link lock */
static int message_confirmed(struct shmipc_link *link)
{
	struct shmipc_message_format *message = link->region->message;
	struct message_peer *p = &message->peers[link->peer];
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&message->lock, flags);
	/* It may have gone and come while nobody looked */
	if (p->confirmed)
		ret = 1;
	else
		ret = p->up && p->asked_resets == p->resets ? 0 : -ECONNRESET;
	spin_unlock_irqrestore(&message->lock, flags);
	return ret;
}

/* Link lock */
static void message_confirm_end(struct shmipc_link *link)
{
	struct shmipc_message_format *message = link->region->message;
	unsigned long flags;

	spin_lock_irqsave(&message->lock, flags);
	message->peers[link->peer].asking = false;
	spin_unlock_irqrestore(&message->lock, flags);
}

/*
 * Answer a message that has been received; it says of itself what it wants to be answered.
 * Link lock and message->lock
 */
static bool message_acknowledge(struct shmipc_link *link, struct shmipc_msg *msg)
{
	struct shmipc_region *region = link->region;
	struct shmipc_letter letter = {
		.type = SHMIPC_MESSAGE_ACK,
		.len = msg->len,
		.sender = region->cfg.peer,
		.receiver = link->peer,
	};
	union shmipc_letter_raw raw;

	if (!READ_ONCE(message_ack) || message_is_text(region) || msg->type == SHMIPC_MESSAGE_ACK ||
	    msg->type == SHMIPC_MESSAGE_ERROR ||
	    msg->flags & (SHMIPC_MSG_BADRECEIVER | SHMIPC_MSG_REPEAT))
		return false;
	message_copy(msg, shmipc_letter_compose(&raw, &letter, false));
	message_number(region, &raw);
	message_write(region, &raw);
	return true;
}

static void message_push_abort(struct shmipc_link *link, struct shmipc_core_tx *tx, bool *ring)
{
}

static int message_push_ready(struct shmipc_link *link, const struct shmipc_core_port *port,
			      u32 level, u32 len)
{
	return READ_ONCE(link->region->message->peers[link->peer].up) ? 0 : -ENOTCONN;
}

/* Whether it was read nobody can tell: nothing is under way, nothing gets lost */
static void message_progress(struct shmipc_link *link, u32 slot, u32 *generation, u32 *sent,
			     u32 *consumed)
{
	*generation = READ_ONCE(link->region->message->peers[link->peer].generation);
}

/* ---- our port ---- */

static int message_publish(struct shmipc_region *region, struct shmipc_port *port, u64 *ring)
{
	struct shmipc_message_format *message = region->message;
	unsigned long flags;
	u32 peer;

	if (shmipc_region_gone(region))
		return -ENODEV;
	if (port->number != SHMIPC_MESSAGE_PORT)
		return -EOPNOTSUPP;
	port->slot = 0;
	rcu_assign_pointer(region->slots[0], port);
	spin_lock_irqsave(&message->lock, flags);
	message->generation = port->generation;
	for (peer = 0; peer < region->cfg.peers; peer++)
		message->peers[peer].held = 0;
	spin_unlock_irqrestore(&message->lock, flags);
	/* What nobody was there for */
	for (peer = 0; peer < region->cfg.peers; peer++)
		if (peer != region->cfg.peer)
			shmipc_link_kick_later(&region->links[peer]);
	return 0;
}

static void message_withdraw(struct shmipc_region *region, struct shmipc_port *port, u64 *ring)
{
	unsigned long flags;

	RCU_INIT_POINTER(region->slots[0], NULL);
	spin_lock_irqsave(&region->message->lock, flags);
	region->message->generation = 0;
	spin_unlock_irqrestore(&region->message->lock, flags);
}

/* Whose letters nobody has taken: there may be room now, also for others than its. message->lock */
static u64 message_waiting(struct shmipc_region *region)
{
	u64 waiting = 0;
	u32 peer;

	for (peer = 0; peer < region->cfg.peers; peer++)
		if (region->message->peers[peer].fresh)
			waiting |= BIT_ULL(peer);
	return waiting;
}

/* Link lock */
static bool message_consumed(struct shmipc_link *link, struct shmipc_msg *msg)
{
	struct shmipc_message_format *message = link->region->message;
	struct message_peer *p = &message->peers[link->peer];
	unsigned long flags;
	u64 waiting;
	bool ring;

	spin_lock_irqsave(&message->lock, flags);
	if (msg->generation == message->generation && p->held)
		p->held--;
	waiting = message_waiting(link->region);
	ring = p->up && message_acknowledge(link, msg);
	spin_unlock_irqrestore(&message->lock, flags);
	for (; waiting; waiting &= waiting - 1)
		shmipc_link_kick_later(&link->region->links[__ffs64(waiting)]);
	return ring;
}

/* ---- peers' ports: one each ---- */

static int message_read_port(struct shmipc_link *link, u32 slot, struct shmipc_core_port *out)
{
	struct shmipc_region *region = link->region;
	struct message_peer *p = &region->message->peers[link->peer];

	if (shmipc_region_gone(region))
		return -ENODEV;
	if (slot || !READ_ONCE(p->up))
		return -ENOENT;
	memset(out, 0, sizeof(*out));
	out->generation = READ_ONCE(p->generation);
	out->port = SHMIPC_MESSAGE_PORT;
	out->depth = 1;
	out->window = DIV_ROUND_UP(SHMIPC_MESSAGE_MAX, SHMIPC_GRANULE);
	out->max_size = message_max(region);
	return 0;
}

static int message_find_port(struct shmipc_link *link, u32 number, struct shmipc_core_port *out)
{
	return number == SHMIPC_MESSAGE_PORT ? message_read_port(link, 0, out) : -ENOENT;
}

static int message_find_name(struct shmipc_link *link, const char *name,
			     struct shmipc_core_port *out)
{
	return -ENOENT;
}

static u32 message_port_flags(u32 wire)
{
	return 0;
}

static u32 message_state(struct shmipc_link *link)
{
	return READ_ONCE(link->region->message->peers[link->peer].up) ? SHMIPC_PEER_UP :
									 SHMIPC_PEER_ABSENT;
}

static void message_describe(struct shmipc_link *link, struct shmipc_peer_info *row)
{
	struct shmipc_message_format *message = link->region->message;
	struct message_peer *p = &message->peers[link->peer];
	unsigned long flags;

	spin_lock_irqsave(&message->lock, flags);
	row->state = p->up ? SHMIPC_PEER_UP : SHMIPC_PEER_ABSENT;
	row->epoch = p->up ? p->state : 0;
	row->ports = p->up;
	row->sent = p->sent;
	row->received = p->received;
	row->resets = p->resets;
	row->errors = p->errors;
	spin_unlock_irqrestore(&message->lock, flags);
}

static void message_describe_region(struct shmipc_region *region, struct shmipc_info *info)
{
	info->out_max_ports = 1;
	info->out_max_depth = SHMIPC_DEPTH_MAX;
	info->out_max_bytes = SHMIPC_BYTES_MAX;
	info->out_max_msg = message_max(region);
	info->out_max_inline = message_max(region);
}

/* ---- the region ---- */

static void message_say_hello(struct shmipc_region *region)
{
	struct shmipc_letter letter = {
		.type = message_init[0] ? SHMIPC_MESSAGE_TEXT : 0,
		.len = min_t(size_t, strlen(message_init), message_max(region)),
		.sender = region->cfg.peer,
		.receiver = SHMIPC_PEER_ANY,
	};
	union shmipc_letter_raw raw;
	u8 *data = shmipc_letter_compose(&raw, &letter, message_is_text(region));

	memcpy(data, message_init, letter.len);
	message_number(region, &raw);
	if (!letter.type)
		memset(&raw, 0, sizeof(raw));
	message_write(region, &raw);
}

static int message_attach(struct shmipc_region *region)
{
	struct shmipc_message_format *message;
	u32 peer;

	if (region->cfg.section_bytes < sizeof(union shmipc_letter_raw))
		return -EINVAL;
	region->slots = kvcalloc(1, sizeof(*region->slots), GFP_KERNEL);
	message = kvzalloc(struct_size(message, peers, region->cfg.peers), GFP_KERNEL);
	region->message = message;
	if (!region->slots || !message)
		return -ENOMEM;
	spin_lock_init(&message->lock);
	region->nr_slots = 1;
	region->epoch = get_random_u32() | 1;
	region->state = region->cfg.peer + 1;
	message->serial = get_random_u32();	/* peers may know our last from before */
	message_say_hello(region);
	for (peer = 0; peer < region->cfg.peers; peer++)
		if (peer != region->cfg.peer)
			shmipc_letters_meet(region, peer);
	return 0;
}

/* Whoever looks finds nothing */
static void message_detach(struct shmipc_region *region)
{
	union shmipc_letter_raw raw = {};

	message_write(region, &raw);
}

static void message_watch_tables(struct shmipc_region *region, bool on)
{
}

static void message_arm(struct shmipc_link *link)
{
}

static bool message_undrained(struct shmipc_link *link)
{
	return false;
}

static bool message_verify(struct shmipc_region *region)
{
	return true;
}

static void message_nothing(struct shmipc_region *region)
{
}

#define MESSAGE_OPS					\
	.format		= SHMIPC_FORMAT_MESSAGE,	\
	.foreign	= true,				\
	.port		= SHMIPC_MESSAGE_PORT,		\
	.attach		= message_attach,		\
	.detach		= message_detach,		\
	.service	= shmipc_letters_service,		\
	.rang		= shmipc_letters_rang,			\
	.state		= message_state,		\
	.describe	= message_describe,		\
	.describe_region = message_describe_region,	\
	.port_flags	= message_port_flags,		\
	.publish	= message_publish,		\
	.withdraw	= message_withdraw,		\
	.watch_tables	= message_watch_tables,		\
	.find_port	= message_find_port,		\
	.read_port	= message_read_port,		\
	.find_name	= message_find_name,		\
	.push		= message_push,			\
	.push_abort	= message_push_abort,		\
	.confirmed	= message_confirmed,		\
	.confirm_end	= message_confirm_end,		\
	.push_ready	= message_push_ready,		\
	.arm		= message_arm,			\
	.progress	= message_progress,		\
	.consumed	= message_consumed,		\
	.undrained	= message_undrained,		\
	.verify		= message_verify,		\
	.beat		= message_nothing,		\
	.set_doorbell	= message_nothing

const struct shmipc_format_ops shmipc_message = {
	MESSAGE_OPS,
	.name		= "message",
	.features	= SHMIPC_FEAT_PORTS | SHMIPC_FEAT_EVENTS | SHMIPC_FEAT_CONFIRM,
};

/* Told apart by where it is: message_is_text() */
const struct shmipc_format_ops shmipc_text = {
	MESSAGE_OPS,
	.name		= "text",
	.features	= SHMIPC_FEAT_PORTS | SHMIPC_FEAT_EVENTS,
};
