/* remap: see remap.h.
 *
 *     old ids   0 <unk>  1 the  2 cat  3 sat        wanted: sat, dog, the
 *     from      0        1      3      0            [new ids] old row of each
 *     new ids   0 <unk>  1 the  2 sat  3 dog        dog has the row of <unk>
 *
 * Tensors that follow are gathered by `from`; all others are written from the mapping as they
 * stand.
 */
#include "task/remap.h"

#include "task/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct remap {
    bundle *b;
    const remap_spec *spec;
    vocab old, now;
    int32_t *from; /* [vocab_size(now)] */
    size_t from_room, count_room;
    void **rows; /* gathered tensors, until the file is written */
    size_t held, rows_room;
} remap;

static void remap_free(remap *m) {
    vocab_free(&m->old);
    vocab_free(&m->now);
    free(m->from);
    for (size_t i = 0; i < m->held; i++) free(m->rows[i]);
    free(m->rows);
}

/* ---- which rows */

/* The wanted words as the model spells them; counts of words that become one are added up. */
static int take_wanted(remap_spelling spelling, const vocab *wanted, tally *out) {
    buffer plain = {0}, lower = {0};
    unicode_map map = {0};
    int status = 0;
    for (int32_t i = wanted->specials; i < vocab_size(wanted) && status == 0; i++) {
        buffer_clear(&plain);
        buffer_clear(&lower);
        status = unicode_normalise(vocab_word(wanted, i), spelling.form, &plain, &map);
        if (spelling.lower) unicode_lower(buffer_view(&plain), &lower);
        if (status == 0 && (plain.failed || lower.failed)) status = RILL_ENOMEM;
        if (status < 0) break;
        status = tally_add(out, buffer_view(spelling.lower ? &lower : &plain), wanted->count[i]);
    }
    buffer_free(&plain);
    buffer_free(&lower);
    unicode_map_free(&map);
    return status;
}

static int add_row(remap *m, bytes word, int64_t count, int32_t from) {
    int32_t id;
    size_t next = (size_t)vocab_size(&m->now);
    TRY(mem_grow(&m->now.count, &m->count_room, next + 1, sizeof *m->now.count));
    TRY(mem_grow(&m->from, &m->from_room, next + 1, sizeof *m->from));
    TRY(strmap_add(&m->now.words, word, &id));
    m->now.count[id] = count;
    m->from[id] = from;
    return 0;
}

static int keep_rows(remap *m, const tally *wanted, remap_report *r) {
    for (int32_t i = 0; i < vocab_size(&m->old); i++) {
        bytes word = vocab_word(&m->old, i);
        int32_t known = i < m->old.specials ? -1 : strmap_find(&wanted->words, word);
        if (i >= m->old.specials && known < 0) continue;
        TRY(add_row(m, word, m->old.count[i], i));
        r->kept += known >= 0;
        if (known >= 0) r->covered_after = count_sum(r->covered_after, wanted->count[known]);
    }
    r->covered_before = r->covered_after;
    return 0;
}

static int add_rows(remap *m, const tally *wanted, remap_report *r) {
    for (int32_t i = 0; i < wanted->words.count; i++) {
        bytes word = strmap_get(&wanted->words, i);
        if (strmap_find(&m->old.words, word) >= 0) continue;
        TRY(add_row(m, word, wanted->count[i], 0));
        r->added++;
        r->covered_after = count_sum(r->covered_after, wanted->count[i]);
    }
    return 0;
}

static int choose_rows(remap *m, remap_spelling spelling, const vocab *wanted, bool add,
                       remap_report *r, rill_error *error) {
    tally list = {0};
    *r = (remap_report){.before = vocab_size(&m->old) - m->old.specials};
    int status = take_wanted(spelling, wanted, &list);
    for (int32_t i = 0; i < list.words.count; i++) {
        r->running = count_sum(r->running, list.count[i]);
    }
    if (status == 0) status = keep_rows(m, &list, r);
    if (status == 0 && add) status = add_rows(m, &list, r);
    m->now.specials = m->old.specials;
    r->after = vocab_size(&m->now) - m->now.specials;
    r->dropped = r->before - r->kept;
    tally_free(&list);
    return status < 0 ? status_nomem(error) : 0;
}

