// SPDX-License-Identifier: GPL-2.0
/*
 * What a client has to be told and its socket had no room for. The protocol knows
 * one message: a number of 64 bits, little-endian, maybe with a descriptor.
 */
#include <endian.h>
#include <stdlib.h>

#include "server.h"

#define QUEUE_MAX	(16 * SERVER_BELLS_MAX)

struct queue_entry {
	int64_t value;
	int fd;
	struct bells *bells;
};

static bool make_room(struct queue *queue)
{
	struct queue_entry *entries;
	u32 room = queue->room ? 2 * queue->room : 64;

	if (queue->first) {
		memmove(queue->entries, queue->entries + queue->first,
			queue_length(queue) * sizeof(*entries));
		queue->end -= queue->first;
		queue->first = 0;
	}
	if (queue->end < queue->room)
		return true;
	if (room > QUEUE_MAX)
		return false;
	entries = realloc(queue->entries, room * sizeof(*entries));
	if (!entries)
		return false;
	queue->entries = entries;
	queue->room = room;
	return true;
}

bool queue_add(struct queue *queue, int64_t value, int fd, struct bells *bells)
{
	if (queue->end == queue->room && !make_room(queue))
		return false;
	queue->entries[queue->end++] = (struct queue_entry) {
		.value = value,
		.fd = fd,
		.bells = bells ? bells_get(bells) : NULL,
	};
	return true;
}

static int send_one(int sock, const struct queue_entry *entry)
{
	int64_t value = htole64(entry->value);
	struct iovec iov = { .iov_base = &value, .iov_len = sizeof(value) };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t sent;

	if (entry->fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &entry->fd, sizeof(int));
	}
	sent = sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent == sizeof(value))
		return 0;
	return sent < 0 ? -errno : -EIO;
}

static void drop_first(struct queue *queue)
{
	bells_put(queue->entries[queue->first++].bells);
	if (queue->first == queue->end)
		queue_clear(queue);
}

int queue_flush(struct queue *queue, int sock, u32 but, bool *progress)
{
	while (queue_length(queue) > but) {
		int err = send_one(sock, queue->entries + queue->first);

		switch (-err) {
		case 0:
			drop_first(queue);
			*progress = true;
			break;
		case EINTR:
			break;
		case EAGAIN:
			return 1;
		case ETOOMANYREFS:
		case ENOBUFS:
		case ENOMEM:
			return 2;
		default:
			return err;
		}
	}
	return 0;
}

void queue_clear(struct queue *queue)
{
	while (queue->first < queue->end)
		bells_put(queue->entries[queue->first++].bells);
	free(queue->entries);
	memset(queue, 0, sizeof(*queue));
}
