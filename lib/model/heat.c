/* heat: the two drawings of an attention matrix. See heat.h.
 *
 * Terminal: one grapheme cluster of a source piece to a line, pieces standing on the matrix; Hangul
 * and other wide characters fill the two columns of a cell, others get a blank.
 *
 * SVG: squares of one colour, the weight is their opacity, so the picture needs no legend and any
 * background will do. What can't be seen is not written, so a row has at most 200 squares if its
 * weights sum to 1, however long the source.
 *
 *                |  source pieces, turned  |
 *     -----------+-------------------------+
 *     target     |  squares of CELL x CELL |
 */
#include "model/heat.h"

#include "model/svg.h"
#include "text/unicode.h"

enum { CELL = 22, LETTER = 8, MARGIN = 10, WIDTH_MOST = 40, HEAD_MOST = 40 };
static const double seen_least = 0.005;

static double weight_at(const heat *h, size_t t, size_t s) {
    double w = (double)h->weight[t * h->sources + s];
    return w > 0 ? (w < 1 ? w : 1) : 0; /* NaN is not above 0 */
}

/* Width of the widest piece in columns of a terminal. */
static size_t widest(const bytes *piece, size_t count) {
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t width = unicode_width(piece[i]);
        if (width > most) most = width;
    }
    return most;
}

/* ---- text */

static void add_blanks(buffer *out, size_t count) {
    for (size_t i = 0; i < count; i++) buffer_add_char(out, ' ');
}

/* Lines that a piece takes above the matrix, at most HEAD_MOST. */
static size_t head_lines(bytes piece) {
    size_t count = 0;
    for (size_t at = 0; at < piece.size && count < HEAD_MOST; at = unicode_cluster(piece, at)) {
        count++;
    }
    return count;
}

/* Cluster number `index` of a piece, an ellipsis in the last line of one that is too long. Controls
 * (a TAB) would break the picture and become blanks. */
static bytes cluster_at(bytes piece, size_t index) {
    size_t at = 0;
    for (size_t i = 0; i < index; i++) at = unicode_cluster(piece, at);
    size_t end = unicode_cluster(piece, at);
    if (index == HEAD_MOST - 1 && end < piece.size) return BYTES("…");
    bytes cluster = bytes_slice(piece, at, end);
    return unicode_width(cluster) ? cluster : BYTES("");
}

/* Line `line` of `lines` above the matrix: pieces end at the last one. Of the `pending` blanks
 * before it, and of others, only those are written that something follows. */
static void add_head_line(const heat *h, size_t line, size_t lines, size_t pending, buffer *out) {
    for (size_t s = 0; s < h->sources; s++) {
        size_t own = head_lines(h->source[s]);
        bytes cluster =
            line + own < lines ? BYTES("") : cluster_at(h->source[s], line + own - lines);
        if (cluster.size == 0) {
            pending += 2;
            continue;
        }
        add_blanks(out, pending);
        buffer_add_bytes(out, cluster);
        pending = 2 - (unicode_width(cluster) > 1 ? 2 : 1);
    }
    buffer_add_char(out, '\n');
}

static const char *shade(double weight) {
    if (weight < 0.1) return "  ";
    if (weight < 0.3) return "░░";
    if (weight < 0.5) return "▒▒";
    return weight < 0.75 ? "▓▓" : "██";
}

static void add_piece(bytes piece, buffer *out) {
    for (size_t at = 0, end; at < piece.size; at = end) {
        end = unicode_cluster(piece, at);
        bytes cluster = bytes_slice(piece, at, end);
        if (unicode_width(cluster)) buffer_add_bytes(out, cluster);
    }
}

static void add_row(const heat *h, size_t t, size_t label, buffer *out) {
    size_t last = h->sources;
    while (last > 0 && weight_at(h, t, last - 1) < 0.1) last--;
    add_piece(h->target[t], out);
    if (last) add_blanks(out, label - unicode_width(h->target[t]) + 1);
    for (size_t s = 0; s < last; s++) buffer_add_text(out, shade(weight_at(h, t, s)));
    buffer_add_char(out, '\n');
}

void heat_text(const heat *h, buffer *out) {
    size_t label = widest(h->target, h->targets), lines = 0;
    for (size_t s = 0; s < h->sources; s++) {
        size_t own = head_lines(h->source[s]);
        if (own > lines) lines = own;
    }
    for (size_t line = 0; line < lines; line++) {
        add_head_line(h, line, lines, label + 1, out);
    }
    for (size_t t = 0; t < h->targets; t++) add_row(h, t, label, out);
}

/* ---- SVG */

/* Room in pixels for the labels of a side; what is longer is squeezed by the viewer. */
static size_t label_room(const bytes *piece, size_t count) {
    size_t width = widest(piece, count);
    return LETTER * (width < WIDTH_MOST ? width : WIDTH_MOST) + MARGIN;
}

static void add_label(bytes piece, size_t x, size_t y, bool turned, buffer *out) {
    size_t width = unicode_width(piece);
    buffer_printf(out, "<text x=\"%zu\" y=\"%zu\"", x, y);
    if (turned) buffer_printf(out, " transform=\"rotate(-90 %zu %zu)\"", x, y);
    if (!turned) buffer_add_text(out, " text-anchor=\"end\"");
    if (width > WIDTH_MOST) {
        buffer_printf(out, " textLength=\"%d\" lengthAdjust=\"spacingAndGlyphs\"",
                      LETTER * WIDTH_MOST);
    }
    buffer_add_char(out, '>');
    svg_escaped(out, piece);
    buffer_add_text(out, "</text>\n");
}

static void add_square(const heat *h, size_t t, size_t s, size_t left, size_t top, buffer *out) {
    double w = weight_at(h, t, s);
    if (w < seen_least) return;
    buffer_printf(out, "<rect x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\" fill-opacity=\"",
                  left + s * CELL, top + t * CELL, CELL - 1, CELL - 1);
    buffer_add_fixed(out, w, 3);
    buffer_add_text(out, "\"><title>");
    svg_escaped(out, h->target[t]);
    buffer_add_text(out, " - ");
    svg_escaped(out, h->source[s]);
    buffer_add_text(out, ": ");
    buffer_add_fixed(out, w, 3);
    buffer_add_text(out, "</title></rect>\n");
}

void heat_svg(const heat *h, buffer *out) {
    size_t left = label_room(h->target, h->targets), top = label_room(h->source, h->sources);
    buffer_printf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %zu %zu\" role=\"img\" "
                  "aria-label=\"attention\">\n",
                  left + h->sources * CELL + MARGIN, top + h->targets * CELL + MARGIN);
    buffer_add_text(out, "<style>\n"
                         "svg{font:13px sans-serif}text{fill:#333}rect{fill:#2f7ed8}\n"
                         ".frame{fill:none;stroke:#888}\n"
                         "@media(prefers-color-scheme:dark){text{fill:#ddd}}\n"
                         "</style>\n");
    for (size_t s = 0; s < h->sources; s++) {
        add_label(h->source[s], left + s * CELL + CELL / 2 + 4, top - 5, true, out);
    }
    for (size_t t = 0; t < h->targets; t++) {
        add_label(h->target[t], left - 5, top + t * CELL + CELL / 2 + 4, false, out);
        for (size_t s = 0; s < h->sources; s++) add_square(h, t, s, left, top, out);
    }
    buffer_printf(out,
                  "<rect class=\"frame\" x=\"%zu\" y=\"%zu\" width=\"%zu\" height=\"%zu\"/>\n"
                  "</svg>\n",
                  left, top, h->sources * CELL, h->targets * CELL);
}
