/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Private to the protocol engine. The outside is core.h; the bytes in shared
 * memory are linux/shmipc_wire.h; the rules are Documentation/wire-protocol.md.
 *
 * Vocabulary, beyond core.h's
 *   pair      our incarnation and the peer's: what both have to have acknowledged
 *   session   our private number for one pair; never 0
 *   shadow    what we last accepted of an index the peer writes
 *   cap       granules of a lane, a power of two; all lanes have the same
 *   charge    what a message takes from its port's window: 1 message and
 *             max(1, len / 64 rounded up) granules
 */
#ifndef SHMIPC_ENGINE_H
#define SHMIPC_ENGINE_H

#include "core.h"
#include <linux/shmipc_wire.h>

#define SHMIPC_DEPTH_MAX	4096U
#define SHMIPC_WINDOW_MAX	(SHMIPC_DEPTH_MAX * (SHMIPC_WIRE_MSG_MAX / SHMIPC_WIRE_GRANULE))
/* Most a sender can have in flight at one port, urgent levels included */
#define SHMIPC_FLIGHT_MESSAGES	(SHMIPC_DEPTH_MAX + SHMIPC_DEPTH_MAX / 8)
#define SHMIPC_FLIGHT_GRANULES	(SHMIPC_WINDOW_MAX + SHMIPC_WINDOW_MAX / 8)
#define SHMIPC_RETRIES		4	/* of a read that a writer may disturb */

#define SHMIPC_HEAD_BYTES	24U
#define SHMIPC_HEAD_EXTENDED	64U

/* A peer's port as its sender sees it. Link lock */
struct shmipc_tx_port {
	u32 generation;		/* 0: nothing known */
	u32 depth;
	u32 window;
	u32 max_size;
	u32 flags;
	u32 sent;		/* messages, in this session */
	u32 sent_granules;
	u32 got;		/* shadow of the credit word's messages, modulo 2^16 */
	u32 got_granules;
	bool known;		/* got is set */
	bool starved;		/* somebody was refused for want of credit */
};

/* Our port as one peer may use it. Link lock */
struct shmipc_rx_port {
	u32 generation;		/* 0: not for you */
	u32 flight;		/* messages charged and not consumed */
	u32 flight_granules;
	u32 consumed;		/* as published, modulo 2^16 */
	u32 consumed_granules;
};

/* A result slot, of ours, that the peer answers. Link lock */
struct shmipc_result {
	u8 tag;			/* 1..63 of the latest user */
	u8 state;		/* latest seen */
	bool used;
	bool sent;		/* a message names it */
	bool zombie;		/* given up before the answer */
};

/* An incoming message under way. Servicer */
struct shmipc_rx_stream {
	void *msg;
	u32 len;
	u32 done;
	u32 slot;
	u32 generation;
	u32 result;
	bool open;
	bool charged;
	bool accepted;		/* msg is the receiver's; else the payload is skipped */
	bool refused;
};

/* Header of an incoming record: our only copy, validated. Servicer */
struct shmipc_rx_head {
	struct shmipc_core_rx rx;
	u32 granules;
	u32 kind;
	u32 bytes;		/* of payload in this record */
	u32 offset;		/* of the payload */
};

#define SHMIPC_RX_SINGLE	SHMIPC_WIRE_LEVELS	/* index of the stream of one record */

struct shmipc_link {
	u32 peer;
	struct shmipc_wire_block *own;		/* we write, for the peer */
	const struct shmipc_wire_header *header;	/* the peer's, NULL: no section */
	const struct shmipc_wire_block *theirs;	/* the peer writes, for us */
	const struct shmipc_wire_port *table;	/* the peer's */
	u8 *tx_lane;
	const u8 *rx_lane;

	/* Written under the link lock by the servicer; state and up also read without */
	enum shmipc_core_state state;
	bool up;
	bool used;		/* this pair has been up */
	bool broken;		/* waits for relink */
	bool stalled;
	u32 own_inc;		/* published as inc */
	u32 peer_inc;		/* published as seen: our side is reset for it */
	u32 session;
	u32 pending;		/* event bits for the servicer to report */
	u32 next_inc;

	/* Servicer */
	bool reported;		/* UP was reported, DOWN not yet */
	bool met;		/* a peer was there */
	u32 table_seq;
	u32 bells[SHMIPC_WIRE_BELLS];
	struct {
		u32 rd;
		u32 count;
		u32 wake;	/* rd_wake as published */
		bool retry;	/* head is valid: its record waits for memory */
		struct shmipc_rx_head head;
		struct shmipc_rx_stream streams[SHMIPC_WIRE_LEVELS + 1];
	} rx;

