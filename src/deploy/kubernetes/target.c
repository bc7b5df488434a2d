#include "deploy/kubernetes/target.h"

#include "base/file.h"
#include "deploy/kubernetes/access.h"
#include "deploy/kubernetes/kubectl.h"
#include "deploy/kubernetes/objects.h"
#include "deploy/kubernetes/values.h"
#include "deploy/local/site.h"
#include "deploy/secrets/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void deploy_target_tell(struct deploy_changes *changes, const char *organization, const char *what,
                        bool changed, bool look_only)
{
    if (!changed)
        return;
    changes->count++;
    if (changes->list) {
        json_array_append_new(changes->list,
                              json_pack("{s:s?, s:s}", "organization", organization, "what", what));
        return;
    }
    printf("%-6s %s%s%s\n", look_only ? "would" : "made", organization ? organization : "",
           organization ? ": " : "", what);
    fflush(stdout);
}

/* --- Vaults --- */

struct teller {
    struct deploy_changes *changes;
    const char *organization;
    bool look_only;
};

static void tell_access(void *context, const char *what, bool changed)
{
    const struct teller *t = context;
    deploy_target_tell(t->changes, t->organization, what, changed, t->look_only);
}

/* Known to be missing; a token that may not look at the mounts leaves it to those who use the engine. */
static bool lacks_engine(struct vault *vault, const char *mount)
{
    char key[DEPLOY_CLUSTER_NAME_MAX];
    json_t *answer = NULL;
    snprintf(key, sizeof(key), "%.120s/", mount);
    bool lacks = vault_request(vault, &answer, "GET", "sys/mounts", NULL, NULL) == ERR_OK &&
                 !json_object_get(json_object_get(answer, "data"), key);
    vault_drop(answer);
    return lacks;
}

static int set_engine(struct vault *vault, const struct deploy_organization *organization,
                      const char *mount, bool look_only, struct deploy_changes *changes,
                      struct err_detail *detail)
{
    char what[DEPLOY_CLUSTER_NAME_MAX];
    if (!lacks_engine(vault, mount))
        return ERR_OK;
    int status = look_only ? ERR_OK : vault_engine_ensure(vault, mount, VAULT_KV_2, detail);
    snprintf(what, sizeof(what), "engine %.110s", mount);
    if (status == ERR_OK)
        deploy_target_tell(changes, organization->name.text, what, true, look_only);
    return status;
}

int deploy_target_engine(const struct deploy_organization *organization, struct err_detail *detail)
{
    struct vault *vault = NULL;
    const char *mount = organization->vault->secret_path.text;
    int status = deploy_secrets_vault_login(&vault, organization, detail);
    if (status == ERR_OK && lacks_engine(vault, mount ? mount : "secret"))
        status = vault_engine_ensure(vault, mount ? mount : "secret", VAULT_KV_2, detail);
    vault_close(vault);
    return status;
}

static int set_vault(const struct deploy_organization *organization, bool look_only,
                     struct deploy_changes *changes, bool *ret_engine, struct err_detail *detail)
{
    struct teller teller = {changes, organization->name.text, look_only};
    struct buf server = BUF_INIT, ca = BUF_INIT;
    struct vault *vault = NULL;
    json_t *config = NULL;
    const char *mount =
        organization->vault->secret_path.text ? organization->vault->secret_path.text : "secret";
    int status = deploy_kubectl_server(&server, &ca, organization, detail);
    if (status == ERR_OK)
        status = deploy_secrets_vault_login(&vault, organization, detail);
    if (status == ERR_OK && look_only)
        *ret_engine &= !lacks_engine(vault, mount);
    if (status == ERR_OK)
        status = set_engine(vault, organization, mount, look_only, changes, detail);
    if (status == ERR_OK) {
        config = deploy_access_config(buf_text(&server), buf_text(&ca));
        status = deploy_access_ensure(vault, organization, config, look_only, tell_access, &teller,
                                      detail);
    }
    json_decref(config);
    vault_close(vault);
    buf_release(&server);
    buf_release(&ca);
    return status == ERR_OK
               ? ERR_OK
               : err_prefix(detail, status, "organization %s", organization->name.text);
}

/* Sets up the vaults of all organizations: engine, policy, login, role. *ret_engines: none lacks its engine. */
static int set_up_vaults(const struct deploy_cluster *cluster, bool look_only,
                         struct deploy_changes *changes, bool *ret_engines,
                         struct err_detail *detail)
{
    int status = ERR_OK;
    *ret_engines = true;
    for (size_t i = 0; status == ERR_OK && i < cluster->network->organizations.count; i++)
        if (!cluster->network->organizations.items[i].external.value)
            status = set_vault(&cluster->network->organizations.items[i], look_only, changes,
                               ret_engines, detail);
    return status;
}

/* --- Objects --- */

