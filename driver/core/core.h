/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The protocol engine: what shmipc.ko, libshmipc's host peer, a bare-metal peer
 * and the tests share. No OS, no allocation, no clock, no lock of its own.
 *
 * Vocabulary
 *   region   N sections, one of them ours
 *   link     what connects us with one other peer: two lanes, two blocks
 *   lane     a ring of records, written by the section's owner
 *   service  looking at a peer's section and acting on it: handshake, records,
 *            what waiters wait for
 *
 * Who may call what, when
 *   Each link has a lock (ops->lock) that covers its private state: sending
 *   side, credit, incarnations. Functions marked "link lock" are called with it
 *   held; shmipc_core_service() takes it itself, for short moments, and must
 *   not be called twice at a time for one link ("single servicer": rx state
 *   belongs to it without a lock). The callbacks rx_*, event are made by the
 *   servicer without the link lock. Functions marked "table lock" need the
 *   caller's lock over ports, and take link locks themselves: the order is
 *   table lock, then link lock.
 *
 * Nothing here rings. Where a function says that a ring is due, the caller
 * rings after it has dropped its locks.
 */
#ifndef SHMIPC_CORE_H
#define SHMIPC_CORE_H

#include "platform.h"

struct shmipc_core;

/* Geometry of a section, computed from its size and the number of peers */
struct shmipc_geometry {
	u64 size;		/* SZ, bytes */
	u64 bulk;		/* BUF, bytes */
	u32 peers;		/* N */
	u32 ports;		/* S */
	u32 block;		/* P, bytes */
	u32 lane;		/* L, bytes */
	u32 table;		/* offset of the port table */
	u64 lanes;		/* offset of the first lane */
};

int shmipc_geometry_init(struct shmipc_geometry *geo, u64 size, u32 peers);

/* Sender's credentials and the like; travels if the port asks for it */
struct shmipc_core_meta {
	u64 endpoint;
	u64 cookie;
	u64 time;
	u32 pid;
	u32 uid;
};

/* A port as published, by us or (a validated snapshot) by a peer */
struct shmipc_core_port {
	u32 slot;
	u32 generation;
	u32 port;
	u32 depth;
	u32 window;		/* granules */
	u32 max_size;
	u32 flags;		/* SHMIPC_WIRE_PORT_* */
	char name[32];		/* always terminated */
};

/* An incoming message, from the snapshot of its first record */
struct shmipc_core_rx {
	u32 peer;
	u32 slot;
	u32 generation;
	u32 len;
	u32 type;
	u32 src_port;
	u32 level;
	u32 result;		/* 0, or what to pass to shmipc_core_answer() */
	bool extended;		/* meta is set */
	struct shmipc_core_meta meta;
};

/* An outgoing message. The caller fills the first part and zeroes the rest */
struct shmipc_core_tx {
	u32 slot;
	u32 generation;
	u32 len;
	u32 type;
	u32 src_port;
	u32 level;
	u32 result;
	struct shmipc_core_meta meta;
	void *payload;		/* for ops->tx_copy */

	/* the engine's */
	u32 done;		/* payload bytes in the lane */
	u32 inc;		/* incarnation it started in, 0: not started */
	bool open;		/* owns the stream of its level */
};

/* What happened on a link: bits for ops->event */
#define SHMIPC_CORE_UP		0x001U	/* link is up; counters start anew */
#define SHMIPC_CORE_DOWN	0x002U	/* link was up and is no more */
#define SHMIPC_CORE_ABSENT	0x004U	/* and the peer has detached */
#define SHMIPC_CORE_PROTO	0x008U	/* the peer broke the rules; relink it later */
#define SHMIPC_CORE_SPACE	0x010U	/* room in our lane */
#define SHMIPC_CORE_CREDIT	0x020U	/* credit may have been returned */
#define SHMIPC_CORE_RESULT	0x040U	/* a result slot may have been answered */
#define SHMIPC_CORE_TABLE	0x080U	/* the peer's port table changed */
#define SHMIPC_CORE_BELL	0x100U	/* a raw doorbell counter changed */
#define SHMIPC_CORE_ALIVE	0x200U	/* the peer answered a probe */

struct shmipc_core_ops {
	/* Link lock of @peer; also callable in the servicer's context */
	void (*lock)(void *ctx, u32 peer);
	void (*unlock)(void *ctx, u32 peer);

	/*
	 * Accept a message. 0: *msg is set and gets the payload. -ENOMEM: not
	 * now, the record stays (service returns RETRY). -ENOBUFS: the port is
	 * full (TOTAL), drop it, credit comes back. -ECONNREFUSED: no such port
	 * any more, drop it.
	 */
	int (*rx_open)(void *ctx, const struct shmipc_core_rx *rx, void **msg);
	/* Append; 0 or -ENOMEM. @src is shared memory: copy it, look at the copy */
	int (*rx_data)(void *ctx, void *msg, u32 off, const void *src, u32 len);
	/* Complete: queue it */
	void (*rx_done)(void *ctx, void *msg);
	/* Given up by the sender or the link: forget it */
	void (*rx_abort)(void *ctx, void *msg);

