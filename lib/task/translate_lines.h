/* translate_lines: raw lines in, answers as text out: what apply, eval and validation share.
 *
 *     line -> units with their byte ranges -> ids -> translate_session -> answers -> text
 *
 * A worker belongs to one thread. Lines of a call are searched together; which stand together makes no
 * difference to any answer.
 */
#ifndef RILL_TASK_TRANSLATE_LINES_H
#define RILL_TASK_TRANSLATE_LINES_H

#include "base/pool.h"
#include "model/train.h"
#include "task/translate.h"
#include "task/translate_dictionary.h"

typedef struct translate_line {
    bytes source;
    bytes target;  /* what is to be scored, or what the answer begins with */
    uint64_t name; /* number of the line, for sampling */
} translate_line;

/* What all workers share. */
typedef struct translate_run {
    const translate_lexicon *lexicon;
    const translate_options *o;
    const translate_net *net;       /* packed weights in training, or NULL: */
    translate_model *const *models; /* [count] */
    size_t count;
    const translate_dictionary *dictionary; /* --dictionary, or NULL */
    /* for translate_answer_all */
    int64_t batch;           /* translate_portion */
    const rill_hooks *hooks; /* told how far it is, asked whether to go on; or NULL */
} translate_run;

typedef struct translate_worker translate_worker;
MUST_USE int translate_worker_new(const translate_run *run, translate_worker **out,
                                  rill_error *error);
void translate_worker_free(translate_worker *w);

/* Units that a line has, at most, to share out work before it is cut into units. */
size_t translate_cost(bytes line);

enum { TRANSLATE_PORTION = 1024 };
/* Units that are searched together: `batch`, or for 0 as many as keep the memory of a usual beam. */
size_t translate_portion(const translate_options *o, int64_t batch);

/* Searches for answers to `count` lines. On a fault in line i, *faulty is i. */
MUST_USE int translate_worker_run(translate_worker *w, const translate_line *line, size_t count,
                                  size_t *faulty, rill_error *error);
/* Answers to line i of the last run; none for a blank line, nor where rules (no-repeat, lengths) leave none. */
const search_result *translate_worker_result(const translate_worker *w, size_t i);
bool translate_worker_blank(const translate_worker *w, size_t i);
/* Appends an answer's text: one line, without its end. */
void translate_worker_text(translate_worker *w, size_t i, const search_answer *a, buffer *out);
/* Appends what a unit looks like in the answer: as rill-tokenize writes it. */
void translate_worker_unit(translate_worker *w, int32_t id, buffer *out);
/* Appends word alignments, "0-0 1-2": source word, target word. Words are what stands between blanks, or
 * units where these come in as such. RILL_ENOMEM. */
MUST_USE int translate_worker_alignment(translate_worker *w, size_t i, const search_answer *a,
                                        buffer *out);

/* Appends a picture of the answer's attention, units of the source against units of the target, both
 * with their end: as text in lines, or as SVG in one. */
MUST_USE int translate_worker_picture(translate_worker *w, size_t i, const search_answer *a,
                                      buffer *out);

/* Log probabilities of the targets of lines; where the source is blank there is none, and 0 units. */
typedef struct translate_scored {
    double logp, score;
    int32_t units; /* of the target, its end counted */
} translate_scored;
MUST_USE int translate_worker_score(translate_worker *w, const translate_line *line, size_t count,
                                    translate_scored *out, size_t *faulty, rill_error *error);

#endif
