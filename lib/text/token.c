/* token: text to tokens, words and sentences, without losing a byte.
 *
 * One pass over the normalised paragraph: skip a gap, let the combined token rule match, fall back
 * to one grapheme cluster, take the words from the split rule. Offsets go back to the raw bytes
 * through the map of the normalisation; where a rule stops inside a stretch that normalisation
 * changed as a whole, the token is extended to its end, so raw ranges never overlap.
 *
 * Sentences need tokens only: a sentence ends behind a `stop` and the `close` tokens that stand
 * directly behind it, unless `carry` matches where the next token begins.
 *
 * Memory map of a token_text: `text` holds the whole normalised paragraph; token[i].form and most
 * word[j] are views into it, those of a `words` rule into the rules, or into `made` where capitals
 * were handed on; the arrays grow and are reused. All loops are linear in the paragraph
 * as long as the rules are.
 */
#include "text/token.h"
#include "base/io.h"
#include "text/rules.h"
#include <stdlib.h>

enum { SPLIT_LIMIT = 255 };

struct tokenizer {
    rules rules;
    unicode_form form;
};

struct token_session {
    const tokenizer *tokenizer;
    pattern_scratch *scratch;
    buffer lower;
};

void token_text_free(token_text *t) {
    buffer_free(&t->text);
    unicode_map_free(&t->map);
    free(t->token);
    free(t->word);
    free(t->sentence);
    arena_free(&t->made);
    *t = (token_text){0};
}

bytes token_gap(const token_text *t, bytes raw, size_t i) {
    size_t begin = i ? t->token[i - 1].end : 0;
    return bytes_slice(raw, begin, i < t->tokens ? t->token[i].begin : raw.size);
}

/* ---- tokenizer and session */

int tokenizer_new(bytes text, unicode_form form, const char *name, tokenizer **out,
                  rill_error *error) {
    *out = NULL;
    tokenizer *t = mem_new(1, sizeof *t);
    if (!t) return status_nomem(error);
    t->form = form;
    int status = rules_read(text.size ? text : rules_default(), name, &t->rules, error);
    if (status < 0) {
        free(t);
        return status;
    }
    *out = t;
    return 0;
}

int tokenizer_open(const char *path, unicode_form form, tokenizer **out, rill_error *error) {
    enum { LARGEST = 1 << 20 };
    buffer text = {0};
    *out = NULL;
    int status = file_slurp(path, LARGEST, &text, error);
    if (status >= 0 && text.size == 0) {
        status = status_set(error, RILL_EDATA, path, 0, 0, "no rules in this file");
    }
    if (status >= 0) status = tokenizer_new(buffer_view(&text), form, path, out, error);
    buffer_free(&text);
    return status < 0 ? status : 0;
}

void tokenizer_free(tokenizer *t) {
    if (!t) return;
    rules_free(&t->rules);
    free(t);
}

bytes tokenizer_rules(const tokenizer *t) {
    return buffer_view(&t->rules.text);
}

unicode_form tokenizer_form(const tokenizer *t) {
    return t->form;
}

int token_session_new(const tokenizer *t, token_session **out, rill_error *error) {
    *out = NULL;
    token_session *s = mem_new(1, sizeof *s);
    if (!s) return status_nomem(error);
    s->tokenizer = t;
    int status = pattern_scratch_new(t->rules.groups, &s->scratch, error);
    if (status < 0) {
        free(s);
        return status;
    }
    *out = s;
    return 0;
}

void token_session_free(token_session *s) {
    if (!s) return;
    pattern_scratch_free(s->scratch);
    buffer_free(&s->lower);
    free(s);
}

/* Matches the rules of a kind at a place: 1 and *end, 0, or negative. */
static int rule_at(token_session *s, int kind, bytes text, size_t at, size_t *end,
                   rill_error *error) {
    const pattern *p = s->tokenizer->rules.compiled[kind];
    return p ? pattern_at(p, s->scratch, text, at, end, error) : 0;
}

/* ---- tokens and words */

