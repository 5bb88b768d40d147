/* check_model_bundle: the model file round trip, every way of damaging it, and hostile files whose
 * checksums are right. */
#include "base/io.h"
#include "base/rng.h"
#include "check_model.h"
#include "craft.h"
#include "model/info.h"
#include <math.h>
#include <unistd.h>

#define FILE_NAME "check_model_bundle.tmp"

/* ---- a small model with every type of tensor */

static const float weights[6] = {0.5f, -1, 2, 3e-40f, -0.0f, 7};
static const uint16_t halves[4] = {0x3f80, 0xbf80, 0, 0x7f7f};
static const int8_t small[5] = {-128, 127, 0, 1, -1};
static const int32_t ids[2] = {-5, 70000};
static const float one = 1;

static void sample_add(bundle_writer *w, const strmap *words) {
    const int64_t two_three[] = {2, 3}, four[] = {4}, five[] = {5}, two[] = {2}, none[] = {0, 3};
    ck_assert_int_eq(bundle_writer_meta(w, "task", BYTES("tag"), NULL), 0);
    ck_assert_int_eq(bundle_writer_meta(w, "config", BYTES("{\"hidden\":\"3\"}"), NULL), 0);
    ck_assert_int_eq(bundle_writer_tensor(w, "quant", BUNDLE_I8, 1, five, small, NULL), 0);
    ck_assert_int_eq(bundle_writer_tensor(w, "half", BUNDLE_BF16, 1, four, halves, NULL), 0);
    ck_assert_int_eq(bundle_writer_tensor(w, "w", BUNDLE_F32, 2, two_three, weights, NULL), 0);
    ck_assert_int_eq(bundle_writer_tensor(w, "none", BUNDLE_F32, 2, none, NULL, NULL), 0);
    ck_assert_int_eq(bundle_writer_tensor(w, "ids", BUNDLE_I32, 1, two, ids, NULL), 0);
    ck_assert_int_eq(bundle_writer_tensor(w, "one", BUNDLE_F32, 0, NULL, &one, NULL), 0);
    ck_assert_int_eq(bundle_writer_strings(w, "words", words, NULL), 0);
}

static void words_fill(strmap *words) {
    const char *text[] = {"the", "", "\uace0\uc591\uc774", "caf\u00e9", "<unk>"};
    for (int32_t i = 0, id; i < 5; i++) {
        ck_assert_int_eq(strmap_add(words, bytes_of(text[i]), &id), 0);
        ck_assert_int_eq(id, i);
    }
}

static bytes aligned_copy(bytes text) {
    size_t room = (text.size + BUNDLE_ALIGN) / BUNDLE_ALIGN * BUNDLE_ALIGN;
    char *copy = aligned_alloc(BUNDLE_ALIGN, room);
    ck_assert_ptr_nonnull(copy);
    if (text.size) memcpy(copy, text.data, text.size);
    return (bytes){copy, text.size};
}

/* The bytes of the sample file; release with free. */
static bytes sample_bytes(void) {
    bundle_writer *w;
    strmap words = {0};
    buffer text = {0};
    words_fill(&words);
    ck_assert_int_eq(bundle_writer_new(&w, NULL), 0);
    sample_add(w, &words);
    ck_assert_int_eq(bundle_writer_save(w, FILE_NAME, NULL), 0);
    ck_assert_int_eq(file_slurp(FILE_NAME, 1 << 20, &text, NULL), 0);
    bytes copy = aligned_copy(buffer_view(&text));
    bundle_writer_free(w);
    strmap_free(&words);
    buffer_free(&text);
    unlink(FILE_NAME);
    return copy;
}

static size_t header_size(bytes file) {
    uint64_t size;
    memcpy(&size, file.data, 8);
    return BUNDLE_PREFIX + (size_t)size;
}

/* Opens, expecting a refusal that says `part`. */
static void refused(bytes file, const char *part) {
    bundle *b;
    rill_error why = {0};
    int status = bundle_open_bytes(file, "x.rill", &b, &why);
    ck_assert_msg(status == RILL_EMODEL, "status %d instead of a refusal \"%s\"", status, part);
    ck_assert_ptr_null(b);
    ck_assert_int_eq(why.code, RILL_EMODEL);
    ck_assert_str_eq(why.file, "x.rill");
    ck_assert_msg(strstr(why.message, part) != NULL, "\"%s\" does not say \"%s\"", why.message,
                  part);
}

/* ---- round trip */

