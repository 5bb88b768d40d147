/* tag_eval: the eval verb: what a tagger gets right, beside a trivial baseline, with intervals.
 *
 * Known words are those whose lower-cased form is in the model's vocabulary. The baseline gives each form
 * its most frequent label of training, other words the most frequent label of all. Intervals are
 * percentile bootstraps over sentences (metric.h).
 */
#include "task/tag_score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFUSIONS = 10, TEXT_LABELS = 40 };

typedef struct evaluation {
    tag_scores scores;
    const tag_options *o;
    json_t *report;
    rill_error *error;
} evaluation;

static json_t *interval_json(metric_interval i) { return json_pack("[ff]", i.low, i.high); }

/* ---- the report as JSON; the text is made from it */

static json_t *counts_json(metric_counts c) {
    return json_pack("{sf sf sf sI}", "precision", metric_precision(c), "recall", metric_recall(c),
                     "f1", metric_f1(c), "support", (json_int_t)c.gold);
}

static int set(json_t *object, bytes key, json_t *value) {
    char *name = mem_text(key.data, key.size);
    int bad = !name || json_object_set_new(object, name, value);
    free(name);
    return bad ? RILL_ENOMEM : 0;
}

static int add_labels(const tag_scores *t, const tag_scored *c, json_t *out) {
    size_t labels = (size_t)c->labels.count;
    metric_counts *counts = mem_new(labels, sizeof *counts);
    json_t *list = json_object();
    int status = counts && list ? 0 : RILL_ENOMEM;
    if (status == 0) metric_label_counts(c->gold, c->given, t->words, c->labels.count, counts);
    for (int32_t i = 0; status == 0 && i < c->labels.count; i++) {
        if (counts[i].gold + counts[i].system == 0) continue;
        status = set(list, strmap_get(&c->labels, i), counts_json(counts[i]));
    }
    if (status == 0) {
        status = set(out, BYTES("macro_f1"), json_real(metric_macro_f1(counts, labels)));
    }
    free(counts);
    if (status == 0) return set(out, BYTES("labels"), list);
    json_decref(list);
    return status;
}

static int add_confusions(const tag_scores *t, const tag_scored *c, json_t *out) {
    metric_confusion *pair = NULL;
    size_t count = 0;
    TRY(metric_confusions(c->gold, c->given, t->words, &pair, &count));
    json_t *list = json_array();
    for (size_t i = 0; list && i < count && i < CONFUSIONS; i++) {
        bytes gold = strmap_get(&c->labels, pair[i].gold);
        bytes given = strmap_get(&c->labels, pair[i].system);
        json_array_append_new(list, json_pack("{ss% ss% sI}", "gold", gold.data, gold.size, "given",
                                              given.data, given.size, "count",
                                              (json_int_t)pair[i].count));
    }
    free(pair);
    return set(out, BYTES("confusions"), list);
}

static int add_interval(const evaluation *e, const metric_ratio *part, const char *key,
                        json_t *out) {
    metric_interval interval;
    if (e->o->samples == 0) return 0;
    TRY(metric_bootstrap(part, e->scores.sentences, (int)e->o->samples, 0.95,
                         (uint64_t)e->o->common.seed, &interval));
    return set(out, bytes_of(key), interval_json(interval));
}

static int add_accuracy(const evaluation *e, const tag_scored *c, json_t *out) {
    const tag_scores *t = &e->scores;
    metric_accuracy a = metric_accuracy_of(c->gold, c->given, t->known, t->words);
    metric_ratio *part = mem_new(t->sentences, sizeof *part);
    if (!part) return RILL_ENOMEM;
    metric_by_sentence(c->gold, c->given, t->start, t->sentences, part);
    metric_ratio whole = metric_sentence_accuracy(part, t->sentences);
    metric_ratio base = tag_scores_right(c, c->baseline, t->words);
    int status = set(out, BYTES("accuracy"), json_real(metric_value(a.all)));
    if (status == 0) status = add_interval(e, part, "ci", out);
    if (status == 0) status = set(out, BYTES("known"), json_real(metric_value(a.known)));
    if (status == 0) status = set(out, BYTES("unknown"), json_real(metric_value(a.unknown)));
    if (status == 0) status = set(out, BYTES("baseline"), json_real(metric_value(base)));
    if (status == 0) {
        status = set(out, BYTES("sentence_accuracy"), json_real(metric_value(whole)));
    }
    free(part);
    return status;
}

