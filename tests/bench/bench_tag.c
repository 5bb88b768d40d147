/* bench_tag: the tagger against the limit of this machine, and against PyTorch.
 *
 *     bench_tag PEER.py [MODEL GOLD]
 *
 * Trains the default network for one epoch on invented text, tags with what comes out, and prints
 * words per second as a share of the peak: fused multiply-adds that never leave the registers, on
 * as many threads, measured in turns with the work. With a model and a file of tagged sentences the
 * tagging is measured on those as well.
 *
 * A shared machine changes its mind by the second. Hence every piece of work (a training step, a
 * portion of sentences) is timed by itself, the whole is repeated in several rounds (BENCH_ROUNDS),
 * rill and PyTorch in turns, and the least time of each piece counts; all runs have the same
 * pieces, since batches depend on the seed alone. The first steps of a training, which touch its
 * memory for the first time, are not measured; PyTorch's process keeps its memory from round to round.
 *
 * Each measurement is a child process, which also tells its peak memory; the parent stays small and
 * has no threads, so that forking is cheap and safe. Results come back in shared memory.
 */
#include "bench.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRAIN_WORDS = 7000, TAG_WORDS = 24000 }; /* about 12 pieces of each, and those not measured */

/* ---- PyTorch: a process that is told "train 2" and answers with seconds, one for each batch */

static bool read_answer(const bench *b, char *line, size_t size) {
    size_t n = 0;
    while (n + 1 < size && read(b->answer, line + n, 1) == 1 && line[n] != '\n') n++;
    line[n] = 0;
    return n > 0;
}

static void peer_exec(const char *script, const char *cases, int in, int out) {
    const char *python = getenv("PYTHON");
    dup2(in, 0);
    dup2(out, 1);
    if (!python) python = "/usr/bin/python3"; /* Debian's own, which sees python3-torch */
    execlp(python, python, script, cases, (char *)NULL);
    _exit(127);
}

static void peer_stop(bench *b) {
    if (b->ask < 0) return;
    close(b->ask);
    close(b->answer);
    waitpid(b->peer, NULL, 0);
    b->ask = b->answer = -1;
}

static void peer_start(bench *b, const char *script) {
    int to[2], from[2];
    if (pipe(to) || pipe(from)) bench_fail("pipe", "cannot be made");
    /* Only what becomes standard input and output is the peer's. */
    for (int i = 0; i < 2; i++) {
        fcntl(to[i], F_SETFD, FD_CLOEXEC);
        fcntl(from[i], F_SETFD, FD_CLOEXEC);
    }
    b->peer = fork();
    if (b->peer == 0) peer_exec(script, b->cases, to[0], from[1]);
    close(to[0]);
    close(from[1]);
    b->ask = to[1];
    b->answer = from[0];
    if (!read_answer(b, b->peer_name, sizeof b->peer_name)) {
        snprintf(b->peer_name, sizeof b->peer_name, "absent: no python3");
    }
    if (!strncmp(b->peer_name, "absent", 6)) peer_stop(b);
}

static void ask_peer(bench *b, const char *what, int threads, series *s) {
    static char line[PIECES * 16];
    if (b->ask < 0) return;
    dprintf(b->ask, "%s %d\n", what, threads);
    if (!read_answer(b, line, sizeof line)) bench_fail("PyTorch", "no answer");
    char *at = line, *end;
    int piece = 0;
    for (double x; x = strtod(at, &end), end > at; at = end) series_add(s, piece++, x);
    s->memory = s->seconds[--s->pieces]; /* the last number is its memory */
    s->seconds[s->pieces] = 0;
}

/* ---- one text: everything in turns, several times */

static void set_path(const bench *b, char path[PATH], const char *name) {
    snprintf(path, PATH, "%s/%s", b->folder, name);
}

static void prepare(bench *b) {
    if (b->own) {
        text_invent(b->train, TRAIN_WORDS, 1);
        text_invent(b->tagged, TAG_WORDS, 2);
        text_read(&b->train_text, b->train);
        plan_training(&b->train_text, &b->training);
        run_child(b, 1, do_training, &b->r->of[TRAIN][1]); /* the model */
    }
    text_read(&b->tag_text, b->tagged);
    text_raw(b->tagged, b->raw);
    plan_tagging(&b->tag_text, &b->tagging);
    tag_model *m = open_tagger(b->model);
    b->macs = macs_of(&m->net.config);
    cases_write(b->cases, &m->net.config, &b->train_text, b->own ? &b->training : NULL,
                &b->tag_text, &b->tagging);
    task_model_free(&task_tag, m);
}

static void one_round(bench *b) {
    results *r = b->r;
    for (int n = 1; n <= THREADS; n++) {
        if (b->own) run_child(b, n, do_training, &r->of[TRAIN][n]);
        if (b->own) ask_peer(b, "train", n, &r->of[PEER_TRAIN][n]);
        run_child(b, n, do_tagging, &r->of[TAG][n]);
        ask_peer(b, "tag", n, &r->of[PEER_TAG][n]);
        run_child(b, n, do_stream, &r->of[STREAM][n]);
    }
    run_child(b, 1, do_load, NULL);
}

static void remove_files(const bench *b) {
    const char *const files[] = {
        b->train, b->out, b->cases, b->raw, b->own ? b->tagged : NULL, b->own ? b->model : NULL};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (files[i]) unlink(files[i]);
    }
    rmdir(b->folder);
}

/* model, data: NULL for those of the bench itself. */
static void run_bench(const char *script, const char *model, const char *data, int rounds) {
    bench b = {.folder = "/tmp/rill-bench-XXXXXX", .own = !model, .ask = -1, .answer = -1};
    if (!mkdtemp(b.folder)) bench_fail(b.folder, "cannot be made");
    b.r = mmap(NULL, sizeof *b.r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b.r == MAP_FAILED) bench_fail("results", "out of memory");
    set_path(&b, b.model, "model.rill");
    set_path(&b, b.tagged, "tagged.conllu");
    set_path(&b, b.train, "train.conllu");
    set_path(&b, b.raw, "raw.txt");
    set_path(&b, b.out, "out.conllu");
    set_path(&b, b.cases, "cases.json");
    if (model) snprintf(b.model, PATH, "%s", model);
    if (data) snprintf(b.tagged, PATH, "%s", data);
    prepare(&b);
    peer_start(&b, script);
    for (int i = 0; i < rounds; i++) {
        fprintf(stderr, "bench: round %d of %d\n", i + 1, rounds);
        one_round(&b);
    }
    peer_stop(&b);
    print_report(&b, rounds);
    remove_files(&b);
    text_free(&b.train_text);
    text_free(&b.tag_text);
    batch_free(&b.training);
    batch_free(&b.tagging);
    munmap(b.r, sizeof *b.r);
}

int main(int argc, char **argv) {
    const char *wanted = getenv("BENCH_ROUNDS");
    int rounds = wanted && atoi(wanted) > 0 ? atoi(wanted) : 3;
    double load;
    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: bench_tag PEER.py [MODEL GOLD]\n");
        return 2;
    }
    if (getloadavg(&load, 1) == 1 && load > 0.5) {
        printf("This machine is busy (load %.1f): times of several threads suffer most.\n", load);
    }
    signal(SIGPIPE, SIG_IGN);
    run_bench(argv[1], NULL, NULL, rounds);
    if (argc == 4) run_bench(argv[1], argv[2], argv[3], rounds);
    return 0;
}
