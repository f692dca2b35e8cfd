#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs side by side, and a run that is watched: compare_test.sh PROGRAM
set -uo pipefail
program=$(realpath "$1")
# shellcheck source=tests/program/expect.sh
source "$(dirname "$0")/expect.sh"

stream=zipf:pages=3000,accesses=40000,writes=0.3
expect 0 "" run $stream --memory 6MiB --json a.json
cp out plain.out
expect 0 "" run $stream --memory 6MiB --json series.json --series
[[ $(fingerprint_of out) == $(fingerprint_of plain.out) ]] || fail "--series changes the run"
expect 0 "" run $stream --memory 6MiB --swappiness 10 --json b.json

expect 0 "" compare a.json b.json
grep -qE '^ +a +b *$' out || fail "the columns have no names: $(head -3 out)"
grep -qE '^  vm.swappiness +60 +10' out || fail "the configuration's difference is not told"
grep -qE '^  pgfault ' out || fail "counters are not told"
grep -qE '^  kernel ' out && fail "what is equal is told"
expect 0 "" compare a.json b.json --all
grep -qE '^  kernel +6.1 +6.1' out || fail "--all does not tell what is equal"
# The ratio is that of the two numbers.
read -r _ first second ratio < <(grep -E '^  pswpout ' out)
awk -v a="$first" -v b="$second" -v r="${ratio//[^0-9.]/}" 'BEGIN { exit !(r / (b / a) > 0.99 && r / (b / a) < 1.01) }' ||
    fail "pswpout: $first, $second, $ratio"
cp a.json again.json
expect 0 "" compare a.json again.json
[[ $(wc -l <out) -eq 2 ]] || fail "two runs that are the same differ: $(cat out)"
expect 0 "" compare - b.json <a.json
grep -q 'standard input' out || fail "standard input is not named"
mkdir -p x y && cp a.json x/r.json && cp b.json y/r.json
expect 0 "" compare x/r.json y/r.json
grep -q 'x/r.json *y/r.json' out || fail "runs of the same name can't be told apart"

# Bad input.
expect 2 "At least 2" compare a.json
expect 2 "no.json: can't be read" compare a.json no.json
expect 2 "x: can't be read" compare a.json x
printf '{\n"a":\n' >cut.json
expect 2 "cut.json:3: is not JSON" compare a.json cut.json
printf '[]' >list.json
expect 2 "list.json: is not what \`run --json\` writes" compare a.json list.json
sed 's/"memstall_full_ns": \[/"memstall_full_ns": [1,/' series.json >damaged.json
expect 2 "damaged.json: is not what \`run --json\` writes: its series is damaged" compare a.json damaged.json
expect 2 "--html: /no/where.html: can't be opened" compare a.json b.json --html /no/where.html
expect 2 "--series requires --json" run $stream --series

# --watch: nothing in a pipe, a view on a terminal, the same run.
expect 0 "" run $stream --memory 6MiB --watch
[[ ! -s err ]] || fail "--watch writes into a pipe: $(head -c 200 err)"
[[ $(fingerprint_of out) == $(fingerprint_of plain.out) ]] || fail "--watch changes the run"
if command -v script >/dev/null; then
    script -qec "'$program' run $stream --memory 6MiB --watch --quiet" seen >/dev/null </dev/null
    for word in "s simulated" "inactive_anon" "scanned" "swap in" "min "; do
        grep -qF -- "$word" seen || fail "--watch does not show '$word': $(tail -c 300 seen)"
    done
fi
exit $((failures > 0))
