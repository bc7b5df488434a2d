#include "node/light/client.h"

#include "base/map.h"
#include "base/mem.h"
#include "node/log/log.h"
#include "p2p/eth/known.h"

#include <pthread.h>

enum {
    ROOTS_MAX = 4096, /* blocks of a generation; a sync has 2,304 under way */
    /* Payloads that came and were not used, perhaps; the newer half of them is remembered for certain. A sync holds blocks of 32 MiB and an
     * answer of 10 MiB at most (p2p/eth), whose private transactions have 165 bytes at least: 267,000. Of one that is forgotten, and too
     * old for the cache, the server would seem not to be party. */
    GIVEN_MAX = 2 * 267000
};

struct node_light_client {
    struct privacy_tm *tm;
    const char *psi;
    struct node_light_token *token;
    struct p2p_known given; /* hashes of payloads */
    struct chain_private_roots roots;
    pthread_mutex_t lock;
    struct map now, before; /* block -> root, likewise in two generations */
};

/* --- Roots --- */

static void keep_root(struct node_light_client *client, const struct hash256 *block,
                      const struct hash256 *root)
{
    pthread_mutex_lock(&client->lock);
    if (map_count(&client->now) >= ROOTS_MAX) {
        struct map old = client->before;
        client->before = client->now;
        client->now = old;
        map_clear(&client->now);
    }
    struct hash256 *place = map_put(&client->now, block, NULL);
    if (place)
        *place = *root;
    pthread_mutex_unlock(&client->lock);
}

/* chain_private_roots.find */
static bool find_root(void *context, struct hash256 *ret_root, const struct hash256 *block)
{
    struct node_light_client *client = context;
    pthread_mutex_lock(&client->lock);
    const struct hash256 *root = map_get(&client->now, block);
    if (!root)
        root = map_get(&client->before, block);
    if (root)
        *ret_root = *root;
    pthread_mutex_unlock(&client->lock);
    return root != NULL;
}

/* --- Payloads --- */

/* What a set of hashes knows of a payload's; of 64 bytes the first 32 tell them apart. */
static struct hash256 key_of(const struct chain_payload_hash *hash)
{
    struct hash256 key;
    memcpy(key.b, hash->b, sizeof(key.b));
    return key;
}

static void take_block(struct node_light_client *client, const struct p2p_qlight_block *block)
{
    if (!bytes_equal(block->psi, bytes_str(client->psi))) {
        NODE_LOG(NODE_LOG_WARN, "The server sent data of another private state",
                 node_hash("block", &block->hash), node_text("psi", client->psi));
        return;
    }
    for (size_t i = 0; i < block->count; i++) {
        const struct p2p_qlight_payload *p = &block->payloads[i];
        struct hash256 key = key_of(&p->hash);
        privacy_give(client->tm, &p->hash, &p->payload, p->is_sender);
        p2p_known_add(&client->given, &key);
    }
    if (!hash256_is_zero(&block->root))
        keep_root(client, &block->hash, &block->root);
}

static void on_private_data(void *context, const struct p2p_qlight_private_data *data)
{
    for (size_t i = 0; i < data->count; i++)
        take_block(context, &data->blocks[i]);
}

void node_light_client_blocks(struct node_light_client *client, struct chain_block *const *blocks,
                              size_t count)
{
    for (size_t i = 0; client && i < count; i++) {
        const struct eth_body *body = &blocks[i]->body->body;
        for (size_t k = 0; k < body->transaction_count; k++) {
            const struct eth_transaction *tx = &body->transactions[k];
            if (!chain_has_payload(tx))
                continue;
            struct chain_payload_hash hash = chain_payload_hash_of(tx->data);
            struct hash256 key = key_of(&hash);
            if (!p2p_known_has(&client->given, &key))
                privacy_give(client->tm, &hash, NULL, false);
        }
    }
}

static void append_token(void *context, struct buf *ret_token)
{
    struct node_light_client *client = context;
    if (client->token)
        node_light_token_get(client->token, ret_token);
}

/* --- Life --- */

int node_light_client_new(struct node_light_client **ret_client, struct chain *chain,
                          struct privacy_tm *tm, const char *psi, struct node_light_token *token)
{
    struct node_light_client *client = mem_alloc_zeroed(1, sizeof(*client));
    if (!client)
        return ERR_NOMEM;
    client->tm = tm;
    client->psi = psi;
    client->token = token;
    pthread_mutex_init(&client->lock, NULL);
    p2p_known_init(&client->given, GIVEN_MAX);
    map_init(&client->now, sizeof(struct hash256), sizeof(struct hash256));
    map_init(&client->before, sizeof(struct hash256), sizeof(struct hash256));
    client->roots = (struct chain_private_roots){.context = client, .find = find_root};
    chain_set_private_roots(chain, &client->roots);
    *ret_client = client;
    return ERR_OK;
}

void node_light_client_free(struct node_light_client *client)
{
    if (!client)
        return;
    p2p_known_release(&client->given);
    map_release(&client->now);
    map_release(&client->before);
    pthread_mutex_destroy(&client->lock);
    mem_free(client);
}

struct p2p_qlight_options node_light_client_options(struct node_light_client *client)
{
    return (struct p2p_qlight_options){
        .psi = client->psi,
        .token = append_token,
        .private_data = on_private_data,
        .context = client,
    };
}
