/* A peer's secrets from the vault into the files that the reference's pods have, in memory of the pod. */
#include "base/base64.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "crypto/secp256k1.h"
#include "init/init.h"
#include "vault/vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *manager = "tessera", *keystore = "keystore_1", *engine = "ask";
static const char *node_secret = "quorum", *manager_secret = "transaction", *certificate_secret;
static const char *enode; /* the published id: 128 hex digits */

static const struct options_row rows[] = {
    {"manager", "KIND", OPTIONS_TEXT, &manager,
     "tessera (also a database's user), constellation or none"},
    {"keystore", "NAME", OPTIONS_TEXT, &keystore, "file of the account's key"},
    {"kv", "VERSION", OPTIONS_TEXT, &engine, "the engine's: 1, 2, or ask"},
    {"node-secret", "NAME", OPTIONS_TEXT, &node_secret, "the node's secret"},
    {"certificate-secret", "NAME", OPTIONS_TEXT, &certificate_secret,
     "the secret of the manager's certificate (default: it has none here)"},
    {"manager-secret", "NAME", OPTIONS_TEXT, &manager_secret, "the transaction manager's secret"},
    {"enode", "ID", OPTIONS_TEXT, &enode,
     "the node's published id, 128 hex digits: another node key than its is refused"},
};

/* For which managers a file is there. */
enum { NONE = 1, TESSERA = 2, CONSTELLATION = 4, ANY = NONE | TESSERA | CONSTELLATION };

struct entry {
    const char *file, *field;
    unsigned managers;
    bool newline; /* the reference's file ends with one */
    bool base64;  /* of what the file is */
};

static const struct entry of_node[] = {
    {"passwords.txt", "gethpassword", ANY, false, false},
    {"nodekey", "nodekey", ANY, false, false},
    {NULL, "keystore", ANY, false, false}, /* its name is an option */
    {"username", "db_user", TESSERA, true, false},
    {"password", "db_password", TESSERA, true, false},
};
static const struct entry of_manager[] = {
    {"tm.pub", "tm.pub", TESSERA | CONSTELLATION, false, false},
    {"tm.key", "tm.key", TESSERA | CONSTELLATION, false, false},
};
static const struct entry of_certificate[] = {
    {"tls.pem", "ambassadorcrt", TESSERA | CONSTELLATION, false, true},
    {"tls.key", "ambassadorkey", TESSERA | CONSTELLATION, false, true},
};

struct source {
    struct vault *vault;
    char mount[VAULT_PATH_MAX];
    const char *prefix; /* below the mount */
    char folder[INIT_PATH_MAX];
    enum vault_kv kv;
    unsigned manager;
};

/* Lines are broken by those who wrote it with openssl. */
static int append_base64(struct buf *content, const char *text)
{
    struct buf joined = BUF_INIT;
    for (; *text; text++)
        if (*text != '\n' && *text != '\r')
            buf_append(&joined, text, 1);
    int status = buf_status(&joined);
    if (status == ERR_OK)
        status = base64_decode(content, buf_bytes(&joined));
    if (joined.data)
        mem_wipe(joined.data, joined.capacity);
    buf_release(&joined);
    return status;
}

static int write_field(const struct source *s, const json_t *fields, const char *path,
                       const struct entry *e, struct err_detail *detail)
{
    const char *text;
    int status = vault_field(&text, fields, path, e->field, detail);
    if (status != ERR_OK)
        return status;
    struct buf content = BUF_INIT;
    if (e->base64 && append_base64(&content, text) == ERR_INPUT) {
        buf_release(&content);
        return err_set(detail, ERR_INPUT, "the secret %s/%s: field %s is not base64", s->mount,
                       path, e->field);
    }
    if (!e->base64)
        buf_append_text(&content, text);
    if (e->newline && content.len && text[strlen(text) - 1] != '\n')
        buf_append_text(&content, "\n");
    status = content.status == ERR_OK ? init_write_secret(s->folder, e->file ? e->file : keystore,
                                                          buf_bytes(&content), detail)
                                      : err_set(detail, content.status, "out of memory");
    if (content.data)
        mem_wipe(content.data, content.len);
    buf_release(&content);
    return status;
}

