// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells. Every client holds the same eventfds that the server does, and can
 * make any read or write of them block: they share the O_NONBLOCK flag. A bell
 * that has been struck and not heard need not be struck again, so look first; for
 * what others do in the moment between, an alarm ends the call.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "server.h"

#define ALARM_US	20000

struct bells *bells_alloc(u32 id, u32 room)
{
	struct bells *bells = calloc(1, sizeof(*bells) + room * sizeof(bells->fd[0]));

	if (!bells) {
		note("no memory");
		return NULL;
	}
	bells->id = id;
	bells->users = 1;
	return bells;
}

struct bells *bells_new(u32 id, u32 count)
{
	struct bells *bells = bells_alloc(id, count);

	if (!bells)
		return NULL;
	for (; bells->count < count; bells->count++) {
		int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

		if (fd < 0) {
			note("cannot make doorbells: %m");
			bells_put(bells);
			return NULL;
		}
		bells->fd[bells->count] = fd;
	}
	return bells;
}

struct bells *bells_get(struct bells *bells)
{
	bells->users++;
	return bells;
}

void bells_put(struct bells *bells)
{
	u32 i;

	if (!bells || --bells->users)
		return;
	for (i = 0; i < bells->count; i++)
		close(bells->fd[i]);
	free(bells);
}

static void nothing(int sig)
{
	(void)sig;
}

/* Not SA_RESTART: a call that blocks shall fail */
static void set_alarm(long us)
{
	const struct sigaction action = { .sa_handler = nothing };
	const struct itimerval timer = {
		.it_value.tv_usec = us,
		.it_interval.tv_usec = us,
	};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static bool is_ready(int fd, short events)
{
	struct pollfd look = { .fd = fd, .events = events };

	return poll(&look, 1, 0) == 1 && look.revents & events;
}

void bells_ring(const struct bells *bells)
{
	const uint64_t one = 1;
	u32 i;

	set_alarm(ALARM_US);
	for (i = 0; i < bells->count; i++)
		if (is_ready(bells->fd[i], POLLOUT) &&
		    write(bells->fd[i], &one, sizeof(one)) < 0 && errno == EINTR)
			detail("somebody blocks the doorbell of %u", bells->id);
	set_alarm(0);
}

void bells_drain(const struct bells *bells)
{
	uint64_t count;
	u32 i;

	set_alarm(ALARM_US);
	for (i = 0; i < bells->count; i++)
		if (is_ready(bells->fd[i], POLLIN) &&
		    read(bells->fd[i], &count, sizeof(count)) < 0 && errno == EINTR)
			detail("somebody blocks the doorbell of %u", bells->id);
	set_alarm(0);
}
