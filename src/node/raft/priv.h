/* What the files of the Raft member share: raft.c (life, batches), members.c (who belongs to the cluster), apply.c
 * (what is committed), mint.c (own blocks), api.c (what RPC asks). */
#ifndef NODE_RAFT_PRIV_H
#define NODE_RAFT_PRIV_H

#include "cluster/log.h"
#include "cluster/transport.h"
#include "io/timer.h"
#include "io/worker.h"
#include "node/raft/raft.h"

enum {
    NODE_RAFT_RETRY_MS = 1000,
    NODE_RAFT_LEAVE_MS = 2000, /* a removed leader tells the others so for so long */
    NODE_RAFT_SYNC_MS = 500,   /* how often a member that lacks a snapshot's block asks its peers */
};

struct node_raft {
    struct node_raft_options options;
    uint16_t id;
    struct raft_address self;
    bool has_self; /* the own address is known */
    bool started, stopped, removed, halted;
    uint64_t leave_ms; /* removed: when it falls silent */

    struct raft_machine *machine;
    struct cluster_log *log;
    struct cluster_transport *transport;
    struct io_worker *disk;
    struct io_timer tick, soon, retry;

    /* Members other than this one, by id; tombstones. */
    struct raft_address members[RAFT_MEMBERS_MAX];
    size_t member_count;
    uint8_t gone[UINT16_MAX / 8 + 1]; /* a bit for each id that was removed */
    size_t initial; /* members of a cluster that was begun with this one, 0: it was joined */

    /* The batch under way. */
    struct raft_ready ready;
    bool writing, written;
    int write_status;
    struct err_detail write_detail;

    /* A received snapshot that is taken in: its block is waited for. */
    bool restoring;
    struct hash256 wanted;
    struct io_timer sync;

    /* Committed entries that wait for the chain. */
    struct raft_entry *queue;
    size_t queue_at, queue_count, queue_capacity;
    bool applying;
    struct chain_block *block; /* that is being put into the chain */
    uint64_t applied, last_snapshot;
    uint64_t failures;

    /* Minting. */
    struct {
        struct io_timer timer;
        bool building;
        uint64_t last_ms;          /* when the last one began */
        struct chain_block *block; /* proposed, not applied; NULL: none */
        struct buf rlp;
        uint64_t give_up_ms; /* a proposal that was lost on the way */
        uint64_t us_per_tx;
        bool led;
    } mint;
};

/* raft.c: looks for a batch in the next turn. */
void node_raft_soon(struct node_raft *r);
/* A bug or a machine that cannot go on: takes no part any more, and says so. */
void node_raft_halt(struct node_raft *r, const char *why, const char *remedy);
bool node_raft_is_gone(const struct node_raft *r, uint64_t id);

/* members.c */
struct raft_address *node_raft_member_of(struct node_raft *r, uint64_t id);
void node_raft_member_add(struct node_raft *r, const struct raft_address *address);
void node_raft_member_remove(struct node_raft *r, uint64_t id);
int node_raft_address_of(struct raft_address *ret_address, uint16_t id,
                         const struct p2p_enode *node, struct err_detail *detail) BASE_NODISCARD;
int node_raft_snapshot_write(const struct node_raft *r, struct buf *b) BASE_NODISCARD;
/* Members as a snapshot has them. */
int node_raft_snapshot_read(struct node_raft *r, const struct raft_snapshot *snapshot,
                            struct hash256 *ret_head, struct err_detail *detail) BASE_NODISCARD;
int node_raft_find_place(struct node_raft *r, struct err_detail *detail) BASE_NODISCARD;
int node_raft_bootstrap(struct node_raft *r, struct err_detail *detail) BASE_NODISCARD;

/* apply.c */
int node_raft_enqueue(struct node_raft *r, struct raft_ready *ready) BASE_NODISCARD;
void node_raft_apply(struct node_raft *r);
bool node_raft_has_block(const struct node_raft *r, const struct hash256 *hash);

/* mint.c */
void node_raft_mint_timer(void *context);
void node_raft_mint_request(struct node_raft *r);
/* The own block is in the chain, or will never be. */
void node_raft_mint_done(struct node_raft *r);
void node_raft_mint_role(struct node_raft *r);

#endif
