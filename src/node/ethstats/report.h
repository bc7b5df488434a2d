/* The documents that an ethstats server gets, with GoQuorum's fields in GoQuorum's order (ethstats/ethstats.go). Failures:
 * buf_status(b). */
#ifndef NODE_ETHSTATS_REPORT_H
#define NODE_ETHSTATS_REPORT_H

#include "chain/chain.h"
#include "node/ethstats/target.h"
#include "p2p/server.h"

/* Who reports. Borrowed. */
struct node_ethstats_info {
    const struct node_ethstats_target *target;
    const char *client; /* "Geth/v1.10.3-…" */
    uint16_t port;      /* of the listener; 0: there is none */
    uint64_t network_id;
    const struct p2p_protocol *protocols;
    size_t protocol_count;
};

/* Carries the secret. */
void node_ethstats_write_hello(struct buf *b, const struct node_ethstats_info *info);
/* `wall_ms` since 1970. */
void node_ethstats_write_ping(struct buf *b, struct bytes name, uint64_t wall_ms);
void node_ethstats_write_latency(struct buf *b, struct bytes name, uint64_t ms);

struct node_ethstats_block {
    const struct chain_block *block;
    struct u256 total_difficulty;
    struct address author; /* zero where there is none */
};
void node_ethstats_write_block(struct buf *b, struct bytes name,
                               const struct node_ethstats_block *block);

/* An array of blocks, one after the other. */
void node_ethstats_begin_history(struct buf *b);
void node_ethstats_add_history(struct buf *b, const struct node_ethstats_block *block);
void node_ethstats_end_history(struct buf *b, struct bytes name);

void node_ethstats_write_pending(struct buf *b, struct bytes name, size_t pending);

struct node_ethstats_figures {
    bool syncing, mining;
    size_t peers;
    uint64_t gas_price;
};
void node_ethstats_write_stats(struct buf *b, struct bytes name,
                               const struct node_ethstats_figures *figures);

#endif