static void tensors_read(bundle *b) {
    const bundle_entry *e;
    const int64_t any[] = {-1, 3}, five[] = {5};
    ck_assert_int_eq(bundle_tensor(b, "w", BUNDLE_F32, 2, any, &e, NULL), 0);
    ck_assert_int_eq(e->shape[0], 2);
    ck_assert_int_eq(memcmp(e->data, weights, sizeof weights), 0);
    ck_assert_int_eq(bundle_tensor(b, "quant", BUNDLE_I8, 1, five, &e, NULL), 0);
    ck_assert_int_eq(memcmp(e->data, small, sizeof small), 0);
    ck_assert_int_eq(bundle_tensor(b, "half", BUNDLE_BF16, -1, NULL, &e, NULL), 0);
    ck_assert_int_eq(memcmp(e->data, halves, sizeof halves), 0);
    ck_assert_int_eq(bundle_tensor(b, "ids", BUNDLE_I32, -1, NULL, &e, NULL), 0);
    ck_assert_int_eq(memcmp(e->data, ids, sizeof ids), 0);
    ck_assert_int_eq(bundle_tensor(b, "none", BUNDLE_F32, -1, NULL, &e, NULL), 0);
    ck_assert_uint_eq(e->count, 0);
    ck_assert_int_eq(bundle_all_used(b, NULL), RILL_EMODEL);
    ck_assert_int_eq(bundle_tensor(b, "one", BUNDLE_F32, 0, NULL, &e, NULL), 0);
    ck_assert_uint_eq(e->count, 1);
}

START_TEST(round_trip) {
    bytes file = sample_bytes();
    bundle *b;
    strmap words = {0};
    rill_error why = {0};
    FILE *out = fopen(FILE_NAME, "wb");
    ck_assert_uint_eq(fwrite(file.data, 1, file.size, out), file.size);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_msg(bundle_open(FILE_NAME, &b, &why) == 0, "%s", why.message);
    ck_assert_str_eq(bundle_name(b), FILE_NAME);
    ck_assert_uint_eq(bundle_file_size(b), file.size);
    tensors_read(b);
    ck_assert_int_eq(bundle_strings(b, "words", &words, &why), 0);
    ck_assert_int_eq(words.count, 5);
    ck_assert(bytes_equal(strmap_get(&words, 2), BYTES("\uace0\uc591\uc774")));
    ck_assert_int_eq(bundle_all_used(b, &why), 0);
    ck_assert_str_eq(bundle_meta(b, "config"), "{\"hidden\":\"3\"}");
    ck_assert_ptr_null(bundle_meta(b, "nothing"));
    const char *value;
    ck_assert_uint_eq(bundle_meta_count(b), 2);
    ck_assert_str_eq(bundle_meta_at(b, 0, &value), "task");
    ck_assert_str_eq(value, "tag");
    bundle_close(b);
    bundle_close(NULL);
    strmap_free(&words);
    unlink(FILE_NAME);
    free((void *)file.data);
}
END_TEST

/* The container itself: order, alignment, the first bytes, the seal computed without the library's
 * own function. */
START_TEST(layout) {
    bytes file = sample_bytes(), again = sample_bytes();
    const char *order[] = {"words.start", "w", "none", "ids", "one", "half", "quant", "words.text"};
    bundle *b;
    ck_assert(bytes_equal(file, again));
    ck_assert_int_eq(bundle_open_bytes(file, "x", &b, NULL), 0);
    ck_assert_uint_eq(bundle_count(b), 8);
    size_t head = header_size(file), at = head;
    ck_assert_uint_eq(head % 64, 0);
    for (size_t i = 0; i < 8; i++) {
        const bundle_entry *e = bundle_at(b, i);
        ck_assert_str_eq(e->name, order[i]);
        ck_assert_ptr_eq(e->data, file.data + at);
        ck_assert_uint_eq((uintptr_t)e->data % bundle_type_size(e->type), 0);
        at += e->size;
        ck_assert_ptr_eq(bundle_find(b, order[i]), e);
        ck_assert(hash128_equal(e->hash, hash128_of(e->data, e->size)));
    }
    ck_assert_uint_eq(at, file.size);
    bundle_close(b);
    const char *opening = "{\"__metadata__\":{\"header_xxh3\":\"";
    char *copy = (char *)again.data, digits[33];
    ck_assert_int_eq(memcmp(copy + 8, opening, strlen(opening)), 0);
    memset(copy + 8 + strlen(opening), '0', 32);
    hash128_hex(hash128_of(copy, head), digits);
    ck_assert_int_eq(memcmp(file.data + 8 + strlen(opening), digits, 32), 0);
    const char *rest = "\",\"rill_format\":\"1\",\"task\":\"tag\",\"config\":\"{\\\"hidden\\\":";
    ck_assert_int_eq(memcmp(file.data + 8 + strlen(opening) + 32, rest, strlen(rest)), 0);
    free(copy);
    free((void *)file.data);
}
END_TEST

