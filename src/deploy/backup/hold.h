/* Nodes that stand still for a moment, so that what they have on disk is of the same instant. */
#ifndef DEPLOY_BACKUP_HOLD_H
#define DEPLOY_BACKUP_HOLD_H

#include "deploy/local/site.h"

#include <sys/types.h>

struct deploy_hold {
    pid_t keeper; /* lets them go on when this process ends, however it ends; 0: nothing is held */
    int release;  /* its pipe */
};

/* Holds the nodes of all peers, or of one (`only`), that run under the site's supervisor. ERR_IO, ERR_NOMEM; then none is held. */
int deploy_hold_nodes(struct deploy_hold *ret_hold, const struct deploy_site *site,
                      const struct deploy_site_peer *only,
                      struct err_detail *detail) BASE_NODISCARD;
void deploy_hold_release(struct deploy_hold *hold);

#endif
