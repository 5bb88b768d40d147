/* train: see train.h. */
#include "model/train.h"
#include "base/io.h"
#include "base/json.h"
#include "model/train_keep.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Everything that a checkpoint holds besides the slabs. */
typedef struct progress {
    int64_t epoch, batch; /* the next batch to do */
    double loss, items;   /* sums of this epoch so far */
    double factor;
    int64_t waited, plateau_waited;
    json_t *history; /* one object per finished epoch */
} progress;

typedef struct run {
    const train_config *config;
    const train_task *task;
    const rill_hooks *hooks;
    rill_error *error;
    compute c;
    tape tape;
    optim optim;
    schedule schedule;
    keep keep; /* weights of the best epochs; nothing without dev data */
    progress at;
    int64_t batches;                    /* of this epoch */
    double began, saved, told, epoch_began, items_here; /* clock, for display and checkpoints only */
} run;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool train_stops(const rill_hooks *hooks) {
    return hooks && hooks->stop && hooks->stop(hooks->data);
}

int train_go_on(const rill_hooks *hooks, rill_error *error) {
    if (!train_stops(hooks)) return 0;
    return status_fail(error, RILL_EINTERRUPTED, "stopped on request");
}

void train_tell(const rill_hooks *hooks, rill_event_kind kind, const char *json, const char *format,
                ...) {
    if (!hooks || !hooks->event) return;
    char text[512];
    buffer own = {0};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    status_printable(text);
    if (!json && (kind == RILL_EVENT_NOTE || kind == RILL_EVENT_WARNING)) {
        buffer_printf(&own, "{\"event\":\"%s\",\"text\":", kind == RILL_EVENT_NOTE ? "note" : "warning");
        json_quote(bytes_of(text), &own);
        buffer_add_char(&own, '}');
        if (!own.failed) json = own.data;
    }
    hooks->event(hooks->data, &(rill_event){.kind = kind, .text = text, .json = json});
    buffer_free(&own);
}

static real *live_weights(const run *r) {
    return r->optim.ema ? r->optim.ema : r->task->params->value;
}

/* ---- checkpoints */

static json_t *progress_json(const run *r) {
    const progress *p = &r->at;
    return json_pack("{sI sI sf sf sf sI sI sI so sO}", "epoch", (json_int_t)p->epoch, "batch",
                     (json_int_t)p->batch, "loss", p->loss, "items", p->items, "factor", p->factor,
                     "waited", (json_int_t)p->waited, "plateau_waited",
                     (json_int_t)p->plateau_waited, "step", (json_int_t)r->optim.step, "kept",
                     keep_json(&r->keep), "history", p->history);
}

static int add_slab(run *r, bundle_writer *w, const char *name, const real *data) {
    int64_t shape[] = {(int64_t)r->task->params->size};
    if (!data) return 0;
    return bundle_writer_tensor(w, name, BUNDLE_F32, 1, shape, data, r->error);
}

static int fill_checkpoint(run *r, bundle_writer *w, buffer *state) {
    json_t *json = progress_json(r);
    int status = json ? json_write(json, state, r->error) : status_nomem(r->error);
    json_decref(json);
    TRY(status);
    TRY(bundle_writer_meta(w, "checkpoint", buffer_view(state), r->error));
    TRY(r->task->describe(r->task->self, w, r->error));
    TRY(add_slab(r, w, "weights", r->task->params->value));
    TRY(add_slab(r, w, "moment1", r->optim.m));
    TRY(add_slab(r, w, "moment2", r->optim.v));
    TRY(add_slab(r, w, "average", r->optim.ema));
    for (int i = 0; i < r->keep.count; i++) {
        char name[16];
        snprintf(name, sizeof name, "kept.%d", i);
        TRY(add_slab(r, w, name, r->keep.best[i].weights));
    }
    return 0;
}

static int checkpoint(run *r) {
    if (!r->config->checkpoint) return 0;
    bundle_writer *w = NULL;
    buffer state = {0};
    TRY(bundle_writer_new(&w, r->error));
    int status = fill_checkpoint(r, w, &state);
    if (status == 0) status = bundle_writer_save(w, r->config->checkpoint, r->error);
    bundle_writer_free(w);
    buffer_free(&state);
    r->saved = now();
    return status;
}

