#include "rpc/access/token_key.h"

#include "base/base64.h"
#include "base/mem.h"
#include "rpc/json/json.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>

enum { P256_LEN = 32 };

struct token_key {
    enum rpc_token_algorithm algorithm;
    EVP_PKEY *key;     /* RS256, ES256 */
    struct buf secret; /* HS256 */
    struct buf kid;
};

struct rpc_token_keys {
    struct token_key keys[RPC_TOKEN_KEYS_MAX];
    size_t count;
    bool published;
};

/* What is read of a key of the set, before it is one; strings without escapes. */
struct raw_key {
    struct bytes kty, kid, alg, use, crv, n, e, x, y, k;
};

int rpc_base64url_decode(struct buf *b, struct bytes text)
{
    struct buf plain = BUF_INIT;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '+' || c == '/' || c == '=') {
            buf_release(&plain);
            return ERR_INPUT;
        }
        buf_append_byte(&plain, c == '-' ? '+' : c == '_' ? '/' : c);
    }
    int status = buf_status(&plain) ? ERR_NOMEM : base64_decode(b, buf_bytes(&plain));
    mem_wipe(plain.data, plain.len);
    buf_release(&plain);
    return status;
}

bool rpc_token_algorithm_parse(enum rpc_token_algorithm *ret_algorithm, struct bytes name)
{
    static const char *const names[] = {"RS256", "ES256", "HS256"};
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        if (bytes_equal(name, bytes_str(names[i]))) {
            *ret_algorithm = (enum rpc_token_algorithm)i;
            return true;
        }
    return false;
}

/* --- Keys --- */

static int part(struct buf *b, struct bytes text, const char *name, struct err_detail *detail)
{
    if (text.len > base64_length(RPC_TOKEN_PART_MAX))
        return err_set(detail, ERR_LIMIT, "\"%s\" is longer than %d bytes", name,
                       RPC_TOKEN_PART_MAX);
    int status = text.len ? rpc_base64url_decode(b, text) : ERR_INPUT;
    return status ? err_set(detail, status, "\"%s\" is missing or no base64url", name) : 0;
}

static int make_key(EVP_PKEY **ret_key, const char *type, OSSL_PARAM_BLD *build,
                    struct err_detail *detail)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    bool made = params && context && EVP_PKEY_fromdata_init(context) == 1 &&
                EVP_PKEY_fromdata(context, ret_key, EVP_PKEY_PUBLIC_KEY, params) == 1;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return made ? 0 : err_set(detail, ERR_INPUT, "OpenSSL takes it for no %s key", type);
}

static int make_rsa(struct token_key *key, const struct raw_key *raw, struct err_detail *detail)
{
    struct buf n = BUF_INIT, e = BUF_INIT;
    int status = part(&n, raw->n, "n", detail);
    if (status == 0)
        status = part(&e, raw->e, "e", detail);
    if (status == 0) {
        OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
        BIGNUM *bn = BN_bin2bn(n.data, (int)n.len, NULL), *be = BN_bin2bn(e.data, (int)e.len, NULL);
        if (!build || !bn || !be || !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) ||
            !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be))
            status = ERR_NOMEM;
        else if (BN_num_bits(bn) < RPC_TOKEN_RSA_LEAST || BN_num_bits(bn) > RPC_TOKEN_RSA_MOST)
            status = err_set(detail, ERR_INPUT, "an RSA key of %d bits: it must have %d to %d",
                             BN_num_bits(bn), RPC_TOKEN_RSA_LEAST, RPC_TOKEN_RSA_MOST);
        else if (BN_num_bits(be) > 32 || !BN_is_odd(be) || BN_is_one(be))
            status = err_set(detail, ERR_INPUT, "\"e\" is no exponent of RSA");
        else
            status = make_key(&key->key, "RSA", build, detail);
        OSSL_PARAM_BLD_free(build);
        BN_free(bn);
        BN_free(be);
    }
    buf_release(&n);
    buf_release(&e);
    return status;
}

static int make_ec(struct token_key *key, const struct raw_key *raw, struct err_detail *detail)
{
    struct buf point = BUF_INIT;
    buf_append_byte(&point, 4); /* not compressed */
    int status = part(&point, raw->x, "x", detail);
    if (status == 0 && point.len != 1 + P256_LEN)
        status = err_set(detail, ERR_INPUT, "\"x\" has not %d bytes", P256_LEN);
    if (status == 0)
        status = part(&point, raw->y, "y", detail);
    if (status == 0 && point.len != 1 + 2 * P256_LEN)
        status = err_set(detail, ERR_INPUT, "\"y\" has not %d bytes", P256_LEN);
    if (status == 0) {
        OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
        if (!build ||
            !OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) ||
            !OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.data,
                                              point.len))
            status = ERR_NOMEM;
        else
            status = make_key(&key->key, "EC", build, detail);
        OSSL_PARAM_BLD_free(build);
    }
    buf_release(&point);
    return status;
}

