# To be sourced by a test of one program, its first argument: $program is run in a folder of its own, $work, which goes at the end.
# The test ends with `exit $failed`.
program=$(realpath "$1")
[ $# -lt 2 ] || network=$(realpath "$2") # a network.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export PRIVATE_CONFIG=ignore
failed=0

# compare CODE TEXT GOT OUTPUT ARGUMENT ...: the exit code, and a part of what was printed
compare() {
    local code=$1 text=$2 got=$3 output=$4
    shift 4
    if [ "$got" -ne "$code" ] || [[ $output != *"$text"* ]]; then
        printf '%s %s\n  exit code %s, expected %s\n  said: %s\n  expected: %s\n' "${program##*/}" "$*" "$got" "$code" "$output" "$text"
        failed=1
    fi
}

# expect CODE TEXT ARGUMENT ...: the program's exit code, and a part of what it prints on standard error
expect() {
    local code=$1 text=$2 got=0 output
    shift 2
    output=$(timeout 60 "$program" "$@" 2>&1 >/dev/null </dev/null) || got=$?
    compare "$code" "$text" "$got" "$output" "$@"
}

# expect_printed CODE TEXT ARGUMENT ...: the same of all that it prints
expect_printed() {
    local code=$1 text=$2 got=0 output
    shift 2
    output=$(timeout 60 "$program" "$@" 2>&1 </dev/null) || got=$?
    compare "$code" "$text" "$got" "$output" "$@"
}
