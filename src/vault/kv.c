/* The key-value engine: version 1 has a secret at its path, version 2 keeps versions below data/ and names below
 * metadata/. */
#include "vault/internal.h"

#include <inttypes.h>
#include <stdio.h>

int vault_engine(struct vault *vault, enum vault_kv *ret_kv, const char *mount,
                 struct err_detail *detail)
{
    struct buf path = BUF_INIT;
    json_t *answer = NULL;
    buf_append_text(&path, "sys/internal/ui/mounts/");
    int status = vault_path(&path, mount, detail);
    if (status == 0)
        status = vault_ask(vault, &answer, "GET", buf_text(&path), "", NULL, detail);
    if (status == 0) {
        status = vault_answer_engine(ret_kv, answer);
        if (status == ERR_UNSUPPORTED)
            (void)err_set(detail, status, "vault %s: %s is no key-value engine",
                          buf_text(&vault->url), mount);
        else if (status < 0)
            (void)err_set(detail, status, "vault %s: the answer about %s tells no engine",
                          buf_text(&vault->url), mount);
    } else if (status == ERR_IO && vault->refused) {
        /* A mount that is not there is refused like one that the token may not see. */
        (void)err_prefix(detail, status, "is a key-value engine mounted at %s?", mount);
    }
    vault_drop(answer);
    buf_release(&path);
    return status;
}

static int mounted(struct vault *vault, bool *ret_is, const char *mount, struct err_detail *detail)
{
    json_t *answer = NULL;
    char name[VAULT_PATH_MAX + 2];
    int status = vault_ask(vault, &answer, "GET", "sys/mounts", "", NULL, detail);
    if (status < 0)
        return status;
    snprintf(name, sizeof(name), "%s/", mount);
    *ret_is =
        json_object_get(answer, name) || json_object_get(json_object_get(answer, "data"), name);
    vault_drop(answer);
    return 0;
}

int vault_engine_ensure(struct vault *vault, const char *mount, enum vault_kv kv,
                        struct err_detail *detail)
{
    struct buf path = BUF_INIT;
    json_t *answer = NULL;
    bool is = false;
    buf_append_text(&path, "sys/mounts/");
    int status = vault_path(&path, mount, detail);
    if (status == 0)
        status = mounted(vault, &is, mount, detail);
    if (status == 0 && !is) {
        json_t *body = json_pack("{s:s, s:{s:s}}", "type", "kv", "options", "version",
                                 kv == VAULT_KV_1 ? "1" : "2");
        status = body ? vault_ask(vault, &answer, "POST", buf_text(&path), "", body, detail)
                      : err_set(detail, ERR_NOMEM, "out of memory");
        json_decref(body);
    }
    vault_drop(answer);
    buf_release(&path);
    return status;
}

/* "<mount>/<folder><path>", where the folder is version 2's. */
static int place(struct vault *vault, struct buf *ret_path, enum vault_kv *kv, const char *mount,
                 const char *folder, const char *path, struct err_detail *detail)
{
    int status = *kv == VAULT_KV_ASK ? vault_engine(vault, kv, mount, detail) : 0;
    if (status == 0)
        status = vault_path(ret_path, mount, detail);
    if (*kv == VAULT_KV_2)
        buf_append_text(ret_path, folder);
    if (status == 0 && path[0]) {
        buf_append_byte(ret_path, '/');
        status = vault_path(ret_path, path, detail);
    }
    return status;
}

int vault_read(struct vault *vault, json_t **ret_fields, const char *mount, const char *path,
               enum vault_kv kv, uint64_t version, struct err_detail *detail)
{
    struct buf at = BUF_INIT;
    json_t *answer = NULL;
    char query[40] = "";
    int status = path[0] ? place(vault, &at, &kv, mount, "/data", path, detail)
                         : err_set(detail, ERR_USAGE, "vault: a secret has a path");
    if (status == 0 && version && kv == VAULT_KV_1)
        status = err_set(detail, ERR_USAGE,
                         "vault: %s/%s: version %" PRIu64
                         " is asked for, and an engine of version 1 keeps the newest alone",
                         mount, path, version);
    if (version)
        snprintf(query, sizeof(query), "?version=%" PRIu64, version);
    if (status == 0)
        status = vault_ask(vault, &answer, "GET", buf_text(&at), query, NULL, detail);
    if (status == 0) {
        status = vault_answer_fields(ret_fields, answer, kv);
        if (status == ERR_NOTFOUND)
            (void)err_set(detail, status, "vault %s: %s has been deleted", buf_text(&vault->url),
                          buf_text(&at));
        else if (status < 0)
            (void)err_set(detail, status, "vault %s: %s holds no fields", buf_text(&vault->url),
                          buf_text(&at));
    }
    vault_drop(answer);
    buf_release(&at);
    return status;
}

