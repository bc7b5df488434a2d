#include "eth/transaction_rules.h"

/* What a transaction costs before it executes. */
enum {
    GAS_TRANSACTION = 21000,
    GAS_ZERO_BYTE = 4,
    GAS_ACCESS_ADDRESS = 2400,
    GAS_ACCESS_KEY = 1900,
    GAS_AUTHORIZATION = 25000, /* PER_EMPTY_ACCOUNT_COST; exec refunds for accounts that exist */
    TOKENS_NONZERO_BYTE = 4,   /* EIP-7623: a zero byte is one token */
};

struct gas_table {
    uint16_t creation;       /* EIP-2 */
    uint8_t nonzero_byte;    /* EIP-2028 */
    uint8_t initcode_word;   /* EIP-3860 */
    uint8_t floor_per_token; /* EIP-7623 */
};

/* One row a fork. */
static const struct gas_table gas_tables[FORK_COUNT] = {
    [FORK_FRONTIER] = {0, 68, 0, 0},
    [FORK_HOMESTEAD... FORK_PETERSBURG] = {32000, 68, 0, 0},
    [FORK_ISTANBUL... FORK_PARIS] = {32000, 16, 0, 0},
    [FORK_SHANGHAI... FORK_CANCUN] = {32000, 16, 2, 0},
    [FORK_PRAGUE... FORK_OSAKA] = {32000, 16, 2, 10},
};

/* The first fork that has each type. */
static const enum fork type_forks[ETH_TRANSACTION_TYPES] = {
    [ETH_LEGACY] = FORK_FRONTIER, [ETH_ACCESS_LIST] = FORK_BERLIN, [ETH_DYNAMIC_FEE] = FORK_LONDON,
    [ETH_BLOB] = FORK_CANCUN,     [ETH_SET_CODE] = FORK_PRAGUE,
};

/* Blobs of one transaction: what a block may have (EIP-4844, EIP-7691), from Osaka on less
 * (EIP-7594).
 */
static const uint8_t blobs_max[FORK_COUNT] = {
    [FORK_CANCUN] = 6,
    [FORK_PRAGUE] = 9,
    [FORK_OSAKA] = 6,
};

enum {
    INITCODE_MAX = 2 * 24576, /* EIP-3860 */
    GAS_LIMIT_CAP = 1 << 24,  /* EIP-7825 */
    BLOB_VERSION_KZG = 0x01,  /* EIP-4844 */
};

const char *eth_tx_status_text(enum eth_tx_status status)
{
    static const char *const texts[] = {
#define X(name, text) text,
        ETH_TX_STATUS_LIST(X)
#undef X
    };
    return texts[status];
}

bool eth_transaction_supports_type(enum eth_transaction_type type, enum fork fork)
{
    return fork >= type_forks[type];
}

struct eth_intrinsic_gas eth_transaction_intrinsic_gas(const struct eth_transaction *tx,
                                                       enum fork fork)
{
    const struct gas_table *table = &gas_tables[fork];
    uint64_t nonzero = 0;
    for (size_t i = 0; i < tx->data.len; i++)
        nonzero += tx->data.data[i] != 0;
    uint64_t zero = tx->data.len - nonzero;

    uint64_t gas = GAS_TRANSACTION + zero * GAS_ZERO_BYTE + nonzero * table->nonzero_byte;
    if (tx->is_creation)
        gas += table->creation + (tx->data.len + 31) / 32 * table->initcode_word;
    gas += tx->access_count * GAS_ACCESS_ADDRESS;
    for (size_t i = 0; i < tx->access_count; i++)
        gas += tx->access_list[i].key_count * GAS_ACCESS_KEY;
    gas += tx->authorization_count * GAS_AUTHORIZATION;

    uint64_t tokens = zero + nonzero * TOKENS_NONZERO_BYTE;
    uint64_t floor = table->floor_per_token ? GAS_TRANSACTION + tokens * table->floor_per_token : 0;
    return (struct eth_intrinsic_gas){gas, floor};
}

static enum eth_tx_status check_price(const struct eth_transaction *tx)
{
    if (u256_less(&tx->max_fee, &tx->max_priority_fee))
        return ETH_TX_PRIORITY_ABOVE_FEE;
    const struct u256 gas = u256_from(tx->gas_limit);
    struct u256 cost;
    return u256_mul_checked(&cost, &gas, &tx->max_fee) ? ETH_TX_OK : ETH_TX_PRICE_OVERFLOW;
}

