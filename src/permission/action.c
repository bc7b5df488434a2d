#include "permission/action.h"

#include "base/hex.h"
#include "p2p/enode.h"

#include <ctype.h>
#include <stdio.h>

/* Operations that wait for votes (VoterManager). */
enum { OP_ORG = 1, OP_SUSPEND, OP_REVOKE, OP_ADMIN, OP_NODE, OP_ACCOUNT };

struct check {
    struct permission *p;
    const struct permission_config *config;
    const struct permission_model *model;
    const struct permission_action *a;
};

const char *permission_fault_text(enum permission_fault fault)
{
    static const char *const texts[] = {
#define X(name, text) text,
        PERMISSION_FAULT_LIST(X)
#undef X
    };
    return (size_t)fault < BASE_COUNT(texts) ? texts[fault] : "unknown";
}

#define F(name) PERMISSION_FAULT_##name
#define REQUIRE(ok, why)                                                                           \
    do {                                                                                           \
        if (!(ok))                                                                                 \
            return F(why);                                                                         \
    } while (0)
#define PASS(check)                                                                                \
    do {                                                                                           \
        enum permission_fault fault_ = (check);                                                    \
        if (fault_ != F(NONE))                                                                     \
            return fault_;                                                                         \
    } while (0)

/* --- Who --- */

static bool is_network_admin(const struct check *c)
{
    const struct permission_account *account = permission_account(c->model, &c->a->from);
    return account && bytes_equal(account->role, bytes_str(c->config->network_role));
}

static enum permission_fault org_admin(const struct check *c, struct bytes org_id)
{
    const struct permission_org *org = permission_org(c->model, org_id);
    const struct permission_account *account = permission_account(c->model, &c->a->from);
    REQUIRE(org, NO_ORG);
    REQUIRE(account && account->org_admin &&
                (bytes_equal(account->org, org_id) || bytes_equal(account->org, org->ultimate)),
            NOT_ORG_ADMIN);
    return F(NONE);
}

/* --- What waits --- */

static bool is_pending(const struct check *c)
{
    struct permission_pending pending;
    return permission_pending_of(c->p, bytes_str(c->config->network_org), &pending) == ERR_OK &&
           pending.operation != 0;
}

/* The contracts of the enhanced model know a node by its key alone. */
static bool waits(const struct check *c, struct bytes org, struct bytes url, struct address account,
                  uint64_t operation)
{
    struct permission_pending pending;
    struct p2p_enode node;
    char key[129] = "", text[P2P_ENODE_TEXT_MAX];
    if (c->config->enhanced && url.len) {
        if (url.len >= sizeof(text))
            return false;
        memcpy(text, url.data, url.len);
        text[url.len] = 0;
        if (p2p_enode_parse(&node, text, NULL) != ERR_OK)
            return false;
        hex_encode(key, bytes_of(node.key.b, sizeof(node.key.b)));
        key[128] = 0;
        url = bytes_str(key);
    }
    return permission_pending_of(c->p, bytes_str(c->config->network_org), &pending) == ERR_OK &&
           pending.operation == operation && bytes_equal(pending.org, org) &&
           bytes_equal(pending.node, url) && address_equal(&pending.account, &account);
}

/* --- Organisations --- */

static bool is_plain(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum(name.data[i]) && name.data[i] != '_' && name.data[i] != '-')
            return false;
    return true;
}

static const struct permission_org *sub_org(const struct check *c, struct bytes parent,
                                            struct bytes id)
{
    for (size_t i = 0; i < map_count(&c->model->orgs); i++) {
        const struct permission_org *org = permission_org_at(c->model, i);
        if (bytes_equal(org->parent, parent) && bytes_equal(org->id, id))
            return org;
    }
    return NULL;
}

static enum permission_fault tree_has_room(const struct check *c,
                                           const struct permission_org *parent)
{
    struct u256 depth = u256_from(c->config->depth);
    uint64_t children = 0;
    for (size_t i = 0; i < map_count(&c->model->orgs); i++)
        children += bytes_equal(permission_org_at(c->model, i)->parent, parent->full);
    REQUIRE(!u256_equal(&parent->level, &depth), DEPTH);
    REQUIRE(children != c->config->breadth, BREADTH);
    return F(NONE);
}

/* --- Nodes --- */

static bool same_node(const struct permission_node *known, struct bytes url, const char *key)
{
    return bytes_equal(known->url, url) ||
           memmem(known->url.data, known->url.len, key, strlen(key)) != NULL;
}

