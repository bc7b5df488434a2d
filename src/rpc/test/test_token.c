/* Access tokens: the examples of RFC 7515 (appendix A), tokens signed here, and each thing that may be wrong with one. */
#include "rpc/access/token.h"

#include "base/base64.h"
#include "rpc/access/token_key.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECRET                                                                                     \
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define HMAC_KEY "{\"kty\":\"oct\",\"kid\":\"mac\",\"k\":\"" SECRET "\"}"
/* RFC 7515, A.2 and A.3: the public halves, and the signatures over A.2.1's and A.3.1's input. */
#define RSA_KEY                                                                                    \
    "{\"kty\":\"RSA\",\"kid\":\"rsa\",\"use\":\"sig\",\"n\":"                                      \
    "\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0"  \
    "Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5"  \
    "z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7a"  \
    "GhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}"
#define EC_KEY                                                                                     \
    "{\"kty\":\"EC\",\"kid\":\"ec\",\"crv\":\"P-256\","                                            \
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","                                       \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define KEYS "{\"keys\":[" HMAC_KEY "," RSA_KEY "," EC_KEY "]}"

#define CLAIMS_RFC                                                                                 \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "f"                                                                                            \
    "Q"
#define RSA_TEXT "eyJhbGciOiJSUzI1NiJ9." CLAIMS_RFC
#define RSA_SIGNATURE                                                                              \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5" \
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHl"  \
    "b1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9Q" \
    "OYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define EC_TEXT "eyJhbGciOiJFUzI1NiJ9." CLAIMS_RFC
#define EC_SIGNATURE                                                                               \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

static uint64_t clock_at = 1700000000;

static uint64_t test_now(void)
{
    return clock_at;
}

/* --- Signatures --- */

static bool verify(const struct rpc_token_keys *keys, enum rpc_token_algorithm algorithm,
                   const char *kid, const char *text, const char *signature)
{
    struct buf raw = BUF_INIT;
    assert_int_equal(rpc_base64url_decode(&raw, bytes_str(signature)), 0);
    bool holds =
        rpc_token_keys_verify(keys, algorithm, bytes_str(kid), bytes_str(text), buf_bytes(&raw));
    if (raw.len) { /* any other signature does not hold */
        raw.data[raw.len / 2] ^= 1;
        assert_false(rpc_token_keys_verify(keys, algorithm, bytes_str(kid), bytes_str(text),
                                           buf_bytes(&raw)));
    }
    buf_release(&raw);
    return holds;
}

