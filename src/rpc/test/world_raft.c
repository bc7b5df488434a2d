#include "rpc/test/world_raft.h"

#include "base/hex.h"
#include "tests/support/recordings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct recorded {
    struct rpc_raft_member members[RPC_RAFT_MEMBERS_MAX];
    size_t count;
    char role[16], leader[129];
};

static const char *const roles[] = {"minter", "verifier", "learner", ""};

static const char *lasting_role(const char *text)
{
    size_t i = 0;
    while (i + 1 < BASE_COUNT(roles) && strcmp(roles[i], text) != 0)
        i++;
    assert_string_equal(roles[i], text);
    return roles[i];
}

static void keep_cluster(const json_t *params, const json_t *result, void *context)
{
    (void)params;
    struct recorded *r = context;
    r->count = json_array_size(result);
    assert_in_range(r->count, 1, RPC_RAFT_MEMBERS_MAX);
    for (size_t i = 0; i < r->count; i++) {
        struct rpc_raft_member *m = &r->members[i];
        const json_t *from = json_array_get(result, i);
        *m = (struct rpc_raft_member){
            .id = (uint16_t)json_integer_value(json_object_get(from, "raftId")),
            .p2p_port = (uint16_t)json_integer_value(json_object_get(from, "p2pPort")),
            .raft_port = (uint16_t)json_integer_value(json_object_get(from, "raftPort")),
            .role = lasting_role(json_string_value(json_object_get(from, "role"))),
            .active = json_is_true(json_object_get(from, "nodeActive"))};
        snprintf(m->host, sizeof(m->host), "%s",
                 json_string_value(json_object_get(from, "hostname")));
        assert_true(hex_decode_exact(json_string_value(json_object_get(from, "nodeId")), m->node,
                                     sizeof(m->node)));
    }
}

static void keep_role(const json_t *params, const json_t *result, void *context)
{
    (void)params;
    struct recorded *r = context;
    snprintf(r->role, sizeof(r->role), "%s", json_string_value(result));
}

static void keep_leader(const json_t *params, const json_t *result, void *context)
{
    (void)params;
    struct recorded *r = context;
    snprintf(r->leader, sizeof(r->leader), "%s", json_string_value(result));
}

/* --- What the methods ask --- */

static const char *own_role(void *context)
{
    const struct recorded *r = context;
    return r->role;
}

static int leader(void *context, struct rpc_raft_member *ret_member, struct err_detail *detail)
{
    const struct recorded *r = context;
    char hex[129];
    for (size_t i = 0; i < r->count; i++) {
        hex_encode(hex, bytes_of(r->members[i].node, sizeof(r->members[i].node)));
        hex[128] = 0;
        if (strcmp(hex, r->leader) != 0)
            continue;
        *ret_member = r->members[i];
        return ERR_OK;
    }
    return err_set(detail, ERR_INPUT, "no leader is currently elected");
}

static size_t cluster(void *context, struct rpc_raft_member *ret_members)
{
    const struct recorded *r = context;
    memcpy(ret_members, r->members, r->count * sizeof(r->members[0]));
    return r->count;
}

const struct rpc_raft *world_raft(const char *network)
{
    static struct recorded recorded;
    static const struct rpc_raft raft = {
        .context = &recorded, .role = own_role, .leader = leader, .cluster = cluster};
    recorded = (struct recorded){.count = 0};
    recordings_answers(network, "raft_cluster", keep_cluster, &recorded);
    recordings_answers(network, "raft_role", keep_role, &recorded);
    recordings_answers(network, "raft_leader", keep_leader, &recorded);
    assert_true(recorded.count > 0);
    return &raft;
}
