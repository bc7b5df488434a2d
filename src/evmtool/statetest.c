#include "evmtool/statetest.h"

#include "base/hex.h"
#include "crypto/keccak.h"
#include "evmtool/exceptions.h"
#include "evmtool/testtx.h"
#include "evmtool/world.h"
#include "exec/system.h"

#include <string.h>

/* What stays the same over the cases of one test. */
struct test {
    struct evmtool_world *world;
    const struct evmtool_statetest_options *options;
    const char *name;
    const json_t *transaction;
    struct evmtool_alloc pre;
    struct evmtool_env env;
    bool pays_reward;    /* ethereum/tests were filled with a block reward of nothing, which before
                          * EIP-161 makes the coinbase exist; execution-spec-tests without */
    struct arena *arena; /* of the test; a case's own memory is rewound behind it */
    evmtool_statetest_fn *report;
    void *context;
};

/* One post entry. */
struct expectation {
    struct hash256 root;
    struct hash256 logs;
    const char *exception; /* NULL: the transaction is valid */
    uint64_t data, gas, value;
    const char *encoded; /* "txbytes", or NULL */
};

static const struct u256 chain_id = {{1}};

static int read_expectation(struct expectation *e, const json_t *entry, struct err_detail *detail)
{
    bool present;
    const json_t *indexes;
    *e = (struct expectation){0};
    int status = evmtool_json_member(&indexes, entry, "indexes", detail);
    if (status == ERR_OK)
        status = evmtool_json_need_u64(&e->data, indexes, "data", detail);
    if (status == ERR_OK)
        status = evmtool_json_need_u64(&e->gas, indexes, "gas", detail);
    if (status == ERR_OK)
        status = evmtool_json_need_u64(&e->value, indexes, "value", detail);
    if (status == ERR_OK)
        status = evmtool_json_hash(&e->root, json_object_get(entry, "hash"), "hash", detail);
    if (status == ERR_OK)
        status = evmtool_json_may_hash(&present, &e->logs, entry, "logs", detail);
    e->exception = json_string_value(json_object_get(entry, "expectException"));
    e->encoded = json_string_value(json_object_get(entry, "txbytes"));
    return status;
}

/* --- The transaction --- */

/* Decodes the signed bytes of the case and recovers the sender: the whole way a node goes. */
static int decode_transaction(struct eth_transaction *tx, struct evmtool_refusal *refusal,
                              const char *text, enum fork fork, struct arena *arena,
                              struct err_detail *detail)
{
    struct bytes encoded = {0};
    struct eth_rules rules = {.fork = fork, .chain_id = chain_id};
    json_t *value = json_string(text);
    int status = value ? evmtool_json_bytes(&encoded, value, "txbytes", arena, detail) : ERR_NOMEM;
    json_decref(value);
    if (status != ERR_OK)
        return status;
    status = eth_transaction_decode(tx, arena, encoded, detail);
    if (status == ERR_INPUT) {
        refusal->by = EVMTOOL_MALFORMED;
        return ERR_OK;
    }
    if (status == ERR_OK)
        status = eth_transaction_recover(tx, &refusal->eth, &rules);
    if (status == ERR_OK && refusal->eth != ETH_TX_OK)
        refusal->by = EVMTOOL_BY_ETH;
    return status;
}

static int get_transaction(struct test *t, struct eth_transaction *tx,
                           struct evmtool_refusal *refusal, const struct expectation *e,
                           enum fork fork, struct err_detail *detail)
{
    if (e->encoded)
        return decode_transaction(tx, refusal, e->encoded, fork, t->arena, detail);
    return evmtool_testtx_read(tx, t->transaction, e->data, e->gas, e->value, t->arena, detail);
}

/* --- Execution --- */

static int hash_logs(struct hash256 *ret_hash, const struct eth_receipt *receipt,
                     struct err_detail *detail)
{
    struct buf b = BUF_INIT;
    eth_logs_write(&b, receipt->logs, receipt->log_count);
    int status = buf_status(&b);
    if (status == ERR_OK)
        crypto_keccak256(ret_hash, buf_bytes(&b));
    buf_release(&b);
    return status ? err_set(detail, status, "%s", err_text(status)) : ERR_OK;
}

struct outcome {
    struct evmtool_refusal refusal;
    struct hash256 root;
    struct hash256 logs;
};

/* Executes the case on a fresh copy of `pre`. */
static int execute(struct test *t, struct outcome *o, const struct expectation *e, enum fork fork,
                   struct err_detail *detail)
{
    static const struct eth_receipt no_receipt;
    static const struct u256 no_reward;
    struct eth_transaction tx;
    struct exec_result result = {.verdict = EXEC_VALID};
    *o = (struct outcome){0};
    int status = evmtool_world_load(t->world, &t->pre);
    if (status == ERR_OK)
        status = get_transaction(t, &tx, &o->refusal, e, fork, detail);
    if (status == ERR_OK)
        status = evmtool_world_begin_block(t->world, fork, &chain_id, &t->env,
                                           evmtool_world_hash_of_number, NULL, detail);
    if (status == ERR_OK && o->refusal.by == EVMTOOL_ACCEPTED) {
        status = exec_transaction(t->world->exec, &result, NULL, &tx, &tx.sender, 0);
        if (status != ERR_OK)
            return err_set(detail, status, "%s", err_text(status));
        o->refusal.exec = result.verdict;
        if (result.verdict != EXEC_VALID)
            o->refusal.by = EVMTOOL_BY_EXEC;
    }
    bool ran = o->refusal.by == EVMTOOL_ACCEPTED;
    if (status == ERR_OK)
        status = hash_logs(&o->logs, ran ? &result.receipt : &no_receipt, detail);
    if (status == ERR_OK && t->pays_reward)
        status = exec_credit(t->world->exec, &t->env.coinbase, &no_reward);
    if (status == ERR_OK)
        status = evmtool_world_root(t->world, &o->root, detail);
    return status;
}

