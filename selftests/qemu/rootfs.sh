# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by the scripts that boot guests. Makes the initramfs of a guest: a base (busybox, accounts,
# empty folders) made once for each architecture, and a second archive for each run with the kernel's
# modules, the files to add and the libraries they need. The kernel unpacks one over the other.

# skeleton DIR - folders as on Debian, where /bin and /lib are below /usr
skeleton() {
	mkdir -p "$1"/usr/{bin,lib} "$1"/{proc,sys,dev,run,tmp,root,guest,etc,home/user}
	ln -sfn usr/bin "$1/bin"
	ln -sfn usr/bin "$1/sbin"
	ln -sfn usr/lib "$1/lib"
	ln -sfn usr/lib "$1/lib64"
	ln -sfn bin "$1/usr/sbin"
}

archive() { (cd "$1" && find . -print0 | cpio -0 --quiet -o -H newc -R 0:0); }

# base_archive ARCH - print the path of the base, after making it if need be.
base_archive() {
	local arch=$1 file=$CACHE/guest/base-$1.cpio dir applet
	mkdir -p "$CACHE/guest"
	(
		set -e # bash drops it in $(...)
		flock 9
		[[ ! -e $file || ${BASH_SOURCE[0]} -nt $file ]] || exit 0
		dir=$(mktemp -d "$CACHE/guest/base.XXXXXX")
		skeleton "$dir"
		if [[ $arch == amd64 ]]; then
			cp /bin/busybox "$dir/bin/busybox"
		else
			# shellcheck source=selftests/kernels/apt.sh
			. "$TOP/selftests/kernels/apt.sh"
			update bookworm
			unpack bookworm "$arch" "$dir.deb" busybox-static
			cp "$dir.deb/bin/busybox" "$dir/bin/busybox"
			rm -r "$dir.deb"
		fi
		for applet in $(/bin/busybox --list); do # the same for every architecture
			[[ -e $dir/bin/$applet ]] || ln -s busybox "$dir/bin/$applet"
		done
		printf '%s\n' root:x:0:0::/root:/bin/sh user:x:1000:1000::/home/user:/bin/sh \
			nobody:x:65534:65534::/:/bin/false >"$dir/etc/passwd"
		printf '%s\n' root:x:0: shmipc:x:900: user:x:1000: nogroup:x:65534: >"$dir/etc/group"
		echo 127.0.0.1 localhost shmipc >"$dir/etc/hosts"
		archive "$dir" >"$file.tmp"
		rm -r "$dir"
		mv "$file.tmp" "$file"
	) 9>"$CACHE/guest/lock"
	# shellcheck disable=SC2181 # "if (...)" would switch -e off in there
	(($? == 0)) || die "cannot make the base of a guest for $1"
	echo "$file"
}

# libraries FILE - "SOURCE GUEST_PATH" for the loader and every library a program needs, if any.
libraries() {
	local file=$1 header sysroot
	header=$(readelf -hlW "$file" 2>/dev/null) || return 0
	[[ $header == *'INTERP'* ]] || return 0
	case $header in
	*'Machine:'*X86-64*) native_libraries "$file" ;;
	*'Machine:'*80386*) cross_libraries /usr/i686-linux-gnu "$file" ;;
	*'Machine:'*AArch64*) cross_libraries /usr/aarch64-linux-gnu "$file" ;;
	*) die "$file: for which machine is this?" ;;
	esac
}

native_libraries() {
	local name path
	ldd "$1" | sed -n 's/^\t\(.*\) => \(.*\) (0x.*/\1 \2/p; s/^\t\(.*\) => not found$/\1 missing/p
		s/^\t\(\/.*\) (0x.*/- \1/p' | while read -r name path; do
		case $path in
		missing) note "$1 needs $name, which is not on this machine: add it to the guest" ;;
		/lib/* | /lib64/* | /usr/lib/*) echo "$path $path" ;;
		*) echo "$path /lib/$name" ;;
		esac
	done
}

# cross_libraries SYSROOT FILE - what a cross-built program needs, from the cross compiler's own libraries.
cross_libraries() {
	local sysroot=$1 todo=("$2") name path seen=' '
	path=$(readelf -lW "$2" | sed -n 's/.*interpreter: \(.*\)]/\1/p')
	echo "$sysroot/lib/${path##*/} $path"
	while ((${#todo[@]})); do
		for name in $(readelf -dW "${todo[0]}" | sed -n 's/.*(NEEDED).*\[\(.*\)]/\1/p'); do
			[[ $seen != *" $name "* ]] || continue
			seen+="$name "
			path=$sysroot/lib/$name
			[[ -e $path ]] || { note "$2 needs $name: add it to the guest"; continue; }
			echo "$path /lib/$name"
			todo+=("$path")
		done
		todo=("${todo[@]:1}")
	done
}

# add_file ROOT SPEC - SPEC is FILE, FILE:DEST, DIR or DIR:DEST; without DEST programs go to /bin and
# everything else to /root. Libraries of programs come along.
add_file() {
	local root=$1 from=$2 dest='' file source
	if [[ ! -e $from && $from == *:/* ]]; then
		dest=${from##*:}
		from=${from%:*}
	fi
	[[ -e $from ]] || die "cannot add $from: no such file"
	if [[ ! $dest ]]; then
		if [[ -f $from && -x $from ]]; then dest=/bin; else dest=/root; fi
		dest+=/$(basename "$from")
	elif [[ $dest == */ && -f $from ]]; then
		dest+=$(basename "$from")
	fi
	mkdir -p "$root/$(dirname "$dest")"
	if [[ -d $from ]]; then
		mkdir -p "$root/$dest"
		cp -rL "$from/." "$root/$dest/"
	else
		cp -L "$from" "$root/$dest"
	fi
	find "$root/$dest" -type f \( -perm -u+x -o -name '*.so*' \) | while read -r file; do
		libraries "$file"
	done | sort -u | while read -r source file; do
		[[ -e $root$file ]] || install -D "$source" "$root$file"
	done
}
