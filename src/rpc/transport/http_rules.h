/* What is known of a request from its head, and who may ask (GoQuorum, rpc/http.go and node/rpcstack.go; rs/cors 1.7). */
#ifndef RPC_TRANSPORT_HTTP_RULES_H
#define RPC_TRANSPORT_HTTP_RULES_H

#include "rpc/transport/http.h"

enum {
    RPC_HTTP_FIELDS_MAX = 8,
    RPC_HTTP_VALUE_MAX = 1024, /* characters of what is given back of a client's own header */
};

/* What a listener was told; never changed, so that every thread reads it. */
struct rpc_http_rules {
    bool no_http;
    char *prefix, *vhosts, *cors; /* never NULL */
    struct rpc_access access;
    char *websocket_prefix; /* NULL: WebSocket is not served */
    bool graphql;
    char *graphql_vhosts, *graphql_cors; /* never NULL */
};

/* What a path leads to. */
enum rpc_http_service { RPC_HTTP_NOTHING, RPC_HTTP_JSONRPC, RPC_HTTP_GRAPHQL, RPC_HTTP_PAGE };

/* The fields of an answer. */
struct rpc_http_fields {
    struct io_http_field fields[RPC_HTTP_FIELDS_MAX];
    size_t count;
    char origin[RPC_HTTP_VALUE_MAX], headers[RPC_HTTP_VALUE_MAX];
};

/* Of the options' HTTP, and WebSocket at a path (NULL: none). ERR_INPUT (a prefix without '/'), ERR_NOMEM, with a message. */
int rpc_http_rules_new(struct rpc_http_rules **ret_rules, const struct rpc_http_options *options,
                       const char *websocket_prefix, struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void rpc_http_rules_free(struct rpc_http_rules *rules);

void rpc_http_add(struct rpc_http_fields *f, const char *name, const char *value);
enum rpc_http_service rpc_http_service_at(const struct rpc_http_rules *rules, struct bytes path);
/* Adds what a browser wants to see; true when that is all (a preflight). */
bool rpc_http_add_cors(const struct rpc_http_rules *rules, const struct io_http_request *request,
                       struct rpc_http_fields *f);
/* Answers what can be told from the head alone; one that wants to be a WebSocket is not looked at. */
void rpc_http_check_head(const struct rpc_http_rules *rules, struct io_http_request *request);
/* Answers a request for GraphQL with the error of JSON-RPC that was answered in place of a result (http_graphql.c). */
void rpc_http_refuse_graphql(struct io_http_request *request, struct bytes answer);
/* Whether the path is WebSocket's. */
bool rpc_http_is_websocket_path(const struct rpc_http_rules *rules, struct bytes path);

#endif
