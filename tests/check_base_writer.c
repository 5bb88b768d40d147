/* check_base_writer: bytes out, also where the disk is full, the folder closed or the pipe broken.
 */
#include "check_base.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(writer_replaces_atomically) {
    folder_make();
    mode_t before = umask(027);
    file_put("x", BYTES("old"));
    writer *w;
    ck_assert_int_eq(writer_open("x", &w, NULL), 0);
    ck_assert_int_eq(writer_add_bytes(w, BYTES("new"), NULL), 0);
    ck_assert_int_eq(writer_flush(w, NULL), 0);
    ck_assert_int_eq(folder_count(false), 2);
    file_check("x", "old");
    ck_assert_int_eq(writer_commit(w, NULL), 0);
    file_check("x", "new");
    ck_assert_int_lt(writer_add(w, "more", 4, NULL) + writer_flush(w, NULL), 0);
    writer_close(w);
    struct stat s;
    ck_assert_int_eq(stat("x", &s), 0);
    ck_assert_uint_eq(s.st_mode & 0777, 0640);
    /* Who could not read the old file cannot read the new one; nor is anybody shut out. */
    for (const mode_t *mode = (const mode_t[]){0600, 0666, 0}; *mode; mode++) {
        ck_assert_int_eq(chmod("x", *mode), 0);
        file_write("x", BYTES("new"));
        ck_assert_int_eq(stat("x", &s), 0);
        ck_assert_uint_eq(s.st_mode & 0777, *mode);
    }
    umask(before);
    ck_assert_int_eq(writer_open("x", &w, NULL), 0);
    ck_assert_int_eq(writer_add_bytes(w, BYTES("newer"), NULL), 0);
    writer_close(w);
    file_check("x", "new");
    ck_assert_int_eq(folder_count(false), 1);
    writer_close(NULL);
    folder_remove();
}
END_TEST

/* The last step fails: a folder has taken the name meanwhile. */
START_TEST(writer_reports_failed_rename) {
    folder_make();
    writer *w;
    rill_error e;
    ck_assert_int_eq(writer_open("x", &w, NULL), 0);
    ck_assert_int_eq(mkdir("x", 0700), 0);
    ck_assert_int_eq(writer_commit(w, &e), RILL_EIO);
    ck_assert_str_eq(e.message, "cannot write \"x\": Is a directory");
    ck_assert_int_eq(writer_commit(w, &e), RILL_EIO);
    writer_close(w);
    ck_assert_int_eq(rmdir("x"), 0);
    ck_assert_int_eq(folder_count(false), 0);
    folder_remove();
}
END_TEST

/* Pieces of all sizes around the size of the buffer, plain and compressed, twice the same bytes. */
START_TEST(writer_keeps_all_bytes) {
    folder_make();
    buffer b = {0};
    long_text_make(&b);
    static const char *const names[] = {"x", "x.gz", "y.gz"};
    for (int i = 0; i < 3; i++) {
        writer *w;
        ck_assert_int_eq(writer_open(names[i], &w, NULL), 0);
        for (size_t at = 0, size = 1; at < b.size; at += size, size = size * 3 % 200003) {
            if (size > b.size - at) size = b.size - at;
            ck_assert_int_eq(writer_add(w, b.data + at, size, NULL), 0);
        }
        ck_assert_int_eq(writer_commit(w, NULL), 0);
        writer_close(w);
        buffer back = file_get(names[i]);
        ck_assert(bytes_equal(buffer_view(&back), buffer_view(&b)));
        buffer_free(&back);
    }
    hash128 x, y;
    ck_assert_int_eq(file_hash("x.gz", &x, NULL), 0);
    ck_assert_int_eq(file_hash("y.gz", &y, NULL), 0);
    ck_assert(hash128_equal(x, y));
    buffer_free(&b);
    folder_remove();
}
END_TEST

