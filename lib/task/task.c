/* task: models of any task, and tasks at work. See task.h. */
#include "task/task.h"
#include "task/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- models */

int task_model_open(const task *t, bundle *b, void **model, rill_error *error) {
    bundle **m = mem_new(1, t->model_size);
    *model = m;
    if (!m) {
        bundle_close(b);
        return status_nomem(error);
    }
    *m = b;
    int status = t->load(m, b, error);
    if (status == 0) return 0;
    task_model_free(t, m);
    *model = NULL;
    return status;
}

void task_model_free(const task *t, void *model) {
    bundle **m = model;
    if (!m) return;
    t->unload(m);
    bundle_close(*m);
    free(m);
}

/* The vocabulary of that name, or the first one. */
static int find_rows(const task *t, const char *table, const remap_spec **out, rill_error *error) {
    for (const remap_spec *s = t->vocabularies; s && s->name; s++) {
        if (table && strcmp(s->name, table)) continue;
        *out = s;
        return 0;
    }
    return status_fail(error, RILL_EUSAGE, "models of task \"%s\" have no vocabulary %s%s", t->name,
                       table ? table : "", table ? "" : "to prune");
}

int task_remap(const task *t, bundle *b, const char *table, const vocab *wanted, bool add,
               const char *path, remap_report *report, rill_error *error) {
    const remap_spec *spec = NULL;
    void *model;
    TRY(task_model_open(t, b, &model, error));
    int status = find_rows(t, table, &spec, error);
    if (status == 0) {
        status = remap_model(b, spec, spec->spelling(model), wanted, add, path, report, error);
    }
    task_model_free(t, model);
    return status;
}

/* ---- at work */

static size_t budget_of(const task_flow *f, const void *options) {
    int64_t batch = ((const task_options *)options)->batch;
    return batch > 0 ? (size_t)batch : f->budget;
}

static int state_new(const task_flow *f, void *const *models, size_t count, const void *options,
                     void **state, rill_error *error) {
    *state = mem_new(1, f->size);
    if (!*state) return status_nomem(error);
    int status = f->open(*state, models, count, options, error);
    if (status == 0) return 0;
    f->close(*state);
    free(*state);
    *state = NULL;
    return status;
}

static int run_filter(const task_flow *f, void *state, const void *options, int out,
                      const rill_hooks *hooks, rill_error *error) {
    filter_task filter = f->filter;
    filter.self = state;
    writer *w;
    TRY(writer_open_fd(out, "output", &w, error));
    int status = filter_run(&filter, job_threads(options), budget_of(f, options), w, hooks, error);
    writer_close(w);
    return status;
}

struct task_stream {
    const task *task;
    const void *options;
    void **model; /* [count] */
    void *state;
};

int task_stream_new(const task *t, void *const *models, size_t count, const void *options,
                    task_stream **out, rill_error *error) {
    task_stream *s = mem_new(1, sizeof *s);
    *out = NULL;
    if (!s) return status_nomem(error);
    *s = (task_stream){.task = t, .options = options, .model = mem_new(count, sizeof *s->model)};
    int status = s->model ? 0 : status_nomem(error);
    if (status == 0) {
        memcpy(s->model, models, count * sizeof *s->model);
        status = state_new(t->flow, s->model, count, options, &s->state, error);
    }
    if (status == 0) *out = s;
    else task_stream_free(s);
    return status;
}

int task_stream_filter(task_stream *s, int in, const char *name, int out, const rill_hooks *hooks,
                       rill_error *error) {
    const task_flow *f = s->task->flow;
    const flow_input input = {.fd = in, .name = name, .out = out, .hooks = hooks};
    if (in < 0) { /* which would mean an empty text */
        errno = EBADF;
        return status_errno(error, "cannot read", name);
    }
    int status = f->begin(s->state, &input, error);
    if (status == 0) status = run_filter(f, s->state, s->options, out, hooks, error);
    f->end(s->state);
    return status;
}

int task_stream_end(task_stream *s, rill_error *error) {
    const task_flow *f = s->task->flow;
    return f->done ? f->done(s->state, error) : 0;
}

