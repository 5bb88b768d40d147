/* doctor_inner: tallies, texts seen before, and faults of readers, for all doctors. */
#include "data/doctor_inner.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

void doctor_tally(tally *t, doctor_place place, bytes example) {
    if (t->count++) return;
    t->first = place;
    t->example = excerpt_of(example);
}

int doctor_tally_report(const tally *t, const tally_row *row, size_t limit, doctor_report *report) {
    if (!t->count) return 0;
    buffer b = {0};
    buffer_printf(&b, "%zu %s", t->count, row->what);
    if (row->unit) buffer_printf(&b, " (more than %zu %s)", limit, row->unit);
    if (*t->example.text) buffer_printf(&b, ", the first is \"%s\"", t->example.text);
    int status = buffer_status(&b, NULL);
    if (status == 0) {
        status = doctor_add(report, row->severity, row->check, t->first, t->count, "%s", b.data);
    }
    buffer_free(&b);
    return status;
}

/* ---- texts seen before */

int doctor_seen_add(seen_texts *s, bytes text, doctor_place place, const doctor_place **before) {
    hash128 h = hash128_of(text.data, text.size);
    int32_t id, known = s->keys.count;
    TRY(strmap_add(&s->keys, (bytes){(const char *)&h, sizeof h}, &id));
    TRY(mem_grow(&s->first, &s->room, (size_t)known + 1, sizeof *s->first));
    *before = id == known ? NULL : s->first + id;
    if (id == known) s->first[id] = place;
    return 0;
}

const doctor_place *doctor_seen_find(const seen_texts *s, bytes text) {
    hash128 h = hash128_of(text.data, text.size);
    int32_t id = strmap_find(&s->keys, (bytes){(const char *)&h, sizeof h});
    return id < 0 ? NULL : s->first + id;
}

void doctor_seen_free(seen_texts *s) {
    strmap_free(&s->keys);
    free(s->first);
    *s = (seen_texts){0};
}

const char *doctor_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void doctor_places(buffer *list, doctor_place place, doctor_place other) {
    buffer_printf(list, "%s%s:%zu is %s:%zu", list->size ? ", " : "", doctor_base_name(place.file),
                  place.line, doctor_base_name(other.file), other.line);
}

/* ---- characters */

/* Printable ASCII, which is most text: nothing can be odd about it. */
static bool is_plain(bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c >= 0x7F) return false;
    }
    return true;
}

static bool has_odd_space(bytes text) {
    for (size_t at = 0, length; at < text.size; at += length) {
        int32_t point = utf8_decode(text, at, &length);
        if (point != ' ' && unicode_class_of(point) == UNICODE_SPACE) return true;
    }
    return false;
}

int doctor_look(text_look *l, bytes text) {
    l->odd_space = l->not_nfc = false;
    if (is_plain(text)) return 0;
    l->odd_space = has_odd_space(text);
    buffer_clear(&l->scratch);
    TRY(unicode_normalise(text, UNICODE_NFC, &l->scratch, &l->map));
    l->not_nfc = !bytes_equal(text, buffer_view(&l->scratch));
    return 0;
}

void doctor_look_free(text_look *l) {
    buffer_free(&l->scratch);
    unicode_map_free(&l->map);
}

/* ---- faults and limits */

int doctor_fault(doctor_report *report, const char *file, size_t number, size_t most,
                 const rill_error *fault) {
    if (number > most) return 0;
    return doctor_add(report, DOCTOR_ERROR, "bad-data",
                      (doctor_place){file, fault->line, fault->column}, 1, "%s", fault->message);
}

int doctor_faults_rest(doctor_report *report, const char *file, size_t faults, size_t most) {
    if (faults <= most) return 0;
    return doctor_add(report, DOCTOR_ERROR, "bad-data", (doctor_place){file, 0, 0}, faults - most,
                      "%zu more faults of this kind", faults - most);
}

void doctor_defaults(doctor_options *o) {
    if (!o->long_sentence) o->long_sentence = 250;
    if (!o->long_word) o->long_word = 250;
    if (!o->rare) o->rare = 2;
    if (!o->faults) o->faults = 20;
}
