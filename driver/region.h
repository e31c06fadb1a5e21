/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shmipc: the lower half: regions, links, formats, transports. Included by shmipc.h,
 * which explains objects and locks.
 */
#ifndef SHMIPC_REGION_H
#define SHMIPC_REGION_H

/* region.c: a region and its device node */

struct shmipc_link;
struct shmipc_stream;

/**
 * struct shmipc_transport_ops - what a transport does for a region
 * @transport: SHMIPC_TRANSPORT_*
 * @name: the same for sysfs
 * @start: doorbells may kick the region's links from now on; may fail
 * @stop: and no longer; a kick that is under way may still end
 * @lossy: a ring may be lost
 * @held: is our section still ours? NULL: it always is. Any context; before it is
 *	written into
 * @lost: what we wrote is not there any more: leave, and come back if you can. Any
 *	context; NULL: cannot
 * @beat: a polling region looks: tell whom it concerns that we live; may be NULL
 * @peer_state: what @peer has published as its state, where a hypervisor or the like
 *	keeps a table of them; 0: it is not there. NULL: there is no table. Any context
 * @ring: ring @peer if that can be, and count it in its link's @rings. Called with no
 *	lock held, in any context, between @start and the end of
 *	shmipc_region_remove(). @nested: from within the servicing of a
 *	link: must not service the peer synchronously
 */
struct shmipc_transport_ops {
	u32 transport;
	const char *name;
	int (*start)(struct shmipc_region *region);
	void (*stop)(struct shmipc_region *region);
	void (*ring)(struct shmipc_region *region, u32 peer, bool nested);
	u32 (*peer_state)(struct shmipc_region *region, u32 peer);
	bool lossy;
	bool (*held)(struct shmipc_region *region);
	void (*lost)(struct shmipc_region *region);
	void (*beat)(struct shmipc_region *region);
};

/**
 * struct shmipc_region_config - what a transport knows when it adds a region
 * @ops: its functions
 * @priv: for them
 * @parent: the device it was probed for
 * @doorbell: SHMIPC_DOORBELL_*
 * @memory: SHMIPC_MEMORY_*
 * @vectors: interrupt vectors in use
 * @doorbell_id: what others ring us with, if they need to know
 * @uuid: 16 bytes: of our machine and device, or NULL
 * @peer: our peer id
 * @peers: N
 * @section_bytes: SZ
 * @sections: N sections; ours is written, the others are read only. Valid until
 *	shmipc_region_remove() returns
 * @name: from local configuration, or NULL for what the parameter "names" says
 * @machines: peers are other machines: without a name they see that of ours
 * @any_format: a peer's id is its doorbell's, so that formats other than native, which
 *	cannot say what to ring them with, are possible
 * @table: state table, or NULL; for shmipc dump, as @rw
 * @table_bytes: of it
 * @rw: R/W section, or NULL
 * @rw_bytes: of it
 */
struct shmipc_region_config {
	const struct shmipc_transport_ops *ops;
	void *priv;
	struct device *parent;
	u32 doorbell;
	u32 memory;
	u32 vectors;
	u32 doorbell_id;
	const u8 *uuid;
	u32 peer;
	u32 peers;
	u64 section_bytes;
	void * const *sections;
	const char *name;
	bool machines;
	bool any_format;
	const void *table;
	u64 table_bytes;
	const void *rw;
	u64 rw_bytes;
};

#define SHMIPC_WATCH_BITS	10
#define SHMIPC_PEERS_MAX	64
#define SHMIPC_GRANULE		64	/* unit of the byte windows of other peers */

/**
 * struct shmipc_polling - see polling.c
 * @task: the thread, or NULL
 * @wq: it sleeps here
 * @poked: somebody expects something
 * @napping: the thread's pauses are long
 */
struct shmipc_polling {
	struct task_struct *task;
	wait_queue_head_t wq;
	int poked;
	bool napping;
};