static enum permission_fault node_is_new(const struct check *c)
{
    struct p2p_enode node;
    struct bytes url = c->a->url;
    char key[129], text[P2P_ENODE_TEXT_MAX];
    if (url.len == 0)
        return F(NONE);
    REQUIRE(url.len < sizeof(text), NODE);
    memcpy(text, url.data, url.len);
    text[url.len] = 0;
    REQUIRE(p2p_enode_parse(&node, text, NULL) == ERR_OK, NODE);
    REQUIRE(!permission_is_raft(c->p) || permission_uses_dns(c->p) || !*node.host, HOST);
    hex_encode(key, bytes_of(node.key.b, sizeof(node.key.b)));
    key[128] = 0;
    for (size_t i = 0; i < map_count(&c->model->nodes); i++)
        REQUIRE(!same_node(permission_node_at(c->model, i), url, key), NODE_PRESENT);
    return F(NONE);
}

/* 4 and 5: a recovery is begun, approved. */
static enum permission_fault node_may_change(const struct check *c, unsigned op)
{
    REQUIRE(c->a->url.len, NODE);
    enum permission_fault fault = node_is_new(c);
    REQUIRE(fault == F(NONE) || fault == F(NODE_PRESENT), NODE);
    const struct permission_node *node = permission_node(c->model, c->a->url);
    REQUIRE(node, NO_NODE);
    REQUIRE(bytes_equal(node->org, c->a->org), NODE_OF_OTHER);
    REQUIRE(node->status != PERMISSION_NODE_BLACKLISTED || op == 4, NODE_BLACKLISTED);
    switch (op) {
    case 1:
        REQUIRE(node->status == PERMISSION_NODE_APPROVED, OPERATION);
        break;
    case 2:
        REQUIRE(node->status == PERMISSION_NODE_DEACTIVATED, OPERATION);
        break;
    case 3:
        REQUIRE(node->status != PERMISSION_NODE_RECOVERY, OPERATION);
        break;
    case 4:
        REQUIRE(node->status == PERMISSION_NODE_BLACKLISTED, OPERATION);
        break;
    default:
        REQUIRE(op == 5 && node->status == PERMISSION_NODE_RECOVERY, OPERATION);
    }
    return F(NONE);
}

/* --- Accounts --- */

static bool is_admin_role(const struct check *c, struct bytes role)
{
    return bytes_equal(role, bytes_str(c->config->org_role)) ||
           bytes_equal(role, bytes_str(c->config->network_role));
}

static enum permission_fault account_is_free(const struct check *c, struct bytes role)
{
    const struct permission_account *known = permission_account(c->model, &c->a->account);
    REQUIRE(!known || bytes_equal(known->org, c->a->org), ACCOUNT_IN_USE);
    REQUIRE(!known || role.len == 0 || !bytes_equal(role, bytes_str(c->config->org_role)) ||
                !known->org_admin,
            ALREADY_ADMIN);
    return F(NONE);
}

static enum permission_fault account_may_change(const struct check *c, unsigned op)
{
    const struct permission_account *known = permission_account(c->model, &c->a->account);
    REQUIRE(known, NO_ACCOUNT);
    REQUIRE(!known->org_admin || !is_admin_role(c, known->role) || (op != 1 && op != 3), OPERATION);
    REQUIRE(bytes_equal(known->org, c->a->org), ACCOUNT_OF_OTHER);
    REQUIRE(op >= 1 && op <= 5, OPERATION);
    REQUIRE(known->status != PERMISSION_ACCOUNT_BLACKLISTED || op == 4, ACCOUNT_BLACKLISTED);
    static const uint8_t needed[] = {
        [1] = PERMISSION_ACCOUNT_ACTIVE,
        [2] = PERMISSION_ACCOUNT_SUSPENDED,
        [4] = PERMISSION_ACCOUNT_BLACKLISTED,
        [5] = PERMISSION_ACCOUNT_RECOVERY,
        [3] = 0,
    };
    REQUIRE(!needed[op] || known->status == needed[op], OPERATION);
    REQUIRE(op != 3 || known->status != PERMISSION_ACCOUNT_RECOVERY, OPERATION);
    return F(NONE);
}

/* --- Each action; the order of the checks is the reference's, so that the same fault is named --- */

static enum permission_fault add_org(const struct check *c)
{
    REQUIRE(c->a->org.len && c->a->url.len && !address_is_zero(&c->a->account), INPUT);
    REQUIRE(is_plain(c->a->org), ORG_NAME);
    REQUIRE(is_network_admin(c), NOT_NETWORK_ADMIN);
    REQUIRE(!is_pending(c), PENDING);
    REQUIRE(!permission_org(c->model, c->a->org), ORG_EXISTS);
    PASS(node_is_new(c));
    return account_is_free(c, bytes_none());
}

