/* The parts of the handler, for its own files. */
#ifndef P2P_ETH_ETH_PRIV_H
#define P2P_ETH_ETH_PRIV_H

#include "p2p/eth/eth.h"
#include "p2p/eth/known.h"

enum {
    STATUS_TIMEOUT = 5000,  /* ms until Status must have come (handshakeTimeout) */
    REQUEST_TIMEOUT = 8000, /* ms until an answer of a sync must have come */
    SERVED_TIMEOUT =
        30000, /* the same of QLight's server, which has to ask its transaction manager */
    FETCH_TIMEOUT = 5000,       /* ms for an announced block or transaction (fetchTimeout) */
    REQUESTS = 8,               /* open ones to a peer */
    KNOWN_TRANSACTIONS = 32768, /* of a peer (maxKnownTxs) */
    KNOWN_BLOCKS = 1024,        /* of a peer (maxKnownBlocks) */
    /* Transactions that peers sent and whose senders are being recovered; more are dropped unread, as a full pool
     * would. About three seconds of work of two processors, at most 64 MiB. */
    INTAKE_MAX = 32768,
    INTAKE_BYTES_MAX = 64 << 20,
    ANSWER_SOFT =
        2 << 20, /* bytes of an answer: the item that goes over is the last (softResponseLimit) */
    ANSWER_QUEUE_MAX =
        32 << 20, /* bytes waiting for a peer that goes on asking and does not read */
    LOOKUPS_MAX = 2 * P2P_ETH_SERVE_MAX,
    PACK_SIZE = 100 << 10,  /* bytes of a pack of transactions or hashes (maxTxPacketSize) */
    PACK_QUEUE = 512 << 10, /* bytes waiting for a peer before packs are held back */
    PACK_DELAY = 10,        /* ms in which transactions collect to a pack */
    OUT_MAX = 65536,        /* hashes waiting to be sent to a peer; 2 MiB */
    WANTED_MAX = 4096,      /* announced by a peer and not fetched yet (maxTxAnnounces) */
    WANTED_BATCH = 256,     /* transactions of one request (maxTxRetrievals) */
};

/* Hashes in order of arrival, bounded: the oldest goes when it is full. */
struct hash_queue {
    struct hash256 *items; /* a ring */
    size_t capacity, first, count;
};
void p2p_eth_queue_release(struct hash_queue *q);
void p2p_eth_queue_push(struct hash_queue *q, size_t limit, const struct hash256 *hash);
static inline struct hash256 *p2p_eth_queue_at(const struct hash_queue *q, size_t index)
{
    return &q->items[(q->first + index) % q->capacity];
}
static inline void p2p_eth_queue_drop(struct hash_queue *q, size_t count)
{
    q->count -= count;
    q->first = q->count ? (q->first + count) % q->capacity : 0;
}

/* What an answer is for. */
enum purpose {
    FOR_NOTHING, /* the slot is free */
    FOR_ANCESTOR,
    FOR_SKELETON,
    FOR_SEGMENT,
    FOR_BODIES,
    FOR_FETCH_HEADER,
    FOR_FETCH_BODY,
    FOR_TRANSACTIONS,
    FOR_AUTHORIZED,
};

struct request {
    enum purpose purpose;
    uint64_t id, order, deadline;
    unsigned answer;        /* code of the answer */
    unsigned round;         /* of syncs */
    uint64_t number;        /* first block asked for */
    size_t count;           /* how many */
    struct hash256 hash;    /* FETCH: of the block */
    struct hash256 *hashes; /* TRANSACTIONS, BODIES: what was asked for; owned */
};

struct p2p_eth_peer {
    struct p2p_eth *eth;
    struct p2p_eth_peer *next;
    const struct p2p_eth_transport *transport;
    void *link;
    struct hash256 id;
    unsigned version;
    bool ready; /* its Status has come and was welcome */
    bool going; /* disconnected by us: nothing is read or sent any more */
    uint64_t status_deadline;
    struct u256 td;
    struct hash256 head;
    uint64_t seen; /* highest block that it announced */
    bool supposed; /* `td` is not its word */
    struct request requests[REQUESTS];
    size_t authorized; /* of the list of blocks that it must have: asked for */

    struct p2p_known transactions, blocks;
    struct hash_queue out;      /* transactions to be sent */
    struct hash_queue announce; /* transactions to be announced, after Status */
    struct hash_queue wanted;   /* announced by the peer */
    uint64_t flushed;           /* when packs were sent last */

    unsigned stalls;            /* answers in a row that did not come in time */
    unsigned batch;             /* bodies to ask for at once */
    uint64_t rest_until;        /* not asked before: it had nothing */
    unsigned announced, queued; /* entries of the fetcher that are its */
};

/* --- Catching up (sync.c) --- */

