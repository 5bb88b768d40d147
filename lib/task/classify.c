/* classify: the classifier as a task. */
#include "task/classify.h"

static int open_model(bundle *b, void **model, rill_error *error) {
    classify_model *m;
    TRY(classify_model_open(b, &m, error));
    *model = m;
    return 0;
}

static void close_model(void *model) {
    classify_model_free(model);
}

/* The words or whatever the units are, as the model spells them. */
static const char *const form_rows[] = {"form.weight", NULL};
static const remap_spec vocabularies[] = {{"forms", false, form_rows}, {0}};

const task task_classify = {.name = "classify",
                            .vocabularies = vocabularies,
                            .options = &classify_option_table,
                            .train = classify_train,
                            .check = classify_check,
                            .open = open_model,
                            .close = close_model,
                            .eval = classify_eval,
                            .filter = classify_filter,
                            .session_new = classify_text_new,
                            .session_apply = classify_text_run,
                            .session_free = classify_text_free};
