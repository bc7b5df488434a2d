#include "deploy/kubernetes/render.h"

#include "deploy/kubernetes/access.h"
#include "deploy/kubernetes/files.h"
#include "deploy/kubernetes/objects.h"
#include "deploy/kubernetes/values.h"
#include "deploy/local/site.h"

#include <stdio.h>

/* Plain objects: those for git, or the secret ones. */
static int add_objects(struct deploy_files *files, const struct deploy_cluster *cluster,
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
        status = deploy_files_add_yaml(files, folder, file, objects[i].object, secret, detail);
    }
    deploy_cluster_objects_drop(objects, count);
    return status;
}

/* The release of one peer: for Flux below `releases`, for helm below `values`; either may be NULL. */
static int add_release(struct deploy_files *files, const struct deploy_cluster *cluster,
                       size_t index, const char *releases, const char *values_folder,
                       struct err_detail *detail)
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
        status = release ? deploy_files_add_yaml(files, releases, file, release, false, detail)
                         : err_set(detail, ERR_NOMEM, "out of memory");
    }
    if (status == ERR_OK && values_folder) {
        snprintf(file, sizeof(file), "%s.yaml", name);
        status = deploy_files_add_yaml(files, values_folder, file, values, false, detail);
    }
    json_decref(release);
    json_decref(values);
    return status;
}

static int write_and_release(struct deploy_files *files, int status, const char *folder,
                             struct err_detail *detail)
{
    if (status == ERR_OK)
        status = deploy_files_write(files, folder, detail);
    deploy_files_release(files);
    return status;
}

int deploy_render_plain(const struct deploy_cluster *cluster, size_t organization_index,
                        const char *folder, struct err_detail *detail)
{
    struct deploy_files files = DEPLOY_FILES_INIT;
    int status =
        add_objects(&files, cluster, &cluster->network->organizations.items[organization_index], "",
                    false, detail);
    return write_and_release(&files, status, folder, detail);
}

int deploy_render_release(const struct deploy_cluster *cluster, size_t index, const char *folder,
                          struct err_detail *detail)
{
    struct deploy_files files = DEPLOY_FILES_INIT;
    int status = add_release(&files, cluster, index, "", NULL, detail);
    return write_and_release(&files, status, folder, detail);
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

static int add_vault(struct deploy_files *files, const struct deploy_cluster *cluster,
                     size_t organization_index, const char *folder, struct err_detail *detail)
{
    const struct deploy_organization *organization =
        &cluster->network->organizations.items[organization_index];
    struct buf text = BUF_INIT;
    deploy_access_policy(&text, organization);
    int status = deploy_files_add(files, folder, "policy.hcl", buf_bytes(&text), false, detail);
    buf_clear(&text);
    list_paths(&text, cluster, organization_index);
    if (status == ERR_OK)
        status = deploy_files_add(files, folder, "paths.txt", buf_bytes(&text), false, detail);
    buf_release(&text);
    json_t *role = deploy_access_role(organization);
    if (status == ERR_OK)
        status = deploy_files_add_json(files, folder, "role.json", role, detail);
    json_decref(role);
    return status;
}

static int add_organization(struct deploy_files *files, const struct deploy_cluster *cluster,
                            size_t index, struct err_detail *detail)
{
    const struct deploy_organization *organization = &cluster->network->organizations.items[index];
    char below[DEPLOY_CLUSTER_NAME_MAX], values[DEPLOY_CLUSTER_NAME_MAX];
    snprintf(below, sizeof(below), "%.60s/release", organization->name.text);
    snprintf(values, sizeof(values), "%.60s/values", organization->name.text);
    int status = add_objects(files, cluster, organization, below, false, detail);
    for (size_t i = 0; status == ERR_OK && i < cluster->count; i++)
        if (cluster->peers[i].organization_index == index)
            status = add_release(files, cluster, i, below, values, detail);
    snprintf(below, sizeof(below), "%.60s/vault", organization->name.text);
    if (status == ERR_OK)
        status = add_vault(files, cluster, index, below, detail);
    snprintf(below, sizeof(below), "%.60s/secrets", organization->name.text);
    return status == ERR_OK ? add_objects(files, cluster, organization, below, true, detail)
                            : status;
}

int deploy_render(struct deploy_files *files, const struct deploy_cluster *cluster,
                  struct err_detail *detail)
{
    int status =
        deploy_files_add(files, "", "genesis.json", buf_bytes(&cluster->genesis), false, detail);
    if (status == ERR_OK)
        status =
            deploy_files_add_json(files, "", "static-nodes.json", cluster->static_nodes, detail);
    for (size_t i = 0; status == ERR_OK && i < cluster->network->organizations.count; i++)
        if (!cluster->network->organizations.items[i].external.value)
            status = add_organization(files, cluster, i, detail);
    return status;
}
