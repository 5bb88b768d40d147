/* average: see average.h. Sums are kept in double, in the order of the files. */
#include "model/average.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

typedef struct averaging {
    bundle **file; /* [count] */
    size_t count;
    float **mean; /* [tensors of the first file], NULL where it is no weight */
} averaging;

/* ---- metadata */

/* What tells of a training alone, or was decided after it. All other fields say how the network is
 * wired and what it reads. */
static const char *const free_fields[] = {
    "summary", "bayes", "temperature",
    /* what was read, and how often; its traces stand in tensors */
    "size", "min-count", "vocab-size", "share", "max-pieces", "ngrams-limit", "labels", "weights",
    "pretrain-epochs", "epochs", "patience", "keep", "metric", "tokenize", "ignore-case",
    /* noise, and the loss */
    "dropout", "dropout-in", "recurrent-dropout", "word-dropout", "case-noise", "bpe-dropout", "noise",
    "smoothing", "r-drop", "coverage-loss", "risk", "risk-samples",
    /* steps */
    "optimizer", "rate", "schedule", "warmup", "floor", "momentum", "beta1", "beta2", "epsilon",
    "decay", "clip", "ema", "accumulate", "plateau-patience", "plateau-factor"};

static bool may_differ(const char *field) {
    for (size_t i = 0; i < sizeof free_fields / sizeof *free_fields; i++) {
        if (!strcmp(field, free_fields[i])) return true;
    }
    return false;
}

/* The metadata as one object, in which objects stand as such. */
static json_t *read_fields(const bundle *b) {
    json_t *all = json_object();
    for (size_t i = 0; i < bundle_meta_count(b); i++) {
        const char *text, *key = bundle_meta_at(b, i, &text);
        json_t *value = NULL;
        int status = json_read(bytes_of(text), NULL, &value, NULL);
        if (status < 0 && status != RILL_ENOMEM) value = json_text(bytes_of(text));
        json_put(&all, key, value);
    }
    return all;
}

/* Values of one field, NULL where there is none. */
static int fields_differ(const averaging *a, size_t i, const char *key, const json_t *first,
                         const json_t *other, rill_error *error) {
    buffer text[2] = {{0}, {0}};
    const json_t *value[] = {other, first};
    int status = 0;
    for (int k = 0; k < 2 && status == 0; k++) {
        if (value[k]) status = json_write(value[k], &text[k], error);
    }
    if (status == 0) {
        status = status_set(error, RILL_EMODEL, bundle_name(a->file[i]), 0, 0,
                            "field %s: found %s, expected %s as in \"%s\"", key,
                            other ? text[0].data : "nothing", first ? text[1].data : "nothing",
                            bundle_name(a->file[0]));
    }
    buffer_free(&text[0]);
    buffer_free(&text[1]);
    return status;
}

static int same_fields(const averaging *a, size_t i, json_t *first, json_t *other,
                       rill_error *error) {
    json_t *const side[] = {first, other};
    for (int k = 0; k < 2; k++) {
        const char *key;
        json_t *ignored;
        json_object_foreach(side[k], key, ignored) {
            json_t *x = json_object_get(first, key), *y = json_object_get(other, key);
            if (may_differ(key) || json_equal(x, y)) continue;
            if (!json_is_object(x) || !json_is_object(y)) return fields_differ(a, i, key, x, y, error);
            TRY(same_fields(a, i, x, y, error));
        }
    }
    return 0;
}

static int same_metadata(const averaging *a, rill_error *error) {
    json_t *first = read_fields(a->file[0]);
    int status = first ? 0 : status_nomem(error);
    for (size_t i = 1; status == 0 && i < a->count; i++) {
        json_t *other = read_fields(a->file[i]);
        status = other ? same_fields(a, i, first, other, error) : status_nomem(error);
        json_decref(other);
    }
    json_decref(first);
    return status;
}

/* ---- tensors */

static int differ(const averaging *a, size_t i, const bundle_entry *e, const char *how,
                  rill_error *error) {
    return status_set(error, RILL_EMODEL, bundle_name(a->file[i]), 0, 0,
                      "tensor %s %s than in \"%s\"", e->name, how, bundle_name(a->file[0]));
}

static bool same_shape(const bundle_entry *a, const bundle_entry *b) {
    if (a->type != b->type || a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++) {
        if (a->shape[i] != b->shape[i]) return false;
    }
    return true;
}

