/* translate: the translator as a task. */
#include "task/translate.h"

static int open_model(bundle *b, void **model, rill_error *error) {
    translate_model *m;
    TRY(translate_model_open(b, &m, error));
    *model = m;
    return 0;
}

static void close_model(void *model) { translate_model_free(model); }

const task task_translate = {.name = "translate",
                             .options = &translate_option_table,
                             .train = translate_train,
                             .check = translate_check,
                             .compare = translate_compare,
                             .open = open_model,
                             .close = close_model,
                             .eval = translate_eval,
                             .filter = translate_filter,
                             .session_new = translate_apply_session_new,
                             .session_apply = translate_apply_session_run,
                             .session_free = translate_apply_session_free};