enum {
    SEGMENT = 192,     /* headers of one request (MaxHeaderFetch) */
    SEGMENTS = 12,     /* of the window */
    SKELETON_MAX = 8,  /* headers of a skeleton request */
    BODIES_FIRST = 16, /* bodies of a peer's first request */
    BODIES_MAX = 128,  /* of any request (MaxBlockFetch) */
    /* Bytes of blocks that wait for those before them or for the chain; a single answer (10 MiB, of each of the peers
     * that were asked) may go over. */
    SYNC_BYTES_MAX = 32 << 20,
    IMPORT_BLOCKS = 256, /* of one import */
};

enum {
    SYNC_GRACE = 1000,     /* ms that a gap may have to close by itself */
    SYNC_FUTURE_TOLD = 60, /* of as many refusals of one block for its time, one is told */
    SYNC_PAUSE =
        5000, /* ms before a peer that had nothing is asked again, and after a failure of this machine */
    STALLS_MAX = 3, /* answers in a row that may be missing */
};

enum slot_state {
    SLOT_NEEDED, /* header known, body not asked for */
    SLOT_ASKED,
    SLOT_DONE, /* block is there, or its body is empty */
};

struct slot {
    enum slot_state state;
    struct hash256 hash, transactions_root, uncles_hash, withdrawals_root;
    struct buf header;         /* until the block is complete */
    struct chain_block *block; /* SLOT_DONE; NULL: of the header and an empty body */
    bool has_withdrawals;
};

enum segment_state {
    SEGMENT_NEEDED, /* headers not asked for */
    SEGMENT_ASKED,
    SEGMENT_FILLED,
};

struct segment {
    enum segment_state state;
    uint64_t first;
    size_t count;
    struct hash256 parent; /* of the first */
    bool has_last; /* its last hash is known from the skeleton; else only the master is asked */
    struct hash256 last;
    struct slot slots[SEGMENT];
};

enum sync_state {
    SYNC_IDLE,
    SYNC_ANCESTOR,
    SYNC_RUN,
};

struct sync {
    enum sync_state state;
    struct p2p_eth_peer *master;
    uint64_t low, high;      /* of the ancestor's search: same at low, different at high */
    uint64_t start, highest; /* for the progress */
    uint64_t next;           /* first number behind the last segment */
    struct hash256 next_parent;
    bool skeleton_asked, ended;         /* ended: the master has no more */
    struct segment *segments[SEGMENTS]; /* in order; the first holds `import_next` */
    size_t segment_count;
    uint64_t import_next; /* first block that is not given to the chain */
    size_t importing;     /* blocks given */
    size_t bytes;
    uint64_t imported;     /* blocks of this sync */
    uint64_t again_at;     /* not before */
    uint64_t future;       /* the last block that was refused for its time, */
    unsigned future_tries; /* and how often: once may be a matter of milliseconds */
    uint64_t lag_since;    /* some peer announces what cannot follow our head; 0: none */
    bool told;             /* syncing was told */
    unsigned round;        /* of syncs: an import of an earlier one means nothing */
};

/* --- Single blocks (fetcher.c) --- */

enum {
    FETCH_DELAY =
        400, /* ms that an announced block may still come by itself (arriveTimeout - gatherSlack) */
    FETCH_ANNOUNCES = 256,      /* of a peer (hashLimit) */
    FETCH_BLOCKS = 64,          /* of a peer (blockLimit) */
    FETCH_TOTAL = 1024,         /* announced blocks of all peers */
    FETCH_BYTES_MAX = 64 << 20, /* of blocks that wait */
    FETCH_BEHIND = 7,           /* maxUncleDist */
    FETCH_AHEAD = 32,           /* maxQueueDist */
    FETCH_PEERS = 4,            /* announcers that are remembered of a block */
};

enum fetch_state {
    FETCH_ANNOUNCED,
    FETCH_HEADER, /* asked for */
    FETCH_BODY,   /* asked for */
    FETCH_QUEUED, /* complete, waits for its parent */
    FETCH_IMPORT, /* in the chain's hands */
};

struct fetch {
    enum fetch_state state;
    struct hash256 hash;
    uint64_t number, due; /* due: when to ask, or to give up */
    struct p2p_eth_peer
        *peers[FETCH_PEERS]; /* who has it; the first is or was asked, and answers for it */
    size_t peer_count;
    struct buf header;
    struct chain_block *block;
    size_t size;
};

struct fetcher {
    struct fetch *items;
    size_t count, capacity, bytes;
    bool importing;
};

struct intake {
    struct p2p_known taken; /* being recovered */
    struct p2p_known asked; /* asked for by hash */
    size_t count, bytes;
};

struct p2p_eth {
    struct p2p_eth_backend backend;
    struct p2p_eth_peer *peers;
    size_t ready_count;
    uint64_t order; /* of requests */
    uint64_t wake_at;
    bool accepting;
    struct sync sync;
    struct fetcher fetcher;
    struct intake intake;
    struct arena arena; /* of the message under way */
    struct buf out;     /* the message that is being written */
};

/* peer.c */
void p2p_eth_report(struct p2p_eth *eth, enum p2p_eth_level level, const char *format, ...)
    BASE_PRINTF(3, 4);
