/* Opening: the store, block 0, the configuration, the head. */
#include "base/hex.h"
#include "base/mem.h"
#include "chain/chain_priv.h"

#include <inttypes.h>
#include <time.h>

const struct store_table chain_tables[CHAIN_TABLES] = {
    /* Those of state, in its order (state/db.h). */
    {"accounts", STORE_KEY_BYTES},
    {"slots", STORE_KEY_BYTES},
    {"codes", STORE_KEY_BYTES},
    {"roots", STORE_KEY_BYTES},
    {"nodes", STORE_KEY_U64},
    {"stale", STORE_KEY_U64},
    {"dead", STORE_KEY_U64},
    {"info", STORE_KEY_BYTES},
    [CHAIN_HEADERS] = {"headers", STORE_KEY_U64},
    [CHAIN_BODIES] = {"bodies", STORE_KEY_U64},
    [CHAIN_RECEIPTS] = {"receipts", STORE_KEY_U64},
    [CHAIN_NUMBERS] = {"numbers", STORE_KEY_BYTES},
    [CHAIN_TRANSACTIONS] = {"transactions", STORE_KEY_BYTES},
    [CHAIN_SNAPSHOTS] = {"snapshots", STORE_KEY_BYTES},
    [CHAIN_SIDE] = {"side", STORE_KEY_BYTES},
    [CHAIN_INFO] = {"chain", STORE_KEY_BYTES},
    [CHAIN_UNDO] = {"undo", STORE_KEY_U64},
    [CHAIN_PRIVATE] = {"private", STORE_KEY_U64},
};

/* --- Configuration in the store --- */

int chain_put_config(struct store_txn *txn, const struct chain_config *config)
{
    struct buf json = BUF_INIT;
    chain_config_write(&json, config);
    int err = buf_status(&json);
    if (!err)
        err = chain_info_put(txn, "config", buf_bytes(&json));
    buf_release(&json);
    return err;
}

static int get_config(struct chain_config **ret_config, struct store_txn *txn,
                      const struct chain_overrides *overrides, struct err_detail *detail)
{
    struct bytes json;
    int err = chain_info_get(txn, &json, "config");
    if (err == ERR_NOTFOUND)
        return err_set(detail, ERR_CORRUPT, "there is a chain but no configuration");
    if (err)
        return err;
    err = chain_config_new(ret_config, json, true, overrides, detail);
    return err == ERR_INPUT ? ERR_CORRUPT : err;
}

static int check_format(struct store_txn *txn, struct err_detail *detail)
{
    struct bytes value;
    int err = chain_info_get(txn, &value, "format");
    if (err)
        return err;
    uint64_t format = value.len == 8 ? chain_get_u64(value.data) : 0;
    if (format != CHAIN_FORMAT)
        return err_set(detail, ERR_UNSUPPORTED,
                       "the data directory has format %" PRIu64 ", this program reads %d; export "
                       "the chain with the program that wrote it, and import it",
                       format, CHAIN_FORMAT);
    return 0;
}

/* --- A new chain --- */

static int check_genesis_header(struct chain *chain, struct err_detail *detail)
{
    enum chain_verdict verdict;
    struct err_detail why = {""};
    int err = chain->engine->check_header(chain, NULL, &verdict, &why, &chain->genesis->header,
                                          NULL, chain_now(chain), 0);
    if (err)
        return err_set(detail, err, "genesis: %s", err_text(err));
    return verdict == CHAIN_VALID
               ? 0
               : err_set(detail, ERR_INPUT, "genesis: the %s engine refuses the header: %s",
                         chain->engine->name, why.text);
}

static int write_genesis(struct chain *chain, struct chain_result *result,
                         struct err_detail *detail)
{
    struct store_txn *txn;
    uint8_t format[8];
    chain_put_u64(format, CHAIN_FORMAT);
    int err = store_begin_write(&txn, chain->store, detail);
    if (err)
        return err;
    err = chain_write_block(chain, txn, chain->genesis, &chain->genesis->header.difficulty, result,
                            detail);
    if (!err)
        err = chain_put_config(txn, chain->config);
    if (!err)
        err = chain_info_put(txn, "format", bytes_of(format, sizeof(format)));
    if (err)
        store_abort(txn);
    else
        err = store_commit(txn);
    return err;
}

/* Runs the accounts of a genesis through a result, as if they were a block's changes. */
static int make_state(struct chain *chain, const struct chain_genesis *genesis,
                      struct chain_result *result, struct err_detail *detail)
{
    int err = chain_reader_open(&result->reader, chain);
    if (err)
        return err_set(detail, err, "%s", result->reader.detail.text);
    result->is_open = true;
    err = state_reader_open(&result->state, &chain->db, result->reader.txn, state_public());
    if (!err && !result->view)
        err = state_view_new(&result->view, &result->state);
    else if (!err)
        state_view_reset(result->view, &result->state);
    if (!err)
        err = chain_genesis_apply(genesis, result->view);
    if (!err)
        err = state_update_init(&result->update, result->view, detail);
    if (err)
        return err;
    result->has_update = true;
    rlp_end_list(&result->stored, rlp_begin(&result->stored));
    err = buf_status(&result->stored);
    return err ? err : state_update_root(&result->update, &result->state_root);
}

