/* What the methods of extensions share: the state that they look at, and the private transaction that each of them sends. */
#include "accounts/accounts.h"
#include "crypto/address.h"
#include "rpc/access/psi.h"
#include "rpc/extension/priv.h"
#include "rpc/methods/private.h"

enum { DEFAULT_GAS = 4712384 };

int rpc_extension_fail(struct rpc_call *call, int status, const struct err_detail *detail)
{
    return status == PRIVACY_FAILED ? rpc_fail(call, RPC_CODE_ERROR, "%s", detail->text) : status;
}

int rpc_extension_is_sender(struct rpc_call *call, bool *ret_sender,
                            const struct chain_payload_hash *hash, struct err_detail *detail)
{
    struct chain_payload payload = {.is_party = false};
    struct privacy_tm *tm = call->backend->privacy;
    int status = privacy_is_sender(tm, ret_sender, hash, detail);
    if (status || !*ret_sender || !call->group)
        return status;
    status = privacy_receive(tm, &payload, hash, false, call->arena, detail);
    *ret_sender = !status && payload.is_party && chain_psi_has(call->group, payload.sender);
    return status;
}

/* --- The state at the head --- */

/* To be closed when 0. */
int rpc_extension_open_head(struct rpc_extension_state *h, struct rpc_call *call)
{
    struct hash256 hash;
    h->call = call;
    int status = rpc_reader_open(call, &h->reader);
    if (status)
        return status;
    status = chain_reader_head(&h->reader, &h->number, &hash);
    if (status == 0)
        return 0;
    status = rpc_reader_fail(call, &h->reader, status);
    chain_reader_close(&h->reader);
    return status;
}

int rpc_extension_account(struct rpc_extension_state *h, bool private,
                          const struct address *address, bool *ret_exists, struct bytes *ret_code,
                          struct hash256 *ret_storage)
{
    struct state_reader state;
    struct state_account account;
    int status = private ? chain_reader_private_state(&h->reader, &state, h->call->psi, h->number)
                         : chain_reader_state(&h->reader, &state, h->number);
    *ret_code = bytes_none();
    if (status == 0)
        status = state_reader_account(&state, &account, ret_exists, address);
    if (status == 0 && *ret_exists) {
        *ret_storage = account.storage.hash;
        status = state_reader_code(&state, ret_code, &account.code_hash);
    }
    return status ? rpc_reader_fail(h->call, &h->reader, status) : 0;
}

/* CHAIN_METADATA_FOUND of a contract with privacy enhancements alone. */
int rpc_extension_metadata(struct rpc_call *call, const struct address *address, bool *ret_enhanced,
                           struct chain_metadata *ret_metadata)
{
    struct rpc_extension_state h;
    enum chain_metadata_status found = CHAIN_METADATA_NO_ACCOUNT;
    int status = rpc_extension_open_head(&h, call);
    if (status)
        return status;
    status = chain_reader_metadata(&h.reader, &found, ret_metadata, call->psi, h.number, address);
    if (status)
        status = rpc_reader_fail(call, &h.reader, status);
    chain_reader_close(&h.reader);
    *ret_enhanced = status == 0 && found == CHAIN_METADATA_FOUND &&
                    ret_metadata->flag != CHAIN_STANDARD_PRIVATE;
    return status;
}

/* --- The transaction --- */

int rpc_extension_append_keys(struct rpc_call *call, struct privacy_keys *keys,
                              const struct privacy_keys *more)
{
    struct bytes *all = arena_alloc(call->arena, (keys->count + more->count + 1) * sizeof(*all));
    if (!all)
        return ERR_NOMEM;
    for (size_t i = 0; i < keys->count; i++)
        all[i] = keys->keys[i];
    for (size_t i = 0; i < more->count; i++)
        all[keys->count + i] = more->keys[i];
    *keys = (struct privacy_keys){all, keys->count + more->count, false};
    return 0;
}

/* The parties of a contract with privacy enhancements, behind those that were given; a manager that cannot tell is as if there were none
 * (as the reference). */
int rpc_extension_add_participants(struct rpc_call *call, struct rpc_transaction *tx,
                                   const struct address *contract)
{
    struct chain_metadata metadata;
    struct privacy_keys parties;
    struct err_detail detail = {""};
    bool enhanced;
    int status = rpc_extension_metadata(call, contract, &enhanced, &metadata);
    if (status || !enhanced)
        return status;
    status = privacy_participants(call->backend->privacy, &parties, &metadata.creation, call->arena,
                                  &detail);
    if (status)
        return status == PRIVACY_FAILED ? 0 : status;
    tx->private.is_given |= parties.count > 0;
    return rpc_extension_append_keys(call, &tx->private.for_, &parties);
}

/* GenerateTransactOptions: gas and price unless the caller says otherwise; of all else in his object nothing counts. */
int rpc_extension_options(struct rpc_call *call, struct rpc_transaction *tx)
{
    struct accounts *accounts = call->backend->accounts;
    char text[CRYPTO_ADDRESS_TEXT];
    if (!tx->private.is_given)
        return rpc_fail(call, RPC_CODE_ERROR, "must specify private participants");
    if (!accounts || !accounts_has(accounts, &tx->from)) {
        crypto_address_checksum(text, &tx->from);
        return rpc_fail(call, RPC_CODE_ERROR, "no wallet found for account %s", text);
    }
    *tx = (struct rpc_transaction){
        .has_from = true,
        .from = tx->from,
        .has_gas = true,
        .gas = tx->has_gas ? tx->gas : DEFAULT_GAS,
        .has_gas_price = true,
        .gas_price = tx->has_gas_price ? tx->gas_price : u256_from(0),
        .has_value = true,
        .private = {.is_given = true, .from = tx->private.from, .for_ = tx->private.for_},
    };
    return 0;
}

/* Gives the payload to the parties; `rpc_send_made` goes on. Takes what is in `data`. */
int rpc_extension_send(struct rpc_call *call, struct rpc_transaction *tx, const struct address *to,
                       struct buf *data)
{
    int status = buf_status(data);
    if (status == 0) {
        tx->data = arena_copy(call->arena, buf_bytes(data));
        status = tx->data.data ? 0 : ERR_NOMEM;
    }
    buf_release(data);
    tx->has_data = true;
    tx->has_to = to != NULL;
    if (to)
        tx->to = *to;
    if (status == 0)
        status = rpc_private_send(call, tx);
    call->args[0].transaction = tx;
    return status;
}

int rpc_extension_send_call(struct rpc_call *call, struct rpc_transaction *tx,
                            const struct address *to, const char *function,
                            const struct permission_value *values)
{
    const struct address management = *to; /* may be an argument, which `send` replaces */
    struct buf data = BUF_INIT;
    permission_abi_call(&data, function, values);
    return rpc_extension_send(call, tx, &management, &data);
}

int rpc_extension_check_open(struct rpc_call *call, const struct address *management,
                             const struct address *from, const char *over)
{
    bool finished = false;
    int status = rpc_extension_ask_bool(call, management, from, EXTENSION_IS_FINISHED, &finished);
    if (status)
        return status;
    return finished ? rpc_fail(call, RPC_CODE_ERROR,
                               "contract extension process complete. nothing to %s", over)
                    : 0;
}
