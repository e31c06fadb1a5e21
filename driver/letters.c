// SPDX-License-Identifier: GPL-2.0
/*
 * Letters that come in, for format_message.c, which says how they are dealt with: who
 * is there, what is news, and the way of a letter into the queue of our port.
 *
 * Called in interrupts and workers, for whichever region is not gone.
 */
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "letters.h"

/* ---- a letter; message->lock ---- */

static void message_parse(struct shmipc_region *region, u32 peer, struct shmipc_letter *letter)
{
	shmipc_letter_parse(letter, &region->message->peers[peer].raw, message_is_text(region));
}

static bool message_is_ours(const struct shmipc_region *region, const struct shmipc_letter *letter)
{
	return letter->bare || letter->receiver == region->cfg.peer ||
	       letter->receiver == SHMIPC_PEER_ANY;
}

static u32 message_flags(const struct shmipc_region *region, u32 peer,
			 const struct shmipc_letter *letter)
{
	u32 flags = 0;

	if (letter->bare)
		flags |= SHMIPC_MSG_BARE;
	else if (letter->sender != peer)
		flags |= SHMIPC_MSG_BADSENDER;
	if (letter->bad_len)
		flags |= SHMIPC_MSG_BADLEN;
	if (!message_is_ours(region, letter))
		flags |= SHMIPC_MSG_BADRECEIVER;
	return flags;
}

/* A message of it in kernel memory, or NULL */
static struct shmipc_msg *message_make(struct shmipc_port *port, u32 peer,
				       const struct shmipc_letter *letter)
{
	struct shmipc_msg *msg;

	msg = shmipc_msg_alloc(letter->len, GFP_NOWAIT | __GFP_NOWARN, port->memcg);
	if (!msg)
		return NULL;
	memcpy(msg->data, letter->data, letter->len);
	msg->peer = peer;
	msg->src_port = SHMIPC_MESSAGE_PORT;
	msg->type = letter->type;
	msg->generation = port->generation;
	return msg;
}

/* A TOTAL_DEPTH port. Only a hint: it spares what waits from being counted as dropped */
static bool message_port_full(const struct shmipc_port *port)
{
	return port->flags & SHMIPC_PORT_TOTAL_DEPTH && READ_ONCE(port->held) >= port->depth;
}

/*
 * 0: it is in the queue, or waits until a message of its peer leaves it. SHMIPC_SERVICE_RETRY:
 * it waits for memory, or for room that anybody may make
 */
static u32 message_queue(struct shmipc_port *port, u32 peer, const struct shmipc_letter *letter,
			 u32 flags)
{
	struct shmipc_region *region = port->region;
	struct message_peer *p = &region->message->peers[peer];
	struct shmipc_msg *msg;

	if (p->held >= port->depth)
		return 0;
	if (message_port_full(port) || shmipc_port_admit_remote(port))
		return SHMIPC_SERVICE_RETRY;
	msg = message_make(port, peer, letter);
	if (!msg) {
		shmipc_port_unadmit_remote(port);
		return SHMIPC_SERVICE_RETRY;
	}
	msg->flags = flags;
	p->fresh = false;
	p->held++;
	p->received++;
	if (flags & (SHMIPC_MSG_BADLEN | SHMIPC_MSG_BADSENDER))
		p->errors++;
	shmipc_port_enqueue_remote(port, msg);
	return 0;
}

static u32 message_deliver(struct shmipc_region *region, u32 peer, u32 flags)
{
	struct shmipc_message_format *message = region->message;
	struct shmipc_letter letter;
	struct shmipc_port *port;
	u32 ret;

	message_parse(region, peer, &letter);
	if (!letter.type) {
		message->peers[peer].fresh = false;
		return 0;
	}
	port = shmipc_port_find_slot(region, 0, message->generation);
	if (!port)
		return 0;
	ret = message_queue(port, peer, &letter, flags | message_flags(region, peer, &letter));
	shmipc_port_put(port);
	return ret;
}

#define LETTERS_CONFIRMED	0x80000000U	/* beside SHMIPC_SERVICE_*: wake who waits for it */

/*
 * Is it what somebody waits for: an ACK of nothing in particular, or of just that? Then
 * nobody else gets it
 */
