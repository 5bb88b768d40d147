/* replay: runs a fuzz target over a folder of inputs, so that `make check` repeats what fuzzing
 * found.
 *
 * A target defines LLVMFuzzerTestOneInput. Built by clang with -fsanitize=fuzzer and
 * -DRILL_LIBFUZZER it is a libFuzzer program; otherwise this main replays the files of the folders
 * named, by default $srcdir/tests/fuzz/FUZZ_FOLDER.
 */
#ifndef RILL_TESTS_FUZZ_REPLAY_H
#define RILL_TESTS_FUZZ_REPLAY_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef RILL_LIBFUZZER
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static int replay_file(const char *path) {
    FILE *in = fopen(path, "rb");
    if (!in) return 0; /* the folder's own entries, for one */
    uint8_t *data = NULL;
    size_t size = 0, room = 0, got = 1;
    while (got > 0) {
        if (size == room) data = realloc(data, room = room ? 2 * room : 1 << 16);
        if (!data) abort();
        got = fread(data + size, 1, room - size, in);
        size += got;
    }
    int failed = ferror(in);
    fclose(in);
    if (!failed) LLVMFuzzerTestOneInput(data, size);
    free(data);
    return !failed;
}

static int replay_folder(const char *folder) {
    DIR *all = opendir(folder);
    if (!all) {
        fprintf(stderr, "no folder %s\n", folder);
        return 0;
    }
    int count = 0;
    for (struct dirent *entry; (entry = readdir(all));) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.') count += replay_file(path);
    }
    closedir(all);
    printf("%s: %d inputs replayed\n", folder, count);
    return count;
}

int main(int argc, char **argv) {
    const char *source = getenv("srcdir");
    char folder[4096];
    int count = 0;
    snprintf(folder, sizeof folder, "%s/tests/fuzz/" FUZZ_FOLDER, source ? source : ".");
    if (argc < 2) count = replay_folder(folder);
    for (int i = 1; i < argc; i++) count += replay_folder(argv[i]);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE; /* replaying nothing would prove nothing */
}
#endif

#endif
