/* rill-translate: translates lines, learned from pairs of lines. The tool is this table; see cli.h. */
#include "cli.h"

#include <stdint.h>

static const cli_verb verbs[] = {
    {"train", RILL_TRAIN, "SOURCE TARGET | PAIRS", 0, 2, cli_train,
     "Learns a model from two files of lines, or one of source TAB target, and writes it to "
     "--model."},
    {"apply", RILL_APPLY, "MODEL [FILE...]", 1, SIZE_MAX, cli_apply,
     "Translates the lines of files, or of standard input, to standard output."},
    {"score", RILL_SCORE, "MODEL [FILE...]", 1, SIZE_MAX, cli_score,
     "Writes the log probability of each target, for lines of source TAB target."},
    {"eval", RILL_EVAL, "MODEL SOURCE TARGET | MODEL PAIRS", 2, 3, cli_eval,
     "Scores a model on pairs of lines: BLEU, chrF, exact answers, perplexity."},
    {"compare", RILL_COMPARE, "REFERENCES ANSWERS...", 2, SIZE_MAX, cli_compare,
     "Scores files of answers against a file of references, line by line, and tests each against "
     "the first."},
    {"check", RILL_CHECK, "SOURCE TARGET | PAIRS", 1, 2, cli_check,
     "Looks over pairs of lines for accidents, and names file, line and column."},
    {0},
};

static const cli_tool tool = {
    .name = "rill-translate",
    .task = "translate",
    .summary = "translate lines with a recurrent encoder-decoder",
    .verbs = verbs,
    .examples = "  rill-translate train --model en-de.rill --dev val.en --dev-target val.de \\\n"
                "      train.en train.de\n"
                "  rill-translate apply en-de.rill < english.txt\n"
                "  rill-translate eval en-de.rill test.en test.de\n"
                "  printf 'a dog\\tein Hund\\n' | rill-translate score en-de.rill\n",
};

int main(int argc, char **argv) {
    return cli_main(&tool, argc, argv);
}
