#include "deploy/kubernetes/objects.h"

#include "base/base64.h"
#include "base/mem.h"
#include "deploy/secrets/secrets.h"

#include <stdio.h>
#include <stdlib.h>

#define LABEL "app.kubernetes.io/managed-by", "quorate"

static json_t *meta(const char *name, const char *namespace)
{
    json_t *meta = json_pack("{s:s}", "name", name);
    if (namespace)
        json_object_set_new(meta, "namespace", json_string(namespace));
    json_object_set_new(meta, "labels", json_pack("{s:s}", LABEL));
    return meta;
}

static json_t *object(const char *api, const char *kind, const char *name, const char *namespace)
{
    return json_pack("{s:s, s:s, s:o}", "apiVersion", api, "kind", kind, "metadata",
                     meta(name, namespace));
}

static json_t *account(const char *name, const char *namespace)
{
    json_t *o = object("v1", "ServiceAccount", name, namespace);
    json_object_set_new(o, "automountServiceAccountToken", json_false());
    return o;
}

/* A pod's own token is used to review it, so that no token that never ends lies anywhere: both accounts are bound. */
static json_t *binding(const struct deploy_organization *organization, const char *namespace)
{
    char name[DEPLOY_CLUSTER_NAME_MAX];
    deploy_name_binding(name, organization);
    json_t *o = object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", name, NULL);
    json_object_set_new(o, "roleRef",
                        json_pack("{s:s, s:s, s:s}", "apiGroup", "rbac.authorization.k8s.io",
                                  "kind", "ClusterRole", "name", "system:auth-delegator"));
    json_object_set_new(o, "subjects",
                        json_pack("[{s:s, s:s, s:s}, {s:s, s:s, s:s}]", "kind", "ServiceAccount",
                                  "name", DEPLOY_ACCOUNT_REVIEWER, "namespace", namespace, "kind",
                                  "ServiceAccount", "name", DEPLOY_ACCOUNT_PODS, "namespace",
                                  namespace));
    return o;
}

/* One at a time of an organization's peers: a budget for each of them would let a drain take all at once. */
static json_t *disruption(const char *namespace)
{
    json_t *o = object("policy/v1", "PodDisruptionBudget", "peers", namespace);
    json_object_set_new(o, "spec",
                        json_pack("{s:i, s:{s:{s:s}}}", "maxUnavailable", 1, "selector",
                                  "matchLabels", "app", "consortiumchain"));
    return o;
}

static const struct provider {
    const char *name, *provisioner, *parameter, *value;
} providers[] = {
    {"aws", "ebs.csi.aws.com", "encrypted", "true"},
    {"azure", "disk.csi.azure.com", "skuName", "StandardSSD_LRS"},
    {"gcp", "pd.csi.storage.gke.io", "type", "pd-balanced"},
    {"minikube", "k8s.io/minikube-hostpath", NULL, NULL},
};

/* NULL where the cluster's default class serves. */
static json_t *storage_class(const struct deploy_organization *organization)
{
    char name[DEPLOY_CLUSTER_NAME_MAX];
    const struct provider *provider = NULL;
    deploy_name_storage_class(name, organization);
    if (!name[0])
        return NULL;
    for (size_t i = 0; i < BASE_COUNT(providers); i++)
        if (strcmp(providers[i].name, organization->cloud_provider.text) == 0)
            provider = &providers[i];
    assert(provider);
    json_t *o = object("storage.k8s.io/v1", "StorageClass", name, NULL);
    json_object_set_new(o, "provisioner", json_string(provider->provisioner));
    if (provider->parameter)
        json_object_set_new(o, "parameters",
                            json_pack("{s:s}", provider->parameter, provider->value));
    json_object_set_new(o, "reclaimPolicy", json_string("Delete"));
    json_object_set_new(o, "volumeBindingMode",
                        json_string(provider->parameter ? "WaitForFirstConsumer" : "Immediate"));
    json_object_set_new(o, "allowVolumeExpansion", json_true());
    return o;
}

/* What a puller of images reads: {"auths": {<registry>: {username, password, auth}}}, in base64. */
static int docker_config(struct buf *out, const struct deploy_docker *docker,
                         const struct buf *password, struct err_detail *detail)
{
    struct buf pair = BUF_INIT, auth = BUF_INIT;
    char host[256];
    snprintf(host, sizeof(host), "%.*s", (int)strcspn(docker->url.text, "/"), docker->url.text);
    buf_append_format(&pair, "%s:", docker->username.text);
    buf_append_bytes(&pair, buf_bytes(password));
    base64_append(&auth, buf_bytes(&pair));
    json_t *config =
        json_pack("{s:{s:{s:s, s:s%, s:s%}}}", "auths", host, "username", docker->username.text,
                  "password", password->data, password->len, "auth", auth.data, auth.len);
    char *text = config ? json_dumps(config, JSON_COMPACT) : NULL;
    if (text) {
        base64_append(out, bytes_str(text));
        mem_wipe(text, strlen(text));
    }
    deploy_secrets_drop(config);
    mem_wipe(pair.data, pair.capacity);
    mem_wipe(auth.data, auth.capacity);
    buf_release(&pair);
    buf_release(&auth);
    bool good = text != NULL && buf_status(out) == ERR_OK;
    free(text); /* from malloc, by jansson */
    return good ? ERR_OK : err_set(detail, ERR_NOMEM, "out of memory");
}

