// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A region: attaching to shared memory and leaving it. As driver/region.c.
 *
 * Opening, in this order, each step undone in reverse when one fails: the memory
 * (a file, or a server's), its division, a slot (the server's number, or a claim),
 * the engine, the service thread. The last handle that is closed goes the other way,
 * and the peers see us leave.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "host.h"

#define LINGER_NS	NS_PER_S
#define LINGER_STEP_NS	(2 * NS_PER_MS)
#define HELLO_NS	(300 * NS_PER_MS)	/* for handshakes with who is there already */

static const char *strip(const char *text, const char *start)
{
	size_t len = strlen(start);

	return strncmp(text, start, len) ? NULL : text + len;
}

/* Who lost its connection to the server and lives on has lost its slot, too */
bool shmipc_host_region_held(const struct host_region *region)
{
	if (region->claimed)
		return shmipc_claim_held(&region->claim);
	return !region->mark || shmipc_roster_mark(region->map, region->slot) == region->mark;
}

void shmipc_host_lock(struct host_region *region)
{
	pthread_mutex_lock(&region->lock);
	/* Before anything is written: we may have been stopped, and replaced */
	if (!region->gone && !shmipc_host_region_held(region))
		shmipc_host_region_gone(region);
}

void shmipc_host_unlock(struct host_region *region)
{
	shmipc_host_flush_rings(region);
	pthread_mutex_unlock(&region->lock);
}

/* The eventfd by which @peer is rung by us, or -1 */
static int ring_fd(struct host_region *region, u32 peer)
{
	u32 vectors, id = shmipc_core_peer_doorbell(region->core, peer, &vectors);
	const struct host_bell *bell;

	/* Of whom we know nothing yet, a server's number is the slot */
	if (!vectors && region->div.server)
		id = peer;
	bell = shmipc_host_server_bell(&region->server, id);
	if (!bell || !bell->vectors || id == region->server.id)
		return -1;
	if (!vectors || vectors > bell->vectors)
		vectors = bell->vectors;
	return bell->fds[region->slot % vectors];
}

/*
 * The lock is held: it keeps the descriptors from being closed. A write that would
 * block, as peers can bring about, is left out: a full eventfd is rung already.
 */
void shmipc_host_flush_rings(struct host_region *region)
{
	const u64 one = 1;
	u64 ring = region->ring;
	u32 peer;
	int fd;

	region->ring = 0;
	for (; ring; ring &= ring - 1) {
		peer = __builtin_ctzll(ring);
		fd = peer < region->div.geo.peers && peer != region->slot ? ring_fd(region, peer) :
									    -1;
		if (fd >= 0 && shmipc_host_is_ready(fd, POLLOUT) &&
		    write(fd, &one, sizeof(one)) < 0)
			continue;	/* likewise */
	}
}

void shmipc_host_ring_mask(struct host_region *region, u64 peers)
{
	u32 peer;

	for (peer = 0; peer < region->div.geo.peers; peer++)
		if (peers & 1ULL << peer && peer != region->slot)
			shmipc_host_link_ring(&region->links[peer]);
}

/* The slot was lost: the section is somebody else's, and nothing of it is touched again */
void shmipc_host_region_gone(struct host_region *region)
{
	struct host_endpoint *ep;

	region->gone = true;
	for (ep = region->endpoints; ep; ep = ep->next)
		shmipc_host_endpoint_changed(ep);
	shmipc_host_wake(&region->wq);
}

/*
 * Rescans ask: memory may be set back to an earlier state. What each link needs is
 * written again; if the section is of another time, nobody takes us for who we are.
 */
void shmipc_host_region_verify(struct host_region *region)
{
	u32 peer;

	if (region->gone || shmipc_core_verify(region->core))
		return;
	for (peer = 0; peer < region->div.geo.peers; peer++)
		if (peer != region->slot)
			shmipc_core_relink(region->core, peer);
	shmipc_host_ring_mask(region, ~0ULL);
	if (!shmipc_core_verify(region->core))
		shmipc_host_region_gone(region);
}

/* The program and its number: who reads PEERS wants to know whom to ask */
static void region_name(struct host_region *region)
{
	char *at;

	snprintf(region->name, sizeof(region->name), "%.20s-%u", program_invocation_short_name,
		 region->pid);
	for (at = region->name; *at; at++) {
		char one[SHMIPC_NAME_MAX] = { *at };

		if (!shmipc_host_name_ok(one, false))
			*at = '_';
	}
}

