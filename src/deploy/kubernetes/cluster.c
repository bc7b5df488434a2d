#include "deploy/kubernetes/cluster.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "deploy/genesis/genesis.h"
#include "deploy/json.h"
#include "deploy/local/site.h"
#include "deploy/yaml.h"

#include <stdio.h>
#include <unistd.h>

enum {
    FILE_MAX_BYTES = 16 * 1024 * 1024,
    NODE_ID_TEXT = 2 * sizeof(struct crypto_public_key) + 1,
};

static const char *default_image(const struct deploy_network *network, struct arena *arena)
{
    const char *url = network->docker ? network->docker->url.text : NULL;
    size_t size = url ? strlen(url) + 64 : 0;
    char *text = url ? arena_alloc(arena, size) : NULL;
    if (text)
        snprintf(text, size, "%s/quorate:%s", url, QUORATE_VERSION);
    return text;
}

static bool is_validator(const struct deploy_peer_at *at)
{
    return !at->has_tm || at->peer->type.value == DEPLOY_VALIDATOR;
}

static void set_peer(struct deploy_cluster_peer *peer, const struct deploy_network *network,
                     const struct deploy_peer_at *at)
{
    *peer = (struct deploy_cluster_peer){
        .organization = at->organization,
        .organization_index = at->organization_index,
        .peer = at->peer,
        .has_tm = at->has_tm && network->config->transaction_manager.value != DEPLOY_TM_NONE,
        .validator = is_validator(at),
        .founder = network->config->bootnode == NULL,
    };
    snprintf(peer->name, sizeof(peer->name), "%.60s/%.60s", at->organization->name.text,
             at->peer->name.text);
}

int deploy_cluster_new(struct deploy_cluster **ret_cluster, const struct deploy_network *network,
                       const struct deploy_cluster_options *options, struct arena *arena,
                       struct err_detail *detail)
{
    struct deploy_peer_at at;
    struct deploy_cluster *cluster = arena_alloc_zeroed(arena, 1, sizeof(*cluster));
    size_t count = 0;
    while (deploy_peer_at(&at, network, count))
        count++;
    if (count > DEPLOY_CLUSTER_PEERS_MAX)
        return err_set(detail, ERR_INPUT, "%zu peers are too many (at most %d)", count,
                       DEPLOY_CLUSTER_PEERS_MAX);
    struct deploy_cluster_peer *peers = arena_alloc_zeroed(arena, count + 1, sizeof(*peers));
    struct buf *authorities =
        arena_alloc_zeroed(arena, network->organizations.count + 1, sizeof(*authorities));
    if (!cluster || !peers || !authorities)
        return err_set(detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; deploy_peer_at(&at, network, i); i++)
        set_peer(&peers[i], network, &at);
    *cluster = (struct deploy_cluster){
        .network = network,
        .options = options,
        .peers = peers,
        .authorities = authorities,
        .count = count,
        .image = options->image ? options->image : default_image(network, arena),
    };
    *ret_cluster = cluster;
    return cluster->image
               ? ERR_OK
               : err_set(detail, ERR_INPUT, "whose image? Give --image, or network.docker.url");
}

void deploy_cluster_release(struct deploy_cluster *cluster)
{
    if (!cluster)
        return;
    for (size_t i = 0; i < cluster->count; i++)
        deploy_cluster_certificate_release(&cluster->peers[i].certificate);
    for (size_t i = 0; i < cluster->network->organizations.count; i++)
        buf_release(&cluster->authorities[i]);
    buf_release(&cluster->genesis);
    json_decref(cluster->static_nodes);
    json_decref(cluster->founders);
    json_decref(cluster->published);
}

static void path_of(char *ret, const struct deploy_cluster *cluster, const char *file)
{
    deploy_path(ret, "%.800s/kubernetes/%s", cluster->options->data, file);
}

/* --- Members: who was there at the beginning, and the ids of those who joined a Raft cluster --- */

/* The place of a name in the list, from 1; 0 when it is not in it. */
static size_t place_of(const json_t *list, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), name) == 0)
            return i + 1;
    }
    return 0;
}

/* A founder of a Raft cluster is known by its place among the static nodes, as long as that is what it was. */
static uint64_t founders_id(const struct deploy_cluster *cluster, size_t index)
{
    size_t place = place_of(cluster->founders, cluster->peers[index].name);
    bool raft = cluster->network->config->consensus.value == DEPLOY_RAFT;
    return raft && !cluster->network->config->bootnode && place != index + 1 ? place : 0;
}

