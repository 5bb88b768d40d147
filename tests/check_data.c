/* check_data: reading in every format, writing back byte for byte, formats found out, columns. */
#include "check_data.h"

#include "base/io.h"

#include <sys/wait.h>
#include <unistd.h>

/* ---- helpers */

static corpus *open_text(bytes text, corpus_options options) {
    corpus *c;
    rill_error error = {0};
    int status = corpus_open_bytes(text, "sample", &options, &c, &error);
    ck_assert_msg(status == 0, "%s", error.message);
    return c;
}

static int next(corpus *c, record *r) {
    rill_error error = {0};
    int status = corpus_next(c, r, &error);
    ck_assert_msg(status >= 0, "%s:%zu:%zu: %s", error.file, error.line, error.column,
                  error.message);
    return status;
}

/* Reads everything, writes it back and counts. */
static void pass(corpus *c, buffer *out, size_t *records, size_t *words) {
    record r = {0};
    *records = *words = 0;
    while (next(c, &r)) {
        record_write(&r, NULL, 0, out);
        ck_assert_uint_eq(r.number, ++*records);
        *words += r.words;
    }
    ck_assert_int_eq(corpus_next(c, &r, NULL), 0); /* the end stays the end */
    record_free(&r);
}

/* ---- write-back */

#define CONLLU_TEXT                                                                                \
    "# newdoc id = d1\n# sent_id = 1\n# text = Don't go.\n"                                        \
    "1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_\n"                                                         \
    "1\tDo\tdo\tAUX\tVB\tMood=Imp\t3\taux\t3:aux\t_\n"                                             \
    "2\tn't\tnot\tPART\tRB\tPolarity=Neg\t3\tadvmod\t_\t_\n"                                       \
    "3\tgo\tgo\tVERB\tVB\t_\t0\troot\t_\tSpaceAfter=No|X=y\n"                                      \
    "3.1\tgo\tgo\tVERB\tVB\t_\t_\t_\t0:root\tCopyOf=3\n"                                           \
    "4\t.\t.\tPUNCT\t.\t_\t3\tpunct\t_\tX=SpaceAfter=No\n\n"                                       \
    "# newpar\n0.1\tx" NIL "1\ta" NIL "\n"

static const struct {
    corpus_format format;
    const char *text;
    size_t records, words;
} whole[] = {
    {CORPUS_CONLLU, CONLLU_TEXT, 2, 5},
    {CORPUS_CONLLU, "", 0, 0},
    {CORPUS_CONLLU, "\n", 1, 0},
    {CORPUS_CONLLU, "1\ta" NIL, 1, 1},                     /* no blank line at the end */
    {CORPUS_CONLLU, "1\ta\t_\t_\t_\t_\t_\t_\t_\tb", 1, 1}, /* nor a line end */
    {CORPUS_CONLLU, BOM "1\ta" NIL "\n", 1, 1},
    {CORPUS_CONLLU, "1\ta\t_\t_\t_\t_\t_\t_\t_\tb\r\n\r\n1\tb" NIL "\r\n", 2, 2},
    {CORPUS_CONLLU, "1\tten 000\t_\t_\t_\t_\t_\t_\t_\t_\n \t\n", 1, 1},
    {CORPUS_CONLLU, "1\ta" NIL "\n\n\n1\ta" NIL "\n\n", 5, 2},
    {CORPUS_CONLLU, "# only a comment\n\n1\ta" NIL, 2, 1},
    {CORPUS_CONLLU, "1\t\xE2\x80\xA8x" NIL "\n", 1, 1},
    {CORPUS_COLUMNS, "-DOCSTART- -X- O\n\nEU NNP B-ORG\nrejects  VBZ \t O \n\nX Y Z", 3, 3},
    {CORPUS_COLUMNS, "#\tO\nNew York\tB-loc\n\t\n#tag\tO\r\n\t\r\n", 2, 3},
    {CORPUS_COLUMNS, "a\t\tb\t\n", 1, 1},
    {CORPUS_COLUMNS, BOM "a b\r\n\r\n", 1, 1},
    {CORPUS_COLUMNS, "  a b\n", 1, 1},
    {CORPUS_COLUMNS, "\xE2\x80\xA8 O\nx\xC2\xA0y O\n", 1, 2},
    {CORPUS_HORIZONTAL, "a_X b_Y\n\nsnake_case_NN  c_Z \r\n__PUNCT\t._.", 4, 6},
    {CORPUS_HORIZONTAL, "", 0, 0},
    {CORPUS_VERTICAL, "a\nb b\r\n\n c \n\n\n", 3, 3},
    {CORPUS_TEXT, BOM "One line.\r\n\nAnother \r one", 3, 0},
};

