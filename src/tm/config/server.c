/* serverConfigs and sslConfig, in the shapes of all versions. */
#include "tm/config/config_priv.h"

#include <stdio.h>

#define AT(field)  offsetof(struct tm_config_server, field)
#define TLS(field) offsetof(struct tm_config_tls, field)
#define INF(field) offsetof(struct tm_config_influx, field)

static const struct tm_member server_members[] = {
    {"app", TM_MEMBER_OTHER, 0, NULL},
    {"enabled", TM_MEMBER_OTHER, 0, NULL}, /* without effect since 0.10 */
    {"communicationType", TM_MEMBER_OTHER, 0, NULL},
    {"serverAddress", TM_MEMBER_TEXT, AT(address), NULL},
    {"bindingAddress", TM_MEMBER_TEXT, AT(binding), NULL},
    {"serverSocket", TM_MEMBER_OTHER, 0, NULL},
    {"sslConfig", TM_MEMBER_OTHER, 0, NULL},
    {"cors", TM_MEMBER_OTHER, 0, NULL},
    {"properties", TM_MEMBER_OTHER, 0, NULL},
    {"influxConfig", TM_MEMBER_OTHER, 0, NULL},
};

static const struct tm_member tls_members[] = {
    {"tls", TM_MEMBER_OTHER, 0, NULL},
    {"sslConfigType", TM_MEMBER_TEXT, TLS(type), NULL},
    {"generateKeyStoreIfNotExisted", TM_MEMBER_BOOL, TLS(generate), NULL},
    {"clientAuth", TM_MEMBER_BOOL, TLS(client_auth), NULL},
    {"environmentVariablePrefix", TM_MEMBER_TEXT, TLS(environment_prefix), NULL},
    {"excludeCipherSuites", TM_MEMBER_TEXTS, TLS(excluded_ciphers), NULL},
    {"serverKeyStore", TM_MEMBER_TEXT, TLS(server.key_store), NULL},
    {"serverKeyStorePassword", TM_MEMBER_TEXT, TLS(server.key_store_password), NULL},
    {"serverTlsKeyPath", TM_MEMBER_TEXT, TLS(server.key_path), NULL},
    {"serverTlsCertificatePath", TM_MEMBER_TEXT, TLS(server.certificate_path), NULL},
    {"serverTrustStore", TM_MEMBER_TEXT, TLS(server.trust_store), NULL},
    {"serverTrustStorePassword", TM_MEMBER_TEXT, TLS(server.trust_store_password), NULL},
    {"serverTrustCertificates", TM_MEMBER_TEXTS, TLS(server.trust_certificates), NULL},
    {"serverTrustMode", TM_MEMBER_TEXT, TLS(server.trust), NULL},
    {"knownClientsFile", TM_MEMBER_TEXT, TLS(server.known_file), NULL},
    {"clientKeyStore", TM_MEMBER_TEXT, TLS(client.key_store), NULL},
    {"clientKeyStorePassword", TM_MEMBER_TEXT, TLS(client.key_store_password), NULL},
    {"clientTlsKeyPath", TM_MEMBER_TEXT, TLS(client.key_path), NULL},
    {"clientTlsCertificatePath", TM_MEMBER_TEXT, TLS(client.certificate_path), NULL},
    {"clientTrustStore", TM_MEMBER_TEXT, TLS(client.trust_store), NULL},
    {"clientTrustStorePassword", TM_MEMBER_TEXT, TLS(client.trust_store_password), NULL},
    {"clientTrustCertificates", TM_MEMBER_TEXTS, TLS(client.trust_certificates), NULL},
    {"clientTrustMode", TM_MEMBER_TEXT, TLS(client.trust), NULL},
    {"knownServersFile", TM_MEMBER_TEXT, TLS(client.known_file), NULL},
};

static const struct tm_member cors_members[] = {
    {"allowedOrigins", TM_MEMBER_TEXTS, offsetof(struct tm_config_cors, origins), NULL},
    {"allowedMethods", TM_MEMBER_TEXTS, offsetof(struct tm_config_cors, methods), NULL},
    {"allowedHeaders", TM_MEMBER_TEXTS, offsetof(struct tm_config_cors, headers), NULL},
    {"allowCredentials", TM_MEMBER_BOOL, offsetof(struct tm_config_cors, credentials), NULL},
};

