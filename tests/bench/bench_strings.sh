#!/bin/sh
# bench_strings: does the attention find its way? Random strings of letters copied and reversed, digits
# sorted; trained on 80,000 strings of 20 to 44 letters (160,000 of 10 to 22 digits), scored on 1,000
# unseen ones of 40 (20), a length that is not the edge of what was seen. Each must be right as a whole.
# TASKS names some of them, OPTIONS are for the training.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# strings TASK COUNT LEAST MOST SEED: lines of source TAB target, symbols with blanks between them.
strings() {
    awk -v task="$1" -v count="$2" -v least="$3" -v most="$4" -v seed="$5" 'BEGIN {
        srand(seed)
        letters = task == "sort" ? "0123456789" : "abcdefghijklmnopqrstuvwxyz"
        for (i = 0; i < count; i++) {
            n = least + int(rand() * (most - least + 1))
            for (k = 1; k <= n; k++) symbol[k] = substr(letters, 1 + int(rand() * length(letters)), 1)
            source = target = ""
            for (k = 1; k <= n; k++) source = source (k > 1 ? " " : "") symbol[k]
            for (k = 2; task == "sort" && k <= n; k++) {
                for (j = k; j > 1 && symbol[j - 1] > symbol[j]; j--) {
                    x = symbol[j]; symbol[j] = symbol[j - 1]; symbol[j - 1] = x
                }
            }
            for (k = 1; k <= n; k++) target = target (k > 1 ? " " : "") symbol[task == "reverse" ? n + 1 - k : k]
            print source "\t" target
        }
    }'
}

for task in ${TASKS-copy reverse sort}; do
    longest=40
    [ "$task" = sort ] && longest=20
    strings "$task" $((3200000 / longest)) $((longest / 2)) $((longest * 11 / 10)) 1 >"$work/train.tsv"
    strings "$task" 1000 "$longest" "$longest" 2 >"$work/test.tsv"
    start=$(date +%s)
    # shellcheck disable=SC2086
    ./rill-translate train --force --model "$work/model.rill" --units word --min-count 1 --metric exact \
        --embed 64 --encoder-hidden 256 --decoder-hidden 256 --smoothing 0 --dropout 0 --rate 0.004 \
        --epochs 3 --batch 1024 ${OPTIONS-} "$work/train.tsv" >"$work/log" 2>&1
    took=$(($(date +%s) - start))
    ./rill-translate eval "$work/model.rill" "$work/test.tsv" |
        sed -n "s/^exact  */$task: exact /p" | sed "s/\$/, trained in $took s/"
done
