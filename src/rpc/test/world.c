#include "rpc/test/world.h"

#include "accounts/accounts.h"
#include "base/file.h"
#include "base/hex.h"
#include "rpc/dispatch/desk.h"
#include "rpc/test/world_raft.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BLOCKS_MAX = 1000 };

struct blocks {
    struct chain_block *blocks[BLOCKS_MAX];
    size_t count;
};

static void decode_block(const json_t *params, const json_t *result, void *context)
{
    (void)params;
    struct blocks *all = context;
    struct buf rlp = BUF_INIT;
    struct err_detail detail;
    assert_true(all->count < BLOCKS_MAX);
    assert_int_equal(hex_decode(json_string_value(result), &rlp), 0);
    if (chain_block_decode(&all->blocks[all->count++], buf_bytes(&rlp), &detail))
        fail_msg("%s", detail.text);
    buf_release(&rlp);
}

/* What peer 0 itself had: another may keep other seals of a block. */
static void import_blocks(struct world *w, const char *network)
{
    static struct blocks all;
    enum chain_verdict verdict;
    struct err_detail why = {{0}};
    size_t count;
    all.count = 0;
    recordings_answers(network, "debug_getBlockRlp", decode_block, &all);
    assert_true(all.count > 1);
    assert_int_equal(chain_import(w->chain, &verdict, &count, &why, all.blocks + 1, all.count - 1),
                     0);
    if (verdict != CHAIN_VALID && verdict != CHAIN_KNOWN)
        fail_msg("%s: block %zu: %s: %s", network, count + 1, chain_verdict_text(verdict),
                 why.text);
    for (size_t i = 0; i < all.count; i++)
        chain_block_unref(all.blocks[i]);
}

static int pool_account(void *context, const struct address *address,
                        struct chain_pool_account *ret_account)
{
    struct world *w = context;
    struct chain_reader reader;
    struct state_reader state;
    struct state_account account;
    struct hash256 hash;
    uint64_t head;
    bool exists;
    int status = chain_reader_open(&reader, w->chain);
    if (status)
        return status;
    status = chain_reader_head(&reader, &head, &hash);
    if (status == 0)
        status = chain_reader_state(&reader, &state, head);
    if (status == 0)
        status = state_reader_account(&state, &account, &exists, address);
    if (status == 0)
        *ret_account = (struct chain_pool_account){*address, account.nonce, account.balance};
    chain_reader_close(&reader);
    return status;
}

static void make_pool(struct world *w)
{
    struct chain_pool_options options;
    struct chain_head head;
    chain_pool_options_init(&options);
    options.account = pool_account;
    options.context = w;
    chain_head(w->chain, &head);
    const struct eth_header *header = &head.block->header;
    struct chain_rules next =
        chain_config_rules(chain_configuration(w->chain), header->number + 1, header->timestamp);
    struct chain_pool_rules rules = {.eth = next.transactions,
                                     .gas_limit = header->gas_limit,
                                     .is_quorum = next.is_quorum,
                                     .gas_price_enabled = next.gas_price};
    rules.eth.max_size = next.max_transaction;
    assert_int_equal(chain_pool_new(&w->pool, &options, &rules), 0);
    chain_head_release(&head);
}

/* In a Raft cluster the minter alone. */
static bool is_mining(void *context)
{
    const struct rpc_raft *raft = ((struct world *)context)->backend.raft;
    return !raft || strcmp(raft->role(raft->context), "minter") == 0;
}

static void keep_version(const json_t *params, const json_t *result, void *context)
{
    (void)params;
    struct world *w = context;
    snprintf(w->client_version, sizeof(w->client_version), "%s", json_string_value(result));
}

void world_begin_empty(struct world *w)
{
    *w = (struct world){0};
    assert_int_equal(io_loop_new(&w->backend.loop), 0);
    w->backend.network_id = 1337;
    w->backend.desks = 2;
    w->backend.client_version = w->client_version;
    assert_int_equal(rpc_new(&w->rpc, &w->backend), 0);
}

static void begin(struct world *w, const char *network)
{
    recordings_require(network);
    struct buf genesis = BUF_INIT;
    struct err_detail detail = {{0}};
    recordings_read(network, "genesis.json", &genesis);
    assert_int_equal(store_memory_new(&w->store, chain_tables, CHAIN_TABLES), 0);
    struct chain_options options = {.store = w->store,
                                    .genesis = buf_bytes(&genesis),
                                    .archive = true,
                                    .payloads = w->tm ? &w->payloads : NULL};
    if (chain_open(&w->chain, &options, &detail))
        fail_msg("%s: %s", network, detail.text);
    import_blocks(w, network);
    make_pool(w);
    recordings_answers(network, "web3_clientVersion", keep_version, w);
    assert_int_equal(io_loop_new(&w->backend.loop), 0);
    w->backend.context = w;
    w->backend.chain = w->chain;
    w->backend.pool = w->pool;
    w->backend.client_version = w->client_version;
    w->backend.datadir = "DIR/n0";
    w->backend.network_id = 1337;
    w->backend.desks = 1;
    w->backend.gas_cap = 700000000;
    w->backend.is_mining = is_mining;
    w->backend.raft = strcmp(network, "raft") == 0 ? world_raft(network) : NULL;
    w->backend.privacy = w->tm;
    json_t *about = recordings_json(network, "network.json");
    const char *address =
        json_string_value(json_array_get(json_object_get(about, "node_addresses"), 0));
    assert_true(hex_decode_exact(address, w->backend.node_address.b, 20));
    json_decref(about);
    assert_int_equal(rpc_new(&w->rpc, &w->backend), 0);
    buf_release(&genesis);
}

