// SPDX-License-Identifier: GPL-2.0
/* A server: owns the port named "hello" and answers every greeting. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shmipc/shmipc.h>

static struct shmipc_endpoint *open_or_exit(const char *device)
{
	struct shmipc_endpoint *ep = shmipc_open(device, 0);
	char why[256];

	if (!ep) {
		shmipc_open_error(device, errno, why, sizeof(why));
		fprintf(stderr, "server: %s\n", why);
		exit(1);
	}
	return ep;
}

static void answer(struct shmipc_endpoint *ep, const char *text, size_t len,
		   const struct shmipc_address *client)
{
	char reply[256];

	snprintf(reply, sizeof(reply), "hello, %.*s", (int)len, text);
	/* Never wait forever for a client: it may not be reading. */
	if (shmipc_send(ep, client, 0, reply, strlen(reply), shmipc_deadline(1000)) < 0)
		fprintf(stderr, "server: answer: %s\n", shmipc_strerror(errno));
}

/* usage: server [DEVICE [COUNT]] - serves COUNT greetings, without it forever */
int main(int argc, char **argv)
{
	struct shmipc_endpoint *ep = open_or_exit(argc > 1 ? argv[1] : NULL);
	long left = argc > 2 ? atol(argv[2]) : -1;
	struct shmipc_address client;
	char text[200];
	ssize_t len;

	if (shmipc_port_create(ep, SHMIPC_PORT_ANY, "hello") < 0) {
		fprintf(stderr, "server: port: %s\n", shmipc_strerror(errno));
		return 1;
	}
	for (; left; left -= left > 0) {
		len = shmipc_recv(ep, text, sizeof(text), NULL, &client, SHMIPC_FOREVER);
		if (len < 0 && errno == EMSGSIZE) {
			shmipc_discard(ep, SHMIPC_NOWAIT);
			continue;
		}
		if (len < 0) {
			fprintf(stderr, "server: receive: %s\n", shmipc_strerror(errno));
			return 1;
		}
		printf("server: \"%.*s\" from peer %u\n", (int)len, text, client.peer);
		fflush(stdout);
		answer(ep, text, len, &client);
	}
	shmipc_close(ep);
	return 0;
}
