// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The interface of VROS. Id n is port FIRST_PORT + n of our own peer, so all
 * processes of the region see the same ids and the kernel decides who has which.
 * Each port has an endpoint of its own; sends come from one of them, or from an
 * endpoint without port.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shmipc/vros.h>
#include "internal.h"

#define FIRST_PORT	0x5600u
#define NO_ID		IPC_MAX_PORTS	/* the slot of the endpoint without port */

/*
 * An open endpoint. @users counts the table and every call that works with it;
 * the last one closes it.
 */
struct slot {
	struct slot *next;
	struct shmipc_endpoint *ep;
	unsigned int users;
};

/* Covers all below. Held for moments only, never while a call sleeps. */
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot *table[IPC_MAX_PORTS + 1];
/* All slots, those included that are in no table any more: what a child closes. */
static struct slot *slots;
static pid_t table_pid;

static pthread_once_t atfork_once = PTHREAD_ONCE_INIT;

/* In a child, where only the forking thread lives on: nothing here is ours. */
static void forget_parents(void)
{
	while (slots) {
		struct slot *slot = slots;

		slots = slot->next;
		shmipc_close(slot->ep);
		free(slot);
	}
	memset(table, 0, sizeof(table));
	table_pid = getpid();
}

static void before_fork(void)
{
	pthread_mutex_lock(&table_lock);
}

static void after_fork_in_parent(void)
{
	pthread_mutex_unlock(&table_lock);
}

static void after_fork_in_child(void)
{
	forget_parents();
	pthread_mutex_unlock(&table_lock);
}