static void test_rfc_7515(void **state)
{
    (void)state;
    struct rpc_token_keys *keys;
    assert_int_equal(rpc_token_keys_new(&keys, bytes_str(KEYS), false, NULL), 0);
    assert_true(verify(keys, RPC_TOKEN_HS256, "",
                       "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS_RFC,
                       "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
    assert_true(verify(keys, RPC_TOKEN_RS256, "", RSA_TEXT, RSA_SIGNATURE));
    assert_true(verify(keys, RPC_TOKEN_RS256, "rsa", RSA_TEXT, RSA_SIGNATURE));
    assert_true(verify(keys, RPC_TOKEN_ES256, "ec", EC_TEXT, EC_SIGNATURE));
    assert_false(verify(keys, RPC_TOKEN_RS256, "ec", RSA_TEXT, RSA_SIGNATURE));
    assert_false(verify(keys, RPC_TOKEN_ES256, "", RSA_TEXT, EC_SIGNATURE));
    assert_false(verify(keys, RPC_TOKEN_ES256, "", EC_TEXT, ""));
    rpc_token_keys_free(keys);
}

static void check_keys(const char *jwks, const char *wanted)
{
    struct rpc_token_keys *keys;
    struct err_detail detail = {{0}};
    assert_true(rpc_token_keys_new(&keys, bytes_str(jwks), false, &detail) < 0);
    if (!strstr(detail.text, wanted))
        fail_msg("%s: %s", jwks, detail.text);
}

static void test_bad_keys(void **state)
{
    (void)state;
    check_keys("", "no JSON Web Key Set");
    check_keys("[]", "no JSON Web Key Set");
    check_keys("{\"keys\":{}}", "is no list");
    check_keys("{\"keys\":[1]}", "a key is no object");
    check_keys("{\"keys\":[]}", "no key for signatures");
    check_keys("{\"keys\":[{\"kty\":\"RSA\",\"use\":\"enc\"}]}", "no key for signatures");
    check_keys("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\"}]}", "no key for signatures");
    check_keys("{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"none\"}]}", "no key for signatures");
    check_keys("{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
               "key \"a\": an RSA key of 17 bits");
    check_keys("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\"}]}",
               "\"x\" has not 32 bytes");
    check_keys("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
               "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
               "\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}]}",
               "no EC key");
    check_keys("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AQAB\"}]}", "a secret of 3 bytes");
    check_keys("{\"keys\":[{\"kty\":\"oct\",\"k\":\"A+/=\"}]}", "no base64url");
}

/* --- Tokens --- */

static void append_url(struct buf *b, struct bytes data)
{
    struct buf text = BUF_INIT;
    base64_append(&text, data);
    for (size_t i = 0; i < text.len && text.data[i] != '='; i++)
        buf_append_byte(b, text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i]);
    buf_release(&text);
}

static void sign(struct buf *token, const char *header, const char *claims)
{
    struct buf secret = BUF_INIT;
    uint8_t mac[32];
    unsigned len = 0;
    buf_append_text(token, "Bearer ");
    size_t from = token->len;
    append_url(token, bytes_str(header));
    buf_append_byte(token, '.');
    append_url(token, bytes_str(claims));
    assert_int_equal(rpc_base64url_decode(&secret, bytes_str(SECRET)), 0);
    assert_non_null(HMAC(EVP_sha256(), secret.data, (int)secret.len, token->data + from,
                         token->len - from, mac, &len));
    buf_append_byte(token, '.');
    append_url(token, bytes_of(mac, len));
    buf_release(&secret);
}

static struct rpc_tokens *make_tokens(void)
{
    struct rpc_tokens *tokens;
    const struct rpc_tokens_options options = {
        .jwks = bytes_str(KEYS), .issuer = "me", .audience = "node1", .now = test_now};
    assert_int_equal(rpc_tokens_new(&tokens, &options, NULL), 0);
    return tokens;
}

/* `wanted` is the refusal, NULL when the method may be called, "" when it is denied. */
static void check_value(const struct rpc_tokens *tokens, const char *value, const char *method,
                        const char *wanted)
{
    const char *text;
    struct bytes field = bytes_str(value);
    struct rpc_grant *grant = rpc_tokens_grant(tokens, &field);
    bool may = rpc_grant_may_call(grant, bytes_str(method), &text);
    if (may != !wanted || (wanted && strcmp(text ? text : "", wanted) != 0))
        fail_msg("%s for %s: %d %s", value, method, may, text ? text : "denied");
    rpc_grant_free(grant);
}

#define HEADER     "{\"alg\":\"HS256\",\"kid\":\"mac\",\"typ\":\"JWT\"}"
#define WITH(more) "{\"iss\":\"me\",\"aud\":[\"x\",\"node1\"],\"exp\":1700000100" more "}"

static void check_claims(const char *header, const char *claims, const char *method,
                         const char *wanted)
{
    struct rpc_tokens *tokens = make_tokens();
    struct buf token = BUF_INIT;
    sign(&token, header, claims);
    check_value(tokens, buf_text(&token), method, wanted);
    buf_release(&token);
    rpc_tokens_free(tokens);
}

static void test_scopes(void **state)
{
    (void)state;
    static const struct {
        const char *scope, *method, *wanted;
    } cases[] = {
        {"rpc://eth_blockNumber", "eth_blockNumber", NULL},
        {"rpc://eth_blockNumber", "eth_call", ""},
        {"rpc://eth_*", "eth_call", NULL},
        {"rpc://eth_", "eth_call", NULL},
        {"rpc://eth.call", "eth_call", NULL},
        {"rpc://eth_*", "net_version", ""},
        {"rpc://*_version", "net_version", NULL},
        {"rpc://_version", "net_version", NULL},
        {"rpc://*_*", "admin_peers", NULL},
        {"rpc://*", "admin_peers", ""},
        {"rpc://rpc_modules", "rpc_modules", NULL},
        {"openid psi://a rpc://net_version rpc://eth_call", "eth_call", NULL},
        {"psi://eth_call eth_call rpc:/eth_call", "eth_call", ""},
        {"", "eth_call", ""},
        {"rpc://*_*", "nonsense", ""},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        char claims[512];
        snprintf(claims, sizeof(claims), WITH(",\"scope\":\"%s\""), cases[i].scope);
        check_claims(HEADER, claims, cases[i].method, cases[i].wanted);
    }
    check_claims(HEADER, WITH(",\"scope\":[\"rpc://eth_call\",7,\"rpc:\\/\\/net_*\"]"),
                 "net_version", NULL);
    check_claims(HEADER, WITH(",\"scope\":7"), "net_version", "");
    check_claims(HEADER, WITH(""), "net_version", "");
}

static void test_private_states(void **state)
{
    (void)state;
    static const struct {
        const char *scope, *only, *psi;
        bool has, node, self;
    } cases[] = {
        {"psi://bank?node.eoa=0x0", "bank", "bank", true, true, false},
        {"PSI://Bank?self.eoa=0x00000000000000000000000000000000000000AA", "Bank", "bank", true,
         false, true},
        {"psi://bank?self.eoa=0x1&self.eoa=0x0&node.eoa=0x00000000000000000000000000000000000000ab",
         "bank", "bank", true, false, true},
        {"psi://bank psi://bank?node.eoa=0x0", "bank", "bank", true, true, false},
        {"psi://bank psi://other?node.eoa=0x0",
         "found multiple authorized private state identifiers", "bank", true, false, false},
        {"psi://banks?node.eoa=0x0", "banks", "bank", false, false, false},
        {"psi://?node.eoa=0x0 psi:bank", "no private state identifiers found", "bank", false, false,
         false},
        {"rpc://eth_call", "no private state identifiers found", "bank", false, false, false},
    };
    const struct address account = {{[19] = 0xaa}};
    struct rpc_tokens *tokens = make_tokens();
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        char claims[512];
        struct buf token = BUF_INIT;
        struct bytes only = bytes_none(), psi = bytes_str(cases[i].psi);
        snprintf(claims, sizeof(claims), WITH(",\"scope\":\"%s\""), cases[i].scope);
        sign(&token, HEADER, claims);
        struct bytes field = buf_bytes(&token);
        struct rpc_grant *grant = rpc_tokens_grant(tokens, &field);
        const char *why = rpc_grant_only_psi(grant, &only);
        if (why)
            assert_string_equal(why, cases[i].only);
        else
            assert_true(bytes_equal(only, bytes_str(cases[i].only)));
        assert_int_equal(rpc_grant_has_psi(grant, psi), cases[i].has);
        assert_int_equal(rpc_grant_may_send(grant, psi, &account, false), cases[i].node);
        assert_int_equal(rpc_grant_may_send(grant, psi, &account, true), cases[i].self);
        rpc_grant_free(grant);
        buf_release(&token);
    }
    rpc_tokens_free(tokens);
}