START_TEST(writer_follows_links_and_pipes) {
    folder_make();
    file_put("real", BYTES("old"));
    ck_assert_int_eq(symlink("real", "link"), 0);
    file_write("link", BYTES("new"));
    file_check("real", "new");
    struct stat s;
    ck_assert(lstat("link", &s) == 0 && S_ISLNK(s.st_mode));
    /* Also one to a link, and to a file that is not there yet. */
    ck_assert_int_eq(mkdir("folder", 0700), 0);
    ck_assert_int_eq(symlink("far", "folder/near"), 0);
    ck_assert_int_eq(symlink("folder/near", "first"), 0);
    file_write("first", BYTES("made"));
    file_check("folder/far", "made");
    ck_assert(lstat("first", &s) == 0 && S_ISLNK(s.st_mode));
    ck_assert(lstat("folder/near", &s) == 0 && S_ISLNK(s.st_mode));
    ck_assert_int_eq(unlink("folder/near") | unlink("folder/far") | rmdir("folder"), 0);
    ck_assert_int_eq(symlink("circle", "circle"), 0);
    rill_error e;
    writer *w;
    ck_assert_int_eq(writer_open("circle", &w, &e), RILL_EIO);
    ck_assert_str_eq(e.message, "cannot write \"circle\": Too many levels of symbolic links");
    /* A pipe stands for all that is written in place. Never a real device: run by root, a writer
     * that is broken would replace it for the whole machine. */
    char got[8] = "";
    ck_assert_int_eq(mkfifo("pipe", 0600), 0);
    int fd = open("pipe", O_RDWR | O_NONBLOCK);
    ck_assert_int_ge(fd, 0);
    file_write("pipe", BYTES("through"));
    ck_assert(stat("pipe", &s) == 0 && S_ISFIFO(s.st_mode));
    ck_assert_int_eq(read(fd, got, sizeof got), 7);
    ck_assert_str_eq(got, "through");
    close(fd);
    char name[256], path[300];
    memset(name, 'n', 255); /* the longest name there is */
    name[255] = '\0';
    snprintf(path, sizeof path, "./%s", name);
    file_write(path, BYTES("long"));
    file_check(name, "long");
    memset(path + 2, 'o', 256); /* told when it is opened, not after the work */
    path[258] = '\0';
    ck_assert_int_eq(writer_open(path, &w, &e), RILL_EIO);
    ck_assert_ptr_nonnull(strstr(e.message, "File name too long"));
    folder_remove();
}
END_TEST

START_TEST(writer_flushes_to_pipes) {
    int fd[2];
    ck_assert_int_eq(pipe(fd), 0);
    writer *w;
    char got[8] = "";
    ck_assert_int_eq(writer_open_fd(fd[1], "pipe", &w, NULL), 0);
    ck_assert_int_eq(writer_add_bytes(w, BYTES("abc"), NULL), 0);
    ck_assert_int_eq(writer_flush(w, NULL), 0);
    ck_assert_int_eq(read(fd[0], got, sizeof got), 3);
    ck_assert_str_eq(got, "abc");
    signal(SIGPIPE, SIG_IGN);
    close(fd[0]);
    rill_error e;
    ck_assert_int_eq(writer_add_bytes(w, BYTES("abc"), &e), 0);
    ck_assert_int_eq(writer_commit(w, &e), RILL_EIO);
    ck_assert_str_eq(e.message, "cannot write \"pipe\": Broken pipe");
    ck_assert_int_eq(writer_add_bytes(w, BYTES("x"), &e), RILL_EIO);
    writer_close(w);
    close(fd[1]);
}
END_TEST

/* A pipe that is full and non-blocking makes writes short; nothing is lost. */
START_TEST(writer_survives_short_writes) {
    int fd[2];
    buffer b = {0};
    long_text_make(&b);
    ck_assert_int_eq(pipe(fd), 0);
    fcntl(fd[1], F_SETFL, O_NONBLOCK);
    pid_t child = fork();
    if (child == 0) {
        reader *r;
        close(fd[1]);
        if (reader_open_fd(fd[0], "pipe", 0, &r, NULL)) _exit(1);
        long_text_check(r, buffer_view(&b));
        _exit(0);
    }
    close(fd[0]);
    writer *w;
    ck_assert_int_eq(writer_open_fd(fd[1], "pipe", &w, NULL), 0);
    ck_assert_int_eq(writer_add_bytes(w, buffer_view(&b), NULL), 0);
    ck_assert_int_eq(writer_commit(w, NULL), 0);
    writer_close(w);
    close(fd[1]);
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    buffer_free(&b);
}
END_TEST

