/* A process with a store is killed in the middle of its work, again and again: whatever it had answered is there, whole;
 * and a payload is there exactly when what waits for delivery with it is. QUORATE_ROUNDS=n: how often. */
#include "tm/test/store_kit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 16, ROUNDS = 25 };

struct child {
    struct kit k;
    struct arena arena;
    uint64_t next;
    int out;
};

struct call {
    struct child *child;
    uint64_t n;
};

static size_t size_of(uint64_t n)
{
    return 100 + n * 7919 % 20000;
}

static void put_next(struct child *c, struct call *call);

static void stored(void *context, const struct tm_store_answer *answer)
{
    struct call *call = context;
    if (answer->status != TM_STORE_DONE ||
        write(call->child->out, &call->n, sizeof(call->n)) != sizeof(call->n))
        _exit(2);
    put_next(call->child, call);
}

static void put_next(struct child *c, struct call *call)
{
    *call = (struct call){c, c->next++};
    struct tm_store_payload p = kit_payload(&c->arena, call->n, size_of(call->n));
    struct tm_store_delivery d = {p.hash, bytes_str("somebody"), 1, call->n, 0};
    if (tm_store_put(c->k.store, &p, &d, 1, stored, call) < 0)
        _exit(3);
    arena_clear(&c->arena);
}

static void work(const char *url, uint64_t from, int out)
{
    static struct call calls[AT_ONCE];
    static struct child c;
    c.next = from;
    c.out = out;
    arena_init(&c.arena);
    kit_open(&c.k, &(struct tm_store_options){.url = url});
    for (size_t i = 0; i < AT_ONCE; i++)
        put_next(&c, &calls[i]);
    for (;;)
        io_loop_turn(c.k.loop, true);
}

/* Reads what was answered until the other end is closed. */
static size_t collect(int in, uint64_t *numbers, size_t room)
{
    size_t got = 0;
    ssize_t n;
    while (got < room && (n = read(in, &numbers[got], sizeof(*numbers))) == sizeof(*numbers))
        got++;
    return got;
}

static void check(const char *url, const uint64_t *numbers, size_t count, uint64_t first,
                  uint64_t end)
{
    struct kit k;
    struct arena arena;
    arena_init(&arena);
    kit_open(&k, &(struct tm_store_options){.url = url});
    for (size_t i = 0; i < count; i++) {
        struct tm_store_payload p = kit_payload(&arena, numbers[i], size_of(numbers[i]));
        assert_int_equal(kit_wait(&k, tm_store_get(k.store, p.hash, kit_answer, &k)),
                         TM_STORE_DONE);
        assert_true(bytes_equal(k.payloads[0].data, p.data));
        arena_clear(&arena);
    }
    /* of those that may or may not be there: the whole of it or nothing */
    assert_int_equal(kit_wait(&k, tm_store_deliveries(k.store, end, 10000, kit_answer, &k)), 0);
    assert_false(k.more);
    size_t waiting = 0, payloads = 0;
    for (size_t i = 0; i < k.count; i++)
        waiting += k.deliveries[i].next_try >= first;
    for (uint64_t n = first; n < end; n++) {
        struct tm_store_payload p = kit_payload(&arena, n, size_of(n));
        payloads += kit_wait(&k, tm_store_get(k.store, p.hash, kit_answer, &k)) == TM_STORE_DONE;
        arena_clear(&arena);
    }
    assert_int_equal(waiting, payloads);
    for (uint64_t n = first; n < end; n++) {
        struct tm_store_payload p = kit_payload(&arena, n, size_of(n));
        int status = kit_wait(&k, tm_store_delete(k.store, p.hash, kit_answer, &k));
        assert_true(status == TM_STORE_DONE || status == TM_STORE_ABSENT);
        arena_clear(&arena);
    }
    kit_close(&k);
    arena_release(&arena);
}

static void killed(void **unused)
{
    (void)unused;
    enum { NUMBERS_MAX = 20000 };
    static uint64_t numbers[NUMBERS_MAX];
    char folder[64], url[128];
    const char *wanted = getenv("QUORATE_ROUNDS");
    size_t rounds = wanted ? strtoul(wanted, NULL, 10) : ROUNDS, answered = 0;
    uint64_t random = 88172645463325252u;
    kit_folder_make(folder);
    snprintf(url, sizeof(url), "sqlite:%s/db", folder);
    for (size_t round = 0; round < rounds; round++) {
        int ends[2];
        uint64_t first = round * 100000;
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(ends[0]);
            work(url, first, ends[1]);
        }
        close(ends[1]);
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t before = round % 2 ? collect(ends[0], numbers, 1 + random % 40) : 0;
        nanosleep(&(struct timespec){0, (long)(random % 20000000)}, NULL);
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        size_t count = before + collect(ends[0], numbers + before, NUMBERS_MAX - before);
        close(ends[0]);
        uint64_t end = first;
        for (size_t i = 0; i < count; i++)
            end = numbers[i] >= end ? numbers[i] + 1 : end;
        check(url, numbers, count, first, end + AT_ONCE);
        answered += count;
    }
    print_message("%zu kills, %zu payloads answered, all there\n", rounds, answered);
    assert_true(answered > rounds / 4);
    kit_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed)};
    return cmocka_run_group_tests_name("tm store kill", tests, NULL, NULL);
}
