#include "deploy/kubernetes/access.h"

#include "deploy/secrets/vault.h"

#include <stdio.h>

enum {
    TOKEN_SECONDS = 120, /* of a pod's login: it reads three secrets and is done */
    PATH_MAX_TEXT = 2 * DEPLOY_CLUSTER_NAME_MAX,
};

static const char *mount_of(const struct deploy_organization *organization)
{
    const char *mount = organization->vault->secret_path.text;
    return mount ? mount : "secret";
}

void deploy_access_policy(struct buf *text, const struct deploy_organization *organization)
{
    static const char *const folders[] = {"crypto", "smartContracts"};
    char namespace[64];
    deploy_namespace(namespace, sizeof(namespace), organization);
    buf_append_format(text,
                      "# What the pods of %s may read. \"data\" is version 2 of the engine.\n",
                      organization->name.text);
    for (size_t i = 0; i < 2 * BASE_COUNT(folders); i++)
        buf_append_format(text,
                          "path \"%s/%s%s/%s/*\" {\n  capabilities = [\"read\", \"list\"]\n}\n",
                          mount_of(organization), i % 2 ? "data/" : "", namespace, folders[i / 2]);
}

json_t *deploy_access_role(const struct deploy_organization *organization)
{
    char namespace[64], policy[DEPLOY_CLUSTER_NAME_MAX];
    deploy_namespace(namespace, sizeof(namespace), organization);
    deploy_name_policy(policy, organization);
    return json_pack("{s:[s], s:[s], s:[s], s:i, s:i}", "bound_service_account_names",
                     DEPLOY_ACCOUNT_PODS, "bound_service_account_namespaces", namespace,
                     "token_policies", policy, "token_ttl", TOKEN_SECONDS, "token_max_ttl",
                     TOKEN_SECONDS);
}

json_t *deploy_access_config(const char *host, const char *ca)
{
    /* Whoever reviews must not use the account of the vault's own pod. */
    return json_pack("{s:s, s:b, s:s}", "kubernetes_host", host, "disable_local_ca_jwt", 1,
                     "kubernetes_ca_cert", ca);
}

struct setting {
    struct vault *vault;
    bool look_only;
    deploy_access_fn *tell;
    void *context;
};

/* Whether `there` says all that `wanted` does; the vault adds members of its own. */
static bool covers(const json_t *there, const json_t *wanted)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
    {
        if (!json_equal(json_object_get(there, key), value))
            return false;
    }
    return true;
}

static void tell(const struct setting *s, const char *what, const char *name, bool changed)
{
    char text[PATH_MAX_TEXT];
    snprintf(text, sizeof(text), "%s %s", what, name);
    s->tell(s->context, text, changed);
}

/* Reads what is at a path, and writes `wanted` when it is not that. */
static int compare_and_set(const struct setting *s, const char *what, const char *name,
                           const char *path, json_t *wanted, struct err_detail *detail)
{
    json_t *answer = NULL;
    if (!wanted)
        return err_set(detail, ERR_NOMEM, "out of memory");
    int status = vault_request(s->vault, &answer, "GET", path, NULL, detail);
    bool same = status == ERR_OK && covers(json_object_get(answer, "data"), wanted);
    vault_drop(answer);
    if (status != ERR_OK && status != ERR_NOTFOUND)
        return status;
    tell(s, what, name, !same);
    if (same || s->look_only)
        return ERR_OK;
    answer = NULL;
    status = vault_request(s->vault, &answer, "POST", path, wanted, detail);
    vault_drop(answer);
    return status;
}

static int ensure_method(const struct setting *s, const char *mount, bool *ret_there,
                         struct err_detail *detail)
{
    char key[DEPLOY_CLUSTER_NAME_MAX + 1], path[PATH_MAX_TEXT];
    json_t *answer = NULL;
    int status = vault_request(s->vault, &answer, "GET", "sys/auth", NULL, detail);
    snprintf(key, sizeof(key), "%s/", mount);
    const json_t *method = json_object_get(json_object_get(answer, "data"), key);
    const char *type = json_string_value(json_object_get(method, "type"));
    if (status == ERR_OK && type && strcmp(type, "kubernetes") != 0)
        status = err_set(detail, ERR_EXISTS,
                         "the vault has a login method %s of type %s; another is in the way", mount,
                         type);
    *ret_there = type != NULL;
    vault_drop(answer);
    if (status != ERR_OK)
        return status;
    tell(s, "login method", mount, !*ret_there);
    if (*ret_there || s->look_only)
        return ERR_OK;
    json_t *body = json_pack("{s:s, s:s}", "type", "kubernetes", "description",
                             "pods of one organization, set up by quorate");
    snprintf(path, sizeof(path), "sys/auth/%s", mount);
    answer = NULL;
    status = vault_request(s->vault, &answer, "POST", path, body, detail);
    vault_drop(answer);
    json_decref(body);
    return status;
}

