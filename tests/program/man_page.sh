#!/usr/bin/env bash
# The manual page in the repository is what the program prints from its tables.
#
# usage: man_page.sh PROGRAM
set -euo pipefail
name=$(basename "$1")
page=$(dirname "$0")/../../man/$name.1
diff -u "$page" <("$1" --man) || {
    echo "bring it up to date: build/bin/$name --man >man/$name.1"
    exit 1
}
