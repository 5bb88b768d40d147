/* check_text_ewt: the built-in rules against UD English-EWT dev, each "# text" line a paragraph.
 *
 * Tokens and words are compared as ranges of the text without blanks, as the CoNLL 2018 scorer
 * aligns them; F1 = 2 correct / (gold + system). (In EWT the words of a multiword token always
 * spell the token, so ranges suffice.)
 */
#include "base/io.h"
#include "check_text.h"
#include "text/token.h"

typedef struct span {
    size_t begin, end;
} span;

typedef struct spans {
    span *at;
    size_t count, room;
} spans;

typedef struct score {
    size_t gold, system, correct;
} score;

static void add_span(spans *s, size_t begin, size_t end) {
    MUST(mem_grow(&s->at, &s->room, s->count + 1, sizeof *s->at) == 0);
    s->at[s->count++] = (span){begin, end};
}

static void compare(score *total, const spans *gold, const spans *system) {
    for (size_t g = 0, s = 0; g < gold->count && s < system->count;) {
        span a = gold->at[g], b = system->at[s];
        total->correct += a.begin == b.begin && a.end == b.end;
        g += a.begin <= b.begin;
        s += b.begin <= a.begin;
    }
    total->gold += gold->count;
    total->system += system->count;
}

static double f1(const score *s) {
    return 200.0 * (double)s->correct / (double)(s->gold + s->system);
}

typedef struct bench {
    token_session *session;
    token_text text;
    buffer raw;
    spans gold_tokens, gold_words, tokens, words;
    size_t at, word_at, covered; /* end of gold tokens and words; words inside a multiword token */
    score token_score, word_score;
    size_t sentences, split;
} bench;

/* Bytes of raw[0..offset) that are no blanks. */
static size_t place(const bench *b, size_t offset) {
    size_t blanks = 0;
    for (size_t i = 0; i < offset; i++) blanks += b->raw.data[i] == ' ';
    return offset - blanks;
}

static void finish_sentence(bench *b) {
    token_text *t = &b->text;
    ck_assert_int_eq(token_words(b->session, buffer_view(&b->raw), t, NULL), 0);
    ck_assert_int_eq(token_sentences(b->session, t, NULL), 0);
    for (size_t i = 0; i < t->tokens; i++) {
        size_t begin = place(b, t->token[i].begin);
        add_span(&b->tokens, begin, place(b, t->token[i].end));
        for (int32_t w = 0; w < t->token[i].words; w++) {
            size_t size = t->word[t->token[i].word + w].size;
            add_span(&b->words, begin, begin + size);
            begin += size;
        }
    }
    compare(&b->token_score, &b->gold_tokens, &b->tokens);
    compare(&b->word_score, &b->gold_words, &b->words);
    b->sentences++;
    b->split += t->sentences > 1;
    b->gold_tokens.count = b->gold_words.count = b->tokens.count = b->words.count = 0;
    b->at = b->word_at = b->covered = 0;
}

/* A line of CoNLL-U: comment, multiword range, empty node, or word. */
static void read_row(bench *b, bytes line) {
    bytes id, form, rest = line;
    if (bytes_starts(line, BYTES("# text = "))) {
        buffer_clear(&b->raw);
        buffer_add_bytes(&b->raw, bytes_slice(line, 9, line.size));
    }
    if (line.data[0] == '#') return;
    ck_assert(bytes_split(&rest, '\t', &id) && bytes_split(&rest, '\t', &form));
    if (memchr(id.data, '.', id.size)) return;
    char text[32];
    size_t first, last;
    snprintf(text, sizeof text, "%.*s", (int)id.size, id.data);
    if (sscanf(text, "%zu-%zu", &first, &last) == 2) {
        b->covered = last - first + 1;
    } else {
        add_span(&b->gold_words, b->word_at, b->word_at + form.size);
        b->word_at += form.size;
        if (b->covered) {
            b->covered--;
            return;
        }
    }
    add_span(&b->gold_tokens, b->at, b->at + form.size);
    b->at += form.size;
}

START_TEST(test_ewt) {
    char path[4200];
    const char *data = test_data();
    if (!data) return;
    snprintf(path, sizeof path, "%s/ud-english-ewt/dev.conllu.gz", data);
    bench b = {0};
    reader *r;
    bytes line;
    tokenizer *t;
    ck_assert_int_eq(tokenizer_new((bytes){0}, UNICODE_NFC, NULL, &t, NULL), 0);
    ck_assert_int_eq(token_session_new(t, &b.session, NULL), 0);
    ck_assert_int_eq(reader_open(path, 0, &r, NULL), 0);
    while (reader_line(r, &line, NULL) > 0) {
        if (line.size) {
            read_row(&b, line);
        } else {
            finish_sentence(&b);
        }
    }
    printf("UD English-EWT dev: tokens F1 %.2f, words F1 %.2f, %zu of %zu lines split in two\n",
           f1(&b.token_score), f1(&b.word_score), b.split, b.sentences);
    ck_assert_uint_eq(b.sentences, 2001);
    ck_assert_uint_eq(b.word_score.gold, 25147);
    ck_assert_double_ge(f1(&b.token_score), 99.5);
    ck_assert_double_ge(f1(&b.word_score), 99.2);
    ck_assert_uint_lt(b.split, 20);
    reader_close(r);
    token_text_free(&b.text);
    buffer_free(&b.raw);
    free(b.gold_tokens.at), free(b.gold_words.at), free(b.tokens.at), free(b.words.at);
    token_session_free(b.session);
    tokenizer_free(t);
}
END_TEST

void add_ewt_cases(Suite *suite) {
    TCase *ewt = tcase_create("ewt");
    tcase_set_timeout(ewt, 60);
    tcase_add_test(ewt, test_ewt);
    suite_add_tcase(suite, ewt);
}
