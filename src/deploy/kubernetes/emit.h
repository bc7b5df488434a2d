/* JSON values as YAML, for files that people read and compare. */
#ifndef DEPLOY_KUBERNETES_EMIT_H
#define DEPLOY_KUBERNETES_EMIT_H

#include "base/buf.h"

#include <jansson.h>

/* Appends an object or array in block style, members in their order. Texts stand in double quotes unless every YAML
 * reads them as a text without. Fails as `out` does: buf_status. */
void deploy_emit_yaml(struct buf *out, const json_t *value);

#endif
