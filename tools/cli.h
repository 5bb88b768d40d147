/* cli: what every rill tool shares; a tool itself is one table.
 *
 * A tool is called `rill-X verb [options] operands`. Its options are rows: those of the library's
 * table (rill_option_at), the common ones of this file's makers (help, config, ...) and the tool's
 * own. Parser, --help, man page, completion and --print-config all read the same rows.
 *
 *     cli.c        rows, command line, config file, messages, main
 *     cli_text.c   --help, --man, --completion, --print-config
 *     cli_watch.c  signals, progress on the terminal, the training log
 *     cli_jobs.c   the verbs train, apply, eval and check, which are the same for every task
 */
#ifndef RILL_TOOLS_CLI_H
#define RILL_TOOLS_CLI_H

#include "rill.h"

#include <stdio.h>

/* Exit statuses beside 0; a signal gives 128 + its number. */
enum { CLI_FAILED = 1, CLI_USAGE = 2, CLI_MODEL = 3, CLI_DIVERGED = 4 };

typedef struct cli cli;

typedef struct cli_verb {
    const char *name;
    unsigned mask;        /* RILL_TRAIN, ...: which rows belong to it */
    const char *operands; /* as usage shows them: "MODEL [FILE...]" */
    size_t least, most;   /* how many operands */
    int (*run)(cli *c);   /* gives the exit status */
    const char *help;     /* one sentence */
} cli_verb;

typedef struct cli_tool {
    const char *name;
    const char *task; /* whose options the library has ("tag", "tokenize"), or NULL */
    const char *summary;
    const cli_verb *verbs;  /* until a NULL name */
    const rill_option *own; /* rows beside the library's, until a NULL name; or NULL */
    const char *examples;   /* lines of shell, for --help and the man page */
} cli_tool;

/* Where a value comes from; a higher one wins. */
typedef enum cli_origin { CLI_DEFAULT, CLI_CONFIG, CLI_COMMAND } cli_origin;

typedef struct cli_row {
    rill_option row;
    bool own;          /* the tool keeps the value; otherwise the library does */
    const char *value; /* of an own row: text from argv, NULL when unset */
    char *text;        /* of a library's row: what cli_get handed out last */
    cli_origin origin;
} cli_row;

struct cli {
    const cli_tool *tool;
    const cli_verb *verb; /* NULL before the command line is read, or when none was named */
    cli_row *rows;
    size_t row_count;
    rill_options *options; /* NULL when the tool has no task */
    const char **operands; /* behind the verb */
    size_t operand_count;
    size_t configs; /* config files read */
    rill_error error; /* for the library's calls */
};

/* The whole program: reads the command line, runs the verb, gives the exit status. */
int cli_main(const cli_tool *tool, int argc, char **argv);

/* ---- for verbs */

/* Text of an option, NULL when unset or unknown; lives until it is asked for again. */
const char *cli_get(cli *c, const char *name);
bool cli_flag(cli *c, const char *name);
/* Prints c->error and gives the exit status that belongs to it. */
int cli_fail(cli *c, int code);
/* A message of the tool's own: `tool: text`. */
void cli_say(const cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* cli_say and the hint to --help; gives CLI_USAGE. */
int cli_usage(const cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes to standard output and flushes; gives the exit status. A reader that went away ends the
 * program as SIGPIPE would. */
int cli_print(const cli *c, const char *text);
/* Prints a report of the library, with a final newline, and releases it. */
int cli_print_report(const cli *c, char *report);
/* Refuses to replace a file unless --force was given, and a folder in any case: 0, or an exit
 * status behind a message. */
int cli_may_write(cli *c, const char *path);
/* Refuses to write over a file that is read or written for another purpose, --force or not. Either
 * path may be NULL. */
int cli_must_differ(cli *c, const char *path, const char *other);

/* Streams descriptor `fd`, called `name` in messages, to standard output; a code of the library. */
typedef int cli_filter(cli *c, const void *what, int fd, const char *name, const rill_hooks *hooks);
/* Runs the filter over the operands behind the first one, or over standard input. */
int cli_stream(cli *c, cli_filter *filter, const void *what);

/* The four verbs of a tool with a task. */
int cli_train(cli *c);
int cli_apply(cli *c);
int cli_score(cli *c);
int cli_eval(cli *c);
int cli_check(cli *c);
int cli_compare(cli *c);

/* ---- between the files of cli */

cli_row *cli_find(cli *c, const char *name);
/* True when the row may be used with the verb (NULL: with any). */
bool cli_belongs(const cli_row *row, const cli_verb *verb);
/* Ends the program as SIGPIPE would when nobody reads standard output any more. */
void cli_end_if_deaf(void);
/* True when messages may carry colours: a terminal that knows them, and no NO_COLOR. */
bool cli_colour(void);

int cli_help(cli *c);
int cli_man(cli *c);
int cli_completion(cli *c);
int cli_print_config(cli *c);

/* Watching a long call. */
typedef struct cli_watch {
    cli *c;
    bool training, quiet, terminal, colour, json;
    FILE *log; /* NULL when there is none */
    const char *log_path;
    bool log_failed, log_kept; /* kept: it holds an epoch, or was there before */
    int status;      /* of what went wrong here */
    bool drawn;      /* a status line stands on the terminal */
    double drawn_at; /* seconds */
} cli_watch;

/* Opens the log (option log) and, for training, catches signals. 0 or an exit status. */
int cli_watch_begin(cli_watch *w, cli *c, bool training);
rill_hooks cli_watch_hooks(cli_watch *w);
/* Takes away the log of a training that failed before its first epoch: it would only stand in the way. */
void cli_watch_forget(cli_watch *w);
/* Closes the log; gives `status`, or when that is 0 the status of what went wrong here. */
int cli_watch_end(cli_watch *w, int status);
/* Number of the signal that asked the program to stop, or 0. */
int cli_watch_signal(void);

#endif
