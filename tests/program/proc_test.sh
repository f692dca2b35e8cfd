#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# /proc as a directory, as a stranger meets it: proc_test.sh PROGRAM
set -uo pipefail
program=$(realpath "$1")
# shellcheck source=tests/program/expect.sh
source "$(dirname "$0")/expect.sh"
# Kilobytes of all lines "LABEL: number kB" of a file.
sum_of() { awk -v label="$1:" '$1 == label { n += $2 } END { print n + 0 }' "$2"; }

cat >a.ops <<X
anon a 3000
file f 400
map f
w a 0 3000
w f 0 40
r f 100 100
mlock a 0 100
madvise a 200 100 free
sleep 3200
r a 0 3000
X
expect 0 "" run --help
for option in proc proc-every; do grep -q -- "--$option" out || fail "run --help does not name --$option"; done

machine_files=(buddyinfo kpagecount kpageflags meminfo pagetypeinfo stat swaps uptime vmstat zoneinfo)
process_files=(cmdline comm maps oom_score_adj pagemap smaps smaps_rollup stat statm status)
is_whole() {
    local f
    for f in "${machine_files[@]}" "${process_files[@]/#/1001/}"; do [[ -s $1/$f ]] || fail "$1/$f is not there"; done
    [[ $(find "$1" -maxdepth 1 -name '.*' ! -path "$1" | wc -l) -eq 0 ]] || fail "$1 holds something half done"
}

# The run is the same with and without.
expect 0 "" run a.ops --memory 8MiB --vmstat vmstat --meminfo meminfo
cp out without.out
expect 0 "" run a.ops --memory 8MiB --proc new/dir --proc-every 1s
[[ $(fingerprint_of out) == $(fingerprint_of without.out) ]] || fail "snapshots change the run"
[[ $(ls -d new/dir/at-* | xargs) == "new/dir/at-000001s new/dir/at-000002s new/dir/at-000003s" ]] ||
    fail "snapshots are $(ls new/dir)"
for d in new/dir new/dir/at-00000{1,2,3}s; do is_whole "$d"; done
cmp -s vmstat new/dir/vmstat || fail "vmstat differs from --vmstat"
cmp -s meminfo new/dir/meminfo || fail "meminfo differs from --meminfo"
read -r uptime _ <new/dir/at-000002s/uptime
[[ $uptime == 2.00 ]] || fail "the snapshot of 2 s was taken at $uptime"
diff -q new/dir/at-000002s/vmstat new/dir/vmstat >/dev/null && fail "the snapshots are all of the same moment"

# What one file says the others say.
[[ $(stat -c %s new/dir/kpageflags) -eq $((2048 * 8)) ]] || fail "kpageflags has not a word a frame"
[[ $(stat -c %s new/dir/kpagecount) -eq $((2048 * 8)) ]] || fail "kpagecount has not a word a frame"
mapped=$(od -An -v -tu8 -w8 new/dir/kpagecount | awk '{ n += $1 } END { print n * 4 }')
[[ $mapped -eq $(sum_of Rss new/dir/1001/smaps) ]] || fail "kpagecount: $mapped kB, smaps: $(sum_of Rss new/dir/1001/smaps)"
[[ $mapped -eq $(sum_of VmRSS new/dir/1001/status) ]] || fail "kpagecount: $mapped kB, status says otherwise"
[[ $(sum_of Swap new/dir/1001/smaps) -eq $(sum_of VmSwap new/dir/1001/status) ]] || fail "swap differs"
[[ $(sum_of Pss new/dir/1001/smaps) -eq $(sum_of Pss new/dir/1001/smaps_rollup) ]] || fail "smaps_rollup is not the sum"

# pagemap: the lowest range's first page is page 0 of the file, clean or dirty, mapped here alone; its frame is in use.
range=$(grep '/f$' new/dir/1001/maps)
[[ $range =~ ^([0-9a-f]+)-([0-9a-f]+)\ rw-s ]] || fail "maps does not show the file: $range"
first=$((16#${BASH_REMATCH[1]} / 4096))
present=$(dd if=new/dir/1001/pagemap bs=8 skip=$first count=400 iflag=fullblock 2>/dev/null | od -An -v -tx8 -w8 | grep -c '^ a1')
[[ $((present * 4)) -eq $(awk '/\/f$/ { f = 1 } f && $1 == "Rss:" { print $2; exit }' new/dir/1001/smaps) ]] ||
    fail "pagemap has $present pages of the file"
[[ $(du -k new/dir/1001/pagemap | cut -f 1) -lt 2048 ]] || fail "pagemap is not sparse"

# A later run takes out what an earlier one left, and nothing else.
touch new/dir/mine new/dir/at-000001s/mine new/dir/1001/mine
expect 0 "" run a.ops --memory 8MiB --proc new/dir --proc-every 2500ms --quiet
[[ $(ls -d new/dir/at-*/uptime) == new/dir/at-000002.500s/uptime ]] || fail "the second run's are $(ls new/dir)"
[[ -f new/dir/mine && -f new/dir/at-000001s/mine && -f new/dir/1001/mine ]] || fail "what is not ours was removed"
[[ -s new/dir/1001/smaps && -s new/dir/vmstat ]] || fail "the second run left no end"
expect 0 "" run a.ops --memory 8MiB --proc new/other --quiet
is_whole new/other
[[ $(ls -d new/other/*/ | xargs) == new/other/1001/ ]] || fail "only the end was asked for"

# Several processes; who has exited has no entry.
printf 'anon a 500\nw a 0 500\nsleep 50\n' >b.ops
expect 0 "" run a.ops b.ops --memory 8MiB --proc two --proc-every 20ms --quiet
[[ -s two/at-000000.040s/1001/smaps && -s two/at-000000.040s/1002/smaps ]] || fail "both should be there at 40 ms"
[[ -s two/1001/smaps && ! -e two/1002 ]] || fail "the second has exited"

# An input that is bad late leaves what there was.
printf 'anon a 100\nw a 0 100\nsleep 30\nfly\n' >late.ops
expect 2 "late.ops:4:" run late.ops --proc late --proc-every 10ms --quiet
is_whole late
is_whole late/at-000000.030s

# Options and places that cannot be.
: >file
expect 2 "--proc" run a.ops --proc file
expect 2 "--proc" run a.ops --proc file/below
expect 2 "--proc" run a.ops --proc /proc/nothing/here
expect 2 "--proc" run a.ops --proc-every 1s
for time in 0s 1 1m -1s s 1.5s 99999999999999999999s; do expect 2 "--proc-every" run a.ops --proc x --proc-every $time; done
[[ ! -e x ]] || fail "a bad time made the directory"

# A disk that is full: the run goes on, what was whole stays, and the status says that something is missing.
(
    trap '' XFSZ
    ulimit -f 8
    exec "$program" run a.ops --memory 8MiB --proc full --proc-every 1s >full.out 2>full.err
)
[[ $? -eq 1 ]] || fail "a full disk: another status than 1"
[[ $(grep -c "no more snapshots are taken" full.err) -eq 1 ]] || fail "a full disk is not told once: $(cat full.err)"
[[ $(fingerprint_of full.out) == $(fingerprint_of without.out) ]] || fail "a full disk changes the run"
[[ -z $(ls -A full) ]] || fail "half a snapshot is left: $(ls -A full)"

[[ $failures -eq 0 ]] && echo "proc: all as expected"
exit $((failures > 0))
