/* io_file: files as a whole: their hash, whether they exist or are one, their bytes in memory. */
#ifdef HAVE_CONFIG_H
#include "config.h" /* large files on 32-bit machines */
#endif
#include "base/io_inner.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int hash_fd(int fd, const char *path, hasher *h, void *chunk, rill_error *error) {
    for (;;) {
        ssize_t got = io_read(fd, chunk, CHUNK);
        if (got < 0) return status_errno(error, "cannot read", path);
        if (got == 0) return RILL_OK;
        hasher_add(h, chunk, (size_t)got);
    }
}

static int hash_path(const char *path, hasher *h, void *chunk, rill_error *error);

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *d) { return d->d_name[0] != '.'; }

/* Names and contents in the order of the names. */
static int hash_folder(const char *path, hasher *h, void *chunk, rill_error *error) {
    struct dirent **list;
    int count = scandir(path, &list, is_visible, by_name), status = 0;
    if (count < 0) return status_errno(error, "cannot open", path);
    for (int i = 0; i < count; i++) {
        buffer below = {0};
        buffer_printf(&below, "%s/%s", path, list[i]->d_name);
        hasher_add(h, list[i]->d_name, strlen(list[i]->d_name) + 1);
        if (status == 0) status = buffer_status(&below, error);
        if (status == 0) status = hash_path(below.data, h, chunk, error);
        buffer_free(&below);
        free(list[i]);
    }
    free(list);
    return status;
}

/* Pipes and devices may never end. */
static int hash_path(const char *path, hasher *h, void *chunk, rill_error *error) {
    struct stat s;
    if (stat(path, &s) == 0 && !S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode)) {
        return status_set(error, RILL_EIO, path, 0, 0, "\"%s\" is not a regular file", path);
    }
    int fd = io_open(path, O_RDONLY, 0);
    if (fd < 0) return status_errno(error, "cannot open", path);
    bool folder = fstat(fd, &s) == 0 && S_ISDIR(s.st_mode);
    int status = folder ? hash_folder(path, h, chunk, error) : hash_fd(fd, path, h, chunk, error);
    close(fd);
    return status;
}

int file_hash(const char *path, hash128 *out, rill_error *error) {
    hasher *h = hasher_new();
    void *chunk = malloc(CHUNK);
    int status = h && chunk ? hash_path(path, h, chunk, error) : status_nomem(error);
    if (status == RILL_OK) *out = hasher_result(h);
    free(chunk);
    hasher_free(h);
    return status;
}

bool file_exists(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

int file_spare(const char *path, bool force, rill_error *error) {
    if (!path || force || !strcmp(path, "-") || !file_exists(path)) return RILL_OK;
    return status_fail(error, RILL_EIO, "\"%s\" exists; --force replaces it", path);
}

int file_differs(const char *path, const char *input, rill_error *error) {
    struct stat a, b;
    bool same = !strcmp(path, input) && strcmp(path, "-");
    if (stat(path, &a) == 0 && stat(input, &b) == 0 && S_ISREG(a.st_mode)) {
        same = a.st_dev == b.st_dev && a.st_ino == b.st_ino;
    }
    if (!same) return RILL_OK;
    return status_fail(error, RILL_EIO, "\"%s\" and \"%s\" are one file, and it would be written over",
                       path, input);
}

/* MAP_PRIVATE and read-only: nobody's stray write reaches the file. */
static int map_fd(int fd, const char *path, mapping *out, rill_error *error) {
    struct stat s;
    if (fstat(fd, &s)) return status_errno(error, "cannot read", path);
    if (!S_ISREG(s.st_mode))
        return status_set(error, RILL_EIO, path, 0, 0, "\"%s\" is not a regular file", path);
    if ((uintmax_t)s.st_size > PTRDIFF_MAX)
        return status_set(error, RILL_ELIMIT, path, 0, 0, "\"%s\" is too large to map", path);
    *out = (mapping){(const unsigned char *)"", (size_t)s.st_size};
    if (out->size == 0) return RILL_OK; /* mmap refuses a size of 0 */
    void *data = mmap(NULL, out->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        *out = (mapping){0};
        return status_errno(error, "cannot map", path);
    }
    out->data = data;
    return RILL_OK;
}

int file_map(const char *path, mapping *out, rill_error *error) {
    *out = (mapping){0};
    int fd = io_open(path, O_RDONLY, 0);
    if (fd < 0) return status_errno(error, "cannot open", path);
    int status = map_fd(fd, path, out, error);
    close(fd); /* a mapping outlives its descriptor */
    return status;
}

void file_unmap(mapping *m) {
    if (m->size) munmap((void *)m->data, m->size);
    *m = (mapping){0};
}
