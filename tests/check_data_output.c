/* check_data_output: sentences written in every format and read back; entity schemes. */
#include "check_data.h"
#include "data/output.h"
#include "data/scheme.h"

/* ---- output */

/* "I don't." with a multiword token, two columns and probabilities. */
static const bytes forms[] = {TEXT("I"), TEXT("do"), TEXT("n't"), TEXT(".")};
static const bytes upos[] = {TEXT("PRON"), TEXT("AUX"), TEXT("PART"), TEXT("PUNCT")};
static const bytes ner[] = {TEXT("O"), TEXT("O"), TEXT("a|b c"), TEXT("")};
static const float sure[] = {1.0f, 0.5f, 0.99996f, 0.0f};
static const output_token tokens[] = {
    {TEXT("I"), 1, 0, 1, true}, {TEXT("don't"), 2, 2, 7, false}, {TEXT("."), 1, 7, 8, true}};
static const output_column columns[] = {{TEXT("upos"), upos, NULL}, {TEXT("ner"), ner, sure}};
static const output_sentence sample = {.id = TEXT("s1"),
                                       .text = TEXT("I don't."),
                                       .new_document = true,
                                       .new_paragraph = true,
                                       .token = tokens,
                                       .tokens = 3,
                                       .form = forms,
                                       .words = 4,
                                       .column = columns,
                                       .columns = 2};

static void check_output(output_format format, const output_sentence *s, const char *wanted) {
    buffer out = {0};
    output_write(format, s, &out);
    assert_text(buffer_view(&out), wanted);
    buffer_free(&out);
}

START_TEST(writes_conllu) {
    check_output(OUTPUT_CONLLU, &sample,
                 "# newdoc\n# newpar\n# sent_id = s1\n# text = I don't.\n"
                 "1\tI\t_\tPRON\t_\t_\t_\t_\t_\tTokenRange=0:1|Ner=O|NerProb=1.0000\n"
                 "2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No|TokenRange=2:7\n"
                 "2\tdo\t_\tAUX\t_\t_\t_\t_\t_\tNer=O|NerProb=0.5000\n"
                 "3\tn't\t_\tPART\t_\t_\t_\t_\t_\tNer=a\\pb\\sc|NerProb=1.0000\n"
                 "4\t.\t_\tPUNCT\t_\t_\t_\t_\t_\tTokenRange=7:8|Ner=|NerProb=0.0000\n\n");
}
END_TEST

START_TEST(writes_plain_formats) {
    output_sentence s = sample;
    check_output(OUTPUT_VERTICAL, &s,
                 "I\tPRON\tO\t1.0000\ndo\tAUX\tO\t0.5000\nn't\tPART\ta|b c\t1.0000\n"
                 ".\tPUNCT\t_\t0.0000\n\n");
    s.columns = 1;
    check_output(OUTPUT_HORIZONTAL, &s, "I_PRON do_AUX n't_PART ._PUNCT\n");
    s.columns = 0;
    check_output(OUTPUT_HORIZONTAL, &s, "I do n't .\n");
}
END_TEST

START_TEST(writes_json) {
    output_sentence s = sample;
    s.rank = 2;
    s.probability = 0.25;
    check_output(OUTPUT_JSON, &s,
                 "{\"id\":\"s1\",\"text\":\"I don't.\",\"rank\":2,\"probability\":0.250000,"
                 "\"words\":[{\"form\":\"I\",\"upos\":\"PRON\",\"ner\":\"O\",\"ner_prob\":1.0000,"
                 "\"begin\":0,\"end\":1},"
                 "{\"form\":\"do\",\"upos\":\"AUX\",\"ner\":\"O\",\"ner_prob\":0.5000,"
                 "\"token\":\"don't\",\"begin\":2,\"end\":7},"
                 "{\"form\":\"n't\",\"upos\":\"PART\",\"ner\":\"a|b c\",\"ner_prob\":1.0000,"
                 "\"token\":\"don't\",\"begin\":2,\"end\":7},"
                 "{\"form\":\".\",\"upos\":\"PUNCT\",\"ner\":null,\"ner_prob\":0.0000,"
                 "\"begin\":7,\"end\":8}]}\n");
    check_output(OUTPUT_JSON, &(output_sentence){0}, "{\"words\":[]}\n");
}
END_TEST

