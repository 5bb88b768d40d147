/* check_task_filter: the streaming engine by itself, with a task that counts. */
#include "check_task.h"
#include "task/filter.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

/* Record i says "i\n". */
typedef struct counter {
    int records, next;
    int fault_read, fault_work, giant; /* record at which something happens, -1: never */
    int pause;                         /* input is not ready before every so many records, 0: is */
    int fail_worker;                   /* worker_new fails at this one */
    int workers;
    size_t cost, giant_cost;
    size_t expected; /* bytes that must be in the file when input is not ready */
    int out;
    atomic_int in_flight, most, owned, live_workers;
    atomic_size_t cost_in_flight, most_cost;
} counter;

typedef struct counted {
    int number;
    size_t cost;
    char *memory;
    counter *c;
} counted;

static void raise_to(atomic_int *most, int value) {
    int seen = atomic_load(most);
    while (seen < value && !atomic_compare_exchange_weak(most, &seen, value)) continue;
}

static bool counter_ready(void *self) {
    counter *c = self;
    return !c->pause || c->next % c->pause != 0;
}

static int counter_read(void *self, void *slot, size_t *cost, rill_error *error) {
    counter *c = self;
    counted *s = slot;
    struct stat now;
    if (!counter_ready(c)) {
        ck_assert_int_eq(fstat(c->out, &now), 0);
        ck_assert_uint_eq((size_t)now.st_size, c->expected);
        ck_assert_int_eq(atomic_load(&c->in_flight), 0);
    }
    if (c->next == c->records) return 0;
    if (c->next == c->fault_read) return status_set(error, RILL_EDATA, "here", 7, 3, "bad");
    if (!s->memory) {
        s->memory = malloc(16);
        ck_assert_ptr_nonnull(s->memory);
        s->c = c;
        atomic_fetch_add(&c->owned, 1);
    }
    s->number = c->next++;
    s->cost = *cost = s->number == c->giant ? c->giant_cost : c->cost;
    c->expected += (size_t)snprintf(s->memory, 16, "%d\n", s->number);
    raise_to(&c->most, atomic_fetch_add(&c->in_flight, 1) + 1);
    size_t total = atomic_fetch_add(&c->cost_in_flight, s->cost) + s->cost;
    if (total > atomic_load(&c->most_cost)) atomic_store(&c->most_cost, total);
    return 1;
}

static int counter_worker(void *self, void **worker, rill_error *error) {
    counter *c = self;
    if (c->workers++ == c->fail_worker) return status_fail(error, RILL_ENOMEM, "no worker");
    atomic_fetch_add(&c->live_workers, 1);
    *worker = c;
    return 0;
}

static void counter_worker_free(void *worker) {
    atomic_fetch_sub(&((counter *)worker)->live_workers, 1);
}

/* Batches take different times, so they finish out of order. */
static int counter_work(void *self, void *worker, void *slots, size_t count, buffer *out,
                        rill_error *error) {
    counter *c = self;
    counted *s = slots;
    ck_assert_ptr_eq(worker, c);
    for (int i = 0; i < s->number * 7919 % 13; i++) sched_yield();
    for (size_t i = 0; i < count; i++) {
        if (s[i].number == c->fault_work) return status_fail(error, RILL_ELIMIT, "too much");
        buffer_add_text(out, s[i].memory);
        atomic_fetch_sub(&c->cost_in_flight, s[i].cost);
        atomic_fetch_sub(&c->in_flight, 1);
    }
    return 0;
}

static void counter_slot_free(void *slot) {
    counted *s = slot;
    if (s->memory) atomic_fetch_sub(&s->c->owned, 1);
    free(s->memory);
}

