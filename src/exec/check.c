/* What makes a transaction invalid, in the order in which geth looks. */
#include "crypto/address.h"
#include "exec/exec_priv.h"

enum {
    GAS_LIMIT_CAP = 1 << 24,  /* EIP-7825 */
    INITCODE_MAX = 2 * 24576, /* EIP-3860 */
    BLOBS_MAX = 6,            /* EIP-7594, of one transaction from Osaka on */
    BLOB_VERSION_KZG = 0x01,  /* EIP-4844 */
};

const char *exec_verdict_text(enum exec_verdict verdict)
{
    static const char *const texts[] = {
#define X(name, text) [EXEC_##name] = text,
        EXEC_VERDICT_LIST(X)
#undef X
    };
    return texts[verdict];
}

/* What a check needs. The first that fails says why and ends them. */
struct check {
    struct exec *x;
    const struct eth_transaction *tx;
    const struct address *sender;
    unsigned flags;
    struct state_account account;
    struct exec_cost cost;
    struct err_detail *why;
    enum exec_verdict verdict;
};

/* --- Words for the reasons --- */

struct text {
    char s[80];
};

static struct text address_text(const struct address *address)
{
    struct text text;
    crypto_address_checksum(text.s, address);
    return text;
}

static struct text decimal(struct u256 value)
{
    const struct u256 ten = u256_from(10);
    char reversed[80];
    size_t n = 0;
    do {
        struct u256 digit;
        u256_divmod(&value, &digit, &value, &ten);
        reversed[n++] = (char)('0' + digit.w[0]);
    } while (!u256_is_zero(&value));
    struct text text = {""};
    for (size_t i = 0; i < n; i++)
        text.s[i] = reversed[n - 1 - i];
    return text;
}

static void refuse(struct check *c, enum exec_verdict verdict)
{
    c->verdict = verdict;
    err_set(c->why, 0, "%s", exec_verdict_text(verdict));
}

/* "<text> (sender 0x…)" */
static void refuse_sender(struct check *c, enum exec_verdict verdict)
{
    c->verdict = verdict;
    err_set(c->why, 0, "%s (sender %s)", exec_verdict_text(verdict), address_text(c->sender).s);
}

/* "<text>: address 0x…, <what>: <a>, <that>: <b>" */
static void refuse_values(struct check *c, enum exec_verdict verdict, const char *what,
                          struct text a, const char *that, struct text b)
{
    c->verdict = verdict;
    err_set(c->why, 0, "%s: address %s, %s: %s, %s: %s", exec_verdict_text(verdict),
            address_text(c->sender).s, what, a.s, that, b.s);
}

/* Without the comma behind the address, as geth has it. */
static void refuse_blob_fee(struct check *c, struct text cap, struct text fee)
{
    c->verdict = EXEC_BLOB_FEE_CAP_TOO_LOW;
    err_set(c->why, 0, "%s: address %s blobGasFeeCap: %s, blobBaseFee: %s",
            exec_verdict_text(c->verdict), address_text(c->sender).s, cap.s, fee.s);
}

static void refuse_gas(struct check *c, enum exec_verdict verdict, uint64_t have, uint64_t want)
{
    c->verdict = verdict;
    err_set(c->why, 0, "%s: have %llu, want %llu", exec_verdict_text(verdict),
            (unsigned long long)have, (unsigned long long)want);
}

/* --- Checks --- */

static void check_type(struct check *c)
{
    static const enum fork first[ETH_TRANSACTION_TYPES] = {
        [ETH_LEGACY] = FORK_FRONTIER,    [ETH_ACCESS_LIST] = FORK_BERLIN,
        [ETH_DYNAMIC_FEE] = FORK_LONDON, [ETH_BLOB] = FORK_CANCUN,
        [ETH_SET_CODE] = FORK_PRAGUE,
    };
    if (c->x->block->fork < first[c->tx->type])
        refuse(c, EXEC_TYPE_NOT_SUPPORTED);
}

static void check_nonce(struct check *c)
{
    uint64_t nonce = c->tx->nonce, current = c->account.nonce;
    if (c->flags & EXEC_SKIP_NONCE)
        return;
    struct text tx = decimal(u256_from(nonce)), state = decimal(u256_from(current));
    if (current < nonce) {
        c->verdict = EXEC_NONCE_TOO_HIGH;
    } else if (current > nonce) {
        c->verdict = EXEC_NONCE_TOO_LOW;
    } else if (current == UINT64_MAX) { /* EIP-2681 */
        c->verdict = EXEC_NONCE_MAX;
        err_set(c->why, 0, "%s: address %s, nonce: %s", exec_verdict_text(c->verdict),
                address_text(c->sender).s, tx.s);
        return;
    } else {
        return;
    }
    err_set(c->why, 0, "%s: address %s, tx: %s state: %s", exec_verdict_text(c->verdict),
            address_text(c->sender).s, tx.s, state.s);
}