	/* Copy @len bytes of tx->payload from @off to @dst (shared memory); link lock held */
	void (*tx_copy)(void *ctx, const struct shmipc_core_tx *tx, void *dst,
			u32 off, u32 len);

	/* SHMIPC_CORE_* bits; servicer's context, or (DOWN) that of relink/detach */
	void (*event)(void *ctx, u32 peer, u32 bits);

	/* A random number where there is one, else 0; mixed into epochs and incarnations */
	u32 (*random)(void *ctx);

	/*
	 * What somebody above the peers (a hypervisor) says of @peer: the epoch that
	 * it gave there, 0: nobody is there. NULL: nobody says. Any context
	 */
	u32 (*witness)(void *ctx, u32 peer);
};

enum shmipc_core_state {
	SHMIPC_LINK_ABSENT,	/* no attached peer in that section */
	SHMIPC_LINK_FOREIGN,	/* something else in that section */
	SHMIPC_LINK_JOINING,	/* handshake under way */
	SHMIPC_LINK_UP,
	SHMIPC_LINK_STALLED,	/* no sign of life; up again when it answers */
	SHMIPC_LINK_BROKEN,	/* violated the protocol; waits for shmipc_core_relink() */
};

struct shmipc_core_config {
	const struct shmipc_core_ops *ops;
	void *ctx;
	struct shmipc_geometry geo;
	u32 slot;		/* ours */
	void *own;		/* our section */
	/* const void *peers[N] is given link by link to shmipc_core_set_peer() */
	u32 doorbell;
	u32 vectors;
	const char *name;
	const u8 *uuid;		/* 16 bytes or NULL */
};

/* Bytes of private memory for a core; zeroed memory, 8-aligned */
size_t shmipc_core_size(const struct shmipc_geometry *geo);
/* Lay a core out in @mem. No shared memory is touched */
struct shmipc_core *shmipc_core_init(void *mem, const struct shmipc_core_config *cfg);
void shmipc_core_set_peer(struct shmipc_core *core, u32 peer, const void *section);

/* Format our section and show it; every link starts its handshake. Then ring everybody */
void shmipc_core_attach(struct shmipc_core *core);
/* Take our section down. No servicer, no sender may be active. Then ring everybody */
void shmipc_core_detach(struct shmipc_core *core);
u32 shmipc_core_epoch(const struct shmipc_core *core);

/*
 * Service one link: handshake, at most @budget records, wake words.
 */
#define SHMIPC_SERVICE_RING	0x001U	/* ring the peer */
#define SHMIPC_SERVICE_MORE	0x002U	/* budget is used up; call again */
#define SHMIPC_SERVICE_RETRY	0x004U	/* no memory; call again later */
u32 shmipc_core_service(struct shmipc_core *core, u32 peer, u32 budget);

/* Link state. Any context; a snapshot */
enum shmipc_core_state shmipc_core_state(const struct shmipc_core *core, u32 peer);
u32 shmipc_core_peer_epoch(const struct shmipc_core *core, u32 peer);
void shmipc_core_peer_name(const struct shmipc_core *core, u32 peer, char name[32]);
u32 shmipc_core_peer_doorbell(const struct shmipc_core *core, u32 peer, u32 *vectors);

struct shmipc_core_stats {
	u64 sent, received, resets, errors;
};

/* Takes the link lock */
void shmipc_core_stats(const struct shmipc_core *core, u32 peer, struct shmipc_core_stats *st);

/*
 * Restart our side: after PROTO (with back-off by the caller), a stall, a
 * rollback, a wake from suspend. Servicer's context. Then ring.
 */
void shmipc_core_relink(struct shmipc_core *core, u32 peer);
/* The peer does not answer: DOWN, state STALLED, relinks by itself. Servicer's context */
void shmipc_core_stall(struct shmipc_core *core, u32 peer);
/* Ask for a sign of life; ALIVE follows. Link lock. Then ring */
void shmipc_core_probe(struct shmipc_core *core, u32 peer);
bool shmipc_core_probe_answered(const struct shmipc_core *core, u32 peer);
/* Is what we published still there? No: rolled back, relink all. Takes link locks */
bool shmipc_core_verify(const struct shmipc_core *core);
/* Has the peer not consumed all we wrote? (was a ring lost?) Takes the link lock */
bool shmipc_core_undrained(const struct shmipc_core *core, u32 peer);

/*
 * Own ports. Table lock. Return a mask of peers to ring (bit per peer).
 * publish() finds a slot and, unless the caller gives one that was never used
 * before, a generation, both returned in @port, from
 * port->port, depth, window, max_size, flags, name. -EINVAL: out of range (depth
 * 1..4096, window 1..2^26 granules); -ENOSPC: the table is full. The caller sees
 * to it that no number is published twice.
 */
