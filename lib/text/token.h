/* token: text to tokens, words and sentences, without losing a byte.
 *
 * A token is a range of the raw text; it holds one word, or several ("don't" holds do and n't).
 * Words carry the normalised form. Between tokens lie gaps of white space and control characters.
 * The input is one paragraph, usually a line; no sentence crosses it.
 *
 *     raw bytes   He don't.          tokens  [0,2) [3,8) [8,9)     space_after  yes no yes
 *                                    words   He   do n't   .       sentences    tokens 0..3
 *
 * Concatenating gap 0, token 0, gap 1, token 1, ... gives the raw text back. Tokens are never empty,
 * ascend and don't overlap; the built-in rules never cut an emoji.
 *
 * The rules are a text: the built-in ones of default.rules (used when none are given), or one's own
 * (the format stands in rules.h). A model file stores that text, so it goes on as it was trained.
 */
#ifndef RILL_TEXT_TOKEN_H
#define RILL_TEXT_TOKEN_H

#include "text/unicode.h"

typedef struct token {
    size_t begin, end;   /* bytes of the raw paragraph */
    bytes form;          /* normalised form of the whole token */
    int32_t word, words; /* its words are word .. word + words */
    bool space_after;    /* a gap follows, or the paragraph ends */
} token;

typedef struct sentence {
    int32_t token, tokens; /* its tokens are token .. token + tokens */
} sentence;

/* A paragraph taken apart. Zeroed is empty; reused from paragraph to paragraph it stops allocating.
 * The views live until the next call that fills this struct, and no longer than the tokenizer; forms
 * of tokens point into `text`, words also into the rules or `made`. */
typedef struct token_text {
    buffer text; /* normalised paragraph */
    unicode_map map;
    token *token; /* [tokens] */
    size_t tokens, token_room;
    bytes *word; /* [words] */
    size_t words, word_room;
    sentence *sentence; /* [sentences] */
    size_t sentences, sentence_room;
    arena made; /* words that stand nowhere else */
} token_text;

void token_text_free(token_text *t);

/* Gap before token i of the paragraph `raw`; i == tokens gives what follows the last one. */
bytes token_gap(const token_text *t, bytes raw, size_t i);

/* Immutable, shared between threads. */
typedef struct tokenizer tokenizer;
/* rules: a rules text, or empty for the built-in rules; name is used in messages (may be NULL). */
MUST_USE int tokenizer_new(bytes rules, unicode_form form, const char *name, tokenizer **out,
                           rill_error *error);
MUST_USE int tokenizer_open(const char *path, unicode_form form, tokenizer **out,
                            rill_error *error);
void tokenizer_free(tokenizer *t);
/* The rules in full, never empty: tokenizer_new(tokenizer_rules(t), ...) makes an equal one. */
bytes tokenizer_rules(const tokenizer *t);
unicode_form tokenizer_form(const tokenizer *t);

/* What one thread needs besides the tokenizer, which must outlive it. */
typedef struct token_session token_session;
MUST_USE int token_session_new(const tokenizer *t, token_session **out, rill_error *error);
void token_session_free(token_session *s);

/* Fills normalised text, tokens and words; forgets older sentences. Invalid UTF-8 is RILL_EDATA
 * with the byte in `column` (1-based); the caller adds file and line. */
MUST_USE int token_words(token_session *s, bytes raw, token_text *out, rill_error *error);
/* Appends a sentence; trained splitters on higher floors use it in place of token_sentences. */
MUST_USE int token_add_sentence(token_text *t, int32_t first, int32_t tokens);
/* Fills the sentences by rule. Every token belongs to exactly one; no tokens, no sentences. */
MUST_USE int token_sentences(token_session *s, token_text *t, rill_error *error);

#endif
