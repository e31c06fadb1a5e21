/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shmipc-server: gives the members of one shared memory the memory, an id and
 * everybody's doorbells, in the way QEMU's ivshmem-doorbell asks for them.
 *
 * One process, one thread, one epoll loop; nothing in it waits for a client. Each
 * file owns one thing, and keeps its state to itself:
 *
 *   memory.c     the shared memory		region.c   what is written in it
 *   bells.c      eventfds			clients.c  who is connected
 *   protocol.c   what a client is told		queue.c    and has not read yet
 *   listener.c   the socket			control.c  the status, as JSON
 *   loop.c       events, the clock, signals	daemon.c   process, pid file, user's limits
 *   ids.c        those of --classic
 *   systemd.c    what outlives the process	restore.c  and is picked up again
 *
 * Vocabulary: a *slot* is a place for a client, and in the default mode its id; a
 * *bell* is the eventfd of one vector of one slot.
 */
#ifndef SHMIPC_SERVER_H
#define SHMIPC_SERVER_H

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <linux/shmipc_wire.h>

#include "platform.h"
#include "divide.h"

#ifndef __printf
#define __printf(format, first)	__attribute__((	\
	__format__(__printf__, format, first)))
#endif
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#define SERVER_BELLS_MAX	512	/* KVM's limit of ioeventfds; QEMU aborts above it */

/* ---- options.c ---- */

struct options {
	const char *name;
	const char *socket;
	const char *control;
	const char *pidfile;
	const char *shm;	/* -M */
	const char *path;	/* -m */
	const char *group;
	const char *status;	/* print the status found there, and end */
	mode_t mode;
	u64 size;
	u32 peers;
	u32 vectors;
	u32 timeout;		/* seconds that a client may leave what it is told unread */
	bool verbose;
	bool foreground;
	bool classic;
	bool hugepages;
};

extern struct options options;

/* Fills in options. Ends the process for --help, --version and what is wrong */
void options_parse(int argc, char **argv);

/* ---- log.c ---- */

void log_to_syslog(const char *name);
void __printf(1, 2) note(const char *format, ...);
/* Only with --verbose */
void __printf(1, 2) detail(const char *format, ...);
/* Some of these a second; the next one then says how many were left out */
void __printf(1, 2) note_limited(const char *format, ...);

/* ---- memory.c ---- */

struct memory {
	int fd;
	u64 size;
	void *map;
	const char *kind;
	bool sealed;
};

extern struct memory memory;

/* As the options say. 0, or -1 after a note */
int memory_create(void);
/* What an earlier server made */
int memory_adopt(int fd);
/* To have another instead */
void memory_forget(void);

/* ---- region.c ---- */

/* What a client says of itself in its section: copied, checked, printable */
struct region_peer {
	u32 epoch;		/* 0: not attached */
	u32 vectors;
	char name[4 * SHMIPC_WIRE_NAME + 1];
};

/* Divide memory, or adopt how it is divided. 0, or -1 after a note */
int region_open(void);
/* As it is, whatever the options say: these are changed. 0 or -1 */
int region_adopt(void);
/* Is it divided for a server that hands out slots? Otherwise peers claim them */
bool region_served(void);
u32 region_peers(void);
u64 region_section_size(void);
void region_join(u32 slot);
/* Take the section down and forget the client. Then ring everybody */
void region_leave(u32 slot);
/* Is there anything in that slot that somebody left behind? */
bool region_occupied(u32 slot);
void region_server(bool on);
void region_beat(void);
/* The peer with this id; which section that is, is a question of region_served() */
void region_peer(u32 id, struct region_peer *peer);

/* ---- bells.c ---- */

struct bells {
	u32 id;
	u32 users;
	u32 count;
	int fd[];
};

/* Without eventfds, but with room for them; as next */
struct bells *bells_alloc(u32 id, u32 room);
/* NULL after a note */
struct bells *bells_new(u32 id, u32 count);
struct bells *bells_get(struct bells *bells);
void bells_put(struct bells *bells);
/* Neither waits, whatever other holders do with the eventfd */
void bells_ring(const struct bells *bells);
void bells_drain(const struct bells *bells);

/* ---- queue.c ---- */

/* Messages to a client that its socket had no room for yet */
struct queue {
	struct queue_entry *entries;
	u32 first;
	u32 end;
	u32 room;
};

/*
 * Each message is a number and at most one descriptor. @bells, if not NULL, is what
 * keeps @fd open until it is sent. False: too many, or no memory
 */
bool queue_add(struct queue *queue, int64_t value, int fd, struct bells *bells);
/*
 * All but the last @but. 0: sent; 1: no room in the socket; 2: no room for descriptors
 * in flight; or -errno
 */
int queue_flush(struct queue *queue, int sock, u32 but, bool *progress);
void queue_clear(struct queue *queue);

static inline u32 queue_length(const struct queue *queue)
{
	return queue->end - queue->first;
}

