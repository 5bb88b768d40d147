/* cli_text: what is written from the rows: --help, --man, --completion and --print-config.
 *
 * Every text is first put together in memory (open_memstream), then printed in one piece, so that a
 * full disk or a closed pipe is noticed in one place.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 80, INDENT = 28 };

static const char exit_help[] =
    "0 success; 1 a file or the data are at fault; 2 a usage error; 3 a model file is damaged, "
    "foreign or of another task; 4 training diverged; 128 + N ended by signal N, which leaves "
    "a checkpoint where it interrupts train (Ctrl-C: 130)";

/* ---- putting text together */

typedef struct text {
    char *data;
    size_t size;
    FILE *out;
} text;

static bool text_begin(text *t) {
    *t = (text){0};
    t->out = open_memstream(&t->data, &t->size);
    return t->out != NULL;
}

/* Prints the text and releases it. */
static int text_print(text *t, cli *c) {
    bool failed = ferror(t->out);
    if (fclose(t->out)) failed = true;
    int status = failed ? cli_fail(c, RILL_ENOMEM) : cli_print(c, t->data);
    free(t->data);
    return status;
}

/* Writes words from column `at` on, and lines that follow with `indent` blanks. */
static void wrap(FILE *out, const char *words, int at, int indent) {
    while (*words) {
        int size = (int)strcspn(words, " ");
        if (at > indent && at + 1 + size >= COLUMNS) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", size, words);
        at += size;
        words += size;
        words += strspn(words, " ");
    }
    fputc('\n', out);
}

/* ---- what a row says about its values */

/* Bounds beyond a thousand millions say no more than that there is one. */
static void put_range(FILE *out, const rill_option *row) {
    bool low = row->low > -1e9, high = row->high < 1e9;
    if (low && high) {
        fprintf(out, "%.10g to %.10g", row->low, row->high);
    } else if (low) {
        fprintf(out, "at least %.10g", row->low);
    } else if (high) {
        fprintf(out, "at most %.10g", row->high);
    }
}

static void put_choices(FILE *out, const char *choices) {
    if (strchr(choices, '|')) fputs("one of ", out);
    for (; *choices; choices++) {
        if (*choices == '|') {
            fputs(", ", out);
        } else {
            fputc(*choices, out);
        }
    }
}

static bool on_by_default(const rill_option *row) {
    return row->type == RILL_FLAG && row->fallback && strcmp(row->fallback, "true") == 0;
}

/* "(one of a, b; default a)" or nothing. */
static void put_details(FILE *out, const rill_option *row) {
    text t;
    if (!text_begin(&t)) return;
    const char *between = "";
    if (row->type == RILL_LIST) {
        fputs("may be repeated", t.out);
        between = "; ";
    }
    if (row->choices) {
        fputs(between, t.out);
        put_choices(t.out, row->choices);
        between = "; ";
    } else if (row->type == RILL_INT || row->type == RILL_REAL) {
        put_range(t.out, row);
        if (ftell(t.out) > 0) between = "; ";
    }
    if (row->type != RILL_FLAG && row->fallback && *row->fallback) {
        fprintf(t.out, "%sdefault %s", between, row->fallback);
    }
    if (fclose(t.out) == 0 && t.size) fprintf(out, " (%s)", t.data);
    free(t.data);
}

/* Help and details of a row as one line of words, the opposite of a switch that is on by default;
 * NULL when out of memory. */
static char *row_words(const rill_option *row) {
    text t;
    if (!text_begin(&t)) return NULL;
    if (on_by_default(row))
        fprintf(t.out, "Don't %c%s", row->help[0] - 'A' + 'a', row->help + 1);
    else
        fputs(row->help, t.out);
    put_details(t.out, row);
    return fclose(t.out) ? NULL : t.data;
}

/* ---- help */

static void put_row(FILE *out, const rill_option *row) {
    char *words = row_words(row);
    if (!words) return;
    int at = fprintf(out, row->letter ? "  -%c, " : "      ", row->letter);
    at += fprintf(out, "--%s%s", on_by_default(row) ? "no-" : "", row->name);
    if (row->argument) at += fprintf(out, "=%s", row->argument);
    if (at + 2 > INDENT) {
        fputc('\n', out);
        at = 0;
    }
    fprintf(out, "%*s", INDENT - at, "");
    wrap(out, words, INDENT, INDENT);
    free(words);
}

static void put_usage(FILE *out, const cli *c, const cli_verb *v, const char *before) {
    fprintf(out, "%s%s %s [OPTION]... %s\n", before, c->tool->name, v->name, v->operands);
}

/* The rows of a verb; without one, those that every verb knows. */
static void put_rows(FILE *out, const cli *c) {
    fputs("\nOptions:\n", out);
    for (size_t i = 0; i < c->row_count; i++) {
        const cli_row *row = &c->rows[i];
        if (c->verb ? cli_belongs(row, c->verb) : row->row.verbs == ~0u) put_row(out, &row->row);
    }
}

