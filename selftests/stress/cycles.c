// SPDX-License-Identifier: GPL-2.0
/*
 * cycles [--cycles 10000] [--from 1000] [--limit 64]
 *
 * Open, use everything, close; over and over. Kernel memory that is not given back shows
 * as SUnreclaim, which may grow by @limit KiB from cycle @from to the last one. --limit 0
 * does not look (debug kernels keep freed memory for a while; they have kmemleak).
 *
 * Red when: an endpoint, port, message, watch, event or connection leaks, near or far;
 * what is remembered for a port stays when it has closed.
 */
#include "memory.h"
#include "stress.h"

static unsigned int cycles = 10000, from = 1000, limit = 64;

/* One endpoint with all that it can hold, most of it left behind at close */
static void cycle(unsigned int nr)
{
	struct shmipc_port_create own = port_create_arg(.name = "cycles", .depth = 4,
							.flags = SHMIPC_PORT_META);
	static char buf[8192];
	int near = open_dev(nr & 1, O_RDWR), far = open_dev(!(nr & 1), O_RDWR);
	__u32 peer = nr & 1;
	int bad = 0;

	bad |= try_port_create(near, &own);
	bad |= try_connect(near, &connect_arg(.peer = SELF, .port = own.out_port));
	bad |= try_connect(far, &connect_arg(.peer = peer, .port = own.out_port));
	bad |= try_send(near, &send_arg(.data = uptr(buf), .len = nr % 300));
	bad |= try_send(far, &send_arg(.data = uptr(buf), .len = nr % 300));
	bad |= try_send(far, &send_arg(.data = uptr(buf), .len = sizeof(buf)));
	bad |= try_recv_now(near, buf, sizeof(buf));
	bad |= try_event_mask(far, &event_mask_arg(.mask = SHMIPC_MASK_PEER));
	bad |= try_watch(far, &watch_arg(.kind = SHMIPC_WATCH_PORT, .peer = peer,
					 .port = own.out_port, .cookie = 1));
	bad |= try_watch(near, &watch_arg(.kind = SHMIPC_WATCH_NAME, .peer = ANY,
					  .name = "nobody", .cookie = 2));
	bad |= try_lookup(far, &lookup_arg(.peer = peer, .name = "cycles"));
	if (bad || near < 0 || far < 0)
		complain("cycle %u does not work", nr);
	close(nr & 2 ? near : far);
	close(nr & 2 ? far : near);
}

static void run(unsigned int first, unsigned int end)
{
	unsigned int i;

	for (i = first; i < end && !atomic_load(&complaints->count); i++)
		cycle(i);
}

int main(int argc, char **argv)
{
	const struct number_option options[] = {
		{ "cycles", &cycles }, { "from", &from }, { "limit", &limit }, { },
	};
	long before, after;

	parse_numbers(argc, argv, options);
	stress_begin(1);
	if (!limit || cycles <= from) {
		run(0, cycles);
	} else {
		run(0, from);
		before = settled();
		run(from, cycles);
		after = settled();
		ksft_print_msg("SUnreclaim: %ld KiB at cycle %u, %ld KiB at cycle %u\n",
			       before, from, after, cycles);
		if (after > before + (long)limit)
			complain("SUnreclaim grew by %ld KiB", after - before);
	}
	expect_quiet();
	verdict("cycles");
	ksft_finished();
}
