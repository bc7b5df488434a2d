#include "node/raft/raft.h"

#include "base/mem.h"
#include "node/log/log.h"
#include "node/raft/priv.h"

#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

void node_raft_soon(struct node_raft *r)
{
    if (!r->stopped && !io_timer_started(&r->soon))
        io_timer_start(&r->soon, 0);
}

void node_raft_halt(struct node_raft *r, const char *why, const char *remedy)
{
    if (r->halted)
        return;
    r->halted = true;
    NODE_LOG(NODE_LOG_ERROR, "This raft member takes no part any more", node_text("why", why),
             node_text("remedy", remedy));
    io_timer_stop(&r->tick);
    io_timer_stop(&r->mint.timer);
    node_raft_soon(r); /* not here: the transport may be the caller */
}

static void fall_silent(struct node_raft *r)
{
    cluster_transport_free(r->transport);
    r->transport = NULL;
}

bool node_raft_is_gone(const struct node_raft *r, uint64_t id)
{
    return id <= UINT16_MAX && r->gone[id / 8] >> (id % 8) & 1;
}

static void no_memory(struct node_raft *r)
{
    node_raft_halt(r, "out of memory", "start the node again: it goes on from its log");
}

/* --- The batch: to the disk, to the members, to the chain --- */

static void send_messages(struct node_raft *r, bool early)
{
    for (size_t i = 0; i < r->ready.message_count && r->transport; i++) {
        const struct raft_message *m = &r->ready.messages[i].message;
        if (raft_ready_is_early(&r->ready, m) == early)
            cluster_transport_send(r->transport, m);
    }
}

static void write_batch(void *context)
{
    struct node_raft *r = context;
    r->write_status = cluster_log_write(r->log, &r->ready, &r->write_detail);
}

static void finish_batch(struct node_raft *r)
{
    send_messages(r, false);
    raft_machine_advance(r->machine, &r->ready);
    r->writing = r->written = false;
    if (node_raft_enqueue(r, &r->ready) != ERR_OK) {
        no_memory(r);
        return;
    }
    raft_ready_release(&r->ready);
    node_raft_mint_role(r);
    node_raft_apply(r);
    node_raft_soon(r);
}

/* A snapshot's members are taken over at once; its answer waits until the blocks are there, as in the reference. */
static void batch_is_durable(struct node_raft *r)
{
    struct err_detail why = {""};
    r->written = true;
    if (r->ready.snapshot && !r->restoring) {
        const struct raft_snapshot *s = &r->ready.snapshot->snapshot;
        if (node_raft_snapshot_read(r, s, &r->wanted, &why) != ERR_OK) {
            node_raft_halt(r, why.text, "the leader's snapshot cannot be used: see its log");
            return;
        }
        r->restoring = true;
        NODE_LOG(NODE_LOG_INFO, "A raft snapshot has come", node_number("index", s->index),
                 node_hash("head", &r->wanted));
    }
    if (r->restoring && !node_raft_has_block(r, &r->wanted)) {
        node_network_look_for_more(r->options.network);
        io_timer_start(&r->sync, NODE_RAFT_SYNC_MS);
        return;
    }
    if (r->restoring) {
        r->restoring = false;
        r->last_snapshot = r->ready.snapshot->snapshot.index;
        if (r->applied < r->last_snapshot)
            r->applied = r->last_snapshot;
    }
    finish_batch(r);
}

static void on_sync(void *context)
{
    struct node_raft *r = context;
    if (!r->halted && !r->stopped && r->written)
        batch_is_durable(r);
}

static void batch_written(void *context)
{
    struct node_raft *r = context;
    if (r->stopped || r->halted)
        return;
    if (r->write_status == ERR_OK) {
        if (r->failures)
            NODE_LOG(NODE_LOG_INFO, "The raft log can be written again");
        r->failures = 0;
        batch_is_durable(r);
        return;
    }
    if (r->failures++ % 60 == 0)
        NODE_LOG(NODE_LOG_ERROR, "This raft member waits: its log cannot be made durable",
                 node_text("err", r->write_detail.text),
                 node_text("remedy", r->write_status == ERR_NOSPACE ? "free some space on the disk"
                                                                    : "see the disk"));
    io_timer_start(&r->retry, NODE_RAFT_RETRY_MS);
}

static void start_write(struct node_raft *r)
{
    if (io_worker_run(r->disk, write_batch, batch_written, r) != ERR_OK)
        io_timer_start(&r->retry, NODE_RAFT_RETRY_MS);
}

static void on_retry(void *context)
{
    struct node_raft *r = context;
    if (r->halted || r->stopped)
        return;
    if (r->writing && !r->written && io_worker_pending(r->disk) == 0)
        start_write(r);
    node_raft_apply(r);
}

