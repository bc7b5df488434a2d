#include "io/websocket_client.h"

#include "base/base64.h"
#include "base/mem.h"
#include "io/timer.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <strings.h>

/* --- URLs --- */

/* Digits only, so that signs and blanks are none. */
static bool read_port(uint16_t *ret_port, const char *text, size_t len)
{
    unsigned port = 0;
    if (len == 0 || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    *ret_port = (uint16_t)port;
    return port > 0 && port <= UINT16_MAX;
}

static bool read_authority(struct io_websocket_url *url, const char *text, size_t len)
{
    const char *host = text, *colon;
    size_t host_len;
    if (len >= sizeof(url->authority) || memchr(text, '@', len))
        return false;
    snprintf(url->authority, sizeof(url->authority), "%.*s", (int)len, text);
    url->port = url->tls ? 443 : 80;
    if (len && text[0] == '[') {
        const char *end = memchr(text, ']', len);
        if (!end)
            return false;
        host = text + 1;
        host_len = (size_t)(end - host);
        colon = end + 1 < text + len ? end + 1 : NULL;
    } else {
        colon = memchr(text, ':', len);
        host_len = colon ? (size_t)(colon - text) : len;
    }
    if (host_len == 0 || host_len > IO_HOST_MAX || (colon && *colon != ':'))
        return false;
    snprintf(url->host, sizeof(url->host), "%.*s", (int)host_len, host);
    /* "host:" is the host alone (RFC 3986, section 3.2.3). */
    size_t port_len = colon ? (size_t)(text + len - colon) - 1 : 0;
    return port_len == 0 || read_port(&url->port, colon + 1, port_len);
}

int io_websocket_url_read(struct io_websocket_url *ret_url, const char *url)
{
    bool tls = strncasecmp(url, "wss://", 6) == 0;
    if (!tls && strncasecmp(url, "ws://", 5) != 0)
        return ERR_INPUT;
    for (const char *c = url; *c; c++)
        if ((uint8_t)*c <= ' ' || *c == 127 || *c == '#')
            return ERR_INPUT;
    ret_url->tls = tls;
    url += tls ? 6 : 5;
    size_t len = strcspn(url, "/?");
    const char *target = url + len;
    size_t slash = target[0] != '/', target_len = strlen(target);
    if (!read_authority(ret_url, url, len) || slash + target_len > IO_WEBSOCKET_TARGET_MAX)
        return ERR_INPUT;
    ret_url->target[0] = '/';
    memcpy(ret_url->target + slash, target, target_len + 1);
    return ERR_OK;
}

/* --- Dialling --- */

struct io_websocket_dial {
    struct io_loop *loop;
    struct io_stream *stream;
    struct io_websocket_dial_options options;
    struct io_timer timer;
    struct buf in; /* the answer's head, and what came behind it */
    size_t looked;
    bool reached;
    unsigned status; /* of the answer */
    char accept[IO_WEBSOCKET_ACCEPT_LEN + 1];
};

static void dial_free(struct io_websocket_dial *dial)
{
    io_timer_stop(&dial->timer);
    buf_release(&dial->in);
    mem_free(dial);
}

/* `stream`, where there is one left, goes. */
static void fail(struct io_websocket_dial *dial, const char *why)
{
    io_stream_close(dial->stream);
    dial->options.done(dial->options.context, NULL, why);
    dial_free(dial);
}

static void on_timer(void *context)
{
    fail(context, "timed out");
}

static void on_connected(void *context, struct io_stream *stream)
{
    (void)stream;
    struct io_websocket_dial *dial = context;
    dial->reached = true;
}

static void on_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    (void)stream;
    (void)status;
    struct io_websocket_dial *dial = context;
    dial->stream = NULL;
    fail(dial, message);
}

static void take_over(struct io_websocket_dial *dial, size_t head_len)
{
    struct io_websocket *ws;
    struct buf rest = BUF_INIT;
    struct io_stream *stream = dial->stream;
    buf_append(&rest, dial->in.data + head_len, dial->in.len - head_len);
    dial->stream = NULL;
    int status = buf_status(&rest);
    if (status < 0)
        io_stream_close(stream);
    else
        status = io_websocket_new(&ws, dial->loop, stream, &rest, &dial->options.websocket,
                                  dial->options.ops, dial->options.context);
    buf_release(&rest);
    if (status < 0) {
        fail(dial, err_text(status));
        return;
    }
    dial->options.done(dial->options.context, ws, "");
    dial_free(dial);
}

