/* classify: the classifier as a task. */
#include "task/classify.h"

/* The words or whatever the units are, as the model spells them. */
static const char *const form_rows[] = {"form.weight", NULL};

static remap_spelling spelling(const void *model) {
    const classify_lexicon *l = &((const classify_model *)model)->lexicon;
    return (remap_spelling){l->form, l->lower};
}

static const remap_spec vocabularies[] = {{"forms", spelling, form_rows}, {0}};

const task task_classify = {.name = "classify",
                            .vocabularies = vocabularies,
                            .options = &classify_option_table,
                            .train = classify_train,
                            .check = classify_check,
                            .model_size = sizeof(classify_model),
                            .load = classify_model_load,
                            .unload = classify_model_unload,
                            .eval = classify_eval,
                            .flow = &classify_flow};
