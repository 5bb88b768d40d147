/* classify_data: training files read once; the lexicon built from what stands in them.
 *
 *     read     every text (and those to pretrain on, without labels) is cut into units; distinct units, n-grams and labels get numbers
 *     labels   their order by bytes, so that the order of the data makes no difference
 *     words    vocabularies of forms and affixes; then every distinct form is looked at
 *     bayes    n-gram counts by label; each text's score without itself
 */
#include "task/classify_bayes.h"
#include "task/job.h"
#include "task/store.h"

#include <stdlib.h>
#include <string.h>

typedef struct reading {
    classify_data *d;
    classify_lexicon *l;
    const classify_options *o;
    const rill_hooks *hooks;
    rill_error *error;
    classify_cutter cutter;
    tally words;   /* raw forms */
    tally grams;
    tally seen;    /* characters that codes of subword-nmt may lack */
    strmap labels; /* as they come */
    classify_grams found;
    int32_t *gram; /* ids of grams, text after text */
    int64_t *gram_start;
    size_t gram_count, gram_room, gram_start_room;
    int32_t *label; /* ids of labels, text after text */
    int64_t *label_start;
    size_t label_count, label_room, label_start_room;
    bool several; /* a text with more than one label, or none */
} reading;

void classify_data_free(classify_data *d) {
    classify_forms_free(&d->forms);
    free(d->start);
    free(d->unit);
    free(d->label);
    free(d->bayes);
    free(d->labels);
    *d = (classify_data){0};
}

labelled_options classify_labelled(const classify_options *o, bool unlabelled) {
    labelled_options out = {.text_column = o->text_col, .label_column = o->label_col,
                            .unlabelled = unlabelled, .max_record = (size_t)o->max_record};
    if (!labelled_format_find(bytes_of(o->common.input), &out.format)) out.format = LABELLED_AUTO;
    return out;
}

/* ---- reading */

static int add_units(reading *r) {
    classify_data *d = r->d;
    size_t units = r->cutter.units;
    if (r->o->max_length > 0 && units > (size_t)r->o->max_length) {
        units = (size_t)r->o->max_length;
        d->cut++;
    }
    TRY(mem_grow(&d->unit, &d->unit_room, d->units + units, sizeof *d->unit));
    for (size_t i = 0; i < units; i++) {
        TRY(tally_add(&r->words, r->cutter.unit[i].form, 1));
        d->unit[d->units + i] = strmap_find(&r->words.words, r->cutter.unit[i].form);
    }
    d->units += units;
    return 0;
}

static int add_grams(reading *r) {
    classify_grams *g = &r->found;
    TRY(classify_grams_find(g, r->l, &r->grams.words, true, r->cutter.unit, r->cutter.units));
    size_t before = r->grams.room, grams = (size_t)r->grams.words.count;
    TRY(mem_grow(&r->grams.count, &r->grams.room, grams, sizeof *r->grams.count));
    for (size_t i = before; i < r->grams.room; i++) r->grams.count[i] = 0;
    TRY(mem_grow(&r->gram, &r->gram_room, r->gram_count + g->count, sizeof *r->gram));
    for (size_t i = 0; i < g->count; i++) {
        r->grams.count[g->id[i]]++;
        r->gram[r->gram_count++] = g->id[i];
    }
    return 0;
}

static int add_labels(reading *r, const example *e) {
    if (e->labels != 1) r->several = true;
    TRY(mem_grow(&r->label, &r->label_room, r->label_count + e->labels, sizeof *r->label));
    for (size_t i = 0; i < e->labels; i++) {
        TRY(strmap_add(&r->labels, example_label(e, i), &r->label[r->label_count++]));
    }
    return 0;
}

/* A text without labels, to pretrain on. */
static int add_plain(reading *r, const example *e) {
    classify_data *d = r->d;
    TRY(classify_cut(&r->cutter, example_text(e), r->error));
    size_t need = d->texts + ++d->more + 1;
    if (add_units(r) < 0 || mem_grow(&d->start, &d->start_room, need, sizeof *d->start) < 0) {
        return status_nomem(r->error);
    }
    d->start[need - 1] = (int64_t)d->units;
    return 0;
}