/**
 * struct shmipc_region - one attachment to a region of shared memory
 * @dev: /dev/shmipcN; its release frees the region
 * @cdev: likewise
 * @minor: N
 * @cfg: copy of the transport's configuration (@sections not kept)
 * @name: of the node, from local configuration, or ""
 * @shown: what peers see
 * @fmt: format
 * @sections: N, as @cfg had them; the array is freed with the region
 * @core: native: the engine; freed with the region
 * @message: message: what that format knows; freed with the region
 * @epoch: for INFO and endpoint ids
 * @state: what the transport is to publish of us, where it can; not 0
 * @gone: set once by shmipc_region_remove(). Read by everybody: before sleeping,
 *	after waking, and under ports_lock or link->lock before touching the
 *	format, which removal passes through after setting it
 * @links: N; our own entry is unused
 * @ports_lock: covers creating and destroying ports, the published table and
 *	@next_generation
 * @ports: number -> port; read under RCU
 * @slots: published slot -> port; read under RCU
 * @nr_slots: S
 * @publishing: a port is visible to peers and may not be in @slots yet
 * @next_generation: for the next port
 * @next_port: where the search for a free number begins; ports_lock
 * @next_endpoint: for the next endpoint
 * @table_wq: LOOKUP waiters; woken when any port table may have changed
 * @table_watchers: LOOKUP waiters and watches that need foreign tables; under
 *	@watch_lock
 * @watch_lock: covers @watches, every ep->watches and the walks over @endpoints;
 *	taken with interrupts off
 * @endpoints: low half of its id -> open endpoint; erased under @watch_lock
 * @watches: by what they wait for
 * @bells: bound to eventfds; changed under @watch_lock, read under RCU
 * @recheck: looks at the watches that peers' tables may have answered
 * @recheck_peers: for it
 * @listeners: who waits for news of peers
 * @patrol: looks after peers for them
 * @verify: what we wrote is not there any more
 * @polling: where no doorbell works
 * @wq: a workqueue of this region's own: links, streams
 */
struct shmipc_region {
	struct device dev;
	struct cdev cdev;
	int minor;
	struct shmipc_region_config cfg;
	char name[SHMIPC_NAME_MAX];
	char shown[SHMIPC_NAME_MAX];
	const struct shmipc_format_ops *fmt;
	void **sections;
	struct shmipc_core *core;
	struct shmipc_message_format *message;
	u64 epoch;
	u32 state;
	bool gone;
	struct shmipc_link *links;

	struct mutex ports_lock;	/* covers which ports there are */
	struct xarray ports;
	struct shmipc_port __rcu **slots;
	u32 nr_slots;
	bool publishing;
	u32 next_generation;
	u32 next_port;
	atomic64_t next_endpoint;

	wait_queue_head_t table_wq;
	u32 table_watchers;
	spinlock_t watch_lock;	/* covers watches, walks over endpoints */
	struct xarray endpoints;
	DECLARE_HASHTABLE(watches, SHMIPC_WATCH_BITS);
	struct list_head bells;
	struct work_struct recheck;
	DECLARE_BITMAP(recheck_peers, SHMIPC_PEERS_MAX);

	atomic_t listeners;
	struct delayed_work patrol;
	struct work_struct verify;
	struct shmipc_polling polling;

	struct workqueue_struct *wq;
};

#define to_shmipc_region(d)	container_of(d, struct shmipc_region, dev)

struct shmipc_region *shmipc_region_add(const struct shmipc_region_config *cfg);
void shmipc_region_remove(struct shmipc_region *region);
/* Look at all peers, have all look at us: after a suspend; process context */
void shmipc_region_look(struct shmipc_region *region);
/*
 * An interrupt came that the peers of a mask may have caused; @states: or a change in
 * the state table has. Any context, inside rcu_read_lock(), no lock held
 */
void shmipc_region_rang(struct shmipc_region *region, u64 peers, bool states);
/* Look at all links; any context, inside rcu_read_lock(), no lock held */
void shmipc_region_kick(struct shmipc_region *region);
/* Ring the peers of a mask; no lock held */
void shmipc_region_ring(struct shmipc_region *region, u64 peers);
/* The doorbell became another after shmipc_region_add(); process context, one at a time */
void shmipc_region_set_doorbell(struct shmipc_region *region, u32 doorbell, u32 vectors);
int shmipc_region_init(void);
void shmipc_region_exit(void);

static inline bool shmipc_region_gone(const struct shmipc_region *region)
{
	return READ_ONCE(region->gone);
}

/* A peer id as user space says it: SELF resolved. Our own id for SELF */
static inline u32 shmipc_region_peer(const struct shmipc_region *region, u32 peer)
{
	return peer == SHMIPC_PEER_SELF ? region->cfg.peer : peer;
}

/* Is our section still ours? Before it is written into */
static inline bool shmipc_region_held(struct shmipc_region *region)
{
	return !region->cfg.ops->held || region->cfg.ops->held(region);
}