static void tell_alarm(struct node_raft *r)
{
    struct raft_status status;
    raft_machine_status(r->machine, &status);
    if (status.alarm == RAFT_ALARM_LOST_LOG)
        NODE_LOG(NODE_LOG_ERROR,
                 "This member has lost entries of its raft log that were durable: it does not vote "
                 "until it has them again",
                 node_text("remedy", "see whether the disk keeps what it has written"));
    raft_machine_clear_alarm(r->machine);
}

static void on_soon(void *context)
{
    struct node_raft *r = context;
    bool any;
    if (r->halted)
        fall_silent(r);
    if (r->writing || r->halted || r->queue_count - r->queue_at > NODE_RAFT_QUEUE_MAX)
        return;
    tell_alarm(r);
    if (raft_machine_ready(r->machine, &r->ready, &any) != ERR_OK) {
        no_memory(r);
        return;
    }
    if (!any) {
        raft_ready_release(&r->ready);
        node_raft_mint_role(r);
        return;
    }
    r->writing = true;
    r->written = false;
    send_messages(r, true);
    if (r->ready.sync || r->ready.snapshot || r->ready.has_hard)
        start_write(r);
    else
        batch_is_durable(r);
}

/* --- Events --- */

static void on_tick(void *context)
{
    struct node_raft *r = context;
    if (r->removed && io_loop_now(r->options.loop) >= r->leave_ms) {
        r->halted = true; /* the others have heard what they need */
        fall_silent(r);
        NODE_LOG(NODE_LOG_INFO, "This node has left the raft cluster");
        return;
    }
    io_timer_start(&r->tick, RAFT_TICK_MS);
    raft_machine_set_pre_vote(r->machine, cluster_transport_all_pre_vote(r->transport));
    if (raft_machine_tick(r->machine) != ERR_OK)
        no_memory(r);
    node_raft_soon(r);
}

static void on_message(void *context, const struct raft_message *m)
{
    struct node_raft *r = context;
    if (r->halted || r->stopped)
        return;
    if (raft_machine_receive(r->machine, m) != ERR_OK)
        no_memory(r);
    node_raft_soon(r);
}

static void on_unreachable(void *context, uint64_t id)
{
    struct node_raft *r = context;
    if (raft_machine_report_unreachable(r->machine, id) != ERR_OK)
        no_memory(r);
    node_raft_soon(r);
}

static void on_snapshot_sent(void *context, uint64_t id, bool arrived)
{
    struct node_raft *r = context;
    NODE_LOG(NODE_LOG_INFO, arrived ? "A raft snapshot was sent" : "A raft snapshot did not arrive",
             node_number("member", id));
    if (raft_machine_report_snapshot(r->machine, id, arrived) != ERR_OK)
        no_memory(r);
    node_raft_soon(r);
}

static bool is_removed(void *context, uint64_t id)
{
    return node_raft_is_gone(context, id);
}

static void on_removed(void *context, uint64_t by)
{
    (void)context;
    NODE_LOG(NODE_LOG_WARN, "This node is no member of the raft cluster any more",
             node_number("says", by),
             node_text("remedy", "its chain stays; add it again by raft_addPeer on a member and "
                                 "start it with --raftjoinexisting and another --raftlogdir"));
}

static void on_report(void *context, bool warn, const char *text)
{
    (void)context;
    NODE_LOG(warn ? NODE_LOG_WARN : NODE_LOG_INFO, text);
}

void node_raft_head(struct node_raft *r)
{
    if (r->restoring && r->written && !r->halted)
        io_timer_start(&r->sync, 0);
}

void node_raft_pending(struct node_raft *r)
{
    node_raft_mint_request(r);
}

/* --- Life --- */

static int open_log(struct node_raft *r, struct err_detail *detail)
{
    char path[NODE_PATH_MAX], theirs[NODE_PATH_MAX];
    const struct node_config *config = r->options.config;
    int status = ERR_OK;
    if (*config->raftlogdir)
        snprintf(path, sizeof(path), "%s/quorate-raft-log", config->raftlogdir);
    else
        status = node_datadir_path(r->options.dir, path, "quorate-raft-log", detail);
    if (status != ERR_OK)
        return status;
    snprintf(theirs, sizeof(theirs), "%.*sraft-wal",
             (int)(strlen(path) - strlen("quorate-raft-log")), path);
    if (access(theirs, F_OK) == 0 && access(path, F_OK) != 0)
        return err_set(detail, ERR_EXISTS,
                       "%s is the raft log of a GoQuorum node, which this program cannot go on "
                       "from: raft_removePeer this member, raft_addPeer it again, and start with "
                       "--raftjoinexisting and another --raftlogdir (the chain stays)",
                       theirs);
    return cluster_log_open(&r->log, path, r->id, detail);
}