static bool message_confirms(struct shmipc_region *region, u32 peer)
{
	struct message_peer *p = &region->message->peers[peer];
	struct shmipc_letter letter, asked;

	if (!p->asking || p->confirmed)
		return false;
	message_parse(region, peer, &letter);
	shmipc_letter_parse(&asked, &p->asked, false);
	if (letter.type != SHMIPC_MESSAGE_ACK || letter.bare || !message_is_ours(region, &letter))
		return false;
	if (letter.len && (letter.len != asked.len || memcmp(letter.data, asked.data, asked.len)))
		return false;
	p->confirmed = true;
	p->fresh = false;
	return true;
}

/* Look at a peer's letter. SHMIPC_SERVICE_*; *@news if it is another than before */
static u32 message_look(struct shmipc_region *region, u32 peer, bool *news)
{
	struct message_peer *p = &region->message->peers[peer];
	struct shmipc_link *link = &region->links[peer];
	union shmipc_letter_raw raw;

	if (!shmipc_letter_read(&raw, region->sections[peer]))
		return SHMIPC_SERVICE_RETRY;
	if (!p->known || !shmipc_letter_same(&raw, &p->raw)) {
		p->raw = raw;
		p->known = true;
		p->fresh = true;
		p->back = false;
		p->early = false;
		*news = true;
		WRITE_ONCE(link->activity, link->activity + 1);
		if (message_confirms(region, peer))
			return LETTERS_CONFIRMED;
	}
	return p->fresh ? message_deliver(region, peer, 0) : 0;
}

/* ---- who is there; message->lock ---- */

static bool message_signed(struct shmipc_region *region, u32 peer)
{
	struct shmipc_letter letter;
	union shmipc_letter_raw raw;

	if (message_is_text(region) || !shmipc_letter_read(&raw, region->sections[peer]))
		return false;
	shmipc_letter_parse(&letter, &raw, false);
	return letter.type && letter.sender == peer && !letter.bad_len;
}

/* The demos' states are the id and one */
static bool message_believable(struct shmipc_region *region, u32 peer, u32 state)
{
	return state == peer + 1 || message_signed(region, peer);
}

/*
 * SHMIPC_CORE_* of what has changed. States are the peers' own business: that one goes is 0,
 * which is also what the hypervisor writes for it, and nothing else
 */
static u32 message_presence(struct shmipc_region *region, u32 peer)
{
	struct message_peer *p = &region->message->peers[peer];
	u32 state = region->cfg.ops->peer_state(region, peer);
	bool other = state != p->state;

	p->state = state;
	p->believed = state && (p->believed || other || message_believable(region, peer, state));
	if (p->up && !p->believed) {
		WRITE_ONCE(p->up, false);
		p->resets++;
		WRITE_ONCE(p->generation, (u32)p->resets + 1 ?: 1);
		p->early = false;
		p->back = true;
		return SHMIPC_CORE_DOWN | SHMIPC_CORE_ABSENT;
	}
	if (p->up || !p->believed)
		return 0;
	WRITE_ONCE(p->up, true);
	return SHMIPC_CORE_UP;
}

/* ---- who has rung; message->lock ---- */

#define LETTERS_EARLY_MS	100	/* between a letter and its ring, generously */

/*
 * A letter was found without a ring, or with that of another: its own is on the way, if it has
 * not come long ago, or went to whom the letter is for
 */
static void message_seen_early(struct shmipc_region *region, u32 peer)
{
	struct message_peer *p = &region->message->peers[peer];
	struct shmipc_letter letter;

	message_parse(region, peer, &letter);
	p->early = letter.type && message_is_ours(region, &letter);
	p->early_until = jiffies + msecs_to_jiffies(LETTERS_EARLY_MS);
}

/* A ring for nothing new: does it belong to a letter that was seen early? One does */
static bool message_late_ring(struct shmipc_region *region, u64 peers)
{
	struct message_peer *p;

	for (; peers; peers &= peers - 1) {
		p = &region->message->peers[__ffs64(peers)];
		if (!p->early)
			continue;
		p->early = false;
		if (time_before_eq(jiffies, p->early_until))
			return true;
	}
	return false;
}

/* Those of @peers who are there, without ourselves */
static u64 message_there(struct shmipc_region *region, u64 peers)
{
	u64 there = 0;
	u32 peer;

	for (; peers; peers &= peers - 1) {
		peer = __ffs64(peers);
		if (peer != region->cfg.peer && region->message->peers[peer].up)
			there |= BIT_ULL(peer);
	}
	return there;
}

