/* rill-model: looks into model files and training logs, prunes and averages models.
 * The tool is this file; see cli.h. */
#include "cli.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { INFO = 1, VERIFY = 2, PLOT = 4, PRUNE = 8, AVERAGE = 16 };

static const rill_option own[] = {
    {.name = "json",
     .type = RILL_FLAG,
     .verbs = INFO | PRUNE,
     .help = "Print one JSON object instead of text"},
    {.name = "force",
     .letter = 'f',
     .type = RILL_FLAG,
     .verbs = PLOT | PRUNE | AVERAGE,
     .help = "Replace the file to write"},
    {.name = "vocab",
     .type = RILL_TEXT,
     .argument = "FILE",
     .verbs = PRUNE,
     .help = "Vocabulary whose words stay: a file as rill-vocab reads it, or a model"},
    {.name = "output",
     .letter = 'o',
     .type = RILL_TEXT,
     .argument = "FILE",
     .verbs = PRUNE | AVERAGE,
     .help = "Model file to write"},
    {.name = "table",
     .type = RILL_TEXT,
     .argument = "NAME",
     .verbs = PRUNE,
     .help = "Which vocabulary of the model; default the first, its words"},
    {.name = "add",
     .type = RILL_FLAG,
     .verbs = PRUNE,
     .help = "Words that the model does not know get rows too, equal to that of the unknown word"},
    {0},
};

static int info(cli *c) {
    char *report = NULL;
    int code = rill_model_info(c->operands[0], cli_flag(c, "json"), &report, &c->error);
    return code < 0 ? cli_fail(c, code) : cli_print_report(c, report);
}

/* Every check that loading makes, and the checksum of every tensor. */
static int verify(cli *c) {
    char *report = NULL;
    int code = rill_model_info(c->operands[0], false, &report, &c->error);
    if (code < 0) return cli_fail(c, code);
    rill_free(report);
    int status = cli_print(c, c->operands[0]);
    return status ? status : cli_print(c, ": sound\n");
}

static int plot(cli *c) {
    int status = cli_may_write(c, c->operands[1]);
    if (!status) status = cli_must_differ(c, c->operands[1], c->operands[0]);
    if (status) return status;
    int code = rill_plot_log(c->operands[0], c->operands[1], &c->error);
    return code < 0 ? cli_fail(c, code) : 0;
}

static int prune(cli *c) {
    const char *words = cli_get(c, "vocab"), *out = cli_get(c, "output");
    char *report = NULL;
    if (!words || !out) return cli_usage(c, "prune needs --vocab FILE and --output FILE");
    int status = cli_may_write(c, out);
    if (!status) status = cli_must_differ(c, out, c->operands[0]);
    if (!status) status = cli_must_differ(c, out, words);
    if (status) return status;
    int code = rill_model_prune(c->operands[0], words, cli_get(c, "table"), cli_flag(c, "add"), out,
                                cli_flag(c, "json"), &report, &c->error);
    return code < 0 ? cli_fail(c, code) : cli_print_report(c, report);
}

static int average(cli *c) {
    const char *out = cli_get(c, "output");
    if (!out) return cli_usage(c, "average needs --output FILE");
    int status = cli_may_write(c, out);
    for (size_t i = 0; i < c->operand_count && !status; i++) {
        status = cli_must_differ(c, out, c->operands[i]);
    }
    if (status) return status;
    int code = rill_model_average(c->operands, c->operand_count, out, &c->error);
    return code < 0 ? cli_fail(c, code) : 0;
}

static const cli_verb verbs[] = {
    {"info", INFO, "FILE", 1, 1, info, "Shows what stands in a model file or checkpoint."},
    {"verify", VERIFY, "FILE", 1, 1, verify,
     "Checks a model file in full; exits with 3 when it is damaged."},
    {"plot", PLOT, "LOG.jsonl OUT.svg", 2, 2, plot,
     "Draws the learning curve of a training log (train --log) as an SVG picture."},
    {"prune", PRUNE, "MODEL", 1, 1, prune,
     "Writes a model with the words of another vocabulary, moved by word."},
    {"average", AVERAGE, "MODEL...", 1, SIZE_MAX, average,
     "Writes the mean of models that differ in nothing but their weights."},
    {0},
};

static const cli_tool tool = {
    .name = "rill-model",
    .summary = "look into model files and training logs, prune and average models",
    .verbs = verbs,
    .own = own,
    .examples = "  rill-model info en.rill\n"
                "  rill-model verify en.rill\n"
                "  rill-model plot train.jsonl curve.svg\n"
                "  rill-model prune en.rill --vocab words.tsv -o small.rill\n"
                "  rill-model average seed1.rill seed2.rill -o mean.rill\n",
};

int main(int argc, char **argv) {
    return cli_main(&tool, argc, argv);
}
