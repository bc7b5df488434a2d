#!/usr/bin/env bash
# What the program says, and how it ends, when it is used wrongly or given broken files.
#
# usage: bad_input.sh QUORATE_EVM
set -euo pipefail
. "$(dirname "$(realpath "$0")")/../support/program.sh"

env='"env":{"currentCoinbase":"0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba","currentGasLimit":"0x1000000","currentNumber":"1","currentTimestamp":"1000","currentDifficulty":"0x1"}'
tx='"transaction":{"data":["0x"],"gasLimit":["0x5208"],"value":["0x0"],"nonce":"0x0","gasPrice":"0x1","to":"0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba","sender":"0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba"}'
post='"post":{"Berlin":[{"hash":"0x0000000000000000000000000000000000000000000000000000000000000000","indexes":{"data":0,"gas":0,"value":0}}]}'

# --- the command line ---
expect 2 "unknown command 'statetset'; did you mean statetest?" statetset
expect 2 "unknown option --frok; did you mean --fork?" statetest --frok Berlin x
expect 2 "--fork: no fork is called 'Atlantis'" statetest --fork Atlantis .
expect 2 "name the files or folders" statetest
expect 2 "nowhere.json: no such file or folder" statetest nowhere.json
expect 2 "--gas needs a whole number, not 'much'" run --gas much 0x00
expect 2 "--gas needs a value: --gas N" run 0x00 --gas
expect 2 "--sender needs an address, not 'me'" run --sender me 0x00
expect 2 "exclude each other" run --code 0x00 --codefile x
expect 2 "must be bytes in hexadecimal, not \"0x0g\"" run 0x0g
expect 2 "must be bytes in hexadecimal, not \"0x000\"" run 0x000
expect 2 "--state.reward needs a number of wei" t8n --state.reward lots
expect 1 "" run 0xfe

# --- files that are no state tests ---
printf '{"a":' >broken.json
expect 2 "broken.json:1:5: not JSON" statetest broken.json
printf '[]' >list.json
expect 2 "list.json: must be an object of tests" statetest list.json
printf '{"t":{}}' >empty.json
expect 2 "empty.json: t: env is missing" statetest empty.json
printf '{"t":{%s,"pre":{"0x12":{"balance":"0x1"}},%s,%s}}' "$env" "$tx" "$post" >address.json
expect 2 'address.json: t: pre: "0x12" is not an address' statetest address.json
printf '{"t":{%s,"pre":{"0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba":{"balance":"-1"}},%s,%s}}' "$env" "$tx" "$post" >balance.json
expect 2 'balance.json: t: pre: 0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba: balance: must be a number' statetest balance.json
printf '{"t":{%s,"pre":{},%s,%s}}' "$env" "$tx" "${post/\"gas\":0/\"gas\":7}" >index.json
expect 2 'index.json: t: post: Berlin: entry 0: gasLimit: the index 7 is past the 1 entries' statetest index.json
printf '{"t":{%s,"pre":{},%s,%s}}' "$env" "$tx" "${post/Berlin/Atlantis}" >fork.json
expect 2 'fork.json: t: post: no fork is called "Atlantis"' statetest fork.json
{ printf '\377'; head -c 100000 /dev/urandom; } >random.json # the first byte is no white space, so the first line is at fault
expect 2 "random.json:1:" statetest random.json
printf '%.0s[' {1..100000} >deep.json
expect 2 "deep.json:1:" statetest deep.json

# --- a file that is one, and fails ---
printf '{"t":{%s,"pre":{},%s,%s}}' "$env" "$tx" "$post" >fails.json
expect 1 "" statetest fails.json
"$program" statetest fails.json >out.txt || true
grep -q '^FAILED fails.json: t \[Berlin 0\]: the transaction was refused: insufficient funds' out.txt || { cat out.txt; failed=1; }
grep -q '^0 passed, 1 failed$' out.txt || { cat out.txt; failed=1; }
"$program" statetest --json fails.json >out.json || true
python3 -c 'import json; [case] = json.load(open("out.json")); assert case["pass"] is False and case["fork"] == "Berlin" and case["name"] == "t", case' || failed=1

# --- transitions ---
printf '{}' >alloc.json
printf '{%s' "${env#\"env\":\{}" >env.json
printf '[]' >txs.json
expect 2 "env.json: Shanghai needs currentBaseFee" t8n --state.fork Shanghai
expect 2 "nothing.json" t8n --input.alloc nothing.json
printf '[{"nonce":"0x0"}]' >txs.json
expect 2 "txs.json: transaction 0: gas: must be a number" t8n --state.fork Berlin
printf '"0xc3808080ff"' >txs.rlp
expect 2 "txs.rlp: transactions:" t8n --state.fork Berlin --input.txs txs.rlp
printf '[]' >txs.json
expect 0 "" t8n --state.fork Berlin
grep -q '"stateRoot"' result.json || failed=1
expect 1 "--output.basedir: cannot make env.json/x: Not a directory" t8n --state.fork Berlin --output.basedir env.json/x

# --- help and manual agree with the tables ---
for command in run statetest t8n bench; do
    grep -q "^usage: quorate-evm $command" <<<"$("$program" "$command" --help)" || { echo "no help for $command"; failed=1; }
done
exit $failed
