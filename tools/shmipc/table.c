// SPDX-License-Identifier: GPL-2.0
/* Text in aligned columns. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define MAX_COLUMNS 20

/* A head that begins with '>' has its column aligned to the right. */
struct table {
	const char *const *heads;
	size_t columns;
	size_t width[MAX_COLUMNS];
	char **cells;
	size_t nr;
};

static void out_of_memory(void)
{
	note("out of memory");
	exit(CLI_FAILED);
}

/* @heads ends with NULL and must stay. Freed by table_print(). */
struct table *table_new(const char *const *heads)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		out_of_memory();
	table->heads = heads;
	while (heads[table->columns] && table->columns < MAX_COLUMNS) {
		const char *head = heads[table->columns];

		table->width[table->columns++] = strlen(head) - (*head == '>');
	}
	return table;
}

/* The next cell, with everything escaped that a terminal could misunderstand. */
void table_cell(struct table *table, const char *format, ...)
{
	size_t column = table->nr % table->columns;
	char *raw = NULL, *cell = NULL;
	size_t size = 0;
	va_list args;
	FILE *out;
	int len;

	va_start(args, format);
	len = vasprintf(&raw, format, args);
	va_end(args);
	out = len < 0 ? NULL : open_memstream(&cell, &size);
	if (!out)
		out_of_memory();
	put_escaped(out, raw, len, false);
	if (fclose(out))
		out_of_memory();
	free(raw);
	table->cells = reallocarray(table->cells, table->nr + 1, sizeof(*table->cells));
	if (!table->cells)
		out_of_memory();
	table->cells[table->nr++] = cell;
	if (size > table->width[column])
		table->width[column] = size;
}

static void print_cell(const struct table *table, size_t column, const char *text)
{
	const char *gap = column ? "  " : "";
	int width = table->width[column];

	if (table->heads[column][0] == '>')
		printf("%s%*s", gap, width, text);
	else if (column + 1 == table->columns)
		printf("%s%s", gap, text);
	else
		printf("%s%-*s", gap, width, text);
	if (column + 1 == table->columns)
		putchar('\n');
}

void table_print(struct table *table)
{
	for (size_t i = 0; i < table->columns; i++)
		print_cell(table, i, table->heads[i] + (table->heads[i][0] == '>'));
	for (size_t i = 0; i < table->nr; i++) {
		print_cell(table, i % table->columns, table->cells[i]);
		free(table->cells[i]);
	}
	free(table->cells);
	free(table);
}
