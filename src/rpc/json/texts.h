/*
 * Blocks as JSON, with their transactions in full, as they were last answered. A block never changes, so that what is kept is known by its hash
 * alone; which block has a number, or whether a hash is of the chain, is looked up each time. To copy a text takes a fifth of the time of
 * writing it anew, and it is done on the loop, without a worker.
 */
#ifndef RPC_JSON_TEXTS_H
#define RPC_JSON_TEXTS_H

#include "base/buf.h"
#include "base/types.h"

#include <pthread.h>

enum {
    RPC_TEXTS_MAX = 32,
    /* Bytes of one: about 700 transfers. All of them take at most 16 MB. */
    RPC_TEXT_MAX = 512 << 10,
    /* Shorter ones are written about as fast as they are found. */
    RPC_TEXT_MIN = 4 << 10,
};

struct rpc_text {
    struct hash256 block;
    uint8_t *data; /* NULL: none */
    size_t len;
};

/* From any thread. */
struct rpc_texts {
    pthread_mutex_t lock;
    struct rpc_text list[RPC_TEXTS_MAX];
    size_t next; /* the place of the next one */
};

struct rpc;

/* Of this rpc (rpc.c). */
struct rpc_texts *rpc_texts_of(struct rpc *rpc);
void rpc_texts_init(struct rpc_texts *texts);
void rpc_texts_release(struct rpc_texts *texts);
/* Appends the text of a block; false when it is not kept. Failures are the buffer's. */
bool rpc_texts_append(struct rpc_texts *texts, struct buf *out, const struct hash256 *block);
/* Keeps a copy, unless it is there, or too long or too short; in the place of the oldest. Without memory nothing is kept. */
void rpc_texts_add(struct rpc_texts *texts, const struct hash256 *block, struct bytes text);

#endif
