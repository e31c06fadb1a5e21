// SPDX-License-Identifier: GPL-2.0
/*
 * Events, one at a time: what one of them changes (a descriptor is closed, its slot
 * given to somebody else) cannot turn the next one into somebody else's.
 */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "server.h"

static int epoll = -1;
static struct watch signals, timer;
static bool ticking, ended;

u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return 1000ULL * now.tv_sec + now.tv_nsec / 1000000;
}

int loop_watch(struct watch *watch, int fd, u32 events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) {
		note_limited("cannot watch a descriptor: %m");
		return -1;
	}
	watch->fd = fd;
	return 0;
}

void loop_change(struct watch *watch, u32 events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	epoll_ctl(epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void loop_unwatch(struct watch *watch)
{
	epoll_ctl(epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

static void signals_ready(struct watch *watch, u32 events)
{
	struct signalfd_siginfo info;

	(void)events;
	if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
		return;
	detail("signal %u: the end", info.ssi_signo);
	ended = true;
}

static void timer_ready(struct watch *watch, u32 events)
{
	uint64_t count;

	(void)events;
	if (read(watch->fd, &count, sizeof(count)) != sizeof(count))
		return;
	region_beat();
	clients_tick();
}

/* Nobody looks at the beat while nobody is there */
static void tick_if_needed(void)
{
	static const struct itimerspec on = {
		.it_value.tv_nsec = 1000000L * LOOP_TICK_MS,
		.it_interval.tv_nsec = 1000000L * LOOP_TICK_MS,
	}, off;
	bool needed = clients_connected();

	if (needed == ticking)
		return;
	ticking = needed;
	region_beat();
	timerfd_settime(timer.fd, 0, needed ? &on : &off, NULL);
}

static int watch_signals(void)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals.ready = signals_ready;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -1 : loop_watch(&signals, fd, EPOLLIN);
}

static int watch_timer(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	timer.ready = timer_ready;
	return fd < 0 ? -1 : loop_watch(&timer, fd, EPOLLIN);
}

int loop_init(void)
{
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll >= 0 && !watch_signals() && !watch_timer())
		return 0;
	note("cannot watch for events: %m");
	return -1;
}

void loop_run(void)
{
	struct epoll_event event;

	while (!ended) {
		tick_if_needed();
		if (epoll_wait(epoll, &event, 1, -1) == 1) {
			struct watch *watch = event.data.ptr;

			watch->ready(watch, event.events);
			clients_sweep();
		}
	}
}