static const struct tm_member influx_members[] = {
    {"serverAddress", TM_MEMBER_TEXT, INF(address), NULL},
    {"dbName", TM_MEMBER_TEXT, INF(database), NULL},
    {"pushIntervalInSecs", TM_MEMBER_NUMBER, INF(every_s), NULL},
    {"sslConfig", TM_MEMBER_OTHER, 0, NULL},
};

static const struct tm_member property_members[] = {
    {"partyInfoInterval", TM_MEMBER_NUMBER, AT(party_info_interval), NULL},
    {"pushTimeout", TM_MEMBER_NUMBER, AT(push_timeout), NULL}, /* ours */
    {"resendWaitTime", TM_MEMBER_NUMBER, AT(resend_wait), NULL},
    {"enclaveKeySyncInterval", TM_MEMBER_OTHER, 0, NULL}, /* keys are known at once here */
    {"syncInterval", TM_MEMBER_OTHER, 0, NULL},           /* of Tessera below 1.0 */
};

static int usage(struct tm_reader *r, const char *where, const char *what)
{
    return err_set(r->detail, ERR_USAGE, "configuration: %s: %s", where, what);
}

static const char *format(struct tm_reader *r, const char *text, const char *a, long long number)
{
    struct buf b = BUF_INIT;
    if (number >= 0)
        buf_append_format(&b, "%s%s:%lld", text, a, number);
    else
        buf_append_format(&b, "%s%s", text, a);
    const char *copy = buf_status(&b) ? NULL : tm_copy_text(r->config, buf_text(&b));
    buf_release(&b);
    return copy;
}

static int read_tls(struct tm_reader *r, json_t *value, const char *where,
                    struct tm_config_tls *tls)
{
    char path[80];
    snprintf(path, sizeof(path), "%s.sslConfig", where);
    int status = tm_read_members(r, value, path, tls_members, BASE_COUNT(tls_members), tls);
    if (status < 0 || !value || json_is_null(value))
        return status;
    const char *mode = json_string_value(json_object_get(value, "tls"));
    if (!mode || (strcmp(mode, "STRICT") != 0 && strcmp(mode, "OFF") != 0))
        return usage(r, path, "tls: STRICT or OFF is expected");
    tls->strict = mode[0] == 'S';
    return 0;
}

static int read_influx(struct tm_reader *r, json_t *value, const char *of,
                       struct tm_config_server *server)
{
    struct tm_config_influx *influx = &server->influx;
    char where[64];
    snprintf(where, sizeof(where), "%s.influxConfig", of);
    server->has_influx = value && !json_is_null(value);
    influx->tls.client_auth = true;
    int status =
        tm_read_members(r, value, where, influx_members, BASE_COUNT(influx_members), influx);
    if (status < 0 || !server->has_influx)
        return status;
    json_t *every = json_object_get(value, "pushIntervalInSecs");
    if (!influx->address || !influx->database || !every || json_is_null(every))
        return usage(r, where, "serverAddress, dbName and pushIntervalInSecs are expected");
    return read_tls(r, json_object_get(value, "sslConfig"), where, &influx->tls);
}

/* {"type": "INET", "port", "hostName"} or {"type": "UNIX", "path"}, of 0.8. */
static int read_socket(struct tm_reader *r, json_t *socket, const char *where,
                       struct tm_config_server *server)
{
    const char *type = json_string_value(json_object_get(socket, "type"));
    const char *path = json_string_value(json_object_get(socket, "path"));
    const char *host = json_string_value(json_object_get(socket, "hostName"));
    json_t *port = json_object_get(socket, "port");
    if (type && strcmp(type, "UNIX") == 0 && path)
        server->address = format(r, strncmp(path, "unix:", 5) == 0 ? "" : "unix:", path, -1);
    else if (type && strcmp(type, "INET") == 0 && host && json_is_integer(port))
        server->address =
            format(r, strstr(host, "://") ? "" : "http://", host, json_integer_value(port));
    else
        return usage(r, where, "serverSocket: {type: UNIX, path} or {type: INET, hostName, port}");
    return server->address ? 0 : err_set(r->detail, ERR_NOMEM, "out of memory");
}

