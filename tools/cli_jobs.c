/* cli_jobs: train, apply, eval and check for any task; a tool only names its task.
 *
 * apply is a filter: it reads the files one after the other (or standard input) and writes standard
 * output. It catches no signals: Ctrl-C ends it where it stands, as it ends any filter.
 *
 * train leaves `MODEL.ckpt` beside the model until it is done. Whenever such a file is left behind,
 * the command that goes on from it is printed.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- models */

/* One model, or several as an ensemble. */
typedef struct models {
    rill_model **list;
    size_t count;
} models;

static void models_free(models *m) {
    for (size_t i = 0; i < m->count; i++) rill_model_free(m->list[i]);
    free(m->list);
}

static int model_add(cli *c, models *m, const char *path) {
    rill_model *model;
    int code = rill_model_open(path, &model, &c->error);
    if (code < 0) return cli_fail(c, code);
    m->list[m->count++] = model;
    if (strcmp(rill_model_task(model), c->tool->task) == 0) return 0;
    cli_say(c, "%s: a model of task \"%s\", expected one of task \"%s\"", path,
            rill_model_task(model), c->tool->task);
    return CLI_MODEL;
}

/* Opens the first operand and every model of option with (joined by LF). */
static int models_open(cli *c, models *m) {
    const char *with = cli_get(c, "with");
    char *paths = strdup(with ? with : "");
    size_t room = 2;
    for (const char *at = with; at && *at; at++) room += *at == '\n';
    m->list = calloc(room, sizeof *m->list);
    int status = m->list && paths ? 0 : cli_fail(c, RILL_ENOMEM);
    if (!status) status = model_add(c, m, c->operands[0]);
    char *rest = NULL, *path = paths ? strtok_r(paths, "\n", &rest) : NULL;
    for (; path && !status; path = strtok_r(NULL, "\n", &rest)) status = model_add(c, m, path);
    free(paths);
    return status;
}

/* ---- apply */

/* Fails as the library did, unless nobody reads our output any more: then silently. */
static int filter_failed(cli *c, int code) {
    if (code == RILL_EIO) cli_end_if_deaf();
    return cli_fail(c, code);
}

static int stream_file(cli *c, const char *path, cli_filter *filter, const void *what,
                       const rill_hooks *hooks) {
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        cli_say(c, "cannot open \"%s\": %s", path, strerror(errno));
        return CLI_FAILED;
    }
    int code = filter(c, what, fd, standard ? "standard input" : path, hooks);
    if (!standard) close(fd);
    return code < 0 ? filter_failed(c, code) : 0;
}

/* Files that follow each other must not run together. A tool whose output ends every line has no
 * such option. */
static int set_complete(cli *c, bool complete) {
    char *now = rill_options_get(c->options, "complete");
    if (!now) return 0;
    rill_free(now);
    int code = rill_options_set(c->options, "complete", complete ? "true" : "false", &c->error);
    return code < 0 ? cli_fail(c, code) : 0;
}

int cli_stream(cli *c, cli_filter *filter, const void *what) {
    static const char *const standard[] = {"-"};
    const char *const *files = c->operand_count > 1 ? c->operands + 1 : standard;
    size_t count = c->operand_count > 1 ? c->operand_count - 1 : 1;
    cli_watch watch;
    int status = cli_watch_begin(&watch, c, false);
    if (status) return status;
    rill_hooks hooks = cli_watch_hooks(&watch);
    char *own = rill_options_get(c->options, "complete");
    const bool last = own && strcmp(own, "true") == 0;
    rill_free(own);
    for (size_t i = 0; i < count && !status; i++) {
        status = set_complete(c, last || i + 1 < count);
        if (!status) status = stream_file(c, files[i], filter, what, &hooks);
    }
    return cli_watch_end(&watch, status);
}

static int filter_stream(cli *c, const void *what, int fd, const char *name,
                         const rill_hooks *hooks) {
    rill_stream *const *stream = what;
    return rill_stream_filter(*stream, fd, name, STDOUT_FILENO, hooks, &c->error);
}

