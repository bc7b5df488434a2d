/* The events of the permission contracts: what they change in the model, and what the node has to do about other nodes. */
#ifndef PERMISSION_EVENTS_H
#define PERMISSION_EVENTS_H

#include "permission/model.h"

/* What an event asks of the files permissioned-nodes.json and disallowed-nodes.json, and of connections. */
enum permission_node_change {
    PERMISSION_NO_CHANGE,
    PERMISSION_NODE_ADD,       /* put it into the permitted ones */
    PERMISSION_NODE_REMOVE,    /* take it out, and disconnect it */
    PERMISSION_NODE_BLACKLIST, /* the same, and into the disallowed ones */
    PERMISSION_NODE_RECOVER,   /* the reverse */
};

struct permission_events; /* the table, with its topics; for one network */

int permission_events_new(struct permission_events **ret_events,
                          const struct permission_config *config, bool raft) BASE_NODISCARD;
void permission_events_free(struct permission_events *events);

/*
 * Takes a log of a block, whoever's: those of other contracts change nothing. When *ret_change is not NO_CHANGE the
 * node's URL is in `url`, as the files have it. ERR_INPUT: an event of a manager that cannot be read (nothing is
 * changed); ERR_LIMIT, ERR_NOMEM.
 */
int permission_take_log(const struct permission_events *events, struct permission_model *model,
                        const struct eth_log *log, enum permission_node_change *ret_change,
                        struct buf *url) BASE_NODISCARD;

/* A node's URL as the contracts of the enhanced model describe it; texts' zero bytes at the end are left out. */
void permission_node_url(struct buf *url, struct bytes key, struct bytes ip, uint64_t port,
                         uint64_t raft_port, bool raft);

#endif
