/* metric_entity: entity spans and their F1, counted as conlleval does.
 *
 * Source: conlleval.pl, version of 2004-01-26, by Erik Tjong Kim Sang (the evaluation script of the
 * CoNLL 2000, 2002 and 2003 shared tasks). It reads a label up to the first "-" as the tag and the
 * rest as the type, and decides between two neighbours p, q whether a chunk begins at q:
 *
 *     q is not O, and:  q is B;  or q is I or E behind an O or E;  or the types of p and q differ
 *
 * and a chunk ends where the next one begins or an O stands. A stray I after O thus opens a chunk,
 * and I-LOC after B-PER ends one and opens another. Sentence ends count as O. The same rules read
 * BIO, IOB1 and IOE. "." is a second name of O. For BIOES they are completed as in the script's
 * later ports: S always begins, B begins behind E too, and I or E behind S begin.
 *
 * A system's chunk is right when begin, end and type equal those of a gold chunk.
 */
#include "model/metric.h"
#include <stdlib.h>
#include <string.h>

typedef struct entity_tag {
    char kind; /* B I E S O, or ? for anything else, which begins a chunk by its type only */
    bytes type;
} entity_tag;

static entity_tag tag_of(bytes label) {
    const char *dash = label.size ? memchr(label.data, '-', label.size) : NULL;
    size_t prefix = dash ? (size_t)(dash - label.data) : label.size;
    entity_tag t = {'?', {"", 0}};
    if (dash) t.type = bytes_slice(label, prefix + 1, label.size);
    if (prefix == 1 && memchr("BIESO.", label.data[0], 6)) t.kind = label.data[0];
    if (t.kind == '.') t.kind = 'O';
    return t;
}

static bool tag_begins(entity_tag before, entity_tag now) {
    if (now.kind == 'O') return false;
    if (now.kind == 'B' || now.kind == 'S') return true;
    if (!bytes_equal(before.type, now.type)) return true;
    bool inside = now.kind == 'I' || now.kind == 'E';
    return inside && (before.kind == 'O' || before.kind == 'E' || before.kind == 'S');
}

int metric_spans(const bytes *label, size_t n, metric_span **out, size_t *room, size_t *count) {
    entity_tag before = {'O', {"", 0}};
    bool open = false;
    *count = 0;
    for (size_t i = 0; i < n; i++) {
        entity_tag now = tag_of(label[i]);
        bool begins = tag_begins(before, now);
        if (open && (begins || now.kind == 'O')) {
            (*out)[*count - 1].end = i;
            open = false;
        }
        if (begins) {
            TRY(mem_grow(out, room, *count + 1, sizeof **out));
            (*out)[(*count)++] = (metric_span){i, n, now.type};
            open = true;
        }
        before = now;
    }
    return 0;
}

/* Counts of a type, zero when it is new. */
static int type_counts(metric_entities *e, bytes type, metric_counts **out) {
    int32_t id, before = e->types.count;
    TRY(mem_grow(&e->by_type, &e->type_room, (size_t)before + 1, sizeof *e->by_type));
    TRY(strmap_add(&e->types, type, &id));
    if (id == before) e->by_type[id] = (metric_counts){0, 0, 0};
    *out = &e->by_type[id];
    return 0;
}

int metric_entities_add(metric_entities *e, const bytes *gold, const bytes *system, size_t n,
                        metric_ratio *part) {
    size_t count[2];
    metric_counts before = e->all, *type;
    TRY(metric_spans(gold, n, &e->span[0], &e->span_room[0], &count[0]));
    TRY(metric_spans(system, n, &e->span[1], &e->span_room[1], &count[1]));
    for (size_t g = 0; g < count[0]; g++) {
        TRY(type_counts(e, e->span[0][g].type, &type));
        type->gold++;
    }
    for (size_t s = 0, g = 0; s < count[1]; s++) {
        metric_span *found = &e->span[1][s];
        TRY(type_counts(e, found->type, &type));
        type->system++;
        while (g < count[0] && e->span[0][g].begin < found->begin) g++;
        metric_span *true_span = g < count[0] ? &e->span[0][g] : NULL;
        if (true_span && true_span->begin == found->begin && true_span->end == found->end &&
            bytes_equal(true_span->type, found->type)) {
            type->right++;
            e->all.right++;
        }
    }
    e->all.gold += (int64_t)count[0];
    e->all.system += (int64_t)count[1];
    if (part) {
        *part = metric_f1_ratio(
            (metric_counts){(int64_t)count[0], (int64_t)count[1], e->all.right - before.right});
    }
    return 0;
}

void metric_entities_free(metric_entities *e) {
    strmap_free(&e->types);
    free(e->by_type);
    free(e->span[0]);
    free(e->span[1]);
    *e = (metric_entities){.type_room = 0};
}