static size_t gap_end(bytes text, size_t at) {
    size_t length;
    while (at < text.size) {
        unsigned char c = (unsigned char)text.data[at];
        if (c > 0x20 && c < 0x7F) break;
        if (c > 0x7F && unicode_class_of(utf8_decode(text, at, &length)) != UNICODE_SPACE) break;
        at += c > 0x7F ? length : 1;
    }
    return at;
}

static int add_word(token_text *t, bytes form) {
    TRY(mem_grow(&t->word, &t->word_room, t->words + 1, sizeof *t->word));
    t->word[t->words++] = form;
    return 0;
}

/* The word with the capitals of its token: all of it, or its first letter (title). A token's own
 * capital counts for its small letter, since languages differ in that (Turkish: a capital I with a dot).
 * NULL data: no memory. */
static bytes raised(arena *a, bytes word, bytes token, bool title) {
    enum { LONGEST = 4 };
    char *made = arena_alloc(a, word.size + 1, LONGEST);
    size_t size = 0, length;
    const int32_t capital = utf8_decode(token, 0, &length), small = unicode_point_lower(capital);
    for (size_t at = 0; made && at < word.size; at += length) {
        int32_t point = utf8_decode(word, at, &length);
        if (at == 0 || !title) point = point == small ? capital : unicode_point_upper(point);
        size += unicode_point_bytes(point, made + size);
    }
    return (bytes){made, size};
}

/* Adds what a `words` rule says of a token: 1, 0 where none does, or negative. */
static int add_given(token_session *s, token_text *t, bytes form, rill_error *error) {
    const rules *r = &s->tokenizer->rules;
    if (r->whole.count == 0) return 0;
    buffer_clear(&s->lower);
    unicode_lower(form, &s->lower);
    TRY(buffer_status(&s->lower, error));
    int32_t id = strmap_find(&r->whole, buffer_view(&s->lower));
    if (id < 0 && unicode_straighten(&s->lower)) id = strmap_find(&r->whole, buffer_view(&s->lower));
    if (id < 0) return 0;
    if (bytes_equal(r->words[id], buffer_view(&s->lower))) {
        return add_word(t, form) < 0 ? status_nomem(error) : 1; /* one word, as it stands */
    }
    size_t first;
    bool title = unicode_class_of(utf8_decode(form, 0, &first)) == UNICODE_UPPER, all = title;
    for (size_t at = first, length; all && at < form.size; at += length) {
        all = unicode_class_of(utf8_decode(form, at, &length)) != UNICODE_LOWER;
    }
    all = all && utf8_count(form) > 1;
    bytes rest = r->words[id], word;
    for (bool begun = false; bytes_split(&rest, ' ', &word);) {
        if (all || (title && !begun)) word = raised(&t->made, word, form, !all);
        if (!word.data || add_word(t, word) < 0) return status_nomem(error);
        begun = true;
    }
    return 1;
}

/* Appends the words of the token text[begin..end): those of a `words` rule, or the groups of the split
 * rule that matched. */
static int add_words(token_session *s, token_text *t, size_t begin, size_t end, rill_error *error) {
    bytes text = bytes_slice(buffer_view(&t->text), 0, end);
    size_t before = t->words, from = begin, stop;
    int found = 0;
    if (end - begin <= SPLIT_LIMIT) {
        found = add_given(s, t, bytes_slice(text, begin, end), error);
        if (found != 0) return found < 0 ? found : 0;
        found = rule_at(s, RULE_SPLIT, text, begin, &stop, error);
        if (found < 0) return found;
    }
    for (int g = 1; found && g <= s->tokenizer->rules.groups; g++) {
        size_t low, high;
        if (!pattern_group(s->scratch, g, &low, &high)) continue;
        if (low < from || low == high) continue;
        if (add_word(t, bytes_slice(text, low, high)) < 0) return status_nomem(error);
        from = high;
    }
    if (t->words > before) return 0;
    return add_word(t, bytes_slice(text, begin, end)) < 0 ? status_nomem(error) : 0;
}

