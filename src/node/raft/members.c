/* Who belongs to the cluster: addresses, tombstones, and the two networks that are told of both. */
#include "base/mem.h"
#include "node/log/log.h"
#include "node/raft/priv.h"
#include "p2p/node_list.h"

#include <stdio.h>

/* --- Addresses --- */

int node_raft_address_of(struct raft_address *ret_address, uint16_t id,
                         const struct p2p_enode *node, struct err_detail *detail)
{
    struct raft_address a = {.id = id, .p2p_port = node->tcp, .raft_port = node->raft};
    char ip[IO_ADDRESS_TEXT] = "";
    memcpy(a.node, node->key.b, sizeof(a.node));
    if (!node->host[0])
        io_address_format_ip(ip, &node->ip);
    snprintf(a.host, sizeof(a.host), "%s", node->host[0] ? node->host : ip);
    if (!a.host[0])
        return err_set(detail, ERR_INPUT, "the enode has no address");
    *ret_address = a;
    return ERR_OK;
}

static bool enode_of(struct p2p_enode *ret_node, const struct raft_address *a)
{
    struct io_address ip;
    struct crypto_public_key key;
    if (!crypto_public_key_parse(&key, bytes_of(a->node, sizeof(a->node))))
        return false;
    bool is_ip = io_address_parse_ip(&ip, a->host);
    if (!is_ip)
        ip = (struct io_address){.ip_len = 0};
    p2p_enode_make(ret_node, &key, &ip, a->p2p_port, 0);
    ret_node->raft = a->raft_port;
    if (!is_ip)
        snprintf(ret_node->host, sizeof(ret_node->host), "%.*s", IO_HOST_MAX, a->host);
    return true;
}

/* --- Members --- */

struct raft_address *node_raft_member_of(struct node_raft *r, uint64_t id)
{
    for (size_t i = 0; i < r->member_count; i++)
        if (r->members[i].id == id)
            return &r->members[i];
    return NULL;
}

static void set_self(struct node_raft *r, const struct raft_address *address)
{
    struct buf url = BUF_INIT;
    r->self = *address;
    r->has_self = true;
    raft_address_url(&url, address);
    if (r->transport)
        cluster_transport_set_url(r->transport, buf_text(&url));
    buf_release(&url);
}

void node_raft_member_add(struct node_raft *r, const struct raft_address *address)
{
    struct p2p_enode node;
    if (address->id == r->id) {
        set_self(r, address);
        return;
    }
    if (node_raft_member_of(r, address->id) || r->member_count == RAFT_MEMBERS_MAX)
        return;
    size_t at = 0;
    while (at < r->member_count && r->members[at].id < address->id)
        at++;
    memmove(&r->members[at + 1], &r->members[at], (r->member_count - at) * sizeof(*r->members));
    r->members[at] = *address;
    r->member_count++;
    if (enode_of(&node, address) &&
        p2p_server_add_peer(node_network_server(r->options.network), &node) != ERR_OK)
        NODE_LOG(NODE_LOG_ERROR, "A raft member is no peer: out of memory",
                 node_number("member", address->id));
    if (r->transport && cluster_transport_add(r->transport, address->id, address->host,
                                              address->raft_port) != ERR_OK)
        NODE_LOG(NODE_LOG_ERROR, "A raft member cannot be reached: out of memory",
                 node_number("member", address->id));
}

void node_raft_member_remove(struct node_raft *r, uint64_t id)
{
    struct p2p_enode node;
    struct raft_address *a = node_raft_member_of(r, id);
    if (id <= UINT16_MAX)
        r->gone[id / 8] |= (uint8_t)(1u << id % 8);
    if (!a)
        return;
    if (enode_of(&node, a))
        p2p_server_remove_peer(node_network_server(r->options.network), &node);
    if (r->transport)
        cluster_transport_remove(r->transport, id);
    r->member_count--;
    memmove(a, a + 1, (size_t)(&r->members[r->member_count] - a) * sizeof(*a));
}

bool node_raft_permits(const struct node_raft *r, const struct crypto_public_key *key)
{
    for (size_t i = 0; i < r->member_count; i++)
        if (memcmp(r->members[i].node, key->b, sizeof(key->b)) == 0)
            return true;
    return false;
}

/* --- Snapshots --- */

static const struct raft_address *address_of(const struct node_raft *r, uint64_t id)
{
    if (id == r->id)
        return r->has_self ? &r->self : NULL;
    return node_raft_member_of((struct node_raft *)(uintptr_t)r, id);
}

static void sort_ids(uint64_t *ids, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && ids[k - 1] > ids[k]; k--) {
            uint64_t id = ids[k];
            ids[k] = ids[k - 1];
            ids[k - 1] = id;
        }
}

