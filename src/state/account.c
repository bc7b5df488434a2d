#include "state/account.h"

#include "crypto/keccak.h"
#include "rlp/rlp.h"

void state_account_init(struct state_account *account)
{
    *account =
        (struct state_account){.code_hash = crypto_keccak256_empty, .storage = trie_empty_root()};
}

bool state_account_is_empty(const struct state_account *account)
{
    return account->nonce == 0 && u256_is_zero(&account->balance) &&
           hash256_equal(&account->code_hash, &crypto_keccak256_empty);
}

size_t state_account_encode(uint8_t ret_rlp[STATE_ACCOUNT_RLP_MAX],
                            const struct state_account *account)
{
    size_t content = rlp_size_u64(account->nonce) + rlp_size_u256(&account->balance) +
                     2 * (1 + sizeof(struct hash256));
    uint8_t *at = rlp_put_list_header(ret_rlp, content);
    at = rlp_put_u64(at, account->nonce);
    at = rlp_put_u256(at, &account->balance);
    at = rlp_put_hash(at, &account->storage.hash);
    at = rlp_put_hash(at, &account->code_hash);
    return (size_t)(at - ret_rlp);
}

int state_account_decode(struct state_account *ret_account, struct bytes rlp)
{
    struct rlp_reader r;
    rlp_reader_init(&r, rlp);
    struct state_account account;
    state_account_init(&account);
    rlp_enter(&r, "account");
    account.nonce = rlp_read_u64(&r, "nonce");
    account.balance = rlp_read_u256(&r, "balance");
    account.storage.hash = rlp_read_hash(&r, "storage root");
    account.code_hash = rlp_read_hash(&r, "code hash");
    rlp_leave(&r, "account");
    if (rlp_finish(&r, NULL, "account"))
        return ERR_CORRUPT;
    *ret_account = account;
    return 0;
}

size_t state_slot_encode(uint8_t ret_rlp[STATE_SLOT_RLP_MAX], const struct u256 *value)
{
    return (size_t)(rlp_put_u256(ret_rlp, value) - ret_rlp);
}

int state_slot_decode(struct u256 *ret_value, struct bytes rlp)
{
    struct rlp_reader r;
    rlp_reader_init(&r, rlp);
    struct u256 value = rlp_read_u256(&r, "slot");
    if (rlp_finish(&r, NULL, "slot"))
        return ERR_CORRUPT;
    *ret_value = value;
    return 0;
}
