/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the host peer share: a place to meet, which is a file or (with
 * $SHMIPC_SERVER, the path of shmipc-server) a server's socket, and processes there.
 */
#ifndef SHMIPC_HOST_TEST_H
#define SHMIPC_HOST_TEST_H

#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "lib_test.h"

#define MEET_BYTES	(4 << 20)

/**
 * struct meeting - where peers meet
 * @served: behind a server
 * @classic: which tells of everybody who comes and goes, and hands out no slots
 * @where: address
 */
struct meeting {
	bool served;
	bool classic;
	char folder[40];
	char file[60];
	char where[70];
	pid_t server;
};

static inline bool meet_file(struct meeting *meet)
{
	int fd;

	meet->served = false;
	snprintf(meet->folder, sizeof(meet->folder), "/tmp/shmipc-host.XXXXXX");
	if (!mkdtemp(meet->folder))
		return false;
	snprintf(meet->file, sizeof(meet->file), "%s/meet", meet->folder);
	snprintf(meet->where, sizeof(meet->where), "file:%s", meet->file);
	fd = open(meet->file, O_CREAT | O_EXCL | O_RDWR, 0600);
	if (fd < 0 || ftruncate(fd, MEET_BYTES) < 0)
		return false;
	close(fd);
	return true;
}

static inline void meet_start_server(struct meeting *meet)
{
	meet->server = fork();
	if (meet->server)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(getenv("SHMIPC_SERVER"), "shmipc-server", "-F", "-S", meet->file, "-l", "4M",
	      meet->classic ? "--classic" : NULL, NULL);
	_exit(127);
}

static inline bool meet_server(struct meeting *meet)
{
	meet->served = true;
	snprintf(meet->folder, sizeof(meet->folder), "/tmp/shmipc-host.XXXXXX");
	if (!mkdtemp(meet->folder))
		return false;
	snprintf(meet->file, sizeof(meet->file), "%s/meet", meet->folder);
	snprintf(meet->where, sizeof(meet->where), "unix:%s", meet->file);
	meet_start_server(meet);
	for (int i = 0; i < 500 && access(meet->file, F_OK) < 0; i++)
		sleep_ms(10);
	return !access(meet->file, F_OK);
}

static inline void meet_end(struct meeting *meet)
{
	if (meet->served && meet->server > 0) {
		kill(meet->server, SIGKILL);
		waitpid(meet->server, NULL, 0);
	}
	unlink(meet->file);
	rmdir(meet->folder);
}

static inline int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Does @call end by itself? If not its thread stays, and the test is over */
static inline bool finishes(void *(*call)(void *), void *arg)
{
	struct timespec until;
	pthread_t thread;

	if (pthread_create(&thread, NULL, call, arg))
		return false;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 30;
	return !pthread_timedjoin_np(thread, NULL, &until);
}

/* kill(-1) is everybody: a process that was never started is not stopped */
static inline void stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#define IDLER_PORT	50

/* An idler.c beside this program, with port IDLER_PORT. Returns when it is there, or -1 */
static inline pid_t start_idler(const char *where, uint32_t *peer)
{
	char path[300], fd[12], *slash;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - sizeof("idler"));
	int said[2];
	pid_t pid;

	if (len < 0 || pipe(said) < 0)
		return -1;
	path[len] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash + 1, "idler");
	snprintf(fd, sizeof(fd), "%d", said[1]);
	pid = fork();
	if (!pid) {
		execl(path, "idler", where, fd, NULL);
		_exit(127);
	}
	close(said[1]);
	if (pid > 0 && read(said[0], peer, sizeof(*peer)) != sizeof(*peer)) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(said[0]);
	return pid;
}

/* Both kinds, one after the other. @meet.file is "" where there is no server */
FIXTURE(meet)
{
	struct meeting meet;
};

FIXTURE_VARIANT(meet)
{
	bool served;
};

FIXTURE_VARIANT_ADD(meet, file)
{
	.served = false,
};

FIXTURE_VARIANT_ADD(meet, server)
{
	.served = true,
};

FIXTURE_SETUP(meet)
{
	if (variant->served && !getenv("SHMIPC_SERVER"))
		SKIP(return, "SHMIPC_SERVER is not set");
	ASSERT_TRUE(variant->served ? meet_server(&self->meet) : meet_file(&self->meet));
}

FIXTURE_TEARDOWN(meet)
{
	if (self->meet.folder[0])
		meet_end(&self->meet);
}

/* A peer with port @number, or the end of the process */
static inline struct shmipc_endpoint *must_join(const char *where, uint32_t number)
{
	struct shmipc_endpoint *ep = shmipc_open(where, 0);
	char text[300];

	/* The socket is there before somebody listens to it */
	for (int i = 0; !ep && errno == ECONNREFUSED && i < 500; i++) {
		sleep_ms(10);
		ep = shmipc_open(where, 0);
	}
	if (!ep) {
		shmipc_open_error(where, errno, text, sizeof(text));
		fprintf(stderr, "# %s\n", text);
		_exit(1);
	}
	if (number && shmipc_port_create(ep, number, NULL) < 0) {
		perror("# shmipc_port_create");
		_exit(1);
	}
	return ep;
}

static inline uint32_t own_peer(struct shmipc_endpoint *ep)
{
	struct shmipc_region *region = shmipc_region_get(ep);
	uint32_t peer = region ? shmipc_region_peer(region) : SHMIPC_PEER_ANY;

	shmipc_region_free(region);
	return peer;
}

static inline uint32_t peer_state(struct shmipc_endpoint *ep, uint32_t peer)
{
	struct shmipc_peer_table *table = shmipc_peer_table_get(ep);
	uint32_t state = UINT32_MAX;

	if (table && peer < shmipc_peer_table_count(table))
		state = shmipc_peer_state(shmipc_peer_table_at(table, peer));
	shmipc_peer_table_free(table);
	return state;
}

/* Until @peer is up; false after ten seconds */
static inline bool until_up(struct shmipc_endpoint *ep, uint32_t peer)
{
	for (int i = 0; i < 1000; i++) {
		if (peer_state(ep, peer) == SHMIPC_PEER_UP)
			return true;
		sleep_ms(10);
	}
	return false;
}

#endif /* SHMIPC_HOST_TEST_H */
