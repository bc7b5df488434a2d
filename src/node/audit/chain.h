/* Which transaction made a private contract, of a chain that is read by JSON-RPC. */
#ifndef NODE_AUDIT_CHAIN_H
#define NODE_AUDIT_CHAIN_H

#include "chain/private/private.h"
#include "node/audit/rpc.h"

struct node_audit_chain {
    struct node_audit_peer *peer;
    uint64_t last;
    json_t *contracts; /* address: the transaction that made it */
    json_t *payloads;  /* hash of a payload: the transaction that has it */
};

struct node_audit_maker {
    bool has_transaction;
    struct hash256 transaction;
    struct chain_payload_hash payload;
};

/* Reads all blocks up to `last`. To be released in any case. */
int node_audit_chain_read(struct node_audit_chain *ret_chain, struct node_audit_peer *peer,
                          uint64_t last) BASE_NODISCARD;
void node_audit_chain_release(struct node_audit_chain *chain);

/* *ret_found false: none of its transactions is seen to have made it. */
int node_audit_chain_maker(struct node_audit_chain *chain, bool *ret_found,
                           struct node_audit_maker *ret_maker, const char *address) BASE_NODISCARD;

/* Of a transaction of eth_getBlockByNumber. False: it is not there, or no hash. */
bool node_audit_hash(const json_t *tx, struct hash256 *ret_hash);
bool node_audit_payload_hash(const json_t *tx, struct chain_payload_hash *ret_hash);

#endif
