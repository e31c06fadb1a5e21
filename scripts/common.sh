# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by every script of the build and the test rig: where things are, and how to complain.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${BUILD:-$TOP/build}
CACHE=${SHMIPC_CACHE:-$BUILD/cache}
JOBS=${JOBS:-$(nproc)}
PATH=$PATH:/usr/sbin:/sbin # depmod, modprobe: not in a user's on Debian
export TOP BUILD CACHE JOBS

# Progress goes to stderr: stdout belongs to whatever the script runs.
note() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { note "$*"; exit 1; }

# quietly LOG CMD... - run CMD with its output in LOG, and show the end of LOG only if it fails.
quietly() {
	local log=$1
	shift
	mkdir -p "$(dirname "$log")"
	if ! "$@" >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		note "failed: $* (whole log: $log)"
		return 1
	fi
}