void task_stream_free(task_stream *s) {
    if (!s) return;
    if (s->state) s->task->flow->close(s->state);
    free(s->state);
    free(s->model);
    free(s);
}

int task_filter(const task *t, void *const *models, size_t count, const void *options, int in,
                const char *name, int out, const rill_hooks *hooks, rill_error *error) {
    task_stream *s;
    TRY(task_stream_new(t, models, count, options, &s, error));
    int status = task_stream_filter(s, in, name, out, hooks, error);
    if (status == 0) status = task_stream_end(s, error);
    task_stream_free(s);
    return status;
}

void task_tell_format(const flow_input *in, const void *options, const char *found) {
    const task_options *o = options;
    if (strcmp(o->input, "auto") || !strcmp(found, "text")) return;
    train_tell(in->hooks, RILL_EVENT_NOTE, NULL, "%s: %s (option --input names another format)",
               in->name, found);
}

/* ---- one text at a time */

struct task_session {
    const task *task;
    void *options; /* the caller's may change or go */
    void **model;  /* [count] */
    void *state, *worker;
    char *slot; /* [room] of slot_size bytes, zeroed or used before */
    size_t room;
    buffer out;
};

void task_session_free(task_session *s) {
    if (!s) return;
    const task_flow *f = s->task->flow;
    if (s->worker) f->filter.worker_free(s->worker);
    for (size_t i = 0; i < s->room; i++) f->filter.slot_free(s->slot + i * f->filter.slot_size);
    free(s->slot);
    if (s->state) f->close(s->state);
    free(s->state);
    if (s->options) options_free(s->task->options, s->options);
    free(s->options);
    free(s->model);
    buffer_free(&s->out);
    free(s);
}

static int session_fill(task_session *s, void *const *models, size_t count, const void *options,
                        rill_error *error) {
    const task_flow *f = s->task->flow;
    s->options = mem_new(1, s->task->options->size);
    s->model = mem_new(count, sizeof *s->model);
    if (!s->options || !s->model) return status_nomem(error);
    memcpy(s->model, models, count * sizeof *s->model);
    TRY(options_copy(s->task->options, s->options, options, error));
    TRY(state_new(f, s->model, count, s->options, &s->state, error));
    return f->filter.worker_new(s->state, &s->worker, error);
}

int task_session_new(const task *t, void *const *models, size_t count, const void *options,
                     task_session **out, rill_error *error) {
    task_session *s = mem_new(1, sizeof *s);
    if (!s) return status_nomem(error);
    s->task = t;
    int status = session_fill(s, models, count, options, error);
    if (status < 0) {
        task_session_free(s);
        return status;
    }
    *out = s;
    return 0;
}

/* Slots until the budget is used up: 1 when more may follow, 0 at the end. */
static int read_slots(task_session *s, size_t *count, rill_error *error) {
    const task_flow *f = s->task->flow;
    size_t size = f->filter.slot_size, total = 0, budget = budget_of(f, s->options);
    *count = 0;
    while (total < budget) {
        size_t before = s->room, cost;
        if (mem_grow(&s->slot, &s->room, *count + 1, size) < 0) return status_nomem(error);
        memset(s->slot + before * size, 0, (s->room - before) * size);
        int more = f->filter.read(s->state, s->slot + *count * size, &cost, error);
        if (more <= 0) return more;
        total += cost;
        ++*count;
    }
    return 1;
}

static int answer_all(task_session *s, rill_error *error) {
    const filter_task *f = &s->task->flow->filter;
    int more = 1;
    while (more > 0) {
        size_t count;
        more = read_slots(s, &count, error);
        if (more < 0) return more;
        TRY(f->work(s->state, s->worker, s->slot, count, &s->out, error));
    }
    return buffer_status(&s->out, error);
}

/* An input is opened for every text, so places in messages are those in the text. */
int task_session_apply(task_session *s, bytes text, bytes *answer, rill_error *error) {
    const task_flow *f = s->task->flow;
    const flow_input input = {.fd = -1, .text = text, .name = "text", .out = -1};
    buffer_clear(&s->out);
    int status = f->begin(s->state, &input, error);
    if (status == 0) status = answer_all(s, error);
    f->end(s->state);
    *answer = buffer_view(&s->out);
    return status;
}
