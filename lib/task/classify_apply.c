/* classify_apply: the classifier at work: as a filter of a stream, and one text at a time.
 *
 * A line of text, or an example of another format, gives one line:
 *
 *     label                                   the most probable one; of several all above their threshold
 *     label TAB p TAB label TAB p ...         --probs; --best K: the K most probable
 *     {"label":..,"probabilities":{..}}       --json
 *
 * --explain leaves out one word after the other (of a long text one run of words after the other)
 * and looks how much the label's log odds fall. That asks the model itself, all of it, and every
 * model of an ensemble.
 */
#include "base/json.h"
#include "task/classify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DEFAULT_BUDGET = 2048, /* units */
    TEXT_BYTES = 5,        /* per unit, to guess what a text will cost */
    KEEP_BYTES = 1 << 16,  /* slots of texts larger than this start anew */
    PIECES = 64,           /* that a text is explained in */
    SHOWN = 5              /* words of an explanation in plain text */
};

typedef struct applier {
    const classify_options *o;
    classify_model **model;
    size_t models;
    labelled *in;
    bool colour;
} applier;

typedef struct worker {
    const applier *a;
    classify_session *session;
    bytes *text;        /* [count] */
    float *probability; /* [count,K] */
    int32_t *order;     /* [K] */
    size_t text_room, probability_room;
    buffer without[PIECES];
} worker;

/* ---- reading */

static int read_slot(void *self, void *slot, size_t *cost, rill_error *error) {
    applier *a = self;
    example *e = slot;
    int more = labelled_next(a->in, e, error);
    if (more > 0) *cost = 1 + e->text / TEXT_BYTES;
    return more;
}

static bool input_ready(void *self) { return labelled_ready(((applier *)self)->in); }

static void slot_free(void *slot) { example_free(slot); }

/* ---- workers */

static void worker_free(void *data) {
    worker *w = data;
    if (!w) return;
    classify_session_free(w->session);
    free(w->text);
    free(w->probability);
    free(w->order);
    for (int i = 0; i < PIECES; i++) buffer_free(&w->without[i]);
    free(w);
}

/* No pool inside a session: the threads are used up by working on several batches at once. */
static int worker_new(void *self, void **out, rill_error *error) {
    const applier *a = self;
    worker *w = mem_new(1, sizeof *w);
    if (!w) return status_nomem(error);
    w->a = a;
    int status = classify_session_new(a->model, a->models, a->o, NULL, &w->session, error);
    if (status == 0) {
        w->order = mem_new((size_t)a->model[0]->lexicon.labels.count, sizeof *w->order);
        if (!w->order) status = status_nomem(error);
    }
    if (status < 0) {
        worker_free(w);
        return status;
    }
    *out = w;
    return 0;
}

/* ---- which labels are given */

/* The `count` most probable labels in order; ties go to the first. */
static void rank(const float *p, int K, int count, int32_t *order) {
    for (int32_t k = 0; k < K; k++) order[k] = k;
    for (int i = 0; i < count; i++) {
        int best = i;
        for (int j = i + 1; j < K; j++) {
            bool better = p[order[j]] > p[order[best]] ||
                          (p[order[j]] == p[order[best]] && order[j] < order[best]);
            if (better) best = j;
        }
        int32_t moved = order[best];
        memmove(order + i + 1, order + i, (size_t)(best - i) * sizeof *order);
        order[i] = moved;
    }
}

/* Labels to write, best first, into w->order; how many. */
static int choose(worker *w, const float *p) {
    const classify_options *o = w->a->o;
    const classify_lexicon *l = classify_session_lexicon(w->session);
    const float *tuned = classify_session_threshold(w->session);
    int K = l->labels.count, count = o->k > 0 ? (int)(o->k < K ? o->k : K) : l->multi ? K : 1;
    rank(p, K, count, w->order);
    int given = 0;
    for (int i = 0; i < count; i++) {
        int32_t k = w->order[i];
        double least = o->threshold > 0 ? o->threshold
                       : l->multi && o->k == 0 ? (double)tuned[k] : 0;
        if ((double)p[k] >= least) w->order[given++] = k;
    }
    return given;
}

/* ---- why */

typedef struct reason {
    size_t begin, end; /* bytes of the text */
    double weight;
} reason;

static double log_odds(double p) {
    double least = 1e-6;
    p = fmin(fmax(p, least), 1 - least);
    return log(p / (1 - p));
}

