/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shmipc: what the files of the driver know of each other.
 *
 * Objects and who keeps them alive
 *
 *   region    struct device; files, the transport and sysfs hold references. After
 *             shmipc_region_remove() it is an empty shell: @gone is set, every
 *             waiter has been woken, the transport's memory is not touched again
 *   endpoint  an open file; released with it
 *   port      owned by an endpoint; senders and lookups hold references. @dead is
 *             set under its lock when the owner lets go
 *   message   owned by who carries it: sender, queue, receiver; PEEK shares it
 *
 * Locks, outermost first
 *
 *   ep->lock             mutex: what an endpoint owns and is connected to
 *   region->ports_lock   mutex: which ports exist, the published table
 *   port->lock           one port's queue
 *   link->lock           one link's sending side and credit (the core's link lock)
 *   region->watch_lock   who listens to what
 *   ep->event_lock       one endpoint's events
 *
 * port->lock and link->lock are never held together: a message leaves its queue
 * first, its credit goes back after. Doorbells ring with no lock held.
 */
#ifndef SHMIPC_H
#define SHMIPC_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <linux/shmipc.h>
#include "core/core.h"

struct shmipc_region;
struct shmipc_link;
struct shmipc_endpoint;
struct shmipc_port;
struct shmipc_user;
struct mem_cgroup;

/* msg.c: messages */

/**
 * struct shmipc_msg - a message in kernel memory
 * @node: in a port's queue
 * @ref: the carrier, and those who PEEK
 * @len: payload bytes announced
 * @size: payload bytes there is room for in @data and @segs
 * @first: bytes in @data
 * @segs: the rest, in pieces of SHMIPC_SEG_BYTES; room for all of @len
 * @nr_segs: how many there are
 * @port: destination of one on its way in from another peer, with a reference
 * @slot: remote: index in our published table, for the credit
 * @generation: likewise
 * @pid: sending process of our own kernel
 * @uid: likewise
 * @raw_pid: as told to, or by, another peer
 * @raw_uid: likewise
 * @flags: SHMIPC_MSG_*
 */
struct shmipc_msg {
	struct list_head node;
	refcount_t ref;
	u32 len;
	u32 size;
	u32 first;
	u32 type;
	u32 peer;
	u32 src_port;
	u32 priority;
	u32 flags;
	u32 slot;
	u32 generation;
	u32 raw_pid;
	u32 raw_uid;
	kuid_t uid;
	struct pid *pid;
	u64 endpoint;
	u64 cookie;
	u64 seq;
	u64 time;
	u64 sent_time;
	struct shmipc_port *port;
	void **segs;
	u32 nr_segs;
	u8 data[];
};

#define SHMIPC_SEG_BYTES	PAGE_SIZE

struct shmipc_msg *shmipc_msg_alloc(u32 len, gfp_t gfp, struct mem_cgroup *memcg);
struct shmipc_msg *shmipc_msg_start(u32 len, gfp_t gfp, struct mem_cgroup *memcg);
int shmipc_msg_grow(struct shmipc_msg *msg, u32 size, gfp_t gfp, struct mem_cgroup *memcg);
void *shmipc_msg_span(struct shmipc_msg *msg, u32 off, u32 *len);
void shmipc_msg_stamp(struct shmipc_msg *msg, struct shmipc_endpoint *ep, bool meta);
void shmipc_msg_get(struct shmipc_msg *msg);
void shmipc_msg_put(struct shmipc_msg *msg);

/* user.c: what one user's ports may hold */

struct shmipc_user *shmipc_user_charge(u64 bytes);
void shmipc_user_uncharge(struct shmipc_user *user, u64 bytes);
u64 shmipc_user_cap(void);

/* wait.c: sleeping with a deadline */

/**
 * struct shmipc_wait - how long a call may sleep
 * @deadline: CLOCK_MONOTONIC ns, 0 for none
 * @nonblock: not at all
 */
struct shmipc_wait {
	s64 deadline;
	bool nonblock;
};

int shmipc_wait_may_sleep(const struct shmipc_wait *wait);
bool shmipc_wait_sleep(const struct shmipc_wait *wait, s64 at_most_ns);

/* port.c: queues */

