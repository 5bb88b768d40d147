/* tag_rules: from the tokens of a treebank to lines of a rules text.
 *
 *     sentence -> tokens with their words -> counts of habits
 *     counts   -> token lines before the built-in rules, words lines behind them
 *
 * A line is written only where the built-in rules would do otherwise, where it was seen twice at least,
 * and more often than its contrary; so a model of English has nearly the built-in rules. All that is
 * put into a regular expression is letters and hyphens.
 */
#include "task/tag_rules.h"

#include "data/output.h"
#include "text/rules.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST = 2, LEAST_HYPHENS = 10, LONGEST = 255, MOST_STEMS = 200, LONGEST_STEM = 32 };

/* ---- signs of a form */

static bool letter_at(bytes text, size_t at) {
    size_t length;
    return at < text.size && unicode_is_letter(utf8_decode(text, at, &length));
}

static bool letter_before(bytes text, size_t at) {
    bytes last = utf8_suffix(bytes_slice(text, 0, at), 1);
    return letter_at(last, 0);
}

/* End of the letters that a text begins with. */
static size_t letters_end(bytes text) {
    size_t at = 0, length;
    while (at < text.size) {
        unicode_class c = unicode_class_of(utf8_decode(text, at, &length));
        if (c > UNICODE_MARK) break;
        at += length;
    }
    return at;
}

/* Bytes of the apostrophe that stands there, or 0. */
static size_t apostrophe_at(bytes text, size_t at) {
    size_t length;
    if (at >= text.size) return 0;
    int32_t point = utf8_decode(text, at, &length);
    return point == '\'' || point == 0x2019 ? length : 0;
}

static bool is_number(bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
    }
    return text.size > 0 && text.size <= 2;
}

/* ---- counting */

/* Lives until the arena is reset. */
static int keep_copy(tag_rules *t, const buffer *text, bytes *out) {
    char *copy = text->failed ? NULL : arena_alloc(&t->memory, text->size + 1, 1);
    if (!copy) return RILL_ENOMEM;
    if (text->size) memcpy(copy, text->data, text->size);
    *out = (bytes){copy, text->size};
    return 0;
}

/* The form as the tokenizer would see it (NULL: not wanted), and in lower case. */
static int see(tag_rules *t, bytes form, unicode_form normal, bytes *plain, bytes *lower) {
    unicode_map map = {0};
    buffer_clear(&t->key);
    buffer_clear(&t->lower);
    int status = unicode_normalise(form, normal, &t->key, &map);
    unicode_map_free(&map);
    TRY(status);
    unicode_lower(buffer_view(&t->key), &t->lower);
    if (plain) TRY(keep_copy(t, &t->key, plain));
    return keep_copy(t, &t->lower, lower);
}

/* A token and its words: "du\tde le". No rule could tell words with blanks inside. */
static int count_token(tag_rules *t, bytes token, const bytes *form, size_t words,
                       unicode_form normal) {
    buffer line = {0};
    int status = 0;
    bool plain = token.size > 0 && token.size <= LONGEST && !unicode_has_space(token);
    buffer_add_bytes(&line, token);
    for (size_t w = 0; status == 0 && plain && w < words; w++) {
        bytes lower;
        status = see(t, form[w], normal, NULL, &lower);
        if (status < 0) break;
        plain = lower.size > 0 && !unicode_has_space(lower);
        buffer_add_char(&line, w ? ' ' : '\t');
        buffer_add_bytes(&line, lower);
    }
    if (status == 0 && line.failed) status = RILL_ENOMEM;
    if (status == 0 && plain) status = tally_add(&t->tokens, buffer_view(&line), 1);
    buffer_free(&line);
    return status;
}

/* A stem seen as it should be, with a sign of what stood behind it. */
static int count_stem(tag_rules *t, tag_habit *h, bytes stem, const char *behind) {
    buffer_clear(&t->key);
    buffer_printf(&t->key, "%.*s\t%s", (int)stem.size, stem.data, behind);
    return t->key.failed ? RILL_ENOMEM : tally_add(&h->yes, buffer_view(&t->key), 1);
}

