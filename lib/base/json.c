/* json: strict reading through jansson, canonical writing of our own.
 *
 * jansson writes 0.1 as 0.10000000000000001; here a real gets the fewest digits that read back as
 * the same double, and always a point or an exponent, so that it stays a real. Depth of recursion
 * is bounded: jansson reads no value deeper than 2,048 levels. Memory is too: an empty object takes a hundred
 * times its two bytes, so lists and objects are counted first.
 */
#include "base/json.h"

#include <string.h>

/* Line and byte column (both 1-based) of a byte position. */
static void find_place(bytes text, size_t position, size_t *line, size_t *column) {
    if (position > text.size) position = text.size;
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < position; i++) {
        if (text.data[i] == '\n') {
            ++*line;
            *column = 1;
        } else {
            ++*column;
        }
    }
}

enum { CONTAINERS = 1 << 20 };

/* Lists and objects that a text opens; what is no JSON may count as more or fewer. */
static size_t count_containers(bytes text) {
    size_t count = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '"') quoted = !quoted;
        if (quoted && c == '\\') i++;
        if (!quoted && (c == '{' || c == '[')) count++;
    }
    return count;
}

/* Refused by jansson's defaults: bytes behind the value, NUL, invalid UTF-8, numbers out of range.
 * A bare number or string is a value too. */
int json_read(bytes text, const char *file, json_t **out, rill_error *error) {
    json_error_t why;
    *out = NULL;
    if (count_containers(text) > CONTAINERS) {
        return status_set(error, RILL_ELIMIT, file, 0, 0, "JSON of more than %d lists and objects",
                          CONTAINERS);
    }
    *out = json_loadb(text.size ? text.data : "", text.size,
                      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (*out) return RILL_OK;
    if (json_error_code(&why) == json_error_out_of_memory) return status_nomem(error);
    size_t line, column;
    find_place(text, why.position > 0 ? (size_t)why.position - 1 : 0, &line, &column);
    /* jansson's position is behind the byte it stumbled over, its own column counts characters. */
    return status_set(error, RILL_EDATA, file, line, column, "not JSON: %s", why.text);
}

/* Bytes of the UTF-8 character at the start of text (Unicode 15, table 3-7), 0 if it is none. */
static size_t character_size(bytes text) {
    const unsigned char *c = (const unsigned char *)text.data;
    if (c[0] < 0x80) return 1;
    if (c[0] < 0xC2 || c[0] > 0xF4) return 0;
    size_t size = c[0] < 0xE0 ? 2 : c[0] < 0xF0 ? 3 : 4;
    if (size > text.size) return 0;
    unsigned char low = c[0] == 0xE0 ? 0xA0 : c[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = c[0] == 0xED ? 0x9F : c[0] == 0xF4 ? 0x8F : 0xBF;
    if (c[1] < low || c[1] > high) return 0;
    for (size_t i = 2; i < size; i++) {
        if ((c[i] & 0xC0) != 0x80) return 0;
    }
    return size;
}

/* The short escapes JSON has, \u00XX for other control characters (a terminal acts on DEL and on C1
 * too), everything else as it is. */
static void quote_ascii(char c, buffer *out) {
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *hit = c ? strchr(from, c) : NULL;
    if (hit) {
        buffer_add_char(out, '\\');
        buffer_add_char(out, to[hit - from]);
    } else if ((unsigned char)c < 0x20 || c == 0x7F) {
        buffer_printf(out, "\\u%04x", (unsigned)c);
    } else {
        buffer_add_char(out, c);
    }
}

/* For texts of the user, which nobody promised to be UTF-8: the result always is. */
void json_quote(bytes text, buffer *out) {
    buffer_add_char(out, '"');
    for (size_t i = 0; i < text.size;) {
        bytes rest = bytes_slice(text, i, text.size);
        size_t size = character_size(rest);
        if (size == 1) {
            quote_ascii(rest.data[0], out);
        } else if (size == 2 && bytes_starts(rest, BYTES("\xC2")) && (unsigned char)rest.data[1] < 0xA0) {
            buffer_printf(out, "\\u%04x", (unsigned)(unsigned char)rest.data[1]);
        } else if (size == 0) {
            buffer_add_text(out, "\xEF\xBF\xBD"); /* U+FFFD for each bad byte */
        } else {
            buffer_add(out, rest.data, size);
        }
        i += size ? size : 1;
    }
    buffer_add_char(out, '"');
}

json_t *json_text(bytes text) {
    json_t *string = json_stringn(text.size ? text.data : "", text.size);
    if (string) return string;
    buffer literal = {0};
    json_quote(text, &literal);
    if (!literal.failed) string = json_loadb(literal.data, literal.size, JSON_DECODE_ANY, NULL);
    buffer_free(&literal);
    return string;
}

static void check(json_t **to, bool done) {
    if (done) return;
    json_decref(*to);
    *to = NULL;
}

void json_add(json_t **to, json_t *item) {
    check(to, json_array_append_new(*to, item) == 0); /* which takes item in any case */
}

void json_put(json_t **to, const char *key, json_t *item) {
    check(to, json_object_set_new(*to, key, item) == 0);
}

static void write_value(const json_t *value, buffer *out);

/* A whole real keeps ".0": 1 would come back as an integer. */
static void write_real(double value, buffer *out) {
    size_t begin = out->size;
    buffer_add_real(out, value);
    if (!out->failed && !strpbrk(out->data + begin, ".e")) buffer_add_text(out, ".0");
}

/* Keys in the order of insertion; the key's size is not kept by jansson's iterator, but a key that
 * was read or set through a C string holds no NUL. */
static void write_object(json_t *object, buffer *out) {
    char before = '{';
    if (json_object_size(object) == 0) buffer_add_char(out, before);
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        buffer_add_char(out, before);
        json_quote(bytes_of(json_object_iter_key(at)), out);
        buffer_add_char(out, ':');
        write_value(json_object_iter_value(at), out);
        before = ',';
    }
    buffer_add_char(out, '}');
}

static void write_array(const json_t *array, buffer *out) {
    buffer_add_char(out, '[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i) buffer_add_char(out, ',');
        write_value(json_array_get(array, i), out);
    }
    buffer_add_char(out, ']');
}

static void write_value(const json_t *value, buffer *out) {
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object((json_t *)value, out); /* jansson's iterators know no const */
        break;
    case JSON_ARRAY:
        write_array(value, out);
        break;
    case JSON_STRING:
        json_quote((bytes){json_string_value(value), json_string_length(value)}, out);
        break;
    case JSON_INTEGER:
        buffer_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        write_real(json_real_value(value), out);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        buffer_add_text(out, json_is_true(value) ? "true" : "false");
        break;
    case JSON_NULL:
        buffer_add_text(out, "null");
        break;
    }
}

int json_write(const json_t *value, buffer *out, rill_error *error) {
    if (!value) return status_nomem(error); /* jansson's constructors give NULL then */
    write_value(value, out);
    return buffer_status(out, error);
}
