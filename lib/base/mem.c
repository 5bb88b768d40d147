/* mem: checked sizes, checked heap, and the arena.
 *
 * Memory map of an arena: a chain of blocks, each one aligned heap area with a 64-byte head.
 *
 *     block: | next, size, base | size bytes of data ...            |
 *            ^ 64-byte aligned  ^ 64-byte aligned, given out in multiples of 64
 *
 * `base` is the number of data bytes in all blocks before this one, so `base + used` is what is in
 * use. New blocks are only ever put at the end of the chain: bases never change and marks stay
 * valid. A request that fits no rest of a block moves on to the first later block that is large
 * enough; what is skipped lies idle until the arena goes back behind it.
 */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE = 64, DEFAULT_BLOCK = 1 << 20, FIRST_ELEMENTS = 16, PAGE = 4096, LARGE = 4 << 20 };

/* GCC's and Clang's builtins compute as if without bound and say whether the result fitted. */
bool size_mul(size_t a, size_t b, size_t *product) {
    return !__builtin_mul_overflow(a, b, product);
}

bool size_add(size_t a, size_t b, size_t *sum) {
    return !__builtin_add_overflow(a, b, sum);
}

/* Asks for large pages where there is much: products walk through many rows at once, and each row of
 * a large matrix would be another entry in the processor's small table of pages. A wish: systems
 * that don't know it go on without. */
static void *large_pages(void *data, size_t bytes) {
#ifdef MADV_HUGEPAGE
    if (data && bytes >= LARGE) {
        uintptr_t from = ((uintptr_t)data + PAGE - 1) / PAGE * PAGE;
        uintptr_t to = ((uintptr_t)data + bytes) / PAGE * PAGE;
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
    }
#else
    (void)bytes;
#endif
    return data;
}

void *mem_new(size_t count, size_t size) {
    size_t bytes;
    if (!size_mul(count, size, &bytes)) return NULL;
    /* of 0 it may give NULL, which would look like a failure */
    return large_pages(calloc(bytes ? bytes : 1, 1), bytes);
}

int mem_grow(void *array_pointer, size_t *capacity, size_t need, size_t size) {
    if (need <= *capacity) return RILL_OK;
    /* Half as much again each time: n appends move O(n) elements in all. */
    size_t room = *capacity < FIRST_ELEMENTS ? FIRST_ELEMENTS : *capacity, bytes;
    if (!size_add(room, room / 2, &room) || room < need) room = need;
    if (!size_mul(room, size, &bytes)) return RILL_ENOMEM;
    void *old, *grown;
    memcpy(&old, array_pointer, sizeof old); /* the caller's pointer may have any type */
    grown = realloc(old, bytes ? bytes : 1);
    if (!grown) return RILL_ENOMEM;
    memcpy(array_pointer, &grown, sizeof grown);
    *capacity = room;
    return RILL_OK;
}

/* malloc of size + 1 with the sum checked: sizes may come from a file. */
char *mem_text(const char *data, size_t size) {
    size_t room;
    char *copy = size_add(size, 1, &room) ? malloc(room) : NULL;
    if (!copy) return NULL;
    if (size) memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

struct arena_block {
    arena_block *next;
    size_t size; /* data bytes */
    size_t base; /* data bytes of all earlier blocks */
    _Alignas(LINE) unsigned char data[];
};

/* Appends a block with at least `need` bytes behind `last` (NULL: the arena has none). */
static arena_block *block_new(arena *a, arena_block *last, size_t need) {
    /* A usual block, more if the request is larger, less if the limit leaves less. */
    size_t size = a->block_size ? a->block_size : DEFAULT_BLOCK, whole;
    if (size < a->wanted) size = a->wanted;
    if (a->limit) {
        size_t left = a->limit > a->held ? a->limit - a->held : 0;
        if (need > left) return NULL;
        if (size > left) size = left;
    }
    if (size < need) size = need;
    if (!size_add(size, sizeof(arena_block) + LINE - 1, &whole)) return NULL;
    arena_block *block = large_pages(aligned_alloc(LINE, whole / LINE * LINE), whole);
    if (!block) return NULL;
    *block = (arena_block){.size = size, .base = last ? last->base + last->size : 0};
    if (last) {
        last->next = block;
    } else {
        a->first = block;
    }
    a->held += size;
    return block;
}

/* Makes a block with `need` free bytes the current one. */
static bool block_advance(arena *a, size_t need) {
    arena_block *last = a->current; /* NULL: nothing of the chain is in use */
    arena_block *block = last ? last->next : a->first;
    while (block && block->size < need) {
        last = block;
        block = block->next;
    }
    if (!block) block = block_new(a, last, need);
    if (!block) return false;
    a->current = block;
    a->used = 0;
    return true;
}

/* The fast path is a comparison and an addition. */
void *arena_alloc(arena *a, size_t count, size_t size) {
    size_t need;
    if (!size_mul(count, size, &need) || !size_add(need, LINE - 1, &need)) return NULL;
    need = need / LINE * LINE;
    if (need == 0) need = LINE; /* even an empty array has an address of its own */
    if (!a->current || a->current->size - a->used < need) {
        if (!block_advance(a, need)) return NULL;
    }
    void *data = a->current->data + a->used;
    a->used += need;
    size_t in_use = a->current->base + a->used;
    if (in_use > a->peak) a->peak = in_use;
    return data;
}

void *arena_zero(arena *a, size_t count, size_t size) {
    void *data = arena_alloc(a, count, size);
    if (data) memset(data, 0, count * size);
    return data;
}

arena_mark arena_here(const arena *a) {
    return (arena_mark){a->current, a->used};
}

void arena_back(arena *a, arena_mark mark) {
    a->current = mark.block; /* NULL stands for the place before the first block */
    a->used = mark.used;
}

static void free_blocks(arena *a) {
    for (arena_block *block = a->first, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    a->first = NULL;
    a->held = 0;
}

/* The block stays, so the next turn of a loop finds its memory mapped and warm. A chain becomes one
 * block for all: what its blocks leave idle at their ends would grow with the turns of the loop. */
void arena_reset(arena *a) {
    if (a->first && a->first->next) {
        free_blocks(a);
        a->wanted = a->peak + a->peak / 8;
    }
    arena_back(a, (arena_mark){NULL, 0});
}

void arena_free(arena *a) {
    free_blocks(a);
    /* What the owner chose stays, what was counted starts anew. */
    *a = (arena){.block_size = a->block_size, .limit = a->limit};
}
