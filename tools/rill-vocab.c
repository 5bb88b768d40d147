/* rill-vocab: vocabularies counted, looked at, merged, pruned, converted. The tool is this file;
 * see cli.h. */
#include "cli.h"

#include <stdint.h>
#include <stdio.h>

static int run(cli *c, char **report) {
    int code =
        rill_vocab_run(c->verb->mask, c->options, c->operands, c->operand_count, report, &c->error);
    if (code == RILL_EIO) cli_end_if_deaf();
    return code < 0 ? cli_fail(c, code) : 0;
}

/* The report is the answer. */
static int tell(cli *c) {
    char *report;
    int status = run(c, &report);
    return status ? status : cli_print_report(c, report);
}

/* The vocabulary is the answer; what there is to say goes to standard error. */
static int make(cli *c) {
    char *report;
    int status = run(c, &report);
    if (status) return status;
    if (!cli_flag(c, "quiet")) fputs(report, stderr);
    rill_free(report);
    return 0;
}

static const cli_verb verbs[] = {
    {"build", RILL_VOCAB_BUILD, "[FILE...]", 0, SIZE_MAX, make,
     "Counts the words of text, most frequent first."},
    {"stats", RILL_VOCAB_STATS, "VOCAB", 1, 1, tell,
     "Shows how many words there are and how much the frequent ones cover."},
    {"coverage", RILL_VOCAB_COVERAGE, "VOCAB [FILE...]", 1, SIZE_MAX, tell,
     "Shows how much of a text a vocabulary knows, and what it does not know."},
    {"merge", RILL_VOCAB_MERGE, "VOCAB...", 1, SIZE_MAX, make,
     "Adds up the counts of several vocabularies."},
    {"prune", RILL_VOCAB_PRUNE, "VOCAB", 1, 1, make,
     "Keeps the frequent words, or those of another vocabulary, in the order of the file."},
    {"convert", RILL_VOCAB_CONVERT, "VOCAB", 1, 1, make, "Writes a vocabulary in another format."},
    {0},
};

static const cli_tool tool = {
    .name = "rill-vocab",
    .task = "vocab",
    .summary = "count, compare and prune vocabularies",
    .verbs = verbs,
    .examples = "  rill-vocab build --min-count 2 -o words.tsv train.en\n"
                "  rill-vocab coverage words.tsv dev.en\n"
                "  rill-vocab stats en.rill\n"
                "  rill-vocab prune --max-size 20000 words.tsv > small.tsv\n"
                "  rill-model prune en.rill --vocab small.tsv -o small.rill\n",
};

int main(int argc, char **argv) {
    return cli_main(&tool, argc, argv);
}
