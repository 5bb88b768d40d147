/* bundle: opens a model file and believes nothing in it before it is checked. See bundle.h for the
 * map.
 *
 * Checks run from the outside in, and each leans only on the ones before it:
 *
 *     length field     in bounds, the header fits the file and ends at a multiple of 64
 *     opening, seal    the header is one of ours and undamaged
 *     JSON             strict: one object, no duplicate keys, nothing behind it but padding
 *     __metadata__     strings only; format version; a hash for every tensor and for nothing else
 *     each tensor      exactly dtype, shape, data_offsets; shape x dtype = range by checked
 * products all ranges       sorted they tile the data: no hole, no overlap, aligned, up to the last
 * byte each tensor      XXH3-128; finite numbers; string lists with sound offsets and UTF-8
 *
 * Memory: names and metadata strings belong to the JSON tree, which lives as long as the bundle;
 * the tensors are the mapping itself.
 */
#include "model/bundle.h"
#include "base/io.h"
#include "base/json.h"
#include "model/bundle_rules.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct meta_view {
    const char *key, *value;
} meta_view;

struct bundle {
    char *name;
    mapping map; /* of bundle_open, else empty */
    bytes file, data;
    json_t *header;
    bundle_entry *entry; /* [count], by position in the file */
    bool *used;          /* [count] */
    size_t count;
    strmap names;    /* id of a name = index of its entry */
    meta_view *meta; /* [meta_count] own keys */
    size_t meta_count;
};

/* Every refusal goes through here. What a stranger's file holds may end up on a terminal, so
 * nothing but printable ASCII leaves. */
static int PRINTF_LIKE(3, 4) refuse(const bundle *b, rill_error *error, const char *format, ...) {
    char text[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *c = text; *c; c++) {
        if (*c < ' ' || *c > '~') *c = '?';
    }
    return status_set(error, RILL_EMODEL, b->name, 0, 0, "%s", text);
}

/* ---- header */

/* The length field, the opening and the seal; *text is the JSON without its padding. */
static int header_bounds(bundle *b, bytes *text, rill_error *error) {
    size_t opening = strlen(BUNDLE_OPENING);
    size_t least = BUNDLE_PREFIX + opening + BUNDLE_DIGITS + 1; /* the quote behind it */
    if (bytes_starts(b->file, BYTES("\x1F\x8B"))) {
        return refuse(b, error, "not a model file: found gzip, expected a model as it was written");
    }
    if (b->file.size < least) {
        return refuse(b, error, "not a model file: %zu bytes are too few", b->file.size);
    }
    uint64_t size;
    memcpy(&size, b->file.data, sizeof size);
    if (size > BUNDLE_HEADER_LIMIT || size < least - BUNDLE_PREFIX) {
        return refuse(b, error, "not a model file: header size is %llu, expected %zu to %d",
                      (unsigned long long)size, least - BUNDLE_PREFIX, BUNDLE_HEADER_LIMIT);
    }
    size_t end = BUNDLE_PREFIX + (size_t)size;
    if (end > b->file.size) {
        return refuse(b, error, "header: cut, its %zu bytes do not fit a file of %zu", end,
                      b->file.size);
    }
    if (memcmp(b->file.data + BUNDLE_PREFIX, BUNDLE_OPENING, opening) != 0) {
        return refuse(b, error, "not a model file of rill: the header must begin with %s",
                      BUNDLE_OPENING);
    }
    if (end % BUNDLE_ALIGN) {
        return refuse(b, error, "header: ends at %zu, expected a multiple of %d", end,
                      BUNDLE_ALIGN);
    }
    *text = bytes_slice(b->file, BUNDLE_PREFIX, end);
    b->data = bytes_slice(b->file, end, b->file.size);
    while (text->data[text->size - 1] == ' ') text->size--; /* stops at the opening at the latest */
    return 0;
}