/* Hyphens between letters, and what they begin. behind: directly behind a letter. */
static int count_hyphens(tag_rules *t, bytes token, bool behind) {
    bool plain = token.size > 1 && token.data[0] == '-' && letter_at(token, 1);
    for (size_t i = 1; plain && i < token.size; i++) {
        i += letters_end(bytes_slice(token, i, token.size));
        plain = i == token.size || (token.data[i] == '-' && letter_at(token, i + 1));
    }
    if (plain && behind && token.size <= LONGEST) {
        return count_stem(t, &t->enclitics, bytes_slice(token, 1, token.size), "");
    }
    for (size_t i = 1; i + 1 < token.size && token.size <= LONGEST; i++) {
        if (token.data[i] != '-' || !letter_before(token, i) || !letter_at(token, i + 1)) continue;
        t->whole++;
        TRY(tally_add(&t->enclitics.no, bytes_slice(token, i + 1, token.size), 1));
    }
    return 0;
}

static void count_colons(tag_rules *t, bytes token) {
    for (size_t i = 1; i + 1 < token.size && token.size <= LONGEST; i++) {
        t->colons_whole += token.data[i] == ':' && letter_before(token, i) && letter_at(token, i + 1);
    }
}

/* What an apostrophe ends: "l'" before a letter, "po'" before a blank. token, next: in lower case; next
 * is empty at the end. joined: nothing stands between the two. */
static int count_apostrophes(tag_rules *t, bytes token, bytes next, bool joined) {
    size_t letters = letters_end(token), mark = apostrophe_at(token, letters);
    bytes stem = bytes_slice(token, 0, letters);
    if (letters == 0 || letters > LONGEST) return 0;
    if (mark && letter_at(token, letters + mark)) return tally_add(&t->clitics.no, stem, 1);
    if (mark && letters + mark == token.size && letter_at(next, 0)) {
        return joined ? count_stem(t, &t->clitics, stem, "'x")
                      : count_stem(t, &t->apocopes, stem, "' x");
    }
    bool quoted = letters == token.size && joined && apostrophe_at(next, 0) == next.size;
    return quoted && next.size ? tally_add(&t->apocopes.no, stem, 1) : 0;
}

/* What stands behind a short form, as a sign of it; NULL where a sentence may end. */
static const char *behind_dot(bytes next, bool joined) {
    size_t length;
    if (next.size == 0) return NULL;
    if (joined) return strchr(",;:)-", next.data[0]) ? ".," : NULL;
    int32_t point = utf8_decode(next, 0, &length);
    unicode_class c = unicode_class_of(point);
    return c == UNICODE_DIGIT ? ". 1" : c == UNICODE_UPPER ? ". X" : c <= UNICODE_LETTER ? ". x" : NULL;
}

/* "bzw." as one token, or as two; its case is of weight ("No. 3", "no."). "3." likewise. */
static int count_short_form(tag_rules *t, bytes token, bytes next, bool joined) {
    bool dot = token.size > 1 && token.data[token.size - 1] == '.';
    bytes stem = bytes_slice(token, 0, token.size - dot);
    if (dot && is_number(stem) && letter_at(next, 0)) t->numbers++;
    if (stem.size == 0 || stem.size > LONGEST || letters_end(stem) < stem.size) return 0;
    if (dot) {
        const char *behind = behind_dot(next, joined);
        return behind ? count_stem(t, &t->short_forms, stem, behind) : 0;
    }
    if (!joined || !bytes_equal(next, BYTES("."))) return 0;
    return tally_add(&t->short_forms.no, stem, 1);
}

/* a - b, a : b and 3 . as tokens of their own */
static void count_apart(tag_rules *t, bytes token, bytes mark, bool joined, bytes next, bool next_joined) {
    if (!joined) return;
    bool between = next_joined && letter_before(token, token.size) && letter_at(next, 0);
    if (between && bytes_equal(mark, BYTES("-"))) t->apart++;
    if (between && bytes_equal(mark, BYTES(":"))) t->colons_apart++;
    if (bytes_equal(mark, BYTES(".")) && is_number(token)) t->dots++;
}

