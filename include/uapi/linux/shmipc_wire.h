/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause */
/*
 * shmipc: every byte in shared memory, native format.
 *
 * Documentation/wire-protocol.md explains it. All words are little-endian and
 * naturally aligned; none wider than 32 bits is ever read while it is written.
 * Each section is written by its owner only.
 *
 *	0			struct shmipc_wire_header
 *	192			peer blocks, one for each other peer, P bytes each
 *	192 + (N-1)P		port table, S entries
 *	SZ - BUF - (N-1)L	lanes, one for each other peer
 *	SZ - BUF		bulk area
 *
 * Block and lane of peer j in the section of peer i have the index
 * k = j < i ? j : j - 1.
 */
#ifndef _UAPI_LINUX_SHMIPC_WIRE_H
#define _UAPI_LINUX_SHMIPC_WIRE_H

#if defined(__linux__) || defined(__KERNEL__)
#include <linux/types.h>
#else
#include <stdint.h>
typedef uint8_t __u8;
typedef uint16_t __le16;
typedef uint32_t __le32;
typedef uint64_t __le64;
#endif

#define SHMIPC_WIRE_MAGIC	0x43504d53U	/* "SMPC" */
#define SHMIPC_WIRE_VERSION	1U

#define SHMIPC_WIRE_GRANULE	64U
#define SHMIPC_WIRE_ALIGN	128U	/* of a section */

#define SHMIPC_WIRE_PEERS_MIN	2U
#define SHMIPC_WIRE_PEERS_MAX	64U
#define SHMIPC_WIRE_PORTS_MIN	8U
#define SHMIPC_WIRE_PORTS_MAX	1024U
#define SHMIPC_WIRE_LANE_MIN	512U
#define SHMIPC_WIRE_LANE_MAX	(1U << 30)
#define SHMIPC_WIRE_FRAGMENT_MAX 16384U	/* bytes of one record, header included */
#define SHMIPC_WIRE_BULK_FROM	(1U << 20)	/* smaller sections have no bulk area */
#define SHMIPC_WIRE_BULK_ALIGN	(64U << 10)
#define SHMIPC_WIRE_LEVELS	8U
#define SHMIPC_WIRE_URGENT	4U	/* from this level on a window has headroom */
#define SHMIPC_WIRE_BELLS	8U
#define SHMIPC_WIRE_NAME	32U
#define SHMIPC_WIRE_MSG_MAX	(1U << 20)

/**
 * struct shmipc_wire_header - start of a section
 * @magic: SHMIPC_WIRE_MAGIC, written last
 * @version: SHMIPC_WIRE_VERSION
 * @features: optional parts that the owner knows
 * @granules: SZ / 64
 * @peers: N
 * @slot: whose section this is
 * @ports: S
 * @doorbell: id to ring the owner with
 * @vectors: interrupt vectors of the owner that work
 * @name: what the owner calls itself, NUL padded
 * @uuid: machine or instance, to recognise an own old slot
 * @epoch: one attachment of the owner; 0 if not attached
 * @heartbeat: changes while an owner without interrupts polls
 * @table_seq: changes with every change of the port table
 * @watch: not 0 while the owner wants to be rung on every change of a port table
 */
struct shmipc_wire_header {
	__le32 magic;
	__le32 version;
	__le32 features;
	__le32 granules;
	__le32 peers;
	__le32 slot;
	__le32 ports;
	__le32 doorbell;
	__le32 vectors;
	__le32 reserved0[7];
	__u8 name[SHMIPC_WIRE_NAME];
	__u8 uuid[16];
	__le32 reserved1[4];

	__le32 epoch;
	__le32 heartbeat;
	__le32 table_seq;
	__le32 watch;
	__le32 reserved2[12];
};

/**
 * struct shmipc_wire_block - what the owner of a section tells one peer
 * @inc: the owner's incarnation of this link, 0 while it resets its side
 * @seen: the peer's incarnation for which the owner has reset its side
 * @lane_granule: where the owner's lane to the peer starts, in granules
 * @lane_granules: its size
 * @bells: counters of raw doorbells to the peer
 * @rd: granules of the peer's lane that the owner has consumed
 * @probe: changes when the owner wants a sign of life
 * @probe_ack: the peer's @probe, echoed
 * @rd_wake: the owner, as reader of the peer's lane: see SHMIPC_WIRE_WAKE
 * @sp_wake: the owner, as writer waiting for room in its lane: likewise
 * @want: SHMIPC_WIRE_WANT_* bits, and above them a number that changes each time
 *	the owner starts to wait; one ring answers one value
 *
 * Behind it: __le32 result[S], then, from the next granule on,
 * struct shmipc_wire_credit credit[S].
 */
