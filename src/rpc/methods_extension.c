/*
 * quorumExtension: a private contract's state for a new party (GoQuorum, extension/api.go). Each change is a private transaction of the
 * management contract; which parties it goes to is what the caller says, and of contracts with privacy enhancements all their parties.
 */
#include "accounts/accounts.h"
#include "base/base64.h"
#include "permission/permission.h"
#include "rpc/extension_priv.h"
#include "rpc/json.h"
#include "rpc/methods.h"
#include "rpc/private.h"

#include "crypto/address.h"

enum {
    DEFAULT_GAS = 4712384,
    /* Places of arguments that no client gives: what `quick` found on the loop. */
    FROM_IS_ADMIN = 4,
    RECIPIENT_IS_ADMIN = 5,
    CREATION = 5,
};

static int fail(struct rpc_call *call, int status, const struct err_detail *detail)
{
    return status == PRIVACY_FAILED ? rpc_fail(call, RPC_CODE_ERROR, "%s", detail->text) : status;
}

static bool is_admin(const struct rpc_call *call, const struct address *account)
{
    const struct permission *permission = call->backend->permission;
    return !permission || permission_is_admin(permission, account);
}

/* --- The state at the head --- */

struct head {
    struct rpc_call *call;
    struct chain_reader reader;
    uint64_t number;
};

/* To be closed when 0. */
static int open_head(struct head *h, struct rpc_call *call)
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

