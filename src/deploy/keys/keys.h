/*
 * The key material of a peer: made once, stored at once, checked whenever it is read.
 *
 *     nodekey        who the node is: enode and validator address
 *     account        a wallet of its own, in a key file (version 3) under a passphrase
 *     tm.pub/tm.key  the transaction manager's pair
 *     db_user/…      the database's user
 */
#ifndef DEPLOY_KEYS_KEYS_H
#define DEPLOY_KEYS_KEYS_H

#include "crypto/secp256k1.h"
#include "deploy/keys/paths.h"

enum { DEPLOY_TM_KEY_TEXT = 45 }; /* base64 of 32 bytes, end mark */

/* What others may know of a peer. */
struct deploy_identity {
    struct crypto_public_key node;      /* the enode's id */
    struct address node_address;        /* as validator */
    struct address account;             /* the wallet */
    char tm_public[DEPLOY_TM_KEY_TEXT]; /* "" without a transaction manager */
};

/*
 * The identity of a peer whose material is in the store; what is missing is made and stored, all of a secret or none.
 * `ret_made` (may be NULL) tells whether anything was. Material that does not fit together (a nodekey that is none, a
 * tm.key that is not tm.pub's) is ERR_CORRUPT: it is never replaced. ERR_IO, ERR_NOSPACE, ERR_NOMEM, ERR_NOTFOUND (a
 * passphrase reference that leads nowhere).
 */
int deploy_keys_ensure(struct deploy_identity *ret_identity, bool *ret_made,
                       const struct deploy_secrets *secrets,
                       const struct deploy_organization *organization,
                       const struct deploy_peer *peer, bool has_tm,
                       struct err_detail *detail) BASE_NODISCARD;

/* The same of material that is all there: ERR_NOTFOUND when a secret is missing. Nothing is made. */
int deploy_keys_read(struct deploy_identity *ret_identity, const struct deploy_secrets *secrets,
                     const struct deploy_organization *organization, const struct deploy_peer *peer,
                     bool has_tm, struct err_detail *detail) BASE_NODISCARD;

/* The value of a field that may be a reference: "env:NAME", "file:PATH" (its first line), or the text itself. Appends;
 * ERR_NOTFOUND with the reference, ERR_IO, ERR_NOMEM. */
int deploy_reference_read(struct buf *value, const struct deploy_text *text,
                          struct err_detail *detail) BASE_NODISCARD;

#endif