/* NULL without user and password: images that anybody may pull. */
static int registry_secret(json_t **ret, const struct deploy_docker *docker, const char *namespace,
                           struct err_detail *detail)
{
    *ret = NULL;
    if (!docker || !docker->url.text || !docker->username.text || !docker->password.text)
        return ERR_OK;
    struct buf password = BUF_INIT, config = BUF_INIT;
    int status = deploy_reference_read(&password, &docker->password, detail);
    if (status == ERR_OK)
        status = docker_config(&config, docker, &password, detail);
    if (status == ERR_OK) {
        *ret = object("v1", "Secret", DEPLOY_REGISTRY_SECRET, namespace);
        json_object_set_new(*ret, "type", json_string("kubernetes.io/dockerconfigjson"));
        json_object_set_new(*ret, "data",
                            json_pack("{s:s%}", ".dockerconfigjson", config.data, config.len));
    } else {
        (void)err_prefix(detail, status, "network.docker.password");
    }
    mem_wipe(password.data, password.capacity);
    mem_wipe(config.data, config.capacity);
    buf_release(&password);
    buf_release(&config);
    return status;
}

/* What a proxy shows that ends TLS, as BAF's does by a mapping's context: in the organization's own namespace. */
static json_t *proxy_secret(const struct deploy_cluster_peer *peer, const char *namespace)
{
    char name[DEPLOY_CLUSTER_NAME_MAX];
    struct buf chain = BUF_INIT, key = BUF_INIT;
    snprintf(name, sizeof(name), "%.60s-ambassador-certs", peer->peer->name.text);
    base64_append(&chain, buf_bytes(&peer->certificate.chain));
    base64_append(&key, buf_bytes(&peer->certificate.key));
    json_t *o = object("v1", "Secret", name, namespace);
    json_object_set_new(o, "type", json_string("kubernetes.io/tls"));
    json_object_set_new(
        o, "data",
        json_pack("{s:s%, s:s%}", "tls.crt", chain.data, chain.len, "tls.key", key.data, key.len));
    if (key.data)
        mem_wipe(key.data, key.capacity);
    buf_release(&chain);
    buf_release(&key);
    return o;
}

static bool needs_proxy_secret(const struct deploy_cluster *cluster,
                               const struct deploy_cluster_peer *peer,
                               const struct deploy_organization *organization)
{
    const struct deploy_env *env = cluster->network->env;
    bool ambassador = !env || !env->proxy.text || strcmp(env->proxy.text, "ambassador") == 0;
    return ambassador && peer->organization == organization &&
           !peer->organization->external.value && deploy_cluster_certified(cluster, peer) &&
           cluster->network->config->transaction_manager.value == DEPLOY_TESSERA;
}

int deploy_cluster_objects(struct deploy_cluster_object ret[DEPLOY_CLUSTER_OBJECTS_MAX],
                           size_t *ret_count, const struct deploy_cluster *cluster,
                           const struct deploy_organization *organization,
                           struct err_detail *detail)
{
    char namespace[64];
    json_t *secret;
    deploy_namespace(namespace, sizeof(namespace), organization);
    int status = registry_secret(&secret, cluster->network->docker, namespace, detail);
    if (status != ERR_OK)
        return status;
    const struct deploy_cluster_object all[] = {
        {"namespace.yaml", false, false, object("v1", "Namespace", namespace, NULL)},
        {"vaultAuth.yaml", false, false, account(DEPLOY_ACCOUNT_PODS, namespace)},
        {"vault-reviewer.yaml", false, false, account(DEPLOY_ACCOUNT_REVIEWER, namespace)},
        {"reviewer_rbac.yaml", false, false, binding(organization, namespace)},
        {"storageclass.yaml", false, true, storage_class(organization)},
        {"disruption.yaml", false, false, disruption(namespace)},
        {"regcred.yaml", true, false, secret},
    };
    size_t count = 0;
    for (size_t i = 0; i < BASE_COUNT(all); i++)
        if (all[i].object)
            ret[count++] = all[i];
    for (size_t i = 0; i < cluster->count; i++)
        if (needs_proxy_secret(cluster, &cluster->peers[i], organization)) {
            ret[count] = (struct deploy_cluster_object){
                .secret = true, .object = proxy_secret(&cluster->peers[i], namespace)};
            snprintf(ret[count].file, sizeof(ret[count].file), "%.60s-ambassador-certs.yaml",
                     cluster->peers[i].peer->name.text);
            count++;
        }
    *ret_count = count;
    return ERR_OK;
}

void deploy_cluster_objects_drop(struct deploy_cluster_object *objects, size_t count)
{
    for (size_t i = 0; i < count; i++)
        deploy_secrets_drop(objects[i].object);
}
