/* From a request to its endpoint: path, method, media types, limits; and the API's own life. */
#include "tm/api/request.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

enum { DELIVER_MS = 2000, FIRST_ROUND_MS = 100 };

void tm_log(struct tm_api *api, enum tm_log level, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (!api->options.log)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    api->options.log(api->options.log_context, level, text);
}

int tm_api_new(struct tm_api **ret_api, const struct tm_api_options *options)
{
    struct tm_api *api = mem_alloc_zeroed(1, sizeof(*api));
    struct tm_figures *figures = mem_alloc_zeroed(TM_APPS * tm_endpoint_count, sizeof(*figures));
    if (!api || !figures) {
        mem_free(api);
        mem_free(figures);
        return ERR_NOMEM;
    }
    api->options = *options;
    api->figures = figures;
    api->began = io_loop_now(options->loop);
    const struct tm_config_server *p2p = tm_config_server_of(options->config, TM_APP_P2P);
    api->round_ms = p2p ? p2p->party_info_interval : 5000;
    io_timer_init(&api->round, options->loop, tm_round, api);
    io_timer_init(&api->deliver, options->loop, tm_deliver, api);
    *ret_api = api;
    return 0;
}

void tm_api_free(struct tm_api *api)
{
    if (!api)
        return;
    io_timer_stop(&api->round);
    io_timer_stop(&api->deliver);
    tm_notes_free(api);
    mem_free(api->resident_groups);
    mem_free(api->figures);
    mem_free(api);
}

void tm_api_start(struct tm_api *api)
{
    api->started = true;
    api->next_round_ms = FIRST_ROUND_MS;
    io_timer_start(&api->round, 0);
    io_timer_start(&api->deliver, DELIVER_MS);
}

void tm_api_drain(struct tm_api *api)
{
    api->draining = true;
    io_timer_stop(&api->round);
    io_timer_stop(&api->deliver);
}

size_t tm_api_busy(const struct tm_api *api)
{
    return api->busy;
}

struct tm_request *tm_request_new(struct tm_api *api)
{
    struct tm_request *request = mem_alloc_zeroed(1, sizeof(*request));
    if (!request)
        return NULL;
    arena_init_limited(&request->arena, TM_API_MEMORY_MAX);
    request->api = api;
    request->began = io_loop_now(api->options.loop);
    api->busy++;
    return request;
}

/* --- Paths --- */

/* Whether `path` is that of the endpoint; *ret_segment is what stands for its name in braces. */
static bool matches(const char *pattern, struct bytes path, struct bytes *ret_segment)
{
    const char *open = strchr(pattern, '{');
    if (!open)
        return bytes_equal(path, bytes_str(pattern));
    size_t before = (size_t)(open - pattern);
    const char *after = strchr(open, '}') + 1;
    size_t tail = strlen(after);
    if (path.len <= before + tail || memcmp(path.data, pattern, before) != 0 ||
        memcmp(path.data + path.len - tail, after, tail) != 0)
        return false;
    *ret_segment = bytes_slice(path, before, path.len - before - tail);
    return !memchr(ret_segment->data, '/', ret_segment->len);
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Percent-decoded into the arena; a '+' stays one. Data NULL when out of memory. */
static struct bytes percent_decode(struct arena *arena, struct bytes text)
{
    uint8_t *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; out && i < text.len; i++) {
        int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
        int low = i + 2 < text.len ? hex_digit(text.data[i + 2]) : -1;
        if (text.data[i] == '%' && high >= 0 && low >= 0) {
            out[len++] = (uint8_t)(high * 16 + low);
            i += 2;
        } else {
            out[len++] = text.data[i];
        }
    }
    return bytes_of(out, len);
}

bool tm_query(struct tm_request *request, struct bytes *ret_value, const char *name)
{
    struct bytes left = request->http->query;
    size_t name_len = strlen(name);
    while (left.len > 0) {
        const uint8_t *end = memchr(left.data, '&', left.len);
        size_t len = end ? (size_t)(end - left.data) : left.len;
        if (len > name_len && memcmp(left.data, name, name_len) == 0 &&
            left.data[name_len] == '=') {
            *ret_value = percent_decode(&request->arena,
                                        bytes_slice(left, name_len + 1, len - name_len - 1));
            return true;
        }
        left = bytes_slice(left, len + (end ? 1 : 0), left.len - len - (end ? 1 : 0));
    }
    return false;
}

struct bytes tm_header(struct tm_request *request, const char *name)
{
    const struct bytes *value = io_http_head_field(&request->http->head, name);
    return value ? *value : bytes_none();
}

/* --- Media types --- */

/* The media of `set` that a range of Accept asks for: -1 none, -2 any. */
static int range_media(struct bytes range, unsigned set)
{
    const uint8_t *semicolon = memchr(range.data, ';', range.len);
    if (semicolon)
        range.len = (size_t)(semicolon - range.data);
    while (range.len && (range.data[0] == ' ' || range.data[0] == '\t'))
        range = bytes_slice(range, 1, range.len - 1);
    while (range.len && range.data[range.len - 1] == ' ')
        range.len--;
    if (bytes_equal(range, bytes_str("*/*")) || bytes_equal(range, bytes_str("*")))
        return -2;
    enum tmproto_media media;
    if (tmproto_media_parse(&media, range))
        return set >> media & 1 ? (int)media : -1;
    if (range.len > 2 && range.data[range.len - 1] == '*' && range.data[range.len - 2] == '/') {
        for (unsigned i = 0; i < TMPROTO_MEDIA_COUNT; i++)
            if (set >> i & 1 &&
                strncmp(tmproto_media_type(i), (const char *)range.data, range.len - 1) == 0)
                return -2;
    }
    return -1;
}

