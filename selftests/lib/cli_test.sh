#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# cli_test.sh - every verb of the shmipc command, in a guest with loopback=2 (busybox sh). Prints TAP.
# $1: "static" if the command was built without libkmod, so that load and unload are not tried.
# shellcheck disable=SC2086 # A and B are two words each

cd "$(mktemp -d)" || exit 1
# shellcheck source=selftests/lib/tap.sh
. /bin/tap.sh

# The two ends.
A='-d 0' B='-d 1'

# port_there DEV NUMBER [FIELD] - wait for the port to be in the table, with FIELD ("waiters": 1) if given
port_there() {
	tries=0
	until shmipc ports -d "$1" --json | grep -q "\"port\": $2,.*${3-}"; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || return 1
		usleep 50000
	done
}

# name_there NAME
name_there() {
	tries=0
	until shmipc ports --json | grep -q "\"name\": \"$1\""; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || return 1
		usleep 50000
	done
}

# receiver FILE OPTION... - shmipc recv in the background, its output in FILE
receiver() {
	file=$1
	shift
	shmipc recv $B -T 60 "$@" >"$file" 2>"$file.err" &
	receiver=$!
}

tap list: a row for each device
run shmipc list
says '^/dev/shmipc0 .*loopback *native *0 *1 of 1$' && says '^/dev/shmipc1 .*1  *1 of 1$'

tap list --json
run shmipc list --json
says '"device": "/dev/shmipc0", .*"peer": 0, "peers": 2, "up": 1'

tap info
run shmipc info -d 1
says '^own peer  *1$' && says '^transport  *loopback$' && says '^features .* ports'

tap info --json, the device before the verb
run shmipc -d /dev/shmipc1 info --json
says '"peer": 1' && says '"epoch": "0x'

tap peers
run shmipc peers
says '^ *0  self ' && says '^ *1  up '

tap peers --json
run shmipc peers -j
says '"peer": 1, "self": false, "state": "up"'

tap status
run shmipc status
says '^module  *loaded' && says '^parameter  *loopback=2' && says '^device  */dev/shmipc1'

tap status --json
run shmipc status --json
says '"loaded": true' && says '"devices": \["/dev/shmipc0", "/dev/shmipc1"\]'

tap send and recv by number
receiver got -p 7
port_there 1 7 && run shmipc send $A 1:7 hello there
wait $receiver && file_is got 'hello there'

tap send and recv by name
receiver got -n greetings
name_there greetings && run shmipc send $A greetings@1 "by name"
wait $receiver && file_is got 'by name'

tap send waits for a name that comes later
shmipc send $A -T 60 later hello &
sender=$!
usleep 200000
receiver got -n later
wait $receiver && wait $sender && file_is got hello

