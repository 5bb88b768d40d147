/* translate_data: pairs of lines, their units, and their ids. */
#include "base/rng.h"
#include "data/parallel.h"
#include "model/train.h"
#include "task/job.h"
#include "task/store.h"
#include "task/translate.h"

#include <stdlib.h>
#include <string.h>

void translate_data_free(translate_data *d) {
    for (int side = 0; side < SIDES; side++) {
        buffer_free(&d->text[side]);
        free(d->start[side]);
        free(d->id[side]);
        free(d->at[side]);
    }
    *d = (translate_data){0};
}

bytes translate_data_line(const translate_data *d, int side, size_t pair) {
    return bytes_slice(buffer_view(&d->text[side]), d->start[side][pair],
                       d->start[side][pair + 1]);
}

/* ---- reading */

static int add_pair(translate_data *d, const parallel_pair *pair, bool all, rill_error *error) {
    const bytes line[SIDES] = {pair->source, pair->target};
    const bool *empty = pair->empty;
    if (all ? empty[SOURCE] && empty[TARGET] : empty[SOURCE] || empty[TARGET]) d->empty++;
    if (!all && (empty[SOURCE] || empty[TARGET])) return 0;
    for (int side = 0; side < SIDES; side++) {
        buffer *text = &d->text[side];
        if (mem_grow(&d->start[side], &d->start_room[side], d->pairs + 2,
                     sizeof *d->start[side]) < 0) {
            return status_nomem(error);
        }
        d->start[side][d->pairs] = text->size;
        buffer_add_bytes(text, line[side]);
        TRY(buffer_status(text, error));
        d->start[side][d->pairs + 1] = text->size;
    }
    d->pairs++;
    return 0;
}

int translate_data_read(translate_data *d, const char *const *files, size_t count, bool all,
                        size_t max_line, rill_error *error) {
    parallel *p = NULL;
    parallel_pair pair;
    if (count != 1 && count != 2) {
        return status_fail(error, RILL_EUSAGE,
                           "found %zu files, expected two of lines or one of source TAB target",
                           count);
    }
    TRY(parallel_open(files[0], count == 2 ? files[1] : NULL, max_line, &p, error));
    int more;
    while ((more = parallel_next(p, &pair, error)) > 0) {
        more = add_pair(d, &pair, all, error);
        if (more < 0) break;
    }
    parallel_close(p);
    if (more < 0 || d->pairs > (all ? d->empty : 0)) return more;
    return status_set(error, RILL_EDATA, files[0], 0, 0, "there is no pair of lines in it");
}

/* ---- units */

void translate_lexicon_free(translate_lexicon *l) {
    if (l->target != l->source) subword_free(l->target);
    subword_free(l->source);
    *l = (translate_lexicon){0};
}

static subword_kind kind_of(const char *name) {
    static const char *const names[] = {"word", "char", "bpe", "byte"};
    int kind = 0;
    while (kind < 3 && strcmp(name, names[kind])) kind++;
    return (subword_kind)kind;
}

static const char *units_of(const translate_options *o, int side) {
    const char *own = side == SOURCE ? o->source_units : o->target_units;
    return own ? own : o->units;
}

/* Learns from the sides from..to-1. */
static int learn(const translate_options *o, const translate_data *d, int from, int to,
                 const rill_hooks *hooks, subword **out, rill_error *error) {
    subword_config config = subword_defaults();
    subword_learner *l = NULL;
    subword_learnt told;
    config.kind = kind_of(units_of(o, from));
    config.normalise = store_form(o->normalize);
    config.lower = o->lower;
    config.vocab_size = (int32_t)o->vocab_size;
    config.min_count = config.kind == SUBWORD_CHAR ? 1 : o->min_count;
    TRY(subword_learner_new(&config, &l, error));
    int status = 0;
    for (int side = from; status == 0 && side < to; side++) {
        for (size_t i = 0; status == 0 && i < d->pairs; i++) {
            status = subword_learner_add(l, translate_data_line(d, side, i), error);
        }
    }
    if (status == 0) status = subword_learner_finish(l, out, &told, error);
    subword_learner_free(l);
    TRY(status);
    train_tell(hooks, RILL_EVENT_NOTE, NULL, "%s: %d units (%s)",
               to - from == SIDES ? "both sides" : from == SOURCE ? "source" : "target",
               subword_size(*out), units_of(o, from));
    return 0;
}

