#!/bin/bash
# bench_subword: rill-tokenize beside SentencePiece: the same text, the same number of units, one
# thread each, in turns in one run. Counted is processor time, the least of three rounds.
#
#   bench_subword.sh [TEXT]      TEXT may be gzip; without it: Multi30k where there are real data,
#                                else invented words
#
# learn: the text once. apply: the text ten times over, so that start-up is counted on both sides but
# does not decide.
set -u
export LC_ALL=C
build=$(pwd) top=${srcdir:-.} units=8000
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# Words of Zipf's law from 40 syllables.
invent() {
    awk 'BEGIN { srand(1); for (line = 0; line < 30000; line++) {
        text = ""
        for (i = 0; i < 12; i++) {
            rank = int(exp(rand() * log(20000))); word = ""
            for (k = rank * 7919 % 2560000; k > 0; k = int(k / 40))
                word = word substr("bcdfghjklm", k % 10 + 1, 1) substr("aeiou", k % 5 + 1, 1)
            text = text (i ? " " : "") word
        }
        print text "." } }'
}

text=${1-}
sample=${RILL_DATA:-$top/../shared/data}/multi30k/train.en.gz
if [ -z "$text" ] && [ -f "$sample" ]; then text=$sample; fi
if [ -n "$text" ]; then gzip -cdf "$text" >"$work/text" || exit 1; else invent >"$work/text"; fi
for _ in 1 2 3 4 5 6 7 8 9 10; do cat "$work/text"; done >"$work/long"

# seconds NAME COMMAND...: keeps the least user time of NAME in $work/NAME
seconds() {
    local name=$1 TIMEFORMAT=%U now before
    shift
    now=$({ time "$@" >"$work/out" 2>"$work/err"; } 2>&1) || { cat "$work/err"; exit 1; }
    before=$(cat "$work/$name.s" 2>/dev/null || echo "$now")
    awk -v a="$now" -v b="$before" 'BEGIN { print a < b ? a : b }' >"$work/$name.s"
}

if command -v spm_train >/dev/null && command -v spm_encode >/dev/null; then peer=yes; else peer=; fi
for _ in 1 2 3; do
    seconds learn "$build/rill-tokenize" learn --vocab-size $units --force -o "$work/codes" "$work/text"
    seconds apply "$build/rill-tokenize" apply --threads 1 "$work/codes" "$work/long"
    [ "$peer" ] || continue
    seconds learn_peer spm_train --input="$work/text" --model_prefix="$work/spm" --model_type=bpe \
        --vocab_size=$units --hard_vocab_limit=false --num_threads=1 --minloglevel=2
    seconds apply_peer spm_encode --model="$work/spm.model" --input="$work/long"
done
awk -v size="$(wc -c <"$work/text")" -v long="$(wc -c <"$work/long")" -v peer="$peer" -v units=$units \
    -v l="$(cat "$work/learn.s")" -v a="$(cat "$work/apply.s")" \
    -v pl="$(cat "$work/learn_peer.s" 2>/dev/null)" -v pa="$(cat "$work/apply_peer.s" 2>/dev/null)" '
    function row(name, bytes, own, other) {
        printf "%-8s%10.2f MB  rill %8.2f MB/s", name, bytes / 1e6, bytes / 1e6 / (own > 0 ? own : .001)
        if (peer) printf "   SentencePiece %8.2f MB/s   ratio %6.1f", bytes / 1e6 / other, other / (own > 0 ? own : .001)
        printf "\n"
    }
    BEGIN {
        printf "subword units (bpe, %d), one thread, processor time\n", units
        row("learn", size, l, pl)
        row("apply", long, a, pa)
        if (!peer) print "SentencePiece (spm_train, spm_encode) is not here: no ratio"
    }'
