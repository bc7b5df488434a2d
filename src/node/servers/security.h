/* Who may use JSON-RPC over the network: TLS and access tokens, by flags; IPC needs neither. */
#ifndef NODE_SERVERS_SECURITY_H
#define NODE_SERVERS_SECURITY_H

#include "io/tls.h"
#include "node/config/config.h"
#include "node/servers/jwks.h"
#include "rpc/access/token.h"

struct node_security {
    struct io_tls *tls;        /* NULL: HTTP and WebSocket are plain */
    struct rpc_tokens *tokens; /* NULL: nobody needs one */
    struct node_jwks *jwks;    /* who fetches their keys; NULL: they are in a file */
};

/* `loop` fetches the keys of tokens. ERR_USAGE (flags that do not go together), those of file_read, io_tls_new and
 * rpc_tokens_new. */
int node_security_open(struct node_security *ret_security, const struct node_config *config,
                       struct io_loop *loop, struct err_detail *detail) BASE_NODISCARD;
void node_security_close(struct node_security *security);

#endif
