/* IBFT and QBFT: which of them holds at a height is the configuration's matter. The rules are those
 * of consensus/istanbul; here they meet the store and the state. */
#include "base/hex.h"
#include "base/mem.h"
#include "chain/chain_priv.h"
#include "consensus/istanbul/hash.h"
#include "consensus/istanbul/header_check.h"
#include "exec/system.h"

#include <inttypes.h>

enum {
    /* GoQuorum asks the validator contract as eth_call does: with the gas cap of RPC. */
    CONTRACT_GAS = 25000000,
};

/* --- Snapshots --- */

static bool cached(struct chain *chain, struct istanbul_snapshot *ret, const struct hash256 *hash,
                   int *ret_err)
{
    bool found = false;
    pthread_mutex_lock(&chain->lock);
    for (int i = 0; i < CHAIN_SNAPSHOT_CACHE && !found; i++) {
        const struct istanbul_snapshot *s = chain->snapshots[i];
        found = s && hash256_equal(&s->hash, hash);
        if (found)
            *ret_err = istanbul_snapshot_copy(ret, s);
    }
    pthread_mutex_unlock(&chain->lock);
    return found;
}

/* Keeping one is of use, not of need: without memory it is not kept. */
static void keep(struct chain *chain, const struct istanbul_snapshot *snapshot)
{
    struct istanbul_snapshot *copy = mem_alloc(sizeof(*copy));
    if (!copy)
        return;
    istanbul_snapshot_init(copy);
    if (istanbul_snapshot_copy(copy, snapshot)) {
        istanbul_snapshot_release(copy);
        mem_free(copy);
        return;
    }
    pthread_mutex_lock(&chain->lock);
    struct istanbul_snapshot **slot = &chain->snapshots[chain->next_snapshot];
    struct istanbul_snapshot *old = *slot;
    *slot = copy;
    chain->next_snapshot = (chain->next_snapshot + 1) % CHAIN_SNAPSHOT_CACHE;
    pthread_mutex_unlock(&chain->lock);
    if (old)
        istanbul_snapshot_release(old);
    mem_free(old);
}

/* Whether a snapshot is stored, or is that of genesis: the ones to start from. */
static int stored(struct chain_reader *reader, struct istanbul_snapshot *ret, uint64_t number,
                  const struct hash256 *hash)
{
    struct bytes value;
    if (number == 0) {
        int verdict = istanbul_snapshot_genesis(ret, &reader->chain->config->istanbul,
                                                &reader->chain->genesis->header);
        if (verdict > 0)
            return err_set(&reader->detail, ERR_INPUT, "genesis: %s",
                           istanbul_verdict_text((enum istanbul_verdict)verdict));
        ret->hash = *hash;
        return verdict;
    }
    int err = store_get(reader->txn, &value, CHAIN_SNAPSHOTS, bytes_of(hash->b, sizeof(hash->b)));
    return err ? err : istanbul_snapshot_read(ret, value);
}

/* getValidators() of the contract on the state after block `number`. */
static int ask_contract(struct chain_reader *reader, struct istanbul_snapshot *snapshot,
                        uint64_t number, const struct address *contract)
{
    static const uint8_t selector[4] = {0xb7, 0xab, 0x4d, 0xb5};
    struct buf output = BUF_INIT;
    enum evm_status status;
    int err = chain_call(reader, &status, &output, number, contract,
                         bytes_of(selector, sizeof(selector)), CONTRACT_GAS);
    const uint8_t *words = output.data;
    size_t count = output.len / 32;
    struct u256 offset = count >= 2 ? u256_load(words) : u256_from(0);
    struct u256 length = count >= 2 ? u256_load(words + 32) : u256_from(0);
    const struct u256 at = u256_from(32);
    bool good = !err && status == EVM_SUCCESS && count >= 2 && u256_equal(&offset, &at) &&
                u256_is_u64(&length) && length.w[0] <= count - 2;
    if (!err && !good) {
        char text[41];
        hex_encode(text, bytes_of(contract->b, sizeof(contract->b)));
        text[40] = '\0';
        err =
            err_set(&reader->detail, ERR_INPUT,
                    "validator contract 0x%s after block %" PRIu64
                    ": getValidators() gave no list of addresses (%s); see the genesis' alloc and "
                    "its transitions",
                    text, number, evm_status_text(status));
    }
    struct address *members = err ? NULL : mem_alloc(length.w[0] * sizeof(*members) + 1);
    if (!err && !members)
        err = ERR_NOMEM;
    if (!err) {
        for (size_t i = 0; i < length.w[0]; i++)
            memcpy(members[i].b, words + 64 + 32 * i + 12, sizeof(members[i].b));
        err = istanbul_snapshot_set_validators(snapshot, members, length.w[0]);
    }
    mem_free(members);
    buf_release(&output);
    return err;
}

