/*
 * The keys of who issues access tokens, fetched by URL (--rpc.auth.jwks http://… or https://…): at the start, every five minutes,
 * and when a token names a key that is not there. What was fetched last counts while the issuer cannot be reached, for an hour.
 * On the loop.
 */
#ifndef NODE_SERVERS_JWKS_H
#define NODE_SERVERS_JWKS_H

#include "io/loop.h"
#include "rpc/access/token.h"

enum {
    NODE_JWKS_REFRESH_MS = 5 * 60 * 1000,
    NODE_JWKS_RETRY_MS = 5 * 1000,      /* after a failure, and at least between two fetches */
    NODE_JWKS_KEPT_MS = 60 * 60 * 1000, /* without a fetch that went well */
    NODE_JWKS_TIMEOUT_MS = 10 * 1000,   /* of a fetch */
};

struct node_jwks;

bool node_jwks_is_url(const char *text);

/* `authorities`: PEM, of whom the issuer's certificate must be; empty: the system's. Both are copied. ERR_INPUT (no
 * authorities in the text), ERR_NOMEM. */
int node_jwks_new(struct node_jwks **ret_jwks, struct io_loop *loop, const char *url,
                  struct bytes authorities, struct err_detail *detail) BASE_NODISCARD;
/* Fetches now, and then as told above, for `tokens` (made with `published`), which live until node_jwks_free. */
void node_jwks_start(struct node_jwks *jwks, struct rpc_tokens *tokens);
/* What rpc_tokens call when a key is missing; `context` is a node_jwks. */
void node_jwks_missing(void *context);
/* NULL is fine. */
void node_jwks_free(struct node_jwks *jwks);

#endif
