#include "rpc/access/token.h"

#include "base/mem.h"
#include "rpc/access/origin.h"
#include "rpc/access/token_key.h"
#include "rpc/access/token_psi.h"
#include "rpc/json/json.h"

#include <time.h>

struct rpc_tokens {
    struct rpc_token_keys *keys; /* NULL: none, now */
    struct buf issuer, audience;
    bool published;
    uint64_t (*now)(void);
    void (*missing)(void *context);
    void *context;
};

/* `rpc://<service>_<method>`; "*" is any. */
struct authority {
    struct bytes service, method;
};

struct rpc_grant {
    size_t owners;
    const char *refusal; /* why nothing is granted; NULL: see the others */
    uint64_t expires;    /* seconds since 1970 */
    uint64_t (*now)(void);
    struct arena arena;
    struct authority authorities[RPC_TOKEN_SCOPES_MAX];
    size_t count;
    struct rpc_token_psi psis[RPC_TOKEN_SCOPES_MAX];
    size_t psi_count;
    bool is_qlight; /* scope p2p://qlight */
};

/* The parts of a token that are looked at. */
struct claims {
    bool has_expiry, issuer_fits, audience_fits;
    uint64_t not_before;
    struct bytes scope; /* JSON */
};

static const char malformed[] = "malformed access token";

static uint64_t clock_now(void)
{
    return (uint64_t)time(NULL);
}

/* --- Reading --- */

static bool name_is(struct bytes key, const char *name)
{
    return bytes_equal(bytes_slice(key, 1, key.len - 2), bytes_str(name));
}

/* Whole seconds of a number without exponent; what is no date is 0. */
static uint64_t read_date(struct bytes value)
{
    uint64_t date = 0;
    size_t i = 0;
    for (; i < value.len && value.data[i] >= '0' && value.data[i] <= '9'; i++) {
        if (date > (UINT64_C(1) << 53))
            return 0;
        date = date * 10 + (uint64_t)(value.data[i] - '0');
    }
    bool fraction = i < value.len && value.data[i] == '.' &&
                    !memchr(value.data + i, 'e', value.len - i) &&
                    !memchr(value.data + i, 'E', value.len - i);
    return i == value.len || fraction ? date : 0;
}

static bool string_is(struct bytes value, struct bytes wanted, struct arena *arena)
{
    return rpc_json_kind(value) == RPC_JSON_STRING &&
           bytes_equal(rpc_json_string(value, arena), wanted);
}

static bool has_string(struct bytes value, struct bytes wanted, struct arena *arena)
{
    struct rpc_json_walk walk;
    struct bytes element;
    if (rpc_json_kind(value) != RPC_JSON_ARRAY)
        return string_is(value, wanted, arena);
    rpc_json_walk_begin(&walk, value);
    while (rpc_json_element(&walk, &element))
        if (string_is(element, wanted, arena))
            return true;
    return false;
}

static void add_scope(struct rpc_grant *grant, struct bytes scope)
{
    static const char prefix[] = "rpc://";
    const size_t len = sizeof(prefix) - 1;
    struct rpc_token_psi psi;
    if (rpc_token_psi_parse(&psi, scope)) {
        if (grant->psi_count == RPC_TOKEN_SCOPES_MAX)
            grant->refusal = "too many scopes in the access token";
        else
            grant->psis[grant->psi_count++] = psi;
        return;
    }
    if (bytes_equal(scope, bytes_str("p2p://qlight")))
        grant->is_qlight = true;
    if (scope.len < len || memcmp(scope.data, prefix, len) != 0)
        return; /* of another service, or another right */
    scope = bytes_slice(scope, len, scope.len - len);
    size_t at = 0;
    while (at < scope.len && scope.data[at] != '_' && scope.data[at] != '.')
        at++;
    if (at == scope.len)
        return;
    struct authority authority = {bytes_slice(scope, 0, at),
                                  bytes_slice(scope, at + 1, scope.len - at - 1)};
    if (!authority.service.len)
        authority.service = bytes_str("*");
    if (!authority.method.len)
        authority.method = bytes_str("*");
    if (grant->count == RPC_TOKEN_SCOPES_MAX)
        grant->refusal = "too many scopes in the access token";
    else
        grant->authorities[grant->count++] = authority;
}

