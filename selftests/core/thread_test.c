// SPDX-License-Identifier: GPL-2.0
/*
 * Two sides, each with a servicer and a sender thread, both directions at once.
 * Doorbells are condition variables without timers: a lost wake-up hangs a side,
 * and that is a failure. Without restarts every message arrives once, in order;
 * with restarts (SHMIPC_TSAN_RESTARTS) they arrive at most once, in order.
 *
 * Run under TSan: private state must be covered by its lock, and, without
 * restarts, payload by commit words and rd.
 */
#include <pthread.h>
#include <time.h>
#include "test.h"
#include "world.h"

#ifndef MESSAGES
#define MESSAGES	20000
#endif

struct bell {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	u32 rung, seen;
};

struct side {
	struct world *w;
	u32 slot;
	struct bell service, sender;
	struct shmipc_core_port port;	/* the other's */
	u32 sent, got, last, lost_wakes, stop;
	u32 rnd;
};

static struct side sides[2];

#ifdef SHMIPC_TSAN_RESTARTS
static const bool restarts = true;
#else
static const bool restarts;
#endif

static void bell_ring(struct bell *b)
{
	pthread_mutex_lock(&b->lock);
	b->rung++;
	pthread_cond_broadcast(&b->cond);
	pthread_mutex_unlock(&b->lock);
}

/* false: nobody rang for a very long time */
static bool bell_wait(struct bell *b, u32 ms)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&b->lock);
	while (b->rung == b->seen && !err)
		err = pthread_cond_timedwait(&b->cond, &b->lock, &until);
	b->seen = b->rung;
	pthread_mutex_unlock(&b->lock);
	return !err;
}

static u32 next(struct side *s)
{
	s->rnd = s->rnd * 1664525 + 1013904223;
	return s->rnd >> 8;
}

static void thread_event(void *ctx, u32 peer, u32 bits)
{
	struct peer *p = ctx;

	(void)peer;
	if (bits)
		bell_ring(&sides[p->slot].sender);
}

static void thread_done(void *ctx, void *msg)
{
	struct peer *p = ctx;
	struct side *s = &sides[p->slot];
	struct message *m = msg;
	bool ring;

	/* type is the sender's number, from 1 */
	if (!world_intact(m, m->rx.type) || m->rx.type <= s->last ||
	    (!restarts && m->rx.type != s->last + 1)) {
		printf("# side %u: message %u after %u\n", s->slot, m->rx.type, s->last);
		abort();
	}
	s->last = m->rx.type;
	__atomic_fetch_add(&s->got, 1, __ATOMIC_RELAXED);
	world_lock(s->w, s->slot, m->rx.peer);
	ring = shmipc_core_consumed(p->core, m->rx.peer, m->rx.slot, m->rx.generation, m->rx.len);
	world_unlock(s->w, s->slot, m->rx.peer);
	if (ring)
		bell_ring(&sides[!s->slot].service);
	p->live--;
	free(m->data);
	free(m);
}

