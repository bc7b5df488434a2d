#include "tm/enclave/enclave.h"

#include "base/base64.h"
#include "base/mem.h"
#include "crypto/random.h"
#include "tm/enclave/enclave_priv.h"

static const char *const outcome_texts[TM_ENCLAVE_OUTCOMES] = {
#define X(name, text) [TM_ENCLAVE_##name] = text,
    TM_ENCLAVE_OUTCOME_LIST(X)
#undef X
};

const char *tm_enclave_outcome_text(enum tm_enclave_outcome outcome)
{
    return outcome_texts[outcome];
}

int tm_enclave_fail(struct err_detail *detail, int status)
{
    return err_set(detail, status, "%s", err_text(status));
}

int tm_enclave_make(struct tm_enclave **ret_enclave, const struct tm_encryptor *e,
                    const struct tm_enclave_ops *ops)
{
    struct tm_enclave *enclave = mem_alloc_zeroed(1, sizeof(*enclave));
    if (!enclave)
        return ERR_NOMEM;
    enclave->ops = ops;
    enclave->encryptor = *e;
    *ret_enclave = enclave;
    return 0;
}

int tm_enclave_new(struct tm_enclave **ret_enclave, const struct tm_encryptor *e)
{
    struct tm_enclave *enclave;
    int status = tm_enclave_make(&enclave, e, &tm_enclave_local_ops);
    if (status < 0)
        return status;
    enclave->pairs = mem_alloc_zeroed(TM_ENCLAVE_SHARED_KEPT, sizeof(*enclave->pairs));
    status = enclave->pairs ? crypto_secret_new(&enclave->shared, (size_t)TM_ENCLAVE_SHARED_KEPT *
                                                                      TM_ENCRYPTOR_SHARED_MAX)
                            : ERR_NOMEM;
    if (status == 0)
        status = crypto_random(&enclave->seed, sizeof(enclave->seed));
    if (status < 0)
        tm_enclave_free(enclave);
    else
        *ret_enclave = enclave;
    return status;
}

void tm_enclave_free(struct tm_enclave *enclave)
{
    if (!enclave)
        return;
    if (enclave->ops->release)
        enclave->ops->release(enclave);
    for (size_t i = 0; i < enclave->key_count; i++) {
        mem_free((void *)(uintptr_t)enclave->keys[i].data);
        crypto_secret_free(enclave->private_keys[i]);
    }
    for (size_t i = 0; i < enclave->forwarding_count; i++)
        mem_free((void *)(uintptr_t)enclave->forwarding[i].data);
    mem_free(enclave->keys);
    mem_free(enclave->private_keys);
    mem_free(enclave->forwarding);
    mem_free(enclave->pairs);
    crypto_secret_free(enclave->shared);
    mem_free(enclave);
}

/* Room for one more in a list of bytes, and a copy of `key` put there. */
static int append(struct bytes **list, size_t *count, struct bytes key)
{
    if (*count >= TM_ENCLAVE_KEYS_MAX)
        return ERR_LIMIT;
    struct bytes *longer = mem_realloc(*list, (*count + 1) * sizeof(**list));
    if (!longer)
        return ERR_NOMEM;
    *list = longer;
    uint8_t *copy = mem_alloc(key.len);
    if (!copy)
        return ERR_NOMEM;
    if (key.len)
        memcpy(copy, key.data, key.len);
    longer[(*count)++] = bytes_of(copy, key.len);
    return 0;
}

int tm_enclave_append_key(struct tm_enclave *enclave, struct bytes public_key,
                          struct crypto_secret *private_key)
{
    struct crypto_secret **longer = mem_realloc(
        enclave->private_keys, (enclave->key_count + 1) * sizeof(*enclave->private_keys));
    int status = longer ? 0 : ERR_NOMEM;
    if (longer) {
        enclave->private_keys = longer;
        longer[enclave->key_count] = private_key;
        status = append(&enclave->keys, &enclave->key_count, public_key);
    }
    if (status < 0)
        crypto_secret_free(private_key);
    return status;
}

int tm_enclave_append_forwarding(struct tm_enclave *enclave, struct bytes public_key)
{
    return append(&enclave->forwarding, &enclave->forwarding_count, public_key);
}

static void key_text(char ret_text[64], struct bytes key)
{
    size_t len = base64_length(key.len);
    if (len >= 64) {
        key.len = 42; /* of a long one, its beginning */
        len = base64_length(key.len);
    }
    base64_encode(ret_text, key);
    ret_text[len] = 0;
}

static int check_pair(const struct tm_enclave *enclave, struct buf *made, struct bytes public_key,
                      struct bytes private_key, struct err_detail *detail)
{
    char given[64], belongs[64];
    int status = tm_encryptor_public(&enclave->encryptor, made, private_key);
    key_text(given, public_key);
    if (status == ERR_INPUT)
        return err_set(detail, status, "the private key of \"%s\" is none of this encryptor",
                       given);
    if (status < 0)
        return tm_enclave_fail(detail, status);
    if (public_key.len && !bytes_equal(public_key, buf_bytes(made))) {
        key_text(belongs, buf_bytes(made));
        return err_set(detail, ERR_INPUT,
                       "the public key %s does not belong to its private key, whose public key is "
                       "%s; one of the two is of another pair",
                       given, belongs);
    }
    if (tm_enclave_has_key(enclave, buf_bytes(made)))
        return err_set(detail, ERR_EXISTS, "the key %s is there twice", given);
    return 0;
}

