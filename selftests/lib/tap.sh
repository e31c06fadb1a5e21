# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0
#
# tap.sh - sourced by test scripts (busybox sh): tests as paragraphs.
#
#   tap NAME        ends the test before, which passed if none of its checks failed and its last
#                   command succeeded, and begins this one
#   run CMD...      runs it; output in ./out and ./err, status in $status; itself always succeeds
#   says REGEX      ./out has a line like that      complains REGEX   ./err has
#   fails N         the status was N                file_is FILE TEXT
#   check CMD...    it succeeds
#   tap_end         ends the last test, prints the plan, and exits

tap_nr=0 tap_failed=0 tap_name='' status=0

tap_bad() {
	printf '# %s\n' "$*"
	[ ! -e out ] || sed 's/^/# out: /' out
	[ ! -e err ] || sed 's/^/# err: /' err
	tap_wrong=1
	return 1
}

tap_close() {
	[ "$tap_name" ] || return 0
	tap_nr=$((tap_nr + 1))
	if [ "$1" = 0 ] && [ ! "$tap_wrong" ]; then
		echo "ok $tap_nr $tap_name"
	else
		[ "$tap_wrong" ] || tap_bad "the last check failed" || :
		echo "not ok $tap_nr $tap_name"
		tap_failed=$((tap_failed + 1))
	fi
}

tap() {
	tap_close $?
	tap_name=$* tap_wrong=''
	rm -f out err
}

tap_end() {
	tap_close $?
	echo "1..$tap_nr"
	exit $((tap_failed > 0))
}

run() {
	"$@" >out 2>err
	status=$?
	return 0
}

says() {
	grep -q -- "$1" out || tap_bad "does not say: $1"
}

complains() {
	grep -q -- "$1" err || tap_bad "does not complain: $1"
}

fails() {
	[ "$status" = "$1" ] || tap_bad "status $status, not $1"
}

check() {
	"$@" || tap_bad "not so: $*"
}

file_is() {
	[ "$(cat "$1")" = "$2" ] || tap_bad "$1 is: $(cat "$1")"
}
