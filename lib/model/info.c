/* info: see info.h.
 *
 * Both reports are made from one JSON value; the text is a plain rendering of it:
 *
 *     task        tag               scalars: name and value
 *     config                        objects: one line a member
 *       hidden    256
 *     columns                       arrays: one line an element, its members joined by commas
 *       name upos, kind plain
 */
#include "model/info.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the JSON value */

/* Sizes as they stand in the file; a scalar has none. */
static json_t *shape_json(const bundle_entry *e) {
    json_t *list = json_array();
    for (int i = 0; i < e->rank; i++) {
        json_add(&list, json_integer((json_int_t)e->shape[i]));
    }
    return list;
}

static json_t *tensor_json(const bundle_entry *e) {
    char hex[33];
    hash128_hex(e->hash, hex);
    return json_pack("{ss ss so sI ss}", "name", e->name, "dtype", bundle_type_name(e->type),
                     "shape", shape_json(e), "bytes", (json_int_t)e->size, "xxh3", hex);
}

/* Metadata are strings; what is JSON in them is shown as JSON. */
static json_t *meta_json(const char *value) {
    json_t *json = NULL;
    bool nested = *value == '{' || *value == '[';
    if (nested && json_read(bytes_of(value), NULL, &json, NULL) == 0) return json;
    return json_text(bytes_of(value));
}

/* Trained numbers: a model's float tensors, or the one slab of a checkpoint. */
static size_t count_parameters(const bundle *b, bool checkpoint) {
    size_t count = 0;
    for (size_t i = 0; i < bundle_count(b); i++) {
        const bundle_entry *e = bundle_at(b, i);
        bool weights = e->type == BUNDLE_F32 || e->type == BUNDLE_BF16 || e->type == BUNDLE_I8;
        if (weights && (!checkpoint || !strcmp(e->name, "weights"))) count += e->count;
    }
    return count;
}

/* The report without its tensors; NULL when out of memory. */
static json_t *head_json(const bundle *b) {
    bool checkpoint = bundle_meta(b, "checkpoint") != NULL;
    json_t *all = json_pack("{ss sI sI}", "kind", checkpoint ? "checkpoint" : "model", "bytes",
                            (json_int_t)bundle_file_size(b), "parameters",
                            (json_int_t)count_parameters(b, checkpoint));
    json_put(&all, "file", json_text(bytes_of(bundle_name(b)))); /* a path need not be UTF-8 */
    for (size_t i = 0; i < bundle_meta_count(b); i++) {
        const char *value, *key = bundle_meta_at(b, i, &value);
        json_put(&all, key, meta_json(value));
    }
    return all;
}

/* ---- as text */

/* A text of the file, fit for a terminal and for one line. */
static void add_shown(buffer *out, const char *text) {
    size_t begin = out->size;
    buffer_add_text(out, text);
    if (!out->failed && out->data) status_printable(out->data + begin);
}

/* Two blanks for each level below the top. */
static void indent(buffer *out, int depth) {
    for (int i = 0; i < 2 * depth; i++) buffer_add_char(out, ' ');
}

/* A member's name, filled up so that values stand in one column. */
static void add_name(buffer *out, const char *name, int depth) {
    enum { COLUMN = 22 };
    indent(out, depth);
    size_t begin = out->size;
    buffer_printf(out, "%-*s  ", 2 * depth < COLUMN ? COLUMN - 2 * depth : 0, name);
    if (!out->failed) status_printable(out->data + begin);
}

/* A value on one line; objects inside are written "name value, name value". */
static void add_inline(buffer *out, const json_t *value) {
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_string(value)) {
        add_shown(out, json_string_value(value));
    } else if (json_is_integer(value)) {
        buffer_printf(out, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        double x = json_real_value(value); /* scores and losses: four decimals say all */
        buffer_add_real(out, fabs(x) < 1e6 ? round(x * 1e4) / 1e4 : x);
    } else if (json_is_boolean(value)) {
        buffer_add_text(out, json_is_true(value) ? "true" : "false");
    } else if (json_is_object(value)) {
        bool any = false;
        json_object_foreach((json_t *)value, key, member) {
            if (json_is_object(member) && json_object_size(member) == 0) continue; /* no scores */
            if (any) buffer_add_text(out, ", ");
            add_shown(out, key);
            buffer_add_char(out, ' ');
            add_inline(out, member);
            any = true;
        }
    } else {
        json_array_foreach(value, i, member) {
            if (i > 0) buffer_add_text(out, ", ");
            add_inline(out, member);
        }
    }
}

static void add_heading(buffer *out, const char *name, int depth) {
    indent(out, depth);
    add_shown(out, name);
    buffer_add_char(out, '\n');
}

/* A member: scalars on one line; lists of objects, and objects, below their name. What is nested
 * deeper than any report of ours stays on one line too, else blanks would outgrow the file. */
static void add_member(buffer *out, const char *key, const json_t *value, int depth) {
    enum { DEEPEST = 8 };
    const char *name;
    json_t *member;
    size_t i;
    if (depth < DEEPEST && json_is_object(value)) {
        add_heading(out, key, depth);
        json_object_foreach((json_t *)value, name, member) {
            add_member(out, name, member, depth + 1);
        }
    } else if (depth < DEEPEST && json_is_array(value)) {
        add_heading(out, key, depth);
        json_array_foreach(value, i, member) {
            indent(out, depth + 1);
            add_inline(out, member);
            buffer_add_char(out, '\n');
        }
    } else {
        add_name(out, key, depth);
        add_inline(out, value);
        buffer_add_char(out, '\n');
    }
}

/* One line a tensor, so that `sort` and `grep` are of use. */
static void add_tensor(buffer *out, const bundle_entry *e) {
    char hex[33], shape[96] = "";
    size_t used = 0;
    for (int i = 0; i < e->rank && used < sizeof shape; i++) {
        used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%lld", i ? "," : "",
                                 (long long)e->shape[i]);
    }
    hash128_hex(e->hash, hex);
    buffer_printf(out, "  %-32s %-4s [%s]  %zu bytes  %s\n", e->name, bundle_type_name(e->type),
                  shape, e->size, hex);
}

/* Tensors are not part of the JSON here: their lines are made straight from the bundle. */
static void write_text(const bundle *b, const json_t *head, buffer *out) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)head, key, value) add_member(out, key, value, 0);
    buffer_printf(out, "tensors\n");
    for (size_t i = 0; i < bundle_count(b); i++) add_tensor(out, bundle_at(b, i));
}

int model_info(const bundle *b, bool json, buffer *out, rill_error *error) {
    json_t *head = head_json(b), *tensors = json ? json_array() : NULL;
    if (!head || (json && !tensors)) {
        json_decref(head);
        return status_nomem(error);
    }
    if (!json) {
        write_text(b, head, out);
        json_decref(head);
        return buffer_status(out, error);
    }
    int bad = 0;
    for (size_t i = 0; i < bundle_count(b); i++) {
        bad |= json_array_append_new(tensors, tensor_json(bundle_at(b, i)));
    }
    bad |= json_object_set_new(head, "tensors", tensors);
    int status = bad ? status_nomem(error) : json_write(head, out, error);
    json_decref(head);
    return status;
}
