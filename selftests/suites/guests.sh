# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced by the suites that run the test programs of selftests/ in guests.

# Whatever a kernel and its checkers may be: all programs but those that need a special one
# shellcheck disable=SC2034 # for those who source this
TEST_PROGRAMS=(
	chardev_test port_test window_test send_test recv_test meta_test wait_test poll_test rw_test
	event_test watch_test notify_test lookup_test table_test loopback_test stall_test
)

build_for() {
	make -s -C "$T_TOP/selftests" "ARCH=$1" >&2
}

# in_guest ARCH OPTION... -- PROGRAM... - programs of that ABI, with their arguments, one after the
# other in one guest
in_guest() {
	local built=$T_TOP/build/selftests/$1 options=() programs=() program
	shift
	while [[ $1 != -- ]]; do options+=("$1") && shift; done
	shift
	for program; do
		[[ -e $built/${program%% *} ]] || program=stress/$program
		options+=(--add "$built/${program%% *}")
		programs+=("${program#stress/}")
	done
	"$T_TOP/selftests/qemu/guest" "${options[@]}" -- \
		"$T_TOP/selftests/run-in-guest" "${programs[@]}"
}
