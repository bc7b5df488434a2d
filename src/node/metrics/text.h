#ifndef NODE_METRICS_TEXT_H
#define NODE_METRICS_TEXT_H

#include "node/metrics/metrics.h"

/* Appends all metrics as they are now. */
void node_metrics_write(struct buf *b, const struct node_metrics_source *source,
                        struct node_system *system, bool json);

#endif
