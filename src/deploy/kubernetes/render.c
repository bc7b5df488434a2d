#include "deploy/kubernetes/render.h"

#include "base/file.h"
#include "base/mem.h"
#include "deploy/kubernetes/access.h"
#include "deploy/kubernetes/emit.h"
#include "deploy/kubernetes/objects.h"
#include "deploy/kubernetes/values.h"
#include "deploy/local/site.h"

#include <stdio.h>
#include <stdlib.h>

static int write_text(const char *folder, const char *file, struct bytes text, bool secret,
                      struct err_detail *detail)
{
    char path[DEPLOY_PATH_MAX];
    deploy_path(path, "%.700s/%.300s", folder, file);
    char *slash = strrchr(path, '/');
    *slash = 0;
    int status = file_make_folders(path, secret ? 0700 : 0755, detail);
    *slash = '/';
    if (status != ERR_OK)
        return status;
    return secret ? file_write_private(path, text, detail) : file_write(path, text, detail);
}

static int write_yaml(const char *folder, const char *file, const json_t *value, bool secret,
                      struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    deploy_emit_yaml(&text, value);
    int status = buf_status(&text) == ERR_OK
                     ? write_text(folder, file, buf_bytes(&text), secret, detail)
                     : err_set(detail, ERR_NOMEM, "out of memory");
    mem_wipe(text.data, text.capacity);
    buf_release(&text);
    return status;
}

static int write_json(const char *folder, const char *file, const json_t *value,
                      struct err_detail *detail)
{
    char *text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
    int status = text ? write_text(folder, file, bytes_str(text), false, detail)
                      : err_set(detail, ERR_NOMEM, "out of memory");
    free(text); /* from malloc, by jansson */
    return status;
}

/* Plain objects: those for git, or the secret ones. */
static int write_objects(const struct deploy_cluster *cluster,
                         const struct deploy_organization *organization, const char *folder,
                         bool secret, struct err_detail *detail)
{
    struct deploy_cluster_object objects[DEPLOY_CLUSTER_OBJECTS_MAX];
    char namespace[64], class[DEPLOY_CLUSTER_NAME_MAX], file[3 * DEPLOY_CLUSTER_NAME_MAX];
    size_t count = 0;
    deploy_namespace(namespace, sizeof(namespace), organization);
    deploy_name_storage_class(class, organization);
    int status = deploy_cluster_objects(objects, &count, cluster, organization, detail);
    for (size_t i = 0; status == ERR_OK && i < count; i++) {
        if (objects[i].secret != secret)
            continue;
        snprintf(file, sizeof(file), "%s/%.250s",
                 secret              ? ""
                 : objects[i].shared ? class
                                     : namespace,
                 objects[i].file);
        status = write_yaml(folder, file, objects[i].object, secret, detail);
    }
    deploy_cluster_objects_drop(objects, count);
    return status;
}

/* The release of one peer: for Flux below `releases`, for helm below `values`; either may be NULL. */
static int write_release(const struct deploy_cluster *cluster, size_t index, const char *releases,
                         const char *values_folder, struct err_detail *detail)
{
    const struct deploy_cluster_peer *peer = &cluster->peers[index];
    char name[DEPLOY_CLUSTER_NAME_MAX], file[3 * DEPLOY_CLUSTER_NAME_MAX];
    json_t *values = NULL, *release = NULL;
    deploy_name_release(name, cluster, peer);
    int status = deploy_cluster_values(&values, cluster, index, detail);
    if (status == ERR_OK && releases) {
        snprintf(file, sizeof(file), "%.60s/%.60s/%s.yaml", peer->organization->name.text,
                 peer->organization->name.text, name);
        release = deploy_cluster_helm_release(cluster, index, values);
        status = release ? write_yaml(releases, file, release, false, detail)
                         : err_set(detail, ERR_NOMEM, "out of memory");
    }
    if (status == ERR_OK && values_folder) {
        snprintf(file, sizeof(file), "%s.yaml", name);
        status = write_yaml(values_folder, file, values, false, detail);
    }
    json_decref(release);
    json_decref(values);
    return status;
}

int deploy_render_plain(const struct deploy_cluster *cluster, size_t organization_index,
                        const char *folder, struct err_detail *detail)
{
    return write_objects(cluster, &cluster->network->organizations.items[organization_index],
                         folder, false, detail);
}

int deploy_render_release(const struct deploy_cluster *cluster, size_t index, const char *folder,
                          struct err_detail *detail)
{
    return write_release(cluster, index, folder, NULL, detail);
}

/* Where each peer's secrets stand, for whoever fills or audits the vault. */
static void list_paths(struct buf *text, const struct deploy_cluster *cluster,
                       size_t organization_index)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1];
    for (size_t i = 0; i < cluster->count; i++) {
        const struct deploy_cluster_peer *peer = &cluster->peers[i];
        const enum deploy_secret_kind last =
            peer->has_tm ? DEPLOY_SECRET_CERTS : DEPLOY_SECRET_QUORUM;
        for (int kind = DEPLOY_SECRET_QUORUM;
             peer->organization_index == organization_index && kind <= (int)last; kind++) {
            deploy_secret_path(path, peer->organization, peer->peer, (enum deploy_secret_kind)kind);
            buf_append_format(text, "%s\n", path);
        }
    }
}

static int write_vault(const struct deploy_cluster *cluster, size_t organization_index,
                       const char *folder, struct err_detail *detail)
{
    const struct deploy_organization *organization =
        &cluster->network->organizations.items[organization_index];
    struct buf text = BUF_INIT;
    deploy_access_policy(&text, organization);
    int status = write_text(folder, "policy.hcl", buf_bytes(&text), false, detail);
    buf_clear(&text);
    list_paths(&text, cluster, organization_index);
    if (status == ERR_OK)
        status = write_text(folder, "paths.txt", buf_bytes(&text), false, detail);
    buf_release(&text);
    json_t *role = deploy_access_role(organization);
    if (status == ERR_OK)
        status = write_json(folder, "role.json", role, detail);
    json_decref(role);
    return status;
}

static int render_organization(const struct deploy_cluster *cluster, size_t index,
                               const char *folder, struct err_detail *detail)
{
    const struct deploy_organization *organization = &cluster->network->organizations.items[index];
    char below[DEPLOY_PATH_MAX], values[DEPLOY_PATH_MAX];
    deploy_path(below, "%.700s/%.60s/release", folder, organization->name.text);
    deploy_path(values, "%.700s/%.60s/values", folder, organization->name.text);
    int status = deploy_render_plain(cluster, index, below, detail);
    for (size_t i = 0; status == ERR_OK && i < cluster->count; i++)
        if (cluster->peers[i].organization_index == index)
            status = write_release(cluster, i, below, values, detail);
    deploy_path(below, "%.700s/%.60s/vault", folder, organization->name.text);
    if (status == ERR_OK)
        status = write_vault(cluster, index, below, detail);
    deploy_path(below, "%.700s/%.60s/secrets", folder, organization->name.text);
    return status == ERR_OK ? write_objects(cluster, organization, below, true, detail) : status;
}

int deploy_render(const struct deploy_cluster *cluster, const char *folder,
                  struct err_detail *detail)
{
    int status = write_text(folder, "genesis.json", buf_bytes(&cluster->genesis), false, detail);
    if (status == ERR_OK)
        status = write_json(folder, "static-nodes.json", cluster->static_nodes, detail);
    for (size_t i = 0; status == ERR_OK && i < cluster->network->organizations.count; i++)
        if (!cluster->network->organizations.items[i].external.value)
            status = render_organization(cluster, i, folder, detail);
    return status;
}