static enum permission_fault approve_org(const struct check *c)
{
    REQUIRE(is_network_admin(c), NOT_NETWORK_ADMIN);
    REQUIRE(waits(c, c->a->org, c->a->url, c->a->account, OP_ORG), NOTHING);
    return F(NONE);
}

static enum permission_fault add_sub_org(const struct check *c)
{
    REQUIRE(c->a->org.len, INPUT);
    REQUIRE(is_plain(c->a->org), ORG_NAME);
    PASS(org_admin(c, c->a->parent));
    const struct permission_org *parent = permission_org(c->model, c->a->parent);
    REQUIRE(parent, PARENT);
    REQUIRE(!sub_org(c, parent->full, c->a->org), ORG_EXISTS);
    PASS(tree_has_room(c, parent));
    return node_is_new(c);
}

static enum permission_fault update_org(const struct check *c)
{
    static const struct u256 one = {{1}};
    REQUIRE(is_network_admin(c), NOT_NETWORK_ADMIN);
    REQUIRE(c->a->action == 1 || c->a->action == 2, OPERATION);
    REQUIRE(!bytes_equal(c->a->org, bytes_str(c->config->network_org)), OPERATION);
    const struct permission_org *org = permission_org(c->model, c->a->org);
    REQUIRE(org, NO_ORG);
    REQUIRE(u256_equal(&org->level, &one), NOT_MASTER);
    REQUIRE(org->status == (c->a->action == 1 ? PERMISSION_ORG_APPROVED : PERMISSION_ORG_SUSPENDED),
            OPERATION);
    return F(NONE);
}

static enum permission_fault approve_org_update(const struct check *c)
{
    static const struct address nobody;
    REQUIRE(is_network_admin(c), NOT_NETWORK_ADMIN);
    REQUIRE(c->a->action == 1 || c->a->action == 2, OPERATION);
    REQUIRE(waits(c, c->a->org, bytes_none(), nobody, c->a->action == 1 ? OP_SUSPEND : OP_REVOKE),
            NOTHING);
    return F(NONE);
}

static enum permission_fault add_node(const struct check *c)
{
    REQUIRE(c->a->url.len, INPUT);
    PASS(org_admin(c, c->a->org));
    return node_is_new(c);
}

static enum permission_fault update_node(const struct check *c)
{
    PASS(org_admin(c, c->a->org));
    enum permission_fault fault = node_may_change(c, c->a->action);
    return fault == F(NONE) && c->a->action > 3 ? F(OPERATION) : fault;
}

static enum permission_fault assign_admin(const struct check *c)
{
    REQUIRE(!address_is_zero(&c->a->account), INPUT);
    REQUIRE(is_admin_role(c, c->a->role), OPERATION);
    REQUIRE(is_network_admin(c), NOT_NETWORK_ADMIN);
    REQUIRE(permission_org(c->model, c->a->org), NO_ORG);
    return account_is_free(c, c->a->role);
}

static enum permission_fault approve_admin(const struct check *c)
{
    REQUIRE(is_network_admin(c), NOT_NETWORK_ADMIN);
    const struct permission_account *account = permission_account(c->model, &c->a->account);
    REQUIRE(account, ACCOUNT);
    REQUIRE(waits(c, account->org, bytes_none(), c->a->account, OP_ADMIN), NOTHING);
    return F(NONE);
}

static enum permission_fault add_role(const struct check *c)
{
    REQUIRE(c->a->role.len, INPUT);
    PASS(org_admin(c, c->a->org));
    REQUIRE(!permission_role(c->model, c->a->org, c->a->role), ROLE_EXISTS);
    REQUIRE(c->a->access <=
                (c->config->enhanced ? PERMISSION_CALL_AND_DEPLOY : PERMISSION_FULL_ACCESS),
            ACCESS);
    return F(NONE);
}

static bool role_is_used(const struct check *c)
{
    for (size_t i = 0; i < map_count(&c->model->accounts); i++) {
        const struct permission_account *account = permission_account_at(c->model, i);
        const struct permission_org *org = permission_org(c->model, account->org);
        if (bytes_equal(account->role, c->a->role) &&
            (bytes_equal(account->org, c->a->org) ||
             (org && bytes_equal(org->ultimate, c->a->org))))
            return true;
    }
    return false;
}

