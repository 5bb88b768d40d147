/* io: lines in (plain or gzip, file or standard input), bytes out (replaced atomically).
 *
 * A line ends at LF; one CR before it is dropped, also at the end of the file. "-" is standard input
 * or output. Gzip is recognised by its magic number, so it works on standard input too.
 */
#ifndef RILL_BASE_IO_H
#define RILL_BASE_IO_H

#include "base/bytes.h"
#include "base/hash.h"

typedef struct reader reader;

/* max_line: longest line in bytes that is accepted, 0 for 64 MiB. */
MUST_USE int reader_open(const char *path, size_t max_line, reader **out, rill_error *error);
/* Reads from a descriptor that stays the caller's; name is used in messages. */
MUST_USE int reader_open_fd(int fd, const char *name, size_t max_line, reader **out,
                            rill_error *error);
/* Reads from memory that stays the caller's. */
MUST_USE int reader_open_bytes(bytes text, const char *name, reader **out, rill_error *error);
/* 1 and a view of the next line (valid until the next call), 0 at the end, negative on failure. */
MUST_USE int reader_line(reader *r, bytes *line, rill_error *error);
/* The same without the byte order mark that may begin a file: for all who take the text and don't
 * write the bytes back. */
MUST_USE int reader_text(reader *r, bytes *line, rill_error *error);
size_t reader_number(const reader *r);    /* 1-based number of the last line handed out */
const char *reader_name(const reader *r);
/* True when the last line handed out ended with LF (the last line of a file may lack it), and when
 * it had a CR. */
bool reader_ended(const reader *r);
bool reader_had_cr(const reader *r);
/* True when input is waiting: a whole line is buffered, poll says readable, or the end was seen. */
bool reader_ready(const reader *r);
void reader_close(reader *r);

/* Whole file (decompressed if gzip) in memory; more than max_size bytes give RILL_ELIMIT (0: no
 * limit). What `out` held before is forgotten. */
MUST_USE int file_slurp(const char *path, size_t max_size, buffer *out, rill_error *error);
/* XXH3-128 of the raw bytes of a file, or of the names and files of a folder (but those with a dot
 * in front), in the order of their names; RILL_EIO where a pipe or device stands. */
MUST_USE int file_hash(const char *path, hash128 *out, rill_error *error);
/* A file that writing would replace: no device, no pipe. */
bool file_exists(const char *path);
/* Refuses (RILL_EIO) to write where a file stands, unless forced to. NULL and "-" are none. */
MUST_USE int file_spare(const char *path, bool force, rill_error *error);
/* RILL_EIO when `path`, which will be written, is the file `input`: --force is meant for old results,
 * never for what is read. */
MUST_USE int file_differs(const char *path, const char *input, rill_error *error);

/* A read-only mapping of a whole file. An empty file maps to size 0. */
typedef struct mapping {
    const unsigned char *data;
    size_t size;
} mapping;
MUST_USE int file_map(const char *path, mapping *out, rill_error *error);
void file_unmap(mapping *m);

/* Output. A file is written to a temporary name beside it and takes its name only in
 * writer_commit (fsync, rename, fsync of the folder); closing without commit removes the temporary.
 * The permissions of a file that is replaced are kept, and a link stays a link to it.
 * "-" writes to standard output, where commit only flushes; devices and pipes are written in place.
 * A name that ends in .gz is compressed. What fails once keeps failing: a file with a gap is never
 * committed. A host must ignore SIGPIPE and SIGXFSZ to see those failures as RILL_EIO. */
typedef struct writer writer;
MUST_USE int writer_open(const char *path, writer **out, rill_error *error);
/* Whether a file of that name could be written: fails as writer_open would, leaves nothing. Streams
 * and devices are left alone. */
MUST_USE int writer_probe(const char *path, rill_error *error);
MUST_USE int writer_open_fd(int fd, const char *name, writer **out, rill_error *error);
MUST_USE int writer_add(writer *w, const void *data, size_t size, rill_error *error);
MUST_USE int writer_add_bytes(writer *w, bytes text, rill_error *error);
MUST_USE int writer_flush(writer *w, rill_error *error);
MUST_USE int writer_commit(writer *w, rill_error *error); /* still needs writer_close */
void writer_close(writer *w);                             /* NULL is fine */

#endif
