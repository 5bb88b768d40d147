/* labelled_folder: one folder per label, one text per file. Names that begin with a dot are passed
 * over; folders and files are read in the order of their bytes, so the same tree is the same data
 * everywhere.
 */
#include "data/labelled_inner.h"
#include "text/unicode.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int add_entry(labelled *l, const char *label, const char *file, rill_error *error) {
    buffer name = {0};
    buffer_printf(&name, "%s/%s", label, file);
    if (name.failed || mem_grow(&l->entry, &l->file_room, l->files + 1, sizeof *l->entry) < 0) {
        buffer_free(&name);
        return status_nomem(error);
    }
    l->entry[l->files++] = name.data;
    return 0;
}

static const char *path_of(labelled *l, const char *below) {
    buffer_clear(&l->path);
    buffer_printf(&l->path, "%s/%s", l->name, below);
    return l->path.failed ? "" : l->path.data;
}

static int list_label(labelled *l, const char *label, rill_error *error) {
    DIR *folder = opendir(path_of(l, label));
    if (!folder) return errno == ENOTDIR ? 0 : status_errno(error, "cannot open", l->path.data);
    int status = 0;
    for (struct dirent *d; status == 0 && (d = readdir(folder));) {
        if (d->d_name[0] != '.') status = add_entry(l, label, d->d_name, error);
    }
    closedir(folder);
    return status;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int labelled_folder(labelled *l, rill_error *error) {
    DIR *folder = opendir(l->name);
    if (!folder) return status_errno(error, "cannot open", l->name);
    int status = 0;
    for (struct dirent *d; status == 0 && (d = readdir(folder));) {
        if (d->d_name[0] != '.') status = list_label(l, d->d_name, error);
    }
    closedir(folder);
    if (status == 0 && l->files == 0) {
        status = status_set(error, RILL_EDATA, l->name, 0, 0,
                            "found no folders with files, expected one folder per label");
    }
    if (status == 0) qsort(l->entry, l->files, sizeof *l->entry, by_bytes);
    return status;
}

int labelled_file(labelled *l, example *e, rill_error *error) {
    if (l->next == l->files) return 0;
    const char *entry = l->entry[l->next++], *path = path_of(l, entry);
    size_t fault, limit = l->options.max_record ? l->options.max_record : (size_t)1 << 26;
    buffer text = {0};
    e->file = path;
    e->line = 1;
    int status = file_slurp(path, limit, &text, error);
    bytes view = buffer_view(&text);
    if (status == 0 && !utf8_valid(view, &fault)) {
        status = status_set(error, RILL_EDATA, path, 0, fault + 1, "invalid UTF-8");
    }
    if (status == 0) {
        example_begin(e, bytes_unmarked(view));
        bytes label = {entry, (size_t)(strchr(entry, '/') - entry)};
        if (example_add_label(e, label) < 0) status = status_nomem(error);
    }
    if (status == 0) status = buffer_status(&e->data, error);
    buffer_free(&text);
    return status < 0 ? status : 1;
}
