/* tokenize: see tokenize.h.
 *
 * A record of the stream is a line with its end as it was (LF, CR LF, none at the end of a file),
 * so that undoing what was applied gives the same bytes. Workers only read the units; each has a
 * session of its own. Dropout is named by the number of the line, so threads and batches make no
 * difference.
 */
#include "task/tokenize.h"

#include "base/pool.h"
#include "base/rng.h"
#include "model/train.h"
#include "task/filter.h"

#define OPTIONS tokenize_options
#include "task/rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- options */

enum { LEARN = RILL_TOKENIZE_LEARN, APPLY = RILL_TOKENIZE_APPLY, UNDO = RILL_TOKENIZE_UNDO };

static const option_row rows[] = {
    WORD("unit", 'u', AT(unit), "bpe", "word|char|bpe|byte-bpe", "UNIT", LEARN,
         "What units are: words, characters, byte pairs over characters or over bytes"),
    NUMBER("vocab-size", 's', AT(vocab_size), "0", 0, 16777216, LEARN,
           "Most units, special ones included; 0: 8000"),
    NUMBER("merges", 0, AT(merges), "0", 0, 16777216, LEARN,
           "Most merges; 0: as many as --vocab-size allows (subword-nmt: 10000)"),
    NUMBER("min-count", 0, AT(min_count), "2", 1, 1e15, LEARN,
           "A unit, or the pair of a merge, is seen at least this often"),
    WORD("format", 0, AT(format), "native", "native|subword-nmt", "FORMAT", LEARN,
         "Format of the codes; subword-nmt gives the codes of that tool byte for byte, to which "
         "characters that no merge names are unknown (training with them adds those of its text)"),
    WORD("normalize", 0, AT(normalize), "auto", "auto|nfc|nfkc|none", "FORM", LEARN,
         "Unicode normalization; auto: nfc, but none for subword-nmt"),
    SWITCH("lower", AT(lower), "false", LEARN,
           "Capitals become a mark and a small letter, and come back with undo"),
    WORD("borders", 0, AT(borders), "auto", "auto|yes|no", "WHEN", LEARN,
         "Never merge across the border of letters, digits and other signs; auto: yes, but no for "
         "subword-nmt"),
    {"protect", 0, OPTION_LIST, AT(protect), NULL, 0, 0, NULL, "REGEX", LEARN,
     "What this regular expression matches stays in one piece (at a place the first that matches "
     "wins); it is a unit when seen often enough, else unknown: a quarter of the free ids is for "
     "such units, and what merges leave"},
    {"symbol", 0, OPTION_LIST, AT(symbol), NULL, 0, 0, NULL, "TEXT", LEARN,
     "A string that is always one unit, with an id before the learnt ones; normalized as the text "
     "is"},
    NUMBER("max-words", 0, AT(max_words), "0", 0, 1e12, LEARN,
           "Different words kept while counting; the rarest half goes when there are more; 0: a "
           "million (subword-nmt: no bound)"),
    WORD("output", 'o', AT(output), NULL, NULL, "FILE|FORMAT", LEARN | APPLY,
         "learn: file to write, else standard output; apply: units (as text), ids, or json (units, "
         "ids and byte ranges)"),
    SWITCH("force", AT(force), "false", LEARN, "Overwrite an existing file"),
    WORD("input", 'i', AT(input), "units", "units|ids", "FORMAT", UNDO, "What a line holds"),
    AMOUNT("dropout", AT(dropout), "0", 0, 1, APPLY,
           "BPE dropout: leave out each merge with this probability (for training text)"),
    NUMBER("seed", 0, AT(seed), "1", 0, 4294967295.0, APPLY, "Seed of the dropout"),
    SWITCH("complete", AT(complete), "false", APPLY | UNDO,
           "End the last line where the input does not, as between several files"),
    NUMBER("threads", 't', AT(threads), "0", 0, 256, APPLY | UNDO,
           "Threads; 0: one per processor. Never changes any result"),
};

const option_table tokenize_option_table = {rows, sizeof rows / sizeof *rows,
                                            sizeof(tokenize_options)};

/* ---- learning */

static subword_kind kind_of(const char *name) {
    static const char *const kinds[] = {"word", "char", "bpe", "byte-bpe"};
    int i = 0;
    while (i < SUBWORD_BYTE && strcmp(name, kinds[i])) i++;
    return (subword_kind)i;
}

