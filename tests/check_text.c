/* check_text: suite of the text floor (unicode, pattern, rules, token, vocab, subword). */
#include "check_text.h"

int main(void) {
    Suite *suite = suite_create("text");
    add_unicode_cases(suite);
    add_rules_cases(suite);
    add_token_cases(suite);
    add_vocab_cases(suite);
    add_ewt_cases(suite);
    add_subword_cases(suite);
    return test_run(suite);
}
