/* translate_options: the option table of the translator. Everything about its options comes from here. */
#include "task/translate.h"

#include <string.h>

#define OPTIONS translate_options
#include "task/rows.h"

#define UNITS "bpe|char|word|byte"

static const option_row rows[] = {
#define COMMON_SEED T | AE | OPTION_COMPARE
#include "task/rows_common.def"
    NUMBER(
        "batch", 'b', COMMON(batch), "0", 0, 1000000, T | AES,
        "Units of the longer side per batch; 0: by the size of the data, 1024 in apply and eval"),
    /* data */
    WORD("dev-target", 0, AT(dev_target), NULL, NULL, "FILE", TC | OPTION_FILE,
         "The other side of --dev, where that is no file of pairs"),
    WORD("units", 0, AT(units), "bpe", UNITS, "KIND", S, "What a text is cut into"),
    WORD("source-units", 0, AT(source_units), NULL, UNITS, "KIND", S,
         "Units of the source side, where they differ"),
    WORD("target-units", 0, AT(target_units), NULL, UNITS, "KIND", S,
         "Units of the target side, where they differ"),
    WORD("subwords", 0, AT(subwords), NULL, NULL, "FILE", TF,
         "Units learnt before by rill-tokenize or subword-nmt, for both sides or the source; "
         "codes of subword-nmt get the characters of the training text that they lack"),
    WORD("target-subwords", 0, AT(target_subwords), NULL, NULL, "FILE", TF,
         "Units of the target side learnt before"),
    SWITCH("share", AT(share), "true", S, "Give both sides one list of units, if of one kind"),
    NUMBER("vocab-size", 0, AT(vocab_size), "8000", 0, 10000000, S,
           "Most units of a list; 0: no bound"),
    NUMBER("min-count", 0, AT(min_count), "2", 1, 1000000, S, "Least count of a unit in training"),
    NUMBER("max-pieces", 0, AT(max_pieces), "250", 1, 100000, S,
           "Training leaves out pairs with more units than this on a side, and says how many"),
    WORD("normalize", 0, AT(normalize), "nfc", "nfc|nfkc|none", "FORM", S, "Unicode normalization"),
    SWITCH("lower", AT(lower), "false", S, "Capitals become a mark and a small letter"),
    AMOUNT("bpe-dropout", AT(bpe_dropout), "0", 0, 1, S,
           "Each merge is left out with this probability in training"),
    AMOUNT("word-dropout", AT(word_dropout), "0", 0, 0.9, S,
           "Units are hidden with this probability in training, on either side"),
    /* network */
    WORD("cell", 0, AT(cell), "lstm", "lstm|gru|tanh|relu", "CELL", S, "Recurrent cell"),
    WORD("attention", 0, AT(attention), "dot", "dot|general|additive", "HOW", S,
         "How a decoder state is compared with the source"),
    NUMBER("heads", 0, AT(heads), "1", 1, 64, S, "Heads of the attention"),
    WORD("tie", 0, AT(tie), "auto", "auto|all|target|none", "WHAT", S,
         "Vectors that are one matrix: of both sides and the output, of target and output, none"),
    NUMBER("embed", 0, AT(embed), "512", 1, 8192, S, "Width of unit vectors"),
    NUMBER("encoder-hidden", 0, AT(encoder_hidden), "512", 2, 16384, S,
           "Hidden units of an encoder layer, both ways together"),
    NUMBER("decoder-hidden", 0, AT(decoder_hidden), "512", 1, 8192, S,
           "Hidden units of a decoder layer"),
    NUMBER("encoder-layers", 0, AT(encoder_layers), "1", 1, 16, S, "Bidirectional encoder layers"),
    NUMBER("decoder-layers", 0, AT(decoder_layers), "1", 1, 16, S, "Decoder layers"),
    SWITCH("norm", AT(norm), "false", S, "Layer normalization inside the cells"),
    SWITCH("residual", AT(residual), "true", S, "Add a layer's input to its output"),
    AMOUNT("dropout", AT(dropout), "0.35", 0, 0.95, S,
           "Dropout of vectors, layer outputs, context and output, one mask per sentence"),
    AMOUNT("recurrent-dropout", AT(recurrent_dropout), "0", 0, 0.95, S,
           "Dropout of recurrent states, one mask per sentence"),
    AMOUNT("smoothing", AT(smoothing), "0.1", 0, 0.9, S, "Label smoothing"),
    AMOUNT("r-drop", AT(r_drop), "0", 0, 1000, S,
           "Each pair is read twice under different dropout; weight of how far both guesses are "
           "apart; 0: read once"),
    AMOUNT("coverage-loss", AT(coverage_loss), "0", 0, 100, S,
           "Weight of what the attention pays for looking at the same place again"),
    /* training */
    WORD("init", 0, AT(init), NULL, NULL, "MODEL", TF,
         "Begin with this model's weights; units, sizes and wiring are its own then"),
    AMOUNT("risk", AT(risk), "0", 0, 1000, S,
           "Minimum-risk training beside the usual one: answers are drawn from the model and made "
           "more or less probable by how their sentence BLEU differs from the others' of the "
           "pair; its weight"),
    NUMBER("risk-samples", 0, AT(risk_samples), "5", 2, 1000, S, "Answers drawn for each pair"),
    WORD("metric", 0, AT(metric), "bleu", "bleu|chrf|exact|loss", "NAME", S,
         "Score on the dev data by which the best epoch is chosen"),
#define TRAIN_EPOCHS "0"
#define TRAIN_EPOCHS_LEAST 0
#define TRAIN_EPOCHS_HELP "Passes over the training data; 0: by their size, 5 to 40"
#define TRAIN_RATE "0.004"
#define TRAIN_WARMUP "800"
#define TRAIN_CLIP "1"
#define TRAIN_EMA "0.999"
#define TRAIN_KEEP "3"
#include "task/rows_train.def"
    /* decoding */
    NUMBER("beam", 0, AT(beam), "5", 1, 1000, AE, "Hypotheses kept at each step; 1: greedy"),
    NUMBER("nbest", 0, AT(nbest), "1", 1, 1000, A,
           "Answers to each line, as N ||| text ||| logp= x ||| score"),
    NUMBER(
        "mbr", 0, AT(mbr), "0", 0, 1000, AE,
        "Minimum Bayes risk: of the N best answers (in apply with --sample: drawn ones) the one that "
        "is most like all of them; 0: the best"),
    AMOUNT("length-power", AT(length_power), "1.3", 0, 10, AES,
           "Scores are divided by the length to this power"),
    AMOUNT("coverage", AT(coverage), "0", 0, 10, AE,
           "Weight of the penalty on parts of the source that nothing looked at; it is not divided by "
           "the length, so it wants a --length-power of 0.6 or less"),
    NUMBER("min-length", 0, AT(min_length), "0", 0, 100000, AE, "Least units of an answer"),
    NUMBER("max-length", 0, AT(max_length), "0", 0, 100000, AE,
           "Most units of an answer; 0: twice the source and 20"),
    NUMBER("no-repeat", 0, AT(no_repeat), "0", 0, 100, AE,
           "No sequence of N units comes twice in an answer; 0: no rule"),
    SWITCH("sample", AT(sample), "false", A, "Draw answers at random instead of searching"),
    AMOUNT("temperature", AT(temperature), "1", 0.001, 1000, A,
           "Sampling: below 1 stays nearer to the likeliest units"),
    NUMBER("top-k", 0, AT(top_k), "0", 0, 10000000, A, "Sampling: from the K best units; 0: all"),
    AMOUNT("top-p", AT(top_p), "1", 0.000001, 1, A,
           "Sampling: from the best units that together have this probability"),
    SWITCH("pretokenized", AT(pretokenized), "false", AES,
           "Input and output are units with blanks between them, as rill-tokenize writes them"),
    SWITCH("replace-unk", AT(replace_unk), "false", AE,
           "An unknown unit is replaced by what the attention points at, or its translation"),
    WORD("dictionary", 0, AT(dictionary), NULL, NULL, "FILE", AE,
         "Lines of source TAB target, for --replace-unk"),
    WORD("prefix", 0, AT(prefix), NULL, NULL, "FILE", A,
         "What each answer begins with, line by line"),
    SWITCH("align", AT(align), "false", A, "Write word alignments behind the text, as 0-0 1-2"),
    WORD("picture", 0, AT(picture), "none", "none|text|svg", "HOW", A,
         "Write where the model looked, not the answer: a drawing, or SVG in one line"),
    SWITCH("word-scores", AT(word_scores), "false", A,
           "Write each unit's log probability behind the text"),
    SWITCH("score", AT(score), "false", A,
           "Input is source TAB target; output is the log probability of the target"),
    /* eval */
    WORD("tokenize", 0, AT(tokenize), "13a", "13a|intl|char|none|zh", "HOW", EC | S,
         "Tokenization of BLEU, as sacreBLEU has it"),
    SWITCH("ignore-case", AT(ignore_case), "false", EC | S, "Lower-case both sides for BLEU"),
    WORD("compare", 0, AT(compare), NULL, NULL, "FILE", E,
         "Another system's answers, line by line: a paired test against them"),
    NUMBER("samples", 0, AT(samples), "1000", 0, 1000000, EC, "Bootstrap samples of the intervals"),
    NUMBER("max-record", 0, AT(max_record), "67108864", 1024, 1073741824.0,
           ANY, "Longest line in bytes"),
};

const option_table translate_option_table = {rows, sizeof rows / sizeof *rows,
                                             sizeof(translate_options)};

/* Small data are seen more often, in smaller batches: what counts is the number of updates. */
void translate_options_size(translate_options *o, size_t units) {
    const int64_t n = units > 0 ? (int64_t)units : 1;
    o->train.epochs = option_or(o->train.epochs, 5, 8000000 / n, 40);
    o->common.batch = option_or(o->common.batch, 256, n / 200, 1024);
}

bool translate_draws(const translate_options *o) {
    return o->picture && strcmp(o->picture, "none");
}
