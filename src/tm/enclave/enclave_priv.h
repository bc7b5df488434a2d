/* What the files of the enclave share. Not for others. */
#ifndef TM_ENCLAVE_ENCLAVE_PRIV_H
#define TM_ENCLAVE_ENCLAVE_PRIV_H

#include "tm/enclave/enclave.h"

/* The functions of enclave.h, done here (local.c) or by another process (remote.c). */
struct tm_enclave_ops {
    int (*encrypt)(struct tm_enclave *, struct tmproto_payload *, struct arena *, struct bytes data,
                   struct bytes sender, struct tmproto_list, const struct tm_enclave_metadata *,
                   struct err_detail *);
    int (*encrypt_raw)(struct tm_enclave *, struct tm_enclave_raw *, struct arena *,
                       struct bytes data, struct bytes sender, struct err_detail *);
    int (*encrypt_from_raw)(struct tm_enclave *, struct tmproto_payload *, struct arena *,
                            const struct tm_enclave_raw *, struct tmproto_list,
                            const struct tm_enclave_metadata *, struct err_detail *);
    int (*decrypt_raw)(struct tm_enclave *, struct bytes *, struct arena *,
                       const struct tm_enclave_raw *, struct err_detail *);
    int (*decrypt)(struct tm_enclave *, struct bytes *, struct arena *,
                   const struct tmproto_payload *, struct bytes key, struct err_detail *);
    int (*decrypt_any)(struct tm_enclave *, struct bytes *, struct bytes *, struct arena *,
                       const struct tmproto_payload *, struct err_detail *);
    int (*find_key)(struct tm_enclave *, struct bytes *, const struct tmproto_payload *, size_t box,
                    struct err_detail *);
    int (*new_box)(struct tm_enclave *, struct bytes *, struct arena *,
                   const struct tmproto_payload *, struct bytes recipient, struct err_detail *);
    int (*invalid_hashes)(struct tm_enclave *, bool *, const struct tmproto_payload *,
                          const struct tm_enclave_affected *, size_t, struct err_detail *);
    int (*check)(struct tm_enclave *, struct err_detail *);
    void (*release)(struct tm_enclave *);
};

extern const struct tm_enclave_ops tm_enclave_local_ops;

/* Two places for each pair of an own and another key, by a hash of the pair. */
enum { TM_ENCLAVE_WAYS = 2, TM_ENCLAVE_SETS = TM_ENCLAVE_SHARED_KEPT / TM_ENCLAVE_WAYS };

struct tm_enclave_pair {
    uint8_t theirs[32]; /* their public key, or a hash of a longer one */
    uint32_t own;       /* 1 + index of the own key, 0 = free */
};

struct tm_enclave {
    const struct tm_enclave_ops *ops;
    struct tm_encryptor encryptor;

    struct bytes *keys; /* public ones, each allocated */
    struct crypto_secret **private_keys;
    size_t key_count;
    struct bytes *forwarding;
    size_t forwarding_count;

    struct tm_enclave_pair *pairs; /* TM_ENCLAVE_SHARED_KEPT, the newer of a set first */
    struct crypto_secret *shared;  /* their shared keys, in the same order */
    uint64_t seed;

    struct tm_enclave_remote *remote; /* remote.c's */
};

/* A new one without keys and pairs. */
int tm_enclave_make(struct tm_enclave **ret_enclave, const struct tm_encryptor *e,
                    const struct tm_enclave_ops *ops);
/* Adds to the lists alone; takes `private_key`, which may be NULL. ERR_NOMEM, ERR_LIMIT. */
int tm_enclave_append_key(struct tm_enclave *enclave, struct bytes public_key,
                          struct crypto_secret *private_key);
int tm_enclave_append_forwarding(struct tm_enclave *enclave, struct bytes public_key);

/* shared.c: the key that own key `own` shares with `theirs`, valid until the next call. 0, TM_ENCLAVE_BAD_KEY, or a
 * failure. */
int tm_enclave_shared(struct tm_enclave *enclave, struct bytes *ret_shared, size_t own,
                      struct bytes theirs, struct err_detail *detail);

/* The index of an own key, or SIZE_MAX. */
size_t tm_enclave_own(const struct tm_enclave *enclave, struct bytes public_key);

/* A failure of this machine, with its text. */
int tm_enclave_fail(struct err_detail *detail, int status);

#endif