/* ---- writing */

static bool follows(const remap_spec *spec, const char *name) {
    for (const char *const *f = spec->follow; *f; f++) {
        size_t size = strlen(*f);
        bool open = size && (*f)[size - 1] == '*';
        if (open ? !strncmp(name, *f, size - 1) : !strcmp(name, *f)) return true;
    }
    return false;
}

/* NAME.text, NAME.start, NAME.count: written from the new vocabulary instead. */
static bool is_own(const remap_spec *spec, const char *name) {
    static const char *const ends[] = {"text", "start", "count"};
    size_t size = strlen(spec->name);
    if (strncmp(name, spec->name, size) || name[size] != '.') return false;
    for (int i = 0; i < 3; i++) {
        if (!strcmp(name + size + 1, ends[i])) return true;
    }
    return false;
}

static int gather(remap *m, bundle_writer *w, const bundle_entry *e, rill_error *error) {
    if (e->rank < 1 || e->shape[0] != vocab_size(&m->old)) {
        return load_damaged(m->b, error, e->name);
    }
    size_t row = e->size / (size_t)e->shape[0], rows = (size_t)vocab_size(&m->now);
    if (mem_grow(&m->rows, &m->rows_room, m->held + 1, sizeof *m->rows) < 0) {
        return status_nomem(error);
    }
    char *data = mem_new(rows, row);
    if (!data) return status_nomem(error);
    m->rows[m->held++] = data;
    for (size_t i = 0; i < rows; i++) {
        memcpy(data + i * row, (const char *)e->data + (size_t)m->from[i] * row, row);
    }
    int64_t shape[BUNDLE_RANK];
    memcpy(shape, e->shape, sizeof shape);
    shape[0] = vocab_size(&m->now);
    return bundle_writer_tensor(w, e->name, e->type, e->rank, shape, data, error);
}

static int fill(remap *m, bundle_writer *w, rill_error *error) {
    for (size_t i = 0; i < bundle_meta_count(m->b); i++) {
        const char *value, *key = bundle_meta_at(m->b, i, &value);
        TRY(bundle_writer_meta(w, key, bytes_of(value), error));
    }
    TRY(store_vocab(w, m->spec->name, &m->now, error));
    for (size_t i = 0; i < bundle_count(m->b); i++) {
        const bundle_entry *e = bundle_at(m->b, i);
        if (is_own(m->spec, e->name)) continue;
        if (follows(m->spec, e->name)) {
            TRY(gather(m, w, e, error));
        } else {
            TRY(bundle_writer_tensor(w, e->name, e->type, e->rank, e->shape, e->data, error));
        }
    }
    return 0;
}

static int write_file(remap *m, const char *path, rill_error *error) {
    bundle_writer *w = NULL;
    TRY(bundle_writer_new(&w, error));
    int status = fill(m, w, error);
    if (status == 0) status = bundle_writer_save(w, path, error);
    bundle_writer_free(w);
    return status;
}

int remap_model(bundle *b, const remap_spec *spec, remap_spelling spelling, const vocab *wanted,
                bool add, const char *path, remap_report *report, rill_error *error) {
    remap m = {.b = b, .spec = spec};
    if (vocab_size(wanted) == wanted->specials) {
        return status_fail(error, RILL_EDATA, "the vocabulary holds no words, so none would stay");
    }
    int status = load_vocab(b, spec->name, &m.old, error);
    if (status == 0) status = choose_rows(&m, spelling, wanted, add, report, error);
    if (status == 0) status = write_file(&m, path, error);
    remap_free(&m);
    return status;
}
