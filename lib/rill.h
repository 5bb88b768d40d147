/* rill: sequence-to-sequence text modeling with recurrent networks.
 *
 * The one public header of librill. It includes nothing of rill's own, and every floor of the
 * library may include it for the error codes.
 */
#ifndef RILL_H
#define RILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What can go wrong. Functions return 0 (or a count) on success, one of these otherwise. */
enum {
    RILL_OK = 0,
    RILL_ENOMEM = -1,       /* out of memory */
    RILL_EIO = -2,          /* a file could not be read or written */
    RILL_EDATA = -3,        /* input data are not as they should be */
    RILL_EUSAGE = -4,       /* an option or argument is wrong */
    RILL_EMODEL = -5,       /* a model file is damaged, foreign, or of another task */
    RILL_EDIVERGED = -6,    /* training ran into NaN or infinity */
    RILL_EINTERRUPTED = -7, /* stopped on request */
    RILL_ELIMIT = -8        /* larger than a stated limit */
};

/* Where and why a call failed; only a failure writes it. Where a function takes one, it may be NULL. */
typedef struct rill_error {
    int code;           /* one of RILL_E... */
    size_t line;        /* 1-based, 0 when unknown */
    size_t column;      /* 1-based byte column, 0 when unknown */
    char file[256];     /* empty when no file is concerned */
    char message[768];  /* one sentence, no final newline; in both texts '?' stands for a control
                         * character */
} rill_error;

/* Marks what the shared library exports. */
#ifdef RILL_BUILD
#define RILL_API __attribute__((visibility("default")))
#else
#define RILL_API
#endif
#define RILL_MUST_USE __attribute__((warn_unused_result))

/* Name of an error code: "out of memory", "damaged model", ... */
RILL_API const char *rill_strerror(int code);
/* Version of the library, "0.1.0". */
RILL_API const char *rill_version(void);
/* Releases a text that the library returned through `char **`. NULL is fine. */
RILL_API void rill_free(char *text);

/* ---- options
 *
 * Each task ("tag") has one table of options. The command line, config files, --help, man pages and
 * the configuration stored in a model all come from it. */

typedef enum rill_verb {
    RILL_TRAIN = 1, RILL_APPLY = 2, RILL_EVAL = 4, RILL_CHECK = 8, RILL_COMPARE = 16, RILL_SCORE = 32
} rill_verb;

/* Bits of `verbs` in the tables of "tokenize" and "vocab", which are no tasks but have options too. */
enum { RILL_TOKENIZE_LEARN = 1, RILL_TOKENIZE_APPLY = 2, RILL_TOKENIZE_UNDO = 4 };
enum {
    RILL_VOCAB_BUILD = 1,
    RILL_VOCAB_STATS = 2,
    RILL_VOCAB_COVERAGE = 4,
    RILL_VOCAB_MERGE = 8,
    RILL_VOCAB_PRUNE = 16,
    RILL_VOCAB_CONVERT = 32
};

typedef enum rill_option_type {
    RILL_FLAG, RILL_INT, RILL_REAL, RILL_TEXT,
    RILL_LIST /* may be given several times */
} rill_option_type;

typedef struct rill_option {
    const char *name;     /* long name, kebab-case */
    char letter;          /* short name or 0 */
    rill_option_type type;
    const char *fallback; /* default as text, NULL when unset */
    double low, high;     /* range of numbers, inclusive */
    const char *choices;  /* "a|b|c" or NULL */
    const char *argument; /* name of the argument in help, NULL for flags */
    unsigned verbs;       /* RILL_TRAIN | ... */
    const char *help;     /* one sentence */
} rill_option;

/* Row `index` of the task's table; false past the end or for an unknown task. */
RILL_API bool rill_option_at(const char *task, size_t index, rill_option *out);

typedef struct rill_options rill_options;
RILL_API RILL_MUST_USE int rill_options_new(const char *task, rill_options **out, rill_error *error);
RILL_API void rill_options_free(rill_options *options);
/* Sets an option from text; a list option appends. Flags take true or false. */
RILL_API RILL_MUST_USE int rill_options_set(rill_options *options, const char *name,
                                            const char *value, rill_error *error);