static int read_account(struct head *h, bool private, const struct address *address,
                        bool *ret_exists, struct bytes *ret_code, struct hash256 *ret_storage)
{
    struct state_reader state;
    struct state_account account;
    int status =
        private ? chain_reader_private_state(&h->reader, &state, chain_psi_private(), h->number)
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
static int read_metadata(struct rpc_call *call, const struct address *address, bool *ret_enhanced,
                         struct chain_metadata *ret_metadata)
{
    struct head h;
    enum chain_metadata_status found = CHAIN_METADATA_NO_ACCOUNT;
    int status = open_head(&h, call);
    if (status)
        return status;
    status = chain_reader_metadata(&h.reader, &found, ret_metadata, chain_psi_private(), h.number,
                                   address);
    if (status)
        status = rpc_reader_fail(call, &h.reader, status);
    chain_reader_close(&h.reader);
    *ret_enhanced = status == 0 && found == CHAIN_METADATA_FOUND &&
                    ret_metadata->flag != CHAIN_STANDARD_PRIVATE;
    return status;
}

/* --- The transaction --- */

static int append_keys(struct rpc_call *call, struct privacy_keys *keys,
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
static int add_participants(struct rpc_call *call, struct rpc_transaction *tx,
                            const struct address *contract)
{
    struct chain_metadata metadata;
    struct privacy_keys parties;
    struct err_detail detail = {""};
    bool enhanced;
    int status = read_metadata(call, contract, &enhanced, &metadata);
    if (status || !enhanced)
        return status;
    status = privacy_participants(call->backend->privacy, &parties, &metadata.creation, call->arena,
                                  &detail);
    if (status)
        return status == PRIVACY_FAILED ? 0 : status;
    tx->private.is_given |= parties.count > 0;
    return append_keys(call, &tx->private.for_, &parties);
}

/* GenerateTransactOptions: gas and price unless the caller says otherwise; of all else in his object nothing counts. */
static int make_options(struct rpc_call *call, struct rpc_transaction *tx)
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
static int send(struct rpc_call *call, struct rpc_transaction *tx, const struct address *to,
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

static int send_call(struct rpc_call *call, struct rpc_transaction *tx, const struct address *to,
                     const char *function, const struct permission_value *values)
{
    const struct address management = *to; /* may be an argument, which `send` replaces */
    struct buf data = BUF_INIT;
    permission_abi_call(&data, function, values);
    return send(call, tx, &management, &data);
}

/* --- The list --- */

static int active(struct rpc_call *call)
{
    const struct extension_list *list = &rpc_extension_of(call->rpc)->list;
    buf_append_byte(call->out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->entries[i].psi, EXTENSION_PSI) != 0)
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
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->entries[i].psi, EXTENSION_PSI) == 0 &&
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
    int status = read_metadata(call, contract, &enhanced, &metadata);
    if (status || !enhanced)
        return status;
    status = privacy_is_sender(call->backend->privacy, &is_sender, &metadata.creation, &detail);
    if (status < 0)
        return status;
    return status == 0 && is_sender ? 0 : rpc_fail(call, RPC_CODE_ERROR, "operation not allowed");
}

static int check_contract(struct rpc_call *call, const struct address *contract,
                          const struct address *recipient)
{
    struct head h;
    struct bytes code;
    struct hash256 storage;
    bool is_public = false, exists = false;
    int status = open_head(&h, call);
    if (status)
        return status;
    status = read_account(&h, false, contract, &is_public, &code, &storage);
    if (status == 0 && is_public)
        status = rpc_fail(call, RPC_CODE_ERROR, "extending a public contract!!! not allowed");
    if (status == 0 && address_is_zero(recipient))
        status = rpc_fail(call, RPC_CODE_ERROR, "invalid recipient address");
    if (status == 0)
        status = read_account(&h, true, contract, &exists, &code, &storage);
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
    return tx->private.for_.count ? 0 : append_keys(call, &tx->private.for_, &one);
}

static int extend(struct rpc_call *call)
{
    const struct address contract = call->args[0].address, recipient = call->args[2].address;
    const struct bytes key = call->args[1].bytes;
    struct rpc_transaction *tx = call->args[3].transaction;
    struct buf data = BUF_INIT;
    int status = check_contract(call, &contract, &recipient);
    if (status == 0)
        status = check_accounts(call, &tx->from, &recipient);
    if (status == 0)
        status = check_keys(call, tx, key);
    if (status == 0)
        status = add_participants(call, tx, &contract);
    if (status == 0)
        status = make_options(call, tx);
    if (status)
        return status;
    extension_management_creation(&data, &contract, &recipient, key);
    return send(call, tx, NULL, &data);
}

/* --- Voting --- */

static int check_open(struct rpc_call *call, const struct address *management,
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
        return fail(call, status, &detail);
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
    int status = check_open(call, &management, &tx->from, "accept");
    if (status == 0 && !call->args[FROM_IS_ADMIN].boolean)
        status = rpc_fail(call, RPC_CODE_ERROR, "account cannot accept extension");
    if (status == 0)
        status = add_participants(call, tx, &management);
    if (status == 0)
        status = make_options(call, tx);
    if (status == 0)
        status = check_voter(call, &management, &tx->from);
    if (status == 0)
        status = make_uuid(call, &management, &tx->private, &uuid);
    values[1].text = buf_bytes(&uuid);
    if (status == 0)
        status = send_call(call, tx, &management, EXTENSION_VOTE, values);
    buf_release(&uuid);
    return status;
}

static int generate_uuid(struct rpc_call *call)
{
    const struct address management = call->args[0].address, signer = call->args[1].address;
    struct rpc_transaction *tx = call->args[2].transaction;
    struct buf uuid = BUF_INIT;
    int status = check_open(call, &management, &signer, "accept");
    if (status == 0)
        status = add_participants(call, tx, &management);
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
    int status = check_open(call, &management, &tx->from, "cancel");
    if (status == 0)
        status = add_participants(call, tx, &management);
    if (status == 0)
        status = make_options(call, tx);
    if (status == 0)
        status = rpc_extension_ask_address(call, &management, EXTENSION_CREATOR, &creator);
    if (status == 0 && !address_equal(&creator, &tx->from))
        status =
            rpc_fail(call, RPC_CODE_ERROR, "account is not the creator of this extension request");
    return status ? status : send_call(call, tx, &management, EXTENSION_FINISH, NULL);
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

/* --- Sharing --- */

static int quick_share(struct rpc_call *call)
{
    const struct extension_entry *entry =
        extension_list_find(&rpc_extension_of(call->rpc)->list, &call->args[0].address);
    if (!entry || strcmp(entry->psi, EXTENSION_PSI) != 0)
        return rpc_fail(call, RPC_CODE_ERROR,
                        "no extension under way has this management contract");
    call->args[CREATION].bytes =
        arena_copy(call->arena, bytes_of(entry->creation.b, sizeof(entry->creation.b)));
    return call->args[CREATION].bytes.data ? RPC_LATER : ERR_NOMEM;
}

static int check_agreed(struct rpc_call *call, const struct address *management)
{
    bool all = false, outcome = false;
    int status = check_open(call, management, NULL, "share");
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
    struct chain_payload_hash hash = chain_payload_hash_of(call->args[CREATION].bytes);
    struct chain_payload payload;
    struct err_detail detail = {""};
    struct privacy_tm *tm = call->backend->privacy;
    *ret = (struct rpc_private){.is_given = true};
    int status = privacy_participants(tm, &ret->for_, &hash, call->arena, &detail);
    if (status == 0)
        status = privacy_receive(tm, &payload, &hash, false, call->arena, &detail);
    if (status)
        return fail(call, status, &detail);
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
    struct head h;
    bool enhanced, exists = false;
    int status = read_metadata(call, contract, &enhanced, &metadata);
    if (status || !enhanced)
        return status;
    in->flag = metadata.flag;
    if (in->flag == CHAIN_MANDATORY_RECIPIENTS)
        return fail(call,
                    privacy_mandatory(call->backend->privacy, &in->mandatory, &metadata.creation,
                                      call->arena, &detail),
                    &detail);
    if (in->flag != CHAIN_STATE_VALIDATION)
        return 0;
    status = open_head(&h, call);
    if (status)
        return status;
    status = read_account(&h, true, contract, &exists, &code, &in->exec_hash);
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
        status = fail(call, privacy_send(call->backend->privacy, ret_hash, &in, &detail), &detail);
    buf_release(&state);
    return status;
}

static int share(struct rpc_call *call)
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
        status = make_options(call, tx);
    if (status == 0)
        status = send_state(call, &contract, &tx->private, &hash);
    if (status)
        return status;
    base64_append(&text, bytes_of(hash.b, sizeof(hash.b)));
    const struct permission_value value = {.text = buf_bytes(&text)};
    status = buf_status(&text);
    if (status == 0)
        status = send_call(call, tx, &management, EXTENSION_SET_SHARED_HASH, &value);
    buf_release(&text);
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
     .result = "hash of the management contract's creation"},
    {"quorumExtension_approveExtension",
     {MANAGEMENT, {"vote", RPC_BOOL}, TRANSACTION},
     .quick = quick_approve,
     .work = approve,
     .waits = true,
     SENDING,
     .result = "hash"},
    {"quorumExtension_cancelExtension",
     {MANAGEMENT, TRANSACTION},
     .work = cancel,
     SENDING,
     .result = "hash"},
    {"quorumExtension_getExtensionStatus",
     {MANAGEMENT},
     .work = get_status,
     .result = "DONE or ACTIVE"},
    {"quorumExtension_generateExtensionApprovalUuid",
     {MANAGEMENT, {"externalSigner", RPC_ADDRESS}, TRANSACTION},
     .work = generate_uuid,
     .waits = true,
     .result = "what an external signer votes with, hex"},
    {"quorumExtension_shareState",
     {MANAGEMENT},
     .quick = quick_share,
     .work = share,
     .waits = true,
     SENDING,
     .result = "hash; what the node does by itself when all have voted, done now"},
};

const struct rpc_method_list rpc_methods_extension = {methods, BASE_COUNT(methods)};
