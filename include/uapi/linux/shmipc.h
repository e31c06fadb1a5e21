/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Message IPC over shared memory: the /dev/shmipcN interface.
 *
 * An open file is an *endpoint*, like a datagram socket. It may own one port,
 * may be connected to one destination, and may listen to events.
 *
 * General rules
 * -------------
 * Every command takes a pointer to a struct that starts with @size, the size
 * of the struct as the caller was compiled, followed by @flags. The command
 * number does not depend on the size, so a struct can grow at its end:
 *
 *  - a caller newer than the kernel may pass a longer struct; its unknown tail
 *    must be zero on the way in and is zeroed on the way out;
 *  - a caller older than the kernel passes a shorter one; the missing tail
 *    reads as zero and is not written.
 *
 * Fields named out_* are results. They are written whenever the command was
 * decoded, also when it fails; the others, @size included, are never written.
 * On failure a result that has no meaning is zero.
 *
 * Deadlines are absolute CLOCK_MONOTONIC nanoseconds; 0 means none, a time in
 * the past means one attempt without sleeping.
 *
 * Errors common to all commands
 * -----------------------------
 *  - ENOTTY: the command number is unknown.
 *  - EINVAL: @size is shorter than the first version of the struct, or a field
 *    has a value that is wrong whatever the version: a port beyond 65535, a
 *    priority beyond 7, a name with other characters, elem_size 0.
 *  - E2BIG: the tail beyond what this kernel knows is not zero, or @size is
 *    larger than a page.
 *  - EOPNOTSUPP: an unknown flag, a reserved field that is not zero, or
 *    something that is known but that this region's format cannot do.
 *  - EFAULT: the struct, or memory that it points to, is not accessible. Then
 *    nothing has happened, unless another thread takes the memory away during
 *    the call; SEND and RECV keep to it even then, up to the last copy.
 *  - EINTR: a signal ended a wait, and its handler was not installed with
 *    SA_RESTART. Nothing has happened.
 *  - EHOSTUNREACH: a peer id beyond INFO.out_peers.
 *  - EBADF: the file was not opened for what the command needs (reading for
 *    receiving and owning, writing for sending).
 *  - ENODEV: the device is gone. Nothing but close() has an effect any more.
 *
 * Documentation/uapi/ has a page for each command and a table of all errors.
 */
#ifndef _UAPI_LINUX_SHMIPC_H
#define _UAPI_LINUX_SHMIPC_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SHMIPC_IOC_TYPE		0xBC

/* Sizes of names, with the terminating NUL. Charset: [A-Za-z0-9._-] */
#define SHMIPC_NAME_MAX		32

/* Peers */
#define SHMIPC_PEER_ANY		0xFFFFFFFFU	/* every peer, or whichever */
#define SHMIPC_PEER_SELF	0xFFFFFFFEU	/* the region's own peer */

/* Ports: 1..65535. 0 is "none" or "any", as the field says */
#define SHMIPC_PORT_NONE	0U
#define SHMIPC_PORT_ANY		0U
#define SHMIPC_PORT_MAX		65535U
/* Numbers that the kernel hands out when asked for any */
#define SHMIPC_PORT_DYNAMIC	49152U

/* Limits of the interface; INFO reports what holds on a region */
#define SHMIPC_DEPTH_MAX	4096U
#define SHMIPC_DEPTH_DEFAULT	16U
#define SHMIPC_BYTES_DEFAULT	(256U << 10)
#define SHMIPC_BYTES_MAX	(16U << 20)
#define SHMIPC_MSG_MAX		(1U << 20)
#define SHMIPC_MSG_DEFAULT	(64U << 10)
#define SHMIPC_PRIORITIES	8U
#define SHMIPC_BATCH_MAX	1024U
#define SHMIPC_WATCH_MAX	256U
#define SHMIPC_VECTORS		8U	/* raw doorbells of each peer: NOTIFY */
#define SHMIPC_EVENTFD_MAX	64U	/* of one endpoint */
#define SHMIPC_EVENT_QUEUE	256U

/*
 * How far a message got: out_state of the sending commands.
 */
enum {
	SHMIPC_STATE_NOT_SENT	= 0,	/* nothing has left; the call can be repeated */
	SHMIPC_STATE_SENT	= 1,	/* on its way; may be lost if the peer resets */
	SHMIPC_STATE_QUEUED	= 2,	/* in the destination port's queue */
	SHMIPC_STATE_RECEIVED	= 3,	/* handed to the receiver */
	SHMIPC_STATE_REFUSED	= 4,	/* the destination would not take it */
	SHMIPC_STATE_RESET	= 5,	/* the link or port went while it was under way */
};