int vault_field(const char **ret_text, const json_t *fields, const char *path, const char *name,
                struct err_detail *detail)
{
    const char *text = json_string_value(json_object_get(fields, name));
    if (!text || !text[0])
        return err_set(detail, ERR_NOTFOUND, "vault: the secret %s has no %s", path, name);
    *ret_text = text;
    return 0;
}

static int must_be_free(struct vault *vault, const char *at, struct err_detail *detail)
{
    json_t *answer = NULL;
    int status = vault_ask(vault, &answer, "GET", at, "", NULL, detail);
    vault_drop(answer);
    if (status == ERR_NOTFOUND)
        return 0;
    return status < 0 ? status
                      : err_set(detail, ERR_EXISTS, "vault %s: %s is there already",
                                buf_text(&vault->url), at);
}

int vault_write(struct vault *vault, const char *mount, const char *path, enum vault_kv kv,
                json_t *fields, bool create, struct err_detail *detail)
{
    struct buf at = BUF_INIT;
    json_t *answer = NULL, *body = NULL;
    int status = path[0] ? place(vault, &at, &kv, mount, "/data", path, detail)
                         : err_set(detail, ERR_USAGE, "vault: a secret has a path");
    if (status == 0 && create)
        status = must_be_free(vault, buf_text(&at), detail);
    if (status == 0) {
        body = kv == VAULT_KV_1 ? json_incref(fields)
               : create         ? json_pack("{s:{s:i}, s:O}", "options", "cas", 0, "data", fields)
                                : json_pack("{s:O}", "data", fields);
        status = body ? vault_ask(vault, &answer, "POST", buf_text(&at), "", body, detail)
                      : err_set(detail, ERR_NOMEM, "out of memory");
    }
    json_decref(body);
    vault_drop(answer);
    buf_release(&at);
    return status;
}

static bool has_right(const json_t *rights)
{
    static const char *const good[] = {"create", "update", "root"};
    size_t i;
    json_t *right;
    json_array_foreach(rights, i, right)
    {
        for (size_t j = 0; j < BASE_COUNT(good); j++)
            if (json_is_string(right) && strcmp(json_string_value(right), good[j]) == 0)
                return true;
    }
    return false;
}

int vault_may_write(struct vault *vault, const char *mount, const char *path, enum vault_kv kv,
                    struct err_detail *detail)
{
    struct buf at = BUF_INIT;
    json_t *answer = NULL;
    int status = place(vault, &at, &kv, mount, "/data", path, detail);
    json_t *body = json_pack("{s:[s]}", "paths", buf_text(&at));
    if (status == 0 && !body)
        status = err_set(detail, ERR_NOMEM, "out of memory");
    /* Every token may ask this of itself, unless its policies forbid it. */
    bool told = status == 0 &&
                vault_ask(vault, &answer, "POST", "sys/capabilities-self", "", body, NULL) == 0;
    const json_t *rights = json_object_get(json_object_get(answer, "data"), buf_text(&at));
    if (told && json_is_array(rights) && !has_right(rights))
        status = vault_refused(vault, "POST", buf_text(&at), "permission denied", detail);
    json_decref(body);
    vault_drop(answer);
    buf_release(&at);
    return status;
}

/* Asks about what the vault keeps beside the secrets. `at` and the answer are the caller's to release, always. */
static int ask_metadata(struct vault *vault, json_t **ret_answer, struct buf *at, enum vault_kv *kv,
                        const char *method, const char *mount, const char *path,
                        struct err_detail *detail)
{
    int status = place(vault, at, kv, mount, "/metadata", path, detail);
    return status ? status : vault_ask(vault, ret_answer, method, buf_text(at), "", NULL, detail);
}

int vault_versions(struct vault *vault, uint64_t *ret_count, const char *mount, const char *path,
                   enum vault_kv kv, struct err_detail *detail)
{
    struct buf at = BUF_INIT;
    json_t *answer = NULL;
    int status = ask_metadata(vault, &answer, &at, &kv, "GET", mount, path, detail);
    json_int_t count =
        json_integer_value(json_object_get(json_object_get(answer, "data"), "current_version"));
    if (status == 0)
        *ret_count = kv == VAULT_KV_1 || count < 1 ? 1 : (uint64_t)count;
    vault_drop(answer);
    buf_release(&at);
    return status;
}

int vault_list(struct vault *vault, json_t **ret_names, const char *mount, const char *path,
               enum vault_kv kv, struct err_detail *detail)
{
    struct buf at = BUF_INIT;
    json_t *answer = NULL;
    int status = ask_metadata(vault, &answer, &at, &kv, "LIST", mount, path, detail);
    if (status == 0) {
        status = vault_answer_names(ret_names, answer);
        if (status < 0)
            (void)err_set(detail, status, "vault %s: the answer about %s lists no names",
                          buf_text(&vault->url), buf_text(&at));
    } else if (status == ERR_NOTFOUND) {
        *ret_names = json_array();
        status = *ret_names ? 0 : err_set(detail, ERR_NOMEM, "out of memory");
    }
    vault_drop(answer);
    buf_release(&at);
    return status;
}