static int region_memory(struct host_region *region, const char *where)
{
	const char *path = strip(where, "unix:");
	bool served = path;
	int fd, err;

	if (served) {
		err = shmipc_host_server_join(&region->server, path, &fd);
		if (err)
			return err;
	} else {
		path = strip(where, "file:");
		fd = open(path ? path : where, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd < 0)
			return -errno;
	}
	err = shmipc_host_memory_map(region, fd);
	close(fd);
	/* A server's descriptor that is no memory at all is its mistake */
	if (served && (err == -ENODEV || err == -EACCES))
		return -EBADMSG;
	return err ? err : shmipc_host_memory_divide(region, served);
}

static int region_slot(struct host_region *region)
{
	if (!region->div.server)
		return shmipc_host_memory_claim(region);
	if (region->server.id >= region->div.geo.peers)
		return -EBADMSG;
	region->slot = region->server.id;
	region->mark = shmipc_roster_mark(region->map, region->slot);
	return 0;
}

static int region_links(struct host_region *region)
{
	u32 peer;

	region->slots = calloc(region->div.geo.ports, sizeof(*region->slots));
	if (!region->slots)
		return -ENOMEM;
	for (peer = 0; peer < region->div.geo.peers; peer++) {
		struct host_link *link = &region->links[peer];

		link->region = region;
		link->peer = peer;
		link->flights = calloc(region->div.geo.ports, sizeof(*link->flights));
		if (!link->flights)
			return -ENOMEM;
	}
	return 0;
}

static void region_vectors(struct host_region *region)
{
	const struct host_bell *own = shmipc_host_server_bell(&region->server, region->server.id);

	if (region->server.sock >= 0 && own)
		region->vectors = own->vectors;
	region->polling = !region->vectors;
}

static int region_attach(struct host_region *region)
{
	struct shmipc_core_config cfg = {
		.ops = &shmipc_host_core_ops,
		.ctx = region,
		.geo = region->div.geo,
		.slot = region->slot,
		.own = shmipc_divide_section(&region->div, region->map, region->slot),
		.doorbell = region->server.sock >= 0 ? region->server.id : region->slot,
		.name = region->name,
	};
	void *mem = calloc(1, shmipc_core_size(&cfg.geo));
	const struct shmipc_wire_header *header;
	u32 peer;

	if (!mem)
		return -ENOMEM;
	region_vectors(region);
	cfg.vectors = region->vectors;
	region->core = shmipc_core_init(mem, &cfg);
	for (peer = 0; peer < cfg.geo.peers; peer++) {
		if (peer == region->slot)
			continue;
		header = shmipc_divide_section(&region->div, region->map, peer);
		shmipc_core_set_peer(region->core, peer, header);
		shmipc_host_notify_met(&region->links[peer], shm_read32(&header->epoch));
	}
	shmipc_core_set_polling(region->core, region->polling);
	shmipc_core_attach(region->core);
	region->epoch = shmipc_core_epoch(region->core);
	return 0;
}

static bool link_under_way(const struct host_link *link)
{
	const struct shmipc_core *core = link->region->core;

	if (shmipc_host_link_state(link) != SHMIPC_PEER_UP)
		return false;
	return link->streams || shmipc_core_undrained(core, link->peer) ||
	       (link->belled && !shmipc_core_probe_answered(core, link->peer));
}

static bool anything_under_way(struct host_region *region)
{
	u32 peer;

	for (peer = 0; peer < region->div.geo.peers; peer++) {
		struct host_link *link = shmipc_host_link(region, peer);

		if (link && link_under_way(link))
			return true;
	}
	return false;
}

/* Bells are counters in our section: who answers a probe has looked at them */
static void ask_the_belled(struct host_region *region)
{
	u32 peer;

	for (peer = 0; peer < region->div.geo.peers; peer++) {
		struct host_link *link = shmipc_host_link(region, peer);

		if (!link || !link->belled || shmipc_host_link_state(link) != SHMIPC_PEER_UP)
			continue;
		shmipc_core_probe(region->core, peer);
		shmipc_host_link_ring(link);
	}
}

/*
 * What was sent and lies in our lanes goes with our section: who closes gives the
 * peers a moment to take it. A device stays when a program ends, we do not.
 */
