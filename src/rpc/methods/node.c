/* web3, rpc, txpool, and what eth says of the node itself. */
#include "accounts/accounts.h"
#include "chain/pool/pool.h"
#include "crypto/address.h"
#include "crypto/keccak.h"
#include "rpc/access/psi.h"
#include "rpc/json/json.h"
#include "rpc/methods/document.h"
#include "rpc/methods/methods.h"
#include "rpc/run/lookup.h"

enum {
    /* Bytes of txpool_content: a full pool has some hundred MB, which no client wants. */
    POOL_ANSWER_MAX = 64 * 1024 * 1024,
};

static int text_answer(struct rpc_call *call, const char *text)
{
    rpc_json_write_string(call->out, bytes_str(text));
    return 0;
}

static int client_version(struct rpc_call *call)
{
    return text_answer(call, call->backend->client_version);
}

static int sha3(struct rpc_call *call)
{
    struct hash256 hash;
    crypto_keccak256(&hash, call->args[0].bytes);
    rpc_write_hash(call->out, &hash);
    return 0;
}

static int modules(struct rpc_call *call)
{
    size_t count;
    const char *const *names = rpc_namespaces(&count);
    uint32_t there = rpc_available(call->backend) & call->access.namespaces;
    buf_append_byte(call->out, '{');
    for (size_t i = 0; i < count; i++) {
        if (!(there >> i & 1))
            continue;
        rpc_key(call->out, names[i]);
        buf_append_text(call->out, "\"1.0\"");
    }
    buf_append_byte(call->out, '}');
    return 0;
}

static int discover(struct rpc_call *call)
{
    return rpc_document_openrpc(call->out);
}

/* --- eth --- */

/* Where gas has no price transactions offer none; elsewhere the least that is taken. */
uint64_t rpc_suggested_price(const struct rpc_backend *backend)
{
    struct chain_head head;
    chain_head(backend->chain, &head);
    struct chain_rules rules =
        chain_config_rules(chain_configuration(backend->chain), head.block->header.number,
                           head.block->header.timestamp);
    chain_head_release(&head);
    return rules.is_quorum && !rules.gas_price ? 0 : backend->min_gas_price;
}

static int gas_price(struct rpc_call *call)
{
    rpc_write_number(call->out, rpc_suggested_price(call->backend));
    return 0;
}

static int zero(struct rpc_call *call)
{
    rpc_write_number(call->out, 0);
    return 0;
}

static int mining(struct rpc_call *call)
{
    const struct rpc_backend *backend = call->backend;
    rpc_write_bool(call->out, backend->is_mining && backend->is_mining(backend->context));
    return 0;
}

static int syncing(struct rpc_call *call)
{
    const struct rpc_backend *backend = call->backend;
    struct rpc_sync sync = {.syncing = false};
    if (backend->sync)
        backend->sync(backend->context, &sync);
    if (!sync.syncing) {
        rpc_write_bool(call->out, false);
        return 0;
    }
    buf_append_byte(call->out, '{');
    rpc_put_number(call->out, "currentBlock", sync.current);
    rpc_put_number(call->out, "highestBlock", sync.highest);
    rpc_put_number(call->out, "knownStates", 0);
    rpc_put_number(call->out, "pulledStates", 0);
    rpc_put_number(call->out, "startingBlock", sync.starting);
    buf_append_byte(call->out, '}');
    return 0;
}

static int coinbase(struct rpc_call *call)
{
    const struct rpc_backend *backend = call->backend;
    struct address first;
    if (chain_configuration(backend->chain)->engine == CHAIN_ENGINE_ISTANBUL)
        rpc_write_address(call->out, &backend->node_address);
    else if (backend->has_etherbase)
        rpc_write_address(call->out, &backend->etherbase);
    else if (backend->accounts && accounts_at(backend->accounts, &first, 0))
        rpc_write_address(call->out, &first);
    else
        return rpc_fail(call, RPC_CODE_ERROR, "etherbase must be explicitly specified");
    return 0;
}

static int get_psi(struct rpc_call *call)
{
    int status = rpc_psi(call);
    if (status == 0)
        rpc_json_write_string(call->out, call->psi);
    return status;
}

static int privacy_precompile(struct rpc_call *call)
{
    static const struct address precompile = {
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7a}};
    rpc_write_address(call->out, &precompile);
    return 0;
}

/* --- txpool --- */

static int pool_status(struct rpc_call *call)
{
    struct chain_pool_stats stats = {0};
    if (call->backend->pool)
        chain_pool_stats(call->backend->pool, &stats);
    buf_append_byte(call->out, '{');
    rpc_put_number(call->out, "pending", stats.pending);
    rpc_put_number(call->out, "queued", stats.queued);
    buf_append_byte(call->out, '}');
    return 0;
}

/* What is in the pool, held, an account's transactions together and in order. */
struct pooled {
    struct chain_tx *tx;
    bool queued;
};

struct held {
    struct pooled *txs;
    size_t count, capacity;
};

static bool collect_account(void *context, const struct address *sender,
                            struct chain_tx *const *txs, size_t count, size_t pending)
{
    struct held *content = context;
    (void)sender;
    for (size_t i = 0; i < count && content->count < content->capacity; i++)
        content->txs[content->count++] = (struct pooled){chain_tx_ref(txs[i]), i >= pending};
    return true;
}

