/* Keys that sign access tokens: a JSON Web Key Set (RFC 7517), and signatures by them (RFC 7518, section 3). */
#ifndef RPC_ACCESS_TOKEN_KEY_H
#define RPC_ACCESS_TOKEN_KEY_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

enum {
    RPC_TOKEN_KEYS_MAX = 64,     /* of a set; issuers keep two or three while they change them */
    RPC_TOKEN_KID_MAX = 256,     /* bytes of a key's name */
    RPC_TOKEN_PART_MAX = 2048,   /* bytes of a number or secret of a key: RSA of 16,384 bits */
    RPC_JWKS_MAX = 256 * 1024,   /* bytes of a set: all keys with chains of certificates */
    RPC_TOKEN_RSA_LEAST = 2048,  /* bits (RFC 7518, section 3.3) */
    RPC_TOKEN_RSA_MOST = 8192,   /* bits: a check stays below a millisecond */
    RPC_TOKEN_SECRET_LEAST = 32, /* bytes (RFC 7518, section 3.2) */
};

/* A key has one algorithm, so that a token cannot choose another for it. */
enum rpc_token_algorithm { RPC_TOKEN_RS256, RPC_TOKEN_ES256, RPC_TOKEN_HS256 };

struct rpc_token_keys;

/* Keys that are no signature keys of these three algorithms are left out; and those of HS256, which are secrets, in a `published`
 * set. ERR_INPUT (no key set, no key left, a key too short or damaged), ERR_LIMIT, ERR_NOMEM. */
int rpc_token_keys_new(struct rpc_token_keys **ret_keys, struct bytes jwks, bool published,
                       struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void rpc_token_keys_free(struct rpc_token_keys *keys);

/* Whether a key has that name. */
bool rpc_token_keys_has(const struct rpc_token_keys *keys, struct bytes kid);

/* False for a name that is none of the three. */
bool rpc_token_algorithm_parse(enum rpc_token_algorithm *ret_algorithm, struct bytes name);

/* Whether one of the keys made `signature` over `text`: the one of name `kid`, or any when `kid` is empty. */
bool rpc_token_keys_verify(const struct rpc_token_keys *keys, enum rpc_token_algorithm algorithm,
                           struct bytes kid, struct bytes text, struct bytes signature);

/* Appends what base64url text without padding stands for (RFC 7515, section 2). ERR_INPUT, ERR_NOMEM. */
int rpc_base64url_decode(struct buf *b, struct bytes text) BASE_NODISCARD;

#endif
