/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* The engine's platform: Linux. See platform.h. */
#ifndef SHMIPC_PLATFORM_KERNEL_H
#define SHMIPC_PLATFORM_KERNEL_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>
#include <asm/processor.h>

/*
 * Where the region is mapped uncached or write-combining on both sides, the
 * barriers must order that too: build with CONFIG_SHMIPC_UNCACHED.
 */
#ifdef CONFIG_SHMIPC_UNCACHED
#define shm_mb()	mb()	/* pairs are named where it is used */
#define shm_rmb()	rmb()	/* likewise */
#define shm_wmb()	wmb()	/* likewise */
#else
#define shm_mb()	virt_mb()	/* pairs are named where it is used */
#define shm_rmb()	virt_rmb()	/* likewise */
#define shm_wmb()	virt_wmb()	/* likewise */
#endif

static inline u32 shm_read32(const __le32 *p)
{
	return le32_to_cpu(READ_ONCE(*p));
}

static inline void shm_write32(__le32 *p, u32 v)
{
	WRITE_ONCE(*p, cpu_to_le32(v));
}

static inline u32 shm_acquire32(const __le32 *p)
{
	u32 v = shm_read32(p);

	shm_rmb();
	return v;
}

/* A full barrier: earlier reads (of a record) must not move behind the store either */
static inline void shm_release32(__le32 *p, u32 v)
{
#ifdef CONFIG_SHMIPC_UNCACHED
	mb();	/* pairs with shm_acquire32() at the peer */
	WRITE_ONCE(*p, cpu_to_le32(v));
#else
	/* pairs with shm_acquire32() at the peer */
	virt_store_release(p, cpu_to_le32(v));
#endif
}

/*
 * cmpxchg() may be patched into something that is not atomic when this side has
 * a single processor; sync_cmpxchg() is not.
 */
static inline u32 shm_cmpxchg32(__le32 *p, u32 old, u32 v)
{
	u32 *word = (u32 __force *)p;
	u32 was = (u32 __force)cpu_to_le32(old), new = (u32 __force)cpu_to_le32(v);

#ifdef arch_sync_cmpxchg
	was = sync_cmpxchg(word, was, new);
#else
	was = cmpxchg(word, was, new);
#endif
	return le32_to_cpu((__le32 __force)was);
}

static inline void shm_copy_from(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
	barrier();
}

static inline void shm_copy_to(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
}

static inline void shm_zero(void *dst, size_t len)
{
	memset(dst, 0, len);
}

#endif /* SHMIPC_PLATFORM_KERNEL_H */
