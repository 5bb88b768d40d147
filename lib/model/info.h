/* info: what stands in a model file or checkpoint, told to people and programs.
 *
 * Nothing about any task is known here: metadata that are JSON are shown as such, whatever their
 * keys, so a new task needs no code.
 */
#ifndef RILL_MODEL_INFO_H
#define RILL_MODEL_INFO_H

#include "model/bundle.h"

/* Appends the report: text, or one JSON object
 *     {"kind":"model"|"checkpoint","bytes":...,"parameters":...,"file":...,<metadata>,
 *      "tensors":[{"name":...,"dtype":...,"shape":[...],"bytes":...,"xxh3":...}, ...]} */
MUST_USE int model_info(const bundle *b, bool json, buffer *out, rill_error *error);

#endif
