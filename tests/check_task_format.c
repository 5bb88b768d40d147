/* check_task_format: what the tagger reads and writes. The model knows its training data by heart,
 * so outputs are compared in full. */
#include "check_task.h"

static buffer out;
static rill_error e;

static void tear_down(void) {
    buffer_free(&out);
}

/* Options in, output compared. */
#define FILTER(model, text, ...)                                                                   \
    do {                                                                                           \
        e = (rill_error){0};                                                                       \
        int status_ = run_tagger(model, BYTES(text), &out, &e, __VA_ARGS__);                      \
        ck_assert_msg(status_ == 0, "%d %s:%zu:%zu %s", status_, e.file, e.line, e.column,         \
                      e.message);                                                                  \
    } while (0)

#define REFUSED(wanted, model, text, ...)                                                          \
    do {                                                                                           \
        e = (rill_error){0};                                                                       \
        ck_assert_int_eq(run_tagger(model, BYTES(text), &out, &e, __VA_ARGS__), wanted);          \
        ck_assert_int_eq(e.code, wanted);                                                          \
    } while (0)

START_TEST(text_becomes_conllu) {
    FILTER(task_tagger(), "The cat don't sees boats. A river saw music.\n\nKim likes them.", NULL);
    assert_output(&out, "# newpar\n"
                        "# sent_id = 1-1\n"
                        "# text = The cat don't sees boats.\n"
                        "1\tThe\t_\tDET\tDT\tDefinite=Def\t_\t_\t_\t_\n"
                        "2\tcat\t_\tNOUN\tNN\tNumber=Sing\t_\t_\t_\t_\n"
                        "3-4\tdon't\t_\t_\t_\t_\t_\t_\t_\t_\n"
                        "3\tdo\t_\tAUX\tVBP\tTense=Pres\t_\t_\t_\t_\n"
                        "4\tn't\t_\tPART\tRB\t_\t_\t_\t_\t_\n"
                        "5\tsees\t_\tVERB\tVBZ\tNumber=Sing|Tense=Pres\t_\t_\t_\t_\n"
                        "6\tboats\t_\tNOUN\tNNS\tNumber=Plur\t_\t_\t_\tSpaceAfter=No\n"
                        "7\t.\t_\tPUNCT\t.\t_\t_\t_\t_\t_\n\n"
                        "# sent_id = 1-2\n"
                        "# text = A river saw music.\n"
                        "1\tA\t_\tDET\tDT\tDefinite=Ind\t_\t_\t_\t_\n"
                        "2\triver\t_\tNOUN\tNN\tNumber=Sing\t_\t_\t_\t_\n"
                        "3\tsaw\t_\tVERB\tVBD\tTense=Past\t_\t_\t_\t_\n"
                        "4\tmusic\t_\tNOUN\tNN\tNumber=Sing\t_\t_\t_\tSpaceAfter=No\n"
                        "5\t.\t_\tPUNCT\t.\t_\t_\t_\t_\t_\n\n"
                        "# newpar\n"
                        "# sent_id = 2-1\n"
                        "# text = Kim likes them.\n"
                        "1\tKim\t_\tPROPN\tNNP\tNumber=Sing\t_\t_\t_\t_\n"
                        "2\tlikes\t_\tVERB\tVBZ\tNumber=Sing|Tense=Pres\t_\t_\t_\t_\n"
                        "3\tthem\t_\tPRON\tPRP\tNumber=Plur|Person=3\t_\t_\t_\tSpaceAfter=No\n"
                        "4\t.\t_\tPUNCT\t.\t_\t_\t_\t_\t_\n\n");
}
END_TEST

/* Line for line, and empty ones are kept. */
START_TEST(text_lines_stay_lines) {
    FILTER(task_tagger(), "The cat saw boats. Kim saw them.\n\n \nA river.\r\nMy cat",
           "output=horizontal", NULL);
    assert_output(&out, "The_DET cat_NOUN saw_VERB boats_NOUN ._PUNCT Kim_PROPN saw_VERB "
                        "them_PRON ._PUNCT\n\n\nA_DET river_NOUN ._PUNCT\nMy_PRON cat_NOUN\n");
}
END_TEST