/*
 * SHMIPC_INFO - what this region is and what it can do
 */
enum {
	SHMIPC_TRANSPORT_LOOPBACK	= 1,
	SHMIPC_TRANSPORT_IVSHMEM_V1	= 2,
	SHMIPC_TRANSPORT_IVSHMEM_V2	= 3,
	SHMIPC_TRANSPORT_PLATFORM	= 4,
};

enum {
	SHMIPC_FORMAT_NATIVE	= 1,
	SHMIPC_FORMAT_MESSAGE	= 2,
	SHMIPC_FORMAT_SHMINFO	= 3,
};

/*
 * Format message: peers have one port each, of this number, to send to and to own
 * (ANY is this one, too). Types are those of the peers; 0 is sent as TEXT.
 */
#define SHMIPC_MESSAGE_PORT	1U
#define SHMIPC_MESSAGE_MAX	256U

enum {
	SHMIPC_MESSAGE_TEXT	= 1,
	SHMIPC_MESSAGE_COMMAND	= 2,
	SHMIPC_MESSAGE_ACK	= 3,
	SHMIPC_MESSAGE_ERROR	= 4,
};

enum {
	SHMIPC_DOORBELL_DIRECT	= 1,	/* a function call (loopback) */
	SHMIPC_DOORBELL_MSIX	= 2,
	SHMIPC_DOORBELL_INTX	= 3,
	SHMIPC_DOORBELL_MAILBOX	= 4,
	SHMIPC_DOORBELL_MMIO	= 5,
	SHMIPC_DOORBELL_POLLING	= 6,	/* no interrupts */
	SHMIPC_DOORBELL_EVENTFD	= 7,	/* a process: libshmipc's host peer */
};

enum {
	SHMIPC_MEMORY_CACHED		= 1,	/* write-back */
	SHMIPC_MEMORY_WRITECOMBINE	= 2,
	SHMIPC_MEMORY_NONCACHED		= 3,
};

/* Features: what this kernel knows and this region's format can do */
#define SHMIPC_FEAT_PORTS	(1ULL << 0)	/* ports, SEND, RECV and their vectors */
#define SHMIPC_FEAT_PRIORITY	(1ULL << 1)
#define SHMIPC_FEAT_NAMES	(1ULL << 2)	/* names and LOOKUP */
#define SHMIPC_FEAT_EVENTS	(1ULL << 3)	/* EVENT_MASK, EVENTS, WATCH */
#define SHMIPC_FEAT_META	(1ULL << 4)	/* sender's pid, uid, endpoint, cookie, time */
#define SHMIPC_FEAT_CONFIRM	(1ULL << 5)
#define SHMIPC_FEAT_CALL	(1ULL << 6)
#define SHMIPC_FEAT_BROADCAST	(1ULL << 7)
#define SHMIPC_FEAT_NOTIFY	(1ULL << 8)
#define SHMIPC_FEAT_BUF		(1ULL << 9)

/**
 * struct shmipc_info - argument of SHMIPC_INFO
 * @size: sizeof(struct shmipc_info)
 * @flags: must be 0
 * @out_features: SHMIPC_FEAT_* bits that work here
 * @out_epoch: identifies this attachment of our peer to the region; endpoint
 *	ids are unique within it
 * @out_endpoint: the id of the calling endpoint
 * @out_region_bytes: size of all sections together
 * @out_section_bytes: size of one section
 * @out_transport: SHMIPC_TRANSPORT_*
 * @out_format: SHMIPC_FORMAT_*
 * @out_doorbell: SHMIPC_DOORBELL_*, as found by the check at attach
 * @out_memory: SHMIPC_MEMORY_*
 * @out_vectors: interrupt vectors in use
 * @out_peer: our own peer id
 * @out_peers: number of peer slots, ours included
 * @out_max_ports: ports that a section publishes
 * @out_max_depth: largest depth of a port here
 * @out_max_bytes: largest byte window of a port here
 * @out_max_msg: largest message here
 * @out_max_inline: largest message that is not split on its way
 * @out_uid_bytes: cap on the bytes that one user's ports may promise to queue; 0 for none
 * @out_lane_bytes: ring bytes between two peers, in one direction
 * @out_reserved: 0
 * @out_name: the region's name from local configuration, or ""
 */
struct shmipc_info {
	__u32 size;
	__u32 flags;
	__aligned_u64 out_features;
	__aligned_u64 out_epoch;
	__aligned_u64 out_endpoint;
	__aligned_u64 out_region_bytes;
	__aligned_u64 out_section_bytes;
	__u32 out_transport;
	__u32 out_format;
	__u32 out_doorbell;
	__u32 out_memory;
	__u32 out_vectors;
	__u32 out_peer;
	__u32 out_peers;
	__u32 out_max_ports;
	__u32 out_max_depth;
	__u32 out_max_bytes;
	__u32 out_max_msg;
	__u32 out_max_inline;
	__aligned_u64 out_uid_bytes;
	__u32 out_lane_bytes;
	__u32 out_reserved;
	char out_name[SHMIPC_NAME_MAX];
};

