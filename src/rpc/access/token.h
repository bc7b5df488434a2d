/*
 * Who may call what: access tokens (RFC 7519) with the scopes of GoQuorum's enterprise security plugin
 * (spec node-privacy-rpc-cli.md, sections 8.4 to 8.6), checked here and by no plugin.
 *
 * What comes of a token, good or bad, is a grant; as in GoQuorum (rpc/security.go) a bad one is answered to each call,
 * with code -32001, not by HTTP. On the loop's thread alone.
 */
#ifndef RPC_ACCESS_TOKEN_H
#define RPC_ACCESS_TOKEN_H

#include "base/buf.h"
#include "base/error.h"
#include "base/types.h"

#include <stdbool.h>

enum {
    RPC_TOKEN_MAX = 16 * 1024,  /* bytes: more than a request's head may have */
    RPC_TOKEN_SCOPES_MAX = 256, /* of a token */
    RPC_TOKEN_SKEW = 60,        /* seconds that clocks may differ, for `nbf` alone */
};

struct rpc_tokens;
struct rpc_grant;

struct rpc_tokens_options {
    struct bytes jwks; /* the key set, see token_key.h; none with `published` */
    bool published;    /* the keys come later, by rpc_tokens_set_keys, and are no secrets */
    /* With `published`: a token cannot be checked, because there are no keys or none of its name. May be NULL. */
    void (*missing)(void *context);
    void *context;
    const char *issuer;    /* what `iss` must be; "" or NULL: anything */
    const char *audience;  /* what `aud` must be or contain */
    uint64_t (*now)(void); /* seconds since 1970; NULL: this machine's clock */
};

/* Everything is copied. ERR_INPUT (no audience, no keys: see rpc_token_keys_new), ERR_LIMIT, ERR_NOMEM. */
int rpc_tokens_new(struct rpc_tokens **ret_tokens, const struct rpc_tokens_options *options,
                   struct err_detail *detail) BASE_NODISCARD;
/* The keys from now on; grants that were given stay. Failures as rpc_token_keys_new: the old keys are then kept. */
int rpc_tokens_set_keys(struct rpc_tokens *tokens, struct bytes jwks,
                        struct err_detail *detail) BASE_NODISCARD;
/* No token is good any more. */
void rpc_tokens_forget_keys(struct rpc_tokens *tokens);
/* Grants outlive it. NULL is fine. */
void rpc_tokens_free(struct rpc_tokens *tokens);

/* What the value of an Authorization field grants (NULL or empty: nothing, "missing access token"), with one owner. NULL
 * when out of memory. */
struct rpc_grant *rpc_tokens_grant(const struct rpc_tokens *tokens,
                                   const struct bytes *authorization);
/* One owner more; returns it. NULL is fine in both. */
struct rpc_grant *rpc_grant_keep(struct rpc_grant *grant);
void rpc_grant_free(struct rpc_grant *grant);

/* Whether a method may be called now. When not, *ret_text tells why, as GoQuorum words it; it lives as long as the
 * grant, and NULL stands for "<method> - access denied". */
bool rpc_grant_may_call(const struct rpc_grant *grant, struct bytes method, const char **ret_text);

/* Private states, by scopes psi://<name>?node.eoa=…&self.eoa=…: whether one is granted; the only one that is (otherwise GoQuorum's words
 * why there is none; NULL is success); whether it may send private transactions of an account, signed by the node or (`is_raw`) by
 * its owner. */
bool rpc_grant_has_psi(const struct rpc_grant *grant, struct bytes psi);
const char *rpc_grant_only_psi(const struct rpc_grant *grant, struct bytes *ret_psi);
bool rpc_grant_may_send(const struct rpc_grant *grant, struct bytes psi,
                        const struct address *account, bool is_raw);
/* Whether a QLight client may have this private state, now: scopes psi://<name>, p2p://qlight and rpc://eth_* (GoQuorum, qlight/server.go:
 * Authorize). Not: `why` tells. */
bool rpc_grant_may_qlight(const struct rpc_grant *grant, struct bytes psi, struct err_detail *why);

#endif