/* The first time all peers are founders, unless they join a network that is there. */
static int found(struct deploy_cluster *cluster, struct err_detail *detail)
{
    cluster->founders = json_array();
    for (size_t i = 0; i < cluster->count; i++)
        if (cluster->peers[i].founder &&
            json_array_append_new(cluster->founders, json_string(cluster->peers[i].name)) != 0)
            return err_set(detail, ERR_NOMEM, "out of memory");
    return ERR_OK;
}

static int read_members(struct deploy_cluster *cluster, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    struct buf text = BUF_INIT;
    path_of(path, cluster, "members.json");
    if (access(path, F_OK) != 0)
        return found(cluster, detail);
    int status = file_read(path, FILE_MAX_BYTES, &text, detail);
    json_t *root = status == ERR_OK
                       ? json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    cluster->founders = json_incref(json_object_get(root, "founders"));
    if (status == ERR_OK && !json_is_array(cluster->founders))
        status = err_set(detail, ERR_CORRUPT, "%s is damaged; restore it from a backup", path);
    for (size_t i = 0; status == ERR_OK && i < cluster->count; i++) {
        struct deploy_cluster_peer *peer = &cluster->peers[i];
        peer->founder = place_of(cluster->founders, peer->name) != 0;
        json_int_t id =
            json_integer_value(json_object_get(json_object_get(root, "raft"), peer->name));
        peer->raft_id = peer->founder ? founders_id(cluster, i) : id > 0 ? (uint64_t)id : 0;
    }
    cluster->published = json_incref(json_object_get(root, "nodes"));
    json_decref(root);
    buf_release(&text);
    return status;
}

static void node_id(char ret[NODE_ID_TEXT], const struct deploy_cluster_peer *peer)
{
    hex_encode(ret, bytes_of(peer->identity.node.b, sizeof(peer->identity.node.b)));
    ret[NODE_ID_TEXT - 1] = 0;
}

/* A key that was lost and made anew is another node: the genesis, the validators and the others' lists have the old one. */
static int check_published(const struct deploy_cluster *cluster, struct err_detail *detail)
{
    char is[NODE_ID_TEXT], path[DEPLOY_SECRETS_PATH_MAX + 1];
    for (size_t i = 0; i < cluster->count; i++) {
        const struct deploy_cluster_peer *peer = &cluster->peers[i];
        const char *was = json_string_value(json_object_get(cluster->published, peer->name));
        node_id(is, peer);
        if (peer->organization->external.value || !was || strcmp(was, is) == 0)
            continue;
        deploy_secret_path(path, peer->organization, peer->peer, DEPLOY_SECRET_QUORUM);
        return err_set(detail, ERR_EXISTS,
                       "%s was published as enode %.16s..., and the key in %s is another's: put "
                       "the key back (an engine of version 2 has it as an earlier version), or "
                       "`quorate remove-peer` it and `add-peer` one of another name",
                       peer->name, was, path);
    }
    return ERR_OK;
}

int deploy_cluster_keep(const struct deploy_cluster *cluster, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    json_t *raft = json_object();
    for (size_t i = 0; i < cluster->count; i++) {
        const struct deploy_cluster_peer *peer = &cluster->peers[i];
        if (peer->raft_id && !peer->founder)
            json_object_set_new(raft, peer->name, json_integer((json_int_t)peer->raft_id));
    }
    json_t *nodes = json_object();
    for (size_t i = 0; i < cluster->count; i++) {
        char id[NODE_ID_TEXT];
        node_id(id, &cluster->peers[i]);
        json_object_set_new(nodes, cluster->peers[i].name, json_string(id));
    }
    json_t *root =
        json_pack("{s:O, s:o, s:o}", "founders", cluster->founders, "raft", raft, "nodes", nodes);
    path_of(path, cluster, "members.json");
    int status = deploy_json_write(path, root, false, detail);
    json_decref(root);
    return status;
}

void deploy_cluster_forget_founder(struct deploy_cluster *cluster, const char *name)
{
    size_t place = place_of(cluster->founders, name);
    if (place)
        (void)json_array_set_new(cluster->founders, place - 1, json_null());
}

