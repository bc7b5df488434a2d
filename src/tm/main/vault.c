#include "tm/main/vault.h"

#include "base/base64.h"
#include "base/file.h"
#include "base/mem.h"
#include "io/http_client.h"

#include <jansson.h>
#include <stdio.h>

enum {
    ANSWER_MAX = 1 << 20,
    TIMEOUT_MS = 10000,
    TOKEN_MAX = 16 << 10,
};

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/token"

struct tm_vault {
    struct io_http_caller *caller;
    struct io_tls *tls;
    const char *url;
    struct buf token;
};

void tm_vault_free(struct tm_vault *vault)
{
    if (!vault)
        return;
    if (vault->token.data)
        mem_wipe(vault->token.data, vault->token.capacity);
    buf_release(&vault->token);
    io_http_caller_free(vault->caller);
    io_tls_free(vault->tls);
    mem_free(vault);
}

/* Asks, and reads the JSON of an answer of 200. *ret_json is the caller's. */
static int ask(struct tm_vault *vault, json_t **ret_json, const char *method, const char *path,
               struct bytes body, struct err_detail *detail)
{
    struct buf url = BUF_INIT;
    size_t len = strlen(vault->url);
    buf_append(&url, vault->url, len && vault->url[len - 1] == '/' ? len - 1 : len);
    buf_append_text(&url, path);
    const struct io_http_field fields[] = {{"X-Vault-Request", "true"},
                                           {"Content-Type", "application/json"},
                                           {"X-Vault-Token", buf_text(&vault->token)}};
    struct io_http_call_options call = {.method = method,
                                        .url = buf_text(&url),
                                        .fields = fields,
                                        .field_count = vault->token.len ? 3 : 2,
                                        .body = body,
                                        .has_body = body.len > 0,
                                        .total_ms = TIMEOUT_MS,
                                        .answer_max = ANSWER_MAX};
    struct io_http_reply reply;
    int status = io_http_caller_run(&reply, vault->caller, &call);
    if (status < 0)
        status = err_set(detail, status, "%s: not an address of a vault", vault->url);
    else if (reply.fault != IO_HTTP_FAULT_NONE)
        status = err_set(detail, ERR_IO, "vault %s: %s: %s", vault->url,
                         io_http_fault_text(reply.fault), reply.message);
    else if (reply.status == 404)
        status = err_set(detail, ERR_NOTFOUND, "vault %s: there is no %s", vault->url, path);
    else if (reply.status != 200 && reply.status != 204)
        status = err_set(detail, ERR_IO, "vault %s: %s is refused with status %u", vault->url, path,
                         reply.status);
    else
        *ret_json = json_loadb((const char *)reply.body.data, reply.body.len, 0, NULL);
    if (status == 0 && !*ret_json && reply.status == 200)
        status =
            err_set(detail, ERR_INPUT, "vault %s: the answer to %s is no JSON", vault->url, path);
    buf_release(&url);
    return status;
}

static int append(const char *text, size_t len, void *context)
{
    buf_append(context, text, len);
    return buf_status(context) ? -1 : 0;
}

/* Posts a request that holds a secret; frees it. */
static int post(struct tm_vault *vault, json_t **ret_json, const char *path, json_t *request,
                struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    int status = ERR_NOMEM;
    if (request && json_dump_callback(request, append, &text, JSON_COMPACT) == 0)
        status = ask(vault, ret_json, "POST", path, buf_bytes(&text), detail);
    else
        (void)err_set(detail, status, "out of memory");
    if (text.data)
        mem_wipe(text.data, text.capacity);
    buf_release(&text);
    json_decref(request);
    return status;
}

static int login(struct tm_vault *vault, const char *path, json_t *request,
                 struct err_detail *detail)
{
    json_t *answer = NULL;
    int status = post(vault, &answer, path, request, detail);
    const char *token =
        json_string_value(json_object_get(json_object_get(answer, "auth"), "client_token"));
    if (status == 0 && !token)
        status = err_set(detail, ERR_INPUT, "vault %s: the login answered no token", vault->url);
    if (status == 0)
        buf_append_text(&vault->token, token);
    json_decref(answer);
    return status;
}

static int login_kubernetes(struct tm_vault *vault, const struct tm_config_vault *config,
                            struct err_detail *detail)
{
    const char *path = getenv("KUBERNETES_SERVICE_ACCOUNT_TOKEN_FILE");
    struct buf jwt = BUF_INIT;
    int status = file_read(path ? path : SERVICE_ACCOUNT, TOKEN_MAX, &jwt, detail);
    while (jwt.len && jwt.data[jwt.len - 1] == '\n')
        jwt.len--;
    char at[256];
    snprintf(at, sizeof(at), "/v1/auth/%.200s/login", config->kubernetes_path);
    if (status == 0)
        status =
            login(vault, at,
                  json_pack("{s:s, s:s}", "role", config->kubernetes_role, "jwt", buf_text(&jwt)),
                  detail);
    if (jwt.data)
        mem_wipe(jwt.data, jwt.capacity);
    buf_release(&jwt);
    return status;
}

