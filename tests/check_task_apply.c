/* check_task_apply: the same bytes however it is run, streams that are answered, ensembles,
 * sessions, and records of any size. */
#include "check_task.h"
#include "task/tag_apply.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- same bytes */

/* Raw text of n lines, some empty, some of several sentences. */
static void make_text(int n, buffer *text) {
    static const char *const parts[] = {"The cat saw boats. ", "My river don't likes music. ",
                                        "Unheard words, here! ", "Kim sings, A cat sees them? "};
    unsigned state = 5;
    for (int i = 0; i < n; i++) {
        state = state * 1103515245u + 12345u;
        for (unsigned k = (state >> 16) % 4; k > 0; k--) {
            buffer_add_text(text, parts[((state >> 18) + k) % 4]);
        }
        buffer_add_char(text, '\n');
    }
}

START_TEST(same_bytes_for_batches_and_threads) {
    static const char *const ways[][2] = {{"batch=1", "threads=1"}, {"batch=64", "threads=1"},
                                          {"batch=1", "threads=4"}, {"batch=64", "threads=2"},
                                          {"batch=0", "threads=2"}, {"batch=333", "threads=4"}};
    static const char *const formats[] = {"output=conllu", "output=horizontal", "output=json"};
    buffer text = {0}, first = {0}, other = {0};
    rill_error e = {0};
    make_text(150, &text);
    for (int f = 0; f < 3; f++) {
        ck_assert_int_eq(run_tagger(task_tagger(), buffer_view(&text), &first, &e, formats[f],
                                     "probs=false", NULL),
                         0);
        ck_assert_uint_gt(first.size, text.size);
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
            ck_assert_int_eq(run_tagger(task_tagger(), buffer_view(&text), &other, &e, formats[f],
                                         ways[i][0], ways[i][1], NULL),
                             0);
            ck_assert_msg(bytes_equal(buffer_view(&first), buffer_view(&other)), "%s %s %s",
                          formats[f], ways[i][0], ways[i][1]);
        }
    }
    buffer_free(&text);
    buffer_free(&first);
    buffer_free(&other);
}
END_TEST

/* A chain's probabilities too. */
START_TEST(same_bytes_of_chains) {
    buffer text = {0}, first = {0}, other = {0};
    rill_error e = {0};
    task_entities(80, 11, &text);
    ck_assert_int_eq(run_tagger(task_namer(), buffer_view(&text), &first, &e, "probs=true",
                                 "input=columns", NULL),
                     0);
    ck_assert_int_eq(run_tagger(task_namer(), buffer_view(&text), &other, &e, "probs=true",
                                 "input=columns", "batch=7", "threads=3", NULL),
                     0);
    ck_assert(bytes_equal(buffer_view(&first), buffer_view(&other)));
    buffer_free(&text);
    buffer_free(&first);
    buffer_free(&other);
}
END_TEST

/* The grammar is learnt: tagging the training data gives them back. */
START_TEST(training_data_come_back) {
    buffer text = {0}, out = {0};
    rill_error e = {0};
    task_conllu(60, 7, &text);
    ck_assert_int_eq(run_tagger(task_tagger(), buffer_view(&text), &out, &e, NULL), 0);
    assert_output(&out, text.data);
    buffer_clear(&text);
    task_entities(60, 7, &text);
    ck_assert_int_eq(run_tagger(task_namer(), buffer_view(&text), &out, &e, NULL), 0);
    assert_output(&out, text.data);
    buffer_free(&text);
    buffer_free(&out);
}
END_TEST

/* ---- ensembles */