static void add_words(struct rpc_grant *grant, struct bytes value)
{
    struct bytes text = rpc_json_string(value, &grant->arena);
    text = arena_copy(&grant->arena, text); /* without escapes it lies in the token */
    size_t from = 0;
    for (size_t i = 0; text.data && i <= text.len; i++) {
        if (i < text.len && text.data[i] != ' ')
            continue;
        add_scope(grant, bytes_slice(text, from, i - from));
        from = i + 1;
    }
}

static void read_scopes(struct rpc_grant *grant, struct bytes value)
{
    struct rpc_json_walk walk;
    struct bytes element;
    if (rpc_json_kind(value) == RPC_JSON_STRING)
        add_words(grant, value);
    if (rpc_json_kind(value) != RPC_JSON_ARRAY)
        return;
    rpc_json_walk_begin(&walk, value);
    while (rpc_json_element(&walk, &element))
        if (rpc_json_kind(element) == RPC_JSON_STRING)
            add_words(grant, element);
}

static void read_claims(const struct rpc_tokens *tokens, struct rpc_grant *grant, struct bytes json)
{
    struct claims claims = {.issuer_fits = tokens->issuer.len == 0};
    struct rpc_json_walk walk;
    struct bytes name, value;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_member(&walk, &name, &value)) {
        bool is_number = rpc_json_kind(value) == RPC_JSON_NUMBER;
        if (name_is(name, "exp")) {
            grant->expires = is_number ? read_date(value) : 0;
            claims.has_expiry = grant->expires > 0;
        } else if (name_is(name, "nbf")) {
            claims.not_before = is_number ? read_date(value) : UINT64_MAX;
        } else if (name_is(name, "iss")) {
            claims.issuer_fits = tokens->issuer.len == 0 ||
                                 string_is(value, buf_bytes(&tokens->issuer), &grant->arena);
        } else if (name_is(name, "aud")) {
            claims.audience_fits = has_string(value, buf_bytes(&tokens->audience), &grant->arena);
        } else if (name_is(name, "scope")) {
            claims.scope = value;
        }
    }
    uint64_t now = tokens->now();
    if (!claims.has_expiry)
        grant->refusal = "no expiry claim (exp) in the access token";
    else if (now >= grant->expires)
        grant->refusal = "token expired";
    else if (claims.not_before > now + RPC_TOKEN_SKEW)
        grant->refusal = "token not valid yet";
    else if (!claims.issuer_fits)
        grant->refusal = "invalid issuer claim (iss)";
    else if (!claims.audience_fits)
        grant->refusal = "invalid audience claim (aud)";
    else if (claims.scope.len)
        read_scopes(grant, claims.scope);
}

/* --- The token --- */

/* Up to the next '.', which is taken; false when there is none. */
static bool next_part(struct bytes *rest, struct bytes *ret_part)
{
    const uint8_t *dot = rest->len ? memchr(rest->data, '.', rest->len) : NULL;
    if (!dot)
        return false;
    size_t len = (size_t)(dot - rest->data);
    *ret_part = bytes_slice(*rest, 0, len);
    *rest = bytes_slice(*rest, len + 1, rest->len - len - 1);
    return true;
}

/* The object in a part; false when it is none. */
static bool read_object(struct buf *text, struct bytes *ret_json, struct bytes part)
{
    if (rpc_base64url_decode(text, part))
        return false;
    struct bytes whole = buf_bytes(text);
    return rpc_json_first(ret_json, whole) == RPC_JSON_VALUE &&
           rpc_json_kind(*ret_json) == RPC_JSON_OBJECT && rpc_trim(whole).len == ret_json->len;
}

/* The refusal, or NULL with what the header says. */
static const char *read_header(struct bytes json, struct arena *arena,
                               enum rpc_token_algorithm *ret_algorithm, struct bytes *ret_kid)
{
    struct rpc_json_walk walk;
    struct bytes name, value;
    bool known = false;
    rpc_json_walk_begin(&walk, json);
    while (rpc_json_member(&walk, &name, &value)) {
        bool is_string = rpc_json_kind(value) == RPC_JSON_STRING;
        if (name_is(name, "crit") || name_is(name, "b64"))
            return "access token with extensions that are not known"; /* RFC 7515, 4.1.11 */
        if (name_is(name, "alg"))
            known = is_string &&
                    rpc_token_algorithm_parse(ret_algorithm, rpc_json_string(value, arena));
        else if (name_is(name, "kid") && is_string)
            *ret_kid = rpc_json_string(value, arena);
        else if (name_is(name, "kid"))
            return malformed;
    }
    return known ? NULL : "algorithm of the access token not supported: RS256, ES256 or HS256";
}