/* dump.c: the memory itself, for its owner to look at */

int shmipc_dump_add(struct shmipc_region *region);
void shmipc_dump_remove(struct shmipc_region *region);

/* polling.c: where no doorbell works */

int shmipc_polling_start(struct shmipc_region *region);
void shmipc_polling_stop(struct shmipc_region *region);
void shmipc_polling_poke(struct shmipc_region *region);
void shmipc_polling_expect(struct shmipc_region *region);

/* patrol.c: looking after peers for those who only listen */

void shmipc_patrol_init(struct shmipc_region *region);
void shmipc_patrol_stop(struct shmipc_region *region);
void shmipc_patrol_listen(struct shmipc_region *region);
void shmipc_patrol_ignore(struct shmipc_region *region);
void shmipc_patrol_verify(struct shmipc_region *region);

/* link.c: what joins us with one other peer, whatever the format */

/**
 * struct shmipc_link - one other peer
 * @region: of which this is a part
 * @peer: its id
 * @lock: covers the format's sending side and credit, @writers, @flights,
 *	@streams and @probed; taken with interrupts off: doorbells may be serviced
 *	in interrupts
 * @lock_flags: of the holder
 * @pending: SHMIPC_LINK_IDLE, _BUSY, _AGAIN; who finds it idle is the servicer
 * @may_sleep: the servicer may (it is the worker); servicer's
 * @work: services in process context: more to do, nested rings, no memory
 * @retry_ms: until the next try after no memory; servicer's
 * @broken: relink at @relink_at (jiffies); servicer's
 * @relink_ms: between two relinks; servicer's
 * @relink_at: likewise
 * @probed: when a sign of life was asked for (ns), 0: not, or it came
 * @stall: it did not come: the servicer shall give the peer up
 * @wq: blocked senders, connecting; woken by every change of the link
 * @writers: endpoints connected to ports of this peer
 * @flights: of each of its slots; NULL until somebody sends there, then fixed
 * @flight_arrays: how many of them hold memory of their own
 * @flight_sweep: so many that it is time to look for those of closed ports
 * @streams: large messages of non-blocking senders
 * @stream_ms: until the worker looks after them itself; worker's
 * @stream_since: they have made no progress since (jiffies); worker's
 * @rering_ms: until we ring once more if the peer has not read what we wrote; worker's
 * @restart: the servicer shall restart it: what we wrote is not there any more
 * @activity: changes when the peer has something for us; servicer's
 * @rings: doorbells rung
 * @bells: what the peer's bells had counted at the last look; servicer's
 * @bell_epoch: the peer's, to which they belong; servicer's
 */
struct shmipc_link {
	struct shmipc_region *region;
	u32 peer;
	spinlock_t lock;	/* covers sending, credit, writers, flights, streams */
	unsigned long lock_flags;
	atomic_t pending;
	bool may_sleep;
	struct delayed_work work;
	unsigned int retry_ms;
	bool broken;
	unsigned int relink_ms;
	unsigned long relink_at;
	s64 probed;
	bool stall;
	bool restart;
	u32 activity;
	wait_queue_head_t wq;
	struct list_head writers;
	struct shmipc_flight *flights;
	u32 flight_arrays;
	u32 flight_sweep;
	struct list_head streams;
	unsigned int stream_ms;
	unsigned long stream_since;
	unsigned int rering_ms;
	atomic64_t rings;
	u32 bells[SHMIPC_VECTORS];
	u32 bell_epoch;
};

void shmipc_link_init(struct shmipc_region *region, u32 peer);
/* The worker will not run any more; the region is gone and RCU has passed */
void shmipc_link_stop(struct shmipc_link *link);
void shmipc_link_release(struct shmipc_link *link);
void shmipc_link_lock(struct shmipc_link *link);
void shmipc_link_unlock(struct shmipc_link *link);
/* A doorbell arrived, or something must be looked at. Any context */
void shmipc_link_kick(struct shmipc_link *link);
/* Likewise, in the worker */
void shmipc_link_kick_later(struct shmipc_link *link);
/* Likewise, after @ms at the latest if nothing else is due in the worker */
void shmipc_link_kick_after(struct shmipc_link *link, unsigned int ms);
/* Ring the peer, no lock held; services it synchronously where the transport can */
void shmipc_link_ring(struct shmipc_link *link);
/* A waiter's timer fired: look again, ring again if our lane is undrained, probe.
 * @waited_ms: how long it has waited without progress
 */
