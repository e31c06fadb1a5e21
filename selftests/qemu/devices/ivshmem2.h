/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the test rig for ivshmem version 2 share: the device in QEMU (ivshmem2.c), the
 * server (server.c) and the programs that play another system's part (inmate.c). Together they are
 * the hypervisor. All map the shared memory, which guests see, and a control page, which they do
 * not.
 *
 * The control page holds what decides whether an interrupt is delivered, so that whoever rings
 * decides it at once, as a hypervisor does: one that is not delivered is gone, not pending.
 *
 * A client connects, sends the id that it wants (s32, -1: any) and gets its id (s32, -1: refused)
 * with the memory and the control page, then for each peer its number (s32) with IV2_VECTORS
 * eventfds. Nothing more is said; the server notices the end of the connection.
 */
#ifndef IVSHMEM2_H
#define IVSHMEM2_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#define IV2_MAX_PEERS	12	/* as Jailhouse has */
#define IV2_VECTORS	16

struct iv2_peer {
	uint32_t int_control;	/* the register */
	uint32_t one_shot;
	uint32_t open;		/* bit N: vector N would be delivered now, if int_control says so */
	uint32_t delivered;
	uint32_t dropped;
};

struct iv2_control {
	uint32_t peers;
	uint32_t violations;	/* accesses to what was not granted, by anybody */
	uint64_t state_size;
	uint64_t rw_size;
	uint64_t output_size;
	struct iv2_peer peer[IV2_MAX_PEERS];
};

struct iv2_link {
	struct iv2_control *control;
	uint32_t *table;	/* the state table */
	int socket;
	int id;
	int memory;		/* a memfd */
	int bell[IV2_MAX_PEERS][IV2_VECTORS];
};

static inline uint64_t iv2_memory_size(const struct iv2_control *control)
{
	return control->state_size + control->rw_size + control->peers * control->output_size;
}

/*
 * Is an interrupt delivered? In one-shot mode a ring switches interrupts off, also one that then is
 * dropped since its vector is closed: the hypervisor looks at the register first.
 */
static inline bool iv2_admit(struct iv2_control *control, uint32_t target, uint32_t vector)
{
	struct iv2_peer *peer = &control->peer[target];
	bool admitted;

	if (__atomic_load_n(&peer->one_shot, __ATOMIC_SEQ_CST))
		admitted = __atomic_exchange_n(&peer->int_control, 0, __ATOMIC_SEQ_CST) & 1;
	else
		admitted = __atomic_load_n(&peer->int_control, __ATOMIC_SEQ_CST) & 1;
	if (!(__atomic_load_n(&peer->open, __ATOMIC_SEQ_CST) & (1u << vector)))
		admitted = false;
	__atomic_add_fetch(admitted ? &peer->delivered : &peer->dropped, 1, __ATOMIC_RELAXED);
	return admitted;
}

static inline void iv2_ring(struct iv2_link *link, uint32_t target, uint32_t vector)
{
	const uint64_t one = 1;

	if (target >= link->control->peers || vector >= IV2_VECTORS ||
	    !iv2_admit(link->control, target, vector))
		return;
	if (write(link->bell[target][vector], &one, sizeof(one)) < 0)
		return; /* a counter at its end: rung already */
}

/* Peer @id has a new state: into the table first, and all others are told, if it is news. */
static inline void iv2_set_state(struct iv2_link *link, uint32_t id, uint32_t state)
{
	uint32_t n;

	if (__atomic_exchange_n(&link->table[id], state, __ATOMIC_SEQ_CST) == state)
		return;
	for (n = 0; n < link->control->peers; n++) {
		if (n != id)
			iv2_ring(link, n, 0);
	}
}

/* Peer @id gets no more interrupts, and has none that came before. */
static inline void iv2_close(struct iv2_link *link, uint32_t id)
{
	struct iv2_peer *peer = &link->control->peer[id];
	uint64_t count;
	int n;

	__atomic_store_n(&peer->int_control, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&peer->open, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&peer->one_shot, 0, __ATOMIC_SEQ_CST);
	for (n = 0; n < IV2_VECTORS; n++) {
		if (read(link->bell[id][n], &count, sizeof(count)) < 0)
			continue; /* was not rung */
	}
}

/* A number and the descriptors that come with it; false if they do not */
static inline bool iv2_receive(int socket, int32_t *number, int *fds, int count)
{
	char space[CMSG_SPACE(sizeof(int) * IV2_VECTORS)];
	struct iovec iov = { number, sizeof(*number) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space),
	};
	struct cmsghdr *head;

	if (recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) != sizeof(*number) || *number < 0)
		return false;
	head = CMSG_FIRSTHDR(&msg);
	if (!head || head->cmsg_len != CMSG_LEN(sizeof(int) * count))
		return false;
	memcpy(fds, CMSG_DATA(head), sizeof(int) * count);
	return true;
}

/* Join the server at @path as peer @wanted; what went wrong, or NULL. A failure leaves a mess. */
static inline const char *iv2_join(struct iv2_link *link, const char *path, int32_t wanted)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct iv2_control *control;
	int32_t number;
	uint32_t n;
	int fds[2];

	if (strlen(path) >= sizeof(addr.sun_path))
		return "the name of the socket is too long";
	strcpy(addr.sun_path, path);
	link->socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (connect(link->socket, (struct sockaddr *)&addr, sizeof(addr)))
		return "no server";
	if (send(link->socket, &wanted, sizeof(wanted), MSG_NOSIGNAL) != sizeof(wanted) ||
	    !iv2_receive(link->socket, &number, fds, 2))
		return "refused by the server";
	link->id = number;
	link->memory = fds[0];
	control = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fds[1], 0);
	if (control == MAP_FAILED)
		return "the control page cannot be mapped";
	close(fds[1]);
	link->control = control;
	link->table = mmap(NULL, control->state_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   link->memory, 0);
	if (link->table == MAP_FAILED)
		return "the state table cannot be mapped";
	for (n = 0; n < control->peers; n++) {
		if (!iv2_receive(link->socket, &number, link->bell[n], IV2_VECTORS))
			return "the server went away";
	}
	iv2_close(link, link->id);
	return NULL;
}

#endif
