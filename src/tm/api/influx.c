/*
 * What Tessera pushes for a server that has influxConfig: the execution times that Jersey, its HTTP library, keeps of each method of a resource, since
 * the start. A measurement is tessera_<application>_<verb>_<method>_<types of its parameters>, the tag `instance` the server's address; each figure is
 * a point of its own, a float, without a time.
 *
 * Endpoints that are only ours have no such name and are left out, and so are methods of Tessera's that have no endpoint here.
 */
#include "influx/line.h"
#include "tm/api/request.h"

#include <stdio.h>

static const char *app_name(enum tm_app app)
{
    return app == TM_APP_THIRD_PARTY ? "THIRD_PARTY" : tm_app_name(app);
}

static void write_figures(struct buf *b, const char *measurement, const struct influx_tags *tags,
                          const struct tm_figures *f, uint64_t up_ms)
{
    const struct {
        const char *name;
        double value;
    } rows[] = {
        {"MinTime_ms", (double)f->min_ms},
        {"MaxTime_ms", (double)f->max_ms},
        {"AverageTime_ms", f->count ? (double)(f->total_ms / f->count) : 0},
        {"RequestRate_requestsPerSeconds", up_ms ? (double)f->count * 1000 / (double)up_ms : 0},
        {"RequestCount", (double)f->count},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct influx_line line;
        influx_line_begin(&line, b, measurement, tags);
        influx_line_real(&line, rows[i].name, rows[i].value);
        influx_line_end(&line, 0);
    }
}

void tm_api_influx(struct buf *b, const struct tm_api *api, enum tm_app app, const char *instance)
{
    const struct influx_tags tags = {.items = {{bytes_str("instance"), bytes_str(instance)}},
                                     .count = 1};
    uint64_t up_ms = io_loop_now(api->options.loop) - api->began;
    for (const struct tm_endpoint *e = tm_endpoints; e < tm_endpoints + tm_endpoint_count; e++) {
        char measurement[128];
        if (!(e->apps >> app & 1) || !e->java)
            continue;
        snprintf(measurement, sizeof(measurement), "tessera_%s_%s", app_name(app), e->java);
        write_figures(b, measurement, &tags, tm_figures_of(api, app, e), up_ms);
    }
}
