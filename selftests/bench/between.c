// SPDX-License-Identifier: GPL-2.0
/*
 * between ask [--passes 15] [--rounds 400] [--messages 16000] [--json FILE]
 * between answer
 *
 * What a message from one machine to another costs, beside TCP and beside a bare doorbell, in
 * one run; on two machines.
 *
 *	round trip	there and back; who waits sleeps. A bare doorbell is answered by the
 *			interrupt handler (doorbell, doorbell-line: and one cache line of memory
 *			goes along) or by a process that sleeps in read() (doorbell-wake)
 *	stream		one way, as fast as it goes; the receiver measures. With the doorbells
 *			that were rung for it, for each 1000 messages: by the sender, for messages,
 *			and by the receiver, for room
 *
 * Ratios and medians are made as bench.c makes them.
 */
#include "between_ways.h"

#define LONGEST		(64U << 10)

enum kind {
	ROUND_TRIP,
	STREAM,
};

struct measure {
	const char *name;
	enum kind kind;
	__u32 len;
	double ns[WAYS][MAX_PASSES];
	double rang[WAYS][MAX_PASSES];		/* for 1000 messages, by the sender */
	double answered[WAYS][MAX_PASSES];	/* and by the receiver */
};

static struct measure measures[] = {
	{ .name = "round trip 64 B", .kind = ROUND_TRIP, .len = 64 },
	{ .name = "round trip 4 KiB", .kind = ROUND_TRIP, .len = 4096 },
	{ .name = "stream 64 B", .kind = STREAM, .len = 64 },
	{ .name = "stream 4 KiB", .kind = STREAM, .len = 4096 },
	{ .name = "stream 64 KiB", .kind = STREAM, .len = LONGEST },
};

static unsigned int rounds = 400, messages = 16000;

/* What the one who asks says before each run */
struct order {
	__u32 measure;
	__u32 way;
	__u32 count;	/* 0: that was all */
	__u32 warm;
};

/* What the one who answers says when it is ready, and after a stream */
struct report {
	__u64 ns;
	__u64 rings;
};

static bool runs(const struct measure *m, const struct way *way)
{
	if (m->kind == STREAM)
		return way->send || way->send_some;
	return way->send || (!way->send_some && m->len == 64);
}

/* Large ones are fewer: about as many bytes */
static __u32 count_of(const struct measure *m)
{
	__u32 count;

	if (m->kind == ROUND_TRIP)
		return rounds;
	count = m->len <= 64 ? messages : messages * 2 / (m->len / 1024);
	return count < 4 * BATCH ? 4 * BATCH : count;
}

/* ---- the one who answers ---- */

static void answer_bells(const struct way *way, const struct order *order)
{
	__u32 i;

	if (!way->wakes)
		return;
	for (i = 0; i < order->count + order->warm; i++) {
		bell_wait();
		bell_order(0, PING_RING);
	}
}

static void answer_round_trips(const struct way *way, const struct order *order, __u32 len)
{
	__u32 i;

	for (i = 0; i < order->count + order->warm; i++) {
		way->recv(len);
		way->send(len);
	}
}

static __u32 take(const struct way *way, __u32 len, __u32 nr)
{
	if (way->recv_some)
		return way->recv_some(len, nr);
	way->recv(len);
	return 1;
}

/* From the time that the first has come */
static void answer_stream(const struct way *way, const struct order *order, __u32 len)
{
	struct report report = { .rings = shmipc_rings() };
	__u32 first = take(way, len, order->count), got = first;
	__s64 begin = now_ns();

	while (got < order->count)
		got += take(way, len, order->count - got);
	report.ns = (now_ns() - begin) / (double)(order->count - first) * order->count;
	report.rings = shmipc_rings() - report.rings;
	put(control, &report, sizeof(report));
}

