#!/bin/sh
# get: fetches a public corpus, each file checked by size and SHA-256; no build or test needs it.
#
#   get.sh --list           what can be fetched
#   get.sh NAME [FOLDER]    fetch the set NAME into FOLDER (default: ./NAME)
#
# sources.tsv, beside this script, says where a file comes from: set, repository, commit, path, bytes,
# sha256. The commit is pinned, so the bytes can't change under us. A file that is already there is
# kept when it is the right one and never overwritten when it is not, so an interrupted run can simply
# be repeated. Licences stand in README.md. RILL_CORPORA_URL names a mirror: any address (file:// too)
# with REPOSITORY/COMMIT/PATH below it.
#
# Exit: 0 all files are there, 1 a file could not be fetched or is not what it should be, 2 usage.
set -u
LC_ALL=C
export LC_ALL
table=$(dirname -- "$0")/sources.tsv
base=${RILL_CORPORA_URL:-https://raw.githubusercontent.com}
tab=$(printf '\t')

die() {
    printf 'get.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

usage() {
    printf 'usage: get.sh --list | NAME [FOLDER]\n' >&2
    exit 2
}

# list: one line a set, in the order of the table.
list() {
    awk -F '\t' '
        NR == 1 { next }
        !($1 in files) { order[++sets] = $1; from[$1] = $2 }
        { files[$1]++; bytes[$1] += $5 }
        END {
            for (i = 1; i <= sets; i++) {
                name = order[i]
                printf "%-16s %2d files %7.1f MB  %s\n", name, files[name], bytes[name] / 1e6, from[name]
            }
        }' "$table"
}

# right FILE BYTES SHA256: whether FILE is exactly that.
right() {
    [ "$(wc -c <"$1" | tr -d ' ')" = "$2" ] || return 1
    if command -v sha256sum >/dev/null; then
        sum=$(sha256sum <"$1")
    else
        sum=$(shasum -a 256 <"$1")
    fi
    [ "${sum%% *}" = "$3" ]
}

download() {
    if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --output "$2" -- "$1"
    elif command -v wget >/dev/null; then
        wget --no-verbose --output-document="$2" -- "$1"
    else
        die "curl or wget is needed"
    fi
}

# fetch REPOSITORY COMMIT PATH BYTES SHA256: into $folder. The download gets a name of its own and is
# linked to the final one, which fails where a file has come up in the meantime.
fetch() {
    file=$folder/${3##*/}
    if [ -e "$file" ]; then
        right "$file" "$4" "$5" || die "$file: exists and is another file; move it away first"
        printf '%s: already there\n' "$file"
        return
    fi
    part=$folder/.${3##*/}.$$
    download "$base/$1/$2/$3" "$part" || die "$base/$1/$2/$3: download failed"
    right "$part" "$4" "$5" || die "$base/$1/$2/$3: not the expected $4 bytes with sha256 $5"
    ln -- "$part" "$file" || die "$file: can't be created"
    rm -f -- "$part"
    printf '%s: %s bytes, sha256 ok\n' "$file" "$4"
}

[ -r "$table" ] || die "$table: can't be read"
case ${1-} in
--list)
    [ $# -eq 1 ] || usage
    list
    exit
    ;;
'' | -*) usage ;;
esac
[ $# -le 2 ] || usage
name=$1
folder=${2:-./$name}
case $folder in
-*) folder=./$folder ;;
esac
cut -f 1 "$table" | sed 1d | grep -Fqx -e "$name" || die "unknown set \"$name\"; see get.sh --list" 2
mkdir -p "$folder" || exit 1

part=
trap 'rm -f -- ${part:+"$part"}' EXIT
trap 'exit 1' HUP INT TERM
while IFS=$tab read -r set repository commit path bytes sha; do
    [ "$set" != "$name" ] || fetch "$repository" "$commit" "$path" "$bytes" "$sha"
done <"$table"