START_TEST(writes_back_every_byte) {
    bytes text = bytes_of(whole[_i].text);
    buffer out = {0};
    size_t records, words;
    corpus *c = open_text(text, (corpus_options){.format = whole[_i].format});
    pass(c, &out, &records, &words);
    assert_text(out.data ? buffer_view(&out) : TEXT(""), whole[_i].text);
    ck_assert_uint_eq(records, whole[_i].records);
    ck_assert_uint_eq(words, whole[_i].words);
    corpus_close(c);
    buffer_free(&out);
}
END_TEST

START_TEST(reads_conllu) {
    corpus *c = open_text(TEXT(CONLLU_TEXT), (corpus_options){0});
    record r = {0};
    bytes value;
    ck_assert_int_eq(corpus_format_of(c), CORPUS_CONLLU);
    ck_assert_int_eq(next(c, &r), 1);
    ck_assert_uint_eq(r.words, 4);
    ck_assert_uint_eq(r.columns, 10);
    ck_assert_uint_eq(r.document, 1);
    ck_assert_uint_eq(r.paragraph, 0);
    assert_text(record_form(&r, 1), "n't");
    assert_text(record_cell(&r, 1, 3), "PART");
    ck_assert_uint_eq(record_word_line(&r, 0), 5);
    ck_assert_uint_eq(record_word_line(&r, 3), 9);
    ck_assert_uint_eq(record_word_column(&r, 0, 3), 9);
    assert_text(record_text(&r), "Don't go.");
    ck_assert(record_comment(&r, "sent_id", &value));
    assert_text(value, "1");
    ck_assert(!record_comment(&r, "sent", &value));
    /* n't ends its token and a blank follows; Do stands inside of it; MISC is read by field. */
    ck_assert(!record_space_after(&r, 0));
    ck_assert(record_space_after(&r, 1));
    ck_assert(!record_space_after(&r, 2));
    ck_assert(record_space_after(&r, 3));
    ck_assert_uint_eq(r.range_count, 1);
    ck_assert_uint_eq(r.ranges[0].first, 0);
    ck_assert_uint_eq(r.ranges[0].last, 2);
    ck_assert_int_eq(r.lines[3].kind, LINE_RANGE);
    ck_assert_int_eq(r.lines[7].kind, LINE_EMPTY);
    ck_assert_int_eq(next(c, &r), 1);
    ck_assert_uint_eq(r.line, 11);
    ck_assert_uint_eq(r.paragraph, 1);
    ck_assert_uint_eq(record_text(&r).size, 0);
    ck_assert_int_eq(next(c, &r), 0);
    record_free(&r);
    corpus_close(c);
}
END_TEST

START_TEST(counts_documents) {
    corpus *c = open_text(TEXT("-DOCSTART- O\n\na O\n\n-DOCSTART- O\nb O\n"),
                          (corpus_options){.format = CORPUS_COLUMNS});
    record r = {0};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(next(c, &r), 1);
        ck_assert_uint_eq(r.document, i < 2 ? 1 : 2);
        ck_assert_uint_eq(r.words, i > 0);
    }
    record_free(&r);
    corpus_close(c);
}
END_TEST

START_TEST(reads_text) {
    record r = {0};
    corpus *c = open_text(TEXT(BOM "a b\r\n\nc"), (corpus_options){.format = CORPUS_TEXT});
    ck_assert_int_eq(next(c, &r), 1);
    assert_text(record_text(&r), "a b");
    ck_assert_int_eq(next(c, &r), 1);
    assert_text(record_text(&r), "");
    ck_assert_uint_eq(r.paragraph, 1);
    ck_assert_int_eq(next(c, &r), 1);
    assert_text(record_text(&r), "c");
    ck_assert_uint_eq(r.paragraph, 2);
    corpus_close(c);
    c = open_text(TEXT("a\nb\r\n \n\nc\n"),
                  (corpus_options){.format = CORPUS_TEXT, .wrapped = true});
    ck_assert_int_eq(next(c, &r), 1);
    assert_text(record_text(&r), "a\nb");
    assert_text(record_raw(&r), "a\nb\r\n \n");
    ck_assert_int_eq(next(c, &r), 1);
    assert_text(record_text(&r), "");
    ck_assert_int_eq(next(c, &r), 1);
    assert_text(record_text(&r), "c");
    ck_assert_uint_eq(r.paragraph, 2);
    ck_assert_int_eq(next(c, &r), 0);
    corpus_close(c);
    record_free(&r);
}
END_TEST