	/* Link lock */
	u32 rd;			/* rx.rd as published */
	struct {
		u32 wr;
		u32 count;
		u32 rd;		/* shadow */
		u32 last;	/* where the latest record starts */
		u32 last_commit;	/* its commit word, 0: none yet */
		u32 open;	/* levels with a stream, bit per level */
		u32 abort;	/* levels whose stream is to be given up */
		bool space;	/* somebody waits for room until rd passes: */
		u32 target;
		u32 sp_wake;
	} tx;
	u32 own_bells[SHMIPC_WIRE_BELLS];
	u32 want;		/* published */
	u32 want_bits;		/* what somebody waits for */
	u32 want_seq;
	u32 answered;		/* the peer's want that we have rung for */
	bool credited;		/* a starved port got credit, not yet reported */
	u32 probe;
	bool probing;
	u32 probe_ack;		/* published */
	u32 result_next;
	struct shmipc_core_stats stats;

	/* What the peer says of itself, for readers without lock */
	u32 peer_epoch;
	u32 peer_doorbell;
	u32 peer_vectors;

	/* S of each */
	struct shmipc_tx_port *tx_ports;
	struct shmipc_rx_port *rx_ports;
	struct shmipc_result *results;
};

struct shmipc_core {
	struct shmipc_core_config cfg;
	struct shmipc_wire_header *own;
	struct shmipc_wire_port *table;
	u32 cap;		/* granules of a lane */
	u32 record;		/* granules of the largest record */
	u32 epoch;		/* as published */
	bool polling;

	/* Caller's table lock */
	u32 table_seq;
	u32 generation;		/* latest given */
	u32 published;		/* how many ports */
	u32 watch;
	u32 heartbeat;
	struct shmipc_core_port *ports;	/* S; generation 0: free */

	struct shmipc_link *links;	/* N - 1, in the order of blocks */
};

static inline struct shmipc_link *shmipc_link_of(const struct shmipc_core *core, u32 peer)
{
	return &core->links[peer - (peer > core->cfg.slot)];
}

static inline u32 shmipc_links(const struct shmipc_core *core)
{
	return core->cfg.geo.peers - 1;
}

static inline void shmipc_link_lock(const struct shmipc_core *core, const struct shmipc_link *link)
{
	core->cfg.ops->lock(core->cfg.ctx, link->peer);
}

static inline void shmipc_link_unlock(const struct shmipc_core *core,
				      const struct shmipc_link *link)
{
	core->cfg.ops->unlock(core->cfg.ctx, link->peer);
}

static inline void shmipc_link_event(const struct shmipc_core *core,
				     const struct shmipc_link *link, u32 bits)
{
	if (bits)
		core->cfg.ops->event(core->cfg.ctx, link->peer, bits);
}

/* Units of a window that @len bytes take; both sides compute it */
static inline u32 shmipc_charge(u32 len)
{
	return len ? (len + SHMIPC_WIRE_GRANULE - 1) / SHMIPC_WIRE_GRANULE : 1;
}

/* Granules of a record */
static inline u32 shmipc_record_granules(u32 offset, u32 bytes)
{
	return (offset + bytes + SHMIPC_WIRE_GRANULE - 1) / SHMIPC_WIRE_GRANULE;
}

static inline u32 shmipc_count_next(u32 count)
{
	return count == 0xffff ? 1 : count + 1;
}

static inline __le32 *shmipc_block_result(struct shmipc_wire_block *block, u32 slot)
{
	return (__le32 *)(block + 1) + slot;
}

static inline const __le32 *shmipc_block_result_const(const struct shmipc_wire_block *block,
						      u32 slot)
{
	return (const __le32 *)(block + 1) + slot;
}

/* Where credit[] starts behind a block */
static inline size_t shmipc_credit_offset(const struct shmipc_geometry *geo)
{
	return sizeof(struct shmipc_wire_block) + ((4 * geo->ports + 63) & ~63U);
}

/* A credit entry as two words: [0] granules, [1] generation << 16 | messages */
static inline __le32 *shmipc_block_credit(const struct shmipc_core *core,
					  struct shmipc_wire_block *block, u32 slot)
{
	return (__le32 *)((u8 *)block + shmipc_credit_offset(&core->cfg.geo)) + 2 * slot;
}

static inline const __le32 *shmipc_block_credit_const(const struct shmipc_core *core,
						      const struct shmipc_wire_block *block,
						      u32 slot)
{
	return (const __le32 *)((const u8 *)block + shmipc_credit_offset(&core->cfg.geo)) +
	       2 * slot;
}

