#!/usr/bin/env bash
# The figures of the README's section on speed, each from one run in which what is compared takes turns:
#
#	make figures [DB=mariadb] [FIGURES="saturation batch baseline merging idle small fair"]
#
# CALLERS is how many send single vectors as fast as they are answered (64). bench/gateways runs it and says where the gateways are. Reports go to bin/figures.
set -euo pipefail
cd "$(dirname "$0")/.."

load=bin/rongate-loadtest
out=bin/figures
view="--views fraud/3" # 50 features over five feature groups
callers="--callers ${CALLERS:-64}"

title() { printf '\n== %s\n' "$*"; }

# compare puts a load on two gateways in turn, given as names, and prints what is compared.
compare() {
	local report=$1 a=$2 b=$3
	shift 3
	local pid_a=${a}_PID pid_b=${b}_PID
	echo "$ compare $a $b $*"
	$load compare "${!a}" "${!b}" --pid-a "${!pid_a}" --pid-b "${!pid_b}" --out "$out/$report" "$@" 2>/dev/null |
		grep -E '^  (p50|p90|p99|rate|CPU a request) .*(less|more|found)' || true
}

# run sends a load and prints the lines that say how it went.
run() {
	local report=$1 to=$2
	shift 2
	echo "$ run $to $*"
	$load run "${!to}" --out "$out/$report" "$@" 2>/dev/null | grep -E '^  (  from due|failed|  +rate)|rate ' || true
}

# of runs a load and prints one figure of it: p50, p99 and the like in ns, rate in answers a second.
of() {
	local what=$1 to=$2
	shift 2
	$load run "${!to}" --benchmark "$@" 2>/dev/null | awk -v what="/$what" 'index($1, what) { printf "%.0f", $3 }'
}

# statements is how many a gateway has run, and how many vectors it has answered.
statements() {
	local private=$1_PRIVATE
	curl -s "${!private}/metrics" | awk '
		/^rongate_node_statements_total/ { s += $2 }
		/^rongate_vectors_total/ { v += $2 }
		END { print s, v }'
}

saturation() {
	title "Saturation: single vectors, as fast as they are answered"
	compare saturation UNMERGED RONGATE $view $callers --slice 1s --pairs 10
}

batch() {
	title "Batches of 100 entries, 5,000 values each"
	compare batch BASELINE RONGATE $view --callers 4 --batch 100 --slice 1s --pairs 10
}

baseline() {
	title "Against the baseline"
	compare baseline BASELINE RONGATE $view $callers --slice 1s --pairs 10
	for i in 1 2 3; do
		for gateway in BASELINE RONGATE; do
			echo "$ find-max $gateway --goal p99=10ms"
			$load find-max "${!gateway}" $view --goal p99=10ms --rate 200 --duration 4s --out "$out/max-$gateway-$i" 2>/dev/null |
				tail -4
		done
	done
}

merging() {
	title "Merging: statements a vector, idle and saturated"
	local before after
	for what in "--rate 50 --duration 10s" "$callers --duration 10s" "--callers 32 --duration 10s"; do
		before=$(statements RONGATE)
		run "merging" RONGATE $view $what
		after=$(statements RONGATE)
		echo "$before $after" | awk '{ printf "  statements a vector: %.3f\n", ($3 - $1) / ($4 - $2) }'
	done
	compare merging-32 UNMERGED RONGATE $view --callers 32 --slice 1s --pairs 10
	compare merging-idle UNMERGED RONGATE $view --rate 50 --slice 500ms --pairs 60
}

idle() {
	title "Idle: against five reads of the bare driver and an echo"
	compare idle RONGATE FLOOR $view --rate 50 --slice 500ms --pairs 40
	compare idle-100 RONGATE FLOOR $view --rate 100 --slice 500ms --pairs 40
}

small() {
	title "Batches of 100 keys of one feature group, at 30 % load"
	local rate
	rate=$(of rate RONGATE --views account/1 --batch 100 --callers 16 --duration 5s)
	echo "  $rate/s when they are sent as fast as they are answered"
	for i in 1 2 3; do
		run small RONGATE --views account/1 --batch 100 --rate $((rate * 3 / 10)) --duration 10s
	done
}

fair() {
	title "Single vectors beside batches of 1,000 that take 20 % of what there is"
	local singles batches background
	singles=$(of rate RONGATE $view $callers --duration 5s)
	batches=$(of rate RONGATE $view --callers 4 --batch 1000 --duration 8s)
	echo "  $singles/s single vectors, or $batches/s batches, when they are sent as fast as they are answered"
	for i in 1 2 3 4 5; do
		run fair-alone RONGATE $view --rate $((singles * 3 / 10)) --duration 10s
		$load run "$RONGATE" $view --batch 1000 --rate "$(awk "BEGIN { print $batches / 5 }")" --duration 12s >"$out/batches" 2>&1 &
		background=$!
		sleep 1
		run fair-beside RONGATE $view --rate $((singles * 3 / 10)) --duration 10s
		wait $background || true
		grep -E 'from due' "$out/batches" | sed 's/^/  batches/'
	done
}

mkdir -p "$out"
for figure in ${FIGURES:-saturation batch baseline merging idle small fair}; do
	"$figure"
done
