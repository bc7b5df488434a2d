/* Opening a vault: the connection, and who we are. */
#include "base/file.h"
#include "base/mem.h"
#include "io/address.h"
#include "vault/internal.h"

#include <strings.h>

enum { PEM_MAX = 1 << 20 };

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/token"

static void wipe(struct buf *b)
{
    mem_wipe(b->data, b->capacity);
    buf_release(b);
}

void vault_close(struct vault *vault)
{
    if (!vault)
        return;
    wipe(&vault->token);
    buf_release(&vault->url);
    io_http_caller_free(vault->caller);
    io_tls_free(vault->tls);
    mem_free(vault);
}

static int read_pem(struct buf *ret_text, const char *path, struct err_detail *detail)
{
    return path ? file_read(path, PEM_MAX, ret_text, detail) : 0;
}

static int make_tls(struct vault *vault, const struct vault_options *options,
                    struct err_detail *detail)
{
    struct buf ca = BUF_INIT, certificate = BUF_INIT, key = BUF_INIT;
    int status = read_pem(&ca, options->ca_path, detail);
    if (status == 0)
        status = read_pem(&certificate, options->certificate_path, detail);
    if (status == 0)
        status = read_pem(&key, options->key_path, detail);
    struct io_tls_options tls = {.certificate = buf_bytes(&certificate),
                                 .key = buf_bytes(&key),
                                 .authorities = buf_bytes(&ca),
                                 .system_authorities = !options->ca_path};
    if (status == 0)
        status = io_tls_new(&vault->tls, &tls, detail);
    wipe(&key);
    buf_release(&ca);
    buf_release(&certificate);
    return status;
}

/* Posts what shows who we are (frees it), and keeps the token. */
static int exchange(struct vault *vault, const char *mount, json_t *request,
                    struct err_detail *detail)
{
    struct buf path = BUF_INIT;
    json_t *answer = NULL;
    int status = request ? 0 : err_set(detail, ERR_INPUT, "vault: a credential is no UTF-8 text");
    buf_append_text(&path, "auth/");
    if (status == 0)
        status = vault_path(&path, mount, detail);
    if (status == 0)
        status = vault_ask(vault, &answer, "POST", buf_text(&path), "/login", request, detail);
    const char *token = vault_answer_token(answer);
    if (status == 0 && (!token || strlen(token) > VAULT_TOKEN_MAX))
        status = err_set(detail, ERR_INPUT, "vault %s: the login at %s answered no token",
                         buf_text(&vault->url), buf_text(&path));
    if (status == 0) {
        buf_append_text(&vault->token, token);
        status = buf_status(&vault->token);
    }
    vault_drop(answer);
    vault_drop(request);
    buf_release(&path);
    return status;
}

static int login_kubernetes(struct vault *vault, const struct vault_options *options,
                            struct err_detail *detail)
{
    struct buf jwt = BUF_INIT;
    const char *path = options->jwt_path ? options->jwt_path : SERVICE_ACCOUNT;
    int status = file_read(path, VAULT_TOKEN_MAX, &jwt, detail);
    while (jwt.len && jwt.data[jwt.len - 1] == '\n')
        jwt.len--;
    if (status == 0)
        status =
            exchange(vault, options->mount ? options->mount : "kubernetes",
                     json_pack("{s:s, s:s}", "role", options->role, "jwt", buf_text(&jwt)), detail);
    wipe(&jwt);
    return status;
}

/* A token becomes a header's value. */
static int take_token(struct vault *vault, const char *token, struct err_detail *detail)
{
    size_t len = strlen(token);
    bool good = len > 0 && len <= VAULT_TOKEN_MAX;
    for (size_t i = 0; good && i < len; i++)
        good = token[i] > ' ' && token[i] < 0x7f;
    if (!good)
        return err_set(detail, ERR_USAGE, "vault: the token is empty, too long or no plain text");
    buf_append_text(&vault->token, token);
    return buf_status(&vault->token);
}

static int login(struct vault *vault, const struct vault_options *options,
                 struct err_detail *detail)
{
    switch (options->auth) {
    case VAULT_AUTH_TOKEN:
        if (!options->token)
            return err_set(detail, ERR_USAGE, "vault: there is no token to log in with");
        return take_token(vault, options->token, detail);
    case VAULT_AUTH_APPROLE:
        if (!options->role || !options->secret_id)
            return err_set(detail, ERR_USAGE, "vault: an AppRole has a role id and a secret id");
        return exchange(
            vault, options->mount ? options->mount : "approle",
            json_pack("{s:s, s:s}", "role_id", options->role, "secret_id", options->secret_id),
            detail);
    case VAULT_AUTH_KUBERNETES:
        if (!options->role)
            return err_set(detail, ERR_USAGE, "vault: a login by the service account names a role");
        return login_kubernetes(vault, options, detail);
    }
    return ERR_USAGE;
}

bool vault_is_plain(const char *url)
{
    static const char scheme[] = "http://";
    char host[IO_HOST_MAX + 1];
    struct io_address address;
    if (strncasecmp(url, scheme, strlen(scheme)) != 0)
        return false;
    const char *at = url + strlen(scheme);
    bool bracket = *at == '[';
    at += bracket;
    size_t length = strcspn(at, bracket ? "]" : ":/?#");
    /* Whatever stands before an @ is no host. */
    if (length > IO_HOST_MAX || memchr(at, '@', strcspn(at, "/?#")))
        return true;
    memcpy(host, at, length);
    host[length] = 0;
    if (strcasecmp(host, "localhost") == 0)
        return false;
    return !io_address_parse_ip(&address, host) || !io_address_is_loopback(&address);
}

int vault_open(struct vault **ret_vault, const struct vault_options *options,
               struct err_detail *detail)
{
    if (!options->url || !options->url[0])
        return err_set(detail, ERR_USAGE, "vault: there is no URL of one");
    if (!options->plain_http && vault_is_plain(options->url))
        return err_set(detail, ERR_USAGE,
                       "vault %s: by plain http tokens and keys would go in clear; use https",
                       options->url);
    struct vault *vault = mem_alloc_zeroed(1, sizeof(*vault));
    if (!vault)
        return err_set(detail, ERR_NOMEM, "out of memory");
    size_t len = strlen(options->url);
    while (len && options->url[len - 1] == '/')
        len--;
    buf_append(&vault->url, options->url, len);
    int status = buf_status(&vault->url);
    if (status == 0)
        status = make_tls(vault, options, detail);
    if (status == 0)
        status = io_http_caller_new(&vault->caller, vault->tls);
    if (status == 0)
        status = login(vault, options, detail);
    if (status < 0) {
        vault_close(vault);
        return status;
    }
    *ret_vault = vault;
    return 0;
}