static int load_slab(run *r, bundle *b, const char *name, real *into) {
    int64_t shape[] = {(int64_t)r->task->params->size};
    const bundle_entry *entry;
    if (!into) return 0;
    TRY(bundle_tensor(b, name, BUNDLE_F32, 1, shape, &entry, r->error));
    memcpy(into, entry->data, entry->size);
    return 0;
}

/* What a training can have counted: one more is a number too, also as a double. */
static bool is_count(json_int_t n) {
    return n >= 0 && n <= (json_int_t)1 << 53;
}

static int load_progress(run *r, bundle *b) {
    const char *text;
    json_t *json = NULL;
    json_int_t epoch, batch, waited, plateau_waited, step;
    const json_t *best;
    progress *p = &r->at;
    json_decref(p->history);
    p->history = NULL;
    TRY(bundle_need_meta(b, "checkpoint", &text, r->error));
    TRY(json_read(bytes_of(text), bundle_name(b), &json, r->error));
    int bad = json_unpack(json, "{sI sI sF sF sF sI sI sI so sO}", "epoch", &epoch, "batch", &batch,
                          "loss", &p->loss, "items", &p->items, "factor", &p->factor, "waited",
                          &waited, "plateau_waited", &plateau_waited, "step", &step, "kept", &best,
                          "history", &p->history);
    bad = bad || !keep_restore(&r->keep, best);
    json_decref(json);
    bad = bad || !is_count(epoch) || !is_count(batch) || !is_count(step) || !is_count(waited) ||
          !is_count(plateau_waited) || !json_is_array(p->history);
    if (bad) {
        return status_set(r->error, RILL_EMODEL, bundle_name(b), 0, 0,
                          "the state in field checkpoint is damaged");
    }
    p->epoch = epoch, p->batch = batch;
    p->waited = waited, p->plateau_waited = plateau_waited;
    r->optim.step = step;
    return 0;
}

static int load_checkpoint(run *r, bundle *b) {
    TRY(load_progress(r, b));
    TRY(load_slab(r, b, "weights", r->task->params->value));
    TRY(load_slab(r, b, "moment1", r->optim.m));
    TRY(load_slab(r, b, "moment2", r->optim.v));
    TRY(load_slab(r, b, "average", r->optim.ema));
    for (int i = 0; i < r->keep.count; i++) {
        char name[16];
        snprintf(name, sizeof name, "kept.%d", i);
        TRY(load_slab(r, b, name, r->keep.best[i].weights));
    }
    train_tell(r->hooks, RILL_EVENT_NOTE, NULL, "resumed at epoch %lld, batch %lld",
               (long long)r->at.epoch + 1, (long long)r->at.batch + 1);
    return 0;
}

/* ---- one update */

static int run_batch(run *r, int64_t batch, double *loss, double *items) {
    var v = 0;
    tape_reset(&r->tape);
    TRY(r->task->loss(r->task->self, &r->tape, r->at.epoch, batch, r->optim.step, &v, items,
                      r->error));
    if (r->tape.status == 0) tape_backward(&r->tape, v);
    if (r->tape.status < 0) return status_nomem(r->error);
    *loss = (double)tape_value(&r->tape, v)[0];
    return 0;
}

static int diverged(run *r, const char *what, double value) {
    return status_fail(r->error, RILL_EDIVERGED,
                       "training diverged at epoch %lld, batch %lld (%s %g): try a lower learning "
                       "rate or clip",
                       (long long)r->at.epoch + 1, (long long)r->at.batch + 1, what, value);
}

/* A group of `accumulate` batches and the update they make together. */
static int one_update(run *r) {
    double items = 0, loss = 0;
    int64_t last = r->at.batch + r->config->accumulate;
    if (last > r->batches) last = r->batches;
    for (int64_t b = r->at.batch; b < last; b++) {
        double batch_loss = 0, batch_items = 0;
        TRY(run_batch(r, b, &batch_loss, &batch_items));
        loss += batch_loss;
        items += batch_items;
    }
    if (!isfinite(loss)) return diverged(r, "loss", loss);
    r->schedule.factor = r->at.factor;
    double rate = schedule_rate(&r->schedule, r->optim.step);
    double norm = optim_step(&r->optim, r->task->params, &r->c, rate, 1 / fmax(items, 1));
    if (!isfinite(norm)) return diverged(r, "gradient norm", norm);
    r->at.batch = last;
    r->at.loss += loss;
    r->at.items += items;
    r->items_here += items;
    return 0;
}

