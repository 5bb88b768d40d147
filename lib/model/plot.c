/* plot: the learning curve of a training log, as an SVG picture of our own.
 *
 * Loss, of training and of dev data, is drawn against the left axis and every score against the
 * right one, because they share nothing but the epochs: a loss falls without bound, a score ends
 * near 1. Both axes show the range that occurs, in steps of 1, 2 or 5 times a power of ten.
 *
 * The picture has to be read on white and on black. Its background is transparent, text and grid
 * are drawn in the ink that prefers-color-scheme asks for (plain rules: many viewers know no CSS
 * variables), and the line colours have enough contrast on both and stay apart for colour-blind
 * eyes.
 *
 * A training that was killed and resumed appends to its log and repeats the epochs behind the last
 * checkpoint. So an epoch takes the place of all epochs from its number on that were read before.
 *
 * Memory map: a curve owns a name and `count` points, x the epoch and y the value; curve 0 is the
 * loss of training, the others follow in the order in which they occur.
 */
#include "model/plot.h"

#include "base/io.h"
#include "base/json.h"
#include "model/svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CURVES = 9, STEPS = 5, LEGEND_COLUMNS = 5, MOST_EPOCH = 1000000000 };
static const double most_value = 1e12;
static const char dev_loss[] = "dev loss";
enum { WIDTH = 760, HEIGHT = 420, LEFT = 70, RIGHT = 690, TOP = 70, BOTTOM = 360 };

typedef struct point {
    double x, y;
} point;

typedef struct curve {
    char *name;
    point *points;
    size_t count, room;
} curve;

typedef struct plot {
    curve curves[CURVES];
    size_t count;
} plot;

/* A range of values and the round step that divides it. */
typedef struct axis {
    double low, high, step;
    int decimals;
} axis;

/* ---- reading */

static void plot_free(plot *p) {
    for (size_t i = 0; i < p->count; i++) {
        free(p->curves[i].name);
        free(p->curves[i].points);
    }
}

/* The curve of that name, made when it is new; NULL when all places are taken (*full) or memory is
 * out. */
static curve *find_curve(plot *p, const char *name, bool *full) {
    *full = false;
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->curves[i].name, name) == 0) return &p->curves[i];
    }
    *full = p->count == CURVES;
    if (*full) return NULL;
    char *copy = mem_text(name, strlen(name));
    if (!copy) return NULL;
    curve *found = &p->curves[p->count++];
    *found = (curve){.name = copy};
    return found;
}

/* Adds a point; what is no number (null for a loss that was NaN) or is beyond all sense leaves a
 * gap. */
static int add_point(plot *p, const char *name, double epoch, const json_t *value,
                     rill_error *error) {
    if (!json_is_number(value) || fabs(json_number_value(value)) > most_value) return RILL_OK;
    bool full;
    curve *c = find_curve(p, name, &full);
    if (full) return RILL_OK; /* a ninth score has no colour left */
    if (!c || mem_grow(&c->points, &c->room, c->count + 1, sizeof *c->points) < 0)
        return status_nomem(error);
    c->points[c->count++] = (point){epoch, json_number_value(value)};
    return RILL_OK;
}

/* Forgets the points of `epoch` and later. */
static void rewind_curves(plot *p, double epoch) {
    for (size_t i = 0; i < p->count; i++) {
        curve *c = &p->curves[i];
        while (c->count && c->points[c->count - 1].x >= epoch) c->count--;
    }
}

static int add_epoch(plot *p, const reader *r, const json_t *event, rill_error *error) {
    const json_t *number = json_object_get(event, "epoch");
    if (!json_is_integer(number) || json_integer_value(number) < 0 ||
        json_integer_value(number) > MOST_EPOCH)
        return status_set(error, RILL_EDATA, reader_name(r), reader_number(r), 0,
                          "an epoch event without its number, expected \"epoch\": 0 to %d",
                          MOST_EPOCH);
    double epoch = (double)json_integer_value(number);
    rewind_curves(p, epoch);
    TRY(add_point(p, "loss", epoch, json_object_get(event, "loss"), error));
    json_t *scores = json_object_get(event, "scores");
    if (json_object_size(scores) == 0)
        return add_point(p, "score", epoch, json_object_get(event, "dev_score"), error);
    for (void *at = json_object_iter(scores); at; at = json_object_iter_next(scores, at)) {
        const char *name = json_object_iter_key(at);
        if (strcmp(name, "loss") == 0) name = dev_loss;
        TRY(add_point(p, name, epoch, json_object_iter_value(at), error));
    }
    return RILL_OK;
}

static int add_line(plot *p, const reader *r, bytes line, rill_error *error) {
    if (bytes_trim(line).size == 0) return RILL_OK;
    json_t *event;
    rill_error why;
    int status = json_read(line, reader_name(r), &event, &why);
    if (status < 0) /* json_read knows the column only: it saw one line */
        return status_set(error, status, reader_name(r), reader_number(r), why.column, "%s",
                          why.message);
    const char *kind = json_string_value(json_object_get(event, "event"));
    if (kind && strcmp(kind, "epoch") == 0) status = add_epoch(p, r, event, error);
    json_decref(event);
    return status;
}

