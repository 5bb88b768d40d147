/* check_base_io: lines in, from every kind of source, whole and damaged. Each test works in a
 * folder of its own below TMPDIR. */
#include "check_base.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[512];

void folder_make(void) {
    const char *temp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/check_base.XXXXXX", temp ? temp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

/* The names in the folder, and how many. */
int folder_count(bool remove) {
    int count = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        count++;
        if (remove) unlink(e->d_name);
    }
    closedir(d);
    return count;
}

void folder_remove(void) {
    chmod(folder, 0700);
    folder_count(true);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

void file_put(const char *path, bytes data) {
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data.data, 1, data.size, f), data.size);
    ck_assert_int_eq(fclose(f), 0);
}

buffer file_get(const char *path) {
    buffer b = {0};
    rill_error e = {0};
    ck_assert_msg(file_slurp(path, 0, &b, &e) == 0, "%s", e.message);
    return b;
}

void file_check(const char *path, const char *expected) {
    buffer b = file_get(path);
    check_bytes(buffer_view(&b), expected);
    buffer_free(&b);
}

void file_write(const char *path, bytes data) {
    writer *w;
    rill_error e = {0};
    ck_assert_msg(writer_open(path, &w, &e) == 0, "%s", e.message);
    ck_assert_int_eq(writer_add_bytes(w, data, &e), 0);
    ck_assert_int_eq(writer_commit(w, &e), 0);
    writer_close(w);
}

/* ---- reader */

/* Lines, each followed by $ when it ended with LF and c when it had a CR. */
static const struct {
    bytes text;
    const char *lines;
} texts[] = {
    {BYTES(""), ""},
    {BYTES("\n"), "$"},
    {BYTES("a"), "a"},
    {BYTES("a\n"), "a$"},
    {BYTES("a\r\n"), "ac$"},
    {BYTES("a\r"), "ac"},
    {BYTES("\r"), "c"},
    {BYTES("a\r\r\nb\rc\n"), "a\rc$b\rc$"},
    {BYTES("a\n\nb"), "a$$b"},
    {BYTES("\x1F"), "\x1F"},
    {BYTES("\x1F\n\x8B\n"), "\x1F$\x8B$"},
    {BYTES("\xEF\xBB\xBFx\n\xE2\x80\xA8y\n"), "\xEF\xBB\xBFx$\xE2\x80\xA8y$"},
};

static void check_lines(reader *r, const char *expected) {
    buffer found = {0};
    bytes line;
    rill_error e = {0};
    size_t number = 0;
    int status;
    while ((status = reader_line(r, &line, &e)) > 0) {
        ck_assert_uint_eq(reader_number(r), ++number);
        buffer_add_bytes(&found, line);
        if (reader_had_cr(r)) buffer_add_char(&found, 'c');
        if (reader_ended(r)) buffer_add_char(&found, '$');
    }
    ck_assert_msg(status == 0, "%s", e.message);
    ck_assert_int_eq(reader_line(r, &line, &e), 0); /* and stays at the end */
    check_bytes(buffer_view(&found), expected);
    buffer_free(&found);
    reader_close(r);
}

START_TEST(reader_splits_lines) {
    folder_make();
    bytes text = texts[_i].text;
    reader *r;
    ck_assert_int_eq(reader_open_bytes(text, "memory", &r, NULL), 0);
    check_lines(r, texts[_i].lines);
    file_put("plain", text);
    ck_assert_int_eq(reader_open("plain", 0, &r, NULL), 0);
    check_lines(r, texts[_i].lines);
    file_write("packed.gz", text);
    ck_assert_int_eq(reader_open("packed.gz", 0, &r, NULL), 0);
    check_lines(r, texts[_i].lines);
    buffer packed = {0}; /* gzip in memory: file_get would unpack it */
    int fd = open("packed.gz", O_RDONLY);
    char chunk[4096];
    buffer_add(&packed, chunk, (size_t)read(fd, chunk, sizeof chunk));
    close(fd);
    ck_assert_int_eq(reader_open_bytes(buffer_view(&packed), "memory", &r, NULL), 0);
    check_lines(r, texts[_i].lines);
    buffer_free(&packed);
    folder_remove();
}
END_TEST