/* The lines of a list option; *count of them, released by the caller. */
static bytes *list_of(const char *text, size_t *count) {
    size_t lines = 1;
    for (const char *at = text; at && *at; at++) lines += *at == '\n';
    bytes *list = mem_new(lines, sizeof *list), rest = {text, text ? strlen(text) : 0};
    *count = 0;
    while (list && text && bytes_split(&rest, '\n', &list[*count])) ++*count;
    return list;
}

static int config_of(const tokenize_options *o, subword_config *g, rill_error *error) {
    bool nmt = !strcmp(o->format, "subword-nmt"), plain = !strcmp(o->normalize, "auto");
    *g = subword_defaults();
    g->kind = kind_of(o->unit);
    g->format = nmt ? SUBWORD_NMT : SUBWORD_NATIVE;
    g->normalise = !strcmp(o->normalize, "nfkc")                     ? UNICODE_NFKC
                   : !strcmp(o->normalize, "none") || (plain && nmt) ? UNICODE_NONE
                                                                     : UNICODE_NFC;
    g->lower = o->lower;
    g->borders = !strcmp(o->borders, "auto") ? !nmt : !strcmp(o->borders, "yes");
    if (nmt && o->vocab_size) {
        return status_fail(error, RILL_EUSAGE,
                           "codes of subword-nmt are counted in merges: give --merges, not "
                           "--vocab-size");
    }
    if (o->merges && g->kind != SUBWORD_BPE && g->kind != SUBWORD_BYTE) {
        return status_fail(error, RILL_EUSAGE, "--merges is for byte pairs, not for --unit %s",
                           o->unit);
    }
    g->vocab_size = o->vocab_size ? (int32_t)o->vocab_size : 8000;
    g->merges = o->merges ? (int32_t)o->merges : nmt ? 10000 : 0;
    g->min_count = o->min_count;
    g->max_words = o->max_words ? (size_t)o->max_words : nmt ? 0 : g->max_words;
    return 0;
}

static int add_file(subword_learner *l, const char *path, rill_error *error) {
    reader *r;
    bytes line;
    TRY(reader_open(path, 0, &r, error));
    int status;
    while ((status = reader_text(r, &line, error)) > 0) {
        status = subword_learner_add(l, line, error);
        if (status < 0) status_place(error, status, reader_name(r), reader_number(r));
        if (status < 0) break;
    }
    reader_close(r);
    return status;
}

/* What was reached, and why no more. */
static void tell(const subword_config *g, const subword_learnt *r, const rill_hooks *hooks) {
    train_tell(hooks, RILL_EVENT_NOTE, NULL,
               "%d units (%d merges) from %" PRId64 " lines, %" PRId64 " words, %" PRId64
               " of them different",
               (int)r->size, (int)r->merges, r->lines, r->words, r->distinct);
    bool bounded = g->format == SUBWORD_NMT || (g->merges && r->merges >= g->merges);
    if (!bounded && r->size < g->vocab_size) {
        train_tell(hooks, RILL_EVENT_NOTE, NULL,
                   "fewer than the %d asked for: nothing else was seen %" PRId64 " times",
                   (int)g->vocab_size, g->min_count);
    }
    if (r->unknown) {
        train_tell(hooks, RILL_EVENT_NOTE, NULL, "%" PRId64 " running %s are unknown%s", r->unknown,
                   g->kind == SUBWORD_WORD ? "words" : "characters",
                   g->format == SUBWORD_NMT
                       ? ": no merge names them (training with these codes adds them)"
                       : "");
    }
    if (r->unknown_fixed) {
        train_tell(hooks, RILL_EVENT_NOTE, NULL,
                   "%" PRId64 " running pieces of protected text are unknown", r->unknown_fixed);
    }
    if (r->dropped) {
        train_tell(hooks, RILL_EVENT_WARNING, NULL,
                   "%" PRId64 " running words were not counted to the end, because there are more "
                   "than --max-words different ones",
                   r->dropped);
    }
}

static int learn(const subword_config *g, const char *const *files, size_t count,
                 const rill_hooks *hooks, subword **out, rill_error *error) {
    static const char *const standard[] = {"-"};
    subword_learner *l;
    subword_learnt report;
    if (count == 0) {
        files = standard;
        count = 1;
    }
    TRY(subword_learner_new(g, &l, error));
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) status = add_file(l, files[i], error);
    if (status == 0) status = subword_learner_finish(l, out, &report, error);
    subword_learner_free(l);
    if (status == 0 && report.words == 0 && report.fixed == 0) {
        subword_free(*out);
        *out = NULL;
        return status_fail(error, RILL_EDATA, "there is no text to learn units from");
    }
    if (status == 0) tell(g, &report, hooks);
    return status;
}

