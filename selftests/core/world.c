// SPDX-License-Identifier: GPL-2.0
#include <assert.h>
#include <stdlib.h>
#include "world.h"

const struct world_size world_sizes[5] = {
	{ 4096, 2 }, { 4096, 3 }, { 8192, 3 }, { 65536, 2 }, { 1 << 20, 2 },
};

u8 pattern(u32 seed, u32 i)
{
	return (seed * 2654435761u + i * 40503u) >> 11;
}

static void op_lock(void *ctx, u32 peer)
{
	struct peer *p = ctx;

	if (!p->no_locks)
		assert(!pthread_mutex_lock(&p->locks[peer]));
}

static void op_unlock(void *ctx, u32 peer)
{
	struct peer *p = ctx;

	if (!p->no_locks)
		assert(!pthread_mutex_unlock(&p->locks[peer]));
}

static int op_open(void *ctx, const struct shmipc_core_rx *rx, void **msg)
{
	struct peer *p = ctx;
	struct message *m;

	if (p->fail_open_count) {
		p->fail_open_count--;
		return p->fail_open;
	}
	assert(p->received < WORLD_MESSAGES);
	m = calloc(1, sizeof(*m));
	m->rx = *rx;
	p->opens++;
	p->live++;
	*msg = m;
	return 0;
}

static int op_data(void *ctx, void *msg, u32 off, const void *src, u32 len)
{
	struct peer *p = ctx;
	struct message *m = msg;

	if (p->fail_data_count) {
		p->fail_data_count--;
		return -ENOMEM;
	}
	assert(off == m->have && len <= m->rx.len - off);
	if (off + len > m->room) {
		m->room = (off + len) * 2;
		m->data = realloc(m->data, m->room);
	}
	shm_copy_from(m->data + off, src, len);
	m->have += len;
	p->datas++;
	if (p->in_data)
		p->in_data(p);
	return 0;
}

static void op_done(void *ctx, void *msg)
{
	struct peer *p = ctx;
	struct message *m = msg;

	assert(m->have == m->rx.len);
	m->queued = true;
	p->live--;
	p->inbox[p->received++] = m;
}

static void op_abort(void *ctx, void *msg)
{
	struct peer *p = ctx;
	struct message *m = msg;

	assert(!m->queued);
	p->live--;
	free(m->data);
	free(m);
}

static void op_copy(void *ctx, const struct shmipc_core_tx *tx, void *dst, u32 off, u32 len)
{
	struct peer *p = ctx;
	u32 seed = (u32)(uintptr_t)tx->payload;
	u8 chunk[256];
	u32 i, n, at;

	for (at = 0; at < len; at += n) {
		n = min(len - at, (u32)sizeof(chunk));
		for (i = 0; i < n; i++)
			chunk[i] = pattern(seed, off + at + i);
		shm_copy_to((u8 *)dst + at, chunk, n);
	}
	if (p->in_copy)
		p->in_copy(p);
}

static void op_event(void *ctx, u32 peer, u32 bits)
{
	struct peer *p = ctx;

	p->events[peer] |= bits;
	if (bits & SHMIPC_CORE_DOWN)
		p->down_state[peer] = shmipc_core_state(p->core, peer);
}

static u32 op_random(void *ctx)
{
	struct peer *p = ctx;

	return p->random;
}

const struct shmipc_core_ops world_ops = {
	.lock = op_lock,
	.unlock = op_unlock,
	.rx_open = op_open,
	.rx_data = op_data,
	.rx_done = op_done,
	.rx_abort = op_abort,
	.tx_copy = op_copy,
	.event = op_event,
	.random = op_random,
};

static void peer_boot(struct world *w, u32 slot)
{
	struct peer *p = &w->peers[slot];
	struct shmipc_core_config cfg = {
		.ops = &world_ops, .ctx = p, .geo = w->geo, .slot = slot, .own = p->section,
		.doorbell = slot, .vectors = 1, .name = "peer",
	};
	u32 i;

	free(p->mem);
	p->mem = calloc(1, shmipc_core_size(&w->geo));
	p->core = shmipc_core_init(p->mem, &cfg);
	for (i = 0; i < w->n; i++)
		if (i != slot)
			shmipc_core_set_peer(p->core, i, w->peers[i].section);
}

struct world *world_raw(u64 size, u32 n)
{
	struct world *w = calloc(1, sizeof(*w));
	u32 i, j;

