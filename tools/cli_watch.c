/* cli_watch: watches a long call: signals, the line of progress, the training log.
 *
 * Progress goes to standard error and only to a terminal, where one line is drawn again and again;
 * elsewhere notes, warnings and epochs appear as plain lines. The log takes every event's JSON, one
 * a line, flushed at once: after a crash it holds all that was reported.
 *
 * A first SIGINT, SIGTERM or SIGHUP only leaves its number behind; the library asks for it between
 * updates, writes a checkpoint and returns. The second one ends the program at once, since the
 * handler is taken away when it runs.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

/* ---- signals */

static void on_signal(int number) {
    caught = number;
}

int cli_watch_signal(void) {
    return caught;
}

static void catch_signal(int number) {
    struct sigaction now, before;
    memset(&now, 0, sizeof now);
    now.sa_handler = on_signal;
    now.sa_flags = SA_RESETHAND | SA_RESTART;
    /* What nohup or a shell's background job ignores stays ignored. */
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(number, &now, NULL);
}

static bool on_stop(void *data) {
    (void)data;
    return caught != 0;
}

/* ---- the line of progress */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t terminal_width(void) {
    struct winsize w;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || w.ws_col < 10) return 79;
    return w.ws_col - 1u; /* the last column stays free, or the line would wrap */
}

/* Bytes of the text that fit. What is not ASCII counts two columns: true for Hangul, safe for the
 * rest. */
static size_t fitting(const char *text, size_t width) {
    size_t size = 0, columns = 0;
    for (; text[size]; size++) {
        unsigned char c = (unsigned char)text[size];
        if ((c & 0xC0) == 0x80) continue; /* counted with its first byte */
        columns += c < 0x80 ? 1 : 2;
        if (columns > width) break;
    }
    return size;
}

static void clear_line(cli_watch *w) {
    if (w->drawn) fprintf(stderr, "\r%*s\r", (int)terminal_width(), "");
    w->drawn = false;
}

/* At most ten times a second. */
static void draw_line(cli_watch *w, const char *text) {
    double t = now();
    if (!w->terminal || w->quiet || (w->drawn && t - w->drawn_at < 0.1)) return;
    clear_line(w);
    fprintf(stderr, "%.*s", (int)fitting(text, terminal_width()), text);
    fflush(stderr);
    w->drawn = true;
    w->drawn_at = t;
}

/* ---- events */

static void log_event(cli_watch *w, const char *json) {
    if (!w->log || w->log_failed || !json) return;
    if (fprintf(w->log, "%s\n", json) >= 0 && fflush(w->log) == 0) return;
    int why = errno;
    clear_line(w);
    cli_say(w->c, "cannot write \"%s\": %s; going on without a log", w->log_path, strerror(why));
    w->log_failed = true;
}

/* train --json: the last event is the result. */
static void print_json(cli_watch *w, const char *json) {
    int status = cli_print(w->c, json);
    if (!status) status = cli_print(w->c, "\n");
    if (status) w->status = status;
}

static void on_event(void *data, const rill_event *event) {
    cli_watch *w = data;
    log_event(w, event->json);
    w->log_kept |= event->kind == RILL_EVENT_EPOCH;
    if (w->json && event->kind == RILL_EVENT_DONE && event->json) print_json(w, event->json);
    if (event->kind == RILL_EVENT_PROGRESS) {
        draw_line(w, event->text);
        return;
    }
    if (w->quiet && event->kind != RILL_EVENT_WARNING) return;
    clear_line(w);
    if (event->kind == RILL_EVENT_WARNING) {
        cli_say(w->c, "%swarning:%s %s", w->colour ? "\033[33m" : "", w->colour ? "\033[m" : "",
                event->text);
    } else {
        fprintf(stderr, "%s\n", event->text);
    }
}

/* ---- the log */

/* A crash may leave half a line at the end; what is appended must begin a new one. */
static bool cut_half_line(int fd) {
    struct stat s;
    if (fstat(fd, &s) || !S_ISREG(s.st_mode)) return true;
    off_t size = s.st_size;
    char c = '\n';
    while (size > 0 && pread(fd, &c, 1, size - 1) == 1 && c != '\n') size--;
    return size == s.st_size || ftruncate(fd, size) == 0;
}

/* A log begins with an object; anything else must not lose its last line. */
static bool may_append(int fd) {
    struct stat s;
    char c = '{';
    if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && pread(fd, &c, 1, 0) < 0) return false;
    if (c != '{') errno = EEXIST;
    return c == '{';
}

static FILE *append_to(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) return NULL;
    FILE *f = may_append(fd) && cut_half_line(fd) ? fdopen(fd, "a") : NULL;
    int why = errno;
    if (!f) close(fd);
    errno = why;
    return f;
}

static int open_log(cli_watch *w) {
    const char *path = w->log_path;
    bool resumed = cli_get(w->c, "resume") != NULL;
    w->log_kept = resumed;
    if (strcmp(path, "-") == 0) {
        w->log = stdout;
        return 0;
    }
    if (!resumed) {
        int status = cli_may_write(w->c, path);
        if (status) return status;
    }
    w->log = resumed ? append_to(path) : fopen(path, "we");
    if (w->log) return 0;
    cli_say(w->c, "cannot write \"%s\": %s", path,
            errno == EEXIST ? "it is no training log" : strerror(errno));
    return CLI_FAILED;
}

int cli_watch_begin(cli_watch *w, cli *c, bool training) {
    *w = (cli_watch){.c = c, .quiet = cli_flag(c, "quiet"), .colour = cli_colour()};
    /* Where the data themselves run over the terminal, a status line would be in their way. */
    w->terminal = isatty(STDERR_FILENO) && (training || !isatty(STDOUT_FILENO));
    w->training = training;
    w->json = training && cli_flag(c, "json");
    if (training) {
        catch_signal(SIGINT);
        catch_signal(SIGTERM);
        catch_signal(SIGHUP);
    }
    w->log_path = training ? cli_get(c, "log") : NULL; /* a config file may serve other verbs too */
    return w->log_path ? open_log(w) : 0;
}

rill_hooks cli_watch_hooks(cli_watch *w) {
    return (rill_hooks){.data = w, .event = on_event, .stop = w->training ? on_stop : NULL};
}

void cli_watch_forget(cli_watch *w) {
    struct stat s;
    if (!w->log || w->log == stdout || w->log_kept) return;
    if (fstat(fileno(w->log), &s) == 0 && S_ISREG(s.st_mode)) unlink(w->log_path);
}

int cli_watch_end(cli_watch *w, int status) {
    clear_line(w);
    if (w->log && w->log != stdout && fclose(w->log) && !w->log_failed) {
        cli_say(w->c, "cannot write \"%s\": %s", w->log_path, strerror(errno));
        w->log_failed = true;
    }
    if (w->log_failed && !w->status) w->status = CLI_FAILED;
    return status ? status : w->status;
}
