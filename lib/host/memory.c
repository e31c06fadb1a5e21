// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From a descriptor to a region with a slot: mapping, division, claim.
 *
 * A file can be made shorter by whoever may write to it; touching what is gone is
 * SIGBUS. A server that seals its memory rules that out, and the size is checked
 * here; for other files it is said in shmipc_open(3).
 */
#include <poll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "host.h"

#define DEFAULT_PEERS	8

int shmipc_host_memory_map(struct host_region *region, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENODEV;
	if ((u64)st.st_size < 2 * SHMIPC_WIRE_REGION_PAGE)
		return -ENOSPC;
	if ((u64)st.st_size > SIZE_MAX)
		return -EFBIG;
	region->map = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (region->map == MAP_FAILED) {
		region->map = NULL;
		return -errno;
	}
	region->bytes = st.st_size;
	return 0;
}

/* Somebody may be dividing it at this moment: only the word counts then */
static int divide_new(struct host_region *region)
{
	int ret;

	if (!shmipc_divide_blank(region->map) && !shmipc_divide_word(region->map))
		return -ENOTTY;
	ret = shmipc_divide_format(&region->div, region->map, region->bytes, DEFAULT_PEERS, false);
	return ret < 0 ? ret : 0;
}

/* Where the sections are; a blank region is divided. @served: we come through a server */
int shmipc_host_memory_divide(struct host_region *region, bool served)
{
	int err = shmipc_divide(&region->div, region->bytes, shmipc_divide_word(region->map));

	if (err == -ENOENT)
		err = divide_new(region);
	if (err == -EINVAL)
		return -ENOTTY;
	if (err)
		return err;
	/* Its slots are not ours to take */
	return region->div.server && !served ? -EPROTOTYPE : 0;
}

static u32 now_ms(void)
{
	return shmipc_host_now() / NS_PER_MS;
}

/* Owners of slots that we might take: who lives answers */
static void ring_owners(struct host_region *region, u64 mask)
{
	const u64 one = 1;
	u32 slot, vector;

	for (slot = 0; slot < region->div.geo.peers; slot++) {
		const struct host_bell *bell;

		if (!(mask & 1ULL << slot))
			continue;
		bell = shmipc_host_server_bell(&region->server,
					       shmipc_claim_doorbell(&region->claim, slot));
		for (vector = 0; bell && vector < bell->vectors; vector++)
			if (!shmipc_host_is_ready(bell->fds[vector], POLLOUT) ||
			    write(bell->fds[vector], &one, sizeof(one)) < 0)
				break;
	}
}

/* Take a slot that nobody hands out. Nobody else knows of the region yet */
int shmipc_host_memory_claim(struct host_region *region)
{
	u64 ring;
	u32 token;
	int ret;

	if (getrandom(&token, sizeof(token), 0) != sizeof(token))
		token = (u32)getpid() << 16 ^ now_ms();
	shmipc_claim_init(&region->claim, &region->div, region->map, token, NULL);
	for (;;) {
		struct timespec pause = { 0, 0 };

		ret = shmipc_claim_step(&region->claim, now_ms(), &ring);
		if (ret <= 0)
			break;
		ring_owners(region, ring);
		pause.tv_nsec = ret * NS_PER_MS;
		nanosleep(&pause, NULL);
		/* Bells of others may still arrive */
		shmipc_host_server_read(&region->server);
	}
	if (ret)
		return ret;
	region->slot = region->claim.slot;
	region->claimed = true;
	return 0;
}
