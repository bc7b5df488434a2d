/*
 * A client's way to a WebSocket: connection, TLS, and the opening handshake (RFC 6455, section 4.1), as far as websocket.h
 * takes over. No proxies, no redirection, no cookies.
 */
#ifndef IO_WEBSOCKET_CLIENT_H
#define IO_WEBSOCKET_CLIENT_H

#include "io/websocket.h"

enum {
    IO_WEBSOCKET_TARGET_MAX = 2048, /* characters of path and query; a browser's URL has no more */
    /* Of host and port as a URL has them, with its end mark: a name, brackets, a colon and five digits. */
    IO_WEBSOCKET_AUTHORITY = IO_HOST_MAX + 9,
};

struct io_websocket_url {
    bool tls; /* wss:// */
    char host[IO_HOST_MAX + 1];
    uint16_t port;
    char authority[IO_WEBSOCKET_AUTHORITY];
    char target[IO_WEBSOCKET_TARGET_MAX + 1]; /* of the request line */
};

/* "ws://host:port/path?query" or "wss://…"; the host may be an IP, one with colons in brackets. ERR_INPUT: another scheme, a
 * user, a fragment, blanks, or longer than it may be. */
int io_websocket_url_read(struct io_websocket_url *ret_url, const char *url) BASE_NODISCARD;

/* The handshake is done: `ws` is the callee's. Or it has failed: `ws` is NULL, and `why` says it in words, for the time of the
 * call, in which io_websocket_dial_reached and _status say more. */
typedef void io_websocket_dialled_fn(void *context, struct io_websocket *ws, const char *why);

struct io_websocket_dial_options {
    const struct io_http_field
        *fields; /* more of the request's head; borrowed until io_websocket_dial returns */
    size_t field_count;
    struct io_tls *tls;                    /* for wss:// */
    uint64_t timeout_ms;                   /* for all, from the name to the answer; 0: none */
    struct io_websocket_options websocket; /* `client` is set here */
    const struct io_websocket_ops *ops;    /* stays with it, as `context` does */
    io_websocket_dialled_fn *done;
    void *context; /* of these */
};

struct io_websocket_dial;

/* Ends by `done`, never before this returns; *ret_dial is valid until then. ERR_INPUT, ERR_NOMEM, ERR_IO, ERR_CRYPTO. */
int io_websocket_dial(struct io_websocket_dial **ret_dial, struct io_loop *loop,
                      const struct io_websocket_url *url,
                      const struct io_websocket_dial_options *options) BASE_NODISCARD;
/* Whether there was a connection; what failed then is TLS or the handshake. */
bool io_websocket_dial_reached(const struct io_websocket_dial *dial);
/* Of the answer that was not the wanted one; 0: none came. */
unsigned io_websocket_dial_status(const struct io_websocket_dial *dial);
/* `done` will not be called. NULL is fine. */
void io_websocket_dial_cancel(struct io_websocket_dial *dial);

#endif
