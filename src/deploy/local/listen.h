/* Programs that cannot listen, since another one does at their port. */
#ifndef DEPLOY_LOCAL_LISTEN_H
#define DEPLOY_LOCAL_LISTEN_H

#include "deploy/local/ports.h"
#include "deploy/local/prepare.h"

/* "port <port> of <peer> is in use by <program> (process <id>)", as far as that is known, and what to do. ERR_BUSY. */
int deploy_listen_taken(const struct deploy_site *site, const struct deploy_site_peer *peer,
                        enum deploy_port_kind kind, struct err_detail *detail) BASE_NODISCARD;

/* Whether the peers that do not run could listen: ERR_BUSY as above. */
int deploy_listen_free(const struct deploy_site *site, struct err_detail *detail) BASE_NODISCARD;

/*
 * Gives the peers another port in place of each that somebody else has, of those that do not run and of programs of a running network
 * that have ended for it; each is told. `*ret_any`: there was one. ERR_BUSY as above, and nothing is given, for a port that cannot change: the file
 * publishes it, or the other members of a Raft cluster know it. ERR_NOMEM.
 */
int deploy_listen_renew(bool *ret_any, struct deploy_site *site, struct arena *arena,
                        deploy_step_fn *step, void *context,
                        struct err_detail *detail) BASE_NODISCARD;

/*
 * Whether a program of the running network has ended while somebody else listens at its port, so that it will end again however often it
 * is started: ERR_BUSY with a message that names the port, who listens there, and the remedy. ERR_OK when none has, or nothing runs.
 */
int deploy_listen_check(const struct deploy_site *site, struct err_detail *detail) BASE_NODISCARD;

#endif
