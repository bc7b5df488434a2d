#!/usr/bin/env bash
# --dev: a rich, unlocked account, a block for each transaction, nothing left behind; with --datadir chain and account stay.
#
# usage: dev.sh QUORATE_NODE
set -euo pipefail
. "$(dirname "$(realpath "$0")")/../support/program.sh"
export TMPDIR=$work

check() { # WHAT EXPECTED GOT
    [ "$2" = "$3" ] || { printf '%s: expected %s, got %s\n' "$1" "$2" "$3"; failed=1; }
}
dev() {
    timeout 60 "$program" --dev --verbosity 1 "$@" </dev/null 2>errors || { cat errors; failed=1; }
}
pay='var a = eth.accounts[0]; var h = eth.sendTransaction({from: a, to: "0x0000000000000000000000000000000000000077", value: 7});
     while (!eth.getTransactionReceipt(h)) admin.sleep(0.01);'

got=$(dev --exec "$pay [eth.blockNumber, eth.getBalance('0x0000000000000000000000000000000000000077'), eth.chainId(), eth.gasPrice,
      eth.accounts.length, net.peerCount, admin.nodeInfo.ports.listener, eth.getBlock(0).gasLimit].join()" console)
check "a transaction" '"1,7,0xa,1,1,0,0,11500000"' "$got"
check "what an ephemeral one leaves" "errors" "$(ls)"

# An account that is there: the genesis is GoQuorum's with the same account, found by its v24.4.1.
key=0b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f29
echo $key >key
echo >password
"$program" --keystore keys --lightkdf --password password account import key >/dev/null 2>&1
got=$(dev --keystore keys --exec 'eth.accounts[0] + " " + eth.getBlock(0).hash' console)
check "the genesis" '"0xd8cec4a651b231b7db570e1cbbdfce7af2e8647b 0x782e5cb5f53e3577108544a0223094ead36c47e536b90a6b48c8ca014c298899"' "$got"

for height in 1 2; do
    got=$(dev --datadir kept --exec "$pay eth.blockNumber" console)
    check "the height of one that stays" $height "$got"
done
got=$(dev --datadir kept dump 0)
check "what dump says of it" "false {" "${got%%$'\n'*}"
check "its accounts" 1 "$(find kept/keystore -type f | wc -l)"

expect_printed 1 "Developer chains are ephemeral: 'init' needs --datadir" --dev init genesis.json
expect_printed 1 "Flags --dev, --raft can't be used at the same time" --dev --raft
echo wrong >wrong
expect_printed 1 "Failed to unlock developer account: could not decrypt key with given password" --dev --datadir kept --password wrong

[ $failed = 0 ] && echo "1 passed, 0 failed"
exit $failed
