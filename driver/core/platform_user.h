/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The engine's platform: a process. See platform.h.
 *
 * Every word goes through an __atomic builtin, so that ThreadSanitizer sees
 * which races the protocol intends. It does not model fences, hence acquire
 * and release are said on the words themselves. Payload is copied with
 * memcpy() and so checked by it: a reader's copy is ordered by the commit word,
 * a writer's reuse by rd. Only a link that restarts lets the two meet; tests
 * which do that define SHMIPC_TSAN_RESTARTS and copy by atomic bytes.
 */
#ifndef SHMIPC_PLATFORM_USER_H
#define SHMIPC_PLATFORM_USER_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#ifndef min
#define min(a, b)	((a) < (b) ? (a) : (b))
#define max(a, b)	((a) > (b) ? (a) : (b))
#endif

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

#define shm_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define shm_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define shm_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield" ::: "memory");
#else
	__asm__ __volatile__("" ::: "memory");
#endif
}

static inline u32 shm_swap32(u32 v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap32(v);
#else
	return v;
#endif
}

static inline u32 shm_read32(const __le32 *p)
{
	return shm_swap32(__atomic_load_n(p, __ATOMIC_RELAXED));
}

static inline void shm_write32(__le32 *p, u32 v)
{
	__atomic_store_n(p, shm_swap32(v), __ATOMIC_RELAXED);
}

static inline u32 shm_acquire32(const __le32 *p)
{
	return shm_swap32(__atomic_load_n(p, __ATOMIC_ACQUIRE));
}

static inline void shm_release32(__le32 *p, u32 v)
{
	__atomic_store_n(p, shm_swap32(v), __ATOMIC_RELEASE);
}

static inline u32 shm_cmpxchg32(__le32 *p, u32 old, u32 v)
{
	__le32 was = shm_swap32(old);

	__atomic_compare_exchange_n(p, &was, shm_swap32(v), false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	return shm_swap32(was);
}

#ifdef SHMIPC_TSAN_RESTARTS
static inline void shm_copy_from(void *dst, const void *src, size_t len)
{
	const u8 *s = (const u8 *)src;
	u8 *d = (u8 *)dst;

	while (len--)
		*d++ = __atomic_load_n(s++, __ATOMIC_RELAXED);
}

static inline void shm_copy_to(void *dst, const void *src, size_t len)
{
	const u8 *s = (const u8 *)src;
	u8 *d = (u8 *)dst;

	while (len--)
		__atomic_store_n(d++, *s++, __ATOMIC_RELAXED);
}

static inline void shm_zero(void *dst, size_t len)
{
	u8 *d = (u8 *)dst;

	while (len--)
		__atomic_store_n(d++, 0, __ATOMIC_RELAXED);
}
#else
static inline void shm_copy_from(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
	__asm__ __volatile__("" ::: "memory");
}

static inline void shm_copy_to(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
}

static inline void shm_zero(void *dst, size_t len)
{
	memset(dst, 0, len);
}
#endif

#endif /* SHMIPC_PLATFORM_USER_H */
