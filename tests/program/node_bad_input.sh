#!/usr/bin/env bash
# What quorate-node says, and how it ends, when it is used wrongly: geth's words and exit codes
# (recordings/live/command-line.json), and its own where geth has none.
#
# usage: node_bad_input.sh QUORATE_NODE GENESIS
set -euo pipefail
. "$(dirname "$(realpath "$0")")/../support/program.sh"

python3 - "$network" <<'EOF'
import json, sys
network = json.load(open(sys.argv[1]))
genesis = network["genesis"]
json.dump(genesis, open("genesis.json", "w"))
genesis["timestamp"] = "0x1"
json.dump(genesis, open("other.json", "w"))
EOF
printf '{"config":' >bad.json

# --- the command line ---
expect 1 "flag provided but not defined: -nosuchflag" --nosuchflag
expect 1 "flag provided but not defined: -htpp.port (did you mean --http.port?)" --htpp.port 1
printf "[Eth]\nFoo = 1\n" >bad.toml
expect 1 "Fatal: bad.toml, line 2: field 'Foo' is not defined in ethconfig.Config" --config bad.toml --datadir d
expect 1 "Fatal: the command 'db' is not in quorate-node: " db
expect 1 'invalid command: "nosuchcommand"' nosuchcommand
expect 1 'invalid value "abc" for flag -http.port: parse error' --datadir d --http.port abc
expect 1 "Fatal: --gcmode must be either 'full' or 'archive'" --datadir d --gcmode nothing
expect 1 "Fatal: --catalyst (proof of stake integration) is not in this version" --datadir d --catalyst
expect 1 'Fatal: Failed to register the Ethereum Stats service: invalid netstats url: "a:***", should be nodename:secret@host:port' \
    --datadir d --ethstats a:b
expect 1 "Fatal: --trace (Trace of Go's runtime written to a file) is not in this version" --datadir d --trace t
expect 1 "flag provided but not defined: -metrics.influxdbv2" --datadir d --metrics --metrics.influxdbv2
printf "[Metrics]\nEnableInfluxDB = 1\n" >influx.toml
expect 1 "EnableInfluxDB is a boolean, not a number" --config influx.toml --datadir d
PRIVATE_CONFIG=tm.ipc expect 1 "unable to check whether connection details are specified as a config file or ipc file" --datadir d
expect 0 "" version
expect 0 "" help

# --- init ---
expect 1 "Fatal: Must supply path to genesis JSON file" --datadir d init
expect 1 "Fatal: Failed to read genesis file: open /nonexistent: no such file or directory" --datadir d init /nonexistent
expect 1 "Fatal: invalid genesis file: line 1, column 10" --datadir d init bad.json
expect 1 "there is no chain in d: make one with 'init GENESIS --datadir d'" --datadir d
expect 0 "Successfully wrote genesis state" --datadir d init genesis.json
expect 0 "Successfully wrote genesis state" --datadir d init genesis.json
expect 1 "Fatal: Failed to write genesis block: database contains incompatible genesis (have " --datadir d init other.json

# --- what the chain or its peers must have ---
expect 1 "--override.berlin 7: by its genesis file this chain's Berlin fork is " --datadir d --networkid 10 --override.berlin 7
expect 1 "Invalid authorized entry: 5" --datadir d --nodiscover --port 0 --networkid 10 --authorizationlist 5
expect 1 "Invalid authorized block number x" --datadir d --nodiscover --port 0 --networkid 10 --whitelist x=0x00
expect 1 "Invalid authorized hash 0x00: it is 0x and 64 hexadecimal digits" --datadir d --nodiscover --port 0 --networkid 10 --authorizationlist 5=0x00

# --- called as bootnode: wrong use is 2, as of Go's programs ---
ln -s "$program" bootnode
printf '%064d' 7 >bootkey
as_node=$program program=./bootnode
expect 2 "flag provided but not defined: -nosuch" -nosuch
expect 1 "Fatal: Use -nodekey or -nodekeyhex to specify a private key"
expect 1 "Fatal: -netrestrict: invalid CIDR address: zz" -nodekey bootkey -netrestrict zz
expect 0 "" -nodekey bootkey -netrestrict zz -writeaddress
expect 1 "Fatal: -ResolveUDPAddr: address zz" -nodekey bootkey -addr zz
[ "$(./bootnode -genkey newkey -writeaddress | wc -c)" = 129 ] || failed=1
[ "$(./bootnode -nodekey newkey -writeaddress | wc -c)" = 129 ] || failed=1
program=$as_node

# --- accounts ---
printf 'pw' >pw
expect 1 "Fatal: Failed to read password file: open /nonexistent: no such file or directory" --datadir d account new --password /nonexistent
expect 1 "Fatal: keyfile must be given as argument" --datadir d account import
expect 3 "No help topic for 'nosuch'" --datadir d account nosuch
expect 3 "No help topic for 'nosuch'" help nosuch
expect 0 "" help account
expect 0 "" account --help
expect 0 "" account
printf '[Node]\nUseLightweightKDF = 1\n' >kind.toml
expect 1 "Fatal: kind.toml, line 2: UseLightweightKDF is a boolean, not a number" --config kind.toml --datadir d account list
printf '[Eth]\nNetworkId = "5"\n' >kind.toml
expect 1 "Fatal: kind.toml, line 2: NetworkId is a number, not a string" --config kind.toml --datadir d account list
expect 1 "Fatal: Failed to read password: EOF" --datadir d account new
expect 1 "Fatal: No accounts specified to update" --datadir d account update
expect 0 "" --datadir d account new --lightkdf --password pw
expect 1 "Fatal: Could not list accounts: index 7 higher than number of accounts 1" --datadir d account update 7
expect 1 "Fatal: Failed to unlock account 0x7777777777777777777777777777777777777777 (no key for given address or file)" \
    --datadir d --unlock 0x7777777777777777777777777777777777777777 --password pw --nodiscover --port 0 --networkid 10
expect 1 "Fatal: Account unlock with HTTP access is forbidden!" --datadir d --unlock 0 --password pw --nodiscover --port 0 --networkid 10 --http --http.port 0
expect 1 "Fatal: --signer (an external signer such as clef; keys are kept in files here, see --keystore)" --datadir d --signer clef.ipc

# --- export and import ---
expect 1 "Fatal: This command requires an argument." --datadir d export
expect 0 "Exported blockchain" --datadir d export chain.rlp
expect 1 "Fatal: Export error: block number 2 larger than head block 0" --datadir d export e.rlp 1 2
expect 1 "Fatal: This command requires an argument." --datadir d import
expect 1 "open /nonexistent: no such file or directory" --datadir d import /nonexistent
head -c 1000 /dev/urandom >random.rlp
expect 1 "random.rlp" --datadir d import random.rlp

# --- the data directory ---
printf 'rubbish' >d/geth/nodekey
expect 1 "d/geth/nodekey: a node key is 64 hexadecimal digits, this has 7 characters" --datadir d --port 0
rm d/geth/nodekey
exec 9>d/geth/LOCK
flock 9
expect 1 "datadir already used by another process: d" --datadir d --port 0
flock -u 9
touch file
expect 1 "mkdir file: not a directory" --datadir file --port 0

# --- a database that is no database ---
cp -r d damaged
for part in damaged/geth/quorate/*; do
    head -c 65536 /dev/urandom >"$part"
done
expect 1 "damaged" --datadir damaged --port 0

exit $failed