/* On the loop, which the pool belongs to: holds everything. To write it takes longer, and is the worker's. */
static int collect(struct rpc_call *call)
{
    struct chain_pool_stats stats = {0};
    struct held *content = arena_alloc_zeroed(call->arena, 1, sizeof(*content));
    if (!content)
        return ERR_NOMEM;
    if (call->backend->pool)
        chain_pool_stats(call->backend->pool, &stats);
    content->capacity = stats.pending + stats.queued;
    content->txs = arena_alloc(call->arena, (content->capacity + 1) * sizeof(struct pooled));
    if (!content->txs)
        return ERR_NOMEM;
    call->state = content;
    int status =
        call->backend->pool ? chain_pool_visit(call->backend->pool, collect_account, content) : 0;
    if (status == 0)
        return RPC_LATER;
    for (size_t i = 0; i < content->count; i++)
        chain_tx_unref(content->txs[i].tx);
    return status;
}

typedef void write_pooled_fn(struct buf *b, const struct chain_tx *tx);

static void write_pooled(struct buf *b, const struct chain_tx *tx)
{
    rpc_write_transaction(b, &tx->tx, &tx->hash, NULL);
}

static void write_summary(struct buf *b, const struct chain_tx *tx)
{
    buf_append_byte(b, '"');
    if (tx->tx.is_creation) {
        buf_append_text(b, "contract creation");
    } else {
        char text[CRYPTO_ADDRESS_TEXT];
        crypto_address_checksum(text, &tx->tx.to);
        buf_append_text(b, text);
    }
    buf_append_text(b, ": ");
    rpc_write_decimal(b, &tx->tx.value);
    buf_append_format(b, " wei + %llu gas × ", (unsigned long long)tx->tx.gas_limit);
    rpc_write_decimal(b, &tx->tx.max_fee);
    buf_append_text(b, " wei\"");
}

/* One of the two halves: by sender, by nonce. */
static void write_half(struct buf *b, const struct held *content, bool queued,
                       write_pooled_fn *write)
{
    const struct address *sender = NULL;
    buf_append_byte(b, '{');
    for (size_t i = 0; i < content->count && b->len <= POOL_ANSWER_MAX; i++) {
        const struct chain_tx *tx = content->txs[i].tx;
        if (content->txs[i].queued != queued)
            continue;
        if (!sender || !address_equal(sender, &tx->tx.sender)) {
            char text[CRYPTO_ADDRESS_TEXT];
            if (sender)
                buf_append_byte(b, '}');
            sender = &tx->tx.sender;
            crypto_address_checksum(text, sender);
            rpc_key(b, text);
            buf_append_byte(b, '{');
        }
        rpc_item(b);
        buf_append_format(b, "\"%llu\":", (unsigned long long)tx->tx.nonce);
        write(b, tx);
    }
    buf_append_text(b, sender ? "}}" : "}");
}

static int write_pool(struct rpc_call *call, write_pooled_fn *write)
{
    struct held *content = call->state;
    buf_append_byte(call->out, '{');
    rpc_key(call->out, "pending");
    write_half(call->out, content, false, write);
    rpc_key(call->out, "queued");
    write_half(call->out, content, true, write);
    buf_append_byte(call->out, '}');
    for (size_t i = 0; i < content->count; i++)
        chain_tx_unref(content->txs[i].tx);
    if (call->out->len > POOL_ANSWER_MAX)
        return rpc_fail(call, RPC_CODE_TOO_LARGE, "the pool's content is more than %d MB",
                        POOL_ANSWER_MAX >> 20);
    return 0;
}

static int pool_content(struct rpc_call *call)
{
    return write_pool(call, write_pooled);
}

static int pool_inspect(struct rpc_call *call)
{
    return write_pool(call, write_summary);
}

static const struct rpc_method methods[] = {
    {"web3_clientVersion", {{0}}, .run = client_version, .anywhere = true, .result = "text"},
    {"web3_sha3", {{"data", RPC_BYTES}}, .run = sha3, .anywhere = true, .result = "32 bytes, hex"},
    {"rpc_modules", {{0}}, .run = modules, .anywhere = true, .result = "versions by namespace"},
    {"rpc_discover", {{0}}, .work = discover, .result = "an OpenRPC document of all methods"},
    {"eth_gasPrice", {{0}}, .run = gas_price, .anywhere = true, .result = "wei, hex"},
    {"eth_hashrate", {{0}}, .run = zero, .anywhere = true, .result = "number, hex"},
    {"eth_mining", {{0}}, .run = mining, .result = "true or false"},
    {"eth_syncing", {{0}}, .run = syncing, .result = "false, or how far"},
    {"eth_coinbase", {{0}}, .run = coinbase, .result = "address"},
    {"eth_etherbase", {{0}}, .run = coinbase, .result = "address"},
    {"eth_getPSI", {{0}}, .run = get_psi, .result = "text"},
    {"eth_getPrivacyPrecompileAddress", {{0}}, .run = privacy_precompile, .result = "address"},
    {"txpool_status", {{0}}, .run = pool_status, .result = "numbers, hex"},
    {"txpool_content",
     {{0}},
     .quick = collect,
     .work = pool_content,
     .result = "transactions by sender and nonce"},
    {"txpool_inspect",
     {{0}},
     .quick = collect,
     .work = pool_inspect,
     .result = "texts by sender and nonce"},
};

const struct rpc_method_list rpc_methods_node = {methods, BASE_COUNT(methods)};
