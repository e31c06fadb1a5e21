/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host peer: what shmipc.ko does for a guest, done by a process for itself. The
 * files here mirror those of driver/; below them is the same protocol engine,
 * driver/core/.
 *
 *   region    one attachment to shared memory: a slot, a service thread
 *   endpoint  what shmipc_open() gives; several of one region only for vros.c
 *
 * One lock for each region covers everything in it, the engine included: its link
 * lock and its table lock are this one. Functions without another word are called
 * with it held. Nobody sleeps with it; rings are collected and leave when it is
 * dropped. Errors are negative errnos; commands.c turns them into errno.
 *
 * Shared memory is hostile as in the kernel. The arguments are not: they are those
 * of our own process.
 */
#ifndef SHMIPC_HOST_H
#define SHMIPC_HOST_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/shmipc_wire.h>
#include "core.h"
#include "divide.h"

#include "../internal.h"

#define HOST_PEERS	SHMIPC_WIRE_PEERS_MAX
#define NS_PER_MS	INT64_C(1000000)
#define NS_PER_S	INT64_C(1000000000)
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

typedef int64_t s64;

struct host_region;
struct host_endpoint;

/* server.c: would a read or write of an eventfd not block? */
bool shmipc_host_is_ready(int fd, short events);

/* wait.c: sleepers. @seq is a futex */
struct host_wq {
	u32 seq;
	u32 sleepers;
};

/* How long a call may sleep: as struct shmipc_wait in the kernel */
struct host_wait {
	s64 deadline;
	bool nonblock;
};

s64 shmipc_host_now(void);
int shmipc_host_may_sleep(const struct host_wait *wait);
/*
 * Drop the lock, sleep until woken, @wait's deadline or @at_most ns (0: no such
 * limit), take the lock. 0: woken; 1: a timer ended it; -EINTR.
 */
int shmipc_host_sleep(struct host_region *region, struct host_wq *wq,
		      const struct host_wait *wait, s64 at_most);
void shmipc_host_wake(struct host_wq *wq);

/* msg.c, queue.c: messages and the queue of a port */

/**
 * struct host_msg - a message in private memory
 * @next: in its queue
 * @port: coming in: where it goes, with a reference
 * @slot: of another peer: index in our published table, for the credit
 * @generation: likewise
 */
struct host_msg {
	struct host_msg *next;
	struct host_port *port;
	u32 len;
	u32 type;
	u32 peer;
	u32 src_port;
	u32 priority;
	u32 flags;
	u32 slot;
	u32 generation;
	u32 pid;
	u32 uid;
	u64 endpoint;
	u64 cookie;
	u64 seq;
	u64 time;
	u64 sent_time;
	u8 data[];
};

struct host_queue {
	struct host_msg *first;
	struct host_msg **last;
};

/**
 * struct host_port - a queue that one endpoint owns
 * @ref: the region's table, senders that wait, messages that come in
 * @slot: index in the published table, or -1
 * @dead: owner let go; nothing is queued any more
 * @held: messages admitted and not yet taken: coming in, queued
 * @self_queued: of those, messages of our own peer
 */
struct host_port {
	struct host_port *next;
	u32 ref;
	struct host_endpoint *owner;
	u32 number;
	u32 generation;
	int slot;
	u32 depth;
	u32 bytes;
	u32 max_size;
	u32 flags;
	char name[SHMIPC_NAME_MAX];

	bool dead;
	struct host_queue queue[SHMIPC_PRIORITIES];
	u32 queued;
	u32 held;
	u32 self_queued;
	u64 queued_bytes;
	u64 self_bytes;
	u64 seq;
	u64 drops;
	u64 received;
	u32 waiters;
	u32 senders;
};

void shmipc_host_queue_init(struct host_port *port);
int shmipc_host_queue_check(const struct host_port *port, u32 len);
int shmipc_host_queue_admit_remote(struct host_port *port);
void shmipc_host_queue_unadmit_remote(struct host_region *region, struct host_port *port);
void shmipc_host_queue_append(struct host_port *port, struct host_msg *msg);
struct host_msg *shmipc_host_queue_first(const struct host_port *port);
void shmipc_host_queue_take(struct host_region *region, struct host_port *port,
			    struct host_msg *msg);
