// SPDX-License-Identifier: GPL-2.0
/*
 * Who is connected. A client may do what it likes: not read, send nonsense, vanish.
 * It costs the others nothing, and itself its place only if it does not read.
 */
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "server.h"

#define UNREAD_BYTES	(8 << 10)	/* some 20 messages */
#define HEARD_MAX	(64 << 10)	/* bytes that are read and thrown away in one tick */

struct client clients[SHMIPC_WIRE_PEERS_MAX];

static struct bells *bells[SHMIPC_WIRE_PEERS_MAX];
static u64 joined, refused;

void clients_init(void)
{
	u32 slot;

	for (slot = 0; slot < SHMIPC_WIRE_PEERS_MAX; slot++) {
		clients[slot].watch.fd = -1;
		clients[slot].slot = slot;
	}
}

void clients_set_bells(u32 slot, struct bells *them)
{
	bells_put(bells[slot]);
	bells[slot] = them;
}

int clients_make_bells(void)
{
	u32 slot;

	if (!region_served())
		return 0;
	for (slot = 0; slot < region_peers(); slot++) {
		clients_set_bells(slot, bells_new(slot, options.vectors));
		if (!bells[slot])
			return -1;
		systemd_keep_bells(bells[slot]);
	}
	return 0;
}

struct bells *clients_bells(u32 slot)
{
	return bells[slot];
}

struct client *client_next(struct client *client)
{
	client = client ? client + 1 : clients;
	for (; client < clients + region_peers(); client++)
		if (client->watch.fd >= 0)
			return client;
	return NULL;
}

u32 clients_connected(void)
{
	struct client *client;
	u32 count = 0;

	for_each_client(client)
		count++;
	return count;
}

u64 clients_joined(void)
{
	return joined;
}

u64 clients_refused(void)
{
	return refused;
}

/* "3" or "3 (its name)" */
static const char *who(const struct client *client)
{
	static char text[sizeof(client->peer.name) + 16];

	if (*client->peer.name)
		snprintf(text, sizeof(text), "%u (%s)", client->id, client->peer.name);
	else
		snprintf(text, sizeof(text), "%u", client->id);
	return text;
}

/* A client becomes a peer when it attaches */
static void look_at_section(struct client *client)
{
	struct region_peer peer;

	region_peer(client->id, &peer);
	if (!peer.epoch || peer.epoch == client->peer.epoch)
		return;
	client->peer = peer;
	note_limited("peer %u is \"%s\"", client->id, peer.name);
}

void client_doom(struct client *client, const char *why)
{
	if (!client->doomed)
		client->doomed = why;
}

static void watch_for(struct client *client, u32 events)
{
	events |= EPOLLRDHUP;
	if (events == client->events)
		return;
	client->events = events;
	loop_change(&client->watch, events);
}

/*
 * One that has been told half of it could not be told the rest by another process. One
 * that has been told all of it must not be unknown to that process, which would give its
 * slot away: it is handed over before the last message. If systemd does not take it, the
 * tick tries again.
 */
static int tell_rest(struct client *client, bool *progress)
{
	int fd = client->watch.fd;
	int left;

	if (client->kept)
		return queue_flush(&client->queue, fd, 0, progress);
	left = queue_flush(&client->queue, fd, 1, progress);
	if (left)
		return left;
	client->kept = systemd_keep(SYSTEMD_CLIENT, client->id, 0, fd);
	left = queue_flush(&client->queue, fd, 0, progress);
	if (left && client->kept) {
		systemd_forget(SYSTEMD_CLIENT, client->id, 0);
		client->kept = false;
	}
	return left;
}

/* What has no room then is what others have not read */
static bool has_read_all(const struct client *client)
{
	int unread;

	return !ioctl(client->watch.fd, SIOCOUTQ, &unread) && !unread;
}

void client_flush(struct client *client)
{
	bool progress = false;
	int left;

	if (client->doomed)
		return;
	left = tell_rest(client, &progress);
	if (left < 0) {
		client_doom(client, left == -EPIPE ? "disconnected" : strerror(-left));
		return;
	}
	if (!left)
		client->stuck = 0;
	else if (progress || !client->stuck || (left == 2 && has_read_all(client)))
		client->stuck = now_ms();
	/* 2: there is no event for what lacks room then; the tick tries again */
	watch_for(client, (client->events & EPOLLIN) | (left == 1 ? EPOLLOUT : 0));
}

