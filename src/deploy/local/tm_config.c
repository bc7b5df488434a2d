#include "deploy/local/tm_config.h"

#include "deploy/json.h"
#include "deploy/local/database.h"

#include <stdio.h>

static const char *scheme_of(const struct deploy_site *site)
{
    return site->network->config->tm_tls.value == DEPLOY_TLS_STRICT ? "https" : "http";
}

static bool network_trusts_authorities(const struct deploy_site *site)
{
    int trust = site->network->config->tm_trust.value;
    return trust == DEPLOY_TRUST_CA || trust == DEPLOY_TRUST_CA_OR_TOFU;
}

static json_t *tls_of(const struct deploy_site *site, const struct deploy_site_peer *peer)
{
    static const char *const trusts[] = {"WHITELIST", "CA_OR_TOFU", "CA", "TOFU"};
    if (site->network->config->tm_tls.value != DEPLOY_TLS_STRICT)
        return json_pack("{s:s}", "tls", "OFF");
    const char *trust = trusts[site->network->config->tm_trust.value];
    bool by_authority = network_trusts_authorities(site);
    char known_clients[DEPLOY_PATH_MAX], known_servers[DEPLOY_PATH_MAX];
    char certificate[DEPLOY_PATH_MAX + 32], key[DEPLOY_PATH_MAX + 32];
    char authorities[DEPLOY_PATH_MAX + 32];
    deploy_path(known_clients, "%s/tm/" DEPLOY_TM_KNOWN_CLIENTS, peer->folder);
    deploy_path(known_servers, "%s/tm/" DEPLOY_TM_KNOWN_SERVERS, peer->folder);
    deploy_path(certificate, "%s/tm-tls.pem", peer->secrets);
    deploy_path(key, "%s/tm-tls.key", peer->secrets);
    deploy_path(authorities, "%s/authorities.pem", peer->secrets);
    json_t *tls =
        json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "tls", "STRICT",
                  "generateKeyStoreIfNotExisted", 0, "serverTrustMode", trust, "clientTrustMode",
                  trust, "serverTlsKeyPath", key, "serverTlsCertificatePath", certificate,
                  "clientTlsKeyPath", key, "clientTlsCertificatePath", certificate,
                  "knownClientsFile", known_clients, "knownServersFile", known_servers);
    if (tls && by_authority) {
        json_object_set_new(tls, "serverTrustCertificates", json_pack("[s]", authorities));
        json_object_set_new(tls, "clientTrustCertificates", json_pack("[s]", authorities));
    }
    return tls;
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

/* Managers of a network that these peers join. */
static size_t elsewhere_count(const struct deploy_site *site)
{
    const struct deploy_config *config = site->network->config;
    return config->bootnode ? config->tm_nodes.count : 0;
}

static const char *elsewhere(char *ret_url, size_t size, const struct deploy_site *site, size_t i)
{
    const char *text = site->network->config->tm_nodes.items[i].text;
    bool ends = *text && text[strlen(text) - 1] == '/';
    snprintf(ret_url, size, "%s%s", text, ends ? "" : "/");
    return ret_url;
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
    for (size_t i = 0; i < elsewhere_count(site); i++) {
        char url[DEPLOY_PATH_MAX];
        json_array_append_new(peers,
                              json_pack("{s:s}", "url", elsewhere(url, sizeof(url), site, i)));
    }
    return peers;
}

static json_t *database_of(const struct deploy_site_peer *peer)
{
    char url[DEPLOY_PATH_MAX + 32], password[DEPLOY_PATH_MAX + 32];
    if (!peer->database) {
        snprintf(url, sizeof(url), "jdbc:sqlite:%s/tm/payloads.db", peer->folder);
        return json_pack("{s:s, s:s, s:s, s:b}", "username", "", "password", "", "url", url,
                         "autoCreateTables", 1);
    }
    snprintf(url, sizeof(url), "jdbc:mysql://127.0.0.1:%u/" DEPLOY_DATABASE_NAME, peer->db);
    deploy_path(password, "%s/db-password", peer->secrets);
    return json_pack("{s:s, s:s, s:s, s:b}", "username", peer->identity.database_user,
                     "passwordFile", password, "url", url, "autoCreateTables", 1);
}

/* The newest is the one to send with; older ones still open what was sent to them. */
static json_t *keys_of(const struct deploy_site_peer *peer)
{
    json_t *keys = json_array();
    for (unsigned i = peer->identity.former_tm + 1; i > 0; i--) {
        char private_key[DEPLOY_PATH_MAX + 32], public_key[DEPLOY_PATH_MAX + 32], number[16] = "";
        if (i <= peer->identity.former_tm)
            snprintf(number, sizeof(number), ".%u", i);
        deploy_path(private_key, "%s/tm.key%s", peer->secrets, number);
        deploy_path(public_key, "%s/tm.pub%s", peer->secrets, number);
        json_array_append_new(keys, json_pack("{s:s, s:s}", "privateKeyPath", private_key,
                                              "publicKeyPath", public_key));
    }
    return keys;
}