static void test_claims(void **state)
{
    (void)state;
#define ALL ",\"scope\":\"rpc://*_*\""
    check_claims(HEADER, "{\"iss\":\"me\",\"aud\":\"node1\",\"exp\":1700000000.5" ALL "}", "a_b",
                 "token expired");
    check_claims(HEADER, "{\"iss\":\"me\",\"aud\":\"node1\",\"exp\":1700000001.5" ALL "}", "a_b",
                 NULL);
    check_claims(HEADER, "{\"iss\":\"me\",\"aud\":\"node1\"" ALL "}", "a_b",
                 "no expiry claim (exp) in the access token");
    check_claims(HEADER, "{\"iss\":\"me\",\"aud\":\"node1\",\"exp\":\"1700000100\"" ALL "}", "a_b",
                 "no expiry claim (exp) in the access token");
    check_claims(HEADER, "{\"iss\":\"me\",\"aud\":\"node1\",\"exp\":1e99" ALL "}", "a_b",
                 "no expiry claim (exp) in the access token");
    check_claims(HEADER, "{\"iss\":\"me\",\"aud\":\"node1\",\"EXP\":1700000100" ALL "}", "a_b",
                 "no expiry claim (exp) in the access token");
    check_claims(HEADER, WITH(",\"nbf\":1700000061" ALL), "a_b", "token not valid yet");
    check_claims(HEADER, WITH(",\"nbf\":1700000060" ALL), "a_b", NULL);
    check_claims(HEADER, "{\"iss\":\"you\",\"aud\":\"node1\",\"exp\":1700000100" ALL "}", "a_b",
                 "invalid issuer claim (iss)");
    check_claims(HEADER, "{\"iss\":\"me\",\"aud\":\"node12\",\"exp\":1700000100" ALL "}", "a_b",
                 "invalid audience claim (aud)");
    check_claims(HEADER, "{\"iss\":\"me\",\"exp\":1700000100" ALL "}", "a_b",
                 "invalid audience claim (aud)");
    check_claims(HEADER, "[]", "a_b", "malformed access token");
    check_claims(HEADER, WITH(ALL) " x", "a_b", "malformed access token");
}

