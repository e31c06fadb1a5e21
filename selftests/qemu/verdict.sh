# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced. Decides how a guest's run ended, from what it left: console (the kernel's messages), state (the
# lines of init), qemu (what QEMU itself said) and late (it had to be killed). The order matters: a splat explains all the rest.

# What the kernel says when something is wrong, at the start of a message. Not "Call Trace": fault
# injection prints one on purpose. Not "general protection fault ip:": that is a user program's.
SPLATS='BUG|kernel BUG at|WARNING:|Oops|Internal error:|Unable to handle kernel|Kernel panic'
SPLATS+='|INFO: (task|possible|trying|inconsistent|suspicious|lockdep|rcu)|rcu: INFO:|rcu:.*(stall|starved)'
SPLATS+='|UBSAN:|KASAN:|KCSAN:|KFENCE:|ODEBUG:|DEBUG_LOCKS_WARN_ON|=+ *\[?( BUG|WARNING)'
SPLATS+='|general protection fault[:,]|divide error:|invalid opcode:|stack segment:|double fault:|int3:'
SPLATS+='|refcount_t:|list_(add|del) corruption|scheduling while atomic|sleeping function called'
SPLATS+='|watchdog: .*(lockup|LOCKUP)|workqueue lockup|unregister_netdevice: waiting|Out of memory: Killed'
SPLATS+='|kmemleak: (Cannot|Automatic|Kernel memory leak detector disabled)|usercopy: Kernel memory'
SPLATS+='|Slab .*: |Padding overwritten|Object padding|Redzone|Poison overwritten|(kernel )?stack overflow'
SPLATS+='|irq [0-9]+: nobody cared|Disabling IRQ|genirq: Flags mismatch|sysfs: cannot create duplicate'
SPLATS+='|kobject_add_internal failed'

# splats CONSOLE - the messages from the first complaint on, at most 60, and how many there were.
splats() {
	tr -d '\r' <"$1" | awk -v splat="^(\\\\[ *[0-9.]+\\\\](\\\\[[^]]*\\\\])? )?($SPLATS)" '
		/guest: begin$/ { begun = 1; next }
		!begun { next }
		$0 ~ splat { count++ }
		/-\[ cut here \]-/ { cut = 1 } # the head of a WARN or BUG
		(count || cut) && lines++ < 60 { print }
		END { if (count) print "(" count " such messages in all)"; exit !count }'
}

# EFLAGS that no processor has in the kernel: bits that do not exist, or virtual 8086 mode
IMPOSSIBLE_FLAGS=$((0xffc28028))

# impossible CONSOLE - did the emulator lose track of its processor? Seen once in many hundreds of guests:
# a double fault at a harmless load, with half of an address in the flags.
impossible() {
	local flags
	while read -r flags; do
		((!(0x$flags & IMPOSSIBLE_FLAGS))) || return 0
	done < <(tr -d '\r' <"$1" | grep -oE 'EFLAGS: [0-9a-f]{8}' | sed 's/.* //')
	return 1
}

# complain RUN STATUS MESSAGE - keep the console, say where, and exit.
complain() {
	local kept
	kept=$(mktemp "$BUILD/guest/console.XXXXXX")
	tr -d '\r' <"$1/console" >"$kept"
	note "$3 (console: $kept)"
	exit "$2"
}

# verdict RUN LIMIT VIOLATIONS - say what was wrong, if anything, and exit.
verdict() {
	local run=$1 limit=$2 expected=$3 found violations state status stuck left leaks base
	state=$(sed -n 's/^state //p' "$run/state" | tail -n 1)
	status=$(sed -n 's/^exit //p' "$run/state")
	stuck=$(sed -n 's/^stuck //p' "$run/state")
	left=$(sed -n 's/^left //p' "$run/state" | sort | uniq -c | awk '{ print $2 " (" $1 ")" }' | paste -sd ' ')
	leaks=$(sed -n 's/^leak //p' "$run/state")
	base=$(sed -n 's/^text //p' "$run/state")

	[[ ! $left ]] || note "killed what the command left running: $left"
	violations=$(grep -c '^ivshmem2: violation' "$run/qemu" || :)
	if [[ $violations != "$expected" ]]; then
		grep '^ivshmem2: violation' "$run/qemu" | head -n 20 >&2
		tr -d '\r' <"$run/console" | tail -n 20 >&2
		complain "$run" 104 "$violations violations and not $expected while ${state:-booting}"
	fi
	if found=$(splats "$run/console"); then
		printf '%s\n' "$found" >&2
		[[ ! $stuck ]] || note "$stuck"
		grep -qx 'done' "$run/state" || note "and the guest got no further than: ${state:-booting}"
		! impossible "$run/console" ||
			complain "$run" 105 "the emulator broke: such flags no processor has"
		complain "$run" 100 "the kernel complained${status:+ (command: exit $status)}"
	fi
	if [[ -e $run/late ]]; then
		tr -d '\r' <"$run/console" | tail -n 20 >&2
		complain "$run" 124 "time limit of $limit s while ${state:-booting}"
	fi
	[[ ! $stuck ]] || complain "$run" 101 "$stuck"
	if ! grep -qx 'done' "$run/state"; then
		cat "$run/qemu" >&2
		tr -d '\r' <"$run/console" | tail -n 20 >&2
		complain "$run" 102 "the guest died while ${state:-booting}"
	fi
	if [[ $leaks ]]; then
		printf '%s\n' "$leaks" >&2
		complain "$run" 103 "memory leaked${base:+ (.text of the module was at $base)}"
	fi
	grep -q 'guest: begin' "$run/console" ||
		complain "$run" 102 "the kernel's messages did not arrive: nothing is known"
	exit "$status"
}
