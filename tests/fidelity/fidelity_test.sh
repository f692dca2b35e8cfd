#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The shipped results of real kernels: fidelity_test.sh PROGRAM. Every pair of a case and a counter is inside the bar unless
# outside.txt says otherwise, and none that is inside is on that list.
set -uo pipefail
program=$(realpath "$1")
cd "$(dirname "$0")" || exit 1

"$program" conform --quiet --ops ops --known-outside outside.txt results/*/*.json
status=$?
if [[ $status -eq 1 ]]; then
    cat <<TEXT
What is outside is no longer what tests/fidelity/outside.txt says. A pair that left its band is a loss, unless the change follows
the kernel more closely than before: then say so in the commit, and write the list anew:
    cd tests/fidelity && PROGRAM conform --quiet --ops ops --write-outside outside.txt results/*/*.json
"git diff --stat outside.txt" then shows how many pairs came in and went out.
TEXT
fi
exit $status
