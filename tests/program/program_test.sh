#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The program as a stranger meets it: program_test.sh PROGRAM SOURCE_DIR
set -uo pipefail
program=$(realpath "$1")
source=$(realpath "$2")
# shellcheck source=tests/program/expect.sh
source "$(dirname "$0")/expect.sh"

cat >good.ops <<X
# a comment
anon a 2000
w a 0 2000
mark filled
r a 0 2000
sleep 5
unmap a
X

expect 0 "" --help
grep -q conform out || fail "--help does not name conform"
expect 0 "" run --help
for option in memory swap swap-device kernel swappiness vmstat json; do
    grep -q -- "--$option" out || fail "run --help does not name --$option"
done
expect 0 "" --version
expect 2 "" frobnicate
expect 2 "" run
expect 2 "nothere" run nothere
expect 2 "directory" run .
expect 2 "--memory" run good.ops --memory 12parsecs
expect 2 "--memory" run good.ops --memory 4097
expect 2 "too small" run good.ops --memory 64KiB
expect 2 "--swap-device" run good.ops --swap-device tape
expect 2 "--kernel" run good.ops --kernel 2.4
expect 2 "swappiness" run good.ops --swappiness 201
expect 2 "--json" run good.ops --json /nowhere/x.json
expect 2 "prio" run good.ops --swap zram:1MiB:prio=x
expect 2 "prio" run good.ops --swap zram:1MiB:prio=-1
expect 2 "does not rotate" run good.ops --swap zram:1MiB:rotational
expect 2 "'fast'" run good.ops --swap 1MiB:fast
expect 2 "names no size" run good.ops --swap zram
read -ra many < <(printf -- '--swap 1MiB %.0s' {1..27})
expect 2 "too many" run good.ops "${many[@]}"

: >empty
expect 2 "empty" run empty
printf 'anon a 10\nw a 0 11\n' >beyond.ops
expect 2 "beyond.ops:2:" run beyond.ops
printf 'anon a 10\nr b 0\n' >undeclared.ops
expect 2 "undeclared.ops:2:" run undeclared.ops
printf 'anon a 10\nfly a\n' >unknown.ops
expect 2 "unknown.ops:2:" run unknown.ops
printf 'anon a 10\nmadvise a 0 5 warm\n' >advice.ops
expect 2 "advice.ops:2: unknown advice 'warm'" run advice.ops
printf 'anon a 2000\nw a 0 2000\nmadvise a 0 500 pageout\nmadvise a 500 500 free\nmadvise a 1000 500 dontneed\n' >advised.ops
expect 0 "" run advised.ops --memory 64MiB --quiet --vmstat advised.vmstat
grep -qx "pglazyfree 500" advised.vmstat || fail "madvise free gave up other than 500 pages: $(grep pglazyfree advised.vmstat)"
printf 'I  04001000,3\n L zz,8\n' >bad.lackey
expect 2 "bad.lackey:2:" run bad.lackey

# Two runs of the same input are equal, but for what depends on the host.
for i in 1 2; do
    expect 0 "" run good.ops --memory 4MiB --quiet --json "$i.json" --vmstat "$i.vmstat"
    sed '/"host"/,$d' "$i.json" >"$i.cut"
done
cmp -s 1.cut 2.cut || fail "two runs differ"
grep -q '"complete": true' 1.json || fail "the run is not complete"
[[ $(wc -l <1.vmstat) -eq 169 ]] || fail "vmstat has $(wc -l <1.vmstat) lines"
[[ $(awk '$1 == "pswpout" { print $2 }' 1.vmstat) -gt 500 ]] || fail "nothing was swapped out"
[[ $(awk '$1 == "nr_anon_pages" { print $2 }' 1.vmstat) -eq 0 ]] || fail "unmap left pages"

