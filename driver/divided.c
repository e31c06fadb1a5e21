// SPDX-License-Identifier: GPL-2.0
/*
 * Regions that are one piece of memory: whether it is ours to use, how it is divided
 * into sections, and which of them is ours. The layout is core/divide.c's; here is what
 * a machine's owner has a say in, and what is told when we decline.
 */
#include <linux/delay.h>
#include <linux/dmi.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/stringhash.h>
#include <linux/uuid.h>

#include "divided.h"

static char *claim = "empty";
module_param(claim, charp, 0444);
MODULE_PARM_DESC(claim, "Memory to use that is not shmipc's yet: formatted (none), empty (if its first page is zero), any (destroys what is there) (empty)");

static unsigned int peers = 8;
module_param(peers, uint, 0444);
MODULE_PARM_DESC(peers, "How many peers a region is divided among that is not divided yet: 2 to 64 (8)");

/* What there is to say when a region cannot be used; the remedy stands in it */
static int divided_refuse(const struct shmipc_divided *divided, int err, u32 word)
{
	struct device *dev = divided->dev;

	switch (err) {
	case -ENOENT:
		dev_err(dev, "declined: the memory is not formatted and claim=%s: use claim=empty, or format it with shmipc-server\n",
			claim);
		break;
	case -EINVAL:
	case -EEXIST:
		dev_err(dev, "declined: the memory is not empty and not shmipc's (first word %#010x): if nobody needs it, zero its first page or load with claim=any\n",
			word);
		break;
	case -EPROTO:
		dev_err(dev, "declined: the memory is divided by another version of shmipc (geometry %#010x): use the same version everywhere, or zero its first page when no peer runs\n",
			word);
		break;
	case -ENOSPC:
		dev_err(dev, "declined: %llu bytes are too few for %u peers: give the device more memory, or load with a smaller peers=\n",
			divided->bytes, word ? word & 0xff : peers);
		break;
	}
	return -ENODEV;
}

static bool divided_may_clear(const struct shmipc_divided *divided)
{
	return !strcmp(claim, "any") ||
	       (!strcmp(claim, "empty") && shmipc_divide_blank(divided->mem));
}

/* Nobody has divided it, or not for us: 0 if we may, and have made it blank */
static int divided_clear(struct shmipc_divided *divided, int err)
{
	if (!divided_may_clear(divided))
		return err == -EINVAL || !shmipc_divide_blank(divided->mem) ? -EEXIST : err;
	if (!shmipc_divide_blank(divided->mem)) {
		dev_warn(divided->dev, "claim=any: destroying what the memory held\n");
		shmipc_divide_clear(divided->mem);
	}
	return 0;
}

/* Notes the word that it decided by */
static int divided_try(struct shmipc_divided *divided)
{
	int err;

	divided->word = shmipc_divide_word(divided->mem);
	err = shmipc_divide(&divided->div, divided->bytes, divided->word);
	if (!err)
		return 0;
	if (err == -ENOENT || err == -EINVAL || !strcmp(claim, "any"))
		err = divided_clear(divided, err);
	if (err)
		return err;
	err = shmipc_divide_format(&divided->div, divided->mem, divided->bytes, peers, false);
	divided->word = shmipc_divide_word(divided->mem);
	return min(err, 0);
}

/**
 * shmipc_divided_open() - find out how the region is divided, or divide it
 * @divided: its first part
 *
 * Safe when several start at once: the first one decides.
 *
 * Return: 0; -ENODEV, having said why not.
 */
int shmipc_divided_open(struct shmipc_divided *divided)
{
	int err = divided_try(divided);

	/* Somebody may have divided it between two looks of ours */
	if (err && shmipc_divide_word(divided->mem) != divided->word)
		err = divided_try(divided);
	if (err)
		return divided_refuse(divided, err, divided->word);
	if (divided->div.geo.peers != peers)
		dev_info(divided->dev, "divided among %u peers already, peers=%u does not matter\n",
			 divided->div.geo.peers, peers);
	return 0;
}

/**
 * shmipc_divided_again() - we have left: how is the region divided now?
 * @divided: open
 *
 * Return: 0; an errno if it is not divided (any more). Nothing is said, nothing changed.
 */
int shmipc_divided_again(struct shmipc_divided *divided)
{
	divided->word = shmipc_divide_word(divided->mem);
	return shmipc_divide(&divided->div, divided->bytes, divided->word);
}