static int read_server(struct tm_reader *r, json_t *value, size_t index,
                       struct tm_config_server *server)
{
    char where[32], cors_path[48], properties_path[48];
    snprintf(where, sizeof(where), "serverConfigs[%zu]", index);
    snprintf(cors_path, sizeof(cors_path), "%s.cors", where);
    snprintf(properties_path, sizeof(properties_path), "%s.properties", where);
    server->party_info_interval = 5000;
    server->resend_wait = 7200000;
    server->tls.client_auth = server->cors.credentials = true;
    int status =
        tm_read_members(r, value, where, server_members, BASE_COUNT(server_members), server);
    if (status < 0)
        return status;
    const char *app = json_string_value(json_object_get(value, "app"));
    unsigned i = 0;
    while (app && i < TM_APPS && strcmp(app, tm_app_name(i)) != 0)
        i++;
    if (!app || i == TM_APPS)
        return usage(r, where, "app: P2P, Q2T, ThirdParty, ADMIN or ENCLAVE is expected");
    server->app = i;
    const char *type = json_string_value(json_object_get(value, "communicationType"));
    if (type && strcmp(type, "REST") != 0 && strcmp(type, "UNIX_SOCKET") != 0) {
        (void)usage(r, where, "communicationType: REST is served; gRPC ended with Tessera 0.10");
        return ERR_UNSUPPORTED;
    }
    json_t *socket = json_object_get(value, "serverSocket");
    if (socket && !json_is_null(socket))
        status = read_socket(r, socket, where, server);
    if (status == 0)
        status = read_tls(r, json_object_get(value, "sslConfig"), where, &server->tls);
    if (status == 0)
        status = read_influx(r, json_object_get(value, "influxConfig"), where, server);
    json_t *cors = json_object_get(value, "cors");
    server->has_cors = json_is_object(cors);
    if (status == 0)
        status = tm_read_members(r, cors, cors_path, cors_members, BASE_COUNT(cors_members),
                                 &server->cors);
    if (status == 0)
        status = tm_read_members(r, json_object_get(value, "properties"), properties_path,
                                 property_members, BASE_COUNT(property_members), server);
    if (status == 0 && !server->address)
        status = usage(r, where, "serverAddress is missing");
    return status;
}

/* `server` and `unixSocketFile` of 0.7 and 0.8. */
static int read_old_server(struct tm_reader *r, json_t *root, struct tm_config_server *servers)
{
    json_t *old = json_object_get(root, "server");
    const char *socket = json_string_value(json_object_get(root, "unixSocketFile"));
    const char *host = json_string_value(json_object_get(old, "hostName"));
    const char *binding = json_string_value(json_object_get(old, "bindingAddress"));
    json_t *port = json_object_get(old, "port");
    if (!host || !json_is_integer(port) || !socket)
        return usage(r, "server", "hostName, port, and unixSocketFile beside it, are expected");
    for (size_t i = 0; i < 2; i++) {
        servers[i].party_info_interval = 5000;
        servers[i].resend_wait = 7200000;
        servers[i].tls.client_auth = true;
    }
    servers[0].app = TM_APP_Q2T;
    servers[0].address = format(r, "unix:", socket, -1);
    servers[1].app = TM_APP_P2P;
    servers[1].address =
        format(r, strstr(host, "://") ? "" : "http://", host, json_integer_value(port));
    if (binding)
        servers[1].binding = tm_copy_text(r->config, binding);
    r->config->server_count = 2;
    if (!servers[0].address || !servers[1].address)
        return err_set(r->detail, ERR_NOMEM, "out of memory");
    int status = read_tls(r, json_object_get(old, "sslConfig"), "server", &servers[1].tls);
    for (size_t i = 0; status == 0 && i < 2; i++)
        status = read_influx(r, json_object_get(old, "influxConfig"), "server", &servers[i]);
    return status;
}

