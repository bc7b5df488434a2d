#!/usr/bin/env bash
# Everything in the image's root folder runs there, alone and not as root. Skipped when this is not root, who may chroot.
#
# usage: image.sh SOURCE_ROOT BUILD
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "not root, who alone may change the root folder: skipped"; exit 77; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
"$1/tools/install-programs" "$2"
"$1/tools/image-root" "$2" "$root/context"

# As for another architecture, whose libraries lie in a folder of their own: here it leads to this machine's, and the same comes of it.
mkdir -p "$root/other/sysroot"
ln -s "$(cd "$2/bin" && pwd)" "$root/other/bin"
for folder in /lib /lib64 /usr; do [ ! -e "$folder" ] || ln -s "$folder" "$root/other/sysroot/"; done
"$1/tools/image-root" "$root/other" "$root/other/context"
# of the paths only the libraries' names: a machine's loader may name another of the folders that are the same
names() { (cd "$1" && find . -type f -printf '%f\n' -o -type l -printf '%f %l\n' | sort); }
diff <(names "$root/context") <(names "$root/other/context")

mv "$root/context/root" "$root/image"
# `grep -q` stops reading at the first match, and the writer may then be ended by SIGPIPE: the output is read whole first
prints() { local text=$1 output; shift; output=$("$@" 2>&1) || true; grep -q -- "$text" <<<"$output" || { echo "$* printed no '$text': $output"; exit 1; }; }
inside() { chroot --userspec=1000:1000 "$root/image" "$@"; }
for program in quorate quorate-evm quorate-init quorate-tm quorate-node; do
    inside "/usr/bin/$program" --version >/dev/null || inside "/usr/bin/$program" version >/dev/null
done
prints '^Geth' inside /usr/local/bin/geth version
inside /usr/bin/tessera version >/dev/null
inside /usr/local/bin/constellation-node --help >/dev/null
inside /usr/bin/quorate-init run -- /usr/bin/quorate-evm --version >/dev/null
# a name is looked up, by the library that is loaded at run time
prints 'takes no connections' inside /usr/bin/quorate-init run --wait tcp:localhost:1 --limit 0 -- /usr/bin/true
[ ! -e "$root/image/bin/sh" ] && [ -z "$(find "$root/image" -perm -4000)" ]
echo "$(du -sm "$root/image" | cut -f1) MiB"
