// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer target: peer 0 is the victim, peer 1 an honest engine over whose
 * section the fuzzer writes what it likes, between any two calls of either.
 * -DSEEDS makes a program that writes a starting corpus into a folder instead.
 */
#include <assert.h>
#include <stdio.h>
#include "world.h"

struct input {
	const u8 *at;
	size_t left;
};

struct run {
	struct input in;
	struct world *w;
	struct shmipc_core_tx tx;	/* the victim's, perhaps half sent */
	bool busy;
	struct shmipc_core_port ports[3];	/* the victim's */
	struct shmipc_core_port honest;
	int result;
};

static u32 take(struct input *in, u32 bytes)
{
	u32 v = 0;

	while (bytes-- && in->left) {
		v = v << 8 | *in->at++;
		in->left--;
	}
	return v;
}

static void victim_push(struct run *r)
{
	if (!r->busy) {
		r->tx = world_tx(&r->honest, take(&r->in, 2) % 6000, 7);
		r->tx.generation = 0;
		r->tx.level = take(&r->in, 1) % 9;
		r->tx.result = r->result > 0 ? r->result : 0;
	}
	r->busy = world_push(r->w, 0, 1, &r->tx) == 1 || (r->busy && r->tx.open);
	if (r->busy && !r->tx.open)
		r->busy = false;
}

static void victim_abort(struct run *r)
{
	bool ring = false;

	shmipc_core_push_abort(r->w->peers[0].core, 1, &r->tx, &ring);
	r->busy = false;
}

static void scribble(struct run *r, u32 where)
{
	struct world *w = r->w;
	u32 at = take(&r->in, 2), value = take(&r->in, 4);
	u8 *base = w->peers[1].section;
	u32 size = w->geo.size;

	if (where == 1) {
		base = (u8 *)world_block(w, 1, 0);
		size = w->geo.block;
	} else if (where == 2) {
		u32 rd = world_link(w, 0, 1)->rx.rd & (w->geo.lane / 64 - 1);

		base = world_lane(w, 1, 0) + rd * 64;
		size = 64;
	} else if (where == 3) {
		base = (u8 *)world_table(w, 1);
		size = 64 * w->geo.ports;
	}
	shm_write32((__le32 *)base + at % (size / 4), at & 0x8000 ? value :
		    shm_read32((__le32 *)base + at % (size / 4)) + (value & 0xff) - 128);
}

static void forge(struct run *r)
{
	const struct shmipc_core_port *port = &r->ports[take(&r->in, 1) % 3];
	struct forged f = world_honest(r->w, port, take(&r->in, 2) % 2000);
	u32 most = r->w->peers[0].core->record;

	f.kind = take(&r->in, 1);
	f.level = take(&r->in, 1) % 9;
	if ((f.kind & 0x7f) == SHMIPC_WIRE_KIND_FIRST)
		f.granules = most;
	if (f.kind & 0x40)
		f.granules = take(&r->in, 1);
	f.kind &= ~0x40;
	f.result = take(&r->in, 2);
	f.granules = min(f.granules, r->w->peers[0].core->cap);
	world_forge(r->w, 1, 0, &f);
}

static void republish(struct run *r)
{
	u32 i = take(&r->in, 1) % 3, k;
	u64 ring = 0;

	shmipc_core_withdraw(r->w->peers[0].core, r->ports[i].slot, &ring);
	/* its queue goes with it */
	for (k = r->w->peers[0].received; k-- > 0;)
		if (r->w->peers[0].inbox[k]->rx.slot == r->ports[i].slot)
			world_consume(r->w, 0, k);
	r->ports[i].generation = 0;	/* another */
	r->ports[i].depth = take(&r->in, 1) % 9 + 1;
	r->ports[i].window = take(&r->in, 1) + 1;
	assert(!shmipc_core_publish(r->w->peers[0].core, &r->ports[i], &ring));
}

static void small_things(struct run *r)
{
	struct shmipc_core *core = r->w->peers[0].core;
	struct shmipc_core_port port;
	u32 what = take(&r->in, 1), counts[8];

	shmipc_core_arm(core, 1, what << 4);
	r->result = shmipc_core_result_get(core, 1);
	if (what & 1 && r->result > 0)
		shmipc_core_result_put(core, 1, r->result);
	if (r->result > 0)
		shmipc_core_result_state(core, 1, r->result);
	shmipc_core_answer(core, 1, take(&r->in, 4), what);
	shmipc_core_progress(core, 1, what % r->w->geo.ports, counts, counts + 1, counts + 2);
	shmipc_core_probe(core, 1);
	shmipc_core_bell(core, 1, what);
	shmipc_core_bells(core, 1, counts);
	shmipc_core_undrained(core, 1);
	shmipc_core_find_port(core, 1, what, &port);
	shmipc_core_find_name(core, 1, "port", &port);
}

