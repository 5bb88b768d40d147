/* rill-model: looks into model files and training logs. The tool is this file; see cli.h. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

enum { INFO = 1, VERIFY = 2, PLOT = 4 };

static const rill_option own[] = {
    {.name = "json",
     .type = RILL_FLAG,
     .verbs = INFO,
     .help = "Print one JSON object instead of text"},
    {.name = "force", .letter = 'f', .type = RILL_FLAG, .verbs = PLOT, .help = "Replace OUT.svg"},
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

static const cli_verb verbs[] = {
    {"info", INFO, "FILE", 1, 1, info, "Shows what stands in a model file or checkpoint."},
    {"verify", VERIFY, "FILE", 1, 1, verify,
     "Checks a model file in full; exits with 3 when it is damaged."},
    {"plot", PLOT, "LOG.jsonl OUT.svg", 2, 2, plot,
     "Draws the learning curve of a training log (train --log) as an SVG picture."},
    {0},
};

static const cli_tool tool = {
    .name = "rill-model",
    .summary = "look into model files and training logs",
    .verbs = verbs,
    .own = own,
    .examples = "  rill-model info en.rill\n"
                "  rill-model verify en.rill\n"
                "  rill-model plot train.jsonl curve.svg\n",
};

int main(int argc, char **argv) {
    return cli_main(&tool, argc, argv);
}