static int make_secret(struct token_key *key, const struct raw_key *raw, struct err_detail *detail)
{
    int status = part(&key->secret, raw->k, "k", detail);
    if (status == 0 && key->secret.len < RPC_TOKEN_SECRET_LEAST)
        status = err_set(detail, ERR_INPUT, "a secret of %zu bytes: it must have at least %d",
                         key->secret.len, RPC_TOKEN_SECRET_LEAST);
    return status;
}

static const struct kind {
    const char *kty, *crv, *alg;
    int (*make)(struct token_key *key, const struct raw_key *raw, struct err_detail *detail);
} kinds[] = {
    [RPC_TOKEN_RS256] = {"RSA", "", "RS256", make_rsa},
    [RPC_TOKEN_ES256] = {"EC", "P-256", "ES256", make_ec},
    [RPC_TOKEN_HS256] = {"oct", "", "HS256", make_secret},
};

static void key_release(struct token_key *key)
{
    EVP_PKEY_free(key->key);
    mem_wipe(key->secret.data, key->secret.len);
    buf_release(&key->secret);
    buf_release(&key->kid);
}

static int add_key(struct rpc_token_keys *keys, const struct raw_key *raw,
                   struct err_detail *detail)
{
    size_t i = 0;
    while (i < BASE_COUNT(kinds) && !bytes_equal(raw->kty, bytes_str(kinds[i].kty)))
        i++;
    if (i == BASE_COUNT(kinds) || (keys->published && i == RPC_TOKEN_HS256) ||
        (raw->use.len && !bytes_equal(raw->use, bytes_str("sig"))) ||
        (raw->alg.len && !bytes_equal(raw->alg, bytes_str(kinds[i].alg))) ||
        (kinds[i].crv[0] && !bytes_equal(raw->crv, bytes_str(kinds[i].crv))))
        return 0;
    if (keys->count == RPC_TOKEN_KEYS_MAX)
        return err_set(detail, ERR_LIMIT, "more than %d keys", RPC_TOKEN_KEYS_MAX);
    if (raw->kid.len > RPC_TOKEN_KID_MAX)
        return err_set(detail, ERR_LIMIT, "\"kid\" is longer than %d bytes", RPC_TOKEN_KID_MAX);
    struct token_key *key = &keys->keys[keys->count];
    key->algorithm = (enum rpc_token_algorithm)i;
    buf_init(&key->secret);
    buf_init(&key->kid);
    buf_append_bytes(&key->kid, raw->kid);
    int status = buf_status(&key->kid) ? ERR_NOMEM : kinds[i].make(key, raw, detail);
    if (status) {
        key_release(key);
        *key = (struct token_key){.key = NULL};
        return err_prefix(detail, status, "key \"%.*s\"", (int)raw->kid.len,
                          (const char *)raw->kid.data);
    }
    keys->count++;
    return 0;
}

static int read_key(struct rpc_token_keys *keys, struct bytes value, struct arena *arena,
                    struct err_detail *detail)
{
    struct raw_key raw = {.kty = bytes_none()};
    const struct {
        const char *name;
        struct bytes *to;
    } members[] = {{"kty", &raw.kty}, {"kid", &raw.kid}, {"alg", &raw.alg}, {"use", &raw.use},
                   {"crv", &raw.crv}, {"n", &raw.n},     {"e", &raw.e},     {"x", &raw.x},
                   {"y", &raw.y},     {"k", &raw.k}};
    struct rpc_json_walk walk;
    struct bytes name, member;
    if (rpc_json_kind(value) != RPC_JSON_OBJECT)
        return err_set(detail, ERR_INPUT, "a key is no object");
    rpc_json_walk_begin(&walk, value);
    while (rpc_json_member(&walk, &name, &member)) {
        if (rpc_json_kind(member) != RPC_JSON_STRING)
            continue;
        for (size_t i = 0; i < BASE_COUNT(members); i++) {
            if (!bytes_equal(bytes_slice(name, 1, name.len - 2), bytes_str(members[i].name)))
                continue;
            *members[i].to = rpc_json_string(member, arena);
            if (!members[i].to->data)
                return ERR_NOMEM;
        }
    }
    return add_key(keys, &raw, detail);
}

