#include "p2p/test/eth_net.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct net_message {
    struct net_message *next;
    unsigned code;
    struct buf payload;
};

struct net_job {
    struct net_job *next;
    struct net_node *node;
    struct chain_block *blocks[512];
    size_t count;
    p2p_eth_imported_fn *imported;
    p2p_eth_taken_fn *taken;
    void *context;
};

/* --- Backend --- */

static struct u256 td_of(const struct net_node *node, size_t number)
{
    (void)node;
    return u256_from(number + 1); /* difficulty 1, as Istanbul's */
}

static void be_head(void *context, struct p2p_eth_head *ret_head)
{
    struct net_node *n = context;
    struct chain_block *b = n->blocks[n->count - 1];
    *ret_head = (struct p2p_eth_head){.hash = b->hash,
                                      .number = b->header.number,
                                      .time = b->header.timestamp,
                                      .td = td_of(n, n->count - 1)};
}

static void be_fork_id(void *context, struct p2p_eth_fork_id *ret_fork)
{
    const struct net_node *n = context;
    *ret_fork = (struct p2p_eth_fork_id){.hash = {1, 2, 3, 4}, .next = n->fork_next};
}

static const char *be_fork_check(void *context, const struct p2p_eth_fork_id *fork)
{
    const struct net_node *n = context;
    return fork->next == n->fork_next ? NULL : "local incompatible or needs update";
}

static int be_hash_at(void *context, uint64_t number, struct hash256 *ret_hash)
{
    const struct net_node *n = context;
    if (number >= n->count)
        return ERR_NOTFOUND;
    *ret_hash = n->blocks[number]->hash;
    return ERR_OK;
}

static int be_number_of(void *context, const struct hash256 *hash, uint64_t *ret_number)
{
    const struct net_node *n = context;
    for (size_t i = n->count; i-- > 0;)
        if (hash256_equal(&n->blocks[i]->hash, hash)) {
            *ret_number = i;
            return ERR_OK;
        }
    return ERR_NOTFOUND;
}

static int be_read(void *context, uint64_t number, enum p2p_eth_part part, struct buf *b)
{
    const struct net_node *n = context;
    if (number >= n->count)
        return ERR_NOTFOUND;
    if (part == P2P_ETH_HEADER)
        buf_append_bytes(b, n->blocks[number]->header_rlp);
    else if (part == P2P_ETH_BODY)
        chain_body_write(b, n->blocks[number]->body);
    else
        buf_append(b, "\xc0", 1);
    return buf_status(b);
}

static struct net_job *add_job(struct net_node *n, void *context)
{
    struct net_job *job = mem_alloc_zeroed(1, sizeof(*job));
    assert_non_null(job);
    job->node = n;
    job->context = context;
    *n->net->last_job = job;
    n->net->last_job = &job->next;
    return job;
}

static int be_import(void *context, struct chain_block *const *blocks, size_t count,
                     p2p_eth_imported_fn *done, void *done_context)
{
    struct net_job *job = add_job(context, done_context);
    assert_true(count <= BASE_COUNT(job->blocks));
    for (size_t i = 0; i < count; i++)
        job->blocks[job->count++] = chain_block_ref(blocks[i]);
    job->imported = done;
    return ERR_OK;
}

static struct chain_tx *find_tx(const struct net_node *n, const struct hash256 *hash)
{
    for (size_t i = 0; i < n->pool_count; i++)
        if (hash256_equal(&n->pool[i]->hash, hash))
            return n->pool[i];
    return NULL;
}

static struct chain_tx *be_transaction(void *context, const struct hash256 *hash)
{
    struct chain_tx *tx = find_tx(context, hash);
    return tx ? chain_tx_ref(tx) : NULL;
}

static bool be_has(void *context, const struct hash256 *hash)
{
    return find_tx(context, hash) != NULL;
}

static void be_each_pending(void *context,
                            void (*visit)(void *visit_context, const struct chain_tx *tx),
                            void *visit_context)
{
    const struct net_node *n = context;
    for (size_t i = 0; i < n->pool_count; i++)
        visit(visit_context, n->pool[i]);
}

static int be_take(void *context, struct chain_tx *const *txs, size_t count, p2p_eth_taken_fn *done,
                   void *done_context)
{
    struct net_node *n = context;
    n->takes++;
    n->taken += (unsigned)count;
    n->pool = mem_realloc(n->pool, (n->pool_count + count) * sizeof(struct chain_tx *));
    struct chain_tx **added = &n->pool[n->pool_count];
    for (size_t i = 0; i < count; i++) {
        assert_null(find_tx(n, &txs[i]->hash));
        n->pool[n->pool_count++] = txs[i];
    }
    add_job(n, done_context)->taken = done;
    p2p_eth_new_transactions(n->eth, added, count);
    return ERR_OK;
}