/* The first range that fits, in the order in which it is written. */
static bool choose_media(struct tm_request *request)
{
    unsigned set = request->endpoint->produces;
    const struct bytes *accept = io_http_head_field(&request->http->head, "accept");
    unsigned first = 0;
    while (set && !(set >> first & 1))
        first++;
    /* An answer is in the version of JSON that it was asked in. */
    request->media =
        request->endpoint->consumes && set >> request->content & 1 ? request->content : first;
    if (!set || !accept || accept->len == 0)
        return true;
    struct bytes left = *accept;
    while (left.len > 0) {
        const uint8_t *comma = memchr(left.data, ',', left.len);
        size_t len = comma ? (size_t)(comma - left.data) : left.len;
        int media = range_media(bytes_slice(left, 0, len), set);
        if (media >= 0)
            request->media = (enum tmproto_media)media;
        if (media != -1)
            return true;
        left = bytes_slice(left, len + (comma ? 1 : 0), left.len - len - (comma ? 1 : 0));
    }
    return false;
}

/* --- Dispatch --- */

static const struct tm_endpoint *find(struct tm_request *request, struct bytes path,
                                      unsigned *ret_status)
{
    struct bytes content = tm_header(request, "content-type");
    bool has_type = content.len > 0 && tmproto_media_parse(&request->content, content);
    struct bytes segment = bytes_none();
    *ret_status = 404;
    for (size_t i = 0; i < tm_endpoint_count; i++) {
        const struct tm_endpoint *e = &tm_endpoints[i];
        if (!(e->apps >> request->app & 1) || !matches(e->path, path, &segment))
            continue;
        bool same = bytes_equal(request->http->head.method, bytes_str(e->method)) ||
                    (bytes_equal(request->http->head.method, bytes_str("HEAD")) &&
                     strcmp(e->method, "GET") == 0);
        if (!same) {
            *ret_status = *ret_status == 404 ? 405 : *ret_status;
        } else if (e->consumes && !(has_type && e->consumes >> request->content & 1)) {
            *ret_status = 415;
        } else {
            request->param = percent_decode(&request->arena, segment);
            return e;
        }
    }
    return NULL;
}

static bool is_json(enum tmproto_media media)
{
    return media != TMPROTO_MEDIA_OCTETS && media != TMPROTO_MEDIA_TEXT;
}

static bool read_json(struct tm_request *request)
{
    json_error_t error;
    request->json = tm_body_load(request, &error);
    if (!request->json)
        tm_fail(request, 400, "the body is not JSON: line %d, column %d: %s", error.line,
                error.column, error.text);
    else if (!json_is_object(request->json))
        tm_fail(request, 400, "the body must be a JSON object");
    else
        return true;
    return false;
}

static bool allowed(struct tm_request *request)
{
    const struct tm_api_options *o = &request->api->options;
    char host[IO_ADDRESS_TEXT];
    if (request->app != TM_APP_P2P || request->http->peer.ip_len == 0)
        return true;
    io_address_format_ip(host, &request->http->peer);
    if (o->config->white_list)
        return tm_network_allows(o->network, host);
    for (size_t i = 0; i < o->config->ip_white_list.count; i++)
        if (strcmp(o->config->ip_white_list.items[i], host) == 0)
            return true;
    return o->config->ip_white_list.count == 0;
}

static void dispatch(struct tm_request *request)
{
    static const char *const recovering[] = {"/partyinfo", "/pushBatch", "/push",   "/upcheck",
                                             "/health",    "/ready",     "/metrics"};
    unsigned status;
    struct bytes path = request->http->path;
    if (tm_cors_preflight(request))
        return;
    request->endpoint = find(request, path, &status);
    if (!request->endpoint) {
        tm_fail(request, status, "HTTP %u %s", status, io_http_reason(status));
        return;
    }
    const char *own = request->endpoint->path;
    bool open = !request->api->options.recovering;
    for (size_t i = 0; i < BASE_COUNT(recovering); i++)
        open |= strcmp(own, recovering[i]) == 0;
    if (!open || (strcmp(own, "/pushBatch") == 0 && !request->api->options.recovering)) {
        tm_fail(request, 404, "HTTP 404 Not Found");
        return;
    }
    if (!choose_media(request)) {
        tm_fail(request, 406, "HTTP 406 Not Acceptable");
        return;
    }
    if (request->endpoint->consumes && is_json(request->content) && !read_json(request))
        return;
    request->endpoint->fn(request);
}

void tm_api_serve(struct tm_api *api, enum tm_app app, struct io_http_request *http)
{
    struct tm_request *request =
        api->busy < TM_API_REQUESTS_MAX && !api->draining ? tm_request_new(api) : NULL;
    if (!request) {
        io_http_answer_text(http, 503, api->draining ? "stopping" : "too many requests at a time");
        return;
    }
    request->http = http;
    request->app = app;
    if (!allowed(request)) {
        tm_answer(request, 401, NULL, NULL);
        return;
    }
    if (api->options.config->constellation)
        tm_constellation_serve(request);
    else
        dispatch(request);
}
