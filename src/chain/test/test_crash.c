/*
 * Nothing committed is lost: a process that imports is killed at any instruction, and the disk
 * fails at any operation. Afterwards the chain opens without repair, has what was acknowledged, and
 * goes on.
 */
#include "base/file.h"
#include "chain/chain_priv.h"
#include "chain/test/maker.h"
#include "state/state.h"
#include "store/fault.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { BLOCKS = 40, SEEDS = 12, TRANSFERS = 4, BATCH = 3 };

struct world {
    struct maker m;
    char folder[64], file[96], store[96];
    struct hash256 hashes[BLOCKS + 1];
};

static struct chain *open_disk(const struct world *w)
{
    struct chain *chain;
    struct err_detail detail = {""};
    const struct chain_options options = {
        .path = w->store, .genesis = buf_bytes(&w->m.genesis), .archive = true};
    maker_must(chain_open(&chain, &options, &detail), "open", &detail);
    chain->batch.limits.blocks = BATCH;
    return chain;
}

static void make_world(struct world *w)
{
    struct store *store;
    struct chain *chain;
    struct chain_reader reader;
    struct err_detail detail = {""};
    snprintf(w->folder, sizeof(w->folder), "/tmp/quorate-crash-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->file, sizeof(w->file), "%s/chain.rlp", w->folder);
    snprintf(w->store, sizeof(w->store), "%s/store", w->folder);
    maker_init(&w->m, true, 2, 6, 23, "", "");
    maker_must(store_memory_new(&store, chain_tables, CHAIN_TABLES), "store", NULL);
    const struct chain_options options = {
        .store = store, .genesis = buf_bytes(&w->m.genesis), .archive = true};
    maker_must(chain_open(&chain, &options, &detail), "open", &detail);
    for (int i = 0; i < BLOCKS; i++)
        maker_extend(&w->m, chain, TRANSFERS);
    maker_must(chain_export_file(chain, w->file, 1, BLOCKS, false, &detail), "export", &detail);
    maker_must(chain_reader_open(&reader, chain), "reader", NULL);
    for (uint64_t i = 0; i <= BLOCKS; i++)
        maker_must(chain_reader_hash(&reader, &w->hashes[i], i), "hash", NULL);
    chain_reader_close(&reader);
    chain_free(chain);
    store_free(store);
}

static void remove_folder(const char *path)
{
    assert_int_equal(file_remove_folder(path, NULL), ERR_OK);
}

static void end_world(struct world *w)
{
    remove_folder(w->folder);
    maker_release(&w->m);
}

/* --- Killed --- */

static void kill_self(int number)
{
    (void)number;
    kill(getpid(), SIGKILL);
}

static bool acknowledge(void *context, const struct chain_progress *progress)
{
    const int *pipe_end = context;
    uint8_t number = (uint8_t)progress->head;
    return write(*pipe_end, &number, 1) == 1;
}

/* The child: imports until the timer kills it, which may be at any instruction from here on. */
static void import_until_killed(const struct world *w, int pipe_end, long microseconds)
{
    struct err_detail detail = {""};
    struct itimerval timer = {.it_value = {microseconds / 1000000, microseconds % 1000000}};
    signal(SIGALRM, kill_self);
    setitimer(ITIMER_REAL, &timer, NULL);
    struct chain *chain = open_disk(w);
    maker_must(chain_import_file(chain, w->file, acknowledge, &pipe_end, &detail), "import",
               &detail);
    _exit(0);
}

/* The last block that the child had committed for certain; *ret_killed: how it ended. */
static uint64_t run_child(const struct world *w, long microseconds, bool *ret_killed)
{
    int ends[2], status;
    uint8_t number, last = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        import_until_killed(w, ends[1], microseconds);
    }
    close(ends[1]);
    while (read(ends[0], &number, 1) == 1)
        last = number;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    *ret_killed = WIFSIGNALED(status);
    assert_true(*ret_killed ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
    return last;
}

static uint64_t check_store(const struct world *w, uint64_t at_least)
{
    struct chain_reader reader;
    struct hash256 hash;
    uint64_t head;
    struct chain *chain = open_disk(w); /* checks head and state */
    maker_must(chain_reader_open(&reader, chain), "reader", NULL);
    maker_must(chain_reader_head(&reader, &head, &hash), "head", &reader.detail);
    assert_true(head >= at_least);
    for (uint64_t i = 0; i <= head; i++) {
        struct chain_block *block;
        struct state_reader state;
        maker_must(chain_reader_block(&reader, &block, i), "block", &reader.detail);
        assert_memory_equal(&block->hash, &w->hashes[i], 32);
        maker_must(chain_reader_state(&reader, &state, i), "state", &reader.detail);
        assert_memory_equal(&state.root.hash, &block->header.state_root, 32);
        chain_block_unref(block);
    }
    chain_reader_close(&reader);
    chain_free(chain);
    return head;
}

static void test_killed(void **state)
{
    (void)state;
    struct world w;
    make_world(&w);
    unsigned kills = 0;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        unsigned random = seed;
        long most = 20000; /* microseconds; more where the machine is slow */
        uint64_t head = 0;
        for (bool killed = true; killed;) {
            uint64_t last = run_child(&w, 1 + (long)rand_r(&random) % most, &killed);
            uint64_t before = head;
            head = check_store(&w, last > head ? last : head);
            kills += killed;
            if (head == before)
                most = most * 5 / 4 + 1;
        }
        assert_int_equal(head, BLOCKS);
        remove_folder(w.store);
    }
    print_message("killed %u times\n", kills);
    assert_true(kills > SEEDS);
    end_world(&w);
}

