// SPDX-License-Identifier: GPL-2.0
/*
 * The test of VROS: a server task creates a port and receives three messages, a
 * client task sends them. In between the states of both are shown.
 *
 *   ipctest ──fork── ipc_server   ready: "port N" on a pipe, then ipc_recv()
 *           └─fork── ipc_client   sends when told to, on another pipe
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <shmipc/vros.h>
#include "cli.h"

#define PORT_BASE 0x5600	/* where <shmipc/vros.h> has its port 0 */

const struct option_def ipctest_options[] = {
	{ 'i', "interval", "TIME", "between two messages (0.1)" },
	{ 'k', "keep", NULL, "the server waits for more until ipcstop" },
	{ 0 },
};

static const char *const texts[] = { "Hello from client!", "Second message", "Goodbye!" };
#define NR_TEXTS ARRAY_SIZE(texts)

struct test {
	int interval_ms;
	bool keep;
	pid_t server;
	pid_t client;
	int port;
};

static volatile sig_atomic_t stopping;

static void on_signal(int signal)
{
	stopping = signal;
}

static void sleep_ms(int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

/* What a task does first: its own name, no handlers, no life without its parent. */
static void become_task(const char *name)
{
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
}

static void print_message(const struct ipc_message *msg)
{
	size_t len = strnlen(msg->data, msg->size);

	printf("ipc_server: received from PID %u, type %u: ", msg->sender_pid, msg->type);
	put_escaped(stdout, msg->data, len, false);
	putchar('\n');
	fflush(stdout);
}

static int server_task(const struct test *test, int ready)
{
	struct ipc_message msg;
	int port;

	become_task("ipc_server");
	port = ipc_create_port();
	if (port < 0)
		return fail_errno("ipc_server: cannot create a port");
	printf("ipc_server: created port %d\n", port);
	fflush(stdout);
	if (write(ready, &port, sizeof(port)) != sizeof(port))
		return CLI_FAILED;
	for (size_t i = 0; i < NR_TEXTS || test->keep; i++) {
		if (ipc_recv(port, &msg) < 0)
			return fail_errno("ipc_server: cannot receive");
		print_message(&msg);
		if (i < NR_TEXTS && strcmp(msg.data, texts[i]))
			return fail("ipc_server: not what was sent");
	}
	return ipc_destroy_port(port) < 0 ? CLI_FAILED : CLI_OK;
}

static int client_task(const struct test *test, int go)
{
	char byte;

	become_task("ipc_client");
	if (read(go, &byte, 1) != 1)
		return CLI_FAILED;
	for (size_t i = 0; i < NR_TEXTS; i++) {
		if (i)
			sleep_ms(test->interval_ms);
		if (ipc_send(test->port, i + 1, texts[i], strlen(texts[i]) + 1) < 0)
			return fail_errno("ipc_client: cannot send");
		printf("ipc_client: sent \"%s\"\n", texts[i]);
		fflush(stdout);
	}
	return CLI_OK;
}

/* The letter and the CPU ticks of a process, from /proc/PID/stat. */
static bool read_stat(pid_t pid, char *letter, unsigned long *ticks)
{
	unsigned long user, system;
	char path[64], line[1024];
	const char *rest;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	rest = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	if (!rest || sscanf(rest, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", letter,
			    &user, &system) != 3)
		return false;
	*ticks = user + system;
	return true;
}

static const char *state_word(char letter)
{
	switch (letter) {
	case 'R':
		return "RUNNING";
	case 'S':
	case 'D':
		return "BLOCKED";
	case 'T':
	case 't':
		return "STOPPED";
	case 'Z':
		return "ZOMBIE";
	}
	return "GONE";
}

static void show_states(const struct test *test)
{
	static const char *const heads[] = { ">PID", "TASK", "STATE", ">TICKS", NULL };
	const pid_t pids[] = { test->server, test->client };
	static const char *const names[] = { "ipc_server", "ipc_client" };
	struct table *table = table_new(heads);

	for (size_t i = 0; i < 2; i++) {
		unsigned long ticks = 0;
		char letter = '?';

		read_stat(pids[i], &letter, &ticks);
		table_cell(table, "%d", pids[i]);
		table_cell(table, "%s", names[i]);
		table_cell(table, "%s", state_word(letter));
		table_cell(table, "%lu", ticks);
	}
	table_print(table);
	fflush(stdout);
}

/* Does the table of ports show a thread that waits at the server's port? */
static bool server_waits(struct shmipc_endpoint *ep, int port)
{
	struct shmipc_port_table *ports = shmipc_port_table_get(ep, SHMIPC_PEER_SELF);
	bool waits = false;

	for (size_t i = 0; ports && i < shmipc_port_table_count(ports); i++) {
		const struct shmipc_port *row = shmipc_port_table_at(ports, i);

		waits |= shmipc_port_number(row) == (uint32_t)(PORT_BASE + port) &&
			 shmipc_port_waiters(row);
	}
	shmipc_port_table_free(ports);
	return waits;
}

static void wait_until_blocked(const struct test *test)
{
	struct shmipc_endpoint *ep = shmipc_open(NULL, 0);

	for (int i = 0; ep && i < 100 && !stopping && !server_waits(ep, test->port); i++)
		sleep_ms(20);
	shmipc_close(ep);
}

/* Its exit status, or CLI_FAILED if a signal ended it or we are to stop. */
static int wait_for(pid_t *pid)
{
	int status;

	pid_t got;

	/* A signal may come between looking and sleeping */
	while ((got = waitpid(*pid, &status, WNOHANG)) <= 0) {
		if (stopping || (got < 0 && errno != EINTR))
			return CLI_FAILED;
		sleep_ms(10);
	}
	*pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
}

static pid_t start(struct test *test, int (*task)(const struct test *, int), int pipe_end,
		   int other_end)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	close(other_end);
	exit(task(test, pipe_end));
}

