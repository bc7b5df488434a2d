#!/usr/bin/env bash
# quorate-node migrate: files and chain of another data directory, twice, and what it refuses.
#
# usage: migrate.sh QUORATE_NODE NETWORK
set -euo pipefail
. "$(dirname "$(realpath "$0")")/../support/program.sh"

python3 -c 'import json, sys; json.dump(json.load(open(sys.argv[1]))["genesis"], open("genesis.json", "w"))' "$network"
"$program" --datadir old init genesis.json 2>/dev/null
"$program" --datadir old export chain.rlp >/dev/null 2>&1
printf '%064d' 1 >old/geth/nodekey
printf '[]' >old/geth/static-nodes.json
printf '[]' >old/permissioned-nodes.json
printf 'pw' >pw
"$program" --datadir old account new --lightkdf --password pw >/dev/null 2>&1

expect 1 "Fatal: migrate takes --from" --datadir new migrate
expect 1 "Fatal: open nowhere: no such file or directory" --datadir new migrate --from nowhere
expect 1 "Fatal: there is no chain in new: make one with 'init GENESIS --datadir new'" --datadir new migrate --from old
"$program" --datadir new init genesis.json 2>/dev/null
[ "$(stat -c %a new/geth/nodekey new/keystore | tr '\n' ' ')" = "600 700 " ] # as the reference, init leaves a key
expect_printed 0 "geth --datadir old export chain.rlp.gz" --datadir new migrate --from old
expect_printed 0 "Files:   0 copied, 4 there already" --datadir new migrate --from old chain.rlp
expect_printed 0 "Blocks:  0 checked and imported, 1 there already" --datadir new migrate --from chain.rlp
cmp old/geth/nodekey new/geth/nodekey
[ "$(stat -c %a new/geth/nodekey)" = 600 ]
[ "$(ls new/keystore)" = "$(ls old/keystore)" ]
# the key that init made gives way, one that was in use does not
printf '%064d' 2 >new/geth/nodekey
expect_printed 0 "Files:   1 copied, 3 there already" --datadir new migrate --from old
printf '%064d' 2 >new/geth/nodekey
touch new/geth/quorate-consensus.0
expect 1 "Fatal: old/geth/nodekey and new/geth/nodekey differ: remove the one that is wrong" --datadir new migrate --from old
: >empty.rlp
expect 1 "Fatal: empty.rlp: there is no block in it: export the chain again" --datadir new migrate --from empty.rlp
head -c 2000 /dev/urandom >noise
expect 1 "noise" --datadir new migrate --from noise
exit $failed