/* A storage class belongs to the cluster: one that is there stays as it is, its parameters cannot change anyway. */
static int set_object(const struct deploy_organization *organization,
                      const struct deploy_cluster_object *object, bool namespace_there,
                      bool look_only, struct deploy_changes *changes, struct err_detail *detail)
{
    char what[DEPLOY_CLUSTER_NAME_MAX + 64];
    const json_t *meta = json_object_get(object->object, "metadata");
    bool there = false, differs = true;
    snprintf(what, sizeof(what), "%s %.127s",
             json_string_value(json_object_get(object->object, "kind")),
             json_string_value(json_object_get(meta, "name")));
    int status = object->shared ? deploy_kubectl_there(&there, organization, object->object, detail)
                                : ERR_OK;
    if (status == ERR_OK && there)
        return ERR_OK;
    /* What is in a namespace that is only planned cannot be compared. */
    bool can_ask = namespace_there || !json_object_get(meta, "namespace");
    if (status == ERR_OK && can_ask)
        status = deploy_kubectl_apply(organization, object->object, look_only, &differs, detail);
    if (status == ERR_OK)
        deploy_target_tell(changes, organization->name.text, what, differs, look_only);
    return status;
}

static int set_objects(const struct deploy_cluster *cluster,
                       const struct deploy_organization *organization, bool secret_only,
                       bool look_only, struct deploy_changes *changes, struct err_detail *detail)
{
    struct deploy_cluster_object objects[DEPLOY_CLUSTER_OBJECTS_MAX];
    size_t count = 0;
    bool namespace_there = true;
    int status = deploy_cluster_objects(objects, &count, cluster, organization, detail);
    if (status == ERR_OK && look_only)
        status = deploy_kubectl_there(&namespace_there, organization, objects[0].object, detail);
    for (size_t i = 0; status == ERR_OK && i < count; i++)
        if (!secret_only || objects[i].secret)
            status =
                set_object(organization, &objects[i], namespace_there, look_only, changes, detail);
    deploy_cluster_objects_drop(objects, count);
    return status;
}

/* --- Releases --- */

/* The values of a release; NULL: there is no such release, an empty object: one that helm does not tell of. */
static int read_release(json_t **ret_values, const struct deploy_cluster *cluster, size_t index,
                        struct err_detail *detail)
{
    const struct deploy_cluster_peer *peer = &cluster->peers[index];
    char name[DEPLOY_CLUSTER_NAME_MAX], exactly[DEPLOY_CLUSTER_NAME_MAX + 2], namespace[64];
    struct buf text = BUF_INIT;
    int code = 0;
    deploy_name_release(name, cluster, peer);
    deploy_namespace(namespace, sizeof(namespace), peer->organization);
    snprintf(exactly, sizeof(exactly), "^%s$", name);
    struct deploy_tool tool = deploy_helm(peer->organization);
    deploy_tool_add(&tool, "list", "--all", "--short", "--namespace", namespace, "--filter",
                    exactly, NULL);
    int status = deploy_tool_run(&tool, &text, NULL, detail);
    bool there = text.len > 0;
    buf_clear(&text);
    *ret_values = NULL;
    if (status == ERR_OK && there) {
        tool = deploy_helm(peer->organization);
        deploy_tool_add(&tool, "get", "values", name, "--namespace", namespace, "--output", "json",
                        NULL);
        status = deploy_tool_run(&tool, &text, &code, detail);
        *ret_values = code == 0 ? json_loadb((const char *)text.data, text.len, 0, NULL) : NULL;
        if (!*ret_values)
            *ret_values = json_object();
    }
    buf_release(&text);
    return status;
}

int deploy_target_release_state(enum deploy_release_state *ret,
                                const struct deploy_cluster *cluster, size_t index,
                                const json_t *values, struct err_detail *detail)
{
    json_t *there = NULL;
    int status = read_release(&there, cluster, index, detail);
    if (status == ERR_OK)
        *ret = !there                      ? DEPLOY_RELEASE_ABSENT
               : json_equal(there, values) ? DEPLOY_RELEASE_SAME
                                           : DEPLOY_RELEASE_DIFFERS;
    json_decref(there);
    return status;
}

static const char *keep_text(struct arena *arena, const char *text)
{
    return (const char *)arena_copy(arena, bytes_of(text, strlen(text) + 1)).data;
}

void deploy_target_images(const char **image, const char **database_image,
                          const struct deploy_cluster *cluster, struct arena *arena)
{
    json_t *there = NULL;
    for (size_t i = 0; i < cluster->count && !there; i++)
        if (!cluster->peers[i].organization->external.value &&
            read_release(&there, cluster, i, NULL) != ERR_OK)
            there = NULL;
    const json_t *images = json_object_get(there, "images");
    const char *node = json_string_value(json_object_get(images, "node"));
    const char *database = json_string_value(json_object_get(images, "mysql"));
    if (node && !*image)
        *image = keep_text(arena, node);
    if (database && !*database_image)
        *database_image = keep_text(arena, database);
    json_decref(there);
}

