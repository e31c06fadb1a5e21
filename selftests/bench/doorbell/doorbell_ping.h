/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is written to /dev/doorbell_ping.
 */
#ifndef DOORBELL_PING_H
#define DOORBELL_PING_H

#include <linux/types.h>

#define PING_RING	1U	/* ring now */
#define PING_LINE	2U	/* at each ring, take a cache line and leave one */

/**
 * struct ping_order - what to do with rings
 * @answers: so many are answered with a ring by the interrupt handler itself
 * @flags: PING_*
 */
struct ping_order {
	__u32 answers;
	__u32 flags;
};

#endif /* DOORBELL_PING_H */