static void *servicer(void *arg)
{
	struct side *s = arg;
	struct shmipc_core *core = s->w->peers[s->slot].core;
	u32 turn = 0;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		u32 flags = shmipc_core_service(core, !s->slot, 16);

		if (restarts && ++turn % 400 == 0) {
			shmipc_core_relink(core, !s->slot);
			flags |= SHMIPC_SERVICE_RING;
		}
		if (flags & SHMIPC_SERVICE_RING)
			bell_ring(&sides[!s->slot].service);
		if (!(flags & SHMIPC_SERVICE_MORE) && !bell_wait(&s->service, 20000))
			__atomic_fetch_add(&s->lost_wakes, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static int push(struct side *s, struct shmipc_core_tx *tx, u32 arm)
{
	struct shmipc_core *core = s->w->peers[s->slot].core;
	bool ring = false;
	int ret;

	world_lock(s->w, s->slot, !s->slot);
	if (arm)
		shmipc_core_arm(core, !s->slot, arm);
	ret = shmipc_core_push(core, !s->slot, tx, &ring);
	world_unlock(s->w, s->slot, !s->slot);
	if (ring)
		bell_ring(&sides[!s->slot].service);
	return ret;
}

/* One message, or as much of it as gets through before a restart */
static void send_one(struct side *s, u32 number)
{
	u32 len = next(s) % 4 ? next(s) % 100 : next(s) % 3000;
	struct shmipc_core_tx tx = world_tx(&s->port, len, number);

	for (;;) {
		int ret = push(s, &tx, 0);

		if (ret == -EAGAIN || ret == -ENOBUFS)
			ret = push(s, &tx, ret == -EAGAIN ? SHMIPC_CORE_SPACE :
				   SHMIPC_CORE_CREDIT);
		if (ret == 1)
			continue;
		if (!ret || ret == -ECONNRESET)
			return;
		if (ret != -EAGAIN && ret != -ENOBUFS && ret != -ENOTCONN)
			abort();
		/* -ENOTCONN: UP will come; with restarts it may just have come */
		if (!bell_wait(&s->sender, ret == -ENOTCONN ? 10 : 20000) && ret != -ENOTCONN)
			__atomic_fetch_add(&s->lost_wakes, 1, __ATOMIC_RELAXED);
	}
}

static void *sender(void *arg)
{
	struct side *s = arg;
	u32 n;

	for (n = 1; n <= MESSAGES; n++)
		send_one(s, n);
	return NULL;
}

static void side_init(struct world *w, u32 slot)
{
	struct side *s = &sides[slot];

	memset(s, 0, sizeof(*s));
	s->w = w;
	s->slot = slot;
	s->rnd = slot + 1;
	pthread_mutex_init(&s->service.lock, NULL);
	pthread_cond_init(&s->service.cond, NULL);
	pthread_mutex_init(&s->sender.lock, NULL);
	pthread_cond_init(&s->sender.cond, NULL);
}

static bool wait_drained(void)
{
	struct timespec ms = { 0, 1000000 };
	u32 i;

	for (i = 0; i < 30000; i++) {
		if (restarts || (__atomic_load_n(&sides[0].got, __ATOMIC_RELAXED) == MESSAGES &&
				 __atomic_load_n(&sides[1].got, __ATOMIC_RELAXED) == MESSAGES))
			return true;
		nanosleep(&ms, NULL);
	}
	return false;
}

static void traffic(u64 size, u32 depth, u32 window)
{
	static struct shmipc_core_ops ops;
	struct world *w = world_new(size, 2);
	pthread_t threads[4];
	u32 i;

	ops = world_ops;
	ops.rx_done = thread_done;
	ops.event = thread_event;
	for (i = 0; i < 2; i++) {
		side_init(w, i);
		w->peers[i].core->cfg.ops = &ops;
		sides[i].port = world_port(w, !i, 1, depth, window, 4000, 0);
	}
	for (i = 0; i < 2; i++) {
		pthread_create(&threads[i], NULL, servicer, &sides[i]);
		pthread_create(&threads[2 + i], NULL, sender, &sides[i]);
	}
	pthread_join(threads[2], NULL);
	pthread_join(threads[3], NULL);
	CHECK(wait_drained());
	for (i = 0; i < 2; i++) {
		__atomic_store_n(&sides[i].stop, 1, __ATOMIC_RELAXED);
		bell_ring(&sides[i].service);
		pthread_join(threads[i], NULL);
	}
	CHECK_EQ(sides[0].lost_wakes + sides[1].lost_wakes, 0);
	CHECK(sides[0].got > MESSAGES / 100 && sides[1].got > MESSAGES / 100);
	printf("# %llu bytes: %u and %u of %u arrived\n", (unsigned long long)size, sides[0].got,
	       sides[1].got, MESSAGES);
	CHECK_EQ(world_link(w, 0, 1)->stats.errors + world_link(w, 1, 0)->stats.errors, 0);
	world_free(w);
}

TEST(traffic_4k)
{
	traffic(4096, 8, 128);
}

TEST(traffic_64k)
{
	traffic(65536, 8, 128);
}

/* Nobody waits for credit: only rd keeps the writer from what is being read */
TEST(wide_window_4k)
{
	traffic(4096, 4096, 1 << 20);
}

TEST(wide_window_64k)
{
	traffic(65536, 4096, 1 << 20);
}
