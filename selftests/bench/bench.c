// SPDX-License-Identifier: GPL-2.0
/*
 * bench [--passes 15] [--rounds 1000] [--json FILE]
 *
 * What a message costs, beside what else the kernel offers, in one run.
 *
 *	pair		send and receive in one thread: nobody sleeps
 *	batch		16 messages there, 16 back, in one thread; for each message
 *	round trip	to another process on another processor and back; both sleep
 *
 * Machines are noisy, emulated ones more so: every pass measures all ways one after the
 * other, a ratio is taken within a pass, and the median of the ratios is told with its
 * quartiles. Absolute figures are medians and only of use beside each other. The buffers of
 * the two sides do not lie a power of two apart (TCG's TLB is direct-mapped).
 */
#include "channels.h"

enum kind {
	PAIR,
	BATCHED,
	ROUND_TRIP,
};

struct measure {
	const char *name;
	enum kind kind;
	size_t len;
	bool run[WAYS];
	double ns[WAYS][MAX_PASSES];
};

static struct measure measures[] = {
	{ .name = "pair 64 B", .kind = PAIR, .len = 64 },
	{ .name = "pair 4 KiB", .kind = PAIR, .len = 4096 },
	{ .name = "batch of 16, 64 B", .kind = BATCHED, .len = 64 },
	{ .name = "batch of 16, 4 KiB", .kind = BATCHED, .len = 4096 },
	{ .name = "round trip 64 B", .kind = ROUND_TRIP, .len = 64 },
	{ .name = "round trip 4 KiB", .kind = ROUND_TRIP, .len = 4096 },
};

static unsigned int rounds = 1000;

/* One after the other, each a little further than the last */
static void *buffer(size_t len)
{
	static size_t skew;
	char *mem = aligned_alloc(64, (len + skew + 8191) & ~63UL);

	if (!mem)
		die("memory");
	skew = (skew + 1088) % 8192;
	mem += skew & ~63UL;
	memset(mem, 0x5a, len);
	return mem;
}

static void close_channel(struct channel *chan)
{
	close(chan->tx);
	if (chan->rx != chan->tx)
		close(chan->rx);
}

static double pair(const struct way *way, size_t len)
{
	char *out = buffer(len), *in = buffer(len);
	struct channel chan = { };
	unsigned int i, round;
	__s64 begin = 0;

	way->open(&chan, 0, len);
	for (round = 0; round < 2; round++) {
		begin = now_ns();
		for (i = 0; i < (round ? rounds : rounds / 8); i++) {
			way->send(&chan, out, len);
			way->recv(&chan, in, len);
		}
	}
	begin = now_ns() - begin;
	close_channel(&chan);
	return (double)begin / rounds;
}

static double batched(const struct way *way, size_t len)
{
	char *buf = buffer(BATCH * (len + 64));
	struct channel chan = { };
	unsigned int i, round, batches = rounds / 8;
	__s64 begin = 0;

	way->open(&chan, 0, len);
	for (round = 0; round < 2; round++) {
		begin = now_ns();
		for (i = 0; i < (round ? batches : batches / 8); i++)
			way->batch(&chan, buf, len);
	}
	begin = now_ns() - begin;
	close_channel(&chan);
	return (double)begin / batches / BATCH;
}