void shmipc_link_rescan(struct shmipc_link *link, unsigned int waited_ms);
/* SHMIPC_CORE_* bits from the format's servicing */
void shmipc_link_event(struct shmipc_link *link, u32 bits);
/* Sending may be possible again, or pointless; link->lock */
void shmipc_link_wake(struct shmipc_link *link);
/* NULL for an id that is no slot, and for our own */
struct shmipc_link *shmipc_link_get(struct shmipc_region *region, u32 peer);

/**
 * struct shmipc_format_ops - how messages are laid out in the sections
 * @format: SHMIPC_FORMAT_*
 * @name: the same for sysfs and the parameter format=
 * @features: SHMIPC_FEAT_*
 * @foreign: peers are not ours: they are rung when there is a message for them and at no
 *	other time, with the doorbell that their id is
 * @port: the number of the only port there is, 0: any
 *
 * Errnos are those of driver/core/core.h. "locked": link->lock is held. All but
 * attach, detach and the single servicer's look for @gone themselves: then they
 * touch nothing and say -ENODEV, false, or nothing.
 *
 * @attach: take the sections into use; process context
 * @detach: leave; nothing of the format is in use any more
 * @service: look at one link; single servicer; SHMIPC_SERVICE_*
 * @rang: as shmipc_region_rang(), before the links are kicked; may be NULL
 * @relink: restart a broken link; single servicer
 * @state: SHMIPC_PEER_* of a link
 * @describe: fill a row of SHMIPC_PEERS
 * @port_flags: SHMIPC_PORT_* of a peer's port
 * @publish: make a port visible to peers, sets port->slot; ports_lock
 * @withdraw: and take it back; ports_lock
 * @watch_tables: want to know of changes of the peers' tables
 * @find_port: a peer's port by number
 * @read_port: a peer's port by slot
 * @find_name: a peer's port by name
 * @push: send (part of) a message; locked
 * @push_abort: give one up; locked
 * @confirmed: has what a push with tx->result said it wants an answer to been received?
 *	1, 0: not yet, or an errno: it never will; locked. Needed with FEAT_CONFIRM
 * @confirm_end: nobody waits for that any more; locked
 * @push_ready: would push make progress; locked
 * @arm: have the peer ring when that changes; locked
 * @progress: sent and consumed of one slot; locked
 * @consumed: a received message left its queue; locked; true: ring
 * @undrained: the peer has not read all we wrote
 * @probe: ask for a sign of life; locked; NULL: there is none
 * @stall: the peer did not give one; single servicer
 * @verify: is what we wrote still there?
 * @doorbell: how to ring the peer, as it says itself; false: it is absent
 * @beat: we poll, and live
 * @set_doorbell: @cfg.doorbell and @cfg.vectors changed
 * @bell: count a raw doorbell to the peer; locked; NULL: there are none
 * @bells: what those of the peer have counted, and returns its epoch; single servicer
 */
struct shmipc_format_ops {
	u32 format;
	const char *name;
	u64 features;
	bool foreign;
	u32 port;
	int (*attach)(struct shmipc_region *region);
	void (*detach)(struct shmipc_region *region);
	u32 (*service)(struct shmipc_link *link);
	void (*rang)(struct shmipc_region *region, u64 peers, bool states);
	void (*relink)(struct shmipc_link *link);
	u32 (*state)(struct shmipc_link *link);
	void (*describe)(struct shmipc_link *link, struct shmipc_peer_info *row);
	void (*describe_region)(struct shmipc_region *region, struct shmipc_info *info);
	u32 (*port_flags)(u32 flags);
	int (*publish)(struct shmipc_region *region, struct shmipc_port *port, u64 *ring);
	void (*withdraw)(struct shmipc_region *region, struct shmipc_port *port, u64 *ring);
	void (*watch_tables)(struct shmipc_region *region, bool on);
	int (*find_port)(struct shmipc_link *link, u32 number, struct shmipc_core_port *out);
	int (*read_port)(struct shmipc_link *link, u32 slot, struct shmipc_core_port *out);
	int (*find_name)(struct shmipc_link *link, const char *name, struct shmipc_core_port *out);
	int (*push)(struct shmipc_link *link, struct shmipc_core_tx *tx, bool *ring);
	void (*push_abort)(struct shmipc_link *link, struct shmipc_core_tx *tx, bool *ring);
	int (*confirmed)(struct shmipc_link *link);
	void (*confirm_end)(struct shmipc_link *link);
	int (*push_ready)(struct shmipc_link *link, const struct shmipc_core_port *port,
			  u32 level, u32 len);
	void (*arm)(struct shmipc_link *link);
	void (*progress)(struct shmipc_link *link, u32 slot, u32 *generation,
			 u32 *sent, u32 *consumed);
	bool (*consumed)(struct shmipc_link *link, struct shmipc_msg *msg);
	bool (*undrained)(struct shmipc_link *link);
	void (*probe)(struct shmipc_link *link);
	void (*stall)(struct shmipc_link *link);
	bool (*verify)(struct shmipc_region *region);
	bool (*doorbell)(struct shmipc_link *link, u32 *id, u32 *vectors);
	void (*beat)(struct shmipc_region *region);
	void (*set_doorbell)(struct shmipc_region *region);
	void (*bell)(struct shmipc_link *link, u32 vector);
	u32 (*bells)(struct shmipc_link *link, u32 counts[SHMIPC_VECTORS]);
};