static int add_entities(const evaluation *e, const tag_scored *c, json_t *out) {
    const metric_entities *m = &c->entities;
    json_t *types = json_object(), *all = counts_json(m->all);
    int status = types && all ? 0 : RILL_ENOMEM;
    for (int32_t i = 0; status == 0 && i < m->types.count; i++) {
        status = set(types, strmap_get(&m->types, i), counts_json(m->by_type[i]));
    }
    if (status == 0 && json_object_update(out, all)) status = RILL_ENOMEM;
    json_decref(all);
    if (status == 0) status = add_interval(e, c->entity_part, "f1_ci", out);
    if (status == 0) {
        double base = metric_f1(c->baseline_entities.all);
        status = set(out, BYTES("baseline_f1"), json_real(base));
    }
    if (status == 0) return set(out, BYTES("types"), types);
    json_decref(types);
    return status;
}

static int add_column_report(evaluation *e, int i) {
    const tag_scored *c = &e->scores.column[i];
    json_t *out = json_object();
    if (!out) return RILL_ENOMEM;
    int status = 0;
    if (c->column->kind == TAG_ENTITY) status = add_entities(e, c, out);
    if (status == 0) status = add_accuracy(e, c, out);
    if (status == 0) status = add_labels(&e->scores, c, out);
    if (status == 0) status = add_confusions(&e->scores, c, out);
    if (status == 0) return set(e->report, bytes_of(c->column->name), out);
    json_decref(out);
    return status;
}

/* ---- raw text: sentences and words are found anew */

typedef struct raw_sides {
    metric_ud *gold, *given;
    const tag_lexicon *lexicon;
    size_t place[TAG_HEADS];
    token_session *tokens;
    token_text text;
    tag_session *session;
    rill_error *error;
} raw_sides;

/* Slot of a predicted column among what the CoNLL 2018 scorer knows, or NULL. */
static bytes *ud_slot(metric_ud_word *w, const char *column) {
    if (!strcmp(column, "upos")) return &w->upos;
    if (!strcmp(column, "xpos")) return &w->xpos;
    return !strcmp(column, "feats") ? &w->feats : NULL;
}

static int add_gold_token(raw_sides *r, const record *rec, bytes surface, size_t first,
                          size_t words) {
    metric_ud_word *word = mem_new(words, sizeof *word);
    if (!word) return status_nomem(r->error);
    for (size_t w = 0; w < words; w++) {
        word[w].form = record_form(rec, first + w);
        for (int i = 0; i < r->lexicon->columns; i++) {
            bytes *slot = ud_slot(&word[w], r->lexicon->column[i].name);
            if (slot) *slot = record_cell(rec, first + w, r->place[i]);
        }
    }
    int status = metric_ud_token(r->gold, surface, word, words, r->error);
    free(word);
    return status;
}

static int add_gold(raw_sides *r, const record *rec) {
    size_t range = 0;
    for (size_t w = 0; w < rec->words;) {
        bool inside = range < rec->range_count && rec->ranges[range].first == w;
        size_t next = inside ? rec->ranges[range].last : w + 1;
        bytes surface = record_form(rec, w);
        if (inside) {
            const record_cell_range *f = &rec->ranges[range++].form;
            surface = (bytes){rec->text.data + f->begin, f->size};
        }
        TRY(add_gold_token(r, rec, surface, w, next - w));
        w = next;
    }
    return metric_ud_sentence(r->gold) < 0 ? status_nomem(r->error) : 0;
}

static int add_given_sentence(raw_sides *r, bytes raw, const sentence *s, const tag_sentence *tags) {
    size_t at = 0;
    for (int32_t k = s->token; k < s->token + s->tokens; k++) {
        const token *token = &r->text.token[k];
        metric_ud_word *word = mem_new((size_t)token->words, sizeof *word);
        if (!word) return status_nomem(r->error);
        for (int32_t w = 0; w < token->words; w++, at++) {
            word[w].form = tags->form[at];
            for (int i = 0; i < r->lexicon->columns; i++) {
                bytes *slot = ud_slot(&word[w], r->lexicon->column[i].name);
                if (slot) *slot = tags->label[i][at];
            }
        }
        int status = metric_ud_token(r->given, bytes_slice(raw, token->begin, token->end), word,
                                     (size_t)token->words, r->error);
        free(word);
        TRY(status);
    }
    return metric_ud_sentence(r->given) < 0 ? status_nomem(r->error) : 0;
}