/* The tensor in file i that belongs to e of the first. */
static int partner(const averaging *a, size_t i, const bundle_entry *e, const bundle_entry **out,
                   rill_error *error) {
    const bundle_entry *other = bundle_find(a->file[i], e->name);
    if (!other) {
        return status_set(error, RILL_EMODEL, bundle_name(a->file[i]), 0, 0,
                          "there is no tensor %s, as in \"%s\"", e->name,
                          bundle_name(a->file[0]));
    }
    if (!same_shape(e, other)) return differ(a, i, e, "has a shape or type other", error);
    *out = other;
    return 0;
}

static int average_tensor(averaging *a, size_t number, rill_error *error) {
    const bundle_entry *e = bundle_at(a->file[0], number), *other = NULL;
    bool weight = e->type == BUNDLE_F32;
    double *sum = weight ? mem_new(e->count, sizeof *sum) : NULL;
    int status = weight && !sum ? status_nomem(error) : 0;
    for (size_t i = 0; status == 0 && i < a->count; i++) {
        status = partner(a, i, e, &other, error);
        if (status < 0) break;
        if (!weight && !hash128_equal(e->hash, other->hash)) {
            status = differ(a, i, e, "holds something other", error);
        }
        for (size_t k = 0; weight && k < e->count; k++) sum[k] += (double)((const float *)other->data)[k];
    }
    if (status == 0 && weight) {
        a->mean[number] = mem_new(e->count, sizeof **a->mean);
        if (!a->mean[number]) status = status_nomem(error);
        for (size_t k = 0; status == 0 && k < e->count; k++) {
            a->mean[number][k] = (float)(sum[k] / (double)a->count);
        }
    }
    free(sum);
    return status;
}

/* ---- files */

static int open_files(averaging *a, const char *const *paths, rill_error *error) {
    for (size_t i = 0; i < a->count; i++) {
        TRY(bundle_open(paths[i], &a->file[i], error));
        if (bundle_meta(a->file[i], "checkpoint")) {
            return status_set(error, RILL_EMODEL, paths[i], 0, 0,
                              "found a checkpoint, expected a model");
        }
    }
    TRY(same_metadata(a, error));
    for (size_t i = 1; i < a->count; i++) {
        if (bundle_count(a->file[i]) == bundle_count(a->file[0])) continue;
        return status_set(error, RILL_EMODEL, paths[i], 0, 0,
                          "found %zu tensors, expected %zu as in \"%s\"", bundle_count(a->file[i]),
                          bundle_count(a->file[0]), paths[0]);
    }
    return 0;
}

static int write_mean(const averaging *a, const char *out, rill_error *error) {
    const bundle *first = a->file[0];
    bundle_writer *w = NULL;
    TRY(bundle_writer_new(&w, error));
    int status = 0;
    for (size_t i = 0; status == 0 && i < bundle_meta_count(first); i++) {
        const char *value, *key = bundle_meta_at(first, i, &value);
        status = bundle_writer_meta(w, key, bytes_of(value), error);
    }
    for (size_t i = 0; status == 0 && i < bundle_count(first); i++) {
        const bundle_entry *e = bundle_at(first, i);
        const void *data = a->mean[i] ? a->mean[i] : e->data;
        status = bundle_writer_tensor(w, e->name, e->type, e->rank, e->shape, data, error);
    }
    if (status == 0) status = bundle_writer_save(w, out, error);
    bundle_writer_free(w);
    return status;
}

int average_models(const char *const *paths, size_t count, const char *out, rill_error *error) {
    averaging a = {.count = count};
    size_t tensors = 0;
    if (count == 0) return status_fail(error, RILL_EUSAGE, "there is no model to average");
    TRY(bundle_probe(out, error));
    a.file = mem_new(count, sizeof(bundle *));
    int status = a.file ? open_files(&a, paths, error) : status_nomem(error);
    if (status == 0) {
        tensors = bundle_count(a.file[0]);
        a.mean = mem_new(tensors, sizeof *a.mean);
        if (!a.mean) status = status_nomem(error);
    }
    for (size_t i = 0; status == 0 && i < tensors; i++) status = average_tensor(&a, i, error);
    if (status == 0) status = write_mean(&a, out, error);
    for (size_t i = 0; a.mean && i < tensors; i++) free(a.mean[i]);
    for (size_t i = 0; a.file && i < count; i++) bundle_close(a.file[i]);
    free(a.mean);
    free(a.file);
    return status;
}
