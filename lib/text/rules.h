/* rules: the text that says what a tokenizer does, compiled.
 *
 * One rule a line: a keyword, a blank, a regular expression (PCRE2 syntax, Unicode properties, `.`
 * and character classes work on code points). Blank lines and lines that start with # are skipped.
 *
 *   let NAME REGEX   {{NAME}} in later rules stands for (?:REGEX)
 *   token REGEX      a token is the first of these, in order, that matches where a gap ended; where
 *                    none does, one grapheme cluster is a token. White space, control characters,
 *                    U+200B and U+FEFF are gaps and are skipped before.
 *   words TOKEN WORD...   the words of this one token, at most 255 bytes: TOKEN stands in lower case,
 *                    a token with capitals hands them on to its words; a curved apostrophe may stand
 *                    for the straight one of TOKEN. Comes before split.
 *   split REGEX      words of a token of at most 255 bytes: the first of these that matches the
 *                    whole token, each capturing group one word. Without a match: one word.
 *   stop REGEX       matches a whole token after which a sentence may end
 *   close REGEX      matches a whole token that, standing directly behind a stop (or another
 *                    close), still belongs to its sentence
 *   carry REGEX      matches where the next token begins: the sentence goes on after all
 *
 * token, stop, close and carry see the paragraph around them, so they may look ahead and behind;
 * split sees nothing behind its token. Groups are numbered from 1 in every rule.
 */
#ifndef RILL_TEXT_RULES_H
#define RILL_TEXT_RULES_H

#include "text/pattern.h"

enum { RULE_TOKEN, RULE_SPLIT, RULE_STOP, RULE_CLOSE, RULE_CARRY, RULE_KINDS };

typedef struct rules {
    buffer text;                   /* as given */
    pattern *compiled[RULE_KINDS]; /* all rules of a kind as one alternation; NULL: none */
    strmap whole;                  /* tokens of `words` */
    bytes *words;                  /* [whole.count] their words as written, in `text` */
    size_t words_room;
    int groups;                    /* most groups of any */
} rules;

/* The rules that stand in lib/text/default.rules. */
bytes rules_default(void);
/* Compiles `text`, which is UTF-8 or refused; faults are reported as name:line:column. On failure
 * *out needs no rules_free. */
MUST_USE int rules_read(bytes text, const char *name, rules *out, rill_error *error);
void rules_free(rules *r);

#endif
