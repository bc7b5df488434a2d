#include "node/light/server.h"

#include "base/clock.h"
#include "base/mem.h"
#include "io/worker.h"
#include "node/config/ranges.h"
#include "node/light/block_data.h"
#include "node/light/tls.h"
#include "node/log/log.h"
#include "node/log/network.h"
#include "node/network.h"
#include "node/servers/endpoints.h"
#include "p2p/eth/local.h"
#include "p2p/node_list.h"

#include <stdatomic.h>
#include <stdio.h>

enum {
    BODIES_SOFT =
        2
        << 20, /* bytes of bodies and of what is private beside them: the block that goes over is the last */
    BODIES_MS =
        1000, /* for which the manager is asked for one answer, so that other clients have their turn */
    NEW_BLOCKS_MAX =
        4, /* of a client that wait for the worker; more pass it by, and it asks for them (maxQueuedBlocks) */
};

/* What a client is to be sent, while the worker makes it. */
struct job {
    struct node_light_server *server;
    struct job *next;             /* of those under way */
    struct p2p_qlight_peer *peer; /* NULL: it is gone; of the loop alone */
    atomic_bool unwanted;         /* likewise, for the worker: it has others to work for */
    char psi[CHAIN_PSI_MAX + 1];
    struct chain_block *block; /* a new one; NULL: bodies are asked for */
    struct u256 total_difficulty;
    struct hash256 *hashes; /* of blocks whose bodies are */
    bool *tell_root;
    size_t count, answered;
    struct buf private_data, message;
    int status;
    struct err_detail why;
};

struct node_light_server {
    struct node_light_server_options options;
    struct p2p_local *local;
    struct p2p_server *server;
    struct io_tls *tls;
    const struct rpc_tokens *tokens; /* NULL: clients need none */
    struct node_ranges allowed;      /* --qlight.server.p2p.netrestrict */
    struct io_worker *worker;
    struct job *jobs;
};

/* --- On the worker --- */

static void make_bodies(struct job *job, struct chain_reader *reader,
                        const struct node_light_view *view)
{
    const struct node_light_bodies asked = {
        .hashes = job->hashes,
        .tell_root = job->tell_root,
        .count = job->count,
        .bytes_soft = BODIES_SOFT,
        .until = base_now_ms() + BODIES_MS,
    };
    job->status = node_light_bodies(&job->private_data, &job->message, &job->answered, reader,
                                    &asked, view, &job->why);
}

static void make_new_block(struct job *job, struct chain_reader *reader,
                           const struct node_light_view *view)
{
    struct buf *b = &job->message;
    job->status = node_light_block_data(&job->private_data, reader, job->block, view,
                                        job->tell_root[0], &job->why);
    struct p2p_eth_open open = p2p_eth_begin(b, P2P_ETH_65, P2P_ETH_NEW_BLOCK, 0);
    chain_block_write(b, job->block);
    rlp_write_u256(b, &job->total_difficulty);
    p2p_eth_end(b, P2P_ETH_65, P2P_ETH_NEW_BLOCK, open);
    if (job->status == ERR_OK)
        job->status = buf_status(b);
}

static void job_work(void *context)
{
    struct job *job = context;
    const struct node_light_server_options *options = &job->server->options;
    const struct node_light_view view = {.tm = options->tm,
                                         .psis = options->psis,
                                         .psi = bytes_str(job->psi),
                                         .unwanted = &job->unwanted};
    struct chain_reader reader;
    if (atomic_load(&job->unwanted)) {
        job->status = ERR_BUSY;
        return;
    }
    job->status = chain_reader_open(&reader, node_chain_of(options->chain));
    if (job->status != ERR_OK) {
        err_set(&job->why, job->status, "%s", reader.detail.text);
        return;
    }
    if (job->block)
        make_new_block(job, &reader, &view);
    else
        make_bodies(job, &reader, &view);
    chain_reader_close(&reader);
}

/* --- On the loop --- */

static void job_free(struct job *job)
{
    chain_block_unref(job->block);
    mem_free(job->hashes);
    mem_free(job->tell_root);
    buf_release(&job->private_data);
    buf_release(&job->message);
    mem_free(job);
}

static void tell_failure(const struct job *job)
{
    NODE_LOG(NODE_LOG_ERROR, "Private data of blocks cannot be prepared for a light client",
             node_text("psi", job->psi),
             node_text("err", *job->why.text ? job->why.text : err_text(job->status)));
}

