/* rill-classify: labels texts, learned from labelled texts. The tool is this table; see cli.h. */
#include "cli.h"

#include <stdint.h>

static const cli_verb verbs[] = {
    {"train", RILL_TRAIN, "FILE...", 0, SIZE_MAX, cli_train,
     "Learns a model from labelled texts (__label__x text, label TAB text, CSV, JSON lines, a "
     "folder per label) and writes it to --model."},
    {"apply", RILL_APPLY, "MODEL [FILE...]", 1, SIZE_MAX, cli_apply,
     "Labels the texts of files, or of standard input, a line each, and writes standard output."},
    {"eval", RILL_EVAL, "MODEL FILE...", 2, SIZE_MAX, cli_eval,
     "Scores a model on labelled texts, beside the most frequent label and naive Bayes."},
    {"check", RILL_CHECK, "FILE...", 1, SIZE_MAX, cli_check,
     "Looks over labelled texts for what would hurt a training; exits with 1 when it finds some."},
    {0},
};

static const cli_tool tool = {
    .name = "rill-classify",
    .task = "classify",
    .summary = "label texts with a recurrent network: sentiment, spam, topics",
    .verbs = verbs,
    .examples = "  rill-classify train --model reviews.rill --dev dev.tsv train.tsv\n"
                "  rill-classify apply reviews.rill < reviews.txt\n"
                "  rill-classify eval reviews.rill test.tsv\n"
                "  rill-classify check train.tsv --dev dev.tsv\n",
};

int main(int argc, char **argv) {
    return cli_main(&tool, argc, argv);
}
