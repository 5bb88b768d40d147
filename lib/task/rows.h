/* rows: how the option tables of the tasks are written. A task's options file says
 *
 *     #define OPTIONS tag_options
 *     #include "task/rows.h"
 *     static const option_row rows[] = {
 *     #include "task/rows_common.def"
 *         ... its own rows ...
 *     #define TRAIN_EPOCHS "20"     (any default of rows_train.def that is not its own)
 *     #include "task/rows_train.def"
 *     };
 *
 * over a struct that begins with `task_options common; train_options train;`.
 */
#ifndef RILL_TASK_ROWS_H
#define RILL_TASK_ROWS_H

#include "base/options.h"

#include <stddef.h>

#define AT(member) offsetof(OPTIONS, member)
#define COMMON(member) offsetof(OPTIONS, common.member)
#define TRAIN(member) offsetof(OPTIONS, train.member)

enum {
    T = OPTION_TRAIN,
    S = OPTION_TRAIN | OPTION_STORED,
    TC = OPTION_TRAIN | OPTION_CHECK,
    TF = OPTION_TRAIN | OPTION_FILE, /* a file that training reads */
    A = OPTION_APPLY,
    E = OPTION_EVAL,
    EC = OPTION_EVAL | OPTION_COMPARE,
    AE = OPTION_APPLY | OPTION_EVAL,
    AES = OPTION_APPLY | OPTION_EVAL | OPTION_SCORE,
    ANY = OPTION_ALL | OPTION_COMPARE | OPTION_SCORE,
};

#define WORD(name, letter, member, fallback, choices, argument, where, help)                       \
    {name, letter, OPTION_TEXT, member, fallback, 0, 0, choices, argument, where, help}
#define NUMBER(name, letter, member, fallback, low, high, where, help)                             \
    {name, letter, OPTION_INT, member, fallback, low, high, NULL, "N", where, help}
#define AMOUNT(name, member, fallback, low, high, where, help)                                     \
    {name, 0, OPTION_REAL, member, fallback, low, high, NULL, "X", where, help}
#define SWITCH(name, member, fallback, where, help)                                                \
    {name, 0, OPTION_FLAG, member, fallback, 0, 1, NULL, NULL, where, help}

#endif
