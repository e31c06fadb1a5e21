/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What benchmarks do with what they measured: one value for each pass, the median of them,
 * and the quartiles of ratios taken within a pass.
 */
#ifndef SHMIPC_FIGURES_H
#define SHMIPC_FIGURES_H

#include "shmipc_test.h"

#define MAX_PASSES	101

static unsigned int passes = 15;

static inline void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static inline int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value at @part of the way through the sorted values */
static inline double quantile(const double *values, double part)
{
	double sorted[MAX_PASSES];

	memcpy(sorted, values, passes * sizeof(*values));
	qsort(sorted, passes, sizeof(*sorted), by_value);
	return sorted[(unsigned int)(part * (passes - 1) + 0.5)];
}

static inline void ratios(const double *a, const double *b, double *out)
{
	unsigned int i;

	for (i = 0; i < passes; i++)
		out[i] = a[i] / b[i];
}

static inline bool is_ours(const char *way)
{
	return !strncmp(way, "shmipc", 6);
}

/* "   NAME MEDIAN (QUARTILE-QUARTILE)" of the ratios */
static inline void print_ratio(const char *name, const double *list)
{
	printf("   %s %.2f (%.2f-%.2f)", name, quantile(list, 0.5), quantile(list, 0.25),
	       quantile(list, 0.75));
}

static inline void read_load(char *load, size_t size)
{
	FILE *file = fopen("/proc/loadavg", "r");

	if (!file || !fgets(load, size, file))
		snprintf(load, size, "unknown");
	load[strcspn(load, "\n")] = 0;
	if (file)
		fclose(file);
}

#endif /* SHMIPC_FIGURES_H */