int tokenize_learn(const tokenize_options *o, const char *const *files, size_t count,
                   const rill_hooks *hooks, subword **out, rill_error *error) {
    subword_config g;
    *out = NULL;
    TRY(config_of(o, &g, error));
    if (o->output) TRY(writer_probe(o->output, error)); /* told before the work, not after */
    bytes *protect = list_of(o->protect, &g.protects), *symbol = list_of(o->symbol, &g.symbols);
    g.protect = protect;
    g.symbol = symbol;
    int status =
        protect && symbol ? learn(&g, files, count, hooks, out, error) : status_nomem(error);
    free(protect);
    free(symbol);
    return status;
}

int tokenize_save(const subword *s, const char *path, rill_error *error) {
    buffer text = {0};
    writer *w;
    subword_write(s, &text);
    int status = buffer_status(&text, error);
    if (status == 0) status = writer_open(path, &w, error);
    if (status == 0) {
        status = writer_add_bytes(w, buffer_view(&text), error);
        if (status == 0) status = writer_commit(w, error);
        writer_close(w);
    }
    buffer_free(&text);
    return status;
}

/* ---- streaming */

enum { BUDGET = 1 << 18, LINE_COST = 64, KEEP_LINE = 1 << 16 };

typedef enum output { UNITS, IDS, JSON } output;

/* Shared by all workers; the reader is the reading thread's. */
typedef struct streamer {
    const subword *s;
    bool undo, ids, complete;
    output output;
    subword_dropout dropout;
    reader *in;
} streamer;

typedef struct slot {
    buffer line;
    size_t number;
    bool ended, cr;
} slot;

typedef struct worker {
    const streamer *all;
    subword_session *session;
    subword_list list;
    int32_t *id;
    size_t id_room;
} worker;

static int read_slot(void *self, void *place, size_t *cost, rill_error *error) {
    streamer *all = self;
    slot *it = place;
    bytes line;
    int got = reader_line(all->in, &line, error);
    if (got <= 0) return got;
    if (it->line.capacity > KEEP_LINE) buffer_free(&it->line);
    buffer_clear(&it->line);
    buffer_add_bytes(&it->line, line);
    it->number = reader_number(all->in);
    it->ended = reader_ended(all->in);
    it->cr = reader_had_cr(all->in);
    *cost = line.size + LINE_COST;
    return it->line.failed ? status_nomem(error) : 1;
}

static bool input_ready(void *self) {
    return reader_ready(((streamer *)self)->in);
}

static void worker_free(void *place) {
    worker *w = place;
    subword_session_free(w->session);
    subword_list_free(&w->list);
    free(w->id);
    free(w);
}

static int worker_new(void *self, void **out, rill_error *error) {
    const streamer *all = self;
    worker *w = mem_new(1, sizeof *w);
    if (!w) return status_nomem(error);
    w->all = all;
    int status = subword_session_new(all->s, &w->session, error);
    if (status < 0) {
        free(w);
        return status;
    }
    *out = w;
    return 0;
}

static void slot_free(void *place) {
    buffer_free(&((slot *)place)->line);
}

static void put_ids(const subword_list *list, const char *between, buffer *out) {
    for (size_t i = 0; i < list->count; i++) {
        buffer_printf(out, "%s%" PRId32, i ? between : "", list->item[i].id);
    }
}

/* {"units":[..],"ids":[..],"ranges":[[begin,end],..]}; ranges count bytes of the line. */
static void put_json(const subword *s, const subword_list *list, buffer *out) {
    buffer_add_text(out, "{\"units\":[");
    for (size_t i = 0; i < list->count; i++) {
        if (i) buffer_add_char(out, ',');
        json_quote(subword_piece(s, list->item[i].id), out);
    }
    buffer_add_text(out, "],\"ids\":[");
    put_ids(list, ",", out);
    buffer_add_text(out, "],\"ranges\":[");
    for (size_t i = 0; i < list->count; i++) {
        buffer_printf(out, "%s[%zu,%zu]", i ? "," : "", list->item[i].begin, list->item[i].end);
    }
    buffer_add_text(out, "]}");
}

static int apply_line(worker *w, const slot *it, buffer *out, rill_error *error) {
    subword_dropout dropout = w->all->dropout;
    bytes line = buffer_view(&it->line);
    dropout.name = it->number;
    if (w->all->output == UNITS) return subword_apply(w->session, line, &dropout, out, error);
    TRY(subword_encode(w->session, line, &dropout, &w->list, error));
    if (w->all->output == IDS) {
        put_ids(&w->list, " ", out);
    } else {
        put_json(w->all->s, &w->list, out);
    }
    return 0;
}

