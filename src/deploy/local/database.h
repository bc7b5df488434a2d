/* The database server that a peer's transaction manager has of its own, where the network file says `database: mysql`. */
#ifndef DEPLOY_LOCAL_DATABASE_H
#define DEPLOY_LOCAL_DATABASE_H

#include "deploy/local/prepare.h"

#define DEPLOY_DATABASE_NAME "demodb" /* of BAF 0.8.1 */

/* MariaDB's programs. ERR_NOTFOUND names the package. */
int deploy_database_find(struct deploy_programs *ret_programs,
                         struct err_detail *detail) BASE_NODISCARD;

/* ERR_EXISTS when a peer's payloads are in another place than the network file asks for. */
int deploy_database_kept(const struct deploy_site *site, struct err_detail *detail) BASE_NODISCARD;

/* How the supervisor runs it. */
void deploy_database_describe(struct deploy_process *process, const struct deploy_site_peer *peer,
                              const struct deploy_programs *programs);

#endif