static int create(struct chain *chain, struct chain_genesis *genesis, struct err_detail *detail)
{
    struct chain_config *config = genesis->config;
    struct chain_result *result;
    if (genesis->header.number != 0)
        return err_set(detail, ERR_INPUT, "can't commit genesis block with number > 0");
    int err = chain_config_check_init(config, genesis->header.extra, detail);
    if (!config->transaction_size_limit)
        config->transaction_size_limit = 64; /* KiB */
    if (!err)
        err = chain_config_check(config, detail);
    if (err)
        return err;
    chain->config = config;
    genesis->config = NULL;
    chain->engine = chain_engine_ops(config->engine);
    err = chain_result_take(chain, &result);
    if (!err)
        err = make_state(chain, genesis, result, detail);
    if (!err)
        err = chain_genesis_block_with(genesis, &result->state_root, &chain->genesis);
    if (!err)
        err = check_genesis_header(chain, detail);
    if (!err)
        err = write_genesis(chain, result, detail);
    chain_results_drop(chain);
    if (!err)
        chain_head_set(chain, chain->genesis, &chain->genesis->header.difficulty);
    return err;
}

/* --- A chain that is there --- */

static int compare_genesis(struct chain *chain, const struct chain_genesis *genesis,
                           struct err_detail *detail)
{
    struct chain_block *block;
    char have[65], want[65];
    int err = chain_genesis_block(genesis, &block, detail);
    if (err)
        return err;
    hex_encode(have, bytes_of(chain->genesis->hash.b, 32));
    hex_encode(want, bytes_of(block->hash.b, 32));
    have[64] = want[64] = '\0';
    bool same = hash256_equal(&chain->genesis->hash, &block->hash);
    chain_block_unref(block);
    return same ? 0
                : err_set(detail, ERR_INPUT,
                          "database contains incompatible genesis (have %s, new %s)", have, want);
}

/* The same genesis again: its configuration replaces the stored one when the past allows it. */
static int reconfigure(struct chain *chain, struct chain_genesis *genesis,
                       struct err_detail *detail)
{
    struct store_txn *txn;
    int err = chain_config_check_init(genesis->config, genesis->header.extra, detail);
    if (!err)
        err = compare_genesis(chain, genesis, detail);
    if (!err)
        err = chain_config_check(genesis->config, detail);
    if (!err)
        err = chain_config_compatible(chain->config, genesis->config,
                                      chain->head.block->header.number, detail);
    if (!err)
        err = store_begin_write(&txn, chain->store, detail);
    if (err)
        return err;
    err = chain_put_config(txn, genesis->config);
    if (err)
        store_abort(txn);
    else
        err = store_commit(txn);
    if (err)
        return err;
    chain_config_free(chain->config);
    chain->config = genesis->config;
    genesis->config = NULL;
    chain->engine = chain_engine_ops(chain->config->engine);
    return 0;
}

/* The head is the last block that was written as a whole; its state must be the newest. */
static int load_head(struct chain *chain, struct chain_reader *reader)
{
    uint64_t number, version;
    struct hash256 hash;
    struct chain_block *block;
    struct state_reader state;
    struct u256 td;
    int err = chain_reader_head(reader, &number, &hash);
    if (!err)
        err = chain_reader_block(reader, &block, number);
    if (err)
        return err;
    err = chain_reader_total_difficulty(reader, &td, number);
    if (!err)
        err = state_db_head(&chain->db, reader->txn, &version);
    if (!err)
        err = state_reader_open(&state, &chain->db, reader->txn, state_public());
    bool whole = !err && hash256_equal(&block->hash, &hash) && version == number &&
                 hash256_equal(&block->header.state_root, &state.root.hash);
    if (!err && !whole)
        err = err_set(&reader->detail, ERR_CORRUPT,
                      "the head, block %" PRIu64 ", and the stored state do not belong together; "
                      "restore the data directory from a copy, or remove it and synchronize again",
                      number);
    if (!err)
        chain_head_set(chain, block, &td);
    chain_block_unref(block);
    return err;
}

static int load(struct chain *chain, struct chain_reader *reader,
                const struct chain_overrides *overrides)
{
    int err = check_format(reader->txn, &reader->detail);
    if (!err)
        err = get_config(&chain->config, reader->txn, overrides, &reader->detail);
    if (err)
        return err;
    chain->engine = chain_engine_ops(chain->config->engine);
    err = chain_reader_block(reader, &chain->genesis, 0);
    return err ? err : load_head(chain, reader);
}

/* --- Open --- */