static void check_gas_cap(struct check *c)
{
    if (c->x->block->fork < FORK_OSAKA || c->flags & EXEC_SKIP_GAS_CAP ||
        c->tx->gas_limit <= GAS_LIMIT_CAP)
        return;
    c->verdict = EXEC_GAS_LIMIT_TOO_HIGH;
    err_set(c->why, 0, "%s (cap: %d, tx: %llu)", exec_verdict_text(c->verdict), GAS_LIMIT_CAP,
            (unsigned long long)c->tx->gas_limit);
}

/* EIP-3607, and EIP-7702's exception. */
static int check_eoa(struct check *c)
{
    if (c->flags & EXEC_SKIP_EOA)
        return 0;
    struct bytes code;
    struct address target;
    int err = state_view_code(c->x->views[0], &code, c->sender);
    if (err || code.len == 0 || exec_delegation(code, &target))
        return err;
    c->verdict = EXEC_SENDER_NOT_EOA;
    err_set(c->why, 0, "%s: address %s, len(code): %zu", exec_verdict_text(c->verdict),
            address_text(c->sender).s, code.len);
    return 0;
}

static bool is_free(const struct check *c)
{
    return c->flags & EXEC_SKIP_BASE_FEE && u256_is_zero(&c->tx->max_fee) &&
           u256_is_zero(&c->tx->max_priority_fee);
}

/* EIP-1559 */
static void check_fee(struct check *c)
{
    const struct eth_transaction *tx = c->tx;
    const struct u256 *base_fee = &c->x->block->base_fee;
    if (c->x->block->fork < FORK_LONDON || is_free(c))
        return;
    if (u256_less(&tx->max_fee, &tx->max_priority_fee))
        refuse_values(c, EXEC_TIP_ABOVE_FEE_CAP, "maxPriorityFeePerGas",
                      decimal(tx->max_priority_fee), "maxFeePerGas", decimal(tx->max_fee));
    else if (u256_less(&tx->max_fee, base_fee))
        refuse_values(c, EXEC_FEE_CAP_TOO_LOW, "maxFeePerGas", decimal(tx->max_fee), "baseFee",
                      decimal(*base_fee));
}

static void check_blob_hashes(struct check *c)
{
    const struct eth_transaction *tx = c->tx;
    if (tx->is_creation)
        return refuse(c, EXEC_BLOB_CREATION);
    if (tx->blob_count == 0)
        return refuse(c, EXEC_NO_BLOBS);
    if (c->x->block->fork >= FORK_OSAKA && tx->blob_count > BLOBS_MAX)
        return refuse(c, EXEC_TOO_MANY_BLOBS);
    for (size_t i = 0; i < tx->blob_count; i++)
        if (tx->blob_hashes[i].b[0] != BLOB_VERSION_KZG) {
            c->verdict = EXEC_BLOB_VERSION;
            err_set(c->why, 0, "blob %zu has invalid hash version", i);
            return;
        }
}

/* EIP-4844 */
static void check_blobs(struct check *c)
{
    const struct eth_transaction *tx = c->tx;
    const struct exec_block *block = c->x->block;
    if (tx->type != ETH_BLOB)
        return;
    check_blob_hashes(c);
    if (c->verdict != EXEC_VALID)
        return;
    bool waived = c->flags & EXEC_SKIP_BASE_FEE && u256_is_zero(&tx->max_blob_fee);
    if (!waived && u256_less(&tx->max_blob_fee, &block->blob_base_fee))
        refuse_blob_fee(c, decimal(tx->max_blob_fee), decimal(block->blob_base_fee));
}

/* EIP-7702 */
static void check_authorizations(struct check *c)
{
    if (c->tx->type != ETH_SET_CODE)
        return;
    if (c->tx->is_creation)
        refuse_sender(c, EXEC_SET_CODE_CREATION);
    else if (c->tx->authorization_count == 0)
        refuse_sender(c, EXEC_NO_AUTHORIZATIONS);
}

/* EIP-3860 */
static void check_initcode(struct check *c)
{
    const struct exec_block *block = c->x->block;
    size_t max = block->max_initcode_size ? block->max_initcode_size : INITCODE_MAX;
    if (block->fork < FORK_SHANGHAI || !c->tx->is_creation || c->tx->data.len <= max)
        return;
    c->verdict = EXEC_INITCODE_TOO_LARGE;
    err_set(c->why, 0, "%s: code size %zu limit %zu", exec_verdict_text(c->verdict),
            c->tx->data.len, max);
}