/* geometry.c */
size_t shmipc_geometry_block(const struct shmipc_geometry *geo, u32 owner, u32 peer);
u64 shmipc_geometry_lane(const struct shmipc_geometry *geo, u32 owner, u32 peer);

/* core.c */
void shmipc_name_copy(char name[SHMIPC_WIRE_NAME], const u8 *from);

/* attach.c: is the section of @link's peer one we can talk to? UP: yes */
enum shmipc_core_state shmipc_presence(struct shmipc_core *core, struct shmipc_link *link);
u32 shmipc_unlike(u32 candidate, u32 old, u32 seen);

/* link.c. Servicer's context, no lock, where not said otherwise */
bool shmipc_link_handshake(struct shmipc_core *core, struct shmipc_link *link, u32 *flags);
void shmipc_link_down(struct shmipc_core *core, struct shmipc_link *link, u32 bits);
void shmipc_link_report(struct shmipc_core *core, struct shmipc_link *link, u32 *flags);
void shmipc_link_restart(struct shmipc_core *core, struct shmipc_link *link);	/* link lock */
void shmipc_link_stale(struct shmipc_link *link);
int shmipc_link_violated(struct shmipc_core *core, struct shmipc_link *link);	/* link lock */

/* Is the incarnation that we accepted still the peer's? Orders what was read before */
static inline bool shmipc_link_current(const struct shmipc_link *link)
{
	shm_rmb();	/* pairs with the shm_wmb() in shmipc_link_restart() */
	return shm_read32(&link->theirs->inc) == link->peer_inc;
}

/* tx.c. Link lock */
int shmipc_tx_refresh(struct shmipc_core *core, struct shmipc_link *link);
void shmipc_tx_reset(struct shmipc_core *core, struct shmipc_link *link);
bool shmipc_tx_verify(const struct shmipc_core *core, const struct shmipc_link *link);
void shmipc_tx_aborts(struct shmipc_core *core, struct shmipc_link *link, bool *ring);

/* rx.c. Servicer */
u32 shmipc_rx_drain(struct shmipc_core *core, struct shmipc_link *link, u32 budget);
void shmipc_rx_drop(struct shmipc_core *core, struct shmipc_link *link);
int shmipc_rx_head_read(const struct shmipc_core *core, const struct shmipc_link *link,
			struct shmipc_rx_head *head);

/* deliver.c. Servicer. 0, -ENOMEM, -ESTALE (incarnation has changed), -EPROTO */
int shmipc_deliver(struct shmipc_core *core, struct shmipc_link *link,
		   const struct shmipc_rx_head *head, u32 *flags);
void shmipc_stream_drop(struct shmipc_core *core, struct shmipc_link *link,
			struct shmipc_rx_stream *stream);

/* credit.c. Link lock */
int shmipc_credit_admit(struct shmipc_core *core, struct shmipc_link *link, u32 slot, u32 level,
			u32 len);
int shmipc_credit_charge(struct shmipc_core *core, struct shmipc_link *link,
			 const struct shmipc_core_rx *rx);
bool shmipc_credit_return(struct shmipc_core *core, struct shmipc_link *link, u32 slot,
			  u32 generation, u32 len);
void shmipc_credit_reset_rx(struct shmipc_core *core, struct shmipc_link *link);
void shmipc_credit_reset_tx(struct shmipc_core *core, struct shmipc_link *link);
void shmipc_credit_open(struct shmipc_core *core, struct shmipc_link *link, u32 slot,
			u32 generation);
int shmipc_credit_scan(struct shmipc_core *core, struct shmipc_link *link);

/* table.c. Link lock */
int shmipc_table_resolve(struct shmipc_core *core, struct shmipc_link *link, u32 slot,
			 u32 generation);

/* result.c. Link lock */
void shmipc_result_sent(struct shmipc_core *core, struct shmipc_link *link, u32 handle);
void shmipc_result_reset(struct shmipc_core *core, struct shmipc_link *link);
bool shmipc_result_scan(struct shmipc_core *core, struct shmipc_link *link);

/* wake.c */
bool shmipc_wake_crossed(u32 word, u32 from, u32 to);
bool shmipc_wake_wanted(struct shmipc_link *link, u32 bits);	/* link lock */
u32 shmipc_wake_check(struct shmipc_core *core, struct shmipc_link *link);	/* link lock */
void shmipc_wake_reset(struct shmipc_link *link);	/* link lock */

/* probe.c. Servicer */
u32 shmipc_probe_signs(struct shmipc_core *core, struct shmipc_link *link, u32 *flags);

#endif /* SHMIPC_ENGINE_H */