static enum permission_fault remove_role(const struct check *c)
{
    PASS(org_admin(c, c->a->org));
    REQUIRE(!is_admin_role(c, c->a->role), ADMIN_ROLE);
    const struct permission_role *role = permission_role(c->model, c->a->org, c->a->role);
    REQUIRE(role, ROLE);
    REQUIRE(role->active, ROLE_INACTIVE);
    REQUIRE(!role_is_used(c), ROLE_USED);
    return F(NONE);
}

/* The reference wants the role in the organisation and in its ultimate parent, so that a sub-organisation's own roles
 * and those it inherits could not be given; here one of the two is enough, as the contracts have it. */
static bool role_holds(const struct check *c)
{
    const struct permission_org *org = permission_org(c->model, c->a->org);
    const struct permission_role *role = permission_role(c->model, c->a->org, c->a->role);
    if (org && (!role || !role->active))
        role = permission_role(c->model, org->ultimate, c->a->role);
    return role && role->active;
}

static enum permission_fault assign_role(const struct check *c)
{
    REQUIRE(!address_is_zero(&c->a->account), INPUT);
    REQUIRE(!is_admin_role(c, c->a->role), ROLE);
    PASS(org_admin(c, c->a->org));
    REQUIRE(role_holds(c), ROLE);
    return account_is_free(c, bytes_none());
}

static enum permission_fault update_account(const struct check *c)
{
    PASS(org_admin(c, c->a->org));
    enum permission_fault fault = account_may_change(c, c->a->action);
    return fault == F(NONE) && c->a->action > 3 ? F(OPERATION) : fault;
}

static enum permission_fault recover_node(const struct check *c)
{
    REQUIRE(is_network_admin(c), NOT_NETWORK_ADMIN);
    REQUIRE(permission_org(c->model, c->a->org), ORG_NAME);
    PASS(node_may_change(c, 4));
    REQUIRE(!is_pending(c), PENDING);
    return F(NONE);
}

static enum permission_fault approve_node_recovery(const struct check *c)
{
    static const struct address nobody;
    REQUIRE(is_network_admin(c), NOT_NETWORK_ADMIN);
    REQUIRE(permission_org(c->model, c->a->org), ORG_NAME);
    PASS(node_may_change(c, 5));
    REQUIRE(waits(c, c->a->org, c->a->url, nobody, OP_NODE), NOTHING);
    return F(NONE);
}

static enum permission_fault recover_account(const struct check *c)
{
    REQUIRE(is_network_admin(c), NOT_NETWORK_ADMIN);
    PASS(account_may_change(c, 4));
    REQUIRE(!is_pending(c), PENDING);
    return F(NONE);
}

static enum permission_fault approve_account_recovery(const struct check *c)
{
    REQUIRE(is_network_admin(c), NOT_NETWORK_ADMIN);
    PASS(account_may_change(c, 5));
    REQUIRE(waits(c, c->a->org, bytes_none(), c->a->account, OP_ACCOUNT), NOTHING);
    return F(NONE);
}

/*
 * The call: its signature, and which of the action's parts are its arguments, a letter each: o organisation, p parent,
 * n node (one string, or in the enhanced model four values), a account, r role, u action, x access, v voter, m admin.
 */
