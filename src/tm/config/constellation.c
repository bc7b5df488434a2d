/*
 * Constellation's configuration: a subset of TOML (name = value; texts, numbers, lists of texts over several lines), and
 * the same items as --name=value, where lists are separated by commas and win over the file.
 */
#include "base/base64.h"
#include "base/file.h"
#include "base/options.h"
#include "tm/config/config_priv.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_VALUES_MAX = 1024 };

struct items {
    const char *url, *port, *workdir, *socket, *passwords, *storage, *tls, *verbosity;
    struct tm_texts othernodes, publickeys, privatekeys, alwayssendto, ipwhitelist;
    const char *server_cert, *server_key, *server_trust, *known_clients;
    const char *client_cert, *client_key, *client_trust, *known_servers;
    struct tm_texts server_chain, client_chain;
};

#define TEXT(name, field) {name, false, offsetof(struct items, field)}
#define LIST(name, field) {name, true, offsetof(struct items, field)}

static const struct {
    const char *name;
    bool list;
    size_t offset;
} items[] = {
    TEXT("url", url),
    TEXT("port", port),
    TEXT("workdir", workdir),
    TEXT("socket", socket),
    LIST("othernodes", othernodes),
    LIST("publickeys", publickeys),
    LIST("privatekeys", privatekeys),
    LIST("alwayssendto", alwayssendto),
    TEXT("passwords", passwords),
    TEXT("storage", storage),
    LIST("ipwhitelist", ipwhitelist),
    TEXT("tls", tls),
    TEXT("tlsservercert", server_cert),
    LIST("tlsserverchain", server_chain),
    TEXT("tlsserverkey", server_key),
    TEXT("tlsservertrust", server_trust),
    TEXT("tlsknownclients", known_clients),
    TEXT("tlsclientcert", client_cert),
    LIST("tlsclientchain", client_chain),
    TEXT("tlsclientkey", client_key),
    TEXT("tlsclienttrust", client_trust),
    TEXT("tlsknownservers", known_servers),
    TEXT("verbosity", verbosity),
    /* of 0.0.1 */
    TEXT("socketPath", socket),
    LIST("otherNodeUrls", othernodes),
    LIST("publicKeyPath", publickeys),
    LIST("privateKeyPath", privatekeys),
    LIST("archivalPublicKeyPath", alwayssendto),
    TEXT("storagePath", storage),
    LIST("ipWhitelist", ipwhitelist),
};

struct parser {
    struct tm_config *config;
    struct items *items;
    struct err_detail *detail;
    const char *where;
};

static int usage(struct parser *p, const char *name, const char *what)
{
    return err_set(p->detail, ERR_USAGE, "%s: %.100s: %s", p->where, name, what);
}

static int set_item(struct parser *p, const char *name, const char **values, size_t count)
{
    const char *known[BASE_COUNT(items)];
    size_t i = 0;
    while (i < BASE_COUNT(items) && strcmp(items[i].name, name) != 0) {
        known[i] = items[i].name;
        i++;
    }
    if (i == BASE_COUNT(items)) {
        const char *nearest = options_nearest(name, known, BASE_COUNT(items));
        return err_set(p->detail, ERR_USAGE, "%s: there is no item %.100s%s%s%s", p->where, name,
                       nearest ? " (did you mean " : "", nearest ? nearest : "",
                       nearest ? "?)" : "");
    }
    uint8_t *target = (uint8_t *)p->items + items[i].offset;
    if (!items[i].list) {
        if (count != 1)
            return usage(p, name, "one value is expected");
        memcpy(target, &values[0], sizeof(values[0]));
        return 0;
    }
    const char **copy = arena_alloc(&p->config->arena, (count + 1) * sizeof(*copy));
    if (!copy)
        return err_set(p->detail, ERR_NOMEM, "out of memory");
    if (count)
        memcpy(copy, values, count * sizeof(*copy));
    struct tm_texts list = {copy, count};
    memcpy(target, &list, sizeof(list));
    return 0;
}

/* --- The file --- */

static const char *skip(const char *at)
{
    for (;;) {
        at += strspn(at, " \t\r\n,");
        if (*at != '#')
            return at;
        at += strcspn(at, "\n");
    }
}

