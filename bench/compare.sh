#!/usr/bin/env bash
# Compares the benchmarks of the working tree with those of a commit:
#
#	make bench-compare [BASE=commit] [BENCH=regexp] [PKG=packages] [COUNT=10] [BENCHTIME=1s]
#
# All test binaries are built before any is run. Then they take turns, before and after, COUNT times, so that what the
# machine does besides falls on both. Packages whose binaries do not differ are left out. Without PKG it is all packages
# but those of bench/, which take their time to start servers.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

base=${BASE:-HEAD} bench=${BENCH:-.} count=${COUNT:-10} time=${BENCHTIME:-1s}
go=${GO:-go}
benchstat=$(command -v benchstat || echo "$($go env GOPATH)/bin/benchstat")
if ! [ -x "$benchstat" ]; then
	echo "benchstat is missing: go install golang.org/x/perf/cmd/benchstat@latest" >&2
	exit 1
fi
commit=$(git rev-parse --verify --quiet "$base^{commit}") || { echo "BASE=$base is no commit" >&2; exit 1; }

dir=$(mktemp -d "${TMPDIR:-/tmp}/rongate-compare-XXXXXX")
child=
cleanup() {
	trap '' INT TERM HUP
	if [ -n "$child" ]; then kill "$child" 2>/dev/null && wait "$child" || true; fi
	git -C "$root" worktree remove --force "$dir/tree" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() { if [ -t 2 ]; then printf '\r\033[K%s' "$*" >&2; else echo "$*" >&2; fi; }

# run waits for a command in a way that signals interrupt, and ends it then.
run() {
	"$@" &
	child=$!
	local status=0
	wait "$child" || status=$?
	child=
	return "$status"
}

# build makes the test binary of every package that has benchmarks, $1 being a tree and $2 where they go. Beside each is a
# link to its package, where it wants to be run.
build() {
	local path source name
	mkdir "$2"
	while read -r path source; do
		if [ -z "${PKG:-}" ] && [[ $path/ == */bench/* ]]; then continue; fi
		grep -qs '^func Benchmark' "$source"/*_test.go || continue
		name=${path//\//_}
		say "building $(basename "$2")/$path"
		run "$go" -C "$1" test -c -trimpath -buildvcs=false -o "$2/$name.test" "$path"
		ln -s "$source" "$2/$name"
	done < <(cd "$1" && "$go" list -e -f '{{if not .Error}}{{.ImportPath}} {{.Dir}}{{end}}' ${PKG:-./...})
}

git worktree add --quiet --detach "$dir/tree" "$commit"
build "$dir/tree" "$dir/before"
build "$root" "$dir/after"

# once runs the binary $2 of the side $1.
once() (
	cd "$dir/$1/$2"
	exec "$dir/$1/$2.test" -test.run='^$' -test.bench="$bench" -test.benchtime="$time" -test.benchmem -test.timeout=10m
)

# matches says whether the binary has a benchmark that is asked for.
matches() { (cd "${1%.test}" && "$1" -test.list="${bench%%/*}") | grep -q '^Benchmark'; }

names=() same=()
for binary in "$dir"/after/*.test "$dir"/before/*.test; do
	name=$(basename "$binary" .test)
	if ! [ -e "$binary" ] || [[ " ${names[*]-} ${same[*]-} " == *" $name "* ]] || ! matches "$binary"; then continue; fi
	if cmp -s "$dir/before/$name.test" "$dir/after/$name.test"; then same+=("$name"); else names+=("$name"); fi
done
if [ ${#names[@]} -eq 0 ]; then
	say "nothing to compare: of the packages with such benchmarks (${#same[@]}) none differs from ${commit:0:12}"$'\n'
	exit
fi

for round in $(seq "$count"); do
	for name in "${names[@]}"; do
		for side in before after; do
			[ -e "$dir/$side/$name.test" ] || continue # a package that the other side alone has
			say "round $round of $count: ${name##*rongate_} $side"
			run once "$side" "$name" >"$dir/out" || { say "$name fails, $side:"$'\n'; cat "$dir/out" >&2; exit 1; }
			cat "$dir/out" >>"$dir/$side.txt"
		done
	done
done
say ""
touch "$dir/before.txt" "$dir/after.txt"
cd "$dir"
"$benchstat" "${commit:0:12}=before.txt" "working tree=after.txt"
