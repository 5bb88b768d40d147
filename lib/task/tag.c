/* tag: the tagger as a task. */
#include "task/tag_apply.h"

/* The forms; letters and affixes stay, for unknown forms are known by them. */
static const char *const form_rows[] = {"form.weight", "frequent.*", NULL};

static remap_spelling spelling(const void *model) {
    return (remap_spelling){((const tag_model *)model)->lexicon.form, true};
}

static const remap_spec vocabularies[] = {{"forms", spelling, form_rows}, {0}};

const task task_tag = {.name = "tag",
                       .vocabularies = vocabularies,
                       .options = &tag_option_table,
                       .train = tag_train,
                       .check = tag_check,
                       .model_size = sizeof(tag_model),
                       .load = tag_model_load,
                       .unload = tag_model_unload,
                       .eval = tag_eval,
                       .flow = &tag_flow};