/* The others know the node, and count its votes, by the key that was published. */
static int check_published(const json_t *fields, const char *path, struct err_detail *detail)
{
    struct crypto_private_key key;
    struct crypto_public_key is, wanted;
    const char *text;
    int status = vault_field(&text, fields, path, "nodekey", detail);
    if (status != ERR_OK)
        return status;
    bool good = strlen(text) == 2 * sizeof(key.b) && hex_decode_exact(text, key.b, sizeof(key.b)) &&
                crypto_public_key_of(&is, &key);
    mem_wipe(&key, sizeof(key));
    if (!good)
        return err_set(detail, ERR_INPUT, "the secret %s: field nodekey is no node key", path);
    if (hex_decode_exact(enode, wanted.b, sizeof(wanted.b)) &&
        memcmp(is.b, wanted.b, sizeof(is.b)) == 0)
        return ERR_OK;
    return err_set(detail, ERR_INPUT,
                   "the secret %s: field nodekey is not the key of the published enode %.16s...; "
                   "the others would not know this node: put the key back, which an engine of "
                   "version 2 has as an earlier version",
                   path, enode);
}

static int fetch(const struct source *s, const char *name, const struct entry *entries,
                 size_t count, struct err_detail *detail)
{
    char path[VAULT_PATH_MAX];
    json_t *fields = NULL;
    int len = snprintf(path, sizeof(path), "%s/%s", s->prefix, name);
    if (len < 0 || (size_t)len >= sizeof(path))
        return err_set(detail, ERR_LIMIT, "VAULT_SECRET_PREFIX is too long");
    int status = vault_read(s->vault, &fields, s->mount, path, s->kv, 0, detail);
    if (status == ERR_OK && enode && entries == of_node)
        status = check_published(fields, path, detail);
    for (size_t i = 0; i < count && status == ERR_OK; i++) {
        if (!(entries[i].managers & s->manager))
            continue;
        status = write_field(s, fields, path, &entries[i], detail);
        if (status == ERR_OK)
            printf("%s: field %s of %s/%s\n", entries[i].file ? entries[i].file : keystore,
                   entries[i].field, s->mount, path);
    }
    vault_drop(fields);
    return status;
}

static const char *variable(const char *name, int *status, struct err_detail *detail)
{
    const char *value = getenv(name);
    if (value && value[0])
        return value;
    if (*status == ERR_OK)
        *status = err_set(detail, ERR_USAGE, "%s is not set in the environment", name);
    return "";
}

/* "<mount>/<rest>"; later releases write "data/" of version 2's address into the prefix. */
static int split_prefix(struct source *s, const char *prefix, struct err_detail *detail)
{
    const char *slash = strchr(prefix, '/');
    if (!slash || slash == prefix || !slash[1] || strlen(prefix) >= sizeof(s->mount))
        return err_set(detail, ERR_USAGE, "VAULT_SECRET_PREFIX: MOUNT/PATH is expected, not %.200s",
                       prefix);
    memcpy(s->mount, prefix, (size_t)(slash - prefix));
    s->mount[slash - prefix] = '\0';
    s->prefix = strncmp(slash, "/data/", 6) == 0 ? slash + 6 : slash + 1;
    return ERR_OK;
}

static int read_options(struct source *s, struct err_detail *detail)
{
    static const char *const managers[] = {"none", "tessera", "constellation"};
    static const char *const engines[] = {"ask", "1", "2"};
    static const enum vault_kv kvs[] = {VAULT_KV_ASK, VAULT_KV_1, VAULT_KV_2};
    bool known = false;
    for (size_t i = 0; i < BASE_COUNT(engines); i++)
        if (strcmp(engine, engines[i]) == 0) {
            s->kv = kvs[i];
            known = true;
        }
    for (size_t i = 0; i < BASE_COUNT(managers); i++)
        if (strcmp(manager, managers[i]) == 0)
            s->manager = 1u << i;
    if (!known)
        return err_set(detail, ERR_USAGE, "--kv: 1, 2 or ask is expected");
    if (!s->manager)
        return err_set(detail, ERR_USAGE, "--manager: tessera, constellation or none is expected");
    if (certificate_secret && s->manager == NONE)
        return err_set(detail, ERR_USAGE, "--certificate-secret: without a manager there is none");
    if (enode && strlen(enode) != 2 * sizeof(struct crypto_public_key))
        return err_set(detail, ERR_USAGE, "--enode: 128 hex digits are expected");
    if (!keystore[0] || strchr(keystore, '/'))
        return err_set(detail, ERR_USAGE, "--keystore: the name of a file is expected");
    return ERR_OK;
}