tap send from standard input
receiver got -p 7 -f raw
port_there 1 7 && printf 'no\nnewline' | run shmipc send $A 1:7
wait $receiver && [ "$(cat got)" = 'no
newline' ] && [ "$(wc -c <got)" = 10 ]

tap send --lines
receiver got -p 7 -N 3
port_there 1 7 && printf 'one\n\nthree' | run shmipc send $A --lines 1:7
wait $receiver && [ "$(cat got)" = 'one

three' ]

tap recv --format hex
receiver got -p 7 -f hex
port_there 1 7 && printf '\001\377a' | run shmipc send $A 1:7
wait $receiver && file_is got '01 ff 61'

tap recv --json tells everything
receiver got -p 7 --json -N 2
port_there 1 7 && run shmipc send $A -t 5 -P 2 -c 0xff 1:7 'a "b"' && printf '\377' | shmipc send $A 1:7
wait $receiver
run cat got
says '"peer": 0, "port": 0, "type": 5, "priority": 2, "seq": 1' && says '"cookie": "0xff"' &&
	says '"length": 5, "data": "a \\"b\\"", "hex": "6120226222"' && says '"length": 1, "hex": "ff"'

tap recv --verbose says whence
receiver got -p 7 -v
port_there 1 7 && run shmipc send $A -t 9 1:7 x
wait $receiver && run cat got.err
says 'port 7' && says 'from 0:0, type 9, priority 0, 1 bytes'

tap recv without a port says which it got
receiver got
tries=0
until grep -q 'port [0-9]' got.err || [ $tries -gt 200 ]; do tries=$((tries + 1)) && usleep 50000; done
number=$(sed -n 's/.*port \([0-9]*\)$/\1/p' got.err)
run shmipc send $A "1:$number" x
wait $receiver && file_is got x

tap recv takes large messages
receiver got -p 7 -m 200000 -f raw
port_there 1 7 && head -c 150000 /dev/urandom >sent && shmipc send $A 1:7 <sent
wait $receiver && cmp sent got

tap what a terminal could misunderstand is escaped
script -qc 'shmipc recv -d 1 -p 7 -T 60' /dev/null >got &
receiver=$!
port_there 1 7 && printf '\033[31mred\007\302\233\n\342\202\254' | run shmipc send $A 1:7
wait $receiver && run cat got
says '\\x1b\[31mred\\x07\\xc2\\x9b' && says "$(printf '\342\202\254')" && ! grep -q "$(printf '\033')" got

tap raw is not for terminals
script -qc 'shmipc recv -d 1 -f raw; echo status $?' /dev/null >got
run cat got
says 'raw is not for terminals' && says 'status 1'

tap recv --timeout
run shmipc recv -p 7 -T 100ms
fails 1 && complains 'no message: timed out'

tap ports
receiver got -p 7 -n seven -D 3 -m 99
port_there 1 7 '"waiters": 1'
run shmipc ports $B -P self
says '^ *1  *7 .* seven .* 3  *99 .* '$receiver'$'
run shmipc ports $A
says '^ *1  *7 .* seven .* 3  *99 .* -$'

tap ports --json
run shmipc ports $B --json
says '"port": 7, .*"name": "seven", .*"depth": 3, .*"waiters": 1'
shmipc send $A 1:7 x
wait $receiver

tap echo, send --reply
shmipc echo $B -p 9 -N 2 2>echo.err &
echo=$!
port_there 1 9 && run shmipc send $A -r -T 60 1:9 ping
says '^ping$' && run shmipc send $A 1:9 'no port of mine'
wait $echo && run cat echo.err
says 'a sender of peer 0 has no port to answer to'

tap 'with: cat as a receiver, echo as a sender'
shmipc with $B -p 7 -- head -c 12 >got &
reader=$!
port_there 1 7 && run shmipc with $A -c 1:7 -- echo hello
echo piped | run shmipc with $A -c 1:7 -- cat
wait $reader && [ "$(cat got)" = 'hello
piped' ]

tap 'with: a message without bytes ends cat'
shmipc with $B -n files -- cat >got &
reader=$!
name_there files && run shmipc with $A -c files -- printf 'all of it'
printf '' | shmipc send $A files
wait $reader && [ "$(cat got)" = 'all of it' ]

tap 'with: both ways'
shmipc echo $B -p 9 -N 1 2>echo.err &
echo=$!
port_there 1 9
run shmipc with $A -p any -c 1:9 -- sh -c 'echo question; head -n 1 >&2'
complains '^question$' && wait $echo

tap 'with: the status is that of the command'
run shmipc with -p 7 -- sh -c 'exit 7'
fails 7 && run shmipc with -p 7 -- /nonexistent && fails 127 && run shmipc with -p 7 -- /dev/null && fails 126

tap 'with: options after the command are its own'
run shmipc with -c 1:7 echo -n
fails 1 && complains 'no such port'

tap ipctest
run shmipc ipctest -i 10ms
says '^ipc_server: created port 0$' && says 'ipc_server  BLOCKED' && says 'ipc_client' &&
	says 'received from PID [0-9]*, type 1: Hello from client!$' &&
	says 'type 2: Second message$' && says 'type 3: Goodbye!$' && says '^ipctest: OK$'

tap ipctest leaves no port
run shmipc ports --json
[ "$(cat out)" = '[]' ]

tap ipctest --keep, ipcstop
shmipc ipctest -k -i 1ms >kept &
kept=$!
port_there 0 22016 '"waiters": 1.*"received": 3'
run shmipc ipctest
fails 1 && complains 'another ipctest is running' && run shmipc ipcstop
says "process $kept) stopped"
wait $kept && grep -q 'ipc_client  GONE' kept && grep -q '^ipctest: stopped' kept

tap ipcstop without ipctest
run shmipc ipcstop
fails 1 && complains 'no ipctest is running'

tap ipctest on another device
run shmipc ipctest -d 1 -i 1ms
says '^ipctest: OK$'

tap what goes wrong has a sentence and status 1
run shmipc send 1:7 x && fails 1 && complains '1:7: no such port'
run shmipc send 5:7 x && fails 1 && complains 'no such peer'
run shmipc send nobody x && fails 1 && complains 'nobody has that name'
run shmipc send -T 50ms nobody x && fails 1 && complains 'timed out'
run shmipc send 'a*b' x && fails 1 && complains 'not a name'
run shmipc info -d 9 && fails 1 && complains 'does not exist; the module is loaded'
run shmipc ports -P 5 && fails 1 && complains 'no such peer'
shmipc recv -p 7 -T 60 &
receiver=$!
port_there 0 7
run shmipc recv -p 7 && fails 1 && complains 'port 7 is taken'
kill $receiver

tap a full port times out
shmipc with -p 7 -D 2 -- sleep 100 &
holder=$!
port_there 0 7
shmipc send 0:7 1 && shmipc send 0:7 2 && run shmipc send -T 50ms 0:7 3
fails 1 && complains 'timed out'
kill $holder

tap output that cannot be written is a failure
shmipc info >/dev/full 2>err
[ $? = 1 ] && grep -q 'cannot write' err

if [ "${1-}" != static ]; then
	tap unload says who is in use of it
	shmipc recv -p 7 -T 60 2>/dev/null &
	holder=$!
	port_there 0 7
	run shmipc unload
	fails 1 && complains 'in use' && complains "process $holder: shmipc"
	kill $holder
	wait $holder || :

	tap load and unload
	run shmipc unload
	check [ ! -e /dev/shmipc0 ]
	run shmipc unload
	fails 1 && complains 'not loaded'
	run shmipc status && fails 1 && says 'not loaded'
	run shmipc list && complains 'the module is not loaded'
	run shmipc list --json && file_is out '[]'
	run shmipc info && fails 1 && complains 'the module is not loaded: shmipc load'

	tap a regular file in the way
	echo data >/dev/shmipc0
	run shmipc info && fails 1 && complains 'is a regular file' && complains 'remove it'
	file_is /dev/shmipc0 data
	rm /dev/shmipc0

	tap load with parameters
	run shmipc load --params loopback=3 && run shmipc list && says '^/dev/shmipc2 .*2 of 2$'
	run shmipc load && complains 'loaded already'
	run shmipc load loopback=2 && fails 1 && complains 'unload it first'

	tap load that is refused
	run shmipc unload && run shmipc load loopback=nonsense && fails 1 && complains 'refused its parameters'
	run shmipc load -m /nonexistent && fails 1 && complains 'No such file'
	run shmipc load -m /bin/busybox && fails 1 && complains 'built for another kernel'
	run su user -c "$(command -v shmipc) load" && fails 1 && complains 'by root'
	run shmipc load loopback=2 && run shmipc list && says '1 of 1$'
fi

tap_end
