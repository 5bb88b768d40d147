#!/bin/sh
# symbols: what librill exports is what lib/rill.h declares and what tests/symbols.txt lists.
#
# The manifest is kept by hand: whoever adds or drops a public function changes it too, and sees that
# the interface changes.
set -u
LC_ALL=C
export LC_ALL
top=${srcdir:-.}
library=.libs/librill.so
if [ ! -f "$library" ]; then
    echo "symbols.sh: $library is missing (a build without a shared library), nothing to compare"
    exit 77
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

nm -D --defined-only "$library" | awk '{ print $NF }' | sort >"$work/exported" || exit 1
# A declaration begins with RILL_API; its name stands before the first parenthesis.
sed -n 's/^RILL_API \(RILL_MUST_USE \)\{0,1\}//p' "$top/lib/rill.h" |
    sed 's/(.*//; s/.*[ *]//' | sort >"$work/declared"

passed=0 failed=0
compare() {
    if diff "$top/tests/symbols.txt" "$work/$1" >"$work/diff"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "tests/symbols.txt (<) and the symbols $1 (>) differ:"
        cat "$work/diff"
    fi
}
compare exported
compare declared
echo "Checks: $((passed + failed)), Failures: $failed, Errors: 0"
[ "$failed" -eq 0 ]
