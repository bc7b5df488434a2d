/* Reading what came, and the ends of a request. */
#include "tm/api/request.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/percent.h"

#include <stdarg.h>
#include <stdio.h>

enum { FIELDS_MAX = 4 };

/* --- Ends --- */

static void request_free(struct tm_request *request, unsigned status)
{
    struct tm_api *api = request->api;
    if (request->endpoint) {
        struct tm_figures *f = tm_figures_of(api, request->app, request->endpoint);
        uint64_t took = io_loop_now(api->options.loop) - request->began;
        f->min_ms = f->count == 0 || took < f->min_ms ? took : f->min_ms;
        f->count++;
        f->failed += status >= 400;
        f->total_ms += took;
        f->max_ms = took > f->max_ms ? took : f->max_ms;
    }
    json_decref(request->json);
    arena_release(&request->arena);
    api->busy--;
    tm_api_pushed_fn *told = request->told;
    void *context = request->told_context;
    mem_free(request);
    if (told)
        told(context, status);
}

static void finish(struct tm_request *request, unsigned status, const struct io_http_field *fields,
                   size_t count, struct buf *body)
{
    struct io_http_request *http = request->http;
    struct io_http_field all[FIELDS_MAX + TM_CORS_FIELDS];
    if (body && buf_status(body)) {
        buf_release(body);
        status = 500;
    }
    if (request->api->options.config->constellation)
        status = tm_constellation_status(request, status);
    assert(count <= FIELDS_MAX);
    for (size_t i = 0; i < count; i++)
        all[i] = fields[i];
    if (http)
        io_http_answer(http, status, all, count + tm_cors_fields(request, all + count), body);
    else if (body)
        buf_release(body);
    request_free(request, status);
}

void tm_answer(struct tm_request *request, unsigned status, const char *type, struct buf *body)
{
    struct io_http_field fields[4];
    size_t count = 0;
    if (type)
        fields[count++] = (struct io_http_field){"Content-Type", type};
    finish(request, status, fields, count, body);
}

void tm_answer_text(struct tm_request *request, unsigned status, struct bytes text)
{
    struct buf body = BUF_INIT;
    buf_append_bytes(&body, text);
    tm_answer(request, status, "text/plain", &body);
}

void tm_answer_json(struct tm_request *request, unsigned status, struct buf *body)
{
    tm_answer(request, status, tmproto_media_type(request->media), body);
}

static struct bytes base64_text(struct arena *arena, struct bytes data)
{
    size_t len = base64_length(data.len);
    char *text = arena_alloc(arena, len + 1);
    if (!text)
        return bytes_none();
    base64_encode(text, data);
    return bytes_of(text, len);
}

void tm_answer_at(struct tm_request *request, unsigned status, struct bytes hash, const char *type,
                  struct buf *body)
{
    struct buf location = BUF_INIT;
    struct bytes host = request->http ? tm_header(request, "host") : bytes_none();
    struct bytes text = base64_text(&request->arena, hash);
    buf_append_text(&location, "http://");
    buf_append_bytes(&location, host);
    buf_append_text(&location, "/transaction/");
    percent_append(&location, text, "");
    const struct io_http_field fields[] = {{"Content-Type", type},
                                           {"Location", buf_text(&location)}};
    finish(request, status, fields, BASE_COUNT(fields), body);
    buf_release(&location);
}

void tm_fail(struct tm_request *request, unsigned status, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tm_log(request->api, status >= 500 ? TM_LOG_WARN : TM_LOG_DEBUG, "%s%s: %u %s",
           request->endpoint ? request->endpoint->method : "",
           request->endpoint ? request->endpoint->path : "request", status, text);
    tm_answer_text(request, status, bytes_str(text));
}

