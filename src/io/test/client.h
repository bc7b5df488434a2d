/* A client on the loop of its test: what it has got, and whether the other side has closed. */
#ifndef IO_TEST_CLIENT_H
#define IO_TEST_CLIENT_H

#include "io/stream.h"

struct client {
    struct io_loop *loop;
    struct io_stream *stream; /* NULL: it has ended */
    struct buf got;
    bool closed;
};

void client_tcp(struct client *c, struct io_loop *loop, uint16_t port);
void client_unix(struct client *c, struct io_loop *loop, const char *path);
/* Inside an io_accept_fn. */
void client_accept(struct client *c, struct io_loop *loop, struct io_stream *stream);
void client_say(struct client *c, const char *text);
/* Waits for `text`, and forgets all that came up to it. The test fails when the other side closes before. */
void client_await(struct client *c, const char *text);
void client_await_close(struct client *c);
void client_end(struct client *c);

#endif
