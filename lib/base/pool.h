/* pool: a few worker threads and one way to use them.
 *
 * pool_run calls work(data, task, worker) once for every task in 0..count-1 and returns when all are
 * done. Tasks i, i + threads, ... are the share of worker i (the same in every round, so caches stay
 * warm), worker 0 is the caller; who is done with its share takes over what others have not begun.
 * Waiting spins about 100 microseconds, then sleeps on a futex. Results must not depend on who runs
 * what: tasks write to places of their own.
 * Workers block all signals. In a forked child, where there are no workers, the caller does all.
 */
#ifndef RILL_BASE_POOL_H
#define RILL_BASE_POOL_H

#include "base/status.h"

typedef struct pool pool;
typedef void pool_work(void *data, int task, int worker);

/* threads >= 1; with 1 no thread is started. */
MUST_USE int pool_new(int threads, pool **out, rill_error *error);
/* p may be NULL: all tasks run on the caller, in order. Not reentrant: a task must not call it with
 * the same pool. */
void pool_run(pool *p, int count, pool_work *work, void *data);
int pool_threads(const pool *p); /* 1 for NULL */
void pool_free(pool *p);
int pool_cpus(void); /* processors this process may use */

#endif
