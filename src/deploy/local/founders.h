/* Whom the genesis was made for. Peers that come later are not in it, and those that have gone still are. */
#ifndef DEPLOY_LOCAL_FOUNDERS_H
#define DEPLOY_LOCAL_FOUNDERS_H

#include "deploy/local/site.h"

#include <jansson.h>

/* Whether a peer's data lives on a genesis. */
bool deploy_founders_chain(const struct deploy_site *site, const char *peer);

/* Whether the data of any founder that is written down lives: then the genesis follows from them, whoever came since. */
bool deploy_founders_live(const struct deploy_site *site);

/* Those of <folder>/founders.json while the data of any of them lives; else all peers of the file, whose identities are
 * needed: [{"peer", "node", "account", "validator"}], addresses in hex. ERR_CORRUPT, ERR_IO, ERR_NOMEM. */
int deploy_founders_find(json_t **ret_founders, const struct deploy_site *site,
                         struct err_detail *detail) BASE_NODISCARD;

/* Appends the text of the genesis that follows from them and the network file. ERR_CORRUPT, ERR_NOMEM. */
int deploy_founders_genesis(struct buf *text, const struct deploy_site *site,
                            const json_t *founders, struct err_detail *detail) BASE_NODISCARD;

#endif