static int header_seal(const bundle *b, rill_error *error) {
    size_t at = BUNDLE_PREFIX + strlen(BUNDLE_OPENING);
    hash128 stored, found;
    if (b->file.data[at + BUNDLE_DIGITS] != '"' ||
        !hash128_parse(b->file.data + at, BUNDLE_DIGITS, &stored)) {
        return refuse(b, error, "header_xxh3: not 32 hexadecimal digits");
    }
    if (bundle_seal(bytes_slice(b->file, 0, b->file.size - b->data.size), &found) < 0) {
        return status_nomem(error);
    }
    if (!hash128_equal(stored, found)) {
        return refuse(b, error, "header: damaged, its checksum header_xxh3 does not hold");
    }
    return 0;
}

/* json_read refuses duplicate keys, bad UTF-8, NUL, deep nesting and lists without end; the tree it
 * makes is bounded by that and the header's own bound. */
static int header_parse(bundle *b, bytes text, rill_error *error) {
    rill_error why = {0};
    int status = json_read(text, b->name, &b->header, &why);
    if (status == RILL_ENOMEM) return status_nomem(error);
    if (status < 0) return refuse(b, error, "header: not strict JSON: %.400s", why.message);
    if (!json_is_object(b->header)) return refuse(b, error, "header: not a JSON object");
    return 0;
}

/* ---- metadata */

/* Every value a string; own keys are listed, hashes are counted. */
static int meta_collect(bundle *b, json_t *meta, size_t *hashes, rill_error *error) {
    b->meta = mem_new(json_object_size(meta), sizeof *b->meta);
    if (!b->meta) return status_nomem(error);
    const char *key;
    json_t *value;
    json_object_foreach(meta, key, value) {
        if (!bundle_name_ok(key, BUNDLE_KEY_LIMIT)) {
            return refuse(b, error, "__metadata__: a key is not 1 to %d printable characters",
                          BUNDLE_KEY_LIMIT);
        }
        if (!json_is_string(value)) {
            return refuse(b, error, "__metadata__: \"%.300s\" is not a string", key);
        }
        if (!bundle_key_reserved(key)) {
            b->meta[b->meta_count++] = (meta_view){key, json_string_value(value)};
        } else if (key[0] == 'x') {
            ++*hashes;
        }
    }
    return 0;
}

/* As many hashes as tensors; that each tensor finds its own is checked later, so none is left over.
 */
static int meta_check(bundle *b, rill_error *error) {
    json_t *meta = json_object_get(b->header, "__metadata__");
    if (!json_is_object(meta)) return refuse(b, error, "__metadata__: not an object");
    size_t hashes = 0;
    TRY(meta_collect(b, meta, &hashes, error));
    const char *format = json_string_value(json_object_get(meta, "rill_format"));
    if (!format) return refuse(b, error, "rill_format: missing");
    if (strcmp(format, BUNDLE_FORMAT) != 0) {
        return refuse(b, error, "rill_format: found \"%.40s\", this program reads \"%s\"", format,
                      BUNDLE_FORMAT);
    }
    if (hashes != json_object_size(b->header) - 1) {
        return refuse(b, error, "__metadata__: %zu checksums for %zu tensors", hashes,
                      json_object_size(b->header) - 1);
    }
    return 0;
}

/* ---- tensors: what the header says about each */

static bool natural(const json_t *value, int64_t *out) {
    *out = json_is_integer(value) ? (int64_t)json_integer_value(value) : -1;
    return *out >= 0;
}

static int entry_shape(const bundle *b, bundle_entry *e, const json_t *shape, rill_error *error) {
    if (!json_is_array(shape) || json_array_size(shape) > BUNDLE_RANK) {
        return refuse(b, error, "tensor \"%s\": shape is not a list of at most %d sizes", e->name,
                      BUNDLE_RANK);
    }
    e->rank = (int)json_array_size(shape);
    for (int i = 0; i < e->rank; i++) {
        if (!natural(json_array_get(shape, (size_t)i), &e->shape[i])) {
            return refuse(b, error, "tensor \"%s\": shape holds something else than sizes",
                          e->name);
        }
    }
    if (!bundle_measure(e)) {
        return refuse(b, error, "tensor \"%s\": shape is impossibly large", e->name);
    }
    return 0;
}

