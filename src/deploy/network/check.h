/* What the fields of a network demand of each other (deployment reference, section 1.7), before anything is touched. */
#ifndef DEPLOY_NETWORK_CHECK_H
#define DEPLOY_NETWORK_CHECK_H

#include "deploy/network/network.h"

/* All checks below, for a model whose fields were read one by one. */
void deploy_network_check(const struct deploy_network *network, enum deploy_target target,
                          struct deploy_report *report);

/* One by one: names that must differ; ports; transaction managers; who validates; how peers are reached from outside, and
 * organizations that are outside themselves; secrets in clear. */
void deploy_check_names(const struct deploy_network *network, struct deploy_report *report);
void deploy_check_ports(const struct deploy_network *network, struct deploy_report *report);
void deploy_check_managers(const struct deploy_network *network, enum deploy_target target,
                           struct deploy_report *report);
void deploy_check_validators(const struct deploy_network *network, struct deploy_report *report);
void deploy_check_outside(const struct deploy_network *network, enum deploy_target target,
                          struct deploy_report *report);
void deploy_check_secrets(const struct deploy_network *network, struct deploy_report *report);

#endif
