/* vocab: counting words, and the closed list of words that a model knows.
 *
 * Memory map: `words` (strmap) holds the strings one after the other in id order and the hash table
 * over them, `count` runs beside the ids. Sorting works on an index of the tally, which itself is
 * left as it was counted.
 */
#include "text/vocab.h"
#include "text/unicode.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- counting */

int tally_add(tally *t, bytes word, int64_t times) {
    int32_t id, before = t->words.count;
    TRY(mem_grow(&t->count, &t->room, (size_t)before + 1, sizeof *t->count));
    TRY(strmap_add(&t->words, word, &id));
    if (id == before) t->count[id] = 0;
    t->count[id] = count_sum(t->count[id], times);
    return 0;
}

void tally_free(tally *t) {
    strmap_free(&t->words);
    free(t->count);
    *t = (tally){0};
}

/* ---- building */

typedef struct entry {
    bytes word;
    int64_t count;
} entry;

/* Highest count first, then lowest bytes: a total order, since words are distinct. */
static int compare_entries(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return bytes_compare(x->word, y->word);
}

/* The words that stay, sorted; *count says how many. NULL when out of memory. */
static entry *sorted_entries(const vocab *v, const tally *t, int64_t min_count, size_t *count) {
    entry *list = mem_new((size_t)t->words.count, sizeof *list);
    *count = 0;
    for (int32_t i = 0; list && i < t->words.count; i++) {
        bytes word = strmap_get(&t->words, i);
        if (t->count[i] < min_count || strmap_find(&v->words, word) >= 0) continue;
        list[(*count)++] = (entry){word, t->count[i]};
    }
    if (list) qsort(list, *count, sizeof *list, compare_entries);
    return list;
}

/* Appends a string that must be new. `room` counts the elements of v->count. */
static int add_entry(vocab *v, size_t *room, bytes word, int64_t count, rill_error *error) {
    int32_t id, next = v->words.count;
    if (mem_grow(&v->count, room, (size_t)next + 1, sizeof *v->count) < 0 ||
        strmap_add(&v->words, word, &id) < 0) {
        return status_nomem(error);
    }
    if (id != next) {
        return status_fail(error, RILL_EDATA, "\"%.*s\" stands twice in the vocabulary",
                           (int)word.size, word.data);
    }
    v->count[id] = count;
    return 0;
}

static int build(vocab *v, const tally *t, const bytes *special, int32_t specials,
                 int64_t min_count, int32_t max_size, rill_error *error) {
    size_t room = 0, count;
    for (int32_t i = 0; i < specials; i++) TRY(add_entry(v, &room, special[i], 0, error));
    v->specials = specials;
    entry *list = sorted_entries(v, t, min_count, &count);
    if (!list) return status_nomem(error);
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        if (max_size && v->words.count >= max_size) break;
        status = add_entry(v, &room, list[i].word, list[i].count, error);
    }
    free(list);
    return status;
}

int vocab_build(vocab *v, const tally *t, const bytes *special, int32_t specials, int64_t min_count,
                int32_t max_size, rill_error *error) {
    if (min_count < 1) return status_fail(error, RILL_EUSAGE, "minimum count below 1");
    int status = build(v, t, special, specials, min_count, max_size, error);
    if (status < 0) vocab_free(v);
    return status;
}

void vocab_free(vocab *v) {
    strmap_free(&v->words);
    free(v->count);
    *v = (vocab){0};
}

int32_t vocab_id(const vocab *v, bytes word) {
    int32_t id = strmap_find(&v->words, word);
    if (id >= v->specials) return id;
    return v->specials ? 0 : -1;
}

bytes vocab_word(const vocab *v, int32_t id) {
    return strmap_get(&v->words, id);
}

/* ---- files */

static bool fits_a_line(bytes word) {
    for (size_t i = 0; i < word.size; i++) {
        if (strchr("\t\r\n", word.data[i]) && word.data[i]) return false;
    }
    return true;
}

int vocab_write(const vocab *v, writer *w, rill_error *error) {
    for (int32_t i = 0; i < v->words.count; i++) {
        bytes word = vocab_word(v, i);
        char count[32];
        if (!fits_a_line(word)) {
            return status_fail(error, RILL_EDATA, "word %" PRId32 " holds a tab or a line end", i);
        }
        int size = snprintf(count, sizeof count, "\t%" PRId64 "\n", v->count[i]);
        TRY(writer_add_bytes(w, word, error));
        TRY(writer_add(w, count, (size_t)size, error));
    }
    return 0;
}

