/*
 * The node's side of the private transaction manager: Tessera's and Constellation's HTTP interface for nodes, with
 * GoQuorum's requests byte for byte (private/engine/tessera, private/engine/constellation; spec §9).
 *
 *     config.h          where the manager is: PRIVATE_CONFIG, its file, --ptm.*
 *     privacy_open      the handshake: is it there, what does it speak
 *     privacy_receive … one request each, on the caller's thread, which waits; any thread
 *     privacy_payloads  what the chain's execution asks: waits until the manager answers
 *
 * A QLight client has no manager: what it knows it is given (privacy_give), for the rest `exchange` asks its server, as a Tessera of which there is
 * only what reads: /transaction/HASH, its /isSender, /encodedpayload/decrypt (GoQuorum, private/engine/qlightptm).
 *
 * Three kinds of result: 0; PRIVACY_FAILED, which the manager or the way to it is the reason of, told in `detail` in the
 * reference's words; a failure of this machine (ERR_…).
 */
#ifndef PRIVACY_PRIVACY_H
#define PRIVACY_PRIVACY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "chain/private/private.h"

#include <stdatomic.h>

struct privacy_tm;

enum {
    PRIVACY_FAILED = 1,
    PRIVACY_ANSWER_MAX =
        64 << 20, /* bytes of an answer: a payload in base64, and some; Tessera has no limit */
    PRIVACY_CACHE_MS = 5 * 60 * 1000, /* as the reference */
    PRIVACY_CACHE_MAX = 32 << 20,     /* bytes of payloads that are kept */
    PRIVACY_RETRY_MS = 1000,
    PRIVACY_TRIES = 5,       /* of a request to read, before it has failed */
    PRIVACY_AHEAD = 4,       /* requests for a block's payloads at a time */
    PRIVACY_AHEAD_LEAST = 4, /* payloads of a block that are worth it */
    PRIVACY_AHEAD_MAX =
        16384, /* payloads that are expected; more are asked for as it comes to them */
    PRIVACY_AHEAD_WINDOW = 64, /* how far ahead: not all that is offered to a block comes into it */
    PRIVACY_AHEAD_MS = 5000,   /* an answer is no longer one that the block got */
};

/* --- The way to it --- */

struct privacy_field {
    const char *name, *value;
};

struct privacy_request {
    const char *method; /* "GET" */
    const char *path;   /* "/upcheck" */
    const struct privacy_field *fields;
    size_t field_count;
    struct bytes body;
    bool has_body;
};

struct privacy_answer {
    unsigned status;
    struct buf body;    /* the caller's to release */
    char sender[128];   /* header tesserasender */
    char parties[1024]; /* header tesseramanagedparties */
};

/* PRIVACY_FAILED when nothing came back: `detail` has the cause alone. Called by any number of threads. */
typedef int privacy_exchange_fn(void *context, struct privacy_answer *ret_answer,
                                const struct privacy_request *request, struct err_detail *detail);

enum privacy_event {
    PRIVACY_UNREACHABLE, /* a block waits for an answer; told again every time it was asked in vain */
    PRIVACY_BACK,
    PRIVACY_GIVEN_UP, /* with exit_on_failure: the node is to end (GoQuorum: with status 112) */
};

struct privacy_options {
    privacy_exchange_fn *exchange;
    void *exchange_context;
    uint64_t (*clock_ms)(void *context); /* NULL: the system's */
    /* On the thread that executes. May be NULL. */
    void (*event)(void *context, enum privacy_event event, const char *text);
    void *context;
    bool exit_on_failure; /* GoQuorum's way: five failures of one request end the node */
    bool is_light;        /* a QLight client: see above */
};

/* No handshake yet. ERR_NOMEM. */
int privacy_new(struct privacy_tm **ret_tm, const struct privacy_options *options) BASE_NODISCARD;
void privacy_free(struct privacy_tm *tm);
/* Whoever waits for an answer gives up: the node ends. Any thread. */
void privacy_stop(struct privacy_tm *tm);
/* Sleeps; true when the node ends. */
bool privacy_pause(struct privacy_tm *tm, uint64_t ms);

/* /upcheck, /version, /version/api. Of a QLight client: nothing is asked, and it has privacy enhancements alone. */
int privacy_open(struct privacy_tm *tm, struct err_detail *detail) BASE_NODISCARD;

enum privacy_feature {
    PRIVACY_ENHANCEMENTS = 1,
    PRIVACY_MULTITENANCY = 2,
    PRIVACY_STATES = 4,
    PRIVACY_MANDATORY = 8,
};

bool privacy_has(const struct privacy_tm *tm, enum privacy_feature feature);
bool privacy_is_tessera(const struct privacy_tm *tm);

/* What a QLight client was told of a payload, kept as long as what a manager has answered: PRIVACY_CACHE_MS, PRIVACY_CACHE_MAX. NULL: it is no party
 * to it; then what is there stays, while a payload replaces whatever is. A zero hash is nobody's. What does not fit, or no memory, is not kept: it is
 * asked for. Any thread. */
