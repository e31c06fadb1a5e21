#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# help.sh SHMIPC - the command's help: every verb has one, it and shmipc.1 name the same verbs, operands and
# options, bash completes them, and what is used wrongly is refused with status 2. Prints what is wrong.
set -euo pipefail
cd "$(dirname "$0")/../.."
shmipc=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
bad=0

wrong() {
	echo "$*"
	bad=1
}

# refused ARG... - status 2, a line on stderr that mentions --help
refused() {
	local status=0
	"$shmipc" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
	[[ $status == 2 ]] || wrong "shmipc $*: status $status"
	[[ ! -s $tmp/out ]] || wrong "shmipc $*: says something on stdout"
	grep -q -- '--help' "$tmp/err" || wrong "shmipc $*: does not mention --help"
}

verbs=$("$shmipc" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
[[ $(wc -w <<<"$verbs") -ge 13 ]] || wrong "verbs are missing: $verbs"

# "verb --option ARG" of each option but --help, and "verb OPERANDS"
for verb in $verbs; do
	"$shmipc" "$verb" --help >"$tmp/help-$verb" || wrong "$verb --help fails"
	cmp -s <("$shmipc" help "$verb") "$tmp/help-$verb" || wrong "help $verb differs from $verb --help"
done
for verb in $verbs; do
	sed -nE "s/^usage: shmipc ($verb) \[OPTION...\](.*)/\1\2/p" "$tmp/help-$verb"
	sed -nE "/--help/d; s/^  -(.), --([a-z-]+) ?([A-Z]*) .*/$verb -\1 --\2 \3/p" "$tmp/help-$verb"
done | sed 's/ *$//' | sort >"$tmp/of-help"

awk '
	/^\.Sh/ { verb = "" }
	/^\.Ss/ {
		verb = $2
		line = $0
		sub(/^\.Ss /, "", line)
		gsub(/ Ns = Ns /, "=", line)
		gsub(/=Ar /, "=", line)
		gsub(/Oo Fl - Oc/, "[--]", line)
		optional = line ~ / Op /
		gsub(/ Ar /, " ", line)
		if (optional) { sub(/ Op (Ar )?/, " [", line); line = line "]" }
		sub(/ \.\.\./, "...", line)
		print line
	}
	/^\.It Fl / && verb { print verb, "-" $3, "-" $6, $8 }
' lib/man/shmipc.1 | sed 's/ *$//' | sort >"$tmp/of-man"
diff "$tmp/of-help" "$tmp/of-man" || wrong "--help (<) and shmipc.1 (>) differ"

refused
refused frobnicate
refused --frobnicate
for verb in $verbs; do
	refused "$verb" --frobnicate
	[[ $verb == send || $verb == with ]] || refused "$verb" operand
done
refused send
refused send -t
refused send -t nonsense 1:7
refused send -t 4294967296 1:7 x
refused send -P 8 1:7 x
refused send -T -1 1:7 x
refused send -T 1x 1:7 x
refused send -l 1:7 words
refused recv -p 0
refused recv -p 65536
refused recv -p 0x
refused recv -f xml
refused recv -D 0
refused recv -m 0
refused recv -N -1
refused ports -P nobody
refused with -- cat
refused with -p 7
refused ipctest -i soon

[[ $("$shmipc" --version) =~ ^shmipc\ [0-9.]+$ ]] || wrong "--version"

# completions WORD... - what bash offers for the last word
completions() {
	PATH=$(dirname "$shmipc"):$PATH bash -c '
		. tools/completion/shmipc
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
		_shmipc && echo "${COMPREPLY[*]}"' - "$@"
}
[[ $(completions shmipc ipc) == "ipctest ipcstop" ]] || wrong "completion of verbs"
[[ $(completions shmipc -d 1 ipct) == "ipctest" ]] || wrong "completion after -d"
[[ $(completions shmipc send --p) == "--priority" ]] || wrong "completion of options"
[[ $(completions shmipc recv -f h) == "hex" ]] || wrong "completion of formats"
exit $bad
