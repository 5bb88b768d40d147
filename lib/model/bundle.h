/* bundle: the model file, a valid safetensors container that is checked before it is believed.
 *
 *     byte 0        8                         8+H (a multiple of 64)                     end of
 * file | u64 LE = H  | JSON header, H bytes,   | tensor data, little-endian, contiguous,  | | |
 * padded with spaces      | largest element type first               |
 *
 *     {"__metadata__":{"header_xxh3":"<32 hex>","rill_format":"1",<own keys>,
 *                      "xxh3.NAME":"<32 hex>", ...},
 *      "NAME":{"dtype":"F32","shape":[V,D],"data_offsets":[begin,end]}, ...}
 *
 * Three lines of Python open it:
 *
 *     import json, struct
 *     data = open("en.rill", "rb").read(); size = struct.unpack("<Q", data[:8])[0]
 *     header = json.loads(data[8:8 + size]); tensor = lambda n: data[8 +
 * size:][slice(*header[n]["data_offsets"])]
 *
 * A list of strings NAME is two tensors: `NAME.text` (U8) and `NAME.start` (I64, count + 1), string
 * i being text[start[i] .. start[i+1]). Every U8 tensor called `*.text` is checked as such.
 *
 * Checkpoints are the same container. Nothing in a file comes from clock, host, path or threads.
 */
#ifndef RILL_MODEL_BUNDLE_H
#define RILL_MODEL_BUNDLE_H

#include "base/bytes.h"
#include "base/hash.h"

typedef enum bundle_type {
    BUNDLE_I64,
    BUNDLE_F32,
    BUNDLE_I32,
    BUNDLE_BF16,
    BUNDLE_I8,
    BUNDLE_U8,
    BUNDLE_TYPES
} bundle_type;

enum { BUNDLE_RANK = 4, BUNDLE_ALIGN = 64 };

const char *bundle_type_name(bundle_type type); /* "F32", as safetensors spells it */
size_t bundle_type_size(bundle_type type);      /* bytes of an element */

/* ---- writing */

typedef struct bundle_writer bundle_writer;

MUST_USE int bundle_writer_new(bundle_writer **out, rill_error *error);
/* Adds one metadata string (copied; UTF-8 without NUL). Keys that the container itself uses
 * (header_xxh3, rill_format, xxh3.*) and keys added before are refused with RILL_EUSAGE. */
MUST_USE int bundle_writer_meta(bundle_writer *w, const char *key, bytes value, rill_error *error);
/* Adds a tensor of `rank` <= BUNDLE_RANK sizes (rank 0 is a scalar). `data` is borrowed until the
 * file is written; it is read only then. */
MUST_USE int bundle_writer_tensor(bundle_writer *w, const char *name, bundle_type type, int rank,
                                  const int64_t *shape, const void *data, rill_error *error);
/* Adds a string list; text and start are borrowed until the file is written. */
MUST_USE int bundle_writer_list(bundle_writer *w, const char *name, bytes text,
                                const int64_t *start, size_t count, rill_error *error);
MUST_USE int bundle_writer_strings(bundle_writer *w, const char *name, const strmap *strings,
                                   rill_error *error);
/* Writes the file and replaces `path` atomically. Refuses weights that are not finite with
 * RILL_EDIVERGED, naming the tensor: a file that could not be read back is never written. The same
 * additions in the same order give the same bytes. May be called again (the data are read anew). */
MUST_USE int bundle_writer_save(bundle_writer *w, const char *path, rill_error *error);
/* Asks before the work whether a model of that name can be written: RILL_EIO as writing would fail,
 * RILL_EUSAGE for a name that ends in .gz, since a compressed file cannot be mapped. Leaves nothing. */
MUST_USE int bundle_probe(const char *path, rill_error *error);
void bundle_writer_free(bundle_writer *w); /* NULL is fine */

/* ---- reading */

typedef struct bundle bundle;

/* One tensor of an open bundle; everything is borrowed from it. */
typedef struct bundle_entry {
    const char *name;
    bundle_type type;
    int rank;
    int64_t shape[BUNDLE_RANK];
    const void *data; /* aligned for its type */
    size_t count;     /* elements */
    size_t size;      /* bytes */
    hash128 hash;     /* XXH3-128 of the bytes, checked */
} bundle_entry;

/* Maps the file and checks the whole of it: header, ranges, checksums, finite weights, strings.
 * Every fault is RILL_EMODEL with the tensor or field named (RILL_EIO when the file can't be read).
 * The mapping is the file itself: one that somebody truncates in place while it is open may raise
 * SIGBUS (rill replaces files by rename only). */
MUST_USE int bundle_open(const char *path, bundle **out, rill_error *error);
/* The same over memory (aligned to 64 bytes) that stays the caller's; `name` is used in messages.
 */
MUST_USE int bundle_open_bytes(bytes data, const char *name, bundle **out, rill_error *error);
void bundle_close(bundle *b); /* NULL is fine; all pointers into it end here */

/* The tensor of that name; it must have this type and shape (a size of -1 accepts any; rank -1
 * accepts any shape), else RILL_EMODEL saying what was found and what expected. */
MUST_USE int bundle_tensor(bundle *b, const char *name, bundle_type type, int rank,
                           const int64_t *shape, const bundle_entry **out, rill_error *error);
/* A string list as a map (strings must then be distinct; `out` empty before), or as the stored
 * pair of `count` strings and count + 1 offsets. */
MUST_USE int bundle_strings(bundle *b, const char *name, strmap *out, rill_error *error);
MUST_USE int bundle_list(bundle *b, const char *name, bytes *text, const int64_t **start,
                         size_t *count, rill_error *error);
/* Refuses a file with a tensor that none of the three calls above asked for. */
MUST_USE int bundle_all_used(const bundle *b, rill_error *error);

const char *bundle_meta(const bundle *b, const char *key); /* NULL when absent */
/* The same, but RILL_EMODEL naming the field when absent. */
MUST_USE int bundle_need_meta(const bundle *b, const char *key, const char **out,
                              rill_error *error);

/* ---- listing */

const char *bundle_name(const bundle *b); /* path */
size_t bundle_file_size(const bundle *b);
size_t bundle_count(const bundle *b); /* tensors, in the order of their data */
const bundle_entry *bundle_at(const bundle *b, size_t i);
const bundle_entry *bundle_find(const bundle *b, const char *name); /* NULL when absent */
size_t bundle_meta_count(const bundle *b); /* own keys only, in the order of the file */
const char *bundle_meta_at(const bundle *b, size_t i, const char **value); /* key */

#endif
