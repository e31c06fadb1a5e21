/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The engine's platform: no operating system, a freestanding compiler. See
 * platform.h. The program has to supply memcpy() and memset(), which compilers
 * call on their own anyway.
 */
#ifndef SHMIPC_PLATFORM_BARE_H
#define SHMIPC_PLATFORM_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__linux__)
#include <linux/types.h>
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

void *memcpy(void *dst, const void *src, size_t len);
void *memset(void *dst, int c, size_t len);

#ifndef min
#define min(a, b)	((a) < (b) ? (a) : (b))
#define max(a, b)	((a) > (b) ? (a) : (b))
#endif

/* Linux's numbers; a platform with an errno.h of its own includes it first */
#ifndef ENOMEM
#define ENOENT		2
#define EAGAIN		11
#define ENOMEM		12
#define EBUSY		16
#define EINVAL		22
#define ENOSPC		28
#define EPROTO		71
#define EMSGSIZE	90
#define ECONNRESET	104
#define ENOBUFS		105
#define ENOTCONN	107
#define ECONNREFUSED	111
#define ESTALE		116
#endif

/* mb, rmb, wmb, and what to do in a loop that waits */
#if defined(__x86_64__)
#define SHM_ASM_MB	"mfence"
#define SHM_ASM_RMB	""
#define SHM_ASM_WMB	""
#define SHM_ASM_RELAX	"pause"
#elif defined(__aarch64__)
#define SHM_ASM_MB	"dmb sy"
#define SHM_ASM_RMB	"dmb ld"
#define SHM_ASM_WMB	"dmb st"
#define SHM_ASM_RELAX	"yield"
#elif defined(__arm__) && defined(__ARM_ARCH) && __ARM_ARCH >= 7
#define SHM_ASM_MB	"dmb"
#define SHM_ASM_RMB	"dmb"
#define SHM_ASM_WMB	"dmb"
#define SHM_ASM_RELAX	""
#elif defined(__riscv)
#define SHM_ASM_MB	"fence rw,rw"
#define SHM_ASM_RMB	"fence r,r"
#define SHM_ASM_WMB	"fence w,w"
#define SHM_ASM_RELAX	""
#endif

static inline void shm_barrier(void)
{
	__asm__ __volatile__("" ::: "memory");
}

#ifdef SHM_ASM_MB
static inline void shm_mb(void)
{
	__asm__ __volatile__(SHM_ASM_MB ::: "memory");
}

static inline void shm_rmb(void)
{
	__asm__ __volatile__(SHM_ASM_RMB ::: "memory");
}

static inline void shm_wmb(void)
{
	__asm__ __volatile__(SHM_ASM_WMB ::: "memory");
}

static inline void cpu_relax(void)
{
	__asm__ __volatile__(SHM_ASM_RELAX ::: "memory");
}
#else
#define shm_mb()	__sync_synchronize()
#define shm_rmb()	__sync_synchronize()
#define shm_wmb()	__sync_synchronize()
#define cpu_relax()	shm_barrier()
#endif

#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))

static inline u32 shm_swap32(u32 v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap32(v);
#else
	return v;
#endif
}

static inline u32 shm_read32(const uint32_t *p)
{
	return shm_swap32(READ_ONCE(*p));
}

static inline void shm_write32(uint32_t *p, u32 v)
{
	WRITE_ONCE(*p, shm_swap32(v));
}

static inline u32 shm_acquire32(const uint32_t *p)
{
	u32 v = shm_read32(p);

	shm_rmb();
	return v;
}

/* A full barrier: earlier reads (of a record) must not move behind the store either */
static inline void shm_release32(uint32_t *p, u32 v)
{
#if defined(__x86_64__)
	shm_barrier();
#else
	shm_mb();
#endif
	shm_write32(p, v);
}

/*
 * Returns what was there; a full barrier if that was @old. By hand where the
 * compiler would call a function of its library.
 */
static inline u32 shm_cmpxchg32(uint32_t *p, u32 old, u32 v)
{
	u32 was = shm_swap32(old);
#if defined(__aarch64__)
	u32 failed;

	__asm__ __volatile__("1:	ldaxr	%w0, [%2]\n"
			     "	cmp	%w0, %w3\n"
			     "	b.ne	2f\n"
			     "	stlxr	%w1, %w4, [%2]\n"
			     "	cbnz	%w1, 1b\n"
			     "2:	dmb	sy\n"
			     : "=&r" (was), "=&r" (failed)
			     : "r" (p), "r" (shm_swap32(old)), "r" (shm_swap32(v))
			     : "cc", "memory");
#else
	__atomic_compare_exchange_n(p, &was, shm_swap32(v), false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
#endif
	return shm_swap32(was);
}

static inline void shm_copy_from(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
	shm_barrier();
}

static inline void shm_copy_to(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
}

static inline void shm_zero(void *dst, size_t len)
{
	memset(dst, 0, len);
}

#endif /* SHMIPC_PLATFORM_BARE_H */