static void register_atfork(void)
{
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static void lock_table(void)
{
	pthread_once(&atfork_once, register_atfork);
	pthread_mutex_lock(&table_lock);
	/* A child that no fork handler has seen. */
	if (table_pid != getpid())
		forget_parents();
}

static void unlock_table(void)
{
	pthread_mutex_unlock(&table_lock);
}

/* Drop one use, with the table locked. */
static void put_locked(struct slot *slot)
{
	struct slot **link = &slots;

	if (--slot->users)
		return;
	while (*link != slot)
		link = &(*link)->next;
	*link = slot->next;
	shmipc_close(slot->ep);
	free(slot);
}

static void put(struct slot *slot)
{
	int saved = errno;

	lock_table();
	put_locked(slot);
	unlock_table();
	errno = saved;
}

static struct slot *get_locked(uint32_t id)
{
	struct slot *slot = table[id];

	if (slot)
		slot->users++;
	return slot;
}

/* Our own port @id for use, or NULL with EINVAL, EPERM. */
static struct slot *get_own(uint32_t id)
{
	struct slot *slot;

	if (id >= IPC_MAX_PORTS) {
		errno = EINVAL;
		return NULL;
	}
	lock_table();
	slot = get_locked(id);
	unlock_table();
	if (!slot)
		errno = EPERM;
	return slot;
}

/*
 * All of one peer. Who opens a device again has the same one; a peer in this process
 * exists as long as one of its endpoints does.
 */
static struct shmipc_endpoint *open_endpoint(void)
{
	struct shmipc_endpoint *ep = slots ? shmipc_open_beside(slots->ep, 0) : NULL;

	return ep ? ep : shmipc_open(NULL, 0);
}

/* A new endpoint with one user, the table, which it is not in yet. */
static struct slot *open_locked(void)
{
	struct slot *slot = malloc(sizeof(*slot));

	if (!slot)
		return NULL;
	slot->ep = open_endpoint();
	if (!slot->ep) {
		free(slot);
		return NULL;
	}
	slot->users = 1;
	slot->next = slots;
	slots = slot;
	return slot;
}

/* Create the first free of the 32 ports on @ep. Returns its id, or -1. */
static int create_lowest(struct shmipc_endpoint *ep)
{
	struct shmipc_port_options *options = shmipc_port_options_new();
	int id, number = -1;

	if (!options)
		return -1;
	shmipc_port_options_set_depth(options, IPC_QUEUE_SIZE);
	shmipc_port_options_set_max_size(options, IPC_MAX_MESSAGE_SIZE);
	shmipc_port_options_set_bytes(options, IPC_QUEUE_SIZE * IPC_MAX_MESSAGE_SIZE);
	shmipc_port_options_set_flags(options, SHMIPC_PORT_TOTAL_DEPTH | SHMIPC_PORT_LOCAL |
						       SHMIPC_PORT_META);
	for (id = 0; id < IPC_MAX_PORTS; id++) {
		shmipc_port_options_set_number(options, FIRST_PORT + id);
		number = shmipc_port_create_with(ep, options, NULL);
		if (number >= 0 || errno != EADDRINUSE)
			break;
	}
	shmipc_port_options_free(options);
	if (id == IPC_MAX_PORTS)
		errno = ENOSPC;
	return number < 0 ? -1 : id;
}

/* The table stays locked, so that a fork sees the port in it or not at all. */
SHMIPC_API int ipc_create_port(void)
{
	struct slot *slot;
	int id = -1;

	lock_table();
	slot = open_locked();
	if (slot) {
		id = create_lowest(slot->ep);
		if (id < 0)
			put_locked(slot);
		else
			table[id] = slot;
	}
	unlock_table();
	return id;
}

SHMIPC_API int ipc_destroy_port(uint32_t port_id)
{
	struct slot *slot;
	int ret;

	if (port_id >= IPC_MAX_PORTS) {
		errno = EINVAL;
		return -1;
	}
	lock_table();
	slot = table[port_id];
	if (!slot) {
		unlock_table();
		errno = EPERM;
		return -1;
	}
	table[port_id] = NULL;
	/* Wakes the threads in ipc_recv(); the last of them closes. */
	ret = shmipc_port_destroy(slot->ep);
	put_locked(slot);
	unlock_table();
	return ret < 0 ? -1 : 0;
}

/* What a send without a chosen port comes from: see ipc_send(). */
static struct slot *get_sender(void)
{
	struct slot *slot = NULL;

	lock_table();
	for (uint32_t id = 0; !slot && id <= NO_ID; id++)
		slot = get_locked(id);
	if (!slot) {
		table[NO_ID] = open_locked();
		slot = get_locked(NO_ID);
	}
	unlock_table();
	return slot;
}

static int check_payload(const void *data, uint32_t size)
{
	if (size > IPC_MAX_MESSAGE_SIZE)
		errno = EMSGSIZE;
	else if (size && !data)
		errno = EFAULT;
	else
		return 0;
	return -1;
}

/* The region went away; one of the same name may come. */
static void forget_sender(struct slot *slot)
{
	lock_table();
	if (table[NO_ID] == slot) {
		table[NO_ID] = NULL;
		put_locked(slot);
	}
	unlock_table();
	errno = ENODEV;
}

/* Send, and drop the use of @slot. */
static int send_from(struct slot *slot, uint32_t dest, uint32_t type, const void *data,
		     uint32_t size)
{
	struct shmipc_address to = { .peer = SHMIPC_PEER_SELF, .port = FIRST_PORT + dest };
	int ret = -1;

	if (!slot)
		return -1;
	if (dest >= IPC_MAX_PORTS)
		errno = ECONNREFUSED;
	else
		ret = shmipc_send(slot->ep, &to, type, data, size, SHMIPC_NOWAIT);
	if (ret < 0 && errno == ENODEV)
		forget_sender(slot);
	put(slot);
	return ret;
}

SHMIPC_API int ipc_send(uint32_t dest_port, uint32_t type, const void *data, uint32_t size)
{
	if (check_payload(data, size) < 0)
		return -1;
	return send_from(get_sender(), dest_port, type, data, size);
}

SHMIPC_API int ipc_send_from_port(uint32_t from_port, uint32_t dest_port, uint32_t type,
				  const void *data, uint32_t size)
{
	if (check_payload(data, size) < 0)
		return -1;
	return send_from(get_own(from_port), dest_port, type, data, size);
}

/* The id of the port that a message came from. */
static uint32_t id_of(uint32_t flags, uint32_t port)
{
	if (!(flags & SHMIPC_MSG_LOCAL) || port < FIRST_PORT ||
	    port >= FIRST_PORT + IPC_MAX_PORTS)
		return IPC_PORT_NONE;
	return port - FIRST_PORT;
}

static int receive(struct shmipc_endpoint *ep, struct ipc_message *msg, uint32_t *sender,
		   uint32_t flags)
{
	struct shmipc_recv arg = {
		.size = sizeof(arg),
		.flags = flags,
		.data = shmipc_ptr_to_uapi(msg->data),
		.len = sizeof(msg->data),
	};

	if (shmipc_do_ioctl(ep, SHMIPC_RECV, &arg) < 0)
		return -1;
	msg->sender_pid = arg.out_pid;
	msg->type = arg.out_type;
	msg->size = arg.out_len;
	memset(msg->data + arg.out_len, 0, sizeof(msg->data) - arg.out_len);
	if (sender)
		*sender = id_of(arg.out_flags, arg.out_port);
	return 0;
}

static int receive_at(uint32_t id, struct ipc_message *msg, uint32_t *sender, uint32_t flags)
{
	struct slot *slot;
	int ret;

	if (!msg) {
		errno = EFAULT;
		return -1;
	}
	slot = get_own(id);
	if (!slot)
		return -1;
	ret = receive(slot->ep, msg, sender, flags);
	put(slot);
	return ret;
}

SHMIPC_API int ipc_recv(uint32_t port_id, struct ipc_message *msg)
{
	return receive_at(port_id, msg, NULL, 0);
}

SHMIPC_API int ipc_recv_from(uint32_t port_id, struct ipc_message *msg, uint32_t *sender_port)
{
	return receive_at(port_id, msg, sender_port, 0);
}

SHMIPC_API int ipc_try_recv(uint32_t port_id, struct ipc_message *msg)
{
	int ret = receive_at(port_id, msg, NULL, SHMIPC_RECV_NOWAIT);

	return ret < 0 && errno == EAGAIN ? -2 : ret;
}
