/* bench_text: the text that the tagger's bench works on, and how much work it is. See bench.h.
 *
 * Invented words follow Zipf's law, p(rank) ~ 1/rank, by the inverse of its distribution:
 * rank = (RANKS + 1)^u. A batch of 512 words then has about 300 distinct ones, as English has.
 * Labels are functions of the rank: 17 parts of speech, 49 finer ones, 185 feature strings (and
 * <rare>) over 22 attributes.
 */
#include "bench.h"
#include "base/rng.h"
#include "data/corpus.h"
#include "text/unicode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RANKS = 10000,
    LETTERS = 6,
    UPOS = 17,
    XPOS = 49,
    FEATS = 185,
    ATTRIBUTES = 21,
    APPLY_TOKENS = 2048,
    KEPT_LETTERS = 48 /* of a longer form the tagger leaves out the middle */
};

_Noreturn void bench_fail(const char *what, const char *why) {
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

static void grow(void *array, size_t *room, size_t need, size_t size) {
    if (mem_grow(array, room, need, size) < 0) bench_fail("text", "out of memory");
}

/* ---- invented text */

/* Six letters that no other rank has. */
static void spell(int rank, char word[LETTERS + 1]) {
    uint64_t code = (uint64_t)rank * 92821 % 308915776; /* 26^6 */
    for (int i = 0; i < LETTERS; i++, code /= 26) word[i] = (char)('a' + code % 26);
    word[LETTERS] = 0;
}

static void write_word(FILE *f, int number, int rank, bool last) {
    char word[LETTERS + 1];
    int feats = rank % FEATS, one = feats % ATTRIBUTES, value = feats / ATTRIBUTES;
    spell(rank, word);
    fprintf(f, "%d\t%s\t_\tU%02d\tX%02d\tA%02d=%d", number, last ? "." : word, rank % UPOS,
            rank % XPOS, one, value % 3);
    if (value >= 3) fprintf(f, "|B=%d", value / 3);
    fputs("\t_\t_\t_\t_\n", f);
}

static void write_sentence(FILE *f, const int *rank, int length) {
    char word[LETTERS + 1];
    fputs("# text =", f);
    for (int i = 0; i < length; i++) {
        spell(rank[i], word);
        fprintf(f, i + 1 < length ? " %s" : ".", word);
    }
    fputc('\n', f);
    for (int i = 0; i < length; i++) write_word(f, i + 1, rank[i], i + 1 == length);
    fputc('\n', f);
}

void text_invent(const char *path, int words, uint64_t seed) {
    enum { LONGEST = 30 };
    rng r = rng_make(seed, 0, 0);
    FILE *f = fopen(path, "w");
    int rank[LONGEST];
    if (!f) bench_fail(path, "cannot be written");
    while (words > 0) {
        int length = 2 + (int)rng_below(&r, LONGEST / 2) + (int)rng_below(&r, LONGEST / 2);
        for (int i = 0; i + 1 < length; i++) rank[i] = (int)pow(RANKS + 1, rng_uniform(&r));
        rank[length - 1] = RANKS + 1; /* the full stop */
        write_sentence(f, rank, length);
        words -= length;
    }
    if (fclose(f)) bench_fail(path, "cannot be written");
}

/* ---- reading */

static void add_word(text *t, bytes form) {
    int32_t id, before = t->forms.count;
    if (strmap_add(&t->forms, form, &id) < 0) bench_fail("text", "out of memory");
    grow(&t->token, &t->token_room, t->tokens + 1, sizeof *t->token);
    t->token[t->tokens++] = id;
    if (id < before) return;
    size_t letters = utf8_count(form);
    grow(&t->letters, &t->letter_room, (size_t)id + 1, sizeof *t->letters);
    t->letters[id] = letters < KEPT_LETTERS ? (int32_t)letters : KEPT_LETTERS;
}

static void add_sentence(text *t, const record *r) {
    grow(&t->length, &t->length_room, t->sentences + 1, sizeof *t->length);
    grow(&t->start, &t->start_room, t->sentences + 1, sizeof *t->start);
    t->length[t->sentences] = (int32_t)r->words;
    t->start[t->sentences++] = t->tokens;
    for (size_t i = 0; i < r->words; i++) add_word(t, record_form(r, i));
}

/* Hands every sentence of a file to `take`. */
static void each_sentence(const char *path, void (*take)(void *, const record *), void *data) {
    const corpus_options options = {0};
    corpus *c = NULL;
    record r = {0};
    rill_error error = {0};
    int more = corpus_open(path, &options, &c, &error);
    if (more == 0) more = 1;
    while (more > 0 && (more = corpus_next(c, &r, &error)) > 0) {
        if (r.words > 0) take(data, &r);
    }
    if (more < 0) bench_fail(path, error.message);
    record_free(&r);
    corpus_close(c);
}

static void take_words(void *data, const record *r) {
    add_sentence(data, r);
}

static void take_raw(void *data, const record *r) {
    bytes line = record_text(r);
    FILE *f = data;
    fwrite(line.data, 1, line.size, f);
    for (size_t i = 0; line.size == 0 && i < r->words; i++) {
        bytes form = record_form(r, i);
        fwrite(form.data, 1, form.size, f);
        if (i + 1 < r->words) fputc(' ', f);
    }
    fputc('\n', f);
}

void text_read(text *t, const char *path) {
    each_sentence(path, take_words, t);
    if (t->tokens == 0) bench_fail(path, "there are no words in it");
}

void text_raw(const char *from, const char *to) {
    FILE *f = fopen(to, "w");
    if (!f) bench_fail(to, "cannot be written");
    each_sentence(from, take_raw, f);
    if (fclose(f)) bench_fail(to, "cannot be written");
}

void text_free(text *t) {
    strmap_free(&t->forms);
    free(t->letters);
    free(t->token);
    free(t->length);
    free(t->start);
    *t = (text){0};
}

/* ---- batches */

void plan_training(const text *t, batch_plan *plan) {
    if (batch_shuffle(plan, t->length, t->sentences, TRAIN_TOKENS, 1, 0) < 0) {
        bench_fail("batches", "out of memory");
    }
    if (plan->batches <= WARM_STEPS) bench_fail("text", "it is too short for the bench");
    plan->batches -= WARM_STEPS;
    memmove(plan->start, plan->start + WARM_STEPS, (plan->batches + 1) * sizeof *plan->start);
}

void plan_tagging(const text *t, batch_plan *p) {
    grow(&p->item, &p->item_room, t->sentences, sizeof *p->item);
    grow(&p->start, &p->start_room, t->sentences + 1, sizeof *p->start);
    p->items = t->sentences;
    p->start[0] = 0;
    size_t words = 0;
    for (size_t s = 0; s < t->sentences; s++) {
        p->item[s] = (int32_t)s;
        size_t length = (size_t)t->length[s];
        if (words > 0 && words + length > APPLY_TOKENS) {
            p->start[++p->batches] = (int32_t)s;
            words = 0;
        }
        words += length;
    }
    p->start[++p->batches] = (int32_t)t->sentences;
}

/* Adds one batch. stamp [forms]: the last batch that had the form, from 1 on; seen [forms]. */
static void add_work(const text *t, const batch_plan *p, size_t b, size_t *stamp, char *seen,
                     work *w) {
    for (int32_t i = p->start[b]; i < p->start[b + 1]; i++) {
        const int32_t *token = t->token + t->start[p->item[i]];
        for (int32_t k = 0; k < t->length[p->item[i]]; k++) {
            int32_t form = token[k];
            w->words++;
            if (stamp[form] == b + 1) continue;
            stamp[form] = b + 1;
            w->forms++;
            w->letters += t->letters[form];
            if (seen[form]) continue;
            seen[form] = 1;
            w->new_forms++;
            w->new_letters += t->letters[form];
        }
    }
}

work plan_work(const text *t, const batch_plan *plan, int workers) {
    size_t forms = (size_t)t->forms.count;
    size_t *stamp = mem_new(forms, sizeof *stamp);
    char *seen = mem_new(forms * (size_t)workers, 1);
    work w = {0};
    if (!stamp || !seen) bench_fail("text", "out of memory");
    for (size_t b = 0; b < plan->batches; b++) {
        add_work(t, plan, b, stamp, seen + b % (size_t)workers * forms, &w);
    }
    free(stamp);
    free(seen);
    return w;
}

/* ---- flops */

macs macs_of(const tag_net_config *c) {
    double gates = cell_gates(c->cell), H = c->hidden, C = c->char_hidden, D = c->char_dim;
    double both = 2 * gates * H; /* two directions */
    macs m = {.first = both * tag_net_inputs(c)};
    m.word = m.first + both * H + (c->layers - 1) * both * 3 * H;
    for (int i = 0; i < c->heads; i++) {
        const tag_head_shape *h = &c->head[i];
        m.word += 2 * H * (h->labels + (h->attributes > 0 ? h->group[h->attributes] : 0));
    }
    if (c->chars == TAG_CHARS_RNN) m.letter = 2 * gates * C * (D + C);
    if (c->chars == TAG_CHARS_CONV) m.letter = 3 * D * C;
    if (c->vectors > 0) m.form = (double)c->vector_dim * c->form_dim;
    return m;
}

double flops_training(const macs *m, const work *w) {
    return 6 * (w->words * m->word + w->letters * m->letter + w->forms * m->form);
}

double flops_shared(const macs *m, const work *w) {
    return 2 * (w->words * (m->word - m->first) + w->forms * m->first + w->new_letters * m->letter +
                w->new_forms * m->form);
}

double flops_forward(const macs *m, const work *w) {
    return 2 * (w->words * m->word + w->letters * m->letter + w->forms * m->form);
}

/* ---- cases for the peer */

static void write_numbers(FILE *f, const char *name, const int32_t *x, size_t n) {
    fprintf(f, "\"%s\":[", name);
    for (size_t i = 0; i < n; i++) fprintf(f, i ? ",%d" : "%d", (int)x[i]);
    fputc(']', f);
}

/* Lengths of the sentences, each word's place among the distinct forms, and those forms' letters.
 * place [forms] is -1 and becomes so again; room [forms + words]. */
static void write_case(FILE *f, const text *t, const batch_plan *p, size_t b, int32_t *place,
                       int32_t *room) {
    int32_t *length = room, *unique, *form, forms = 0, words = 0;
    size_t sentences = (size_t)(p->start[b + 1] - p->start[b]);
    const int32_t *item = p->item + p->start[b];
    for (size_t i = 0; i < sentences; i++) words += length[i] = t->length[item[i]];
    fputc('{', f);
    write_numbers(f, "lengths", length, sentences);
    unique = room, form = room + words;
    for (size_t i = 0, at = 0; i < sentences; i++) {
        for (int32_t k = 0; k < t->length[item[i]]; k++) {
            int32_t id = t->token[t->start[item[i]] + (size_t)k];
            if (place[id] < 0) form[place[id] = forms++] = id;
            unique[at++] = place[id];
        }
    }
    fputc(',', f);
    write_numbers(f, "unique", unique, (size_t)words);
    for (int32_t i = 0; i < forms; i++) {
        place[form[i]] = -1;
        form[i] = t->letters[form[i]];
    }
    fputc(',', f);
    write_numbers(f, "letters", form, (size_t)forms);
    fputc('}', f);
}

static void write_cases(FILE *f, const char *name, const text *t, const batch_plan *p) {
    size_t forms = (size_t)t->forms.count;
    int32_t *place = mem_new(forms, sizeof *place);
    int32_t *room = mem_new(2 * t->tokens, sizeof *room);
    if (!place || !room) bench_fail("cases", "out of memory");
    for (size_t i = 0; i < forms; i++) place[i] = -1;
    fprintf(f, ",\n\"%s\":[", name);
    for (size_t b = 0; b < p->batches; b++) {
        fputs(b ? ",\n" : "\n", f);
        write_case(f, t, p, b, place, room);
    }
    fputs("]", f);
    free(place);
    free(room);
}

static void write_net(FILE *f, const tag_net_config *c) {
    fprintf(f, "{\"lstm\":%d,\"chars\":%d,\"norm\":%d,\"residual\":%d,", c->cell == CELL_LSTM,
            c->chars == TAG_CHARS_RNN, c->norm, c->residual);
    fprintf(f, "\"form_dim\":%d,\"char_dim\":%d,\"char_hidden\":%d,\"affix_dim\":%d,", c->form_dim,
            c->char_dim, c->char_hidden, c->affix_dim);
    fprintf(f, "\"hidden\":%d,\"layers\":%d,\"dropout\":%g,", c->hidden, c->layers, c->dropout);
    fprintf(f, "\"forms\":%d,\"letters\":%d,\"affixes\":%d,", c->forms, c->letters, c->affixes);
    fprintf(f, "\"vectors\":%d,\"vector_dim\":%d,\"heads\":[", c->vectors, c->vector_dim);
    for (int i = 0; i < c->heads; i++) {
        const tag_head_shape *h = &c->head[i];
        const int32_t none = 0, *group = h->attributes > 0 ? h->group : &none;
        fprintf(f, "%s{\"labels\":%d,", i ? "," : "", h->labels);
        write_numbers(f, "groups", group, (size_t)h->attributes + 1);
        fputc('}', f);
    }
    fputs("]", f);
}

void cases_write(const char *path, const tag_net_config *c, const text *train,
                 const batch_plan *training, const text *tag, const batch_plan *tagging) {
    FILE *f = fopen(path, "w");
    if (!f) bench_fail(path, "cannot be written");
    write_net(f, c);
    if (training) write_cases(f, "train", train, training);
    write_cases(f, "tag", tag, tagging);
    fputs("}\n", f);
    if (fclose(f)) bench_fail(path, "cannot be written");
}
