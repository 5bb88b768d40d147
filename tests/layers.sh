#!/bin/sh
# layers: the dependency law of lib/LAYERS, checked on every #include in lib/ and tools/.
#
#   lib/FLOOR/*   "floor/..." of its own floor or a listed one, and "rill.h"; nothing else in quotes
#                 but config.h; a <third-party> header only in the file that is its home
#   lib/*         everything of lib/; no third-party header
#   tools/*       "rill.h" and headers that stand in tools/; no third-party header
#
# Third-party is what is neither C, POSIX, Linux nor the compiler: a header that this script does not
# know needs a home. Floors stand lowest first and may list earlier ones only, so there are no cycles.
set -u
LC_ALL=C
export LC_ALL

# check ROOT: prints the violations below ROOT, and fails if there are any.
check() {
    # shellcheck disable=SC2016
    (cd "$1" && find lib tools -type f \( -name '*.[ch]' -o -name '*.def' \) | sort |
        xargs awk '
        function wrong(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }

        FILENAME == "lib/LAYERS" {
            if ($1 ~ /^#/ || NF == 0) next
            if ($1 == "home") { home[$2] = "lib/" $3; next }
            floor = $1
            if (!sub(/:$/, "", floor)) wrong("expected \"floor: floors\" or \"home header file\"")
            for (i = 2; i <= NF; i++) {
                if (!($i in known)) wrong("floor " $i " stands after " floor " or nowhere")
                may[floor, $i] = 1
            }
            known[floor] = may[floor, floor] = 1
            next
        }

        FNR == 1 {
            parts = split(FILENAME, part, "/")
            own = parts > 2 ? part[2] : ""
            if (part[1] == "lib" && own != "" && !(own in known)) wrong("unknown floor " own)
        }

        !/^[ \t]*#[ \t]*include/ { next }

        {
            name = $0
            sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
            quoted = name ~ /^"/
            sub(/^["<]/, "", name)
            sub(/[">].*$/, "", name)
        }

        !quoted {
            if (name in home) {
                if (FILENAME != home[name]) wrong("<" name "> belongs into " home[name])
            } else if (name !~ system_header) {
                wrong("<" name "> has no home in lib/LAYERS")
            }
            next
        }

        name == "rill.h" || name == "config.h" { next }
        name ~ /\.\./ { wrong("\"" name "\" leaves its folder"); next }

        part[1] == "tools" {
            local = name
            sub(/^tools\//, "", local)
            if ((getline line < ("tools/" local)) < 0) wrong("\"" name "\" is not in tools/")
            close("tools/" local)
            next
        }

        {
            sub(/^lib\//, "", name) # generated files are reached from the top of the build
            if (!index(name, "/")) { wrong("\"" name "\" does not name its floor"); next }
            target = substr(name, 1, index(name, "/") - 1)
            if (!(target in known)) wrong("\"" name "\" is on no floor")
            else if (own != "" && !((own, target) in may)) wrong("floor " own " may not use " target)
        }

        END { exit bad }
        ' system_header="$system_header" lib/LAYERS)
}

c='assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale|math|setjmp|signal|std[a-z]+'
c="$c|string|tgmath|threads|time|uchar|wchar|wctype"
posix='dirent|dlfcn|fcntl|fnmatch|getopt|glob|langinfo|poll|pthread|pwd|regex|sched|semaphore|strings'
posix="$posix|syslog|termios|unistd|arpa/[a-z]+|net/[a-z]+|netinet/[a-z]+|sys/[a-z]+"
other='linux/[a-z]+|cpuid|immintrin|arm_neon|malloc'
system_header="^($c|$posix|$other)[.]h\$"

# A tree with one violation of each kind: the check must see every one of them.
self_test() {
    tree=$(mktemp -d) || exit 1
    trap 'rm -rf "$tree"' EXIT
    mkdir -p "$tree/lib/low" "$tree/lib/high" "$tree/lib/attic" "$tree/tools"
    printf 'low:\nhigh: low\nhome zlib.h low/io.c\n' >"$tree/lib/LAYERS"
    printf '#include "low/a.h"\n#include "rill.h"\n#include <zlib.h>\n' >"$tree/lib/low/io.c"
    printf '#include <stdio.h>\n#  include "high/b.h"\n' >"$tree/lib/low/up.c"
    printf '#include "low/a.h"\n#include <zlib.h>\n' >"$tree/lib/high/home.c"
    printf '#include "a.h"\n#include "../low/a.h"\n' >"$tree/lib/high/path.h"
    printf '#include <glib.h>\n' >"$tree/lib/api.c"
    printf 'int x;\n' >"$tree/lib/attic/x.c"
    printf '#include "cli.h"\n#include "low/a.h"\n' >"$tree/tools/t.c"
    printf '\n' >"$tree/tools/cli.h"
    cat >"$tree/expected" <<END
lib/api.c:1: <glib.h> has no home in lib/LAYERS
lib/attic/x.c:1: unknown floor attic
lib/high/home.c:2: <zlib.h> belongs into lib/low/io.c
lib/high/path.h:1: "a.h" does not name its floor
lib/high/path.h:2: "../low/a.h" leaves its folder
lib/low/up.c:2: floor low may not use high
tools/t.c:2: "low/a.h" is not in tools/
END
    if check "$tree" >"$tree/found"; then
        echo "layers.sh: the self test found nothing"
        exit 1
    fi
    diff "$tree/expected" "$tree/found" || exit 1
}

self_test
check "${srcdir:-.}"
