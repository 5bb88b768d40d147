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
                             .filter = translate_filter,
                             .session_new = translate_apply_session_new,
                             .session_apply = translate_apply_session_run,
                             .session_free = translate_apply_session_free};