/* --- The verdict --- */

static void describe_hash(char *ret_text, size_t size, const char *what,
                          const struct hash256 *expected, const struct hash256 *got)
{
    char want[65] = {0}, is[65] = {0};
    hex_encode(want, bytes_of(expected->b, sizeof(expected->b)));
    hex_encode(is, bytes_of(got->b, sizeof(got->b)));
    snprintf(ret_text, size, "%s 0x%s, expected 0x%s", what, is, want);
}

/* "" when the case holds. */
static void judge(char *ret_cause, size_t size, const struct outcome *o,
                  const struct expectation *e)
{
    const char *text = evmtool_refusal_text(&o->refusal);
    bool refused = o->refusal.by != EVMTOOL_ACCEPTED;
    ret_cause[0] = 0;
    if (refused && !e->exception)
        snprintf(ret_cause, size, "the transaction was refused: %s", text);
    else if (!refused && e->exception)
        snprintf(ret_cause, size, "the transaction should have been refused: %s", e->exception);
    else if (refused && !evmtool_refusal_matches(&o->refusal, e->exception))
        snprintf(ret_cause, size, "refused for another reason: %s, expected %s", text,
                 e->exception);
    else if (!hash256_equal(&o->root, &e->root))
        describe_hash(ret_cause, size, "state root", &e->root, &o->root);
    else if (!refused && !hash256_equal(&o->logs, &e->logs))
        describe_hash(ret_cause, size, "logs hash", &e->logs, &o->logs);
}

static int run_case(struct test *t, const char *fork_text, enum fork fork, size_t index,
                    const json_t *entry, struct err_detail *detail)
{
    char cause[256];
    struct expectation e;
    struct outcome outcome;
    int status = read_expectation(&e, entry, detail);
    struct arena_mark mark = arena_mark(t->arena);
    if (status == ERR_OK)
        status = execute(t, &outcome, &e, fork, detail);
    arena_rewind(t->arena, mark);
    if (status != ERR_OK)
        return err_prefix(detail, status, "post: %s: entry %zu", fork_text, index);
    judge(cause, sizeof(cause), &outcome, &e);
    struct evmtool_statetest_result result = {
        t->name, fork_text, index, cause[0] == 0, cause, outcome.root,
    };
    t->report(t->context, &result);
    return ERR_OK;
}

/* --- Tests and files --- */

static int run_fork(struct test *t, const char *text, const json_t *entries,
                    struct err_detail *detail)
{
    enum fork fork;
    if (!fork_from_name(text, &fork))
        return err_set(detail, ERR_INPUT, "post: no fork is called \"%.80s\"", text);
    if (!t->options->all_forks && fork != t->options->fork)
        return ERR_OK;
    int status = ERR_OK;
    for (size_t i = 0; i < json_array_size(entries) && status == ERR_OK; i++)
        status = run_case(t, text, fork, i, json_array_get(entries, i), detail);
    return status;
}

static int run_test(struct test *t, json_t *object, struct err_detail *detail)
{
    const char *fork;
    json_t *entries;
    const json_t *env, *pre, *post;
    int status = evmtool_json_member(&env, object, "env", detail);
    if (status == ERR_OK)
        status = evmtool_json_member(&pre, object, "pre", detail);
    if (status == ERR_OK)
        status = evmtool_json_member(&t->transaction, object, "transaction", detail);
    if (status == ERR_OK)
        status = evmtool_json_member(&post, object, "post", detail);
    t->pays_reward = json_object_get(object, "config") == NULL;
    if (status == ERR_OK) {
        status = evmtool_env_read(&t->env, env, detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "env");
    }
    if (status == ERR_OK) {
        status = evmtool_alloc_read(&t->pre, pre, t->arena, detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "pre");
    }
    if (status == ERR_OK) {
        json_object_foreach(json_object_get(object, "post"), fork, entries)
        {
            if (status == ERR_OK)
                status = run_fork(t, fork, entries, detail);
        }
    }
    return status;
}

int evmtool_statetest_file(struct evmtool_world *world, const char *path,
                           const struct evmtool_statetest_options *options,
                           evmtool_statetest_fn *report, void *context, struct err_detail *detail)
{
    static const struct exec_trace_options plain_trace;
    const char *name;
    json_t *file, *object;
    struct arena arena;
    int status = evmtool_json_load(&file, path, detail);
    if (status != ERR_OK)
        return status;
    if (!json_is_object(file))
        status = err_set(detail, ERR_INPUT, "%s: must be an object of tests", path);
    arena_init(&arena);
    evm_set_plain(exec_machine(world->exec), options->plain);
    evmtool_world_trace(world, options->trace ? stderr : NULL, &plain_trace);
    json_object_foreach(file, name, object)
    {
        struct test test = {.world = world,
                            .options = options,
                            .name = name,
                            .arena = &arena,
                            .report = report,
                            .context = context};
        if (status != ERR_OK || (options->filter && !strstr(name, options->filter)))
            continue;
        status = run_test(&test, object, detail);
        if (status != ERR_OK)
            (void)err_prefix(detail, status, "%s: %s", path, name);
        arena_clear(&arena);
    }
    evmtool_world_trace(world, NULL, NULL);
    arena_release(&arena);
    json_decref(file);
    return status;
}
