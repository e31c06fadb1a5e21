// SPDX-License-Identifier: GPL-2.0
/* The status: whoever connects to the control socket gets it, as JSON, and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server.h"

static struct watch control = { .fd = -1 };
static struct stat made;
static u64 started;

static void put_string(FILE *out, const char *key, const char *text)
{
	fprintf(out, "\"%s\": \"", key);
	for (; *text; text++) {
		unsigned char byte = *text;

		if (byte == '"' || byte == '\\')
			fprintf(out, "\\%c", byte);
		else if (byte < ' ' || byte > '~')
			fprintf(out, "\\u%04x", byte);
		else
			fputc(byte, out);
	}
	fputs("\", ", out);
}

static void put_number(FILE *out, const char *key, u64 n)
{
	fprintf(out, "\"%s\": %llu, ", key, (unsigned long long)n);
}

static const char *truth(bool is)
{
	return is ? "true" : "false";
}

static void put_client(FILE *out, const struct client *client)
{
	struct region_peer peer;

	region_peer(client->id, &peer);
	fprintf(out, "{\"id\": %u, ", client->id);
	put_string(out, "name", peer.name);
	fprintf(out, "\"attached\": %s, ", truth(peer.epoch));
	put_number(out, "vectors", peer.vectors);
	put_number(out, "pid", client->who.pid);
	put_number(out, "uid", client->who.uid);
	put_number(out, "seconds", (now_ms() - client->since) / 1000);
	fprintf(out, "\"unread\": %u}", queue_length(&client->queue));
}

static void put_status(FILE *out)
{
	const char *separator = "";
	struct client *client;

	fputs("{", out);
	put_string(out, "name", options.name);
	put_string(out, "socket", options.socket);
	put_number(out, "pid", getpid());
	put_number(out, "seconds", (now_ms() - started) / 1000);
	fprintf(out, "\"classic\": %s, \"sealed\": %s, ", truth(!region_served()),
		truth(memory.sealed));
	put_string(out, "memory", memory.kind);
	put_number(out, "size", memory.size);
	put_number(out, "section", region_section_size());
	put_number(out, "peers", region_peers());
	put_number(out, "vectors", options.vectors);
	put_number(out, "connected", clients_connected());
	put_number(out, "joined", clients_joined());
	put_number(out, "refused", clients_refused());
	fputs("\"clients\": [", out);
	for_each_client(client) {
		fputs(separator, out);
		put_client(out, client);
		separator = ", ";
	}
	fputs("]}\n", out);
}

/* All of it fits into the socket's buffer, hence nobody is waited for */
static void control_ready(struct watch *watch, u32 events)
{
	int fd = listener_accept(watch->fd);
	char *text = NULL;
	size_t len;
	FILE *out;

	(void)events;
	if (fd < 0)
		return;
	out = open_memstream(&text, &len);
	if (out) {
		put_status(out);
		if (!fclose(out) && send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			detail("status not sent: %m");
		free(text);
	}
	close(fd);
}

int control_open(void)
{
	int fd;

	started = now_ms();
	if (!options.control)
		return 0;
	fd = listener_bind(options.control, &made);
	if (fd < 0)
		return -1;
	control.ready = control_ready;
	return loop_watch(&control, fd, EPOLLIN);
}

void control_close(void)
{
	listener_unbind(&control, options.control, &made);
}

int control_print(const char *path)
{
	const struct timeval patience = { .tv_sec = 5 };
	int fd = listener_connect(path);
	char buf[4096];
	ssize_t len;

	if (fd < 0) {
		note("%s: %m", path);
		return EXIT_FAILURE;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while ((len = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, len, stdout);
	close(fd);
	if (len < 0 || fflush(stdout)) {
		note("%s: %m", path);
		return EXIT_FAILURE;
	}
	return 0;
}
