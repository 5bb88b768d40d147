/* filter: see filter.h.
 *
 * Memory map of the ring: batch i lives in ring[i mod size]. Three counters chase each other,
 *
 *     tail (next to be written) <= claimed (next to be worked on) <= head (next to be filled)
 *
 * and head - tail <= size. Batches from claimed to head wait for a worker; those from tail to
 * claimed are at work or done. Everything in `run` is guarded by its lock, except that a batch
 * belongs to one thread: the reader until head passes it, then the worker that claimed it, then the
 * thread that writes (there is one at a time), then the reader again.
 *
 * Nobody has the writer's job: a worker that finishes a batch while no other one is writing writes
 * all batches that are due. A worker that waits for a slow consumer holds up nobody but the order.
 */
#include "task/filter.h"
#include "model/train.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP_BYTES = 1 << 20 }; /* an output buffer larger than this is not kept */

typedef struct batch {
    char *slot;         /* [count] of slot_size bytes, [room] zeroed or used before */
    size_t count, room; /* records */
    size_t cost;
    buffer out;
    bool done;
    int status; /* of the work */
    rill_error error;
} batch;

typedef struct run {
    const filter_task *task;
    size_t budget;
    writer *writer;
    batch *ring;
    size_t size;
    size_t head, claimed, tail; /* they only grow; 2^64 batches are never reached */
    size_t cost;                /* of all batches from tail to head */
    bool ended;                 /* no batch will follow */
    bool writing;               /* somebody is in write_due */
    int status; /* the first failure of a worker or the writer; nothing is written after it */
    rill_error error;
    pthread_mutex_t lock;
    pthread_cond_t todo, done; /* a batch waits for a worker, or ended; a batch was written */
} run;

/* ---- working and writing */

/* The batch's output, then its failure if it has one. */
static int write_batch(run *r, batch *b) {
    rill_error *error = &b->error;
    if (b->out.failed) return status_nomem(error);
    TRY(writer_add_bytes(r->writer, buffer_view(&b->out), error));
    return b->status;
}

/* Ready for the reader again. Slots keep their memory: the next records are read into it. */
static void empty_batch(batch *b) {
    if (b->out.capacity > KEEP_BYTES) buffer_free(&b->out);
    buffer_clear(&b->out);
    b->count = b->cost = 0;
    b->done = false;
}

/* Writes the batches that are due. The lock is held on entry and on return, not meanwhile. */
static void write_due(run *r) {
    r->writing = true;
    while (r->tail < r->claimed && r->ring[r->tail % r->size].done) {
        batch *b = &r->ring[r->tail % r->size];
        int status = r->status; /* after a failure batches are only counted */
        pthread_mutex_unlock(&r->lock);
        if (status == 0) status = write_batch(r, b);
        size_t cost = b->cost;
        pthread_mutex_lock(&r->lock);
        if (status < 0 && r->status == 0) {
            r->status = status;
            r->error = b->error;
        }
        empty_batch(b);
        r->cost -= cost;
        r->tail++;
        pthread_cond_broadcast(&r->done);
    }
    r->writing = false;
}

/* The failure is kept with the output: it is told when the output has been written. */
static void do_batch(run *r, void *worker, batch *b) {
    const filter_task *t = r->task;
    b->status = t->work(t->self, worker, b->slot, b->count, &b->out, &b->error);
}

/* One thread and what it works with. */
typedef struct seat {
    run *run;
    void *worker;
    pthread_t thread;
    bool started;
} seat;

