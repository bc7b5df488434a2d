/* quorumExtension_shareState: the state of a contract, for all parties of the management contract. */
#include "base/base64.h"
#include "rpc/access/psi.h"
#include "rpc/extension/priv.h"
#include "rpc/methods/private.h"

int rpc_extension_quick_share(struct rpc_call *call)
{
    int status = rpc_psi(call);
    if (status)
        return status;
    const struct extension_entry *entry =
        extension_list_find(&rpc_extension_of(call->rpc)->list, call->psi, &call->args[0].address);
    if (!entry)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "no extension under way has this management contract");
    call->args[RPC_EXTENSION_CREATION].bytes =
        arena_copy(call->arena, bytes_of(entry->creation.b, sizeof(entry->creation.b)));
    return call->args[RPC_EXTENSION_CREATION].bytes.data ? RPC_LATER : ERR_NOMEM;
}

static int check_agreed(struct rpc_call *call, const struct address *management)
{
    bool all = false, outcome = false;
    int status = rpc_extension_check_open(call, management, NULL, "share");
    if (status == 0)
        status = rpc_extension_ask_bool(call, management, NULL, EXTENSION_ALL_VOTED, &all);
    if (status == 0)
        status = rpc_extension_ask_bool(call, management, NULL, EXTENSION_OUTCOME, &outcome);
    if (status)
        return status;
    return all && outcome ? 0
                          : rpc_fail(call, RPC_CODE_ERROR,
                                     "not all have voted for the extension: nothing to share");
}

/* All parties of the management contract, and who sent it: a manager that does not say who (Tessera's API 2.0) names him last. */
static int find_parties(struct rpc_call *call, struct rpc_private *ret)
{
    struct chain_payload_hash hash =
        chain_payload_hash_of(call->args[RPC_EXTENSION_CREATION].bytes);
    struct chain_payload payload;
    struct err_detail detail = {""};
    struct privacy_tm *tm = call->backend->privacy;
    *ret = (struct rpc_private){.is_given = true};
    int status = privacy_participants(tm, &ret->for_, &hash, call->arena, &detail);
    if (status == 0)
        status = privacy_receive(tm, &payload, &hash, false, call->arena, &detail);
    if (status)
        return rpc_extension_fail(call, status, &detail);
    if (ret->for_.count == 0)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "the transaction manager does not know the management contract's parties");
    ret->from = payload.is_party && payload.sender.len ? payload.sender
                                                       : ret->for_.keys[ret->for_.count - 1];
    return 0;
}

/* The rules of the contract hold for its shared state, too. */
static int add_rules(struct rpc_call *call, const struct address *contract, struct privacy_send *in)
{
    struct chain_metadata metadata;
    struct err_detail detail = {""};
    struct bytes code;
    struct rpc_extension_state h;
    bool enhanced, exists = false;
    int status = rpc_extension_metadata(call, contract, &enhanced, &metadata);
    if (status || !enhanced)
        return status;
    in->flag = metadata.flag;
    if (in->flag == CHAIN_MANDATORY_RECIPIENTS)
        return rpc_extension_fail(call,
                                  privacy_mandatory(call->backend->privacy, &in->mandatory,
                                                    &metadata.creation, call->arena, &detail),
                                  &detail);
    if (in->flag != CHAIN_STATE_VALIDATION)
        return 0;
    status = rpc_extension_open_head(&h, call);
    if (status)
        return status;
    status = rpc_extension_account(&h, true, contract, &exists, &code, &in->exec_hash);
    chain_reader_close(&h.reader);
    return status;
}

static int send_state(struct rpc_call *call, const struct address *contract,
                      const struct rpc_private *parties, struct chain_payload_hash *ret_hash)
{
    struct privacy_send in = {.from = parties->from, .to = parties->for_};
    struct buf state = BUF_INIT;
    struct err_detail detail = {""};
    int status = add_rules(call, contract, &in);
    if (status == 0)
        status = rpc_dump_shared(call, &state, contract);
    if (status == ERR_NOTFOUND)
        status = rpc_fail(call, RPC_CODE_ERROR, "error in contract state fetch");
    in.payload = buf_bytes(&state);
    if (status == 0)
        status = rpc_extension_fail(
            call, privacy_send(call->backend->privacy, ret_hash, &in, &detail), &detail);
    buf_release(&state);
    return status;
}

int rpc_extension_share(struct rpc_call *call)
{
    const struct address management = call->args[0].address;
    struct rpc_transaction *tx = arena_alloc_zeroed(call->arena, 1, sizeof(*tx));
    struct address contract;
    struct chain_payload_hash hash;
    struct buf text = BUF_INIT;
    if (!tx)
        return ERR_NOMEM;
    int status = check_agreed(call, &management);
    if (status == 0)
        status = rpc_extension_ask_address(call, &management, EXTENSION_CREATOR, &tx->from);
    if (status == 0)
        status = rpc_extension_ask_address(call, &management, EXTENSION_CONTRACT, &contract);
    if (status == 0)
        status = find_parties(call, &tx->private);
    if (status == 0)
        status = rpc_extension_options(call, tx);
    if (status == 0)
        status = send_state(call, &contract, &tx->private, &hash);
    if (status)
        return status;
    base64_append(&text, bytes_of(hash.b, sizeof(hash.b)));
    const struct permission_value value = {.text = buf_bytes(&text)};
    status = buf_status(&text);
    if (status == 0)
        status = rpc_extension_send_call(call, tx, &management, EXTENSION_SET_SHARED_HASH, &value);
    buf_release(&text);
    return status;
}