/* What a format can't hold is replaced, so the lines stay whole. */
START_TEST(keeps_lines_whole) {
    const bytes form[] = {TEXT("a\tb\nc d")}, value[] = {TEXT("X\rY")};
    const output_token token = {TEXT(""), 1, 0, 0, true};
    const output_column column = {TEXT("xpos"), value, NULL};
    output_sentence s = {.text = TEXT("x\ny"),
                         .token = &token,
                         .tokens = 1,
                         .form = form,
                         .words = 1,
                         .column = &column,
                         .columns = 1};
    check_output(OUTPUT_CONLLU, &s, "# text = x y\n1\ta b c d\t_\t_\tX Y\t_\t_\t_\t_\t_\n\n");
    check_output(OUTPUT_VERTICAL, &s, "a b c d\tX Y\n\n");
    check_output(OUTPUT_HORIZONTAL, &s, "a_b_c_d_X_Y\n");
    s = (output_sentence){.rank = 1, .probability = 0.0 / 0.0};
    check_output(OUTPUT_CONLLU, &s, "# rank = 1\n# probability = 0.000000\n\n");
}
END_TEST

START_TEST(reads_back_what_it_wrote) {
    buffer out = {0}, again = {0};
    output_sentence s = sample;
    record r = {0};
    arena a = {0};
    corpus *c;
    s.columns = 0;
    s.new_document = s.new_paragraph = false;
    output_token plain[3];
    memcpy(plain, tokens, sizeof plain);
    for (int i = 0; i < 3; i++) plain[i].begin = plain[i].end = 0;
    s.token = plain;
    output_write(OUTPUT_CONLLU, &s, &out);
    ck_assert_int_eq(corpus_open_bytes(buffer_view(&out), "f", NULL, &c, NULL), 0);
    ck_assert_int_eq(corpus_next(c, &r, NULL), 1);
    ck_assert_int_eq(output_from_record(&r, &a, &s), 0);
    output_write(OUTPUT_CONLLU, &s, &again);
    ck_assert(bytes_equal(buffer_view(&out), buffer_view(&again)));
    corpus_close(c);
    record_free(&r);
    arena_free(&a);
    buffer_free(&out);
    buffer_free(&again);
}
END_TEST

START_TEST(knows_output_names) {
    output_format format;
    for (int i = OUTPUT_CONLLU; i <= OUTPUT_JSON; i++) {
        ck_assert(output_format_find(bytes_of(output_format_name((output_format)i)), &format));
        ck_assert_int_eq(format, i);
    }
    ck_assert(!output_format_find(TEXT("text"), &format));
}
END_TEST

TCase *output_cases(void) {
    TCase *t = tcase_create("output");
    tcase_add_test(t, writes_conllu);
    tcase_add_test(t, writes_plain_formats);
    tcase_add_test(t, writes_json);
    tcase_add_test(t, keeps_lines_whole);
    tcase_add_test(t, reads_back_what_it_wrote);
    tcase_add_test(t, knows_output_names);
    return t;
}

/* ---- schemes */

enum { MOST = 16 };

/* Blank separated labels as views. */
static size_t split(const char *text, bytes *labels) {
    bytes rest = bytes_of(text);
    size_t count = 0;
    while (rest.size && bytes_split(&rest, ' ', labels + count)) count++;
    return count;
}

static const struct {
    const char *bio, *iob1, *bioes, *spans;
} same[] = {
    {"O O", "O O", "O O", ""},
    {"B-P I-P O", "I-P I-P O", "B-P E-P O", "0-2P"},
    {"B-P B-P", "I-P B-P", "S-P S-P", "0-1P 1-2P"},
    {"B-P B-L I-L", "I-P I-L I-L", "S-P B-L E-L", "0-1P 1-3L"},
    {"B-P I-P I-P B-P", "I-P I-P I-P B-P", "B-P I-P E-P S-P", "0-3P 3-4P"},
    {"O B-a-b", "O I-a-b", "O S-a-b", "1-2a-b"},
    {"", "", "", ""},
};

