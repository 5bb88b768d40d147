/* train_keep: see train_keep.h. */
#include "model/train_keep.h"

#include <stdlib.h>
#include <string.h>

int keep_new(keep *k, int room, size_t size) {
    *k = (keep){.room = room < KEEP_MOST ? room : KEEP_MOST, .size = size};
    for (int i = 0; i < k->room; i++) {
        k->best[i].weights = mem_new(size, sizeof(real));
        if (!k->best[i].weights) return RILL_ENOMEM;
    }
    return 0;
}

void keep_free(keep *k) {
    for (int i = 0; i < k->room; i++) free(k->best[i].weights);
    *k = (keep){0};
}

/* The slab of whoever falls out is filled anew; the others only change places. */
bool keep_offer(keep *k, const real *weights, double score, int64_t epoch) {
    int at = k->count < k->room ? k->count : k->room - 1;
    if (k->room == 0 || (k->count == k->room && !(score > k->best[at].score))) return false;
    real *slab = k->best[at].weights;
    for (; at > 0 && score > k->best[at - 1].score; at--) k->best[at] = k->best[at - 1];
    memcpy(slab, weights, k->size * sizeof *slab);
    k->best[at] = (kept){slab, score, epoch};
    k->count += k->count < k->room;
    return at == 0;
}

json_t *keep_json(const keep *k) {
    json_t *list = json_array();
    for (int i = 0; i < k->count; i++) {
        json_add(&list, json_pack("[If]", (json_int_t)k->best[i].epoch, k->best[i].score));
    }
    return list;
}

bool keep_restore(keep *k, const json_t *list) {
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > (size_t)k->room) return false;
    for (size_t i = 0; i < count; i++) {
        json_int_t epoch;
        double score;
        if (json_unpack(json_array_get(list, i), "[IF]", &epoch, &score) || epoch < 1) return false;
        k->best[i].epoch = epoch;
        k->best[i].score = score;
    }
    k->count = (int)count;
    return true;
}

void keep_mean(const keep *k, int m, real *out) {
    for (size_t w = 0; w < k->size; w++) {
        double sum = 0;
        for (int i = 0; i < m; i++) sum += (double)k->best[i].weights[w];
        out[w] = (real)(sum / m);
    }
}