int tm_read_servers(struct tm_reader *r, json_t *root)
{
    json_t *list = json_object_get(root, "serverConfigs");
    json_t *old = json_object_get(root, "server");
    bool has_list = json_is_array(list) && json_array_size(list) > 0;
    if (has_list && json_is_object(old))
        return usage(r, "serverConfigs", "cannot stand beside the older `server`");
    if (list && !json_is_null(list) && !json_is_array(list))
        return usage(r, "serverConfigs", "a list of objects is expected");
    size_t count = json_array_size(list);
    if (count > TM_CONFIG_SERVERS_MAX)
        return usage(r, "serverConfigs", "more than 16 entries");
    struct tm_config_server *servers =
        arena_alloc_zeroed(&r->config->arena, TM_CONFIG_SERVERS_MAX, sizeof(*servers));
    if (!servers)
        return err_set(r->detail, ERR_NOMEM, "out of memory");
    r->config->servers = servers;
    if (!has_list && json_is_object(old))
        return read_old_server(r, root, servers);
    for (size_t i = 0; i < count; i++) {
        int status = read_server(r, json_array_get(list, i), i, &servers[i]);
        if (status < 0)
            return status;
        r->config->server_count++;
    }
    return 0;
}

/* --- Checks --- */

static int check_end(const struct tm_config_end *end, const char *side, bool generate,
                     bool needs_own, struct err_detail *detail)
{
    static const char *const modes[] = {
#define X(name, text) text,
        TM_TRUST_LIST(X)
#undef X
    };
    size_t i = 0;
    while (end->trust && i < BASE_COUNT(modes) && strcmp(end->trust, modes[i]) != 0)
        i++;
    if (!end->trust || i == BASE_COUNT(modes))
        return err_set(detail, ERR_USAGE,
                       "configuration: sslConfig.%sTrustMode: CA, TOFU, WHITELIST, CA_OR_TOFU or "
                       "NONE is expected",
                       side);
    bool own = end->key_store || (end->key_path && end->certificate_path);
    if (needs_own && !own && !generate)
        return err_set(detail, ERR_USAGE,
                       "configuration: sslConfig: a %s needs %sTlsKeyPath with "
                       "%sTlsCertificatePath, or %sKeyStore, or generateKeyStoreIfNotExisted",
                       side, side, side, side);
    if (strcmp(end->trust, "CA") == 0 && !end->trust_store && end->trust_certificates.count == 0)
        return err_set(detail, ERR_USAGE,
                       "configuration: sslConfig.%sTrustMode CA needs %sTrustCertificates or "
                       "%sTrustStore",
                       side, side, side);
    return 0;
}

static int check_tls(const struct tm_config_tls *tls, struct err_detail *detail)
{
    if (!tls->strict)
        return 0;
    const char *type = tls->type ? tls->type : "SERVER_AND_CLIENT";
    int status = 0;
    if (strcmp(type, "CLIENT_ONLY") != 0)
        status = check_end(&tls->server, "server", tls->generate, true, detail);
    if (status == 0 && strcmp(type, "SERVER_ONLY") != 0)
        status = check_end(&tls->client, "client", tls->generate, tls->client_auth, detail);
    return status;
}

static bool is_address(const char *text)
{
    const char *rest = strncmp(text, "http://", 7) == 0    ? text + 7
                       : strncmp(text, "https://", 8) == 0 ? text + 8
                                                           : NULL;
    if (!rest)
        return strncmp(text, "unix:", 5) == 0 && text[5] != 0;
    const char *port = strrchr(rest, ':');
    size_t digits = port ? strspn(port + 1, "0123456789") : 0;
    return port && port != rest && digits > 0 && digits < 6 &&
           (port[1 + digits] == 0 || strcmp(port + 1 + digits, "/") == 0);
}

/* As a server's, and a path may follow: what stands before it in place of the database. */
static bool is_influx_address(const char *text)
{
    char origin[512];
    const char *host = strstr(text, "://");
    size_t len = host ? (size_t)(host - text) + 3 : 0;
    len += strcspn(text + len, "/");
    if (!host || strncmp(text, "http", 4) != 0 || len >= sizeof(origin))
        return false;
    memcpy(origin, text, len);
    origin[len] = 0;
    return is_address(origin) && !strstr(origin, "://0.0.0.0:");
}

