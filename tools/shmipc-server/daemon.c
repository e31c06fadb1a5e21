// SPDX-License-Identifier: GPL-2.0
/*
 * The process. One in the background is started as soon as it is known that it will
 * be there, but whoever started it is kept waiting until it works, and hears why
 * it does not.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"

static int parent = -1;
static bool pidfile_written;

void daemon_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* The parent: 0 if the child said that it works */
static _Noreturn void wait_and_exit(int from, pid_t child)
{
	char byte;
	int status;

	if (read(from, &byte, 1) == 1)
		_exit(0);
	waitpid(child, &status, 0);
	_exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1);
}

int daemon_start(void)
{
	int ends[2];
	pid_t child;

	if (options.foreground)
		return 0;
	child = pipe2(ends, O_CLOEXEC) ? -1 : fork();
	if (child < 0) {
		note("cannot become a daemon: %m");
		return -1;
	}
	if (child) {
		close(ends[1]);
		wait_and_exit(ends[0], child);
	}
	close(ends[0]);
	parent = ends[1];
	setsid();	/* but no chdir(): paths may be relative */
	return 0;
}

static int write_pidfile(void)
{
	FILE *file;

	if (!options.pidfile)
		return 0;
	file = fopen(options.pidfile, "we");
	if (!file) {
		note("cannot write %s: %m", options.pidfile);
		return -1;
	}
	pidfile_written = true;
	fprintf(file, "%d\n", (int)getpid());
	return fclose(file);
}

static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	log_to_syslog("shmipc-server");
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	if (null > 2)
		close(null);
}

int daemon_ready(void)
{
	if (write_pidfile())
		return -1;
	if (parent < 0)
		return 0;
	leave_terminal();
	if (write(parent, "", 1) != 1)
		return -1;
	close(parent);
	return 0;
}

void daemon_end(void)
{
	if (pidfile_written)
		unlink(options.pidfile);
}