/* Reads `name = value` lines; one that begins with # is a comment. */
RILL_API RILL_MUST_USE int rill_options_read(rill_options *options, const char *path,
                                             rill_error *error);
/* The value as text (caller releases with rill_free), NULL when unset. Those of log and with mean
 * something to the tools alone: a program has the events of rill_hooks, and hands over its models. */
RILL_API char *rill_options_get(const rill_options *options, const char *name);

/* ---- what a long call tells while it runs */

typedef enum rill_event_kind {
    RILL_EVENT_NOTE,     /* a line worth knowing: sizes, formats found, estimates */
    RILL_EVENT_WARNING,  /* something about the data or the machine */
    RILL_EVENT_PROGRESS, /* frequent; text is a short status line that replaces the one before */
    RILL_EVENT_EPOCH,    /* an epoch ended: loss, scores, rate */
    RILL_EVENT_DONE      /* last one */
} rill_event_kind;

typedef struct rill_event {
    rill_event_kind kind;
    const char *text; /* for people, no final newline */
    const char *json; /* the same as one JSON object; NULL: progress, or out of memory */
} rill_event;

typedef struct rill_hooks {
    void *data;
    void (*event)(void *data, const rill_event *event); /* may be NULL */
    bool (*stop)(void *data);                           /* asked between updates; may be NULL */
} rill_hooks;

/* ---- jobs
 *
 * Paths of texts: "-" is standard input or output, .gz is read and written anywhere. Models are plain
 * files. Where a function takes hooks, they may be NULL; other pointers may not, but for a list of none. */

/* Trains a model of `task` on files (options model, dev, ...). Stopped through the hook it writes a
 * checkpoint and returns RILL_EINTERRUPTED. With option resume, files may be empty: paths, data and
 * options come from the checkpoint. One that does not stand beside the model it names (as
 * MODEL.ckpt) is refused without option force, for that model is what will be written. */
RILL_API RILL_MUST_USE int rill_train(const char *task, const rill_options *options,
                                      const char *const *files, size_t count,
                                      const rill_hooks *hooks, rill_error *error);

/* Looks over data files before training; *report is text or (option json) one JSON object, *faults
 * counts what would hurt. */
RILL_API RILL_MUST_USE int rill_check(const char *task, const rill_options *options,
                                      const char *const *files, size_t count, char **report,
                                      size_t *faults, rill_error *error);

/* Scores systems' answers, as they stand in files[1..], against the references in files[0], line by
 * line, and tests each against the first. For tasks that answer with text ("translate"). */
RILL_API RILL_MUST_USE int rill_compare(const char *task, const rill_options *options,
                                        const char *const *files, size_t count, char **report,
                                        rill_error *error);

/* A trained model: immutable, shared between threads. */
typedef struct rill_model rill_model;
RILL_API RILL_MUST_USE int rill_model_open(const char *path, rill_model **out, rill_error *error);
RILL_API void rill_model_free(rill_model *model);
RILL_API const char *rill_model_task(const rill_model *model);

/* What stands in a model file or checkpoint, as text or JSON; opens and checks it in full. */
RILL_API RILL_MUST_USE int rill_model_info(const char *path, bool json, char **report,
                                           rill_error *error);

/* Here and below, what stands at a path that is written is replaced; rill_train and rill_vocab_run ask
 * for option force first.
 *
 * Writes the mean of models that hold the same tensors: of the weights of several trainings, or of one
 * training's late states. Everything must be equal but
 * the weights and what tells of training alone. */
RILL_API RILL_MUST_USE int rill_model_average(const char *const *paths, size_t count,
                                              const char *out, rill_error *error);

/* Draws a training log (the JSON of its events, a line each) as an SVG learning curve. */
RILL_API RILL_MUST_USE int rill_plot_log(const char *log_path, const char *svg_path,
                                         rill_error *error);

/* Scores one model, or several as an ensemble, on files with gold answers. Stopped through the hook it
 * returns RILL_EINTERRUPTED, and no report. */
RILL_API RILL_MUST_USE int rill_eval(const rill_model *const *models, size_t model_count,
                                     const rill_options *options, const char *const *files,
                                     size_t count, const rill_hooks *hooks, char **report,
                                     rill_error *error);