static void put_verbs(FILE *out, const cli *c) {
    for (const cli_verb *v = c->tool->verbs; v->name; v++) {
        put_usage(out, c, v, v == c->tool->verbs ? "Usage: " : "       ");
    }
    fprintf(out, "\n%s: %s\n", c->tool->name, c->tool->summary);
    fputs("\nVerbs:\n", out);
    for (const cli_verb *v = c->tool->verbs; v->name; v++) {
        fprintf(out, "  %-8s  ", v->name);
        wrap(out, v->help, 12, 12);
    }
    put_rows(out, c);
    fprintf(out,
            "\nOptions of a verb: %s VERB --help\n\nExamples:\n%s\nExit status:", c->tool->name,
            c->tool->examples);
    wrap(out, exit_help, 12, 2);
}

int cli_help(cli *c) {
    text t;
    if (!text_begin(&t)) return cli_fail(c, RILL_ENOMEM);
    if (c->verb) {
        put_usage(t.out, c, c->verb, "Usage: ");
        wrap(t.out, c->verb->help, 0, 0);
        put_rows(t.out, c);
    } else {
        put_verbs(t.out, c);
    }
    return text_print(&t, c);
}

/* ---- manual page */

/* Text for troff: '-' is a minus sign and can be copied, '\' is escaped, a dot or quote at the
 * start of a line is no request. */
static void put_troff(FILE *out, const char *words) {
    bool begins = true;
    for (; *words; words++) {
        if (begins && (*words == '.' || *words == '\'')) fputs("\\&", out);
        if (*words == '-') {
            fputs("\\-", out);
        } else if (*words == '\\') {
            fputs("\\e", out);
        } else {
            fputc(*words, out);
        }
        begins = *words == '\n';
    }
}

static void put_upper(FILE *out, const char *words) {
    for (; *words; words++) fputc(*words >= 'a' && *words <= 'z' ? *words - 32 : *words, out);
}

static void man_synopsis(FILE *out, const cli *c) {
    fputs(".SH SYNOPSIS\n", out);
    for (const cli_verb *v = c->tool->verbs; v->name; v++) {
        fputs(v == c->tool->verbs ? ".B " : ".br\n.B ", out);
        put_troff(out, c->tool->name);
        fprintf(out, " %s\n[\\fIOPTION\\fR]... ", v->name);
        put_troff(out, v->operands);
        fputc('\n', out);
    }
}

static void man_verbs(FILE *out, const cli *c) {
    fputs(".SH DESCRIPTION\n", out);
    for (const cli_verb *v = c->tool->verbs; v->name; v++) {
        fprintf(out, ".TP\n.B %s\n", v->name);
        put_troff(out, v->help);
        fputc('\n', out);
    }
}

/* Names the verbs of a row that not all of them know. */
static void man_row_verbs(FILE *out, const cli *c, const cli_row *row) {
    size_t all = 0, some = 0;
    for (const cli_verb *v = c->tool->verbs; v->name; v++) {
        all++;
        some += cli_belongs(row, v);
    }
    if (some == all) return;
    fputs(".\nFor", out);
    const char *before = " ";
    for (const cli_verb *v = c->tool->verbs; v->name; v++) {
        if (!cli_belongs(row, v)) continue;
        fprintf(out, "%s%s", before, v->name);
        before = ", ";
    }
    fputc('.', out);
}

static void man_options(FILE *out, const cli *c) {
    fputs(".SH OPTIONS\n", out);
    for (size_t i = 0; i < c->row_count; i++) {
        const rill_option *row = &c->rows[i].row;
        char *words = row_words(row);
        if (!words) return;
        fputs(".TP\n", out);
        if (row->letter) fprintf(out, "\\fB\\-%c\\fR, ", row->letter);
        fputs("\\fB\\-\\-", out);
        if (on_by_default(row)) fputs("no\\-", out);
        put_troff(out, row->name);
        fputs("\\fR", out);
        if (row->argument) fprintf(out, "=\\fI%s\\fR", row->argument);
        fputc('\n', out);
        put_troff(out, words);
        man_row_verbs(out, c, &c->rows[i]);
        fputc('\n', out);
        free(words);
    }
}

static void man_rest(FILE *out, const cli *c) {
    if (c->tool->task)
        fputs(
            ".SH FILES\nA config file holds lines NAME = VALUE with the long names of the options;"
            "\na line that begins with # is a comment. Flags take true or false, a list is given in several lines.\n"
            ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nwhen not empty, messages carry no colour\n",
            out);
    fputs(".SH EXIT STATUS\n", out);
    put_troff(out, exit_help);
    fputs(".\n.SH EXAMPLES\n.nf\n", out);
    put_troff(out, c->tool->examples);
    fputs(".fi\n", out);
}

