#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# symbols.sh LIBSHMIPC.SO - what the library exports, what libshmipc.map lists, what the headers declare
# and what the manual pages name and declare are the same. Prints the differences.
set -euo pipefail
cd "$(dirname "$0")/../../lib"
so=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

nm -D --defined-only --with-symbol-versions "$so" | awk '$2 == "T" {print $3}' >"$tmp/versioned"
sed 's/@.*//' "$tmp/versioned" | sort >"$tmp/exported"
sed -n 's/^\t\([a-z_0-9]*\);$/\1/p' libshmipc.map | sort >"$tmp/map"

# prototypes: "TYPE NAME(ARG, ARG)" a line, spaces made one
grep -hv '^#' include/shmipc/*.h | tr '\n' ' ' | sed 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/||g' | tr ';{}' '\n' |
	sed -nE 's/[[:space:]]+/ /g; s/^ //; s/^(.*[ *])((shmipc|ipc)_[a-z_0-9]+)\((.*)\)$/\1\2(\4)/p' |
	sort >"$tmp/prototypes"
sed -E 's/.*[ *]((shmipc|ipc)_[a-z_0-9]+)\(.*/\1/' "$tmp/prototypes" | sort >"$tmp/declared"

# the same from the pages
for page in man/*.3; do man/names "$page"; done | sort >"$tmp/named"
for page in man/*.3; do
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/p' "$page"
done | python3 -c '
import shlex, sys
kind, name, args = "", "", None
def out(name, args):
    star = "" if kind.endswith("*") else " "
    print(f"{kind}{star}{name}({chr(44).join(args).replace(chr(44), chr(44) + chr(32))})")
for line in sys.stdin:
    word, *rest = shlex.split(line)
    if word == ".Ft": kind = rest[0]
    elif word == ".Fn": out(rest[0], rest[1:])
    elif word == ".Fo": name, args = rest[0], []
    elif word == ".Fa": args += rest
    elif word == ".Fc": out(name, args)
' | sort >"$tmp/synopses"

# same A B TEXT
same() {
	diff "$tmp/$1" "$tmp/$2" >"$tmp/diff" && return
	echo "$3:"
	sed -n 's/^</  only the first: /p; s/^>/  only the second:/p' "$tmp/diff"
	bad=1
}

same exported map "exported, libshmipc.map"
same exported declared "exported, in the headers"
same exported named "exported, in NAME of a page"
same prototypes synopses "in the headers, in SYNOPSIS of a page"
if grep -v '@@LIBSHMIPC_1\.0$' "$tmp/versioned"; then
	echo "have no version LIBSHMIPC_1.0"
	bad=1
fi
objdump -p "$so" | grep -q 'SONAME *libshmipc\.so\.1$' || { echo "wrong soname"; bad=1; }
# Nothing but libc is needed.
objdump -p "$so" | awk '$1 == "NEEDED" && $2 != "libc.so.6" {print "needs " $2; bad = 1} END {exit bad}' || bad=1
exit $bad