/**
 * struct shmipc_port - a queue that one endpoint owns
 * @rcu: found by number and slot under RCU
 * @ref: region's table and owner (one together), senders, queued messages
 * @region: whoever uses a port has a reference on its region by other means
 * @owner: valid while !@dead, under @lock
 * @number: 1..65535
 * @generation: never 0
 * @slot: index in the published table, or -1
 * @depth: window in messages
 * @bytes: window in bytes
 * @max_size: largest message
 * @flags: SHMIPC_PORT_*
 * @pid: creator
 * @uid: creator
 * @memcg: creator's, charged for what is queued
 * @user: creator's account
 * @promised: bytes charged to @user
 * @lock: covers all below
 * @dead: owner let go; nothing is queued any more
 * @queue: one list for each priority
 * @queued: messages in @queue
 * @held: messages admitted and not yet taken or dropped: coming in, queued,
 *	being copied out
 * @full: somebody found no room; the next one to make some wakes @writers
 * @pass: how many senders the last room made may be offered to
 * @queued_bytes: payload in @queue
 * @self_queued: messages of endpoints of our own peer, claimed ones included
 * @self_bytes: their payload
 * @seq: number of the last message
 * @drops: messages discarded
 * @received: messages taken
 * @nr_receivers: threads waiting in RECV (atomic, without @lock)
 * @nr_senders: threads waiting in SEND (likewise)
 * @receivers: wait for a message, exclusively
 * @senders: wait for room, exclusively; of our own peer
 * @writers: endpoints connected to this port, for EPOLLOUT
 */
struct shmipc_port {
	struct rcu_head rcu;
	refcount_t ref;
	struct shmipc_region *region;
	struct shmipc_endpoint *owner;
	u32 number;
	u32 generation;
	int slot;
	u32 depth;
	u32 bytes;
	u32 max_size;
	u32 flags;
	struct pid *pid;
	kuid_t uid;
	struct mem_cgroup *memcg;
	struct shmipc_user *user;
	u64 promised;
	char name[SHMIPC_NAME_MAX];

	spinlock_t lock;	/* covers what follows */
	bool dead;
	struct list_head queue[SHMIPC_PRIORITIES];
	u32 queued;
	u32 held;
	bool full;
	u32 pass;
	u64 queued_bytes;
	u32 self_queued;
	u64 self_bytes;
	u64 seq;
	u64 drops;
	u64 received;
	atomic_t nr_receivers;
	atomic_t nr_senders;
	wait_queue_head_t receivers;
	wait_queue_head_t senders;
	struct list_head writers;
};

int shmipc_port_create(struct shmipc_endpoint *ep, struct shmipc_port_create *arg);
void shmipc_port_put(struct shmipc_port *port);
struct shmipc_port *shmipc_port_find(struct shmipc_region *region, u32 number);
struct shmipc_port *shmipc_port_find_slot(struct shmipc_region *region, u32 slot,
					  u32 generation);
struct shmipc_port *shmipc_port_find_name(struct shmipc_region *region, const char *name);
bool shmipc_name_char(char c);
bool shmipc_name_ok(const char *name, bool may_be_empty);
int shmipc_port_kill(struct shmipc_endpoint *ep, u32 *discarded);

/* queue.c: what happens inside a port */

u32 shmipc_queue_kill(struct shmipc_port *port);
int shmipc_port_ready(struct shmipc_port *port, u32 len);
bool shmipc_port_readable(struct shmipc_port *port);
int shmipc_port_admit(struct shmipc_port *port, u32 len);
void shmipc_port_unadmit(struct shmipc_port *port, u32 len);
void shmipc_port_pass_on(struct shmipc_port *port);
int shmipc_port_enqueue(struct shmipc_port *port, struct shmipc_msg *msg);
int shmipc_port_admit_remote(struct shmipc_port *port);
void shmipc_port_unadmit_remote(struct shmipc_port *port);
void shmipc_port_enqueue_remote(struct shmipc_port *port, struct shmipc_msg *msg);
int shmipc_port_claim(struct shmipc_port *port, u32 room, u32 flags, u32 *len,
		      struct shmipc_msg **msg);
void shmipc_port_commit(struct shmipc_port *port, struct shmipc_msg *msg);
void shmipc_port_putback(struct shmipc_port *port, struct shmipc_msg *msg);

/* endpoint.c: open files */

/**
 * struct shmipc_lost - messages of one endpoint that a peer's resets took
 * @untold: since ECONNRESET was last returned
 * @fresh: since the last event record
 */
struct shmipc_lost {
	atomic_t untold;
	atomic_t fresh;
};

/**
 * struct shmipc_dest - where an endpoint is connected to
 * @peer: peer id, SHMIPC_PEER_ANY if not connected
 * @number: port
 * @generation: pinned
 * @port: own peer's ports: the port, with a reference
 * @node: in port->writers or link->writers
 */
struct shmipc_dest {
	u32 peer;
	u32 number;
	u32 generation;
	struct shmipc_port *port;
	struct list_head node;
};

