/*
 * The enclave holds the keys of a transaction manager and does all that needs them: it seals payloads for parties,
 * opens those that came, proves affected transactions. Nobody else sees a private or a master key.
 *
 * It runs inside the manager, or as a process of its own (remote.h) behind the same functions, which then wait for the
 * answer (TM_ENCLAVE_TIMEOUT_MS at most) and fail with ERR_IO when there is none.
 *
 * Results: an enum tm_enclave_outcome, or a failure of this machine. Results lie in the caller's arena; what the caller
 * gave may be borrowed by them. Functions are for one thread at a time.
 */
#ifndef TM_ENCLAVE_ENCLAVE_H
#define TM_ENCLAVE_ENCLAVE_H

#include "crypto/secret.h"
#include "tm/enclave/encryptor.h"

enum {
    TM_ENCLAVE_KEYS_MAX = 1024,       /* of one manager, and of always-send-to */
    TM_ENCLAVE_RECIPIENTS_MAX = 4096, /* of one payload: 320 KiB of boxes and keys */
    TM_ENCLAVE_AFFECTED_MAX = 4096,   /* of one payload */
    TM_ENCLAVE_SHARED_KEPT = 1024,    /* precomputed keys of pairs that are kept */
    TM_ENCLAVE_TIMEOUT_MS = 2000,
};

/* X(NAME, "text") */
#define TM_ENCLAVE_OUTCOME_LIST(X)                                                                 \
    X(DONE, "done")                                                                                \
    X(NOT_OURS, "the key is none of this enclave")                                                 \
    X(BAD_KEY, "not a public key")                                                                 \
    X(NOT_LISTED, "the key is not among the recipients")                                           \
    X(NOT_OPENED, "no box or cipher text opens under that key")                                    \
    X(MALFORMED, "the payload has no box or key where it needs one")

enum tm_enclave_outcome {
#define X(name, text) TM_ENCLAVE_##name,
    TM_ENCLAVE_OUTCOME_LIST(X)
#undef X
        TM_ENCLAVE_OUTCOMES
};

const char *tm_enclave_outcome_text(enum tm_enclave_outcome outcome);

struct tm_enclave;

/* Without keys. ERR_NOMEM, ERR_IO. `e` is copied. */
int tm_enclave_new(struct tm_enclave **ret_enclave, const struct tm_encryptor *e) BASE_NODISCARD;
/* Overwrites and frees the keys. NULL is fine. */
void tm_enclave_free(struct tm_enclave *enclave);

/* Adds a pair and takes the private key (on failure too). The first one is the default. `public_key` may be empty: it
 * is computed. ERR_INPUT when the two do not belong together or are no keys, ERR_EXISTS, ERR_LIMIT, ERR_NOMEM. */
int tm_enclave_add_key(struct tm_enclave *enclave, struct bytes public_key,
                       struct crypto_secret *private_key, struct err_detail *detail) BASE_NODISCARD;
/* Adds a key of always-send-to (twice is once). ERR_INPUT, ERR_LIMIT, ERR_NOMEM. */
int tm_enclave_add_forwarding(struct tm_enclave *enclave, struct bytes public_key,
                              struct err_detail *detail) BASE_NODISCARD;

const struct tm_encryptor *tm_enclave_encryptor(const struct tm_enclave *enclave);
/* Own public keys, in order of configuration, and always-send-to. Valid until a key is added or the enclave freed. */
struct tmproto_list tm_enclave_keys(const struct tm_enclave *enclave);
struct tmproto_list tm_enclave_forwarding(const struct tm_enclave *enclave);
bool tm_enclave_has_key(const struct tm_enclave *enclave, struct bytes public_key);
/* The first key; none when there is no key. */
struct bytes tm_enclave_default_key(const struct tm_enclave *enclave);
/* 0; or ERR_IO with a message when it is a process that does not answer. */
int tm_enclave_check(struct tm_enclave *enclave, struct err_detail *detail) BASE_NODISCARD;

/* An affected transaction, as it is stored here. */
struct tm_enclave_affected {
    struct bytes hash;
    const struct tmproto_payload *payload;
};

/* What goes with a payload. Zero is STANDARD_PRIVATE. */
struct tm_enclave_metadata {
    enum tmproto_privacy privacy;
    const struct tm_enclave_affected *affected;
    size_t affected_count;
    struct bytes exec_hash;
    struct tmproto_list mandatory;
    struct bytes group;
};

