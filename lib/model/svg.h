/* svg: what our pictures share. */
#ifndef RILL_MODEL_SVG_H
#define RILL_MODEL_SVG_H

#include "base/bytes.h"

/* Text as XML holds it: marks escaped, control characters (which XML has no place for) as blanks.
 */
void svg_escaped(buffer *out, bytes text);

#endif
