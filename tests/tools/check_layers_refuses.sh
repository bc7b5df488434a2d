#!/usr/bin/env bash
# The layer check must fail, and name the place, when a lower library includes a higher one, a path that is
# not root-relative, or a folder that the table does not list; and hold on the tree as it is.
set -euo pipefail
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fresh_copy() {
    rm -rf "$work/src"
    cp -r "$root/src" "$work/src"
}

must_fail() {
    local want=$1
    if output=$("$root/tools/check-layers" "$work"); then
        echo "check-layers passed, but should have said: $want"
        exit 1
    fi
    if [[ $output != *"$want"* ]]; then
        printf 'check-layers said:\n%s\nbut should have said: %s\n' "$output" "$want"
        exit 1
    fi
}

fresh_copy
"$root/tools/check-layers" "$work"

sed -i '1i #include "evm/evm.h"' "$work/src/base/hex.c"
must_fail "base/hex.c:1: base may not include evm"

fresh_copy
sed -i '1i #include "buf.h"' "$work/src/base/hex.c"
must_fail "includes are root-relative"

fresh_copy
mkdir "$work/src/elsewhere"
must_fail "elsewhere: not in src/layers.txt"
echo "the layer check refuses what it must"
