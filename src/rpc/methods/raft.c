/* raft: the cluster and who belongs to it (GoQuorum, raft/api.go). */
#include "rpc/backend/raft.h"
#include "base/hex.h"
#include "rpc/json/json.h"
#include "rpc/methods/methods.h"

static int fail(struct rpc_call *call, const struct err_detail *why)
{
    return rpc_fail(call, RPC_CODE_ERROR, "%s", why->text);
}

static void write_text(struct buf *b, const char *text)
{
    buf_append_byte(b, '"');
    buf_append_text(b, text);
    buf_append_byte(b, '"');
}

static void write_node(struct buf *b, const struct rpc_raft_member *m)
{
    char hex[129];
    hex_encode(hex, bytes_of(m->node, sizeof(m->node)));
    hex[128] = 0;
    write_text(b, hex);
}

static int role(struct rpc_call *call)
{
    write_text(call->out, call->backend->raft->role(call->backend->raft->context));
    return 0;
}

static int leader(struct rpc_call *call)
{
    struct rpc_raft_member m;
    struct err_detail why = {""};
    if (call->backend->raft->leader(call->backend->raft->context, &m, &why) != ERR_OK)
        return fail(call, &why);
    write_node(call->out, &m);
    return 0;
}

/* In the reference's order of fields. A host is a name or an IP: it needs no escapes. */
static int cluster(struct rpc_call *call)
{
    struct rpc_raft_member members[RPC_RAFT_MEMBERS_MAX];
    size_t count = call->backend->raft->cluster(call->backend->raft->context, members);
    struct buf *b = call->out;
    buf_append_byte(b, '[');
    for (size_t i = 0; i < count; i++) {
        const struct rpc_raft_member *m = &members[i];
        buf_append_format(b, "%s{\"raftId\":%u,\"nodeId\":", i ? "," : "", m->id);
        write_node(b, m);
        buf_append_format(b, ",\"p2pPort\":%u,\"raftPort\":%u,\"hostname\":", m->p2p_port,
                          m->raft_port);
        rpc_json_write_string(b, bytes_str(m->host));
        buf_append_format(b, ",\"role\":\"%s\",\"nodeActive\":%s}", m->role,
                          m->active ? "true" : "false");
    }
    buf_append_byte(b, ']');
    return 0;
}

static int with_enode(struct rpc_call *call, bool change, bool learner)
{
    const struct rpc_raft *raft = call->backend->raft;
    struct bytes text = call->args[0].bytes;
    char enode[2048];
    uint16_t id;
    struct err_detail why = {""};
    if (text.len >= sizeof(enode))
        return rpc_fail(call, RPC_CODE_ERROR, "invalid enode: it is too long");
    memcpy(enode, text.data, text.len);
    enode[text.len] = 0;
    int status = change ? raft->add(call->backend->raft->context, enode, learner, &id, &why)
                        : raft->id_of(call->backend->raft->context, enode, &id, &why);
    if (status != ERR_OK)
        return fail(call, &why);
    buf_append_format(call->out, "%u", id);
    return 0;
}

static int add_peer(struct rpc_call *call)
{
    return with_enode(call, true, false);
}

static int add_learner(struct rpc_call *call)
{
    return with_enode(call, true, true);
}

static int get_raft_id(struct rpc_call *call)
{
    return with_enode(call, false, false);
}

static int with_id(struct rpc_call *call,
                   int (*fn)(void *context, uint16_t id, struct err_detail *detail),
                   const char *result)
{
    struct err_detail why = {""};
    if (fn(call->backend->raft->context, (uint16_t)call->args[0].number, &why) != ERR_OK)
        return fail(call, &why);
    buf_append_text(call->out, result);
    return 0;
}

static int promote(struct rpc_call *call)
{
    return with_id(call, call->backend->raft->promote, "true");
}

static int remove_peer(struct rpc_call *call)
{
    return with_id(call, call->backend->raft->remove, "null");
}

#define ENODE {"enode", RPC_TEXT}
#define ID    {"raftId", RPC_NUMBER16}

static const struct rpc_method methods[] = {
    {"raft_role", {{0}}, .run = role, .result = "minter, verifier, learner or nothing"},
    {"raft_leader", {{0}}, .run = leader, .result = "the leader's node id, 128 hex digits"},
    {"raft_cluster", {{0}}, .run = cluster, .result = "array of members"},
    {"raft_addPeer", {ENODE}, .run = add_peer, .result = "raft id"},
    {"raft_addLearner", {ENODE}, .run = add_learner, .result = "raft id"},
    {"raft_promoteToPeer", {ID}, .run = promote, .result = "true"},
    {"raft_removePeer", {ID}, .run = remove_peer, .result = "null"},
    {"raft_getRaftId", {ENODE}, .run = get_raft_id, .result = "raft id"},
};

const struct rpc_method_list rpc_methods_raft = {methods, BASE_COUNT(methods)};