/*
 * SHMIPC_PEERS, SHMIPC_PORTS - tables
 */
enum {
	SHMIPC_PEER_ABSENT	= 0,	/* nobody there */
	SHMIPC_PEER_JOINING	= 1,	/* present, link not up yet */
	SHMIPC_PEER_UP		= 2,
	SHMIPC_PEER_STALLED	= 3,	/* does not answer; relinks when it does */
	SHMIPC_PEER_FOREIGN	= 4,	/* present, but does not speak our format */
	SHMIPC_PEER_BROKEN	= 5,	/* broke the protocol; relinks after a pause */
};

/**
 * struct shmipc_peer_info - one row of SHMIPC_PEERS
 * @peer: peer id
 * @state: SHMIPC_PEER_*
 * @flags: SHMIPC_PEER_FLAG_*
 * @ports: ports it publishes
 * @epoch: its attachment, 0 if absent
 * @resets: how often the link was restarted since our attach
 * @errors: violations of the protocol seen from it
 * @sent: messages sent to it
 * @received: messages received from it
 * @rings: doorbells rung
 * @name: what it calls itself; unverified, charset checked
 */
struct shmipc_peer_info {
	__u32 peer;
	__u32 state;
	__u32 flags;
	__u32 ports;
	__aligned_u64 epoch;
	__aligned_u64 resets;
	__aligned_u64 errors;
	__aligned_u64 sent;
	__aligned_u64 received;
	__aligned_u64 rings;
	char name[SHMIPC_NAME_MAX];
};

#define SHMIPC_PEER_FLAG_SELF	(1U << 0)	/* this row is us */

/**
 * struct shmipc_peers - argument of SHMIPC_PEERS
 * @size: sizeof(struct shmipc_peers)
 * @flags: must be 0
 * @elems: array of struct shmipc_peer_info
 * @nr: rows in the array
 * @elem_size: sizeof(struct shmipc_peer_info) as compiled; longer rows are zero
 *	filled, shorter ones cut
 * @out_nr: rows written
 * @out_total: rows there are; more than @nr is not an error
 */
struct shmipc_peers {
	__u32 size;
	__u32 flags;
	__aligned_u64 elems;
	__u32 nr;
	__u32 elem_size;
	__u32 out_nr;
	__u32 out_total;
};

/**
 * struct shmipc_port_info - one row of SHMIPC_PORTS
 * @peer: who owns it
 * @port: number
 * @generation: distinguishes successive ports with one number
 * @flags: SHMIPC_PORT_* flags it was created with
 * @depth: window in messages
 * @bytes: window in bytes
 * @max_size: largest message it takes
 * @queued: messages waiting (own ports; 0 for a peer's)
 * @queued_bytes: their payload bytes
 * @waiters: threads blocked in RECV
 * @senders: threads blocked in SEND to it, of this kernel
 * @drops: messages discarded: at close, at a full TOTAL_DEPTH port
 * @received: messages taken by RECV or read()
 * @endpoint: owning endpoint (own ports)
 * @pid: process that created it, as seen from the caller's namespace; 0 if
 *	not visible or not ours
 * @uid: its user, or the overflow uid
 * @name: "" if it has none
 */
struct shmipc_port_info {
	__u32 peer;
	__u32 port;
	__u32 generation;
	__u32 flags;
	__u32 depth;
	__u32 bytes;
	__u32 max_size;
	__u32 queued;
	__aligned_u64 queued_bytes;
	__u32 waiters;
	__u32 senders;
	__aligned_u64 drops;
	__aligned_u64 received;
	__aligned_u64 endpoint;
	__u32 pid;
	__u32 uid;
	char name[SHMIPC_NAME_MAX];
};

/**
 * struct shmipc_ports - argument of SHMIPC_PORTS
 * @size: sizeof(struct shmipc_ports)
 * @flags: must be 0
 * @elems: array of struct shmipc_port_info
 * @nr: rows in the array
 * @elem_size: sizeof(struct shmipc_port_info) as compiled
 * @peer: whose ports: a peer id, SELF, or ANY for all
 * @reserved: must be 0
 * @out_nr: rows written
 * @out_total: rows there are
 */
struct shmipc_ports {
	__u32 size;
	__u32 flags;
	__aligned_u64 elems;
	__u32 nr;
	__u32 elem_size;
	__u32 peer;
	__u32 reserved;
	__u32 out_nr;
	__u32 out_total;
};

