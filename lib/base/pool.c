/* pool: a few worker threads with static partition.
 *
 * One round: the caller writes the job, sets `pending` to the number of workers and steps `round`;
 * every worker sees the step, does its tasks and takes one off `pending`; the caller does its own
 * tasks and waits for 0. Both waits spin about 10 microseconds, then sleep on the word they watch.
 *
 * Nobody is woken who does not sleep: a sleeper announces itself (`sleepers`, `caller_sleeps`)
 * before it looks at the word for the last time, a waker changes the word before it looks for
 * sleepers. All four accesses are sequentially consistent, so one of the two sees the other.
 *
 * A forked child has no workers. It is told by its process number and does all tasks on its own.
 *
 * Memory map: the two watched words stand on cache lines of their own, so that workers counting
 * down do not disturb those still waiting for the next round.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "base/pool.h"

#include "base/mem.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__) && !defined(POOL_CONDVAR)
#define POOL_FUTEX 1
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

enum { SPIN_NS = 10000, MOST_THREADS = 1024 };

typedef _Atomic uint32_t word;

typedef struct seat {
    pool *pool;
    int worker; /* 1.. */
    pthread_t thread;
} seat;

struct pool {
    _Alignas(64) word round;   /* stepped once per job */
    word sleepers;             /* workers that sleep, or are about to, on `round` */
    _Alignas(64) word pending; /* workers that are not done with this round */
    word caller_sleeps;
    _Alignas(64) int threads; /* the rest is written before `round` steps, and only read after */
    int count;
    pool_work *work; /* NULL: leave */
    void *data;
    seat *seats; /* [threads - 1] */
    int started; /* threads that run */
    pid_t owner;
#ifndef POOL_FUTEX
    pthread_mutex_t lock;
    pthread_cond_t changed;
#endif
};

#ifdef POOL_FUTEX

static bool sleep_new(pool *p) {
    (void)p;
    return true;
}

static void sleep_free(pool *p) {
    (void)p;
}