/* ---- changes */

static const struct {
    corpus_options options;
    const char *text, *wanted;
    size_t first, count; /* columns first .. first+count-1 become A, B (word 2: C, D) */
} change[] = {
    {{.format = CORPUS_CONLLU},
     "#x\n1-2\tyz" NIL "1\ty" NIL "2\tz\tl\tX\tY\tF\t0\td\t_\tm\r\n\n",
     "#x\n1-2\tyz" NIL "1\ty\t_\tA\tB\t_\t_\t_\t_\t_\n2\tz\tl\tC\tD\tF\t0\td\t_\tm\r\n\n",
     3,
     2},
    {{.format = CORPUS_COLUMNS}, "a  X\nbb\tYY \n", "a  A\nbb\tC \n", 1, 1},
    {{.format = CORPUS_COLUMNS}, "a  X\nbb Y \r\n\n", "a  X A B\nbb Y C D \r\n\n", 2, 2},
    {{.format = CORPUS_COLUMNS}, "a\tX\nbb\tY", "a\tX\tA\nbb\tY\tC", 2, 1},
    {{.format = CORPUS_COLUMNS}, "a\nb\n", "a A\nb C\n", 1, 1},
    {{.format = CORPUS_VERTICAL}, "a\r\n b \n\n", "a\tA\r\n b\tC \n\n", 1, 1},
    {{.format = CORPUS_HORIZONTAL}, " a_X  b_Y\n", " a_A  b_C\n", 1, 1},
    {{.format = CORPUS_HORIZONTAL, .untagged = true}, "a_x  b \r\n", "a_x_A  b_C \r\n", 1, 1},
};

START_TEST(splices_changes_in) {
    bytes first[] = {TEXT("A"), TEXT("C")}, second[] = {TEXT("B"), TEXT("D")};
    record_change changes[] = {{change[_i].first, first}, {change[_i].first + 1, second}};
    corpus *c = open_text(bytes_of(change[_i].text), change[_i].options);
    record r = {0};
    buffer out = {0};
    while (next(c, &r)) {
        record_write(&r, changes, change[_i].count, &out);
    }
    assert_text(buffer_view(&out), change[_i].wanted);
    buffer_free(&out);
    record_free(&r);
    corpus_close(c);
}
END_TEST

START_TEST(writes_no_empty_cell) {
    bytes empty[] = {TEXT("")};
    corpus *c = open_text(TEXT("a X\n"), (corpus_options){.format = CORPUS_COLUMNS});
    record r = {0};
    buffer out = {0};
    ck_assert_int_eq(next(c, &r), 1);
    record_write(&r, &(record_change){1, empty}, 1, &out);
    assert_text(buffer_view(&out), "a _\n");
    buffer_free(&out);
    record_free(&r);
    corpus_close(c);
}
END_TEST

/* ---- formats and columns */

typedef struct guess {
    const char *text, *format;
} guess;

static const guess tagged[] = {
    {"# sent_id = 1\n1\ta" NIL, "conllu"},
    {"\n\n# newdoc\n", "conllu"},
    {"1-2\tab" NIL "1\ta" NIL "2\tb" NIL, "conllu"},
    {BOM "1\ta" NIL, "conllu"},
    {"# \tO\n", "columns"}, /* a tweet may begin with # */
    {"#\tO\n", "columns"},
    {"-DOCSTART- -X- O O\n\n", "columns"},
    {"\n\nEU\tB-ORG\n", "columns"},
    {"EU NNP I-NP B-ORG\n", "columns"},
    {"a O\n", "columns"},
    {"a N\nb V\n\nc N\nd V\ne N\n", "columns"},
    {"a_N b_V\n", "horizontal"},
    {"\na_N b_V\r\n", "horizontal"},
    {"a\nb\n\nc\n", "vertical"},
    {"The cat sat on the mat.\nIt purred.\n", "text"},
    {"An old B-52\nIt flew.\n", "text"},
    {"file_name is here\n", "text"},
    {"Hello\n", "text"},
    {"", "text"},
    {"\n\n", "text"},
};

