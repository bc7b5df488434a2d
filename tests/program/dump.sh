#!/usr/bin/env bash
# dump: what GoQuorum v24.4.1's prints of the same genesis, byte for byte.
#
# usage: dump.sh QUORATE_NODE NETWORK
set -euo pipefail
. "$(dirname "$(realpath "$0")")/../support/program.sh"
python3 - "$network" <<'PYTHON'
import json, sys
genesis = json.load(open(sys.argv[1]))["genesis"]
genesis["alloc"]["0x" + "70" * 20] = {"balance": "0x0", "code": "0x6001", "storage": {"0x" + "00" * 31 + "01": "0x" + "00" * 31 + "2a"}}
json.dump(genesis, open("genesis.json", "w"))
PYTHON
"$program" --datadir d init genesis.json >/dev/null 2>&1

dumped() { # SHA256 CODE ARGUMENT ...
    local expected=$1 code=$2 got=0 sum
    shift 2
    timeout 60 "$program" --datadir d dump "$@" >out 2>errors || got=$?
    sum=$(sha256sum <out)
    [ "$got" = "$code" ] && [ "${sum%% *}" = "$expected" ] || { printf 'dump %s: code %s, %s\n' "$*" "$got" "$sum"; head -5 out errors; failed=1; }
}
dumped 2a54bf92d914278dcadb6c756c10f22f505bd18c0351b5ae10976bf382aa0412 0 0
dumped 40ea298ce640ba2df5089795315c21e9855cbd6903e52199a91b793eac22d7ca 0 --iterative 0
dumped b91de10ac33da22d3c5d8c722a123de2eae8022f76a565897691dd1c1e2948ab 0 --nocode --nostorage 0
dumped 24e89f6ecf02477db6d1adaab7f33cbd2b24bff974d518639bf6f77431535669 1 0 9

[ $failed = 0 ] && echo "1 passed, 0 failed"
exit $failed
