/* rill-tokenize: text to subword units and back. The tool is this file; see cli.h. */
#include "cli.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

static int save(cli *c, const rill_tokenizer *t, const char *path) {
    int code = rill_tokenizer_save(t, path, &c->error);
    if (code == RILL_EIO && strcmp(path, "-") == 0) cli_end_if_deaf();
    return code < 0 ? cli_fail(c, code) : 0;
}

static int learn(cli *c) {
    const char *path = cli_get(c, "output");
    rill_tokenizer *t = NULL;
    cli_watch watch;
    int status = path && strcmp(path, "-") != 0 ? cli_may_write(c, path) : 0;
    for (size_t i = 0; i < c->operand_count && !status; i++) {
        status = cli_must_differ(c, path, c->operands[i]);
    }
    if (!status) status = cli_watch_begin(&watch, c, false);
    if (status) return status;
    rill_hooks hooks = cli_watch_hooks(&watch);
    int code =
        rill_tokenizer_learn(c->options, c->operands, c->operand_count, &hooks, &t, &c->error);
    status = code < 0 ? cli_fail(c, code) : 0;
    if (!status) status = save(c, t, path ? path : "-");
    rill_tokenizer_free(t);
    return cli_watch_end(&watch, status);
}

/* ---- filters */

static int filter_apply(cli *c, const void *what, int fd, const char *name,
                        const rill_hooks *hooks) {
    return rill_tokenizer_filter(what, c->options, false, fd, name, STDOUT_FILENO, hooks,
                                 &c->error);
}

static int filter_undo(cli *c, const void *what, int fd, const char *name,
                       const rill_hooks *hooks) {
    return rill_tokenizer_filter(what, c->options, true, fd, name, STDOUT_FILENO, hooks, &c->error);
}

static int stream(cli *c, cli_filter *filter) {
    rill_tokenizer *t;
    int code = rill_tokenizer_open(c->operands[0], &t, &c->error);
    if (code < 0) return cli_fail(c, code);
    int status = cli_stream(c, filter, t);
    rill_tokenizer_free(t);
    return status;
}

static int apply(cli *c) {
    return stream(c, filter_apply);
}

static int undo(cli *c) {
    return stream(c, filter_undo);
}

static const cli_verb verbs[] = {
    {"learn", RILL_TOKENIZE_LEARN, "[FILE...]", 0, SIZE_MAX, learn,
     "Learns units from the lines of all files together and writes the codes."},
    {"apply", RILL_TOKENIZE_APPLY, "CODES [FILE...]", 1, SIZE_MAX, apply,
     "Writes the units of every line."},
    {"undo", RILL_TOKENIZE_UNDO, "CODES [FILE...]", 1, SIZE_MAX, undo,
     "Makes text of units again, to the byte (codes of subword-nmt: but for blanks)."},
    {0},
};

static const cli_tool tool = {
    .name = "rill-tokenize",
    .task = "tokenize",
    .summary = "learn subword units, apply them to text, and undo them",
    .verbs = verbs,
    .examples = "  rill-tokenize learn --vocab-size 8000 -o en.codes train.en\n"
                "  rill-tokenize apply en.codes < train.en > train.units\n"
                "  rill-tokenize undo en.codes < train.units\n"
                "  rill-tokenize learn --format subword-nmt --merges 10000 train.en > codes\n",
};

int main(int argc, char **argv) {
    return cli_main(&tool, argc, argv);
}