/* One paragraph through the model's own pipeline. */
static int add_given(raw_sides *r, bytes raw) {
    TRY(token_words(r->tokens, raw, &r->text, r->error));
    TRY(token_sentences(r->tokens, &r->text, r->error));
    size_t count = r->text.sentences;
    tag_sentence *tags = mem_new(count, sizeof *tags);
    if (!tags) return status_nomem(r->error);
    for (size_t i = 0; i < count; i++) {
        const sentence *s = &r->text.sentence[i];
        const token *first = &r->text.token[s->token];
        const token *last = &r->text.token[s->token + s->tokens - 1];
        tags[i].form = r->text.word + first->word;
        tags[i].count = last->word + last->words - first->word;
    }
    int status = tag_session_run(r->session, tags, count, r->error);
    for (size_t i = 0; status == 0 && i < count; i++) {
        status = add_given_sentence(r, raw, &r->text.sentence[i], &tags[i]);
    }
    free(tags);
    return status;
}

static int raw_file(raw_sides *r, const tag_options *o, const char *path) {
    corpus_options options;
    corpus *c = NULL;
    record rec = {0};
    int status, more = 1;
    TRY(tag_corpus_options(o, &options, r->error));
    TRY(corpus_open(path, &options, &c, r->error));
    status = corpus_format_of(c) == CORPUS_CONLLU
                 ? 0
                 : status_set(r->error, RILL_EUSAGE, path, 0, 0, "option --raw: expected CoNLL-U");
    for (int i = 0; status == 0 && i < r->lexicon->columns; i++) {
        status = corpus_column(c, bytes_of(r->lexicon->column[i].name), &r->place[i], r->error);
    }
    while (status == 0 && (more = corpus_next(c, &rec, r->error)) > 0) {
        if (rec.words == 0) continue;
        if (record_text(&rec).size == 0) {
            status = status_set(r->error, RILL_EDATA, path, rec.line, 0,
                                "option --raw: a sentence without \"# text\"");
        }
        if (status == 0) status = add_gold(r, &rec);
        if (status == 0) status = add_given(r, record_text(&rec));
    }
    record_free(&rec);
    corpus_close(c);
    return status < 0 ? status : more;
}

static int add_raw_scores(const metric_ud_scores *s, json_t *out) {
    const struct {
        const char *name;
        metric_counts counts;
    } rows[] = {{"tokens", s->tokens}, {"sentences", s->sentences}, {"words", s->words},
                {"upos", s->upos},     {"xpos", s->xpos},           {"feats", s->feats},
                {"all_tags", s->all_tags}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        TRY(set(out, bytes_of(rows[i].name), counts_json(rows[i].counts)));
    }
    return 0;
}

static int eval_raw(evaluation *e, tag_session *session, const char *const *files, size_t count) {
    raw_sides r = {.session = session, .lexicon = tag_session_lexicon(session), .error = e->error};
    metric_ud_scores scores;
    int status = metric_ud_new(&r.gold);
    if (status == 0) status = metric_ud_new(&r.given);
    if (status < 0) status_nomem(e->error);
    if (status == 0) status = token_session_new(r.lexicon->tokenizer, &r.tokens, e->error);
    for (size_t i = 0; status == 0 && i < count; i++) status = raw_file(&r, e->o, files[i]);
    if (status == 0) status = metric_ud_score(r.gold, r.given, &scores, e->error);
    if (status == 0 && add_raw_scores(&scores, e->report) < 0) status = status_nomem(e->error);
    token_text_free(&r.text);
    token_session_free(r.tokens);
    metric_ud_free(r.gold);
    metric_ud_free(r.given);
    return status;
}

/* ---- the report as text */

