/* job: see job.h.
 *
 * A checkpoint's description of a job: `options` (all that are set, as text), `files`, and `inputs`,
 * a hash for every file that was read, so that a resume refuses changed data.
 *
 * It may come from a stranger. What it names is read only where a training of one's own would read,
 * and it is written where the checkpoint stands, unless --force says otherwise.
 */
#include "task/job.h"
#include "base/io.h"
#include "task/store.h"
#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the files of a training */

typedef int on_file(void *data, const char *path, rill_error *error);

/* Training files, and those that options name. */
static int each_file(const job *j, on_file *visit, void *data, rill_error *error) {
    for (size_t i = 0; i < j->files; i++) TRY(visit(data, j->file[i], error));
    for (size_t i = 0; i < j->table->count; i++) {
        const option_row *row = &j->table->rows[i];
        if (!(row->where & OPTION_FILE)) continue;
        const char *path = *(char *const *)((const char *)j->options + row->offset);
        if (path) TRY(visit(data, path, error));
    }
    return 0;
}

/* Training reads its data again: dev after every epoch, all of it on resume. What can be read only
 * once would make scores of nothing. */
static int check_file(void *data, const char *path, rill_error *error) {
    struct stat s;
    (void)data;
    if (strcmp(path, "-") && (stat(path, &s) || S_ISREG(s.st_mode) || S_ISDIR(s.st_mode))) {
        return 0; /* what is not there or a folder gets its own message when it is opened */
    }
    return status_set(error, RILL_EUSAGE, path, 0, 0,
                      "found a pipe or device, expected a file: training reads its data repeatedly");
}

static int copy_files(job *j, const char *const *files, size_t count, rill_error *error) {
    j->file = mem_new(count, sizeof *j->file);
    if (!j->file) return status_nomem(error);
    for (; j->files < count; j->files++) {
        j->file[j->files] = mem_text(files[j->files], strlen(files[j->files]));
        if (!j->file[j->files]) return status_nomem(error);
    }
    return 0;
}

/* ---- what a checkpoint says of its job */

/* Options as text: all that are set, paths too. */
static json_t *options_json(const job *j) {
    json_t *all = json_object();
    buffer value = {0};
    for (size_t i = 0; all && i < j->table->count; i++) {
        const option_row *row = &j->table->rows[i];
        buffer_clear(&value);
        if (!strcmp(row->name, "resume") || !strcmp(row->name, "force")) continue;
        if (!options_get(j->table, j->options, row, &value)) continue;
        json_t *text = json_stringn(value.data ? value.data : "", value.size);
        if (!value.failed && json_object_set_new(all, row->name, text) == 0) continue;
        json_decref(all);
        all = NULL;
    }
    buffer_free(&value);
    return all;
}

static int add_hash(void *list, const char *path, rill_error *error) {
    hash128 hash;
    char hex[33];
    if (access(path, R_OK)) return 0; /* gets its own message when it is opened */
    TRY(file_hash(path, &hash, error));
    hash128_hex(hash, hex);
    return json_object_set_new(list, path, json_string(hex)) ? status_nomem(error) : 0;
}

/* Takes `json`, NULL: there was no memory for it. */
static int add_meta(bundle_writer *w, const char *key, json_t *json, rill_error *error) {
    buffer text = {0};
    int status = json ? json_write(json, &text, error) : status_nomem(error);
    if (status == 0) status = bundle_writer_meta(w, key, buffer_view(&text), error);
    buffer_free(&text);
    json_decref(json);
    return status;
}

static int describe(void *self, bundle_writer *w, rill_error *error) {
    job *j = self;
    json_t *files = json_array();
    for (size_t i = 0; i < j->files; i++) json_add(&files, json_string(j->file[i]));
    TRY(add_meta(w, "files", files, error));
    TRY(add_meta(w, "inputs", json_incref(j->inputs), error));
    TRY(add_meta(w, "options", options_json(j), error));
    return bundle_writer_meta(w, "task", bytes_of(j->task), error);
}

static int restore_options(job *j, const json_t *all, rill_error *error) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)all, key, value) {
        if (!json_is_string(value)) continue;
        bytes text = {json_string_value(value), json_string_length(value)};
        TRY(options_set(j->table, j->options, bytes_of(key), text, error));
    }
    return 0;
}

static int restore_files(job *j, const json_t *list, rill_error *error) {
    size_t count = json_array_size(list);
    if (count == 0) return load_damaged(j->resume, error, "files");
    const char **files = mem_new(count, sizeof *files);
    if (!files) return status_nomem(error);
    for (size_t i = 0; i < count; i++) {
        const char *path = json_string_value(json_array_get(list, i));
        files[i] = path ? path : "";
    }
    int status = copy_files(j, files, count, error);
    free(files);
    return status;
}

