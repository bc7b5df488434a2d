#include "influx/push.h"

#include "base/base64.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/percent.h"
#include "io/http_client.h"
#include "io/timer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { SAYS_MAX = 160 }; /* characters of what the server says, in a message */

struct influx_push {
    struct influx_push_options options; /* without its texts */
    struct io_http_client *client;
    struct io_timer timer;
    struct buf endpoint, url, password, authorization, body;
    bool under_way;
    /* What was told last: of a fault or a status that is no success; both 0: that it goes well. */
    bool told;
    enum io_http_fault fault;
    unsigned status;
};

/* --- The address --- */

static void append_decoded(struct buf *b, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t byte;
        char digits[3] = "";
        if (text[i] == '%' && i + 2 < len)
            memcpy(digits, text + i + 1, 2);
        bool is_encoded = hex_decode_exact(digits, &byte, 1);
        buf_append_byte(b, is_encoded ? byte : (uint8_t)text[i]);
        i += is_encoded ? 2 : 0;
    }
}

/* "Basic …", where there is a name. */
static int set_authorization(struct influx_push *p, struct bytes username)
{
    struct buf both = BUF_INIT;
    if (!username.len)
        return ERR_OK;
    buf_append_bytes(&both, username);
    buf_append_byte(&both, ':');
    buf_append_bytes(&both, buf_bytes(&p->password));
    buf_append_text(&p->authorization, "Basic ");
    base64_append(&p->authorization, buf_bytes(&both));
    int status = buf_status(&both);
    mem_wipe(both.data, both.capacity);
    buf_release(&both);
    return status;
}

/* Name and password that stand before the host, `len` characters in all. */
static int take_credentials(struct influx_push *p, const char *text, size_t len)
{
    const char *colon = memchr(text, ':', len);
    size_t name = colon ? (size_t)(colon - text) : len;
    struct buf username = BUF_INIT;
    append_decoded(&username, text, name);
    if (colon)
        append_decoded(&p->password, colon + 1, len - name - 1);
    int status = buf_status(&username);
    if (status == ERR_OK)
        status = set_authorization(p, buf_bytes(&username));
    buf_release(&username);
    return status;
}

/* Sets url, endpoint and authorization. */
static int set_address(struct influx_push *p, const struct influx_push_options *o,
                       struct err_detail *detail)
{
    size_t scheme = strncmp(o->endpoint, "http://", 7) == 0    ? 7
                    : strncmp(o->endpoint, "https://", 8) == 0 ? 8
                                                               : 0;
    const char *host = o->endpoint + scheme;
    size_t authority = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', authority);
    size_t credentials = at ? (size_t)(at - host) + 1 : 0;
    size_t end = strcspn(host, "?#");
    size_t query = host[end] == '?' ? strcspn(host + end + 1, "#") : 0;
    int status = ERR_OK;
    if (!scheme || authority == credentials)
        return err_set(detail, ERR_INPUT, "http://host:port or https://host:port is expected");
    if (o->username && *o->username) {
        buf_append_text(&p->password, o->password ? o->password : "");
        status = set_authorization(p, bytes_str(o->username));
    } else if (at) {
        status = take_credentials(p, host, credentials - 1);
    }
    while (end > authority && host[end - 1] == '/')
        end--;
    buf_append(&p->endpoint, o->endpoint, scheme);
    buf_append(&p->endpoint, host + credentials, end - credentials);
    buf_append_format(&p->url, "%s/write?db=", buf_text(&p->endpoint));
    percent_append(&p->url, bytes_str(o->database), "");
    buf_append_text(&p->url, o->query);
    if (query) {
        buf_append_byte(&p->url, '&');
        buf_append(&p->url, strchr(host, '?') + 1, query);
    }
    const struct buf *all[] = {&p->endpoint, &p->url, &p->password, &p->authorization};
    for (size_t i = 0; status == ERR_OK && i < BASE_COUNT(all); i++)
        status = buf_status(all[i]);
    return status == ERR_OK ? status : err_set(detail, status, "%s", err_text(status));
}

/* --- Pushing --- */

static bool holds(struct bytes text, const struct buf *secret)
{
    return secret->len && text.len && memmem(text.data, text.len, secret->data, secret->len);
}

