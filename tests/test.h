/* test: what every Check suite of rill shares. */
#ifndef RILL_TESTS_TEST_H
#define RILL_TESTS_TEST_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Folder of real data, or NULL where it is absent: RILL_DATA, else $srcdir/../shared/data. */
static inline const char *test_data(void) {
    static char path[4096];
    const char *given = getenv("RILL_DATA"), *source = getenv("srcdir");
    if (given) {
        snprintf(path, sizeof path, "%s", given);
    } else {
        snprintf(path, sizeof path, "%s/../shared/data", source ? source : ".");
    }
    FILE *probe = NULL;
    char file[4200];
    snprintf(file, sizeof file, "%s/README.md", path);
    probe = fopen(file, "r");
    if (!probe) {
        printf("note: no real data in %s, this test goes on without\n", path);
        return NULL;
    }
    fclose(probe);
    return path;
}

/* Seed of random tests: RILL_SEED or 1; printed, so that a failure can be repeated. */
static inline unsigned long test_seed(const char *name) {
    const char *given = getenv("RILL_SEED");
    unsigned long seed = given ? strtoul(given, NULL, 10) : 1;
    printf("%s: RILL_SEED=%lu\n", name, seed);
    return seed;
}

/* Runs the suite; the count stands last. */
static inline int test_run(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
