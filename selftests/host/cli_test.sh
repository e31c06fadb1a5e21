#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# cli_test.sh SHMIPC SERVER - the command on a file and on a server's socket: TAP
set -uo pipefail
shmipc=$1 server=$2
tmp=$(mktemp -d)
nr=0 pids=()

finish() {
	((${#pids[@]})) && kill "${pids[@]}" 2>/dev/null
	wait
	rm -rf "$tmp"
}
trap finish EXIT

# check NAME COMMAND... - one test: the command's status
check() {
	local name=$1
	shift
	nr=$((nr + 1))
	if "$@" >"$tmp/out" 2>&1; then
		echo "ok $nr $name"
	else
		echo "not ok $nr $name"
		sed 's/^/# /' "$tmp/out"
	fi
}

# until_true COMMAND... - within ten seconds
until_true() {
	local i
	for ((i = 0; i < 200; i++)); do
		"$@" && return
		sleep 0.05
	done
	return 1
}

run() {
	timeout 20 "$shmipc" "$@"
}

info() {
	run -d "$where" info | grep -E "$1" && run info -d "$where" --json | python3 -m json.tool
}

# One process receives, another one sends and is gone before it is read
send_and_recv() {
	run recv -d "$where" -n inbox -N 2 >"$tmp/got" &
	until_true run send -d "$where" -T 5 inbox hello && head -c 60000 /dev/zero | tr '\0' x |
		run send -d "$where" -T 5 inbox && wait $! &&
		[[ $(head -n 1 "$tmp/got") == hello && $(tail -n 1 "$tmp/got" | wc -c) == 60001 ]]
}

echo_and_reply() {
	local got
	timeout 20 "$shmipc" echo -d "$where" -n mirror -N 1 &
	got=$(run send -d "$where" -T 5 -r mirror who is there) && wait $! && [[ $got == 'who is there' ]]
}

shows() {
	run "$1" -d "$where" | grep -q "$2"
}

tables() {
	timeout 20 "$shmipc" recv -d "$where" -p 77 -n held &
	pids+=($!)
	until_true shows ports ' 77 .*held' && until_true shows peers 'up .*shmipc-' &&
		run ports -d "$where" --json | python3 -m json.tool &&
		run peers -d "$where" --json | python3 -m json.tool
}

watching() {
	run peers -d "$where" --watch -N 3 --json >"$tmp/watch" &
	until_true grep -q peer-up "$tmp/watch" && run ring -d "$where" all 5 | grep -qE '^[12] rung$' &&
		wait $! && grep -q '"event": "doorbell".*"vector": 5' "$tmp/watch" && python3 -m json.tool --json-lines "$tmp/watch"
}

refusals() {
	! run ring -d "$where" 7 && ! run ring -d "$where" 1 8 && ! run with -d "$where" -p 5 cat 2>"$tmp/err" &&
		grep -q 'needs a device' "$tmp/err"
}

nobody() {
	! run peers -d "unix:$tmp/none" 2>"$tmp/err" && grep -q 'start shmipc-server' "$tmp/err" &&
		! run peers -d "file:$tmp/none" 2>"$tmp/err" && grep -q 'truncate' "$tmp/err"
}

echo 1..13
truncate -s 4M "$tmp/file"
"$server" -F -S "$tmp/sock" -l 4M >"$tmp/server.log" 2>&1 &
pids+=($!)
until_true [ -S "$tmp/sock" ]
for where in "file:$tmp/file" "unix:$tmp/sock"; do
	kind=${where%%:*}
	doorbell=polling
	[[ $kind == file ]] || doorbell=eventfd
	check "$kind: info" info "$doorbell"
	check "$kind: send and recv" send_and_recv
	check "$kind: echo and reply" echo_and_reply
	check "$kind: tables" tables
	check "$kind: watch and ring" watching
	check "$kind: refusals" refusals
done
check 'nobody there' nobody
