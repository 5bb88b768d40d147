/* plot: the learning curve of a training log, as an SVG picture.
 *
 * The log holds one JSON object a line (option log). Objects with "event":"epoch" are read: "epoch"
 * (a whole number), "loss", and "scores", an object of numbers; when there is no "scores" the
 * number "dev_score" stands in. Other lines are passed over.
 */
#ifndef RILL_MODEL_PLOT_H
#define RILL_MODEL_PLOT_H

#include "base/status.h"

/* RILL_EDATA when a line is no JSON or no epoch stands in the log; svg_path "-" is standard output.
 */
MUST_USE int plot_log(const char *log_path, const char *svg_path, rill_error *error);

#endif
