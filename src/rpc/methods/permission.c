/*
 * quorumPermission: the organisations, nodes, roles and accounts of a permissioned network, and what administrators do with
 * them (GoQuorum, permission/api.go). Everything on the loop: lists are the node's own, an action is one transaction.
 */
#include "accounts/accounts.h"
#include "base/hex.h"
#include "base/mem.h"
#include "p2p/enode.h"
#include "permission/action.h"
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"
#include "rpc/methods/private.h"
#include "rpc/run/lookup.h"

static struct permission *of(const struct rpc_call *call)
{
    return call->backend->permission;
}

/* --- Records --- */

static void write_text(struct buf *b, const char *key, struct bytes text)
{
    rpc_key(b, key);
    rpc_json_write_string(b, text);
}

static void write_small(struct buf *b, const char *key, unsigned number)
{
    rpc_key(b, key);
    buf_append_format(b, "%u", number);
}

static void write_flag(struct buf *b, const char *key, bool value)
{
    rpc_key(b, key);
    rpc_write_bool(b, value);
}

/* Names of what is below an organisation; Go's null when there is nothing. */
static void write_children(struct buf *b, const struct permission_model *m, struct bytes parent)
{
    bool any = false;
    for (size_t i = 0; i < map_count(&m->orgs); i++) {
        const struct permission_org *org = permission_org_at(m, i);
        if (org->parent.len == 0 || !bytes_equal(org->parent, parent))
            continue;
        buf_append_byte(b, any ? ',' : '[');
        rpc_json_write_string(b, org->full);
        any = true;
    }
    buf_append_text(b, any ? "]" : "null");
}

static void write_org(struct buf *b, const struct permission_model *m, size_t i)
{
    const struct permission_org *org = permission_org_at(m, i);
    write_text(b, "orgId", org->id);
    write_text(b, "fullOrgId", org->full);
    write_text(b, "parentOrgId", org->parent);
    write_text(b, "ultimateParent", org->ultimate);
    rpc_key(b, "level");
    rpc_write_decimal(b, &org->level);
    rpc_key(b, "subOrgList");
    write_children(b, m, org->full);
    write_small(b, "status", org->status);
}

static void write_node(struct buf *b, const struct permission_model *m, size_t i)
{
    const struct permission_node *node = permission_node_at(m, i);
    write_text(b, "orgId", node->org);
    write_text(b, "url", node->url);
    write_small(b, "status", node->status);
}

static void write_role(struct buf *b, const struct permission_model *m, size_t i)
{
    const struct permission_role *role = permission_role_at(m, i);
    write_text(b, "orgId", role->org);
    write_text(b, "roleId", role->role);
    write_flag(b, "isVoter", role->voter);
    write_flag(b, "isAdmin", role->admin);
    write_small(b, "access", role->access);
    write_flag(b, "active", role->active);
}

static void write_account(struct buf *b, const struct permission_model *m, size_t i)
{
    const struct permission_account *account = permission_account_at(m, i);
    write_text(b, "orgId", account->org);
    write_text(b, "roleId", account->role);
    rpc_put_address(b, "acctId", &account->address);
    write_flag(b, "isOrgAdmin", account->org_admin);
    write_small(b, "status", account->status);
}

static struct bytes no_org(const struct permission_model *m, size_t i)
{
    (void)m;
    (void)i;
    return bytes_none();
}

static struct bytes org_of_node(const struct permission_model *m, size_t i)
{
    return permission_node_at(m, i)->org;
}

static struct bytes org_of_role(const struct permission_model *m, size_t i)
{
    return permission_role_at(m, i)->org;
}

static struct bytes org_of_account(const struct permission_model *m, size_t i)
{
    return permission_account_at(m, i)->org;
}

static const struct kind {
    size_t offset; /* of the map in the model */
    void (*write)(struct buf *b, const struct permission_model *m, size_t i);
    struct bytes (*org)(const struct permission_model *m, size_t i);
} orgs = {offsetof(struct permission_model, orgs), write_org, no_org},
  nodes = {offsetof(struct permission_model, nodes), write_node, org_of_node},
  roles = {offsetof(struct permission_model, roles), write_role, org_of_role},
  accounts = {offsetof(struct permission_model, accounts), write_account, org_of_account};

