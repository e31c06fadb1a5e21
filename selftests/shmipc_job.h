/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A call that blocks, in a thread of its own.
 *
 *	struct job job;
 *
 *	must_start(&job, fd, SHMIPC_RECV, &arg);	the thread is on its way
 *	ASSERT_TRUE(job_blocked(&job));			it sleeps in that system call
 *	...						what shall wake it
 *	EXPECT_EQ(ENODEV, job_end(&job));		how the call ended
 *
 * That a thread sleeps is read from /proc/PID/task/TID/syscall, not guessed from time.
 */
#ifndef SHMIPC_JOB_H
#define SHMIPC_JOB_H

#include "shmipc_test.h"

struct job {
	pthread_t thread;
	atomic_int tid;
	int (*fn)(struct job *job);
	long nr;		/* of the system call that it shall block in */
	int fd;
	unsigned int cmd;
	void *arg;
	size_t len;
	ssize_t count;		/* what read(), write() or poll() returned */
	int ret;
};

static inline int job_do_ioctl(struct job *job)
{
	return try_ioctl(job->fd, job->cmd, job->arg);
}

static inline int job_do_read(struct job *job)
{
	job->count = read(job->fd, job->arg, job->len);
	return job->count < 0 ? errno : 0;
}

static inline int job_do_write(struct job *job)
{
	job->count = write(job->fd, job->arg, job->len);
	return job->count < 0 ? errno : 0;
}

/* @arg is a struct pollfd, @len the timeout */
static inline int job_do_poll(struct job *job)
{
	job->count = poll(job->arg, 1, GUARD_S * 1000);
	return job->count < 0 ? errno : 0;
}

/* @fd is the epoll file, @arg a struct epoll_event */
static inline int job_do_epoll(struct job *job)
{
	job->count = epoll_wait(job->fd, job->arg, 1, GUARD_S * 1000);
	return job->count < 0 ? errno : 0;
}

#ifdef SYS_poll
#define JOB_NR_POLL	SYS_poll
#else
#define JOB_NR_POLL	SYS_ppoll
#endif
#ifdef SYS_epoll_wait
#define JOB_NR_EPOLL	SYS_epoll_wait
#else
#define JOB_NR_EPOLL	SYS_epoll_pwait
#endif

static inline void *job_main(void *data)
{
	struct job *job = data;

	atomic_store(&job->tid, syscall(SYS_gettid));
	job->ret = job->fn(job);
	atomic_store(&job->tid, 0);
	return NULL;
}

static inline int job_start(struct job *job)
{
	atomic_store(&job->tid, -1);
	job->ret = -1;
	return pthread_create(&job->thread, NULL, job_main, job);
}

static inline int try_start(struct job *job, int fd, unsigned int cmd, void *arg)
{
	*job = (struct job){ .fn = job_do_ioctl, .nr = SYS_ioctl, .fd = fd, .cmd = cmd,
			     .arg = arg };
	return job_start(job);
}

static inline int try_start_read(struct job *job, int fd, void *buf, size_t len)
{
	*job = (struct job){ .fn = job_do_read, .nr = SYS_read, .fd = fd, .arg = buf, .len = len };
	return job_start(job);
}

static inline int try_start_write(struct job *job, int fd, const void *buf, size_t len)
{
	*job = (struct job){ .fn = job_do_write, .nr = SYS_write, .fd = fd,
			     .arg = (void *)buf, .len = len };
	return job_start(job);
}

static inline int try_start_poll(struct job *job, struct pollfd *pfd)
{
	*job = (struct job){ .fn = job_do_poll, .nr = JOB_NR_POLL, .arg = pfd };
	return job_start(job);
}

static inline int try_start_epoll(struct job *job, int epfd, struct epoll_event *event)
{
	*job = (struct job){ .fn = job_do_epoll, .nr = JOB_NR_EPOLL, .fd = epfd, .arg = event };
	return job_start(job);
}

#define must_start(...)		ASSERT_EQ(0, try_start(__VA_ARGS__))
#define must_start_read(...)	ASSERT_EQ(0, try_start_read(__VA_ARGS__))
#define must_start_write(...)	ASSERT_EQ(0, try_start_write(__VA_ARGS__))
#define must_start_poll(...)	ASSERT_EQ(0, try_start_poll(__VA_ARGS__))
#define must_start_epoll(...)	ASSERT_EQ(0, try_start_epoll(__VA_ARGS__))

/* The number of the system call that a thread of a process sleeps in; -1: in none */
static inline long blocked_in(pid_t pid, pid_t tid)
{
	char path[64], text[128];
	ssize_t len;
	long nr;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return -1;
	text[len] = 0;
	return sscanf(text, "%ld", &nr) == 1 ? nr : -1;
}

static inline bool task_blocked(pid_t pid, pid_t tid, long nr)
{
	return happens(blocked_in(pid, tid) == nr);
}

/* Asleep in its call; false as soon as the call is over, or if it never sleeps */
static inline bool job_blocked(struct job *job)
{
	return happens(!atomic_load(&job->tid) ||
		       blocked_in(getpid(), atomic_load(&job->tid)) == job->nr) &&
	       atomic_load(&job->tid);
}

/* How it ended: 0, the errno, or -1 if it does not end */
static inline int job_end(struct job *job)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += GUARD_S;
	if (pthread_timedjoin_np(job->thread, NULL, &until))
		return -1;
	return job->ret;
}

#endif /* SHMIPC_JOB_H */
