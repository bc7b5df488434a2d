/*
 * What consensus means to the chain: how a header is named, checked, prepared and finished. One
 * table of functions per engine; consensus itself (who agrees when) is not here.
 *
 *     istanbul.c   IBFT and QBFT, with the transition from one to the other
 *     clique.c     Clique
 *     fake.c       nothing is checked: in Raft's place
 */
#ifndef CHAIN_ENGINE_ENGINE_H
#define CHAIN_ENGINE_ENGINE_H

#include "chain/block.h"
#include "chain/config/config.h"

struct chain;
struct chain_reader;
struct chain_seals;
struct exec;

/*
 * Why a block or header is refused: outcomes of the protocol. The message beside it has the figures
 * in GoQuorum's words. X(NAME, "text")
 */
#define CHAIN_VERDICT_LIST(X)                                                                      \
    X(VALID, "valid")                                                                              \
    X(KNOWN, "block already known")                                                                \
    X(FUTURE, "block in the future")      /* may become valid */                                   \
    X(UNKNOWN_PARENT, "unknown ancestor") /* may become valid */                                   \
    X(BAD_NUMBER, "invalid block number")                                                          \
    X(BAD_HEADER, "invalid header") /* by the engine's rules */                                    \
    X(BAD_SEALS, "invalid committed seals")                                                        \
    X(BAD_BODY, "body does not match the header")                                                  \
    X(BAD_SENDER, "a transaction has no valid signature")                                          \
    X(BAD_TRANSACTION, "a transaction cannot stand in the block")                                  \
    X(BAD_RESULT, "the result of execution differs from the header")                               \
    X(SIDE_CHAIN, "the engine allows no other block at this height")                               \
    X(PRIVATE_STATE, "the private state is another than the server's") /* of a light client */

enum chain_verdict {
#define X(name, text) CHAIN_##name,
    CHAIN_VERDICT_LIST(X)
#undef X
};

const char *chain_verdict_text(enum chain_verdict verdict);

enum chain_check_flags {
    CHAIN_CHECK_NO_SEALS = 1 << 0, /* a proposal: committed seals are not there yet */
    CHAIN_CHECK_NO_TIME = 1 << 1,  /* do not compare with the clock */
};

/* What goes into a header that is being built. */
struct chain_prepare {
    struct address coinbase;  /* etherbase; of an Istanbul engine the node's own address */
    uint64_t now;             /* seconds of wall time */
    struct bytes extra;       /* vanity, as --miner.extradata; none = the program's own */
    bool has_vote;            /* Istanbul, Clique: vote on a candidate */
    struct address candidate; /* on whom */
    bool authorize;           /* true: to add, false: to remove */
};

/*
 * Functions return 0 or a failure of this machine. `reader` shows the parent and its ancestors. A
 * verdict other than CHAIN_VALID comes with a message in `why`. Called on any thread.
 */
struct chain_engine_ops {
    const char *name;
    /* Whether blocks are final: no other branch is ever taken. */
    bool is_final;

    /* Who made the block: COINBASE of its transactions. */
    int (*author)(struct chain *chain, struct address *ret_author, const struct eth_header *header);
    /* All rules about a header beside its parent, number and hash. */
    int (*check_header)(struct chain *chain, struct chain_reader *reader,
                        enum chain_verdict *ret_verdict, struct err_detail *why,
                        const struct eth_header *header, const struct chain_block *parent,
                        uint64_t now, unsigned flags);
    /* Sets coinbase, time, difficulty, extra, mix hash and nonce; parent hash and number are set. */
    int (*prepare)(struct chain *chain, struct chain_reader *reader, struct eth_header *header,
                   struct arena *arena, const struct chain_block *parent,
                   const struct chain_prepare *in, struct err_detail *why);
    /* Whether its author is one who may sign, by the validators after the head: who is not cannot
     * make this node keep a block aside. Of engines that are not final; else NULL. */
    int (*may_sign)(struct chain *chain, struct chain_reader *reader,
                    const struct eth_header *header, bool *ret_may);
    /* After the transactions: rewards. */
    int (*finish)(struct chain *chain, struct exec *x, const struct eth_header *header);
};

/* Of the configuration's engine. */
const struct chain_engine_ops *chain_engine_ops(enum chain_engine_kind kind);

#endif
