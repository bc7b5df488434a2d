/*
 * quorumExtension: a private contract's state for a new party (GoQuorum, extension/api.go). Each change is a private transaction of the
 * management contract; which parties it goes to is what the caller says, and of contracts with privacy enhancements all their parties.
 */
#include "accounts/accounts.h"
#include "base/base64.h"
#include "permission/permission.h"
#include "rpc/access/psi.h"
#include "rpc/extension/priv.h"
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"
#include "rpc/methods/private.h"

#include "crypto/address.h"

enum {
    /* Places of arguments that no client gives: what `quick` found on the loop. */
    FROM_IS_ADMIN = 4,
    RECIPIENT_IS_ADMIN = 5,
};

static bool is_admin(const struct rpc_call *call, const struct address *account)
{
    const struct permission *permission = call->backend->permission;
    return !permission || permission_is_admin(permission, account);
}

/* --- The list --- */

static int active(struct rpc_call *call)
{
    const struct extension_list *list = &rpc_extension_of(call->rpc)->list;
    int status = rpc_psi(call);
    if (status)
        return status;
    buf_append_byte(call->out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (!bytes_equal(bytes_str(list->entries[i].psi), call->psi))
            continue;
        rpc_item(call->out);
        extension_entry_write(call->out, &list->entries[i]);
    }
    buf_append_byte(call->out, ']');
    return 0;
}

/* --- Beginning --- */

static int quick_extend(struct rpc_call *call)
{
    const struct extension_list *list = &rpc_extension_of(call->rpc)->list;
    int status = rpc_psi(call);
    if (status)
        return status;
    for (size_t i = 0; i < list->count; i++)
        if (bytes_equal(bytes_str(list->entries[i].psi), call->psi) &&
            address_equal(&list->entries[i].contract, &call->args[0].address))
            return rpc_fail(call, RPC_CODE_ERROR,
                            "contract extension in progress for the given contract address");
    call->args[FROM_IS_ADMIN].boolean = is_admin(call, &call->args[3].transaction->from);
    call->args[RECIPIENT_IS_ADMIN].boolean = is_admin(call, &call->args[2].address);
    return RPC_LATER;
}

/* Whether this node made the contract: of a standard-private one any party passes. */
static int check_creator(struct rpc_call *call, const struct address *contract)
{
    struct chain_metadata metadata;
    struct err_detail detail = {""};
    bool enhanced, is_sender = false;
    int status = rpc_extension_metadata(call, contract, &enhanced, &metadata);
    if (status || !enhanced)
        return status;
    status = rpc_extension_is_sender(call, &is_sender, &metadata.creation, &detail);
    if (status < 0)
        return status;
    return status == 0 && is_sender ? 0 : rpc_fail(call, RPC_CODE_ERROR, "operation not allowed");
}

/* Whose transaction it is, and whether he may (a tenant's key when none is given). */
static int check_tenant(struct rpc_call *call, struct rpc_transaction *tx)
{
    return rpc_psi_check_send(call, &tx->private.from, &tx->from, false);
}

static int check_contract(struct rpc_call *call, const struct address *contract,
                          const struct address *recipient, struct rpc_transaction *tx)
{
    struct rpc_extension_state h;
    struct bytes code;
    struct hash256 storage;
    bool is_public = false, exists = false;
    int status = rpc_extension_open_head(&h, call);
    if (status)
        return status;
    status = rpc_extension_account(&h, false, contract, &is_public, &code, &storage);
    if (status == 0 && is_public)
        status = rpc_fail(call, RPC_CODE_ERROR, "extending a public contract!!! not allowed");
    if (status == 0)
        status = check_tenant(call, tx);
    if (status == 0 && address_is_zero(recipient))
        status = rpc_fail(call, RPC_CODE_ERROR, "invalid recipient address");
    if (status == 0)
        status = rpc_extension_account(&h, true, contract, &exists, &code, &storage);
    if (status == 0 && (!exists || code.len == 0))
        status = rpc_fail(call, RPC_CODE_ERROR,
                          "extending a non-existent private contract!!! not allowed");
    chain_reader_close(&h.reader);
    return status ? status : check_creator(call, contract);
}

static int check_accounts(struct rpc_call *call, const struct address *from,
                          const struct address *recipient)
{
    const char *text = NULL;
    if (address_equal(from, recipient))
        text = "account accepting the extension cannot be the account initiating extension";
    else if (!call->args[FROM_IS_ADMIN].boolean)
        text = "account not an org admin account, cannot initiate extension";
    else if (!call->args[RECIPIENT_IS_ADMIN].boolean)
        text = "recipient account address is not an org admin account. cannot accept extension";
    return text ? rpc_fail(call, RPC_CODE_ERROR, "%s", text) : 0;
}

