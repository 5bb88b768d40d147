/* output: CoNLL-U, vertical, horizontal and JSON lines from tokens and words.
 *
 * A format can't hold every byte: what would break its lines is replaced (a TAB or line end by a
 * blank; in horizontal a blank by an underscore), and in MISC values it is escaped the way UDPipe
 * does: \s blank, \t TAB, \n LF, \r CR, \p bar, \\ backslash.
 */
#include "data/output.h"

#include "base/json.h"

static const char *const format_names[] = {"conllu", "vertical", "horizontal", "json"};

const char *output_format_name(output_format format) {
    return format_names[format];
}

bool output_format_find(bytes name, output_format *format) {
    for (size_t i = 0; i < sizeof format_names / sizeof *format_names; i++) {
        if (!bytes_equal(name, bytes_of(format_names[i]))) continue;
        *format = (output_format)i;
        return true;
    }
    return false;
}

/* ---- pieces */

static bool breaks_line(char c) {
    return c == '\t' || c == '\n' || c == '\r';
}

/* A cell or comment value: kept on its line and in its column; nothing becomes "_". */
static void add_cell(buffer *out, bytes value) {
    if (!value.size) buffer_add_char(out, '_');
    size_t from = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (!breaks_line(value.data[i])) continue;
        buffer_add(out, value.data + from, i - from);
        buffer_add_char(out, ' ');
        from = i + 1;
    }
    buffer_add(out, value.data + from, value.size - from);
}

/* Blanks separate words here; the last underscore separates the tag, so earlier ones do no harm. */
static void add_horizontal(buffer *out, bytes value) {
    if (!value.size) buffer_add_char(out, '_');
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        buffer_add_char(out, c == ' ' || breaks_line(c) ? '_' : c);
    }
}

/* A value of MISC, where bars separate fields. */
static void add_escaped(buffer *out, bytes value) {
    static const char from[] = " \t\n\r|\\", to[] = "stnrp\\";
    for (size_t i = 0; i < value.size; i++) {
        size_t k = 0;
        while (from[k] && from[k] != value.data[i]) k++;
        if (from[k]) buffer_add_char(out, '\\');
        buffer_add_char(out, from[k] ? to[k] : value.data[i]);
    }
}

/* A probability with so many decimals; not by printf, whose point depends on the locale. */
void output_probability(double p, int decimals, buffer *out) {
    unsigned unit = 1;
    for (int i = 0; i < decimals; i++) unit *= 10;
    if (!(p > 0)) p = 0;
    if (p > 1) p = 1;
    unsigned value = (unsigned)(p * unit + 0.5);
    buffer_printf(out, "%u.%0*u", value / unit, decimals, value % unit);
}

/* ---- CoNLL-U */

/* Separator, or nothing before the first field of MISC. */
static void misc_next(buffer *out, bool *any) {
    if (*any) buffer_add_char(out, '|');
    *any = true;
}

/* SpaceAfter and TokenRange of a token. */
static void misc_token(const output_token *t, buffer *out, bool *any) {
    if (!t->space_after) {
        misc_next(out, any);
        buffer_add_text(out, "SpaceAfter=No");
    }
    if (t->begin != t->end) {
        misc_next(out, any);
        buffer_printf(out, "TokenRange=%zu:%zu", t->begin, t->end);
    }
}

/* The column of CoNLL-U with this name, -1 for MISC. */
static int conllu_place(bytes name) {
    static const char *const names[] = {"id",    "form", "lemma",  "upos", "xpos",
                                        "feats", "head", "deprel", "deps"};
    for (int i = 2; i < 9; i++) {
        if (bytes_equal(name, bytes_of(names[i]))) return i;
    }
    return -1;
}

/* Names of MISC begin with a capital: ner becomes Ner. */
static void misc_name(bytes name, buffer *out) {
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool small = i == 0 && c >= 'a' && c <= 'z';
        buffer_add_char(out, small ? (char)(c - 'a' + 'A') : c);
    }
}

