/* What is committed: blocks go to the chain one after the other, changes of members to everybody. */
#include "base/mem.h"
#include "node/log/log.h"
#include "node/raft/priv.h"

int node_raft_enqueue(struct node_raft *r, struct raft_ready *ready)
{
    if (r->queue_at == r->queue_count)
        r->queue_at = r->queue_count = 0;
    if (MEM_RESERVE(r->queue, r->queue_capacity, r->queue_count + ready->committed_count, 64))
        return ERR_NOMEM;
    for (size_t i = 0; i < ready->committed_count; i++) {
        r->queue[r->queue_count] = ready->committed[i];
        if (ready->committed[i].blob)
            ready->committed[i].blob->references++;
        r->queue_count++;
    }
    return ERR_OK;
}

bool node_raft_has_block(const struct node_raft *r, const struct hash256 *hash)
{
    struct chain_reader reader;
    uint64_t number;
    if (chain_reader_open(&reader, node_chain_of(r->options.chain)) != ERR_OK)
        return false;
    int status = chain_reader_number(&reader, &number, hash);
    chain_reader_close(&reader);
    return status == ERR_OK;
}

/* --- Snapshots of this member --- */

struct snapshot_job {
    struct node_raft *r;
    struct raft_snapshot snapshot;
    struct buf data;
    uint64_t ids[2 * RAFT_MEMBERS_MAX];
    int status;
    struct err_detail detail;
};

static void write_snapshot(void *context)
{
    struct snapshot_job *job = context;
    job->status = cluster_log_snapshot(job->r->log, &job->snapshot, &job->detail);
}

static void snapshot_written(void *context)
{
    struct snapshot_job *job = context;
    /* Nothing is lost: the entries before it are still there, and the next one comes. */
    if (job->status != ERR_OK)
        NODE_LOG(NODE_LOG_ERROR, "A raft snapshot cannot be written",
                 node_text("err", job->detail.text));
    buf_release(&job->data);
    mem_free(job);
}

/* The machine's newest, copied for the disk's thread. */
static struct snapshot_job *snapshot_job_new(struct node_raft *r)
{
    const struct raft_snapshot *s = raft_machine_snapshot(r->machine);
    struct snapshot_job *job = mem_alloc_zeroed(1, sizeof(*job));
    if (!job)
        return NULL;
    job->r = r;
    job->snapshot = *s;
    buf_append_bytes(&job->data, s->data);
    job->snapshot.data = buf_bytes(&job->data);
    memcpy(job->ids, s->conf.nodes, s->conf.node_count * sizeof(uint64_t));
    job->snapshot.conf.nodes = job->ids;
    job->snapshot.conf.learners = job->ids + s->conf.node_count;
    memcpy(job->snapshot.conf.learners, s->conf.learners, s->conf.learner_count * sizeof(uint64_t));
    return job;
}

static void make_snapshot(struct node_raft *r)
{
    struct buf data = BUF_INIT;
    int status = node_raft_snapshot_write(r, &data);
    if (status == ERR_OK)
        status = raft_machine_compact(r->machine, r->applied, buf_bytes(&data));
    buf_release(&data);
    const struct raft_snapshot *s = raft_machine_snapshot(r->machine);
    if (status != ERR_OK || !s || s->index != r->applied)
        return;
    r->last_snapshot = r->applied;
    struct snapshot_job *job = snapshot_job_new(r);
    if (job && (buf_status(&job->data) != ERR_OK ||
                io_worker_run(r->disk, write_snapshot, snapshot_written, job) != ERR_OK)) {
        buf_release(&job->data);
        mem_free(job);
    }
}

/* --- Changes of members --- */

static void leave(struct node_raft *r)
{
    r->removed = true;
    r->leave_ms = io_loop_now(r->options.loop) + NODE_RAFT_LEAVE_MS;
    NODE_LOG(NODE_LOG_WARN, "This node was removed from the raft cluster and leaves it",
             node_number("id", r->id),
             node_text("remedy", "its chain stays and is served; to come back: raft_addPeer on a "
                                 "member, then --raftjoinexisting and another --raftlogdir"));
}

/* Whether it has an effect: then a snapshot is made, from which the others are known after a restart. */
static bool change_members(struct node_raft *r, const struct raft_conf_change *change)
{
    struct raft_address address;
    struct err_detail why = {""};
    uint64_t id = change->node;
    bool adds = change->type == RAFT_ADD_NODE || change->type == RAFT_ADD_LEARNER;
    if (change->type == RAFT_REMOVE_NODE) {
        if (node_raft_is_gone(r, id))
            return false;
        NODE_LOG(NODE_LOG_INFO, "A raft member is removed", node_number("id", id));
        node_raft_member_remove(r, id);
        if (id == r->id)
            leave(r);
        return true;
    }
    if (!adds || node_raft_is_gone(r, id)) {
        NODE_LOG(NODE_LOG_WARN, "A change of raft members is ignored",
                 node_number("type", change->type), node_number("id", id));
        return false;
    }
    if (id != r->id && node_raft_member_of(r, id)) {
        NODE_LOG(NODE_LOG_INFO, "A raft member is confirmed or promoted", node_number("id", id));
        return true;
    }
    if (id == r->id && r->has_self)
        return true;
    if (raft_address_decode(&address, change->context, &why) != ERR_OK || address.id != id) {
        NODE_LOG(NODE_LOG_ERROR, "The address of a new raft member cannot be read",
                 node_number("id", id), node_text("err", why.text));
        return true;
    }
    NODE_LOG(NODE_LOG_INFO, "A raft member is added", node_number("id", id),
             node_text("host", address.host));
    node_raft_member_add(r, &address);
    return true;
}

