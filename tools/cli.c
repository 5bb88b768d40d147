/* cli: from argv to a verb's call.
 *
 * The command line is read in two steps, because the files of --config stand below it: first every
 * option is only noted, then the config files' values are set, and then the noted ones. A list
 * option collects both.
 *
 * getopt_long reads the options. Row i has the long option value FIRST + 2i, and FIRST + 2i + 1 is
 * its negation --no-NAME; the short letter stands for itself. All rows are offered to getopt
 * whatever the verb is, so that an option of another verb gets a message of its own.
 *
 * Memory map: `rows` is one array, made once; values of the library's rows stand in `options`,
 * values of own rows point into argv.
 */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST = 256, LONGEST_WORD = 40 };

/* A noted option: which row, and the text to set. */
typedef struct note {
    cli_row *row;
    const char *value;
} note;

typedef struct command {
    struct option *longs; /* [2 rows + 1] for getopt */
    char *shorts, *negations;
    note *notes;
    size_t count;
} command;

/* Rows that every tool has, and those that only make sense beside a task's options. */
static const rill_option common_rows[] = {
    {.name = "help", .letter = 'h', .type = RILL_FLAG, .verbs = ~0u, .help = "Show this help"},
    {.name = "version", .letter = 'V', .type = RILL_FLAG, .verbs = ~0u, .help = "Show the version"},
    {.name = "man", .type = RILL_FLAG, .verbs = ~0u, .help = "Print the manual page (troff)"},
    {.name = "completion",
     .type = RILL_TEXT,
     .choices = "bash",
     .argument = "SHELL",
     .verbs = ~0u,
     .help = "Print the completion script of a shell"},
};
static const rill_option task_rows[] = {
    {.name = "quiet",
     .letter = 'q',
     .type = RILL_FLAG,
     .verbs = ~0u,
     .help = "Show errors and warnings only"},
    {.name = "config",
     .type = RILL_TEXT,
     .argument = "FILE",
     .verbs = ~0u,
     .help = "Read options from FILE, lines of NAME = VALUE; what comes later wins, and the command "
             "line over all"},
    {.name = "print-config",
     .type = RILL_FLAG,
     .verbs = ~0u,
     .help = "Show every option's value and where it comes from, as a config file"},
};

/* ---- messages */

bool cli_colour(void) {
    const char *off = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDERR_FILENO) && !(off && *off) && term && strcmp(term, "dumb") != 0;
}

static void say_name(const cli *c) {
    bool colour = cli_colour();
    fprintf(stderr, "%s%s:%s ", colour ? "\033[1m" : "", c->tool->name, colour ? "\033[m" : "");
}

void cli_say(const cli *c, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say_name(c);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

int cli_usage(const cli *c, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say_name(c);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nTry '%s%s%s --help'.\n", c->tool->name, c->verb ? " " : "",
            c->verb ? c->verb->name : "");
    return CLI_USAGE;
}

static int status_of(int code) {
    switch (code) {
    case RILL_EUSAGE:
        return CLI_USAGE;
    case RILL_EMODEL:
        return CLI_MODEL;
    case RILL_EDIVERGED:
        return CLI_DIVERGED;
    default:
        return CLI_FAILED;
    }
}

/* `file:line:column: message`, where what is unknown is left out; a message that names the file in
 * quotes needs no place before it. */
int cli_fail(cli *c, int code) {
    const rill_error *e = &c->error;
    const char *named = e->line || !*e->file ? NULL : strstr(e->message, e->file);
    say_name(c);
    if (*e->file && !(named && named > e->message && named[-1] == '"')) {
        fputs(e->file, stderr);
        if (e->line) fprintf(stderr, ":%zu", e->line);
        if (e->line && e->column) fprintf(stderr, ":%zu", e->column);
        fputs(": ", stderr);
    }
    fprintf(stderr, "%s\n", *e->message ? e->message : rill_strerror(code));
    if (code == RILL_EUSAGE && !e->line)
        fprintf(stderr, "Try '%s%s%s --help'.\n", c->tool->name, c->verb ? " " : "",
                c->verb ? c->verb->name : "");
    return status_of(code);
}

void cli_end_if_deaf(void) {
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&p, 1, 0) != 1 || !(p.revents & POLLERR)) return;
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
}

