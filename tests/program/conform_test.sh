#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What `pagesim conform` expects of a result, and of a list of pairs: conform_test.sh PROGRAM
set -uo pipefail
program=$(realpath "$1")
# shellcheck source=tests/program/expect.sh
source "$(dirname "$0")/expect.sh"

# A small machine that ran a small workload, as if a real kernel had counted what we count, but for one counter.
printf 'anon a 3000\nw a 0 3000\nr a 0 3000\n' >small.ops
zone='"present": 2048, "managed": 2048, "min": 64, "low": 80, "high": 96, "free": 1900, "pcp": [{"count": 20, "high": 80, "batch": 7}]'
result_with() { # delta gauges_after
    cat <<JSON
{"ops": "small.ops", "kernel": "6.1.0", "cpu": "cortex-a72", "lrugen": 0, "swap": "zram", "swap_pages": 8192, "fill": 8,
 "sysctl": {"vm/watermark_boost_factor": "0", "vm/watermark_scale_factor": "10", "vm/swappiness": "60", "vm/page-cluster": "3",
  "vm/dirty_ratio": "20", "vm/dirty_background_ratio": "10", "vm/dirty_expire_centisecs": "3000",
  "vm/dirty_writeback_centisecs": "500"},
 "band": {"pgfault": [1, 100000]},
 "runs": [{"zoneinfo_before": {"node0/DMA": {$zone}, "node0/DMA32": {"managed": 0}, "node0/Normal": {"managed": 0},
  "node0/Movable": {"managed": 0}}, "gauges_before": {"nr_unevictable": 20}, "delta": $1, "gauges_after": $2}]}
JSON
}
mkdir real
result_with '{}' '{}' >real/none.json
expect 0 "" conform --ops . real/none.json --json counted.json
counters=$(sed -nE 's/^ +("[a-z0-9_]+": [0-9]+),?$/\1/p' counted.json | grep -v '"pgscan_kswapd"' | paste -sd,)
gauges=$(sed -nE 's/^ +"after\.([a-z_]+": [0-9]+),?$/"\1/p' counted.json | paste -sd,)
result_with "{$counters}" "{$gauges}" >real/ours.json
expect 0 "" conform --ops . real/ours.json
[[ $(grep -c ' OUTSIDE$' out) -eq 2 ]] || fail "not two counters are outside: $(grep OUTSIDE out)"
expect 1 "" conform --ops . --strict real/ours.json
expect 0 "" conform --ops . --quiet real/ours.json
grep -q "^43 of 45 pairs inside, 1 of 1 cases ran" out || fail "--quiet says: $(cat out)"
! grep -q "headline counters inside" out || fail "--quiet prints tables"

# --ftrace changes nothing, and is of one result, in its kernel's dialect.
expect 0 "" conform --ops . --quiet --ftrace log real/ours.json
grep -q "^43 of 45 pairs inside, 1 of 1 cases ran" out || fail "with --ftrace it says: $(cat out)"
grep -q "small.ops (ops, fnv1a" log || fail "the log does not name its input: $(head -n 5 log)"
[[ $(grep -c 'mm_vmscan_write_folio: page=' log) -gt 1000 ]] || fail "the log has $(grep -c mm_vmscan_write log) writes"
sed 's/"6.1.0"/"5.10.0"/' real/ours.json >real/older.json
expect 0 "" conform --ops . --quiet --ftrace - real/older.json
[[ $(grep -c 'mm_vmscan_writepage: page=' out) -gt 1000 ]] || fail "5.10's dialect is: $(grep -m 1 mm_vmscan_write out)"
expect 2 "--ftrace takes one result, not 2" conform --ops . --ftrace log real/ours.json real/none.json
expect 2 "--ftrace: /nowhere/x: can't be opened" conform --ops . --ftrace /nowhere/x real/ours.json

# The list as it is written is the list that is expected.
expect 0 "" conform --ops . --quiet --write-outside list real/ours.json
[[ $(grep -v '^#' list | paste -sd' ') == "real/ours pgscan real/ours pgscan_kswapd" ]] || fail "the list is: $(cat list)"
expect 0 "" conform --ops . --known-outside list real/ours.json
expect 0 "" conform --ops "$PWD" --known-outside list "$PWD/real/../real/ours.json"

# A pair that is not on the list fails, and says what it counted; so does one that is on it and inside.
grep -v 'pgscan_kswapd' list >short
expect 1 "real/ours pgscan_kswapd is outside: simulated " conform --ops . --known-outside short real/ours.json
grep -q 'real/ours pgscan_kswapd is outside: simulated [0-9]*, real 0, band 0\.\.0$' err || fail "it says: $(cat err)"
[[ $(wc -l <err) -eq 1 ]] || fail "more than the one pair is told: $(cat err)"
(cat list && echo "real/ours pgfault") >long
expect 1 "band 1..100000; take it off the list, long:$(wc -l <long)" conform --ops . --known-outside long real/ours.json
grep -q '^pagesim: real/ours pgfault is inside now: ' err || fail "it says: $(cat err)"
: >nothing
expect 1 "" conform --ops . --known-outside nothing real/ours.json
[[ $(wc -l <err) -eq 2 ]] || fail "not two pairs are told: $(cat err)"
[[ $(tail -n 1 out) == "not as listed: 2 pairs outside, 0 inside" ]] || fail "the sum is: $(tail -n 1 out)"

# What is no list, or is not one of these cases.
expect 2 "--known-outside: nothere: can't be read" conform --ops . --known-outside nothere real/ours.json
expect 2 "--known-outside: real: can't be read" conform --ops . --known-outside real real/ours.json
expect 2 "--write-outside: /nowhere/x: can't be opened" conform --ops . --write-outside /nowhere/x real/ours.json
printf '# a comment\n\nreal/ours\n' >bad
expect 2 "bad:3: expected: CASE COUNTER" conform --ops . --known-outside bad real/ours.json
echo "real/ours pgscan # why" >bad
expect 2 "bad:1: expected: CASE COUNTER" conform --ops . --known-outside bad real/ours.json
echo "real/ours pgscam" >bad
expect 2 "bad:1: 'pgscam' is no headline counter" conform --ops . --known-outside bad real/ours.json
(cat list && echo "real/ours pgscan") >bad
expect 2 "bad:$(wc -l <bad): this pair is on the list already" conform --ops . --known-outside bad real/ours.json
(cat list && echo "real/theirs pgscan") >bad
expect 2 "bad:$(wc -l <bad): no result of a case 'real/theirs' was given" conform --ops . --known-outside bad real/ours.json
mkdir -p other/real
cp real/ours.json other/real
expect 2 "another result is called 'real/ours'" conform --ops . --known-outside list real/ours.json other/real/ours.json

# What is no result.
expect 2 "nothere.json" conform --ops . nothere.json
echo '{}' >no.json
expect 2 "no.json" conform --ops . no.json

[[ $failures -eq 0 ]] && echo "conform: all as expected"
exit $((failures > 0))