int node_raft_snapshot_write(const struct node_raft *r, struct buf *b)
{
    uint64_t ids[2 * RAFT_MEMBERS_MAX];
    struct raft_cluster c = {.head = node_chain_head(r->options.chain)->block->hash};
    size_t count = raft_machine_voters(r->machine, ids), removed = 0;
    count += raft_machine_learners(r->machine, ids + count);
    sort_ids(ids, count);
    for (size_t id = 1; id <= UINT16_MAX; id++)
        removed += node_raft_is_gone(r, id);
    c.members = mem_alloc_zeroed(count + 1, sizeof(*c.members));
    c.removed = mem_alloc_zeroed(removed + 1, sizeof(*c.removed));
    int status = c.members && c.removed ? ERR_OK : ERR_NOMEM;
    for (size_t i = 0; i < count && status == ERR_OK; i++) {
        const struct raft_address *a = address_of(r, ids[i]);
        if (a) /* the reference stops the process over one that it does not know */
            c.members[c.count++] = *a;
    }
    for (size_t id = 1; id <= UINT16_MAX && status == ERR_OK; id++)
        if (node_raft_is_gone(r, id))
            c.removed[c.removed_count++] = (uint16_t)id;
    if (status == ERR_OK) {
        raft_cluster_write(b, &c);
        status = buf_status(b);
    }
    mem_free(c.members);
    mem_free(c.removed);
    return status;
}

static bool is_listed(const struct raft_cluster *c, uint64_t id)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->members[i].id == id)
            return true;
    return false;
}

int node_raft_snapshot_read(struct node_raft *r, const struct raft_snapshot *snapshot,
                            struct hash256 *ret_head, struct err_detail *detail)
{
    struct raft_cluster c;
    struct arena arena;
    arena_init(&arena);
    int status = raft_cluster_decode(&c, &arena, snapshot->data, detail);
    if (status == ERR_OK) {
        memset(r->gone, 0, sizeof(r->gone));
        for (size_t i = 0; i < c.removed_count; i++)
            node_raft_member_remove(r, c.removed[i]);
        for (size_t i = r->member_count; i > 0; i--) {
            uint64_t id = r->members[i - 1].id;
            if (!is_listed(&c, id))
                node_raft_member_remove(r, id);
        }
        for (size_t i = 0; i < c.count; i++)
            node_raft_member_add(r, &c.members[i]);
        *ret_head = c.head;
    }
    arena_release(&arena);
    return status;
}

/* --- The beginning --- */

static int read_initial(struct node_raft *r, const struct p2p_node_list *list,
                        const struct crypto_public_key *key, struct err_detail *detail)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct p2p_enode *node = &list->nodes[i];
        char text[P2P_ENODE_TEXT];
        struct raft_address address;
        p2p_enode_format(text, node);
        if (!node->raft)
            return err_set(detail, ERR_INPUT,
                           "raftport querystring parameter not specified in static-node enode ID: "
                           "%s. please check your static-nodes.json file.",
                           text);
        if (memcmp(node->key.b, key->b, sizeof(key->b)) == 0)
            r->id = (uint16_t)(i + 1);
        int status = node_raft_address_of(&address, (uint16_t)(i + 1), node, detail);
        if (status != ERR_OK)
            return status;
        if (i >= RAFT_MEMBERS_MAX)
            return err_set(detail, ERR_LIMIT, "static-nodes.json has more than %d nodes",
                           RAFT_MEMBERS_MAX);
        r->members[r->member_count++] = address; /* all, until the own place is known */
    }
    r->initial = list->count;
    return ERR_OK;
}

int node_raft_find_place(struct node_raft *r, struct err_detail *detail)
{
    struct crypto_public_key key;
    const struct node_config *config = r->options.config;
    if (config->raftjoinexisting) {
        r->id = (uint16_t)config->raftjoinexisting;
        return ERR_OK;
    }
    if (!crypto_public_key_of(&key, r->options.key))
        return err_set(detail, ERR_CRYPTO, "the node key is none");
    const struct p2p_node_list *list = node_network_static(r->options.network);
    int status = read_initial(r, list, &key, detail);
    if (status != ERR_OK)
        return status;
    if (list->count == 0)
        return err_set(
            detail, ERR_INPUT,
            "Raft-based consensus requires either (1) an initial peers list (in "
            "static-nodes.json) including this enode hash, or (2) the flag "
            "--raftjoinexisting RAFT_ID, where RAFT_ID has been issued by an existing "
            "cluster member calling `raft.addPeer(ENODE_ID)` with an enode ID containing "
            "this node's enode hash.");
    if (!r->id)
        return err_set(detail, ERR_INPUT,
                       "failed to find local enode ID amongst the peer IDs of static-nodes.json");
    return ERR_OK;
}

int node_raft_bootstrap(struct node_raft *r, struct err_detail *detail)
{
    size_t count = r->initial;
    struct raft_address *all = mem_alloc(count * sizeof(*all));
    struct raft_member *members = mem_alloc_zeroed(count, sizeof(*members));
    struct buf *contexts = mem_alloc_zeroed(count, sizeof(*contexts));
    int status = all && members && contexts ? ERR_OK : ERR_NOMEM;
    if (status == ERR_OK) {
        memcpy(all, r->members, count * sizeof(*all));
        r->member_count = 0;
    }
    for (size_t i = 0; i < count && status == ERR_OK; i++) {
        raft_address_write(&contexts[i], &all[i]);
        members[i] = (struct raft_member){all[i].id, buf_bytes(&contexts[i])};
        status = buf_status(&contexts[i]);
        node_raft_member_add(r, &all[i]);
    }
    if (status == ERR_OK)
        status = raft_machine_bootstrap(r->machine, members, count);
    for (size_t i = 0; contexts && i < count; i++)
        buf_release(&contexts[i]);
    mem_free(all);
    mem_free(members);
    mem_free(contexts);
    return status == ERR_OK ? ERR_OK : err_set(detail, status, "raft: %s", err_text(status));
}