static int apply_models(cli *c, const models *m) {
    rill_stream *stream;
    int code = rill_stream_new((const rill_model *const *)m->list, m->count, c->options, &stream,
                               &c->error);
    if (code < 0) return cli_fail(c, code);
    int status = cli_stream(c, filter_stream, &stream);
    if (!status) code = rill_stream_end(stream, &c->error);
    rill_stream_free(stream);
    return code < 0 ? cli_fail(c, code) : status;
}

int cli_apply(cli *c) {
    models m = {0};
    int status = models_open(c, &m);
    if (!status) status = apply_models(c, &m);
    models_free(&m);
    return status;
}

/* The same, reading pairs and writing what the model thinks of them. */
int cli_score(cli *c) {
    int code = rill_options_set(c->options, "score", "true", &c->error);
    return code < 0 ? cli_fail(c, code) : cli_apply(c);
}

/* ---- eval and check */

static int eval_models(cli *c, const models *m) {
    cli_watch watch;
    char *report = NULL;
    int status = cli_watch_begin(&watch, c, false);
    if (status) return status;
    watch.terminal = isatty(STDERR_FILENO); /* the report comes when all is done */
    rill_hooks hooks = cli_watch_hooks(&watch);
    int code = rill_eval((const rill_model *const *)m->list, m->count, c->options, c->operands + 1,
                         c->operand_count - 1, &hooks, &report, &c->error);
    status = cli_watch_end(&watch, 0);
    if (code < 0) return cli_fail(c, code);
    int printed = cli_print_report(c, report);
    return printed ? printed : status;
}

int cli_eval(cli *c) {
    models m = {0};
    int status = models_open(c, &m);
    if (!status) status = eval_models(c, &m);
    models_free(&m);
    return status;
}

int cli_check(cli *c) {
    char *report = NULL;
    size_t faults = 0;
    int code = rill_check(c->tool->task, c->options, c->operands, c->operand_count, &report,
                          &faults, &c->error);
    if (code < 0) return cli_fail(c, code);
    int status = cli_print_report(c, report);
    return status ? status : faults ? CLI_FAILED : 0;
}

int cli_compare(cli *c) {
    char *report = NULL;
    int code = rill_compare(c->tool->task, c->options, c->operands, c->operand_count, &report,
                            &c->error);
    return code < 0 ? cli_fail(c, code) : cli_print_report(c, report);
}

/* ---- train */

/* A training and its checkpoint. */
typedef struct course {
    cli *c;
    char *checkpoint;   /* path, whether the file exists or not */
    struct stat before; /* st_ino is 0 when there was none */
} course;

/* Prints a word so that the shell reads it back. */
static void put_word(FILE *out, const char *word) {
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "_-+=./:,@%";
    if (*word && !word[strspn(word, safe)]) {
        fprintf(out, " %s", word);
        return;
    }
    fputs(" '", out);
    for (; *word; word++) {
        if (*word == '\'') {
            fputs("'\\''", out);
        } else {
            fputc(*word, out);
        }
    }
    fputc('\'', out);
}

/* What the checkpoint does not know: it keeps neither the log nor the number of threads. */
static void put_option(FILE *out, cli *c, const char *name) {
    const cli_row *row = cli_find(c, name);
    const char *value = cli_get(c, name);
    if (!row || row->origin == CLI_DEFAULT || !value) return;
    fprintf(out, " --%s", name);
    put_word(out, value);
}

/* True when the checkpoint is there and is of this run. */
static bool left_behind(const course *k) {
    struct stat now;
    if (stat(k->checkpoint, &now)) return false;
    return cli_get(k->c, "resume") || now.st_ino != k->before.st_ino ||
           now.st_mtim.tv_sec != k->before.st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != k->before.st_mtim.tv_nsec;
}

static void say_resume(const course *k) {
    if (!left_behind(k)) return;
    fprintf(stderr, "The training so far is kept. To go on:\n  %s train --resume",
            k->c->tool->name);
    put_word(stderr, k->checkpoint);
    put_option(stderr, k->c, "log");
    put_option(stderr, k->c, "threads");
    fputc('\n', stderr);
}