/* Nothing is to be said to a server. One that talks too much is not listened to for a while */
static void client_hear(struct client *client)
{
	char buf[4096];
	ssize_t len = recv(client->watch.fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (!len) {
		client_doom(client, "disconnected");
	} else if (len < 0) {
		if (errno != EAGAIN && errno != EINTR)
			client_doom(client, strerror(errno));
	} else {
		if (!client->heard)
			detail("%s sends something, to no avail", who(client));
		client->heard += len;
		if (client->heard >= HEARD_MAX)
			watch_for(client, client->events & ~EPOLLIN);
	}
}

static void client_ready(struct watch *watch, u32 events)
{
	struct client *client = (struct client *)watch;	/* its first member */

	if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		client_doom(client, "disconnected");
	if (events & EPOLLIN)
		client_hear(client);
	if (events & EPOLLOUT)
		client_flush(client);
}

static void forget(struct client *client)
{
	u32 vector;

	if (client->kept)
		systemd_forget(SYSTEMD_CLIENT, client->id, 0);
	if (!region_served())
		for (vector = 0; vector < client->bells->count; vector++)
			systemd_forget(SYSTEMD_BELL, client->id, vector);
}

static void leave(struct client *client)
{
	look_at_section(client);
	note_limited("peer %s left: %s", who(client), client->doomed);
	forget(client);
	loop_unwatch(&client->watch);
	/* It hears of it even if systemd has not forgotten it */
	shutdown(client->watch.fd, SHUT_RDWR);
	close(client->watch.fd);
	client->watch.fd = -1;
	queue_clear(&client->queue);
	region_leave(client->slot);
	protocol_farewell(client);
	bells_put(client->bells);
	client->bells = NULL;
}

void clients_sweep(void)
{
	struct client *client;
	bool again;

	do {	/* telling the others may doom one of them */
		again = false;
		for_each_client(client) {
			if (client->doomed) {
				leave(client);
				again = true;
			}
		}
	} while (again);
}

/* Those whose end we have not been told of yet: their slots are free */
static void find_dead(void)
{
	struct client *client;

	for_each_client(client) {
		struct pollfd look = { .fd = client->watch.fd, .events = POLLRDHUP };

		if (poll(&look, 1, 0) == 1)
			client_doom(client, "disconnected");
	}
	clients_sweep();
}

static struct client *lowest_free(void)
{
	u32 slot;

	for (slot = 0; slot < region_peers(); slot++)
		if (clients[slot].watch.fd < 0)
			return clients + slot;
	return NULL;
}

/* Takes over the bells, too */
static int client_init(struct client *client, int fd, u32 id, struct bells *its)
{
	socklen_t len = sizeof(client->who);
	const int unread = UNREAD_BYTES;
	u32 slot = client->slot;

	if (!its)
		return -1;

	memset(client, 0, sizeof(*client));
	client->slot = slot;
	client->watch.fd = -1;
	client->watch.ready = client_ready;
	client->since = now_ms();
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client->who, &len))
		memset(&client->who, 0, sizeof(client->who));
	/* Descriptors that are under way to those who do not read are limited for all together */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &unread, sizeof(unread));
	client->id = id;
	client->bells = its;
	client->events = EPOLLIN | EPOLLRDHUP;
	if (loop_watch(&client->watch, fd, client->events)) {
		bells_put(client->bells);
		return -1;
	}
	return 0;
}

static struct client *admit(int fd)
{
	struct client *client = lowest_free();
	u32 id;
	int err;

	if (!client) {
		note_limited("all %u slots are taken: a client is turned away (see --peers)",
			     region_peers());
		return NULL;
	}
	if (region_served()) {
		err = client_init(client, fd, client->slot, bells_get(bells[client->slot]));
	} else {
		id = ids_next();
		err = client_init(client, fd, id, bells_new(id, options.vectors));
	}
	return err ? NULL : client;
}

int clients_adopt(int fd, u32 id, struct bells *its)
{
	struct client *client = region_served() ? clients + id : lowest_free();

	if (!its)
		its = bells_get(bells[id]);
	if (!client || client->watch.fd >= 0) {
		bells_put(its);
		return -1;
	}
	if (client_init(client, fd, id, its))
		return -1;
	client->kept = true;
	if (region_served() && !region_occupied(client->slot))
		region_join(client->slot);
	return 0;
}

void clients_keep_again(u32 id)
{
	struct client *client;

	for_each_client(client)
		if (client->id == id)
			client->kept = false;
}

void clients_join(int fd)
{
	struct client *client;

	find_dead();
	client = admit(fd);
	if (!client) {
		refused++;
		close(fd);
		return;
	}
	joined++;
	/* Somebody may have rung the last one that was here, after its end, too */
	if (region_served())
		bells_drain(client->bells);
	else
		systemd_keep_bells(client->bells);
	region_join(client->slot);
	note_limited("peer %u joined: process %d of user %d", client->id, client->who.pid,
		     client->who.uid);
	protocol_welcome(client);
	clients_sweep();
}

void clients_tick(void)
{
	struct client *client;

	for_each_client(client) {
		if (queue_length(&client->queue) || !client->kept)
			client_flush(client);
		if (client->stuck && now_ms() - client->stuck >= 1000ULL * options.timeout)
			client_doom(client, "does not read what it is told");
		client->heard = 0;
		watch_for(client, client->events | EPOLLIN);
		look_at_section(client);
	}
	clients_sweep();
}
