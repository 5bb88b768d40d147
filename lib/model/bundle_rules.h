/* bundle_rules: what a model file must be, as both sides see it; bundle.c refuses by these rules
 * and bundle_write.c refuses to write what they refuse to read. Internal to the two. */
#ifndef RILL_MODEL_BUNDLE_RULES_H
#define RILL_MODEL_BUNDLE_RULES_H

#include "model/bundle.h"

/* How every header begins; the seal's 32 digits follow, so they stand at a fixed place. */
#define BUNDLE_OPENING "{\"__metadata__\":{\"header_xxh3\":\""
#define BUNDLE_FORMAT "1" /* value of rill_format that this code reads and writes */
#define BUNDLE_HASH_KEY "xxh3."

enum {
    BUNDLE_PREFIX = 8,  /* bytes of the length field */
    BUNDLE_DIGITS = 32, /* of an XXH3-128 */
    BUNDLE_HEADER_LIMIT = 16 << 20,
    BUNDLE_NAME_LIMIT = 250, /* bytes of a tensor name */
    BUNDLE_KEY_LIMIT = 255   /* of a metadata key: "xxh3." and a name */
};

/* Type of that safetensors name, BUNDLE_TYPES when unknown. */
bundle_type bundle_type_of(const char *name);

/* Names are 1 to `limit` printable ASCII characters other than the blank. */
bool bundle_name_ok(const char *name, size_t limit);
/* Keys that the container writes itself. */
bool bundle_key_reserved(const char *key);

/* Fills count and size from type, rank and shape; false on a negative size or overflow. */
bool bundle_measure(bundle_entry *e);
/* "F32 [2,3]" into text. */
enum { BUNDLE_SHAPE_TEXT = 128 };
void bundle_describe(bundle_type type, int rank, const int64_t *shape, char *text);

/* Index of the first element that is NaN or infinite, or e->count; integers are always finite. */
size_t bundle_first_infinite(const bundle_entry *e);

/* Checks a string list: `why` gets the fault, false is returned. */
enum { BUNDLE_WHY = 200 };
bool bundle_list_ok(bytes text, const int64_t *start, size_t count, char *why);

/* The seal: XXH3-128 of length field and header with the seal's own digits as '0'. */
MUST_USE int bundle_seal(bytes head, hash128 *out);

#endif
