// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The service thread of a region: it waits for doorbells, reads what the server says,
 * and looks at the peers; without doorbells it looks again and again, the less often
 * the longer nothing has happened.
 *
 * Periodic work is done only where somebody needs it:
 *	beats		4 times a second by who polls, else at each doorbell
 *	probing		while somebody listens to peers, or a stream is under way
 *	the slot	twice a second when the server that gave it is gone
 */
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

#define POLL_MIN_NS	(NS_PER_MS / 50)
#define POLL_MAX_NS	(250 * NS_PER_MS)
#define POLL_SHARE	8	/* of the time that nothing has happened */
#define BEAT_NS		(250 * NS_PER_MS)
#define PROBE_NS	(300 * NS_PER_MS)
#define RETRY_NS	NS_PER_MS	/* after no memory */
#define ORPHAN_NS	(500 * NS_PER_MS)
#define FOREVER		INT64_MAX
#define FDS_MAX		(2 + 64)

static void nudge(struct host_region *region)
{
	u64 one = 1;

	if (!region->nap_until || write(region->kick, &one, sizeof(one)) < 0)
		return;
	region->nap_until = 0;
}

void shmipc_host_active(struct host_region *region)
{
	region->active = shmipc_host_now();
	if (region->polling && region->nap_until > region->active + NS_PER_MS)
		nudge(region);
}

void shmipc_host_nudge(struct host_region *region)
{
	shmipc_host_active(region);
	nudge(region);
}

/* Look at all peers. SHMIPC_SERVICE_MORE, _RETRY */
static u32 serve_all(struct host_region *region)
{
	u32 more = 0;
	u32 peer;

	for (peer = 0; peer < region->div.geo.peers; peer++)
		if (peer != region->slot)
			more |= shmipc_host_link_serve(&region->links[peer]);
	return more;
}

void shmipc_host_serve(struct host_region *region)
{
	if (!region->gone && serve_all(region))
		nudge(region);
}

static bool somebody_listens(const struct host_region *region)
{
	const struct host_endpoint *ep;
	u32 peer;

	if (region->lookups)
		return true;
	/* A stream's sender does not wait for it */
	for (peer = 0; peer < region->div.geo.peers; peer++)
		if (region->links[peer].streams)
			return true;
	for (ep = region->endpoints; ep; ep = ep->next)
		if (ep->watches || ep->event_mask & SHMIPC_MASK_PEER)
			return true;
	return false;
}

/* When the next probing is due */
static s64 service_probe(struct host_region *region, s64 now)
{
	u32 peer;

	/* Also behind a server: it tells of peers that died, not of those that do not answer */
	if (!somebody_listens(region))
		return FOREVER;
	if (now < region->probe_at)
		return region->probe_at;
	for (peer = 0; peer < region->div.geo.peers; peer++)
		if (peer != region->slot)
			shmipc_host_link_rescan(&region->links[peer], PROBE_NS / NS_PER_MS);
	region->probe_at = now + PROBE_NS;
	return region->probe_at;
}

/* Not in the name of a successor: it would seem alive after its death */
static void claim_beat(struct host_region *region)
{
	if (region->claimed && !region->gone && shmipc_host_region_held(region))
		shmipc_claim_beat(&region->claim);
}

static s64 service_beat(struct host_region *region, s64 now)
{
	if (!region->polling)
		return FOREVER;
	if (now < region->beat_at)
		return region->beat_at;
	if (!shmipc_host_region_held(region))
		return now;	/* who takes the lock next finds out */
	shmipc_core_heartbeat(region->core);
	claim_beat(region);
	region->beat_at = now + BEAT_NS;
	return region->beat_at;
}

static s64 service_poll(const struct host_region *region, s64 now)
{
	s64 nap = (now - region->active) / POLL_SHARE;

	if (!region->polling)
		return FOREVER;
	return now + min(max(nap, POLL_MIN_NS), POLL_MAX_NS);
}

/* The server hung up: it says so before it takes the slot away, and nothing after */
static s64 service_orphan(const struct host_region *region, s64 now)
{
	return region->mark && region->server.sock < 0 ? now + ORPHAN_NS : FOREVER;
}

