// SPDX-License-Identifier: GPL-2.0
/*
 * What the ports of one user may hold. A port promises a window to each peer,
 * and a promise must be kept when messages arrive from another machine that
 * cannot be told to wait; so the promise (which what is queued exceeds by a factor
 * of two at most: small messages, urgent ones) is what is counted, when the port is
 * created, and not the bytes that happen to be queued.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "shmipc.h"

static unsigned long uid_bytes = 64UL << 20;
module_param(uid_bytes, ulong, 0644);
MODULE_PARM_DESC(uid_bytes, "bytes that the ports of one user may promise to queue (default 64 MiB)");

/**
 * struct shmipc_user - account of one user
 * @node: in users
 * @uid: whose
 * @ports: that hold this account
 * @bytes: promised
 */
struct shmipc_user {
	struct hlist_node node;
	kuid_t uid;
	unsigned int ports;
	u64 bytes;
};

static DEFINE_MUTEX(users_lock);	/* covers users and every account */
static DEFINE_HASHTABLE(users, 6);

u64 shmipc_user_cap(void)
{
	return READ_ONCE(uid_bytes);
}

static struct shmipc_user *user_get(kuid_t uid)
{
	struct shmipc_user *user;

	hash_for_each_possible(users, user, node, __kuid_val(uid))
		if (uid_eq(user->uid, uid))
			return user;

	user = kzalloc(sizeof(*user), GFP_KERNEL);
	if (user) {
		user->uid = uid;
		hash_add(users, &user->node, __kuid_val(uid));
	}
	return user;
}

static void user_put(struct shmipc_user *user)
{
	if (user->ports)
		return;
	hash_del(&user->node);
	kfree(user);
}

/**
 * shmipc_user_charge() - count a new port of the current user
 * @bytes: what it promises
 *
 * Return: the account, for shmipc_user_uncharge(); -EDQUOT, -ENOMEM.
 */
struct shmipc_user *shmipc_user_charge(u64 bytes)
{
	struct shmipc_user *user;

	mutex_lock(&users_lock);
	user = user_get(current_euid());
	if (!user) {
		user = ERR_PTR(-ENOMEM);
	} else if (user->bytes + bytes > shmipc_user_cap() && !capable(CAP_SYS_RESOURCE)) {
		user_put(user);
		user = ERR_PTR(-EDQUOT);
	} else {
		user->ports++;
		user->bytes += bytes;
	}
	mutex_unlock(&users_lock);
	return user;
}

void shmipc_user_uncharge(struct shmipc_user *user, u64 bytes)
{
	mutex_lock(&users_lock);
	user->ports--;
	user->bytes -= bytes;
	user_put(user);
	mutex_unlock(&users_lock);
}