static int install(const struct deploy_cluster *cluster, const struct deploy_cluster_peer *peer,
                   const char *name, const char *namespace, const json_t *values,
                   const char *charts, struct err_detail *detail)
{
    char chart[DEPLOY_PATH_MAX];
    char *text = json_dumps(values, JSON_COMPACT);
    if (!text)
        return err_set(detail, ERR_NOMEM, "out of memory");
    deploy_path(chart, "%.800s/%s", charts, deploy_name_chart(cluster, peer));
    struct deploy_tool tool = deploy_helm(peer->organization);
    tool.input = bytes_str(text);
    deploy_tool_add(&tool, "upgrade", "--install", name, chart, "--namespace", namespace,
                    "--values", "-", NULL);
    int status = deploy_tool_run(&tool, NULL, NULL, detail);
    free(text); /* from malloc, by jansson */
    return status;
}

/* A new release is only begun: peers need each other to come up. A changed one is waited for before the next. */
static int set_release(const struct deploy_cluster *cluster, size_t index,
                       const struct deploy_target_options *options, struct deploy_changes *changes,
                       struct err_detail *detail)
{
    const struct deploy_cluster_peer *peer = &cluster->peers[index];
    char name[DEPLOY_CLUSTER_NAME_MAX], namespace[64], what[2 * DEPLOY_CLUSTER_NAME_MAX];
    enum deploy_release_state state = DEPLOY_RELEASE_ABSENT;
    json_t *values = NULL;
    deploy_name_release(name, cluster, peer);
    deploy_namespace(namespace, sizeof(namespace), peer->organization);
    int status = deploy_cluster_values(&values, cluster, index, detail);
    if (status == ERR_OK)
        status = deploy_target_release_state(&state, cluster, index, values, detail);
    if (status == ERR_OK && state != DEPLOY_RELEASE_SAME) {
        snprintf(what, sizeof(what), "release %s%s", name,
                 state == DEPLOY_RELEASE_DIFFERS ? ", changed" : "");
        if (!options->look_only)
            status = install(cluster, peer, name, namespace, values, options->charts, detail);
        if (status == ERR_OK)
            deploy_target_tell(changes, peer->organization->name.text, what, true,
                               options->look_only);
        if (status == ERR_OK && state == DEPLOY_RELEASE_DIFFERS && !options->look_only &&
            options->wait_seconds)
            status = deploy_target_await(cluster, index, options->wait_seconds, detail);
    }
    json_decref(values);
    return status == ERR_OK ? ERR_OK : err_prefix(detail, status, "%s", peer->name);
}

/* --- Who joins a Raft cluster --- */

static int ask_raft_ids(const struct deploy_cluster *cluster, struct deploy_changes *changes,
                        bool look_only, bool *ret_known, struct err_detail *detail)
{
    int status = ERR_OK;
    *ret_known = true;
    if (cluster->network->config->consensus.value != DEPLOY_RAFT)
        return ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < cluster->count; i++) {
        const struct deploy_cluster_peer *peer = &cluster->peers[i];
        if (peer->founder || peer->raft_id || peer->organization->external.value)
            continue;
        *ret_known &= !look_only;
        if (!look_only)
            status = deploy_target_join_raft(cluster, i, detail);
        if (status == ERR_OK)
            deploy_target_tell(changes, peer->organization->name.text, "member of the Raft cluster",
                               true, look_only);
        else
            (void)err_prefix(detail, status, "%s joins", peer->name);
    }
    return status;
}

/* --- All of it --- */

static int keep_network(const struct deploy_cluster_context *context, struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    deploy_path(path, "%.800s/kubernetes/network.yaml", context->cluster->options->data);
    return file_write_private(path, buf_bytes(&context->content), detail);
}

static int await_all(const struct deploy_cluster *cluster, uint64_t seconds,
                     struct err_detail *detail)
{
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && seconds && i < cluster->count; i++) {
        if (cluster->peers[i].organization->external.value)
            continue;
        status = deploy_target_await(cluster, i, seconds, detail);
        if (status == ERR_OK)
            printf("ready  %s\n", cluster->peers[i].name);
        fflush(stdout);
    }
    return status;
}

