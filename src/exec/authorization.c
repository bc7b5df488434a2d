/* Delegations: EIP-7702. */
#include "exec/exec_priv.h"

static const uint8_t prefix[] = {0xef, 0x01, 0x00};

enum {
    /* PER_EMPTY_ACCOUNT_COST - PER_AUTH_BASE_COST, given back when the account was there. */
    REFUND_EXISTING = 25000 - 12500,
};

bool exec_delegation(struct bytes code, struct address *ret_target)
{
    if (code.len != EXEC_DELEGATION_SIZE || memcmp(code.data, prefix, sizeof(prefix)) != 0)
        return false;
    memcpy(ret_target->b, code.data + sizeof(prefix), sizeof(ret_target->b));
    return true;
}

/* Whether the account may be delegated: it has no other code, and the nonce is the next one. */
static int may_delegate(struct state_view *view, bool *ret_may, const struct address *authority,
                        uint64_t nonce)
{
    struct bytes code;
    struct address target;
    const struct state_account *account;
    int err = state_view_code(view, &code, authority);
    if (!err)
        err = state_view_account(view, &account, authority);
    if (err)
        return err;
    *ret_may = (code.len == 0 || exec_delegation(code, &target)) &&
               (account ? account->nonce : 0) == nonce;
    return 0;
}

static int delegate(struct state_view *view, int64_t *refund, const struct address *authority,
                    const struct eth_authorization *a)
{
    const struct state_account *account;
    int err = state_view_account(view, &account, authority);
    if (err)
        return err;
    if (account)
        *refund += REFUND_EXISTING;
    uint8_t code[EXEC_DELEGATION_SIZE];
    memcpy(code, prefix, sizeof(prefix));
    memcpy(code + sizeof(prefix), a->address.b, sizeof(a->address.b));
    bool clears = address_is_zero(&a->address);
    err = state_view_set_code(view, authority, bytes_of(code, clears ? 0 : sizeof(code)));
    return err ? err : state_view_set_nonce(view, authority, a->nonce + 1);
}

static int authorize(struct exec *x, int64_t *refund, const struct eth_authorization *a)
{
    struct state_view *view = x->views[0];
    struct address authority;
    bool cold, may;
    if (!u256_is_zero(&a->chain_id) && !u256_equal(&a->chain_id, &x->block->chain_id))
        return 0;
    if (a->nonce == UINT64_MAX) /* EIP-2681 */
        return 0;
    if (eth_authorization_recover(a, &authority) != ETH_TX_OK)
        return 0;
    int err = state_view_access_account(view, &cold, &authority);
    if (!err)
        err = may_delegate(view, &may, &authority, a->nonce);
    if (err || !may)
        return err;
    return delegate(view, refund, &authority, a);
}

int exec_authorize(struct exec *x, int64_t *ret_refund, const struct eth_transaction *tx)
{
    int64_t refund = 0;
    int err = 0;
    for (size_t i = 0; i < tx->authorization_count && !err; i++)
        err = authorize(x, &refund, &tx->authorizations[i]);
    if (!err)
        *ret_refund = refund;
    return err;
}