static int end_text(reading *r) {
    classify_data *d = r->d;
    size_t need = ++d->texts + 1;
    TRY(mem_grow(&d->start, &d->start_room, need, sizeof *d->start));
    TRY(mem_grow(&r->gram_start, &r->gram_start_room, need, sizeof *r->gram_start));
    TRY(mem_grow(&r->label_start, &r->label_start_room, need, sizeof *r->label_start));
    d->start[0] = r->gram_start[0] = r->label_start[0] = 0;
    d->start[d->texts] = (int64_t)d->units;
    r->gram_start[d->texts] = (int64_t)r->gram_count;
    r->label_start[d->texts] = (int64_t)r->label_count;
    return d->texts > INT32_MAX ? RILL_ELIMIT : 0;
}

static int add_example(reading *r, const example *e) {
    TRY(classify_cut(&r->cutter, example_text(e), r->error));
    int status = add_units(r);
    if (status == 0) status = add_grams(r);
    if (status == 0) status = add_labels(r, e);
    if (status == 0) status = end_text(r);
    if (status == RILL_ELIMIT) {
        return status_fail(r->error, status, "more than %d texts", INT32_MAX);
    }
    return status < 0 ? status_nomem(r->error) : 0;
}

/* A text whose characters are counted. */
static int add_seen(reading *r, const example *e) {
    return subword_count_characters(example_text(e), &r->seen, r->error);
}

typedef int on_example(reading *r, const example *e);

static int each_example(reading *r, labelled *in, on_example *visit) {
    example e = {0};
    int status = 0, more;
    while (status == 0 && (more = labelled_next(in, &e, r->error)) != 0) {
        status = more < 0 ? more : visit(r, &e);
    }
    example_free(&e);
    return status;
}

static int read_plain(reading *r, const char *path) {
    labelled_options options = classify_labelled(r->o, false);
    labelled *in = NULL;
    options.format = LABELLED_AUTO; /* raw text or labelled, whatever the others are */
    TRY(labelled_open(path, &options, &in, r->error));
    int status = each_example(r, in, add_plain);
    labelled_close(in);
    if (status < 0 || r->d->more > 0) return status;
    return status_set(r->error, RILL_EDATA, path, 0, 0, "there are no texts");
}

static int read_file(reading *r, const char *path) {
    const labelled_options options = classify_labelled(r->o, false);
    labelled *in = NULL;
    size_t before = r->d->texts;
    TRY(labelled_open(path, &options, &in, r->error));
    int status = 0;
    if (labelled_format_of(in) == LABELLED_TEXT) {
        status = status_set(r->error, RILL_EDATA, path, 0, 0,
                            "found text without labels or an empty file, expected labelled texts");
    }
    if (status == 0) status = each_example(r, in, add_example);
    if (status == 0) {
        train_tell(r->hooks, RILL_EVENT_NOTE, NULL, "%s: %s, %zu texts", path,
                   labelled_format_name(labelled_format_of(in)), r->d->texts - before);
    }
    labelled_close(in);
    return status;
}

/* ---- labels */

typedef struct sorted_label {
    bytes name;
    int32_t id;
} sorted_label;

static int by_name(const void *a, const void *b) {
    return bytes_compare(((const sorted_label *)a)->name, ((const sorted_label *)b)->name);
}

/* Labels sorted; place[old] = new. */
static int sort_labels(reading *r, int32_t *place) {
    size_t K = (size_t)r->labels.count;
    sorted_label *list = mem_new(K, sizeof *list);
    if (!list) return RILL_ENOMEM;
    for (size_t k = 0; k < K; k++) {
        list[k] = (sorted_label){strmap_get(&r->labels, (int32_t)k), (int32_t)k};
    }
    qsort(list, K, sizeof *list, by_name);
    int status = 0;
    for (size_t k = 0; status == 0 && k < K; k++) {
        status = strmap_add(&r->l->labels, list[k].name, &place[list[k].id]);
    }
    free(list);
    return status;
}

