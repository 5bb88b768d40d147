/* io: lines in, bytes out; the only user of zlib.h.
 *
 * Memory map of a reader: two windows. `raw` holds what the descriptor (or the caller's memory)
 * gave, `text` holds it after decompression; lines are views into `text`.
 *
 *     fd --read--> raw  [..used..|begin  waiting  end|....]
 *                         | copied, or inflated when the first two bytes are 1f 8b
 *                         v
 *                  text [..used..|begin  partial line | seen ... end|....room....]
 *
 * Before more text is added the partial line moves to the front, so `text` is as large as the
 * longest line plus one chunk. `seen` says how far no LF was found; no byte is searched twice.
 *
 * Gzip is undone by inflate itself instead of gzread, which reports a file that ends inside a
 * member as a shorter file. A file may hold several members one after the other (RFC 1952, 2.2),
 * and zero bytes behind the last one, as tapes leave them.
 *
 * A writer collects CHUNK bytes before it calls write. Its first failure is remembered: what
 * follows a gap must never reach the file, and commit must refuse.
 */
#ifdef HAVE_CONFIG_H
#include "config.h" /* large files on 32-bit machines */
#endif
#include "base/io_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16, TEMP_TRIES = 100, TEMP_BASE = 200 };
static const size_t default_line = (size_t)64 << 20;

/* ---- descriptors */

/* Errors of poll are of no interest: the read or write that follows reports them. */
static void wait_fd(int fd, short events) {
    struct pollfd p = {.fd = fd, .events = events};
    poll(&p, 1, -1);
}

ssize_t io_read(int fd, void *data, size_t size) {
    for (;;) {
        ssize_t got = read(fd, data, size);
        if (got >= 0) return got;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            wait_fd(fd, POLLIN);
        } else if (errno != EINTR) {
            return -1;
        }
    }
}

