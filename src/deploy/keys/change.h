/* Key material that takes the place of what is there: made anew, or brought along. */
#ifndef DEPLOY_KEYS_CHANGE_H
#define DEPLOY_KEYS_CHANGE_H

#include "deploy/keys/keys.h"

/* X(NAME, word, secret, "what it is") */
#define DEPLOY_MATERIAL_LIST(X)                                                                    \
    X(NODEKEY, "nodekey", QUORUM, "who the node is: its enode, and its address as validator")      \
    X(ACCOUNT, "account", QUORUM, "the wallet; the former one stays in the node's keystore")       \
    X(PASSPHRASE, "passphrase", QUORUM, "of the wallets' key files")                               \
    X(TM, "tm", TRANSACTION, "the transaction manager's pair; former ones still open payloads")    \
    X(CERTIFICATE, "certificate", CERTS, "of the transaction manager")                             \
    X(AUTHORITY, "authority", AUTHORITY, "of the organization: signs its certificates anew")       \
    X(DATABASE, "database", QUORUM, "the password of the manager's database user")

enum deploy_material {
#define X(name, word, secret, text) DEPLOY_##name,
    DEPLOY_MATERIAL_LIST(X)
#undef X
        DEPLOY_MATERIALS
};

/* Its word; the material of a word, or -1. */
const char *deploy_material_word(enum deploy_material material);
int deploy_material_of(const char *word);
enum deploy_secret_kind deploy_material_secret(enum deploy_material material);

/* What is brought along, as the files are. Which are read depends on the material. */
struct deploy_import {
    struct bytes content;    /* the material: hex, a key file, PEM, a text's first line */
    struct bytes key;        /* PEM: of a certificate or an authority */
    struct bytes authority;  /* PEM: who signed a certificate; none: the last one of its chain */
    struct bytes passphrase; /* opens a key file that is locked */
};

/*
 * Makes a new one of `material` for the owner; with `import`, takes that instead. The secret is written whole, as a new
 * version, after it has been checked as deploy_keys_ensure checks; a secret that is missing is made around what is brought
 * along. Former accounts and managers' keys stay in the secret when they have been in use (`used`). For an authority only the authority is changed: the certificates that it signs are new ones of
 * DEPLOY_CERTIFICATE, peer by peer.
 * ERR_NOTFOUND (nothing there to be made anew), ERR_INPUT and ERR_USAGE (what is brought along does not fit, or does not
 * open), ERR_CORRUPT, ERR_IO, ERR_NOMEM.
 */
int deploy_keys_change(const struct deploy_secrets *secrets, const struct deploy_owner *owner,
                       enum deploy_material material, const struct deploy_import *import, bool used,
                       struct err_detail *detail) BASE_NODISCARD;

#endif