/* All records, or those of one organisation; `none` is what stands for no record at all. */
static void write_list(struct buf *b, const struct permission_model *m, const struct kind *kind,
                       const struct bytes *org, const char *none)
{
    const struct map *map = (const void *)((const char *)m + kind->offset);
    bool any = false;
    for (size_t i = 0; i < map_count(map); i++) {
        if (org && !bytes_equal(kind->org(m, i), *org))
            continue;
        buf_append_text(b, any ? ",{" : "[{");
        kind->write(b, m, i);
        buf_append_byte(b, '}');
        any = true;
    }
    buf_append_text(b, any ? "]" : none);
}

static int list(struct rpc_call *call, const struct kind *kind)
{
    write_list(call->out, permission_model_of(of(call)), kind, NULL, "[]");
    return 0;
}

static int org_list(struct rpc_call *call)
{
    return list(call, &orgs);
}

static int node_list(struct rpc_call *call)
{
    return list(call, &nodes);
}

static int role_list(struct rpc_call *call)
{
    return list(call, &roles);
}

static int account_list(struct rpc_call *call)
{
    return list(call, &accounts);
}

static int get_org(struct rpc_call *call)
{
    const struct permission_model *m = permission_model_of(of(call));
    struct bytes org = call->args[0].bytes;
    struct buf *b = call->out;
    if (!permission_org(m, org))
        return rpc_fail(call, RPC_CODE_ERROR, "%s", permission_fault_text(PERMISSION_FAULT_NO_ORG));
    buf_append_byte(b, '{');
    rpc_key(b, "nodeList");
    write_list(b, m, &nodes, &org, "null");
    rpc_key(b, "roleList");
    write_list(b, m, &roles, &org, "null");
    rpc_key(b, "acctList");
    write_list(b, m, &accounts, &org, "null");
    rpc_key(b, "subOrgList");
    write_children(b, m, org);
    buf_append_byte(b, '}');
    return 0;
}

/* --- Questions --- */

static int transaction_allowed(struct rpc_call *call)
{
    const struct rpc_transaction *args = call->args[0].transaction;
    const struct eth_transaction tx = {
        .type = ETH_LEGACY,
        .is_creation = !args->has_to,
        .to = args->to,
        .value = args->value,
        .max_fee = args->gas_price,
        .gas_limit = args->gas,
        .data = args->data,
    };
    rpc_write_bool(call->out, permission_allows_transaction(of(call), &tx, &args->from));
    return 0;
}

/* `ret`, of `size`, as a C text; false when it is none. */
static bool copy_text(char *ret, size_t size, struct bytes text)
{
    if (text.len >= size || memchr(text.data, 0, text.len))
        return false;
    memcpy(ret, text.data, text.len);
    ret[text.len] = 0;
    return true;
}

/* The basic model takes a URL or a key, and looks at the key alone; the enhanced one a key, for the contract. */
static int connection_allowed(struct rpc_call *call)
{
    const bool basic = !permission_config_of(of(call))->enhanced;
    char key[P2P_ENODE_TEXT_MAX + 1], ip[256] = "";
    struct p2p_enode node;
    struct err_detail detail;
    bool allowed = copy_text(key, sizeof(key), call->args[0].bytes) &&
                   (basic || copy_text(ip, sizeof(ip), call->args[1].bytes)) &&
                   (basic || strlen(key) == 2 * sizeof(node.key.b)) &&
                   p2p_enode_parse(&node, key, &detail) == 0;
    if (allowed) {
        hex_encode(key, bytes_of(node.key.b, sizeof(node.key.b)));
        key[2 * sizeof(node.key.b)] = 0;
        allowed = permission_allows_connection(of(call), key, ip, (uint16_t)call->args[2].number);
    }
    rpc_write_bool(call->out, allowed);
    return 0;
}

/* --- Actions --- */

enum { DEFAULT_GAS = 4712384 };

/* The transaction of an action: to the interface contract, price 0 and so much gas unless the caller says otherwise. */
static int send_action(struct rpc_call *call, const struct permission_action *action,
                       const struct rpc_transaction *given, struct bytes data)
{
    struct rpc_transaction *tx = arena_alloc_zeroed(call->arena, 1, sizeof(*tx));
    if (!tx)
        return ERR_NOMEM;
    tx->has_from = tx->has_to = tx->has_gas = tx->has_gas_price = tx->has_value = tx->has_data =
        true;
    tx->from = action->from;
    tx->to = permission_config_of(of(call))->interface;
    tx->gas = given->has_gas ? given->gas : DEFAULT_GAS;
    tx->gas_price = given->has_gas_price ? given->gas_price : u256_from(0);
    tx->data = data;
    return rpc_send_as(call, tx);
}

