// SPDX-License-Identifier: GPL-2.0
/* The socket that clients connect to. */
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/un.h>
#include <unistd.h>

#include "server.h"

#define LOCK_TRIES	200	/* 10 ms each */

static struct watch listener = { .fd = -1 };
static struct stat made;
static int reserve = -1;

static int address(const char *path, struct sockaddr_un *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (snprintf(addr->sun_path, sizeof(addr->sun_path), "%s", path) >=
	    (int)sizeof(addr->sun_path)) {
		note("%s: too long for a socket", path);
		return -1;
	}
	return 0;
}

int listener_connect(const char *path)
{
	struct sockaddr_un addr;
	int fd, err;

	if (address(path, &addr))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

/* Does somebody answer? One who is too busy to do so does, too */
static bool is_listened_on(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool answer = fd >= 0 && (!connect(fd, (struct sockaddr *)addr, sizeof(*addr)) ||
				  errno != ECONNREFUSED);

	if (fd >= 0)
		close(fd);
	return answer;
}

/* Only what a dead server left behind is removed */
static int make_way(const struct sockaddr_un *addr)
{
	struct stat st;

	if (lstat(addr->sun_path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		note("%s is there and not a socket", addr->sun_path);
		return -1;
	}
	if (is_listened_on(addr)) {
		note("%s: another server listens there", addr->sun_path);
		return -1;
	}
	if (unlink(addr->sun_path)) {
		note("cannot replace %s: %m", addr->sun_path);
		return -1;
	}
	detail("%s was left behind; replaced", addr->sun_path);
	return 0;
}

static int group_id(gid_t *gid)
{
	struct group *group = getgrnam(options.group);
	char *end;

	if (group) {
		*gid = group->gr_gid;
		return 0;
	}
	*gid = strtoul(options.group, &end, 10);
	if (!*options.group || *end) {
		note("there is no group %s", options.group);
		return -1;
	}
	return 0;
}

static int give_away(const char *path)
{
	gid_t gid = -1;

	if (options.group && group_id(&gid))
		return -1;
	if ((options.group && chown(path, -1, gid)) || chmod(path, options.mode)) {
		note("cannot set group and mode of %s: %m", path);
		return -1;
	}
	return 0;
}

/* Until group and mode are right, nobody else may connect */
static int bind_private(int fd, const struct sockaddr_un *addr)
{
	mode_t mask = umask(0177);
	int err = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));

	umask(mask);
	if (err)
		note("cannot listen on %s: %m", addr->sun_path);
	return err;
}

/*
 * Between bind() and listen() a socket looks like one that a dead server left behind:
 * those that start at the same time take turns. Whoever may read the folder could hold
 * the lock for ever, hence the limit; and without it, it is but that race
 */
static int lock_folder_of(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	u32 tries = 0;

	free(copy);
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && tries++ < LOCK_TRIES)
		poll(NULL, 0, 10);
	return fd;
}

static int bind_and_listen(const char *path, struct stat *st)
{
	struct sockaddr_un addr;
	int fd;

	if (address(path, &addr) || make_way(&addr))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		note("cannot make a socket: %m");
		return -1;
	}
	if (bind_private(fd, &addr))
		goto err_close;
	if (give_away(path))
		goto err_unlink;
	if (!lstat(path, st) && !listen(fd, SOMAXCONN))
		return fd;
	note("cannot listen on %s: %m", path);
err_unlink:
	unlink(path);
err_close:
	close(fd);
	return -1;
}

int listener_bind(const char *path, struct stat *st)
{
	int lock = lock_folder_of(path);
	int fd = bind_and_listen(path, st);

	if (lock >= 0)
		close(lock);
	return fd;
}

/*
 * Without a free descriptor there is no accept(), and no end to being told that
 * there is something to accept: one is held back for turning clients away
 */
static void turn_away(int listening)
{
	int fd;

	note_limited("no descriptor for another client: %m");
	if (reserve >= 0)
		close(reserve);
	fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	else
		poll(NULL, 0, 10);	/* not even that: do not spin */
	reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int listener_accept(int listening)
{
	int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
		turn_away(listening);
	return fd;
}

static void listener_ready(struct watch *watch, u32 events)
{
	int fd = listener_accept(watch->fd);

	(void)events;
	if (fd >= 0)
		clients_join(fd);
}

static int listener_adopt(int fd)
{
	reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	listener.ready = listener_ready;
	return loop_watch(&listener, fd, EPOLLIN);
}

int listener_open(void)
{
	int fd = systemd_take(systemd_next(SYSTEMD_LISTENER));

	if (fd < 0)
		fd = listener_bind(options.socket, &made);
	return fd < 0 ? -1 : listener_adopt(fd);
}

/* The path may be another server's by now */
void listener_unbind(struct watch *watch, const char *path, const struct stat *st)
{
	struct stat now;

	if (watch->fd < 0)
		return;
	if (st->st_ino && !lstat(path, &now) && now.st_ino == st->st_ino &&
	    now.st_dev == st->st_dev)
		unlink(path);
	close(watch->fd);
	watch->fd = -1;
}

void listener_close(void)
{
	listener_unbind(&listener, options.socket, &made);
}