int deploy_access_ensure(struct vault *vault, const struct deploy_organization *organization,
                         const json_t *config, bool look_only, deploy_access_fn *tell_fn,
                         void *context, struct err_detail *detail)
{
    const struct setting s = {vault, look_only, tell_fn, context};
    char mount[DEPLOY_CLUSTER_NAME_MAX], policy[DEPLOY_CLUSTER_NAME_MAX], path[PATH_MAX_TEXT];
    struct buf text = BUF_INIT;
    bool there = false;
    deploy_name_auth_mount(mount, organization);
    deploy_name_policy(policy, organization);
    deploy_access_policy(&text, organization);
    json_t *rules = json_pack("{s:s}", "policy", buf_text(&text));
    json_t *role = deploy_access_role(organization);
    snprintf(path, sizeof(path), "sys/policies/acl/%s", policy);
    int status = compare_and_set(&s, "policy", policy, path, rules, detail);
    if (status == ERR_OK)
        status = ensure_method(&s, mount, &there, detail);
    if (status == ERR_OK && (there || !look_only)) {
        snprintf(path, sizeof(path), "auth/%s/config", mount);
        status = compare_and_set(&s, "login configuration", mount, path,
                                 (json_t *)(uintptr_t)config, detail);
    }
    if (status == ERR_OK && (there || !look_only)) {
        snprintf(path, sizeof(path), "auth/%s/role/%s", mount, DEPLOY_VAULT_ROLE);
        status = compare_and_set(&s, "role", DEPLOY_VAULT_ROLE, path, role, detail);
    }
    json_decref(rules);
    json_decref(role);
    buf_release(&text);
    return status;
}

static int take_away(struct vault *vault, const char *path, struct err_detail *detail)
{
    json_t *answer = NULL;
    int status = vault_request(vault, &answer, "DELETE", path, NULL, detail);
    vault_drop(answer);
    return status == ERR_NOTFOUND ? ERR_OK : status;
}

/* Everything below "<namespace>/crypto" and the authority, with all versions: deleting alone would leave them recoverable. */
static int remove_secrets(struct vault *vault, const struct deploy_organization *organization,
                          struct err_detail *detail)
{
    const char *mount = mount_of(organization);
    char namespace[64], folder[PATH_MAX_TEXT], path[2 * PATH_MAX_TEXT + 192];
    enum vault_kv kv = VAULT_KV_ASK;
    json_t *peers = NULL, *names = NULL, *peer, *name;
    size_t i, j;
    deploy_namespace(namespace, sizeof(namespace), organization);
    snprintf(folder, sizeof(folder), "%s/crypto", namespace);
    int status = vault_engine(vault, &kv, mount, detail);
    if (status == ERR_OK)
        status = vault_list(vault, &peers, mount, folder, kv, detail);
    json_array_foreach(peers, i, peer)
    {
        snprintf(path, sizeof(path), "%s/%.*s", folder, (int)strcspn(json_string_value(peer), "/"),
                 json_string_value(peer));
        char below[PATH_MAX_TEXT];
        snprintf(below, sizeof(below), "%.250s", path);
        names = NULL;
        if (status == ERR_OK)
            status = vault_list(vault, &names, mount, below, kv, detail);
        json_array_foreach(names, j, name)
        {
            snprintf(path, sizeof(path), "%s/%s%s/%s", mount, kv == VAULT_KV_2 ? "metadata/" : "",
                     below, json_string_value(name));
            if (status == ERR_OK)
                status = take_away(vault, path, detail);
        }
        json_decref(names);
    }
    json_decref(peers);
    snprintf(path, sizeof(path), "%s/%s%s/authority", mount, kv == VAULT_KV_2 ? "metadata/" : "",
             namespace);
    return status == ERR_OK ? take_away(vault, path, detail) : status;
}

int deploy_access_remove(struct vault *vault, const struct deploy_organization *organization,
                         bool secrets, struct err_detail *detail)
{
    char name[DEPLOY_CLUSTER_NAME_MAX], path[PATH_MAX_TEXT];
    deploy_name_auth_mount(name, organization);
    snprintf(path, sizeof(path), "sys/auth/%s", name);
    int status = take_away(vault, path, detail);
    if (status == ERR_OK) {
        deploy_name_policy(name, organization);
        snprintf(path, sizeof(path), "sys/policies/acl/%s", name);
        status = take_away(vault, path, detail);
    }
    return status == ERR_OK && secrets ? remove_secrets(vault, organization, detail) : status;
}