static int check_keys(struct rpc_call *call, struct rpc_transaction *tx, struct bytes key)
{
    struct buf decoded = BUF_INIT;
    struct privacy_keys one = {&key, 1, false};
    int status = base64_decode(&decoded, key);
    buf_release(&decoded);
    if (status == ERR_NOMEM)
        return status;
    if (status || key.len % 4)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "invalid new recipient transaction manager key provided");
    if (tx->private.for_.count > 1)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "invalid transaction manager keys given in privateFor argument");
    if (tx->private.for_.count == 1 && !bytes_equal(tx->private.for_.keys[0], key))
        return rpc_fail(
            call, RPC_CODE_ERROR,
            "mismatch between recipient transaction manager key and privateFor argument");
    tx->private.is_given = true;
    return tx->private.for_.count ? 0 : rpc_extension_append_keys(call, &tx->private.for_, &one);
}

static int extend(struct rpc_call *call)
{
    const struct address contract = call->args[0].address, recipient = call->args[2].address;
    const struct bytes key = call->args[1].bytes;
    struct rpc_transaction *tx = call->args[3].transaction;
    struct buf data = BUF_INIT;
    int status = check_contract(call, &contract, &recipient, tx);
    if (status == 0)
        status = check_accounts(call, &tx->from, &recipient);
    if (status == 0)
        status = check_keys(call, tx, key);
    if (status == 0)
        status = rpc_extension_add_participants(call, tx, &contract);
    if (status == 0)
        status = rpc_extension_options(call, tx);
    if (status)
        return status;
    extension_management_creation(&data, &contract, &recipient, key);
    return rpc_extension_send(call, tx, NULL, &data);
}

/* --- Voting --- */

static int check_voter(struct rpc_call *call, const struct address *management,
                       const struct address *from)
{
    struct permission_value out[PERMISSION_VALUES_MAX], index = {.number = u256_from(0)};
    bool is_voter = false, voted = false;
    int status =
        rpc_extension_ask(call, management, NULL, EXTENSION_VOTER_COUNT, NULL, "(uint256)", out);
    if (status)
        return status;
    uint64_t count = u256_is_u64(&out[0].number) ? out[0].number.w[0] : UINT64_MAX;
    if (count > RPC_EXTENSION_VOTERS_MAX)
        return rpc_fail(call, RPC_CODE_ERROR, "the management contract has more than %d voters",
                        RPC_EXTENSION_VOTERS_MAX);
    for (uint64_t i = 0; i < count && !is_voter; i++) {
        index.number = u256_from(i);
        status =
            rpc_extension_ask(call, management, NULL, EXTENSION_VOTER, &index, "(address)", out);
        if (status)
            return status;
        is_voter = address_equal(&out[0].address, from);
    }
    if (!is_voter)
        return rpc_fail(call, RPC_CODE_ERROR, "account is not acceptor of this extension request");
    status = rpc_extension_ask_bool(call, management, from, EXTENSION_HAS_VOTED, &voted);
    if (status < 0)
        return status;
    return status == 0 && voted ? rpc_fail(call, RPC_CODE_ERROR, "already voted") : 0;
}

/* The management contract's address, sealed and sent: by it each node knows later that the vote is its own. As the text that is voted with. */
static int make_uuid(struct rpc_call *call, const struct address *management,
                     const struct rpc_private *parties, struct buf *uuid)
{
    struct privacy_tm *tm = call->backend->privacy;
    struct privacy_send in = {.payload = bytes_of(management->b, sizeof(management->b)),
                              .from = parties->from,
                              .mandatory = {.is_null = true}};
    struct buf sealed = BUF_INIT;
    struct err_detail detail = {""};
    struct chain_payload_hash hash;
    int status = privacy_encrypt(tm, &sealed, &in, &detail);
    if (status == 0) {
        in.payload = buf_bytes(&sealed);
        in.to = parties->for_;
        status = privacy_send(tm, &hash, &in, &detail);
    }
    buf_release(&sealed);
    if (status)
        return rpc_extension_fail(call, status, &detail);
    hex_append(uuid, bytes_of(hash.b, sizeof(hash.b)));
    return buf_status(uuid);
}

static int quick_approve(struct rpc_call *call)
{
    call->args[FROM_IS_ADMIN].boolean = is_admin(call, &call->args[2].transaction->from);
    return RPC_LATER;
}