int tag_rules_add(tag_rules *t, const record *rec, unicode_form form) {
    output_sentence s;
    arena_reset(&t->memory);
    TRY(output_from_record(rec, &t->memory, &s));
    bytes *token = arena_zero(&t->memory, s.tokens + 2, sizeof *token); /* in lower case */
    bytes *plain = arena_zero(&t->memory, s.tokens + 1, sizeof *plain);
    if (!token || !plain) return RILL_ENOMEM;
    for (size_t i = 0, w = 0; i < s.tokens; w += s.token[i++].words) {
        const output_token *own = &s.token[i];
        bytes surface = own->words == 1 ? s.form[w] : own->surface;
        TRY(see(t, surface, form, &plain[i], &token[i]));
        TRY(count_token(t, token[i], s.form + w, own->words, form));
    }
    for (size_t i = 0; i < s.tokens; i++) {
        bool joined = !s.token[i].space_after, behind = i > 0 && !s.token[i - 1].space_after;
        behind = behind && letter_before(token[i - 1], token[i - 1].size);
        TRY(count_hyphens(t, token[i], behind));
        count_colons(t, token[i]);
        TRY(count_apostrophes(t, token[i], token[i + 1], joined));
        TRY(count_short_form(t, plain[i], plain[i + 1], joined));
        if (i + 1 == s.tokens) break;
        count_apart(t, token[i], token[i + 1], joined, token[i + 2], !s.token[i + 1].space_after);
    }
    return 0;
}

void tag_rules_free(tag_rules *t) {
    tag_habit *habits[] = {&t->clitics, &t->apocopes, &t->enclitics, &t->short_forms};
    for (size_t i = 0; i < sizeof habits / sizeof *habits; i++) {
        tally_free(&habits[i]->yes);
        tally_free(&habits[i]->no);
    }
    tally_free(&t->tokens);
    buffer_free(&t->lower);
    buffer_free(&t->key);
    arena_free(&t->memory);
}

/* ---- what the rules make of a token */

typedef struct asking {
    tokenizer *tokenizer;
    token_session *session;
    token_text text;
    rill_error *error;
} asking;

static int asking_begin(asking *a, bytes rules, unicode_form form, rill_error *error) {
    *a = (asking){.error = error};
    TRY(tokenizer_new(rules, form, "learnt rules", &a->tokenizer, error));
    return token_session_new(a->tokenizer, &a->session, error);
}

static void asking_end(asking *a) {
    token_text_free(&a->text);
    token_session_free(a->session);
    tokenizer_free(a->tokenizer);
}

/* Whether the rules take the text for one token of these words ("de le"): 1, 0, or negative; *split
 * tells that they found one token of several words. */
static int agrees(asking *a, bytes text, bytes words, bool *split) {
    TRY(token_words(a->session, text, &a->text, a->error));
    bytes word;
    size_t i = 0;
    bool same = a->text.tokens == 1;
    *split = same && a->text.words > 1;
    for (; same && bytes_split(&words, ' ', &word); i++) {
        same = i < a->text.words && bytes_equal(a->text.word[i], word);
    }
    return same && i == a->text.words;
}

/* ---- writing lines */

/* Letters of scripts with blanks, their marks, digits. */
#define PART                                                                                       \
    "(?:[^\\P{L}\\p{Han}\\p{Hiragana}\\p{Katakana}\\p{Thai}\\p{Lao}\\p{Khmer}\\p{Myanmar}]|[\\p{M}\\p{N}])++"

/* Entry i of a habit: its stem, and what the rules are to be asked. */
static bytes stem_at(const tag_habit *h, int32_t i, bytes *behind) {
    bytes stem;
    *behind = strmap_get(&h->yes.words, i);
    bytes_split(behind, '\t', &stem);
    return stem;
}

static bool usual(const tag_habit *h, int32_t i, int64_t least) {
    bytes behind, stem = stem_at(h, i, &behind);
    int32_t against = strmap_find(&h->no.words, stem);
    int64_t no = against < 0 ? 0 : h->no.count[against];
    return stem.size <= LONGEST_STEM && h->yes.count[i] >= least && h->yes.count[i] > no;
}

/* How often a stem must be seen, so that there are `most` of them at most. */
static int64_t least_of(const tag_habit *h, int most) {
    for (int64_t least = LEAST;; least *= 2) {
        int stems = 0;
        for (int32_t i = 0; i < h->yes.words.count; i++) stems += usual(h, i, least);
        if (stems <= most) return least;
    }
}

