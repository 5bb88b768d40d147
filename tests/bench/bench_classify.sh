#!/bin/bash
# bench_classify: rill-classify beside fastText and PyTorch: the same data, one thread each, in one run.
#
#   bench_classify.sh [TRAIN DEV]   label TAB text; without them: MR where there are real data, else the
#                                   samples
#
# train: processor seconds of a whole training (fastText: 25 epochs with bigrams; PyTorch: the same
# BiLSTM with both poolings on the same words for as many epochs as rill, without naive Bayes; rill reads
# each text once, without R-drop, as PyTorch does).
# texts/s: labelling dev ten times over, start-up counted. A peer that is not there is named.
set -u
export LC_ALL=C
build=$(pwd) top=${srcdir:-.}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
train=${1-} dev=${2-} data=${RILL_DATA:-$top/../shared/data}/mr
if [ -z "$train" ]; then
    train=$top/corpora/sentiment.tsv dev=$top/corpora/sentiment-dev.tsv
    if [ -f "$data/train.tsv" ]; then train=$data/train.tsv dev=$data/dev.tsv; fi
fi
epochs=5
for _ in 1 2 3 4 5 6 7 8 9 10; do cut -f 2- "$dev"; done >"$work/long"
lines=$(wc -l <"$work/long")

# seconds COMMAND...: its user time, output in $work/out
seconds() {
    local TIMEFORMAT=%U
    { time "$@" >"$work/out" 2>"$work/err"; } 2>&1 || { cat "$work/err" >&2; exit 1; }
}
row() { # NAME TRAIN-SECONDS LABEL-SECONDS ACCURACY
    awk -v n="$1" -v t="$2" -v a="$3" -v l="$lines" -v acc="$4" \
        'BEGIN { printf "%-10s train %7.1f s   label %8.0f texts/s   accuracy %.2f %%\n", n, t, l / (a + 1e-9), 100 * acc }'
}

learn=$(seconds "$build/rill-classify" train -q --threads 1 --r-drop 0 --epochs $epochs --model "$work/m.rill" "$train")
label=$(seconds "$build/rill-classify" apply --threads 1 "$work/m.rill" "$work/long")
score=$("$build/rill-classify" eval --json --samples 0 "$work/m.rill" "$dev" | sed 's/.*"accuracy":\([0-9.]*\).*/\1/')
row rill "$learn" "$label" "$score"

if command -v fasttext >/dev/null; then
    for part in train dev; do
        awk -F '\t' '{ printf "__label__%s %s\n", $1, tolower($2) }' "${!part}" >"$work/$part.ft"
    done
    learn=$(seconds fasttext supervised -input "$work/train.ft" -output "$work/ft" -wordNgrams 2 \
        -epoch 25 -lr 0.5 -thread 1)
    label=$(seconds fasttext predict "$work/ft.bin" "$work/long")
    score=$(fasttext test "$work/ft.bin" "$work/dev.ft" | awk '/^P@1/ { print $2 }')
    row fastText "$learn" "$label" "$score"
else
    echo "fastText is not there"
fi
python=$(for p in python3 /usr/bin/python3; do $p -c 'import torch' 2>/dev/null && echo $p && break; done)
if [ -n "$python" ]; then
    read -r learn label score < <($python "$top/tests/bench/bench_torch_classify.py" "$train" "$dev" $epochs)
    row PyTorch "$learn" "$label" "$score"
else
    echo "PyTorch is not there"
fi
