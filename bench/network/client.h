/* A blocking JSON-RPC client over one kept connection: HTTP/1.1 POSTs, bodies by length or in
 * chunks. */
#ifndef BENCH_NETWORK_CLIENT_H
#define BENCH_NETWORK_CLIENT_H

#include "base/buf.h"

struct client {
    char host[128];
    char port[8];
    int fd; /* -1: not connected */
    struct buf request;
    struct buf answer; /* head and body as they came */
};

/* "http://HOST:PORT". ERR_INPUT. Nothing is connected yet. */
int client_init(struct client *c, const char *url, struct err_detail *detail) BASE_NODISCARD;
void client_release(struct client *c);

/* Posts the body, and gives the answer's, valid until the next call. Connects when it must.
 * ERR_IO (the connection is closed), ERR_NOMEM. */
int client_post(struct client *c, struct bytes body, struct bytes *ret_body,
                struct err_detail *detail) BASE_NODISCARD;

#endif
