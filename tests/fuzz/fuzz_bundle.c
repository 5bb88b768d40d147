/* fuzz_bundle: opening any bytes as a model file never crashes, and what opens can be used.
 *
 *     clang -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -DRILL_BUILD -DRILL_LIBFUZZER \
 *         -Ilib tests/fuzz/fuzz_bundle.c lib/base/?*.c lib/text/unicode.c lib/model/bundle*.c \
 *         -ljansson -lxxhash -lz -lutf8proc -lm -lpthread -o fuzz_bundle
 *     ./fuzz_bundle -max_total_time=180 new-inputs tests/fuzz/bundle
 *
 * Checksums would stop a fuzzer at the door. An input that begins with R is a file as it stands; in
 * any other the text up to the first NUL is a recipe (craft.h) and the rest are the data, so that
 * changed headers come with right seals and hashes.
 */
#define FUZZ_FOLDER "bundle"
#include "replay.h"
#include "../craft.h"

/* Reads everything an open bundle offers; a wrong pointer shows under AddressSanitizer. */
static void use_tensor(bundle *b, size_t i, uint64_t *sum) {
    const bundle_entry *e = bundle_at(b, i), *found;
    *sum += hash64(e->data, e->size);
    if (bundle_tensor(b, e->name, e->type, e->rank, e->shape, &found, NULL) < 0 || found != e) {
        abort();
    }
    size_t size = strlen(e->name);
    if (size < 5 || strcmp(e->name + size - 5, ".text") != 0) return;
    char name[BUNDLE_NAME_LIMIT + 1];
    strmap words = {0};
    memcpy(name, e->name, size - 5);
    name[size - 5] = 0;
    int status = bundle_strings(b, name, &words, NULL);
    for (int32_t k = 0; status == 0 && k < words.count; k++) {
        bytes word = strmap_get(&words, k);
        if (strmap_find(&words, word) != k) abort();
        *sum += word.size;
    }
    strmap_free(&words);
}

static void use_bundle(bundle *b) {
    uint64_t sum = 0;
    for (size_t i = 0; i < bundle_count(b); i++) use_tensor(b, i, &sum);
    if (bundle_all_used(b, NULL) < 0) abort();
    for (size_t i = 0; i < bundle_meta_count(b); i++) {
        const char *value, *key = bundle_meta_at(b, i, &value);
        if (bundle_meta(b, key) != value) abort();
        sum += strlen(value);
    }
    static volatile uint64_t sink; /* so that nothing is optimised away */
    sink = sum;
    (void)sink;
}

static bytes raw_file(const uint8_t *data, size_t size) {
    char *file = aligned_alloc(BUNDLE_ALIGN, (size + BUNDLE_ALIGN) / BUNDLE_ALIGN * BUNDLE_ALIGN);
    if (!file) abort();
    if (size) memcpy(file, data, size);
    return (bytes){file, size};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bytes input = {(const char *)data, size}, recipe, file;
    if (size > 0 && data[0] == 'R') {
        file = raw_file(data + 1, size - 1);
    } else {
        bytes_split(&input, 0, &recipe);
        file = craft_file(recipe, input.data ? input : (bytes){"", 0});
    }
    bundle *b;
    rill_error why = {0};
    int status = bundle_open_bytes(file, "input", &b, &why);
    if (status == 0) {
        use_bundle(b);
    } else if (status != RILL_EMODEL || !why.message[0] || b) {
        abort();
    }
    bundle_close(b);
    free((void *)file.data);
    return 0;
}
