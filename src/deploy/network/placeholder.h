/* Values of BAF's sample files that stand for one's own, and must be filled in. */
#ifndef DEPLOY_NETWORK_PLACEHOLDER_H
#define DEPLOY_NETWORK_PLACEHOLDER_H

#include "deploy/network/schema.h"
#include "deploy/yaml.h"

bool deploy_placeholder_is(const char *text);

/* Says what is to be filled in: an error, or a note where the value is not used. `path` is the field's. */
void deploy_placeholder_report(struct deploy_report *report, const char *path,
                               const struct deploy_yaml *node, const struct deploy_field *field,
                               bool unused);

#endif
