/* tag_eval: the eval verb: what a tagger gets right, beside a trivial baseline, with intervals.
 *
 * Known words are those whose lower-cased form is in the model's vocabulary. The baseline gives each form
 * its most frequent label of training, other words the most frequent label of all. Intervals are
 * percentile bootstraps over sentences (metric.h).
 */
#include "task/job.h"
#include "task/report.h"
#include "task/tag_score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFUSIONS = 10, TEXT_LABELS = 40 };

typedef struct evaluation {
    tag_scores scores;
    const tag_options *o;
    const char *layout; /* that the model was trained with, or NULL */
    json_t *report;
    rill_error *error;
} evaluation;

/* ---- the report of a column */

static int add_labels(const tag_scores *t, const tag_scored *c, json_t *out) {
    size_t labels = (size_t)c->labels.count;
    metric_counts *counts = mem_new(labels, sizeof *counts);
    if (!counts) return RILL_ENOMEM;
    metric_label_counts(c->gold, c->given, t->words, c->labels.count, counts);
    int status = report_labels(&c->labels, counts, out);
    free(counts);
    return status;
}

static int add_interval(const evaluation *e, const metric_ratio *part, const char *key,
                        json_t *out) {
    return report_bootstrap(part, e->scores.sentences, e->o->samples,
                            (uint64_t)e->o->common.seed, key, out);
}

static int add_accuracy(const evaluation *e, const tag_scored *c, json_t *out) {
    const tag_scores *t = &e->scores;
    metric_accuracy a = metric_accuracy_of(c->gold, c->given, t->known, t->words);
    metric_ratio *part = mem_new(t->sentences, sizeof *part);
    if (!part) return RILL_ENOMEM;
    metric_by_sentence(c->gold, c->given, t->start, t->sentences, part);
    metric_ratio whole = metric_sentence_accuracy(part, t->sentences);
    metric_ratio base = tag_scores_right(c, c->baseline, t->words);
    int status = report_set(out, BYTES("accuracy"), json_real(metric_value(a.all)));
    if (status == 0) status = add_interval(e, part, "ci", out);
    if (status == 0) status = report_set(out, BYTES("known"), json_real(metric_value(a.known)));
    if (status == 0) status = report_set(out, BYTES("unknown"), json_real(metric_value(a.unknown)));
    /* Of --feats split no whole strings are kept, so there is no most frequent one. */
    if (status == 0 && !(c->column->kind == TAG_FEATURES && c->column->labels.count == 1)) {
        status = report_set(out, BYTES("baseline"), json_real(metric_value(base)));
    }
    if (status == 0) {
        status = report_set(out, BYTES("sentence_accuracy"), json_real(metric_value(whole)));
    }
    free(part);
    return status;
}

static int add_entities(const evaluation *e, const tag_scored *c, json_t *out) {
    const metric_entities *m = &c->entities;
    json_t *types = json_object(), *all = report_counts(m->all);
    int status = types && all ? 0 : RILL_ENOMEM;
    for (int32_t i = 0; status == 0 && i < m->types.count; i++) {
        status = report_set(types, strmap_get(&m->types, i), report_counts(m->by_type[i]));
    }
    if (status == 0 && json_object_update(out, all)) status = RILL_ENOMEM;
    json_decref(all);
    if (status == 0) status = add_interval(e, c->entity_part, "f1_ci", out);
    if (status == 0) {
        double base = metric_f1(c->baseline_entities.all);
        status = report_set(out, BYTES("baseline_f1"), json_real(base));
    }
    if (status == 0) return report_set(out, BYTES("types"), types);
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
    if (status == 0) status = report_confusions(&c->labels, c->gold, c->given, e->scores.words,
                                                 CONFUSIONS, out);
    if (status == 0) return report_set(e->report, bytes_of(c->column->name), out);
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
    size_t compared; /* bytes of both texts */
    const rill_hooks *hooks;
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
        if (status == 0) status = train_go_on(r->hooks, r->error);
        if (status == 0 && !metric_ud_agree(r->gold, r->given, &r->compared)) {
            status = status_set(r->error, RILL_EDATA, path, rec.line, 0,
                                "option --raw: \"# text\" and the words of the sentence differ");
        }
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
        TRY(report_set(out, bytes_of(rows[i].name), report_counts(rows[i].counts)));
    }
    return 0;
}

