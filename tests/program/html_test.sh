#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The HTML reports of run and compare in a headless browser: html_test.sh PROGRAM
set -uo pipefail
program=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
# shellcheck source=tests/program/expect.sh
source "$here/expect.sh"
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
    echo "no chromium: the reports are not looked at"
    exit 77
}

stream=zipf:pages=6000,accesses=60000,writes=0.3
expect 0 "" run $stream --memory 12MiB --quiet --html one.html --json a.json --series
expect 0 "" run $stream --memory 12MiB --quiet --swap-device zram --json b.json --series
cp b.json "<b>&.json"
expect 0 "" compare a.json "<b>&.json" --html two.html

look_at() { # FILE WIDTH
    cat "$1" "$here/html_check.html" >looked_at.html
    HOME=$work timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
        --user-data-dir="$work/browser" --enable-logging=stderr --window-size="$2",900 --virtual-time-budget=20000 \
        --dump-dom "file://$work/looked_at.html" >dom 2>log || fail "$1: the browser ended with $?"
    grep -q 'data-checked="all is well"' dom || fail "$1, $2 wide: $(grep -o 'data-checked="[^"]*"' dom || head -c 300 log)"
    ! grep -F CONSOLE log || fail "$1: the browser complains"
}
look_at one.html 1400
look_at one.html 500
look_at two.html 1400
grep -qE '(src|href)="?(https?:)?//' one.html && fail "the report loads something"
grep -q 'Leon Sorokin' one.html || fail "the licence of uPlot is not in the page"

# A check that cannot fail is none: a page whose data is damaged is found out.
sed 's/"zones":/"areas":/' one.html >damaged.html
cat damaged.html "$here/html_check.html" >looked_at.html
HOME=$work timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
    --user-data-dir="$work/browser" --virtual-time-budget=20000 --dump-dom "file://$work/looked_at.html" >dom 2>/dev/null
grep -q 'data-checked="all is well"' dom && fail "the check passes whatever is on the page"

exit $((failures > 0))
