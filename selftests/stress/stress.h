/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the stress programs share: options, a shared record of what went wrong, the end.
 *
 * A stress program prints TAP, a test for each scenario. Participants are processes; what
 * they find goes into memory that they share, since they may be killed at any moment.
 */
#ifndef SHMIPC_STRESS_H
#define SHMIPC_STRESS_H

#include <getopt.h>
#include <sys/prctl.h>

#include "shmipc_bind.h"

/* No progress for so long is a hang */
#define STALL_S	60

/* Errors of all participants: the first ones in words */
struct complaints {
	atomic_uint count;
	char text[8][128];
};

static struct complaints *complaints;

static inline void *shared(size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		ksft_exit_fail_msg("no memory\n");
	return map;
}

__attribute__((format(printf, 1, 2)))
static inline void complain(const char *fmt, ...)
{
	unsigned int nr = atomic_fetch_add(&complaints->count, 1);
	va_list args;

	if (nr >= ARRAY_SIZE(complaints->text))
		return;
	va_start(args, fmt);
	vsnprintf(complaints->text[nr], sizeof(complaints->text[nr]), fmt, args);
	va_end(args);
}

/* Report a scenario by its complaints, and forget them */
static inline void verdict(const char *name)
{
	unsigned int i, count = atomic_load(&complaints->count);

	for (i = 0; i < count && i < ARRAY_SIZE(complaints->text); i++)
		ksft_print_msg("%s: %s\n", name, complaints->text[i]);
	if (count > ARRAY_SIZE(complaints->text))
		ksft_print_msg("%s: ... %u complaints in all\n", name, count);
	ksft_test_result(!count, "%s\n", name);
	memset(complaints, 0, sizeof(*complaints));
}

/* A child that does not outlive us */
static inline pid_t child(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		ksft_exit_fail_msg("fork: %s\n", strerror(errno));
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static inline bool ended(pid_t pid, int *status, pid_t *got)
{
	*got = waitpid(pid, status, WNOHANG);
	return *got;
}

/* The child must end by itself, with status 0 */
static inline void reap(pid_t pid, const char *who)
{
	int status = 0;
	pid_t got = 0;

	if (!happens(ended(pid, &status, &got))) {
		complain("%s %d does not end", who, pid);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	} else if (got != pid || status) {
		complain("%s %d ended with status %#x", who, pid, status);
	}
}

/* Nobody is there any more: no port on any region, hence nothing queued */
static inline void expect_quiet(void)
{
	unsigned int nr;

	for (nr = 0; nr < 2; nr++) {
		int fd = open_dev(nr, O_RDWR);

		if (fd < 0)
			complain("cannot open region %u: %s", nr, strerror(errno));
		else if (ports_total(fd))
			complain("%d ports are left on region %u", ports_total(fd), nr);
		close(fd);
	}
}

static inline __u32 random32(__u32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Both regions there, linked; or all tests are skipped */
static inline void stress_begin(unsigned int plan)
{
	int fd0, fd1;

	ksft_print_header();
	complaints = shared(sizeof(*complaints));
	fd0 = open_dev(0, O_RDWR);
	fd1 = open_dev(1, O_RDWR);
	if (fd0 < 0 || fd1 < 0)
		ksft_exit_skip("needs two regions: loopback=2\n");
	if (!links_up(fd0, fd1))
		ksft_exit_fail_msg("the regions do not link\n");
	close(fd0);
	close(fd1);
	ksft_set_plan(plan);
}

/* --name value pairs of unsigned numbers: the last entry has no name */
struct number_option {
	const char *name;
	unsigned int *value;
};

static inline void parse_numbers(int argc, char **argv, const struct number_option *options)
{
	const struct number_option *opt;
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		for (opt = options; opt->name; opt++)
			if (!strncmp(argv[i], "--", 2) && !strcmp(argv[i] + 2, opt->name))
				break;
		if (!opt->name)
			ksft_exit_fail_msg("unknown option %s\n", argv[i]);
		*opt->value = strtoul(argv[i + 1], NULL, 0);
	}
	if (i < argc)
		ksft_exit_fail_msg("option %s needs a number\n", argv[i]);
}

#endif /* SHMIPC_STRESS_H */
