/* mem: checked sizes, checked heap, and the arena.
 *
 * An arena is a chain of blocks that only grows; positions in it can be marked and returned to.
 *
 *     arena -> [ block 0: |used....|free| ] -> [ block 1: |used|free.....| ] -> NULL
 *                                                ^ current, offset = mark
 *
 * Resetting makes one block of the chain, so a loop that resets each turn stops calling malloc after
 * the first turns. Everything an arena hands out is aligned to 64 bytes and lives until a reset to an earlier
 * mark. An arena belongs to one thread.
 */
#ifndef RILL_BASE_MEM_H
#define RILL_BASE_MEM_H

#include "base/status.h"
#include <stdint.h>

/* count * size (+ extra) without overflow; false when it would overflow. */
bool size_mul(size_t a, size_t b, size_t *product);
bool size_add(size_t a, size_t b, size_t *sum);

/* Zeroed array of count elements, NULL when out of memory or on overflow. count 0 gives a valid
 * pointer. Release with free. */
void *mem_new(size_t count, size_t size);

/* Grows *array (heap or NULL) so that it holds at least `need` elements; *capacity is updated.
 * Growth is geometric. New elements are not zeroed. On failure nothing changes. */
MUST_USE int mem_grow(void *array_pointer, size_t *capacity, size_t need, size_t size);

/* Copy of a byte range with a terminating NUL. */
char *mem_text(const char *data, size_t size);

typedef struct arena_block arena_block;
typedef struct arena {
    arena_block *first, *current;
    size_t used;      /* bytes used in the current block */
    size_t block_size; /* least size of a new block; 0 means 1 MiB */
    size_t limit;     /* most bytes the arena may hold, 0: no limit */
    size_t held;      /* bytes in all blocks */
    size_t peak;      /* most bytes ever in use */
    size_t wanted;    /* size of the next block: what a chain held before it was given up */
} arena;

typedef struct arena_mark {
    arena_block *block;
    size_t used;
} arena_mark;

/* A zeroed arena struct is a valid empty arena. */
void *arena_alloc(arena *a, size_t count, size_t size); /* not zeroed; NULL on failure */
void *arena_zero(arena *a, size_t count, size_t size);  /* zeroed */
arena_mark arena_here(const arena *a);
void arena_back(arena *a, arena_mark mark);
void arena_reset(arena *a); /* back to empty, memory kept */
void arena_free(arena *a);  /* blocks released; the struct is a valid empty arena again */

#endif