/* Refuses data that are not what the checkpoint was made from. */
static int compare_hash(void *inputs, const char *path, rill_error *error) {
    const char *hex = json_string_value(json_object_get(inputs, path));
    hash128 now, then;
    if (!hex || !hash128_parse(hex, strlen(hex), &then)) {
        return status_set(error, RILL_EMODEL, path, 0, 0, "the checkpoint has no hash of the file");
    }
    TRY(file_hash(path, &now, error));
    if (hash128_equal(now, then)) return 0;
    return status_set(error, RILL_EDATA, path, 0, 0,
                      "the file has changed since the checkpoint was written");
}

static int checkpoint_name(const char *model, buffer *out, rill_error *error) {
    buffer_printf(out, "%s.ckpt", model);
    return buffer_status(out, error);
}

static bool same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The model that will be written is the checkpoint's to name, and may be anything that stands
 * somewhere; so it must be the one that the checkpoint stands beside. */
static int check_target(const job *j, const task_options *given, rill_error *error) {
    const char *model = ((const task_options *)j->options)->model;
    buffer usual = {0};
    if (!model || !*model) return load_damaged(j->resume, error, "options");
    int status = checkpoint_name(model, &usual, error);
    if (status == 0 && !given->force && !same_file(usual.data, given->resume)) {
        status = status_set(error, RILL_EMODEL, given->resume, 0, 0,
                            "the checkpoint does not stand beside the model that it belongs to; "
                            "--force goes on and writes \"%s\"",
                            model);
    }
    buffer_free(&usual);
    return status;
}

static int restore(job *j, const task_options *given, rill_error *error) {
    json_t *options = NULL, *files = NULL;
    int status = load_json(j->resume, "options", &options, error);
    if (status == 0) status = load_json(j->resume, "files", &files, error);
    if (status == 0) status = load_json(j->resume, "inputs", &j->inputs, error);
    if (status == 0) status = restore_options(j, options, error);
    if (status == 0) status = check_target(j, given, error);
    if (status == 0) status = restore_files(j, files, error);
    if (status == 0) status = each_file(j, check_file, NULL, error);
    if (status == 0) status = each_file(j, compare_hash, j->inputs, error);
    json_decref(options);
    json_decref(files);
    return status;
}

static int open_checkpoint(job *j, const char *path, rill_error *error) {
    const char *task;
    TRY(bundle_open(path, &j->resume, error));
    TRY(bundle_need_meta(j->resume, "task", &task, error));
    if (strcmp(task, j->task) || !bundle_meta(j->resume, "checkpoint")) {
        return status_set(error, RILL_EMODEL, path, 0, 0, "this is no checkpoint of task \"%s\"",
                          j->task);
    }
    return 0;
}

/* ---- beginning */

/* What looks at dev scores does nothing where there are none. */
static int need_dev(const job *j, rill_error *error) {
    const train_options *t = j->train;
    bool plateau = !strcmp(t->schedule, "plateau");
    if (((const task_options *)j->options)->dev || (t->patience == 0 && !plateau)) return 0;
    return status_fail(error, RILL_EUSAGE, "option --%s needs --dev",
                       plateau ? "schedule plateau" : "patience");
}

static int spare_file(void *model, const char *path, rill_error *error) {
    return file_differs(model, path, error);
}

int job_spare(const job *j, rill_error *error) {
    const task_options *o = j->options;
    buffer checkpoint = {0};
    TRY(each_file(j, spare_file, o->model, error));
    TRY(file_spare(o->model, o->force, error));
    TRY(bundle_probe(o->model, error));
    int status = checkpoint_name(o->model, &checkpoint, error);
    if (status == 0) status = file_spare(checkpoint.data, o->force, error);
    buffer_free(&checkpoint);
    return status;
}

int job_threads(const task_options *o) {
    return o->threads > 0 ? (int)o->threads : pool_cpus();
}

/* Of every weight there are value, gradient, two moments and the average; the best epochs and, beside
 * more than one, two means; and about three times the weights as panels for products. */
void job_tell_memory(const job *j, size_t weights, double numbers) {
    const double program = 30e6;
    bool judged = ((const task_options *)j->options)->dev != NULL;
    double copies = 5 + 3 + (judged ? (double)j->train->keep + (j->train->keep > 1 ? 2 : 0) : 0);
    train_tell(j->hooks, RILL_EVENT_NOTE, NULL, "%zu weights, about %.0f MB of memory", weights,
               (sizeof(real) * ((double)weights * copies + numbers) + program) / 1e6);
}

int job_add_characters(subword *units, const char *name, const tally *seen, int64_t min_count,
                       const rill_hooks *hooks, rill_error *error) {
    const int32_t before = subword_size(units);
    TRY(subword_add_characters(units, seen, min_count, error));
    train_tell(hooks, RILL_EVENT_NOTE, NULL,
               "%s: %d units, and %d for characters that no merge names", name, (int)before,
               (int)(subword_size(units) - before));
    return 0;
}

