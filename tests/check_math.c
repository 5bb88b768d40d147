/* check_math: the suite of the math floor; see check_math.h for its parts. */
#include "check_math.h"

#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

scene scene_make(uint64_t seed, bool special) {
    return (scene){.state = seed * 0x9E3779B97F4A7C15u + 1, .special = special};
}

/* splitmix64 */
static uint64_t scene_next(scene *s) {
    uint64_t x = s->state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

double scene_uniform(scene *s) {
    return (double)(scene_next(s) >> 11) * 0x1p-53;
}

int scene_below(scene *s, int bound) {
    return (int)(scene_uniform(s) * bound);
}

real *scene_zeros(scene *s, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = size * sizeof(real);
    size_t room = (bytes + page - 1) / page * page + page;
    ck_assert_int_lt(s->count, SCENE_ARRAYS);
    char *map = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(map, MAP_FAILED);
    ck_assert_int_eq(mprotect(map + room - page, page, PROT_NONE), 0);
    real *data = (real *)(void *)(map + room - page - bytes);
    s->array[s->count++] = (struct scene_array){data, size, map, room};
    return data;
}

real *scene_numbers(scene *s, size_t size) {
    static const real odd[] = {0.0f,    -0.0f,  1e-40f,  -3e-39f,  1e30f,     -1e30f,
                               3.4e38f, 88.5f,  -87.34f, 200.0f,   -200.0f,   1e-20f,
                               -1e-8f,  9.011f, NAN,     INFINITY, -INFINITY, 16777216.0f};
    real *data = scene_zeros(s, size);
    for (size_t i = 0; i < size; i++) {
        data[i] = (real)(scene_uniform(s) * 8 - 4);
        if (s->special && scene_below(s, 8) == 0) {
            data[i] = odd[scene_below(s, (int)(sizeof odd / sizeof *odd))];
        }
    }
    return data;
}

void scene_free(scene *s) {
    for (int i = 0; i < s->count; i++) munmap(s->array[i].map, s->array[i].map_size);
    s->count = 0;
}

static bool same_number(real a, real b) {
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

bool scene_same(const scene *a, const scene *b, const char *what) {
    for (int i = 0; i < a->count; i++) {
        for (size_t at = 0; at < a->array[i].size; at++) {
            real x = a->array[i].data[at], y = b->array[i].data[at];
            if (same_number(x, y)) continue;
            printf("%s: array %d of %zu, element %zu: %a and %a\n", what, i, a->array[i].size, at,
                   (double)x, (double)y);
            return false;
        }
    }
    return true;
}

const kernels **math_tables(void) {
    static const char *const names[] = {"plain", "avx2", "avx512"};
    static const kernels *tables[4];
    int count = 0;
    for (int i = 0; i < 3; i++) {
        const kernels *k = cpu_kernels_named(names[i]);
        if (k) tables[count++] = k;
    }
    tables[count] = NULL;
    return tables;
}

int main(void) {
    Suite *suite = suite_create("math");
    suite_add_tcase(suite, math_bits_case());
    suite_add_tcase(suite, math_values_case());
    suite_add_tcase(suite, math_product_case());
    return test_run(suite);
}
