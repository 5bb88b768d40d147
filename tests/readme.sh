#!/bin/sh
# readme: runs the examples of README.md, one after the other in one folder with the samples of
# corpora/ and the tools in PATH.
#
#   <!-- run -->      a block of shell: every command of it must succeed. Training is cut to one epoch.
#   <!-- compile -->  a C program: must compile without a warning, link to the library and run
set -u
build=$(pwd)
top=$(cd "${srcdir:-.}" && pwd)
LC_ALL=C
export LC_ALL
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# Blocks become $work/1.sh, $work/2.c, ...
awk -v work="$work/" '
    $0 == "<!-- run -->" { kind = "sh"; next }
    $0 == "<!-- compile -->" { kind = "c"; next }
    kind && $0 == "```" kind { count++; file = work count "." kind; kind = ""; next }
    file && $0 == "```" { close(file); file = ""; next }
    file { print >file; next }
    $0 != "" { kind = "" }' "$top/README.md"

mkdir "$work/bin" "$work/run"
for tool in rill-tag rill-translate; do
    cat >"$work/bin/$tool" <<END
#!/bin/sh
if [ "\$1" = train ]; then exec "$build/$tool" "\$@" --epochs 1; fi
exec "$build/$tool" "\$@"
END
    chmod +x "$work/bin/$tool"
done
PATH=$work/bin:$build:$PATH
cp -r "$top/corpora" "$work/run/corpora"
chmod -R u+w "$work/run"
cd "$work/run" || exit 1

# libtool links against the library that was just built, installed or not.
compile() {
    flags=$(sed -n 's/^MODE_CFLAGS = //p' "$build/Makefile")
    # shellcheck disable=SC2086
    "$build/libtool" --quiet --tag=CC --mode=link ${CC:-gcc} -std=c11 -Wall -Wextra -Werror $flags \
        -I"$top/lib" -o example "$1" "$build/librill.la" && ./example
}

example() {
    case $1 in
    *.c) compile "$1" ;;
    *) sh -eu "$1" ;;
    esac
}

number=1
while file=$(ls "$work/$number".* 2>/dev/null); do
    if example "$file" >out 2>&1 </dev/null; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "example $number of README.md failed:"
        cat "$file" out
    fi
    number=$((number + 1))
done
echo "Checks: $((passed + failed)), Failures: $failed, Errors: 0"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
