// SPDX-License-Identifier: GPL-2.0
/*
 * One ipctest at a time, and stopping it. A running one holds a lock on its pid
 * file; the lock's owner is whom to stop, so a file left behind harms nobody.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define FILE_NAME "ipctest.pid"

/* Nobody else's, in a place where everybody can make one */
static bool is_own_folder(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return false;
	errno = EACCES;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/*
 * DIR/ipctest.pid: /run/shmipc for root, below $XDG_RUNTIME_DIR for others, or in a
 * folder of their own in /tmp if they have none.
 */
static bool pid_file(char *path, size_t size, bool make)
{
	const char *runtime = geteuid() ? getenv("XDG_RUNTIME_DIR") : "/run";
	int len;

	if (runtime && *runtime)
		len = snprintf(path, size, "%s/shmipc", runtime);
	else
		len = snprintf(path, size, "/tmp/shmipc-%u", geteuid());
	errno = ENAMETOOLONG;
	if (len < 0 || (size_t)len + sizeof("/" FILE_NAME) > size)
		return false;
	if (make && mkdir(path, 0755) < 0 && errno != EEXIST)
		return false;
	if (!is_own_folder(path))
		return false;
	memcpy(path + len, "/" FILE_NAME, sizeof("/" FILE_NAME));
	return true;
}

static int open_pid_file(int flags)
{
	char path[4096];

	if (!pid_file(path, sizeof(path), flags & O_CREAT))
		return -1;
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0644);
}

/* Closed by nobody: the lock lasts as long as the process. */
static int lock_fd = -1;

/* Become the one running ipctest. Returns an exit status. */
int ipctest_claim(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	lock_fd = open_pid_file(O_RDWR | O_CREAT);
	if (lock_fd < 0)
		return fail("pid file: %s", strerror(errno));
	if (fcntl(lock_fd, F_SETLK, &lock) < 0)
		return fail("another ipctest is running (shmipc ipcstop stops it)");
	if (ftruncate(lock_fd, 0) < 0 || dprintf(lock_fd, "%d\n", getpid()) < 0)
		return fail("pid file: %s", strerror(errno));
	return CLI_OK;
}

/* The file stays, empty: to remove it would race with the next one's lock. */
void ipctest_release(void)
{
	if (ftruncate(lock_fd, 0) < 0)
		note("pid file: %s", strerror(errno));
	close(lock_fd);
}

/* The process that holds the lock, 0 if none does. */
static pid_t holder(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid;
}

static int stop(int fd)
{
	const struct timespec tick = { 0, 20000000 };
	pid_t pid = holder(fd);

	if (pid <= 0)
		return fail("no ipctest is running");
	if (kill(pid, SIGTERM) < 0)
		return fail("process %d: %s", pid, strerror(errno));
	for (int i = 0; i < 250 && holder(fd) == pid; i++)
		nanosleep(&tick, NULL);
	if (holder(fd) == pid)
		return fail("process %d does not end", pid);
	printf("ipctest (process %d) stopped\n", pid);
	return CLI_OK;
}

int verb_ipcstop(struct cli *cli)
{
	int option, fd, status;

	while ((option = cli_option(cli)) != -1)
		return CLI_USAGE;
	if (cli->argc)
		return cli_usage(cli, "takes no operands");
	fd = open_pid_file(O_RDWR);
	if (fd < 0)
		return fail(errno == ENOENT ? "no ipctest is running" : "pid file: %s",
			    strerror(errno));
	status = stop(fd);
	close(fd);
	return status;
}
