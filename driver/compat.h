/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that this driver is built for out of tree. Goes
 * away when it is built in one tree only.
 */
#ifndef SHMIPC_COMPAT_H
#define SHMIPC_COMPAT_H

#include <linux/eventfd.h>
#include <linux/version.h>

static inline void shmipc_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx, 1);
#else
	eventfd_signal(ctx);
#endif
}

/* What a bin_attribute's read gets */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define SHMIPC_BIN_ATTR_CONST
#else
#define SHMIPC_BIN_ATTR_CONST	const
#endif

#endif /* SHMIPC_COMPAT_H */