/* In the file, of the size that type and shape ask for, aligned for direct access. */
static int entry_range(const bundle *b, bundle_entry *e, const json_t *range, rill_error *error) {
    int64_t begin, end;
    if (!json_is_array(range) || json_array_size(range) != 2 ||
        !natural(json_array_get(range, 0), &begin) || !natural(json_array_get(range, 1), &end)) {
        return refuse(b, error, "tensor \"%s\": data_offsets are not two offsets", e->name);
    }
    if (begin > end || (uint64_t)end > b->data.size) {
        return refuse(b, error,
                      "tensor \"%s\": data_offsets %lld to %lld, the file has %zu bytes "
                      "of data",
                      e->name, (long long)begin, (long long)end, b->data.size);
    }
    if ((uint64_t)(end - begin) != e->size) {
        char found[BUNDLE_SHAPE_TEXT];
        bundle_describe(e->type, e->rank, e->shape, found);
        return refuse(b, error, "tensor \"%s\": data_offsets span %lld bytes, %s takes %zu",
                      e->name, (long long)(end - begin), found, e->size);
    }
    if ((uint64_t)begin % bundle_type_size(e->type)) {
        return refuse(b, error, "tensor \"%s\": begins at %lld, which is not aligned", e->name,
                      (long long)begin);
    }
    e->data = b->data.data + begin;
    return 0;
}

static int entry_parse(const bundle *b, bundle_entry *e, const char *name, json_t *value,
                       rill_error *error) {
    if (!bundle_name_ok(name, BUNDLE_NAME_LIMIT)) {
        return refuse(b, error, "header: a tensor's name is not 1 to %d printable characters",
                      BUNDLE_NAME_LIMIT);
    }
    e->name = name;
    if (!json_is_object(value) || json_object_size(value) != 3) {
        return refuse(b, error, "tensor \"%s\": expected dtype, shape and data_offsets", name);
    }
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    e->type = dtype ? bundle_type_of(dtype) : BUNDLE_TYPES;
    if (e->type == BUNDLE_TYPES) {
        return refuse(b, error, "tensor \"%s\": dtype \"%.40s\" is not supported", name,
                      dtype ? dtype : "");
    }
    TRY(entry_shape(b, e, json_object_get(value, "shape"), error));
    return entry_range(b, e, json_object_get(value, "data_offsets"), error);
}

/* By position; an empty tensor comes before the one that begins where it stands. */
static int entry_compare(const void *left, const void *right) {
    const bundle_entry *a = left, *b = right;
    if (a->data != b->data) return (const char *)a->data < (const char *)b->data ? -1 : 1;
    if (a->size != b->size) return a->size < b->size ? -1 : 1;
    return strcmp(a->name, b->name); /* names differ, so the order is one and the same */
}

/* Names are entered after sorting, so that the id of a name is the index of its entry. */
static int entries_parse(bundle *b, rill_error *error) {
    size_t room = json_object_size(b->header);
    b->entry = mem_new(room, sizeof *b->entry);
    b->used = mem_new(room, sizeof *b->used);
    if (!b->entry || !b->used) return status_nomem(error);
    const char *name;
    json_t *value;
    json_object_foreach(b->header, name, value) {
        if (strcmp(name, "__metadata__") == 0) continue;
        TRY(entry_parse(b, &b->entry[b->count], name, value, error));
        b->count++;
    }
    if (b->count) qsort(b->entry, b->count, sizeof *b->entry, entry_compare);
    for (size_t i = 0; i < b->count; i++) {
        int32_t id;
        if (strmap_add(&b->names, bytes_of(b->entry[i].name), &id) < 0) return status_nomem(error);
    }
    return 0;
}

/* Sorted ranges must tile the data. */
static int entries_tile(const bundle *b, rill_error *error) {
    size_t end = 0;
    for (size_t i = 0; i < b->count; i++) {
        const bundle_entry *e = &b->entry[i];
        size_t begin = (size_t)((const char *)e->data - b->data.data);
        if (begin != end) {
            return refuse(b, error,
                          "tensor \"%s\": begins at %zu, where the one before it ends at "
                          "%zu (%s)",
                          e->name, begin, end, begin < end ? "overlap" : "hole");
        }
        end = begin + e->size;
    }
    if (end != b->data.size) {
        return refuse(b, error, "%zu bytes of data belong to no tensor", b->data.size - end);
    }
    return 0;
}

/* ---- tensors: what stands in the data */

