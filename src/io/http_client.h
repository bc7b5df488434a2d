/*
 * HTTP/1.1 requests to others, over libcurl: on the loop with any number under way, or one at a time on a
 * thread that may wait. Connections are kept open and used again; no environment variable (proxies) is heeded,
 * no redirection followed.
 *
 * Whether a request can have had an effect where it went: with NAME, CONNECT and TLS it has not been sent; with
 * any other fault it may have been.
 */
#ifndef IO_HTTP_CLIENT_H
#define IO_HTTP_CLIENT_H

#include "io/http_head.h"
#include "io/loop.h"
#include "io/tls.h"

#include <stdatomic.h>

/* X(NAME, "text"): why there is no answer. */
#define IO_HTTP_FAULT_LIST(X)                                                                      \
    X(NONE, "answered")                                                                            \
    X(NAME, "no such host")                                                                        \
    X(CONNECT, "cannot connect")                                                                   \
    X(TLS, "no trusted TLS connection")                                                            \
    X(TIMEOUT, "timed out")                                                                        \
    X(BROKEN, "the connection broke")                                                              \
    X(MALFORMED, "the answer is no HTTP")                                                          \
    X(TOO_LARGE, "the answer is too large")                                                        \
    X(STOPPED, "not waited for any more")                                                          \
    X(MEMORY, "out of memory")

enum io_http_fault {
#define X(name, text) IO_HTTP_FAULT_##name,
    IO_HTTP_FAULT_LIST(X)
#undef X
};

const char *io_http_fault_text(enum io_http_fault fault);

struct io_http_call_options {
    const char *method; /* "POST" */
    const char *url;    /* "http://host:port/path" or "https://…", percent-encoded by the caller */
    const char *unix_path; /* of a socket to connect to in place of the url's host; NULL: none */
    /* Sent as they are, beside Host and Content-Length. Nothing else is added. */
    const struct io_http_field *fields;
    size_t field_count;
    struct bytes body; /* stays until the call has ended */
    bool has_body;     /* a Content-Length is sent, of 0 too */
    /* Over a connection opened for it, which is not kept. Else, where the server takes the request over a kept connection and closes that without an
     * answer, it is sent a second time, over a new one: nothing for what must not be done twice. */
    bool own_connection;
    uint64_t connect_ms; /* for name, connection and TLS; 0 = as the whole */
    uint64_t total_ms;   /* for all, the answer's last byte included; 0 = none */
    size_t answer_max;   /* bytes of the answer's body */
    /* By base_now_ms: when nobody waits any more (STOPPED), 0 while that is not known. Whoever knows it sets it, on any thread, with the
     * call under way; it is looked at once a second. NULL: never. */
    const atomic_uint_fast64_t *ends_at;
};

/* Valid during the call of `done`, or until the caller's next io_http_caller_run. */
struct io_http_reply {
    enum io_http_fault fault;
    unsigned status;     /* 0 with a fault */
    struct bytes body;   /* none with a fault */
    const char *message; /* what went wrong, in words; "" without a fault */
    int error;           /* with CONNECT: the system's number for it; 0: it has none */
    const void *handle;  /* http_client.c's */
};

/* The first field of that name, in any case, of the answer; NULL when there is none. */
const char *io_http_reply_field(const struct io_http_reply *reply, const char *name);

/* --- On the loop --- */

struct io_http_client;
struct io_http_call;

struct io_http_client_options {
    size_t connections_max;      /* open at a time; what comes above waits, in its own time */
    size_t host_connections_max; /* of these, to one host and port */
    struct io_tls *tls;          /* for https; NULL: the system's authorities and no certificate */
};

typedef void io_http_done_fn(void *context, const struct io_http_reply *reply);

/* `options` is copied, `tls` kept by a reference. ERR_NOMEM. */
int io_http_client_new(struct io_http_client **ret_client, struct io_loop *loop,
                       const struct io_http_client_options *options) BASE_NODISCARD;
/* Its calls end without `done`. NULL is fine. */
void io_http_client_free(struct io_http_client *client);

/* Ends by `done`, never before this has returned. *ret_call (may be NULL) is valid until then. ERR_INPUT (no
 * http or https URL), ERR_NOMEM. */
int io_http_call(struct io_http_call **ret_call, struct io_http_client *client,
                 const struct io_http_call_options *options, io_http_done_fn *done,
                 void *context) BASE_NODISCARD;
/* `done` will not be called; the connection is closed if the request was under way. NULL is fine. */
void io_http_call_cancel(struct io_http_call *call);
/* Calls that have not ended. */
size_t io_http_client_calls(const struct io_http_client *client);

/* --- On a thread of the caller's --- */

struct io_http_caller;

/* One call at a time; a thread each, or one after the other. ERR_NOMEM. */
int io_http_caller_new(struct io_http_caller **ret_caller, struct io_tls *tls) BASE_NODISCARD;
void io_http_caller_free(struct io_http_caller *caller);
/* Waits for the answer. Failures as io_http_call; 0 when *ret_reply has been written. */
int io_http_caller_run(struct io_http_reply *ret_reply, struct io_http_caller *caller,
                       const struct io_http_call_options *options) BASE_NODISCARD;

#endif