void job_tell_unknown(const rill_hooks *hooks, rill_event_kind kind, const char *what, double unknown,
                      double units) {
    const double worth = 0.005; /* characters seen once are fewer, also in small Korean text */
    if (unknown <= worth * units) return;
    train_tell(hooks, kind, NULL, "%s%.1f %% of the units are unknown (%.0f of %.0f)", what,
               100 * unknown / units, unknown, units);
}

/* A checkpoint tells options and files in JSON, which holds nothing but UTF-8. */
static int check_names(const job *j, const char *const *files, size_t count, rill_error *error) {
    buffer value = {0};
    int status = 0;
    for (size_t i = 0; status == 0 && i < j->table->count; i++) {
        const option_row *row = &j->table->rows[i];
        buffer_clear(&value);
        if (!options_get(j->table, j->options, row, &value)) continue;
        status = buffer_status(&value, error);
        if (status < 0 || utf8_valid(buffer_view(&value), NULL)) continue;
        status = status_fail(error, RILL_EUSAGE, "the value of option --%s is not UTF-8", row->name);
    }
    buffer_free(&value);
    for (size_t i = 0; status == 0 && i < count; i++) {
        if (utf8_valid(bytes_of(files[i]), NULL)) continue;
        status = status_fail(error, RILL_EUSAGE, "the name of training file %zu is not UTF-8", i + 1);
    }
    return status;
}

static int begin_new(job *j, const void *given, const char *const *files, size_t count,
                     rill_error *error) {
    TRY(options_copy(j->table, j->options, given, error));
    const task_options *o = j->options;
    TRY(check_names(j, files, count, error));
    TRY(need_dev(j, error));
    if (!o->model) return status_fail(error, RILL_EUSAGE, "option --model is missing");
    if (count == 0) return status_fail(error, RILL_EUSAGE, "no training file was given");
    TRY(copy_files(j, files, count, error));
    TRY(job_spare(j, error));
    TRY(each_file(j, check_file, NULL, error));
    j->inputs = json_object();
    return j->inputs ? each_file(j, add_hash, j->inputs, error) : status_nomem(error);
}

/* Everything but the number of threads comes from the checkpoint. */
static int begin_again(job *j, const task_options *given, rill_error *error) {
    TRY(options_defaults(j->table, j->options, error));
    TRY(open_checkpoint(j, given->resume, error));
    TRY(restore(j, given, error));
    ((task_options *)j->options)->threads = given->threads;
    return 0;
}

int job_begin(job *j, const void *given, const char *const *files, size_t count,
              rill_error *error) {
    const task_options *o = given;
    TRY(o->resume ? begin_again(j, o, error) : begin_new(j, given, files, count, error));
    return pool_new(job_threads(j->options), &j->pool, error);
}

void job_end(job *j) {
    if (j->options) options_free(j->table, j->options);
    for (size_t i = 0; i < j->files; i++) free(j->file[i]);
    free(j->file);
    pool_free(j->pool);
    bundle_close(j->resume);
    json_decref(j->inputs);
}

/* ---- the loop */

static optim_kind optimizer_of(const char *name) {
    return !strcmp(name, "sgd") ? OPTIM_SGD : !strcmp(name, "adam") ? OPTIM_ADAM : OPTIM_ADAMW;
}

static schedule_kind schedule_of(const char *name) {
    static const char *const names[] = {"constant", "inverse-sqrt", "cosine", "linear", "plateau"};
    int i = 0;
    while (i < SCHEDULE_PLATEAU && strcmp(name, names[i])) i++;
    return (schedule_kind)i;
}

int job_run(job *j, const train_task *task, rill_error *error) {
    const task_options *common = j->options;
    const train_options *o = j->train;
    buffer checkpoint = {0};
    TRY(checkpoint_name(common->model, &checkpoint, error));
    train_config config = {
        .optim = {.kind = optimizer_of(o->optimizer), .momentum = o->momentum, .beta1 = o->beta1,
                  .beta2 = o->beta2, .epsilon = o->epsilon, .decay = o->decay, .clip = o->clip,
                  .ema = o->ema},
        .schedule = schedule_of(o->schedule), .rate = o->rate, .floor = o->floor,
        .warmup = o->warmup, .epochs = o->epochs, .accumulate = o->accumulate,
        .keep = o->keep, .patience = o->patience, .plateau_factor = o->plateau_factor,
        .plateau_patience = o->plateau_patience, .seed = (uint64_t)common->seed,
        .checkpoint = checkpoint.data, .checkpoint_seconds = 60 * o->checkpoint_minutes};
    train_task full = *task;
    full.describe = describe;
    if (!common->dev) full.validate = full.judge = NULL;
    const compute c = {.k = cpu_kernels(), .pool = j->pool};
    int status = train_run(&config, &full, &c, j->resume, j->hooks, error);
    buffer_free(&checkpoint);
    return status;
}