static bool be_is_full(void *context)
{
    return ((struct net_node *)context)->full;
}

static uint64_t be_now(void *context)
{
    return ((struct net_node *)context)->net->now;
}

static void be_wake(void *context, uint64_t at)
{
    ((struct net_node *)context)->wake_at = at;
}

static uint64_t be_random(void *context)
{
    struct net *net = ((struct net_node *)context)->net;
    net->random = net->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return net->random >> 16;
}

static void be_ready(void *context, void *link, bool gone)
{
    struct net_node *n = context;
    assert_ptr_equal(((struct net_link *)link)->node, n);
    *(gone ? &n->gone : &n->ready) += 1;
}

static void be_syncing(void *context, bool syncing)
{
    struct net_node *n = context;
    n->syncing_changes++;
    assert_int_equal(n->syncing_changes % 2, syncing);
}

static void be_report(void *context, enum p2p_eth_level level, const char *message)
{
    struct net_node *n = context;
    (void)level;
    size_t len = strlen(n->log);
    snprintf(n->log + len, sizeof(n->log) - len, "%s\n", message);
}

/* --- Links --- */

static int link_send(void *context, unsigned code, struct bytes payload)
{
    struct net_link *link = context;
    struct net_message *m = mem_alloc_zeroed(1, sizeof(*m));
    assert_non_null(m);
    assert_true(code < P2P_ETH_LENGTH);
    m->code = code;
    buf_append_bytes(&m->payload, payload);
    link->sent++;
    link->codes[code]++;
    buf_clear(&link->latest[code]);
    buf_append_bytes(&link->latest[code], payload);
    if (link->tamper && !link->tamper(link, &m->code, &m->payload)) {
        buf_release(&m->payload);
        mem_free(m);
        return ERR_OK;
    }
    *link->last = m;
    link->last = &m->next;
    return ERR_OK;
}

static size_t link_queued(void *context)
{
    return ((struct net_link *)context)->queued;
}

static void link_disconnect(void *context, enum p2p_reason reason, const char *why)
{
    struct net_link *link = context;
    assert_false(link->closing);
    link->closing = true;
    link->reason = reason;
    snprintf(link->why, sizeof(link->why), "%s", why);
}

static void link_penalize(void *context, unsigned points, const char *why)
{
    struct net_link *link = context;
    link->points += points;
    snprintf(link->why, sizeof(link->why), "%s", why);
    if (link->points >= 100 && !link->closing) {
        link->closing = true;
        link->reason = P2P_USELESS_PEER;
    }
}

static void link_nothing(void *context)
{
    (void)context;
}

static const struct p2p_eth_transport transport = {
    .send = link_send,
    .queued = link_queued,
    .disconnect = link_disconnect,
    .penalize = link_penalize,
    .pause = link_nothing,
    .resume = link_nothing,
};

static void close_end(struct net_link *link)
{
    if (link->peer)
        p2p_eth_closed(link->node->eth, link->peer);
    link->peer = NULL;
    while (link->first) {
        struct net_message *m = link->first;
        link->first = m->next;
        buf_release(&m->payload);
        mem_free(m);
    }
    link->last = &link->first;
}

void net_close(struct net_link *link)
{
    close_end(link);
    close_end(link->other);
}

/* Hands what the other end has sent to this end's handler; one message. */
static bool deliver(struct net_link *link)
{
    struct net_message *m = link->other->first;
    if (!m || !link->peer)
        return false;
    link->other->first = m->next;
    if (!m->next)
        link->other->last = &link->other->first;
    p2p_eth_message(link->node->eth, link->peer, m->code, buf_bytes(&m->payload));
    buf_release(&m->payload);
    mem_free(m);
    return true;
}

void net_give(struct net_link *link, unsigned code, struct bytes payload)
{
    if (link->peer)
        p2p_eth_message(link->node->eth, link->peer, code, payload);
}

/* --- Network --- */

void net_init(struct net *net)
{
    *net = (struct net){.now = 1000, .random = 1};
    net->last_job = &net->jobs;
}

