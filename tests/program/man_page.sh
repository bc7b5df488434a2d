#!/usr/bin/env bash
# The manual page in the repository is what the program prints from its tables.
#
# usage: man_page.sh QUORATE_EVM
set -euo pipefail
page=$(dirname "$0")/../../man/quorate-evm.1
diff -u "$page" <("$1" --man) || {
    echo "bring it up to date: build/bin/quorate-evm --man >man/quorate-evm.1"
    exit 1
}
