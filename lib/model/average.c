/* average: see average.h. Sums are kept in double, in the order of the files. */
#include "model/average.h"

#include <stdlib.h>
#include <string.h>

typedef struct averaging {
    bundle **file; /* [count] */
    size_t count;
    float **mean; /* [tensors of the first file], NULL where it is no weight */
} averaging;

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

static int open_files(averaging *a, const char *const *paths, rill_error *error) {
    for (size_t i = 0; i < a->count; i++) {
        TRY(bundle_open(paths[i], &a->file[i], error));
        if (bundle_count(a->file[i]) != bundle_count(a->file[0])) {
            return status_set(error, RILL_EMODEL, paths[i], 0, 0,
                              "found %zu tensors, expected %zu as in \"%s\"",
                              bundle_count(a->file[i]), bundle_count(a->file[0]), paths[0]);
        }
        if (bundle_meta(a->file[i], "checkpoint")) {
            return status_set(error, RILL_EMODEL, paths[i], 0, 0,
                              "found a checkpoint, expected a model");
        }
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