static void test_headers(void **state)
{
    (void)state;
    static const char unknown[] =
        "algorithm of the access token not supported: RS256, ES256 or HS256";
    static const char bad[] = "invalid signature of the access token";
    check_claims("{\"alg\":\"none\"}", WITH(ALL), "a_b", unknown);
    check_claims("{}", WITH(ALL), "a_b", unknown);
    check_claims("{\"alg\":\"RS256\"}", WITH(ALL), "a_b", bad);
    check_claims("{\"alg\":\"ES256\"}", WITH(ALL), "a_b", bad);
    check_claims("{\"alg\":\"HS256\",\"kid\":\"other\"}", WITH(ALL), "a_b", bad);
    check_claims("{\"alg\":\"HS256\",\"kid\":7}", WITH(ALL), "a_b", "malformed access token");
    check_claims("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", WITH(ALL), "a_b",
                 "access token with extensions that are not known");
    check_claims("{\"alg\":\"HS256\"}", WITH(ALL), "a_b", NULL);
    struct rpc_tokens *tokens = make_tokens();
    check_value(tokens, "", "a_b", "missing access token");
    check_value(tokens, "Basic dTpw", "a_b", "malformed access token");
    check_value(tokens, "Bearer ", "a_b", "malformed access token");
    check_value(tokens, "Bearer a.b", "a_b", "malformed access token");
    check_value(tokens, "Bearer a.b.c.d", "a_b", "malformed access token");
    rpc_tokens_free(tokens);
}