static void tessera_config(struct buf *text, const struct deploy_site *site, size_t index)
{
    const struct deploy_site_peer *peer = &site->peers[index];
    json_t *root = json_pack("{s:b, s:o, s:o, s:o, s:{s:[], s:o}, s:[]}", "useWhiteList", 0, "jdbc",
                             database_of(peer), "serverConfigs", servers_of(site, peer), "peer",
                             peers_of(site, index), "keys", "passwords", "keyData", keys_of(peer),
                             "alwaysSendTo");
    deploy_json_append(text, root);
    buf_append_byte(text, '\n');
    json_decref(root);
}

/* --- Constellation's --- */

static void append_key_list(struct buf *text, const char *item, const char *file,
                            const struct deploy_site_peer *peer)
{
    buf_append_format(text, "%s = [\"%s/%s\"", item, peer->secrets, file);
    for (unsigned i = peer->identity.former_tm; i > 0; i--)
        buf_append_format(text, ", \"%s/%s.%u\"", peer->secrets, file, i);
    buf_append_text(text, "]\n");
}

static void append_tls(struct buf *text, const struct deploy_site *site,
                       const struct deploy_site_peer *peer)
{
    static const char *const trusts[] = {"whitelist", "ca-or-tofu", "ca", "tofu"};
    static const char *const ends[][2] = {{"server", "clients"}, {"client", "servers"}};
    if (site->network->config->tm_tls.value != DEPLOY_TLS_STRICT) {
        buf_append_text(text, "tls = \"off\"\n");
        return;
    }
    buf_append_text(text, "tls = \"strict\"\n");
    for (size_t i = 0; i < BASE_COUNT(ends); i++) {
        const char *end = ends[i][0];
        buf_append_format(text, "tls%strust = \"%s\"\n", end,
                          trusts[site->network->config->tm_trust.value]);
        buf_append_format(text, "tls%scert = \"%s/tm-tls.pem\"\n", end, peer->secrets);
        buf_append_format(text, "tls%skey = \"%s/tm-tls.key\"\n", end, peer->secrets);
        if (network_trusts_authorities(site))
            buf_append_format(text, "tls%schain = [\"%s/authorities.pem\"]\n", end, peer->secrets);
        buf_append_format(text, "tlsknown%s = \"%s\"\n", ends[i][1],
                          i ? DEPLOY_TM_KNOWN_SERVERS : DEPLOY_TM_KNOWN_CLIENTS);
    }
}

static void constellation_config(struct buf *text, const struct deploy_site *site, size_t index)
{
    const struct deploy_site_peer *peer = &site->peers[index];
    const char *comma = "";
    buf_append_format(text, "url = \"%s://127.0.0.1:%u/\"\nport = %u\n", scheme_of(site), peer->tm,
                      peer->tm);
    buf_append_format(text, "workdir = \"%s/tm\"\nsocket = \"tm.ipc\"\n", peer->folder);
    buf_append_text(text, "othernodes = [");
    for (size_t i = 0; i < site->count; i++) {
        if (i == index || !site->peers[i].has_tm)
            continue;
        buf_append_format(text, "%s\"%s://127.0.0.1:%u/\"", comma, scheme_of(site),
                          site->peers[i].tm);
        comma = ", ";
    }
    for (size_t i = 0; i < elsewhere_count(site); i++) {
        char url[DEPLOY_PATH_MAX];
        buf_append_format(text, "%s\"%s\"", comma, elsewhere(url, sizeof(url), site, i));
        comma = ", ";
    }
    buf_append_text(text, "]\n");
    append_key_list(text, "publickeys", "tm.pub", peer);
    append_key_list(text, "privatekeys", "tm.key", peer);
    /* It listens to the whole world; who is not on this machine is sent away. */
    buf_append_text(text, "storage = \"sqlite:payloads\"\nipwhitelist = [\"127.0.0.1\"]\n");
    append_tls(text, site, peer);
}

const char *deploy_tm_config_name(const struct deploy_site *site)
{
    return site->network->config->transaction_manager.value == DEPLOY_CONSTELLATION
               ? "constellation.conf"
               : "tessera-config.json";
}

void deploy_tm_config(struct buf *text, const struct deploy_site *site, size_t index)
{
    if (site->network->config->transaction_manager.value == DEPLOY_CONSTELLATION)
        constellation_config(text, site, index);
    else
        tessera_config(text, site, index);
}