static int undo_ids(worker *w, bytes line, buffer *out, rill_error *error) {
    bytes rest = line, word;
    size_t count = 0;
    while (bytes_split(&rest, ' ', &word)) {
        int64_t id;
        if (word.size == 0) continue;
        if (!bytes_to_int(word, &id) || id < 0 || id >= subword_size(w->all->s)) {
            return status_set(error, RILL_EDATA, NULL, 0, (size_t)(word.data - line.data) + 1,
                              "expected an id below %d, found \"%.*s\"",
                              (int)subword_size(w->all->s), word.size < 40 ? (int)word.size : 40,
                              word.data);
        }
        if (mem_grow(&w->id, &w->id_room, count + 1, sizeof *w->id) < 0) return status_nomem(error);
        w->id[count++] = (int32_t)id;
    }
    subword_decode(w->all->s, w->id, count, NULL, out);
    return 0;
}

/* Our own units are shown as text, so bytes that are none would be lost or taken for marks; those
 * of subword-nmt pass as they are. */
static int undo_units(worker *w, bytes line, buffer *out, rill_error *error) {
    size_t fault;
    bool native = subword_settings(w->all->s)->format == SUBWORD_NATIVE;
    if (native && !utf8_valid(line, &fault)) {
        return status_set(error, RILL_EDATA, NULL, 0, fault + 1, "invalid UTF-8");
    }
    subword_undo(w->all->s, line, out);
    return 0;
}

/* A line stays a line, whatever the units say. */
static int undo_line(worker *w, const slot *it, buffer *out, rill_error *error) {
    size_t begin = out->size;
    bytes line = buffer_view(&it->line);
    TRY(w->all->ids ? undo_ids(w, line, out, error) : undo_units(w, line, out, error));
    for (size_t i = begin; i < out->size; i++) {
        if (out->data[i] == '\n') out->data[i] = ' ';
    }
    return 0;
}

static int do_slots(void *self, void *place, void *slots, size_t count, buffer *out,
                    rill_error *error) {
    const streamer *all = self;
    worker *w = place;
    for (size_t i = 0; i < count; i++) {
        const slot *it = (slot *)slots + i;
        size_t before = out->size;
        int status = all->undo ? undo_line(w, it, out, error) : apply_line(w, it, out, error);
        if (status < 0) {
            out->size = before;
            return status_place(error, status, reader_name(all->in), it->number);
        }
        if (it->cr) buffer_add_char(out, '\r');
        if (it->ended || all->complete) buffer_add_char(out, '\n');
    }
    return buffer_status(out, error);
}

static int output_of(const tokenize_options *o, bool undo, output *out, rill_error *error) {
    static const char *const names[] = {"units", "ids", "json"};
    *out = UNITS;
    if (undo || !o->output) return 0;
    for (int i = 0; i < 3; i++) {
        if (strcmp(o->output, names[i])) continue;
        *out = (output)i;
        return 0;
    }
    return status_fail(error, RILL_EUSAGE,
                       "option --output: found \"%s\", expected units, ids or json", o->output);
}

int tokenize_filter(const subword *s, const tokenize_options *o, bool undo, int in,
                    const char *name, int out, const rill_hooks *hooks, rill_error *error) {
    streamer all = {.s = s, .undo = undo, .ids = !strcmp(o->input, "ids"), .complete = o->complete};
    const filter_task task = {.self = &all,
                              .slot_size = sizeof(slot),
                              .read = read_slot,
                              .ready = input_ready,
                              .worker_new = worker_new,
                              .worker_free = worker_free,
                              .work = do_slots,
                              .slot_free = slot_free};
    writer *w;
    const subword_kind kind = subword_settings(s)->kind;
    if (o->dropout > 0 && kind != SUBWORD_BPE && kind != SUBWORD_BYTE) {
        return status_fail(error, RILL_EUSAGE,
                           "--dropout leaves out merges, and the units of these codes are %s",
                           kind == SUBWORD_CHAR ? "characters" : "words");
    }
    all.dropout = (subword_dropout){.rate = o->dropout, .key = rng_key((uint64_t)o->seed, 0x5B)};
    TRY(output_of(o, undo, &all.output, error));
    TRY(reader_open_fd(in, name, 0, &all.in, error));
    int status = writer_open_fd(out, "output", &w, error);
    if (status == 0) {
        int threads = o->threads > 0 ? (int)o->threads : pool_cpus();
        status = filter_run(&task, threads, BUDGET, w, hooks, error);
        writer_close(w);
    }
    reader_close(all.in);
    return status;
}
