#include "rpcload.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

void load_fail(struct load *load, const char *message)
{
    if (!load->failure[0])
        snprintf(load->failure, sizeof(load->failure), "%s", message);
    load->ended = true;
    io_loop_stop(load->loop);
}

int load_make_request(struct load *load, const char *body)
{
    struct bytes text = bytes_str(body);
    struct buf *b = &load->request;
    uint8_t header[IO_WEBSOCKET_HEADER_MAX];
    switch (load->transport) {
    case RPCLOAD_HTTP:
        buf_append_format(b,
                          "POST / HTTP/1.1\r\nHost: %s:%u\r\nContent-Type: application/json\r\n"
                          "Content-Length: %zu\r\n\r\n",
                          load->place, load->port, text.len);
        buf_append_bytes(b, text);
        break;
    case RPCLOAD_WS: {
        /* A client masks; with a mask of zeros the text stays as it is. */
        size_t len = io_websocket_header(header, IO_WEBSOCKET_TEXT, text.len);
        header[1] |= 0x80;
        buf_append_bytes(b, bytes_of(header, len));
        buf_append_bytes(b, bytes_of("\0\0\0\0", 4));
        buf_append_bytes(b, text);
        break;
    }
    default:
        buf_append_bytes(b, text);
        buf_append_byte(b, '\n');
    }
    return buf_status(b);
}

static void ask(struct connection *c)
{
    c->answer.keep = !c->load->measuring;
    c->sent_ns = base_now_ns();
    (void)io_stream_write(c->stream, buf_bytes(&c->load->request));
}

static bool has(struct bytes data, const char *text)
{
    return memmem(data.data, data.len, text, strlen(text)) != NULL;
}

static void take(struct connection *c)
{
    struct load *load = c->load;
    struct bytes body = buf_bytes(&c->answer.body);
    if (load->measuring) {
        uint32_t us = (uint32_t)((base_now_ns() - c->sent_ns) / 1000);
        buf_append_bytes(&load->latencies, bytes_of(&us, sizeof(us)));
        load->bytes += c->answer.length;
    } else if (has(body, "\"error\":") || !has(body, "\"result\":")) {
        /* Looked at before the measurement only: all answers are to one question. */
        char message[200];
        snprintf(message, sizeof(message), "the answer is %.*s",
                 (int)(body.len < 150 ? body.len : 150), (const char *)body.data);
        load_fail(load, message);
    }
}

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct connection *c = context;
    int status;
    (void)stream;
    if (c->opening) {
        status = answer_feed_opening(&c->answer, data);
        c->opening = status == 0;
    } else {
        status = answer_feed(&c->answer, data);
        if (status == 1)
            take(c);
    }
    if (status < 0)
        load_fail(c->load, status == ERR_NOMEM ? "out of memory" : "an answer that is none");
    else if (status == 1 && !c->load->ended)
        ask(c);
}

static void on_connected(void *context, struct io_stream *stream)
{
    struct connection *c = context;
    char opening[300];
    c->load->open++;
    if (!c->opening) {
        ask(c);
        return;
    }
    snprintf(opening, sizeof(opening),
             "GET / HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
             c->load->place, c->load->port);
    (void)io_stream_write(stream, bytes_str(opening));
}

static void on_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    struct connection *c = context;
    (void)stream;
    c->stream = NULL;
    load_fail(c->load, status ? message : "the node closed a connection");
}

int connection_open(struct connection *c, struct load *load)
{
    static const struct io_stream_ops ops = {
        .connected = on_connected, .read = on_read, .closed = on_closed};
    enum { CONNECT_MS = 10000 };
    c->load = load;
    c->opening = load->transport == RPCLOAD_WS;
    answer_init(&c->answer, load->transport);
    if (load->transport == RPCLOAD_IPC)
        return io_connect_unix(&c->stream, load->loop, load->place, &ops, c);
    return io_connect_tcp(&c->stream, load->loop, load->place, load->port, CONNECT_MS, &ops, c);
}

void connection_close(struct connection *c)
{
    io_stream_close(c->stream);
    c->stream = NULL;
    answer_release(&c->answer);
}
