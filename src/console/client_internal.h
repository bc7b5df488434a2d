/* The two ways of client.c to a node: HTTP, and what stays connected (a unix socket, a WebSocket). */
#ifndef CONSOLE_CLIENT_INTERNAL_H
#define CONSOLE_CLIENT_INTERNAL_H

#include "console/client.h"
#include "console/json_end.h"
#include "io/http_client.h"
#include "io/timer.h"
#include "io/websocket_client.h"

enum { CONSOLE_FIELDS_MAX = 4 };

struct console_client {
    struct console_client_options options;
    struct console_endpoint endpoint;
    char shown[CONSOLE_ENDPOINT_SHOWN];
    struct io_tls *tls;
    /* HTTP: */
    struct io_http_caller *caller;
    /* The others, of which one is there while there is a connection: */
    struct io_loop *loop;
    struct io_timer timer; /* ends a turn of the loop */
    struct io_stream *stream;
    struct io_websocket *ws;
    struct io_websocket_dial *dial;
    struct console_scan scan;
    struct buf in;       /* the answer that comes */
    bool is_open, ended; /* the connection */
    bool is_whole;       /* the answer */
    int status;          /* why it ended: ERR_… with words in `why`; ERR_OK: the other side did */
    char why[512];
};

/* What goes with every request by HTTP, or opens a WebSocket; the number of them. */
size_t console_client_fields(const struct console_client *client,
                             struct io_http_field ret_fields[CONSOLE_FIELDS_MAX]);
int console_client_too_large(const struct console_client *client, struct err_detail *detail);
/* ERR_TIMEOUT. `given_up`: because nobody waits any more. */
int console_client_late(const struct console_client *client, bool given_up,
                        struct err_detail *detail);

int console_http_open(struct console_client *client, struct err_detail *detail);
int console_http_ask(struct console_client *client, struct buf *ret_answer, struct bytes request,
                     struct err_detail *detail);

int console_line_open(struct console_client *client, struct err_detail *detail);
int console_line_ask(struct console_client *client, struct buf *ret_answer, struct bytes request,
                     struct err_detail *detail);
void console_line_close(struct console_client *client);

#endif
