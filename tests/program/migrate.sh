#!/usr/bin/env bash
# quorate-node migrate: files and chain of another data directory, twice, and what it refuses.
#
# And `backup`: whole, or not there.
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
sed 's/"timestamp": *"0x[0-9a-f]*"/"timestamp": "0x1"/' genesis.json >other.json
"$program" --datadir other init other.json 2>/dev/null
"$program" --datadir other export other.rlp >/dev/null 2>&1
for words in "migrate --from" import; do
    # shellcheck disable=SC2086 # words
    expect 1 "other.rlp: this is another chain: it has genesis block 0x" --datadir new $words other.rlp
done

# --- backup: of a file that cannot be copied nothing is left out without a word ---
rm new/geth/quorate-consensus.0
odd() { # FILE KIND: what is there gives way to something else
    rm -rf "$1"
    case $2 in
        folder) mkdir "$1" ;;
        pipe) mkfifo "$1" ;;
        link) ln -s /nonexistent/elsewhere "$1" ;;
    esac
}
for name in geth/nodekey permissioned-nodes.json keystore geth/quorate-consensus.0 geth/quorate-consensus.1 geth/quorate/data.mdb; do
    for kind in folder pipe link; do
        [ "$name $kind" != "keystore folder" ] || continue
        rm -rf whole
        cp -r old whole
        odd "whole/$name" $kind
        expect 1 "whole/${name%/data.mdb}" --datadir whole backup copy
        [ ! -e copy ] && [ ! -e copy.part ] || { echo "$name, $kind: something was left"; failed=1; }
    done
done
for name in geth/nodekey permissioned-nodes.json; do
    rm -rf whole
    cp -r old whole
    odd "whole/$name" link
    expect 1 "Fatal: cannot open whole/$name: it is a link to what is not there" --datadir new migrate --from whole
done
for name in geth/quorate geth/quorate/data.mdb; do
    rm -rf whole
    cp -r old whole
    odd "whole/$name" link
    for words in "init genesis.json" "export e.rlp" "migrate --from old" "--port 0"; do
        # shellcheck disable=SC2086 # words
        expect 1 "whole/$name is a link to what is not there; mount the disk it leads to, or remove it" --datadir whole $words
    done
done
expect_printed 0 "block 0 0x" --datadir old backup copy/
[ ! -e copy.part ] && [ -s copy/geth/nodekey ] && [ ! -e copy/geth/LOCK ] || failed=1
expect 1 "copy exists: a backup makes a folder of its own" --datadir old backup copy
rm -r copy
mkdir -p copy.part/geth/quorate # of a run that was killed
touch copy.part/geth/LOCK copy.part/geth/quorate/data.mdb
exec 9>copy.part/geth/LOCK
flock 9
expect 1 "datadir already used by another process: copy.part" --datadir old backup copy
flock -u 9
expect_printed 0 "block 0 0x" --datadir old backup copy
expect_printed 0 "" --datadir copy export e.rlp
if mkdir small && mount -t tmpfs -o size=40k tmpfs small 2>/dev/null; then # as root alone
    expect 1 "cannot write small/copy.part/geth/quorate/data.mdb: no space left on the disk" --datadir old backup small/copy
    [ -z "$(ls -A small)" ] || failed=1
    umount small
fi
exit $failed
