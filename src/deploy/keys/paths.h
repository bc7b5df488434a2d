/* Where each secret stands: one function a kind of thing (deployment reference, sections 0 and 3.2, BAF 0.8.1). */
#ifndef DEPLOY_KEYS_PATHS_H
#define DEPLOY_KEYS_PATHS_H

#include "deploy/network/network.h"
#include "deploy/secrets/secrets.h"

/* "<organization>-quo": namespace, and folder in the store of secrets. */
void deploy_namespace(char *ret_text, size_t size, const struct deploy_organization *organization);

enum deploy_secret_kind {
    DEPLOY_SECRET_QUORUM,      /* nodekey, keystore, gethpassword, db_user, db_password */
    DEPLOY_SECRET_TRANSACTION, /* tm.pub, tm.key */
    DEPLOY_SECRET_CERTS,       /* rootcapem, ambassadorcrt, ambassadorkey */
    DEPLOY_SECRET_KINDS,       /* of a peer */
    DEPLOY_SECRET_AUTHORITY = DEPLOY_SECRET_KINDS, /* of an organization: rootcapem, rootcakey */
};

/* "<secret_path>/<namespace>/crypto/<peer>/quorum"; "<secret_path>/<namespace>/authority", which policies for pods do not
 * reach. `ret_text` holds DEPLOY_SECRETS_PATH_MAX + 1 characters; `peer` is not read for an authority. */
void deploy_secret_path(char ret_text[DEPLOY_SECRETS_PATH_MAX + 1],
                        const struct deploy_organization *organization,
                        const struct deploy_peer *peer, enum deploy_secret_kind kind);

#endif
