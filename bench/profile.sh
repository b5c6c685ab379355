#!/usr/bin/env bash
# Profiles rongate under load:
#
#	make profile [DB=devdb|mariadb|rondb] [PROFILE_LOAD="flags of rongate-loadtest run"]
#
# It starts a demo on ports of its own and ends it when it is done. CPU comes first and alone: recording who waits for whom
# costs something, which is not to be in it. The load has to last for 14 seconds.
set -euo pipefail
set -m # a process group for each child: Ctrl-C is for this script alone, which ends them in order
cd "$(dirname "$0")/.."

load=${PROFILE_LOAD:---callers=64 --views=fraud/2 --duration=15s}
out=bin/profiles
log=$(mktemp "${TMPDIR:-/tmp}/rongate-profile-XXXXXX")
cleanup() {
	trap '' INT TERM HUP
	exec 2>/dev/null # the shell tells of every child that it ends
	jobs -p | xargs kill || true
	wait
	rm -f "$log"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# address is where the demo says that a path can be asked for.
address() { sed -n "s|^curl -s \(.*\)/$1\$|\1|p" "$log"; }

# fetch saves profiles, given as names and paths, all at once.
fetch() {
	local args=()
	for ((; $#; )); do
		args+=(-o "$out/$1.pb.gz" "http://$private/debug/pprof/$2")
		shift 2
	done
	curl -sS --no-progress-meter --fail --fail-early --parallel --parallel-immediate --max-time 60 "${args[@]}" & wait $!
}

bin/rongate-demo --db="${DB:-devdb}" --rate=1 --listen=127.0.0.1:0 --private-listen=127.0.0.1:0 --control=127.0.0.1:0 \
	>"$log" 2>&1 </dev/null & demo=$!
echo "the demo starts (${DB:-devdb})"
until [ -n "$(address feature-views)" ]; do
	kill -0 $demo 2>/dev/null || { cat "$log" >&2; exit 1; }
	sleep 0.2 & wait $!
done
private=$(address metrics)
rm -rf $out && mkdir -p $out
bin/rongate-loadtest run "http://$(address feature-views)" $load & loading=$!
sleep 1 & wait $!
fetch cpu "profile?seconds=8" allocs "allocs?seconds=8"
fetch mutex "mutex?seconds=4" block "block?seconds=4"
fetch heap "heap?gc=1"
kill -0 $loading 2>/dev/null || echo "THE LOAD ENDED BEFORE THE PROFILES DID: give it a longer --duration" >&2
wait $loading || echo "THE LOAD FAILED: see above" >&2

echo
"${GO:-go}" tool pprof -top -nodecount=10 bin/rongate $out/cpu.pb.gz 2>/dev/null
cat <<END

$out/cpu.pb.gz     where CPU time went
$out/allocs.pb.gz  what was allocated, by bytes, or by number with -sample_index=alloc_objects
$out/heap.pb.gz    what was alive under load
$out/mutex.pb.gz   who held a lock that others waited for
$out/block.pb.gz   who waited for a lock or a channel; for its next work, too
Look at one: go tool pprof -http=: bin/rongate $out/cpu.pb.gz
END
