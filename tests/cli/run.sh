#!/bin/sh
# run.sh: runs the tests of the command-line tools, tests/cli/*.test, against the programs of the
# build folder.
#
# A test is a piece of shell. It runs in a folder of its own with the tools in PATH, and uses
#
#   run COMMAND...   runs it with standard input from ./in (empty at first); its output goes to ./out
#                    and ./err, its exit status into $status
#   status N         the command exited with N
#   out PATTERN      standard output matches the shell pattern as a whole; without a pattern: is empty
#   err PATTERN      the same for standard error
#   must COMMAND...  the command succeeds (for grep, cmp, ...)
#
# Every status, out, err and must is one case. $tiny is a small tagger, $corpora the samples.
# run.sh NAME... runs only the tests of those names.
set -u
here=$(cd "$(dirname "$0")" && pwd)
corpora=$here/../../corpora
PATH=$(pwd):$PATH
LC_ALL=C
unset NO_COLOR POSIXLY_CORRECT
TERM=dumb
# Under sanitizers too, a request for too much memory fails instead of ending the program.
ASAN_OPTIONS=allocator_may_return_null=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export PATH LC_ALL TERM ASAN_OPTIONS
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
tiny=$work/tiny.rill
passed=0 failed=0

pass() { passed=$((passed + 1)); }

fail() {
    failed=$((failed + 1))
    echo "FAILED $name: $*"
    echo "  after: $command (exit $status)"
    sed 's/^/  out: /' out | head -n 20
    sed 's/^/  err: /' err | head -n 20
}

run() {
    command="$*" status=0
    "$@" <in >out 2>err || status=$?
}

status() { if [ "$status" -eq "$1" ]; then pass; else fail "expected exit $1"; fi; }

# matches FILE PATTERN
matches() {
    content=$(cat "$1")
    # shellcheck disable=SC2254
    case $content in
    $2) pass ;;
    *) fail "$1 does not match: $2" ;;
    esac
}

out() { matches out "${1-}"; }
err() { matches err "${1-}"; }
must() { if "$@"; then pass; else fail "$*"; fi; }

# Small enough for a second, real enough for every verb.
make_tiny() {
    mkdir "$work/make"
    cd "$work/make" || exit 1
    awk 'BEGIN { RS = ""; ORS = "\n\n" } NR <= 40' "$corpora/english.conllu" >train.conllu
    awk 'BEGIN { RS = ""; ORS = "\n\n" } NR <= 10' "$corpora/english-dev.conllu" >dev.conllu
    if ! rill-tag train --quiet --size small --epochs 2 --seed 1 --model "$tiny" \
        --dev dev.conllu train.conllu; then
        echo "FAILED run.sh: the tiny model cannot be trained"
        echo "Checks: 1, Failures: 1, Errors: 0"
        exit 1
    fi
}

run_test() {
    name=$(basename "$1" .test)
    mkdir "$work/$name"
    cd "$work/$name" || exit 1
    : >in
    : >out
    : >err
    command=none status=0
    # shellcheck disable=SC1090
    . "$1"
}

make_tiny
if [ $# -gt 0 ]; then
    for test in "$@"; do run_test "$here/$test.test"; done
else
    for test in "$here"/*.test; do run_test "$test"; done
fi
cd "$here" || exit 1
echo "Checks: $((passed + failed)), Failures: $failed, Errors: 0"
[ "$failed" -eq 0 ]
