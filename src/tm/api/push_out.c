/* One payload to one other manager. */
#include "tm/api/request.h"

bool tm_push_encode(struct tm_push *push, const struct tmproto_payload *payload, bool *ret_cbor,
                    const char **ret_why, int *ret_status)
{
    tmproto_versions versions = push->node->versions;
    bool enhanced = payload->privacy != TMPROTO_STANDARD_PRIVATE;
    *ret_status = 0;
    *ret_why = NULL;
    if (payload->privacy == TMPROTO_MANDATORY_RECIPIENTS &&
        !tmproto_versions_have(versions, TMPROTO_V4))
        *ret_why =
            "Transactions with mandatory recipients are not currently supported on recipient ";
    else if (enhanced && !tmproto_versions_have(versions, TMPROTO_V2))
        *ret_why = "Transactions with enhanced privacy is not currently supported on recipient ";
    else if (payload->group.len && !tmproto_versions_have(versions, TMPROTO_V3))
        *ret_why = "Transactions with privacy group is not currently supported on recipient ";
    if (*ret_why)
        return false;
    struct tmproto_payload stripped;
    int status = tmproto_payload_for(&stripped, push->arena, payload, push->recipient);
    *ret_cbor = tmproto_versions_have(versions, TMPROTO_V5);
    if (status == 0) {
        buf_init(&push->body);
        tmproto_payload_encode(&push->body, &stripped, *ret_cbor ? TMPROTO_CBOR : TMPROTO_LEGACY,
                               TMPROTO_EXTENT_ALL);
        status = buf_status(&push->body);
    }
    *ret_status = status;
    return status == 0;
}

static void on_reply(void *context, const struct io_http_reply *reply)
{
    struct tm_push *push = context;
    struct tm_api *api = push->api;
    push->fault = reply->fault;
    push->status = reply->status;
    push->answer = arena_copy(push->arena, reply->body);
    buf_release(&push->body);
    api->pushes++;
    tm_network_called(api->options.network, push->url, reply->fault == IO_HTTP_FAULT_NONE);
    if (reply->fault != IO_HTTP_FAULT_NONE) {
        api->push_failures++;
        tm_log(api, TM_LOG_WARN, "%s cannot be reached: %s: %s", push->url,
               io_http_fault_text(reply->fault), reply->message);
    } else if (reply->status >= 300) {
        api->push_failures++;
        tm_log(api, TM_LOG_WARN, "%s refuses: %u %.*s", push->url, reply->status,
               (int)(reply->body.len < 200 ? reply->body.len : 200),
               (const char *)reply->body.data);
    }
    push->done(push->context, push);
}

int tm_push_begin(struct tm_push *push, const char *path, enum tmproto_media media, bool cbor,
                  uint64_t timeout_ms)
{
    struct buf versions = BUF_INIT, url = BUF_INIT;
    if (!push->url)
        push->url = tm_text(push->arena, bytes_str(push->node->url));
    buf_append_format(&url, "%s%s", push->url, path);
    tmproto_versions_format(&versions, cbor ? TMPROTO_VERSIONS_ALL
                                            : TMPROTO_VERSIONS_ALL & ~(1u << TMPROTO_V5));
    const struct io_http_field fields[] = {{"Content-Type", tmproto_media_type(media)},
                                           {TMPROTO_VERSION_HEADER, buf_text(&versions)},
                                           {"Accept", "*/*"}};
    struct io_http_call_options call = {.method = "POST",
                                        .url = buf_text(&url),
                                        .fields = fields,
                                        .field_count = BASE_COUNT(fields),
                                        .body = buf_bytes(&push->body),
                                        .has_body = true,
                                        .total_ms = timeout_ms,
                                        .answer_max = TM_API_ANSWER_MAX};
    int status = io_http_call(NULL, push->api->options.client, &call, on_reply, push);
    if (status < 0)
        buf_release(&push->body);
    buf_release(&url);
    buf_release(&versions);
    return status;
}