/* Everything once. Returns when to do it again at the latest */
static s64 service_round(struct host_region *region)
{
	s64 now = shmipc_host_now(), next = FOREVER, due;
	u32 peer, more;

	if (region->gone)
		return FOREVER;
	more = serve_all(region);
	if (more)
		next = more & SHMIPC_SERVICE_MORE ? now : now + RETRY_NS;
	for (peer = 0; peer < region->div.geo.peers; peer++) {
		due = peer == region->slot ? 0 : shmipc_host_link_due(&region->links[peer]);
		next = due ? min(next, due) : next;
	}
	due = service_probe(region, now);
	next = min(next, due);
	due = service_beat(region, now);
	next = min(next, due);
	due = service_orphan(region, now);
	next = min(next, due);
	due = service_poll(region, now);
	return min(next, due);
}

/*
 * What to wait for: a kick, the server, our own vectors. Those of a slot that was lost are
 * its successor's, who would miss what we take back.
 */
static int service_fds(struct host_region *region, struct pollfd *fds)
{
	const struct host_bell *own = shmipc_host_server_bell(&region->server, region->server.id);
	u32 vector;
	int nr = 2;

	fds[0] = (struct pollfd){ .fd = region->kick, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = region->gone ? -1 : region->server.sock, .events = POLLIN };
	for (vector = 0; own && !region->gone && vector < own->vectors; vector++)
		fds[nr++] = (struct pollfd){ .fd = own->fds[vector], .events = POLLIN };
	return nr;
}

static void service_nap(struct pollfd *fds, int nr, s64 until)
{
	struct timespec time;
	s64 left;

	if (until == FOREVER) {
		poll(fds, nr, -1);
		return;
	}
	left = until - shmipc_host_now();
	left = max(left, 0);
	time.tv_sec = left / NS_PER_S;
	time.tv_nsec = left % NS_PER_S;
	ppoll(fds, nr, &time, NULL);
}

/* Take back what woke us. True: a doorbell */
static bool service_drain(const struct pollfd *fds, int nr)
{
	bool rung = false;
	u64 count;
	int i;

	for (i = 0; i < nr; i++) {
		if (i == 1 || !(fds[i].revents & POLLIN))
			continue;
		/* Others have our bells as well, and may have taken it meanwhile */
		if (shmipc_host_is_ready(fds[i].fd, POLLIN) &&
		    read(fds[i].fd, &count, sizeof(count)) == sizeof(count))
			rung |= i > 1;
	}
	return rung;
}

/* The server announced somebody, or more of our own vectors, or is gone */
static void service_server(struct host_region *region)
{
	const struct host_bell *own;

	shmipc_host_server_read(&region->server);
	own = shmipc_host_server_bell(&region->server, region->server.id);
	if (own && !region->gone && own->vectors != region->vectors) {
		region->vectors = own->vectors;
		region->polling = false;
		shmipc_core_set_polling(region->core, false);
		shmipc_core_set_vectors(region->core, region->vectors);
	}
	/* Whom we could not ring before we can now */
	shmipc_host_ring_mask(region, ~0ULL);
}

static void *service_main(void *arg)
{
	struct host_region *region = arg;
	struct pollfd fds[FDS_MAX];
	s64 until;
	int nr;

	prctl(PR_SET_NAME, "shmipc");
	prctl(PR_SET_TIMERSLACK, 1000UL);
	shmipc_host_lock(region);
	while (!region->stop) {
		until = service_round(region);
		nr = service_fds(region, fds);
		region->nap_until = until;
		shmipc_host_unlock(region);
		service_nap(fds, nr, until);
		shmipc_host_lock(region);
		region->nap_until = 0;
		if (service_drain(fds, region->gone ? 1 : nr))
			claim_beat(region);
		if (fds[1].revents)
			service_server(region);
	}
	shmipc_host_unlock(region);
	return NULL;
}

int shmipc_host_service_start(struct host_region *region)
{
	sigset_t all, old;
	int err;

	region->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (region->kick < 0)
		return -errno;
	/* Signals are for the program's own threads */
	sigfillset(&all);
	/* But for those that this thread causes: a handler for SIGBUS, say, shall see them */
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&region->thread, NULL, service_main, region);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

void shmipc_host_service_stop(struct host_region *region)
{
	u64 one = 1;

	shmipc_host_lock(region);
	region->stop = true;
	if (write(region->kick, &one, sizeof(one)) < 0)
		region->nap_until = 0;
	shmipc_host_unlock(region);
	pthread_join(region->thread, NULL);
}
