/* What the files of `privacy` know of each other: the manager's state, its cache, requests and answers. */
#ifndef PRIVACY_INTERNAL_H
#define PRIVACY_INTERNAL_H

#include "privacy/privacy.h"

#include <pthread.h>

enum { PRIVACY_CACHE_BUCKETS = 16384 };

struct privacy_cached {
    struct privacy_cached *next, **back; /* by age */
    struct privacy_cached *same;         /* of its bucket */
    struct chain_payload_hash hash;
    bool raw;
    bool is_given, is_sender; /* by privacy_give; otherwise it is not known who sent it */
    uint64_t since;
    size_t size; /* of all of it */
    struct chain_payload payload;
    struct bytes rest[]; /* its parties, and the bytes that all spans of it are of */
};

struct privacy_tm {
    struct privacy_options options;
    bool is_tessera;
    unsigned features;
    bool is_impatient;    /* of the thread that executes: chain_payloads.set_patience */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool stopped;
    struct privacy_cached *first, **end;                   /* oldest first */
    struct privacy_cached *buckets[PRIVACY_CACHE_BUCKETS]; /* by hash */
    size_t cached_size;
    struct privacy_ahead
        *ahead; /* made by the thread that executes, when a block is worth it; NULL: not yet */
};

/* By the clock of the options, in milliseconds. */
uint64_t privacy_now(const struct privacy_tm *tm);

/* cache.c; a payload that does not fit, or no memory, is not kept. */
bool privacy_cache_find(struct privacy_tm *tm, struct chain_payload *ret_payload, int *ret_err,
                        const struct chain_payload_hash *hash, bool raw, struct arena *arena);
void privacy_cache_keep(struct privacy_tm *tm, const struct chain_payload_hash *hash, bool raw,
                        const struct chain_payload *payload);
/* Whether it is known who sent it: *ret_sender. */
bool privacy_cache_sender(struct privacy_tm *tm, bool *ret_sender,
                          const struct chain_payload_hash *hash);
void privacy_cache_drop(struct privacy_tm *tm, const struct chain_payload_hash *hash, bool raw);
void privacy_cache_clear(struct privacy_tm *tm);

/* chain_payloads.expect (ahead.c), of one thread. */
void privacy_expect(void *context, const struct chain_payload_hash *hashes, size_t count);
/* Whether the manager has answered, ahead, that it has nothing under the hash. Waits while it is being asked. */
bool privacy_ahead_is_none(struct privacy_tm *tm, const struct chain_payload_hash *hash);
void privacy_ahead_free(struct privacy_tm *tm);

/* payload.c. Both begin and end an object: {"payload": …, "from": …  and  "to": …, "mandatoryRecipients": …}. Failures:
 * buf_status(b). */
void privacy_write_payload(struct buf *b, struct bytes payload, struct bytes from);
void privacy_write_rest(struct buf *b, const struct privacy_send *in);
void privacy_write_base64(struct buf *b, const void *data, size_t len);
/* The `key` of an answer; with a payload, what else it says of it. */
int privacy_read_key(struct chain_payload_hash *ret_hash, const struct privacy_answer *answer,
                     struct chain_payload *said, struct arena *arena, const char *path,
                     struct err_detail *detail) BASE_NODISCARD;

/* send.c: PRIVACY_FAILED, of a manager that is no Tessera. */
int privacy_unsupported(struct err_detail *detail);

/* receive.c: by the cache, or one request. */
int privacy_receive_once(struct privacy_tm *tm, struct chain_payload *ret_payload,
                         const struct chain_payload_hash *hash, struct arena *arena,
                         struct err_detail *detail) BASE_NODISCARD;

/* chain_payloads.is_own_vote (shared.c). */
int privacy_is_own_vote(void *context, bool *ret_own, const struct chain_payload_hash *vote,
                        const struct address *management, struct arena *arena) BASE_NODISCARD;

/* One exchange; statuses but 200 and 201 are PRIVACY_FAILED, "<status> status: <body>", and *ret_status tells. The answer is the
 * caller's to release, always. */
int privacy_ask(struct privacy_tm *tm, struct privacy_answer *ret_answer,
                const struct privacy_request *request, struct err_detail *detail) BASE_NODISCARD;
/* The same with the JSON headers of the manager's version. */
int privacy_ask_json(struct privacy_tm *tm, struct privacy_answer *ret_answer, const char *method,
                     const char *path, struct bytes body, struct err_detail *detail) BASE_NODISCARD;

#endif