static void check_convert(const char *from, scheme to, const char *wanted) {
    bytes labels[MOST], expected[MOST];
    buffer text = {0};
    size_t count = split(from, labels);
    ck_assert_uint_eq(split(wanted, expected), count);
    ck_assert_int_eq(scheme_convert(to, labels, count, &text), 0);
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(bytes_equal(labels[i], expected[i]), "%s to %s: found %.*s", from,
                      scheme_name(to), (int)labels[i].size, labels[i].data);
    }
    buffer_free(&text);
}

START_TEST(converts_schemes) {
    const char *row[] = {same[_i].bio, same[_i].iob1, same[_i].bioes};
    for (int from = 0; from < 3; from++) {
        for (int to = 0; to < 3; to++) check_convert(row[from], (scheme)(SCHEME_BIO + to), row[to]);
    }
    for (int s = 0; s < 3; s++) {
        bytes labels[MOST];
        size_t at, count = split(row[s], labels);
        ck_assert(!scheme_fault((scheme)(SCHEME_BIO + s), labels, count, &at));
    }
}
END_TEST

static void spans_text(const char *text, buffer *out) {
    bytes labels[MOST];
    scheme_span span[MOST];
    size_t count = split(text, labels), spans = scheme_spans(labels, count, span);
    buffer_clear(out);
    buffer_add_text(out, "");
    for (size_t i = 0; i < spans; i++) {
        buffer_printf(out, "%s%zu-%zu%.*s", i ? " " : "", span[i].begin, span[i].end,
                      (int)span[i].type.size, span[i].type.data);
    }
}

START_TEST(decodes_spans) {
    /* Illegal sequences as conlleval reads them. */
    static const struct {
        const char *labels, *spans;
    } odd[] = {
        {"I-P I-L", "0-1P 1-2L"}, {"B-P E-P E-P", "0-2P 2-3P"},      {"E-P I-P", "0-1P 1-2P"},
        {"S-P I-P", "0-1P 1-2P"}, {"B-P I-L E-P", "0-1P 1-2L 2-3P"}, {"X B-P", "1-2P"},
    };
    buffer out = {0};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        spans_text(same[i].bio, &out);
        assert_text(buffer_view(&out), same[i].spans);
        spans_text(same[i].iob1, &out);
        assert_text(buffer_view(&out), same[i].spans);
        spans_text(same[i].bioes, &out);
        assert_text(buffer_view(&out), same[i].spans);
    }
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        spans_text(odd[i].labels, &out);
        assert_text(buffer_view(&out), odd[i].spans);
    }
    buffer_free(&out);
}
END_TEST