START_TEST(text_becomes_columns) {
    FILTER(task_tagger(), "The cat.\n", "output=vertical", NULL);
    assert_output(&out,
                  "The\tDET\tDT\tDefinite=Def\ncat\tNOUN\tNN\tNumber=Sing\n.\tPUNCT\t.\t_\n\n");
    FILTER(task_tagger(), "The cat.\n", "output=columns", NULL);
    assert_output(&out,
                  "The\tDET\tDT\tDefinite=Def\ncat\tNOUN\tNN\tNumber=Sing\n.\tPUNCT\t.\t_\n\n");
}
END_TEST

START_TEST(text_becomes_json) {
    FILTER(task_tagger(), "A cat", "json=true", "ranges=true", NULL);
    assert_output(&out, "{\"id\":\"1-1\",\"text\":\"A cat\",\"words\":["
                        "{\"form\":\"A\",\"upos\":\"DET\",\"xpos\":\"DT\",\"feats\":"
                        "\"Definite=Ind\",\"begin\":0,\"end\":1},"
                        "{\"form\":\"cat\",\"upos\":\"NOUN\",\"xpos\":\"NN\",\"feats\":"
                        "\"Number=Sing\",\"begin\":2,\"end\":5}]}\n");
}
END_TEST

/* Ranges count bytes of the whole input: a mark, a line with CRLF, and a decomposed letter. */
START_TEST(ranges_are_those_of_the_input) {
    FILTER(task_tagger(),
           "\xEF\xBB\xBF"
           "A cat\r\n e\xCC\x81"
           "a, b",
           "ranges=true", NULL);
    const char *second = strstr(out.data, "# sent_id = 2-1");
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_nonnull(strstr(out.data, "TokenRange=3:4\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "TokenRange=5:8\n"));
    ck_assert_ptr_nonnull(strstr(second, "1\t\xC3\xA9"
                                         "a\t"));
    ck_assert_ptr_nonnull(strstr(second, "SpaceAfter=No|TokenRange=11:15\n"));
    ck_assert_ptr_nonnull(strstr(second, "2\t,\t"));
    ck_assert_ptr_nonnull(strstr(second, "TokenRange=15:16\n"));
}
END_TEST

START_TEST(wrapped_text_has_paragraphs) {
    FILTER(task_tagger(), "The cat\nsaw boats.\n\nA river.\n", "wrapped=true", "output=horizontal",
           NULL);
    assert_output(&out, "The_DET cat_NOUN saw_VERB boats_NOUN ._PUNCT\nA_DET river_NOUN ._PUNCT\n");
}
END_TEST

/* Everything but the three columns is as it was, odd bytes included. */
START_TEST(conllu_is_written_back) {
    FILTER(task_tagger(),
           "\xEF\xBB\xBF# sent_id = 9\r\n#odd\r\n1\tThe\tthe\tX\tY\tZ=1\t2\tdet\t_\tA=b\r\n"
           "2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No\r\n2\tdo\tl\tX\tX\t_\t0\troot\t_\t_\r\n"
           "3\tn't\tl\tX\tX\tX=Y\t2\tx\t_\t_\r\n3.1\te\te\tQ\tQ\tQ=Q\t_\t_\t2:x\t_\r\n\r\n"
           "# only a comment\n\n1\tKim\t_\t_\t_\t_\t_\t_\t_\t_",
           "input=conllu", NULL);
    assert_output(&out, "\xEF\xBB\xBF# sent_id = 9\r\n#odd\r\n"
                        "1\tThe\tthe\tDET\tDT\tDefinite=Def\t2\tdet\t_\tA=b\r\n"
                        "2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No\r\n"
                        "2\tdo\tl\tAUX\tVBP\tTense=Pres\t0\troot\t_\t_\r\n"
                        "3\tn't\tl\tPART\tRB\t_\t2\tx\t_\t_\r\n"
                        "3.1\te\te\tQ\tQ\tQ=Q\t_\t_\t2:x\t_\r\n\r\n"
                        "# only a comment\n\n1\tKim\t_\tPROPN\tNNP\tNumber=Sing\t_\t_\t_\t_");
}
END_TEST

START_TEST(conllu_becomes_others) {
    static const char text[] = "# text = The cat\n1\tThe\t_\t_\t_\t_\t_\t_\t_\t_\n"
                               "2\tcat\t_\t_\t_\t_\t_\t_\t_\t_\n\n# none\n\n";
    FILTER(task_tagger(), text, "output=horizontal", NULL);
    assert_output(&out, "The_DET cat_NOUN\n");
    FILTER(task_tagger(), text, "output=vertical", NULL);
    assert_output(&out, "The\tDET\tDT\tDefinite=Def\ncat\tNOUN\tNN\tNumber=Sing\n\n");
}
END_TEST

/* MISC keeps its own fields; ours are replaced. */
START_TEST(entities_go_to_misc) {
    FILTER(task_namer(),
           "1\tKim\t_\tX\t_\t_\t_\t_\t_\tTag=Q|SpaceAfter=No\n"
           "2\tO'Neil\t_\t_\t_\t_\t_\t_\t_\tTags=Q\n3\tsaw\t_\t_\t_\t_\t_\t_\t_\t_\n\n",
           "ranges=true", NULL);
    assert_output(&out, "1\tKim\t_\tX\t_\t_\t_\t_\t_\tSpaceAfter=No|TokenRange=2:5|Tag=B-PER\n"
                        "2\tO'Neil\t_\t_\t_\t_\t_\t_\t_\tTags=Q|TokenRange=42:48|Tag=I-PER\n"
                        "3\tsaw\t_\t_\t_\t_\t_\t_\t_\tTokenRange=72:75|Tag=O\n\n");
}
END_TEST

START_TEST(text_entities_go_to_misc) {
    FILTER(task_namer(), "Kim O'Neil met Maria.\n", NULL);
    ck_assert_ptr_nonnull(strstr(out.data, "1\tKim\t_\t_\t_\t_\t_\t_\t_\tTag=B-PER\n"));
    ck_assert_ptr_nonnull(strstr(out.data, "SpaceAfter=No|Tag=B-PER\n"));
}
END_TEST

/* The column of that name is replaced; a file without it gets one more. */
START_TEST(columns_are_replaced_or_added) {
    FILTER(task_namer(), "Kim x\nO'Neil y\nmet z\n\n-DOCSTART- x\n\nSeoul x\nTower x\n",
           "input=columns", NULL);
    assert_output(&out, "Kim B-PER\nO'Neil I-PER\nmet O\n\n-DOCSTART- x\n\nSeoul B-LOC\n"
                        "Tower I-LOC\n");
    FILTER(task_namer(), "Kim\tx\tO\nO'Neil\ty\tO\n", "input=columns", "layout=form,pos,chunk",
           NULL);
    assert_output(&out, "Kim\tx\tO\tB-PER\nO'Neil\ty\tO\tI-PER\n");
    FILTER(task_tagger(), "Kim x\nsaw y\n", "input=columns", NULL);
    assert_output(&out, "Kim x PROPN NNP Number=Sing\nsaw y VERB VBD Tense=Past\n");
    FILTER(task_tagger(), "1 Kim\n2 saw\n", "input=columns", "layout=upos,form", "probs=true",
           "output=vertical", NULL);
    ck_assert_int_eq(strncmp(out.data, "Kim\tPROPN\t", 10), 0);
}
END_TEST

START_TEST(probabilities_follow_their_column) {
    FILTER(task_namer(), "Kim x\nO'Neil y\n", "input=columns", "probs=true", NULL);
    double first, second;
    ck_assert_int_eq(sscanf(out.data, "Kim B-PER %lf\nO'Neil I-PER %lf\n", &first, &second), 2);
    ck_assert(first > 0.5 && first <= 1 && second > 0.5 && second <= 1);
    FILTER(task_tagger(), "A cat", "probs=true", NULL);
    ck_assert_ptr_nonnull(strstr(out.data, "\tUposProb=0."));
    ck_assert_ptr_nonnull(strstr(out.data, "|FeatsProb="));
    FILTER(task_tagger(), "1\tA\t_\t_\t_\t_\t_\t_\t_\t_\n\n", "probs=true", NULL);
    ck_assert_ptr_nonnull(strstr(out.data, "\tUposProb=0."));
}
END_TEST

START_TEST(vertical_and_horizontal) {
    FILTER(task_tagger(), "Kim\r\nsaw\r\n\r\n\r\nA", "input=vertical", NULL);
    assert_output(&out, "Kim\tPROPN\tNNP\tNumber=Sing\r\nsaw\tVERB\tVBD\tTense=Past\r\n\r\n\r\n"
                        "A\tDET\tDT\tDefinite=Ind");
    FILTER(task_tagger(), "Kim saw\n\n  A\tcat_X \n", "input=horizontal", NULL);
    static const char wanted[] = "Kim_PROPN saw_VERB\n\n  A_DET\tcat_X_";
    ck_assert_int_eq(strncmp(out.data, wanted, sizeof wanted - 1), 0);
    /* recognised by its tags: they are replaced */
    FILTER(task_tagger(), "Kim_X saw_Y\nA_X cat_Y\n", NULL);
    assert_output(&out, "Kim_PROPN saw_VERB\nA_DET cat_NOUN\n");
}
END_TEST

START_TEST(nbest_lists) {
    FILTER(task_namer(), "Kim O'Neil met Maria.\n", "nbest=3", "json=true", NULL);
    const char *first = strstr(out.data, "\"rank\":1,"), *second = strstr(out.data, "\"rank\":2,");
    ck_assert(first && second && first < second && strstr(out.data, "\"rank\":3,"));
    double p1 = 0, p2 = 0;
    ck_assert_int_eq(sscanf(strstr(first, "probability"), "probability\":%lf", &p1), 1);
    ck_assert_int_eq(sscanf(strstr(second, "probability"), "probability\":%lf", &p2), 1);
    ck_assert(p1 >= p2 && p1 > 0.2 && p1 + p2 <= 1.000001);
    FILTER(task_namer(), "\xEF\xBB\xBF# a\n1\tKim\t_\t_\t_\t_\t_\t_\t_\t_", "nbest=2", NULL);
    ck_assert_int_eq(strncmp(out.data, "# rank = 1\n# probability = ", 27), 0);
    ck_assert_ptr_nonnull(strstr(out.data, "\n# a\n1\tKim\t_\t_\t_\t_\t_\t_\t_\tTag="));
    ck_assert_ptr_nonnull(strstr(out.data, "\n\n# rank = 2\n# probability = "));
    ck_assert_int_eq(strcmp(out.data + out.size - 2, "\n\n"), 0);
}
END_TEST

START_TEST(impossible_wishes) {
    REFUSED(RILL_EUSAGE, task_tagger(), "a\n", "output=horizontal", "probs=true", NULL);
    REFUSED(RILL_EUSAGE, task_tagger(), "a\n", "output=vertical", "ranges=true", NULL);
    REFUSED(RILL_EUSAGE, task_namer(), "a\n", "output=vertical", "nbest=2", NULL);
    REFUSED(RILL_EUSAGE, task_tagger(), "a\n", "nbest=2", NULL);
    ck_assert_ptr_nonnull(strstr(e.message, "conditional random field"));
}
END_TEST

START_TEST(nothing_in_nothing_out) {
    static const char *const formats[] = {"input=auto",     "input=conllu",     "input=columns",
                                          "input=vertical", "input=horizontal", "input=text"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        FILTER(task_tagger(), "", formats[i], NULL);
        ck_assert_uint_eq(out.size, 0);
    }
}
END_TEST

/* ---- faults: what stands before them is written, and they are named with their place */

static void assert_place(const char *written, size_t line, size_t column) {
    assert_output(&out, written);
    ck_assert_str_eq(e.file, "in");
    ck_assert_uint_eq(e.line, line);
    ck_assert_uint_eq(e.column, column);
}

START_TEST(faults_have_places) {
    static const char *const threads[] = {"threads=1", "threads=3"};
    const char *t = threads[_i];
    REFUSED(RILL_EDATA, task_tagger(), "A cat\nKim \xFF\nA\n", "output=horizontal", t, NULL);
    assert_place("A_DET cat_NOUN\n", 2, 5);
    e = (rill_error){0};
    bytes nul = {"A cat\nKim\0\n", 11};
    ck_assert_int_eq(run_tagger(task_tagger(), nul, &out, &e, "output=horizontal", t, NULL),
                     RILL_EDATA);
    assert_place("A_DET cat_NOUN\n", 2, 4);
    REFUSED(RILL_EDATA, task_tagger(), "Kim\n\nA cat\nKim\tx\n", "input=vertical", t, NULL);
    assert_place("Kim\tPROPN\tNNP\tNumber=Sing\n\n", 4, 4);
    REFUSED(RILL_EDATA, task_namer(), "Kim x\nO'Neil y\n\nKim\n", "input=columns", t, NULL);
    assert_place("Kim B-PER\nO'Neil I-PER\n\n", 4, 4);
    REFUSED(RILL_EDATA, task_tagger(),
            "1\tA\t_\t_\t_\t_\t_\t_\t_\t_\n\n2\tA\t_\t_\t_\t_\t_\t_\t_\t_\n", t, NULL);
    assert_place("1\tA\t_\tDET\tDT\tDefinite=Ind\t_\t_\t_\t_\n\n", 3, 1);
}
END_TEST

/* Rules that run wild on a line are a fault of that line. */
START_TEST(tokenizer_faults_have_places) {
    tag_options o;
    const char *rules = task_file("rules", BYTES("token (?:a|a)+c\ntoken \\p{L}+\n"));
    const char *model = task_path("wild.rill"), *data = task_path("train.conllu");
    task_options_set(&o, "epochs=1", NULL);
    o.rules = mem_text(rules, strlen(rules));
    o.common.model = mem_text(model, strlen(model));
    e = (rill_error){0};
    ck_assert_msg(tag_train(&o, &data, 1, NULL, &e) == 0, "%s", e.message);
    task_options_free(&o);
    tag_model *m = task_open(model);
    REFUSED(RILL_ELIMIT, m, "b b\n\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nb\n",
            "output=vertical", NULL);
    ck_assert_str_eq(e.file, "in");
    ck_assert_uint_eq(e.line, 3);
    ck_assert_int_eq(strncmp(out.data, "b\t", 2), 0);
    ck_assert_int_eq(strcmp(out.data + out.size - 2, "\n\n"), 0);
    task_model_free(&task_tag, m);
}
END_TEST

START_TEST(long_lines_are_refused) {
    buffer in = {0};
    buffer_add_text(&in, "A cat\n");
    for (int i = 0; i < 500; i++) buffer_add_text(&in, "cat ");
    e = (rill_error){0};
    int status = run_tagger(task_tagger(), buffer_view(&in), &out, &e, "output=horizontal",
                             "max-record=1024", NULL);
    ck_assert_int_eq(status, RILL_ELIMIT);
    assert_place("A_DET cat_NOUN\n", 2, 0);
    buffer_free(&in);
}
END_TEST

TCase *format_cases(void) {
    TCase *t = tcase_create("formats");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, NULL, tear_down);
    tcase_add_test(t, text_becomes_conllu);
    tcase_add_test(t, text_lines_stay_lines);
    tcase_add_test(t, text_becomes_columns);
    tcase_add_test(t, text_becomes_json);
    tcase_add_test(t, ranges_are_those_of_the_input);
    tcase_add_test(t, wrapped_text_has_paragraphs);
    tcase_add_test(t, conllu_is_written_back);
    tcase_add_test(t, conllu_becomes_others);
    tcase_add_test(t, entities_go_to_misc);
    tcase_add_test(t, text_entities_go_to_misc);
    tcase_add_test(t, columns_are_replaced_or_added);
    tcase_add_test(t, probabilities_follow_their_column);
    tcase_add_test(t, vertical_and_horizontal);
    tcase_add_test(t, nbest_lists);
    tcase_add_test(t, impossible_wishes);
    tcase_add_test(t, nothing_in_nothing_out);
    tcase_add_loop_test(t, faults_have_places, 0, 2);
    tcase_add_test(t, tokenizer_faults_have_places);
    tcase_add_test(t, long_lines_are_refused);
    return t;
}