START_TEST(ensemble_of_equals) {
    tag_model *twice[] = {task_tagger(), task_tagger()}, *names[] = {task_namer(), task_namer()};
    tag_model *mixed[] = {task_tagger(), task_namer()};
    tag_options o;
    buffer text = {0}, one = {0}, two = {0};
    rill_error e = {0};
    task_options_set(&o, "probs=true", "batch=0", NULL);
    task_conllu(20, 3, &text);
    ck_assert_int_eq(task_filter_list(twice, 1, buffer_view(&text), &o, &one, &e), 0);
    ck_assert_int_eq(task_filter_list(twice, 2, buffer_view(&text), &o, &two, &e), 0);
    assert_output(&two, one.data);
    ck_assert_int_eq(task_filter_list(mixed, 2, buffer_view(&text), &o, &two, &e), RILL_EUSAGE);
    ck_assert_ptr_nonnull(strstr(e.message, "same labels"));
    o.probs = false; /* a chain's are those of the averaged marginals */
    buffer_clear(&text);
    task_entities(20, 3, &text);
    ck_assert_int_eq(task_filter_list(names, 1, buffer_view(&text), &o, &one, &e), 0);
    ck_assert_int_eq(task_filter_list(names, 2, buffer_view(&text), &o, &two, &e), 0);
    assert_output(&two, one.data);
    task_options_free(&o);
    buffer_free(&text);
    buffer_free(&one);
    buffer_free(&two);
}
END_TEST

/* ---- streams */

typedef struct stream {
    int to[2], from[2]; /* pipes to the filter and from it */
    tag_options o;
    pthread_t thread;
    int status;
    rill_error error;
} stream;

static void *stream_main(void *argument) {
    stream *s = argument;
    void *models[] = {task_tagger()};
    s->status = task_filter(&task_tag, models, 1, &s->o, s->to[0], "in", s->from[1], NULL, &s->error);
    close(s->from[1]);
    return NULL;
}

static void stream_open(stream *s, const char *threads, const char *input, const char *output) {
    *s = (stream){0};
    task_options_set(&s->o, threads, input, output, "batch=0", NULL);
    ck_assert(pipe(s->to) == 0 && pipe(s->from) == 0);
    ck_assert_int_eq(pthread_create(&s->thread, NULL, stream_main, s), 0);
}

static int stream_close(stream *s) {
    if (s->to[1] >= 0) close(s->to[1]);
    ck_assert_int_eq(pthread_join(s->thread, NULL), 0);
    if (s->from[0] >= 0) close(s->from[0]);
    close(s->to[0]);
    task_options_free(&s->o);
    return s->status;
}

/* Writes, and reads until `wanted` has come; a filter that holds it back fails the test by time. */
static void ask(stream *s, const char *text, const char *wanted) {
    char got[4096];
    size_t size = 0, need = strlen(wanted);
    ck_assert_int_eq((int)write(s->to[1], text, strlen(text)), (int)strlen(text));
    while (size < need) {
        struct pollfd p = {.fd = s->from[0], .events = POLLIN};
        ck_assert_msg(poll(&p, 1, 20000) == 1, "no answer to \"%s\" after \"%.*s\"", text,
                      (int)size, got);
        ssize_t more = read(s->from[0], got + size, sizeof got - size);
        ck_assert(more > 0);
        size += (size_t)more;
    }
    ck_assert_msg(size == need && !memcmp(got, wanted, need), "found \"%.*s\"", (int)size, got);
}

START_TEST(every_line_is_answered) {
    static const char *const threads[] = {"threads=1", "threads=2"};
    stream s;
    stream_open(&s, threads[_i], "input=auto", "output=horizontal");
    ask(&s, "A cat\n", "A_DET cat_NOUN\n");
    ask(&s, "\n", "\n");
    ask(&s, "Kim saw\nA river\n", "Kim_PROPN saw_VERB\nA_DET river_NOUN\n");
    for (int i = 0; i < 20; i++) ask(&s, "The cat\n", "The_DET cat_NOUN\n");
    ck_assert_int_eq(stream_close(&s), 0);
    stream_open(&s, threads[_i], "input=vertical", "output=vertical");
    ask(&s, "Kim\n\n", "Kim\tPROPN\tNNP\tNumber=Sing\n\n");
    ask(&s, "A\ncat\n\n", "A\tDET\tDT\tDefinite=Ind\ncat\tNOUN\tNN\tNumber=Sing\n\n");
    ck_assert_int_eq(stream_close(&s), 0);
}
END_TEST