static int read_log(const char *path, plot *p, rill_error *error) {
    reader *r;
    TRY(reader_open(path, 0, &r, error));
    if (!find_curve(p, "loss", &(bool){false})) {
        reader_close(r);
        return status_nomem(error);
    }
    bytes line;
    int status;
    while ((status = reader_line(r, &line, error)) > 0) {
        status = add_line(p, r, line, error);
        if (status < 0) break;
    }
    reader_close(r);
    if (status < 0) return status;
    for (size_t i = 0; i < p->count; i++) {
        if (p->curves[i].count) return RILL_OK;
    }
    return status_set(error, RILL_EDATA, path, 0, 0,
                      "no epoch stands in this log, so there is nothing to draw");
}

/* ---- axes */

/* Widens [low, high] to whole steps; about STEPS of them. */
static axis axis_of(double low, double high) {
    if (high - low < 1e-9 * fmax(1, fabs(high))) { /* one value: give it room on both sides */
        low -= 0.5 * fmax(1e-3, fabs(low));
        high += 0.5 * fmax(1e-3, fabs(high));
    }
    double rough = (high - low) / STEPS, power = pow(10, floor(log10(rough)));
    double lead = rough / power;
    axis a = {.step = power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10)};
    a.low = floor(low / a.step) * a.step;
    a.high = ceil(high / a.step) * a.step;
    a.decimals = (int)fmax(0, fmin(9, -floor(log10(a.step) + 1e-9)));
    return a;
}

static bool is_loss(const plot *p, size_t i) {
    return i == 0 || strcmp(p->curves[i].name, dev_loss) == 0;
}

/* The axis that all losses share, or all scores. */
static axis axis_over(const plot *p, bool loss) {
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < p->count; i++) {
        if (is_loss(p, i) != loss) continue;
        for (size_t k = 0; k < p->curves[i].count; k++) {
            low = fmin(low, p->curves[i].points[k].y);
            high = fmax(high, p->curves[i].points[k].y);
        }
    }
    return low <= high ? axis_of(low, high) : axis_of(0, 1);
}

/* Epochs stand at whole numbers and the axis ends where they end. */
static axis epoch_axis(const plot *p) {
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < p->count; i++) {
        const curve *c = &p->curves[i];
        if (!c->count) continue;
        low = fmin(low, c->points[0].x);
        high = fmax(high, c->points[c->count - 1].x);
    }
    axis a = axis_of(low, high > low ? high : low + 1);
    a.step = fmax(1, a.step);
    a.low = low;
    a.high = fmax(high, low + 1);
    a.decimals = 0;
    return a;
}

static double place(axis a, double value, double begin, double end) {
    return begin + (value - a.low) / (a.high - a.low) * (end - begin);
}

/* ---- drawing */

static void add_head(buffer *out) {
    buffer_printf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" "
                  "aria-label=\"learning curve\">\n",
                  WIDTH, HEIGHT);
    buffer_add_text(
        out,
        "<style>\n"
        "svg{font:12px sans-serif}text{fill:#333}.grid{stroke:#ddd}.axis{stroke:#333}\n"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}.axis{stroke:#ddd}}\n"
        ".curve{fill:none;stroke-width:2;stroke-linejoin:round}.loss{stroke-dasharray:6 3}\n");
    static const char *const colours[CURVES] = {"#888888", "#2f7ed8", "#e8710a",
                                                "#1a9c6b", "#c2418f", "#a88b00",
                                                "#7b61d1", "#d9443a", "#1f9bb5"};
    for (int i = 0; i < CURVES; i++)
        buffer_printf(out, ".c%d{stroke:%s}.d%d{fill:%s}\n", i, colours[i], i, colours[i]);
    buffer_add_text(out, "</style>\n");
}

static void add_text(buffer *out, double x, double y, const char *anchor, const char *text) {
    buffer_add_text(out, "<text x=\"");
    buffer_add_fixed(out, x, 1);
    buffer_add_text(out, "\" y=\"");
    buffer_add_fixed(out, y, 1);
    buffer_printf(out, "\" text-anchor=\"%s\">", anchor);
    svg_escaped(out, bytes_of(text));
    buffer_add_text(out, "</text>\n");
}

static void add_line_element(buffer *out, const char *kind, double x1, double y1, double x2,
                             double y2) {
    const double at[4] = {x1, y1, x2, y2};
    static const char *const names[4] = {"x1", "y1", "x2", "y2"};
    buffer_printf(out, "<line class=\"%s\"", kind);
    for (int i = 0; i < 4; i++) {
        buffer_printf(out, " %s=\"", names[i]);
        buffer_add_fixed(out, at[i], 1);
        buffer_add_char(out, '"');
    }
    buffer_add_text(out, "/>\n");
}

