#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# build.sh WHAT - one way to build or install the library and the command. Prints what is wrong.
#   compilers   gcc, clang, arm64, i686, static: all without a warning (-Werror)
#   headers     the public headers alone, as C99, C11, C++11, with both compilers
#   install     make install, then a program built with nothing but pkg-config
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
out=${BUILD:-$top/build}/lib-builds
mkdir -p "$out"
jobs=${JOBS:-2}

build() {
	local name=$1
	shift
	{
		make -s -j"$jobs" -C lib O="$out/$name/lib" "$@" &&
			make -s -j"$jobs" -C tools O="$out/$name/tools" LIB_O="$out/$name/lib" "$@" &&
			make -s -j"$jobs" -C examples/hello O="$out/$name/hello" LIB_O="$out/$name/lib" "$@" &&
			make -s -j"$jobs" -C examples/jailhouse-message O="$out/$name/jailhouse" \
				LIB_O="$out/$name/lib" "$@"
	} >"$out/$name.log" 2>&1 && return
	cat "$out/$name.log"
	return 1
}

# expect TEXT WORD, expect_not TEXT WORD
expect() {
	[[ $1 == *"$2"* ]] || { echo "no \"$2\" in: $1"; exit 1; }
}

expect_not() {
	[[ $1 != *"$2"* ]] || { echo "\"$2\" in: $1"; exit 1; }
}

compilers() {
	build gcc
	build clang CC=clang
	build arm64 CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar
	build i686 CC=i686-linux-gnu-gcc AR=i686-linux-gnu-ar
	build static STATIC=1
	build shared SHARED=1
	expect "$(readelf -h "$out/arm64/tools/shmipc")" AArch64
	expect "$(readelf -h "$out/i686/tools/shmipc")" 80386
	expect_not "$(readelf -l "$out/static/tools/shmipc")" INTERP
	expect "$(readelf -d "$out/shared/tools/shmipc")" libshmipc.so.1
	# What has no libkmod says so, in the help and when asked.
	expect "$("$out/static/tools/shmipc" --help)" 'without libkmod'
	expect "$("$out/static/tools/shmipc" load 2>&1)" 'without libkmod'
	expect_not "$("$out/gcc/tools/shmipc" --help)" 'without libkmod'
}

headers() {
	local header flags="-Wall -Wextra -Wpedantic -Werror -fsyntax-only -Ilib/include -Iinclude/uapi" cc std
	for header in lib/include/shmipc/*.h; do
		for cc in gcc clang; do
			for std in c99 c11; do
				# shellcheck disable=SC2086 # words
				echo "#include \"$header\"" | "$cc" $flags -std=$std -x c -
			done
			# shellcheck disable=SC2086
			echo "#include \"$header\"" | "$cc" $flags -std=c++11 -x c++ -
		done
	done
}

# installed ROOT - everything that make install is to put there
installed() {
	local file bad=0
	for file in lib/libshmipc.so.1 lib/libshmipc.a lib/pkgconfig/libshmipc.pc include/shmipc/shmipc.h \
		include/shmipc/vros.h include/shmipc/message.h include/linux/shmipc.h share/man/man7/shmipc.7 share/man/man1/shmipc.1 \
		share/man/man4/shmipc.4 share/man/man8/shmipc-server.8 share/man/man3/shmipc_peek.3 share/man/man3/ipc_recv.3 bin/shmipc \
		share/bash-completion/completions/shmipc lib/udev/rules.d/70-shmipc.rules lib/sysusers.d/shmipc.conf \
		sbin/shmipc-server lib/systemd/system/shmipc-server@.service lib/systemd/system/shmipc-server@.socket; do
		[[ -e $1/usr/$file ]] || { echo "not installed: $file"; bad=1; }
	done
	return "$bad"
}

install() {
	local root=$out/root file
	rm -rf "$root"
	make -s -C lib O="$out/gcc/lib" DESTDIR="$root" PREFIX=/usr install
	make -s -C tools O="$out/gcc/tools" LIB_O="$out/gcc/lib" DESTDIR="$root" PREFIX=/usr install
	installed "$root"
	# Installing again changes nothing.
	find "$root" | sort >"$out/first"
	make -s -C lib O="$out/gcc/lib" DESTDIR="$root" PREFIX=/usr install
	find "$root" | sort | cmp - "$out/first"
	export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/usr/lib/pkgconfig
	export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
	for file in server client; do
		# shellcheck disable=SC2046 # words
		gcc -o "$out/$file" "examples/hello/$file.c" $(pkg-config --cflags --libs libshmipc)
		expect "$(LD_LIBRARY_PATH=$root/usr/lib ldd "$out/$file")" "$root/usr/lib/libshmipc.so.1"
		expect "$(LD_LIBRARY_PATH=$root/usr/lib "$out/$file" /dev/null 2>&1)" 'not one of shmipc'
	done
	make -s -C tools O="$out/gcc/tools" LIB_O="$out/gcc/lib" DESTDIR="$root" PREFIX=/usr uninstall
	make -s -C lib O="$out/gcc/lib" DESTDIR="$root" PREFIX=/usr uninstall
	[[ ! $(find "$root" ! -type d) ]] || { find "$root" ! -type d; return 1; }
}

"$1"