/* First the checksum, then the numbers: damage is reported as damage. */
static int entry_verify(const bundle *b, const json_t *meta, bundle_entry *e, rill_error *error) {
    char key[BUNDLE_NAME_LIMIT + 8];
    snprintf(key, sizeof key, BUNDLE_HASH_KEY "%s", e->name);
    const char *digits = json_string_value(json_object_get(meta, key));
    hash128 stored;
    if (!digits || !hash128_parse(digits, strlen(digits), &stored)) {
        return refuse(b, error, "tensor \"%s\": no checksum in the header", e->name);
    }
    e->hash = hash128_of(e->data, e->size);
    if (!hash128_equal(e->hash, stored)) {
        return refuse(b, error, "tensor \"%s\": damaged, its checksum does not hold", e->name);
    }
    size_t bad = bundle_first_infinite(e);
    if (bad < e->count) {
        return refuse(b, error, "tensor \"%s\": element %zu is not finite", e->name, bad);
    }
    return 0;
}

/* The tensor called stem.part. */
static const bundle_entry *part_find(const bundle *b, const char *stem, size_t size,
                                     const char *part) {
    char name[BUNDLE_NAME_LIMIT + 8];
    if (size > BUNDLE_NAME_LIMIT) return NULL;
    snprintf(name, sizeof name, "%.*s.%s", (int)size, stem, part);
    return bundle_find(b, name);
}

/* A U8 tensor X.text is a string list with its I64 X.start. */
static int list_verify(const bundle *b, const bundle_entry *text, rill_error *error) {
    size_t size = strlen(text->name);
    if (text->type != BUNDLE_U8 || size < 5) return 0;
    size -= 5;
    if (strcmp(text->name + size, ".text") != 0) return 0;
    const bundle_entry *start = part_find(b, text->name, size, "start");
    if (!start || start->type != BUNDLE_I64 || start->rank != 1 || start->count == 0 ||
        text->rank != 1) {
        return refuse(b, error,
                      "list \"%.*s\": needs U8 text and at least one I64 start, both of "
                      "one dimension",
                      (int)size, text->name);
    }
    char why[BUNDLE_WHY];
    bytes view = {text->data, text->size};
    if (!bundle_list_ok(view, start->data, start->count - 1, why)) {
        return refuse(b, error, "list \"%.*s\": %s", (int)size, text->name, why);
    }
    return 0;
}

static int bundle_check(bundle *b, rill_error *error) {
    bytes text;
    TRY(header_bounds(b, &text, error));
    TRY(header_seal(b, error));
    TRY(header_parse(b, text, error));
    TRY(meta_check(b, error));
    TRY(entries_parse(b, error));
    TRY(entries_tile(b, error));
    const json_t *meta = json_object_get(b->header, "__metadata__");
    for (size_t i = 0; i < b->count; i++) TRY(entry_verify(b, meta, &b->entry[i], error));
    for (size_t i = 0; i < b->count; i++) TRY(list_verify(b, &b->entry[i], error));
    return 0;
}

/* ---- open and close */

/* Takes the mapping over, also on failure. */
static int bundle_make(mapping map, bytes file, const char *name, bundle **out, rill_error *error) {
    *out = NULL;
    bundle *b = mem_new(1, sizeof *b);
    if (!b) {
        file_unmap(&map);
        return status_nomem(error);
    }
    b->map = map;
    b->file = file;
    b->name = mem_text(name, strlen(name));
    int status = b->name ? bundle_check(b, error) : status_nomem(error);
    if (status < 0) {
        bundle_close(b);
        return status;
    }
    *out = b;
    return 0;
}

int bundle_open(const char *path, bundle **out, rill_error *error) {
    mapping map;
    *out = NULL;
    TRY(file_map(path, &map, error));
    return bundle_make(map, (bytes){(const char *)map.data, map.size}, path, out, error);
}

int bundle_open_bytes(bytes data, const char *name, bundle **out, rill_error *error) {
    *out = NULL;
    if ((uintptr_t)data.data % BUNDLE_ALIGN) {
        return status_fail(error, RILL_EUSAGE, "a model in memory must be aligned to %d bytes",
                           BUNDLE_ALIGN);
    }
    return bundle_make((mapping){0}, data, name, out, error);
}