/* Takes the next batch that nobody has, until there will be none. */
static void *worker_main(void *argument) {
    seat *own = argument;
    run *r = own->run;
    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (r->claimed == r->head && !r->ended) pthread_cond_wait(&r->todo, &r->lock);
        if (r->claimed == r->head) break;
        batch *b = &r->ring[r->claimed++ % r->size];
        bool useless = r->status < 0;
        pthread_mutex_unlock(&r->lock);
        if (!useless) do_batch(r, own->worker, b);
        pthread_mutex_lock(&r->lock);
        b->done = true;
        if (!r->writing) write_due(r);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* ---- reading */

/* Room for one more record; NULL when out of memory. */
static void *next_slot(run *r, batch *b) {
    size_t size = r->task->slot_size, before = b->room;
    if (b->count == before) {
        if (mem_grow(&b->slot, &b->room, b->count + 1, size) < 0) return NULL;
        memset(b->slot + before * size, 0, (b->room - before) * size);
    }
    return b->slot + b->count * size;
}

/* Fills a batch: 1 when more may follow, 0 at the end of the input, negative on failure. */
static int fill_batch(run *r, batch *b, rill_error *error) {
    const filter_task *t = r->task;
    do {
        size_t cost = 1;
        void *slot = next_slot(r, b);
        if (!slot) return status_nomem(error);
        int more = t->read(t->self, slot, &cost, error);
        if (more <= 0) return more;
        b->count++;
        b->cost += cost;
    } while (b->cost < r->budget && t->ready(t->self));
    return 1;
}

/* Also how the reader learns that writing failed: it never reads on for nobody.
 * Waits until the batches in flight cost at most `most` and one of the ring is free. */
static int wait_for_room(run *r, size_t most) {
    pthread_mutex_lock(&r->lock);
    while (r->status == 0 && (r->cost > most || r->head - r->tail == r->size)) {
        pthread_cond_wait(&r->done, &r->lock);
    }
    int status = r->status;
    pthread_mutex_unlock(&r->lock);
    return status;
}

/* Everything that was read is written out: nobody waits for an answer that we hold back. */
static int flush_all(run *r, rill_error *error) {
    TRY(wait_for_room(r, 0));
    return writer_flush(r->writer, error);
}

/* Hands a batch to the workers, or does it here when there are none. */
static void submit(run *r, batch *b, void *worker) {
    if (b->count == 0) return;
    if (worker) do_batch(r, worker, b);
    pthread_mutex_lock(&r->lock);
    r->cost += b->cost;
    r->head++;
    if (worker) {
        r->claimed++;
        b->done = true;
        write_due(r);
    } else {
        pthread_cond_signal(&r->todo);
    }
    pthread_mutex_unlock(&r->lock);
}

/* The reader's loop. worker: the only one, or NULL when there are threads. Reading may block only
 * when all is written, unless a record is there in part: then it is its sender's turn. */
static int read_all(run *r, void *worker, const rill_hooks *hooks, rill_error *error) {
    const filter_task *t = r->task;
    int more = 1;
    while (more > 0) {
        TRY(train_go_on(hooks, error));
        if (!t->ready(t->self)) TRY(flush_all(r, error));
        TRY(wait_for_room(r, r->budget * r->size));
        batch *b = &r->ring[r->head % r->size];
        more = fill_batch(r, b, error);
        submit(r, b, worker);
    }
    return more;
}

/* ---- the whole run: workers are made before threads start and freed after they have ended, all by
 * the caller, so a task's worker functions need no lock. */

/* Signals stay with the host's threads. */
static int start_workers(seat *seats, int threads, rill_error *error) {
    sigset_t all, before;
    int status = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < threads && status == 0; i++) {
        seats[i].started = !pthread_create(&seats[i].thread, NULL, worker_main, &seats[i]);
        if (!seats[i].started) {
            status =
                status_fail(error, RILL_ENOMEM, "cannot start thread %d of %d", i + 1, threads);
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

static void stop_workers(run *r, seat *seats, int threads) {
    pthread_mutex_lock(&r->lock);
    r->ended = true;
    pthread_cond_broadcast(&r->todo);
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < threads; i++) {
        if (seats[i].started) pthread_join(seats[i].thread, NULL);
    }
}

static int make_workers(run *r, seat *seats, int threads, rill_error *error) {
    for (int i = 0; i < threads; i++) {
        seats[i].run = r;
        TRY(r->task->worker_new(r->task->self, &seats[i].worker, error));
    }
    return 0;
}

static int run_all(run *r, seat *seats, int threads, const rill_hooks *hooks, rill_error *error) {
    TRY(make_workers(r, seats, threads, error));
    int status = threads > 1 ? start_workers(seats, threads, error) : 0;
    if (status == 0) {
        status = read_all(r, threads > 1 ? NULL : seats[0].worker, hooks, error);
    }
    /* Batches before a fault of the input are still at work; they come first. */
    stop_workers(r, seats, threads);
    /* What was written before a fault comes out in any case; the first fault is told. */
    rill_error late;
    int flushed = writer_flush(r->writer, &late);
    if (r->status < 0) {
        late = r->error;
        status = r->status;
    } else if (status == 0) {
        status = flushed;
    } else {
        return status;
    }
    if (status < 0 && error) *error = late;
    return status;
}

/* Slots beyond `count` may have been used by an earlier batch, hence all that there is room for. */
static void run_free(run *r, seat *seats, int threads) {
    for (int i = 0; seats && i < threads; i++) {
        if (seats[i].worker) r->task->worker_free(seats[i].worker);
    }
    for (size_t i = 0; r->ring && i < r->size; i++) {
        batch *b = &r->ring[i];
        for (size_t k = 0; k < b->room; k++) r->task->slot_free(b->slot + k * r->task->slot_size);
        free(b->slot);
        buffer_free(&b->out);
    }
    free(r->ring);
    free(seats);
}

int filter_run(const filter_task *task, int threads, size_t budget, writer *out,
               const rill_hooks *hooks, rill_error *error) {
    run r = {.task = task, .budget = budget, .writer = out};
    r.size = threads > 1 ? 2 * (size_t)threads + 1 : 1;
    if (pthread_mutex_init(&r.lock, NULL)) return status_nomem(error);
    int status = pthread_cond_init(&r.todo, NULL) ? status_nomem(error) : 0;
    if (status == 0 && pthread_cond_init(&r.done, NULL)) {
        pthread_cond_destroy(&r.todo);
        status = status_nomem(error);
    }
    if (status == 0) {
        seat *seats = mem_new((size_t)threads, sizeof *seats);
        r.ring = mem_new(r.size, sizeof *r.ring);
        status = seats && r.ring ? run_all(&r, seats, threads, hooks, error) : status_nomem(error);
        run_free(&r, seats, threads);
        pthread_cond_destroy(&r.todo);
        pthread_cond_destroy(&r.done);
    }
    pthread_mutex_destroy(&r.lock);
    return status;
}