static int act(struct rpc_call *call, struct permission_action *action,
               const struct rpc_transaction *given)
{
    struct buf data = BUF_INIT;
    struct err_detail why = {""};
    size_t before = call->out->len;
    action->from = given->from;
    if (!call->backend->accounts || !accounts_has(call->backend->accounts, &given->from))
        return rpc_fail(call, RPC_CODE_ERROR, "%s",
                        permission_fault_text(PERMISSION_FAULT_ACCOUNT));
    enum permission_fault fault = permission_action_check(of(call), action);
    if (fault != PERMISSION_FAULT_NONE)
        return rpc_fail(call, RPC_CODE_ERROR, "%s", permission_fault_text(fault));
    int status = permission_action_call(of(call), action, &data, &why);
    if (status == 0)
        status = send_action(call, action, given, buf_bytes(&data));
    buf_release(&data);
    call->out->len = before;
    if (status == RPC_FAILED || status == ERR_INPUT) {
        const char *text = status == ERR_INPUT ? why.text : NULL;
        struct bytes said = text ? bytes_str(text) : arena_copy(call->arena, call->text);
        return rpc_fail(call, RPC_CODE_ERROR, "failed to execute permissions action: %.*s",
                        (int)said.len, (const char *)said.data);
    }
    if (status == 0)
        buf_append_text(call->out, "\"Action completed successfully\"");
    return status;
}

/*
 * The parameters of each action, a letter each, before the transaction that ends them: o organisation, p parent, n node,
 * a account, r role, u action, x access, v voter, m admin.
 */
static int run(struct rpc_call *call, enum permission_action_kind kind, const char *parameters)
{
    struct permission_action action = {.kind = kind};
    size_t i = 0;
    for (; parameters[i]; i++) {
        const struct rpc_value *arg = &call->args[i];
        switch (parameters[i]) {
        case 'o':
            action.org = arg->bytes;
            break;
        case 'p':
            action.parent = arg->bytes;
            break;
        case 'n':
            action.url = arg->bytes;
            break;
        case 'r':
            action.role = arg->bytes;
            break;
        case 'a':
            action.account = arg->address;
            break;
        case 'v':
            action.voter = arg->boolean;
            break;
        case 'm':
            action.admin = arg->boolean;
            break;
        default:
            *(parameters[i] == 'u' ? &action.action : &action.access) =
                (uint8_t)call->args[i].number;
        }
    }
    return act(call, &action, call->args[i].transaction);
}

#define ACTION(function, kind, parameters)                                                         \
    static int function(struct rpc_call *call)                                                     \
    {                                                                                              \
        return run(call, kind, parameters);                                                        \
    }

ACTION(add_org, PERMISSION_ADD_ORG, "ona")
ACTION(approve_org, PERMISSION_APPROVE_ORG, "ona")
ACTION(add_sub_org, PERMISSION_ADD_SUB_ORG, "pon")
ACTION(update_org, PERMISSION_UPDATE_ORG, "ou")
ACTION(approve_org_update, PERMISSION_APPROVE_ORG_UPDATE, "ou")
ACTION(add_node, PERMISSION_ADD_NODE, "on")
ACTION(update_node, PERMISSION_UPDATE_NODE, "onu")
ACTION(assign_admin, PERMISSION_ASSIGN_ADMIN, "oar")
ACTION(approve_admin, PERMISSION_APPROVE_ADMIN, "oa")
ACTION(add_role, PERMISSION_ADD_ROLE, "orxvm")
ACTION(remove_role, PERMISSION_REMOVE_ROLE, "or")
ACTION(assign_role, PERMISSION_ASSIGN_ROLE, "aor")
ACTION(update_account, PERMISSION_UPDATE_ACCOUNT, "oau")
ACTION(recover_node, PERMISSION_RECOVER_NODE, "on")
ACTION(approve_node, PERMISSION_APPROVE_NODE_RECOVERY, "on")
ACTION(recover_account, PERMISSION_RECOVER_ACCOUNT, "oa")
ACTION(approve_account, PERMISSION_APPROVE_ACCOUNT_RECOVERY, "oa")