static const char *items_of(const run *r) {
    return r->task->items ? r->task->items : "tokens";
}

/* A status line twice a second. */
static void tell_progress(run *r) {
    double t = now();
    if (t - r->told < 0.5) return;
    r->told = t;
    double share = (double)r->at.batch / (double)r->batches;
    double speed = r->items_here / fmax(t - r->epoch_began, 1e-9);
    double total = r->at.items / fmax(share, 1e-9);
    double left = (total * (double)(r->config->epochs - r->at.epoch) - r->at.items) / fmax(speed, 1);
    left = fmin(fmax(left, 0), 60.0 * 1e6); /* minutes are an int, items may be a file's */
    train_tell(r->hooks, RILL_EVENT_PROGRESS, NULL,
               "epoch %lld/%lld %3.0f%%  loss %.4f  %.0f %s/s  %d:%02d left",
               (long long)r->at.epoch + 1, (long long)r->config->epochs, 100 * share,
               r->at.loss / fmax(r->at.items, 1), speed, items_of(r), (int)(left / 60), (int)left % 60);
}

static int interrupted(run *r) {
    TRY(checkpoint(r));
    return status_fail(r->error, RILL_EINTERRUPTED, "training was stopped at epoch %lld, batch %lld",
                       (long long)r->at.epoch + 1, (long long)r->at.batch + 1);
}

/* ---- epochs */

/* The epoch as a JSON object: history entry and log line share it, clock values are only logged. */
static json_t *epoch_json(const run *r, const train_scores *scores) {
    json_t *values = json_object();
    for (int i = 0; i < scores->count; i++) {
        json_put(&values, scores->item[i].name, json_real(scores->item[i].value));
    }
    return json_pack("{sI sf so sf}", "epoch", (json_int_t)r->at.epoch + 1, "loss",
                     r->at.loss / fmax(r->at.items, 1), "scores", values, "dev_score", scores->main);
}

static int tell_epoch(run *r, const json_t *entry, const train_scores *scores, bool better) {
    double seconds = now() - r->epoch_began;
    json_t *log = json_pack("{ss}", "event", "epoch");
    buffer json = {0}, text = {0};
    char speed[40];
    bool good = json_object_update(log, (json_t *)entry) == 0;
    json_put(&log, "rate", json_real(schedule_rate(&r->schedule, r->optim.step)));
    json_put(&log, "updates", json_integer(r->optim.step));
    json_put(&log, "seconds", json_real(seconds));
    snprintf(speed, sizeof speed, "%.20s_per_second", items_of(r));
    json_put(&log, speed, json_real(r->items_here / seconds));
    int status = good && log ? json_write(log, &json, r->error) : status_nomem(r->error);
    for (int i = 0; i < scores->count; i++) {
        buffer_printf(&text, "%s%s %.4f", i > 0 ? "  " : "  dev: ", scores->item[i].name,
                      scores->item[i].value);
    }
    if (status == 0 && !json.failed && !text.failed) {
        train_tell(r->hooks, RILL_EVENT_EPOCH, json.data,
                   "epoch %lld/%lld  loss %.4f%s%s  %.0f %s/s  %.0f s",
                   (long long)r->at.epoch + 1, (long long)r->config->epochs,
                   r->at.loss / fmax(r->at.items, 1), text.data ? text.data : "",
                   better ? "  best" : "", r->items_here / seconds, items_of(r), seconds);
    }
    json_decref(log);
    buffer_free(&json);
    buffer_free(&text);
    return status;
}

/* Keeps the better weights; counts epochs without progress. */
static bool judge(run *r, const train_scores *scores) {
    if (r->keep.room == 0) return false;
    if (keep_offer(&r->keep, live_weights(r), scores->main, r->at.epoch + 1)) {
        r->at.waited = r->at.plateau_waited = 0;
        return true;
    }
    r->at.waited++;
    if (r->config->schedule != SCHEDULE_PLATEAU) return false;
    if (++r->at.plateau_waited >= r->config->plateau_patience) {
        r->at.factor *= r->config->plateau_factor;
        r->at.plateau_waited = 0;
    }
    return false;
}

