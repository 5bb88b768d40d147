/* vocabs_file: vocabularies in the formats that people have.
 *
 *     tsv    word TAB count; count 0 marks the special words, which come first
 *     space  word, blank, count: what subword-nmt's get-vocab writes
 *     plain  one word a line, the most frequent first; counts are then 1
 *     json   one object {"word":count}
 *     model  a model file of rill
 *
 * Everything but models is turned into tsv and read as such, so there is one parser. Numbers of
 * lines stay but for json, whose words are checked before.
 */
#include "data/excerpt.h"
#include "task/store.h"
#include "task/vocabs.h"

#include <inttypes.h>
#include <string.h>

enum { LARGEST = 1 << 30 };

/* ---- models */

/* A container begins with the size of its header and a brace. */
static bool is_model(bytes text) {
    return text.size > 16 && text.data[8] == '{' && text.data[7] == 0 && text.data[6] == 0;
}

/* Length of X in "X.count", 0 when the name is another. */
static size_t counted_name(const char *name) {
    size_t size = strlen(name);
    return size > 6 && !strcmp(name + size - 6, ".count") ? size - 6 : 0;
}

/* No vocabulary of that name, or none at all. */
static int no_table(const bundle *b, const char *table, rill_error *error) {
    buffer names = {0};
    for (size_t i = 0; i < bundle_count(b); i++) {
        const char *full = bundle_at(b, i)->name;
        if (names.size && counted_name(full)) buffer_add_text(&names, ", ");
        buffer_add_bytes(&names, (bytes){full, counted_name(full)});
    }
    int status = buffer_status(&names, error);
    if (status == 0 && names.size && table) {
        status = status_set(error, RILL_EUSAGE, bundle_name(b), 0, 0,
                            "no vocabulary is called \"%s\"; there is %s", table,
                            excerpt_of(buffer_view(&names)).text);
    } else if (status == 0) {
        status =
            status_set(error, RILL_EMODEL, bundle_name(b), 0, 0, "the model has no vocabulary");
    }
    buffer_free(&names);
    return status;
}

/* That of the name `table`, NULL: the first. */
static int read_table(bundle *b, const char *table, vocab *out, rill_error *error) {
    char name[256] = "";
    for (size_t i = 0; i < bundle_count(b) && !*name; i++) {
        const bytes full = {bundle_at(b, i)->name, counted_name(bundle_at(b, i)->name)};
        bool wanted = full.size && (!table || bytes_equal(full, bytes_of(table)));
        if (wanted && full.size < sizeof name) memcpy(name, full.data, full.size);
    }
    return *name ? load_vocab(b, name, out, error) : no_table(b, table, error);
}

static int read_model(const char *path, const char *table, vocab *out, rill_error *error) {
    bundle *b;
    TRY(bundle_open(path, &b, error));
    int status = read_table(b, table, out, error);
    bundle_close(b);
    return status;
}

/* ---- text */

/* A word may begin with a brace too; in the text of an object a name follows it, or the other brace
 * and then nothing. */
static bool is_object(bytes text) {
    text = bytes_trim(text);
    if (text.size == 0 || text.data[0] != '{') return false;
    bytes inner = bytes_trim(bytes_slice(text, 1, text.size));
    if (inner.size == 0) return false;
    if (inner.data[0] == '}') return inner.size == 1;
    return inner.data[0] == '"' && inner.size > 1 && (unsigned char)inner.data[1] >= ' ';
}

/* The format of a text by its first line that is not blank; what is counted as we write it is that,
 * even if the word looks like the start of an object. */
static const char *guess(bytes text) {
    bytes rest = text, line = {0}, count, word;
    int64_t number;
    while (bytes_split(&rest, '\n', &line) && bytes_trim(line).size == 0) {
    }
    count = line = bytes_trim(line);
    bytes_split(&count, '\t', &word);
    if (count.data && bytes_to_int(count, &number)) return "tsv";
    if (is_object(text)) return "json";
    if (count.data) return "tsv";
    size_t digits = line.size;
    while (digits && line.data[digits - 1] >= '0' && line.data[digits - 1] <= '9') digits--;
    bool counted = digits > 1 && digits < line.size && line.data[digits - 1] == ' ';
    return counted ? "space" : "plain";
}

/* One line of `space` or `plain` as tsv. */
static int line_to_tsv(bytes line, bool counted, const char *file, size_t number, buffer *out,
                       rill_error *error) {
    size_t end = line.size;
    const char *tab = memchr(line.data, '\t', line.size);
    if (tab) {
        return status_set(error, RILL_EDATA, file, number, (size_t)(tab - line.data) + 1,
                          "found a tab, which no word holds (format %s)",
                          counted ? "space" : "plain");
    }
    while (counted && end && line.data[end - 1] != ' ') end--;
    if (counted && end == 0) {
        return status_set(error, RILL_EDATA, file, number, 1,
                          "found \"%s\", expected word, blank and count (format space)",
                          excerpt_of(line).text);
    }
    buffer_add_bytes(out, bytes_slice(line, 0, counted ? end - 1 : end));
    buffer_add_char(out, '\t');
    buffer_add_bytes(out, counted ? bytes_slice(line, end, line.size) : BYTES("1"));
    buffer_add_char(out, '\n');
    return 0;
}

