#include "permission/load.h"

#include "permission/events.h"

static uint8_t small(const struct u256 *number)
{
    return u256_is_u64(number) && number->w[0] < 256 ? (uint8_t)number->w[0] : 255;
}

static int put_org(struct permission_model *model, const struct permission_value *v, bool raft)
{
    (void)raft;
    struct permission_org org = {
        .id = v[0].text,
        .parent = v[1].text,
        .ultimate = v[2].text,
        .level = v[3].number,
        .status = small(&v[4].number),
    };
    return permission_put_org(model, &org);
}

static int put_node(struct permission_model *model, const struct permission_value *v, bool raft)
{
    (void)raft;
    struct permission_node node = {
        .org = v[0].text, .url = v[1].text, .status = small(&v[2].number)};
    return permission_put_node(model, &node);
}

static int put_node_in_parts(struct permission_model *model, const struct permission_value *v,
                             bool raft)
{
    struct buf url = BUF_INIT;
    permission_node_url(&url, v[1].text, v[2].text, v[3].number.w[0], v[4].number.w[0], raft);
    struct permission_node node = {
        .org = v[0].text, .url = buf_bytes(&url), .status = small(&v[5].number)};
    int status = buf_status(&url);
    if (status == ERR_OK)
        status = permission_put_node(model, &node);
    buf_release(&url);
    return status;
}

static int put_role(struct permission_model *model, const struct permission_value *v, bool raft)
{
    (void)raft;
    struct permission_role role = {
        .role = v[0].text,
        .org = v[1].text,
        .access = small(&v[2].number),
        .voter = !u256_is_zero(&v[3].number),
        .admin = !u256_is_zero(&v[4].number),
        .active = !u256_is_zero(&v[5].number),
    };
    return permission_put_role(model, &role);
}

static int put_account(struct permission_model *model, const struct permission_value *v, bool raft)
{
    (void)raft;
    struct permission_account account = {
        .address = v[0].address,
        .org = v[1].text,
        .role = v[2].text,
        .status = small(&v[3].number),
        .org_admin = !u256_is_zero(&v[4].number),
    };
    return permission_put_account(model, &account);
}

struct list {
    const char *count, *item, *result;
    int (*put)(struct permission_model *model, const struct permission_value *v, bool raft);
};

static int load_list(struct permission_asker *asker, struct permission_model *model,
                     const struct address *manager, const struct list *list, bool raft,
                     struct err_detail *detail)
{
    struct permission_value out[PERMISSION_VALUES_MAX];
    int status = permission_ask(asker, manager, list->count, NULL, "(uint256)", out, detail);
    if (status != ERR_OK)
        return err_prefix(detail, status, "%s", list->count);
    struct u256 count = out[0].number;
    if (!u256_is_u64(&count) || count.w[0] > PERMISSION_RECORDS_MAX)
        return err_set(detail, ERR_LIMIT, "%s: more than %d", list->count, PERMISSION_RECORDS_MAX);
    for (uint64_t i = 0; status == ERR_OK && i < count.w[0]; i++) {
        struct permission_value index = {.number = u256_from(i)};
        status = permission_ask(asker, manager, list->item, &index, list->result, out, detail);
        if (status != ERR_OK)
            return err_prefix(detail, status, "%s %llu", list->item, (unsigned long long)i);
        status = list->put(model, out, raft);
        if (status != ERR_OK)
            return err_set(detail, status, "%s %llu: %s", list->item, (unsigned long long)i,
                           err_text(status));
    }
    return status;
}

int permission_load(struct permission_asker *asker, struct permission_model *model,
                    const struct permission_config *config, bool raft, struct err_detail *detail)
{
    static const struct list orgs = {"getNumberOfOrgs()", "getOrgInfo(uint256)",
                                     "(string,string,string,uint256,uint256)", put_org};
    static const struct list nodes = {"getNumberOfNodes()", "getNodeDetailsFromIndex(uint256)",
                                      "(string,string,uint256)", put_node};
    static const struct list enhanced = {"getNumberOfNodes()", "getNodeDetailsFromIndex(uint256)",
                                         "(string,string,string,uint16,uint16,uint256)",
                                         put_node_in_parts};
    static const struct list roles = {"getNumberOfRoles()", "getRoleDetailsFromIndex(uint256)",
                                      "(string,string,uint256,bool,bool,bool)", put_role};
    static const struct list accounts = {"getNumberOfAccounts()",
                                         "getAccountDetailsFromIndex(uint256)",
                                         "(address,string,string,uint256,bool)", put_account};
    permission_model_clear(model);
    int status = load_list(asker, model, &config->orgs, &orgs, raft, detail);
    if (status == ERR_OK)
        status = load_list(asker, model, &config->nodes, config->enhanced ? &enhanced : &nodes,
                           raft, detail);
    if (status == ERR_OK)
        status = load_list(asker, model, &config->roles, &roles, raft, detail);
    if (status == ERR_OK)
        status = load_list(asker, model, &config->accounts, &accounts, raft, detail);
    return status;
}
