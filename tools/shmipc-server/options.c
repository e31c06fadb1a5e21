// SPDX-License-Identifier: GPL-2.0
/* The command line. The letters are those of QEMU's example, ivshmem-server. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server.h"

struct options options = {
	.name = "shmipc",
	.mode = 0660,
	.size = 4 << 20,
	.peers = 8,
	.vectors = 1,
	.timeout = 30,
};

static const char help[] =
	"usage: shmipc-server [OPTION...]\n"
	"Give QEMU's ivshmem-doorbell devices and other peers a shared memory and each\n"
	"other's doorbells.\n\n"
	"  -S, --socket PATH    where clients connect; /run/shmipc/NAME.sock\n"
	"  -l, --size BYTES     of the memory, a power of two; K, M or G may follow; 4M\n"
	"  -n, --vectors N      doorbells of each peer; 1\n"
	"  -N, --peers N        how many peers there may be, 2 to 64; 8\n"
	"  -M, --shm NAME       share POSIX shared memory of that name\n"
	"  -m, --memory PATH    share a file, or an unnamed one in a directory\n"
	"                       (default: memory without a name, sealed)\n"
	"  -H, --hugepages      in huge pages\n"
	"  -g, --group GROUP    of the socket\n"
	"  -o, --mode MODE      of the socket; 0660\n"
	"  -c, --control PATH   a socket that tells the status to whoever connects\n"
	"  -s, --status PATH    print the status of the server whose control socket that is\n"
	"  -i, --name NAME      in the log and the default paths; shmipc\n"
	"  -C, --classic        ids that grow, notices of joining and leaving, as QEMU's\n"
	"                       server: unmodified QEMUs may crash (see shmipc-server(8))\n"
	"  -t, --timeout SECS   drop a client that does not read what it is told; 30\n"
	"  -F, --foreground     do not become a daemon\n"
	"  -p, --pidfile PATH   of the daemon; /run/shmipc/NAME.pid\n"
	"  -v, --verbose        log every connection\n"
	"  -V, --version\n"
	"  -h, --help\n";

static const struct option table[] = {
	{ "socket", required_argument, NULL, 'S' },
	{ "size", required_argument, NULL, 'l' },
	{ "vectors", required_argument, NULL, 'n' },
	{ "peers", required_argument, NULL, 'N' },
	{ "shm", required_argument, NULL, 'M' },
	{ "memory", required_argument, NULL, 'm' },
	{ "hugepages", no_argument, NULL, 'H' },
	{ "group", required_argument, NULL, 'g' },
	{ "mode", required_argument, NULL, 'o' },
	{ "control", required_argument, NULL, 'c' },
	{ "status", required_argument, NULL, 's' },
	{ "name", required_argument, NULL, 'i' },
	{ "classic", no_argument, NULL, 'C' },
	{ "timeout", required_argument, NULL, 't' },
	{ "foreground", no_argument, NULL, 'F' },
	{ "pidfile", required_argument, NULL, 'p' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

#define SHORT "S:l:n:N:M:m:Hg:o:c:s:i:Ct:Fp:vVh"

static _Noreturn void wrong(const char *what, const char *arg)
{
	note("%s: %s (see --help)", arg, what);
	exit(2);
}

static u64 number(const char *arg, int base, u64 least, u64 most, char **end)
{
	unsigned long long n;

	errno = 0;
	n = strtoull(arg, end, base);
	/* strtoull() takes a sign and spaces */
	if (errno || *arg < '0' || *arg > '9' || n < least || n > most)
		wrong("out of range, or not a number", arg);
	return n;
}

static u32 small_number(const char *arg, int base, u32 least, u32 most)
{
	char *end;
	u32 n = number(arg, base, least, most, &end);

	if (*end)
		wrong("not a number", arg);
	return n;
}

static u64 size(const char *arg)
{
	char *end;
	u64 n = number(arg, 10, 1, 1ULL << 40, &end);

	switch (*end) {
	case 'G': case 'g':
		n <<= 10;
		__attribute__((fallthrough));
	case 'M': case 'm':
		n <<= 10;
		__attribute__((fallthrough));
	case 'K': case 'k':
		n <<= 10;
		end++;
	}
	if (*end)
		wrong("neither bytes nor a number with K, M or G", arg);
	if (n & (n - 1))
		wrong("not a power of two, which QEMU wants", arg);
	return n;
}

static const char *name(const char *arg)
{
	if (!*arg || *arg == '.' || strchr(arg, '/') || strlen(arg) > 64)
		wrong("not a plain name", arg);
	return arg;
}

static const struct {
	char letter;
	bool *flag;
} flags[] = {
	{ 'C', &options.classic },
	{ 'F', &options.foreground },
	{ 'H', &options.hugepages },
	{ 'v', &options.verbose },
};

static const struct {
	char letter;
	const char **text;
} texts[] = {
	{ 'M', &options.shm },
	{ 'S', &options.socket },
	{ 'c', &options.control },
	{ 'g', &options.group },
	{ 'm', &options.path },
	{ 'p', &options.pidfile },
	{ 's', &options.status },
};

static bool take_simple(int letter, const char *arg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (flags[i].letter == letter) {
			*flags[i].flag = true;
			return true;
		}
	}
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i].letter == letter) {
			*texts[i].text = arg;
			return true;
		}
	}
	return false;
}

static void take(int letter, const char *arg)
{
	switch (letter) {
	case 'l':
		options.size = size(arg);
		break;
	case 'n':
		options.vectors = small_number(arg, 10, 1, SERVER_BELLS_MAX);
		break;
	case 'N':
		options.peers = small_number(arg, 10, SHMIPC_WIRE_PEERS_MIN, SHMIPC_WIRE_PEERS_MAX);
		break;
	case 'o':
		options.mode = small_number(arg, 8, 0, 0777);
		break;
	case 'i':
		options.name = name(arg);
		break;
	case 't':
		options.timeout = small_number(arg, 10, 1, 3600);
		break;
	case 'V':
		puts("shmipc-server " SHMIPC_VERSION);
		exit(0);
	case 'h':
		fputs(help, stdout);
		exit(0);
	default:	/* getopt_long() has said what is wrong */
		fputs("shmipc-server --help lists the options\n", stderr);
		exit(2);
	}
}

static const char *run_path(const char *suffix)
{
	char *path;

	if (asprintf(&path, "/run/shmipc/%s.%s", options.name, suffix) < 0)
		exit(1);
	return path;
}

static void check(void)
{
	if (options.peers * options.vectors > SERVER_BELLS_MAX) {
		note("%u peers with %u vectors are more than the %u doorbells a QEMU can have",
		     options.peers, options.vectors, SERVER_BELLS_MAX);
		exit(2);
	}
	if (options.shm && options.path)
		wrong("-M and -m exclude each other", options.path);
	if (options.hugepages && (options.shm || options.path))
		wrong("huge pages of a file are had by a path on hugetlbfs",
		      options.path ? options.path : options.shm);
}

void options_parse(int argc, char **argv)
{
	int letter;

	while ((letter = getopt_long(argc, argv, SHORT, table, NULL)) >= 0)
		if (!take_simple(letter, optarg))
			take(letter, optarg);
	if (optind < argc)
		wrong("no such operand", argv[optind]);
	check();
	if (!options.socket)
		options.socket = run_path("sock");
	if (!options.pidfile && !options.foreground)
		options.pidfile = run_path("pid");
}