struct shmipc_wire_block {
	__le32 inc;
	__le32 seen;
	__le32 lane_granule;
	__le32 lane_granules;
	__le32 reserved0[4];
	__le32 bells[SHMIPC_WIRE_BELLS];

	__le32 rd;
	__le32 probe;
	__le32 probe_ack;
	__le32 reserved1[13];

	__le32 rd_wake;
	__le32 sp_wake;
	__le32 want;
	__le32 reserved2[13];
};

/*
 * A wake word is 0 (do not ring: busy or polling) or (position << 1 | 1): ring
 * when the position published passes from at or below to above it. Positions
 * are compared modulo 2^31.
 */
#define SHMIPC_WIRE_WAKE(position)	(((position) << 1) | 1U)

#define SHMIPC_WIRE_WANT_CREDIT		(1U << 0)
#define SHMIPC_WIRE_WANT_RESULT		(1U << 1)
#define SHMIPC_WIRE_WANT_BITS		2

/**
 * struct shmipc_wire_credit - what has left one port's queue, of one sender
 * @granules: payload granules taken, free running; stored first
 * @messages: messages taken, free running
 * @generation: low 16 bits of the port's generation
 */
struct shmipc_wire_credit {
	__le32 granules;
	__le16 messages;	/* these two are one 32-bit word */
	__le16 generation;
};

/**
 * struct shmipc_wire_port - one entry of the port table
 * @generation: 0 while the entry is free or changes; written last
 * @port: number
 * @depth: window in messages
 * @flags: SHMIPC_WIRE_PORT_*
 * @max_size: largest message in bytes
 * @window: window in granules
 * @name: NUL padded
 */
struct shmipc_wire_port {
	__le32 generation;
	__le32 port;
	__le16 depth;
	__le16 flags;
	__le32 max_size;
	__le32 window;
	__le32 reserved[3];
	__u8 name[SHMIPC_WIRE_NAME];
};

#define SHMIPC_WIRE_PORT_META	(1U << 0)	/* wants records with extension */
#define SHMIPC_WIRE_PORT_TOTAL	(1U << 1)	/* depth is shared: may refuse */

/**
 * struct shmipc_wire_record - header of a record in a lane
 * @granules: length of the record
 * @count: 1, 2, … 65535, 1, …; 0 is "not yet". With @granules one 32-bit word,
 *	written last
 * @len: MSG and FIRST: bytes of the whole message; MORE: bytes in this record
 * @slot: index in the destination's port table
 * @kind: SHMIPC_WIRE_KIND_*, with SHMIPC_WIRE_EXTENDED
 * @level: priority
 * @generation: of the destination port
 * @type: the user's
 * @src_port: sender's port or 0
 * @result: 0, or (tag 1..63) << 10 | result slot to be answered
 */
struct shmipc_wire_record {
	__le16 granules;
	__le16 count;
	__le32 len;
	__le16 slot;
	__u8 kind;
	__u8 level;
	__le32 generation;
	__le32 type;
	__le16 src_port;
	__le16 result;
};

/**
 * struct shmipc_wire_extension - follows the header of an extended record
 * @endpoint: sender's endpoint id
 * @cookie: the user's
 * @time: sender's clock, ns
 * @pid: sender's process
 * @uid: sender's user
 */
struct shmipc_wire_extension {
	__le64 endpoint;
	__le64 cookie;
	__le64 time;
	__le32 pid;
	__le32 uid;
	__le64 reserved;
};

enum {
	SHMIPC_WIRE_KIND_PAD	= 1,	/* skip to the start of the lane */
	SHMIPC_WIRE_KIND_MSG	= 2,	/* a whole message */
	SHMIPC_WIRE_KIND_FIRST	= 3,	/* a stream starts on this level; the record is full */
	SHMIPC_WIRE_KIND_MORE	= 4,	/* and goes on; full unless it is the last */
	SHMIPC_WIRE_KIND_ABORT	= 5,	/* and is given up */
};

#define SHMIPC_WIRE_EXTENDED	0x80U

/*
 * A result word is the record's @result << 16 | one of these. All but QUEUED are
 * final.
 */
