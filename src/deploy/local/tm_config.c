#include "deploy/local/tm_config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* On one machine `strict` is TLS by certificates made on first use; `off` is plain HTTP. */
static const char *scheme_of(const struct deploy_site *site)
{
    return site->network->config->tm_tls.value == DEPLOY_TLS_STRICT ? "https" : "http";
}

static json_t *tls_of(const struct deploy_site *site, const struct deploy_site_peer *peer)
{
    static const char *const trusts[] = {"WHITELIST", "CA_OR_TOFU", "CA", "TOFU"};
    if (site->network->config->tm_tls.value != DEPLOY_TLS_STRICT)
        return json_pack("{s:s}", "tls", "OFF");
    const char *trust = trusts[site->network->config->tm_trust.value];
    char known_clients[DEPLOY_PATH_MAX], known_servers[DEPLOY_PATH_MAX];
    char certificate[DEPLOY_PATH_MAX], key[DEPLOY_PATH_MAX];
    deploy_path(known_clients, "%s/tm/knownClients", peer->folder);
    deploy_path(known_servers, "%s/tm/knownServers", peer->folder);
    deploy_path(certificate, "%s/tm/certificate.pem", peer->folder);
    deploy_path(key, "%s/tm-tls.key", peer->secrets);
    return json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "tls", "STRICT",
                     "generateKeyStoreIfNotExisted", 1, "serverTrustMode", trust, "clientTrustMode",
                     trust, "serverTlsKeyPath", key, "serverTlsCertificatePath", certificate,
                     "clientTlsKeyPath", key, "clientTlsCertificatePath", certificate,
                     "knownClientsFile", known_clients, "knownServersFile", known_servers);
}

static json_t *servers_of(const struct deploy_site *site, const struct deploy_site_peer *peer)
{
    char socket[DEPLOY_PATH_MAX + 16], address[64];
    snprintf(socket, sizeof(socket), "unix:%s/tm/tm.ipc", peer->folder);
    snprintf(address, sizeof(address), "%s://127.0.0.1:%u", scheme_of(site), peer->tm);
    return json_pack("[{s:s, s:s, s:s}, {s:s, s:s, s:s, s:o}]", "app", "Q2T", "serverAddress",
                     socket, "communicationType", "REST", "app", "P2P", "serverAddress", address,
                     "communicationType", "REST", "sslConfig", tls_of(site, peer));
}

static json_t *peers_of(const struct deploy_site *site, size_t index)
{
    json_t *peers = json_array();
    for (size_t i = 0; i < site->count; i++) {
        char url[64];
        if (i == index || !site->peers[i].has_tm)
            continue;
        snprintf(url, sizeof(url), "%s://127.0.0.1:%u/", scheme_of(site), site->peers[i].tm);
        json_array_append_new(peers, json_pack("{s:s}", "url", url));
    }
    return peers;
}

void deploy_tm_config(struct buf *text, const struct deploy_site *site, size_t index)
{
    const struct deploy_site_peer *peer = &site->peers[index];
    char url[DEPLOY_PATH_MAX + 32], private_key[DEPLOY_PATH_MAX + 16];
    char public_key[DEPLOY_PATH_MAX + 16];
    snprintf(url, sizeof(url), "jdbc:sqlite:%s/tm/payloads.db", peer->folder);
    deploy_path(private_key, "%s/tm.key", peer->secrets);
    deploy_path(public_key, "%s/tm.pub", peer->secrets);
    json_t *root = json_pack(
        "{s:b, s:{s:s, s:s, s:s, s:b}, s:o, s:o, s:{s:[], s:[{s:s, s:s}]}, s:[]}", "useWhiteList",
        0, "jdbc", "username", "", "password", "", "url", url, "autoCreateTables", 1,
        "serverConfigs", servers_of(site, peer), "peer", peers_of(site, index), "keys", "passwords",
        "keyData", "privateKeyPath", private_key, "publicKeyPath", public_key, "alwaysSendTo");
    char *dump = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    if (dump) {
        buf_append_text(text, dump);
        buf_append_text(text, "\n");
    } else {
        text->status = ERR_NOMEM;
    }
    free(dump); /* from malloc, by jansson */
    json_decref(root);
}
