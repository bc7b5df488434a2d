/*
 * The database of a transaction manager: payloads, raw payloads, privacy groups, what recovery stages, and what waits
 * for delivery. Tables are Tessera's (spec: its ddls), so that either program serves what the other has filled.
 *
 * Calls return at once; the answer comes later, on the loop, by the function given. Writes go to one thread, which puts
 * all that wait into one durable commit, so that sends that arrive together share it; reads go to another. A write is
 * answered when it is durable. Answers to writes come in the order of the calls.
 *
 * When the connection to a server is lost, it is made again with growing pauses, and what waits is done again; a write
 * whose fate is unknown is recognised by its content. A call that waited `give_up_ms` is answered with ERR_IO.
 */
#ifndef TM_STORE_STORE_H
#define TM_STORE_STORE_H

#include "io/loop.h"
#include "tmproto/payload.h"

enum {
    /* Bytes of writes that wait; a call beyond is refused with ERR_BUSY. Four of the largest. */
    TM_STORE_QUEUE_MAX = 4 * TMPROTO_PAYLOAD_MAX,
    TM_STORE_QUEUE_COUNT_MAX = 65536, /* calls that wait */
    TM_STORE_COMMIT_MAX = 1024,       /* writes of one commit */
    TM_STORE_PAGE_MAX = 10000,        /* rows of one answer … */
    TM_STORE_PAGE_BYTES = 16 << 20,   /* … which ends earlier behind the row that reaches this */
    TM_STORE_HASH_MAX = 100,          /* VARBINARY(100) of Tessera's tables */
    TM_STORE_AHEAD_MAX_MS = 300000,   /* from now to a delivery's next_try */
};

struct tm_store;

struct tm_store_options {
    /* jdbc:sqlite:PATH, jdbc:mysql://HOST[:PORT]/NAME[?…], jdbc:mariadb://…, jdbc:h2:PATH (a SQLite file PATH.sqlite in
     * its place; refused while H2's own file lies there, which may have what the other hasn't), memory; "jdbc:" may be left out. */
    const char *url;
    const char *username;
    const char *password; /* copied into locked memory */
    bool create_tables; /* Tessera's autoCreateTables; SQLite files that are new always get them */
    bool
        beside_h2; /* the H2 file of the url may lie there still: its content is being brought over */
    uint64_t give_up_ms; /* 0 = 4,000, below the five seconds that a node waits */
    /* What the operator should know: columns made wider, a connection lost and found. On the loop, except while
     * tm_store_open runs. May be NULL. */
    void (*note)(void *context, const char *text);
    void *note_context;
};

/*
 * Opens, and looks whether the tables are there and can hold what a node may send. Blocks while it connects. ERR_NOTFOUND
 * (no tables: the message says how to make them), ERR_INPUT (url), ERR_UNSUPPORTED (another product), ERR_IO, ERR_BUSY,
 * ERR_CORRUPT, ERR_NOMEM. A BLOB column of MySQL that ends at 64 KiB is made a LONGBLOB; when the user may not do that,
 * ERR_USAGE with the statement that does it.
 */
int tm_store_open(struct tm_store **ret_store, struct io_loop *loop,
                  const struct tm_store_options *options, struct err_detail *detail) BASE_NODISCARD;
/* Waits until all that was asked is answered (or given up), then closes. NULL is fine. Not inside an answer. */
void tm_store_close(struct tm_store *store);

/* "SQLite 3.40.1 at db.sqlite", for the log. */
const char *tm_store_description(const struct tm_store *store);
/* False while the connection is lost. */
bool tm_store_available(const struct tm_store *store);
/* Calls that are not answered yet, and commits made so far: for metrics. */
size_t tm_store_pending(const struct tm_store *store);
uint64_t tm_store_commits(const struct tm_store *store);

/* What an answer may say beside a failure. */
enum tm_store_outcome {
    TM_STORE_DONE,
    TM_STORE_ABSENT,  /* not stored */
    TM_STORE_EXISTS,  /* stored already */
    TM_STORE_CHANGED, /* by somebody else meanwhile */
};

struct tm_store_payload {
    struct bytes
        hash; /* of one that is put, with codec LEGACY, it may be left out: see tm_store_put */
    enum tmproto_codec codec;
    struct bytes data;  /* encoded */
    uint64_t timestamp; /* ms since 1970, 0 = none; set by the store when it is put */
};

struct tm_store_raw {
    struct bytes hash;
    struct bytes cipher_text, encrypted_key, nonce, sender;
    uint64_t timestamp;
};

struct tm_store_group {
    struct bytes id, lookup_id, data;
    uint64_t timestamp;
};

/* A row of ST_TRANSACTION with its ST_AFFECTED_TRANSACTIONs. */
struct tm_store_staged {
    uint64_t id;       /* set by the store */
    struct bytes hash; /* raw bytes; the table has them in base64 */
    enum tmproto_codec codec;
    struct bytes data;
    enum tmproto_privacy privacy;
    uint64_t stage;               /* 0 = not staged */
    struct tmproto_list affected; /* hashes, raw; not filled in answers */
    uint64_t timestamp;
};

/* A payload that waits for a party that could not be reached. */
struct tm_store_delivery {
    struct bytes hash;
    struct bytes recipient;
    uint64_t created;  /* ms since 1970 */
    uint64_t next_try; /* ms since 1970 */
    uint32_t attempts;
};

