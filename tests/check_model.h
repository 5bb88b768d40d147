/* check_model: the parts of the model floor's suite; each adds its test cases. */
#ifndef RILL_TESTS_CHECK_MODEL_H
#define RILL_TESTS_CHECK_MODEL_H

#include "test.h"

void model_bundle_cases(Suite *suite);
void model_metric_cases(Suite *suite);
void model_keep_cases(Suite *suite);
void model_plot_cases(Suite *suite);
void model_heat_cases(Suite *suite);
void model_search_cases(Suite *suite);
void model_consensus_cases(Suite *suite);
void model_translation_cases(Suite *suite);

#endif
