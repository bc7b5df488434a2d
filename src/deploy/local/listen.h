/* Programs that cannot listen. */
#ifndef DEPLOY_LOCAL_LISTEN_H
#define DEPLOY_LOCAL_LISTEN_H

#include "deploy/local/site.h"

/* "port <port> of <peer> is in use by <program> (process <id>)", as far as that is known, and what to do. ERR_BUSY. */
int deploy_listen_taken(const struct deploy_site_peer *peer, uint16_t port,
                        struct err_detail *detail) BASE_NODISCARD;

/*
 * Whether a program of the running network has ended while somebody else listens at its port, so that it will end again however often it
 * is started: ERR_BUSY with a message that names the port, who listens there, and the remedy. ERR_OK when none has, or nothing runs.
 */
int deploy_listen_check(const struct deploy_site *site, struct err_detail *detail) BASE_NODISCARD;

#endif