static int has_chain(struct chain *chain, const struct chain_options *options, bool *ret_has,
                     struct err_detail *detail)
{
    struct chain_reader reader;
    uint64_t number;
    struct hash256 hash;
    int err = chain_reader_open(&reader, chain);
    if (err)
        return err_set(detail, err, "%s", reader.detail.text);
    err = chain_reader_head(&reader, &number, &hash);
    *ret_has = !err;
    if (!err)
        err = load(chain, &reader, &options->overrides);
    else if (err == ERR_NOTFOUND)
        err = 0;
    if (err)
        err_set(detail, err, "%s", *reader.detail.text ? reader.detail.text : err_text(err));
    chain_reader_close(&reader);
    return err;
}

/* A store keeps its kind, which `init` chose without knowing how the node would run. Asked to be an archive, one that is
 * none prunes no more; an archive goes on as one. */
static int open_state(struct chain *chain, const struct chain_options *options,
                      struct err_detail *detail)
{
    struct err_detail other;
    int err = state_db_open(&chain->db, chain->store, 0, options->archive, detail);
    if (err != ERR_UNSUPPORTED ||
        state_db_open(&chain->db, chain->store, 0, !options->archive, &other) != 0)
        return err;
    if (options->archive) {
        chain->keep_states = UINT64_MAX;
        chain->db.preimages = true;
    }
    detail->text[0] = '\0';
    return 0;
}

static int open_chain(struct chain *chain, const struct chain_options *options,
                      struct err_detail *detail)
{
    bool exists = false;
    struct chain_genesis *genesis = NULL;
    int err = open_state(chain, options, detail);
    if (!err)
        err = has_chain(chain, options, &exists, detail);
    if (err)
        return err;
    if (!options->genesis.len)
        return exists ? 0
                      : err_set(detail, ERR_NOTFOUND,
                                "there is no chain yet: give a genesis file to `init` first");
    err = chain_genesis_new(&genesis, options->genesis, &options->overrides, detail);
    if (!err)
        err = exists ? reconfigure(chain, genesis, detail) : create(chain, genesis, detail);
    chain_genesis_free(genesis);
    return err;
}

static uint64_t system_clock(void *context)
{
    (void)context;
    /* Not time(), which may be some milliseconds late: a block made on the second would be in the future. */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec;
}

int chain_open(struct chain **ret_chain, const struct chain_options *options,
               struct err_detail *detail)
{
    struct err_detail unused;
    struct chain *chain = mem_alloc_zeroed(1, sizeof(*chain));
    if (!detail)
        detail = &unused;
    detail->text[0] = '\0';
    if (!chain)
        return err_set(detail, ERR_NOMEM, "out of memory");
    chain->pool = options->pool;
    chain->clock = options->clock ? options->clock : system_clock;
    chain->clock_context = options->clock_context;
    chain->hooks = options->hooks;
    chain->payloads = options->payloads;
    chain->revert_reasons = options->revert_reasons;
    chain->keep_states = options->keep_states ? options->keep_states : CHAIN_KEEP_STATES;
    chain->store = options->store;
    chain->owns_store = !options->store;
    pthread_mutex_init(&chain->lock, NULL);
    chain_sections_init(&chain->sections);
    chain_batch_init(&chain->batch);
    const struct store_lmdb_options lmdb = {.sync = options->sync};
    int err = exec_new(&chain->exec);
    if (!err && chain->owns_store)
        err =
            store_lmdb_new(&chain->store, options->path, chain_tables, CHAIN_TABLES, &lmdb, detail);
    if (!err)
        err = open_chain(chain, options, detail);
    if (err) {
        if (!*detail->text)
            err_set(detail, err, "%s", err_text(err));
        chain_free(chain);
        bool named = !options->path || strstr(detail->text, options->path);
        return named ? err : err_prefix(detail, err, "%s", options->path);
    }
    *ret_chain = chain;
    return 0;
}

void chain_free(struct chain *chain)
{
    if (!chain)
        return;
    for (int i = 0; i < CHAIN_RESULTS; i++)
        chain_result_free(chain->results[i]);
    for (int i = 0; i < CHAIN_SNAPSHOT_CACHE; i++) {
        if (chain->snapshots[i])
            istanbul_snapshot_release(chain->snapshots[i]);
        mem_free(chain->snapshots[i]);
    }
    chain_clique_free(chain->clique_snapshot);
    chain_block_unref(chain->head.block);
    chain_block_unref(chain->genesis);
    chain_config_free(chain->config);
    exec_free(chain->exec);
    if (chain->owns_store)
        store_free(chain->store);
    chain_sections_release(&chain->sections);
    pthread_mutex_destroy(&chain->lock);
    mem_free(chain);
}

const struct chain_config *chain_configuration(const struct chain *chain)
{
    return chain->config;
}

const struct chain_block *chain_genesis_of(const struct chain *chain)
{
    return chain->genesis;
}

bool chain_is_archive(const struct chain *chain)
{
    return chain->db.archive || chain->keep_states == UINT64_MAX;
}