/* One step: from the snapshot before block `number` to the one after it. */
static int step(struct chain_reader *reader, struct istanbul_snapshot *snapshot, uint64_t number,
                const struct hash256 *hash)
{
    struct eth_header header;
    int err = chain_reader_header(reader, &header, number);
    if (err)
        return err;
    int verdict =
        istanbul_snapshot_apply(snapshot, &reader->chain->config->istanbul, &header, hash);
    if (verdict > 0)
        return err_set(&reader->detail, ERR_CORRUPT, "stored block %" PRIu64 ": %s", number,
                       istanbul_verdict_text((enum istanbul_verdict)verdict));
    return verdict;
}

/* Where a contract names the validators the votes before do not matter. */
static int of_contract(struct chain_reader *reader, struct istanbul_snapshot *ret, uint64_t number,
                       const struct hash256 *hash, const struct address *contract)
{
    struct istanbul_params params;
    istanbul_params_at(&reader->chain->config->istanbul, number, &params);
    ret->epoch = params.epoch;
    ret->policy = params.policy;
    ret->number = number;
    ret->hash = *hash;
    return ask_contract(reader, ret, number, contract);
}

/* The newest snapshot at or below `number` that can be had without others; *ret_at its number. */
static int find_base(struct chain_reader *reader, struct istanbul_snapshot *ret, uint64_t *ret_at,
                     uint64_t number)
{
    struct chain *chain = reader->chain;
    for (uint64_t at = number;; at--) {
        struct hash256 hash;
        struct address contract;
        int err = chain_reader_hash(reader, &hash, at);
        if (err)
            return err;
        *ret_at = at;
        if (cached(chain, ret, &hash, &err))
            return err;
        if (istanbul_contract_at(&chain->config->istanbul, at, &contract))
            return of_contract(reader, ret, at, &hash, &contract);
        err = at % ISTANBUL_CHECKPOINT == 0 ? stored(reader, ret, at, &hash) : ERR_NOTFOUND;
        if (err != ERR_NOTFOUND)
            return err;
    }
}

int chain_snapshot(struct chain_reader *reader, struct istanbul_snapshot *ret_snapshot,
                   uint64_t number)
{
    struct istanbul_snapshot snapshot;
    struct hash256 hash;
    uint64_t at;
    if (reader->chain->config->engine != CHAIN_ENGINE_ISTANBUL)
        return err_set(&reader->detail, ERR_UNSUPPORTED, "the chain has no Istanbul engine");
    istanbul_snapshot_init(&snapshot);
    int err = find_base(reader, &snapshot, &at, number);
    bool fresh = !err && at < number;
    while (!err && at < number) {
        err = chain_reader_hash(reader, &hash, ++at);
        if (!err)
            err = step(reader, &snapshot, at, &hash);
    }
    if (err) {
        istanbul_snapshot_release(&snapshot);
        return err;
    }
    if (fresh || number == 0 || number % ISTANBUL_CHECKPOINT == 0)
        keep(reader->chain, &snapshot);
    *ret_snapshot = snapshot;
    return 0;
}

int chain_validators_after(struct chain_reader *reader, struct istanbul_set *ret_set,
                           uint64_t number)
{
    struct istanbul_snapshot snapshot;
    int err = chain_snapshot(reader, &snapshot, number);
    if (err)
        return err;
    istanbul_set_init(ret_set);
    err = istanbul_set_copy(ret_set, &snapshot.set);
    istanbul_snapshot_release(&snapshot);
    return err;
}

/* --- Engine --- */

static int author(struct chain *chain, struct address *ret_author, const struct eth_header *header)
{
    if (header->number == 0) {
        *ret_author = header->coinbase;
        return 0;
    }
    enum istanbul_engine engine = istanbul_engine_at(&chain->config->istanbul, header->number);
    int verdict = istanbul_author(engine, header, ret_author);
    return verdict > 0 ? ERR_INPUT : verdict;
}

static enum chain_verdict verdict_of(enum istanbul_verdict verdict)
{
    switch (verdict) {
    case ISTANBUL_VALID:
        return CHAIN_VALID;
    case ISTANBUL_FUTURE:
        return CHAIN_FUTURE;
    case ISTANBUL_NO_PARENT:
        return CHAIN_UNKNOWN_PARENT;
    case ISTANBUL_NO_SEALS:
    case ISTANBUL_BAD_SEALS:
        return CHAIN_BAD_SEALS;
    default:
        return CHAIN_BAD_HEADER;
    }
}