/* What distinguishes us from others, and is the same after a restart; or all zero */
static void divided_find_uuid(struct shmipc_divided *divided)
{
	const char *text = dmi_get_system_info(DMI_PRODUCT_UUID);
	u32 name = full_name_hash(NULL, dev_name(divided->dev), strlen(dev_name(divided->dev)));
	uuid_t uuid;
	int i;

	memset(divided->uuid, 0, sizeof(divided->uuid));
	if (!text || uuid_parse(text, &uuid) || uuid_is_null(&uuid))
		return;
	memcpy(divided->uuid, &uuid, sizeof(divided->uuid));
	for (i = 0; i < 4; i++)
		divided->uuid[12 + i] ^= name >> (8 * i);
}

/* Ring those who may have died: if they live they will say so */
static void divided_ring(struct shmipc_divided *divided, u64 slots)
{
	u32 id;

	for (; slots && divided->ring; slots &= slots - 1) {
		id = shmipc_claim_doorbell(&divided->claim, __ffs64(slots));
		if (id <= SHMIPC_DIVIDED_ID_MAX)
			divided->ring(divided, id);
	}
}

static int divided_claim(struct shmipc_divided *divided)
{
	u64 ring;
	int wait;

	shmipc_claim_init(&divided->claim, &divided->div, divided->mem, get_random_u32(),
			  divided->uuid);
	divided->claim.word = divided->word;
	divided->claim.mute = !divided->ring;
	for (;;) {
		wait = shmipc_claim_step(&divided->claim, jiffies_to_msecs(jiffies), &ring);
		if (wait <= 0)
			break;
		divided_ring(divided, ring);
		msleep(wait);
	}
	if (wait)
		return wait;
	divided->claimed = true;
	divided->slot = divided->claim.slot;
	return 0;
}

static int divided_given(struct shmipc_divided *divided)
{
	if (divided->id == SHMIPC_DIVIDED_NO_ID) {
		dev_err(divided->dev, "declined: shmipc-server hands out the slots of this memory, and this device has no connection to it: use ivshmem-doorbell, or other memory\n");
		return -ENODEV;
	}
	if (divided->id >= divided->div.geo.peers) {
		dev_err(divided->dev, "declined: id %u, but the memory is divided among %u peers: start the server with more\n",
			divided->id, divided->div.geo.peers);
		return -ENODEV;
	}
	divided->slot = divided->id;
	return 0;
}

/**
 * shmipc_divided_take() - get a section
 * @divided: open
 *
 * Sleeps, for a second and more if all slots are taken: some owners may be dead.
 *
 * Return: 0; -EBUSY, -ENODEV, having said why not.
 */
int shmipc_divided_take(struct shmipc_divided *divided)
{
	u32 slot;
	int err;

	divided_find_uuid(divided);
	err = divided->div.server ? divided_given(divided) : divided_claim(divided);
	if (err == -EBUSY)
		dev_err(divided->dev, "declined: all %u slots are taken by peers that live: end one, or divide the memory among more (peers=, when no peer runs)\n",
			divided->div.geo.peers);
	if (err == -ESTALE)
		dev_err(divided->dev, "declined: somebody divided the memory in another way meanwhile: load again\n");
	for (slot = 0; slot < divided->div.geo.peers; slot++)
		divided->sections[slot] = shmipc_divide_section(&divided->div, divided->mem, slot);
	return err;
}

/* Our section has been left */
void shmipc_divided_release(struct shmipc_divided *divided)
{
	if (divided->claimed)
		shmipc_claim_release(&divided->claim);
	divided->claimed = false;
}

/* Is the section still ours? Any context */
bool shmipc_divided_held(const struct shmipc_divided *divided)
{
	return !divided->claimed || shmipc_claim_held(&divided->claim);
}

/* We live: at every doorbell, or 4 times a second. Any context */
void shmipc_divided_beat(struct shmipc_divided *divided)
{
	if (divided->claimed && shmipc_claim_held(&divided->claim))
		shmipc_claim_beat(&divided->claim);
}

/* What the region is to know of it */
void shmipc_divided_config(const struct shmipc_divided *divided, struct shmipc_region_config *cfg)
{
	cfg->peer = divided->slot;
	cfg->peers = divided->div.geo.peers;
	cfg->section_bytes = divided->div.geo.size;
	cfg->sections = divided->sections;
	cfg->uuid = divided->uuid;
	cfg->machines = true;
}

/**
 * shmipc_divided_check() - are the module's parameters any good?
 *
 * Return: 0; -EINVAL, having said why not.
 */
int shmipc_divided_check(void)
{
	if (strcmp(claim, "formatted") && strcmp(claim, "empty") && strcmp(claim, "any")) {
		pr_err("shmipc: claim=%s: must be formatted, empty or any\n", claim);
		return -EINVAL;
	}
	if (peers < 2 || peers > SHMIPC_PEERS_MAX) {
		pr_err("shmipc: peers=%u: must be 2 to %d\n", peers, SHMIPC_PEERS_MAX);
		return -EINVAL;
	}
	return 0;
}
