// SPDX-License-Identifier: GPL-2.0
/*
 * Ids with --classic: they grow, as those of QEMU's server, and are not used again
 * for as long as can be, not even by the next process: a QEMU may crash on one that
 * it has seen leave. The count is kept where it outlives us, in an eventfd.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "server.h"

#define IDS	65536

static int counter = -1;
static u32 next;

int ids_init(void)
{
	uint64_t count = 0;

	counter = systemd_take(systemd_next(SYSTEMD_IDS));
	if (counter < 0) {
		counter = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		systemd_keep(SYSTEMD_IDS, 0, 0, counter);
	}
	if (counter < 0) {
		note("cannot make a counter: %m");
		return -1;
	}
	/* Reading an eventfd sets it to 0 */
	if (read(counter, &count, sizeof(count)) == sizeof(count))
		next = count % IDS;
	return write(counter, &count, sizeof(count)) == sizeof(count) ? 0 : -1;
}

static u32 count_up(void)
{
	const uint64_t one = 1;
	u32 id = next;

	next = (next + 1) % IDS;
	if (write(counter, &one, sizeof(one)) != sizeof(one))
		detail("ids are not counted: %m");
	return id;
}

static bool is_taken(u32 id)
{
	struct client *client;

	for_each_client(client)
		if (client->id == id)
			return true;
	return false;
}

u32 ids_next(void)
{
	u32 id = count_up();

	while (is_taken(id))
		id = count_up();
	return id;
}