static int add_token(token_session *s, token_text *t, size_t begin, size_t end, rill_error *error) {
    size_t first = t->words;
    TRY(add_words(s, t, begin, end, error));
    if (mem_grow(&t->token, &t->token_room, t->tokens + 1, sizeof *t->token) < 0) {
        return status_nomem(error);
    }
    token *k = &t->token[t->tokens++];
    *k = (token){.begin = unicode_raw_begin(&t->map, begin),
                 .end = unicode_raw_end(&t->map, end),
                 .form = bytes_slice(buffer_view(&t->text), begin, end),
                 .word = (int32_t)first,
                 .words = (int32_t)(t->words - first),
                 .space_after = true};
    if (t->tokens > 1 && k[-1].end == k->begin) k[-1].space_after = false;
    return 0;
}

static int find_tokens(token_session *s, token_text *t, rill_error *error) {
    bytes text = buffer_view(&t->text);
    size_t end = 0, at;
    while ((at = gap_end(text, end)) < text.size) {
        int found = rule_at(s, RULE_TOKEN, text, at, &end, error);
        if (found < 0) return found;
        if (!found) end = unicode_cluster(text, at);
        end = unicode_whole(&t->map, end);
        TRY(add_token(s, t, at, end, error));
    }
    return 0;
}

int token_words(token_session *s, bytes raw, token_text *out, rill_error *error) {
    size_t bad;
    buffer_clear(&out->text);
    out->map.count = 0;
    arena_reset(&out->made);
    out->tokens = out->words = out->sentences = 0;
    if (raw.size > INT32_MAX / 4) {
        return status_fail(error, RILL_ELIMIT, "paragraph of %zu bytes, at most %d", raw.size,
                           INT32_MAX / 4);
    }
    if (!utf8_valid(raw, &bad)) {
        return status_set(error, RILL_EDATA, NULL, 0, bad + 1, "invalid UTF-8");
    }
    if (unicode_normalise(raw, s->tokenizer->form, &out->text, &out->map) < 0) {
        return status_nomem(error);
    }
    return find_tokens(s, out, error);
}

/* ---- sentences */

int token_add_sentence(token_text *t, int32_t first, int32_t tokens) {
    TRY(mem_grow(&t->sentence, &t->sentence_room, t->sentences + 1, sizeof *t->sentence));
    t->sentence[t->sentences++] = (sentence){.token = first, .tokens = tokens};
    return 0;
}

/* Where token i begins in the normalised text. */
static size_t place(const token_text *t, size_t i) {
    return (size_t)(t->token[i].form.data - t->text.data);
}

/* Whether a rule of the kind matches token i as a whole. */
static int is(token_session *s, int kind, const token_text *t, size_t i, rill_error *error) {
    size_t begin = place(t, i), end;
    int found = rule_at(s, kind, buffer_view(&t->text), begin, &end, error);
    return found > 0 ? end == begin + t->token[i].form.size : found;
}

/* Index behind the sentence end that begins with the stop i: the stop and its closing tokens. */
static int closing_end(token_session *s, const token_text *t, size_t i, size_t *end,
                       rill_error *error) {
    int found = 1;
    for (i++; found > 0 && i < t->tokens && !t->token[i - 1].space_after; i += found > 0) {
        found = is(s, RULE_CLOSE, t, i, error);
    }
    *end = i;
    return found;
}

int token_sentences(token_session *s, token_text *t, rill_error *error) {
    size_t first = 0, end;
    t->sentences = 0;
    for (size_t i = 0; i < t->tokens; i = end) {
        int found = is(s, RULE_STOP, t, i, error);
        if (found < 0) return found;
        end = i + 1;
        if (!found) continue;
        TRY(closing_end(s, t, i, &end, error));
        if (end == t->tokens) break;
        size_t ignored;
        found = rule_at(s, RULE_CARRY, buffer_view(&t->text), place(t, end), &ignored, error);
        if (found < 0) return found;
        if (found) continue;
        if (token_add_sentence(t, (int32_t)first, (int32_t)(end - first)) < 0) {
            return status_nomem(error);
        }
        first = end;
    }
    if (first == t->tokens) return 0;
    return token_add_sentence(t, (int32_t)first, (int32_t)(t->tokens - first)) < 0
               ? status_nomem(error)
               : 0;
}