void tm_fail_named(struct tm_request *request, unsigned status, const char *before,
                   struct bytes bytes, const char *after)
{
    struct bytes shown =
        bytes.len > TMPROTO_KEY_MAX ? bytes_slice(bytes, 0, TMPROTO_KEY_MAX) : bytes;
    struct bytes text = base64_text(&request->arena, shown);
    tm_fail(request, status, "%s%.*s%s", before, (int)text.len,
            text.data ? (const char *)text.data : "", after);
}

void tm_fail_error(struct tm_request *request, int status, const char *message)
{
    const char *text = message && message[0] ? message : err_text(status);
    tm_log(request->api, TM_LOG_ERROR, "%s: %s",
           request->endpoint ? request->endpoint->path : "request", text);
    tm_fail(request,
            status == ERR_BUSY || status == ERR_IO || status == ERR_NOSPACE ? 503
            : status == ERR_LIMIT                                           ? 413
                                                                            : 500,
            "%s", text);
}

void tm_fail_unread(struct tm_request *request, int status, const char *message)
{
    tm_fail(request,
            status == ERR_NOMEM   ? 500
            : status == ERR_LIMIT ? 413
                                  : 400,
            "%s", message[0] ? message : err_text(status));
}

/* --- Parts --- */

const char *tm_text(struct arena *arena, struct bytes text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    if (!copy)
        return "";
    if (text.len)
        memcpy(copy, text.data, text.len);
    copy[text.len] = 0;
    return copy;
}

bool tm_decode(struct arena *arena, struct bytes *ret_data, struct bytes text)
{
    uint8_t *data = arena_alloc(arena, base64_room(text.len));
    size_t len = 0;
    if (!data || !base64_decode_into(data, &len, text))
        return false;
    *ret_data = bytes_of(data, len);
    return true;
}

static bool decode_text(struct tm_request *request, struct bytes *ret_data, struct bytes text,
                        const char *name)
{
    if (tm_decode(&request->arena, ret_data, text))
        return true;
    tm_fail(request, 400, "%s: base64 is expected", name);
    return false;
}

static bool decode_member(struct tm_request *request, struct bytes *ret_data, json_t *value,
                          const char *name)
{
    if (json_is_string(value))
        return decode_text(request, ret_data,
                           bytes_of(json_string_value(value), json_string_length(value)), name);
    tm_fail(request, 400, "%s: base64 is expected", name);
    return false;
}

bool tm_json_bytes(struct tm_request *request, struct bytes *ret_data, const char *name)
{
    json_t *value = json_object_get(request->json, name);
    struct bytes text;
    *ret_data = bytes_none();
    if (tm_body_aside(request, name, &text))
        return decode_text(request, ret_data, text, name);
    return !value || json_is_null(value) || decode_member(request, ret_data, value, name);
}

bool tm_json_list(struct tm_request *request, struct tmproto_list *ret_list, const char *name)
{
    json_t *value = json_object_get(request->json, name);
    *ret_list = (struct tmproto_list){NULL, 0};
    if (!value || json_is_null(value))
        return true;
    size_t count = json_array_size(value);
    if (!json_is_array(value) || count > TM_ENCLAVE_RECIPIENTS_MAX) {
        tm_fail(request, 400, "%s: a list of at most %d is expected", name,
                TM_ENCLAVE_RECIPIENTS_MAX);
        return false;
    }
    struct bytes *items = arena_alloc(&request->arena, (count + 1) * sizeof(*items));
    if (!items) {
        tm_fail_error(request, ERR_NOMEM, NULL);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        char where[64];
        snprintf(where, sizeof(where), "%s[%zu]", name, i);
        if (!decode_member(request, &items[i], json_array_get(value, i), where))
            return false;
    }
    *ret_list = (struct tmproto_list){items, count};
    return true;
}

bool tm_json_number(struct tm_request *request, uint64_t *ret_number, const char *name)
{
    json_t *value = json_object_get(request->json, name);
    *ret_number = 0;
    if (!value || json_is_null(value))
        return true;
    if (json_is_integer(value)) {
        *ret_number = (uint64_t)json_integer_value(value);
        return true;
    }
    tm_fail(request, 400, "%s: a number is expected", name);
    return false;
}

