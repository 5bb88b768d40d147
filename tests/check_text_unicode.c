/* check_text_unicode: UTF-8, normalisation and its map, case, classes, clusters, shapes. */
#include "base/rng.h"
#include "check_text.h"
#include "text/unicode.h"

/* ---- UTF-8 */

static const struct {
    const char *text;
    size_t size, fault; /* fault == size: valid */
} utf8_cases[] = {
    {"", 0, 0},
    {"plain ascii, longer than eight bytes", 36, 36},
    {"nul\0inside", 10, 10},
    {"\xC3\xA9t\xC3\xA9", 5, 5},
    {"\xED\x9F\xBF\xEE\x80\x80", 6, 6},         /* around the surrogates */
    {"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 8, 8}, /* first and last of four bytes */
    {"\xEF\xBB\xBF", 3, 3},                     /* BOM */
    {"12345678\x80", 9, 8},                     /* lone continuation behind a full word */
    {"ab\xC3", 3, 2},                           /* cut */
    {"ab\xE2\x82", 4, 2},
    {"ab\xF0\x9F\x98", 5, 2},
    {"\xC0\x80", 2, 0}, /* over-long */
    {"a\xC1\xBF", 3, 1},
    {"\xE0\x9F\xBF", 3, 0},
    {"\xF0\x8F\xBF\xBF", 4, 0},
    {"x\xED\xA0\x80", 4, 1},     /* surrogate */
    {"x\xF4\x90\x80\x80", 5, 1}, /* above U+10FFFF */
    {"\xF5\x80\x80\x80", 4, 0},
    {"a\xFF", 2, 1},
    {"\xC3(", 2, 0},
    {"\xE2(\xA1", 3, 0},
    {"\xE2\x82(", 3, 0},
    {"\xF0\x9F\x98(", 4, 0},
};

START_TEST(test_utf8) {
    size_t size = utf8_cases[_i].size, fault = size;
    bytes text = {utf8_cases[_i].text, size};
    bool valid = utf8_valid(text, &fault);
    ck_assert_int_eq(valid, utf8_cases[_i].fault == size);
    ck_assert_uint_eq(fault, utf8_cases[_i].fault);
    ck_assert_int_eq(utf8_valid(text, NULL), valid);
}
END_TEST

START_TEST(test_decode) {
    buffer b = {0};
    size_t length;
    for (int32_t point = 0; point < 0x110000; point++) {
        if (point >= 0xD800 && point < 0xE000) continue;
        buffer_clear(&b);
        utf8_encode(point, &b);
        MUST(utf8_decode(buffer_view(&b), 0, &length) == point);
        MUST(length == b.size);
        MUST(utf8_valid(buffer_view(&b), NULL));
    }
    buffer_free(&b);
    ck_assert_uint_eq(utf8_count(bytes_of("한글 ok")), 5);
    /* Not UTF-8: any answer will do, within the view. */
    utf8_decode((bytes){"\xF0\x9F", 2}, 0, &length);
    ck_assert_uint_le(length, 2);
}
END_TEST

/* ---- normalisation */

static const struct {
    const char *raw, *nfc, *nfkc;
} norm_cases[] = {
    {"ascii only", "ascii only", "ascii only"},
    {"e\xCC\x81", "é", "é"},
    {"é", "é", "é"},
    {"xe\xCC\x81y", "xéy", "xéy"},
    {"q\xCC\x87\xCC\xA3", "q\xCC\xA3\xCC\x87", "q\xCC\xA3\xCC\x87"}, /* marks change order */
    {"\xE1\xB8\x8B\xCC\xA3", "ḍ\xCC\x87", "ḍ\xCC\x87"},              /* d with dot above, below */
    {"\xE2\x84\xAB", "Å", "Å"},                                      /* Angstrom sign */
    {"\xEF\xAC\x81n", "\xEF\xAC\x81n", "fin"},                       /* ligature fi */
    {"\xEF\xBC\xA1\xEF\xBC\x91", "Ａ１", "A1"},                      /* full width */
    {"x\xC2\xB2", "x²", "x2"},
    {"\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", "한", "한"}, /* Jamo L V T */
    {"하\xE1\x86\xAB", "한", "한"},                       /* syllable and final */
    {"\xE3\x8B\xBF", "\xE3\x8B\xBF", "令和"},             /* square era name */
    {"か\xE3\x82\x99", "が", "が"},
    {"\xEF\xBD\xB6\xEF\xBE\x9E", "ｶﾞ", "ガ"}, /* half-width Katakana */
    {"\xE0\xA5\x98", "\xE0\xA4\x95\xE0\xA4\xBC", "\xE0\xA4\x95\xE0\xA4\xBC"}, /* exclusion */
    {"\xF0\x9F\x98\x80", "😀", "😀"},
};

START_TEST(test_normalise) {
    buffer out = {0};
    unicode_map map = {0};
    bytes raw = bytes_of(norm_cases[_i].raw);
    const char *want[] = {norm_cases[_i].raw, norm_cases[_i].nfc, norm_cases[_i].nfkc};
    for (int form = UNICODE_NONE; form <= UNICODE_NFKC; form++) {
        buffer_clear(&out);
        ck_assert_int_eq(unicode_normalise(raw, (unicode_form)form, &out, &map), 0);
        ck_assert_str_eq(out.data, want[form]);
        ck_assert_uint_eq(unicode_raw_begin(&map, 0), 0);
        ck_assert_uint_eq(unicode_raw_end(&map, out.size), raw.size);
        ck_assert_int_eq(map.count == 0, bytes_equal(raw, buffer_view(&out)));
    }
    buffer_free(&out);
    unicode_map_free(&map);
}
END_TEST

START_TEST(test_map) {
    /*              0 1 234 5    8     now: a b é(2..4) c ﬁ -> fi (5..7) d */
    bytes raw = bytes_of("abe\xCC\x81"
                         "c\xEF\xAC\x81"
                         "d");
    static const size_t begin[] = {0, 1, 2, 2, 5, 6, 6, 9, 10};
    static const size_t end[] = {0, 1, 2, 5, 5, 6, 9, 9, 10};
    static const size_t whole[] = {0, 1, 2, 4, 4, 5, 7, 7, 8};
    buffer out = {0};
    unicode_map map = {0};
    ck_assert_int_eq(unicode_normalise(raw, UNICODE_NFKC, &out, &map), 0);
    ck_assert_str_eq(out.data, "abécfid");
    for (size_t i = 0; i <= out.size; i++) {
        ck_assert_uint_eq(unicode_raw_begin(&map, i), begin[i]);
        ck_assert_uint_eq(unicode_raw_end(&map, i), end[i]);
        ck_assert_uint_eq(unicode_whole(&map, i), whole[i]);
    }
    buffer_free(&out);
    unicode_map_free(&map);
}
END_TEST

/* Normalising twice changes nothing, and cutting the text at an ASCII letter neither. */
START_TEST(test_normalise_random) {
    static const char *parts[] = {"a",
                                  "e",
                                  "\xCC\x81",
                                  "\xCC\xA3",
                                  "\xE1\x84\x80",
                                  "\xE1\x85\xA1",
                                  "\xE1\x86\xA8",
                                  "가",
                                  "é",
                                  "\xE1\xBA\xBF",
                                  "\xEF\xAC\x81",
                                  "ﷺ",
                                  "\xE0\xBD\xB3",
                                  "か",
                                  "\xE3\x82\x99",
                                  "\xF0\x9D\x85\x9E"};
    rng r = rng_make(test_seed("normalise"), 0, 0);
    buffer raw = {0}, once = {0}, twice = {0}, left = {0};
    unicode_map map = {0};
    for (int round = 0; round < 8000; round++) {
        unicode_form form = rng_below(&r, 2) ? UNICODE_NFC : UNICODE_NFKC;
        buffer_clear(&raw), buffer_clear(&once), buffer_clear(&twice), buffer_clear(&left);
        size_t cut = 0;
        for (uint64_t n = rng_below(&r, 8); n > 0; n--) {
            buffer_add_text(&raw, parts[rng_below(&r, sizeof parts / sizeof *parts)]);
            if (raw.data[raw.size - 1] == 'a') cut = raw.size - 1;
        }
        bytes text = buffer_view(&raw);
        MUST(unicode_normalise(bytes_slice(text, 0, cut), form, &left, &map) == 0);
        MUST(unicode_normalise(text, form, &once, &map) == 0);
        MUST(bytes_starts(buffer_view(&once), buffer_view(&left)));
        MUST(unicode_raw_end(&map, left.size) == cut);
        MUST(unicode_normalise(buffer_view(&once), form, &twice, &map) == 0);
        MUST(bytes_equal(buffer_view(&once), buffer_view(&twice)));
        MUST(map.count == 0);
    }
    buffer_free(&raw), buffer_free(&once), buffer_free(&twice), buffer_free(&left);
    unicode_map_free(&map);
}
END_TEST

/* Marks that all have to change places: minutes if ordering were quadratic. */
START_TEST(test_marks) {
    buffer raw = {0}, out = {0};
    unicode_map map = {0};
    for (int i = 0; i < 100000; i++) buffer_add_text(&raw, i % 2 ? "\xCC\xA3" : "\xCC\x87");
    ck_assert_int_eq(unicode_normalise(buffer_view(&raw), UNICODE_NFC, &out, &map), 0);
    ck_assert_uint_eq(out.size, raw.size);
    ck_assert(bytes_starts(buffer_view(&out), bytes_of("\xCC\xA3\xCC\xA3")));
    ck_assert_uint_eq(map.count, 1);
    buffer_free(&raw), buffer_free(&out);
    unicode_map_free(&map);
}
END_TEST

/* ---- case, classes, clusters, shapes */

static const struct {
    const char *text, *lower, *folded, *upper;
} case_cases[] = {
    {"Hello, World 42", "hello, world 42", "hello, world 42", "HELLO, WORLD 42"},
    {"STRAßE", "straße", "strasse", NULL /* by version */},
    {"ÀÉÎ", "àéî", "àéî", "ÀÉÎ"},
    {"ΣΊΣΥΦΟΣ", "σίσυφοσ", "σίσυφοσ", "ΣΊΣΥΦΟΣ"},
    {"σίσυφος", "σίσυφος", "σίσυφοσ", "ΣΊΣΥΦΟΣ"},
    {"ПРИВЕТ", "привет", "привет", "ПРИВЕТ"},
    {"한국 Korea", "한국 korea", "한국 korea", "한국 KOREA"},
};

START_TEST(test_case) {
    buffer lower = {0}, folded = {0}, upper = {0};
    unicode_upper(bytes_of(case_cases[_i].text), &upper);
    if (case_cases[_i].upper) ck_assert_str_eq(upper.data, case_cases[_i].upper);
    buffer_free(&upper);
    unicode_lower(bytes_of(case_cases[_i].text), &lower);
    unicode_fold(bytes_of(case_cases[_i].text), &folded);
    ck_assert_str_eq(lower.data, case_cases[_i].lower);
    ck_assert_str_eq(folded.data, case_cases[_i].folded);
    buffer_free(&lower), buffer_free(&folded);
}
END_TEST

/* What Python's str.lower answers. */
static const struct {
    const char *text, *lower;
} lower_cases[] = {
    {"A\xC3\x84\xE1\xBA\x9E", "a\xC3\xA4\xC3\x9F"},
    {"\xC4\xB0I", "i\xCC\x87i"},
    {"\xCE\x9F\xCE\xA3", "\xCE\xBF\xCF\x82"},           /* at the end of a word */
    {"\xCE\x9F\xCE\xA3'!", "\xCE\xBF\xCF\x82'!"},
    {"\xCE\x9F.\xCE\xA3'\xCE\x9F", "\xCE\xBF.\xCF\x83'\xCE\xBF"}, /* inside one */
    {"\xCE\xA3", "\xCF\x83"},                             /* by itself */
    {"1\xCE\xA3 \xCE\x9F \xCE\xA3", "1\xCF\x83 \xCE\xBF \xCF\x83"},
};

START_TEST(test_lower_full) {
    buffer lower = {0};
    unicode_lower_full(bytes_of(lower_cases[_i].text), &lower);
    ck_assert_str_eq(lower.data, lower_cases[_i].lower);
    buffer_free(&lower);
}
END_TEST

START_TEST(test_width) {
    ck_assert_uint_eq(unicode_width(BYTES("")), 0);
    ck_assert_uint_eq(unicode_width(BYTES("a b")), 3);
    ck_assert_uint_eq(unicode_width(BYTES("\xED\x95\x9C\xEA\xB5\xAD")), 4); /* Hangul */
    ck_assert_uint_eq(unicode_width(BYTES("e\xCC\x81\t\x01")), 1);       /* mark, controls */
    ck_assert_uint_eq(unicode_width(BYTES("\xE1\x84\x92\xE1\x85\xA1")), 2); /* Jamo */
}
END_TEST

static const struct {
    int32_t point;
    unicode_class class;
    unicode_script script;
} class_cases[] = {
    {'A', UNICODE_UPPER, SCRIPT_OTHER},      {0x1C5, UNICODE_UPPER, SCRIPT_OTHER},
    {0xDF, UNICODE_LOWER, SCRIPT_OTHER},     {0xAC00, UNICODE_LETTER, SCRIPT_HANGUL},
    {0x1100, UNICODE_LETTER, SCRIPT_HANGUL}, {0x3131, UNICODE_LETTER, SCRIPT_HANGUL},
    {0x6F22, UNICODE_LETTER, SCRIPT_HAN},    {0x20000, UNICODE_LETTER, SCRIPT_HAN},
    {0x3042, UNICODE_LETTER, SCRIPT_KANA},   {0x30FC, UNICODE_LETTER, SCRIPT_KANA},
    {0xFF71, UNICODE_LETTER, SCRIPT_KANA},   {0x0E01, UNICODE_LETTER, SCRIPT_THAI},
    {0x301, UNICODE_MARK, SCRIPT_OTHER},     {'7', UNICODE_DIGIT, SCRIPT_OTHER},
    {0x667, UNICODE_DIGIT, SCRIPT_OTHER},    {0xB2, UNICODE_NUMBER, SCRIPT_OTHER},
    {'!', UNICODE_PUNCT, SCRIPT_OTHER},      {0x3002, UNICODE_PUNCT, SCRIPT_OTHER},
    {0x30FB, UNICODE_PUNCT, SCRIPT_OTHER},   {'$', UNICODE_SYMBOL, SCRIPT_OTHER},
    {0x1F600, UNICODE_SYMBOL, SCRIPT_OTHER}, {' ', UNICODE_SPACE, SCRIPT_OTHER},
    {0, UNICODE_SPACE, SCRIPT_OTHER},        {0x2028, UNICODE_SPACE, SCRIPT_OTHER},
    {0xFEFF, UNICODE_SPACE, SCRIPT_OTHER},   {0x200B, UNICODE_SPACE, SCRIPT_OTHER},
    {0xAD, UNICODE_OTHER, SCRIPT_OTHER},     {0xE000, UNICODE_OTHER, SCRIPT_OTHER},
};

START_TEST(test_class) {
    ck_assert_int_eq(unicode_class_of(class_cases[_i].point), class_cases[_i].class);
    ck_assert_int_eq(unicode_script_of(class_cases[_i].point), class_cases[_i].script);
    ck_assert_int_eq(unicode_is_letter(class_cases[_i].point),
                     class_cases[_i].class <= UNICODE_LETTER);
}
END_TEST

/* First cluster of each text, in bytes. */
static const struct {
    const char *text;
    size_t size;
} cluster_cases[] = {
    {"ab", 1},
    {"e\xCC\x81x", 3},
    {"😀😀", 4},
    {"👨‍👩‍👧‍👦!", 25},
    {"👍🏽👍", 8},
    {"🇰🇷🇺🇸", 8},
    {"1️⃣2", 7},
    {"한국", 3},
    {"\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB\xE1\x84\x92", 9},
    {"❤️x", 6},
};

START_TEST(test_cluster) {
    ck_assert_uint_eq(unicode_cluster(bytes_of(cluster_cases[_i].text), 0), cluster_cases[_i].size);
}
END_TEST

START_TEST(test_shape) {
    static const char *const want[][2] = {
        {"McDonald's", "XxXx'x"}, {"1,234.5", "d,d.d"},   {"USA", "X"},
        {"서울2024", "od"},       {"é\xCC\xA3-A", "x-X"}, {"", ""}};
    buffer out = {0};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        buffer_clear(&out);
        buffer_add_text(&out, "");
        unicode_shape(bytes_of(want[i][0]), &out);
        ck_assert(bytes_equal(buffer_view(&out), bytes_of(want[i][1])));
    }
    buffer_free(&out);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

void add_unicode_cases(Suite *suite) {
    TCase *unicode = tcase_create("unicode");
    tcase_set_timeout(unicode, 60);
    tcase_add_loop_test(unicode, test_utf8, 0, COUNT(utf8_cases));
    tcase_add_test(unicode, test_decode);
    tcase_add_loop_test(unicode, test_normalise, 0, COUNT(norm_cases));
    tcase_add_test(unicode, test_map);
    tcase_add_test(unicode, test_normalise_random);
    tcase_add_test(unicode, test_marks);
    tcase_add_loop_test(unicode, test_case, 0, COUNT(case_cases));
    tcase_add_loop_test(unicode, test_lower_full, 0, COUNT(lower_cases));
    tcase_add_loop_test(unicode, test_class, 0, COUNT(class_cases));
    tcase_add_loop_test(unicode, test_cluster, 0, COUNT(cluster_cases));
    tcase_add_test(unicode, test_width);
    tcase_add_test(unicode, test_shape);
    suite_add_tcase(suite, unicode);
}