	assert(!shmipc_geometry_init(&w->geo, size, n));
	w->n = n;
	for (i = 0; i < n; i++) {
		w->peers[i].world = w;
		w->peers[i].slot = i;
		w->peers[i].section = aligned_alloc(128, size);	/* apart: ASan sees the ends */
		memset(w->peers[i].section, 0, size);
		w->peers[i].random = 0;
		for (j = 0; j < WORLD_PEERS; j++)
			pthread_mutex_init(&w->peers[i].locks[j], NULL);
	}
	for (i = 0; i < n; i++)
		peer_boot(w, i);
	return w;
}

static void ring_all(struct world *w, u32 from)
{
	u32 i;

	for (i = 0; i < w->n; i++)
		if (i != from)
			world_ring(w, from, i);
}

struct world *world_new(u64 size, u32 n)
{
	struct world *w = world_raw(size, n);
	u32 i;

	for (i = 0; i < n; i++) {
		shmipc_core_attach(w->peers[i].core);
		ring_all(w, i);
	}
	world_run(w);
	assert(world_up(w));
	return w;
}

static void inbox_clear(struct peer *p)
{
	u32 i;

	for (i = 0; i < p->received; i++) {
		free(p->inbox[i]->data);
		free(p->inbox[i]);
	}
	p->received = 0;
}

void world_free(struct world *w)
{
	u32 i, k;

	for (i = 0; i < w->n; i++) {
		for (k = 0; k < w->n; k++)
			if (k != i && w->peers[i].core->epoch)
				shmipc_link_down(w->peers[i].core, world_link(w, i, k), 0);
		assert(!w->peers[i].live);
		inbox_clear(&w->peers[i]);
		free(w->peers[i].mem);
	}
	for (i = 0; i < w->n; i++)
		free(w->peers[i].section);
	free(w);
}

void world_reboot(struct world *w, u32 slot)
{
	struct peer *p = &w->peers[slot];
	u32 k;

	for (k = 0; k < w->n; k++) {	/* the test's memory, not the protocol's */
		u32 i;

		if (k == slot)
			continue;
		for (i = 0; i <= SHMIPC_RX_SINGLE; i++) {
			struct shmipc_rx_stream *s = &world_link(w, slot, k)->rx.streams[i];

			if (s->accepted)
				op_abort(p, s->msg);
		}
	}
	inbox_clear(p);
	peer_boot(w, slot);
	shmipc_core_attach(p->core);
	ring_all(w, slot);
}

bool world_up(struct world *w)
{
	u32 i, j;

	for (i = 0; i < w->n; i++)
		for (j = 0; j < w->n; j++)
			if (i != j &&
			    shmipc_core_state(w->peers[i].core, j) != SHMIPC_LINK_UP)
				return false;
	return true;
}

void world_ring(struct world *w, u32 from, u32 to)
{
	w->peers[to].rung[from] = true;
	w->peers[to].rings++;
}

u32 world_service(struct world *w, u32 slot, u32 peer, u32 budget)
{
	struct peer *p = &w->peers[slot];

	p->rung[peer] = false;
	p->flags[peer] = shmipc_core_service(p->core, peer, budget);
	if (p->flags[peer] & SHMIPC_SERVICE_RING)
		world_ring(w, slot, peer);
	if (p->flags[peer] & SHMIPC_SERVICE_MORE)
		p->rung[peer] = true;
	return p->flags[peer];
}

void world_run(struct world *w)
{
	bool again = true;
	u32 i, j, turns = 0;

	while (again && turns++ < 100000) {
		again = false;
		for (i = 0; i < w->n; i++)
			for (j = 0; j < w->n; j++)
				if (w->peers[i].rung[j]) {
					world_service(w, i, j, 16);
					again = true;
				}
	}
	assert(!again);
}

struct shmipc_core_port world_port(struct world *w, u32 slot, u32 port, u32 depth, u32 window,
				   u32 max_size, u32 flags)
{
	struct shmipc_core_port p = {
		.port = port, .depth = depth, .window = window, .max_size = max_size,
		.flags = flags, .name = "port",
	};
	u64 ring = 0;
	u32 i;

	assert(!shmipc_core_publish(w->peers[slot].core, &p, &ring));
	for (i = 0; i < w->n; i++)
		if (ring & 1ULL << i)
			world_ring(w, slot, i);
	return p;
}

void world_withdraw(struct world *w, u32 slot, u32 table_slot)
{
	u64 ring = 0;
	u32 i;

	shmipc_core_withdraw(w->peers[slot].core, table_slot, &ring);
	for (i = 0; i < w->n; i++)
		if (ring & 1ULL << i)
			world_ring(w, slot, i);
}