/* Runs of words: piece i of n units covers units i*n/pieces .. */
static int explain(worker *w, bytes text, int32_t label, double p, reason *out, int *pieces,
                   rill_error *error) {
    const classify_unit *unit;
    size_t units, K = (size_t)classify_session_lexicon(w->session)->labels.count;
    TRY(classify_session_units(w->session, text, &unit, &units, error));
    size_t n = 0;
    for (size_t i = 0; i < units; i++) { /* words of one token are one */
        n += i == 0 || unit[i].begin != unit[i - 1].begin;
    }
    *pieces = (int)(n < PIECES ? n : PIECES);
    size_t at = 0, seen = 0;
    for (int i = 0; i < *pieces; i++) {
        size_t until = (size_t)(i + 1) * n / (size_t)*pieces;
        out[i].begin = unit[at].begin;
        for (; at < units; at++) {
            bool first = at == 0 || unit[at].begin != unit[at - 1].begin;
            if (first && seen == until) break;
            seen += first;
            out[i].end = unit[at].end;
        }
        buffer_clear(&w->without[i]);
        buffer_add(&w->without[i], text.data, out[i].begin);
        buffer_add(&w->without[i], text.data + out[i].end, text.size - out[i].end);
        TRY(buffer_status(&w->without[i], error));
    }
    bytes view[PIECES];
    float *probability = mem_new(PIECES, K * sizeof *probability);
    for (int i = 0; i < *pieces; i++) view[i] = buffer_view(&w->without[i]);
    int status = probability ? classify_session_run(w->session, view, (size_t)*pieces, probability,
                                                    false, error)
                             : status_nomem(error);
    for (int i = 0; status == 0 && i < *pieces; i++) {
        out[i].weight = log_odds(p) - log_odds((double)probability[(size_t)i * K + (size_t)label]);
    }
    free(probability);
    return status;
}

/* ---- writing */

/* Four digits, with a point in every locale. */
static void add_number(buffer *out, double value, bool sign) {
    long digits = lround(fabs(value) * 10000);
    if (value < 0 && digits > 0) buffer_add_char(out, '-');
    else if (sign) buffer_add_char(out, '+');
    buffer_printf(out, "%ld.%04ld", digits / 10000, digits % 10000);
}

/* A label or word in a line of text must not end it or look like two. */
static void add_plain(buffer *out, bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        buffer_add_char(out, c == '\t' || c == '\n' || c == '\r' ? ' ' : c);
    }
}

static void add_json_labels(const worker *w, const float *p, int count, buffer *out) {
    const classify_lexicon *l = classify_session_lexicon(w->session);
    buffer_add_text(out, "{\"label\":");
    if (l->multi) buffer_add_char(out, '[');
    for (int i = 0; i < (l->multi ? count : 1); i++) {
        if (i > 0) buffer_add_char(out, ',');
        if (i < count) json_quote(strmap_get(&l->labels, w->order[i]), out);
        else buffer_add_text(out, "null");
    }
    if (l->multi) buffer_add_char(out, ']');
    buffer_add_text(out, ",\"probabilities\":{");
    for (int i = 0; i < count; i++) {
        if (i > 0) buffer_add_char(out, ',');
        json_quote(strmap_get(&l->labels, w->order[i]), out);
        buffer_add_char(out, ':');
        add_number(out, (double)p[w->order[i]], false);
    }
    buffer_add_char(out, '}');
}