/* What the server says, in one line; nothing where it says what it was not to show. */
static void quote(const struct influx_push *p, char *ret_says, struct bytes body)
{
    size_t len = body.len < SAYS_MAX ? body.len : SAYS_MAX;
    if (holds(body, &p->password) || holds(body, &p->authorization))
        len = 0;
    while (len && isspace(body.data[len - 1]))
        len--;
    for (size_t i = 0; i < len; i++)
        ret_says[i] = body.data[i] < ' ' || body.data[i] > '~' ? '?' : (char)body.data[i];
    ret_says[len] = 0;
}

static void tell(struct influx_push *p, enum io_http_fault fault, unsigned status, const char *why)
{
    const char *endpoint = buf_text(&p->endpoint);
    if (p->told && p->fault == fault && p->status == status)
        return;
    p->told = true;
    p->fault = fault;
    p->status = status;
    p->options.tell(p->options.context, !fault && !status, endpoint, why);
}

static void on_answer(void *context, const struct io_http_reply *reply)
{
    struct influx_push *p = context;
    char says[SAYS_MAX + 1], why[SAYS_MAX + 400];
    p->under_way = false;
    if (reply->fault) {
        snprintf(why, sizeof(why), "%s: %.380s", io_http_fault_text(reply->fault), reply->message);
        tell(p, reply->fault, 0, why);
    } else if (reply->status == 200 || reply->status == 204) {
        tell(p, IO_HTTP_FAULT_NONE, 0, "");
    } else {
        quote(p, says, reply->body);
        snprintf(why, sizeof(why), "status %u%s%s", reply->status, *says ? ": " : "", says);
        tell(p, IO_HTTP_FAULT_NONE, reply->status, why);
    }
}

static int call(struct influx_push *p)
{
    const struct io_http_field fields[] = {
        {"Content-Type", "text/plain; charset=utf-8"},
        {"User-Agent", "InfluxDBClient"},
        {"Authorization", buf_text(&p->authorization)},
    };
    const struct io_http_call_options options = {
        .method = "POST",
        .url = buf_text(&p->url),
        .fields = fields,
        .field_count = BASE_COUNT(fields) - !p->authorization.len,
        .body = buf_bytes(&p->body),
        .has_body = true,
        .total_ms = INFLUX_WAIT_MS,
        .answer_max = INFLUX_ANSWER_MAX,
    };
    return io_http_call(NULL, p->client, &options, on_answer, p);
}

static void on_time(void *context)
{
    struct influx_push *p = context;
    io_timer_start(&p->timer, p->options.every_ms);
    if (p->under_way)
        return;
    buf_clear(&p->body);
    p->options.write(p->options.context, &p->body);
    int status = buf_status(&p->body);
    if (status == ERR_OK && !p->body.len)
        return;
    if (status == ERR_OK)
        status = call(p);
    p->under_way = status == ERR_OK;
    if (status != ERR_OK)
        tell(p, IO_HTTP_FAULT_MEMORY, 0, err_text(status));
}

/* --- Life --- */

int influx_push_start(struct influx_push **ret_push, struct io_loop *loop,
                      const struct influx_push_options *options, struct err_detail *detail)
{
    struct influx_push *p = mem_alloc_zeroed(1, sizeof(*p));
    if (!p)
        return err_set(detail, ERR_NOMEM, "out of memory");
    p->options = *options;
    io_timer_init(&p->timer, loop, on_time, p);
    const struct io_http_client_options client = {
        .connections_max = 1, .host_connections_max = 1, .tls = options->tls};
    int status = set_address(p, options, detail);
    if (status == ERR_OK && (status = io_http_client_new(&p->client, loop, &client)) != ERR_OK)
        err_set(detail, status, "%s", err_text(status));
    if (status != ERR_OK) {
        influx_push_stop(p);
        return status;
    }
    io_timer_start(&p->timer, options->every_ms);
    *ret_push = p;
    return ERR_OK;
}

void influx_push_stop(struct influx_push *push)
{
    if (!push)
        return;
    io_timer_stop(&push->timer);
    io_http_client_free(push->client);
    mem_wipe(push->password.data, push->password.capacity);
    mem_wipe(push->authorization.data, push->authorization.capacity);
    struct buf *all[] = {&push->endpoint, &push->url, &push->password, &push->authorization,
                         &push->body};
    for (size_t i = 0; i < BASE_COUNT(all); i++)
        buf_release(all[i]);
    mem_free(push);
}