static int set_labels(reading *r, const int32_t *place) {
    classify_data *d = r->d;
    size_t K = (size_t)r->l->labels.count, width = r->l->multi ? K : 1;
    d->label = mem_new(d->texts, width * sizeof *d->label);
    d->labels = mem_new(K, sizeof *d->labels);
    if (!d->label || !d->labels) return RILL_ENOMEM;
    for (size_t i = 0; i < d->texts; i++) {
        for (int64_t at = r->label_start[i]; at < r->label_start[i + 1]; at++) {
            int32_t k = place[r->label[at]];
            d->labels[k]++;
            if (r->l->multi) d->label[i * K + (size_t)k] = 1;
            else d->label[i] = k;
        }
    }
    return 0;
}

static int number_labels(reading *r) {
    size_t K = (size_t)r->labels.count;
    const char *wanted = r->o->labels;
    r->l->multi = !strcmp(wanted, "multi") || (!strcmp(wanted, "auto") && r->several);
    if (!r->l->multi && r->several) {
        return status_fail(r->error, RILL_EDATA, "some texts have no label or several; option "
                           "--labels multi allows it");
    }
    if (K < 1 || (K < 2 && !r->l->multi)) {
        return status_fail(r->error, RILL_EDATA, "found %zu labels, expected at least 2", K);
    }
    int32_t *place = mem_new(K, sizeof *place);
    int status = place ? sort_labels(r, place) : RILL_ENOMEM;
    if (status == 0) status = set_labels(r, place);
    free(place);
    return status < 0 ? status_nomem(r->error) : 0;
}

/* ---- words */

static int build_vocabs(reading *r) {
    static const bytes unknown[] = {{"<unk>", 5}};
    tally affixes = {0};
    buffer key = {0};
    int status = vocab_build(&r->l->forms, &r->words, unknown, 1, r->o->min_count, 0, r->error);
    for (int32_t i = 0; status == 0 && i < r->words.words.count; i++) {
        for (int a = 0; status == 0 && a < CLASSIFY_AFFIXES; a++) {
            classify_affix_key(a, strmap_get(&r->words.words, i), &key);
            status = buffer_status(&key, r->error);
            if (status == 0 && tally_add(&affixes, buffer_view(&key), r->words.count[i]) < 0) {
                status = status_nomem(r->error);
            }
        }
    }
    if (status == 0) {
        status = vocab_build(&r->l->affixes, &affixes, unknown, 1, r->o->min_count, 0, r->error);
    }
    tally_free(&affixes);
    buffer_free(&key);
    return status;
}

/* Raw forms were numbered in the order of the tally, so the numbers of the units stay. */
static int look_at_forms(reading *r) {
    for (int32_t i = 0; i < r->words.words.count; i++) {
        int32_t index;
        TRY(classify_forms_add(&r->d->forms, r->l, strmap_get(&r->words.words, i), &index));
    }
    return 0;
}

/* ---- naive Bayes */

/* The n-grams that are kept, most frequent first; numbers of the texts follow. */
static int keep_grams(reading *r) {
    vocab kept = {0};
    int64_t most = r->o->ngrams_limit, room = 20000000 / r->l->labels.count;
    if (most > room) most = room;
    TRY(vocab_build(&kept, &r->grams, NULL, 0, 1, (int32_t)most, r->error));
    size_t out = 0;
    for (size_t i = 0; i < r->d->texts; i++) {
        int64_t from = r->gram_start[i], to = r->gram_start[i + 1];
        r->gram_start[i] = (int64_t)out;
        for (int64_t at = from; at < to; at++) {
            int32_t id = strmap_find(&kept.words, strmap_get(&r->grams.words, r->gram[at]));
            if (id >= 0) r->gram[out++] = id;
        }
    }
    r->gram_start[r->d->texts] = (int64_t)out;
    r->l->grams = kept.words;
    kept.words = (strmap){0};
    vocab_free(&kept);
    return 0;
}

static int count_bayes(reading *r) {
    classify_data *d = r->d;
    classify_lexicon *l = r->l;
    bayes_counts counts = {0};
    size_t K = (size_t)l->labels.count;
    TRY(keep_grams(r));
    int status = classify_bayes_counts(&counts, d->label, d->texts, l->multi, (int)K,
                                       r->gram_start, r->gram, (size_t)l->grams.count, &l->grams);
    if (status == 0) status = classify_bayes_table(&counts, l, d->texts);
    d->bayes = mem_new(d->texts, K * sizeof *d->bayes);
    if (!d->bayes) status = RILL_ENOMEM;
    for (size_t i = 0; status == 0 && i < d->texts; i++) {
        const int32_t *label = d->label + i * (l->multi ? K : 1);
        size_t count = (size_t)(r->gram_start[i + 1] - r->gram_start[i]);
        status = classify_bayes_train(&counts, label, r->gram + r->gram_start[i], count,
                                      d->bayes + i * K);
    }
    classify_bayes_free(&counts);
    return status < 0 ? status_nomem(r->error) : 0;
}