/**
 * struct shmipc_endpoint - an open file
 * @region: the file holds a reference
 * @id: never reused within an epoch
 * @readable: opened for reading
 * @writable: opened for writing
 * @ref: the file, and whoever found it by id
 * @lock: mutex, covers what binds this endpoint to others: @port, @dest
 * @port: own port; read under RCU by the data path
 * @port_lost: it was destroyed: RECV fails at once, so poll says IN
 * @dest: connected destination
 * @short_of: bytes of the last SEND to @dest that got EAGAIN; OUT means that
 *	much room
 * @wq: poll and EVENTS waiters
 * @stream: a large message of this endpoint is still being sent for it
 * @lost: by peer; NULL until the first send to another peer, then never changes
 * @event_lock: covers all below but @watches; taken with interrupts off
 * @event_mask: as set by EVENT_MASK
 * @events: struct shmipc_event_node, oldest first
 * @nr_events: of them, those that no WATCH asked for
 * @overrun: the OVERRUN record at the end of @events, if there is one
 * @nr_overrun: lost events for which there was no memory to say so yet
 * @watches: under region->watch_lock
 * @nr_watches: waiting, and answered but not read; so that an answer always
 *	has its place
 * @bells: bound to eventfds; under @lock
 */
struct shmipc_endpoint {
	struct shmipc_region *region;
	u64 id;
	bool readable;
	bool writable;
	refcount_t ref;
	struct mutex lock;	/* covers port, dest */
	struct shmipc_port __rcu *port;
	bool port_lost;
	struct shmipc_dest dest;
	u32 short_of;
	wait_queue_head_t wq;
	atomic_t stream;
	struct shmipc_lost *lost;

	spinlock_t event_lock;	/* covers what follows but watches */
	u32 event_mask;
	struct list_head events;
	u32 nr_events;
	struct shmipc_event_node *overrun;
	u64 nr_overrun;
	struct list_head watches;
	u32 nr_watches;
	struct list_head bells;
};

struct shmipc_endpoint *shmipc_endpoint_open(struct shmipc_region *region, fmode_t mode);
void shmipc_endpoint_close(struct shmipc_endpoint *ep);
void shmipc_endpoint_put(struct shmipc_endpoint *ep);
struct shmipc_endpoint *shmipc_endpoint_find(struct shmipc_region *region, u64 id);
struct shmipc_port *shmipc_endpoint_port(struct shmipc_endpoint *ep);
u32 shmipc_endpoint_port_number(struct shmipc_endpoint *ep);
int shmipc_endpoint_peer_error(u32 state);
int shmipc_endpoint_connect(struct shmipc_endpoint *ep, struct shmipc_connect *arg);
void shmipc_endpoint_disconnect(struct shmipc_endpoint *ep);
__poll_t shmipc_endpoint_poll(struct shmipc_endpoint *ep, struct file *file,
			      struct poll_table_struct *wait);
void shmipc_endpoint_wake_writers(struct list_head *writers);
void shmipc_endpoint_gone(struct shmipc_region *region);

/* send.c: one way down */

/**
 * struct shmipc_sending - a message between its checks and its departure
 * @ep: who
 * @wait: how long
 * @msg: its payload; filled by the caller between prepare and commit
 * @port: own peer: destination, with a reference
 * @admitted: it holds its place in the window of @port
 * @len: payload bytes
 * @peer: another peer: which
 * @number: its port
 * @generation: of it, 0 for any
 * @connected: it goes to the connected destination
 * @confirm: it is done when the other side has received it
 */
struct shmipc_sending {
	struct shmipc_endpoint *ep;
	struct shmipc_wait wait;
	struct shmipc_msg *msg;
	struct shmipc_port *port;
	bool admitted;
	u32 len;
	u32 peer;
	u32 number;
	u32 generation;
	bool connected;
	bool confirm;
};

#define SHMIPC_SEND_FLAGS	(SHMIPC_SEND_NOWAIT | SHMIPC_SEND_CONFIRM)

int shmipc_send_prepare(struct shmipc_endpoint *ep, const struct shmipc_send *arg,
			struct shmipc_sending *snd);
int shmipc_send_commit(struct shmipc_sending *snd, u32 *state);
void shmipc_send_cancel(struct shmipc_sending *snd);
bool shmipc_send_ready(struct shmipc_endpoint *ep);

/* Who waits for a peer looks for itself after this long, then doubles it */
#define SHMIPC_RESCAN_MIN_MS	10U
#define SHMIPC_RESCAN_MAX_MS	1000U