void output_misc(const output_sentence *s, size_t word, buffer *out, bool *any) {
    for (size_t i = 0; i < s->columns; i++) {
        const output_column *c = s->column + i;
        if (conllu_place(c->name) < 0) {
            misc_next(out, any);
            misc_name(c->name, out);
            buffer_add_char(out, '=');
            add_escaped(out, c->value[word]);
        }
        if (c->probability) {
            misc_next(out, any);
            misc_name(c->name, out);
            buffer_add_text(out, "Prob=");
            output_probability((double)c->probability[word], 4, out);
        }
    }
}

/* One word line; `t` is its token where it is the only word of it, else NULL. */
static void conllu_word(const output_sentence *s, size_t word, const output_token *t, buffer *out) {
    buffer_printf(out, "%zu\t", word + 1);
    add_cell(out, s->form[word]);
    for (int place = 2; place < 9; place++) {
        bytes value = {"", 0};
        for (size_t i = 0; i < s->columns; i++) {
            if (conllu_place(s->column[i].name) == place) value = s->column[i].value[word];
        }
        buffer_add_char(out, '\t');
        add_cell(out, value);
    }
    bool any = false;
    buffer_add_char(out, '\t');
    if (t) misc_token(t, out, &any);
    output_misc(s, word, out, &any);
    buffer_add_text(out, any ? "\n" : "_\n");
}

/* The line that announces the words of a token. */
static void conllu_range(const output_token *t, size_t word, buffer *out) {
    bool any = false;
    buffer_printf(out, "%zu-%zu\t", word + 1, word + t->words);
    add_cell(out, t->surface);
    buffer_add_text(out, "\t_\t_\t_\t_\t_\t_\t_\t");
    misc_token(t, out, &any);
    buffer_add_text(out, any ? "\n" : "_\n");
}

/* `# key = value`, unless there is none. */
static void conllu_comment(const char *key, bytes value, buffer *out) {
    if (!value.size) return;
    buffer_printf(out, "# %s = ", key);
    add_cell(out, value);
    buffer_add_char(out, '\n');
}

/* Comments, then each token: its range line if it has several words, and the words. */
void output_rank(const output_sentence *s, buffer *out) {
    buffer_printf(out, "# rank = %zu\n# probability = ", s->rank);
    output_probability(s->probability, 6, out);
    buffer_add_char(out, '\n');
}

static void write_conllu(const output_sentence *s, buffer *out) {
    if (s->new_document) buffer_add_text(out, "# newdoc\n");
    if (s->new_paragraph) buffer_add_text(out, "# newpar\n");
    conllu_comment("sent_id", s->id, out);
    conllu_comment("text", s->text, out);
    if (s->rank) output_rank(s, out);
    size_t word = 0;
    for (size_t i = 0; i < s->tokens; i++) {
        const output_token *t = s->token + i;
        if (t->words > 1) conllu_range(t, word, out);
        for (size_t k = 0; k < t->words; k++) {
            conllu_word(s, word++, t->words == 1 ? t : NULL, out);
        }
    }
    buffer_add_char(out, '\n');
}

/* ---- plain formats */

/* A word a line with its columns; each probability stands behind its value. */
static void write_vertical(const output_sentence *s, buffer *out) {
    for (size_t w = 0; w < s->words; w++) {
        add_cell(out, s->form[w]);
        for (size_t i = 0; i < s->columns; i++) {
            buffer_add_char(out, '\t');
            add_cell(out, s->column[i].value[w]);
            if (!s->column[i].probability) continue;
            buffer_add_char(out, '\t');
            output_probability((double)s->column[i].probability[w], 4, out);
        }
        buffer_add_char(out, '\n');
    }
    buffer_add_char(out, '\n');
}

/* All words on one line. */
static void write_horizontal(const output_sentence *s, buffer *out) {
    for (size_t w = 0; w < s->words; w++) {
        if (w) buffer_add_char(out, ' ');
        add_horizontal(out, s->form[w]);
        for (size_t i = 0; i < s->columns; i++) {
            buffer_add_char(out, '_');
            add_horizontal(out, s->column[i].value[w]);
        }
    }
    buffer_add_char(out, '\n');
}

/* ---- JSON lines */

/* A member that is left out when it is empty. */
static void add_text_member(const char *key, bytes value, buffer *out) {
    if (!value.size) return;
    buffer_printf(out, "\"%s\":", key);
    json_quote(value, out);
    buffer_add_char(out, ',');
}