static int check_influx(const struct tm_config_server *server, struct err_detail *detail)
{
    const struct tm_config_influx *influx = &server->influx;
    const char *name = tm_app_name(server->app);
    if (!server->has_influx)
        return 0;
    if (server->app == TM_APP_ENCLAVE)
        return err_set(detail, ERR_UNSUPPORTED,
                       "configuration: influxConfig of %s: an enclave counts no requests; leave it "
                       "out",
                       name);
    if (!is_influx_address(influx->address))
        return err_set(detail, ERR_USAGE,
                       "configuration: influxConfig.serverAddress of %s: http://host:port or "
                       "https://host:port is expected, not %.200s",
                       name, influx->address);
    if (influx->every_s == 0 || influx->every_s > TM_CONFIG_INTERVAL_MAX / 1000)
        return err_set(detail, ERR_USAGE,
                       "configuration: influxConfig.pushIntervalInSecs of %s: 1 to %d seconds",
                       name, TM_CONFIG_INTERVAL_MAX / 1000);
    return check_tls(&influx->tls, detail);
}

static int check_server(const struct tm_config_server *server, struct err_detail *detail)
{
    const char *name = tm_app_name(server->app);
    const char *const addresses[] = {server->address, server->binding};
    for (size_t i = 0; i < BASE_COUNT(addresses); i++)
        if (addresses[i] && !is_address(addresses[i]))
            return err_set(detail, ERR_USAGE,
                           "configuration: %s of %s: http://host:port, https://host:port or "
                           "unix:path is expected, not %.200s",
                           i ? "bindingAddress" : "serverAddress", name, addresses[i]);
    if (strstr(server->address, "://0.0.0.0:"))
        return err_set(detail, ERR_USAGE,
                       "configuration: serverAddress of %s is what others connect to; put 0.0.0.0 "
                       "into bindingAddress",
                       name);
    if (server->app == TM_APP_P2P && strncmp(server->address, "unix:", 5) == 0)
        return err_set(detail, ERR_USAGE,
                       "configuration: serverAddress of P2P must be http or https");
    if (server->party_info_interval == 0 || server->party_info_interval > TM_CONFIG_INTERVAL_MAX ||
        server->push_timeout > TM_CONFIG_INTERVAL_MAX ||
        server->resend_wait > TM_CONFIG_INTERVAL_MAX)
        return err_set(detail, ERR_USAGE,
                       "configuration: properties: intervals are 1 to %d milliseconds",
                       TM_CONFIG_INTERVAL_MAX);
    int status = check_influx(server, detail);
    return status < 0 ? status : check_tls(&server->tls, detail);
}

int tm_config_check(struct tm_config *config, struct err_detail *detail)
{
    size_t counts[TM_APPS] = {0};
    for (size_t i = 0; i < config->server_count; i++) {
        int status = check_server(&config->servers[i], detail);
        if (status < 0)
            return status;
        counts[config->servers[i].app]++;
    }
    if (counts[TM_APP_ENCLAVE] && !counts[TM_APP_P2P] && !counts[TM_APP_Q2T])
        return 0; /* an enclave's own configuration */
    if (counts[TM_APP_P2P] != 1)
        return err_set(detail, ERR_USAGE,
                       "configuration: serverConfigs: exactly one P2P server must be configured");
    if (config->bootstrap && counts[TM_APP_Q2T])
        return err_set(detail, ERR_USAGE, "configuration: a bootstrapNode has no Q2T server");
    if (!config->bootstrap && !counts[TM_APP_Q2T])
        return err_set(detail, ERR_USAGE,
                       "configuration: serverConfigs: at least one Q2T server must be configured");
    if (!config->jdbc_url)
        return err_set(detail, ERR_USAGE, "configuration: jdbc.url is missing");
    if (config->key_count == 0 && !counts[TM_APP_ENCLAVE] && !config->bootstrap)
        return err_set(detail, ERR_USAGE, "configuration: keys.keyData: at least one key pair");
    return 0;
}
