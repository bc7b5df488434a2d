#include "rpc/run/override.h"

#include "crypto/address.h"

static int store_slots(struct state_view *view, const struct address *address,
                       const struct rpc_override_slot *slots, size_t count)
{
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        struct u256 slot = u256_load(slots[i].slot.b), value = u256_load(slots[i].value.b);
        status = state_view_store(view, NULL, NULL, NULL, address, &slot, &value);
    }
    return status;
}

/* The account stays, its storage goes: it is destructed and made again. */
static int replace_storage(struct state_view *view, const struct rpc_override *o)
{
    const struct state_account *found;
    struct bytes code;
    bool first;
    int status = state_view_account(view, &found, &o->address);
    struct state_account account = {.nonce = 0};
    if (status == 0 && found) {
        account = *found;
        status = state_view_code(view, &code, &o->address);
        if (status == 0)
            status = state_view_mark_destructed(view, &first, &o->address);
        if (status)
            return status;
        state_view_end_transaction(view, false);
        status = state_view_set_balance(view, &o->address, &account.balance);
        if (status == 0)
            status = state_view_set_nonce(view, &o->address, account.nonce);
        if (status == 0 && code.len)
            status = state_view_set_code(view, &o->address, code);
    }
    if (status == 0)
        status = store_slots(view, &o->address, o->slots, o->slot_count);
    if (status == 0)
        state_view_end_transaction(view, false);
    return status;
}

static int change_account(struct state_view *view, const struct rpc_override *o)
{
    int status = 0;
    if (o->has_nonce)
        status = state_view_set_nonce(view, &o->address, o->nonce);
    if (status == 0 && o->has_code)
        status = state_view_set_code(view, &o->address, o->code);
    if (status == 0 && o->has_balance)
        status = state_view_set_balance(view, &o->address, &o->balance);
    return status ? status : store_slots(view, &o->address, o->diff, o->diff_count);
}

int rpc_override_apply(struct rpc_call *call, struct state_view *view,
                       const struct rpc_override *list, size_t count)
{
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        char text[CRYPTO_ADDRESS_TEXT];
        crypto_address_checksum(text, &list[i].address);
        if (list[i].has_state && list[i].has_state_diff)
            return rpc_fail(call, RPC_CODE_ERROR, "account %s has both 'state' and 'stateDiff'",
                            text);
        if (list[i].has_state)
            status = replace_storage(view, &list[i]);
    }
    for (size_t i = 0; i < count && status == 0; i++)
        status = change_account(view, &list[i]);
    return status;
}
