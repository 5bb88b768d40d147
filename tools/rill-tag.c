/* rill-tag: tags words, learned from tagged text. The tool is this table; see cli.h. */
#include "cli.h"

#include <stdint.h>

static const cli_verb verbs[] = {
    {"train", RILL_TRAIN, "FILE...", 0, SIZE_MAX, cli_train,
     "Learns a model from tagged files (CoNLL-U, columns, word_TAG lines) and writes it to "
     "--model."},
    {"apply", RILL_APPLY, "MODEL [FILE...]", 1, SIZE_MAX, cli_apply,
     "Tags files, or standard input, and writes standard output."},
    {"eval", RILL_EVAL, "MODEL FILE...", 2, SIZE_MAX, cli_eval,
     "Scores a model on tagged files, beside a baseline of most frequent tags."},
    {"check", RILL_CHECK, "FILE...", 1, SIZE_MAX, cli_check,
     "Looks over tagged files for what would hurt a training; exits with 1 when it finds some."},
    {0},
};

static const cli_tool tool = {
    .name = "rill-tag",
    .task = "tag",
    .summary = "tag words with a recurrent network: parts of speech, features, entities",
    .verbs = verbs,
    .examples = "  rill-tag train --model en.rill --dev dev.conllu train.conllu\n"
                "  echo \"The cat sat on the mat.\" | rill-tag apply en.rill\n"
                "  rill-tag eval en.rill test.conllu\n"
                "  rill-tag check train.conllu --dev dev.conllu\n",
};

int main(int argc, char **argv) {
    return cli_main(&tool, argc, argv);
}