static int run_tasks(struct test *test)
{
	int ready[2], go[2], status;

	if (pipe(ready) < 0 || pipe(go) < 0)
		return fail("pipe: %s", strerror(errno));
	fflush(stdout);
	test->server = start(test, server_task, ready[1], ready[0]);
	close(ready[1]);
	if (test->server < 0)
		return fail("fork: %s", strerror(errno));
	if (read(ready[0], &test->port, sizeof(test->port)) != sizeof(test->port))
		return CLI_FAILED;
	test->client = start(test, client_task, go[0], go[1]);
	if (test->client < 0)
		return fail("fork: %s", strerror(errno));
	close(go[0]);
	wait_until_blocked(test);
	show_states(test);
	if (write(go[1], "", 1) != 1)
		return fail("pipe: %s", strerror(errno));
	status = wait_for(&test->client);
	if (!status && test->keep) {
		wait_until_blocked(test);
		show_states(test);
	}
	return status ? status : wait_for(&test->server);
}

static void end_tasks(const struct test *test)
{
	const pid_t pids[] = { test->client, test->server };

	for (size_t i = 0; i < 2; i++)
		if (pids[i] > 0 && kill(pids[i], SIGKILL) == 0)
			waitpid(pids[i], NULL, 0);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static int ipctest(struct test *test)
{
	int status = ipctest_claim();

	if (status)
		return status;
	catch_signals();
	status = run_tasks(test);
	end_tasks(test);
	ipctest_release();
	if (stopping) {
		printf("ipctest: stopped\n");
		return test->keep ? CLI_OK : CLI_FAILED;
	}
	printf("ipctest: %s\n", status ? "failed" : "OK");
	return status;
}

int verb_ipctest(struct cli *cli)
{
	struct test test = { .interval_ms = 100 };
	struct shmipc_endpoint *ep;
	int option;

	while ((option = cli_option(cli)) != -1) {
		switch (option) {
		case 'i':
			if (!parse_time_ms(cli_value(), &test.interval_ms))
				return cli_usage(cli, "\"%s\" is no time", cli_value());
			break;
		case 'k':
			test.keep = true;
			break;
		default:
			return CLI_USAGE;
		}
	}
	if (cli->argc)
		return cli_usage(cli, "takes no operands");
	if (cli->device && setenv("SHMIPC_DEVICE", cli->device, 1) < 0)
		return fail("memory: %s", strerror(errno));
	/* Whether there is a device is better said before than by the first task */
	ep = open_device(cli, 0);
	if (!ep)
		return CLI_FAILED;
	shmipc_close(ep);
	return ipctest(&test);
}
