// SPDX-License-Identifier: GPL-2.0
/*
 * Messages in kernel memory: a head with the first bytes, and a table of segments
 * of a page for the rest, so that no large message needs contiguous memory.
 *
 * A message grows with the bytes that are there, never with the length that
 * somebody announced. Its memory is charged to the owner of the port that it
 * goes to, whoever allocates it.
 */
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/ktime.h>

#include "shmipc.h"

#define MSG_HEAD_BYTES	((u32)(PAGE_SIZE - sizeof(struct shmipc_msg)))

/*
 * Charged to @memcg, or to the caller's if NULL. A group at its limit makes this
 * fail; nobody in it is killed for what others send.
 */
static void *msg_kmalloc(size_t size, gfp_t gfp, struct mem_cgroup *memcg)
{
	struct mem_cgroup *old;
	void *mem;

	gfp |= __GFP_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	if (!memcg)
		return kmalloc(size, gfp);

	old = set_active_memcg(memcg);
	mem = kmalloc(size, gfp);
	set_active_memcg(old);
	return mem;
}

/**
 * shmipc_msg_start() - a message of @len bytes with room for the first of them
 * @len: payload bytes that are to come
 * @gfp: as for kmalloc()
 * @memcg: who pays, or NULL for the caller
 */
struct shmipc_msg *shmipc_msg_start(u32 len, gfp_t gfp, struct mem_cgroup *memcg)
{
	u32 first = min(len, MSG_HEAD_BYTES);
	u32 nr_segs = DIV_ROUND_UP(len - first, SHMIPC_SEG_BYTES);
	struct shmipc_msg *msg;

	msg = msg_kmalloc(sizeof(*msg) + first, gfp, memcg);
	if (!msg)
		return NULL;
	memset(msg, 0, sizeof(*msg));
	if (nr_segs) {
		msg->segs = msg_kmalloc(nr_segs * sizeof(*msg->segs), gfp, memcg);
		if (!msg->segs) {
			kfree(msg);
			return NULL;
		}
	}
	refcount_set(&msg->ref, 1);
	msg->len = len;
	msg->first = first;
	msg->size = first;
	return msg;
}

/**
 * shmipc_msg_grow() - make room for the first @size bytes of the payload
 * @msg: message that only the caller knows
 * @size: at most msg->len
 * @gfp: as for kmalloc()
 * @memcg: who pays, or NULL for the caller
 *
 * Return: 0 or -ENOMEM, with the room that there is.
 */
int shmipc_msg_grow(struct shmipc_msg *msg, u32 size, gfp_t gfp, struct mem_cgroup *memcg)
{
	while (msg->size < size) {
		u32 len = min_t(u32, msg->len - msg->size, SHMIPC_SEG_BYTES);
		void *seg = msg_kmalloc(len, gfp, memcg);

		if (!seg)
			return -ENOMEM;
		msg->segs[msg->nr_segs++] = seg;
		msg->size += len;
	}
	return 0;
}

/**
 * shmipc_msg_alloc() - a message with room for all of its payload
 * @len: payload bytes
 * @gfp: as for kmalloc()
 * @memcg: who pays, or NULL for the caller
 */
struct shmipc_msg *shmipc_msg_alloc(u32 len, gfp_t gfp, struct mem_cgroup *memcg)
{
	struct shmipc_msg *msg = shmipc_msg_start(len, gfp, memcg);

	if (msg && shmipc_msg_grow(msg, len, gfp, memcg)) {
		shmipc_msg_put(msg);
		return NULL;
	}
	return msg;
}

/**
 * shmipc_msg_span() - where a part of the payload is
 * @msg: message
 * @off: start, less than msg->size
 * @len: out: contiguous bytes from there on, at least 1
 */
void *shmipc_msg_span(struct shmipc_msg *msg, u32 off, u32 *len)
{
	u32 rest;

	if (off < msg->first) {
		*len = msg->first - off;
		return msg->data + off;
	}
	rest = off - msg->first;
	*len = min_t(u32, msg->size - off, SHMIPC_SEG_BYTES - rest % SHMIPC_SEG_BYTES);
	return msg->segs[rest / SHMIPC_SEG_BYTES] + rest % SHMIPC_SEG_BYTES;
}

/**
 * shmipc_msg_stamp() - write the sender onto a message
 * @msg: message
 * @ep: endpoint that sends it, in the context of the sending task
 * @meta: who it is in particular, and when, may be asked for
 */
void shmipc_msg_stamp(struct shmipc_msg *msg, struct shmipc_endpoint *ep, bool meta)
{
	msg->peer = ep->region->cfg.peer;
	msg->src_port = shmipc_endpoint_port_number(ep);
	msg->endpoint = ep->id;
	if (!meta)
		return;
	msg->sent_time = ktime_get_ns();
	msg->pid = get_pid(task_tgid(current));
	msg->uid = current_euid();
	msg->raw_pid = pid_nr(msg->pid);
	msg->raw_uid = from_kuid(&init_user_ns, msg->uid);
}

void shmipc_msg_get(struct shmipc_msg *msg)
{
	refcount_inc(&msg->ref);
}

void shmipc_msg_put(struct shmipc_msg *msg)
{
	u32 i;

	if (!msg || !refcount_dec_and_test(&msg->ref))
		return;
	for (i = 0; i < msg->nr_segs; i++)
		kfree(msg->segs[i]);
	kfree(msg->segs);
	put_pid(msg->pid);
	kfree(msg);
}