#define SHMIPC_WIRE_RESULT_QUEUED	2U	/* in the port's queue */
#define SHMIPC_WIRE_RESULT_RECEIVED	3U	/* taken by the receiver */
#define SHMIPC_WIRE_RESULT_REFUSED	4U	/* no such port (any more) */
#define SHMIPC_WIRE_RESULT_DISCARDED	5U	/* dropped unread */
#define SHMIPC_WIRE_RESULT_FULL		6U	/* the port shares its depth and is full */
#define SHMIPC_WIRE_RESULT_SLOTS	1024U	/* of the record's @result: slot + tag * this */

/*
 * A region that is divided in software: page 0, then N sections of the same
 * size. The geometry word is the only one that decides: it is 0 until the first
 * one to come sets it with a compare-and-swap, and never changes after.
 *
 *	31..16	SHMIPC_WIRE_REGION_MAGIC
 *	15..12	SHMIPC_WIRE_REGION_VERSION
 *	11..8	SHMIPC_WIRE_REGION_* flags
 *	7..0	N
 */
#define SHMIPC_WIRE_REGION_MAGIC	0x534dU
#define SHMIPC_WIRE_REGION_VERSION	1U
#define SHMIPC_WIRE_REGION_SERVER	(1U << 8)	/* doorbell ids are slots; nobody claims */
#define SHMIPC_WIRE_REGION_FLAGS	0xf00U

#define SHMIPC_WIRE_REGION_PAGE		4096U	/* where the sections start at the earliest */
#define SHMIPC_WIRE_REGION_ALIGN	(64U << 10)	/* of sections from 1 MiB on, and where */

/**
 * struct shmipc_wire_roster - what the server knows of one slot
 * @present: how many clients have had it, 0 while nobody has it. Not 0 is a hint:
 *	the client may not have attached, or the server may be gone
 * @joins: how many clients have had it
 */
struct shmipc_wire_roster {
	__le32 present;
	__le32 joins;
	__le32 reserved[2];
};

/**
 * struct shmipc_wire_claim - who owns a slot that nobody hands out
 * @token: the owner's, random, by compare-and-swap; 0: free
 * @beat: the owner changes it at every doorbell, or, if it polls, 4 times a second
 * @uuid: the owner's machine, to find its own slot again; 0: unknown
 */
struct shmipc_wire_claim {
	__le32 token;
	__le32 beat;
	__le32 reserved[2];
	__u8 uuid[16];
};

/**
 * struct shmipc_wire_region - page 0 of a divided region
 * @geometry: see above
 * @server_epoch: not 0 while a server maintains @roster; another with each start
 * @server_beat: it changes this at least once a second
 * @roster: the server's
 * @claims: only without SHMIPC_WIRE_REGION_SERVER
 */
struct shmipc_wire_region {
	__le32 geometry;
	__le32 reserved0[15];
	__le32 server_epoch;
	__le32 server_beat;
	__le32 reserved1[238];
	struct shmipc_wire_roster roster[SHMIPC_WIRE_PEERS_MAX];
	struct shmipc_wire_claim claims[SHMIPC_WIRE_PEERS_MAX];
};

/*
 * The format "message", of Jailhouse's demos: one at the start of each output section,
 * looked at by whoever is rung. Nothing else of the native format is there then.
 */
#define SHMIPC_WIRE_MESSAGE_DATA	256U

enum {
	SHMIPC_WIRE_MESSAGE_TEXT	= 1,
	SHMIPC_WIRE_MESSAGE_COMMAND	= 2,
	SHMIPC_WIRE_MESSAGE_ACK		= 3,
	SHMIPC_WIRE_MESSAGE_ERROR	= 4,
};

/**
 * struct shmipc_wire_message - start of a section in the format "message"
 * @type: SHMIPC_WIRE_MESSAGE_*, or any other; 0 while it is written, and before there is one
 * @length: bytes of @data
 * @pad: a number that changes with each letter, or 0; not interpreted
 * @sender: whose section this is
 * @receiver: for whom it is; ~0: for everybody
 * @data: the message
 */
struct shmipc_wire_message {
	__le32 type;
	__le16 length;
	__u8 pad[2];
	__le32 sender;
	__le32 receiver;
	__u8 data[SHMIPC_WIRE_MESSAGE_DATA];
};

#endif /* _UAPI_LINUX_SHMIPC_WIRE_H */