/*
 * SHMIPC_PORT_CREATE, SHMIPC_PORT_DESTROY - own a port
 */
/* @depth counts the messages of all senders together, not of each peer */
#define SHMIPC_PORT_TOTAL_DEPTH	(1U << 0)
/* Not published: only endpoints of this region's own peer reach it */
#define SHMIPC_PORT_LOCAL	(1U << 1)
/* Ask senders for pid, uid, endpoint, cookie and time */
#define SHMIPC_PORT_META	(1U << 2)

/**
 * struct shmipc_port_create - argument of SHMIPC_PORT_CREATE
 * @size: sizeof(struct shmipc_port_create)
 * @flags: SHMIPC_PORT_* flags
 * @port: number, or SHMIPC_PORT_ANY for a free one from SHMIPC_PORT_DYNAMIC up
 * @depth: messages that each sending peer may have queued; 0 for the default
 * @bytes: bytes that each sending peer may have queued; 0 for the default.
 *	One larger message is admitted when nothing of that peer is queued. Of
 *	other peers each message counts as a multiple of 64 bytes, at least 64
 * @max_size: largest message; 0 for the default
 * @name: unique among the ports of this peer; "" for none
 * @out_port: number
 * @out_generation: its generation, never 0
 *
 * The port lives as long as the open file. Needs a file opened for reading.
 *
 * EISCONN: this endpoint owns a port already, or reads events. EADDRINUSE: the number is taken.
 * EEXIST: the name is. ENOSPC: no number, or no row in the published table.
 * EINVAL: number, depth, bytes, max_size or name out of range.
 * EDQUOT: what this user's ports promise to queue (for each peer @bytes, or
 * @max_size or the heads of @depth messages if that is more) would exceed
 * INFO.out_uid_bytes; CAP_SYS_RESOURCE is exempt. ENOMEM.
 */
struct shmipc_port_create {
	__u32 size;
	__u32 flags;
	__u32 port;
	__u32 depth;
	__u32 bytes;
	__u32 max_size;
	char name[SHMIPC_NAME_MAX];
	__u32 out_port;
	__u32 out_generation;
};

/**
 * struct shmipc_port_destroy - argument of SHMIPC_PORT_DESTROY
 * @size: sizeof(struct shmipc_port_destroy)
 * @flags: must be 0
 * @out_discarded: messages that were queued and are now gone
 * @out_reserved: 0
 *
 * Blocked senders get ECONNREFUSED, blocked receivers ENOTCONN.
 *
 * ENOTCONN: this endpoint owns no port.
 */
struct shmipc_port_destroy {
	__u32 size;
	__u32 flags;
	__u32 out_discarded;
	__u32 out_reserved;
};

/*
 * SHMIPC_LOOKUP, SHMIPC_CONNECT - find and remember a destination
 */
#define SHMIPC_LOOKUP_WAIT	(1U << 0)	/* until it appears or the deadline */
#define SHMIPC_LOOKUP_FIRST	(1U << 1)	/* several owners: lowest peer id wins */

/**
 * struct shmipc_lookup - argument of SHMIPC_LOOKUP
 * @size: sizeof(struct shmipc_lookup)
 * @flags: SHMIPC_LOOKUP_*
 * @deadline: for SHMIPC_LOOKUP_WAIT
 * @peer: where to look: a peer id, SELF or ANY
 * @reserved: must be 0
 * @name: what to look for
 * @out_peer: owner
 * @out_port: number
 * @out_generation: generation
 * @out_reserved: 0
 *
 * ENOENT: nobody has the name (without WAIT; also when the file is
 * O_NONBLOCK). ETIMEDOUT: still nobody at the deadline. ENOTUNIQ: several
 * peers have it. EINVAL: bad name. EHOSTUNREACH: no such peer slot.
 */
struct shmipc_lookup {
	__u32 size;
	__u32 flags;
	__s64 deadline __attribute__((aligned(8)));
	__u32 peer;
	__u32 reserved;
	char name[SHMIPC_NAME_MAX];
	__u32 out_peer;
	__u32 out_port;
	__u32 out_generation;
	__u32 out_reserved;
};

