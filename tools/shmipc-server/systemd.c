// SPDX-License-Identifier: GPL-2.0
/*
 * What outlives this process: systemd may listen for us, and keeps the memory, the
 * bells and the clients' sockets until the next process asks for them. The protocol
 * is a few environment variables and datagrams (sd_listen_fds(3), sd_notify(3)).
 *
 * The descriptors are told apart by their names:
 *
 *	memory		the shared memory
 *	bell.ID.VECTOR	an eventfd
 *	client.ID	a client that has been told everything, but perhaps the last message
 *	ids		with --classic, how many there have been
 *
 * and a socket that listens, whatever its name.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "server.h"

#define FIRST		3	/* the first descriptor that is passed */
#define NAME_MAX_LEN	32

static struct systemd_fd *fds;
static u32 count;
static int notify = -1;

static bool is_listening(int fd)
{
	int is = 0;
	socklen_t len = sizeof(is);

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is, &len) && is;
}

static void classify(struct systemd_fd *fd, const char *name)
{
	char end;

	fd->kind = SYSTEMD_OTHER;
	if (is_listening(fd->fd))
		fd->kind = SYSTEMD_LISTENER;
	else if (!strcmp(name, "memory"))
		fd->kind = SYSTEMD_MEMORY;
	else if (!strcmp(name, "ids"))
		fd->kind = SYSTEMD_IDS;
	else if (sscanf(name, "bell.%u.%u%c", &fd->id, &fd->vector, &end) == 2)
		fd->kind = SYSTEMD_BELL;
	else if (sscanf(name, "client.%u%c", &fd->id, &end) == 1)
		fd->kind = SYSTEMD_CLIENT;
}

static void connect_notify(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const struct timeval patience = { .tv_sec = 5 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len;

	if (!path || !*path || strlen(path) >= sizeof(addr.sun_path))
		return;
	len = strlen(path);
	memcpy(addr.sun_path, path, len);
	if (*path == '@')
		addr.sun_path[0] = 0;
	notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify < 0)
		return;
	setsockopt(notify, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	len += offsetof(struct sockaddr_un, sun_path);
	if (connect(notify, (struct sockaddr *)&addr, len)) {
		note("cannot talk to systemd: %m");
		close(notify);
		notify = -1;
	}
}

static void take_fds(u32 n, char *names)
{
	fds = calloc(n, sizeof(*fds));
	if (!fds)
		return;
	for (count = 0; count < n; count++) {
		const char *name = names ? strsep(&names, ":") : NULL;

		fds[count].fd = FIRST + count;
		fcntl(FIRST + count, F_SETFD, FD_CLOEXEC);
		classify(fds + count, name ? name : "");
	}
}

void systemd_init(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
	char *names = getenv("LISTEN_FDNAMES");

	connect_notify();
	if (pid && n && atoi(pid) == getpid() && atoi(n) > 0)
		take_fds(atoi(n), names);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	unsetenv("NOTIFY_SOCKET");
}

struct systemd_fd *systemd_find(enum systemd_kind kind, u32 id, u32 vector)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (fds[i].fd >= 0 && fds[i].kind == kind && fds[i].id == id &&
		    fds[i].vector == vector)
			return fds + i;
	return NULL;
}

struct systemd_fd *systemd_next(enum systemd_kind kind)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (fds[i].fd >= 0 && fds[i].kind == kind)
			return fds + i;
	return NULL;
}

int systemd_take(struct systemd_fd *fd)
{
	int taken;

	if (!fd)
		return -1;
	taken = fd->fd;
	fd->fd = -1;
	return taken;
}

/* One that was waited for in vain is not waited for again, until it listens */
static bool send_fd(const char *text, int fd)
{
	static bool deaf;
	struct iovec iov = { .iov_base = (char *)text, .iov_len = strlen(text) };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (notify < 0)
		return true;
	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(int));
	}
	deaf = sendmsg(notify, &msg, MSG_NOSIGNAL | (deaf ? MSG_DONTWAIT : 0)) < 0;
	if (deaf)
		note_limited("systemd does not listen: %m");
	return !deaf;
}

void systemd_say(const char *text)
{
	send_fd(text, -1);
}

static const char *name_of(enum systemd_kind kind, u32 id, u32 vector)
{
	static char name[NAME_MAX_LEN];

	switch (kind) {
	case SYSTEMD_BELL:
		snprintf(name, sizeof(name), "bell.%u.%u", id, vector);
		break;
	case SYSTEMD_CLIENT:
		snprintf(name, sizeof(name), "client.%u", id);
		break;
	case SYSTEMD_IDS:
		snprintf(name, sizeof(name), "ids");
		break;
	default:
		snprintf(name, sizeof(name), "memory");
	}
	return name;
}

bool systemd_keep(enum systemd_kind kind, u32 id, u32 vector, int fd)
{
	char text[NAME_MAX_LEN + 32];

	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name_of(kind, id, vector));
	return send_fd(text, fd);
}

void systemd_forget(enum systemd_kind kind, u32 id, u32 vector)
{
	char text[NAME_MAX_LEN + 32];

	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name_of(kind, id, vector));
	send_fd(text, -1);
}

void systemd_keep_bells(const struct bells *bells)
{
	u32 vector;

	for (vector = 0; vector < bells->count; vector++)
		systemd_keep(SYSTEMD_BELL, bells->id, vector, bells->fd[vector]);
}

void systemd_drop(struct systemd_fd *fd)
{
	if (fd->kind != SYSTEMD_LISTENER && fd->kind != SYSTEMD_OTHER)
		systemd_forget(fd->kind, fd->id, fd->vector);
	if (fd->kind == SYSTEMD_CLIENT)
		shutdown(fd->fd, SHUT_RDWR);
	close(systemd_take(fd));
}

/* What is left is of no use: neither to us nor to those that come after us */
void systemd_finish(void)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (fds[i].fd >= 0)
			systemd_drop(fds + i);
	free(fds);
	fds = NULL;
	count = 0;
}