u32 shmipc_host_queue_kill(struct host_port *port);

/* port.c */
int shmipc_host_port_create(struct host_endpoint *ep, struct shmipc_port_create *arg);
int shmipc_host_port_kill(struct host_endpoint *ep, u32 *discarded);
struct host_port *shmipc_host_port_find(struct host_region *region, u32 number);
struct host_port *shmipc_host_port_named(struct host_region *region, const char *name);
void shmipc_host_port_put(struct host_port *port);
bool shmipc_host_name_ok(const char *name, bool may_be_empty);

/* event.c */

/**
 * struct host_event - an event record
 * @watch: it is the first member of a struct host_watch
 */
struct host_event {
	struct host_event *next;
	struct shmipc_event event;
	bool watch;
};

struct host_watch {
	struct host_event answer;
	struct host_watch *next;
	u32 kind;
	u32 peer;
	u32 port;
	u32 generation;
	u64 endpoint;
	u64 cookie;
	char name[SHMIPC_NAME_MAX];
};

int shmipc_host_event_mask(struct host_endpoint *ep, struct shmipc_event_mask *arg);
int shmipc_host_event_read(struct host_endpoint *ep, struct shmipc_events *arg);
void shmipc_host_event_append(struct host_endpoint *ep, struct host_event *event);
void shmipc_host_event_peer(struct host_region *region, u32 peer, u32 kind);
void shmipc_host_event_doorbell(struct host_region *region, u32 peer, u32 vector, u32 count);
void shmipc_host_event_release(struct host_endpoint *ep);

/* watch.c */
int shmipc_host_watch(struct host_endpoint *ep, const struct shmipc_watch *arg);
void shmipc_host_watch_peer_gone(struct host_region *region, u32 peer);
void shmipc_host_watch_port_gone(struct host_region *region, const struct host_port *port);
void shmipc_host_watch_endpoint_gone(struct host_region *region, u64 id);
void shmipc_host_watch_name_here(struct host_region *region, u32 peer, const char *name,
				 u32 number, u32 generation);
void shmipc_host_watch_recheck(struct host_region *region, u32 peer);
/* Tell the engine whether anybody needs the tables of the peers */
void shmipc_host_watch_sync(struct host_region *region);
void shmipc_host_watch_release(struct host_endpoint *ep);

/* notify.c: raw doorbells */

/**
 * struct host_binding - a bell that is bound to an eventfd
 * @fd: our duplicate of the caller's @key
 * @peer: who rings, own id for SELF, or SHMIPC_PEER_ANY
 */
struct host_binding {
	struct host_binding *next;
	int fd;
	int key;
	u32 peer;
	u32 vector;
};

struct host_link;

int shmipc_host_notify(struct host_endpoint *ep, struct shmipc_notify *arg);
int shmipc_host_eventfd(struct host_endpoint *ep, struct shmipc_eventfd *arg);
void shmipc_host_notify_met(struct host_link *link, u32 epoch);
void shmipc_host_notify_rang(struct host_link *link);
void shmipc_host_notify_release(struct host_endpoint *ep);

/* endpoint.c */

struct host_lost {
	u32 untold;	/* since ECONNRESET was last returned */
	u32 fresh;	/* since the last event record */
};

/**
 * struct host_endpoint - what a handle of the library stands for
 * @dest_peer: connected destination, SHMIPC_PEER_ANY if none
 * @wq: threads that wait for messages or events
 * @pollfd: eventfd for shmipc_fd(), or -1; readable while @signalled
 * @stream: a large message of this endpoint is still being sent for it
 */
struct host_endpoint {
	struct host_endpoint *next;
	struct host_region *region;
	u64 id;
	bool readable;
	bool writable;
	bool nonblock;
	struct host_port *port;
	bool port_lost;
	u32 dest_peer;
	u32 dest_port;
	u32 dest_generation;
	struct host_wq wq;
	int pollfd;
	bool signalled;
	bool stream;
	struct host_lost lost[HOST_PEERS];
	u32 event_mask;
	struct host_event *events;
	struct host_event **events_last;
	struct host_event *overrun;
	u32 nr_events;
	u32 nr_watches;
	struct host_watch *watches;
	struct host_binding *bindings;
	u32 nr_bindings;
};

