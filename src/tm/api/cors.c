/* Requests of pages from other origins: `cors` of an application's configuration, as Tessera answers them. */
#include "tm/api/request.h"

#include <ctype.h>

static const char default_methods[] = "GET,PUT,POST,DELETE,OPTIONS,HEAD";

/* Whether the text is the pattern's, in which '*' stands for anything; in any case of its letters. */
static bool fits(const char *pattern, struct bytes text)
{
    size_t at = 0, star = SIZE_MAX, back = 0, i = 0;
    while (at < text.len) {
        if (pattern[i] == '*') {
            star = i++;
            back = at;
        } else if (pattern[i] &&
                   tolower((unsigned char)pattern[i]) == tolower((unsigned char)text.data[at])) {
            i++;
            at++;
        } else if (star != SIZE_MAX) {
            i = star + 1;
            at = ++back;
        } else {
            return false;
        }
    }
    while (pattern[i] == '*')
        i++;
    return pattern[i] == 0;
}

/* The configuration when the request's origin is allowed by it. */
static const struct tm_config_cors *allowing(struct tm_request *request, struct bytes *ret_origin)
{
    const struct tm_config_server *server =
        tm_config_server_of(request->api->options.config, request->app);
    if (!server || !server->has_cors || !request->http)
        return NULL;
    *ret_origin = tm_header(request, "origin");
    for (size_t i = 0; ret_origin->len && i < server->cors.origins.count; i++)
        if (fits(server->cors.origins.items[i], *ret_origin))
            return &server->cors;
    return NULL;
}

static const char *join(struct tm_request *request, struct tm_texts texts)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < texts.count; i++)
        buf_append_format(&b, "%s%s", i ? "," : "", texts.items[i]);
    const char *text = tm_text(&request->arena, buf_bytes(&b));
    buf_release(&b);
    return text;
}

size_t tm_cors_fields(struct tm_request *request, struct io_http_field ret_fields[TM_CORS_FIELDS])
{
    struct bytes origin;
    const struct tm_config_cors *cors = allowing(request, &origin);
    if (!cors)
        return 0;
    size_t n = 0;
    ret_fields[n++] =
        (struct io_http_field){"Access-Control-Allow-Origin", tm_text(&request->arena, origin)};
    ret_fields[n++] = (struct io_http_field){"Access-Control-Allow-Credentials",
                                             cors->credentials ? "true" : "false"};
    ret_fields[n++] = (struct io_http_field){"Access-Control-Allow-Methods",
                                             cors->methods.count ? join(request, cors->methods)
                                                                 : default_methods};
    struct bytes asked = tm_header(request, "access-control-request-headers");
    if (cors->headers.count || asked.len)
        ret_fields[n++] = (struct io_http_field){
            "Access-Control-Allow-Headers",
            cors->headers.count ? join(request, cors->headers) : tm_text(&request->arena, asked)};
    ret_fields[n++] = (struct io_http_field){"Vary", "Origin"};
    assert(n <= TM_CORS_FIELDS);
    return n;
}

bool tm_cors_preflight(struct tm_request *request)
{
    struct bytes origin;
    if (!bytes_equal(request->http->head.method, bytes_str("OPTIONS")) ||
        !allowing(request, &origin))
        return false;
    tm_answer(request, 200, NULL, NULL);
    return true;
}
