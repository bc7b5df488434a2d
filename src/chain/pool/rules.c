/* GoQuorum's rules of admission, in their order (validateTx of core/tx_pool.go; spec, privacy and
 * RPC, 3.7). A negative value, its third, cannot be encoded. */
#include "chain/pool/priv.h"

const char *chain_pool_status_text(enum chain_pool_status status)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CHAIN_POOL_STATUS_LIST(X)
#undef X
    };
    return texts[status];
}

struct u256 chain_pool_rules_cost(const struct eth_transaction *tx)
{
    const struct u256 gas = u256_from(tx->gas_limit);
    struct u256 cost;
    if (!u256_mul_checked(&cost, &gas, &tx->max_fee) || !u256_add_checked(&cost, &cost, &tx->value))
        return (struct u256){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    return cost;
}

enum chain_pool_status chain_pool_rules_check(const struct chain_pool *pool,
                                              const struct chain_tx *tx)
{
    const struct chain_pool_rules *rules = &pool->rules;
    const struct eth_transaction *t = &tx->tx;
    bool known_type = eth_transaction_check_unsigned(t, &rules->eth) != ETH_TX_TYPE_NOT_SUPPORTED;
    if (!known_type || t->type == ETH_BLOB) /* blobs come with a form of their own */
        return CHAIN_POOL_TYPE_NOT_SUPPORTED;
    if (rules->eth.max_size && t->encoded.len > rules->eth.max_size)
        return CHAIN_POOL_TOO_LARGE;
    if (t->gas_limit > rules->gas_limit)
        return CHAIN_POOL_GAS_LIMIT;
    if (!t->sender_known)
        return CHAIN_POOL_INVALID_SENDER;
    if (rules->is_quorum) {
        if (!rules->gas_price_enabled && !u256_is_zero(&t->max_fee))
            return CHAIN_POOL_GAS_PRICE;
        if (eth_transaction_is_private(t) && (t->data.len == 0 || !u256_is_zero(&t->value)))
            return CHAIN_POOL_ETHER_VALUE;
        if (pool->options.permitted && !pool->options.permitted(pool->options.context, tx))
            return CHAIN_POOL_NOT_PERMITTED;
    }
    return CHAIN_POOL_OK;
}

/* What no block of the next rules can take, beyond GoQuorum's own list. */
static enum chain_pool_status check_alone(const struct eth_transaction *tx,
                                          const struct eth_rules *rules)
{
    switch (eth_transaction_check_unsigned(tx, rules)) {
    case ETH_TX_OK:
        return CHAIN_POOL_OK;
    case ETH_TX_INTRINSIC_GAS:
        return CHAIN_POOL_INTRINSIC_GAS;
    case ETH_TX_FLOOR_GAS:
        return CHAIN_POOL_FLOOR_GAS;
    case ETH_TX_NONCE_MAX:
        return CHAIN_POOL_NONCE_MAX;
    case ETH_TX_GAS_ABOVE_CAP:
        return CHAIN_POOL_GAS_ABOVE_CAP;
    case ETH_TX_PRIORITY_ABOVE_FEE:
        return CHAIN_POOL_PRIORITY_ABOVE_FEE;
    case ETH_TX_INITCODE_TOO_LARGE:
        return CHAIN_POOL_INITCODE_TOO_LARGE;
    default:
        return CHAIN_POOL_MALFORMED;
    }
}

enum chain_pool_status chain_pool_rules_check_account(const struct chain_pool *pool,
                                                      const struct chain_tx *tx, bool local,
                                                      const struct pool_account *account,
                                                      const struct u256 *cost)
{
    if (chain_pool_rules_prices_matter(pool) && !local &&
        u256_less(&tx->tx.max_fee, &pool->price_limit))
        return CHAIN_POOL_UNDERPRICED;
    if (tx->tx.nonce < account->nonce)
        return CHAIN_POOL_NONCE_TOO_LOW;
    if (u256_less(&account->balance, cost))
        return CHAIN_POOL_INSUFFICIENT_FUNDS;
    return check_alone(&tx->tx, &pool->rules.eth);
}

/* More than the old price, and at least price_bump percent more. */
static bool bumps(const struct u256 *price, const struct u256 *old, unsigned percent)
{
    const struct u256 factor = u256_from(100 + (uint64_t)percent), hundred = u256_from(100);
    struct u256 threshold;
    if (!u256_less(old, price))
        return false;
    if (!u256_mul_checked(&threshold, old, &factor))
        return false; /* more than any price */
    u256_divmod(&threshold, NULL, &threshold, &hundred);
    return !u256_less(price, &threshold);
}

bool chain_pool_rules_replaces(const struct chain_pool *pool, const struct eth_transaction *tx,
                               const struct eth_transaction *old)
{
    return bumps(&tx->max_fee, &old->max_fee, pool->options.price_bump) &&
           bumps(&tx->max_priority_fee, &old->max_priority_fee, pool->options.price_bump);
}