/* A text in quotes, or a bare word. NULL when it does not end. */
static const char *read_value(struct parser *p, const char *at, const char **ret_value)
{
    char quote = *at == '"' || *at == '\'' ? *at : 0;
    size_t len = quote ? strcspn(++at, quote == '"' ? "\"\n" : "'\n") : strcspn(at, " \t\r\n,#]");
    char *copy = arena_alloc(&p->config->arena, len + 1);
    if (!copy || (quote && at[len] != quote))
        return NULL;
    memcpy(copy, at, len);
    copy[len] = 0;
    *ret_value = copy;
    return at + len + (quote ? 1 : 0);
}

static int read_toml(struct parser *p, const char *text)
{
    const char *values[LINE_VALUES_MAX];
    const char *at = skip(text);
    while (*at) {
        char name[64];
        size_t len = strcspn(at, " \t=\n"), count = 0;
        snprintf(name, sizeof(name), "%.*s", (int)(len < 60 ? len : 60), at);
        at += len;
        at += strspn(at, " \t");
        if (*at != '=')
            return usage(p, name, "'=' and a value are expected behind a name");
        at++;
        at += strspn(at, " \t");
        bool list = *at == '[';
        at = list ? skip(at + 1) : at;
        while (*at && count < LINE_VALUES_MAX && !(list && *at == ']')) {
            at = read_value(p, at, &values[count++]);
            if (!at)
                return usage(p, name, "a text that does not end");
            if (!list)
                break;
            at = skip(at);
        }
        if (list && *at != ']')
            return usage(p, name, "a list that does not end");
        int status = set_item(p, name, values, count);
        if (status < 0)
            return status;
        at = skip(at + (list ? 1 : 0));
    }
    return 0;
}

static int read_argument(struct parser *p, const char *argument)
{
    const char *values[LINE_VALUES_MAX];
    const char *equals = strchr(argument, '=');
    char name[64];
    size_t count = 0;
    if (!equals || strncmp(argument, "--", 2) != 0)
        return usage(p, argument, "--item=value is expected");
    snprintf(name, sizeof(name), "%.*s",
             (int)(equals - argument - 2 < 60 ? equals - argument - 2 : 60), argument + 2);
    bool list = false;
    for (size_t i = 0; i < BASE_COUNT(items); i++)
        list |= items[i].list && strcmp(items[i].name, name) == 0;
    for (const char *at = equals + 1; count < LINE_VALUES_MAX;) {
        size_t len = list ? strcspn(at, ",") : strlen(at);
        char *copy = arena_alloc(&p->config->arena, len + 1);
        if (!copy)
            return err_set(p->detail, ERR_NOMEM, "out of memory");
        memcpy(copy, at, len);
        copy[len] = 0;
        if (len || !list)
            values[count++] = copy;
        at += len;
        if (*at != ',')
            break;
        at++;
    }
    return set_item(p, name, values, count);
}

/* --- Into the manager's configuration --- */

static const char *path_in(struct parser *p, const char *workdir, const char *path)
{
    struct buf b = BUF_INIT;
    if (workdir && path && path[0] != '/')
        buf_append_format(&b, "%s/", workdir);
    buf_append_text(&b, path ? path : "");
    const char *copy = path ? tm_copy_text(p->config, buf_text(&b)) : NULL;
    buf_release(&b);
    return copy;
}

static const char *trust_name(const char *text)
{
    static const char *const names[][2] = {{"whitelist", "WHITELIST"},
                                           {"tofu", "TOFU"},
                                           {"ca", "CA"},
                                           {"ca-or-tofu", "CA_OR_TOFU"},
                                           {"insecure-no-validation", "NONE"}};
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        if (strcmp(names[i][0], text) == 0)
            return names[i][1];
    return NULL;
}

