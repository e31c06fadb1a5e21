// SPDX-License-Identifier: GPL-2.0
/*
 * spoiler FD - make an eventfd that others hold block them: empty it, fill it, and take O_NONBLOCK away, as
 * fast as can be, so that it looks free to who looks and is full to who then writes.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const uint64_t full = UINT64_MAX - 1;
	int fd = argc > 1 ? atoi(argv[1]) : -1;
	uint64_t count;

	alarm(120);
	for (;;) {
		if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK))
			return 1;
		if (read(fd, &count, sizeof(count)) < 0)
			count = 0;
		if (write(fd, &full, sizeof(full)) < 0)
			continue;
		fcntl(fd, F_SETFL, O_RDWR);
	}
}
