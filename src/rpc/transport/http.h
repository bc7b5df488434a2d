/* JSON-RPC over HTTP: which requests are one, and who may ask (GoQuorum, rpc/http.go and node/rpcstack.go). */
#ifndef RPC_TRANSPORT_HTTP_H
#define RPC_TRANSPORT_HTTP_H

#include "io/http.h"
#include "io/tls.h"
#include "rpc/access/token.h"
#include "rpc/transport/websocket.h"

struct rpc_http;

/* A listener for HTTP, WebSocket or both. */
struct rpc_http_options {
    const char *host;   /* an IP or a name of this machine; "localhost" */
    uint16_t port;      /* 0 takes a free one */
    bool no_http;       /* only WebSocket; the next four are not looked at */
    const char *prefix; /* of paths that are served, "" = "/" alone */
    const char *vhosts; /* comma list of names in Host, "*" = any; IPs always may */
    const char *cors;   /* comma list of origins, "*" = any; "" = no CORS at all */
    struct rpc_access access;
    bool graphql; /* served at /graphql, for these: */
    const char *graphql_vhosts, *graphql_cors;
    size_t connections_max;                        /* of HTTP; 0 = 10,000 */
    const struct rpc_websocket_options *websocket; /* NULL: none */
    const char *websocket_prefix;
    struct io_tls *tls;              /* of a server; kept. NULL: none */
    const struct rpc_tokens *tokens; /* whoever asks needs one of these; lent. NULL: nobody does */
};

/* ERR_IO (port in use, no such host), ERR_INPUT (prefix without '/'), ERR_NOMEM, with a message. Strings are
 * copied. */
int rpc_http_start(struct rpc_http **ret_http, struct rpc *rpc,
                   const struct rpc_http_options *options,
                   struct err_detail *detail) BASE_NODISCARD;
const struct io_address *rpc_http_address(const struct rpc_http *http);
/* Whether it serves HTTP, and WebSocket. */
bool rpc_http_serves(const struct rpc_http *http);
bool rpc_http_serves_websocket(const struct rpc_http *http);
/* Begins to serve HTTP as well: prefix, vhosts, cors and access of the options. Serves WebSocket with other options, or
 * (NULL) no longer: then its connections are closed. ERR_NOMEM, ERR_INPUT: all is as it was. */
int rpc_http_enable(struct rpc_http *http, const struct rpc_http_options *options,
                    struct err_detail *detail) BASE_NODISCARD;
int rpc_http_set_websocket(struct rpc_http *http, const struct rpc_websocket_options *websocket,
                           const char *prefix, struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void rpc_http_stop(struct rpc_http *http);

#endif
