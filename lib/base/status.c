/* status: fills a rill_error.
 *
 * Memory map: none; every text lands in the fixed arrays of the caller's rill_error and is cut
 * there at a character border, so that a message never ends in half a UTF-8 sequence. Control
 * characters don't get that far.
 */
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Drops an incomplete UTF-8 sequence that a cut left at the end of text. */
static void trim_partial(char *text) {
    size_t size = strlen(text), back = 0;
    while (back < 3 && back < size && ((unsigned char)text[size - 1 - back] & 0xC0) == 0x80) back++;
    if (back == size) return;
    /* The lead byte says how many bytes should follow it; with fewer the character goes. */
    unsigned char lead = (unsigned char)text[size - 1 - back];
    size_t need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (back < need) text[size - 1 - back] = '\0';
}

/* Of a path too long for the record the end is what tells files apart. */
static void copy_file(char *out, size_t room, const char *file) {
    size_t size = strlen(file);
    if (size < room) {
        memcpy(out, file, size + 1);
        return;
    }
    /* "..." and as much of the end as fits, from the start of a character on. */
    const char *tail = file + size - (room - 1 - 3);
    while (((unsigned char)*tail & 0xC0) == 0x80) tail++;
    snprintf(out, room, "...%s", tail);
}

void status_printable(char *text) {
    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        if (*c == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0) *c++ = '?', *c = '?';
        if (*c < 0x20 || *c == 0x7F) *c = '?';
    }
}

/* All fields are set, so that nothing of an earlier failure shines through. */
static void fill(rill_error *error, int code, const char *file, size_t line, size_t column,
                 const char *format, va_list arguments) {
    error->code = code;
    error->line = line;
    error->column = column;
    error->file[0] = '\0';
    if (file) copy_file(error->file, sizeof error->file, file);
    int wrote = vsnprintf(error->message, sizeof error->message, format, arguments);
    if (wrote < 0) error->message[0] = '\0';
    if (wrote >= (int)sizeof error->message) trim_partial(error->message);
    status_printable(error->file);
    status_printable(error->message);
}

int status_set(rill_error *error, int code, const char *file, size_t line, size_t column,
               const char *format, ...) {
    if (!error) return code;
    va_list arguments;
    va_start(arguments, format);
    fill(error, code, file, line, column, format, arguments);
    va_end(arguments);
    return code;
}

int status_fail(rill_error *error, int code, const char *format, ...) {
    if (!error) return code;
    va_list arguments;
    va_start(arguments, format);
    fill(error, code, NULL, 0, 0, format, arguments);
    va_end(arguments);
    return code;
}

int status_nomem(rill_error *error) {
    return status_fail(error, RILL_ENOMEM, "out of memory");
}

int status_errno(rill_error *error, const char *what, const char *path) {
    /* strerror of a known number is a constant text in glibc and musl, hence safe in threads. */
    const char *why = strerror(errno);
    return status_set(error, RILL_EIO, path, 0, 0, "%s \"%s\": %s", what, path, why);
}

int status_place(rill_error *error, int code, const char *file, size_t line) {
    if (code >= 0 || !error || error->file[0]) return code;
    char message[sizeof error->message];
    memcpy(message, error->message, sizeof message);
    return status_set(error, code, file, line, error->column, "%s", message);
}