int tm_enclave_add_key(struct tm_enclave *enclave, struct bytes public_key,
                       struct crypto_secret *private_key, struct err_detail *detail)
{
    struct buf made = BUF_INIT;
    int status =
        enclave->remote
            ? err_set(detail, ERR_USAGE, "keys are held by the enclave's own process")
            : check_pair(enclave, &made, public_key, crypto_secret_bytes(private_key), detail);
    if (status < 0) {
        crypto_secret_free(private_key);
    } else {
        status = tm_enclave_append_key(enclave, buf_bytes(&made), private_key);
        if (status == ERR_LIMIT)
            err_set(detail, status, "more than %d keys", TM_ENCLAVE_KEYS_MAX);
        else if (status < 0)
            tm_enclave_fail(detail, status);
    }
    buf_release(&made);
    return status;
}

int tm_enclave_add_forwarding(struct tm_enclave *enclave, struct bytes public_key,
                              struct err_detail *detail)
{
    char text[64];
    if (enclave->remote)
        return err_set(detail, ERR_USAGE, "keys are held by the enclave's own process");
    if (tmproto_list_find(tm_enclave_forwarding(enclave), public_key) != SIZE_MAX)
        return 0;
    key_text(text, public_key);
    if (!tm_encryptor_is_public(&enclave->encryptor, public_key))
        return err_set(detail, ERR_INPUT, "alwaysSendTo: %s is no public key of this encryptor",
                       text);
    int status = tm_enclave_append_forwarding(enclave, public_key);
    return status < 0 ? tm_enclave_fail(detail, status) : 0;
}

const struct tm_encryptor *tm_enclave_encryptor(const struct tm_enclave *enclave)
{
    return &enclave->encryptor;
}

struct tmproto_list tm_enclave_keys(const struct tm_enclave *enclave)
{
    return (struct tmproto_list){enclave->keys, enclave->key_count};
}

struct tmproto_list tm_enclave_forwarding(const struct tm_enclave *enclave)
{
    return (struct tmproto_list){enclave->forwarding, enclave->forwarding_count};
}

size_t tm_enclave_own(const struct tm_enclave *enclave, struct bytes public_key)
{
    return tmproto_list_find(tm_enclave_keys(enclave), public_key);
}

bool tm_enclave_has_key(const struct tm_enclave *enclave, struct bytes public_key)
{
    return tm_enclave_own(enclave, public_key) != SIZE_MAX;
}

struct bytes tm_enclave_default_key(const struct tm_enclave *enclave)
{
    return enclave->key_count ? enclave->keys[0] : bytes_none();
}

int tm_enclave_check(struct tm_enclave *enclave, struct err_detail *detail)
{
    return enclave->ops->check ? enclave->ops->check(enclave, detail) : 0;
}

int tm_enclave_encrypt(struct tm_enclave *enclave, struct tmproto_payload *ret_payload,
                       struct arena *arena, struct bytes data, struct bytes sender,
                       struct tmproto_list recipients, const struct tm_enclave_metadata *metadata,
                       struct err_detail *detail)
{
    return enclave->ops->encrypt(enclave, ret_payload, arena, data, sender, recipients, metadata,
                                 detail);
}

int tm_enclave_encrypt_raw(struct tm_enclave *enclave, struct tm_enclave_raw *ret_raw,
                           struct arena *arena, struct bytes data, struct bytes sender,
                           struct err_detail *detail)
{
    return enclave->ops->encrypt_raw(enclave, ret_raw, arena, data, sender, detail);
}

int tm_enclave_encrypt_from_raw(struct tm_enclave *enclave, struct tmproto_payload *ret_payload,
                                struct arena *arena, const struct tm_enclave_raw *raw,
                                struct tmproto_list recipients,
                                const struct tm_enclave_metadata *metadata,
                                struct err_detail *detail)
{
    return enclave->ops->encrypt_from_raw(enclave, ret_payload, arena, raw, recipients, metadata,
                                          detail);
}

int tm_enclave_decrypt_raw(struct tm_enclave *enclave, struct bytes *ret_data, struct arena *arena,
                           const struct tm_enclave_raw *raw, struct err_detail *detail)
{
    return enclave->ops->decrypt_raw(enclave, ret_data, arena, raw, detail);
}

int tm_enclave_decrypt(struct tm_enclave *enclave, struct bytes *ret_data, struct arena *arena,
                       const struct tmproto_payload *payload, struct bytes key,
                       struct err_detail *detail)
{
    return enclave->ops->decrypt(enclave, ret_data, arena, payload, key, detail);
}

int tm_enclave_decrypt_any(struct tm_enclave *enclave, struct bytes *ret_data,
                           struct bytes *ret_key, struct arena *arena,
                           const struct tmproto_payload *payload, struct err_detail *detail)
{
    struct bytes key;
    return enclave->ops->decrypt_any(enclave, ret_data, ret_key ? ret_key : &key, arena, payload,
                                     detail);
}

int tm_enclave_find_key(struct tm_enclave *enclave, struct bytes *ret_key,
                        const struct tmproto_payload *payload, size_t box,
                        struct err_detail *detail)
{
    return enclave->ops->find_key(enclave, ret_key, payload, box, detail);
}

int tm_enclave_new_box(struct tm_enclave *enclave, struct bytes *ret_box, struct arena *arena,
                       const struct tmproto_payload *payload, struct bytes recipient,
                       struct err_detail *detail)
{
    return enclave->ops->new_box(enclave, ret_box, arena, payload, recipient, detail);
}

int tm_enclave_invalid_hashes(struct tm_enclave *enclave, bool *ret_invalid,
                              const struct tmproto_payload *payload,
                              const struct tm_enclave_affected *known, size_t known_count,
                              struct err_detail *detail)
{
    return enclave->ops->invalid_hashes(enclave, ret_invalid, payload, known, known_count, detail);
}
