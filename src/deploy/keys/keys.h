/*
 * The key material of a peer: made once, stored at once, checked whenever it is read.
 *
 *     quorum        nodekey: who the node is, enode and validator address
 *                   keystore, gethpassword: a wallet of its own, in a key file (version 3) under a passphrase
 *                   db_user, db_password: the database's user
 *     transaction   tm.pub, tm.key: the transaction manager's pair
 *     certs         rootcapem, ambassadorcrt, ambassadorkey: its certificate, signed by the organization's authority
 *     authority     rootcapem, rootcakey: that authority, once an organization; beside the folder that pods may read
 *
 * What was replaced, and is needed still, stays in the secret under numbered names: tm.pub.1, tm.key.1, keystore.1, …
 */
#ifndef DEPLOY_KEYS_KEYS_H
#define DEPLOY_KEYS_KEYS_H

#include "crypto/secp256k1.h"
#include "deploy/keys/paths.h"
#include "io/certificate.h"

enum {
    DEPLOY_TM_KEY_TEXT = 45,  /* base64 of 32 bytes, end mark */
    DEPLOY_SHA1_TEXT = 41,    /* hex of 20 bytes, end mark */
    DEPLOY_USER_TEXT = 65,    /* of a database, end mark */
    DEPLOY_FORMER_MAX = 1000, /* of one kind that are kept */
    DEPLOY_EXPIRY_DAYS = 30,  /* that a certificate must be good for, or it is told of */
};

/* Whose material it is. */
struct deploy_owner {
    const struct deploy_organization *organization;
    const struct deploy_peer *peer;
    const char *subject; /* of authorities: network.config.subject; NULL: none is given */
    bool has_tm;
};

/* What others may know of a peer. */
struct deploy_identity {
    struct crypto_public_key node;      /* the enode's id */
    struct address node_address;        /* as validator */
    struct address account;             /* the wallet */
    char tm_public[DEPLOY_TM_KEY_TEXT]; /* "" without a transaction manager */
    /* Of its certificate: the common name, and the SHA-1 by which managers know each other; of its authority. */
    char certificate_name[IO_CERTIFICATE_NAME_MAX + 1];
    char certificate_sha1[DEPLOY_SHA1_TEXT], authority_sha1[DEPLOY_SHA1_TEXT];
    int64_t certificate_until, authority_until; /* seconds of Unix time */
    char database_user[DEPLOY_USER_TEXT];
    unsigned former_accounts, former_tm; /* numbered ones that are kept */
    /* Differ when what a program was started with has changed: of each secret, of the database's password alone. */
    uint64_t marks[DEPLOY_SECRET_KINDS], database_mark;
};

/*
 * The identity of a peer whose material is in the store; what is missing is made and stored, all of a secret or none.
 * `ret_made` (may be NULL) tells whether anything was. Material that does not fit together (a nodekey that is none, a
 * tm.key that is not tm.pub's, a certificate of another authority) is ERR_CORRUPT: it is never replaced. ERR_IO,
 * ERR_NOSPACE, ERR_NOMEM, ERR_NOTFOUND (a passphrase reference that leads nowhere).
 */
int deploy_keys_ensure(struct deploy_identity *ret_identity, bool *ret_made,
                       const struct deploy_secrets *secrets, const struct deploy_owner *owner,
                       struct err_detail *detail) BASE_NODISCARD;

/* The same of material that is all there: ERR_NOTFOUND when a secret is missing. Nothing is made. */
int deploy_keys_read(struct deploy_identity *ret_identity, const struct deploy_secrets *secrets,
                     const struct deploy_owner *owner, struct err_detail *detail) BASE_NODISCARD;

/* That deploy_keys_ensure can be done: what is there fits together, what is missing could be made and stored.
 * *ret_missing: something is. `secrets` is NULL while there is no store. Nothing is made. */
int deploy_keys_check(bool *ret_missing, const struct deploy_secrets *secrets,
                      const struct deploy_owner *owner, struct err_detail *detail) BASE_NODISCARD;

/* A field of `certs` or `authority` as PEM. Appends; ERR_CORRUPT, ERR_NOMEM. */
int deploy_certs_pem(struct buf *pem, const json_t *fields, const char *path, const char *name,
                     struct err_detail *detail) BASE_NODISCARD;

/* The value of a field that may be a reference: "env:NAME", "file:PATH" (its first line), or the text itself. Appends;
 * ERR_NOTFOUND with the reference, ERR_IO, ERR_NOMEM. */
int deploy_reference_read(struct buf *value, const struct deploy_text *text,
                          struct err_detail *detail) BASE_NODISCARD;

#endif
