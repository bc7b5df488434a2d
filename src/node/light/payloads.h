/*
 * Payloads of private transactions that a QLight client was not given by p2p: its server is asked for them (GoQuorum,
 * private/engine/qlightptm). Its answers become those of a transaction manager, which `privacy` reads.
 */
#ifndef NODE_LIGHT_PAYLOADS_H
#define NODE_LIGHT_PAYLOADS_H

#include "privacy/privacy.h"
#include "rpc/backend/proxy.h"

/* The exchange of privacy_options, with is_light; the context is a struct rpc_proxy, which outlives it. What a manager does and a client cannot have
 * done is PRIVACY_FAILED, with the remedy. */
privacy_exchange_fn node_light_exchange;

/* What the server said of a payload. */
struct node_light_payload {
    bool is_party; /* false: it is not, or not for the client's private state */
    bool is_sender;
};

/* The result of eth_getQuorumPayloadExtra or eth_decryptQuorumPayload, any JSON (exposed for fuzzing). Of a party: appends to `json` what Tessera
 * would say of the payload, which privacy_parse_payload judges. ERR_INPUT: it is no such result; ERR_NOMEM. */
int node_light_payload_read(struct buf *json, struct node_light_payload *ret_payload,
                            struct bytes result, struct arena *arena) BASE_NODISCARD;

#endif