static bool apply_change(struct node_raft *r, const struct raft_entry *e)
{
    struct raft_conf_change change;
    if (raft_conf_change_decode(&change, e->data, NULL) != ERR_OK) {
        NODE_LOG(NODE_LOG_ERROR, "A change of raft members cannot be read",
                 node_number("index", e->index));
        change = (struct raft_conf_change){.type = RAFT_UPDATE_NODE};
    }
    bool effect = change_members(r, &change);
    if (raft_machine_apply_conf(r->machine, e->index, &change) != ERR_OK)
        node_raft_halt(r, "out of memory", "start the node again");
    return effect;
}

/* --- Blocks --- */

static void finish_entry(struct node_raft *r, bool snapshot)
{
    struct raft_entry *e = &r->queue[r->queue_at++];
    struct raft_status status;
    if (r->applied < e->index)
        r->applied = e->index;
    raft_machine_applied(r->machine, r->applied);
    raft_blob_unref(e->blob);
    chain_block_unref(r->block);
    r->block = NULL;
    raft_machine_status(r->machine, &status);
    if (snapshot || r->applied - r->last_snapshot >= NODE_RAFT_SNAPSHOT_EVERY ||
        status.since_snapshot > NODE_RAFT_SNAPSHOT_BYTES)
        make_snapshot(r);
}

static void on_committed(void *context, struct chain_block *block, struct node_checked *result);

static void commit_block(struct node_raft *r)
{
    r->applying = true;
    if (node_chain_commit(r->options.chain, r->block, bytes_none(), on_committed, r) != ERR_OK) {
        r->applying = false;
        io_timer_start(&r->retry, NODE_RAFT_RETRY_MS);
    }
}

static void on_committed(void *context, struct chain_block *block, struct node_checked *result)
{
    struct node_raft *r = context;
    (void)block;
    r->applying = false;
    if (r->stopped || r->halted)
        return;
    if (result->status != ERR_OK) {
        NODE_LOG(NODE_LOG_ERROR, "A block cannot be written: trying again",
                 node_number("number", r->block->header.number),
                 node_text("err", *result->why.text ? result->why.text : err_text(result->status)));
        io_timer_start(&r->retry, NODE_RAFT_RETRY_MS);
        return;
    }
    if (result->verdict != CHAIN_VALID && result->verdict != CHAIN_KNOWN) {
        NODE_LOG(NODE_LOG_ERROR, "A block that the cluster agreed on is refused",
                 node_number("number", r->block->header.number),
                 node_text("why", chain_verdict_text(result->verdict)),
                 node_text("err", result->why.text));
        node_raft_halt(r, "a block that the cluster agreed on is not valid here",
                       "compare genesis, flags and version with the other members; the chain is as "
                       "it was before this block");
        return;
    }
    bool own = r->block == r->mint.block;
    finish_entry(r, false);
    if (own)
        node_raft_mint_done(r);
    node_raft_apply(r);
    node_raft_soon(r);
}

/* The own block needs no decoding. */
static bool decode(struct node_raft *r, const struct raft_entry *e)
{
    struct err_detail why = {""};
    if (r->mint.block && bytes_equal(e->data, buf_bytes(&r->mint.rlp))) {
        r->block = chain_block_ref(r->mint.block);
        return true;
    }
    int status = chain_block_decode(&r->block, e->data, &why);
    if (status == ERR_NOMEM)
        node_raft_halt(r, "out of memory", "start the node again");
    else if (status != ERR_OK)
        NODE_LOG(NODE_LOG_ERROR, "A raft entry is no block and is passed over",
                 node_number("index", e->index), node_text("err", why.text));
    if (status != ERR_OK)
        r->block = NULL;
    return status == ERR_OK;
}

/* A block that is there already, or does not stand on the head: everybody passes it over. False: it goes to the chain. */
static bool passed_over(struct node_raft *r)
{
    const struct chain_block *head = node_chain_head(r->options.chain)->block;
    if (hash256_equal(&r->block->header.parent_hash, &head->hash))
        return false;
    if (!node_raft_has_block(r, &r->block->hash))
        NODE_LOG(NODE_LOG_INFO, "Non-extending block",
                 node_number("number", r->block->header.number),
                 node_hash("block", &r->block->hash), node_hash("head", &head->hash));
    return true;
}

void node_raft_apply(struct node_raft *r)
{
    while (!r->applying && !r->halted && !r->stopped && r->queue_at < r->queue_count) {
        const struct raft_entry *e = &r->queue[r->queue_at];
        if (e->index <= r->applied) { /* a snapshot that came meanwhile has it in it */
            finish_entry(r, false);
            continue;
        }
        if (e->type == RAFT_ENTRY_CONF_CHANGE) {
            bool effect = apply_change(r, e);
            finish_entry(r, effect);
            node_raft_soon(r);
            continue;
        }
        if (e->type != RAFT_ENTRY_NORMAL || e->data.len == 0 || (!r->block && !decode(r, e))) {
            if (!r->halted)
                finish_entry(r, false);
            continue;
        }
        if (!passed_over(r)) {
            commit_block(r);
            return;
        }
        bool own = r->block == r->mint.block;
        finish_entry(r, false);
        if (own)
            node_raft_mint_done(r);
    }
    node_raft_mint_request(r);
}
