/* cpu: which kernel table this processor runs.
 *
 * The compiler's CPU test also asks whether the operating system saves the wide registers.
 */
#include "math/cpu.h"
#include <string.h>

#ifdef RILL_DOUBLE

extern const kernels kernels_plain_twin;

const kernels *cpu_kernels(void) {
    return &kernels_plain_twin;
}

const kernels *cpu_kernels_named(const char *name) {
    return strcmp(name, "plain") == 0 ? &kernels_plain_twin : NULL;
}

#else
#include "config.h"

extern const kernels kernels_plain;

#ifdef RILL_X86
extern const kernels kernels_avx2, kernels_avx512;

static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

const kernels *cpu_kernels_named(const char *name) {
#ifdef RILL_X86
    if (strcmp(name, "avx512") == 0) return has_avx512() ? &kernels_avx512 : NULL;
    if (strcmp(name, "avx2") == 0) return has_avx2() ? &kernels_avx2 : NULL;
#endif
    return strcmp(name, "plain") == 0 ? &kernels_plain : NULL;
}

const kernels *cpu_kernels(void) {
#ifdef RILL_X86
    if (has_avx512()) return &kernels_avx512;
    if (has_avx2()) return &kernels_avx2;
#endif
    return &kernels_plain;
}

#endif
