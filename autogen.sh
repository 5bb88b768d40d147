#!/bin/sh
# autogen.sh: from a fresh checkout to what you want.
#
#   ./autogen.sh         makes ./configure (needs autoconf, automake, libtool, pkg-config)
#   ./autogen.sh check   installs Debian packages that are missing, builds in ./build, runs all tests
#   ./autogen.sh demo    the same without the tests, then trains small models and uses them
#
# check and demo need Debian 12 and root for the packages only; otherwise they print the command.
set -eu
cd "$(dirname "$0")"

packages='gcc libc6-dev make autoconf automake libtool pkg-config libutf8proc-dev libpcre2-dev
libopenblas-pthread-dev libjansson-dev libxxhash-dev librandom123-dev zlib1g-dev check'

say() { printf '\n== %s\n' "$*"; }

# Shows a command, then runs it.
run() {
    printf '$ %s\n' "$*"
    "$@"
}

missing_packages() {
    for package in $packages; do
        state=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) || state=
        [ "$state" = 'install ok installed' ] || printf ' %s' "$package"
    done
}

install_packages() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        echo "This is no Debian: configure will name what is missing."
        return
    fi
    missing=$(missing_packages)
    if [ -z "$missing" ]; then return; fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "Some Debian packages are missing. As root:"
        echo "  apt-get update && apt-get install --no-install-recommends$missing"
        exit 1
    fi
    say "installing Debian packages:$missing"
    apt-get -q update
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing
}

configure_script() {
    mkdir -p m4
    autoreconf --install --force
}

build() {
    install_packages
    say "building in ./build"
    configure_script
    mkdir -p build
    (cd build && ../configure --quiet && make -s -j"$(nproc)")
}

# Cases of one log: Check and our own scripts write "Checks: N, Failures: F, Errors: E"; a test
# without such a line is one case. A program that crashed counts as failed whatever it wrote before.
count_log() {
    counts=$(sed -n 's/.*Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\).*/\1 \2 \3/p' "$1")
    result=$(sed -n 's/^:test-result: *//p' "${1%.log}.trs")
    cases=0 bad=0
    while read -r checks failures errors; do
        [ -n "$checks" ] || continue
        cases=$((cases + checks)) bad=$((bad + failures + errors))
    done <<END
$counts
END
    case $result in
    PASS*) [ "$cases" -gt 0 ] || cases=1 ;;
    SKIP*) return ;;
    *) if [ "$bad" -eq 0 ]; then cases=$((cases + 1)) bad=1; fi ;;
    esac
    passed=$((passed + cases - bad)) failed=$((failed + bad))
}

# Automake's harness hides what the tests print; here it is, failed ones in full.
report() {
    passed=0 failed=0
    for log in $(find build -name '*.trs' | sort); do
        log=${log%.trs}.log
        [ -f "$log" ] || continue
        result=$(sed -n 's/^:test-result: *//p' "${log%.log}.trs")
        say "$result ${log#build/}"
        if [ "$result" = PASS ]; then tail -n 12 "$log"; else tail -n 200 "$log"; fi
        count_log "$log"
    done
}

check() {
    build
    say "running the tests"
    find build -name '*.trs' -exec rm -f {} +
    status=0
    make -C build -s -j"$(nproc)" check || status=$?
    report
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi # make itself failed
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}

demo() {
    build
    mkdir -p build/demo
    say "training a small tagger on 460 sentences"
    run build/rill-tag train --size small --force \
        --model build/demo/english.rill --log build/demo/english.jsonl \
        --dev corpora/english-dev.conllu corpora/english.conllu
    say "drawing the learning curve"
    run build/rill-model plot --force build/demo/english.jsonl build/demo/english.svg
    echo "build/demo/english.svg shows it."
    say "tagging fresh sentences"
    run build/rill-tag apply --output horizontal build/demo/english.rill corpora/fresh.txt
    say "scoring it, with the most frequent tags as a baseline"
    run build/rill-tag eval build/demo/english.rill corpora/english-dev.conllu
    say "training a small spam filter, English and Korean, on 160 messages"
    run build/rill-classify train --force --model build/demo/spam.rill \
        --dev corpora/spam-dev.txt corpora/spam.txt
    say "why a message is spam"
    printf '%s\n' "Your parcel is waiting, click here and pay the fee now" \
        "Can you bring the bread on Friday?" "지금 클릭하고 무료 쿠폰 받으세요" |
        run build/rill-classify apply --probs --explain build/demo/spam.rill
    run build/rill-classify eval build/demo/spam.rill corpora/spam-dev.txt
    say "training a small translator, English to Korean, on 3,238 phrases: about a minute"
    run build/rill-translate train --force --model build/demo/korean.rill --vocab-size 1200 \
        --embed 128 --encoder-hidden 256 --decoder-hidden 256 --dropout 0.2 --epochs 14 \
        --warmup 200 --ema 0.99 --dev corpora/phrases-dev.tsv corpora/phrases.tsv
    say "translating fresh sentences"
    run build/rill-translate apply build/demo/korean.rill corpora/fresh.en
}

case ${1-} in
'') configure_script ;;
check) check ;;
demo) demo ;;
*)
    echo "usage: ./autogen.sh [check|demo]" >&2
    exit 2
    ;;
esac