void privacy_give(struct privacy_tm *tm, const struct chain_payload_hash *hash,
                  const struct chain_payload *payload, bool is_sender);

/* --- Requests --- */

/* Public keys are base64 texts. */
struct privacy_keys {
    const struct bytes *keys;
    size_t count;
    bool is_null; /* null in place of [] */
};

struct privacy_send {
    struct bytes payload;
    struct bytes from; /* empty: the manager's default key */
    struct privacy_keys to;
    const struct chain_payload_hash *affected;
    size_t affected_count;
    struct hash256 exec_hash; /* zero: none */
    uint64_t flag;
    struct privacy_keys mandatory;
};

/* Encrypts, stores and distributes; the hash that goes on the chain. */
int privacy_send(struct privacy_tm *tm, struct chain_payload_hash *ret_hash,
                 const struct privacy_send *in, struct err_detail *detail) BASE_NODISCARD;
/* Stores without distributing; privacy_send_signed does that (its payload is not used). */
int privacy_store_raw(struct privacy_tm *tm, struct chain_payload_hash *ret_hash,
                      struct bytes payload, struct bytes from,
                      struct err_detail *detail) BASE_NODISCARD;
int privacy_send_signed(struct privacy_tm *tm, const struct chain_payload_hash *hash,
                        const struct privacy_send *in, struct err_detail *detail) BASE_NODISCARD;

/* What the manager has under the hash, in `arena`; `raw`: by privacy_store_raw. A zero hash is nobody's payload, without
 * a request. Tried PRIVACY_TRIES times, by a QLight client once. */
int privacy_receive(struct privacy_tm *tm, struct chain_payload *ret_payload,
                    const struct chain_payload_hash *hash, bool raw, struct arena *arena,
                    struct err_detail *detail) BASE_NODISCARD;

/* Whether this manager sent it; false, too, when it does not know it. */
int privacy_is_sender(struct privacy_tm *tm, bool *ret_sender,
                      const struct chain_payload_hash *hash,
                      struct err_detail *detail) BASE_NODISCARD;
/* All its parties, the sender last. In `arena`. */
int privacy_participants(struct privacy_tm *tm, struct privacy_keys *ret_keys,
                         const struct chain_payload_hash *hash, struct arena *arena,
                         struct err_detail *detail) BASE_NODISCARD;
int privacy_mandatory(struct privacy_tm *tm, struct privacy_keys *ret_keys,
                      const struct chain_payload_hash *hash, struct arena *arena,
                      struct err_detail *detail) BASE_NODISCARD;
/* An encrypted payload as JSON, not stored; the request of /encodedpayload/decrypt. */
int privacy_encrypt(struct privacy_tm *tm, struct buf *json, const struct privacy_send *in,
                    struct err_detail *detail) BASE_NODISCARD;
int privacy_decrypt(struct privacy_tm *tm, struct chain_payload *ret_payload, struct bytes json,
                    struct arena *arena, struct err_detail *detail) BASE_NODISCARD;

/* --- Tenants --- */

/* The private states that the manager's groups are, in `arena`. PRIVACY_FAILED, too, when it has no such feature, or groups that clash. */
int privacy_groups(struct privacy_tm *tm, struct chain_psis *ret_psis, struct arena *arena,
                   struct err_detail *detail) BASE_NODISCARD;
/* The answer to that (exposed for fuzzing). */
int privacy_parse_groups(struct chain_psis *ret_psis, struct bytes json, struct arena *arena,
                         struct err_detail *detail) BASE_NODISCARD;

/* --- Notes to the nodes of other parties --- */

/* Keys are base64 texts. */
struct privacy_note {
    struct bytes from, to, text;
};

struct privacy_notes {
    const struct privacy_note *list;
    size_t count;
};

/* Seals a note for `to` and brings it to that party's manager, which keeps it for its node, for a minute. PRIVACY_FAILED tells why not: no
 * such key, out of reach, a manager that takes none (Tessera). */
int privacy_note_send(struct privacy_tm *tm, const struct privacy_note *note, const char *topic,
                      struct err_detail *detail) BASE_NODISCARD;
/* What has come under a topic, once; who sent each is certain. ERR_UNSUPPORTED: this manager has no notes. */
int privacy_note_take(struct privacy_tm *tm, struct privacy_notes *ret_notes, const char *topic,
                      struct arena *arena, struct err_detail *detail) BASE_NODISCARD;
/* The answer to that (exposed for fuzzing). False: it is none. */
bool privacy_parse_notes(struct privacy_notes *ret_notes, struct bytes json, struct arena *arena,
                         int *ret_err);

/* --- For the chain --- */

/* Asks again and again until there is an answer, telling options.event; ERR_BUSY after privacy_stop. */
struct chain_payloads privacy_payloads(struct privacy_tm *tm);

/* An answer to a request for a payload (exposed for fuzzing). False: it is not one. */
bool privacy_parse_payload(struct chain_payload *ret_payload, struct bytes json,
                           struct arena *arena, int *ret_err);

#endif
