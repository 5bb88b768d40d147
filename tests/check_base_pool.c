/* check_base_pool: every task runs once in every round, taken over where its worker is held up; and
 * the pool survives forks. check_base_condvar.c compiles these tests once more, over the portable way of sleeping. */
#include "check_base.h"

#include "base/pool.h"
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_TASKS = 9 };

typedef struct tally {
    int ran[MOST_TASKS], worker[MOST_TASKS];
    int round;
    long nap_ns;
} tally;

static void count_task(void *data, int task, int worker) {
    tally *t = data;
    if (t->nap_ns) nanosleep(&(struct timespec){.tv_nsec = t->nap_ns}, NULL);
    t->ran[task] += t->round;
    t->worker[task] = worker;
}

/* Rounds of 0..8 tasks; what a round wrote must be there when pool_run returns. */
static void run_rounds(pool *p, int rounds, long nap_ns) {
    tally t = {.nap_ns = nap_ns};
    int sum[MOST_TASKS] = {0};
    for (t.round = 1; t.round <= rounds; t.round++) {
        int count = t.round * 7 % MOST_TASKS;
        pool_run(p, count, count_task, &t);
        for (int i = 0; i < MOST_TASKS; i++) {
            if (i < count) sum[i] += t.round;
            ck_assert_int_eq(t.ran[i], sum[i]);
            if (i < count) ck_assert(t.worker[i] >= 0 && t.worker[i] < pool_threads(p));
        }
    }
}

START_TEST(pool_runs_all) {
    static const int threads[] = {1, 2, 3, 4};
    pool *p;
    ck_assert_int_eq(pool_new(threads[_i], &p, NULL), 0);
    ck_assert_int_eq(pool_threads(p), threads[_i]);
    run_rounds(p, 3000, 0);
    pool_free(p);
}
END_TEST

/* Both sides have to sleep: tasks of 100 microseconds, and pauses between the rounds. */
START_TEST(pool_sleeps_and_wakes) {
    pool *p;
    ck_assert_int_eq(pool_new(3, &p, NULL), 0);
    run_rounds(p, 60, 100000);
    for (int i = 0; i < 30; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
        run_rounds(p, 5, 0);
    }
    pool_free(p);
}
END_TEST

/* Tasks of the worker end when the caller has done all others. */
typedef struct takeover {
    atomic_int by_caller, by_worker;
} takeover;

static void takeover_task(void *data, int task, int worker) {
    takeover *t = data;
    (void)task;
    if (worker == 0) {
        atomic_fetch_add(&t->by_caller, 1);
        return;
    }
    atomic_fetch_add(&t->by_worker, 1);
    while (atomic_load(&t->by_caller) < MOST_TASKS - 1) sched_yield();
}

START_TEST(pool_takes_over) {
    pool *p;
    ck_assert_int_eq(pool_new(2, &p, NULL), 0);
    for (int i = 0; i < 200; i++) {
        takeover t = {0};
        pool_run(p, MOST_TASKS, takeover_task, &t);
        ck_assert_int_le(atomic_load(&t.by_worker), 1);
        ck_assert_int_eq(atomic_load(&t.by_worker) + atomic_load(&t.by_caller), MOST_TASKS);
    }
    pool_free(p);
}
END_TEST

START_TEST(pool_edges) {
    rill_error e;
    pool *p = NULL;
    ck_assert_int_eq(pool_new(0, &p, &e), RILL_EUSAGE);
    ck_assert_ptr_null(p);
    ck_assert_int_eq(pool_new(1000000, &p, &e), RILL_EUSAGE);
    run_rounds(NULL, 50, 0);
    ck_assert_int_eq(pool_threads(NULL), 1);
    ck_assert_int_ge(pool_cpus(), 1);
    pool_free(NULL);
    for (int i = 0; i < 50; i++) { /* never used, used once */
        ck_assert_int_eq(pool_new(1 + i % 4, &p, NULL), 0);
        if (i % 2) run_rounds(p, 1, 0);
        pool_free(p);
    }
}
END_TEST

/* A child made after the pool was used: 0 ignores it, 1 uses it, 2 frees it, 3 makes its own. */
START_TEST(pool_forks) {
#ifdef __SANITIZE_THREAD__
    if (_i == 3)
        return; /* ThreadSanitizer allows no new threads in the child of a threaded program */
#endif
    pool *p, *own;
    ck_assert_int_eq(pool_new(2, &p, NULL), 0);
    run_rounds(p, 20, 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(20);
        tally t = {.round = 1};
        if (_i == 1) pool_run(p, 8, count_task, &t);
        if (_i == 2) pool_free(p);
        if (_i == 3) {
            if (pool_new(2, &own, NULL)) _exit(2);
            pool_run(own, 8, count_task, &t);
            pool_free(own);
        }
        _exit(_i % 2 && t.ran[7] != 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    run_rounds(p, 20, 0);
    pool_free(p);
}
END_TEST

TCase *tcase_pool(void) {
    TCase *t = tcase_create("pool");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, pool_runs_all, 0, 4);
    tcase_add_test(t, pool_sleeps_and_wakes);
    tcase_add_test(t, pool_takes_over);
    tcase_add_test(t, pool_edges);
    tcase_add_loop_test(t, pool_forks, 0, 4);
    return t;
}
