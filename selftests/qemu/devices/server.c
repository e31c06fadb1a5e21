// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ivshmem2-server SOCKET [peers=3] [state-size=4096] [rw-size=36864] [output-size=8192]
 * [stale=VALUE]
 *
 * Holds what the peers of an ivshmem2 device share (see ivshmem2.h), and does for one that vanishes
 * what a hypervisor does: no more interrupts, state 0, a word to the others. The defaults are those
 * of Jailhouse's demo. With stale, that value stands in the state table for each peer that has not
 * come yet. On SIGTERM it says how many accesses went where they must not, and fails if any did.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "ivshmem2.h"

static struct iv2_link self = { .id = -1 };
static int client[IV2_MAX_PEERS];
static int control_fd;
static volatile sig_atomic_t over;

static void die(const char *what)
{
	fprintf(stderr, "ivshmem2-server: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void on_term(int signal)
{
	(void)signal;
	over = 1;
}

/* Memory of @size that is given to clients as a descriptor; mapped here up to @mapped */
static void *memory(const char *name, uint64_t size, uint64_t mapped, int *fd)
{
	void *place;

	*fd = memfd_create(name, MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, size))
		die("memory");
	place = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (place == MAP_FAILED)
		die("mmap");
	return place;
}

static void make(struct iv2_control *wanted, uint32_t stale)
{
	uint32_t n, v;

	self.control = memory("control", sizeof(*wanted), sizeof(*wanted), &control_fd);
	*self.control = *wanted;
	self.table = memory("memory", iv2_memory_size(wanted), wanted->state_size, &self.memory);
	for (n = 0; n < wanted->peers; n++) {
		client[n] = -1;
		self.table[n] = stale;
		for (v = 0; v < IV2_VECTORS; v++) {
			self.bell[n][v] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
			if (self.bell[n][v] < 0)
				die("eventfd");
		}
	}
}

static bool give(int to, int32_t number, const int *fds, int count)
{
	char space[CMSG_SPACE(sizeof(int) * IV2_VECTORS)] = "";
	struct iovec iov = { &number, sizeof(number) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = count ? space : NULL,
		.msg_controllen = count ? CMSG_SPACE(sizeof(int) * count) : 0,
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	if (head) {
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(head), fds, sizeof(int) * count);
	}
	return sendmsg(to, &msg, MSG_NOSIGNAL) == sizeof(number);
}

/* The id that @wanted gets, or -1 */
static int free_id(int32_t wanted)
{
	uint32_t n;

	for (n = 0; n < self.control->peers; n++) {
		if (client[n] < 0 && (wanted < 0 || wanted == (int32_t)n))
			return n;
	}
	return -1;
}

static void join(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), id;
	const int two[] = { self.memory, control_fd };
	int32_t wanted;
	uint32_t n;

	if (fd < 0)
		return;
	if (recv(fd, &wanted, sizeof(wanted), 0) != sizeof(wanted)) {
		close(fd);
		return;
	}
	id = free_id(wanted);
	if (id < 0) {
		printf("peer %d refused\n", wanted);
		give(fd, -1, NULL, 0);
		close(fd);
		return;
	}
	client[id] = fd;
	printf("peer %d came\n", id);
	if (!give(fd, id, two, 2))
		return; /* it has gone already, which poll will say */
	for (n = 0; n < self.control->peers; n++)
		give(fd, n, self.bell[n], IV2_VECTORS);
}

static void leave(uint32_t id)
{
	struct iv2_peer *peer = &self.control->peer[id];

	close(client[id]);
	client[id] = -1;
	iv2_close(&self, id);
	iv2_set_state(&self, id, 0);
	printf("peer %u went, %u interrupts delivered, %u dropped\n", id, peer->delivered,
	       peer->dropped);
}

static void serve(int listener)
{
	struct pollfd fds[IV2_MAX_PEERS + 1];
	uint32_t n;

	fds[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (n = 0; n < self.control->peers; n++)
		fds[n + 1] = (struct pollfd){ .fd = client[n], .events = POLLIN };
	if (poll(fds, self.control->peers + 1, 200) <= 0)
		return;
	for (n = 0; n < self.control->peers; n++) {
		if (fds[n + 1].revents)
			leave(n);
	}
	if (fds[0].revents)
		join(listener);
	fflush(stdout);
}

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	strcpy(addr.sun_path, path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 16))
		die(path);
	return fd;
}

static bool option(const char *word, const char *name, uint64_t *value)
{
	size_t len = strlen(name);

	if (strncmp(word, name, len) || word[len] != '=')
		return false;
	*value = strtoull(word + len + 1, NULL, 0);
	return true;
}

int main(int argc, char **argv)
{
	struct iv2_control wanted = { .state_size = 0x1000,
				      .rw_size = 0x9000,
				      .output_size = 0x2000 };
	uint64_t peers = 3, stale = 0;
	int listener, n;

	for (n = 2; n < argc; n++) {
		if (!option(argv[n], "peers", &peers) && !option(argv[n], "stale", &stale) &&
		    !option(argv[n], "state-size", &wanted.state_size) &&
		    !option(argv[n], "rw-size", &wanted.rw_size) &&
		    !option(argv[n], "output-size", &wanted.output_size))
			break;
	}
	if (argc < 2 || n < argc || peers < 2 || peers > IV2_MAX_PEERS || !wanted.state_size ||
	    (wanted.state_size | wanted.rw_size | wanted.output_size) % 4096) {
		fprintf(stderr, "usage: see the head of server.c\n");
		return 2;
	}
	wanted.peers = peers;
	signal(SIGTERM, on_term);
	signal(SIGINT, on_term);
	make(&wanted, stale);
	listener = listen_at(argv[1]);
	while (!over)
		serve(listener);
	unlink(argv[1]);
	printf("violations: %u\n", self.control->violations);
	return self.control->violations ? 3 : 0;
}
