/* Keys and certificates of a cluster's peers: those of our organizations from their stores, those of others from their bundles. */
#include "base/file.h"
#include "base/mem.h"
#include "deploy/commands/context.h"
#include "deploy/keys/bundle.h"
#include "deploy/kubernetes/cluster.h"
#include "deploy/secrets/vault.h"

#include <stdio.h>
#include <unistd.h>

#define ALL SIZE_MAX

/* --- Stores --- */

/* Vaults are opened of our organizations alone, or of one (ALL: of all). */
static int open_vaults(struct deploy_secrets *ret, char *path, const struct deploy_cluster *cluster,
                       size_t only, struct err_detail *detail)
{
    const struct deploy_organizations *all = &cluster->network->organizations;
    struct deploy_network ours = *cluster->network;
    struct deploy_organization *items = mem_alloc_zeroed(all->count + 1, sizeof(*items));
    if (!items)
        return err_set(detail, ERR_NOMEM, "out of memory");
    ours.organizations = (struct deploy_organizations){.items = items, .place = all->place};
    for (size_t i = 0; i < all->count; i++)
        if (!all->items[i].external.value && (only == ALL || only == i))
            items[ours.organizations.count++] = all->items[i];
    deploy_path(path, "%.800s/kubernetes/secrets.lock", cluster->options->data);
    int status = deploy_secrets_vault_open(ret, &ours, path, detail);
    mem_free(items); /* their texts are the network's */
    return status;
}

static int open_store(struct deploy_secrets *ret, char *path, const struct deploy_cluster *cluster,
                      size_t only, struct err_detail *detail)
{
    if (cluster->options->vault)
        return open_vaults(ret, path, cluster, only, detail);
    struct deploy_site site = {.network = cluster->network};
    deploy_path(site.folder, "%.800s", cluster->options->data);
    return deploy_context_secrets(ret, path, &site, cluster->options->passphrase_file, detail);
}

int deploy_cluster_store(struct deploy_secrets *ret_secrets, char *path,
                         const struct deploy_cluster *cluster, struct err_detail *detail)
{
    return open_store(ret_secrets, path, cluster, ALL, detail);
}

struct deploy_owner deploy_cluster_owner(const struct deploy_cluster *cluster,
                                         const struct deploy_cluster_peer *peer)
{
    return (struct deploy_owner){.organization = peer->organization,
                                 .peer = peer->peer,
                                 .subject = cluster->network->config->subject.text,
                                 .has_tm = peer->has_tm};
}

/* --- Certificates --- */

bool deploy_cluster_certified(const struct deploy_cluster *cluster,
                              const struct deploy_cluster_peer *peer)
{
    return peer->has_tm && cluster->network->config->tm_tls.value == DEPLOY_TLS_STRICT;
}

bool deploy_cluster_trusts_authorities(const struct deploy_cluster *cluster)
{
    int trust = cluster->network->config->tm_trust.value;
    return cluster->network->config->tm_tls.value == DEPLOY_TLS_STRICT &&
           (trust == DEPLOY_TRUST_CA || trust == DEPLOY_TRUST_CA_OR_TOFU);
}

void deploy_cluster_certificate_release(struct deploy_cluster_certificate *certificate)
{
    if (certificate->key.data)
        mem_wipe(certificate->key.data, certificate->key.capacity);
    buf_release(&certificate->key);
    buf_release(&certificate->chain);
}

void deploy_cluster_certificate_mark(char ret[DEPLOY_CERTIFICATE_MARK],
                                     const struct deploy_cluster_peer *peer)
{
    snprintf(ret, DEPLOY_CERTIFICATE_MARK, "%016llx",
             (unsigned long long)peer->identity.marks[DEPLOY_SECRET_CERTS]);
}

/* A peer's certificate, and its organization's authority. */
static int read_certificate(struct deploy_cluster *cluster, struct deploy_cluster_peer *peer,
                            const struct deploy_secrets *secrets, struct err_detail *detail)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1];
    struct buf *authority = &cluster->authorities[peer->organization_index];
    json_t *fields = NULL;
    deploy_secret_path(path, peer->organization, peer->peer, DEPLOY_SECRET_CERTS);
    int status = deploy_secrets_read(secrets, &fields, path, detail);
    if (status == ERR_OK)
        status = deploy_certs_pem(&peer->certificate.chain, fields, path, "ambassadorcrt", detail);
    if (status == ERR_OK)
        status = deploy_certs_pem(&peer->certificate.key, fields, path, "ambassadorkey", detail);
    if (status == ERR_OK && authority->len == 0)
        status = deploy_certs_pem(authority, fields, path, "rootcapem", detail);
    deploy_secrets_drop(fields);
    return status;
}

/* --- Ours --- */

/* A node that was published is not given another key: the network would not know it by that. */
static int must_be_there(const struct deploy_cluster *cluster,
                         const struct deploy_cluster_peer *peer,
                         const struct deploy_secrets *secrets, struct err_detail *detail)
{
    char path[DEPLOY_SECRETS_PATH_MAX + 1];
    json_t *fields = NULL;
    if (!deploy_cluster_is_published(cluster, peer))
        return ERR_OK;
    deploy_secret_path(path, peer->organization, peer->peer, DEPLOY_SECRET_QUORUM);
    int status = deploy_secrets_read(secrets, &fields, path, detail);
    deploy_secrets_drop(fields);
    return status == ERR_NOTFOUND
               ? err_set(detail, ERR_EXISTS,
                         "the others know it by its node key, and %s is not there any more; put it "
                         "back (an engine of version 2 has it as an earlier version)",
                         path)
               : status;
}