static int make_machine(struct node_raft *r, struct err_detail *detail)
{
    const struct cluster_log_content *c = cluster_log_content(r->log);
    struct raft_options o = {
        .id = r->id,
        .hard = c->hard,
        .snapshot = c->snapshot,
        .entries = c->entries,
        .entry_count = c->entry_count,
    };
    if (getrandom(&o.seed, sizeof(o.seed), 0) != (ssize_t)sizeof(o.seed))
        o.seed = io_loop_wall_ms(r->options.loop);
    if (c->cut)
        NODE_LOG(NODE_LOG_WARN, "The raft log had an unfinished end, which was cut off",
                 node_number("bytes", c->cut));
    int status = raft_machine_new(&r->machine, &o, detail);
    bool fresh = !c->snapshot && c->entry_count == 0 && c->hard.term == 0;
    if (!fresh)
        r->member_count = 0; /* they come from the log */
    if (status == ERR_OK && c->snapshot) {
        status = node_raft_snapshot_read(r, c->snapshot, &r->wanted, detail);
        r->applied = r->last_snapshot = c->snapshot->index;
    }
    if (status == ERR_OK && fresh && r->initial)
        status = node_raft_bootstrap(r, detail);
    cluster_log_forget(r->log);
    return status;
}

static int make_transport(struct node_raft *r, struct err_detail *detail)
{
    struct cluster_transport_options o = {
        .loop = r->options.loop,
        .id = r->id,
        .cluster = RAFT_CLUSTER_ID,
        .host = "",
        .port = (uint16_t)r->options.config->raftport,
        .context = r,
        .is_removed = is_removed,
        .message = on_message,
        .unreachable = on_unreachable,
        .snapshot = on_snapshot_sent,
        .removed = on_removed,
        .report = on_report,
    };
    int status = cluster_transport_new(&r->transport, &o);
    return status == ERR_OK ? ERR_OK : err_set(detail, status, "raft: %s", err_text(status));
}

int node_raft_new(struct node_raft **ret_raft, const struct node_raft_options *options,
                  struct err_detail *detail)
{
    struct node_raft *r = mem_alloc_zeroed(1, sizeof(*r));
    if (!r)
        return err_set(detail, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    r->options = *options;
    io_timer_init(&r->tick, options->loop, on_tick, r);
    io_timer_init(&r->soon, options->loop, on_soon, r);
    io_timer_init(&r->retry, options->loop, on_retry, r);
    io_timer_init(&r->sync, options->loop, on_sync, r);
    io_timer_init(&r->mint.timer, options->loop, node_raft_mint_timer, r);
    int status = node_raft_find_place(r, detail);
    if (status == ERR_OK)
        status = open_log(r, detail);
    if (status == ERR_OK)
        status = make_transport(r, detail);
    if (status == ERR_OK)
        status = make_machine(r, detail);
    if (status == ERR_OK && io_worker_new(&r->disk, options->loop) != ERR_OK)
        status = err_set(detail, ERR_NOMEM, "raft: %s", err_text(ERR_NOMEM));
    if (status != ERR_OK) {
        node_raft_stop(r);
        node_raft_free(r);
        return status;
    }
    *ret_raft = r;
    return ERR_OK;
}

int node_raft_start(struct node_raft *r, struct err_detail *detail)
{
    int status = cluster_transport_start(r->transport, detail);
    if (status != ERR_OK)
        return err_prefix(detail, status, "--raftport");
    r->started = true;
    NODE_LOG(NODE_LOG_INFO, "Raft begins", node_number("id", r->id),
             node_number("port", r->options.config->raftport),
             node_number("members", r->member_count + r->has_self));
    io_timer_start(&r->tick, RAFT_TICK_MS);
    node_raft_soon(r);
    return ERR_OK;
}

void node_raft_stop(struct node_raft *r)
{
    if (!r || r->stopped)
        return;
    r->stopped = true;
    cluster_transport_free(r->transport);
    r->transport = NULL;
    io_timer_stop(&r->tick);
    io_timer_stop(&r->soon);
    io_timer_stop(&r->retry);
    io_timer_stop(&r->sync);
    io_timer_stop(&r->mint.timer);
    io_worker_free(r->disk);
    r->disk = NULL;
}

void node_raft_free(struct node_raft *r)
{
    if (!r)
        return;
    raft_ready_release(&r->ready);
    for (size_t i = r->queue_at; i < r->queue_count; i++)
        raft_blob_unref(r->queue[i].blob);
    mem_free(r->queue);
    chain_block_unref(r->block);
    chain_block_unref(r->mint.block);
    buf_release(&r->mint.rlp);
    raft_machine_free(r->machine);
    cluster_log_close(r->log);
    mem_free(r);
}
