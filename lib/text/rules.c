/* rules: reading and compiling the rules of a tokenizer (the format stands in rules.h).
 *
 * Each rule is compiled alone first, so that a fault is reported at its own line and column; then
 * all rules of one kind are joined to one alternation, a single pass of JIT code per token:
 *
 *     (?|(?:RULE 1)|(?:RULE 2)|...)          split:  (?|...)\z
 *
 * The branch reset (?| numbers groups from 1 in each rule. A rules text may come out of a model
 * file from a stranger, so the growth that {{NAME}} can cause is bounded, over all rules together.
 */
#include "text/rules.h"
#include "text/unicode.h"
#include <stdlib.h>
#include <string.h>

enum { EXPANDED_LIMIT = 1 << 20 };

static const char default_rules[] =
#include "lib/text/default.inc"
    ;

bytes rules_default(void) {
    return bytes_of(default_rules);
}

static const char *const keywords[RULE_KINDS] = {"token", "split", "stop", "close", "carry"};

typedef struct draft {
    const char *name;
    size_t line, column; /* of the regular expression being read */
    size_t spent;        /* bytes of all expanded rules so far */
    strmap names;        /* of `let` */
    buffer *value;       /* [names.count] */
    size_t value_room;
    buffer joined[RULE_KINDS]; /* alternation so far */
    buffer regex;              /* the rule being read, expanded */
} draft;

static int fault(const draft *d, size_t offset, rill_error *error, const char *what, bytes found) {
    int shown = found.size < 60 ? (int)found.size : 60;
    return status_set(error, RILL_EDATA, d->name, d->line, d->column + offset, "%s, found \"%.*s\"",
                      what, shown, found.data ? found.data : "");
}

/* Position of `mark` in text at or behind `from`, text.size when absent. */
static size_t find_pair(bytes text, size_t from, const char mark[2]) {
    for (size_t i = from; i + 1 < text.size; i++) {
        if (text.data[i] == mark[0] && text.data[i + 1] == mark[1]) return i;
    }
    return text.size;
}

/* d->regex = regex with every {{NAME}} replaced. */
static int expand(draft *d, bytes regex, rill_error *error) {
    buffer_clear(&d->regex);
    for (size_t at = 0; at < regex.size;) {
        size_t open = find_pair(regex, at, "{{");
        buffer_add_bytes(&d->regex, bytes_slice(regex, at, open));
        if (open == regex.size) break;
        size_t close = find_pair(regex, open, "}}");
        bytes name = bytes_slice(regex, open + 2, close < open + 2 ? open + 2 : close);
        int32_t id = close == regex.size ? -1 : strmap_find(&d->names, name);
        if (id < 0)
            return fault(d, open, error, "unknown name, expected one of an earlier let", name);
        buffer_add_text(&d->regex, "(?:");
        buffer_add_bytes(&d->regex, buffer_view(&d->value[id]));
        buffer_add_char(&d->regex, ')');
        if (d->spent + d->regex.size > EXPANDED_LIMIT) break;
        at = close + 2;
    }
    d->spent += d->regex.size;
    if (d->spent > EXPANDED_LIMIT) {
        return status_set(error, RILL_ELIMIT, d->name, d->line, d->column,
                          "the rules grow past %d bytes", EXPANDED_LIMIT);
    }
    return buffer_status(&d->regex, error);
}

/* Compiles d->regex for its faults only. Columns are exact where nothing was expanded. */
static int try_alone(const draft *d, bytes written, rill_error *error) {
    pattern *p;
    bool same = bytes_equal(written, buffer_view(&d->regex));
    int status = pattern_new(buffer_view(&d->regex), d->name, d->line, d->column, &p, error);
    if (status < 0 && !same && error) error->column = d->column;
    pattern_free(p);
    return status;
}

/* Line `let NAME REGEX`, rest = NAME REGEX. */
static int read_let(draft *d, bytes rest, rill_error *error) {
    bytes name, regex = rest;
    if (!bytes_split(&regex, ' ', &name) || !regex.data || name.size == 0) {
        return fault(d, 0, error, "expected let NAME REGEX", rest);
    }
    if (strmap_find(&d->names, name) >= 0) return fault(d, 0, error, "name defined twice", name);
    regex = bytes_trim(regex);
    d->column += (size_t)(regex.data - rest.data);
    TRY(expand(d, regex, error));
    TRY(try_alone(d, regex, error));
    if (mem_grow(&d->value, &d->value_room, (size_t)d->names.count + 1, sizeof *d->value) < 0) {
        return status_nomem(error);
    }
    buffer value = {0};
    int32_t id;
    buffer_add_bytes(&value, buffer_view(&d->regex));
    if (value.failed || strmap_add(&d->names, name, &id) < 0) {
        buffer_free(&value);
        return status_nomem(error);
    }
    d->value[id] = value;
    return 0;
}

