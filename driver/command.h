/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A command on its way from chardev.c, which copies it in and out, to its handler.
 */
#ifndef SHMIPC_COMMAND_H
#define SHMIPC_COMMAND_H

#include "shmipc.h"

union shmipc_arg {
	struct shmipc_port_destroy head;	/* every struct begins like it: size, flags */
	struct shmipc_info info;
	struct shmipc_peers peers;
	struct shmipc_ports ports;
	struct shmipc_port_create create;
	struct shmipc_port_destroy destroy;
	struct shmipc_lookup lookup;
	struct shmipc_connect connect;
	struct shmipc_send send;
	struct shmipc_recv recv;
	struct shmipc_sendv sendv;
	struct shmipc_recvv recvv;
	struct shmipc_event_mask event_mask;
	struct shmipc_events events;
	struct shmipc_watch watch;
	struct shmipc_notify notify;
	struct shmipc_eventfd eventfd;
};

/**
 * struct shmipc_call - a command under way
 * @ep: caller's endpoint
 * @file: its file
 * @user: the struct in user memory
 * @usize: its size there
 * @cmd: what it is
 * @arg: our copy
 */
struct shmipc_call {
	struct shmipc_endpoint *ep;
	struct file *file;
	void __user *user;
	u32 usize;
	const struct shmipc_command *cmd;
	union shmipc_arg arg;
};

/**
 * struct shmipc_command - what there is to know of a command
 * @size: of the struct
 * @min: of its first version
 * @out: offset of the first out_ field
 * @own: the handler copies results out by itself
 * @flags: known ones
 * @handler: does it
 */
struct shmipc_command {
	u16 size;
	u16 min;
	u16 out;
	bool own;
	u32 flags;
	long (*handler)(struct shmipc_call *call);
};

static inline struct shmipc_wait shmipc_call_wait(const struct shmipc_call *call, s64 deadline,
						  bool nowait)
{
	return (struct shmipc_wait) {
		.deadline = deadline,
		.nonblock = nowait || call->file->f_flags & O_NONBLOCK,
	};
}

/* command.c: handlers that need nothing but the copy of the struct */

long shmipc_do_info(struct shmipc_call *call);
long shmipc_do_port_create(struct shmipc_call *call);
long shmipc_do_port_destroy(struct shmipc_call *call);
long shmipc_do_lookup(struct shmipc_call *call);
long shmipc_do_connect(struct shmipc_call *call);
long shmipc_do_event_mask(struct shmipc_call *call);
long shmipc_do_watch(struct shmipc_call *call);
long shmipc_do_notify(struct shmipc_call *call);
long shmipc_do_eventfd(struct shmipc_call *call);

#endif /* SHMIPC_COMMAND_H */