/* Whoever stops reading ends us, also while we wait for room in the pipe. */
START_TEST(broken_pipe) {
    static const char *const threads[] = {"threads=1", "threads=2"};
    stream s;
    signal(SIGPIPE, SIG_IGN);
    stream_open(&s, threads[_i], "input=text", "output=horizontal");
    ask(&s, "A cat\n", "A_DET cat_NOUN\n");
    close(s.from[0]);
    s.from[0] = -1;
    /* The filter must end by itself: this end of its input stays open. */
    ck_assert_int_eq((int)write(s.to[1], "A cat\n", 6), 6);
    ck_assert_int_eq(pthread_join(s.thread, NULL), 0);
    ck_assert_int_eq(s.status, RILL_EIO);
    ck_assert_ptr_nonnull(strstr(s.error.message, "Broken pipe"));
    close(s.to[0]);
    close(s.to[1]);
    task_options_free(&s.o);
}
END_TEST

START_TEST(full_disk) {
    void *models[] = {task_tagger()};
    tag_options o;
    rill_error e = {0};
    int from = open(task_file("some", BYTES("A cat\nKim\n")), O_RDONLY);
    int to = open("/dev/full", O_WRONLY);
    if (to < 0) return;
    task_options_set(&o, "threads=2", NULL);
    ck_assert_int_eq(task_filter(&task_tag, models, 1, &o, from, "in", to, NULL, &e), RILL_EIO);
    ck_assert_ptr_nonnull(strstr(e.message, "No space left"));
    task_options_free(&o);
    close(from);
    close(to);
}
END_TEST

/* ---- size */

START_TEST(giant_token_and_giant_sentence) {
    enum { LETTERS = 1 << 20, WORDS = 100000 };
    buffer in = {0}, out = {0};
    rill_error e = {0};
    for (int i = 0; i < LETTERS; i++) buffer_add_char(&in, 'a');
    buffer_add_char(&in, '\n');
    for (int i = 0; i < WORDS; i++) buffer_add_text(&in, i % 2 ? "cat " : "A ");
    buffer_add_text(&in, "\nA cat\n");
    ck_assert_int_eq(run_tagger(task_tagger(), buffer_view(&in), &out, &e, "input=horizontal",
                                 "threads=2", NULL),
                     0);
    bytes rest = buffer_view(&out), line, piece;
    size_t lines = 0, words = 0;
    while (bytes_split(&rest, '\n', &line)) {
        for (bytes cut = line; lines == 1 && bytes_split(&cut, ' ', &piece);)
            words += piece.size > 0;
        lines++;
    }
    ck_assert_uint_eq(lines, 4);
    ck_assert_uint_eq(words, WORDS);
    ck_assert_str_eq(out.data + out.size - 15, "A_DET cat_NOUN\n");
    buffer_free(&in);
    buffer_free(&out);
}
END_TEST

/* A sentence of a broken file is tagged in pieces of 16384 words, whatever stands beside it. */
START_TEST(endless_sentence) {
    enum { PIECE = 1 << 14 };
    static const char *const settings[][2] = {{"probs=true", "batch=0"}, {"probs=true", "batch=1"}};
    tag_model *models[] = {task_tagger(), task_namer()};
    buffer whole = {0}, parts = {0}, one = {0}, two = {0};
    rill_error e = {0};
    for (int i = 0; i < PIECE + 77; i++) {
        const char *word = i % 5 == 4 ? "." : i % 3 ? "Kim" : "saw";
        buffer_printf(&whole, "%s\n", word);
        buffer_printf(&parts, "%s\n%s", word, i + 1 == PIECE ? "\n" : "");
    }
    for (int i = 0; i < 4; i++) {
        tag_model *m = models[i / 2];
        ck_assert_int_eq(run_tagger(m, buffer_view(&whole), &one, &e, "input=vertical",
                                     settings[i % 2][0], settings[i % 2][1], NULL),
                         0);
        ck_assert_int_eq(
            run_tagger(m, buffer_view(&parts), &two, &e, "input=vertical", "probs=true", NULL), 0);
        char *blank = strstr(two.data, "\n\n");
        ck_assert_ptr_nonnull(blank);
        memmove(blank, blank + 1, strlen(blank)); /* the blank line between the parts */
        two.size--;
        ck_assert(bytes_equal(buffer_view(&one), buffer_view(&two)));
    }
    ck_assert_int_eq(run_tagger(task_namer(), buffer_view(&whole), &one, &e, "input=vertical",
                                 "output=json", "nbest=2", NULL),
                     0);
    ck_assert_ptr_nonnull(strstr(one.data, "\"rank\":1,"));
    ck_assert_ptr_null(strstr(one.data, "\"rank\":2,"));
    buffer_free(&whole);
    buffer_free(&parts);
    buffer_free(&one);
    buffer_free(&two);
}
END_TEST