/* The mark of a file goes, one that stands elsewhere stays. */
START_TEST(reader_drops_mark) {
    static const char *const lines[] = {"x", "\xEF\xBB\xBFy", ""};
    static const char *const texts[] = {"\xEF\xBB\xBFx\n\xEF\xBB\xBFy\n\n", "x\n\xEF\xBB\xBFy\n\n"};
    reader *r;
    bytes line;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(reader_open_bytes(bytes_of(texts[i]), "memory", &r, NULL), 0);
        for (int k = 0; k < 3; k++) {
            ck_assert_int_eq(reader_text(r, &line, NULL), 1);
            check_bytes(line, lines[k]);
        }
        ck_assert_int_eq(reader_text(r, &line, NULL), 0);
        reader_close(r);
    }
    ck_assert_int_eq(reader_open_bytes(BYTES("\xEF\xBB\xBF"), "memory", &r, NULL), 0);
    ck_assert_int_eq(reader_text(r, &line, NULL), 1);
    ck_assert_uint_eq(line.size, 0);
    reader_close(r);
    ck_assert_uint_eq(bytes_unmarked(BYTES("\xEF\xBB")).size, 2);
}
END_TEST

/* A child feeds `data` to a pipe in small pieces; returns the end to read from. */
static int feed_pipe(bytes data, size_t piece, pid_t *child) {
    int fd[2];
    ck_assert_int_eq(pipe(fd), 0);
    *child = fork();
    ck_assert_int_ge(*child, 0);
    if (*child == 0) {
        close(fd[0]);
        for (size_t i = 0; i < data.size; i += piece) {
            size_t size = piece < data.size - i ? piece : data.size - i;
            if (write(fd[1], data.data + i, size) != (ssize_t)size) _exit(1);
        }
        _exit(0);
    }
    close(fd[1]);
    return fd[0];
}

/* 40,000 lines of very different lengths. */
void long_text_make(buffer *b) {
    for (int i = 0; i < 40000; i++) {
        buffer_printf(b, "%d", i);
        int fill = i % 5000 == 4999 ? 200000 : i % 7;
        for (int k = 0; k < fill; k++) buffer_add_char(b, (char)('a' + (i + k) % 26));
        buffer_add_char(b, '\n');
    }
}

void long_text_check(reader *r, bytes expected) {
    bytes line, rest = expected, want;
    while (reader_line(r, &line, NULL) > 0) {
        if (!bytes_split(&rest, '\n', &want) || !bytes_equal(line, want))
            ck_abort_msg("line %zu differs", reader_number(r));
    }
    ck_assert_uint_eq(rest.size, 0);
    ck_assert_uint_eq(reader_number(r), 40000);
    reader_close(r);
}

START_TEST(reader_reads_pipes) {
    folder_make();
    buffer b = {0};
    long_text_make(&b);
    file_write("x.gz", buffer_view(&b));
    mapping packed;
    ck_assert_int_eq(file_map("x.gz", &packed, NULL), 0);
    ck_assert_uint_lt(packed.size, b.size);
    bytes sources[2] = {buffer_view(&b), {(const char *)packed.data, packed.size}};
    static const size_t pieces[] = {7001, 65536};
    for (int i = 0; i < 4; i++) {
        pid_t child;
        reader *r;
        int status, fd = feed_pipe(sources[i % 2], pieces[i / 2], &child);
        if (i == 3) fcntl(fd, F_SETFL, O_NONBLOCK);
        ck_assert_int_eq(reader_open_fd(fd, "pipe", 0, &r, NULL), 0);
        long_text_check(r, buffer_view(&b));
        close(fd);
        waitpid(child, &status, 0);
        ck_assert_int_eq(status, 0);
    }
    file_unmap(&packed);
    buffer_free(&b);
    folder_remove();
}
END_TEST