static bool is_over(const run *r) {
    const train_config *c = r->config;
    return r->at.epoch >= c->epochs || (c->patience > 0 && r->at.waited >= c->patience);
}

/* Neither the log nor the choice of the best epoch has a place for what is not a number. */
static int check_scores(run *r, const train_scores *scores) {
    for (int i = 0; i < scores->count; i++) {
        double value = scores->item[i].value;
        if (!isfinite(value)) return diverged(r, scores->item[i].name, value);
    }
    return isfinite(scores->main) ? 0 : diverged(r, "dev score", scores->main);
}

static int end_epoch(run *r) {
    train_scores scores = {0};
    if (r->task->validate) {
        TRY(r->task->validate(r->task->self, live_weights(r), &scores, r->error));
    }
    TRY(check_scores(r, &scores));
    bool better = judge(r, &scores);
    json_t *entry = epoch_json(r, &scores);
    if (!entry) return status_nomem(r->error);
    int status = tell_epoch(r, entry, &scores, better);
    if (json_array_append_new(r->at.history, entry)) return status_nomem(r->error);
    TRY(status);
    r->at.epoch++;
    r->at.batch = 0;
    r->at.loss = r->at.items = 0;
    /* The last epoch needs none where the model itself comes next, and no long choice. */
    return is_over(r) && r->keep.count < 2 ? 0 : checkpoint(r);
}

static int run_epoch(run *r) {
    TRY(r->task->plan(r->task->self, r->at.epoch, &r->batches, r->error));
    r->epoch_began = now();
    r->items_here = 0;
    while (r->at.batch < r->batches) {
        if (train_stops(r->hooks)) return interrupted(r);
        int status = one_update(r);
        if (status < 0) return status;
        tell_progress(r);
        bool due = now() - r->saved > r->config->checkpoint_seconds;
        if (due && r->at.batch < r->batches) TRY(checkpoint(r));
    }
    return end_epoch(r);
}

/* ---- the whole run */

/* Learns now, and not after an hour, whether a checkpoint can be written. */
static int try_checkpoint(const run *r) {
    writer *w;
    if (!r->config->checkpoint) return 0;
    TRY(writer_open(r->config->checkpoint, &w, r->error));
    writer_close(w); /* not committed: nothing stays behind, nothing is replaced */
    return 0;
}

static int open_run(run *r, bundle *resume) {
    const train_config *f = r->config;
    int64_t batches;
    TRY(try_checkpoint(r));
    TRY(r->task->plan(r->task->self, 0, &batches, r->error));
    if (batches == 0) return status_fail(r->error, RILL_EDATA, "there is nothing to train on");
    r->schedule = (schedule){.kind = f->schedule, .rate = f->rate, .warmup = f->warmup,
                             .total = (batches + f->accumulate - 1) / f->accumulate * f->epochs,
                             .floor = f->floor, .factor = 1};
    if (r->schedule.warmup > r->schedule.total / 5) r->schedule.warmup = r->schedule.total / 5;
    r->tape = (tape){.c = r->c, .record = true, .noise = true, .seed = f->seed};
    r->at = (progress){.factor = 1, .history = json_array()};
    if (!r->at.history || optim_new(&r->optim, &f->optim, r->task->params) < 0) {
        return status_nomem(r->error);
    }
    if (r->task->validate && keep_new(&r->keep, (int)f->keep, r->task->params->size) < 0) {
        return status_nomem(r->error);
    }
    r->began = r->saved = now();
    return resume ? load_checkpoint(r, resume) : 0;
}

/* ---- the choice among the best */

/* Which weights become the model. */
typedef struct choice {
    const real *weights;
    double score;
    int first, count; /* mean of kept first .. first+count-1 */
} choice;

static int try_weights(run *r, const real *weights, int first, int count, choice *best) {
    TRY(train_go_on(r->hooks, r->error)); /* the checkpoint of the last epoch stands */
    train_scores scores = {0};
    int (*judge)(void *, const real *, train_scores *, rill_error *) =
        r->task->judge ? r->task->judge : r->task->validate;
    TRY(judge(r->task->self, weights, &scores, r->error));
    train_tell(r->hooks, RILL_EVENT_NOTE, NULL, "%s %lld%s: %.4f", count > 1 ? "mean of" : "epoch",
               (long long)(count > 1 ? count : r->keep.best[first].epoch),
               count > 1 ? " best epochs" : "", round(1e4 * scores.main) / 1e4 + 0.0); /* and no -0 */
    if (best->weights && !(scores.main > best->score)) return 0;
    *best = (choice){weights, scores.main, first, count};
    return 0;
}

