// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The client's side of the ivshmem client-server protocol (QEMU's
 * docs/specs/ivshmem-spec): 8-byte little-endian numbers on a stream socket, some
 * with one descriptor.
 *
 *	0		the version
 *	id		ours
 *	-1	+ fd	the shared memory
 *	id	+ fd	the next vector of that client (or of ourselves): an eventfd
 *	id		that client is gone
 *
 * A server that says anything else is not listened to any more.
 */
#include <endian.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "host.h"

#define GREETING_MS	5000
#define BELLS_MS	1000	/* for our own vectors, after the memory */
#define ID_MAX		65535
#define VECTORS_MAX	64	/* of one client that we use */
#define NO_WORD		1	/* nothing (complete) to read now */

/* A server that does not accept, with its queue full, is given as long as for its greeting */
static int connect_in_time(int sock, const struct sockaddr_un *addr)
{
	s64 until = shmipc_host_now() + GREETING_MS * NS_PER_MS;

	while (connect(sock, (const struct sockaddr *)addr, sizeof(*addr)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (shmipc_host_now() >= until)
			return -ETIMEDOUT;
		poll(NULL, 0, 10);
	}
	return 0;
}

static int server_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock, err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path));
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return -errno;
	err = connect_in_time(sock, &addr);
	if (err)
		close(sock);
	return err ? err : sock;
}

/*
 * O_NONBLOCK is the eventfd's and not ours: whoever has been handed it may clear it.
 * What is left is a race of one who fills it in between.
 */
bool shmipc_host_is_ready(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	return poll(&pfd, 1, 0) == 1 && pfd.revents & events;
}

static void drop_fd(struct host_server *server)
{
	if (server->fd >= 0)
		close(server->fd);
	server->fd = -1;
}

/*
 * Keep the one descriptor that may come with a number; two are one too many. That we
 * have room for none is no fault of the server's.
 */
static int take_fds(struct host_server *server, struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	int err = 0;

	server->missed |= !!(msg->msg_flags & MSG_CTRUNC);
	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t i, nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; i < nr; i++) {
			if (server->fd >= 0) {
				close(server->fd);
				err = -EBADMSG;
			}
			memcpy(&server->fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
		}
	}
	return err;
}

/* 0: a number, and perhaps server->fd. NO_WORD; -ECONNRESET: closed; -EBADMSG */
static int read_word(struct host_server *server, int64_t *word)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {
		.iov_base = server->word + server->got,
		.iov_len = sizeof(server->word) - server->got,
	};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(server->sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	uint64_t raw;
	int err;

	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? NO_WORD : -ECONNRESET;
	if (!len)
		return server->got ? -EBADMSG : -ECONNRESET;
	err = take_fds(server, &msg);
	if (err)
		return err;
	server->got += len;
	if (server->got < sizeof(server->word))
		return NO_WORD;
	server->got = 0;
	memcpy(&raw, server->word, sizeof(raw));
	*word = le64toh(raw);
	return 0;
}

/* Likewise, but wait until @until. -ETIMEDOUT */
static int wait_word(struct host_server *server, int64_t *word, s64 until)
{
	struct pollfd pfd = { .fd = server->sock, .events = POLLIN };
	s64 left;
	int err;

	for (;;) {
		err = read_word(server, word);
		if (err != NO_WORD)
			return err;
		left = (until - shmipc_host_now()) / NS_PER_MS;
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&pfd, 1, left) < 0 && errno != EINTR)
			return -errno;
	}
}

