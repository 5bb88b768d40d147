/* tag: the tagger as a task. */
#include "task/tag_apply.h"

static int open_model(bundle *b, void **model, rill_error *error) {
    tag_model *m;
    TRY(tag_model_open(b, &m, error));
    *model = m;
    return 0;
}

static void close_model(void *model) {
    tag_model_free(model);
}

/* The forms; letters and affixes stay, for unknown forms are known by them. */
static const char *const form_rows[] = {"form.weight", "frequent.*", NULL};
static const remap_spec vocabularies[] = {{"forms", true, form_rows}, {0}};

const task task_tag = {.name = "tag",
                       .vocabularies = vocabularies,
                       .options = &tag_option_table,
                       .train = tag_train,
                       .check = tag_check,
                       .open = open_model,
                       .close = close_model,
                       .eval = tag_eval,
                       .filter = tag_filter,
                       .session_new = tag_apply_session_new,
                       .session_apply = tag_apply_session_run,
                       .session_free = tag_apply_session_free};
