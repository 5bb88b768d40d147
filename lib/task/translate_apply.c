/* translate_apply: the translator as a filter of lines, and one text at a time.
 *
 * Every line is a record: N lines in, N lines out (or N groups of --nbest lines); a blank line (see
 * unicode_blank) becomes an empty line, with --nbest one empty answer. With --score a line is source TAB
 * target, and what comes out is the target's log probability.
 *
 *     text        the answer; behind " ||| " alignments (--align) and log probabilities (--word-scores)
 *     --nbest     N ||| text ||| logp= x ||| score     as Moses writes it, N counted from 0
 *     --json      {"text", "logp", "score", ...} or {"answers": [...]}
 *
 * Where rules leave no answer an empty one stands in its place, without log probability (in JSON: null).
 */
#include "base/io.h"
#include "base/json.h"
#include "task/translate_lines.h"

#include <stdlib.h>
#include <string.h>

enum { KEEP_BYTES = 1 << 14 }; /* slots of lines larger than this start anew */

typedef struct applier {
    const translate_options *o;
    translate_run run;
    translate_model **model; /* [run.count] */
    reader *in, *prefix;     /* only the reading thread touches these */
    bool stream;             /* `in` is a piece of one stream, not one text of several */
    size_t before;           /* lines of the stream's pieces before this one */
    translate_dictionary dictionary;
    size_t budget;
} applier;

typedef struct slot {
    buffer text;        /* of the line, and of its prefix behind it */
    size_t line;        /* 1-based, of this input */
    size_t number;      /* the same of all of the stream */
    size_t prefix_line; /* the same of the prefixes */
    size_t cut;         /* where the prefix begins */
} slot;

/* ---- reading */

static void slot_free(void *data) { buffer_free(&((slot *)data)->text); }

static int add_prefix(applier *a, slot *s, rill_error *error) {
    bytes prefix;
    int more = reader_text(a->prefix, &prefix, error);
    if (more < 0) return more;
    if (more == 0) {
        return status_set(error, RILL_EDATA, reader_name(a->prefix), 0, 0,
                          "found %zu lines, expected one for every line of input",
                          reader_number(a->prefix));
    }
    buffer_add_bytes(&s->text, prefix);
    s->prefix_line = reader_number(a->prefix);
    return 0;
}

/* The stream has ended: its prefixes have to end with it. */
static int end_prefixes(applier *a, rill_error *error) {
    bytes line;
    if (!a->prefix) return 0;
    size_t lines = reader_number(a->prefix);
    int more = reader_line(a->prefix, &line, error);
    if (more <= 0) return more;
    return status_set(error, RILL_EDATA, reader_name(a->prefix), lines + 1, 0,
                      "found more lines than the %zu of the input", lines);
}

static int read_slot(void *self, void *data, size_t *cost, rill_error *error) {
    applier *a = self;
    slot *s = data;
    bytes line;
    int more = reader_text(a->in, &line, error);
    if (more <= 0) return more;
    s->line = reader_number(a->in);
    s->number = a->before + s->line;
    buffer_clear(&s->text);
    buffer_add_bytes(&s->text, line);
    s->cut = line.size;
    if (a->prefix) TRY(add_prefix(a, s, error));
    *cost = translate_cost(line);
    TRY(buffer_status(&s->text, error));
    return 1;
}

static bool input_ready(void *self) { return reader_ready(((applier *)self)->in); }

/* ---- a worker's lines */

typedef struct worker {
    const applier *a;
    translate_worker *lines;
    translate_line *line;
    translate_scored *scored;
    size_t line_room, scored_room;
    buffer text;
} worker;

static void worker_free(void *data) {
    worker *w = data;
    translate_worker_free(w->lines);
    free(w->line);
    free(w->scored);
    buffer_free(&w->text);
    free(w);
}

static int worker_new(void *self, void **out, rill_error *error) {
    const applier *a = self;
    worker *w = mem_new(1, sizeof *w);
    if (!w) return status_nomem(error);
    w->a = a;
    int status = translate_worker_new(&a->run, &w->lines, error);
    if (status < 0) {
        worker_free(w);
        return status;
    }
    *out = w;
    return 0;
}

