/* A running node that the audit asks by JSON-RPC: GoQuorum's, too. */
#ifndef NODE_AUDIT_RPC_H
#define NODE_AUDIT_RPC_H

#include "console/client.h"
#include "node/config/config.h"

#include <jansson.h>

struct node_audit_peer {
    struct console_client *client;
    const char *name;
    struct err_detail *detail; /* gets the message of what fails */
};

/* ERR_… of console_client_new, with the endpoint before its message. */
int node_audit_connect(struct node_audit_peer *peer, const struct node_config *config,
                       const char *endpoint) BASE_NODISCARD;

/* The whole answer, an object with result or error; NULL: detail tells. `params` is taken. */
json_t *node_audit_ask(struct node_audit_peer *peer, const char *method, json_t *params);
/* The result; an error of the node is in detail. */
json_t *node_audit_result(struct node_audit_peer *peer, const char *method, json_t *params);

/* [address, number]; [number, whole] */
json_t *node_audit_at_block(const char *address, uint64_t number);
json_t *node_audit_block_params(uint64_t number, bool whole);

int node_audit_height(struct node_audit_peer *peer, uint64_t *ret_number) BASE_NODISCARD;

/* Addresses of the private contracts after a block; NULL: detail tells. */
json_t *node_audit_contracts(struct node_audit_peer *peer, uint64_t number);

/* Of a block's transactions: private, or a marker. */
bool node_audit_is_private(const json_t *tx);
bool node_audit_is_marker(const json_t *tx);

/* parties.c: asks the other parties over the managers. The exit code. */
int node_audit_parties(const struct node_config *config, const char *endpoint);

#endif