/* `"name":` where a suffix may follow the name inside the quotes. */
static void json_key(bytes name, const char *suffix, buffer *out) {
    json_quote(name, out);
    if (!*suffix) {
        buffer_add_char(out, ':');
        return;
    }
    if (out->size) out->size--; /* the suffix goes before the closing quote */
    buffer_printf(out, "%s\":", suffix);
}

/* The values of a word; what has none is null, so that the keys are always there. */
static void json_columns(const output_sentence *s, size_t word, buffer *out) {
    for (size_t i = 0; i < s->columns; i++) {
        const output_column *c = s->column + i;
        buffer_add_char(out, ',');
        json_key(c->name, "", out);
        if (c->value[word].size) {
            json_quote(c->value[word], out);
        } else {
            buffer_add_text(out, "null");
        }
        if (!c->probability) continue;
        buffer_add_char(out, ',');
        json_key(c->name, "_prob", out);
        output_probability((double)c->probability[word], 4, out);
    }
}

/* A word; those of a multiword token also name the token. The byte range is the token's. */
static void json_word(const output_sentence *s, const output_token *t, size_t word, buffer *out) {
    buffer_add_text(out, "{\"form\":");
    json_quote(s->form[word], out);
    json_columns(s, word, out);
    if (t->words > 1) {
        buffer_add_text(out, ",\"token\":");
        json_quote(t->surface, out);
    }
    if (t->begin != t->end) buffer_printf(out, ",\"begin\":%zu,\"end\":%zu", t->begin, t->end);
    buffer_add_char(out, '}');
}

/* One object; `rank` and `probability` only in n-best lists. */
static void write_json(const output_sentence *s, buffer *out) {
    buffer_add_char(out, '{');
    add_text_member("id", s->id, out);
    add_text_member("text", s->text, out);
    if (s->rank) {
        buffer_printf(out, "\"rank\":%zu,\"probability\":", s->rank);
        output_probability(s->probability, 6, out);
        buffer_add_char(out, ',');
    }
    buffer_add_text(out, "\"words\":[");
    size_t word = 0;
    for (size_t i = 0; i < s->tokens; i++) {
        for (size_t k = 0; k < s->token[i].words; k++, word++) {
            if (word) buffer_add_char(out, ',');
            json_word(s, s->token + i, word, out);
        }
    }
    buffer_add_text(out, "]}\n");
}

void output_write(output_format format, const output_sentence *s, buffer *out) {
    switch (format) {
    case OUTPUT_CONLLU:
        write_conllu(s, out);
        break;
    case OUTPUT_VERTICAL:
        write_vertical(s, out);
        break;
    case OUTPUT_HORIZONTAL:
        write_horizontal(s, out);
        break;
    case OUTPUT_JSON:
        write_json(s, out);
        break;
    }
}

/* ---- from a record */

/* Tokens: each range is one, and each word outside of them. */
static size_t record_tokens(const record *r, output_token *token) {
    size_t tokens = 0, range = 0;
    for (size_t w = 0; w < r->words; tokens++) {
        output_token *t = token + tokens;
        *t = (output_token){.words = 1, .surface = record_form(r, w)};
        if (range < r->range_count && r->ranges[range].first == w) {
            const record_range *m = r->ranges + range++;
            t->words = m->last - m->first;
            t->surface = (bytes){r->text.data + m->form.begin, m->form.size};
        }
        w += t->words;
        t->space_after = record_space_after(r, w - 1);
    }
    return tokens;
}

int output_from_record(const record *r, arena *a, output_sentence *s) {
    bytes *form = arena_alloc(a, r->words, sizeof *form);
    output_token *token = arena_alloc(a, r->words, sizeof *token);
    if (!form || !token) return RILL_ENOMEM;
    for (size_t w = 0; w < r->words; w++) form[w] = record_form(r, w);
    *s = (output_sentence){.form = form, .words = r->words, .token = token};
    s->tokens = record_tokens(r, token);
    s->text = record_text(r);
    (void)(r->format == CORPUS_CONLLU && record_comment(r, "sent_id", &s->id));
    return 0;
}