struct host_bell *shmipc_host_server_bell(const struct host_server *server, u32 id)
{
	u32 low = 0, high = server->nr_bells;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (server->bells[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < server->nr_bells && server->bells[low].id == id ? &server->bells[low] : NULL;
}

static struct host_bell *bell_add(struct host_server *server, u32 id)
{
	struct host_bell *bells;
	u32 at = server->nr_bells;

	bells = realloc(server->bells, (server->nr_bells + 1) * sizeof(*bells));
	if (!bells)
		return NULL;
	server->bells = bells;
	while (at && bells[at - 1].id > id)
		at--;
	memmove(&bells[at + 1], &bells[at], (server->nr_bells - at) * sizeof(*bells));
	bells[at] = (struct host_bell){ .id = id };
	server->nr_bells++;
	return &bells[at];
}

static void bell_free(struct host_bell *bell)
{
	while (bell->vectors)
		close(bell->fds[--bell->vectors]);
	free(bell->fds);
	bell->fds = NULL;
}

static void bell_remove(struct host_server *server, struct host_bell *bell)
{
	u32 at = bell - server->bells;

	bell_free(bell);
	server->nr_bells--;
	memmove(bell, bell + 1, (server->nr_bells - at) * sizeof(*bell));
}

/* Where /proc says what a descriptor is, it has to be an eventfd */
static bool is_eventfd(int fd)
{
	char path[40], target[40] = "";
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, target, sizeof(target) - 1);
	return len < 0 || !strcmp(target, "anon_inode:[eventfd]");
}

/* The next vector of client @id was to come. Vectors have no numbers: this is the last */
static int bell_missed(struct host_server *server, u32 id)
{
	struct host_bell *bell = shmipc_host_server_bell(server, id);

	server->missed = false;
	drop_fd(server);
	if (!bell)
		bell = bell_add(server, id);
	if (!bell)
		return -ENOMEM;
	bell->missed = true;
	return 0;
}

/* server->fd is the next vector of client @id */
static int bell_vector(struct host_server *server, u32 id)
{
	struct host_bell *bell = shmipc_host_server_bell(server, id);
	int *fds;

	if (!is_eventfd(server->fd) || fcntl(server->fd, F_SETFL, O_NONBLOCK) < 0)
		return -EBADMSG;
	if (!bell)
		bell = bell_add(server, id);
	if (!bell)
		return -ENOMEM;
	if (bell->missed || bell->vectors >= VECTORS_MAX) {
		drop_fd(server);
		return 0;
	}
	fds = realloc(bell->fds, (bell->vectors + 1) * sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	bell->fds = fds;
	fds[bell->vectors++] = server->fd;
	server->fd = -1;
	return 0;
}

/* A client comes, or (without a descriptor) goes */
static int take_bell(struct host_server *server, int64_t word)
{
	struct host_bell *bell;

	if (word < 0 || word > ID_MAX)
		return -EBADMSG;
	if (server->missed)
		return bell_missed(server, word);
	if (server->fd >= 0)
		return bell_vector(server, word);
	bell = shmipc_host_server_bell(server, word);
	if (!bell || word == server->id)
		return -EBADMSG;
	bell_remove(server, bell);
	return 0;
}

static void server_hang_up(struct host_server *server)
{
	drop_fd(server);
	close(server->sock);
	server->sock = -1;
}

/*
 * Read what there is, without waiting. A server that closes has died, or been
 * restarted: what it gave us still works. Garbage: -EBADMSG, and no more is read.
 */
int shmipc_host_server_read(struct host_server *server)
{
	int64_t word;
	int err = 0;

	while (server->sock >= 0 && !err) {
		err = read_word(server, &word);
		if (!err)
			err = take_bell(server, word);
	}
	if (err < 0)
		server_hang_up(server);
	return err < 0 && err != -ECONNRESET ? err : 0;
}

/* Version, id, memory */
static int greeting(struct host_server *server, int *memory)
{
	s64 until = shmipc_host_now() + GREETING_MS * NS_PER_MS;
	int64_t word;
	int err = wait_word(server, &word, until);

	if (!err && (word || server->fd >= 0))
		err = -EBADMSG;
	if (!err)
		err = wait_word(server, &word, until);
	if (!err && (word < 0 || word > ID_MAX || server->fd >= 0))
		err = -EBADMSG;
	if (err)
		return err;
	server->id = word;
	err = wait_word(server, &word, until);
	if (!err && server->missed)
		err = -EMFILE;
	if (!err && (word != -1 || server->fd < 0))
		err = -EBADMSG;
	if (err)
		return err;
	*memory = server->fd;
	server->fd = -1;
	return 0;
}

/* Our own vectors come last or in between: wait for the first one, take what is there */
static int first_bells(struct host_server *server)
{
	s64 until = shmipc_host_now() + BELLS_MS * NS_PER_MS;
	int64_t word;
	int err = 0;

	while (!err && !shmipc_host_server_bell(server, server->id)) {
		err = wait_word(server, &word, until);
		if (!err)
			err = take_bell(server, word);
	}
	/* A server without vectors: then we poll */
	if (err == -ETIMEDOUT)
		return 0;
	return err ? err : shmipc_host_server_read(server);
}

int shmipc_host_server_join(struct host_server *server, const char *path, int *memory)
{
	int err;

	*memory = -1;
	server->fd = -1;
	server->sock = server_connect(path);
	if (server->sock < 0)
		return server->sock;
	err = greeting(server, memory);
	if (!err)
		err = first_bells(server);
	if (!err)
		return 0;
	if (*memory >= 0)
		close(*memory);
	shmipc_host_server_leave(server);
	return err;
}

void shmipc_host_server_leave(struct host_server *server)
{
	if (server->sock >= 0)
		server_hang_up(server);
	while (server->nr_bells)
		bell_free(&server->bells[--server->nr_bells]);
	free(server->bells);
	server->bells = NULL;
}
