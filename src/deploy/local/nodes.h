/* The static nodes of a site. */
#ifndef DEPLOY_LOCAL_NODES_H
#define DEPLOY_LOCAL_NODES_H

#include "deploy/local/site.h"

/* In a site's folder: enodes of a whole network of which other peers run elsewhere, in its order (the order of Raft's ids). */
#define DEPLOY_NODES_ELSEWHERE "static-nodes.elsewhere.json"

/* Appends the text of static-nodes.json: the peers of the site, and with that file its list, in which the site's own peers have the
 * addresses that they have here. ERR_CORRUPT, ERR_IO, ERR_NOMEM. */
int deploy_nodes_format(struct buf *text, const struct deploy_site *site,
                        struct err_detail *detail) BASE_NODISCARD;

#endif