# Locked pages stay, and are given back.
printf 'anon a 2000\nw a 0 500\nmlock a 300 400\nw a 0 2000\nmark full\nmunlock a 300 400\n' >locked.ops
expect 0 "" run locked.ops --memory 6MiB --quiet --json locked.json
[[ $(grep -o '"nr_unevictable": [0-9]*' locked.json | tail -n 1) == '"nr_unevictable": 400' ]] || fail "locked pages did not stay"
[[ $(grep -o '"nr_unevictable": [0-9]*' locked.json | head -n 1) == '"nr_unevictable": 0' ]] || fail "unlocked pages did not come back"
expect 0 "" convert locked.ops locked.pgt
expect 0 "" run locked.pgt --memory 6MiB
cp out locked.out
expect 0 "" run locked.ops --memory 6MiB
[[ $(fingerprint_of out) == $(fingerprint_of locked.out) ]] || fail "a converted lock is another run"

# The other files of /proc.
expect 0 "" run good.ops --memory 4MiB --quiet --zoneinfo zoneinfo --meminfo meminfo --buddyinfo buddyinfo
[[ $(grep -c '^Node 0, zone' zoneinfo) -eq 4 ]] || fail "zoneinfo has not four zones"
[[ $(awk '$1 == "MemTotal:" { print $2, $3 }' meminfo) == "4096 kB" ]] || fail "MemTotal is not the memory"
[[ $(awk '{ print NF }' buddyinfo) -eq 15 ]] || fail "buddyinfo has not eleven orders"
expect 0 "" run good.ops --memory 512MiB --khugepaged --quiet --zoneinfo zoneinfo
[[ $(awk '$1 == "min" { print $2; exit }' zoneinfo) -eq 5632 ]] || fail "khugepaged does not raise the watermarks"
expect 0 "" run good.ops --memory 4MiB --min-free-kbytes 400 --quiet --zoneinfo zoneinfo
[[ $(awk '$1 == "min" { print $2; exit }' zoneinfo) -eq 100 ]] || fail "min_free_kbytes is ignored"
expect 2 "min_free_kbytes" run good.ops --memory 4MiB --min-free-kbytes 4000
expect 2 "--zoneinfo" run good.ops --zoneinfo /nowhere/x

# A bad line late in the input: what ran before it is written, marked incomplete.
printf 'anon a 100\nw a 0 100\nfly\n' >late.ops
expect 2 "late.ops:3:" run late.ops --quiet --json late.json
grep -q '"complete": false' late.json || fail "the run is not marked incomplete"
[[ $(grep -m1 -o '"pgfault": [0-9]*' late.json) == '"pgfault": 100' ]] || fail "what ran before the bad line is lost"

# Swap that is too small: the process dies, the run does not fail.
expect 0 "" run good.ops --memory 2MiB --swap 1MiB --json oom.json
grep -q "out of memory" out || fail "the summary does not say who died"
grep -q '"outcome": "oom_killed"' oom.json || fail "the outcome is not oom_killed"
expect 0 "" run good.ops --memory 2MiB --swap-device none
grep -q "out of memory" out || fail "without swap nobody died"

# Two processes: the fat one dies, the other comes to its end; the kernel's log tells of it.
printf 'anon a 1500\nw a 0 1500\n' >fat.ops
printf 'anon b 300\nw b 0 300\nsleep 20\nw b 0 300\n' >thin.ops
expect 0 "Out of memory: Killed process 1001 (fat.ops)" run fat.ops thin.ops --memory 4MiB --swap-device none --json two.json
grep -q "fat.ops (pid 1001) was killed" out || fail "the summary does not say who died"
grep -q "thin.ops (pid 1002) ran to its end" out || fail "the summary does not say who lives"
[[ $(grep -c '"outcome": "oom_killed"' two.json) -eq 2 ]] || fail "the outcomes of run and process are not told"
grep -q '"outcome": "finished"' two.json || fail "the second process has no outcome"
expect 0 "Killed process 1002 (thin.ops)" run fat.ops thin.ops --oom-score-adj=-1000,1000 --memory 4MiB --swap-device none
grep -q "panic: out of memory" out || fail "who may not be killed does not end in a panic"
expect 0 "" run fat.ops thin.ops --quiet --memory 4MiB --swap-device none
[[ ! -s err ]] || fail "--quiet prints the kernel's log"
expect 2 "--oom-score-adj" run fat.ops --oom-score-adj 1001
expect 2 "--oom-score-adj" run fat.ops --oom-score-adj 1,2

