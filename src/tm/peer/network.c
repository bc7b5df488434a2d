#include "tm/peer/network.h"

#include "base/mem.h"
#include "tmproto/reader.h"

struct node {
    struct tm_network_node shown;
    char *url;
    uint8_t *memory; /* items and bytes of the keys */
    unsigned failures;
    unsigned wait; /* rounds until it is called again */
};

struct tm_network {
    char *url;
    struct node **nodes;
    size_t count, room, configured;
    size_t key_total;
    uint8_t *own_memory;
    struct tmproto_list own;
    size_t due; /* of tm_network_due */
    bool discovery;
};

bool tm_network_normal_url(struct bytes url, char ret_url[TMPROTO_URL_MAX + 2])
{
    size_t scheme = url.len > 7 && memcmp(url.data, "http://", 7) == 0    ? 7
                    : url.len > 8 && memcmp(url.data, "https://", 8) == 0 ? 8
                                                                          : 0;
    if (!scheme || url.len > TMPROTO_URL_MAX)
        return false;
    for (size_t i = 0; i < url.len; i++)
        if (url.data[i] <= ' ' || url.data[i] >= 0x7f || url.data[i] == '"' || url.data[i] == '@')
            return false;
    memcpy(ret_url, url.data, url.len);
    size_t len = url.len;
    if (!memchr(url.data + scheme, '/', url.len - scheme))
        ret_url[len++] = '/';
    ret_url[len] = 0;
    return ret_url[scheme] != '/' && ret_url[scheme] != ':';
}

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = mem_alloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

/* Keys in one piece of memory: the items, then their bytes. NULL when out of memory. */
static uint8_t *copy_keys(struct tmproto_list *ret_keys, struct tmproto_list keys)
{
    size_t size = keys.count * sizeof(struct bytes);
    for (size_t i = 0; i < keys.count; i++)
        size += keys.items[i].len;
    uint8_t *memory = mem_alloc(size);
    if (!memory)
        return NULL;
    struct bytes *items = (struct bytes *)(void *)memory;
    uint8_t *at = memory + keys.count * sizeof(struct bytes);
    for (size_t i = 0; i < keys.count; i++) {
        memcpy(at, keys.items[i].data, keys.items[i].len);
        items[i] = bytes_of(at, keys.items[i].len);
        at += keys.items[i].len;
    }
    *ret_keys = (struct tmproto_list){items, keys.count};
    return memory;
}

static void node_free(struct node *node)
{
    mem_free(node->url);
    mem_free(node->memory);
    mem_free(node);
}

static struct node *find_url(const struct tm_network *network, const char *url)
{
    for (size_t i = 0; i < network->count; i++)
        if (strcmp(network->nodes[i]->url, url) == 0)
            return network->nodes[i];
    return NULL;
}

/* Makes room by forgetting one that nobody configured and that does not answer. */
static bool forget_one(struct tm_network *network)
{
    for (size_t i = network->configured; i < network->count; i++) {
        struct node *node = network->nodes[i];
        if (!node->shown.unreachable)
            continue;
        network->key_total -= node->shown.keys.count;
        node_free(node);
        memmove(&network->nodes[i], &network->nodes[i + 1],
                (network->count - i - 1) * sizeof(*network->nodes));
        network->count--;
        if (i < network->due)
            network->due--;
        return true;
    }
    return false;
}

/* The node of that URL, made when there is none. NULL and TM_NETWORK_FULL or ERR_NOMEM in *ret_status. */
static struct node *put_url(struct tm_network *network, const char *url, int *ret_status)
{
    struct node *node = find_url(network, url);
    *ret_status = TM_NETWORK_TAKEN;
    if (node)
        return node;
    if (network->count == TM_NETWORK_NODES_MAX && !forget_one(network)) {
        *ret_status = TM_NETWORK_FULL;
        return NULL;
    }
    *ret_status = ERR_NOMEM;
    if (MEM_RESERVE(network->nodes, network->room, network->count + 1, 16))
        return NULL;
    node = mem_alloc_zeroed(1, sizeof(*node));
    char *copy = copy_text(url);
    if (!node || !copy) {
        mem_free(node);
        mem_free(copy);
        return NULL;
    }
    node->url = copy;
    node->shown.url = copy;
    network->nodes[network->count++] = node;
    *ret_status = TM_NETWORK_TAKEN;
    return node;
}