START_TEST(reader_reads_all_members) {
    folder_make();
    file_write("1.gz", BYTES("one\ntw"));
    file_write("2.gz", BYTES(""));
    file_write("3.gz", BYTES("o\nthree"));
    static const char zeros[] = {0, 0, 0, 0, 0, 0, 0};
    buffer all = {0};
    for (int i = 1; i <= 3; i++) {
        char name[16], chunk[1000];
        snprintf(name, sizeof name, "%d.gz", i);
        int fd = open(name, O_RDONLY);
        buffer_add(&all, chunk, (size_t)read(fd, chunk, sizeof chunk));
        close(fd);
    }
    buffer_add(&all, zeros, _i ? sizeof zeros : 0);
    reader *r;
    ck_assert_int_eq(reader_open_bytes(buffer_view(&all), "m", &r, NULL), 0);
    check_lines(r, "one$two$three");
    file_put("all", buffer_view(&all));
    file_check("all", "one\ntwo\nthree");
    buffer_add_text(&all, "x");
    file_put("all", buffer_view(&all));
    rill_error e;
    buffer b = {0};
    ck_assert_int_eq(file_slurp("all", 0, &b, &e), RILL_EDATA);
    ck_assert_str_eq(e.file, "all");
    buffer_free(&b);
    buffer_free(&all);
    folder_remove();
}
END_TEST

/* No cut and no flip may pass as other text: an error naming the file, or the text itself. */
START_TEST(reader_refuses_damaged_gzip) {
    folder_make();
    bytes text = BYTES("one line\nand another line\nand one line more, and another one\n");
    file_write("x.gz", text);
    mapping whole;
    ck_assert_int_eq(file_map("x.gz", &whole, NULL), 0);
    buffer out = {0};
    for (size_t cut = 2; cut < whole.size; cut++) {
        rill_error e = {0};
        file_put("cut.gz", (bytes){(const char *)whole.data, cut});
        ck_assert_int_eq(file_slurp("cut.gz", 0, &out, &e), RILL_EDATA);
        ck_assert_str_eq(e.file, "cut.gz");
        ck_assert_ptr_nonnull(strstr(e.message, "damaged gzip data"));
    }
    char flipped[1000];
    for (size_t bit = 16; bit < whole.size * 8; bit++) {
        rill_error e = {0};
        memcpy(flipped, whole.data, whole.size);
        flipped[bit / 8] ^= (char)(1 << bit % 8);
        file_put("flip.gz", (bytes){flipped, whole.size});
        int status = file_slurp("flip.gz", 0, &out, &e);
        if (status == 0) {
            ck_assert(bytes_equal(buffer_view(&out), text)); /* a byte of the head nobody needs */
            ck_assert_uint_lt(bit / 8, 10);
        } else {
            ck_assert_int_eq(status, RILL_EDATA);
            ck_assert_str_eq(e.file, "flip.gz");
        }
    }
    buffer_free(&out);
    file_unmap(&whole);
    folder_remove();
}
END_TEST

START_TEST(reader_limits_lines) {
    folder_make();
    buffer b = {0};
    buffer_add_text(&b, "12345678\r\n1234567\n");
    for (int i = 0; i < 9 + _i * 100000; i++) buffer_add_char(&b, 'x');
    file_put("x", buffer_view(&b));
    reader *r;
    bytes line;
    rill_error e;
    ck_assert_int_eq(reader_open("x", 8, &r, NULL), 0);
    ck_assert_int_eq(reader_line(r, &line, &e), 1);
    ck_assert_int_eq(reader_line(r, &line, &e), 1);
    ck_assert_int_eq(reader_line(r, &line, &e), RILL_ELIMIT);
    ck_assert_str_eq(e.file, "x");
    ck_assert_uint_eq(e.line, 3);
    reader_close(r);
    buffer_free(&b);
    folder_remove();
}
END_TEST

