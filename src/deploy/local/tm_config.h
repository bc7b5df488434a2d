/* The configuration of a peer's transaction manager: Tessera's JSON, or Constellation's file. */
#ifndef DEPLOY_LOCAL_TM_CONFIG_H
#define DEPLOY_LOCAL_TM_CONFIG_H

#include "deploy/local/site.h"

/* Files in the manager's folder: "<common name> <SHA-1>" of certificates, a line each. */
#define DEPLOY_TM_KNOWN_CLIENTS "knownClients"
#define DEPLOY_TM_KNOWN_SERVERS "knownServers"

/* Its name in the manager's folder. */
const char *deploy_tm_config_name(const struct deploy_site *site);

/* Appends the text: SQLite in the peer's folder or its database server, the node's socket, the public server on the
 * peer's port, all other managers as peers. Fails as `text` does: buf_status. */
void deploy_tm_config(struct buf *text, const struct deploy_site *site, size_t index);

#endif