int tm_network_new(struct tm_network **ret_network, const struct tm_network_options *options)
{
    char url[TMPROTO_URL_MAX + 2];
    if (!tm_network_normal_url(bytes_str(options->url), url))
        return ERR_INPUT;
    struct tm_network *network = mem_alloc_zeroed(1, sizeof(*network));
    if (!network)
        return ERR_NOMEM;
    network->discovery = options->discovery;
    network->url = copy_text(url);
    int status = network->url ? 0 : ERR_NOMEM;
    for (size_t i = 0; status == 0 && i < options->peer_count; i++) {
        if (!tm_network_normal_url(bytes_str(options->peers[i]), url)) {
            status = ERR_INPUT;
            break;
        }
        if (strcmp(url, network->url) == 0)
            continue;
        struct node *node = put_url(network, url, &status);
        if (node)
            node->shown.configured = true;
        else if (status == TM_NETWORK_FULL)
            status = ERR_LIMIT;
    }
    network->configured = network->count;
    if (status < 0) {
        tm_network_free(network);
        return status;
    }
    *ret_network = network;
    return 0;
}

void tm_network_free(struct tm_network *network)
{
    if (!network)
        return;
    for (size_t i = 0; i < network->count; i++)
        node_free(network->nodes[i]);
    mem_free(network->nodes);
    mem_free(network->own_memory);
    mem_free(network->url);
    mem_free(network);
}

const char *tm_network_url(const struct tm_network *network)
{
    return network->url;
}

int tm_network_set_keys(struct tm_network *network, struct tmproto_list keys)
{
    struct tmproto_list own;
    uint8_t *memory = copy_keys(&own, keys);
    if (!memory)
        return ERR_NOMEM;
    mem_free(network->own_memory);
    network->own_memory = memory;
    network->own = own;
    return 0;
}

/* --- What others tell --- */

/* The keys that `info` has at `url`, without doubles, into `items`. */
static size_t keys_at(struct bytes *items, const struct tmproto_partyinfo *info, const char *url)
{
    char at[TMPROTO_URL_MAX + 2];
    size_t count = 0;
    for (size_t i = 0; i < info->key_count && count < TM_NETWORK_NODE_KEYS_MAX; i++) {
        if (!tm_network_normal_url(info->keys[i].url, at) || strcmp(at, url) != 0 ||
            info->keys[i].key.len == 0 || info->keys[i].key.len > TMPROTO_KEY_MAX ||
            tmproto_list_find((struct tmproto_list){items, count}, info->keys[i].key) != SIZE_MAX)
            continue;
        items[count++] = info->keys[i].key;
    }
    return count;
}

static int set_keys(struct tm_network *network, struct node *node, struct tmproto_list keys)
{
    if (network->key_total - node->shown.keys.count + keys.count > TM_NETWORK_KEYS_MAX)
        return TM_NETWORK_FULL;
    struct tmproto_list copy;
    uint8_t *memory = copy_keys(&copy, keys);
    if (!memory)
        return ERR_NOMEM;
    network->key_total += keys.count - node->shown.keys.count;
    mem_free(node->memory);
    node->memory = memory;
    node->shown.keys = copy;
    return TM_NETWORK_TAKEN;
}

static int take_parties(struct tm_network *network, const struct tmproto_partyinfo *info)
{
    char url[TMPROTO_URL_MAX + 2];
    if (!network->discovery)
        return TM_NETWORK_TAKEN;
    for (size_t i = 0; i < info->parties.count; i++) {
        int status;
        if (!tm_network_normal_url(info->parties.items[i], url) || strcmp(url, network->url) == 0)
            continue;
        if (!put_url(network, url, &status))
            return status;
    }
    return TM_NETWORK_TAKEN;
}

int tm_network_receive(struct tm_network *network, const struct tmproto_partyinfo *info,
                       tmproto_versions versions)
{
    char url[TMPROTO_URL_MAX + 2];
    struct bytes items[TM_NETWORK_NODE_KEYS_MAX];
    if (!tm_network_normal_url(info->url, url))
        return TM_NETWORK_BAD_URL;
    if (strcmp(url, network->url) == 0)
        return TM_NETWORK_TAKEN; /* an echo of ourselves */
    struct node *node = find_url(network, url);
    if (!network->discovery && !(node && node->shown.configured))
        return TM_NETWORK_STRANGER;
    int status = TM_NETWORK_TAKEN;
    if (!node)
        node = put_url(network, url, &status);
    if (!node)
        return status;
    status = set_keys(network, node, (struct tmproto_list){items, keys_at(items, info, url)});
    if (status != TM_NETWORK_TAKEN)
        return status;
    node->shown.versions = versions;
    node->shown.heard = true;
    node->shown.unreachable = false;
    node->failures = node->wait = 0;
    return take_parties(network, info);
}

