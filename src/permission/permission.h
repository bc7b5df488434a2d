/*
 * A permissioned network as a node sees it: configuration, model, and whether permissions are in force. The contracts are
 * asked once for everything; from then on the events of each new block keep the model (GoQuorum, permission/permission.go
 * and v1, v2/backend.go).
 *
 *     waiting ── the contracts are there, and filled ──▸ ready
 *
 * All on one thread, the loop's, but permission_gate, which the thread that executes blocks has.
 */
#ifndef PERMISSION_PERMISSION_H
#define PERMISSION_PERMISSION_H

#include "permission/ask.h"
#include "permission/events.h"

struct permission;

struct permission_options {
    struct chain *chain;
    struct permission_config config; /* taken over, also when it fails */
    bool raft, dns;                  /* dns: --raftdnsenable, nodes may be known by names */
    char node[129];                  /* this node's public key, hex */
    /* A node's URL is to be put into the node's files, or taken out. May be NULL. */
    void (*node_changed)(void *context, enum permission_node_change change, const char *url);
    /* What went wrong with a block's events; the model is then read from the contracts anew. May be NULL. */
    void (*report)(void *context, const char *message);
    void *context;
};

/* The chain, and what the callbacks are given, outlive it. ERR_NOMEM. */
int permission_new(struct permission **ret_permission,
                   const struct permission_options *options) BASE_NODISCARD;
/* NULL is fine. The chain's thread has ended, or has not begun. */
void permission_free(struct permission *permission);

/* To be given to chain_set_permission: the check of blocks, which the enhanced model makes. */
const struct chain_permission *permission_gate(struct permission *permission);
/* The node has what the network had when it was started. Until then blocks that are agreed on are taken as they are, as in the
 * reference: GoQuorum's own agree on blocks that these rules refuse, and a node that refused one would never come past it. */
void permission_is_current(struct permission *permission);

enum permission_phase {
    PERMISSION_NO_CONTRACTS, /* nothing stands at the configured address */
    PERMISSION_NOT_BOOTED,   /* the contracts wait for their first content */
    PERMISSION_READY,
};

/*
 * The head has moved, or this is the first call. `removed`: blocks were taken out of the chain. Reads the events since
 * the last call. ERR_*: the contracts cannot be asked; the next call tries again, and until then what could not be read is not
 * permitted.
 */
int permission_head(struct permission *permission, bool removed, enum permission_phase *ret_phase,
                    struct err_detail *detail) BASE_NODISCARD;

/* Its parts, borrowed: what was configured, what the contracts say by the last permission_head, and who asks them. */
const struct permission_config *permission_config_of(const struct permission *permission);
const struct permission_model *permission_model_of(const struct permission *permission);
struct permission_asker *permission_asker_of(struct permission *permission);
/* As the options said. */
bool permission_is_raft(const struct permission *permission);
bool permission_uses_dns(const struct permission *permission);

/* Whether permissions are in force: the height of qip714Block is reached and the network is booted (PermissionsEnabled). */
bool permission_enabled(const struct permission *permission);

/* Whether the sender may do this now. When the contracts cannot be asked: no, as in the reference. */
bool permission_allows_transaction(struct permission *permission, const struct eth_transaction *tx,
                                   const struct address *sender);
/* Whether a node may connect, once permissions are in force. */
bool permission_allows_connection(struct permission *permission, const char *hex_key,
                                  const char *ip, uint16_t port);
/* Whether clients of this node may send for the account. */
bool permission_allows_here(const struct permission *permission, const struct address *sender);

/* Whether the account administers the network or an organisation that is active; true while permissions are not in force. */
bool permission_is_admin(const struct permission *permission, const struct address *account);

/* The operation that waits for votes of the network's administrators (getPendingOp); texts as permission_ask. */
struct permission_pending {
    struct bytes org, node;
    struct address account;
    uint64_t operation; /* 0: none */
};
int permission_pending_of(struct permission *permission, struct bytes org,
                          struct permission_pending *ret_pending) BASE_NODISCARD;

#endif