static int fault(const worker *w, const slot *s, int status, size_t column, const char *what,
                 rill_error *error) {
    return status_set(error, status, reader_name(w->a->in), s->line, column, "%s", what);
}

/* Source and target (or prefix) of a slot. */
static int set_line(worker *w, const slot *s, translate_line *out, rill_error *error) {
    bytes text = buffer_view(&s->text), line = bytes_slice(text, 0, s->cut);
    size_t at;
    if (!utf8_valid(line, &at)) return fault(w, s, RILL_EDATA, at + 1, "invalid UTF-8", error);
    *out = (translate_line){.source = line, .target = bytes_slice(text, s->cut, text.size),
                            .name = s->number};
    if (!utf8_valid(out->target, &at)) {
        return status_set(error, RILL_EDATA, w->a->o->prefix, s->prefix_line, at + 1, "invalid UTF-8");
    }
    if (!w->a->o->score || unicode_blank(line)) return 0;
    const char *tab = memchr(line.data, '\t', line.size);
    if (!tab) {
        return fault(w, s, RILL_EDATA, 1, "found no TAB, expected source TAB target", error);
    }
    out->source = bytes_slice(line, 0, (size_t)(tab - line.data));
    out->target = bytes_slice(line, (size_t)(tab - line.data) + 1, line.size);
    tab = memchr(out->target.data, '\t', out->target.size);
    if (!tab) return 0;
    return fault(w, s, RILL_EDATA, (size_t)(tab - line.data) + 1,
                 "found a second TAB, expected source TAB target", error);
}

/* ---- writing */

static int add_json(json_t *object, buffer *out, rill_error *error) {
    int status = object ? json_write(object, out, error) : status_nomem(error);
    json_decref(object);
    buffer_add_char(out, '\n');
    return status;
}

static json_t *units_json(worker *w, const search_answer *a) {
    json_t *list = json_array();
    for (int k = 0; k <= a->length; k++) {
        buffer_clear(&w->text);
        if (k < a->length) translate_worker_unit(w->lines, a->word[k], &w->text);
        else buffer_add_text(&w->text, "</s>");
        json_add(&list, json_pack("[of]", json_text(buffer_view(&w->text)), (double)a->each[k]));
    }
    return list;
}

static json_t *answer_json(worker *w, size_t i, const search_answer *a) {
    buffer_clear(&w->text);
    translate_worker_text(w->lines, i, a, &w->text);
    json_t *object = json_pack("{so sf sf}", "text", json_text(buffer_view(&w->text)), "logp",
                               a->logp, "score", a->score);
    if (w->a->o->align) {
        buffer_clear(&w->text);
        bool known = translate_worker_alignment(w->lines, i, a, &w->text) == 0;
        json_put(&object, "alignment", known ? json_text(buffer_view(&w->text)) : NULL);
    }
    if (w->a->o->word_scores) json_put(&object, "units", units_json(w, a));
    return object;
}

/* Stands for no answer: it is certain for a blank line; where rules left none, its probability is unknown. */
static json_t *empty_json(worker *w, size_t i) {
    json_t *object = translate_worker_blank(w->lines, i)
                         ? json_pack("{ss sf sf}", "text", "", "logp", 0.0, "score", 0.0)
                         : json_pack("{ss sn sn}", "text", "", "logp", "score");
    if (w->a->o->align) json_put(&object, "alignment", json_string(""));
    if (w->a->o->word_scores) json_put(&object, "units", json_array());
    return object;
}

static int write_json(worker *w, size_t i, const search_result *r, buffer *out,
                      rill_error *error) {
    if (w->a->o->nbest == 1) {
        return add_json(r->count > 0 ? answer_json(w, i, r->answer) : empty_json(w, i), out, error);
    }
    json_t *list = json_array();
    if (r->count == 0) json_add(&list, empty_json(w, i));
    for (int k = 0; k < r->count; k++) {
        json_add(&list, answer_json(w, i, &r->answer[k]));
    }
    return add_json(json_pack("{so}", "answers", list), out, error);
}