/* What may be prose is tagged only where all lines agree, and more than one of them or two signs. */
static const guess mixed[] = {
    {"# sent_id = 1\n1\ta" NIL, "conllu"},
    {"#\n# text = I am O\n1\tI" NIL, "conllu"},
    {BOM "1\ta" NIL, "conllu"},
    {"#\tO\n", "columns"},
    {"-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\n", "columns"},
    {"\n\nEU\tB-ORG\n", "columns"},
    {"EU NNP I-NP B-ORG\n", "columns"},
    {"a O\n\nb B-x\n", "columns"},
    {"a x O\nb\ty O\n", "columns"},
    {"a\tN\n\nb\tV\n", "columns"},
    {"# 1\na\tN\r\nb\tV\r\n# 2\n", "columns"},
    {"10 000\tN\nb\tV\nc\tN\n", "columns"},
    {"\na_N b_V\r\n\nc_N\n", "horizontal"},
    {"a O\n", "text"},
    {"a\tN\n", "text"},
    {"a\tO\nb\tO\n\nc O\n", "text"},
    {"a N\nb V\n\nc N\nd V\ne N\n", "text"},
    {"a\nb\n\nc\n", "text"},
    {"", "text"},
    {"My blood group is O\nThe nurse wrote it down.\n", "text"},
    {"The plane is an old B-52\nThe nurse said so.\n", "text"},
    {"Name:\tJohn Smith\n", "text"},
    {"Name:\tJohn Smith\nAge:\t30 years\n", "text"},
    {"Hello there\n\nSecond\tline\n\nThe end\n", "text"},
    {"Hello there\n# a = b\n", "text"},
    {"file_name other_name\nare names\n", "text"},
};

static void assert_guess(const guess *g, bool plain) {
    corpus *c = open_text(bytes_of(g->text), (corpus_options){.plain = plain});
    ck_assert_str_eq(corpus_format_name(corpus_format_of(c)), g->format);
    buffer out = {0};
    size_t records, words;
    pass(c, &out, &records, &words); /* what was read ahead is not lost */
    if (*g->text) assert_text(buffer_view(&out), g->text);
    buffer_free(&out);
    corpus_close(c);
}

START_TEST(finds_the_format) { assert_guess(&tagged[_i], false); }
END_TEST

START_TEST(finds_prose) { assert_guess(&mixed[_i], true); }
END_TEST

