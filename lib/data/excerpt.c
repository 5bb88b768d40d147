/* excerpt: user data made fit for a message: short, printable, no character cut. */
#include "data/excerpt.h"

#include "text/unicode.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN = 30 }; /* bytes; an escape takes four, so 120 and "..." fit */

/* Length of the longest start of `data` that has at most SHOWN bytes and cuts no character. */
static size_t whole_characters(bytes data) {
    if (data.size <= SHOWN) return data.size;
    size_t size = SHOWN;
    while (size > 0 && ((unsigned char)data.data[size] & 0xC0) == 0x80) size--;
    return size;
}

excerpt excerpt_of(bytes data) {
    excerpt e;
    size_t shown = whole_characters(data), at = 0;
    bool valid = utf8_valid(bytes_slice(data, 0, shown), NULL);
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)data.data[i];
        if (c < 0x20 || c == 0x7F || c == '"' || c == '\\' || (c >= 0x80 && !valid)) {
            at += (size_t)snprintf(e.text + at, sizeof e.text - at, "\\x%02X", c);
        } else {
            e.text[at++] = (char)c;
        }
    }
    memcpy(e.text + at, shown < data.size ? "..." : "", shown < data.size ? 4 : 1);
    return e;
}

bool text_fault(bytes line, size_t *at, excerpt *found) {
    const char *nul = memchr(line.data, 0, line.size);
    if (nul) {
        *at = (size_t)(nul - line.data);
        snprintf(found->text, sizeof found->text, "a NUL byte");
        return true;
    }
    if (utf8_valid(line, at)) return false;
    size_t end = line.size < *at + 4 ? line.size : *at + 4;
    excerpt escaped = excerpt_of(bytes_slice(line, *at, end));
    snprintf(found->text, sizeof found->text, "the bytes \"%.100s\"", escaped.text);
    return true;
}
