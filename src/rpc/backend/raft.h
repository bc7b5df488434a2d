/* What raft_… asks of the node: the cluster that it is a member of. */
#ifndef RPC_BACKEND_RAFT_H
#define RPC_BACKEND_RAFT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RPC_RAFT_MEMBERS_MAX = 128 };

struct rpc_raft_member {
    uint16_t id, p2p_port, raft_port;
    uint8_t node[64]; /* public key */
    char host[254];
    const char *role; /* "minter", "verifier", "learner", "" */
    bool active;
};

/* All on the loop. Changes and questions return 0, or a failure with the message for the client. */
struct rpc_raft {
    void *context; /* given to each */
    const char *(*role)(void *context);
    int (*leader)(void *context, struct rpc_raft_member *ret_member, struct err_detail *detail);
    /* Returns how many; `ret_members` has room for RPC_RAFT_MEMBERS_MAX. */
    size_t (*cluster)(void *context, struct rpc_raft_member *ret_members);
    int (*add)(void *context, const char *enode, bool learner, uint16_t *ret_id,
               struct err_detail *detail);
    int (*id_of)(void *context, const char *enode, uint16_t *ret_id, struct err_detail *detail);
    int (*promote)(void *context, uint16_t id, struct err_detail *detail);
    int (*remove)(void *context, uint16_t id, struct err_detail *detail);
};

#endif
