#!/bin/sh
# readme: runs the examples of README.md. A block of shell behind the line <!-- run --> is run, in a
# folder with the samples of corpora/, the tools in PATH and a small English model en.rill; every
# command of it must succeed. Blocks run one after the other in the same folder.
set -u
top=$(cd "${srcdir:-.}" && pwd)
PATH=$(pwd):$PATH
LC_ALL=C
export PATH LC_ALL
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# Block after block into $work/block1.sh, block2.sh, ...
awk -v work="$work" '
    $0 == "<!-- run -->" { marked = 1; next }
    marked && $0 == "```sh" { inside = 1; marked = 0; file = work "/block" ++count ".sh"; next }
    inside && $0 == "```" { inside = 0; close(file); next }
    inside { print >file }
    !inside && $0 != "" { marked = 0 }' "$top/README.md"

mkdir "$work/run"
cp -r "$top/corpora" "$work/run/corpora"
chmod -R u+w "$work/run"
cd "$work/run" || exit 1
rill-tag train -q --size small --epochs 1 --model en.rill corpora/english-dev.conllu || exit 1

passed=0 failed=0 number=1
while [ -f "$work/block$number.sh" ]; do
    if sh -eu "$work/block$number.sh" >out 2>&1 </dev/null; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "block $number of README.md failed:"
        cat "$work/block$number.sh" out
    fi
    number=$((number + 1))
done
echo "Checks: $((passed + failed)), Failures: $failed, Errors: 0"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
