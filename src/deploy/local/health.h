/* How well a network of this machine is, one finding after the other. */
#ifndef DEPLOY_LOCAL_HEALTH_H
#define DEPLOY_LOCAL_HEALTH_H

#include "deploy/local/site.h"

struct deploy_finding {
    bool wrong;
    const char *what;   /* "the transaction manager of carrier/carrier serves" */
    const char *remedy; /* when it is wrong */
};

typedef void deploy_finding_fn(void *context, const struct deploy_finding *finding);

/* Looks at disk, processes, ports, genesis, identities (when `keys_known`), transaction managers, clocks and the
 * progress of blocks, for which it waits a few block periods. Changes nothing. ERR_NOMEM, ERR_IO. */
int deploy_health(const struct deploy_site *site, bool keys_known, deploy_finding_fn *found,
                  void *context, struct err_detail *detail) BASE_NODISCARD;

#endif