int shmipc_core_publish(struct shmipc_core *core, struct shmipc_core_port *port, u64 *ring);
void shmipc_core_withdraw(struct shmipc_core *core, u32 slot, u64 *ring);
/* Want to be rung when any peer's table changes (reference counted by the caller) */
void shmipc_core_watch_tables(struct shmipc_core *core, bool on);

/* A peer's ports: validated snapshots. -ENOENT, -ENOTCONN (link not up) */
int shmipc_core_find_port(const struct shmipc_core *core, u32 peer, u32 port,
			  struct shmipc_core_port *out);
int shmipc_core_read_port(const struct shmipc_core *core, u32 peer, u32 slot,
			  struct shmipc_core_port *out);
int shmipc_core_find_name(const struct shmipc_core *core, u32 peer, const char *name,
			  struct shmipc_core_port *out);

/*
 * Send, one record at a time. Link lock.
 *
 *	0		all of it is in the lane
 *	1		some of it; call again (after dropping the lock)
 *	-EAGAIN		no room in the lane, or the level's stream is taken: arm
 *			SPACE, try again, then sleep
 *	-ENOBUFS	the port's window is full: likewise with CREDIT
 *	-ECONNREFUSED	the port is not there (any more)
 *	-ECONNRESET	another generation, or the link restarted meanwhile
 *	-ENOTCONN	link not up
 *	-EMSGSIZE	larger than the port takes
 *	-EPROTO		the peer just broke the rules: have the link serviced soon,
 *			that reports DOWN|PROTO
 *
 * Where the level's stream is taken, no ring announces its end: a push that had
 * returned 1 before and returns 0 now, and push_abort(), end it on this side, and
 * their caller wakes those who wait for SPACE.
 *
 * *@ring is set (never cleared) if the peer must be rung. Once 1 was returned
 * the message either gets finished or must be given to shmipc_core_push_abort().
 */
int shmipc_core_push(struct shmipc_core *core, u32 peer, struct shmipc_core_tx *tx, bool *ring);
void shmipc_core_push_abort(struct shmipc_core *core, u32 peer, struct shmipc_core_tx *tx,
			    bool *ring);
/* Would a push of @len bytes to @slot make progress now? Same errnos. Link lock */
int shmipc_core_push_ready(struct shmipc_core *core, u32 peer, u32 slot, u32 generation,
			   u32 level, u32 len);
/* Have the peer ring when one of SPACE|CREDIT|RESULT happens. Ends in a full fence. Link lock */
void shmipc_core_arm(struct shmipc_core *core, u32 peer, u32 bits);

/*
 * Messages of one (peer, slot) sent and known consumed in this incarnation. After
 * DOWN and until UP: those of the one that ended, hence sent - consumed are
 * unconfirmed. Link lock.
 */
void shmipc_core_progress(struct shmipc_core *core, u32 peer, u32 slot,
			  u32 *generation, u32 *sent, u32 *consumed);

/*
 * A received message (or @len bytes of one dropped by rx_open's caller later)
 * has left the port's queue: give its credit back. Link lock. True: ring.
 */
bool shmipc_core_consumed(struct shmipc_core *core, u32 peer, u32 slot, u32 generation, u32 len);

/*
 * Confirmation. Link lock. States are SHMIPC_WIRE_RESULT_*. The engine answers
 * REFUSED and FULL (rx_open's errors) and DISCARDED (aborted by its sender)
 * itself; the caller answers QUEUED, and RECEIVED or DISCARDED in the end: the
 * sender's slot is free only after a final answer. Answers to messages of an
 * earlier incarnation go nowhere. result_state() of an earlier incarnation's is
 * -ECONNRESET.
 */
/* -> tx.result, or -EAGAIN */
int shmipc_core_result_get(struct shmipc_core *core, u32 peer);
/* 0: none yet */
int shmipc_core_result_state(struct shmipc_core *core, u32 peer, u32 result);
void shmipc_core_result_put(struct shmipc_core *core, u32 peer, u32 result);
/* true: ring */
bool shmipc_core_answer(struct shmipc_core *core, u32 peer, u32 result, u32 state);

/* Raw doorbell counters, from the peer's attach on. Link lock */
void shmipc_core_bell(struct shmipc_core *core, u32 peer, u32 bell);
/* The epoch of the peer that @counts belong to, 0: it is not attached, or just attaching */
u32 shmipc_core_bells(const struct shmipc_core *core, u32 peer, u32 counts[8]);

/* Without interrupts: never ask to be rung for records; look again and again */
void shmipc_core_set_polling(struct shmipc_core *core, bool polling);
/* A polling owner's sign of life in its header. One caller at a time, as the next */
void shmipc_core_heartbeat(struct shmipc_core *core);
/* How many interrupt vectors work, if found out after attach */
void shmipc_core_set_vectors(struct shmipc_core *core, u32 vectors);

#endif /* SHMIPC_CORE_H */
