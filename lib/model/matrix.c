/* matrix: see matrix.h. The picture has to be read on white and on black: its background is
 * transparent, the ink follows prefers-color-scheme, and cells are shaded by their opacity.
 */
#include "model/matrix.h"

enum { NAME = 14, CELL = 8, SIDE = 64, LEFT = 150, TOP = 60, SHORT = 16 };

/* At most `most` code points, and how many there are. */
static bytes shorten(bytes label, size_t most, size_t *points) {
    size_t at = 0;
    *points = 0;
    for (size_t i = 0; i < label.size; i++) {
        bool first = ((unsigned char)label.data[i] & 0xc0) != 0x80;
        if (first && *points == most) return bytes_slice(label, 0, i);
        *points += first;
        at = i + 1;
    }
    return bytes_slice(label, 0, at);
}

static void pad(buffer *out, size_t count) {
    while (count-- > 0) buffer_add_char(out, ' ');
}

static void add_name(buffer *out, bytes label, size_t most, bool right) {
    size_t points;
    bytes name = shorten(label, most, &points);
    if (right) pad(out, most - points);
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        buffer_add_char(out, (unsigned char)c < ' ' ? ' ' : c);
    }
    if (!right) pad(out, most - points);
}

void matrix_text(const matrix *m, buffer *out) {
    buffer_add_text(out, "  gold \\ given  ");
    for (int s = 0; s < m->n; s++) {
        buffer_add_char(out, ' ');
        add_name(out, strmap_get(m->labels, s), CELL, true);
    }
    buffer_add_char(out, '\n');
    for (int g = 0; g < m->n; g++) {
        buffer_add_text(out, "  ");
        add_name(out, strmap_get(m->labels, g), NAME, false);
        for (int s = 0; s < m->n; s++) {
            buffer_printf(out, " %*lld", CELL, (long long)m->count[g * m->n + s]);
        }
        buffer_add_char(out, '\n');
    }
}

/* ---- the picture */

static void add_escaped(buffer *out, bytes label) {
    size_t points;
    bytes name = shorten(label, SHORT, &points);
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (c == '<') buffer_add_text(out, "&lt;");
        else if (c == '&') buffer_add_text(out, "&amp;");
        else buffer_add_char(out, (unsigned char)c < ' ' ? ' ' : c);
    }
}

static void add_text(buffer *out, const char *class, int x, int y, bytes label) {
    buffer_printf(out, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y);
    add_escaped(out, label);
    buffer_add_text(out, "</text>\n");
}

static void add_row(const matrix *m, int g, buffer *out) {
    int64_t sum = 0;
    int y = TOP + g * SIDE;
    for (int s = 0; s < m->n; s++) sum += m->count[g * m->n + s];
    add_text(out, "row", LEFT - 8, y + SIDE / 2 + 5, strmap_get(m->labels, g));
    for (int s = 0; s < m->n; s++) {
        int64_t count = m->count[g * m->n + s];
        int share = sum > 0 ? (int)(count * 100 / sum) : 0; /* percent, as an opacity below 1 */
        buffer_printf(out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                      "fill-opacity=\"0.%02d\"/>\n", g == s ? "right" : "wrong", LEFT + s * SIDE, y,
                      SIDE - 2, SIDE - 2, 5 + share * 7 / 10);
        buffer_printf(out, "<text class=\"cell\" x=\"%d\" y=\"%d\">%lld</text>\n",
                      LEFT + s * SIDE + SIDE / 2 - 1, y + SIDE / 2 + 4, (long long)count);
    }
}

void matrix_svg(const matrix *m, buffer *out) {
    int width = LEFT + m->n * SIDE + 20, height = TOP + m->n * SIDE + 20;
    buffer_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                  "width=\"%d\" height=\"%d\" role=\"img\">\n", width, height, width, height);
    buffer_add_text(out, "<title>confusion matrix: rows gold, columns given</title>\n<style>\n"
                    "text { font: 13px sans-serif; fill: #222 } .row { text-anchor: end }\n"
                    ".column, .cell { text-anchor: middle } .right { fill: #1a7f5a }\n"
                    ".wrong { fill: #c2562d }\n"
                    "@media (prefers-color-scheme: dark) { text { fill: #ddd } }\n</style>\n");
    add_text(out, "row", LEFT - 8, 20, BYTES("gold \\ given"));
    for (int s = 0; s < m->n; s++) {
        int x = LEFT + s * SIDE + SIDE / 2, y = TOP - 10 - (s % 2 ? 18 : 0); /* names need room */
        add_text(out, "column", x, y, strmap_get(m->labels, s));
    }
    for (int g = 0; g < m->n; g++) add_row(m, g, out);
    buffer_add_text(out, "</svg>\n");
}