static int read_own(struct deploy_cluster *cluster, const struct deploy_secrets *secrets,
                    bool read_only, struct err_detail *detail)
{
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < cluster->count; i++) {
        struct deploy_cluster_peer *peer = &cluster->peers[i];
        const struct deploy_owner owner = deploy_cluster_owner(cluster, peer);
        if (peer->organization->external.value)
            continue;
        status = must_be_there(cluster, peer, secrets, detail);
        if (status == ERR_OK)
            status = read_only ? deploy_keys_read(&peer->identity, secrets, &owner, detail)
                               : deploy_keys_ensure(&peer->identity, NULL, secrets, &owner, detail);
        if (status == ERR_OK && peer->has_tm)
            status = read_certificate(cluster, peer, secrets, detail);
        if (status != ERR_OK)
            (void)err_prefix(detail, status, "keys of %s", peer->name);
    }
    return status;
}

/* --- Others --- */

static void bundle_path(char *ret, const struct deploy_cluster *cluster, const char *organization)
{
    if (cluster->options->bundles)
        deploy_path(ret, "%.800s/%.60s.json", cluster->options->bundles, organization);
    else
        deploy_path(ret, "%.800s/bundles/%.60s.json", cluster->options->data, organization);
}

static int take_bundle(struct deploy_cluster *cluster, size_t organization_index,
                       const struct deploy_bundle *bundle, struct err_detail *detail)
{
    const char *name = cluster->network->organizations.items[organization_index].name.text;
    if (strcmp(deploy_bundle_organization(bundle), name) != 0)
        return err_set(detail, ERR_INPUT, "is the bundle of %.60s",
                       deploy_bundle_organization(bundle));
    for (size_t i = 0; i < cluster->count; i++) {
        struct deploy_cluster_peer *peer = &cluster->peers[i];
        if (peer->organization_index != organization_index)
            continue;
        if (!deploy_bundle_identity(&peer->identity, bundle, peer->peer->name.text))
            return err_set(detail, ERR_INPUT, "has no peer %s", peer->peer->name.text);
        if (peer->has_tm && !peer->identity.tm_public[0])
            return err_set(detail, ERR_INPUT, "peer %s has no manager's key",
                           peer->peer->name.text);
    }
    const char *authority = deploy_bundle_authority(bundle);
    if (!authority[0] && deploy_cluster_trusts_authorities(cluster))
        return err_set(detail, ERR_INPUT, "has no authority, and tm_trust asks for one");
    buf_append_text(&cluster->authorities[organization_index], authority);
    return ERR_OK;
}

static int read_bundle(struct deploy_cluster *cluster, size_t organization_index,
                       struct err_detail *detail)
{
    const char *name = cluster->network->organizations.items[organization_index].name.text;
    struct deploy_bundle bundle = {0};
    char path[DEPLOY_PATH_MAX];
    struct buf text = BUF_INIT;
    bundle_path(path, cluster, name);
    if (access(path, F_OK) != 0)
        return err_set(detail, ERR_USAGE,
                       "%s is external, and its bundle is not at %s; its operator makes it by "
                       "`quorate bundle network.yaml %s`",
                       name, path, name);
    int status = file_read(path, DEPLOY_BUNDLE_MAX, &text, detail);
    if (status == ERR_OK)
        status = deploy_bundle_parse(&bundle, buf_bytes(&text), detail);
    if (status == ERR_OK)
        status = take_bundle(cluster, organization_index, &bundle, detail);
    if (status == ERR_OK)
        printf("bundle of %s: fingerprint %s\n", name, bundle.fingerprint);
    else
        (void)err_prefix(detail, status, "%s", path);
    deploy_bundle_release(&bundle);
    buf_release(&text);
    return status;
}

/* --- All --- */

static int take_own(struct deploy_cluster *cluster, size_t only, bool read_only,
                    struct err_detail *detail)
{
    struct deploy_secrets secrets;
    char path[DEPLOY_PATH_MAX];
    int status = open_store(&secrets, path, cluster, only, detail);
    if (status != ERR_OK)
        return status;
    status = read_own(cluster, &secrets, read_only, detail);
    deploy_secrets_close(&secrets);
    return status;
}

int deploy_cluster_material(struct deploy_cluster *cluster, bool read_only,
                            struct err_detail *detail)
{
    int status = ERR_OK;
    for (size_t i = 0; status == ERR_OK && i < cluster->network->organizations.count; i++)
        if (cluster->network->organizations.items[i].external.value)
            status = read_bundle(cluster, i, detail);
    return status == ERR_OK ? take_own(cluster, ALL, read_only, detail) : status;
}

int deploy_cluster_own_material(struct deploy_cluster *cluster, size_t organization_index,
                                struct err_detail *detail)
{
    return take_own(cluster, organization_index, false, detail);
}

int deploy_cluster_bundle(struct deploy_bundle *ret_bundle, const struct deploy_cluster *cluster,
                          size_t organization_index, struct err_detail *detail)
{
    struct deploy_secrets secrets;
    char path[DEPLOY_PATH_MAX];
    size_t count = 0;
    struct deploy_bundle_peer *peers = mem_alloc_zeroed(cluster->count + 1, sizeof(*peers));
    if (!peers)
        return err_set(detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < cluster->count; i++)
        if (cluster->peers[i].organization_index == organization_index)
            peers[count++] =
                (struct deploy_bundle_peer){cluster->peers[i].peer, &cluster->peers[i].identity};
    int status = open_store(&secrets, path, cluster, organization_index, detail);
    if (status == ERR_OK) {
        status = deploy_bundle_make(
            ret_bundle, &secrets, &cluster->network->organizations.items[organization_index],
            buf_bytes(&cluster->authorities[organization_index]), peers, count, detail);
        deploy_secrets_close(&secrets);
    }
    mem_free(peers);
    return status;
}