/* What the head says; NULL: it agrees. */
static const char *look(struct io_websocket_dial *dial, size_t head_len)
{
    struct io_http_head head;
    struct bytes data = bytes_of(dial->in.data, head_len);
    if (io_http_reply_head_read(&head, &dial->status, data) != IO_HTTP_OK)
        return "the answer is no HTTP";
    return io_websocket_is_accepted(&head, dial->status, dial->accept) ? NULL
                                                                       : "websocket: bad handshake";
}

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    (void)stream;
    struct io_websocket_dial *dial = context;
    buf_append_bytes(&dial->in, data);
    size_t len = io_http_head_length(buf_bytes(&dial->in), dial->looked);
    dial->looked = dial->in.len;
    const char *why = NULL;
    if (buf_status(&dial->in))
        why = err_text(ERR_NOMEM);
    else if (len == 0 && dial->in.len > IO_HTTP_HEAD_MAX)
        why = "the answer is no HTTP";
    else if (len)
        why = look(dial, len);
    if (why)
        fail(dial, why);
    else if (len)
        take_over(dial, len);
}

static const struct io_stream_ops stream_ops = {
    .connected = on_connected, .read = on_read, .closed = on_closed};

/* Goes out when the stream is open. */
static int send_request(struct io_websocket_dial *dial, const struct io_websocket_url *url)
{
    struct buf b = BUF_INIT;
    uint8_t nonce[16];
    char key[IO_WEBSOCKET_KEY_LEN + 1] = "";
    if (RAND_bytes(nonce, sizeof(nonce)) != 1)
        return ERR_CRYPTO;
    base64_encode(key, bytes_of(nonce, sizeof(nonce)));
    io_websocket_accept(dial->accept, key);
    buf_append_format(&b,
                      "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n",
                      url->target, url->authority, key);
    const struct io_http_field *fields = dial->options.fields;
    for (size_t i = 0; i < dial->options.field_count; i++)
        buf_append_format(&b, "%s: %s\r\n", fields[i].name, fields[i].value);
    buf_append_text(&b, "\r\n");
    int status = buf_status(&b);
    if (status == 0)
        status = io_stream_write(dial->stream, buf_bytes(&b));
    if (b.len)
        mem_wipe(b.data, b.len); /* fields have tokens */
    buf_release(&b);
    return status;
}

int io_websocket_dial(struct io_websocket_dial **ret_dial, struct io_loop *loop,
                      const struct io_websocket_url *url,
                      const struct io_websocket_dial_options *options)
{
    struct io_websocket_dial *dial = mem_alloc_zeroed(1, sizeof(*dial));
    if (!dial)
        return ERR_NOMEM;
    dial->loop = loop;
    dial->options = *options;
    dial->options.websocket.client = true;
    io_timer_init(&dial->timer, loop, on_timer, dial);
    int status =
        url->tls ? io_connect_tls(&dial->stream, loop, url->host, url->port, options->tls, 0,
                                  &stream_ops, dial)
                 : io_connect_tcp(&dial->stream, loop, url->host, url->port, 0, &stream_ops, dial);
    if (status == 0)
        status = send_request(dial, url);
    if (status < 0) {
        io_stream_close(dial->stream);
        dial_free(dial);
        return status;
    }
    dial->options.fields = NULL;
    if (options->timeout_ms)
        io_timer_start(&dial->timer, options->timeout_ms);
    *ret_dial = dial;
    return 0;
}

bool io_websocket_dial_reached(const struct io_websocket_dial *dial)
{
    return dial->reached;
}

unsigned io_websocket_dial_status(const struct io_websocket_dial *dial)
{
    return dial->status;
}

void io_websocket_dial_cancel(struct io_websocket_dial *dial)
{
    if (!dial)
        return;
    io_stream_close(dial->stream);
    dial_free(dial);
}
