/* check_tape: the tape in float. Gradients are check_grad's matter. */
#include "check_tape.h"

int main(void) {
    Suite *suite = suite_create("tape");
    suite_add_tcase(suite, check_tape_same());
    suite_add_tcase(suite, check_tape_values());
    suite_add_tcase(suite, check_tape_memory());
    suite_add_tcase(suite, check_tape_crf());
    suite_add_tcase(suite, check_tape_cross());
    return test_run(suite);
}
