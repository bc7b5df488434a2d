/* The private transaction manager of the command line and PRIVATE_CONFIG: found, greeted, told of in the log. Of a QLight client: its server. */
#ifndef NODE_MANAGER_H
#define NODE_MANAGER_H

#include "chain/chain.h"
#include "node/config/config.h"
#include "node/light/remote.h"
#include "privacy/privacy.h"

struct node_manager;

/* *ret_manager NULL: none is configured. Fails when one is and cannot be reached, as the reference does: an orchestrator
 * starts it first. A QLight client has none, whatever is configured, and asks its server when there is something to ask. */
int node_manager_open(struct node_manager **ret_manager, const struct node_config *config,
                      struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. Nobody is asking any more. */
void node_manager_free(struct node_manager *manager);
/* Whoever waits for it gives up. NULL is fine. */
void node_manager_stop(struct node_manager *manager);

/* The server of a QLight client; NULL: it is none, or `manager` is NULL. */
struct node_light_remote *node_manager_remote(struct node_manager *manager);

/* How it answers blocks. */
struct node_manager_state {
    bool waits;            /* a block waits for an answer */
    uint64_t waited_ms;    /* since when; 0: none waits */
    uint64_t failures;     /* requests of blocks without an answer, since the start */
    struct err_detail why; /* the last cause, while a block waits */
};

/* Any thread. NULL is fine: nobody waits. */
void node_manager_look(struct node_manager *manager, struct node_manager_state *ret_state);

/* NULL when `manager` is. */
struct privacy_tm *node_manager_tm(struct node_manager *manager);
const struct chain_payloads *node_manager_payloads(const struct node_manager *manager);

/* Before the chain executes anything: whether its configuration asks for what the manager can do; with multiple private states, whose
 * they are. `manager` may be NULL. */
int node_manager_serve(struct node_manager *manager, struct chain *chain,
                       struct err_detail *detail) BASE_NODISCARD;
/* The private states; NULL: there is one. */
const struct chain_psis *node_manager_psis(const struct node_manager *manager);

#endif
