/* The metrics pushed to InfluxDB each ten seconds: --metrics.influxdb. Measurements, fields and their types are those of go-ethereum's
 * metrics/influxdb: geth.NAME.gauge, .count, .meter and .timer. */
#ifndef NODE_METRICS_INFLUX_H
#define NODE_METRICS_INFLUX_H

#include "node/metrics/metrics.h"

enum { NODE_INFLUX_EVERY_MS = 10000 };

struct node_influx;

/* `source` and `system` are borrowed, the texts copied. Tags that are none, and an endpoint that is none, are said in the log and left out; without
 * an endpoint *ret_influx is NULL: it is a side matter, as in geth. ERR_NOMEM. */
int node_influx_start(struct node_influx **ret_influx, const struct node_metrics_source *source,
                      struct node_system *system, const struct node_influx_options *options,
                      struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void node_influx_stop(struct node_influx *influx);

#endif