static int no_words(const evaluation *e, const char *const *files, size_t count) {
    return status_set(e->error, RILL_EDATA, count ? files[0] : NULL, 0, 0, "no tagged words to score");
}

static int eval_raw(evaluation *e, tag_session *session, const char *const *files, size_t count) {
    raw_sides r = {.session = session, .lexicon = tag_session_lexicon(session),
                   .hooks = e->scores.hooks, .error = e->error};
    metric_ud_scores scores;
    int status = metric_ud_new(&r.gold);
    if (status == 0) status = metric_ud_new(&r.given);
    if (status < 0) status_nomem(e->error);
    if (status == 0) status = token_session_new(r.lexicon->tokenizer, &r.tokens, e->error);
    for (size_t i = 0; status == 0 && i < count; i++) status = raw_file(&r, e->o, files[i]);
    if (status == 0) status = metric_ud_score(r.gold, r.given, &scores, e->error);
    if (status == 0 && scores.words.gold == 0) status = no_words(e, files, count);
    if (status == 0 && add_raw_scores(&scores, e->report) < 0) status = status_nomem(e->error);
    token_text_free(&r.text);
    token_session_free(r.tokens);
    metric_ud_free(r.gold);
    metric_ud_free(r.given);
    return status;
}

/* ---- the report as text */

static void print_column(const char *name, const json_t *c, buffer *out) {
    buffer_printf(out, "%s\n", name);
    if (json_object_get(c, "types")) {
        buffer_printf(out, "  entity f1 %.2f%%", 100 * report_number(c, "f1"));
        report_print_interval(json_object_get(c, "f1_ci"), out);
        buffer_printf(out, "  precision %.2f%%  recall %.2f%%  baseline f1 %.2f%%\n",
                      100 * report_number(c, "precision"), 100 * report_number(c, "recall"),
                      100 * report_number(c, "baseline_f1"));
        report_print_rows("entity", json_object_get(c, "types"), TEXT_LABELS, out);
    }
    buffer_printf(out, "  accuracy %.2f%%", 100 * report_number(c, "accuracy"));
    report_print_interval(json_object_get(c, "ci"), out);
    buffer_printf(out, "  known %.2f%%  unknown %.2f%%", 100 * report_number(c, "known"),
                  100 * report_number(c, "unknown"));
    if (json_object_get(c, "baseline")) {
        buffer_printf(out, "  baseline %.2f%%", 100 * report_number(c, "baseline"));
    }
    buffer_printf(out, "  whole sentences %.2f%%\n", 100 * report_number(c, "sentence_accuracy"));
    report_print_rows("label", json_object_get(c, "labels"), TEXT_LABELS, out);
    report_print_confusions(json_object_get(c, "confusions"), out);
}

static void print_report(const evaluation *e, buffer *out) {
    const char *name;
    json_t *value;
    if (e->o->raw) {
        report_print_rows("raw text", e->report, TEXT_LABELS, out);
        return;
    }
    buffer_printf(out, "%.0f sentences, %.0f words\n", report_number(e->report, "sentences"),
                  report_number(e->report, "words"));
    json_object_foreach(e->report, name, value) {
        if (json_is_object(value)) print_column(name, value, out);
    }
}

/* ---- the verb */

static int eval_gold(evaluation *e, tag_session *s, const char *const *files, size_t count) {
    for (size_t i = 0; i < count; i++) {
        TRY(tag_scores_add(&e->scores, s, e->o, e->layout, files[i], e->error));
    }
    if (e->scores.words == 0) return no_words(e, files, count);
    int status = report_set(e->report, BYTES("sentences"), json_integer((json_int_t)e->scores.sentences));
    if (status == 0) {
        status = report_set(e->report, BYTES("words"), json_integer((json_int_t)e->scores.words));
    }
    for (int i = 0; status == 0 && i < e->scores.columns; i++) status = add_column_report(e, i);
    return status < 0 ? status_nomem(e->error) : 0;
}

int tag_eval(void *const *models, size_t model_count, const void *options,
             const char *const *files, size_t count, const rill_hooks *hooks, buffer *report,
             rill_error *error) {
    evaluation e = {.o = options,
                    .scores.hooks = hooks,
                    .layout = ((const tag_model *)models[0])->options.layout,
                    .report = json_object(),
                    .error = error};
    pool *threads = NULL;
    tag_session *s = NULL;
    int status = e.report ? pool_new(job_threads(&e.o->common), &threads, error)
                          : status_nomem(error);
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