extern const struct shmipc_format_ops shmipc_native;	/* native.c */
extern const struct shmipc_format_ops shmipc_message;	/* format_message.c */
extern const struct shmipc_format_ops shmipc_text;	/* likewise */
extern const struct shmipc_core_ops shmipc_native_core_ops;	/* native_core.c */
extern const struct shmipc_core_ops shmipc_native_core_ops_witness;

/* flight.c: whose messages are under way to a peer's port */

/* Make room to remember; process context, no lock. Before the first push to @port */
int shmipc_flight_prepare(struct shmipc_link *link, const struct shmipc_core_port *port);
/* The format's push, and note that the message is @endpoint's; link->lock */
int shmipc_flight_push(struct shmipc_link *link, struct shmipc_core_tx *tx, u64 endpoint,
		       bool *ring);
/* The link went down: count what each endpoint lost in ep->lost; servicer or removal */
void shmipc_flight_down(struct shmipc_link *link);
/* @delta senders more wait to send to a slot; one that was prepared */
void shmipc_flight_wait(struct shmipc_link *link, u32 slot, int delta);
u32 shmipc_flight_waiting(struct shmipc_link *link, u32 slot);
void shmipc_flight_release(struct shmipc_link *link);

/* stream.c: large messages of senders that do not wait */

/*
 * Go on for a sender that does not wait, whose @tx has begun: until the last part
 * is in the lane ep->stream is 1. 0: takes @msg over, @tx is copied. -EAGAIN (the
 * endpoint has one already), -ENOMEM: nothing is taken, the caller gives up the
 * push. No lock held
 */
int shmipc_stream_start(struct shmipc_link *link, struct shmipc_endpoint *ep,
			struct shmipc_msg *msg, const struct shmipc_core_tx *tx);
/* Go on with those of this link; worker */
void shmipc_stream_run(struct shmipc_link *link);
/* The link or the region went: drop them all */
void shmipc_stream_down(struct shmipc_link *link);

/* chardev.c: the device node; the only place that touches user memory */

extern const struct file_operations shmipc_fops;

/* main.c */

/* The parameter names= for /dev/shmipcN, or NULL */
const char *shmipc_main_name(unsigned int minor);
/* The parameter format= for the region of a device */
const struct shmipc_format_ops *shmipc_main_format(const struct device *parent);

/* loopback.c */
#if IS_ENABLED(CONFIG_SHMIPC_LOOPBACK)
int shmipc_loopback_init(void);
void shmipc_loopback_exit(void);
#else
static inline int shmipc_loopback_init(void) { return 0; }
static inline void shmipc_loopback_exit(void) { }
#endif

/* ivshmem_v2.c */
#if IS_ENABLED(CONFIG_SHMIPC_IVSHMEM_V2)
int shmipc_ivshmem_v2_init(void);
void shmipc_ivshmem_v2_exit(void);
#else
static inline int shmipc_ivshmem_v2_init(void) { return 0; }
static inline void shmipc_ivshmem_v2_exit(void) { }
#endif

/* ivshmem_v1.c */
#if IS_ENABLED(CONFIG_SHMIPC_IVSHMEM_V1)
int shmipc_ivshmem_v1_init(void);
void shmipc_ivshmem_v1_exit(void);
#else
static inline int shmipc_ivshmem_v1_init(void) { return 0; }
static inline void shmipc_ivshmem_v1_exit(void) { }
#endif

#endif /* SHMIPC_REGION_H */
