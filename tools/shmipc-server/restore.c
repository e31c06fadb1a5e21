// SPDX-License-Identifier: GPL-2.0
/*
 * Going on where an earlier process ended: its memory, bells and clients. All or
 * nothing: half a set of bells would join peers that cannot ring each other.
 */
#include <poll.h>
#include <unistd.h>

#include "server.h"

static u32 count_bells(u32 id)
{
	u32 count = 0;

	while (count < SERVER_BELLS_MAX && systemd_find(SYSTEMD_BELL, id, count))
		count++;
	return count;
}

static struct bells *take_bells(u32 id)
{
	u32 count = count_bells(id), vector;
	struct bells *bells = count ? bells_alloc(id, count) : NULL;

	if (!bells)
		return NULL;
	for (vector = 0; vector < count; vector++)
		bells->fd[bells->count++] = systemd_take(systemd_find(SYSTEMD_BELL, id, vector));
	return bells;
}

/* Those of all slots, the same number for each */
static int restore_slots(void)
{
	u32 vectors = count_bells(0), slot;

	for (slot = 0; slot < region_peers(); slot++)
		if (!vectors || count_bells(slot) != vectors)
			return -1;
	for (slot = 0; slot < region_peers(); slot++) {
		struct bells *bells = take_bells(slot);

		if (!bells)
			return -1;
		clients_set_bells(slot, bells);
	}
	options.vectors = vectors;
	return 0;
}

static bool is_alive(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLRDHUP };

	return poll(&look, 1, 0) == 0;
}

/* Of a client that cannot go on: the next process must not find them, the others are told */
static void forget_bells(u32 id, u32 count)
{
	while (count--)
		systemd_forget(SYSTEMD_BELL, id, count);
	protocol_gone(id);
}

static int adopt_served(const struct systemd_fd *kept)
{
	return kept->id < region_peers() ? clients_adopt(kept->fd, kept->id, NULL) : -1;
}

static int adopt_classic(const struct systemd_fd *kept)
{
	u32 count = count_bells(kept->id);
	struct bells *bells = take_bells(kept->id);

	if (!bells)
		return -1;
	if (!clients_adopt(kept->fd, kept->id, bells))
		return 0;
	forget_bells(kept->id, count);
	return -1;
}

/* systemd knows names only: it forgets all that are called so */
static void drop_client(struct systemd_fd *kept)
{
	struct systemd_fd *next;

	clients_keep_again(kept->id);
	systemd_drop(kept);
	next = systemd_find(SYSTEMD_CLIENT, kept->id, 0);
	if (next)
		systemd_keep(SYSTEMD_CLIENT, next->id, 0, next->fd);
}

static void restore_client(struct systemd_fd *kept)
{
	int err = -1;

	if (is_alive(kept->fd))
		err = region_served() ? adopt_served(kept) : adopt_classic(kept);
	if (!err) {
		systemd_take(kept);
		return;
	}
	drop_client(kept);
}

/* With --classic the others have to be told of everyone who is no more */
static void farewell_to_the_dead(void)
{
	struct systemd_fd *kept;

	while ((kept = systemd_next(SYSTEMD_BELL))) {
		if (!kept->vector)
			protocol_gone(kept->id);
		systemd_drop(kept);
	}
}

/* Slots whose clients went away while nobody looked, or yesterday */
static void bury_the_dead(void)
{
	bool any = false;
	u32 slot;

	for (slot = 0; slot < region_peers(); slot++) {
		if (clients[slot].watch.fd >= 0 || !region_occupied(slot))
			continue;
		note("peer %u left while there was no server", slot);
		region_leave(slot);
		any = true;
	}
	if (any)
		protocol_ring(NULL);
}

static void drop_all(enum systemd_kind kind)
{
	struct systemd_fd *kept;

	while ((kept = systemd_next(kind)))
		systemd_drop(kept);
}

static int restore(struct systemd_fd *kept)
{
	if (!kept || memory_adopt(systemd_take(kept)))
		return -1;
	if (!region_adopt() && (!region_served() || !restore_slots()))
		return 0;
	note("what systemd kept for us is not complete; starting anew");
	memory_forget();
	systemd_forget(SYSTEMD_MEMORY, 0, 0);
	return -1;
}

int restore_memory(void)
{
	const struct options wanted = options;

	if (!restore(systemd_next(SYSTEMD_MEMORY)))
		return 0;
	options = wanted;
	drop_all(SYSTEMD_MEMORY);
	drop_all(SYSTEMD_BELL);
	drop_all(SYSTEMD_CLIENT);
	drop_all(SYSTEMD_IDS);
	return -1;
}

void restore_clients(void)
{
	struct systemd_fd *kept;

	while ((kept = systemd_next(SYSTEMD_CLIENT)))
		restore_client(kept);
	if (region_served())
		bury_the_dead();
	else
		farewell_to_the_dead();
	if (clients_connected())
		note("%u clients of an earlier server go on", clients_connected());
}
