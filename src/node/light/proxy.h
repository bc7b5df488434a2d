/*
 * The way of a QLight client to its server's JSON-RPC (--qlight.client.serverNodeRPC): for what it does not do itself, and for payloads that
 * did not come by p2p. HTTP, HTTPS, WebSocket and IPC, as GoQuorum (eth/backend.go, rpc/client.go).
 */
#ifndef NODE_LIGHT_PROXY_H
#define NODE_LIGHT_PROXY_H

#include "io/tls.h"
#include "node/light/token.h"
#include "rpc/backend/proxy.h"

struct node_light_proxy;

enum {
    NODE_LIGHT_CONNECT_MS = 10000,
    NODE_LIGHT_END_MS = 1000, /* what is under way may still be answered when the node ends */
    NODE_LIGHT_CALL_MS =
        30000, /* the server may wait for its transaction manager, or for its turn */
    /* Bytes of an answer: the largest payload that a manager gives (PRIVACY_ANSWER_MAX in base64) in hex, and what is said of it. */
    NODE_LIGHT_ANSWER_MAX = 128 << 20,
    NODE_LIGHT_URL_MAX = 2048,
};

struct node_light_proxy_options {
    const char *url; /* "http://…", "https://…", "ws://…", "wss://…" or the path of a socket */
    const char *psi; /* the private state that is asked for */
    struct io_tls
        *tls; /* of --qlight.client.rpc.tls, for https alone; NULL: the system's authorities */
    struct node_light_token *token; /* borrowed; NULL: none is shown */
    uint64_t timeout_ms;            /* of a call; 0: NODE_LIGHT_CALL_MS */
};

/* Does not connect yet. Texts are copied, `tls` kept by a reference. ERR_INPUT: a URL that nothing goes by, with the remedy; ERR_NOMEM. */
int node_light_proxy_new(struct node_light_proxy **ret_proxy,
                         const struct node_light_proxy_options *options,
                         struct err_detail *detail) BASE_NODISCARD;
/* Nobody is asking any more. NULL is fine. */
void node_light_proxy_free(struct node_light_proxy *proxy);

/* The node ends: whoever asks from now on gets ERR_BUSY at once, and who is waiting for an answer gets it when that has not come within
 * NODE_LIGHT_END_MS, so that a server that does not answer does not keep the node up. Any thread. */
void node_light_proxy_stop(struct node_light_proxy *proxy);

/* rpc_proxy.call; `proxy` is a struct node_light_proxy. Any number of threads at a time. */
int node_light_proxy_call(void *proxy, struct rpc_proxied *ret_answer, const char *method,
                          struct bytes params, struct arena *arena,
                          struct err_detail *detail) BASE_NODISCARD;

/* For messages: scheme, host and port of the URL, or the path; no user, no query. */
const char *node_light_proxy_name(const struct node_light_proxy *proxy);

#endif