static void job_done(void *context)
{
    struct job *job = context, **at = &job->server->jobs;
    struct bytes private_data = buf_bytes(&job->private_data), message = buf_bytes(&job->message);
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    if (job->peer && job->status != ERR_OK) {
        tell_failure(job);
        if (!job->block)
            p2p_qlight_refuse(job->peer, job->why.text);
    } else if (job->peer && job->block) {
        p2p_qlight_new_block(job->peer, private_data, message);
    } else if (job->peer) {
        for (size_t i = job->answered; i < job->count; i++)
            if (job->tell_root[i])
                p2p_qlight_root_untold(job->peer, &job->hashes[i]);
        p2p_qlight_answer(job->peer, private_data, message);
    }
    job_free(job);
}

static struct job *job_new(struct node_light_server *server, struct p2p_qlight_peer *peer,
                           size_t count)
{
    struct job *job = mem_alloc_zeroed(1, sizeof(*job));
    struct bytes psi = p2p_qlight_psi(peer);
    if (!job)
        return NULL;
    buf_init(&job->private_data);
    buf_init(&job->message);
    job->server = server;
    job->peer = peer;
    job->count = count;
    job->hashes = mem_alloc((count + 1) * sizeof(*job->hashes));
    job->tell_root = mem_alloc_zeroed(count + 1, sizeof(*job->tell_root));
    snprintf(job->psi, sizeof(job->psi), "%.*s", (int)psi.len, (const char *)psi.data);
    if (job->hashes && job->tell_root)
        return job;
    job_free(job);
    return NULL;
}

/* False: it was not queued, and is gone. */
static bool job_run(struct job *job)
{
    struct node_light_server *server = job->server;
    if (io_worker_run(server->worker, job_work, job_done, job) != ERR_OK) {
        job_free(job);
        return false;
    }
    job->next = server->jobs;
    server->jobs = job;
    return true;
}

static void on_bodies(void *context, struct p2p_qlight_peer *peer,
                      const struct p2p_eth_hashes *hashes)
{
    size_t count = hashes->count < P2P_ETH_SERVE_MAX ? hashes->count : P2P_ETH_SERVE_MAX;
    struct job *job = job_new(context, peer, count);
    for (size_t i = 0; job && i < count; i++) {
        job->hashes[i] = p2p_eth_hash_at(hashes, i);
        job->tell_root[i] = p2p_qlight_tell_root(peer, &job->hashes[i]);
    }
    if (!job || !job_run(job))
        p2p_qlight_refuse(peer, "out of memory");
}

static void on_gone(void *context, struct p2p_qlight_peer *peer)
{
    const struct node_light_server *server = context;
    for (struct job *job = server->jobs; job; job = job->next)
        if (job->peer == peer) {
            atomic_store(&job->unwanted, true);
            job->peer = NULL;
        }
}

static size_t count_new_blocks(const struct node_light_server *server,
                               const struct p2p_qlight_peer *peer)
{
    size_t count = 0;
    for (const struct job *job = server->jobs; job; job = job->next)
        count += job->peer == peer && job->block;
    return count;
}

void node_light_server_head(struct node_light_server *server, const struct node_head *head)
{
    struct p2p_qlight *qlight = server ? p2p_local_qlight(server->local) : NULL;
    struct p2p_qlight_peer *peer = NULL;
    while (qlight && (peer = p2p_qlight_next(qlight, peer))) {
        struct job *job =
            count_new_blocks(server, peer) < NEW_BLOCKS_MAX ? job_new(server, peer, 1) : NULL;
        if (!job)
            continue;
        job->block = chain_block_ref(head->block);
        job->total_difficulty = head->total_difficulty;
        job->tell_root[0] = p2p_qlight_tell_root(peer, &head->block->hash);
        (void)job_run(job);
    }
}

void node_light_server_transactions(struct node_light_server *server, struct chain_tx *const *txs,
                                    size_t count)
{
    if (server)
        p2p_eth_new_transactions(p2p_local_eth(server->local), txs, count);
}

/* --- Who may come --- */

/* qlight/server.go: Authorize. Without access tokens a private state need only be there. */
static bool authorize(void *context, struct bytes psi, struct bytes token, struct err_detail *why)
{
    const struct node_light_server *server = context;
    const struct chain_psis *psis = server->options.psis;
    if (psis && !chain_psi_of(psis, psi)) {
        err_set(why, 0, "unable to find private state for context psi %.*s", (int)psi.len,
                (const char *)psi.data);
        return false;
    }
    if (!server->tokens)
        return true;
    struct rpc_grant *grant = rpc_tokens_grant(server->tokens, &token);
    bool may = grant && rpc_grant_may_qlight(grant, psi, why);
    if (!grant)
        err_set(why, 0, "out of memory");
    rpc_grant_free(grant);
    return may;
}

static bool permit(void *context, const struct p2p_enode *node, bool outgoing)
{
    const struct node_light_server *server = context;
    const struct node_light_config *config = &server->options.config->light;
    (void)outgoing;
    if (!node_ranges_have(&server->allowed, &node->ip))
        return false;
    return !config->server_permissioning ||
           p2p_permission_by_files_of(server->options.dir->root, config->server_prefix,
                                      &node->key) == P2P_PERMITTED;
}

