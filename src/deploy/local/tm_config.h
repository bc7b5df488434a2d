/* The configuration of a peer's transaction manager, in Tessera's JSON. */
#ifndef DEPLOY_LOCAL_TM_CONFIG_H
#define DEPLOY_LOCAL_TM_CONFIG_H

#include "deploy/local/site.h"

/* Appends the text: SQLite in the peer's folder, the node's socket, the public server on the peer's port, all other
 * managers as peers. Fails as `text` does: buf_status. */
void deploy_tm_config(struct buf *text, const struct deploy_site *site, size_t index);

#endif