/**
 * struct shmipc_connect - argument of SHMIPC_CONNECT
 * @size: sizeof(struct shmipc_connect)
 * @flags: must be 0
 * @peer: peer id or SELF
 * @port: number, or SHMIPC_PORT_NONE to disconnect (then @peer is ignored)
 * @generation: expected generation, or 0 for the present one
 * @out_generation: what it is pinned to
 * @out_peer: peer id, SELF resolved
 * @out_reserved: 0
 *
 * Sets the destination of write() and of sends with port NONE. It stays
 * pinned to that generation: when the port closes, sending gives ECONNREFUSED,
 * also when another one has taken the number (ECONNRESET), until the next
 * CONNECT. Does not block. Needs a file opened for writing.
 *
 * ECONNREFUSED: no such port. ECONNRESET: another generation. EHOSTUNREACH: no
 * such peer, or it is absent. EAGAIN: the link to the peer is not up yet.
 */
struct shmipc_connect {
	__u32 size;
	__u32 flags;
	__u32 peer;
	__u32 port;
	__u32 generation;
	__u32 out_generation;
	__u32 out_peer;
	__u32 out_reserved;
};

/*
 * SHMIPC_SEND, SHMIPC_SENDV
 */
#define SHMIPC_SEND_NOWAIT	(1U << 0)	/* EAGAIN rather than sleep, whatever @deadline */
#define SHMIPC_SEND_CONFIRM	(1U << 1)	/* wait until it was received; needs FEAT_CONFIRM */

/**
 * struct shmipc_send - argument of SHMIPC_SEND, element of SHMIPC_SENDV
 * @size: sizeof(struct shmipc_send)
 * @flags: SHMIPC_SEND_*
 * @deadline: how long to wait for room
 * @data: payload
 * @len: its size; 0 is a message too
 * @type: for the receiver, any value
 * @peer: destination peer id or SELF; ignored if @port is NONE
 * @port: destination port, or SHMIPC_PORT_NONE for the connected destination
 * @generation: expected generation of the port, 0 for any
 * @priority: 0 (normal) to 7 (most urgent)
 * @cookie: for the receiver (if its port has META), any value
 * @out_state: SHMIPC_STATE_*
 * @out_reserved: 0
 *
 * 0 means out_state SENT or further: QUEUED for a port of our own peer. Any
 * failure means NOT_SENT, but for ECONNRESET with state RESET: the link went
 * while the parts of a large message were under way.
 *
 * EAGAIN: no room, and NOWAIT, O_NONBLOCK. ETIMEDOUT: no room until the deadline.
 * EMSGSIZE: larger than the port takes. ECONNREFUSED: no such port, or it
 * closed. ECONNRESET: another generation; or, once after the peer reset,
 * messages of this endpoint to it were lost. EHOSTUNREACH: the peer is
 * absent. EHOSTDOWN: it does not answer. EDESTADDRREQ: no destination given,
 * none connected. EOPNOTSUPP: peer ANY (broadcast). ENOMEM.
 * EPROTO: the peer broke the protocol; its link is restarted after a pause.
 *
 * With CONFIRM, 0 means out_state RECEIVED. No answer until the deadline is ETIMEDOUT, a
 * signal EINTR, both with state SENT: it may have been received. If the peer went, it is
 * ECONNRESET with RESET. EINVAL: CONFIRM, and NOWAIT or O_NONBLOCK. EOPNOTSUPP: to a
 * port of our own peer.
 */
struct shmipc_send {
	__u32 size;
	__u32 flags;
	__s64 deadline __attribute__((aligned(8)));
	__aligned_u64 data;
	__u32 len;
	__u32 type;
	__u32 peer;
	__u32 port;
	__u32 generation;
	__u32 priority;
	__aligned_u64 cookie;
	__u32 out_state;
	__u32 out_reserved;
};

/**
 * struct shmipc_sendv - argument of SHMIPC_SENDV
 * @size: sizeof(struct shmipc_sendv)
 * @flags: must be 0; each element has its own
 * @elems: array of struct shmipc_send, each with its own destination and
 *	deadline; their @size must equal @elem_size
 * @nr: elements, 1 to SHMIPC_BATCH_MAX
 * @elem_size: sizeof(struct shmipc_send) as compiled
 * @out_done: messages sent
 * @out_error: 0, or the positive errno that stopped it at element out_done
 *
 * At least one sent: 0. None: the error itself.
 */
struct shmipc_sendv {
	__u32 size;
	__u32 flags;
	__aligned_u64 elems;
	__u32 nr;
	__u32 elem_size;
	__u32 out_done;
	__u32 out_error;
};

/*
 * SHMIPC_RECV, SHMIPC_RECVV
 */
#define SHMIPC_RECV_NOWAIT	(1U << 0)	/* EAGAIN rather than sleep */
#define SHMIPC_RECV_PEEK	(1U << 1)	/* leave the message in the queue */
#define SHMIPC_RECV_DISCARD	(1U << 2)	/* take it, copy no payload */

