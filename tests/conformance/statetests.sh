#!/usr/bin/env bash
# Every state test of the public suite, through the program that a user runs.
#
# usage: statetests.sh QUORATE_EVM
#
# QUORATE_SAMPLE=n takes every n-th file: for builds that are slow by nature.
set -euo pipefail
program=$1
folder=${QUORATE_FIXTURES:-$(dirname "$0")/../../../shared/fixtures}/ethereum-tests/GeneralStateTests
sample=${QUORATE_SAMPLE:-1}

if [ ! -d "$folder" ]; then
    echo "skipped: no $folder; it is part of github.com/ethereum/tests, v13.3 (set QUORATE_FIXTURES)"
    exit 77
fi

# run LEAST ARGUMENT...: fails when a case fails, or fewer than LEAST are found. What computes leaves the processors to tests
# that wait.
run() {
    local least=$1 last
    shift
    last=$(nice -n 5 "$program" statetest "$@" | tee /dev/stderr | tail -n 1)
    [[ $last =~ ^([0-9]+)\ passed,\ 0\ failed$ ]] && [ "${BASH_REMATCH[1]}" -ge "$least" ]
}

# One call of 2^32 rounds of BLAKE2 takes half a minute at full speed, six times over, and the contract is the same in each
# fork: it runs in one, and not at all in slow builds.
longest=CALLBlake2f_MaxRounds.json
mapfile -t files < <(find "$folder" -name '*.json' ! -name "$longest" | sort | awk "NR % $sample == 0")
run 1000 "${files[@]}"
if [ "$sample" -eq 1 ]; then
    run 1 --fork Cancun "$folder/stTimeConsuming/$longest"
fi
