#include "permission/events.h"

#include "base/mem.h"
#include "permission/abi.h"

enum source { ORGS, ROLES, ACCOUNTS, NODES, NODES_ENHANCED };

struct row;
typedef int take_fn(const struct row *row, struct permission_model *model,
                    const struct permission_value *v);

struct row {
    const char *signature;
    enum source source;
    take_fn *take;  /* not of nodes */
    uint8_t status; /* that follows from the event */
    enum permission_node_change change;
};

static uint8_t small(const struct u256 *number)
{
    return u256_is_u64(number) && number->w[0] < 256 ? (uint8_t)number->w[0] : 255;
}

/* org, parent, ultimate parent, level, and a status that the event's name says better. */
static int take_org(const struct row *row, struct permission_model *model,
                    const struct permission_value *v)
{
    struct permission_org org = {
        .id = v[0].text,
        .parent = v[1].text,
        .ultimate = v[2].text,
        .level = v[3].number,
        .status = row->status ? row->status : small(&v[4].number),
    };
    return permission_put_org(model, &org);
}

static int take_role(const struct row *row, struct permission_model *model,
                     const struct permission_value *v)
{
    (void)row;
    struct permission_role role = {
        .role = v[0].text,
        .org = v[1].text,
        .access = small(&v[2].number),
        .voter = !u256_is_zero(&v[3].number),
        .admin = !u256_is_zero(&v[4].number),
        .active = true,
    };
    return permission_put_role(model, &role);
}

static int take_role_end(const struct row *row, struct permission_model *model,
                         const struct permission_value *v)
{
    (void)row;
    const struct permission_role *known = permission_role(model, v[1].text, v[0].text);
    if (!known)
        return ERR_OK;
    struct permission_role role = *known;
    role.org = v[1].text;
    role.role = v[0].text;
    role.active = false;
    return permission_put_role(model, &role);
}

static int take_account(const struct row *row, struct permission_model *model,
                        const struct permission_value *v)
{
    struct permission_account account = {
        .address = v[0].address,
        .org = v[1].text,
        .role = v[2].text,
        .org_admin = !u256_is_zero(&v[3].number),
        .status = row->status ? row->status : small(&v[4].number),
    };
    return permission_put_account(model, &account);
}

static int take_account_status(const struct row *row, struct permission_model *model,
                               const struct permission_value *v)
{
    (void)row;
    const struct permission_account *known = permission_account(model, &v[0].address);
    if (!known)
        return ERR_OK;
    struct permission_account account = *known;
    account.org = v[1].text;
    account.status = small(&v[2].number);
    return permission_put_account(model, &account);
}

#define BASIC    "(string,string)"
#define ENHANCED "(string,string,uint16,uint16,string)"
#define NODE(name, status, change)                                                                 \
    {name BASIC, NODES, NULL, status, change},                                                     \
    {                                                                                              \
        name ENHANCED, NODES_ENHANCED, NULL, status, change                                        \
    }

static const struct row rows[] = {
    {"OrgPendingApproval(string,string,string,uint256,uint256)", ORGS, take_org, 0, 0},
    {"OrgApproved(string,string,string,uint256,uint256)", ORGS, take_org, PERMISSION_ORG_APPROVED,
     0},
    {"OrgSuspended(string,string,string,uint256)", ORGS, take_org, PERMISSION_ORG_SUSPENDED, 0},
    {"OrgSuspensionRevoked(string,string,string,uint256)", ORGS, take_org, PERMISSION_ORG_APPROVED,
     0},
    {"RoleCreated(string,string,uint256,bool,bool)", ROLES, take_role, 0, 0},
    {"RoleRevoked(string,string)", ROLES, take_role_end, 0, 0},
    {"AccountAccessModified(address,string,string,bool,uint256)", ACCOUNTS, take_account, 0, 0},
    {"AccountAccessRevoked(address,string,string,bool)", ACCOUNTS, take_account,
     PERMISSION_ACCOUNT_ACTIVE, 0},
    {"AccountStatusChanged(address,string,uint256)", ACCOUNTS, take_account_status, 0, 0},
    NODE("NodeProposed", PERMISSION_NODE_PENDING, PERMISSION_NO_CHANGE),
    NODE("NodeApproved", PERMISSION_NODE_APPROVED, PERMISSION_NODE_ADD),
    NODE("NodeDeactivated", PERMISSION_NODE_DEACTIVATED, PERMISSION_NODE_REMOVE),
    NODE("NodeActivated", PERMISSION_NODE_APPROVED, PERMISSION_NODE_ADD),
    NODE("NodeBlacklisted", PERMISSION_NODE_BLACKLISTED, PERMISSION_NODE_BLACKLIST),
    NODE("NodeRecoveryInitiated", PERMISSION_NODE_RECOVERY, PERMISSION_NO_CHANGE),
    NODE("NodeRecoveryCompleted", PERMISSION_NODE_APPROVED, PERMISSION_NODE_RECOVER),
};

