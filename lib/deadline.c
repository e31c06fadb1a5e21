// SPDX-License-Identifier: LGPL-2.1-or-later
/* From "how long" to "until when". */
#include <time.h>

#include "internal.h"

#define NS_PER_S	INT64_C(1000000000)
#define NS_PER_MS	INT64_C(1000000)

SHMIPC_API int64_t shmipc_deadline(int timeout_ms)
{
	struct timespec now;

	if (timeout_ms < 0)
		return SHMIPC_FOREVER;
	if (timeout_ms == 0)
		return SHMIPC_NOWAIT;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec + timeout_ms * NS_PER_MS;
}