/* out_flags of a received message */
#define SHMIPC_MSG_LOCAL	(1U << 0)	/* from an endpoint of our own peer */
#define SHMIPC_MSG_META		(1U << 1)	/* pid, uid, endpoint, cookie, sent time are set */
#define SHMIPC_MSG_CLAIMED	(1U << 2)	/* ... but only the peer says so */
/* Of format message only, where peers can do no better */
#define SHMIPC_MSG_REPEAT	(1U << 3)	/* rung again, and it is the one of before */
#define SHMIPC_MSG_BADLEN	(1U << 4)	/* it claimed to be longer than one can be */
#define SHMIPC_MSG_BADSENDER	(1U << 5)	/* it claims to be of another than @out_peer */
#define SHMIPC_MSG_BADRECEIVER	(1U << 6)	/* it is for another peer, as it says */
#define SHMIPC_MSG_BARE		(1U << 7)	/* text without a header: nobody says for whom */

/**
 * struct shmipc_recv - argument of SHMIPC_RECV, element of SHMIPC_RECVV
 * @size: sizeof(struct shmipc_recv)
 * @flags: SHMIPC_RECV_*
 * @deadline: how long to wait for a message
 * @data: buffer for the payload
 * @len: its size
 * @reserved: must be 0
 * @out_len: size of the message, also with EMSGSIZE
 * @out_type: as sent
 * @out_peer: sender's peer id; not claimed, it follows from where it came
 * @out_port: port that the sending endpoint owned, 0 if none
 * @out_priority: as sent
 * @out_flags: SHMIPC_MSG_*
 * @out_endpoint: sending endpoint
 * @out_cookie: as sent
 * @out_seq: counts the messages of this port, from 1
 * @out_time: arrival here, CLOCK_MONOTONIC ns
 * @out_sent_time: the sender's clock when it sent
 * @out_pid: sending process; translated if LOCAL, raw if CLAIMED
 * @out_uid: sending user; translated if LOCAL, raw if CLAIMED
 *
 * A call that fails takes nothing from the queue. Highest priority first,
 * within one in the order of arrival.
 *
 * ENOTCONN: this endpoint owns no port (or no longer: somebody destroyed it
 * meanwhile). EAGAIN: no message, and NOWAIT or O_NONBLOCK. ETIMEDOUT: none until
 * the deadline. EMSGSIZE: larger than @len; it stays, out_len says how large.
 * EINVAL: PEEK together with DISCARD.
 */
struct shmipc_recv {
	__u32 size;
	__u32 flags;
	__s64 deadline __attribute__((aligned(8)));
	__aligned_u64 data;
	__u32 len;
	__u32 reserved;
	__u32 out_len;
	__u32 out_type;
	__u32 out_peer;
	__u32 out_port;
	__u32 out_priority;
	__u32 out_flags;
	__aligned_u64 out_endpoint;
	__aligned_u64 out_cookie;
	__aligned_u64 out_seq;
	__aligned_u64 out_time;
	__aligned_u64 out_sent_time;
	__u32 out_pid;
	__u32 out_uid;
};

/**
 * struct shmipc_recvv - argument of SHMIPC_RECVV
 * @size: sizeof(struct shmipc_recvv)
 * @flags: must be 0; each element has its own
 * @elems: array of struct shmipc_recv; their @size must equal @elem_size.
 *	The first blocks as its flags and deadline say, the others never. After
 *	one with PEEK the next one sees the same message
 * @nr: elements, 1 to SHMIPC_BATCH_MAX
 * @elem_size: sizeof(struct shmipc_recv) as compiled
 * @out_done: messages received
 * @out_error: 0, or the positive errno that stopped it at element out_done;
 *	EAGAIN is the ordinary end
 *
 * At least one received: 0. None: the error itself.
 */
struct shmipc_recvv {
	__u32 size;
	__u32 flags;
	__aligned_u64 elems;
	__u32 nr;
	__u32 elem_size;
	__u32 out_done;
	__u32 out_error;
};

/*
 * SHMIPC_EVENT_MASK, SHMIPC_EVENTS, SHMIPC_WATCH
 */
#define SHMIPC_EVENT_BIT(kind)	(1U << (kind))

/* Kinds of event record */
enum {
	SHMIPC_EVENT_OVERRUN	= 0,	/* @count records were lost here */
	SHMIPC_EVENT_PEER_UP	= 1,
	SHMIPC_EVENT_PEER_DOWN	= 2,	/* @count: unconfirmed messages of this endpoint lost */
	SHMIPC_EVENT_PEER_RESET	= 3,	/* likewise; the link is being restarted */
	SHMIPC_EVENT_GONE	= 4,	/* what a WATCH named is gone */
	SHMIPC_EVENT_NAME	= 5,	/* a name that a WATCH waits for is there */
	SHMIPC_EVENT_DOORBELL	= 6,	/* @peer rang @vector, @count times since the last record */
	SHMIPC_EVENT_COMPLETION	= 7,
};