bool tm_json_text(struct tm_request *request, struct bytes *ret_text, const char *name)
{
    json_t *value = json_object_get(request->json, name);
    *ret_text = bytes_none();
    if (!value || json_is_null(value))
        return true;
    if (json_is_string(value)) {
        *ret_text = bytes_of(json_string_value(value), json_string_length(value));
        (void)tm_body_aside(request, name, ret_text);
        return true;
    }
    tm_fail(request, 400, "%s: a text is expected", name);
    return false;
}

bool tm_comma_list(struct tm_request *request, struct tmproto_list *ret_list, struct bytes text,
                   const char *name)
{
    size_t count = text.len > 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == ',';
    struct bytes *items = count <= TM_ENCLAVE_RECIPIENTS_MAX
                              ? arena_alloc(&request->arena, (count + 1) * sizeof(*items))
                              : NULL;
    if (!items) {
        tm_fail(request, 400, "%s: too many", name);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const uint8_t *comma = memchr(text.data, ',', text.len);
        size_t len = comma ? (size_t)(comma - text.data) : text.len;
        if (!tm_decode(&request->arena, &items[i], bytes_slice(text, 0, len))) {
            tm_fail(request, 400, "%s: base64 keys, separated by commas, are expected", name);
            return false;
        }
        text = comma ? bytes_slice(text, len + 1, text.len - len - 1) : bytes_none();
    }
    *ret_list = (struct tmproto_list){items, count};
    return true;
}

void tm_write_list(struct buf *b, struct tmproto_list list)
{
    buf_append_byte(b, '[');
    for (size_t i = 0; i < list.count; i++) {
        buf_append_text(b, i ? ",\"" : "\"");
        base64_append(b, list.items[i]);
        buf_append_byte(b, '"');
    }
    buf_append_byte(b, ']');
}

void tm_write_text(struct buf *b, struct bytes text)
{
    buf_append_byte(b, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '"' || c == '\\')
            buf_append_format(b, "\\%c", c);
        else if (c < ' ')
            buf_append_format(b, "\\u%04x", c);
        else
            buf_append_byte(b, c);
    }
    buf_append_byte(b, '"');
}

struct tmproto_list tm_list_add(struct arena *arena, struct tmproto_list list, struct bytes item)
{
    if (tmproto_list_find(list, item) != SIZE_MAX)
        return list;
    struct bytes *items = arena_alloc(arena, (list.count + 1) * sizeof(*items));
    if (!items)
        return list;
    if (list.count)
        memcpy(items, list.items, list.count * sizeof(*items));
    items[list.count] = item;
    return (struct tmproto_list){items, list.count + 1};
}

struct tmproto_list tm_own_among(struct tm_request *request, struct tmproto_list keys,
                                 struct bytes another)
{
    struct tmproto_list own = {NULL, 0};
    struct tm_enclave *enclave = request->api->options.enclave;
    for (size_t i = 0; i < keys.count; i++)
        if (tm_enclave_has_key(enclave, keys.items[i]))
            own = tm_list_add(&request->arena, own, keys.items[i]);
    if (another.len && tm_enclave_has_key(enclave, another))
        own = tm_list_add(&request->arena, own, another);
    return own;
}

int tm_decode_stored(struct arena *arena, struct tmproto_payload *ret_payload,
                     const struct tm_store_payload *stored, struct err_detail *detail)
{
    struct bytes copy = arena_copy(arena, stored->data);
    if (!copy.data)
        return err_set(detail, ERR_NOMEM, "out of memory");
    int status = tmproto_payload_decode(ret_payload, arena, stored->codec, copy, detail);
    return status == ERR_INPUT ? err_prefix(detail, ERR_CORRUPT, "a stored payload") : status;
}
