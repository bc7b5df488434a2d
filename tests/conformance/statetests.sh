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
if [ "$sample" -eq 1 ]; then
    # One file of stTimeConsuming keeps a thread busy for minutes: it begins first, all else runs beside it.
    mapfile -t rest < <(find "$folder" -mindepth 1 -maxdepth 1 -type d ! -name stTimeConsuming | sort)
    last=$("$program" statetest "$folder/stTimeConsuming" "${rest[@]}" | tee /dev/stderr | tail -n 1)
else
    # One call of 2^32 rounds of BLAKE2 takes half a minute at full speed: not for slow builds.
    find "$folder" -name '*.json' ! -name 'CALLBlake2f_MaxRounds.json' | sort | awk "NR % $sample == 0" >/tmp/statetests.$$
    last=$(xargs "$program" statetest </tmp/statetests.$$ | tee /dev/stderr | tail -n 1)
    rm -f /tmp/statetests.$$
fi
[[ $last =~ ^([0-9]+)\ passed,\ 0\ failed$ ]] && [ "${BASH_REMATCH[1]}" -gt 1000 ]