int cli_print(const cli *c, const char *text) {
    if (fputs(text, stdout) >= 0 && fflush(stdout) == 0) return 0;
    int why = errno;
    cli_end_if_deaf();
    cli_say(c, "cannot write \"standard output\": %s", strerror(why));
    return CLI_FAILED;
}

int cli_print_report(const cli *c, char *report) {
    size_t size = strlen(report);
    int status = cli_print(c, report);
    if (!status && size && report[size - 1] != '\n') status = cli_print(c, "\n");
    rill_free(report);
    return status;
}

int cli_may_write(cli *c, const char *path) {
    struct stat s;
    if (stat(path, &s) == 0 && S_ISDIR(s.st_mode)) {
        cli_say(c, "cannot write \"%s\": %s", path, strerror(EISDIR));
        return CLI_FAILED;
    }
    if (cli_flag(c, "force") || stat(path, &s) || !S_ISREG(s.st_mode)) return 0;
    const cli_row *force = cli_find(c, "force");
    bool may = force && cli_belongs(force, c->verb);
    cli_say(c, "\"%s\" exists; %s", path, may ? "--force replaces it" : "give another name");
    return CLI_FAILED;
}

int cli_must_differ(cli *c, const char *path, const char *other) {
    struct stat a, b;
    if (!path || !other) return 0;
    bool same = strcmp(path, other) == 0 && strcmp(path, "-") != 0;
    if (stat(path, &a) == 0 && stat(other, &b) == 0) {
        same = S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
    }
    if (!same) return 0;
    cli_say(c, "\"%s\" and \"%s\" are one file, and it would be written over", path, other);
    return CLI_FAILED;
}

/* ---- did you mean */

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap of neighbours) from a to b, over three rows of the usual
 * table; words beyond LONGEST_WORD are far from everything. */
