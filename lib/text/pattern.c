/* pattern: compiled regular expressions over PCRE2.
 *
 * A pattern is anchored when it is compiled (an option of the match itself would switch the JIT
 * off), always UTF and with Unicode properties, and may not use \C, which could stop inside a code
 * point. Where there is no JIT for the machine the interpreter gives the same answers.
 *
 * Limits, per match: 10 million steps of backtracking, as many levels, 32 MiB of heap, 1 MiB of JIT
 * stack. A rule that runs past them is a fault of the rule, reported as RILL_ELIMIT.
 */
#include "text/pattern.h"
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { STEP_LIMIT = 10 * 1000 * 1000, HEAP_LIMIT_KIB = 32 << 10, STACK_START = 32 << 10 };
enum { STACK_LIMIT = 1 << 20, START_LIMIT = 1000 };

struct pattern {
    pcre2_code *code;
    uint32_t groups;
    bool starts[256]; /* bytes that a match may begin with */
};

struct pattern_scratch {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    int groups; /* pairs that the last match set, the whole match included; 0 when it failed */
};

/* PCRE2 wants a pointer even where there is nothing to point at. */
static PCRE2_SPTR units(bytes text) {
    return (PCRE2_SPTR)(text.data ? text.data : "");
}

int pattern_scratch_new(int groups, pattern_scratch **out, rill_error *error) {
    *out = NULL;
    pattern_scratch *s = mem_new(1, sizeof *s);
    if (!s) return status_nomem(error);
    s->data = pcre2_match_data_create((uint32_t)groups + 1, NULL);
    s->context = pcre2_match_context_create(NULL);
    s->stack = pcre2_jit_stack_create(STACK_START, STACK_LIMIT, NULL);
    if (!s->data || !s->context) {
        pattern_scratch_free(s);
        return status_nomem(error);
    }
    pcre2_set_match_limit(s->context, STEP_LIMIT);
    pcre2_set_depth_limit(s->context, STEP_LIMIT);
    pcre2_set_heap_limit(s->context, HEAP_LIMIT_KIB);
    /* NULL (no JIT here) means the machine stack, which is then never used. */
    pcre2_jit_stack_assign(s->context, NULL, s->stack);
    *out = s;
    return 0;
}

void pattern_scratch_free(pattern_scratch *s) {
    if (!s) return;
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->context);
    pcre2_jit_stack_free(s->stack);
    free(s);
}

/* Strikes out the ASCII signs that no match begins with, whatever follows: a partial match asks
 * that. Where a pattern looks behind, what stands before would matter. */
static int try_starts(pattern *p) {
    uint32_t behind = 1;
    pcre2_pattern_info(p->code, PCRE2_INFO_MAXLOOKBEHIND, &behind);
    if (behind) return 0;
    pattern_scratch *s;
    TRY(pattern_scratch_new(0, &s, NULL));
    pcre2_set_match_limit(s->context, START_LIMIT); /* passing it says nothing */
    pcre2_set_depth_limit(s->context, START_LIMIT);
    for (int i = 0; i < 0x80; i++) {
        const unsigned char sign = (unsigned char)i;
        int code = pcre2_match(p->code, &sign, 1, 0,
                               PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK | PCRE2_PARTIAL_HARD, s->data,
                               s->context);
        if (code == PCRE2_ERROR_NOMATCH) p->starts[i] = false;
    }
    pattern_scratch_free(s);
    return 0;
}

/* PCRE2 knows a set of bytes, one code unit (of either case, then), or nothing. */
static int find_starts(pattern *p) {
    const uint8_t *set = NULL;
    uint32_t kind = 0, first = 0;
    pcre2_pattern_info(p->code, PCRE2_INFO_FIRSTBITMAP, (void *)&set);
    pcre2_pattern_info(p->code, PCRE2_INFO_FIRSTCODETYPE, &kind);
    pcre2_pattern_info(p->code, PCRE2_INFO_FIRSTCODEUNIT, &first);
    for (uint32_t i = 0; i < 256; i++) {
        bool same = i >= 0x80 || (i | 0x20) == (first | 0x20);
        p->starts[i] = set ? set[i / 8] >> i % 8 & 1 : kind != 1 || same;
    }
    return try_starts(p);
}

int pattern_new(bytes regex, const char *file, size_t line, size_t column, pattern **out,
                rill_error *error) {
    int code;
    PCRE2_SIZE offset;
    *out = NULL;
    pattern *p = mem_new(1, sizeof *p);
    if (!p) return status_nomem(error);
    p->code = pcre2_compile(units(regex), regex.size,
                            PCRE2_ANCHORED | PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code,
                            &offset, NULL);
    if (!p->code) {
        PCRE2_UCHAR message[256] = "";
        pcre2_get_error_message(code, message, sizeof message);
        free(p);
        return status_set(error, RILL_EDATA, file, line, column ? column + offset : 0,
                          "bad regular expression: %s", (const char *)message);
    }
    /* Failing here only costs speed. */
    pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE);
    pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &p->groups);
    if (find_starts(p) < 0) {
        pattern_free(p);
        return status_nomem(error);
    }
    *out = p;
    return 0;
}

bool pattern_starts(const pattern *p, unsigned char byte) {
    return p->starts[byte];
}

void pattern_free(pattern *p) {
    if (!p) return;
    pcre2_code_free(p->code);
    free(p);
}

int pattern_groups(const pattern *p) {
    return (int)p->groups;
}

/* What a match that neither succeeded nor failed means. */
static int match_fault(int code, size_t at, rill_error *error) {
    if (code == PCRE2_ERROR_NOMEMORY) return status_nomem(error);
    PCRE2_UCHAR message[256] = "";
    pcre2_get_error_message(code, message, sizeof message);
    return status_set(error, RILL_ELIMIT, NULL, 0, at + 1, "a rule gave up on this text: %s",
                      (const char *)message);
}

int pattern_at(const pattern *p, pattern_scratch *s, bytes text, size_t at, size_t *end,
               rill_error *error) {
    int code = pcre2_match(p->code, units(text), text.size, at, PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK,
                           s->data, s->context);
    s->groups = code > 0 ? code : 0;
    if (code == PCRE2_ERROR_NOMATCH) return 0;
    if (code < 0) return match_fault(code, at, error);
    *end = pcre2_get_ovector_pointer(s->data)[1];
    return *end > at;
}

bool pattern_group(const pattern_scratch *s, int group, size_t *begin, size_t *end) {
    if (group < 0 || group >= s->groups) return false;
    const PCRE2_SIZE *pair = pcre2_get_ovector_pointer(s->data) + 2 * group;
    if (pair[0] == PCRE2_UNSET || pair[0] > pair[1]) return false;
    *begin = pair[0];
    *end = pair[1];
    return true;
}
