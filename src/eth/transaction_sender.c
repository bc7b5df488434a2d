#include "base/pool.h"
#include "crypto/recover_many.h"
#include "crypto/secp256k1.h"
#include "eth/transaction_rules.h"

#include <stdatomic.h>

/* The order of the group, and half of it (SEC 2, section 2.4.1; EIP-2). */
static const struct u256 group_order = {
    {0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff}};
static const struct u256 half_order = {
    {0xdfe92f46681b20a0, 0x5d576e7357a4501d, 0xffffffffffffffff, 0x7fffffffffffffff}};

static_assert((int)ETH_RECOVER_CHUNK == (int)CRYPTO_RECOVER_CHUNK, "one chunk is one of crypto's");

enum { PLAIN_V = 27, PROTECTED_V = 35, PRIVATE_V = 37 };

static bool in_group(const struct u256 *value)
{
    return !u256_is_zero(value) && u256_less(value, &group_order);
}

static enum eth_tx_status check_range(const struct u256 *r, const struct u256 *s, bool low_s)
{
    if (!in_group(r))
        return ETH_TX_INVALID_R;
    if (!in_group(s))
        return ETH_TX_INVALID_S;
    if (low_s && u256_less(&half_order, s))
        return ETH_TX_HIGH_S;
    return ETH_TX_OK;
}

bool eth_transaction_is_private(const struct eth_transaction *tx)
{
    uint64_t low = tx->v.w[0];
    return tx->type == ETH_LEGACY && (low == PRIVATE_V || low == PRIVATE_V + 1);
}

/* What v of a legacy transaction says under the rules: the manner of signing and the recovery id.
 */
static enum eth_tx_status read_legacy_v(const struct eth_transaction *tx,
                                        const struct eth_rules *rules,
                                        struct eth_signature *ret_signature)
{
    uint64_t v = u256_is_u64(&tx->v) ? tx->v.w[0] : UINT64_MAX;
    if (rules->is_quorum && eth_transaction_is_private(tx)) {
        *ret_signature = (struct eth_signature){ETH_SIGN_PRIVATE, (v - PRIVATE_V) & 1};
        return v == UINT64_MAX ? ETH_TX_INVALID_V : ETH_TX_OK;
    }
    if (v == PLAIN_V || v == PLAIN_V + 1) {
        *ret_signature = (struct eth_signature){ETH_SIGN_PLAIN, (unsigned)(v - PLAIN_V)};
        return ETH_TX_OK;
    }
    if (v <= 1 || rules->fork < FORK_SPURIOUS)
        return ETH_TX_INVALID_V;
    if (v < PROTECTED_V || !u256_equal(&tx->chain_id, &rules->chain_id))
        return ETH_TX_WRONG_CHAIN_ID;
    *ret_signature = (struct eth_signature){ETH_SIGN_PROTECTED, (tx->v.w[0] - PROTECTED_V) & 1};
    return ETH_TX_OK;
}

static enum eth_tx_status read_typed_v(const struct eth_transaction *tx,
                                       const struct eth_rules *rules,
                                       struct eth_signature *ret_signature)
{
    if (!u256_equal(&tx->chain_id, &rules->chain_id))
        return ETH_TX_WRONG_CHAIN_ID;
    if (!u256_is_u64(&tx->v) || tx->v.w[0] > 1)
        return ETH_TX_INVALID_V;
    *ret_signature = (struct eth_signature){ETH_SIGN_PROTECTED, (unsigned)tx->v.w[0]};
    return ETH_TX_OK;
}

enum eth_tx_status eth_transaction_read_signature(const struct eth_transaction *tx,
                                                  const struct eth_rules *rules,
                                                  struct eth_signature *ret_signature)
{
    struct eth_signature signature;
    enum eth_tx_status status = tx->type == ETH_LEGACY ? read_legacy_v(tx, rules, &signature)
                                                       : read_typed_v(tx, rules, &signature);
    if (status == ETH_TX_OK)
        status = check_range(&tx->r, &tx->s,
                             rules->fork >= FORK_HOMESTEAD || signature.how == ETH_SIGN_PRIVATE);
    if (status == ETH_TX_OK)
        *ret_signature = signature;
    return status;
}

static void set_item(struct crypto_recover *ret_item, const struct u256 *r, const struct u256 *s,
                     unsigned recovery_id)
{
    u256_store(ret_item->rs, r);
    u256_store(ret_item->rs + 32, s);
    ret_item->recovery_id = recovery_id;
}

/* What there is to recover, if anything: *ret_needed says so. The first half of eth_transaction_recover. */
static int prepare(struct eth_transaction *tx, enum eth_tx_status *ret_status, bool *ret_needed,
                   struct crypto_recover *ret_item, const struct eth_rules *rules)
{
    struct eth_signature signature;
    *ret_needed = false;
    enum eth_tx_status outcome = eth_transaction_supports_type(tx->type, rules->fork)
                                     ? eth_transaction_read_signature(tx, rules, &signature)
                                     : ETH_TX_TYPE_NOT_SUPPORTED;
    if (outcome == ETH_TX_OK) {
        bool is_private = signature.how == ETH_SIGN_PRIVATE;
        if (!tx->sender_known || tx->sender_private != is_private) {
            int status = eth_transaction_signing_hash(tx, signature.how, &ret_item->hash);
            if (status != ERR_OK)
                return status;
            set_item(ret_item, &tx->r, &tx->s, signature.recovery_id);
            tx->sender_private = is_private;
            *ret_needed = true;
        }
    }
    *ret_status = outcome;
    return ERR_OK;
}

