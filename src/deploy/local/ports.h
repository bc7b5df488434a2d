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

/* What a port is for, in the order of ports.json. */
enum deploy_port_kind {
    DEPLOY_PORT_P2P_KIND,
    DEPLOY_PORT_RPC_KIND,
    DEPLOY_PORT_RAFT_KIND,
    DEPLOY_PORT_TM_KIND,
    DEPLOY_PORT_DB_KIND,
    DEPLOY_PORT_KINDS,
};

/* By kind; 0: the peer has none of that kind. */
void deploy_ports_by_kind(uint16_t ret[DEPLOY_PORT_KINDS], const struct deploy_site_peer *peer);
/* Whether it is the one that the file publishes (ambassador): others elsewhere connect to it. */
bool deploy_ports_is_published(const struct deploy_site_peer *peer, enum deploy_port_kind kind);
/* From now on deploy_ports_give gives that port to no peer of the site. ERR_NOMEM. */
int deploy_ports_give_up(struct deploy_site *site, uint16_t port, struct arena *arena,
                         struct err_detail *detail) BASE_NODISCARD;

/* Those that a peer has; returns their number. */
size_t deploy_ports_of(uint16_t ret[DEPLOY_PORT_KINDS], const struct deploy_site_peer *peer);

/* What ports.json is to hold: {peer: [[asked for, given] of p2p, rpc, raft, transaction manager, database]}. */
json_t *deploy_ports_json(const struct deploy_site *site);

#endif
