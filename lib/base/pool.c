/* pool: a few worker threads; whoever is done with its tasks takes over those of others.
 *
 * One round: the caller writes the job, gives every thread its share, steps `round`, works, and waits
 * until all tasks are done. A thread first takes the tasks of its own share, then what is left of the
 * others'. So nobody waits for a worker that still sleeps, or that another program keeps from its
 * processor, unless that worker has begun: a worker that comes late finds nothing left and waits for
 * the next round.
 *
 * A share is one word, (round, tasks left), and is taken from by comparing and swapping the whole
 * word: who read the share of a round that is over can't take from the next one. Who has taken a
 * task may read the job, for the caller waits for that task.
 *
 * Both waits spin, then sleep on the word they watch. Nobody is woken who does not sleep: a sleeper
 * announces itself (`sleepers`, `caller_sleeps`) before it looks at the word for the last time, a
 * waker changes the word before it looks for sleepers. All four accesses are sequentially
 * consistent, so one of the two sees the other.
 *
 * A forked child has no workers. It is told by its process number and does all tasks on its own.
 *
 * Memory map: what several threads write stands on cache lines of its own.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__) && !defined(POOL_CONDVAR)
#define POOL_FUTEX 1
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

enum { SPIN_NS = 100000, MOST_THREADS = 1024 };

typedef _Atomic uint32_t word;

/* One thread; that of seat 0 is the caller. */
typedef struct seat {
    _Alignas(64) _Atomic uint64_t share; /* round << 32 | tasks left */
    pool *pool;
    int worker; /* its own number */
    pthread_t thread;
} seat;

struct pool {
    _Alignas(64) word round; /* stepped once per job */
    word sleepers;           /* workers that sleep, or are about to, on `round` */
    _Alignas(64) word left;  /* tasks of this round that are not done */
    word caller_sleeps;
    _Alignas(64) int threads; /* the rest is written before `round` steps */
    pool_work *work;
    void *data;
    _Atomic bool leave;
    seat *seats; /* [threads] */
    int started; /* threads that run beside the caller */
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

/* Whoever finishes the last task wakes the caller, so a sleeper may see several values go by. */
static void wait_done(pool *p) {
    if (spin(&p->left, 0, true)) return;
    atomic_store(&p->caller_sleeps, 1);
    for (uint32_t left; (left = atomic_load(&p->left)) != 0;) sleep_on(p, &p->left, left);
    atomic_store(&p->caller_sleeps, 0);
}

/* A task from the share of `owner`, or -1. */
static int take_task(pool *p, uint32_t round, int owner) {
    _Atomic uint64_t *share = &p->seats[owner].share;
    uint64_t seen = atomic_load_explicit(share, memory_order_acquire);
    while (seen >> 32 == round && (uint32_t)seen > 0) {
        if (atomic_compare_exchange_weak_explicit(share, &seen, seen - 1, memory_order_acquire,
                                                  memory_order_acquire)) {
            return owner + ((int)(uint32_t)seen - 1) * p->threads;
        }
    }
    return -1;
}

/* All that one thread does in a round. */
static void do_tasks(pool *p, uint32_t round, int worker) {
    uint32_t done = 0;
    for (int i = 0; i < p->threads; i++) {
        int owner = (worker + i) % p->threads;
        for (int task; (task = take_task(p, round, owner)) >= 0; done++) {
            p->work(p->data, task, worker);
        }
    }
    if (done && atomic_fetch_sub(&p->left, done) == done && atomic_load(&p->caller_sleeps)) {
        wake(p, &p->left);
    }
}

static void *worker_main(void *argument) {
    const seat *own = argument;
    pool *p = own->pool;
    for (uint32_t seen = 0;;) {
        seen = wait_round(p, seen);
        if (atomic_load(&p->leave)) return NULL;
        do_tasks(p, seen, own->worker);
    }
}

static void next_round(pool *p, uint32_t round) {
    atomic_store(&p->round, round);
    if (atomic_load(&p->sleepers)) wake(p, &p->round);
}

/* Tasks i, i + threads, ... are the share of thread i. The job is published with each share. */
static uint32_t start_round(pool *p, int count, pool_work *work, void *data) {
    const uint32_t round = atomic_load(&p->round) + 1;
    p->work = work;
    p->data = data;
    atomic_store_explicit(&p->left, (uint32_t)count, memory_order_relaxed);
    for (int i = 0; i < p->threads; i++) {
        uint32_t tasks = count > i ? (uint32_t)((count - 1 - i) / p->threads + 1) : 0;
        atomic_store_explicit(&p->seats[i].share, (uint64_t)round << 32 | tasks,
                              memory_order_release);
    }
    next_round(p, round);
    return round;
}

/* Starts the workers with all signals blocked: the host's handlers run on the host's threads. */
static int start_threads(pool *p, rill_error *error) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = RILL_OK;
    for (int i = 1; i < p->threads && status == RILL_OK; i++) {
        seat *s = &p->seats[i];
        s->pool = p;
        s->worker = i;
        if (pthread_create(&s->thread, NULL, worker_main, s)) {
            status =
                status_fail(error, RILL_ENOMEM, "cannot start thread %d of %d", i + 1, p->threads);
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
    p->seats = aligned_alloc(_Alignof(seat), (size_t)threads * sizeof *p->seats);
    if (!p->seats || !sleep_new(p)) {
        free(p->seats);
        free(p);
        return status_nomem(error);
    }
    memset(p->seats, 0, (size_t)threads * sizeof *p->seats);
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
    uint32_t round = start_round(p, count, work, data);
    do_tasks(p, round, 0);
    wait_done(p);
}

int pool_threads(const pool *p) {
    return p ? p->threads : 1;
}

void pool_free(pool *p) {
    if (!p) return;
    if (getpid() == p->owner) { /* a child has nobody to join and must not touch the locks */
        atomic_store(&p->leave, true);
        next_round(p, atomic_load(&p->round) + 1);
        for (int i = 1; i <= p->started; i++) pthread_join(p->seats[i].thread, NULL);
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
