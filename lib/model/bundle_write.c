/* bundle_write: makes a model file. What it is made of is collected first (tensor data are only
 * borrowed); saving hashes the data, composes the header, seals it and writes everything in one go
 * to a temporary that takes the file's name at the end. See bundle.h for the map.
 */
#include "base/io.h"
#include "base/json.h"
#include "model/bundle_rules.h"
#include "text/unicode.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Metadata are copied: they are small and often made on the spot. */
typedef struct meta_item {
    char *key;
    bytes value; /* heap */
} meta_item;

struct bundle_writer {
    meta_item *meta;
    size_t meta_count, meta_room;
    strmap keys;
    bundle_entry *entry; /* in order of addition */
    size_t count, room;
    strmap names;
};

int bundle_writer_new(bundle_writer **out, rill_error *error) {
    *out = mem_new(1, sizeof **out);
    return *out ? 0 : status_nomem(error);
}

void bundle_writer_free(bundle_writer *w) {
    if (!w) return;
    for (size_t i = 0; i < w->meta_count; i++) {
        free(w->meta[i].key);
        free((void *)w->meta[i].value.data);
    }
    for (size_t i = 0; i < w->count; i++) free((void *)w->entry[i].name);
    free(w->meta);
    free(w->entry);
    strmap_free(&w->keys);
    strmap_free(&w->names);
    free(w);
}

/* Enters a name into its map; names are well-formed and new. */
static int name_add(strmap *map, const char *name, const char *what, int limit, rill_error *error) {
    if (!bundle_name_ok(name, (size_t)limit)) {
        return status_fail(error, RILL_EUSAGE,
                           "%s names are 1 to %d printable ASCII characters, found \"%.300s\"",
                           what, limit, name);
    }
    int32_t before = map->count, id;
    if (strmap_add(map, bytes_of(name), &id) < 0) return status_nomem(error);
    if (id < before) {
        return status_fail(error, RILL_EUSAGE, "%s \"%s\" was added twice", what, name);
    }
    return 0;
}

int bundle_writer_meta(bundle_writer *w, const char *key, bytes value, rill_error *error) {
    if (bundle_key_reserved(key)) {
        return status_fail(error, RILL_EUSAGE, "metadata \"%.300s\" belongs to the container", key);
    }
    if (!utf8_valid(value, NULL) || memchr(value.size ? value.data : "", 0, value.size)) {
        return status_fail(error, RILL_EUSAGE, "metadata \"%.300s\" is not UTF-8 text", key);
    }
    if (mem_grow(&w->meta, &w->meta_room, w->meta_count + 1, sizeof *w->meta) < 0) {
        return status_nomem(error);
    }
    TRY(name_add(&w->keys, key, "metadata", BUNDLE_KEY_LIMIT, error));
    meta_item item = {mem_text(key, strlen(key)), {mem_text(value.data, value.size), value.size}};
    if (!item.key || !item.value.data) {
        free(item.key);
        free((void *)item.value.data);
        return status_nomem(error);
    }
    w->meta[w->meta_count++] = item;
    return 0;
}

int bundle_writer_tensor(bundle_writer *w, const char *name, bundle_type type, int rank,
                         const int64_t *shape, const void *data, rill_error *error) {
    if (rank < 0 || rank > BUNDLE_RANK) {
        return status_fail(error, RILL_EUSAGE, "tensor \"%.300s\" has rank %d, at most %d", name,
                           rank, BUNDLE_RANK);
    }
    bundle_entry e = {.type = type, .rank = rank, .data = data};
    for (int i = 0; i < rank; i++) e.shape[i] = shape[i];
    if (!bundle_measure(&e)) {
        return status_fail(error, RILL_EUSAGE, "tensor \"%.300s\" has an impossible shape", name);
    }
    if (strcmp(name, "__metadata__") == 0) {
        return status_fail(error, RILL_EUSAGE, "no tensor can be called \"%s\"", name);
    }
    if (mem_grow(&w->entry, &w->room, w->count + 1, sizeof *w->entry) < 0) {
        return status_nomem(error);
    }
    /* The id of a name is the index of its entry, so nothing may fail once the name is entered. */
    char *copy = mem_text(name, strlen(name));
    if (!copy) return status_nomem(error);
    int status = name_add(&w->names, name, "tensor", BUNDLE_NAME_LIMIT, error);
    if (status < 0) {
        free(copy);
        return status;
    }
    e.name = copy;
    w->entry[w->count++] = e;
    return 0;
}