static enum eth_tx_status check_initcode(const struct eth_transaction *tx,
                                         const struct eth_rules *rules)
{
    size_t largest = rules->max_initcode ? rules->max_initcode : INITCODE_MAX;
    bool too_large = rules->fork >= FORK_SHANGHAI && tx->is_creation && tx->data.len > largest;
    return too_large ? ETH_TX_INITCODE_TOO_LARGE : ETH_TX_OK;
}

static enum eth_tx_status check_gas(const struct eth_transaction *tx, enum fork fork)
{
    struct eth_intrinsic_gas intrinsic = eth_transaction_intrinsic_gas(tx, fork);
    if (tx->gas_limit < intrinsic.gas)
        return ETH_TX_INTRINSIC_GAS;
    return tx->gas_limit < intrinsic.floor ? ETH_TX_FLOOR_GAS : ETH_TX_OK;
}

static enum eth_tx_status check_blobs(const struct eth_transaction *tx, enum fork fork)
{
    if (tx->is_creation)
        return ETH_TX_BLOB_CREATION;
    if (tx->blob_count == 0)
        return ETH_TX_NO_BLOBS;
    if (tx->blob_count > blobs_max[fork])
        return ETH_TX_TOO_MANY_BLOBS;
    for (size_t i = 0; i < tx->blob_count; i++)
        if (tx->blob_hashes[i].b[0] != BLOB_VERSION_KZG)
            return ETH_TX_BLOB_VERSION;
    return ETH_TX_OK;
}

static enum eth_tx_status check_type(const struct eth_transaction *tx, enum fork fork)
{
    switch (tx->type) {
    case ETH_BLOB:
        return check_blobs(tx, fork);
    case ETH_SET_CODE:
        if (tx->is_creation)
            return ETH_TX_SET_CODE_CREATION;
        return tx->authorization_count == 0 ? ETH_TX_NO_AUTHORIZATIONS : ETH_TX_OK;
    case ETH_LEGACY:
    case ETH_ACCESS_LIST:
    case ETH_DYNAMIC_FEE:
        break;
    }
    return ETH_TX_OK;
}

enum eth_tx_status eth_transaction_check(const struct eth_transaction *tx,
                                         const struct eth_rules *rules)
{
    struct eth_signature signature;
    enum eth_tx_status status;
    if (!eth_transaction_supports_type(tx->type, rules->fork))
        return ETH_TX_TYPE_NOT_SUPPORTED;
    if (rules->max_size && tx->encoded.len > rules->max_size)
        return ETH_TX_TOO_LARGE;
    if ((status = eth_transaction_read_signature(tx, rules, &signature)) != ETH_TX_OK)
        return status;
    return eth_transaction_check_unsigned(tx, rules);
}

enum eth_tx_status eth_transaction_check_unsigned(const struct eth_transaction *tx,
                                                  const struct eth_rules *rules)
{
    enum eth_tx_status status;
    if (!eth_transaction_supports_type(tx->type, rules->fork))
        return ETH_TX_TYPE_NOT_SUPPORTED;
    if (tx->nonce == UINT64_MAX)
        return ETH_TX_NONCE_MAX; /* EIP-2681 */
    if (rules->fork >= FORK_OSAKA && tx->gas_limit > GAS_LIMIT_CAP)
        return ETH_TX_GAS_ABOVE_CAP;
    if ((status = check_price(tx)) != ETH_TX_OK ||
        (status = check_type(tx, rules->fork)) != ETH_TX_OK ||
        (status = check_initcode(tx, rules)) != ETH_TX_OK)
        return status;
    return check_gas(tx, rules->fork);
}

struct u256 eth_transaction_gas_price(const struct eth_transaction *tx, const struct u256 *base_fee)
{
    struct u256 tip, price = *base_fee;
    u256_sub(&tip, &tx->max_fee, base_fee);
    if (u256_less(&tx->max_priority_fee, &tip))
        tip = tx->max_priority_fee;
    u256_add(&price, &price, &tip);
    return price;
}