static int read_set(struct rpc_token_keys *keys, struct bytes jwks, struct arena *arena,
                    struct err_detail *detail)
{
    struct rpc_json_walk walk, list;
    struct bytes set, name, member, key;
    bool found = false;
    if (jwks.len > RPC_JWKS_MAX)
        return err_set(detail, ERR_LIMIT, "the key set is larger than %d bytes", RPC_JWKS_MAX);
    if (rpc_json_first(&set, jwks) != RPC_JSON_VALUE || rpc_json_kind(set) != RPC_JSON_OBJECT)
        return err_set(detail, ERR_INPUT,
                       "no JSON Web Key Set: it must be an object with \"keys\"");
    rpc_json_walk_begin(&walk, set);
    while (!found && rpc_json_member(&walk, &name, &member))
        found = bytes_equal(name, bytes_str("\"keys\"")) && rpc_json_kind(member) == RPC_JSON_ARRAY;
    if (!found)
        return err_set(detail, ERR_INPUT, "no JSON Web Key Set: \"keys\" is no list");
    rpc_json_walk_begin(&list, member);
    int status = 0;
    while (status == 0 && rpc_json_element(&list, &key))
        status = read_key(keys, key, arena, detail);
    if (status == 0 && keys->count == 0)
        status = err_set(detail, ERR_INPUT,
                         keys->published
                             ? "no key for signatures of RS256 or ES256 in the key set"
                             : "no key for signatures of RS256, ES256 or HS256 in the key set");
    return status;
}

int rpc_token_keys_new(struct rpc_token_keys **ret_keys, struct bytes jwks, bool published,
                       struct err_detail *detail)
{
    struct arena arena;
    struct rpc_token_keys *keys = mem_alloc_zeroed(1, sizeof(*keys));
    if (!keys)
        return err_set(detail, ERR_NOMEM, "key set: out of memory");
    keys->published = published;
    arena_init(&arena);
    int status = read_set(keys, jwks, &arena, detail);
    arena_release(&arena);
    if (status) {
        rpc_token_keys_free(keys);
        return status;
    }
    *ret_keys = keys;
    return 0;
}

void rpc_token_keys_free(struct rpc_token_keys *keys)
{
    for (size_t i = 0; keys && i < keys->count; i++)
        key_release(&keys->keys[i]);
    mem_free(keys);
}

bool rpc_token_keys_has(const struct rpc_token_keys *keys, struct bytes kid)
{
    for (size_t i = 0; i < keys->count; i++)
        if (bytes_equal(kid, buf_bytes(&keys->keys[i].kid)))
            return true;
    return false;
}

/* --- Signatures --- */

static bool verify_hmac(const struct token_key *key, struct bytes text, struct bytes signature)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    return HMAC(EVP_sha256(), key->secret.data, (int)key->secret.len, text.data, text.len, mac,
                &len) &&
           len == signature.len && CRYPTO_memcmp(mac, signature.data, len) == 0;
}

static bool verify_digest(const struct token_key *key, struct bytes text, struct bytes signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool holds = context &&
                 EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 &&
                 EVP_DigestVerify(context, signature.data, signature.len, text.data, text.len) == 1;
    EVP_MD_CTX_free(context);
    return holds;
}

/* r and s as they stand, where OpenSSL wants DER. */
static bool verify_ecdsa(const struct token_key *key, struct bytes text, struct bytes signature)
{
    if (signature.len != 2 * P256_LEN)
        return false;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature.data, P256_LEN, NULL);
    BIGNUM *s = BN_bin2bn(signature.data + P256_LEN, P256_LEN, NULL);
    uint8_t *der = NULL;
    bool holds = false;
    if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL;
        int len = i2d_ECDSA_SIG(pair, &der);
        holds = len > 0 && verify_digest(key, text, bytes_of(der, (size_t)len));
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    OPENSSL_free(der);
    return holds;
}

bool rpc_token_keys_verify(const struct rpc_token_keys *keys, enum rpc_token_algorithm algorithm,
                           struct bytes kid, struct bytes text, struct bytes signature)
{
    static bool (*const verify[])(const struct token_key *, struct bytes, struct bytes) = {
        [RPC_TOKEN_RS256] = verify_digest,
        [RPC_TOKEN_ES256] = verify_ecdsa,
        [RPC_TOKEN_HS256] = verify_hmac,
    };
    for (size_t i = 0; i < keys->count; i++) {
        const struct token_key *key = &keys->keys[i];
        if (key->algorithm == algorithm && (!kid.len || bytes_equal(kid, buf_bytes(&key->kid))) &&
            verify[algorithm](key, text, signature))
            return true;
    }
    return false;
}