static void answer(void)
{
	struct report ready = { };
	struct order order;

	for (;;) {
		const struct measure *m;
		const struct way *way;

		get(control, &order, sizeof(order));
		if (!order.count)
			return;
		m = &measures[order.measure];
		way = &ways[order.way];
		tcp_delay(data, m->kind == STREAM);
		bell_order(way->wakes ? 0 : ~0U, way->flags);
		put(control, &ready, sizeof(ready));
		if (m->kind == STREAM)
			answer_stream(way, &order, m->len);
		else if (way->send)
			answer_round_trips(way, &order, m->len);
		else
			answer_bells(way, &order);
	}
}

/* ---- the one who asks ---- */

static double ask_round_trips(const struct way *way, const struct order *order, __u32 len)
{
	__s64 begin = 0;
	__u32 i;

	if (!way->send) {
		bell_ask(way, order->warm);
		begin = now_ns();
		bell_ask(way, order->count);
		return now_ns() - begin;
	}
	for (i = 0; i < order->count + order->warm; i++) {
		if (i == order->warm)
			begin = now_ns();
		way->send(len);
		way->recv(len);
	}
	return now_ns() - begin;
}

static void ask_stream(const struct way *way, const struct order *order, __u32 len)
{
	__u32 sent = 0;

	while (sent < order->count) {
		if (way->send_some) {
			sent += way->send_some(len, order->count - sent);
		} else {
			way->send(len);
			sent++;
		}
	}
}

static void run(unsigned int nr, unsigned int way_nr, unsigned int pass)
{
	struct order order = { .measure = nr, .way = way_nr };
	const struct way *way = &ways[way_nr];
	struct measure *m = &measures[nr];
	struct report report;
	__u64 rings;
	double ns;

	order.count = count_of(m);
	order.warm = order.count / 8;
	tcp_delay(data, m->kind == STREAM);
	put(control, &order, sizeof(order));
	get(control, &report, sizeof(report));
	if (m->kind == ROUND_TRIP) {
		ns = ask_round_trips(way, &order, m->len);
	} else {
		rings = shmipc_rings();
		ask_stream(way, &order, m->len);
		get(control, &report, sizeof(report));
		ns = report.ns;
		m->rang[way_nr][pass] = (shmipc_rings() - rings) * 1000.0 / order.count;
		m->answered[way_nr][pass] = report.rings * 1000.0 / order.count;
	}
	m->ns[way_nr][pass] = ns / order.count;
}

static void print_way(const struct measure *m, unsigned int i)
{
	double list[MAX_PASSES], ns = quantile(m->ns[i], 0.5);
	unsigned int b;

	printf("  %-14s %10.0f", ways[i].name, ns);
	if (m->kind == STREAM)
		printf(" %8.1f", m->len * 1000.0 / ns);
	for (b = 0; is_ours(ways[i].name) && b < WAYS; b++) {
		if (!runs(m, &ways[b]) || is_ours(ways[b].name))
			continue;
		ratios(m->ns[i], m->ns[b], list);
		print_ratio(ways[b].name, list);
	}
	if (m->kind == STREAM && is_ours(ways[i].name))
		printf("   doorbells for 1000 messages: %.1f, back %.1f",
		       quantile(m->rang[i], 0.5), quantile(m->answered[i], 0.5));
	printf("\n");
}

static void print_table(void)
{
	unsigned int k, i;

	for (k = 0; k < ARRAY_SIZE(measures); k++) {
		struct measure *m = &measures[k];

		printf("\n%-16s %10s%s   ratio to (quartiles)\n", m->name, "ns",
		       m->kind == STREAM ? "     MB/s" : "");
		for (i = 0; i < WAYS; i++)
			if (runs(m, &ways[i]))
				print_way(m, i);
	}
}

static void print_list(FILE *out, const char *name, const double *list)
{
	unsigned int p;

	fprintf(out, ", \"%s\": [", name);
	for (p = 0; p < passes; p++)
		fprintf(out, "%s%.1f", p ? ", " : "", list[p]);
	fprintf(out, "]");
}