static int fetch_all(struct source *s, struct err_detail *detail)
{
    int status = ERR_OK;
    if (s->kv == VAULT_KV_ASK)
        status = vault_engine(s->vault, &s->kv, s->mount, detail);
    if (status == ERR_OK)
        status = fetch(s, node_secret, of_node, BASE_COUNT(of_node), detail);
    if (status == ERR_OK && s->manager != NONE)
        status = fetch(s, manager_secret, of_manager, BASE_COUNT(of_manager), detail);
    if (status == ERR_OK && certificate_secret)
        status = fetch(s, certificate_secret, of_certificate, BASE_COUNT(of_certificate), detail);
    return status;
}

static int certificates(struct err_detail *detail)
{
    struct source s = {.vault = NULL};
    int status = read_options(&s, detail);
    const char *jwt = getenv("VAULT_JWT_FILE"), *authority = getenv("VAULT_CACERT");
    const char *prefix = variable("VAULT_SECRET_PREFIX", &status, detail);
    const char *mount = variable("MOUNT_PATH", &status, detail);
    const char *plain = getenv("VAULT_ALLOW_PLAIN_HTTP");
    struct vault_options options = {
        .url = variable("VAULT_ADDR", &status, detail),
        .plain_http = plain && strcmp(plain, "true") == 0,
        .ca_path = authority && authority[0] ? authority : NULL,
        .auth = VAULT_AUTH_KUBERNETES,
        .mount = variable("KUBERNETES_AUTH_PATH", &status, detail),
        .role = variable("VAULT_APP_ROLE", &status, detail),
        .jwt_path = jwt && jwt[0] ? jwt : NULL,
    };
    if (status == ERR_OK)
        status = split_prefix(&s, prefix, detail);
    if (status == ERR_OK)
        status = init_path(s.folder, mount, "keys", detail);
    if (status == ERR_OK)
        status = file_make_folders(s.folder, 0700, detail);
    if (status == ERR_OK && !options.plain_http && vault_is_plain(options.url))
        status = err_set(detail, ERR_USAGE,
                         "VAULT_ADDR is %s: by plain http tokens and keys would go in clear; use "
                         "https, or set VAULT_ALLOW_PLAIN_HTTP to true (vault.allowPlainHttp of "
                         "the chart)",
                         options.url);
    if (status == ERR_OK)
        status = vault_open(&s.vault, &options, detail);
    if (status == ERR_OK)
        status = fetch_all(&s, detail);
    vault_close(s.vault);
    return status;
}

static int run(size_t argc, char **argv)
{
    struct err_detail detail = {""};
    (void)argv;
    int status = argc ? err_set(&detail, ERR_USAGE, "certificates takes no arguments")
                      : certificates(&detail);
    return status == ERR_OK ? COMMANDS_OK : init_complain(status, &detail);
}

const struct commands_command init_certificates = {
    .text = {"certificates", "", "fetch a peer's secrets from the vault",
             "Logs in as the pod's service account. The environment says where: VAULT_ADDR, "
             "VAULT_SECRET_PREFIX (MOUNT/PATH), KUBERNETES_AUTH_PATH, VAULT_APP_ROLE, MOUNT_PATH "
             "(files go to its folder keys, mode 0400), VAULT_CACERT, and VAULT_ALLOW_PLAIN_HTTP: "
             "true lets http:// lead out of the pod. A secret or a field that is missing or empty "
             "is a failure."},
    .rows = rows,
    .row_count = BASE_COUNT(rows),
    .run = run,
};