/* --- Life --- */

/* Nothing is asked of clients, so that nothing is imported. */
static int import_nothing(void *context, struct chain_block *const *blocks, size_t count,
                          p2p_eth_imported_fn *done, void *done_context)
{
    (void)context;
    (void)blocks;
    (void)count;
    (void)done;
    (void)done_context;
    return ERR_NOMEM;
}

static void on_rules(void *context, struct eth_rules *ret_rules)
{
    const struct node_light_server *server = context;
    *ret_rules = node_transactions_rules(server->options.transactions).eth;
}

static int make_local(struct node_light_server *server)
{
    const struct p2p_qlight_options qlight = {
        .server = true,
        .authorize = authorize,
        .bodies = on_bodies,
        .gone = on_gone,
        .report = node_log_qlight,
        .context = server,
    };
    const struct p2p_local_options options = {
        .loop = server->options.loop,
        .chain = node_chain_of(server->options.chain),
        .pool = node_transactions_pool(server->options.transactions),
        .network = server->options.config->networkid,
        .qlight = &qlight,
        .import = import_nothing,
        .rules = on_rules,
        .report = node_log_qlight,
        .context = server,
    };
    return p2p_local_new(&server->local, &options);
}

static int make_server(struct node_light_server *server, struct err_detail *detail)
{
    const struct node_light_config *config = &server->options.config->light;
    struct p2p_server_options options = {
        .loop = server->options.loop,
        .key = *server->options.key,
        .name = "qgeth",
        .listen = true,
        .port = (uint16_t)config->server_port,
        .max_peers = (unsigned)config->server_maxpeers,
        .no_dial = true,
        .permit = permit,
        .report = node_log_server,
        .context = server,
        .tls_server = server->tls,
    };
    options.protocols = p2p_local_protocols(server->local, &options.protocol_count);
    int status = p2p_server_new(&server->server, &options, detail);
    mem_wipe(&options.key, sizeof(options.key));
    return status;
}

int node_light_server_new(struct node_light_server **ret_server,
                          const struct node_light_server_options *options,
                          struct err_detail *detail)
{
    struct node_light_server *server = mem_alloc_zeroed(1, sizeof(*server));
    if (!server)
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    server->options = *options;
    int status =
        node_ranges_parse(&server->allowed, options->config->light.server_netrestrict, detail);
    if (status != ERR_OK)
        err_prefix(detail, status, "Option \"qlight.server.p2p.netrestrict\"");
    else
        status = node_light_server_tls(&server->tls, &options->config->light, detail);
    if (status == ERR_OK) {
        status = io_worker_new(&server->worker, options->loop);
        if (status == ERR_OK)
            status = make_local(server);
        if (status != ERR_OK)
            err_set(detail, status, "the server of light clients: %s", err_text(status));
    }
    if (status == ERR_OK)
        status = make_server(server, detail);
    if (status != ERR_OK) {
        node_light_server_free(server);
        return status;
    }
    *ret_server = server;
    return ERR_OK;
}

int node_light_server_start(struct node_light_server *server, const struct rpc_tokens *tokens,
                            struct err_detail *detail)
{
    struct p2p_enode self;
    char text[P2P_ENODE_TEXT];
    if (!server)
        return ERR_OK;
    server->tokens = tokens;
    node_network_tell_fork(server->server, node_chain_of(server->options.chain),
                           &node_chain_head(server->options.chain)->block->header);
    int status = p2p_server_start(server->server, detail);
    if (status != ERR_OK) {
        node_port_remedy(detail, "--qlight.server.p2p.port");
        return status;
    }
    p2p_server_self(server->server, &self);
    p2p_enode_format(text, &self);
    NODE_LOG(NODE_LOG_INFO, "Started P2P networking for light clients", node_text("self", text));
    return ERR_OK;
}

void node_light_server_free(struct node_light_server *server)
{
    if (!server)
        return;
    p2p_server_free(server->server); /* now all jobs are unwanted */
    io_worker_free(server->worker);
    p2p_local_free(server->local);
    io_tls_free(server->tls);
    node_ranges_release(&server->allowed);
    mem_free(server);
}

struct p2p_server *node_light_server_p2p(struct node_light_server *server)
{
    return server ? server->server : NULL;
}

bool node_light_server_peer_status(const struct node_light_server *server,
                                   const struct p2p_peer *peer, struct u256 *ret_difficulty,
                                   struct hash256 *ret_head)
{
    struct p2p_eth_peer_info info;
    if (!server || !p2p_eth_peer_info(p2p_local_eth(server->local), p2p_peer_id(peer), &info) ||
        !info.ready)
        return false;
    *ret_difficulty = info.td;
    *ret_head = info.head;
    return true;
}