/* Resident memory does not grow with the stream: lines without words, since those with words take
 * time. */
START_TEST(memory_is_bounded) {
    enum { LINES = 1 << 21 };
    struct rusage before, after;
    const char *path = task_path("blank");
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < LINES; i++) fputs(i % 4096 ? "\n" : "A cat\n", f);
    ck_assert_int_eq(fclose(f), 0);
    void *models[] = {task_tagger()};
    tag_options o;
    rill_error e = {0};
    task_options_set(&o, "threads=2", "batch=0", NULL);
    int from = open(path, O_RDONLY), to = open("/dev/null", O_WRONLY);
    getrusage(RUSAGE_SELF, &before);
    ck_assert_int_eq(task_filter(&task_tag, models, 1, &o, from, "in", to, NULL, &e), 0);
    getrusage(RUSAGE_SELF, &after);
    printf("note: %d lines took %ld kB more\n", LINES, after.ru_maxrss - before.ru_maxrss);
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 60000);
    task_options_free(&o);
    close(from);
    close(to);
}
END_TEST

/* ---- sessions */

START_TEST(session_answers_text) {
    void *models[] = {task_tagger()};
    task_session *session;
    tag_options o;
    rill_error e = {0};
    bytes answer;
    task_options_set(&o, "output=horizontal", NULL);
    ck_assert_int_eq(task_session_new(&task_tag, models, 1, &o, &session, &e), 0);
    task_options_free(&o); /* they were copied */
    ck_assert_int_eq(task_session_apply(session, BYTES("A cat\nKim saw\n"), &answer, &e), 0);
    ck_assert(bytes_equal(answer, BYTES("A_DET cat_NOUN\nKim_PROPN saw_VERB\n")));
    ck_assert_int_eq(task_session_apply(session, BYTES(""), &answer, &e), 0);
    ck_assert_uint_eq(answer.size, 0);
    ck_assert_int_eq(task_session_apply(session, BYTES("A\n\xFF"), &answer, &e), RILL_EDATA);
    ck_assert_uint_eq(e.line, 2);
    ck_assert_uint_eq(e.column, 1);
    ck_assert_int_eq(task_session_apply(session, BYTES("A_X"), &answer, &e), 0);
    ck_assert(answer.size > 4);
    task_session_free(session);
    task_session_free(NULL);
}
END_TEST

/* A batch of one word at a time gives what the filter gives. */
START_TEST(session_equals_filter) {
    void *models[] = {task_tagger()};
    task_session *session;
    tag_options o;
    rill_error e = {0};
    bytes answer;
    buffer text = {0}, out = {0};
    make_text(40, &text);
    ck_assert_int_eq(run_tagger(task_tagger(), buffer_view(&text), &out, &e, "ranges=true", NULL),
                     0);
    task_options_set(&o, "ranges=true", "batch=1", NULL);
    ck_assert_int_eq(task_session_new(&task_tag, models, 1, &o, &session, &e), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(task_session_apply(session, buffer_view(&text), &answer, &e), 0);
        ck_assert(bytes_equal(answer, buffer_view(&out)));
    }
    task_session_free(session);
    task_options_free(&o);
    buffer_free(&text);
    buffer_free(&out);
}
END_TEST

TCase *apply_cases(void) {
    TCase *t = tcase_create("apply");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, same_bytes_for_batches_and_threads);
    tcase_add_test(t, same_bytes_of_chains);
    tcase_add_test(t, training_data_come_back);
    tcase_add_test(t, ensemble_of_equals);
    tcase_add_loop_test(t, every_line_is_answered, 0, 2);
    tcase_add_loop_test(t, broken_pipe, 0, 2);
    tcase_add_test(t, full_disk);
    tcase_add_test(t, giant_token_and_giant_sentence);
    tcase_add_test(t, endless_sentence);
    tcase_add_test(t, memory_is_bounded);
    tcase_add_test(t, session_answers_text);
    tcase_add_test(t, session_equals_filter);
    return t;
}
