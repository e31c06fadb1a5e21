// SPDX-License-Identifier: GPL-2.0
/* Reading the options of a verb, and its help, both from its table. */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define MAX_OPTIONS 24

static const struct option_def device_option = {
	'd', "device", "DEVICE", "a path, shmipcN or N; unix:SOCKET, file:PATH"
};

static const struct option_def json_option = { 'j', "json", NULL, "print JSON" };
static const struct option_def help_option = { 'h', "help", NULL, "print this" };

/* All options of a verb, its own first. Returns how many. */
static int collect(const struct verb *verb, const struct option_def *out[MAX_OPTIONS])
{
	int nr = 0;

	if (verb->flags & VERB_PORT)
		for (const struct option_def *def = own_port_options; def->letter; def++)
			out[nr++] = def;
	for (const struct option_def *def = verb->options; def && def->letter; def++)
		out[nr++] = def;
	if (verb->flags & VERB_JSON)
		out[nr++] = &json_option;
	if (verb->flags & VERB_DEVICE)
		out[nr++] = &device_option;
	out[nr++] = &help_option;
	return nr;
}

void cli_help(FILE *out, const struct verb *verb)
{
	const struct option_def *defs[MAX_OPTIONS];
	int nr = collect(verb, defs);

	fprintf(out, "usage: shmipc %s [OPTION...]%s%s\n%c%s.\n\n", verb->name,
		*verb->operands ? " " : "", verb->operands, verb->summary[0] - 'a' + 'A',
		verb->summary + 1);
	for (int i = 0; i < nr; i++) {
		char left[40];

		snprintf(left, sizeof(left), "-%c, --%s%s%s", defs[i]->letter, defs[i]->name,
			 defs[i]->arg ? " " : "", defs[i]->arg ? defs[i]->arg : "");
		fprintf(out, "  %-24s %s\n", left, defs[i]->help);
	}
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "shmipc %s: ", cli->verb->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (try shmipc %s --help)\n", cli->verb->name);
	return CLI_USAGE;
}

/* What getopt_long() wants to know of the options @defs. */
static void translate(const struct option_def **defs, int nr, bool runs,
		      char short_options[2 * MAX_OPTIONS + 3], struct option *long_options)
{
	char *at = short_options;

	if (runs)
		*at++ = '+';
	*at++ = ':';
	for (int i = 0; i < nr; i++) {
		*at++ = defs[i]->letter;
		if (defs[i]->arg)
			*at++ = ':';
		long_options[i] = (struct option){
			.name = defs[i]->name,
			.has_arg = defs[i]->arg ? required_argument : no_argument,
			.val = defs[i]->letter,
		};
	}
	*at = '\0';
	memset(&long_options[nr], 0, sizeof(long_options[nr]));
}

static int complain(const struct cli *cli, int option)
{
	const char *word = cli->argv[optind - 1];
	char letter[] = { '-', optopt, '\0' };

	/* In a cluster of letters the word is still to come; a long one has no letter */
	if (optopt > ' ' && optopt < 127 && strncmp(word, "--", 2))
		word = letter;
	if (option == ':')
		cli_usage(cli, "%s needs a value", word);
	else
		cli_usage(cli, "unknown option %s", word);
	return '?';
}

/*
 * The next option's letter; its value, if any, is cli_value(). -1 when there are
 * no more: then cli->argc and argv are the operands. '?' after a complaint. -d, -j
 * and -h are dealt with here.
 */
int cli_option(struct cli *cli)
{
	const struct option_def *defs[MAX_OPTIONS];
	struct option long_options[MAX_OPTIONS + 1];
	char short_options[2 * MAX_OPTIONS + 3];
	int nr = collect(cli->verb, defs);
	int option;

	translate(defs, nr, cli->verb->flags & VERB_RUNS, short_options, long_options);
	opterr = 0;
	for (;;) {
		option = getopt_long(cli->argc, cli->argv, short_options, long_options, NULL);
		switch (option) {
		case 'd':
			cli->device = optarg;
			continue;
		case 'j':
			cli->json = true;
			continue;
		case 'h':
			cli_help(stdout, cli->verb);
			exit(fflush(stdout) ? CLI_FAILED : CLI_OK);
		case '?':
		case ':':
			return complain(cli, option);
		case -1:
			cli->argc -= optind;
			cli->argv += optind;
		}
		return option;
	}
}

const char *cli_value(void)
{
	return optarg;
}