/* Valid during the call that brings it. */
struct tm_store_answer {
    int status;          /* an enum tm_store_outcome, or a failure */
    const char *message; /* of a failure; else "" */
    struct bytes hash;   /* of a put: the payload's */
    size_t count;        /* of what is not NULL below; or of rows concerned */
    const struct tm_store_payload *payloads;
    const struct tm_store_raw *raws;
    const struct tm_store_group *groups;
    const struct tm_store_staged *staged;
    const struct tm_store_delivery *deliveries;
    bool more; /* of a page: there is another one behind it */
};

typedef void tm_store_fn(void *context, const struct tm_store_answer *answer);

/*
 * All calls: what they are given is copied. ERR_NOMEM; ERR_BUSY (too much waits); ERR_LIMIT (above TMPROTO_PAYLOAD_MAX
 * or TM_STORE_HASH_MAX, or what the server takes in one packet); then fn is not called.
 */

/*
 * Stores a new payload, and in the same commit what is to be delivered later. DONE, EXISTS (nothing is changed); the answer
 * has its hash. Where the payload and its deliveries have none, it is made on the way, tmproto_payload_hash of its cipher
 * text: by the thread that writes, for all that go into one commit at once. ERR_INPUT when there is no cipher text.
 */
int tm_store_put(struct tm_store *store, const struct tm_store_payload *payload,
                 const struct tm_store_delivery *deliveries, size_t delivery_count, tm_store_fn *fn,
                 void *context) BASE_NODISCARD;
/* Replaces the data of a payload if it is still `old`. DONE, ABSENT, CHANGED (read it again, and try again). */
int tm_store_replace(struct tm_store *store, const struct tm_store_payload *payload,
                     struct bytes old, tm_store_fn *fn, void *context) BASE_NODISCARD;
/* DONE, ABSENT. Deliveries of it go too. */
int tm_store_delete(struct tm_store *store, struct bytes hash, tm_store_fn *fn,
                    void *context) BASE_NODISCARD;
/* One payload: DONE with it, or ABSENT. */
int tm_store_get(struct tm_store *store, struct bytes hash, tm_store_fn *fn,
                 void *context) BASE_NODISCARD;
/* Those of the hashes that are stored, in any order: DONE. At most TM_STORE_PAGE_MAX hashes. */
int tm_store_get_many(struct tm_store *store, struct tmproto_list hashes, tm_store_fn *fn,
                      void *context) BASE_NODISCARD;
/* Payloads in order of their hash, behind `after` (empty = from the first): DONE, with `more`. */
int tm_store_page(struct tm_store *store, struct bytes after, size_t limit, tm_store_fn *fn,
                  void *context) BASE_NODISCARD;
/* DONE with the number of payloads in `count`. */
int tm_store_count(struct tm_store *store, tm_store_fn *fn, void *context) BASE_NODISCARD;

/* DONE, EXISTS. */
int tm_store_put_raw(struct tm_store *store, const struct tm_store_raw *raw, tm_store_fn *fn,
                     void *context) BASE_NODISCARD;
/* DONE, ABSENT. */
int tm_store_get_raw(struct tm_store *store, struct bytes hash, tm_store_fn *fn,
                     void *context) BASE_NODISCARD;

/* Stores or replaces a group. DONE. */
int tm_store_put_group(struct tm_store *store, const struct tm_store_group *group, tm_store_fn *fn,
                       void *context) BASE_NODISCARD;
/* DONE, ABSENT. */
int tm_store_get_group(struct tm_store *store, struct bytes id, tm_store_fn *fn,
                       void *context) BASE_NODISCARD;
/* Those with this lookup id, or all when it is empty: DONE. */
int tm_store_find_groups(struct tm_store *store, struct bytes lookup_id, tm_store_fn *fn,
                         void *context) BASE_NODISCARD;

/* Recovery. Stores rows of the staging tables: DONE. */
int tm_store_stage(struct tm_store *store, const struct tm_store_staged *rows, size_t count,
                   tm_store_fn *fn, void *context) BASE_NODISCARD;
/* Sets VALIDATION_STAGE = `stage` (from 1 on) on at most `limit` rows without one whose affected hashes are all in an
 * earlier stage or in no row. DONE with their number in `count`. */
int tm_store_stage_step(struct tm_store *store, uint64_t stage, size_t limit, tm_store_fn *fn,
                        void *context) BASE_NODISCARD;
/* Rows that have a stage, in order of (stage, hash, id), behind `after` (NULL = from the first): DONE, with `more`. */
int tm_store_staged_page(struct tm_store *store, const struct tm_store_staged *after, size_t limit,
                         tm_store_fn *fn, void *context) BASE_NODISCARD;
/* DONE with the number of rows, or of those without a stage. */
int tm_store_staged_count(struct tm_store *store, bool without_stage, tm_store_fn *fn,
                          void *context) BASE_NODISCARD;
/* Empties the staging tables: DONE. */
int tm_store_staged_clear(struct tm_store *store, tm_store_fn *fn, void *context) BASE_NODISCARD;

/* Deliveries whose next_try has come by `now`, the longest due first; and those with one that is further ahead than any can
 * be, as the clock was set back meanwhile: DONE. */
int tm_store_deliveries(struct tm_store *store, uint64_t now, size_t limit, tm_store_fn *fn,
                        void *context) BASE_NODISCARD;
/* Sets next_try and attempts of one, adding it when it is new: DONE. */
int tm_store_postpone(struct tm_store *store, const struct tm_store_delivery *delivery,
                      tm_store_fn *fn, void *context) BASE_NODISCARD;
/* Removes one: DONE, ABSENT. */
int tm_store_delivered(struct tm_store *store, struct bytes hash, struct bytes recipient,
                       tm_store_fn *fn, void *context) BASE_NODISCARD;

#endif