static size_t edits(const char *a, size_t n, const char *b) {
    size_t m = strlen(b), d[3][LONGEST_WORD + 1];
    if (n > LONGEST_WORD || m > LONGEST_WORD) return LONGEST_WORD;
    for (size_t j = 0; j <= m; j++) d[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = d[i % 3], *above = d[(i + 2) % 3], *two_above = d[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return d[n % 3][m];
}

/* Keeps `known` in *best when it is nearer to the word than what stood there. */
static void nearer(const char *word, size_t size, const char *known, size_t *distance,
                   const char **best) {
    size_t found = edits(word, size, known);
    if (found >= *distance) return;
    *distance = found;
    *best = known;
}

/* A word is near up to 1, 2 or 3 edits, by its length. */
static size_t near_limit(size_t size) {
    return (size <= 3 ? 1 : size <= 8 ? 2 : 3) + 1;
}

static int unknown_option(const cli *c, const char *word) {
    const char *name = word + (word[1] == '-' ? 2 : 1), *best = NULL;
    size_t size = strcspn(name, "="), distance = near_limit(size);
    bool negated = size > 3 && strncmp(name, "no-", 3) == 0;
    for (size_t i = 0; i < c->row_count; i++) {
        const rill_option *row = &c->rows[i].row;
        if (!cli_belongs(&c->rows[i], c->verb)) continue;
        nearer(name, size, row->name, &distance, &best);
        if (negated && row->type == RILL_FLAG && !c->rows[i].own)
            nearer(name + 3, size - 3, row->name, &distance, &best);
    }
    if (!best) return cli_usage(c, "unknown option %.*s", (int)strcspn(word, "="), word);
    bool flag = negated && edits(name, size, best) > edits(name + 3, size - 3, best);
    return cli_usage(c, "unknown option %.*s (did you mean --%s%s?)", (int)strcspn(word, "="), word,
                     flag ? "no-" : "", best);
}

static int unknown_verb(const cli *c, const char *word) {
    const char *best = NULL;
    size_t distance = near_limit(strlen(word));
    for (const cli_verb *v = c->tool->verbs; v->name; v++)
        nearer(word, strlen(word), v->name, &distance, &best);
    if (best) return cli_usage(c, "unknown verb %s (did you mean %s?)", word, best);
    return cli_usage(c, "unknown verb %s", word);
}

static int missing_verb(const cli *c) {
    char known[256] = "";
    size_t size = 0;
    for (const cli_verb *v = c->tool->verbs; v->name && size < sizeof known; v++) {
        const char *between = v == c->tool->verbs ? "" : v[1].name ? ", " : " or ";
        size += (size_t)snprintf(known + size, sizeof known - size, "%s%s", between, v->name);
    }
    return cli_usage(c, "a verb is missing: %s", known);
}

/* ---- rows */

cli_row *cli_find(cli *c, const char *name) {
    for (size_t i = 0; i < c->row_count; i++) {
        if (strcmp(c->rows[i].row.name, name) == 0) return &c->rows[i];
    }
    return NULL;
}

bool cli_belongs(const cli_row *row, const cli_verb *verb) {
    return !verb || (row->row.verbs & verb->mask);
}

const char *cli_get(cli *c, const char *name) {
    cli_row *found = cli_find(c, name);
    if (!found || found->own) return found ? found->value : NULL;
    rill_free(found->text);
    found->text = rill_options_get(c->options, name);
    return found->text;
}

bool cli_flag(cli *c, const char *name) {
    const char *value = cli_get(c, name);
    return value && strcmp(value, "true") == 0;
}

/* Number of rows of the library's table. */
static size_t library_rows(const char *task) {
    rill_option row;
    size_t count = 0;
    while (task && rill_option_at(task, count, &row)) count++;
    return count;
}

static void add_own(cli *c, const rill_option *rows, size_t count) {
    for (size_t i = 0; i < count && rows[i].name; i++)
        c->rows[c->row_count++] = (cli_row){.row = rows[i], .own = true};
}

static size_t own_count(const rill_option *rows) {
    size_t count = 0;
    while (rows && rows[count].name) count++;
    return count;
}

static int make_rows(cli *c) {
    const size_t common = sizeof common_rows / sizeof *common_rows;
    const size_t beside = c->tool->task ? sizeof task_rows / sizeof *task_rows : 0;
    size_t library = library_rows(c->tool->task), own = own_count(c->tool->own);
    c->rows = calloc(library + own + beside + common, sizeof *c->rows);
    if (!c->rows) return RILL_ENOMEM;
    for (; c->row_count < library; c->row_count++) {
        if (!rill_option_at(c->tool->task, c->row_count, &c->rows[c->row_count].row))
            return RILL_EUSAGE;
    }
    add_own(c, c->tool->own, own);
    add_own(c, task_rows, beside);
    add_own(c, common_rows, common);
    return c->tool->task ? rill_options_new(c->tool->task, &c->options, &c->error) : 0;
}

/* ---- command line */

static void command_free(command *m) {
    free(m->longs);
    free(m->shorts);
    free(m->negations);
    free(m->notes);
}

/* getopt's two tables. The names of the negations stand one after the other in one text. */
static bool command_tables(const cli *c, command *m) {
    size_t room = 1;
    for (size_t i = 0; i < c->row_count; i++) room += strlen(c->rows[i].row.name) + sizeof "no-";
    m->longs = calloc(2 * c->row_count + 1, sizeof *m->longs);
    m->shorts = calloc(2 * c->row_count + 2, 1);
    m->negations = malloc(room);
    if (!m->longs || !m->shorts || !m->negations) return false;
    struct option *next = m->longs;
    char *letter = m->shorts, *name = m->negations;
    *letter++ = ':'; /* a missing value is told from an unknown option */
    for (size_t i = 0; i < c->row_count; i++) {
        const rill_option *row = &c->rows[i].row;
        bool flag = row->type == RILL_FLAG, own = c->rows[i].own;
        int value = FIRST + 2 * (int)i;
        int takes = !flag ? required_argument : own ? no_argument : optional_argument;
        *next++ = (struct option){row->name, takes, NULL, value};
        if (flag && !own) {
            *next++ = (struct option){name, no_argument, NULL, value + 1};
            name += sprintf(name, "no-%s", row->name) + 1;
        }
        if (row->letter) *letter++ = row->letter;
        if (row->letter && !flag) *letter++ = ':';
    }
    return true;
}

/* The row that getopt's answer stands for. */
static cli_row *row_of(const cli *c, int answer) {
    if (answer >= FIRST) return &c->rows[(answer - FIRST) / 2];
    for (size_t i = 0; i < c->row_count; i++) {
        if (c->rows[i].row.letter == answer) return &c->rows[i];
    }
    return NULL;
}

static int missing_value(const cli *c, const cli_row *row) {
    return cli_usage(c, "option --%s needs a value: %s", row->row.name,
                     row->row.argument ? row->row.argument : "VALUE");
}

/* What getopt refused: '?' and ':' with optopt, the word is the one before optind. */
static int refused(const cli *c, int answer, char **argv) {
    const char *word = argv[optind - 1];
    const cli_row *row = optopt ? row_of(c, optopt) : NULL;
    if (answer == ':' && row) return missing_value(c, row);
    if (row) return cli_usage(c, "option --%s takes no value", row->row.name);
    if (word[0] == '-' && word[1] == '-') return unknown_option(c, word);
    char letter[] = {'-', (char)optopt, '\0'};
    return cli_usage(c, "unknown option %s", isprint((unsigned char)optopt) ? letter : word);
}

/* `--model --dev x`: the value was forgotten, and getopt took the next option for it. */
static bool swallowed_option(cli *c, const char *value, char **argv) {
    char name[LONGEST_WORD + 1];
    if (value != argv[optind - 1] || strncmp(value, "--", 2) != 0) return false;
    size_t size = strcspn(value + 2, "=");
    if (size > LONGEST_WORD) return false;
    memcpy(name, value + 2, size);
    name[size] = '\0';
    return cli_find(c, name) != NULL;
}

/* Notes one option; own rows are set at once, since they decide what happens next. */
static int take_option(cli *c, command *m, int answer, char **argv) {
    cli_row *row = row_of(c, answer);
    if (!row) return CLI_USAGE;
    const char *value = optarg;
    if (row->row.type == RILL_FLAG) {
        if (!value) value = answer >= FIRST && (answer - FIRST) % 2 ? "false" : "true";
    } else if (swallowed_option(c, value, argv)) {
        return missing_value(c, row);
    }
    if (row->own) {
        row->value = value;
        row->origin = CLI_COMMAND;
    }
    m->notes[m->count++] = (note){row, value};
    return 0;
}

/* The first operand names the verb. Known before the options are read, it makes their messages
 * better; getopt's own permutation finds the operands afterwards. */
static const cli_verb *find_verb(const cli *c, const char *word) {
    for (const cli_verb *v = c->tool->verbs; v->name; v++) {
        if (strcmp(v->name, word) == 0) return v;
    }
    return NULL;
}

static int read_options(cli *c, command *m, int argc, char **argv) {
    if (argc > 1) c->verb = find_verb(c, argv[1]);
    opterr = 0;
    int answer;
    while ((answer = getopt_long(argc, argv, m->shorts, m->longs, NULL)) != -1) {
        int status = answer == '?' || answer == ':' ? refused(c, answer, argv)
                                                    : take_option(c, m, answer, argv);
        if (status) return status;
    }
    c->operands = (const char **)argv + optind;
    c->operand_count = (size_t)(argc - optind);
    return 0;
}

/* ---- config file */

static char *trim(char *text) {
    while (isspace((unsigned char)*text)) text++;
    size_t size = strlen(text);
    while (size && isspace((unsigned char)text[size - 1])) text[--size] = '\0';
    return text;
}

static int set_config(cli *c, const char *path, size_t number, char *line) {
    char *name = trim(line), *equals = strchr(name, '=');
    if (!*name || *name == '#') return 0;
    int code = RILL_EUSAGE;
    if (equals) {
        *equals = '\0';
        name = trim(name);
        code = rill_options_set(c->options, name, trim(equals + 1), &c->error);
    } else {
        snprintf(c->error.message, sizeof c->error.message, "found \"%s\", expected NAME = VALUE",
                 name);
    }
    if (code < 0) {
        snprintf(c->error.file, sizeof c->error.file, "%s", path);
        c->error.line = number;
        return cli_fail(c, code);
    }
    cli_row *row = cli_find(c, name);
    if (row) row->origin = CLI_CONFIG;
    return 0;
}

static int cannot_read(const cli *c, const char *path) {
    cli_say(c, "cannot read \"%s\": %s", path, strerror(errno));
    return CLI_FAILED;
}

/* Reads the config file here and not with rill_options_read, which does not say what it set. */
static int read_config(cli *c, const char *path) {
    FILE *in = fopen(path, "r");
    if (!in) return cannot_read(c, path);
    char *line = NULL;
    size_t room = 0, number = 0;
    int status = 0;
    while (!status && getline(&line, &room, in) >= 0) {
        bool mark = ++number == 1 && strncmp(line, "\xEF\xBB\xBF", 3) == 0;
        status = set_config(c, path, number, line + (mark ? 3 : 0));
    }
    if (!status && ferror(in)) status = cannot_read(c, path);
    free(line);
    fclose(in);
    return status;
}

/* Every --config, in their order. */
static int read_configs(cli *c, const command *m) {
    int status = 0;
    for (size_t i = 0; i < m->count && !status; i++) {
        const note *n = &m->notes[i];
        if (!n->row->own || strcmp(n->row->row.name, "config")) continue;
        status = read_config(c, n->value);
        c->configs++;
    }
    return status;
}

/* ---- main */

/* Sets what the command line noted, above the config file. */
static int set_noted(cli *c, const command *m) {
    for (size_t i = 0; i < m->count; i++) {
        cli_row *row = m->notes[i].row;
        if (!cli_belongs(row, c->verb))
            return cli_usage(c, "option --%s has no meaning for %s", row->row.name, c->verb->name);
        if (row->own) continue;
        /* values of a list are kept with line ends between them */
        if (row->row.type == RILL_LIST && strchr(m->notes[i].value, '\n'))
            return cli_usage(c, "option --%s: a value holds a line end", row->row.name);
        int code = rill_options_set(c->options, row->row.name, m->notes[i].value, &c->error);
        if (code < 0) return cli_fail(c, code);
        row->origin = CLI_COMMAND;
    }
    return 0;
}

static int run_verb(cli *c) {
    const cli_verb *v = c->verb;
    if (c->operand_count < v->least) return cli_usage(c, "%s needs %s", v->name, v->operands);
    if (c->operand_count > v->most)
        return cli_usage(c, "%s does not know what to do with \"%s\"", v->name,
                         c->operands[v->most]);
    return v->run(c);
}

static int show_version(cli *c) {
    char text[256];
    snprintf(text, sizeof text, "%s (rill) %s\nMIT License. There is no warranty.\n", c->tool->name,
             rill_version());
    return cli_print(c, text);
}

/* Options that answer by themselves; false when none was given. */
static bool answer_self(cli *c, int *status) {
    if (cli_flag(c, "help")) {
        *status = cli_help(c);
    } else if (cli_flag(c, "version")) {
        *status = show_version(c);
    } else if (cli_flag(c, "man")) {
        *status = cli_man(c);
    } else if (cli_get(c, "completion")) {
        *status = cli_completion(c);
    } else {
        return false;
    }
    return true;
}

static int run(cli *c, command *m, int argc, char **argv) {
    int status = read_options(c, m, argc, argv);
    if (status || answer_self(c, &status)) return status;
    if (c->operand_count) {
        c->verb = find_verb(c, c->operands[0]);
        if (!c->verb) return unknown_verb(c, c->operands[0]);
        c->operands++;
        c->operand_count--;
    }
    status = read_configs(c, m);
    if (!status) status = set_noted(c, m);
    if (status) return status;
    if (cli_flag(c, "print-config")) return cli_print_config(c);
    return c->verb ? run_verb(c) : missing_verb(c);
}

/* One word may hold several options (-abc), but no more than it has characters. */
static size_t most_notes(int argc, char **argv) {
    size_t most = 1;
    for (int i = 1; i < argc; i++) most += strlen(argv[i]) + 1;
    return most;
}

int cli_main(const cli_tool *tool, int argc, char **argv) {
    cli c = {.tool = tool};
    command m = {0};
    signal(SIGPIPE, SIG_IGN); /* a write that fails is a fault with a message */
    signal(SIGXFSZ, SIG_IGN);
    int code = make_rows(&c), status;
    m.notes = calloc(most_notes(argc, argv), sizeof *m.notes);
    if (code == 0 && (!m.notes || !command_tables(&c, &m))) code = RILL_ENOMEM;
    status = code < 0 ? cli_fail(&c, code) : run(&c, &m, argc, argv);
    command_free(&m);
    for (size_t i = 0; i < c.row_count; i++) rill_free(c.rows[i].text);
    rill_options_free(c.options);
    free(c.rows);
    return status;
}