/*
 * Seals `data` for the recipients, in their order, with one box each. Who they are is the caller's (the sender must be
 * among them to open it again; see spec of /send). Affected transactions get their security hash. Outcomes: NOT_OURS
 * (the sender), BAD_KEY (a recipient; *ret_payload.recipients is then that one key), NOT_OPENED or MALFORMED (an affected
 * one). ERR_LIMIT, ERR_NOMEM, ERR_IO, ERR_CRYPTO.
 */
int tm_enclave_encrypt(struct tm_enclave *enclave, struct tmproto_payload *ret_payload,
                       struct arena *arena, struct bytes data, struct bytes sender,
                       struct tmproto_list recipients, const struct tm_enclave_metadata *metadata,
                       struct err_detail *detail) BASE_NODISCARD;

/* A payload sealed for nobody but its sender, until its transaction is signed (/storeraw). */
struct tm_enclave_raw {
    struct bytes cipher_text;
    struct bytes encrypted_key;
    struct bytes nonce; /* of both */
    struct bytes sender;
};

/* NOT_OURS. */
int tm_enclave_encrypt_raw(struct tm_enclave *enclave, struct tm_enclave_raw *ret_raw,
                           struct arena *arena, struct bytes data, struct bytes sender,
                           struct err_detail *detail) BASE_NODISCARD;
/* As tm_enclave_encrypt, of what is sealed already: cipher text, and so the hash, stay. */
int tm_enclave_encrypt_from_raw(struct tm_enclave *enclave, struct tmproto_payload *ret_payload,
                                struct arena *arena, const struct tm_enclave_raw *raw,
                                struct tmproto_list recipients,
                                const struct tm_enclave_metadata *metadata,
                                struct err_detail *detail) BASE_NODISCARD;
/* NOT_OURS, NOT_OPENED, MALFORMED. */
int tm_enclave_decrypt_raw(struct tm_enclave *enclave, struct bytes *ret_data, struct arena *arena,
                           const struct tm_enclave_raw *raw,
                           struct err_detail *detail) BASE_NODISCARD;

/* Opens a payload with an own key. NOT_OURS, NOT_LISTED, NOT_OPENED, MALFORMED. */
int tm_enclave_decrypt(struct tm_enclave *enclave, struct bytes *ret_data, struct arena *arena,
                       const struct tmproto_payload *payload, struct bytes key,
                       struct err_detail *detail) BASE_NODISCARD;
/* Opens it with whichever own key does: the sender's and the recipients' first, then all others in order. *ret_key (may
 * be NULL) is that key, borrowed from the enclave. NOT_OPENED when none does. */
int tm_enclave_decrypt_any(struct tm_enclave *enclave, struct bytes *ret_data,
                           struct bytes *ret_key, struct arena *arena,
                           const struct tmproto_payload *payload,
                           struct err_detail *detail) BASE_NODISCARD;
/* The own key that opens box `box` of a payload whose sender is somebody else, or, with the sender's key, the own key
 * that it was made for. *ret_key is borrowed from the enclave. NOT_OPENED, MALFORMED (no such box). */
int tm_enclave_find_key(struct tm_enclave *enclave, struct bytes *ret_key,
                        const struct tmproto_payload *payload, size_t box,
                        struct err_detail *detail) BASE_NODISCARD;

/* A box of a payload of ours for one more recipient. NOT_OURS (its sender), BAD_KEY, NOT_OPENED, MALFORMED. */
int tm_enclave_new_box(struct tm_enclave *enclave, struct bytes *ret_box, struct arena *arena,
                       const struct tmproto_payload *payload, struct bytes recipient,
                       struct err_detail *detail) BASE_NODISCARD;

/* Which of payload->affected[i] do not prove that the author could open it: ret_invalid[i], payload->affected_count of
 * them. `known` are those stored here; one that is not is invalid. Returns DONE, or a failure. */
int tm_enclave_invalid_hashes(struct tm_enclave *enclave, bool *ret_invalid,
                              const struct tmproto_payload *payload,
                              const struct tm_enclave_affected *known, size_t known_count,
                              struct err_detail *detail) BASE_NODISCARD;

#endif
