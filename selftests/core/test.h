/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A test program: TEST(name) { ... CHECK(...); } and this header. Speaks TAP.
 * Arguments select tests by the start of their names.
 */
#ifndef SELFTESTS_CORE_TEST_H
#define SELFTESTS_CORE_TEST_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
	struct test *next;
};

static struct test *test_list, **test_end = &test_list;
static jmp_buf test_failed;

#define TEST(fn)							\
	static void fn(void);						\
	static struct test test_##fn = { #fn, fn, NULL };		\
	__attribute__((constructor)) static void test_add_##fn(void)	\
	{								\
		*test_end = &test_##fn;					\
		test_end = &test_##fn.next;				\
	}								\
	static void fn(void)

#define CHECK(cond)							\
	do {								\
		if (!(cond)) {						\
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
			longjmp(test_failed, 1);			\
		}							\
	} while (0)

#define CHECK_EQ(a, b)							\
	do {								\
		long long test_a = (long long)(a), test_b = (long long)(b); \
		if (test_a != test_b) {					\
			printf("# %s:%d: %s = %lld, not %s = %lld\n",	\
			       __FILE__, __LINE__, #a, test_a, #b, test_b); \
			longjmp(test_failed, 1);			\
		}							\
	} while (0)

static bool test_selected(const struct test *test, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strncmp(test->name, argv[i], strlen(argv[i])))
			return true;
	return argc < 2;
}

static bool test_passes(const struct test *test)
{
	if (setjmp(test_failed))
		return false;
	test->run();
	return true;
}

int main(int argc, char **argv)
{
	struct test *test;
	int n = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (test = test_list; test; test = test->next)
		n += test_selected(test, argc, argv);
	printf("TAP version 13\n1..%d\n", n);
	n = 0;
	for (test = test_list; test; test = test->next) {
		bool passes;

		if (!test_selected(test, argc, argv))
			continue;
		passes = test_passes(test);
		failed |= !passes;
		printf("%sok %d - %s\n", passes ? "" : "not ", ++n, test->name);
	}
	return failed;
}

#endif /* SELFTESTS_CORE_TEST_H */
