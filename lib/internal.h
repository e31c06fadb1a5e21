/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the library know of each other. Every object is private to
 * its file; these functions turn them into the structs of <linux/shmipc.h> and
 * back.
 */
#ifndef SHMIPC_INTERNAL_H
#define SHMIPC_INTERNAL_H

#include <shmipc/shmipc.h>

#define SHMIPC_API __attribute__((visibility("default")))

/* internal.c */
int shmipc_do_ioctl(const struct shmipc_endpoint *ep, unsigned int cmd, void *arg);
int shmipc_wait_to_uapi(int64_t deadline, uint32_t nowait, uint32_t *flags, int64_t *out);
int shmipc_name_to_uapi(const char *name, char out[SHMIPC_NAME_MAX]);
void shmipc_name_from_uapi(char name[SHMIPC_NAME_MAX]);

static inline uint64_t shmipc_ptr_to_uapi(const void *ptr)
{
	return (uint64_t)(uintptr_t)ptr;
}

/* endpoint.c: what a handle stands for */

/**
 * struct shmipc_backend - who carries out the commands of a handle: the kernel, behind
 * a device, or the process itself (host/)
 * @command: one of <linux/shmipc.h>; as ioctl()
 * @fd: to poll
 * @beside: another endpoint of the same peer, or NULL with errno
 * @close: with errno kept
 */
struct shmipc_backend {
	int (*command)(const struct shmipc_endpoint *ep, unsigned int cmd, void *arg);
	int (*fd)(const struct shmipc_endpoint *ep);
	struct shmipc_endpoint *(*beside)(const struct shmipc_endpoint *ep, int flags);
	void (*close)(struct shmipc_endpoint *ep);
};

struct host_endpoint;

/* Never changes, so threads need no lock. */
struct shmipc_endpoint {
	const struct shmipc_backend *backend;
	int fd;				/* device.c */
	struct host_endpoint *host;	/* host.c */
};

struct shmipc_endpoint *shmipc_endpoint_new(const struct shmipc_backend *backend, int fd,
					    struct host_endpoint *host);
/* As if shmipc_open() had been called with the same address, but always the same peer */
struct shmipc_endpoint *shmipc_open_beside(const struct shmipc_endpoint *ep, int flags);

/* device.c: an open file of a device */
struct shmipc_endpoint *shmipc_device_open(const char *path, int flags);

/* host.c: a peer in this process */
struct shmipc_endpoint *shmipc_host_peer_open(const char *where, int flags);

/* host/commands.c; errno is set */
struct host_endpoint *shmipc_host_open(const char *where, int flags);
struct host_endpoint *shmipc_host_open_beside(struct host_endpoint *ep, int flags);
int shmipc_host_command(struct host_endpoint *ep, unsigned int cmd, void *arg);
int shmipc_host_fd(struct host_endpoint *ep);
void shmipc_host_close(struct host_endpoint *ep);

/* where.c */
#define SHMIPC_WHERE_MAX 256
/* The address itself, the environment's or the default one */
const char *shmipc_where(const char *where);
bool shmipc_where_is_host(const char *where);
int shmipc_where_to_path(const char *where, char path[SHMIPC_WHERE_MAX]);

/* message.c */
int shmipc_message_to_send(const struct shmipc_message *msg, int64_t deadline,
			   struct shmipc_send *arg);
void shmipc_message_from_send(struct shmipc_message *msg, const struct shmipc_send *arg);
int shmipc_message_to_recv(const struct shmipc_message *msg, int64_t deadline,
			   struct shmipc_recv *arg);
void shmipc_message_from_recv(struct shmipc_message *msg, const struct shmipc_recv *arg);

#endif /* SHMIPC_INTERNAL_H */
