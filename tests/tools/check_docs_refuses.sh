#!/usr/bin/env bash
# The check of pages must fail, and name the page, at a link, a source file or a function that is not there, and when the map's
# table of rooms is another than the folders.
set -euo pipefail
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

must_fail() {
    local want=$1
    if output=$("$root/tools/check-docs" "$work"); then
        echo "check-docs passed, but should have said: $want"
        exit 1
    fi
    if [[ $output != *"$want"* ]]; then
        printf 'check-docs said:\n%s\nbut should have said: %s\n' "$output" "$want"
        exit 1
    fi
}

page() {
    printf '%s\n' "$1" >"$work/docs/page.md"
}

mkdir -p "$work/docs" "$work/src/chain/pool"
printf 'int chain_open(void);\n' >"$work/src/chain/chain.h"
# shellcheck disable=SC2016 # the backquotes are the page's
good='# Of chains

See [above](#of-chains), `chain/chain.h` and `chain_open()`.'
map='| `chain` | blocks | `pool` |'
printf '%s\n' "$map" >"$work/MAP.md"
page "$good"
"$root/tools/check-docs" "$work"

page "[elsewhere](none.md)"
must_fail "docs/page.md: links to none.md, which isn't there"
page "[below](page.md#below)"
must_fail "docs/page.md: links to page.md#below, which has no such heading"
page '`chain/none.c`'
must_fail "docs/page.md: names chain/none.c, which isn't there"
page '`chain_close()`'
must_fail "docs/page.md: names chain_close(), which isn't there"

page "$good"
mkdir "$work/src/chain/engine"
must_fail "MAP.md: does not have a room chain/engine, which is there"
rm -r "$work/src/chain/engine" "$work/src/chain/pool"
must_fail "MAP.md: has a room chain/pool, which is not there"
echo "the check of pages refuses what it must"
