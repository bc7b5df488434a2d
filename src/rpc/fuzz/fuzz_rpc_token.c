/* Any bytes as a key set, as the value of an Authorization field, and as the claims of a token with a good signature: only
 * what such a token grants may be called. */
#include "base/base64.h"
#include "base/fuzz/fuzz.h"
#include "rpc/access/token.h"
#include "rpc/access/token_key.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SECRET "0123456789abcdef0123456789abcdef0123456789a"
#define KEYS   "{\"keys\":[{\"kty\":\"oct\",\"k\":\"" SECRET "\"}]}"

static uint64_t fuzz_now(void)
{
    return 1700000000;
}

static void append_url(struct buf *b, struct bytes data)
{
    struct buf text = BUF_INIT;
    base64_append(&text, data);
    for (size_t i = 0; i < text.len && text.data[i] != '='; i++)
        buf_append_byte(b, text.data[i] == '+' ? '-' : text.data[i] == '/' ? '_' : text.data[i]);
    buf_release(&text);
}

static bool try_value(const struct rpc_tokens *tokens, struct bytes value)
{
    const char *text;
    struct rpc_grant *grant = rpc_tokens_grant(tokens, &value);
    require(grant != NULL);
    bool may = rpc_grant_may_call(grant, bytes_str("eth_call"), &text);
    require(!may || !text);
    rpc_grant_free(grant);
    return may;
}

static void try_claims(const struct rpc_tokens *tokens, struct bytes claims)
{
    struct buf token = BUF_INIT, secret = BUF_INIT;
    uint8_t mac[32];
    unsigned len = 0;
    append_url(&token, bytes_str("{\"alg\":\"HS256\"}"));
    buf_append_byte(&token, '.');
    append_url(&token, claims);
    require(rpc_base64url_decode(&secret, bytes_str(SECRET)) == 0);
    require(HMAC(EVP_sha256(), secret.data, (int)secret.len, token.data, token.len, mac, &len));
    buf_append_byte(&token, '.');
    append_url(&token, bytes_of(mac, len));
    struct buf value = BUF_INIT;
    buf_append_format(&value, "Bearer %s", buf_text(&token));
    (void)try_value(tokens, buf_bytes(&value));
    buf_release(&value);
    buf_release(&token);
    buf_release(&secret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rpc_tokens *tokens;
    const struct rpc_tokens_options options = {
        .jwks = bytes_str(KEYS), .audience = "n", .now = fuzz_now};
    struct rpc_token_keys *keys;
    if (!tokens)
        require(rpc_tokens_new(&tokens, &options, NULL) == 0);
    if (rpc_token_keys_new(&keys, bytes_of(data, size), size % 2 != 0, NULL) == 0)
        rpc_token_keys_free(keys);
    /* Nobody guesses the signature. */
    require(!try_value(tokens, bytes_of(data, size)));
    try_claims(tokens, bytes_of(data, size));
    return 0;
}