/* Sleeps while *w is `seen`; may wake early. */
static void sleep_on(pool *p, word *w, uint32_t seen) {
    (void)p;
    syscall(SYS_futex, (uint32_t *)w, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void wake(pool *p, word *w) {
    (void)p;
    syscall(SYS_futex, (uint32_t *)w, FUTEX_WAKE_PRIVATE, MOST_THREADS, NULL, NULL, 0);
}

#else

static bool sleep_new(pool *p) {
    if (pthread_mutex_init(&p->lock, NULL)) return false;
    if (pthread_cond_init(&p->changed, NULL) == 0) return true;
    pthread_mutex_destroy(&p->lock);
    return false;
}

static void sleep_free(pool *p) {
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
}

static void sleep_on(pool *p, word *w, uint32_t seen) {
    pthread_mutex_lock(&p->lock);
    if (atomic_load(w) == seen) pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

/* One condition serves both words: the wrong ones look again and go back to sleep. */
static void wake(pool *p, word *w) {
    (void)w;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

#endif

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Tells the processor that this is a spin loop: saves power and frees the sibling thread. */
static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

/* The clock is read every 32 looks; a wait that ends at once never reads it. Acquire makes what the
 * other side wrote before its step visible here.
 * Spins until (*w == value) == equal, or the time is over; true when the wait is done. */
static bool spin(word *w, uint32_t value, bool equal) {
    int64_t end = 0;
    for (;;) {
        for (int i = 0; i < 32; i++) {
            if ((atomic_load_explicit(w, memory_order_acquire) == value) == equal) return true;
            relax();
        }
        int64_t now = now_ns();
        if (end == 0) end = now + SPIN_NS;
        if (now >= end) return false;
    }
}

/* Returns the number of the next round. */
static uint32_t wait_round(pool *p, uint32_t seen) {
    if (!spin(&p->round, seen, false)) {
        atomic_fetch_add(&p->sleepers, 1);
        while (atomic_load(&p->round) == seen) sleep_on(p, &p->round, seen);
        atomic_fetch_sub(&p->sleepers, 1);
    }
    return atomic_load_explicit(&p->round, memory_order_acquire);
}

/* The last worker to finish wakes the caller, so a sleeper may see several values go by. */
static void wait_pending(pool *p) {
    if (spin(&p->pending, 0, true)) return;
    atomic_store(&p->caller_sleeps, 1);
    for (uint32_t left; (left = atomic_load(&p->pending)) != 0;) sleep_on(p, &p->pending, left);
    atomic_store(&p->caller_sleeps, 0);
}

/* Tasks worker, worker + threads, ...: the same worker gets the same rows in every round. */
static void do_tasks(const pool *p, int worker) {
    for (int task = worker; task < p->count; task += p->threads) p->work(p->data, task, worker);
}

/* A job without work is the order to leave; only pool_free gives it. */
static void *worker_main(void *argument) {
    const seat *own = argument;
    pool *p = own->pool;
    uint32_t seen = 0;
    for (;;) {
        seen = wait_round(p, seen);
        if (!p->work) return NULL;
        do_tasks(p, own->worker);
        if (atomic_fetch_sub(&p->pending, 1) == 1 && atomic_load(&p->caller_sleeps))
            wake(p, &p->pending);
    }
}

/* All workers take part, also those without a task: the next round may only begin when everybody is
 * done reading this one. The plain writes are published by the step of `round`. */
static void start_round(pool *p, int count, pool_work *work, void *data) {
    p->count = count;
    p->work = work;
    p->data = data;
    atomic_store_explicit(&p->pending, (uint32_t)p->started, memory_order_relaxed);
    atomic_fetch_add(&p->round, 1);
    if (atomic_load(&p->sleepers)) wake(p, &p->round);
}

/* Starts the workers with all signals blocked: the host's handlers run on the host's threads. */
static int start_threads(pool *p, rill_error *error) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = RILL_OK;
    for (int i = 0; i < p->threads - 1 && status == RILL_OK; i++) {
        seat *s = &p->seats[i];
        *s = (seat){.pool = p, .worker = i + 1};
        if (pthread_create(&s->thread, NULL, worker_main, s)) {
            status =
                status_fail(error, RILL_ENOMEM, "cannot start thread %d of %d", i + 2, p->threads);
        } else {
            p->started++;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

int pool_new(int threads, pool **out, rill_error *error) {
    *out = NULL;
    if (threads < 1 || threads > MOST_THREADS)
        return status_fail(error, RILL_EUSAGE, "%d threads asked for, expected 1 to %d", threads,
                           MOST_THREADS);
    pool *p = aligned_alloc(_Alignof(pool), sizeof *p);
    if (!p) return status_nomem(error);
    *p = (pool){.threads = threads, .owner = getpid()};
    p->seats = mem_new((size_t)threads, sizeof *p->seats);
    if (!p->seats || !sleep_new(p)) {
        free(p->seats);
        free(p);
        return status_nomem(error);
    }
    int status = start_threads(p, error);
    if (status < 0) {
        pool_free(p);
        return status;
    }
    *out = p;
    return RILL_OK;
}

/* One task is not worth waking anybody for. */
void pool_run(pool *p, int count, pool_work *work, void *data) {
    if (!p || p->threads == 1 || count < 2 || getpid() != p->owner) {
        for (int task = 0; task < count; task++) work(data, task, 0);
        return;
    }
    start_round(p, count, work, data);
    do_tasks(p, 0);
    wait_pending(p);
}

int pool_threads(const pool *p) {
    return p ? p->threads : 1;
}

void pool_free(pool *p) {
    if (!p) return;
    if (getpid() == p->owner) { /* a child has nobody to join and must not touch the locks */
        start_round(p, 0, NULL, NULL);
        for (int i = 0; i < p->started; i++) pthread_join(p->seats[i].thread, NULL);
        sleep_free(p);
    }
    free(p->seats);
    free(p);
}

/* The affinity mask counts what taskset or a batch system left to this process. */
int pool_cpus(void) {
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