int deploy_cluster_find(size_t *ret_index, const struct deploy_cluster *cluster, const char *name,
                        struct err_detail *detail)
{
    size_t found = 0;
    for (size_t i = 0; i < cluster->count; i++)
        if (strcmp(cluster->peers[i].name, name) == 0 ||
            strcmp(cluster->peers[i].peer->name.text, name) == 0) {
            *ret_index = i;
            found++;
        }
    return found == 1 ? ERR_OK
                      : err_set(detail, ERR_NOTFOUND,
                                found ? "there are several peers %s; name organization/peer"
                                      : "there is no peer %s; `quorate status` lists them",
                                name);
}

/* --- Genesis --- */

static int make_genesis(struct buf *text, const struct deploy_cluster *cluster,
                        struct err_detail *detail)
{
    const struct deploy_config *config = cluster->network->config;
    struct address *addresses = mem_alloc_zeroed(2 * cluster->count, sizeof(*addresses));
    if (!addresses)
        return err_set(detail, ERR_NOMEM, "out of memory");
    struct deploy_genesis genesis = {
        .consensus = (enum deploy_consensus)config->consensus.value,
        .chain_id = config->chain_id.value,
        .block_period = config->block_period.value,
        .validators = addresses,
        .accounts = addresses + cluster->count,
    };
    for (size_t i = 0; i < cluster->count; i++) {
        const struct deploy_cluster_peer *peer = &cluster->peers[i];
        if (!peer->founder)
            continue;
        addresses[cluster->count + genesis.account_count++] = peer->identity.account;
        if (peer->validator && genesis.consensus != DEPLOY_RAFT)
            addresses[genesis.validator_count++] = peer->identity.node_address;
    }
    deploy_genesis_format(text, &genesis);
    mem_free(addresses);
    return buf_status(text) == ERR_OK ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
}

/* Block 0 follows from the keys of the founders; once made it is kept, and what the file asks for must still be it. A
 * founder that has left cannot be asked, nor one whose votes have changed. */
static int find_genesis(struct deploy_cluster *cluster, struct err_detail *detail)
{
    const struct deploy_config *config = cluster->network->config;
    char path[DEPLOY_PATH_MAX];
    struct buf old = BUF_INIT;
    if (config->bootnode)
        return file_read(config->genesis.text, FILE_MAX_BYTES, &cluster->genesis, detail);
    path_of(path, cluster, "genesis.json");
    bool there = access(path, F_OK) == 0;
    int status =
        there ? file_read(path, FILE_MAX_BYTES, &old, detail) : make_genesis(&old, cluster, detail);
    if (status == ERR_OK && !there)
        status = file_write(path, buf_bytes(&old), detail);
    if (status == ERR_OK)
        buf_append_bytes(&cluster->genesis, buf_bytes(&old));
    buf_release(&old);
    return status;
}

static const json_t *chain_id_of(const json_t *genesis)
{
    return json_object_get(json_object_get(genesis, "config"), "chainId");
}

/* IBFT is called by either name. */
static bool agrees(const json_t *rules, enum deploy_consensus consensus)
{
    if (consensus == DEPLOY_RAFT)
        return true;
    if (consensus == DEPLOY_QBFT)
        return json_object_get(rules, "qbft") != NULL;
    return json_object_get(rules, "ibft") || json_object_get(rules, "istanbul");
}

/* What must never change under a network that lives. */
static int check_genesis(const struct deploy_cluster *cluster, struct err_detail *detail)
{
    const struct deploy_config *config = cluster->network->config;
    json_t *genesis =
        json_loadb((const char *)cluster->genesis.data, cluster->genesis.len, 0, NULL);
    const json_t *id = chain_id_of(genesis), *rules = json_object_get(genesis, "config");
    int status = ERR_OK;
    if (!json_is_object(rules))
        status = err_set(detail, ERR_CORRUPT, "the genesis of this network is no genesis file");
    else if (!config->bootnode && (uint64_t)json_integer_value(id) != config->chain_id.value)
        status =
            err_set(detail, ERR_EXISTS,
                    "the file's chain_id is %llu, and the network lives on a genesis of %lld "
                    "(%s/kubernetes/genesis.json); undo the change, or begin in another --data",
                    (unsigned long long)config->chain_id.value, (long long)json_integer_value(id),
                    cluster->options->data);
    else if (!agrees(rules, (enum deploy_consensus)config->consensus.value))
        status = err_set(detail, ERR_EXISTS,
                         "the file's consensus is not that of the genesis that the network lives "
                         "on; undo the change, or begin in another --data");
    json_decref(genesis);
    return status;
}

