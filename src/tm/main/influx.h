/* influxConfig: a server's figures are pushed to InfluxDB. */
#ifndef TM_MAIN_INFLUX_H
#define TM_MAIN_INFLUX_H

#include "tm/api/api.h"

struct tm_influx;

/* Of a server that has one. `api` and `server` are borrowed. Fails as tm_trust_tls. */
int tm_influx_start(struct tm_influx **ret_influx, struct io_loop *loop, const struct tm_api *api,
                    const struct tm_config_server *server,
                    void (*log)(void *context, enum tm_log level, const char *text),
                    struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void tm_influx_stop(struct tm_influx *influx);

#endif