/* As its servicer */
u32 shmipc_letters_service(struct shmipc_link *link)
{
	struct shmipc_region *region = link->region;
	struct shmipc_message_format *message = region->message;
	unsigned long flags;
	u32 events, ret = 0;
	bool news = false;

	spin_lock_irqsave(&message->lock, flags);
	events = message_presence(region, link->peer);
	if (message->peers[link->peer].up)
		ret = message_look(region, link->peer, &news);
	if (news)
		message_seen_early(region, link->peer);
	spin_unlock_irqrestore(&message->lock, flags);
	if (ret & LETTERS_CONFIRMED)
		events |= SHMIPC_CORE_RESULT;
	if (events)
		shmipc_link_event(link, events);
	return ret & ~LETTERS_CONFIRMED;
}

/**
 * struct letters_ring - a ring that has come, and what is found
 * @peers: who may have rung, and are there
 * @waiting: those whose letters nobody has taken yet: there is nothing to repeat
 * @retry: those who must be looked at again
 * @confirmed: those whom somebody waited for
 * @spent: it is known what for
 */
struct letters_ring {
	u64 peers;
	u64 waiting;
	u64 retry;
	u64 confirmed;
	bool spent;
};

static void letters_note(struct letters_ring *ring, u32 peer, u32 ret)
{
	if (ret & SHMIPC_SERVICE_RETRY)
		ring->retry |= BIT_ULL(peer);
	if (ret & LETTERS_CONFIRMED)
		ring->confirmed |= BIT_ULL(peer);
}

/* One ring is for one letter: what else is found is early. message->lock */
static void message_look_all(struct shmipc_region *region, struct letters_ring *ring)
{
	u64 peers;
	u32 peer;

	for (peers = ring->peers; peers; peers &= peers - 1) {
		bool news = false;

		peer = __ffs64(peers);
		if (region->message->peers[peer].fresh)
			ring->waiting |= BIT_ULL(peer);
		letters_note(ring, peer, message_look(region, peer, &news));
		if (news && ring->spent)
			message_seen_early(region, peer);
		ring->spent |= news;
	}
}

/*
 * Nothing new of this one. An answer that is the same as before is one, if it can only be this
 * peer who rang; who has just come back says it for the first time. message->lock
 */
static u32 message_repeat(struct shmipc_region *region, u32 peer, bool alone)
{
	struct message_peer *p = &region->message->peers[peer];
	struct shmipc_letter letter;

	message_parse(region, peer, &letter);
	if (!message_is_ours(region, &letter))
		return 0;
	if (alone && message_confirms(region, peer))
		return LETTERS_CONFIRMED;
	if (!p->back) {
		message_deliver(region, peer, SHMIPC_MSG_REPEAT);	/* or not: it has been */
		return 0;
	}
	p->back = false;
	p->fresh = true;
	return message_deliver(region, peer, 0);
}

/* message->lock */
static void message_repeat_all(struct shmipc_region *region, struct letters_ring *ring)
{
	u64 peers = ring->peers & ~ring->waiting & ~ring->retry;
	bool alone = hweight64(ring->peers) == 1;
	u32 peer;

	for (; peers; peers &= peers - 1) {
		peer = __ffs64(peers);
		if (region->message->peers[peer].known)
			letters_note(ring, peer, message_repeat(region, peer, alone));
	}
}

void shmipc_letters_rang(struct shmipc_region *region, u64 peers, bool states)
{
	struct shmipc_message_format *message = region->message;
	struct letters_ring ring = { .spent = states };
	unsigned long flags;

	spin_lock_irqsave(&message->lock, flags);
	ring.peers = message_there(region, peers);
	message_look_all(region, &ring);
	if (!ring.spent && !message_late_ring(region, ring.peers))
		message_repeat_all(region, &ring);
	spin_unlock_irqrestore(&message->lock, flags);
	for (; ring.retry; ring.retry &= ring.retry - 1)
		shmipc_link_kick_later(&region->links[__ffs64(ring.retry)]);
	for (; ring.confirmed; ring.confirmed &= ring.confirmed - 1)
		shmipc_link_event(&region->links[__ffs64(ring.confirmed)], SHMIPC_CORE_RESULT);
}

/* What lies in the section of one who is not there is not news when it comes */
void shmipc_letters_meet(struct shmipc_region *region, u32 peer)
{
	struct message_peer *p = &region->message->peers[peer];

	p->generation = 1;
	p->state = region->cfg.ops->peer_state(region, peer);
	if (!p->state || !message_believable(region, peer, p->state))
		p->known = shmipc_letter_read(&p->raw, region->sections[peer]);
	p->back = p->known;
}
