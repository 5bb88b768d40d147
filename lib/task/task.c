/* task: models of any task. See task.h. */
#include "task/task.h"

#include <stdlib.h>

int task_model_open(const task *t, bundle *b, void **model, rill_error *error) {
    bundle **m = mem_new(1, t->model_size);
    *model = m;
    if (!m) {
        bundle_close(b);
        return status_nomem(error);
    }
    *m = b;
    int status = t->load(m, b, error);
    if (status == 0) return 0;
    task_model_free(t, m);
    *model = NULL;
    return status;
}

void task_model_free(const task *t, void *model) {
    bundle **m = model;
    if (!m) return;
    t->unload(m);
    bundle_close(*m);
    free(m);
}
