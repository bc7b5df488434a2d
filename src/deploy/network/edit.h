/*
 * Changes of a network file that keep what a person wrote: lines are put in, taken out or altered, comments and order
 * stay. Each takes the file's text with the model that was read from it, and appends the new text. The caller reads that
 * again before it is used, so that a file in an unforeseen layout is refused and not damaged.
 */
#ifndef DEPLOY_NETWORK_EDIT_H
#define DEPLOY_NETWORK_EDIT_H

#include "deploy/network/network.h"

/* A new organization with one peer of its name, behind the last one. Fails as `out` does: buf_status. */
void deploy_edit_add_organization(struct buf *out, struct bytes text,
                                  const struct deploy_network *network, const char *name,
                                  bool validator);
struct deploy_edit_peer {
    const char *name;
    bool validator;
    bool
        ports; /* it listens where the last peer of its organization does, and is published at ports that are free */
};
/* A new peer behind the last one of the organization. ERR_INPUT when it has no list of peers, or the proxy no free port;
 * ERR_NOMEM. */
int deploy_edit_add_peer(struct buf *out, struct bytes text, const struct deploy_network *network,
                         const struct deploy_organization *organization,
                         const struct deploy_edit_peer *peer,
                         struct err_detail *detail) BASE_NODISCARD;
/* Takes a peer out, and its organization with its last one. ERR_USAGE for the last of the network; ERR_NOMEM. */
int deploy_edit_remove_peer(struct buf *out, struct bytes text,
                            const struct deploy_network *network, const struct deploy_peer *peer,
                            struct err_detail *detail) BASE_NODISCARD;
/* Makes `type` of a peer read validator or non-validator. Fails as `out` does: buf_status. */
void deploy_edit_set_type(struct buf *out, struct bytes text, const struct deploy_peer *peer,
                          bool validator);
/* Puts a URL behind the last of tm_nodes; takes one out, by its place in it. Nothing happens where it is no list, or would
 * be empty. Fails as `out` does: buf_status. */
void deploy_edit_add_manager(struct buf *out, struct bytes text,
                             const struct deploy_network *network, const char *url);
void deploy_edit_remove_manager(struct buf *out, struct bytes text,
                                const struct deploy_network *network, size_t index);

#endif