int tm_network_merge(struct tm_network *network, const struct tmproto_partyinfo *info)
{
    char url[TMPROTO_URL_MAX + 2];
    struct bytes items[TM_NETWORK_NODE_KEYS_MAX];
    for (size_t i = 0; i < info->key_count; i++) {
        int status;
        if (!tm_network_normal_url(info->keys[i].url, url) || strcmp(url, network->url) == 0)
            continue;
        struct node *node = find_url(network, url);
        if ((node && node->shown.heard) ||
            (!network->discovery && !(node && node->shown.configured)))
            continue;
        if (!node)
            node = put_url(network, url, &status);
        if (!node)
            return status;
        if (tmproto_list_find(node->shown.keys, info->keys[i].key) != SIZE_MAX)
            continue; /* all of this URL's keys came with the first */
        status = set_keys(network, node, (struct tmproto_list){items, keys_at(items, info, url)});
        if (status != TM_NETWORK_TAKEN)
            return status;
    }
    return take_parties(network, info);
}

/* --- Whom to call --- */

int tm_network_add(struct tm_network *network, const char *url)
{
    int status;
    (void)put_url(network, url, &status);
    return status;
}

void tm_network_begin_round(struct tm_network *network)
{
    network->due = 0;
}

const struct tm_network_node *tm_network_due(struct tm_network *network)
{
    while (network->due < network->count) {
        struct node *node = network->nodes[network->due++];
        if (node->wait > 0)
            node->wait--;
        else
            return &node->shown;
    }
    return NULL;
}

void tm_network_called(struct tm_network *network, const char *url, bool reached)
{
    struct node *node = find_url(network, url);
    if (!node)
        return;
    node->shown.unreachable = !reached;
    if (reached) {
        node->failures = node->wait = 0;
        return;
    }
    if (node->failures < TM_NETWORK_PAUSE_MAX)
        node->failures++;
    node->wait = node->failures - 1;
}

const struct tm_network_node *tm_network_find(const struct tm_network *network, struct bytes key)
{
    const struct tm_network_node *found = NULL;
    for (size_t i = 0; i < network->count; i++) {
        const struct tm_network_node *node = &network->nodes[i]->shown;
        if ((found && node->unreachable) || tmproto_list_find(node->keys, key) == SIZE_MAX)
            continue;
        if (!node->unreachable)
            return node;
        found = node;
    }
    return found;
}

const struct tm_network_node *tm_network_node_of(const struct tm_network *network, const char *url)
{
    struct node *node = find_url(network, url);
    return node ? &node->shown : NULL;
}

size_t tm_network_count(const struct tm_network *network)
{
    return network->count;
}

const struct tm_network_node *tm_network_at(const struct tm_network *network, size_t index)
{
    return &network->nodes[index]->shown;
}

/* --- What we tell --- */

static void write_keys(struct buf *b, struct tmproto_list keys, const char *url)
{
    for (size_t i = 0; i < keys.count; i++) {
        tmproto_write_field(b, keys.items[i]);
        tmproto_write_field(b, bytes_str(url));
    }
}

void tm_network_tell(const struct tm_network *network, struct buf *b, bool whole)
{
    size_t parties = 1;
    for (size_t i = 0; i < network->count; i++)
        parties += whole || network->nodes[i]->shown.keys.count > 0;
    tmproto_write_field(b, bytes_str(network->url));
    tmproto_write_count(b, network->own.count + (whole ? network->key_total : 0));
    write_keys(b, network->own, network->url);
    for (size_t i = 0; whole && i < network->count; i++)
        write_keys(b, network->nodes[i]->shown.keys, network->nodes[i]->url);
    tmproto_write_count(b, parties);
    tmproto_write_field(b, bytes_str(network->url));
    for (size_t i = 0; i < network->count; i++)
        if (whole || network->nodes[i]->shown.keys.count > 0)
            tmproto_write_field(b, bytes_str(network->nodes[i]->url));
}

/* --- The white list --- */

static bool is_this_machine(struct bytes host)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "::1", "0:0:0:0:0:0:0:1",
                                        "[::1]"};
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        if (bytes_equal(host, bytes_str(names[i])))
            return true;
    return false;
}

bool tm_network_allows(const struct tm_network *network, const char *host)
{
    for (size_t i = 0; i < network->configured; i++) {
        const char *from = strstr(network->nodes[i]->url, "://") + 3;
        size_t len = *from == '[' ? strcspn(from, "]") + 1 : strcspn(from, ":/");
        struct bytes peer = bytes_of(from, len);
        if (bytes_equal(peer, bytes_str(host)) ||
            (is_this_machine(peer) && is_this_machine(bytes_str(host))))
            return true;
    }
    return false;
}
