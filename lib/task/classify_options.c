/* classify_options: the option table of the classifier. Everything about its options comes from here. */
#include "task/classify.h"

#include <string.h>

#define OPTIONS classify_options
#include "task/rows.h"

static const option_row rows[] = {
#define COMMON_FORCE T | E
#include "task/rows_common.def"
    NUMBER("batch", 'b', COMMON(batch), "0", 0, 1000000, T | AE,
           "Units per batch; 0: by the size of the data in training, 2048 elsewhere"),
    /* data */
    WORD("input", 'i', COMMON(input), "auto", "auto|fasttext|tsv|csv|jsonl|folder|text", "FORMAT",
         OPTION_ALL, "Format of the input; auto: by name and first line (folder: not in apply)"),
    WORD("text-col", 0, AT(text_col), NULL, NULL, "NAME", OPTION_ALL,
         "CSV column (name or number) or JSON field of the text; default text"),
    WORD("label-col", 0, AT(label_col), NULL, NULL, "NAME", OPTION_ALL,
         "CSV column (name or number) or JSON field of the label; default label"),
    WORD("labels", 0, AT(labels), "auto", "auto|single|multi", "HOW", S | OPTION_CHECK,
         "One label a text, or any number; auto: as the data have it"),
    WORD("units", 'u', AT(units), "word", "word|subword|char", "UNITS", S, "What a text is cut into"),
    WORD("subwords", 0, AT(subwords), NULL, NULL, "FILE", TF,
         "Units that rill-tokenize or subword-nmt learnt (--units subword); codes of the latter "
         "get the characters of the texts that they lack"),
    SWITCH("lower", AT(lower), "true", S, "Lower-case all text"),
    NUMBER("min-count", 0, AT(min_count), "2", 1, 1000000, S,
           "Units seen less often in training share one vector"),
    WORD("normalize", 0, AT(normalize), "nfc", "nfc|nfkc|none", "FORM", S,
         "Unicode normalization of the text"),
    WORD("rules", 0, AT(rules), NULL, NULL, "FILE", TF, "Own tokenizer rules"),
    WORD("vectors", 0, AT(vectors), NULL, NULL, "FILE", TF,
         "Pretrained vectors: word2vec (text, binary), GloVe, fastText .vec"),
    NUMBER("vectors-limit", 0, AT(vectors_limit), "200000", 1, 10000000, T, "Vectors read at most"),
    WORD("pretrain", 0, AT(pretrain), NULL, NULL, "FILE", TF,
         "Plain text of the same kind (labels are not looked at): the network first learns to "
         "foretell its units"),
    NUMBER("pretrain-epochs", 0, AT(pretrain_epochs), "5", 1, 100000, S, "Passes over that text"),
    WORD("weights", 0, AT(weights), "none", "none|balanced", "HOW", S,
         "Class weights; balanced: rare labels count as much as frequent ones"),
    NUMBER("max-length", 0, AT(max_length), "0", 0, 100000000, S,
           "Units read of a text, the number of cuts is told; 0: all of it"),
    NUMBER("chunk", 0, AT(chunk), "512", 0, 1000000, S,
           "Longer texts go through the network in pieces of N units that are pooled together; 0: "
           "never"),
    /* network */
    WORD("cell", 0, AT(cell), "lstm", "lstm|gru|tanh|relu", "CELL", S, "Recurrent cell"),
    NUMBER("hidden", 0, AT(hidden), "200", 1, 8192, S, "Hidden units each way"),
    NUMBER("layers", 0, AT(layers), "1", 1, 16, S, "Bidirectional layers"),
    NUMBER("form-dim", 0, AT(form_dim), "200", 1, 8192, S, "Width of unit vectors"),
    NUMBER("affix-dim", 0, AT(affix_dim), "50", 0, 8192, S,
           "Width of the vectors of the first and last four letters; 0: none"),
    WORD("pool", 0, AT(pool), "max+attention", "last|mean|max|attention|max+attention|max+mean",
         "HOW", S, "Pooling over the text"),
    NUMBER("conv-filters", 0, AT(conv_filters), "0", 0, 8192, S,
           "Convolution before the RNN; 0: none"),
    NUMBER("conv-width", 0, AT(conv_width), "5", 1, 64, S, "Units that a convolution sees"),
    NUMBER("conv-stride", 0, AT(conv_stride), "2", 1, 64, S,
           "Units from one convolution to the next: shortens long texts"),
    NUMBER("ngrams", 0, AT(ngrams), "2", 0, 5, S,
           "Naive Bayes over n-grams up to this length beside the RNN; 0: none"),
    NUMBER("stems", 0, AT(stems), "5", 0, 100, S,
           "Naive Bayes also sees n-grams of stems: the first N letters of each unit; 0: none"),
    NUMBER("letters", 0, AT(letters), "0", 0, 20, S,
           "... and n-grams of 3 to N letters; 0: none"),
    NUMBER("ngrams-limit", 0, AT(ngrams_limit), "300000", 1, 10000000, S,
           "N-grams kept at most, the most frequent ones"),
    SWITCH("norm", AT(norm), "false", S, "Layer normalization inside the cells"),
    SWITCH("residual", AT(residual), "true", S, "Add a layer's input to its output"),
    AMOUNT("dropout", AT(dropout), "0.5", 0, 0.95, S, "Dropout of pooled states and between layers"),
    AMOUNT("dropout-in", AT(dropout_in), "0.5", 0, 0.95, S, "Dropout of the input vectors"),
    AMOUNT("recurrent-dropout", AT(recurrent_dropout), "0", 0, 0.95, S,
           "Dropout of recurrent states, one mask per text"),
    AMOUNT("word-dropout", AT(word_dropout), "0.2", 0, 0.95, S,
           "Share of units whose vector is hidden in training; their affixes stay"),
    AMOUNT("smoothing", AT(smoothing), "0.1", 0, 0.9, S, "Label smoothing"),
    AMOUNT("noise", AT(noise), "0", 0, 100, S,
           "Adversarial training: length of the noise added to a text's input; 0: none"),
    AMOUNT("r-drop", AT(r_drop), "1", 0, 1000, S,
           "Each text is read twice under different dropout; weight of how far both guesses are "
           "apart; 0: once"),
    WORD("autotune", 0, AT(autotune), NULL, NULL, "TIME", T,
         "Search better settings for so long (90s, 10m, 2h) by the dev score; the best model stays"),
#define TRAIN_EPOCHS "0"
#define TRAIN_EPOCHS_LEAST 0
#define TRAIN_EPOCHS_HELP "Passes over the training data; 0: by their size"
#define TRAIN_RATE "0.001"
#define TRAIN_WARMUP "100"
#define TRAIN_BETA2 "0.99"
#define TRAIN_EMA "0.995"
#include "task/rows_train.def"
    /* apply and eval */
    NUMBER("best", 'k', AT(k), "0", 0, 1000000, A,
           "Write the N most probable labels; 0: one, or all above their thresholds"),
    SWITCH("probs", AT(probs), "false", A, "Write the probability behind each label"),
    SWITCH("explain", AT(explain), "false", A,
           "Show which words decided: how much less probable the label is without them"),
    AMOUNT("threshold", AT(threshold), "0", 0, 1, AE,
           "Least probability of a label that is given; 0: as tuned on dev (several labels), none"),
    WORD("compare", 0, AT(compare), NULL, NULL, "FILE", E,
         "Answers of another system (JSON lines, field label, one per text): a paired test"),
    WORD("matrix", 0, AT(matrix), NULL, NULL, "FILE", E, "Draw the confusion matrix as SVG"),
    NUMBER("samples", 0, AT(samples), "1000", 0, 1000000, E, "Bootstrap samples of the intervals"),
    NUMBER("max-record", 0, AT(max_record), "67108864", 1024, 1073741824.0, OPTION_ALL,
           "Longest text or line in bytes"),
};

const option_table classify_option_table = {rows, sizeof rows / sizeof *rows,
                                            sizeof(classify_options)};

/* Small data are seen more often, in smaller batches: what counts is the number of updates. */
void classify_options_size(classify_options *o, size_t units) {
    o->train.epochs = option_or(o->train.epochs, 4, 1000000 / (units > 0 ? (int64_t)units : 1), 20);
    if (o->common.batch == 0) o->common.batch = units < 20000 ? 256 : units < 100000 ? 512 : 1024;
}