int cli_man(cli *c) {
    text t;
    if (!text_begin(&t)) return cli_fail(c, RILL_ENOMEM);
    fputs(".TH ", t.out);
    put_upper(t.out, c->tool->name);
    fprintf(t.out, " 1 \"\" \"rill %s\" \"rill manual\"\n.SH NAME\n", rill_version());
    put_troff(t.out, c->tool->name);
    fputs(" \\- ", t.out);
    put_troff(t.out, c->tool->summary);
    fputc('\n', t.out);
    man_synopsis(t.out, c);
    man_verbs(t.out, c);
    man_options(t.out, c);
    man_rest(t.out, c);
    return text_print(&t, c);
}

/* ---- completion */

/* The values of every option that has choices. */
static void bash_choices(FILE *out, const cli *c) {
    for (size_t i = 0; i < c->row_count; i++) {
        const rill_option *row = &c->rows[i].row;
        if (!row->choices) continue;
        fprintf(out, "    --%s) words='", row->name);
        for (const char *at = row->choices; *at; at++) fputc(*at == '|' ? ' ' : *at, out);
        fputs("' ;;\n", out);
    }
}

static void bash_options(FILE *out, const cli *c, const cli_verb *v) {
    fprintf(out, "        %s) words='", v->name);
    for (size_t i = 0; i < c->row_count; i++) {
        const rill_option *row = &c->rows[i].row;
        if (!cli_belongs(&c->rows[i], v)) continue;
        fprintf(out, " --%s", row->name);
        if (row->type == RILL_FLAG && !c->rows[i].own) fprintf(out, " --no-%s", row->name);
    }
    fputs("' ;;\n", out);
}

static void put_bash(FILE *out, const cli *c) {
    fprintf(out,
            "# bash completion of %s, made by %s --completion bash\n"
            "_%s() {\n"
            "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words=\n"
            "    [ \"$prev\" = = ] && prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
            "    [ \"$cur\" = = ] && prev=${COMP_WORDS[COMP_CWORD - 1]} cur=\n"
            "    case $prev in\n",
            c->tool->name, c->tool->name, c->tool->name);
    bash_choices(out, c);
    fprintf(out, "    *)\n        case ${COMP_WORDS[1]} in\n");
    for (const cli_verb *v = c->tool->verbs; v->name; v++) bash_options(out, c, v);
    fputs("        esac\n        case $COMP_CWORD,$cur in\n        1,*) words='", out);
    for (const cli_verb *v = c->tool->verbs; v->name; v++) fprintf(out, "%s ", v->name);
    fputs(
        "--help --version' ;;\n        *,-*) ;;\n        *) words= ;;\n        esac ;;\n    esac\n"
        "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n}\n",
        out);
    fprintf(out, "complete -o bashdefault -o default -F _%s %s\n", c->tool->name, c->tool->name);
}

int cli_completion(cli *c) {
    text t;
    const char *shell = cli_get(c, "completion");
    if (strcmp(shell, "bash") != 0)
        return cli_usage(c, "option --completion: found \"%s\", expected bash", shell);
    if (!text_begin(&t)) return cli_fail(c, RILL_ENOMEM);
    put_bash(t.out, c);
    return text_print(&t, c);
}

/* ---- print-config */

/* One line a value; a list has several, joined by LF. */
static void put_values(FILE *out, const char *name, const char *value) {
    while (value) {
        size_t size = strcspn(value, "\n");
        fprintf(out, "%s = %.*s\n", name, (int)size, value);
        value = value[size] ? value + size + 1 : NULL;
    }
}

/* All rows of one origin under a heading; with `set` false those that have no value. */
static void put_group(FILE *out, cli *c, cli_origin origin, bool set, const char *heading) {
    bool headed = false;
    for (size_t i = 0; i < c->row_count; i++) {
        cli_row *row = &c->rows[i];
        if (row->own || row->origin != origin || !cli_belongs(row, c->verb)) continue;
        const char *value = cli_get(c, row->row.name);
        if ((value != NULL) != set) continue;
        if (!headed) fprintf(out, "# %s\n", heading);
        headed = true;
        if (set) {
            put_values(out, row->row.name, value);
        } else {
            fprintf(out, "# %s =\n", row->row.name);
        }
    }
}

int cli_print_config(cli *c) {
    text t;
    char heading[512];
    if (!text_begin(&t)) return cli_fail(c, RILL_ENOMEM);
    put_group(t.out, c, CLI_COMMAND, true, "from the command line");
    snprintf(heading, sizeof heading, "from %s", c->configs == 1 ? cli_get(c, "config") : "config files");
    put_group(t.out, c, CLI_CONFIG, true, heading);
    put_group(t.out, c, CLI_DEFAULT, true, "defaults");
    put_group(t.out, c, CLI_DEFAULT, false, "not set");
    return text_print(&t, c);
}
