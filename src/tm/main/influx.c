#include "tm/main/influx.h"

#include "base/mem.h"
#include "influx/push.h"
#include "tm/main/trust.h"

#include <stdio.h>

struct tm_influx {
    const struct tm_api *api;
    const struct tm_config_server *server;
    struct influx_push *push;
    struct tm_trust_store *trust;
    void (*log)(void *context, enum tm_log level, const char *text);
};

static void write_lines(void *context, struct buf *b)
{
    struct tm_influx *x = context;
    tm_api_influx(b, x->api, x->server->app, x->server->address);
}

static void tell(void *context, bool well, const char *endpoint, const char *why)
{
    struct tm_influx *x = context;
    const char *app = tm_app_name(x->server->app);
    char text[1024];
    if (well)
        snprintf(text, sizeof(text), "%s: figures reach InfluxDB at %.300s", app, endpoint);
    else
        snprintf(text, sizeof(text), "%s: figures do not reach InfluxDB at %.300s: %s", app,
                 endpoint, why);
    x->log(NULL, well ? TM_LOG_INFO : TM_LOG_WARN, text);
}

static int start(struct tm_influx *x, struct io_loop *loop, struct err_detail *detail)
{
    const struct tm_config_influx *influx = &x->server->influx;
    struct influx_push_options options = {.endpoint = influx->address,
                                          .database = influx->database,
                                          .query = "",
                                          .every_ms = influx->every_s * 1000,
                                          .write = write_lines,
                                          .tell = tell,
                                          .context = x};
    struct tm_config_server side = *x->server; /* one whose sslConfig is this one */
    side.tls = influx->tls;
    int status = ERR_OK;
    if (side.tls.strict)
        status = tm_trust_tls(&options.tls, &x->trust, &side, false, detail);
    if (status == ERR_OK)
        status = influx_push_start(&x->push, loop, &options, detail);
    io_tls_free(options.tls);
    return status == ERR_OK ? status : err_prefix(detail, status, "influxConfig");
}

int tm_influx_start(struct tm_influx **ret_influx, struct io_loop *loop, const struct tm_api *api,
                    const struct tm_config_server *server,
                    void (*log)(void *context, enum tm_log level, const char *text),
                    struct err_detail *detail)
{
    struct tm_influx *x = mem_alloc_zeroed(1, sizeof(*x));
    if (!x)
        return err_set(detail, ERR_NOMEM, "out of memory");
    x->api = api;
    x->server = server;
    x->log = log;
    int status = start(x, loop, detail);
    if (status == ERR_OK)
        *ret_influx = x;
    else
        tm_influx_stop(x);
    return status;
}

void tm_influx_stop(struct tm_influx *influx)
{
    if (!influx)
        return;
    influx_push_stop(influx->push);
    tm_trust_free(influx->trust);
    mem_free(influx);
}