void world_begin(struct world *w, const char *network)
{
    *w = (struct world){0};
    begin(w, network);
}

static int exchange(void *context, struct privacy_answer *ret_answer,
                    const struct privacy_request *request, struct err_detail *detail)
{
    struct world *w = context;
    if (recorded_tm_answer(w->recorded, request->method, request->path, request->body,
                           &ret_answer->status, &ret_answer->body))
        return 0;
    return err_set(detail, PRIVACY_FAILED, "not recorded: %s %s %.*s", request->method,
                   request->path, (int)(request->body.len < 300 ? request->body.len : 300),
                   (const char *)request->body.data);
}

void world_begin_private(struct world *w, const char *network, unsigned peer)
{
    struct err_detail detail;
    *w = (struct world){.recorded = recorded_tm_open(network, peer)};
    const struct privacy_options options = {.exchange = exchange, .exchange_context = w};
    assert_int_equal(privacy_new(&w->tm, &options), 0);
    if (privacy_open(w->tm, &detail))
        fail_msg("%s", detail.text);
    w->payloads = privacy_payloads(w->tm);
    begin(w, network);
}

void world_add_accounts(struct world *w)
{
    snprintf(w->accounts_folder, sizeof(w->accounts_folder), "/tmp/quorate-rpc-accounts-XXXXXX");
    assert_non_null(mkdtemp(w->accounts_folder));
    assert_int_equal(accounts_new(&w->backend.accounts, w->accounts_folder, CRYPTO_KEYSTORE_LIGHT),
                     ERR_OK);
}

void world_end(struct world *w)
{
    rpc_free(w->rpc);
    if (w->accounts_folder[0]) {
        assert_int_equal(file_remove_folder(w->accounts_folder, NULL), ERR_OK);
        accounts_free(w->backend.accounts);
    }
    chain_pool_free(w->pool);
    chain_free(w->chain);
    store_free(w->store);
    io_loop_free(w->backend.loop);
    privacy_free(w->tm);
    if (w->recorded)
        recorded_tm_close(w->recorded);
}

static void take_answer(void *context, struct buf *answer)
{
    struct buf *to = context;
    *to = *answer;
    buf_init(answer);
}

/* A question at a desk of its own thread. */
struct question {
    struct io_loop *loop; /* the asker's */
    struct rpc_desk *desk;
    struct rpc_access access;
    struct buf text, *answer;
    bool is_answered;
};

static void answered(void *context)
{
    struct question *q = context;
    q->is_answered = true;
}

static void take_answer_home(void *context, struct buf *answer)
{
    struct question *q = context;
    take_answer(q->answer, answer);
    if (io_loop_post(q->loop, answered, q))
        abort();
}

static void ask_there(void *context)
{
    struct question *q = context;
    (void)rpc_ask_at(q->desk, q->access, &q->text, take_answer_home, q);
}

static void ask_at_desk(struct world *w, struct rpc_access access, struct buf *text,
                        struct buf *ret_answer)
{
    assert_int_equal(rpc_desks_open(w->rpc), w->backend.desks);
    struct question q = {.loop = w->backend.loop,
                         .desk = rpc_desk_at(w->rpc, 0),
                         .access = access,
                         .text = *text,
                         .answer = ret_answer};
    assert_int_equal(io_loop_post(q.desk->loop, ask_there, &q), 0);
    while (!q.is_answered)
        io_loop_turn(w->backend.loop, true);
}

json_t *world_ask(struct world *w, struct rpc_access access, const char *message)
{
    struct buf text = BUF_INIT, answer = BUF_INIT;
    json_error_t error;
    buf_append_text(&text, message);
    if (w->backend.desks && w->asked++ % 2)
        ask_at_desk(w, access, &text, &answer);
    else
        assert_null(rpc_ask(w->rpc, access, &text, take_answer, &answer));
    json_t *json = NULL;
    if (answer.len) {
        assert_int_equal(answer.data[answer.len - 1], '\n');
        json = json_loadb((const char *)answer.data, answer.len, JSON_DECODE_ANY, &error);
        if (!json)
            fail_msg("%s: answer is no JSON: %s: %.200s", message, error.text, buf_text(&answer));
    }
    buf_release(&answer);
    return json;
}
