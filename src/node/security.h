/* Who may use JSON-RPC over the network: TLS and access tokens, by flags; IPC needs neither. */
#ifndef NODE_SECURITY_H
#define NODE_SECURITY_H

#include "io/tls.h"
#include "node/config.h"
#include "rpc/token.h"

struct node_security {
    struct io_tls *tls;        /* NULL: HTTP and WebSocket are plain */
    struct rpc_tokens *tokens; /* NULL: nobody needs one */
};

/* ERR_USAGE (flags that do not go together), those of file_read, io_tls_new and rpc_tokens_new. */
int node_security_open(struct node_security *ret_security, const struct node_config *config,
                       struct err_detail *detail) BASE_NODISCARD;
void node_security_close(struct node_security *security);

#endif
