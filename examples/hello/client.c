// SPDX-License-Identifier: GPL-2.0
/* A client: finds the port named "hello", greets it, prints the answer. */
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
		fprintf(stderr, "client: %s\n", why);
		exit(1);
	}
	return ep;
}

static int failed(const char *what)
{
	fprintf(stderr, "client: %s: %s\n", what, shmipc_strerror(errno));
	return 1;
}

/* usage: client [DEVICE [NAME]] */
int main(int argc, char **argv)
{
	struct shmipc_endpoint *ep = open_or_exit(argc > 1 ? argv[1] : NULL);
	const char *name = argc > 2 ? argv[2] : "world";
	struct shmipc_address server;
	char reply[256];
	ssize_t len;

	/* A port of our own, so that the server can answer. */
	if (shmipc_port_create(ep, SHMIPC_PORT_ANY, NULL) < 0)
		return failed("port");
	/* It may start later than we do: wait ten seconds. */
	if (shmipc_lookup(ep, SHMIPC_PEER_ANY, "hello", SHMIPC_LOOKUP_FIRST,
			  shmipc_deadline(10000), &server) < 0)
		return failed("lookup");
	if (shmipc_send(ep, &server, 0, name, strlen(name), shmipc_deadline(1000)) < 0)
		return failed("send");
	len = shmipc_recv(ep, reply, sizeof(reply), NULL, NULL, shmipc_deadline(1000));
	if (len < 0)
		return failed("receive");
	printf("client: %.*s\n", (int)len, reply);
	shmipc_close(ep);
	return 0;
}
