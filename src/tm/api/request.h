/* One request on its way through the API. Not for other folders. */
#ifndef TM_API_REQUEST_H
#define TM_API_REQUEST_H

#include "io/timer.h"
#include "tm/api/api.h"
#include "tmproto/media.h"

#include <jansson.h>

struct tm_request;

typedef void tm_endpoint_fn(struct tm_request *request);

#define TM_ON(app)   (1u << TM_APP_##app)
#define TM_IN(media) (1u << TMPROTO_MEDIA_##media)
#define TM_ANY_APP   (TM_ON(P2P) | TM_ON(Q2T) | TM_ON(THIRD_PARTY) | TM_ON(ADMIN))
#define TM_JSONS_2_1 (TM_IN(JSON) | TM_IN(JSON_2_1))
#define TM_JSONS_3_0 (TM_JSONS_2_1 | TM_IN(JSON_3_0))
#define TM_JSONS     (TM_JSONS_3_0 | TM_IN(JSON_4_0))

struct tm_endpoint {
    const char *method;
    const char *path; /* "{hash}" stands for a segment */
    unsigned apps;
    unsigned consumes; /* media of the body; 0: it has none */
    unsigned produces; /* media of the answer; 0: none, or whatever was asked for */
    tm_endpoint_fn *fn;
    const char *summary; /* for the OpenAPI document */
    const char
        *java; /* Tessera's method as it names it in measurements (influx.c); NULL: it has none */
};

extern const struct tm_endpoint tm_endpoints[];
extern const size_t tm_endpoint_count;

struct tm_figures {
    uint64_t count, failed, total_ms, min_ms, max_ms;
};

struct tm_api {
    struct tm_api_options options;
    struct io_timer round;   /* of party information */
    struct io_timer deliver; /* of what is queued */
    bool delivering, draining, started;
    bool queued; /* something, since the queue was found empty */
    size_t busy;
    uint64_t round_ms, next_round_ms;
    struct tm_figures *figures; /* one for each endpoint of each application: tm_figures_of */
    uint64_t began;
    uint64_t pushes, push_failures, deliveries;
    char *resident_groups; /* the answer of /groups/resident: made once */
    struct tm_note *notes; /* that wait for the node, oldest first */
    size_t note_count;
};

enum { TM_ASIDE_MAX = 4 };

/* A long text that was cut out of a JSON body: the member `name` of the outermost object is "" there. */
struct tm_aside {
    struct bytes name, text;
};

struct tm_request {
    struct tm_api *api;
    struct io_http_request *http; /* NULL: nobody waits for an answer */
    const struct tm_endpoint *endpoint;
    enum tm_app app;
    enum tmproto_media content; /* of the body */
    enum tmproto_media media;   /* of the answer */
    struct arena arena;
    json_t *json; /* of the body, when it is one */
    struct tm_aside asides[TM_ASIDE_MAX];
    size_t aside_count;
    struct bytes param; /* what stood for the segment, decoded */
    uint64_t began;
    tm_api_pushed_fn *told; /* in place of an answer */
    void *told_context;
};

/* --- Ends: each answers the request and frees it --- */

/* The body is taken over and released, also when it is sent no more. `type` NULL: without a Content-Type; _json: of the
 * request's media type. */
void tm_answer(struct tm_request *request, unsigned status, const char *type, struct buf *body);
void tm_answer_text(struct tm_request *request, unsigned status, struct bytes text);
void tm_answer_json(struct tm_request *request, unsigned status, struct buf *body);
/* With a Location: the address of this payload. */
void tm_answer_at(struct tm_request *request, unsigned status, struct bytes hash, const char *type,
                  struct buf *body);
/* A line of text that says why. */
void tm_fail(struct tm_request *request, unsigned status, const char *format, ...)
    BASE_PRINTF(3, 4);
/* "<before><base64 of bytes><after>" */
void tm_fail_named(struct tm_request *request, unsigned status, const char *before,
                   struct bytes bytes, const char *after);
/* A failure of this machine; NULL or "": the message is that of `status`. */
void tm_fail_error(struct tm_request *request, int status, const char *message);
/* What was sent could not be read; "" as above. */
void tm_fail_unread(struct tm_request *request, int status, const char *message);

/* --- Pages of other origins (cors.c) --- */

enum { TM_CORS_FIELDS = 5 };

/* What `cors` of the application's configuration adds to the answer; how many, 0 when the request's origin is none of those
 * that are allowed. The texts lie in the request's arena. */
size_t tm_cors_fields(struct tm_request *request, struct io_http_field ret_fields[TM_CORS_FIELDS]);
/* Whether the request is a browser's question before one of another origin: it was answered. */
bool tm_cors_preflight(struct tm_request *request);

/* --- Parts --- */

static inline struct tm_figures *tm_figures_of(const struct tm_api *api, enum tm_app app,
                                               const struct tm_endpoint *endpoint)
{
    return &api->figures[app * tm_endpoint_count + (size_t)(endpoint - tm_endpoints)];
}