/* Whether the rules cut one sign behind the stem already: 1, 0, or negative. */
static int cut_already(tag_rules *t, asking *a, bytes stem, bytes behind) {
    buffer_clear(&t->key);
    buffer_add_bytes(&t->key, stem);
    buffer_add_bytes(&t->key, behind);
    TRY(buffer_status(&t->key, a->error));
    TRY(token_words(a->session, buffer_view(&t->key), &a->text, a->error));
    return a->text.tokens > 0 && a->text.token[0].form.size == stem.size + 1;
}

/* One line for all that is usual and not done yet: `open` a|b `close`, a regular expression. 1 when
 * there is a line. */
static int add_stems(tag_rules *t, asking *a, const tag_habit *h, const char *open,
                     const char *close, buffer *out) {
    strmap done = {0};
    int64_t least = least_of(h, t->most);
    int status = 0;
    for (int32_t i = 0, id; status >= 0 && i < h->yes.words.count; i++) {
        bytes behind, stem = stem_at(h, i, &behind);
        if (!usual(h, i, least) || strmap_find(&done, stem) >= 0) continue;
        status = behind.size ? cut_already(t, a, stem, behind) : 0;
        if (status != 0) continue;
        buffer_add_text(out, done.count ? "|" : open);
        buffer_add_bytes(out, stem);
        status = strmap_add(&done, stem, &id);
    }
    bool begun = done.count > 0;
    if (begun) buffer_printf(out, "%s\n", close);
    strmap_free(&done);
    return status < 0 ? status : begun;
}

/* What a hyphen divides: enclitics, and then, where it divides nothing else, whole words, in which one
 * letter may have an apostrophe ("Val-d'Oise"). */
static int add_hyphens(tag_rules *t, asking *a, buffer *out) {
    int some = add_stems(t, a, &t->enclitics, "let enclitic -(?i:", ")(?![\\p{L}\\p{N}])", out);
    bool whole = t->whole >= LEAST_HYPHENS && t->whole > t->apart;
    if (some < 0 || !(some || whole)) return some;
    if (!some) buffer_add_text(out, "let enclitic (?!)\n");
    if (some) buffer_add_text(out, "token (?<=\\p{L}){{enclitic}}|" PART "(?={{enclitic}})\n");
    if (!whole) return 0;
    buffer_add_text(out, "token (?=[\\p{N}-]{0,24}+\\p{L})" PART "(?:(?!{{enclitic}})-(?:\\p{L}['’])?+" PART "){1,12}+"
                         "(?!(?!{{enclitic}})[\\w@/:'’-]|\\.\\w)\n");
    return 0;
}

/* The lines that go before the built-in ones. Like those they take linear time: loops are bounded, or
 * what they have seen becomes a token. */
static int add_token_lines(tag_rules *t, asking *a, buffer *out) {
    int status = add_stems(t, a, &t->short_forms, "token (?:",
                           ")\\.(?=[,;:)\\-]|\\s++[\\p{L}\\p{N}])", out);
    if (status >= 0) {
        status = add_stems(t, a, &t->clitics, "token (?i:", ")['’](?=\\p{L})", out);
    }
    if (status >= 0) {
        status = add_stems(t, a, &t->apocopes, "token (?i:", ")['’](?=\\s++\\p{L})", out);
    }
    TRY(status);
    if (t->numbers > LEAST && t->numbers > t->dots) {
        buffer_add_text(out, "token \\d{1,2}+\\.(?=\\s++\\p{L})\n");
    }
    if (t->colons_whole >= LEAST_HYPHENS && t->colons_whole > t->colons_apart) {
        buffer_add_text(out, "token " PART ":\\p{L}{1,8}+(?![\\w:/@-]|\\.\\w)\n");
    }
    TRY(add_hyphens(t, a, out));
    return buffer_status(out, a->error);
}

/* Token and words of entry i. */
static void entry(const tag_rules *t, int32_t i, bytes *token, bytes *words) {
    *words = strmap_get(&t->tokens.words, i);
    bytes_split(words, '\t', token);
}

/* The built-in rules; those that split English contractions only where they are right more often than
 * not. */