static void print_json_way(FILE *out, const struct measure *m, unsigned int i)
{
	double list[MAX_PASSES];
	unsigned int b;

	fprintf(out, "{\"measure\": \"%s\", \"way\": \"%s\", \"ns\": %.0f", m->name, ways[i].name,
		quantile(m->ns[i], 0.5));
	for (b = 0; is_ours(ways[i].name) && b < WAYS; b++) {
		if (!runs(m, &ways[b]) || is_ours(ways[b].name))
			continue;
		ratios(m->ns[i], m->ns[b], list);
		fprintf(out, ", \"to_%s\": %.3f", ways[b].name, quantile(list, 0.5));
	}
	if (m->kind == STREAM && is_ours(ways[i].name)) {
		print_list(out, "doorbells_per_1000", m->rang[i]);
		print_list(out, "doorbells_back_per_1000", m->answered[i]);
	}
	print_list(out, "all_ns", m->ns[i]);
	fprintf(out, "}");
}

static void print_json(FILE *out)
{
	struct shmipc_info info = info_arg();
	const char *comma = "";
	unsigned int k, i;
	char load[64];

	read_load(load, sizeof(load));
	errno = try_info(ours, &info);
	if (errno)
		die("INFO");
	fprintf(out, "{\n \"passes\": %u, \"rounds\": %u, \"messages\": %u, \"load\": \"%s\",\n",
		passes, rounds, messages, load);
	fprintf(out, " \"doorbell\": %u, \"peers\": %u, \"lane_bytes\": %u,\n \"results\": [",
		info.out_doorbell, info.out_peers, info.out_lane_bytes);
	for (k = 0; k < ARRAY_SIZE(measures); k++) {
		for (i = 0; i < WAYS; i++) {
			if (!runs(&measures[k], &ways[i]))
				continue;
			fprintf(out, "%s\n  ", comma);
			comma = ",";
			print_json_way(out, &measures[k], i);
		}
	}
	fprintf(out, "\n ]\n}\n");
}

static void ask(const char *json)
{
	struct order over = { };
	unsigned int pass, k, i;
	FILE *out;

	for (pass = 0; pass < passes; pass++)
		for (k = 0; k < ARRAY_SIZE(measures); k++)
			for (i = 0; i < WAYS; i++)
				if (runs(&measures[k], &ways[i]))
					run(k, i, pass);
	put(control, &over, sizeof(over));
	print_table();
	out = json ? fopen(json, "w") : NULL;
	if (json && !out)
		die(json);
	if (out) {
		print_json(out);
		fclose(out);
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: between ask [--passes 1..%u] [--rounds 8..] [--messages 64..]\n"
		"                   [--json FILE]\n"
		"       between answer\n", MAX_PASSES);
	return 2;
}

int main(int argc, char **argv)
{
	const char *json = NULL;
	int i;

	asks = argc > 1 && !strcmp(argv[1], "ask");
	if (argc < 2 || (!asks && strcmp(argv[1], "answer")))
		return usage();
	for (i = 2; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--passes"))
			passes = strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--rounds"))
			rounds = strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--messages"))
			messages = strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--json"))
			json = argv[i + 1];
		else
			break;
	}
	if (i < argc || !passes || passes > MAX_PASSES || rounds < 8 || messages < 4 * BATCH)
		return usage();
	buffer = aligned_alloc(4096, BATCH * (LONGEST + 4096));
	if (!buffer)
		die("memory");
	memset(buffer, 0x5a, BATCH * (LONGEST + 4096));
	bell = open("/dev/doorbell_ping", O_RDWR | O_CLOEXEC);
	if (bell < 0)
		die("/dev/doorbell_ping");
	tcp_open();
	shmipc_open();
	if (asks)
		ask(json);
	else
		answer();
	return 0;
}
