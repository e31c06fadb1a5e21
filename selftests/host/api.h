/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Force-included before the tests of selftests/lib: they meet the host peer where they
 * expect /dev/shmipc0 and /dev/shmipc1 of loopback=2. Those are two peers of this
 * process on a file of its own; who opens one again has an endpoint of the same peer.
 */
#ifndef SHMIPC_HOST_API_H
#define SHMIPC_HOST_API_H

#include <shmipc/shmipc.h>

struct shmipc_endpoint *api_open(const char *where, int flags);

#define shmipc_open(where, flags)	api_open(where, flags)

#endif /* SHMIPC_HOST_API_H */
