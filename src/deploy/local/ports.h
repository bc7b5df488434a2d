/* Ports of the peers of a site. */
#ifndef DEPLOY_LOCAL_PORTS_H
#define DEPLOY_LOCAL_PORTS_H

#include "deploy/local/site.h"

#include <jansson.h>

/*
 * Gives every peer its ports: those of <folder>/ports.json as long as the file asks for the same, else as site.h says; they are reserved
 * (port.h). Done again it gives the same, unless another quorate has written ports.json meanwhile. ERR_CORRUPT, ERR_IO, ERR_NOMEM.
 */
int deploy_ports_give(struct deploy_site *site, struct arena *arena,
                      struct err_detail *detail) BASE_NODISCARD;

enum { DEPLOY_PORT_KINDS = 5 }; /* p2p, rpc, raft, transaction manager, database */

/* Those that a peer has; returns their number. */
size_t deploy_ports_of(uint16_t ret[DEPLOY_PORT_KINDS], const struct deploy_site_peer *peer);

/* What ports.json is to hold: {peer: [[asked for, given] of p2p, rpc, raft, transaction manager, database]}. */
json_t *deploy_ports_json(const struct deploy_site *site);

#endif