static void on_cpu(unsigned int nr)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(nr % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static double round_trip(const struct way *way, size_t len)
{
	struct channel there = { }, back = { };
	unsigned int i, warm = rounds / 8;
	char *buf = buffer(len);
	__s64 begin = 0;
	int status;
	pid_t pid;

	way->open(&there, 0, len);
	way->open(&back, 1, len);
	pid = fork();
	if (!pid) {
		on_cpu(1);
		for (i = 0; i < rounds + warm; i++) {
			way->recv(&there, buf, len);
			way->send(&back, buf, len);
		}
		_exit(0);
	}
	on_cpu(0);
	for (i = 0; i < rounds + warm; i++) {
		if (i == warm)
			begin = now_ns();
		way->send(&there, buf, len);
		way->recv(&back, buf, len);
	}
	begin = now_ns() - begin;
	if (waitpid(pid, &status, 0) != pid || status)
		die("echo");
	close_channel(&there);
	close_channel(&back);
	return (double)begin / rounds;
}

static void measure(struct measure *m, unsigned int pass)
{
	unsigned int i;

	for (i = 0; i < WAYS; i++) {
		m->run[i] = m->kind != BATCHED || ways[i].batch;
		if (!m->run[i])
			continue;
		if (m->kind == PAIR)
			m->ns[i][pass] = pair(&ways[i], m->len);
		else if (m->kind == BATCHED)
			m->ns[i][pass] = batched(&ways[i], m->len);
		else
			m->ns[i][pass] = round_trip(&ways[i], m->len);
	}
}

static void print_table(void)
{
	double list[MAX_PASSES];
	unsigned int k, i, b;

	for (k = 0; k < ARRAY_SIZE(measures); k++) {
		struct measure *m = &measures[k];

		printf("\n%-22s %10s   ratio to (quartiles)\n", m->name, "ns");
		for (i = 0; i < WAYS; i++) {
			if (!m->run[i])
				continue;
			printf("  %-20s %10.0f", ways[i].name, quantile(m->ns[i], 0.5));
			for (b = 0; is_ours(ways[i].name) && b < WAYS; b++) {
				if (!m->run[b] || is_ours(ways[b].name))
					continue;
				ratios(m->ns[i], m->ns[b], list);
				print_ratio(ways[b].name, list);
			}
			printf("\n");
		}
	}
}

static void print_json(FILE *out, const char *load)
{
	double list[MAX_PASSES];
	const char *comma = "";
	unsigned int k, i, b, p;

	fprintf(out, "{\n \"passes\": %u, \"rounds\": %u, \"load\": \"%s\",\n \"results\": [",
		passes, rounds, load);
	for (k = 0; k < ARRAY_SIZE(measures); k++) {
		struct measure *m = &measures[k];

		for (i = 0; i < WAYS; i++) {
			if (!m->run[i])
				continue;
			fprintf(out, "%s\n  {\"measure\": \"%s\", \"way\": \"%s\", \"ns\": %.0f",
				comma, m->name, ways[i].name, quantile(m->ns[i], 0.5));
			comma = ",";
			for (b = 0; is_ours(ways[i].name) && b < WAYS; b++) {
				if (!m->run[b] || is_ours(ways[b].name))
					continue;
				ratios(m->ns[i], m->ns[b], list);
				fprintf(out, ", \"to_%s\": %.3f", ways[b].name,
					quantile(list, 0.5));
			}
			fprintf(out, ", \"all_ns\": [");
			for (p = 0; p < passes; p++)
				fprintf(out, "%s%.0f", p ? ", " : "", m->ns[i][p]);
			fprintf(out, "]}");
		}
	}
	fprintf(out, "\n ]\n}\n");
}

int main(int argc, char **argv)
{
	const char *json = NULL;
	unsigned int pass, k;
	char load[64];
	FILE *out;
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--passes"))
			passes = strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--rounds"))
			rounds = strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--json"))
			json = argv[i + 1];
		else
			break;
	}
	if (i < argc || !passes || passes > MAX_PASSES || rounds < 64) {
		fprintf(stderr, "usage: bench [--passes 1..%u] [--rounds N] [--json FILE]\n",
			MAX_PASSES);
		return 2;
	}
	for (pass = 0; pass < passes; pass++)
		for (k = 0; k < ARRAY_SIZE(measures); k++)
			measure(&measures[k], pass);
	read_load(load, sizeof(load));
	print_table();
	out = json ? fopen(json, "w") : NULL;
	if (json && !out)
		die(json);
	if (out) {
		print_json(out, load);
		fclose(out);
	}
	return 0;
}