# The devices: zram needs no rotation, flash does.
expect 0 "" run good.ops --memory 4MiB --swap-device zram --quiet --vmstat zram.vmstat
[[ $(awk '$1 == "pgrotated" { print $2 }' zram.vmstat) -eq 0 ]] || fail "zram rotated pages"
[[ $(awk '$1 == "pgrotated" { print $2 }' 1.vmstat) -gt 0 ]] || fail "flash rotated no pages"

# Several areas: the better ones fill first, side by side.
printf 'anon a 2000\nw a 0 2000\n' >kept.ops
expect 0 "" run kept.ops --memory 4MiB --quiet --swap zram:1MiB:prio=5 --swap 2MiB:prio=5:rotational --swap 16MiB --swaps swaps
[[ $(awk '{ print $NF }' swaps | tr '\n' ' ') == "Priority 5 5 -2 " ]] || fail "the priorities are not told"
[[ $(awk '$1 == "/dev/zram0" || $1 == "/dev/disk0" { print $4 }' swaps | tr '\n' ' ') == "1024 2048 " ]] || fail "the better areas are not full"
expect 2 "--swaps" run good.ops --swaps /nowhere/x

# Another kernel prints other lines.
expect 0 "" run good.ops --memory 4MiB --kernel 5.8 --quiet --vmstat 58.vmstat --json 58.json
[[ $(wc -l <58.vmstat) -eq 146 ]] || fail "the vmstat of 5.8 has $(wc -l <58.vmstat) lines"
grep -q '"workingset_refault": 0' 58.json || fail "the JSON of 5.8 has not its names"
expect 0 "" run good.ops --memory 4MiB --kernel 5.10 --quiet --vmstat 510.vmstat
[[ $(wc -l <510.vmstat) -eq 153 ]] || fail "the vmstat of 5.10 has $(wc -l <510.vmstat) lines"
expect 2 "--kernel" run good.ops --kernel 2.4

# A recorded trace, plain and compressed, by default with half of its footprint.
shopt -s nullglob
for trace in "$source"/examples/traces/*.lackey.xz; do
    expect 0 "" run "$trace"
    grep -q "half of the footprint" out || fail "the choice of memory is not told"
    [[ $(sed -nE 's/^swapped +out ([0-9]+) .*/\1/p' out) -gt 100 ]] || fail "the trace did not swap"
done