struct host_endpoint *shmipc_host_endpoint_new(struct host_region *region, int flags);
void shmipc_host_endpoint_free(struct host_endpoint *ep);
int shmipc_host_endpoint_connect(struct host_endpoint *ep, struct shmipc_connect *arg);
int shmipc_host_endpoint_fd(struct host_endpoint *ep);
/* What RECV and EVENTS would find has changed: pollfd, and who sleeps */
void shmipc_host_endpoint_changed(struct host_endpoint *ep);
struct host_endpoint *shmipc_host_endpoint_find(struct host_region *region, u64 id);

/* send.c, recv.c, table.c, info.c */
int shmipc_host_send(struct host_endpoint *ep, struct shmipc_send *arg);
int shmipc_host_recv(struct host_endpoint *ep, struct shmipc_recv *arg, bool nowait);
int shmipc_host_peers(struct host_endpoint *ep, struct shmipc_peers *arg);
int shmipc_host_ports(struct host_endpoint *ep, struct shmipc_ports *arg);
int shmipc_host_lookup(struct host_endpoint *ep, struct shmipc_lookup *arg);
int shmipc_host_find(struct host_region *region, u32 peer, const char *name, bool first,
		     struct shmipc_lookup *out);
int shmipc_host_info(struct host_endpoint *ep, struct shmipc_info *arg);

/* flight.c: whose messages are under way to a peer's port */
struct host_flight {
	u32 generation;
	u32 head;
	u32 tail;
	u32 room;
	u64 *ids;
	u32 mark[SHMIPC_PRIORITIES];
	u32 waiting;
};

/* stream.c: large messages of senders that do not wait */
struct host_stream {
	struct host_stream *next;
	u64 endpoint;
	struct shmipc_core_tx tx;
	u8 data[];
};

/* link.c */

/**
 * struct host_link - one other peer
 * @broken: relink at @relink_at
 * @probed: when a sign of life was asked for, 0: not, or it came
 * @joining: since when its handshake has not ended, 0: it is none
 * @belled: we rang one of its bells, and do not know whether it has looked
 * @bells: how often the peer, of @bell_epoch, had rung each of our bells
 * @flights: by slot of the peer's table
 */
struct host_link {
	struct host_region *region;
	u32 peer;
	bool broken;
	u32 relink_ms;
	s64 relink_at;
	s64 probed;
	s64 joining;
	u64 rings;
	bool belled;
	u32 bell_epoch;
	u32 bells[SHMIPC_WIRE_BELLS];
	struct host_flight *flights;
	struct host_stream *streams;
};

extern const struct shmipc_core_ops shmipc_host_core_ops;	/* native.c */

/* NULL for an id that is no slot, and for our own */
struct host_link *shmipc_host_link(struct host_region *region, u32 peer);
u32 shmipc_host_link_state(const struct host_link *link);
int shmipc_host_link_error(const struct host_link *link);
void shmipc_host_link_ring(struct host_link *link);
/* Look at the peer. SHMIPC_SERVICE_MORE, _RETRY: look again, now or later */
u32 shmipc_host_link_serve(struct host_link *link);
void shmipc_host_link_event(struct host_link *link, u32 bits);
void shmipc_host_link_rescan(struct host_link *link, u32 waited_ms);
void shmipc_host_link_probe(struct host_link *link);
/* When link_serve() is due without a doorbell; 0: not */
s64 shmipc_host_link_due(const struct host_link *link);

int shmipc_host_flight_prepare(struct host_link *link, const struct shmipc_core_port *port);
int shmipc_host_flight_push(struct host_link *link, struct shmipc_core_tx *tx, u64 endpoint);
void shmipc_host_flight_down(struct host_link *link);
void shmipc_host_flight_release(struct host_link *link);
int shmipc_host_stream_start(struct host_link *link, struct host_endpoint *ep,
			     const struct shmipc_core_tx *tx, const void *data);
void shmipc_host_stream_run(struct host_link *link);
void shmipc_host_stream_down(struct host_link *link);

/* server.c: the connection to an ivshmem server */

/**
 * struct host_bell - the eventfds of one doorbell id
 * @missed: one did not come through, so those after it are not what they seem
 */
