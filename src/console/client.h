/* One question and its answer at a time, over a unix socket, HTTP(S) or WebSocket(S). Blocks. */
#ifndef CONSOLE_CLIENT_H
#define CONSOLE_CLIENT_H

#include "console/endpoint.h"

#include <stdatomic.h>

struct console_client;

enum {
    CONSOLE_ANSWER_MAX = 256 << 20, /* bytes of an answer; a full trace has tens of MB */
};

struct console_client_options {
    const char *endpoint; /* as of endpoint.h; NULL is not allowed */
    const char *token;    /* value of the header Authorization; NULL: none */
    const char *psi;      /* the private state that is asked for; NULL: the default */
    /* TLS: PEM files whose certificates are trusted besides the system's; ciphers as OpenSSL names them. */
    const char *certificate, *ca_certificate, *ciphers;
    bool insecure;       /* the peer's certificate is not checked */
    const char *name;    /* of the endpoint, for messages; NULL: itself, without its password */
    uint64_t timeout_ms; /* for connecting and for a question, each; 0: it waits */
    /* By base_now_ms: when nobody waits any more (ERR_TIMEOUT), 0 while that is not known. Whoever knows it sets it, on any thread, with the
     * question under way. NULL: never. */
    const atomic_uint_fast64_t *ends_at;
    size_t answer_max; /* bytes of an answer, CONSOLE_ANSWER_MAX at most; 0: that */
};

/* Connects; over HTTP, when there is something to ask. ERR_IO: "dial unix <path>: connect: no such file or directory", …;
 * ERR_USAGE: no such kind of endpoint; ERR_INPUT: a certificate file is none; ERR_TIMEOUT, ERR_NOMEM. */
int console_client_new(struct console_client **ret_client,
                       const struct console_client_options *options,
                       struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void console_client_free(struct console_client *client);

/* Appends the answer to one request, both JSON. ERR_IO (the connection is lost: the next question makes another), ERR_TIMEOUT, ERR_INPUT
 * (no JSON-RPC: "401 Unauthorized: …"), ERR_LIMIT, ERR_NOMEM. */
int console_client_ask(struct console_client *client, struct buf *ret_answer, struct bytes request,
                       struct err_detail *detail) BASE_NODISCARD;

#endif