struct net_node *net_add(struct net *net, struct chain_block *const *blocks, size_t count)
{
    struct net_node *n = &net->nodes[net->node_count++];
    assert_true(net->node_count <= NET_NODES);
    *n = (struct net_node){.net = net, .network = 1337, .wake_at = UINT64_MAX};
    n->blocks = mem_alloc(count * sizeof(struct chain_block *));
    for (size_t i = 0; i < count; i++)
        n->blocks[n->count++] = chain_block_ref(blocks[i]);
    struct p2p_eth_backend backend = {
        .context = n,
        .role = net->role,
        .network = 1337,
        .genesis = blocks[0]->hash,
        .is_quorum = true,
        .authorized = net->authorized,
        .authorized_count = net->authorized_count,
        .head = be_head,
        .fork_id = be_fork_id,
        .fork_check = be_fork_check,
        .hash_at = be_hash_at,
        .number_of = be_number_of,
        .read = be_read,
        .import = be_import,
        .transaction = be_transaction,
        .has_transaction = be_has,
        .each_pending = be_each_pending,
        .take = be_take,
        .is_full = be_is_full,
        .now = be_now,
        .wake = be_wake,
        .draw = be_random,
        .ready = net->role == P2P_ETH_AMONG_EQUALS ? be_ready : NULL,
        .syncing = be_syncing,
        .report = be_report,
    };
    assert_int_equal(p2p_eth_new(&n->eth, &backend), ERR_OK);
    return n;
}

static struct net_link *add_link(struct net *net, struct net_node *node)
{
    assert_true(net->link_count < NET_LINKS);
    struct net_link *link = &net->links[net->link_count++];
    *link = (struct net_link){.net = net, .node = node};
    link->last = &link->first;
    return link;
}

struct net_link *net_connect(struct net *net, struct net_node *a, struct net_node *b,
                             unsigned version)
{
    struct net_link *mine = add_link(net, a), *theirs = add_link(net, b);
    mine->other = theirs;
    theirs->other = mine;
    struct hash256 id = {{(uint8_t)net->link_count}};
    mine->peer = p2p_eth_opened(a->eth, &transport, mine, &id, version);
    assert_non_null(mine->peer);
    if (b) {
        id.b[1] = 1;
        theirs->peer = p2p_eth_opened(b->eth, &transport, theirs, &id, version);
        assert_non_null(theirs->peer);
    }
    return mine;
}

static void set_head(struct net_node *n, struct chain_block *block)
{
    n->blocks = mem_realloc(n->blocks, (n->count + 1) * sizeof(struct chain_block *));
    n->blocks[n->count++] = chain_block_ref(block);
}

void net_extend(struct net_node *node, struct chain_block *block)
{
    set_head(node, block);
    struct u256 td = td_of(node, node->count - 1);
    p2p_eth_new_head(node->eth, block, &td, true);
}

static void run_import(struct net_node *n, struct net_job *job)
{
    struct p2p_eth_imported result = {.status = n->import_status};
    n->imports++;
    for (size_t i = 0; i < job->count && result.status == ERR_OK; i++) {
        struct chain_block *block = job->blocks[i];
        const struct chain_block *head = n->blocks[n->count - 1];
        if (block->header.number < n->count &&
            hash256_equal(&n->blocks[block->header.number]->hash, &block->hash)) {
            result.count++;
            continue;
        }
        if (!hash256_equal(&block->header.parent_hash, &head->hash))
            result.verdict = CHAIN_SIDE_CHAIN;
        else if (n->bad_number && block->header.number == n->bad_number)
            result.verdict = CHAIN_BAD_RESULT;
        if (result.verdict != CHAIN_VALID) {
            err_set(&result.why, 0, "refused");
            break;
        }
        set_head(n, block);
        result.count++;
    }
    if (result.count > 0) {
        struct u256 td = td_of(n, n->count - 1);
        p2p_eth_new_head(n->eth, n->blocks[n->count - 1], &td, false);
    }
    job->imported(job->context, &result);
}

static bool run_job(struct net *net)
{
    struct net_job *job = net->jobs;
    if (!job)
        return false;
    net->jobs = job->next;
    if (!job->next)
        net->last_job = &net->jobs;
    if (job->imported)
        run_import(job->node, job);
    else
        job->taken(job->context);
    for (size_t i = 0; i < job->count; i++)
        chain_block_unref(job->blocks[i]);
    mem_free(job);
    return true;
}

static bool run_wake(struct net_node *n)
{
    if (n->wake_at > n->net->now)
        return false;
    n->wake_at = UINT64_MAX;
    p2p_eth_tick(n->eth);
    return true;
}

