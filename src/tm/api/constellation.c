/*
 * Constellation's dialect: no methods, no media types, three statuses (spec 3.10). The operations are Tessera's; what
 * differs is how a request is read and what its answer may be. Its private endpoints are those of the unix socket.
 */
#include "tm/api/request.h"

struct row {
    const char *path;
    bool private;
    tm_endpoint_fn *fn;
    const char *endpoint; /* Tessera's, for the figures */
    bool json;
};

static const struct row rows[] = {
    {"/upcheck", false, tm_get_upcheck, "/upcheck", false},
    {"/send", true, tm_post_send, "/send", true},
    {"/sendraw", true, tm_post_sendraw, "/sendraw", false},
    {"/receive", true, tm_get_receive, "/receive", true},
    {"/receiveraw", true, tm_get_receiveraw, "/receiveraw", false},
    {"/delete", true, tm_post_delete, "/delete", true},
    {"/push", false, tm_post_push, "/push", false},
    {"/resend", false, tm_post_resend, "/resend", true},
    {"/partyinfo", false, tm_post_partyinfo, "/partyinfo", false},
};

static const struct tm_endpoint *endpoint_of(const char *path)
{
    for (size_t i = 0; i < tm_endpoint_count; i++)
        if (strcmp(tm_endpoints[i].path, path) == 0)
            return &tm_endpoints[i];
    return NULL;
}

/* "individual" and "all", as Tessera's operation wants them. */
static void raise_type(json_t *json)
{
    const char *type = json_string_value(json_object_get(json, "type"));
    if (type && strcmp(type, "all") == 0)
        (void)json_object_set_new(json, "type", json_string("ALL"));
    else if (type && strcmp(type, "individual") == 0)
        (void)json_object_set_new(json, "type", json_string("INDIVIDUAL"));
}

/* A node that is no party asks for the payload of every private transaction. Those of GoQuorum 24 take 404 for that, and
 * wait at any other status (private/engine/constellation/node.go); older ones take every status for it. */
static bool says_no_party(const struct tm_request *request, unsigned status)
{
    return status == 404 && request->endpoint &&
           strcmp(request->endpoint->path, "/receiveraw") == 0;
}

unsigned tm_constellation_status(const struct tm_request *request, unsigned status)
{
    if (says_no_party(request, status))
        return status;
    return status < 400 ? 200 : status == 400 || status == 401 ? status : 500;
}

void tm_constellation_serve(struct tm_request *request)
{
    const struct row *row = NULL;
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        if (bytes_equal(request->http->path, bytes_str(rows[i].path)))
            row = &rows[i];
    request->media = request->content = TMPROTO_MEDIA_JSON;
    if (!row) {
        tm_fail(request, 400, "Bad Request");
        return;
    }
    if (row->private && request->app != TM_APP_Q2T) {
        tm_fail(request, 401, "Unauthorized");
        return;
    }
    request->endpoint = endpoint_of(row->endpoint);
    if (row->json) {
        json_error_t error;
        request->json = tm_body_load(request, &error);
        if (!json_is_object(request->json)) {
            tm_fail(request, 400, "Bad Request");
            return;
        }
        raise_type(request->json);
    }
    row->fn(request);
}
