/*
 * Figures pushed to an InfluxDB 1, or what speaks as one: POST <endpoint>/write?db=… each so many seconds, on the loop.
 *
 * At most one request is under way and nothing is queued: where the server has not answered by the next time, that one is left out, and a request
 * ends after 10 s in any case. What fails is told once, and once that it goes well again; the figures of a failed push are gone, the next one has
 * newer ones. No redirection is followed.
 */
#ifndef INFLUX_PUSH_H
#define INFLUX_PUSH_H

#include "base/buf.h"
#include "io/loop.h"
#include "io/tls.h"

enum {
    INFLUX_WAIT_MS = 10000,      /* for the whole of a push */
    INFLUX_ANSWER_MAX = 64 << 10 /* bytes of an answer: an error with its reason */
};

struct influx_push;

struct influx_push_options {
    /* "http://host:8086" or "https://…", with or without a path, below which is /write. A name and password in it are used where `username` is
     * empty. */
    const char *endpoint;
    const char *database;
    const char *username, *password; /* NULL is as "" */
    const char *query;               /* more of it, encoded: "&precision=ns"; "" */
    struct io_tls *tls;              /* as io_http_client_options */
    uint64_t every_ms;               /* the first time after that, too */
    /* Appends the lines; nothing is sent when there are none. */
    void (*write)(void *context, struct buf *b);
    /* It goes well now, or does not, and why; `endpoint` is without name and password, which are in no text. */
    void (*tell)(void *context, bool well, const char *endpoint, const char *why);
    void *context;
};

/* Copies the texts, keeps `tls` by a reference. ERR_INPUT (the endpoint is no http or https URL), ERR_NOMEM. */
int influx_push_start(struct influx_push **ret_push, struct io_loop *loop,
                      const struct influx_push_options *options,
                      struct err_detail *detail) BASE_NODISCARD;
/* What is under way is given up. NULL is fine. */
void influx_push_stop(struct influx_push *push);

#endif