static int read_rule(draft *d, int kind, bytes regex, rill_error *error) {
    if (regex.size == 0) return fault(d, 0, error, "expected a regular expression", regex);
    TRY(expand(d, regex, error));
    TRY(try_alone(d, regex, error));
    buffer *joined = &d->joined[kind];
    buffer_add_text(joined, joined->size ? "|(?:" : "(?|(?:");
    buffer_add_bytes(joined, buffer_view(&d->regex));
    buffer_add_char(joined, ')');
    return buffer_status(joined, error);
}

/* Whether a token in lower case and at least one word stand there, with single blanks between. */
static int check_words(const draft *d, bytes token, bytes words, rill_error *error) {
    buffer lower = {0};
    unicode_lower(token, &lower);
    bool same = bytes_equal(token, buffer_view(&lower));
    int status = buffer_status(&lower, error);
    buffer_free(&lower);
    TRY(status);
    if (!same) return fault(d, 0, error, "expected a token in lower case", token);
    bytes word;
    if (words.size == 0) return fault(d, 0, error, "expected words TOKEN WORD...", token);
    while (bytes_split(&words, ' ', &word)) {
        if (word.size && !unicode_has_space(word) && !unicode_has_space(token)) continue;
        return fault(d, 0, error, "expected words with one blank between them", word);
    }
    return 0;
}

/* Line `words TOKEN WORD...`, rest = TOKEN WORD... */
static int read_words(draft *d, rules *out, bytes rest, rill_error *error) {
    bytes token, words = rest;
    int32_t id, before = out->whole.count;
    bytes_split(&words, ' ', &token);
    if (!words.data) words = (bytes){"", 0};
    TRY(check_words(d, token, words, error));
    if (strmap_add(&out->whole, token, &id) < 0 ||
        mem_grow(&out->words, &out->words_room, (size_t)id + 1, sizeof *out->words) < 0) {
        return status_nomem(error);
    }
    if (id < before) return fault(d, 0, error, "token given twice", token);
    out->words[id] = words;
    return 0;
}

static int read_line(draft *d, rules *out, bytes line, rill_error *error) {
    bytes text = bytes_trim(line), rest = text, keyword;
    d->column = 1 + (size_t)(text.data - line.data);
    if (text.size == 0 || text.data[0] == '#') return 0;
    bool has_rest = bytes_split(&rest, ' ', &keyword) && rest.data;
    bytes value = has_rest ? bytes_trim(rest) : (bytes){text.data + text.size, 0};
    size_t keyword_column = d->column;
    d->column += (size_t)(value.data - text.data);
    if (bytes_equal(keyword, BYTES("let"))) return read_let(d, value, error);
    if (bytes_equal(keyword, BYTES("words"))) return read_words(d, out, value, error);
    for (int kind = 0; kind < RULE_KINDS; kind++) {
        if (bytes_equal(keyword, bytes_of(keywords[kind]))) return read_rule(d, kind, value, error);
    }
    d->column = keyword_column;
    return fault(d, 0, error, "expected let, token, words, split, stop, close or carry", keyword);
}

static int read_lines(draft *d, rules *out, rill_error *error) {
    bytes rest = bytes_unmarked(buffer_view(&out->text)), line;
    while (bytes_split(&rest, '\n', &line)) {
        size_t bad;
        d->line++;
        if (!utf8_valid(line, &bad)) {
            return status_set(error, RILL_EDATA, d->name, d->line, bad + 1, "invalid UTF-8");
        }
        TRY(read_line(d, out, line, error));
    }
    if (d->joined[RULE_TOKEN].size) return 0;
    return status_set(error, RILL_EDATA, d->name, 0, 0, "rules without a token rule");
}

static int compile(draft *d, rules *out, rill_error *error) {
    for (int kind = 0; kind < RULE_KINDS; kind++) {
        buffer *joined = &d->joined[kind];
        if (joined->size == 0) continue;
        buffer_add_text(joined, kind == RULE_SPLIT ? ")\\z" : ")");
        TRY(buffer_status(joined, error));
        TRY(pattern_new(buffer_view(joined), d->name, 0, 0, &out->compiled[kind], error));
        int groups = pattern_groups(out->compiled[kind]);
        if (groups > out->groups) out->groups = groups;
    }
    return 0;
}

static void draft_free(draft *d) {
    for (int32_t i = 0; i < d->names.count; i++) buffer_free(&d->value[i]);
    for (int kind = 0; kind < RULE_KINDS; kind++) buffer_free(&d->joined[kind]);
    free(d->value);
    strmap_free(&d->names);
    buffer_free(&d->regex);
}

int rules_read(bytes text, const char *name, rules *out, rill_error *error) {
    draft d = {.name = name};
    *out = (rules){0};
    buffer_add_bytes(&out->text, text);
    int status = buffer_status(&out->text, error);
    if (status == 0) status = read_lines(&d, out, error);
    if (status == 0) status = compile(&d, out, error);
    draft_free(&d);
    if (status < 0) rules_free(out);
    return status;
}

void rules_free(rules *r) {
    for (int kind = 0; kind < RULE_KINDS; kind++) pattern_free(r->compiled[kind]);
    strmap_free(&r->whole);
    free(r->words);
    buffer_free(&r->text);
    *r = (rules){0};
}
