/* One request and what its answer's status means. */
#include "base/mem.h"
#include "base/percent.h"
#include "vault/internal.h"

#include <stdio.h>

enum {
    TIMEOUT_MS = 10000,
    TEXT_MAX = 160, /* of what a vault says, in a message */
};

int vault_path(struct buf *ret_path, const char *path, struct err_detail *detail)
{
    size_t len = strlen(path);
    bool good = len > 0 && len <= VAULT_PATH_MAX;
    for (const char *at = path; good; at++) {
        size_t segment = strcspn(at, "/");
        good = segment > 0 && strncmp(at, "..", segment) != 0;
        at += segment;
        if (!*at)
            break;
    }
    if (!good)
        return err_set(detail, ERR_USAGE, "vault: '%.100s' is no path of a secret", path);
    percent_append(ret_path, bytes_str(path), "/");
    return buf_status(ret_path);
}

static int send(struct vault *vault, struct io_http_reply *ret_reply, const char *method,
                const char *url, struct bytes body, struct err_detail *detail)
{
    const struct io_http_field fields[] = {{"X-Vault-Request", "true"},
                                           {"Content-Type", "application/json"},
                                           {"X-Vault-Token", buf_text(&vault->token)}};
    struct io_http_call_options call = {.method = method,
                                        .url = url,
                                        .fields = fields,
                                        .field_count = vault->token.len ? 3 : 2,
                                        .body = body,
                                        .has_body = body.len > 0,
                                        .total_ms = TIMEOUT_MS,
                                        .answer_max = VAULT_ANSWER_MAX};
    int status = io_http_caller_run(ret_reply, vault->caller, &call);
    if (status < 0)
        return err_set(detail, status, "%s: %s", url,
                       status == ERR_INPUT ? "no address of a vault" : err_text(status));
    if (ret_reply->fault != IO_HTTP_FAULT_NONE)
        return err_set(detail, ERR_IO, "vault %s: %s: %s", buf_text(&vault->url),
                       io_http_fault_text(ret_reply->fault), ret_reply->message);
    return 0;
}

/* The right in a policy that a request needs. */
static const char *right_of(const char *method)
{
    static const char *const rights[][2] = {
        {"GET", "read"}, {"LIST", "list"}, {"DELETE", "delete"}};
    for (size_t i = 0; i < BASE_COUNT(rights); i++)
        if (strcmp(method, rights[i][0]) == 0)
            return rights[i][1];
    return "create and update";
}

/* A refusal is explained by what the token may do, as far as it may look at itself. */
int vault_refused(struct vault *vault, const char *method, const char *path, const char *says,
                  struct err_detail *detail)
{
    char policies[TEXT_MAX] = "";
    struct buf url = BUF_INIT;
    struct io_http_reply reply;
    json_t *answer = NULL;
    buf_append_format(&url, "%s/v1/auth/token/lookup-self", buf_text(&vault->url));
    vault->refused = true;
    bool looked = vault->token.len &&
                  send(vault, &reply, "GET", buf_text(&url), bytes_none(), NULL) == 0 &&
                  reply.status == 200 && vault_answer_parse(&answer, reply.body) == 0;
    vault_answer_policies(policies, sizeof(policies), answer);
    vault_drop(answer);
    buf_release(&url);
    if (!vault->token.len)
        return err_set(detail, ERR_IO, "vault %s: the login at %s is refused: %s",
                       buf_text(&vault->url), path, says);
    if (!looked)
        return err_set(detail, ERR_IO,
                       "vault %s: %s is refused: %s; the token is unknown, expired or revoked",
                       buf_text(&vault->url), path, says);
    return err_set(detail, ERR_IO,
                   "vault %s: %s is refused: %s; the token's policies (%s) lack %s of \"%s\"",
                   buf_text(&vault->url), path, says, policies, right_of(method), path);
}

static int judge(struct vault *vault, unsigned code, const json_t *answer, const char *method,
                 const char *path, struct err_detail *detail)
{
    char says[TEXT_MAX];
    vault_answer_errors(says, sizeof(says), answer);
    bool logged_in = vault->token.len > 0;
    switch (code) {
    case 200:
    case 204:
        return 0;
    case 403:
        return vault_refused(vault, method, path, says[0] ? says : "permission denied", detail);
    case 404:
        return err_set(detail, ERR_NOTFOUND, "vault %s: there is no %s%s%s", buf_text(&vault->url),
                       path, says[0] ? ": " : "", says);
    case 501:
    case 503:
        return err_set(detail, ERR_IO, "vault %s: %s; initialize or unseal it",
                       buf_text(&vault->url), says[0] ? says : "not ready");
    default:
        if (!logged_in && code == 400)
            return vault_refused(vault, method, path, says, detail);
        return err_set(detail, ERR_IO, "vault %s: %s %s is answered with status %u%s%s",
                       buf_text(&vault->url), method, path, code, says[0] ? ": " : "", says);
    }
}

static int append(const char *text, size_t len, void *context)
{
    buf_append(context, text, len);
    return buf_status(context) ? -1 : 0;
}

int vault_ask(struct vault *vault, json_t **ret_answer, const char *method, const char *path,
              const char *query, json_t *body, struct err_detail *detail)
{
    struct buf text = BUF_INIT, url = BUF_INIT;
    struct io_http_reply reply;
    json_t *answer = NULL;
    vault->refused = false;
    buf_append_format(&url, "%s/v1/%s%s", buf_text(&vault->url), path, query);
    int status = buf_status(&url);
    if (status == 0 && body && json_dump_callback(body, append, &text, JSON_COMPACT) != 0)
        status = ERR_NOMEM;
    if (status < 0)
        (void)err_set(detail, status, "out of memory");
    else
        status = send(vault, &reply, method, buf_text(&url), buf_bytes(&text), detail);
    if (status == 0) {
        bool parsed = vault_answer_parse(&answer, reply.body) == 0;
        status = judge(vault, reply.status, answer, method, path, detail);
        if (status == 0 && !parsed)
            status = err_set(detail, ERR_INPUT, "vault %s: the answer to %s is no JSON",
                             buf_text(&vault->url), path);
    }
    if (status == 0)
        *ret_answer = answer;
    else
        vault_drop(answer);
    mem_wipe(text.data, text.capacity);
    buf_release(&text);
    buf_release(&url);
    return status;
}

int vault_request(struct vault *vault, json_t **ret_answer, const char *method, const char *path,
                  json_t *body, struct err_detail *detail)
{
    struct buf encoded = BUF_INIT;
    int status = vault_path(&encoded, path, detail);
    if (status == 0)
        status = vault_ask(vault, ret_answer, method, buf_text(&encoded), "", body, detail);
    buf_release(&encoded);
    return status;
}

/* What something else holds too is left alone. */
static void wipe(json_t *value)
{
    const char *name;
    size_t index;
    json_t *item;
    if (value->refcount != 1)
        return;
    if (json_is_string(value))
        mem_wipe((char *)json_string_value(value), json_string_length(value));
    json_object_foreach(value, name, item) wipe(item);
    json_array_foreach(value, index, item) wipe(item);
}

void vault_drop(json_t *value)
{
    if (value)
        wipe(value);
    json_decref(value);
}