/* --- A disk that fails --- */

static void expect_head(struct chain *chain, const struct world *w, uint64_t number)
{
    struct chain_head head;
    chain_head(chain, &head);
    assert_int_equal(head.block->header.number, number);
    assert_memory_equal(&head.block->hash, &w->hashes[number], 32);
    chain_head_release(&head);
}

/* Imports with the n-th operation of a kind failing; what failed can be done again. False once n is
 * past all operations. */
static bool import_with_fault(const struct world *w, enum store_fault fault, uint64_t n, int code,
                              unsigned *failures)
{
    struct store *inner, *store;
    struct chain *chain;
    struct err_detail detail = {""};
    maker_must(store_memory_new(&inner, chain_tables, CHAIN_TABLES), "store", NULL);
    maker_must(store_fault_new(&store, inner), "store", NULL);
    const struct chain_options options = {
        .store = store, .genesis = buf_bytes(&w->m.genesis), .archive = false, .keep_states = 3};
    store_fault_set(store, fault, n, code);
    int err = chain_open(&chain, &options, &detail);
    *failures += err != 0;
    if (err) {
        assert_true(*detail.text);
        assert_int_equal(err, code);
        maker_must(chain_open(&chain, &options, &detail), "open again", &detail);
    }
    chain->batch.limits.blocks = BATCH;
    err = chain_import_file(chain, w->file, NULL, NULL, &detail);
    if (err) {
        (*failures)++;
        assert_int_equal(err, code);
        assert_true(*detail.text);
        store_fault_set(store, fault, 0, 0);
        maker_must(chain_import_file(chain, w->file, NULL, NULL, &detail), "import again", &detail);
    }
    expect_head(chain, w, BLOCKS);
    bool happened = store_fault_count(store, fault) >= n;
    chain_free(chain);
    store_free(store);
    return happened;
}

static void test_failing_disk(void **state)
{
    (void)state;
    static const struct {
        enum store_fault fault;
        int code;
        uint64_t step;
    } cases[] = {
        {STORE_FAULT_BEGIN, ERR_IO, 2},       {STORE_FAULT_READ, ERR_IO, 97},
        {STORE_FAULT_WRITE, ERR_NOSPACE, 61}, {STORE_FAULT_COMMIT, ERR_NOSPACE, 1},
        {STORE_FAULT_ACK, ERR_IO, 1},
    };
    struct world w;
    make_world(&w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned failures = 0;
        uint64_t n = 1;
        while (import_with_fault(&w, cases[i].fault, n, cases[i].code, &failures))
            n += cases[i].step;
        print_message("kind %d: %u failures\n", cases[i].fault, failures);
        /* A commit that took effect and said otherwise is none that failed, but for those that open the chain. */
        assert_true(cases[i].fault == STORE_FAULT_ACK ? failures <= 2 : failures > 10);
    }
    end_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_failing_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
