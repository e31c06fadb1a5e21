#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# udev_test.sh - the udev rule, in a guest with udevd, 70-shmipc.rules and loopback=3, whose regions are
# named "main", "a.b-c_d" and nothing. Prints TAP.

cd "$(mktemp -d)" || exit 1
# shellcheck source=selftests/lib/tap.sh
. /bin/tap.sh

mkdir -p /run/udev
trap 'kill $(pidof udevd)' EXIT
udevd --daemon >/run/udevd.log 2>&1
udevadm trigger --settle --subsystem-match=shmipc

tap the devices belong to the group
run stat -c '%G %a' /dev/shmipc0
says '^shmipc 660$' && run stat -c '%G %a' /dev/shmipc2 && says '^shmipc 660$'

tap by-path links of loopback regions
run ls /dev/shmipc/by-path
[ "$(cat out)" = 'loopback-0
loopback-1
loopback-2' ] || tap_bad 'other links'
run readlink -f /dev/shmipc/by-path/loopback-1
says '^/dev/shmipc1$'

tap by-name links of regions with a name
run ls /dev/shmipc/by-name
[ "$(cat out)" = 'a.b-c_d
main' ] || tap_bad 'other links'
run readlink -f /dev/shmipc/by-name/main
says '^/dev/shmipc0$'

tap the command finds a device by its link
run shmipc info -d /dev/shmipc/by-name/main
says '^name  *main$'

tap a member of the group may use it, another user not
cat >/etc/group <<-TEXT
	root:x:0:
	shmipc:x:900:user
	user:x:1000:
TEXT
run su user -c '/bin/shmipc list'
says '^/dev/shmipc0' && run su nobody -s /bin/sh -c '/bin/shmipc list' && fails 1 &&
	complains 'join the group shmipc'

tap links go when the devices go
rmmod shmipc
udevadm settle
[ ! -e /dev/shmipc/by-path/loopback-0 ] && [ ! -e /dev/shmipc/by-name/main ]

tap_end
