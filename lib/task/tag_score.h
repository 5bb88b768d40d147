/* tag_score: gold and given labels of a corpus side by side, as plain arrays to count on.
 *
 *     files -> records -> batches of sentences -> session -> labels beside the gold ones
 *
 * The dev scores of training and the eval verb both start from here.
 */
#ifndef RILL_TASK_TAG_SCORE_H
#define RILL_TASK_TAG_SCORE_H

#include "model/metric.h"
#include "task/tag.h"

/* One column. Labels are numbered over gold, given and baseline labels together. */
typedef struct tag_scored {
    const tag_column *column;
    strmap labels;
    int32_t *gold, *given, *baseline; /* [words] */
    size_t gold_room, given_room, baseline_room;
    metric_entities entities, baseline_entities; /* entity columns only */
    metric_ratio *entity_part;                   /* [sentences] share of F1 */
    size_t entity_room;
} tag_scored;

/* Zeroed is empty. */
typedef struct tag_scores {
    const rill_hooks *hooks; /* told how far it is, asked whether to go on; or NULL */
    const tag_lexicon *lexicon;
    tag_scored column[TAG_HEADS];
    int columns;
    bool *known; /* [words] the lower-cased form is in the vocabulary */
    size_t known_room;
    int32_t *start; /* [sentences + 1] */
    size_t start_room;
    size_t words, sentences;
    size_t place[TAG_HEADS]; /* index of each column in the open corpus */
    tag_forms forms;
    arena memory;
} tag_scores;

/* Tags a file and adds its words. usual: names of the columns where the options have none, or NULL.
 */
MUST_USE int tag_scores_add(tag_scores *t, tag_session *s, const tag_options *o, const char *usual,
                            const char *path, rill_error *error);
/* Right answers of a column, of all words. */
metric_ratio tag_scores_right(const tag_scored *c, const int32_t *labels, size_t words);
void tag_scores_free(tag_scores *t);

#endif
