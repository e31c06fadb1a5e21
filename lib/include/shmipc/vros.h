/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The IPC interface of VROS: numbered ports, messages of up to 256 bytes.
 *
 * Up to 32 ports, ids 0 to 31, are shared by all processes that use one region
 * of one kernel; a new port gets the lowest free id. Each queues 16 messages in
 * all. Any process may send to any port; only the process that created one
 * receives from it or destroys it. The region is $SHMIPC_DEVICE, or /dev/shmipc0,
 * and is opened by the first call that needs it.
 *
 * What differs from VROS, for the better: a port is freed when its process ends;
 * errno tells why a call failed; a receiver can learn which port to answer to;
 * the rest of data[] is zero rather than stale.
 *
 * Every function can be called from several threads. A child process owns no
 * ports: fork() closes the child's copies (processes made by clone() without
 * fork's handlers close them in their first call here). exec closes them, too.
 *
 * All functions but ipc_try_recv() return -1 on failure, with errno set: besides
 * what is said below EINTR, ENODEV, ENOMEM, and what opening the device gives
 * (ENOENT, EACCES, ENOTTY...).
 */
#ifndef SHMIPC_VROS_H
#define SHMIPC_VROS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IPC_MAX_PORTS		32
#define IPC_MAX_MESSAGE_SIZE	256
#define IPC_QUEUE_SIZE		16
#define IPC_PORT_NONE		UINT32_MAX	/* the sender owns no port */

/**
 * struct ipc_message - a received message
 * @sender_pid: process that sent it, in the receiver's PID namespace; else 0
 * @type: as sent
 * @size: bytes in @data
 * @data: payload; the bytes after @size are 0. Not a string unless the sender
 *	sent its NUL, too
 */
struct ipc_message {
	uint32_t sender_pid;
	uint32_t type;
	uint32_t size;
	char data[IPC_MAX_MESSAGE_SIZE];
};

/* Create a port. Returns its id, 0 to 31. ENOSPC: all are taken. EDQUOT. */
int ipc_create_port(void);

/*
 * Destroy it. Its queue is discarded; threads in ipc_recv() on it fail with
 * ENOTCONN. EPERM: not a port of this process. EINVAL: not an id.
 */
int ipc_destroy_port(uint32_t port_id);

/*
 * Send @size bytes without ever waiting. The message comes from the lowest port
 * that this process owns, or from none.
 *
 * EAGAIN: the queue is full. ECONNREFUSED: there is no such port. EMSGSIZE:
 * @size is more than 256. EFAULT: @data is NULL and @size is not 0.
 */
int ipc_send(uint32_t dest_port, uint32_t type, const void *data, uint32_t size);

/* The same from a chosen port. EPERM: it is not one of this process. EINVAL. */
int ipc_send_from_port(uint32_t from_port, uint32_t dest_port, uint32_t type,
		       const void *data, uint32_t size);

/*
 * Wait for a message. EPERM: not a port of this process. EINVAL: not an id.
 * ENOTCONN: the port was destroyed meanwhile. EFAULT: @msg is NULL.
 */
int ipc_recv(uint32_t port_id, struct ipc_message *msg);

/* The same; @sender_port receives the port to answer to, or IPC_PORT_NONE. */
int ipc_recv_from(uint32_t port_id, struct ipc_message *msg, uint32_t *sender_port);

/* The same as ipc_recv() without waiting. Returns -2 (EAGAIN) if there is none. */
int ipc_try_recv(uint32_t port_id, struct ipc_message *msg);

#ifdef __cplusplus
}
#endif

#endif /* SHMIPC_VROS_H */
