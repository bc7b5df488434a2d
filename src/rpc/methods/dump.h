/* What the methods that read a state as a whole share: dump.c, modified.c, storage_range.c. */
#ifndef RPC_METHODS_DUMP_H
#define RPC_METHODS_DUMP_H

#include "rpc/run/lookup.h"
#include "state/preimage.h"

enum {
    RPC_DUMP_ANSWER_MAX = 64 * 1024 * 1024, /* bytes; GoQuorum has no limit */
    RPC_DUMP_SECONDS = 60,                  /* of one request */
    RPC_DUMP_STOPPED = 1,                   /* a walk that its visitor ended */
};

/* A state that is being written. */
struct rpc_dump {
    struct rpc_call *call;
    struct chain_reader reader;
    struct state_reader state;
    struct state_preimages preimages;
    uint64_t number;
    bool no_code, no_storage,
        complete;          /* complete: accounts without a known address are left out */
    bool strict;           /* a slot that is not known is a failure */
    uint64_t limit, count; /* accounts; 0 = all */
    struct hash256 next;   /* the key behind the last account, when has_next */
    bool has_next;
    uint64_t deadline; /* ms of the monotonic clock */
    bool too_late;
    int status; /* of the call, when a visitor failed it */
};

/* The state of a block, or its private one; the call's error when it cannot be read. To be closed when 0. */
int rpc_dump_open(struct rpc_dump *d, struct rpc_call *call, const struct rpc_block_id *id,
                  bool private) BASE_NODISCARD;
void rpc_dump_close(struct rpc_dump *d);
/* All entries of one of its tries, from the key `from` on. What the visitor said, or a failure of the store. */
int rpc_dump_walk(struct rpc_dump *d, const struct trie_root *root, struct bytes from,
                  trie_visit_fn *visit, void *context) BASE_NODISCARD;
/* Whether the request's time is over; sets too_late. */
bool rpc_dump_is_late(struct rpc_dump *d);
/* The call's error for an answer over RPC_DUMP_ANSWER_MAX. */
int rpc_dump_too_large(struct rpc_call *call);

#endif
