/* check_base_condvar: pool.c and its tests once more, with condition variables in place of futexes,
 * as systems other than Linux have it. The names change so that both can be in one program. */
#define POOL_CONDVAR
#define pool_new condvar_pool_new
#define pool_run condvar_pool_run
#define pool_threads condvar_pool_threads
#define pool_free condvar_pool_free
#define pool_cpus condvar_pool_cpus
#define tcase_pool tcase_condvar

#include "base/pool.c"
#include "check_base_pool.c"