static void add_json_reasons(bytes text, const reason *r, int count, buffer *out) {
    buffer_add_text(out, ",\"words\":[");
    for (int i = 0; i < count; i++) {
        buffer_add_text(out, i > 0 ? ",{\"text\":" : "{\"text\":");
        json_quote(bytes_slice(text, r[i].begin, r[i].end), out);
        buffer_printf(out, ",\"begin\":%zu,\"end\":%zu,\"weight\":", r[i].begin, r[i].end);
        add_number(out, r[i].weight, false);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

/* The text itself, words for the label green and against it red, strong ones bold. */
static void add_coloured(bytes text, const reason *r, int count, buffer *out) {
    size_t at = 0;
    double most = 0;
    for (int i = 0; i < count; i++) most = fmax(most, fabs(r[i].weight));
    buffer_add_char(out, '\t');
    for (int i = 0; i < count; i++) {
        bool strong = fabs(r[i].weight) > most / 2, seen = fabs(r[i].weight) > most / 8;
        add_plain(out, bytes_slice(text, at, r[i].begin));
        if (seen) buffer_printf(out, "\033[%s%dm", strong ? "1;" : "", r[i].weight > 0 ? 32 : 31);
        add_plain(out, bytes_slice(text, r[i].begin, r[i].end));
        if (seen) buffer_add_text(out, "\033[m");
        at = r[i].end;
    }
    add_plain(out, bytes_slice(text, at, text.size));
}

static int by_weight(const void *a, const void *b) {
    const reason *x = a, *y = b;
    double p = fabs(x->weight), q = fabs(y->weight);
    if (p != q) return p < q ? 1 : -1;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

/* The words that weigh most, with their weights. */
static void add_strongest(bytes text, reason *r, int count, buffer *out) {
    qsort(r, (size_t)count, sizeof *r, by_weight);
    for (int i = 0; i < count && i < SHOWN; i++) {
        buffer_add_char(out, '\t');
        add_plain(out, bytes_slice(text, r[i].begin, r[i].end));
        buffer_add_char(out, ' ');
        add_number(out, r[i].weight, true);
    }
}

static int write_answer(worker *w, bytes text, const float *p, buffer *out, rill_error *error) {
    const classify_options *o = w->a->o;
    const classify_lexicon *l = classify_session_lexicon(w->session);
    reason reasons[PIECES];
    int pieces = 0, count = choose(w, p);
    if (o->explain && count > 0) {
        TRY(explain(w, text, w->order[0], (double)p[w->order[0]], reasons, &pieces, error));
    }
    if (o->common.json) {
        add_json_labels(w, p, count, out);
        if (o->explain) add_json_reasons(text, reasons, pieces, out);
        buffer_add_text(out, "}\n");
        return 0;
    }
    for (int i = 0; i < count; i++) {
        if (i > 0) buffer_add_char(out, '\t');
        add_plain(out, strmap_get(&l->labels, w->order[i]));
        if (!o->probs) continue;
        buffer_add_char(out, '\t');
        add_number(out, (double)p[w->order[i]], false);
    }
    if (o->explain && w->a->colour) add_coloured(text, reasons, pieces, out);
    else if (o->explain) add_strongest(text, reasons, pieces, out);
    buffer_add_char(out, '\n');
    return 0;
}

static int do_slots(void *self, void *data, void *slots, size_t count, buffer *out,
                    rill_error *error) {
    (void)self;
    worker *w = data;
    example *slot = slots;
    size_t K = (size_t)classify_session_lexicon(w->session)->labels.count;
    if (mem_grow(&w->text, &w->text_room, count, sizeof *w->text) < 0 ||
        mem_grow(&w->probability, &w->probability_room, count * K, sizeof(float)) < 0) {
        return status_nomem(error);
    }
    for (size_t i = 0; i < count; i++) w->text[i] = example_text(&slot[i]);
    TRY(classify_session_run(w->session, w->text, count, w->probability, false, error));
    for (size_t i = 0; i < count; i++) {
        TRY(write_answer(w, w->text[i], w->probability + i * K, out, error));
    }
    for (size_t i = 0; i < count; i++) { /* one giant text must not keep its memory until the end */
        if (slot[i].data.capacity > KEEP_BYTES) example_free(&slot[i]);
    }
    return 0;
}

/* ---- the flow */

static int flow_open(void *state, void *const *models, size_t count, const void *options,
                     rill_error *error) {
    applier *a = state;
    *a = (applier){.o = options, .models = count};
    a->model = mem_new(count, sizeof *a->model);
    if (!a->model) return status_nomem(error);
    for (size_t i = 0; i < count; i++) a->model[i] = models[i];
    return 0;
}

static void flow_close(void *state) { free(((applier *)state)->model); }

static bool wants_colour(int out) {
    const char *off = getenv("NO_COLOR");
    return out >= 0 && isatty(out) && !(off && *off);
}

static int flow_begin(void *state, const flow_input *in, rill_error *error) {
    applier *a = state;
    labelled_options c = classify_labelled(a->o, true);
    a->colour = wants_colour(in->out);
    if (in->fd < 0 && c.format == LABELLED_AUTO) c.format = LABELLED_TEXT;
    TRY(in->fd < 0 ? labelled_open_bytes(in->text, in->name, &c, &a->in, error)
                   : labelled_open_fd(in->fd, in->name, &c, &a->in, error));
    task_tell_format(in, a->o, labelled_format_name(labelled_format_of(a->in)));
    return 0;
}

static void flow_end(void *state) {
    applier *a = state;
    labelled_close(a->in);
    a->in = NULL;
}

const task_flow classify_flow = {.size = sizeof(applier),
                                 .budget = DEFAULT_BUDGET,
                                 .filter = {.slot_size = sizeof(example),
                                            .read = read_slot,
                                            .ready = input_ready,
                                            .worker_new = worker_new,
                                            .worker_free = worker_free,
                                            .work = do_slots,
                                            .slot_free = slot_free},
                                 .open = flow_open,
                                 .close = flow_close,
                                 .begin = flow_begin,
                                 .end = flow_end};