static double number(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

static void print_rows(const char *title, const json_t *rows, buffer *out) {
    const char *name;
    json_t *row;
    size_t shown = 0;
    if (!rows) return;
    buffer_printf(out, "  %-24s %9s %9s %9s %9s\n", title, "precision", "recall", "f1", "support");
    json_object_foreach((json_t *)rows, name, row) {
        if (shown++ == TEXT_LABELS) {
            buffer_printf(out, "  ... and %zu more (all with --json)\n",
                          json_object_size(rows) - TEXT_LABELS);
            break;
        }
        buffer_printf(out, "  %-24s %8.2f%% %8.2f%% %8.2f%% %9.0f\n", name,
                      100 * number(row, "precision"), 100 * number(row, "recall"),
                      100 * number(row, "f1"), number(row, "support"));
    }
}

static void print_interval(const json_t *interval, buffer *out) {
    if (!interval) return;
    buffer_printf(out, "  [%.2f, %.2f]", 100 * json_number_value(json_array_get(interval, 0)),
                  100 * json_number_value(json_array_get(interval, 1)));
}

static void print_column(const char *name, const json_t *c, buffer *out) {
    buffer_printf(out, "%s\n", name);
    if (json_object_get(c, "types")) {
        buffer_printf(out, "  entity f1 %.2f%%", 100 * number(c, "f1"));
        print_interval(json_object_get(c, "f1_ci"), out);
        buffer_printf(out, "  precision %.2f%%  recall %.2f%%  baseline f1 %.2f%%\n",
                      100 * number(c, "precision"), 100 * number(c, "recall"),
                      100 * number(c, "baseline_f1"));
        print_rows("entity", json_object_get(c, "types"), out);
    }
    buffer_printf(out, "  accuracy %.2f%%", 100 * number(c, "accuracy"));
    print_interval(json_object_get(c, "ci"), out);
    buffer_printf(out, "  known %.2f%%  unknown %.2f%%  baseline %.2f%%  whole sentences %.2f%%\n",
                  100 * number(c, "known"), 100 * number(c, "unknown"), 100 * number(c, "baseline"),
                  100 * number(c, "sentence_accuracy"));
    print_rows("label", json_object_get(c, "labels"), out);
    const json_t *pairs = json_object_get(c, "confusions"), *pair;
    if (json_array_size(pairs) > 0) buffer_printf(out, "  most frequent confusions\n");
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        pair = json_array_get(pairs, i);
        buffer_printf(out, "  %8.0f  gold %s  given %s\n", number(pair, "count"),
                      json_string_value(json_object_get(pair, "gold")),
                      json_string_value(json_object_get(pair, "given")));
    }
}

static void print_report(const evaluation *e, buffer *out) {
    const char *name;
    json_t *value;
    if (e->o->raw) {
        print_rows("raw text", e->report, out);
        return;
    }
    buffer_printf(out, "%.0f sentences, %.0f words\n", number(e->report, "sentences"),
                  number(e->report, "words"));
    json_object_foreach(e->report, name, value) {
        if (json_is_object(value)) print_column(name, value, out);
    }
}

/* ---- the verb */

static int eval_gold(evaluation *e, tag_session *s, const char *const *files, size_t count) {
    for (size_t i = 0; i < count; i++) TRY(tag_scores_add(&e->scores, s, e->o, files[i], e->error));
    if (e->scores.words == 0) {
        return status_set(e->error, RILL_EDATA, count ? files[0] : NULL, 0, 0,
                          "no tagged words to score");
    }
    int status = set(e->report, BYTES("sentences"), json_integer((json_int_t)e->scores.sentences));
    if (status == 0) {
        status = set(e->report, BYTES("words"), json_integer((json_int_t)e->scores.words));
    }
    for (int i = 0; status == 0 && i < e->scores.columns; i++) status = add_column_report(e, i);
    return status < 0 ? status_nomem(e->error) : 0;
}

int tag_eval(void *const *models, size_t model_count, const void *options,
             const char *const *files, size_t count, const rill_hooks *hooks, buffer *report,
             rill_error *error) {
    (void)hooks;
    evaluation e = {.o = options, .report = json_object(), .error = error};
    pool *threads = NULL;
    tag_session *s = NULL;
    int wanted = e.o->common.threads > 0 ? (int)e.o->common.threads : pool_cpus();
    int status = e.report ? pool_new(wanted, &threads, error) : status_nomem(error);
    if (status == 0) {
        status = tag_session_new((tag_model *const *)models, model_count, e.o, threads, &s, error);
    }
    if (status == 0) {
        status = e.o->raw ? eval_raw(&e, s, files, count) : eval_gold(&e, s, files, count);
    }
    if (status == 0 && e.o->common.json) {
        status = json_write(e.report, report, error);
        buffer_add_char(report, '\n');
    } else if (status == 0) {
        print_report(&e, report);
    }
    if (status == 0) status = buffer_status(report, error);
    tag_session_free(s);
    pool_free(threads);
    tag_scores_free(&e.scores);
    json_decref(e.report);
    return status;
}
