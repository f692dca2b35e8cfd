# SPDX-License-Identifier: MIT
# What the tests of the program share. Sourced with $program set; goes to a directory of its own.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
# expect STATUS "text that standard error contains" args...
expect() {
    local status=$1 text=$2
    shift 2
    "$program" "$@" >out 2>err
    local got=$?
    [[ $got -eq $status ]] || fail "pagesim $*: status $got, not $status: $(head -n 2 err)"
    [[ -z $text ]] || grep -qF -- "$text" err || fail "pagesim $*: standard error is: $(cat err)"
    if [[ $status -eq 2 ]]; then
        [[ $(wc -l <err) -eq 1 ]] || fail "pagesim $*: more than one line of error: $(cat err)"
    fi
}

fingerprint_of() { sed -nE 's/^fingerprint +//p' "$1"; }
