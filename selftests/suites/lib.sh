# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the suites share. A suite is an executable here; it sources this, and says one line for each
# test on stdout, which selftests/check counts:
#
#   ok - NAME (12 s)        not ok - NAME (12 s)        ok - NAME # SKIP reason
#
# What else a test says goes to build/check/SUITE/NAME.log, and to the screen if it fails.

SUITE=$(basename "$0")
T_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
T_LOGS=$T_TOP/build/check/$SUITE
mkdir -p "$T_LOGS"

t_log() {
	printf '%s/%s.log' "$T_LOGS" "$(tr -c 'A-Za-z0-9._+-' _ <<<"$1" | sed 's/_*$//')"
}

t_show() {
	sed 's/^/# /' "$1" | tail -n 60
}

# t_try LOG COMMAND... - run it, its output to LOG, its status to $status; once more if the emulator broke
# (105, see selftests/qemu/guest), which is no fault of what is tested, and is said
t_try() {
	local log=$1 tries
	shift
	for tries in 1 2; do
		# Not "if ...": -e must hold inside functions that are tests.
		set +e
		(set -e; "$@") >"$log" 2>&1 </dev/null
		status=$?
		set -e
		((status == 105 && tries == 1)) || return 0
		cp "$log" "${log%.log}.broken.log"
		echo "# the emulator broke, once more: ${log%.log}.broken.log"
	done
}

# t_run NAME COMMAND... - one test: the command's status
t_run() {
	local name=$1 log start=$SECONDS status=0
	log=$(t_log "$name")
	shift
	t_try "$log" "$@"
	if ((status == 0)); then
		echo "ok - $name ($((SECONDS - start)) s)"
	else
		t_show "$log"
		echo "not ok - $name (status $status, $((SECONDS - start)) s)"
	fi
}

# t_skip NAME REASON - a test that cannot run here
t_skip() {
	echo "ok - $1 # SKIP $2"
}

# t_tap NAME COMMAND... - the tests that a command tells of in TAP; each is counted. One more fails
# if the command says less than its plan, nothing at all, or ends badly without saying why.
t_tap() {
	local name=$1 log start=$SECONDS status=0
	log=$(t_log "$name")
	shift
	t_try "$log" "$@"
	awk -v name="$name" -v status="$status" '
	/^1\.\.[0-9]+/ { plan += substr($1, 4); planned = 1; next }
	/^(not )?ok [0-9]+/ {
		bad = /^not ok/
		sub(/^(not )?ok [0-9]+ *(- *)?/, "")
		if (/^#/) $0 = "unnamed " $0
		ran++
		if (bad) failed++
		printf "%sok - %s: %s\n", bad ? "not " : "", name, $0
	}
	END {
		why = ""
		if (!ran) why = "no test ran"
		else if (!planned) why = "no plan"
		else if (ran != plan) why = ran " of " plan " tests ran"
		else if (status != 0 && !failed) why = "status " status
		if (why != "") printf "not ok - %s: %s\n", name, why
		exit (why != "" || failed)
	}' "$log" || t_show "$log"
	echo "# $name: $((SECONDS - start)) s"
}
