#!/bin/sh
# check: the samples keep the formats they stand for, and train and dev share no sentence.
#
#   *.conllu   10 columns, ids in order, ranges over the words that follow, "# text" is exactly the
#              forms with SpaceAfter, UPOS of UD, FEATS sorted and written once, unique sent_id
#   *.conll    token TAB label; labels are O or B-/I- of the four types, I- only inside an entity
#   *.txt      one paragraph a line, no empty line, no space at either end
#   phrases*.tsv  English TAB Korean; English is printable ASCII, Korean is that and composed Hangul
#              syllables (so UTF-8 and NFC), no space too many, no English twice, no Korean of dev in
#              train, no word in dev that train does not have
#   sentiment*.tsv, spam*.txt  a label of the set, one blank or TAB, a text that stands once, also over
#              train and dev; valid UTF-8; both labels in every file
#   sources.tsv, and get.sh against a small mirror (the network is never used)
#
# Every rule is first tried on a file that breaks it.
set -eu
LC_ALL=C
export LC_ALL
here=${srcdir:-.}/corpora

# conllu FILES: prints the violations, and fails if there are any.
conllu() {
    awk -F '\t' '
    function wrong(text) { printf "%s:%d: %s\n", name, FNR, text; bad = 1 }

    # Appends a surface token, and the space after it.
    function surface(form, misc) {
        text = text form
        if (misc !~ /(^|[|])SpaceAfter=No([|]|$)/) text = text " "
    }

    # UD sorts features by name without regard to case; a name stands once.
    function features(list, count, i, part, key, last) {
        if (list == "_") return
        count = split(list, part, "|")
        last = ""
        for (i = 1; i <= count; i++) {
            if (part[i] !~ /^[A-Z][A-Za-z]*=[A-Z0-9][A-Za-z0-9]*$/) wrong("bad feature " part[i])
            key = tolower(part[i])
            sub(/=.*/, "", key)
            if (key <= last) wrong("features not sorted: " list)
            last = key
        }
    }

    function finish() {
        if (!words) wrong("sentence without words")
        sub(/ $/, "", text)
        if (!given) wrong("sentence without \"# text\"")
        else if (text != expected) wrong("\"# text\" is not the forms: " text)
        if (!named) wrong("sentence without \"# sent_id\"")
        if (words < range_end) wrong("range without its words")
        text = expected = ""
        open = words = range_end = given = named = 0
    }

    BEGIN {
        split("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X", list, " ")
        for (i in list) upos[list[i]]
    }

    FNR == 1 {
        if (open) { wrong("no empty line at the end of the file before"); finish() }
        name = FILENAME
        sub(/.*\//, "", name)
    }

    /\r/ { wrong("carriage return") }

    $0 == "" { finish(); next }

    { open = 1 }

    /^#/ {
        if (words) wrong("comment inside a sentence")
        if (sub(/^# text = /, "")) {
            expected = $0
            given++
            if ($0 in seen) wrong("sentence stands at " seen[$0] " too")
            seen[$0] = name ":" FNR
        } else if (sub(/^# sent_id = /, "")) {
            if ($0 in ids) wrong("sent_id stands twice: " $0)
            ids[$0]
            named++
        }
        next
    }

    NF != 10 { wrong("expected 10 columns, found " NF); next }

    {
        for (i = 1; i <= 10; i++) if ($i == "") wrong("column " i " is empty")
        if ($2 ~ / /) wrong("space in a form")
    }

    $1 ~ /^[0-9]+-[0-9]+$/ {
        split($1, edge, "-")
        if (edge[1] != words + 1 || edge[2] <= edge[1] || words < range_end) wrong("bad range " $1)
        range_end = edge[2]
        for (i = 3; i <= 9; i++) if ($i != "_") wrong("column " i " of a range is not _")
        surface($2, $10)
        next
    }

    {
        if ($1 != words + 1) wrong("id " $1 ", expected " words + 1)
        words++
        if (!($4 in upos)) wrong("unknown UPOS " $4)
        if ($3 == "_" && $2 != "_") wrong("no lemma")
        features($6)
        if (words > range_end) surface($2, $10)
        else if ($10 != "_") wrong("MISC of a word inside a range")
    }

    END {
        if (open) { wrong("no empty line at the end"); finish() }
        exit bad
    }' "$@"
}

# columns FILES: token TAB label.
columns() {
    awk -F '\t' '
    function wrong(text) { printf "%s:%d: %s\n", name, FNR, text; bad = 1 }

    function finish() {
        if (text == "") wrong("empty sentence")
        else if (text in seen) wrong("sentence stands at " seen[text] " too")
        seen[text] = name ":" FNR
        text = before = ""
    }

    FNR == 1 {
        if (text != "") { wrong("no empty line at the end of the file before"); finish() }
        name = FILENAME
        sub(/.*\//, "", name)
    }

    $0 == "" { finish(); next }

    {
        if (NF != 2 || $1 == "" || $1 ~ / /) wrong("expected token TAB label")
        if ($2 !~ /^(O|[BI]-(person|location|organization|product))$/) wrong("unknown label " $2)
        if ($2 ~ /^I/ && substr(before, 3) != substr($2, 3)) wrong($2 " after " before)
        before = $2
        text = text " " $1
    }

    END {
        if (text != "") { wrong("no empty line at the end"); finish() }
        exit bad
    }' "$@"
}

# pairs FILES: English TAB Korean; the first file is train, what follows must not repeat it.
pairs() {
    awk -F '\t' '
    function wrong(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }

    # Marks the words of a text as known, or asks for unknown ones.
    function words(text, known, count, i, word) {
        count = split(text, word, " ")
        for (i = 1; i <= count; i++) {
            if (known) seen_word[word[i]]
            else if (!(word[i] in seen_word)) wrong("no such word in train: " word[i])
        }
    }

    FNR == 1 { file++ }
    NF != 2 { wrong("expected English TAB Korean"); next }
    $1 !~ /^[!-~]+( [!-~]+)*$/ { wrong("English is no plain ASCII: " $1) }
    $2 ~ /^ |  | $/ { wrong("a space too many") }
    {
        korean = $2
        gsub(/\352[\260-\277][\200-\277]|[\353\354][\200-\277][\200-\277]/, "", korean)
        gsub(/\355[\200-\235][\200-\277]|\355\236[\200-\243]/, "", korean)
        if (korean ~ /[^ -~]/ || korean == $2) wrong("Korean is no composed Hangul: " $2)
        if ($1 in english) wrong("stands at " english[$1] " too")
        else english[$1] = FILENAME ":" FNR
        words($1, file == 1)
        words($2, file == 1)
    }
    file == 1 { train[$2] = FNR; next }
    $2 in train { wrong("the Korean stands in train:" train[$2]) }
    END { exit bad }' "$@"
}

# lines FILES: raw text; sources FILE: the table of public sets.
lines() {
    awk '
    /^[ \t]*$/ { printf "%s:%d: empty line\n", FILENAME, FNR; bad = 1; next }
    /^[ \t]|[ \t\r]$/ { printf "%s:%d: space at an end\n", FILENAME, FNR; bad = 1 }
    $0 in seen { printf "%s:%d: line stands twice\n", FILENAME, FNR; bad = 1 }
    { seen[$0] }
    END { exit bad }' "$@"
}

sources() {
    awk -F '\t' '
    FNR == 1 {
        if ($0 != "set\trepository\tcommit\tpath\tbytes\tsha256") { print FILENAME ": bad head"; bad = 1 }
        next
    }
    NF != 6 || length($3) != 40 || $3 $6 ~ /[^0-9a-f]/ || length($6) != 64 || $5 !~ /^[1-9][0-9]*$/ ||
        $1 !~ /^[a-z0-9-]+$/ || $2 !~ /^[^\/ ]+\/[^\/ ]+$/ || $4 ~ / |^\/|\.\./ {
        printf "%s:%d: bad row\n", FILENAME, FNR
        bad = 1
    }
    END { exit bad }' "$@"
}

# labelled FILES: `label TAB text` or `__label__x text`; nothing stands twice over all files.
labelled() {
    awk '
    function wrong(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
    FNR == 1 { if (file && (!one || !two)) wrong("a label is missing in " file); file = FILENAME; one = two = 0 }
    !/^(pos|neg)\t[^ \t].*[^ \t\r]$/ && !/^__label__(spam|ham) [^ \t].*[^ \t\r]$/ { wrong("expected label and text") }
    /^(pos|__label__spam)/ { one++ }
    /^(neg|__label__ham)/ { two++ }
    {
        text = $0
        sub(/^[^ \t]*[ \t]/, "", text)
        if (text in seen) wrong("stands at " seen[text] " too")
        seen[text] = FILENAME ":" FNR
    }
    END { if (!one || !two) wrong("a label is missing"); exit bad }' "$@"
}

fail() {
    printf 'check.sh: %s\n' "$1"
    exit 1
}

# breaks KIND COUNT: the rules of KIND must find COUNT faults in standard input.
breaks() {
    cat >"$tmp/broken"
    found=$("$1" "$tmp/broken") && fail "$1 accepts: $(cat "$tmp/broken")"
    [ "$(printf '%s\n' "$found" | wc -l)" -eq "$2" ] || fail "$1: expected $2 faults, found: $found"
}

# word ID FORM [UPOS [FEATS [MISC]]] and sentence TEXT: the pieces of broken CoNLL-U.
word() { printf '%s\t%s\tlemma\t%s\t_\t%s\t_\t_\t_\t%s\n' "$1" "$2" "${3-NOUN}" "${4-_}" "${5-_}"; }
sentence() { printf '# sent_id = %s\n# text = %s\n' "${2-x}" "$1"; }
range() { printf '%s\t%s\t_\t_\t_\t_\t_\t_\t_\t_\n' "$1" "$2"; }

self_test() {
    { sentence "a b"; word 1 a; word 3 b; echo; } | breaks conllu 1
    { sentence "a b"; word 1 a NOUN _ SpaceAfter=No; word 2 b; echo; } | breaks conllu 1
    { sentence a; word 1 a NUON; echo; } | breaks conllu 1
    { sentence a; word 1 a NOUN 'Number=Sing|Case=Nom'; echo; } | breaks conllu 1
    { sentence a; word 1 a NOUN 'Case=Nom|Case=Acc'; echo; } | breaks conllu 1
    { sentence a; word 1 a NOUN Case; echo; } | breaks conllu 1
    { sentence a; word 1 a; } | breaks conllu 1
    { sentence a; echo; } | breaks conllu 2
    { sentence a; printf '1\ta\n'; echo; } | breaks conllu 3
    { sentence ab; range 1-2 ab; word 1 a; echo; } | breaks conllu 1
    { sentence ab; range 2-3 ab; word 1 a; word 2 b; echo; } | breaks conllu 2
    { sentence a; word 1 a; echo; sentence a y; word 1 a; echo; } | breaks conllu 1
    { sentence a; word 1 a; echo; sentence b; word 1 b; echo; } | breaks conllu 1
    { word 1 a; echo; } | breaks conllu 2
    printf 'a\tO\nb\tI-person\n\n' | breaks columns 1
    printf 'a\tB-person\nb\tI-product\n\n' | breaks columns 1
    printf 'a\tB-planet\n\n' | breaks columns 1
    printf 'a O\n\n' | breaks columns 2
    printf 'a\tO\n\na\tO\n\n' | breaks columns 1
    printf 'a\tO\n' | breaks columns 1
    printf 'a\n\nb \na\n' | breaks lines 3
    printf 'a\t가\nb\n' | breaks pairs 1
    printf 'a\t가\na\t나\n' | breaks pairs 1
    printf ' a\t가\nb\t나  다\n' | breaks pairs 2
    printf 'a\tb\nc\t漢\nd\t\341\204\200\341\205\241\ne\t\355\237\277\nf\t\377\n' | breaks pairs 5
    printf 'caf\303\251\t가\n' | breaks pairs 1
    printf 'a b\t가 나\nc\t힣\n' >"$tmp/train"
    printf 'a\t가\nb c\t가 나\nb\t가 다\na b\t나\n' >"$tmp/dev"
    found=$(pairs "$tmp/train" "$tmp/dev") && fail "pairs accepts dev pairs of train"
    [ "$(printf '%s\n' "$found" | wc -l)" -eq 3 ] || fail "pairs: expected 3 faults, found: $found"
    pairs "$tmp/train" || fail "pairs refuses good ones"
    printf 'pos\tgood\nneg\tbad\npos\tbad\nmeh\tso\nneg\tend \n' | breaks labelled 3
    printf 'pos\tgood\n' | breaks labelled 1
    printf 'set\nx\ta/b\t1\tp\t1\t1\n' | breaks sources 2
}

# at_least COUNT WHAT FILE PATTERN: a sample that shrinks is noticed.
at_least() {
    count=$(grep -c -e "$3" "$here/$2") || :
    [ "$count" -ge "$1" ] || fail "$2: $count, expected at least $1"
}

# A mirror with two files, and what get.sh makes of it. GET_STATUS is its exit status.
get() {
    status=0
    RILL_CORPORA_URL="file://$tmp/mirror" "$tmp/tool/get.sh" "$@" >"$tmp/log" 2>&1 || status=$?
}
expect() {
    [ "$status" -eq "$1" ] || fail "get.sh $2: exit status $status, expected $1: $(cat "$tmp/log")"
}

get_test() {
    commit=0123456789012345678901234567890123456789
    mirror=$tmp/mirror/some/where/$commit
    mkdir -p "$mirror/deep" "$tmp/tool"
    cp "$here/get.sh" "$tmp/tool" && chmod +x "$tmp/tool/get.sh"
    printf 'alpha\n' >"$mirror/a.txt"
    printf 'beta\n' >"$mirror/deep/b.txt"
    {
        printf 'set\trepository\tcommit\tpath\tbytes\tsha256\n'
        for file in a.txt deep/b.txt; do
            sum=$(sha256sum <"$mirror/$file")
            bytes=$(wc -c <"$mirror/$file")
            printf 'pair\tsome/where\t%s\t%s\t%s\t%s\n' $commit $file "$bytes" "${sum%% *}"
        done
    } >"$tmp/tool/sources.tsv"

    get
    expect 2 "without a name"
    get --list extra
    expect 2 "with too much"
    get other
    expect 2 "of an unknown set"
    get --list
    expect 0 --list
    grep -q '^pair .* 2 files' "$tmp/log" || fail "get.sh --list: $(cat "$tmp/log")"
    get pair "$tmp/got"
    expect 0 "of a set"
    for file in a.txt deep/b.txt; do
        cmp -s "$tmp/got/${file##*/}" "$mirror/$file" || fail "get.sh: $file is not the mirror's"
    done
    get pair "$tmp/got"
    expect 0 "of a set that is there"

    echo mine >"$tmp/got/a.txt"
    get pair "$tmp/got"
    expect 1 "over another file"
    [ "$(cat "$tmp/got/a.txt")" = mine ] || fail "get.sh overwrote a file"
    rm "$tmp/got/a.txt" "$tmp/got/b.txt"
    echo alphA >"$mirror/a.txt"
    get pair "$tmp/got"
    expect 1 "of changed bytes"
    echo alpha and more >"$mirror/a.txt"
    get pair "$tmp/got"
    expect 1 "of another size"
    rm "$mirror/a.txt"
    get pair "$tmp/got"
    expect 1 "of a missing file"
    [ -z "$(ls -A "$tmp/got")" ] || fail "get.sh left $(ls -A "$tmp/got")"
}

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
self_test
bad=0
conllu "$here/english.conllu" "$here/english-dev.conllu" "$here/korean.conllu" || bad=1
columns "$here/entities.conll" "$here/entities-dev.conll" || bad=1
lines "$here/english.txt" "$here/korean.txt" "$here/fresh.txt" || bad=1
(cd "$here" && pairs phrases.tsv phrases-dev.tsv && pairs phrases-hand.tsv) || bad=1
awk -F '\t' 'NR == FNR { train[$0]; next } !($0 in train) { print FILENAME ":" FNR ": not in phrases.tsv"; bad = 1 }
    END { exit bad }' "$here/phrases.tsv" "$here/phrases-hand.tsv" || bad=1
lines "$here/fresh.en" || bad=1
cut -f 1 "$here/phrases.tsv" "$here/phrases-dev.tsv" | grep -qxFf "$here/fresh.en" &&
    fail "a line of fresh.en stands in phrases*.tsv"
labelled "$here/sentiment.tsv" "$here/sentiment-dev.tsv" || bad=1
labelled "$here/spam.txt" "$here/spam-dev.txt" || bad=1
sources "$here/sources.tsv" || bad=1
at_least 400 english.conllu '^# text'
at_least 80 english-dev.conllu '^# text'
at_least 60 korean.conllu '^# text'
at_least 150 entities.conll '^$'
at_least 40 entities-dev.conll '^$'
at_least 60 english.txt .
at_least 60 korean.txt .
at_least 10 fresh.txt .
at_least 2000 phrases.tsv .
at_least 200 phrases-hand.tsv .
at_least 200 phrases-dev.tsv .
at_least 10 fresh.en .
at_least 200 sentiment.tsv .
at_least 50 sentiment-dev.tsv .
at_least 150 spam.txt .
at_least 40 spam-dev.txt .
if command -v curl >/dev/null && command -v sha256sum >/dev/null; then
    get_test
else
    echo "check.sh: get.sh is not tested, curl or sha256sum is missing"
fi
exit $bad
