/*
 * From one private state to several (GoQuorum, core/mps/upgrade_db.go, mpsdbupgrade). What there is becomes the state "private". The
 * contracts that were made before are accounts of "empty" from the next block on; private receipts of before are those of "private".
 */
#include "chain/private/priv.h"
#include "eth/address.h"

struct upgrade {
    struct chain_reader reader;
    struct buf addresses; /* RLP strings */
};

static int add_contracts(struct upgrade *u, uint64_t number)
{
    struct chain_block *block;
    const struct chain_config *config = u->reader.chain->config;
    int err = chain_reader_block(&u->reader, &block, number);
    if (err)
        return err;
    struct eth_rules rules =
        chain_config_rules(config, number, block->header.timestamp).transactions;
    const struct eth_body *body = &block->body->body;
    for (size_t i = 0; i < body->transaction_count && !err; i++) {
        struct eth_transaction tx = body->transactions[i];
        enum eth_tx_status status;
        struct address contract;
        if (!eth_transaction_is_private(&tx) || !tx.is_creation)
            continue;
        err = eth_transaction_recover(&tx, &status, &rules);
        if (!err && status != ETH_TX_OK)
            err = ERR_CORRUPT;
        if (err)
            break;
        eth_create_address(&contract, &tx.sender, tx.nonce);
        rlp_write_bytes(&u->addresses, bytes_of(contract.b, sizeof(contract.b)));
    }
    chain_block_unref(block);
    return err ? err : buf_status(&u->addresses);
}

static int collect(struct upgrade *u, uint64_t *ret_head,
                   void (*progress)(void *context, uint64_t number, const struct hash256 *hash),
                   void *context)
{
    struct hash256 hash;
    int err = chain_reader_head(&u->reader, ret_head, &hash);
    for (uint64_t number = 1; !err && number <= *ret_head; number++) {
        err = chain_reader_hash(&u->reader, &hash, number);
        if (!err && progress)
            progress(context, number, &hash);
        if (!err)
            err = add_contracts(u, number);
    }
    return err;
}

static int write_all(struct chain *chain, const struct upgrade *u, uint64_t head,
                     struct err_detail *detail)
{
    struct store_txn *txn;
    struct buf seed = BUF_INIT;
    size_t whole = rlp_begin(&seed);
    rlp_write_u64(&seed, head);
    size_t list = rlp_begin(&seed);
    buf_append_bytes(&seed, buf_bytes(&u->addresses));
    rlp_end_list(&seed, list);
    rlp_end_list(&seed, whole);
    int err = buf_status(&seed);
    if (!err)
        err = store_begin_write(&txn, chain->store, detail);
    if (err) {
        buf_release(&seed);
        return err;
    }
    chain->config->is_mps = true;
    err = chain_private_write_upgrade(txn, buf_bytes(&seed));
    if (!err)
        err = chain_put_config(txn, chain->config);
    if (err)
        store_abort(txn);
    else
        err = store_commit(txn);
    if (err)
        chain->config->is_mps = false;
    buf_release(&seed);
    return err;
}

int chain_private_upgrade(struct chain *chain,
                          void (*progress)(void *context, uint64_t number,
                                           const struct hash256 *hash),
                          void *context, struct err_detail *detail)
{
    struct upgrade u = {.addresses = BUF_INIT};
    uint64_t head;
    if (chain->config->is_mps)
        return err_set(detail, ERR_USAGE,
                       "The database is already upgraded to support multiple private states.");
    int err = chain_reader_open(&u.reader, chain);
    if (err)
        return err_set(detail, err, "%s", u.reader.detail.text);
    err = collect(&u, &head, progress, context);
    if (err)
        err_set(detail, err, "%s", *u.reader.detail.text ? u.reader.detail.text : err_text(err));
    chain_reader_close(&u.reader);
    if (!err)
        err = write_all(chain, &u, head, detail);
    buf_release(&u.addresses);
    return err;
}