/* Bits of EVENT_MASK: which kinds queue without a WATCH */
#define SHMIPC_MASK_PEER	(SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_UP) | \
				 SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_DOWN) | \
				 SHMIPC_EVENT_BIT(SHMIPC_EVENT_PEER_RESET))
/* read() returns event records from now on, for the life of the file */
#define SHMIPC_MASK_READ	(1U << 31)

/**
 * struct shmipc_event_mask - argument of SHMIPC_EVENT_MASK
 * @size: sizeof(struct shmipc_event_mask)
 * @flags: must be 0
 * @mask: SHMIPC_EVENT_BIT()s of the PEER kinds and DOORBELL, SHMIPC_MASK_READ
 * @out_mask: what was set before
 *
 * Nothing is queued until asked for. Peers that are up when PEER_UP is first
 * asked for are reported at once, so that none is missed. Doorbells that rang
 * before DOORBELL was asked for are not.
 *
 * EINVAL: READ was set and is now left out. EOPNOTSUPP: a kind that cannot be
 * asked for here. EISCONN: READ on an endpoint that owns a port.
 */
struct shmipc_event_mask {
	__u32 size;
	__u32 flags;
	__u32 mask;
	__u32 out_mask;
};

/**
 * struct shmipc_event - one event record
 * @size: length of this record; the next one follows it
 * @kind: SHMIPC_EVENT_*
 * @peer: which
 * @port: which, or 0
 * @generation: of the port
 * @vector: of a DOORBELL, else 0
 * @count: see the kind
 * @endpoint: which, or 0
 * @cookie: of the WATCH
 * @time: CLOCK_MONOTONIC ns
 *
 * The records of a kind keep their length for ever. A kind to come may have a
 * longer one, up to SHMIPC_EVENT_MAX; only who asks for it gets it.
 */
struct shmipc_event {
	__u32 size;
	__u32 kind;
	__u32 peer;
	__u32 port;
	__u32 generation;
	__u32 vector;
	__aligned_u64 count;
	__aligned_u64 endpoint;
	__aligned_u64 cookie;
	__aligned_u64 time;
};

#define SHMIPC_EVENT_MAX	256

#define SHMIPC_EVENTS_NOWAIT	(1U << 0)

/**
 * struct shmipc_events - argument of SHMIPC_EVENTS
 * @size: sizeof(struct shmipc_events)
 * @flags: SHMIPC_EVENTS_NOWAIT
 * @deadline: how long to wait for the first
 * @data: buffer
 * @len: its size; whole records only
 * @reserved: must be 0
 * @out_len: bytes written
 * @out_nr: records written
 *
 * EAGAIN: no event, and NOWAIT or O_NONBLOCK. ETIMEDOUT. EINVAL: the buffer is
 * smaller than one record.
 */
struct shmipc_events {
	__u32 size;
	__u32 flags;
	__s64 deadline __attribute__((aligned(8)));
	__aligned_u64 data;
	__u32 len;
	__u32 reserved;
	__u32 out_len;
	__u32 out_nr;
};

/* What to WATCH */
enum {
	SHMIPC_WATCH_PEER	= 1,	/* @peer: GONE when its link goes down or resets */
	SHMIPC_WATCH_PORT	= 2,	/* @peer, @port, @generation */
	SHMIPC_WATCH_ENDPOINT	= 3,	/* @peer, @endpoint */
	SHMIPC_WATCH_NAME	= 4,	/* @peer or ANY, @name: NAME when it is there */
};

#define SHMIPC_WATCH_REMOVE	(1U << 0)	/* forget the watch with this @cookie */

/**
 * struct shmipc_watch - argument of SHMIPC_WATCH
 * @size: sizeof(struct shmipc_watch)
 * @flags: SHMIPC_WATCH_REMOVE
 * @kind: SHMIPC_WATCH_*
 * @peer: peer id, SELF or (NAME only) ANY
 * @port: for PORT
 * @generation: for PORT; 0 for the present one
 * @endpoint: for ENDPOINT
 * @cookie: comes back in the event; unique among this endpoint's watches
 * @name: for NAME
 *
 * A watch fires exactly once, at once if there is nothing (any more) to wait
 * for, and is then forgotten. An endpoint of another peer counts as gone when
 * that peer's link resets or (if known) when it closes.
 *
 * EEXIST: the cookie is in use. ENOENT: REMOVE of a cookie that is not.
 * ENOSPC: SHMIPC_WATCH_MAX watches. EINVAL: unknown kind, bad name.
 * EHOSTUNREACH: no such peer slot. EOPNOTSUPP: endpoint of another peer, where
 * the format cannot tell.
 */