/* Streams descriptor `in` through the model(s) to `out`: records in order, bounded memory, several
 * threads (option threads); what is finished is flushed whenever no input is waiting. `name` stands
 * for the input in messages. Where option input is auto, a note tells what was found if not text. */
RILL_API RILL_MUST_USE int rill_filter(const rill_model *const *models, size_t model_count,
                                       const rill_options *options, int in, const char *name,
                                       int out, const rill_hooks *hooks, rill_error *error);

/* Several inputs as pieces of one stream: what counts lines (numbers of answers, prefixes) goes on from one
 * to the next. Models and options outlive it; options may be set between the inputs. rill_filter is such
 * a stream of one input. */
typedef struct rill_stream rill_stream;
RILL_API RILL_MUST_USE int rill_stream_new(const rill_model *const *models, size_t model_count,
                                           const rill_options *options, rill_stream **out,
                                           rill_error *error);
RILL_API RILL_MUST_USE int rill_stream_filter(rill_stream *stream, int in, const char *name, int out,
                                              const rill_hooks *hooks, rill_error *error);
/* After the last input: fails where something should have ended with it. */
RILL_API RILL_MUST_USE int rill_stream_end(rill_stream *stream, rill_error *error);
RILL_API void rill_stream_free(rill_stream *stream);

/* One text at a time, for programs: a session belongs to one thread. */
typedef struct rill_session rill_session;
RILL_API RILL_MUST_USE int rill_session_new(const rill_model *const *models, size_t model_count,
                                            const rill_options *options, rill_session **out,
                                            rill_error *error);
RILL_API void rill_session_free(rill_session *session);
/* Input in the format of option input (default: raw text), output as rill_filter would write it;
 * *answer is owned by the session and lives until its next call. */
RILL_API RILL_MUST_USE int rill_session_apply(rill_session *session, const char *text, size_t size,
                                              const char **answer, size_t *answer_size,
                                              rill_error *error);

/* ---- subword units (options of "tokenize")
 *
 * Units between characters and words, learnt from text; text that they are applied to can be brought
 * back to the byte. Immutable, shared between threads. */
typedef struct rill_tokenizer rill_tokenizer;
/* Learns from all files together (none: standard input); notes say what was reached. Without
 * any text it is RILL_EDATA; an output that could not be written is told before the work. */
RILL_API RILL_MUST_USE int rill_tokenizer_learn(const rill_options *options,
                                                const char *const *files, size_t count,
                                                const rill_hooks *hooks, rill_tokenizer **out,
                                                rill_error *error);
/* Codes of rill or of subword-nmt; of the latter, characters that no merge names are unknown and
 * blanks between words come back as one. */
RILL_API RILL_MUST_USE int rill_tokenizer_open(const char *path, rill_tokenizer **out,
                                               rill_error *error);
RILL_API void rill_tokenizer_free(rill_tokenizer *tokenizer);
RILL_API RILL_MUST_USE int rill_tokenizer_save(const rill_tokenizer *tokenizer, const char *path,
                                               rill_error *error);
/* Number of ids. */
RILL_API int rill_tokenizer_size(const rill_tokenizer *tokenizer);
/* Streams text to units (option output: units, ids, json), or with `undo` units to text (option
 * input: units, ids); a line for each line, otherwise as rill_filter. */
RILL_API RILL_MUST_USE int rill_tokenizer_filter(const rill_tokenizer *tokenizer,
                                                 const rill_options *options, bool undo, int in,
                                                 const char *name, int out,
                                                 const rill_hooks *hooks, rill_error *error);

/* ---- vocabularies (options of "vocab") */

/* Runs a verb (RILL_VOCAB_BUILD, ...) on text files or vocabularies; what is made goes to option
 * output, *report says what there is to say. */
RILL_API RILL_MUST_USE int rill_vocab_run(unsigned verb, const rill_options *options,
                                          const char *const *files, size_t count, char **report,
                                          rill_error *error);

/* Writes the model at `path` to `out` with other rows: the words of the vocabulary file `words` stay,
 * others go; with `add` those that the model does not know get rows too, equal to that of the unknown
 * word. `table` names the vocabulary, NULL the first one of the task. */
RILL_API RILL_MUST_USE int rill_model_prune(const char *path, const char *words, const char *table,
                                            bool add, const char *out, bool json, char **report,
                                            rill_error *error);

#endif
