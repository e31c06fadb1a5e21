/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sections in plain memory and an engine for each of their owners. A doorbell is a
 * flag; world_run() services whoever was rung until nobody is. Everything
 * happens on one thread, so a test decides the order of all steps.
 */
#ifndef SELFTESTS_CORE_WORLD_H
#define SELFTESTS_CORE_WORLD_H

#include <pthread.h>
#include "engine.h"

#define WORLD_PEERS	8
#define WORLD_MESSAGES	1024

struct message {
	struct shmipc_core_rx rx;
	u8 *data;
	u32 have, room;
	bool queued;
	bool aborted;
};

struct peer {
	struct world *world;
	u32 slot;
	u8 *section;
	void *mem;
	struct shmipc_core *core;
	pthread_mutex_t locks[WORLD_PEERS];
	bool rung[WORLD_PEERS];		/* by whom */
	u32 rings;			/* how often */
	u32 events[WORLD_PEERS];	/* since the test cleared them */
	u32 down_state[WORLD_PEERS];	/* when DOWN was told */
	u32 flags[WORLD_PEERS];		/* of the latest service */
	struct message *inbox[WORLD_MESSAGES];
	u32 received;
	u32 live;			/* messages neither queued nor aborted */
	u32 opens, datas;

	/* what the receiver does */
	int fail_open;			/* errno, once for each count */
	u32 fail_open_count;
	u32 fail_data_count;
	void (*in_data)(struct peer *peer);	/* a hook in the midst of a copy */
	void (*in_copy)(struct peer *peer);
	u32 random;			/* ops->random gives it; 0: none */
	bool no_locks;
};

struct world {
	struct shmipc_geometry geo;
	u32 n;
	struct peer peers[WORLD_PEERS];
};

extern const struct shmipc_core_ops world_ops;

struct world *world_new(u64 size, u32 n);	/* attached and linked */
struct world *world_raw(u64 size, u32 n);	/* not attached */
void world_free(struct world *w);
void world_run(struct world *w);
void world_ring(struct world *w, u32 from, u32 to);
u32 world_service(struct world *w, u32 slot, u32 peer, u32 budget);
void world_reboot(struct world *w, u32 slot);	/* loses all private memory */
bool world_up(struct world *w);

/* Ports, messages */
struct shmipc_core_port world_port(struct world *w, u32 slot, u32 port, u32 depth, u32 window,
				   u32 max_size, u32 flags);
void world_withdraw(struct world *w, u32 slot, u32 table_slot);
struct shmipc_core_tx world_tx(const struct shmipc_core_port *port, u32 len, u32 seed);
int world_push(struct world *w, u32 from, u32 to, struct shmipc_core_tx *tx);	/* one record */
int world_send(struct world *w, u32 from, u32 to, const struct shmipc_core_port *port, u32 len,
	       u32 seed);	/* all of it, running the world while the lane is full */
void world_consume(struct world *w, u32 slot, u32 index);
void world_consume_all(struct world *w, u32 slot);
void world_lock(struct world *w, u32 slot, u32 peer);
void world_unlock(struct world *w, u32 slot, u32 peer);
void world_arm(struct world *w, u32 slot, u32 peer, u32 bits);
bool world_broken(struct world *w, u32 slot, u32 peer);	/* and reported so */
bool world_intact(const struct message *m, u32 seed);
u8 pattern(u32 seed, u32 i);

/* A record as a liar writes it, where his next one is due */
struct forged {
	u32 granules, len, slot, kind, level, generation, result;
};

void world_forge(struct world *w, u32 from, u32 to, const struct forged *f);
struct forged world_honest(struct world *w, const struct shmipc_core_port *port, u32 len);

static inline struct shmipc_link *world_link(struct world *w, u32 slot, u32 peer)
{
	return shmipc_link_of(w->peers[slot].core, peer);
}

/* Shared memory, from the point of view of whoever may scribble there */
static inline struct shmipc_wire_block *world_block(struct world *w, u32 owner, u32 peer)
{
	return (void *)(w->peers[owner].section + shmipc_geometry_block(&w->geo, owner, peer));
}

static inline u8 *world_lane(struct world *w, u32 owner, u32 peer)
{
	return w->peers[owner].section + shmipc_geometry_lane(&w->geo, owner, peer);
}

static inline struct shmipc_wire_header *world_header(struct world *w, u32 owner)
{
	return (void *)w->peers[owner].section;
}

static inline struct shmipc_wire_port *world_table(struct world *w, u32 owner)
{
	return (void *)(w->peers[owner].section + w->geo.table);
}

#define FOR_EACH_SIZE(i)	for ((i) = 0; (i) < 5; (i)++)
extern const struct world_size { u64 size; u32 peers; } world_sizes[5];

#endif /* SELFTESTS_CORE_WORLD_H */