void p2p_eth_wake(struct p2p_eth *eth, uint64_t at);
uint64_t p2p_eth_now(struct p2p_eth *eth);
/* Ends the connection for a breach. */
void p2p_eth_drop(struct p2p_eth_peer *peer, enum p2p_reason reason, const char *format, ...)
    BASE_PRINTF(3, 4);
void p2p_eth_penalize(struct p2p_eth_peer *peer, unsigned points, const char *why);
/* What eth->out holds. */
void p2p_eth_send_out(struct p2p_eth_peer *peer, unsigned code);
/* A free slot for a request, NULL when all are taken; `purpose` and `answer` are set, the id is new. */
struct request *p2p_eth_request(struct p2p_eth_peer *peer, enum purpose purpose, unsigned answer,
                                uint64_t timeout);
bool p2p_eth_is_asked(const struct p2p_eth_peer *peer, enum purpose purpose);
void p2p_eth_ask_headers(struct p2p_eth_peer *peer, struct request *request,
                         const struct p2p_eth_query *query);
void p2p_eth_ask_hashes(struct p2p_eth_peer *peer, struct request *request, unsigned code,
                        const struct hash256 *hashes, size_t count);

/* serve.c */
void p2p_eth_serve(struct p2p_eth_peer *peer, const struct p2p_eth_message *m);

/* sync.c */
/* Begins to catch up when there is reason to. */
void p2p_eth_sync_check(struct p2p_eth *eth);
/* Asks for what is missing, gives the chain what is complete, ends when all is there. */
void p2p_eth_sync_work(struct p2p_eth *eth);
/* `m` NULL: it was not answered in time, or the peer is gone. */
void p2p_eth_sync_answered(struct p2p_eth_peer *peer, const struct request *request,
                           const struct p2p_eth_message *m);
void p2p_eth_sync_peer_gone(struct p2p_eth *eth, struct p2p_eth_peer *peer);
/* Gives up what is not imported yet. */
void p2p_eth_sync_stop(struct p2p_eth *eth, const char *why);
/* The same, and the master answers for it. */
void p2p_eth_sync_blame(struct p2p_eth *eth, const char *why);
/* The master does not answer: another one is taken; it may only be slow. */
void p2p_eth_sync_unanswered(struct p2p_eth *eth);
/* A request was not answered. */
void p2p_eth_sync_stalled(struct p2p_eth_peer *peer);
struct request *p2p_eth_sync_request(struct p2p_eth_peer *peer, enum purpose purpose,
                                     unsigned answer, uint64_t number, size_t count);
/* sync_segments.c */
void p2p_eth_segments_ask(struct p2p_eth *eth);
void p2p_eth_skeleton_answered(struct p2p_eth_peer *peer, const struct request *request,
                               const struct p2p_eth_message *m);
void p2p_eth_segment_answered(struct p2p_eth_peer *peer, const struct request *request,
                              const struct p2p_eth_message *m);
void p2p_eth_segment_release(struct p2p_eth *eth, struct segment *segment);
/* sync_bodies.c */
void p2p_eth_bodies_ask(struct p2p_eth *eth);
void p2p_eth_bodies_answered(struct p2p_eth_peer *peer, const struct request *request,
                             const struct p2p_eth_message *m);
struct slot *p2p_eth_slot(struct sync *sync, uint64_t number);

/* fetcher.c */
void p2p_eth_fetch_announced(struct p2p_eth_peer *peer, const struct p2p_eth_announce *items,
                             size_t count);
void p2p_eth_fetch_block(struct p2p_eth_peer *peer, const struct p2p_eth_message *m);
void p2p_eth_fetch_answered(struct p2p_eth_peer *peer, const struct request *request,
                            const struct p2p_eth_message *m);
void p2p_eth_fetch_peer_gone(struct p2p_eth *eth, struct p2p_eth_peer *peer);
/* Asks for what is due, imports what fits. */
void p2p_eth_fetch_work(struct p2p_eth *eth);
void p2p_eth_fetch_release(struct p2p_eth *eth);

/* gossip.c */
void p2p_eth_gossip_block(struct p2p_eth *eth, const struct chain_block *block,
                          const struct u256 *td);
void p2p_eth_gossip_hash(struct p2p_eth *eth, const struct hash256 *hash, uint64_t number);
void p2p_eth_gossip_greet(struct p2p_eth_peer *peer);
void p2p_eth_gossip_flush(struct p2p_eth_peer *peer);
/* intake.c */
void p2p_eth_intake(struct p2p_eth_peer *peer, const struct p2p_eth_message *m);
void p2p_eth_intake_announced(struct p2p_eth_peer *peer, const struct p2p_eth_hashes *hashes);
void p2p_eth_intake_answered(struct p2p_eth_peer *peer, const struct request *request,
                             const struct p2p_eth_message *m);
void p2p_eth_intake_ask(struct p2p_eth_peer *peer);

#endif