/* ---- loop.c ---- */

/* Who wants to know about a descriptor */
struct watch {
	int fd;
	void (*ready)(struct watch *watch, u32 events);
};

int loop_init(void);
int loop_watch(struct watch *watch, int fd, u32 events);
void loop_change(struct watch *watch, u32 events);
void loop_unwatch(struct watch *watch);
/* Until a signal says so */
void loop_run(void);
u64 now_ms(void);

#define LOOP_TICK_MS	500	/* the roster promises a beat every second */

/* ---- clients.c ---- */

struct client {
	struct watch watch;	/* fd -1: nobody */
	u32 slot;
	u32 id;			/* the slot, unless --classic */
	struct bells *bells;
	struct queue queue;
	const char *doomed;	/* why it is to be dropped */
	u64 since;		/* ms */
	u64 stuck;		/* since when it has read nothing, or 0 */
	u32 heard;		/* bytes that it sent since the last tick */
	u32 events;		/* what is watched */
	struct region_peer peer;	/* the last one of its that was attached */
	bool kept;		/* systemd has it, if there is one */
	struct ucred who;
};

extern struct client clients[SHMIPC_WIRE_PEERS_MAX];

/* The connected one behind this one, or the first */
struct client *client_next(struct client *client);

#define for_each_client(client)	\
	for ((client) = client_next(NULL); (client); (client) = client_next(client))

void clients_init(void);
/* Of all slots. 0, or -1 after a note */
int clients_make_bells(void);
u32 clients_connected(void);
u64 clients_joined(void);
u64 clients_refused(void);
/* Takes over the descriptor */
void clients_join(int fd);
/*
 * One that an earlier server joined; with --classic, and its bells, which are taken over
 * in any case. 0, or -1: the descriptor is still the caller's
 */
int clients_adopt(int fd, u32 id, struct bells *bells);
/* systemd is about to forget it: have the next tick hand it over once more */
void clients_keep_again(u32 id);
/* Send what is queued, as far as there is room */
void client_flush(struct client *client);
/* It will be dropped before the next event is looked at */
void client_doom(struct client *client, const char *why);
void clients_sweep(void);
void clients_tick(void);
/* Of slot, in the default mode */
struct bells *clients_bells(u32 slot);
void clients_set_bells(u32 slot, struct bells *bells);

/* ---- ids.c ---- */

/* 0, or -1 after a note */
int ids_init(void);
u32 ids_next(void);

/* ---- protocol.c ---- */

/* What a new client is told, and, with --classic, the others about it */
void protocol_welcome(struct client *client);
/* One that had been connected is gone */
void protocol_farewell(struct client *client);
/* The same for one that is known by its number only; with --classic */
void protocol_gone(u32 id);
/* Ring everybody but one */
void protocol_ring(const struct client *but);

/* ---- listener.c ---- */

/* A socket at @path that nobody else listens on, or -1 after a note */
int listener_bind(const char *path, struct stat *made);
void listener_unbind(struct watch *watch, const char *path, const struct stat *made);
/* -1: nobody, or it had to be turned away */
int listener_accept(int fd);
int listener_connect(const char *path);
/* What systemd listens on for us, or one of our own */
int listener_open(void);
void listener_close(void);

/* ---- control.c ---- */

int control_open(void);
void control_close(void);
/* Print what the server at @path says: an exit status */
int control_print(const char *path);

/* ---- systemd.c ---- */

enum systemd_kind {
	SYSTEMD_OTHER,
	SYSTEMD_LISTENER,
	SYSTEMD_MEMORY,
	SYSTEMD_BELL,
	SYSTEMD_CLIENT,
	SYSTEMD_IDS,
};

/* A descriptor that was passed to us and is not in use yet */
struct systemd_fd {
	enum systemd_kind kind;
	int fd;
	u32 id;
	u32 vector;
};

void systemd_init(void);
struct systemd_fd *systemd_find(enum systemd_kind kind, u32 id, u32 vector);
struct systemd_fd *systemd_next(enum systemd_kind kind);
int systemd_take(struct systemd_fd *fd);
/* Close it, have it forgotten */
void systemd_drop(struct systemd_fd *fd);
void systemd_finish(void);
/* True: it has it, or there is none to keep anything */
bool systemd_keep(enum systemd_kind kind, u32 id, u32 vector, int fd);
void systemd_keep_bells(const struct bells *bells);
void systemd_forget(enum systemd_kind kind, u32 id, u32 vector);
void systemd_say(const char *text);

/* ---- restore.c ---- */

/* Memory and bells, if there are any: 0, or -1: make others */
int restore_memory(void);
void restore_clients(void);

/* ---- daemon.c ---- */

/* As many descriptors as the user may have */
void daemon_limits(void);
/* In the background, if so wished: returns in the child */
int daemon_start(void);
/* Everything works: the one who started us may go on */
int daemon_ready(void);
void daemon_end(void);

#endif /* SHMIPC_SERVER_H */
