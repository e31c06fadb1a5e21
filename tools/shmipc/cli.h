/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shmipc command: what its files know of each other.
 *
 * main.c has the table of verbs, one file each group of verbs their functions.
 * Help is made from the table, so it cannot differ from what is accepted.
 */
#ifndef SHMIPC_CLI_H
#define SHMIPC_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <shmipc/shmipc.h>

#define __printf(format, first)	__attribute__((	\
	__format__(printf, format, first)))
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

enum {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_CANNOT_RUN = 126,	/* with: the command exists but cannot be run */
	CLI_NOT_FOUND = 127,	/* with: there is no such command */
};

/* An option: -@letter, --@name, with a value if @arg is not NULL. */
struct option_def {
	char letter;
	const char *name;
	const char *arg;
	const char *help;
};

#define VERB_DEVICE	0x1	/* takes -d */
#define VERB_JSON	0x2	/* takes -j */
#define VERB_RUNS	0x4	/* options end at the first operand */
#define VERB_PORT	0x8	/* takes the options of a port of its own */

struct cli;

struct verb {
	const char *name;
	const char *operands;
	const char *summary;
	unsigned int flags;
	const struct option_def *options;	/* ends with letter 0; or NULL */
	int (*run)(struct cli *cli);
};

/* One run of the command. @argc and @argv: the operands, once options are read. */
struct cli {
	const struct verb *verb;
	const char *device;
	bool json;
	int argc;
	char **argv;
};

/* options.c: reading options, and the help made of them */
int cli_option(struct cli *cli);
const char *cli_value(void);
int cli_usage(const struct cli *cli, const char *format, ...)
	__printf(2, 3);
void cli_help(FILE *out, const struct verb *verb);

/* parse.c: from text to numbers and destinations */
bool parse_number(const char *text, uint64_t max, uint64_t *out);
bool parse_u32(const char *text, uint32_t max, uint32_t *out);
bool parse_time_ms(const char *text, int *ms);
bool parse_peer(const char *text, uint32_t *peer);
bool parse_port(const char *text, uint32_t *port);
int resolve(struct shmipc_endpoint *ep, const char *text, int64_t deadline,
	    struct shmipc_address *to);

/* output.c: messages to a person, and bytes that are not to be trusted */
int fail(const char *format, ...) __printf(1, 2);
int fail_errno(const char *what);
void note(const char *format, ...) __printf(1, 2);
struct shmipc_endpoint *open_device(const struct cli *cli, int flags);
size_t utf8_length(const unsigned char *at, size_t left);
void put_escaped(FILE *out, const void *data, size_t len, bool lines);
void put_text(FILE *out, const void *data, size_t len);
void put_hex(FILE *out, const void *data, size_t len);

/* table.c: aligned columns */
struct table;
struct table *table_new(const char *const *heads);
void table_cell(struct table *table, const char *format, ...) __printf(2, 3);
void table_print(struct table *table);

/* json.c: a writer. Keys are NULL within arrays */
void json_open(const char *key, char bracket);
void json_close(char bracket);
void json_string(const char *key, const char *value);
void json_bytes(const char *key, const void *data, size_t len);
void json_hex_bytes(const char *key, const void *data, size_t len);
void json_number(const char *key, uint64_t value);
void json_id(const char *key, uint64_t value);
void json_bool(const char *key, bool value);
void json_end(void);

/* module.c */
int verb_load(struct cli *cli);
int verb_unload(struct cli *cli);
extern const struct option_def load_options[];

/* status.c */
int verb_status(struct cli *cli);
int verb_list(struct cli *cli);
size_t device_numbers(unsigned int *out, size_t max);

/* info.c */
int verb_info(struct cli *cli);

/* tables.c */
int verb_peers(struct cli *cli);
extern const struct option_def peers_options[];
int verb_ports(struct cli *cli);
extern const struct option_def ports_options[];

/* watch.c: peers as they come and go */
int watch_peers(const struct cli *cli, struct shmipc_endpoint *ep, uint64_t count);

/* ring.c */
int verb_ring(struct cli *cli);

/* dump.c */
int verb_dump(struct cli *cli);
extern const struct option_def dump_options[];

/* send.c */
int verb_send(struct cli *cli);
extern const struct option_def send_options[];

/* recv.c */
int verb_recv(struct cli *cli);
extern const struct option_def recv_options[];

/* echo.c */
int verb_echo(struct cli *cli);
extern const struct option_def echo_options[];

/* own_port.c: options of all verbs that create a port */
struct own_port {
	bool wanted;
	uint32_t number;
	const char *name;
	uint32_t depth;
	uint32_t max_size;
};

extern const struct option_def own_port_options[];
int own_port_option(struct cli *cli, struct own_port *port, int option);
int own_port_create(struct shmipc_endpoint *ep, const struct own_port *port);
struct shmipc_message *receive_any_size(struct shmipc_endpoint *ep, struct shmipc_message *msg,
					int64_t deadline);

/* with.c */
int verb_with(struct cli *cli);
extern const struct option_def with_options[];

/* ipctest.c, ipcstop.c */
int verb_ipctest(struct cli *cli);
int verb_ipcstop(struct cli *cli);
extern const struct option_def ipctest_options[];
int ipctest_claim(void);
void ipctest_release(void);

#endif /* SHMIPC_CLI_H */