static const struct {
    enum permission_fault (*check)(const struct check *c);
    const char *basic, *enhanced; /* NULL: the same */
    const char *arguments;
} rows[PERMISSION_ACTIONS] = {
#define NODE_TYPES "string,string,uint16,uint16"
    [PERMISSION_ADD_ORG] = {add_org, "addOrg(string,string,address)",
                            "addOrg(string," NODE_TYPES ",address)", "ona"},
    [PERMISSION_APPROVE_ORG] = {approve_org, "approveOrg(string,string,address)",
                                "approveOrg(string," NODE_TYPES ",address)", "ona"},
    [PERMISSION_ADD_SUB_ORG] = {add_sub_org, "addSubOrg(string,string,string)",
                                "addSubOrg(string,string," NODE_TYPES ")", "pon"},
    [PERMISSION_UPDATE_ORG] = {update_org, "updateOrgStatus(string,uint256)", NULL, "ou"},
    [PERMISSION_APPROVE_ORG_UPDATE] = {approve_org_update, "approveOrgStatus(string,uint256)", NULL,
                                       "ou"},
    [PERMISSION_ADD_NODE] = {add_node, "addNode(string,string)", "addNode(string," NODE_TYPES ")",
                             "on"},
    [PERMISSION_UPDATE_NODE] = {update_node, "updateNodeStatus(string,string,uint256)",
                                "updateNodeStatus(string," NODE_TYPES ",uint256)", "onu"},
    [PERMISSION_ASSIGN_ADMIN] = {assign_admin, "assignAdminRole(string,address,string)", NULL,
                                 "oar"},
    [PERMISSION_APPROVE_ADMIN] = {approve_admin, "approveAdminRole(string,address)", NULL, "oa"},
    [PERMISSION_ADD_ROLE] = {add_role, "addNewRole(string,string,uint256,bool,bool)", NULL,
                             "roxvm"},
    [PERMISSION_REMOVE_ROLE] = {remove_role, "removeRole(string,string)", NULL, "ro"},
    [PERMISSION_ASSIGN_ROLE] = {assign_role, "assignAccountRole(address,string,string)", NULL,
                                "aor"},
    [PERMISSION_UPDATE_ACCOUNT] = {update_account, "updateAccountStatus(string,address,uint256)",
                                   NULL, "oau"},
    [PERMISSION_RECOVER_NODE] = {recover_node, "startBlacklistedNodeRecovery(string,string)",
                                 "startBlacklistedNodeRecovery(string," NODE_TYPES ")", "on"},
    [PERMISSION_APPROVE_NODE_RECOVERY] = {approve_node_recovery,
                                          "approveBlacklistedNodeRecovery(string,string)",
                                          "approveBlacklistedNodeRecovery(string," NODE_TYPES ")",
                                          "on"},
    [PERMISSION_RECOVER_ACCOUNT] = {recover_account,
                                    "startBlacklistedAccountRecovery(string,address)", NULL, "oa"},
    [PERMISSION_APPROVE_ACCOUNT_RECOVERY] = {approve_account_recovery,
                                             "approveBlacklistedAccountRecovery(string,address)",
                                             NULL, "oa"},
};

enum permission_fault permission_action_check(struct permission *permission,
                                              const struct permission_action *action)
{
    const struct check c = {permission, permission_config_of(permission),
                            permission_model_of(permission), action};
    return rows[action->kind].check(&c);
}

/* A node in parts; no URL, no node: four empty ones. */
static int split_node(struct bytes url, struct permission_value values[4], char key[129],
                      char host[IO_HOST_MAX + 1], struct err_detail *detail)
{
    struct p2p_enode node;
    char text[P2P_ENODE_TEXT_MAX], ip[IO_ADDRESS_TEXT];
    if (url.len == 0)
        return ERR_OK;
    if (url.len >= sizeof(text))
        return err_set(detail, ERR_INPUT, "invalid Node id. it is too long");
    memcpy(text, url.data, url.len);
    text[url.len] = 0;
    int status = p2p_enode_parse(&node, text, detail);
    if (status != ERR_OK)
        return err_prefix(detail, status, "invalid Node id");
    hex_encode(key, bytes_of(node.key.b, sizeof(node.key.b)));
    key[128] = 0;
    io_address_format_ip(ip, &node.ip);
    snprintf(host, IO_HOST_MAX + 1, "%s", node.ip.ip_len ? ip : node.host);
    values[0].text = bytes_str(key);
    values[1].text = bytes_str(host);
    values[2].number = u256_from(node.tcp);
    values[3].number = u256_from(node.raft);
    return ERR_OK;
}

int permission_action_call(const struct permission *permission,
                           const struct permission_action *action, struct buf *data,
                           struct err_detail *detail)
{
    struct permission_value values[PERMISSION_VALUES_MAX] = {0};
    char key[129] = "", host[IO_HOST_MAX + 1] = "";
    bool enhanced = permission_config_of(permission)->enhanced;
    size_t count = 0;
    for (const char *part = rows[action->kind].arguments; *part; part++) {
        struct permission_value *v = &values[count++];
        int status = ERR_OK;
        switch (*part) {
        case 'o':
            v->text = action->org;
            break;
        case 'p':
            v->text = action->parent;
            break;
        case 'r':
            v->text = action->role;
            break;
        case 'a':
            v->address = action->account;
            break;
        case 'n':
            if (enhanced) {
                status = split_node(action->url, v, key, host, detail);
                count += 3;
            } else {
                v->text = action->url;
            }
            break;
        default:
            v->number = u256_from(*part == 'u'   ? action->action
                                  : *part == 'x' ? action->access
                                  : *part == 'v' ? action->voter
                                                 : action->admin);
        }
        if (status != ERR_OK)
            return status;
    }
    const char *signature = enhanced && rows[action->kind].enhanced ? rows[action->kind].enhanced
                                                                    : rows[action->kind].basic;
    assert(count == permission_abi_count(signature));
    permission_abi_call(data, signature, values);
    return buf_status(data);
}