int bundle_writer_list(bundle_writer *w, const char *name, bytes text, const int64_t *start,
                       size_t count, rill_error *error) {
    static const int64_t none = 0; /* offsets of an empty map, which has no array yet */
    char part[BUNDLE_NAME_LIMIT + 8];
    if (strlen(name) > BUNDLE_NAME_LIMIT - 6) {
        return status_fail(error, RILL_EUSAGE, "the name of list \"%.300s\" is too long", name);
    }
    snprintf(part, sizeof part, "%s.start", name);
    int64_t size = (int64_t)count + 1;
    TRY(bundle_writer_tensor(w, part, BUNDLE_I64, 1, &size, start ? start : &none, error));
    snprintf(part, sizeof part, "%s.text", name);
    size = (int64_t)text.size;
    return bundle_writer_tensor(w, part, BUNDLE_U8, 1, &size, text.data, error);
}

int bundle_writer_strings(bundle_writer *w, const char *name, const strmap *strings,
                          rill_error *error) {
    return bundle_writer_list(w, name, buffer_view(&strings->text), strings->start,
                              (size_t)strings->count, error);
}

/* ---- saving */

/* Refuses what the reader would refuse; fills the hash. */
static int entry_prepare(bundle_entry *e, rill_error *error) {
    size_t bad = bundle_first_infinite(e);
    if (bad < e->count) {
        return status_fail(error, RILL_EDIVERGED, "tensor \"%s\": element %zu is not finite",
                           e->name, bad);
    }
    e->hash = hash128_of(e->data, e->size);
    return 0;
}

/* A U8 tensor called X.text must be a string list with its X.start. */
static int text_prepare(const bundle_writer *w, const bundle_entry *e, rill_error *error) {
    size_t stem = strlen(e->name);
    if (e->type != BUNDLE_U8 || stem < 5 || strcmp(e->name + stem - 5, ".text") != 0) return 0;
    char name[BUNDLE_NAME_LIMIT + 8], why[BUNDLE_WHY];
    snprintf(name, sizeof name, "%.*s.start", (int)(stem - 5), e->name);
    int32_t id = strmap_find(&w->names, bytes_of(name));
    const bundle_entry *start = id < 0 ? NULL : &w->entry[id];
    if (!start || start->type != BUNDLE_I64 || start->rank != 1 || start->count == 0 ||
        e->rank != 1) {
        return status_fail(error, RILL_EUSAGE, "tensor \"%s\" needs the I64 offsets \"%s\"",
                           e->name, name);
    }
    if (!bundle_list_ok((bytes){e->data, e->size}, start->data, start->count - 1, why)) {
        return status_fail(error, RILL_EUSAGE, "list \"%.*s\": %s", (int)(stem - 5), e->name, why);
    }
    return 0;
}

/* Tensor order in the file: largest element first, so that each begins at a multiple of its
 * element size without a gap; among equals as added. */
static const bundle_entry **entry_order(const bundle_writer *w) {
    const bundle_entry **order = mem_new(w->count, sizeof *order);
    size_t used = 0;
    for (size_t size = 8; order && size >= 1; size /= 2) {
        for (size_t i = 0; i < w->count; i++) {
            if (bundle_type_size(w->entry[i].type) == size) order[used++] = &w->entry[i];
        }
    }
    return order;
}

/* __metadata__: the seal (zeros for now, it covers everything behind it too), the format, the
 * caller's own keys, then a hash for each tensor in the order of the data. */
static void header_meta(const bundle_writer *w, const bundle_entry **order, buffer *head) {
    char digits[BUNDLE_DIGITS + 1];
    memset(digits, '0', BUNDLE_DIGITS);
    digits[BUNDLE_DIGITS] = 0;
    buffer_add_text(head, BUNDLE_OPENING);
    buffer_add_text(head, digits);
    buffer_add_text(head, "\",\"rill_format\":\"" BUNDLE_FORMAT "\"");
    for (size_t i = 0; i < w->meta_count; i++) {
        buffer_add_char(head, ',');
        json_quote(bytes_of(w->meta[i].key), head);
        buffer_add_char(head, ':');
        json_quote(w->meta[i].value, head);
    }
    for (size_t i = 0; i < w->count; i++) {
        char key[BUNDLE_NAME_LIMIT + 8];
        snprintf(key, sizeof key, BUNDLE_HASH_KEY "%s", order[i]->name);
        hash128_hex(order[i]->hash, digits);
        buffer_add_char(head, ',');
        json_quote(bytes_of(key), head);
        buffer_printf(head, ":\"%s\"", digits);
    }
    buffer_add_char(head, '}');
}

