/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What the protocol engine needs from where it runs. Three versions:
 * platform_kernel.h, platform_user.h, platform_bare.h.
 *
 * Each one gives
 *
 *   u8 … u64, bool, size_t, errno numbers, min(), max(), memset()
 *   READ_ONCE(), WRITE_ONCE()	private words that are read without their lock
 *   shm_read32(), shm_write32()	one little-endian word of shared memory, untorn,
 *			not repeated and not merged by the compiler
 *   shm_acquire32()	the same; what follows in program order is read later
 *   shm_release32()	the same; what precedes in program order is done before
 *   shm_cmpxchg32()	compare and swap, returns what was there; a full barrier. Only
 *			where nobody hands out slots (claim.c, divide.c)
 *   shm_copy_from()	bytes of shared memory that may change meanwhile; the
 *			compiler does not look at the source a second time
 *   shm_copy_to(), shm_zero()
 *   shm_rmb(), shm_wmb(), shm_mb()
 *   cpu_relax()
 *
 * The barriers must not vanish when this side has a single processor: the
 * other side is a different machine. smp_mb() does vanish; virt_mb() does not.
 *
 * All of shared memory is accessed through these functions only.
 */
#ifndef SHMIPC_PLATFORM_H
#define SHMIPC_PLATFORM_H

#if defined(__KERNEL__)
#include "platform_kernel.h"
#elif defined(SHMIPC_BARE) || !__STDC_HOSTED__
#include "platform_bare.h"
#else
#include "platform_user.h"
#endif

#endif /* SHMIPC_PLATFORM_H */