START_TEST(knows_formats_by_name) {
    static const struct {
        const char *name, *text, *format;
    } row[] = {
        {"a.conllu", "x", "conllu"},          {"a.conllu.gz", "", "conllu"},
        {"a.conll", "a X\n", "columns"},      {"a.conll", "1\ta" NIL, "conllu"},
        {"a.vert", "# newdoc\n", "vertical"}, {"a.txt", "a_N b_N\n", "horizontal"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        corpus *c;
        ck_assert_int_eq(corpus_open_bytes(bytes_of(row[i].text), row[i].name, NULL, &c, NULL), 0);
        ck_assert_str_eq(corpus_format_name(corpus_format_of(c)), row[i].format);
        corpus_close(c);
    }
    corpus_format format;
    for (int i = CORPUS_AUTO; i <= CORPUS_TEXT; i++) {
        const char *name = corpus_format_name((corpus_format)i);
        ck_assert(corpus_format_find(bytes_of(name), &format));
        ck_assert_int_eq(format, i);
    }
    ck_assert(!corpus_format_find(TEXT("conll"), &format));
}
END_TEST

static size_t column(const corpus *c, const char *name) {
    size_t index = 0;
    rill_error error = {0};
    ck_assert_msg(corpus_column(c, bytes_of(name), &index, &error) == 0, "%s", error.message);
    return index;
}

START_TEST(names_columns) {
    corpus *c = open_text(TEXT("1\ta" NIL), (corpus_options){0});
    ck_assert_uint_eq(column(c, "upos"), 3);
    ck_assert_uint_eq(column(c, "4"), 3);
    ck_assert_uint_eq(column(c, "-1"), 9);
    ck_assert_uint_eq(corpus_form(c), 1);
    corpus_close(c);
    c = open_text(TEXT("\n-DOCSTART- x\n\na b c d\n"), (corpus_options){.format = CORPUS_COLUMNS});
    ck_assert_uint_eq(corpus_columns(c), 4);
    ck_assert_uint_eq(column(c, "form"), 0);
    ck_assert_uint_eq(column(c, "3"), 2);
    ck_assert_uint_eq(column(c, "tag"), 3);
    assert_text(corpus_column_name(c, 1), "2");
    corpus_close(c);
    c = open_text(TEXT("a b c\n"), (corpus_options){.columns = "ner, word,pos"});
    ck_assert_int_eq(corpus_format_of(c), CORPUS_COLUMNS);
    ck_assert_uint_eq(column(c, "pos"), 2);
    ck_assert_uint_eq(column(c, "3"), 2);
    ck_assert_uint_eq(corpus_form(c), 1);
    record r = {0};
    ck_assert_int_eq(next(c, &r), 1);
    assert_text(record_form(&r, 0), "b");
    record_free(&r);
    corpus_close(c);
}
END_TEST

/* Two names may be those of a word and its tag; the text must look so throughout. */
START_TEST(names_the_tag) {
    static const struct {
        corpus_options options;
        const char *text;
        corpus_format format;
        const char *form, *last;
    } row[] = {
        {{.columns = "form,upos"}, "a_X b_Y\n\nc_Z\n", CORPUS_HORIZONTAL, "a", "upos"},
        {{.columns = "upos,form"}, "X_a Y_b\n", CORPUS_HORIZONTAL, "a", "form"},
        {{.columns = "form,upos"}, "a_X b_Y\nc Z\n", CORPUS_COLUMNS, "a_X", "upos"},
        {{.columns = "form,upos"}, "a\nb\n", CORPUS_COLUMNS, NULL, NULL},
        {{.columns = "form,x,y"}, "a_X b_Y c_Z\n", CORPUS_COLUMNS, "a_X", "y"},
        {{.columns = "form,upos", .format = CORPUS_COLUMNS}, "a_X b_Y\n", CORPUS_COLUMNS, "a_X",
         "upos"},
        {{.columns = "form,upos", .format = CORPUS_HORIZONTAL}, "a_X\n", CORPUS_HORIZONTAL, "a",
         "upos"},
        {{.usual = "word,ner"}, "a_X b_Y\n", CORPUS_HORIZONTAL, "a", "ner"},
        {{.usual = "ner,word"}, "a_X b_Y\n", CORPUS_HORIZONTAL, "a", "tag"},
        {{.usual = "a,b,c"}, "a_X b_Y\n", CORPUS_HORIZONTAL, "a", "tag"},
        {{.usual = "word,ner", .untagged = true, .format = CORPUS_HORIZONTAL}, "a_X\n",
         CORPUS_HORIZONTAL, "a_X", "form"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        corpus *c = NULL;
        record r = {0};
        int status = corpus_open_bytes(bytes_of(row[i].text), "sample", &row[i].options, &c, NULL);
        ck_assert_int_eq(status, row[i].form ? 0 : RILL_EDATA);
        if (!row[i].form) continue;
        ck_assert_int_eq(corpus_format_of(c), row[i].format);
        assert_text(corpus_column_name(c, corpus_columns(c) - 1), row[i].last);
        ck_assert_int_eq(next(c, &r), 1);
        assert_text(record_form(&r, 0), row[i].form);
        record_free(&r);
        corpus_close(c);
    }
}
END_TEST

START_TEST(refuses_bad_columns) {
    static const struct {
        corpus_options options;
        const char *text, *name, *message;
    } row[] = {
        {{.format = CORPUS_CONLLU},
         "",
         "pos",
         "unknown column, found \"pos\", expected one of id,"},
        {{.format = CORPUS_CONLLU}, "", "11", "found \"11\""},
        {{.format = CORPUS_CONLLU}, "", "0", "found \"0\""},
        {{.format = CORPUS_CONLLU}, "", "", "found \"\""},
        {{.format = CORPUS_COLUMNS}, "", "tag", "expected a file with words"},
        {{.columns = "a,b"}, "x y z\n", NULL, "found 3 in \"x y z\", expected 2 (a,b)"},
        {{.columns = "a,a"}, "x y\n", NULL, "expected distinct names"},
        {{.columns = "a,"}, "x y\n", NULL, "expected distinct names"},
        {{.columns = "a", .format = CORPUS_TEXT}, "x\n", NULL, "found format text"},
        {{.columns = "a", .format = CORPUS_HORIZONTAL},
         "x_y\n",
         NULL,
         "found 1 column names (a), expected 2 for format horizontal"},
        {{.max_record = (size_t)2 << 30}, "x\n", NULL, "expected at most"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        corpus *c = NULL;
        size_t index;
        rill_error error = {0};
        int status =
            corpus_open_bytes(bytes_of(row[i].text), "sample", &row[i].options, &c, &error);
        ck_assert_int_eq(status == 0, row[i].name != NULL);
        if (c) status = corpus_column(c, bytes_of(row[i].name), &index, &error);
        ck_assert_int_lt(status, 0);
        ck_assert_msg(strstr(error.message, row[i].message) != NULL, "%s", error.message);
        corpus_close(c);
    }
}
END_TEST

/* ---- size, streams, real data */

START_TEST(takes_large_sentences) {
    enum { WORDS = 100000, TOKEN = 1 << 20 };
    buffer text = {0}, out = {0};
    size_t records, words;
    for (int i = 0; i < WORDS; i++) {
        buffer_printf(&text, "%d\tw%d", i + 1, i);
        buffer_add_text(&text, NIL);
    }
    buffer_add_text(&text, "\n1\t");
    for (int i = 0; i < TOKEN; i++) buffer_add_char(&text, 'x');
    buffer_add_text(&text, NIL);
    corpus *c = open_text(buffer_view(&text), (corpus_options){0});
    pass(c, &out, &records, &words);
    ck_assert_uint_eq(words, WORDS + 1);
    ck_assert(bytes_equal(buffer_view(&text), buffer_view(&out)));
    corpus_close(c);
    buffer_free(&text);
    buffer_free(&out);
}
END_TEST

START_TEST(reuses_the_record) {
    corpus *c = open_text(TEXT("a X\nb Y\n\na X\n\nb X\nb X\n\n"),
                          (corpus_options){.format = CORPUS_COLUMNS});
    record r = {0};
    ck_assert_int_eq(next(c, &r), 1);
    const void *text = r.text.data, *cells = r.cells, *lines = r.lines;
    while (next(c, &r)) {
    }
    ck_assert_ptr_eq(text, r.text.data);
    ck_assert_ptr_eq(cells, r.cells);
    ck_assert_ptr_eq(lines, r.lines);
    corpus_close(c);
    record_free(&r);
}
END_TEST

/* A sentence comes as soon as its blank line is there, and nothing is waited for. */
START_TEST(streams_from_a_pipe) {
    int fd[2];
    corpus *c;
    record r = {0};
    static const char first[] = "a X\nb Y\n\n", second[] = "c Z\n";
    ck_assert_int_eq(pipe(fd), 0);
    ck_assert_int_eq(write(fd[1], first, sizeof first - 1), sizeof first - 1);
    corpus_options options = {.format = CORPUS_COLUMNS};
    ck_assert_int_eq(corpus_open_fd(fd[0], "pipe", &options, &c, NULL), 0);
    ck_assert(corpus_ready(c));
    ck_assert_int_eq(next(c, &r), 1);
    ck_assert_uint_eq(r.words, 2);
    ck_assert(!corpus_ready(c));
    ck_assert_int_eq(write(fd[1], second, sizeof second - 1), sizeof second - 1);
    ck_assert(corpus_ready(c));
    close(fd[1]);
    ck_assert_int_eq(next(c, &r), 1);
    ck_assert_uint_eq(r.line, 4);
    ck_assert_int_eq(next(c, &r), 0);
    corpus_close(c);
    close(fd[0]);
    record_free(&r);
}
END_TEST

/* One line is enough to find the format of a pipe: the next one is not waited for. */
START_TEST(detects_on_a_pipe) {
    int fd[2];
    corpus *c;
    static const char *const line[] = {"Hello there.\n", "My blood group is O\n",
                                       "Name:\tJohn Smith\n"};
    corpus_options options = {.plain = _i > 0};
    ck_assert_int_eq(pipe(fd), 0);
    ck_assert_int_gt(write(fd[1], line[_i], strlen(line[_i])), 0);
    ck_assert_int_eq(corpus_open_fd(fd[0], "pipe", &options, &c, NULL), 0);
    ck_assert_int_eq(corpus_format_of(c), CORPUS_TEXT);
    ck_assert(corpus_ready(c));
    corpus_close(c);
    close(fd[0]);
    close(fd[1]);
}
END_TEST

/* Words with TABs between them may be either, and columns wait for more lines anyway. */
START_TEST(waits_for_a_second_line) {
    static const char *const second[] = {"b\tV\n", "It is late.\n"};
    int fd[2];
    corpus *c;
    corpus_options options = {.plain = true};
    ck_assert_int_eq(pipe(fd), 0);
    ck_assert_int_eq(write(fd[1], "a\tN\n", 4), 4);
    pid_t child = fork();
    if (child == 0) {
        usleep(200000);
        _exit(write(fd[1], second[_i], strlen(second[_i])) < 0);
    }
    ck_assert_int_eq(corpus_open_fd(fd[0], "pipe", &options, &c, NULL), 0);
    ck_assert_int_eq(corpus_format_of(c), _i ? CORPUS_TEXT : CORPUS_COLUMNS);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    corpus_close(c);
    close(fd[0]);
    close(fd[1]);
}
END_TEST

static const struct {
    const char *file;
    corpus_format format;
    size_t sentences, words;
} real[] = {
    {"ud-english-ewt/train.conllu.gz", CORPUS_CONLLU, 12544, 204577},
    {"ud-english-ewt/dev.conllu.gz", CORPUS_CONLLU, 2001, 25147},
    {"wnut17/train.conll", CORPUS_COLUMNS, 3394, 62730},
    {"wnut17/dev.conll", CORPUS_COLUMNS, 1009, 15733},
};

START_TEST(writes_back_real_data) {
    const char *folder = test_data();
    char path[4200];
    buffer file = {0}, out = {0};
    size_t records, words;
    corpus *c;
    if (!folder) return;
    snprintf(path, sizeof path, "%s/%s", folder, real[_i].file);
    ck_assert_int_eq(file_slurp(path, 0, &file, NULL), 0);
    ck_assert_int_eq(corpus_open(path, NULL, &c, NULL), 0);
    ck_assert_int_eq(corpus_format_of(c), real[_i].format);
    pass(c, &out, &records, &words);
    ck_assert_uint_eq(records, real[_i].sentences);
    ck_assert_uint_eq(words, real[_i].words);
    ck_assert(bytes_equal(buffer_view(&file), buffer_view(&out)));
    corpus_close(c);
    buffer_free(&file);
    buffer_free(&out);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

TCase *corpus_cases(void) {
    TCase *t = tcase_create("corpus");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, writes_back_every_byte, 0, COUNT(whole));
    tcase_add_loop_test(t, splices_changes_in, 0, COUNT(change));
    tcase_add_loop_test(t, finds_the_format, 0, COUNT(tagged));
    tcase_add_loop_test(t, finds_prose, 0, COUNT(mixed));
    tcase_add_loop_test(t, writes_back_real_data, 0, COUNT(real));
    tcase_add_test(t, reads_conllu);
    tcase_add_test(t, counts_documents);
    tcase_add_test(t, reads_text);
    tcase_add_test(t, writes_no_empty_cell);
    tcase_add_test(t, knows_formats_by_name);
    tcase_add_test(t, names_columns);
    tcase_add_test(t, names_the_tag);
    tcase_add_test(t, refuses_bad_columns);
    tcase_add_test(t, takes_large_sentences);
    tcase_add_test(t, reuses_the_record);
    tcase_add_test(t, streams_from_a_pipe);
    tcase_add_loop_test(t, detects_on_a_pipe, 0, 3);
    tcase_add_loop_test(t, waits_for_a_second_line, 0, 2);
    return t;
}

int main(void) {
    Suite *suite = suite_create("data");
    suite_add_tcase(suite, corpus_cases());
    suite_add_tcase(suite, batch_cases());
    suite_add_tcase(suite, fault_cases());
    suite_add_tcase(suite, output_cases());
    suite_add_tcase(suite, scheme_cases());
    suite_add_tcase(suite, vectors_cases());
    suite_add_tcase(suite, doctor_cases());
    suite_add_tcase(suite, parallel_cases());
    suite_add_tcase(suite, doctor_parallel_cases());
    suite_add_tcase(suite, labelled_cases());
    return test_run(suite);
}
