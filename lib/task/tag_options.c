/* tag_options: the option table of the tagger. Everything about its options comes from here. */
#include "task/tag.h"

#include <string.h>

#define OPTIONS tag_options
#include "task/rows.h"

static const option_row rows[] = {
#include "task/rows_common.def"
    NUMBER("batch", 'b', COMMON(batch), "0", 0, 1000000, T | AE,
           "Tokens per batch; 0: by the size of the data in training (32 to 256), 2048 elsewhere"),
    /* data */
    WORD("input", 'i', COMMON(input), "auto", "auto|conllu|columns|vertical|horizontal|text",
         "FORMAT", OPTION_ALL, "Format of the input; auto: by name and first lines"),
    WORD("output", 'o', COMMON(output), "auto", "auto|conllu|columns|vertical|horizontal|json",
         "FORMAT", A, "Format of the output; auto: conllu for raw text, else as the input"),
    WORD("columns", 'c', AT(columns), NULL, NULL, "NAMES", S | OPTION_CHECK,
         "Columns to predict jointly; default upos,xpos,feats for CoNLL-U, else the last column"),
    WORD("layout", 0, AT(layout), NULL, NULL, "NAMES", S | AE | OPTION_CHECK,
         "Names of the columns of a column file, such as form,pos,chunk,ner; two also name those "
         "of word_TAG"),
    WORD("feats", 0, AT(feats), "both", "whole|split|both", "HOW", S,
         "Features: one label for the whole string, one per attribute, or both together"),
    WORD("crf", 0, AT(crf), "auto", "auto|yes|no", "WHEN", S,
         "Conditional random field: auto for entity columns only"),
    NUMBER("min-count", 0, AT(min_count), "2", 1, 1000000, S,
           "Forms seen less often in training share one vector"),
    WORD("normalize", 0, AT(normalize), "nfc", "nfc|nfkc|none", "FORM", S,
         "Unicode normalization of words"),
    WORD("rules", 0, AT(rules), NULL, NULL, "FILE", TF,
         "Own tokenizer rules for raw text, instead of what the training data show"),
    WORD("vectors", 0, AT(vectors), NULL, NULL, "FILE", TF,
         "Pretrained vectors: word2vec (text, binary), GloVe, fastText .vec"),
    NUMBER("vectors-limit", 0, AT(vectors_limit), "200000", 1, 10000000, T, "Vectors read at most"),
    /* network */
    WORD("size", 0, AT(size), "medium", "small|medium|large", "SIZE", S,
         "Preset for the sizes below that are 0"),
    WORD("cell", 0, AT(cell), "lstm", "lstm|gru|tanh|relu", "CELL", S, "Recurrent cell"),
    WORD("chars", 0, AT(chars), "rnn", "rnn|conv|none", "HOW", S, "Character encoder"),
    NUMBER("hidden", 0, AT(hidden), "0", 0, 8192, S, "Hidden units each way"),
    NUMBER("layers", 0, AT(layers), "2", 1, 16, S, "Bidirectional layers"),
    NUMBER("form-dim", 0, AT(form_dim), "0", 0, 8192, S, "Width of form vectors"),
    NUMBER("char-dim", 0, AT(char_dim), "64", 1, 8192, S, "Width of character vectors"),
    NUMBER("char-hidden", 0, AT(char_hidden), "0", 0, 8192, S,
           "Hidden units each way of the character encoder"),
    NUMBER("affix-dim", 0, AT(affix_dim), "32", 0, 8192, S,
           "Width of each prefix, suffix and shape vector; 0: none"),
    SWITCH("norm", AT(norm), "false", S, "Layer normalization inside the cells"),
    SWITCH("residual", AT(residual), "true", S, "Add a layer's input to its output"),
    AMOUNT("dropout", AT(dropout), "-1", -1, 0.95, S, "Dropout of inputs and outputs; -1: by size"),
    AMOUNT("recurrent-dropout", AT(recurrent_dropout), "0", 0, 0.95, S,
           "Dropout of recurrent states, one mask per sentence"),
    AMOUNT("word-dropout", AT(word_dropout), "0.25", 0, 1000, S,
           "A form is hidden with probability X/(X + its count)"),
    AMOUNT("case-noise", AT(case_noise), "0", 0, 0.66, S,
           "Share of sentences that training reads in small letters, and half as many in capitals; "
           "for texts that are written so (0.1 is a good one)"),
    AMOUNT("smoothing", AT(smoothing), "0", 0, 0.9, S, "Label smoothing"),
    AMOUNT("r-drop", AT(r_drop), "1", 0, 1000, S,
           "Each sentence is read twice under different dropout; weight of how far both guesses "
           "are apart; 0: read once (as where all columns have a CRF)"),
#define TRAIN_EPOCHS "0"
#define TRAIN_EPOCHS_LEAST 0
#define TRAIN_EPOCHS_HELP "Passes over the training data; 0: by their size, 5 to 20"
#define TRAIN_RATE "0.004"
#include "task/rows_train.def"
    /* apply and eval */
    SWITCH("probs", AT(probs), "false", A, "Write the probability of every label"),
    SWITCH("complete", AT(complete), "false", A,
           "End the last line and sentence where the input does not, as between several files"),
    NUMBER("nbest", 0, AT(nbest), "0", 0, 1000, A,
           "Write the N best label sequences (columns with a conditional random field)"),
    SWITCH("ranges", AT(ranges), "false", A, "Write the byte range of every token"),
    SWITCH("wrapped", AT(wrapped), "false", AE,
           "Raw text: blank lines end paragraphs, not line ends"),
    SWITCH("raw", AT(raw), "false", E,
           "Score from raw text: sentences and words are found anew, as in the CoNLL 2018 task"),
    NUMBER("samples", 0, AT(samples), "1000", 0, 1000000, E, "Bootstrap samples of the intervals"),
    NUMBER("max-record", 0, AT(max_record), "67108864", 1024, 1073741824.0, OPTION_ALL,
           "Longest sentence or line in bytes"),
};

const option_table tag_option_table = {rows, sizeof rows / sizeof *rows, sizeof(tag_options)};

typedef struct size_preset {
    const char *name;
    int64_t hidden, form_dim, char_hidden;
    double dropout;
} size_preset;

static const size_preset presets[] = {
    {"small", 96, 64, 48, 0.3},
    {"medium", 256, 100, 100, 0.5},
    {"large", 512, 200, 150, 0.6},
};

void tag_options_size(tag_options *o) {
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        const size_preset *p = &presets[i];
        if (strcmp(o->size, p->name)) continue;
        if (o->hidden == 0) o->hidden = p->hidden;
        if (o->form_dim == 0) o->form_dim = p->form_dim;
        if (o->char_hidden == 0) o->char_hidden = p->char_hidden;
        if (o->dropout < 0) o->dropout = p->dropout;
    }
}

/* Small data are seen more often, in smaller batches: what counts is the number of updates. */
void tag_options_data(tag_options *o, size_t tokens) {
    const int64_t n = tokens > 0 ? (int64_t)tokens : 1;
    o->train.epochs = option_or(o->train.epochs, 5, 2100000 / n, 20);
    o->common.batch = option_or(o->common.batch, 32, n / 400, 256);
}
