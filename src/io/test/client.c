#include "io/test/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void on_read(void *context, struct io_stream *stream, struct bytes data)
{
    struct client *c = context;
    (void)stream;
    buf_append_bytes(&c->got, data);
}

static void on_closed(void *context, struct io_stream *stream, int status, const char *message)
{
    struct client *c = context;
    (void)stream;
    (void)status;
    (void)message;
    c->closed = true;
    c->stream = NULL;
}

static const struct io_stream_ops ops = {.read = on_read, .closed = on_closed};

void client_tcp(struct client *c, struct io_loop *loop, uint16_t port)
{
    *c = (struct client){.loop = loop};
    assert_int_equal(io_connect_tcp(&c->stream, loop, "127.0.0.1", port, 0, &ops, c), 0);
}

void client_unix(struct client *c, struct io_loop *loop, const char *path)
{
    *c = (struct client){.loop = loop};
    assert_int_equal(io_connect_unix(&c->stream, loop, path, &ops, c), 0);
}

void client_accept(struct client *c, struct io_loop *loop, struct io_stream *stream)
{
    *c = (struct client){.loop = loop, .stream = stream};
    io_stream_accept(stream, &ops, c);
}

void client_say(struct client *c, const char *text)
{
    assert_non_null(c->stream);
    assert_int_equal(io_stream_write(c->stream, bytes_str(text)), 0);
}

/* Where `text` ends in what came; 0: it has not come. */
static size_t end_of(const struct client *c, const char *text)
{
    size_t len = strlen(text);
    const uint8_t *at = c->got.len ? memmem(c->got.data, c->got.len, text, len) : NULL;
    return at ? (size_t)(at - c->got.data) + len : 0;
}

void client_await(struct client *c, const char *text)
{
    size_t end;
    while (!(end = end_of(c, text))) {
        if (c->closed)
            fail_msg("%s did not come, but: %s", text, buf_text(&c->got));
        io_loop_turn(c->loop, true);
    }
    c->got.len -= end;
    memmove(c->got.data, c->got.data + end, c->got.len);
}

void client_await_close(struct client *c)
{
    while (!c->closed)
        io_loop_turn(c->loop, true);
}

void client_end(struct client *c)
{
    io_stream_close(c->stream);
    buf_release(&c->got);
}