static int log_in(struct tm_vault *vault, const struct tm_config_vault *config,
                  struct err_detail *detail)
{
    const char *role = getenv("HASHICORP_ROLE_ID"), *secret = getenv("HASHICORP_SECRET_ID");
    const char *token = getenv("HASHICORP_TOKEN");
    char at[256];
    if (role && secret) {
        snprintf(at, sizeof(at), "/v1/auth/%.200s/login", config->approle_path);
        return login(vault, at, json_pack("{s:s, s:s}", "role_id", role, "secret_id", secret),
                     detail);
    }
    if (role || secret)
        return err_set(detail, ERR_USAGE,
                       "vault: HASHICORP_ROLE_ID and HASHICORP_SECRET_ID go together");
    if (config->kubernetes_role)
        return login_kubernetes(vault, config, detail);
    if (!token)
        return err_set(
            detail, ERR_USAGE,
            "vault: set HASHICORP_TOKEN, or HASHICORP_ROLE_ID with HASHICORP_SECRET_ID, or "
            "kubernetesRole in the vault's properties");
    buf_append_text(&vault->token, token);
    return buf_status(&vault->token);
}

static int read_file(struct buf *ret_text, const char *path, struct err_detail *detail)
{
    return path ? file_read(path, ANSWER_MAX, ret_text, detail) : 0;
}

static int make_tls(struct tm_vault *vault, const struct tm_config_vault *config,
                    struct err_detail *detail)
{
    struct buf ca = BUF_INIT, certificate = BUF_INIT, key = BUF_INIT;
    int status = read_file(&ca, config->ca_path, detail);
    if (status == 0)
        status = read_file(&certificate, config->certificate_path, detail);
    if (status == 0)
        status = read_file(&key, config->key_path, detail);
    struct io_tls_options options = {.certificate = buf_bytes(&certificate),
                                     .key = buf_bytes(&key),
                                     .authorities = buf_bytes(&ca),
                                     .system_authorities = !config->ca_path};
    if (status == 0)
        status = io_tls_new(&vault->tls, &options, detail);
    if (key.data)
        mem_wipe(key.data, key.capacity);
    buf_release(&ca);
    buf_release(&certificate);
    buf_release(&key);
    return status;
}

static int open_vault(struct tm_vault **ret_vault, const struct tm_config_vault *config,
                      struct err_detail *detail)
{
    if (!config->url)
        return err_set(detail, ERR_USAGE,
                       "a key lies in a vault, and keys.keyVaultConfigs names no url of one");
    struct tm_vault *vault = mem_alloc_zeroed(1, sizeof(*vault));
    if (!vault)
        return err_set(detail, ERR_NOMEM, "out of memory");
    vault->url = config->url;
    int status = make_tls(vault, config, detail);
    if (status == 0)
        status = io_http_caller_new(&vault->caller, vault->tls);
    if (status == 0)
        status = log_in(vault, config, detail);
    if (status < 0) {
        tm_vault_free(vault);
        return status;
    }
    *ret_vault = vault;
    return 0;
}

static int take_key(struct crypto_secret **ret_private, struct buf *ret_public, json_t *data,
                    const struct tm_config_key *key, struct err_detail *detail)
{
    const char *private = json_string_value(json_object_get(data, key->vault_private));
    const char *public = json_string_value(json_object_get(data, key->vault_public));
    struct buf bytes = BUF_INIT;
    int status = private && public ? base64_decode(&bytes, bytes_str(private)) : ERR_INPUT;
    if (status == 0)
        status = base64_decode(ret_public, bytes_str(public));
    if (status == 0)
        status = crypto_secret_copy(ret_private, buf_bytes(&bytes));
    if (bytes.data)
        mem_wipe(bytes.data, bytes.capacity);
    buf_release(&bytes);
    if (status == ERR_INPUT)
        status =
            err_set(detail, ERR_INPUT, "vault: secret %s has no base64 in its members %s and %s",
                    key->vault_secret, key->vault_public, key->vault_private);
    return status;
}

int tm_vault_key(struct tm_vault **vault, struct crypto_secret **ret_private,
                 struct buf *ret_public, const struct tm_config_vault *config,
                 const struct tm_config_key *key, struct err_detail *detail)
{
    int status = *vault ? 0 : open_vault(vault, config, detail);
    if (status < 0)
        return status;
    char path[512];
    snprintf(path, sizeof(path), "/v1/%.200s/data/%.200s?version=%llu", key->vault_engine,
             key->vault_secret, (unsigned long long)key->vault_version);
    json_t *answer = NULL;
    status = ask(*vault, &answer, "GET", path, bytes_none(), detail);
    if (status == 0)
        status = take_key(ret_private, ret_public,
                          json_object_get(json_object_get(answer, "data"), "data"), key, detail);
    json_decref(answer);
    return status;
}

int tm_vault_write(struct tm_vault **vault, const struct tm_config_vault *config,
                   const char *engine, const char *secret, const char *public_key,
                   const char *private_key, struct err_detail *detail)
{
    int status = *vault ? 0 : open_vault(vault, config, detail);
    if (status < 0)
        return status;
    char path[512];
    snprintf(path, sizeof(path), "/v1/%.200s/data/%.200s", engine, secret);
    json_t *request =
        json_pack("{s:{s:s, s:s}}", "data", "publicKey", public_key, "privateKey", private_key);
    json_t *answer = NULL;
    status = post(*vault, &answer, path, request, detail);
    json_decref(answer);
    return status;
}