static int fill_tls(struct parser *p, struct tm_config_server *server)
{
    struct items *in = p->items;
    const char *w = in->workdir;
    struct tm_config_tls *tls = &server->tls;
    tls->client_auth = tls->generate = true;
    tls->strict = !in->tls || strcmp(in->tls, "strict") == 0;
    if (!tls->strict && strcmp(in->tls, "off") != 0)
        return usage(p, "tls", "strict or off is expected");
    tls->server = (struct tm_config_end){
        .certificate_path =
            path_in(p, w, in->server_cert ? in->server_cert : "tls-server-cert.pem"),
        .key_path = path_in(p, w, in->server_key ? in->server_key : "tls-server-key.pem"),
        .trust_certificates = in->server_chain,
        .trust = trust_name(in->server_trust ? in->server_trust : "ca-or-tofu"),
        .known_file = path_in(p, w, in->known_clients ? in->known_clients : "tls-known-clients")};
    tls->client = (struct tm_config_end){
        .certificate_path =
            path_in(p, w, in->client_cert ? in->client_cert : "tls-client-cert.pem"),
        .key_path = path_in(p, w, in->client_key ? in->client_key : "tls-client-key.pem"),
        .trust_certificates = in->client_chain,
        .trust = trust_name(in->client_trust ? in->client_trust : "ca-or-tofu"),
        .known_file = path_in(p, w, in->known_servers ? in->known_servers : "tls-known-servers")};
    if (!tls->server.trust || !tls->client.trust)
        return usage(p, "tlsservertrust, tlsclienttrust",
                     "whitelist, tofu, ca, ca-or-tofu or insecure-no-validation is expected");
    return 0;
}

static int fill_servers(struct parser *p)
{
    struct tm_config *c = p->config;
    struct buf b = BUF_INIT;
    c->servers = arena_alloc_zeroed(&c->arena, 2, sizeof(*c->servers));
    if (!c->servers)
        return err_set(p->detail, ERR_NOMEM, "out of memory");
    if (!p->items->url || !p->items->port || strcmp(p->items->port, "0") == 0)
        return usage(p, "url, port", "are missing");
    for (size_t i = 0; i < 2; i++) {
        c->servers[i].party_info_interval = 5000;
        c->servers[i].resend_wait = 7200000;
    }
    struct tm_config_server *p2p = &c->servers[c->server_count++];
    p2p->app = TM_APP_P2P;
    p2p->address = p->items->url;
    buf_append_format(&b, "http://0.0.0.0:%s", p->items->port);
    p2p->binding = tm_copy_text(c, buf_text(&b));
    int status = fill_tls(p, p2p);
    if (p->items->socket) {
        struct tm_config_server *q2t = &c->servers[c->server_count++];
        buf_clear(&b);
        buf_append_format(&b, "unix:%s", path_in(p, p->items->workdir, p->items->socket));
        q2t->app = TM_APP_Q2T;
        q2t->address = tm_copy_text(c, buf_text(&b));
    }
    buf_release(&b);
    return status;
}

/* Constellation names files of public keys; the manager wants the keys. */
static int fill_forwarding(struct parser *p)
{
    struct tm_texts *from = &p->items->alwayssendto;
    const char **keys = arena_alloc(&p->config->arena, (from->count + 1) * sizeof(*keys));
    if (!keys)
        return err_set(p->detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < from->count; i++) {
        struct buf text = BUF_INIT;
        int status =
            file_read(path_in(p, p->items->workdir, from->items[i]), 4096, &text, p->detail);
        keys[i] = status < 0 ? NULL : tm_copy_text(p->config, buf_text(&text));
        buf_release(&text);
        if (status < 0)
            return status;
    }
    p->config->always_send_to = (struct tm_texts){keys, from->count};
    return 0;
}

static int fill_keys(struct parser *p)
{
    struct tm_config *c = p->config;
    struct items *in = p->items;
    if (in->publickeys.count != in->privatekeys.count)
        return usage(p, "publickeys, privatekeys", "as many of one as of the other are expected");
    c->key_count = in->privatekeys.count;
    c->keys = arena_alloc_zeroed(&c->arena, c->key_count + 1, sizeof(*c->keys));
    if (!c->keys)
        return err_set(p->detail, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < c->key_count; i++) {
        c->keys[i].private_path = path_in(p, in->workdir, in->privatekeys.items[i]);
        c->keys[i].public_path = path_in(p, in->workdir, in->publickeys.items[i]);
    }
    c->password_file = path_in(p, in->workdir, in->passwords);
    return fill_forwarding(p);
}

