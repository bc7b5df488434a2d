/*
 * What a transaction manager answers: the endpoints of all applications, in Tessera's dialect and in Constellation's,
 * and what stands behind them: sending, receiving, pushing, resending, privacy groups, party information.
 *
 * One table of endpoints (endpoints.c) gives routing, media types and the OpenAPI document. Statuses and texts are
 * Tessera's where it has proper ones; where it answers 500 to bad input, ours is the status that fits (docs/compatibility.md).
 */
#ifndef TM_API_API_H
#define TM_API_API_H

#include "io/http.h"
#include "io/http_client.h"
#include "tm/config/config.h"
#include "tm/enclave/enclave.h"
#include "tm/peer/network.h"
#include "tm/store/store.h"

enum {
    /* A request's body: base64 of the largest payload with its JSON around it. */
    TM_API_BODY_MAX = TMPROTO_PAYLOAD_MAX / 3 * 4 + (1 << 20),
    TM_API_ANSWER_MAX =
        1 << 20, /* of another manager's answer to a push, party info or validation */
    TM_API_REQUESTS_MAX = 4096, /* under way at a time; above it the answer is 503 */
    /* Memory of one request: its payload as text, bytes, cipher text, and a copy for each recipient. */
    TM_API_MEMORY_MAX = 16 * TMPROTO_PAYLOAD_MAX,
    TM_API_PUSHES_MAX = 64,       /* payloads under way at a time in a resend */
    TM_API_BATCH_MAX = 10000,     /* payloads of one pushBatch, as in Tessera */
    TM_API_VALIDATIONS_MAX = 64,  /* keys validated in one party information */
    TM_API_NOTE_MAX = 64 << 10,   /* bytes of a note from node to node */
    TM_API_NOTES_MAX = 256,       /* that wait for the node: 16 MiB at most */
    TM_API_NOTES_OF_ONE_MAX = 32, /* of one sender */
};

struct tm_api;

/* Levels of the log. */
enum tm_log { TM_LOG_ERROR, TM_LOG_WARN, TM_LOG_INFO, TM_LOG_DEBUG };

struct tm_api_options {
    struct io_loop *loop;
    /* Of the caller; they outlive the API. */
    struct tm_enclave *enclave;
    struct tm_store *store;
    struct tm_network *network;
    struct io_http_client *client;
    const struct tm_config *config;
    const char *version; /* answered at /version */
    uint64_t push_ms;    /* for a push to be answered */
    uint64_t info_ms;    /* for party information */
    bool recovering;     /* stages what is pushed; serves P2P alone */
    void (*log)(void *context, enum tm_log level, const char *text);
    void *log_context;
};

/* `options` is copied. ERR_NOMEM. */
int tm_api_new(struct tm_api **ret_api, const struct tm_api_options *options) BASE_NODISCARD;
/* Stops its timers. Its HTTP servers are freed before, and tm_api_busy is 0. */
void tm_api_free(struct tm_api *api);

/* Answers a request that came to this application: a handler of io_http_options. */
void tm_api_serve(struct tm_api *api, enum tm_app app, struct io_http_request *request);
/* From now on requests are refused with 503, except those under way. */
void tm_api_drain(struct tm_api *api);
/* Requests and deliveries under way. */
size_t tm_api_busy(const struct tm_api *api);

/* Begins to call the other managers, each interval of the configuration; and to deliver what is queued. */
void tm_api_start(struct tm_api *api);

/* Asks all parties for the payloads of own keys, and waits until they have pushed them: the first half of recovery.
 * `done` gets how many of the requests failed, of how many. */
typedef void tm_api_requested_fn(void *context, size_t failed, size_t count);
int tm_api_request_all(struct tm_api *api, tm_api_requested_fn *done, void *context) BASE_NODISCARD;
/* Puts one payload, encoded as LEGACY, into the store as a push does. `done` gets its HTTP status. */
typedef void tm_api_pushed_fn(void *context, unsigned status);
int tm_api_accept(struct tm_api *api, struct bytes payload, tm_api_pushed_fn *done,
                  void *context) BASE_NODISCARD;

/* Appends the figures of an application's requests as Tessera pushes them to InfluxDB; `instance` is the application's address. */
void tm_api_influx(struct buf *b, const struct tm_api *api, enum tm_app app, const char *instance);

/* Appends the OpenAPI document of an application: for /api, and the documentation. */
void tm_api_document(struct buf *b, enum tm_app app, const char *version);

#endif
