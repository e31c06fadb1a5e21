// SPDX-License-Identifier: GPL-2.0
/*
 * loop SECONDS - the ways of bench within one region one after the other, a message sent and received
 * without a sleep, for so long. Before each one its name: who counts instructions from outside
 * waits for that.
 */
#include "channels.h"

#define LEN	64

static void loop(const struct way *way, unsigned int seconds)
{
	__s64 end = now_ns() + seconds * 1000 * (__s64)MS;
	struct channel chan = { };
	char buf[LEN] = "";

	way->open(&chan, 0, LEN);
	printf("@ %s\n", way->name);
	fflush(stdout);
	while (now_ns() < end) {
		way->send(&chan, buf, LEN);
		way->recv(&chan, buf, LEN);
	}
	close(chan.tx);
	if (chan.rx != chan.tx)
		close(chan.rx);
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? atoi(argv[1]) : 1, i;

	/* Between regions the receiver's driver works too, in whatever context */
	for (i = 0; i < WAYS; i++)
		if (!strstr(ways[i].name, "cross"))
			loop(&ways[i], seconds);
	return 0;
}