struct host_bell {
	u32 id;
	u32 vectors;
	bool missed;
	int *fds;
};

/**
 * struct host_server - what a server told us
 * @sock: connection, -1: closed by the server, or there is none
 * @id: our doorbell id
 * @word: the message that comes in, @got bytes of it; @fd came with it, or was @missed
 * @bells: by id, ours included
 */
struct host_server {
	int sock;
	u32 id;
	u8 word[8];
	u32 got;
	int fd;
	bool missed;
	struct host_bell *bells;
	u32 nr_bells;
};

/* Connect and take the greeting; @memory: the region's descriptor */
int shmipc_host_server_join(struct host_server *server, const char *path, int *memory);
/* Read what there is, without waiting. -EBADMSG: it makes no sense; no more is read */
int shmipc_host_server_read(struct host_server *server);
struct host_bell *shmipc_host_server_bell(const struct host_server *server, u32 id);
void shmipc_host_server_leave(struct host_server *server);

/* region.c, memory.c, service.c */

/**
 * struct host_region - one attachment to a region of shared memory
 * @alive: a page that a fork() wipes: 0 means that we are a child
 * @gone: our slot is somebody else's: everything answers ENODEV
 * @wq: threads that wait for room, a link or a name
 * @ring: peers to be rung
 * @slots: published slot -> port
 * @claimed: the slot is held by @claim
 * @mark: a server gave us the slot and noted this for it, 0: no server that notes such
 * @polling: there are no doorbells
 * @vectors: of our own, as published
 * @active: when something last happened; for the polling interval
 * @nap_until: the service thread sleeps until then, 0: it does not
 * @lookups: calls that wait for a name
 */
struct host_region {
	pthread_mutex_t lock;
	u32 *alive;
	u32 endpoints_open;
	bool gone;
	struct host_wq wq;
	u64 ring;

	void *map;
	u64 bytes;
	struct shmipc_division div;
	u32 slot;
	bool claimed;
	u32 mark;
	bool polling;
	u32 vectors;
	struct shmipc_claim claim;
	struct host_server server;
	struct shmipc_core *core;
	u64 epoch;
	u32 pid;
	u32 uid;
	char name[SHMIPC_NAME_MAX];
	struct host_link links[HOST_PEERS];

	struct host_port *ports;
	struct host_port **slots;
	u32 next_generation;
	struct host_endpoint *endpoints;
	u64 next_endpoint;
	u32 lookups;
	bool tables;

	pthread_t thread;
	int kick;
	bool stop;
	s64 active;
	s64 nap_until;
	s64 beat_at;
	s64 probe_at;
};

/* @where: file:PATH, a path below /dev/shm, unix:PATH */
int shmipc_host_region_open(const char *where, struct host_region **out);
void shmipc_host_region_linger(struct host_region *region);
void shmipc_host_region_close(struct host_region *region);
/* In a child: give back what is ours without a word to anybody */
void shmipc_host_region_forget(struct host_region *region);
void shmipc_host_region_gone(struct host_region *region);
/* Is our section still ours? */
bool shmipc_host_region_held(const struct host_region *region);
/* Is what we wrote still there? If not, start all links anew, or end */
void shmipc_host_region_verify(struct host_region *region);
/* Also looks whether the section is still ours: @gone is known from here on */
void shmipc_host_lock(struct host_region *region);
void shmipc_host_unlock(struct host_region *region);
void shmipc_host_flush_rings(struct host_region *region);
void shmipc_host_ring_mask(struct host_region *region, u64 peers);

/* memory.c: from a descriptor to a region with a slot */
int shmipc_host_memory_map(struct host_region *region, int fd);
int shmipc_host_memory_divide(struct host_region *region, bool served);
int shmipc_host_memory_claim(struct host_region *region);

/* service.c */
int shmipc_host_service_start(struct host_region *region);
void shmipc_host_service_stop(struct host_region *region);
void shmipc_host_serve(struct host_region *region);
/* Something happens: a polling service thread shall look more often */
void shmipc_host_active(struct host_region *region);
/* Likewise, and what it waits for may have changed */
void shmipc_host_nudge(struct host_region *region);

#endif /* SHMIPC_HOST_H */