# A binary trace is the same run; a folded one is a smaller one.
for trace in "$source"/examples/traces/*.lackey.xz good.ops; do
    expect 0 "" run "$trace" --memory 4MiB
    cp out text.out
    for binary in a.pgt a.pgt.zst; do
        expect 0 "" convert "$trace" "$binary"
        grep -q "lossless" out || fail "convert does not say that nothing is lost"
        expect 0 "" run "$binary" --memory 4MiB
        [[ $(fingerprint_of out) == $(fingerprint_of text.out) ]] || fail "$binary of $trace is another run"
    done
    expect 0 "" convert "$trace" folded.pgt --window 16
    expect 0 "" run folded.pgt --memory 4MiB
    [[ $(sed -nE 's/^accesses +//p' out) -eq $(sed -nE 's/^accesses +//p' text.out) ]] || fail "folding lost accesses"
    [[ $(stat -c %s folded.pgt) -le $(stat -c %s a.pgt) ]] || fail "folding made the trace larger"
done
expect 2 "--window" convert good.ops x.pgt --window 5000
expect 2 "itself" convert a.pgt a.pgt
expect 2 "can't be opened for writing" convert good.ops /nonexistent/x.pgt
expect 2 "late.ops:3:" convert late.ops late.pgt
expect 0 "" run late.pgt
head -c 3000 a.pgt >cut.pgt
expect 2 "cut.pgt: at byte" run cut.pgt
if [[ -c /dev/full ]]; then expect 1 "/dev/full" convert good.ops /dev/full; fi

# Synthetic streams need no file; the stream is the input, and its parameters are its identity.
expect 0 "" run zipf:pages=3000,accesses=20k,seed=3 --memory 4MiB --json zipf.json
grep -q '"name": "zipf:pages=3000,accesses=20000,' zipf.json || fail "the stream's parameters are not told"
cp out zipf.out
expect 0 "" convert zipf:pages=3000,accesses=20k,seed=3 zipf.pgt
expect 0 "" run zipf.pgt --memory 4MiB
[[ $(fingerprint_of out) == $(fingerprint_of zipf.out) ]] || fail "a converted stream is another run"
expect 0 "" run zipf:pages=3000,accesses=20k,seed=4 --memory 4MiB
[[ $(fingerprint_of out) != $(fingerprint_of zipf.out) ]] || fail "the seed changes nothing"
for stream in uniform:pages=2000 seqloop:pages=2000,writes=1 hotcold:pages=2000,phase=1k; do
    expect 0 "" run "$stream,accesses=10k" --memory 4MiB --quiet --vmstat stream.vmstat
    [[ $(awk '$1 == "pswpout" { print $2 }' stream.vmstat) -gt 0 ]] || fail "$stream does not swap"
done
expect 0 "" run seqloop:pages=2000,writes=0,untouched=zero,accesses=10k --memory 4MiB --quiet --vmstat stream.vmstat
[[ $(awk '$1 == "pswpout" { print $2 }' stream.vmstat) -eq 0 ]] || fail "the zero page was swapped out"
expect 2 "theta" run uniform:theta=1
expect 2 "pages" run zipf:pages=4G
expect 2 "can't be opened" run zipf:pages=5 --format ops

# ftrace text, in each dialect; listening changes nothing.
"$program" run good.ops --memory 4MiB --swap-device zram >plain 2>&1
for dialect in 5.8 6.1 postprocess; do
    expect 0 "" run good.ops --memory 4MiB --swap-device zram --ftrace trace.txt --ftrace-dialect $dialect
    [[ $(fingerprint_of out) == "$(fingerprint_of plain)" ]] || fail "--ftrace changes the run"
    head -n 1 trace.txt | grep -qx '# tracer: nop' || fail "no header of ftrace"
    grep -q '^# configuration [0-9a-f]\{16\}  good.ops (ops, fnv1a [0-9a-f]\{16\})$' trace.txt || fail "no identity"
    grep -q ' kswapd0-[0-9]* *\[000\] [d.]*  *[0-9]*\.[0-9]\{6\}: mm_vmscan_lru_isolate: ' trace.txt || fail "no event"
done
expect 2 "--ftrace-dialect: '5.9' is not known" run good.ops --ftrace trace.txt --ftrace-dialect 5.9
expect 2 "--ftrace: nodir/trace.txt: can't be opened" run good.ops --ftrace nodir/trace.txt

# A log of our own is summed up to what the run counted; one without events of vmscan is no log.
expect 0 "" run good.ops --memory 4MiB --swap-device zram --ftrace trace.txt --vmstat counters.txt
expect 0 "" vmscan-report trace.txt --json report.json
grep -q '^kswapd0-[0-9]* ' out || fail "vmscan-report does not know kswapd"
for counter in pgscan_kswapd pgscan_direct pgsteal_kswapd pgsteal_direct pgsteal_anon pgrefill pgdeactivate nr_vmscan_write; do
    told=$(sed -nE "s/^ +\"$counter\": ([0-9]+),?/\1/p" report.json)
    [[ $told == "$(sed -n "s/^$counter //p" counters.txt)" ]] || fail "vmscan-report says $counter is $told"
done
xz -k trace.txt
expect 0 "" vmscan-report trace.txt.xz --quiet
[[ ! -s out ]] || fail "--quiet says: $(cat out)"
expect 2 "nothere.log" vmscan-report nothere.log
: >empty.log
expect 2 "empty.log:0: no event of vmscan is in this log" vmscan-report empty.log
expect 2 "good.ops:2: this is not an event" vmscan-report good.ops
head -c 300 /dev/urandom >noise.log
expect 2 "noise.log:" vmscan-report noise.log

# The life of a page, by its name, its address and its frame; as text and as JSON.
cat >life.ops <<X
anon a 2000
file f 600
w a 0 2000
pread f 0 600
r a 0 2000
X
expect 0 "" run life.ops --memory 6MiB --swap-device zram
cp out plain
expect 0 "" explain life.ops --memory 6MiB --swap-device zram --page a:0 --json life.json
for word in "page fault, a store" "swapped out to slot" "swapped in" "judged \"reclaimed\"" "inactive_anon"; do
    grep -qF -- "$word" out || fail "explain does not say: $word"
done
cp out by_name
[[ $(grep -c '"ns"' life.json) -eq $(grep -vc '^#' by_name) ]] || fail "JSON has not the events of the text"
expect 0 "" explain life.ops --memory 6MiB --swap-device zram --why-evicted=3 --json evicted.json
[[ $(grep -c '"wanted_ns"' evicted.json) -eq 3 ]] || fail "--why-evicted 3 lists $(grep -c '"wanted_ns"' evicted.json)"
grep -q ' evicted, [0-9]* wanted again; soonest:$' out || fail "--why-evicted says: $(head -n 1 out)"
expect 0 "" explain life.ops --memory 6MiB --swap-device zram --page f:3
grep -q "on inactive_file" out || fail "the page of a file is on no list"
frame=$(sed -nE 's/.*\[frame ([0-9]+),.*/\1/p' by_name | head -n 1)
expect 0 "" explain life.ops --memory 6MiB --swap-device zram --frame "$frame"
grep -q "in frame $frame" out || fail "the frame holds nothing"
grep -q '^# pagesim [0-9.]*, configuration [0-9a-f]\{16\}  life.ops (ops, fnv1a [0-9a-f]\{16\})$' by_name || fail "no identity"
expect 0 "" explain --why-evicted life.ops --memory 6MiB --swap-device zram
[[ $(wc -l <out) -eq 23 ]] || fail "--why-evicted lists $(wc -l <out) lines, not a head of 3 and 20 pages"
expect 0 "" explain life.ops --memory 6MiB --page 0x1000@1001
grep -qx "0x1000@1001: nothing happened to it" out || fail "a page that nobody has has a life"
expect 2 "--page, --frame or --why-evicted" explain life.ops
expect 2 "--page: no input has a region or a file called 'b'" explain life.ops --memory 6MiB --page b:0
expect 2 "--page: a has 2000 pages, so none is 2000" explain life.ops --memory 6MiB --page a:2000
expect 2 "--page: 'xyz' is neither an address" explain life.ops --page xyz
expect 2 "--page: no process has the pid 7" explain life.ops --page 0x1000@7
expect 2 "--frame: 'x' is not the number of a frame" explain life.ops --frame x
expect 2 "--frame: the machine has " explain life.ops --memory 6MiB --frame 99999999