/* What must hold whatever the peer has done */
static void invariants(struct run *r)
{
	struct peer *p = &r->w->peers[0];
	struct shmipc_link *link = world_link(r->w, 0, 1);
	u32 flight[16] = { 0 }, i, live = 0;

	assert(link->tx.wr - link->tx.rd <= p->core->cap);
	for (i = 0; i < p->received; i++) {
		const struct shmipc_core_rx *rx = &p->inbox[i]->rx;

		if (rx->generation == link->rx_ports[rx->slot].generation)
			flight[rx->slot]++;
	}
	for (i = 0; i <= SHMIPC_RX_SINGLE; i++) {
		const struct shmipc_rx_stream *s = &link->rx.streams[i];

		assert(!s->accepted || s->open);
		live += s->accepted;
		if (s->charged && s->generation == link->rx_ports[s->slot].generation)
			flight[s->slot]++;
	}
	assert(live == p->live);
	for (i = 0; i < r->w->geo.ports; i++)
		assert(link->rx_ports[i].flight == flight[i]);
	assert(shmipc_core_verify(p->core));
}

static void step(struct run *r)
{
	struct world *w = r->w;
	struct shmipc_core *core = w->peers[0].core;
	u32 op = take(&r->in, 1) % 20;

	switch (op) {
	case 0: case 1: case 2:
		world_service(w, 0, 1, 1 + op * 4);
		break;
	case 3:
		world_service(w, 1, 0, 8);
		break;
	case 4: case 5:
		world_send(w, 1, 0, &r->ports[op & 1], take(&r->in, 2) % 3000, 3);
		break;
	case 6:
		victim_push(r);
		break;
	case 7:
		victim_abort(r);
		break;
	case 8: case 9: case 10: case 11:
		scribble(r, op - 8);
		break;
	case 12:
		shmipc_core_relink(core, 1);
		break;
	case 13:
		shmipc_core_relink(w->peers[1].core, 0);
		break;
	case 14:
		world_reboot(w, 1);
		r->honest = world_port(w, 1, 1, 4, 64, 6000, take(&r->in, 1) & 1);
		break;
	case 15:
		if (w->peers[0].received)
			world_consume(w, 0, take(&r->in, 1) % w->peers[0].received);
		break;
	case 16:
		republish(r);
		break;
	case 17:
		small_things(r);
		break;
	case 18:
		w->peers[0].fail_open_count = take(&r->in, 1) % 3;
		w->peers[0].fail_data_count = take(&r->in, 1) % 3;
		w->peers[0].fail_open = take(&r->in, 1) & 1 ? -ENOMEM : -ENOBUFS;
		break;
	case 19:
		forge(r);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct run r = { .in = { data, size } };
	u32 i;

	r.w = world_new(4096, 2);
	for (i = 0; i < 3; i++)
		r.ports[i] = world_port(r.w, 0, 1 + i * 16, 4, 64, 5000, i & 1);
	r.honest = world_port(r.w, 1, 1, 4, 64, 6000, 0);
	world_run(r.w);
	while (r.in.left) {
		if (r.w->peers[0].received > 200)
			world_consume(r.w, 0, 0);
		step(&r);
		invariants(&r);
	}
	/* a peer that behaves again is welcome again */
	r.w->peers[0].fail_open_count = 0;
	r.w->peers[0].fail_data_count = 0;
	while (r.w->peers[0].received)
		world_consume(r.w, 0, 0);
	world_reboot(r.w, 1);
	shmipc_core_relink(r.w->peers[0].core, 1);
	world_ring(r.w, 0, 1);
	world_run(r.w);
	assert(world_up(r.w));
	world_free(r.w);
	return 0;
}

#ifdef SEEDS
int main(int argc, char **argv)
{
	char path[4096];
	u32 i, k, x = 1;

	assert(argc == 2);
	for (i = 0; i < 64; i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/seed-%02u", argv[1], i);
		f = fopen(path, "w");
		assert(f);
		/* traffic of all sizes first, then more and more of everything */
		for (k = 0; k < 40 + 8 * i; k++) {
			x = x * 1664525 + 1013904223;
			fputc(k & 1 || i < 8 ? (x >> 16) % 8 : x >> 24, f);
		}
		fclose(f);
	}
	return 0;
}
#endif
