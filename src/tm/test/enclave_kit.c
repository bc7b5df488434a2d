#include "tm/test/enclave_kit.h"

#include "base/base64.h"

static void add(struct tm_enclave *enclave, struct bytes public_key, struct bytes private_key)
{
    struct crypto_secret *secret;
    struct err_detail detail = {""};
    assert_int_equal(crypto_secret_copy(&secret, private_key), 0);
    if (tm_enclave_add_key(enclave, public_key, secret, &detail) < 0)
        fail_msg("%s", detail.text);
}

struct tm_enclave *kit_enclave(size_t count)
{
    struct tm_encryptor e;
    struct tm_enclave *enclave;
    tm_encryptor_init_nacl(&e);
    assert_int_equal(tm_enclave_new(&enclave, &e), 0);
    for (size_t i = 0; i < count; i++) {
        struct buf public_key = BUF_INIT, private_key = BUF_INIT;
        assert_int_equal(tm_encryptor_generate(&e, &public_key, &private_key), 0);
        add(enclave, buf_bytes(&public_key), buf_bytes(&private_key));
        buf_release(&public_key);
        buf_release(&private_key);
    }
    return enclave;
}

void kit_add_key(struct tm_enclave *enclave, const char *public_key, const char *private_key)
{
    uint8_t pub[32], priv[32];
    assert_true(base64_decode_exact(pub, 32, bytes_str(public_key)));
    assert_true(base64_decode_exact(priv, 32, bytes_str(private_key)));
    add(enclave, bytes_of(pub, 32), bytes_of(priv, 32));
}

struct tm_enclave *kit_recorded_enclave(const json_t *network, size_t n)
{
    struct tm_enclave *enclave = kit_enclave(0);
    const json_t *pub = json_array_get(json_object_get(network, "tm_public_keys"), n);
    const json_t *priv = json_array_get(json_object_get(network, "tm_private_keys"), n);
    if (json_is_string(pub)) {
        kit_add_key(enclave, json_string_value(pub), json_string_value(priv));
        return enclave;
    }
    assert_true(json_array_size(pub) > 0);
    for (size_t i = 0; i < json_array_size(pub); i++)
        kit_add_key(enclave, json_string_value(json_array_get(pub, i)),
                    json_string_value(json_array_get(priv, i)));
    return enclave;
}

struct bytes kit_base64(struct arena *arena, const json_t *text)
{
    struct bytes in = bytes_of(json_string_value(text), json_string_length(text));
    uint8_t *data = arena_alloc(arena, base64_room(in.len));
    size_t len = 0;
    assert_true(json_is_string(text));
    assert_non_null(data);
    assert_true(base64_decode_into(data, &len, in));
    return bytes_of(data, len);
}