/* Lines of `space` and `plain` as tsv; blank ones at the end of the file are nothing. */
static int lines_to_tsv(bytes text, bool counted, const char *file, buffer *out,
                        rill_error *error) {
    bytes rest = text, line;
    for (size_t number = 1; bytes_split(&rest, '\n', &line); number++) {
        if (bytes_trim(line).size == 0 && bytes_trim(rest).size == 0) break;
        if (line.size && line.data[line.size - 1] == '\r') line.size--;
        if (line.size == 0) {
            return status_set(error, RILL_EDATA, file, number, 1, "an empty line, expected a word");
        }
        TRY(line_to_tsv(line, counted, file, number, out, error));
    }
    return 0;
}

static int word_fault(const char *word, const char *file, const char *what, rill_error *error) {
    return status_set(error, RILL_EDATA, file, 0, 0, "\"%s\": %s", excerpt_of(bytes_of(word)).text,
                      what);
}

/* Checks all that the parser would find fault with: its lines are not those of the file. Words are
 * named instead, for jansson does not tell where they stand. */
static int words_to_tsv(const json_t *object, const char *file, buffer *out, rill_error *error) {
    const char *word;
    json_t *count;
    bool special = true;
    json_object_foreach((json_t *)object, word, count) {
        if (!json_is_integer(count) || json_integer_value(count) < 0) {
            return word_fault(word, file, "expected a whole number from 0 on", error);
        }
        if (strpbrk(word, "\t\r\n")) {
            return word_fault(word, file, "a word holds no tab or line end", error);
        }
        special &= json_integer_value(count) == 0;
        if (!special && json_integer_value(count) == 0) {
            return word_fault(word, file, "count 0 marks a special word, and these come first",
                              error);
        }
        buffer_printf(out, "%s\t%" JSON_INTEGER_FORMAT "\n", word, json_integer_value(count));
    }
    return 0;
}

static int json_to_tsv(bytes text, const char *file, buffer *out, rill_error *error) {
    json_t *object;
    TRY(json_read(text, file, &object, error));
    int status = json_is_object(object)
                     ? words_to_tsv(object, file, out, error)
                     : status_set(error, RILL_EDATA, file, 1, 1,
                                  "expected an object of words and whole numbers");
    json_decref(object);
    return status;
}

static int read_text(bytes text, const char *from, const char *path, vocab *out,
                     rill_error *error) {
    buffer lines = {0};
    reader *r;
    int status = 0;
    text = bytes_unmarked(text);
    if (!strcmp(from, "auto")) from = guess(text);
    if (!strcmp(from, "json")) {
        status = json_to_tsv(text, path, &lines, error);
    } else if (strcmp(from, "tsv") != 0) {
        status = lines_to_tsv(text, !strcmp(from, "space"), path, &lines, error);
    }
    if (status == 0) status = buffer_status(&lines, error);
    bool same = !strcmp(from, "tsv");
    if (status == 0) status = reader_open_bytes(same ? text : buffer_view(&lines), path, &r, error);
    if (status == 0) {
        status = vocab_read(out, r, error);
        reader_close(r);
    }
    buffer_free(&lines);
    return status;
}

int vocabs_read(const char *path, const char *from, const char *table, vocab *out,
                rill_error *error) {
    buffer text = {0};
    const char *shown = strcmp(path, "-") ? path : "standard input";
    int status = 0;
    if (!strcmp(from, "model")) return read_model(path, table, out, error);
    TRY(file_slurp(path, LARGEST, &text, error));
    const bool model = !strcmp(from, "auto") && is_model(buffer_view(&text));
    if (model && shown != path) {
        status =
            status_fail(error, RILL_EUSAGE, "a model is read from a file, not from standard input");
    } else if (model) {
        status = read_model(path, table, out, error);
    } else if (table) {
        status = status_set(error, RILL_EUSAGE, shown, 0, 0, "--table is for model files");
    } else {
        status = read_text(buffer_view(&text), from, shown, out, error);
    }
    buffer_free(&text);
    return status;
}

/* ---- writing */

static int no_place(int32_t word, const char *what, rill_error *error) {
    return status_fail(error, RILL_EDATA, "word %" PRId32 " holds %s", word, what);
}

static bool fits_a_line(bytes word) {
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] == '\t' || word.data[i] == '\r' || word.data[i] == '\n') return false;
    }
    return true;
}

int vocabs_format(const vocab *v, const char *to, buffer *out, rill_error *error) {
    bool json = !strcmp(to, "json"), plain = !strcmp(to, "plain"), tsv = !strcmp(to, "tsv");
    if (json) buffer_add_char(out, '{');
    for (int32_t i = 0; i < vocab_size(v); i++) {
        bytes word = vocab_word(v, i);
        if (!json && !fits_a_line(word)) return no_place(i, "a tab or a line end", error);
        if (json && word.size && memchr(word.data, 0, word.size))
            return no_place(i, "a NUL byte", error);
        if (json) {
            if (i) buffer_add_char(out, ',');
            json_quote(word, out);
            buffer_printf(out, ":%" PRId64, v->count[i]);
            continue;
        }
        buffer_add_bytes(out, word);
        if (!plain) buffer_printf(out, "%c%" PRId64, tsv ? '\t' : ' ', v->count[i]);
        buffer_add_char(out, '\n');
    }
    if (json) buffer_add_text(out, "}\n");
    return buffer_status(out, error);
}