static int add_built_in(tag_rules *t, asking *a, buffer *out) {
    int64_t right = 0, wrong = 0;
    for (int32_t i = 0; i < t->tokens.words.count; i++) {
        bytes token, words;
        bool split;
        entry(t, i, &token, &words);
        int same = agrees(a, token, words, &split);
        if (same < 0) return same;
        if (split) *(same ? &right : &wrong) += t->tokens.count[i];
    }
    bytes rest = rules_default(), line;
    while (bytes_split(&rest, '\n', &line)) {
        if (wrong > right && bytes_starts(line, BYTES("split "))) continue;
        buffer_add_bytes(out, line);
        buffer_add_char(out, '\n');
    }
    return buffer_status(out, a->error);
}

/* A token seen with curved apostrophes alone is meant with straight ones too. */
static int add_words_line(tag_rules *t, bytes token, bytes words, const strmap *seen, buffer *out) {
    buffer_printf(out, "words %.*s %.*s\n", (int)token.size, token.data, (int)words.size, words.data);
    buffer_clear(&t->lower);
    buffer_add_bytes(&t->lower, token);
    if (t->lower.failed) return RILL_ENOMEM;
    if (!unicode_straighten(&t->lower) || strmap_find(seen, buffer_view(&t->lower)) >= 0) return 0;
    buffer_clear(&t->key);
    buffer_add_bytes(&t->key, words);
    if (t->key.failed) return RILL_ENOMEM;
    unicode_straighten(&t->key);
    bytes plain = buffer_view(&t->lower);
    words = buffer_view(&t->key);
    buffer_printf(out, "words %.*s %.*s\n", (int)plain.size, plain.data, (int)words.size, words.data);
    return 0;
}

/* Words lines for what is usual and what the rules do not do by themselves. */
static int add_words_lines(tag_rules *t, asking *a, buffer *out) {
    strmap seen = {0};
    int32_t *best = mem_new((size_t)t->tokens.words.count + 1, sizeof *best);
    int status = best ? 0 : RILL_ENOMEM;
    for (int32_t i = 0, id; status == 0 && i < t->tokens.words.count; i++) {
        bytes token, words;
        int32_t before = seen.count;
        entry(t, i, &token, &words);
        status = strmap_add(&seen, token, &id);
        if (status == 0 && (id == before || t->tokens.count[i] > t->tokens.count[best[id]])) best[id] = i;
    }
    for (int32_t k = 0; status == 0 && k < seen.count; k++) {
        bytes token, words;
        bool split, several;
        if (t->tokens.count[best[k]] < LEAST) continue;
        entry(t, best[k], &token, &words);
        several = !bytes_equal(token, words);
        int same = agrees(a, token, words, &split);
        if (same < 0) status = same;
        if (same != 0 || !(several || split)) continue;
        status = add_words_line(t, token, words, &seen, out);
    }
    strmap_free(&seen);
    free(best);
    return status < 0 ? status : buffer_status(out, a->error);
}

/* Runs a step that asks a tokenizer of these rules. */
static int ask(tag_rules *t, bytes rules, unicode_form form,
               int (*step)(tag_rules *t, asking *a, buffer *out), buffer *out, rill_error *error) {
    asking a;
    int status = asking_begin(&a, rules, form, error);
    if (status == 0) status = step(t, &a, out);
    asking_end(&a);
    return status == RILL_ENOMEM ? status_nomem(error) : status;
}

static int build(tag_rules *t, unicode_form form, tokenizer **out, rill_error *error) {
    buffer text = {0}, more = {0};
    int status = ask(t, rules_default(), form, add_token_lines, &text, error);
    if (status == 0) status = ask(t, rules_default(), form, add_built_in, &text, error);
    if (status == 0) status = ask(t, buffer_view(&text), form, add_words_lines, &more, error);
    buffer_add_bytes(&text, buffer_view(&more));
    if (status == 0) status = buffer_status(&text, error);
    if (status == 0) status = tokenizer_new(buffer_view(&text), form, "learnt rules", out, error);
    buffer_free(&text);
    buffer_free(&more);
    return status;
}

/* With fewer and fewer stems, until the regular expressions are small enough for PCRE2. */
int tag_rules_tokenizer(tag_rules *t, unicode_form form, tokenizer **out, rill_error *error) {
    for (t->most = MOST_STEMS;; t->most /= 2) {
        int status = build(t, form, out, error);
        if (status == 0 || status == RILL_ENOMEM || t->most == 0) return status;
    }
}