static int approve(struct rpc_call *call)
{
    const struct address management = call->args[0].address;
    struct permission_value values[] = {{.number = u256_from(call->args[1].boolean)},
                                        {.text = bytes_none()}};
    struct rpc_transaction *tx = call->args[2].transaction;
    struct buf uuid = BUF_INIT;
    int status = check_tenant(call, tx);
    if (status == 0)
        status = rpc_extension_check_open(call, &management, &tx->from, "accept");
    if (status == 0 && !call->args[FROM_IS_ADMIN].boolean)
        status = rpc_fail(call, RPC_CODE_ERROR, "account cannot accept extension");
    if (status == 0)
        status = rpc_extension_add_participants(call, tx, &management);
    if (status == 0)
        status = rpc_extension_options(call, tx);
    if (status == 0)
        status = check_voter(call, &management, &tx->from);
    if (status == 0)
        status = make_uuid(call, &management, &tx->private, &uuid);
    values[1].text = buf_bytes(&uuid);
    if (status == 0)
        status = rpc_extension_send_call(call, tx, &management, EXTENSION_VOTE, values);
    buf_release(&uuid);
    return status;
}

static int generate_uuid(struct rpc_call *call)
{
    const struct address management = call->args[0].address, signer = call->args[1].address;
    struct rpc_transaction *tx = call->args[2].transaction;
    struct buf uuid = BUF_INIT;
    int status = check_tenant(call, tx);
    if (status == 0)
        status = rpc_extension_check_open(call, &management, &signer, "accept");
    if (status == 0)
        status = rpc_extension_add_participants(call, tx, &management);
    if (status == 0)
        status = check_voter(call, &management, &signer);
    if (status == 0)
        status = make_uuid(call, &management, &tx->private, &uuid);
    if (status == 0)
        rpc_json_write_string(call->out, buf_bytes(&uuid));
    buf_release(&uuid);
    return status;
}

/* --- Ending --- */

static int cancel(struct rpc_call *call)
{
    const struct address management = call->args[0].address;
    struct rpc_transaction *tx = call->args[1].transaction;
    struct address creator;
    int status = check_tenant(call, tx);
    if (status == 0)
        status = rpc_extension_check_open(call, &management, &tx->from, "cancel");
    if (status == 0)
        status = rpc_extension_add_participants(call, tx, &management);
    if (status == 0)
        status = rpc_extension_options(call, tx);
    if (status == 0)
        status = rpc_extension_ask_address(call, &management, EXTENSION_CREATOR, &creator);
    if (status == 0 && !address_equal(&creator, &tx->from))
        status =
            rpc_fail(call, RPC_CODE_ERROR, "account is not the creator of this extension request");
    return status ? status : rpc_extension_send_call(call, tx, &management, EXTENSION_FINISH, NULL);
}

static int get_status(struct rpc_call *call)
{
    static const struct address nobody;
    bool finished = false;
    int status = rpc_extension_ask_bool(call, &call->args[0].address, &nobody,
                                        EXTENSION_IS_FINISHED, &finished);
    if (status == 0)
        buf_append_text(call->out, finished ? "\"DONE\"" : "\"ACTIVE\"");
    return status;
}

#define MANAGEMENT  {"managementContract", RPC_ADDRESS}
#define TRANSACTION {"transaction", RPC_SEND}
#define SENDING                                                                                    \
    .run = rpc_send_made, .again_work = rpc_send_made_again_work,                                  \
    .again_run = rpc_send_made_again_run

static const struct rpc_method methods[] = {
    {"quorumExtension_activeExtensionContracts",
     {{0}},
     .run = active,
     .result = "array of extensions under way"},
    {"quorumExtension_extendContract",
     {{"contract", RPC_ADDRESS},
      {"newPartyKey", RPC_TEXT},
      {"recipient", RPC_ADDRESS},
      TRANSACTION},
     .quick = quick_extend,
     .work = extend,
     .waits = true,
     SENDING,
     .proxied = true,
     .result = "hash of the management contract's creation"},
    {"quorumExtension_approveExtension",
     {MANAGEMENT, {"vote", RPC_BOOL}, TRANSACTION},
     .quick = quick_approve,
     .work = approve,
     .waits = true,
     SENDING,
     .proxied = true,
     .result = "hash"},
    {"quorumExtension_cancelExtension",
     {MANAGEMENT, TRANSACTION},
     .work = cancel,
     SENDING,
     .proxied = true,
     .result = "hash"},
    {"quorumExtension_getExtensionStatus",
     {MANAGEMENT},
     .work = get_status,
     .result = "DONE or ACTIVE"},
    {"quorumExtension_generateExtensionApprovalUuid",
     {MANAGEMENT, {"externalSigner", RPC_ADDRESS}, TRANSACTION},
     .work = generate_uuid,
     .waits = true,
     .proxied = true,
     .result = "what an external signer votes with, hex"},
    {"quorumExtension_shareState",
     {MANAGEMENT},
     .quick = rpc_extension_quick_share,
     .work = rpc_extension_share,
     .waits = true,
     SENDING,
     .proxied = true,
     .result = "hash; what the node does by itself when all have voted, done now"},
};

const struct rpc_method_list rpc_methods_extension = {methods, BASE_COUNT(methods)};