static int write_answer(worker *w, size_t i, const search_answer *a, buffer *out) {
    translate_worker_text(w->lines, i, a, out);
    if (w->a->o->align) {
        buffer_add_text(out, " ||| ");
        TRY(translate_worker_alignment(w->lines, i, a, out));
    }
    if (!w->a->o->word_scores) return 0;
    buffer_add_text(out, " |||");
    for (int k = 0; k <= a->length; k++) buffer_printf(out, " %.4f", (double)a->each[k]);
    return 0;
}

/* Behind each drawing, and for a blank line, stands an empty line. */
static int write_pictures(worker *w, size_t i, const search_result *r, buffer *out,
                          rill_error *error) {
    bool text = !strcmp(w->a->o->picture, "text");
    for (int k = 0; k < r->count; k++) {
        if (k > 0 && text) buffer_add_char(out, '\n');
        if (translate_worker_picture(w->lines, i, &r->answer[k], out) < 0) {
            return status_nomem(error);
        }
    }
    if (text || r->count == 0) buffer_add_char(out, '\n');
    return buffer_status(out, error);
}

static int write_result(worker *w, const slot *s, size_t i, buffer *out, rill_error *error) {
    const search_result *r = translate_worker_result(w->lines, i);
    if (translate_draws(w->a->o)) return write_pictures(w, i, r, out, error);
    if (w->a->o->common.json) return write_json(w, i, r, out, error);
    if (w->a->o->nbest == 1) {
        if (r->count > 0 && write_answer(w, i, r->answer, out) < 0) return status_nomem(error);
        buffer_add_char(out, '\n');
    }
    if (w->a->o->nbest > 1 && r->count == 0) {
        const char *known = translate_worker_blank(w->lines, i) ? " 0.000000 ||| 0.000000" : " ||| ";
        buffer_printf(out, "%zu |||  ||| logp=%s\n", s->number - 1, known);
    }
    for (int k = 0; w->a->o->nbest > 1 && k < r->count; k++) {
        buffer_printf(out, "%zu ||| ", s->number - 1);
        if (write_answer(w, i, &r->answer[k], out) < 0) return status_nomem(error);
        buffer_printf(out, " ||| logp= %.6f ||| %.6f\n", r->answer[k].logp, r->answer[k].score);
    }
    return buffer_status(out, error);
}

static int write_score(worker *w, const translate_scored *s, buffer *out, rill_error *error) {
    if (w->a->o->common.json && s->units == 0) {
        return add_json(json_pack("{sn sn si}", "logp", "score", "units", 0), out, error);
    }
    if (w->a->o->common.json) {
        return add_json(json_pack("{sf sf si}", "logp", s->logp, "score", s->score, "units",
                                  (int)s->units),
                        out, error);
    }
    if (s->units > 0) buffer_printf(out, "%.6f", s->logp);
    buffer_add_char(out, '\n');
    return buffer_status(out, error);
}

/* ---- the filter's work */

/* A message from below knows the column at most. */
static int placed(worker *w, const slot *s, int status, rill_error *error) {
    if (!error || status == RILL_ENOMEM || error->line > 0) return status;
    rill_error why = *error;
    return fault(w, s, status, why.column, why.message, error);
}

static int do_portion(worker *w, slot *slots, const translate_line *line, size_t count, buffer *out,
                      rill_error *error) {
    size_t faulty = 0;
    int status = w->a->o->score
                     ? translate_worker_score(w->lines, line, count, w->scored, &faulty, error)
                     : translate_worker_run(w->lines, line, count, &faulty, error);
    if (status < 0) return placed(w, &slots[faulty], status, error);
    for (size_t i = 0; i < count; i++) {
        TRY(w->a->o->score ? write_score(w, &w->scored[i], out, error)
                           : write_result(w, &slots[i], i, out, error));
    }
    return 0;
}