static size_t round_of(struct net *net)
{
    size_t done = 0;
    for (size_t i = 0; i < net->link_count; i++) {
        struct net_link *link = &net->links[i];
        if (link->closing && (link->peer || link->other->peer)) {
            net_close(link);
            done++;
        } else if (link->node) {
            done += deliver(link);
        }
    }
    done += run_job(net);
    for (size_t i = 0; i < net->node_count; i++)
        done += run_wake(&net->nodes[i]);
    return done;
}

size_t net_settle(struct net *net)
{
    size_t all = 0, done;
    while ((done = round_of(net)) > 0) {
        all += done;
        if (all > 10000000)
            fail_msg("the network never comes to rest");
    }
    return all;
}

void net_pass(struct net *net, uint64_t ms)
{
    uint64_t end = net->now + ms;
    net_settle(net);
    for (;;) {
        uint64_t next = end + 1;
        for (size_t i = 0; i < net->node_count; i++)
            if (net->nodes[i].wake_at < next)
                next = net->nodes[i].wake_at;
        if (next > end)
            break;
        net->now = next > net->now ? next : net->now;
        net_settle(net);
    }
    net->now = end;
}

void net_release(struct net *net)
{
    while (run_job(net))
        ;
    for (size_t i = 0; i < net->link_count; i++)
        net_close(&net->links[i]);
    while (run_job(net))
        ;
    for (size_t i = 0; i < net->link_count; i++)
        for (size_t c = 0; c < P2P_ETH_LENGTH; c++)
            buf_release(&net->links[i].latest[c]);
    for (size_t i = 0; i < net->node_count; i++) {
        struct net_node *n = &net->nodes[i];
        p2p_eth_free(n->eth);
        net_free_blocks(n->blocks, n->count);
        for (size_t t = 0; t < n->pool_count; t++)
            chain_tx_unref(n->pool[t]);
        mem_free(n->pool);
    }
}

/* --- Blocks --- */

void net_free_blocks(struct chain_block **blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        chain_block_unref(blocks[i]);
    mem_free(blocks);
}

struct chain_block **net_decode(const struct buf *blocks, size_t count)
{
    struct chain_block **decoded = mem_alloc(count * sizeof(struct chain_block *));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(chain_block_decode(&decoded[i], buf_bytes(&blocks[i]), NULL), ERR_OK);
    return decoded;
}

struct chain_tx *net_make_tx(uint64_t nonce)
{
    struct eth_transaction tx = {.type = ETH_LEGACY, .nonce = nonce, .gas_limit = 21000};
    tx.v = u256_from(27);
    tx.r = u256_from(nonce + 1);
    tx.s = u256_from(1);
    struct buf b = BUF_INIT;
    eth_transaction_encode(&b, &tx);
    struct chain_tx *made;
    assert_int_equal(chain_tx_decode(&made, buf_bytes(&b), true, 0, NULL), ERR_OK);
    buf_release(&b);
    return made;
}

/* The block of a header and one transaction, or none. */
static struct chain_block *make_block(struct eth_header *header, struct chain_tx *tx)
{
    struct buf body = BUF_INIT, raw = BUF_INIT;
    size_t list = rlp_begin(&body), txs = rlp_begin(&body);
    if (tx)
        chain_tx_write(&body, tx);
    rlp_end_list(&body, txs);
    rlp_end_list(&body, rlp_begin(&body));
    rlp_end_list(&body, list);
    struct chain_block *block;
    for (int pass = 0; pass < 2; pass++) {
        buf_clear(&raw);
        eth_header_write(&raw, header);
        assert_int_equal(chain_block_join(&block, buf_bytes(&raw), buf_bytes(&body), NULL), ERR_OK);
        if (chain_block_matches(block))
            break;
        header->transactions_root = block->body->transactions_root;
        chain_block_unref(block);
    }
    buf_release(&body);
    buf_release(&raw);
    return block;
}

struct chain_block **net_make_chain(size_t count, size_t filled, uint64_t fork, uint64_t salt)
{
    struct chain_block **blocks = mem_alloc(count * sizeof(struct chain_block *));
    struct eth_header header = {.difficulty = u256_from(1), .gas_limit = 8000000};
    header.uncles_hash = eth_empty_uncles_hash;
    header.receipts_root = eth_empty_trie_root;
    for (size_t i = 0; i < count; i++) {
        header.number = i;
        header.timestamp = i;
        header.transactions_root = eth_empty_trie_root;
        header.gas_used = i >= fork ? salt : 0;
        struct chain_tx *tx = i > 0 && filled && i % filled == 0 ? net_make_tx(i) : NULL;
        blocks[i] = make_block(&header, tx);
        chain_tx_unref(tx);
        header.parent_hash = blocks[i]->hash;
    }
    return blocks;
}
