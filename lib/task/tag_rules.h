/* tag_rules: what a treebank says about tokens, put before the built-in rules. The words of English are
 * what those know; another language has its own ("du" is de and le, "z.B." a token, "l'" stands alone,
 * "Nord-Süd" doesn't fall apart), and training data in CoNLL-U show them.
 */
#ifndef RILL_TASK_TAG_RULES_H
#define RILL_TASK_TAG_RULES_H

#include "data/corpus.h"
#include "text/token.h"
#include "text/vocab.h"

/* How often stems were seen, one way ("l\t'x": the stem and, where the rules can be asked, what stood
 * behind it, letters as x or X, digits as 1) and the other ("l"). */
typedef struct tag_habit {
    tally yes, no;
} tag_habit;

/* Counts over sentences. Zeroed is empty. */
typedef struct tag_rules {
    tally tokens;      /* "don't\tdo n't", in lower case */
    tag_habit clitics; /* "l'": stands alone before a letter, or is part of a longer token */
    tag_habit apocopes; /* "po'": one token before a blank, or two */
    tag_habit enclitics; /* "-il", "-t-il": stands alone behind a letter, or ends a longer token */
    tag_habit short_forms; /* "bzw.": one token inside a sentence, or two */
    int64_t whole, apart;  /* hyphens between letters, inside a token or as one */
    int64_t colons_whole, colons_apart; /* the same of colons ("EU:n") */
    int64_t numbers, dots; /* "3." before a word, one token or two */
    int most; /* stems that may be put into one regular expression */
    buffer lower, key;
    arena memory;
} tag_rules;

/* Counts the tokens of a sentence in CoNLL-U. RILL_ENOMEM. */
MUST_USE int tag_rules_add(tag_rules *t, const record *rec, unicode_form form);
/* A tokenizer of the built-in rules and of what was counted. */
MUST_USE int tag_rules_tokenizer(tag_rules *t, unicode_form form, tokenizer **out, rill_error *error);
void tag_rules_free(tag_rules *t);

#endif