/* Opens units learnt before. Codes of subword-nmt lack characters; those of the sides from..to-1
 * are added. */
static int open_units(const char *path, const translate_options *o, const translate_data *d,
                      int from, int to, const rill_hooks *hooks, subword **out, rill_error *error) {
    tally seen = {0};
    int status = 0;
    TRY(subword_open(path, out, error));
    if (subword_settings(*out)->format != SUBWORD_NMT) return 0;
    for (int side = from; status == 0 && side < to; side++) {
        for (size_t i = 0; status == 0 && i < d->pairs; i++) {
            status = subword_count_characters(translate_data_line(d, side, i), &seen, error);
        }
    }
    if (status == 0) status = job_add_characters(*out, path, &seen, o->min_count, hooks, error);
    tally_free(&seen);
    return status;
}

int translate_lexicon_learn(translate_lexicon *l, const translate_options *o,
                            const translate_data *d, const rill_hooks *hooks, rill_error *error) {
    bool same = o->share && !strcmp(units_of(o, SOURCE), units_of(o, TARGET));
    if (o->subwords) {
        same = same && !o->target_subwords;
        TRY(open_units(o->subwords, o, d, SOURCE, same ? SIDES : TARGET, hooks, &l->source,
                       error));
        if (same) {
            l->target = l->source;
            return 0;
        }
    } else {
        same = same && !o->target_subwords;
        TRY(learn(o, d, SOURCE, same ? SIDES : TARGET, hooks, &l->source, error));
        if (same) {
            l->target = l->source;
            return 0;
        }
    }
    if (o->target_subwords) {
        return open_units(o->target_subwords, o, d, TARGET, SIDES, hooks, &l->target, error);
    }
    return learn(o, d, TARGET, SIDES, hooks, &l->target, error);
}

/* ---- ids */

static int encode_side(translate_data *d, int side, subword_session *s, subword_dropout *dropout,
                       uint64_t epoch, rill_error *error) {
    subword_list units = {0};
    size_t count = 0;
    int status = 0;
    for (size_t i = 0; status == 0 && i < d->pairs; i++) {
        dropout->name = epoch << 40 | (uint32_t)i;
        d->at[side][i] = count;
        status = subword_encode(s, translate_data_line(d, side, i),
                                dropout->rate > 0 ? dropout : NULL, &units, error);
        if (status == 0 && mem_grow(&d->id[side], &d->id_room[side], count + units.count,
                                    sizeof *d->id[side]) < 0) {
            status = status_nomem(error);
        }
        if (status < 0) break;
        for (size_t u = 0; u < units.count; u++) d->id[side][count++] = units.item[u].id;
    }
    d->at[side][d->pairs] = count;
    subword_list_free(&units);
    return status;
}

int translate_data_encode(translate_data *d, const translate_lexicon *l, double rate, uint64_t seed,
                          uint64_t epoch, rill_error *error) {
    enum { SITE_UNITS = 5 };
    for (int side = 0; side < SIDES; side++) {
        subword_session *s = NULL;
        if (!d->at[side]) d->at[side] = mem_new(d->pairs + 1, sizeof *d->at[side]);
        if (!d->at[side]) return status_nomem(error);
        subword_dropout dropout = {.rate = rate,
                                   .key = rng_key(seed, SITE_UNITS + (uint64_t)side)};
        TRY(subword_session_new(side == SOURCE ? l->source : l->target, &s, error));
        int status = encode_side(d, side, s, &dropout, epoch, error);
        subword_session_free(s);
        TRY(status);
    }
    return 0;
}