/* One entry for each tensor; their ranges follow from the order. */
static int header_tensors(const bundle_entry **order, size_t count, buffer *head,
                          rill_error *error) {
    size_t begin = 0, end;
    for (size_t i = 0; i < count; i++, begin = end) {
        const bundle_entry *e = order[i];
        if (!size_add(begin, e->size, &end) || end > INT64_MAX) {
            return status_fail(error, RILL_ELIMIT, "tensor \"%s\": the file grows too large",
                               e->name);
        }
        buffer_add_char(head, ',');
        json_quote(bytes_of(e->name), head);
        buffer_printf(head, ":{\"dtype\":\"%s\",\"shape\":[", bundle_type_name(e->type));
        for (int k = 0; k < e->rank; k++) {
            buffer_printf(head, "%s%lld", k ? "," : "", (long long)e->shape[k]);
        }
        buffer_printf(head, "],\"data_offsets\":[%zu,%zu]}", begin, end);
    }
    return 0;
}

/* Pads to the alignment, writes the length field and seals. */
static int header_close(buffer *head, rill_error *error) {
    buffer_add_char(head, '}');
    while (!head->failed && head->size % BUNDLE_ALIGN) buffer_add_char(head, ' ');
    TRY(buffer_status(head, error));
    uint64_t size = head->size - BUNDLE_PREFIX;
    if (size > BUNDLE_HEADER_LIMIT) {
        return status_fail(error, RILL_ELIMIT, "the header takes %llu bytes, at most %d",
                           (unsigned long long)size, BUNDLE_HEADER_LIMIT);
    }
    memcpy(head->data, &size, sizeof size);
    hash128 seal;
    if (bundle_seal(buffer_view(head), &seal) < 0) return status_nomem(error);
    char digits[BUNDLE_DIGITS + 1];
    hash128_hex(seal, digits);
    memcpy(head->data + BUNDLE_PREFIX + strlen(BUNDLE_OPENING), digits, BUNDLE_DIGITS);
    return 0;
}

/* Everything before the data. */
static int header_make(const bundle_writer *w, const bundle_entry **order, buffer *head,
                       rill_error *error) {
    buffer_add(head, "\0\0\0\0\0\0\0\0", BUNDLE_PREFIX);
    header_meta(w, order, head);
    TRY(header_tensors(order, w->count, head, error));
    return header_close(head, error);
}

/* Nothing takes the name `path` before every byte was accepted; on failure the old file stays. */
static int file_write(const bundle_entry **order, size_t count, const buffer *head,
                      const char *path, rill_error *error) {
    writer *out;
    TRY(writer_open(path, &out, error));
    int status = writer_add_bytes(out, buffer_view(head), error);
    for (size_t i = 0; status == 0 && i < count; i++) {
        if (order[i]->size) status = writer_add(out, order[i]->data, order[i]->size, error);
    }
    if (status == 0) status = writer_commit(out, error);
    writer_close(out);
    return status;
}

int bundle_probe(const char *path, rill_error *error) {
    size_t size = strlen(path);
    if (size >= 3 && !strcmp(path + size - 3, ".gz")) {
        return status_fail(error, RILL_EUSAGE,
                           "\"%s\": models are not compressed, give another name", path);
    }
    return writer_probe(path, error);
}

int bundle_writer_save(bundle_writer *w, const char *path, rill_error *error) {
    for (size_t i = 0; i < w->count; i++) {
        TRY(entry_prepare(&w->entry[i], error));
        TRY(text_prepare(w, &w->entry[i], error));
    }
    const bundle_entry **order = entry_order(w);
    if (!order) return status_nomem(error);
    buffer head = {0};
    int status = header_make(w, order, &head, error);
    if (status == 0) status = file_write(order, w->count, &head, path, error);
    buffer_free(&head);
    free(order);
    return status;
}