/* A line without end must not be waited for, nor kept. */
START_TEST(reader_refuses_endless_lines) {
    int fd[2];
    char text[3000];
    reader *r;
    bytes line;
    rill_error e;
    memset(text, 'x', sizeof text);
    ck_assert_int_eq(pipe(fd), 0);
    ck_assert_int_eq(write(fd[1], text, sizeof text), sizeof text);
    ck_assert_int_eq(reader_open_fd(fd[0], "pipe", 1000, &r, NULL), 0);
    alarm(20); /* the other end stays open: who waits for LF waits for ever */
    ck_assert_int_eq(reader_line(r, &line, &e), RILL_ELIMIT);
    alarm(0);
    reader_close(r);
    close(fd[0]);
    close(fd[1]);
}
END_TEST

/* The two magic bytes may come one by one. */
START_TEST(reader_waits_for_the_magic) {
    folder_make();
    file_write("x.gz", BYTES("text\n"));
    mapping m;
    ck_assert_int_eq(file_map("x.gz", &m, NULL), 0);
    int fd[2];
    ck_assert_int_eq(pipe(fd), 0);
    pid_t child = fork();
    if (child == 0) {
        if (write(fd[1], m.data, 1) != 1) _exit(1);
        usleep(50000);
        _exit(write(fd[1], m.data + 1, m.size - 1) != (ssize_t)m.size - 1);
    }
    close(fd[1]);
    reader *r;
    ck_assert_int_eq(reader_open_fd(fd[0], "pipe", 0, &r, NULL), 0);
    check_lines(r, "text$");
    close(fd[0]);
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    file_unmap(&m);
    folder_remove();
}
END_TEST

START_TEST(reader_knows_what_waits) {
    int fd[2];
    ck_assert_int_eq(pipe(fd), 0);
    reader *r;
    bytes line;
    ck_assert_int_eq(reader_open_fd(fd[0], "pipe", 0, &r, NULL), 0);
    ck_assert_str_eq(reader_name(r), "pipe");
    ck_assert(!reader_ready(r));
    ck_assert_int_eq(write(fd[1], "a\nb\nc", 5), 5);
    ck_assert(reader_ready(r));
    ck_assert_int_eq(reader_line(r, &line, NULL), 1);
    ck_assert(reader_ready(r));
    ck_assert_int_eq(reader_line(r, &line, NULL), 1);
    check_bytes(line, "b");
    ck_assert(!reader_ready(r)); /* half a line is no line */
    ck_assert_int_eq(write(fd[1], "\n", 1), 1);
    ck_assert(reader_ready(r));
    ck_assert_int_eq(reader_line(r, &line, NULL), 1);
    check_bytes(line, "c");
    ck_assert(!reader_ready(r));
    close(fd[1]);
    ck_assert(reader_ready(r));
    ck_assert_int_eq(reader_line(r, &line, NULL), 0);
    ck_assert(reader_ready(r));
    reader_close(r);
    ck_assert_int_eq(reader_open_bytes(BYTES("a\nb"), "memory", &r, NULL), 0);
    ck_assert_int_eq(reader_line(r, &line, NULL), 1);
    ck_assert(reader_ready(r)); /* in memory the last line is always there */
    reader_close(r);
    close(fd[0]);
}
END_TEST

/* 150,000 lines in a kilobyte of gzip, flushed but not ended: inflate holds most of the text back
 * while no more input comes, and every line must come out all the same. */
START_TEST(reader_empties_inflate) {
    folder_make();
    ck_assert_int_eq(mkfifo("pipe.gz", 0600), 0);
    int fd = open("pipe.gz", O_RDWR);
    writer *w;
    ck_assert_int_eq(writer_open("pipe.gz", &w, NULL), 0);
    for (int i = 0; i < 150000; i++) {
        if (writer_add(w, "x\n", 2, NULL)) ck_abort();
    }
    ck_assert_int_eq(writer_flush(w, NULL), 0);
    reader *r;
    bytes line;
    ck_assert_int_eq(reader_open_fd(fd, "pipe", 0, &r, NULL), 0);
    bool good = true; /* Check writes to a pipe at each assertion: one for all */
    alarm(30);
    for (int i = 0; i < 150000 && good; i++)
        good = reader_ready(r) && reader_line(r, &line, NULL) == 1 && line.size == 1;
    alarm(0);
    ck_assert(good);
    ck_assert(!reader_ready(r));
    reader_close(r);
    writer_close(w);
    close(fd);
    folder_remove();
}
END_TEST