/* write may take less than it was given; what is left is offered again until it fails. */
static bool write_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t wrote = write(fd, data, size);
        if (wrote >= 0) {
            data += wrote;
            size -= (size_t)wrote;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            wait_fd(fd, POLLOUT);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

int io_open(const char *path, int flags, mode_t mode) {
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/* Data reach the disk before the new name does; otherwise a power cut leaves an empty file. */
static bool sync_fd(int fd) {
    int failed;
    do {
        failed = fsync(fd);
    } while (failed && errno == EINTR);
    return !failed;
}

/* ---- reader */

struct reader {
    int fd; /* -1: memory */
    bool own_fd;
    char *name;
    unsigned char *storage;   /* [CHUNK] what raw points to, NULL: the caller's memory */
    const unsigned char *raw; /* waiting input is raw[raw_begin..raw_end) */
    size_t raw_begin, raw_end;
    bool raw_eof;
    bool begun, gzip, in_member;
    z_stream z;
    char *text; /* lines to hand out are text[begin..end) */
    size_t begin, seen, end, room;
    bool eof; /* nothing comes behind text[end] */
    size_t max_line, number;
    bool ended, had_cr;
};

/* fd -1 makes a reader without storage of its own, for memory. */
static int reader_new(int fd, const char *name, size_t max_line, reader **out, rill_error *error) {
    *out = NULL;
    reader *r = mem_new(1, sizeof *r);
    if (r) {
        r->fd = fd;
        r->max_line = max_line ? max_line : default_line;
        r->name = mem_text(name, strlen(name));
        if (fd >= 0) r->storage = malloc(CHUNK);
        r->raw = r->storage;
    }
    if (!r || !r->name || (fd >= 0 && !r->storage)) {
        reader_close(r);
        return status_nomem(error);
    }
    *out = r;
    return RILL_OK;
}

int reader_open_fd(int fd, const char *name, size_t max_line, reader **out, rill_error *error) {
    return reader_new(fd, name, max_line, out, error);
}

int reader_open_bytes(bytes text, const char *name, reader **out, rill_error *error) {
    TRY(reader_new(-1, name, SIZE_MAX - 2, out, error));
    (*out)->raw = (const unsigned char *)text.data;
    (*out)->raw_end = text.size;
    (*out)->raw_eof = true;
    return RILL_OK;
}

int reader_open(const char *path, size_t max_line, reader **out, rill_error *error) {
    *out = NULL;
    if (strcmp(path, "-") == 0)
        return reader_new(STDIN_FILENO, "standard input", max_line, out, error);
    int fd = io_open(path, O_RDONLY, 0);
    if (fd < 0) return status_errno(error, "cannot open", path);
    int status = reader_new(fd, path, max_line, out, error);
    if (status < 0) {
        close(fd);
    } else {
        (*out)->own_fd = true;
    }
    return status;
}

void reader_close(reader *r) {
    if (!r) return;
    if (r->gzip) inflateEnd(&r->z);
    if (r->own_fd) close(r->fd);
    free(r->storage);
    free(r->text);
    free(r->name);
    free(r);
}

size_t reader_number(const reader *r) {
    return r->number;
}
const char *reader_name(const reader *r) {
    return r->name;
}
bool reader_ended(const reader *r) {
    return r->ended;
}
bool reader_had_cr(const reader *r) {
    return r->had_cr;
}

/* Makes at least `need` raw bytes wait (need is 1 or 2), fewer only at the end of the input. */
static int raw_fill(reader *r, size_t need, rill_error *error) {
    while (!r->raw_eof && r->raw_end - r->raw_begin < need) {
        size_t rest = r->raw_end - r->raw_begin;
        memmove(r->storage, r->storage + r->raw_begin, rest);
        r->raw_begin = 0;
        r->raw_end = rest;
        ssize_t got = io_read(r->fd, r->storage + rest, CHUNK - rest);
        if (got < 0) return status_errno(error, "cannot read", r->name);
        r->raw_end += (size_t)got;
        if (got == 0) r->raw_eof = true;
    }
    return RILL_OK;
}

/* Looks for 1f 8b; a second byte is waited for only when the first one makes it worth while. */
static int see_magic(reader *r, bool *found, rill_error *error) {
    TRY(raw_fill(r, 1, error));
    *found = false;
    if (r->raw_begin == r->raw_end || r->raw[r->raw_begin] != 0x1F) return RILL_OK;
    TRY(raw_fill(r, 2, error));
    *found = r->raw_end - r->raw_begin >= 2 && r->raw[r->raw_begin + 1] == 0x8B;
    return RILL_OK;
}

/* Decides once, by the first bytes, what the input is. */
static int begin_input(reader *r, rill_error *error) {
    bool gzip;
    TRY(see_magic(r, &gzip, error));
    if (gzip) {
        if (inflateInit2(&r->z, GZIP_WINDOW) != Z_OK) return status_nomem(error);
        r->gzip = r->in_member = true;
    }
    r->begun = true;
    return RILL_OK;
}

static int damaged(const reader *r, const char *what, rill_error *error) {
    return status_set(error, RILL_EDATA, r->name, 0, 0, "damaged gzip data: %s", what);
}

/* Between members: on to the next one, or to the end over zero bytes. */
static int next_member(reader *r, rill_error *error) {
    bool found;
    TRY(see_magic(r, &found, error));
    if (found) {
        if (inflateReset(&r->z) != Z_OK) return status_nomem(error);
        r->in_member = true;
        return RILL_OK;
    }
    for (;;) {
        for (; r->raw_begin < r->raw_end; r->raw_begin++) {
            if (r->raw[r->raw_begin]) return damaged(r, "other bytes behind its end", error);
        }
        TRY(raw_fill(r, 1, error));
        if (r->raw_begin == r->raw_end) break;
    }
    r->eof = true;
    return RILL_OK;
}

/* One call of inflate from raw to text; *status is what it returned. */
static void inflate_step(reader *r, int *status) {
    size_t in = r->raw_end - r->raw_begin, room = r->room - r->end;
    if (in > CHUNK) in = CHUNK; /* zlib counts in unsigned int */
    if (room > CHUNK) room = CHUNK;
    r->z.next_in = (unsigned char *)r->raw + r->raw_begin;
    r->z.avail_in = (unsigned)in;
    r->z.next_out = (unsigned char *)r->text + r->end;
    r->z.avail_out = (unsigned)room;
    *status = inflate(&r->z, Z_NO_FLUSH);
    r->raw_begin += in - r->z.avail_in;
    r->end += room - r->z.avail_out;
}

/* Goes on until there is at least one new byte of text, or the end: a member's head, an empty
 * member and a trailer give none. At the end of the input inflate is still called, for what it held
 * back. */
static int fill_gzip(reader *r, rill_error *error) {
    size_t before = r->end;
    while (r->end == before && !r->eof) {
        if (!r->in_member) {
            TRY(next_member(r, error));
            continue;
        }
        TRY(raw_fill(r, 1, error));
        int status;
        inflate_step(r, &status);
        if (status == Z_STREAM_END) {
            r->in_member = false;
        } else if (status == Z_MEM_ERROR) {
            return status_nomem(error);
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            return damaged(r, r->z.msg ? r->z.msg : "cannot be decompressed", error);
        } else if (r->end == before && r->raw_eof && r->raw_begin == r->raw_end) {
            return damaged(r, "the file ends too early", error);
        }
    }
    return RILL_OK;
}

/* The copy from window to window costs little beside the read, and keeps both ways alike. */
static int fill_plain(reader *r, rill_error *error) {
    TRY(raw_fill(r, 1, error));
    size_t size = r->raw_end - r->raw_begin, room = r->room - r->end;
    if (size > room) size = room;
    if (size) memcpy(r->text + r->end, r->raw + r->raw_begin, size);
    r->raw_begin += size;
    r->end += size;
    if (size == 0) r->eof = true;
    return RILL_OK;
}

/* Adds text behind `end`, or sets eof. */
static int fill(reader *r, rill_error *error) {
    if (!r->begun) TRY(begin_input(r, error));
    if (r->begin) {
        memmove(r->text, r->text + r->begin, r->end - r->begin);
        r->seen -= r->begin;
        r->end -= r->begin;
        r->begin = 0;
    }
    if (mem_grow(&r->text, &r->room, r->end + CHUNK, 1) < 0) return status_nomem(error);
    return r->gzip ? fill_gzip(r, error) : fill_plain(r, error);
}

/* Hands out text[begin .. stop), whose LF, if any, stands at stop. */
static int take_line(reader *r, size_t stop, bytes *line, rill_error *error) {
    bytes whole = {r->text + r->begin, stop - r->begin};
    bool had_cr = whole.size && whole.data[whole.size - 1] == '\r';
    if (had_cr) whole.size--;
    if (whole.size > r->max_line)
        return status_set(error, RILL_ELIMIT, r->name, r->number + 1, 0,
                          "the line is longer than %zu bytes", r->max_line);
    r->had_cr = had_cr;
    r->ended = stop < r->end;
    r->begin = r->seen = stop + r->ended;
    r->number++;
    *line = whole;
    return 1;
}

/* The view stays good until the next call, because only fill moves text. */
int reader_line(reader *r, bytes *line, rill_error *error) {
    for (;;) {
        char *lf = r->end > r->seen ? memchr(r->text + r->seen, '\n', r->end - r->seen) : NULL;
        if (lf) return take_line(r, (size_t)(lf - r->text), line, error);
        r->seen = r->end;
        /* A partial line that cannot become short enough is refused before it fills the memory. */
        if (r->eof || r->end - r->begin > r->max_line + 1) {
            if (r->end == r->begin) return 0;
            return take_line(r, r->end, line, error);
        }
        TRY(fill(r, error));
    }
}

int reader_text(reader *r, bytes *line, rill_error *error) {
    int status = reader_line(r, line, error);
    if (status > 0 && r->number == 1) *line = bytes_unmarked(*line);
    return status;
}

bool reader_ready(const reader *r) {
    if (r->eof || r->raw_eof || r->raw_begin < r->raw_end) return true;
    if (r->end > r->seen && memchr(r->text + r->seen, '\n', r->end - r->seen)) return true;
    struct pollfd p = {.fd = r->fd, .events = POLLIN};
    int ready;
    do {
        ready = poll(&p, 1, 0);
    } while (ready < 0 && errno == EINTR);
    return ready != 0; /* an error does not block either */
}

/* Text is taken as it comes, lines do not matter here. */
static int slurp(reader *r, size_t max_size, buffer *out, rill_error *error) {
    while (!r->eof) {
        TRY(fill(r, error));
        size_t size = r->end - r->begin;
        if (max_size && size > max_size - out->size)
            return status_set(error, RILL_ELIMIT, r->name, 0, 0, "more than %zu bytes", max_size);
        buffer_add(out, r->text + r->begin, size);
        TRY(buffer_status(out, error));
        r->begin = r->seen = r->end;
    }
    return RILL_OK;
}

int file_slurp(const char *path, size_t max_size, buffer *out, rill_error *error) {
    reader *r;
    buffer_clear(out);
    TRY(reader_open(path, 0, &r, error));
    int status = slurp(r, max_size, out, error);
    reader_close(r);
    return status;
}

/* ---- writer */

struct writer {
    int fd;
    bool own_fd, gzip;
    char *name;   /* as given, for messages */
    char *target; /* the name that commit gives, NULL: written in place */
    char *temp;   /* the name until then, NULL once it is gone */
    int failure;  /* errno of the first failed step, 0: none */
    z_stream z;
    size_t size;
    char data[CHUNK]; /* waiting output */
};

/* Keeps the first errno and reports that one on every later call. */
static int fail_write(writer *w, rill_error *error) {
    if (!w->failure) w->failure = errno ? errno : EIO;
    errno = w->failure;
    return status_errno(error, "cannot write", w->name);
}

static int writer_new(int fd, const char *name, writer **out, rill_error *error) {
    *out = NULL;
    writer *w = mem_new(1, sizeof *w);
    if (w) {
        w->fd = fd;
        w->name = mem_text(name, strlen(name));
    }
    if (!w || !w->name) {
        writer_close(w);
        return status_nomem(error);
    }
    *out = w;
    return RILL_OK;
}

int writer_open_fd(int fd, const char *name, writer **out, rill_error *error) {
    return writer_new(fd, name, out, error);
}

/* Opens a new file FOLDER/BASE.PID-N.tmp beside the target, for those that `mode` names; a long base
 * is cut to stay below the limit of file names. */
static int open_temp(writer *w, mode_t mode, rill_error *error) {
    const char *slash = strrchr(w->target, '/'), *base = slash ? slash + 1 : w->target;
    size_t room = strlen(w->target) + 64;
    w->temp = malloc(room);
    if (!w->temp) return status_nomem(error);
    for (int i = 0; i < TEMP_TRIES; i++) {
        snprintf(w->temp, room, "%.*s%.*s.%ld-%d.tmp", (int)(base - w->target), w->target,
                 TEMP_BASE, base, (long)getpid(), i);
        w->fd = io_open(w->temp, O_WRONLY | O_CREAT | O_EXCL, mode);
        if (w->fd >= 0 || errno != EEXIST) break;
    }
    if (w->fd >= 0) return RILL_OK;
    free(w->temp);
    w->temp = NULL;
    return fail_write(w, error);
}

/* The name that a link stands for, link by link, whether its file is there or not (realpath fails where
 * it isn't); NULL: no memory. stat has seen that the links do not go round in a circle. */
static char *follow_links(const char *name) {
    char *path = mem_text(name, strlen(name)), *link = malloc(PATH_MAX);
    ssize_t size = 0;
    while (path && link && (size = readlink(path, link, PATH_MAX)) >= 0) {
        const char *slash = size > 0 && *link == '/' ? NULL : strrchr(path, '/');
        size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
        char *next = malloc(folder + (size_t)size + 1);
        if (next) {
            memcpy(next, path, folder);
            memcpy(next + folder, link, (size_t)size);
            next[folder + (size_t)size] = '\0';
        }
        free(path);
        path = next;
    }
    if (!link) { /* a name that was not followed must not be replaced */
        free(path);
        path = NULL;
    }
    free(link);
    return path;
}

/* Devices and pipes are written in place; a link keeps being a link, what it names is replaced. A new
 * file may be read by those who might read the old one. */
static int open_target(writer *w, rill_error *error) {
    struct stat s;
    bool exists = stat(w->name, &s) == 0;
    if (!exists && errno != ENOENT) return fail_write(w, error); /* a name too long, links in a circle */
    w->own_fd = true;
    if (exists && !S_ISREG(s.st_mode)) {
        w->fd = io_open(w->name, O_WRONLY, 0);
        return w->fd < 0 ? fail_write(w, error) : RILL_OK;
    }
    w->target = follow_links(w->name);
    if (!w->target) return status_nomem(error);
    TRY(open_temp(w, exists ? s.st_mode & 0777 : 0666, error));
    if (exists && fchmod(w->fd, s.st_mode & 0777)) return fail_write(w, error); /* past the umask */
    return RILL_OK;
}

static int open_gzip(writer *w, rill_error *error) {
    size_t size = strlen(w->name);
    if (size < 3 || strcmp(w->name + size - 3, ".gz") != 0) return RILL_OK;
    /* zlib's own gzip head has no name and no time: equal input gives equal bytes. */
    if (deflateInit2(&w->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return status_nomem(error);
    w->gzip = true;
    return RILL_OK;
}

int writer_open(const char *path, writer **out, rill_error *error) {
    if (strcmp(path, "-") == 0) return writer_new(STDOUT_FILENO, "standard output", out, error);
    TRY(writer_new(-1, path, out, error));
    int status = open_target(*out, error);
    if (status == RILL_OK) status = open_gzip(*out, error);
    if (status < 0) {
        writer_close(*out);
        *out = NULL;
    }
    return status;
}

int writer_probe(const char *path, rill_error *error) {
    struct stat s;
    writer *w;
    if (strcmp(path, "-") == 0 || (stat(path, &s) == 0 && !S_ISREG(s.st_mode))) return 0;
    TRY(writer_open(path, &w, error));
    writer_close(w);
    return 0;
}

/* Writes what waits, unless something before it was lost. */
static int put_waiting(writer *w, rill_error *error) {
    if (w->failure || !write_all(w->fd, w->data, w->size)) return fail_write(w, error);
    w->size = 0;
    return RILL_OK;
}

/* Large pieces go straight to the descriptor. */
static int add_plain(writer *w, const char *data, size_t size, rill_error *error) {
    if (size > CHUNK - w->size) TRY(put_waiting(w, error));
    if (size >= CHUNK) {
        if (!write_all(w->fd, data, size)) return fail_write(w, error);
        return RILL_OK;
    }
    memcpy(w->data + w->size, data, size);
    w->size += size;
    return RILL_OK;
}

/* Compresses a piece; with a flush mode other than Z_NO_FLUSH until zlib holds nothing back. */
static int add_gzip(writer *w, const char *data, size_t size, int flush, rill_error *error) {
    w->z.next_in = (unsigned char *)data;
    w->z.avail_in = (unsigned)size;
    for (;;) {
        if (w->size == CHUNK) TRY(put_waiting(w, error));
        w->z.next_out = (unsigned char *)w->data + w->size;
        w->z.avail_out = (unsigned)(CHUNK - w->size);
        int status = deflate(&w->z, flush);
        w->size = CHUNK - w->z.avail_out;
        if (status == Z_STREAM_ERROR) {
            errno = EINVAL;
            return fail_write(w, error);
        }
        if (w->z.avail_out != 0) return RILL_OK; /* room was left, so zlib had no more to give */
    }
}

int writer_add(writer *w, const void *data, size_t size, rill_error *error) {
    if (w->failure) return fail_write(w, error);
    if (size == 0) return RILL_OK;
    if (!w->gzip) return add_plain(w, data, size, error);
    const char *rest = data;
    while (size) {
        size_t part = size < CHUNK ? size : CHUNK; /* zlib counts in unsigned int */
        TRY(add_gzip(w, rest, part, Z_NO_FLUSH, error));
        rest += part;
        size -= part;
    }
    return RILL_OK;
}

int writer_add_bytes(writer *w, bytes text, rill_error *error) {
    return writer_add(w, text.data, text.size, error);
}

/* For gzip the block is closed too, so a reader of the pipe gets all lines so far. */
int writer_flush(writer *w, rill_error *error) {
    if (w->gzip) TRY(add_gzip(w, NULL, 0, Z_SYNC_FLUSH, error));
    return put_waiting(w, error);
}

/* The new name is safe only when the folder is; a folder that cannot be opened or synced at all (no
 * read permission, odd file systems) leaves that to the system. */
static int sync_folder(writer *w, rill_error *error) {
    char *slash = strrchr(w->target, '/');
    size_t size = slash ? (size_t)(slash - w->target) : 0;
    char *folder = slash ? mem_text(w->target, size ? size : 1) : mem_text(".", 1);
    if (!folder) return status_nomem(error);
    int fd = io_open(folder, O_RDONLY | O_DIRECTORY, 0), status = RILL_OK;
    if (fd >= 0) {
        if (!sync_fd(fd) && errno != EINVAL) status = fail_write(w, error);
        close(fd);
    }
    free(folder);
    return status;
}

/* fsync, close, rename, fsync of the folder: after any failure the old file still stands. */
static int replace_target(writer *w, rill_error *error) {
    if (!sync_fd(w->fd)) return fail_write(w, error);
    int fd = w->fd;
    w->fd = -1;
    if (close(fd)) return fail_write(w, error); /* network file systems report a full disk here */
    if (rename(w->temp, w->target)) return fail_write(w, error);
    free(w->temp);
    w->temp = NULL;
    return sync_folder(w, error);
}

int writer_commit(writer *w, rill_error *error) {
    if (w->gzip) TRY(add_gzip(w, NULL, 0, Z_FINISH, error));
    TRY(put_waiting(w, error));
    return w->temp ? replace_target(w, error) : RILL_OK;
}

void writer_close(writer *w) {
    if (!w) return;
    if (w->gzip) deflateEnd(&w->z);
    if (w->own_fd && w->fd >= 0) close(w->fd);
    if (w->temp) unlink(w->temp);
    free(w->temp);
    free(w->target);
    free(w->name);
    free(w);
}
