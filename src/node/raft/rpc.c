/* The cluster as RPC wants it. */
#include "node/raft/raft.h"
#include "rpc/backend/raft.h"

static void show_member(struct rpc_raft_member *ret, const struct raft_address *a)
{
    static_assert(sizeof(ret->node) == sizeof(a->node) && sizeof(ret->host) == sizeof(a->host),
                  "the same");
    *ret = (struct rpc_raft_member){.id = a->id,
                                    .p2p_port = a->p2p_port,
                                    .raft_port = a->raft_port,
                                    .role = "",
                                    .active = true};
    memcpy(ret->node, a->node, sizeof(a->node));
    memcpy(ret->host, a->host, sizeof(a->host));
}

static const char *role(void *context)
{
    return node_raft_role(context);
}

static int leader(void *context, struct rpc_raft_member *ret_member, struct err_detail *detail)
{
    struct raft_address address;
    int status = node_raft_leader(context, &address, detail);
    if (status == ERR_OK)
        show_member(ret_member, &address);
    return status;
}

static size_t cluster(void *context, struct rpc_raft_member *ret_members)
{
    struct node_raft_member members[RAFT_MEMBERS_MAX];
    static_assert((int)RAFT_MEMBERS_MAX == (int)RPC_RAFT_MEMBERS_MAX, "the same");
    size_t count = node_raft_cluster(context, members);
    for (size_t i = 0; i < count; i++) {
        show_member(&ret_members[i], &members[i].address);
        ret_members[i].role = members[i].role;
        ret_members[i].active = members[i].active;
    }
    return count;
}

static int add(void *context, const char *enode, bool learner, uint16_t *ret_id,
               struct err_detail *detail)
{
    return node_raft_add(context, enode, learner, ret_id, detail);
}

static int id_of(void *context, const char *enode, uint16_t *ret_id, struct err_detail *detail)
{
    return node_raft_id_of(context, enode, ret_id, detail);
}

static int promote(void *context, uint16_t id, struct err_detail *detail)
{
    return node_raft_promote(context, id, detail);
}

static int remove_member(void *context, uint16_t id, struct err_detail *detail)
{
    return node_raft_remove(context, id, detail);
}

void node_raft_rpc(struct node_raft *raft, struct rpc_raft *ret_methods)
{
    *ret_methods = (struct rpc_raft){
        .context = raft,
        .role = role,
        .leader = leader,
        .cluster = cluster,
        .add = add,
        .id_of = id_of,
        .promote = promote,
        .remove = remove_member,
    };
}