/* Its own storages are read by `quorate-tm migrate`; what is stored from now on goes into a SQLite file beside them. */
static int fill_storage(struct parser *p)
{
    const char *storage = p->items->storage ? p->items->storage : "dir:storage";
    static const char *const kinds[] = {"bdb:", "dir:", "leveldb:", "sqlite:"};
    const char *kind = kinds[0]; /* without a word for it, it is that */
    struct buf old = BUF_INIT, new = BUF_INIT;
    if (strcmp(storage, "memory") == 0) {
        p->config->jdbc_url = "memory";
        return 0;
    }
    for (size_t i = 0; i < BASE_COUNT(kinds); i++)
        if (strncmp(storage, kinds[i], strlen(kinds[i])) == 0) {
            kind = kinds[i];
            storage += strlen(kind);
            break;
        }
    const char *path = path_in(p, p->items->workdir, storage);
    buf_append_format(&old, "%s%s", kind, path ? path : "");
    buf_append_format(&new, "jdbc:sqlite:%s.quorate.sqlite", path ? path : "");
    p->config->storage = path ? tm_copy_text(p->config, buf_text(&old)) : NULL;
    p->config->jdbc_url = path ? tm_copy_text(p->config, buf_text(&new)) : NULL;
    buf_release(&old);
    buf_release(&new);
    return p->config->jdbc_url && p->config->storage
               ? 0
               : err_set(p->detail, ERR_NOMEM, "out of memory");
}

static int fill_verbosity(struct parser *p)
{
    const char *level = p->items->verbosity;
    if (level && (!*level || strspn(level, "0123456789") != strlen(level)))
        return usage(p, "verbosity", "0, 1, 2 or 3 is expected");
    /* Constellation takes what is above its highest level as that; BAF's charts say 9. */
    p->config->verbosity = level && (strlen(level) > 1 || *level > '3') ? "3" : level;
    return 0;
}

/* `where` names the text in messages. */
static int parse(struct tm_config *ret_config, const char *where, const struct buf *text, int argc,
                 char *const *argv, struct err_detail *detail)
{
    struct items in = {.url = NULL};
    struct parser p = {ret_config, &in, detail, where};
    int status = text->len && memchr(text->data, 0, text->len)
                     ? usage(&p, "the file", "is no text")
                     : read_toml(&p, buf_text((struct buf *)(uintptr_t)text));
    p.where = "command line";
    for (int i = 0; status == 0 && i < argc; i++)
        status = read_argument(&p, argv[i]);
    p.where = "configuration";
    ret_config->constellation = true;
    ret_config->create_tables = true;
    ret_config->peers = in.othernodes;
    ret_config->ip_white_list = in.ipwhitelist;
    if (status == 0)
        status = fill_servers(&p);
    if (status == 0)
        status = fill_keys(&p);
    if (status == 0)
        status = fill_storage(&p);
    if (status == 0)
        status = fill_verbosity(&p);
    return status;
}

static int load(struct tm_config *ret_config, const char *where, struct buf *text, int argc,
                char *const *argv, struct err_detail *detail)
{
    memset(ret_config, 0, sizeof(*ret_config));
    arena_init_limited(&ret_config->arena, 16 * TM_CONFIG_MAX_TEXT);
    int status = parse(ret_config, where, text, argc, argv, detail);
    buf_release(text);
    if (status < 0)
        tm_config_release(ret_config);
    return status;
}

int tm_config_constellation(struct tm_config *ret_config, const char *path, int argc,
                            char *const *argv, struct err_detail *detail)
{
    struct buf text = BUF_INIT;
    int status = path ? file_read(path, TM_CONFIG_MAX_TEXT, &text, detail) : 0;
    if (status < 0)
        buf_release(&text);
    return status < 0 ? status
                      : load(ret_config, path ? path : "command line", &text, argc, argv, detail);
}

int tm_config_constellation_parse(struct tm_config *ret_config, struct bytes text, int argc,
                                  char *const *argv, struct err_detail *detail)
{
    struct buf copy = BUF_INIT;
    buf_append_bytes(&copy, text);
    if (buf_status(&copy) < 0)
        return err_set(detail, ERR_NOMEM, "out of memory");
    return load(ret_config, "the text", &copy, argc, argv, detail);
}
