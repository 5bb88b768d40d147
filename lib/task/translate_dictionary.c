/* translate_dictionary: see translate_dictionary.h. */
#include "task/translate_dictionary.h"

#include <stdlib.h>

static int add_meaning(translate_dictionary *d, bytes word, bytes meaning, rill_error *error) {
    int32_t before = d->words.count, id, target;
    if (strmap_add(&d->words, word, &id) < 0 || strmap_add(&d->meanings, meaning, &target) < 0 ||
        mem_grow(&d->meaning, &d->room, (size_t)id + 1, sizeof *d->meaning) < 0) {
        return status_nomem(error);
    }
    if (id == before) d->meaning[id] = target;
    return 0;
}

static int add_line(translate_dictionary *d, const reader *r, bytes line, rill_error *error) {
    bytes rest = line, word, meaning;
    size_t at;
    if (!utf8_valid(line, &at)) {
        return status_set(error, RILL_EDATA, reader_name(r), reader_number(r), at + 1,
                          "invalid UTF-8");
    }
    if (!bytes_split(&rest, '\t', &word) || !bytes_split(&rest, '\t', &meaning) || word.size == 0) {
        return status_set(error, RILL_EDATA, reader_name(r), reader_number(r), 1,
                          "expected word TAB meaning");
    }
    return add_meaning(d, word, meaning, error);
}

int translate_dictionary_open(const char *path, translate_dictionary *out, rill_error *error) {
    reader *r;
    bytes line;
    int more;
    *out = (translate_dictionary){0};
    TRY(reader_open(path, 0, &r, error));
    while ((more = reader_text(r, &line, error)) > 0) {
        more = add_line(out, r, line, error);
        if (more < 0) break;
    }
    reader_close(r);
    if (more < 0) translate_dictionary_free(out);
    return more;
}

void translate_dictionary_free(translate_dictionary *d) {
    strmap_free(&d->words);
    strmap_free(&d->meanings);
    free(d->meaning);
    *d = (translate_dictionary){0};
}

bytes translate_dictionary_find(const translate_dictionary *d, bytes word) {
    int32_t id = strmap_find(&d->words, word);
    return id < 0 ? word : strmap_get(&d->meanings, d->meaning[id]);
}