struct shmipc_core_tx world_tx(const struct shmipc_core_port *port, u32 len, u32 seed)
{
	struct shmipc_core_tx tx = {
		.slot = port->slot, .generation = port->generation, .len = len, .type = seed,
		.src_port = 77, .payload = (void *)(uintptr_t)seed,
	};

	return tx;
}

int world_push(struct world *w, u32 from, u32 to, struct shmipc_core_tx *tx)
{
	struct peer *p = &w->peers[from];
	bool ring = false;
	int ret;

	op_lock(p, to);
	ret = shmipc_core_push(p->core, to, tx, &ring);
	op_unlock(p, to);
	if (ring)
		world_ring(w, from, to);
	return ret;
}

int world_send(struct world *w, u32 from, u32 to, const struct shmipc_core_port *port, u32 len,
	       u32 seed)
{
	struct shmipc_core_tx tx = world_tx(port, len, seed);
	int ret, turns = 0;

	for (;;) {
		ret = world_push(w, from, to, &tx);
		if (ret <= 0 && ret != -EAGAIN)
			return ret;
		if (ret == 1)
			turns = 0;
		if (ret == -EAGAIN) {
			if (turns++ > 10)
				return ret;
			op_lock(&w->peers[from], to);
			shmipc_core_arm(w->peers[from].core, to, SHMIPC_CORE_SPACE);
			op_unlock(&w->peers[from], to);
			world_run(w);
		}
	}
}

void world_consume(struct world *w, u32 slot, u32 index)
{
	struct peer *p = &w->peers[slot];
	struct message *m = p->inbox[index];
	bool ring;

	op_lock(p, m->rx.peer);
	ring = shmipc_core_consumed(p->core, m->rx.peer, m->rx.slot, m->rx.generation, m->rx.len);
	op_unlock(p, m->rx.peer);
	if (ring)
		world_ring(w, slot, m->rx.peer);
	free(m->data);
	free(m);
	p->received--;
	memmove(p->inbox + index, p->inbox + index + 1,
		(p->received - index) * sizeof(*p->inbox));
}

void world_consume_all(struct world *w, u32 slot)
{
	while (w->peers[slot].received)
		world_consume(w, slot, 0);
}

bool world_intact(const struct message *m, u32 seed)
{
	u32 i;

	if (m->rx.type != seed || m->have != m->rx.len)
		return false;
	for (i = 0; i < m->have; i++)
		if (m->data[i] != pattern(seed, i))
			return false;
	return true;
}

void world_lock(struct world *w, u32 slot, u32 peer)
{
	op_lock(&w->peers[slot], peer);
}

void world_unlock(struct world *w, u32 slot, u32 peer)
{
	op_unlock(&w->peers[slot], peer);
}

void world_arm(struct world *w, u32 slot, u32 peer, u32 bits)
{
	world_lock(w, slot, peer);
	shmipc_core_arm(w->peers[slot].core, peer, bits);
	world_unlock(w, slot, peer);
}

bool world_broken(struct world *w, u32 slot, u32 peer)
{
	return shmipc_core_state(w->peers[slot].core, peer) == SHMIPC_LINK_BROKEN &&
	       (w->peers[slot].events[peer] & SHMIPC_CORE_PROTO);
}

struct forged world_honest(struct world *w, const struct shmipc_core_port *port, u32 len)
{
	struct forged f = {
		.granules = shmipc_record_granules(24, len), .len = len, .slot = port->slot,
		.kind = SHMIPC_WIRE_KIND_MSG, .generation = port->generation,
	};

	return f;
}

void world_forge(struct world *w, u32 from, u32 to, const struct forged *f)
{
	struct shmipc_link *link = world_link(w, from, to);
	u32 cap = w->geo.lane / 64;
	u32 count = link->tx.count;
	__le32 *at = (__le32 *)(link->tx_lane + (link->tx.wr & (cap - 1)) * 64);

	shm_write32(at + 1, f->len);
	shm_write32(at + 2, f->slot | f->kind << 16 | f->level << 24);
	shm_write32(at + 3, f->generation);
	shm_write32(at + 4, 0);
	shm_write32(at + 5, f->result << 16);
	link->tx.wr += f->granules;
	link->tx.count = shmipc_count_next(count);
	shm_write32((__le32 *)(link->tx_lane + (link->tx.wr & (cap - 1)) * 64), 0);
	shm_release32(at, count << 16 | f->granules);
	world_ring(w, from, to);
}
