/* What a manager says of itself. */
#include "tm/api/request.h"

#include "base/base64.h"

#include <stdio.h>
#include <unistd.h>

void tm_get_root(struct tm_request *request)
{
    tm_answer(request, 200, NULL, NULL);
}

void tm_get_upcheck(struct tm_request *request)
{
    tm_answer_text(request, 200, bytes_str("I'm up!"));
}

void tm_get_health(struct tm_request *request)
{
    tm_answer_text(request, 200, bytes_str("healthy"));
}

void tm_get_ready(struct tm_request *request)
{
    struct tm_api *api = request->api;
    struct err_detail detail = {""};
    if (api->draining)
        tm_fail(request, 503, "stopping");
    else if (!tm_store_available(api->options.store))
        tm_fail(request, 503, "the database cannot be reached");
    else if (tm_enclave_check(api->options.enclave, &detail) < 0)
        tm_fail(request, 503, "the enclave does not answer: %s", detail.text);
    else
        tm_answer_text(request, 200, bytes_str("ready"));
}

void tm_get_version(struct tm_request *request)
{
    tm_answer_text(request, 200, bytes_str(request->api->options.version));
}

void tm_get_version_api(struct tm_request *request)
{
    struct buf body = BUF_INIT;
    tmproto_versions_format_api(&body, TMPROTO_VERSIONS_ALL);
    tm_answer_json(request, 200, &body);
}

void tm_get_api(struct tm_request *request)
{
    struct buf body = BUF_INIT;
    tm_api_document(&body, request->app, request->api->options.version);
    tm_answer_json(request, 200, &body);
}

static uint64_t resident_bytes(void)
{
    unsigned long long pages = 0, all = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%llu %llu", &all, &pages) != 2)
        pages = 0;
    if (file)
        fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void gauge(struct buf *b, const char *name, const char *type, const char *help,
                  uint64_t value)
{
    buf_append_format(b, "# HELP quorate_tm_%s %s\n# TYPE quorate_tm_%s %s\nquorate_tm_%s %llu\n",
                      name, help, name, type, name, (unsigned long long)value);
}

static void endpoint_figures(struct buf *b, struct tm_api *api, const char *name, const char *help,
                             size_t offset)
{
    buf_append_format(b, "# HELP quorate_tm_%s %s\n# TYPE quorate_tm_%s counter\n", name, help,
                      name);
    for (size_t i = 0; i < tm_endpoint_count; i++) {
        uint64_t value = 0;
        for (unsigned app = 0; app < TM_APPS; app++) {
            const void *figures = tm_figures_of(api, app, &tm_endpoints[i]);
            value += *(const uint64_t *)(const void *)((const uint8_t *)figures + offset);
        }
        buf_append_format(b, "quorate_tm_%s{method=\"%s\",path=\"%s\",body=\"%s\"} %llu\n", name,
                          tm_endpoints[i].method, tm_endpoints[i].path,
                          tm_endpoints[i].consumes == TM_IN(OCTETS) ? "octets" : "json",
                          (unsigned long long)value);
    }
}

void tm_get_metrics(struct tm_request *request)
{
    struct tm_api *api = request->api;
    struct buf b = BUF_INIT;
    endpoint_figures(&b, api, "requests_total", "requests answered",
                     offsetof(struct tm_figures, count));
    endpoint_figures(&b, api, "request_failures_total", "requests answered with 400 or above",
                     offsetof(struct tm_figures, failed));
    endpoint_figures(&b, api, "request_milliseconds_total", "time until their answers",
                     offsetof(struct tm_figures, total_ms));
    gauge(&b, "requests_under_way", "gauge", "requests and deliveries not ended yet", api->busy);
    gauge(&b, "pushes_total", "counter", "payloads pushed to other managers", api->pushes);
    gauge(&b, "push_failures_total", "counter", "of these, not taken", api->push_failures);
    gauge(&b, "queued_total", "counter", "payloads queued for parties out of reach",
          api->deliveries);
    gauge(&b, "peers", "gauge", "other managers known", tm_network_count(api->options.network));
    gauge(&b, "store_commits_total", "counter", "durable commits",
          tm_store_commits(api->options.store));
    gauge(&b, "store_pending", "gauge", "calls of the database not answered yet",
          tm_store_pending(api->options.store));
    gauge(&b, "store_available", "gauge", "1 while the database can be reached",
          tm_store_available(api->options.store));
    gauge(&b, "resident_bytes", "gauge", "memory of the process", resident_bytes());
    tm_answer(request, 200, "text/plain", &b);
}

/* --- ThirdParty and ADMIN --- */

static void write_keys(struct buf *b, struct tmproto_list keys, const char **comma)
{
    for (size_t i = 0; i < keys.count; i++) {
        buf_append_format(b, "%s{\"key\":\"", *comma);
        base64_append(b, keys.items[i]);
        buf_append_text(b, "\"}");
        *comma = ",";
    }
}

void tm_get_keys(struct tm_request *request)
{
    struct buf body = BUF_INIT;
    const char *comma = "";
    buf_append_text(&body, "{\"keys\":[");
    write_keys(&body, tm_enclave_keys(request->api->options.enclave), &comma);
    buf_append_text(&body, "]}");
    tm_answer_json(request, 200, &body);
}

void tm_get_party_keys(struct tm_request *request)
{
    struct tm_network *network = request->api->options.network;
    struct buf body = BUF_INIT;
    const char *comma = "";
    buf_append_text(&body, "{\"keys\":[");
    write_keys(&body, tm_enclave_keys(request->api->options.enclave), &comma);
    for (size_t i = 0; i < tm_network_count(network); i++)
        write_keys(&body, tm_network_at(network, i)->keys, &comma);
    buf_append_text(&body, "]}");
    tm_answer_json(request, 200, &body);
}

void tm_get_peers(struct tm_request *request)
{
    struct tm_network *network = request->api->options.network;
    struct buf body = BUF_INIT;
    buf_append_byte(&body, '[');
    for (size_t i = 0; i < tm_network_count(network); i++) {
        buf_append_text(&body, i ? ",{\"url\":" : "{\"url\":");
        tm_write_text(&body, bytes_str(tm_network_at(network, i)->url));
        buf_append_byte(&body, '}');
    }
    buf_append_byte(&body, ']');
    tm_answer_json(request, 200, &body);
}

void tm_put_peer(struct tm_request *request)
{
    struct tm_network *network = request->api->options.network;
    struct bytes url;
    char normal[TMPROTO_URL_MAX + 2];
    if (!tm_json_text(request, &url, "url"))
        return;
    if (!tm_network_normal_url(url, normal)) {
        tm_fail(request, 400, "url: http://host:port or https://host:port is expected");
        return;
    }
    bool known = tm_network_node_of(network, normal) != NULL;
    int status = tm_network_add(network, normal);
    if (status < 0)
        tm_fail_error(request, status, NULL);
    else
        tm_answer(request, known ? 200 : 201, NULL, NULL);
}