/* ---- all of it */

static int open_tokenizer(reading *r) {
    classify_lexicon *l = r->l;
    l->form = store_form(r->o->normalize);
    l->chars = !strcmp(r->o->units, "char");
    l->lower = r->o->lower;
    l->order = r->o->ngrams > 0 ? (int)r->o->ngrams : 1;
    l->stems = r->o->ngrams > 0 ? (int)r->o->stems : 0;
    l->letters = r->o->ngrams > 0 ? (int)r->o->letters : 0;
    bool pieces = !strcmp(r->o->units, "subword");
    if (pieces != (r->o->subwords != NULL)) {
        return status_fail(r->error, RILL_EUSAGE, "--units subword and --subwords FILE go together");
    }
    if (pieces) TRY(subword_open(r->o->subwords, &l->subwords, r->error));
    if (r->o->rules) return tokenizer_open(r->o->rules, l->form, &l->tokenizer, r->error);
    return tokenizer_new((bytes){0}, l->form, NULL, &l->tokenizer, r->error);
}

static int count_characters(reading *r, const char *path, bool plain) {
    labelled_options options = classify_labelled(r->o, false);
    labelled *in = NULL;
    if (plain) options.format = LABELLED_AUTO;
    TRY(labelled_open(path, &options, &in, r->error));
    int status = each_example(r, in, add_seen);
    labelled_close(in);
    return status;
}

/* Codes of subword-nmt lack characters: those of all texts are added before one is cut. Which are
 * too rare to learn is the forms' business. */
static int add_characters(reading *r, const char *const *files, size_t count) {
    subword *s = r->l->subwords;
    if (!s || subword_settings(s)->format != SUBWORD_NMT) return 0;
    for (size_t i = 0; i < count; i++) TRY(count_characters(r, files[i], false));
    if (r->o->pretrain) TRY(count_characters(r, r->o->pretrain, true));
    return job_add_characters(s, r->o->subwords, &r->seen, 1, r->hooks, r->error);
}

static void tell_unknown(const reading *r) {
    int32_t id = strmap_find(&r->words.words, subword_piece(r->l->subwords, SUBWORD_UNKNOWN));
    job_tell_unknown(r->hooks, RILL_EVENT_WARNING, "", id < 0 ? 0 : (double)r->words.count[id],
                     (double)r->d->units);
}

static int read_all(reading *r, const char *const *files, size_t count) {
    TRY(open_tokenizer(r));
    TRY(add_characters(r, files, count));
    TRY(classify_cutter_new(&r->cutter, r->l, r->error));
    for (size_t i = 0; i < count; i++) TRY(read_file(r, files[i]));
    if (r->d->texts == 0) return status_fail(r->error, RILL_EDATA, "there are no texts");
    if (r->o->pretrain) TRY(read_plain(r, r->o->pretrain));
    if (r->l->subwords) tell_unknown(r);
    TRY(number_labels(r));
    TRY(build_vocabs(r));
    if (look_at_forms(r) < 0) return status_nomem(r->error);
    return count_bayes(r);
}

int classify_data_read(classify_data *d, classify_lexicon *l, const classify_options *o,
                       const char *const *files, size_t count, const rill_hooks *hooks,
                       rill_error *error) {
    reading r = {.d = d, .l = l, .o = o, .hooks = hooks, .error = error};
    int status = read_all(&r, files, count);
    classify_cutter_free(&r.cutter);
    tally_free(&r.words);
    tally_free(&r.grams);
    tally_free(&r.seen);
    strmap_free(&r.labels);
    classify_grams_free(&r.found);
    free(r.gram);
    free(r.gram_start);
    free(r.label);
    free(r.label_start);
    return status;
}