/* The disk is full after 100 kB: the error names the path, the old file stays, nothing is left. */
START_TEST(writer_reports_full_disk) {
    static const char *const names[] = {"x", "x.gz"};
    folder_make();
    file_put(names[_i], BYTES("old"));
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {100000, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    writer *w;
    rill_error e = {0};
    ck_assert_int_eq(writer_open(names[_i], &w, &e), 0);
    unsigned noise = 1;
    int status = 0;
    for (int i = 0; i < 300000 && status == 0; i++) {
        noise = noise * 1103515245 + 12345;
        status = writer_add(w, (char *)&noise + 2, 2, &e);
    }
    ck_assert_int_eq(status, RILL_EIO);
    char expected[100];
    snprintf(expected, sizeof expected, "cannot write \"%s\": File too large", names[_i]);
    ck_assert_str_eq(e.message, expected);
    limit.rlim_cur = RLIM_INFINITY; /* room again, but the file has a gap for ever */
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_int_eq(writer_flush(w, &e), RILL_EIO);
    ck_assert_int_eq(writer_commit(w, &e), RILL_EIO);
    writer_close(w);
    ck_assert_int_eq(folder_count(false), 1);
    file_check(names[_i], "old");
    folder_remove();
}
END_TEST

/* The device is only reached through a descriptor, so that no fault of ours can replace it. */
START_TEST(writer_reports_full_device) {
    int fd = open("/dev/full", O_WRONLY);
    if (fd < 0) return; /* not every system has it */
    writer *w;
    rill_error e;
    ck_assert_int_eq(writer_open_fd(fd, "full", &w, &e), 0);
    ck_assert_int_eq(writer_add_bytes(w, BYTES("x"), &e), 0);
    ck_assert_int_eq(writer_commit(w, &e), RILL_EIO);
    ck_assert_str_eq(e.message, "cannot write \"full\": No space left on device");
    writer_close(w);
    close(fd);
}
END_TEST

/* A folder without write permission; root passes everywhere and becomes somebody else for this. */
START_TEST(writer_reports_closed_folder) {
    folder_make();
    file_put("x", BYTES("old"));
    chmod(".", 0555);
    pid_t child = fork();
    if (child == 0) {
        writer *w;
        rill_error e = {0};
        if (geteuid() == 0 && seteuid(65534)) _exit(2);
        int status = writer_open("x", &w, &e);
        bool named = strcmp(e.message, "cannot write \"x\": Permission denied") == 0;
        _exit(!(status == RILL_EIO && w == NULL && named));
    }
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    file_check("x", "old");
    writer *w;
    rill_error e;
    ck_assert_int_eq(writer_open("none/x", &w, &e), RILL_EIO);
    ck_assert_str_eq(e.message, "cannot write \"none/x\": No such file or directory");
    ck_assert_int_eq(writer_open(".", &w, &e), RILL_EIO);
    folder_remove();
}
END_TEST

TCase *tcase_writer(void) {
    TCase *t = tcase_create("writer");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, writer_replaces_atomically);
    tcase_add_test(t, writer_reports_failed_rename);
    tcase_add_test(t, writer_keeps_all_bytes);
    tcase_add_test(t, writer_follows_links_and_pipes);
    tcase_add_test(t, writer_flushes_to_pipes);
    tcase_add_test(t, writer_survives_short_writes);
    tcase_add_loop_test(t, writer_reports_full_disk, 0, 2);
    tcase_add_test(t, writer_reports_full_device);
    tcase_add_test(t, writer_reports_closed_folder);
    return t;
}