static int run_counter(counter *c, int threads, size_t budget, const rill_hooks *hooks,
                       buffer *text, rill_error *error) {
    const filter_task task = {c,
                              sizeof(counted),
                              counter_read,
                              counter_ready,
                              counter_worker,
                              counter_worker_free,
                              counter_work,
                              counter_slot_free};
    writer *w;
    c->out = open(task_path("numbers"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(c->out, 0);
    ck_assert_int_eq(writer_open_fd(c->out, "numbers", &w, error), 0);
    int status = filter_run(&task, threads, budget, w, hooks, error);
    writer_close(w);
    close(c->out);
    ck_assert_int_eq(file_slurp(task_path("numbers"), 0, text, NULL), 0);
    ck_assert_int_eq(atomic_load(&c->owned), 0);
    ck_assert_int_eq(atomic_load(&c->live_workers), 0);
    return status;
}

static counter counting(int records) {
    return (counter){.records = records,
                     .fault_read = -1,
                     .fault_work = -1,
                     .giant = -1,
                     .fail_worker = -1,
                     .cost = 1};
}

static void assert_numbers(const buffer *text, int count) {
    buffer wanted = {0};
    for (int i = 0; i < count; i++) buffer_printf(&wanted, "%d\n", i);
    ck_assert_uint_eq(text->size, wanted.size);
    ck_assert(bytes_equal(buffer_view(text), buffer_view(&wanted)));
    buffer_free(&wanted);
}

static const int thread_counts[] = {1, 2, 3, 8};

START_TEST(order_is_kept) {
    static const size_t budgets[] = {1, 3, 64, 100000};
    buffer text = {0};
    rill_error e = {0};
    for (int b = 0; b < 4; b++) {
        counter c = counting(3000);
        ck_assert_int_eq(run_counter(&c, thread_counts[_i], budgets[b], NULL, &text, &e), 0);
        assert_numbers(&text, 3000);
    }
    counter none = counting(0);
    ck_assert_int_eq(run_counter(&none, thread_counts[_i], 10, NULL, &text, &e), 0);
    ck_assert_uint_eq(text.size, 0);
    buffer_free(&text);
}
END_TEST

/* counter_read looks into the file whenever it would wait. */
START_TEST(waiting_means_written) {
    buffer text = {0};
    rill_error e = {0};
    for (int pause = 1; pause <= 50; pause += 7) {
        counter c = counting(500);
        c.pause = pause;
        ck_assert_int_eq(run_counter(&c, thread_counts[_i], 10, NULL, &text, &e), 0);
        assert_numbers(&text, 500);
    }
    buffer_free(&text);
}
END_TEST

START_TEST(faults_come_after_what_was_before) {
    buffer text = {0};
    rill_error e = {0};
    counter c = counting(1000);
    c.fault_read = 321;
    ck_assert_int_eq(run_counter(&c, thread_counts[_i], 10, NULL, &text, &e), RILL_EDATA);
    assert_numbers(&text, 321);
    ck_assert_uint_eq(e.line, 7);
    c = counting(1000);
    c.fault_work = 555;
    ck_assert_int_eq(run_counter(&c, thread_counts[_i], 10, NULL, &text, &e), RILL_ELIMIT);
    assert_numbers(&text, 555);
    ck_assert_str_eq(e.message, "too much");
    c = counting(1000); /* the earlier of two faults is told */
    c.fault_work = 318;
    c.fault_read = 321;
    ck_assert_int_eq(run_counter(&c, thread_counts[_i], 1000, NULL, &text, &e), RILL_ELIMIT);
    assert_numbers(&text, 318);
    c = counting(1000);
    c.fail_worker = thread_counts[_i] - 1;
    ck_assert_int_eq(run_counter(&c, thread_counts[_i], 10, NULL, &text, &e), RILL_ENOMEM);
    ck_assert_uint_eq(text.size, 0);
    buffer_free(&text);
}
END_TEST

START_TEST(records_in_flight_are_bounded) {
    int threads = thread_counts[_i];
    size_t ring = threads > 1 ? 2 * (size_t)threads + 1 : 1, budget = 20;
    buffer text = {0};
    rill_error e = {0};
    counter c = counting(20000);
    ck_assert_int_eq(run_counter(&c, threads, budget, NULL, &text, &e), 0);
    assert_numbers(&text, 20000);
    ck_assert_uint_le((size_t)c.most, ring * budget);
    /* a giant may be joined by what was read before it, not by more */
    c = counting(2000);
    c.giant = 1000;
    c.giant_cost = 100000;
    ck_assert_int_eq(run_counter(&c, threads, budget, NULL, &text, &e), 0);
    assert_numbers(&text, 2000);
    ck_assert_uint_le(c.most_cost, ring * budget + budget + 100000);
    c = counting(50); /* giants only: one at a time */
    c.cost = 100000;
    ck_assert_int_eq(run_counter(&c, threads, budget, NULL, &text, &e), 0);
    assert_numbers(&text, 50);
    ck_assert_int_eq(c.most, 1);
    buffer_free(&text);
}
END_TEST

static bool stop_after(void *data) {
    return --*(int *)data < 0;
}

START_TEST(stops_on_request) {
    int left = 5;
    const rill_hooks hooks = {.data = &left, .stop = stop_after};
    buffer text = {0};
    rill_error e = {0};
    counter c = counting(1000);
    ck_assert_int_eq(run_counter(&c, thread_counts[_i], 10, &hooks, &text, &e), RILL_EINTERRUPTED);
    assert_numbers(&text, 50);
    buffer_free(&text);
}
END_TEST

TCase *filter_cases(void) {
    TCase *t = tcase_create("filter");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, order_is_kept, 0, 4);
    tcase_add_loop_test(t, waiting_means_written, 0, 4);
    tcase_add_loop_test(t, faults_come_after_what_was_before, 0, 4);
    tcase_add_loop_test(t, records_in_flight_are_bounded, 0, 4);
    tcase_add_loop_test(t, stops_on_request, 0, 4);
    return t;
}