static void check_block_gas(struct check *c)
{
    const struct exec *x = c->x;
    uint64_t blob_gas = c->tx->blob_count * ETH_BLOB_GAS;
    if (x->block->gas_limit - x->gas_taken < c->tx->gas_limit)
        refuse_gas(c, EXEC_GAS_LIMIT_REACHED, x->block->gas_limit - x->gas_taken, c->tx->gas_limit);
    else if (x->block->max_blob_gas - x->blob_gas_used < blob_gas)
        refuse_gas(c, EXEC_BLOB_GAS_LIMIT_REACHED, x->block->max_blob_gas - x->blob_gas_used,
                   blob_gas);
    c->cost.blob_gas = blob_gas;
}

/* *sum += amount * price; false when that exceeds 256 bits. */
static bool add_product(struct u256 *sum, uint64_t amount, const struct u256 *price)
{
    const struct u256 wide = u256_from(amount);
    struct u256 product;
    return u256_mul_checked(&product, &wide, price) && u256_add_checked(sum, sum, &product);
}

static struct u256 effective_price(const struct check *c)
{
    const struct u256 *base_fee = &c->x->block->base_fee;
    if (u256_less(&c->tx->max_fee, base_fee)) /* before London, or waived */
        return c->tx->max_fee;
    return eth_transaction_gas_price(c->tx, base_fee);
}

static void check_funds(struct check *c)
{
    const struct eth_transaction *tx = c->tx;
    uint64_t blob_gas = c->cost.blob_gas;
    struct u256 needed = tx->value, prepaid = u256_from(0);
    c->cost.gas_price = effective_price(c);
    bool fits = add_product(&needed, tx->gas_limit, &tx->max_fee) &&
                add_product(&needed, blob_gas, &tx->max_blob_fee) &&
                add_product(&prepaid, tx->gas_limit, &c->cost.gas_price) &&
                add_product(&prepaid, blob_gas, &c->x->block->blob_base_fee);
    if (fits && !u256_less(&c->account.balance, &needed)) {
        c->cost.prepaid = prepaid;
        return;
    }
    c->verdict = EXEC_INSUFFICIENT_FUNDS;
    if (fits)
        err_set(c->why, 0, "%s: address %s have %s want %s", exec_verdict_text(c->verdict),
                address_text(c->sender).s, decimal(c->account.balance).s, decimal(needed).s);
    else
        err_set(c->why, 0, "%s: address %s required balance exceeds 256 bits",
                exec_verdict_text(c->verdict), address_text(c->sender).s);
}

static void check_intrinsic_gas(struct check *c)
{
    const struct eth_transaction *tx = c->tx;
    struct eth_intrinsic_gas intrinsic = eth_transaction_intrinsic_gas(tx, c->x->block->fork);
    c->cost.intrinsic = intrinsic;
    if (tx->gas_limit < intrinsic.gas)
        refuse_gas(c, EXEC_INTRINSIC_GAS, tx->gas_limit, intrinsic.gas);
    else if (tx->gas_limit < intrinsic.floor)
        refuse_gas(c, EXEC_FLOOR_GAS, tx->gas_limit, intrinsic.floor);
    else if (tx->gas_limit > INT64_MAX) /* no block is that large; the machine counts in 63 bits */
        refuse(c, EXEC_GAS_LIMIT_REACHED);
}

static int load_sender(struct check *c)
{
    const struct state_account *account;
    state_account_init(&c->account);
    int err = state_view_account(c->x->views[0], &account, c->sender);
    if (!err && account)
        c->account = *account;
    return err;
}

int exec_check(struct exec *x, enum exec_verdict *ret_verdict, struct exec_cost *ret_cost,
               struct err_detail *why, const struct eth_transaction *tx,
               const struct address *sender, unsigned flags)
{
    static void (*const before[])(struct check *) = {check_type, check_nonce, check_gas_cap};
    static void (*const after[])(struct check *) = {
        check_fee,       check_blobs, check_authorizations, check_initcode,
        check_block_gas, check_funds, check_intrinsic_gas};
    struct check c = {.x = x, .tx = tx, .sender = sender, .flags = flags, .why = why};
    int err = load_sender(&c);
    for (size_t i = 0; i < BASE_COUNT(before) && c.verdict == EXEC_VALID && !err; i++)
        before[i](&c);
    if (c.verdict == EXEC_VALID && !err)
        err = check_eoa(&c);
    for (size_t i = 0; i < BASE_COUNT(after) && c.verdict == EXEC_VALID && !err; i++)
        after[i](&c);
    if (err)
        return err;
    *ret_verdict = c.verdict;
    *ret_cost = c.cost;
    return 0;
}
