// SPDX-License-Identifier: GPL-2.0
/*
 * idler WHERE FD - a peer with port 50 that does nothing, but for emptying it on SIGUSR1.
 * Writes its peer id to FD when it is there.
 *
 * A program of its own: a process with threads, as every peer is, may not do much
 * between fork() and exec(), and nothing with the allocator of AddressSanitizer.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <shmipc/shmipc.h>

#define IDLER_PORT	50

static void on_signal(int number)
{
	(void)number;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct shmipc_region *region;
	struct shmipc_endpoint *ep;
	uint32_t peer;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGUSR1, &action, NULL);
	if (argc != 3)
		return 2;
	fd = atoi(argv[2]);
	ep = shmipc_open(argv[1], 0);
	if (!ep || shmipc_port_create(ep, IDLER_PORT, NULL) < 0)
		return 1;
	region = shmipc_region_get(ep);
	if (!region)
		return 1;
	peer = shmipc_region_peer(region);
	if (write(fd, &peer, sizeof(peer)) != sizeof(peer))
		return 1;
	close(fd);
	for (;;) {
		pause();
		while (shmipc_discard(ep, SHMIPC_NOWAIT) >= 0)
			;
	}
}
