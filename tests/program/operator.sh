#!/usr/bin/env bash
# `quorate init` writes files that `quorate check` finds nothing wrong with, and wrong use is answered as it should be.
#
# usage: operator.sh PROGRAM
set -euo pipefail
quorate=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
    echo "operator.sh: $*" >&2
    exit 1
}

# expect CODE TEXT COMMAND...: the exit code, and a text in what it prints.
expect() {
    local code=$1 text=$2 got=0
    shift 2
    "$@" >out.txt 2>&1 </dev/null || got=$?
    [ "$got" = "$code" ] || fail "$* ended with $got, expected $code: $(cat out.txt)"
    grep -qF -- "$text" out.txt || fail "$* printed no '$text': $(cat out.txt)"
}

for consensus in raft ibft qbft; do
    for manager in tessera constellation none; do
        "$quorate" init --consensus $consensus --transaction-manager $manager --output one.yaml >/dev/null
        expect 0 "0 errors, 0 warnings" "$quorate" check one.yaml
        "$quorate" init --consensus $consensus --transaction-manager $manager --kubernetes --output - |
            sed 's/"cluster_context"/minikube/; s/"cluster_config"/kubeconfig/; s/"vault_addr"/"https:\/\/vault"/; s/"docker_username"/me/' >cluster.yaml
        expect 0 "0 errors, 0 warnings" "$quorate" check cluster.yaml
        rm one.yaml
    done
done

expect 0 "wrote network.yaml" "$quorate" init --organizations one
expect 1 "network.yaml exists; remove it" "$quorate" init
expect 0 "1 warning" "$quorate" check network.yaml
expect 2 "did you mean qbft?" "$quorate" init --consensus qbtf --output -
expect 2 "cannot be part of a host name" "$quorate" init --organizations Big --output -
expect 2 "nothing.yaml: No such file" "$quorate" check nothing.yaml
"$quorate" init --transaction-manager constellation --output const.yaml >/dev/null
sed -i 's/^    tm_tls:/    database: mysql\n&/' const.yaml
expect 2 "is mysql, and Constellation's dialect has no such database" "$quorate" up const.yaml
[ ! -e quorate.d ] || fail "a refused up left its folder"
expect 2 "takes one file" "$quorate" check
expect 2 "exclude each other" "$quorate" check --local --kubernetes network.yaml
expect 2 "did you mean check?" "$quorate" chek
printf 'network:\n  type: quorum\n' >short.yaml
expect 1 "network.config: is missing" "$quorate" check short.yaml
{ "$quorate" check --json short.yaml || true; } | python3 -c 'import json, sys; assert json.load(sys.stdin)["errors"] >= 2' || fail "--json"
"$quorate" schema | python3 -c 'import json, sys; json.load(sys.stdin)["properties"]["network"]' || fail "schema"