#define ORG         {"orgId", RPC_TEXT}
#define PARENT      {"parentOrgId", RPC_TEXT}
#define NODE        {"enodeUrl", RPC_TEXT}
#define ACCOUNT     {"account", RPC_ADDRESS}
#define ROLE        {"roleId", RPC_TEXT}
#define CHANGE      {"action", RPC_NUMBER8}
#define TRANSACTION {"transaction", RPC_SEND}
#define DONE        "Action completed successfully"

static const struct rpc_method methods[] = {
    {"quorumPermission_orgList", {{0}}, .run = org_list, .result = "array of organisations"},
    {"quorumPermission_nodeList", {{0}}, .run = node_list, .result = "array of nodes"},
    {"quorumPermission_roleList", {{0}}, .run = role_list, .result = "array of roles"},
    {"quorumPermission_acctList", {{0}}, .run = account_list, .result = "array of accounts"},
    {"quorumPermission_getOrgDetails",
     {ORG},
     .run = get_org,
     .result = "nodes, roles, accounts and sub-organisations"},
    {"quorumPermission_transactionAllowed",
     {TRANSACTION},
     .run = transaction_allowed,
     .result = "true or false"},
    {"quorumPermission_connectionAllowed",
     {{"enodeId", RPC_TEXT}, {"ip", RPC_TEXT}, {"port", RPC_NUMBER16}, {"raftPort", RPC_NUMBER16}},
     .run = connection_allowed,
     .result = "true or false"},
    {"quorumPermission_addOrg", {ORG, NODE, ACCOUNT, TRANSACTION}, .run = add_org, .result = DONE},
    {"quorumPermission_approveOrg",
     {ORG, NODE, ACCOUNT, TRANSACTION},
     .run = approve_org,
     .result = DONE},
    {"quorumPermission_addSubOrg",
     {PARENT, ORG, NODE, TRANSACTION},
     .run = add_sub_org,
     .result = DONE},
    {"quorumPermission_updateOrgStatus",
     {ORG, CHANGE, TRANSACTION},
     .run = update_org,
     .result = DONE},
    {"quorumPermission_approveOrgStatus",
     {ORG, CHANGE, TRANSACTION},
     .run = approve_org_update,
     .result = DONE},
    {"quorumPermission_addNode", {ORG, NODE, TRANSACTION}, .run = add_node, .result = DONE},
    {"quorumPermission_updateNodeStatus",
     {ORG, NODE, CHANGE, TRANSACTION},
     .run = update_node,
     .result = DONE},
    {"quorumPermission_assignAdminRole",
     {ORG, ACCOUNT, ROLE, TRANSACTION},
     .run = assign_admin,
     .result = DONE},
    {"quorumPermission_approveAdminRole",
     {ORG, ACCOUNT, TRANSACTION},
     .run = approve_admin,
     .result = DONE},
    {"quorumPermission_addNewRole",
     {ORG,
      ROLE,
      {"access", RPC_NUMBER8},
      {"isVoter", RPC_BOOL},
      {"isAdmin", RPC_BOOL},
      TRANSACTION},
     .run = add_role,
     .result = DONE},
    {"quorumPermission_removeRole", {ORG, ROLE, TRANSACTION}, .run = remove_role, .result = DONE},
    {"quorumPermission_addAccountToOrg",
     {ACCOUNT, ORG, ROLE, TRANSACTION},
     .run = assign_role,
     .result = DONE},
    {"quorumPermission_changeAccountRole",
     {ACCOUNT, ORG, ROLE, TRANSACTION},
     .run = assign_role,
     .result = DONE},
    {"quorumPermission_updateAccountStatus",
     {ORG, ACCOUNT, CHANGE, TRANSACTION},
     .run = update_account,
     .result = DONE},
    {"quorumPermission_recoverBlackListedNode",
     {ORG, NODE, TRANSACTION},
     .run = recover_node,
     .result = DONE},
    {"quorumPermission_approveBlackListedNodeRecovery",
     {ORG, NODE, TRANSACTION},
     .run = approve_node,
     .result = DONE},
    {"quorumPermission_recoverBlackListedAccount",
     {ORG, ACCOUNT, TRANSACTION},
     .run = recover_account,
     .result = DONE},
    {"quorumPermission_approveBlackListedAccountRecovery",
     {ORG, ACCOUNT, TRANSACTION},
     .run = approve_account,
     .result = DONE},
};

const struct rpc_method_list rpc_methods_permission = {methods, BASE_COUNT(methods)};