START_TEST(reader_names_bad_paths) {
    rill_error e;
    reader *r;
    bytes line;
    ck_assert_int_eq(reader_open("/nowhere/x", 0, &r, &e), RILL_EIO);
    ck_assert_ptr_null(r);
    ck_assert_str_eq(e.message, "cannot open \"/nowhere/x\": No such file or directory");
    ck_assert_int_eq(reader_open("/", 0, &r, &e), 0);
    ck_assert_int_eq(reader_line(r, &line, &e), RILL_EIO);
    ck_assert_str_eq(e.message, "cannot read \"/\": Is a directory");
    reader_close(r);
    reader_close(NULL);
    ck_assert_int_eq(reader_open_fd(999, "closed", 0, &r, &e), 0);
    ck_assert(reader_ready(r));
    ck_assert_int_eq(reader_line(r, &line, &e), RILL_EIO);
    reader_close(r);
}
END_TEST

START_TEST(files_whole) {
    folder_make();
    buffer b = {0};
    rill_error e;
    long_text_make(&b);
    file_put("x", buffer_view(&b));
    file_put("empty", BYTES(""));
    hash128 h;
    ck_assert_int_eq(file_hash("x", &h, &e), 0);
    ck_assert(hash128_equal(h, hash128_of(b.data, b.size)));
    ck_assert_int_eq(file_hash("none", &h, &e), RILL_EIO);
    ck_assert_int_eq(file_hash("/dev/zero", &h, &e), RILL_EIO); /* and not for ever */
    mapping m;
    ck_assert_int_eq(file_map("x", &m, &e), 0);
    ck_assert(bytes_equal((bytes){(const char *)m.data, m.size}, buffer_view(&b)));
    file_unmap(&m);
    file_unmap(&m);
    ck_assert_int_eq(file_map("empty", &m, &e), 0);
    ck_assert(m.size == 0 && m.data);
    file_unmap(&m);
    ck_assert_int_eq(file_map(".", &m, &e), RILL_EIO);
    ck_assert_str_eq(e.message, "\".\" is not a regular file");
    ck_assert_int_eq(file_map("none", &m, &e), RILL_EIO);
    buffer out = {0};
    ck_assert_int_eq(file_slurp("x", b.size, &out, &e), 0);
    ck_assert(bytes_equal(buffer_view(&out), buffer_view(&b)));
    ck_assert_int_eq(file_slurp("x", b.size - 1, &out, &e), RILL_ELIMIT);
    ck_assert_str_eq(e.file, "x");
    ck_assert_int_eq(file_slurp("empty", 1, &out, &e), 0);
    ck_assert_uint_eq(out.size, 0);
    ck_assert(file_exists("x") && !file_exists("none"));
    buffer_free(&out);
    buffer_free(&b);
    folder_remove();
}
END_TEST

TCase *tcase_io(void) {
    TCase *t = tcase_create("reader");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, reader_splits_lines, 0, LENGTH(texts));
    tcase_add_test(t, reader_drops_mark);
    tcase_add_test(t, reader_reads_pipes);
    tcase_add_loop_test(t, reader_reads_all_members, 0, 2);
    tcase_add_test(t, reader_refuses_damaged_gzip);
    tcase_add_loop_test(t, reader_limits_lines, 0, 2);
    tcase_add_test(t, reader_refuses_endless_lines);
    tcase_add_test(t, reader_waits_for_the_magic);
    tcase_add_test(t, reader_knows_what_waits);
    tcase_add_test(t, reader_empties_inflate);
    tcase_add_test(t, reader_names_bad_paths);
    tcase_add_test(t, files_whole);
    return t;
}
