/*
 * Node discovery, version 4, as a machine: packets and time in, packets out (discv4.md; geth's p2p/discover/v4_udp.go).
 * Answers others, proves endpoints, walks towards random targets so that the table fills, and drops nodes that are gone.
 *
 * It has no clock or socket: `now` is the caller's monotonic milliseconds, `seconds` its wall clock, and what is to be sent
 * goes through a callback.
 */
#ifndef P2P_DISCV4_DISCOVERY_H
#define P2P_DISCV4_DISCOVERY_H

#include "p2p/discv4/packet.h"
#include "p2p/discv4/table.h"

struct p2p_discovery;

struct p2p_discovery_options {
    struct crypto_private_key key;      /* copied */
    struct p2p_enode self;              /* what it says of itself: IP (or unknown) and ports */
    const struct p2p_enode *boot_nodes; /* copied; those without an IP or UDP port are left out */
    size_t boot_count;
    uint64_t seed; /* of random targets and choices */
    void (*send)(void *context, const struct io_address *to, struct bytes packet);
    void *context;
};

/* ERR_INPUT (key not valid), ERR_NOMEM. */
int p2p_discovery_new(struct p2p_discovery **ret_discovery,
                      const struct p2p_discovery_options *options) BASE_NODISCARD;
void p2p_discovery_free(struct p2p_discovery *discovery);

/* Another boot node, whose name was resolved since; of more than 32 the rest is left out. */
void p2p_discovery_add_boot(struct p2p_discovery *discovery, const struct p2p_enode *node);

/* A datagram came. */
void p2p_discovery_receive(struct p2p_discovery *discovery, const struct io_address *from,
                           struct bytes data, uint64_t now, uint64_t seconds);
/* Does what is due; returns in how many milliseconds there is something again. */
uint64_t p2p_discovery_tick(struct p2p_discovery *discovery, uint64_t now, uint64_t seconds);

/* Known nodes that have a TCP port, chosen at random, at most `max`; returns how many. */
size_t p2p_discovery_candidates(struct p2p_discovery *discovery, struct p2p_enode *ret_nodes,
                                size_t max);
size_t p2p_discovery_count(const struct p2p_discovery *discovery);
/* Another record of this node's, whose sequence number has grown; copied. Pings and pongs tell the number, so that who knows
 * the last one asks. ERR_NOMEM: the last one stays. */
int p2p_discovery_set_record(struct p2p_discovery *discovery, struct bytes record,
                             uint64_t sequence) BASE_NODISCARD;
/* This node's record, RLP, signed; until the next one. At first one of `self` alone, with number 1. */
struct bytes p2p_discovery_record(const struct p2p_discovery *discovery);

#endif
