/* bytes: views of byte ranges, growable buffers, and the string map.
 *
 * Memory map of a strmap with the strings "the", "a" and 8 slots:
 *
 *     text   | t h e a |          start | 0 3 4 |
 *     slot   | -1 | -1 | 1 | -1 | -1 | 0 | -1 | -1 |     slot of "the" = hash mod 8, or the next
 * free
 *
 * The table is never more than half full, so a probe sequence always ends at a -1.
 */
#include "base/bytes.h"

#include "base/hash.h"
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bytes bytes_of(const char *text) {
    return (bytes){text, strlen(text)};
}

bool bytes_equal(bytes a, bytes b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* memcmp compares unsigned bytes, so UTF-8 sorts by code point. */
int bytes_compare(bytes a, bytes b) {
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

bool bytes_starts(bytes text, bytes prefix) {
    return text.size >= prefix.size && bytes_equal((bytes){text.data, prefix.size}, prefix);
}

/* Offsets past the end are pulled back to it. */
bytes bytes_slice(bytes text, size_t begin, size_t end) {
    if (end > text.size) end = text.size;
    if (begin > end) begin = end;
    return (bytes){text.size ? text.data + begin : text.data, end - begin};
}

/* An empty view with an address is one empty field, a view without one is no field. */
bool bytes_split(bytes *rest, char separator, bytes *field) {
    if (!rest->data) return false;
    const char *hit = rest->size ? memchr(rest->data, separator, rest->size) : NULL;
    if (!hit) {
        *field = *rest;
        *rest = (bytes){NULL, 0};
        return true;
    }
    *field = (bytes){rest->data, (size_t)(hit - rest->data)};
    *rest = (bytes){hit + 1, rest->size - field->size - 1};
    return true;
}

/* Space, and tab to carriage return; isspace would ask the host's locale. */
static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bytes bytes_trim(bytes text) {
    while (text.size && is_blank(text.data[text.size - 1])) text.size--;
    while (text.size && is_blank(text.data[0])) {
        text.data++;
        text.size--;
    }
    return text;
}

bytes bytes_unmarked(bytes text) {
    bytes mark = BYTES("\xEF\xBB\xBF");
    return bytes_starts(text, mark) ? bytes_slice(text, mark.size, text.size) : text;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool bytes_to_int(bytes text, int64_t *value) {
    size_t i = 0;
    bool negative = text.size && text.data[0] == '-';
    if (negative || (text.size && text.data[0] == '+')) i = 1;
    if (i == text.size) return false;
    int64_t sum = 0; /* kept negative: that side has room for one more */
    for (; i < text.size; i++) {
        if (!is_digit(text.data[i])) return false;
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_sub_overflow(sum, text.data[i] - '0', &sum))
            return false;
    }
    if (!negative && sum == INT64_MIN) return false;
    *value = negative ? sum : -sum;
    return true;
}

/* A decimal number taken apart: digits * 10^power. Digits are kept up to 19, which fit 64 bits; a
 * longer number only has to be too large for the fast path below. */
typedef struct decimal {
    uint64_t digits;
    int64_t power;
    bool negative;
} decimal;

/* Reads digits at *i and returns how many; after the point each one kept lowers the power. */
static size_t scan_digits(bytes text, size_t *i, bool fraction, decimal *d) {
    size_t begin = *i;
    for (; *i < text.size && is_digit(text.data[*i]); ++*i) {
        if (d->digits >= UINT64_C(1000000000000000000)) continue;
        d->digits = d->digits * 10 + (uint64_t)(text.data[*i] - '0');
        d->power -= fraction;
    }
    return *i - begin;
}

/* The whole number behind the e. Where it passes 64 bits the value is 0 or infinite; the power then
 * only has to be too large for the fast path, and strtod says which. */
static bool scan_power(bytes text, decimal *d) {
    int64_t power;
    if (bytes_to_int(text, &power)) {
        if (__builtin_add_overflow(d->power, power, &d->power)) d->power = INT64_MAX;
        return true;
    }
    size_t i = text.size && (text.data[0] == '-' || text.data[0] == '+');
    if (i == text.size) return false;
    for (; i < text.size; i++) {
        if (!is_digit(text.data[i])) return false;
    }
    d->power = INT64_MAX;
    return true;
}

/* [+-] digits [. digits] [e [+-] digits], with at least one digit before the e and after it. */
static bool scan_decimal(bytes text, decimal *d) {
    *d = (decimal){0};
    size_t i = 0;
    d->negative = text.size && text.data[0] == '-';
    if (d->negative || (text.size && text.data[0] == '+')) i = 1;
    size_t digits = scan_digits(text, &i, false, d);
    if (i < text.size && text.data[i] == '.') {
        i++;
        digits += scan_digits(text, &i, true, d);
    }
    if (digits == 0) return false;
    if (i == text.size) return true;
    return (text.data[i] | 32) == 'e' && scan_power(bytes_slice(text, i + 1, text.size), d);
}

/* strtod in the C locale, whatever locale the host program has set. */
static bool slow_real(bytes text, double *value) {
    char stack[128];
    char *copy = text.size < sizeof stack ? stack : malloc(text.size + 1);
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    bool done = copy && plain;
    if (done) {
        memcpy(copy, text.data, text.size);
        copy[text.size] = '\0';
        locale_t before = uselocale(plain);
        *value = strtod(copy, NULL);
        uselocale(before);
        done = *value >= -DBL_MAX && *value <= DBL_MAX;
    }
    if (plain) freelocale(plain);
    if (copy != stack) free(copy);
    return done;
}

bool bytes_to_real(bytes text, double *value) {
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    decimal d;
    if (!scan_decimal(text, &d)) return false;
    /* Both factors are exact in a double, so their one product or quotient is rounded correctly
     * (Clinger 1990). Files of word vectors hold nothing but such numbers. */
    if (d.digits > (UINT64_C(1) << 53) || d.power < -22 || d.power > 22)
        return slow_real(text, value);
    double x = (double)d.digits; /* at most 2^53: exact */
    x = d.power < 0 ? x / ten[-d.power] : x * ten[d.power];
    *value = d.negative ? -x : x;
    return true;
}

/* Room for `more` bytes and the final NUL. */
static bool buffer_room(buffer *b, size_t more) {
    size_t need;
    if (b->failed) return false;
    if (!size_add(b->size, more, &need) || !size_add(need, 1, &need) ||
        mem_grow(&b->data, &b->capacity, need, 1) < 0)
        b->failed = true;
    return !b->failed;
}

void buffer_add(buffer *b, const void *data, size_t size) {
    if (!buffer_room(b, size)) return;
    if (size) memcpy(b->data + b->size, data, size);
    b->size += size;
    b->data[b->size] = '\0';
}

void buffer_add_bytes(buffer *b, bytes text) {
    buffer_add(b, text.data, text.size);
}

void buffer_add_text(buffer *b, const char *text) {
    buffer_add(b, text, strlen(text));
}

void buffer_add_char(buffer *b, char c) {
    buffer_add(b, &c, 1);
}

/* Measured first, then printed: the arguments are walked twice. */
void buffer_printf(buffer *b, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    if (size < 0) b->failed = true;
    if (buffer_room(b, size < 0 ? 0 : (size_t)size)) {
        vsnprintf(b->data + b->size, (size_t)size + 1, format, again);
        b->size += (size_t)size;
    }
    va_end(again);
    va_end(arguments);
}

/* strtod and printf are exact inverses at 17 digits; fewer are tried first. */
/* The host's locale may have another decimal point. */
static void set_point(char *number) {
    for (char *c = number; *c; c++) {
        if (!is_digit(*c) && !strchr("+-e", *c)) *c = '.';
    }
}

void buffer_add_fixed(buffer *b, double value, int decimals) {
    char text[400]; /* the largest double has 309 digits */
    snprintf(text, sizeof text, "%.*f", decimals, value);
    set_point(text);
    bool nought = text[strspn(text, "-0.")] == 0;
    buffer_add_text(b, nought && *text == '-' ? text + 1 : text);
}

void buffer_add_real(buffer *b, double value) {
    char text[40];
    /* 17 digits always suffice; every decimal of 15 survives, but for subnormal numbers. */
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        double back;
        snprintf(text, sizeof text, "%.*g", digits, value);
        set_point(text);
        if (bytes_to_real(bytes_of(text), &back) && back == value) break;
    }
    buffer_add_text(b, text);
}

void buffer_clear(buffer *b) {
    b->size = 0;
    b->failed = false;
    if (b->data) b->data[0] = '\0';
}

void buffer_free(buffer *b) {
    free(b->data);
    *b = (buffer){0};
}

bytes buffer_view(const buffer *b) {
    return (bytes){b->data ? b->data : "", b->size};
}

int buffer_status(const buffer *b, rill_error *error) {
    return b->failed ? status_nomem(error) : RILL_OK;
}

/* Slot of the string: the one that holds it, else the free one where it belongs. slots > 0. */
static size_t find_slot(const strmap *m, bytes text) {
    size_t mask = m->slots - 1, i = (size_t)hash64(text.data, text.size) & mask;
    while (m->slot[i] >= 0 && !bytes_equal(strmap_get(m, m->slot[i]), text)) i = (i + 1) & mask;
    return i;
}

/* A table of at least twice `count` slots, filled anew when it had to grow. */
static int room_slots(strmap *m, size_t count) {
    size_t slots = m->slots ? m->slots : 16;
    while (slots / 2 < count) {
        if (!size_mul(slots, 2, &slots)) return RILL_ENOMEM;
    }
    if (slots == m->slots) return RILL_OK;
    int32_t *slot = mem_new(slots, sizeof *slot);
    if (!slot) return RILL_ENOMEM;
    memset(slot, 0xFF, slots * sizeof *slot); /* -1 everywhere */
    free(m->slot);
    m->slot = slot;
    m->slots = slots;
    for (int32_t id = 0; id < m->count; id++) m->slot[find_slot(m, strmap_get(m, id))] = id;
    return RILL_OK;
}

/* Room for strings up to `count` in all and `size` bytes in all. */
static int room_strings(strmap *m, size_t count, size_t size) {
    bool fresh = !m->start;
    TRY(mem_grow(&m->start, &m->start_room, count + 1, sizeof *m->start));
    if (fresh) m->start[0] = 0;
    return mem_grow(&m->text.data, &m->text.capacity, size + 1, 1);
}

/* All memory is taken before anything changes: after a failure the map is as before. */
int strmap_add(strmap *m, bytes text, int32_t *id) {
    if (m->count == INT32_MAX) return RILL_ELIMIT;
    size_t count = (size_t)m->count + 1, size;
    if (!size_add(m->text.size, text.size, &size) || size >= INT64_MAX) return RILL_ENOMEM;
    TRY(room_slots(m, count));
    size_t i = find_slot(m, text);
    if (m->slot[i] < 0) {
        TRY(room_strings(m, count, size));
        buffer_add_bytes(&m->text, text); /* has its room, cannot fail */
        m->start[count] = (int64_t)size;
        m->slot[i] = m->count++;
    }
    *id = m->slot[i];
    return RILL_OK;
}

int32_t strmap_find(const strmap *m, bytes text) {
    return m->slots ? m->slot[find_slot(m, text)] : -1;
}

bytes strmap_get(const strmap *m, int32_t id) {
    return (bytes){m->text.data + m->start[id], (size_t)(m->start[id + 1] - m->start[id])};
}

/* start is [count + 1] numbers from a file: begins at 0, never falls, ends where the text ends.
 * Only then may a string be looked at. */
static int check_starts(bytes text, const int64_t *start, size_t count, rill_error *error) {
    if (count >= INT32_MAX)
        return status_fail(error, RILL_EMODEL, "%zu strings are too many", count);
    if (start[0] != 0)
        return status_fail(error, RILL_EMODEL, "string offsets begin at %lld, expected 0",
                           (long long)start[0]);
    for (size_t i = 0; i < count; i++) {
        if (start[i + 1] < start[i])
            return status_fail(error, RILL_EMODEL, "string %zu ends before it begins", i);
    }
    if ((uint64_t)start[count] != text.size)
        return status_fail(error, RILL_EMODEL, "string offsets end at %lld, the text at %zu",
                           (long long)start[count], text.size);
    return RILL_OK;
}

/* Inserts id after id; a slot that is taken means that the string was there before. */
static int load_strings(strmap *m, bytes text, const int64_t *start, size_t count,
                        rill_error *error) {
    if (room_strings(m, count, text.size) < 0 || room_slots(m, count) < 0)
        return status_nomem(error);
    buffer_add_bytes(&m->text, text);
    memcpy(m->start, start, (count + 1) * sizeof *start);
    for (size_t id = 0; id < count; id++) {
        size_t i = find_slot(m, strmap_get(m, (int32_t)id));
        if (m->slot[i] >= 0)
            return status_fail(error, RILL_EMODEL, "string %zu stands there twice, first as %d", id,
                               (int)m->slot[i]);
        m->slot[i] = (int32_t)id;
        m->count++;
    }
    return RILL_OK;
}

int strmap_load(strmap *m, bytes text, const int64_t *start, size_t count, rill_error *error) {
    TRY(check_starts(text, start, count, error));
    int status = load_strings(m, text, start, count, error);
    if (status < 0) strmap_free(m);
    return status;
}

void strmap_free(strmap *m) {
    buffer_free(&m->text);
    free(m->start);
    free(m->slot);
    *m = (strmap){0};
}