/* A grant outlives those who made it, and ends with its token. */
static void test_grant_expires(void **state)
{
    (void)state;
    const char *text;
    struct rpc_tokens *tokens = make_tokens();
    struct buf token = BUF_INIT;
    sign(&token, HEADER, WITH(ALL));
    struct bytes field = buf_bytes(&token);
    struct rpc_grant *grant = rpc_tokens_grant(tokens, &field);
    buf_release(&token);
    rpc_tokens_free(tokens);
    struct rpc_grant *other = rpc_grant_keep(grant);
    rpc_grant_free(other);
    assert_true(rpc_grant_may_call(grant, bytes_str("eth_call"), &text));
    clock_at += 100;
    assert_false(rpc_grant_may_call(grant, bytes_str("eth_call"), &text));
    assert_string_equal(text, "token expired");
    clock_at -= 100;
    rpc_grant_free(grant);
}

static void test_too_many_scopes(void **state)
{
    (void)state;
    struct buf claims = BUF_INIT;
    buf_append_text(&claims, "{\"iss\":\"me\",\"aud\":\"node1\",\"exp\":1700000100,\"scope\":\"");
    for (int i = 0; i <= RPC_TOKEN_SCOPES_MAX; i++)
        buf_append_text(&claims, "rpc://a_b ");
    buf_append_text(&claims, "\"}");
    check_claims(HEADER, buf_text(&claims), "a_b", "too many scopes in the access token");
    buf_release(&claims);
}

static unsigned missed;

static void count_missing(void *context)
{
    (void)context;
    missed++;
}

/* Keys that come later, from where everybody reads them: HS256's are not taken. */
static void test_published(void **state)
{
    (void)state;
    static const char unknown[] =
        "the issuer's keys are not known yet: the access token cannot be checked";
    static const char bad[] = "invalid signature of the access token";
    struct err_detail detail = {{0}};
    struct rpc_tokens *tokens;
    struct rpc_token_keys *keys;
    struct buf token = BUF_INIT, nameless = BUF_INIT;
    const struct rpc_tokens_options options = {.published = true,
                                               .issuer = "me",
                                               .audience = "node1",
                                               .now = test_now,
                                               .missing = count_missing};
    assert_int_equal(rpc_tokens_new(&tokens, &options, NULL), 0);
    sign(&token, HEADER, WITH(ALL));
    sign(&nameless, "{\"alg\":\"HS256\"}", WITH(ALL));
    check_value(tokens, buf_text(&token), "a_b", unknown);
    check_value(tokens, "Bearer a.b", "a_b", "malformed access token");
    assert_int_equal(missed, 1);
    assert_int_equal(rpc_tokens_set_keys(tokens, bytes_str("{\"keys\":[]}"), &detail), ERR_INPUT);
    assert_string_equal(detail.text, "no key for signatures of RS256 or ES256 in the key set");
    check_value(tokens, buf_text(&token), "a_b", unknown);
    assert_int_equal(rpc_tokens_set_keys(tokens, bytes_str(KEYS), &detail), 0);
    check_value(tokens, buf_text(&token), "a_b", bad); /* and no key of its name */
    assert_int_equal(missed, 3);
    check_value(tokens, buf_text(&nameless), "a_b", bad);
    assert_int_equal(missed, 3);
    rpc_tokens_forget_keys(tokens);
    check_value(tokens, buf_text(&nameless), "a_b", unknown);
    rpc_tokens_free(tokens);
    buf_release(&token);
    buf_release(&nameless);
    assert_int_equal(rpc_token_keys_new(&keys, bytes_str(KEYS), true, NULL), 0);
    assert_true(verify(keys, RPC_TOKEN_RS256, "rsa", RSA_TEXT, RSA_SIGNATURE));
    assert_true(rpc_token_keys_has(keys, bytes_str("rsa")));
    assert_false(rpc_token_keys_has(keys, bytes_str("mac")));
    rpc_token_keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_7515),        cmocka_unit_test(test_bad_keys),
        cmocka_unit_test(test_scopes),          cmocka_unit_test(test_claims),
        cmocka_unit_test(test_headers),         cmocka_unit_test(test_grant_expires),
        cmocka_unit_test(test_too_many_scopes), cmocka_unit_test(test_published),
        cmocka_unit_test(test_private_states),
    };
    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
