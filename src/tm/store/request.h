/* A call on its way through the store's threads, and what carries it out. Not for other folders. */
#ifndef TM_STORE_REQUEST_H
#define TM_STORE_REQUEST_H

#include "tm/store/store.h"

enum tm_store_op {
    TM_STORE_OP_PUT,
    TM_STORE_OP_REPLACE,
    TM_STORE_OP_DELETE,
    TM_STORE_OP_PUT_RAW,
    TM_STORE_OP_PUT_GROUP,
    TM_STORE_OP_STAGE,
    TM_STORE_OP_STAGE_STEP,
    TM_STORE_OP_STAGED_CLEAR,
    TM_STORE_OP_POSTPONE,
    TM_STORE_OP_DELIVERED,
    TM_STORE_OP_WRITES, /* those above change something */
    TM_STORE_OP_GET = TM_STORE_OP_WRITES,
    TM_STORE_OP_GET_MANY,
    TM_STORE_OP_PAGE,
    TM_STORE_OP_COUNT,
    TM_STORE_OP_GET_RAW,
    TM_STORE_OP_PAGE_RAW, /* of a migration */
    TM_STORE_OP_GET_GROUP,
    TM_STORE_OP_FIND_GROUPS,
    TM_STORE_OP_STAGED_PAGE,
    TM_STORE_OP_STAGED_COUNT,
    TM_STORE_OP_DELIVERIES,
    TM_STORE_OPS
};

struct tm_store_request {
    struct tm_store_request *next;
    enum tm_store_op op;
    tm_store_fn *fn;
    void *context;
    uint64_t deadline; /* ms of the clock that never jumps */
    bool again;        /* done before, with an end that nobody knows */
    size_t size;       /* bytes it is counted with in the queue */
    struct arena arena;

    /* what is asked; which of them, the call says */
    struct tm_store_payload payload;
    bool unnamed;             /* the payload's hash is to be made, where payload.hash shows to … */
    struct bytes cipher_text; /* … of this */
    struct tm_store_raw raw;
    struct tm_store_group group;
    const struct tm_store_staged *staged;
    const struct tm_store_delivery *deliveries;
    size_t count; /* of the two above */
    struct tmproto_list hashes;
    struct bytes key;   /* a hash, an id, or what a page begins behind */
    struct bytes old;   /* of replace */
    uint64_t stage;     /* of a step, or what a page begins behind */
    uint64_t staged_id; /* what a page begins behind */
    bool only_unstaged; /* of a count */
    uint64_t now;       /* ms since 1970 */
    size_t limit;

    struct tm_store_answer answer;
    struct err_detail detail; /* its message */
    size_t room, bytes; /* while it is filled: places in the answer's array, bytes of its rows */
};

/* Appends a row of the given kind to the answer, copied into the request's arena. ERR_NOMEM. */
int tm_store_add_payload(struct tm_store_request *r, const struct tm_store_payload *row);
int tm_store_add_raw(struct tm_store_request *r, const struct tm_store_raw *row);
int tm_store_add_group(struct tm_store_request *r, const struct tm_store_group *row);
int tm_store_add_staged(struct tm_store_request *r, const struct tm_store_staged *row);
int tm_store_add_delivery(struct tm_store_request *r, const struct tm_store_delivery *row);
/* Forgets what was filled in, for doing it again. */
void tm_store_request_reset(struct tm_store_request *r);

/*
 * What carries requests out; blocking, used by one thread at a time. Statuses: 0, or a failure with its message, after
 * which the transaction is undone as a whole.
 */
struct tm_session;

struct tm_session_ops {
    int (*begin)(struct tm_session *session, struct err_detail *detail);
    int (*commit)(struct tm_session *session, struct err_detail *detail);
    void (*rollback)(struct tm_session *session);
    /* Sets r->answer and returns 0, or returns a failure. */
    int (*run)(struct tm_session *session, struct tm_store_request *r, struct err_detail *detail);
    /* Resets and runs a list in one durable transaction of its own: all is done, or nothing. */
    int (*write)(struct tm_session *session, struct tm_store_request *first,
                 struct err_detail *detail);
    void (*close)(struct tm_session *session);
};

struct tm_session {
    const struct tm_session_ops *ops;
    bool
        lost; /* the connection is gone, or the server said to try again: what was done since begin is undone or
                  unknown */
};

/* Where a store is: what the url says. */
enum tm_store_product { TM_STORE_SQLITE, TM_STORE_MYSQL };

struct tm_store_place {
    enum tm_store_product product;
    char *path;     /* of the file (a URI when in memory); or the database's name */
    bool in_memory; /* of SQLite: shared by the sessions of this place, gone with the last */
    char *host;     /* of a server */
    unsigned port;
    char *user;                     /* NULL = none */
    struct crypto_secret *password; /* NULL = none; ends with 0 */
    bool tls, tls_verify;
    char *tls_ca; /* a file, or NULL */
    unsigned connect_ms, io_ms;
    bool create, read_only;
    bool is_new;    /* a SQLite file that is not there yet */
    char note[256]; /* what was made of the url, for the operator; "" */
};

/* url.c. ERR_INPUT, ERR_UNSUPPORTED, ERR_NOMEM. */
int tm_store_place_init(struct tm_store_place *ret_place, const struct tm_store_options *options,
                        struct err_detail *detail) BASE_NODISCARD;
void tm_store_place_release(struct tm_store_place *place);

typedef void tm_note_fn(void *context, const char *text);

/* Opens a session. `first`: looks at the tables, makes and widens what may be, and says so by `note`. A writer's
 * session may do what changes; others only read. */
int tm_session_open(struct tm_session **ret_session, const struct tm_store_place *place, bool first,
                    tm_note_fn *note, void *note_context, struct buf *ret_description,
                    struct err_detail *detail) BASE_NODISCARD;
/* NULL is fine. */
void tm_session_close(struct tm_session *session);

#endif