# Traces of others: each sample is seen for what it is, runs, and is the same run as a binary trace.
traces=$source/tests/data/traces
for sample in loop.champsim:champsim objects.oracleGeneral:oracleGeneral requests.csv:csv numbers.pages:pages faults.perf:perf \
    regions.damon:damon stairs.masim:masim loop.champsim.gz:champsim two_chunks.drmemtrace.zip:drmemtrace; do
    name=${sample%:*} format=${sample#*:}
    expect 0 "pagesim: $name: $format, " run "$traces/$name"
    grep -q "($format, fnv1a" out || fail "the summary of $name does not say $format"
    cp out sample.out
    expect 0 "" run "$traces/$name" --format "$format" --quiet
    [[ ! -s err ]] || fail "--quiet tells of $name: $(cat err)"
    expect 0 "" convert "$traces/$name" sample.pgt
    expect 0 "" run sample.pgt
    [[ $(fingerprint_of out) == $(fingerprint_of sample.out) ]] || fail "$name as a binary trace is another run"
done
expect 0 "6 records read, 4 references folded into 4, 2 skipped; not performed, first at $traces/faults.perf:5: a sample of another process" run "$traces/faults.perf"
for packer in "xz -c" "zstd -qc" "gzip -c"; do
    command -v "${packer%% *}" >/dev/null || continue
    $packer "$traces/requests.csv" >packed
    expect 0 "packed: csv, 10 records read" run packed
done

# What is wrong with them: one line, the place, status 2.
head -c 100 "$traces/loop.champsim" >cut.champsim
expect 2 "cut.champsim: at byte 64: the file ends within a record: 36 of 64 bytes" run cut.champsim
expect 2 "cut.champsim: at byte 0:" run cut.champsim --format oracleGeneral
head -c 30 "$traces/objects.oracleGeneral" >cut.oracle
expect 2 "cut.oracle: at byte 24:" run cut.oracle --format oracleGeneral
head -c 200 "$traces/two_chunks.drmemtrace.zip" >cut.zip
expect 2 "cut.zip: at byte" run cut.zip --format drmemtrace
expect 2 "the zip data end early" run cut.zip --format drmemtrace
expect 2 "this is no header" run "$traces/loop.champsim" --format drmemtrace
printf '7\n8\nseven\n' >late.pages
expect 2 "late.pages:3: 'seven' is not a page number" run late.pages --quiet --json late.json
grep -q '"complete": false' late.json || fail "the run of a bad page list is not marked incomplete"
printf '0,1,1\n0,x\n' >late.csv
expect 2 "late.csv:2:" run late.csv
printf 'sort 1 1.000000: 5000\nsort 1\n' >late.perf
expect 2 "late.perf:2:" run late.perf
printf 'x damon_aggregated: target_id=0 nr_regions=1 9-8: 1 1\n' >bad.damon
expect 2 "bad.damon:1:" run bad.damon
printf 'a, 4096\n\nfirst\n10\nb, 0, 1, 1\n' >bad.masim
expect 2 "bad.masim:5: no region 'b'" run bad.masim
for format in champsim cloudsuite oracleGeneral csv perf damon masim pages drmemtrace lackey; do
    expect 2 "empty: " run empty --format "$format"
done
expect 2 "begins no format that is known" run "$source/LICENSE"
expect 2 "--format: 'elf' is not known; known are: auto, lackey" run good.ops --format elf
expect 2 "--format: 'x' is not known" run good.ops --format csv:x=1

# A real program, recorded.
if command -v valgrind >/dev/null; then
    expect 0 "" record -o true.pgt -- /bin/true
    grep -q "true.pgt: [0-9]* records of true became" out || fail "record does not say what it made: $(cat out)"
    expect 0 "" run true.pgt --memory 4MiB
    [[ $(sed -nE 's/^accesses +//p' out) -gt 10000 ]] || fail "too little was recorded"
    expect 0 "/bin/false ended with status 1" record -o false.pgt --window 16 -- /bin/false
    expect 0 "" run false.pgt
    [[ -z $(find . -name '*.part*') ]] || fail "record leaves its part file"
    expect 2 "nothere: no program that can be run" record -o x.pgt -- nothere
    expect 2 "can't be opened for writing" record -o /nowhere/x.pgt -- /bin/true
fi
expect 2 "--window" record -o x.pgt --window 5000 -- /bin/true
expect 2 "COMMAND" record -o x.pgt
PATH=/nowhere "$program" record -o x.pgt -- /bin/true >out 2>err
[[ $? -eq 1 ]] || fail "record without valgrind does not fail"
grep -q "record needs valgrind, which is not installed" err || fail "record does not say that valgrind is missing: $(cat err)"

# A full disk fails the program, not the input.
if [[ -c /dev/full ]]; then
    expect 1 "/dev/full" run good.ops --quiet --json /dev/full
    expect 1 "/dev/full" run good.ops --quiet --ftrace /dev/full
fi

# So does a reader that went away.
"$program" run good.ops --memory 4MiB 2>err | true
status=${PIPESTATUS[0]}
[[ $status -eq 0 || $status -eq 1 ]] || fail "a closed pipe: status $status"

[[ $failures -eq 0 ]] && echo "program: all as expected"
exit $((failures > 0))