void shmipc_host_region_linger(struct host_region *region)
{
	struct host_wait wait = { .deadline = shmipc_host_now() + LINGER_NS };
	u32 peer;

	if (!region->gone)
		ask_the_belled(region);
	while (!region->gone && anything_under_way(region) && !shmipc_host_may_sleep(&wait)) {
		for (peer = 0; peer < region->div.geo.peers; peer++)
			if (peer != region->slot)
				shmipc_host_link_rescan(&region->links[peer], 0);
		shmipc_host_sleep(region, &region->wq, &wait, LINGER_STEP_NS);
	}
}

static bool anybody_joining(const struct host_region *region)
{
	u32 peer;

	for (peer = 0; peer < region->div.geo.peers; peer++)
		if (peer != region->slot &&
		    shmipc_host_link_state(&region->links[peer]) == SHMIPC_PEER_JOINING)
			return true;
	return false;
}

/* Who opens wants to talk: give those who are there a moment to shake hands */
static void region_hello(struct host_region *region)
{
	struct host_wait wait = { .deadline = shmipc_host_now() + HELLO_NS };

	shmipc_host_lock(region);
	shmipc_host_serve(region);
	shmipc_host_ring_mask(region, ~0ULL);
	shmipc_host_active(region);
	while (anybody_joining(region) && !shmipc_host_may_sleep(&wait))
		if (shmipc_host_sleep(region, &region->wq, &wait, 0) < 0)
			break;
	shmipc_host_unlock(region);
}

static void region_free(struct host_region *region)
{
	u32 peer;

	for (peer = 0; peer < HOST_PEERS; peer++)
		if (region->links[peer].region)
			shmipc_host_flight_release(&region->links[peer]);
	free(region->slots);
	free(region->core);
	if (region->map)
		munmap(region->map, region->bytes);
	shmipc_host_server_leave(&region->server);
	if (region->kick >= 0)
		close(region->kick);
	if (region->alive)
		munmap(region->alive, sysconf(_SC_PAGESIZE));
	free(region);
}

/* Take our section down and give the slot back; no service thread any more */
static void region_detach(struct host_region *region)
{
	if (!region->gone && shmipc_host_region_held(region)) {
		shmipc_core_detach(region->core);
		shmipc_host_ring_mask(region, ~0ULL);
		shmipc_host_flush_rings(region);
	}
	if (region->claimed)
		shmipc_claim_release(&region->claim);
}

static struct host_region *region_new(void)
{
	struct host_region *region = calloc(1, sizeof(*region));
	size_t page = sysconf(_SC_PAGESIZE);

	if (!region)
		return NULL;
	region->alive = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
	if (region->alive == MAP_FAILED) {
		free(region);
		return NULL;
	}
	madvise(region->alive, page, MADV_WIPEONFORK);
	*region->alive = 1;
	pthread_mutex_init(&region->lock, NULL);
	region->kick = -1;
	region->server.sock = -1;
	region->server.fd = -1;
	region->pid = getpid();
	region->uid = geteuid();
	region->active = shmipc_host_now();
	/* A peer that remembers a generation must not meet it again */
	if (getrandom(&region->next_generation, sizeof(region->next_generation), 0) < 0)
		region->next_generation = region->active;
	region_name(region);
	return region;
}

static int region_open(struct host_region *region, const char *where)
{
	int err = region_memory(region, where);

	if (!err)
		err = region_slot(region);
	if (!err)
		err = region_links(region);
	if (err)
		return err;
	err = region_attach(region);
	if (err)
		return err;
	err = shmipc_host_service_start(region);
	if (err)
		region_detach(region);
	return err;
}

int shmipc_host_region_open(const char *where, struct host_region **out)
{
	struct host_region *region = region_new();
	int err;

	if (!region)
		return -ENOMEM;
	err = region_open(region, where);
	if (err) {
		if (region->claimed && !region->core)
			shmipc_claim_release(&region->claim);
		region_free(region);
		return err;
	}
	region_hello(region);
	*out = region;
	return 0;
}

void shmipc_host_region_close(struct host_region *region)
{
	shmipc_host_service_stop(region);
	region_detach(region);
	region_free(region);
}

/* The mapping, descriptors and memory of a child; the parent's attachment stays */
void shmipc_host_region_forget(struct host_region *region)
{
	struct host_endpoint *ep;

	while (region->endpoints) {
		ep = region->endpoints;
		region->endpoints = ep->next;
		free(ep);
	}
	region_free(region);
}