/* Nothing is replaced without --force: neither a model nor the checkpoint of an earlier run. */
static int may_train(course *k) {
    cli *c = k->c;
    int status = cli_may_write(c, cli_get(c, "model"));
    if (status || cli_flag(c, "force") || stat(k->checkpoint, &k->before)) return status;
    cli_say(c, "\"%s\" exists: an earlier training was interrupted", k->checkpoint);
    fputs("To go on:\n  ", stderr);
    fprintf(stderr, "%s train --resume", c->tool->name);
    put_word(stderr, k->checkpoint);
    fputs("\nTo begin anew, give --force.\n", stderr);
    return CLI_FAILED;
}

/* --force is meant for old logs, never for the data; the library sees to the model. */
static int spare_inputs(cli *c, const char *output) {
    static const char *const inputs[] = {"dev", "dev-target", "rules", "vectors", "pretrain", "subwords",
                                         "target-subwords", "init"};
    int status = 0;
    for (size_t i = 0; i < c->operand_count && !status; i++) {
        status = cli_must_differ(c, output, c->operands[i]);
    }
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs && !status; i++) {
        status = cli_must_differ(c, output, cli_get(c, inputs[i]));
    }
    return status;
}

static int check_paths(cli *c, const char *model, const char *log, const char *resume) {
    int status = cli_must_differ(c, log, resume ? resume : model);
    return status ? status : spare_inputs(c, log);
}

/* Data and options of a resumed training are those of the checkpoint: what else is given would be
 * without effect. */
static int nothing_beside_resume(cli *c) {
    static const char *const fine[] = {"resume", "log",   "threads", "quiet",
                                       "json",   "force", "config"};
    if (c->operand_count) return cli_usage(c, "--resume takes no files: the checkpoint knows them");
    for (size_t i = 0; i < c->row_count; i++) {
        const cli_row *row = &c->rows[i];
        bool known = row->origin == CLI_DEFAULT;
        for (size_t k = 0; k < sizeof fine / sizeof *fine; k++) {
            known |= strcmp(row->row.name, fine[k]) == 0;
        }
        if (known || !cli_belongs(row, c->verb)) continue;
        return cli_usage(c, "--resume takes no option --%s: the checkpoint knows it",
                         row->row.name);
    }
    return 0;
}

static int train(course *k) {
    cli *c = k->c;
    cli_watch watch;
    int status = cli_watch_begin(&watch, c, true);
    if (status) return status;
    rill_hooks hooks = cli_watch_hooks(&watch);
    int code =
        rill_train(c->tool->task, c->options, c->operands, c->operand_count, &hooks, &c->error);
    if (code < 0 && code != RILL_EINTERRUPTED) cli_watch_forget(&watch);
    status = cli_watch_end(&watch, 0);
    if (code == 0) return status;
    bool stopped = code == RILL_EINTERRUPTED && cli_watch_signal();
    status = stopped ? 128 + cli_watch_signal() : cli_fail(c, code);
    /* It would diverge again, or is no checkpoint at all. */
    if (code != RILL_EDIVERGED && code != RILL_EMODEL) say_resume(k);
    return status;
}

int cli_train(cli *c) {
    const char *resume = cli_get(c, "resume"), *model = cli_get(c, "model");
    if (!resume && !c->operand_count) return cli_usage(c, "train needs %s", c->verb->operands);
    if (!resume && !model) return cli_usage(c, "train needs --model FILE, the model to write");
    int status = resume ? nothing_beside_resume(c) : 0;
    if (!status) status = check_paths(c, model, cli_get(c, "log"), resume);
    if (status) return status;
    course k = {.c = c};
    size_t room = strlen(resume ? resume : model) + sizeof ".ckpt";
    k.checkpoint = malloc(room);
    if (!k.checkpoint) return cli_fail(c, RILL_ENOMEM);
    snprintf(k.checkpoint, room, "%s%s", resume ? resume : model, resume ? "" : ".ckpt");
    status = resume ? 0 : may_train(&k);
    if (!status) status = train(&k);
    free(k.checkpoint);
    return status;
}