/* --- Static nodes --- */

static int list_own_nodes(struct deploy_cluster *cluster, struct err_detail *detail)
{
    for (size_t i = 0; i < cluster->count; i++) {
        const struct deploy_cluster_peer *peer = &cluster->peers[i];
        struct deploy_cluster_address p2p, raft;
        char id[129] = {0}, more[32] = "";
        hex_encode(id, bytes_of(peer->identity.node.b, sizeof(peer->identity.node.b)));
        deploy_cluster_address(&p2p, cluster, peer, peer->peer->p2p, DEPLOY_PORT_P2P);
        deploy_cluster_address(&raft, cluster, peer, peer->peer->raft, DEPLOY_PORT_RAFT);
        if (cluster->network->config->consensus.value == DEPLOY_RAFT)
            snprintf(more, sizeof(more), "&raftport=%llu", (unsigned long long)raft.port);
        json_t *enode = json_sprintf("enode://%s@%s:%llu?discport=0%s", id, p2p.host,
                                     (unsigned long long)p2p.port, more);
        if (json_array_append_new(cluster->static_nodes, enode) != 0)
            return err_set(detail, ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

/* A list of texts in JSON, or in YAML as BAF writes it, which JSON is. */
static int read_nodes(struct deploy_cluster *cluster, struct err_detail *detail)
{
    const char *path = cluster->network->config->staticnodes.text;
    struct buf text = BUF_INIT;
    struct arena arena;
    struct deploy_report report;
    const struct deploy_yaml *root = NULL;
    arena_init(&arena);
    deploy_report_init(&report, path, &arena);
    int status = file_read(path, DEPLOY_YAML_MAX, &text, detail);
    if (status == ERR_OK)
        status = deploy_yaml_parse(&root, buf_bytes(&text), &report);
    if (status == ERR_OK && (!root || root->kind != DEPLOY_YAML_LIST))
        status = err_set(detail, ERR_INPUT, "%s is no list of enodes", path);
    for (size_t i = 0; status == ERR_OK && i < root->count; i++)
        json_array_append_new(cluster->static_nodes, json_string(root->items[i]->text));
    arena_release(&arena);
    buf_release(&text);
    return status;
}

int deploy_cluster_identify(struct deploy_cluster *cluster, struct err_detail *detail)
{
    int status = read_members(cluster, detail);
    if (status == ERR_OK)
        status = deploy_cluster_material(cluster, true, detail);
    for (size_t i = 0; status == ERR_OK && i < cluster->count; i++) {
        struct deploy_identity *identity = &cluster->peers[i].identity;
        const char *id =
            json_string_value(json_object_get(cluster->published, cluster->peers[i].name));
        struct crypto_public_key key;
        if (id && hex_decode_exact(id, key.b, sizeof(key.b))) {
            identity->node = key;
            crypto_address_of(&identity->node_address, &key);
        }
    }
    return status;
}

bool deploy_cluster_is_published(const struct deploy_cluster *cluster,
                                 const struct deploy_cluster_peer *peer)
{
    return json_object_get(cluster->published, peer->name) != NULL;
}

int deploy_cluster_prepare(struct deploy_cluster *cluster, bool read_only,
                           struct err_detail *detail)
{
    char folder[DEPLOY_PATH_MAX];
    path_of(folder, cluster, "");
    int status = file_make_folders(folder, 0700, detail);
    if (status == ERR_OK)
        status = read_members(cluster, detail);
    if (status == ERR_OK)
        status = deploy_cluster_material(cluster, read_only, detail);
    if (status == ERR_OK)
        status = check_published(cluster, detail);
    if (status == ERR_OK)
        status = find_genesis(cluster, detail);
    if (status == ERR_OK)
        status = check_genesis(cluster, detail);
    if (status != ERR_OK)
        return status;
    cluster->static_nodes = json_array();
    status = cluster->network->config->bootnode ? read_nodes(cluster, detail) : ERR_OK;
    if (status == ERR_OK)
        status = list_own_nodes(cluster, detail);
    return status == ERR_OK ? deploy_cluster_keep(cluster, detail) : status;
}