/* The second half. */
static enum eth_tx_status take_sender(struct eth_transaction *tx, bool found,
                                      const struct address *sender)
{
    tx->sender_known = found;
    if (found)
        tx->sender = *sender;
    return found ? ETH_TX_OK : ETH_TX_NO_SENDER;
}

int eth_transaction_recover(struct eth_transaction *tx, enum eth_tx_status *ret_status,
                            const struct eth_rules *rules)
{
    struct crypto_recover item;
    struct address sender;
    bool needed;
    int status = prepare(tx, ret_status, &needed, &item, rules);
    if (status == ERR_OK && needed)
        *ret_status = take_sender(
            tx, crypto_ecrecover(&sender, &item.hash, item.rs, item.recovery_id), &sender);
    return status;
}

int eth_transactions_recover_chunk(struct eth_transaction *const *txs,
                                   enum eth_tx_status *ret_statuses, size_t count,
                                   const struct eth_rules *rules)
{
    struct crypto_recover items[ETH_RECOVER_CHUNK];
    struct address senders[ETH_RECOVER_CHUNK];
    bool found[ETH_RECOVER_CHUNK];
    size_t which[ETH_RECOVER_CHUNK], needed_count = 0;
    int failure = ERR_OK;
    assert(count <= ETH_RECOVER_CHUNK);
    for (size_t i = 0; i < count; i++) {
        bool needed;
        int status = prepare(txs[i], &ret_statuses[i], &needed, &items[needed_count], rules);
        if (status != ERR_OK)
            failure = status;
        else if (needed)
            which[needed_count++] = i;
    }
    if (needed_count)
        crypto_ecrecover_many(senders, found, items, needed_count);
    for (size_t i = 0; i < needed_count; i++)
        ret_statuses[which[i]] = take_sender(txs[which[i]], found[i], &senders[i]);
    return failure;
}

struct recover_many {
    struct eth_transaction *txs;
    enum eth_tx_status *statuses;
    size_t count;
    const struct eth_rules *rules;
    atomic_int status; /* the last failure, if any */
};

static void recover_chunk(void *context, size_t index, unsigned worker)
{
    (void)worker;
    struct recover_many *many = context;
    struct eth_transaction *chunk[ETH_RECOVER_CHUNK];
    size_t first = index * ETH_RECOVER_CHUNK;
    size_t count =
        many->count - first < ETH_RECOVER_CHUNK ? many->count - first : ETH_RECOVER_CHUNK;
    for (size_t i = 0; i < count; i++)
        chunk[i] = &many->txs[first + i];
    int status = eth_transactions_recover_chunk(chunk, many->statuses + first, count, many->rules);
    if (status != ERR_OK)
        atomic_store(&many->status, status);
}

int eth_transactions_recover(struct eth_transaction *txs, enum eth_tx_status *ret_statuses,
                             size_t count, const struct eth_rules *rules, struct pool *pool)
{
    struct recover_many many = {txs, ret_statuses, count, rules, ERR_OK};
    pool_run(pool, (count + ETH_RECOVER_CHUNK - 1) / ETH_RECOVER_CHUNK, recover_chunk, &many);
    return atomic_load(&many.status);
}

void eth_transaction_set_signature(struct eth_transaction *tx, enum eth_signing how,
                                   const uint8_t rs[64], unsigned recovery_id)
{
    assert(recovery_id <= 1);
    struct u256 v = u256_from(recovery_id);
    if (tx->type == ETH_LEGACY) {
        static const uint8_t offsets[] = {
            [ETH_SIGN_PLAIN] = PLAIN_V,
            [ETH_SIGN_PROTECTED] = PROTECTED_V,
            [ETH_SIGN_PRIVATE] = PRIVATE_V,
        };
        const struct u256 offset = u256_from(offsets[how]);
        u256_add(&v, &v, &offset);
        if (how == ETH_SIGN_PROTECTED) {
            u256_add(&v, &v, &tx->chain_id);
            u256_add(&v, &v, &tx->chain_id);
        }
    }
    tx->v = v;
    tx->r = u256_load(rs);
    tx->s = u256_load(rs + 32);
    tx->encoded = bytes_none();
    tx->sender_known = false;
}

enum eth_tx_status eth_authorization_recover(const struct eth_authorization *authorization,
                                             struct address *ret_authority)
{
    const struct eth_authorization *a = authorization;
    if (!u256_is_u64(&a->y_parity) || a->y_parity.w[0] > 1)
        return ETH_TX_INVALID_V;
    enum eth_tx_status status = check_range(&a->r, &a->s, true);
    if (status != ETH_TX_OK)
        return status;
    struct crypto_recover item;
    eth_authorization_signing_hash(a, &item.hash);
    set_item(&item, &a->r, &a->s, (unsigned)a->y_parity.w[0]);
    return crypto_ecrecover(ret_authority, &item.hash, item.rs, item.recovery_id)
               ? ETH_TX_OK
               : ETH_TX_NO_SENDER;
}
