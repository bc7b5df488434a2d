/* What RPC asks of the cluster (raft/api.go, raft/handler.go). */
#include "node/raft/priv.h"

#include "base/hex.h"
#include "crypto/keccak.h"

#include <stdio.h>

static bool is_among(const uint64_t *ids, size_t count, uint64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static bool is_learner(const struct node_raft *r, uint64_t id)
{
    uint64_t ids[RAFT_MEMBERS_MAX];
    return is_among(ids, raft_machine_learners(r->machine, ids), id);
}

static const char *role_of(const struct node_raft *r, uint64_t id, uint64_t leader)
{
    uint64_t ids[RAFT_MEMBERS_MAX];
    if (!leader)
        return "";
    if (id == leader)
        return "minter";
    if (is_learner(r, id))
        return "learner";
    return is_among(ids, raft_machine_voters(r->machine, ids), id) ? "verifier" : "";
}

static uint64_t leader_of(const struct node_raft *r)
{
    struct raft_status status;
    raft_machine_status(r->machine, &status);
    bool known = status.leader == r->id ||
                 node_raft_member_of((struct node_raft *)(uintptr_t)r, status.leader);
    return known && !r->halted ? status.leader : 0;
}

const char *node_raft_role(const struct node_raft *r)
{
    return r->removed ? "" : role_of(r, r->id, leader_of(r));
}

size_t node_raft_cluster(const struct node_raft *r, struct node_raft_member *ret_members)
{
    uint64_t leader = leader_of(r);
    size_t count = 0;
    if (r->removed || !r->has_self)
        return 0;
    for (size_t i = 0; i < r->member_count; i++)
        ret_members[count++] = (struct node_raft_member){
            .address = r->members[i],
            .role = role_of(r, r->members[i].id, leader),
            .active = r->transport && cluster_transport_active(r->transport, r->members[i].id)};
    if (count < RAFT_MEMBERS_MAX)
        ret_members[count++] = (struct node_raft_member){
            .address = r->self, .role = role_of(r, r->id, leader), .active = true};
    return count;
}

int node_raft_leader(const struct node_raft *r, struct raft_address *ret_address,
                     struct err_detail *detail)
{
    uint64_t leader = leader_of(r);
    if (leader == 0)
        return err_set(detail, ERR_INPUT, "no leader is currently elected");
    *ret_address =
        leader == r->id ? r->self : *node_raft_member_of((struct node_raft *)(uintptr_t)r, leader);
    return ERR_OK;
}

int node_raft_id_of(const struct node_raft *r, const char *enode, uint16_t *ret_id,
                    struct err_detail *detail)
{
    struct p2p_enode node;
    int status = p2p_enode_parse(&node, enode, detail);
    if (status != ERR_OK)
        return status;
    for (size_t i = 0; i < r->member_count; i++)
        if (memcmp(r->members[i].node, node.key.b, sizeof(node.key.b)) == 0) {
            *ret_id = r->members[i].id;
            return ERR_OK;
        }
    return err_set(detail, ERR_INPUT, "node not found in the cluster: %.300s", enode);
}

/* --- Changes --- */

static int check_member(const struct node_raft *r, struct err_detail *detail)
{
    return r->removed || r->halted
               ? err_set(detail, ERR_INPUT, "node not part of raft cluster. operations not allowed")
               : ERR_OK;
}

static int propose(struct node_raft *r, const struct raft_conf_change *change,
                   struct err_detail *detail)
{
    enum raft_proposed outcome;
    if (raft_machine_propose_conf(r->machine, &outcome, change) != ERR_OK)
        return err_set(detail, ERR_NOMEM, "out of memory");
    node_raft_soon(r);
    /* The reference waits for a leader, for ever if need be. */
    return outcome == RAFT_PROPOSED ? ERR_OK
                                    : err_set(detail, ERR_INPUT, "no leader is currently elected");
}

static void hash_text(char *ret_text, const struct hash256 *hash)
{
    hex_encode(ret_text, bytes_of(hash->b, sizeof(hash->b)));
    ret_text[64] = 0;
}

static int check_free(const struct node_raft *r, const struct p2p_enode *node,
                      const struct raft_address *address, struct err_detail *detail)
{
    char id[65], existing[65];
    struct hash256 other;
    hash_text(id, &node->id);
    struct crypto_public_key self;
    if (crypto_public_key_of(&self, r->options.key) &&
        memcmp(self.b, node->key.b, sizeof(self.b)) == 0)
        return err_set(detail, ERR_INPUT,
                       "enode is this enode (self): node with this enode has already been added to "
                       "the cluster: %s",
                       id);
    for (size_t i = 0; i < r->member_count; i++) {
        const struct raft_address *m = &r->members[i];
        if (memcmp(m->node, node->key.b, sizeof(m->node)) == 0)
            return err_set(detail, ERR_INPUT,
                           "node with this enode has already been added to the cluster: %s", id);
        if (strcmp(m->host, address->host) != 0)
            continue;
        crypto_keccak256(&other, bytes_of(m->node, sizeof(m->node)));
        hash_text(existing, &other);
        if (m->p2p_port == address->p2p_port)
            return err_set(detail, ERR_INPUT,
                           "existing node %s with raft ID %u is already using eth p2p at %s:%u",
                           existing, m->id, m->host, m->p2p_port);
        if (m->raft_port == address->raft_port)
            return err_set(detail, ERR_INPUT,
                           "existing node %s with raft ID %u is already using raft at %s:%u",
                           existing, m->id, m->host, m->raft_port);
    }
    return ERR_OK;
}

static int next_id(const struct node_raft *r, uint16_t *ret_id, struct err_detail *detail)
{
    unsigned id = r->id;
    for (size_t i = 0; i < r->member_count; i++)
        if (r->members[i].id > id)
            id = r->members[i].id;
    for (unsigned i = UINT16_MAX; i > id; i--)
        if (node_raft_is_gone(r, i))
            id = i;
    if (id == UINT16_MAX)
        return err_set(detail, ERR_LIMIT, "there are no raft ids left");
    *ret_id = (uint16_t)(id + 1);
    return ERR_OK;
}

int node_raft_add(struct node_raft *r, const char *enode, bool learner, uint16_t *ret_id,
                  struct err_detail *detail)
{
    struct p2p_enode node;
    struct raft_address address;
    struct buf context = BUF_INIT;
    int status = check_member(r, detail);
    if (status == ERR_OK && is_learner(r, r->id))
        status = err_set(detail, ERR_INPUT, "learner node can't add peer or learner");
    if (status == ERR_OK)
        status = p2p_enode_parse(&node, enode, detail);
    if (status != ERR_OK)
        return status;
    if (!r->options.config->raftdnsenable && node.host[0])
        return err_set(detail, ERR_INPUT, "raft must enable dns to use hostname");
    if (!node.host[0] && node.ip.ip_len != 4 && !r->options.config->raftdnsenable)
        return err_set(detail, ERR_INPUT,
                       "expected IPv4 address (with length 4), but got IP of length %u",
                       node.ip.ip_len);
    if (!node.raft)
        return err_set(detail, ERR_INPUT,
                       "enodeId is missing raftport querystring parameter: %.300s", enode);
    status = next_id(r, ret_id, detail);
    if (status == ERR_OK)
        status = node_raft_address_of(&address, *ret_id, &node, detail);
    if (status == ERR_OK)
        status = check_free(r, &node, &address, detail);
    if (status == ERR_OK && r->member_count + 1 >= RAFT_MEMBERS_MAX)
        status = err_set(detail, ERR_LIMIT, "a raft cluster has %d members at most here",
                         RAFT_MEMBERS_MAX);
    if (status != ERR_OK)
        return status;
    raft_address_write(&context, &address);
    const struct raft_conf_change change = {.id = *ret_id,
                                            .type = learner ? RAFT_ADD_LEARNER : RAFT_ADD_NODE,
                                            .node = *ret_id,
                                            .context = buf_bytes(&context)};
    status = propose(r, &change, detail);
    buf_release(&context);
    return status;
}

int node_raft_promote(struct node_raft *r, uint16_t id, struct err_detail *detail)
{
    const struct raft_conf_change change = {.id = id, .type = RAFT_ADD_NODE, .node = id};
    int status = check_member(r, detail);
    if (status == ERR_OK && is_learner(r, r->id))
        status = err_set(detail, ERR_INPUT, "learner node can't promote to peer");
    if (status == ERR_OK && !is_learner(r, id))
        status = err_set(detail, ERR_INPUT,
                         "%u is not a learner. only learner can be promoted to peer", id);
    return status == ERR_OK ? propose(r, &change, detail) : status;
}

int node_raft_remove(struct node_raft *r, uint16_t id, struct err_detail *detail)
{
    const struct raft_conf_change change = {.id = id, .type = RAFT_REMOVE_NODE, .node = id};
    int status = check_member(r, detail);
    if (status == ERR_OK && is_learner(r, r->id) && id != r->id)
        status = err_set(detail, ERR_INPUT, "learner node can't remove other peer");
    return status == ERR_OK ? propose(r, &change, detail) : status;
}
