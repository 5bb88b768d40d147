/* check_model: the suite of the model floor; its test cases stand in check_model_<room>.c. */
#include "check_model.h"

int main(void) {
    Suite *suite = suite_create("model");
    model_bundle_cases(suite);
    model_metric_cases(suite);
    model_keep_cases(suite);
    model_plot_cases(suite);
    model_heat_cases(suite);
    model_translation_cases(suite);
    model_consensus_cases(suite);
    model_search_cases(suite);
    return test_run(suite);
}