static int set_organization(const struct deploy_cluster *cluster, size_t index,
                            const struct deploy_target_options *options,
                            struct deploy_changes *changes, struct err_detail *detail)
{
    const struct deploy_organization *organization = &cluster->network->organizations.items[index];
    int status = ERR_OK;
    if (options->checkout)
        status = deploy_target_push(cluster, index, options, changes, detail);
    if (status == ERR_OK)
        status = set_objects(cluster, organization, options->checkout != NULL, options->look_only,
                             changes, detail);
    for (size_t i = 0; status == ERR_OK && !options->checkout && i < cluster->count; i++)
        if (cluster->peers[i].organization_index == index)
            status = set_release(cluster, i, options, changes, detail);
    return status == ERR_OK
               ? ERR_OK
               : err_prefix(detail, status, "organization %s", organization->name.text);
}

int deploy_target_up(struct deploy_cluster_context *context,
                     const struct deploy_target_options *options, struct deploy_changes *changes,
                     struct err_detail *detail)
{
    struct deploy_cluster *cluster = context->cluster;
    bool engines = true;
    int status = deploy_target_same_network(cluster, detail);
    if (status == ERR_OK)
        status = set_up_vaults(cluster, options->look_only, changes, &engines, detail);
    if (status == ERR_OK && engines)
        status = deploy_cluster_prepare(cluster, options->look_only, detail);
    if (options->look_only && (!engines || status == ERR_NOTFOUND)) {
        deploy_target_tell(changes, NULL, "keys, and what follows from them", true, true);
        return ERR_OK;
    }
    if (status == ERR_OK)
        status = deploy_target_leavers(cluster, options, changes, detail);
    if (status == ERR_OK && !options->look_only)
        status = keep_network(context, detail);
    bool known = true;
    if (status == ERR_OK)
        status = ask_raft_ids(cluster, changes, options->look_only, &known, detail);
    for (size_t i = 0; status == ERR_OK && known && i < cluster->network->organizations.count; i++)
        if (!cluster->network->organizations.items[i].external.value)
            status = set_organization(cluster, i, options, changes, detail);
    if (status == ERR_OK && !options->look_only)
        status = await_all(cluster, options->wait_seconds, detail);
    return status;
}

/* --- The end --- */

static int delete_object(const struct deploy_organization *organization, const json_t *object,
                         struct err_detail *detail)
{
    struct deploy_tool tool = deploy_kubectl(organization);
    const json_t *meta = json_object_get(object, "metadata");
    deploy_tool_add(&tool, "delete", json_string_value(json_object_get(object, "kind")),
                    json_string_value(json_object_get(meta, "name")), "--ignore-not-found",
                    "--wait=false", NULL);
    return deploy_tool_run(&tool, NULL, NULL, detail);
}

int deploy_target_purge(const struct deploy_cluster *cluster,
                        const struct deploy_organization *organization, struct err_detail *detail)
{
    struct deploy_cluster_object objects[DEPLOY_CLUSTER_OBJECTS_MAX];
    struct vault *vault = NULL;
    size_t count = 0;
    int status = deploy_cluster_objects(objects, &count, cluster, organization, detail);
    /* With the namespace goes what is in it, claims among it; classes are the cluster's. */
    for (size_t i = count; status == ERR_OK && i-- > 0;)
        if (!objects[i].shared &&
            !json_object_get(json_object_get(objects[i].object, "metadata"), "namespace"))
            status = delete_object(organization, objects[i].object, detail);
    deploy_cluster_objects_drop(objects, count);
    if (status == ERR_OK)
        status = deploy_secrets_vault_login(&vault, organization, detail);
    if (status == ERR_OK)
        status = deploy_access_remove(vault, organization, true, detail);
    vault_close(vault);
    if (status == ERR_OK)
        printf("gone   %s: namespace, binding, login, secrets\n", organization->name.text);
    return status;
}

int deploy_target_uninstall(const struct deploy_cluster_peer *peer, const char *release,
                            struct err_detail *detail)
{
    char namespace[64];
    struct deploy_tool tool = deploy_helm(peer->organization);
    deploy_namespace(namespace, sizeof(namespace), peer->organization);
    deploy_tool_add(&tool, "uninstall", release, "--namespace", namespace, "--ignore-not-found",
                    NULL);
    return deploy_tool_run(&tool, NULL, NULL, detail);
}

int deploy_target_down(const struct deploy_cluster *cluster, bool purge, struct err_detail *detail)
{
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < cluster->count; i++) {
        const struct deploy_cluster_peer *peer = &cluster->peers[i];
        char name[DEPLOY_CLUSTER_NAME_MAX];
        if (peer->organization->external.value)
            continue;
        deploy_name_release(name, cluster, peer);
        status = deploy_target_uninstall(peer, name, detail);
        if (status == ERR_OK)
            printf("gone   %s: release %s\n", peer->organization->name.text, name);
    }
    for (size_t i = 0; status == ERR_OK && purge && i < cluster->network->organizations.count;
         i++) {
        const struct deploy_organization *organization = &cluster->network->organizations.items[i];
        if (organization->external.value)
            continue;
        status = deploy_target_purge(cluster, organization, detail);
    }
    return status;
}