static int check_header(struct chain *chain, struct chain_reader *reader,
                        enum chain_verdict *ret_verdict, struct err_detail *why,
                        const struct eth_header *header, const struct chain_block *parent,
                        uint64_t now, unsigned flags)
{
    struct istanbul_set validators = ISTANBUL_SET_INIT;
    struct istanbul_header_check check = {
        .config = &chain->config->istanbul,
        .parent = parent ? &parent->header : NULL,
        .parent_hash = parent ? &parent->hash : NULL,
        .validators = &validators,
        .now = flags & CHAIN_CHECK_NO_TIME ? UINT64_MAX / 2 : now,
        .proposal = flags & CHAIN_CHECK_NO_SEALS,
    };
    int err = parent ? chain_validators_after(reader, &validators, parent->header.number) : 0;
    if (err)
        return err_set(why, err, "validators after block %" PRIu64 ": %s", parent->header.number,
                       *reader->detail.text ? reader->detail.text : err_text(err));
    int verdict = istanbul_check_header(&check, header);
    istanbul_set_release(&validators);
    if (verdict < 0)
        return verdict;
    *ret_verdict = verdict_of((enum istanbul_verdict)verdict);
    if (verdict)
        err_set(why, 0, "%s", istanbul_verdict_text((enum istanbul_verdict)verdict));
    return 0;
}

static int write_extra(struct buf *extra, enum istanbul_engine engine, bool by_contract,
                       const struct istanbul_set *set, const struct chain_prepare *in)
{
    bool in_extra = in->has_vote && engine == ISTANBUL_QBFT && !by_contract;
    istanbul_extra_prepare(extra, engine, in->extra, by_contract ? NULL : set->members,
                           by_contract ? 0 : set->count, in_extra ? &in->candidate : NULL,
                           in->authorize);
    return buf_status(extra);
}

static int prepare(struct chain *chain, struct chain_reader *reader, struct eth_header *header,
                   struct arena *arena, const struct chain_block *parent,
                   const struct chain_prepare *in, struct err_detail *why)
{
    struct istanbul_params params;
    struct istanbul_set set;
    struct address contract;
    const struct istanbul_config *config = &chain->config->istanbul;
    istanbul_params_at(config, header->number, &params);
    bool is_qbft = params.engine == ISTANBUL_QBFT;
    bool by_contract = istanbul_contract_at(config, header->number - 1, &contract);
    header->coinbase = is_qbft ? in->coinbase : (struct address){{0}};
    header->mix_hash = istanbul_digest;
    header->difficulty = u256_from(1);
    uint64_t least = parent->header.timestamp + params.block_period;
    header->timestamp = in->now < least ? least : in->now;
    memset(header->nonce, 0, sizeof(header->nonce));
    if (in->has_vote && !is_qbft && !by_contract) {
        header->coinbase = in->candidate;
        memset(header->nonce, in->authorize ? 0xff : 0, sizeof(header->nonce));
    }
    int err = chain_validators_after(reader, &set, header->number - 1);
    if (err)
        return err_set(why, err, "%s", *reader->detail.text ? reader->detail.text : err_text(err));
    struct buf extra = BUF_INIT;
    err = write_extra(&extra, params.engine, by_contract, &set, in);
    istanbul_set_release(&set);
    if (!err) {
        header->extra = arena_copy(arena, buf_bytes(&extra));
        err = header->extra.data ? 0 : ERR_NOMEM;
    }
    buf_release(&extra);
    return err ? err_set(why, err, "%s", err_text(err)) : 0;
}

/* QBFT's reward; with a mode that nobody understands it goes to address 0, as in the reference. */
static int finish(struct chain *chain, struct exec *x, const struct eth_header *header)
{
    struct address account = {{0}};
    struct u256 reward = chain_config_block_reward(chain->config, header->number);
    if (istanbul_engine_at(&chain->config->istanbul, header->number) != ISTANBUL_QBFT ||
        u256_is_zero(&reward))
        return 0;
    int unknown =
        chain_config_reward_account(chain->config, header->number, &header->coinbase, &account);
    (void)unknown;
    return exec_credit(x, &account, &reward);
}

const struct chain_engine_ops chain_engine_istanbul = {
    .name = "istanbul",
    .is_final = true,
    .author = author,
    .check_header = check_header,
    .prepare = prepare,
    .finish = finish,
};
