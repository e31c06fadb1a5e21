# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced. Fetches Debian packages of any release and architecture with directories of apt's own
# under the cache: the machine's suites, architectures and installed packages stay as they are.
# The mirror is the one the machine uses; apt checks every signature.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# mirror KIND - the URI the machine's apt uses for the archive ("main") or its "security" part.
mirror() {
	# shellcheck disable=SC2016 # these dollars are apt's
	apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' |
		awk -v kind="$1" '$3 != "main" { next }
			{ is = $2 ~ /-security$/ ? "security" : $2 ~ /-/ ? "other" : "main" }
			is == kind { print $1; exit }'
}

# sources RELEASE - the lines of a sources.list for a release with its updates and backports.
sources() {
	local main security suite
	main=$(mirror main)
	security=$(mirror security)
	[[ $main ]] || die "no Debian mirror in the machine's apt configuration"
	for suite in "$1" "$1-updates" "$1-backports"; do
		echo "deb [signed-by=$KEYRING] $main $suite main"
	done
	[[ ! $security ]] || echo "deb [signed-by=$KEYRING] $security $1-security main"
}

# in_release RELEASE COMMAND ARG... - run an apt command on the private lists of RELEASE.
in_release() {
	local dir=$CACHE/apt/$1 command=$2
	shift 2
	"$command" -qq \
		-o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$dir" -o Dir::State::Lists="$dir/lists" -o Dir::State::status="$dir/status" \
		-o Dir::Cache="$dir/cache" -o APT::Architectures=amd64,arm64 -o APT::Sandbox::User=root \
		-o APT::Update::Post-Invoke-Success::= "$@"
}

# update RELEASE - refresh the private lists, unless that was done within the hour.
update() {
	local dir=$CACHE/apt/$1
	[[ ${OFFLINE:-0} != 1 ]] || die "OFFLINE=1, and $CACHE does not hold what is needed"
	mkdir -p "$dir"/{lists/partial,cache/archives/partial}
	(
		flock 9
		[[ ! $(find "$dir/updated" -mmin -60 2>/dev/null) ]] || exit 0
		: >"$dir/status"
		sources "$1" >"$dir/sources.list"
		in_release "$1" apt-get update -o APT::Update::Error-Mode=any || exit # -e may be off
		touch "$dir/updated"
	) 9>"$dir/lock"
}

# newest RELEASE ARCH REGEX - of the packages whose whole name matches, the one that sorts last.
newest() {
	local name names
	names=$(in_release "$1" apt-cache pkgnames | sed -n "/^$3\$/p" | sort -rV)
	for name in $names; do
		# A name may be known for another architecture only.
		[[ ! $(in_release "$1" apt-cache show "$name:$2" 2>/dev/null) ]] || { echo "$name"; return; }
	done
	die "no package in $1 ($2) matches $3"
}

# unpack RELEASE ARCH DIR NAME... - download packages and unpack them over one another into DIR.
unpack() {
	local release=$1 arch=$2 dir=$3 name debs
	shift 3
	for name; do
		debs=$(mktemp -d "$CACHE/apt/debs.XXXXXX")
		note "fetching $name ($arch, $release)"
		(cd "$debs" && in_release "$release" apt-get download "$name:$arch")
		dpkg -x "$debs"/*.deb "$dir"
		rm -r "$debs"
	done
}

# source_tarball RELEASE NAME DIR - download the upstream tarball of a source package to DIR, and print its
# name. Sources have lists of their own: few need them, and they are large.
source_tarball() {
	local lists=$1-source name=$2 dir=$3 apt=$CACHE/apt/$1-source tarball
	[[ ${OFFLINE:-0} != 1 ]] || die "OFFLINE=1, and $CACHE does not hold what is needed"
	mkdir -p "$apt"/{lists/partial,cache/archives/partial}
	: >"$apt/status"
	sources "$1" | sed "/ $1-backports /d; s/^deb /deb-src /" >"$apt/sources.list"
	in_release "$lists" apt-get update -o APT::Update::Error-Mode=any
	note "fetching the source of $name ($1)"
	(
		cd "$dir" || exit
		in_release "$lists" apt-get source --download-only --only-source "$name"
	) >&2 || die "the source of $name cannot be fetched"
	tarball=$(find "$dir" -name "${name}_*.orig.tar.*" ! -name '*.asc')
	[[ -f $tarball ]] || die "no tarball of $name came"
	echo "$tarball"
}

# kept_source RELEASE NAME - the same, downloaded once and kept in the cache for whoever needs it next.
kept_source() {
	local kept=$CACHE/apt/sources/$2 tmp tarball
	mkdir -p "$kept"
	(
		set -e # bash drops it in $(...)
		flock 9
		tarball=$(find "$kept" -name "${2}_*.orig.tar.*")
		if [[ ! $tarball ]]; then
			tmp=$(mktemp -d "$CACHE/apt/source.XXXXXX")
			tarball=$(source_tarball "$1" "$2" "$tmp")
			mv "$tarball" "$kept/"
			tarball=$kept/${tarball##*/}
			rm -rf "$tmp"
		fi
		echo "$tarball"
	) 9>"$kept.lock"
}