/* confirm.c: has it been received? */

int shmipc_confirm(struct shmipc_sending *snd, struct shmipc_link *link, u32 *state);

/* recv.c: one way up */

#define SHMIPC_RECV_FLAGS	(SHMIPC_RECV_NOWAIT | SHMIPC_RECV_PEEK | SHMIPC_RECV_DISCARD)

/**
 * struct shmipc_receiving - a message between queue and user
 * @port: where from, with a reference
 * @msg: claimed, or (@peek) shared
 * @peek: it stays in the queue
 */
struct shmipc_receiving {
	struct shmipc_port *port;
	struct shmipc_msg *msg;
	bool peek;
};

int shmipc_recv_claim(struct shmipc_endpoint *ep, struct shmipc_recv *arg,
		      const struct shmipc_wait *wait, struct shmipc_receiving *rcv);
void shmipc_recv_commit(struct shmipc_receiving *rcv);
void shmipc_recv_cancel(struct shmipc_receiving *rcv);

/* event.c: records that wait to be read */

/**
 * struct shmipc_event_node - an event record
 * @node: in ep->events
 * @event: what is read
 * @watch: it is the first member of a struct shmipc_watching, counted there
 */
struct shmipc_event_node {
	struct list_head node;
	struct shmipc_event event;
	bool watch;
};

int shmipc_event_mask(struct shmipc_endpoint *ep, struct shmipc_event_mask *arg);
void shmipc_event_post_node(struct shmipc_endpoint *ep, struct shmipc_event_node *node);
int shmipc_event_claim(struct shmipc_endpoint *ep, const struct shmipc_wait *wait, u32 nr,
		       struct list_head *claimed);
void shmipc_event_commit(struct shmipc_endpoint *ep, struct list_head *claimed);
void shmipc_event_putback(struct shmipc_endpoint *ep, struct list_head *claimed);
bool shmipc_event_pending(struct shmipc_endpoint *ep);
bool shmipc_event_reader(struct shmipc_endpoint *ep);
void shmipc_event_peer(struct shmipc_region *region, u32 peer, u32 kind);
void shmipc_event_doorbell(struct shmipc_region *region, u32 peer, u32 vector, u32 count);
void shmipc_event_release(struct shmipc_endpoint *ep);

/* watch.c: one-shot questions */

int shmipc_watch(struct shmipc_endpoint *ep, struct shmipc_watch *arg);
void shmipc_watch_peer_gone(struct shmipc_region *region, u32 peer);
void shmipc_watch_port_gone(struct shmipc_region *region, u32 peer, u32 port, u32 generation);
void shmipc_watch_endpoint_gone(struct shmipc_region *region, u64 endpoint);
void shmipc_watch_name_here(struct shmipc_region *region, u32 peer,
			    const struct shmipc_core_port *port);
/* The tables of @peer may have changed. Any context; region->wq does the work */
void shmipc_watch_recheck(struct shmipc_region *region, u32 peer);
void shmipc_watch_release(struct shmipc_endpoint *ep);
/* Called by region.c: before anything else can see the region; once @gone is set */
void shmipc_watch_init(struct shmipc_region *region);
void shmipc_watch_stop(struct shmipc_region *region);
/* Somebody began (true) or ceased to need the peers' tables */
void shmipc_watch_tables(struct shmipc_region *region, bool on);

/* notify.c: raw doorbells */

int shmipc_notify(struct shmipc_endpoint *ep, struct shmipc_notify *arg);
int shmipc_notify_eventfd(struct shmipc_endpoint *ep, struct shmipc_eventfd *arg);
void shmipc_notify_met(struct shmipc_link *link, u32 epoch, const u32 counts[SHMIPC_VECTORS]);
void shmipc_notify_rang(struct shmipc_link *link);
void shmipc_notify_release(struct shmipc_endpoint *ep);

/* table.c: what there is */

int shmipc_table_info(struct shmipc_endpoint *ep, struct shmipc_info *arg);
void shmipc_table_peer(struct shmipc_region *region, u32 peer, struct shmipc_peer_info *row);
u32 shmipc_table_ports(struct shmipc_region *region, u32 peer, struct shmipc_port_info *rows,
		       u32 nr);
int shmipc_table_lookup(struct shmipc_region *region, u32 peer, const char *name, bool first,
			struct shmipc_lookup *out);
int shmipc_table_lookup_wait(struct shmipc_endpoint *ep, struct shmipc_lookup *arg,
			     const struct shmipc_wait *wait);

#include "region.h"

#endif /* SHMIPC_H */
