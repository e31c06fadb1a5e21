// SPDX-License-Identifier: GPL-2.0
/*
 * What lies in a region's memory: state table, R/W words, the heads of all sections, as
 * Jailhouse's ivshmem-demo prints them. sysfs has it, for root.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cli.h"

#define HEAD_MAX	4096

const struct option_def dump_options[] = {
	{ 'b', "bytes", "N", "show so many bytes of each section, up to 4096" },
	{ 0 },
};

/* The parts of the memory, in the order in which they lie there */
struct dump {
	int memory;
	uint64_t peer;
	uint64_t peers;
	uint64_t table_bytes;
	uint64_t rw_bytes;
	uint64_t section_bytes;
	uint32_t bytes;
	bool json;
};

static bool read_attribute(int dir, const char *name, uint64_t *value)
{
	char text[32] = "";
	ssize_t len;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? strcspn(text, "\n") : 0] = 0;
	return parse_number(text, UINT64_MAX, value);
}

/* The directory in sysfs of the device that is open */
static int open_directory(struct shmipc_endpoint *ep)
{
	char path[64];
	struct stat st;

	if (fstat(shmipc_fd(ep), &st))
		return -1;
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u", major(st.st_rdev), minor(st.st_rdev));
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool read_directory(struct dump *dump, int dir)
{
	dump->memory = openat(dir, "memory", O_RDONLY | O_CLOEXEC);
	return dump->memory >= 0 && read_attribute(dir, "peer", &dump->peer) &&
	       read_attribute(dir, "peers", &dump->peers) &&
	       read_attribute(dir, "table_bytes", &dump->table_bytes) &&
	       read_attribute(dir, "rw_bytes", &dump->rw_bytes) &&
	       read_attribute(dir, "section_bytes", &dump->section_bytes);
}

static bool read_at(const struct dump *dump, uint64_t at, void *to, size_t len)
{
	ssize_t got;

	for (; len; len -= got, at += got, to = (char *)to + got) {
		got = pread(dump->memory, to, len, at);
		if (got <= 0)
			return false;
	}
	return true;
}

static bool show_words(const struct dump *dump, const char *name, uint64_t at, uint64_t bytes)
{
	uint64_t i, nr = dump->peers;
	uint32_t word;

	if (nr > bytes / sizeof(word))
		nr = bytes / sizeof(word);
	if (dump->json)
		json_open(name, '[');
	for (i = 0; i < nr; i++) {
		if (!read_at(dump, at + i * sizeof(word), &word, sizeof(word)))
			return false;
		if (dump->json)
			json_number(NULL, word);
		else
			printf("%s[%" PRIu64 "] = %" PRIu32 "\n", name, i, word);
	}
	if (dump->json)
		json_close(']');
	return true;
}

static bool show_head(const struct dump *dump, uint64_t section, uint64_t at)
{
	unsigned char head[HEAD_MAX];
	uint32_t word;

	if (!read_at(dump, at, &word, sizeof(word)) || !read_at(dump, at, head, dump->bytes))
		return false;
	if (dump->json) {
		json_open(NULL, '{');
		json_number("word", word);
		if (dump->bytes)
			json_hex_bytes("bytes", head, dump->bytes);
		json_close('}');
		return true;
	}
	printf("in@0x%04" PRIx64 " = %" PRIu32 "\n", section, word);
	if (dump->bytes)
		put_hex(stdout, head, dump->bytes);
	return true;
}

static bool show_heads(const struct dump *dump, uint64_t base)
{
	uint64_t i;

	if (dump->json)
		json_open("sections", '[');
	for (i = 0; i < dump->peers; i++)
		if (!show_head(dump, i * dump->section_bytes, base + i * dump->section_bytes))
			return false;
	if (dump->json)
		json_close(']');
	return true;
}

static bool show(const struct dump *dump)
{
	if (dump->json) {
		json_open(NULL, '{');
		json_number("id", dump->peer);
	} else {
		printf("ID = %" PRIu64 "\n", dump->peer);
	}
	if (!show_words(dump, "state", 0, dump->table_bytes) ||
	    !show_words(dump, "rw", dump->table_bytes, dump->rw_bytes) ||
	    !show_heads(dump, dump->table_bytes + dump->rw_bytes))
		return false;
	if (dump->json) {
		json_close('}');
		json_end();
	}
	return true;
}

static int run(struct dump *dump, struct shmipc_endpoint *ep)
{
	int dir = open_directory(ep);
	bool there = dir >= 0 && read_directory(dump, dir);
	int status = CLI_OK;

	if (dir >= 0)
		close(dir);
	if (!there)
		return fail_errno("the memory in sysfs (which is for root)");
	if (dump->bytes > dump->section_bytes)
		dump->bytes = dump->section_bytes;
	if (!show(dump))
		status = fail_errno("reading the memory");
	close(dump->memory);
	return status;
}

int verb_dump(struct cli *cli)
{
	struct dump dump = { .json = cli->json };
	struct shmipc_endpoint *ep;
	int option, status;

	while ((option = cli_option(cli)) != -1) {
		if (option != 'b')
			return CLI_USAGE;
		if (!parse_u32(cli_value(), HEAD_MAX, &dump.bytes))
			return cli_usage(cli, "\"%s\" is no number of bytes up to %u", cli_value(),
					 HEAD_MAX);
	}
	if (cli->argc)
		return cli_usage(cli, "takes no operands");
	ep = open_device(cli, SHMIPC_OPEN_RECV_ONLY);
	if (!ep)
		return CLI_FAILED;
	status = run(&dump, ep);
	shmipc_close(ep);
	return status;
}
