// SPDX-License-Identifier: GPL-2.0
/* The table of verbs, and finding one in it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct verb verbs[] = {
#ifdef HAVE_KMOD
	{ "load", "[PARAM=VALUE...]", "load the kernel module", 0, load_options, verb_load },
	{ "unload", "", "unload the kernel module", 0, NULL, verb_unload },
#endif
	{ "status", "", "say whether the module is loaded, and how", VERB_JSON, NULL,
	  verb_status },
	{ "list", "", "list the devices", VERB_JSON, NULL, verb_list },
	{ "info", "", "show what a device is and can do", VERB_DEVICE | VERB_JSON, NULL,
	  verb_info },
	{ "peers", "", "show the peers, or watch them", VERB_DEVICE | VERB_JSON, peers_options,
	  verb_peers },
	{ "ports", "", "show the ports", VERB_DEVICE | VERB_JSON, ports_options, verb_ports },
	{ "ring", "PEER|all [VECTOR]", "ring a peer's doorbell", VERB_DEVICE | VERB_JSON, NULL,
	  verb_ring },
	{ "dump", "", "show what lies in the memory (root)", VERB_DEVICE | VERB_JSON, dump_options,
	  verb_dump },
	{ "send", "DEST [WORD...]", "send a message: the words, or standard input",
	  VERB_DEVICE, send_options, verb_send },
	{ "recv", "", "create a port and print what arrives", VERB_DEVICE | VERB_JSON | VERB_PORT,
	  recv_options, verb_recv },
	{ "echo", "", "create a port and send everything back", VERB_DEVICE | VERB_PORT,
	  echo_options, verb_echo },
	{ "with", "[--] COMMAND [ARG...]", "run a command with an endpoint as stdin and stdout",
	  VERB_DEVICE | VERB_PORT | VERB_RUNS, with_options, verb_with },
	{ "ipctest", "", "run the three-message test of VROS", VERB_DEVICE, ipctest_options,
	  verb_ipctest },
	{ "ipcstop", "", "stop a running ipctest", 0, NULL, verb_ipcstop },
	{ 0 },
};

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (!strcmp(verb->name, name))
			return verb;
	return NULL;
}

static void general_help(FILE *out)
{
	fprintf(out, "usage: shmipc [-d DEVICE] VERB [OPTION...] [OPERAND...]\n"
		     "Messages between operating systems that share memory.\n\n");
	for (const struct verb *verb = verbs; verb->name; verb++)
		fprintf(out, "  %-9s %s\n", verb->name, verb->summary);
	fprintf(out, "\n"
		     "DEVICE is a path, shmipcN or N; by default $SHMIPC_DEVICE or /dev/shmipc0.\n"
		     "unix:SOCKET and file:PATH make this process a peer, without a module.\n"
		     "DEST is PEER:PORT, NAME or NAME@PEER; PEER is a number or \"self\".\n"
		     "TIME is in seconds, or in milliseconds with \"ms\": 1.5, 200ms.\n"
		     "Exit status: 0 done, 1 failed, 2 used wrongly.\n");
#ifndef HAVE_KMOD
	fprintf(out, "Built without libkmod: the verbs load and unload are missing.\n");
#endif
	fprintf(out, "shmipc VERB --help tells more.\n");
}

static int no_such_verb(const char *name)
{
#ifndef HAVE_KMOD
	if (!strcmp(name, "load") || !strcmp(name, "unload")) {
		note("built without libkmod, which %s needs; use modprobe", name);
		return CLI_USAGE;
	}
#endif
	note("no verb \"%s\" (shmipc --help lists them)", name);
	return CLI_USAGE;
}

static int help(int argc, char **argv)
{
	const struct verb *verb = argc ? find_verb(argv[0]) : NULL;

	if (argc && !verb)
		return no_such_verb(argv[0]);
	if (verb)
		cli_help(stdout, verb);
	else
		general_help(stdout);
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	if (!argc) {
		general_help(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h") || !strcmp(argv[0], "help"))
		return help(argc - 1, argv + 1);
	if (!strcmp(argv[0], "--version")) {
		printf("shmipc %s\n", shmipc_version());
		return CLI_OK;
	}
	if (argv[0][0] == '-') {
		note("unknown option %s (try shmipc --help)", argv[0]);
		return CLI_USAGE;
	}
	cli->verb = find_verb(argv[0]);
	if (!cli->verb)
		return no_such_verb(argv[0]);
	cli->argc = argc;
	cli->argv = argv;
	return cli->verb->run(cli);
}

/* What is opened later must not become somebody's stdin, nor stderr */
static void occupy_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct cli cli = { 0 };
	int status;

	occupy_standard_fds();
	argc--;
	argv++;
	if (argc > 1 && (!strcmp(argv[0], "-d") || !strcmp(argv[0], "--device"))) {
		cli.device = argv[1];
		argc -= 2;
		argv += 2;
	}
	status = run(&cli, argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		note("cannot write the output");
		status = status ? status : CLI_FAILED;
	}
	return status;
}