/* mean: room for one mean and the best one so far, [2][size]. */
static int choose(run *r, real *mean, choice *best) {
    size_t size = r->task->params->size;
    for (int i = 0; i < r->keep.count; i++) {
        TRY(try_weights(r, r->keep.best[i].weights, i, 1, best));
    }
    for (int m = 2; m <= r->keep.count; m++) {
        real *room = best->weights == mean ? mean + size : mean;
        keep_mean(&r->keep, m, room);
        TRY(try_weights(r, room, 0, m, best));
    }
    return 0;
}

/* Epochs that the chosen weights come from. */
static json_t *chosen_json(const run *r, const choice *c) {
    json_t *list = json_array();
    for (int i = 0; i < c->count; i++) {
        json_add(&list, json_integer((json_int_t)r->keep.best[c->first + i].epoch));
    }
    return list;
}

static int save_weights(run *r, const choice *c) {
    const keep *k = &r->keep;
    json_t *summary = json_pack("{sI sI sI so sO}", "epochs", (json_int_t)r->at.epoch, "updates",
                                (json_int_t)r->optim.step, "best_epoch",
                                (json_int_t)(k->count ? k->best[0].epoch : 0), "chosen",
                                chosen_json(r, c), "history", r->at.history);
    buffer text = {0};
    int status = summary ? json_write(summary, &text, r->error) : status_nomem(r->error);
    json_decref(summary);
    if (status == 0) {
        status = r->task->save(r->task->self, c->weights, buffer_view(&text), r->error);
    }
    buffer_free(&text);
    return status;
}

static int save_model(run *r) {
    choice best = {live_weights(r), 0, 0, 0};
    real *mean = NULL;
    int status = 0;
    if (r->keep.count == 1) {
        best = (choice){r->keep.best[0].weights, r->keep.best[0].score, 0, 1};
    } else if (r->keep.count > 1) {
        best.weights = NULL;
        mean = mem_new(2 * r->task->params->size, sizeof *mean);
        status = mean ? choose(r, mean, &best) : status_nomem(r->error);
    }
    if (status == 0) status = save_weights(r, &best);
    free(mean);
    TRY(status);
    if (r->config->checkpoint && unlink(r->config->checkpoint) < 0 && errno != ENOENT) {
        return status_errno(r->error, "cannot remove", r->config->checkpoint);
    }
    return 0;
}

static int tell_done(run *r) {
    double seconds = now() - r->began;
    json_t *json = json_pack("{ss sI sI sf}", "event", "done", "epochs", (json_int_t)r->at.epoch,
                             "updates", (json_int_t)r->optim.step, "seconds", seconds);
    if (r->keep.count > 0) { /* there are dev data */
        const kept *best = &r->keep.best[0];
        json_put(&json, "best_epoch", json_integer((json_int_t)best->epoch));
        json_put(&json, "dev_score", json_real(best->score));
    }
    buffer text = {0};
    int status = json ? json_write(json, &text, r->error) : status_nomem(r->error);
    if (status == 0) status = buffer_status(&text, r->error);
    if (status == 0) {
        train_tell(r->hooks, RILL_EVENT_DONE, text.data, "trained in %.0f s", seconds);
    }
    json_decref(json);
    buffer_free(&text);
    return status;
}

int train_run(const train_config *config, const train_task *task, const compute *c, bundle *resume,
              const rill_hooks *hooks, rill_error *error) {
    run r = {.config = config, .task = task, .hooks = hooks, .error = error, .c = *c};
    int status = open_run(&r, resume);
    while (status == 0 && !is_over(&r)) status = run_epoch(&r);
    if (status == 0) status = save_model(&r);
    if (status == 0) status = tell_done(&r);
    tape_free(&r.tape);
    optim_free(&r.optim);
    json_decref(r.at.history);
    keep_free(&r.keep);
    return status;
}