static void add_number(buffer *out, double x, double y, const char *anchor, double value,
                       int decimals) {
    buffer text = {0};
    buffer_add_fixed(&text, value, decimals);
    if (text.failed) {
        out->failed = true;
    } else {
        add_text(out, x, y, anchor, text.data);
    }
    buffer_free(&text);
}

/* Numbers along the left or right side; the left axis carries the grid when it is the only one. */
static void add_side(buffer *out, axis a, bool right, bool grid, const char *title) {
    int steps = (int)lround((a.high - a.low) / a.step);
    for (int i = 0; i <= steps; i++) {
        double value = a.low + i * a.step, y = place(a, value, BOTTOM, TOP);
        if (grid) add_line_element(out, "grid", LEFT, y, RIGHT, y);
        add_number(out, right ? RIGHT + 8 : LEFT - 8, y + 4, right ? "start" : "end", value,
                   a.decimals);
    }
    add_text(out, right ? WIDTH - 10 : 10, TOP - 14, right ? "end" : "start", title);
}

static void add_epochs(buffer *out, axis a) {
    for (double e = ceil(a.low / a.step) * a.step; e <= a.high; e += a.step)
        add_number(out, place(a, e, LEFT, RIGHT), BOTTOM + 20, "middle", e, 0);
    add_line_element(out, "axis", LEFT, BOTTOM, RIGHT, BOTTOM);
    add_text(out, (LEFT + RIGHT) / 2.0, BOTTOM + 42, "middle", "epoch");
}

static void add_curve(buffer *out, const curve *c, size_t index, axis x, axis y) {
    buffer_printf(out, "<polyline class=\"curve c%zu%s\" points=\"", index, index ? "" : " loss");
    for (size_t i = 0; i < c->count; i++) {
        if (i) buffer_add_char(out, ' ');
        buffer_add_fixed(out, place(x, c->points[i].x, LEFT, RIGHT), 1);
        buffer_add_char(out, ',');
        buffer_add_fixed(out, place(y, c->points[i].y, BOTTOM, TOP), 1);
    }
    buffer_add_text(out, "\"/>\n");
    if (!c->count) return;
    point last = c->points[c->count - 1]; /* a dot: one epoch alone draws no line */
    buffer_printf(out, "<circle class=\"d%zu\" r=\"3\" cx=\"", index);
    buffer_add_fixed(out, place(x, last.x, LEFT, RIGHT), 1);
    buffer_add_text(out, "\" cy=\"");
    buffer_add_fixed(out, place(y, last.y, BOTTOM, TOP), 1);
    buffer_add_text(out, "\"/>\n");
}

/* One entry a curve: its stroke, its name and its last value. */
static void add_legend(buffer *out, const plot *p) {
    const double room = (double)(RIGHT - LEFT) / LEGEND_COLUMNS;
    buffer text = {0};
    for (size_t i = 0; i < p->count; i++) {
        const curve *c = &p->curves[i];
        double x = LEFT + room * (double)(i % LEGEND_COLUMNS);
        double y = 14 + 18 * (double)(i / LEGEND_COLUMNS);
        char kind[40];
        snprintf(kind, sizeof kind, "curve c%zu%s", i, i ? "" : " loss");
        add_line_element(out, kind, x, y, x + 18, y);
        buffer_clear(&text);
        buffer_printf(&text, "%s ", c->name);
        if (c->count) buffer_add_fixed(&text, c->points[c->count - 1].y, 4);
        if (text.failed) {
            out->failed = true;
        } else {
            add_text(out, x + 24, y + 4, "start", text.data);
        }
    }
    buffer_free(&text);
}

static void draw(const plot *p, buffer *out) {
    axis epochs = epoch_axis(p), loss = axis_over(p, true), score = axis_over(p, false);
    bool scored = false;
    for (size_t i = 0; i < p->count; i++) scored |= !is_loss(p, i);
    add_head(out);
    add_legend(out, p);
    add_side(out, loss, false, !scored, "loss");
    if (scored) add_side(out, score, true, true, "score");
    add_epochs(out, epochs);
    for (size_t i = 0; i < p->count; i++)
        add_curve(out, &p->curves[i], i, epochs, is_loss(p, i) ? loss : score);
    buffer_add_text(out, "</svg>\n");
}

static int write_svg(const char *path, const buffer *text, rill_error *error) {
    writer *w;
    TRY(writer_open(path, &w, error));
    int status = writer_add_bytes(w, buffer_view(text), error);
    if (status == RILL_OK) status = writer_commit(w, error);
    writer_close(w);
    return status;
}

int plot_log(const char *log_path, const char *svg_path, rill_error *error) {
    plot p = {.count = 0};
    buffer out = {0};
    int status = read_log(log_path, &p, error);
    if (status == RILL_OK) {
        draw(&p, &out);
        status = buffer_status(&out, error);
    }
    if (status == RILL_OK) status = write_svg(svg_path, &out, error);
    buffer_free(&out);
    plot_free(&p);
    return status;
}