START_TEST(questions) {
    bytes file = sample_bytes();
    bundle *b;
    const bundle_entry *e;
    rill_error why = {0};
    strmap words = {0};
    const char *value;
    const int64_t wrong[] = {2, 4}, three[] = {2, 3, 1};
    ck_assert_int_eq(bundle_open_bytes(file, "x", &b, NULL), 0);
    ck_assert_int_eq(bundle_tensor(b, "w", BUNDLE_F32, 2, wrong, &e, &why), RILL_EMODEL);
    ck_assert_str_eq(why.message, "tensor \"w\": found F32 [2,3], expected F32 [2,4]");
    ck_assert_int_eq(bundle_tensor(b, "w", BUNDLE_F32, 3, three, &e, NULL), RILL_EMODEL);
    ck_assert_int_eq(bundle_tensor(b, "w", BUNDLE_I32, -1, NULL, &e, &why), RILL_EMODEL);
    ck_assert_str_eq(why.message, "tensor \"w\": found F32 [2,3], expected I32");
    ck_assert_int_eq(bundle_tensor(b, "v", BUNDLE_F32, 2, wrong, &e, &why), RILL_EMODEL);
    ck_assert_str_eq(why.message, "tensor \"v\": missing, expected F32 [2,4]");
    ck_assert_int_eq(bundle_strings(b, "word", &words, &why), RILL_EMODEL);
    ck_assert_ptr_nonnull(strstr(why.message, "list \"word\": missing"));
    ck_assert_int_eq(bundle_need_meta(b, "task", &value, NULL), 0);
    ck_assert_int_eq(bundle_need_meta(b, "epochs", &value, &why), RILL_EMODEL);
    ck_assert_ptr_nonnull(strstr(why.message, "\"epochs\" is missing"));
    bundle_close(b);
    ck_assert_int_eq(bundle_open_bytes((bytes){file.data + 1, 8}, "x", &b, NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_open("no/such/file", &b, &why), RILL_EIO);
    ck_assert_ptr_null(b);
    free((void *)file.data);
}
END_TEST

/* ---- the writer refuses what the reader would */

START_TEST(writer_refuses) {
    bundle_writer *w;
    rill_error why = {0};
    const int64_t two[] = {2}, minus[] = {-1}, huge[] = {1LL << 40, 1LL << 40},
                  five[] = {1, 1, 1, 1, 1};
    char name[300];
    memset(name, 'n', sizeof name);
    name[251] = 0;
    ck_assert_int_eq(bundle_writer_new(&w, NULL), 0);
    ck_assert_int_eq(bundle_writer_meta(w, "header_xxh3", BYTES("x"), NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_writer_meta(w, "rill_format", BYTES("x"), NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_writer_meta(w, "xxh3.w", BYTES("x"), NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_writer_meta(w, "a", BYTES("\xff"), NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_writer_meta(w, "a", BYTES("a\0b"), NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_writer_meta(w, "a", BYTES(""), NULL), 0);
    ck_assert_int_eq(bundle_writer_meta(w, "a", BYTES(""), &why), RILL_EUSAGE);
    ck_assert_ptr_nonnull(strstr(why.message, "twice"));
    ck_assert_int_eq(bundle_writer_tensor(w, "t", BUNDLE_F32, 1, minus, &one, NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_writer_tensor(w, "t", BUNDLE_F32, 2, huge, &one, NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_writer_tensor(w, "t", BUNDLE_F32, 5, five, &one, NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_writer_tensor(w, "", BUNDLE_F32, 0, NULL, &one, NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_writer_tensor(w, "a b", BUNDLE_F32, 0, NULL, &one, NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_writer_tensor(w, name, BUNDLE_F32, 0, NULL, &one, NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_writer_tensor(w, "__metadata__", BUNDLE_F32, 0, NULL, &one, NULL),
                     RILL_EUSAGE);
    name[250] = 0;
    ck_assert_int_eq(bundle_writer_tensor(w, name, BUNDLE_F32, 0, NULL, &one, NULL), 0);
    ck_assert_int_eq(bundle_writer_tensor(w, name, BUNDLE_F32, 0, NULL, &one, NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_writer_list(w, name, BYTES(""), NULL, 0, NULL), RILL_EUSAGE);
    ck_assert_int_eq(bundle_writer_save(w, FILE_NAME, NULL), 0);
    ck_assert_int_eq(bundle_writer_save(w, "no/such/folder/x", NULL), RILL_EIO);
    ck_assert_int_eq(bundle_writer_tensor(w, "x.text", BUNDLE_U8, 1, two, "ab", NULL), 0);
    ck_assert_int_eq(bundle_writer_save(w, FILE_NAME, NULL), RILL_EUSAGE);
    bundle_writer_free(w);
    bundle_writer_free(NULL);
    unlink(FILE_NAME);
}
END_TEST

/* Lists whose offsets or strings are wrong. */
START_TEST(writer_refuses_list) {
    static const struct {
        const char *text;
        int64_t start[3];
        const char *why;
    } rows[] = {{"abcd", {0, 2, 3}, "offsets run from 0 to 3"},
                {"abcd", {1, 2, 4}, "offsets run from 1 to 4"},
                {"abcd", {0, 5, 4}, "offset 1 is 5"},
                {"abcd", {0, -1, 4}, "offset 1 is -1"},
                {"\u00e9", {0, 1, 2}, "string 0 is not UTF-8"}};
    bundle_writer *w;
    rill_error why = {0};
    bytes text = bytes_of(rows[_i].text);
    ck_assert_int_eq(bundle_writer_new(&w, NULL), 0);
    ck_assert_int_eq(bundle_writer_list(w, "x", text, rows[_i].start, 2, NULL), 0);
    ck_assert_int_eq(bundle_writer_save(w, FILE_NAME, &why), RILL_EUSAGE);
    ck_assert_msg(strstr(why.message, rows[_i].why) != NULL, "%s", why.message);
    ck_assert(!file_exists(FILE_NAME));
    bundle_writer_free(w);
}
END_TEST

START_TEST(writer_refuses_nan) {
    static const size_t places[] = {0, 1, 1023, 1024, 2999};
    static float values[3000];
    static uint16_t half[3000];
    const int64_t size[] = {3000};
    rill_error why = {0};
    char expected[80];
    for (int kind = 0; kind < 2; kind++) {
        bundle_writer *w;
        memset(values, 0, sizeof values);
        memset(half, 0, sizeof half);
        values[places[_i]] = kind ? 0 : -INFINITY;
        half[places[_i]] = kind ? 0xffc0 : 0;
        ck_assert_int_eq(bundle_writer_new(&w, NULL), 0);
        ck_assert_int_eq(bundle_writer_tensor(w, "f", BUNDLE_F32, 1, size, values, NULL), 0);
        ck_assert_int_eq(bundle_writer_tensor(w, "h", BUNDLE_BF16, 1, size, half, NULL), 0);
        ck_assert_int_eq(bundle_writer_save(w, FILE_NAME, &why), RILL_EDIVERGED);
        snprintf(expected, sizeof expected, "tensor \"%s\": element %zu is not finite",
                 kind ? "h" : "f", places[_i]);
        ck_assert_str_eq(why.message, expected);
        ck_assert(!file_exists(FILE_NAME));
        bundle_writer_free(w);
    }
}
END_TEST

/* ---- accidents */

/* What a refusal must name when byte `at` of the sample is wrong. */
static const char *part_at(const bundle *whole, size_t head, size_t at, char *text) {
    if (at < head) return "header";
    for (size_t i = 0; i < bundle_count(whole); i++) {
        const bundle_entry *e = bundle_at(whole, i);
        at -= at < head + e->size ? head : e->size;
        if (at < e->size) {
            sprintf(text, "tensor \"%s\": damaged", e->name);
            break;
        }
    }
    return text;
}

START_TEST(every_truncation) {
    bytes file = sample_bytes();
    size_t least = BUNDLE_PREFIX + strlen(BUNDLE_OPENING) + BUNDLE_DIGITS + 1;
    for (size_t size = 0; size < file.size; size++) {
        bytes cut = aligned_copy((bytes){file.data, size}); /* exact, so that ASan sees overreads */
        refused(cut, size < least ? "not a model file" : size < header_size(file) ? "header" : "");
        free((void *)cut.data);
    }
    char *longer = aligned_alloc(BUNDLE_ALIGN, file.size / BUNDLE_ALIGN * BUNDLE_ALIGN + 128);
    memcpy(longer, file.data, file.size);
    longer[file.size] = 0;
    refused((bytes){longer, file.size + 1}, "1 bytes of data belong to no tensor");
    free(longer);
    free((void *)file.data);
}
END_TEST

START_TEST(every_flip) {
    bytes file = sample_bytes(), whole = aligned_copy(file);
    char *byte = (char *)file.data, text[300];
    bundle *b;
    size_t head = header_size(file);
    ck_assert_int_eq(bundle_open_bytes(whole, "x", &b, NULL), 0);
    for (size_t at = 0; at < file.size; at++) {
        const char *part = part_at(b, head, at, text);
        for (int bit = 0; bit < 8; bit++) {
            byte[at] ^= (char)(1 << bit);
            refused(file, part);
            byte[at] ^= (char)(1 << bit);
        }
    }
    bundle_close(b);
    free((void *)whole.data);
    free(byte);
}
END_TEST

/* ---- hostile files: seal and hashes are right, the rest is not */

#define META "\",\"rill_format\":\"1\""
#define W_HASH ",\"xxh3.w\":\"#0-8#\"}"
#define W(type, shape, range)                                                                      \
    META W_HASH ",\"w\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" range "}}"
#define TWO(a, b)                                                                                  \
    META ",\"xxh3.a\":\"#0-8#\",\"xxh3.b\":\"#0-8#\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2],"     \
         "\"data_offsets\":" a "},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":" b "}}"
#define LIST(type, shape, start)                                                                   \
    META                                                                                           \
        ",\"xxh3.x.start\":\"#0-24#\",\"xxh3.x.text\":\"#24-28#\"},\"x.start\":{\"dtype\":\"" type \
        "\",\"shape\":" shape                                                                      \
        ",\"data_offsets\":[0,24]},\"x.text\":{\"dtype\":\"U8\",\"shape\":[4],"                    \
        "\"data_offsets\":[24,28]}}",                                                              \
        start, 28

static const float good[5] = {1, 2, 3, 4, 5};
static const struct {
    int64_t start[3];
    char text[5];
} strings_good = {{0, 2, 4}, "abcd"}, strings_cut = {{0, 1, 4}, "\u00e9ab"},
  strings_back = {{0, 3, 2}, "abcd"}, strings_negative = {{0, -8, 4}, "abcd"},
  strings_far = {{0, INT64_MAX, 4}, "abcd"}, strings_low = {{INT64_MIN, 0, 4}, "abcd"},
  strings_short = {{0, 1, 3}, "abcd"}, strings_bad = {{0, 2, 4}, "ab\xed\xa0"};
static const uint32_t nan_weight[2] = {0x3f800000, 0x7fc00001}, inf_weight[2] = {0xff800000, 0};

static const struct {
    const char *recipe;
    const void *data;
    size_t size;
    const char *expected; /* NULL: it opens */
} hostile[] = {
    {W("F32", "[2]", "[0,8]"), good, 8, NULL},
    {W("F32", "[2,1,1,1]", "[0,8]"), good, 8, NULL},
    {META "}}", good, 0, NULL},
    {LIST("I64", "[3]", &strings_good), NULL},
    /* ranges */
    {W("F32", "[2]", "[0,8]"), good, 12, "4 bytes of data belong to no tensor"},
    {W("F32", "[2]", "[4,12]"), good, 12, "begins at 4, where the one before it ends at 0 (hole)"},
    {W("F32", "[2]", "[8,0]"), good, 8, "tensor \"w\": data_offsets 8 to 0"},
    {W("F32", "[2]", "[0,16]"), good, 8, "the file has 8 bytes"},
    {W("F32", "[2]", "[0,9223372036854775807]"), good, 8, "the file has 8 bytes"},
    {W("F32", "[2]", "[0,9223372036854775808]"), good, 8, "header: not strict JSON"},
    {W("F32", "[2]", "[-8,0]"), good, 8, "data_offsets are not two offsets"},
    {W("F32", "[2]", "[0,8,8]"), good, 8, "data_offsets are not two offsets"},
    {W("F32", "[2]", "[0.0,8.0]"), good, 8, "data_offsets are not two offsets"},
    {W("F32", "[2]", "\"0,8\""), good, 8, "data_offsets are not two offsets"},
    {W("F32", "[3]", "[0,8]"), good, 8, "data_offsets span 8 bytes, F32 [3] takes 12"},
    {W("I64", "[1]", "[0,8]"), good, 8, NULL},
    {TWO("[0,8]", "[8,16]"), good, 16, "tensor \"b\": damaged"},
    {TWO("[0,8]", "[0,8]"), good, 8, "(overlap)"},
    {TWO("[0,8]", "[4,12]"), good, 12, "begins at 4, where the one before it ends at 8 (overlap)"},
    {TWO("[0,8]", "[12,20]"), good, 20, "(hole)"},
    {META ",\"xxh3.a\":\"#0-1#\",\"xxh3.b\":\"#1-5#\"},\"a\":{\"dtype\":\"U8\",\"shape\":[1],"
          "\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]}}",
     good, 5, "tensor \"b\": begins at 1, which is not aligned"},
    /* shapes */
    {W("F32", "[4294967296,4294967296]", "[0,8]"), good, 8, "shape is impossibly large"},
    {W("F32", "[4611686018427387904]", "[0,8]"), good, 8, "shape is impossibly large"},
    {W("U8", "[9223372036854775807]", "[0,8]"), good, 8, "span 8 bytes"},
    {W("F32", "[0,9223372036854775807]", "[0,0]"), good, 0, "no checksum"},
    {W("F32", "[-2]", "[0,8]"), good, 8, "shape holds something else"},
    {W("F32", "[2.0]", "[0,8]"), good, 8, "shape holds something else"},
    {W("F32", "[true]", "[0,8]"), good, 8, "shape holds something else"},
    {W("F32", "2", "[0,8]"), good, 8, "shape is not a list"},
    {W("F32", "[2,1,1,1,1]", "[0,8]"), good, 8, "shape is not a list of at most 4"},
    {W("F64", "[1]", "[0,8]"), good, 8, "dtype \"F64\" is not supported"},
    {W("\\u001b[2J", "[1]", "[0,8]"), good, 8, "dtype \"?[2J\" is not supported"},
    {META W_HASH ",\"w\":{\"dtype\":3,\"shape\":[2],\"data_offsets\":[0,8]}}", good, 8, "dtype"},
    {META W_HASH ",\"w\":{\"dtype\":\"F32\",\"shape\":[2]}}", good, 8, "expected dtype, shape and"},
    {META W_HASH ",\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", good,
     8, "expected dtype, shape and"},
    {META W_HASH ",\"w\":7}", good, 8, "expected dtype, shape and"},
    {META ",\"xxh3.\":\"#0-8#\"},\"\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
     good, 8, "a tensor's name"},
    {META ",\"xxh3.w\\u000a\":\"#0-8#\"},\"w\\u000a\":{\"dtype\":\"F32\",\"shape\":[2],"
          "\"data_offsets\":[0,8]}}",
     good, 8, "printable"},
    /* weights */
    {W("F32", "[2]", "[0,8]"), nan_weight, 8, "tensor \"w\": element 1 is not finite"},
    {W("F32", "[2]", "[0,8]"), inf_weight, 8, "tensor \"w\": element 0 is not finite"},
    {W("BF16", "[4]", "[0,8]"), nan_weight, 8, "tensor \"w\": element 3 is not finite"},
    {W("I32", "[2]", "[0,8]"), nan_weight, 8, NULL},
    /* header */
    {"\"}", good, 0, "header: not strict JSON"},
    {"\"}}{}", good, 0, "header: not strict JSON"},
    {"\"}}", good, 0, "rill_format: missing"},
    {"0" META "}}", good, 0, "header_xxh3: not 32"},
    {"\",\"rill_format\":\"2\"}}", good, 0, "rill_format: found \"2\", this program reads \"1\""},
    {"\",\"rill_format\":1}}", good, 0, "\"rill_format\" is not a string"},
    {META ",\"task\":null}}", good, 0, "__metadata__: \"task\" is not a string"},
    {META ",\"task\":{}}}", good, 0, "__metadata__: \"task\" is not a string"},
    {META ",\"ta sk\":\"x\"}}", good, 0, "__metadata__: a key is not"},
    {META ",\"task\":\"a\",\"task\":\"b\"}}", good, 0, "duplicate"},
    {META "},\"__metadata__\":{}}", good, 0, "duplicate"},
    {META W_HASH ",\"w\":1,\"\\u0077\":2}", good, 8, "duplicate"},
    {META W_HASH
     ",\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
     good, 8, "duplicate"},
    {META ",\"a\":\"\\u0000\"}}", good, 0, "header: not strict JSON"},
    {META ",\"a\":\"\xff\"}}", good, 0, "header: not strict JSON"},
    {META ",\"a\":\"\\ud800\"}}", good, 0, "header: not strict JSON"},
    /* hashes */
    {META "},\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", good, 8,
     "0 checksums for 1 tensors"},
    {META W_HASH "}", good, 0, "1 checksums for 0 tensors"},
    {META ",\"xxh3.v\":\"#0-8#\"},\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
     good, 8, "tensor \"w\": no checksum"},
    {META ",\"xxh3.w\":\"00\"},\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
     good, 8, "tensor \"w\": no checksum"},
    /* string lists */
    {LIST("I64", "[3]", &strings_cut), "list \"x\": string 0 is not UTF-8"},
    {LIST("I64", "[3]", &strings_bad), "list \"x\": string 1 is not UTF-8"},
    {LIST("I64", "[3]", &strings_back), "list \"x\": offsets run from 0 to 2"},
    {LIST("I64", "[3]", &strings_negative), "list \"x\": offset 1 is -8"},
    {LIST("I64", "[3]", &strings_far), "list \"x\": offset 1 is 9223372036854775807"},
    {LIST("I64", "[3]", &strings_low), "list \"x\": offsets run from -9223372036854775808"},
    {LIST("I64", "[3]", &strings_short), "list \"x\": offsets run from 0 to 3, expected 0 to 4"},
    {LIST("I32", "[6]", &strings_good), "list \"x\": needs"},
    {LIST("I64", "[3,1]", &strings_good), "list \"x\": needs"},
    {META ",\"xxh3.x.text\":\"#0-4#\"},\"x.text\":{\"dtype\":\"U8\",\"shape\":[4],"
          "\"data_offsets\":[0,4]}}",
     good, 4, "list \"x\": needs"},
};

START_TEST(hostile_file) {
    bytes data = {hostile[_i].data, hostile[_i].size};
    bytes file = craft_file(bytes_of(hostile[_i].recipe), data);
    if (hostile[_i].expected) {
        refused(file, hostile[_i].expected);
    } else {
        bundle *b;
        rill_error why = {0};
        ck_assert_msg(bundle_open_bytes(file, "x", &b, &why) == 0, "%s", why.message);
        bundle_close(b);
    }
    free((void *)file.data);
}
END_TEST

START_TEST(odd_headers) {
    static const uint64_t sizes[] = {0,          1,         62, 63, 65, 1 << 20, (16 << 20) + 1,
                                     1ull << 63, UINT64_MAX};
    bytes file = sample_bytes();
    char *byte = (char *)file.data;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memcpy(byte, &sizes[i], 8);
        refused(file, "header");
    }
    free(byte);
    file = craft_file(BYTES(META "}}"), BYTES(" ")); /* one blank of data becomes padding */
    craft_seal((char *)file.data, file.size);
    refused(file, "expected a multiple of 64");
    free((void *)file.data);
    char *deep = aligned_alloc(64, 1 << 16); /* brackets without end */
    memset(deep, '[', 1 << 16);
    memcpy(deep + BUNDLE_PREFIX, BUNDLE_OPENING, strlen(BUNDLE_OPENING));
    deep[BUNDLE_PREFIX + strlen(BUNDLE_OPENING) + BUNDLE_DIGITS] = '"';
    craft_seal(deep, 1 << 16);
    refused((bytes){deep, 1 << 16}, "header: not strict JSON");
    free(deep);
}
END_TEST

/* Header bytes changed at random and sealed again: anything may come out but a crash. */
START_TEST(random_headers) {
    rng r = rng_make(test_seed("random_headers"), 1, 0);
    bytes file = sample_bytes(), work = aligned_copy(file);
    size_t head = header_size(file), first = BUNDLE_PREFIX + strlen(BUNDLE_OPENING) + BUNDLE_DIGITS;
    static const char pieces[] = "0123456789-,:[]{}\"\\e.uFIBU8 ";
    int opened = 0;
    for (int turn = 0; turn < 20000; turn++) {
        char *byte = (char *)work.data;
        memcpy(byte, file.data, file.size);
        for (uint64_t changes = 1 + rng_below(&r, 4); changes; changes--) {
            size_t at = first + rng_below(&r, head - first);
            byte[at] =
                rng_below(&r, 4) ? pieces[rng_below(&r, sizeof pieces - 1)] : (char)rng_next(&r);
        }
        craft_seal(byte, head);
        bundle *b;
        int status = bundle_open_bytes(work, "x", &b, NULL);
        ck_assert(status == 0 || status == RILL_EMODEL);
        opened += status == 0;
        bundle_close(b);
    }
    ck_assert_int_gt(opened, 0); /* padding and metadata values may change freely */
    free((void *)file.data);
    free((void *)work.data);
}
END_TEST

/* Equal strings make a list but no map. */
START_TEST(equal_strings) {
    static const struct {
        int64_t start[3];
        char text[5];
    } twice = {{0, 2, 4}, "abab"};
    bytes file = craft_file(bytes_of(hostile[3].recipe), (bytes){(const char *)&twice, 28}), text;
    const int64_t *start;
    size_t count;
    bundle *b;
    strmap map = {0};
    rill_error why = {0};
    ck_assert_int_eq(bundle_open_bytes(file, "x", &b, NULL), 0);
    ck_assert_int_eq(bundle_list(b, "x", &text, &start, &count, NULL), 0);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(bundle_strings(b, "x", &map, &why), RILL_EMODEL);
    ck_assert_ptr_nonnull(strstr(why.message, "list \"x\": "));
    strmap_free(&map);
    bundle_close(b);
    free((void *)file.data);
}
END_TEST

/* ---- the report */

/* Metadata whose JSON is nested so deeply that indentation would be most of the report. */
START_TEST(deep_metadata) {
    enum { DEEP = 1000, WIDE = 4000 };
    bundle_writer *w;
    bundle *b;
    buffer value = {0}, report = {0};
    for (int i = 0; i < DEEP; i++) buffer_add_text(&value, "{\"a\":");
    buffer_add_text(&value, "[1.5");
    for (int i = 0; i < WIDE; i++) buffer_add_text(&value, ",\"b\"");
    buffer_add_char(&value, ']');
    for (int i = 0; i < DEEP; i++) buffer_add_char(&value, '}');
    ck_assert_int_eq(bundle_writer_new(&w, NULL), 0);
    ck_assert_int_eq(bundle_writer_meta(w, "task", buffer_view(&value), NULL), 0);
    ck_assert_int_eq(bundle_writer_save(w, FILE_NAME, NULL), 0);
    ck_assert_int_eq(bundle_open(FILE_NAME, &b, NULL), 0);
    unlink(FILE_NAME);
    ck_assert_int_eq(model_info(b, false, &report, NULL), 0);
    ck_assert_uint_lt(report.size, 2 * value.size);
    ck_assert_ptr_nonnull(strstr(report.data, "  a\n    a\n"));
    ck_assert_ptr_nonnull(strstr(report.data, " a a 1.5, b, b, "));
    bundle_close(b);
    bundle_writer_free(w);
    buffer_free(&value);
    buffer_free(&report);
}
END_TEST

/* Neither names nor values may move the terminal, nor begin lines of their own. */
START_TEST(printable_report) {
    bundle_writer *w;
    bundle *b;
    buffer report = {0};
    ck_assert_int_eq(bundle_writer_new(&w, NULL), 0);
    ck_assert_int_eq(bundle_writer_meta(w, "task", BYTES("t\x1b[31m\ntensors"), NULL), 0);
    ck_assert_int_eq(
        bundle_writer_meta(w, "config",
                           BYTES("{\"a\\u001b\":1,\"b\":[\"\\u0007\",{\"c\\n\":2}],"
                                 "\"d\\t\":{},\"e\\r\":[],\"\xEA\xB3\xA0\":\"\xC2\x9B\"}"),
                           NULL),
        0);
    ck_assert_int_eq(bundle_writer_save(w, FILE_NAME, NULL), 0);
    ck_assert_int_eq(bundle_open(FILE_NAME, &b, NULL), 0);
    unlink(FILE_NAME);
    ck_assert_int_eq(model_info(b, false, &report, NULL), 0);
    for (const char *c = report.data; *c; c++) ck_assert(*c == '\n' || (unsigned char)*c >= 0x20);
    ck_assert_ptr_nonnull(strstr(report.data, "t?[31m?tensors\n"));
    ck_assert_ptr_nonnull(strstr(report.data, "\n  a?  "));
    ck_assert_ptr_nonnull(strstr(report.data, "\n  d?\n  e?\n"));
    ck_assert_ptr_nonnull(strstr(report.data, "\n    ?\n    c? 2\n"));
    ck_assert_ptr_nonnull(strstr(report.data, "\n  \xEA\xB3\xA0 "));
    ck_assert_ptr_null(strstr(report.data, "\xC2\x9B"));
    bundle_close(b);
    bundle_writer_free(w);
    buffer_free(&report);
}
END_TEST

void model_bundle_cases(Suite *suite) {
    TCase *c = tcase_create("bundle");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, round_trip);
    tcase_add_test(c, layout);
    tcase_add_test(c, questions);
    tcase_add_test(c, writer_refuses);
    tcase_add_loop_test(c, writer_refuses_list, 0, 5);
    tcase_add_loop_test(c, writer_refuses_nan, 0, 5);
    tcase_add_test(c, every_truncation);
    tcase_add_test(c, every_flip);
    tcase_add_loop_test(c, hostile_file, 0, sizeof hostile / sizeof *hostile);
    tcase_add_test(c, odd_headers);
    tcase_add_test(c, random_headers);
    tcase_add_test(c, equal_strings);
    suite_add_tcase(suite, c);
    TCase *info = tcase_create("info");
    tcase_add_test(info, deep_metadata);
    tcase_add_test(info, printable_report);
    suite_add_tcase(suite, info);
}