START_TEST(detects_schemes) {
    static const struct {
        const char *labels, *name;
    } row[] = {
        {"O B-P I-P", "bio"},  {"O I-P I-P", "iob1"},      {"I-P B-P O", "iob1"},
        {"O O", "bio"},        {"B-P E-P", "bioes"},       {"S-P", "bioes"},
        {"O B-P X", "none"},   {"NOUN VERB", "none"},      {"", "none"},
        {"B- O", "none"},      {"B-P I-P B-L I-P", "bio"}, {"I-P O I-P I-L B-L", "iob1"},
        {"-LRB- B-P", "none"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        bytes labels[MOST];
        scheme_survey survey = {0};
        scheme_look(&survey, labels, split(row[i].labels, labels));
        ck_assert_str_eq(scheme_name(scheme_verdict(&survey)), row[i].name);
    }
}
END_TEST

/* Every pair of labels by definition: legal if and only if some legal sequence holds it. The legal
 * sequences are those that a conversion from spans makes. */
START_TEST(allows_what_spans_make) {
    static const char *const all[] = {"",    "O",   "B-P", "I-P", "E-P",
                                      "S-P", "B-L", "I-L", "E-L", "S-L"};
    enum { LABELS = sizeof all / sizeof *all, LENGTH = 5 };
    for (int s = SCHEME_BIO; s <= SCHEME_BIOES; s++) {
        bool seen[LABELS][LABELS] = {{false}};
        buffer text = {0};
        for (int code = 0; code < 3125; code++) { /* 5 labels of BIO to the power of 5 */
            static const int bio[] = {1, 2, 3, 6, 7};
            bytes labels[LENGTH];
            size_t at;
            for (int i = 0, rest = code; i < LENGTH; i++, rest /= 5) {
                labels[i] = bytes_of(all[bio[rest % 5]]);
            }
            if (scheme_fault(SCHEME_BIO, labels, LENGTH, &at)) continue;
            ck_assert_int_eq(scheme_convert((scheme)s, labels, LENGTH, &text), 0);
            for (int i = 0, before = 0; i <= LENGTH; i++) {
                int now = 0;
                while (i < LENGTH && !bytes_equal(labels[i], bytes_of(all[now]))) now++;
                seen[before][now] = true;
                before = now;
            }
        }
        for (int a = 0; a < LABELS; a++) {
            for (int b = 0; b < LABELS; b++) {
                if (a == 0 && b == 0) continue; /* a sentence of no words */
                bool allowed = scheme_allowed((scheme)s, bytes_of(all[a]), bytes_of(all[b]));
                ck_assert_msg(allowed == seen[a][b], "%s: \"%s\" \"%s\" is %d",
                              scheme_name((scheme)s), all[a], all[b], allowed);
            }
        }
        buffer_free(&text);
    }
}
END_TEST

START_TEST(finds_scheme_faults) {
    static const struct {
        scheme s;
        const char *labels;
        size_t at;
    } row[] = {
        {SCHEME_BIO, "O I-P", 1},         {SCHEME_BIO, "I-P", 0},     {SCHEME_BIO, "B-P I-L", 1},
        {SCHEME_IOB1, "O B-P", 1},        {SCHEME_BIOES, "O B-P", 2}, {SCHEME_BIOES, "B-P O", 1},
        {SCHEME_BIOES, "B-P I-P S-P", 2}, {SCHEME_BIO, "O O S-P", 2}, {SCHEME_BIO, "O NOUN", 1},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        bytes labels[MOST];
        size_t at = 99, count = split(row[i].labels, labels);
        ck_assert(scheme_fault(row[i].s, labels, count, &at));
        ck_assert_uint_eq(at, row[i].at);
    }
    bytes labels[MOST];
    size_t at;
    ck_assert(!scheme_fault(SCHEME_NONE, labels, split("I-P NOUN", labels), &at));
}
END_TEST

START_TEST(takes_labels_apart) {
    char letter;
    bytes type;
    scheme s;
    ck_assert(scheme_part(TEXT("B-a-b"), &letter, &type));
    ck_assert_int_eq(letter, 'B');
    assert_text(type, "a-b");
    ck_assert(scheme_part(TEXT("O"), &letter, &type));
    ck_assert(!scheme_part(TEXT(""), &letter, &type));
    ck_assert(!scheme_part(TEXT("O-x"), &letter, &type));
    ck_assert(scheme_find(TEXT("bioes"), &s));
    ck_assert_int_eq(s, SCHEME_BIOES);
    ck_assert(!scheme_find(TEXT("bilou"), &s));
}
END_TEST

TCase *scheme_cases(void) {
    TCase *t = tcase_create("scheme");
    tcase_add_loop_test(t, converts_schemes, 0, (int)(sizeof same / sizeof *same));
    tcase_add_test(t, decodes_spans);
    tcase_add_test(t, detects_schemes);
    tcase_add_test(t, allows_what_spans_make);
    tcase_add_test(t, finds_scheme_faults);
    tcase_add_test(t, takes_labels_apart);
    return t;
}
