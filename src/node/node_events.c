/* What happens in the node, and who is told. */
#include "base/clock.h"
#include "base/hex.h"
#include "base/mem.h"
#include "eth/address.h"
#include "node/log/log.h"
#include "node/parts.h"
#include "node/tell.h"

void node_on_signal(void *context)
{
    struct node *node = context;
    NODE_LOG(NODE_LOG_INFO, "Got interrupt, shutting down...");
    io_loop_stop(node->loop);
}

/* On the chain's thread; told with the head. */
void node_on_removed(void *context, const struct chain_event *event)
{
    struct node *node = context;
    uint64_t last = event->removed[0]->header.number;
    pthread_mutex_lock(&node->lock);
    rpc_removed_read(&node->removed, event->before, last + 1 - event->removed_count, last);
    pthread_mutex_unlock(&node->lock);
}

static void tell_removed(struct node *node)
{
    pthread_mutex_lock(&node->lock);
    struct rpc_removed *removed = node->removed;
    node->removed = NULL;
    pthread_mutex_unlock(&node->lock);
    if (node->rpc)
        rpc_tell_removed(node->rpc, removed);
    else
        rpc_removed_free(removed);
}

static bool is_own(const struct node *node, const struct hash256 *hash, uint64_t *ret_ms)
{
    return (node->validator && node_validator_made(node->validator, hash, ret_ms)) ||
           (node->signer && node_signer_made(node->signer, hash, ret_ms));
}

static void count_head(struct node_figures *figures, const struct node_head *head, bool own)
{
    for (uint64_t i = 0; i < head->blocks && !own; i++)
        rpc_samples_add(&figures->inserts, head->took_us * 1000 / head->blocks, base_now_ns());
    if (head->removed_count == 0)
        return;
    figures->reorgs++;
    figures->dropped += head->removed_count;
    figures->put_instead += head->blocks;
}

static void log_head(struct node *node, const struct node_head *head)
{
    struct node_segment segment = {
        .blocks = head->blocks,
        .transactions = head->transactions,
        .gas = head->gas,
        .took_us = head->took_us,
        .last = head->block,
    };
    uint64_t took_ms;
    bool own = head->blocks == 1 && is_own(node, &head->block->hash, &took_ms);
    if (own)
        node_tell_sealed(head->block, took_ms);
    else
        node_tell_segment(&segment);
    count_head(&node->figures, head, own);
}

void node_on_head(void *context, const struct node_head *head)
{
    struct node *node = context;
    const struct eth_header *header = &head->block->header;
    log_head(node, head);
    node_permission_head(node->permission, head->removed_count != 0);
    if (node->transactions)
        node_transactions_head(node->transactions, head);
    if (node->network)
        node_network_head(node->network, head);
    node_light_server_head(node->light_server, head);
    if (node->validator)
        node_validator_head(node->validator, head);
    if (node->signer)
        node_signer_head(node->signer);
    if (node->raft)
        node_raft_head(node->raft);
    node_ethstats_on_head(node->ethstats);
    tell_removed(node);
    if (node->rpc)
        rpc_tell_head(node->rpc, header->number, head->blocks, head->transactions);
}

/* --emitcheckpoints: clients' transactions, as GoQuorum tells them. */
static void tell_created(const struct node *node, const struct chain_tx *tx)
{
    struct address to = tx->tx.to;
    if (!chain_pool_is_local(node_transactions_pool(node->transactions), &tx->tx.sender))
        return;
    if (tx->tx.is_creation)
        eth_create_address(&to, &tx->tx.sender, tx->tx.nonce);
    char hash[67] = "0x";
    hex_encode(hash + 2, bytes_of(tx->hash.b, 32));
    hash[66] = 0;
    NODE_LOG(NODE_LOG_INFO, "QUORUM-CHECKPOINT", node_text("name", "TX-CREATED"),
             node_text("tx", hash), node_address("to", &to));
}

void node_on_syncing(void *context, bool syncing)
{
    struct node *node = context;
    if (node->rpc)
        rpc_tell_sync(node->rpc, syncing);
    if (syncing || !node->config->exitwhensynced)
        return;
    NODE_LOG(NODE_LOG_INFO, "Synchronisation completed, exiting due to --exitwhensynced");
    io_loop_stop(node->loop);
}

void node_on_peer(void *context, const struct p2p_peer *peer, const char *why)
{
    struct node *node = context;
    if (node->rpc)
        rpc_tell_peer(node->rpc, p2p_peer_id(peer), p2p_peer_local(peer), p2p_peer_remote(peer),
                      why);
}

void node_on_executable(void *context, struct chain_tx *const *txs, size_t count)
{
    struct node *node = context;
    for (size_t i = 0; i < count && node->config->emitcheckpoints; i++)
        tell_created(node, txs[i]);
    if (node->network)
        node_network_transactions(node->network, txs, count);
    node_light_server_transactions(node->light_server, txs, count);
    if (node->validator)
        node_validator_pending(node->validator);
    if (node->signer)
        node_signer_pending(node->signer);
    if (node->raft)
        node_raft_pending(node->raft);
    node_ethstats_on_transactions(node->ethstats);
    if (node->rpc)
        rpc_tell_transactions(node->rpc, txs, count);
}

void node_on_forget(void *context)
{
    struct node *node = context;
    if (accounts_expire(node->accounts, io_loop_now(node->loop)))
        io_timer_start(&node->forgetting, NODE_FORGET_MS);
}

static void begin_forgetting(void *context)
{
    struct node *node = context;
    if (!io_timer_started(&node->forgetting))
        io_timer_start(&node->forgetting, NODE_FORGET_MS);
}

/* Any thread's. Without memory to say so the key is not used any more when its time is over, and is wiped with the next one's. */
void node_on_timed(void *context)
{
    struct node *node = context;
    if (io_loop_post(node->loop, begin_forgetting, node) != ERR_OK)
        NODE_LOG(NODE_LOG_WARN, "A key is wiped later than its time");
}

static void give_back(void *context)
{
    (void)context;
    (void)mem_give_back(NODE_THRIFT_LEAST);
}

/* On the worker: it may take milliseconds. */
void node_on_thrift(void *context)
{
    struct node *node = context;
    if (io_worker_run(node->background, give_back, NULL, node) != ERR_OK)
        NODE_LOG(NODE_LOG_DEBUG, "Freed memory is not looked at: out of memory");
    io_timer_start(&node->thrift, NODE_THRIFT_MS);
}

void node_on_unlock_failed(void *context, const char *message)
{
    struct node *node = context;
    err_set(&node->failure, ERR_INPUT, "%s", message);
    io_loop_stop(node->loop);
}