struct shmipc_watch {
	__u32 size;
	__u32 flags;
	__u32 kind;
	__u32 peer;
	__u32 port;
	__u32 generation;
	__aligned_u64 endpoint;
	__aligned_u64 cookie;
	char name[SHMIPC_NAME_MAX];
};

/*
 * SHMIPC_NOTIFY, SHMIPC_EVENTFD - raw doorbells
 */

/**
 * struct shmipc_notify - argument of SHMIPC_NOTIFY
 * @size: sizeof(struct shmipc_notify)
 * @flags: must be 0
 * @peer: whom to ring: a peer id, SELF, or ANY for every other peer that is up
 * @vector: which of its doorbells, 0 to SHMIPC_VECTORS - 1
 * @out_rung: how many peers were rung
 * @out_reserved: 0
 *
 * Does not block, and does not wait until the peer has noticed. The rings of one
 * vector that the peer has not looked at yet add up. Needs a file opened for
 * writing.
 *
 * EINVAL: no such vector. EHOSTUNREACH: no such peer, or it is absent. EHOSTDOWN:
 * it does not answer. EAGAIN: the link to it is not up yet. EPROTO: it broke the
 * protocol. EOPNOTSUPP: not in this format. With ANY a peer that cannot be rung
 * is no error.
 */
struct shmipc_notify {
	__u32 size;
	__u32 flags;
	__u32 peer;
	__u32 vector;
	__u32 out_rung;
	__u32 out_reserved;
};

#define SHMIPC_EVENTFD_REMOVE	(1U << 0)	/* end that binding */

/**
 * struct shmipc_eventfd - argument of SHMIPC_EVENTFD
 * @size: sizeof(struct shmipc_eventfd)
 * @flags: SHMIPC_EVENTFD_*
 * @fd: an eventfd
 * @peer: who rings: a peer id, SELF, or ANY for whoever
 * @vector: which of our doorbells, 0 to SHMIPC_VECTORS - 1
 * @out_reserved: 0
 *
 * From now on a ring makes the eventfd readable; its value counts when the kernel
 * looked, not how often it rang. The binding ends with REMOVE or with the
 * endpoint; closing the eventfd does not end it. Needs a file opened for reading.
 *
 * EBADF: @fd is no open file. EINVAL: it is no eventfd, or no such vector. EEXIST:
 * there is that binding. ENOENT: REMOVE, and there is not. ENOSPC: SHMIPC_EVENTFD_MAX
 * bindings. EHOSTUNREACH: no such peer slot. EOPNOTSUPP: not in this format.
 */
struct shmipc_eventfd {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 peer;
	__u32 vector;
	__u32 out_reserved;
};

/*
 * Command numbers. They never change; 0x10 to 0x1f are set aside for the
 * commands that INFO.out_features already has bits for.
 */
#define SHMIPC_INFO		_IO(SHMIPC_IOC_TYPE, 0x00)
#define SHMIPC_PEERS		_IO(SHMIPC_IOC_TYPE, 0x01)
#define SHMIPC_PORTS		_IO(SHMIPC_IOC_TYPE, 0x02)
#define SHMIPC_PORT_CREATE	_IO(SHMIPC_IOC_TYPE, 0x03)
#define SHMIPC_PORT_DESTROY	_IO(SHMIPC_IOC_TYPE, 0x04)
#define SHMIPC_LOOKUP		_IO(SHMIPC_IOC_TYPE, 0x05)
#define SHMIPC_CONNECT		_IO(SHMIPC_IOC_TYPE, 0x06)
#define SHMIPC_SEND		_IO(SHMIPC_IOC_TYPE, 0x07)
#define SHMIPC_RECV		_IO(SHMIPC_IOC_TYPE, 0x08)
#define SHMIPC_SENDV		_IO(SHMIPC_IOC_TYPE, 0x09)
#define SHMIPC_RECVV		_IO(SHMIPC_IOC_TYPE, 0x0a)
#define SHMIPC_EVENT_MASK	_IO(SHMIPC_IOC_TYPE, 0x0b)
#define SHMIPC_EVENTS		_IO(SHMIPC_IOC_TYPE, 0x0c)
#define SHMIPC_WATCH		_IO(SHMIPC_IOC_TYPE, 0x0d)
#define SHMIPC_NOTIFY		_IO(SHMIPC_IOC_TYPE, 0x0e)
#define SHMIPC_EVENTFD		_IO(SHMIPC_IOC_TYPE, 0x0f)

#endif /* _UAPI_LINUX_SHMIPC_H */