/* Splits `word TAB count` and checks both. */
static int parse_line(const reader *r, bytes line, bytes *word, int64_t *count, rill_error *error) {
    size_t bad, number = reader_number(r);
    bytes rest = line;
    if (!utf8_valid(line, &bad)) {
        return status_set(error, RILL_EDATA, reader_name(r), number, bad + 1, "invalid UTF-8");
    }
    bytes_split(&rest, '\t', word);
    if (!rest.data) {
        return status_set(error, RILL_EDATA, reader_name(r), number, line.size + 1,
                          "expected word TAB count");
    }
    size_t column = (size_t)(rest.data - line.data) + 1;
    if (!bytes_to_int(rest, count) || *count < 0) {
        int shown = rest.size < 40 ? (int)rest.size : 40;
        return status_set(error, RILL_EDATA, reader_name(r), number, column,
                          "expected a count, found \"%.*s\"", shown, rest.data);
    }
    return 0;
}

static int read_entry(vocab *v, size_t *room, const reader *r, bytes line, rill_error *error) {
    bytes word;
    int64_t count;
    size_t number = reader_number(r);
    TRY(parse_line(r, line, &word, &count, error));
    if (count == 0 && v->specials < v->words.count) {
        return status_set(error, RILL_EDATA, reader_name(r), number, word.size + 2,
                          "count 0 marks a special word, and these come first");
    }
    if (strmap_find(&v->words, word) >= 0) {
        int shown = word.size < 60 ? (int)word.size : 60;
        return status_set(error, RILL_EDATA, reader_name(r), number, 1,
                          "\"%.*s\" stands twice in the vocabulary", shown, word.data);
    }
    TRY(add_entry(v, room, word, count, error));
    v->specials += count == 0;
    return 0;
}

int vocab_read(vocab *v, reader *r, rill_error *error) {
    bytes line;
    size_t room = 0;
    int got, status = 0;
    while (status == 0 && (got = reader_line(r, &line, error)) != 0) {
        status = got < 0 ? got : read_entry(v, &room, r, line, error);
    }
    if (status < 0) vocab_free(v);
    return status;
}

int vocab_save(const vocab *v, const char *path, rill_error *error) {
    writer *w;
    TRY(writer_open(path, &w, error));
    int status = vocab_write(v, w, error);
    if (status == 0) status = writer_commit(w, error);
    writer_close(w);
    return status;
}

int vocab_open(vocab *v, const char *path, rill_error *error) {
    reader *r;
    TRY(reader_open(path, 0, &r, error));
    int status = vocab_read(v, r, error);
    reader_close(r);
    return status;
}

/* ---- model files */

/* Specials (count 0) first, then words in the order of compare_entries. A vocabulary that was read
 * from a file may have any order of words, so only the counts' signs are checked. */
static int check_counts(vocab *v, rill_error *error) {
    for (int32_t i = 0; i < v->words.count; i++) {
        if (v->count[i] == 0 && v->specials == i) {
            v->specials++;
        } else if (v->count[i] <= 0) {
            return status_fail(error, RILL_EMODEL, "vocabulary: count of word %" PRId32 " is bad",
                               i);
        }
    }
    return 0;
}

static int check_words(const vocab *v, rill_error *error) {
    for (int32_t i = 0; i < v->words.count; i++) {
        if (!utf8_valid(vocab_word(v, i), NULL)) {
            return status_fail(error, RILL_EMODEL, "vocabulary: word %" PRId32 " is not UTF-8", i);
        }
    }
    return 0;
}

int vocab_restore(vocab *v, bytes text, const int64_t *start, const int64_t *count, size_t size,
                  rill_error *error) {
    int status = strmap_load(&v->words, text, start, size, error);
    if (status == 0) {
        v->count = mem_new(size, sizeof *v->count);
        status = v->count ? 0 : status_nomem(error);
    }
    if (status == 0) {
        if (size) memcpy(v->count, count, size * sizeof *count);
        status = check_counts(v, error);
    }
    if (status == 0) status = check_words(v, error);
    if (status < 0) vocab_free(v);
    return status;
}
