/*
 * Either end of a WebSocket over a stream (RFC 6455): whole messages in and out. Pings are answered, silent others are
 * asked and, when they do not answer, closed; what breaks the protocol is closed with the code for it. Without
 * extensions and subprotocols. How a client comes to one: websocket_client.h.
 */
#ifndef IO_WEBSOCKET_H
#define IO_WEBSOCKET_H

#include "io/stream.h"
#include "io/websocket_frame.h"

struct io_websocket;

struct io_websocket_ops {
    /* A message, text or binary. Its content may be taken. Not called while it is paused. */
    void (*message)(void *context, struct io_websocket *ws, struct buf *message);
    /* Everything queued has gone to the system. */
    void (*drained)(void *context, struct io_websocket *ws);
    /* It has ended by itself: freed after the call, the callback must not close it. */
    void (*closed)(void *context, struct io_websocket *ws);
};

struct io_websocket_options {
    size_t message_max;
    /* Bytes of what came and is not answered, of all servers of the process (held.h); above it who has his share and goes on with a message is closed
     * with 1013. 0: no bound. */
    size_t held_max;
    uint64_t
        ping_ms; /* of silence, then it is asked; and for a message from its first byte to its last, or up to twice as long */
    uint64_t pong_ms; /* for anything to come after that; and for what is sent to be taken */
    bool client;      /* which masks what it sends, and gets it unmasked */
};

/* Takes over a stream that has been upgraded, and what came behind the request, or the answer. `ops` and `context` stay with it.
 * Without memory the stream is closed and ERR_NOMEM returned. */
int io_websocket_new(struct io_websocket **ret_ws, struct io_loop *loop, struct io_stream *stream,
                     struct buf *rest, const struct io_websocket_options *options,
                     const struct io_websocket_ops *ops, void *context) BASE_NODISCARD;
/* Sends a text message. Failures end it by `closed`, later. */
void io_websocket_send(struct io_websocket *ws, struct bytes text);
/* The same, and leaves `text` empty; a large one is not copied. */
void io_websocket_send_buf(struct io_websocket *ws, struct buf *text);
/* For `closed`: the code that the other side closed with, or was closed with for what it sent; NO_CODE: there is none. */
unsigned io_websocket_code(const struct io_websocket *ws);
size_t io_websocket_queued(const struct io_websocket *ws);
/* No `message` until resumed, which may call it inside. */
void io_websocket_pause(struct io_websocket *ws);
void io_websocket_resume(struct io_websocket *ws);
/* Gives the stream away, and in *ret_rest what came behind the last message. While it is paused, behind `message`, and outside of any callback. */
struct io_stream *io_websocket_release(struct io_websocket *ws, struct buf *ret_rest);
/* Says the code and goes. The owner hears nothing more. NULL is fine. */
void io_websocket_close(struct io_websocket *ws, enum io_websocket_code code);
/* Goes without a word, but sends what is queued. NULL is fine. */
void io_websocket_drop(struct io_websocket *ws);

#endif
