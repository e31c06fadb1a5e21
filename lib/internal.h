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
int shmipc_probe_fd(int fd);
int shmipc_wait_to_uapi(int64_t deadline, uint32_t nowait, uint32_t *flags, int64_t *out);
int shmipc_name_to_uapi(const char *name, char out[SHMIPC_NAME_MAX]);
void shmipc_name_from_uapi(char name[SHMIPC_NAME_MAX]);

static inline uint64_t shmipc_ptr_to_uapi(const void *ptr)
{
	return (uint64_t)(uintptr_t)ptr;
}

/* where.c */
#define SHMIPC_WHERE_MAX 256
int shmipc_where_to_path(const char *where, char path[SHMIPC_WHERE_MAX]);

/* message.c */
int shmipc_message_to_send(const struct shmipc_message *msg, int64_t deadline,
			   struct shmipc_send *arg);
void shmipc_message_from_send(struct shmipc_message *msg, const struct shmipc_send *arg);
int shmipc_message_to_recv(const struct shmipc_message *msg, int64_t deadline,
			   struct shmipc_recv *arg);
void shmipc_message_from_recv(struct shmipc_message *msg, const struct shmipc_recv *arg);

#endif /* SHMIPC_INTERNAL_H */
