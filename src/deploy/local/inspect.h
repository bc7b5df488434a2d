/* All that may stand against bringing a network up, looked at before the first write: a refused `up` leaves nothing. */
#ifndef DEPLOY_LOCAL_INSPECT_H
#define DEPLOY_LOCAL_INSPECT_H

#include "deploy/local/prepare.h"

/*
 * Folders that cannot be written, files of an existing network that are missing or none, references that lead nowhere,
 * keys that do not fit together, rights that a vault does not give, a genesis that differs from the one data lives on (ports: listen.h). `secrets` is NULL while there is no store. Nothing is written but
 * in a folder under /dev/shm, which is gone afterwards. Failures as deploy_prepare.
 */
int deploy_inspect(struct deploy_site *site, const struct deploy_programs *programs,
                   const struct deploy_secrets *secrets, struct err_detail *detail) BASE_NODISCARD;

#endif