/* A new request that no client waits for. NULL when out of memory. */
struct tm_request *tm_request_new(struct tm_api *api);
void tm_log(struct tm_api *api, enum tm_log level, const char *format, ...) BASE_PRINTF(3, 4);
const char *tm_text(struct arena *arena, struct bytes text);
/* Decoded into the arena. False: not base64. */
bool tm_decode(struct arena *arena, struct bytes *ret_data, struct bytes text);
/* The value of a query's parameter, percent-decoded into the arena; false when it is not there. */
bool tm_query(struct tm_request *request, struct bytes *ret_value, const char *name);
/* Of a header, without blanks; empty when it is not there or empty. */
struct bytes tm_header(struct tm_request *request, const char *name);

/* body.c: the body as JSON, its long texts set aside; NULL: it is none. */
json_t *tm_body_load(struct tm_request *request, json_error_t *error);
/* Whether that member was set aside: its text, which is printable ASCII. */
bool tm_body_aside(const struct tm_request *request, const char *name, struct bytes *ret_text);

/* Members of the JSON body. Each answers 400 and returns false when the member is not what it must be; missing and null
 * ones leave the result empty. */
bool tm_json_bytes(struct tm_request *request, struct bytes *ret_data, const char *name);
bool tm_json_list(struct tm_request *request, struct tmproto_list *ret_list, const char *name);
bool tm_json_number(struct tm_request *request, uint64_t *ret_number, const char *name);
bool tm_json_text(struct tm_request *request, struct bytes *ret_text, const char *name);
/* A comma list of base64, as in the header c11n-to. */
bool tm_comma_list(struct tm_request *request, struct tmproto_list *ret_list, struct bytes text,
                   const char *name);

void tm_write_list(struct buf *b, struct tmproto_list list);
/* "name":"text" with JSON's escapes */
void tm_write_text(struct buf *b, struct bytes text);

/* Own keys among these; without doubles. */
struct tmproto_list tm_own_among(struct tm_request *request, struct tmproto_list keys,
                                 struct bytes another);
struct tmproto_list tm_list_add(struct arena *arena, struct tmproto_list list, struct bytes item);

/* A stored payload, decoded. ERR_CORRUPT … */
int tm_decode_stored(struct arena *arena, struct tmproto_payload *ret_payload,
                     const struct tm_store_payload *stored, struct err_detail *detail);

/* --- Pushes (push_out.c) --- */

struct tm_push {
    struct tm_api *api;
    const struct tm_network_node *node; /* of the recipient; valid when it was looked up */
    const char *url;
    struct bytes recipient;
    struct buf body;
    enum io_http_fault fault;
    unsigned status; /* HTTP; 0: no answer */
    struct bytes answer;
    void (*done)(void *context, struct tm_push *push);
    void *context;
    struct arena *arena; /* for `answer` and `url` */
};

/* Begins to post `push->body` to <url><path> (octets, or JSON); the versions that are announced leave 5.0 out of what is
 * LEGACY. Failures as io_http_call: `done` is then not called. */
int tm_push_begin(struct tm_push *push, const char *path, enum tmproto_media media, bool cbor,
                  uint64_t timeout_ms) BASE_NODISCARD;
/* Encodes for one recipient, as its manager understands it. False when it may not get this payload: *ret_why. */
bool tm_push_encode(struct tm_push *push, const struct tmproto_payload *payload, bool *ret_cbor,
                    const char **ret_why, int *ret_status);

/* --- Endpoints --- */

tm_endpoint_fn tm_get_root, tm_get_upcheck, tm_get_version, tm_get_version_api, tm_get_metrics,
    tm_get_api, tm_get_health, tm_get_ready;
tm_endpoint_fn tm_post_send, tm_post_sendraw, tm_post_storeraw, tm_post_sendsigned,
    tm_post_sendsigned_raw, tm_post_create, tm_post_decrypt;
tm_endpoint_fn tm_get_transaction, tm_get_receive, tm_get_receiveraw, tm_get_sender,
    tm_get_participants, tm_get_mandatory, tm_delete_transaction, tm_post_delete;
tm_endpoint_fn tm_get_groups, tm_post_create_group, tm_post_find_group, tm_post_retrieve_group,
    tm_post_delete_group, tm_post_push_group;
tm_endpoint_fn tm_post_push, tm_post_partyinfo, tm_get_partyinfo, tm_post_validate, tm_post_resend,
    tm_post_resend_batch, tm_post_push_batch;
tm_endpoint_fn tm_get_keys, tm_get_party_keys, tm_put_peer, tm_get_peers;
tm_endpoint_fn tm_post_note, tm_post_note_send, tm_get_notes;

/* group.c: the members in the encoding of a group; false when it is damaged. */
bool tm_group_members(struct arena *arena, struct tmproto_list *ret_members, struct bytes data);

/* note.c */
void tm_notes_free(struct tm_api *api);

/* peers.c, deliver.c, constellation.c */
void tm_round(void *context);
void tm_deliver(void *context);
/* Something has been put into the queue: it is looked at soon. */
void tm_deliver_queued(struct tm_api *api);
void tm_constellation_serve(struct tm_request *request);
/* Which of that dialect's statuses (200, 400, 401, 500; 404 for a payload that a node is no party of) stands for one of
 * ours. */
unsigned tm_constellation_status(const struct tm_request *request, unsigned status);

#endif