/* Why the signature does not count, or NULL. */
static const char *check_signature(const struct rpc_tokens *tokens,
                                   enum rpc_token_algorithm algorithm, struct bytes kid,
                                   struct bytes text, struct bytes signature)
{
    bool missing = !tokens->keys || (kid.len && !rpc_token_keys_has(tokens->keys, kid));
    if (missing && tokens->missing)
        tokens->missing(tokens->context);
    if (!tokens->keys)
        return "the issuer's keys are not known yet: the access token cannot be checked";
    return rpc_token_keys_verify(tokens->keys, algorithm, kid, text, signature)
               ? NULL
               : "invalid signature of the access token";
}

static void read_token(const struct rpc_tokens *tokens, struct rpc_grant *grant, struct bytes token)
{
    struct bytes rest = token, header_part, claims_part, json, kid = bytes_none();
    struct buf header = BUF_INIT, claims = BUF_INIT, signature = BUF_INIT;
    enum rpc_token_algorithm algorithm;
    grant->refusal = malformed;
    if (token.len <= RPC_TOKEN_MAX && next_part(&rest, &header_part) &&
        next_part(&rest, &claims_part) && read_object(&header, &json, header_part)) {
        struct bytes text = bytes_slice(token, 0, header_part.len + 1 + claims_part.len);
        grant->refusal = read_header(json, &grant->arena, &algorithm, &kid);
        if (!grant->refusal && rpc_base64url_decode(&signature, rest))
            grant->refusal = "invalid signature of the access token";
        if (!grant->refusal)
            grant->refusal = check_signature(tokens, algorithm, kid, text, buf_bytes(&signature));
        if (!grant->refusal && !read_object(&claims, &json, claims_part))
            grant->refusal = malformed;
        if (!grant->refusal)
            read_claims(tokens, grant, json);
    }
    buf_release(&header);
    buf_release(&claims);
    buf_release(&signature);
}

/* --- Grants --- */

struct rpc_grant *rpc_tokens_grant(const struct rpc_tokens *tokens,
                                   const struct bytes *authorization)
{
    static const char scheme[] = "bearer ";
    const size_t len = sizeof(scheme) - 1;
    struct rpc_grant *grant = mem_alloc_zeroed(1, sizeof(*grant));
    if (!grant)
        return NULL;
    grant->owners = 1;
    grant->now = tokens->now;
    arena_init(&grant->arena);
    struct bytes value = authorization ? rpc_trim(*authorization) : bytes_none();
    bool is_bearer = value.len > len;
    for (size_t i = 0; is_bearer && i < len; i++)
        is_bearer = (value.data[i] | 0x20) == scheme[i];
    if (!value.len)
        grant->refusal = "missing access token";
    else if (!is_bearer)
        grant->refusal = malformed;
    else
        read_token(tokens, grant, rpc_trim(bytes_slice(value, len, value.len - len)));
    return grant;
}

struct rpc_grant *rpc_grant_keep(struct rpc_grant *grant)
{
    if (grant)
        grant->owners++;
    return grant;
}

void rpc_grant_free(struct rpc_grant *grant)
{
    if (!grant || --grant->owners)
        return;
    arena_release(&grant->arena);
    mem_free(grant);
}

static bool fits(struct bytes granted, struct bytes asked)
{
    return bytes_equal(granted, bytes_str("*")) || bytes_equal(granted, asked);
}

bool rpc_grant_may_call(const struct rpc_grant *grant, struct bytes method, const char **ret_text)
{
    *ret_text = grant->refusal;
    if (grant->refusal)
        return false;
    if (grant->now() >= grant->expires) {
        *ret_text = "token expired";
        return false;
    }
    const uint8_t *line = method.len ? memchr(method.data, '_', method.len) : NULL;
    if (!line)
        return false;
    size_t at = (size_t)(line - method.data);
    struct bytes service = bytes_slice(method, 0, at);
    struct bytes name = bytes_slice(method, at + 1, method.len - at - 1);
    for (size_t i = 0; i < grant->count; i++)
        if (fits(grant->authorities[i].service, service) &&
            fits(grant->authorities[i].method, name))
            return true;
    return false;
}

