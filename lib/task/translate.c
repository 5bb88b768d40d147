/* translate: the translator as a task. */
#include "task/translate.h"

const task task_translate = {.name = "translate",
                             .options = &translate_option_table,
                             .train = translate_train,
                             .check = translate_check,
                             .compare = translate_compare,
                             .model_size = sizeof(translate_model),
                             .load = translate_model_load,
                             .unload = translate_model_unload,
                             .eval = translate_eval,
                             .flow = &translate_flow};
