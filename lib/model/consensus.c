/* consensus: see consensus.h. */
#include "model/consensus.h"

#include <math.h>

int consensus_bleu(bleu *b, const int32_t *system, int length, const int32_t *reference,
                   int reference_length, double *out) {
    static const bleu_options options = {.smoothing = BLEU_ADD, .value = 1};
    bleu_stats stats;
    TRY(bleu_count_ids(b, system, (size_t)length, reference, (size_t)reference_length, &stats));
    *out = bleu_score(&stats, &options).score / 100;
    return 0;
}

/* The better half of an insertion sort: answers are few. */
static void put(search_answer *list, int count, const search_answer *answer) {
    int at = count;
    for (; at > 0 && answer->score > list[at - 1].score; at--) list[at] = list[at - 1];
    list[at] = *answer;
}

/* Weights of the answers, not yet shares of 1: that makes no difference to their order. Answers
 * that a search found weigh as it ranks them, their log probability being that of answers as long
 * as the best: by plain probabilities short answers would outweigh all others. */
static int weigh(const search_result *r, bool drawn, arena *a, double **out) {
    double *weight = arena_alloc(a, (size_t)r->count, sizeof *weight);
    const search_answer *best = r->answer;
    if (!weight) return RILL_ENOMEM;
    for (int i = 1; i < r->count; i++) {
        if (r->answer[i].score > best->score) best = &r->answer[i];
    }
    const double scale = best->score < 0 ? best->logp / best->score : 1;
    for (int i = 0; i < r->count; i++) {
        weight[i] = drawn ? 1 : exp(scale * (r->answer[i].score - best->score));
    }
    *out = weight;
    return 0;
}

int consensus_sort(bleu *b, bool drawn, arena *a, search_result *r) {
    if (r->count == 0) return 0;
    search_answer *sorted = arena_alloc(a, (size_t)r->count, sizeof *sorted);
    double *weight, all = 0;
    if (!sorted) return RILL_ENOMEM;
    TRY(weigh(r, drawn, a, &weight));
    for (int i = 0; i < r->count; i++) all += weight[i];
    for (int i = 0; i < r->count; i++) {
        search_answer answer = r->answer[i];
        answer.score = 0;
        for (int k = 0; k < r->count; k++) {
            const search_answer *other = &r->answer[k];
            double like;
            TRY(consensus_bleu(b, answer.word, answer.length, other->word, other->length, &like));
            answer.score += weight[k] * like;
        }
        answer.score = fmin(answer.score / all, 1);
        put(sorted, i, &answer);
    }
    r->answer = sorted;
    return 0;
}