bool rpc_grant_has_psi(const struct rpc_grant *grant, struct bytes psi)
{
    for (size_t i = 0; i < grant->psi_count; i++)
        if (rpc_token_psi_is(&grant->psis[i], psi))
            return true;
    return false;
}

const char *rpc_grant_only_psi(const struct rpc_grant *grant, struct bytes *ret_psi)
{
    if (grant->psi_count == 0)
        return "no private state identifiers found";
    *ret_psi = grant->psis[0].psi;
    for (size_t i = 1; i < grant->psi_count; i++)
        if (!bytes_equal(grant->psis[i].psi, *ret_psi))
            return "found multiple authorized private state identifiers";
    return NULL;
}

bool rpc_grant_may_send(const struct rpc_grant *grant, struct bytes psi,
                        const struct address *account, bool is_raw)
{
    for (size_t i = 0; i < grant->psi_count; i++)
        if (rpc_token_psi_is(&grant->psis[i], psi) &&
            rpc_token_psi_may_send(&grant->psis[i], account, is_raw))
            return true;
    return false;
}

/* The scope rpc://eth_*, as it stands: what stands for more is not enough for GoQuorum. */
static bool has_eth(const struct rpc_grant *grant)
{
    for (size_t i = 0; i < grant->count; i++)
        if (bytes_equal(grant->authorities[i].service, bytes_str("eth")) &&
            bytes_equal(grant->authorities[i].method, bytes_str("*")))
            return true;
    return false;
}

bool rpc_grant_may_qlight(const struct rpc_grant *grant, struct bytes psi, struct err_detail *why)
{
    bool eth = has_eth(grant);
    if (grant->refusal)
        err_set(why, 0, "%s", grant->refusal);
    else if (grant->now() >= grant->expires)
        err_set(why, 0, "token expired");
    else if (!rpc_grant_has_psi(grant, psi))
        err_set(why, 0, "PSI not authorized");
    else if (!grant->is_qlight || !eth)
        err_set(why, 0,
                "The P2P token does not have the necessary authorization p2p=%s rpcETH=%s (scopes "
                "p2p://qlight and rpc://eth_*)",
                grant->is_qlight ? "true" : "false", eth ? "true" : "false");
    else
        return true;
    return false;
}

/* --- Life --- */

int rpc_tokens_new(struct rpc_tokens **ret_tokens, const struct rpc_tokens_options *options,
                   struct err_detail *detail)
{
    if (!options->audience || !options->audience[0])
        return err_set(detail, ERR_INPUT, "access tokens need an audience to be compared with");
    struct rpc_tokens *tokens = mem_alloc_zeroed(1, sizeof(*tokens));
    if (!tokens)
        return err_set(detail, ERR_NOMEM, "access tokens: out of memory");
    tokens->now = options->now ? options->now : clock_now;
    buf_init(&tokens->issuer);
    buf_init(&tokens->audience);
    buf_append_text(&tokens->issuer, options->issuer ? options->issuer : "");
    buf_append_text(&tokens->audience, options->audience);
    tokens->published = options->published;
    tokens->missing = options->missing;
    tokens->context = options->context;
    int status = tokens->published ? 0 : rpc_tokens_set_keys(tokens, options->jwks, detail);
    if (status == 0 && (buf_status(&tokens->issuer) || buf_status(&tokens->audience)))
        status = err_set(detail, ERR_NOMEM, "access tokens: out of memory");
    if (status) {
        rpc_tokens_free(tokens);
        return status;
    }
    *ret_tokens = tokens;
    return 0;
}

int rpc_tokens_set_keys(struct rpc_tokens *tokens, struct bytes jwks, struct err_detail *detail)
{
    struct rpc_token_keys *keys;
    int status = rpc_token_keys_new(&keys, jwks, tokens->published, detail);
    if (status)
        return status;
    rpc_token_keys_free(tokens->keys);
    tokens->keys = keys;
    return 0;
}

void rpc_tokens_forget_keys(struct rpc_tokens *tokens)
{
    rpc_token_keys_free(tokens->keys);
    tokens->keys = NULL;
}

void rpc_tokens_free(struct rpc_tokens *tokens)
{
    if (!tokens)
        return;
    rpc_token_keys_free(tokens->keys);
    buf_release(&tokens->issuer);
    buf_release(&tokens->audience);
    mem_free(tokens);
}
