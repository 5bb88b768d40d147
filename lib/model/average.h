/* average: the mean of models as a model: the weights of several trainings' ends, or of one training's
 * late states, added up tensor by tensor. */
#ifndef RILL_MODEL_AVERAGE_H
#define RILL_MODEL_AVERAGE_H

#include "model/bundle.h"

/* All files must hold the same tensors; those that are no weights (vocabulary, labels, units) must be
 * equal, and so must the metadata but for what tells of a training alone (rate, dropout, ...) or was decided
 * after it. Else RILL_EMODEL names what differs. The mean has the first file's metadata. */
MUST_USE int average_models(const char *const *paths, size_t count, const char *out,
                            rill_error *error);

#endif
