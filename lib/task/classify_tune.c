/* classify_tune: option autotune: settings that matter are tried one after the other, each on top of
 * the best ones so far, until the time is over. The best model by dev score stays, and the command
 * that makes it again is told.
 *
 * Which settings are tried depends on how fast the machine is, so this stands outside the promise of
 * same bytes; the command that is told stands inside.
 */
#include "base/io.h"
#include "base/rng.h"
#include "task/classify_train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct move {
    const char *name, *value;
} move;

static const move moves[] = {
    {"ngrams", "3"},        {"ngrams", "0"},        {"hidden", "100"},  {"hidden", "300"},
    {"rate", "0.002"},      {"rate", "0.0005"},     {"epochs", "8"},    {"epochs", "16"},
    {"dropout", "0.3"},     {"word-dropout", "0.1"}, {"pool", "max"},   {"pool", "max+mean"},
    {"units", "char"},      {"min-count", "1"},     {"layers", "2"},    {"cell", "gru"},
    {"noise", "0.2"},       {"smoothing", "0"},     {"batch", "512"},   {"weights", "balanced"},
    {"word-dropout", "0.3"}, {"stems", "4"},         {"r-drop", "0"}};
enum { MOVES = sizeof moves / sizeof *moves };

typedef struct tuning {
    const classify_options *given;
    const char *const *files;
    size_t count;
    const rill_hooks *hooks;
    rill_error *error;
    double deadline;
    char *attempt;        /* path of the model at hand */
    bool taken[MOVES];    /* in the best settings */
    double best, score;   /* of the best model, of the one at hand; -1: none */
    int trials;
} tuning;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* "90s", "10m", "2h"; a bare number is minutes. Seconds, or negative. */
static double duration(const char *text) {
    static const struct {
        char unit;
        double seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    bytes number = bytes_of(text);
    double factor = 60, value;
    for (size_t i = 0; i < 3 && number.size > 1; i++) {
        if (number.data[number.size - 1] != units[i].unit) continue;
        factor = units[i].seconds;
        number.size--;
        break;
    }
    return bytes_to_real(number, &value) && value > 0 ? value * factor : -1;
}

/* ---- one trial */

static void on_event(void *data, const rill_event *event) {
    tuning *t = data;
    json_t *json = NULL;
    if (event->kind == RILL_EVENT_PROGRESS && t->hooks && t->hooks->event) {
        t->hooks->event(t->hooks->data, event);
    }
    if (event->kind != RILL_EVENT_DONE || !event->json) return;
    if (json_read(bytes_of(event->json), "event", &json, NULL) < 0) return;
    t->score = json_number_value(json_object_get(json, "dev_score"));
    json_decref(json);
}

static bool on_stop(void *data) {
    const tuning *t = data;
    return now() > t->deadline || train_stops(t->hooks);
}

static int set(classify_options *o, const char *name, const char *value, rill_error *error) {
    return options_set(&classify_option_table, o, bytes_of(name), bytes_of(value), error);
}

/* Trains with the best moves and one more (-1: none); the score goes to t->score. */
static int train_one(tuning *t, int more) {
    classify_options o = {0};
    const rill_hooks hooks = {.data = t, .event = on_event, .stop = on_stop};
    t->score = -1;
    int status = options_copy(&classify_option_table, &o, t->given, t->error);
    for (int i = 0; status == 0 && i < MOVES; i++) {
        if (t->taken[i]) status = set(&o, moves[i].name, moves[i].value, t->error);
    }
    if (status == 0 && more >= 0) status = set(&o, moves[more].name, moves[more].value, t->error);
    if (status == 0) status = set(&o, "model", t->attempt, t->error);
    if (status == 0) {
        free(o.autotune);
        o.autotune = NULL;
        o.common.force = true;
        status = classify_train(&o, t->files, t->count, &hooks, t->error);
    }
    options_free(&classify_option_table, &o);
    return status;
}

/* A move replaces an earlier one of the same option. */
static void take(tuning *t, int more) {
    for (int i = 0; more >= 0 && i < MOVES; i++) {
        if (!strcmp(moves[i].name, moves[more].name)) t->taken[i] = i == more;
    }
    t->best = t->score;
}

static int try_one(tuning *t, int more) {
    int status = train_one(t, more);
    bool over = status == RILL_EINTERRUPTED && !train_stops(t->hooks);
    if (over) return 1; /* the time is over: what was not finished is not counted */
    if (status < 0) return status;
    bool better = t->score > t->best;
    t->trials++;
    train_tell(t->hooks, RILL_EVENT_NOTE, NULL, "trial %d: %s%s%s: dev %.4f%s", t->trials,
               more < 0 ? "as given" : moves[more].name, more < 0 ? "" : " ",
               more < 0 ? "" : moves[more].value, t->score, better ? "  best" : "");
    if (!better) return 0;
    take(t, more);
    if (rename(t->attempt, t->given->common.model) == 0) return 0;
    return status_errno(t->error, "cannot rename", t->attempt);
}

/* ---- the search */

static int search(tuning *t) {
    int32_t order[MOVES];
    int status = try_one(t, -1);
    for (uint64_t round = 0; status == 0; round++) {
        rng r = rng_make((uint64_t)t->given->common.seed, MOVES, round);
        for (int i = 0; i < MOVES; i++) order[i] = i;
        rng_shuffle(&r, order, MOVES);
        for (int i = 0; status == 0 && i < MOVES; i++) {
            if (!t->taken[order[i]]) status = try_one(t, order[i]);
        }
    }
    return status < 0 ? status : 0;
}

/* The given options that differ from their defaults, the moves, the files. */
static int tell_command(tuning *t) {
    buffer line = {0}, value = {0};
    buffer_add_text(&line, "rill-classify train");
    for (size_t i = 0; i < classify_option_table.count; i++) {
        const option_row *row = &classify_option_table.rows[i];
        bool moved = !strcmp(row->name, "autotune") || !strcmp(row->name, "force");
        for (int k = 0; k < MOVES; k++) moved |= t->taken[k] && !strcmp(moves[k].name, row->name);
        buffer_clear(&value);
        if (moved || !options_get(&classify_option_table, t->given, row, &value)) continue;
        bytes text = buffer_view(&value);
        if (row->fallback && bytes_equal(text, bytes_of(row->fallback))) continue;
        buffer_printf(&line, " --%s %.*s", row->name, (int)text.size, text.data ? text.data : "");
    }
    for (int i = 0; i < MOVES; i++) {
        if (t->taken[i]) buffer_printf(&line, " --%s %s", moves[i].name, moves[i].value);
    }
    for (size_t i = 0; i < t->count; i++) buffer_printf(&line, " %s", t->files[i]);
    int status = buffer_status(&line, t->error);
    if (status == 0) {
        train_tell(t->hooks, RILL_EVENT_NOTE, NULL, "best of %d trials (so a little too good): dev "
                   "%.4f", t->trials, t->best);
        train_tell(t->hooks, RILL_EVENT_NOTE, NULL, "%s", line.data);
    }
    buffer_free(&line);
    buffer_free(&value);
    return status;
}

int classify_tune(const classify_options *o, const char *const *files, size_t count,
                  const rill_hooks *hooks, rill_error *error) {
    double seconds = duration(o->autotune);
    if (seconds < 0) {
        return status_fail(error, RILL_EUSAGE,
                           "option --autotune: found \"%s\", expected a time such as 10m", o->autotune);
    }
    if (!o->common.dev || !o->common.model) {
        return status_fail(error, RILL_EUSAGE, "option --autotune needs --dev and --model");
    }
    const job given = {.table = &classify_option_table, .options = (void *)o,
                       .file = (char **)files, .files = count}; /* which is only read */
    TRY(job_spare(&given, error));
    buffer attempt = {0}, checkpoint = {0};
    buffer_printf(&attempt, "%s.try", o->common.model);
    buffer_printf(&checkpoint, "%s.try.ckpt", o->common.model);
    tuning t = {.given = o, .files = files, .count = count, .hooks = hooks, .error = error,
                .deadline = now() + seconds, .attempt = attempt.data, .best = -1};
    int status = attempt.failed || checkpoint.failed ? status_nomem(error) : search(&t);
    if (status == 0 && t.trials == 0) {
        status = status_fail(error, RILL_EUSAGE, "option --autotune: not even one training was over "
                             "in that time");
    }
    if (status == 0) status = tell_command(&t);
    if (attempt.data) unlink(attempt.data);
    if (checkpoint.data) unlink(checkpoint.data);
    buffer_free(&attempt);
    buffer_free(&checkpoint);
    return status;
}