/* The lines before the first faulty one, in portions of the budget; a long line stands alone. */
static int do_good(worker *w, slot *slots, size_t good, buffer *out, rill_error *error) {
    for (size_t from = 0; from < good;) {
        size_t to = from, cost = 0;
        do cost += translate_cost(w->line[to++].source);
        while (to < good && cost + translate_cost(w->line[to].source) <= w->a->budget);
        TRY(do_portion(w, slots + from, w->line + from, to - from, out, error));
        from = to;
    }
    return 0;
}

static int do_slots(void *self, void *data, void *slots, size_t count, buffer *out,
                    rill_error *error) {
    (void)self;
    worker *w = data;
    slot *s = slots;
    size_t good = 0;
    rill_error why = {0};
    if (mem_grow(&w->line, &w->line_room, count, sizeof *w->line) < 0 ||
        mem_grow(&w->scored, &w->scored_room, count, sizeof *w->scored) < 0) {
        return status_nomem(error);
    }
    int bad = 0;
    while (good < count && (bad = set_line(w, &s[good], &w->line[good], &why)) == 0) good++;
    int status = do_good(w, s, good, out, error);
    for (size_t i = 0; i < count; i++) {
        if (s[i].text.capacity > KEEP_BYTES) buffer_free(&s[i].text);
    }
    if (status < 0 || bad == 0) return status;
    if (error) *error = why;
    return bad;
}

/* ---- opening */

static int check_options(const translate_options *o, rill_error *error) {
    if (translate_draws(o) && o->common.json) {
        return status_fail(error, RILL_EUSAGE, "--picture draws, --json does not: give one of them");
    }
    bool answers = o->nbest > 1 || o->mbr > 0 || o->sample || o->align || translate_draws(o) ||
                   o->word_scores || o->replace_unk || o->prefix;
    if (!o->score || !answers) return 0;
    return status_fail(error, RILL_EUSAGE,
                       "--score gives no answers, which --nbest, --mbr, --sample, --align, --picture, "
                       "--word-scores, --replace-unk and --prefix are about");
}

static int flow_open(void *state, void *const *models, size_t count, const void *options,
                     rill_error *error) {
    applier *a = state;
    const translate_options *o = options;
    *a = (applier){.o = o};
    TRY(check_options(o, error));
    a->budget = translate_portion(o, o->common.batch);
    a->model = mem_new(count, sizeof *a->model);
    if (!a->model) return status_nomem(error);
    for (size_t i = 0; i < count; i++) a->model[i] = models[i];
    a->run = (translate_run){.lexicon = &a->model[0]->lexicon, .o = o, .models = a->model,
                             .count = count};
    if (o->dictionary) {
        TRY(translate_dictionary_open(o->dictionary, &a->dictionary, error));
        a->run.dictionary = &a->dictionary;
    }
    return o->prefix ? reader_open(o->prefix, (size_t)o->max_record, &a->prefix, error) : 0;
}

static void flow_close(void *state) {
    applier *a = state;
    reader_close(a->prefix);
    translate_dictionary_free(&a->dictionary);
    free(a->model);
}

static int flow_begin(void *state, const flow_input *in, rill_error *error) {
    applier *a = state;
    a->stream = in->fd >= 0;
    return a->stream
               ? reader_open_fd(in->fd, in->name, (size_t)a->o->max_record, &a->in, error)
               : reader_open_bytes(in->text, in->name, &a->in, error);
}

static void flow_end(void *state) {
    applier *a = state;
    if (a->stream && a->in) a->before += reader_number(a->in);
    reader_close(a->in);
    a->in = NULL;
}

static int flow_done(void *state, rill_error *error) { return end_prefixes(state, error); }

const task_flow translate_flow = {.size = sizeof(applier),
                                  .budget = TRANSLATE_PORTION,
                                  .filter = {.slot_size = sizeof(slot),
                                             .read = read_slot,
                                             .ready = input_ready,
                                             .worker_new = worker_new,
                                             .worker_free = worker_free,
                                             .work = do_slots,
                                             .slot_free = slot_free},
                                  .open = flow_open,
                                  .close = flow_close,
                                  .begin = flow_begin,
                                  .end = flow_end,
                                  .done = flow_done};