void bundle_close(bundle *b) {
    if (!b) return;
    json_decref(b->header);
    strmap_free(&b->names);
    file_unmap(&b->map);
    free(b->meta);
    free(b->entry);
    free(b->used);
    free(b->name);
    free(b);
}

/* ---- what is asked of an open bundle */

/* -1 stands for anything. */
static bool shape_fits(const bundle_entry *e, bundle_type type, int rank, const int64_t *shape) {
    if (e->type != type || (rank >= 0 && e->rank != rank)) return false;
    for (int i = 0; i < rank; i++) {
        if (shape[i] >= 0 && shape[i] != e->shape[i]) return false;
    }
    return true;
}

int bundle_tensor(bundle *b, const char *name, bundle_type type, int rank, const int64_t *shape,
                  const bundle_entry **out, rill_error *error) {
    int32_t id = strmap_find(&b->names, bytes_of(name));
    char expected[BUNDLE_SHAPE_TEXT], found[BUNDLE_SHAPE_TEXT];
    bundle_describe(type, rank < 0 ? 0 : rank, shape, expected);
    if (id < 0) {
        return refuse(b, error, "tensor \"%s\": missing, expected %s", name,
                      rank < 0 ? bundle_type_name(type) : expected);
    }
    bundle_entry *e = &b->entry[id];
    if (!shape_fits(e, type, rank, shape)) {
        bundle_describe(e->type, e->rank, e->shape, found);
        return refuse(b, error, "tensor \"%s\": found %s, expected %s", name, found,
                      rank < 0 ? bundle_type_name(type) : expected);
    }
    b->used[id] = true;
    *out = e;
    return 0;
}

int bundle_list(bundle *b, const char *name, bytes *text, const int64_t **start, size_t *count,
                rill_error *error) {
    const bundle_entry *t = part_find(b, name, strlen(name), "text");
    const bundle_entry *s = part_find(b, name, strlen(name), "start");
    if (!t || !s || t->type != BUNDLE_U8) { /* the rest was checked when the file was opened */
        return refuse(b, error, "list \"%s\": missing, expected %s.text and %s.start", name, name,
                      name);
    }
    b->used[t - b->entry] = b->used[s - b->entry] = true;
    *text = (bytes){t->data, t->size};
    *start = s->data;
    *count = s->count - 1;
    return 0;
}

int bundle_strings(bundle *b, const char *name, strmap *out, rill_error *error) {
    bytes text;
    const int64_t *start;
    size_t count;
    rill_error why = {0};
    TRY(bundle_list(b, name, &text, &start, &count, error));
    int status = strmap_load(out, text, start, count, &why);
    if (status == RILL_ENOMEM) return status_nomem(error);
    if (status < 0) return refuse(b, error, "list \"%s\": %.400s", name, why.message);
    return 0;
}

int bundle_all_used(const bundle *b, rill_error *error) {
    for (size_t i = 0; i < b->count; i++) {
        if (!b->used[i]) {
            return refuse(b, error, "tensor \"%s\": the configuration knows no such tensor",
                          b->entry[i].name);
        }
    }
    return 0;
}

const char *bundle_meta(const bundle *b, const char *key) {
    return json_string_value(json_object_get(json_object_get(b->header, "__metadata__"), key));
}

int bundle_need_meta(const bundle *b, const char *key, const char **out, rill_error *error) {
    *out = bundle_meta(b, key);
    return *out ? 0 : refuse(b, error, "__metadata__: \"%s\" is missing", key);
}

const char *bundle_name(const bundle *b) {
    return b->name;
}
size_t bundle_file_size(const bundle *b) {
    return b->file.size;
}
size_t bundle_count(const bundle *b) {
    return b->count;
}
const bundle_entry *bundle_at(const bundle *b, size_t i) {
    return &b->entry[i];
}

const bundle_entry *bundle_find(const bundle *b, const char *name) {
    int32_t id = strmap_find(&b->names, bytes_of(name));
    return id < 0 ? NULL : &b->entry[id];
}

size_t bundle_meta_count(const bundle *b) {
    return b->meta_count;
}

const char *bundle_meta_at(const bundle *b, size_t i, const char **value) {
    *value = b->meta[i].value;
    return b->meta[i].key;
}
