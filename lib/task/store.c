/* store: see store.h. */
#include "task/store.h"

#include <stdio.h>
#include <string.h>

/* ---- saving */

int store_json(bundle_writer *w, const char *key, json_t *json, rill_error *error) {
    buffer text = {0};
    int status = json ? json_write(json, &text, error) : status_nomem(error);
    json_decref(json);
    if (status == 0) status = bundle_writer_meta(w, key, buffer_view(&text), error);
    buffer_free(&text);
    return status;
}

int store_head(bundle_writer *w, const char *task, const option_table *table, const void *options,
               bytes summary, rill_error *error) {
    json_t *config = NULL;
    TRY(bundle_writer_meta(w, "task", bytes_of(task), error));
    TRY(options_store(table, options, &config, error));
    TRY(store_json(w, "config", config, error));
    return bundle_writer_meta(w, "summary", summary, error);
}

int store_vocab(bundle_writer *w, const char *name, const vocab *v, rill_error *error) {
    char count[48];
    int64_t shape[] = {vocab_size(v)};
    snprintf(count, sizeof count, "%s.count", name);
    TRY(bundle_writer_strings(w, name, &v->words, error));
    return bundle_writer_tensor(w, count, BUNDLE_I64, 1, shape, v->count, error);
}

int store_text(bundle_writer *w, const char *name, bytes text, int64_t range[2],
               rill_error *error) {
    range[0] = 0;
    range[1] = (int64_t)text.size;
    return bundle_writer_list(w, name, text, range, 1, error);
}

int store_vectors(bundle_writer *w, const strmap *words, rill_error *error) {
    return words->count > 0 ? bundle_writer_strings(w, "vectors", words, error) : 0;
}

int store_weights(bundle_writer *w, const params *p, const real *weights, rill_error *error) {
    for (size_t i = 0; i < p->count; i++) {
        const param *it = &p->list[i];
        int64_t shape[] = {it->rows, it->cols};
        TRY(bundle_writer_tensor(w, it->name, BUNDLE_F32, 2, shape, weights + it->offset, error));
    }
    return 0;
}

/* ---- loading */

int load_damaged(const bundle *b, rill_error *error, const char *field) {
    const char *task = bundle_meta(b, "task");
    return status_set(error, RILL_EMODEL, bundle_name(b), 0, 0,
                      "field %s is not what a model of task \"%s\" holds", field, task ? task : "");
}

int load_json(const bundle *b, const char *key, json_t **out, rill_error *error) {
    const char *text;
    TRY(bundle_need_meta(b, key, &text, error));
    if (json_read(bytes_of(text), bundle_name(b), out, NULL) < 0) return load_damaged(b, error, key);
    return 0;
}

static int load_options(bundle *b, const option_table *table, void *options, rill_error *error) {
    json_t *config = NULL;
    rill_error why = {0};
    TRY(options_defaults(table, options, error));
    TRY(load_json(b, "config", &config, error));
    int status = options_restore(table, options, config, &why);
    json_decref(config);
    if (status == RILL_ENOMEM) return status_nomem(error);
    if (status == 0) return 0;
    return status_set(error, RILL_EMODEL, bundle_name(b), 0, 0, "field config: %s", why.message);
}

int load_head(bundle *b, const char *task, const option_table *table, void *options,
              bytes *summary, rill_error *error) {
    const char *text;
    TRY(bundle_need_meta(b, "task", &text, error));
    if (strcmp(text, task)) {
        return status_set(error, RILL_EMODEL, bundle_name(b), 0, 0,
                          "found a model of task \"%s\", expected \"%s\"", text, task);
    }
    TRY(bundle_need_meta(b, "summary", &text, error));
    *summary = bytes_of(text);
    return load_options(b, table, options, error);
}

int load_vocab(bundle *b, const char *name, vocab *v, rill_error *error) {
    char counts[48];
    bytes text;
    const int64_t *start;
    size_t count;
    const bundle_entry *entry;
    TRY(bundle_list(b, name, &text, &start, &count, error));
    snprintf(counts, sizeof counts, "%s.count", name);
    int64_t shape[] = {(int64_t)count};
    TRY(bundle_tensor(b, counts, BUNDLE_I64, 1, shape, &entry, error));
    TRY(vocab_restore(v, text, start, entry->data, count, error));
    return v->specials == 1 ? 0 : load_damaged(b, error, name);
}

int load_text(bundle *b, const char *name, bytes *out, rill_error *error) {
    const int64_t *start;
    size_t count;
    TRY(bundle_list(b, name, out, &start, &count, error));
    return count == 1 ? 0 : load_damaged(b, error, name);
}

int load_rules(bundle *b, unicode_form form, tokenizer **out, rill_error *error) {
    bytes text;
    TRY(load_text(b, "rules", &text, error));
    int status = tokenizer_new(text, form, bundle_name(b), out, error);
    if (status < 0 && status != RILL_ENOMEM) {
        status = RILL_EMODEL;
        if (error) error->code = status;
    }
    return status;
}

int load_vectors(bundle *b, strmap *words, int *width, rill_error *error) {
    const bundle_entry *table = bundle_find(b, "vector.weight");
    if (!table) return 0;
    if (table->rank != 2 || table->shape[1] < 1 || table->shape[1] > 65536) {
        return load_damaged(b, error, "vector.weight");
    }
    *width = (int)table->shape[1];
    TRY(bundle_strings(b, "vectors", words, error));
    return words->count == 0 ? load_damaged(b, error, "vectors") : 0;
}

int load_weights(bundle *b, params *p, rill_error *error) {
    const bundle_entry *entry;
    for (size_t i = 0; i < p->count; i++) {
        int64_t shape[] = {p->list[i].rows, p->list[i].cols};
        TRY(bundle_tensor(b, p->list[i].name, BUNDLE_F32, 2, shape, &entry, error));
    }
    if (params_alloc(p, false) < 0) return status_nomem(error);
    for (size_t i = 0; i < p->count; i++) {
        entry = bundle_find(b, p->list[i].name);
        memcpy(params_value(p, (int)i), entry->data, entry->size);
    }
    const compute plain = {.k = cpu_kernels()};
    return params_pack(p, &plain) < 0 ? status_nomem(error) : 0;
}

/* ---- names of options */

unicode_form store_form(const char *name) {
    return !strcmp(name, "nfc") ? UNICODE_NFC : !strcmp(name, "nfkc") ? UNICODE_NFKC : UNICODE_NONE;
}

cell_kind store_cell(const char *name) {
    static const char *const cells[] = {"tanh", "relu", "lstm", "gru"};
    int i = 0;
    while (i < CELL_GRU && strcmp(name, cells[i])) i++;
    return (cell_kind)i;
}