struct permission_events {
    const struct permission_config *config;
    bool raft;
    struct hash256 topics[BASE_COUNT(rows)];
};

int permission_events_new(struct permission_events **ret_events,
                          const struct permission_config *config, bool raft)
{
    struct permission_events *events = mem_alloc(sizeof(*events));
    if (!events)
        return ERR_NOMEM;
    events->config = config;
    events->raft = raft;
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        permission_abi_topic(&events->topics[i], rows[i].signature);
    *ret_events = events;
    return ERR_OK;
}

void permission_events_free(struct permission_events *events)
{
    mem_free(events);
}

static const struct address *address_of(const struct permission_config *config, enum source source)
{
    switch (source) {
    case ORGS:
        return &config->orgs;
    case ROLES:
        return &config->roles;
    case ACCOUNTS:
        return &config->accounts;
    default:
        return (source == NODES_ENHANCED) == config->enhanced ? &config->nodes : NULL;
    }
}

static struct bytes without_zeros(struct bytes text)
{
    while (text.len && text.data[text.len - 1] == 0)
        text.len--;
    while (text.len && text.data[0] == 0)
        text = bytes_slice(text, 1, text.len - 1);
    return text;
}

void permission_node_url(struct buf *url, struct bytes key, struct bytes ip, uint64_t port,
                         uint64_t raft_port, bool raft)
{
    buf_append_text(url, "enode://");
    buf_append_bytes(url, key);
    buf_append_byte(url, '@');
    buf_append_bytes(url, without_zeros(ip));
    buf_append_format(url, ":%llu?discport=0", (unsigned long long)port);
    if (raft)
        buf_append_format(url, "&raftport=%llu", (unsigned long long)raft_port);
}

static int take_node(const struct permission_events *events, const struct row *row,
                     struct permission_model *model, const struct permission_value *v,
                     struct buf *url)
{
    buf_clear(url);
    if (row->source == NODES)
        buf_append_bytes(url, v[0].text);
    else
        permission_node_url(url, v[0].text, v[1].text, v[2].number.w[0], v[3].number.w[0],
                            events->raft);
    int status = buf_status(url);
    struct permission_node node = {
        .org = v[row->source == NODES ? 1 : 4].text,
        .url = buf_bytes(url),
        .status = row->status,
    };
    return status == ERR_OK ? permission_put_node(model, &node) : status;
}

int permission_take_log(const struct permission_events *events, struct permission_model *model,
                        const struct eth_log *log, enum permission_node_change *ret_change,
                        struct buf *url)
{
    struct permission_value values[PERMISSION_VALUES_MAX];
    *ret_change = PERMISSION_NO_CHANGE;
    if (log->topic_count != 1)
        return ERR_OK;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        const struct address *from = address_of(events->config, rows[i].source);
        if (!from || !address_equal(from, &log->address) ||
            !hash256_equal(&events->topics[i], &log->topics[0]))
            continue;
        if (!permission_abi_decode(values, rows[i].signature, log->data))
            return ERR_INPUT;
        if (rows[i].take)
            return rows[i].take(&rows[i], model, values);
        int status = take_node(events, &rows[i], model, values, url);
        if (status == ERR_OK)
            *ret_change = rows[i].change;
        return status;
    }
    return ERR_OK;
}
